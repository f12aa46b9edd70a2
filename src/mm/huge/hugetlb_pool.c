/* SPDX-License-Identifier: MIT */
/*
 * The pools of hugetlb pages: who may have a page, and which are free.
 *
 * A pool keeps one reference to each of its pages for ever. A page with no other reference is free. So nothing
 * has to be done when the last mapping or pin goes: the next allocation finds the page.
 *
 * A reservation promises one page to an index of a file (shared mappings), or to an index of a file as one mm
 * sees it (private mappings). It is used up when the page is allocated.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/error.h"
#include "format/format.h"
#include "mm/file/file.h"
#include "mm/huge/hugetlb.h"
#include "mm/lock_order.h"

struct pw_reserve {
	const struct pw_mm *mm; /* NULL: of a shared mapping */
	uint64_t index;
	struct pw_reserve *next;
};

int pw_hugetlb_size(const struct pw_machine *machine, unsigned *size_lg2, unsigned *level_ret,
		    struct pw_error *error)
{
	const struct pw_format *format = machine->format;

	for (unsigned level = 1; level < format->levels; level++) {
		const unsigned lg2 = format->shift[level];

		if (!(format->leaf_levels >> level & 1) || lg2 - machine->page_lg2 >= PW_ORDERS)
			continue;
		if (*size_lg2 && *size_lg2 != lg2)
			continue;
		*size_lg2 = lg2;
		*level_ret = level;
		return 0;
	}
	if (*size_lg2)
		return pw_fail(error, EINVAL,
			       "%s has no leaves of 2^%u bytes: give 0 for its smallest huge page",
			       format->name, *size_lg2);
	return pw_fail(error, EINVAL, "%s has no huge pages", format->name);
}

/* ---- pools ---- */

static struct pw_pool *pool_find(const struct pw_machine *machine, unsigned order)
{
	struct pw_pool *pool = machine->hugetlb->pools;

	while (pool && pool->order != order)
		pool = pool->next;
	return pool;
}

/* Adds a page to a pool. Pool lock. */
static int pool_add(struct pw_pool *pool, uint32_t head)
{
	uint32_t *heads = realloc(pool->head, (pool->count + 1) * sizeof(*heads));

	if (!heads)
		return -ENOMEM;
	heads[pool->count++] = head;
	pool->head = heads;
	return 0;
}

/* Takes one more page from the arena. No lock is held. */
static int pool_grow(struct pw_machine *machine, struct pw_pool *pool)
{
	uint32_t head;
	int error = pw_page_alloc(machine, pool->order, PW_FOLIO_NONE, NULL, 0, false, &head);

	if (error)
		return error;
	pw_ranked_lock(&machine->hugetlb->lock, PW_RANK_SHORT);
	error = pool_add(pool, head);
	pw_ranked_unlock(&machine->hugetlb->lock, PW_RANK_SHORT);
	if (error)
		pw_page_put(machine, head, 1);
	return error;
}

int pw_hugetlb_pool(struct pw_machine *machine, unsigned order)
{
	struct pw_hugetlb *hugetlb = machine->hugetlb;
	struct pw_pool *pool, *old;

	pool = calloc(1, sizeof(*pool));
	if (!pool)
		return -ENOMEM;
	pool->order = order;
	pool->grows = true;
	pw_ranked_lock(&hugetlb->lock, PW_RANK_SHORT);
	old = pool_find(machine, order);
	if (!old) {
		pool->next = hugetlb->pools;
		hugetlb->pools = pool;
	}
	pw_ranked_unlock(&hugetlb->lock, PW_RANK_SHORT);
	if (old)
		free(pool);
	return 0;
}

