/* SPDX-License-Identifier: MIT */
/*
 * a: pXd_addr_end knows five levels, the fast walk passes values down and makes pointers of its copies.
 * Linux 5.2 to 5.8 (1a42010cdc26). On s390 the pointer of the loop that iterates may point to such a
 * copy: then the second turn reads the word beside it on the stack.
 *
 * There is no lean form: the compiler decides which word it reads.
 */
#include "lab/fold/fast.h"
#include "lab/fold/pagewalk.h"

bool fold_observed_a(const struct fold_config *config, struct fold_walk *walk,
		     enum fold_walk_kind kind, pw_va addr, pw_va end)
{
	const struct fold_config observed = { config->format, config->style, true };

	if (kind == FOLD_FAST)
		return fold_fast_pgd_range(&observed, walk, &fold_plan_a, addr, end);
	fold_walk_pgd_range(&observed, walk, &fold_plan_a, addr, end);
	return true;
}
