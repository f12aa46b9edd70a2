/* SPDX-License-Identifier: MIT */
/*
 * ELF cores of whole machines, as QEMU's dump-guest-memory, /proc/vmcore and makedumpfile -E write
 * them: PT_LOAD and PT_NOTE, both classes, both byte orders.
 *
 * Section headers are not read, because QEMU (7.2) writes them into big-endian cores in the byte order of
 * its host. The one exception is sh_info of the first, which holds the number of program headers if there
 * are 65535 or more.
 *
 *   program header       file                              physical memory
 *   p_offset --------->  +----------+  ------------------>  p_paddr
 *     p_filesz           |  there   |
 *                        +==========+  end of a truncated file
 *                        . missing  .                       not in the image: -ENODATA, a remark
 *                        . . . . . ..
 *     p_memsz                                               not in the image: left out on purpose;
 *                                                           a table there was all zero (see below)
 *
 * makedumpfile -E leaves out pages of zeros, and others as its dump level says (page cache, user data,
 * free pages). None of the others hold page tables in use. So a table that was left out was all zero, but
 * nothing is known of data that was left out. This does not hold on s390, whose empty tables are not zero.
 * QEMU writes -1 as p_offset where its user asked for a part of memory only.
 *
 * Bounds: there is at most as much memory as the file has bytes plus 16 MiB, however often program
 * headers name the same bytes. At most as many bytes of notes are read as the file has. Descriptions
 * of memory and of CPUs cost at most 16 times the size of the file.
 */
#include "memory/vmcoreinfo.h"
#include "memory/xen.h"

#include "access/access.h"
#include "base/mutant.h"
#include "base/names.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* One PT_LOAD, clipped to the bytes that the file has. */
struct load {
	pw_pa first, last;
	const unsigned char *host;
	uint32_t number; /* of its program header */
};

/* Program headers that are odd in the same way: how many there are, and a sentence about the first. */
struct odd {
	unsigned count;
	char first[200];
};

/* How many more bytes of memory than of file there may be: hand-made images repeat some. */
static const uint64_t AGAIN_MAX = UINT64_C(16) << 20;

struct core {
	struct pw_elf elf;
	uint64_t table; /* offset of the program headers */
	uint64_t headers; /* their number */
	struct load *loads;
	size_t count;
	size_t sized, addressed; /* PT_LOADs with memory; those of them whose address is not 0 */
	uint64_t note_bytes; /* bytes of notes that were read */
	struct odd truncated, overlapping, virtual, excessive, repeated, left;
};

static void odd_add(struct odd *odd, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void odd_add(struct odd *odd, const char *format, ...)
{
	va_list arguments;

	if (odd->count++ > 0)
		return;
	va_start(arguments, format);
	vsnprintf(odd->first, sizeof(odd->first), format, arguments);
	va_end(arguments);
}

static void odd_remark(const struct odd *odd, struct pw_memory *memory)
{
	if (odd->count > 1)
		pw_memory_add_remark(memory, "%s (and %u more like it)", odd->first,
				     odd->count - 1);
	else if (odd->count == 1)
		pw_memory_add_remark(memory, "%s", odd->first);
}

static const char *machine_name(const struct pw_elf *elf)
{
	static const struct {
		uint16_t machine;
		const char *wide, *narrow;
	} names[] = {
		{ EM_NONE, "machine not named", "machine not named" },
		{ EM_386, "i386", "i386" },
		{ EM_X86_64, "x86_64", "x86_64 (x32)" },
		{ EM_ARM, "arm", "arm" },
		{ EM_AARCH64, "arm64", "arm64 (ILP32)" },
		{ EM_S390, "s390x", "s390" },
		{ EM_PPC64, "ppc64", "ppc64" },
		{ EM_PPC, "ppc", "ppc" },
		{ EM_RISCV, "riscv64", "riscv32" },
		{ EM_SPARCV9, "sparc64", "sparc64" },
		{ EM_LOONGARCH, "loongarch64", "loongarch32" },
		{ EM_MIPS, "mips64", "mips" },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].machine == elf->machine)
			return elf->wide ? names[i].wide : names[i].narrow;
	return NULL;
}

