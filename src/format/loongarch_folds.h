/* SPDX-License-Identifier: MIT */
/* How kernels fold the levels of LoongArch64. */
#ifndef PW_FORMAT_LOONGARCH_FOLDS_H
#define PW_FORMAT_LOONGARCH_FOLDS_H

#include "format/fold_style.h"

static const struct fold_style fold_loongarch64_4k = {
	.format = "loongarch64_4k",
	.name = "static",
	.built = "built for 4 KiB pages, 4 levels",
	.how = FOLD_STATIC,
	.top = FOLD_P4D,
	.pgd_shift = 39,
	.pgd_bits = 9,
	.crop = { 12, 21, 30, FOLD_NO_CROP, 39 },
};

static const struct fold_style fold_loongarch64_16k = {
	.format = "loongarch64_16k",
	.name = "static",
	.built = "built for 16 KiB pages, 3 levels",
	.how = FOLD_STATIC,
	.top = FOLD_PUD,
	.pgd_shift = 36,
	.pgd_bits = 11,
	.crop = { 14, 25, FOLD_NO_CROP, FOLD_NO_CROP, 36 },
};

#endif
