/* SPDX-License-Identifier: MIT */
/* Strategy b, lean. */
#include "lab/fold/lean.h"

#define FUNCTIONS(style, format) FOLD_LEAN(b, style, format)
#define CASE(style, format)      FOLD_LEAN_CASE(FOLD_B, b, style),

FOLD_LEAN_EACH(FUNCTIONS)

const struct fold_lean_case fold_lean_b[] = {
	FOLD_LEAN_EACH(CASE){ 0 },
};
