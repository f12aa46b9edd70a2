/* SPDX-License-Identifier: MIT */
/*
 * d: pXd_offset_lockless() is given pointer and value. A folded level is the pointer again, any other
 * comes from the value; the loop that iterates has the real table under it. What Linux adopted
 * (d3f7b1bb2040, 5.9), with what arm64 added in 2024 (36639013b346): where a level is re-indexed, the
 * levels folded above it must hand on the real pointer too. d2020 is d without that.
 */
#include "lab/lean.h"

static const struct fold_plan plan = {
	.pass = FOLD_PASS_BOTH,
	.fast_value_ends = false,
	.walk_value_ends = false,
};

static const struct fold_plan plan_2020 = {
	.pass = FOLD_PASS_BOTH_2020,
};

bool fold_observed_d(const struct fold_config *config, struct fold_walk *walk,
		     enum fold_walk_kind kind, pw_va addr, pw_va end)
{
	const struct fold_config observed = { config->format, config->style, true };

	if (kind == FOLD_FAST)
		return fold_fast_pgd_range(&observed, walk, &plan, addr, end);
	fold_walk_pgd_range(&observed, walk, &plan, addr, end);
	return true;
}

bool fold_observed_d2020(const struct fold_config *config, struct fold_walk *walk,
			 enum fold_walk_kind kind, pw_va addr, pw_va end)
{
	const struct fold_config observed = { config->format, config->style, true };

	if (kind == FOLD_FAST)
		return fold_fast_pgd_range(&observed, walk, &plan_2020, addr, end);
	fold_walk_pgd_range(&observed, walk, &plan_2020, addr, end);
	return true;
}

FOLD_LEAN(d, x86_64, x86_64)
FOLD_LEAN(d, x86_64_static, x86_64)
FOLD_LEAN(d, i386, i386)
FOLD_LEAN(d, arm64_4k_48, arm64_4k_48)
FOLD_LEAN(d, ppc64_radix_4k, ppc64_radix_4k)
FOLD_LEAN(d, riscv_sv39, riscv_sv39)
FOLD_LEAN(d, riscv_sv48, riscv_sv48)
FOLD_LEAN(d, s390x, s390x)
FOLD_LEAN(d, arm64_4k_48_of_52, arm64_4k_48)
FOLD_LEAN(d, arm64_16k_47_of_52, arm64_16k_47)

const struct fold_lean_case fold_lean_d[] = {
	FOLD_LEAN_CASE(FOLD_D, d, x86_64),
	FOLD_LEAN_CASE(FOLD_D, d, x86_64_static),
	FOLD_LEAN_CASE(FOLD_D, d, i386),
	FOLD_LEAN_CASE(FOLD_D, d, arm64_4k_48),
	FOLD_LEAN_CASE(FOLD_D, d, ppc64_radix_4k),
	FOLD_LEAN_CASE(FOLD_D, d, riscv_sv39),
	FOLD_LEAN_CASE(FOLD_D, d, riscv_sv48),
	FOLD_LEAN_CASE(FOLD_D, d, s390x),
	FOLD_LEAN_CASE(FOLD_D, d, arm64_4k_48_of_52),
	FOLD_LEAN_CASE(FOLD_D, d, arm64_16k_47_of_52),
	{ 0 },
};
