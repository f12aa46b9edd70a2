/* SPDX-License-Identifier: MIT */
/*
 * Crash dumps of Windows: complete ones, as runs of pages, and 64-bit ones with a bitmap of pages. The header
 * also has the root of the process that was running (DirectoryTableBase). Rizin's dmp_specs.h, Bin2Dmp's
 * dmp.h and volatility's crash_vtypes.py tell of the fields.
 *
 *            64-bit   32-bit
 *   magic    0        0          "PAGEDU64", "PAGEDUMP"
 *   root     0x10     0x10       CR3 or TTBR
 *   machine  0x30     0x20       PE's number: 0x8664, 0x14c, 0xaa64
 *   PAE                0x5c      1: the root is PAE's
 *   runs     0x88     0x64       their number, the number of pages, then first page and count of each
 *   type     0xf98    0xf88      1: runs; 5, 6: a bitmap
 *   bitmap   0x2000              "SDMPDUMP" or "FDMPDUMP"; at 0x20 the offset of the first page, at 0x30
 *                                the number of bits, at 0x38 the bits
 *   memory   0x2000   0x1000     the pages, one run after the other
 *
 * Bounds: no more memory than the file has bytes; at most one segment for each run, or for each page that
 * the file has.
 */
#include <elf.h>
#include <endian.h>
#include <stdio.h>
#include <string.h>

#include "base/names.h"
#include "memory/memory.h"

enum {
	PAGE = 4096,
	HEADER_64 = 0x2000,
	HEADER_32 = 0x1000,
	ROOT = 0x10,
	TYPE_FULL = 1,
	TYPE_BITMAP_FULL = 5,
	TYPE_BITMAP_KERNEL = 6,
	BITMAP_FIRST_PAGE = 0x20,
	BITMAP_BITS = 0x30,
	BITMAP = 0x38,
};

struct dump {
	const char *path;
	const unsigned char *host;
	uint64_t bytes;
	bool wide;
};

static uint64_t wide_number(const struct dump *dump, uint64_t offset)
{
	uint64_t raw;

	memcpy(&raw, dump->host + offset, sizeof(raw));
	return le64toh(raw);
}

static uint32_t narrow_number(const struct dump *dump, uint64_t offset)
{
	uint32_t raw;

	memcpy(&raw, dump->host + offset, sizeof(raw));
	return le32toh(raw);
}

/* Adds @pages pages from number @page on, whose bytes are at @offset. False: the file ends before. */
static bool add_pages(struct pw_memory *memory, const struct dump *dump, uint64_t page,
		      uint64_t pages, uint64_t offset, int *status_ret, struct pw_error *error)
{
	const uint64_t most = offset < dump->bytes ? (dump->bytes - offset) / PAGE : 0;
	const bool all = pages <= most;

	if (!all)
		pages = most;
	*status_ret = 0;
	if (page > UINT64_MAX / PAGE || pages > UINT64_MAX / PAGE - page)
		*status_ret = pw_fail(error, EINVAL,
				      "%s: its pages go beyond the end of physical memory",
				      dump->path);
	else if (pages > 0)
		*status_ret = pw_memory_add_segment(memory, page * PAGE,
						    page * PAGE + (pages * PAGE - 1),
						    dump->host + offset, error);
	return all;
}

static int read_runs(struct pw_memory *memory, const struct dump *dump, struct pw_error *error)
{
	const uint64_t at = dump->wide ? 0x88 : 0x64, first = at + (dump->wide ? 16 : 8);
	const uint64_t entry = dump->wide ? 16 : 8, header = dump->wide ? HEADER_64 : HEADER_32;
	const uint64_t runs = narrow_number(dump, at);
	uint64_t offset = header;
	int status = 0;

	/* The field has 700 bytes. */
	if (runs == 0 || runs > 700 / entry)
		return pw_fail(error, EINVAL,
			       "%s: its header has %llu runs of memory; is it damaged?", dump->path,
			       (unsigned long long)runs);
	for (uint64_t i = 0; i < runs && status == 0; i++) {
		uint64_t run = first + i * entry;
		uint64_t page = dump->wide ? wide_number(dump, run) : narrow_number(dump, run);
		uint64_t pages = dump->wide ? wide_number(dump, run + 8)
					    : narrow_number(dump, run + 4);

		if (!add_pages(memory, dump, page, pages, offset, &status, error)) {
			pw_memory_add_remark(memory,
					     "truncated: the run of 0x%llx pages at 0x%llx is not "
					     "complete, and the rest is not in this image",
					     (unsigned long long)pages,
					     (unsigned long long)page * PAGE);
			break;
		}
		offset += pages * PAGE;
	}
	return status;
}

