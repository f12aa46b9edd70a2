/* SPDX-License-Identifier: MIT */
/*
 * One address as text: the ruler of its bits, each table as a box with the selected entry, and the
 * result. It fits into a mail: a hundred columns, and ASCII on request.
 */
#include "view/text.h"

#include <inttypes.h>
#include <string.h>

enum {
	STEM = 2, /* column of the first arrow's stem */
	INDENT = 3, /* by which each table stands to the right of the one before */
	ARROW = 5, /* columns from a stem to the right edge of an arrow's head */
	INDEX = 5, /* columns of an index */
	BOXES = 72, /* columns that boxes need */
};

/* ---- the title ---- */

void pw_text_title(struct line *line, const struct pw_picture *picture)
{
	const struct pw_regime *regime = &picture->regime;
	char rest[1024], size[32] = "";

	pw_line_colour(line, LINE_BOLD);
	if (picture->is_range)
		pw_line_printf(line, "%s: 0x%" PRIx64 "-0x%" PRIx64, regime->format->name,
			       picture->first, picture->last);
	else
		pw_line_printf(line, "%s: virtual address 0x%" PRIx64, regime->format->name,
			       picture->first);
	pw_line_colour(line, LINE_PLAIN);
	if (picture->is_range && picture->last - picture->first != UINT64_MAX)
		pw_size_exact_text(picture->last - picture->first, size);
	snprintf(rest, sizeof(rest), "%s%s (%s)%s%s", size[0] ? ", " : "", size,
		 pw_view_text(regime->view), picture->label ? ", " : "",
		 picture->label ? picture->label : "");
	pw_line_paragraph(line, 2, rest);
}

/* ---- the ruler ---- */

struct ruler_cell {
	char bits[12]; /* "63" and, at the right end, "53" */
	char name[24], hex[24], note[24];
	unsigned width;
};

static void ruler_cell(const struct picture_field *field, struct ruler_cell *cell)
{
	unsigned high = field->low + field->bits - 1u, width;

	*cell = (struct ruler_cell){ 0 };
	if (high == field->low)
		snprintf(cell->bits, sizeof(cell->bits), "%u", high);
	else
		snprintf(cell->bits, sizeof(cell->bits), "%u %u", high, field->low);
	snprintf(cell->name, sizeof(cell->name), "%s", field->name);
	snprintf(cell->hex, sizeof(cell->hex), "0x%0*" PRIx64, (int)(field->bits + 3) / 4,
		 field->value);
	if (field->role == PICTURE_FOLDED)
		snprintf(cell->note, sizeof(cell->note), "folded");
	else if (field->role == PICTURE_INDEX)
		snprintf(cell->note, sizeof(cell->note), "%" PRIu64, field->value);
	width = pw_line_width(cell->name);
	width = pw_line_width(cell->hex) > width ? pw_line_width(cell->hex) : width;
	width = pw_line_width(cell->note) > width ? pw_line_width(cell->note) : width;
	width = pw_line_width(cell->bits) > width ? pw_line_width(cell->bits) : width;
	cell->width = width + 2;
}

static void ruler_border(struct line *line, const struct ruler_cell *cell, unsigned count,
			 enum line_glyph left, enum line_glyph middle, enum line_glyph right)
{
	pw_line_to(line, 1);
	pw_line_glyph(line, left);
	for (unsigned i = 0; i < count; i++) {
		pw_line_repeat(line, LINE_H, cell[i].width);
		pw_line_glyph(line, i + 1 < count ? middle : right);
	}
	pw_line_end(line);
}

static void ruler_row(struct line *line, const struct picture_field *const *field,
		      const struct ruler_cell *cell, unsigned count, size_t offset)
{
	pw_line_to(line, 1);
	for (unsigned i = 0; i < count; i++) {
		bool used = field[i]->step >= 0 || field[i]->role == PICTURE_OFFSET;

		pw_line_glyph(line, LINE_V);
		pw_line_colour(line, used ? LINE_PLAIN : LINE_DIM);
		pw_line_centre(line, (const char *)&cell[i] + offset, cell[i].width);
		pw_line_colour(line, LINE_PLAIN);
	}
	pw_line_glyph(line, LINE_V);
	pw_line_end(line);
}

