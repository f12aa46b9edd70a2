/* SPDX-License-Identifier: MIT */
/*
 * The notes of an ELF core: the CPUs, and the content of their root registers.
 *
 *   name       type                    what it gives
 *   QEMU       0                       x86: CR0, CR3, CR4 and IDT (struct QEMUCPUState, QEMU's
 *                                      target/i386/arch_dump.c), one note per CPU
 *   LINUX      NT_S390_CTRS            s390x: the sixteen control registers, one note per CPU
 *   VMCOREINFO 0                       what Linux says of itself: vmcoreinfo.c
 *   LINUX      NT_S390_PREFIX          s390x: the prefix register, before or after NT_S390_CTRS
 *   PAGEWALK   1                       a root of an image made by `pagewalk cut` (note.h)
 *   VBCORE     0xb00                   VirtualBox: the version of the next ones (DBGFCOREDESCRIPTOR in its
 *                                      dbgfcorefmt.h)
 *   VBCPU      0xb01                   VirtualBox: CR0, CR3, CR4, IDT, EFER and PAT (DBGFCORECPU), one per CPU
 *   CORE       NT_PRSTATUS             one per CPU; general registers, so no root
 *
 * Other machines (arm, arm64, ppc64, riscv) have no root register in any note: their CPUs are counted, but
 * have no roots.
 */
#include <stdio.h>

#include "memory/note.h"
#include "memory/vmcoreinfo.h"
#include "memory/x86_mode.h"

/* The parts of a note. */
struct note {
	const char *name; /* not ended by a NUL */
	uint32_t name_bytes;
	uint32_t type;
	const unsigned char *desc;
	uint32_t desc_bytes;
};

/* struct QEMUCPUState: version, size, 18 registers, 10 segments of 24 bytes, cr[5], kernel_gs_base. */
enum {
	QEMU_VERSION = 0,
	QEMU_SIZE = 4,
	QEMU_IDT_LIMIT = 372, /* the last segment: selector, limit, flags, base */
	QEMU_IDT_BASE = 384,
	QEMU_CR0 = 392,
	QEMU_CR3 = 416,
	QEMU_CR4 = 424,
	QEMU_BYTES = 440,
};

/*
 * DBGFCOREDESCRIPTOR: magic, version of the format, ...; DBGFCORECPU: 18 registers, 6 selectors of 24 bytes, cr0, cr2,
 * cr3, cr4, dr[8], two descriptors of 16 bytes, two selectors, three registers, EFER, STAR, PAT.
 */
static const uint32_t VBOX_MAGIC = 0xc01ac0de;
enum {
	VBOX_CORE = 0xb00,
	VBOX_CPU = 0xb01,
	VBOX_FIRST_VERSION = 0x00010004, /* before that, the structure was another one */
	VBOX_CR0 = 288,
	VBOX_CR3 = 304,
	VBOX_CR4 = 312,
	VBOX_IDT_BASE = 400, /* address, limit */
	VBOX_IDT_LIMIT = 408,
	VBOX_EFER = 488,
	VBOX_PAT = 504,
	VBOX_BYTES = 512,
};

/* The control registers of s390x that hold an address-space control element: PoP, chapter 3. */
enum {
	S390_PRIMARY = 1,
	S390_SECONDARY = 7,
	S390_HOME = 13,
	S390_CTRS_BYTES = 16 * 8,
};

static bool is_named(const struct note *note, const char *name)
{
	size_t length = strlen(name);

	/* Some writers leave out the NUL. */
	return (note->name_bytes == length ||
		(note->name_bytes == length + 1 && note->name[length] == '\0')) &&
	       memcmp(note->name, name, length) == 0;
}

static int out_of_memory(struct pw_error *error)
{
	return pw_fail(error, ENOMEM, "out of memory");
}

/* The note does not hold the mode (EFER.LMA). QEMU's choice of e_machine tells the mode of CPU 0. */
static const char *x86_format(const struct pw_elf *elf, uint64_t cr0, uint64_t cr4)
{
	return pw_x86_mode(cr0, cr4, cr4 & PW_X86_CR4_PAE && elf->machine == EM_X86_64);
}

