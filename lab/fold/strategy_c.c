/* SPDX-License-Identifier: MIT */
/*
 * c: every pXd_addr_end() is given the entry. This is like b, and pagewalk also iterates at the top.
 * RFC v2 2/3 of September 2020.
 */
#include "lab/fold/fast.h"
#include "lab/fold/pagewalk.h"

bool fold_observed_c(const struct fold_config *config, struct fold_walk *walk,
		     enum fold_walk_kind kind, pw_va addr, pw_va end)
{
	const struct fold_config observed = { config->format, config->style, true };

	if (kind == FOLD_FAST)
		return fold_fast_pgd_range(&observed, walk, &fold_plan_c, addr, end);
	fold_walk_pgd_range(&observed, walk, &fold_plan_c, addr, end);
	return true;
}
