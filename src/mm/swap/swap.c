/* SPDX-License-Identifier: MIT */
/* The swap file: slots, their counts, the swap cache, reading and writing. swap.h has the picture. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "mm/lock_order.h"
#include "mm/swap/swap.h"

/* ---- the file ---- */

/* One past the last slot that entries of the machine's format can name. */
static int slots_limit(struct pw_machine *machine, uint64_t *limit_ret, struct pw_error *error)
{
	const struct pw_space_options options = { .kernel = machine->options.kernel };
	struct pw_space *space;
	unsigned lg2;
	int code = pw_space_create(machine->arena, machine->format, &options, &space, error);

	if (code)
		return code;
	lg2 = pw_soft_lg2(space);
	pw_space_destroy(space);
	/* Slot numbers + 1 have 32 bits. */
	*limit_ret = lg2 < 32 ? UINT64_C(1) << lg2 : UINT32_MAX;
	return 0;
}

static int open_file(const char *path, uint64_t bytes, int *fd_ret, struct pw_error *error)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	int code;

	if (fd < 0) {
		return pw_fail(error, errno,
			       "cannot open %s for swap: %s; name a file that can be written", path,
			       strerror(errno));
	}
	if (ftruncate(fd, (off_t)bytes) != 0) {
		code = errno;
		close(fd);
		return pw_fail(
			error, code,
			"cannot make %s as large as the swap: %s; ask for less swap, or use a "
			"regular file",
			path, strerror(code));
	}
	*fd_ret = fd;
	return 0;
}

static struct pw_swap *swap_alloc(uint32_t slots)
{
	struct pw_swap *swap = calloc(1, sizeof(*swap));

	if (!swap)
		return NULL;
	swap->count = calloc(slots, sizeof(*swap->count));
	swap->cached = calloc(slots, sizeof(*swap->cached));
	if (!swap->count || !swap->cached) {
		free(swap->cached);
		free(swap->count);
		free(swap);
		return NULL;
	}
	swap->slots = slots;
	swap->free = slots - 1;
	swap->next = 1;
	pthread_mutex_init(&swap->lock, NULL);
	return swap;
}

int pw_swap_create(struct pw_machine *machine, const char *path, uint64_t bytes,
		   struct pw_error *error)
{
	uint64_t slots = (bytes >> machine->page_lg2) + 1, limit;
	int fd = -1, code;

	machine->swap = NULL;
	if (!path || slots < 2)
		return 0;
	code = slots_limit(machine, &limit, error);
	if (code)
		return code;
	/* What entries cannot name is not used, as swapon does. */
	slots = pw_min(slots, limit);
	code = open_file(path, slots << machine->page_lg2, &fd, error);
	if (code)
		return code;
	machine->swap = swap_alloc((uint32_t)slots);
	if (!machine->swap) {
		close(fd);
		return pw_fail(error, ENOMEM, "no memory for the slots of the swap; ask for less");
	}
	machine->swap->fd = fd;
	return 0;
}

void pw_swap_destroy(struct pw_machine *machine)
{
	struct pw_swap *swap = machine->swap;

	if (!swap)
		return;
	close(swap->fd);
	pthread_mutex_destroy(&swap->lock);
	free(swap->cached);
	free(swap->count);
	free(swap);
	machine->swap = NULL;
}

void pw_swap_room(struct pw_machine *machine, uint64_t *bytes_ret, uint64_t *free_ret)
{
	const struct pw_swap *swap = machine->swap;

	*bytes_ret = swap ? (uint64_t)(swap->slots - 1) << machine->page_lg2 : 0;
	*free_ret = swap ? (uint64_t)__atomic_load_n(&swap->free, __ATOMIC_RELAXED)
				    << machine->page_lg2
			 : 0;
}

bool pw_swap_is_full(const struct pw_machine *machine)
{
	const struct pw_swap *swap = machine->swap;

	return swap && __atomic_load_n(&swap->free, __ATOMIC_RELAXED) < swap->slots / 2;
}

/* ---- slots ---- */

/* The functions below with a @swap are called under its lock. */
static void add_free(struct pw_swap *swap, int slots)
{
	__atomic_store_n(&swap->free, swap->free + (uint32_t)slots, __ATOMIC_RELAXED);
}

static bool is_free(const struct pw_swap *swap, uint32_t slot)
{
	return swap->count[slot] == 0 && swap->cached[slot] == 0;
}

/* Takes the page of @slot out of the cache; returns it, for the caller to drop the cache's reference later. */
static uint32_t uncache(struct pw_machine *machine, uint32_t slot)
{
	struct pw_swap *swap = machine->swap;
	uint32_t frame = swap->cached[slot] - 1;

	swap->cached[slot] = 0;
	__atomic_store_n(&pw_page_of(machine, frame)->swap, 0, __ATOMIC_RELAXED);
	if (swap->count[slot] == 0)
		add_free(swap, 1);
	return frame;
}

