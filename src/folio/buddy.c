/* SPDX-License-Identifier: MIT */
/*
 * The free frames: blocks of 2^order frames, aligned to their size, in a list for each zone and order. Two
 * neighbours of one size ("buddies") that are both free become one block of the next order. Alignment
 * is that of the physical address, because the arena may begin at any page.
 *
 * The lists are used with arena->lock held. Single frames may be out of them and free: stock.h. Frames that are out of the lists, being allocated or freed,
 * are filled, checked and initialised without it.
 */
#include <errno.h>
#include <string.h>

#include "folio/folio.h"
#include "folio/stock.h"

/* The list of free blocks runs through `mapping`: next | previous << 32. */
static uint32_t next_of(const struct pw_arena *arena, uint32_t frame)
{
	return (uint32_t)__atomic_load_n(&arena->frame[frame].mapping, __ATOMIC_RELAXED);
}

static uint32_t previous_of(const struct pw_arena *arena, uint32_t frame)
{
	return (uint32_t)(__atomic_load_n(&arena->frame[frame].mapping, __ATOMIC_RELAXED) >> 32);
}

static void set_neighbours(struct pw_arena *arena, uint32_t frame, uint32_t next, uint32_t previous)
{
	__atomic_store_n(&arena->frame[frame].mapping, (uint64_t)previous << 32 | next,
			 __ATOMIC_RELAXED);
}

static void set_flags(struct pw_arena *arena, uint32_t frame, uint32_t flags)
{
	__atomic_store_n(&arena->frame[frame].flags, flags, __ATOMIC_RELAXED);
}

static uint32_t flags_of(const struct pw_arena *arena, uint32_t frame)
{
	return __atomic_load_n(&arena->frame[frame].flags, __ATOMIC_RELAXED);
}

/* The list for a block: that of the zone in which its last byte is. */
static uint32_t *list_of(struct pw_arena *arena, uint32_t frame, unsigned order)
{
	pw_pa last = pw_arena_pa(arena, frame) + pw_mask(order + arena->page_lg2);
	unsigned zone = 0;

	while (last > pw_mask(PW_ZONE_LG2[zone]))
		zone++;
	return &arena->free[zone][order];
}

static void insert(struct pw_arena *arena, uint32_t frame, unsigned order)
{
	uint32_t *list = list_of(arena, frame, order), first = *list;

	set_neighbours(arena, frame, first, PW_NO_FRAME);
	if (first != PW_NO_FRAME)
		set_neighbours(arena, first, next_of(arena, first), frame);
	*list = frame;
	set_flags(arena, frame, flags_of(arena, frame) | PW_FRAME_FREE);
	__atomic_store_n(&arena->frame[frame].link, pw_link_stored(frame, pw_link_to(frame, order)),
			 __ATOMIC_RELAXED);
}

static void remove_block(struct pw_arena *arena, uint32_t frame, unsigned order)
{
	uint32_t next = next_of(arena, frame), previous = previous_of(arena, frame);

	if (previous == PW_NO_FRAME)
		*list_of(arena, frame, order) = next;
	else
		set_neighbours(arena, previous, next, previous_of(arena, previous));
	if (next != PW_NO_FRAME)
		set_neighbours(arena, next, next_of(arena, next), previous);
	set_flags(arena, frame, flags_of(arena, frame) & ~(uint32_t)PW_FRAME_FREE);
}

/* Is this the first frame of a free block of that order? */
static bool is_free(const struct pw_arena *arena, uint32_t frame, unsigned order)
{
	return (uint64_t)frame + (UINT32_C(1) << order) <= arena->frames &&
	       (flags_of(arena, frame) & PW_FRAME_FREE) &&
	       pw_frame_link(arena, frame) == pw_link_to(frame, order);
}

/* The block with which this one forms a block of the next order; PW_NO_FRAME if that is not in the arena. */
static uint32_t buddy_of(const struct pw_arena *arena, uint32_t frame, unsigned order)
{
	uint64_t place = (uint64_t)frame + arena->skew;
	uint64_t buddy = place ^ UINT64_C(1) << order;

	return buddy < arena->skew || buddy - arena->skew >= arena->frames
		       ? PW_NO_FRAME
		       : (uint32_t)(buddy - arena->skew);
}

static void insert_merged(struct pw_arena *arena, uint32_t frame, unsigned order)
{
	arena->free_frames += UINT32_C(1) << order;
	for (; order + 1 < PW_ORDERS; order++) {
		uint32_t buddy = buddy_of(arena, frame, order);

		if (buddy == PW_NO_FRAME || !is_free(arena, buddy, order))
			break;
		remove_block(arena, buddy, order);
		frame = buddy < frame ? buddy : frame;
	}
	insert(arena, frame, order);
}

