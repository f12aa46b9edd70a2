/* SPDX-License-Identifier: MIT */
/*
 * How a kernel folds one format's levels into the five that Linux has names for. Each format's styles
 * stand beside it, in FOO_folds.h. Only the laboratory (lab/) walks by them. The library's own walks do not:
 * a format's root() decides at which level they start.
 *
 *   static    include/asm-generic/pgtable-nop4d.h, -nopud.h, -nopmd.h: the folded pXd_offset returns
 *             its pointer, pXd_addr_end returns its end; the range was cropped at the top
 *   mode      x86 pgtable_64_types.h (pgdir_shift, ptrs_per_p4d), riscv pgtable-64.h (satp mode): as
 *             static, but PxD_SIZE of a folded level is still what it was compiled to
 *   value     s390 pgtable.h: the type in each entry decides, pXd_addr_end has the sizes of 5 levels
 *   reindex   arm64 pgtable.h, p4d_to_folded_pud(): page of the pointer given, plus an own index
 *
 * Levels are numbered as in the formats, from the leaf: pte 0, pmd 1, pud 2, p4d 3, pgd 4.
 */
#ifndef PW_FORMAT_FOLD_STYLE_H
#define PW_FORMAT_FOLD_STYLE_H

#include <stdint.h>

enum {
	FOLD_LEVELS = 5,
	FOLD_PTE = 0,
	FOLD_PMD = 1,
	FOLD_PUD = 2,
	FOLD_P4D = 3,
	FOLD_PGD = 4,
	FOLD_NO_CROP = 64, /* a pXd_addr_end that returns its end */
};

/* How a level that the machine does not have is folded. */
enum fold_how {
	FOLD_STATIC, /* when the kernel is compiled */
	FOLD_MODE, /* when the CPU's mode is known: shifts change with it */
	FOLD_VALUE, /* each entry names its level; sizes stay those of five levels */
	FOLD_REINDEX, /* the level shares the table above it, with an index of its own */
};

/* One way in which a kernel folds one format's levels. */
struct fold_style {
	const char *format;
	const char *name; /* "static", "mode", "value", "reindex" */
	const char *built; /* the kernel's build: "built for 52-bit addresses, no LPA2" */
	enum fold_how how;
	uint8_t top; /* level that the top table really is; FOLD_VALUE: of the deepest walk */
	uint8_t pgd_shift, pgd_bits; /* of pgd_index(); FOLD_VALUE: the first entry says */
	/* pXd_addr_end crops to 2^crop, or FOLD_NO_CROP; from the pte up */
	uint8_t crop[FOLD_LEVELS];
};

#endif
