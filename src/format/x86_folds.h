/* SPDX-License-Identifier: MIT */
/* How kernels fold the levels of x86. */
#ifndef PW_FORMAT_X86_FOLDS_H
#define PW_FORMAT_X86_FOLDS_H

#include "format/fold_style.h"

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

static const struct fold_style fold_x86_64_static = {
	.format = "x86_64",
	.name = "static",
	.built = "built for 4 levels",
	.how = FOLD_STATIC,
	.top = FOLD_P4D,
	.pgd_shift = 39,
	.pgd_bits = 9,
	.crop = { 12, 21, 30, FOLD_NO_CROP, 39 },
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

static const struct fold_style fold_i386 = {
	.format = "i386",
	.name = "static",
	.built = "built for 2 levels",
	.how = FOLD_STATIC,
	.top = FOLD_PMD,
	.pgd_shift = 22,
	.pgd_bits = 10,
	.crop = { 12, FOLD_NO_CROP, FOLD_NO_CROP, FOLD_NO_CROP, 22 },
};

static const struct fold_style fold_i386_pae = {
	.format = "i386_pae",
	.name = "static",
	.built = "built for PAE, 3 levels",
	.how = FOLD_STATIC,
	.top = FOLD_PUD,
	.pgd_shift = 30,
	.pgd_bits = 2,
	.crop = { 12, 21, FOLD_NO_CROP, FOLD_NO_CROP, 30 },
};

#endif
