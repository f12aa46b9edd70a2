/* SPDX-License-Identifier: MIT */
/*
 * One page that steps through the walks of all strategies together: a panel for each, and below it a
 * sentence for each step. The markup holds everything; fold_page.js only highlights it. The page does
 * not fetch anything, and its own policy forbids that.
 */
#include <errno.h>
#include <inttypes.h>

#include "fold_page.inc"
#include "lab/fold/picture.h"
#include "view/page.h"

static const double WIDE = 1072, HALF = 518;
static const unsigned COLUMNS_WIDE = FOLD_PICTURE_COLUMNS, COLUMNS_HALF = 7;

static const char *const where_names[] = {
	[FOLD_IN_TABLE] = "table",
	[FOLD_ON_STACK] = "stack",
	[FOLD_STRAY] = "stray",
};

/* ---- the steps of one strategy, as sentences ---- */

static void step_item(FILE *stream, const struct fold_picture *picture,
		      const struct fold_panel *panel, const struct fold_step *step)
{
	const struct fold_turn *turn = fold_step_turn(panel, step);
	char text[FOLD_PICTURE_TEXT], place[96];

	fputs("<li", stream);
	pw_page_data(stream, "level", fold_level_name(turn->level));
	fprintf(stream, " data-turn=\"%" PRIu32 "\" data-turns=\"%" PRIu32 "\"",
		turn->iteration + 1, step->turns);
	pw_page_data_hex(stream, "first", step->first);
	pw_page_data_hex(stream, "last", step->last);
	pw_page_data(stream, "where", where_names[turn->place.where]);
	fprintf(stream, " data-index=\"%" PRIu32 "\"", turn->place.index);
	pw_page_data(stream, "place", fold_place_text(picture->input, &turn->place, place));
	pw_page_data_hex(stream, "value", turn->value);
	if (turn->folded)
		fputs(" data-folded=\"yes\"", stream);
	if (turn->departed)
		fputs(" data-departed=\"yes\"", stream);
	if (turn->broken)
		fputs(" data-broken=\"yes\"", stream);
	if (step->pages == 1) {
		const struct fold_page *page = &panel->result->page[step->page];

		pw_page_data_hex(stream, "va", page->va);
		pw_page_data_hex(stream, "pa", page->pa);
		if (page->mapped)
			pw_page_data_hex(stream, "mapped-at", page->mapped_at);
	}
	fputc('>', stream);
	pw_escape_xml(stream, fold_step_text(picture, panel, step, text));
	fputs("</li>\n", stream);
}

static void panel_steps(FILE *stream, const struct fold_picture *picture,
			const struct fold_panel *panel)
{
	bool alarm;

	fprintf(stream, "<ol class=\"turns\" start=\"0\">\n<li data-kind=\"start\">");
	pw_escape_xml_printf(stream,
			     "The walk of 0x%" PRIx64 "-0x%" PRIx64
			     " begins. The top table holds %s entries.",
			     picture->first, picture->last,
			     pw_level_name(picture->input->format, panel->result->top));
	fputs("</li>\n", stream);
	for (uint32_t i = 0; i < panel->steps; i++)
		step_item(stream, picture, panel, &panel->step[i]);
	fold_result_word(panel->result, &alarm);
	fprintf(stream, "<li data-kind=\"result\" class=\"%s\">", alarm ? "bad" : "good");
	pw_escape_xml(stream, panel->result->verdict);
	fputs("</li>\n</ol>\n", stream);
}

static void draw_panel(FILE *stream, const struct fold_picture *picture,
		       const struct fold_panel *panel)
{
	struct svg svg = { .stream = stream, .embedded = true };
	double width = picture->panels == 1 ? WIDE : HALF;
	const char *name = fold_strategy_name(panel->result->strategy);
	char text[40];
	bool alarm;

	fprintf(stream,
		"<section class=\"panel\" data-strategy=\"%s\" data-right=\"%s\" "
		"data-loads=\"%" PRIu64 "\" data-word=\"%s\"",
		name, panel->result->right ? "yes" : "no", panel->result->loads,
		fold_result_word(panel->result, &alarm));
	if (panel->departure != FOLD_NO_TURN)
		fprintf(stream, " data-departure=\"%" PRIu32 "\"", panel->departure + 1);
	fprintf(stream,
		">\n<div class=\"picture\">\n<svg xmlns=\"http://www.w3.org/2000/svg\" "
		"class=\"pw\" viewBox=\"-2 0 %.0f %.0f\" role=\"img\" "
		"aria-label=\"The walk of strategy %s\">\n",
		width + 4, fold_panel_height(picture, width), name);
	fold_panel_draw(&svg, picture, panel, width);
	fputs("</svg>\n</div>\n", stream);
	if (panel->departure != FOLD_NO_TURN)
		fprintf(stream, "<p class=\"flag\">Left its table at step %" PRIu32 ": %s.</p>\n",
			panel->departure + 1,
			fold_step_name(panel, &panel->step[panel->departure], text));
	panel_steps(stream, picture, panel);
	fputs("</section>\n", stream);
}

