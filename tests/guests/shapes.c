/* SPDX-License-Identifier: MIT */
/*
 * The shapes: each function maps something and writes to it, in a process of its own.
 * A new shape is a function and a line in the table at the end.
 */
#include "init.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif
#ifndef MADV_FREE
#define MADV_FREE 8
#endif
#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif
#ifndef MAP_HUGE_SHIFT
#define MAP_HUGE_SHIFT 26
#endif

#define RW      (PROT_READ | PROT_WRITE)
#define PRIVATE (MAP_PRIVATE | MAP_ANONYMOUS)
#define SHARED  (MAP_SHARED | MAP_ANONYMOUS)

static char letter; /* the letter of this process's shape; it goes into the tags */

static uint64_t number(const void *pointer)
{
	return (uintptr_t)pointer;
}

static void *must_map(size_t length, int protection, int flags, int file)
{
	void *start = mmap(NULL, length, protection, flags, file, 0);

	if (start == MAP_FAILED) {
		say("@E mmap of %zu bytes failed\n", length);
		_exit(1);
	}
	return start;
}

/* Maps pages, tags each and gives them a name. */
static char *written(size_t pages, int protection, int flags, const char *name)
{
	char *start = must_map(pages * page_size, protection | RW, flags, -1);

	tag(start, pages * page_size, letter);
	note(start, pages * page_size, name, number(start));
	if (mprotect(start, pages * page_size, protection))
		say("@E mprotect failed for %s\n", name);
	return start;
}

static void read_page(const void *page)
{
	(void)*(volatile const char *)page;
}

/* --- straddle: around the boundaries of tables ------------------------------------------------------------------------ */

/*
 * Six pages, three on each side of a boundary: untouched, written, written | written, only read, untouched. If the
 * second half is beyond the end of the address space, all six are a little before it.
 */
static void around(uint64_t boundary, uint64_t limit)
{
	uint64_t where[] = { boundary - 3 * page_size, boundary - 7 * page_size };

	for (unsigned i = 0; i < 2; i++) {
		if (where[i] + 6 * page_size > limit)
			continue;
		char *wanted = (char *)(uintptr_t)where[i];
		char *start = mmap(wanted, 6 * page_size, RW, PRIVATE | MAP_FIXED_NOREPLACE, -1, 0);
		if (start == MAP_FAILED)
			continue;
		if (start != wanted) { /* a kernel that takes the address as a hint */
			munmap(start, 6 * page_size);
			continue;
		}
		tag(start + page_size, 3 * page_size, letter);
		read_page(start + 4 * page_size);
		note(start, 6 * page_size, "straddle", 0);
		note(start + page_size, 3 * page_size, "straddle", number(start + page_size));
		return;
	}
}

/* Each power of two, and three times each, up to a limit (inclusive; also the end of the address space if the kernel allows). */
static void straddle(uint64_t limit)
{
	for (unsigned bit = 20; bit < sizeof(void *) * 8; bit++) {
		for (uint64_t times = 1; times <= 3; times += 2) {
			uint64_t boundary = times << bit;
			if (boundary >> bit == times && boundary <= limit)
				around(boundary, limit);
		}
	}
}

static void make_straddle(void)
{
	straddle(UINTPTR_MAX);
}

#ifdef __s390x__
/* A process starts with three tables, for 4 TiB; it gets a fourth at the first mapping beyond, and a fifth beyond 8 PiB. */
static void make_straddle3(void)
{
	straddle(1ull << 42);
}

static void make_straddle4(void)
{
	straddle(1ull << 53);
}
#endif

/* --- huge: leaves above the lowest level --------------------------------------------------------------------------------- */

