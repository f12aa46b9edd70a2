/* SPDX-License-Identifier: MIT */
/*
 * Results as text of at most a hundred columns of ASCII, which fits into a mail. In fewer columns bars are shorter, and
 * paragraphs narrower; rows stay as they are.
 *
 *   level  crop  turns
 *   pgd    2^53      1  |...............................................|  . folded: passed on
 *   pud    2^31      2  |-----------------------|!!!!!!!!!!!!!!!!!!!!!!!|  ! left its table
 */
#include <inttypes.h>
#include <string.h>

#include "lab/fold/kernel.h"

enum {
	WIDTH = 96,
	BAR = 56,
	BAR_LEAST = 16,
	BESIDE = 20, /* columns of a loop's line beside its bar, with the bar's last stroke */
};

/* ---- words ---- */

static void print_paragraph(FILE *stream, unsigned width, const char *indent, const char *text)
{
	const size_t left = (width && width < WIDTH ? width : WIDTH) - strlen(indent);
	size_t column = 0;

	while (*text) {
		size_t word = strcspn(text, " ");

		if (column > 0 && column + 1 + word > left) {
			fputc('\n', stream);
			column = 0;
		}
		column += (size_t)fprintf(stream, "%s%.*s", column ? " " : indent, (int)word,
					  text) -
			  (column ? 0 : strlen(indent));
		text += word;
		text += *text == ' ';
	}
	fputc('\n', stream);
}

static const char *crop_text(unsigned crop, char text[8])
{
	if (crop == FOLD_NO_CROP)
		return "end";
	snprintf(text, 8, "2^%u", crop);
	return text;
}

/* ---- the loops of one strategy ---- */

/* How long a bar is where a line has @width columns; 0: as many as it needs. */
static size_t bar_length(unsigned width)
{
	if (width == 0 || width >= BAR + BESIDE)
		return BAR;
	return width > BAR_LEAST + BESIDE ? width - BESIDE : BAR_LEAST;
}

/* The column of @va in the bar: 0 for first, @length for the end of the range. */
static size_t column_of(const struct fold_result *result, pw_va va, size_t length)
{
	double part = (double)(va - result->first) / ((double)(result->last - result->first) + 1);

	return (size_t)(part * (double)length);
}

/* Draws the turns of @level into @bar, of @length columns and one, without blanks at its end. */
static void draw(const struct fold_result *result, unsigned level, char bar[BAR + 2], size_t length)
{
	memset(bar, ' ', length + 1);
	bar[length + 1] = '\0';
	for (size_t i = 0; i < result->turns; i++) {
		const struct fold_turn *turn = &result->turn[i];
		size_t from = column_of(result, turn->first, length);
		size_t to = turn->last == result->last ? length
						       : column_of(result, turn->last + 1, length);
		char fill = turn->folded ? '.' : '-';

		if (turn->level != level)
			continue;
		if (turn->broken)
			fill = '?';
		if (turn->departed)
			fill = '!';
		for (size_t at = from + 1; at < to; at++)
			bar[at] = fill;
		/* Turns that are too short to draw apart make one stroke. */
		if (to > from + 1 || bar[from] == ' ')
			bar[from] = to > from + 1 ? '|' : fill;
		if (to > from + 1)
			bar[to] = '|';
	}
	for (size_t end = length + 1; end > 0 && bar[end - 1] == ' '; end--)
		bar[end - 1] = '\0';
}

static void print_loops(FILE *stream, unsigned width, const struct fold_input *input,
			const struct fold_result *result)
{
	char bar[BAR + 2], crop[8];

	fprintf(stream, "   level crop  turns\n");
	for (unsigned level = FOLD_LEVELS; level-- > 0;) {
		const struct fold_turn *first = NULL;

		for (size_t i = 0; i < result->turns && !first; i++)
			if (result->turn[i].level == level)
				first = &result->turn[i];
		if (!first) {
			fprintf(stream, "   %-5s %-5s %5s  %s\n", fold_level_name(level), "", "-",
				level > result->top ? "not visited: there is no such table"
						    : "not reached");
			continue;
		}
		draw(result, level, bar, bar_length(width));
		fprintf(stream, "   %-5s %-5s %5" PRIu64 "  %s\n", fold_level_name(level),
			crop_text(fold_turn_crop(input, result, first), crop),
			result->turns_of[level], bar);
	}
}

static void print_turn(FILE *stream, const struct fold_input *input, const struct fold_turn *turn)
{
	const char *note = turn->folded ? "passed on" : "";
	char place[96];

	if (turn->outside)
		note = "no such memory";
	if (turn->broken)
		note = "wrong entry";
	if (turn->departed)
		note = "NO TABLE";
	fprintf(stream, "   %-4s %4u 0x%" PRIx64 "-0x%" PRIx64 "  %s%s%s\n",
		fold_level_name(turn->level), turn->iteration + 1, turn->first, turn->last,
		fold_place_text(input, &turn->place, place), *note ? ": " : "", note);
}

