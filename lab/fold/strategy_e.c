/* SPDX-License-Identifier: MIT */
/*
 * e: pagewalk's own walker, "middle-level for everybody". It starts at the real top, which the root
 * word names together with the table, and never visits a folded level. So no level has to be folded, and
 * loops do not pass pointers to each other.
 */
#include "lab/fold/observe.h"
#include "lab/fold/strategy.h"
#include "walk/instance.h"

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

	struct pw_called called = pw_called_hooked(&w->observer->hook);

	return config->format->instance->called.walk(&called, &walk, addr, end - 1) == 0;
}