/* The limit is the offset of the last byte, in 16 bits. */
static void set_idt(struct pw_cpu *cpu, uint64_t base, uint32_t limit)
{
	cpu->vectors = base;
	cpu->vectors_bytes = (limit & 0xffff) + 1;
}

static int read_qemu(struct pw_notes *notes, const struct note *note, struct pw_error *error)
{
	const struct pw_elf *elf = notes->elf;
	struct pw_cpu *cpu;
	uint32_t version, bytes;

	if (note->desc_bytes < QEMU_BYTES) {
		pw_memory_add_remark(
			notes->memory,
			"the QEMU note of CPU %u has %u bytes instead of %u: its registers "
			"are not read",
			notes->registers, note->desc_bytes, QEMU_BYTES);
		return 0;
	}
	version = pw_elf_word(elf, note->desc + QEMU_VERSION);
	bytes = pw_elf_word(elf, note->desc + QEMU_SIZE);
	if (version != 1 || bytes < QEMU_BYTES) {
		pw_memory_add_remark(notes->memory,
				     "the QEMU note of CPU %u has version %u and size %u, but only "
				     "version 1 and size %u are known: its registers are not read",
				     notes->registers, version, bytes, QEMU_BYTES);
		return 0;
	}
	cpu = pw_memory_add_cpu(notes->memory);
	if (!cpu)
		return out_of_memory(error);
	cpu->id = notes->registers++;
	cpu->format = x86_format(elf, pw_elf_xword(elf, note->desc + QEMU_CR0),
				 pw_elf_xword(elf, note->desc + QEMU_CR4));
	if (cpu->format) {
		cpu->roots = 1;
		cpu->root[0] = pw_elf_xword(elf, note->desc + QEMU_CR3);
		cpu->registers.known = PW_REGISTER_CR4;
		cpu->registers.cr4 = pw_elf_xword(elf, note->desc + QEMU_CR4);
		set_idt(cpu, pw_elf_xword(elf, note->desc + QEMU_IDT_BASE),
			pw_elf_word(elf, note->desc + QEMU_IDT_LIMIT));
	}
	snprintf(cpu->origin, sizeof(cpu->origin), "QEMU note, %s",
		 cpu->format ? "CR3" : "CR0: paging was off");
	return 0;
}

static void read_vbox(struct pw_notes *notes, const struct note *note)
{
	if (note->desc_bytes >= 8 && pw_elf_word(notes->elf, note->desc) == VBOX_MAGIC)
		notes->vbox_version = pw_elf_word(notes->elf, note->desc + 4);
}

static int read_vbox_cpu(struct pw_notes *notes, const struct note *note, struct pw_error *error)
{
	const struct pw_elf *elf = notes->elf;
	uint64_t cr0, cr4, efer;
	struct pw_cpu *cpu;

	if (note->desc_bytes < VBOX_BYTES || notes->vbox_version < VBOX_FIRST_VERSION ||
	    notes->vbox_version >> 16 != VBOX_FIRST_VERSION >> 16) {
		pw_memory_add_remark(
			notes->memory,
			"the VBCPU note of CPU %u has %u bytes and version 0x%x, but only "
			"versions from 0x%x on are known: its registers are not read",
			notes->registers, note->desc_bytes, notes->vbox_version,
			VBOX_FIRST_VERSION);
		return 0;
	}
	cpu = pw_memory_add_cpu(notes->memory);
	if (!cpu)
		return out_of_memory(error);
	cpu->id = notes->registers++;
	cr0 = pw_elf_xword(elf, note->desc + VBOX_CR0);
	cr4 = pw_elf_xword(elf, note->desc + VBOX_CR4);
	efer = pw_elf_xword(elf, note->desc + VBOX_EFER);
	cpu->format = pw_x86_mode(cr0, cr4, efer & PW_X86_EFER_LMA);
	if (cpu->format) {
		cpu->roots = 1;
		cpu->root[0] = pw_elf_xword(elf, note->desc + VBOX_CR3);
		cpu->registers.known = PW_REGISTER_CR4 | PW_REGISTER_PAT;
		cpu->registers.cr4 = cr4;
		cpu->registers.pat = pw_elf_xword(elf, note->desc + VBOX_PAT);
		set_idt(cpu, pw_elf_xword(elf, note->desc + VBOX_IDT_BASE),
			pw_elf_word(elf, note->desc + VBOX_IDT_LIMIT));
	}
	snprintf(cpu->origin, sizeof(cpu->origin), "VBCPU note, %s",
		 cpu->format ? "CR3" : "CR0: paging was off");
	return 0;
}

