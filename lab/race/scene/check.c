/* SPDX-License-Identifier: MIT */
/*
 * What must hold: a page that was pinned or found at an address is one that an operation of the scenario puts
 * there; nothing is given back that was not taken; and what the scenario says of the end.
 */
#include <inttypes.h>

#include "folio/folio.h"
#include "lab/race/scene/scene.h"
#include "space/edit.h"
#include "space/space.h"

unsigned scene_page_lg2(void)
{
	return world.format->shift[0];
}

uint64_t scene_pages(const struct scene_op *op)
{
	return op->pages ? op->pages : 1;
}

pw_va scene_last(const struct scene_op *op)
{
	return op->va + (scene_pages(op) << scene_page_lg2()) - 1;
}

/* ---- the right page ---- */

/* Page @index of the folio with @owner; owner 0: page @index of the memory, of no folio. */
struct page {
	uint64_t owner, index;
};

/* Which page does this operation put at @va, one of its addresses? */
static struct page page_of(const struct scene_op *op, pw_va va)
{
	const uint64_t offset = (va - op->va) >> scene_page_lg2();

	if (op->folio != SCENE_NONE)
		return (struct page){ world.scene->folio[op->folio].owner, op->from + offset };
	if (op->outside)
		return (struct page){ 0, (op->pa >> scene_page_lg2()) + offset };
	return (struct page){ 0, pw_arena_zero_page(world.arena) >> scene_page_lg2() };
}

/* Does the scenario put @page at @va? @copies: also by an entry that is a copy of another one. */
static bool may_be_at(pw_va va, struct page page, bool copies)
{
	const struct scene *scene = world.scene;

	for (unsigned i = 0; i < scene->ops; i++) {
		const struct scene_op *op = &scene->op[i];
		const pw_va offset = pw_mask(world.format->shift[op->level]);
		struct page put;

		if (op->kind != SCENE_MAP && op->kind != SCENE_POKE)
			continue;
		if (op->like) {
			if (copies && !((va ^ op->va) & ~offset) &&
			    may_be_at((op->like_va & ~offset) | (va & offset), page, false))
				return true;
			continue;
		}
		if (va < op->va || va > scene_last(op))
			continue;
		put = page_of(op, va);
		if (put.owner == page.owner && put.index == page.index)
			return true;
	}
	return false;
}

/* The same for a page that is of no folio, or the zero page. */
static bool bare_may_be_at(pw_va va, pw_pa pa)
{
	return may_be_at(va, (struct page){ 0, pa >> scene_page_lg2() }, true);
}

/* NULL: no folio of the scenario is of this owner. */
static const char *folio_name(uint64_t owner)
{
	for (unsigned i = 0; i < world.scene->folios; i++)
		if (world.scene->folio[i].owner == owner)
			return world.scene->folio[i].name;
	return NULL;
}

static void wrong_page(const struct scene_op *op, pw_va va, struct page page)
{
	const char *name = folio_name(page.owner);

	if (name)
		pw_lab_fail("line %u: a wrong page at 0x%" PRIx64 ": page %" PRIu64
			    " of folio %s, which was never mapped there",
			    op->line, va, page.index, name);
	else
		pw_lab_fail("line %u: a wrong page at 0x%" PRIx64
			    ": of somebody else, and never mapped there",
			    op->line, va);
}

void scene_check_held(const struct scene_op *op, pw_va va, pw_pa pa)
{
	struct pw_folio_info info;

	if (pa == pw_arena_zero_page(world.arena)) {
		if (!bare_may_be_at(va, pa))
			pw_lab_fail("line %u: the zero page at 0x%" PRIx64
				    ", which was never mapped there",
				    op->line, va);
		return;
	}
	if (!pw_folio_info(world.arena, pa, &info))
		pw_lab_fail("line %u: the page that is pinned at 0x%" PRIx64 " is free", op->line,
			    va);
	if (!may_be_at(va, (struct page){ info.owner, info.index }, true))
		wrong_page(op, va, (struct page){ info.owner, info.index });
}

/* The folio of the setup that has the page at @pa, or SCENE_NONE. */
static int folio_of_setup(pw_pa pa)
{
	for (unsigned i = 0; i < world.scene->folios; i++) {
		const struct scene_folio *folio = &world.scene->folio[i];

		if (folio->thread == SCENE_SETUP && world.folio[i] != ~UINT64_C(0) &&
		    (pa - world.folio[i]) >> scene_page_lg2() < UINT64_C(1) << folio->order)
			return (int)i;
	}
	return SCENE_NONE;
}

static bool threads_allocate(void)
{
	for (unsigned i = 0; i < world.scene->folios; i++)
		if (world.scene->folio[i].thread != SCENE_SETUP)
			return true;
	return false;
}

/*
 * Nobody holds the page, so it may be free, or another's by now. But it is where the setup has put a folio that is
 * mapped here, or where a thread may have put one.
 */
void scene_check_seen(const struct scene_op *op, pw_va va, pw_pa pa)
{
	const int folio = folio_of_setup(pa);

	if (bare_may_be_at(va, pa))
		return;
	if (folio != SCENE_NONE) {
		const struct page page = { world.scene->folio[folio].owner,
					   (pa - world.folio[folio]) >> scene_page_lg2() };

		if (!may_be_at(va, page, true) && !threads_allocate())
			wrong_page(op, va, page);
		return;
	}
	if (!pw_arena_has(world.arena, pa) || !threads_allocate())
		pw_lab_fail("line %u: a wrong page at 0x%" PRIx64 ": that at 0x%" PRIx64
			    ", which was never mapped there",
			    op->line, va, pa);
}