static void ruler_bits(struct line *line, const struct picture_field *const *field,
		       const struct ruler_cell *cell, unsigned count)
{
	unsigned column = 2;

	for (unsigned i = 0; i < count; i++) {
		unsigned high = field[i]->low + field[i]->bits - 1u;

		pw_line_to(line, column);
		pw_line_printf(line, "%u", high);
		if (high != field[i]->low) {
			pw_line_to(line, column + cell[i].width - (field[i]->low > 9 ? 2 : 1));
			pw_line_printf(line, "%u", field[i]->low);
		}
		column += cell[i].width + 1;
	}
	pw_line_end(line);
}

static void draw_ruler(struct line *line, const struct pw_picture *picture)
{
	const struct picture_field *field[PW_PICTURE_FIELDS];
	struct ruler_cell cell[PW_PICTURE_FIELDS];
	unsigned count = 0, width = 2;

	for (unsigned i = 0; i < picture->fields; i++)
		if (picture->field[i].bits) {
			field[count] = &picture->field[i];
			ruler_cell(field[count], &cell[count]);
			count++;
		}
	for (unsigned i = 0; i < count; i++)
		width += cell[i].width + 1;
	/* Without the blanks at both sides it is narrower. */
	for (unsigned i = 0; i < count && width > line->style.width; i++)
		cell[i].width -= 2;
	ruler_bits(line, field, cell, count);
	ruler_border(line, cell, count, LINE_DOWN_RIGHT, LINE_H_DOWN, LINE_DOWN_LEFT);
	ruler_row(line, field, cell, count, offsetof(struct ruler_cell, name));
	ruler_row(line, field, cell, count, offsetof(struct ruler_cell, hex));
	ruler_row(line, field, cell, count, offsetof(struct ruler_cell, note));
	ruler_border(line, cell, count, LINE_UP_RIGHT, LINE_H_UP, LINE_UP_LEFT);
}

/* ---- tables ---- */

/* The sentences beside a box, from top to bottom. */
struct beside {
	char text[8][PW_PICTURE_TEXT];
	enum line_colour colour[8];
	unsigned count, next;
};

/* Adds @text, broken into lines of @width columns. */
static void beside_add(struct beside *beside, const char *text, unsigned width,
		       enum line_colour colour)
{
	while (*text && beside->count < 8) {
		size_t skip, bytes = pw_line_break(text, width, &skip);

		snprintf(beside->text[beside->count], PW_PICTURE_TEXT, "%.*s", (int)bytes, text);
		beside->colour[beside->count++] = colour;
		text += bytes + skip;
	}
}

static void beside_put(struct line *line, struct beside *beside)
{
	if (beside->next < beside->count) {
		pw_line_blanks(line, 1);
		pw_line_colour(line, beside->colour[beside->next]);
		pw_line_put(line, beside->text[beside->next++]);
		pw_line_colour(line, LINE_PLAIN);
	}
	pw_line_end(line);
}

static unsigned value_digits(const struct pw_picture *picture)
{
	return 2u << picture->regime.format->entry_lg2;
}

static void box_edge(struct line *line, enum line_glyph left, enum line_glyph right, unsigned width,
		     unsigned stem)
{
	unsigned from = line->columns + 1;

	pw_line_glyph(line, left);
	for (unsigned i = 0; i < width; i++)
		pw_line_glyph(line, stem && from + i == stem ? LINE_H_DOWN : LINE_H);
	pw_line_glyph(line, right);
}

static void box_dots(struct line *line, unsigned width)
{
	pw_line_glyph(line, LINE_DOTS);
	pw_line_blanks(line, width);
	pw_line_glyph(line, LINE_DOTS);
}

static void put_stem(struct line *line, unsigned stem)
{
	pw_line_to(line, stem);
	pw_line_glyph(line, LINE_V);
}

/* Ends of an index column: right-aligned before the box. */
static void put_index(struct line *line, unsigned box, uint64_t index)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, index);
	pw_line_to(line, box - 1 - (unsigned)strlen(text));
	pw_line_put(line, text);
	pw_line_to(line, box);
}

