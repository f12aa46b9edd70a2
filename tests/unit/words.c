/* SPDX-License-Identifier: MIT */
/* Every format has its words for people; the test names the missing ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "format/words.h"

struct missing {
	char text[1000];
	size_t count;
};

static void __attribute__((format(printf, 2, 3)))
add(struct missing *missing, const char *format, ...)
{
	size_t used = strlen(missing->text);
	va_list arguments;

	missing->count++;
	va_start(arguments, format);
	vsnprintf(missing->text + used, sizeof(missing->text) - used, format, arguments);
	va_end(arguments);
}

static bool has_list(const struct pw_words *words, unsigned level, unsigned kind)
{
	for (const struct pw_bits_of *of = words->entries; of->bits; of++)
		if ((of->levels >> level & 1) && (of->kinds & kind))
			return true;
	return false;
}

static void check_entries(const struct pw_format *f, struct missing *missing)
{
	static const struct {
		enum pw_bits_kind kind;
		const char *name;
	} kinds[] = {
		{ PW_BITS_TABLE, "tables" },
		{ PW_BITS_LEAF, "leaves" },
		{ PW_BITS_EMPTY, "empty entries" },
	};

	for (unsigned level = 0; level < f->levels; level++)
		for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
			if (kinds[i].kind == PW_BITS_TABLE && level == 0)
				continue;
			if (kinds[i].kind == PW_BITS_LEAF && !(f->leaf_levels >> level & 1))
				continue;
			if (!has_list(f->words, level, kinds[i].kind))
				add(missing,
				    "\n  %s: .words->entries has no list for %s of level %u",
				    f->name, kinds[i].name, level);
		}
}

static void check_folds(const struct pw_format *f, struct missing *missing)
{
	for (const struct fold_style *const *at = f->words->folds; *at; at++) {
		if (!(*at)->name || !(*at)->built)
			add(missing, "\n  %s: a style of .words->folds has no name, or no .built",
			    f->name);
		if (!(*at)->format || strcmp((*at)->format, f->name) != 0)
			add(missing, "\n  %s: a style of .words->folds is of another format",
			    f->name);
	}
}

static void check_format(const struct pw_format *f, struct missing *missing)
{
	if (!f->words) {
		add(missing, "\n  %s: .words, a struct pw_words (src/format/words.h)", f->name);
		return;
	}
	if (f->words->entries)
		check_entries(f, missing);
	else
		add(missing, "\n  %s: .words->entries, the names of its bits", f->name);
	if (f->words->memory_types & (1 << PW_MEM_DEVICE | 1 << PW_MEM_UNCACHED))
		add(missing, "\n  %s: .words->memory_types has that of devices", f->name);
	if (f->words->kernel_apart && f->max_roots != 2)
		add(missing, "\n  %s: .words->kernel_apart needs a second root", f->name);
	if (f->words->folds)
		check_folds(f, missing);
	else
		add(missing, "\n  %s: .words->folds, how Linux folds its levels", f->name);
}

static void test_every_format_has_words(void **state)
{
	struct missing missing = { .text = "" };
	const struct pw_format *f;

	(void)state;
	for (size_t i = 0; (f = pw_format_at(i)); i++)
		check_format(f, &missing);
	if (missing.count > 0)
		fail_msg("missing:%s", missing.text);
}

/* Of formats with two roots, the kernel has the second for itself; but for arm, whose processes have all of the kernel. */
static void test_kernel_apart(void **state)
{
	static const char *const whole[] = { "arm", "arm_lpae" };
	const struct pw_format *f;

	(void)state;
	for (size_t i = 0; (f = pw_format_at(i)); i++) {
		bool apart = f->max_roots == 2;

		for (size_t k = 0; k < sizeof(whole) / sizeof(whole[0]); k++)
			apart &= strcmp(f->name, whole[k]) != 0;
		if (f->words->kernel_apart != apart)
			fail_msg("%s: .words->kernel_apart", f->name);
	}
}

/* The test notices missing words. */
static void test_missing_words_are_named(void **state)
{
	static const struct pw_bits bits[] = { { 0 } };
	static const struct pw_bits_of tables_alone[] = {
		{ .levels = 0xff, .kinds = PW_BITS_TABLE, .bits = bits },
		{ 0 },
	};
	static const struct fold_style other = { .format = "other", .name = "static" };
	static const struct fold_style *const folds[] = { &other, NULL };
	static const struct pw_words nothing, half = {
		.entries = tables_alone,
		.folds = folds,
		.memory_types = 1 << PW_MEM_NORMAL | 1 << PW_MEM_DEVICE,
		.kernel_apart = true,
	};
	struct pw_format f = { .name = "new", .levels = 2, .leaf_levels = 1 };
	struct missing missing = { .text = "" };

	(void)state;
	check_format(&f, &missing);
	assert_non_null(strstr(missing.text, "new: .words,"));
	f.words = &nothing;
	memset(&missing, 0, sizeof(missing));
	check_format(&f, &missing);
	assert_non_null(strstr(missing.text, "new: .words->entries,"));
	assert_non_null(strstr(missing.text, "new: .words->folds,"));
	f.words = &half;
	memset(&missing, 0, sizeof(missing));
	check_format(&f, &missing);
	assert_non_null(strstr(missing.text, "leaves of level 0"));
	assert_non_null(strstr(missing.text, "empty entries of level 1"));
	assert_non_null(strstr(missing.text, "of another format"));
	assert_non_null(strstr(missing.text, "no .built"));
	assert_non_null(strstr(missing.text, "memory_types has that of devices"));
	assert_non_null(strstr(missing.text, "kernel_apart needs a second root"));
	assert_int_equal(missing.count, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_format_has_words),
		cmocka_unit_test(test_kernel_apart),
		cmocka_unit_test(test_missing_words_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
