/* SPDX-License-Identifier: MIT */
/* The operations of scenarios, by the public functions of space.h and pin.h. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab/race/scene/scene.h"
#include "lab/race/wrap.h"
#include "space/edit.h"
#include "space/space.h"

enum { PAGES = 64 }; /* the most that an operation pins */

static void set(const struct scene_op *op, bool value)
{
	if (op->flag != SCENE_NONE)
		world.flag[op->flag] = value;
}

/* The operation has done what its name says, or has not. */
void scene_done(const struct scene_op *op, bool value)
{
	set(op, value);
	if (!op->must || value)
		return;
	if (race_running())
		pw_lab_fail("line %u: this must succeed, and did not", op->line);
	fprintf(stderr, "%s:%u: this must succeed, and did not\n", world.scene->path, op->line);
	exit(3);
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

/* ---- readers ---- */

/* Where the page is in the memory that threads load from and store to. */
static uint64_t *page_host(pw_pa pa)
{
	return pw_arena_host(world.arena, pa, sizeof(uint64_t));
}

/* Pins the pages as ranges, each of one folio. */
static void pin_ranges(const struct scene_op *op)
{
	const unsigned page_lg2 = scene_page_lg2();
	struct pw_reader *reader = world.reader[op->thread];
	struct pw_pinned range[PAGES];
	struct pw_folio_info info;
	pw_va va = op->va;
	long count = pw_pin_fast_ranges(reader, op->va, scene_pages(op) << page_lg2, op->flags,
					range, PAGES, NULL, NULL);

	for (long i = 0; i < count; i++) {
		const pw_pa end = range[i].pa + range[i].bytes;

		if (pw_folio_info(world.arena, range[i].pa, &info) &&
		    end > info.pa + (UINT64_C(1) << (info.order + page_lg2)))
			pw_lab_fail("line %u: a range goes beyond its folio", op->line);
		for (pw_pa pa = range[i].pa; pa < end; pa += UINT64_C(1) << page_lg2) {
			scene_check_held(op, va, pa);
			va += UINT64_C(1) << page_lg2;
		}
	}
	scene_done(op, va == scene_last(op) + 1);
	if (!op->hold)
		pw_unpin_ranges(reader, range, (size_t)count, op->flags, false);
}

static void pin(const struct scene_op *op)
{
	struct pw_reader *reader = world.reader[op->thread];
	pw_pa page[PAGES];
	enum pw_stop why;
	long count = op->flags & PW_PIN_GET
			     ? pw_get_fast(reader, op->va, scene_pages(op), op->flags, page, &why)
			     : pw_pin_fast(reader, op->va, scene_pages(op), op->flags, page, &why);

	if (count < 0)
		pw_lab_fail("line %u: the pin was refused", op->line);
	if (op->limited && (uint64_t)count > op->most)
		pw_lab_fail("line %u: a page was pinned that must not be pinned like this",
			    op->line);
	for (long i = 0; i < count; i++) {
		scene_check_held(op, op->va + ((pw_va)i << scene_page_lg2()), page[i]);
		if (op->touch)
			race_read(page_host(page[i]), sizeof(uint64_t), op);
	}
	scene_done(op, (uint64_t)count == scene_pages(op));
	if (!op->hold)
		pw_unpin_pages(reader, page, (size_t)count, op->flags, false);
}

static void read_page(const struct scene_op *op)
{
	struct pw_result result;
	bool found = pw_space_translate(world.reader[op->thread], op->va, &result) == PW_OK;

	if (found)
		scene_check_seen(op, op->va, result.pa);
	scene_done(op, found);
}

/*
 * Loads a 64-bit entry as Linux does on a 32-bit host: the low half, the high half, the low half again, until
 * both looks at the low half give the same.
 */
static void peek(const struct scene_op *op)
{
	const struct pw_format *f = world.format;
	const struct pw_regime *r = pw_space_now(world.space);
	unsigned char *entry = scene_entry(op->va, op->level);
	uint64_t low, high, e;

	if (!entry || f->entry_lg2 != 3) {
		pw_lab_fail("line %u: there is no entry of two halves here", op->line);
		return;
	}
	do {
		low = race_load_half(entry);
		high = race_load_half(entry + 4);
	} while (race_load_half(entry) != low);
	e = pw_entry_number(high << 32 | low, f->entry_lg2, f->big_endian);
	if (f->kind(f, r, op->level, e) == PW_LEAF)
		scene_check_seen(op, op->va, f->page(f, r, op->level, e));
	scene_done(op, f->kind(f, r, op->level, e) == PW_LEAF);
}

/* ---- folios ---- */

static void allocate(const struct scene_op *op)
{
	const struct scene_folio *folio = &world.scene->folio[op->folio];
	pw_pa pa;
	int code = pw_folio_alloc(world.arena, op->order, op->folio_kind, folio->owner, 0, &pa);

	if (code == 0) {
		world.folio[op->folio] = pa;
		if (pa == pw_arena_zero_page(world.arena))
			pw_lab_fail("line %u: the zero page was allocated", op->line);
	}
	scene_done(op, code == 0);
	if (code == 0 || race_running())
		return;
	fprintf(stderr, "%s:%u: there is no memory for this folio: give the scenario more frames\n",
		world.scene->path, op->line);
	exit(3);
}

/* The folio that an operation names; false if its allocation has failed in this run. */
static bool folio_of(const struct scene_op *op, pw_pa *pa_ret)
{
	*pa_ret = world.folio[op->folio];
	if (*pa_ret == ~UINT64_C(0))
		return false;
	*pa_ret += op->from << scene_page_lg2();
	return true;
}

static bool unpinned(pw_pa pa)
{
	struct pw_folio_info info;

	return pw_folio_info(world.arena, pa, &info) && !info.maybe_pinned;
}

/* The last look of an owner. With `must` the page must be there. */
static void look(const struct scene_op *op, pw_pa pa)
{
	struct pw_folio_info info;
	bool there = pw_folio_info(world.arena, pa, &info);

	if (op->must && !there)
		pw_lab_fail("line %u: the page seems to be free, and is not", op->line);
	set(op, there && !info.maybe_pinned);
}

/* Takes references. */
static void take(const struct scene_op *op, pw_pa pa)
{
	bool taken = pw_folio_get(world.arena, pa, op->references);

	if (taken)
		scene_check_taken(op, pa);
	scene_done(op, taken);
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
		scene_done(op, pw_folio_split(world.arena, pa, op->references));
		break;
	case SCENE_SHARE:
		scene_done(op, pw_folio_try_share(world.arena, pa));
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
	case SCENE_WRITE:
		race_written(page_host(pa), sizeof(uint64_t), op);
		break;
	default:
		look(op, pa);
		break;
	}
}

