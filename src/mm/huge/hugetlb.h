/* SPDX-License-Identifier: MIT */
/* What hugetlb.c and hugetlb_pool.c share. */
#ifndef PW_MM_HUGETLB_H
#define PW_MM_HUGETLB_H

#include "mm/mm.h"

enum { PW_HUGETLB_LOCKS = 16 };

/* The pages of one size. */
struct pw_pool {
	unsigned order;
	bool grows; /* takes more from the arena when it is empty; the first pool does not */
	uint32_t *head;
	uint32_t count, reserved;
	struct pw_pool *next;
};

struct pw_hugetlb {
	pthread_mutex_t lock; /* of pools and reservations; one of the short ones */
	struct pw_pool *pools; /* a pool stays until the machine goes */
	/*
	 * By file and index: one fault at a time for a page. Two would take two pages, and the pool may have
	 * just the one that was reserved. Above the folio lock, below the VMA's.
	 */
	pthread_mutex_t fault_lock[PW_HUGETLB_LOCKS];
};

/* Makes the pool of an order, if there is none. 0, -ENOMEM. */
int pw_hugetlb_pool(struct pw_machine *machine, unsigned order);
/*
 * Takes a page from the pool: the one that was promised to @index (and @mm, if it is private), or any that is not
 * promised. It has one reference for the caller. 0, -ENOMEM.
 */
int pw_hugetlb_alloc(struct pw_file *file, const struct pw_mm *mm, uint64_t index,
		     enum pw_folio_kind kind, const void *owner, uint32_t *head_ret);
/*
 * Migration: a page to move another one of @order to, with a reference: from the pool, or from the arena. @longterm:
 * memory that long pins may hold. 0, -ENOMEM.
 */
int pw_hugetlb_spare(struct pw_machine *machine, unsigned order, bool longterm, uint32_t *head_ret);
/* @from has moved to @to, which came from pw_hugetlb_spare: the pool has as many pages as before. */
void pw_hugetlb_moved(struct pw_machine *machine, uint32_t from, uint32_t to);
pthread_mutex_t *pw_hugetlb_fault_lock(struct pw_file *file, uint64_t index);

/* ---- hugetlb.c: for handlers of user faults. The caller holds the fault lock ---- */

/*
 * Stores a leaf of the file's level where nothing is, with all the references that an entry has. The caller keeps
 * its own. 1: stored; 0: something is there already; or -ENOMEM.
 */
int pw_hugetlb_map(struct pw_vma *vma, pw_va va, uint32_t head, uint32_t extra);
/* A private page: a copy of @from, or zeros (NULL). *head_ret has one reference. */
int pw_hugetlb_private(struct pw_vma *vma, uint64_t index, const void *from, uint32_t *head_ret);
/* Puts a new page with the content of @from, or zeros (NULL), into the cache, and leaves it locked. -EEXIST: there is one. */
int pw_hugetlb_add(struct pw_file *file, uint64_t index, const void *from, uint32_t *head_ret);
/* The attributes of a new leaf. */
uint32_t pw_hugetlb_extra(const struct pw_vma *vma, bool write);

#endif
