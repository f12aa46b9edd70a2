/* SPDX-License-Identifier: MIT */
/*
 * Prints every page that this process has mapped, from /proc/self/pagemap: one line for each run of pages that
 * differ only in their position.
 *
 *   @P <va> <pages> <pagemap entry> <permissions> <name> <tag>
 *
 * In a run, frame numbers (if the entry is present) and tags (if there are any) count up with the address. A tag is
 * the first 16 bytes of a page: see tag(). All numbers are hexadecimal. The kernel's
 * Documentation/admin-guide/mm/pagemap.rst describes the bits of a pagemap entry.
 */
#include "init.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAGEMAP_PRESENT (1ull << 63)
#define PAGEMAP_FRAME   ((1ull << 55) - 1)

/* A named range. If ranges overlap, the last one wins. */
struct region {
	uint64_t first, last;
	const char *name;
	uint64_t tag; /* tag of its first page; 0 if its pages have none */
};

static struct region regions[2048];
static unsigned region_count;

static char maps[256 * 1024];
static uint64_t entries[512];
static int output = 1; /* the output of say() */

void say(const char *format, ...)
{
	char line[320];
	va_list arguments;

	va_start(arguments, format);
	int length = vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);

	/* The console may take only a part of the bytes. */
	for (int done = 0; done < length;) {
		ssize_t n = write(output, line + done, length - done);
		if (n > 0)
			done += n;
		else if (n < 0 && errno != EINTR && errno != EAGAIN)
			return;
	}
}

int read_whole(const char *path, char *buffer, size_t size)
{
	int file = open(path, O_RDONLY | O_CLOEXEC);
	size_t length = 0;

	if (file < 0)
		return -1;
	while (length < size - 1) {
		ssize_t n = read(file, buffer + length, size - 1 - length);
		if (n <= 0)
			break;
		length += n;
	}
	close(file);
	buffer[length] = 0;
	return (int)length;
}

int write_text(const char *path, const char *text)
{
	int file = open(path, O_WRONLY | O_CLOEXEC);

	if (file < 0)
		return -1;
	ssize_t n = write(file, text, strlen(text));
	close(file);
	return n < 0 ? -1 : 0;
}

void note(const void *start, size_t length, const char *name, uint64_t tag)
{
	uint64_t first = (uintptr_t)start;

	if (region_count < sizeof(regions) / sizeof(regions[0]))
		regions[region_count++] = (struct region){ first, first + length - 1, name, tag };
	else
		say("@E too many regions\n");
}

/*
 * Writes into each page of a range: its address, most significant byte first on every machine, "pw", the shape's letter and
 * zeros. The host looks for these bytes in the guest's RAM.
 */
void tag(void *start, size_t length, char shape)
{
	for (size_t offset = 0; offset < length; offset += page_size) {
		unsigned char *page = (unsigned char *)start + offset;
		uint64_t va = (uintptr_t)page;

		for (int i = 0; i < 8; i++)
			page[i] = (unsigned char)(va >> (56 - 8 * i));
		page[8] = 'p';
		page[9] = 'w';
		page[10] = (unsigned char)shape;
	}
}

static const struct region *region_of(uint64_t va)
{
	for (unsigned i = region_count; i-- > 0;)
		if (regions[i].first <= va && va <= regions[i].last)
			return &regions[i];
	return NULL;
}

/* A run of pages, not yet printed. */
static struct run {
	uint64_t va, pages, entry, tag;
	const char *permissions, *name;
} run;
static unsigned long lines;

static void flush(void)
{
	if (run.pages == 0)
		return;
	say("@P %llx %llx %llx %s %s %llx\n", (unsigned long long)run.va,
	    (unsigned long long)run.pages, (unsigned long long)run.entry, run.permissions, run.name,
	    (unsigned long long)run.tag);
	run.pages = 0;
	lines++;
}

static void add(uint64_t va, uint64_t entry, const char *permissions, const char *vma_name)
{
	const struct region *region = region_of(va);
	const char *name = region ? region->name : vma_name;
	uint64_t tag = region && region->tag ? region->tag + (va - region->first) : 0;
	uint64_t step = entry & PAGEMAP_PRESENT ? run.pages : 0;

	if (run.pages && va == run.va + run.pages * page_size && entry == run.entry + step &&
	    name == run.name && permissions == run.permissions &&
	    tag == (run.tag ? run.tag + run.pages * page_size : 0)) {
		run.pages++;
		return;
	}
	flush();
	run = (struct run){ va, 1, entry, tag, permissions, name };
}

/* Prints the pages of a range; stops where pagemap ends. */
static void add_range(int pagemap, uint64_t start, uint64_t end, const char *permissions,
		      const char *name)
{
	for (uint64_t va = start; va < end;) {
		uint64_t left = (end - va) / page_size;
		size_t want = left < 512 ? (size_t)left : 512;
		ssize_t got = pread(pagemap, entries, want * 8, (off_t)(va / page_size * 8));

		if (got < 8)
			break;
		for (ssize_t i = 0; i < got / 8; i++)
			add(va + (uint64_t)i * page_size, entries[i], permissions, name);
		va += (uint64_t)(got / 8) * page_size;
	}
	flush();
}

uint64_t pagemap_of(const void *address)
{
	uint64_t entry = 0;
	int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);

	if (pread(pagemap, &entry, 8, (off_t)((uintptr_t)address / page_size * 8)) != 8)
		entry = 0;
	close(pagemap);
	return entry;
}

/* "[stack]" and paths of files become one word; memory without a name is "anon". */
static const char *vma_name(char *line)
{
	char *name = strpbrk(line, "[/");

	if (!name)
		return "anon";
	for (char *c = name; *c; c++)
		if (*c == ' ')
			*c = '_';
	return name;
}

static void print(int pagemap, char *text)
{
	uint64_t before = 0; /* the end of the mapping before this one */
	char *rest = text;

	for (char *line; (line = strsep(&rest, "\n")) && *line;) {
		char *end, *permissions;
		uint64_t start = strtoull(line, &end, 16);
		uint64_t stop = strtoull(end + 1, &permissions, 16);

		permissions++;
		permissions[4] = 0;
#ifdef __x86_64__
		/* the vsyscall page is in the kernel's half, and pagemap does not have it */
		if (start >> 63)
			break;
#endif
		/* the pages around a mapping are holes */
		if (before && before < start)
			add_range(pagemap, before, before + page_size, "----", "gap");
		if (before + page_size < start)
			add_range(pagemap, start - page_size, start, "----", "gap");
		add_range(pagemap, start, stop, permissions, vma_name(permissions + 5));
		before = stop;
	}
}

/* Done twice: memory that the first pass touches (stack, buffers, tables) has its final place in the second pass. */
void report(const char *shape)
{
	int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	int console = output;

	output = open("/dev/null", O_WRONLY | O_CLOEXEC);
	for (int pass = 0; pass < 2; pass++) {
		if (pass == 1) {
			close(output);
			output = console;
		}
		if (read_whole("/proc/self/maps", maps, sizeof(maps)) <= 0)
			say("@E no /proc/self/maps\n");
		lines = 0;
		say("@B %s\n", shape);
		print(pagemap, maps);
		say("@X %s %lu\n", shape, lines);
	}
	close(pagemap);
}
