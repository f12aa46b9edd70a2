/* SPDX-License-Identifier: MIT */
/* The cases: their tables and their contenders. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cases.h"

static const uint64_t MIB = 1 << 20, GIB = 1 << 30;
/* An address in the range of user programs, which every format here can map. */
static const pw_va BENCH_VA = UINT64_C(0x4000000000);
static const pw_pa BENCH_PA = UINT64_C(0x100000000);
static const uint32_t BENCH_DATA = PW_READ | PW_WRITE | PW_USER | PW_ACCESSED | PW_DIRTY;

/* ---- pagewalk's side ---- */

static uint64_t ours_translate(const struct bench_work *work)
{
	const pw_va *va = bench_addresses(work->list, work->window);
	struct pw_result result;
	uint64_t sum = 0;

	for (size_t i = 0; i < work->list->count; i++) {
		pw_translate(work->image->memory, &work->image->regime, va[i], &result);
		sum += result.pa;
	}
	return sum;
}

static uint64_t ours_lean(const struct bench_work *work)
{
	const pw_va *va = bench_addresses(work->list, work->window);
	uint64_t sum = 0;

	for (size_t i = 0; i < work->list->count; i++)
		sum += pw_translate_lean(work->image->memory, &work->image->regime, va[i]).pa;
	return sum;
}

static uint64_t ours_chained(const struct bench_work *work)
{
	const pw_va *va = bench_addresses(work->list, work->window);
	struct pw_result result = { 0 };
	uint64_t sum = 0;

	for (size_t i = 0; i < work->list->count; i++) {
		pw_translate(work->image->memory, &work->image->regime,
			     bench_after(va[i], result.pa), &result);
		sum += result.pa;
	}
	return sum;
}

static uint64_t ours_many(const struct bench_work *work)
{
	const struct bench_list *list = work->list;
	const pw_va *va = bench_addresses(list, work->window);
	uint64_t sum = 0;

	for (size_t done = 0; done < list->count; done += BENCH_BATCH) {
		pw_translate_many(work->image->memory, &work->image->regime, va + done, BENCH_BATCH,
				  list->result);
		for (size_t i = 0; i < BENCH_BATCH; i++)
			sum += list->result[i].pa;
	}
	return sum;
}

static uint64_t ours_scan(const struct bench_work *work)
{
	struct pw_scan *scan;
	/* 12 KiB, as bench_kernel_scan has. */
	struct pw_range range[256];
	uint64_t sum = 0;

	if (pw_scan_create(work->image->memory, &work->image->regime, 0, UINT64_MAX, NULL, &scan,
			   NULL))
		return 0;
	for (size_t n; (n = pw_scan_next(scan, range, 256)) > 0;)
		for (size_t i = 0; i < n; i++)
			sum += bench_run_sum(range[i].pa, range[i].last - range[i].first + 1);
	pw_scan_destroy(scan);
	return sum;
}

/* ---- cases ---- */

static void add(struct bench_case *c, const char *name, uint64_t (*run)(const struct bench_work *),
		uint64_t expected)
{
	c->contender[c->contenders++] = (struct bench_contender){
		.name = name,
		.run = run,
		.expected = expected,
		.expected_in = c->work.list ? c->work.list->sum : NULL,
	};
}

static void add_kernel(struct bench_case *c, const struct bench_kernel *kernel)
{
	const size_t first = c->contenders;

	if (!kernel)
		return;
	c->work.kernel = kernel;
	add(c, "mincore", bench_kernel_mincore, kernel->pages);
	add(c, "pagemap", bench_kernel_pagemap, kernel->pages);
	if (kernel->scans)
		add(c, "pagemap_scan", bench_kernel_scan, kernel->pages);
	for (size_t i = first; i < c->contenders; i++)
		c->contender[i].moving = true;
}

