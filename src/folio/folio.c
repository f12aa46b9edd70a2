/* SPDX-License-Identifier: MIT */
/* The public side of folios: allocating, taking and releasing, information, sharing and splitting. */
#include <errno.h>
#include <sched.h>

#include "folio/folio.h"

#include "folio/stock.h"

static uint64_t mapping_word(enum pw_folio_kind kind, uint64_t owner)
{
	return owner << 3 | kind;
}

void pw_folio_free(struct pw_arena *arena, uint32_t head, unsigned order)
{
	pw_buddy_free(arena, head, order);
}

void pw_folio_fault(struct pw_arena *arena)
{
	__atomic_fetch_add(&arena->faults.underflows, 1, __ATOMIC_RELAXED);
}

bool pw_counts_add_any(uint64_t *counts, uint64_t add)
{
	uint64_t old = __atomic_load_n(counts, __ATOMIC_RELAXED);

	do {
		if ((uint32_t)old == 0 && !pw_mutant(PW_MUTANT_GRAB_ZERO))
			return false;
		if (((uint32_t)old + (uint64_t)(uint32_t)add > PW_COUNT_LIMIT ||
		     (old >> 32) + (add >> 32) > PW_COUNT_LIMIT) &&
		    !pw_mutant(PW_MUTANT_OVERFLOW))
			return false;
	} while (!pw_counts_swap(counts, &old, old + add));
	return true;
}

void pw_folio_give_back(struct pw_arena *arena, uint32_t frame, uint32_t pages, bool pin)
{
	pw_folio_drop(arena, frame, pages, pin);
}

void pw_folio_untake(struct pw_arena *arena, uint32_t head, uint64_t add)
{
	if (pw_counts_sub(&arena->frame[head].counts, add) == 0)
		pw_folio_free(arena, head, pw_link_order(pw_frame_link(arena, head)));
}

/* May this process use the page at @pa? */
static bool usable(const struct pw_arena *arena, pw_pa pa)
{
	return pw_arena_has(arena, pa) && pw_arena_mine(arena);
}

/* Fills in what a new folio is. */
static void fill_folio(struct pw_arena *arena, uint32_t frame, unsigned order,
		       enum pw_folio_kind kind, uint64_t owner, uint32_t index)
{
	/* Nobody takes the folio before it is mapped. The entry's store, a release, publishes all of this. */
	for (uint32_t i = 0; i < UINT32_C(1) << order; i++) {
		__atomic_store_n(&arena->frame[frame + i].index, index + i, __ATOMIC_RELAXED);
		/* Not a store: somebody may find out meanwhile that the frame is broken. */
		if (kind == PW_FOLIO_ANONYMOUS)
			__atomic_fetch_or(&arena->frame[frame + i].flags, PW_FRAME_EXCLUSIVE,
					  __ATOMIC_RELAXED);
	}
	__atomic_store_n(&arena->frame[frame].mapping, mapping_word(kind, owner), __ATOMIC_RELEASE);
}

int pw_folio_alloc(struct pw_arena *arena, unsigned order, enum pw_folio_kind kind, uint64_t owner,
		   uint32_t index, pw_pa *pa_ret)
{
	uint32_t frame;
	uint64_t before;
	int code;

	if (!arena || !pa_ret || order >= PW_ORDERS || kind > PW_FOLIO_SECRET || owner >> 61)
		return -EINVAL;
	if (!pw_arena_mine(arena))
		return -EPERM;
	do {
		before = pw_arena_leaving(arena);
		pw_moment(PW_MOMENT_TRY);
		code = pw_buddy_alloc(arena, order, PW_ZONES, &frame);
	} while (code && !pw_mutant(PW_MUTANT_FOLIO_NO_AWAIT) && pw_arena_await(arena, before));
	if (code)
		return code;
	fill_folio(arena, frame, order, kind, owner, index);
	*pa_ret = pw_arena_pa(arena, frame);
	return 0;
}

bool pw_folio_alloc_near(struct pw_arena *arena, unsigned near, enum pw_folio_kind kind,
			 uint32_t *frame_ret)
{
	const uint32_t frame = pw_arena_mine(arena) ? pw_stock_take(arena, near) : PW_NO_FRAME;

	if (frame == PW_NO_FRAME)
		return false;
	pw_buddy_begin(arena, frame, 0);
	fill_folio(arena, frame, 0, kind, 0, 0);
	*frame_ret = frame;
	return true;
}

bool pw_folio_get(struct pw_arena *arena, pw_pa pa, uint32_t references)
{
	return references > 0 && references <= PW_COUNT_LIMIT && usable(arena, pa) &&
	       pw_folio_try_get(arena, pw_arena_frame(arena, pa), references);
}

