/* SPDX-License-Identifier: MIT */
/*
 * Dumps of Xen's domains (xl dump-core): an ELF core with sections instead of program headers. Xen's
 * docs/misc/dump-core-format.txt tells of it.
 *
 *   .xen_pages   the pages, one after the other
 *   .xen_pfn     HVM, PVH: for each page its guest frame
 *   .xen_p2m     PV: for each page its guest frame and its machine frame; tables of such a guest hold machine frames
 *
 * A frame of all ones means that the page is not there. Roots are not read: .xen_prstatus has the structures of the
 * hypervisor's version.
 *
 * Bounds: no more memory than the file has bytes; a page costs 8 or 16 bytes in its list.
 */
#include "memory/xen.h"

#include <stdio.h>

#include "base/names.h"

enum { PAGE_LG2 = 12, PAGE = 1 << PAGE_LG2 };

/* A part of the file. */
struct section {
	uint64_t offset, bytes;
};

static struct section read_section(const struct pw_elf *elf, uint64_t header)
{
	const unsigned char *at = elf->host + header;

	return (struct section){
		.offset = pw_elf_xword(elf, at + offsetof(Elf64_Shdr, sh_offset)),
		.bytes = pw_elf_xword(elf, at + offsetof(Elf64_Shdr, sh_size)),
	};
}

/* Does the section whose header is at @header have this name, which is in @names? */
static bool is_named(const struct pw_elf *elf, uint64_t header, const struct section *names,
		     const char *name)
{
	uint64_t at = pw_elf_word(elf, elf->host + header + offsetof(Elf64_Shdr, sh_name));
	size_t bytes = strlen(name) + 1;

	return at < names->bytes && bytes <= names->bytes - at &&
	       pw_elf_has(elf, names->offset, names->bytes) &&
	       memcmp(elf->host + names->offset + at, name, bytes) == 0;
}

/* Finds a section, cut off where the file ends. False: there is none, or the file ends before it. */
static bool find_section(const struct pw_elf *elf, const char *name, struct section *section)
{
	const uint64_t table = pw_elf_xword(elf, elf->host + offsetof(Elf64_Ehdr, e_shoff));
	const unsigned count = pw_elf_half(elf, elf->host + offsetof(Elf64_Ehdr, e_shnum));
	const unsigned of_names = pw_elf_half(elf, elf->host + offsetof(Elf64_Ehdr, e_shstrndx));
	struct section names;

	if (of_names >= count || !pw_elf_has(elf, table, count * sizeof(Elf64_Shdr)))
		return false;
	names = read_section(elf, table + of_names * sizeof(Elf64_Shdr));
	for (unsigned i = 0; i < count; i++) {
		uint64_t header = table + i * sizeof(Elf64_Shdr);

		if (!is_named(elf, header, &names, name))
			continue;
		*section = read_section(elf, header);
		if (section->offset >= elf->bytes)
			return false;
		if (section->bytes > elf->bytes - section->offset)
			section->bytes = elf->bytes - section->offset;
		return true;
	}
	return false;
}

bool pw_xen_is_dump(const struct pw_elf *elf)
{
	struct section pages;

	return elf->wide && elf->bytes >= sizeof(Elf64_Ehdr) &&
	       find_section(elf, ".xen_pages", &pages);
}

/* The list of frames: for each page an entry, whose frame is its last number. */
struct frames {
	const struct pw_elf *elf;
	const unsigned char *host;
	uint64_t count;
	unsigned numbers; /* in an entry */
};

static uint64_t frame(const struct frames *frames, uint64_t page)
{
	return pw_elf_xword(frames->elf,
			    frames->host + ((page + 1) * frames->numbers - 1) * sizeof(uint64_t));
}

static int find_frames(const struct pw_elf *elf, struct frames *frames, struct pw_error *error)
{
	struct section list;

	*frames = (struct frames){ .elf = elf };
	if (find_section(elf, ".xen_p2m", &list))
		frames->numbers = 2;
	else if (find_section(elf, ".xen_pfn", &list))
		frames->numbers = 1;
	else
		return pw_fail(
			error, EINVAL,
			"%s is a dump of a Xen domain, but the list of its pages (.xen_pfn or "
			".xen_p2m) is missing: it is truncated. Dump the domain again: xl "
			"dump-core DOMAIN FILE",
			elf->name);
	frames->host = elf->host + list.offset;
	frames->count = list.bytes / (frames->numbers * sizeof(uint64_t));
	return 0;
}

/* Adds the pages as runs of frames that follow each other. */
static int add_pages(struct pw_memory *memory, const struct frames *frames,
		     const struct section *pages, struct pw_error *error)
{
	const uint64_t there = pages->bytes / PAGE;
	const uint64_t count = frames->count < there ? frames->count : there;
	const unsigned char *host = frames->elf->host + pages->offset;
	int status = 0;

	if (there < frames->count)
		pw_memory_add_remark(
			memory,
			"truncated: there should be 0x%llx pages, but the file has only "
			"0x%llx of them; the rest is not in this image",
			(unsigned long long)frames->count, (unsigned long long)there);
	for (uint64_t i = 0, end; i < count && status == 0; i = end) {
		uint64_t first = frame(frames, i);

		end = i + 1;
		if (first > UINT64_MAX >> PAGE_LG2)
			continue;
		while (end < count && frame(frames, end) == first + (end - i) &&
		       first + (end - i) <= UINT64_MAX >> PAGE_LG2)
			end++;
		status = pw_memory_add_segment(memory, first << PAGE_LG2,
					       (first << PAGE_LG2) + ((end - i) * PAGE - 1),
					       host + i * PAGE, error);
	}
	return status;
}

int pw_memory_read_xen(struct pw_memory *memory, const struct pw_elf *elf, struct pw_error *error)
{
	struct section pages = { .bytes = 0 };
	struct frames frames;
	char size[PW_SIZE_TEXT];
	uint64_t total = 0;
	int status;

	find_section(elf, ".xen_pages", &pages);
	status = find_frames(elf, &frames, error);
	if (status == 0)
		status = add_pages(memory, &frames, &pages, error);
	if (status)
		return status;
	if (memory->count == 0)
		return pw_fail(error, EINVAL, "%s: this dump of a Xen domain holds no pages",
			       elf->name);
	for (size_t i = 0; i < memory->count; i++)
		total += memory->segments[i].last - memory->segments[i].first + 1;
	memory->machine = elf->machine;
	memory->wide = true;
	snprintf(memory->title, sizeof(memory->title),
		 "dump of a Xen domain (%s), %zu segment%s, %s",
		 frames.numbers == 2 ? "PV: addresses are the machine's" : "HVM or PVH",
		 memory->count, memory->count == 1 ? "" : "s", pw_size_text(total - 1, size));
	return 0;
}