static int add_asce(struct pw_notes *notes, uint64_t asce, const char *origin,
		    struct pw_error *error)
{
	struct pw_cpu *cpu = pw_memory_add_cpu(notes->memory);

	if (!cpu)
		return out_of_memory(error);
	cpu->id = notes->registers;
	cpu->format = "s390x";
	cpu->roots = 1;
	cpu->root[0] = asce;
	snprintf(cpu->origin, sizeof(cpu->origin), "NT_S390_CTRS, %s", origin);
	return 0;
}

/*
 * Gives the prefix of a CPU to its roots when both are known. The notes of one CPU stand together, after its
 * NT_PRSTATUS. Either the prefix or the control registers can come first: QEMU writes them in the opposite
 * order to Linux.
 */
static void settle_prefix(struct pw_notes *notes)
{
	if (!notes->prefix_waits || notes->roots_count == 0 ||
	    notes->prefix_thread != notes->roots_thread)
		return;
	for (size_t i = 0; i < notes->roots_count; i++) {
		struct pw_cpu *cpu = &notes->memory->cpus[notes->roots_first + i];

		cpu->registers.known = PW_REGISTER_PREFIX;
		cpu->registers.prefix = notes->prefix;
	}
	notes->prefix_waits = false;
	notes->roots_count = 0;
}

/* PoP chapter 4, "Prefix register": bits 33 to 50, in the architecture's numbering, hold the address. */
static void read_prefix(struct pw_notes *notes, const struct note *note)
{
	if (note->desc_bytes < 4) {
		pw_memory_add_remark(notes->memory,
				     "a prefix register with %u bytes instead of 4 is not read",
				     note->desc_bytes);
		return;
	}
	notes->prefix = pw_elf_word(notes->elf, note->desc) & 0x7fffe000;
	notes->prefix_thread = notes->threads;
	notes->prefix_waits = true;
	settle_prefix(notes);
}

/*
 * Linux keeps the kernel's space in CR13 and the process's in CR7. CR1 holds one of the two: the process's
 * while the CPU is in user mode. So a CPU has up to three roots. Each of them is added once, the process's
 * first.
 */
static int read_s390(struct pw_notes *notes, const struct note *note, struct pw_error *error)
{
	const struct pw_elf *elf = notes->elf;
	uint64_t primary, secondary, home;
	size_t before = notes->memory->cpu_count;
	int status = 0;

	if (!elf->wide || note->desc_bytes != S390_CTRS_BYTES) {
		pw_memory_add_remark(
			notes->memory,
			"the control registers of CPU %u have %u bytes instead of %u: they "
			"are not read",
			notes->registers, note->desc_bytes, S390_CTRS_BYTES);
		return 0;
	}
	primary = pw_elf_xword(elf, note->desc + 8 * S390_PRIMARY);
	secondary = pw_elf_xword(elf, note->desc + 8 * S390_SECONDARY);
	home = pw_elf_xword(elf, note->desc + 8 * S390_HOME);
	if (primary && primary != home)
		status = add_asce(notes, primary, "CR1 (primary: user space)", error);
	if (status == 0 && secondary && secondary != primary && secondary != home)
		status = add_asce(notes, secondary, "CR7 (secondary: user space)", error);
	if (status == 0 && home)
		status = add_asce(notes, home, "CR13 (home: kernel space)", error);
	if (status == 0 && !primary && !secondary && !home) {
		struct pw_cpu *cpu = pw_memory_add_cpu(notes->memory);

		if (!cpu)
			return out_of_memory(error);
		cpu->id = notes->registers;
		snprintf(cpu->origin, sizeof(cpu->origin), "NT_S390_CTRS, no space was set");
	}
	notes->registers++;
	notes->roots_first = before;
	notes->roots_count = notes->memory->cpu_count - before;
	notes->roots_thread = notes->threads;
	settle_prefix(notes);
	return status;
}

