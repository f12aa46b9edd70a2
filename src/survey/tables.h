/* SPDX-License-Identifier: MIT */
/*
 * Every table that a regime reaches, each once: what checks and cuts are made of. Entries of the
 * lowest level are not looked at.
 */
#ifndef PW_SURVEY_TABLES_H
#define PW_SURVEY_TABLES_H

#include "base/cancel.h"
#include "base/hash.h"
#include "walk/scan.h"

/* A table as one entry, or a root, leads to it. */
struct pw_table_visit {
	struct pw_table_at at;
	uint32_t first, last; /* entries that exist, as the root or the entry above says */
	pw_va va, va_last; /* asked-for addresses that it translates from here */
	uint64_t entry; /* what leads here; 0 for a root */
	const struct pw_table_visit *above; /* NULL for a root */
	/* All of its addresses were asked for: another visit would find nothing new below. */
	bool whole;
};

/* A table that was met, and where first. */
struct pw_table_seen {
	pw_pa table;
	pw_va va, va_last;
	uint32_t first, last;
	uint8_t level, bits;
	bool whole;
};

/*
 * A set of them; see table_set.c. All zero is an empty set. It costs up to 120 bytes for each entry of the
 * memory that leads to a table, and never more than 300 MiB.
 */
struct pw_table_set {
	struct pw_table_seen *seen; /* in the order in which they were met */
	size_t count, room;
	struct pw_hash_key key;
	uint32_t *by_all, *by_table; /* mask + 1 places each */
	size_t mask;
};

/*
 * Adds the visit; 0, -ENOMEM, or -E2BIG for more tables than a machine can have. *seen_ret is the
 * member with the same table, level and extent, until the next is added; *fresh_ret whether that was not
 * there before.
 */
int pw_table_set_add(struct pw_table_set *set, const struct pw_table_visit *visit,
		     struct pw_table_seen **seen_ret, bool *fresh_ret);

/* The first member that is the same table; NULL if that is @seen, which is one. */
const struct pw_table_seen *pw_table_set_other(const struct pw_table_set *set,
					       const struct pw_table_seen *seen);
void pw_table_set_clear(struct pw_table_set *set);

/* The bytes of the entries that exist: first and last address. */
static inline pw_pa pw_table_first(const struct pw_format *f, const struct pw_table_seen *seen)
{
	return pw_entry_address(f, seen->table, seen->first);
}

static inline pw_pa pw_table_last(const struct pw_format *f, const struct pw_table_seen *seen)
{
	return pw_entry_address(f, seen->table, seen->last) + pw_entry_bytes(f) - 1;
}

/* What a visitor says about a table. A negative errno stops the walk and is passed on. */
enum { PW_TABLES_DOWN = 0, PW_TABLES_SKIP = 1 };

typedef int pw_table_fn(void *context, const struct pw_table_visit *visit);

/* Calls @visitor for every table in first..last, the one above always before those below. */
int pw_tables_walk(const struct pw_memory *memory, const struct pw_regime *regime, pw_va first,
		   pw_va last, pw_table_fn *visitor, void *context);

/*
 * How many entries to read of an image at most: some, and a few times as many as it has room for. What
 * reads more reads the same ones again and again, in as many ways as entries can name them.
 */
uint64_t pw_scan_most(const struct pw_memory *memory, const struct pw_regime *regime);

/* The flag that stops the scan; NULL if there is none. */
const bool *pw_scan_cancel(const struct pw_scan *scan);

#endif
