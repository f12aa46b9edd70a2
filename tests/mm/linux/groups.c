/* SPDX-License-Identifier: MIT */
/* Groups of calls that are known to go wrong together, with addresses that later calls use again. */
#include <sys/mman.h>

#include "advice.h"
#include "generate.h"

static void touch_range(struct generator *g, unsigned who, enum call_kind kind, uint64_t va,
			uint64_t pages)
{
	const uint64_t arg[MAX_ARGS] = { va & ~UINT64_C(7), pages };

	gen_add(g, who, kind, arg);
}

static void advise(struct generator *g, unsigned who, uint64_t va, uint64_t bytes, int advice)
{
	const uint64_t arg[MAX_ARGS] = { va, bytes, (uint64_t)advice };

	gen_add(g, who, CALL_MADVISE, arg);
}

static void range_call(struct generator *g, unsigned who, enum call_kind kind, uint64_t va,
		       uint64_t bytes, uint64_t last)
{
	const uint64_t arg[MAX_ARGS] = { va, bytes, last };

	gen_add(g, who, kind, arg);
}

static void move(struct generator *g, unsigned who, uint64_t va, uint64_t bytes, uint64_t flags,
		 uint64_t to)
{
	const uint64_t arg[MAX_ARGS] = { va, bytes, bytes, MREMAP_MAYMOVE | flags, to };

	gen_add(g, who, CALL_MREMAP, arg);
}

/* Maps anonymous memory, or a file from its begin on if @file is not NO_FILE, at a fixed place. */
static void map(struct generator *g, unsigned who, uint64_t va, uint64_t bytes, uint64_t flags,
		uint64_t file)
{
	const uint64_t arg[MAX_ARGS] = { va,
					 bytes,
					 PROT_READ | PROT_WRITE,
					 flags | MAP_FIXED | (file == NO_FILE ? MAP_ANONYMOUS : 0),
					 file,
					 0 };

	gen_add(g, who, CALL_MMAP, arg);
}

/* A place where @pages fit into the window. */
static uint64_t place(struct generator *g, uint64_t pages)
{
	const uint64_t va = gen_border(g), bytes = pages * g->can->page;

	return va > WINDOW_END - bytes ? WINDOW_END - bytes : va;
}

/* Anonymous memory, private or shared, or a file. */
static void any_memory(struct generator *g, unsigned who, uint64_t va, uint64_t bytes)
{
	const uint64_t kind = below(g, 10);

	if (kind < 6)
		map(g, who, va, bytes, MAP_PRIVATE, NO_FILE);
	else if (kind < 7)
		map(g, who, va, bytes, MAP_SHARED, NO_FILE);
	else
		map(g, who, va, bytes, kind == 7 ? MAP_SHARED : MAP_PRIVATE, gen_file(g));
}

/* The caller, or any other process; sometimes a new one. */
static unsigned somebody(struct generator *g, unsigned who)
{
	if (chance(g, 25))
		gen_fork(g, who);
	return chance(g, 50) ? who : gen_process(g);
}

/* Protects a part and turns back: the VMAs must merge again. */
static void group_protect(struct generator *g, unsigned who)
{
	uint64_t arg[MAX_ARGS] = { 0 };

	gen_range(g, arg);
	arg[2] = gen_prot(g);
	gen_add(g, who, CALL_MPROTECT, arg);
	if (chance(g, 60))
		gen_touch(g, who);
	arg[2] = PROT_READ | PROT_WRITE;
	gen_add(g, who, CALL_MPROTECT, arg);
	gen_add(g, who, CALL_FILL, (uint64_t[]){ arg[0] & ~UINT64_C(7), 3, 0, 0, 0, 0 });
}

/* Writes, forks, and writes on both sides. */
static void group_fork(struct generator *g, unsigned who)
{
	uint64_t arg[MAX_ARGS] = { gen_border(g), 4 };

	gen_add(g, who, CALL_FILL, arg);
	gen_fork(g, who);
	gen_add(g, gen_process(g), CALL_FILL, arg);
	gen_add(g, gen_process(g), CALL_SCAN, arg);
	gen_add(g, gen_process(g), CALL_FILL, arg);
}

