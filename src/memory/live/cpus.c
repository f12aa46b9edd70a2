/* SPDX-License-Identifier: MIT */
/*
 * Roots and formats of running CPUs:
 *
 *   machine    root registers            what chooses the format
 *   x86        CR3                       CR0.PG, CR4.PAE, CR4.LA57, EFER.LMA
 *   arm64      TTBR0_EL1, TTBR1_EL1      SCTLR_EL1.M, TCR_EL1: granule and size
 *   arm        TTBR0, TTBR1              SCTLR.M, TTBCR.EAE
 *   s390x      CR1, CR7, CR13            the words themselves
 *   riscv      satp                      satp.MODE
 *   ppc64      none: a process table in memory, which only a powernv's PTCR leads to
 */
#include "memory/live/cpus.h"

#include <stdio.h>
#include <string.h>

#include "memory/x86_mode.h"

enum {
	/* Bytes of exception vectors. */
	ARM64_VECTORS = 0x800,
	ARM_VECTORS = 32,
	RISCV_VECTOR = 4,
	ARM_SCTLR_V = 1 << 13,
};
static const pw_va ARM_HIGH_VECTORS = 0xffff0000;

static int out_of_memory(struct pw_error *error)
{
	return pw_fail(error, ENOMEM, "out of memory");
}

static bool get(const struct pw_live_cpu *cpu, const char *name, uint64_t *value)
{
	*value = 0;
	return cpu->get(cpu->context, name, value);
}

static struct pw_cpu *add(struct pw_memory *memory, const struct pw_live_cpu *cpu, const char *what)
{
	struct pw_cpu *one = pw_memory_add_cpu(memory);

	if (!one)
		return NULL;
	one->id = cpu->id;
	snprintf(one->origin, sizeof(one->origin), "%s, %s", cpu->from, what);
	return one;
}

/* Intel SDM volume 3, 2.5. */
static int add_x86(struct pw_memory *memory, const struct pw_live_cpu *cpu, struct pw_error *error)
{
	uint64_t cr0, cr3, cr4, efer, idt, limit;
	bool told = get(cpu, "cr0", &cr0) && get(cpu, "cr3", &cr3) && get(cpu, "cr4", &cr4);
	bool paging = told && cr0 & PW_X86_CR0_PG;
	struct pw_cpu *one = add(memory, cpu,
				 paging ? "CR3"
				 : told ? "CR0: paging was off"
					: "which does not tell CR3");

	if (!one)
		return out_of_memory(error);
	if (!paging)
		return 0;
	get(cpu, "efer", &efer);
	one->format = pw_x86_mode(cr0, cr4, efer & PW_X86_EFER_LMA);
	one->roots = 1;
	one->root[0] = cr3;
	one->registers.known = PW_REGISTER_CR4;
	one->registers.cr4 = cr4;
	if (get(cpu, "idt", &idt) && get(cpu, PW_LIVE_IDT_LIMIT, &limit)) {
		one->vectors = idt;
		one->vectors_bytes = (uint32_t)(limit & 0xffff) + 1;
	}
	return 0;
}

/* DDI 0487, TCR_EL1: the granule of each half, and 64 minus the bits of its addresses. */
static const char *arm64_format(uint64_t tcr, bool high)
{
	static const struct {
		unsigned granule, bits;
		const char *name;
	} names[] = {
		{ 4, 39, "arm64_4k_39" },   { 4, 48, "arm64_4k_48" },   { 4, 52, "arm64_4k_52" },
		{ 16, 36, "arm64_16k_36" }, { 16, 47, "arm64_16k_47" }, { 16, 48, "arm64_16k_48" },
		{ 16, 52, "arm64_16k_52" }, { 64, 42, "arm64_64k_42" }, { 64, 48, "arm64_64k_48" },
		{ 64, 52, "arm64_64k_52" },
	};
	static const unsigned low_granule[4] = { 4, 64, 16, 0 }, high_granule[4] = { 0, 16, 4, 64 };
	unsigned granule = high ? high_granule[tcr >> 30 & 3] : low_granule[tcr >> 14 & 3];
	unsigned bits = 64 - (unsigned)(tcr >> (high ? 16 : 0) & 0x3f);

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].granule == granule && names[i].bits == bits)
			return names[i].name;
	return NULL;
}

static int add_arm64(struct pw_memory *memory, const struct pw_live_cpu *cpu,
		     struct pw_error *error)
{
	uint64_t sctlr, low, high, tcr, mair, vbar;
	bool told = get(cpu, "TCR_EL1", &tcr) && get(cpu, "TTBR0_EL1", &low) &&
		    get(cpu, "TTBR1_EL1", &high) && get(cpu, "SCTLR", &sctlr);
	bool on = told && (sctlr & 1);
	const char *format = on ? arm64_format(tcr, true) : NULL;
	struct pw_cpu *one = add(memory, cpu,
				 format ? "TTBR0_EL1, TTBR1_EL1"
				 : on   ? "TCR_EL1 of an unknown kind"
				 : told ? "SCTLR_EL1: the MMU was off"
					: "which does not tell TTBR1_EL1");

	if (!one)
		return out_of_memory(error);
	if (!format)
		return 0;
	one->format = format;
	one->roots = 2;
	/* User space may have another size than the kernel; then it has another format. */
	one->root[0] = arm64_format(tcr, false) == format ? low : PW_ROOT_ABSENT;
	one->root[1] = high;
	one->registers.known = PW_REGISTER_TCR;
	one->registers.tcr = tcr;
	if (get(cpu, "MAIR_EL1", &mair)) {
		one->registers.known |= PW_REGISTER_MAIR;
		one->registers.mair = mair;
	}
	if (get(cpu, "VBAR", &vbar)) {
		one->vectors = vbar;
		one->vectors_bytes = ARM64_VECTORS;
	}
	return 0;
}