void pw_buddy_init(struct pw_arena *arena, uint32_t frame)
{
	for (unsigned zone = 0; zone < PW_ZONES; zone++)
		for (unsigned order = 0; order < PW_ORDERS; order++)
			arena->free[zone][order] = PW_NO_FRAME;
	/* The largest aligned blocks, one after another. Only their first frames are written here. */
	while (frame < arena->frames) {
		unsigned order = PW_ORDERS - 1;

		while (((uint64_t)frame + arena->skew) & pw_mask(order) ||
		       arena->frames - frame < UINT32_C(1) << order)
			order--;
		insert_merged(arena, frame, order);
		frame += UINT32_C(1) << order;
	}
}

/* Every byte of a frame that was freed must still be poison. Counts a frame in which one is not. */
static void check_poison(struct pw_arena *arena, uint32_t frame)
{
	const unsigned char *at = pw_arena_at(arena, pw_arena_pa(arena, frame));
	size_t bytes = (size_t)1 << arena->page_lg2;

	if (!(flags_of(arena, frame) & PW_FRAME_POISONED))
		return;
	if (at[0] != PW_POISON || memcmp(at, at + 1, bytes - 1) != 0)
		__atomic_fetch_add(&arena->faults.written_after_free, 1, __ATOMIC_RELAXED);
}

/* The smallest block that is large enough, in the lowest of the @zones zones that has one; or PW_NO_FRAME. */
static uint32_t find(const struct pw_arena *arena, unsigned order, unsigned zones,
		     unsigned *order_ret)
{
	for (unsigned zone = 0; zone < zones; zone++) {
		for (unsigned from = order; from < PW_ORDERS; from++) {
			*order_ret = from;
			if (arena->free[zone][from] != PW_NO_FRAME)
				return arena->free[zone][from];
		}
	}
	return PW_NO_FRAME;
}

/*
 * Takes the smallest block of at least 2^@least frames out of the lists of the first @zones zones, or 2^@most of its
 * frames if it has more; *order_ret is what it took. PW_NO_FRAME: there is none. arena->lock.
 */
static uint32_t take_block(struct pw_arena *arena, unsigned least, unsigned most, unsigned zones,
			   unsigned *order_ret)
{
	unsigned from;
	uint32_t frame = find(arena, least, zones, &from);

	if (frame == PW_NO_FRAME)
		return frame;
	remove_block(arena, frame, from);
	while (from > most) {
		from--;
		insert(arena, frame + (UINT32_C(1) << from), from);
	}
	arena->free_frames -= UINT32_C(1) << from;
	*order_ret = from;
	return frame;
}

void pw_buddy_begin(struct pw_arena *arena, uint32_t frame, unsigned order)
{
	if (pw_mutant(PW_MUTANT_NEW_COUNTS_FIRST))
		__atomic_store_n(&arena->frame[frame].counts, 1, __ATOMIC_RELEASE);
	pw_moment(PW_MOMENT_FOLIO_NEW);
	for (uint32_t i = 0; i < UINT32_C(1) << order; i++) {
		struct pw_frame *part = &arena->frame[frame + i];

		if (arena->poison)
			check_poison(arena, frame + i);
		__atomic_store_n(&part->index, 0, __ATOMIC_RELAXED);
		__atomic_store_n(&part->mapping, 0, __ATOMIC_RELAXED);
		set_flags(arena, frame + i, 0);
		__atomic_store_n(&part->link, pw_link_stored(frame + i, pw_link_to(frame, order)),
				 __ATOMIC_RELAXED);
	}
	/* Release: a thread that sees the count sees the links. Partner: the load of the counts. */
	__atomic_store_n(&arena->frame[frame].counts, 1, __ATOMIC_RELEASE);
}

int pw_buddy_alloc(struct pw_arena *arena, unsigned order, unsigned zones, uint32_t *frame_ret)
{
	unsigned taken;
	uint32_t frame;

	pthread_mutex_lock(&arena->lock);
	frame = take_block(arena, order, order, zones, &taken);
	pthread_mutex_unlock(&arena->lock);
	if (PW_UNLIKELY(frame == PW_NO_FRAME && arena->stock)) {
		/* Also if the stocks are empty now: another thread may have put them back since. */
		pw_stock_drain(arena);
		pthread_mutex_lock(&arena->lock);
		frame = take_block(arena, order, order, zones, &taken);
		pthread_mutex_unlock(&arena->lock);
	}
	if (frame == PW_NO_FRAME)
		return -ENOMEM;
	pw_buddy_begin(arena, frame, order);
	*frame_ret = frame;
	return 0;
}

/* log2 of the largest block with at most @frames frames, of which there is one at least. */
static unsigned order_within(uint32_t frames)
{
	const unsigned order = 31 - (unsigned)__builtin_clz(frames);

	return order < PW_ORDERS ? order : PW_ORDERS - 1;
}