/* Copies a text of a PAGEWALK note and makes it safe to print. */
static void read_text(const unsigned char *at, char text[PW_NOTE_TEXT])
{
	memcpy(text, at, PW_NOTE_TEXT);
	text[PW_NOTE_TEXT - 1] = '\0';
	for (char *c = text; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
}

/* Reads the registers. Notes of the first versions of pagewalk do not have them. */
static void read_registers(const struct pw_elf *elf, const unsigned char *at,
			   struct pw_registers *registers)
{
	*registers = (struct pw_registers){
		.known = pw_elf_word(elf, at) & PW_REGISTERS_ALL,
		.prefix = pw_elf_xword(elf, at + 8) & 0x7fffe000,
		.cr4 = pw_elf_xword(elf, at + 16),
		.pat = pw_elf_xword(elf, at + 24),
		.mair = pw_elf_xword(elf, at + 32),
		.tcr = pw_elf_xword(elf, at + 40),
	};
}

/* Reads which Linux it was. All notes of an image say the same; the first one that knows it counts. */
static void read_kernel(struct pw_memory *memory, const struct pw_elf *elf, const unsigned char *at)
{
	static const uint8_t all = PW_CONFIG_MIGRATION | PW_CONFIG_MEMORY_FAILURE |
				   PW_CONFIG_DEVICE_PRIVATE | PW_CONFIG_PTE_MARKER;
	struct pw_kernel *kernel = &memory->noted;
	uint64_t encryption = pw_elf_xword(elf, at + 8);
	char release[PW_NOTE_TEXT];

	read_text(at + 16, release);
	if (kernel->version || release[0] == '\0')
		return;
	*kernel = (struct pw_kernel){
		.config = (uint8_t)(pw_elf_word(elf, at) & all),
		.config_told = (uint8_t)(pw_elf_word(elf, at + 4) & all),
		/* a mask of one bit, or none */
		.encryption = encryption & (encryption - 1) ? 0 : encryption,
		.origin = "PAGEWALK note",
	};
	pw_kernel_set_release(kernel, release, strlen(release));
}

static int read_own(struct pw_notes *notes, const struct note *note, struct pw_error *error)
{
	const struct pw_elf *elf = notes->elf;
	char format[PW_NOTE_TEXT], label[PW_NOTE_TEXT];
	uint32_t version, roots;
	struct pw_cpu *cpu;

	version = note->desc_bytes >= 4 ? pw_elf_word(elf, note->desc) : 0;
	roots = note->desc_bytes >= 8 ? pw_elf_word(elf, note->desc + 4) : 0;
	if (version != PW_NOTE_VERSION || note->desc_bytes < PW_NOTE_DESC || roots > PW_MAX_ROOTS) {
		pw_memory_add_remark(
			notes->memory,
			"a PAGEWALK note of version %u with %u bytes and %u roots is not "
			"read: it should have version %u, at least %u bytes and up to %u "
			"roots",
			version, note->desc_bytes, roots, PW_NOTE_VERSION, PW_NOTE_DESC,
			PW_MAX_ROOTS);
		return 0;
	}
	cpu = pw_memory_add_cpu(notes->memory);
	if (!cpu)
		return out_of_memory(error);
	cpu->id = pw_elf_word(elf, note->desc + 8);
	cpu->roots = roots;
	for (unsigned i = 0; i < roots; i++)
		cpu->root[i] = pw_elf_xword(elf, note->desc + 16 + 8 * i);
	if (note->desc_bytes >= PW_NOTE_DESC_REGISTERS)
		read_registers(elf, note->desc + PW_NOTE_DESC, &cpu->registers);
	if (note->desc_bytes >= PW_NOTE_DESC_KERNEL)
		read_kernel(notes->memory, elf, note->desc + PW_NOTE_DESC_REGISTERS);
	read_text(note->desc + 32, format);
	read_text(note->desc + 32 + PW_NOTE_TEXT, label);
	snprintf(cpu->origin, sizeof(cpu->origin), "%s", label[0] ? label : "PAGEWALK note");
	if (format[0] == '\0')
		return 0;
	cpu->format = pw_memory_add_text(notes->memory, format);
	return cpu->format ? 0 : out_of_memory(error);
}

/* Names and descriptions are padded to four bytes, also in 64-bit cores (binfmt_elf.c). */
static uint64_t filled(uint32_t bytes)
{
	return ((uint64_t)bytes + 3) & ~UINT64_C(3);
}

/*
 * The size of struct elf_prstatus (elfcore.h) tells machines apart if nothing else does, because they have
 * different general registers. Where two machines have the same size, the byte order decides.
 */
uint16_t pw_notes_machine(const struct pw_elf *elf, const unsigned char *host, uint64_t bytes)
{
	static const struct {
		uint16_t machine, bytes;
		bool wide, big_endian;
	} sizes[] = {
		{ EM_X86_64, 336, true, false },  { EM_S390, 336, true, true },
		{ EM_AARCH64, 392, true, false }, { EM_AARCH64, 392, true, true },
		{ EM_PPC64, 504, true, false },   { EM_PPC64, 504, true, true },
		{ EM_RISCV, 376, true, false },   { EM_386, 144, false, false },
		{ EM_ARM, 148, false, false },    { EM_ARM, 148, false, true },
		{ EM_RISCV, 204, false, false },
	};

	for (uint64_t at = 0; bytes - at >= sizeof(Elf64_Nhdr);) {
		uint32_t name = pw_elf_word(elf, host + at), desc = pw_elf_word(elf, host + at + 4);
		uint64_t all = sizeof(Elf64_Nhdr) + filled(name) + filled(desc);

		if (pw_elf_word(elf, host + at + 8) == NT_PRSTATUS && name == sizeof("CORE"))
			for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
				if (sizes[i].bytes == desc && sizes[i].wide == elf->wide &&
				    sizes[i].big_endian == elf->big_endian)
					return sizes[i].machine;
		if (all > bytes - at)
			break;
		at += all;
	}
	return EM_NONE;
}

static int read_note(struct pw_notes *notes, const struct note *note, struct pw_error *error)
{
	const struct pw_elf *elf = notes->elf;

	if (is_named(note, "CORE") && note->type == NT_PRSTATUS)
		notes->threads++;
	else if (is_named(note, "QEMU") && note->type == 0 &&
		 (elf->machine == EM_X86_64 || elf->machine == EM_386))
		return read_qemu(notes, note, error);
	else if (is_named(note, "LINUX") && note->type == NT_S390_CTRS && elf->machine == EM_S390)
		return read_s390(notes, note, error);
	else if (is_named(note, "VMCOREINFO") && note->type == 0)
		pw_vmcoreinfo_set(notes->memory, note->desc, note->desc_bytes);
	else if (is_named(note, "LINUX") && note->type == NT_S390_PREFIX && elf->machine == EM_S390)
		read_prefix(notes, note);
	else if (is_named(note, "VBCORE") && note->type == VBOX_CORE)
		read_vbox(notes, note);
	else if (is_named(note, "VBCPU") && note->type == VBOX_CPU && elf->wide)
		return read_vbox_cpu(notes, note, error);
	else if (is_named(note, PW_NOTE_NAME) && note->type == PW_NOTE_TYPE)
		return read_own(notes, note, error);
	return 0;
}

int pw_notes_read(struct pw_notes *notes, const unsigned char *host, uint64_t bytes,
		  struct pw_error *error)
{
	const struct pw_elf *elf = notes->elf;
	uint64_t at = 0;

	/* Invariant: the notes before `at` have been read, and `at` is within bounds. */
	while (bytes - at >= sizeof(Elf64_Nhdr)) {
		const unsigned char *header = host + at;
		uint64_t rest = bytes - at - sizeof(Elf64_Nhdr);
		struct note note = {
			.name_bytes = pw_elf_word(elf, header + offsetof(Elf64_Nhdr, n_namesz)),
			.desc_bytes = pw_elf_word(elf, header + offsetof(Elf64_Nhdr, n_descsz)),
			.type = pw_elf_word(elf, header + offsetof(Elf64_Nhdr, n_type)),
		};
		uint64_t name = filled(note.name_bytes);
		int status;

		if (note.name_bytes == 0 && note.desc_bytes == 0 && note.type == 0)
			return 0; /* the rest of a page, which /proc/vmcore fills with zeros */
		if (name > rest || note.desc_bytes > rest - name) {
			pw_memory_add_remark(notes->memory,
					     "the note at offset 0x%llx should have a name of %u "
					     "and a description of %u bytes, but the notes end "
					     "after %llu; it and the notes after it are not read",
					     (unsigned long long)(header - elf->host),
					     note.name_bytes, note.desc_bytes,
					     (unsigned long long)rest);
			return 0;
		}
		note.name = (const char *)header + sizeof(Elf64_Nhdr);
		note.desc = header + sizeof(Elf64_Nhdr) + name;
		status = read_note(notes, &note, error);
		if (status)
			return status;
		/* The last description need not be padded. */
		rest -= name;
		if (filled(note.desc_bytes) >= rest)
			return 0;
		at += sizeof(Elf64_Nhdr) + name + filled(note.desc_bytes);
	}
	if (bytes > at)
		pw_memory_add_remark(notes->memory,
				     "the notes end in the middle of a header, at offset 0x%llx",
				     (unsigned long long)(host - elf->host + (ptrdiff_t)at));
	return 0;
}

int pw_notes_end(struct pw_notes *notes, struct pw_error *error)
{
	if (notes->memory->cpu_count > 0)
		return 0;
	for (unsigned i = 0; i < notes->threads; i++) {
		struct pw_cpu *cpu = pw_memory_add_cpu(notes->memory);

		if (!cpu)
			return out_of_memory(error);
		snprintf(cpu->origin, sizeof(cpu->origin), "NT_PRSTATUS, which has no root");
		if (notes->elf->machine == EM_S390 && notes->elf->wide)
			cpu->format = "s390x";
	}
	return 0;
}

static unsigned char *put_word(unsigned char *at, uint32_t word, bool big_endian)
{
	word = big_endian ? htobe32(word) : htole32(word);
	memcpy(at, &word, sizeof(word));
	return at + sizeof(word);
}

static unsigned char *put_xword(unsigned char *at, uint64_t word, bool big_endian)
{
	word = big_endian ? htobe64(word) : htole64(word);
	memcpy(at, &word, sizeof(word));
	return at + sizeof(word);
}

static void put_kernel(unsigned char *at, const struct pw_kernel *kernel, bool big_endian)
{
	at = put_word(at, kernel->config, big_endian);
	at = put_word(at, kernel->config_told, big_endian);
	at = put_xword(at, kernel->encryption, big_endian);
	memcpy(at, kernel->release, strnlen(kernel->release, PW_NOTE_TEXT - 1));
}

size_t pw_note_encode(const struct pw_cpu *cpu, const char *label, const struct pw_kernel *kernel,
		      bool big_endian, void *buffer, size_t room)
{
	unsigned char *at = buffer;

	if (room < PW_NOTE_BYTES)
		return 0;
	memset(at, 0, PW_NOTE_BYTES);
	at = put_word(at, sizeof(PW_NOTE_NAME), big_endian);
	at = put_word(at, PW_NOTE_DESC_KERNEL, big_endian);
	at = put_word(at, PW_NOTE_TYPE, big_endian);
	memcpy(at, PW_NOTE_NAME, sizeof(PW_NOTE_NAME));
	at += (sizeof(PW_NOTE_NAME) + 3) & ~(size_t)3;
	at = put_word(at, PW_NOTE_VERSION, big_endian);
	at = put_word(at, cpu->roots, big_endian);
	at = put_word(at, cpu->id, big_endian);
	at = put_word(at, 0, big_endian);
	for (unsigned i = 0; i < PW_MAX_ROOTS; i++)
		at = put_xword(at, i < cpu->roots ? cpu->root[i] : 0, big_endian);
	if (cpu->format)
		memcpy(at, cpu->format, strnlen(cpu->format, PW_NOTE_TEXT - 1));
	at += PW_NOTE_TEXT;
	if (label)
		memcpy(at, label, strnlen(label, PW_NOTE_TEXT - 1));
	at += PW_NOTE_TEXT;
	at = put_word(at, cpu->registers.known, big_endian);
	at = put_word(at, 0, big_endian);
	at = put_xword(at, cpu->registers.prefix, big_endian);
	at = put_xword(at, cpu->registers.cr4, big_endian);
	at = put_xword(at, cpu->registers.pat, big_endian);
	at = put_xword(at, cpu->registers.mair, big_endian);
	at = put_xword(at, cpu->registers.tcr, big_endian);
	if (kernel)
		put_kernel(at, kernel, big_endian);
	return PW_NOTE_BYTES;
}
