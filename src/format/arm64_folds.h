/* SPDX-License-Identifier: MIT */
/* How kernels fold the levels of arm64. */
#ifndef PW_FORMAT_ARM64_FOLDS_H
#define PW_FORMAT_ARM64_FOLDS_H

#include "format/fold_style.h"

static const struct fold_style fold_arm64_4k_39 = {
	.format = "arm64_4k_39",
	.name = "static",
	.built = "built for 39-bit addresses, 3 levels",
	.how = FOLD_STATIC,
	.top = FOLD_PUD,
	.pgd_shift = 30,
	.pgd_bits = 9,
	.crop = { 12, 21, FOLD_NO_CROP, FOLD_NO_CROP, 30 },
};

static const struct fold_style fold_arm64_4k_48 = {
	.format = "arm64_4k_48",
	.name = "static",
	.built = "built for 48-bit addresses, 4 levels",
	.how = FOLD_STATIC,
	.top = FOLD_P4D,
	.pgd_shift = 39,
	.pgd_bits = 9,
	.crop = { 12, 21, 30, FOLD_NO_CROP, 39 },
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
	.crop = { 14, FOLD_NO_CROP, FOLD_NO_CROP, FOLD_NO_CROP, 25 },
};

static const struct fold_style fold_arm64_16k_47_of_52 = {
	.format = "arm64_16k_47",
	.name = "reindex",
	.built = "built for 52-bit addresses, CPU without LPA2",
	.how = FOLD_REINDEX,
	.top = FOLD_PUD,
	.pgd_shift = 47,
	.pgd_bits = 5,
	.crop = { 14, 25, 36, FOLD_NO_CROP, 47 },
};

static const struct fold_style fold_arm64_16k_47 = {
	.format = "arm64_16k_47",
	.name = "static",
	.built = "built for 47-bit addresses, 3 levels",
	.how = FOLD_STATIC,
	.top = FOLD_PUD,
	.pgd_shift = 36,
	.pgd_bits = 11,
	.crop = { 14, 25, FOLD_NO_CROP, FOLD_NO_CROP, 36 },
};

static const struct fold_style fold_arm64_16k_48 = {
	.format = "arm64_16k_48",
	.name = "static",
	.built = "built for 48-bit addresses, 4 levels",
	.how = FOLD_STATIC,
	.top = FOLD_P4D,
	.pgd_shift = 47,
	.pgd_bits = 1,
	.crop = { 14, 25, 36, FOLD_NO_CROP, 47 },
};

static const struct fold_style fold_arm64_16k_52 = {
	.format = "arm64_16k_52",
	.name = "static",
	.built = "built for 52-bit addresses, CPU with LPA2, 4 levels",
	.how = FOLD_STATIC,
	.top = FOLD_P4D,
	.pgd_shift = 47,
	.pgd_bits = 5,
	.crop = { 14, 25, 36, FOLD_NO_CROP, 47 },
};

static const struct fold_style fold_arm64_64k_42 = {
	.format = "arm64_64k_42",
	.name = "static",
	.built = "built for 42-bit addresses, 2 levels",
	.how = FOLD_STATIC,
	.top = FOLD_PMD,
	.pgd_shift = 29,
	.pgd_bits = 13,
	.crop = { 16, FOLD_NO_CROP, FOLD_NO_CROP, FOLD_NO_CROP, 29 },
};

static const struct fold_style fold_arm64_64k_48 = {
	.format = "arm64_64k_48",
	.name = "static",
	.built = "built for 48-bit addresses, 3 levels",
	.how = FOLD_STATIC,
	.top = FOLD_PUD,
	.pgd_shift = 42,
	.pgd_bits = 6,
	.crop = { 16, 29, FOLD_NO_CROP, FOLD_NO_CROP, 42 },
};

static const struct fold_style fold_arm64_64k_52 = {
	.format = "arm64_64k_52",
	.name = "static",
	.built = "built for 52-bit addresses, 3 levels",
	.how = FOLD_STATIC,
	.top = FOLD_PUD,
	.pgd_shift = 42,
	.pgd_bits = 10,
	.crop = { 16, 29, FOLD_NO_CROP, FOLD_NO_CROP, 42 },
};

#endif
