/* SPDX-License-Identifier: MIT */
/* A small memory of random tables, read through the hooked access. */
#include "world.h"

#include <stdlib.h>
#include <string.h>

static bool has(const struct pw_hook *hook, pw_pa pa, size_t bytes)
{
	(void)hook;
	return pa >= BASE && pa <= LAST && bytes - 1 <= LAST - pa;
}

static bool hook_has(struct pw_hook *hook, pw_pa pa, size_t bytes)
{
	return has(hook, pa, bytes);
}

static uint64_t hook_load(struct pw_hook *hook, pw_pa pa, unsigned entry_lg2)
{
	const struct world *world = (const struct world *)hook;
	uint64_t raw = 0;
	uint32_t raw32;

	assert_true(has(hook, pa, (size_t)1 << entry_lg2));
	assert_true((pa & ((1u << entry_lg2) - 1)) == 0);
	if (entry_lg2 == 2) {
		memcpy(&raw32, world->bytes + (pa - BASE), 4);
		return raw32;
	}
	memcpy(&raw, world->bytes + (pa - BASE), 8);
	return raw;
}

static int fetch(void *context, pw_pa pa, void *buffer, size_t bytes)
{
	const struct world *world = context;

	if (!has(&world->hook, pa, bytes))
		return -ENODATA;
	memcpy(buffer, world->bytes + (pa - BASE), bytes);
	return 0;
}

/* ---- making garbage ---- */

static void store(const struct world *world, size_t offset, uint64_t entry)
{
	unsigned bytes = 1u << world->format->entry_lg2;

	for (unsigned i = 0; i < bytes; i++)
		world->bytes[offset + (world->format->big_endian ? bytes - 1 - i : i)] =
			(unsigned char)(entry >> (8 * i));
}

/* An address in memory, or just outside; mostly aligned like a table. */
static pw_pa random_table(struct world *world)
{
	pw_pa pa = BASE + random_below(&world->seed, LAST - BASE + 0x3000);

	return pa & ~(pw_pa)(random_one_in(&world->seed, 6) ? 0x7 : 0xfff);
}

static uint64_t guided_entry(struct world *world)
{
	const struct pw_regime *r = &world->built_in;
	unsigned level = (unsigned)random_below(&world->seed, world->format->levels);
	uint64_t entry;

	switch (random_below(&world->seed, 8)) {
	case 0:
		return random_next(&world->seed);
	case 1:
		return world->format->make_empty(world->format, r, level);
	case 2:
		entry = world->format->make_leaf(world->format, r, level,
						 random_next(&world->seed) & 0x7fe00000,
						 PW_READ | PW_ACCESSED);
		break;
	case 3:
		if (world->format->make_prot_none) {
			entry = world->format->make_prot_none(
				world->format, r, level, random_next(&world->seed) & 0x7fe00000);
			break;
		}
		/* fall through */
	default:
		level = level ? level : 1;
		if (level == world->format->levels)
			return 0;
		entry = world->format->make_table(world->format, r, level, random_table(world));
	}
	if (random_one_in(&world->seed, 3))
		entry ^= UINT64_C(1) << random_below(&world->seed, 64);
	if (random_one_in(&world->seed, 9))
		entry ^= UINT64_C(1) << random_below(&world->seed, 64);
	return entry;
}

/* Tables at steps of 64K: table n is of level n, and all of its entries lead to the one before. */
static uint64_t ladder_entry(const struct world *world, size_t offset)
{
	const struct pw_regime *r = &world->built_in;
	unsigned level = (unsigned)(offset >> 16) % world->format->levels;

	if (level == 0)
		return world->format->make_leaf(world->format, r, 0, (offset & 0xff8) << 13,
						PW_READ | PW_ACCESSED);
	return world->format->make_table(world->format, r, level,
					 BASE + ((pw_pa)(level - 1) << 16));
}

