/* SPDX-License-Identifier: MIT */
/*
 * Scenarios as text: tables, folios, and threads that work on them; for what the laboratory knows of pagewalk.
 *
 *     about    a pin beside an unmap; the page is used again
 *     format   x86_64 s390x
 *     folio P
 *     map 0x10000 P
 *     thread pinner: pin 0x10000
 *     thread unmapper: unmap 0x10000 drop
 *     thread user: folio Q
 *     mutant no-leaf-recheck
 *
 *   parse.c   text to struct scene, errors with line and column; parser.h lists its parts
 *   world.c   what a run works on; reclaim, as operations of the laboratory
 *   tables.c  which tables there are, and which are gone
 *   ops.c     the operations, by the public functions of space.h and pin.h
 *   mms.c     machines and address spaces, and their operations, by the functions of mm.h
 *   mm_check.c  whether all that they count is right at the end
 *   stand.c   what stands in for locks, files and shootdowns of src/mm
 *   cpus.c    processors with TLBs
 *   users.c   handlers of user faults
 *   visits.c  walks with callbacks
 *   check.c   what must hold after an operation, and at the end
 *   words.c   how addresses and entries read in a trace
 *   state.c   the tables and folios as they are at a step, for the page of a finding
 *   main.c    the program pagewalk-lab
 *
 * This folder is compiled as it is, and the library that it calls is instrumented: so only what the library does
 * is a step.
 */
#ifndef RACE_SCENE_SCENE_H
#define RACE_SCENE_SCENE_H

#include <pagewalk/pagewalk.h>

#include "lab/race/race.h"

enum {
	SCENE_OPS = 128, /* in all threads and the setup */
	SCENE_FOLIOS = 24,
	SCENE_FLAGS = 16,
	SCENE_FORMATS = 40,
	SCENE_MUTANTS = 16,
	SCENE_NEVER = 8,
	SCENE_FINALS = 16,
	SCENE_MMS = 4,
	SCENE_FILES = 2,
	SCENE_SEEN = 4, /* contents that a page may have */
	SCENE_HELD = 8, /* pages of a pin of an address space */
	SCENE_NAME = 32,
	SCENE_TEXT = 200,
	SCENE_SETUP = RACE_THREADS, /* who executes the operations of the setup */
	SCENE_NONE = -1,
};

enum scene_op_kind {
	SCENE_FOLIO, /* allocates */
	SCENE_MAP,
	SCENE_UNMAP,
	SCENE_PROTECT,
	SCENE_SPLIT, /* of large pages in the tables */
	SCENE_COLLAPSE,
	SCENE_PIN,
	SCENE_READ, /* translates, in a section */
	SCENE_PUT, /* gives references back */
	SCENE_GET, /* takes references, if the folio is there */
	SCENE_BREAK, /* makes single pages of a folio */
	SCENE_SHARE,
	SCENE_OWN,
	SCENE_TRUNCATE,
	SCENE_DIRTY,
	SCENE_LOOK, /* at the pins of a folio */
	SCENE_COPY, /* as fork: write-protects, and looks at the pins */
	SCENE_WAIT,
	SCENE_DRAIN,
	SCENE_POKE, /* stores an entry as a writer that keeps no rule */
	SCENE_PEEK, /* loads an entry in halves, as a 32-bit host does */
	SCENE_RETIRE, /* takes a table out and frees it, whoever else uses it */
	SCENE_COPY_BEGIN, /* the parts of copy, for other orders */
	SCENE_COPY_END,
	SCENE_ENTER, /* a section that lasts for several operations */
	SCENE_LEAVE,
	SCENE_WRITE, /* stores into a page, as a program does */
	SCENE_VISIT, /* walks with callbacks */
	/* Of an address space (mms.c). */
	SCENE_ANONYMOUS, /* maps */
	SCENE_SHARED,
	SCENE_PRIVATE,
	SCENE_FAULT,
	SCENE_STORE, /* as a program does */
	SCENE_LOAD,
	SCENE_FORK,
	SCENE_SWAP_OUT,
	SCENE_MIGRATE,
	SCENE_SPLIT_FOLIO,
	SCENE_COLLAPSE_HUGE,
	SCENE_DROP, /* MADV_DONTNEED */
	SCENE_FREE, /* MADV_FREE */
	SCENE_MUNMAP,
	SCENE_MREMAP,
	SCENE_MPROTECT,
	SCENE_PIN_FAST,
	SCENE_PIN_SLOW,
	SCENE_PIN_ANY, /* the fast path, then the slow one */
	SCENE_WALK,
	SCENE_FTRUNCATE,
	SCENE_REVOKE, /* of a device's memory, from page `value` on */
	SCENE_REGISTER, /* a handler of user faults, which puts pages with `value` in place */
	SCENE_USER_COPY,
	SCENE_USER_CONTINUE,
	SCENE_USER_PROTECT,
	SCENE_USER_UNPROTECT,
	SCENE_OP_KINDS,
	SCENE_FIRST_OF_MM = SCENE_ANONYMOUS,
};

