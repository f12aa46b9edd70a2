/* SPDX-License-Identifier: MIT */
/*
 * A range as text: one bar per level, cropped at the ends of that level's entries, and then a tree of
 * every entry that the walk visits.
 */
#include <inttypes.h>
#include <string.h>

#include "view/text.h"

/* ---- bars ---- */

/* All boundaries of a part's lanes, in order; the lanes share them. */
struct marks {
	pw_va at[PW_PICTURE_CELLS]; /* first addresses of cells but the first */
	unsigned column[PW_PICTURE_CELLS];
	unsigned count;
};

/* The lane with the most cells has all boundaries of the others. */
static const struct picture_lane *finest(const struct picture_part *part)
{
	const struct picture_lane *lane = &part->lane[0];

	for (unsigned i = 1; i < part->lanes; i++)
		if (part->lane[i].cells > lane->cells)
			lane = &part->lane[i];
	return lane;
}

/* Not to scale: every cell gets the same width, so that all of them are readable. */
static void place_marks(const struct picture_part *part, unsigned width, struct marks *marks)
{
	const struct picture_lane *lane = finest(part);

	marks->count = 0;
	for (unsigned i = 1; i < lane->cells; i++) {
		marks->at[marks->count] = lane->cell[i].first;
		marks->column[marks->count++] = width * i / lane->cells;
	}
}

static unsigned column_of(const struct marks *marks, pw_va va, pw_va first, unsigned width)
{
	if (va == first)
		return 0;
	for (unsigned i = 0; i < marks->count; i++)
		if (marks->at[i] == va)
			return marks->column[i];
	return width;
}

static void cell_label(const struct picture_cell *cell, unsigned room, char *text, size_t bytes)
{
	if (cell->index == cell->last_index)
		snprintf(text, bytes, "%" PRIu32, cell->index);
	else
		snprintf(text, bytes, "%" PRIu32 "-%" PRIu32, cell->index, cell->last_index);
	if (pw_line_width(text) > room)
		text[0] = '\0';
}

/* |----- 512 -----|----- 513 -----| */
static void draw_bar(struct line *line, const struct picture_part *part,
		     const struct picture_lane *lane, const struct marks *marks, unsigned left,
		     unsigned width)
{
	pw_line_to(line, left);
	pw_line_glyph(line, LINE_V_RIGHT);
	for (unsigned i = 0; i < lane->cells; i++) {
		const struct picture_cell *cell = &lane->cell[i];
		bool is_last = i + 1 == lane->cells;
		unsigned end = is_last ? width
				       : column_of(marks, lane->cell[i + 1].first, part->first,
						   width);
		unsigned begin = column_of(marks, cell->first, part->first, width);
		unsigned room = end - begin - 1, used, before;
		char text[40];

		cell_label(cell, room > 2 ? room - 2 : 0, text, sizeof(text));
		used = text[0] ? pw_line_width(text) + 2 : 0;
		before = (room - used) / 2;
		pw_line_repeat(line, LINE_H, before);
		if (used) {
			pw_line_blanks(line, 1);
			pw_line_colour(line, LINE_HIT);
			pw_line_put(line, text);
			pw_line_colour(line, LINE_PLAIN);
			pw_line_blanks(line, 1);
		}
		pw_line_repeat(line, LINE_H, room - used - before);
		pw_line_glyph(line, is_last ? LINE_V_LEFT : LINE_CROSS);
	}
}

/* The highest level of this part that has a boundary at the address. */
static const struct picture_lane *boundary_of(const struct picture_part *part, pw_va va)
{
	for (unsigned i = 0; i < part->lanes; i++)
		if (!part->lane[i].folded && (va & pw_mask(part->lane[i].shift)) == 0)
			return &part->lane[i];
	return NULL;
}

