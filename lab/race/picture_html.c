/* SPDX-License-Identifier: MIT */
/* The picture of a finding as a page that steps through it, in one file. */
#include <string.h>

#include "lab/race/markup.h"
#include "lab/race/picture.h"
#include "race_page.inc"

static const char *name_of(const struct race_picture *picture, unsigned thread)
{
	return picture->scenario->thread[thread].name;
}

static void element(FILE *file, const char *begin, const char *text, const char *end)
{
	fputs(begin, file);
	race_escape(file, text);
	fputs(end, file);
}

static void attribute(FILE *file, const char *name, const char *text)
{
	fprintf(file, " data-%s=\"", name);
	race_escape(file, text);
	fputc('"', file);
}

/* The number of a row on the page: folded ones have none. 0 is the state before all rows. */
static unsigned number_of(const struct race_picture *picture, unsigned row)
{
	unsigned number = 0;

	for (unsigned i = 0; i <= row && i < picture->rows; i++)
		number += picture->row[i].kind != RACE_ROW_FOLDED;
	return number;
}

/* ---- the picture ---- */

static int last_row(const struct race_picture *picture, unsigned thread)
{
	for (unsigned i = picture->rows; i-- > 0;)
		if (picture->row[i].thread == thread)
			return (int)i;
	return -1;
}

/* What goes past a row in the lanes of the other threads. */
static void draw_lanes(FILE *file, const struct race_picture *picture, unsigned i)
{
	const struct race_row *row = &picture->row[i];

	for (unsigned k = 0; k < picture->columns; k++) {
		const unsigned thread = picture->thread_in[k];
		const bool interrupted = row->interrupted == (int)thread;
		const int last = last_row(picture, thread);

		if ((int)i <= last)
			fprintf(file, "<i class=\"line%s%s\" style=\"grid-column:%u\"></i>",
				interrupted ? " cut" : "", (int)i == last ? " ends" : "", k + 2);
		if (interrupted)
			fprintf(file,
				"<span class=\"interrupted\" style=\"grid-column:%u\">interrupted</span>",
				k + 2);
	}
}

static void draw_folded(FILE *file, const struct race_picture *picture, const struct race_row *row)
{
	element(file, "<details><summary><span class=\"who\">", name_of(picture, row->thread),
		"</span>");
	element(file, "<code>", row->words, "</code></summary>\n<ul>\n");
	for (unsigned i = row->first; i <= row->last; i++) {
		char words[256];

		if (picture->shown[i] || picture->step[i].thread != row->thread)
			continue;
		race_step_words(&picture->step[i], words, sizeof(words));
		fprintf(file, "<li>%u: ", i + 1);
		element(file, "<code>", words, "</code></li>\n");
	}
	fputs("</ul></details>", file);
}

static void draw_row(FILE *file, const struct race_picture *picture, unsigned i)
{
	static const char *const classes[] = { [RACE_ROW_STEP] = "step",
					       [RACE_ROW_BUFFERED] = "step buffered",
					       [RACE_ROW_FOLDED] = "folded",
					       [RACE_ROW_WAITS] = "step waits" };
	const struct race_row *row = &picture->row[i];
	const unsigned column = picture->column[row->thread] + 2;
	char source[96];

	fprintf(file, "<li class=\"%s%s\" style=\"--lane:%u\" data-thread=\"%u\"",
		classes[row->kind], row->decisive ? " decisive" : "", column, row->thread);
	if (row->kind != RACE_ROW_FOLDED)
		fprintf(file, " data-n=\"%u\"", number_of(picture, i));
	if (row->from >= 0)
		fprintf(file, " data-from=\"%u\"", number_of(picture, (unsigned)row->from));
	if (row->partner >= 0)
		fprintf(file, " data-partner=\"%u\"", number_of(picture, (unsigned)row->partner));
	fputc('>', file);
	if (row->kind == RACE_ROW_STEP)
		fprintf(file, "<span class=\"n\">%s%u</span>",
			row->decisive ? "<span class=\"long\">decides </span>" : "",
			row->first + 1);
	draw_lanes(file, picture, i);
	if (row->kind == RACE_ROW_FOLDED) {
		fprintf(file, "<div class=\"box\" style=\"grid-column:%u\">", column);
		draw_folded(file, picture, row);
		fputs("</div>", file);
	} else {
		fprintf(file, "<button type=\"button\" class=\"box\" style=\"grid-column:%u\">",
			column);
		element(file, "<span class=\"who\">", name_of(picture, row->thread), "</span>");
		element(file, "<code>", row->words, "</code></button>");
	}
	race_row_source(row, source, sizeof(source));
	if (*source)
		element(file, "<span class=\"src m\">", source, "</span>");
	fputs("</li>\n", file);
}

