/* SPDX-License-Identifier: MIT */
/* Strategy c, lean. */
#include "lab/fold/lean.h"

#define FUNCTIONS(style, format) FOLD_LEAN(c, style, format)
#define CASE(style, format)      FOLD_LEAN_CASE(FOLD_C, c, style),

FOLD_LEAN_EACH(FUNCTIONS)

const struct fold_lean_case fold_lean_c[] = {
	FOLD_LEAN_EACH(CASE){ 0 },
};
