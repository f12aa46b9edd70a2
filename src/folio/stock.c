/* SPDX-License-Identifier: MIT */
/* Stocks of free frames: stock.h. A stock's lock is taken before arena->lock, and stocks in the order of their numbers. */
#include "folio/stock.h"

#include <errno.h>
#include <stdlib.h>

int pw_stock_create(struct pw_arena *arena)
{
	if (arena->frames < PW_STOCK_ARENA)
		return 0;
	arena->stock = calloc(PW_STOCKS, sizeof(*arena->stock));
	if (!arena->stock)
		return -ENOMEM;
	for (unsigned i = 0; i < PW_STOCKS; i++)
		pthread_mutex_init(&arena->stock[i].lock, NULL);
	return 0;
}

void pw_stock_destroy(struct pw_arena *arena)
{
	for (unsigned i = 0; arena->stock && i < PW_STOCKS; i++)
		pthread_mutex_destroy(&arena->stock[i].lock);
	free(arena->stock);
	arena->stock = NULL;
}

uint32_t pw_stock_take(struct pw_arena *arena, unsigned near)
{
	struct pw_stock *stock;
	uint32_t frame = PW_NO_FRAME;

	if (!arena->stock)
		return PW_NO_FRAME;
	stock = &arena->stock[near % PW_STOCKS];
	pthread_mutex_lock(&stock->lock);
	if (stock->count == 0)
		stock->count = pw_buddy_take(arena, stock->frame, PW_STOCK_FRAMES, PW_STOCK_ENOUGH);
	if (stock->count > 0)
		frame = stock->frame[--stock->count];
	pthread_mutex_unlock(&stock->lock);
	return frame;
}

void pw_stock_drain(struct pw_arena *arena)
{
	if (pw_mutant(PW_MUTANT_STOCK_KEPT))
		return;
	for (unsigned i = 0; arena->stock && i < PW_STOCKS; i++) {
		struct pw_stock *stock = &arena->stock[i];

		pthread_mutex_lock(&stock->lock);
		if (stock->count > 0)
			pw_buddy_give(arena, stock->frame, stock->count);
		stock->count = 0;
		pthread_mutex_unlock(&stock->lock);
	}
}

uint32_t pw_stock_free_frames(struct pw_arena *arena)
{
	const unsigned stocks = arena->stock ? PW_STOCKS : 0;
	uint32_t frames = 0;

	/* All at once, so that no frame is on its way from one place to another. */
	for (unsigned i = 0; i < stocks; i++) {
		pthread_mutex_lock(&arena->stock[i].lock);
		frames += arena->stock[i].count;
	}
	pthread_mutex_lock(&arena->lock);
	frames += arena->free_frames;
	pthread_mutex_unlock(&arena->lock);
	for (unsigned i = stocks; i > 0; i--)
		pthread_mutex_unlock(&arena->stock[i - 1].lock);
	return frames;
}
