/* SPDX-License-Identifier: MIT */
/*
 * Which kernel folds which format how. To add a format: one constant here, one line in style.c.
 *
 *   static    include/asm-generic/pgtable-nop4d.h, -nopud.h, -nopmd.h: the folded pXd_offset returns
 *             its pointer, pXd_addr_end returns its end; the range was cropped at the top
 *   mode      x86 pgtable_64_types.h (pgdir_shift, ptrs_per_p4d), riscv pgtable-64.h (satp mode): as
 *             static, but PxD_SIZE of a folded level is still what it was compiled to
 *   value     s390 pgtable.h: the type in each entry decides, pXd_addr_end has the sizes of 5 levels
 *   reindex   arm64 pgtable.h, p4d_to_folded_pud(): page of the pointer given, plus an own index
 *
 * crop[] reads from the pte up: { pte, pmd, pud, p4d, pgd }.
 */
#ifndef LAB_STYLE_H
#define LAB_STYLE_H

#include "lab/fold.h"

enum { FOLD_ALL = FOLD_NO_CROP };

/* ---- by the CPU's mode ---- */

static const struct fold_style fold_x86_64 = {
	.format = "x86_64",
	.name = "mode",
	.built = "built for 5 levels, CR4.LA57 off",
	.how = FOLD_MODE,
	.top = FOLD_P4D,
	.pgd_shift = 39,
	.pgd_bits = 9,
	.crop = { 12, 21, 30, 39, 39 },
};

static const struct fold_style fold_x86_64_la57 = {
	.format = "x86_64_la57",
	.name = "mode",
	.built = "built for 5 levels, CR4.LA57 on",
	.how = FOLD_MODE,
	.top = FOLD_PGD,
	.pgd_shift = 48,
	.pgd_bits = 9,
	.crop = { 12, 21, 30, 39, 48 },
};

static const struct fold_style fold_riscv_sv39 = {
	.format = "riscv_sv39",
	.name = "mode",
	.built = "built for Sv57, satp says Sv39",
	.how = FOLD_MODE,
	.top = FOLD_PUD,
	.pgd_shift = 30,
	.pgd_bits = 9,
	.crop = { 12, 21, 30, 39, 30 },
};

static const struct fold_style fold_riscv_sv48 = {
	.format = "riscv_sv48",
	.name = "mode",
	.built = "built for Sv57, satp says Sv48",
	.how = FOLD_MODE,
	.top = FOLD_P4D,
	.pgd_shift = 39,
	.pgd_bits = 9,
	.crop = { 12, 21, 30, 39, 39 },
};

static const struct fold_style fold_riscv_sv57 = {
	.format = "riscv_sv57",
	.name = "mode",
	.built = "built for Sv57",
	.how = FOLD_MODE,
	.top = FOLD_PGD,
	.pgd_shift = 48,
	.pgd_bits = 9,
	.crop = { 12, 21, 30, 39, 48 },
};

/* ---- by the entry's value ---- */

static const struct fold_style fold_s390x = {
	.format = "s390x",
	.name = "value",
	.built = "5 levels, as many tables as the process needs",
	.how = FOLD_VALUE,
	.top = FOLD_PGD,
	.pgd_shift = 53,
	.pgd_bits = 11,
	.crop = { 12, 20, 31, 42, 53 },
};

/* ---- an own index into the same table ---- */

static const struct fold_style fold_arm64_16k_47_of_52 = {
	.format = "arm64_16k_47",
	.name = "reindex",
	.built = "built for 52-bit addresses, CPU without LPA2",
	.how = FOLD_REINDEX,
	.top = FOLD_PUD,
	.pgd_shift = 47,
	.pgd_bits = 5,
	.crop = { 14, 25, 36, FOLD_ALL, 47 },
};

static const struct fold_style fold_arm64_4k_48_of_52 = {
	.format = "arm64_4k_48",
	.name = "reindex",
	.built = "built for 52-bit addresses, CPU without LPA2",
	.how = FOLD_REINDEX,
	.top = FOLD_P4D,
	.pgd_shift = 48,
	.pgd_bits = 4,
	.crop = { 12, 21, 30, 39, 48 },
};

/* ---- when the kernel is compiled ---- */

static const struct fold_style fold_x86_64_static = {
	.format = "x86_64",
	.name = "static",
	.built = "built for 4 levels",
	.how = FOLD_STATIC,
	.top = FOLD_P4D,
	.pgd_shift = 39,
	.pgd_bits = 9,
	.crop = { 12, 21, 30, FOLD_ALL, 39 },
};

