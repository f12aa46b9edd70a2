/* SPDX-License-Identifier: MIT */
/* Common to all sources: reads across segments, all or nothing, by many threads at once. */
#include <pthread.h>

#include "memory_build.h"

static unsigned char host[0x4000] __attribute__((aligned(4096)));

static void fill(void)
{
	for (size_t i = 0; i < sizeof(host); i++)
		host[i] = pattern(i);
}

/* 0x1000..0x1fff and 0x2000..0x2fff touch each other; after a hole from 0x3000 on, the end of 2^64. */
static const struct pw_segment layout[] = {
	{ UINT64_MAX - 0xfff, UINT64_MAX, host },
	{ 0x2000, 0x2fff, host + 0x2000 },
	{ 0x1000, 0x1fff, host + 0x1000 },
	{ 0x3800, 0x3fff, host + 0x3800 },
};

static unsigned fetches;

static int fetch(void *context, pw_pa pa, void *buffer, size_t bytes)
{
	const struct pw_segment *segment = NULL;

	assert_ptr_equal(context, host);
	assert_true(bytes > 0);
	for (size_t i = 0; i < sizeof(layout) / sizeof(layout[0]); i++)
		if (pa >= layout[i].first && pa <= layout[i].last)
			segment = &layout[i];
	/* A fetch is always inside one segment. */
	assert_non_null(segment);
	assert_true(bytes - 1 <= segment->last - pa);
	memcpy(buffer, (const unsigned char *)segment->host + (pa - segment->first), bytes);
	__atomic_fetch_add(&fetches, 1, __ATOMIC_RELAXED);
	return 0;
}

static struct pw_memory *make(bool fetched)
{
	struct pw_memory *memory;
	size_t count = sizeof(layout) / sizeof(layout[0]);

	fill();
	assert_int_equal(fetched ? pw_memory_create(fetch, host, layout, count, &memory, NULL)
				 : pw_memory_wrap(layout, count, &memory, NULL),
			 0);
	return memory;
}

static void reads_across_segments(void **state)
{
	(void)state;
	for (unsigned fetched = 0; fetched < 2; fetched++) {
		struct pw_memory *memory = make(fetched);
		const struct pw_segment *segments;
		unsigned char bytes[0x2000];

		assert_int_equal(pw_memory_segments(memory, &segments), 4);
		for (size_t i = 1; i < 4; i++)
			assert_true(segments[i - 1].last < segments[i].first);
		assert_int_equal(pw_memory_read(memory, 0x1000, bytes, 0x2000), 0);
		assert_memory_equal(bytes, host + 0x1000, 0x2000);
		assert_int_equal(pw_memory_read(memory, 0x1ffd, bytes, 7), 0);
		assert_memory_equal(bytes, host + 0x1ffd, 7);
		assert_int_equal(pw_memory_read(memory, UINT64_MAX - 7, bytes, 8), 0);
		assert_memory_equal(bytes, host + 0xff8, 8);
		assert_int_equal(pw_memory_read(memory, 0x1234, bytes, 0), 0);
		pw_memory_close(memory);
	}
}

/* A range that is only partly there is not read at all. */
static void reads_all_or_nothing(void **state)
{
	static const struct {
		uint64_t pa;
		size_t bytes;
	} absent[] = {
		{ 0xfff, 1 },
		{ 0xfff, 2 },
		{ 0x2fff, 2 },
		{ 0x2ff0, 0x1000 },
		{ 0x3000, 0x800 },
		{ 0x37ff, 2 },
		{ 0x4000, 1 },
		{ UINT64_MAX, 2 },
		{ UINT64_MAX - 7, 0x10 },
		{ 0x1000, SIZE_MAX },
		{ UINT64_MAX - 0xfff, SIZE_MAX },
	};

	(void)state;
	for (unsigned fetched = 0; fetched < 2; fetched++) {
		struct pw_memory *memory = make(fetched);
		unsigned char bytes[0x1000];

		fetches = 0;
		for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++) {
			memset(bytes, 0xa5, sizeof(bytes));
			assert_int_equal(
				pw_memory_read(memory, absent[i].pa, bytes, absent[i].bytes),
				-ENODATA);
			for (size_t j = 0; j < sizeof(bytes); j++)
				assert_int_equal(bytes[j], 0xa5);
		}
		assert_int_equal(fetches, 0);
		pw_memory_close(memory);
	}
}

static int fail_at(void *context, pw_pa pa, void *buffer, size_t bytes)
{
	(void)context;
	memset(buffer, 0, bytes);
	return pa == 0x2000 ? -EPERM : 0;
}