static void iterate(const char *name, const char *format, const char *unit, uint64_t units,
		    double goal_ns, const struct bench_image *image,
		    const struct bench_kernel *kernel)
{
	const void *peer = bench_peer_create(image);
	struct bench_case c = {
		.name = name,
		.unit = unit,
		.goal_ns = goal_ns,
		.units = units,
		.work = { .image = image, .peer = peer },
	};

	add(&c, "pagewalk", ours_scan, image->pa_sum);
	add(&c, "floor", bench_plain_find(format)->read, image->raw_sum);
	if (bench_plain_find(format)->ranges)
		add(&c, "full_answer", bench_plain_find(format)->ranges, image->pa_sum);
	if (peer && image->leaf)
		add(&c, "libaddrxlat", bench_peer_leaves, image->pa_sum);
	add_kernel(&c, kernel);
	bench_case_run(&c);
	bench_peer_destroy(peer);
}

void bench_iterate_dense(const char *name, const char *format, bool scattered, double goal_ns,
			 const struct bench_kernel *kernel)
{
	struct bench_image image;

	bench_image_create(&image, format, 16 * MIB, true);
	for (uint64_t i = 0; i < GIB >> 12; i++) {
		/* An odd factor gives each frame of a power of two once, and separates neighbours. */
		uint64_t frame = scattered ? i * 0x9e3779b1 % (GIB >> 12) : i;

		bench_image_list(&image, BENCH_VA + (i << 12), BENCH_PA + (frame << 12), 0,
				 BENCH_DATA);
	}
	iterate(name, format, "page", image.pages, goal_ns, &image, kernel);
	bench_image_destroy(&image);
}

/* One page in each 2 MiB of 16 GiB. */
void bench_iterate_sparse(const char *name, const char *format, const struct bench_kernel *kernel)
{
	struct bench_image image;

	bench_image_create(&image, format, 64 * MIB, true);
	for (uint64_t va = 0; va < 16 * GIB; va += 2 * MIB)
		bench_image_list(&image, BENCH_VA + va, BENCH_PA + va, 0, BENCH_DATA);
	iterate(name, format, "4K of range", 16 * GIB >> 12, 0, &image, kernel);
	bench_image_destroy(&image);
}

/* 1 GiB, every other 64 MiB of it in huge pages. */
void bench_iterate_mix(const char *name, const char *format, const struct bench_kernel *kernel)
{
	struct bench_image image;
	uint64_t va = 0;

	bench_image_create(&image, format, 16 * MIB, true);
	while (va < GIB) {
		unsigned level = va / (64 * MIB) % 2 ? 0 : 1;

		bench_image_list(&image, BENCH_VA + va, BENCH_PA + va, level, BENCH_DATA);
		va += UINT64_C(1) << image.format->shift[level];
	}
	iterate(name, format, "4K of range", GIB >> 12, 0, &image, kernel);
	bench_image_destroy(&image);
}

/* The goal as struct bench_case has it. */
static void translate(const char *name, const char *format, double goal, double goal_ns,
		      uint64_t (*ours)(const struct bench_work *work),
		      const struct bench_image *image, const struct bench_list *list)
{
	const void *peer = bench_peer_create(image);
	struct bench_case c = {
		.name = name,
		.unit = "address",
		.goal = goal,
		.goal_ns = goal_ns,
		.units = list->count,
		.work = { .image = image, .list = list, .peer = peer },
	};

	add(&c, "pagewalk", ours, 0);
	add(&c, "floor", bench_plain_find(format)->translate, 0);
	if (peer)
		add(&c, "libaddrxlat", bench_peer_translate, 0);
	if (bench_plain_find(format)->answer)
		add(&c, "full_answer", bench_plain_find(format)->answer, 0);
	if (list->last) {
		add(&c, "last_loads", bench_last_loads, 0);
		c.contender[c.contenders - 1].expected_in = list->last_sum;
	}
	bench_case_run(&c);
	bench_peer_destroy(peer);
}

static void translate_chained(const char *name, const struct bench_image *image,
			      const struct bench_list *list)
{
	struct bench_case c = {
		.name = name,
		.unit = "address",
		.units = list->count,
		.work = { .image = image, .list = list },
	};
	const struct bench_plain *plain = bench_plain_find(image->format->name);

	add(&c, "pagewalk", ours_chained, 0);
	add(&c, "floor", plain->chained, 0);
	add(&c, "full_answer", plain->answer_chained, 0);
	bench_case_run(&c);
}