static const struct fold_style fold_i386 = {
	.format = "i386",
	.name = "static",
	.built = "built for 2 levels",
	.how = FOLD_STATIC,
	.top = FOLD_PMD,
	.pgd_shift = 22,
	.pgd_bits = 10,
	.crop = { 12, FOLD_ALL, FOLD_ALL, FOLD_ALL, 22 },
};

static const struct fold_style fold_i386_pae = {
	.format = "i386_pae",
	.name = "static",
	.built = "built for PAE, 3 levels",
	.how = FOLD_STATIC,
	.top = FOLD_PUD,
	.pgd_shift = 30,
	.pgd_bits = 2,
	.crop = { 12, 21, FOLD_ALL, FOLD_ALL, 30 },
};

/* Linux takes two of these entries for one pgd_t; the tables are the hardware's. */
static const struct fold_style fold_arm = {
	.format = "arm",
	.name = "static",
	.built = "2 levels, one pgd_t for each hardware entry",
	.how = FOLD_STATIC,
	.top = FOLD_PMD,
	.pgd_shift = 20,
	.pgd_bits = 12,
	.crop = { 12, FOLD_ALL, FOLD_ALL, FOLD_ALL, 20 },
};

static const struct fold_style fold_arm_lpae = {
	.format = "arm_lpae",
	.name = "static",
	.built = "built for LPAE, 3 levels",
	.how = FOLD_STATIC,
	.top = FOLD_PUD,
	.pgd_shift = 30,
	.pgd_bits = 2,
	.crop = { 12, 21, FOLD_ALL, FOLD_ALL, 30 },
};

static const struct fold_style fold_arm64_4k_39 = {
	.format = "arm64_4k_39",
	.name = "static",
	.built = "built for 39-bit addresses, 3 levels",
	.how = FOLD_STATIC,
	.top = FOLD_PUD,
	.pgd_shift = 30,
	.pgd_bits = 9,
	.crop = { 12, 21, FOLD_ALL, FOLD_ALL, 30 },
};

static const struct fold_style fold_arm64_4k_48 = {
	.format = "arm64_4k_48",
	.name = "static",
	.built = "built for 48-bit addresses, 4 levels",
	.how = FOLD_STATIC,
	.top = FOLD_P4D,
	.pgd_shift = 39,
	.pgd_bits = 9,
	.crop = { 12, 21, 30, FOLD_ALL, 39 },
};

static const struct fold_style fold_arm64_4k_52 = {
	.format = "arm64_4k_52",
	.name = "reindex",
	.built = "built for 52-bit addresses, CPU with LPA2: nothing folded",
	.how = FOLD_REINDEX,
	.top = FOLD_PGD,
	.pgd_shift = 48,
	.pgd_bits = 4,
	.crop = { 12, 21, 30, 39, 48 },
};

static const struct fold_style fold_arm64_16k_36 = {
	.format = "arm64_16k_36",
	.name = "static",
	.built = "built for 36-bit addresses, 2 levels",
	.how = FOLD_STATIC,
	.top = FOLD_PMD,
	.pgd_shift = 25,
	.pgd_bits = 11,
	.crop = { 14, FOLD_ALL, FOLD_ALL, FOLD_ALL, 25 },
};

static const struct fold_style fold_arm64_16k_47 = {
	.format = "arm64_16k_47",
	.name = "static",
	.built = "built for 47-bit addresses, 3 levels",
	.how = FOLD_STATIC,
	.top = FOLD_PUD,
	.pgd_shift = 36,
	.pgd_bits = 11,
	.crop = { 14, 25, FOLD_ALL, FOLD_ALL, 36 },
};

static const struct fold_style fold_arm64_16k_48 = {
	.format = "arm64_16k_48",
	.name = "static",
	.built = "built for 48-bit addresses, 4 levels",
	.how = FOLD_STATIC,
	.top = FOLD_P4D,
	.pgd_shift = 47,
	.pgd_bits = 1,
	.crop = { 14, 25, 36, FOLD_ALL, 47 },
};

static const struct fold_style fold_arm64_16k_52 = {
	.format = "arm64_16k_52",
	.name = "static",
	.built = "built for 52-bit addresses, CPU with LPA2, 4 levels",
	.how = FOLD_STATIC,
	.top = FOLD_P4D,
	.pgd_shift = 47,
	.pgd_bits = 5,
	.crop = { 14, 25, 36, FOLD_ALL, 47 },
};

