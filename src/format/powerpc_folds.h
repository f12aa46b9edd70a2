/* SPDX-License-Identifier: MIT */
/* How kernels fold the levels of powerpc64. */
#ifndef PW_FORMAT_POWERPC_FOLDS_H
#define PW_FORMAT_POWERPC_FOLDS_H

#include "format/fold_style.h"

static const struct fold_style fold_ppc64_radix_4k = {
	.format = "ppc64_radix_4k",
	.name = "static",
	.built = "built for 4 KiB pages, 4 levels",
	.how = FOLD_STATIC,
	.top = FOLD_P4D,
	.pgd_shift = 39,
	.pgd_bits = 13,
	.crop = { 12, 21, 30, FOLD_NO_CROP, 39 },
};

static const struct fold_style fold_ppc64_radix_64k = {
	.format = "ppc64_radix_64k",
	.name = "static",
	.built = "built for 64 KiB pages, 4 levels",
	.how = FOLD_STATIC,
	.top = FOLD_P4D,
	.pgd_shift = 39,
	.pgd_bits = 13,
	.crop = { 16, 21, 30, FOLD_NO_CROP, 39 },
};

#endif
