/* SPDX-License-Identifier: MIT */
/*
 * The locks of address spaces: mm.h has their order, and what each protects. With PW_CHECK_LOCKS (debug
 * builds), every thread remembers which it holds, and one that is taken out of order ends the program with a
 * sentence that names both.
 */
#ifndef PW_MM_LOCK_H
#define PW_MM_LOCK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/words.h"

struct pw_machine;
struct pw_mm;
struct pw_vma;

/* Many readers or one writer. A writer that waits keeps new readers out. */
struct pw_rw_lock {
	pthread_mutex_t mutex; /* of the members below */
	pthread_cond_t changed;
	unsigned readers, writers_waiting;
	bool writing;
};

void pw_rw_init(struct pw_rw_lock *lock);
void pw_rw_deinit(struct pw_rw_lock *lock);
void pw_mm_read_lock(struct pw_mm *mm);
void pw_mm_read_unlock(struct pw_mm *mm);
void pw_mm_write_lock(struct pw_mm *mm);
/* Also ends the writes to all VMAs that pw_vma_write began. */
void pw_mm_write_unlock(struct pw_mm *mm);

/*
 * The lock of a VMA. Readers are faults; they count themselves. A writer holds mm->lock for writing, marks the
 * VMA, and waits for the readers; it unlocks by unlocking the mm.
 */
struct pw_vma_lock {
	uint32_t readers; /* atomic */
	uint64_t writing; /* atomic: mm->write_sequence when it was marked; equal: locked */
};

/* Takes the lock for reading. False: a writer has it. The caller is in a section, or holds mm->lock. */
bool pw_vma_try_read(struct pw_vma *vma);
void pw_vma_read_unlock(struct pw_vma *vma);
/* To be called before a VMA is changed. Idempotent. mm->lock is held for writing. */
void pw_vma_write(struct pw_vma *vma);

/* The lock of a folio, by any of its frames: of its head. A thread may hold two; it takes the lower first. */
void pw_folio_lock(struct pw_machine *machine, uint32_t frame);
bool pw_folio_trylock(struct pw_machine *machine, uint32_t frame);
void pw_folio_unlock(struct pw_machine *machine, uint32_t frame);
/* Returns when nobody has had the lock of the frame's folio for a moment. The frame may be anything, also free. */
void pw_folio_wait(struct pw_machine *machine, uint32_t frame);

#endif
