/* SPDX-License-Identifier: MIT */
/*
 * Text tables: page tables that were written by hand from the manuals, and the results of walks of them.
 * tables/README describes such a file. Every way to walk must give the answer in the file, also with the
 * format's description (tests/oracle/formats) in the place of the format.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "instance/registry.h"

enum { SEGMENTS = 8, WORDS = 6 };

/* The content of one file so far. */
struct text_table {
	const char *path;
	unsigned line;
	const struct pw_format *format, *described;
	struct pw_segment segment[SEGMENTS];
	size_t segments;
	struct pw_memory *mapped, *copied; /* made at the first question */
	uint64_t root[PW_MAX_ROOTS];
	size_t roots;
	struct pw_regime_options options;
	unsigned questions, malformed;
};

static const char *table_directory, *description_directory;

static void __attribute__((noreturn, format(printf, 2, 3)))
wrong(const struct text_table *table, const char *text, ...)
{
	va_list arguments;

	print_error("%s:%u: ", table->path, table->line);
	va_start(arguments, text);
	vprint_error(text, arguments);
	va_end(arguments);
	print_error("\n");
	fail();
	abort();
}

static uint64_t number(const struct text_table *table, const char *text)
{
	char *end;
	uint64_t value = strtoull(text, &end, 0);
	static const char units[] = "KMGTPE";
	const char *unit;

	if (end == text)
		wrong(table, "'%s' is no number", text);
	if (*end && (unit = strchr(units, *end)) != NULL) {
		value <<= 10 * (unit - units + 1);
		end++;
	}
	if (*end)
		wrong(table, "'%s' is no number", text);
	return value;
}

/* ---- memory ---- */

static unsigned char *place(const struct text_table *table, pw_pa pa, size_t bytes)
{
	for (size_t i = 0; i < table->segments; i++) {
		const struct pw_segment *segment = &table->segment[i];

		if (pa >= segment->first && pa <= segment->last && bytes - 1 <= segment->last - pa)
			return (unsigned char *)(uintptr_t)segment->host + (pa - segment->first);
	}
	return NULL;
}

static int fetch(void *context, pw_pa pa, void *buffer, size_t bytes)
{
	const unsigned char *host = place(context, pa, bytes);

	if (!host)
		return -ENODATA;
	memcpy(buffer, host, bytes);
	return 0;
}

static void add_memory(struct text_table *table, const char *first, const char *last)
{
	struct pw_segment *segment = &table->segment[table->segments++];
	size_t bytes;

	if (table->segments > SEGMENTS)
		wrong(table, "more than %u segments", SEGMENTS);
	segment->first = number(table, first);
	segment->last = number(table, last);
	bytes = (size_t)(segment->last - segment->first + 1);
	segment->host = calloc(1, bytes);
	if (!segment->host)
		wrong(table, "out of memory");
}

static void store(struct text_table *table, pw_pa at, uint64_t entry)
{
	size_t bytes = (size_t)1 << table->format->entry_lg2;
	unsigned char *host = place(table, at, bytes);

	if (!host)
		wrong(table, "0x%llx is outside of the file's memory", (unsigned long long)at);
	if (bytes == 4 && entry >> 32)
		wrong(table, "0x%llx does not fit an entry of 4 bytes", (unsigned long long)entry);
	for (size_t i = 0; i < bytes; i++)
		host[table->format->big_endian ? bytes - 1 - i : i] = (unsigned char)(entry >>
										      (8 * i));
}

/* ---- questions ---- */

struct answer {
	pw_va va;
	pw_pa pa;
	enum pw_status status;
	uint64_t size; /* 0: not given */
	const char *prot; /* NULL: not given */
	const char *level; /* the same */
};

static void compare(const struct text_table *table, const char *how, const struct answer *answer,
		    pw_pa pa, unsigned status, unsigned size_lg2, uint32_t attr, unsigned level)
{
	char prot[5];

	if (status != answer->status)
		wrong(table, "%s: 0x%llx is %s, not %s", how, (unsigned long long)answer->va,
		      pw_status_name((enum pw_status)status), pw_status_name(answer->status));
	if (answer->level && strcmp(answer->level, pw_level_name(table->format, level)) != 0)
		wrong(table, "%s: the walk of 0x%llx ends at level %s", how,
		      (unsigned long long)answer->va, pw_level_name(table->format, level));
	if (answer->size && answer->size != UINT64_C(1) << size_lg2)
		wrong(table, "%s: 0x%llx has a size of 2^%u", how, (unsigned long long)answer->va,
		      size_lg2);
	if (status != PW_OK && status != PW_PROT_NONE)
		return;
	if (pa != answer->pa)
		wrong(table, "%s: 0x%llx is at 0x%llx, not 0x%llx", how,
		      (unsigned long long)answer->va, (unsigned long long)pa,
		      (unsigned long long)answer->pa);
	if (answer->prot && status == PW_OK &&
	    strcmp(pw_prot_string(attr, prot), answer->prot) != 0)
		wrong(table, "%s: 0x%llx is %s, not %s", how, (unsigned long long)answer->va, prot,
		      answer->prot);
}

