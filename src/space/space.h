/* SPDX-License-Identifier: MIT */
/*
 * Address spaces: page tables that are edited while others read them.
 *
 *     now --------> regime[2]    (top at level 2)
 *                   regime[3] <- when the top grows: written once, before `now` points to it
 *
 *     readers       enter, load `now`, walk from its root, leave     (sync.h, src/walk, src/pin)
 *     editors       load `now`, edit their range (edit.h), hand tables that they took out to leaving.c
 *     leaving.c     frees the tables after every reader that was inside has left
 *
 * Root and depth are in one regime, and a regime never changes: a reader that loads `now` gets two that
 * belong together. After the top has grown, the first entry of the new top leads to the old one; from then on
 * an operation can take the old one out like any other table. A reader that entered before walks from the
 * old top until it leaves. It finds there what was mapped at some moment since it entered. Code that must
 * know what is mapped now, as a pin must, loads `now` again.
 *
 * Locks, in this order: `grow` protects regime[] and the step to a higher top; the arena's `spaces_lock`
 * protects its list of spaces; `gather_lock` protects the gathered batch; `free_lock` protects free[]. The
 * first three may be held during a wait for readers: neither readers nor free functions take them.
 */
#ifndef PW_SPACE_H
#define PW_SPACE_H

#include <pthread.h>

#include <pagewalk/space.h>

#include "base/words.h"
#include "folio/arena.h"
#include "sync/sync.h"

struct pw_edit;
struct pw_edit_page;
struct pw_place;
struct pw_pinner;
struct pw_slot;
struct pw_slot_place;
struct pw_slot_visit;

/* What is compiled for one format: see instance.h. */
struct pw_editor {
	/* The operations: edit.h. Each works on edit->first..last. */
	int (*map)(struct pw_edit *edit);
	int (*unmap)(struct pw_edit *edit);
	int (*protect)(struct pw_edit *edit);
	int (*split)(struct pw_edit *edit);
	int (*collapse)(struct pw_edit *edit);
	/* What they have in common: parts.h. */
	void (*page)(const struct pw_regime *r, unsigned level, uint64_t e,
		     struct pw_edit_page *page);
	int (*install)(struct pw_edit *edit, unsigned level, unsigned char *entry, uint64_t *e,
		       const struct pw_edit_page *page);
	void (*ungroup)(struct pw_edit *edit, unsigned level, struct pw_place *place, pw_pa pa,
			unsigned lg2);
	/* Single entries: slot_walk.h. */
	void (*slot_decode)(const struct pw_regime *r, pw_va va, struct pw_slot *slot);
	void (*slot_find)(const struct pw_space *space, pw_va va, unsigned lowest,
			  struct pw_slot *slot);
	bool (*slot_next)(const struct pw_space *space, pw_va *va, pw_va last,
			  struct pw_slot_place *place);
	int (*slot_base)(struct pw_slot_visit *visit, unsigned char *table, pw_va va, pw_va last);
};

struct pw_space {
	/* ---- read by every walk and pin; seldom written ---- */
	struct pw_arena *arena;
	const struct pw_format *format;
	/* Prepared for pins: the format's, and the bits of an address within a base page. */
	const struct pw_pinner *pinner;
	pw_va within;
	uint16_t kernel; /* the version whose software bits are written */
	const struct pw_regime *now; /* atomic; release here, acquire in pw_space_now */
	uint64_t copies; /* atomic: odd while pages are write-protected for a copy */
	struct pw_regime regime[PW_MAX_LEVELS]; /* by the level of the top */
	struct pw_regime nowhere; /* translates nothing: for children of the process */
	uint8_t piece_lg2[PW_MAX_LEVELS]; /* log2 of the memory that a table of that level takes */
	uint8_t limit_lg2[PW_MAX_LEVELS]; /* log2 of the address where it has to end: reach.h */
	pw_pa pages_last; /* leaves of every size can hold all addresses up to this one: reach.h */

	/* ---- written by editors whenever a table comes or goes ---- */
	unsigned char apart[PW_APART];
	struct pw_sync sync;
	pthread_mutex_t grow;

	/* Tables smaller than a frame are pieces of one. Free pieces are in a list for each level. */
	pthread_mutex_t free_lock;
	pw_pa free[PW_MAX_LEVELS]; /* first of a list through the pieces, or PW_NO_TABLE */

	/* Tables that were taken out, and were not handed over yet: leaving.c. */
	pthread_mutex_t gather_lock;
	struct pw_gathered *gathered; /* a batch that is not full; NULL if there is none. Atomic. */
	struct pw_space *next, **back; /* in the arena's list; arena->spaces_lock */
	uint64_t bytes; /* atomic: in all tables */
};

