/* SPDX-License-Identifier: MIT */
/*
 * The picture of a state. Each shown page has a row; the tables are columns beside it, top level first. Neighbouring
 * rows that go through the same entry share its cell, and those in the same table its frame, so that no line
 * crosses another:
 *
 *     A                      pmd          pte
 *     0x10000  rw-p  ======  | [0] |  --  | [16] |  ------  folio
 *     0x11000        ======  |     |      | [17] |  --\
 *     0x400000 r--p  ======  | [2] |  --  | [0]  |  ---+--  folio
 */
#include <string.h>
#include <sys/mman.h>

#include "base/escape.h"
#include "cli/sim/sim.h"
#include "view/svg.h"

enum {
	ROW = 20,
	AREA_WIDTH = 230,
	CELL_WIDTH = 116,
	GAP = 26,
	FOLIO_WIDTH = 250,
	FOLIO_HEIGHT = 38,
	TOP = 44,
};

/* What sim_page.css says of drawings, for a file of its own. */
static const char style[] =
	"<style>.pw .folio{fill:var(--box);stroke:var(--line)}"
	".pw .folio.pinned{stroke:var(--hitline);stroke-width:2;fill:var(--hit)}"
	".pw .link{fill:none;stroke:var(--arrow);stroke-width:1.2}"
	".pw .link.readonly{stroke-dasharray:4 3}</style>\n";

struct drawing {
	FILE *stream;
	const struct sim_run *run;
	const struct sim_state *state;
	unsigned levels; /* of the deepest walk */
	int row_y[SIM_ROWS];
	int folio_y[SIM_FOLIOS];
	int folio_x, height;
};

static void text_at(FILE *stream, int x, int y, const char *class, const char *text)
{
	fprintf(stream, "<text x=\"%d\" y=\"%d\" class=\"%s\">", x, y, class);
	pw_escape_xml(stream, text);
	fputs("</text>", stream);
}

static int column_x(const struct drawing *d, unsigned level)
{
	return AREA_WIDTH + GAP + (int)(d->levels - 1 - level) * (CELL_WIDTH + GAP);
}

/* ---- where things are ---- */

static void place(struct drawing *d)
{
	const struct sim_state *state = d->state;
	int y = TOP;

	for (unsigned i = 0; i < state->rows; i++)
		for (unsigned s = 0; s < state->row[i].trace.steps; s++)
			if (state->row[i].trace.step[s].level + 1u > d->levels)
				d->levels = state->row[i].trace.step[s].level + 1u;
	for (unsigned a = 0; a < state->areas; a++) {
		const struct sim_area *area = &state->area[a];

		if (a == 0 || state->area[a - 1].mm != area->mm)
			y += ROW; /* the name of the address space */
		y += ROW; /* the VMA */
		for (unsigned i = 0; i < area->rows; i++, y += ROW)
			d->row_y[area->first_row + i] = y;
		if (area->hidden)
			y += ROW;
		y += 8;
	}
	d->folio_x = column_x(d, 0) + CELL_WIDTH + 2 * GAP;
	for (unsigned i = 0; i < state->folios; i++)
		d->folio_y[i] = TOP + ROW + (int)i * (FOLIO_HEIGHT + 8);
	d->height = y;
	if (state->folios > 0 && d->folio_y[state->folios - 1] + FOLIO_HEIGHT > d->height)
		d->height = d->folio_y[state->folios - 1] + FOLIO_HEIGHT;
	d->height += 12;
}

/* ---- VMAs ---- */

static void area_words(const struct sim_area *area, char *text, size_t size)
{
	const struct pw_vma_info *vma = &area->vma;

	snprintf(text, size, "0x%llx-0x%llx %c%c%c%c%s%s%s%s", (unsigned long long)vma->first,
		 (unsigned long long)vma->last, vma->prot & PROT_READ ? 'r' : '-',
		 vma->prot & PROT_WRITE ? 'w' : '-', vma->prot & PROT_EXEC ? 'x' : '-',
		 vma->shared ? 's' : 'p',
		 vma->io     ? " device"
		 : vma->file ? " file"
			     : "",
		 vma->locked ? " locked" : "", vma->hugetlb ? " hugetlb" : "",
		 vma->secret ? " secret" : "");
}

static void draw_areas(const struct drawing *d)
{
	const struct sim_state *state = d->state;
	char text[SIM_TEXT];
	int y = TOP;

	if (state->areas == 0)
		text_at(d->stream, 8, TOP - 10, "dim", "nothing is mapped");
	for (unsigned a = 0; a < state->areas; a++) {
		const struct sim_area *area = &state->area[a];

		if (a == 0 || state->area[a - 1].mm != area->mm) {
			text_at(d->stream, 8, y + 14, "h1", d->run->object[area->mm].name);
			y += ROW;
		}
		area_words(area, text, sizeof(text));
		text_at(d->stream, 8, y + 14, "m", text);
		y += ROW;
		for (unsigned i = 0; i < area->rows; i++, y += ROW) {
			fprintf(d->stream,
				"<rect class=\"cell\" x=\"16\" y=\"%d\" width=\"%d\" height=\"%d\"/>",
				y, AREA_WIDTH - 16, ROW);
			snprintf(text, sizeof(text), "0x%llx",
				 (unsigned long long)state->row[area->first_row + i].va);
			text_at(d->stream, 22, y + 14, "m", text);
		}
		if (area->hidden) {
			snprintf(text, sizeof(text), "%llu more pages are not shown",
				 (unsigned long long)area->hidden);
			text_at(d->stream, 22, y + 14, "dim", text);
			y += ROW;
		}
		y += 8;
	}
}

/* ---- tables ---- */

