/* SPDX-License-Identifier: MIT */
/* The parts that the algorithms over described formats share; see interp.c. */
#ifndef PW_DESCRIBED_INTERP_H
#define PW_DESCRIBED_INTERP_H

#include "described/described.h"

/* The arguments that every step of a walk needs. */
struct interp {
	const struct pw_description *d;
	const struct pw_regime *regime;
	const struct pw_access *access;
	void *context;
	const struct pw_span *span;
};

/* A table, with the length that the root or the entry above states. */
struct table {
	struct pw_table_at at;
	bool limited;
	uint32_t from, upto; /* first and last index that exist, if limited */
};

static inline uint64_t ones(unsigned count)
{
	return count < 64 ? (UINT64_C(1) << count) - 1 : ~UINT64_C(0);
}

static inline pw_va smaller(pw_va a, pw_va b)
{
	return a < b ? a : b;
}

/* The addresses that a table covers: the last one, relative to the first. */
static inline pw_va covered(const struct table *table)
{
	return ones(table->at.shift + table->at.bits);
}

/* The physical address of the entry of @table for @va. */
pw_pa pw_interp_place(const struct interp *in, const struct table *table, pw_va va);

/* The effective attributes of a page with @attr, if the tables above leave only @keep. */
uint32_t pw_interp_effective(uint32_t attr, uint32_t keep);

struct table pw_interp_top(const struct interp *in);
struct table pw_interp_below(const struct interp *in, const struct table *table, uint64_t entry,
			     const struct pw_meaning *meaning);

/*
 * Reads the entry of @table for @va. Returns PW_OK with *value, or the reason why there is none. It checks
 * the table's length before it reads, as hardware does.
 */
enum pw_status pw_interp_read(const struct interp *in, const struct table *table, pw_va va,
			      uint64_t *value, const unsigned char **host);

/* The algorithms, except for the translation of one address. */
size_t pw_interp_scan(const struct interp *in, struct pw_scan_position *position,
		      struct pw_range *range, size_t count);
int pw_interp_walk(struct interp *in, struct pw_walk *walk, pw_va first, pw_va last);

#endif
