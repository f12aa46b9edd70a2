/* SPDX-License-Identifier: MIT */
/* The ranges on which every folding strategy is counted. */
#include "cases.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/words.h"

static const uint64_t LENGTHS[] = { 1, 2, 16, 512, 65536 };
enum { EMPTY_ENTRIES = 512 };

const char *cell_where_name(enum cell_where where)
{
	static const char *const name[] = { "inside", "across", "empty" };

	return name[where];
}

static void add(struct cell_case *c, enum cell_where where, uint64_t count, pw_va first, pw_va last)
{
	c->range[c->ranges++] = (struct cell_range){ where, count, first, last };
}

/*
 * Inside: centred in an entry. There, two tables of every level below meet, as they do where two entries of
 * the top meet; so both kinds of range have as many tables. Ranges longer than an entry cross several.
 * Empty: the second quarter of the addresses, where no other range is.
 */
static void choose_ranges(struct cell_case *c)
{
	unsigned top = c->levels - 1;
	uint64_t page = UINT64_C(1) << c->format->shift[0];
	uint64_t entry = UINT64_C(1) << c->format->shift[top];
	uint64_t entries = UINT64_C(1) << c->format->bits[top];
	pw_va highest = pw_mask(c->format->shift[top] + c->format->bits[top]);
	uint64_t empty = entries / 4 < EMPTY_ENTRIES ? entries / 4 : EMPTY_ENTRIES;

	for (size_t i = 0; i < sizeof(LENGTHS) / sizeof(LENGTHS[0]); i++) {
		uint64_t bytes = LENGTHS[i] * page, half = LENGTHS[i] / 2 * page;
		pw_va boundary = half > entry ? half : entry;
		pw_va middle = entry + entry / 2;

		if (bytes <= entry)
			add(c, CELL_INSIDE, LENGTHS[i], middle - half, middle - half + bytes - 1);
		if (LENGTHS[i] > 1 && boundary + half - 1 <= highest)
			add(c, CELL_ACROSS, LENGTHS[i], boundary - half, boundary + half - 1);
	}
	if (empty >= 2)
		add(c, CELL_EMPTY, empty, entry * (entries / 2 - empty), entry * (entries / 2) - 1);
}

static int compare(const void *left, const void *right)
{
	pw_va a = *(const pw_va *)left, b = *(const pw_va *)right;

	return a < b ? -1 : a > b;
}

/* All pages of all ranges that are not empty, sorted, each one once. */
static size_t list_pages(const struct cell_case *c, pw_va **page_ret)
{
	unsigned shift = c->format->shift[0];
	size_t room = 0, pages = 0, kept = 0;

	for (unsigned i = 0; i < c->ranges; i++)
		if (c->range[i].where != CELL_EMPTY)
			room += c->range[i].count;
	*page_ret = malloc(room * sizeof(**page_ret));
	if (!*page_ret)
		return 0;
	for (unsigned i = 0; i < c->ranges; i++)
		if (c->range[i].where != CELL_EMPTY)
			for (uint64_t n = 0; n < c->range[i].count; n++)
				(*page_ret)[pages++] = c->range[i].first + (n << shift);
	qsort(*page_ret, pages, sizeof(**page_ret), compare);
	for (size_t i = 0; i < pages; i++)
		if (i == 0 || (*page_ret)[i] != (*page_ret)[kept - 1])
			(*page_ret)[kept++] = (*page_ret)[i];
	return kept;
}

static void build(struct cell_case *c)
{
	const struct pw_regime_options options = { .view = PW_VIEW_LINUX };
	const struct pw_segment *segment;
	struct pw_error error = { "no memory" };
	pw_va *page;
	size_t pages = list_pages(c, &page);

	if (!pages || fold_tables_create_list(c->format, c->style, c->levels, &options, page, pages,
					      &c->tables, &error)) {
		fprintf(stderr, "fold_bench: %s: %s\n", c->format->name, error.text);
		exit(1);
	}
	free(page);
	fold_tables_input(c->tables, &c->input);
	if (pw_regime_init(&c->regime, c->format, c->input.root, c->input.roots, &options,
			   &error) ||
	    pw_memory_segments(c->input.memory, &segment) != 1) {
		fprintf(stderr, "fold_bench: %s: %s\n", c->format->name, error.text);
		exit(1);
	}
	c->ram = (const unsigned char *)((uintptr_t)segment->host - (uintptr_t)segment->first);
}

bool cell_case_at(size_t index, struct cell_case *c)
{
	const struct fold_style *style;

	for (size_t i = 0; (style = fold_style_at(i)); i++) {
		const struct pw_format *format = pw_format_find(style->format);
		unsigned levels = style->how == FOLD_VALUE ? 2 : format->levels;

		for (; levels <= format->levels; levels++) {
			if (index-- > 0)
				continue;
			*c = (struct cell_case){
				.style = style,
				.format = format,
				.levels = levels,
			};
			choose_ranges(c);
			build(c);
			return true;
		}
	}
	return false;
}

void cell_case_end(struct cell_case *c)
{
	fold_tables_destroy(c->tables);
}
