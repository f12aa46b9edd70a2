/* SPDX-License-Identifier: MIT */
/*
 * The operations of scenarios, by the public functions of space.h and pin.h, and what must hold after each: a page
 * that was pinned or found at an address is one that a map operation of the scenario puts there.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab/race/scene/scene.h"
#include "lab/race/wrap.h"
#include "space/edit.h"
#include "space/space.h"

enum { PAGES = 64 }; /* the most that an operation pins */

static unsigned page_lg2(void)
{
	return world.format->shift[0];
}

static uint64_t pages_of(const struct scene_op *op)
{
	return op->pages ? op->pages : 1;
}

static pw_va last_of(const struct scene_op *op)
{
	return op->va + (pages_of(op) << page_lg2()) - 1;
}

static void set(const struct scene_op *op, bool value)
{
	if (op->flag != SCENE_NONE)
		world.flag[op->flag] = value;
}

/* The library refused something that should work. */
static void refused(const struct scene_op *op, int code, const struct pw_error *error)
{
	if (code == 0)
		return;
	if (race_running())
		pw_lab_fail("line %u: %s", op->line, error->text);
	fprintf(stderr, "%s:%u: %s\n", world.scene->path, op->line, error->text);
	exit(3);
}

/* ---- the right page ---- */

/* Does the scenario map page @index of the folio with @owner at @va? */
static bool may_be_at(pw_va va, uint64_t owner, uint64_t index)
{
	const struct scene *scene = world.scene;

	for (unsigned i = 0; i < scene->ops; i++) {
		const struct scene_op *op = &scene->op[i];

		if (op->kind != SCENE_MAP && op->kind != SCENE_POKE)
			continue;
		if (op->folio == SCENE_NONE || va < op->va || va > last_of(op))
			continue;
		if (scene->folio[op->folio].owner == owner &&
		    index == op->from + ((va - op->va) >> page_lg2()))
			return true;
	}
	return false;
}

static const char *folio_name(uint64_t owner)
{
	for (unsigned i = 0; i < world.scene->folios; i++)
		if (world.scene->folio[i].owner == owner)
			return world.scene->folio[i].name;
	return "nobody";
}

/* A page was found at @va, and is held: it must still be there, and the right one. */
static void check_page(const struct scene_op *op, pw_va va, pw_pa pa)
{
	struct pw_folio_info info;

	if (pa == pw_arena_zero_page(world.arena))
		return;
	if (!pw_folio_info(world.arena, pa, &info))
		pw_lab_fail("line %u: the page that is pinned at 0x%" PRIx64 " is free", op->line,
			    va);
	if (!may_be_at(va, info.owner, info.index))
		pw_lab_fail("line %u: a wrong page is pinned at 0x%" PRIx64
			    ": page %u of folio %s, which was never mapped there",
			    op->line, va, info.index, folio_name(info.owner));
}

static void pin(const struct scene_op *op)
{
	struct pw_reader *reader = world.reader[op->thread];
	pw_pa page[PAGES];
	enum pw_stop why;
	long count = op->flags & PW_PIN_GET
			     ? pw_get_fast(reader, op->va, pages_of(op), op->flags, page, &why)
			     : pw_pin_fast(reader, op->va, pages_of(op), op->flags, page, &why);

	if (count < 0)
		pw_lab_fail("line %u: the pin was refused", op->line);
	for (long i = 0; i < count; i++)
		check_page(op, op->va + ((pw_va)i << page_lg2()), page[i]);
	if (op->hold)
		set(op, (uint64_t)count == pages_of(op));
	else
		pw_unpin_pages(reader, page, (size_t)count, op->flags, false);
}

static void read_page(const struct scene_op *op)
{
	struct pw_result result;

	if (pw_space_translate(world.reader[op->thread], op->va, &result) != PW_OK)
		return;
	set(op, true);
}

/* ---- folios ---- */

static void allocate(const struct scene_op *op)
{
	const struct scene_folio *folio = &world.scene->folio[op->folio];
	pw_pa pa;
	int code = pw_folio_alloc(world.arena, op->order, op->folio_kind, folio->owner, 0, &pa);

	if (code == 0) {
		world.folio[op->folio] = pa;
		set(op, true);
	} else if (!race_running()) {
		fprintf(stderr,
			"%s:%u: there is no memory for this folio: give the scenario more frames\n",
			world.scene->path, op->line);
		exit(3);
	}
}

/* The folio that an operation names; false if its allocation has failed in this run. */
static bool folio_of(const struct scene_op *op, pw_pa *pa_ret)
{
	*pa_ret = world.folio[op->folio];
	if (*pa_ret == ~UINT64_C(0))
		return false;
	*pa_ret += op->from << page_lg2();
	return true;
}

static bool unpinned(pw_pa pa)
{
	struct pw_folio_info info;

	return pw_folio_info(world.arena, pa, &info) && !info.maybe_pinned;
}

/* Takes references. A folio that was taken is there. */
static void take(const struct scene_op *op, pw_pa pa)
{
	struct pw_folio_info info;
	bool taken = pw_folio_get(world.arena, pa, op->references);

	set(op, taken);
	/* It may be another one by now, for its taker has to look again; but never one that nobody has. */
	if (taken && (!pw_folio_info(world.arena, pa, &info) || info.owner == 0))
		pw_lab_fail("line %u: a folio was taken that nobody has", op->line);
}

