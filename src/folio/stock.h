/* SPDX-License-Identifier: MIT */
/*
 * Stocks: single free frames that are out of the arena's lists, ready for threads that allocate many.
 *
 * A thread with a number of its own takes frames from the stock of that number. It takes arena->lock once for up to
 * PW_STOCK_FRAMES frames, and its frames are neighbours: so threads share neither the lock nor the cache lines of
 * struct pw_frame. The descriptions of so many frames fill a page of 4 KiB. A processor fetches lines ahead within a
 * page; with fewer frames it would take lines that another thread is writing.
 *
 * A frame in a stock is free. So it is counted as free, and everybody who does not find memory in the lists first puts
 * the stocks back there: pw_buddy_alloc, pw_buddy_retire.
 *
 * Freed frames do not go to a stock: in the lists they become large blocks again.
 */
#ifndef PW_FOLIO_STOCK_H
#define PW_FOLIO_STOCK_H

#include "folio/arena.h"

enum {
	PW_STOCKS_LG2 = 3,
	PW_STOCKS = 1 << PW_STOCKS_LG2,
	PW_STOCK_FRAMES = 4096 / sizeof(struct pw_frame),
	/* Smaller arenas have no stocks, and none is filled while fewer frames are free than the second. */
	PW_STOCK_ARENA = 1 << 15,
	PW_STOCK_ENOUGH = 4 * PW_STOCKS * PW_STOCK_FRAMES,
};

struct pw_stock {
	pthread_mutex_t lock; /* protects the rest */
	uint32_t count;
	uint32_t frame[PW_STOCK_FRAMES]; /* the last one is next */
	unsigned char away[64]; /* from the next stock: a cache line for each */
};

/* Gives the arena stocks, if it is large. Before anybody allocates. Returns 0, or -ENOMEM. */
int pw_stock_create(struct pw_arena *arena);
/* Forgets them. */
void pw_stock_destroy(struct pw_arena *arena);
/* Takes a free frame from stock @near, modulo PW_STOCKS. PW_NO_FRAME: use pw_buddy_alloc. */
uint32_t pw_stock_take(struct pw_arena *arena, unsigned near);
/*
 * Makes a folio of one frame of stock @near, with one reference and no owner: folio.c. False: there is no frame, use
 * pw_folio_alloc.
 */
bool pw_folio_alloc_near(struct pw_arena *arena, unsigned near, enum pw_folio_kind kind,
			 uint32_t *frame_ret);
/* Puts all frames of all stocks back into the lists. */
void pw_stock_drain(struct pw_arena *arena);
/* Returns how many frames are free, in the lists and in the stocks, at one moment. */
uint32_t pw_stock_free_frames(struct pw_arena *arena);

#endif
