/* SPDX-License-Identifier: MIT */
/* Reads the kernel's memory by its virtual addresses, and finds bytes in physical memory. */
#include <stdlib.h>

#include "roots/tasks.h"

enum {
	PAGE = 4096,
	CHUNK = 1 << 18, /* bytes that are searched at a time */
	NEEDLE_MAX = 16,
};

bool pw_seen_physical(const struct pw_seen *seen, pw_va va, pw_pa *pa)
{
	struct pw_result result;

	if (pw_translate(seen->search->memory, &seen->regime, va, &result) != PW_OK)
		return false;
	*pa = result.pa;
	return true;
}

bool pw_seen_read(const struct pw_seen *seen, pw_va va, void *buffer, size_t bytes)
{
	unsigned char *to = buffer;

	while (bytes > 0) {
		size_t part = PAGE - (size_t)(va % PAGE);
		pw_pa pa;

		if (part > bytes)
			part = bytes;
		if (!pw_seen_physical(seen, va, &pa) ||
		    pw_memory_read(seen->search->memory, pa, to, part))
			return false;
		va += part;
		to += part;
		bytes -= part;
	}
	return true;
}

static uint64_t number_of(const struct pw_seen *seen, const unsigned char *bytes, unsigned width)
{
	uint64_t number = 0;

	for (unsigned i = 0; i < width; i++)
		number = number << 8 | bytes[seen->big_endian ? i : width - 1 - i];
	return number;
}

bool pw_seen_pointer(const struct pw_seen *seen, pw_va va, pw_va *pointer)
{
	unsigned char bytes[8];

	if (!pw_seen_read(seen, va, bytes, seen->width))
		return false;
	*pointer = number_of(seen, bytes, seen->width);
	return true;
}

bool pw_seen_number(const struct pw_seen *seen, pw_va va, uint32_t *number)
{
	unsigned char bytes[4];

	if (!pw_seen_read(seen, va, bytes, 4))
		return false;
	*number = (uint32_t)number_of(seen, bytes, 4);
	return true;
}

/* ---- search ---- */

/* Reads what the source has; the rest reads as zeros. */
static void read_all(const struct pw_memory *memory, pw_pa pa, unsigned char *buffer, size_t bytes)
{
	if (pw_memory_read(memory, pa, buffer, bytes) == 0)
		return;
	for (size_t at = 0; at < bytes; at += PAGE) {
		size_t part = bytes - at < PAGE ? bytes - at : PAGE;

		if (pw_memory_read(memory, pa + at, buffer + at, part))
			memset(buffer + at, 0, part);
	}
}

/* Searches first..last, which are in one segment, with @buffer for a chunk and a needle. */
static bool search_run(const struct pw_seen *seen, pw_pa first, pw_pa last,
		       const struct pw_needle *needle, unsigned char *buffer, pw_place_fn *found,
		       void *context)
{
	/* No needle begins with a zero; so none begins in a chunk of zeros. */
	for (pw_pa at = first, next; at <= last; at = next) {
		const size_t most = CHUNK - (size_t)(at % CHUNK);
		const uint64_t rest = last - at;
		/* A needle that begins in this chunk may end in the next. */
		size_t length = rest < most + NEEDLE_MAX ? (size_t)rest + 1 : most + NEEDLE_MAX;
		const unsigned char *from = buffer, *place;

		next = at + most;
		if (pw_cancelled(seen->search->options->cancel))
			return false;
		if (rest >= most && pw_roots_known_zero(seen->search, at, most))
			continue;
		read_all(seen->search->memory, at, buffer, length);
		while ((place = pw_needle_find(needle, from, length - (size_t)(from - buffer)))) {
			if ((size_t)(place - buffer) >= most)
				break;
			if (found(context, at + (uint64_t)(place - buffer)))
				return true;
			from = place + 1;
		}
		if (rest < most)
			break;
	}
	return false;
}

bool pw_seen_find(const struct pw_seen *seen, pw_pa first, pw_pa last,
		  const struct pw_needle *needle, pw_place_fn *found, void *context)
{
	const struct pw_memory *memory = seen->search->memory;
	unsigned char *buffer = malloc(CHUNK + NEEDLE_MAX);
	bool done = false;

	for (size_t i = 0; buffer && i < memory->count && !done; i++) {
		pw_pa from = memory->segments[i].first, to = memory->segments[i].last;

		if (to < first || from > last)
			continue;
		done = search_run(seen, from > first ? from : first, to < last ? to : last, needle,
				  buffer, found, context);
	}
	free(buffer);
	return done;
}
