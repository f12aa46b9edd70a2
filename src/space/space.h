/* SPDX-License-Identifier: MIT */
/*
 * Page tables that are edited while others read them.
 *
 *     now --------> regime[2]    (top at level 2)
 *                   regime[3] <- written once, before `now` is turned to it: the top grows
 *
 *     readers       enter, load `now`, walk from its root, leave     (sync.h, src/walk, src/pin)
 *     editors       load `now`, edit their range (edit.h), hand what they took out to leaving.c
 *     leaving.c     frees the tables after every reader that was inside has left
 *
 * Root and depth are in one regime, and a regime never changes: a reader that loads `now` can not
 * have one without the other. After the top has grown, the first entry of the new top leads to the old
 * one, which an operation can then take out like any other table. A reader that entered before walks
 * from the old top until it leaves. It finds there what was mapped at some moment since it entered;
 * whoever must know what is mapped now, as a pin must, loads `now` again.
 *
 * Locks, in this order: `grow` protects regime[] and the step to a higher top; the arena's `spaces_lock`
 * its list of tables; `gather_lock` what is gathered; `free_lock` free[]. The first three may be held
 * while readers are waited for: neither they nor free functions take them.
 */
#ifndef PW_SPACE_H
#define PW_SPACE_H

#include <pthread.h>

#include <pagewalk/space.h>

#include "base/words.h"
#include "folio/arena.h"
#include "sync/sync.h"

struct pw_edit;

/* The operations, compiled for one format: see instance.h. Each works on edit->first..last. */
struct pw_editor {
	int (*map)(struct pw_edit *edit);
	int (*unmap)(struct pw_edit *edit);
	int (*protect)(struct pw_edit *edit);
	int (*split)(struct pw_edit *edit);
	int (*collapse)(struct pw_edit *edit);
};

struct pw_space {
	struct pw_arena *arena;
	const struct pw_format *format;
	uint16_t kernel; /* whose software bits */
	struct pw_sync sync;
	const struct pw_regime *now; /* atomic; release here, acquire in pw_space_now */
	struct pw_regime regime[PW_MAX_LEVELS]; /* by the level of the top */
	pthread_mutex_t grow;
	uint8_t piece_lg2[PW_MAX_LEVELS]; /* log2 of the memory of a table of that level */
	uint8_t limit_lg2[PW_MAX_LEVELS]; /* log2 of where it has to end: reach.h */

	/* Tables that are smaller than a frame come in pieces of one; pieces that are free, by level. */
	pthread_mutex_t free_lock;
	pw_pa free[PW_MAX_LEVELS]; /* of a list through the pieces; PW_NO_TABLE at its end */

	/* Tables that were taken out, and that nobody was asked to free yet: leaving.c. */
	pthread_mutex_t gather_lock;
	struct pw_gathered *gathered; /* a batch that is not full; NULL if there is none. Atomic */
	struct pw_space *next, **back; /* in the arena's list; arena->spaces_lock */

	struct pw_regime nowhere; /* translates nothing: for children of the process */
	uint64_t bytes; /* atomic: of all tables */
	uint64_t copies; /* atomic: odd while pages are write-protected for a copy */
};

/* A reader, as the public functions know it. */
struct pw_reader {
	struct pw_sync_reader sync;
	struct pw_space *space;
	uint64_t stops[32]; /* by enum pw_stop: src/pin */
};

static const pw_pa PW_NO_TABLE = ~UINT64_C(0);

/* Root and depth, as one. For whoever is inside, or edits. */
PW_INLINE const struct pw_regime *pw_space_now(const struct pw_space *space)
{
	return __atomic_load_n(&space->now, __ATOMIC_ACQUIRE);
}

/*
 * The same, once more: has the top grown meanwhile? Sequentially consistent, as is the taking of a folio,
 * before which it must not move.
 */
PW_INLINE const struct pw_regime *pw_space_now_again(const struct pw_space *space)
{
	return __atomic_load_n(&space->now, __ATOMIC_SEQ_CST);
}

/*
 * The sequence against copies. Sequentially consistent, as is the taking of a folio: the load after the
 * walk does not move up before that. Partners: pw_space_copy_begin and _end.
 */
PW_INLINE uint64_t pw_space_copies(const struct pw_space *space)
{
	return __atomic_load_n(&space->copies, __ATOMIC_SEQ_CST);
}

/* Where a table stands in the host's memory. It is one of the arena's. */
PW_INLINE unsigned char *pw_table_host(const struct pw_space *space, pw_pa pa)
{
	return pw_arena_at(space->arena, pa);
}

/* Decodes the roots of top tables of level @top at pa[] into *@r. As pw_regime_init. */
int pw_space_regime(const struct pw_space *space, unsigned top, const pw_pa pa[PW_MAX_ROOTS],
		    struct pw_regime *r, struct pw_error *error);
/* How many tables stand at the top. */
unsigned pw_space_tops(const struct pw_space *space);
/*
 * A table for @level, its content undefined. Returns 0, or -ENOMEM when there is no memory for it, and
 * would be none if nobody read. May wait for readers.
 */
int pw_table_alloc(struct pw_space *space, unsigned level, pw_pa *pa_ret);
/* Gives a table back that no reader can be in. */
void pw_table_free(struct pw_space *space, unsigned level, pw_pa pa);

/* Is there nothing but empty entries and unused tables in the table at @pa of @level? */
bool pw_table_unused(const struct pw_space *space, const struct pw_regime *r, unsigned level,
		     pw_pa pa);

/*
 * A table that was taken out: nothing leads to it for who enters from now on, and no editor is in it. It
 * is freed when the readers that may be there have left.
 */
void pw_gather_add(struct pw_space *space, unsigned level, pw_pa pa);
/* As pw_gather_add, with all tables below. */
void pw_gather_tree(struct pw_space *space, const struct pw_regime *r, unsigned level, pw_pa pa);
/* Hands over what is gathered: at the end of an operation, and for want of memory. */
void pw_gather_finish(struct pw_space *space);

/* An operation under way: what was asked for, and where it stands. On its caller's stack. */
struct pw_edit {
	struct pw_space *space;
	const struct pw_regime *regime;
	pw_va first, last; /* as asked */
	pw_va va; /* everything before it is done */
	/* map: up to here it is done already, by a group of a higher level */
	pw_va group_last;
	bool grouped;
	pw_pa pa; /* map: what va shall lead to */
	uint32_t attr; /* map, protect */
	bool prot_none; /* protect: nobody may */
	unsigned size_lg2; /* map, collapse: no page larger than this; split: none may stay */
	uint64_t bytes; /* collapse: that are larger pages now */

	/* unmap: whom to tell, and neighbours that it was not told of yet. */
	pw_unmapped_fn *unmapped;
	void *context;
	struct {
		pw_va first, last;
		pw_pa pa;
		bool open;
	} run;
};

/* Tells of the run, if there is one. */
void pw_edit_flush(struct pw_edit *edit);

#endif
