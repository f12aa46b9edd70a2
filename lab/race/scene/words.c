/* SPDX-License-Identifier: MIT */
/*
 * The field's words in a trace: entries by level and table, folios by their names in the scenario, readers' marks,
 * the words of a space. Entries are decoded by their format.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "folio/folio.h"
#include "lab/race/scene/scene.h"
#include "lab/race/trace.h"
#include "mm/cpu/cpu_inside.h"
#include "mm/swap/swap.h"
#include "space/edit.h"
#include "space/space.h"

/* ---- folios ---- */

/* The frame, and the folio that the scenario put there, if it is one of the setup's. */
static void frame_words(uint32_t frame, char *text, size_t size)
{
	const pw_pa pa = pw_arena_pa(world.arena, frame);

	for (unsigned i = 0; i < world.scene->folios; i++) {
		const struct scene_folio *folio = &world.scene->folio[i];
		const uint64_t offset = pa - world.folio[i];

		if (folio->thread != SCENE_SETUP || world.folio[i] == ~UINT64_C(0))
			continue;
		if (offset >> world.arena->page_lg2 >= UINT64_C(1) << folio->order)
			continue;
		if (offset)
			snprintf(text, size, "folio %s page %" PRIu64, folio->name,
				 offset >> world.arena->page_lg2);
		else
			snprintf(text, size, "folio %s", folio->name);
		return;
	}
	snprintf(text, size, "frame %u", frame);
}

static void page_words(pw_pa pa, char *text, size_t size)
{
	if (pa == pw_arena_zero_page(world.arena))
		snprintf(text, size, "the zero page");
	else if (pw_arena_has(world.arena, pa))
		frame_words(pw_arena_frame(world.arena, pa), text, size);
	else
		snprintf(text, size, "page 0x%" PRIx64, pa);
}

static bool frame_name(uintptr_t at, size_t bytes, char *text, size_t size)
{
	const struct pw_arena *arena = world.arena;
	uintptr_t offset = at - (uintptr_t)arena->frame;
	uint32_t frame = (uint32_t)(offset / sizeof(*arena->frame));
	const char *field;
	char folio[40];

	(void)bytes;
	if (offset >= arena->frames * sizeof(*arena->frame))
		return false;
	switch (offset % sizeof(*arena->frame)) {
	case offsetof(struct pw_frame, counts):
		field = "counts";
		break;
	case offsetof(struct pw_frame, mapping):
		field = "mapping";
		break;
	case offsetof(struct pw_frame, link):
		field = "head";
		break;
	case offsetof(struct pw_frame, index):
		field = "index";
		break;
	default:
		field = "flags";
		break;
	}
	frame_words(frame, folio, sizeof(folio));
	snprintf(text, size, "%s: %s", folio, field);
	return true;
}

/* ---- entries ---- */

/* The part of a level's name before its first blank: "pte", "pmd", "segment". */
void scene_level_words(unsigned level, char *text, size_t size)
{
	const char *name = pw_level_name(world.format, level);

	snprintf(text, size, "%.*s", (int)strcspn(name, " "), name);
}

static bool entry_name(uintptr_t at, size_t bytes, char *text, size_t size)
{
	const struct pw_arena *arena = world.arena;
	uintptr_t offset = at - (uintptr_t)arena->host;
	unsigned entry_lg2 = world.format->entry_lg2;
	pw_pa table = 0;
	char level[24];
	int found;

	if (offset >= arena->bytes)
		return false;
	found = scene_table_level(arena->base + offset, &table);
	if (found < 0) {
		page_words(arena->base + offset, text, size);
		return true;
	}
	offset = arena->base + offset - table;
	scene_level_words((unsigned)found, level, sizeof(level));
	if (bytes > (size_t)1 << entry_lg2)
		snprintf(text, size, "%s table at 0x%" PRIx64, level, table);
	else if (bytes < (size_t)1 << entry_lg2)
		snprintf(text, size, "%s[%" PRIu64 "] of 0x%" PRIx64 ", %s half", level,
			 (uint64_t)(offset >> entry_lg2), table, offset & (bytes) ? "high" : "low");
	else
		snprintf(text, size, "%s[%" PRIu64 "] of 0x%" PRIx64, level,
			 (uint64_t)(offset >> entry_lg2), table);
	return true;
}

