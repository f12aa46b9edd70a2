/* SPDX-License-Identifier: MIT */
/* Private memory under load: its stamps, and the calls that change it. See spaces.h. */
#include <stdlib.h>
#include <string.h>

#include "spaces.h"

enum { ADVICE_COLLAPSE = 25 }; /* MADV_COLLAPSE, which older headers do not have */

static const int ACCESS = PROT_READ | PROT_WRITE;

/* ---- what a page may hold ---- */

uint64_t constant_word(uint64_t page, unsigned word)
{
	return UINT64_C(0xc057a47000000000) | page << 1 | word;
}

/* A word that nobody has written: 0 in the model. */
static uint64_t initial(const struct zone_model *zone, uint32_t page, unsigned word)
{
	return zone->file ? constant_word(page, word) : 0;
}

static uint64_t writer_of(uint64_t stamp)
{
	return stamp >> 32;
}

bool zone_allows(const struct zone_model *zone, uint32_t page, unsigned word, uint64_t found)
{
	const struct page_model *model = &zone->page[page];
	const uint64_t now = get(&model->word[word].now), next = get(&model->word[word].next);

	if (now == (uint64_t)ANYTHING)
		return true;
	if (found == initial(zone, page, word))
		return now == 0 || next == 0 || __atomic_load_n(&model->lazy, __ATOMIC_ACQUIRE);
	if (found == now || found == next)
		return true;
	return now != next && writer_of(found) == writer_of(next) && found < next &&
	       (writer_of(now) != writer_of(next) || found > now);
}

/* A value of the model for what was found. */
static uint64_t model_of(const struct zone_model *zone, uint32_t page, unsigned word,
			 uint64_t found)
{
	return found == initial(zone, page, word) ? 0 : found;
}

static void page_set(struct page_model *model, unsigned word, uint64_t value)
{
	set(&model->word[word].now, value);
	set(&model->word[word].next, value);
}

static void page_forget(struct zone_model *zone, uint32_t page)
{
	struct page_model *model = &zone->page[page];

	for (unsigned word = 0; word < WORDS; word++)
		page_set(model, word, 0);
	__atomic_store_n(&model->lazy, false, __ATOMIC_RELEASE);
	__atomic_fetch_add(&model->epoch, 1, __ATOMIC_RELEASE);
}

/* MADV_DONTNEED of the page: without memory to cut a huge page, it may have its content, or not. */
static void page_dropped(struct zone_model *zone, uint32_t page, int error)
{
	page_forget(zone, page);
	for (unsigned word = 0; error && word < WORDS; word++)
		page_set(&zone->page[page], word, (uint64_t)ANYTHING);
}

uint64_t next_stamp(struct actor *a, uint32_t page)
{
	/* Serials stay below 2^15, so that no stamp has bit 63, and none is a word of the constant file. */
	return (uint64_t)(a->process->serial & 0x7fff) << 48 | (uint64_t)page << 32 | ++a->sequence;
}

static pw_va page_va(const struct actor *a, const struct zone_model *zone, uint32_t page)
{
	return zone->va + page * a->world->page;
}

bool page_load(struct actor *a, struct zone_model *zone, uint32_t page)
{
	struct page_model *model = &zone->page[page];
	uint64_t found;

	for (unsigned word = 0; word < WORDS; word++) {
		const pw_va va = page_va(a, zone, page) + word_at(a->world, word);

		if (!pw_load_u64(a->cpu, va, &found)) {
			access_failed(a, "a load", va);
			return false;
		}
		if (!zone_allows(zone, page, word, found))
			spaces_wrong(a->world, "private memory holds something else", va, found,
				     get(&model->word[word].now));
		page_set(model, word, model_of(zone, page, word, found));
	}
	return true;
}

bool page_store(struct actor *a, struct zone_model *zone, uint32_t page)
{
	struct page_model *model = &zone->page[page];

	for (unsigned word = 0; word < WORDS; word++) {
		const pw_va va = page_va(a, zone, page) + word_at(a->world, word);
		const uint64_t stamp = next_stamp(a, page);

		set(&model->word[word].next, stamp);
		if (!pw_store_u64(a->cpu, va, stamp)) {
			access_failed(a, "a store", va);
			/* With MADV_FREE, the words after this one may be gone, or not. */
			set(&model->word[word].next, get(&model->word[word].now));
			return false;
		}
		set(&model->word[word].now, stamp);
	}
	__atomic_store_n(&model->lazy, false, __ATOMIC_RELEASE);
	return true;
}