/* Makes an aligned huge page. Each has its own mapping, apart from its neighbours. */
static char *huge(const char *name, int tagged)
{
	char *start = must_map(2 * huge_size + page_size, RW, PRIVATE, -1);
	char *aligned = (char *)(((uintptr_t)start + huge_size - 1) & ~(uintptr_t)(huge_size - 1));

	munmap(start, aligned - start);
	munmap(aligned + huge_size, start + huge_size + page_size - aligned);
	madvise(aligned, huge_size, MADV_HUGEPAGE);
	if (tagged)
		tag(aligned, huge_size, letter);
	note(aligned, huge_size, name, tagged ? number(aligned) : 0);
	return aligned;
}

static void transparent(void)
{
	huge("thp", 1);
	mprotect(huge("thp-ro", 1), huge_size, PROT_READ);
	mprotect(huge("thp-rx", 1), huge_size, PROT_READ | PROT_EXEC);
	mprotect(huge("thp-none", 1), huge_size, PROT_NONE);
	read_page(huge("thp-zero", 0));

	/* split: of the pages in the middle, one becomes read-only, one PROT_NONE, one is unmapped */
	char *split = huge("thp-split", 1);
	mprotect(split + 3 * page_size, page_size, PROT_READ);
	mprotect(split + 5 * page_size, page_size, PROT_NONE);
	munmap(split + 7 * page_size, page_size);
	note(split + 7 * page_size, page_size, "gap", 0);
}

static void one_hugetlb(uint64_t size)
{
	static char names[8][32];
	static unsigned used;
	int flags = PRIVATE | MAP_HUGETLB | __builtin_ctzll(size) << MAP_HUGE_SHIFT;
	int gigantic = size >= 1ull << 30;
	size_t pages = gigantic ? 1 : 3;

	if (used == 8 || size > SIZE_MAX / 4)
		return;
	char *start = mmap(NULL, pages * size, RW, flags, -1, 0);
	if (start == MAP_FAILED)
		return;
	char *name = names[used++];
	snprintf(name, sizeof(names[0]), "hugetlb-%lluk", (unsigned long long)size >> 10);
	tag(start, pages * size, letter);
	note(start, pages * size, name, number(start));
	if (!gigantic) {
		mprotect(start + size, size, PROT_READ);
		mprotect(start + 2 * size, size, PROT_NONE);
	}
}

static void make_huge(void)
{
	static const char top[] = "/sys/kernel/mm/hugepages";
	char path[128];
	DIR *directory = opendir(top);
	struct dirent *entry;

	if (huge_size)
		transparent();
	while (directory && (entry = readdir(directory))) {
		unsigned long long kib;

		if (sscanf(entry->d_name, "hugepages-%llukB", &kib) != 1)
			continue;
		if (kib < 1 << 20) { /* larger ones are reserved at boot */
			snprintf(path, sizeof(path), "%s/hugepages-%llukB/nr_hugepages", top, kib);
			write_text(path, "3");
		}
		one_hugetlb((uint64_t)kib << 10);
	}
	if (directory)
		closedir(directory);
}

/* --- mixed: every state that a page can be in ---------------------------------------------------------------------------- */

static char *inherited_cow, *inherited_shared;

/* Made before the first child: all processes share these pages. */
void make_inherited(void)
{
	letter = 'i';
	inherited_cow = written(8, RW, PRIVATE, "cow");
	inherited_shared = written(4, RW, SHARED, "shared-by-all");
}

static void memory_file(void)
{
	int file = memfd_create("guest", MFD_CLOEXEC);
	size_t length = 8 * page_size;

	if (file < 0 || ftruncate(file, (off_t)length))
		return;
	char *start = must_map(length, RW, MAP_SHARED, file);
	tag(start, 6 * page_size, letter);
	note(start, length, "memfd", 0);
	note(start, 6 * page_size, "memfd", number(start));

	/* the same pages at other addresses; the tags name the first address */
	char *alias = must_map(length, PROT_READ, MAP_SHARED, file);
	for (int i = 0; i < 6; i++)
		read_page(alias + i * page_size);
	note(alias, length, "alias", 0);
	note(alias, 6 * page_size, "alias", number(start));

	/* private: pages that are only read are the file's, a written page is a copy */
	char *copy = must_map(length, RW, MAP_PRIVATE, file);
	for (int i = 0; i < 6; i++)
		read_page(copy + i * page_size);
	tag(copy + 2 * page_size, page_size, letter);
	note(copy, length, "private-file", 0);
	note(copy, 6 * page_size, "private-file", number(start));
	note(copy + 2 * page_size, page_size, "private-copy", number(copy + 2 * page_size));
	close(file);
}

