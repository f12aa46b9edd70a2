/* SPDX-License-Identifier: MIT */
/* The device, and its page tables; see mirror.h. */
#include <sched.h>

#include "mirror.h"

static const uint32_t READ_ONLY = PW_READ | PW_USER | PW_ACCESSED;
static const uint32_t WRITABLE = PW_READ | PW_USER | PW_ACCESSED | PW_WRITE | PW_DIRTY;

/* The mirror loses these pages; the process's entries still hold them. */
static void lose(void *device, pw_va first, pw_va last, pw_pa pa)
{
	struct device *d = device;

	/* What the device has written, no entry of the process says. */
	for (pw_pa end = pa + (last - first); pa < end; pa += d->world->page)
		pw_folio_dirty(pw_machine_arena(d->world->machine), pa);
	d->invalidated++;
}

static void unmap(struct device *d, pw_va first, pw_va last)
{
	struct pw_error error;

	must(pw_space_unmap(d->tables, first, last, lose, d, &error) == 0, error.text);
}

static void invalidate(struct pw_interval *interval, pw_va first, pw_va last)
{
	struct device *d = (struct device *)(void *)((char *)interval -
						     offsetof(struct device, interval));

	first = first < interval->first ? interval->first : first;
	last = last > interval->last ? interval->last : last;
	pthread_mutex_lock(&d->lock);
	unmap(d, first, last);
	pthread_mutex_unlock(&d->lock);
}

/* Maps what a snapshot has shown. The lock is held, and the snapshot is still true. */
static void map(struct device *d, pw_va va, const struct pw_snapshot *page, size_t pages)
{
	const uint64_t bytes = d->world->page;
	struct pw_error error;

	unmap(d, va, va + pages * bytes - 1);
	for (size_t i = 0; i < pages; i++)
		must(pw_space_map(d->tables, va + i * bytes, va + (i + 1) * bytes - 1, page[i].pa,
				  page[i].writable ? WRITABLE : READ_ONLY, &error) == 0,
		     error.text);
	d->brought += pages;
}

/* Brings @pages pages from @va on into the mirror. False if the process may not make that access itself. */
static bool bring(struct device *d, pw_va va, size_t pages, bool write)
{
	struct pw_snapshot page[WINDOW];

	for (;;) {
		uint64_t sequence;
		bool overtaken;

		if (pw_interval_begin(&d->interval, &sequence) != 0 ||
		    pw_mm_snapshot(d->world->mm, va, pages, true, write, page) != 0)
			return false;
		sched_yield(); /* a driver takes its time; here a change may overtake it */
		pthread_mutex_lock(&d->lock);
		overtaken = pw_interval_retry(&d->interval, sequence);
		if (!overtaken)
			map(d, va, page, pages);
		pthread_mutex_unlock(&d->lock);
		if (!overtaken)
			return true;
		d->retries++;
	}
}

/* A page fault of the device: brings the pages around it as well, if it can. */
static bool fault(struct device *d, unsigned number, bool write)
{
	const struct world *w = d->world;
	pw_va window = w->va + number / WINDOW * WINDOW * w->page;

	return bring(d, window, WINDOW, write) || bring(d, w->va + number * w->page, 1, write);
}

static uint64_t *find(struct device *d, unsigned number, uint64_t offset, bool write)
{
	struct world *w = d->world;
	struct pw_result found;

	if (pw_space_translate(d->reader, w->va + number * w->page + offset, &found) != PW_OK ||
	    (write && !(found.attr & PW_WRITE)))
		return NULL;
	return pw_arena_host(pw_machine_arena(w->machine), found.pa, sizeof(uint64_t));
}

/* Adds one to the device's word of a page, or looks at the process's word. False: there is a fault. */
static bool access_page(struct device *d, unsigned number, bool write)
{
	const uint64_t offset = write ? DEVICE_WORD : PROCESS_WORD;
	const bool stays = number < STAYING;
	uint64_t announced = 0, value, *word;

	if (stays)
		announced = __atomic_load_n(&d->world->process_adds[number], __ATOMIC_ACQUIRE);
	pthread_mutex_lock(&d->lock);
	word = find(d, number, offset, write);
	if (word && write)
		__atomic_fetch_add(word, 1, __ATOMIC_RELAXED);
	value = word ? __atomic_load_n(word, __ATOMIC_RELAXED) : 0;
	pthread_mutex_unlock(&d->lock);
	if (!word)
		return false;
	if (stays && write)
		__atomic_fetch_add(&d->world->device_adds[number], 1, __ATOMIC_RELEASE);
	else if (stays && value < announced)
		__atomic_fetch_add(&d->world->wrong, 1, __ATOMIC_RELAXED);
	d->accesses++;
	return true;
}

void *device_run(void *device)
{
	struct device *d = device;

	must(pw_reader_create(d->tables, &d->reader) == 0, "the device cannot join the readers");
	while (!__atomic_load_n(&d->world->over, __ATOMIC_ACQUIRE)) {
		unsigned number = (unsigned)draw(&d->random, PAGES);
		bool write = draw(&d->random, 2);

		while (!access_page(d, number, write))
			if (!fault(d, number, write)) {
				d->refused++;
				break;
			}
	}
	pw_reader_destroy(d->reader);
	return NULL;
}

/* ---- the end ---- */

unsigned device_compare(struct device *device)
{
	struct device *d = device;
	struct world *w = d->world;
	unsigned mirrored = 0;

	must(pw_reader_create(d->tables, &d->reader) == 0, "no reader to compare with");
	for (unsigned i = 0; i < STAYING; i++)
		must(access_page(d, i, false) || fault(d, i, false), "a page is missing");
	for (unsigned i = 0; i < PAGES; i++) {
		pw_va va = w->va + i * w->page;
		struct pw_snapshot page;
		struct pw_result found;

		must(pw_mm_snapshot(w->mm, va, 1, false, false, &page) == 0, "no snapshot");
		if (pw_space_translate(d->reader, va, &found) != PW_OK)
			continue;
		mirrored++;
		if (!page.valid || page.pa != found.pa ||
		    ((found.attr & PW_WRITE) && !page.writable))
			w->wrong++;
	}
	pw_reader_destroy(d->reader);
	return mirrored;
}

void device_open(struct device *device, struct world *world, const struct pw_format *format)
{
	struct pw_arena_options options = { 0 };
	struct pw_geometry geometry;
	struct pw_error error;

	pw_format_geometry(format, &geometry);
	options.page_lg2 = geometry.shift[0];
	options.bytes = UINT64_C(512) << geometry.shift[0];
	must(UINT64_C(1) << geometry.shift[0] <= world->page,
	     "the device's pages must not be larger than those of the process");
	*device = (struct device){ .world = world, .random = 1 };
	pthread_mutex_init(&device->lock, NULL);
	must(pw_arena_create(&options, &device->arena, &error) == 0, error.text);
	must(pw_space_create(device->arena, format, NULL, &device->tables, &error) == 0,
	     error.text);
	device->interval.invalidate = invalidate;
	must(pw_interval_add(world->mm, world->va, world->va + PAGES * world->page - 1,
			     &device->interval) == 0,
	     "the process's memory cannot be watched");
}

void device_close(struct device *device)
{
	pw_interval_remove(&device->interval);
	pw_space_destroy(device->tables);
	pw_arena_destroy(device->arena);
	pthread_mutex_destroy(&device->lock);
}