void scene_entry_words(unsigned level, uint64_t e, char *text, size_t size)
{
	const struct pw_format *f = world.format;
	const struct pw_regime *r = pw_space_now(world.space);
	pw_pa pa = 0;
	char page[40];

	switch (f->kind(f, r, level, e)) {
	case PW_TABLE:
		snprintf(text, size, "table at 0x%" PRIx64, f->table(f, r, level, e));
		break;
	case PW_LEAF:
		page_words(f->page(f, r, level, e), page, sizeof(page));
		snprintf(text, size, "leaf of %s%s", page,
			 f->attr(f, r, level, e) & PW_WRITE ? "" : ", read-only");
		break;
	default:
		if (f->hole(f, r, level, e, &pa) == PW_PROT_NONE)
			snprintf(text, size, "prot-none");
		else
			snprintf(text, size, "%s",
				 e == f->make_empty(f, r, level) ? "empty" : "not present");
		break;
	}
}

static bool entry_value(uintptr_t at, size_t bytes, uint64_t raw, char *text, size_t size)
{
	const struct pw_arena *arena = world.arena;
	const struct pw_format *f = world.format;
	uintptr_t offset = at - (uintptr_t)arena->host;
	pw_pa pa = 0;
	int level;

	if (offset >= arena->bytes || bytes != (size_t)1 << f->entry_lg2)
		return false;
	level = scene_table_level(arena->base + offset, &pa);
	if (level < 0)
		return false;
	scene_entry_words((unsigned)level, pw_entry_number(raw, f->entry_lg2, f->big_endian), text,
			  size);
	return true;
}

/* ---- the words of arena, space and readers ---- */

static bool is_at(uintptr_t at, const void *member, size_t bytes)
{
	return at - (uintptr_t)member < bytes;
}

static const char *lock_name(uintptr_t at)
{
	const struct pw_space *space = world.space;

	if (is_at(at, &world.arena->lock, sizeof(world.arena->lock)))
		return "lock of free memory";
	if (is_at(at, &space->grow, sizeof(space->grow)))
		return "lock of the top";
	if (is_at(at, &space->free_lock, sizeof(space->free_lock)))
		return "lock of free tables";
	if (is_at(at, &space->gather_lock, sizeof(space->gather_lock)))
		return "lock of gathered tables";
	if (is_at(at, &world.arena->spaces_lock, sizeof(world.arena->spaces_lock)))
		return "lock of spaces";
	if (is_at(at, &space->now, sizeof(space->now)))
		return "top";
	if (is_at(at, &space->copies, sizeof(space->copies)))
		return "copy sequence";
	if (is_at(at, &space->gathered, sizeof(space->gathered)))
		return "gathered tables";
	if (is_at(at, &space->bytes, sizeof(space->bytes)))
		return "bytes of tables";
	if (is_at(at, &world.arena->leaving, sizeof(world.arena->leaving)))
		return "tables that are leaving";
	if (is_at(at, &world.arena->free_frames, sizeof(world.arena->free_frames)))
		return "number of free frames";
	if (is_at(at, world.arena->free, sizeof(world.arena->free)))
		return "list of free blocks";
	return NULL;
}

/* What the machine knows about a frame. */
static bool page_name(uintptr_t at, char *text, size_t size)
{
	const uintptr_t offset = at - (uintptr_t)world.machine->page;
	const struct pw_page *page = world.machine->page;
	const char *field = "index";

	if (offset >= world.arena->frames * sizeof(*page))
		return false;
	switch (offset % sizeof(*page)) {
	case offsetof(struct pw_page, flags):
		field = "state";
		break;
	case offsetof(struct pw_page, mapped):
		field = "entries";
		break;
	case offsetof(struct pw_page, swap):
		field = "swap slot";
		break;
	default:
		break;
	}
	snprintf(text, size, "frame %u: %s", (unsigned)(offset / sizeof(*page)), field);
	return true;
}

/* The locks of an address space. */
static bool mm_name(uintptr_t at, char *text, size_t size)
{
	for (unsigned i = 0; i < world.scene->mms; i++) {
		const struct pw_mm *mm = world.mm[i];
		const char *mm_name = world.scene->mm[i].name;
		uintptr_t offset;

		if (!mm || world.scene->mm[i].thread != SCENE_SETUP)
			continue;
		offset = at - (uintptr_t)mm->table_lock;
		if (is_at(at, &mm->lock, sizeof(mm->lock)))
			snprintf(text, size, "lock of %s", mm_name);
		else if (is_at(at, &mm->cpus_lock, sizeof(mm->cpus_lock)))
			snprintf(text, size, "lock of the processors of %s", mm_name);
		else if (offset < PW_TABLE_LOCKS * sizeof(*mm->table_lock))
			snprintf(text, size, "table lock %u of %s",
				 (unsigned)(offset / sizeof(*mm->table_lock)), mm_name);
		else if (offset < (PW_TABLE_LOCKS + 1) * sizeof(*mm->table_lock))
			snprintf(text, size, "lock of higher tables of %s", mm_name);
		else
			continue;
		return true;
	}
	return false;
}

