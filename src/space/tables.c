/* SPDX-License-Identifier: MIT */
/* Memory for tables: whole frames, or a piece of one. */
#include <stdlib.h>
#include <string.h>

#include "space/edit.h"

static unsigned table_lg2(const struct pw_space *space, unsigned level)
{
	return space->format->bits[level] + space->format->entry_lg2;
}

static unsigned table_order(const struct pw_space *space, unsigned level)
{
	unsigned lg2 = space->piece_lg2[level], page_lg2 = space->arena->page_lg2;

	return lg2 > page_lg2 ? lg2 - page_lg2 : 0;
}

/* ---- pieces of frames ---- */

/* The content of a free piece. There is room for it: every table has at least 32 bytes. */
struct free_piece {
	pw_pa next, previous; /* PW_NO_TABLE at either end */
};

static struct free_piece *piece_at(const struct pw_space *space, pw_pa piece)
{
	return (struct free_piece *)(void *)pw_table_host(space, piece);
}

static void push(struct pw_space *space, unsigned level, pw_pa piece)
{
	pw_pa first = space->free[level];

	*piece_at(space, piece) = (struct free_piece){ .next = first, .previous = PW_NO_TABLE };
	if (first != PW_NO_TABLE)
		piece_at(space, first)->previous = piece;
	space->free[level] = piece;
}

static void take_out(struct pw_space *space, unsigned level, pw_pa piece)
{
	const struct free_piece *links = piece_at(space, piece);

	if (links->previous == PW_NO_TABLE)
		space->free[level] = links->next;
	else
		piece_at(space, links->previous)->next = links->next;
	if (links->next != PW_NO_TABLE)
		piece_at(space, links->next)->previous = links->previous;
}

/* Adds @more to the number of tables in the frame of @piece (its index), and returns the sum. */
static uint32_t count_pieces(struct pw_space *space, pw_pa piece, uint32_t more)
{
	struct pw_arena *arena = space->arena;

	return __atomic_add_fetch(&arena->frame[pw_arena_frame(arena, piece)].index, more,
				  __ATOMIC_RELAXED);
}

/* Takes a free piece, or cuts a new frame into pieces. Returns 0, or -ENOMEM. */
static int take_piece(struct pw_space *space, unsigned level, pw_pa *pa_ret)
{
	const pw_pa piece = UINT64_C(1) << space->piece_lg2[level];
	const pw_pa end = UINT64_C(1) << space->arena->page_lg2;
	int error = 0;

	pthread_mutex_lock(&space->free_lock);
	*pa_ret = space->free[level];
	if (*pa_ret != PW_NO_TABLE) {
		take_out(space, level, *pa_ret);
	} else {
		error = pw_arena_alloc(space->arena, 0, space->limit_lg2[level], pa_ret);
		for (pw_pa at = piece; !error && at < end; at += piece)
			push(space, level, *pa_ret + at);
	}
	if (!error)
		count_pieces(space, *pa_ret, 1);
	pthread_mutex_unlock(&space->free_lock);
	return error;
}

/* Frees a piece, and also its frame if no other piece of it is a table. */
static void free_piece(struct pw_space *space, unsigned level, pw_pa pa)
{
	const pw_pa piece = UINT64_C(1) << space->piece_lg2[level];
	const pw_pa end = UINT64_C(1) << space->arena->page_lg2;
	const pw_pa frame = pa & ~pw_mask(space->arena->page_lg2);
	bool unused;

	pthread_mutex_lock(&space->free_lock);
	push(space, level, pa);
	unused = count_pieces(space, pa, ~UINT32_C(0)) == 0 && !pw_mutant(PW_MUTANT_KEEP_PIECES);
	for (pw_pa at = 0; unused && at < end; at += piece)
		take_out(space, level, frame + at);
	pthread_mutex_unlock(&space->free_lock);
	if (unused)
		pw_arena_free(space->arena, frame);
}

/* ---- tables ---- */

static int take(struct pw_space *space, unsigned level, pw_pa *pa_ret)
{
	if (space->piece_lg2[level] < space->arena->page_lg2)
		return take_piece(space, level, pa_ret);
	return pw_arena_alloc(space->arena, table_order(space, level), space->limit_lg2[level],
			      pa_ret);
}

int pw_table_alloc(struct pw_space *space, unsigned level, pw_pa *pa_ret)
{
	struct pw_arena *arena = space->arena;
	uint64_t before;
	int error;

	do {
		before = pw_arena_leaving(arena);
		pw_moment(PW_MOMENT_TRY);
		error = take(space, level, pa_ret);
		if (error)
			pw_moment(PW_MOMENT_NO_MEMORY);
		if (pw_mutant(PW_MUTANT_LEAVING_AFTER))
			before = pw_arena_leaving(arena);
	} while (error && pw_arena_await(arena, before));
	if (!error)
		__atomic_fetch_add(&space->bytes, UINT64_C(1) << table_lg2(space, level),
				   __ATOMIC_RELAXED);
	return error;
}

void pw_table_free(struct pw_space *space, unsigned level, pw_pa pa)
{
	const unsigned lg2 = table_lg2(space, level);

	__atomic_fetch_sub(&space->bytes, UINT64_C(1) << lg2, __ATOMIC_RELAXED);
	if (space->piece_lg2[level] >= space->arena->page_lg2) {
		pw_arena_free(space->arena, pa);
		return;
	}
	if (space->arena->poison)
		memset(pw_table_host(space, pa), PW_POISON, (size_t)1 << lg2);
	free_piece(space, level, pa);
}

/* ---- whole tables: rare enough for a format behind a pointer ---- */

static uint64_t load(const struct pw_space *space, pw_pa pa, uint32_t index)
{
	return pw_edit_load(space->format,
			    pw_table_host(space, pa) + ((size_t)index << space->format->entry_lg2));
}

bool pw_table_unused(const struct pw_space *space, const struct pw_regime *r, unsigned level,
		     pw_pa pa)
{
	const struct pw_format *f = space->format;

	for (uint32_t i = 0; i <= pw_mask(f->bits[level]); i++) {
		uint64_t e = load(space, pa, i);
		bool unused = pw_edit_empty(f, r, level, e) ||
			      (f->kind(f, r, level, e) == PW_TABLE &&
			       pw_table_unused(space, r, level - 1, f->table(f, r, level, e)));

		if (!unused)
			return false;
	}
	return true;
}