/* A stack, and accesses below it. */
static void group_stack(struct generator *g, unsigned who)
{
	const uint64_t page = g->can->page;
	uint64_t arg[MAX_ARGS] = { gen_border(g),
				   (1 + below(g, 3)) * page,
				   PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_FIXED,
				   NO_FILE,
				   0 };

	if (arg[0] + arg[1] > WINDOW_END)
		arg[0] -= arg[1];
	gen_add(g, who, CALL_MMAP, arg);
	for (unsigned i = 0; i < 3; i++) {
		arg[0] -= below(g, 4) * page;
		gen_add(g, who, chance(g, 50) ? CALL_WRITE : CALL_READ, arg);
	}
}

/* A file's pages, its end moved under them, and back. */
static void group_truncate(struct generator *g, unsigned who)
{
	uint64_t arg[MAX_ARGS] = { gen_border(g),
				   (2 + below(g, 6)) * g->can->page,
				   PROT_READ | PROT_WRITE,
				   MAP_FIXED | (chance(g, 50) ? MAP_SHARED : MAP_PRIVATE),
				   gen_file(g),
				   0 };
	const uint64_t pages[MAX_ARGS] = { arg[0], arg[1] / g->can->page };

	gen_add(g, who, CALL_MMAP, arg);
	gen_add(g, who, CALL_FILL, pages);
	gen_file_call(g, who);
	gen_add(g, who, CALL_SCAN, pages);
	gen_file_call(g, who);
	gen_add(g, who, CALL_FILL, pages);
	gen_add(g, who, CALL_SCAN, pages);
}

/* Moves a range, which overlaps with its new place or not, and uses both places. */
static void group_move(struct generator *g, unsigned who)
{
	uint64_t arg[MAX_ARGS] = { gen_border(g), (1 + below(g, 6)) * g->can->page };
	const uint64_t from[MAX_ARGS] = { arg[0], arg[1] / g->can->page };

	arg[2] = arg[1];
	arg[3] = MREMAP_MAYMOVE | MREMAP_FIXED | (chance(g, 30) ? MREMAP_DONTUNMAP : 0);
	arg[4] = gen_border(g);
	gen_add(g, who, CALL_FILL, from);
	gen_add(g, who, CALL_MREMAP, arg);
	gen_add(g, who, CALL_SCAN, (uint64_t[]){ arg[4], from[1], 0, 0, 0, 0 });
	gen_add(g, who, CALL_FILL, from);
}

/* ---- huge pages ---- */

/* A part of the range: few pages or many, at its ends or inside. */
static void part(struct generator *g, uint64_t first, uint64_t bytes, uint64_t *arg)
{
	const uint64_t page = g->can->page, all = bytes / page;
	uint64_t pages = 1 + (chance(g, 60) ? below(g, 8) : below(g, all)), at;

	if (pages > all)
		pages = all;
	at = below(g, all - pages + 1);
	if (chance(g, 30))
		at = chance(g, 50) ? 0 : all - pages;
	arg[0] = first + at * page;
	arg[1] = pages * page;
}

/* Does something to a part of huge memory. */
static void change_part(struct generator *g, unsigned who, const uint64_t *arg)
{
	static const int advice[] = { MADV_DONTNEED,       MADV_FREE,
				      MADV_PAGEOUT,        MADV_PAGEOUT,
				      MADV_COLD,           MADV_WILLNEED,
				      MADV_NOHUGEPAGE,     ADVICE_GUARD_INSTALL,
				      ADVICE_GUARD_REMOVE, ADVICE_POPULATE_WRITE,
				      ADVICE_COLLAPSE };

	switch (below(g, 9)) {
	case 0:
		range_call(g, who, CALL_MPROTECT, arg[0], arg[1],
			   chance(g, 50) ? PROT_READ : PROT_READ | PROT_WRITE);
		break;
	case 1:
		range_call(g, who, CALL_MUNMAP, arg[0], arg[1], 0);
		break;
	case 2:
		move(g, who, arg[0], arg[1], chance(g, 50) ? MREMAP_FIXED : MREMAP_DONTUNMAP,
		     chance(g, 50) ? WINDOW + below(g, 4) * HUGE_BYTES + (arg[0] & (HUGE_BYTES - 1))
				   : place(g, arg[1] / g->can->page));
		break;
	case 3:
		range_call(g, who, chance(g, 60) ? CALL_MLOCK : CALL_MUNLOCK, arg[0], arg[1], 0);
		break;
	case 4:
		touch_range(g, who, chance(g, 50) ? CALL_FILL : CALL_SCAN, arg[0], 1 + below(g, 4));
		break;
	default:
		advise(g, who, arg[0], arg[1], advice[below(g, sizeof advice / sizeof *advice)]);
		break;
	}
	gen_remember(g, chance(g, 50) ? arg[0] : arg[0] + arg[1]);
}

