/* SPDX-License-Identifier: MIT */
/*
 * A random address space in any format. The format's own builders make the tables. There are leaves
 * of every size on a few physical pages (so that there are aliases), tables that are used twice or
 * lie outside the memory, and entries of any 64 bits.
 */
#ifndef TESTS_UNIT_SURVEY_BUILD_H
#define TESTS_UNIT_SURVEY_BUILD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "instance/registry.h"
#include "random.h"

#include <pagewalk/pagewalk.h>

enum {
	SPACE_BYTES = 4 << 20,
	SPACE_TABLES = 40,
	SPACE_PAGES = 16, /* physical pages to map: few, for aliases */
};
/* The memory does not begin at 0, so that addresses of zero are outside of it. */
static const pw_pa SPACE_BASE = 0x400000;
static const pw_pa SPACE_OUTSIDE = 0x10000000;

struct space {
	const struct pw_format *format;
	struct pw_regime regime;
	struct pw_memory *memory;
	unsigned char *bytes;
	uint64_t random;
	size_t used;
	bool garbage; /* also entries of any 64 bits */
	/* Tables that were built, and their levels. */
	struct {
		pw_pa first, last;
		unsigned level;
	} table[SPACE_TABLES];
	unsigned tables;
};

static inline void space_store(struct space *space, pw_pa at, uint64_t entry)
{
	const struct pw_format *f = space->format;
	unsigned char *to = space->bytes + (at - SPACE_BASE);

	if (f->entry_lg2 == 2) {
		uint32_t raw = f->big_endian ? htobe32((uint32_t)entry) : htole32((uint32_t)entry);

		memcpy(to, &raw, sizeof(raw));
	} else {
		uint64_t raw = f->big_endian ? htobe64(entry) : htole64(entry);

		memcpy(to, &raw, sizeof(raw));
	}
}

/* Allocates a table, aligned to its size, on a page of its own; 0 if there is no room. */
static inline pw_pa space_allocate(struct space *space, unsigned level)
{
	size_t bytes = (size_t)1 << (space->format->bits[level] + space->format->entry_lg2);
	size_t align = bytes < 4096 ? 4096 : bytes;
	size_t at = (space->used + align - 1) & ~(align - 1);
	/* arm's hardware tables are in the upper half of their page. */
	size_t offset = strcmp(space->format->name, "arm") == 0 && level == 0 ? 2048 : 0;

	if (space->tables == SPACE_TABLES || at + offset + bytes > SPACE_BYTES)
		return 0;
	space->used = at + align;
	space->table[space->tables].first = SPACE_BASE + at + offset;
	space->table[space->tables].last = SPACE_BASE + at + offset + bytes - 1;
	space->table[space->tables++].level = level;
	return SPACE_BASE + at + offset;
}

static inline uint64_t space_leaf(struct space *space, unsigned level, uint64_t page)
{
	const struct pw_format *f = space->format;
	uint32_t attr = PW_READ | PW_ACCESSED |
			(random_next(&space->random) & (PW_WRITE | PW_EXEC | PW_USER | PW_DIRTY));
	pw_pa pa = (page % SPACE_PAGES) << f->shift[level];

	if (f->shift[level] > 28)
		pa = (page % 2) << f->shift[level];
	if (f->make_prot_none && level == 0 && random_one_in(&space->random, 10))
		return f->make_prot_none(f, &space->regime, level, pa);
	return f->make_leaf(f, &space->regime, level, pa, attr);
}

static inline pw_pa space_table(struct space *space, unsigned level);

static inline uint64_t space_table_entry(struct space *space, unsigned level)
{
	const struct pw_format *f = space->format;
	pw_pa table = 0;
	uint64_t entry;

	if (random_one_in(&space->random, 12))
		table = SPACE_OUTSIDE;
	for (unsigned i = 0; i < space->tables && random_one_in(&space->random, 4) && !table; i++)
		if (space->table[i].level == level - 1)
			table = space->table[i].first;
	if (!table)
		table = space_table(space, level - 1);
	if (!table)
		return f->make_empty(f, &space->regime, level);
	entry = f->make_table(f, &space->regime, level, table);
	/* TF and TL: only a part of the table is visible through the entry. */
	if (strcmp(f->name, "s390x") == 0 && level > 1 && random_one_in(&space->random, 3))
		entry ^= random_next(&space->random) & 0xc3;
	return entry;
}

/* Builds a table of @level and all below it; returns its address, or 0 if there is no room. */
static inline pw_pa space_table(struct space *space, unsigned level)
{
	const struct pw_format *f = space->format;
	pw_pa table = space_allocate(space, level);
	uint32_t count = UINT32_C(1) << f->bits[level];

	if (!table)
		return 0;
	for (uint32_t i = 0; i < count; i++)
		space_store(space, table + ((pw_pa)i << f->entry_lg2),
			    f->make_empty(f, &space->regime, level));
	for (unsigned n = 0; n < (level > 0 ? 6 : 12); n++) {
		uint32_t index = (uint32_t)random_below(&space->random, count);
		uint64_t page = random_next(&space->random);
		unsigned run = 1 + (unsigned)random_below(&space->random, 4);

		if (level > 0 && n < 4) {
			space_store(space, table + ((pw_pa)index << f->entry_lg2),
				    space_table_entry(space, level));
			continue;
		}
		for (; run > 0 && index < count; run--, index++, page++)
			if (f->leaf_levels & (1u << level) && f->shift[level] < 36)
				space_store(space, table + ((pw_pa)index << f->entry_lg2),
					    space_leaf(space, level, page));
	}
	if (space->garbage)
		space_store(space, table + (random_below(&space->random, count) << f->entry_lg2),
			    random_next(&space->random));
	return table;
}

/* Builds a space in @format from @seed. */
static inline void space_init(struct space *space, const struct pw_format *format, uint64_t seed,
			      bool garbage)
{
	struct pw_segment segment = { .first = SPACE_BASE, .last = SPACE_BASE + SPACE_BYTES - 1 };
	struct pw_regime rootless = { .format = format,
				      .kernel = 0x0601,
				      .address_mask = UINT64_C(0x000ffffffffff000) };
	unsigned top = format->levels - 1u;
	struct pw_error error;
	uint64_t root;
	pw_pa table;

	*space = (struct space){
		.format = format, .regime = rootless, .random = seed, .garbage = garbage
	};
	assert_int_equal(posix_memalign((void **)&space->bytes, 4096, SPACE_BYTES), 0);
	/* Bytes outside of tables must not be used; this value marks them. */
	memset(space->bytes, 0xa5, SPACE_BYTES);
	if (strcmp(format->name, "s390x") == 0)
		top = 2 + (unsigned)(seed % 3);
	table = space_table(space, top);
	root = format->make_root(format, &rootless, table, top);
	if (pw_regime_init(&space->regime, format, &root, 1, NULL, &error))
		fail_msg("%s: %s", format->name, error.text);
	segment.host = space->bytes;
	assert_int_equal(pw_memory_wrap(&segment, 1, &space->memory, NULL), 0);
}

static inline void space_deinit(struct space *space)
{
	pw_memory_close(space->memory);
	free(space->bytes);
}

#endif
