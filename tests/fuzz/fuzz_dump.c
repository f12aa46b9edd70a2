/* SPDX-License-Identifier: MIT */
/*
 * Memory images of LiME, crash dumps of Windows, and states of VMware. The first byte of the input chooses the reader, the next two
 * are the number of the file's bytes, and the rest writes into a file of zeros: an offset of two bytes, a length
 * of one, and as many bytes. So a dump whose header has 8 KiB is a short input. A file longer than what offsets
 * reach is one that ends in zeros.
 */
#include <stdlib.h>
#include <string.h>

#include "memory/memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned word(const uint8_t *data)
{
	return data[0] | (unsigned)data[1] << 8;
}

static void write_pieces(unsigned char *file, size_t bytes, const uint8_t *data, size_t size)
{
	while (size >= 3) {
		size_t offset = word(data), length = data[2];

		data += 3;
		size -= 3;
		if (length > size)
			length = size;
		if (offset < bytes)
			memcpy(file + offset, data,
			       length < bytes - offset ? length : bytes - offset);
		data += length;
		size -= length;
	}
}

/* Every byte of memory is one of the file, and none twice. */
static void check(const struct pw_memory *memory, const unsigned char *file, size_t bytes)
{
	const struct pw_segment *segments;
	size_t count = pw_memory_segments(memory, &segments);
	uint64_t total = 0;

	for (size_t i = 0; i < count; i++) {
		uint64_t last = segments[i].last - segments[i].first;
		const unsigned char *host = segments[i].host;
		unsigned char byte;

		if (host < file || last >= bytes || (size_t)(host - file) >= bytes - last)
			abort();
		if (pw_memory_read(memory, segments[i].last, &byte, 1) || byte != host[last])
			abort();
		total += last + 1;
	}
	if (count == 0 || total > bytes || pw_memory_title(memory)[0] == '\0')
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const magics[] = { "EMiL\1", "PAGEDU64", "PAGEDUMP",
					      "\xd2\xbe\xd2\xbe" };
	struct pw_error error = { .text = "" };
	struct pw_memory *memory = pw_memory_new(&error);
	unsigned char *file;
	unsigned kind;
	size_t bytes;
	int status;

	if (size < 3 || !memory) {
		pw_memory_close(memory);
		return 0;
	}
	kind = data[0] % 4;
	bytes = word(data + 1) + 8;
	file = calloc(1, bytes);
	if (!file)
		abort();
	write_pieces(file, bytes, data + 3, size - 3);
	memcpy(file, magics[kind], strlen(magics[kind]));
	status = kind == 0   ? pw_memory_read_lime(memory, "input", file, bytes, &error)
		 : kind == 3 ? pw_memory_read_vmware(memory, "input", file, bytes, &error)
			     : pw_memory_read_windows(memory, "input", file, bytes, &error);
	if (status == 0)
		status = pw_memory_seal(memory, &error);
	if ((status != 0) != (error.text[0] != '\0'))
		abort();
	if (status == 0)
		check(memory, file, bytes);
	pw_memory_close(memory);
	free(file);
	return 0;
}
