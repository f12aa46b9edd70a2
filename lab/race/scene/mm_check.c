/* SPDX-License-Identifier: MIT */
/* What must hold of address spaces at the end: what they see, and that all that is counted is in use. */
#include <inttypes.h>

#include "lab/race/race.h"
#include "lab/race/scene/scene.h"
#include "mm/file/file.h"
#include "mm/marks.h"
#include "mm/soft.h"
#include "mm/swap/swap.h"

enum { FRAMES = 1 << 14, SLOTS = 64 };

/* ---- what an address space sees ---- */

static bool may_hold(const struct scene_final *final, uint32_t value)
{
	for (unsigned i = 0; i < final->seen; i++)
		if (final->sees[i] == value)
			return true;
	return false;
}

/* The content of a page that may be swapped out. False: nothing is there. */
static bool content_at(const struct pw_mm *mm, pw_va va, uint32_t *value_ret)
{
	const struct pw_swap *swap = world.machine->swap;
	struct pw_slot slot;
	uint32_t number;

	scene_slot(mm, va, &slot);
	if (slot.kind == PW_SLOT_PAGE || slot.kind == PW_SLOT_PROT_NONE) {
		slot.pa += va & pw_mask(world.format->shift[slot.level]) &
			   ~pw_mask(scene_page_lg2());
		*value_ret = pw_arena_has(world.arena, slot.pa) ? *scene_content(slot.pa) : 0;
		return true;
	}
	if (!pw_slot_is_soft(mm->space, &slot, PW_SOFT_SWAP))
		return false;
	number = (uint32_t)slot.soft.offset;
	if (swap->cached[number])
		*value_ret = *scene_content(pw_arena_pa(world.arena, swap->cached[number] - 1));
	else
		*value_ret = *(const uint32_t *)scene_swap_slot(number);
	return true;
}

static void check_in(const struct scene_final *final)
{
	const char *name = world.scene->mm[final->mm].name;
	const struct pw_mm *mm = world.mm[final->mm];
	uint32_t value;

	if (!mm || (final->flag != SCENE_NONE && !world.flag[final->flag]))
		return;
	if (!content_at(mm, final->va, &value)) {
		if (final->seen > 0)
			pw_lab_fail("line %u: at the end, nothing is at 0x%" PRIx64 " of %s",
				    final->line, final->va, name);
	} else if (final->seen == 0) {
		pw_lab_fail("line %u: at the end, a page is at 0x%" PRIx64 " of %s", final->line,
			    final->va, name);
	} else if (!may_hold(final, value)) {
		pw_lab_fail("line %u: at the end, the page at 0x%" PRIx64 " of %s holds %" PRIu32
			    ", which it cannot",
			    final->line, final->va, name, value);
	}
}

/* A page that need not be kept says so, until it is written to. */
static void check_kept(const struct scene_final *final)
{
	const struct pw_mm *mm = world.mm[final->mm];
	struct pw_slot slot;
	uint32_t frame;

	if (!mm || (final->flag != SCENE_NONE && !world.flag[final->flag]))
		return;
	scene_slot(mm, final->va, &slot);
	if (slot.kind != PW_SLOT_PAGE || slot.attr & PW_DIRTY ||
	    !pw_arena_has(world.arena, slot.pa))
		return;
	frame = pw_folio_head(world.arena, pw_arena_frame(world.arena, slot.pa));
	if (pw_page_of(world.machine, frame)->flags & PW_PAGE_LAZY &&
	    !pw_page_is_dirty(world.machine, frame))
		pw_lab_fail("line %u: at the end, the page at 0x%" PRIx64 " of %s may be dropped, "
			    "and it was written to",
			    final->line, final->va, world.scene->mm[final->mm].name);
}

/* ---- pins that are held ---- */

static bool held_page(const struct scene_final *final, pw_pa *pa_ret)
{
	for (unsigned i = 0; i < world.scene->ops; i++)
		if (world.scene->op[i].flag == final->flag && world.holds[i] > 0) {
			*pa_ret = world.held[i][0];
			return true;
		}
	return false;
}