/* The type of an ELF file that is not a core, for the message. */
static const char *type_name(uint16_t type)
{
	switch (type) {
	case ET_REL:
		return "an object file (ET_REL)";
	case ET_EXEC:
		return "a program (ET_EXEC)";
	case ET_DYN:
		return "a program or a shared library (ET_DYN)";
	default:
		return "of an unknown type";
	}
}

static int read_ident(struct pw_elf *elf, struct pw_error *error)
{
	if (elf->bytes < EI_NIDENT)
		return pw_fail(error, EINVAL, "%s: truncated: the ELF header ends after %llu bytes",
			       elf->name, (unsigned long long)elf->bytes);
	if (memcmp(elf->host, ELFMAG, SELFMAG) != 0)
		return pw_fail(error, EINVAL, "%s is not an ELF file", elf->name);
	if (elf->host[EI_CLASS] != ELFCLASS32 && elf->host[EI_CLASS] != ELFCLASS64)
		return pw_fail(error, EINVAL,
			       "%s: byte 4 of the ELF header, the class, is %u: neither 1 (32-bit) "
			       "nor 2 (64-bit)",
			       elf->name, elf->host[EI_CLASS]);
	if (elf->host[EI_DATA] != ELFDATA2LSB && elf->host[EI_DATA] != ELFDATA2MSB)
		return pw_fail(error, EINVAL,
			       "%s: byte 5 of the ELF header, the byte order, is %u: neither 1 "
			       "(little-endian) nor 2 (big-endian)",
			       elf->name, elf->host[EI_DATA]);
	elf->wide = elf->host[EI_CLASS] == ELFCLASS64;
	elf->big_endian = elf->host[EI_DATA] == ELFDATA2MSB;
	return 0;
}

/* Reads the number of program headers if e_phnum cannot hold it (elf(5), PN_XNUM). */
static int read_many_headers(struct core *core, struct pw_error *error)
{
	const struct pw_elf *elf = &core->elf;
	uint64_t sections = pw_elf_address(elf,
					   elf->host + (elf->wide ? offsetof(Elf64_Ehdr, e_shoff)
								  : offsetof(Elf32_Ehdr, e_shoff)));

	core->headers = PN_XNUM;
	if (sections == 0)
		return 0;
	if (!pw_elf_has(elf, sections, elf->wide ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr)))
		return pw_fail(error, EINVAL,
			       "%s: the number of program headers should be in a section header "
			       "at 0x%llx, but the file ends at 0x%llx",
			       elf->name, (unsigned long long)sections,
			       (unsigned long long)elf->bytes);
	core->headers = pw_elf_word(elf, elf->host + sections +
						 (elf->wide ? offsetof(Elf64_Shdr, sh_info)
							    : offsetof(Elf32_Shdr, sh_info)));
	return 0;
}

