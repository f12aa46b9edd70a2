/* SPDX-License-Identifier: MIT */
/*
 * d: pXd_offset_lockless() is given pointer and value. A folded level is the pointer again, any other
 * comes from the value; the loop that iterates has the real table under it. What Linux adopted
 * (d3f7b1bb2040, 5.9), with what arm64 added in 2024 (36639013b346): where a level is re-indexed, the
 * levels folded above it must hand on the real pointer too. d2020 is d without that.
 */
#include "lab/fold/fast.h"
#include "lab/fold/pagewalk.h"

bool fold_observed_d(const struct fold_config *config, struct fold_walk *walk,
		     enum fold_walk_kind kind, pw_va addr, pw_va end)
{
	const struct fold_config observed = { config->format, config->style, true };

	if (kind == FOLD_FAST)
		return fold_fast_pgd_range(&observed, walk, &fold_plan_d, addr, end);
	fold_walk_pgd_range(&observed, walk, &fold_plan_d, addr, end);
	return true;
}

bool fold_observed_d2020(const struct fold_config *config, struct fold_walk *walk,
			 enum fold_walk_kind kind, pw_va addr, pw_va end)
{
	const struct fold_config observed = { config->format, config->style, true };

	if (kind == FOLD_FAST)
		return fold_fast_pgd_range(&observed, walk, &fold_plan_d2020, addr, end);
	fold_walk_pgd_range(&observed, walk, &fold_plan_d2020, addr, end);
	return true;
}