static bool has_bit(const struct dump *dump, uint64_t bit)
{
	return dump->host[HEADER_64 + BITMAP + bit / 8] >> bit % 8 & 1;
}

static int read_bitmap(struct pw_memory *memory, const struct dump *dump, struct pw_error *error)
{
	uint64_t offset, bits;
	int status = 0;

	if (dump->bytes < HEADER_64 + BITMAP ||
	    memcmp(dump->host + HEADER_64 + 1, "DMPDUMP", 7) != 0)
		return pw_fail(error, EINVAL, "%s: its bitmap of pages is missing", dump->path);
	offset = wide_number(dump, HEADER_64 + BITMAP_FIRST_PAGE);
	bits = wide_number(dump, HEADER_64 + BITMAP_BITS);
	if (bits / 8 >= dump->bytes - HEADER_64 - BITMAP)
		return pw_fail(error, EINVAL,
			       "%s: truncated: its bitmap should have 0x%llx bits, but the file "
			       "ends before",
			       dump->path, (unsigned long long)bits);
	for (uint64_t bit = 0; bit < bits && status == 0;) {
		uint64_t end = bit;

		while (end < bits && has_bit(dump, end))
			end++;
		if (end > bit && !add_pages(memory, dump, bit, end - bit, offset, &status, error)) {
			pw_memory_add_remark(memory, "truncated: pages from 0x%llx on are missing",
					     (unsigned long long)bit * PAGE);
			break;
		}
		offset += (end - bit) * PAGE;
		bit = end + 1;
	}
	return status;
}

/* Sets the machine and its root. */
static int read_root(struct pw_memory *memory, const struct dump *dump, struct pw_error *error)
{
	const uint32_t machine = narrow_number(dump, dump->wide ? 0x30 : 0x20);
	struct pw_cpu *cpu = pw_memory_add_cpu(memory);

	if (!cpu)
		return pw_fail(error, ENOMEM, "out of memory");
	cpu->roots = 1;
	cpu->root[0] = dump->wide ? wide_number(dump, ROOT) : narrow_number(dump, ROOT);
	snprintf(cpu->origin, sizeof(cpu->origin), "crash dump, DirectoryTableBase");
	memory->wide = dump->wide;
	if (machine == 0x8664) {
		memory->machine = EM_X86_64;
		cpu->format = "x86_64";
	} else if (machine == 0xaa64) {
		memory->machine = EM_AARCH64;
		cpu->format = "arm64_4k_48";
	} else if (machine == 0x14c) {
		memory->machine = EM_386;
		cpu->format = dump->host[0x5c] == 1 ? "i386_pae" : "i386";
	} else {
		cpu->roots = 0;
	}
	return 0;
}

int pw_memory_read_windows(struct pw_memory *memory, const char *path, const unsigned char *host,
			   uint64_t bytes, struct pw_error *error)
{
	struct dump dump = { .path = path, .host = host, .bytes = bytes };
	uint64_t total = 0;
	char size[PW_SIZE_TEXT];
	uint32_t type;
	int status;

	dump.wide = memcmp(host, "PAGEDU64", 8) == 0;
	if (bytes < (dump.wide ? HEADER_64 : HEADER_32))
		return pw_fail(error, EINVAL,
			       "%s is a crash dump of Windows, but its header is truncated", path);
	type = narrow_number(&dump, dump.wide ? 0xf98 : 0xf88);
	if (type == TYPE_FULL)
		status = read_runs(memory, &dump, error);
	else if (dump.wide && (type == TYPE_BITMAP_FULL || type == TYPE_BITMAP_KERNEL))
		status = read_bitmap(memory, &dump, error);
	else
		return pw_fail(error, EINVAL,
			       "%s is a crash dump of Windows of type %u, which does not have the "
			       "memory that page tables are in. Let the system write a complete "
			       "memory dump",
			       path, type);
	if (status == 0)
		status = read_root(memory, &dump, error);
	if (status)
		return status;
	for (size_t i = 0; i < memory->count; i++)
		total += memory->segments[i].last - memory->segments[i].first + 1;
	snprintf(memory->title, sizeof(memory->title),
		 "crash dump of Windows, %s, %zu segment%s, %s",
		 memory->machine == EM_X86_64    ? "x86_64"
		 : memory->machine == EM_AARCH64 ? "arm64"
		 : memory->machine == EM_386     ? "i386"
						 : "machine not known",
		 memory->count, memory->count == 1 ? "" : "s",
		 total ? pw_size_text(total - 1, size) : "empty");
	return 0;
}