void pw_folio_put(struct pw_arena *arena, pw_pa pa, uint32_t references)
{
	if (!pw_arena_mine(arena))
		return;
	if (references > 0 && pw_arena_has(arena, pa))
		pw_folio_drop(arena, pw_arena_frame(arena, pa), references, false);
	else
		pw_folio_fault(arena);
}

static bool pins_fit(uint32_t pages)
{
	return pages > 0 && pages <= PW_PINS_AT_ONCE;
}

bool pw_folio_pin(struct pw_arena *arena, pw_pa pa, uint32_t pages)
{
	return pins_fit(pages) && usable(arena, pa) &&
	       pw_folio_try_pin(arena, pw_arena_frame(arena, pa), pages);
}

void pw_folio_unpin(struct pw_arena *arena, pw_pa pa, uint32_t pages)
{
	if (!pw_arena_mine(arena))
		return;
	if (pins_fit(pages) && pw_arena_has(arena, pa))
		pw_folio_drop(arena, pw_arena_frame(arena, pa), pages, true);
	else
		pw_folio_fault(arena);
}

static bool counts_pinned(uint64_t counts, unsigned order)
{
	return counts >> 32 || (order == 0 && (uint32_t)counts >= PW_PIN_BIAS);
}

/* A folio as it was at one moment. */
struct look {
	uint64_t link; /* of the frame that was asked about */
	uint64_t counts, mapping; /* of the head */
	uint32_t flags; /* of the head */
};

/*
 * Looks at the folio of @frame. The counts are worth nothing if the frame belonged to another folio when
 * they were loaded; so the link is loaded again after them, as in pw_folio_take. The counts are loaded
 * with acquire order. If they show no pin, everything that was written through pins is visible; if they
 * are those of a part that was split off, so is its new link.
 */
static struct look look(const struct pw_arena *arena, uint32_t frame)
{
	struct look seen;

	do {
		const struct pw_frame *head;

		seen.link = pw_frame_link(arena, frame);
		head = &arena->frame[pw_link_head(seen.link)];
		pw_moment(PW_MOMENT_FOLIO_LOOK);
		seen.counts = __atomic_load_n(&head->counts, __ATOMIC_SEQ_CST);
		seen.mapping = __atomic_load_n(&head->mapping, __ATOMIC_RELAXED);
		seen.flags = __atomic_load_n(&head->flags, __ATOMIC_ACQUIRE);
	} while (pw_frame_link(arena, frame) != seen.link && !pw_mutant(PW_MUTANT_ONE_LOOK));
	if (seen.counts & PW_COUNTS_FROZEN)
		seen.counts = (seen.counts & ~PW_COUNTS_FROZEN) >> 32;
	if ((seen.counts & PW_COUNTS_SPLITTING) && !pw_mutant(PW_MUTANT_SPLIT_IS_FREE))
		seen.counts = (seen.counts & ~PW_COUNTS_SPLITTING) >>
			      32 << pw_link_order(seen.link);
	return seen;
}

bool pw_folio_info(const struct pw_arena *arena, pw_pa pa, struct pw_folio_info *info_ret)
{
	uint32_t frame = pw_arena_frame(arena, pa);
	struct look seen;

	if (!usable(arena, pa))
		return false;
	seen = look(arena, frame);
	*info_ret = (struct pw_folio_info){
		.pa = pw_arena_pa(arena, pw_link_head(seen.link)),
		.order = pw_link_order(seen.link),
		.references = (uint32_t)seen.counts,
		.pins = (uint32_t)(seen.counts >> 32),
		.maybe_pinned = counts_pinned(seen.counts, pw_link_order(seen.link)),
	};
	if ((uint32_t)seen.counts == 0)
		return false;
	info_ret->kind = (enum pw_folio_kind)(seen.mapping & 7);
	info_ret->owner = seen.mapping >> 3;
	info_ret->index = __atomic_load_n(&arena->frame[frame].index, __ATOMIC_RELAXED);
	info_ret->exclusive = __atomic_load_n(&arena->frame[frame].flags, __ATOMIC_RELAXED) &
			      PW_FRAME_EXCLUSIVE;
	info_ret->dirty = seen.flags & PW_FRAME_DIRTY;
	return true;
}

/* ---- changing a head ---- */

/*
 * Adds one reference, even near the limit. False if the folio has none: it is free, or is being split.
 */
static bool counts_hold(uint64_t *counts)
{
	uint64_t old = __atomic_load_n(counts, __ATOMIC_RELAXED);

	do {
		if ((uint32_t)old == 0)
			return false;
	} while (!pw_counts_swap(counts, &old, old + 1));
	return true;
}