static void of_folio(const struct scene_op *op)
{
	pw_pa pa;

	if (!folio_of(op, &pa))
		return;
	switch (op->kind) {
	case SCENE_PUT:
		pw_folio_put(world.arena, pa, op->references);
		break;
	case SCENE_GET:
		take(op, pa);
		break;
	case SCENE_BREAK:
		set(op, pw_folio_split(world.arena, pa, op->references));
		break;
	case SCENE_SHARE:
		set(op, pw_folio_try_share(world.arena, pa));
		break;
	case SCENE_OWN:
		pw_folio_own(world.arena, pa);
		break;
	case SCENE_TRUNCATE:
		pw_folio_truncate(world.arena, pa);
		break;
	case SCENE_DIRTY:
		pw_folio_dirty(world.arena, pa);
		break;
	default:
		set(op, unpinned(pa));
		break;
	}
}

/* ---- tables ---- */

static void map(const struct scene_op *op)
{
	struct pw_error error;
	pw_pa pa = pw_arena_zero_page(world.arena);

	if (op->folio != SCENE_NONE && !folio_of(op, &pa))
		return;
	refused(op, pw_space_map(world.space, op->va, last_of(op), pa, op->attr, &error), &error);
}

/* Called with pages that are no longer mapped. */
static void unmapped(void *context, pw_va first, pw_va last, pw_pa pa)
{
	const struct scene_op *op = context;
	const pw_pa page = (pw_pa)1 << page_lg2();

	/* The last look at the pins: nobody may keep one that it does not see. */
	if (op->flag != SCENE_NONE)
		set(op, unpinned(pa));
	if (!op->drop)
		return;
	for (pw_va va = first; va - first <= last - first; va += page, pa += page) {
		pw_folio_put(world.arena, pa, 1);
		if (last - va < page)
			break;
	}
}

static void edit(const struct scene_op *op)
{
	struct pw_error error;
	const pw_va last = last_of(op);
	int code;

	switch (op->kind) {
	case SCENE_UNMAP:
		code = pw_space_unmap(world.space, op->va, last, unmapped, (void *)(uintptr_t)op,
				      &error);
		break;
	case SCENE_PROTECT:
		code = pw_space_protect(world.space, op->va, last, op->attr, &error);
		break;
	case SCENE_SPLIT:
		code = pw_space_split(world.space, op->va, last, 0, &error);
		break;
	default:
		code = pw_space_collapse(world.space, op->va, last, 64, NULL, &error);
		break;
	}
	refused(op, code, &error);
}

/* As fork shares a page: no pin, or the page is not shared. */
static void copy(const struct scene_op *op)
{
	struct pw_error error;
	pw_pa pa;

	pw_space_copy_begin(world.space);
	refused(op, pw_space_protect(world.space, op->va, last_of(op), PW_READ | PW_USER, &error),
		&error);
	if (op->folio != SCENE_NONE && folio_of(op, &pa))
		set(op, pw_folio_try_share(world.arena, pa));
	pw_space_copy_end(world.space);
}

/* Where the entry of @level for @va is; NULL if no table leads there. */
static unsigned char *find_entry(pw_va va, unsigned level)
{
	const struct pw_format *f = world.format;
	const struct pw_regime *r = pw_space_now(world.space);
	unsigned at = r->span[0].top;
	pw_pa table = r->span[0].table;

	for (;;) {
		unsigned char *entry = pw_table_host(world.space, table) +
				       ((size_t)pw_index(va, f->shift[at], f->bits[at])
					<< f->entry_lg2);
		uint64_t e = pw_edit_load(f, entry);

		if (at == level)
			return entry;
		if (f->kind(f, r, at, e) != PW_TABLE)
			return NULL;
		table = f->table(f, r, at--, e);
	}
}

/* Stores an entry as it is, or a half of it, without any of the library's rules. */
static void poke(const struct scene_op *op)
{
	const struct pw_format *f = world.format;
	const struct pw_regime *r = pw_space_now(world.space);
	unsigned char *entry;
	uint64_t value;
	pw_pa pa;

	race_pause_steps(true);
	entry = find_entry(op->va, op->level);
	value = f->make_empty(f, r, op->level);
	if (entry && op->folio != SCENE_NONE && folio_of(op, &pa))
		value = f->make_leaf(f, r, op->level, pa, op->attr);
	if (entry)
		value = pw_entry_raw(value, f->entry_lg2, f->big_endian);
	race_pause_steps(false);
	if (!entry) {
		pw_lab_fail("line %u: there is no table of level %u for 0x%" PRIx64, op->line,
			    op->level, op->va);
		return;
	}
	if (op->half)
		race_store(entry + (op->half == 2 ? 4 : 0), op->half == 2 ? value >> 32 : value, 4);
	else
		race_store(entry, value, 1u << f->entry_lg2);
}

void scene_execute(const struct scene_op *op)
{
	switch (op->kind) {
	case SCENE_FOLIO:
		allocate(op);
		break;
	case SCENE_MAP:
		map(op);
		break;
	case SCENE_PIN:
		pin(op);
		break;
	case SCENE_READ:
		read_page(op);
		break;
	case SCENE_UNMAP:
	case SCENE_PROTECT:
	case SCENE_SPLIT:
	case SCENE_COLLAPSE:
		edit(op);
		break;
	case SCENE_COPY:
		copy(op);
		break;
	case SCENE_WAIT:
		pw_space_wait(world.space);
		break;
	case SCENE_DRAIN:
		pw_arena_drain(world.arena);
		break;
	case SCENE_POKE:
		poke(op);
		break;
	default:
		of_folio(op);
		break;
	}
}