static void check_pinned(const struct scene_final *final)
{
	const char *name = world.scene->flag[final->flag];
	struct pw_slot slot;
	pw_pa pa;

	if (!held_page(final, &pa))
		return;
	if (final->kind == SCENE_FINAL_PINNED_HOLDS) {
		if (!may_hold(final, *scene_content(pa)))
			pw_lab_fail("line %u: at the end, the page that %s holds has %" PRIu32
				    " in it, which it cannot",
				    final->line, name, *scene_content(pa));
		return;
	}
	if (!world.mm[final->mm])
		return;
	scene_slot(world.mm[final->mm], final->va, &slot);
	slot.pa += final->va & pw_mask(world.format->shift[slot.level]) &
		   ~pw_mask(scene_page_lg2());
	if ((slot.kind != PW_SLOT_PAGE && slot.kind != PW_SLOT_PROT_NONE) || slot.pa != pa)
		pw_lab_fail(
			"line %u: at the end, the page that %s holds is not the one that %s has at "
			"0x%" PRIx64,
			final->line, name, world.scene->mm[final->mm].name, final->va);
}

void scene_check_mm_final(const struct scene_final *final)
{
	if (final->kind == SCENE_FINAL_KEPT)
		check_kept(final);
	else if (final->kind == SCENE_FINAL_IN)
		check_in(final);
	else
		check_pinned(final);
}

/* ---- walks ---- */

/* The page may be free by now, or another's. But it is the one that was there before the threads began, or is now. */
static void check_walks(void)
{
	for (unsigned i = 0; i < world.scene->ops; i++) {
		const struct scene_op *op = &world.scene->op[i];

		if (op->kind != SCENE_WALK || world.walked[i] == ~UINT64_C(0) ||
		    world.walked[i] == world.before[i] ||
		    world.walked[i] == scene_page_at(world.mm[op->mm], op->va))
			continue;
		pw_lab_fail("line %u: the walk found page 0x%" PRIx64 ", which %s never had at "
			    "0x%" PRIx64,
			    op->line, world.walked[i], world.scene->mm[op->mm].name, op->va);
	}
}

/* ---- counts ---- */

static struct {
	uint32_t references[FRAMES], mapped[FRAMES]; /* of heads */
	uint32_t slot[SLOTS];
} wanted;

static void count_entry(const struct pw_vma *vma, pw_va va)
{
	const struct pw_mm *mm = vma->mm;
	struct pw_slot slot;
	uint32_t head;

	scene_slot(mm, va, &slot);
	if (slot.kind == PW_SLOT_PAGE && slot.attr & PW_WRITE && !(vma->flags & PW_VM_WRITE))
		pw_lab_fail("at the end, the entry at 0x%" PRIx64
			    " permits writes, and its mapping does not",
			    va);
	if (slot.kind == PW_SLOT_PAGE && slot.attr & PW_WRITE && pw_is_watched(vma, va))
		pw_lab_fail("at the end, the entry at 0x%" PRIx64
			    " permits writes, and a handler protects the page",
			    va);
	if (pw_slot_is_soft(mm->space, &slot, PW_SOFT_SWAP)) {
		if (slot.soft.offset < SLOTS)
			wanted.slot[slot.soft.offset]++;
		return;
	}
	if (pw_slot_is_soft(mm->space, &slot, PW_SOFT_MIGRATION))
		pw_lab_fail("at the end, a migration entry is left at 0x%" PRIx64, va);
	if (!pw_entry_is_counted(mm, &slot))
		return;
	head = pw_folio_head(world.arena, pw_arena_frame(world.arena, slot.pa));
	wanted.references[head]++;
	wanted.mapped[head]++;
}

static void count_mm(struct pw_mm *mm)
{
	const pw_va page = (pw_va)1 << scene_page_lg2();

	for (struct pw_vma *vma = pw_vma_at_or_above(mm, 0); vma; vma = pw_vma_next(vma))
		for (pw_va va = vma->first; va <= vma->last && va >= vma->first; va += page)
			count_entry(vma, va);
}

static void count_cached(struct pw_file *file, uint64_t index)
{
	uint32_t value;

	switch (pw_cache_find(file, index, &value)) {
	case PW_CACHED_PAGE:
		wanted.references[pw_folio_head(world.arena, value)]++;
		pw_page_put(world.machine, value, 1);
		break;
	case PW_CACHED_SWAP:
		if (value < SLOTS)
			wanted.slot[value]++;
		break;
	case PW_CACHED_NOTHING:
		break;
	}
}

