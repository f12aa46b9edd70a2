/* SPDX-License-Identifier: MIT */
/* Folios, for whoever owns them: allocation, what they are, sharing and splitting. */
#include <errno.h>

#include "space/folio.h"

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

int pw_folio_alloc(struct pw_arena *arena, unsigned order, enum pw_folio_kind kind, uint64_t owner,
		   uint32_t index, pw_pa *pa_ret)
{
	uint32_t frame;
	int code;

	if (!arena || !pa_ret || order >= PW_ORDERS || kind > PW_FOLIO_SECRET || owner >> 61)
		return -EINVAL;
	code = pw_buddy_alloc(arena, order, PW_ZONES, &frame);
	if (code)
		return code;
	/* Nobody takes it before it is mapped: the entry's release order publishes all of this. */
	for (uint32_t i = 0; i < UINT32_C(1) << order; i++) {
		__atomic_store_n(&arena->frame[frame + i].index, index + i, __ATOMIC_RELAXED);
		if (kind == PW_FOLIO_ANONYMOUS)
			__atomic_store_n(&arena->frame[frame + i].flags, PW_FRAME_EXCLUSIVE,
					 __ATOMIC_RELAXED);
	}
	__atomic_store_n(&arena->frame[frame].mapping, mapping_word(kind, owner), __ATOMIC_RELEASE);
	*pa_ret = pw_arena_pa(arena, frame);
	return 0;
}

bool pw_folio_get(struct pw_arena *arena, pw_pa pa, uint32_t references)
{
	return references > 0 && references <= PW_COUNT_LIMIT && pw_arena_has(arena, pa) &&
	       pw_folio_try_get(arena, pw_arena_frame(arena, pa), references);
}

void pw_folio_put(struct pw_arena *arena, pw_pa pa, uint32_t references)
{
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
	return pins_fit(pages) && pw_arena_has(arena, pa) &&
	       pw_folio_try_pin(arena, pw_arena_frame(arena, pa), pages);
}

void pw_folio_unpin(struct pw_arena *arena, pw_pa pa, uint32_t pages)
{
	if (pins_fit(pages) && pw_arena_has(arena, pa))
		pw_folio_drop(arena, pw_arena_frame(arena, pa), pages, true);
	else
		pw_folio_fault(arena);
}

static bool counts_pinned(uint64_t counts, unsigned order)
{
	return counts >> 32 || (order == 0 && (uint32_t)counts >= PW_PIN_BIAS);
}

bool pw_folio_info(const struct pw_arena *arena, pw_pa pa, struct pw_folio_info *info_ret)
{
	uint32_t frame = pw_arena_frame(arena, pa), head;
	uint64_t link, counts, mapping;

	if (!pw_arena_has(arena, pa))
		return false;
	link = pw_frame_link(arena, frame);
	head = pw_link_head(link);
	/* Acquire: where no pin is left, what was written through it is there. */
	counts = __atomic_load_n(&arena->frame[head].counts, __ATOMIC_ACQUIRE);
	mapping = __atomic_load_n(&arena->frame[head].mapping, __ATOMIC_RELAXED);
	*info_ret = (struct pw_folio_info){
		.pa = pw_arena_pa(arena, head),
		.order = pw_link_order(link),
		.references = (uint32_t)counts,
		.pins = (uint32_t)(counts >> 32),
		.maybe_pinned = counts_pinned(counts, pw_link_order(link)),
	};
	if ((uint32_t)counts == 0)
		return false;
	info_ret->kind = (enum pw_folio_kind)(mapping & 7);
	info_ret->owner = mapping >> 3;
	info_ret->index = __atomic_load_n(&arena->frame[frame].index, __ATOMIC_RELAXED);
	info_ret->exclusive = __atomic_load_n(&arena->frame[frame].flags, __ATOMIC_RELAXED) &
			      PW_FRAME_EXCLUSIVE;
	info_ret->dirty = __atomic_load_n(&arena->frame[head].flags, __ATOMIC_RELAXED) &
			  PW_FRAME_DIRTY;
	return true;
}

/* The folio's first frame, or NULL if @pa is outside the arena. */
static struct pw_frame *head_of(struct pw_arena *arena, pw_pa pa)
{
	return pw_arena_has(arena, pa)
		       ? &arena->frame[pw_folio_head(arena, pw_arena_frame(arena, pa))]
		       : NULL;
}

void pw_folio_truncate(struct pw_arena *arena, pw_pa pa)
{
	struct pw_frame *head = head_of(arena, pa);

	/* What was secret stays so: only its kind says that nobody may pin it. */
	if (head)
		__atomic_store_n(&head->mapping,
				 (__atomic_load_n(&head->mapping, __ATOMIC_RELAXED) & 7) ==
						 PW_FOLIO_SECRET
					 ? mapping_word(PW_FOLIO_SECRET, 0)
					 : 0,
				 __ATOMIC_RELEASE);
}