/*
 * Holds the folio of @frame, so that it is not split until let_go; *head_ret is its head. While another
 * thread splits the folio, this waits; a splitter waits for nobody. False if the page is free.
 */
static bool hold(struct pw_arena *arena, uint32_t frame, uint32_t *head_ret)
{
	for (;;) {
		uint64_t link = pw_frame_link(arena, frame);
		uint32_t head = pw_link_head(link);

		*head_ret = head;
		if (pw_folio_is_zero(arena, frame))
			return true;
		if (pw_mutant(PW_MUTANT_NO_HOLD) || counts_hold(&arena->frame[head].counts)) {
			pw_moment(PW_MOMENT_FOLIO_TAKEN);
			if (pw_frame_link(arena, frame) == link || pw_mutant(PW_MUTANT_NO_HOLD))
				return true;
			pw_folio_untake(arena, head, 1);
		} else if ((uint32_t)look(arena, frame).counts == 0) {
			return false;
		} else {
			sched_yield();
		}
	}
}

static void let_go(struct pw_arena *arena, uint32_t head)
{
	if (!pw_folio_is_zero(arena, head) && !pw_mutant(PW_MUTANT_NO_HOLD))
		pw_folio_untake(arena, head, 1);
}

void pw_folio_truncate(struct pw_arena *arena, pw_pa pa)
{
	uint64_t kept = 0;
	uint32_t head;

	if (!usable(arena, pa) || !hold(arena, pw_arena_frame(arena, pa), &head))
		return;
	/* Secret memory keeps its kind: nothing else says that nobody may pin it. */
	if (pw_head_kind(arena, head) == PW_FOLIO_SECRET)
		kept = mapping_word(PW_FOLIO_SECRET, 0);
	__atomic_store_n(&arena->frame[head].mapping, kept, __ATOMIC_RELEASE);
	let_go(arena, head);
}

void pw_folio_dirty(struct pw_arena *arena, pw_pa pa)
{
	uint32_t head;

	if (!usable(arena, pa) || !hold(arena, pw_arena_frame(arena, pa), &head))
		return;
	__atomic_fetch_or(&arena->frame[head].flags, PW_FRAME_DIRTY, __ATOMIC_RELAXED);
	let_go(arena, head);
}

bool pw_folio_clean(struct pw_arena *arena, pw_pa pa)
{
	const uint32_t kept = ~(uint32_t)PW_FRAME_DIRTY;
	uint32_t head, before;

	if (!usable(arena, pa) || !hold(arena, pw_arena_frame(arena, pa), &head))
		return false;
	before = __atomic_fetch_and(&arena->frame[head].flags, kept, __ATOMIC_RELAXED);
	let_go(arena, head);
	return before & PW_FRAME_DIRTY;
}

/* ---- sharing and splitting ---- */

void pw_folio_own(struct pw_arena *arena, pw_pa pa)
{
	if (usable(arena, pa))
		__atomic_fetch_or(&arena->frame[pw_arena_frame(arena, pa)].flags,
				  PW_FRAME_EXCLUSIVE, __ATOMIC_RELEASE);
}

bool pw_folio_try_share(struct pw_arena *arena, pw_pa pa)
{
	const uint32_t kept = ~(uint32_t)PW_FRAME_EXCLUSIVE;
	uint32_t frame = pw_arena_frame(arena, pa), before;
	struct look seen = { 0 };

	if (!usable(arena, pa))
		return false;
	/*
	 * Clear the bit, full barrier, look at the pins. Partner: pw_folio_take, a full barrier, and then
	 * the load of the bit in pw_pin_allowed. So one of the two sees the other. A pin that came before the
	 * bit was cleared counts in the folio to which the page belongs now: a pinned folio is not split.
	 */
	if (pw_mutant(PW_MUTANT_SHARE_AFTER) || pw_mutant(PW_MUTANT_SHARE_OLD_HEAD))
		seen = look(arena, frame);
	pw_moment(PW_MOMENT_SHARE);
	before = __atomic_fetch_and(&arena->frame[frame].flags, kept, __ATOMIC_SEQ_CST);
	/* The page was shared already: any pin of it was taken by the rules for shared pages. */
	if (!(before & PW_FRAME_EXCLUSIVE))
		return true;
	if (pw_mutant(PW_MUTANT_SHARE_OLD_HEAD))
		seen.counts = __atomic_load_n(&arena->frame[pw_link_head(seen.link)].counts,
					      __ATOMIC_SEQ_CST);
	else if (!pw_mutant(PW_MUTANT_SHARE_AFTER))
		seen = look(arena, frame);
	if (!counts_pinned(seen.counts, pw_link_order(seen.link)) ||
	    pw_mutant(PW_MUTANT_SHARE_PINNED))
		return true;
	pw_folio_own(arena, pa);
	return false;
}