static int read_header(struct core *core, struct pw_error *error)
{
	struct pw_elf *elf = &core->elf;
	size_t header, entry;
	uint16_t type, entry_bytes;
	int status = read_ident(elf, error);

	if (status)
		return status;
	header = elf->wide ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr);
	entry = elf->wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
	if (elf->bytes < header)
		return pw_fail(error, EINVAL,
			       "%s: truncated: the ELF header of %zu bytes ends after %llu",
			       elf->name, header, (unsigned long long)elf->bytes);
	type = pw_elf_half(elf, elf->host + offsetof(Elf64_Ehdr, e_type));
	if (type != ET_CORE)
		return pw_fail(error, EINVAL,
			       "%s is an ELF file, but it is %s (e_type %u), not a core with the "
			       "memory of a machine",
			       elf->name, type_name(type), type);
	elf->machine = pw_elf_half(elf, elf->host + offsetof(Elf64_Ehdr, e_machine));
	core->table = pw_elf_address(elf, elf->host + (elf->wide ? offsetof(Elf64_Ehdr, e_phoff)
								 : offsetof(Elf32_Ehdr, e_phoff)));
	entry_bytes = pw_elf_half(elf, elf->host + (elf->wide ? offsetof(Elf64_Ehdr, e_phentsize)
							      : offsetof(Elf32_Ehdr, e_phentsize)));
	core->headers = pw_elf_half(elf, elf->host + (elf->wide ? offsetof(Elf64_Ehdr, e_phnum)
								: offsetof(Elf32_Ehdr, e_phnum)));
	if (core->headers == PN_XNUM)
		status = read_many_headers(core, error);
	if (status)
		return status;
	if (core->headers == 0 && pw_xen_is_dump(elf))
		return 0;
	if (core->headers == 0)
		return pw_fail(error, EINVAL,
			       "%s: this ELF core has no program headers, so no "
			       "memory",
			       elf->name);
	if (entry_bytes != entry)
		return pw_fail(error, EINVAL,
			       "%s: its program headers have %u bytes each (e_phentsize), not %zu",
			       elf->name, entry_bytes, entry);
	/* At most 2^32 headers of 56 bytes: the product cannot wrap. */
	if (!pw_elf_has(elf, core->table, core->headers * entry))
		return pw_fail(error, EINVAL,
			       "%s: truncated: %llu program headers of %zu bytes should be at "
			       "0x%llx, but the file ends at 0x%llx",
			       elf->name, (unsigned long long)core->headers, entry,
			       (unsigned long long)core->table, (unsigned long long)elf->bytes);
	return 0;
}

/* Reads program header @number, which is in the file, into host order. */
static Elf64_Phdr read_program_header(const struct core *core, uint64_t number)
{
	const struct pw_elf *elf = &core->elf;
	const unsigned char *at = elf->host + core->table;

	if (elf->wide) {
		at += number * sizeof(Elf64_Phdr);
		return (Elf64_Phdr){
			.p_type = pw_elf_word(elf, at + offsetof(Elf64_Phdr, p_type)),
			.p_offset = pw_elf_xword(elf, at + offsetof(Elf64_Phdr, p_offset)),
			.p_vaddr = pw_elf_xword(elf, at + offsetof(Elf64_Phdr, p_vaddr)),
			.p_paddr = pw_elf_xword(elf, at + offsetof(Elf64_Phdr, p_paddr)),
			.p_filesz = pw_elf_xword(elf, at + offsetof(Elf64_Phdr, p_filesz)),
			.p_memsz = pw_elf_xword(elf, at + offsetof(Elf64_Phdr, p_memsz)),
		};
	}
	at += number * sizeof(Elf32_Phdr);
	return (Elf64_Phdr){
		.p_type = pw_elf_word(elf, at + offsetof(Elf32_Phdr, p_type)),
		.p_offset = pw_elf_word(elf, at + offsetof(Elf32_Phdr, p_offset)),
		.p_vaddr = pw_elf_word(elf, at + offsetof(Elf32_Phdr, p_vaddr)),
		.p_paddr = pw_elf_word(elf, at + offsetof(Elf32_Phdr, p_paddr)),
		.p_filesz = pw_elf_word(elf, at + offsetof(Elf32_Phdr, p_filesz)),
		.p_memsz = pw_elf_word(elf, at + offsetof(Elf32_Phdr, p_memsz)),
	};
}

/* How many of the @bytes bytes from @offset on are in the file. */
static uint64_t present(const struct pw_elf *elf, uint64_t offset, uint64_t bytes)
{
	if (offset >= elf->bytes)
		return 0;
	return bytes < elf->bytes - offset ? bytes : elf->bytes - offset;
}

static bool left_out(const struct pw_memory *memory, pw_pa pa, uint64_t bytes)
{
	const struct pw_segment *left = pw_segment_find(memory->left, memory->left_count, pa);

	return left && bytes - 1 <= left->last - pa;
}

