/* SPDX-License-Identifier: MIT */
#include "print.h"

#include <stdlib.h>
#include <string.h>

static const char *const units[] = { "", " KiB", " MiB", " GiB", " TiB", " PiB", " EiB" };

char *print_page_size(unsigned lg2, char text[PRINT_TEXT])
{
	snprintf(text, PRINT_TEXT, "%u%s", 1u << lg2 % 10, units[lg2 / 10]);
	return text;
}

char *print_size(uint64_t last, char text[PRINT_TEXT])
{
	uint64_t size = last + 1;
	unsigned unit = 0;

	if (size == 0)
		return print_page_size(64, text);
	while (unit < 6 && size >> (10 * (unit + 1)))
		unit++;
	if (size & ((UINT64_C(1) << (10 * unit)) - 1))
		snprintf(text, PRINT_TEXT, "%.1f%s", (double)(size >> (10 * (unit - 1))) / 1024,
			 units[unit]);
	else
		snprintf(text, PRINT_TEXT, "%llu%s", (unsigned long long)(size >> (10 * unit)),
			 unit        ? units[unit]
			 : size == 1 ? " byte"
				     : " bytes");
	return text;
}

char *print_entry_name(const struct pw_format *format, unsigned level, char text[PRINT_TEXT])
{
	const char *name = pw_level_name(format, level);

	/* The e of pte is the entry. */
	snprintf(text, PRINT_TEXT, strcmp(name, "pte") == 0 ? "%s" : "%s entry", name);
	return text;
}

const char *print_memtype(unsigned memtype)
{
	static const char *const name[] = {
		[PW_MEM_WRITE_THROUGH] = "write-through",
		[PW_MEM_WRITE_COMBINING] = "write-combining",
		[PW_MEM_UNCACHED] = "uncached",
		[PW_MEM_DEVICE] = "device",
		[PW_MEM_INDEXED] = "indexed",
	};

	return memtype < sizeof(name) / sizeof(name[0]) ? name[memtype] : "?";
}

char *print_flags(unsigned attr, unsigned memtype, char text[PRINT_TEXT])
{
	static const struct {
		unsigned bit;
		const char *name;
	} flags[] = {
		{ PW_ACCESSED, " accessed" },     { PW_DIRTY, " dirty" },
		{ PW_GLOBAL, " global" },         { PW_SPECIAL, " special" },
		{ PW_CONTIGUOUS, " contiguous" },
	};
	const char *type = print_memtype(memtype);

	text[0] = '\0';
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (attr & flags[i].bit)
			strcat(text, flags[i].name);
	if (type) {
		strcat(text, " ");
		strcat(text, type);
	}
	return text;
}

/* ---- why there is nothing ---- */

/* What Linux means by an entry that is nothing to the hardware; NULL: nothing either. */
static const char *linux_meaning(const struct tool_input *input, pw_va va)
{
	struct pw_regime regime = input->regime;
	struct pw_result result;

	if (regime.view == PW_VIEW_LINUX)
		return NULL;
	regime.view = PW_VIEW_LINUX;
	switch (pw_translate(input->memory, &regime, va, &result)) {
	case PW_OK:
		return "Linux has an old page there that it wants to see accessed";
	case PW_PROT_NONE:
		return "Linux has a page there that nobody may access (PROT_NONE)";
	case PW_SWAP:
		return "for Linux it is a swap entry";
	case PW_MIGRATION:
		return "for Linux its page is being moved";
	default:
		return NULL;
	}
}

static void reason_none(const struct tool_input *input, const struct pw_result *result,
			const char *entry, char text[PRINT_TEXT])
{
	const char *meaning = linux_meaning(input, result->va);

	if (meaning)
		snprintf(text, PRINT_TEXT,
			 "%.40s 0x%llx is invalid to the hardware; %s (--view linux)", entry,
			 (unsigned long long)result->entry, meaning);
	else
		snprintf(text, PRINT_TEXT, "%.40s 0x%llx is empty", entry,
			 (unsigned long long)result->entry);
}

static void reason_not_canonical(const struct pw_regime *regime, char text[PRINT_TEXT])
{
	int used = snprintf(text, PRINT_TEXT, "no root translates this address; these are:");

	for (unsigned i = 0; i < regime->spans; i++)
		used += snprintf(text + used, (size_t)(PRINT_TEXT - used), " 0x%llx-0x%llx",
				 (unsigned long long)regime->span[i].first,
				 (unsigned long long)regime->span[i].last);
}

/* The table that is not there, or too short, and what led to it. */
static void reason_table(const struct tool_input *input, const struct pw_result *result,
			 char text[PRINT_TEXT])
{
	const struct pw_format *format = input->format;
	const char *level = pw_level_name(format, result->level);
	struct pw_geometry geometry;
	struct pw_result again;
	struct pw_trace trace;
	const struct pw_step *step;
	char entry[PRINT_TEXT], from[PRINT_TEXT];

	pw_translate_trace(input->memory, &input->regime, result->va, &again, &trace);
	if (trace.steps == 0 || again.status != result->status) {
		snprintf(text, PRINT_TEXT, "the tables changed while they were looked at");
		return;
	}
	step = &trace.step[trace.steps - 1];
	pw_format_geometry(format, &geometry);
	if (trace.steps > 1)
		snprintf(from, sizeof(from), "%.40s 0x%llx",
			 print_entry_name(format, step[-1].level, entry),
			 (unsigned long long)step[-1].entry);
	else
		snprintf(from, sizeof(from), "root, %s", geometry.root_name);
	if (result->status == PW_OUTSIDE)
		snprintf(text, PRINT_TEXT,
			 "the %s table at 0x%llx (%.200s) is not in the memory that %.60s has",
			 level, (unsigned long long)step->table, from, input->source);
	else if (step->entry)
		snprintf(text, PRINT_TEXT,
			 "%.40s 0x%llx leads to a table too small for this address",
			 print_entry_name(format, step->level, entry),
			 (unsigned long long)step->entry);
	else
		snprintf(text, PRINT_TEXT,
			 "index %u is outside the length of the %s table at 0x%llx (%.200s)",
			 step->index, level, (unsigned long long)step->table, from);
}

