/* SPDX-License-Identifier: MIT */
#ifndef GUARDED_H
#define GUARDED_H

#include <sys/mman.h>
#include <unistd.h>

/* Memory whose end is followed by none. */
static inline unsigned char *end_of_memory(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	unsigned char *memory = mmap(NULL, 16 * page, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_true(memory != MAP_FAILED);
	assert_int_equal(mprotect(memory + 15 * page, page, PROT_NONE), 0);
	return memory + 15 * page;
}

#endif