/* Records the memory of a PT_LOAD that was left out of the file on purpose. Returns 0 or -ENOMEM. */
static int add_left(struct pw_memory *memory, struct core *core, const Elf64_Phdr *header,
		    uint32_t number, struct pw_error *error)
{
	pw_pa first = header->p_paddr + header->p_filesz;
	uint64_t bytes = header->p_memsz - header->p_filesz;
	struct pw_segment *left;

	if (header->p_filesz >= header->p_memsz || core->elf.machine == EM_S390 ||
	    header->p_offset > core->elf.bytes || first < header->p_paddr ||
	    bytes - 1 > UINT64_MAX - first)
		return 0;
	odd_add(&core->left,
		"PT_LOAD %u has 0x%llx bytes of memory at 0x%llx that were left out of the file: "
		"tables there were all zero, and are read as zeros; data there is not known",
		number, (unsigned long long)bytes, (unsigned long long)first);
	left = pw_memory_grow(memory->left, memory->left_count, sizeof(*left));
	if (!left)
		return pw_fail(error, ENOMEM, "out of memory");
	memory->left = left;
	left[memory->left_count++] = (struct pw_segment){ first, first + (bytes - 1), NULL };
	return 0;
}

static int compare_left(const void *a, const void *b)
{
	const struct pw_segment *left = a, *right = b;

	return left->first < right->first ? -1 : left->first > right->first;
}

/* Sorts and joins the ranges that were left out, because several headers may name the same memory. */
static void join_left(struct pw_memory *memory)
{
	struct pw_segment *left = memory->left;
	size_t count = 0;

	if (memory->left_count == 0)
		return;
	qsort(left, memory->left_count, sizeof(*left), compare_left);
	for (size_t i = 0; i < memory->left_count; i++) {
		if (count > 0 && left[i].first <= left[count - 1].last) {
			if (left[i].last > left[count - 1].last)
				left[count - 1].last = left[i].last;
			continue;
		}
		left[count++] = left[i];
	}
	memory->left_count = count;
	memory->left_out = left_out;
}

static int add_load(struct core *core, const Elf64_Phdr *header, uint32_t number,
		    struct pw_error *error)
{
	const struct pw_elf *elf = &core->elf;
	uint64_t bytes = header->p_filesz, there;
	struct load *loads;

	if (header->p_memsz > 0)
		core->sized++;
	if (header->p_memsz > 0 && header->p_paddr != 0)
		core->addressed++;
	if (bytes == 0)
		return 0;
	/* Linux writes this for memory without a single physical address (/proc/kcore). */
	if (header->p_paddr == (elf->wide ? UINT64_MAX : UINT32_MAX)) {
		odd_add(&core->virtual, "PT_LOAD %u has no physical address, so it is ignored",
			number);
		return 0;
	}
	if (bytes > header->p_memsz || bytes - 1 > UINT64_MAX - header->p_paddr) {
		odd_add(&core->excessive,
			"PT_LOAD %u at 0x%llx has more bytes in the file (0x%llx) than in "
			"memory; the rest is ignored",
			number, (unsigned long long)header->p_paddr, (unsigned long long)bytes);
		if (bytes > header->p_memsz)
			bytes = header->p_memsz;
		if (bytes == 0)
			return 0;
		if (bytes - 1 > UINT64_MAX - header->p_paddr)
			bytes = UINT64_MAX - header->p_paddr + 1;
	}
	there = present(elf, header->p_offset, bytes);
	if (there < bytes)
		odd_add(&core->truncated,
			"truncated: PT_LOAD %u at 0x%llx should have 0x%llx bytes, but the file ends "
			"after 0x%llx of them; the rest is not in this image",
			number, (unsigned long long)header->p_paddr, (unsigned long long)bytes,
			(unsigned long long)there);
	if (there == 0)
		return 0;
	loads = pw_memory_grow(core->loads, core->count, sizeof(*loads));
	if (!loads)
		return pw_fail(error, ENOMEM, "out of memory");
	core->loads = loads;
	loads[core->count++] = (struct load){
		.first = header->p_paddr,
		.last = header->p_paddr + (there - 1),
		.host = elf->host + header->p_offset,
		.number = number,
	};
	return 0;
}