static uint32_t find_free(struct pw_swap *swap)
{
	for (uint32_t i = 1; i < swap->slots; i++) {
		uint32_t slot = swap->next;

		swap->next = slot + 1 < swap->slots ? slot + 1 : 1;
		if (is_free(swap, slot))
			return slot;
	}
	return 0;
}

/*
 * Finds a slot that only the cache holds, and whose page nobody works on: the page keeps its content, and the
 * slot becomes free. *frame_ret is locked; its reference is to be dropped.
 */
static uint32_t steal(struct pw_machine *machine, uint32_t *frame_ret)
{
	struct pw_swap *swap = machine->swap;

	for (uint32_t slot = 1; slot < swap->slots; slot++) {
		if (swap->count[slot] > 0 || swap->cached[slot] == 0 ||
		    !pw_folio_trylock(machine, swap->cached[slot] - 1))
			continue;
		*frame_ret = uncache(machine, slot);
		return slot;
	}
	return 0;
}

/* Takes a free slot: @count entries name it, or the cache has @cached of it. */
static int take_slot(struct pw_machine *machine, uint32_t count, uint32_t cached,
		     uint32_t *slot_ret)
{
	struct pw_swap *swap = machine->swap;
	uint32_t slot, stolen = PW_NO_FRAME;

	if (!swap)
		return -ENOSPC;
	pw_ranked_lock(&swap->lock, PW_RANK_SHORT);
	slot = swap->free > 0 ? find_free(swap) : steal(machine, &stolen);
	if (slot != 0) {
		swap->count[slot] = count;
		swap->cached[slot] = cached;
		add_free(swap, -1);
	}
	pw_ranked_unlock(&swap->lock, PW_RANK_SHORT);
	if (stolen != PW_NO_FRAME) {
		/* Its content is nowhere else from now on. */
		pw_folio_dirty_held(machine->arena, stolen);
		pw_folio_unlock(machine, stolen);
		pw_page_put(machine, stolen, 1);
	}
	*slot_ret = slot;
	return slot != 0 ? 0 : -ENOSPC;
}

int pw_swap_alloc(struct pw_machine *machine, uint32_t *slot_ret)
{
	return take_slot(machine, 1, 0, slot_ret);
}

void pw_swap_get(struct pw_machine *machine, uint32_t slot)
{
	struct pw_swap *swap = machine->swap;

	pw_ranked_lock(&swap->lock, PW_RANK_SHORT);
	swap->count[slot]++;
	pw_ranked_unlock(&swap->lock, PW_RANK_SHORT);
}

uint32_t pw_swap_count(struct pw_machine *machine, uint32_t slot)
{
	struct pw_swap *swap = machine->swap;
	uint32_t count;

	pw_ranked_lock(&swap->lock, PW_RANK_SHORT);
	count = swap->count[slot];
	pw_ranked_unlock(&swap->lock, PW_RANK_SHORT);
	return count;
}

static bool is_mapped(const struct pw_machine *machine, uint32_t frame)
{
	return __atomic_load_n(&pw_page_of(machine, frame)->mapped, __ATOMIC_SEQ_CST) > 0;
}

void pw_swap_put(struct pw_machine *machine, uint32_t slot, uint32_t counts)
{
	struct pw_swap *swap = machine->swap;
	uint32_t frame = PW_NO_FRAME;

	pw_ranked_lock(&swap->lock, PW_RANK_SHORT);
	swap->count[slot] -= counts;
	if (swap->count[slot] == 0 && swap->cached[slot] == 0) {
		add_free(swap, 1);
	} else if (swap->count[slot] == 0 && !is_mapped(machine, swap->cached[slot] - 1) &&
		   pw_folio_trylock(machine, swap->cached[slot] - 1)) {
		frame = uncache(machine, slot);
	}
	pw_ranked_unlock(&swap->lock, PW_RANK_SHORT);
	if (frame == PW_NO_FRAME)
		return;
	pw_folio_unlock(machine, frame);
	pw_page_put(machine, frame, 1);
}

/* ---- the swap cache ---- */

bool pw_swap_is_cached(struct pw_machine *machine, uint32_t slot)
{
	struct pw_swap *swap = machine->swap;
	bool cached;

	pw_ranked_lock(&swap->lock, PW_RANK_SHORT);
	cached = swap->cached[slot] != 0;
	pw_ranked_unlock(&swap->lock, PW_RANK_SHORT);
	return cached;
}

