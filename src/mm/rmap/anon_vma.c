/* SPDX-License-Identifier: MIT */
/*
 * Where anonymous pages may be mapped. Mms that come from each other by fork share one pw_anon for a VMA, so
 * that an rmap walk finds all of them in one list.
 *
 * Linux gives each VMA of a child an anon_vma of its own, and its rules for merges compare these. anon_id and
 * anon_chain stand for them: they decide about merges and nothing else.
 *
 * A pw_anon stays a pw_anon until its machine goes, in use or not (SLAB_TYPESAFE_BY_RCU). So a thread that has
 * found one through a page may try to get a reference, and look at the page again.
 */
#include <errno.h>
#include <stdlib.h>

#include "mm/mm.h"
#include "mm/vma/vma.h"

static struct pw_anon *anon_create(struct pw_machine *machine)
{
	struct pw_anon *anon;

	pthread_mutex_lock(&machine->list_lock);
	anon = machine->free_anons;
	if (anon)
		machine->free_anons = anon->next_free;
	pthread_mutex_unlock(&machine->list_lock);
	if (!anon) {
		anon = calloc(1, sizeof(*anon));
		if (!anon)
			return NULL;
		pthread_mutex_init(&anon->lock, NULL);
		anon->machine = machine;
	}
	__atomic_store_n(&anon->references, 1, __ATOMIC_RELEASE);
	return anon;
}

void pw_anon_get(struct pw_anon *anon)
{
	__atomic_fetch_add(&anon->references, 1, __ATOMIC_RELAXED);
}

bool pw_anon_try_get(struct pw_anon *anon)
{
	uint32_t old = __atomic_load_n(&anon->references, __ATOMIC_RELAXED);

	while (old != 0)
		if (__atomic_compare_exchange_n(&anon->references, &old, old + 1, true,
						__ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			return true;
	return false;
}

void pw_anon_put(struct pw_anon *anon)
{
	struct pw_machine *machine = anon->machine;

	/* Releases this thread's uses; acquires those of others, before somebody else gets it. */
	if (__atomic_sub_fetch(&anon->references, 1, __ATOMIC_ACQ_REL) != 0)
		return;
	pthread_mutex_lock(&machine->list_lock);
	anon->next_free = machine->free_anons;
	machine->free_anons = anon;
	pthread_mutex_unlock(&machine->list_lock);
}

void pw_anon_free_all(struct pw_machine *machine)
{
	struct pw_anon *anon;

	while ((anon = machine->free_anons)) {
		machine->free_anons = anon->next_free;
		pthread_mutex_destroy(&anon->lock);
		free(anon);
	}
}

/* At the end: see pw_vma_forked. mremap needs the same order. */
static void link_to(struct pw_anon *anon, struct pw_vma *vma)
{
	vma->anon_next = NULL;
	vma->anon_back = anon->vmas ? anon->vmas_end : &anon->vmas;
	*vma->anon_back = vma;
	anon->vmas_end = &vma->anon_next;
}

void pw_anon_link(struct pw_vma *vma)
{
	if (!vma->anon)
		return;
	pthread_mutex_lock(&vma->anon->lock);
	link_to(vma->anon, vma);
	pthread_mutex_unlock(&vma->anon->lock);
}

void pw_anon_unlink(struct pw_vma *vma)
{
	if (!vma->anon)
		return;
	pthread_mutex_lock(&vma->anon->lock);
	*vma->anon_back = vma->anon_next;
	if (vma->anon_next)
		vma->anon_next->anon_back = vma->anon_back;
	else
		vma->anon->vmas_end = vma->anon_back;
	pthread_mutex_unlock(&vma->anon->lock);
}

void pw_vma_take_anon(struct pw_vma *to, const struct pw_vma *vma)
{
	struct pw_anon *anon = vma->anon;

	to->anon_id = vma->anon_id;
	to->anon_chain = vma->anon_chain;
	if (anon)
		pw_anon_get(anon);
	/* Release: the fault that sees it uses it. Partner: pw_anon_prepare. */
	__atomic_store_n(&to->anon, anon, __ATOMIC_RELEASE);
}

void pw_vma_forget_anon(struct pw_vma *vma)
{
	struct pw_anon *anon = vma->anon;

	if (!anon)
		return;
	pw_anon_unlink(vma);
	pthread_mutex_lock(&vma->mm->tree_lock);
	vma->anon = NULL;
	vma->anon_id = 0;
	vma->anon_chain = 0;
	pthread_mutex_unlock(&vma->mm->tree_lock);
	pw_anon_put(anon);
}

void pw_vma_forked(const struct pw_vma *parent, struct pw_vma *child)
{
	if (!parent->anon)
		return;
	child->anon_id = 1 + __atomic_fetch_add(&child->mm->machine->anon_ids, 1, __ATOMIC_RELAXED);
	child->anon_chain = parent->anon_chain + 1;
}

/* May a page of @low at its end and one of @high at its begin have the same anon? (anon_vma_compatible) */
static bool alike(const struct pw_vma *low, const struct pw_vma *high)
{
	const uint32_t access = PW_VM_READ | PW_VM_WRITE | PW_VM_EXEC | PW_VM_GUARD;

	return low->last + 1 == high->first && low->file == high->file &&
	       !((low->flags ^ high->flags) & ~access) &&
	       pw_vma_index(low, low->last) + 1 == high->offset;
}

/* The neighbour whose anon @vma can have too (find_mergeable_anon_vma). mm->tree_lock. */
static struct pw_vma *donor_of(struct pw_vma *vma)
{
	struct pw_vma *next = pw_vma_next(vma), *before = pw_vma_before(vma);

	if (next && next->anon && next->anon_chain == 1 && alike(vma, next))
		return next;
	if (before && before->anon && before->anon_chain == 1 && alike(before, vma))
		return before;
	return NULL;
}

/* Takes the neighbour's anon, with a reference, and its identity; or a new one. */
static struct pw_anon *choose(struct pw_vma *vma, uint64_t *id_ret)
{
	struct pw_mm *mm = vma->mm;
	struct pw_anon *anon = NULL;
	struct pw_vma *donor;

	pthread_mutex_lock(&mm->tree_lock);
	donor = donor_of(vma);
	if (donor) {
		anon = donor->anon;
		*id_ret = donor->anon_id;
		pw_anon_get(anon);
	}
	pthread_mutex_unlock(&mm->tree_lock);
	if (anon)
		return anon;
	*id_ret = 1 + __atomic_fetch_add(&mm->machine->anon_ids, 1, __ATOMIC_RELAXED);
	return anon_create(mm->machine);
}

int pw_anon_prepare(struct pw_vma *vma)
{
	struct pw_anon *anon;
	uint64_t id;
	bool used;

	/* Acquire: its list and its lock. Partner: the release below. */
	if (__atomic_load_n(&vma->anon, __ATOMIC_ACQUIRE))
		return 0;
	anon = choose(vma, &id);
	if (!anon)
		return -ENOMEM;
	/* It is in the list before anybody sees it: from then on a page may be mapped there. */
	pthread_mutex_lock(&anon->lock);
	pthread_mutex_lock(&vma->mm->tree_lock);
	used = !vma->anon;
	if (used) {
		vma->anon_id = id;
		vma->anon_chain = 1;
		link_to(anon, vma);
		__atomic_store_n(&vma->anon, anon, __ATOMIC_RELEASE);
	}
	pthread_mutex_unlock(&vma->mm->tree_lock);
	pthread_mutex_unlock(&anon->lock);
	if (!used)
		pw_anon_put(anon);
	return 0;
}
