/* SPDX-License-Identifier: MIT */
/*
 * The benchmark: contenders do the same work on the same tables, in turns, within one run. The ratios
 * count; a shared machine's nanoseconds say little from one minute to the next.
 *
 *   image     tables in an arena that stands for physical memory, and the list of their leaves
 *   contender one way to read them: pagewalk, a plain loop (the floor), a rival
 *   case      contenders side by side; each returns a sum over its results, which must be right
 */
#ifndef BENCH_H
#define BENCH_H

#include "format/format.h"
#include "walk/instance.h"

enum {
	BENCH_CONTENDERS = 8,
	BENCH_ROUNDS = 16,
	BENCH_WINDOWS = 16, /* windows of an address list; each round reads another one */
};

/* ---- images ---- */

/* A leaf that the generator wrote. */
struct bench_leaf {
	pw_va va;
	pw_pa pa;
	unsigned lg2;
};

struct bench_image {
	const struct pw_format *format;
	struct pw_regime regime;
	struct pw_memory *memory;
	unsigned char *host; /* the place of physical address `base` */
	size_t bytes, used;
	pw_pa base;
	unsigned top;
	/* The mapped leaves, for rivals that cannot iterate; NULL if not needed. */
	struct bench_leaf *leaf;
	size_t leaves, room;
	/* The right sums for contenders. */
	uint64_t raw_sum; /* of all entries of level 0, also empty ones, and of all larger leaves */
	uint64_t pa_sum; /* of the addresses of all mapped 4 KiB pages */
	uint64_t pages; /* the number of these pages */
	uint64_t tables; /* the number of tables of level 0 */
};

/* Makes an arena of @bytes; @huge asks the host for huge pages. Exits if there is no memory. */
void bench_image_create(struct bench_image *image, const char *format, size_t bytes, bool huge);
/* Adds a leaf of @level. */
void bench_image_map(struct bench_image *image, pw_va va, pw_pa pa, unsigned level, uint32_t attr);
/* As bench_image_map, and adds the leaf to image->leaf. */
void bench_image_list(struct bench_image *image, pw_va va, pw_pa pa, unsigned level, uint32_t attr);
void bench_image_destroy(struct bench_image *image);

/* For plain code: the host address of physical address 0. */
static inline const unsigned char *bench_zero(const struct bench_image *image)
{
	return image->host - image->base;
}

/* Sum of the addresses of the 4 KiB pages in a run of @bytes bytes at @pa. */
static inline uint64_t bench_run_sum(pw_pa pa, uint64_t bytes)
{
	uint64_t pages = bytes >> 12;

	return pages * (pa & ~UINT64_C(0xfff)) + 4096 * (pages * (pages - 1) / 2);
}

/* A generator of numbers that look random: xorshift64*. */
static inline uint64_t bench_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * UINT64_C(0x2545f4914f6cdd1d);
}

/* ---- address lists ---- */

/* Addresses in windows of `count`, and the sum of translations of each window. */
struct bench_list {
	pw_va *va;
	size_t count;
	uint64_t sum[BENCH_WINDOWS];
	/* The place of the last entry of each walk, and the sum of these entries; or NULL. */
	const unsigned char **last;
	uint64_t last_sum[BENCH_WINDOWS];
	struct pw_result *result; /* results of one call for many addresses */
};

/* Returns @va, but only after @answer is known: for walks that wait for each other. */
static inline pw_va bench_after(pw_va va, uint64_t answer)
{
	/* Hides from the compiler that no physical address has bit 63. */
	__asm__("" : "+r"(answer));
	return va + (answer >> 63);
}

enum { BENCH_BATCH = 1024 }; /* addresses in such a call */

static inline const pw_va *bench_addresses(const struct bench_list *list, unsigned window)
{
	return list->va + window * list->count;
}

/* ---- contenders ---- */

struct bench_work {
	const struct bench_image *image;
	const struct bench_list *list; /* NULL: iterate */
	const struct bench_kernel *kernel;
	const void *peer;
	void *own; /* data of a case that changes its tables or counts */
	unsigned passes; /* the passes of a run over its work; 1 if the contender does not say */
	unsigned window; /* the window of the list to read */
};

