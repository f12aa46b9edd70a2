/* SPDX-License-Identifier: MIT */
/* Pins of private memory that are held for a while: their page stays the one that the process sees. */
#include "spaces.h"

static bool same_epoch(const struct hold *hold)
{
	return __atomic_load_n(&hold->zone->page[hold->page].epoch, __ATOMIC_ACQUIRE) ==
	       hold->epoch;
}

/* Writes a new stamp through the pin, and looks whether the process sees it. The zone's lock is held. */
static void write_through(struct actor *a, struct hold *hold)
{
	struct page_model *model = &hold->zone->page[hold->page];

	pthread_rwlock_rdlock(&a->process->pinned_writes);
	for (unsigned word = 0; word < WORDS; word++) {
		const uint64_t stamp = next_stamp(a, hold->page);

		set(&model->word[word].next, stamp);
		set(host_word(a->world, hold->pa, word), stamp);
		set(&model->word[word].now, stamp);
	}
	__atomic_store_n(&model->lazy, false, __ATOMIC_RELEASE);
	pthread_rwlock_unlock(&a->process->pinned_writes);
	page_load(a, hold->zone, hold->page);
}

static void compare(struct actor *a, const struct hold *hold)
{
	for (unsigned word = 0; word < WORDS; word++) {
		const uint64_t found = get(host_word(a->world, hold->pa, word));

		if (!zone_allows(hold->zone, hold->page, word, found))
			spaces_wrong(a->world, "a pinned page is not the one that its owner sees",
				     hold->zone->va + hold->page * a->world->page, found,
				     get(&hold->zone->page[hold->page].word[word].now));
	}
}

void hold_check(struct actor *a, struct hold *hold)
{
	pthread_rwlock_rdlock(&hold->zone->lock);
	if (same_epoch(hold) && page_load(a, hold->zone, hold->page)) {
		compare(a, hold);
		/* Not where MADV_FREE has come since: the write would not be known to the tables. */
		if ((hold->flags & PW_PIN_WRITE) && sometimes(a, 2) &&
		    !__atomic_load_n(&hold->zone->page[hold->page].lazy, __ATOMIC_ACQUIRE))
			write_through(a, hold);
		else if (page_store(a, hold->zone, hold->page))
			compare(a, hold);
	}
	pthread_rwlock_unlock(&hold->zone->lock);
	did(a, SP_PIN_CHECK);
}

void hold_drop(struct actor *a, struct hold *hold)
{
	pw_unpin_pages(pw_cpu_reader(a->cpu), &hold->pa, 1, hold->flags,
		       hold->flags & PW_PIN_WRITE);
	hold->zone = NULL;
}

/* The first pin that there is no more room for makes room. */
static struct hold *free_hold(struct actor *a)
{
	struct hold *hold = &a->hold[choose(a, HOLDS)];

	if (hold->zone) {
		hold_check(a, hold);
		hold_drop(a, hold);
	}
	return hold;
}

void hold_new(struct actor *a)
{
	struct hold *hold = free_hold(a);
	struct zone_model *zone = &a->process->zone[choose(a, ZONES)];
	uint32_t page = choose(a, a->world->zone_pages);
	struct pw_pin_result result;
	struct page_model *model;
	long pinned = 0;

	page = page - page % THREADS + a->number;
	if (page >= a->world->zone_pages)
		return;
	model = &zone->page[page];
	hold->flags = (sometimes(a, 2) ? PW_PIN_WRITE : 0u) |
		      (sometimes(a, 2) ? PW_PIN_LONGTERM : 0u);
	hold->page = page;
	pthread_rwlock_rdlock(&zone->lock);
	/* A pin for reading takes a page of zeros, or of the file: a store gives its owner another one. */
	if (zone->mapped && page_load(a, zone, page) &&
	    ((hold->flags & PW_PIN_WRITE) ||
	     (get(&model->word[0].now) && !__atomic_load_n(&model->lazy, __ATOMIC_ACQUIRE)))) {
		pinned = pw_pin(a->cpu, zone->va + page * a->world->page, 1, hold->flags, &hold->pa,
				&result);
		if (pinned == 1) {
			hold->zone = zone;
			hold->epoch = __atomic_load_n(&model->epoch, __ATOMIC_ACQUIRE);
			compare(a, hold);
			did(a, SP_PIN);
		} else if (pinned == -ENOMEM || pinned == -EBUSY || pinned == -EAGAIN ||
			   result.fault.kind == PW_FAULT_OOM) {
			did(a, SP_NO_MEMORY);
		} else {
			spaces_wrong(a->world, "a pin failed", zone->va + page * a->world->page,
				     (uint64_t)pinned, 1);
		}
	}
	pthread_rwlock_unlock(&zone->lock);
}

static bool make_orphan(struct actor *a, const struct hold *hold)
{
	struct spaces *world = a->world;
	bool done = false;

	pthread_mutex_lock(&world->orphans_lock);
	for (unsigned i = 0; !done && i < ORPHANS; i++) {
		struct orphan *orphan = &world->orphan[i];

		if (orphan->used)
			continue;
		orphan->used = done = true;
		orphan->pa = hold->pa;
		for (unsigned word = 0; word < WORDS; word++)
			orphan->found[word] = get(host_word(world, hold->pa, word));
	}
	pthread_mutex_unlock(&world->orphans_lock);
	return done;
}

void holds_end(struct actor *a)
{
	for (unsigned i = 0; i < HOLDS; i++)
		if (a->hold[i].zone)
			hold_check(a, &a->hold[i]);
	/* From here on this thread stores nothing. */
	for (unsigned i = 0; i < HOLDS; i++) {
		struct hold *hold = &a->hold[i];

		if (!hold->zone)
			continue;
		if (sometimes(a, 2) || !make_orphan(a, hold))
			hold_drop(a, hold);
	}
}

void orphans_release(struct spaces *world, struct pw_reader *reader)
{
	pthread_mutex_lock(&world->orphans_lock);
	for (unsigned i = 0; i < ORPHANS; i++) {
		struct orphan *orphan = &world->orphan[i];

		if (!orphan->used)
			continue;
		for (unsigned word = 0; word < WORDS; word++) {
			const uint64_t found = get(host_word(world, orphan->pa, word));

			if (found != orphan->found[word])
				spaces_wrong(world, "a pinned page changed after its process",
					     orphan->pa, found, orphan->found[word]);
		}
		pw_unpin_pages(reader, &orphan->pa, 1, 0, false);
		orphan->used = false;
	}
	pthread_mutex_unlock(&world->orphans_lock);
}