/* A huge page and what is beside it; parts of it are changed, in several processes. */
static void group_huge(struct generator *g, unsigned who)
{
	const uint64_t page = g->can->page;
	const uint64_t first = WINDOW + HUGE_BYTES - below(g, 3) * page;
	const uint64_t bytes = WINDOW + 2 * HUGE_BYTES + below(g, 3) * page - first;
	uint64_t arg[MAX_ARGS] = { 0 };

	map(g, who, first, bytes, chance(g, 85) ? MAP_PRIVATE : MAP_SHARED, NO_FILE);
	advise(g, who, first, bytes, MADV_HUGEPAGE);
	if (chance(g, 80))
		touch_range(g, who, CALL_FILL, WINDOW + HUGE_BYTES + below(g, 512) * page,
			    1 + below(g, 4));
	else if (chance(g, 50))
		touch_range(g, who, CALL_SCAN, first, 1 + below(g, 5));
	else
		advise(g, who, first, bytes, ADVICE_POPULATE_WRITE);
	for (uint64_t i = 2 + below(g, 6); i > 0; i--) {
		part(g, first, bytes, arg);
		if (chance(g, 15)) {
			arg[0] = WINDOW + HUGE_BYTES;
			arg[1] = HUGE_BYTES;
		}
		change_part(g, somebody(g, who), arg);
	}
	touch_range(g, who, CALL_SCAN, first, 6);
}

/* ---- pages out and back ---- */

/* Pages go out, in parts, and come back in several processes. */
static void group_page_out(struct generator *g, unsigned who)
{
	const uint64_t page = g->can->page, pages = 2 + below(g, 8);
	const uint64_t va = place(g, pages);
	uint64_t arg[MAX_ARGS] = { 0 };

	any_memory(g, who, va, pages * page);
	touch_range(g, who, CALL_FILL, va, pages);
	for (uint64_t i = 2 + below(g, 4); i > 0; i--) {
		part(g, va, pages * page, arg);
		advise(g, somebody(g, who), arg[0], arg[1],
		       chance(g, 70)   ? MADV_PAGEOUT
		       : chance(g, 50) ? MADV_FREE
				       : MADV_COLD);
		if (chance(g, 50))
			change_part(g, somebody(g, who), arg);
		touch_range(g, somebody(g, who), chance(g, 50) ? CALL_FILL : CALL_SCAN,
			    va + below(g, pages) * page, 1 + below(g, 3));
		if (chance(g, 30))
			range_call(g, who, CALL_MINCORE, va, pages * page, 0);
	}
}

/* ---- soft-dirty ---- */

/* Clears the bits between writes, in several processes, and while pages are out, moved, or shared. */
static void group_soft_dirty(struct generator *g, unsigned who)
{
	const uint64_t page = g->can->page, pages = 2 + below(g, 8);
	const uint64_t va = place(g, pages);
	uint64_t arg[MAX_ARGS] = { 0 };

	any_memory(g, who, va, pages * page);
	touch_range(g, who, CALL_FILL, va, 1 + below(g, pages));
	gen_clear_refs(g, who);
	for (uint64_t i = 2 + below(g, 5); i > 0; i--) {
		const unsigned other = somebody(g, who);

		part(g, va, pages * page, arg);
		if (chance(g, 30))
			advise(g, other, arg[0], arg[1], MADV_PAGEOUT);
		else if (chance(g, 20))
			gen_clear_refs(g, other);
		else if (chance(g, 70))
			change_part(g, other, arg);
		touch_range(g, somebody(g, who), chance(g, 50) ? CALL_FILL : CALL_SCAN,
			    va + below(g, pages) * page, 1 + below(g, 3));
	}
}

