/* SPDX-License-Identifier: MIT */
/*
 * pagewalk sim: a script of mmap, touch, fork, pin, ... on address spaces of any format (man page pagewalk-sim(5)).
 *
 *     words.c    the script's words, with line and column; numbers and sizes
 *     parse.c    statements: all errors of a script are found before anything runs
 *     verbs.c    what each verb wants
 *     run.c      what each verb does
 *     files.c    verbs on files and devices
 *     pins.c     verbs on pins, and why one was refused
 *     state.c    what everything looks like after a step: VMAs, entries, folios
 *     text.c     the result as text
 *     page.c     the result as a page to step through; draw.c has its pictures
 */
#ifndef CLI_SIM_SIM_H
#define CLI_SIM_SIM_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <pagewalk/pagewalk.h>

enum {
	SIM_NAME = 32,
	SIM_TEXT = 400,
	SIM_OBJECTS = 64,
	SIM_PIN_PAGES = 4096,
	SIM_STATEMENTS = 100000
};

/* ---- the script ---- */

enum sim_verb {
	SIM_EXPECT,
	/* the machine */
	SIM_MM,
	SIM_FILE,
	SIM_SHARED,
	SIM_HUGETLB,
	SIM_SECRET,
	SIM_DEVICE,
	SIM_RECLAIM,
	/* an address space */
	SIM_MMAP,
	SIM_MUNMAP,
	SIM_MPROTECT,
	SIM_MREMAP,
	SIM_MADVISE,
	SIM_MLOCK,
	SIM_MUNLOCK,
	SIM_MSYNC,
	SIM_MINCORE,
	SIM_TOUCH,
	SIM_WRITE,
	SIM_READ,
	SIM_FORK,
	SIM_EXIT,
	SIM_PIN,
	SIM_MIGRATE,
	SIM_POISON,
	SIM_SPLIT,
	SIM_COLLAPSE,
	SIM_NUMA,
	/* a file or a device */
	SIM_TRUNCATE,
	SIM_PUNCH,
	SIM_SYNC,
	SIM_REVOKE,
	SIM_CLOSE,
	/* a pin */
	SIM_UNPIN,
	SIM_PUT,
	SIM_GET,
	SIM_VERBS,
};

/* What a name stands for. */
enum sim_kind { SIM_NOTHING, SIM_IS_MM, SIM_IS_FILE, SIM_IS_DEVICE, SIM_IS_PIN };

/* A statement. Sizes are in bytes; which members count depends on the verb (verbs.c). */
struct sim_statement {
	enum sim_verb verb;
	unsigned line, column;
	char source[SIM_TEXT]; /* the line, without comment and space around it */
	char who[SIM_NAME], name[SIM_NAME]; /* the one before the colon; another one */
	pw_va va, to;
	uint64_t bytes, more, offset;
	int prot, flags, advice;
	unsigned pin; /* PW_PIN_ */
	bool write, has_to;
	char text[SIM_TEXT]; /* "..." */
};

struct sim_script {
	const char *path;
	struct pw_machine_options machine;
	struct sim_statement *statement;
	size_t count, room;
};

/* Reads a script. 0, or TOOL_FAILED after a message with line and column. */
int sim_parse(const char *path, FILE *stream, struct sim_script *script);
void sim_script_free(struct sim_script *script);

/* ---- words.c ---- */

struct sim_line {
	const char *path;
	unsigned number;
	char text[SIM_TEXT];
	const char *at; /* the rest */
	const char *word; /* where the last word began */
	uint64_t page; /* bytes of a page */
	bool reported; /* what is wrong with it was said */
};

