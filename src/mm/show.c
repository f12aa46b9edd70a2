/* SPDX-License-Identifier: MIT */
/* What an address space looks like: its VMAs, as /proc/PID/maps and pagemap have them, and mincore. */
#include <errno.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "format/format.h"
#include "mm/file/file.h"
#include "mm/huge/huge.h"
#include "mm/marks.h"
#include "mm/rmap/rmap.h"
#include "mm/soft.h"
#include "mm/swap/swap.h"
#include "mm/vma/vma.h"

/* ---- VMAs ---- */

static void fill(const struct pw_vma *vma, struct pw_vma_info *info)
{
	const uint32_t flags = vma->flags;

	*info = (struct pw_vma_info){
		.first = vma->first,
		.last = vma->last,
		.prot = (flags & PW_VM_READ ? PROT_READ : 0) |
			(flags & PW_VM_WRITE ? PROT_WRITE : 0) |
			(flags & PW_VM_EXEC ? PROT_EXEC : 0),
		.shared = flags & PW_VM_MAYSHARE,
		.locked = flags & PW_VM_LOCKED,
		.io = flags & PW_VM_IO,
		.grows_down = flags & PW_VM_GROWSDOWN,
		.huge = flags & PW_VM_HUGEPAGE,
		.no_huge = flags & PW_VM_NOHUGEPAGE,
		.dont_fork = flags & PW_VM_DONTCOPY,
		.wipe_on_fork = flags & PW_VM_WIPEONFORK,
		.no_reserve = flags & PW_VM_NORESERVE,
		.hugetlb = flags & PW_VM_HUGETLB,
		.secret = flags & PW_VM_SECRET,
		.offset = vma->file || vma->device ? vma->offset << vma->mm->machine->page_lg2 : 0,
		.file = vma->file,
	};
}

int pw_mm_vmas(struct pw_mm *mm, int (*each)(void *context, const struct pw_vma_info *vma),
	       void *context)
{
	const struct pw_vma *vma;
	struct pw_vma_info info;
	pw_va va = 0;
	int result;

	if (!mm || !each)
		return -EINVAL;
	for (;;) {
		pw_mm_read_lock(mm);
		vma = pw_vma_at_or_above(mm, va);
		if (vma)
			fill(vma, &info);
		pw_mm_read_unlock(mm);
		if (!vma)
			return 0;
		/* No lock is held: it may call everything. */
		result = each(context, &info);
		if (result || info.last == mm->user_last)
			return result;
		va = info.last + 1;
	}
}

/* ---- /proc/PID/maps ---- */

/* Where a file is, as maps shows it. Shared memory is on the first device without a name. */
static void place_of(const struct pw_file *file, unsigned *major_ret, unsigned *minor_ret,
		     uint64_t *inode_ret)
{
	struct stat status;

	*major_ret = 0;
	*minor_ret = 1;
	*inode_ret = 0;
	if (file->fd < 0 || fstat(file->fd, &status) != 0)
		return;
	*major_ret = major(status.st_dev);
	*minor_ret = minor(status.st_dev);
	*inode_ret = status.st_ino;
}

/* A line is a line: only its end is written in another way. */
static void print_name(FILE *out, const char *name)
{
	for (; *name; name++)
		if (*name == '\n')
			fputs("\\012", out);
		else
			fputc(*name, out);
}