/* ---- tables ---- */

static void map(const struct scene_op *op)
{
	struct pw_error error;
	pw_pa pa = op->outside ? op->pa : pw_arena_zero_page(world.arena);

	if (op->folio != SCENE_NONE && !folio_of(op, &pa))
		return;
	refused(op, pw_space_map(world.space, op->va, scene_last(op), pa, op->attr, &error),
		&error);
}

/* An unmap under way. */
struct unmap {
	const struct scene_op *op;
	uint64_t pages; /* that were reported so far */
};

/* Called with pages that are no longer mapped. */
static void unmapped(void *context, pw_va first, pw_va last, pw_pa pa)
{
	struct unmap *unmap = context;
	const struct scene_op *op = unmap->op;
	const pw_pa page = (pw_pa)1 << scene_page_lg2();

	unmap->pages += ((last - first) >> scene_page_lg2()) + 1;

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
	const pw_va last = scene_last(op);
	struct unmap unmap = { .op = op };
	int code;

	switch (op->kind) {
	case SCENE_UNMAP:
		code = pw_space_unmap(world.space, op->va, last, unmapped, &unmap, &error);
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
	if (op->kind == SCENE_UNMAP && op->must && unmap.pages != scene_pages(op))
		pw_lab_fail("line %u: the unmap reported %" PRIu64 " pages, not %" PRIu64, op->line,
			    unmap.pages, scene_pages(op));
}

/* As fork shares a page: no pin, or the page is not shared. */
static void copy(const struct scene_op *op)
{
	struct pw_error error;
	pw_pa pa;

	pw_space_copy_begin(world.space);
	refused(op,
		pw_space_protect(world.space, op->va, scene_last(op), PW_READ | PW_USER, &error),
		&error);
	if (op->folio != SCENE_NONE && folio_of(op, &pa))
		scene_done(op, pw_folio_try_share(world.arena, pa));
	pw_space_copy_end(world.space);
}

/* ---- writers that keep no rule ---- */

static uint64_t raw_of(const unsigned char *entry)
{
	return world.format->entry_lg2 == 2 ? *(const uint32_t *)(const void *)entry
					    : *(const uint64_t *)(const void *)entry;
}

/* What a poke stores, in the memory's byte order. */
static uint64_t poke_value(const struct scene_op *op)
{
	const struct pw_format *f = world.format;
	const struct pw_regime *r = pw_space_now(world.space);
	uint64_t value = f->make_empty(f, r, op->level);
	pw_pa pa = op->pa;

	if (op->before)
		return world.before[op - world.scene->op];
	if (op->like && op->thread != SCENE_SETUP)
		return world.before[op - world.scene->op];
	if (op->like && scene_entry(op->like_va, op->level))
		return raw_of(scene_entry(op->like_va, op->level));
	if (op->outside || (op->folio != SCENE_NONE && folio_of(op, &pa)))
		value = f->make_leaf(f, r, op->level, pa, op->attr);
	return pw_entry_raw(value, f->entry_lg2, f->big_endian);
}

/* Stores an entry as it is, or a half of it, without any of the library's rules. */
static void poke(const struct scene_op *op)
{
	unsigned char *entry = world.entry[op - world.scene->op];
	uint64_t value;

	race_pause_steps(true);
	if (!entry)
		entry = scene_entry(op->va, op->level);
	value = poke_value(op);
	race_pause_steps(false);
	if (!entry) {
		pw_lab_fail("line %u: there is no table of level %u for 0x%" PRIx64, op->line,
			    op->level, op->va);
		return;
	}
	if (op->half && world.format->entry_lg2 != 3)
		pw_lab_fail("line %u: entries of %s have no halves", op->line, world.format->name);
	else if (op->half)
		race_store(entry + (op->half == 2 ? 4 : 0), op->half == 2 ? value >> 32 : value, 4);
	else
		race_store(entry, value, 1u << world.format->entry_lg2);
}

void scene_prepare_pokes(void)
{
	const struct scene *scene = world.scene;

	for (unsigned i = 0; i < scene->ops; i++) {
		const struct scene_op *op = &scene->op[i];
		const unsigned char *like;

		if (op->kind != SCENE_POKE)
			continue;
		world.entry[i] = scene_entry(op->va, op->level);
		like = op->like ? scene_entry(op->like_va, op->level) : world.entry[i];
		if (like)
			world.before[i] = raw_of(like);
	}
}

/* Takes the table behind an entry out, and has it freed after its readers, whoever else edits it. */
static void retire(const struct scene_op *op)
{
	const struct pw_format *f = world.format;
	const struct pw_regime *r = pw_space_now(world.space);
	unsigned char *entry;
	uint64_t e = 0;
	pw_pa table = 0;

	race_pause_steps(true);
	entry = scene_entry(op->va, op->level);
	if (entry)
		e = pw_edit_load(f, entry);
	if (entry && f->kind(f, r, op->level, e) == PW_TABLE)
		table = f->table(f, r, op->level, e);
	race_pause_steps(false);
	if (!table)
		return;
	race_store(entry, pw_entry_raw(f->make_empty(f, r, op->level), f->entry_lg2, f->big_endian),
		   1u << f->entry_lg2);
	pw_gather_add(world.space, op->level - 1, table);
	pw_gather_finish(world.space);
}

static void of_tables(const struct scene_op *op)
{
	switch (op->kind) {
	case SCENE_MAP:
		map(op);
		break;
	case SCENE_COPY:
		copy(op);
		break;
	case SCENE_COPY_BEGIN:
		pw_space_copy_begin(world.space);
		break;
	case SCENE_COPY_END:
		pw_space_copy_end(world.space);
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
	case SCENE_RETIRE:
		retire(op);
		break;
	default:
		edit(op);
		break;
	}
}

void scene_execute(const struct scene_op *op)
{
	if (op->condition != SCENE_NONE && !world.flag[op->condition])
		return;
	switch (op->kind) {
	case SCENE_FOLIO:
		allocate(op);
		break;
	case SCENE_PIN:
		op->ranges ? pin_ranges(op) : pin(op);
		break;
	case SCENE_READ:
		read_page(op);
		break;
	case SCENE_VISIT:
		scene_visit(op);
		break;
	case SCENE_PEEK:
		peek(op);
		break;
	case SCENE_ENTER:
		pw_reader_enter(world.reader[op->thread]);
		break;
	case SCENE_LEAVE:
		pw_reader_leave(world.reader[op->thread]);
		break;
	case SCENE_PUT:
	case SCENE_GET:
	case SCENE_BREAK:
	case SCENE_SHARE:
	case SCENE_OWN:
	case SCENE_TRUNCATE:
	case SCENE_DIRTY:
	case SCENE_LOOK:
	case SCENE_WRITE:
		of_folio(op);
		break;
	default:
		if (op->kind >= SCENE_FIRST_OF_MM)
			scene_execute_mm(op);
		else
			of_tables(op);
		break;
	}
}