static void swapped(void)
{
	char *start = written(32, RW, PRIVATE, "swap");

	madvise(start, 32 * page_size, MADV_PAGEOUT);
	/* half of them come back */
	for (int i = 0; i < 16; i++)
		read_page(start + i * page_size);
	written(8, PROT_READ, PRIVATE, "not-swapped");
}

static void make_mixed(void)
{
	written(8, RW, PRIVATE, "anon-rw");
	written(4, PROT_READ, PRIVATE, "anon-ro");
	written(4, PROT_NONE, PRIVATE, "anon-none");
	written(4, RW | PROT_EXEC, PRIVATE, "anon-rwx");
	written(4, PROT_READ | PROT_EXEC, PRIVATE, "anon-rx");
	written(4, PROT_EXEC, PRIVATE, "anon-x");
	written(4, RW, SHARED, "shared");
	written(4, PROT_READ, SHARED, "shared-ro");
	written(4, PROT_NONE, SHARED, "shared-none");
	madvise(written(4, RW, PRIVATE, "lazily-freed"), 4 * page_size, MADV_FREE);

	char *freed = written(4, RW, PRIVATE, "freed");
	madvise(freed, 4 * page_size, MADV_DONTNEED);
	note(freed, 4 * page_size, "freed", 0);

	char *zero = must_map(4 * page_size, RW, PRIVATE, -1);
	read_page(zero);
	read_page(zero + 2 * page_size);
	note(zero, 4 * page_size, "zero", 0);

	char *none = must_map(4 * page_size, PROT_NONE, PRIVATE, -1);
	note(none, 4 * page_size, "untouched-none", 0);
	note(must_map(4 * page_size, RW, PRIVATE, -1), 4 * page_size, "untouched", 0);

	tag(inherited_cow + 2 * page_size, 3 * page_size, letter);
	memory_file();
	if (have_swap)
		swapped();
}

/* --- old: accessed and dirty bits that have been cleared ------------------------------------------------------------------ */

static void make_old(void)
{
	char *reread = written(4, RW, PRIVATE, "old-read-again");
	char *rewritten = written(4, RW, PRIVATE, "old-written-again");

	written(16, RW, PRIVATE, "old");
	written(4, PROT_READ, PRIVATE, "old-ro");
	written(4, PROT_NONE, PRIVATE, "old-none");
	written(4, RW, SHARED, "old-shared");
	if (huge_size) {
		huge("old-thp", 1);
		read_page(huge("old-thp-read-again", 1));
	}

	write_text("/proc/self/clear_refs", "4"); /* soft-dirty; write-protects */
	write_text("/proc/self/clear_refs", "1"); /* accessed */
	for (int i = 0; i < 4; i++) {
		read_page(reread + i * page_size);
		tag(rewritten + i * page_size, page_size, letter);
	}
}

const struct shape shapes[] = {
	{ "mixed", 'm', make_mixed },
	{ "old", 'o', make_old },
#ifdef __s390x__
	{ "straddle3", '3', make_straddle3 },
	{ "straddle4", '4', make_straddle4 },
#endif
	{ "straddle", 's', make_straddle },
	{ "huge", 'h', make_huge }, /* last, because it takes the most memory */
};
const unsigned shape_count = sizeof(shapes) / sizeof(shapes[0]);

void make_shape(const struct shape *shape)
{
	letter = shape->letter;
	shape->make();
}
