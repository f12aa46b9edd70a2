/* SPDX-License-Identifier: MIT */
/* The locks of mm.h. */
#include <errno.h>
#include <stdlib.h>

#include "mm/lock_order.h"
#include "mm/mm.h"

/* ---- the lock of an mm ---- */

void pw_rw_init(struct pw_rw_lock *lock)
{
	*lock = (struct pw_rw_lock){ 0 };
	pthread_mutex_init(&lock->mutex, NULL);
	pthread_cond_init(&lock->changed, NULL);
}

void pw_rw_deinit(struct pw_rw_lock *lock)
{
	pthread_cond_destroy(&lock->changed);
	pthread_mutex_destroy(&lock->mutex);
}

void pw_mm_read_lock(struct pw_mm *mm)
{
	struct pw_rw_lock *lock = &mm->lock;

	pw_lock_wanted(PW_RANK_MM);
	pthread_mutex_lock(&lock->mutex);
	while (lock->writing || lock->writers_waiting > 0)
		pthread_cond_wait(&lock->changed, &lock->mutex);
	lock->readers++;
	pthread_mutex_unlock(&lock->mutex);
	pw_lock_taken(PW_RANK_MM);
}

void pw_mm_read_unlock(struct pw_mm *mm)
{
	struct pw_rw_lock *lock = &mm->lock;

	pw_lock_left(PW_RANK_MM);
	pthread_mutex_lock(&lock->mutex);
	if (--lock->readers == 0 && lock->writers_waiting > 0)
		pthread_cond_broadcast(&lock->changed);
	pthread_mutex_unlock(&lock->mutex);
}

void pw_mm_write_lock(struct pw_mm *mm)
{
	struct pw_rw_lock *lock = &mm->lock;

	pw_lock_wanted(PW_RANK_MM);
	pthread_mutex_lock(&lock->mutex);
	lock->writers_waiting++;
	while (lock->writing || lock->readers > 0)
		pthread_cond_wait(&lock->changed, &lock->mutex);
	lock->writers_waiting--;
	lock->writing = true;
	pthread_mutex_unlock(&lock->mutex);
	pw_lock_taken(PW_RANK_MM);
}

void pw_mm_write_unlock(struct pw_mm *mm)
{
	struct pw_rw_lock *lock = &mm->lock;

	pw_lock_left(PW_RANK_MM);
	/* Ends the writes to VMAs. Partner: pw_vma_try_read. */
	__atomic_fetch_add(&mm->write_sequence, 1, __ATOMIC_SEQ_CST);
	pthread_mutex_lock(&lock->mutex);
	lock->writing = false;
	pthread_cond_broadcast(&lock->changed);
	pthread_mutex_unlock(&lock->mutex);
}

/* ---- the lock of a VMA ---- */

/*
 * Reader: count, then look whether a writer marked the VMA. Writer: mark, then look at the count. All four are
 * sequentially consistent, so one of the two sees the other.
 */
bool pw_vma_try_read(struct pw_vma *vma)
{
	struct pw_mm *mm = vma->mm;

	__atomic_fetch_add(&vma->lock.readers, 1, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&vma->lock.writing, __ATOMIC_SEQ_CST) !=
	    __atomic_load_n(&mm->write_sequence, __ATOMIC_SEQ_CST)) {
		pw_lock_taken(PW_RANK_VMA);
		return true;
	}
	pw_lock_taken(PW_RANK_VMA);
	pw_vma_read_unlock(vma);
	return false;
}

void pw_vma_read_unlock(struct pw_vma *vma)
{
	/* From the last count on, the writer may free the VMA. */
	struct pw_mm *mm = vma->mm;

	pw_lock_left(PW_RANK_VMA);
	if (__atomic_sub_fetch(&vma->lock.readers, 1, __ATOMIC_SEQ_CST) > 0 ||
	    !__atomic_load_n(&mm->vma_waiter, __ATOMIC_SEQ_CST))
		return;
	pthread_mutex_lock(&mm->lock.mutex);
	pthread_cond_broadcast(&mm->lock.changed);
	pthread_mutex_unlock(&mm->lock.mutex);
}

void pw_vma_write(struct pw_vma *vma)
{
	struct pw_mm *mm = vma->mm;
	uint64_t sequence = __atomic_load_n(&mm->write_sequence, __ATOMIC_RELAXED);

	if (__atomic_load_n(&vma->lock.writing, __ATOMIC_RELAXED) == sequence)
		return;
	__atomic_store_n(&vma->lock.writing, sequence, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&vma->lock.readers, __ATOMIC_SEQ_CST) == 0 ||
	    pw_mutant(PW_MUTANT_VMA_NO_WAIT))
		return;
	pthread_mutex_lock(&mm->lock.mutex);
	__atomic_store_n(&mm->vma_waiter, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&vma->lock.readers, __ATOMIC_SEQ_CST) > 0)
		pthread_cond_wait(&mm->lock.changed, &mm->lock.mutex);
	__atomic_store_n(&mm->vma_waiter, 0, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&mm->lock.mutex);
}

