/* SPDX-License-Identifier: MIT */
/*
 * Dumps of Xen's domains (xl dump-core): an ELF core with sections instead of program headers. Xen's
 * docs/misc/dump-core-format.txt tells of it.
 *
 *   .xen_pages   the pages, one after the other
 *   .xen_pfn     HVM, PVH: for each page its guest frame
 *   .xen_p2m     PV: for each page its guest frame and its machine frame; tables of such a guest hold machine frames
 *
 *   .xen_prstatus   for each CPU a vcpu_guest_context_t (xen/include/public/arch-x86/xen.h), whose layout is the
 *                hypervisor's interface and has not changed; other machines have another one, which is not read
 *
 * The guest itself, in VMCOREINFO for example, tells its own frames.
 *
 * A frame of all ones means that the page is not there.
 *
 * Bounds: no more memory than the file has bytes; a page costs 8 or 16 bytes in its list.
 */
#include "memory/xen.h"

#include <stdio.h>

#include "base/names.h"
#include "memory/x86_mode.h"

enum { PAGE_LG2 = 12, PAGE = 1 << PAGE_LG2 };

/* vcpu_guest_context_t of x86-64. */
enum {
	CPU_RIP = 648,
	CPU_RSP = 672,
	CPU_CR =
		4984, /* eight control registers of 8 bytes; a PV guest has a root for user mode in CR1 */
	CPU_FS_BASE = 5144, /* then the two GS bases */
	CPU_BYTES = 5168,
};

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

/*
 * The structure does not hold EFER.LMA. A CPU in long mode has an address above 4 GiB somewhere: Linux and Windows keep
 * one in a GS base. Five levels need long mode.
 */
static bool is_long(const struct pw_elf *elf, const unsigned char *cpu, uint64_t cr4)
{
	static const unsigned at[] = { CPU_RIP, CPU_RSP, CPU_FS_BASE, CPU_FS_BASE + 8,
				       CPU_FS_BASE + 16 };

	for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++)
		if (pw_elf_xword(elf, cpu + at[i]) > UINT32_MAX)
			return true;
	return cr4 & PW_X86_CR4_LA57;
}

static int add_cpu(struct pw_memory *memory, unsigned id, const char *format, uint64_t cr3,
		   const char *origin, struct pw_error *error)
{
	struct pw_cpu *cpu = pw_memory_add_cpu(memory);

	if (!cpu)
		return pw_fail(error, ENOMEM, "out of memory");
	cpu->id = id;
	cpu->format = format;
	cpu->roots = format ? 1 : 0;
	cpu->root[0] = cr3;
	snprintf(cpu->origin, sizeof(cpu->origin), ".xen_prstatus, %s", origin);
	return 0;
}

static int read_cpu(struct pw_memory *memory, const struct pw_elf *elf, const unsigned char *at,
		    unsigned id, bool pv, struct pw_error *error)
{
	const uint64_t cr0 = pw_elf_xword(elf, at + CPU_CR),
		       cr1 = pw_elf_xword(elf, at + CPU_CR + 8),
		       cr3 = pw_elf_xword(elf, at + CPU_CR + 24),
		       cr4 = pw_elf_xword(elf, at + CPU_CR + 32);
	const char *format = pv ? "x86_64" : pw_x86_mode(cr0, cr4, is_long(elf, at, cr4));
	int status;

	/* Xen walks for PV guests; what they have in CR0 and CR4 does not count. */
	if (pv) {
		status = cr3 ? add_cpu(memory, id, format, cr3, "CR3", error) : 0;
		if (status == 0 && cr1 && cr1 != cr3)
			status = add_cpu(memory, id, format, cr1, "CR1 (user mode)", error);
		return status;
	}
	status = add_cpu(memory, id, format, cr3, format ? "CR3" : "CR0: paging was off", error);
	if (status == 0 && format) {
		struct pw_registers *registers = &memory->cpus[memory->cpu_count - 1].registers;

		registers->known = PW_REGISTER_CR4;
		registers->cr4 = cr4;
	}
	return status;
}

static int add_cpus(struct pw_memory *memory, const struct pw_elf *elf, bool pv,
		    struct pw_error *error)
{
	struct section cpus;
	int status = 0;

	if (!find_section(elf, ".xen_prstatus", &cpus))
		return 0;
	if (elf->machine != EM_X86_64 || elf->big_endian || cpus.bytes % CPU_BYTES) {
		pw_memory_add_remark(memory,
				     "the CPUs' registers (.xen_prstatus, 0x%llx bytes) are not "
				     "read: only those of x86-64 are known, of 0x%x bytes each",
				     (unsigned long long)cpus.bytes, CPU_BYTES);
		return 0;
	}
	for (uint64_t i = 0; i < cpus.bytes / CPU_BYTES && status == 0; i++)
		status = read_cpu(memory, elf, elf->host + cpus.offset + i * CPU_BYTES, (unsigned)i,
				  pv, error);
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
	if (status == 0)
		status = add_cpus(memory, elf, frames.numbers == 2, error);
	if (status)
		return status;
	if (frames.numbers == 2) {
		memory->xen_frames = frames.host;
		memory->xen_frame_count = frames.count;
	}
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

bool pw_xen_machine(const struct pw_memory *memory, pw_pa *pa)
{
	if (!memory->xen_frames)
		return true;
	for (uint64_t i = 0; i < memory->xen_frame_count; i++) {
		uint64_t pair[2];

		memcpy(pair, memory->xen_frames + i * sizeof(pair), sizeof(pair));
		if (le64toh(pair[0]) != *pa >> PAGE_LG2 ||
		    le64toh(pair[1]) > UINT64_MAX >> PAGE_LG2)
			continue;
		*pa = le64toh(pair[1]) << PAGE_LG2 | (*pa & (PAGE - 1));
		return true;
	}
	return false;
}
