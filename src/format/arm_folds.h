/* SPDX-License-Identifier: MIT */
/* How kernels fold the levels of arm, in short and in long descriptors. */
#ifndef PW_FORMAT_ARM_FOLDS_H
#define PW_FORMAT_ARM_FOLDS_H

#include "format/fold_style.h"

/* In Linux one pgd_t holds two of these entries. Here each entry counts: the tables are the hardware's. */
static const struct fold_style fold_arm = {
	.format = "arm",
	.name = "static",
	.built = "2 levels, one pgd_t for each hardware entry",
	.how = FOLD_STATIC,
	.top = FOLD_PMD,
	.pgd_shift = 20,
	.pgd_bits = 12,
	.crop = { 12, FOLD_NO_CROP, FOLD_NO_CROP, FOLD_NO_CROP, 20 },
};

static const struct fold_style fold_arm_lpae = {
	.format = "arm_lpae",
	.name = "static",
	.built = "built for LPAE, 3 levels",
	.how = FOLD_STATIC,
	.top = FOLD_PUD,
	.pgd_shift = 30,
	.pgd_bits = 2,
	.crop = { 12, 21, FOLD_NO_CROP, FOLD_NO_CROP, 30 },
};

#endif
