/* SPDX-License-Identifier: MIT */
/*
 * The picture of a range: every entry that a walk of it visits, runs of alike entries in one step.
 *
 * Two rules keep it small. Adjacent leaves or holes of a table that are alike share a step. And once a
 * table has been walked, its entry joins the entry before it if the two, and everything below them, are
 * alike:
 *
 *   pmd 0 -> 512 leaves rw-u                  pmd 0 -> 512 leaves rw-u
 *   pmd 1 -> 512 leaves rw-u     becomes      ... 1 more pmd alike
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "view/picture.h"

static const unsigned DEFAULT_ROWS = 200;
static const uint64_t DEFAULT_ENTRIES = UINT64_C(1) << 22;

struct collector {
	struct pw_picture *picture;
	unsigned rows;
	uint64_t entries, seen;
	const bool *cancel;
	int open[PW_MAX_LEVELS]; /* step of the table entry whose table is being walked; -1: none */
	bool no_memory;
};

static const struct pw_span *part_span(const struct pw_picture *picture, pw_va va)
{
	return pw_span_find(&picture->regime, va);
}

/* The table that the entry stands in: that of the nearest open table entry above, or the top. */
static int parent_of(const struct collector *c, unsigned level)
{
	for (unsigned i = level + 1; i < PW_MAX_LEVELS; i++)
		if (c->open[i] >= 0)
			return c->open[i];
	return -1;
}

static bool alike(const struct picture_step *a, const struct picture_step *b)
{
	return a->level == b->level && a->kind == b->kind && a->status == b->status &&
	       a->read == b->read && a->size_lg2 == b->size_lg2 && a->shift == b->shift &&
	       a->on_linux == b->on_linux && a->linux_status == b->linux_status &&
	       ((a->attr ^ b->attr) & PW_RUN_MASK) == 0;
}

/* May @next, the entry behind the run, join it? */
static bool joins(const struct picture_step *run, const struct picture_step *next)
{
	return run->kind != PW_TABLE && alike(run, next) && run->parent == next->parent &&
	       run->part == next->part && run->index + run->count == next->index;
}

static void join(struct picture_step *run, const struct picture_step *next)
{
	pw_pa distance = next->next - run->last_next;

	if (run->kind == PW_LEAF && distance != UINT64_C(1) << run->shift)
		run->scattered = true;
	run->count++;
	run->last = next->last;
	run->last_entry = next->entry;
	run->last_next = next->next;
}

/* Do the subtrees of two neighbouring table entries have the same shape, entry by entry? */
static bool subtrees_alike(const struct pw_picture *picture, unsigned one, unsigned other,
			   unsigned end)
{
	const struct picture_step *step = picture->step;

	if (other - one != end - other)
		return false;
	if (!alike(&step[one], &step[other]) || step[one].parent != step[other].parent ||
	    step[one].part != step[other].part ||
	    step[one].index + step[one].count != step[other].index)
		return false;
	for (unsigned i = 1; i < other - one; i++) {
		const struct picture_step *a = &step[one + i], *b = &step[other + i];

		if (!alike(a, b) || a->index != b->index || a->count != b->count)
			return false;
	}
	return true;
}

/* The previous sibling of @step in its table, or -1. */
static int sibling_before(const struct pw_picture *picture, unsigned step)
{
	for (unsigned i = step; i-- > 0;)
		if (picture->step[i].parent == picture->step[step].parent &&
		    picture->step[i].part == picture->step[step].part)
			return (int)i;
		else if (picture->step[i].level > picture->step[step].level)
			return -1;
	return -1;
}

/* The table behind the open entry of @level was walked to its end: can its entry join the one before? */
static void close_level(struct collector *c, unsigned level)
{
	struct pw_picture *picture = c->picture;
	int at = c->open[level], before;

	c->open[level] = -1;
	if (at < 0)
		return;
	before = sibling_before(picture, (unsigned)at);
	if (before < 0 || picture->step[before].kind != PW_TABLE ||
	    !subtrees_alike(picture, (unsigned)before, (unsigned)at, picture->steps))
		return;
	picture->step[before].count++;
	picture->step[before].last = picture->step[at].last;
	picture->step[before].last_entry = picture->step[at].entry;
	picture->step[before].last_next = picture->step[at].next;
	picture->steps = (unsigned)at;
}

static void close_up_to(struct collector *c, unsigned level)
{
	for (unsigned i = 0; i <= level; i++)
		close_level(c, i);
}

static void count_entry(struct pw_picture *picture, const struct pw_entry *entry)
{
	if (entry->kind == PW_TABLE) {
		picture->tables++;
	} else if (entry->kind == PW_LEAF) {
		picture->leaves++;
		picture->mapped += entry->last - entry->first + 1;
	} else {
		picture->holes++;
	}
}

static void fill_step(const struct collector *c, const struct pw_entry *entry,
		      struct picture_step *step)
{
	const struct pw_regime *regime = &c->picture->regime;
	const struct pw_format *f = regime->format;
	const struct pw_span *span = part_span(c->picture, entry->first);
	int parent = parent_of(c, entry->level);
	unsigned top = span->top;

