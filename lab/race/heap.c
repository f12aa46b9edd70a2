/* SPDX-License-Identifier: MIT */
/*
 * The memory of the code under test. It is handed out in order and never used twice in a run, so that a pointer
 * that is kept too long leads to memory which is known to be gone. Each run gets the same addresses.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "lab/race/race.h"
#include "lab/race/real.h"

enum {
	HEAP = 64 << 20,
	HEADER = 16, /* before each object */
	ALIGNMENT = 16,
	FILL = 0xa5, /* what memory holds that nobody has written */
};

struct header {
	uint64_t bytes;
	uint64_t freed; /* the run in which it was freed; ~0 before all runs */
};
_Static_assert(sizeof(struct header) == HEADER, "objects keep their alignment");

static unsigned char *heap;
static size_t used, base; /* base: where each run begins */
static size_t taken; /* bytes of objects of this run that are not freed */

bool race_heap_has(const void *object)
{
	return heap && (uintptr_t)object - (uintptr_t)heap < HEAP;
}

static struct header *header_of(const void *object)
{
	return (struct header *)((uintptr_t)object - HEADER);
}

void *race_alloc(size_t alignment, size_t bytes)
{
	size_t at;

	if (!heap) {
		void *memory = mmap(NULL, HEAP, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

		if (memory == MAP_FAILED) {
			perror("pagewalk-lab: there is no memory for the scenario");
			exit(3);
		}
		heap = memory;
	}
	if (alignment < ALIGNMENT)
		alignment = ALIGNMENT;
	at = (used + HEADER + alignment - 1) & ~(alignment - 1);
	if (bytes > HEAP || at > HEAP - bytes) {
		errno = ENOMEM;
		return NULL;
	}
	used = (at + bytes + 15) & ~(size_t)15;
	*header_of(heap + at) = (struct header){ .bytes = bytes };
	__real_memset(heap + at, FILL, bytes < 4096 ? bytes : 4096);
	taken += bytes;
	return heap + at;
}

size_t race_heap_size(const void *object)
{
	return header_of(object)->bytes;
}

void race_free(void *object)
{
	struct header *header = header_of(object);

	if ((race.run && header->freed == race.run) || header->freed == ~UINT64_C(0))
		race_fail(PW_LAB_DOUBLE_FREE, "an object of %zu bytes is freed twice",
			  (size_t)header->bytes);
	race_will_write((uintptr_t)&header->freed, sizeof(header->freed));
	header->freed = race.run ? race.run : ~UINT64_C(0);
	race_mark_freed((uintptr_t)object, header->bytes, true);
	if ((size_t)((unsigned char *)object - heap) >= base)
		taken -= header->bytes;
}

void race_heap_baseline(void)
{
	base = used;
	taken = 0;
}

void race_heap_restore(void)
{
	used = base;
	taken = 0;
}

size_t race_heap_leaked(void)
{
	return taken;
}