void world_make_mess(struct world *world, enum mess mess)
{
	const size_t step = (size_t)1 << world->format->entry_lg2;

	for (size_t offset = 0; offset <= LAST - BASE; offset += step) {
		switch (mess) {
		case RANDOM:
			store(world, offset, random_next(&world->seed));
			break;
		case LADDER:
			store(world, offset, ladder_entry(world, offset));
			break;
		case ONES:
			store(world, offset, ~UINT64_C(0));
			break;
		default:
			store(world, offset, guided_entry(world));
		}
	}
}

void world_choose_root(struct world *world, enum mess mess, unsigned round)
{
	struct pw_regime_options options = { .view = round & 1 ? PW_VIEW_LINUX : PW_VIEW_HARDWARE,
					     .kernel = round & 2 ? 0x0700 : 0 };
	uint64_t root[2];
	size_t count = round & 4 ? world->format->max_roots : 1;
	unsigned top;

	/* TTBCR: EAE, T1SZ and T0SZ; short descriptors have only the last, as N. */
	if (strcmp(world->format->name, "arm") == 0 && count == 2)
		options.registers = (struct pw_registers){
			.known = PW_REGISTER_TCR, .tcr = 1 + random_below(&world->seed, 7)
		};
	if (strcmp(world->format->name, "arm_lpae") == 0 && (round & 8))
		options.registers = (struct pw_registers){
			.known = PW_REGISTER_TCR,
			.tcr = UINT64_C(1) << 31 | random_below(&world->seed, 8) |
			       random_below(&world->seed, 8) << 16,
		};
	do {
		top = world->format->dynamic_top
			      ? (unsigned)random_below(&world->seed, world->format->levels)
			      : world->format->levels - 1u;
		world->built_in.format = world->format;
		for (unsigned i = 0; i < 2; i++) {
			pw_pa table = mess == LADDER ? BASE + ((pw_pa)top << 16)
						     : random_table(world);

			root[i] = world->format->make_root(world->format, &world->built_in,
							   table & ~(pw_pa)0xffff, top);
			if (random_one_in(&world->seed, 3))
				root[i] ^= UINT64_C(1) << random_below(&world->seed, 20);
		}
	} while (pw_regime_init(&world->built_in, world->format, root, count, &options, NULL));
	assert_int_equal(
		pw_regime_init(&world->described, world->description, root, count, &options, NULL),
		0);
}

void world_init(struct world *world, const struct pw_format *format,
		const struct pw_format *description)
{
	struct pw_segment segments[2] = {
		{ BASE, BASE + SEGMENT - 1, NULL },
		{ BASE + SEGMENT, LAST, NULL },
	};

	memset(world, 0, sizeof(*world));
	world->format = format;
	world->description = description;
	world->hook.has = hook_has;
	world->hook.load = hook_load;
	world->seed = 42;
	world->bytes = aligned_alloc(4096, SEGMENT + TAIL);
	assert_non_null(world->bytes);
	segments[0].host = world->bytes;
	segments[1].host = world->bytes + SEGMENT;
	assert_int_equal(pw_memory_wrap(segments, 2, &world->direct, NULL), 0);
	assert_int_equal(pw_memory_create(fetch, world, segments, 2, &world->fetched, NULL), 0);
}

void world_deinit(struct world *world)
{
	pw_memory_close(world->direct);
	pw_memory_close(world->fetched);
	free(world->bytes);
}

pw_va world_random_va(struct world *world)
{
	const struct pw_regime *r = &world->built_in;
	const struct pw_span *span = &r->span[random_below(&world->seed, r->spans)];
	pw_va offset = random_next(&world->seed) >> random_below(&world->seed, 64);

	switch (random_below(&world->seed, 6)) {
	case 0:
		return random_next(&world->seed);
	case 1:
		return span->last - (offset & (span->last - span->first));
	default:
		return span->first + (offset & (span->last - span->first));
	}
}
