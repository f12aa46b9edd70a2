/* SPDX-License-Identifier: MIT */
/*
 * The model that all drawings share: the entries that a walk saw, and the sentences that explain them.
 *
 *   address   sign | index | index | index | offset       fields, from the highest bit down
 *                      |       |       |
 *   steps            entry -> entry -> entry -> page      one per entry, or per run of alike ones
 *
 *   a range   |---------------------------------|         lanes: the range at each level, cropped at
 *             |--------|------------------|-----|         the boundaries that the entries have there
 */
#ifndef PW_VIEW_PICTURE_H
#define PW_VIEW_PICTURE_H

#include <pagewalk/view.h>

#include "base/names.h"
#include "view/flags.h"

enum {
	PW_PICTURE_FIELDS = 2 * PW_MAX_LEVELS + 4,
	PW_PICTURE_CELLS = 8, /* parts that a lane is divided into at most */
	PW_PICTURE_TEXT = 320, /* longest sentence */
	PW_PICTURE_PARTS = PW_MAX_ROOTS,
};

enum picture_role {
	PICTURE_SIGN, /* above every index of the regime */
	PICTURE_FOLDED, /* a level that does not exist */
	PICTURE_INDEX,
	PICTURE_OFFSET,
};

/* A field of the address. */
struct picture_field {
	const char *name;
	char why[PW_PICTURE_TEXT]; /* FOLDED and SIGN: a sentence */
	uint64_t value;
	uint8_t role; /* enum picture_role */
	uint8_t low, bits; /* bits may be 0: folded without a trace in the address */
	uint8_t level; /* INDEX */
	int step; /* INDEX: the step that used it; -1: the walk did not reach it */
};

/* An entry that was visited, or a run of entries of one table that are alike. */
struct picture_step {
	pw_va first, last; /* the part of the requested range that they cover */
	pw_pa table; /* that was indexed */
	pw_pa at; /* where the first entry stands */
	uint64_t entry, last_entry; /* values of the first and the last one */
	pw_pa next; /* table or page that the first leads to */
	pw_pa last_next;
	uint32_t index, count; /* count > 1 of a table entry: the tables below are alike, too */
	uint32_t attr; /* permissions that are left; of a leaf, its effective attributes */
	int parent; /* the step that led to the table; -1: the root */
	uint8_t part; /* which span's table this hangs from */
	uint8_t level, bits, shift;
	uint8_t kind, status; /* enum pw_kind, enum pw_status */
	uint8_t size_lg2; /* of a leaf's page */
	bool read; /* could the entry be read? */
	bool scattered; /* a run of leaves whose pages are not adjacent */
	bool on_linux; /* hardware view: Linux means more by this hole (see linux_*) */
	uint8_t linux_kind, linux_status;
	pw_pa linux_page;
};

/* A part of the range at one level: between two boundaries. */
struct picture_cell {
	pw_va first, last;
	uint32_t index, last_index; /* of the entries that cover it */
	uint64_t entries;
};

/* The range at one level. */
struct picture_lane {
	const char *name;
	bool folded;
	bool iterates; /* the topmost level that has more than one entry of the range */
	uint8_t level, shift;
	uint64_t entries, tables; /* that cover the range, whether they exist or not */
	uint64_t read; /* entries that the walk read */
	char note[PW_PICTURE_TEXT];
	unsigned cells;
	struct picture_cell cell[PW_PICTURE_CELLS];
};

/* The part of the range that lies in one span. */
struct picture_part {
	pw_va first, last;
	const struct pw_span *span; /* of picture->regime */
	uint64_t read[PW_MAX_LEVELS]; /* entries of each level */
	unsigned lanes;
	struct picture_lane lane[PW_PICTURE_FIELDS]; /* top first, folded ones included */
	char why[2 * PW_PICTURE_TEXT]; /* at which level the walk iterates, and why */
};

/* One of read, write, execute, user. */
struct picture_permission {
	const char *name;
	bool allowed;
	char why[PW_PICTURE_TEXT];
};

struct pw_picture {
	char *label; /* or NULL */
	struct pw_regime regime;
	pw_va first, last;
	bool is_range;

	/* One address. */
	struct pw_result result;
	unsigned fields;
	struct picture_field field[PW_PICTURE_FIELDS];
	unsigned permissions;
	struct picture_permission permission[4];

	/* A range. */
	unsigned parts;
	struct picture_part part[PW_PICTURE_PARTS];
	uint64_t leaves, holes, tables, mapped; /* entries seen; bytes mapped */
	bool stopped; /* before the end, at stopped_at */
	pw_va stopped_at;
	const char *stopped_why;

	struct picture_step *step;
	unsigned steps, room;

	char root_text[PW_PICTURE_TEXT]; /* where the walk starts, and why */
	char reason[PW_PICTURE_TEXT]; /* how it ended */
};

/* ---- one file each ---- */

/* address.c: fields, steps, permissions of picture->first. */
int pw_picture_address(struct pw_picture *picture, const struct pw_memory *memory,
		       struct pw_error *error);

/* range.c: steps of the range; lanes.c: its lanes. */
int pw_picture_range(struct pw_picture *picture, const struct pw_memory *memory,
		     const struct pw_picture_options *options, struct pw_error *error);
void pw_picture_lanes(struct pw_picture *picture, struct picture_part *part);

/* folds.c: levels that this regime does not have. */
/* Returns how many levels above @level Linux folds into it, and writes their names into @names. */
unsigned pw_folded_below(const struct pw_format *format, unsigned level, const char *names[3]);
/* Writes the reason into @text, as a sentence without its full stop. */
void pw_folded_why(const struct pw_regime *regime, unsigned level, char *text, size_t bytes);
/* Says what the address bits above all indices do; returns a word for them: "sign", "root", ... */
const char *pw_above_why(const struct pw_regime *regime, pw_va va, char *text, size_t bytes);
void pw_root_why(const struct pw_regime *regime, const struct pw_span *span, char *text,
		 size_t bytes);

/* Step @index of @trace, a walk to @va. */
void pw_step_of_trace(const struct pw_regime *regime, pw_va va, const struct pw_trace *trace,
		      unsigned index, struct picture_step *step);

/* reason.c: why a walk ended as it did. */
void pw_step_reason(const struct pw_picture *picture, const struct picture_step *step, char *text,
		    size_t bytes);
void pw_not_canonical_reason(const struct pw_picture *picture, char *text, size_t bytes);

/* permission.c: which level took which permission away. */
void pw_picture_permissions(struct pw_picture *picture);

/* ---- helpers of the drawings ---- */

/* "page table", "segment table", "pgd table": the table whose entries are of @level. */
char *pw_table_name(const struct pw_format *format, unsigned level, char *text, size_t size);
/* Words of a step's first entry. */
char *pw_step_words(const struct pw_picture *picture, const struct picture_step *step, char *text,
		    size_t size);
/* Adds a step; NULL if memory runs out. */
struct picture_step *pw_picture_add(struct pw_picture *picture);
const char *pw_view_text(enum pw_view view);
/* "table", "leaf", "hole". */
const char *pw_kind_text(enum pw_kind kind);

#endif
