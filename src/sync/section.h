/* SPDX-License-Identifier: MIT */
/*
 * Entering and leaving without a call, for those who enter often and stay for a moment, as pins do. The two functions do what
 * pw_sync_enter and pw_sync_leave do, and may be mixed with them.
 *
 * They know one back end: rcu with membarrier(2), where rcu.c has prepared the reader at join. There a section is two
 * stores to liburcu's word of this thread, in an order that only the compiler must be kept from changing: the library's
 * writers execute the full barriers on all processors. Other back ends, and sections within sections, are called.
 */
#ifndef PW_SYNC_SECTION_H
#define PW_SYNC_SECTION_H

#include <limits.h>

#include "base/words.h"
#include "sync/sync.h"

enum { PW_SECTION_BITS = sizeof(long) * CHAR_BIT / 2 };
/* The half of liburcu's word that counts sections. rcu.c checks that it is so. */
static const unsigned long PW_SECTION_DEPTH = (1UL << PW_SECTION_BITS) - 1;
/* A word that is neither outside nor in one section: for readers that have no word of liburcu's. */
static const unsigned long PW_SECTION_ELSEWHERE = 2;
static const int32_t PW_SECTION_SLEEPS = -1; /* a writer waits for the end of a section */

/* As pw_sync_enter and pw_sync_leave, and not inlined: in a rare case they cost the caller no registers. */
void pw_section_enter_other(struct pw_sync_reader *reader);
void pw_section_leave_other(struct pw_sync_reader *reader);
/* Wakes the writer that sleeps. */
void pw_section_wake(void);

PW_INLINE void pw_section_enter(struct pw_sync_reader *reader)
{
	unsigned long *word = reader->word;

	if (PW_UNLIKELY(__atomic_load_n(word, __ATOMIC_RELAXED) & PW_SECTION_DEPTH)) {
		pw_section_enter_other(reader);
		return;
	}
	__atomic_store_n(word, __atomic_load_n(reader->period, __ATOMIC_RELAXED), __ATOMIC_RELAXED);
	/* The mark before the loads inside. Partner: the writer's membarrier. */
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

PW_INLINE void pw_section_leave(struct pw_sync_reader *reader)
{
	unsigned long *word = reader->word, old = __atomic_load_n(word, __ATOMIC_RELAXED);

	if (PW_UNLIKELY((old & PW_SECTION_DEPTH) != 1)) {
		pw_section_leave_other(reader);
		return;
	}
	/* All that was done inside before the mark, and the mark before the look at the sleeper. Partner: as above. */
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	__atomic_store_n(word, old - 1, __ATOMIC_RELAXED);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	if (PW_UNLIKELY(__atomic_load_n(reader->sleeper, __ATOMIC_RELAXED) == PW_SECTION_SLEEPS))
		pw_section_wake();
}

#endif