/* ---- guards ---- */

static void group_guard(struct generator *g, unsigned who)
{
	const uint64_t page = g->can->page, pages = 3 + below(g, 6);
	const uint64_t va = place(g, pages);
	uint64_t arg[MAX_ARGS] = { 0 };

	any_memory(g, who, va, pages * page);
	touch_range(g, who, CALL_FILL, va, below(g, pages) + 1);
	part(g, va, pages * page, arg);
	advise(g, who, arg[0], arg[1], ADVICE_GUARD_INSTALL);
	for (uint64_t i = 1 + below(g, 4); i > 0; i--) {
		const unsigned other = somebody(g, who);

		if (chance(g, 50))
			part(g, va, pages * page, arg);
		if (chance(g, 25))
			advise(g, other, arg[0], arg[1], ADVICE_GUARD_INSTALL);
		else if (chance(g, 30))
			range_call(g, other, CALL_MLOCK2, arg[0], arg[1], below(g, 2));
		else
			change_part(g, other, arg);
		touch_range(g, other, chance(g, 50) ? CALL_FILL : CALL_SCAN, va, pages);
	}
	advise(g, who, va, pages * page, ADVICE_GUARD_REMOVE);
	touch_range(g, who, CALL_SCAN, va, pages);
}

/* ---- locked memory ---- */

/* Locked memory, now or when it is touched, which is forked, moved, dropped and unlocked. */
static void group_lock(struct generator *g, unsigned who)
{
	const uint64_t page = g->can->page, pages = 2 + below(g, 6);
	const uint64_t va = place(g, pages);
	uint64_t arg[MAX_ARGS] = { 0 };

	any_memory(g, who, va, pages * page);
	if (chance(g, 60))
		touch_range(g, who, CALL_FILL, va, 1 + below(g, pages));
	part(g, va, pages * page, arg);
	range_call(g, who, CALL_MLOCK2, arg[0], arg[1], below(g, 2));
	gen_fork(g, who);
	for (uint64_t i = 1 + below(g, 4); i > 0; i--) {
		const unsigned other = somebody(g, who);

		part(g, va, pages * page, arg);
		if (chance(g, 20))
			range_call(g, other, CALL_MUNLOCK, arg[0], arg[1], 0);
		else if (chance(g, 25))
			advise(g, other, arg[0], arg[1], ADVICE_DONTNEED_LOCKED);
		else
			change_part(g, other, arg);
		touch_range(g, other, chance(g, 60) ? CALL_FILL : CALL_SCAN, va, pages);
	}
}

/* ---- holes ---- */

/* Memory with holes, pages that nobody may write and a file's end in it, which is populated. */
static void group_populate(struct generator *g, unsigned who)
{
	static const int advice[] = { ADVICE_POPULATE_WRITE, ADVICE_POPULATE_WRITE,
				      ADVICE_POPULATE_READ, MADV_DONTNEED, MADV_WILLNEED };
	const uint64_t page = g->can->page, pages = 4 + below(g, 8);
	const uint64_t va = place(g, pages);
	uint64_t arg[MAX_ARGS] = { 0 };

	any_memory(g, who, va, pages * page);
	part(g, va, pages * page, arg);
	switch (below(g, 4)) {
	case 0:
		range_call(g, who, CALL_MUNMAP, arg[0], arg[1], 0);
		break;
	case 1:
		range_call(g, who, CALL_MPROTECT, arg[0], arg[1],
			   chance(g, 50) ? PROT_READ : PROT_NONE);
		break;
	case 2:
		advise(g, who, arg[0], arg[1], ADVICE_GUARD_INSTALL);
		break;
	default:
		any_memory(g, who, arg[0], arg[1]);
		break;
	}
	for (uint64_t i = 1 + below(g, 3); i > 0; i--) {
		part(g, va, pages * page, arg);
		if (chance(g, 50)) {
			arg[0] = va;
			arg[1] = pages * page;
		}
		advise(g, somebody(g, who), arg[0], arg[1],
		       advice[below(g, sizeof advice / sizeof *advice)]);
	}
	range_call(g, who, CALL_MINCORE, va, pages * page, 0);
}

