/* SPDX-License-Identifier: MIT */
/*
 * When VMAs become one, and what a change of a part of one does to its neighbours.
 *
 *     new range          |-----|######|-----|    either neighbour, or both, take it in
 *     change of a part   |-----[####]-------|    at a border, the neighbour takes the part in, without a split;
 *                                                otherwise the part is split off
 *
 * Two VMAs are alike if flags, file and handler are the same, and offsets go on. Anonymous pages know their
 * place by an anon and an index. So VMAs with different anons never merge; one without takes the other's, but
 * not that of a VMA that fork made: its pages may be in lists of the parent.
 */
#include <errno.h>

#include "mm/file/file.h"
#include "mm/vma/vma.h"

static bool is_fork_child(const struct pw_vma *vma)
{
	return vma && vma->anon && vma->anon_chain > 1 && !pw_mutant(PW_MUTANT_MERGE_FORKED);
}

static bool same_kind(const struct pw_vma_like *like, const struct pw_vma *vma)
{
	return !((like->flags ^ vma->flags) & ~(uint32_t)PW_VM_STICKY) && like->file == vma->file &&
	       like->device == vma->device && like->user == vma->user &&
	       like->user_context == vma->user_context;
}

/* May the range get @vma's anon, or @vma that of the range? @middle: the VMA that the range is a part of. */
static bool anons_agree(const struct pw_vma_like *like, const struct pw_vma *middle,
			const struct pw_vma *vma)
{
	if (!vma->anon && like->anon)
		return !is_fork_child(middle) && !is_fork_child(like->copied_from);
	if (vma->anon && !like->anon)
		return !is_fork_child(vma);
	return like->anon_id == vma->anon_id;
}

/*
 * Is @vma, at the border of the range, of its kind, and may they share an anon? No fault gives it one after that: until
 * the VMA is marked, one may, and two anons would become one VMA's.
 */
static bool agrees(const struct pw_vma_like *like, const struct pw_vma *middle, struct pw_vma *vma)
{
	if (!same_kind(like, vma))
		return false;
	if (!pw_mutant(PW_MUTANT_MERGE_UNMARKED))
		pw_vma_write(vma);
	return anons_agree(like, middle, vma);
}

static uint64_t pages_of(const struct pw_vma_like *like)
{
	return ((like->last - like->first) >> like->mm->machine->page_lg2) + 1;
}

static bool takes_from_below(const struct pw_vma_like *like, const struct pw_vma *middle,
			     struct pw_vma *before)
{
	return before && before->last + 1 == like->first &&
	       pw_vma_index(before, before->last) + 1 == like->offset &&
	       agrees(like, middle, before);
}

static bool takes_from_above(const struct pw_vma_like *like, const struct pw_vma *middle,
			     struct pw_vma *before, struct pw_vma *next)
{
	if (!next || like->last + 1 != next->first ||
	    next->offset != like->offset + pages_of(like) || !agrees(like, middle, next))
		return false;
	/* Both neighbours agree with the range; do they agree with each other? */
	return !before || !before->anon || !next->anon || before->anon_id == next->anon_id;
}

/* Flags that go with a range which @vma takes in. */
static void add_ignored(struct pw_vma *vma, uint32_t flags)
{
	flags = vma->flags | (flags & (uint32_t)PW_VM_STICKY);
	if (flags == vma->flags)
		return;
	pw_vma_write(vma);
	pw_vma_set_flags(vma, flags);
}

/* @vma, which may have no anon, gets that of @from, and enters its list; and flags that go with the range. */
static void share_anon(struct pw_vma *vma, const struct pw_vma *from)
{
	add_ignored(vma, from->flags);
	if (vma->anon || !from->anon)
		return;
	pw_vma_write(vma);
	/* A first fault in a neighbour looks at it, and has the lock of neither. Partner: donor_of. */
	if (!pw_mutant(PW_MUTANT_SHARE_UNLOCKED))
		pthread_mutex_lock(&vma->mm->tree_lock);
	pw_vma_take_anon(vma, from);
	if (!pw_mutant(PW_MUTANT_SHARE_UNLOCKED))
		pthread_mutex_unlock(&vma->mm->tree_lock);
	pw_anon_link(vma);
}

