/* SPDX-License-Identifier: MIT */
/*
 * Notifiers and watched intervals: who is told before pages of an address space change.
 *
 * An interval's sequence is in one word: how many invalidations of it are under way, in the low bits, and how
 * many there ever were, above.
 *
 *     invalidation                          a device that mirrors the range
 *     ------------                          -------------------------------
 *     pw_notify_begin                       begin: waits for the end of invalidations, S = sequence
 *       sequence: one more, under way       pw_mm_snapshot
 *       invalidate(): takes the own lock    takes its own lock
 *     change the entries, flush               retry: is the sequence still S? If so, use what it saw
 *     pw_notify_end                         releases its own lock
 *       sequence: not under way
 *
 * The device takes its lock before invalidate() or after it. Before: what it uses is invalidated then. After: it
 * sees another sequence, because that changed before invalidate() took the lock.
 *
 * The list changes only while no invalidation is under way, so that each notifier gets begin and end in pairs. To
 * see that without a lock where nobody listens, `notifying` and `watched` are a pair: an invalidation raises
 * `notifying` and then looks at `watched`; whoever listens raises `watched` and then looks at `notifying`. All
 * are sequentially consistent, so one of the two sees the other.
 */
#include <errno.h>

#include "base/mutant.h"
#include "mm/mm.h"

/* A sequence: the low bits count the invalidations that are under way. */
static const uint64_t SEQUENCE_STEP = UINT64_C(1) << 20;

static bool sequence_busy(uint64_t sequence)
{
	return sequence & (SEQUENCE_STEP - 1);
}

/* ---- an invalidation ---- */

static bool overlaps(const struct pw_interval *interval, pw_va first, pw_va last)
{
	return interval->first <= last && first <= interval->last;
}

void pw_notify_begin(struct pw_mm *mm, pw_va first, pw_va last)
{
	__atomic_fetch_add(&mm->notifying, 1, __ATOMIC_SEQ_CST);
	if (PW_LIKELY(!__atomic_load_n(&mm->watched, __ATOMIC_SEQ_CST)))
		return;
	pthread_mutex_lock(&mm->notifiers_lock);
	for (struct pw_notifier *notifier = mm->notifiers, *next; notifier; notifier = next) {
		next = notifier->next;
		if (notifier->begin)
			notifier->begin(notifier, first, last);
	}
	for (struct pw_interval *interval = mm->intervals; interval; interval = interval->next) {
		if (!overlaps(interval, first, last))
			continue;
		/* Release: the load in pw_interval_retry, though the own lock of the device does the same. */
		if (!pw_mutant(PW_MUTANT_INTERVAL_SAME))
			__atomic_fetch_add(&interval->sequence, SEQUENCE_STEP, __ATOMIC_RELEASE);
		__atomic_fetch_add(&interval->sequence, 1, __ATOMIC_RELEASE);
		if (interval->invalidate)
			interval->invalidate(interval, first, last);
	}
	pthread_mutex_unlock(&mm->notifiers_lock);
}

static void wake(struct pw_mm *mm)
{
	pthread_mutex_lock(&mm->notifiers_lock);
	pthread_cond_broadcast(&mm->notified);
	pthread_mutex_unlock(&mm->notifiers_lock);
}

void pw_notify_end(struct pw_mm *mm, pw_va first, pw_va last)
{
	if (PW_LIKELY(!__atomic_load_n(&mm->watched, __ATOMIC_SEQ_CST))) {
		/* Nobody was in a list since begin. Somebody who came now waits for this to end. */
		__atomic_fetch_sub(&mm->notifying, 1, __ATOMIC_SEQ_CST);
		if (__atomic_load_n(&mm->watched, __ATOMIC_SEQ_CST))
			wake(mm);
		return;
	}
	pthread_mutex_lock(&mm->notifiers_lock);
	for (struct pw_interval *interval = mm->intervals; interval; interval = interval->next)
		if (overlaps(interval, first, last))
			__atomic_fetch_sub(&interval->sequence, 1, __ATOMIC_RELEASE);
	for (struct pw_notifier *notifier = mm->notifiers, *next; notifier; notifier = next) {
		next = notifier->next;
		if (notifier->end)
			notifier->end(notifier, first, last);
	}
	__atomic_fetch_sub(&mm->notifying, 1, __ATOMIC_SEQ_CST);
	pthread_cond_broadcast(&mm->notified);
	pthread_mutex_unlock(&mm->notifiers_lock);
}

