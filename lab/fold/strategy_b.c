/* SPDX-License-Identifier: MIT */
/*
 * b: pXd_addr_end_folded(), helpers for walks that read entries once. They crop at the size that the
 * entry's type gives, so that the pgd loop iterates and a pointer to a copy is never advanced. Other
 * walkers do not change. RFC v2 1/3 of September 2020.
 */
#include "lab/fold/fast.h"
#include "lab/fold/pagewalk.h"

bool fold_observed_b(const struct fold_config *config, struct fold_walk *walk,
		     enum fold_walk_kind kind, pw_va addr, pw_va end)
{
	const struct fold_config observed = { config->format, config->style, true };

	if (kind == FOLD_FAST)
		return fold_fast_pgd_range(&observed, walk, &fold_plan_b, addr, end);
	fold_walk_pgd_range(&observed, walk, &fold_plan_b, addr, end);
	return true;
}
