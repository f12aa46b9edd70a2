/* SPDX-License-Identifier: MIT */
/*
 * Pins of the host kernel: buffers that are registered with io_uring, which takes their pages with
 * FOLL_LONGTERM | FOLL_WRITE by the path that pagewalk models (io_uring/rsrc.c, mm/gup.c). This uses raw
 * system calls: a table of empty buffers, each of which is filled by one call and emptied by another.
 */
#include <errno.h>
#include <linux/io_uring.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "pin.h"

struct bench_uring {
	int fd;
	unsigned char *memory;
	size_t pages, call, bytes;
};

static long do_register(int fd, unsigned what, const void *argument, unsigned bytes)
{
	return syscall(SYS_io_uring_register, fd, what, argument, bytes);
}

/* Buffer @slot becomes @iovec; an empty one releases what was there. */
static bool update(const struct bench_uring *uring, size_t slot, const struct iovec *iovec)
{
	const struct io_uring_rsrc_update2 argument = {
		.offset = (uint32_t)slot,
		.data = (uintptr_t)iovec,
		.nr = 1,
	};

	return do_register(uring->fd, IORING_REGISTER_BUFFERS_UPDATE, &argument,
			   sizeof(argument)) == 1;
}

static unsigned char *touched(size_t bytes, bool huge)
{
	const size_t huge_page = (size_t)2 << 20;
	unsigned char *memory = mmap(NULL, bytes + huge_page, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED)
		return NULL;
	memory += huge_page - (uintptr_t)memory % huge_page;
	madvise(memory, bytes, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
	/* Kernels with sparse tables of buffers (5.19) have this (5.14). */
	if (madvise(memory, bytes, MADV_POPULATE_WRITE) == 0)
		return memory;
	munmap(memory, bytes);
	return NULL;
}

struct bench_uring *bench_uring_create(size_t pages, size_t call, bool huge,
				       const char **absent_ret)
{
	struct io_uring_params params = { 0 };
	struct io_uring_rsrc_register sparse = {
		.nr = (uint32_t)(pages / call),
		.flags = IORING_RSRC_REGISTER_SPARSE,
	};
	struct bench_uring *uring = calloc(1, sizeof(*uring));

	if (!uring) {
		*absent_ret = strerrorname_np(ENOMEM);
		return NULL;
	}
	*uring = (struct bench_uring){ .pages = pages, .call = call, .bytes = pages << 12 };
	uring->fd = (int)syscall(SYS_io_uring_setup, 4, &params);
	if (uring->fd >= 0 &&
	    do_register(uring->fd, IORING_REGISTER_BUFFERS2, &sparse, sizeof(sparse)) == 0) {
		uring->memory = touched(uring->bytes, huge);
		/* Fails now rather than during the measurement, if RLIMIT_MEMLOCK is too low. */
		if (uring->memory && bench_uring_pin(uring) == pages &&
		    bench_uring_unpin(uring) == pages)
			return uring;
	}
	*absent_ret = strerrorname_np(errno);
	bench_uring_destroy(uring);
	return NULL;
}

void bench_uring_destroy(struct bench_uring *uring)
{
	if (!uring)
		return;
	if (uring->fd >= 0)
		close(uring->fd);
	if (uring->memory)
		munmap(uring->memory, uring->bytes);
	free(uring);
}

size_t bench_uring_pin(struct bench_uring *uring)
{
	size_t done = 0;

	for (size_t slot = 0; slot < uring->pages / uring->call; slot++) {
		const size_t bytes = uring->call << 12;
		const struct iovec iovec = { uring->memory + slot * bytes, bytes };

		if (!update(uring, slot, &iovec))
			break;
		done += uring->call;
	}
	return done;
}

size_t bench_uring_unpin(struct bench_uring *uring)
{
	static const struct iovec nothing;
	size_t done = 0;

	for (size_t slot = 0; slot < uring->pages / uring->call; slot++)
		if (update(uring, slot, &nothing))
			done += uring->call;
	return done;
}
