/* SPDX-License-Identifier: MIT */
/*
 * Memory with folios, from the inside.
 *
 *   frame[]    one struct pw_frame for each page of the memory
 *   arena.c    the memory itself
 *   buddy.c    which frames are free
 *   space/leaving.c  tables that were taken out, and are not free yet
 *   folio.h    taking and releasing: the only file that touches counts
 *   folio.c    the public side
 *
 * A folio is 2^order frames, its pa aligned to its size. Its counts stand in the first frame, its head:
 *
 *   frame      n          n+1        n+2        n+3
 *            +----------+----------+----------+----------+
 *   link     | n, 2     | n, 2     | n, 2     | n, 2     |   head and order, one word
 *   counts   | ref  pin | 0        | 0        | 0        |   references, and pins of a large folio
 *   mapping  | whose    | -        | -        | -        |
 *   flags    | D  X     |    X     |          |    X     |   dirty: the folio's; exclusive: each page's
 *            +----------+----------+----------+----------+
 *
 * A frame that is free, or behind a head, has counts of zero, and a free one names itself as its head:
 * so a reader that comes with an old link finds a count of zero, or a link that has changed.
 */
#ifndef PW_FOLIO_ARENA_H
#define PW_FOLIO_ARENA_H

#include <pthread.h>

#include <pagewalk/space.h>

#include "base/mutant.h"
#include "base/words.h"

/*
 * Tables have to be where the entries and roots of their format can name them: below 4 GiB for many.
 * So free memory is kept in zones by address, and what can be anywhere is taken from the lowest that has
 * any. PW_ZONE_LG2 is log2 of where each ends; the last one has no end. tests/space/reach.c says when a
 * format needs another one.
 */
enum { PW_ZONES = 9 };
static const uint8_t PW_ZONE_LG2[PW_ZONES] = { 32, 34, 40, 43, 48, 52, 56, 60, 64 };

enum {
	PW_ORDERS = 19, /* 0 to 18: 1 GiB of 4 KiB */
	PW_POISON = 0x6b, /* what freed memory is filled with */

	PW_FRAME_DIRTY = 1 << 0,
	PW_FRAME_EXCLUSIVE = 1 << 1, /* anonymous, and of one space alone */
	PW_FRAME_FREE = 1 << 2, /* the first of a free block; arena->lock */
	PW_FRAME_POISONED = 1 << 3, /* arena->lock, while free */
};
static const uint32_t PW_NO_FRAME = ~UINT32_C(0);

struct pw_frame {
	uint64_t counts; /* references | pins << 32; atomic */
	uint64_t
		mapping; /* kind | owner << 3; atomic. Of a free block: its neighbours in the list */
	uint64_t link; /* order | head << 8, as pw_link_stored() has it; atomic */
	/* Of the page in its mapping; of a frame that was cut for tables, how many of its pieces are. Atomic */
	uint32_t index;
	uint32_t flags; /* atomic */
};
_Static_assert(sizeof(struct pw_frame) == 32, "two frames in a cache line");

struct pw_space;

struct pw_arena {
	pw_pa base;
	uint64_t bytes;
	unsigned page_lg2;
	unsigned char *host;
	struct pw_frame *frame;
	uint32_t frames;
	uint32_t zero; /* the zero page's frame */
	uint32_t skew; /* what to add to a frame's number for blocks to be aligned in pa */
	bool poison;
	int fd;
	bool huge; /* the memory is made of huge pages */
	struct pw_memory *memory;
	unsigned char *mine; /* a page that is all zero in a child of the process: see below */

	/* `lock` protects the lists of free blocks, the flags of frames that are free, and free_frames. */
	pthread_mutex_t lock;
	uint32_t free[PW_ZONES][PW_ORDERS]; /* first block of each order, PW_NO_FRAME if none */
	uint32_t free_frames;

	/* `spaces_lock` protects the list of tables. It is held while their readers are waited for. */
	pthread_mutex_t spaces_lock;
	struct pw_space *spaces;
	uint64_t leaving; /* atomic: see struct pw_leaving below */

	struct pw_arena_faults faults; /* atomic */
};

