/* SPDX-License-Identifier: MIT */
/*
 * The order of a run's class that a person can follow best: the one in which the threads take turns the fewest
 * times. All orders of a class end alike. It is a shortest path through the states "so many events of each lane
 * are done, and this lane did the last one"; an event may be done when all that come before it by dependence are.
 */
#include "lab/race/race.h"
#include "lab/race/real.h"

enum { STATES = 4 << 20 };

struct lane {
	unsigned number, count;
	uint32_t step; /* how much one more event adds to the number of a state */
	uint16_t *event; /* in the order of the lane */
};

static unsigned find_lanes(struct lane lanes[RACE_LANES], uint16_t room[RACE_EVENTS])
{
	unsigned used = 0, count = 0;

	for (unsigned number = 0; number < RACE_LANES; number++) {
		struct lane *lane = &lanes[used];

		*lane = (struct lane){ .number = number, .event = room + count };
		for (unsigned i = 0; i < race.depth; i++)
			if (race_event[i].lane == number) {
				lane->event[lane->count++] = (uint16_t)i;
				count++;
			}
		used += lane->count > 0;
	}
	return used;
}

/* In the state with this many events done of each lane: may lane @next do its next one? */
static bool may_follow(const struct lane *lanes, unsigned used, const unsigned *done, unsigned next)
{
	const struct race_event *event;

	if (done[next] == lanes[next].count)
		return false;
	event = &race_event[lanes[next].event[done[next]]];
	for (unsigned i = 0; i < used; i++)
		if (i != next && !race_mutant(RACE_MUTANT_SHORTEN_ANY) &&
		    event->clock.at[lanes[i].number] > (int)done[i])
			return false;
	return true;
}

struct path {
	uint8_t cost, from;
};

static int read_path(const struct lane *lanes, unsigned used, const struct path *path,
		     size_t states, uint8_t *order)
{
	size_t state = states - 1;
	unsigned last = 0;
	int cost;

	for (unsigned i = 1; i < used; i++)
		if (path[state * used + i].cost < path[state * used + last].cost)
			last = i;
	cost = path[state * used + last].cost;
	for (unsigned i = race.depth; i-- > 0;) {
		unsigned from = path[state * used + last].from;

		order[i] = (uint8_t)lanes[last].number;
		state -= lanes[last].step;
		last = from;
	}
	return cost;
}

static void extend(const struct lane *lanes, unsigned used, struct path *path, size_t state)
{
	unsigned done[RACE_LANES];
	size_t left = state;

	for (unsigned i = 0; i < used; i++) {
		done[i] = (unsigned)(left % (lanes[i].count + 1));
		left /= lanes[i].count + 1;
	}
	for (unsigned next = 0; next < used; next++) {
		struct path *to;

		if (!may_follow(lanes, used, done, next))
			continue;
		to = &path[(state + lanes[next].step) * used + next];
		for (unsigned last = 0; last < used; last++) {
			unsigned cost = 0;

			if (state)
				cost = path[state * used + last].cost + (unsigned)(last != next);

			if (cost >= 255 || cost >= to->cost)
				continue;
			to->cost = (uint8_t)cost;
			to->from = (uint8_t)last;
		}
	}
}

int race_shorten(uint8_t *order)
{
	static uint16_t room[RACE_EVENTS];
	struct lane lanes[RACE_LANES];
	unsigned used = find_lanes(lanes, room);
	size_t states = 1;
	struct path *path;
	int cost;

	for (unsigned i = 0; i < race.depth; i++)
		order[i] = (uint8_t)(race_event[i].lane | race_event[i].older << RACE_LANE_BITS);
	/* What a load of a weak processor returns does not follow from the order of dependent steps. */
	if (race.model == PW_LAB_WEAK)
		return -1;
	for (unsigned i = 0; i < used; i++) {
		lanes[i].step = (uint32_t)states;
		states *= lanes[i].count + 1;
		if (states * used > STATES)
			return -1;
	}
	path = __real_malloc(states * used * sizeof(*path));
	if (!path)
		return -1;
	__real_memset(path, 255, states * used * sizeof(*path));
	for (size_t state = 0; state + 1 < states; state++)
		extend(lanes, used, path, state);
	cost = used ? read_path(lanes, used, path, states, order) : 0;
	__real_free(path);
	return cost;
}