/* ---- who listens ---- */

/* Waits until no invalidation is under way. None that begins later passes the lock, which is held at return. */
static void lock_quiet(struct pw_mm *mm)
{
	pthread_mutex_lock(&mm->notifiers_lock);
	while (__atomic_load_n(&mm->notifying, __ATOMIC_SEQ_CST))
		pthread_cond_wait(&mm->notified, &mm->notifiers_lock);
}

int pw_notifier_add(struct pw_mm *mm, struct pw_notifier *notifier)
{
	if (!mm || !notifier)
		return -EINVAL;
	__atomic_fetch_add(&mm->watched, 1, __ATOMIC_SEQ_CST);
	lock_quiet(mm);
	notifier->mm = mm;
	notifier->next = mm->notifiers;
	notifier->back = &mm->notifiers;
	if (notifier->next)
		notifier->next->back = &notifier->next;
	mm->notifiers = notifier;
	pthread_mutex_unlock(&mm->notifiers_lock);
	return 0;
}

void pw_notifier_remove(struct pw_notifier *notifier)
{
	struct pw_mm *mm;

	if (!notifier || !notifier->mm)
		return;
	mm = notifier->mm;
	lock_quiet(mm);
	*notifier->back = notifier->next;
	if (notifier->next)
		notifier->next->back = notifier->back;
	notifier->mm = NULL;
	pthread_mutex_unlock(&mm->notifiers_lock);
	__atomic_fetch_sub(&mm->watched, 1, __ATOMIC_SEQ_CST);
}

int pw_interval_add(struct pw_mm *mm, pw_va first, pw_va last, struct pw_interval *interval)
{
	if (!mm || !interval || first > last)
		return -EINVAL;
	__atomic_fetch_add(&mm->watched, 1, __ATOMIC_SEQ_CST);
	lock_quiet(mm);
	interval->mm = mm;
	interval->first = first;
	interval->last = last;
	__atomic_store_n(&interval->sequence, SEQUENCE_STEP, __ATOMIC_RELAXED);
	interval->next = mm->intervals;
	interval->back = &mm->intervals;
	if (interval->next)
		interval->next->back = &interval->next;
	mm->intervals = interval;
	pthread_mutex_unlock(&mm->notifiers_lock);
	return 0;
}

void pw_interval_remove(struct pw_interval *interval)
{
	struct pw_mm *mm;

	if (!interval || !interval->mm)
		return;
	mm = interval->mm;
	lock_quiet(mm);
	*interval->back = interval->next;
	if (interval->next)
		interval->next->back = interval->back;
	interval->mm = NULL;
	pthread_mutex_unlock(&mm->notifiers_lock);
	__atomic_fetch_sub(&mm->watched, 1, __ATOMIC_SEQ_CST);
}

int pw_interval_begin(struct pw_interval *interval, uint64_t *sequence_ret)
{
	uint64_t sequence;
	struct pw_mm *mm;

	if (!interval || !interval->mm || !sequence_ret)
		return -EINVAL;
	mm = interval->mm;
	pthread_mutex_lock(&mm->notifiers_lock);
	for (;;) {
		sequence = __atomic_load_n(&interval->sequence, __ATOMIC_ACQUIRE);
		if (!sequence_busy(sequence) || pw_mutant(PW_MUTANT_INTERVAL_BUSY))
			break;
		pthread_cond_wait(&mm->notified, &mm->notifiers_lock);
	}
	pthread_mutex_unlock(&mm->notifiers_lock);
	*sequence_ret = sequence;
	return 0;
}

bool pw_interval_retry(const struct pw_interval *interval, uint64_t sequence)
{
	/* Partner: the releases in pw_notify_begin. */
	return __atomic_load_n(&interval->sequence, __ATOMIC_ACQUIRE) != sequence;
}