static void draw_picture(FILE *file, const struct race_picture *picture)
{
	fprintf(file, "<section class=\"picture%s\" style=\"--lanes:%u\" aria-label=\"The run\">\n",
		picture->columns > 2 ? " many" : "", picture->columns);
	fputs("<ol class=\"run\">\n<li class=\"names\">", file);
	for (unsigned k = 0; k < picture->columns; k++) {
		const unsigned i = picture->thread_in[k];

		fprintf(file, "<b style=\"grid-column:%u\" data-thread=\"%u\">", k + 2, i);
		element(file, "", name_of(picture, i), "</b>");
	}
	fputs("</li>\n", file);
	for (unsigned i = 0; i < picture->rows; i++)
		draw_row(file, picture, i);
	element(file, "</ol>\n<p class=\"failure\">", picture->failure, "</p>\n");
	fputs("</section>\n", file);
}

/* ---- the memory at a moment ---- */

static void word_value(const struct race_picture *picture, unsigned word, unsigned moment,
		       char *text, size_t size)
{
	race_tell_value(&picture->word[word].op, race_word_at(picture, word, moment), text, size);
}

static void draw_word(FILE *file, const struct race_picture *picture, unsigned word, unsigned row,
		      unsigned moment, unsigned before)
{
	const int writer = race_word_writer(picture, word, moment);
	char name[64], value[64], old[64], buffered[256];

	race_tell_name(&picture->word[word].op, name, sizeof(name));
	word_value(picture, word, moment, value, sizeof(value));
	word_value(picture, word, before, old, sizeof(old));
	race_word_buffered(picture, word, row, buffered, sizeof(buffered));
	fputs(strcmp(value, old) != 0 ? "<tr class=\"changed\">" : "<tr>", file);
	element(file, "<td><code>", name, "</code></td>");
	element(file, "<td class=\"value\"><code>", value, "</code>");
	if (strcmp(value, old) != 0)
		element(file, " (was <code>", old, "</code>)");
	if (*buffered)
		element(file, "<span class=\"note\">", buffered, "</span>");
	if (writer < 0)
		fputs("</td><td>since the start</td></tr>\n", file);
	else {
		element(file, "</td><td>", name_of(picture, picture->step[writer].thread), "");
		fprintf(file, ", step %d</td></tr>\n", writer + 1);
	}
}

static void draw_words(FILE *file, const struct race_picture *picture, unsigned row,
		       unsigned moment, unsigned before)
{
	if (picture->words == 0)
		return;
	fputs("<table class=\"words\"><caption>Shared words</caption>\n<thead><tr><th>word</th>"
	      "<th>value</th><th>last written by</th></tr></thead>\n<tbody>\n",
	      file);
	/* Those that threads are in conflict about come first. */
	for (unsigned first = 0; first < 2; first++)
		for (unsigned i = 0; i < picture->words; i++)
			if (picture->word[i].conflicts == !first)
				draw_word(file, picture, i, row, moment, before);
	fputs("</tbody></table>\n", file);
}

static const struct race_fact *find_fact(const struct race_facts *facts, const char *name)
{
	for (unsigned i = 0; i < facts->count; i++)
		if (strcmp(facts->fact[i].name, name) == 0)
			return &facts->fact[i];
	return NULL;
}

static void draw_facts(FILE *file, const struct race_picture *picture, unsigned moment,
		       unsigned before)
{
	const struct race_facts *facts = &picture->record.moment[moment].facts;
	const struct race_facts *old = &picture->record.moment[before].facts;

	if (facts->count == 0)
		return;
	fputs("<table class=\"state\"><caption>State</caption>\n<tbody>\n", file);
	for (unsigned i = 0; i < facts->count; i++) {
		const struct race_fact *fact = &facts->fact[i], *was = find_fact(old, fact->name);
		const bool changed = !was || strcmp(was->value, fact->value) != 0;

		fputs(changed ? "<tr class=\"changed\">" : "<tr>", file);
		element(file, "<td>", fact->name, "</td>");
		element(file, "<td class=\"value\">", fact->value, "");
		if (was && changed)
			element(file, " (was ", was->value, ")");
		fputs("</td></tr>\n", file);
	}
	fputs("</tbody></table>\n", file);
}

static void draw_stack(FILE *file, const struct race_row *row)
{
	struct race_frame frame[RACE_FRAMES];
	const unsigned count = race_row_frames(row, frame, RACE_FRAMES);
	char source[256];

	if (race_source(row->pc, source, sizeof(source)))
		element(file, "<pre class=\"m\">", source, "</pre>\n");
	if (count == 0)
		return;
	fputs("<details class=\"stack\"><summary>Call stack</summary><ol>", file);
	for (unsigned i = 0; i < count; i++) {
		element(file, "<li><code>", frame[i].function, "</code> ");
		element(file, "", frame[i].file, "");
		fprintf(file, ":%d</li>", frame[i].line);
	}
	fputs("</ol></details>\n", file);
}

static void moment_begin(FILE *file, const char *label, const char *say)
{
	fputs("<div class=\"moment\"", file);
	attribute(file, "label", label);
	attribute(file, "say", say);
	element(file, ">\n<h2>", label, "</h2>\n");
	element(file, "<p>", say, "</p>\n");
}

