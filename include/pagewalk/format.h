/* SPDX-License-Identifier: MIT */
/*
 * Formats and regimes: how one architecture encodes page-table entries, and where a walk starts.
 *
 * A format is a constant, and nothing here changes after start-up; so every function in this file may be
 * called from any thread. Levels count from the leaf: level 0 holds base pages. Ranges are inclusive
 * (first..last), so that the whole 2^64 space can be named.
 */
#ifndef PAGEWALK_FORMAT_H
#define PAGEWALK_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The shared library exports exactly what the headers declare; src/pagewalk.map versions it. */
#pragma GCC visibility push(default)

/* A virtual address, as the walking CPU or device would use it. */
typedef uint64_t pw_va;
/* A physical address of the machine whose tables are walked; never a host address. */
typedef uint64_t pw_pa;

enum {
	PW_MAX_LEVELS = 6, /* amdv1 has six, every CPU format five or fewer */
	PW_MAX_ROOTS = 2, /* TTBR0 and TTBR1 */
};

/* The question that a walk answers: what would the MMU do, or what does Linux mean by the entry? */
enum pw_view { PW_VIEW_HARDWARE, PW_VIEW_LINUX };

/*
 * The result of a walk at an address. Everything but PW_OK is a hole, with its reason. PW_PROT_NONE
 * (Linux view only) is a hole for the MMU, but there is a page behind it: its pa and size are valid.
 */
enum pw_status {
	PW_OK, /* a leaf maps the address */
	PW_NONE, /* the entry is empty, or invalid in this view */
	PW_SWAP, /* the page is in swap */
	PW_MIGRATION, /* the page is being moved */
	PW_HWPOISON, /* the page's memory failed, and is not used again */
	PW_DEVICE, /* the page is in a device's own memory, or a device uses it exclusively */
	PW_MARKER, /* no page, but a note about the address (userfaultfd, a guard region) */
	PW_PROT_NONE, /* present for the kernel, not accessible to anyone */
	PW_NOT_CANONICAL, /* no root of this regime covers the address */
	PW_OUTSIDE, /* a table is not in the memory that was given */
	PW_MALFORMED, /* reserved bits, wrong type or misplaced table: hardware would fault */
	PW_LENGTH, /* beyond the table's length (s390: TF or TL) */
	PW_UNSTABLE, /* live memory that kept changing */
	PW_SHARED, /* scans only: these tables were walked before, at range.twin */
};

/*
 * Attributes of a leaf. The first four are the permissions that a `prot` string shows. With PW_USER they are
 * those of user mode (the kernel may have more); without, those of the kernel, and user mode has none.
 */
enum pw_attr {
	PW_READ = 1 << 0,
	PW_WRITE = 1 << 1,
	PW_EXEC = 1 << 2,
	PW_USER = 1 << 3,
	PW_ACCESSED = 1 << 4,
	PW_DIRTY = 1 << 5,
	PW_GLOBAL = 1 << 6,
	PW_SPECIAL = 1 << 7, /* Linux: no struct page to take a reference on */
	PW_CONTIGUOUS = 1 << 8, /* one of a group that the TLB may hold as one page */
	/* Bit 9 is the library's own. */
	PW_SHADOW_STACK = 1 << 10, /* only shadow-stack instructions may write (riscv Zicfiss) */
	/*
	 * Hardware view of arm64: the page is not writable, but if the MMU manages the dirty state (DBM,
	 * and TCR_EL1.HD set), a write makes it writable. Without HD the write faults.
	 */
	PW_DBM = 1 << 11,
	PW_PROT_MASK = PW_READ | PW_WRITE | PW_EXEC | PW_USER,
};

/* How a leaf's memory is cached; the finest distinction that the walked formats make. */
enum pw_memtype {
	PW_MEM_NORMAL, /* write-back */
	PW_MEM_WRITE_THROUGH,
	PW_MEM_WRITE_COMBINING, /* x86 WC, arm normal non-cacheable, riscv NC */
	PW_MEM_UNCACHED,
	PW_MEM_DEVICE, /* ordered, no speculation: arm device, riscv IO, ppc guarded */
	PW_MEM_INDEXED, /* not the entry decides, but something else (amdv1: the request) */
	PW_MEM_WRITE_PROTECTED, /* x86 WP: reads are cached, writes are not */
	/*
	 * 8 to 15: index 0 to 7 into a register that is not known. arm, arm64: AttrIndx into MAIR, or
	 * TEX[0]:C:B into PRRR and NMRR; x86: PAT:PCD:PWT into IA32_PAT.
	 */
	PW_MEM_INDEX_0 = 8,
	PW_MEM_INDEX_7 = 15,
};