/* The step of a row's walk at @level, or NULL. */
static const struct pw_step *step_at(const struct sim_row *row, unsigned level)
{
	for (unsigned i = 0; i < row->trace.steps; i++)
		if (row->trace.step[i].level == level)
			return &row->trace.step[i];
	return NULL;
}

static bool same_entry(const struct pw_step *a, const struct pw_step *b)
{
	return a && b && a->at == b->at;
}

static const char *cell_class(const struct pw_step *step)
{
	if (step->kind == PW_TABLE)
		return "table";
	return step->status == PW_OK ? "page" : step->status == PW_NONE ? "ghost" : "hole";
}

/* One entry, as high as the rows first..last that go through it. */
static void draw_cell(const struct drawing *d, const struct pw_step *step, unsigned first,
		      unsigned last)
{
	int x = column_x(d, step->level), y = d->row_y[first];
	int height = d->row_y[last] + ROW - y;
	char text[SIM_TEXT], prot[5];

	fprintf(d->stream, "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"/>",
		cell_class(step), x, y, CELL_WIDTH, height);
	if (step->kind == PW_TABLE)
		snprintf(text, sizeof(text), "[%u] table", step->index);
	else if (step->status == PW_OK)
		snprintf(text, sizeof(text), "[%u] %s", step->index,
			 pw_prot_string(step->attr, prot));
	else
		snprintf(text, sizeof(text), "[%u] %s", step->index,
			 pw_status_name((enum pw_status)step->status));
	text_at(d->stream, x + 6, y + 14, "m", text);
	if (step->kind == PW_TABLE && step->level > 0)
		fprintf(d->stream, "<path class=\"arrow\" d=\"M%d %dH%d\"/>", x + CELL_WIDTH,
			y + 10, x + CELL_WIDTH + GAP);
}

static void draw_tables(const struct drawing *d)
{
	const struct sim_state *state = d->state;

	for (unsigned level = 0; level < d->levels && state->rows > 0; level++) {
		unsigned first = 0;

		text_at(d->stream, column_x(d, level), TOP - 10, "name",
			pw_level_name(d->run->script->machine.format, level));
		for (unsigned i = 0; i < state->rows; i++) {
			const struct pw_step *step = step_at(&state->row[i], level);
			const struct pw_step *next = i + 1 < state->rows && state->row[i + 1].mm ==
										    state->row[i].mm
							     ? step_at(&state->row[i + 1], level)
							     : NULL;

			if (step && !same_entry(step, next))
				draw_cell(d, step, first, i);
			if (!same_entry(step, next))
				first = i + 1;
		}
	}
}

/* ---- folios ---- */

/* A pin of a small folio is 1024 references. */
static void count_words(const struct pw_folio_info *info, const char *label, char *text,
			size_t size)
{
	uint32_t pins = info->pins, references = info->references;

	if (info->order == 0 && info->maybe_pinned) {
		pins = references / 1024;
		references %= 1024;
	}
	snprintf(text, size, "%s  %u reference%s", label, references, references == 1 ? "" : "s");
	if (pins > 0)
		snprintf(text + strlen(text), size - strlen(text), ", %u pin%s", pins,
			 pins == 1 ? "" : "s");
}

static void draw_folios(const struct drawing *d)
{
	const struct sim_state *state = d->state;
	char text[SIM_TEXT];

	if (state->folios > 0)
		text_at(d->stream, d->folio_x, TOP - 10, "name", "folios");
	for (unsigned i = 0; i < state->folios; i++) {
		const struct sim_folio *folio = &state->folio[i];
		int y = d->folio_y[i];

		fprintf(d->stream,
			"<rect class=\"folio%s\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"5\"/>",
			folio->info.maybe_pinned ? " pinned" : "", d->folio_x, y, FOLIO_WIDTH,
			FOLIO_HEIGHT);
		count_words(&folio->info, folio->label, text, sizeof(text));
		text_at(d->stream, d->folio_x + 8, y + 15, "m", text);
		sim_folio_words(folio, text, sizeof(text));
		text_at(d->stream, d->folio_x + 8, y + 31, "s", text);
	}
}

static void draw_links(const struct drawing *d)
{
	const struct sim_state *state = d->state;

	for (unsigned i = 0; i < state->rows; i++) {
		const struct sim_row *row = &state->row[i];
		int x, y = d->row_y[i] + ROW / 2, to;

		if (row->folio < 0)
			continue;
		x = column_x(d, row->result.level) + CELL_WIDTH;
		to = d->folio_y[row->folio] + FOLIO_HEIGHT / 2;
		fprintf(d->stream, "<path class=\"link%s\" d=\"M%d %dC%d %d %d %d %d %d\"/>",
			row->result.attr & PW_WRITE ? "" : " readonly", x, y, d->folio_x - GAP, y,
			d->folio_x - GAP, to, d->folio_x, to);
	}
}

void sim_draw(FILE *stream, const struct sim_run *run, const struct sim_state *state,
	      unsigned number, bool alone)
{
	struct drawing d = { .stream = stream, .run = run, .state = state, .levels = 1 };
	int width;

	place(&d);
	width = d.folio_x + FOLIO_WIDTH + 12;
	fprintf(stream,
		"<svg class=\"pw\" xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" viewBox=\"0 0 %d %d\" "
		"width=\"%d\" height=\"%d\"><title>Step %u</title>\n",
		width, d.height, width, d.height, number);
	if (alone) {
		pw_svg_style(stream);
		fputs(style, stream);
	}
	fprintf(stream, "<rect class=\"bg\" width=\"%d\" height=\"%d\"/>\n", width, d.height);
	draw_links(&d);
	draw_areas(&d);
	draw_tables(&d);
	draw_folios(&d);
	fputs("</svg>\n", stream);
}
