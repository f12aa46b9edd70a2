/* SPDX-License-Identifier: MIT */
/*
 * Surveys answer questions about a whole address space: which addresses map a physical page, and what looks
 * wrong. They also write the tables alone as an image to share.
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
 * wanted[which][0]..wanted[which][1] (inclusive), cropped to that part, by virtual address. If the scan met
 * tables again and did not walk them again, that range is among the answers as PW_SHARED, not cropped, if
 * there is an answer behind range.twin. Only answers cost memory.
 * Returns 0 at the end of the scan (pw_scan_state says whether it stopped early); the value of @found if that
 * is not 0; -EINVAL for a range that ends before it begins; or -ENOMEM.
 */
typedef int pw_found_fn(void *context, size_t which, const struct pw_range *range);
int pw_find(struct pw_scan *scan, const pw_pa (*wanted)[2], size_t count, pw_found_fn *found,
	    void *context, struct pw_error *error);

/*
 * An index from physical to virtual addresses. One scan builds it; then any number of threads can search it
 * as often as they like. It costs 70 bytes for each run that the scan finds. The cancel flag of the scan's
 * limits also cancels searches in the index, and must stay valid as long as the index: once it is set, every
 * function here soon returns -ECANCELED.
 */
struct pw_index;

/*
 * Reads @scan to its end and keeps every range that has a page. Returns 0, -ENOMEM or -ECANCELED. If the
 * scan stopped early for another reason (pw_scan_state says so), the index holds the ranges up to there.
 */
int pw_index_create(struct pw_scan *scan, struct pw_index **index_ret, struct pw_error *error);
void pw_index_destroy(struct pw_index *index);

/*
 * Finds the ranges that map any byte of first..last, by virtual address, each cropped to that part, in an
 * array that the caller frees. If the scan met tables again and did not walk them again, that range is
 * among the answers as PW_SHARED, not cropped, if there is an answer behind range.twin.
 * Takes O(log n + k) for k answers. Returns 0, -EINVAL if first > last, -ENOMEM or -ECANCELED.
 */
int pw_index_find(const struct pw_index *index, pw_pa first, pw_pa last,
		  struct pw_range **ranges_ret, size_t *count_ret);

/* A run first..last of physical memory that the same two or more virtual ranges map. */
struct pw_alias {
	pw_pa first, last;
	size_t count; /* the number of these virtual ranges */
	/* The first `told` of them by virtual address, cropped to the run: as many as were asked for. */
	const struct pw_range *ranges;
	size_t told;
};

/* Which runs to report, and how many ranges of each. */
struct pw_alias_options {
	const pw_pa (*wanted)[2]; /* only runs that touch one of these (pairs, inclusive) */
	size_t wanted_count; /* 0: all runs */
	size_t most; /* most ranges to report of each run; 0: all */
};

/*
 * Finds physical memory that two or more virtual ranges map, and calls @alias once for each run of it, in
 * physical order. PW_SHARED ranges do not count. @options may be NULL. It takes O(n log n) for n ranges, and
 * time for the ranges that are reported, which can be n^2 if all are.
 * Returns 0 at the end, the value of @alias if that is not 0, -ENOMEM or -ECANCELED.
 */
typedef int pw_alias_fn(void *context, const struct pw_alias *alias);
int pw_index_aliases(const struct pw_index *index, const struct pw_alias_options *options,
		     pw_alias_fn *alias, void *context);

/*
 * The same for a scan from where it stands to its end. If options->wanted is given, memory is needed only for the
 * ranges that map any of it. Otherwise a new scan of mapped memory that finds more than 2^18 ranges is repeated, once for
 * each part of the physical memory in which so many begin; only these are kept at a time. If the tables change
 * meanwhile, parts are of different moments. If the scan's limits allow several threads, each has a part at a time, and
 * any of them calls @alias: one after the other, in the same order.
 */
