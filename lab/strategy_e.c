/* SPDX-License-Identifier: MIT */
/*
 * e: pagewalk's own walker, "middle-level for everybody". It starts at the real top, which the root
 * word names together with the table, and never visits a folded level; so nothing has to be folded,
 * and no pointer is handed from loop to loop.
 */
#include "lab/lean.h"
#include "lab/observe.h"
#include "lab/own.h"
#include "walk/instance.h"

/* ---- observed: the instance that calls out at every load ---- */

static int see_entry(struct pw_walk *walk, const struct pw_entry *entry)
{
	fold_observe_entry(walk->private_data, entry);
	return 0;
}

static int see_leaf(struct pw_walk *walk, const struct pw_entry *entry)
{
	fold_observe_page(walk->private_data, entry->level, entry->first, entry->last + 1,
			  entry->pa);
	return 0;
}

static int see_hole(struct pw_walk *walk, const struct pw_entry *entry)
{
	fold_observe_entry(walk->private_data, entry);
	return 0;
}

/* The fast walk's doubt. */
static int stop_at_hole(struct pw_walk *walk, const struct pw_entry *entry)
{
	fold_observe_entry(walk->private_data, entry);
	return 1;
}

bool fold_observed_e(const struct fold_config *config, struct fold_walk *w,
		     enum fold_walk_kind kind, pw_va addr, pw_va end)
{
	const struct pw_walk_ops ops = {
		.entry = { see_entry, see_entry, see_entry, see_entry, see_entry },
		.leaf = see_leaf,
		.hole = kind == FOLD_FAST ? stop_at_hole : see_hole,
	};
	struct pw_walk walk = {
		.ops = &ops,
		.memory = w->observer->input->memory,
		.regime = w->regime,
		.private_data = w->observer,
	};

	return config->format->instance->hooked.walk(&w->observer->hook, &walk, addr, end - 1) == 0;
}

/* ---- lean: the same turns as plain loops ---- */

PW_INLINE size_t lean_walk(const struct fold_config *c, const struct fold_lean *lean, pw_va addr,
			   pw_va end, bool stop_at_hole)
{
	struct fold_walk w = fold_lean_walk(lean, addr);
	const struct fold_own own = {
		.top = pw_top(c->format, pw_span_find(lean->regime, addr)),
		.stop_at_hole = stop_at_hole,
	};

	fold_own_4(c, &w, &own, w.root, addr, end);
	return w.found;
}

FOLD_LEAN_OWN(x86_64, x86_64)
FOLD_LEAN_OWN(i386, i386)
FOLD_LEAN_OWN(arm64_4k_48, arm64_4k_48)
FOLD_LEAN_OWN(arm64_16k_47_of_52, arm64_16k_47)
FOLD_LEAN_OWN(ppc64_radix_4k, ppc64_radix_4k)
FOLD_LEAN_OWN(riscv_sv39, riscv_sv39)
FOLD_LEAN_OWN(riscv_sv48, riscv_sv48)
FOLD_LEAN_OWN(s390x, s390x)

/* A style is nothing to e: formats that have two share the functions of one. */
const struct fold_lean_case fold_lean_e[] = {
	FOLD_LEAN_CASE(FOLD_E, e, x86_64),
	{ &fold_x86_64_static, FOLD_E, fold_lean_e_fast_x86_64, fold_lean_e_walk_x86_64 },
	FOLD_LEAN_CASE(FOLD_E, e, i386),
	FOLD_LEAN_CASE(FOLD_E, e, arm64_4k_48),
	{ &fold_arm64_4k_48_of_52, FOLD_E, fold_lean_e_fast_arm64_4k_48,
	  fold_lean_e_walk_arm64_4k_48 },
	FOLD_LEAN_CASE(FOLD_E, e, arm64_16k_47_of_52),
	FOLD_LEAN_CASE(FOLD_E, e, ppc64_radix_4k),
	FOLD_LEAN_CASE(FOLD_E, e, riscv_sv39),
	FOLD_LEAN_CASE(FOLD_E, e, riscv_sv48),
	FOLD_LEAN_CASE(FOLD_E, e, s390x),
	{ 0 },
};