/* Frames in an order that gives no hint of the next one. */
static pw_pa frame_of(uint64_t page, uint64_t pages)
{
	return BENCH_PA + (page * 0x9e3779b1 % pages << 12);
}

/* Maps @pages base pages and makes lists of @count random addresses among them. */
static void prepare(struct bench_image *image, struct bench_list *list, uint64_t pages,
		    size_t count)
{
	uint64_t seed = 88172645463325252;

	*list = (struct bench_list){
		.va = malloc(BENCH_WINDOWS * count * sizeof(*list->va)),
		.count = count,
		.result = malloc(BENCH_BATCH * sizeof(*list->result)),
	};
	if (!list->va || !list->result) {
		fprintf(stderr, "bench: out of memory\n");
		exit(2);
	}
	for (uint64_t page = 0; page < pages; page++)
		bench_image_map(image, BENCH_VA + (page << 12), frame_of(page, pages), 0,
				BENCH_DATA);
	for (size_t i = 0; i < BENCH_WINDOWS * count; i++) {
		uint64_t random = bench_random(&seed) >> 16;
		uint64_t page = (random >> 12) % pages;

		list->va[i] = BENCH_VA + (page << 12) + (random & 0xfff);
		list->sum[i / count] += frame_of(page, pages) + (random & 0xfff);
	}
}

/* Finds the entries at which the walks of the list end. */
static void find_last(const struct bench_image *image, struct bench_list *list)
{
	size_t all = BENCH_WINDOWS * list->count;

	list->last = malloc(all * sizeof(*list->last));
	for (size_t i = 0; list->last && i < all; i++) {
		struct pw_result result;
		struct pw_trace trace;

		pw_translate_trace(image->memory, &image->regime, list->va[i], &result, &trace);
		list->last[i] = bench_zero(image) + trace.step[trace.steps - 1].at;
		/* The entry with the bytes that memory has. */
		list->last_sum[i / list->count] += pw_entry_number(
			result.entry, image->format->entry_lg2, image->format->big_endian);
	}
}

static void finish(struct bench_image *image, struct bench_list *list)
{
	free(list->last);
	free(list->va);
	free(list->result);
	bench_image_destroy(image);
}

/* 128 MiB of pages, 256 KiB of tables: in the cache. */
void bench_translate_hot(const char *name, const char *lean_name, const char *bulk_name,
			 const char *chained_name, const char *format)
{
	struct bench_image image;
	struct bench_list list;

	bench_image_create(&image, format, 4 * MIB, true);
	prepare(&image, &list, 128 * MIB >> 12, 8 * BENCH_BATCH);
	translate(name, format, 1.2, 0, ours_translate, &image, &list);
	translate(lean_name, format, 1.5, 0, ours_lean, &image, &list);
	if (bulk_name)
		translate(bulk_name, format, 0, 4, ours_many, &image, &list);
	if (chained_name)
		translate_chained(chained_name, &image, &list);
	finish(&image, &list);
}

/* 128 GiB of pages, 256 MiB of tables; every line of the tables is equally likely. */
void bench_translate_random(const char *name, const char *bulk_name, const char *chained_name,
			    const char *format, bool huge)
{
	struct bench_image image;
	struct bench_list list;

	bench_image_create(&image, format, 264 * MIB, huge);
	prepare(&image, &list, 128 * GIB >> 12, 128 * BENCH_BATCH);
	find_last(&image, &list);
	translate(name, format, 0, 0, ours_translate, &image, &list);
	translate(bulk_name, format, 0.5, 0, ours_many, &image, &list);
	if (chained_name)
		translate_chained(chained_name, &image, &list);
	finish(&image, &list);
}

/* ---- an image like a guest's ---- */

struct shape {
	struct bench_image *image;
	uint64_t seed;
};