/* ---- the lock of a folio ---- */

/* Where threads wait for the folios of some frames. `mutex` protects nothing but the wait. */
struct pw_page_wait {
	pthread_mutex_t mutex;
	pthread_cond_t unlocked;
};

enum { WAITS = 64 };

int pw_waits_create(struct pw_machine *machine)
{
	machine->waits = calloc(WAITS, sizeof(*machine->waits));
	if (!machine->waits)
		return -ENOMEM;
	for (unsigned i = 0; i < WAITS; i++) {
		pthread_mutex_init(&machine->waits[i].mutex, NULL);
		pthread_cond_init(&machine->waits[i].unlocked, NULL);
	}
	return 0;
}

void pw_waits_destroy(struct pw_machine *machine)
{
	for (unsigned i = 0; machine->waits && i < WAITS; i++) {
		pthread_cond_destroy(&machine->waits[i].unlocked);
		pthread_mutex_destroy(&machine->waits[i].mutex);
	}
	free(machine->waits);
}

/* Locks the folio of @head, or returns false. */
static bool try_head(struct pw_machine *machine, uint32_t head)
{
	uint32_t *flags = &pw_page_of(machine, head)->flags;

	if (__atomic_fetch_or(flags, PW_PAGE_LOCKED, __ATOMIC_ACQUIRE) & PW_PAGE_LOCKED)
		return false;
	pw_lock_taken(PW_RANK_FOLIO);
	return true;
}

static void wait_head(struct pw_machine *machine, uint32_t head)
{
	struct pw_page *page = pw_page_of(machine, head);
	struct pw_page_wait *wait = &machine->waits[head % WAITS];

	/* Partner: pw_folio_unlock. It takes the mutex if it finds WAITERS, so it cannot miss this wait. */
	pthread_mutex_lock(&wait->mutex);
	while (__atomic_fetch_or(&page->flags, PW_PAGE_LOCKED | PW_PAGE_WAITERS, __ATOMIC_ACQUIRE) &
	       PW_PAGE_LOCKED)
		pthread_cond_wait(&wait->unlocked, &wait->mutex);
	pthread_mutex_unlock(&wait->mutex);
	pw_lock_taken(PW_RANK_FOLIO);
}

/* The folio may have been split before its lock was taken: then this is the lock of its first page only. */
static bool is_head(struct pw_machine *machine, uint32_t frame, uint32_t head)
{
	if (pw_folio_head(machine->arena, frame) == head)
		return true;
	pw_folio_unlock(machine, head);
	return false;
}

bool pw_folio_trylock(struct pw_machine *machine, uint32_t frame)
{
	const uint32_t head = pw_folio_head(machine->arena, frame);

	return try_head(machine, head) && is_head(machine, frame, head);
}

void pw_folio_lock(struct pw_machine *machine, uint32_t frame)
{
	uint32_t head;

	pw_lock_wanted(PW_RANK_FOLIO);
	do {
		head = pw_folio_head(machine->arena, frame);
		if (!try_head(machine, head))
			wait_head(machine, head);
	} while (!is_head(machine, frame, head));
}

void pw_folio_unlock(struct pw_machine *machine, uint32_t frame)
{
	uint32_t head = pw_folio_head(machine->arena, frame);
	struct pw_page_wait *wait = &machine->waits[head % WAITS];
	uint32_t flags = __atomic_fetch_and(&pw_page_of(machine, head)->flags,
					    ~(uint32_t)(PW_PAGE_LOCKED | PW_PAGE_WAITERS),
					    __ATOMIC_RELEASE);

	pw_lock_left(PW_RANK_FOLIO);
	if (!(flags & PW_PAGE_WAITERS))
		return;
	pthread_mutex_lock(&wait->mutex);
	pthread_cond_broadcast(&wait->unlocked);
	pthread_mutex_unlock(&wait->mutex);
}

void pw_folio_wait(struct pw_machine *machine, uint32_t frame)
{
	uint32_t head = pw_folio_head(machine->arena, frame);
	struct pw_page *page = pw_page_of(machine, head);
	struct pw_page_wait *wait = &machine->waits[head % WAITS];
	uint32_t old = __atomic_load_n(&page->flags, __ATOMIC_ACQUIRE);

	pw_lock_wanted(PW_RANK_FOLIO);
	/* Partner: pw_folio_unlock, as in pw_folio_lock. WAITERS is only set while the lock is taken. */
	pthread_mutex_lock(&wait->mutex);
	while (old & PW_PAGE_LOCKED) {
		if (!__atomic_compare_exchange_n(&page->flags, &old, old | PW_PAGE_WAITERS, false,
						 __ATOMIC_ACQUIRE, __ATOMIC_ACQUIRE))
			continue;
		pthread_cond_wait(&wait->unlocked, &wait->mutex);
		break;
	}
	pthread_mutex_unlock(&wait->mutex);
}
