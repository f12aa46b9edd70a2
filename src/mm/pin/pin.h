/* SPDX-License-Identifier: MIT */
/*
 * The slow path of pinning: get_user_pages with faults (mm/gup.c of the kernel).
 *
 *   pin_slow.c      the public functions, the join with the fast path, the loop of look and fault
 *   pin_rules.c     which flags, which VMA, and which entry permit a page to be taken
 *   pin_longterm.c  pins whose end nobody knows: memory that must stay movable is left first
 *   vector.c        copies by iovecs, which pin for a short while
 *
 * The loop for one page, with mm->lock held for reading:
 *
 *     check the VMA -> look at the entry, under its table lock -> take the page
 *           ^                     |
 *           |                     v  nothing there, not writable, not exclusive
 *           +---------------- fault; or drop the lock, call a handler, take the lock
 *
 * Fork holds mm->lock for writing. So no page is shared between the look at its entry and the pin, and the
 * sequence that the fast path needs (pw_space_copies) is not needed here.
 *
 * A page is looked at PW_PIN_TRIES times at most. Each further look means that the fault put the page there,
 * and that somebody took it away again. At the bound the call ends with -EBUSY, and with the pages it has.
 */
#ifndef PW_MM_PIN_H
#define PW_MM_PIN_H

#include "mm/mm.h"

enum {
	PW_PIN_TRIES = 256, /* looks at one page */
	PW_PIN_ROUNDS = 10, /* of a long pin: migrate, and pin again */
};

/* A call under way; on its caller's stack. */
struct pw_pin_work {
	struct pw_mm *mm;
	struct pw_vcpu *cpu; /* pw_cpu_interrupt is for its calls; NULL: nobody's */
	unsigned flags; /* enum pw_pin_flags and pw_pin_slow_flags; PW_PIN_GET: references */
	bool remote; /* the caller is not a thread of the mm */
	pw_va va; /* of the next page */
	size_t count, done;
	pw_pa *page; /* page[0] to page[done - 1] are taken */
	struct pw_pin_result *result; /* never NULL */
};

/* ---- pin_rules.c ---- */

/*
 * Can these flags be given together? @fast_ret: may the fast path be used? It does not know the VMA, so it
 * must not answer for flags that exclude a kind of page (is_valid_gup_args).
 */
bool pw_pin_flags_valid(unsigned flags, bool *fast_ret);
/* May pages of this VMA be taken at all? 0 or a negative errno, in the kernel's order (check_vma_flags). */
int pw_pin_vma_allowed(const struct pw_vma *vma, unsigned flags);

/* What a look at an entry ended with. Negative errnos are the other ends. */
enum pw_follow {
	PW_FOLLOW_TAKEN, /* work->va and done have moved on by at least one page */
	PW_FOLLOW_FAULT, /* the page is not there, or not for this access */
	PW_FOLLOW_UNSHARE, /* the page is there, and must become exclusive first */
	PW_FOLLOW_SPLIT, /* a leaf must be split first */
};
/*
 * Takes pages from work->va on, as far as one leaf and one folio reach. mm->lock is held for reading; @vma
 * was checked.
 */
int pw_pin_follow(struct pw_pin_work *work, struct pw_vma *vma);

/* ---- pin_slow.c ---- */

/* The flags with which a page is given back: those that pw_unpin_pages looks at. */
void pw_pin_drop(struct pw_machine *machine, const pw_pa *page, size_t count, unsigned flags,
		 bool dirty);
/* Takes pages until work->done is work->count. Returns 0, or a negative errno for the page at work->va. */
int pw_pin_loop(struct pw_pin_work *work);
/*
 * Pins of an mm without its cpu's fast path; for other parts of src/mm. Returns as pw_pin_remote. @flags are
 * valid, @result is not NULL.
 */
long pw_pin_mm(struct pw_mm *mm, struct pw_vcpu *cpu, pw_va va, size_t count, unsigned flags,
	       pw_pa *page, struct pw_pin_result *result);

/* ---- pin_longterm.c ---- */

/* How many of these pages, from the first on, may be held for long (folio_is_longterm_pinnable)? */
size_t pw_pin_long_prefix(const struct pw_machine *machine, const pw_pa *page, size_t count);
/* As pw_pin_loop; and no page is in movable memory. */
int pw_pin_loop_long(struct pw_pin_work *work);

#endif