uint64_t sim_page_bytes(const struct pw_format *format);
/* The next word: up to a space, or a text in quotes. False: the line ends here. */
bool sim_word(struct sim_line *line, char *word, size_t size);
bool sim_at_end(struct sim_line *line);
/* Reports an error at the last word, if it is the line's first. Returns false. */
bool sim_wrong(struct sim_line *line, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* A number of bytes: 0x1000, 4096, 4K, 2M, 3p (pages). False after a message. */
bool sim_bytes(struct sim_line *line, const char *what, uint64_t *bytes_ret);
/* As sim_bytes, of a word that was read. False without a message. */
bool sim_number(const struct sim_line *line, const char *word, uint64_t *number_ret);
bool sim_name(struct sim_line *line, const char *what, char name[SIM_NAME]);

/* ---- verbs.c ---- */

/* What a verb is called, what it is said of, and what follows it. */
struct sim_verb_info {
	const char *name;
	enum sim_kind of;
	const char *usage;
	bool (*parse)(struct sim_line *line, struct sim_statement *statement);
	enum sim_kind makes; /* what statement->name is from then on */
};
extern const struct sim_verb_info sim_verbs[SIM_VERBS];

/* ---- the run ---- */

struct sim_pin {
	struct sim_object *mm; /* NULL once it exited */
	struct pw_reader *reader;
	unsigned flags;
	size_t count;
	pw_pa page[SIM_PIN_PAGES];
};

struct sim_object {
	char name[SIM_NAME];
	enum sim_kind kind; /* SIM_NOTHING: it is gone */
	const char *gone; /* then: how. "was closed" */
	struct pw_mm *mm;
	struct pw_vcpu *cpu;
	struct pw_file *file;
	struct pw_device *device;
	struct sim_pin *pin;
	int fd; /* of a host's file, else -1 */
};

/* What became of a step. `word` is what `expect` compares; `text` is a sentence. */
struct sim_outcome {
	char word[SIM_TEXT];
	char text[SIM_TEXT];
};

struct sim_run {
	const struct sim_script *script;
	struct pw_machine *machine;
	uint64_t page;
	struct sim_object object[SIM_OBJECTS];
	unsigned objects;
	/* For pins whose address space exits: their pages are given back through it. */
	struct pw_mm *keeper;
	struct pw_vcpu *keeper_cpu;
};

int sim_run_init(struct sim_run *run, const struct sim_script *script);
void sim_run_deinit(struct sim_run *run);
/* Does one statement. */
void sim_do(struct sim_run *run, const struct sim_statement *statement,
	    struct sim_outcome *outcome);
struct sim_object *sim_find(struct sim_run *run, const char *name);
struct sim_object *sim_add(struct sim_run *run, const char *name, enum sim_kind kind);
/* Adds a name for what could not be made. */
void sim_add_failed(struct sim_run *run, const char *name);
/* Says that what a statement is about is gone, and how. */
void sim_answer_gone(struct sim_outcome *outcome, const struct sim_object *object);

/* Fills @outcome from what a call returned: 0 or more is "done". */
void sim_answer(struct sim_outcome *outcome, int64_t code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void sim_answer_fault(struct sim_outcome *outcome, const struct pw_fault *fault);
/* The bytes that were read, as a text in quotes. At most SIM_TEXT - 3. */
void sim_answer_text(struct sim_outcome *outcome, const char *text, size_t bytes);
const char *sim_errno_name(int64_t code);

void sim_do_file(struct sim_run *run, const struct sim_statement *statement, struct sim_object *who,
		 struct sim_outcome *outcome);
void sim_do_pin(struct sim_run *run, const struct sim_statement *statement, struct sim_object *who,
		struct sim_outcome *outcome);

/* ---- state.c ---- */

enum { SIM_ROWS = 512, SIM_FOLIOS = 256, SIM_AREAS = 64 };

struct sim_area {
	unsigned mm; /* position in run->object */
	struct pw_vma_info vma;
	unsigned first_row, rows; /* its pages in `row` */
	uint64_t hidden; /* pages that are not shown */
};

/* One page of an address space: what its entry says. */
struct sim_row {
	unsigned mm;
	pw_va va;
	struct pw_result result;
	struct pw_trace trace;
	int folio; /* in `folio`, or -1 */
};

struct sim_folio {
	struct pw_folio_info info;
	char label[SIM_NAME];
};

struct sim_state {
	struct sim_area area[SIM_AREAS];
	unsigned areas;
	struct sim_row row[SIM_ROWS];
	unsigned rows;
	struct sim_folio folio[SIM_FOLIOS];
	unsigned folios;
};

void sim_look(struct sim_run *run, struct sim_state *state);
/* "page", "huge page", "zero page", or NULL if there is none. */
const char *sim_row_page(const struct sim_run *run, const struct sim_row *row);
/* What there is to say of a page beside its address: "rw-u, anonymous, exclusive". */
void sim_row_rest(const struct sim_run *run, const struct sim_state *state,
		  const struct sim_row *row, char *text, size_t size);
/* An entry in words: "page 0x3000, read-only". */
void sim_row_words(const struct sim_run *run, const struct sim_state *state,
		   const struct sim_row *row, char *text, size_t size);
void sim_folio_words(const struct sim_folio *folio, char *text, size_t size);

/* ---- results ---- */

void sim_text_step(const struct sim_run *run, const struct sim_statement *statement,
		   const struct sim_outcome *outcome, const struct sim_state *before,
		   const struct sim_state *after);
void sim_page_begin(FILE *stream, const struct sim_script *script);
void sim_page_step(FILE *stream, const struct sim_run *run, unsigned number,
		   const struct sim_statement *statement, const struct sim_outcome *outcome,
		   const struct sim_state *state);
void sim_page_end(FILE *stream);
/* One picture: VMAs, tables, folios. @alone: a file of its own, with its style. */
void sim_draw(FILE *stream, const struct sim_run *run, const struct sim_state *state,
	      unsigned number, bool alone);

#endif
