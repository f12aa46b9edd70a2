/* SPDX-License-Identifier: MIT */
/*
 * Finds a kernel's own page tables. VMCOREINFO gives the virtual address of swapper_pg_dir. Each architecture
 * turns it into a physical address in another way; most subtract a number:
 *
 *   x86_64   subtract __START_KERNEL_map (0xffffffff80000000), then add phys_base
 *   arm64    subtract kimage_voffset; PAGESIZE and TCR_EL1_T1SZ give the format
 *   riscv    satp is the root word itself (since 6.4); else subtract va_kernel_pa_offset; VA_BITS gives
 *            the format
 *   s390x    subtract KERNELOFFSET, add KERNELOFFPHYS (since 6.10); before that, both addresses are the
 *            same. The first entry gives the level of the table
 *   ppc64    subtract 0xc000000000000000
 *   i386, arm (whose kernels state nothing)   use the PT_LOAD that holds the symbol; else try the usual
 *            numbers. With the right one, the tables map themselves
 *
 * arch/ARCH/kernel/vmcore_info*.c of 6.1 to 7.2; Documentation/admin-guide/kdump/vmcoreinfo.rst.
 */
#include <stdio.h>
#include <string.h>

#include "memory/vmcoreinfo.h"
#include "memory/xen.h"

struct root {
	const char *format, *symbol;
	pw_va va; /* of the table; 0: not known */
	uint64_t word[PW_MAX_ROOTS];
	unsigned words;
};

static const pw_va X86_64_KERNEL_MAP = UINT64_C(0xffffffff80000000);
static const pw_va PPC64_LINEAR = UINT64_C(0xc000000000000000);

static void set_root(struct root *root, const char *format, uint64_t word)
{
	root->format = format;
	root->words = 1;
	root->word[0] = word;
}

/* The symbol's physical address by the PT_LOAD that holds it, as Linux writes them for /proc/vmcore. */
static bool by_load(const struct pw_memory *memory, pw_va va, pw_pa *pa)
{
	*pa = memory->swapper_pa;
	return memory->swapper_va == va && va != 0;
}

static bool x86_64_root(const struct pw_memory *memory, struct root *root)
{
	static const char *const symbols[] = { "init_top_pgt", "init_level4_pgt",
					       "swapper_pg_dir" };
	uint64_t five = 0, base;
	pw_va va = 0;
	pw_pa pa;

	for (unsigned i = 0; i < 3 && va == 0; i++) {
		root->symbol = symbols[i];
		pw_vmcoreinfo_symbol(memory, symbols[i], &va);
	}
	if (va < X86_64_KERNEL_MAP)
		return false;
	root->va = va;
	pw_vmcoreinfo_number(memory, "pgtable_l5_enabled", &five);
	if (pw_vmcoreinfo_number(memory, "phys_base", &base))
		pa = va - X86_64_KERNEL_MAP + base;
	else if (!by_load(memory, va, &pa))
		pa = va - X86_64_KERNEL_MAP;
	set_root(root, five ? "x86_64_la57" : "x86_64", pa);
	return pw_xen_machine(memory, &root->word[0]);
}

static const char *arm64_format(unsigned page_lg2, uint64_t bits)
{
	static const struct {
		unsigned page_lg2, bits;
		const char *name;
	} names[] = {
		{ 12, 39, "arm64_4k_39" },  { 12, 48, "arm64_4k_48" },  { 12, 52, "arm64_4k_52" },
		{ 14, 36, "arm64_16k_36" }, { 14, 47, "arm64_16k_47" }, { 14, 48, "arm64_16k_48" },
		{ 14, 52, "arm64_16k_52" }, { 16, 42, "arm64_64k_42" }, { 16, 48, "arm64_64k_48" },
		{ 16, 52, "arm64_64k_52" },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].page_lg2 == page_lg2 && names[i].bits == bits)
			return names[i].name;
	return NULL;
}