struct bench_contender {
	const char *name;
	uint64_t (*run)(const struct bench_work *work);
	uint64_t expected; /* without a list: of one pass */
	const uint64_t *expected_in; /* with a list: by window */
	/*
	 * @before prepares a run; @after checks its results and undoes it. Neither is timed.
	 * NULL: a run changes nothing.
	 */
	void (*before)(const struct bench_work *work);
	void (*after)(const struct bench_work *work);
	unsigned passes; /* 0 stands for 1 */
	const char *absent; /* why it cannot take part here; then it does not run */
	bool moving; /* it counts pages that the host may be moving: then it may count again */
};

/* Plain code for a format: the floor. */
struct bench_plain {
	const char *format;
	uint64_t (*read)(const struct bench_work *work);
	uint64_t (*ranges)(
		const struct bench_work *work); /* the ranges that a scan gives; or NULL */
	uint64_t (*translate)(const struct bench_work *work);
	/* As complete an answer as pw_translate's, written by hand; or NULL. */
	uint64_t (*answer)(const struct bench_work *work);
	/* The two above, with each walk after the answer of the previous walk; or NULL. */
	uint64_t (*chained)(const struct bench_work *work);
	uint64_t (*answer_chained)(const struct bench_work *work);
};
const struct bench_plain *bench_plain_find(const char *format);
/* Only the last load of each walk, from its known place: no translator can be faster. */
uint64_t bench_last_loads(const struct bench_work *work);

/* libaddrxlat (addrxlat.c), or a stub without it (none.c). */
const void *bench_peer_create(const struct bench_image *image);
void bench_peer_destroy(const void *peer);
uint64_t bench_peer_translate(const struct bench_work *work);
uint64_t bench_peer_leaves(const struct bench_work *work);

/* The host kernel's walkers, on memory of this process: kernel.c. */
struct bench_kernel {
	unsigned char *memory;
	size_t bytes, pages; /* how many of its pages are present */
	unsigned char *vector; /* mincore's */
	uint64_t *pagemap;
	int fd; /* /proc/self/pagemap */
	bool scans; /* PAGEMAP_SCAN is there */
};

enum bench_shape { BENCH_DENSE, BENCH_SPARSE, BENCH_MIX };

/* Maps @bytes: all in base pages, one page in each 2 MiB, or every other 64 MiB in huge pages. */
bool bench_kernel_create(struct bench_kernel *kernel, size_t bytes, enum bench_shape shape);
void bench_kernel_destroy(struct bench_kernel *kernel);
uint64_t bench_kernel_mincore(const struct bench_work *work);
uint64_t bench_kernel_pagemap(const struct bench_work *work);
uint64_t bench_kernel_scan(const struct bench_work *work);

/* ---- cases ---- */

/* The columns of one part of the printed table. */
struct bench_columns {
	const char *title; /* the title of the part */
	const char *floor; /* the title of the second contender */
	const char *rival[BENCH_CONTENDERS]; /* names of contenders; NULL: no more */
};

struct bench_case {
	const char *name, *unit;
	const struct bench_columns *columns;
	double goal; /* the goal as a ratio to the floor; 0: none */
	double goal_ns; /* or in nanoseconds; 0: none */
	uint64_t sample_ns; /* the least time of a sample; 0: the usual time */
	uint64_t (*clock)(void); /* in nanoseconds; NULL: the CPU time of this thread */
	uint64_t units; /* units of work in one run of a contender */
	struct bench_work work;
	struct bench_contender contender[BENCH_CONTENDERS];
	size_t contenders;
};

/* Adds a contender. */
static inline struct bench_contender *bench_case_add(struct bench_case *c, const char *name,
						     uint64_t (*run)(const struct bench_work *),
						     uint64_t expected)
{
	struct bench_contender *contender = &c->contender[c->contenders++];

	*contender = (struct bench_contender){ .name = name, .run = run, .expected = expected };
	return contender;
}

/* The CPU time of this thread, in user and kernel mode; time of other threads does not count. */
uint64_t bench_thread_ns(void);
/* Measures and reports; the first contender is pagewalk, the second the floor. Exits on a wrong sum. */
void bench_case_run(const struct bench_case *c);

#endif
