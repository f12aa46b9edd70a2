/* SPDX-License-Identifier: MIT */
/*
 * Memory with folios: the internal side.
 *
 *   frame[]    one struct pw_frame for each page of the memory
 *   arena.c    the memory itself
 *   buddy.c    which frames are free
 *   stock.h    free frames that threads have at hand
 *   space/leaving.c  tables that were taken out and are not free yet
 *   folio.h    counts: taking and releasing
 *   folio.c    the public side
 *
 * A folio is 2^order frames, its pa aligned to its size. Its counts are in the first frame, its head:
 *
 *   frame      n          n+1        n+2        n+3
 *            +----------+----------+----------+----------+
 *   link     | n, 2     | n, 2     | n, 2     | n, 2     |   head and order, one word
 *   counts   | ref  pin | 0        | 0        | 0        |   references, and pins of a large folio
 *   mapping  | whose    | -        | -        | -        |
 *   flags    | D  X     |    X     |          |    X     |   dirty: the folio's; exclusive: each page's
 *            +----------+----------+----------+----------+
 *
 * Only a head has counts other than zero: those of free frames, and of frames behind a head, are zero. A
 * free frame names itself as its head. So a reader that comes with an old link finds a count of zero, or a
 * link that has changed.
 */
#ifndef PW_FOLIO_ARENA_H
#define PW_FOLIO_ARENA_H

#include <pthread.h>

#include <pagewalk/space.h>

#include "base/mutant.h"
#include "base/words.h"

/*
 * Zones of free memory, by address. PW_ZONE_LG2 is log2 of the end of each; the last one has no end.
 * Entries and roots of a format must be able to name its tables: for many formats they must lie below
 * 4 GiB. An allocation takes memory from the lowest of its zones that has any. tests/space/reach.c fails
 * when a format needs another zone.
 */
enum { PW_ZONES = 9 };
static const uint8_t PW_ZONE_LG2[PW_ZONES] = { 32, 34, 40, 43, 48, 52, 56, 60, 64 };

/*
 * Bytes between two members of a structure that are never in one cache line, nor in one pair of lines, which some processors
 * fetch together. On POWER one line has 128 bytes.
 */
enum { PW_APART = 128 };

enum {
	PW_ORDERS = 19, /* 0 to 18: 1 GiB of 4 KiB */
	PW_POISON = 0x6b, /* the byte that freed memory is filled with */

	PW_FRAME_DIRTY = 1 << 0,
	PW_FRAME_EXCLUSIVE = 1 << 1, /* anonymous, and mapped by one space alone */
	PW_FRAME_FREE = 1 << 2, /* the first frame of a free block; protected by arena->lock */
	PW_FRAME_POISONED = 1 << 3, /* protected by arena->lock while the frame is free */
	PW_FRAME_BROKEN =
		1 << 4, /* its memory is bad: once it is given back, nobody gets it again */
};
static const uint32_t PW_NO_FRAME = ~UINT32_C(0);

struct pw_frame {
	uint64_t counts; /* references | pins << 32; atomic */
	uint64_t
		mapping; /* kind | owner << 3; atomic. In a free block: its neighbours in the list */
	uint64_t link; /* order | head << 8, in the form of pw_link_stored(); atomic */
	/* Index of the page in its mapping; in a frame that was cut into tables: pieces in use. Atomic. */
	uint32_t index;
	uint32_t flags; /* atomic */
};
_Static_assert(sizeof(struct pw_frame) == 32, "two frames in a cache line");

struct pw_space;
struct pw_stock;

struct pw_arena {
	pw_pa base;
	uint64_t bytes;
	unsigned page_lg2;
	unsigned char *host;
	struct pw_frame *frame;
	uint32_t frames;
	uint32_t zero; /* the zero page's frame */
	uint32_t skew; /* added to a frame's number, so that blocks are aligned in pa */
	bool poison;
	int fd;
	bool huge; /* the memory is made of huge pages */
	struct pw_memory *memory;
	unsigned char *mine; /* a page that is all zero in a child of the process: see below */

	/* What follows is written by whoever allocates; what is above is read by every pin. */
	unsigned char apart[PW_APART];

