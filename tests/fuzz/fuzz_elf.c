/* SPDX-License-Identifier: MIT */
/* The ELF reader. The input is the file. Exactly the memory that the reader reports must be readable. */
#include <stdlib.h>
#include <string.h>

#include "memory/memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Both ends of a segment can be read, and no byte beyond them, unless another segment has it. */
static void probe(const struct pw_memory *memory, const struct pw_segment *segments, size_t count,
		  size_t i)
{
	const struct pw_segment *segment = &segments[i];
	bool touches = i + 1 < count && segments[i + 1].first == segment->last + 1;
	unsigned char bytes[2];

	if (segment->last < segment->first || !segment->host)
		abort();
	if (i > 0 && segments[i - 1].last >= segment->first)
		abort();
	if (pw_memory_read(memory, segment->first, bytes, 1) ||
	    pw_memory_read(memory, segment->last, bytes, 1))
		abort();
	if ((pw_memory_read(memory, segment->last, bytes, 2) == 0) != touches)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pw_error error = { .text = "" };
	struct pw_memory *memory = pw_memory_new(&error);
	const struct pw_segment *segments;
	const struct pw_cpu *cpus;
	size_t count;
	/* Aligned like a mapped file, and no longer than the input. */
	unsigned char *copy = malloc(size ? size : 1);
	int status;

	if (!memory || !copy)
		abort();
	if (size)
		memcpy(copy, data, size);
	status = pw_memory_read_elf(memory, "input", copy, size, &error);
	if (status == 0)
		status = pw_memory_seal(memory, &error);
	if ((status != 0) != (error.text[0] != '\0'))
		abort();
	if (status == 0) {
		uint64_t bytes = 0;

		count = pw_memory_segments(memory, &segments);
		for (size_t i = 0; i < count; i++) {
			probe(memory, segments, count, i);
			bytes += segments[i].last - segments[i].first + 1;
		}
		count = pw_memory_cpus(memory, &cpus);
		/* The bounds of pw_memory_open(3); the smallest note has 12 bytes. */
		if (bytes > size + (16 << 20) || count > size / 12)
			abort();
		for (size_t i = 0; i < count; i++)
			if (cpus[i].roots > PW_MAX_ROOTS ||
			    strnlen(cpus[i].origin, sizeof(cpus[i].origin)) ==
				    sizeof(cpus[i].origin))
				abort();
	}
	pw_memory_close(memory);
	free(copy);
	return 0;
}