/*
 * Is this the process that created the arena? A child that fork(2) made of it has a copy of the counts and
 * of the locks, but none of the other threads; the memory itself would be shared. So the memory is not
 * mapped in a child (MADV_DONTFORK), and a child finds the page at `mine` empty (MADV_WIPEONFORK): each
 * public function asks, and does nothing there.
 */
PW_INLINE bool pw_arena_mine(const struct pw_arena *arena)
{
	return PW_LIKELY(__atomic_load_n(arena->mine, __ATOMIC_RELAXED)) ||
	       pw_mutant(PW_MUTANT_FORK_UNNOTICED);
}

PW_INLINE unsigned char *pw_arena_at(const struct pw_arena *arena, pw_pa pa)
{
	return arena->host + (size_t)(pa - arena->base);
}

PW_INLINE bool pw_arena_has(const struct pw_arena *arena, pw_pa pa)
{
	return pa - arena->base < arena->bytes;
}

PW_INLINE uint32_t pw_arena_frame(const struct pw_arena *arena, pw_pa pa)
{
	return (uint32_t)((pa - arena->base) >> arena->page_lg2);
}

PW_INLINE pw_pa pw_arena_pa(const struct pw_arena *arena, uint32_t frame)
{
	return arena->base + ((pw_pa)frame << arena->page_lg2);
}

/* How many zones, from the lowest on, lie below 2^@limit_lg2. */
PW_INLINE unsigned pw_zones_below(unsigned limit_lg2)
{
	unsigned zones = 0;

	while (zones < PW_ZONES && PW_ZONE_LG2[zones] <= limit_lg2)
		zones++;
	return zones;
}

/*
 * Allocates a folio with one reference, no mapping, and undefined content, in one of the first @zones
 * zones. Returns 0, or -ENOMEM.
 */
int pw_buddy_alloc(struct pw_arena *arena, unsigned order, unsigned zones, uint32_t *frame_ret);
/* Takes back a folio whose counts are zero. */
void pw_buddy_free(struct pw_arena *arena, uint32_t frame, unsigned order);
/* All frames free, from @frame on. */
void pw_buddy_init(struct pw_arena *arena, uint32_t frame);

/* ---- tables that are leaving: space/leaving.c ---- */

void pw_arena_add_space(struct pw_arena *arena, struct pw_space *space);
void pw_arena_remove_space(struct pw_arena *arena, struct pw_space *space);

/*
 * Tables of all spaces that were taken out and are not free yet. One word: the low half counts them, the
 * high half counts every table that ever began to leave.
 *
 * Memory is on its way whenever tables are leaving, and also when some began to leave and were freed while
 * somebody tried to allocate: another thread may have used up the free frames first, and only then given
 * others back. So two looks, before and after the try, have to find the same word, with nothing leaving:
 *
 *     do {
 *         before = pw_arena_leaving(arena);
 *         error = try;
 *     } while (error && pw_arena_await(arena, before));
 *
 * The try takes arena->lock, which orders it between the two looks.
 */
static const uint64_t PW_LEAVING_BEGAN = UINT64_C(1) << 32;

PW_INLINE uint64_t pw_arena_leaving(const struct pw_arena *arena)
{
	return __atomic_load_n(&arena->leaving, __ATOMIC_ACQUIRE);
}

PW_INLINE bool pw_leaving_any(uint64_t leaving)
{
	return (uint32_t)leaving != 0;
}

/*
 * After a try to allocate has failed: waits until the tables are free that are leaving. Returns whether
 * another try may succeed. If not, no memory was on its way since the look that gave @before, or this
 * thread is inside a section of one of the arena's readers, which others may be waiting for.
 */
bool pw_arena_await(struct pw_arena *arena, uint64_t before);

/*
 * A folio for a table, below 2^@limit_lg2: nobody can pin it. It is never at physical address 0: the zero
 * page is there. Does not wait.
 */
int pw_arena_alloc(struct pw_arena *arena, unsigned order, unsigned limit_lg2, pw_pa *pa_ret);
void pw_arena_free(struct pw_arena *arena, pw_pa pa);

#endif
