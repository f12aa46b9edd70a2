/* SPDX-License-Identifier: MIT */
/* Strategy e, lean: the turns of pagewalk's own walker as plain loops. It ignores the style. */
#include "lab/fold/lean.h"
#include "lab/fold/own.h"

PW_INLINE size_t lean_own(const struct fold_config *c, const struct fold_lean *lean, pw_va addr,
			  pw_va end, bool stop_at_hole)
{
	struct fold_walk w = lean_walk_init(lean, addr);
	const struct fold_own own = {
		.top = pw_top(c->format, pw_span_find(lean->regime, addr)),
		.stop_at_hole = stop_at_hole,
	};

	fold_own_4(c, &w, &own, w.root, addr, end);
	return w.found;
}

#define FUNCTIONS(style, format)                                             \
	FOLD_LEAN_CONFIG(style, format)                                      \
	FOLD_LEAN_FUNCTION(fold_lean_e_fast_##style,                         \
			   lean_own(&config_##style, lean, addr, end, true)) \
	FOLD_LEAN_FUNCTION(fold_lean_e_walk_##style,                         \
			   lean_own(&config_##style, lean, addr, end, false))
#define CASE(style, format) FOLD_LEAN_CASE(FOLD_E, e, style),

FOLD_LEAN_EACH(FUNCTIONS)
FOLD_LEAN_EACH_REINDEXED(FUNCTIONS)

const struct fold_lean_case fold_lean_e[] = {
	FOLD_LEAN_EACH(CASE) FOLD_LEAN_EACH_REINDEXED(CASE){ 0 },
};