static void count_files(void)
{
	for (unsigned i = 0; i < world.scene->files; i++)
		for (uint64_t page = 0; world.file[i] && page < world.scene->file[i].pages; page++)
			count_cached(world.file[i], page);
}

static void count_swap(void)
{
	const struct pw_swap *swap = world.machine->swap;

	for (uint32_t slot = 1; swap && slot < swap->slots && slot < SLOTS; slot++)
		if (swap->cached[slot])
			wanted.references[swap->cached[slot] - 1]++;
}

static void count_pins(void)
{
	for (unsigned i = 0; i < world.scene->ops; i++)
		for (unsigned page = 0; page < world.holds[i]; page++) {
			uint32_t frame = pw_arena_frame(world.arena, world.held[i][page]);
			uint32_t head = pw_folio_head(world.arena, frame);
			bool small = pw_link_order(pw_frame_link(world.arena, head)) == 0;
			bool pin = !(world.scene->op[i].flags & PW_PIN_GET);

			if (world.held[i][page] != pw_arena_zero_page(world.arena))
				wanted.references[head] += pin && small ? 1024 : 1;
		}
}

static void check_frames(void)
{
	for (uint32_t frame = 0; frame < world.arena->frames && frame < FRAMES; frame++) {
		const pw_pa pa = pw_arena_pa(world.arena, frame);
		struct pw_folio_info info;
		uint32_t mapped;

		if (pa == pw_arena_zero_page(world.arena))
			continue;
		if (!pw_folio_info(world.arena, pa, &info)) {
			if (wanted.references[frame] > 0)
				pw_lab_fail("at the end, page %" PRIu32 " is free, and %" PRIu32
					    " references of it are in use",
					    frame, wanted.references[frame]);
			continue;
		}
		if (info.pa != pa || frame + 1 == world.machine->huge_zero)
			continue;
		/* Memory of tables has a count of its own. */
		if (info.kind == PW_FOLIO_NONE &&
		    scene_tables_in(pa, pw_page_bytes(world.machine) << info.order))
			continue;
		if (info.references != wanted.references[frame])
			pw_lab_fail("at the end, page %" PRIu32 " has %" PRIu32
				    " references, and %" PRIu32 " are in use",
				    frame, info.references, wanted.references[frame]);
		mapped = pw_page_of(world.machine, frame)->mapped;
		if (mapped != wanted.mapped[frame])
			pw_lab_fail("at the end, page %" PRIu32 " counts %" PRIu32
				    " entries, and there are %" PRIu32,
				    frame, mapped, wanted.mapped[frame]);
		if (pw_page_of(world.machine, frame)->flags & PW_PAGE_LOCKED)
			pw_lab_fail("at the end, page %" PRIu32 " is locked", frame);
	}
}

static void check_slots(void)
{
	const struct pw_swap *swap = world.machine->swap;

	for (uint32_t slot = 1; swap && slot < swap->slots && slot < SLOTS; slot++)
		if (swap->count[slot] != wanted.slot[slot])
			pw_lab_fail("at the end, swap slot %" PRIu32 " counts %" PRIu32
				    " entries, and there are %" PRIu32,
				    slot, swap->count[slot], wanted.slot[slot]);
	for (uint32_t slot = 1; swap && slot < swap->slots && slot < SLOTS; slot++)
		if (swap->cached[slot] && swap->count[slot] == 0 &&
		    wanted.mapped[swap->cached[slot] - 1] == 0)
			pw_lab_fail("at the end, page %" PRIu32
				    " is in the swap cache, and nobody needs it there",
				    swap->cached[slot] - 1);
}

void scene_audit(void)
{
	check_walks();
	for (uint32_t i = 0; i < FRAMES && i < world.arena->frames; i++)
		wanted.references[i] = wanted.mapped[i] = 0;
	for (uint32_t i = 0; i < SLOTS; i++)
		wanted.slot[i] = 0;
	for (struct pw_mm *mm = world.machine->mms; mm; mm = mm->next)
		count_mm(mm);
	count_files();
	count_swap();
	count_pins();
	check_frames();
	check_slots();
}