int pw_scan_aliases(struct pw_scan *scan, const struct pw_alias_options *options,
		    pw_alias_fn *alias, void *context);

/* The kinds of findings of a check. */
enum pw_finding_kind {
	/* Pages that the same mode may write and execute; also if a write makes them writable (PW_DBM). */
	PW_FINDING_WRITABLE_EXECUTABLE,
	PW_FINDING_MALFORMED, /* entries on which hardware would fault, not because a page is missing */
	PW_FINDING_GROUP, /* entries claim to belong to a group that maps one page; others disagree */
	PW_FINDING_OUTSIDE, /* a table, or part of one, is not in the memory that was given */
	PW_FINDING_SHARED, /* a table is reached again, at the same level */
	PW_FINDING_LEVELS, /* a table is reached again, at another level */
	PW_FINDING_CYCLIC, /* a table is reached from below itself */
	PW_FINDING_KINDS, /* how many kinds there are */
};

struct pw_finding {
	enum pw_finding_kind kind;
	/* The addresses; for a leaf or a malformed entry, also the other members. */
	struct pw_range range;
	/* For a table: its physical address, the entry that leads to it, and its level. */
	pw_pa table;
	uint64_t entry;
	uint8_t level;
	/* SHARED, LEVELS, CYCLIC: the level and the first address at which it was met before. */
	uint8_t other_level;
	pw_va other;
};

/*
 * Is a finding of this kind not a fault, but only worth knowing? Sound systems use tables more than once:
 * Linux on x86-64 for ESPFIX, and where many addresses map the same page.
 */
bool pw_finding_is_note(enum pw_finding_kind kind);

/* "writable-executable", "malformed", ... as in JSON output; "?" for a value out of range. */
const char *pw_finding_name(enum pw_finding_kind kind);

/*
 * Looks for all kinds of findings in first..last: first permissions and entries by address, then tables in
 * the order in which a walk meets them. One table behind neighbouring entries is one finding. Every distinct
 * table is looked at once, so that a check of any bytes ends. @limits (may be NULL) are those of a scan.
 * Returns 0 at the end, the value of @finding if that is not 0, -ECANCELED, -E2BIG, -ENOMEM, -EIO.
 */
typedef int pw_finding_fn(void *context, const struct pw_finding *finding);
int pw_check(const struct pw_memory *memory, const struct pw_regime *regime, pw_va first,
	     pw_va last, const struct pw_scan_limits *limits, pw_finding_fn *finding, void *context,
	     struct pw_error *error);

/*
 * What to cut out of a memory: only the tables by which @regimes translate @ranges (pairs, inclusive; a
 * count of 0: everything).
 */
struct pw_cut {
	const struct pw_memory *memory;
	const struct pw_regime *regimes;
	size_t regime_count;
	const pw_va (*ranges)[2];
	size_t range_count;
	const char *const *labels; /* one for each regime; any of them, or the array, may be NULL */
	const bool *cancel; /* as in struct pw_scan_limits; may be NULL */
	const struct pw_kernel *kernel; /* which Linux it was, for pw_memory_kernel; may be NULL */
};

/* What pw_cut_write has written. */
struct pw_cut_result {
	uint64_t bytes; /* of tables */
	size_t segments; /* runs of adjacent bytes */
};

/*
 * Writes an ELF core of these tables to the file @path. It has no byte of the pages' content; yet every walk
 * of the regimes (in either view) that stays in the ranges ends as it does on @cut->memory. The roots are in
 * notes, one for each regime. An old file of that name is replaced when the new one is complete, and hands on
 * its permissions. A symbolic link stays, and the file that it leads to is replaced. If the file system has
 * O_TMPFILE, nothing is left behind even if the process is ended. @result_ret may be NULL.
 * Returns 0; -EEXIST if @path is not a regular file, or is one of the files that the memory is read from;
 * -ENODATA if the memory has none of the tables; -ECANCELED; or another negative errno. After an error
 * nothing is changed or left behind.
 */