static void print_line(FILE *out, const struct pw_vma *vma)
{
	enum { NAME_COLUMN = 73 };
	const uint32_t flags = vma->flags;
	const struct pw_file *file = vma->file;
	unsigned dev_major = 0, dev_minor = 0;
	uint64_t inode = 0;
	int width;

	if (file)
		place_of(file, &dev_major, &dev_minor, &inode);
	width = fprintf(out,
			"%08" PRIx64 "-%08" PRIx64 " %c%c%c%c %08" PRIx64 " %02x:%02x %" PRIu64 " ",
			vma->first, vma->last + 1, flags & PW_VM_READ ? 'r' : '-',
			flags & PW_VM_WRITE ? 'w' : '-', flags & PW_VM_EXEC ? 'x' : '-',
			flags & PW_VM_MAYSHARE ? 's' : 'p',
			file || vma->device ? vma->offset << vma->mm->machine->page_lg2 : 0,
			dev_major, dev_minor, inode);
	if (file && file->name[0]) {
		for (; width < NAME_COLUMN; width++)
			fputc(' ', out);
		print_name(out, file->name);
	}
	fputc('\n', out);
}

void pw_mm_maps(struct pw_mm *mm, FILE *out)
{
	struct pw_vma *vma;

	pw_mm_read_lock(mm);
	for (vma = pw_vma_at_or_above(mm, 0); vma; vma = pw_vma_next(vma))
		print_line(out, vma);
	pw_mm_read_unlock(mm);
}

/* ---- /proc/PID/pagemap ---- */

static const uint64_t MAP_SOFT_DIRTY = UINT64_C(1) << 55, MAP_EXCLUSIVE = UINT64_C(1) << 56,
		      MAP_GUARD = UINT64_C(1) << 58, MAP_FILE_PAGE = UINT64_C(1) << 61,
		      MAP_SWAPPED = UINT64_C(1) << 62, MAP_PRESENT = UINT64_C(1) << 63;

/* Is this page of a large folio mapped once? If others work on the folio, @rough is the answer. */
static bool is_mapped_once(struct pw_machine *machine, uint32_t frame, bool rough)
{
	bool once = rough;

	if (!pw_folio_try_get(machine->arena, frame, 1))
		return rough;
	if (pw_folio_trylock(machine, frame)) {
		once = pw_rmap_mapped_once(machine, frame);
		pw_folio_unlock(machine, frame);
		/* As in pw_fault_swap. */
		pw_swap_tidy(machine, frame);
	}
	pw_page_put(machine, frame, 1);
	return once;
}

/* What the folio of a page says. Only a page that is mapped here may be exclusive. */
static uint64_t folio_bits(struct pw_machine *machine, uint32_t frame, bool present)
{
	uint64_t link = pw_frame_link(machine->arena, frame);
	uint32_t head = pw_link_head(link), pages = pw_link_pages(link);
	uint32_t mapped = __atomic_load_n(&pw_page_of(machine, head)->mapped, __ATOMIC_RELAXED);
	uint64_t word = 0;
	bool once = mapped <= pages;

	if (pw_head_kind(machine->arena, head) != PW_FOLIO_ANONYMOUS)
		word |= MAP_FILE_PAGE;
	if (present && pages > 1)
		once = is_mapped_once(machine, frame, once);
	return present && once ? word | MAP_EXCLUSIVE : word;
}

static uint64_t soft_word(const struct pw_mm *mm, const struct pw_slot *slot)
{
	const struct pw_soft *soft = &slot->soft;
	uint64_t word = MAP_SWAPPED | soft->type | soft->offset << 5;

	if (pw_slot_is_soft(mm->space, slot, PW_SOFT_MIGRATION))
		word |= folio_bits(mm->machine, (uint32_t)soft->offset, false);
	if (pw_slot_is_marker(mm->space, slot, PW_MARKER_GUARD))
		word |= MAP_GUARD;
	return word;
}

static uint64_t word_of(struct pw_mm *mm, pw_va va)
{
	struct pw_machine *machine = mm->machine;
	struct pw_slot slot;
	uint64_t word;
	pw_pa pa;

	pw_table_peek(mm, va, &slot);
	if (slot.kind == PW_SLOT_SOFT)
		return soft_word(mm, &slot);
	if (slot.kind != PW_SLOT_PAGE && slot.kind != PW_SLOT_PROT_NONE)
		return 0;
	pa = slot.pa + (va & pw_mask(machine->format->shift[slot.level]));
	word = MAP_PRESENT | pa >> machine->page_lg2;
	if (pw_entry_is_counted(mm, &slot))
		word |= folio_bits(machine, pw_arena_frame(machine->arena, pa), true);
	else if (slot.level > 0 && pw_arena_has(machine->arena, pa) &&
		 pw_huge_is_zero(machine, pw_arena_frame(machine->arena, pa)))
		word |= MAP_FILE_PAGE;
	return word;
}

