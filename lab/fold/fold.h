/* SPDX-License-Identifier: MIT */
/*
 * The folding laboratory: each strategy in turn walks one range on the same tables, and a result records
 * everything that happened. Pictures, texts and tests use struct fold_result alone.
 *
 * The kernel walks five levels everywhere; on a machine with fewer levels, it folds the others
 * (format/fold_style.h).
 */
#ifndef LAB_FOLD_H
#define LAB_FOLD_H

#include <stdio.h>

#include <pagewalk/pagewalk.h>

#include "format/fold_style.h"

static const uint32_t FOLD_NO_TURN = UINT32_MAX;

/* Returns style @index, in the order of the formats, or NULL if there are no more. */
const struct fold_style *fold_style_at(size_t index);
/* The style of this name for a format, or its usual one if @name is NULL. NULL if there is none. */
const struct fold_style *fold_style_find(const struct pw_format *format, const char *name);

enum fold_strategy {
	FOLD_A, /* static ends, stack copies passed down: the regression */
	FOLD_B, /* as a, with value-aware ends in the fast walk only */
	FOLD_C, /* value-aware ends in every walk */
	FOLD_D, /* pointer and value passed together: what Linux adopted */
	FOLD_E, /* pagewalk's own walker, starting at the real top */
	FOLD_D2020, /* d before arm64 needed the pointer at a level folded statically */
	FOLD_STRATEGIES,
};

/* "a" ... "e", "d2020". */
const char *fold_strategy_name(enum fold_strategy strategy);
/* One line about it, for people. */
const char *fold_strategy_title(enum fold_strategy strategy);
/* "pgd", ... for a level 0..4. */
const char *fold_level_name(unsigned level);

enum fold_walk_kind {
	FOLD_FAST, /* get_user_pages_fast: values passed down, ends at the first doubt */
	FOLD_PAGEWALK, /* mm/pagewalk.c: pointers passed down, holes skipped */
};

/* The memory beside a stack copy. */
enum fold_neighbour {
	FOLD_NEIGHBOUR_ENTRY, /* the caller's copy of the same entry: the silent case */
	FOLD_NEIGHBOUR_NONE, /* an empty entry: the lucky case */
};

/* Where a pointer to an entry points, and how it got there. */
enum fold_where {
	FOLD_IN_TABLE, /* entry `index` of the table at `table`; index may have left it */
	FOLD_ON_STACK, /* `index` words behind a copy of an entry; 0 is the copy */
	FOLD_STRAY, /* entry `index` of the table, if the copy were inside one */
};

struct fold_place {
	enum fold_where where;
	uint8_t level; /* real level of the table, or of the table that the copy came from */
	uint8_t copy; /* ON_STACK, STRAY: level of the function whose parameter the copy is */
	pw_pa table; /* likewise */
	uint32_t index;
	uint32_t entries; /* of the table */
	uint32_t source; /* ON_STACK, STRAY: index in `table` of the entry that was copied */
};

/* One turn of one loop. */
struct fold_turn {
	uint8_t level; /* whose loop: 0..4 */
	bool folded; /* the entry belongs to another level: passed on unchecked */
	bool departed; /* the word that was read is not an entry of the table */
	bool broken; /* the step invariant does not hold: place is not `expected` */
	bool outside; /* the table is not in the memory */
	uint32_t iteration; /* of this loop, from 0 */
	uint32_t parent; /* turn that called this loop: index in turn[], FOLD_NO_TURN at the top */
	pw_va first, last; /* the range as cropped for this turn */
	struct fold_place place; /* what was read */
	struct fold_place expected; /* broken: what the address selects; no `entries`: nothing */
	uint64_t value;
};

/* A page that a walk found, cropped to the range: one per leaf. */
struct fold_page {
	pw_va va;
	pw_pa pa;
	uint64_t length;
	uint32_t turn; /* the turn that found it */
	bool expected; /* the oracle has a page at va, at `expected_pa` */
	bool mapped; /* the oracle has `pa` somewhere: at `mapped_at` */
	pw_pa expected_pa;
	pw_va mapped_at;
};

struct fold_result {
	enum fold_strategy strategy;
	enum fold_walk_kind walk;
	const struct fold_style *style;
	uint8_t top; /* real level of the top table in this walk */
	pw_va first, last;
	struct fold_turn *turn; /* in the order of the walk */
	size_t turns;
	struct fold_page *page;
	size_t pages;
	uint64_t turns_of[FOLD_LEVELS];
	uint64_t loads; /* words of tables read */
	uint64_t entries; /* how many different ones these were */
	uint64_t most_loads; /* of one and the same entry */
	uint64_t stack_loads; /* copies, and what stands beside them */
	uint64_t departures; /* turns that departed */
	uint64_t broken; /* turns whose step invariant does not hold */
	uint64_t missing; /* pages that the oracle has, this walk should have found, and did not */
	bool right; /* every page found is the oracle's; pagewalk: and none is missing */
	bool stopped; /* fast: ended before the range did */
	pw_va stopped_at;
	char verdict[240]; /* one sentence */
};

