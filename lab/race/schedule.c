/* SPDX-License-Identifier: MIT */
/* Schedules as text: a letter for each lane, and how many steps it does before another one goes on. */
#include <stdio.h>
#include <string.h>

#include "lab/race/race.h"

void race_schedule_text(const uint8_t *lane, unsigned count, char *text, size_t size)
{
	size_t used = 0;

	if (size > 0)
		*text = '\0';
	for (unsigned i = 0; i < count;) {
		unsigned last = i;
		int length;

		while (last < count && lane[last] == lane[i])
			last++;
		length = snprintf(text + used, size - used, "%c%u",
				  lane[i] < RACE_THREADS ? 'a' + lane[i]
							 : 'A' + lane[i] - RACE_THREADS,
				  last - i);
		if (length < 0 || (size_t)length >= size - used) {
			*text = '\0';
			return;
		}
		used += (size_t)length;
		i = last;
	}
}

int race_schedule_parse(const char *text, uint8_t *lane, unsigned room, const char **at_ret)
{
	unsigned count = 0;

	for (*at_ret = text; *text; *at_ret = text) {
		unsigned who, steps = 0;

		if (*text >= 'a' && *text < 'a' + RACE_THREADS)
			who = (unsigned)(*text - 'a');
		else if (*text >= 'A' && *text < 'A' + RACE_THREADS)
			who = (unsigned)(*text - 'A') + RACE_THREADS;
		else
			return -1;
		for (text++; *text >= '0' && *text <= '9' && steps <= room; text++)
			steps = steps * 10 + (unsigned)(*text - '0');
		if (steps == 0 || steps > room - count)
			return -1;
		while (steps-- > 0)
			lane[count++] = (uint8_t)who;
	}
	return (int)count;
}
