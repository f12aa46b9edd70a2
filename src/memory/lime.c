/* SPDX-License-Identifier: MIT */
/*
 * Memory images of LiME, and of AVML where it does not compress: ranges of memory, each behind a header.
 * LiME's doc/README; avml's src/image.rs. Little-endian on every machine that wrote one.
 *
 *   0        4         8         16        24          32
 *   +--------+---------+---------+---------+-----------+----------------------+--------+--
 *   | "EMiL" | version | first   | last    | reserved  | last - first + 1     | "EMiL" | ...
 *   +--------+---------+---------+---------+-----------+ bytes of memory      +--------+--
 *     u32      u32 1     u64       u64       8 bytes
 *
 * Bounds: no more memory than the file has bytes; a range costs 32 bytes of the file.
 */
#include <endian.h>
#include <stdio.h>
#include <string.h>

#include "base/names.h"
#include "memory/memory.h"

enum {
	LIME_HEADER = 32,
	LIME_VERSION = 4,
	LIME_FIRST = 8,
	LIME_LAST = 16,
};

static uint64_t number(const unsigned char *at)
{
	uint64_t raw;

	memcpy(&raw, at, sizeof(raw));
	return le64toh(raw);
}

static uint32_t version(const unsigned char *header)
{
	uint32_t raw;

	memcpy(&raw, header + LIME_VERSION, sizeof(raw));
	return le32toh(raw);
}

/* Adds the range whose header is at @offset. *next_ret is the offset of the header after it. */
static int add_range(struct pw_memory *memory, const char *path, const unsigned char *host,
		     uint64_t bytes, uint64_t offset, uint64_t *next_ret, struct pw_error *error)
{
	const unsigned char *header = host + offset;
	uint64_t rest = bytes - offset - LIME_HEADER;
	pw_pa first, last;

	if (memcmp(header, "EMiL", 4) != 0 || version(header) != 1)
		return pw_fail(
			error, EINVAL,
			"%s: at offset 0x%llx there should be the header of a LiME range, of "
			"version 1. Was the image written with another format than lime "
			"(format=lime), or compressed?",
			path, (unsigned long long)offset);
	first = number(header + LIME_FIRST);
	last = number(header + LIME_LAST);
	*next_ret = bytes;
	if (rest == 0) {
		pw_memory_add_remark(memory, "truncated: the last range, at 0x%llx, has no bytes",
				     (unsigned long long)first);
		return 0;
	}
	if (last >= first && last - first > rest - 1) {
		pw_memory_add_remark(memory,
				     "truncated: the range 0x%llx-0x%llx has only 0x%llx bytes",
				     (unsigned long long)first, (unsigned long long)last,
				     (unsigned long long)rest);
		last = first + (rest - 1);
	}
	if (last >= first)
		*next_ret = offset + LIME_HEADER + (last - first + 1);
	return pw_memory_add_segment(memory, first, last, header + LIME_HEADER, error);
}

int pw_memory_read_lime(struct pw_memory *memory, const char *path, const unsigned char *host,
			uint64_t bytes, struct pw_error *error)
{
	uint64_t total = 0;
	char size[PW_SIZE_TEXT];
	int status = 0;

	for (uint64_t at = 0; status == 0 && bytes - at >= LIME_HEADER;)
		status = add_range(memory, path, host, bytes, at, &at, error);
	if (status)
		return status;
	if (memory->count == 0)
		return pw_fail(error, EINVAL, "%s: this image of LiME holds no memory", path);
	for (size_t i = 0; i < memory->count; i++)
		total += memory->segments[i].last - memory->segments[i].first + 1;
	snprintf(memory->title, sizeof(memory->title), "LiME image, %zu segment%s, %s",
		 memory->count, memory->count == 1 ? "" : "s", pw_size_text(total - 1, size));
	return 0;
}