static int fill_first(struct pw_machine *machine, struct pw_error *error)
{
	const uint64_t bytes = machine->options.hugetlb_bytes;
	unsigned size_lg2 = 0, level;
	struct pw_pool *pool;
	int code = pw_hugetlb_size(machine, &size_lg2, &level, bytes ? error : NULL);

	/* Without huge pages, nobody can make a file of them. */
	if (code)
		return bytes ? code : 0;
	if (bytes & pw_mask(size_lg2))
		return pw_fail(
			error, EINVAL,
			"options.hugetlb_bytes is 0x%llx: it has to be whole pages of 0x%llx bytes",
			(unsigned long long)bytes, 1ULL << size_lg2);
	code = pw_hugetlb_pool(machine, size_lg2 - machine->page_lg2);
	if (code)
		return pw_fail(error, -code, "no memory for a pool of hugetlb pages");
	pool = machine->hugetlb->pools;
	pool->grows = false;
	for (uint64_t i = 0; i < bytes >> size_lg2; i++) {
		code = pool_grow(machine, pool);
		if (code)
			return pw_fail(error, -code,
				       "the arena has no room for 0x%llx bytes of hugetlb pages",
				       (unsigned long long)bytes);
	}
	return 0;
}

int pw_hugetlb_start(struct pw_machine *machine, struct pw_error *error)
{
	int code;

	machine->hugetlb = calloc(1, sizeof(*machine->hugetlb));
	if (!machine->hugetlb)
		return pw_fail(error, ENOMEM, "no memory for pools of hugetlb pages");
	pthread_mutex_init(&machine->hugetlb->lock, NULL);
	for (unsigned i = 0; i < PW_HUGETLB_LOCKS; i++)
		pthread_mutex_init(&machine->hugetlb->fault_lock[i], NULL);
	code = fill_first(machine, error);
	if (code)
		pw_hugetlb_stop(machine);
	return code;
}

void pw_hugetlb_stop(struct pw_machine *machine)
{
	struct pw_hugetlb *hugetlb = machine->hugetlb;

	if (!hugetlb)
		return;
	while (hugetlb->pools) {
		struct pw_pool *pool = hugetlb->pools;

		hugetlb->pools = pool->next;
		for (uint32_t i = 0; i < pool->count; i++)
			pw_page_put(machine, pool->head[i], 1);
		free(pool->head);
		free(pool);
	}
	pthread_mutex_destroy(&hugetlb->lock);
	for (unsigned i = 0; i < PW_HUGETLB_LOCKS; i++)
		pthread_mutex_destroy(&hugetlb->fault_lock[i]);
	free(hugetlb);
	machine->hugetlb = NULL;
}

/* Does the pool alone hold this page? Its last user's stores came before: acquire. */
static bool is_free(const struct pw_machine *machine, uint32_t head)
{
	return pw_page_references(machine, head) == 1;
}

static uint32_t free_pages(const struct pw_machine *machine, const struct pw_pool *pool)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < pool->count; i++)
		count += is_free(machine, pool->head[i]);
	return count;
}

/* ---- reservations: pool lock ---- */

static struct pw_reserve **reserve_find(struct pw_file *file, const struct pw_mm *mm,
					uint64_t index)
{
	struct pw_reserve **at = &file->reserves;

	while (*at && ((*at)->mm != mm || (*at)->index != index))
		at = &(*at)->next;
	return at;
}

static void reserve_drop(struct pw_pool *pool, struct pw_reserve **at)
{
	struct pw_reserve *reserve = *at;

	*at = reserve->next;
	free(reserve);
	pool->reserved--;
}

static void drop_range(struct pw_file *file, const struct pw_mm *mm, bool every, uint64_t first,
		       uint64_t last)
{
	struct pw_hugetlb *hugetlb = file->machine->hugetlb;
	struct pw_reserve **at;

	pw_ranked_lock(&hugetlb->lock, PW_RANK_SHORT);
	at = &file->reserves;
	while (*at) {
		const struct pw_reserve *reserve = *at;

		if ((every || reserve->mm == mm) && reserve->index >= first &&
		    reserve->index <= last)
			reserve_drop(pool_find(file->machine, file->order), at);
		else
			at = &(*at)->next;
	}
	pw_ranked_unlock(&hugetlb->lock, PW_RANK_SHORT);
}

void pw_hugetlb_forget(struct pw_file *file, uint64_t first, uint64_t last)
{
	drop_range(file, NULL, true, first, last);
}