struct scene_op {
	enum scene_op_kind kind;
	unsigned line; /* in the file */
	int thread; /* or SCENE_SETUP */
	pw_va va;
	uint64_t pages; /* base pages; 0 for one */
	int folio; /* or SCENE_NONE */
	uint64_t from; /* map: the folio's first page that is mapped. share, own, poke: its page */
	unsigned order; /* folio */
	enum pw_folio_kind folio_kind;
	uint32_t attr; /* map, protect */
	unsigned flags; /* pin: enum pw_pin_flags */
	uint32_t references; /* put, get, break */
	int flag; /* is set if the operation succeeds in what the name says; or SCENE_NONE */
	int condition; /* the operation is left out unless this is set; or SCENE_NONE */
	bool must; /* it is a finding if it does not succeed */
	bool limited; /* pin: it is a finding if more than `most` pages come */
	uint64_t most;
	bool ranges; /* pin: the pages come as ranges */
	bool touch; /* pin: loads from each page that came */
	bool drop; /* unmap: gives back one reference for each page */
	bool hold; /* pin: the pages are kept */
	unsigned level; /* poke, peek, retire */
	int half; /* poke: 0 all, 1 the low half of the entry, 2 the high one */
	bool before; /* poke: what the setup has left there */
	bool like; /* poke: what the setup has left at the entry for `like_va` */
	pw_va like_va;
	bool outside; /* map, poke: a page at address `pa`, which is not of a folio */
	uint64_t pa;
	/* ---- of an address space ---- */
	int mm, child, file; /* or SCENE_NONE */
	pw_va to_va; /* mremap */
	int prot; /* anonymous, shared, private, mprotect */
	bool huge; /* anonymous: MADV_HUGEPAGE */
	bool unshare; /* fault */
	unsigned modes; /* register: enum pw_user_fault */
	bool refuse; /* register: the handler lets nobody write to a page that is protected */
	uint32_t value; /* store, user-copy, register; ftruncate: pages */
	uint32_t sees[SCENE_SEEN]; /* load, pins: what the page may hold */
	unsigned seen; /* how many of them; 0: anything */
	uint32_t is; /* load: it succeeds if this is there; 0: if anything is */
	uint32_t writes; /* pins: what a device stores in the first page; 0: nothing */
};

/* What must hold when all threads have ended. */
enum scene_final_kind {
	SCENE_FINAL_FREE, /* the page is free */
	SCENE_FINAL_REFERENCES, /* its folio has `value` references: a pin of a small one is 1024 */
	SCENE_FINAL_DIRTY, /* its folio is dirty */
	SCENE_FINAL_MAPS, /* `va` leads to the page */
	SCENE_FINAL_ZERO, /* to the zero page */
	SCENE_FINAL_NONE, /* nothing is mapped at `va` */
	SCENE_FINAL_FRAMES, /* `value` frames are free */
	SCENE_FINAL_FAULTS, /* more was given back than was taken, `value` times */
	SCENE_FINAL_IN, /* `mm` has at `va` one of `sees`, or nothing */
	SCENE_FINAL_KEPT, /* the page that it has there cannot be dropped */
	SCENE_FINAL_PINNED_AT, /* the page that `flag` holds is the one of `mm` at `va` */
	SCENE_FINAL_PINNED_HOLDS, /* it has one of `sees` in it */
};

