/* SPDX-License-Identifier: MIT */
/* The pinners and the translators, and the checks of the pages that they get. */
#include "stress.h"

enum { HELD = 8, BATCH = 16 };

/* Instead of flags: the reference was not taken by a pin, so the rules for pins do not apply. */
static const unsigned BY_HAND = ~0u;

enum how { BY_PAGE, BY_RANGE, BY_IOVEC };

/* The pages of one call, kept for a while. */
struct held {
	enum how how;
	unsigned flags;
	pw_va va;
	long count; /* pages, ranges or iovecs; 0: none are held */
	union {
		pw_pa page[BATCH];
		struct pw_pinned range[BATCH];
		struct iovec iovec[BATCH];
	};
};

/* An address in the slots, perhaps near the end of one, or far away. */
static pw_va some_va(struct worker *w)
{
	const struct stress *s = w->stress;
	const struct far *far = &s->far[below(w, PW_MAX_LEVELS)];

	if (far->use && one_in(w, 8))
		return far->va;
	return s->slot[below(w, SLOTS)].first + some_page(w) * page_bytes(s);
}

/* ---- checks ---- */

/*
 * A pinned anonymous page belongs to this space alone, from before the pin is reported until it ends: a copy
 * either sees the pin or is seen by it. A thread that shares the page takes that back when it sees the pin;
 * so for a moment the page may look shared.
 */
static bool stays_exclusive(const struct stress *s, pw_pa pa, struct pw_folio_info *info)
{
	for (unsigned tries = 0; tries < 100000; tries++) {
		if (!pw_folio_info(s->arena, pa, info))
			return false;
		if (info->kind != PW_FOLIO_ANONYMOUS || info->exclusive)
			return true;
		sched_yield();
	}
	return false;
}

static void check_rules(struct worker *w, pw_va va, pw_pa pa, unsigned flags)
{
	const unsigned longterm_write = PW_PIN_LONGTERM | PW_PIN_WRITE;
	struct stress *s = w->stress;
	struct pw_folio_info info;

	if (!pw_folio_info(s->arena, pa, &info)) {
		wrong(s, "a held page is free", va, pa, 0);
		return;
	}
	if (info.kind == PW_FOLIO_SECRET)
		wrong(s, "secret memory", va, pa, 0);
	if ((flags & longterm_write) == longterm_write && info.kind == PW_FOLIO_FILE)
		wrong(s, "a file's page for long", va, pa, 0);
	if (flags & PW_PIN_GET)
		return;
	if (!info.maybe_pinned)
		wrong(s, "a pinned page does not look pinned", va, pa, info.references);
	if (info.kind == PW_FOLIO_ANONYMOUS && !stays_exclusive(s, pa, &info))
		wrong(s, "a pinned page is shared", va, pa, info.references);
}

/* Checks a page that is held, and was mapped at @va when it was taken. */
static void check_page(struct worker *w, pw_va va, pw_pa pa, unsigned flags)
{
	struct stress *s = w->stress;
	uint64_t *word = words(s, pa), found;

	if (!word) {
		wrong(s, "a page outside the memory", va, pa, 0);
		return;
	}
	found = __atomic_load_n(word, __ATOMIC_RELAXED);
	if (pa == pw_arena_zero_page(s->arena)) {
		if (found != 0 || (flags != BY_HAND && (flags & PW_PIN_WRITE)))
			wrong(s, "the page of zeros", va, pa, found);
		return;
	}
	if (found != identity(s, va))
		wrong(s, "wrong page", va, pa, found);
	if (flags == BY_HAND)
		return;
	check_rules(w, va, pa, flags);
	if ((flags & PW_PIN_WRITE) && !(flags & PW_PIN_GET)) {
		uint64_t *own = &word[1 + w->number];

		__atomic_store_n(own, va, __ATOMIC_RELAXED);
		if (one_in(w, 64))
			sched_yield();
		if (__atomic_load_n(own, __ATOMIC_RELAXED) != va)
			wrong(s, "a write is gone", va, pa, 0);
	}
}

/* Checks some pages of a range: the first, the last, and two more. */
static void check_range(struct worker *w, pw_va va, pw_pa pa, uint64_t bytes, unsigned flags)
{
	const unsigned shift = w->stress->geometry.shift[0];
	uint32_t pages = (uint32_t)(bytes >> shift);

	check_page(w, va, pa, flags);
	for (unsigned i = 0; i < 2 && pages > 2; i++) {
		pw_va at = (pw_va)below(w, pages) << shift;

		check_page(w, va + at, pa + at, flags);
	}
	if (pages > 1)
		check_page(w, va + (bytes - page_bytes(w->stress)),
			   pa + (bytes - page_bytes(w->stress)), flags);
}

static pw_pa physical(const struct stress *s, const void *host)
{
	pw_pa base = pw_arena_zero_page(s->arena);
	const char *start = pw_arena_host(s->arena, base, 1);

	return base + (pw_pa)((const char *)host - start);
}

/* Checks everything that is held. Returns how many pages that is. */
static uint64_t check_held(struct worker *w, const struct held *held)
{
	const struct stress *s = w->stress;
	pw_va va = held->va;

	for (long i = 0; i < held->count; i++) {
		pw_pa pa = held->how == BY_PAGE    ? held->page[i]
			   : held->how == BY_RANGE ? held->range[i].pa
						   : physical(s, held->iovec[i].iov_base);
		uint64_t bytes = held->how == BY_PAGE    ? page_bytes(s)
				 : held->how == BY_RANGE ? held->range[i].bytes
							 : held->iovec[i].iov_len;

		check_range(w, va, pa, bytes, held->flags);
		va += bytes;
	}
	return (va - held->va) >> s->geometry.shift[0];
}