static const struct fold_style fold_arm64_64k_42 = {
	.format = "arm64_64k_42",
	.name = "static",
	.built = "built for 42-bit addresses, 2 levels",
	.how = FOLD_STATIC,
	.top = FOLD_PMD,
	.pgd_shift = 29,
	.pgd_bits = 13,
	.crop = { 16, FOLD_ALL, FOLD_ALL, FOLD_ALL, 29 },
};

static const struct fold_style fold_arm64_64k_48 = {
	.format = "arm64_64k_48",
	.name = "static",
	.built = "built for 48-bit addresses, 3 levels",
	.how = FOLD_STATIC,
	.top = FOLD_PUD,
	.pgd_shift = 42,
	.pgd_bits = 6,
	.crop = { 16, 29, FOLD_ALL, FOLD_ALL, 42 },
};

static const struct fold_style fold_arm64_64k_52 = {
	.format = "arm64_64k_52",
	.name = "static",
	.built = "built for 52-bit addresses, 3 levels",
	.how = FOLD_STATIC,
	.top = FOLD_PUD,
	.pgd_shift = 42,
	.pgd_bits = 10,
	.crop = { 16, 29, FOLD_ALL, FOLD_ALL, 42 },
};

static const struct fold_style fold_ppc64_radix_4k = {
	.format = "ppc64_radix_4k",
	.name = "static",
	.built = "built for 4 KiB pages, 4 levels",
	.how = FOLD_STATIC,
	.top = FOLD_P4D,
	.pgd_shift = 39,
	.pgd_bits = 13,
	.crop = { 12, 21, 30, FOLD_ALL, 39 },
};

static const struct fold_style fold_ppc64_radix_64k = {
	.format = "ppc64_radix_64k",
	.name = "static",
	.built = "built for 64 KiB pages, 4 levels",
	.how = FOLD_STATIC,
	.top = FOLD_P4D,
	.pgd_shift = 39,
	.pgd_bits = 13,
	.crop = { 16, 21, 30, FOLD_ALL, 39 },
};

static const struct fold_style fold_riscv_sv32 = {
	.format = "riscv_sv32",
	.name = "static",
	.built = "built for 32 bits, 2 levels",
	.how = FOLD_STATIC,
	.top = FOLD_PMD,
	.pgd_shift = 22,
	.pgd_bits = 10,
	.crop = { 12, FOLD_ALL, FOLD_ALL, FOLD_ALL, 22 },
};

static const struct fold_style fold_sparc64_sun4u = {
	.format = "sparc64_sun4u",
	.name = "static",
	.built = "4 levels",
	.how = FOLD_STATIC,
	.top = FOLD_P4D,
	.pgd_shift = 43,
	.pgd_bits = 10,
	.crop = { 13, 23, 33, FOLD_ALL, 43 },
};

static const struct fold_style fold_sparc64_sun4v = {
	.format = "sparc64_sun4v",
	.name = "static",
	.built = "4 levels",
	.how = FOLD_STATIC,
	.top = FOLD_P4D,
	.pgd_shift = 43,
	.pgd_bits = 10,
	.crop = { 13, 23, 33, FOLD_ALL, 43 },
};

static const struct fold_style fold_um_2 = {
	.format = "um_2",
	.name = "static",
	.built = "2 levels",
	.how = FOLD_STATIC,
	.top = FOLD_PMD,
	.pgd_shift = 22,
	.pgd_bits = 10,
	.crop = { 12, FOLD_ALL, FOLD_ALL, FOLD_ALL, 22 },
};

static const struct fold_style fold_um_3 = {
	.format = "um_3",
	.name = "static",
	.built = "3 levels",
	.how = FOLD_STATIC,
	.top = FOLD_PUD,
	.pgd_shift = 30,
	.pgd_bits = 9,
	.crop = { 12, 21, FOLD_ALL, FOLD_ALL, 30 },
};

static const struct fold_style fold_um_4 = {
	.format = "um_4",
	.name = "static",
	.built = "4 levels",
	.how = FOLD_STATIC,
	.top = FOLD_P4D,
	.pgd_shift = 39,
	.pgd_bits = 9,
	.crop = { 12, 21, 30, FOLD_ALL, 39 },
};

#endif