void pw_folio_dirty(struct pw_arena *arena, pw_pa pa)
{
	struct pw_frame *head = head_of(arena, pa);

	if (head)
		__atomic_fetch_or(&head->flags, PW_FRAME_DIRTY, __ATOMIC_RELAXED);
}

bool pw_folio_clean(struct pw_arena *arena, pw_pa pa)
{
	struct pw_frame *head = head_of(arena, pa);
	const uint32_t kept = ~(uint32_t)PW_FRAME_DIRTY;

	return head && __atomic_fetch_and(&head->flags, kept, __ATOMIC_RELAXED) & PW_FRAME_DIRTY;
}

void pw_folio_own(struct pw_arena *arena, pw_pa pa)
{
	if (pw_arena_has(arena, pa))
		__atomic_fetch_or(&arena->frame[pw_arena_frame(arena, pa)].flags,
				  PW_FRAME_EXCLUSIVE, __ATOMIC_RELEASE);
}

static uint64_t counts_now(const struct pw_arena *arena, uint64_t link)
{
	return __atomic_load_n(&arena->frame[pw_link_head(link)].counts, __ATOMIC_SEQ_CST);
}

bool pw_folio_try_share(struct pw_arena *arena, pw_pa pa)
{
	const uint32_t kept = ~(uint32_t)PW_FRAME_EXCLUSIVE;
	uint32_t frame = pw_arena_frame(arena, pa), before;
	uint64_t link, counts;

	if (!pw_arena_has(arena, pa))
		return false;
	link = pw_frame_link(arena, frame);
	/*
	 * Clear the bit, barrier, look at the pins. Partner: pw_folio_take, a full barrier, and then the
	 * load of the bit in pw_pin_allowed. One of the two sees the other.
	 */
	counts = pw_mutant(PW_MUTANT_SHARE_AFTER) ? counts_now(arena, link) : 0;
	pw_moment(PW_MOMENT_SHARE);
	before = __atomic_fetch_and(&arena->frame[frame].flags, kept, __ATOMIC_SEQ_CST);
	/* A page that is shared already is pinned, if at all, as one that is. */
	if (!(before & PW_FRAME_EXCLUSIVE))
		return true;
	if (!pw_mutant(PW_MUTANT_SHARE_AFTER))
		counts = counts_now(arena, link);
	if (!counts_pinned(counts, pw_link_order(link)) || pw_mutant(PW_MUTANT_SHARE_PINNED))
		return true;
	pw_folio_own(arena, pa);
	return false;
}

/* Takes a folio of exactly these counts away from everybody: nobody can take it until it has counts again. */
static bool freeze(struct pw_arena *arena, uint32_t head, uint64_t references)
{
	uint64_t expected = references;

	/* Acquire what those did who gave theirs back; release nothing yet. */
	return references <= PW_COUNT_LIMIT &&
	       __atomic_compare_exchange_n(&arena->frame[head].counts, &expected, 0, false,
					   __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}

bool pw_folio_split(struct pw_arena *arena, pw_pa pa, uint32_t references)
{
	uint32_t head, frames, dirty;
	uint64_t link, mapping;

	if (references == 0 || !pw_arena_has(arena, pa))
		return false;
	link = pw_frame_link(arena, pw_arena_frame(arena, pa));
	head = pw_link_head(link);
	frames = UINT32_C(1) << pw_link_order(link);
	if (!freeze(arena, head, (uint64_t)references * frames) &&
	    !pw_mutant(PW_MUTANT_SPLIT_PINNED))
		return false;
	mapping = __atomic_load_n(&arena->frame[head].mapping, __ATOMIC_RELAXED);
	dirty = __atomic_load_n(&arena->frame[head].flags, __ATOMIC_RELAXED) & PW_FRAME_DIRTY;
	for (uint32_t i = 0; i < frames; i++) {
		struct pw_frame *part = &arena->frame[head + i];

		__atomic_store_n(&part->mapping, mapping, __ATOMIC_RELAXED);
		__atomic_fetch_or(&part->flags, dirty, __ATOMIC_RELAXED);
		/* The link before the counts: who comes by the old link finds zero, or a new link. */
		__atomic_store_n(&part->link, pw_link_stored(head + i, pw_link_to(head + i, 0)),
				 __ATOMIC_RELEASE);
	}
	for (uint32_t i = 0; i < frames; i++)
		__atomic_store_n(&arena->frame[head + i].counts, references, __ATOMIC_RELEASE);
	return true;
}
