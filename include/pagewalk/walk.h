/* SPDX-License-Identifier: MIT */
/*
 * Walks: one address, many addresses, merged ranges, and the pagewalk interface with callbacks.
 *
 * Every function here loads each entry that it visits exactly once, and decides by that value alone. None
 * of them locks, writes a table, or keeps a cache beyond the call. None fails because of an entry: every
 * outcome is a pw_status. The tables may change meanwhile; a result then reflects each entry at the moment
 * when it was loaded. Any number of threads may share a pw_regime and a pw_memory.
 */
#ifndef PAGEWALK_WALK_H
#define PAGEWALK_WALK_H

#include <pagewalk/format.h>
#include <pagewalk/memory.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/* What is behind one address: a leaf, or a hole and its reason. */
struct pw_result {
	pw_va va; /* as asked */
	pw_pa pa; /* of va itself; valid for PW_OK and PW_PROT_NONE */
	uint64_t entry; /* raw value of the deciding entry, in host order; 0 if none was read */
	uint32_t attr; /* enum pw_attr, effective over all levels */
	uint8_t status; /* enum pw_status */
	uint8_t level; /* of the deciding entry */
	uint8_t size_lg2; /* log2 of the size of the page, or of the hole's entry (64: everything) */
	uint8_t memtype; /* enum pw_memtype */
};

/* The part of an answer that most callers want. As in struct pw_result. */
struct pw_lean {
	pw_pa pa;
	uint32_t attr; /* of enum pw_attr, those in PW_PROT_MASK */
	uint8_t status;
	uint8_t size_lg2;
};

/* The size in bytes of the page, or of the hole's entry; 0 stands for 2^64. */
static inline uint64_t pw_result_size(const struct pw_result *result)
{
	return result->size_lg2 < 64 ? UINT64_C(1) << result->size_lg2 : 0;
}

/* One turn of a walk: the entry that was read, and where it leads. */
struct pw_step {
	pw_pa table; /* table that was indexed */
	pw_pa at; /* address of the entry */
	uint64_t entry; /* its value, in host order */
	pw_pa next; /* table or page that it leads to, if it leads anywhere */
	uint32_t index;
	uint32_t attr; /* permissions that are left after this step */
	uint8_t level;
	uint8_t bits; /* log2 of the table's entries */
	uint8_t shift; /* log2 of what one entry covers */
	uint8_t kind; /* enum pw_kind */
	uint8_t status; /* enum pw_status of a walk that ends here, PW_OK for a table or a leaf */
};

/* The kind of an entry, in the regime's view. */
enum pw_kind { PW_HOLE, PW_TABLE, PW_LEAF };

/* The steps of a walk, top table first. The walk ended at the last step. */
struct pw_trace {
	unsigned steps;
	struct pw_step step[PW_MAX_LEVELS];
};

/*
 * Translates @va. The answer is in @result. Returns @result->status. If an ordinary walk does not lead to a page, it
 * walks a second time; that walk decides, and loads each entry once.
 */
enum pw_status pw_translate(const struct pw_memory *memory, const struct pw_regime *regime,
			    pw_va va, struct pw_result *result);

/*
 * Translates @va as pw_translate does, and returns the address, the permissions, the size and the status alone.
 * What else a leaf says is not decoded, so a leaf takes less time. For what is not a leaf, and for tables
 * outside the largest segment of @memory, it walks a second time; that walk decides, and loads each entry once.
 */
struct pw_lean pw_translate_lean(const struct pw_memory *memory, const struct pw_regime *regime,
				 pw_va va);

/* As pw_translate; also records every step in @trace. */
enum pw_status pw_translate_trace(const struct pw_memory *memory, const struct pw_regime *regime,
				  pw_va va, struct pw_result *result, struct pw_trace *trace);

/*
 * Translates @count addresses, which may be in any order; @result[i] belongs to @va[i]. The cache misses of
 * neighbouring addresses overlap, which pays as soon as the tables do not fit the cache. Returns how many
 * are PW_OK.
 */
size_t pw_translate_many(const struct pw_memory *memory, const struct pw_regime *regime,
			 const pw_va *va, size_t count, struct pw_result *result);

/*
 * A maximal run of pages that are alike: they have the same status, page size and permissions, and leaves
 * and PROT_NONE pages are physically contiguous. Accessed and dirty bits do not split a run.
 *
 * Entries of a group (contiguous bit, large pages of arm, NAPOT, amdv1's level 7) can disagree: some claim
 * the group, others do not. Then there is no page of the group's size. The entries that claim the group are
 * reported with the size of single entries and PW_CONTIGUOUS. pw_translate loads only one entry of the group,
 * and gives the size that this entry claims.
 */
struct pw_range {
	pw_va first, last;
	pw_pa pa; /* of first; valid for PW_OK and PW_PROT_NONE */
	uint64_t entry; /* raw value of the first entry of the run */
	pw_va twin; /* PW_SHARED: where the same tables were walked before */
	uint32_t
		attr; /* all pages have these permissions and memory type; the rest is the first's */
	uint8_t status, level, size_lg2, memtype;
};