/* Levels that are missing before the next step. */
static void draw_folded(struct line *line, const struct pw_picture *picture, unsigned stem,
			unsigned from, unsigned end)
{
	unsigned width = 0;

	for (unsigned i = from; i < end; i++)
		if (picture->field[i].role == PICTURE_FOLDED) {
			unsigned name = pw_line_width(picture->field[i].name);

			width = name > width ? name : width;
		}
	for (unsigned i = from; i < end; i++) {
		const struct picture_field *field = &picture->field[i];

		if (field->role != PICTURE_FOLDED)
			continue;
		pw_line_to(line, stem);
		pw_line_glyph(line, LINE_DOTS);
		pw_line_blanks(line, 2);
		pw_line_colour(line, LINE_DIM);
		pw_line_put(line, field->name);
		pw_line_to(line, stem + 3 + width + 2);
		pw_line_put(line, "folded, not visited: ");
		pw_line_paragraph(line, stem + 3 + width + 2, field->why);
		pw_line_colour(line, LINE_PLAIN);
	}
}

static void fill_beside(const struct pw_picture *picture, const struct picture_step *step,
			unsigned width, struct beside *beside)
{
	const struct pw_format *f = picture->regime.format;
	char text[PW_PICTURE_TEXT], table[64], size[32];
	bool at_top = step->index == 0;

	*beside = (struct beside){ 0 };
	snprintf(text, sizeof(text), "%s at 0x%" PRIx64 ", %" PRIu64 " entries of %s",
		 pw_table_name(f, step->level, table, sizeof(table)), step->table,
		 UINT64_C(1) << step->bits, pw_size_lg2_text(step->shift, size));
	beside_add(beside, text, width, LINE_PLAIN);
	/* The words stand beside the entry: two rows below the upper edge, or one at index 0. */
	if (!at_top && beside->count == 1)
		beside_add(beside, " ", width, LINE_PLAIN);
	pw_step_words(picture, step, text, sizeof(text));
	if (!step->read)
		snprintf(text, sizeof(text), "not read");
	beside_add(beside, text[0] ? text : " ", width, LINE_HIT);
	snprintf(text, sizeof(text), "at 0x%" PRIx64, step->at);
	beside_add(beside, text, width, LINE_DIM);
}

/*
 *  stem        box
 *   |       0 +--------------------+ page table at 0x...
 *   |         :                    :
 *   +--> 255  | 0x00000000011e7215 | P read present young
 *             :                    : at 0x...
 *       2047  +--+-----------------+
 */
static void draw_table(struct line *line, const struct pw_picture *picture,
		       const struct picture_step *step, unsigned stem, bool leads_on)
{
	unsigned width = value_digits(picture) + 4, box = stem + ARROW + INDEX + 2;
	unsigned beside_width = line->style.width - (box + width + 3);
	uint64_t last = (UINT64_C(1) << step->bits) - 1;
	bool at_end = step->index == last;
	struct beside beside;

	fill_beside(picture, step, beside_width, &beside);
	put_stem(line, stem);
	if (step->index > 0)
		put_index(line, box, 0);
	pw_line_to(line, box);
	box_edge(line, LINE_DOWN_RIGHT, LINE_DOWN_LEFT, width, 0);
	beside_put(line, &beside);
	if (step->index > 0) {
		put_stem(line, stem);
		pw_line_to(line, box);
		box_dots(line, width);
		beside_put(line, &beside);
	}
	pw_line_to(line, stem);
	pw_line_glyph(line, LINE_UP_RIGHT);
	pw_line_repeat(line, LINE_H, ARROW - 3);
	pw_line_glyph(line, LINE_ARROW);
	pw_line_colour(line, LINE_HIT);
	put_index(line, box, step->index);
	pw_line_colour(line, LINE_PLAIN);
	pw_line_glyph(line, LINE_V);
	pw_line_blanks(line, 1);
	pw_line_colour(line, LINE_VALUE);
	if (step->read)
		pw_line_printf(line, "0x%0*" PRIx64, (int)value_digits(picture), step->entry);
	else
		pw_line_centre(line, "?", width - 2);
	pw_line_colour(line, LINE_PLAIN);
	pw_line_to(line, box + width + 1);
	pw_line_glyph(line, LINE_V);
	beside_put(line, &beside);
	while (!at_end || beside.next < beside.count) {
		pw_line_to(line, box);
		box_dots(line, width);
		beside_put(line, &beside);
		at_end = true;
	}
	if (step->index < last)
		put_index(line, box, last);
	pw_line_to(line, box);
	box_edge(line, LINE_UP_RIGHT, LINE_UP_LEFT, width, leads_on ? box + 3 : 0);
	pw_line_end(line);
	if (!leads_on)
		return;
	pw_line_to(line, stem + INDENT);
	pw_line_glyph(line, LINE_DOWN_RIGHT);
	pw_line_repeat(line, LINE_H, box + 3 - (stem + INDENT) - 1);
	pw_line_glyph(line, LINE_UP_LEFT);
	pw_line_end(line);
}