/* The words of processors. */
static bool processor_name(uintptr_t at, char *text, size_t size)
{
	for (unsigned i = 0; i < world.scene->threads; i++) {
		const struct pw_vcpu *cpu = world.cpu[i];
		const char *part = NULL;

		if (is_at(at, &world.inside[i], sizeof(world.inside[i])))
			part = "";
		else if (!cpu)
			continue;
		else if (is_at(at, &cpu->tlb.inside, sizeof(cpu->tlb.inside)))
			part = ": access";
		else if (is_at(at, cpu->tlb.entry, sizeof(cpu->tlb.entry)))
			part = ": TLB";
		else if (is_at(at, &cpu->lock, sizeof(cpu->lock)))
			part = ": lock";
		else if (is_at(at, &cpu->fills, sizeof(cpu->fills)))
			part = ": misses";
		if (!part)
			continue;
		snprintf(text, size, "processor of %s%s", world.scene->thread[i].name, part);
		return true;
	}
	return false;
}

/* The words of a machine. */
static bool machine_name(uintptr_t at, char *text, size_t size)
{
	const struct pw_machine *machine = world.machine;

	if (!machine)
		return false;
	if (processor_name(at, text, size))
		return true;
	if (machine->swap && is_at(at, &machine->swap->lock, sizeof(machine->swap->lock))) {
		snprintf(text, size, "lock of the swap");
		return true;
	}
	return page_name(at, text, size) || mm_name(at, text, size);
}

static bool name(uintptr_t at, size_t bytes, char *text, size_t size)
{
	const char *word;

	if (!world.space)
		return false;
	if (machine_name(at, text, size))
		return true;
	for (unsigned i = 0; i < world.scene->threads; i++)
		if (world.reader[i] && at == (uintptr_t)&world.reader[i]->sync.mark) {
			snprintf(text, size, "mark of %s", world.scene->thread[i].name);
			return true;
		}
	word = lock_name(at);
	if (word) {
		snprintf(text, size, "%s", word);
		return true;
	}
	return frame_name(at, bytes, text, size) || entry_name(at, bytes, text, size);
}

static bool frame_value(uintptr_t at, uint64_t value, char *text, size_t size)
{
	const struct pw_arena *arena = world.arena;
	uintptr_t offset = at - (uintptr_t)arena->frame;
	uint32_t frame = (uint32_t)(offset / sizeof(*arena->frame));
	uint64_t link;

	if (offset >= arena->frames * sizeof(*arena->frame))
		return false;
	switch (offset % sizeof(*arena->frame)) {
	case offsetof(struct pw_frame, counts):
		if (value >> 32)
			snprintf(text, size, "%u and %u pins", (unsigned)value,
				 (unsigned)(value >> 32));
		else
			snprintf(text, size, "%u", (unsigned)value);
		return true;
	case offsetof(struct pw_frame, link):
		link = pw_link_stored(frame, value);
		snprintf(text, size, "frame %u, order %u", pw_link_head(link), pw_link_order(link));
		return true;
	case offsetof(struct pw_frame, mapping):
		for (unsigned i = 0; i < world.scene->folios; i++)
			if (world.scene->folio[i].owner == value >> 3) {
				snprintf(text, size, "of %s", world.scene->folio[i].name);
				return true;
			}
		return false;
	default:
		return false;
	}
}

static bool value_words(uintptr_t at, size_t bytes, uint64_t value, char *text, size_t size)
{
	if (!world.space)
		return false;
	for (unsigned i = 0; i < world.scene->threads; i++)
		if (world.reader[i] && at == (uintptr_t)&world.reader[i]->sync.mark) {
			snprintf(text, size, value & 1 ? "inside" : "outside");
			return true;
		}
	if (at == (uintptr_t)&world.space->now) {
		snprintf(text, size, "level %u", ((const struct pw_regime *)value)->span[0].top);
		return true;
	}
	return frame_value(at, value, text, size) || entry_value(at, bytes, value, text, size);
}

void scene_words_init(void)
{
	race_words.name = name;
	race_words.value = value_words;
	race_words.state = scene_state;
}