/* ---- births ---- */

void zones_init(struct process *process)
{
	for (unsigned i = 0; i < ZONES; i++)
		pthread_rwlock_init(&process->zone[i].lock, NULL);
}

static int zone_map(struct process *process, struct zone_model *zone)
{
	const struct spaces *world = process->world;
	const int flags = MAP_PRIVATE | MAP_FIXED | (zone->file ? 0 : MAP_ANONYMOUS);
	const pw_sva va = pw_mmap(process->mm, zone->va, world->zone_pages * world->page, ACCESS,
				  flags, zone->file ? world->constant : NULL, 0);

	zone->mapped = !pw_is_error(va);
	return zone->mapped ? 0 : (int)va;
}

int zones_map(struct process *process)
{
	const uint64_t bytes = process->world->zone_pages * process->world->page;

	for (unsigned i = 0; i < ZONES; i++) {
		struct zone_model *zone = &process->zone[i];
		int error;

		for (uint32_t page = 0; page < MOST_PAGES; page++)
			page_forget(zone, page);
		zone->va = process->base + i * bytes;
		zone->file = i == ZONES - 1;
		error = zone_map(process, zone);
		if (error)
			return error;
	}
	process->spare = process->base + ZONES * bytes;
	return 0;
}

void zones_before_fork(struct process *parent, struct process *child)
{
	for (unsigned i = 0; i < ZONES; i++) {
		struct zone_model *zone = &parent->zone[i], *copy = &child->zone[i];

		copy->va = zone->va;
		copy->mapped = zone->mapped;
		copy->file = zone->file;
		for (uint32_t page = 0; page < MOST_PAGES; page++) {
			copy->page[page].lazy = __atomic_load_n(&zone->page[page].lazy,
								__ATOMIC_ACQUIRE);
			for (unsigned word = 0; word < WORDS; word++)
				set(&copy->page[page].word[word].now,
				    get(&zone->page[page].word[word].now));
		}
	}
	child->spare = parent->spare;
}

void zones_after_fork(struct process *parent, struct process *child)
{
	for (unsigned i = 0; i < ZONES; i++)
		for (uint32_t page = 0; page < MOST_PAGES; page++)
			for (unsigned word = 0; word < WORDS; word++)
				set(&child->zone[i].page[page].word[word].next,
				    get(&parent->zone[i].page[page].word[word].next));
}

void zones_settle(struct actor *a)
{
	for (unsigned i = 0; i < ZONES; i++) {
		struct zone_model *zone = &a->process->zone[i];

		for (uint32_t page = 0; zone->mapped && page < a->world->zone_pages; page++) {
			struct page_model *model = &zone->page[page];

			for (unsigned word = 0; word < WORDS; word++) {
				if (get(&model->word[word].now) == get(&model->word[word].next))
					continue;
				if (!page_load(a, zone, page))
					page_set(model, word, (uint64_t)ANYTHING);
			}
		}
	}
}

/* ---- calls with the zone's lock held for writing ---- */

/* Some pages of a zone, or all. */
static uint32_t some_pages(struct actor *a, uint32_t *count_ret)
{
	const uint32_t pages = a->world->zone_pages, first = choose(a, pages);

	*count_ret = 1 + choose(a, sometimes(a, 4)      ? pages - first
				   : pages - first < 16 ? pages - first
							: 16);
	return first;
}

static void expect(struct actor *a, const char *what, pw_va va, int result)
{
	if (result == -ENOMEM)
		did(a, SP_NO_MEMORY);
	else if (result)
		spaces_wrong(a->world, what, va, (uint64_t)result, 0);
}

