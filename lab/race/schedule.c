/* SPDX-License-Identifier: MIT */
/* Schedules as text. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab/race/race.h"

uint16_t race_steps_hash(unsigned count)
{
	uint32_t hash = 2166136261u;

	for (unsigned i = 0; i < count && i < race.depth; i++) {
		const struct race_op *op = &race_event[i].op;

		hash = (hash ^ race_event[i].lane) * 16777619u;
		hash = (hash ^ (op->kind | (uint32_t)op->order << 8)) * 16777619u;
		hash = (hash ^ op->bytes) * 16777619u;
	}
	hash ^= hash >> 16;
	return (uint16_t)(hash & 0xffff ? hash : 1);
}

static char letter(unsigned lane)
{
	return (char)(lane < RACE_THREADS ? 'a' + lane : 'A' + lane - RACE_THREADS);
}

void race_schedule_write(char *text, size_t size)
{
	int used = snprintf(text, size, "%u", race_words_shared());

	for (unsigned i = 0, next; i < race.depth && used >= 0 && (size_t)used < size; i = next) {
		unsigned older = 0;

		for (next = i;
		     next < race.depth && race_event[next].lane == race_event[i].lane && !older;
		     next++)
			older = race_event[next].older;
		used += snprintf(text + used, size - (size_t)used, "%c%u",
				 letter(race_event[i].lane), next - i);
		if (older && used >= 0 && (size_t)used < size)
			used += snprintf(text + used, size - (size_t)used, "~%u", older);
	}
	if (used >= 0 && (size_t)used < size)
		used += snprintf(text + used, size - (size_t)used, ".%04x",
				 race_steps_hash(race.depth));
	if (used < 0 || (size_t)used >= size)
		*text = '\0';
}

static unsigned small_number(const char **text, unsigned most)
{
	unsigned number = 0;

	for (; **text >= '0' && **text <= '9' && number <= most; (*text)++)
		number = number * 10 + (unsigned)(**text - '0');
	return number;
}

bool race_schedule_read(const char *text, struct race_schedule *schedule, const char **wrong_ret)
{
	char *end;

	schedule->words = small_number(&text, 1 << 20);
	schedule->count = schedule->check = 0;
	for (*wrong_ret = text; *text && *text != '.'; *wrong_ret = text) {
		unsigned lane, steps;

		if (*text >= 'a' && *text < 'a' + RACE_THREADS)
			lane = (unsigned)(*text - 'a');
		else if (*text >= 'A' && *text < 'A' + RACE_THREADS)
			lane = (unsigned)(*text - 'A') + RACE_THREADS;
		else
			return false;
		text++;
		steps = small_number(&text, RACE_EVENTS);
		if (steps == 0 || steps > RACE_EVENTS - schedule->count)
			return false;
		memset(schedule->lane + schedule->count, (int)lane, steps);
		schedule->count += steps;
		if (*text == '~') {
			unsigned older = (text++, small_number(&text, 15));

			if (older == 0 || older > 15)
				return false;
			schedule->lane[schedule->count - 1] |= (uint8_t)(older << RACE_LANE_BITS);
		}
	}
	if (!*text)
		return true;
	schedule->check = (uint16_t)strtoul(text + 1, &end, 16);
	return end == text + 5 && !*end;
}