/* log2 of the page size (4096, 16384 or 65536); 4 KiB if VMCOREINFO does not give it. */
static unsigned page_lg2(const struct pw_memory *memory)
{
	char text[16];

	if (!pw_vmcoreinfo_text(memory, "PAGESIZE", text, sizeof(text)))
		return 12;
	return strcmp(text, "65536") == 0 ? 16 : strcmp(text, "16384") == 0 ? 14 : 12;
}

static bool arm64_root(const struct pw_memory *memory, pw_va va, struct root *root)
{
	uint64_t offset, built, bits, t1sz;
	const char *name;
	pw_pa pa;

	if (pw_vmcoreinfo_number(memory, "kimage_voffset", &offset))
		pa = va - offset;
	else if (!by_load(memory, va, &pa))
		return false;
	if (!pw_vmcoreinfo_number(memory, "VA_BITS", &built))
		built = 48;
	bits = pw_vmcoreinfo_number(memory, "TCR_EL1_T1SZ", &t1sz) && t1sz < 64 ? 64 - t1sz : built;
	name = arm64_format(page_lg2(memory), bits);
	if (!name)
		return false;
	/* A 64K kernel built for 52 bits on a machine with 48: TTBR1 leads to the last 64 of 1024 entries. */
	if (page_lg2(memory) == 16 && built == 52 && bits == 48)
		pa += (1024 - 64) * 8;
	/* TTBR1 holds address bits 51:48 in its bits 5:2. */
	set_root(root, name, PW_ROOT_ABSENT);
	root->word[1] = (pa & pw_mask(48)) | (pa >> 48) << 2;
	root->words = 2;
	return true;
}

static const char *riscv_format(uint64_t mode)
{
	return mode == 8    ? "riscv_sv39"
	       : mode == 9  ? "riscv_sv48"
	       : mode == 10 ? "riscv_sv57"
			    : NULL;
}

static bool riscv_root(const struct pw_memory *memory, pw_va va, struct root *root)
{
	uint64_t satp, bits, offset, mode;
	pw_pa pa;

	if (pw_vmcoreinfo_number(memory, "satp", &satp) && satp != 0) {
		set_root(root, memory->wide ? riscv_format(satp >> 60) : "riscv_sv32", satp);
		root->symbol = "satp";
		return root->format != NULL;
	}
	if (pw_vmcoreinfo_number(memory, "va_kernel_pa_offset", &offset))
		pa = va - offset;
	else if (!by_load(memory, va, &pa))
		return false;
	if (!pw_vmcoreinfo_number(memory, "VA_BITS", &bits))
		return false;
	mode = bits == 39 ? 8 : bits == 48 ? 9 : bits == 57 ? 10 : 0;
	set_root(root, riscv_format(mode), mode << 60 | pa >> 12);
	return root->format != NULL;
}

static bool s390_root(const struct pw_memory *memory, pw_va va, struct root *root)
{
	unsigned char entry[8];
	uint64_t offset, physical;
	pw_pa pa = va;

	if (pw_vmcoreinfo_hex(memory, "KERNELOFFPHYS", &physical) &&
	    pw_vmcoreinfo_hex(memory, "KERNELOFFSET", &offset) && va >= offset)
		pa = va - offset + physical;
	if (pw_memory_read(memory, pa, entry, sizeof(entry)))
		return false;
	/* Bits 3:2 of an entry, and of the ASCE, are the table's type; its length 3 is the whole table. */
	set_root(root, "s390x", (pa & ~pw_mask(12)) | (entry[7] & 0xc) | 3);
	return true;
}

static bool ppc64_root(const struct pw_memory *memory, pw_va va, struct root *root)
{
	uint64_t radix = 1;

	pw_vmcoreinfo_number(memory, "RADIX_MMU", &radix);
	if (!radix || va < PPC64_LINEAR)
		return false;
	/*
	 * A process-table entry's first doubleword: radix tree size 52, root page directory size 13. It is that of
	 * quadrant 3, where the kernel's pointers lead; as a process's, its pages would have other addresses.
	 */
	set_root(root, page_lg2(memory) == 16 ? "ppc64_radix_64k" : "ppc64_radix_4k",
		 PW_ROOT_ABSENT);
	root->word[1] = UINT64_C(0x40000000000000a0) | (va - PPC64_LINEAR) | 13;
	root->words = 2;
	return true;
}