struct scene_final {
	enum scene_final_kind kind;
	unsigned line;
	pw_va va;
	int folio;
	uint64_t page, value;
	uint64_t size; /* of the leaf at `va`, in base pages; 0: any */
	int mm, flag;
	uint32_t sees[SCENE_SEEN];
	unsigned seen; /* 0: nothing is there */
};

struct scene_folio {
	char name[SCENE_NAME];
	int thread; /* that allocates it, and alone may name it; or SCENE_SETUP */
	uint64_t owner; /* the folio's identity: no other has it */
	unsigned order;
};

struct scene_thread {
	char name[SCENE_NAME];
	bool reads; /* it needs a reader */
	int mm; /* of the reader, or SCENE_NONE */
	bool accesses; /* it loads and stores as a processor does */
};

struct scene_mm {
	char name[SCENE_NAME];
	int thread; /* that forks it; or SCENE_SETUP */
};

struct scene_file {
	char name[SCENE_NAME];
	uint64_t pages;
	enum scene_file_kind { SCENE_SHMEM, SCENE_SECRET, SCENE_DEVICE } kind;
};

struct scene {
	char name[SCENE_NAME];
	char about[SCENE_TEXT], source[SCENE_TEXT];
	char path[256];
	char format[SCENE_FORMATS][SCENE_NAME];
	unsigned formats;
	unsigned levels; /* 0: as deep as usual */
	uint64_t frames;
	enum scene_reclaim { SCENE_RCU, SCENE_IPI, SCENE_AT_ONCE } reclaim;
	struct scene_thread thread[RACE_THREADS];
	unsigned threads;
	struct scene_folio folio[SCENE_FOLIOS];
	unsigned folios;
	char flag[SCENE_FLAGS][SCENE_NAME];
	unsigned flags;
	struct scene_op op[SCENE_OPS]; /* those of a thread in its order */
	unsigned ops;
	struct {
		char name[SCENE_NAME];
		bool tso_only; /* without a store buffer nothing goes wrong */
	} mutant[SCENE_MUTANTS];
	unsigned mutants;
	struct {
		int flag[2];
	} never[SCENE_NEVER]; /* pairs that must not both be set at the end */
	unsigned nevers;
	struct scene_final final[SCENE_FINALS];
	unsigned finals;
	/* A machine of address spaces, in place of one space: if there is any. */
	struct scene_mm mm[SCENE_MMS];
	unsigned mms;
	struct scene_file file[SCENE_FILES];
	unsigned files;
	uint64_t swap, movable; /* pages */
	bool huge, huge_files, real_locks, tlb;
	uint64_t
		batch; /* pages that are taken out of tables before they are freed; 0: as many as usual */
	uint64_t groups; /* sizes of folios that faults use: bit n, 2^n base pages */
	bool expect_finding; /* even as it is: for writers that keep no rule */
	bool expect_tso_only; /* under total store order alone */
};

/* ---- parse.c ---- */

/* Reads a scenario. False: *error_ret says line, column and what is wrong. @name is its name in messages. */
bool scene_parse(struct scene *scene, const char *name, const char *text, struct pw_error *error);

/* ---- world.c ---- */

struct scene_world {
	const struct scene *scene;
	const struct pw_format *format;
	struct pw_arena *arena;
	struct pw_space *space;
	struct pw_reader *reader[RACE_THREADS];
	pw_pa folio[SCENE_FOLIOS]; /* ~0: not allocated */
	bool flag[SCENE_FLAGS]; /* of this run; each is written by one thread */
	/* poke: the entry in the tables of the setup, or NULL; and what the setup left there, or at `like_va`. */
	unsigned char *entry[SCENE_OPS];
	uint64_t before[SCENE_OPS];
	/* ---- mms.c ---- */
	struct pw_machine *machine;
	struct pw_mm *mm[SCENE_MMS];
	struct pw_file *file[SCENE_FILES];
	struct pw_device *device[SCENE_FILES];
	struct pw_vcpu *cpu[RACE_THREADS]; /* for pins; no shootdown knows it */
	uint64_t inside[RACE_THREADS]; /* odd: the thread's processor is in an access */
	const void *fill[SCENE_OPS]; /* register, user-copy: the page */
	pw_pa held[SCENE_OPS][SCENE_HELD];
	unsigned holds[SCENE_OPS]; /* how many of them, in this run */
	pw_pa walked[SCENE_OPS]; /* the page that a walk found in this run; ~0: none */
};
extern struct scene_world world;