/* A sentence for people. Functions set it only if they return an error; it always ends with a NUL. */
struct pw_error {
	char text[400];
};

/* Opaque: one per architecture and mode. It is a constant of the library, or comes from pw_format_load. */
struct pw_format;

/*
 * A range of addresses that one root translates. Formats with sign-extended addresses have two of
 * these on one table; formats with two roots have one for each.
 *
 *   2^64-1 +--------------+
 *          |   span[1]    |----> table
 *          +--------------+
 *          |  no span: PW_NOT_CANONICAL
 *          +--------------+
 *          |   span[0]    |----> table, level `top`, 2^top_bits entries of which 0..top_last exist
 *        0 +--------------+
 */
struct pw_span {
	pw_va first, last;
	pw_pa table;
	uint32_t top_last; /* last index of the top table; addresses above it are PW_LENGTH */
	uint8_t top; /* level of the top table */
	uint8_t top_bits; /* log2 of the top table's entries */
	uint8_t root; /* index of the root word that leads here */
	bool alias; /* shows the same mappings as span[0]: it is translated, but scans do not list it */
};

/*
 * Build options of a Linux kernel that decide about entries that are not present. An option that the caller
 * does not give is assumed to be as in Debian's kernels of that version and machine.
 */
enum pw_kernel_config {
	PW_CONFIG_MIGRATION = 1 << 0,
	PW_CONFIG_MEMORY_FAILURE = 1 << 1,
	PW_CONFIG_DEVICE_PRIVATE = 1 << 2,
	PW_CONFIG_PTE_MARKER = 1 << 3, /* an option in 5.19 to 6.1 only */
};

/* The members of a struct pw_registers that are known. */
enum pw_register {
	PW_REGISTER_PREFIX = 1 << 0,
	PW_REGISTER_CR4 = 1 << 1,
	PW_REGISTER_PAT = 1 << 2,
	PW_REGISTER_MAIR = 1 << 3,
	PW_REGISTER_TCR = 1 << 4,
	PW_REGISTERS_ALL = (1 << 5) - 1,
};

/*
 * Registers beside the root that decide how tables are read. One that is not known is assumed to be as
 * Linux sets it. If Linux sets it differently from machine to machine, results leave open what depends on it
 * (PW_MEM_INDEX_0, PW_DBM).
 */
struct pw_registers {
	uint32_t known; /* enum pw_register; members whose bit is clear are ignored */
	/*
	 * s390x: real addresses 0 to 0x1fff are the absolute ones from the prefix on, and the other way
	 * round. The page that a walk leads to has a real address; results show the absolute one.
	 * Tables are read at absolute addresses: the architecture leaves open whether the addresses of
	 * tables are real.
	 */
	uint64_t prefix;
	uint64_t cr4; /* i386: with PSE (bit 4) clear an entry's PS is ignored */
	uint64_t pat; /* x86: IA32_PAT, gives the memory types of PW_MEM_INDEX_0 to 7 */
	uint64_t mair; /* arm64: MAIR_EL1; arm_lpae: MAIR1 << 32 | MAIR0 */
	/*
	 * arm64: TCR_EL1 (TxSZ and TGx must agree with the format; EPDx, DS, HA and HD are used).
	 * arm and arm_lpae: TTBCR, which says which addresses each of two roots translates.
	 */
	uint64_t tcr;
};

