/* SPDX-License-Identifier: MIT */
/* SVG: the document, and its pieces. */
#include "view/svg.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "view/line.h"

/*
 * The document contains the style; colours follow the reader's scheme. The HTML page uses the same
 * variables for its own parts.
 */
static const char style[] =
	"<style>\n"
	".pw{--bg:#ffffff;--fg:#1b1f24;--dim:#5d6875;--line:#9aa5b1;--box:#f4f6f8;--hit:#fff1c2;"
	"--hitline:#b07400;--arrow:#1f5fbf;--good:#17692f;--bad:#b3261e;"
	"font-family:system-ui,-apple-system,'Segoe UI','Liberation "
	"Sans',sans-serif;font-size:13px}\n"
	"@media (prefers-color-scheme:dark){.pw{--bg:#15181c;--fg:#e6e9ed;--dim:#9aa6b3;"
	"--line:#59636f;--box:#1e2329;--hit:#4a3a0c;--hitline:#e3b341;--arrow:#79b0ff;--good:#"
	"6fd08c;"
	"--bad:#ff8a80}}\n"
	".pw .bg{fill:var(--bg)}.pw text{fill:var(--fg)}.pw .dim{fill:var(--dim)}"
	".pw .h1{font-size:17px;font-weight:600}.pw .name{font-weight:600}"
	".pw .m{font-family:ui-monospace,'DejaVu Sans Mono','Liberation "
	"Mono',Menlo,Consolas,monospace;"
	"font-size:12px;white-space:pre}"
	".pw .s{font-size:11px}.pw .good{fill:var(--good);font-weight:600}"
	".pw .bad{fill:var(--bad);font-weight:600}\n"
	".pw .cell{fill:var(--box);stroke:var(--line)}"
	".pw .ghost{fill:var(--bg);stroke:var(--line);stroke-dasharray:4 4}"
	".pw .table{fill:var(--box);stroke:var(--line)}"
	".pw .hit{fill:var(--hit);stroke:var(--hitline)}"
	".pw .page{fill:none;stroke:var(--good);stroke-width:1.5}"
	".pw .hole{fill:none;stroke:var(--bad);stroke-width:1.5;stroke-dasharray:5 3}"
	".pw .drop{stroke:var(--hitline);stroke-width:1.2;fill:none;stroke-dasharray:2 3}"
	".pw .arrow{stroke:var(--arrow);stroke-width:1.6;fill:none}"
	".pw .head{fill:var(--arrow)}.pw .drophead{fill:var(--hitline)}"
	".pw .tree{stroke:var(--line);fill:none}.pw .rowbg{fill:none}\n"
	"</style>\n";

void pw_svg_title_text(const struct pw_picture *picture, char *text, size_t bytes)
{
	const char *name = picture->regime.format->name;
	char size[32] = "16 EiB";

	if (picture->last - picture->first != UINT64_MAX)
		pw_size_exact_text(picture->last - picture->first, size);
	if (picture->is_range)
		snprintf(text, bytes, "%s: 0x%" PRIx64 "-0x%" PRIx64 ", %s", name, picture->first,
			 picture->last, size);
	else
		snprintf(text, bytes, "%s: virtual address 0x%" PRIx64, name, picture->first);
}

void pw_svg_style(FILE *stream)
{
	fputs(style, stream);
}

void pw_svg_open(struct svg *svg, double top, double width, double height, const char *title,
		 const char *desc)
{
	fprintf(svg->stream,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"pw\" width=\"%.0f\" "
		"height=\"%.0f\" viewBox=\"0 %.0f %.0f %.0f\" role=\"img\" "
		"aria-labelledby=\"pw-title pw-desc\">\n<title id=\"pw-title\">",
		width, height - top, top, width, height - top);
	pw_escape_xml(svg->stream, title);
	fputs("</title>\n<desc id=\"pw-desc\">", svg->stream);
	pw_escape_xml(svg->stream, desc);
	fputs("</desc>\n", svg->stream);
	pw_svg_style(svg->stream);
	pw_svg_rect(svg, "bg", 0, 0, width, height);
}

void pw_svg_begin(struct svg *svg, double width, double height)
{
	const struct pw_picture *picture = svg->picture;
	char title[200];

	pw_svg_title_text(picture, title, sizeof(title));
	/* If the picture is embedded, the page above it has the title. */
	pw_svg_open(svg, svg->embedded ? 38 : 0, width, height, title, picture->reason);
	if (!svg->embedded)
		pw_svg_text(svg, "h1", "start", 24, 34, "%s", title);
	pw_svg_step_begin(svg, 0, "");
	if (svg->embedded)
		pw_svg_text(svg, "dim", "start", 24, 56, "%s", picture->root_text);
	else
		pw_svg_text(svg, "dim", "start", 24, 56, "%s. %s%s%s", picture->root_text,
			    picture->regime.view == PW_VIEW_LINUX ? "Linux view" : "Hardware view",
			    picture->label ? " of " : "", picture->label ? picture->label : "");
	pw_svg_group_end(svg);
}

void pw_svg_end(struct svg *svg)
{
	fputs("</svg>\n", svg->stream);
}

void pw_svg_text(struct svg *svg, const char *class, const char *anchor, double x, double y,
		 const char *format, ...)
{
	char text[1024];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	fprintf(svg->stream, "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\"", class, x, y);
	if (strcmp(anchor, "start") != 0)
		fprintf(svg->stream, " text-anchor=\"%s\"", anchor);
	fputc('>', svg->stream);
	pw_escape_xml(svg->stream, text);
	fputs("</text>\n", svg->stream);
}

void pw_svg_rect(struct svg *svg, const char *class, double x, double y, double width,
		 double height)
{
	fprintf(svg->stream,
		"<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>\n",
		class, x, y, width, height);
}

void pw_svg_line(struct svg *svg, const char *class, double x1, double y1, double x2, double y2)
{
	fprintf(svg->stream,
		"<line class=\"%s\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n", class, x1,
		y1, x2, y2);
}

void pw_svg_step_begin(struct svg *svg, unsigned step, const char *class)
{
	fprintf(svg->stream, "<g class=\"step%s%s\" data-step=\"%u\">\n", *class ? " " : "", class,
		step);
}

void pw_svg_group_end(struct svg *svg)
{
	fputs("</g>\n", svg->stream);
}

double pw_svg_paragraph(struct svg *svg, const char *class, double x, double y, double leading,
			unsigned columns, const char *text)
{
	while (*text) {
		size_t skip, bytes = pw_line_break(text, columns, &skip);

		pw_svg_text(svg, class, "start", x, y, "%.*s", (int)bytes, text);
		y += leading;
		text += bytes + skip;
	}
	return y;
}

unsigned pw_svg_lines(unsigned columns, const char *text)
{
	unsigned lines = 0;

	while (*text) {
		size_t skip, bytes = pw_line_break(text, columns, &skip);

		lines++;
		text += bytes + skip;
	}
	return lines;
}

int pw_picture_svg(const struct pw_picture *picture, FILE *stream)
{
	if (!picture || !stream)
		return -EINVAL;
	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n", stream);
	if (picture->is_range)
		pw_svg_range(stream, picture, false);
	else
		pw_svg_address(stream, picture, false);
	return ferror(stream) ? -EIO : 0;
}