/* One mapping of a file or of anonymous memory: runs of 1 to 16 frames, some pages never touched. */
static pw_va map_area(struct shape *s, pw_va va, uint64_t pages, uint32_t attr, unsigned absent)
{
	pw_pa pa = 0;
	uint64_t run = 0;

	for (uint64_t i = 0; i < pages; i++, va += 4096, pa += 4096) {
		uint64_t random = bench_random(&s->seed) >> 32;
		uint32_t seen = attr;

		if (run-- == 0) {
			run = random % 16;
			pa = BENCH_PA + (bench_random(&s->seed) >> 32) % (4 * GIB >> 12) * 4096;
		}
		if (random >> 8 & 7)
			seen |= PW_ACCESSED;
		if ((attr & PW_WRITE) && (random >> 11 & 3))
			seen |= PW_DIRTY;
		if (random % 100 >= absent)
			bench_image_list(s->image, va, pa, 0, seen);
	}
	return va;
}

static void map_process(struct shape *s)
{
	const uint32_t user = PW_READ | PW_USER;
	pw_va va = 0x555555554000;

	va = map_area(s, va, 300, user | PW_EXEC, 30);
	va = map_area(s, va, 20, user, 5);
	va = map_area(s, va, 40, user | PW_WRITE, 5);
	map_area(s, va + 64 * MIB, 40000, user | PW_WRITE, 3); /* heap */
	va = 0x7f0000000000;
	for (unsigned library = 0; library < 60; library++) {
		va = map_area(s, va, 400, user | PW_EXEC, 50);
		va = map_area(s, va, 60, user, 20);
		va = map_area(s, va, 8, user | PW_WRITE, 0);
		va += 2 * MIB;
	}
	for (unsigned thread = 0; thread < 32; thread++) /* stacks of 8 MiB, hardly used */
		map_area(s, va += 8 * MIB, 12, user | PW_WRITE, 0);
	va = (va + 64 * MIB) & ~(2 * MIB - 1);
	for (unsigned i = 0; i < 256; i++, va += 2 * MIB) { /* an arena with huge pages */
		if (i % 3)
			bench_image_list(s->image, va, BENCH_PA + i * 2 * MIB, 1,
					 user | PW_WRITE | PW_ACCESSED | PW_DIRTY);
		else
			map_area(s, va, 512, user | PW_WRITE, 10);
	}
	map_area(s, 0x7ffffffde000, 34, user | PW_WRITE, 20);
}

static void map_kernel(struct shape *s)
{
	const uint32_t data = BENCH_DATA & ~(uint32_t)PW_USER;

	/* All of physical memory: 4K where permissions change, then 2 MiB, then 1 GiB pages. */
	map_area(s, 0xffff888000000000, 1024, data, 0);
	for (uint64_t at = 4 * MIB; at < GIB; at += 2 * MIB)
		bench_image_list(s->image, 0xffff888000000000 + at, at, 1, data);
	for (uint64_t at = GIB; at < 8 * GIB; at += GIB)
		bench_image_list(s->image, 0xffff888000000000 + at, at, 2, data);
	/* vmalloc: small areas with a guard page between them. */
	for (unsigned i = 0; i < 4000; i++)
		map_area(s, 0xffffc90000000000 + i * 0x9000ull, 4 + i % 5, data, 0);
	for (uint64_t at = 0; at < 128 * MIB; at += 2 * MIB)
		bench_image_list(s->image, 0xffffea0000000000 + at, BENCH_PA + at, 1, data);
	for (uint64_t at = 0; at < 32 * MIB; at += 2 * MIB)
		bench_image_list(s->image, 0xffffffff81000000 + at, BENCH_PA + at, 1,
				 data | PW_EXEC);
}

void bench_map_image(const char *name, struct bench_kernel *kernel)
{
	struct bench_image image;
	struct shape s = { &image, 2463534242 };
	size_t bytes = kernel ? kernel->bytes : 0;

	bench_image_create(&image, "x86_64", 64 * MIB, true);
	map_process(&s);
	map_kernel(&s);
	/* The host kernel gets as many pages as the image has leaves. */
	if (kernel) {
		kernel->bytes = image.leaves << 12;
		kernel->pages = image.leaves;
	}
	iterate(name, "x86_64", "leaf", image.leaves, 3, &image, kernel);
	if (kernel) {
		kernel->bytes = bytes;
		kernel->pages = bytes >> 12;
	}
	bench_image_destroy(&image);
}