static void remap_zone(struct actor *a, struct zone_model *zone)
{
	struct process *process = a->process;
	const uint64_t bytes = a->world->zone_pages * a->world->page;
	pw_sva va;

	pthread_mutex_lock(&process->spare_lock);
	va = pw_mremap(process->mm, zone->va, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED,
		       process->spare);
	if (va == (pw_sva)process->spare) {
		process->spare = zone->va;
		zone->va = (pw_va)va;
	} else {
		/* A part may have moved. */
		if (va != -ENOMEM)
			spaces_wrong(a->world, "mremap", zone->va, (uint64_t)va, process->spare);
		did(a, SP_NO_MEMORY);
		expect(a, "munmap", zone->va, pw_munmap(process->mm, zone->va, bytes));
		expect(a, "munmap", zone->va, pw_munmap(process->mm, process->spare, bytes));
		zone->mapped = false;
		for (uint32_t page = 0; page < a->world->zone_pages; page++)
			page_forget(zone, page);
	}
	pthread_mutex_unlock(&process->spare_lock);
	did(a, SP_REMAP);
}

/* The handler of user faults: gives the page a stamp. */
static int give_page(void *context, struct pw_mm *mm, pw_va va, enum pw_user_fault what, bool write)
{
	struct actor *a = context;
	const size_t bytes = (size_t)a->world->page;
	uint64_t *content;
	int result;

	(void)what;
	(void)write;
	content = calloc(1, bytes);
	if (!content)
		return -ENOMEM;
	for (unsigned word = 0; word < WORDS; word++)
		content[word_at(a->world, word) / sizeof(uint64_t)] = TAG + word;
	result = pw_user_copy(mm, va & ~(bytes - 1), content, bytes, false);
	free(content);
	return result == -EEXIST ? 0 : result;
}

static void fault_user(struct actor *a, struct zone_model *zone, uint32_t first, uint32_t count)
{
	struct pw_mm *mm = a->process->mm;
	const pw_va va = page_va(a, zone, first);
	const uint64_t bytes = count * a->world->page;

	if (zone->file || pw_user_register(mm, va, bytes, PW_USER_MISSING, give_page, a))
		return;
	for (uint32_t page = first; page < first + count; page++) {
		for (unsigned word = 0; word < WORDS; word++) {
			const pw_va at = page_va(a, zone, page) + word_at(a->world, word);
			uint64_t found;

			if (!pw_load_u64(a->cpu, at, &found)) {
				/* The handler found no memory, too. */
				did(a, SP_NO_MEMORY);
				page_set(&zone->page[page], word, (uint64_t)ANYTHING);
				continue;
			}
			/* Another process's pin may have come before the handler. */
			if (found != TAG + word && found != 0)
				spaces_wrong(a->world, "a handler gave another page", at, found,
					     TAG + word);
			page_set(&zone->page[page], word, found);
		}
	}
	expect(a, "unregister", va, pw_user_unregister(mm, va, bytes));
	did(a, SP_USER_FAULT);
}

/* No store may arrive while the pages are read-only, nor may a load while they are inaccessible. */
static void protect(struct actor *a, struct zone_model *zone, uint32_t first, uint32_t count)
{
	struct pw_mm *mm = a->process->mm;
	const pw_va va = page_va(a, zone, first);
	const uint64_t bytes = count * a->world->page;
	const bool none = sometimes(a, 3);
	const int error = pw_mprotect(mm, va, bytes, none ? PROT_NONE : PROT_READ);
	uint64_t found;

	expect(a, "mprotect", va, error);
	if (!error) {
		if (pw_store_u64(a->cpu, va, TAG))
			spaces_wrong(a->world, "a store to protected memory", va, TAG, 0);
		if (none && pw_load_u64(a->cpu, va, &found))
			spaces_wrong(a->world, "a load of protected memory", va, found, 0);
		if (!none)
			page_load(a, zone, first);
	}
	expect(a, "mprotect", va, pw_mprotect(mm, va, bytes, ACCESS));
	did(a, SP_PROTECT);
}

