/* SPDX-License-Identifier: MIT */
/* How kernels fold the levels of user-mode Linux. */
#ifndef PW_FORMAT_UM_FOLDS_H
#define PW_FORMAT_UM_FOLDS_H

#include "format/fold_style.h"

static const struct fold_style fold_um_2 = {
	.format = "um_2",
	.name = "static",
	.built = "2 levels",
	.how = FOLD_STATIC,
	.top = FOLD_PMD,
	.pgd_shift = 22,
	.pgd_bits = 10,
	.crop = { 12, FOLD_NO_CROP, FOLD_NO_CROP, FOLD_NO_CROP, 22 },
};

static const struct fold_style fold_um_3 = {
	.format = "um_3",
	.name = "static",
	.built = "3 levels",
	.how = FOLD_STATIC,
	.top = FOLD_PUD,
	.pgd_shift = 30,
	.pgd_bits = 9,
	.crop = { 12, 21, FOLD_NO_CROP, FOLD_NO_CROP, 30 },
};

static const struct fold_style fold_um_4 = {
	.format = "um_4",
	.name = "static",
	.built = "4 levels",
	.how = FOLD_STATIC,
	.top = FOLD_P4D,
	.pgd_shift = 39,
	.pgd_bits = 9,
	.crop = { 12, 21, 30, FOLD_NO_CROP, 39 },
};

#endif