static void draw_mark_legend(struct line *line, const struct picture_part *part,
			     const struct marks *marks, unsigned left, unsigned width)
{
	char size[32];

	pw_line_to(line, left);
	pw_line_put(line, "a");
	for (unsigned i = 0; i < marks->count; i++) {
		pw_line_to(line, left + marks->column[i]);
		pw_line_printf(line, "%c", 'b' + (int)i);
	}
	pw_line_to(line, left + width);
	pw_line_printf(line, "%c", 'b' + (int)marks->count);
	pw_line_end(line);
	pw_line_to(line, 3);
	pw_line_printf(line, "a 0x%" PRIx64, part->first);
	pw_line_end(line);
	for (unsigned i = 0; i < marks->count; i++) {
		const struct picture_lane *lane = boundary_of(part, marks->at[i]);

		pw_line_to(line, 3);
		pw_line_printf(line, "%c 0x%" PRIx64, 'b' + (int)i, marks->at[i]);
		if (lane)
			pw_line_printf(line, "  boundary of %s entries, %s", lane->name,
				       pw_size_lg2_text(lane->shift, size));
		pw_line_end(line);
	}
	pw_line_to(line, 3);
	pw_line_printf(line, "%c 0x%" PRIx64, 'b' + (int)marks->count, part->last);
	pw_line_end(line);
}

static void draw_lanes(struct line *line, const struct picture_part *part)
{
	unsigned left = 0, notes = 0, width;
	struct marks marks;

	for (unsigned i = 0; i < part->lanes; i++) {
		unsigned name = pw_line_width(part->lane[i].name);
		unsigned note = part->lane[i].folded ? 0 : pw_line_width(part->lane[i].note);

		left = name > left ? name : left;
		notes = note > notes ? note : notes;
	}
	left += 3;
	notes = notes > 40 ? 40 : notes;
	width = line->style.width - left - 3 - notes;
	place_marks(part, width, &marks);
	for (unsigned i = 0; i < part->lanes; i++) {
		const struct picture_lane *lane = &part->lane[i];

		pw_line_to(line, 1);
		pw_line_colour(line, lane->folded ? LINE_DIM : LINE_BOLD);
		pw_line_put(line, lane->name);
		pw_line_colour(line, lane->folded ? LINE_DIM : LINE_PLAIN);
		pw_line_to(line, left);
		if (lane->folded) {
			pw_line_put(line, "folded, not visited: ");
			pw_line_paragraph(line, left, lane->note);
			pw_line_colour(line, LINE_PLAIN);
			continue;
		}
		draw_bar(line, part, lane, &marks, left, width);
		pw_line_blanks(line, 1);
		pw_line_colour(line, lane->iterates ? LINE_GOOD : LINE_PLAIN);
		pw_line_put(line, lane->note);
		pw_line_colour(line, LINE_PLAIN);
		pw_line_end(line);
	}
	draw_mark_legend(line, part, &marks, left, width);
	pw_line_end(line);
	pw_line_to(line, 1);
	pw_line_paragraph(line, 3, part->why);
}

/* ---- the tree ---- */

struct tree {
	struct line *line;
	const struct pw_picture *picture;
	unsigned digits; /* of an index */
	bool more[PW_MAX_LEVELS + 1]; /* at this depth: does the table have another row? */
};

/* Is there another step of the same table behind @at? */
static bool has_sibling(const struct pw_picture *picture, unsigned at)
{
	const struct picture_step *step = &picture->step[at];

	for (unsigned i = at + 1; i < picture->steps; i++)
		if (picture->step[i].parent == step->parent && picture->step[i].part == step->part)
			return true;
	return false;
}

static unsigned depth_of(const struct pw_picture *picture, const struct picture_step *step)
{
	unsigned depth = 0;

	for (int i = step->parent; i >= 0; i = picture->step[i].parent)
		depth++;
	return depth;
}

static void tree_prefix(struct tree *tree, unsigned depth)
{
	pw_line_to(tree->line, 1);
	for (unsigned i = 0; i < depth; i++) {
		if (tree->more[i])
			pw_line_glyph(tree->line, LINE_V);
		else
			pw_line_blanks(tree->line, 1);
		pw_line_blanks(tree->line, 2);
	}
}