/* Where nothing is, and in hugetlb, the VMA alone can be soft-dirty. */
static bool is_dirty(const struct pw_vma *vma, pw_va va, uint64_t word)
{
	if (vma->flags & PW_VM_HUGETLB)
		return vma->flags & PW_VM_SOFTDIRTY;
	return vma->flags & PW_VM_SOFTDIRTY || (word && pw_is_soft_dirty(vma, va));
}

int pw_mm_pagemap(struct pw_mm *mm, pw_va va, size_t count, uint64_t *word_ret)
{
	struct pw_vma *vma = NULL;
	bool known;
	uint64_t page;

	if (!mm || (!word_ret && count > 0))
		return -EINVAL;
	page = pw_page_bytes(mm->machine);
	if (va & (page - 1))
		return -EINVAL;
	known = pw_soft_dirty_known(mm->machine);
	pw_mm_read_lock(mm);
	for (size_t i = 0; i < count; i++, va += page) {
		word_ret[i] = va <= mm->user_last ? word_of(mm, va) : 0;
		if (!known)
			continue;
		if (!vma || va > vma->last)
			vma = pw_vma_at_or_above(mm, va);
		if (vma && va >= vma->first && is_dirty(vma, va, word_ret[i]))
			word_ret[i] |= MAP_SOFT_DIRTY;
	}
	pw_mm_read_unlock(mm);
	return 0;
}

/* ---- mincore ---- */

/* Would a fault at @va wait for nothing? The entry says it, or the file's cache. */
static bool is_present(struct pw_vma *vma, pw_va va)
{
	struct pw_mm *mm = vma->mm;
	struct pw_slot slot;

	pw_table_peek(mm, va, &slot);
	switch (slot.kind) {
	case PW_SLOT_PAGE:
	case PW_SLOT_PROT_NONE:
		return true;
	case PW_SLOT_SOFT:
		if (pw_slot_is_soft(mm->space, &slot, PW_SOFT_SWAP))
			return pw_swap_is_cached(mm->machine, (uint32_t)slot.soft.offset);
		if (!pw_slot_is_soft(mm->space, &slot, PW_SOFT_MARKER))
			return true;
		break;
	default:
		break;
	}
	if (vma->flags & PW_VM_HUGETLB || !vma->file)
		return false;
	return pw_cache_has(vma->file, pw_vma_index(vma, va));
}

int pw_mincore(struct pw_mm *mm, pw_va va, uint64_t bytes, unsigned char *present_ret)
{
	struct pw_vma *vma = NULL;
	uint64_t page;
	int error = 0;

	if (!mm || (!present_ret && bytes > 0))
		return -EINVAL;
	page = pw_page_bytes(mm->machine);
	if (va & (page - 1))
		return -EINVAL;
	if (bytes == 0)
		return va > 0 && va - 1 > mm->user_last ? -ENOMEM : 0;
	if (!pw_mm_holds(mm, va, bytes))
		return -ENOMEM;
	bytes = pw_pages_up(mm->machine, bytes);
	pw_mm_read_lock(mm);
	for (uint64_t done = 0; done < bytes; done += page, va += page, present_ret++) {
		if (!vma || va > vma->last)
			vma = pw_vma_find(mm, va);
		if (!vma) {
			error = -ENOMEM;
			break;
		}
		*present_ret = vma->device || is_present(vma, va);
	}
	pw_mm_read_unlock(mm);
	return error;
}