/* ---- pinners ---- */

static void release(struct worker *w, struct held *held)
{
	bool dirty = held->flags & PW_PIN_WRITE;
	size_t count = (size_t)held->count;

	if (count == 0)
		return;
	check_held(w, held);
	if (held->how == BY_PAGE)
		pw_unpin_pages(w->reader, held->page, count, held->flags, dirty);
	else if (held->how == BY_RANGE)
		pw_unpin_ranges(w->reader, held->range, count, held->flags, dirty);
	else
		pw_unpin_iovec(w->reader, held->iovec, count, held->flags, dirty);
	held->count = 0;
}

static void take(struct worker *w, struct held *held)
{
	enum pw_stop why = PW_STOP_DONE;
	struct stress *s = w->stress;
	uint64_t bytes = (uint64_t)(1 + below(w, one_in(w, 4) ? s->pages : BATCH))
			 << s->geometry.shift[0];
	size_t pages = 1 + below(w, BATCH);

	held->va = some_va(w);
	held->how = (enum how)below(w, 3);
	held->flags = below(w, 4); /* any of PW_PIN_WRITE and PW_PIN_LONGTERM */
	if (one_in(w, 8))
		held->flags = PW_PIN_GET | (held->flags & PW_PIN_WRITE);
	w->done[held->flags & PW_PIN_GET ? OP_GET
		: held->how == BY_PAGE   ? OP_PIN
		: held->how == BY_RANGE  ? OP_PIN_RANGES
					 : OP_PIN_IOVEC]++;
	if (held->how == BY_PAGE)
		held->count = pw_pin_fast(w->reader, held->va, pages, held->flags, held->page,
					  &why);
	else if (held->how == BY_RANGE)
		held->count = pw_pin_fast_ranges(w->reader, held->va, bytes, held->flags,
						 held->range, BATCH, NULL, &why);
	else
		held->count = pw_pin_fast_iovec(w->reader, held->va, bytes, held->flags,
						held->iovec, BATCH, NULL, &why);
	if (held->count < 0) {
		wrong(s, "a pin is refused", held->va, 0, (uint64_t)held->count);
		held->count = 0;
	}
	/* No entry leads outside, but poison may. */
	if (why == PW_STOP_OUTSIDE)
		wrong(s, "the end of the memory", held->va, 0, 0);
	w->done[TALLY_PAGES] += check_held(w, held);
}

void *pin(void *worker)
{
	struct worker *w = worker;
	struct held held[HELD] = { 0 };

	if (pw_reader_create(w->stress->space, &w->reader)) {
		wrong(w->stress, "a thread cannot read", 0, 0, 0);
		return NULL;
	}
	while (!stopped(w->stress)) {
		struct held *one = &held[below(w, HELD)];

		/* Held pages stay what they are, whatever happens to the tables meanwhile. */
		release(w, one);
		take(w, one);
		if (one_in(w, 2))
			release(w, one);
	}
	for (unsigned i = 0; i < HELD; i++)
		release(w, &held[i]);
	pw_reader_stops(w->reader, w->stops);
	pw_reader_destroy(w->reader);
	return NULL;
}

/* ---- translators ---- */

/* Translates @va inside a section. A table that was freed too early would be full of poison. */
static void translate_one(struct worker *w, const struct pw_regime *regime, pw_va va)
{
	struct stress *s = w->stress;
	const struct pw_memory *memory = pw_arena_memory(s->arena);
	struct pw_result result, again;
	enum pw_status status = pw_translate(memory, regime, va, &result);

	w->done[OP_TRANSLATE]++;
	if (status != PW_OK) {
		if (status != PW_NONE && status != PW_PROT_NONE && status != PW_NOT_CANONICAL)
			wrong(s, pw_status_name(status), va, 0, result.entry);
		return;
	}
	if ((va ^ result.pa) & (pw_result_size(&result) - 1))
		wrong(s, "a page that is not aligned", va, result.pa, result.entry);
	/* Does by hand what a pin does: hold the page, look again. So it was mapped while it was held. */
	if (!words(s, result.pa) || !pw_folio_get(s->arena, result.pa, 1))
		return;
	if (pw_translate(memory, regime, va, &again) == PW_OK && again.pa == result.pa)
		check_page(w, va, result.pa, BY_HAND);
	pw_folio_put(s->arena, result.pa, 1);
}

void *translate(void *worker)
{
	struct worker *w = worker;
	struct stress *s = w->stress;

	if (pw_reader_create(s->space, &w->reader)) {
		wrong(s, "a thread cannot read", 0, 0, 0);
		return NULL;
	}
	while (!stopped(s)) {
		const struct pw_regime *regime = pw_reader_enter(w->reader);
		unsigned count = 1 + below(w, BATCH);
		pw_va va = some_va(w);
		pw_pa page[BATCH];

		for (unsigned i = 0; i < count; i++)
			translate_one(w, regime, va + i * page_bytes(s));
		pw_look_fast(pw_arena_memory(s->arena), regime, va, count, 0, page, NULL);
		if (one_in(w, 64))
			sched_yield();
		pw_reader_leave(w->reader);
	}
	pw_reader_destroy(w->reader);
	return NULL;
}
