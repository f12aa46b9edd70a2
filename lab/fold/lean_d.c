/* SPDX-License-Identifier: MIT */
/* Strategy d, lean. */
#include "lab/fold/lean.h"

#define FUNCTIONS(style, format) FOLD_LEAN(d, style, format)
#define CASE(style, format)      FOLD_LEAN_CASE(FOLD_D, d, style),

FOLD_LEAN_EACH(FUNCTIONS)
FOLD_LEAN_EACH_REINDEXED(FUNCTIONS)

const struct fold_lean_case fold_lean_d[] = {
	FOLD_LEAN_EACH(CASE) FOLD_LEAN_EACH_REINDEXED(CASE){ 0 },
};