static void change(struct actor *a, struct zone_model *zone)
{
	struct pw_mm *mm = a->process->mm;
	uint32_t count, first = some_pages(a, &count);
	const pw_va va = page_va(a, zone, first);
	const uint64_t bytes = count * a->world->page;
	int error = 0;

	switch (choose(a, 8)) {
	case 0:
		error = pw_munmap(mm, va, bytes);
		expect(a, "munmap", va, error);
		if (error)
			return;
		zone->mapped = false;
		for (uint32_t page = 0; page < a->world->zone_pages; page++)
			page_forget(zone, page);
		if (zone_map(a->process, zone))
			did(a, SP_NO_MEMORY);
		did(a, SP_UNMAP);
		return;
	case 1:
		protect(a, zone, first, count);
		return;
	case 2:
		remap_zone(a, zone);
		return;
	case 3:
		error = zone->file ? 0 : pw_madvise(mm, va, bytes, MADV_FREE);
		for (uint32_t i = first; !zone->file && i < first + count; i++)
			__atomic_store_n(&zone->page[i].lazy, true, __ATOMIC_RELEASE);
		did(a, SP_FREE);
		break;
	default:
		error = pw_madvise(mm, va, bytes, MADV_DONTNEED);
		for (uint32_t i = first; i < first + count; i++)
			page_dropped(zone, i, error);
		did(a, SP_DONTNEED);
		if (!error && sometimes(a, 3))
			fault_user(a, zone, first, count);
		break;
	}
	expect(a, "madvise", va, error);
}

/* ---- calls that change no content ---- */

static void advise_unlocked(struct actor *a, pw_va va, uint64_t bytes, int advice)
{
	const int error = pw_madvise(a->process->mm, va, bytes, advice);

	/* Another thread may have locked the pages meanwhile. */
	if (error != -EINVAL)
		expect(a, "madvise", va, error);
}

static void advise(struct actor *a, struct zone_model *zone)
{
	struct pw_mm *mm = a->process->mm;
	uint32_t count, first = some_pages(a, &count);
	pw_va va = page_va(a, zone, first);
	uint64_t bytes = count * a->world->page;
	int error;

	switch (choose(a, 6)) {
	case 0:
		advise_unlocked(a, va, bytes, MADV_PAGEOUT);
		did(a, SP_PAGEOUT);
		break;
	case 1:
		pw_madvise(mm, zone->va, a->world->zone_pages * a->world->page,
			   sometimes(a, 4) ? MADV_NOHUGEPAGE : MADV_HUGEPAGE);
		did(a, SP_HUGEPAGE);
		break;
	case 2:
		/* It says why there is no huge page; that is not wrong. */
		pw_madvise(mm, area_va(a->process, 0),
			   (uint64_t)ZONES * a->world->zone_pages * a->world->page,
			   ADVICE_COLLAPSE);
		did(a, SP_COLLAPSE);
		break;
	case 3:
		error = pw_mlock(mm, va, bytes, 0);
		expect(a, "mlock", va, error == -EAGAIN ? -ENOMEM : error);
		expect(a, "munlock", va, pw_munlock(mm, va, bytes));
		did(a, SP_LOCK);
		break;
	case 4:
		pw_numa_hint(mm, va, bytes);
		did(a, SP_NUMA);
		break;
	default:
		advise_unlocked(a, va, bytes, MADV_COLD);
		break;
	}
}

static void touch(struct actor *a, struct zone_model *zone)
{
	const uint32_t pages = a->world->zone_pages;
	uint32_t page = choose(a, pages);

	page = page - page % THREADS + a->number;
	for (unsigned i = 0; i < 8 && page < pages; i++, page += THREADS) {
		if (!page_load(a, zone, page))
			break;
		did(a, SP_LOAD);
		if (sometimes(a, 3))
			continue;
		if (!page_store(a, zone, page))
			break;
		did(a, SP_STORE);
	}
}

void zone_step(struct actor *a)
{
	struct zone_model *zone = &a->process->zone[choose(a, ZONES)];

	if (sometimes(a, 12)) {
		pthread_rwlock_wrlock(&zone->lock);
		if (zone->mapped)
			change(a, zone);
		else if (zone_map(a->process, zone))
			did(a, SP_NO_MEMORY);
		pthread_rwlock_unlock(&zone->lock);
		return;
	}
	pthread_rwlock_rdlock(&zone->lock);
	if (zone->mapped && sometimes(a, 12))
		advise(a, zone);
	else if (zone->mapped)
		touch(a, zone);
	pthread_rwlock_unlock(&zone->lock);
}
