/* SPDX-License-Identifier: MIT */
/*
 * Marks: bits of single pages of an mm that entries have no room for. Most mms have none; then mm->marks is
 * NULL, and nothing is looked up.
 *
 * Setting needs memory: pw_marks_reserve gets it, with no lock of 4 to 6 held, and pw_mark_set then cannot fail.
 * A mark belongs to an entry: whoever changes the two together holds the entry's table lock.
 */
#ifndef PW_MM_MARKS_H
#define PW_MM_MARKS_H

#include "mm/mm.h"

enum {
	PW_MARK_PROTECTED = 1 << 0, /* a handler of user faults wants to know of writes (uffd-wp) */
	PW_MARK_SOFT_DIRTY = 1 << 1, /* written to since it was cleared */
	PW_MARKS = PW_MARK_PROTECTED | PW_MARK_SOFT_DIRTY,
};

/* Frees all marks: the mm goes. */
void pw_marks_destroy(struct pw_mm *mm);
/* Makes room for marks of first..last. 0, -ENOMEM. */
int pw_marks_reserve(struct pw_mm *mm, pw_va first, pw_va last);
/* Adds @bits to the page at @va. False: there is no room. */
bool pw_mark_set(struct pw_mm *mm, pw_va va, unsigned bits);
/* The marks of the page at @va. */
unsigned pw_mark_get_any(struct pw_mm *mm, pw_va va);
/* Removes @bits from all pages of first..last. */
void pw_marks_clear(struct pw_mm *mm, pw_va first, pw_va last, unsigned bits);
/* fork: the child's pages first..last have the marks of the parent's. Adds to what is there. 0, -ENOMEM. */
int pw_marks_copy(struct pw_mm *from, struct pw_mm *to, pw_va first, pw_va last, unsigned bits);
/*
 * mremap: the marks of @bytes from @from on are those of @to afterwards. Room for these was reserved; what has
 * none is lost.
 */
void pw_marks_move(struct pw_mm *mm, pw_va from, pw_va to, uint64_t bytes);
/* Is any of @bits set in first..last? */
bool pw_marks_any(struct pw_mm *mm, pw_va first, pw_va last, unsigned bits);

PW_INLINE unsigned pw_mark_get(struct pw_mm *mm, pw_va va)
{
	return __atomic_load_n(&mm->marks, __ATOMIC_ACQUIRE) ? pw_mark_get_any(mm, va) : 0;
}

/*
 * Does a handler of user faults want to know of writes to this page? Marks that outlived their registration do
 * not count. Whoever is going to make an entry writable asks, under the table lock.
 */
PW_INLINE bool pw_is_watched(const struct pw_vma *vma, pw_va va)
{
	return vma->flags & PW_VM_USER_PROTECT && pw_mark_get(vma->mm, va) & PW_MARK_PROTECTED;
}

/* Must a write to this page fault first: for a handler, or because it would not be seen that the page is soft-dirty? */
PW_INLINE bool pw_is_protected(const struct pw_vma *vma, pw_va va)
{
	return pw_is_watched(vma, va) || (!(vma->flags & (PW_VM_SOFTDIRTY | PW_VM_HUGETLB)) &&
					  !(pw_mark_get(vma->mm, va) & PW_MARK_SOFT_DIRTY));
}

/* ---- soft_dirty.c ---- */

/*
 * To be called before an entry becomes writable for a write to @va: the pages of 2^@lg2 bytes around it are soft-dirty.
 * False: there is no room, which pw_soft_dirty_room makes.
 */
bool pw_soft_dirty_set(const struct pw_vma *vma, pw_va va, unsigned lg2);
/* A write to @va that pw_soft_dirty_set has told of ended without a writable entry: the page is not soft-dirty. */
void pw_soft_dirty_unset(const struct pw_vma *vma, pw_va va);
/* Makes room for the marks of the largest page around @va. With no lock of 4 to 6 held. 0, -ENOMEM. */
int pw_soft_dirty_room(const struct pw_vma *vma, pw_va va);
/* Has this format's Linux a soft-dirty bit? */
bool pw_soft_dirty_known(const struct pw_machine *machine);
/* Is the page at @va soft-dirty? */
bool pw_is_soft_dirty(const struct pw_vma *vma, pw_va va);
/* What is mapped in first..last (@all: or will be) was moved or filled: it is soft-dirty. 0, -ENOMEM. */
int pw_soft_dirty_moved(const struct pw_vma *vma, pw_va first, pw_va last, bool all);

/* Frees mm->marks. */
void pw_marks_destroy(struct pw_mm *mm);

#endif
