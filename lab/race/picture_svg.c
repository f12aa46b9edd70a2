/* SPDX-License-Identifier: MIT */
/*
 * The picture of a finding as SVG: a lane for each thread, a box for each step. An arrow goes from a write to the
 * step of another thread that reads it; a bracket beside a lane shows how long a store is in its buffer.
 */
#include <stdlib.h>
#include <string.h>

#include "lab/race/markup.h"
#include "lab/race/picture.h"
#include "lab/race/real.h"

static const double MARGIN = 24, NUMBERS = 84, SOURCE = 190, LETTER = 7.25, LEADING = 17, HEAD = 24;
struct drawing {
	FILE *file;
	const struct race_picture *picture;
	double width, lane, bottom;
	unsigned columns, paragraph,
		title; /* letters in a line: of a box, of a paragraph, of the title */
	double *top, *height; /* of each row's box */
	int last[RACE_THREADS];
	char legend[400], command[4700];
};

/* Colours follow the reader's scheme. */
static const char style[] =
	"<style>\n"
	".pw{--bg:#ffffff;--fg:#1b1f24;--dim:#5d6875;--line:#9aa5b1;--box:#f4f6f8;--hit:#fff1c2;"
	"--hitline:#b07400;--arrow:#1f5fbf;--bad:#b3261e;--alarm:#fbe3e1;"
	"font-family:system-ui,-apple-system,'Segoe UI','Liberation Sans',sans-serif;font-size:13px}\n"
	"@media (prefers-color-scheme:dark){.pw{--bg:#15181c;--fg:#e6e9ed;--dim:#9aa6b3;"
	"--line:#59636f;--box:#1e2329;--hit:#4a3a0c;--hitline:#e3b341;--arrow:#79b0ff;"
	"--bad:#ff8a80;--alarm:#4b1613}}\n"
	".pw .bg{fill:var(--bg)}.pw text{fill:var(--fg)}.pw .dim{fill:var(--dim)}"
	".pw .h1{font-size:17px;font-weight:600}.pw .name{font-weight:600}"
	".pw .m{font-family:ui-monospace,'DejaVu Sans Mono','Liberation Mono',Menlo,Consolas,"
	"monospace;font-size:12px;white-space:pre}.pw .right{text-anchor:end}"
	".pw .strong{fill:var(--hitline);font-weight:600}.pw .bad{fill:var(--bad);font-weight:600}\n"
	".pw .lane{stroke:var(--line);stroke-width:1.2}"
	".pw .cell{fill:var(--box);stroke:var(--line)}"
	".pw .cell.decisive{fill:var(--hit);stroke:var(--hitline);stroke-width:2.5}"
	".pw .cell.buffered{fill:var(--bg);stroke-dasharray:4 3}"
	".pw .cell.waits,.pw .alarm{fill:var(--alarm);stroke:var(--bad);stroke-width:1.6}"
	".pw .cell.folded{fill:var(--bg);stroke:none}"
	".pw .held{stroke:var(--hitline);stroke-width:1.6;stroke-dasharray:3 3;fill:none}"
	".pw .arrow{stroke:var(--arrow);stroke-width:1.6;fill:none}.pw .head{fill:var(--arrow)}\n"
	"</style>\n";

static double lane_left(const struct drawing *d, unsigned thread)
{
	return MARGIN + NUMBERS + d->lane * d->picture->column[thread];
}

/* The box of a row. */
static double box_left(const struct drawing *d, const struct race_row *row)
{
	return lane_left(d, row->thread) + 14;
}

static double box_width(const struct drawing *d)
{
	return d->lane - 28;
}

/* How to read the picture: only what it has. */
static void write_legend(struct drawing *d)
{
	bool buffered = false, read = false;
	size_t used;

	for (unsigned i = 0; i < d->picture->rows; i++) {
		const struct race_row *row = &d->picture->row[i];

		buffered |= row->kind == RACE_ROW_BUFFERED;
		read |= row->kind == RACE_ROW_STEP && row->from >= 0 &&
			d->picture->row[row->from].thread != row->thread;
	}
	snprintf(d->legend, sizeof(d->legend), "Time goes down; each column is a thread.");
	used = strlen(d->legend);
	if (buffered)
		snprintf(
			d->legend + used, sizeof(d->legend) - used,
			" A dashed box is a store in its processor's store buffer; a dashed line leads "
			"to the step in which it reaches the memory.");
	used = strlen(d->legend);
	if (read)
		snprintf(d->legend + used, sizeof(d->legend) - used,
			 " An arrow leads from a write to the step that reads it.");
	snprintf(d->command, sizeof(d->command), "replay: %s", d->picture->command);
}

