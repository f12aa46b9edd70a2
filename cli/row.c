/* SPDX-License-Identifier: MIT */
/* A range as a row of a map, in as many columns as there are. */
#include "row.h"

#include <string.h>

enum layout {
	LAYOUT_WIDE, /* every column, numbers with all digits */
	LAYOUT_MIDDLE, /* length and page size in one column, short physical addresses */
	LAYOUT_NARROW, /* two lines: the addresses, and the rest */
};

enum { INDENT = 2, SIZE_TEXT = 16 };

static enum layout layout_of(const struct terminal *terminal, const struct pw_regime *regime,
			     unsigned indent)
{
	unsigned va = indent + 2 * (unsigned)print_va_digits(regime) + 5;

	if (terminal->width == 0 || terminal->width >= va + 45)
		return LAYOUT_WIDE;
	return terminal->width >= va + 32 ? LAYOUT_MIDDLE : LAYOUT_NARROW;
}

void row_head(const struct terminal *terminal, const struct pw_regime *regime)
{
	int va = 2 * print_va_digits(regime) + 5;

	terminal_colour(terminal, TERMINAL_BOLD);
	switch (layout_of(terminal, regime, 0)) {
	case LAYOUT_WIDE:
		print_range_head(regime);
		terminal_colour(terminal, TERMINAL_PLAIN);
		return;
	case LAYOUT_MIDDLE:
		printf("%-*s %14s %11s %s", va, "virtual addresses", "physical", "length/page",
		       "prot");
		break;
	case LAYOUT_NARROW:
		terminal_words(terminal, "virtual addresses, physical, length/page, prot", 0,
			       INDENT);
		break;
	}
	terminal_colour(terminal, TERMINAL_PLAIN);
	putchar('\n');
}

/* "4 KiB" as "4K". */
static char *short_size(const char *size, char text[SIZE_TEXT])
{
	size_t digits = strcspn(size, " ");

	snprintf(text, SIZE_TEXT, "%.*s%.1s", (int)digits, size,
		 size[digits] ? size + digits + 1 : "");
	return text;
}

static enum terminal_colour colour_of(const struct pw_range *range)
{
	bool writable = range->attr & (PW_WRITE | PW_DBM);

	if (range->status != PW_OK)
		return TERMINAL_DIM;
	if (writable && (range->attr & PW_EXEC))
		return TERMINAL_DANGER;
	return range->attr & PW_USER ? TERMINAL_USER : TERMINAL_KERNEL;
}

/* A row before it is laid out. */
struct row {
	char length[PRINT_TEXT], page[PRINT_TEXT];
	char rest[2 * PRINT_TEXT]; /* permissions and flags, or the words of a hole */
	bool has_page;
};

static void fill(const struct pw_regime *regime, const struct pw_range *range, struct row *row)
{
	char text[PRINT_TEXT], prot[5];

	*row = (struct row){ .has_page = range->status == PW_OK || range->status == PW_PROT_NONE };
	pw_size_text(range->last - range->first, row->length);
	if (row->has_page)
		pw_size_lg2_text(range->size_lg2, row->page);
	if (range->status == PW_OK)
		snprintf(row->rest, sizeof(row->rest), "%s%s", pw_prot_string(range->attr, prot),
			 print_flags(range->attr & PRINT_RANGE_FLAGS, range->memtype, text));
	else if (range->status == PW_PROT_NONE)
		snprintf(row->rest, sizeof(row->rest), "prot-none");
	else if (range->status == PW_SHARED)
		snprintf(row->rest, sizeof(row->rest), "same tables as at 0x%0*llx",
			 print_va_digits(regime), (unsigned long long)range->twin);
	else if (range->status != PW_NOT_CANONICAL)
		snprintf(row->rest, sizeof(row->rest), "%s 0x%llx",
			 print_entry_name(regime->format, range->level, text),
			 (unsigned long long)range->entry);
}

static const char *hole_name(const struct pw_range *range)
{
	return range->status == PW_SHARED ? "shared"
					  : pw_status_name((enum pw_status)range->status);
}

static unsigned print_wide(const struct pw_range *range, const struct row *row)
{
	char place[32];

	if (row->has_page)
		snprintf(place, sizeof(place), "0x%016llx", (unsigned long long)range->pa);
	else
		snprintf(place, sizeof(place), "%s", hole_name(range));
	if (!row->rest[0])
		return (unsigned)printf("  %-18s %9s", place, row->length);
	return (unsigned)printf("  %-18s %9s %8s  ", place, row->length, row->page);
}

static unsigned print_short(const struct pw_range *range, const struct row *row, bool aligned)
{
	char length[SIZE_TEXT], page[SIZE_TEXT], both[2 * SIZE_TEXT], place[32];

	short_size(row->length, length);
	if (!row->has_page)
		return (unsigned)printf("%s %s%s", hole_name(range), length,
					row->rest[0] ? " " : "");
	snprintf(both, sizeof(both), "%s/%s", length, short_size(row->page, page));
	snprintf(place, sizeof(place), "0x%llx", (unsigned long long)range->pa);
	return (unsigned)printf(aligned ? "%14s %11s " : "%s %s ", place, both);
}

void row_print(const struct terminal *terminal, const struct pw_regime *regime,
	       const struct pw_range *range, unsigned indent)
{
	enum layout layout = layout_of(terminal, regime, indent);
	int digits = print_va_digits(regime);
	unsigned column;
	struct row row;

	if (indent > 0)
		printf("%*s", (int)indent, "");
	if (layout == LAYOUT_WIDE && terminal->width == 0 && !terminal->colour) {
		print_range(regime, range);
		return;
	}
	fill(regime, range, &row);
	column = indent + (unsigned)printf("0x%0*llx-0x%0*llx", digits,
					   (unsigned long long)range->first, digits,
					   (unsigned long long)range->last);
	if (layout == LAYOUT_WIDE) {
		column += print_wide(range, &row);
	} else {
		column += (unsigned)printf(layout == LAYOUT_NARROW ? "\n  %*s" : " %*s",
					   layout == LAYOUT_NARROW ? (int)indent : 0, "");
		if (layout == LAYOUT_NARROW)
			column = indent + INDENT;
		column += print_short(range, &row, layout == LAYOUT_MIDDLE);
	}
	terminal_colour(terminal, colour_of(range));
	terminal_words(terminal, row.rest, column, indent + 2 * INDENT);
	terminal_colour(terminal, TERMINAL_PLAIN);
	putchar('\n');
}
