/* SPDX-License-Identifier: MIT */
/*
 * One address: a ruler of its bits, and below each index the table that it indexes.
 *
 *   | sign | pgd    | pud    | pmd    | pte    | offset |
 *             :        :        :        :         :
 *             v    .-> v   .-> v    .-> v     .-> page
 *          entry --' entry-' entry--' entry --'
 */
#include <inttypes.h>
#include <string.h>

#include "view/svg.h"

static const double MARGIN = 24, RULER = 104, RULER_HEIGHT = 62, TABLE = 236, TABLE_HEIGHT = 176;
static const double ROW = 26, BOX_LEFT = 58, BOX_SHARE = 152, WORD_COLUMNS = 21;

/* Where a field of the address is drawn, and the table below it. */
struct column {
	const struct picture_field *field;
	const struct picture_step *step; /* NULL: nothing was read here */
	double x, width;
};

static double column_width(const struct picture_field *field)
{
	switch ((enum picture_role)field->role) {
	case PICTURE_SIGN:
		return 104;
	case PICTURE_FOLDED:
		return 124;
	case PICTURE_INDEX:
		return field->step >= 0 ? BOX_LEFT + BOX_SHARE + 30 : 112;
	case PICTURE_OFFSET:
		return 232;
	}
	return 100;
}

static void draw_field(struct svg *svg, const struct column *column)
{
	const struct picture_field *field = column->field;
	bool found = svg->picture->result.status == PW_OK;
	bool ghost = field->role == PICTURE_FOLDED ||
		     (field->role == PICTURE_INDEX && field->step < 0) ||
		     (field->role == PICTURE_OFFSET && !found);
	double middle = column->x + column->width / 2;
	const char *dim = ghost || field->role == PICTURE_SIGN ? " dim" : "";
	char class[32];

	if (field->bits) {
		pw_svg_text(svg, "m s dim", "start", column->x + 3, RULER - 6, "%u",
			    field->low + field->bits - 1u);
		if (field->bits > 1)
			pw_svg_text(svg, "m s dim", "end", column->x + column->width - 3, RULER - 6,
				    "%u", field->low);
	}
	pw_svg_rect(svg, ghost ? "ghost" : "cell", column->x, RULER, column->width, RULER_HEIGHT);
	snprintf(class, sizeof(class), "name%s", dim);
	pw_svg_text(svg, class, "middle", middle, RULER + 19, "%s", field->name);
	snprintf(class, sizeof(class), "m%s", dim);
	if (field->bits)
		pw_svg_text(svg, class, "middle", middle, RULER + 37, "0x%0*" PRIx64,
			    (int)(field->bits + 3) / 4, field->value);
	if (field->role == PICTURE_FOLDED)
		pw_svg_text(svg, "s dim", "middle", middle, RULER + 53, "folded, not visited");
	else if (field->role == PICTURE_INDEX)
		pw_svg_text(svg, "m s dim", "middle", middle, RULER + 53, "%" PRIu64, field->value);
}

/* A folded level: a column that no arrow enters. */
static void draw_ghost(struct svg *svg, const struct column *column)
{
	pw_svg_rect(svg, "ghost", column->x + 10, TABLE + 14, column->width - 20,
		    TABLE_HEIGHT - 14);
	pw_svg_paragraph(svg, "s dim", column->x + 18, TABLE + 36, 15, 16, column->field->why);
}

/* The entry's height in its table is proportional to its index. */
static double hit_y(const struct picture_step *step)
{
	double last = (double)pw_mask(step->bits), share = last > 0 ? step->index / last : 0;

	return TABLE + 4 + share * (TABLE_HEIGHT - 8 - ROW);
}

static void draw_drop(struct svg *svg, const struct column *column)
{
	double x = column->x + 18, y = hit_y(column->step) + ROW / 2;
	double box = column->x + BOX_LEFT;

	fprintf(svg->stream, "<path class=\"drop\" d=\"M%.1f %.1fV%.1fH%.1f\"/>\n", x,
		RULER + RULER_HEIGHT, y, box - 7);
	fprintf(svg->stream, "<path class=\"drophead\" d=\"M%.1f %.1fl-8 -4v8z\"/>\n", box, y);
	/* The index goes below the line where the arrow from the left would cross it. */
	pw_svg_text(svg, "m s", "end", box - 9, y < TABLE + 36 ? y + 14 : y - 5, "%" PRIu32,
		    column->step->index);
}