/* A decoded root: everything that a walk has to know before its first load. pw_regime_init fills it. */
struct pw_regime {
	const struct pw_format *format;
	enum pw_view view;
	uint16_t kernel; /* major << 8 | minor: version of the software bits in the Linux view */
	uint8_t config; /* enum pw_kernel_config: build options of that kernel */
	/* First swap types that stand for hwpoison, migration, device and marker; 32 if none do. */
	uint8_t swap_first[4];
	uint8_t roots, spans;
	uint64_t root[PW_MAX_ROOTS];
	struct pw_span span[PW_MAX_ROOTS];
	uint64_t
		address_mask; /* entry bits that may be address; excludes a memory-encryption bit */
	struct pw_registers registers; /* unknown ones: CR4 all ones, the others zero */
	uint64_t high_field; /* arm64: entry bits 9:8 where they are address bits 51:50 */
	uint8_t memtype[8]; /* enum pw_memtype by index into PAT or MAIR */
};

/* Takes the place of TTBR0 if only TTBR1 is known (arm64). */
#define PW_ROOT_ABSENT UINT64_MAX

/* Options of pw_regime_init; all zero is the default: hardware view, Linux 6.1, nothing ignored. */
struct pw_regime_options {
	enum pw_view view;
	uint16_t kernel; /* 0 stands for 6.1 (0x0601) */
	uint8_t config; /* enum pw_kernel_config: its build options, as far as they are known */
	uint8_t config_told; /* bits of config that are known */
	uint64_t encryption; /* x86: mask of the SME/SEV/TDX bit inside an entry; 0 for none */
	struct pw_registers registers;
};

/*
 * Decodes @count root words (the hardware's own: CR3, TTBR0 [and TTBR1], ASCE, satp, the first
 * doubleword of a process-table entry) into @regime.
 * Of two words, the first may be PW_ROOT_ABSENT: then nothing is known of the addresses that it translates.
 * Returns 0, or -EINVAL if a word cannot be a root of this format (a reserved mode, a wrong table type, too
 * many words), or if a register contradicts the format. @options and @error may be NULL. Registers that
 * the format does not have are ignored.
 */
int pw_regime_init(struct pw_regime *regime, const struct pw_format *format, const uint64_t *root,
		   size_t count, const struct pw_regime_options *options, struct pw_error *error);

/* The format with this name ("x86_64", "s390x", "arm64" = "arm64_4k_48", ...), or NULL; also for NULL. */
const struct pw_format *pw_format_find(const char *name);

/* The formats by number, in the order of `pagewalk formats`; NULL if @index is not below their number. */
const struct pw_format *pw_format_at(size_t index);

/*
 * Reads a format described by data alone (grammar: pagewalk-format(5)) from the file @path.
 * Returns 0, or a negative errno and, in @error, the line with the mistake. The caller releases the format by
 * pw_format_unload when no regime uses it any more.
 */
int pw_format_load(const char *path, const struct pw_format **format_ret, struct pw_error *error);
void pw_format_unload(const struct pw_format *format);

/* The numbers and names of a format. Pointers stay valid as long as the format does. */
struct pw_geometry {
	const char *name;
	const char *title; /* "s390x DAT, 2 to 5 tables" */
	const char *root_name; /* the architecture's name for the root word: "CR3", "ASCE" */
	unsigned levels; /* of the deepest regime */
	const char
		*level_name[PW_MAX_LEVELS]; /* the architecture's word for an entry of that level */
	unsigned shift[PW_MAX_LEVELS]; /* log2 of what one entry of that level covers */
	unsigned bits[PW_MAX_LEVELS]; /* log2 of the entries of a table of that level */
	unsigned entry_bytes;
	unsigned leaf_levels; /* bit n set: entries of level n may be leaves */
	unsigned max_roots;
	bool big_endian;
	uint32_t registers; /* enum pw_register: those that decide something in this format */
	/*
	 * The names of the machines that walk these tables, as they call themselves, separated by blanks:
	 * "i386", "riscv64 riscv32". NULL: the memory of any machine can hold them, or it is not known.
	 */
	const char *machines;
};

void pw_format_geometry(const struct pw_format *format, struct pw_geometry *geometry_ret);

/* "pte", "segment", ...: the name of an entry of @level, as results and messages print it. */
const char *pw_level_name(const struct pw_format *format, unsigned level);

/* "ok", "none", "swap", ... as in the JSON output; "?" for a value out of range. */
const char *pw_status_name(enum pw_status status);

/* Writes the permission bits of @attr to @text, as "rw-u". Returns @text. */
char *pw_prot_string(unsigned attr, char text[5]);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif
#endif