/* DDI 0406C, B4.1.153: TTBR1 takes part if EAE (bit 31) or N (2:0) is set. */
static int add_arm(struct pw_memory *memory, const struct pw_live_cpu *cpu, struct pw_error *error)
{
	uint64_t sctlr, low, high, ttbcr, vbar;
	bool told = get(cpu, "TTBCR", &ttbcr) && get(cpu, "TTBR0", &low) &&
		    get(cpu, "TTBR1", &high) && get(cpu, "SCTLR", &sctlr);
	bool on = told && (sctlr & 1);
	struct pw_cpu *one = add(memory, cpu,
				 on     ? "TTBR0, TTBR1"
				 : told ? "SCTLR: the MMU was off"
					: "which does not tell TTBR0");

	if (!one)
		return out_of_memory(error);
	if (!on)
		return 0;
	one->format = ttbcr >> 31 & 1 ? "arm_lpae" : "arm";
	one->roots = ttbcr >> 31 & 1 || ttbcr & 7 ? 2 : 1;
	one->root[0] = low;
	one->root[1] = high;
	one->registers.known = PW_REGISTER_TCR;
	one->registers.tcr = ttbcr;
	/* DDI 0406C B1.8.1: SCTLR.V chooses the high vectors, which no register moves. */
	if (get(cpu, "VBAR", &vbar) || sctlr & ARM_SCTLR_V) {
		one->vectors = sctlr & ARM_SCTLR_V ? ARM_HIGH_VECTORS : vbar;
		one->vectors_bytes = ARM_VECTORS;
	}
	return 0;
}

/* As for a dump: Linux keeps the kernel's space in CR13, the process's in CR7, and one of them in CR1. */
static int add_s390(struct pw_memory *memory, const struct pw_live_cpu *cpu, struct pw_error *error)
{
	static const struct {
		const char *name, *what;
	} spaces[] = {
		{ "cr1", "CR1 (primary)" },
		{ "cr7", "CR7 (secondary: user space)" },
		{ "cr13", "CR13 (home: kernel space)" },
	};
	uint64_t asce[3], prefix;
	bool prefixed = get(cpu, "prefix", &prefix), any = false;

	for (unsigned i = 0; i < 3; i++)
		get(cpu, spaces[i].name, &asce[i]);
	for (unsigned i = 0; i < 3; i++) {
		struct pw_cpu *one;

		if (!asce[i] || (i < 2 && asce[i] == asce[2]) || (i == 1 && asce[1] == asce[0]))
			continue;
		one = add(memory, cpu, spaces[i].what);
		if (!one)
			return out_of_memory(error);
		any = true;
		one->format = "s390x";
		one->roots = 1;
		one->root[0] = asce[i];
		if (prefixed) {
			one->registers.known = PW_REGISTER_PREFIX;
			one->registers.prefix = prefix & 0x7fffe000;
		}
	}
	return any || add(memory, cpu, "no space was set") ? 0 : out_of_memory(error);
}

static int add_riscv(struct pw_memory *memory, const struct pw_live_cpu *cpu, bool wide,
		     struct pw_error *error)
{
	uint64_t satp = 0, stvec;
	bool told = get(cpu, "satp", &satp);
	uint64_t mode = wide ? satp >> 60 : satp >> 31 & 1;
	struct pw_cpu *one = add(memory, cpu,
				 !told  ? "which does not tell satp"
				 : mode ? "satp"
					: "satp: paging was off");

	if (!one)
		return out_of_memory(error);
	if (mode == 0)
		return 0;
	one->format = !wide        ? "riscv_sv32"
		      : mode == 8  ? "riscv_sv39"
		      : mode == 9  ? "riscv_sv48"
		      : mode == 10 ? "riscv_sv57"
				   : NULL;
	if (!one->format)
		return 0;
	one->roots = 1;
	one->root[0] = satp;
	/* The two lowest bits are the mode. */
	if (get(cpu, "stvec", &stvec)) {
		one->vectors = stvec & ~UINT64_C(3);
		one->vectors_bytes = RISCV_VECTOR;
	}
	return 0;
}

int pw_live_add_cpu(struct pw_memory *memory, const char *machine, const struct pw_live_cpu *cpu,
		    struct pw_error *error)
{
	uint64_t unused;

	if (strcmp(machine, "x86_64") == 0 || strcmp(machine, "i386") == 0)
		return add_x86(memory, cpu, error);
	/* A 64-bit emulator may have a 32-bit CPU. */
	if (strcmp(machine, "aarch64") == 0 && get(cpu, "TCR_EL1", &unused))
		return add_arm64(memory, cpu, error);
	if (strcmp(machine, "aarch64") == 0 || strcmp(machine, "arm") == 0)
		return add_arm(memory, cpu, error);
	if (strcmp(machine, "s390x") == 0)
		return add_s390(memory, cpu, error);
	if (strncmp(machine, "riscv", 5) == 0)
		return add_riscv(memory, cpu, strcmp(machine, "riscv32") != 0, error);
	return add(memory, cpu, "no register holds a root") ? 0 : out_of_memory(error);
}

const char *pw_live_machine(const char *architecture)
{
	static const struct {
		const char *theirs, *ours;
	} names[] = {
		{ "i386:x86-64", "x86_64" }, { "i386", "i386" },
		{ "aarch64", "aarch64" },    { "arm", "arm" },
		{ "s390:64-bit", "s390x" },  { "riscv:rv64", "riscv64" },
		{ "riscv:rv32", "riscv32" }, { "powerpc", "ppc64" },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strncmp(architecture, names[i].theirs, strlen(names[i].theirs)) == 0)
			return names[i].ours;
	return NULL;
}
