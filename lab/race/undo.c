/* SPDX-License-Identifier: MIT */
/*
 * What a run has written, so that the next one begins with the same memory. Before the first write to a word in
 * a run its value is saved; race_restore() puts all of them back. A copy of the whole memory would be simpler,
 * and a hundred times slower.
 */
#include <stdio.h>
#include <stdlib.h>

#include "lab/race/race.h"
#include "lab/race/real.h"

struct saved {
	uint64_t *at;
	uint64_t value;
};

static struct saved *saved;
static size_t count, room;
static bool baseline;
static uintptr_t
	own_stack; /* its end: the check of a scenario runs on the laboratory's own stack */

static void save(uint64_t *at)
{
	if (count == room) {
		room = room ? 2 * room : 1 << 12;
		saved = __real_realloc(saved, room * sizeof(*saved));
		if (!saved) {
			fprintf(stderr, "pagewalk-lab: out of memory\n");
			exit(3);
		}
	}
	saved[count++] = (struct saved){ at, *at };
}

void race_will_write(uintptr_t at, size_t bytes)
{
	if (!baseline || race_on_stack(at))
		return;
	if (race.checking && at < own_stack && at >= (uintptr_t)__builtin_frame_address(0))
		return;
	for (uintptr_t i = at & ~(uintptr_t)7; i < at + bytes; i += 8) {
		struct race_word *word = race_word(i);

		if (word->saved == race.run)
			continue;
		word->saved = race.run;
		save((uint64_t *)i);
	}
}

void race_baseline(const void *frame)
{
	baseline = true;
	own_stack = (uintptr_t)frame;
	count = 0;
}

void race_restore(void)
{
	while (count > 0) {
		count--;
		if (race_mutant(RACE_MUTANT_NO_RESTORE))
			continue;
		*saved[count].at = saved[count].value;
	}
}

void race_write(uintptr_t at, uint64_t value, unsigned bytes)
{
	race_will_write(at, bytes);
	race_put(at, value, bytes);
}