uint32_t pw_buddy_take(struct pw_arena *arena, uint32_t *frame, uint32_t count, uint32_t enough)
{
	uint32_t taken = 0;

	pthread_mutex_lock(&arena->lock);
	/* By blocks, not by frames: other threads wait meanwhile, and then miss the lists in their caches. */
	while (taken < count && arena->free_frames >= enough) {
		const uint32_t most = arena->free_frames - enough + 1;
		unsigned order = order_within(most < count - taken ? most : count - taken), from;
		uint32_t first = find(arena, 0, PW_ZONES, &from);

		/* A block that would be split is for the next call, which gets it in one piece. */
		if (first == PW_NO_FRAME || (taken > 0 && from > order))
			break;
		first = take_block(arena, 0, order, PW_ZONES, &order);
		for (uint32_t i = 0; i < UINT32_C(1) << order; i++)
			frame[taken++] = first + i;
	}
	pthread_mutex_unlock(&arena->lock);
	for (uint32_t i = 0; i < taken / 2; i++) {
		uint32_t other = frame[i];

		frame[i] = frame[taken - 1 - i];
		frame[taken - 1 - i] = other;
	}
	return taken;
}

/* Puts the frames of a block back that are not broken. arena->lock. */
static void insert_good(struct pw_arena *arena, uint32_t frame, unsigned order)
{
	bool broken = false;

	for (uint32_t i = 0; i < UINT32_C(1) << order; i++)
		broken |= flags_of(arena, frame + i) & PW_FRAME_BROKEN;
	if (!broken || pw_mutant(PW_MUTANT_BROKEN_AGAIN)) {
		insert_merged(arena, frame, order);
		return;
	}
	for (uint32_t i = 0; i < UINT32_C(1) << order; i++)
		if (!(flags_of(arena, frame + i) & PW_FRAME_BROKEN))
			insert_merged(arena, frame + i, 0);
}

void pw_buddy_free(struct pw_arena *arena, uint32_t frame, unsigned order)
{
	/* Every frame becomes its own head again before any of them can be in another folio: see arena.h. */
	for (uint32_t i = 0; i < UINT32_C(1) << order; i++) {
		uint32_t kept = flags_of(arena, frame + i) & PW_FRAME_BROKEN;

		__atomic_store_n(&arena->frame[frame + i].link,
				 pw_link_stored(frame + i, pw_link_to(frame + i, 0)),
				 __ATOMIC_RELEASE);
		set_flags(arena, frame + i, kept | (arena->poison ? PW_FRAME_POISONED : 0));
	}
	if (arena->poison)
		memset(pw_arena_at(arena, pw_arena_pa(arena, frame)), PW_POISON,
		       (size_t)1 << (order + arena->page_lg2));
	pthread_mutex_lock(&arena->lock);
	insert_good(arena, frame, order);
	pthread_mutex_unlock(&arena->lock);
}

void pw_buddy_give(struct pw_arena *arena, const uint32_t *frame, uint32_t count)
{
	pthread_mutex_lock(&arena->lock);
	for (uint32_t i = 0; i < count; i++)
		insert_good(arena, frame[i], 0);
	pthread_mutex_unlock(&arena->lock);
}

/* The first frame of the free block that has @frame, and its order; PW_NO_FRAME if it is in use. */
static uint32_t block_of(const struct pw_arena *arena, uint32_t frame, unsigned *order_ret)
{
	for (unsigned order = 0; order < PW_ORDERS; order++) {
		uint64_t start = ((uint64_t)frame + arena->skew) & ~pw_mask(order);

		if (start < arena->skew)
			break;
		*order_ret = order;
		if (is_free(arena, (uint32_t)(start - arena->skew), order))
			return (uint32_t)(start - arena->skew);
	}
	return PW_NO_FRAME;
}

bool pw_buddy_retire(struct pw_arena *arena, uint32_t frame)
{
	uint32_t block;
	unsigned order;

	/* It may be in a stock. If it comes to one again before the look, it is on its way to somebody. */
	pw_stock_drain(arena);
	pthread_mutex_lock(&arena->lock);
	block = block_of(arena, frame, &order);
	if (block != PW_NO_FRAME) {
		remove_block(arena, block, order);
		arena->free_frames--;
		/* The halves that do not have it stay free. */
		while (order > 0) {
			uint32_t half = UINT32_C(1) << --order;
			bool high = frame - block >= half;

			insert(arena, high ? block : block + half, order);
			block += high ? half : 0;
		}
		set_flags(arena, frame, flags_of(arena, frame) | PW_FRAME_BROKEN);
	}
	pthread_mutex_unlock(&arena->lock);
	return block != PW_NO_FRAME;
}
