/* SPDX-License-Identifier: MIT */
/*
 * Finds the roots of address spaces in memory, from the bytes of the tables alone.
 *
 *   memory --sieve--> places that could be a top table --prove--> roots --rank--> roots that nothing contradicts
 *
 *   roots.c   pw_roots_find: the parts of a search, and its result
 *   choose.c  the formats to try
 *   sieve.c   reads all of the memory once, on several threads; most places fail at their first bytes
 *   chunks.c  the pieces of memory that threads take, and which of their pages are all zeros
 *   prove.c   follows the entries of a place down to the pages. Each table is judged once for each level
 *   judged.c  the tables that were judged, which threads share
 *   rank.c    drops tables that are below other roots; finds the kernel's root; tells who uses a root
 *   vectors.c does a root map what a CPU needs at an exception?
 *   copy.c    a slow source is copied first
 *   stack.c   the name of a program, from the top of its stack
 *
 * Bounds: a table is read once for each level at which it could be, and at most PW_ROOTS_TABLES are
 * remembered. A level is always below the one that leads to it, so a search of any bytes ends.
 */
#ifndef PW_ROOTS_ROOTS_H
#define PW_ROOTS_ROOTS_H

#include <pthread.h>
#include <string.h>

#include <pagewalk/survey.h>

#include "base/cancel.h"
#include "base/hash.h"
#include "memory/memory.h"
#include "walk/step.h"

enum {
	PW_ROOTS_FORMATS = 64, /* that one search tries */
	/* Judged tables that are remembered: 48 bytes each, and 8 for finding it. */
	PW_ROOTS_TABLES = 1 << 22,
	/* Places that pass the sieve. A machine has fewer processes than that. */
	PW_ROOTS_PLACES = 1 << 20,
	PW_ROOTS_TABLE_BYTES = 64 << 10, /* the largest table of any format */
};

/* What the formats differ in, beyond struct pw_format. */
enum pw_roots_kind {
	PW_ROOTS_PLAIN, /* a top table can be anywhere that is aligned to its size */
	PW_ROOTS_TYPED, /* s390x: entries name the level of their table */
	PW_ROOTS_LISTED, /* powerpc radix: a process table lists the root words */
};

/* One format to try. */
struct pw_roots_try {
	const struct pw_format *format;
	struct pw_regime regime; /* of a root at address 0: what the reading functions need */
	struct pw_regime kept; /* the same in Linux's view, which knows what Linux keeps in holes */
	enum pw_roots_kind kind;
	unsigned top; /* level of top tables; PW_ROOTS_TYPED has them from 1 up to this */
	bool zero_is_hole; /* an entry of all zeros maps nothing */
	/* Bits that an entry of a top table must have, and must not have, to lead to a table in memory. */
	uint64_t set, clear;
	/* Bits below the address of a page or table that the architecture wants to be zero. */
	uint64_t reserved;
	bool plain; /* an entry of a top table is zero or leads to a table */
};

/* A place that could be a top table. */
struct pw_roots_place {
	pw_pa table;
	uint64_t word; /* the root word, if the memory holds it */
	uint8_t top;
	bool named; /* the source says that it is a root */
};

struct pw_roots_places {
	struct pw_roots_place *place;
	size_t count, room;
	bool full; /* there were more than PW_ROOTS_PLACES */
};

/* Adds a place. False: memory is short. */
bool pw_roots_keep(struct pw_roots_places *places, const struct pw_roots_place *place);

enum {
	/* A thread of the sieve takes that much at a time. A multiple of every table's size. */
	PW_ROOTS_CHUNK = 2 << 20,
	PW_ROOTS_PAGE = 4096,
	PW_ROOTS_PAGES = PW_ROOTS_CHUNK / PW_ROOTS_PAGE, /* of a chunk */
};

/* All chunks of a memory, numbered. A segment that does not begin with a chunk has a part of one. */
struct pw_roots_chunks {
	uint64_t *first; /* by segment: the number of its first chunk */
	uint64_t count;
	/* A bit for each page: it is in the memory, and all zeros. Whoever has a chunk writes its words. */
	uint64_t *zero;
};

/* The search as a whole. */
struct pw_roots_search {
	const struct pw_memory *memory;
	const struct pw_roots_options *options;
	pw_pa ram_last; /* the last address of the memory */
	bool tables_only; /* the pages are not in the image */
	struct pw_roots_chunks chunks;
};

/* Numbers the chunks of search->memory. Returns 0 or -ENOMEM. The caller calls pw_roots_chunks_end in any case. */
int pw_roots_chunks_init(struct pw_roots_search *search);
void pw_roots_chunks_end(struct pw_roots_search *search);

/* The addresses of chunk @number, inclusive, as far as its segment has them; returns the segment. */
const struct pw_segment *pw_roots_chunk(const struct pw_roots_search *search, uint64_t number,
					pw_pa *first_ret, pw_pa *last_ret);