static int add_notes(struct core *core, struct pw_notes *notes, const Elf64_Phdr *header,
		     uint32_t number, struct pw_error *error)
{
	const struct pw_elf *elf = &core->elf;
	uint64_t there = present(elf, header->p_offset, header->p_filesz);

	if (there < header->p_filesz)
		pw_memory_add_remark(notes->memory,
				     "truncated: PT_NOTE %u should have 0x%llx bytes at 0x%llx, "
				     "but the file ends after 0x%llx of them",
				     number, (unsigned long long)header->p_filesz,
				     (unsigned long long)header->p_offset,
				     (unsigned long long)there);
	if (there > elf->bytes - core->note_bytes && !pw_mutant(PW_MUTANT_NOTES_AGAIN)) {
		odd_add(&core->repeated,
			"PT_NOTE %u repeats notes of others before it: together they have more bytes "
			"than the file, so it is not read",
			number);
		return 0;
	}
	core->note_bytes += there;
	return there ? pw_notes_read(notes, elf->host + header->p_offset, there, error) : 0;
}

static int compare_loads(const void *a, const void *b)
{
	const struct load *left = a, *right = b;

	if (left->first != right->first)
		return left->first < right->first ? -1 : 1;
	return left->number < right->number ? -1 : left->number > right->number;
}

static int refuse_repeated(const struct core *core, struct pw_error *error)
{
	char size[PW_SIZE_TEXT];

	return pw_fail(
		error, EINVAL,
		"%s: its program headers describe more memory than the %s that the file has, "
		"because the same bytes stand at many addresses. A dump of a machine is never "
		"like that; make the dump again",
		core->elf.name, pw_size_text(core->elf.bytes - 1, size));
}

/*
 * Makes segments of the PT_LOADs. Where two overlap, the one that starts lower is used. Linux writes the
 * kernel's text twice, with the same bytes: alone, and as part of the memory around it.
 */
static int add_segments(struct pw_memory *memory, struct core *core, struct pw_error *error)
{
	const struct load *owner = NULL; /* the one that has the highest address so far */
	uint64_t bytes = 0;
	int status = 0;

	if (core->count > 0)
		qsort(core->loads, core->count, sizeof(*core->loads), compare_loads);
	for (size_t i = 0; i < core->count && status == 0; i++) {
		const struct load *load = &core->loads[i];
		pw_pa first = load->first;

		if (owner && first <= owner->last) {
			odd_add(&core->overlapping,
				"PT_LOAD %u overlaps PT_LOAD %u from 0x%llx on; the bytes of PT_LOAD "
				"%u are used",
				load->number, owner->number, (unsigned long long)first,
				owner->number);
			if (load->last <= owner->last)
				continue;
			first = owner->last + 1;
		}
		bytes += load->last - first + 1;
		if (bytes > core->elf.bytes + AGAIN_MAX && !pw_mutant(PW_MUTANT_LOADS_AGAIN))
			return refuse_repeated(core, error);
		status = pw_memory_add_segment(memory, first, load->last,
					       load->host + (first - load->first), error);
		owner = load;
	}
	return status;
}

static int read_program_headers(struct pw_memory *memory, struct core *core, struct pw_error *error)
{
	struct pw_notes notes = { .memory = memory, .elf = &core->elf };
	int status = 0;

	for (uint64_t i = 0; i < core->headers && status == 0; i++) {
		Elf64_Phdr header = read_program_header(core, i);

		if (header.p_type == PT_LOAD)
			status = add_load(core, &header, (uint32_t)i, error);
		if (header.p_type == PT_LOAD && status == 0)
			status = add_left(memory, core, &header, (uint32_t)i, error);
		if (header.p_type == PT_NOTE)
			status = add_notes(core, &notes, &header, (uint32_t)i, error);
	}
	return status ? status : pw_notes_end(&notes, error);
}