/* A file under two mappings, with private copies of some pages, is cut and gets holes. */
static void group_cut(struct generator *g, unsigned who)
{
	const uint64_t page = g->can->page, pages = 3 + below(g, 6), file = gen_file(g);
	const uint64_t va = place(g, pages), second = place(g, pages);
	uint64_t arg[MAX_ARGS] = { file };

	map(g, who, va, pages * page, MAP_SHARED, file);
	map(g, who, second, pages * page, MAP_PRIVATE, file);
	touch_range(g, who, CALL_FILL, second, 1 + below(g, pages));
	touch_range(g, who, chance(g, 50) ? CALL_FILL : CALL_SCAN, va, pages);
	for (uint64_t i = 1 + below(g, 4); i > 0; i--) {
		const unsigned other = somebody(g, who);

		if (chance(g, 30)) {
			part(g, va, pages * page, arg);
			advise(g, other, arg[0], arg[1], MADV_REMOVE);
		} else {
			/* Mostly parts of pages. */
			arg[0] = file;
			arg[1] = below(g, pages * page);
			arg[2] = 1 + below(g, 3 * page);
			if (chance(g, 30))
				arg[1] &= ~(page - 1);
			gen_add(g, other, chance(g, 50) ? CALL_PUNCH : CALL_TRUNCATE, arg);
		}
		touch_range(g, other, chance(g, 50) ? CALL_FILL : CALL_SCAN,
			    chance(g, 50) ? va : second, pages);
	}
}

/* ---- moves ---- */

/* Moves onto itself, beside itself, over several VMAs, and from what a move has emptied. */
static void group_remap(struct generator *g, unsigned who)
{
	const uint64_t page = g->can->page, pages = 2 + below(g, 6), bytes = pages * page;
	const uint64_t va = place(g, 2 * pages);
	uint64_t arg[MAX_ARGS] = { 0 };

	any_memory(g, who, va, bytes);
	touch_range(g, who, CALL_FILL, va, pages);
	if (chance(g, 40)) {
		part(g, va, bytes, arg);
		if (chance(g, 50))
			range_call(g, who, CALL_MPROTECT, arg[0], arg[1], PROT_READ);
		else
			any_memory(g, who, arg[0], arg[1]);
	}
	for (uint64_t i = 1 + below(g, 4); i > 0; i--) {
		const unsigned other = somebody(g, who);
		const uint64_t beside[] = { va,         va + page,
					    va + bytes, va + bytes - page,
					    va - bytes, place(g, pages) };

		part(g, va, bytes, arg);
		if (chance(g, 60)) {
			arg[0] = va;
			arg[1] = bytes;
		}
		arg[2] = chance(g, 70) ? arg[1] : (1 + below(g, 2 * pages)) * page;
		arg[3] = MREMAP_MAYMOVE | (chance(g, 60) ? MREMAP_FIXED : 0) |
			 (chance(g, 35) ? MREMAP_DONTUNMAP : 0);
		arg[4] = beside[below(g, sizeof beside / sizeof *beside)];
		if (chance(g, 10))
			arg[1] = 0;
		gen_add(g, other, CALL_MREMAP, arg);
		touch_range(g, other, chance(g, 50) ? CALL_FILL : CALL_SCAN, va, pages);
	}
}

