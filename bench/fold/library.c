/* SPDX-License-Identifier: MIT */
/* The library's public walks with the results of the lean strategies: the address of each page, in order. */
#include "cases.h"

#include <stdio.h>
#include <stdlib.h>

struct collected {
	pw_pa *page;
	size_t found;
	unsigned shift;
};

static void collect(struct collected *to, pw_pa pa, uint64_t bytes)
{
	for (uint64_t done = 0; done < bytes; done += UINT64_C(1) << to->shift)
		to->page[to->found++] = pa + done;
}

static int collect_leaf(struct pw_walk *walk, const struct pw_entry *entry)
{
	collect(walk->private_data, entry->pa, entry->last - entry->first + 1);
	return 0;
}

static int stop(struct pw_walk *walk, const struct pw_entry *entry)
{
	(void)walk;
	(void)entry;
	return 1;
}

__attribute__((noinline)) size_t fold_lean_library_walk(const struct cell_case *c, pw_va first,
							pw_va last, bool stop_at_hole, pw_pa *page)
{
	struct collected to = { page, 0, c->format->shift[0] };
	const struct pw_walk_ops ops = {
		.leaf = collect_leaf,
		.hole = stop_at_hole ? stop : NULL,
	};

	(void)pw_walk_range(c->input.memory, &c->regime, first, last, &ops, &to);
	return to.found;
}

__attribute__((noinline)) size_t fold_lean_library_scan(const struct cell_case *c, pw_va first,
							pw_va last, pw_pa *page)
{
	struct collected to = { page, 0, c->format->shift[0] };
	struct pw_range range[16];
	struct pw_scan *scan;

	if (pw_scan_create(c->input.memory, &c->regime, first, last, NULL, &scan, NULL)) {
		fprintf(stderr, "fold_bench: no memory for a scan\n");
		exit(1);
	}
	for (size_t n; (n = pw_scan_next(scan, range, 16)) > 0;)
		for (size_t i = 0; i < n; i++)
			if (range[i].status == PW_OK)
				collect(&to, range[i].pa, range[i].last - range[i].first + 1);
	pw_scan_destroy(scan);
	return to.found;
}