void pw_hugetlb_unreserve(struct pw_vma *vma, pw_va first, pw_va last)
{
	if (!vma->file || !(vma->flags & PW_VM_HUGETLB) || vma->flags & PW_VM_SHARED)
		return;
	drop_range(vma->file, vma->mm, false, pw_vma_index(vma, first), pw_vma_index(vma, last));
}

/* Promises a page. 0, -EEXIST (it was promised before), -ENOMEM. Pool lock. */
static int reserve_add(struct pw_file *file, const struct pw_mm *mm, uint64_t index)
{
	struct pw_machine *machine = file->machine;
	struct pw_pool *pool = pool_find(machine, file->order);
	struct pw_reserve **at = reserve_find(file, mm, index), *reserve;

	if (*at)
		return -EEXIST;
	if (free_pages(machine, pool) <= pool->reserved)
		return -ENOMEM;
	reserve = calloc(1, sizeof(*reserve));
	if (!reserve)
		return -ENOMEM;
	reserve->mm = mm;
	reserve->index = index;
	*at = reserve;
	pool->reserved++;
	return 0;
}

static int reserve_one(struct pw_file *file, const struct pw_mm *mm, uint64_t index)
{
	struct pw_hugetlb *hugetlb = file->machine->hugetlb;
	struct pw_pool *pool;
	int error;

	do {
		pw_ranked_lock(&hugetlb->lock, PW_RANK_SHORT);
		pool = pool_find(file->machine, file->order);
		error = reserve_add(file, mm, index);
		pw_ranked_unlock(&hugetlb->lock, PW_RANK_SHORT);
	} while (error == -ENOMEM && pool->grows && pool_grow(file->machine, pool) == 0);
	return error;
}

/* Takes back the promises of a mapping that failed: those of pages before @end that it made itself. */
static void reserve_undo(struct pw_file *file, const struct pw_mm *mm, const uint64_t *made,
			 size_t count)
{
	while (count--)
		drop_range(file, mm, false, made[count], made[count]);
}

int pw_hugetlb_reserve(struct pw_vma *vma)
{
	struct pw_file *file = vma->file;
	const struct pw_mm *mm = vma->flags & PW_VM_SHARED ? NULL : vma->mm;
	const uint64_t step = UINT64_C(1) << file->order;
	const uint64_t first = vma->offset, last = pw_vma_index(vma, vma->last);
	uint64_t *made;
	size_t count = 0;
	int error = 0;

	if (vma->flags & PW_VM_NORESERVE)
		return 0;
	/* More than all memory is never there. */
	if ((last - first) >> file->order >= file->machine->arena->frames)
		return -ENOMEM;
	made = calloc((size_t)((last - first) >> file->order) + 1, sizeof(*made));
	if (!made)
		return -ENOMEM;
	for (uint64_t index = first; index <= last && !error; index += step) {
		if (!mm && pw_cache_has(file, index))
			continue;
		error = reserve_one(file, mm, index);
		if (!error)
			made[count++] = index;
		else if (error == -EEXIST)
			error = 0;
	}
	if (error)
		reserve_undo(file, mm, made, count);
	free(made);
	vma->hugetlb_owner = mm && !error;
	return error;
}

/* ---- allocation ---- */

/* Takes a free page if there is one that is not promised to somebody else. Pool lock. */
static bool take(struct pw_file *file, const struct pw_mm *mm, uint64_t index, uint32_t *head_ret)
{
	struct pw_machine *machine = file->machine;
	struct pw_pool *pool = pool_find(machine, file->order);
	struct pw_reserve **at = reserve_find(file, mm, index);

	if (!*at && free_pages(machine, pool) <= pool->reserved)
		return false;
	for (uint32_t i = 0; i < pool->count; i++) {
		if (!is_free(machine, pool->head[i]))
			continue;
		*head_ret = pool->head[i];
		(void)pw_folio_try_get(machine->arena, *head_ret, 1);
		if (*at)
			reserve_drop(pool, at);
		return true;
	}
	return false;
}

int pw_hugetlb_alloc(struct pw_file *file, const struct pw_mm *mm, uint64_t index,
		     enum pw_folio_kind kind, const void *owner, uint32_t *head_ret)
{
	struct pw_machine *machine = file->machine;
	struct pw_pool *pool;
	bool taken;