static void draw_box(struct svg *svg, const struct column *column)
{
	const struct picture_step *step = column->step;
	const struct pw_picture *picture = svg->picture;
	double box = column->x + BOX_LEFT, y = hit_y(step);
	double below = TABLE + TABLE_HEIGHT + 18;
	uint32_t last = (uint32_t)pw_mask(step->bits);
	char table[64], size[32], words[PW_PICTURE_TEXT];

	pw_svg_text(svg, "name", "start", box, TABLE - 38, "%s",
		    pw_table_name(picture->regime.format, step->level, table, sizeof(table)));
	pw_svg_text(svg, "m s dim", "start", box, TABLE - 23, "at 0x%" PRIx64, step->table);
	pw_svg_text(svg, "s dim", "start", box, TABLE - 8, "%" PRIu64 " entries of %s",
		    (uint64_t)last + 1, pw_size_lg2_text(step->shift, size));
	pw_svg_rect(svg, "table", box, TABLE, BOX_SHARE, TABLE_HEIGHT);
	if (y > TABLE + 20)
		pw_svg_text(svg, "m s dim", "start", box + 6, TABLE + 15, "0");
	if (y + ROW < TABLE + TABLE_HEIGHT - 20)
		pw_svg_text(svg, "m s dim", "start", box + 6, TABLE + TABLE_HEIGHT - 7, "%" PRIu32,
			    last);
	pw_svg_rect(svg, "hit", box, y, BOX_SHARE, ROW);
	if (step->read)
		pw_svg_text(svg, "m", "middle", box + BOX_SHARE / 2, y + 17, "0x%0*" PRIx64,
			    2 << picture->regime.format->entry_lg2, step->entry);
	else
		pw_svg_text(svg, "s bad", "middle", box + BOX_SHARE / 2, y + 17, "not read");
	pw_svg_text(svg, "m s dim", "start", box, below, "at 0x%" PRIx64, step->at);
	pw_svg_paragraph(svg, "m", box, below + 18, 16, (unsigned)WORD_COLUMNS,
			 pw_step_words(picture, step, words, sizeof(words)));
}

/* An arrow from the selected entry to its table or page, which is drawn to the right. */
static void draw_arrow(struct svg *svg, const struct column *from, double x)
{
	double y = hit_y(from->step) + ROW / 2, start = from->x + BOX_LEFT + BOX_SHARE;

	fprintf(svg->stream,
		"<path class=\"arrow\" d=\"M%.1f %.1fh8c10 0 6 %.1f 16 %.1fL%.1f %.1f\"/>\n", start,
		y, TABLE + 1 - y, TABLE + 1 - y, x - 8, TABLE + 1);
	fprintf(svg->stream, "<path class=\"head\" d=\"M%.1f %.1fl-9 -4.5v9z\"/>\n", x, TABLE + 1);
}

static void draw_page(struct svg *svg, const struct column *column)
{
	const struct pw_result *result = &svg->picture->result;
	double x = column->x + 40;
	uint64_t offset = result->va & pw_mask(result->size_lg2);
	char size[32], prot[5];

	pw_svg_text(svg, "name", "start", x, TABLE - 38, "page of %s",
		    pw_size_lg2_text(result->size_lg2, size));
	pw_svg_text(svg, "m s dim", "start", x, TABLE - 23, "at 0x%" PRIx64, result->pa - offset);
	pw_svg_rect(svg, "page", x, TABLE, 176, TABLE_HEIGHT);
	pw_svg_text(svg, "m dim", "start", x + 12, TABLE + 28, "0x%" PRIx64, result->pa - offset);
	pw_svg_text(svg, "m dim", "start", x + 12, TABLE + 46, "+ 0x%" PRIx64, offset);
	pw_svg_text(svg, "s dim", "start", x + 12, TABLE + 72, "physical address");
	pw_svg_text(svg, "m good", "start", x + 12, TABLE + 90, "0x%" PRIx64, result->pa);
	pw_svg_text(svg, "s dim", "start", x + 12, TABLE + 118, "permissions");
	pw_svg_text(svg, "m good", "start", x + 12, TABLE + 136, "%s",
		    pw_prot_string(result->attr, prot));
}

static void draw_hole(struct svg *svg, double x, double top)
{
	const struct pw_picture *picture = svg->picture;

	pw_svg_rect(svg, "hole", x, top, 216, TABLE_HEIGHT);
	pw_svg_text(svg, "bad", "start", x + 12, top + 24, "%s",
		    pw_status_name((enum pw_status)picture->result.status));
	pw_svg_paragraph(svg, "s", x + 12, top + 46, 15, 31, picture->reason);
}

