/* SPDX-License-Identifier: MIT */
/* A range: one bar per level with its boundaries below each other, and every entry as a tree. */
#include <inttypes.h>
#include <stdlib.h>

#include "view/svg.h"

static const double MARGIN = 24, NAMES = 128, BAR = 26, LANE = 36, NOTES = 250, ROW = 22;
static const double INDENT = 22, WIDTH = 1080;

static const struct picture_lane *finest(const struct picture_part *part)
{
	const struct picture_lane *lane = &part->lane[0];

	for (unsigned i = 1; i < part->lanes; i++)
		if (part->lane[i].cells > lane->cells)
			lane = &part->lane[i];
	return lane;
}

/* Not to scale: all cells of the finest lane have the same width. */
static double x_of(const struct picture_part *part, pw_va first)
{
	const struct picture_lane *lane = finest(part);
	double left = MARGIN + NAMES, width = WIDTH - MARGIN - NOTES - left;

	for (unsigned i = 0; i < lane->cells; i++)
		if (lane->cell[i].first >= first)
			return left + width * i / lane->cells;
	return left + width;
}

static void draw_lane(struct svg *svg, const struct picture_part *part,
		      const struct picture_lane *lane, double y)
{
	double right = WIDTH - MARGIN - NOTES;

	pw_svg_text(svg, lane->folded ? "dim" : "name", "start", MARGIN, y + 17, "%s", lane->name);
	if (lane->folded) {
		pw_svg_rect(svg, "ghost", MARGIN + NAMES, y, right - MARGIN - NAMES, BAR);
		pw_svg_text(svg, "s dim", "start", MARGIN + NAMES + 10, y + 17,
			    "folded, not visited: %s", lane->note);
		return;
	}
	for (unsigned i = 0; i < lane->cells; i++) {
		const struct picture_cell *cell = &lane->cell[i];
		double x = x_of(part, cell->first);
		double end = i + 1 < lane->cells ? x_of(part, lane->cell[i + 1].first) : right;
		char label[40];

		if (cell->index == cell->last_index)
			snprintf(label, sizeof(label), "%" PRIu32, cell->index);
		else
			snprintf(label, sizeof(label), "%" PRIu32 "-%" PRIu32, cell->index,
				 cell->last_index);
		pw_svg_rect(svg, lane->iterates ? "hit" : "cell", x, y, end - x, BAR);
		pw_svg_text(svg, "m", "middle", (x + end) / 2, y + 17, "%s", label);
	}
	pw_svg_text(svg, lane->iterates ? "s good" : "s dim", "start", right + 12, y + 17, "%s",
		    lane->note);
}

/* The boundaries' addresses, every second one a line lower so that they do not touch. */
static double draw_boundaries(struct svg *svg, const struct picture_part *part, double top,
			      double y)
{
	const struct picture_lane *lane = finest(part);
	bool crowded = lane->cells > 4;

	for (unsigned i = 0; i <= lane->cells; i++) {
		bool is_end = i == lane->cells;
		pw_va va = is_end ? part->last : lane->cell[i].first;
		double x = is_end ? WIDTH - MARGIN - NOTES : x_of(part, va);
		double drop = crowded && i % 2 ? 16 : 0;

		pw_svg_line(svg, "drop", x, top, x, y + drop + 4);
		pw_svg_text(svg, "m s", i == 0 ? "start" : "middle", x, y + drop + 16, "0x%" PRIx64,
			    va);
	}
	return y + (crowded ? 36 : 20);
}

static unsigned depth_of(const struct pw_picture *picture, const struct picture_step *step)
{
	unsigned depth = 0;

	for (int i = step->parent; i >= 0; i = picture->step[i].parent)
		depth++;
	return depth;
}

/* The destination of a step, as text. */
static void target_text(const struct pw_picture *picture, const struct picture_step *step,
			char *text, size_t bytes)
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
	else
		snprintf(text, bytes, "%s, %s", pw_status_name((enum pw_status)step->status), size);
}

