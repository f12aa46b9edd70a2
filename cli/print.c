/* SPDX-License-Identifier: MIT */
/* Results as lines of text or JSON. */
#include "print.h"

#include <errno.h>
#include <stdarg.h>
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

/* Pages, without printf: a map may have millions of such lines, and little else takes time. */
static char *put_pages(char *at, int digits, const struct pw_range *range)
{
	char size[PW_SIZE_TEXT], prot[5];

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
	return at;
}

/* As printf, into @room bytes at @at. Returns the place behind it. */
__attribute__((format(printf, 3, 4))) static char *put_format(char *at, size_t room,
							      const char *format, ...)
{
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(at, room, format, arguments);
	va_end(arguments);
	return at + (length < 0 ? 0 : (size_t)length < room ? (size_t)length : room - 1);
}

char *print_range_put(char *at, const struct pw_regime *regime, const struct pw_range *range)
{
	int digits = print_va_digits(regime);
	char length[PRINT_TEXT], name[PRINT_TEXT];

	if (has_page(range))
		return put_pages(at, digits, range);
	at = put_va(at, digits, range->first);
	*at++ = '-';
	at = put_va(at, digits, range->last);
	at = pw_put_text(at, "  ");
	pw_size_text(range->last - range->first, length);
	if (range->status == PW_SHARED)
		return put_format(at, PRINT_TEXT, "%-18s %9s %8s  same tables as at 0x%0*llx\n",
				  "shared", length, "", digits, (unsigned long long)range->twin);
	if (range->status == PW_NOT_CANONICAL)
		return put_format(at, PRINT_TEXT, "%-18s %9s\n", pw_status_name(range->status),
				  length);
	return put_format(at, 2 * PRINT_TEXT, "%-18s %9s %8s  %s 0x%llx\n",
			  pw_status_name((enum pw_status)range->status), length, "",
			  print_entry_name(regime->format, range->level, name),
			  (unsigned long long)range->entry);
}

void print_range(const struct pw_regime *regime, const struct pw_range *range)
{
	char line[PRINT_LINE];

	fwrite_unlocked(line, 1, (size_t)(print_range_put(line, regime, range) - line), stdout);
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

/* The beginning of a range's object, up to its status, without printf: see put_pages. */
static char *put_range_json_start(char *at, const struct pw_range *range)
{
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
	return at;
}

char *print_range_json_put(char *at, const struct pw_regime *regime, const struct pw_range *range,
			   const char *region)
{
	const char *level = pw_level_name(regime->format, range->level);

	at = put_range_json_start(at, range);
	if (range->status == PW_SHARED) {
		at = pw_put_text(at, ",\"same_as\":\"0x");
		at = pw_put_hex(at, range->twin);
		*at++ = '"';
	} else if (range->status != PW_NOT_CANONICAL) {
		at = pw_put_text(at, ",\"level\":\"");
		at = pw_put_text(at, level);
		*at++ = '"';
	}
	if (range->status != PW_OK && range->status != PW_SHARED &&
	    range->status != PW_NOT_CANONICAL) {
		at = pw_put_text(at, ",\"entry\":\"0x");
		at = pw_put_hex(at, range->entry);
		*at++ = '"';
	}
	if (region) {
		at = pw_put_text(at, ",\"region\":\"");
		at = pw_put_text(at, region);
		*at++ = '"';
	}
	return pw_put_text(at, "}\n");
}

void print_range_json(const struct pw_regime *regime, const struct pw_range *range,
		      const char *region)
{
	char line[PRINT_LINE];

	fwrite_unlocked(line, 1, (size_t)(print_range_json_put(line, regime, range, region) - line),
			stdout);
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
