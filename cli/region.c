/* SPDX-License-Identifier: MIT */
/*
 * The regions of Linux's address space.
 * Sources: Documentation/arch/x86/x86_64/mm.rst, Documentation/arch/arm64/memory.rst and
 * Documentation/arch/riscv/vm-layout.rst of Linux 6.6. Where releases since 5.10 differ, one name covers both. On s390x,
 * arch/s390/boot/startup.c computes all places from the size of memory, so only the identity map can be told.
 */
#include "region.h"

#include <string.h>

static const char moved[] = "direct map, vmalloc and vmemmap, moved";

/* From cpu_entry_area on, 4 and 5 levels are alike. With KASLR, the kernel's text may take 1 GiB. */
static const struct region x86_end[] = {
	{ UINT64_C(0xfffffc0000000000), "unused" },
	{ UINT64_C(0xfffffe0000000000), "cpu_entry_area" },
	{ UINT64_C(0xfffffe8000000000), "unused" },
	{ UINT64_C(0xffffff0000000000), "espfix stacks" },
	{ UINT64_C(0xffffff8000000000), "unused" },
	{ UINT64_C(0xffffffef00000000), "EFI" },
	{ UINT64_C(0xffffffff00000000), "unused" },
	{ UINT64_C(0xffffffff80000000), "kernel text" },
	{ UINT64_C(0xffffffffa0000000), "kernel text or modules" },
	{ UINT64_C(0xffffffffc0000000), "modules" },
	{ UINT64_C(0xffffffffff000000), "fixmap" },
	{ UINT64_C(0xffffffffff600000), "vsyscall" },
	{ UINT64_C(0xffffffffff601000), "unused" },
};

static const struct region x86_4[] = {
	{ 0, "user" },
	{ UINT64_C(0xffff800000000000), "guard hole" },
	{ UINT64_C(0xffff880000000000), "LDT remap" },
	{ UINT64_C(0xffff888000000000), "direct map" },
	{ UINT64_C(0xffffc88000000000), "unused" },
	{ UINT64_C(0xffffc90000000000), "vmalloc" },
	{ UINT64_C(0xffffe90000000000), "unused" },
	{ UINT64_C(0xffffea0000000000), "vmemmap" },
	{ UINT64_C(0xffffeb0000000000), "unused" },
	{ UINT64_C(0xffffec0000000000), "KASAN shadow" },
};

static const struct region x86_5[] = {
	{ 0, "user" },
	{ UINT64_C(0xff00000000000000), "guard hole" },
	{ UINT64_C(0xff10000000000000), "LDT remap" },
	{ UINT64_C(0xff11000000000000), "direct map" },
	{ UINT64_C(0xff91000000000000), "unused" },
	{ UINT64_C(0xffa0000000000000), "vmalloc" },
	{ UINT64_C(0xffd2000000000000), "unused" },
	{ UINT64_C(0xffd4000000000000), "vmemmap" },
	{ UINT64_C(0xffd6000000000000), "unused" },
	{ UINT64_C(0xffdf000000000000), "KASAN shadow" },
};

/* Until 6.1, the direct map of Sv39 began at 0xffffffd800000000; since then, 8 GiB below. */
static const struct region riscv_39[] = {
	{ 0, "user" },
	{ UINT64_C(0xffffffc000000000), "fixmap, PCI I/O, vmemmap, vmalloc" },
	{ UINT64_C(0xffffffc800000000), "vmalloc" },
	{ UINT64_C(0xffffffd600000000), "vmalloc or direct map" },
	{ UINT64_C(0xffffffd800000000), "direct map" },
	{ UINT64_C(0xfffffff700000000), "KASAN shadow" },
	{ UINT64_C(0xffffffff00000000), "modules, BPF" },
	{ UINT64_C(0xffffffff80000000), "kernel" },
};

static const struct region riscv_48[] = {
	{ 0, "user" },
	{ UINT64_C(0xffff800000000000), "fixmap" },
	{ UINT64_C(0xffff8d7fff000000), "PCI I/O" },
	{ UINT64_C(0xffff8d8000000000), "vmemmap" },
	{ UINT64_C(0xffff8f8000000000), "vmalloc" },
	{ UINT64_C(0xffffaf8000000000), "direct map" },
	{ UINT64_C(0xffffef8000000000), "KASAN shadow" },
	{ UINT64_C(0xffffffff00000000), "modules, BPF" },
	{ UINT64_C(0xffffffff80000000), "kernel" },
};

