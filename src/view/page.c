/* SPDX-License-Identifier: MIT */
/* The frame of pages that step through walks. */
#include "view/page.h"

#include <inttypes.h>

#include "base/escape.h"
#include "page.inc"

void pw_page_head(FILE *stream, const char *title)
{
	fputs("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
	      "style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:\">\n"
	      "<link rel=\"icon\" href=\"data:,\">\n<title>",
	      stream);
	pw_escape_xml(stream, title);
	fputs("</title>\n", stream);
}

void pw_page_body(FILE *stream, const char *title, const char *css)
{
	fprintf(stream, "<style>\n%s%s</style>\n</head>\n<body class=\"pw\">\n<main>\n<h1>",
		page_css, css);
	pw_escape_xml(stream, title);
	fputs("</h1>\n<p class=\"lead\">", stream);
}

void pw_page_controls(FILE *stream, const char *label)
{
	fprintf(stream,
		"<div class=\"controls\" role=\"group\" aria-label=\"%s\">\n"
		"<button type=\"button\" id=\"first\">First</button>\n"
		"<button type=\"button\" id=\"back\">Back</button>\n"
		"<button type=\"button\" id=\"next\">Next</button>\n"
		"<button type=\"button\" id=\"last\">Last</button>\n"
		"<button type=\"button\" id=\"all\">All</button>\n"
		"<span id=\"position\"></span>\n",
		label);
}

void pw_page_controls_end(FILE *stream)
{
	fputs("<span class=\"keys\"><kbd>&larr;</kbd> <kbd>&rarr;</kbd> step, <kbd>Home</kbd> "
	      "<kbd>End</kbd> first and last, <kbd>Esc</kbd> all</span>\n</div>\n"
	      "<div id=\"said\" class=\"said\" aria-live=\"polite\"></div>\n",
	      stream);
}

void pw_page_end(FILE *stream, const char *last_line, const char *script)
{
	fprintf(stream,
		"<footer>%s Drawn by pagewalk.</footer>\n</main>\n<script>\n%s</script>\n</body>\n</html>\n",
		last_line, script);
}

void pw_page_data(FILE *stream, const char *name, const char *text)
{
	fprintf(stream, " data-%s=\"", name);
	pw_escape_xml(stream, text);
	fputc('"', stream);
}

void pw_page_data_hex(FILE *stream, const char *name, uint64_t value)
{
	fprintf(stream, " data-%s=\"0x%" PRIx64 "\"", name, value);
}