static void draw_moment(FILE *file, const struct race_picture *picture, unsigned i, unsigned before)
{
	const struct race_row *row = &picture->row[i];
	char label[160];

	if (row->kind == RACE_ROW_STEP)
		snprintf(label, sizeof(label), "Step %u, %s", row->first + 1,
			 name_of(picture, row->thread));
	else
		snprintf(label, sizeof(label), "%s %s", name_of(picture, row->thread),
			 row->kind == RACE_ROW_WAITS ? "waits" : "stores");
	moment_begin(file, label, row->sentence);
	/* The memory comes first: a phone shows no more without scrolling. */
	draw_words(file, picture, i, row->moment, before);
	draw_facts(file, picture, row->moment, before);
	if (row->decisive)
		element(file, "<p class=\"decided\">", picture->decided, "</p>\n");
	draw_stack(file, row);
	fputs("</div>\n", file);
}

static void draw_moments(FILE *file, const struct race_picture *picture)
{
	unsigned before = 0;

	fputs("<section class=\"beside\" aria-label=\"The memory\">\n", file);
	moment_begin(file, "Start", "Before the first step.");
	draw_words(file, picture, picture->rows, 0, 0);
	draw_facts(file, picture, 0, 0);
	fputs("</div>\n", file);
	for (unsigned i = 0; i < picture->rows; i++) {
		if (picture->row[i].kind == RACE_ROW_FOLDED)
			continue;
		draw_moment(file, picture, i, before);
		before = picture->row[i].moment;
	}
	moment_begin(file, "End", picture->failure);
	if (*picture->details)
		element(file, "<p>", picture->details, "</p>\n");
	draw_words(file, picture, picture->rows, picture->depth, before);
	draw_facts(file, picture, picture->depth, before);
	fputs("</div>\n</section>\n", file);
}

/* ---- the page ---- */

/* How to read the picture: only what it has. */
static void draw_lead(FILE *file, const struct race_picture *picture)
{
	bool folded = false, buffered = false, interrupted = false;

	for (unsigned i = 0; i < picture->rows; i++) {
		folded |= picture->row[i].kind == RACE_ROW_FOLDED;
		buffered |= picture->row[i].kind == RACE_ROW_BUFFERED;
		interrupted |= picture->row[i].interrupted >= 0;
	}
	fputs("<p class=\"lead\">", file);
	if (picture->scenario->about) {
		fputs("The scenario: ", file);
		race_escape(file, picture->scenario->about);
		fputs(". ", file);
	}
	fputs("Time goes down; each column is a thread, and each box a step. ", file);
	if (buffered)
		fputs("A dashed box is a store that is still in its processor's store buffer: other threads "
		      "see it only after the <code>~ flush</code>. ",
		      file);
	if (interrupted)
		fputs("A thread is interrupted where it could have gone on and another one did. ",
		      file);
	if (folded)
		fputs("Steps that no other thread's step conflicts with are folded (<code>...</code>). ",
		      file);
	if (picture->decision.known && picture->decision.steps > 0)
		fputs("The highlighted step decides: after it nothing can save the run.", file);
	fputs("</p>\n", file);
}

static void draw_controls(FILE *file)
{
	fputs("<div class=\"controls\" role=\"group\" aria-label=\"Steps of the run\">\n"
	      "<button type=\"button\" id=\"first\">First</button>\n"
	      "<button type=\"button\" id=\"back\">Back</button>\n"
	      "<button type=\"button\" id=\"next\">Next</button>\n"
	      "<button type=\"button\" id=\"last\">Last</button>\n"
	      "<button type=\"button\" id=\"all\">All</button>\n"
	      "<span id=\"position\"></span>\n"
	      "<span class=\"keys\"><kbd>&larr;</kbd> <kbd>&rarr;</kbd> step, <kbd>Home</kbd> "
	      "<kbd>End</kbd> first and last, <kbd>Esc</kbd> all</span>\n</div>\n"
	      "<div id=\"said\" class=\"said\" aria-live=\"polite\"></div>\n",
	      file);
}

void race_picture_html(FILE *file, const struct race_picture *picture)
{
	fputs("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
	      "style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:\">\n"
	      "<link rel=\"icon\" href=\"data:,\">\n",
	      file);
	element(file, "<title>", picture->title, "</title>\n");
	fprintf(file, "<style>\n%s</style>\n</head>\n<body class=\"pw\">\n<main>\n", race_page_css);
	element(file, "<h1>", picture->title, "</h1>\n");
	draw_lead(file, picture);
	if (*picture->details)
		element(file, "<p class=\"details\">", picture->details, "</p>\n");
	if (*picture->decided)
		element(file, "<p class=\"decided\">", picture->decided, "</p>\n");
	draw_controls(file);
	fputs("<div class=\"both\">\n", file);
	draw_picture(file, picture);
	draw_moments(file, picture);
	fputs("</div>\n", file);
	element(file, "<p>To see it again: <code class=\"command\">", picture->command,
		"</code></p>\n");
	element(file, "<p class=\"counts\">", picture->counts, "</p>\n");
	fprintf(file,
		"<footer>Drawn by pagewalk.</footer>\n</main>\n<script>\n%s</script>\n</body>\n</html>\n",
		race_page_js);
}
