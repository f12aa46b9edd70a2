/* SPDX-License-Identifier: MIT */
/*
 * b: pXd_addr_end_folded(), helpers for walks that read entries once. They crop at the size that the
 * entry's type gives, so that the pgd loop iterates and no copy is ever moved on from. Other walkers
 * stay as they were. RFC v2 1/3 of September 2020.
 */
#include "lab/lean.h"

static const struct fold_plan plan = {
	.pass = FOLD_PASS_COPY,
	.fast_value_ends = true,
	.walk_value_ends = false,
};

bool fold_observed_b(const struct fold_config *config, struct fold_walk *walk,
		     enum fold_walk_kind kind, pw_va addr, pw_va end)
{
	const struct fold_config observed = { config->format, config->style, true };

	if (kind == FOLD_FAST)
		return fold_fast_pgd_range(&observed, walk, &plan, addr, end);
	fold_walk_pgd_range(&observed, walk, &plan, addr, end);
	return true;
}

FOLD_LEAN(b, x86_64, x86_64)
FOLD_LEAN(b, x86_64_static, x86_64)
FOLD_LEAN(b, i386, i386)
FOLD_LEAN(b, arm64_4k_48, arm64_4k_48)
FOLD_LEAN(b, ppc64_radix_4k, ppc64_radix_4k)
FOLD_LEAN(b, riscv_sv39, riscv_sv39)
FOLD_LEAN(b, riscv_sv48, riscv_sv48)
FOLD_LEAN(b, s390x, s390x)

const struct fold_lean_case fold_lean_b[] = {
	FOLD_LEAN_CASE(FOLD_B, b, x86_64),
	FOLD_LEAN_CASE(FOLD_B, b, x86_64_static),
	FOLD_LEAN_CASE(FOLD_B, b, i386),
	FOLD_LEAN_CASE(FOLD_B, b, arm64_4k_48),
	FOLD_LEAN_CASE(FOLD_B, b, ppc64_radix_4k),
	FOLD_LEAN_CASE(FOLD_B, b, riscv_sv39),
	FOLD_LEAN_CASE(FOLD_B, b, riscv_sv48),
	FOLD_LEAN_CASE(FOLD_B, b, s390x),
	{ 0 },
};
