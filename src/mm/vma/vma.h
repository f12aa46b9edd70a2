/* SPDX-License-Identifier: MIT */
/* VMAs: what the calls of mmap's family share. */
#ifndef PW_MM_VMA_H
#define PW_MM_VMA_H

#include "mm/mm.h"

enum { PW_VMA_LIMIT = 65530 }; /* vm.max_map_count */

/* VMAs that are not memory of their own never merge, and are not locked (VM_SPECIAL). */
static const uint32_t PW_VM_SPECIAL_MASK = PW_VM_IO | PW_VM_PFNMAP | PW_VM_DONTEXPAND;

struct pw_vma *pw_vma_last(struct pw_mm *mm);

/* As pw_vma_split, however many VMAs there are: for a caller that removes one of them. Also -EINVAL (hugetlb). */
int pw_vma_split_unlimited(struct pw_vma *vma, pw_va va);
/* Gives what lies between two neighbours of the same file and anon to one of them: @high begins at @va. */
void pw_vma_move_border(struct pw_vma *low, struct pw_vma *high, pw_va va);
/* @vma also gets the range of its neighbour @gone, which is freed. */
void pw_vma_absorb(struct pw_vma *vma, struct pw_vma *gone);

/*
 * Other flags, for all of it. It was marked by pw_vma_write. PW_VM_GUARD stays where it is: the caller may know only the
 * flags of a part that a neighbour with guards took in.
 */
void pw_vma_set_flags(struct pw_vma *vma, uint32_t flags);

/* The anon of @vma, its identity and its place in chains go to @to, which has none and is in no list. */
void pw_vma_take_anon(struct pw_vma *to, const struct pw_vma *vma);
/* The VMA has no anonymous pages any more. Its offset stays: Linux 6.18 leaves it, too. */
void pw_vma_forget_anon(struct pw_vma *vma);
/* Enter and leave the list of its anon, if it has one. */
void pw_anon_link(struct pw_vma *vma);
void pw_anon_unlink(struct pw_vma *vma);
/* Makes a leaf that covers @va, in @vma, and begins before it into a table of its parts, as pw_split_leaf. 0, -ENOMEM. */
int pw_vma_split_leaf(struct pw_vma *vma, pw_va va);

/* ---- vma_merge.c ---- */

/* Whose rules apply: those of Linux 7, or those of 6.18? */
PW_INLINE bool pw_is_linux_7(const struct pw_machine *machine)
{
	return machine->options.kernel >= 0x700;
}

/* A VMA that is about to be: what decides whether a neighbour takes its range in. */
struct pw_vma_like {
	struct pw_mm *mm;
	pw_va first, last;
	uint64_t offset;
	uint32_t flags;
	struct pw_file *file;
	struct pw_device *device;
	struct pw_anon *anon;
	uint64_t anon_id;
	pw_user_fn *user;
	void *user_context;
	const struct pw_vma *copied_from; /* mremap: the VMA that moves */
	const struct pw_vma *apart_from; /* does not take it in, even if it is like it */
};

/* Lets neighbours take the range in, where nothing is mapped. NULL: none does. */
struct pw_vma *pw_vma_merge_new(struct pw_vma_like *like);
/* Flags that say nothing about what a VMA maps. Merging, it keeps them and gets its neighbour's (VM_STICKY). */
enum { PW_VM_STICKY = PW_VM_GUARD | PW_VM_SOFTDIRTY };
PW_INLINE uint32_t pw_vma_sticky(const struct pw_vma *vma)
{
	return pw_mutant(PW_MUTANT_MERGE_NOT_STICKY) ? 0 : vma->flags & PW_VM_STICKY;
}

/*
 * Gives first..last, a part of @vma, other flags and another handler: merges or splits (vma_modify). *vma_ret is
 * the VMA that holds the range then; a split one has the old flags still, and the caller sets them and
 * pw_vma_sticky. 0, -ENOMEM.
 */