/* Makes arena, tables and readers, and executes the setup's operations. Exits with a sentence if it cannot. */
void scene_setup(void);
/* The body of every thread. */
void scene_thread(void);
/* Fills what the laboratory runs. @scene and @result live as long as the search. */
void scene_scenario(const struct scene *scene, struct pw_lab_scenario *scenario);

/* The library's reclaim, as the laboratory has it. */
extern const struct pw_sync_ops scene_sync;
void scene_give_up(const char *what);
/* The arena's memory becomes one that a child process has a copy of. */
void scene_make_private(struct pw_arena *arena);

/* ---- mms.c ---- */

void scene_setup_mms(void);
/* To be called at the end of the setup: notes which pages the operations will work on. */
void scene_prepare_mms(void);
void scene_execute_mm(const struct scene_op *op);
/* The VMA's entry for @va, by no step. */
struct pw_slot;
void scene_slot(const struct pw_mm *mm, pw_va va, struct pw_slot *slot);
/* The page behind it; ~0 if it is no page. */
pw_pa scene_page_at(const struct pw_mm *mm, pw_va va);
/* The word of the content at @pa. */
uint32_t *scene_content(pw_pa pa);

/* ---- cpus.c ---- */

/* Gives the thread's processor a TLB. */
void scene_make_tlb(unsigned thread);
/* A load or store through it. False: it faults for good. */
bool scene_access_tlb(const struct scene_op *op, uint32_t *value);

/* ---- users.c ---- */

/* To be called before the setup's operations. */
void scene_prepare_users(void);
/* 0 or a negative errno. */
int scene_user(const struct scene_op *op, struct pw_mm *mm);

/* ---- visits.c ---- */

void scene_visit(const struct scene_op *op);

/* ---- mm_check.c ---- */

void scene_check_mm_final(const struct scene_final *final);
/* Are all references, counts of entries and swap slots those that are in use? */
void scene_audit(void);

/* ---- stand.c ---- */

void scene_stand_begin(void);
/* The content of a swap slot. */
void *scene_swap_slot(uint32_t slot);

/* ---- tables.c ---- */

/* The level of the table that is, or was, at @pa; -1 if there was none. */
int scene_table_level(pw_pa pa, pw_pa *table_ret);
/* Is there, or was there, a table in this memory? */
bool scene_tables_in(pw_pa pa, uint64_t bytes);
/* Where the entry of @level for @va is now; NULL if no table leads there. No step. */
unsigned char *scene_entry(pw_va va, unsigned level);

/* ---- ops.c ---- */

/* The operation has done what its name says, or has not. */
void scene_done(const struct scene_op *op, bool value);

void scene_execute(const struct scene_op *op);
/* To be called at the end of the setup: notes what the pokes will find. */
void scene_prepare_pokes(void);

/* ---- check.c ---- */

unsigned scene_page_lg2(void);
/* How many base pages the operation works on, and the last address of them. */
uint64_t scene_pages(const struct scene_op *op);
pw_va scene_last(const struct scene_op *op);
/* A page came by @op, which holds it, for @va: it must be there, and one that belongs there. */
void scene_check_held(const struct scene_op *op, pw_va va, pw_pa pa);
/* The same for a page that is not held, as far as it can be known without that. */
void scene_check_seen(const struct scene_op *op, pw_va va, pw_pa pa);
/* A folio was taken: somebody must have it. */
void scene_check_taken(const struct scene_op *op, pw_pa pa);
/* What must hold when all threads have ended. */
void scene_check(void);

/* ---- words.c ---- */

/* "pte", "pmd", "segment": the architecture's word for an entry of this level. */
void scene_level_words(unsigned level, char *text, size_t size);
/* What an entry of this level means. */
void scene_entry_words(unsigned level, uint64_t e, char *text, size_t size);

void scene_words_init(void);

/* ---- state.c ---- */

struct race_facts;
/* Adds a row for the top, for each table that it leads to, and for each folio. */
void scene_state(struct race_facts *facts);

#endif