int pw_cut_write(const struct pw_cut *cut, const char *path, struct pw_cut_result *result_ret,
		 struct pw_error *error);

/* Who uses a root, as far as its tables tell. */
enum pw_root_owner {
	PW_ROOT_KERNEL, /* the kernel's own: Linux's swapper_pg_dir */
	PW_ROOT_USER, /* a process's */
	PW_ROOT_USER_HALF, /* a process's, for user mode: with page-table isolation there is another one */
	PW_ROOT_OTHER, /* a CPU's registers have it, but it maps no process */
};

/* How sure it is that a CPU or the kernel uses this root. */
enum pw_root_proof {
	PW_ROOT_NAMED, /* the source names it: a register, or VMCOREINFO */
	PW_ROOT_PROVED, /* many tables below it are right, and nothing else leads to it */
	PW_ROOT_THIN, /* the same, but there are few tables */
};

/* A root that was found. */
struct pw_root {
	const char *format; /* the name of its format */
	uint64_t root
		[PW_MAX_ROOTS]; /* for pw_regime_init: the kernel's part is among them, if it is apart */
	unsigned roots;
	pw_pa table; /* the top table */
	unsigned levels; /* of tables */
	uint64_t user, kernel; /* bytes that it maps for user mode, and for the kernel alone */
	enum pw_root_owner owner;
	enum pw_root_proof proof;
	long cpu; /* the first of pw_memory_cpus that has it, or -1 */
	/* The oldest process that uses it, by the kernel's own list: its number, or -1; its name. */
	long pid;
	char command[16]; /* empty: not known */
	char program[64]; /* the path or name at the top of the stack; empty: not known */
	/*
	 * What the root was asked for: a CPU's exception vectors, which every root with the kernel's memory maps.
	 * Their name ("IDT", "VBAR", "new PSWs"), and where they are. NULL: it was not asked, or that is not known.
	 */
	const char *vectors;
	pw_va vectors_at;
	bool vectors_mapped; /* for the kernel: that proves the root; otherwise it is in doubt */
};

struct pw_roots_options {
	/* The formats to try; a count of 0: those of the source's machine, or all if it is not known. */
	const struct pw_format *const *formats;
	size_t format_count;
	/* Report the roots of every format that has some, instead of those of the likeliest one. */
	bool every_format;
	struct pw_regime_options regime;
	unsigned threads; /* 0: as many as there are CPUs */
	const bool *cancel; /* as in struct pw_scan_limits; may be NULL */
	/* Threads call this function, one at a time, to show how far the search has come [not called]. */
	void (*progress)(void *progress_context, uint64_t bytes, uint64_t of);
	void *progress_context;
	/* The same for the second part of the search: the places that were followed down to their pages [not called]. */
	void (*proved)(void *progress_context, uint64_t places, uint64_t of);
};

/*
 * Finds the roots of the address spaces in @memory, from the bytes of the tables alone: the kernel's root is
 * the first, then those that CPUs have in their registers, then all others by the address of their table.
 * *copies_ret (may be NULL) is the number of tables that were left out because they map a part of the
 * kernel and nothing else: those of processes that have ended. @options may be NULL.
 * Returns 0 and an array that the caller frees (a count of 0: there is none), -E2BIG if the memory has more
 * tables than a machine can have, -ECANCELED, -ENOMEM, or -EIO if a file shrank. A slow source (a gdb stub) is
 * copied first, as far as its CPUs map it; -ENOTSUP if that cannot be.
 */
int pw_roots_find(const struct pw_memory *memory, const struct pw_roots_options *options,
		  struct pw_root **roots_ret, size_t *count_ret, size_t *copies_ret,
		  struct pw_error *error);

/* "kernel", "user", "user-half", "other"; "named", "proved", "thin"; "?" for a value out of range. */
const char *pw_root_owner_name(enum pw_root_owner owner);
const char *pw_root_proof_name(enum pw_root_proof proof);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif
#endif
