/* SPDX-License-Identifier: MIT */
/* Results as lines of text or JSON. */
#include "print.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/names.h"

char *print_entry_name(const struct pw_format *format, unsigned level, char text[PRINT_TEXT])
{
	const char *name = pw_level_name(format, level);

	snprintf(text, PRINT_TEXT, "%s%s", name, pw_entry_suffix(name));
	return text;
}

char *print_flags(unsigned attr, unsigned memtype, char text[PRINT_TEXT])
{
	text[0] = '\0';
	for (size_t i = 0; i < PW_ATTR_NAMES; i++)
		if (attr & pw_attr_names[i].bit) {
			strcat(text, " ");
			strcat(text, pw_attr_names[i].name);
		}
	if (memtype != PW_MEM_NORMAL) {
		strcat(text, " ");
		strcat(text, pw_memtype_name(memtype));
	}
	return text;
}

/* ---- ranges ---- */

int print_va_digits(const struct pw_regime *regime)
{
	return regime->span[regime->spans - 1].last >> 32 ? 16 : 8;
}

void print_range_head(const struct pw_regime *regime)
{
	int digits = print_va_digits(regime);

	printf("%-*s  %-18s %9s %8s  %s\n", 2 * digits + 5, "virtual addresses", "physical",
	       "length", "page", "prot");
}

static bool has_page(const struct pw_range *range)
{
	return range->status == PW_OK || range->status == PW_PROT_NONE;
}

void print_range(const struct pw_regime *regime, const struct pw_range *range)
{
	int digits = print_va_digits(regime);
	char length[PRINT_TEXT], page[PRINT_TEXT], flags[PRINT_TEXT], prot[5];

	pw_size_text(range->last - range->first, length);
	pw_size_lg2_text(range->size_lg2, page);
	printf("0x%0*llx-0x%0*llx  ", digits, (unsigned long long)range->first, digits,
	       (unsigned long long)range->last);
	if (range->status == PW_OK)
		printf("0x%016llx %9s %8s  %s%s\n", (unsigned long long)range->pa, length, page,
		       pw_prot_string(range->attr, prot),
		       print_flags(range->attr & PRINT_RANGE_FLAGS, range->memtype, flags));
	else if (range->status == PW_PROT_NONE)
		printf("0x%016llx %9s %8s  prot-none\n", (unsigned long long)range->pa, length,
		       page);
	else if (range->status == PW_SHARED)
		printf("%-18s %9s %8s  same tables as at 0x%0*llx\n", "shared", length, "", digits,
		       (unsigned long long)range->twin);
	else if (range->status == PW_NOT_CANONICAL)
		printf("%-18s %9s\n", pw_status_name(range->status), length);
	else
		printf("%-18s %9s %8s  %s 0x%llx\n", pw_status_name((enum pw_status)range->status),
		       length, "", print_entry_name(regime->format, range->level, page),
		       (unsigned long long)range->entry);
}

void print_json_length(uint64_t first, uint64_t last)
{
	pw_json_count(stdout, "length", last - first);
}

void print_json_page_size(unsigned lg2)
{
	pw_json_count(stdout, "size", lg2 < 64 ? (UINT64_C(1) << lg2) - 1 : UINT64_MAX);
}

void print_json_page(unsigned lg2, unsigned attr, unsigned memtype, unsigned flags)
{
	char prot[5];

	print_json_page_size(lg2);
	printf(",\"prot\":\"%s\"", pw_prot_string(attr, prot));
	pw_names_json_flags(stdout, attr & flags);
	printf(",\"memtype\":\"%s\"", pw_memtype_name(memtype));
}

void print_range_json(const struct pw_regime *regime, const struct pw_range *range)
{
	const char *level = pw_level_name(regime->format, range->level);

	printf("{\"va\":\"0x%llx\"", (unsigned long long)range->first);
	if (has_page(range))
		printf(",\"pa\":\"0x%llx\"", (unsigned long long)range->pa);
	print_json_length(range->first, range->last);
	if (range->status == PW_OK)
		print_json_page(range->size_lg2, range->attr, range->memtype, PRINT_RANGE_FLAGS);
	else if (has_page(range))
		print_json_page_size(range->size_lg2);
	printf(",\"status\":\"%s\"", pw_status_name((enum pw_status)range->status));
	if (range->status == PW_SHARED)
		printf(",\"same_as\":\"0x%llx\"", (unsigned long long)range->twin);
	else if (range->status == PW_OK)
		printf(",\"level\":\"%s\"", level);
	else if (range->status != PW_NOT_CANONICAL)
		printf(",\"level\":\"%s\",\"entry\":\"0x%llx\"", level,
		       (unsigned long long)range->entry);
	printf("}\n");
}

/* ---- names, and JSON ---- */

char *print_safe(const char *text, char safe[PRINT_TEXT])
{
	return pw_escape_text(text, safe, PRINT_TEXT);
}

void print_json_string(const char *text)
{
	pw_escape_json(stdout, text);
}
