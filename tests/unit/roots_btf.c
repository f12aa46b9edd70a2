/* SPDX-License-Identifier: MIT */
/* BTF in both byte orders, whole and hostile. */
#include "btf_build.h"

#include <errno.h>
#include <stdlib.h>

#include "roots/btf.h"

/* A copy at its exact length, so that a sanitizer sees every byte that is read beyond it. */
static int open_copy(const struct built *b, size_t length, struct pw_btf *btf, unsigned char **copy)
{
	*copy = malloc(length ? length : 1);
	assert_non_null(*copy);
	memcpy(*copy, b->bytes, length);
	return pw_btf_open(*copy, length, btf);
}

static void expect(const struct pw_btf *btf, uint32_t type, const char *name, uint32_t offset,
		   uint32_t size)
{
	struct pw_btf_member member;

	assert_true(pw_btf_member(btf, type, name, &member));
	assert_int_equal(member.offset, offset);
	assert_int_equal(pw_btf_size(btf, member.type), size);
}

static void check_members(bool big_endian)
{
	struct pw_btf_member member;
	unsigned char *copy;
	struct built b;
	struct pw_btf btf;
	uint32_t task;
	size_t length;

	built_kernel(&b, big_endian);
	length = built_finish(&b);
	assert_int_equal(pw_btf_length(b.bytes), length);
	assert_int_equal(open_copy(&b, length, &btf, &copy), 0);
	assert_int_equal(btf.count, BUILT_TYPES);
	task = pw_btf_structure(&btf, "task_struct");
	assert_int_equal(task, BUILT_TASK_STRUCT);
	expect(&btf, task, "tasks", BUILT_TASKS, 16);
	expect(&btf, task, "pid", BUILT_PID, 4);
	expect(&btf, task, "tgid", BUILT_TGID, 4);
	expect(&btf, task, "comm", BUILT_COMM, 16);
	expect(&btf, task, "mm", BUILT_MM, 0);
	expect(&btf, pw_btf_structure(&btf, "mm_struct"), "pgd", BUILT_PGD, 0);
	/* A bit field has no offset in bytes; the name of a member is not that of a structure. */
	assert_false(pw_btf_member(&btf, task, "flags", &member));
	assert_false(pw_btf_member(&btf, task, "next", &member));
	assert_int_equal(pw_btf_structure(&btf, "pid_t"), 0);
	assert_int_equal(pw_btf_structure(&btf, "task"), 0);
	pw_btf_close(&btf);
	free(copy);
}

static void test_members(void **state)
{
	(void)state;
	check_members(false);
	check_members(true);
}

/* Every shorter BTF is refused, and none of its missing bytes is read. */
static void test_truncated(void **state)
{
	struct built b;
	size_t length;

	(void)state;
	built_kernel(&b, false);
	length = built_finish(&b);
	for (size_t cut = 0; cut < length; cut++) {
		struct pw_btf btf;
		unsigned char *copy;

		assert_int_equal(open_copy(&b, cut, &btf, &copy), -EINVAL);
		free(copy);
	}
}

/* Whatever a byte is changed to: no answer is outside, and nothing is read outside. */
static void test_changed(void **state)
{
	static const unsigned char values[] = { 0, 1, 4, 8, 0x7f, 0x80, 0xff };
	static const char *const names[] = { "pid", "comm", "pgd", "missing" };
	struct built b;
	size_t length, opened = 0;

	(void)state;
	built_kernel(&b, true);
	length = built_finish(&b);
	for (size_t i = 0; i < length * sizeof(values); i++) {
		const unsigned char old = b.bytes[i / sizeof(values)];
		struct pw_btf_member member;
		struct pw_btf btf;
		unsigned char *copy;

		b.bytes[i / sizeof(values)] = values[i % sizeof(values)];
		if (open_copy(&b, length, &btf, &copy) == 0) {
			opened++;
			for (uint32_t type = 0; type <= btf.count; type++)
				for (size_t n = 0; n < 4; n++)
					if (pw_btf_member(&btf, type, names[n], &member)) {
						assert_true(member.offset <= INT32_MAX);
						(void)pw_btf_size(&btf, member.type);
					}
			pw_btf_close(&btf);
		}
		b.bytes[i / sizeof(values)] = old;
		free(copy);
	}
	assert_true(opened > length);
}

/* Chains and unnamed structures that lead back to themselves, and a structure with itself many times. */
static void test_endless(void **state)
{
	struct pw_btf_member member;
	struct pw_btf btf;
	struct built b;

	(void)state;
	b = (struct built){ .strings = 1 };
	built_type(&b, "turn", built_info(8, 0, false), 2);
	built_type(&b, "turn_back", built_info(8, 0, false), 1);
	built_type(&b, "self", built_info(4, 60, false), 8);
	for (unsigned i = 0; i < 60; i++)
		built_member(&b, "", 3, 0);
	built_type(&b, "", built_info(3, 0, false), 0);
	built_word(&b, 4);
	built_word(&b, 1);
	built_word(&b, 1u << 31);
	assert_int_equal(pw_btf_open(b.bytes, built_finish(&b), &btf), 0);
	assert_int_equal(pw_btf_structure(&btf, "self"), 3);
	assert_false(pw_btf_member(&btf, 1, "next", &member));
	assert_false(pw_btf_member(&btf, 3, "next", &member));
	assert_int_equal(pw_btf_size(&btf, 1), 0);
	assert_int_equal(pw_btf_size(&btf, 4), 0);
	pw_btf_close(&btf);
}

/* Kinds that are not known have no known length, so what is behind them cannot be read. */
static void test_unknown(void **state)
{
	struct pw_btf btf;
	struct built b;

	(void)state;
	for (unsigned kind = 0; kind < 32; kind++) {
		b = (struct built){ .strings = 1 };
		built_type(&b, "x", built_info(kind, 0, false), 0);
		for (unsigned i = 0; i < 3 && (kind == 1 || kind == 3 || kind == 14 || kind == 17);
		     i += kind == 3 ? 1 : 3)
			built_word(&b, 0);
		assert_int_equal(pw_btf_open(b.bytes, built_finish(&b), &btf),
				 kind == 0 || kind > 19 ? -EINVAL : 0);
		pw_btf_close(&btf);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_members), cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_changed), cmocka_unit_test(test_endless),
		cmocka_unit_test(test_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