/* A walk of one address sees exactly one leaf or hole. */
static int see(struct pw_walk *walk, const struct pw_entry *entry)
{
	struct pw_entry *seen = walk->private_data;

	if (seen->last)
		return -EEXIST;
	*seen = *entry;
	seen->last = 1;
	return 0;
}

static void compare_all(struct text_table *table, const struct pw_memory *memory,
			const struct pw_regime *regime, const char *how,
			const struct answer *answer)
{
	static const struct pw_walk_ops ops = { .leaf = see, .hole = see };
	struct pw_entry seen = { .last = 0 };
	struct pw_result result;
	struct pw_trace trace;
	struct pw_range range;
	struct pw_scan *scan;
	pw_va va = answer->va;

	pw_translate(memory, regime, va, &result);
	compare(table, how, answer, result.pa, result.status, result.size_lg2, result.attr,
		result.level);
	pw_translate_trace(memory, regime, va, &result, &trace);
	compare(table, how, answer, result.pa, result.status, result.size_lg2, result.attr,
		result.level);
	pw_translate_many(memory, regime, &va, 1, &result);
	compare(table, how, answer, result.pa, result.status, result.size_lg2, result.attr,
		result.level);
	assert_int_equal(pw_scan_create(memory, regime, va, va, NULL, &scan, NULL), 0);
	pw_scan_holes(scan, true);
	assert_int_equal(pw_scan_next(scan, &range, 1), 1);
	compare(table, how, answer, range.pa, range.status, range.size_lg2, range.attr,
		range.level);
	pw_scan_destroy(scan);
	assert_int_equal(pw_walk_range(memory, regime, va, va, &ops, &seen), 0);
	if (answer->status != PW_NOT_CANONICAL)
		compare(table, how, answer, seen.pa, seen.status, seen.size_lg2, seen.attr,
			seen.level);
	else
		assert_true(seen.last == 0);
}

static void init_regime(struct text_table *table, const struct pw_format *format,
			struct pw_regime *regime)
{
	struct pw_error error;

	if (pw_regime_init(regime, format, table->root, table->roots, &table->options, &error))
		wrong(table, "%s", error.text);
}

static void ask(struct text_table *table, const struct answer *answer)
{
	struct pw_regime regime, described;

	table->questions++;
	table->malformed += answer->status == PW_MALFORMED;
	if (!table->mapped &&
	    (pw_memory_wrap(table->segment, table->segments, &table->mapped, NULL) ||
	     pw_memory_create(fetch, table, table->segment, table->segments, &table->copied, NULL)))
		wrong(table, "the memory cannot be used");
	init_regime(table, table->format, &regime);
	init_regime(table, table->described, &described);
	compare_all(table, table->mapped, &regime, "in place", answer);
	compare_all(table, table->copied, &regime, "copied", answer);
	compare_all(table, table->mapped, &described, "as described", answer);
}

static enum pw_status status_named(const struct text_table *table, const char *name)
{
	for (enum pw_status status = PW_OK; status <= PW_SHARED; status++)
		if (strcmp(pw_status_name(status), name) == 0)
			return status;
	wrong(table, "'%s' is no status", name);
}

/* "VA:PA SIZE PROT", "VA:PA SIZE prot-none", "VA: STATUS [LEVEL]". */
static void parse_question(struct text_table *table, char *first, char **word)
{
	char *colon = strchr(first, ':');
	struct answer answer = { .status = PW_OK };

	if (!colon)
		wrong(table, "'%s' is not a word of these files; see README", first);
	*colon = '\0';
	answer.va = number(table, first);
	if (colon[1] == '\0') {
		if (!word[0])
			wrong(table, "what is at this address?");
		answer.status = status_named(table, word[0]);
		answer.level = word[1];
		ask(table, &answer);
		return;
	}
	answer.pa = number(table, colon + 1);
	if (!word[0] || !word[1])
		wrong(table, "a page's address wants its size and permissions after it");
	answer.size = number(table, word[0]);
	answer.prot = word[1];
	answer.level = word[2];
	if (strcmp(word[1], "prot-none") == 0) {
		answer.status = PW_PROT_NONE;
		answer.prot = NULL;
	}
	ask(table, &answer);
}

/* ---- statements ---- */

static void load_format(struct text_table *table, const char *name)
{
	char path[512];
	struct pw_error error;

	table->format = name ? pw_format_find(name) : NULL;
	if (!table->format)
		wrong(table, "there is no format %s", name ? name : "without a name");
	snprintf(path, sizeof(path), "%s/%s.pwf", description_directory, name);
	if (pw_format_load(path, &table->described, &error))
		wrong(table, "%s", error.text);
}