/* ---- freezing ---- */

/*
 * If the folio that @link names has exactly @references and no pin, takes them away, and leaves @frozen in their
 * place, so that nobody can take the folio. False, and nothing is changed, if it has not, or if @frame no
 * longer has that link.
 */
static bool freeze(struct pw_arena *arena, uint32_t frame, uint64_t link, uint64_t references,
		   uint64_t frozen)
{
	uint64_t *counts = &arena->frame[pw_link_head(link)].counts, expected = references;

	pw_moment(PW_MOMENT_FOLIO_FOUND);
	/* Acquires what others did before they gave their references back. Nothing is to be released yet. */
	if (references > PW_COUNT_LIMIT ||
	    !__atomic_compare_exchange_n(counts, &expected, frozen, false, __ATOMIC_SEQ_CST,
					 __ATOMIC_RELAXED))
		return pw_mutant(PW_MUTANT_SPLIT_PINNED);
	/* Another thread may have split the folio before: then these are the counts of its first page. */
	if (pw_frame_link(arena, frame) == link || pw_mutant(PW_MUTANT_SPLIT_OLD_HEAD))
		return true;
	__atomic_store_n(counts, references, __ATOMIC_RELEASE);
	return false;
}

bool pw_folio_freeze(struct pw_arena *arena, uint32_t frame, uint32_t references)
{
	if (references == 0 || pw_folio_is_zero(arena, frame))
		return false;
	return freeze(arena, frame, pw_frame_link(arena, frame), references,
		      PW_COUNTS_FROZEN | (uint64_t)references << 32);
}

void pw_folio_thaw(struct pw_arena *arena, uint32_t head, uint32_t references)
{
	unsigned order = pw_link_order(pw_frame_link(arena, head));

	/* Releases what was changed meanwhile. Partner: the taker's compare-and-swap, or the look. */
	__atomic_store_n(&arena->frame[head].counts, references, __ATOMIC_RELEASE);
	if (references == 0)
		pw_folio_free(arena, head, order);
}

/* The counts of a folio, or of a part of it, during a split: see PW_COUNTS_SPLITTING. */
static uint64_t splitting(uint32_t references)
{
	return PW_COUNTS_SPLITTING | (uint64_t)references << 32;
}

/*
 * Gives the parts their counts, the head first: as long as a thread finds the old head as it was, no part
 * can be taken.
 */
static void end_split(struct pw_arena *arena, uint32_t head, uint32_t frames, uint32_t references)
{
	for (uint32_t i = 0; i < frames; i++) {
		__atomic_store_n(&arena->frame[head + i].counts, references, __ATOMIC_RELEASE);
		pw_moment(PW_MOMENT_SPLIT);
	}
}

bool pw_folio_split(struct pw_arena *arena, pw_pa pa, uint32_t references)
{
	uint32_t frame = pw_arena_frame(arena, pa), head, frames, dirty;
	uint64_t link, mapping;

	if (references == 0 || !usable(arena, pa))
		return false;
	link = pw_frame_link(arena, frame);
	head = pw_link_head(link);
	frames = pw_link_pages(link);
	if (!freeze(arena, frame, link, (uint64_t)references << pw_link_order(link),
		    splitting(references)))
		return false;
	if (pw_mutant(PW_MUTANT_SPLIT_COUNTS_FIRST))
		end_split(arena, head, frames, references);
	pw_moment(PW_MOMENT_SPLITTING);
	/* Nobody changes these now: changing them takes a hold on the folio, and there is none. */
	mapping = __atomic_load_n(&arena->frame[head].mapping, __ATOMIC_RELAXED);
	dirty = __atomic_load_n(&arena->frame[head].flags, __ATOMIC_RELAXED) & PW_FRAME_DIRTY;
	for (uint32_t i = 0; i < frames; i++) {
		struct pw_frame *part = &arena->frame[head + i];

		__atomic_store_n(&part->mapping, mapping, __ATOMIC_RELAXED);
		__atomic_fetch_or(&part->flags, dirty, __ATOMIC_RELAXED);
		if (!pw_mutant(PW_MUTANT_PARTS_ARE_FREE))
			__atomic_store_n(&part->counts, splitting(references), __ATOMIC_RELAXED);
		/* The link before the counts: by an old link nobody finds references, or else a new link. */
		__atomic_store_n(&part->link, pw_link_stored(head + i, pw_link_to(head + i, 0)),
				 __ATOMIC_RELEASE);
	}
	end_split(arena, head, frames, references);
	return true;
}