/* Writes a row's last words on the same line if they fit, else below it. */
static void tree_tail(struct tree *tree, unsigned depth, unsigned column, enum line_colour colour,
		      const char *text)
{
	struct line *line = tree->line;

	if (!*text)
		return;
	if (line->columns + 2 + pw_line_width(text) > line->style.width) {
		pw_line_end(line);
		tree_prefix(tree, depth + 1);
		pw_line_to(line, column);
	} else {
		pw_line_blanks(line, 2);
	}
	pw_line_colour(line, colour);
	if (line->columns + pw_line_width(text) > line->style.width) {
		size_t skip, bytes = pw_line_break(text, line->style.width - line->columns, &skip);

		pw_line_printf(line, "%.*s", (int)bytes, text);
		pw_line_end(line);
		tree_prefix(tree, depth + 1);
		pw_line_to(line, column);
		text += bytes + skip;
	}
	pw_line_put(line, text);
	pw_line_colour(line, LINE_PLAIN);
}

void pw_text_target(const struct pw_picture *picture, const struct picture_step *step, char *text,
		    size_t bytes)
{
	char name[64], size[32], prot[5];

	pw_size_lg2_text(step->kind == PW_LEAF ? step->size_lg2 : step->shift, size);
	if (step->kind == PW_TABLE)
		snprintf(
			text, bytes, "%s at 0x%" PRIx64,
			pw_table_name(picture->regime.format, step->level - 1u, name, sizeof(name)),
			step->next);
	else if (step->kind == PW_LEAF)
		snprintf(text, bytes, "page 0x%" PRIx64 ", %s, %s", step->next, size,
			 pw_prot_string(step->attr, prot));
	else if (step->status == PW_PROT_NONE)
		snprintf(text, bytes, "PROT_NONE, page 0x%" PRIx64 ", %s", step->next, size);
	else
		snprintf(text, bytes, "%s, %s", pw_status_name((enum pw_status)step->status), size);
}

static void draw_step(struct tree *tree, unsigned at)
{
	const struct pw_picture *picture = tree->picture;
	const struct picture_step *step = &picture->step[at];
	unsigned depth = depth_of(picture, step), column;
	bool last = !has_sibling(picture, at) && step->count == 1;
	char text[PW_PICTURE_TEXT];
	struct line *line = tree->line;

	tree_prefix(tree, depth);
	pw_line_glyph(line, last ? LINE_UP_RIGHT : LINE_V_RIGHT);
	tree->more[depth] = !last;
	pw_line_glyph(line, LINE_H);
	pw_line_blanks(line, 1);
	pw_line_colour(line, LINE_HIT);
	pw_line_printf(line, "%*" PRIu32, (int)tree->digits, step->index);
	pw_line_colour(line, LINE_PLAIN);
	pw_line_blanks(line, 2);
	column = line->columns;
	pw_line_colour(line, LINE_VALUE);
	if (step->read)
		pw_line_printf(line, "0x%0*" PRIx64, 2 << picture->regime.format->entry_lg2,
			       step->entry);
	else
		pw_line_put(line, "not read");
	pw_line_colour(line, LINE_PLAIN);
	pw_line_blanks(line, 1);
	pw_line_glyph(line, LINE_H);
	pw_line_glyph(line, step->kind == PW_HOLE ? LINE_H : LINE_ARROW);
	pw_line_blanks(line, 1);
	pw_text_target(picture, step, text, sizeof(text));
	pw_line_colour(line, step->kind == PW_LEAF ? LINE_GOOD : LINE_PLAIN);
	pw_line_put(line, text);
	pw_line_colour(line, LINE_PLAIN);
	if (step->kind != PW_TABLE) {
		snprintf(text, sizeof(text), "va 0x%" PRIx64, step->first);
		tree_tail(tree, depth, column, LINE_PLAIN, text);
	}
	pw_step_words(picture, step, text, sizeof(text));
	tree_tail(tree, depth, column, LINE_DIM, text);
	pw_line_end(line);
}