static void parse_roots(struct text_table *table, char **word)
{
	table->roots = 0;
	while (word[0] && table->roots < PW_MAX_ROOTS)
		table->root[table->roots++] = number(table, *word++);
}

/* A word that cannot be a root of this format. */
static void refuse(struct text_table *table, char **word)
{
	struct text_table other = *table;
	struct pw_regime regime;
	struct pw_error error = { .text = "" };

	table->questions++;
	parse_roots(&other, word);
	if (!pw_regime_init(&regime, table->format, other.root, other.roots, &table->options,
			    &error))
		wrong(table, "this root is accepted");
	assert_true(error.text[0] != '\0');
	if (!pw_regime_init(&regime, table->described, other.root, other.roots, &table->options,
			    &error))
		wrong(table, "this root is accepted as described");
}

static void parse_line(struct text_table *table, char *line)
{
	char *word[WORDS + 1] = { NULL };
	char *rest = line;
	size_t count = 0;

	line[strcspn(line, "#\r\n")] = '\0';
	while (count < WORDS && (word[count] = strtok_r(rest, " \t", &rest)) != NULL)
		count++;
	if (count == 0)
		return;
	if (strcmp(word[0], "format") == 0) {
		load_format(table, word[1]);
	} else if (!table->format) {
		wrong(table, "the first line must be 'format NAME'");
	} else if (strcmp(word[0], "memory") == 0 && count == 3) {
		add_memory(table, word[1], word[2]);
	} else if (strcmp(word[0], "fill") == 0 && count == 5) {
		for (uint64_t i = 0; i < number(table, word[2]); i++)
			store(table, number(table, word[1]) + (i << table->format->entry_lg2),
			      number(table, word[4]));
	} else if (strcmp(word[0], "at") == 0 && count == 4) {
		store(table, number(table, word[1]), number(table, word[3]));
	} else if (strcmp(word[0], "root") == 0 && count > 1) {
		parse_roots(table, word + 1);
	} else if (strcmp(word[0], "refused") == 0 && count > 1) {
		refuse(table, word + 1);
	} else if (strcmp(word[0], "view") == 0 && count == 2) {
		table->options.view = strcmp(word[1], "linux") == 0 ? PW_VIEW_LINUX
								    : PW_VIEW_HARDWARE;
	} else if (strcmp(word[0], "kernel") == 0 && count == 2) {
		unsigned major = 0, minor = 0;

		if (sscanf(word[1], "%u.%u", &major, &minor) != 2)
			wrong(table, "a kernel is a number like 6.13");
		table->options.kernel = (uint16_t)(major << 8 | minor);
	} else {
		parse_question(table, word[0], word + 1);
	}
}

static void run_file(const char *name, bool invalid)
{
	char path[512];
	struct text_table table = { .path = path };
	char line[512];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s%s.pwt", table_directory, name,
		 invalid ? "-invalid" : "");
	file = fopen(path, "r");
	if (!file)
		fail_msg("%s is missing: every format has a text table and an invalid twin", path);
	while (fgets(line, sizeof(line), file)) {
		table.line++;
		parse_line(&table, line);
	}
	fclose(file);
	if (!table.format || strcmp(table.format->name, name) != 0)
		wrong(&table, "this file is not about %s", name);
	if (table.questions < 2)
		wrong(&table, "this file asks next to nothing");
	if (invalid && table.malformed == 0)
		wrong(&table, "nothing in this file is malformed");
	pw_memory_close(table.mapped);
	pw_memory_close(table.copied);
	pw_format_unload(table.described);
	for (size_t i = 0; i < table.segments; i++)
		free((void *)(uintptr_t)table.segment[i].host);
}

static void test_valid(void **state)
{
	run_file(*state, false);
}

static void test_invalid(void **state)
{
	run_file(*state, true);
}

int main(int argc, char **argv)
{
	enum { FORMATS = 64 };
	static struct CMUnitTest tests[2 * FORMATS];
	static char names[2 * FORMATS][64];
	size_t count = 0;

	if (argc != 3) {
		fprintf(stderr, "usage: tables TABLES DESCRIPTIONS\n");
		return 2;
	}
	table_directory = argv[1];
	description_directory = argv[2];
	for (size_t i = 0; pw_format_at(i) && i < FORMATS; i++) {
		for (unsigned invalid = 0; invalid < 2; invalid++, count++) {
			snprintf(names[count], sizeof(names[count]), "%s%s", pw_format_at(i)->name,
				 invalid ? "-invalid" : "");
			tests[count] = (struct CMUnitTest){
				.name = names[count],
				.test_func = invalid ? test_invalid : test_valid,
				.initial_state = (void *)(uintptr_t)pw_format_at(i)->name,
			};
		}
	}
	return _cmocka_run_group_tests("tables", tests, count, NULL, NULL);
}