/*
 * Is the table of @bytes at @pa, aligned to its size, known to be all zeros? False also if it is not known; in
 * the memory of a machine that runs, nothing is.
 */
bool pw_roots_known_zero(const struct pw_roots_search *search, pw_pa pa, size_t bytes);

/*
 * Fills @tries, which have room for PW_ROOTS_FORMATS, with the formats that search->options name; otherwise with those
 * of the memory's CPUs, or of its machine, or all. Returns their number.
 */
size_t pw_roots_choose(const struct pw_roots_search *search, struct pw_roots_try *tries);

/*
 * Finds the places for all of @tries, in one pass over the memory. places[i] belongs to tries[i]; the
 * caller frees them. Returns 0, -ENOMEM or -ECANCELED.
 */
int pw_roots_sieve(const struct pw_roots_search *search, const struct pw_roots_try *tries,
		   size_t count, struct pw_roots_places *places);

/* Loads entry @index of a table that was copied to @bytes. */
static inline uint64_t pw_roots_load(const struct pw_format *f, const unsigned char *bytes,
				     size_t index)
{
	uint64_t raw = 0;
	uint32_t narrow;

	if (f->entry_lg2 == 2) {
		memcpy(&narrow, bytes + 4 * index, sizeof(narrow));
		raw = narrow;
	} else {
		memcpy(&raw, bytes + 8 * index, sizeof(raw));
	}
	return pw_entry_number(raw, f->entry_lg2, f->big_endian);
}

/* 64 bytes of zeros, at any address? */
PW_INLINE bool pw_roots_is_zero(const unsigned char *bytes)
{
	uint64_t word[8];

	memcpy(word, bytes, sizeof(word));
	return !(word[0] | word[1] | word[2] | word[3] | word[4] | word[5] | word[6] | word[7]);
}

enum pw_roots_verdict {
	PW_ROOTS_NEUTRAL, /* nothing that speaks for or against it: all of its pages are in swap */
	PW_ROOTS_GOOD,
	PW_ROOTS_BAD,
	PW_ROOTS_EMPTY,
};

/* A table that was judged. The bytes are those that it maps, and can be too many to count. */
struct pw_roots_node {
	pw_pa table;
	uint64_t user, kernel;
	uint32_t score; /* tables of level 0 and large pages below it that look right */
	uint32_t claimed; /* number of the root that leads here, plus 1; 0: none does */
	uint8_t level, bits, verdict;
};

/* ---- the tables that were judged (judged.c) ---- */

enum {
	PW_ROOTS_SHARDS = 64,
	PW_ROOTS_UNDER_WAY = 255, /* in place of a verdict: a thread judges the table just now */
};

/* A part of the tables, by their hash. */
struct pw_roots_shard {
	pthread_mutex_t lock; /* protects the rest while there are several threads */
	pthread_cond_t changed; /* a table was judged, or the search ends; if somebody waits */
	unsigned waiting;
	struct pw_roots_node *nodes;
	size_t count, room;
	uint32_t *slots; /* mask + 1 numbers of nodes, plus 1 */
	size_t mask;
};

/* The tables of one format. What a table is does not depend on who leads to it, nor on the order of judging. */
struct pw_roots_judged {
	struct pw_hash_key key;
	struct pw_roots_shard shard[PW_ROOTS_SHARDS];
	size_t count; /* of all shards; atomic */
	int status; /* why the search ended early: -ENOMEM, -E2BIG, -ECANCELED; atomic */
};

int pw_roots_judged_init(struct pw_roots_judged *judged);
void pw_roots_judged_end(struct pw_roots_judged *judged);

/* Notes why the search ends early; the first reason counts. */
void pw_roots_judged_fail(struct pw_roots_judged *judged, int status);
int pw_roots_judged_status(const struct pw_roots_judged *judged);

enum pw_roots_turn {
	PW_ROOTS_KNOWN, /* *node has the verdict */
	PW_ROOTS_MINE, /* the caller judges it, and calls pw_roots_judged_finish */
	PW_ROOTS_OTHERS, /* another thread judges it */
	PW_ROOTS_FAILED, /* nobody does: judged->status says why */
};

/* Whose turn is it to judge the table of @node, which has table, level and bits? */
enum pw_roots_turn pw_roots_judged_begin(struct pw_roots_judged *judged,
					 struct pw_roots_node *node);
void pw_roots_judged_finish(struct pw_roots_judged *judged, const struct pw_roots_node *node);

/* Waits until the thread that judges the table of @node has done so. False: judged->status says why it has not. */
bool pw_roots_judged_wait(struct pw_roots_judged *judged, struct pw_roots_node *node);