	/* `lock` protects the lists of free blocks, the flags of frames that are free, and free_frames. */
	pthread_mutex_t lock;
	uint32_t free[PW_ZONES][PW_ORDERS]; /* first block of each order, PW_NO_FRAME if none */
	uint32_t free_frames;
	struct pw_stock *stock; /* PW_STOCKS of them, or NULL: stock.h */

	/* `spaces_lock` protects the list of spaces. It is held during waits for their readers. */
	pthread_mutex_t spaces_lock;
	struct pw_space *spaces;
	uint64_t leaving; /* atomic: see PW_LEAVING_BEGAN below */

	struct pw_arena_faults faults; /* atomic */
};

/*
 * Is this the process that created the arena? A child of fork(2) has a copy of the counts and of the
 * locks, but none of the other threads, and would share the memory itself. So a child does not have the
 * memory mapped (MADV_DONTFORK), and finds the page at `mine` empty (MADV_WIPEONFORK). Each public function
 * asks, and does nothing in a child.
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

/* The number of zones, from the lowest on, that lie below 2^@limit_lg2. */
PW_INLINE unsigned pw_zones_below(unsigned limit_lg2)
{
	unsigned zones = 0;

	while (zones < PW_ZONES && PW_ZONE_LG2[zones] <= limit_lg2)
		zones++;
	return zones;
}

/*
 * Allocates a folio in one of the first @zones zones. It has one reference, no mapping, and undefined
 * content. Returns 0, or -ENOMEM.
 */
int pw_buddy_alloc(struct pw_arena *arena, unsigned order, unsigned zones, uint32_t *frame_ret);
/* Takes back a folio whose counts are zero. */
void pw_buddy_free(struct pw_arena *arena, uint32_t frame, unsigned order);
/*
 * Takes a free frame out for ever, because its memory is broken. False: it is not free. A frame that is in use
 * gets PW_FRAME_BROKEN from somebody who has a reference; it is not free any more when that goes.
 */
bool pw_buddy_retire(struct pw_arena *arena, uint32_t frame);
/*
 * Takes at most @count single frames out of the lists while @enough are free: of whole blocks, or of one that it
 * splits. Returns how many; the first one is the last in @frame. They stay free (stock.h): pw_buddy_begin makes a
 * folio of one, pw_buddy_give puts them back into the lists.
 */
uint32_t pw_buddy_take(struct pw_arena *arena, uint32_t *frame, uint32_t count, uint32_t enough);
void pw_buddy_give(struct pw_arena *arena, const uint32_t *frame, uint32_t count);
/* Makes a folio of free frames that are in no list: as pw_buddy_alloc returns it. */
void pw_buddy_begin(struct pw_arena *arena, uint32_t frame, unsigned order);
/* Makes all frames from @frame on free. */
void pw_buddy_init(struct pw_arena *arena, uint32_t frame);

/* ---- tables that are leaving: space/leaving.c ---- */

void pw_arena_add_space(struct pw_arena *arena, struct pw_space *space);
void pw_arena_remove_space(struct pw_arena *arena, struct pw_space *space);

/*
 * The tables of all spaces that were taken out and are not free yet, in one word: the low half counts
 * them, the high half counts every table that ever began to leave.
 *
 * A failed allocation may be tried again if tables are leaving, or if some left during the try: another
 * thread may have used up the free frames first, and given others back only then. So memory is short for
 * good only if the looks before and after the try find the same word, with no table leaving:
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
 * To be called after an allocation has failed: waits until the tables that are leaving are free. Returns
 * whether another try may succeed. It cannot if no table has been leaving since the look that gave
 * @before; nor if tables are leaving and this thread is inside a section of one of the arena's readers:
 * others may be waiting for that section to end, so it must not wait.
 */
bool pw_arena_await(struct pw_arena *arena, uint64_t before);

/*
 * Allocates a folio for a table, below 2^@limit_lg2. Nobody can pin it. It is never at physical address 0,
 * because the zero page is there. Does not wait. Returns 0, or -ENOMEM.
 */
int pw_arena_alloc(struct pw_arena *arena, unsigned order, unsigned limit_lg2, pw_pa *pa_ret);
void pw_arena_free(struct pw_arena *arena, pw_pa pa);

#endif