int pw_swap_add(struct pw_machine *machine, uint32_t frame)
{
	uint32_t slot;
	int code;

	/* Before the cache has it: whoever finds it there may drop the cache's reference. */
	if (!pw_folio_try_get(machine->arena, frame, 1))
		return -EBUSY;
	code = take_slot(machine, 0, frame + 1, &slot);
	if (code) {
		pw_page_put(machine, frame, 1);
		return code;
	}
	__atomic_store_n(&pw_page_of(machine, frame)->swap, slot + 1, __ATOMIC_RELAXED);
	/* Nothing of it is in the slot yet. */
	pw_folio_dirty_held(machine->arena, frame);
	return 0;
}

/* Takes a locked page out of the cache if nothing names its slot, and it is unmapped or @mapped permits that. */
static void remove_unnamed(struct pw_machine *machine, uint32_t frame, bool mapped)
{
	struct pw_swap *swap = machine->swap;
	uint32_t slot = __atomic_load_n(&pw_page_of(machine, frame)->swap, __ATOMIC_RELAXED);
	bool removed = false;

	if (slot == 0)
		return;
	pw_ranked_lock(&swap->lock, PW_RANK_SHORT);
	if (swap->count[slot - 1] == 0 && (mapped || !is_mapped(machine, frame))) {
		uncache(machine, slot - 1);
		removed = true;
	}
	pw_ranked_unlock(&swap->lock, PW_RANK_SHORT);
	if (!removed)
		return;
	/* Its content is nowhere else from now on. */
	pw_folio_dirty_held(machine->arena, frame);
	pw_page_put(machine, frame, 1);
}

void pw_swap_remove(struct pw_machine *machine, uint32_t frame)
{
	remove_unnamed(machine, frame, true);
}

void pw_swap_tidy_locked(struct pw_machine *machine, uint32_t frame)
{
	remove_unnamed(machine, frame, false);
}

void pw_swap_forget(struct pw_machine *machine, uint32_t frame)
{
	struct pw_swap *swap = machine->swap;

	if (__atomic_load_n(&pw_page_of(machine, frame)->swap, __ATOMIC_RELAXED) == 0)
		return;
	pw_ranked_lock(&swap->lock, PW_RANK_SHORT);
	uncache(machine, pw_page_of(machine, frame)->swap - 1);
	pw_ranked_unlock(&swap->lock, PW_RANK_SHORT);
	pw_page_put(machine, frame, 1);
}

/* Is it in the cache, where nothing needs it? It may be another's page by now. */
static bool is_unneeded(struct pw_machine *machine, uint32_t frame)
{
	uint32_t slot = __atomic_load_n(&pw_page_of(machine, frame)->swap, __ATOMIC_RELAXED);

	return slot != 0 && !is_mapped(machine, frame) &&
	       (pw_swap_count(machine, slot - 1) == 0 || pw_mutant(PW_MUTANT_TIDY_ONCE));
}

void pw_swap_tidy(struct pw_machine *machine, uint32_t frame)
{
	/* Again after the unlock: a thread that dropped the slot's last count meanwhile found the page locked. */
	while (is_unneeded(machine, frame) && pw_folio_trylock(machine, frame)) {
		pw_swap_tidy_locked(machine, frame);
		pw_folio_unlock(machine, frame);
		if (pw_mutant(PW_MUTANT_TIDY_ONCE))
			return;
	}
}

bool pw_swap_evict(struct pw_machine *machine, uint32_t frame)
{
	struct pw_swap *swap = machine->swap;
	const struct pw_page *page = pw_page_of(machine, frame);
	bool alone;

	pw_ranked_lock(&swap->lock, PW_RANK_SHORT);
	/* Lookups take references under the same lock. So nobody comes in between. */
	alone = page->swap != 0 && pw_folio_freeze(machine->arena, frame, 2);
	if (alone)
		uncache(machine, page->swap - 1);
	pw_ranked_unlock(&swap->lock, PW_RANK_SHORT);
	if (!alone)
		return false;
	pw_folio_unlock(machine, frame);
	pw_folio_thaw(machine->arena, frame, 0);
	return true;
}

bool pw_swap_replace(struct pw_machine *machine, uint32_t from, uint32_t to, uint32_t references)
{
	struct pw_swap *swap = machine->swap;
	struct pw_page *old = pw_page_of(machine, from), *page = pw_page_of(machine, to);
	bool alone;

	if (__atomic_load_n(&old->swap, __ATOMIC_RELAXED) == 0) {
		alone = pw_folio_freeze(machine->arena, from, references);
		if (alone)
			pw_folio_thaw(machine->arena, from, references);
		return alone;
	}
	pw_ranked_lock(&swap->lock, PW_RANK_SHORT);
	alone = pw_folio_freeze(machine->arena, from, references + 1);
	if (alone) {
		/* The cache's reference of the new page. It is new, so its count has room. */
		pw_folio_try_get(machine->arena, to, 1);
		swap->cached[old->swap - 1] = to + 1;
		__atomic_store_n(&page->swap, old->swap, __ATOMIC_RELAXED);
		__atomic_store_n(&old->swap, 0, __ATOMIC_RELAXED);
	}
	pw_ranked_unlock(&swap->lock, PW_RANK_SHORT);
	if (alone)
		pw_folio_thaw(machine->arena, from, references);
	return alone;
}

