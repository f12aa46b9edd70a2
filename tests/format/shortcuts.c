/* SPDX-License-Identifier: MIT */
/*
 * What a format has only to save time says nothing else: plain() is true of tables alone that leave all, and
 * prot() is a part of attr(). Every format, both views, on tables of the builder with a few bits changed, and on
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

static void check_level(const struct pw_regime *r, unsigned level)
{
	const struct pw_format *format = r->format;
	const uint64_t word = pw_mask(8u << format->entry_lg2);
	const uint32_t mask = PW_PROT_MASK | PW_KEXEC;
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
		if (format->prot)
			assert_int_equal(format->prot(format, r, level, e),
					 format->attr(format, r, level, e) & mask);
		if (level == 0 || !format->plain || !format->plain(format, r, level, e))
			continue;
		plain++;
		assert_int_equal(format->kind(format, r, level, e), PW_TABLE);
		if (format->keep)
			assert_int_equal(format->keep(format, r, level, e), PW_KEEP_ALL);
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
