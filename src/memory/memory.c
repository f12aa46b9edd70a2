/* SPDX-License-Identifier: MIT */
/* The parts that all sources share: segments, reading across them, CPUs, remarks. */
#include "memory/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access/access.h"
#include "base/escape.h"

struct pw_text {
	struct pw_text *next;
	char text[];
};

struct pw_memory *pw_memory_new(struct pw_error *error)
{
	struct pw_memory *memory = calloc(1, sizeof(*memory));

	if (!memory) {
		pw_fail(error, ENOMEM, "out of memory");
		return NULL;
	}
	memory->fetch = pw_memory_copy;
	memory->fetch_context = memory;
	return memory;
}

void pw_memory_close(struct pw_memory *memory)
{
	if (!memory)
		return;
	if (memory->release)
		memory->release(memory->source_context);
	pw_memory_unmap_all(memory);
	while (memory->texts) {
		struct pw_text *next = memory->texts->next;

		free(memory->texts);
		memory->texts = next;
	}
	for (size_t i = 0; i < memory->remark_count; i++)
		free(memory->remarks[i]);
	free(memory->cpus);
	free(memory->segments);
	free(memory->left);
	free(memory);
}

void *pw_memory_grow(void *array, size_t count, size_t bytes)
{
	if (count & (count - 1))
		return array;
	return reallocarray(array, count ? 2 * count : 1, bytes);
}

int pw_memory_add_segment(struct pw_memory *memory, pw_pa first, pw_pa last, const void *host,
			  struct pw_error *error)
{
	struct pw_segment *segments;

	if (last < first)
		return pw_fail(error, EINVAL,
			       "a segment ends at 0x%llx, before its start at 0x%llx",
			       (unsigned long long)last, (unsigned long long)first);
	segments = pw_memory_grow(memory->segments, memory->count, sizeof(*segments));
	if (!segments)
		return pw_fail(error, ENOMEM, "out of memory");
	memory->segments = segments;
	segments[memory->count++] = (struct pw_segment){ first, last, host };
	return 0;
}

static int compare_segments(const void *a, const void *b)
{
	const struct pw_segment *left = a, *right = b;

	return left->first < right->first ? -1 : left->first > right->first;
}

int pw_memory_seal(struct pw_memory *memory, struct pw_error *error)
{
	char title[sizeof(memory->title)];

	memcpy(title, memory->title, sizeof(title));
	pw_escape_text(title, memory->title, sizeof(memory->title));
	if (memory->count == 0)
		return pw_fail(error, EINVAL,
			       "the source holds no memory at all; give another one");
	qsort(memory->segments, memory->count, sizeof(*memory->segments), compare_segments);
	/* Pages that were left out cannot be loaded in place. */
	memory->direct = !memory->left_out;
	for (size_t i = 0; i < memory->count; i++) {
		const struct pw_segment *segment = &memory->segments[i];

		if (i > 0 && segment[-1].last >= segment->first)
			return pw_fail(
				error, EINVAL,
				"segments overlap: 0x%llx-0x%llx and 0x%llx-0x%llx; each physical "
				"address is in one of them only",
				(unsigned long long)segment[-1].first,
				(unsigned long long)segment[-1].last,
				(unsigned long long)segment->first,
				(unsigned long long)segment->last);
		/* To be loaded in place, an entry must be aligned alike in the host and in the image. */
		if (!segment->host || (((uintptr_t)segment->host - (uintptr_t)segment->first) & 7))
			memory->direct = false;
	}
	memory->in_place = pw_direct_of(memory->segments, memory->direct ? memory->count : 0);
	return 0;
}

/* Are all of the bytes in segments? @bytes is not 0. */
static bool covered(const struct pw_memory *memory, pw_pa pa, uint64_t bytes)
{
	for (;;) {
		const struct pw_segment *segment = pw_segment_find(memory->segments, memory->count,
								   pa);

		if (!segment)
			return false;
		if (bytes - 1 <= segment->last - pa)
			return true;
		bytes -= segment->last - pa + 1;
		pa = segment->last + 1;
		if (pa == 0) /* 2^64 */
			return false;
	}
}

/* Copies bytes of one segment. Returns -ENODATA if @segment is NULL. */
static int copy_piece(const struct pw_memory *memory, const struct pw_segment *segment, pw_pa pa,
		      void *to, size_t bytes)
{
	if (!segment)
		return -ENODATA;
	if (!segment->host)
		return memory->source(memory->source_context, pa, to, bytes);
	memcpy(to, (const unsigned char *)segment->host + (size_t)(pa - segment->first), bytes);
	return 0;
}

/* As pw_memory_copy. With @zeros, memory that was left out reads as zeros. */
static int copy(const struct pw_memory *memory, pw_pa pa, void *buffer, size_t bytes, bool zeros)
{
	unsigned char *to = buffer;

	zeros = zeros && memory->left_out;
	if (bytes > 0 && !zeros && !covered(memory, pa, bytes))
		return -ENODATA;
	while (bytes > 0) {
		const struct pw_segment *segment = pw_segment_find(memory->segments, memory->count,
								   pa);
		/* Outside segments go page by page, because pages are left out one by one. */
		pw_pa last = segment ? segment->last : pa | 0xfff;
		size_t piece = bytes;
		int status;

		if (last - pa < piece - 1)
			piece = (size_t)(last - pa) + 1;
		status = copy_piece(memory, segment, pa, to, piece);
		if (status == -ENODATA && zeros && pw_memory_left_out(memory, pa, piece)) {
			memset(to, 0, piece);
			status = 0;
		}
		if (status)
			return status;
		to += piece;
		bytes -= piece;
		pa += piece;
		/* 2^64 */
		if (pa == 0 && bytes > 0)
			return -ENODATA;
	}
	return 0;
}

