/* SPDX-License-Identifier: MIT */
/*
 * The address space of a child: everything that is free is mapped by an empty file without permissions, but the
 * window. So the kernel can choose addresses in the window alone, and what lies beside the window is the same for
 * all hosts. The file never merges with anything in the window.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "check.h"

static char text[64 << 10];

/* Maps what can be mapped of first..end. */
static void reserve(int fd, uint64_t first, uint64_t end, uint64_t page)
{
	uint64_t bytes = end > first ? end - first : 0;

	while (first < end && bytes >= page) {
		if (bytes > end - first)
			bytes = end - first;
		if (mmap((void *)(uintptr_t)first, bytes, PROT_NONE,
			 MAP_PRIVATE | MAP_FIXED_NOREPLACE | MAP_NORESERVE, fd, 0) != MAP_FAILED)
			first += bytes;
		else
			bytes = bytes / 2 & ~(page - 1);
	}
}

static void reserve_gap(int fd, uint64_t first, uint64_t end, uint64_t page)
{
	if (first < WINDOW_END && end > WINDOW) {
		reserve(fd, first, WINDOW, page);
		reserve(fd, WINDOW_END, end, page);
	} else {
		reserve(fd, first, end, page);
	}
}

bool reserve_all(uint64_t task)
{
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	const int fd = memfd_create("reserved", 0), maps = open("/proc/self/maps", O_RDONLY);
	uint64_t free_from = 0x10000;
	size_t length = 0;
	ssize_t got;

	while ((got = read(maps, text + length, sizeof text - 1 - length)) > 0)
		length += (size_t)got;
	text[length] = '\0';
	for (char *line = text; *line; line = strchr(line, '\n') + 1) {
		char *rest;
		const uint64_t first = strtoull(line, &rest, 16),
			       end = strtoull(rest + 1, NULL, 16);

		if (first >= task)
			break;
		if (first > free_from)
			reserve_gap(fd, free_from, first, page);
		free_from = end > free_from ? end : free_from;
	}
	reserve_gap(fd, free_from, task, page);
	close(maps);
	close(fd);
	return length > 0;
}
