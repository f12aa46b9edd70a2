/* SPDX-License-Identifier: MIT */
/* From results to steps and columns. */
#include "lab/fold/picture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- columns ---- */

/* Adds @va to the sorted list of @count, unless it is there. */
static unsigned insert(pw_va *list, unsigned count, pw_va va)
{
	unsigned at = 0;

	while (at < count && list[at] < va)
		at++;
	if (at < count && list[at] == va)
		return count;
	memmove(list + at + 1, list + at, (count - at) * sizeof(*list));
	list[at] = va;
	return count + 1;
}

/* Columns begin at the starts of turns, level by level from the top, as long as there is room. */
static void find_columns(struct fold_picture *picture, struct fold_result *const *results,
			 unsigned most)
{
	pw_va list[FOLD_PICTURE_COLUMNS + 1];
	unsigned count = 1;

	picture->start[0] = picture->first;
	picture->columns = 1;
	for (unsigned level = FOLD_LEVELS; level-- > 0;) {
		memcpy(list, picture->start, sizeof(picture->start));
		count = picture->columns;
		for (size_t p = 0; p < picture->panels; p++)
			for (size_t i = 0; i < results[p]->turns && count <= most; i++)
				if (results[p]->turn[i].level == level)
					count = insert(list, count, results[p]->turn[i].first);
		if (count > most)
			return;
		memcpy(picture->start, list, sizeof(picture->start));
		picture->columns = count;
	}
}

static unsigned column_of(const struct fold_picture *picture, pw_va va)
{
	unsigned column = picture->columns - 1;

	while (column > 0 && picture->start[column] > va)
		column--;
	return column;
}

/* ---- steps ---- */

static bool same_kind(const struct fold_turn *a, const struct fold_turn *b)
{
	return a->level == b->level && a->folded == b->folded && a->departed == b->departed &&
	       a->broken == b->broken && a->outside == b->outside;
}

/* Can @turn, called by a turn of step @parent, be drawn as one with @step? */
static bool joins(const struct fold_picture *picture, const struct fold_panel *panel,
		  const struct fold_step *step, const struct fold_turn *turn, uint32_t parent)
{
	unsigned column = column_of(picture, turn->first);

	return step->parent == parent && same_kind(fold_step_turn(panel, step), turn) &&
	       column_of(picture, step->first) == column &&
	       column_of(picture, turn->last) == column && column_of(picture, step->last) == column;
}

static int find_steps(const struct fold_picture *picture, struct fold_panel *panel)
{
	const struct fold_result *result = panel->result;
	uint32_t *step_of = calloc(result->turns + 1, sizeof(*step_of));
	uint32_t last_of[FOLD_LEVELS];

	panel->step = calloc(result->turns + 1, sizeof(*panel->step));
	if (!step_of || !panel->step) {
		free(step_of);
		return -ENOMEM;
	}
	for (unsigned level = 0; level < FOLD_LEVELS; level++)
		last_of[level] = FOLD_NO_TURN;
	panel->departure = FOLD_NO_TURN;
	for (uint32_t i = 0; i < result->turns; i++) {
		const struct fold_turn *turn = &result->turn[i];
		uint32_t before = last_of[turn->level], at = panel->steps;
		uint32_t parent = turn->parent == FOLD_NO_TURN ? FOLD_NO_TURN
							       : step_of[turn->parent];

		if (before != FOLD_NO_TURN && turn->iteration > 0)
			panel->step[before].iterates = true;
		if (before != FOLD_NO_TURN &&
		    joins(picture, panel, &panel->step[before], turn, parent)) {
			at = before;
			panel->step[at].turns++;
			panel->step[at].last = turn->last;
		} else {
			panel->step[panel->steps++] = (struct fold_step){
				.turn = i,
				.turns = 1,
				.parent = parent,
				.first = turn->first,
				.last = turn->last,
				.iterates = turn->iteration > 0,
			};
		}
		step_of[i] = last_of[turn->level] = at;
		if (turn->departed && panel->departure == FOLD_NO_TURN)
			panel->departure = at;
	}
	for (uint32_t i = 0; i < result->pages; i++) {
		const struct fold_page *page = &result->page[i];
		struct fold_step *step = &panel->step[step_of[page->turn]];
		bool wrong = !page->mapped || page->mapped_at != page->va;

		if (step->pages == 0 || (wrong && step->wrong == 0))
			step->page = i;
		step->pages++;
		step->wrong += wrong;
	}
	free(step_of);
	return 0;
}

/* ---- all ---- */

int fold_picture_init(struct fold_picture *picture, const struct fold_input *input,
		      struct fold_result *const *results, size_t count, unsigned columns)
{
	*picture = (struct fold_picture){
		.input = input,
		.panel = calloc(count, sizeof(*picture->panel)),
		.panels = count,
		.first = results[0]->first,
		.last = results[0]->last,
	};
	if (!picture->panel)
		return -ENOMEM;
	find_columns(picture, results, columns);
	for (size_t p = 0; p < count; p++) {
		picture->panel[p].result = results[p];
		for (unsigned level = 0; level < FOLD_LEVELS; level++)
			if (results[p]->turns_of[level] > 0)
				picture->visited[level] = true;
		if (find_steps(picture, &picture->panel[p])) {
			fold_picture_destroy(picture);
			return -ENOMEM;
		}
	}
	return 0;
}

void fold_picture_destroy(struct fold_picture *picture)
{
	for (size_t p = 0; p < picture->panels; p++)
		free(picture->panel[p].step);
	free(picture->panel);
}