/* Do the tables at @pa map their own virtual address @va to @pa? */
static bool maps_itself(const struct pw_memory *memory, const char *name, pw_va va, pw_pa pa)
{
	struct pw_regime regime;
	struct pw_result result;

	return pw_regime_init(&regime, pw_format_find(name), &pa, 1, NULL, NULL) == 0 &&
	       pw_translate(memory, &regime, va, &result) == PW_OK && result.pa == pa;
}

/* 32-bit kernels map their memory linearly, from one of the addresses in `starts` on (VMSPLIT). */
static bool linear_root(const struct pw_memory *memory, const char *name, pw_va va,
			struct root *root)
{
	static const uint32_t starts[] = { 0xc0000000, 0xb0000000, 0x80000000, 0x78000000,
					   0x40000000 };
	/* Memory starts at 0 on a PC. */
	pw_pa memory_first = memory->machine == EM_386 ? 0 : memory->segments[0].first;
	pw_pa pa;

	memory_first &= ~pw_mask(21);
	if (!by_load(memory, va, &pa)) {
		pa = va - starts[0] + memory_first;
		for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
			pw_pa guess = va - starts[i] + memory_first;

			if (va < starts[i] || !maps_itself(memory, name, va, guess))
				continue;
			pa = guess;
			break;
		}
		if (va < starts[0] && pa == va - starts[0] + memory_first)
			return false;
	}
	set_root(root, name, pa);
	return true;
}

/* QEMU's dumps name an unknown machine, and flat files none. Then keys of VMCOREINFO decide. */
uint16_t pw_vmcoreinfo_machine(const struct pw_memory *memory)
{
	uint64_t number;
	char text[8];

	if (memory->machine != EM_NONE)
		return memory->machine;
	if (pw_vmcoreinfo_symbol(memory, "lowcore_ptr", &number))
		return EM_S390;
	if (pw_vmcoreinfo_number(memory, "RADIX_MMU", &number))
		return EM_PPC64;
	if (pw_vmcoreinfo_number(memory, "phys_base", &number))
		return EM_X86_64;
	if (pw_vmcoreinfo_number(memory, "kimage_voffset", &number))
		return EM_AARCH64;
	if (pw_vmcoreinfo_number(memory, "phys_ram_base", &number))
		return EM_RISCV;
	if (pw_vmcoreinfo_text(memory, "CONFIG_X86_PAE", text, sizeof(text)))
		return EM_386;
	if (pw_vmcoreinfo_text(memory, "CONFIG_ARM_LPAE", text, sizeof(text)))
		return EM_ARM;
	return EM_NONE;
}

static bool find_root(const struct pw_memory *memory, struct root *root)
{
	unsigned machine = pw_vmcoreinfo_machine(memory);
	char text[8];
	pw_va va = 0;

	root->symbol = "swapper_pg_dir";
	if (machine == EM_X86_64)
		return x86_64_root(memory, root);
	if (!pw_vmcoreinfo_symbol(memory, root->symbol, &va))
		return false;
	root->va = va;
	switch (machine) {
	case EM_AARCH64:
		return arm64_root(memory, va, root);
	case EM_RISCV:
		return riscv_root(memory, va, root);
	case EM_S390:
		return s390_root(memory, va, root);
	case EM_PPC64:
		return ppc64_root(memory, va, root);
	case EM_386:
		return linear_root(memory,
				   pw_vmcoreinfo_text(memory, "CONFIG_X86_PAE", text, sizeof(text))
					   ? "i386_pae"
					   : "i386",
				   va, root);
	case EM_ARM:
		return linear_root(memory,
				   pw_vmcoreinfo_text(memory, "CONFIG_ARM_LPAE", text, sizeof(text))
					   ? "arm_lpae"
					   : "arm",
				   va, root);
	default:
		return false;
	}
}