/* ---- lengths ---- */

static void measure(struct drawing *d)
{
	const struct race_picture *picture = d->picture;
	const unsigned threads = picture->columns ? picture->columns : 1;
	double y;

	d->lane = threads <= 2 ? 330 : threads == 3 ? 260 : 220;
	d->columns = (unsigned)((box_width(d) - 16) / LETTER);
	d->width = 2 * MARGIN + NUMBERS + d->lane * threads + SOURCE;
	d->paragraph = (unsigned)((d->width - 2 * MARGIN) / LETTER);
	d->title = (unsigned)((d->width - 2 * MARGIN) / 10.2);
	/* The lanes begin below the title. */
	y = 30 + 22 * race_lines(picture->title, d->title) + HEAD + 22;
	for (unsigned i = 0; i < picture->rows; i++) {
		d->top[i] = y;
		d->height[i] = 12 + LEADING * race_lines(picture->row[i].words, d->columns);
		y += d->height[i] + 12;
		d->last[picture->row[i].thread] = (int)i;
	}
	d->bottom = y;
}

static unsigned end_lines(const struct drawing *d)
{
	const struct race_picture *picture = d->picture;

	return race_lines(picture->details, d->paragraph) +
	       race_lines(picture->decided, d->paragraph) + race_lines(d->legend, d->paragraph) +
	       race_lines(d->command, d->paragraph) + race_lines(picture->counts, d->paragraph);
}

/* ---- pieces ---- */

static void draw_lanes(const struct drawing *d)
{
	for (unsigned k = 0; k < d->picture->columns; k++) {
		const unsigned i = d->picture->thread_in[k];
		const double x = lane_left(d, i) + d->lane / 2;
		const double top = d->picture->rows ? d->top[0] : d->bottom;

		race_svg_text(d->file, "name middle", lane_left(d, i) + 14, top - 14, "%s",
			      d->picture->scenario->thread[i].name);
		if (d->last[i] >= 0)
			race_svg_line(d->file, "lane", x, top - 6, x,
				      d->top[d->last[i]] + d->height[d->last[i]]);
	}
}

static void draw_title(const struct drawing *d, const struct race_row *row)
{
	struct race_frame frame[RACE_FRAMES];
	unsigned count = race_row_frames(row, frame, RACE_FRAMES);

	fputs("<title>", d->file);
	race_escape(d->file, row->sentence);
	for (unsigned i = 0; i < count; i++)
		fprintf(d->file, "\n%s %s (%s:%d)", i ? "called from" : "in", frame[i].function,
			frame[i].file, frame[i].line);
	fputs("</title>\n", d->file);
}

static void draw_row(const struct drawing *d, unsigned i)
{
	static const char *const classes[] = { [RACE_ROW_STEP] = "cell",
					       [RACE_ROW_BUFFERED] = "cell buffered",
					       [RACE_ROW_FOLDED] = "cell folded",
					       [RACE_ROW_WAITS] = "cell waits" };
	const struct race_row *row = &d->picture->row[i];
	const double base = d->top[i] + 6 + LEADING - 4;
	char source[96];

	fprintf(d->file, "<g class=\"step\" data-row=\"%u\">\n", i);
	draw_title(d, row);
	race_svg_rect(d->file, row->decisive ? "cell decisive" : classes[row->kind],
		      box_left(d, row), d->top[i], box_width(d), d->height[i]);
	race_svg_paragraph(d->file, row->kind == RACE_ROW_FOLDED ? "m dim" : "m",
			   box_left(d, row) + 8, base, LEADING, d->columns, row->words);
	if (row->kind == RACE_ROW_STEP)
		race_svg_text(d->file, row->decisive ? "strong right" : "dim right",
			      MARGIN + NUMBERS - 12, base, row->decisive ? "decides %u" : "%u",
			      row->first + 1);
	if (row->interrupted >= 0) {
		const double x = lane_left(d, (unsigned)row->interrupted) + d->lane / 2;

		race_svg_line(d->file, "lane", x - 7, d->top[i] - 6, x + 7, d->top[i] - 6);
		race_svg_text(d->file, "dim", x + 10, base, "interrupted");
	}
	race_row_source(row, source, sizeof(source));
	race_svg_text(d->file, "m dim", d->width - MARGIN - SOURCE + 12, base, "%s", source);
	fputs("</g>\n", d->file);
}

