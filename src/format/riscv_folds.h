/* SPDX-License-Identifier: MIT */
/* How kernels fold the levels of riscv. */
#ifndef PW_FORMAT_RISCV_FOLDS_H
#define PW_FORMAT_RISCV_FOLDS_H

#include "format/fold_style.h"

static const struct fold_style fold_riscv_sv32 = {
	.format = "riscv_sv32",
	.name = "static",
	.built = "built for 32 bits, 2 levels",
	.how = FOLD_STATIC,
	.top = FOLD_PMD,
	.pgd_shift = 22,
	.pgd_bits = 10,
	.crop = { 12, FOLD_NO_CROP, FOLD_NO_CROP, FOLD_NO_CROP, 22 },
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

#endif