static void print_turns(FILE *stream, const struct fold_input *input,
			const struct fold_result *result, unsigned rows)
{
	unsigned printed = 0;

	fprintf(stream, "   loop turn range and what is read\n");
	for (size_t i = 0; i < result->turns; i++) {
		/* Lists the first @rows turns, then only turns that left their table, up to twice @rows. */
		if (printed >= rows && !result->turn[i].departed)
			continue;
		if (printed >= 2 * rows)
			continue;
		print_turn(stream, input, &result->turn[i]);
		printed++;
	}
	if (printed < result->turns)
		fprintf(stream, "   ... and %zu more turns\n", result->turns - printed);
}

/* ---- pages ---- */

static bool is_wrong(const struct fold_page *page)
{
	return !page->mapped || page->mapped_at != page->va;
}

static void print_page(FILE *stream, const struct fold_page *page)
{
	fprintf(stream, "   0x%-16" PRIx64 " 0x%-12" PRIx64 " ", page->va, page->pa);
	if (page->expected)
		fprintf(stream, "0x%-12" PRIx64 " ", page->expected_pa);
	else
		fprintf(stream, "%-14s ", "none");
	if (!is_wrong(page))
		fprintf(stream, "the same\n");
	else if (page->mapped)
		fprintf(stream, "WRONG: the page of 0x%" PRIx64 "\n", page->mapped_at);
	else
		fprintf(stream, "WRONG: a page that no address maps\n");
}

static void print_pages(FILE *stream, const struct fold_result *result, unsigned rows)
{
	unsigned printed = 0;

	if (result->pages == 0) {
		fprintf(stream, "   no page was found\n");
		return;
	}
	fprintf(stream, "   %-18s %-14s oracle\n", "address", "page found");
	for (size_t i = 0; i < result->pages && printed < 2 * rows; i++) {
		if (printed >= rows && !is_wrong(&result->page[i]))
			continue;
		print_page(stream, &result->page[i]);
		printed++;
	}
	if (printed < result->pages)
		fprintf(stream, "   ... and %zu more\n", result->pages - printed);
}

/* ---- all ---- */

void fold_print_head(FILE *stream, const struct fold_input *input, const struct fold_result *result)
{
	const struct fold_style *style = input->style;
	uint64_t pages = ((result->last - result->first) >> input->format->shift[0]) + 1;

	fprintf(stream, "%s, %s\n", style->format, style->built);
	fprintf(stream, "%u tables deep, so the top table holds %s entries", result->top + 1u,
		pw_level_name(input->format, result->top));
	if (result->top < FOLD_PGD)
		fprintf(stream, " and %u level%s folded", FOLD_PGD - result->top,
			result->top == FOLD_P4D ? " is" : "s are");
	fprintf(stream, "\n0x%" PRIx64 "-0x%" PRIx64 ", %" PRIu64 " page%s; %s\n", result->first,
		result->last, pages, pages > 1 ? "s" : "",
		input->walk == FOLD_FAST ? "get_user_pages_fast" : "walk_page_range (pagewalk)");
	if (input->walk == FOLD_FAST)
		fprintf(stream, "beside a stack copy stands %s\n",
			input->neighbour == FOLD_NEIGHBOUR_ENTRY
				? "the caller's copy of the same entry"
				: "an empty entry");
}

void fold_print(FILE *stream, unsigned width, const struct fold_input *input,
		const struct fold_result *result, unsigned rows)
{
	fprintf(stream, "\n%s  %s\n", fold_strategy_name(result->strategy),
		fold_strategy_title(result->strategy));
	print_loops(stream, width, input, result);
	print_turns(stream, input, result, rows);
	print_pages(stream, result, rows);
	fprintf(stream, "   %" PRIu64 " loads from tables ", result->loads);
	if (result->most_loads > 1)
		fprintf(stream, "(one entry %" PRIu64 " times)", result->most_loads);
	else
		fprintf(stream, "(no entry twice)");
	fprintf(stream, ", %" PRIu64 " from the stack; %" PRIu64 " turn%s table\n",
		result->stack_loads, result->departures,
		result->departures == 1 ? " left its" : "s left their");
	print_paragraph(stream, width, "   ", result->verdict);
}

void fold_print_summary(FILE *stream, unsigned width, const struct fold_input *input,
			struct fold_result *const *results, size_t count)
{
	char text[800];

	fprintf(stream, "\n   turns: pgd    p4d    pud    pmd     pte   loads  again  stack  left  "
			"result\n");
	for (size_t i = 0; i < count; i++) {
		const struct fold_result *r = results[i];
		const char *result = !r->right ? "WRONG" : r->departures ? "lucky" : "right";

		fprintf(stream,
			"%-6s %6" PRIu64 " %6" PRIu64 " %6" PRIu64 " %6" PRIu64 " %7" PRIu64
			" %7" PRIu64 " %6" PRIu64 " %6" PRIu64 " %5" PRIu64 "  %s\n",
			fold_strategy_name(r->strategy), r->turns_of[FOLD_PGD],
			r->turns_of[FOLD_P4D], r->turns_of[FOLD_PUD], r->turns_of[FOLD_PMD],
			r->turns_of[FOLD_PTE], r->loads, r->loads - r->entries, r->stack_loads,
			r->departures, result);
	}
	if (count == 0)
		return;
	fputc('\n', stream);
	print_paragraph(stream, width, "", fold_why(input, results[0], text));
}