/* The true mapping of the tables. It does not depend on the walks that it judges. */
struct fold_oracle {
	/* Is there a page at @va, and where? */
	bool (*page)(const struct fold_oracle *oracle, pw_va va, pw_pa *pa_ret);
	/* Is the page at @pa mapped, and at which address? */
	bool (*address)(const struct fold_oracle *oracle, pw_pa pa, pw_va *va_ret);
	const void *context;
};

struct fold_input {
	const struct pw_memory *memory;
	const struct pw_format *format;
	const struct fold_style *style;
	/* The place and level of the top table. Each walk reads it once, at its start. */
	const uint64_t *root;
	unsigned roots;
	struct pw_regime_options options;
	enum fold_walk_kind walk;
	enum fold_neighbour neighbour;
	pw_va first, last; /* of whole pages */
	const struct fold_oracle *oracle;
	/* Called before every load from a table; may change tables and *root. May be NULL. */
	void (*before_load)(void *hook_context, uint64_t loads_so_far);
	void *hook_context;
};

/*
 * Walks first..last by @strategy. Returns 0 and a result to be released by fold_result_destroy, or
 * -EINVAL (no such style, or a range that no single root covers), -ENOMEM.
 */
int fold_run(const struct fold_input *input, enum fold_strategy strategy,
	     struct fold_result **result_ret, struct pw_error *error);
void fold_result_destroy(struct fold_result *result);

/*
 * Returns log2 of the size at which the strategy cropped @turn, by level or by value; FOLD_NO_CROP if it
 * did not. @input is the input of the result.
 */
unsigned fold_turn_crop(const struct fold_input *input, const struct fold_result *result,
			const struct fold_turn *turn);

/*
 * Writes into @text why the strategies differ, or do not differ, for this range and style: a paragraph
 * without line breaks. Returns @text.
 */
char *fold_why(const struct fold_input *input, const struct fold_result *result, char text[800]);

/*
 * Writes a place into @text: "region-third table 0x100000[513]", "stack, 1 word beside the copy of pgd".
 * Returns @text.
 */
char *fold_place_text(const struct fold_input *input, const struct fold_place *place,
		      char text[96]);

/* ---- tables made for the purpose ---- */

struct fold_tables;

/*
 * Builds, in memory of its own, tables with @levels levels that map each page of first..last to a page
 * of its own. @levels 0 means the format's depth or, where that is not fixed, Linux's depth for the
 * range. The tables also map every address to which a stale copy of the first top entry would lead, so
 * that the silently wrong page exists.
 * Returns 0, -EINVAL (levels, range, a range of more than 2^18 pages), -ENOMEM.
 */
int fold_tables_create(const struct pw_format *format, const struct fold_style *style,
		       unsigned levels, const struct pw_regime_options *options, pw_va first,
		       pw_va last, struct fold_tables **tables_ret, struct pw_error *error);
void fold_tables_destroy(struct fold_tables *tables);

/* Fills memory, format, style, root, options, the range and the oracle of @input. */
void fold_tables_input(const struct fold_tables *tables, struct fold_input *input);

/*
 * The same for given pages: @page is sorted, without duplicates, and the tables can map all of it. Each
 * page of the list has a physical address of its own, which the oracle knows.
 */
int fold_tables_create_list(const struct pw_format *format, const struct fold_style *style,
			    unsigned levels, const struct pw_regime_options *options,
			    const pw_va *page, size_t count, struct fold_tables **tables_ret,
			    struct pw_error *error);

/* ---- tables of an image ---- */

/* The oracle for input->memory: it translates each page, and scans for each wrong one. */
struct fold_image {
	struct fold_oracle oracle;
	const struct pw_memory *memory;
	const struct pw_regime *regime;
};
void fold_image_init(struct fold_image *image, const struct pw_memory *memory,
		     const struct pw_regime *regime);

/* ---- as text and JSON: text.c, json.c ---- */

/* The walked range, and the folding style. */
void fold_print_head(FILE *stream, const struct fold_input *input,
		     const struct fold_result *result);
/*
 * One strategy: its loops, turns and pages; lists are cut off after @rows lines. Bars and paragraphs take @width columns
 * at most; 0: as many as they need.
 */
void fold_print(FILE *stream, unsigned width, const struct fold_input *input,
		const struct fold_result *result, unsigned rows);
/* All of them in a table, and why they differ. */
void fold_print_summary(FILE *stream, unsigned width, const struct fold_input *input,
			struct fold_result *const *results, size_t count);
/* One object on a line. */
void fold_print_json(FILE *stream, const struct fold_input *input,
		     const struct fold_result *result);

/* ---- as pictures: fold_svg.c, fold_html.c ---- */

/* All strategies beside each other. 0, -ENOMEM, or -EIO if @stream failed. */
int fold_draw_svg(FILE *stream, const struct fold_input *input, struct fold_result *const *results,
		  size_t count);
/* The same as a page on its own, which steps through the walks. */
int fold_draw_html(FILE *stream, const struct fold_input *input, struct fold_result *const *results,
		   size_t count);

#endif