/* "... 510 more alike" behind a run. */
static void draw_rest(struct tree *tree, unsigned at)
{
	const struct pw_picture *picture = tree->picture;
	const struct picture_step *step = &picture->step[at];
	unsigned depth = depth_of(picture, step), column;
	bool last = !has_sibling(picture, at);
	char text[PW_PICTURE_TEXT];
	struct line *line = tree->line;

	if (step->count == 1)
		return;
	tree_prefix(tree, depth);
	tree->more[depth] = !last;
	pw_line_glyph(line, last ? LINE_UP_RIGHT : LINE_V_RIGHT);
	pw_line_glyph(line, LINE_H);
	pw_line_blanks(line, 1);
	pw_line_printf(line, "%*" PRIu32, (int)tree->digits, step->index + step->count - 1);
	pw_line_blanks(line, 2);
	column = line->columns;
	pw_line_glyph(line, LINE_ELLIPSIS);
	pw_line_printf(line, " %" PRIu32 " more alike", step->count - 1);
	snprintf(text, sizeof(text), "to va 0x%" PRIx64, step->last);
	tree_tail(tree, depth, column, LINE_PLAIN, text);
	if (step->kind == PW_TABLE)
		snprintf(text, sizeof(text), "with tables alike, the last at 0x%" PRIx64,
			 step->last_next);
	else if (step->kind == PW_LEAF)
		snprintf(text, sizeof(text), "pages %s, the last 0x%" PRIx64,
			 step->scattered ? "scattered" : "contiguous", step->last_next);
	else
		text[0] = '\0';
	tree_tail(tree, depth, column, LINE_DIM, text);
	pw_line_end(line);
}

/* The rests of tables that end before step @next. */
static void draw_ended(struct tree *tree, unsigned at, unsigned next)
{
	const struct picture_step *step = tree->picture->step;
	int i = (int)at;

	while (i >= 0 && (next >= tree->picture->steps || i != step[next].parent)) {
		draw_rest(tree, (unsigned)i);
		if (next < tree->picture->steps && step[i].parent == step[next].parent)
			return;
		i = step[i].parent;
	}
}

static void draw_tree(struct line *line, const struct pw_picture *picture, unsigned part)
{
	struct tree tree = { .line = line, .picture = picture, .digits = 1 };
	char table[64];
	const struct pw_span *span = picture->part[part].span;

	for (unsigned i = 0; i < picture->steps; i++) {
		unsigned digits = (unsigned)snprintf(
			NULL, 0, "%" PRIu32, picture->step[i].index + picture->step[i].count - 1);

		tree.digits = digits > tree.digits ? digits : tree.digits;
	}
	pw_line_to(line, 1);
	pw_line_printf(line, "%s at 0x%" PRIx64,
		       pw_table_name(picture->regime.format, span->top, table, sizeof(table)),
		       span->table);
	pw_line_end(line);
	for (unsigned i = 0; i < picture->steps; i++) {
		unsigned next = i + 1;

		if (picture->step[i].part != part)
			continue;
		draw_step(&tree, i);
		if (next < picture->steps && picture->step[next].part != part)
			next = picture->steps;
		draw_ended(&tree, i, next);
	}
}

void pw_text_range(struct line *line, const struct pw_picture *picture)
{
	pw_text_title(line, picture);
	pw_line_paragraph(line, 2, picture->root_text);
	for (unsigned i = 0; i < picture->parts; i++) {
		pw_line_end(line);
		if (picture->parts > 1) {
			pw_line_printf(line, "part %u of %u: 0x%" PRIx64 "-0x%" PRIx64, i + 1,
				       picture->parts, picture->part[i].first,
				       picture->part[i].last);
			pw_line_end(line);
			pw_line_end(line);
		}
		draw_lanes(line, &picture->part[i]);
		pw_line_end(line);
		draw_tree(line, picture, i);
	}
	pw_line_end(line);
	pw_line_to(line, 1);
	pw_line_colour(line, picture->leaves ? LINE_GOOD : LINE_BAD);
	pw_line_paragraph(line, 3, picture->reason);
	pw_line_colour(line, LINE_PLAIN);
}
