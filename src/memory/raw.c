/* SPDX-License-Identifier: MIT */
/*
 * Flat files: bytes of memory without a header.
 *
 *   list  = piece *( "," piece )
 *   piece = FILE "@" BASE [ "+" LENGTH ] [ ":" OFFSET ]
 *
 *   FILE    +--------+--------------+------+       The last @ of a piece ends the name, so a name may
 *           0      OFFSET       OFFSET+LENGTH      have an @ or a : in it. A comma ends the piece, so a
 *                    |              |              name may not have a comma.
 *   memory -------- BASE ------ BASE+LENGTH --
 *
 * OFFSET is 0 by default; LENGTH is by default everything that the file has from OFFSET on.
 *
 * Bounds: each file is mapped once; there is as much memory as the caller's list asks for.
 */
#include "memory/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/names.h"
#include "base/number.h"

/* The parts of one piece. Lengths are int, as printf wants them. */
struct piece {
	const char *text;
	int length;
	uint64_t base, bytes, offset;
	bool has_bytes;
};

static int complain(const struct piece *piece, const char *at, int length, const char *what,
		    struct pw_error *error)
{
	return pw_fail(
		error, EINVAL,
		"raw: in '%.*s', '%.*s' %s. A flat file is named FILE@BASE[+LENGTH][:OFFSET]",
		piece->length, piece->text, length, at, what);
}

/* Reads a number that goes from *at to the next '+' or ':' or to @end; moves *at there. */
static int read_number(const struct piece *piece, const char **at, const char *end,
		       uint64_t *number_ret, struct pw_error *error)
{
	const char *start = *at, *stop = start, *wrong;

	while (stop < end && *stop != '+' && *stop != ':')
		stop++;
	*at = stop;
	wrong = pw_number_parse(start, stop, number_ret);
	return wrong ? complain(piece, start, (int)(stop - start), wrong, error) : 0;
}

/* Cuts one piece into its parts; *name_bytes_ret is the length of its file name. */
static int cut(struct piece *piece, int *name_bytes_ret, struct pw_error *error)
{
	const char *end = piece->text + piece->length;
	const char *at = memrchr(piece->text, '@', (size_t)piece->length);
	int status;

	if (!at)
		return pw_fail(error, EINVAL,
			       "raw: '%.*s' does not say where it is in physical memory; write "
			       "%.*s@0 if that is at 0",
			       piece->length, piece->text, piece->length, piece->text);
	if (at == piece->text)
		return pw_fail(error, EINVAL,
			       "raw: '%.*s' names no file before the @; write FILE@BASE",
			       piece->length, piece->text);
	*name_bytes_ret = (int)(at - piece->text);
	at++;
	status = read_number(piece, &at, end, &piece->base, error);
	if (status == 0 && at < end && *at == '+') {
		at++;
		piece->has_bytes = true;
		status = read_number(piece, &at, end, &piece->bytes, error);
	}
	if (status == 0 && at < end && *at == ':') {
		at++;
		status = read_number(piece, &at, end, &piece->offset, error);
	}
	if (status == 0 && at < end)
		return complain(piece, at, (int)(end - at), "is left over", error);
	return status;
}

static int add(struct pw_memory *memory, const struct piece *piece, const char *path,
	       struct pw_error *error)
{
	const unsigned char *host;
	uint64_t size, bytes = piece->bytes;
	int status = pw_memory_map_file(memory, path, &host, &size, error);

	if (status)
		return status;
	if (piece->offset >= size)
		return pw_fail(error, EINVAL,
			       "raw: '%.*s' starts at offset 0x%llx, but %s has 0x%llx bytes",
			       piece->length, piece->text, (unsigned long long)piece->offset, path,
			       (unsigned long long)size);
	if (!piece->has_bytes)
		bytes = size - piece->offset;
	if (bytes == 0)
		return pw_fail(error, EINVAL, "raw: '%.*s' has a length of 0; give at least 1",
			       piece->length, piece->text);
	if (bytes > size - piece->offset)
		return pw_fail(error, EINVAL,
			       "raw: '%.*s' asks for 0x%llx bytes from offset 0x%llx, but %s has "
			       "0x%llx there",
			       piece->length, piece->text, (unsigned long long)bytes,
			       (unsigned long long)piece->offset, path,
			       (unsigned long long)(size - piece->offset));
	if (bytes - 1 > UINT64_MAX - piece->base)
		return pw_fail(error, EINVAL,
			       "raw: '%.*s' puts 0x%llx bytes beyond the end of physical memory",
			       piece->length, piece->text, (unsigned long long)bytes);
	return pw_memory_add_segment(memory, piece->base, piece->base + (bytes - 1),
				     host + piece->offset, error);
}

int pw_memory_read_raw(struct pw_memory *memory, const char *list, struct pw_error *error)
{
	uint64_t total = 0;
	char size[PW_SIZE_TEXT];
	int status = 0;

	for (const char *next = list; next && status == 0;) {
		const char *comma = strchrnul(next, ',');
		struct piece piece = { .text = next };
		char *path = NULL;
		int name_bytes = 0;

		if (comma - next > INT16_MAX)
			return pw_fail(error, ENAMETOOLONG,
				       "raw: the name of a file is too long; use a shorter one");
		piece.length = (int)(comma - next);
		next = *comma ? comma + 1 : NULL;
		if (piece.length == 0)
			return pw_fail(error, EINVAL,
				       "raw: there is no FILE@BASE %s; flat files are named "
				       "raw:FILE@BASE[+LENGTH][:OFFSET][,FILE@BASE...]",
				       list[0] ? "before or after a comma" : "at all");
		status = cut(&piece, &name_bytes, error);
		if (status)
			return status;
		path = strndup(piece.text, (size_t)name_bytes);
		if (!path)
			return pw_fail(error, ENOMEM, "out of memory");
		status = add(memory, &piece, path, error);
		free(path);
	}
	if (status)
		return status;
	for (size_t i = 0; i < memory->count; i++)
		total += memory->segments[i].last - memory->segments[i].first + 1;
	snprintf(memory->title, sizeof(memory->title), "flat memory, %zu segment%s, %s",
		 memory->count, memory->count == 1 ? "" : "s", pw_size_text(total - 1, size));
	return 0;
}
