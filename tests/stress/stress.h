/* SPDX-License-Identifier: MIT */
/*
 * Writers and readers together: threads map, unmap, protect, split, collapse and reuse pages, grow the
 * top and share pages for a copy, while others pin and translate.
 *
 *   stress.c    formats and rounds, and checks for leaks
 *   edit.c      editors
 *   read.c      pinners and translators, and the checks of their pages
 *   grow.c      tops that grow while the old top is taken out
 *   moments.c   delays where rules decide (src/base/mutant.h), in builds with mutants
 *
 * Every page holds its identity, the address at which it is mapped, written before it is mapped. Pinners
 * read it through the pin. Anything else is a wrong page; so is the poison with which freed pages and tables
 * are filled.
 *
 *              slot 0                             slot 1                        slot 2
 *   +------------+------------+------------------------+------------------------+
 *   | table of base pages     | table of base pages    |                        |
 *   |            :         :  |    :               :   |                        |
 *   |   zone 0   :     zone 1      :    zone 2     : 3 |                        |
 *   +------------+------------+------------------------+------------------------+
 *
 * There is one editor at a time in each zone. Zones end within tables, contiguous groups and large leaves; so
 * their editors work on the same tables and split the same pages, without a common lock. An editor that holds
 * all zones of a slot works on whole tables.
 */
#ifndef STRESS_H
#define STRESS_H

#include <pthread.h>
#include <sched.h>

#include <pagewalk/pagewalk.h>

enum {
	SLOTS = 3,
	ZONES = 4,
	EDITORS = 2,
	PINNERS = 2,
	TRANSLATORS = 1,
	WORKERS = EDITORS + PINNERS + TRANSLATORS,
	WINDOW = 256, /* pages around the middle of a slot, where most happens */
};

enum operation {
	OP_MAP,
	OP_MAP_LARGE,
	OP_UNMAP,
	OP_PROTECT,
	OP_PROT_NONE,
	OP_SPLIT,
	OP_COLLAPSE,
	OP_MOVE,
	OP_SPLIT_FOLIO,
	OP_TRUNCATE,
	OP_COPY,
	OP_GROW,
	OP_PIN,
	OP_PIN_RANGES,
	OP_PIN_IOVEC,
	OP_GET,
	OP_TRANSLATE,
	OPERATIONS, /* from here on: counts of results, not operations */
	TALLY_PAGES = OPERATIONS,
	TALLY_GROWN,
	TALLIES,
};

/* Pages of a slot that one editor at a time changes: numbers, both inclusive. */
struct zone {
	pthread_mutex_t lock;
	uint32_t first, last;
};

struct slot {
	struct zone zone[ZONES];
	pw_va first;
};

/* A page so far away that the top has to grow for it. */
struct far {
	pthread_mutex_t lock;
	pw_va va;
	bool use;
};

struct stress {
	const struct pw_format *format;
	struct pw_geometry geometry;
	unsigned fewest; /* the fewest levels that a space can begin with */
	struct pw_arena *arena;
	pw_pa base; /* of the arena */
	struct pw_space *space;
	struct slot slot[SLOTS];
	struct far far[PW_MAX_LEVELS];
	pthread_mutex_t copying; /* one copy at a time */
	uint32_t pages; /* base pages of a slot */
	uint32_t window; /* how many of them are used most */
	unsigned largest_lg2; /* log2 of the largest folio */
	unsigned large_order; /* order of the folio that a leaf of level 1 maps */
	bool large; /* there are such leaves, and the arena has room for them */
	bool stop; /* atomic */
	uint64_t wrong; /* atomic: number of errors that were found */
};

struct worker {
	struct stress *stress;
	unsigned number;
	pthread_t thread;
	struct pw_reader *reader;
	uint64_t random;
	uint64_t done[TALLIES];
	uint64_t stops[PW_STOP_REASONS];
};

static inline uint32_t below(struct worker *w, uint32_t limit)
{
	/* Constants of Knuth's MMIX. */
	w->random = w->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)((w->random >> 33) % limit);
}

static inline bool one_in(struct worker *w, uint32_t limit)
{
	return below(w, limit) == 0;
}

static inline pw_va page_bytes(const struct stress *s)
{
	return (pw_va)1 << s->geometry.shift[0];
}

static inline pw_va slot_bytes(const struct stress *s)
{
	return s->pages * page_bytes(s);
}

/* A page of a slot, most often one of the window. */
static inline uint32_t some_page(struct worker *w)
{
	const struct stress *s = w->stress;

	return one_in(w, 16) ? below(w, s->pages)
			     : (s->pages - s->window) / 2 + below(w, s->window);
}

static inline uint64_t identity(const struct stress *s, pw_va va)
{
	return UINT64_C(0x5a17e11a00000000) ^ (va >> s->geometry.shift[0]);
}

/* The first words of a page: its identity, and one for each worker that writes through pins. */
static inline uint64_t *words(const struct stress *s, pw_pa pa)
{
	return pw_arena_host(s->arena, pa, (1 + WORKERS) * sizeof(uint64_t));
}

static inline bool stopped(const struct stress *s)
{
	return __atomic_load_n(&s->stop, __ATOMIC_RELAXED);
}

/* Counts an error, and prints the first ones. */
void wrong(struct stress *s, const char *what, pw_va va, pw_pa pa, uint64_t found);

/* From now on threads are delayed at moments when a rule decides. */
#ifdef PW_MUTANTS_BUILD
void delay_moments(void);
#else
static inline void delay_moments(void)
{
}
#endif

/* Threads. */
void *edit(void *worker);
void *pin(void *worker);
void *translate(void *worker);

/* Can this format begin with a top table of leaves, and can that become one page? */
bool grows_from_leaves(const struct stress *s);
/* Runs round @number of growing. Returns how many pages were pinned. */
uint64_t grow_once(struct stress *s, unsigned number);

/* Unmaps the range and gives its pages back; it may be a far page. */
void unmap(struct stress *s, pw_va first, pw_va last);

#endif