/* The part of a table of 64K pages that one of two roots of arm64 leads to begins up to here after it. */
static const uint64_t TABLE_REST = 8192;

/* Where the kernel's own table is, in virtual and in physical addresses. False: its tables do not map themselves. */
static bool find_table(const struct pw_memory *memory, pw_va *va_ret, pw_pa *pa_ret)
{
	struct root root = { .words = 0 };
	struct pw_result result;
	struct pw_regime regime;

	if (!memory->vmcoreinfo || !find_root(memory, &root) || root.va == 0 ||
	    pw_regime_init(&regime, pw_format_find(root.format), root.word, root.words, NULL,
			   NULL) ||
	    pw_translate(memory, &regime, root.va, &result) != PW_OK)
		return false;
	*va_ret = root.va;
	*pa_ret = result.pa;
	for (unsigned i = 0; i < regime.spans; i++)
		if (regime.span[i].table - result.pa < TABLE_REST)
			return true;
	return false;
}

bool pw_vmcoreinfo_holds(const struct pw_memory *memory)
{
	pw_va va;
	pw_pa pa;

	return find_table(memory, &va, &pa);
}

/* Does @cpu, with its root @word, map @va to @pa? */
static bool maps(const struct pw_memory *memory, const struct pw_cpu *cpu, const uint64_t *word,
		 pw_va va, pw_pa pa)
{
	const struct pw_regime_options options = { .registers = cpu->registers };
	struct pw_regime regime;
	struct pw_result result;

	return pw_regime_init(&regime, pw_format_find(cpu->format), word, cpu->roots, &options,
			      NULL) == 0 &&
	       pw_translate(memory, &regime, va, &result) == PW_OK && result.pa == pa;
}

bool pw_vmcoreinfo_shown(const struct pw_memory *memory, const struct pw_cpu *cpus, size_t count)
{
	/* With page-table isolation, user mode has the page behind the kernel's top table (arch/x86/mm/pti.c). */
	static const uint64_t user_half = 0x1000;
	pw_va va;
	pw_pa pa;

	if (!find_table(memory, &va, &pa))
		return false;
	for (size_t i = 0; i < count; i++) {
		const struct pw_cpu *cpu = &cpus[i];
		uint64_t pair = cpu->root[0] & ~user_half;

		if (cpu->kernel || cpu->roots == 0 || !cpu->format)
			continue;
		if (maps(memory, cpu, cpu->root, va, pa))
			return true;
		if (strncmp(cpu->format, "x86_64", 6) == 0 && maps(memory, cpu, &pair, va, pa))
			return true;
	}
	return false;
}

bool pw_vmcoreinfo_denied(const struct pw_memory *memory, const struct pw_regime *regime)
{
	struct pw_result result;
	pw_va va;
	pw_pa pa;

	return find_table(memory, &va, &pa) && pw_translate(memory, regime, va, &result) == PW_OK &&
	       result.pa != pa;
}

int pw_vmcoreinfo_add_root(struct pw_memory *memory, struct pw_error *error)
{
	struct root root = { .words = 0 };
	struct pw_cpu *cpu;

	if (!memory->vmcoreinfo || !find_root(memory, &root))
		return 0;
	cpu = pw_memory_add_cpu(memory);
	if (!cpu)
		return pw_fail(error, ENOMEM, "out of memory");
	cpu->id = 0;
	cpu->kernel = true;
	cpu->format = root.format;
	cpu->roots = root.words;
	for (unsigned i = 0; i < root.words; i++)
		cpu->root[i] = root.word[i];
	if (memory->vmcoreinfo_origin[0])
		snprintf(cpu->origin, sizeof(cpu->origin), "%s, %s", memory->vmcoreinfo_origin,
			 root.symbol);
	else
		snprintf(cpu->origin, sizeof(cpu->origin), "VMCOREINFO, %s: the kernel's own",
			 root.symbol);
	return 0;
}