static const struct region riscv_57[] = {
	{ 0, "user" },
	{ UINT64_C(0xff00000000000000), "fixmap" },
	{ UINT64_C(0xff1bffffff000000), "PCI I/O" },
	{ UINT64_C(0xff1c000000000000), "vmemmap" },
	{ UINT64_C(0xff20000000000000), "vmalloc" },
	{ UINT64_C(0xff60000000000000), "direct map" },
	{ UINT64_C(0xffdf000000000000), "KASAN shadow" },
	{ UINT64_C(0xffffffff00000000), "modules, BPF" },
	{ UINT64_C(0xffffffff80000000), "kernel" },
};

static void add(struct regions *regions, pw_va first, const char *name)
{
	if (regions->count < REGIONS)
		regions->region[regions->count++] = (struct region){ first, name };
}

static void add_all(struct regions *regions, const struct region *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		add(regions, list[i].first, list[i].name);
}

/*
 * Is the direct map where it is without CONFIG_RANDOMIZE_MEMORY? Then low memory, which every machine has, is mapped
 * there in its order.
 */
static bool direct_map_is_at(const struct pw_memory *memory, const struct pw_regime *regime,
			     pw_va first)
{
	static const uint32_t places[] = { 1u << 12, 1u << 20, 1u << 24, 1u << 26, 1u << 30 };

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		struct pw_result result;

		pw_translate(memory, regime, first + places[i], &result);
		if (result.status == PW_OK)
			return result.pa == places[i];
	}
	return false;
}

static void add_x86(struct regions *regions, const struct pw_memory *memory,
		    const struct pw_regime *regime, bool five)
{
	enum { ALIKE = 3, ALL = 10 }; /* those that no kernel moves */
	const struct region *list = five ? x86_5 : x86_4;
	bool there = direct_map_is_at(memory, regime, list[ALIKE].first);

	add_all(regions, list, there ? ALL : ALIKE);
	if (!there)
		add(regions, list[ALIKE].first, moved);
	add_all(regions, x86_end + !there, sizeof(x86_end) / sizeof(x86_end[0]) - !there);
}

/* The kernel's half begins with the linear map. Kernels for 52 bits lay the rest out as those for 48 bits. */
static void add_arm64(struct regions *regions, const struct pw_regime *regime, const char *name)
{
	pw_va first = regime->span[regime->spans - 1].first, least = UINT64_C(0xffff000000000000);
	pw_va rest = first < least ? least : first;

	add(regions, 0, "user");
	if (!(first >> 63))
		return;
	rest += (UINT64_MAX - rest) / 2 + 1;
	add(regions, first, "linear map");
	if (strcmp(name, "arm64_4k_48") != 0) {
		add(regions, rest, "modules, vmalloc, vmemmap");
		return;
	}
	add(regions, rest, "modules, vmalloc");
	add(regions, UINT64_C(0xfffffbfff0000000), "fixmap");
	add(regions, UINT64_C(0xfffffbfffe000000), "PCI I/O");
	add(regions, UINT64_C(0xfffffc0000000000), "vmemmap");
}

void regions_init(struct regions *regions, const struct pw_memory *memory,
		  const struct pw_regime *regime)
{
	struct pw_geometry geometry;
	const char *name;

	*regions = (struct regions){ 0 };
	pw_format_geometry(regime->format, &geometry);
	name = geometry.name;
	if (strcmp(name, "x86_64") == 0 || strcmp(name, "x86_64_la57") == 0)
		add_x86(regions, memory, regime, strcmp(name, "x86_64") != 0);
	else if (strncmp(name, "arm64_", 6) == 0)
		add_arm64(regions, regime, name);
	else if (strcmp(name, "riscv_sv39") == 0)
		add_all(regions, riscv_39, sizeof(riscv_39) / sizeof(riscv_39[0]));
	else if (strcmp(name, "riscv_sv48") == 0)
		add_all(regions, riscv_48, sizeof(riscv_48) / sizeof(riscv_48[0]));
	else if (strcmp(name, "riscv_sv57") == 0)
		add_all(regions, riscv_57, sizeof(riscv_57) / sizeof(riscv_57[0]));
	regions->identity = strcmp(name, "s390x") == 0;
}

const char *regions_name(const struct regions *regions, const struct pw_range *range)
{
	const char *name = NULL;

	if (range->status == PW_NOT_CANONICAL)
		return NULL;
	if (regions->identity)
		return range->status == PW_OK && range->pa == range->first ? "identity map" : NULL;
	for (unsigned i = 0; i < regions->count && regions->region[i].first <= range->first; i++)
		name = regions->region[i].name;
	return name;
}
