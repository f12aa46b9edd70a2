/* SPDX-License-Identifier: MIT */
/*
 * The pieces of memory that the sieve's threads take, and which of their pages are all zeros. Most of what looks
 * like a table of tables leads to pages of zeros; the proof need not read these again, nor remember them.
 *
 * Bounds: a bit for each page of 4 KiB, which is 1 MiB for 32 GiB.
 */
#include <errno.h>
#include <stdlib.h>

#include "access/access.h"
#include "roots/roots.h"

enum { WORDS = PW_ROOTS_PAGES / 64 /* of a chunk */ };

int pw_roots_chunks_init(struct pw_roots_search *search)
{
	const struct pw_memory *memory = search->memory;
	struct pw_roots_chunks *chunks = &search->chunks;

	*chunks = (struct pw_roots_chunks){ .first = calloc(memory->count,
							    sizeof(*chunks->first)) };
	if (!chunks->first)
		return -ENOMEM;
	for (size_t i = 0; i < memory->count; i++) {
		const struct pw_segment *segment = &memory->segments[i];

		chunks->first[i] = chunks->count;
		chunks->count += segment->last / PW_ROOTS_CHUNK - segment->first / PW_ROOTS_CHUNK +
				 1;
	}
	if (chunks->count > SIZE_MAX / WORDS)
		return -ENOMEM;
	chunks->zero = calloc((size_t)chunks->count * WORDS, sizeof(*chunks->zero));
	return chunks->zero ? 0 : -ENOMEM;
}

void pw_roots_chunks_end(struct pw_roots_search *search)
{
	free(search->chunks.first);
	free(search->chunks.zero);
	search->chunks = (struct pw_roots_chunks){ 0 };
}

const struct pw_segment *pw_roots_chunk(const struct pw_roots_search *search, uint64_t number,
					pw_pa *first_ret, pw_pa *last_ret)
{
	const struct pw_memory *memory = search->memory;
	const struct pw_segment *segment;
	size_t low = 0, end = memory->count;
	pw_pa first, last;

	/* Segments up to `low` begin at this chunk or before; those from `end` on, after it. */
	while (end - low > 1) {
		size_t middle = low + (end - low) / 2;

		if (search->chunks.first[middle] <= number)
			low = middle;
		else
			end = middle;
	}
	segment = &memory->segments[low];
	first = (segment->first & ~(pw_pa)(PW_ROOTS_CHUNK - 1)) +
		(number - search->chunks.first[low]) * PW_ROOTS_CHUNK;
	last = first | (PW_ROOTS_CHUNK - 1);
	*first_ret = first > segment->first ? first : segment->first;
	*last_ret = last < segment->last ? last : segment->last;
	return segment;
}

bool pw_roots_known_zero(const struct pw_roots_search *search, pw_pa pa, size_t bytes)
{
	const struct pw_memory *memory = search->memory;
	const struct pw_segment *segment;
	uint64_t number;

	if (memory->is_live || bytes < PW_ROOTS_PAGE || bytes > PW_ROOTS_CHUNK || pa & (bytes - 1))
		return false;
	segment = pw_segment_find(memory->segments, memory->count, pa);
	if (!segment)
		return false;
	number = search->chunks.first[segment - memory->segments] +
		 (pa / PW_ROOTS_CHUNK - segment->first / PW_ROOTS_CHUNK);
	for (size_t at = (size_t)(pa % PW_ROOTS_CHUNK), end = at + bytes; at < end;
	     at += PW_ROOTS_PAGE) {
		const size_t page = at / PW_ROOTS_PAGE;

		if (!(search->chunks.zero[number * WORDS + page / 64] >> page % 64 & 1))
			return false;
	}
	return true;
}