/* A stack between other VMAs: it grows up to them, after changes of a part, in a child, and if it is locked. */
static void group_growth(struct generator *g, unsigned who)
{
	const uint64_t page = g->can->page;
	const uint64_t va = place(g, 8), stack = va + (4 + below(g, 3)) * page;
	uint64_t arg[MAX_ARGS] = { 0 };

	if (chance(g, 60))
		map(g, who, va, page, MAP_PRIVATE | (chance(g, 30) ? MAP_GROWSDOWN : 0), NO_FILE);
	map(g, who, stack, 2 * page, MAP_PRIVATE | MAP_GROWSDOWN | (chance(g, 20) ? MAP_LOCKED : 0),
	    NO_FILE);
	for (uint64_t i = 2 + below(g, 4); i > 0; i--) {
		const unsigned other = somebody(g, who);

		part(g, va, 8 * page, arg);
		if (chance(g, 25))
			range_call(g, other, CALL_MPROTECT, arg[0], arg[1],
				   PROT_READ | PROT_WRITE | PROT_GROWSDOWN);
		else if (chance(g, 30))
			change_part(g, other, arg);
		touch_range(g, other, chance(g, 60) ? CALL_WRITE : CALL_READ,
			    va + below(g, 6 * page), 1);
	}
}

/* ---- addresses beyond all others ---- */

/* Calls at and beyond the end of what may be mapped, and lengths that wrap. Most are refused, in some order. */
static void group_edge(struct generator *g, unsigned who)
{
	const uint64_t page = g->can->page, task = g->can->task;
	const uint64_t strange[] = { 0,
				     page,
				     task - page,
				     task - 1,
				     task,
				     task + page,
				     UINT64_C(1) << 47,
				     UINT64_C(1) << 56,
				     UINT64_C(1) << 63,
				     UINT64_MAX - page + 1,
				     UINT64_MAX - 2 * page + 1,
				     UINT64_MAX };
	const size_t count = sizeof strange / sizeof *strange;

	for (unsigned i = 0; i < 4; i++) {
		uint64_t arg[MAX_ARGS] = { strange[below(g, count)],
					   chance(g, 50) ? (1 + below(g, 3)) * page
							 : strange[below(g, count)],
					   PROT_READ | PROT_WRITE };
		static const enum call_kind kinds[] = { CALL_MUNMAP, CALL_MPROTECT, CALL_MADVISE,
							CALL_MLOCK,  CALL_MUNLOCK,  CALL_MSYNC,
							CALL_MINCORE };

		if (chance(g, 30))
			arg[0] = gen_border(g);
		if (chance(g, 25)) {
			arg[3] = MAP_PRIVATE | MAP_ANONYMOUS | (chance(g, 50) ? MAP_FIXED : 0);
			arg[4] = chance(g, 80) ? NO_FILE : gen_file(g);
			arg[5] = chance(g, 60) ? 0 : strange[below(g, count)];
			if (arg[4] != NO_FILE)
				arg[3] ^= MAP_ANONYMOUS;
			gen_add(g, who, CALL_MMAP, arg);
		} else if (chance(g, 30)) {
			arg[2] = chance(g, 50) ? page : strange[below(g, count)];
			arg[3] = MREMAP_MAYMOVE | (chance(g, 70) ? MREMAP_FIXED : 0);
			arg[4] = chance(g, 50) ? gen_border(g) : strange[below(g, count)];
			gen_add(g, who, CALL_MREMAP, arg);
		} else {
			const enum call_kind kind = kinds[below(g, 7)];

			if (kind == CALL_MADVISE)
				arg[2] = chance(g, 50) ? MADV_DONTNEED : ADVICE_POPULATE_WRITE;
			if (kind == CALL_MSYNC)
				arg[2] = below(g, 8);
			gen_add(g, who, kind, arg);
		}
	}
}

void gen_group(struct generator *g, unsigned who)
{
	static void (*const groups[])(struct generator * g, unsigned who) = {
		group_protect,  group_fork,  group_stack,  group_truncate,
		group_move,     group_huge,  group_huge,   group_page_out,
		group_page_out, group_guard, group_lock,   group_populate,
		group_cut,      group_remap, group_growth, group_edge,
	};

	if (g->can->soft_dirty && chance(g, 25))
		group_soft_dirty(g, who);
	else
		groups[below(g, sizeof groups / sizeof *groups)](g, who);
}
