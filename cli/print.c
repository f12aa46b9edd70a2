/* SPDX-License-Identifier: MIT */
/* Results as lines of text or JSON. */
#include "print.h"

#include "remark.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/names.h"

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
	case PW_HWPOISON:
		return "for Linux its page is gone, because memory failed (hwpoison)";
	case PW_DEVICE:
		return "for Linux its page is a device's";
	case PW_MARKER:
		return "for Linux it is a marker (userfaultfd, poison or a guard region)";
	default:
		return NULL;
	}
}

/* Does the walk end in a table whose bytes are not there, and were taken for zeros? */
static bool is_left_out(const struct tool_input *input, pw_va va, pw_pa *table_ret)
{
	struct pw_result result;
	struct pw_trace trace;
	char byte;

	pw_translate_trace(input->memory, &input->regime, va, &result, &trace);
	if (trace.steps == 0)
		return false;
	*table_ret = trace.step[trace.steps - 1].table;
	return pw_memory_read(input->memory, trace.step[trace.steps - 1].at, &byte, 1) == -ENODATA;
}

static void reason_none(const struct tool_input *input, const struct pw_result *result,
			const char *entry, char text[PRINT_TEXT])
{
	const char *meaning = linux_meaning(input, result->va);
	pw_pa table;
	char what[PRINT_TEXT];

	if (result->entry == 0 && is_left_out(input, result->va, &table))
		snprintf(text, PRINT_TEXT,
			 "the %.40s table at 0x%llx was left out of the dump, because it was all "
			 "zero: empty",
			 pw_level_name(input->format, result->level), (unsigned long long)table);
	else if (meaning)
		snprintf(text, PRINT_TEXT,
			 "%.40s 0x%llx is invalid to the hardware; %s (--view linux)", entry,
			 (unsigned long long)result->entry, meaning);
	else
		snprintf(text, PRINT_TEXT, "%.40s 0x%llx %.300s", entry,
			 (unsigned long long)result->entry, remark_hole(input, result, what));
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
	char entry[PRINT_TEXT], from[PRINT_TEXT], source[PRINT_TEXT];

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
			 level, (unsigned long long)step->table, from,
			 print_safe(input->source, source));
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
		snprintf(text, PRINT_TEXT, "%.40s 0x%llx is a swap entry", entry,
			 (unsigned long long)result.entry);
		break;
	case PW_MIGRATION:
		snprintf(text, PRINT_TEXT, "%.40s 0x%llx is of a page that is being moved", entry,
			 (unsigned long long)result.entry);
		break;
	case PW_HWPOISON:
		snprintf(text, PRINT_TEXT,
			 "%.40s 0x%llx is of a page whose memory failed (hwpoison): who uses it "
			 "gets SIGBUS",
			 entry, (unsigned long long)result.entry);
		break;
	case PW_DEVICE:
		snprintf(text, PRINT_TEXT,
			 "%.40s 0x%llx is of a page in a device's own memory, or that a device "
			 "has for itself; Linux fetches it when it is used",
			 entry, (unsigned long long)result.entry);
		break;
	case PW_MARKER:
		snprintf(text, PRINT_TEXT,
			 "%.40s 0x%llx is a marker without a page: write protection by "
			 "userfaultfd, a page that was lost, or a guard region",
			 entry, (unsigned long long)result.entry);
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

void print_json_number(const char *name, uint64_t number)
{
	printf(",\"%s\":", name);
	pw_escape_json_number(stdout, number);
}

void print_json_length(uint64_t first, uint64_t last)
{
	printf(",\"length\":");
	pw_escape_json_count(stdout, last - first);
}

void print_json_page_size(unsigned lg2)
{
	printf(",\"size\":");
	pw_escape_json_count(stdout, lg2 < 64 ? (UINT64_C(1) << lg2) - 1 : UINT64_MAX);
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