/* ---- around the panels ---- */

static void draw_controls(FILE *stream, const struct fold_picture *picture)
{
	pw_page_controls(stream, "Step through the walks");
	if (picture->panels > 1) {
		fputs("<span class=\"which\" role=\"group\" aria-label=\"Which walks to step\">"
		      "move <button type=\"button\" data-which=\"\" aria-pressed=\"true\">"
		      "all</button>",
		      stream);
		for (size_t i = 0; i < picture->panels; i++) {
			const char *name = fold_strategy_name(picture->panel[i].result->strategy);

			fprintf(stream,
				"<button type=\"button\" data-which=\"%s\" "
				"aria-pressed=\"false\">%s</button>",
				name, name);
		}
		fputs("</span>\n", stream);
	}
	pw_page_controls_end(stream);
}

static void draw_table(FILE *stream, const struct fold_picture *picture)
{
	fputs("<div class=\"scroll\"><table class=\"compared\"><caption>Turns of each loop, and "
	      "loads</caption>\n<thead><tr><th>strategy</th>",
	      stream);
	for (unsigned level = FOLD_LEVELS; level-- > 0;)
		fprintf(stream, "<th>%s</th>", fold_level_name(level));
	fputs("<th>loads</th><th>from the stack</th><th>left its table</th><th></th></tr></thead>\n"
	      "<tbody>\n",
	      stream);
	for (size_t i = 0; i < picture->panels; i++) {
		const struct fold_result *result = picture->panel[i].result;
		bool alarm;
		const char *word = fold_result_word(result, &alarm);

		fprintf(stream, "<tr data-of=\"%s\"><td>%s</td>",
			fold_strategy_name(result->strategy), fold_strategy_name(result->strategy));
		for (unsigned level = FOLD_LEVELS; level-- > 0;)
			fprintf(stream, "<td>%" PRIu64 "</td>", result->turns_of[level]);
		fprintf(stream,
			"<td>%" PRIu64 "</td><td>%" PRIu64 "</td><td>%" PRIu64
			"</td><td class=\"%s\">%s</td></tr>\n",
			result->loads, result->stack_loads, result->departures,
			alarm ? "bad" : "good", word);
	}
	fputs("</tbody></table></div>\n", stream);
}

static void draw_legend(FILE *stream)
{
	struct svg svg = { .stream = stream, .embedded = true };

	fprintf(stream,
		"<div class=\"legend\"><svg xmlns=\"http://www.w3.org/2000/svg\" class=\"pw\" "
		"width=\"%.0f\" height=\"%.0f\" viewBox=\"0 0 %.0f %.0f\" role=\"img\" "
		"aria-label=\"What the shapes mean\">\n",
		WIDE, fold_legend_height(WIDE) + 4, WIDE, fold_legend_height(WIDE) + 4);
	fold_legend_draw(&svg, 2, 4, WIDE);
	fputs("</svg></div>\n", stream);
}

static void draw_page(FILE *stream, const struct fold_picture *picture)
{
	char title[200], subtitle[200], why[800];

	fold_picture_title(picture, title);
	pw_page_head(stream, title);
	pw_svg_style(stream);
	fold_svg_style(stream);
	pw_page_body(stream, title, fold_page_css);
	fputs("Linux 5.2 to 5.8 could pin the wrong page on s390: its fast walk stepped past copies of "
	      "entries of levels that the machine does not have. Each panel is one way to deal with "
	      "such levels.</p>\n<p>",
	      stream);
	pw_escape_xml(stream, fold_picture_subtitle(picture, subtitle));
	fputs("</p>\n<p class=\"why\">", stream);
	pw_escape_xml(stream, fold_why(picture->input, picture->panel[0].result, why));
	fputs("</p>\n<p class=\"words\"><b>Turn</b>: one run of a level's loop, over what one entry covers. "
	      "<b>Crop</b>: pXd_addr_end() ends a turn at the next multiple of what it believes an "
	      "entry to cover, or at the end of the range. <b>Oracle</b>: a walk of each address alone, "
	      "from the top; what it finds is right.</p>\n",
	      stream);
	draw_controls(stream, picture);
	fprintf(stream, "<div class=\"panels%s\">\n", picture->panels == 1 ? " one" : "");
	for (size_t i = 0; i < picture->panels; i++)
		draw_panel(stream, picture, &picture->panel[i]);
	fputs("</div>\n", stream);
	draw_legend(stream);
	draw_table(stream, picture);
	pw_page_end(stream, "Levels are named as in Linux; tables as the architecture names them.",
		    fold_page_js);
}

int fold_draw_html(FILE *stream, const struct fold_input *input, struct fold_result *const *results,
		   size_t count)
{
	struct fold_picture picture;
	int status = fold_picture_init(&picture, input, results, count,
				       count == 1 ? COLUMNS_WIDE : COLUMNS_HALF);

	if (status)
		return status;
	draw_page(stream, &picture);
	fold_picture_destroy(&picture);
	return ferror(stream) ? -EIO : 0;
}
