/* SPDX-License-Identifier: MIT */
/*
 * What a format has only to save time says nothing else: plain() is true of tables alone that leave all and have all
 * their entries; prot() is a part of attr(); rights() and facts() are attr() below such tables. Every format, both views, on tables of the builder with a few bits changed, and on
 * any entries.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "mutants/choose.h"
#include "unit/random.h"
#include "walk/instance.h"

static void check_attr(const struct pw_regime *r, unsigned level, uint64_t e)
{
	const uint32_t mask = PW_PROT_MASK | PW_KEXEC;
	const struct pw_format *format = r->format;
	const uint32_t attr = format->attr(format, r, level, e);

	if (format->prot)
		assert_int_equal(format->prot(format, r, level, e), attr & mask);
	if (format->rights)
		assert_int_equal(format->rights(format, r, level, e),
				 pw_attr_settle(attr, PW_KEEP_ALL) & PW_PROT_MASK);
	if (format->facts)
		assert_int_equal(format->facts(format, r, level, e), attr & ~mask);
}

/* What one table takes away after another, in one word, is what both of them take. */
static void check_gathered(const struct pw_regime *r, unsigned level, uint64_t e, uint64_t other)
{
	const struct pw_format *format = r->format;
	uint64_t gathered = format->gives ? ~UINT64_C(0) : 0;

	if (!format->passes)
		return;
	assert_int_equal(format->passes(format, r, level, e),
			 format->plain(format, r, level, (e | format->gives) & ~format->takes));
	if (!format->passes(format, r, level, e) || !format->passes(format, r, level, other))
		return;
	assert_int_equal(format->kind(format, r, level, e), PW_TABLE);
	assert_int_equal(format->table(format, r, level, e),
			 format->table(format, r, level, (e | format->gives) & ~format->takes));
	for (uint32_t i = 0; format->admits && i <= pw_mask(format->bits[level - 1]); i += 64)
		assert_true(format->admits(format, r, level, e, i));
	gathered = pw_straight_gather(format, gathered, e);
	gathered = pw_straight_gather(format, gathered, other);
	assert_int_equal(pw_straight_keep(format, r, gathered),
			 format->keep(format, r, level, e) & format->keep(format, r, level, other));
}

static void check_level(const struct pw_regime *r, unsigned level)
{
	const struct pw_format *format = r->format;
	const uint64_t word = pw_mask(8u << format->entry_lg2);
	uint64_t state = 88172645463325252u, made = format->make_empty(format, r, level);
	unsigned plain = 0;

	if (level > 0)
		made = format->make_table(format, r, level, 1 << 20);
	if (level > 0 && format->plain)
		assert_true(format->plain(format, r, level, made));
	for (unsigned n = 0; n < 30000; n++) {
		const uint64_t bit = UINT64_C(1) << random_next(&state) % 64;
		const uint64_t other = UINT64_C(1) << random_next(&state) % 64;
		uint64_t e = random_next(&state) & word;

		if (n % 4 == 1)
			e = made ^ (bit & word);
		else if (n % 4 > 1)
			e = made ^ ((bit | other) & word);
		check_attr(r, level, e);
		if (level > 0)
			check_gathered(r, level, e, made ^ ((bit | bit >> 1) & word));
		if (level == 0 || !format->plain || !format->plain(format, r, level, e))
			continue;
		plain++;
		assert_int_equal(format->kind(format, r, level, e), PW_TABLE);
		if (format->keep)
			assert_int_equal(format->keep(format, r, level, e), PW_KEEP_ALL);
		for (uint32_t i = 0; format->admits && i <= pw_mask(format->bits[level - 1]);
		     i += 64)
			assert_true(format->admits(format, r, level, e, i));
	}
	assert_true(level == 0 || !format->plain || plain > 1000);
}

static void check_format(const struct pw_format *format, uint16_t kernel)
{
	struct pw_regime_options options = { .kernel = kernel };
	struct pw_regime bare = { .format = format, .kernel = kernel }, r;
	uint64_t root = format->make_root(format, &bare, 1 << 20, format->levels - 1u);
	struct pw_error error;

	if (pw_regime_init(&r, format, &root, 1, &options, &error))
		fail_msg("%s: %s", format->name, error.text);
	for (unsigned level = 0; level < format->levels; level++) {
		r.view = PW_VIEW_HARDWARE;
		check_level(&r, level);
		r.view = PW_VIEW_LINUX;
		check_level(&r, level);
	}
}

static void test_shortcuts(void **state)
{
	const struct pw_format *format;
	unsigned plain = 0, prot = 0;

	(void)state;
	for (size_t i = 0; (format = pw_format_at(i)); i++) {
		plain += format->plain != NULL;
		prot += format->prot != NULL;
		check_format(format, 0x0601);
		check_format(format, 0x060c);
		check_format(format, 0x0700);
	}
	assert_true(plain > 0 && prot > 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_shortcuts) };

	mutant_choose(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