/* Finds the physical address of swapper_pg_dir, a symbol in VMCOREINFO: the PT_LOAD that holds it tells. */
static void find_swapper(struct pw_memory *memory, const struct core *core)
{
	pw_va va;

	if (!pw_vmcoreinfo_symbol(memory, "swapper_pg_dir", &va))
		return;
	for (uint64_t i = 0; i < core->headers; i++) {
		Elf64_Phdr header = read_program_header(core, i);

		if (header.p_type != PT_LOAD || va < header.p_vaddr || header.p_vaddr == 0 ||
		    va - header.p_vaddr >= header.p_memsz || header.p_vaddr == header.p_paddr)
			continue;
		memory->swapper_va = va;
		memory->swapper_pa = header.p_paddr + (va - header.p_vaddr);
		return;
	}
}

/* Refuses a core without physical memory, with the reason. */
static int check_loads(const struct core *core, struct pw_error *error)
{
	if (core->sized > 1 && core->addressed == 0)
		return pw_fail(error, EINVAL,
			       "%s is the core of a process, not of a machine: its segments have "
			       "no physical addresses. Dump the machine's memory",
			       core->elf.name);
	if (core->count > 0)
		return 0;
	if (core->truncated.count)
		return pw_fail(error, EINVAL, "%s: %s", core->elf.name, core->truncated.first);
	if (core->virtual.count)
		return pw_fail(error, EINVAL, "%s: %s", core->elf.name, core->virtual.first);
	return pw_fail(error, EINVAL,
		       "%s: this ELF core holds no memory (none of its %llu program headers is a "
		       "PT_LOAD with bytes)",
		       core->elf.name, (unsigned long long)core->headers);
}

static void set_title(struct pw_memory *memory, const struct core *core)
{
	const char *machine = machine_name(&core->elf);
	char number[24], size[PW_SIZE_TEXT];
	uint64_t total = 0;

	for (size_t i = 0; i < memory->count; i++)
		total += memory->segments[i].last - memory->segments[i].first + 1;
	/* A core without a machine but with roots is one of `pagewalk cut`: no other notes give roots. */
	if (core->elf.machine == EM_NONE && memory->cpu_count > 0) {
		snprintf(memory->title, sizeof(memory->title),
			 "page tables alone, cut out of a larger image, %zu segment%s, %s",
			 memory->count, memory->count == 1 ? "" : "s",
			 pw_size_text(total - 1, size));
		return;
	}
	if (!machine) {
		snprintf(number, sizeof(number), "machine %u", core->elf.machine);
		machine = number;
	}
	snprintf(memory->title, sizeof(memory->title), "ELF core, %s, %s-endian, %zu segment%s, %s",
		 machine, core->elf.big_endian ? "big" : "little", memory->count,
		 memory->count == 1 ? "" : "s", pw_size_text(total - 1, size));
}

int pw_memory_read_elf(struct pw_memory *memory, const char *name, const unsigned char *host,
		       uint64_t bytes, struct pw_error *error)
{
	struct core core = { .elf = { .name = name, .host = host, .bytes = bytes } };
	int status = read_header(&core, error);

	if (status == 0 && core.headers == 0)
		return pw_memory_read_xen(memory, &core.elf, error);
	if (status == 0)
		status = read_program_headers(memory, &core, error);
	if (status == 0)
		status = check_loads(&core, error);
	if (status == 0)
		status = add_segments(memory, &core, error);
	free(core.loads);
	if (status)
		return status;
	odd_remark(&core.truncated, memory);
	odd_remark(&core.overlapping, memory);
	odd_remark(&core.virtual, memory);
	odd_remark(&core.excessive, memory);
	odd_remark(&core.repeated, memory);
	odd_remark(&core.left, memory);
	join_left(memory);
	memory->machine = core.elf.machine;
	memory->wide = core.elf.wide;
	find_swapper(memory, &core);
	set_title(memory, &core);
	return 0;
}