char *print_reason(const struct tool_input *input, pw_va va, char text[PRINT_TEXT])
{
	struct pw_result result;
	char entry[PRINT_TEXT];

	pw_translate(input->memory, &input->regime, va, &result);
	print_entry_name(input->format, result.level, entry);
	switch ((enum pw_status)result.status) {
	case PW_NONE:
		reason_none(input, &result, entry, text);
		break;
	case PW_NOT_CANONICAL:
		reason_not_canonical(&input->regime, text);
		break;
	case PW_OUTSIDE:
	case PW_LENGTH:
		reason_table(input, &result, text);
		break;
	case PW_SWAP:
		snprintf(text, PRINT_TEXT,
			 "%.40s 0x%llx is a swap entry, or another of Linux's own", entry,
			 (unsigned long long)result.entry);
		break;
	case PW_MIGRATION:
		snprintf(text, PRINT_TEXT, "%.40s 0x%llx is of a page that is being moved", entry,
			 (unsigned long long)result.entry);
		break;
	case PW_PROT_NONE:
		snprintf(text, PRINT_TEXT,
			 "%.40s 0x%llx is of a page at 0x%llx that nobody may access", entry,
			 (unsigned long long)result.entry, (unsigned long long)result.pa);
		break;
	case PW_MALFORMED:
		snprintf(text, PRINT_TEXT,
			 "%.40s 0x%llx has reserved bits set, or is of the wrong type", entry,
			 (unsigned long long)result.entry);
		break;
	case PW_OK:
	case PW_SHARED:
	case PW_UNSTABLE:
		snprintf(text, PRINT_TEXT, "%.40s 0x%llx changed while it was looked at", entry,
			 (unsigned long long)result.entry);
		break;
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

	print_size(range->last - range->first, length);
	print_page_size(range->size_lg2, page);
	printf("0x%0*llx-0x%0*llx  ", digits, (unsigned long long)range->first, digits,
	       (unsigned long long)range->last);
	if (range->status == PW_OK)
		printf("0x%016llx %9s %8s  %s%s\n", (unsigned long long)range->pa, length, page,
		       pw_prot_string(range->attr, prot),
		       print_flags(range->attr & (PW_CONTIGUOUS | PW_SPECIAL), range->memtype,
				   flags));
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
	if (last - first == UINT64_MAX)
		printf(",\"length\":18446744073709551616");
	else
		printf(",\"length\":%llu", (unsigned long long)(last - first + 1));
}

void print_range_json(const struct pw_regime *regime, const struct pw_range *range)
{
	char prot[5];

	printf("{\"va\":\"0x%llx\"", (unsigned long long)range->first);
	if (has_page(range))
		printf(",\"pa\":\"0x%llx\"", (unsigned long long)range->pa);
	print_json_length(range->first, range->last);
	if (has_page(range))
		printf(",\"size\":%llu", 1ull << range->size_lg2);
	if (range->status == PW_OK) {
		printf(",\"prot\":\"%s\"}\n", pw_prot_string(range->attr, prot));
		return;
	}
	printf(",\"status\":\"%s\"", pw_status_name((enum pw_status)range->status));
	if (range->status == PW_SHARED)
		printf(",\"same_as\":\"0x%llx\"", (unsigned long long)range->twin);
	else if (range->status != PW_NOT_CANONICAL)
		printf(",\"level\":\"%s\",\"entry\":\"0x%llx\"",
		       pw_level_name(regime->format, range->level),
		       (unsigned long long)range->entry);
	printf("}\n");
}

/* ---- JSON ---- */

/* Bytes of the well-formed UTF-8 sequence at @text, or 0. Unicode 15, table 3-7. */
static size_t utf8_bytes(const unsigned char *text)
{
	size_t bytes = text[0] < 0x80 ? 1 : text[0] < 0xe0 ? 2 : text[0] < 0xf0 ? 3 : 4;

	if (bytes == 1)
		return 1;
	if (text[0] < 0xc2 || text[0] > 0xf4)
		return 0;
	for (size_t i = 1; i < bytes; i++)
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	/* Overlong forms, surrogates, and what is beyond U+10FFFF. */
	if ((text[0] == 0xe0 && text[1] < 0xa0) || (text[0] == 0xed && text[1] > 0x9f) ||
	    (text[0] == 0xf0 && text[1] < 0x90) || (text[0] == 0xf4 && text[1] > 0x8f))
		return 0;
	return bytes;
}

void print_json_string(const char *text)
{
	const unsigned char *at = (const unsigned char *)text;

	putchar('"');
	while (*at) {
		size_t bytes = utf8_bytes(at);

		if (bytes == 0) {
			fputs("\\ufffd", stdout);
			at++;
			continue;
		}
		if (*at == '"' || *at == '\\')
			printf("\\%c", *at);
		else if (*at < ' ' || *at == 0x7f)
			printf("\\u%04x", *at);
		else
			fwrite(at, bytes, 1, stdout);
		at += bytes;
	}
	putchar('"');
}