/* What is behind the public struct pw_reader. */
struct pw_reader {
	struct pw_sync_reader sync;
	struct pw_space *space;
	/* For src/pin. The kind of leaf that this reader's pins met last, and the doubts that it left: pw_pin_known. */
	struct {
		uint64_t leaf; /* without its page: pw_leaf_rest */
		unsigned flags; /* of the pin; PW_NO_FLAGS: there is none yet */
		uint32_t doubts;
	} known;
	uint64_t stops[32]; /* by enum pw_stop */
};

static const unsigned PW_NO_FLAGS = ~0u;

static const pw_pa PW_NO_TABLE = ~UINT64_C(0);

/* The regime as it is now: root and depth in one load. For readers inside a section and for editors. */
PW_INLINE const struct pw_regime *pw_space_now(const struct pw_space *space)
{
	return __atomic_load_n(&space->now, __ATOMIC_ACQUIRE);
}

/*
 * Loads the regime once more, to see whether the top has grown meanwhile. Sequentially consistent, as the
 * taking of a folio is, so that it does not move up before that.
 */
PW_INLINE const struct pw_regime *pw_space_now_again(const struct pw_space *space)
{
	return __atomic_load_n(&space->now, __ATOMIC_SEQ_CST);
}

/*
 * The sequence number of copies; odd while one is under way. Sequentially consistent, as the taking of a
 * folio is, so that the load after the walk does not move up before that. Partners: pw_space_copy_begin
 * and _end.
 */
PW_INLINE uint64_t pw_space_copies(const struct pw_space *space)
{
	return __atomic_load_n(&space->copies, __ATOMIC_SEQ_CST);
}

/* Where the table at @pa, which is in the arena, is in the host's memory. */
PW_INLINE unsigned char *pw_table_host(const struct pw_space *space, pw_pa pa)
{
	return pw_arena_at(space->arena, pa);
}

/* Decodes the roots of top tables of level @top at pa[] into *@r. As pw_regime_init. */
int pw_space_regime(const struct pw_space *space, unsigned top, const pw_pa pa[PW_MAX_ROOTS],
		    struct pw_regime *r, struct pw_error *error);
/*
 * Puts higher tops above the present one until they cover first..last. Meanwhile readers walk from the old
 * top or from the new one. Returns 0, -ERANGE, -ENOMEM.
 */
int pw_space_cover(struct pw_space *space, pw_va first, pw_va last, struct pw_error *error);
/* How many tables are at the top: one for each root. */
unsigned pw_space_tops(const struct pw_space *space);
/*
 * Allocates a table for @level, its content undefined. Returns 0; or -ENOMEM if there is no memory for it,
 * and waiting for readers would not give any. May wait for readers.
 */
int pw_table_alloc(struct pw_space *space, unsigned level, pw_pa *pa_ret);
/* Frees a table that no reader can be in. */
void pw_table_free(struct pw_space *space, unsigned level, pw_pa pa);

/* Does the table of @level at @pa hold nothing but empty entries and unused tables? */
bool pw_table_unused(const struct pw_space *space, const struct pw_regime *r, unsigned level,
		     pw_pa pa);

/*
 * Gathers a table that was taken out: readers that enter from now on do not find it, and no editor is in
 * it. It is freed when the readers that may be in it have left.
 */
void pw_gather_add(struct pw_space *space, unsigned level, pw_pa pa);
/* As pw_gather_add, also for all tables below. */
void pw_gather_tree(struct pw_space *space, const struct pw_regime *r, unsigned level, pw_pa pa);
/* Hands the gathered tables over, of which there are some. */
void pw_gather_hand_over(struct pw_space *space);
/* Hands the gathered tables over: at the end of an operation, and when memory is short. */
PW_INLINE void pw_gather_finish(struct pw_space *space)
{
	/* A batch with tables of this thread is seen here, unless another thread has handed it over. */
	if (PW_UNLIKELY(__atomic_load_n(&space->gathered, __ATOMIC_RELAXED)))
		pw_gather_hand_over(space);
}

/* An operation under way: its arguments and its progress. On its caller's stack. */
struct pw_edit {
	struct pw_space *space;
	const struct pw_regime *regime;
	const struct pw_span
		*span; /* the regime's one that covers all of the range; NULL if none does */
	pw_va first, last; /* as asked */
	pw_va va; /* everything before it is done */
	pw_pa pa; /* map: the physical address for va */
	uint32_t attr; /* map, protect */
	bool prot_none; /* protect: nobody may access the pages */
	unsigned size_lg2; /* map, collapse: make no larger page; split: leave no larger page */
	uint64_t bytes; /* collapse: how many are in larger pages now */

	/* unmap: the callback, and a run of pages that it was not told of yet. */
	pw_unmapped_fn *unmapped;
	void *context;
	struct {
		pw_va first, last;
		pw_pa pa;
		bool open;
	} run;
};

/* Reports the run to the callback, if there is one. */
void pw_edit_flush(struct pw_edit *edit);

#endif
