/* SPDX-License-Identifier: MIT */
/* The result as a page to step through: a picture for each statement. */
#include "view/page.h"
#include "base/escape.h"
#include "cli/sim/sim.h"
#include "sim_page.inc"
#include "view/svg.h"

void sim_page_begin(FILE *stream, const struct sim_script *script)
{
	char title[SIM_TEXT];
	struct pw_geometry geometry;

	pw_format_geometry(script->machine.format, &geometry);
	snprintf(title, sizeof(title), "%.200s: a script on %s", script->path, geometry.name);
	pw_page_head(stream, title);
	pw_svg_style(stream);
	pw_page_body(stream, title, sim_page_css);
	fputs("VMAs on the left, the page tables that hold their entries, and the folios behind them. "
	      "A dashed line is a read-only entry; a folio with a thick border is pinned.</p>\n",
	      stream);
	pw_page_controls(stream, "Steps of the script");
	pw_page_controls_end(stream);
}

void sim_page_step(FILE *stream, const struct sim_run *run, unsigned number,
		   const struct sim_statement *statement, const struct sim_outcome *outcome,
		   const struct sim_state *state)
{
	fputs("<section class=\"sim\"><h2><span class=\"n\">", stream);
	fprintf(stream, "%u</span><code>", number);
	pw_escape_xml(stream, statement->source);
	fputs("</code></h2>\n<p>", stream);
	pw_escape_xml(stream, outcome->text);
	fputs("</p>\n<div class=\"picture\">\n", stream);
	sim_draw(stream, run, state, number, false);
	fputs("</div>\n</section>\n", stream);
}

void sim_page_end(FILE *stream)
{
	pw_page_end(stream, "pagewalk sim.", sim_page_js);
}