/* The node of a table, or NULL. Only for one thread, and until the next table is judged. */
struct pw_roots_node *pw_roots_judged_find(const struct pw_roots_judged *judged, pw_pa table,
					   unsigned level, unsigned bits);

/* How many good tables do roots lead to? */
size_t pw_roots_judged_claimed(const struct pw_roots_judged *judged);

/* ---- following places (prove.c) ---- */

/* One thread's part of following the places of one format. */
struct pw_roots_prover {
	const struct pw_roots_search *search;
	const struct pw_roots_try *attempt;
	struct pw_roots_judged *judged;
	unsigned char *buffer[PW_MAX_LEVELS]; /* a table at each level */
	int status; /* as judged->status */
};

/* Returns 0 or -ENOMEM. The caller calls pw_roots_prover_end in any case. */
int pw_roots_prover_init(struct pw_roots_prover *prover, const struct pw_roots_search *search);
void pw_roots_prover_end(struct pw_roots_prover *prover);

/* The regime of a place. False: its word cannot be a root. */
bool pw_roots_regime(const struct pw_roots_prover *prover, const struct pw_roots_place *place,
		     struct pw_regime *regime);

/* Judges the table @at, and all tables below it. False: prover->status says why not. */
bool pw_roots_judge(struct pw_roots_prover *prover, const struct pw_regime *regime,
		    const struct pw_table_at *at, struct pw_roots_node *node);

/* Notes that root number @root leads to the tables below @at, which were judged. Ends early if it is cancelled. */
void pw_roots_claim(struct pw_roots_prover *prover, const struct pw_regime *regime,
		    const struct pw_table_at *at, uint32_t root);

/* Is @table in a table below another root than @root? */
bool pw_roots_is_claimed(const struct pw_roots_prover *prover, pw_pa table, unsigned top,
			 uint32_t root);

/* A root that was proved, on its way to the result. */
struct pw_roots_proof {
	struct pw_roots_place place;
	struct pw_regime regime;
	uint64_t user, kernel; /* bytes that it maps */
	uint64_t own; /* user bytes that the kernel's root does not map in the same way */
	uint32_t score;
	bool dropped;
};

/* The proofs of one format. */
struct pw_roots_proofs {
	struct pw_roots_proof *proof;
	size_t count;
	size_t kernel; /* number of the kernel's root; count: none is known */
	size_t tables; /* distinct tables that look right */
	size_t copies; /* roots that map a part of the kernel, and nothing else */
};

/* Follows a place. False: it is no root. */
bool pw_roots_prove(struct pw_roots_prover *prover, const struct pw_roots_place *place,
		    struct pw_roots_proof *proof);

/* ---- exception vectors (vectors.c) ---- */

enum pw_roots_seen {
	PW_ROOTS_NOT_ASKED, /* nobody knows where they are, or the image does not have them */
	PW_ROOTS_SEEN,
	PW_ROOTS_UNSEEN, /* no CPU's are mapped: the root is in doubt */
};

/*
 * Does @regime map the exception vectors of CPU number @cpu (-1: of any)? Unless the answer is PW_ROOTS_NOT_ASKED, or
 * comes from no CPU at all, *at_ret is where they are. Any bytes of tables give an answer.
 */
enum pw_roots_seen pw_roots_see_vectors(const struct pw_roots_search *search,
					const struct pw_regime *regime, long cpu, pw_va *at_ret);

/* The same, of any CPU, if the root of @regime were the kernel's own. */
enum pw_roots_seen pw_roots_see_kernel(const struct pw_roots_search *search,
				       const struct pw_regime *regime);

/* Do the kernel and processes have roots of their own, of which a CPU uses two at a time? */
bool pw_roots_apart(const struct pw_format *format);

/*
 * Do two top tables of a PV guest of Xen map the same user memory? So do the two of one process: the kernel's and that
 * for user mode (arch/x86/xen/mmu_pv.c).
 */
bool pw_roots_same_user(const struct pw_memory *memory, pw_pa table, pw_pa other);

/* Drops what is below other roots, finds the kernel's root, and counts what roots map for themselves. */
void pw_roots_rank(struct pw_roots_prover *prover, struct pw_roots_proofs *proofs);

/*
 * Copies what the CPUs of a slow memory map, with the CPUs. The caller closes the copy. Returns 0, or a negative errno
 * and a sentence.
 */
int pw_roots_copy(const struct pw_memory *memory, const struct pw_roots_options *options,
		  struct pw_memory **copy_ret, struct pw_error *error);

/*
 * The name of the program in the space of @regime, from the top of the stack, below @limit. Linux keeps it
 * there: create_elf_tables(), setup_arg_pages(). False: it is not known.
 */
bool pw_roots_program(const struct pw_roots_search *search, const struct pw_regime *regime,
		      pw_va limit, char *text, size_t room);

#endif
