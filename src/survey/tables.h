/* SPDX-License-Identifier: MIT */
/*
 * Walks over the tables that a regime reaches, for checks and cuts. Entries of the lowest level are not
 * looked at.
 */
#ifndef PW_SURVEY_TABLES_H
#define PW_SURVEY_TABLES_H

#include "base/cancel.h"
#include "base/hash.h"
#include "walk/scan.h"

/* A table as one entry, or a root, leads to it. */
struct pw_table_visit {
	struct pw_table_at at;
	uint32_t first, last; /* entries that exist: the root or the entry above says so */
	pw_va va, va_last; /* the asked addresses that it translates here */
	uint64_t entry; /* the entry that leads here; 0 for a root */
	const struct pw_table_visit *above; /* NULL for a root */
	/* All of its addresses were asked for, so another visit would find nothing new below. */
	bool whole;
};

/* A table that was met, with the addresses of the first time. */
struct pw_table_seen {
	pw_pa table;
	pw_va va, va_last;
	uint32_t first, last;
	uint8_t level, bits;
	bool whole;
};

/*
 * A set of tables; see table_set.c. All zero is an empty set. It costs up to 120 bytes for each entry of the
 * memory that leads to a table, and at most 300 MiB.
 */
struct pw_table_set {
	struct pw_table_seen *seen; /* in the order in which they were met */
	size_t count, room;
	struct pw_hash_key key;
	uint32_t *by_all, *by_table; /* mask + 1 places each */
	size_t mask;
};

/*
 * Adds the visited table. Returns 0, -ENOMEM, or -E2BIG for more tables than a machine can have. *seen_ret
 * is the member with the same table, level and extent; it is valid until the next call. *fresh_ret says
 * whether it is new.
 */
int pw_table_set_add(struct pw_table_set *set, const struct pw_table_visit *visit,
		     struct pw_table_seen **seen_ret, bool *fresh_ret);

/* The first member with the address of @seen, which is a member; NULL if that is @seen itself. */
const struct pw_table_seen *pw_table_set_other(const struct pw_table_set *set,
					       const struct pw_table_seen *seen);
void pw_table_set_clear(struct pw_table_set *set);

/* The first and the last address of the entries that exist. */
static inline pw_pa pw_table_first(const struct pw_format *f, const struct pw_table_seen *seen)
{
	return pw_entry_address(f, seen->table, seen->first);
}

static inline pw_pa pw_table_last(const struct pw_format *f, const struct pw_table_seen *seen)
{
	return pw_entry_address(f, seen->table, seen->last) + pw_entry_bytes(f) - 1;
}

/* A visitor's answers: go into the table, or skip it. A negative errno stops the walk, which returns it. */
enum { PW_TABLES_DOWN = 0, PW_TABLES_SKIP = 1 };

typedef int pw_table_fn(void *context, const struct pw_table_visit *visit);

/* Calls @visitor for every table in first..last, a table always before the tables below it. */
int pw_tables_walk(const struct pw_memory *memory, const struct pw_regime *regime, pw_va first,
		   pw_va last, pw_table_fn *visitor, void *context);

/*
 * The most entries to read from an image: 2^25, and 8 times as many as it has room for. A walk that reads
 * more reads the same ones again and again, in as many ways as entries can name them.
 */
uint64_t pw_scan_most(const struct pw_memory *memory, const struct pw_regime *regime);

/* The flag that cancels the scan; NULL if there is none. */
const bool *pw_scan_cancel(const struct pw_scan *scan);

/* The limits as they were given, with the defaults in place of zeros. */
const struct pw_scan_limits *pw_scan_limits(const struct pw_scan *scan);

#endif