	do {
		pw_ranked_lock(&machine->hugetlb->lock, PW_RANK_SHORT);
		pool = pool_find(machine, file->order);
		taken = take(file, mm, index, head_ret);
		pw_ranked_unlock(&machine->hugetlb->lock, PW_RANK_SHORT);
	} while (!taken && pool->grows && pool_grow(machine, pool) == 0);
	if (!taken)
		return -ENOMEM;
	for (uint32_t i = 0; i < UINT32_C(1) << file->order; i++) {
		*pw_page_of(machine, *head_ret + i) = (struct pw_page){ .index = index + i,
									.flags = PW_PAGE_HUGETLB };
		__atomic_store_n(&machine->arena->frame[*head_ret + i].flags,
				 kind == PW_FOLIO_ANONYMOUS ? PW_FRAME_EXCLUSIVE : 0,
				 __ATOMIC_RELAXED);
	}
	pw_page_set_owner(machine, *head_ret, kind, owner);
	return 0;
}

/* ---- migration ---- */

/* A free page of the pool that is good for it, and not promised; PW_NO_FRAME: none. Pool lock. */
static uint32_t take_spare(struct pw_machine *machine, unsigned order, bool longterm)
{
	const struct pw_pool *pool = pool_find(machine, order);

	if (!pool || free_pages(machine, pool) <= pool->reserved)
		return PW_NO_FRAME;
	for (uint32_t i = 0; i < pool->count; i++) {
		const uint32_t head = pool->head[i];

		if (!is_free(machine, head) || (longterm && head >= machine->movable_first) ||
		    pw_page_flags(machine, head) & PW_PAGE_POISON)
			continue;
		(void)pw_folio_try_get(machine->arena, head, 1);
		return head;
	}
	return PW_NO_FRAME;
}

int pw_hugetlb_spare(struct pw_machine *machine, unsigned order, bool longterm, uint32_t *head_ret)
{
	int error;

	pw_ranked_lock(&machine->hugetlb->lock, PW_RANK_SHORT);
	*head_ret = take_spare(machine, order, longterm);
	pw_ranked_unlock(&machine->hugetlb->lock, PW_RANK_SHORT);
	if (*head_ret == PW_NO_FRAME) {
		error = pw_page_alloc(machine, order, PW_FOLIO_NONE, NULL, 0, longterm, head_ret);
		if (error)
			return error;
	}
	for (uint32_t i = 0; i < UINT32_C(1) << order; i++) {
		*pw_page_of(machine, *head_ret + i) = (struct pw_page){ .flags = PW_PAGE_HUGETLB };
		__atomic_store_n(&machine->arena->frame[*head_ret + i].flags, 0, __ATOMIC_RELAXED);
	}
	return 0;
}

void pw_hugetlb_moved(struct pw_machine *machine, uint32_t from, uint32_t to)
{
	const unsigned order = pw_link_order(pw_frame_link(machine->arena, from));
	uint32_t at = PW_NO_FRAME;
	bool known = false, replace;
	struct pw_pool *pool;

	pw_ranked_lock(&machine->hugetlb->lock, PW_RANK_SHORT);
	pool = pool_find(machine, order);
	for (uint32_t i = 0; pool && i < pool->count; i++) {
		if (pool->head[i] == from)
			at = i;
		known |= pool->head[i] == to;
	}
	/* Is the new one of the arena? Then it takes the place of the old one, and the pool's reference. */
	replace = at != PW_NO_FRAME && !known && !pw_mutant(PW_MUTANT_HUGETLB_POOL_OLD);
	if (replace) {
		pool->head[at] = to;
		(void)pw_folio_try_get(machine->arena, to, 1);
	}
	pw_ranked_unlock(&machine->hugetlb->lock, PW_RANK_SHORT);
	if (replace)
		pw_page_put(machine, from, 1);
}

pthread_mutex_t *pw_hugetlb_fault_lock(struct pw_file *file, uint64_t index)
{
	uint64_t mix = ((uint64_t)(uintptr_t)file >> 6) + (index >> file->order);

	return &file->machine->hugetlb->fault_lock[mix % PW_HUGETLB_LOCKS];
}