static void passes_errors_on(void **state)
{
	const struct pw_segment segments[] = { { 0x1000, 0x1fff, NULL }, { 0x2000, 0x2fff, NULL } };
	struct pw_memory *memory;
	unsigned char bytes[16];

	(void)state;
	assert_int_equal(pw_memory_create(fail_at, NULL, segments, 2, &memory, NULL), 0);
	assert_false(memory->direct);
	assert_int_equal(pw_memory_read(memory, 0x1000, bytes, 16), 0);
	assert_int_equal(pw_memory_read(memory, 0x1ff8, bytes, 16), -EPERM);
	assert_int_equal(pw_memory_check(memory, NULL), 0);
	pw_memory_close(memory);
}

/* All of 2^64 is one segment like any other. */
static void spans_everything(void **state)
{
	const struct pw_segment segment = { 0, UINT64_MAX, NULL };
	struct pw_memory *memory;
	unsigned char bytes[16];

	(void)state;
	assert_int_equal(pw_memory_create(fail_at, NULL, &segment, 1, &memory, NULL), 0);
	assert_int_equal(pw_memory_read(memory, UINT64_MAX - 15, bytes, 16), 0);
	assert_int_equal(pw_memory_read(memory, UINT64_MAX - 14, bytes, 16), -ENODATA);
	pw_memory_close(memory);
}

static void refuses_bad_segments(void **state)
{
	static const struct {
		struct pw_segment segments[2];
		size_t count;
		const char *says;
	} cases[] = {
		{ { { 0x1000, 0x1fff, host }, { 0x2000, 0x2fff, host + 4 } }, 2, "modulo 8" },
		{ { { 0x1000, 0x1fff, host }, { 0x1ff8, 0x2fff, host } }, 2, "overlap" },
		{ { { 0x1000, 0x1fff, host }, { 0x1000, 0x1fff, host } }, 2, "overlap" },
		{ { { 0x1000, 0xfff, host } }, 1, "before its start" },
		{ { { 0x1000, 0x1fff, NULL } }, 1, "no host address" },
		{ { { 0, 0, NULL } }, 0, "no memory" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pw_memory *memory = NULL;
		struct pw_error error;

		assert_int_equal(pw_memory_wrap(cases[i].segments, cases[i].count, &memory, &error),
				 -EINVAL);
		assert_says(error.text, cases[i].says);
		assert_null(memory);
		/* Without a struct pw_error, none is written. */
		assert_int_equal(pw_memory_wrap(cases[i].segments, cases[i].count, &memory, NULL),
				 -EINVAL);
	}
	pw_memory_close(NULL);
}

struct reader {
	pthread_t thread;
	const struct pw_memory *memory;
	uint64_t seed;
	unsigned reads, wrong;
};

static void *read_at_random(void *argument)
{
	struct reader *reader = argument;
	unsigned char bytes[64];

	for (unsigned i = 0; i < reader->reads; i++) {
		uint64_t pa;

		reader->seed = reader->seed * UINT64_C(6364136223846793005) + 1442695040888963407;
		pa = 0x1000 + (reader->seed >> 40) % (0x2000 - sizeof(bytes));
		if (pw_memory_read(reader->memory, pa, bytes, sizeof(bytes)) ||
		    memcmp(bytes, host + pa, sizeof(bytes)))
			reader->wrong++;
		if (pw_memory_check(reader->memory, NULL))
			reader->wrong++;
	}
	return NULL;
}

static void many_threads_read(void **state)
{
	enum { THREADS = 4 };
	struct pw_memory *memories[3];
	struct pw_error error;
	char path[64], source[96];
	int file;

	(void)state;
	memories[0] = make(false);
	memories[1] = make(true);
	file = file_of(host, sizeof(host), path);
	snprintf(source, sizeof(source), "raw:%s@0", path);
	if (pw_memory_open(source, &memories[2], &error))
		fail_msg("%s", error.text);
	for (unsigned kind = 0; kind < 3; kind++) {
		struct reader readers[THREADS];

		for (unsigned i = 0; i < THREADS; i++) {
			readers[i] = (struct reader){
				.memory = memories[kind],
				.seed = i + 1,
				.reads = getenv("PW_TEST_QUICK") ? 500 : 20000,
			};
			assert_int_equal(pthread_create(&readers[i].thread, NULL, read_at_random,
							&readers[i]),
					 0);
		}
		for (unsigned i = 0; i < THREADS; i++) {
			pthread_join(readers[i].thread, NULL);
			assert_int_equal(readers[i].wrong, 0);
		}
		pw_memory_close(memories[kind]);
	}
	close(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_across_segments), cmocka_unit_test(reads_all_or_nothing),
		cmocka_unit_test(passes_errors_on),      cmocka_unit_test(spans_everything),
		cmocka_unit_test(refuses_bad_segments),  cmocka_unit_test(many_threads_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
