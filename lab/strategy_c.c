/* SPDX-License-Identifier: MIT */
/*
 * c: every pXd_addr_end() is given the entry. As b, and pagewalk iterates at the top as well.
 * RFC v2 2/3 of September 2020.
 */
#include "lab/lean.h"

static const struct fold_plan plan = {
	.pass = FOLD_PASS_COPY,
	.fast_value_ends = true,
	.walk_value_ends = true,
};

bool fold_observed_c(const struct fold_config *config, struct fold_walk *walk,
		     enum fold_walk_kind kind, pw_va addr, pw_va end)
{
	const struct fold_config observed = { config->format, config->style, true };

	if (kind == FOLD_FAST)
		return fold_fast_pgd_range(&observed, walk, &plan, addr, end);
	fold_walk_pgd_range(&observed, walk, &plan, addr, end);
	return true;
}

FOLD_LEAN(c, x86_64, x86_64)
FOLD_LEAN(c, x86_64_static, x86_64)
FOLD_LEAN(c, i386, i386)
FOLD_LEAN(c, arm64_4k_48, arm64_4k_48)
FOLD_LEAN(c, ppc64_radix_4k, ppc64_radix_4k)
FOLD_LEAN(c, riscv_sv39, riscv_sv39)
FOLD_LEAN(c, riscv_sv48, riscv_sv48)
FOLD_LEAN(c, s390x, s390x)

const struct fold_lean_case fold_lean_c[] = {
	FOLD_LEAN_CASE(FOLD_C, c, x86_64),
	FOLD_LEAN_CASE(FOLD_C, c, x86_64_static),
	FOLD_LEAN_CASE(FOLD_C, c, i386),
	FOLD_LEAN_CASE(FOLD_C, c, arm64_4k_48),
	FOLD_LEAN_CASE(FOLD_C, c, ppc64_radix_4k),
	FOLD_LEAN_CASE(FOLD_C, c, riscv_sv39),
	FOLD_LEAN_CASE(FOLD_C, c, riscv_sv48),
	FOLD_LEAN_CASE(FOLD_C, c, s390x),
	{ 0 },
};
