/* SPDX-License-Identifier: MIT */
/* How kernels fold the levels of s390x. Where a walk starts, s390_root() decides (s390.h). */
#ifndef PW_FORMAT_S390_FOLDS_H
#define PW_FORMAT_S390_FOLDS_H

#include "format/fold_style.h"

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

#endif
