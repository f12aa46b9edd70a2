/* SPDX-License-Identifier: MIT */
/* The random pages of a machine, and the random addresses to ask about. */
#include "machine.h"

static uint32_t random_attr(struct machine *machine)
{
	static const uint32_t some[] = { PW_READ, PW_READ | PW_WRITE, PW_READ | PW_EXEC,
					 PW_READ | PW_WRITE | PW_EXEC };

	return some[random_below(&machine->seed, 4)] |
	       (random_one_in(&machine->seed, 2) ? PW_USER : 0) |
	       (random_one_in(&machine->seed, 4) ? PW_GLOBAL : 0);
}

static unsigned random_leaf_level(struct machine *machine)
{
	unsigned level;

	do
		level = (unsigned)random_below(&machine->seed, machine->regime.span[0].top + 1u);
	while (!(machine->format->leaf_levels >> level & 1) || !machine_fits(machine, level, 0));
	return level;
}

/* Maps pages of one level in a row around @va; some are missing, most are in physical order. */
static void cluster(struct machine *machine, pw_va va, unsigned level, unsigned pages)
{
	const pw_va step = pw_mask(machine->format->shift[level]) + 1;
	const bool is_linux = machine->regime.view == PW_VIEW_LINUX;
	pw_pa pa = random_next(&machine->seed) &
		   pw_mask(30 + (unsigned)random_below(&machine->seed, 20));
	uint32_t attr = random_attr(machine);
	unsigned before = (unsigned)random_below(&machine->seed, pages + 1);

	if (step == 0) /* 2^64 */
		return;
	va -= before * step;
	for (unsigned i = 0; i < pages; i++, va += step, pa += step) {
		bool prot_none = is_linux && machine->format->make_prot_none &&
				 random_one_in(&machine->seed, 6);

		if (random_one_in(&machine->seed, 6))
			pa = random_next(&machine->seed) & pw_mask(40);
		if (random_one_in(&machine->seed, 6))
			attr = random_attr(machine);
		if (random_one_in(&machine->seed, 7))
			continue;
		machine_map(machine, va, level, pa, attr, prot_none);
	}
}

/* The first address of a table of a random level; not the first of its span, if possible. */
static pw_va random_boundary(struct machine *machine)
{
	const struct pw_regime *r = &machine->regime;
	const struct pw_span *span = &r->span[random_below(&machine->seed, r->spans)];
	unsigned level = (unsigned)random_below(&machine->seed, span->top + 1u);
	unsigned shift = machine->format->shift[level] + machine->format->bits[level];
	pw_va offset = random_next(&machine->seed) & (span->last - span->first);

	switch (random_below(&machine->seed, 4)) {
	case 0:
		return span->first;
	case 1:
		return span->last;
	default:
		return span->first + (offset & ~pw_mask(shift));
	}
}

void machine_populate(struct machine *machine, unsigned clusters)
{
	const struct pw_regime *r = &machine->regime;

	for (unsigned i = 0; i < r->spans; i++) {
		if (r->span[i].alias)
			continue;
		cluster(machine, r->span[i].first, 0, 12);
		cluster(machine, r->span[i].last, 0, 12);
	}
	for (unsigned i = 0; i < clusters; i++) {
		pw_va va = random_one_in(&machine->seed, 3) ? random_next(&machine->seed)
							    : random_boundary(machine);
		unsigned level = random_one_in(&machine->seed, 2) ? 0 : random_leaf_level(machine);

		cluster(machine, va, level, 1 + (unsigned)random_below(&machine->seed, 40));
	}
	/* Maps a dense table and its neighbours. */
	cluster(machine, random_boundary(machine), 0, 3u << machine->format->bits[0] >> 1);
}

pw_va machine_interesting(struct machine *machine)
{
	const struct item *item;

	if (machine->count == 0 || random_one_in(&machine->seed, 8))
		return random_next(&machine->seed);
	if (random_one_in(&machine->seed, 4))
		return random_boundary(machine) - random_below(&machine->seed, 3);
	item = &machine->items[random_below(&machine->seed, machine->count)];
	switch (random_below(&machine->seed, 5)) {
	case 0:
		return item->first;
	case 1:
		return item->last;
	case 2:
		return item->first - 1;
	case 3:
		return item->last + 1;
	default:
		return item->first + (random_next(&machine->seed) & pw_mask(item->lg2));
	}
}
