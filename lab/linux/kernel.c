/* SPDX-License-Identifier: MIT */
/* The kernel's fast path, compiled against kernel.h. FAST is its name: gup_fast, or in older kernels another. */
#include "kernel.h"

static struct mm_struct mm;
static struct task_struct task = { &mm };
#define current (&task)
struct copies copies;

#include "gup.inc"

void reader_pin(struct reader *reader, unsigned long first, unsigned long end, unsigned flags)
{
	unsigned foll = FOLL_PIN | (flags & PIN_WRITE ? FOLL_WRITE : 0) |
			(flags & PIN_LONG ? FOLL_LONGTERM : 0);

	reader->flags = flags;
	reader->wanted = (end - first) >> PAGE_SHIFT;
	reader->count = FAST(first, end, foll, reader->pages);
}
