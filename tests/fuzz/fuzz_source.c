/* SPDX-License-Identifier: MIT */
/*
 * Source strings. The input is the string up to the first NUL, and behind it the contents of a file; every "%"
 * in the string stands for that file. A name after "sample:" is looked for in a folder that does not exist.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "memory/memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Puts the file's name into the string, which must name no other file of the machine. */
static bool expand(char *text, size_t room, const uint8_t *data, size_t size, const char *path)
{
	size_t used = 0;

	for (size_t i = 0; i < size; i++) {
		if (data[i] == '/')
			return false;
		if (used + strlen(path) + 2 > room)
			return false;
		if (data[i] == '%')
			used += (size_t)sprintf(text + used, "%s", path);
		else
			text[used++] = (char)data[i];
	}
	text[used] = '\0';
	return true;
}

static void use(const struct pw_memory *memory)
{
	const struct pw_segment *segments;
	size_t count = pw_memory_segments(memory, &segments);
	unsigned char byte;

	if (count == 0 || pw_memory_title(memory)[0] == '\0')
		abort();
	for (size_t i = 0; i < count; i++) {
		if (i > 0 && segments[i - 1].last >= segments[i].first)
			abort();
		/* A kdump's pages may be missing behind a descriptor; flat and ELF bytes are there. */
		if (segments[i].host && (pw_memory_read(memory, segments[i].first, &byte, 1) ||
					 pw_memory_read(memory, segments[i].last, &byte, 1)))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int file = -1;
	static char path[64], text[4096];
	const uint8_t *end = memchr(data, 0, size);
	size_t length = end ? (size_t)(end - data) : size;
	struct pw_error error = { .text = "" };
	struct pw_memory *memory = NULL;
	int status;

	if (file < 0) {
		file = memfd_create("input", 0);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
		if (file < 0 || setenv("PAGEWALK_SAMPLES", "/proc/self/none", 1))
			abort();
	}
	if (length > 256 || !expand(text, sizeof(text), data, length, path))
		return 0;
	if (ftruncate(file, 0) ||
	    (end && pwrite(file, end + 1, size - length - 1, 0) != (ssize_t)(size - length - 1)))
		abort();
	/* Faults of libkdumpfile on damaged dumps are not tested here. */
	if (end && size - length > 8 &&
	    (memcmp(end + 1, "KDUMP   ", 8) == 0 || memcmp(end + 1, "DISKDUMP", 8) == 0))
		return 0;
	status = pw_memory_open(text, &memory, &error);
	if ((status != 0) != (error.text[0] != '\0') || (status == 0) != (memory != NULL))
		abort();
	if (memory)
		use(memory);
	pw_memory_close(memory);
	return 0;
}
