/* SPDX-License-Identifier: MIT */
/* How kernels fold the levels of sparc64. */
#ifndef PW_FORMAT_SPARC_FOLDS_H
#define PW_FORMAT_SPARC_FOLDS_H

#include "format/fold_style.h"

static const struct fold_style fold_sparc64_sun4u = {
	.format = "sparc64_sun4u",
	.name = "static",
	.built = "4 levels",
	.how = FOLD_STATIC,
	.top = FOLD_P4D,
	.pgd_shift = 43,
	.pgd_bits = 10,
	.crop = { 13, 23, 33, FOLD_NO_CROP, 43 },
};

static const struct fold_style fold_sparc64_sun4v = {
	.format = "sparc64_sun4v",
	.name = "static",
	.built = "4 levels",
	.how = FOLD_STATIC,
	.top = FOLD_P4D,
	.pgd_shift = 43,
	.pgd_bits = 10,
	.crop = { 13, 23, 33, FOLD_NO_CROP, 43 },
};

#endif