static void draw_head(const struct drawing *d, double x, double y, double direction)
{
	fprintf(d->file, "<path class=\"head\" d=\"M%.1f %.1fl%.1f -4.5v9z\"/>\n", x, y,
		-9 * direction);
}

/* From the write to the step of another lane that reads it; or from a store to where it leaves the buffer. */
static void draw_links(const struct drawing *d, unsigned i)
{
	const struct race_row *row = &d->picture->row[i];

	if (row->kind == RACE_ROW_BUFFERED && row->partner >= 0) {
		const unsigned to = (unsigned)row->partner;
		const double x = box_left(d, row);

		fprintf(d->file, "<path class=\"held\" d=\"M%.1f %.1fh-8V%.1fh8\"/>\n", x,
			d->top[i] + d->height[i] / 2, d->top[to] + d->height[to] / 2);
	}
	if (row->kind == RACE_ROW_STEP && row->from >= 0 &&
	    d->picture->row[row->from].thread != row->thread) {
		const struct race_row *from = &d->picture->row[row->from];
		const bool rightwards = d->picture->column[from->thread] <
					d->picture->column[row->thread];
		const double x1 = box_left(d, from) + (rightwards ? box_width(d) : 0);
		const double x2 = box_left(d, row) + (rightwards ? 0 : box_width(d));
		const double direction = rightwards ? 1 : -1;
		const double y1 = d->top[row->from] + d->height[row->from] / 2;
		const double y2 = d->top[i] + d->height[i] / 2;

		fprintf(d->file, "<path class=\"arrow\" d=\"M%.1f %.1fh%.1fV%.1fH%.1f\"/>\n", x1,
			y1, 14 * direction, y2, x2 - 8 * direction);
		draw_head(d, x2, y2, direction);
	}
}

static void draw_end(const struct drawing *d)
{
	const struct race_picture *picture = d->picture;
	const unsigned lines = race_lines(picture->failure, d->paragraph - 6);
	double y = d->bottom + 6;

	race_svg_rect(d->file, "alarm", MARGIN, y, d->width - 2 * MARGIN, 16 + LEADING * lines);
	y = race_svg_paragraph(d->file, "bad", MARGIN + 12, y + LEADING + 4, LEADING,
			       d->paragraph - 6, picture->failure);
	y = race_svg_paragraph(d->file, "", MARGIN, y + 14, LEADING, d->paragraph,
			       picture->details);
	y = race_svg_paragraph(d->file, "", MARGIN, y + 4, LEADING, d->paragraph, picture->decided);
	y = race_svg_paragraph(d->file, "dim", MARGIN, y + 8, LEADING, d->paragraph, d->legend);
	y = race_svg_paragraph(d->file, "m", MARGIN, y + 8, LEADING, d->paragraph, d->command);
	race_svg_paragraph(d->file, "dim", MARGIN, y + 4, LEADING, d->paragraph, picture->counts);
}

static void draw(const struct drawing *d)
{
	const struct race_picture *picture = d->picture;
	const double height = d->bottom + 66 +
			      LEADING * (race_lines(picture->failure, d->paragraph - 6) +
					 end_lines(d));

	fprintf(d->file,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"pw\" width=\"%.0f\" height=\"%.0f\" "
		"viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-labelledby=\"pw-title pw-desc\">\n"
		"<title id=\"pw-title\">",
		d->width, height, d->width, height);
	race_escape(d->file, picture->title);
	fputs("</title>\n<desc id=\"pw-desc\">", d->file);
	race_escape(d->file, picture->details);
	race_escape(d->file, picture->decided);
	fprintf(d->file, "</desc>\n%s", style);
	race_svg_rect(d->file, "bg", 0, 0, d->width, height);
	race_svg_paragraph(d->file, "h1", MARGIN, 34, 22, d->title, picture->title);
	draw_lanes(d);
	for (unsigned i = 0; i < picture->rows; i++)
		draw_row(d, i);
	for (unsigned i = 0; i < picture->rows; i++)
		draw_links(d, i);
	draw_end(d);
	fputs("</svg>\n", d->file);
}

void race_picture_svg(FILE *file, const struct race_picture *picture)
{
	struct drawing d = { .file = file, .picture = picture };

	d.top = __real_calloc(picture->rows + 1, sizeof(*d.top));
	d.height = __real_calloc(picture->rows + 1, sizeof(*d.height));
	for (unsigned i = 0; i < RACE_THREADS; i++)
		d.last[i] = -1;
	if (d.top && d.height) {
		write_legend(&d);
		measure(&d);
		draw(&d);
	}
	__real_free(d.top);
	__real_free(d.height);
}