/* ---- the end ---- */

static void draw_page(struct line *line, const struct pw_picture *picture, unsigned stem)
{
	const struct pw_result *result = &picture->result;
	uint64_t offset = result->va & pw_mask(result->size_lg2);
	char size[32], prot[5];

	put_stem(line, stem);
	pw_line_printf(line, "  page of %s", pw_size_lg2_text(result->size_lg2, size));
	pw_line_end(line);
	pw_line_to(line, stem);
	pw_line_glyph(line, LINE_UP_RIGHT);
	pw_line_repeat(line, LINE_H, ARROW - 3);
	pw_line_glyph(line, LINE_ARROW);
	pw_line_printf(line, " 0x%" PRIx64 " + 0x%" PRIx64 " = ", result->pa - offset, offset);
	pw_line_colour(line, LINE_GOOD);
	pw_line_printf(line, "physical 0x%" PRIx64, result->pa);
	pw_line_colour(line, LINE_PLAIN);
	pw_line_printf(line, "   %s", pw_prot_string(result->attr, prot));
	pw_line_end(line);
}

static void draw_permissions(struct line *line, const struct pw_picture *picture)
{
	for (unsigned i = 0; i < picture->permissions; i++) {
		const struct picture_permission *permission = &picture->permission[i];

		pw_line_to(line, 2);
		pw_line_put(line, permission->name);
		pw_line_to(line, 13);
		pw_line_colour(line, permission->allowed ? LINE_GOOD : LINE_BAD);
		pw_line_put(line, permission->allowed ? "yes" : "no");
		pw_line_colour(line, LINE_PLAIN);
		pw_line_to(line, 18);
		pw_line_paragraph(line, 18, permission->why);
	}
}

/* The field in which step @i's index stands. */
static unsigned field_of_step(const struct pw_picture *picture, int i)
{
	for (unsigned field = 0; field < picture->fields; field++)
		if (picture->field[field].role == PICTURE_INDEX && picture->field[field].step == i)
			return field;
	return picture->fields;
}

void pw_text_address(struct line *line, const struct pw_picture *picture)
{
	unsigned stem = STEM, field = 0;
	bool found = picture->result.status == PW_OK;

	pw_text_title(line, picture);
	pw_line_end(line);
	draw_ruler(line, picture);
	for (unsigned i = 0; i < picture->fields; i++)
		if (picture->field[i].role == PICTURE_SIGN) {
			pw_line_to(line, 2);
			pw_line_colour(line, LINE_DIM);
			pw_line_put(line, picture->field[i].name);
			pw_line_put(line, ": ");
			pw_line_put(line, picture->field[i].why);
			pw_line_colour(line, LINE_PLAIN);
			pw_line_end(line);
		}
	pw_line_end(line);
	pw_line_to(line, 1);
	pw_line_paragraph(line, 3, picture->root_text);
	for (unsigned i = 0; i < picture->steps; i++) {
		unsigned here = field_of_step(picture, (int)i);
		const struct picture_step *step = &picture->step[i];

		draw_folded(line, picture, stem, field, here);
		field = here;
		draw_table(line, picture, step, stem, i + 1 < picture->steps || found);
		stem += INDENT;
	}
	if (found)
		draw_page(line, picture, stem);
	pw_line_end(line);
	pw_line_to(line, 1);
	pw_line_colour(line, found ? LINE_GOOD : LINE_BAD);
	pw_line_paragraph(line, 3, picture->reason);
	pw_line_colour(line, LINE_PLAIN);
	draw_permissions(line, picture);
}

int pw_picture_text(const struct pw_picture *picture, const struct pw_text_style *style,
		    FILE *stream)
{
	static const struct pw_text_style plain;
	struct line line;

	if (!picture || !stream)
		return -EINVAL;
	pw_line_init(&line, stream, style ? style : &plain);
	if (line.style.width < BOXES)
		pw_text_narrow(&line, picture);
	else if (picture->is_range)
		pw_text_range(&line, picture);
	else
		pw_text_address(&line, picture);
	return ferror(stream) ? -EIO : 0;
}