int pw_memory_copy(void *context, pw_pa pa, void *buffer, size_t bytes)
{
	return copy(context, pa, buffer, bytes, true);
}

int pw_memory_read(const struct pw_memory *memory, pw_pa pa, void *buffer, size_t bytes)
{
	int status;

	if (!memory || (!buffer && bytes > 0))
		return -EINVAL;
	status = copy(memory, pa, buffer, bytes, memory->left_zeros);
	return status == 0 && pw_memory_shrunk(memory) ? -EIO : status;
}

int pw_memory_check(const struct pw_memory *memory, struct pw_error *error)
{
	const char *name;

	if (!memory)
		return pw_fail_null(error, "memory");
	name = pw_memory_shrunk(memory);
	if (!name)
		return memory->live.check ? memory->live.check(memory->source_context, error) : 0;
	return pw_fail(error, EIO,
		       "%s became shorter (or unreadable) while it was read; do not trust the last "
		       "results. Work on a copy to which nobody writes",
		       name);
}

static int make(pw_fetch_fn *fetch, void *context, const struct pw_segment *segments, size_t count,
		struct pw_memory **memory_ret, struct pw_error *error)
{
	struct pw_memory *memory;
	int status = 0;

	if ((!segments && count > 0) || !memory_ret)
		return pw_fail_null(error, memory_ret ? "segments" : "memory_ret");
	memory = pw_memory_new(error);
	if (!memory)
		return -ENOMEM;
	memory->source = fetch;
	memory->source_context = context;
	for (size_t i = 0; i < count && status == 0; i++)
		status = pw_memory_add_segment(memory, segments[i].first, segments[i].last,
					       fetch ? NULL : segments[i].host, error);
	if (status == 0)
		status = pw_memory_seal(memory, error);
	if (status) {
		pw_memory_close(memory);
		return status;
	}
	snprintf(memory->title, sizeof(memory->title), "memory of the caller, %s",
		 fetch ? "fetched" : "mapped");
	*memory_ret = memory;
	return 0;
}

int pw_memory_wrap(const struct pw_segment *segments, size_t count, struct pw_memory **memory_ret,
		   struct pw_error *error)
{
	for (size_t i = 0; segments && i < count; i++)
		if (!segments[i].host ||
		    (((uintptr_t)segments[i].host - (uintptr_t)segments[i].first) & 7))
			return pw_fail(
				error, EINVAL,
				"segment 0x%llx-0x%llx %s: entries could not be loaded in place",
				(unsigned long long)segments[i].first,
				(unsigned long long)segments[i].last,
				segments[i].host ? "is aligned differently in the host (modulo 8)"
						 : "has no host address");
	return make(NULL, NULL, segments, count, memory_ret, error);
}

int pw_memory_create(pw_fetch_fn *fetch, void *context, const struct pw_segment *segments,
		     size_t count, struct pw_memory **memory_ret, struct pw_error *error)
{
	if (!fetch)
		return pw_fail_null(error, "fetch");
	return make(fetch, context, segments, count, memory_ret, error);
}

size_t pw_memory_segments(const struct pw_memory *memory, const struct pw_segment **segments_ret)
{
	*segments_ret = memory->segments;
	return memory->count;
}

size_t pw_memory_cpus(const struct pw_memory *memory, const struct pw_cpu **cpus_ret)
{
	*cpus_ret = memory->cpus;
	return memory->cpu_count;
}

struct pw_cpu *pw_memory_add_cpu(struct pw_memory *memory)
{
	struct pw_cpu *cpus = pw_memory_grow(memory->cpus, memory->cpu_count, sizeof(*cpus));

	if (!cpus)
		return NULL;
	memory->cpus = cpus;
	cpus[memory->cpu_count] = (struct pw_cpu){ .id = (unsigned)memory->cpu_count };
	return &cpus[memory->cpu_count++];
}

const char *pw_memory_title(const struct pw_memory *memory)
{
	return memory->title;
}

const char *pw_memory_remark(const struct pw_memory *memory, size_t index)
{
	return index < memory->remark_count ? memory->remarks[index] : NULL;
}

void pw_memory_add_remark(struct pw_memory *memory, const char *format, ...)
{
	va_list arguments;
	char *text = NULL, *safe;
	size_t room;

	if (memory->remark_count == sizeof(memory->remarks) / sizeof(memory->remarks[0]))
		return;
	va_start(arguments, format);
	if (vasprintf(&text, format, arguments) < 0)
		text = NULL;
	va_end(arguments);
	room = text ? 4 * strlen(text) + 1 : 0;
	safe = text ? malloc(room) : NULL;
	if (safe)
		memory->remarks[memory->remark_count++] = pw_escape_text(text, safe, room);
	free(text);
}

const char *pw_memory_add_text(struct pw_memory *memory, const char *text)
{
	size_t bytes = strlen(text) + 1;
	struct pw_text *copy = malloc(sizeof(*copy) + bytes);

	if (!copy)
		return NULL;
	memcpy(copy->text, text, bytes);
	copy->next = memory->texts;
	memory->texts = copy;
	return copy->text;
}
