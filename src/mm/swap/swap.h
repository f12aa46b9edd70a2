/* SPDX-License-Identifier: MIT */
/*
 * The swap file. For src/mm alone.
 *
 *     slot       0   | 1         | 2         | 3            | 4
 *              +-----+-----------+-----------+--------------+-----------+
 *     count    |     | 2         | 0         | 1            | 0         |   entries, and a file's index, that name it
 *     cached   |     | -         | frame 17  | frame 9      | -         |   the swap cache
 *              +-----+-----------+-----------+--------------+-----------+
 *                     on disk     a page that  in memory      free
 *                     alone       is mapped    and named
 *
 * A slot is in use while something names it, or the cache holds a page of it. Slot 0 is never used: an entry of
 * type 0 and offset 0 may read as empty.
 * A page in the swap cache is a base page. page.swap changes under its folio lock and swap->lock; so either of
 * the two is enough to read it. Who names a slot (an entry under its table lock) knows that it stays.
 * A page that nothing names and nobody maps leaves the cache at once, if its folio lock is free; else when its
 * holder is done, or when reclaim meets it.
 */
#ifndef PW_MM_SWAP_H
#define PW_MM_SWAP_H

#include "mm/mm.h"

struct pw_swap {
	pthread_mutex_t lock; /* one of the short ones (6) */
	int fd;
	uint32_t slots; /* with slot 0 */
	uint32_t free; /* lock; also read without */
	uint32_t next; /* where to look for a free slot; lock */
	uint32_t *count; /* by slot; lock */
	uint32_t *cached; /* frame + 1, by slot; lock */
};

int pw_swap_create(struct pw_machine *machine, const char *path, uint64_t bytes,
		   struct pw_error *error);
void pw_swap_destroy(struct pw_machine *machine);
/* Slots 0 to 2^32 - 2. A new one has one count. */
int pw_swap_alloc(struct pw_machine *machine, uint32_t *slot_ret); /* 0, -ENOSPC */
void pw_swap_get(struct pw_machine *machine, uint32_t slot);
/* Drops a count; at zero the slot is free, and its page leaves the swap cache. */
void pw_swap_put(struct pw_machine *machine, uint32_t slot, uint32_t counts);
uint32_t pw_swap_count(struct pw_machine *machine, uint32_t slot);
/* The page of a slot, with a reference: from the cache, or read. Not locked. 0, -ENOMEM, -EIO. */
int pw_swap_in(struct pw_machine *machine, uint32_t slot, bool longterm, uint32_t *frame_ret);
/*
 * Puts a locked base page into the swap cache with a new slot, which has no count; 0, -ENOSPC, -EBUSY. Takes it
 * out, unless something names the slot: then it stays.
 */
int pw_swap_add(struct pw_machine *machine, uint32_t frame);
void pw_swap_remove(struct pw_machine *machine, uint32_t frame);
/*
 * To be called after a page was unmapped, with a reference: if nothing needs it in the swap cache any more, it
 * leaves it, and its slot is free. With any lock but this page's. Whoever had the lock meanwhile calls it, too, after
 * the unlock. Of a page that is another's by now, it does nothing that its owner would not do.
 */
void pw_swap_tidy(struct pw_machine *machine, uint32_t frame);
int pw_swap_write(struct pw_machine *machine, uint32_t frame); /* 0, -EIO */
/* How many bytes the swap file has in all, and how many are free. */
void pw_swap_room(struct pw_machine *machine, uint64_t *bytes_ret, uint64_t *free_ret);

/* Is more than half of the swap in use (vm_swap_full)? Then a page that was read in gives its slot back. */
bool pw_swap_is_full(const struct pw_machine *machine);
/* Is there a page of this slot in memory? It may go at once. */
bool pw_swap_is_cached(struct pw_machine *machine, uint32_t slot);
/*
 * Frees a locked page of the swap cache whose content is in its slot, or that nothing names, if only the cache
 * and the caller's reference are left. True: the page is free, and was unlocked. False: nothing has changed.
 */
bool pw_swap_evict(struct pw_machine *machine, uint32_t frame);
/*
 * Puts the locked base page @to in the place of the locked @from in the swap cache, if @references and the cache
 * are all that hold @from; without a place there, it only makes sure of that. False: nothing has changed.
 */
bool pw_swap_replace(struct pw_machine *machine, uint32_t from, uint32_t to, uint32_t references);
/* Takes a locked page out of the swap cache whose content need not be kept: others read the slot again. */
void pw_swap_forget(struct pw_machine *machine, uint32_t frame);
/* As pw_swap_tidy, for a locked page. */
void pw_swap_tidy_locked(struct pw_machine *machine, uint32_t frame);

#endif