	*step = (struct picture_step){
		.first = entry->first,
		.last = entry->last,
		.at = entry->at,
		.entry = entry->value,
		.last_entry = entry->value,
		.next = entry->pa,
		.last_next = entry->pa,
		.count = 1,
		.attr = entry->attr,
		.parent = parent,
		.part = (uint8_t)(c->picture->parts - 1),
		.level = entry->level,
		.bits = entry->level == top ? span->top_bits : f->bits[entry->level],
		.shift = f->shift[entry->level],
		.kind = entry->kind,
		.status = entry->status,
		.size_lg2 = entry->size_lg2,
		.read = entry->status != PW_OUTSIDE && entry->status != PW_LENGTH,
	};
	step->table = parent < 0 ? span->table : c->picture->step[parent].next;
	step->index = (uint32_t)((entry->at - step->table) >> f->entry_lg2);
	/* The entry above may decide the size of a table of level 0 (powerpc). */
	if (entry->level == 0 && f->next_bits && parent >= 0 &&
	    c->picture->step[parent].level == 1) {
		step->bits = (uint8_t)f->next_bits(f, regime, c->picture->step[parent].entry);
		step->shift = (uint8_t)(f->shift[1] - step->bits);
	}
	/* A walk gives the address of the first byte of the range; the picture needs that of its page. */
	if (entry->kind == PW_LEAF || entry->status == PW_PROT_NONE)
		step->next = step->last_next = entry->pa - (entry->first & pw_mask(step->shift));
	if (entry->kind == PW_HOLE && entry->status == PW_NONE &&
	    regime->view == PW_VIEW_HARDWARE) {
		enum pw_kind kind;

		step->linux_status = (uint8_t)pw_linux_meaning(regime, entry->level, entry->value,
							       &kind, &step->linux_page);
		step->linux_kind = (uint8_t)kind;
		step->on_linux = step->linux_status != PW_NONE && kind != PW_TABLE;
	}
}

static int stop(struct collector *c, pw_va va, const char *why)
{
	struct pw_picture *picture = c->picture;

	picture->stopped = true;
	picture->stopped_at = va;
	picture->stopped_why = why;
	return 1;
}

static int collect(struct pw_walk *walk, const struct pw_entry *entry)
{
	struct collector *c = walk->private_data;
	struct pw_picture *picture = c->picture;
	struct picture_step step, *run;
	struct picture_part *part;

	close_up_to(c, entry->level);
	if (c->cancel && *c->cancel)
		return stop(c, entry->first, "interrupted");
	if (c->seen++ == c->entries)
		return stop(c, entry->first, "too many entries for one picture");
	fill_step(c, entry, &step);
	part = &picture->part[step.part];
	run = picture->steps ? &picture->step[picture->steps - 1] : NULL;
	if (run && joins(run, &step)) {
		count_entry(picture, entry);
		part->read[entry->level] += step.read;
		join(run, &step);
		return 0;
	}
	if (picture->steps >= c->rows)
		return stop(c, entry->first, "too many different entries for one picture");
	count_entry(picture, entry);
	part->read[entry->level] += step.read;
	run = pw_picture_add(picture);
	if (!run) {
		c->no_memory = true;
		return 1;
	}
	*run = step;
	if (entry->kind == PW_TABLE)
		c->open[entry->level] = (int)picture->steps - 1;
	return 0;
}

/* Called once per span of the range. */
static int begin_part(struct pw_walk *walk, pw_va first, pw_va last)
{
	struct collector *c = walk->private_data;
	struct pw_picture *picture = c->picture;
	struct picture_part *part;

	close_up_to(c, PW_MAX_LEVELS - 1);
	part = &picture->part[picture->parts++];
	part->first = first;
	part->last = last;
	part->span = part_span(picture, first);
	return 0;
}

static const char *plural(uint64_t count)
{
	return count == 1 ? "" : "s";
}

static void describe_end(struct pw_picture *picture)
{
	char size[32], *text = picture->reason;
	const size_t bytes = sizeof(picture->reason);
	int length;

	if (picture->parts == 0) {
		pw_not_canonical_reason(picture, text, bytes);
		return;
	}
	if (picture->stopped) {
		snprintf(text, bytes,
			 "stopped at 0x%" PRIx64 ": %s; a narrower range shows the rest, and "
			 "`pagewalk map` lists ranges of any size",
			 picture->stopped_at, picture->stopped_why);
		return;
	}
	if (picture->leaves == 0)
		length = snprintf(text, bytes, "nothing is mapped");
	else
		length = snprintf(text, bytes, "mapped: %s by %" PRIu64 " leaf entr%s",
				  pw_size_exact_text(picture->mapped - 1, size), picture->leaves,
				  picture->leaves == 1 ? "y" : "ies");
	snprintf(text + length, bytes - (size_t)length,
		 "; %" PRIu64 " hole%s, %" PRIu64 " table%s entered below the top", picture->holes,
		 plural(picture->holes), picture->tables, plural(picture->tables));
}

int pw_picture_range(struct pw_picture *picture, const struct pw_memory *memory,
		     const struct pw_picture_options *options, struct pw_error *error)
{
	struct collector c = {
		.picture = picture,
		.rows = options->rows ? options->rows : DEFAULT_ROWS,
		.entries = options->entries ? options->entries : DEFAULT_ENTRIES,
		.cancel = options->cancel,
	};
	struct pw_walk_ops ops = { .hole = collect, .test_walk = begin_part };

	for (unsigned i = 0; i < PW_MAX_LEVELS; i++) {
		ops.entry[i] = collect;
		c.open[i] = -1;
	}
	pw_walk_range(memory, &picture->regime, picture->first, picture->last, &ops, &c);
	if (c.no_memory)
		return pw_fail(error, ENOMEM, "no memory for a picture of %u steps",
			       picture->steps);
	if (!picture->stopped)
		close_up_to(&c, PW_MAX_LEVELS - 1);
	if (picture->parts)
		pw_root_why(&picture->regime, picture->part[0].span, picture->root_text,
			    sizeof(picture->root_text));
	for (unsigned i = 0; i < picture->parts; i++)
		pw_picture_lanes(picture, &picture->part[i]);
	describe_end(picture);
	return 0;
}
