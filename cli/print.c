/* SPDX-License-Identifier: MIT */
/* Results as lines of text or JSON. */
#include "print.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/names.h"
#include "base/put.h"

char *print_entry_name(const struct pw_format *format, unsigned level, char text[PRINT_TEXT])
{
	const char *name = pw_level_name(format, level);

	snprintf(text, PRINT_TEXT, "%s%s", name, pw_entry_suffix(name));
	return text;
}

static char *put_flags(char *at, unsigned attr, unsigned memtype)
{
	for (size_t i = 0; i < PW_ATTR_NAMES; i++)
		if (attr & pw_attr_names[i].bit) {
			*at++ = ' ';
			at = pw_put_text(at, pw_attr_names[i].name);
		}
	if (memtype != PW_MEM_NORMAL) {
		*at++ = ' ';
		at = pw_put_text(at, pw_memtype_name(memtype));
	}
	return at;
}

char *print_flags(unsigned attr, unsigned memtype, char text[PRINT_TEXT])
{
	*put_flags(text, attr, memtype) = '\0';
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

static char *put_va(char *at, int digits, pw_va va)
{
	at = pw_put_text(at, "0x");
	return digits == 16 ? pw_put_hex16(at, va) : pw_put_hex8(at, (uint32_t)va);
}

/* Prints pages without printf: a map may have millions of such lines, and little else takes time. */
static void print_pages(int digits, const struct pw_range *range)
{
	char line[PRINT_TEXT], size[PW_SIZE_TEXT], prot[5], *at = line;

	at = put_va(at, digits, range->first);
	*at++ = '-';
	at = put_va(at, digits, range->last);
	at = pw_put_text(at, "  0x");
	at = pw_put_hex16(at, range->pa);
	*at++ = ' ';
	at = pw_put_right(at, pw_size_text(range->last - range->first, size), 9);
	*at++ = ' ';
	at = pw_put_right(at, pw_size_lg2_text(range->size_lg2, size), 8);
	at = pw_put_text(at, "  ");
	if (range->status == PW_OK) {
		at = pw_put_text(at, pw_prot_string(range->attr, prot));
		at = put_flags(at, range->attr & PRINT_RANGE_FLAGS, range->memtype);
	} else {
		at = pw_put_text(at, "prot-none");
	}
	*at++ = '\n';
	fwrite_unlocked(line, 1, (size_t)(at - line), stdout);
}

void print_range(const struct pw_regime *regime, const struct pw_range *range)
{
	int digits = print_va_digits(regime);
	char length[PRINT_TEXT], name[PRINT_TEXT];

	if (has_page(range)) {
		print_pages(digits, range);
		return;
	}
	pw_size_text(range->last - range->first, length);
	printf("0x%0*llx-0x%0*llx  ", digits, (unsigned long long)range->first, digits,
	       (unsigned long long)range->last);
	if (range->status == PW_SHARED)
		printf("%-18s %9s %8s  same tables as at 0x%0*llx\n", "shared", length, "", digits,
		       (unsigned long long)range->twin);
	else if (range->status == PW_NOT_CANONICAL)
		printf("%-18s %9s\n", pw_status_name(range->status), length);
	else
		printf("%-18s %9s %8s  %s 0x%llx\n", pw_status_name((enum pw_status)range->status),
		       length, "", print_entry_name(regime->format, range->level, name),
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
	pw_names_json_flags(stdout, "flags", attr & flags);
	printf(",\"memtype\":\"%s\"", pw_memtype_name(memtype));
}

/* As pw_json_count. */
static char *put_count(char *at, const char *name, uint64_t last_index)
{
	const uint64_t number = last_index + 1;

	at = pw_put_text(at, name);
	if (last_index == UINT64_MAX)
		return pw_put_text(at, "\"18446744073709551616\"");
	if (number <= UINT64_C(1) << 53)
		return pw_put_decimal(at, number);
	*at++ = '"';
	at = pw_put_decimal(at, number);
	*at++ = '"';
	return at;
}

/* As print_json_page, without the size. */
static char *put_page(char *at, unsigned attr, unsigned memtype)
{
	const char *before = "\"";
	char prot[5];

	at = pw_put_text(at, ",\"prot\":\"");
	at = pw_put_text(at, pw_prot_string(attr, prot));
	at = pw_put_text(at, "\",\"flags\":[");
	for (size_t i = 0; i < PW_ATTR_NAMES; i++)
		if (attr & PRINT_RANGE_FLAGS & pw_attr_names[i].bit) {
			at = pw_put_text(at, before);
			at = pw_put_text(at, pw_attr_names[i].name);
			*at++ = '"';
			before = ",\"";
		}
	at = pw_put_text(at, "],\"memtype\":\"");
	at = pw_put_text(at, pw_memtype_name(memtype));
	*at++ = '"';
	return at;
}

/* The beginning of a range's object, up to its status, without printf: see print_pages. */
static void print_range_json_start(const struct pw_range *range)
{
	char line[PRINT_TEXT], *at = line;

	at = pw_put_text(at, "{\"va\":\"0x");
	at = pw_put_hex(at, range->first);
	if (has_page(range)) {
		at = pw_put_text(at, "\",\"pa\":\"0x");
		at = pw_put_hex(at, range->pa);
	}
	at = put_count(at, "\",\"length\":", range->last - range->first);
	if (has_page(range))
		at = put_count(at, ",\"size\":",
			       range->size_lg2 < 64 ? (UINT64_C(1) << range->size_lg2) - 1
						    : UINT64_MAX);
	if (range->status == PW_OK)
		at = put_page(at, range->attr, range->memtype);
	at = pw_put_text(at, ",\"status\":\"");
	at = pw_put_text(at, pw_status_name((enum pw_status)range->status));
	*at++ = '"';
	fwrite_unlocked(line, 1, (size_t)(at - line), stdout);
}

void print_range_json(const struct pw_regime *regime, const struct pw_range *range,
		      const char *region)
{
	const char *level = pw_level_name(regime->format, range->level);

	print_range_json_start(range);
	if (range->status == PW_SHARED)
		printf(",\"same_as\":\"0x%llx\"", (unsigned long long)range->twin);
	else if (range->status == PW_OK) {
		fputs_unlocked(",\"level\":\"", stdout);
		fputs_unlocked(level, stdout);
		putc_unlocked('"', stdout);
	} else if (range->status != PW_NOT_CANONICAL)
		printf(",\"level\":\"%s\",\"entry\":\"0x%llx\"", level,
		       (unsigned long long)range->entry);
	if (region)
		printf(",\"region\":\"%s\"", region);
	fputs_unlocked("}\n", stdout);
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
