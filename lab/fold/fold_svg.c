/* SPDX-License-Identifier: MIT */
/* The strategies beside each other as one SVG: panels in a grid, a legend, and why they differ. */
#include <errno.h>
#include <string.h>

#include "lab/fold/picture.h"

static const double MARGIN = 24, WIDTH = 1120, GAP = 36, HEAD = 78, LEADING = 18;
static const unsigned COLUMNS_WIDE = FOLD_PICTURE_COLUMNS, COLUMNS_HALF = 7;

static const char style[] =
	"<style>\n"
	".pw{--alarm:#fbe3e1}\n"
	"@media (prefers-color-scheme:dark){.pw{--alarm:#4b1613}}\n"
	".pw .bar{stroke-linejoin:round}"
	".pw .foldedrow{fill:var(--box);stroke:none}"
	".pw .foldedbar{fill:var(--bg);stroke:var(--line);stroke-dasharray:4 3}"
	".pw .alarm{fill:var(--alarm);stroke:var(--bad);stroke-width:2}"
	".pw .suspect{fill:var(--bg);stroke:var(--bad);stroke-dasharray:5 3}"
	".pw .stack{fill:var(--bg);stroke:var(--fg);stroke-dasharray:2 2}"
	".pw .halo{paint-order:stroke;stroke:var(--bg);stroke-width:3px;stroke-linejoin:round}"
	".pw .edge{stroke:var(--line);stroke-width:0.7}"
	".pw .boundary{stroke:var(--fg);stroke-width:1.2;stroke-dasharray:7 4}"
	".pw .hop{stroke:var(--arrow);stroke-width:1.8;fill:none}"
	".pw .call{stroke:var(--arrow);stroke-width:1.2}"
	".pw .hop.hopbad,.pw .call.hopbad{stroke:var(--bad)}.pw .fillbad{fill:var(--bad)}"
	".pw .tick{fill:none;stroke:var(--good);stroke-width:2.2}"
	".pw .warning{fill:var(--alarm);stroke:var(--bad);stroke-width:1.6;stroke-linejoin:round}"
	".pw .exclamation{stroke:var(--bad);stroke-width:1.8;fill:none}\n"
	"</style>\n";

void fold_svg_style(FILE *stream)
{
	fputs(style, stream);
}

/* ---- legend ---- */

struct legend {
	const char *class;
	const char *text;
};

static const struct legend legends[] = {
	{ "bar cell", "a loop's only turn" },
	{ "bar hit", "one turn of several" },
	{ "bar foldedbar", "folded: no table of its own" },
	{ "bar alarm", "NO TABLE: the pointer left its table" },
	{ "bar suspect", "wrong entry: a wrong one led here" },
	{ "hit", "the entry that was read" },
	{ "stack", "a copy of an entry, on the stack" },
	{ "boundary", "where the next entry of the real top begins" },
};

/* Draws, or with @svg NULL only measures. Returns the y behind. */
static double legend(struct svg *svg, double x, double y, double width)
{
	double left = x;

	for (size_t i = 0; i < sizeof(legends) / sizeof(legends[0]); i++) {
		const struct legend *item = &legends[i];
		double room = 54 + 7.4 * (double)strlen(item->text);

		if (left > x && left + room > x + width) {
			left = x;
			y += 26;
		}
		if (svg && item->class[0] == 'b' && item->class[1] == 'a')
			fprintf(svg->stream,
				"<path class=\"%s\" d=\"M%.1f %.1fh24l6 8l-6 8h-24z\"/>\n",
				item->class, left, y);
		else if (svg && item->class[0] == 'b')
			pw_svg_line(svg, item->class, left + 15, y - 3, left + 15, y + 19);
		else if (svg)
			pw_svg_rect(svg, item->class, left, y, 30, 16);
		if (svg)
			pw_svg_text(svg, "dim", "start", left + 38, y + 13, "%s", item->text);
		left += room;
	}
	return y + 26;
}

double fold_legend_draw(struct svg *svg, double x, double y, double width)
{
	return legend(svg, x, y, width);
}

double fold_legend_height(double width)
{
	return legend(NULL, 0, 0, width);
}

/* ---- the picture ---- */

/* The legend, and why the strategies differ; with @svg NULL only its height. */
static double draw_words(struct svg *svg, const struct fold_picture *picture, double x, double y,
			 double width)
{
	unsigned columns = (unsigned)(width / 7.2);
	char why[800];

	fold_why(picture->input, picture->panel[0].result, why);
	y = legend(svg, x, y, width) + 20;
	if (svg)
		return pw_svg_paragraph(svg, "", x, y, LEADING, columns, why);
	return y + LEADING * pw_svg_lines(columns, why);
}

static int draw(FILE *stream, const struct fold_picture *picture)
{
	struct svg svg = { .stream = stream };
	size_t panels = picture->panels, rows = panels == 1 ? 1 : (panels + 1) / 2;
	double inner = WIDTH - 2 * MARGIN, width = panels == 1 ? inner : (inner - GAP) / 2;
	double height = fold_panel_height(picture, width) + GAP;
	double bottom = HEAD + height * (double)rows;
	/* An odd number of panels leaves room for the words. */
	bool room = panels > 1 && panels % 2;
	char title[200], why[800];

	fold_picture_title(picture, title);
	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n", stream);
	pw_svg_open(&svg, 0, WIDTH,
		    room ? bottom : draw_words(NULL, picture, MARGIN, bottom, inner) + MARGIN / 2,
		    title, fold_why(picture->input, picture->panel[0].result, why));
	fold_svg_style(stream);
	pw_svg_text(&svg, "h1", "start", MARGIN, 34, "%s", title);
	pw_svg_text(&svg, "dim", "start", MARGIN, 56, "%s", fold_picture_subtitle(picture, title));
	for (size_t i = 0; i < panels; i++) {
		fprintf(stream, "<g class=\"panel\" transform=\"translate(%.1f %.1f)\">\n",
			MARGIN + (i % 2 ? width + GAP : 0), HEAD + height * (double)(i / 2));
		fold_panel_draw(&svg, picture, &picture->panel[i], width);
		pw_svg_group_end(&svg);
	}
	if (room)
		draw_words(&svg, picture, MARGIN + width + GAP, bottom - height + 80, width);
	else
		draw_words(&svg, picture, MARGIN, bottom, inner);
	pw_svg_end(&svg);
	return ferror(stream) ? -EIO : 0;
}

int fold_draw_svg(FILE *stream, const struct fold_input *input, struct fold_result *const *results,
		  size_t count)
{
	struct fold_picture picture;
	int status = fold_picture_init(&picture, input, results, count,
				       count == 1 ? COLUMNS_WIDE : COLUMNS_HALF);

	if (status)
		return status;
	status = draw(stream, &picture);
	fold_picture_destroy(&picture);
	return status;
}