int pw_vma_modify(struct pw_vma *vma, pw_va first, pw_va last, uint32_t flags, pw_user_fn *user,
		  void *user_context, struct pw_vma **vma_ret);

/* ---- map.c ---- */

/* The lowest address that a program may map (vm.mmap_min_addr). */
pw_va pw_mm_min(const struct pw_mm *mm);
/* May @bytes, not 0, begin at @va: do they end within what the format translates for programs? */
PW_INLINE bool pw_mm_holds(const struct pw_mm *mm, pw_va va, uint64_t bytes)
{
	return va <= mm->user_last && bytes - 1 <= mm->user_last - va;
}

/* MAP_32BIT, which only x86's headers name: spaces take the same flags on every host. */
enum { PW_MAP_32BIT = 0x40 };

/* What mmap places: for whom, and how. */
struct pw_place {
	uint64_t bytes;
	unsigned align_lg2; /* 0: pages */
	bool low; /* PW_MAP_32BIT */
	bool shift; /* the same place in a huge page as @offset in its file, if there is room */
	uint64_t offset;
};
/* Looks for room, at @hint if there is some. An address, or -ENOMEM. */
pw_sva pw_mm_place(struct pw_mm *mm, pw_va hint, const struct pw_place *place);
/* Where a mapping of @file may go by itself (get_unmapped_area without MAP_FIXED). */
pw_sva pw_mm_place_file(struct pw_mm *mm, pw_va hint, uint64_t bytes, struct pw_file *file,
			uint64_t offset, int flags);
/* The first address that is too near to a stack above it (vm_start_gap). */
pw_va pw_vma_gap_first(const struct pw_vma *vma);
/* Unmaps whole pages. mm->lock, write. 0 or a negative errno. */
int pw_mm_unmap(struct pw_mm *mm, pw_va first, pw_va last);
/* The same, for what mremap moved elsewhere: promises stay, because they moved, too. */
int pw_mm_unmap_moved(struct pw_mm *mm, pw_va first, pw_va last);
/* PW_VM_READ, ... for PROT_READ, ... */
uint32_t pw_vma_prot_flags(int prot);

/* ---- mlock.c ---- */

/* May the address spaces of this machine lock memory at all (can_do_mlock)? */
bool pw_lock_allowed(const struct pw_machine *machine);
/* May @bytes more of memory with these flags come (mlock_future_ok)? mm->lock is held. */
bool pw_lock_fits(const struct pw_mm *mm, uint32_t flags, uint64_t bytes);
/*
 * Faults the pages of first..last in, if they are in VMAs (mm_populate). No lock is held. Returns 0, -ENOMEM,
 * -EFAULT, or -EHWPOISON.
 */
enum pw_populate {
	PW_POPULATE_STRICT, /* end at the first that fails */
	PW_POPULATE_IGNORE, /* what fails ends its VMA alone; always 0 */
};
int pw_mm_populate(struct pw_mm *mm, pw_va first, pw_va last, enum pw_populate how);
/* The same for a part of a VMA whose mm->lock is held for writing. The first page that fails ends it. */
void pw_vma_populate(struct pw_vma *vma, pw_va first, pw_va last);

/* ---- move.c ---- */

/*
 * Moves the entries of @bytes from @from on, which @vma holds, to @to_va and above, which @to holds and where
 * nothing is mapped. Both VMAs are marked by pw_vma_write. 0, -ENOMEM: some have moved.
 */
int pw_vma_move_entries(struct pw_vma *vma, pw_va from, struct pw_vma *to, pw_va to_va,
			uint64_t bytes);

/* ---- protect.c ---- */

/* Makes the entries of first..last what the flags of the VMA say now. Notifiers and TLBs know it. 0, -ENOMEM. */
int pw_vma_change_entries(struct pw_vma *vma, pw_va first, pw_va last);

PW_INLINE uint64_t pw_pages_up(const struct pw_machine *machine, uint64_t bytes)
{
	return (bytes + pw_page_bytes(machine) - 1) & ~(pw_page_bytes(machine) - 1);
}

#endif