void scene_check_taken(const struct scene_op *op, pw_pa pa)
{
	struct pw_folio_info info;

	/*
	 * It may be another one by now, for its taker has to look again, even a new one whose owner is not known
	 * yet; but never one that nobody has. Free frames have other things where folios have their owner.
	 */
	if (!pw_folio_info(world.arena, pa, &info) || info.owner > world.scene->folios)
		pw_lab_fail("line %u: a folio was taken that nobody has", op->line);
}

/* ---- the end ---- */

static void check_folio(const struct scene_final *final)
{
	const char *name = world.scene->folio[final->folio].name;
	const pw_pa pa = world.folio[final->folio] + (final->page << scene_page_lg2());
	struct pw_folio_info info = { 0 };
	bool there = world.folio[final->folio] != ~UINT64_C(0) &&
		     pw_folio_info(world.arena, pa, &info);

	if (final->kind == SCENE_FINAL_FREE) {
		if (there)
			pw_lab_fail("line %u: at the end, page %" PRIu64
				    " of %s is not free: it has %u references",
				    final->line, final->page, name, info.references);
		return;
	}
	if (!there)
		pw_lab_fail("line %u: at the end, page %" PRIu64 " of %s is free", final->line,
			    final->page, name);
	else if (final->kind == SCENE_FINAL_DIRTY && !info.dirty)
		pw_lab_fail("line %u: at the end, page %" PRIu64 " of %s is not dirty", final->line,
			    final->page, name);
	else if (final->kind == SCENE_FINAL_REFERENCES && info.references != final->value)
		pw_lab_fail("line %u: at the end, page %" PRIu64
			    " of %s has %u references, not %" PRIu64,
			    final->line, final->page, name, info.references, final->value);
}

/* What is mapped at @va, by the tables alone. False if nothing is; *pages_ret is the size of the leaf. */
static bool mapped_at(pw_va va, pw_pa *pa_ret, uint64_t *pages_ret)
{
	const struct pw_format *f = world.format;
	const struct pw_regime *r = pw_space_now(world.space);

	for (unsigned level = r->span[0].top;; level--) {
		const unsigned char *entry = scene_entry(va, level);
		const uint64_t e = pw_edit_load(f, entry);
		unsigned lg2;

		if (f->kind(f, r, level, e) == PW_TABLE)
			continue;
		if (f->kind(f, r, level, e) != PW_LEAF)
			return false;
		lg2 = pw_leaf_lg2(f, r, level, f->shift[level], e);
		*pa_ret = pw_leaf_page(f, r, level, lg2, e) | (va & pw_mask(lg2));
		*pages_ret = UINT64_C(1) << (lg2 - scene_page_lg2());
		return true;
	}
}

static void check_address(const struct scene_final *final)
{
	const pw_va page = pw_mask(scene_page_lg2());
	pw_pa pa = 0, wanted = pw_arena_zero_page(world.arena);
	uint64_t pages = 0;
	bool there = mapped_at(final->va, &pa, &pages);

	if (final->kind == SCENE_FINAL_MAPS)
		wanted = world.folio[final->folio] + (final->page << scene_page_lg2());
	if (final->kind == SCENE_FINAL_NONE) {
		if (there)
			pw_lab_fail("line %u: at the end, 0x%" PRIx64 " is mapped", final->line,
				    final->va);
	} else if (!there) {
		pw_lab_fail("line %u: at the end, nothing is mapped at 0x%" PRIx64, final->line,
			    final->va);
	} else if ((pa & ~page) != wanted) {
		pw_lab_fail("line %u: at the end, a wrong page is mapped at 0x%" PRIx64,
			    final->line, final->va);
	} else if (final->size && pages != final->size) {
		pw_lab_fail("line %u: at the end, the page at 0x%" PRIx64 " is one of %" PRIu64
			    ", not of %" PRIu64,
			    final->line, final->va, pages, final->size);
	}
}

/* Takes given back that nobody had: as many as the scenario says, none where it says nothing. */
static void check_faults(void)
{
	const struct scene *scene = world.scene;
	struct pw_arena_faults faults;
	uint64_t wanted = 0;

	for (unsigned i = 0; i < scene->finals; i++)
		if (scene->final[i].kind == SCENE_FINAL_FAULTS)
			wanted = scene->final[i].value;
	pw_arena_faults(world.arena, &faults);
	if (faults.underflows != wanted)
		pw_lab_fail("references were given back that nobody had: %" PRIu64
			    " times, not %" PRIu64,
			    faults.underflows, wanted);
}

static void check_final(const struct scene_final *final)
{
	switch (final->kind) {
	case SCENE_FINAL_MAPS:
	case SCENE_FINAL_ZERO:
	case SCENE_FINAL_NONE:
		check_address(final);
		break;
	case SCENE_FINAL_FRAMES:
		if (world.arena->free_frames != final->value)
			pw_lab_fail("line %u: at the end, %u frames are free, not %" PRIu64,
				    final->line, world.arena->free_frames, final->value);
		break;
	case SCENE_FINAL_FAULTS:
		break;
	case SCENE_FINAL_IN:
	case SCENE_FINAL_KEPT:
	case SCENE_FINAL_PINNED_AT:
	case SCENE_FINAL_PINNED_HOLDS:
		scene_check_mm_final(final);
		break;
	default:
		check_folio(final);
		break;
	}
}

void scene_check(void)
{
	const struct scene *scene = world.scene;

	for (unsigned i = 0; i < scene->nevers; i++) {
		const int *flag = scene->never[i].flag;

		if (world.flag[flag[0]] && world.flag[flag[1]])
			pw_lab_fail("both '%s' and '%s' came true", scene->flag[flag[0]],
				    scene->flag[flag[1]]);
	}
	for (unsigned i = 0; i < scene->finals; i++)
		check_final(&scene->final[i]);
	if (scene->mms > 0)
		scene_audit();
	check_faults();
}
