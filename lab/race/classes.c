/* SPDX-License-Identifier: MIT */
/* The set of classes that a search has visited: a table of their hashes. */
#include <stdio.h>
#include <stdlib.h>

#include "lab/race/real.h"
#include "lab/race/search.h"

static struct {
	uint64_t *slot;
	size_t room, count;
	uint64_t hash;
} classes;

uint64_t race_mix(uint64_t hash, uint64_t value)
{
	hash ^= value + UINT64_C(0x9e3779b97f4a7c15) + (hash << 6) + (hash >> 2);
	hash *= UINT64_C(0xff51afd7ed558ccd);
	return hash ^ hash >> 33;
}

void race_classes_clear(void)
{
	__real_free(classes.slot);
	__real_memset(&classes, 0, sizeof(classes));
}

static void classes_put(uint64_t hash)
{
	size_t i = hash & (classes.room - 1);

	while (classes.slot[i]) {
		if (classes.slot[i] == hash)
			return;
		i = (i + 1) & (classes.room - 1);
	}
	classes.slot[i] = hash;
	classes.count++;
}

void race_classes_add(uint64_t hash)
{
	size_t before = classes.count;

	hash += !hash;
	if (2 * classes.count >= classes.room) {
		uint64_t *old = classes.slot;
		size_t room = classes.room;

		classes.room = room ? 2 * room : 1 << 12;
		classes.slot = __real_calloc(classes.room, sizeof(*classes.slot));
		if (!classes.slot) {
			fprintf(stderr, "pagewalk-lab: out of memory for %zu classes\n",
				classes.room);
			exit(3);
		}
		classes.count = 0;
		for (size_t i = 0; i < room; i++)
			if (old[i])
				classes_put(old[i]);
		__real_free(old);
	}
	before = classes.count;
	classes_put(hash);
	if (classes.count > before)
		classes.hash += race_mix(hash, 1);
}

size_t race_classes_count(void)
{
	return classes.count;
}

bool race_classes_next(size_t *at, uint64_t *hash_ret)
{
	while (*at < classes.room && !classes.slot[*at])
		++*at;
	if (*at >= classes.room)
		return false;
	*hash_ret = classes.slot[(*at)++];
	return true;
}

uint64_t race_classes_hash(void)
{
	return classes.hash;
}

uint64_t race_event_hash(const struct race_event *event)
{
	uint64_t hash = race_mix(event->lane + 1u, (uint64_t)event->index),
		 half[sizeof(event->clock) / 8];

	__real_memcpy(half, &event->clock, sizeof(half));
	for (unsigned i = 0; i < sizeof(half) / sizeof(*half); i++)
		if (half[i])
			hash = race_mix(hash, half[i] + i);
	return hash;
}