/* The progress of a scan, and the reason if it ended early. */
struct pw_scan_state {
	/* Entries read; tables entered; entries read again in tables met before. */
	uint64_t entries, tables, repeated;
	pw_va next; /* the address where it goes on */
	int stopped; /* 0; -ECANCELED, -E2BIG (limit of entries), -ENOMEM, -EIO (file shrank) */
};

/* Bounds of a scan of untrusted tables; 0 stands for the default in brackets. */
struct pw_scan_limits {
	/* entries to read in all [2^25, and 8 times as many as the memory has room for, up to 2^36] */
	uint64_t entries;
	uint64_t repeats; /* entries to read again in tables met before [2^24]; then PW_SHARED */
	uint32_t
		uses; /* how often to read one table; then PW_SHARED [as often as repeats allows] */
	const bool
		*cancel; /* a signal handler or another thread may set it; checked once per table */
	/* The scanning thread calls this function now and then to show its progress [not called]. */
	void (*progress)(void *progress_context, const struct pw_scan_state *state);
	void *progress_context;
	unsigned threads; /* for functions that read a whole scan and can do it in several [1] */
};

/*
 * A scan: all ranges of first..last in address order, holes included if asked for.
 *
 *	struct pw_scan *scan;
 *	struct pw_range range[64];
 *	pw_scan_create(memory, regime, 0, UINT64_MAX, NULL, &scan, NULL);
 *	for (size_t n; (n = pw_scan_next(scan, range, 64)) > 0;)
 *		use(range, n);
 *	pw_scan_destroy(scan);
 *
 * A table that is met again (same table, level and inherited permissions) is walked again until the limit
 * for repeats or for its uses is reached. From then on it is reported as one PW_SHARED range. So a scan of
 * any bytes ends.
 *
 * Only one thread at a time may use a scan.
 */
struct pw_scan;

/* Returns 0, -EINVAL if first > last, or -ENOMEM. @limits may be NULL. */
int pw_scan_create(const struct pw_memory *memory, const struct pw_regime *regime, pw_va first,
		   pw_va last, const struct pw_scan_limits *limits, struct pw_scan **scan_ret,
		   struct pw_error *error);
void pw_scan_destroy(struct pw_scan *scan);

/* Fills up to @count ranges (at least one). Returns 0 at the end. The end of a buffer never splits a run. */
size_t pw_scan_next(struct pw_scan *scan, struct pw_range *range, size_t count);

/* Turns the reporting of holes on or off. At first it is off. */
void pw_scan_holes(struct pw_scan *scan, bool holes);

void pw_scan_state(const struct pw_scan *scan, struct pw_scan_state *state_ret);

/*
 * The pagewalk interface: callbacks per level, as in the kernel's mm/pagewalk.c, but with the entry's value
 * beside its pointer.
 */
enum pw_action {
	PW_SUBTREE, /* descend; this is set before every callback */
	PW_CONTINUE, /* do not descend into this entry */
	PW_AGAIN, /* load this entry again and repeat its turn; all state of the turn is reset */
};

/* An entry as a callback sees it. @value was loaded once; the callback may read @host again. */
struct pw_entry {
	pw_va first, last; /* the part of the asked range that the entry covers */
	uint64_t value;
	pw_pa at; /* address of the entry */
	const void *host; /* the same place in mapped memory; NULL in fetched memory */
	uint32_t attr; /* leaf: effective attributes; table: permissions left below it */
	uint8_t level;
	uint8_t kind; /* enum pw_kind */
	uint8_t status; /* enum pw_status: the reason of a hole */
	uint8_t size_lg2; /* log2 of the size of the leaf's page, or of the entry */
	pw_pa pa; /* next table, or address of `first`; valid unless it is a hole without a page */
};

struct pw_walk;

/*
 * Callbacks, each optional. They return 0 to go on. A positive value or a negative errno stops the walk,
 * which returns it.
 */
struct pw_walk_ops {
	/* Every table or leaf entry of level n, before the walk decides how to go on. */
	int (*entry[PW_MAX_LEVELS])(struct pw_walk *walk, const struct pw_entry *entry);
	/* Every leaf that entry[] did not skip, at any level. */
	int (*leaf)(struct pw_walk *walk, const struct pw_entry *entry);
	/* Every hole; one call per entry, never merged, cropped to the asked range. */
	int (*hole)(struct pw_walk *walk, const struct pw_entry *entry);
	/* Once per span of the range. Returns 0 to walk it, 1 to skip it, negative to stop. */
	int (*test_walk)(struct pw_walk *walk, pw_va first, pw_va last);
};

struct pw_walk {
	const struct pw_walk_ops *ops;
	const struct pw_memory *memory;
	const struct pw_regime *regime;
	void *private_data;
	enum pw_action action; /* callbacks set it */
};

/*
 * Walks first..last. It descends only as deep as there are callbacks. @private_data may be NULL. Returns 0 at
 * the end, the value by which a callback stopped it, or -EINVAL if first > last. A walk has no limits but its
 * range: use a scan for untrusted tables.
 */
int pw_walk_range(const struct pw_memory *memory, const struct pw_regime *regime, pw_va first,
		  pw_va last, const struct pw_walk_ops *ops, void *private_data);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif
#endif
