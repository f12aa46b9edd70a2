/* SPDX-License-Identifier: MIT */
/*
 * Ranges on their way out of a scan. Pages that are alike become one run; so do holes that are alike.
 */
#ifndef PW_WALK_RUNS_H
#define PW_WALK_RUNS_H

#include "walk/step.h"

/* The run that may still grow stands where it will be delivered. */
struct pw_runs {
	struct pw_range *range;
	size_t count, used;
	bool holes; /* the caller wants holes, too */
	uint64_t pages;
	struct pw_range *run; /* &range[used], or NULL */
	pw_pa ahead; /* by how much the run's pages are ahead of their addresses */
	uint32_t like; /* pw_run_like of the run */
};

/*
 * Ends the open run. Returns whether there is room to open another. A run is opened only if there is room, so
 * an open run always fits.
 */
PW_INLINE bool pw_runs_end(struct pw_runs *runs)
{
	if (runs->run) {
		runs->run = NULL;
		runs->used++;
	}
	return runs->used < runs->count;
}

/* Returns the properties that all pages of one run share, as one number. */
PW_INLINE uint32_t pw_run_like(uint32_t attr, enum pw_status status, unsigned lg2)
{
	return (attr & (PW_RUN_MASK | PW_MEMTYPE_MASK)) | (uint32_t)status << 20 |
	       (uint32_t)lg2 << 24;
}

PW_INLINE uint32_t pw_turn_like(const struct pw_turn *turn)
{
	return pw_run_like(turn->attr, turn->status, turn->lg2);
}

/* Opens a run, behind those that ended, with the outcome of a turn for va..last. */
PW_INLINE void pw_runs_open(struct pw_runs *runs, const struct pw_turn *turn, pw_va va, pw_va last,
			    pw_va twin)
{
	runs->run = &runs->range[runs->used];
	*runs->run = (struct pw_range){
		.first = va,
		.last = last,
		.pa = turn->pa,
		.entry = turn->entry,
		.twin = twin,
		.attr = turn->attr & ~(uint32_t)PW_MEMTYPE_MASK,
		.status = (uint8_t)turn->status,
		.level = (uint8_t)turn->level,
		.size_lg2 = (uint8_t)turn->lg2,
		.memtype = (uint8_t)(turn->attr >> PW_MEMTYPE_SHIFT),
	};
	runs->ahead = turn->pa - va;
	runs->like = pw_turn_like(turn);
}

/* Adds a page, or the part of a page that lies in va..last. False: there is no room. */
PW_INLINE bool pw_runs_page(struct pw_runs *runs, const struct pw_turn *turn, pw_va va, pw_va last)
{
	runs->pages++;
	if (PW_LIKELY(runs->run && turn->pa - va == runs->ahead &&
		      pw_turn_like(turn) == runs->like)) {
		runs->run->last = last;
		return true;
	}
	if (!pw_runs_end(runs))
		return false;
	pw_runs_open(runs, turn, va, last, 0);
	return true;
}

/*
 * Adds a hole. @twin is for PW_SHARED. A hole that is not wanted still ends a run, because the addresses have
 * a gap there. False: there is no room.
 */
PW_INLINE bool pw_runs_hole(struct pw_runs *runs, const struct pw_turn *turn, pw_va va, pw_va last,
			    pw_va twin)
{
	/* A shared range may hide pages. It counts as one, so that a table with nothing else is not empty. */
	runs->pages += turn->status == PW_SHARED;
	if (!runs->holes && turn->status != PW_SHARED) {
		pw_runs_end(runs);
		return true;
	}
	if (runs->run && runs->run->status == turn->status && runs->run->twin == twin) {
		runs->run->last = last;
		return true;
	}
	if (!pw_runs_end(runs))
		return false;
	pw_runs_open(runs, turn, va, last, twin);
	return true;
}

/* Adds the outcome of a turn that does not descend for va..last. False: there is no room. */
PW_INLINE bool pw_runs_add(struct pw_runs *runs, const struct pw_turn *turn, pw_va va, pw_va last,
			   pw_va twin)
{
	if (PW_LIKELY(turn->kind == PW_LEAF) || turn->status == PW_PROT_NONE)
		return pw_runs_page(runs, turn, va, last);
	return pw_runs_hole(runs, turn, va, last, twin);
}

/* Extends the outcome that was added last to @last, by @pages more pages. */
PW_INLINE void pw_runs_grow(struct pw_runs *runs, pw_va last, size_t pages)
{
	runs->pages += pages;
	if (runs->run)
		runs->run->last = last;
}

#endif
