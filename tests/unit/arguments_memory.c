/* SPDX-License-Identifier: MIT */
/* The arguments of functions on memory that walks read; see arguments.c. */
#include "arguments.h"

static uint64_t word[512];

static int fetch(void *context, pw_pa pa, void *buffer, size_t bytes)
{
	(void)context;
	(void)pa;
	memset(buffer, 0, bytes);
	return 0;
}

static void memory_open(void)
{
	struct pw_memory *m;

	REFUSED(pw_memory_open(NULL, &m, error));
	REFUSED(pw_memory_open("sample:s390x", NULL, error));
}

static void memory_wrap(void)
{
	const struct pw_segment good = { 0, 4095, word }, back = { 4096, 0, word };
	struct pw_memory *m;

	REFUSED(pw_memory_wrap(NULL, 1, &m, error));
	REFUSED(pw_memory_wrap(&good, 1, NULL, error));
	REFUSED(pw_memory_wrap(&good, 0, &m, error));
	REFUSED(pw_memory_wrap(NULL, 0, &m, error));
	REFUSED(pw_memory_wrap(&back, 1, &m, error));
}

static void memory_create(void)
{
	const struct pw_segment good = { 0, 4095, NULL }, back = { 4096, 0, NULL };
	struct pw_memory *m;

	REFUSED(pw_memory_create(NULL, NULL, &good, 1, &m, error));
	REFUSED(pw_memory_create(fetch, NULL, NULL, 1, &m, error));
	REFUSED(pw_memory_create(fetch, NULL, &good, 1, NULL, error));
	REFUSED(pw_memory_create(fetch, NULL, NULL, 0, &m, error));
	REFUSED(pw_memory_create(fetch, NULL, &back, 1, &m, error));
}

static void memory_read(void)
{
	char byte;

	REFUSED_SILENTLY(pw_memory_read(NULL, 0, &byte, 1));
	REFUSED_SILENTLY(pw_memory_read(memory, 0, NULL, 1));
	assert_int_equal(pw_memory_read(memory, 0, NULL, 0), 0);
	/* A count of 0 is right even at an address without memory. */
	assert_int_equal(pw_memory_read(memory, UINT64_MAX, NULL, 0), 0);
}

static void memory_kernel(void)
{
	struct pw_kernel kernel;

	REFUSED_SILENTLY(pw_memory_kernel(NULL, 0, &kernel));
	REFUSED_SILENTLY(pw_memory_kernel(memory, 0, NULL));
	assert_int_equal(pw_memory_kernel(memory, 0, &kernel), -ENODATA);
}

static void memory_find_vmcoreinfo(void)
{
	REFUSED(pw_memory_find_vmcoreinfo(NULL, 0, error));
	assert_int_equal(pw_memory_find_vmcoreinfo(memory, UINT64_MAX, NULL), -ENODATA);
}

static void memory_check(void)
{
	REFUSED(pw_memory_check(NULL, error));
}

static void memory_check_kernel(void)
{
	REFUSED(pw_memory_check_kernel(NULL, &regime, error));
	assert_int_equal(pw_memory_check_kernel(memory, NULL, NULL), 0);
}

static void memory_stop(void)
{
	REFUSED(pw_memory_stop(NULL, error));
	REFUSED(pw_memory_resume(NULL, error));
	assert_int_equal(pw_memory_stop(memory, NULL), -ENOTSUP);
	assert_int_equal(pw_memory_resume(memory, NULL), 0);
	assert_false(pw_memory_is_live(memory));
}

static void read_stable(void)
{
	struct pw_result result;
	unsigned changes = 1;
	char byte;

	REFUSED_SILENTLY(pw_read_stable(NULL, &regime, 0, &byte, 1, 0, &result, NULL));
	REFUSED_SILENTLY(pw_read_stable(memory, NULL, 0, &byte, 1, 0, &result, NULL));
	REFUSED_SILENTLY(pw_read_stable(memory, &regime, 0, NULL, 1, 0, &result, NULL));
	REFUSED_SILENTLY(pw_read_stable(memory, &regime, 0, &byte, 1, 0, NULL, NULL));
	assert_int_equal(pw_read_stable(memory, &regime, 0, NULL, 0, 0, &result, &changes), 0);
	assert_int_equal(changes, 0);
}

static void memory_close(void)
{
	pw_memory_close(NULL);
}

static void memory_remark(void)
{
	assert_null(pw_memory_remark(memory, SIZE_MAX));
}

static void memory_kind(void)
{
	assert_null(pw_memory_kind(SIZE_MAX));
}

static void memory_has_file(void)
{
	assert_false(pw_memory_has_file(memory, "/dev/null"));
	assert_false(pw_memory_has_file(memory, ""));
}

/* For functions that read no pointer and have no count and no range. */
static void nothing_to_ask(void)
{
}

const struct arguments_of arguments_memory[] = {
	{ "pw_memory_check", memory_check },
	{ "pw_memory_check_kernel", memory_check_kernel },
	{ "pw_memory_close", memory_close },
	{ "pw_memory_cpus", nothing_to_ask },
	{ "pw_memory_create", memory_create },
	{ "pw_memory_has_file", memory_has_file },
	{ "pw_memory_is_live", nothing_to_ask },
	{ "pw_memory_kernel", memory_kernel },
	{ "pw_memory_find_vmcoreinfo", memory_find_vmcoreinfo },
	{ "pw_memory_kind", memory_kind },
	{ "pw_memory_open", memory_open },
	{ "pw_memory_read", memory_read },
	{ "pw_memory_remark", memory_remark },
	{ "pw_memory_resume", memory_stop },
	{ "pw_memory_segments", nothing_to_ask },
	{ "pw_memory_stop", memory_stop },
	{ "pw_memory_title", nothing_to_ask },
	{ "pw_memory_wrap", memory_wrap },
	{ "pw_read_stable", read_stable },
	{ NULL, NULL },
};
