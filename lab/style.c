/* SPDX-License-Identifier: MIT */
/* The styles by format and name. The first of a format is its usual one. */
#include "lab/style.h"

#include <string.h>

static const struct fold_style *const styles[] = {
	&fold_x86_64,
	&fold_x86_64_static,
	&fold_x86_64_la57,
	&fold_i386,
	&fold_i386_pae,
	&fold_arm,
	&fold_arm_lpae,
	&fold_arm64_4k_39,
	&fold_arm64_4k_48,
	&fold_arm64_4k_48_of_52,
	&fold_arm64_4k_52,
	&fold_arm64_16k_36,
	&fold_arm64_16k_47_of_52,
	&fold_arm64_16k_47,
	&fold_arm64_16k_48,
	&fold_arm64_16k_52,
	&fold_arm64_64k_42,
	&fold_arm64_64k_48,
	&fold_arm64_64k_52,
	&fold_ppc64_radix_4k,
	&fold_ppc64_radix_64k,
	&fold_s390x,
	&fold_riscv_sv32,
	&fold_riscv_sv39,
	&fold_riscv_sv48,
	&fold_riscv_sv57,
	&fold_sparc64_sun4u,
	&fold_sparc64_sun4v,
	&fold_um_2,
	&fold_um_3,
	&fold_um_4,
};

const struct fold_style *fold_style_at(size_t index)
{
	return index < sizeof(styles) / sizeof(styles[0]) ? styles[index] : NULL;
}

const struct fold_style *fold_style_find(const char *format, const char *name)
{
	const struct fold_style *style;

	for (size_t i = 0; (style = fold_style_at(i)); i++)
		if (!strcmp(style->format, format) && (!name || !strcmp(style->name, name)))
			return style;
	return NULL;
}