static void draw_permissions(struct svg *svg, double y)
{
	const struct pw_picture *picture = svg->picture;

	for (unsigned i = 0; i < picture->permissions; i++) {
		const struct picture_permission *permission = &picture->permission[i];

		pw_svg_text(svg, "", "start", MARGIN, y, "%s", permission->name);
		pw_svg_text(svg, permission->allowed ? "good" : "bad", "start", MARGIN + 84, y,
			    "%s", permission->allowed ? "yes" : "no");
		pw_svg_text(svg, "dim", "start", MARGIN + 124, y, "%s", permission->why);
		y += 19;
	}
}

/* Lines that the longest list of words takes below a table. */
static unsigned word_lines(const struct pw_picture *picture)
{
	unsigned most = 1;

	for (unsigned i = 0; i < picture->steps; i++) {
		char words[PW_PICTURE_TEXT];
		unsigned lines = pw_svg_lines(
			(unsigned)WORD_COLUMNS,
			pw_step_words(picture, &picture->step[i], words, sizeof(words)));

		most = lines > most ? lines : most;
	}
	return most;
}

static const struct column *next_stop(const struct column *column, const struct column *end)
{
	for (column++; column < end; column++)
		if (column->step || column->field->role == PICTURE_OFFSET)
			return column;
	return NULL;
}

static void draw_column(struct svg *svg, const struct column *column, const struct column *end,
			double hole_x)
{
	const struct pw_picture *picture = svg->picture;
	unsigned number = (unsigned)(column->field->step + 1);
	bool found = picture->result.status == PW_OK;
	bool is_last = number == picture->steps;
	const struct column *next = next_stop(column, end);

	pw_svg_step_begin(svg, number, "");
	draw_field(svg, column);
	draw_drop(svg, column);
	draw_box(svg, column);
	pw_svg_group_end(svg);
	if (!is_last || found) {
		pw_svg_step_begin(svg, number + 1, "");
		if (next)
			draw_arrow(svg, column, next->x + (next->step ? BOX_LEFT : 40));
		pw_svg_group_end(svg);
	} else {
		pw_svg_step_begin(svg, number + 1, "");
		draw_arrow(svg, column, hole_x);
		pw_svg_group_end(svg);
	}
}

void pw_svg_address(FILE *stream, const struct pw_picture *picture, bool embedded)
{
	struct svg svg = { .stream = stream, .picture = picture, .embedded = embedded };
	struct column column[PW_PICTURE_FIELDS];
	const struct column *end = column + picture->fields;
	bool found = picture->result.status == PW_OK;
	double x = MARGIN, hole_x, bottom;

	for (unsigned i = 0; i < picture->fields; i++) {
		const struct picture_field *field = &picture->field[i];

		column[i] = (struct column){
			.field = field,
			.step = field->role == PICTURE_INDEX && field->step >= 0
					? &picture->step[field->step]
					: NULL,
			.x = x,
			.width = column_width(field),
		};
		x += column[i].width;
	}
	/* A hole is drawn in the next column of the walk, or under the sign if the walk did not begin. */
	hole_x = MARGIN + 20;
	for (const struct column *c = column; c < end; c++)
		if (c->step)
			hole_x = c->x + c->width + 10;
	if (!found && hole_x + 236 > x)
		x = hole_x + 236;
	bottom = TABLE + TABLE_HEIGHT + 40 + 16 * word_lines(picture) + 26;
	pw_svg_begin(&svg, x + MARGIN < 720 ? 720 : x + MARGIN,
		     bottom + (embedded ? 0 : 19 * picture->permissions + 14));
	for (const struct column *c = column; c < end; c++) {
		if (c->step) {
			draw_column(&svg, c, end, hole_x);
			continue;
		}
		if (c->field->role == PICTURE_OFFSET)
			pw_svg_step_begin(&svg, picture->steps + 1, "");
		draw_field(&svg, c);
		if (c->field->role == PICTURE_SIGN)
			pw_svg_paragraph(&svg, "s dim", c->x + 6, RULER + RULER_HEIGHT + 18, 14, 15,
					 c->field->why);
		if (c->field->role == PICTURE_FOLDED && (found || c->x + c->width < hole_x))
			draw_ghost(&svg, c);
		if (c->field->role == PICTURE_OFFSET)
			pw_svg_group_end(&svg);
	}
	pw_svg_step_begin(&svg, picture->steps + 1, "");
	if (found)
		draw_page(&svg, end - 1);
	else
		draw_hole(&svg, hole_x, TABLE);
	pw_svg_text(&svg, found ? "good" : "bad", "start", MARGIN, bottom - 12, "%s",
		    picture->reason);
	if (!embedded)
		draw_permissions(&svg, bottom + 10);
	pw_svg_group_end(&svg);
	pw_svg_end(&svg);
}
