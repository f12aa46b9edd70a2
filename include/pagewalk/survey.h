/* SPDX-License-Identifier: MIT */
/*
 * Surveys: questions about a whole address space: who maps a physical page, what looks wrong, and the
 * table pages alone as an image to share.
 */
#ifndef PAGEWALK_SURVEY_H
#define PAGEWALK_SURVEY_H

#include <pagewalk/walk.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/*
 * Who maps this? Reads @scan to its end, and calls @found for each range that maps any byte of
 * wanted[which][0]..wanted[which][1] (inclusive), cropped to that part, by virtual address. Where the
 * scan met tables again and did not walk them again, that is among the answers as PW_SHARED, not
 * cropped, if an answer shows behind range.twin. Costs memory for answers alone.
 * Returns 0 at the end of the scan (pw_scan_state says whether it stopped early), what @found returned
 * if that was not 0, -EINVAL for a range that ends before it begins, or -ENOMEM.
 */
typedef int pw_found_fn(void *context, size_t which, const struct pw_range *range);
int pw_find(struct pw_scan *scan, const pw_pa (*wanted)[2], size_t count, pw_found_fn *found,
	    void *context, struct pw_error *error);

/*
 * An index from physical to virtual: built by one scan, then asked as often as one likes by any
 * number of threads. It costs 70 bytes for each run that the scan finds. The cancel flag of the scan's
 * limits is that of the index, too, and stays valid as long: once it is set, everything here soon
 * returns -ECANCELED.
 */
struct pw_index;

/*
 * Reads @scan to its end and keeps every range that has a page. Returns 0, -ENOMEM or -ECANCELED. A
 * scan that stopped early for another reason gives an index of what it reached: pw_scan_state says
 * whether it did.
 */
int pw_index_create(struct pw_scan *scan, struct pw_index **index_ret, struct pw_error *error);
void pw_index_destroy(struct pw_index *index);

/*
 * The ranges that map any byte of first..last, by virtual address, each cropped to that part, in an
 * array that the caller frees. Where the scan met tables again and did not walk them again, they are
 * among the answers as PW_SHARED, not cropped, if the page shows behind range.twin.
 * Takes O(log n + k) for k answers. Returns 0, -EINVAL if first > last, -ENOMEM or -ECANCELED.
 */
int pw_index_find(const struct pw_index *index, pw_pa first, pw_pa last,
		  struct pw_range **ranges_ret, size_t *count_ret);

/* A run first..last of physical memory that the same two or more virtual ranges map. */
struct pw_alias {
	pw_pa first, last;
	size_t count; /* how many there are */
	/* The first of them by virtual address, cropped to the run: as many as were asked for. */
	const struct pw_range *ranges;
	size_t told;
};

/* Which of them to tell, and how much. */
struct pw_alias_options {
	const pw_pa (*wanted)[2]; /* only runs that touch one of these (pairs, inclusive) */
	size_t wanted_count; /* 0: all */
	size_t most; /* ranges to tell of each run; 0: all */
};

/*
 * Physical memory that two or more virtual ranges map: calls @alias once for each run of it, in physical
 * order. PW_SHARED ranges have no part in it. @options may be NULL. Takes O(n log n) for n ranges, and
 * time for those that are told: all of all runs can be n^2.
 * Returns 0 at the end, what @alias returned if that was not 0, -ENOMEM or -ECANCELED.
 */
typedef int pw_alias_fn(void *context, const struct pw_alias *alias);
int pw_index_aliases(const struct pw_index *index, const struct pw_alias_options *options,
		     pw_alias_fn *alias, void *context);

/* What a check can find. */
enum pw_finding_kind {
	/* Whoever may write it may execute it; also where a write makes it writable (PW_DBM). */
	PW_FINDING_WRITABLE_EXECUTABLE,
	PW_FINDING_MALFORMED, /* entries on which the hardware would fault, and not for want of a page */
	PW_FINDING_GROUP, /* entries claim to be of a group that maps one page, and others disagree */
	PW_FINDING_OUTSIDE, /* a table, or part of one, is not in the memory that we have */
	PW_FINDING_SHARED, /* a table is reached again, at the same level */
	PW_FINDING_LEVELS, /* a table is reached again, at another level */
	PW_FINDING_CYCLIC, /* a table is reached from below itself */
	PW_FINDING_KINDS, /* how many kinds there are */
};

struct pw_finding {
	enum pw_finding_kind kind;
	/* The addresses that are concerned; of a leaf or a malformed entry, also what it is. */
	struct pw_range range;
	/* Of tables: where it stands, the entry that leads there, and its level. */
	pw_pa table;
	uint64_t entry;
	uint8_t level;
	/* SHARED, LEVELS, CYCLIC: the level and the first address of where it was met before. */
	uint8_t other_level;
	pw_va other;
};

/*
 * Is a finding of this kind only worth knowing? Sound systems use tables more than once: Linux on
 * x86-64 for ESPFIX, and wherever much is mapped to the same page.
 */
bool pw_finding_is_note(enum pw_finding_kind kind);

/* "writable-executable", "malformed", ... as in JSON output; "?" for a value out of range. */
const char *pw_finding_name(enum pw_finding_kind kind);

/*
 * Looks for all of these in first..last: permissions and entries by address, then tables in the order
 * in which a walk meets them; one table behind neighbouring entries is one finding. Every distinct
 * table is looked at once, so that a check of any bytes ends. @limits (may be NULL) are those of a scan.
 * Returns 0 at the end, what @finding returned if that was not 0, -ECANCELED, -E2BIG, -ENOMEM, -EIO.
 */
typedef int pw_finding_fn(void *context, const struct pw_finding *finding);
int pw_check(const struct pw_memory *memory, const struct pw_regime *regime, pw_va first,
	     pw_va last, const struct pw_scan_limits *limits, pw_finding_fn *finding, void *context,
	     struct pw_error *error);

/*
 * What to cut out of a memory: the tables alone of what @regimes map in the @ranges (pairs,
 * inclusive; a count of 0: everywhere).
 */
struct pw_cut {
	const struct pw_memory *memory;
	const struct pw_regime *regimes;
	size_t regime_count;
	const pw_va (*ranges)[2];
	size_t range_count;
	const char *const *labels; /* what each regime is, NULL in places or altogether */
	const bool *cancel; /* as in struct pw_scan_limits; may be NULL */
};

/* What came of it. */
struct pw_cut_result {
	uint64_t bytes; /* of tables */
	size_t segments; /* runs of adjacent bytes */
};

/*
 * Writes an ELF core of these tables to the file @path: no byte of what the pages hold, but every
 * walk of the regimes (in either view) that stays in the ranges ends as it does on @cut->memory. The
 * roots are kept in notes, one for each regime. A file of that name is replaced when the new one is
 * complete, which then has its permissions; a symbolic link stays, and what it leads to is replaced.
 * Where the file system has O_TMPFILE, nothing is left behind even if the process is ended.
 * @result_ret may be NULL.
 * Returns 0, -EEXIST if @path is something else than a file, or one of those that the memory is read
 * from, -ENODATA if the memory has none of the tables, -ECANCELED, or another negative errno; nothing
 * is changed or left behind then.
 */
int pw_cut_write(const struct pw_cut *cut, const char *path, struct pw_cut_result *result_ret,
		 struct pw_error *error);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif
#endif