/* ---- reading and writing ---- */

/* Reads or writes all of a page. 0, or -EIO. */
static int transfer(struct pw_machine *machine, uint32_t frame, uint32_t slot, bool write)
{
	unsigned char *host = pw_page_host(machine, frame);
	const size_t bytes = (size_t)pw_page_bytes(machine);
	off_t at = (off_t)((uint64_t)slot << machine->page_lg2);
	int fd = machine->swap->fd;

	for (size_t done = 0; done < bytes;) {
		ssize_t n = write ? pwrite(fd, host + done, bytes - done, at + (off_t)done)
				  : pread(fd, host + done, bytes - done, at + (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -EIO;
		done += (size_t)n;
	}
	return 0;
}

int pw_swap_write(struct pw_machine *machine, uint32_t frame)
{
	struct pw_page *page = pw_page_of(machine, frame);
	pw_pa pa = pw_arena_pa(machine->arena, frame);
	int code;

	/* Before the content is taken: a store from now on makes it dirty again. */
	pw_folio_clean(machine->arena, pa);
	__atomic_fetch_or(&page->flags, PW_PAGE_WRITEBACK, __ATOMIC_RELAXED);
	code = transfer(machine, frame, page->swap - 1, true);
	__atomic_fetch_and(&page->flags, ~(uint32_t)PW_PAGE_WRITEBACK, __ATOMIC_RELAXED);
	if (code)
		pw_folio_dirty_held(machine->arena, frame);
	return code;
}

/*
 * Puts the locked page @frame into the cache for a slot that something names. 0; 1, and the page that is there
 * already, with a reference; -EAGAIN if nothing names the slot any more.
 */
static int cache_or_find(struct pw_machine *machine, uint32_t slot, uint32_t frame,
			 uint32_t *found_ret)
{
	struct pw_swap *swap = machine->swap;
	int code = -EAGAIN;

	pw_ranked_lock(&swap->lock, PW_RANK_SHORT);
	if (swap->cached[slot] != 0) {
		*found_ret = swap->cached[slot] - 1;
		code = pw_folio_try_get(machine->arena, *found_ret, 1) ? 1 : -EAGAIN;
	} else if (swap->count[slot] > 0 && frame != PW_NO_FRAME) {
		pw_folio_try_get(machine->arena, frame, 1);
		swap->cached[slot] = frame + 1;
		__atomic_store_n(&pw_page_of(machine, frame)->swap, slot + 1, __ATOMIC_RELAXED);
		code = 0;
	}
	pw_ranked_unlock(&swap->lock, PW_RANK_SHORT);
	return code;
}

static int read_cached(struct pw_machine *machine, uint32_t slot, uint32_t frame)
{
	int code = transfer(machine, frame, slot, false);

	if (code == 0) {
		__atomic_fetch_or(&pw_page_of(machine, frame)->flags, PW_PAGE_VALID,
				  __ATOMIC_RELEASE);
		return 0;
	}
	pw_ranked_lock(&machine->swap->lock, PW_RANK_SHORT);
	uncache(machine, slot);
	pw_ranked_unlock(&machine->swap->lock, PW_RANK_SHORT);
	pw_page_put(machine, frame, 1);
	return code;
}

int pw_swap_in(struct pw_machine *machine, uint32_t slot, bool longterm, uint32_t *frame_ret)
{
	uint32_t frame;
	int code = cache_or_find(machine, slot, PW_NO_FRAME, frame_ret);

	if (code == 1)
		return 0;
	/* Whose it is, the fault knows that maps it. */
	code = pw_page_alloc(machine, 0, PW_FOLIO_NONE, NULL, 0, longterm, &frame);
	if (code)
		return code;
	/* Reclaim may be looking at the new page, too. */
	pw_folio_lock(machine, frame);
	code = cache_or_find(machine, slot, frame, frame_ret);
	if (code == 0) {
		*frame_ret = frame;
		code = read_cached(machine, slot, frame);
		pw_folio_unlock(machine, frame);
		if (code)
			pw_page_put(machine, frame, 1);
		return code;
	}
	pw_folio_unlock(machine, frame);
	pw_page_put(machine, frame, 1);
	return code == 1 ? 0 : code;
}