static void draw_step(struct svg *svg, unsigned at, double y)
{
	const struct pw_picture *picture = svg->picture;
	const struct picture_step *step = &picture->step[at];
	double x = MARGIN + 10 + INDENT * depth_of(picture, step);
	char words[PW_PICTURE_TEXT], target[200], indices[40];

	snprintf(indices, sizeof(indices), step->count > 1 ? "%" PRIu32 "-%" PRIu32 : "%" PRIu32,
		 step->index, step->index + step->count - 1);
	target_text(picture, step, target, sizeof(target));
	pw_step_words(picture, step, words, sizeof(words));
	pw_svg_step_begin(svg, at + 1, "row");
	pw_svg_rect(svg, "rowbg", MARGIN, y - 15, WIDTH - 2 * MARGIN, ROW);
	pw_svg_text(svg, "m name", "start", x, y, "%s", indices);
	pw_svg_text(svg, "m", "start", x + 84, y, step->read ? "0x%0*" PRIx64 : "not read",
		    2 << picture->regime.format->entry_lg2, step->entry);
	pw_svg_text(svg,
		    step->kind == PW_LEAF   ? "good"
		    : step->kind == PW_HOLE ? "bad"
					    : "",
		    "start", x + 228, y, "%s %s",
		    step->kind == PW_HOLE ? "\xe2\x80\x93" : "\xe2\x86\x92", target);
	pw_svg_text(svg, "m s dim", "start", 600, y, "0x%" PRIx64 "%s", step->first,
		    step->count > 1 ? " ..." : "");
	pw_svg_text(svg, "m s dim", "start", 740, y, "%s", words);
	pw_svg_group_end(svg);
}

/* The lines from a table's entry down to the entries of the table it leads to. */
static void draw_branches(struct svg *svg, unsigned at, const double *y)
{
	const struct pw_picture *picture = svg->picture;
	const struct picture_step *step = &picture->step[at];
	double x = MARGIN + 10 + INDENT * depth_of(picture, step) - INDENT + 4;

	if (step->parent >= 0)
		fprintf(svg->stream, "<path class=\"tree\" d=\"M%.1f %.1fV%.1fH%.1f\"/>\n", x,
			y[step->parent] + 4, y[at] - 4, x + INDENT - 8);
}

static double part_height(const struct pw_picture *picture, unsigned part)
{
	unsigned rows = 0;

	for (unsigned i = 0; i < picture->steps; i++)
		rows += picture->step[i].part == part;
	return LANE * picture->part[part].lanes + 62 +
	       17 * pw_svg_lines(150, picture->part[part].why) + 40 + ROW * rows + 20;
}

static double draw_part(struct svg *svg, unsigned number, double y, double *step_y)
{
	const struct pw_picture *picture = svg->picture;
	const struct picture_part *part = &picture->part[number];
	double top = y;
	char table[64];

	/* A bar hides the boundaries inside its entry. */
	y = draw_boundaries(svg, part, top, top + LANE * (part->lanes - 1) + BAR + 4) + 16;
	for (unsigned i = 0; i < part->lanes; i++)
		draw_lane(svg, part, &part->lane[i], top + LANE * i);
	y = pw_svg_paragraph(svg, "", MARGIN, y, 17, 150, part->why) + 16;
	pw_svg_text(svg, "name", "start", MARGIN, y, "%s at 0x%" PRIx64,
		    pw_table_name(picture->regime.format, part->span->top, table, sizeof(table)),
		    part->span->table);
	y += ROW + 4;
	for (unsigned i = 0; i < picture->steps; i++) {
		if (picture->step[i].part != number)
			continue;
		step_y[i] = y;
		draw_step(svg, i, y);
		draw_branches(svg, i, step_y);
		y += ROW;
	}
	return y + 10;
}

void pw_svg_range(FILE *stream, const struct pw_picture *picture, bool embedded)
{
	struct svg svg = { .stream = stream, .picture = picture, .embedded = embedded };
	double y = 78, height = y + 40;
	double *step_y = calloc(picture->steps + 1, sizeof(*step_y));

	if (!step_y)
		return;
	for (unsigned i = 0; i < picture->parts; i++)
		height += part_height(picture, i);
	pw_svg_begin(&svg, WIDTH, height);
	for (unsigned i = 0; i < picture->parts; i++)
		y = draw_part(&svg, i, y, step_y);
	pw_svg_step_begin(&svg, picture->steps + 1, "");
	pw_svg_paragraph(&svg, picture->leaves ? "good" : "bad", MARGIN, y + 12, 17, 150,
			 picture->reason);
	pw_svg_group_end(&svg);
	pw_svg_end(&svg);
	free(step_y);
}