struct pw_vma *pw_vma_merge_new(struct pw_vma_like *like)
{
	struct pw_vma *next = pw_vma_at_or_above(like->mm, like->first), *before;

	before = next ? pw_vma_before(next) : pw_vma_last(like->mm);
	if (like->flags & PW_VM_SPECIAL_MASK)
		return NULL;
	if ((before && before == like->apart_from) || !takes_from_below(like, NULL, before))
		before = NULL;
	if ((next && next == like->apart_from) || !takes_from_above(like, NULL, before, next))
		next = NULL;
	/* mremap: the pages that will come know their place by this anon. */
	if (like->copied_from && (before || next))
		share_anon(before ? before : next, like->copied_from);
	if (before && next) {
		share_anon(before, next);
		add_ignored(before, like->flags);
		pw_vma_absorb(before, next);
		return before;
	}
	if (before || next)
		add_ignored(before ? before : next, like->flags);
	if (before)
		pw_vma_resize(before, before->first, like->last);
	else if (next)
		pw_vma_resize(next, like->first, next->last);
	return before ? before : next;
}

/* A neighbour takes the part in, or both take all of @vma. NULL: none does. */
static struct pw_vma *merge_part(struct pw_vma *vma, const struct pw_vma_like *like)
{
	bool all = like->first == vma->first && like->last == vma->last;
	struct pw_vma *before = NULL, *next = NULL;

	if (like->flags & PW_VM_SPECIAL_MASK)
		return NULL;
	if (like->first == vma->first && takes_from_below(like, vma, pw_vma_before(vma)))
		before = pw_vma_before(vma);
	if (like->last == vma->last && takes_from_above(like, vma, before, pw_vma_next(vma)))
		next = pw_vma_next(vma);
	if (before && next) {
		share_anon(before, vma);
		share_anon(before, next);
		pw_vma_absorb(before, vma);
		pw_vma_absorb(before, next);
		return before;
	}
	if (before) {
		share_anon(before, vma);
		if (all)
			pw_vma_absorb(before, vma);
		else
			pw_vma_move_border(before, vma, like->last + 1);
		return before;
	}
	if (next) {
		share_anon(next, vma);
		if (all)
			pw_vma_absorb(next, vma);
		else
			pw_vma_move_border(vma, next, like->first);
	}
	return next;
}

/* A leaf that lies across the border that the change makes becomes a table. Before any VMA changes. */
static int split_leaves(struct pw_vma *vma, pw_va first, pw_va last)
{
	int error = 0;

	if (vma->flags & PW_VM_HUGETLB)
		return 0;
	if (first > vma->first)
		error = pw_vma_split_leaf(vma, first);
	if (!error && last < vma->last)
		error = pw_vma_split_leaf(vma, last + 1);
	return error;
}

int pw_vma_modify(struct pw_vma *vma, pw_va first, pw_va last, uint32_t flags, pw_user_fn *user,
		  void *user_context, struct pw_vma **vma_ret)
{
	struct pw_vma_like like;
	struct pw_vma *merged;
	int error;

	/* First: until then, a fault may give it an anon. */
	pw_vma_write(vma);
	like = (struct pw_vma_like){
		.mm = vma->mm,
		.first = first,
		.last = last,
		.offset = pw_vma_index(vma, first),
		.flags = flags,
		.file = vma->file,
		.device = vma->device,
		.anon = vma->anon,
		.anon_id = vma->anon_id,
		.user = user,
		.user_context = user_context,
	};
	error = split_leaves(vma, first, last);
	if (error)
		return error;
	merged = merge_part(vma, &like);
	if (!merged && first > vma->first) {
		error = pw_vma_split(vma, first);
		if (error)
			return error;
		vma = pw_vma_next(vma);
	}
	if (!merged && last < vma->last) {
		error = pw_vma_split(vma, last + 1);
		if (error)
			return error;
	}
	*vma_ret = merged ? merged : vma;
	return 0;
}

struct pw_vma *pw_vma_merge(struct pw_vma *vma)
{
	struct pw_vma *merged;

	if (pw_vma_modify(vma, vma->first, vma->last, vma->flags, vma->user, vma->user_context,
			  &merged) != 0)
		return vma;
	return merged;
}
