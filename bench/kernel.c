/* SPDX-License-Identifier: MIT */
/*
 * The host kernel's own walkers, on the same number of pages of this process: mincore(2),
 * /proc/self/pagemap and the PAGEMAP_SCAN ioctl (Linux 6.7). They walk the process's real tables, so their
 * right sums are numbers of pages.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"

/* linux/fs.h of 6.7, for older headers; Documentation/admin-guide/mm/pagemap.rst. */
struct scan_region {
	uint64_t start, end, categories;
};
struct scan_argument {
	uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
	uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};
static const uint64_t SCAN_PRESENT = 1 << 3;
#define SCAN_IOCTL _IOWR('f', 16, struct scan_argument)

enum { SCAN_REGIONS = 512 };

static bool touch(unsigned char *memory, size_t bytes, enum bench_shape shape)
{
	const size_t chunk = (size_t)64 << 20, step = (size_t)2 << 20;

	madvise(memory, bytes, MADV_NOHUGEPAGE);
	if (shape == BENCH_SPARSE) {
		for (size_t i = 0; i < bytes; i += step)
			memory[i] = 1;
		return true;
	}
	for (size_t i = 0; shape == BENCH_MIX && i < bytes; i += 2 * chunk)
		madvise(memory + i, chunk, MADV_HUGEPAGE);
	/* Linux 5.14: fails where a plain store would kill the process. */
	return madvise(memory, bytes, MADV_POPULATE_WRITE) == 0;
}

bool bench_kernel_create(struct bench_kernel *kernel, size_t bytes, enum bench_shape shape)
{
	const size_t huge_page = (size_t)2 << 20;
	size_t slots = bytes >> 12;
	struct bench_work work = { .kernel = kernel };
	unsigned char *memory = mmap(NULL, bytes + huge_page, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED)
		return false;
	memory += huge_page - (uintptr_t)memory % huge_page;
	*kernel = (struct bench_kernel){
		.memory = memory,
		.bytes = bytes,
		.pages = shape == BENCH_SPARSE ? bytes / huge_page : slots,
		.vector = malloc(slots),
		.pagemap = malloc(slots * sizeof(uint64_t)),
		.fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC),
	};
	if (!kernel->vector || !kernel->pagemap || kernel->fd < 0 || !touch(memory, bytes, shape)) {
		bench_kernel_destroy(kernel);
		return false;
	}
	kernel->scans = bench_kernel_scan(&work) != UINT64_MAX;
	return true;
}

void bench_kernel_destroy(struct bench_kernel *kernel)
{
	munmap(kernel->memory, kernel->bytes);
	free(kernel->vector);
	free(kernel->pagemap);
	if (kernel->fd >= 0)
		close(kernel->fd);
}

uint64_t bench_kernel_mincore(const struct bench_work *work)
{
	const struct bench_kernel *kernel = work->kernel;
	uint64_t pages = 0;

	if (mincore(kernel->memory, kernel->bytes, kernel->vector))
		return UINT64_MAX;
	for (size_t i = 0; i < kernel->bytes >> 12; i++)
		pages += kernel->vector[i] & 1;
	return pages;
}

uint64_t bench_kernel_pagemap(const struct bench_work *work)
{
	const struct bench_kernel *kernel = work->kernel;
	size_t slots = kernel->bytes >> 12, wanted = slots * sizeof(uint64_t), done = 0;
	off_t from = (off_t)((uintptr_t)kernel->memory >> 12) * (off_t)sizeof(uint64_t);
	uint64_t pages = 0;

	while (done < wanted) {
		ssize_t got = pread(kernel->fd, (char *)kernel->pagemap + done, wanted - done,
				    from + (off_t)done);

		if (got <= 0)
			return UINT64_MAX;
		done += (size_t)got;
	}
	for (size_t i = 0; i < slots; i++)
		pages += kernel->pagemap[i] >> 63;
	return pages;
}

uint64_t bench_kernel_scan(const struct bench_work *work)
{
	const struct bench_kernel *kernel = work->kernel;
	struct scan_region region[SCAN_REGIONS];
	uintptr_t start = (uintptr_t)kernel->memory, end = start + kernel->bytes;
	uint64_t pages = 0;

	while (start < end) {
		struct scan_argument argument = {
			.size = sizeof(argument),
			.start = start,
			.end = end,
			.vec = (uintptr_t)region,
			.vec_len = SCAN_REGIONS,
			.category_mask = SCAN_PRESENT,
			.return_mask = SCAN_PRESENT,
		};
		int regions = ioctl(kernel->fd, SCAN_IOCTL, &argument);

		if (regions < 0)
			return UINT64_MAX;
		for (int i = 0; i < regions; i++)
			pages += (region[i].end - region[i].start) >> 12;
		start = (uintptr_t)argument.walk_end;
	}
	return pages;
}
