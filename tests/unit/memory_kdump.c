/* SPDX-License-Identifier: MIT */
/*
 * Kdumps, read by libkdumpfile. The test builds them itself with uncompressed pages, so it does not need
 * makedumpfile. They are 64-bit, in both byte orders, and truncated at every block and inside the last ones.
 */
#include <pthread.h>

#include "memory/note.h"
#include "memory_build.h"
#include "mutants/choose.h"

enum {
	BLOCK = 4096,
	SUB = 1, /* blocks of the sub header */
	BITMAPS = 2, /* blocks of both bitmaps */
	NOTE = BLOCK + 1024,
	DESCRIPTORS = BLOCK * (1 + SUB + BITMAPS),
	PAGES = DESCRIPTORS + BLOCK,
};

/* Pages 2 to 9 and 100 to 103 are memory; page 5 is left out of the dump. */
static bool is_memory(unsigned pfn)
{
	return (pfn >= 2 && pfn <= 9) || (pfn >= 100 && pfn <= 103);
}

static bool is_here(unsigned pfn)
{
	return is_memory(pfn) && pfn != 5;
}

struct dump {
	struct image image; /* used for its byte order alone */
	size_t size, last_page;
	unsigned char bytes[PAGES + 64 * BLOCK];
};

static void put_at(struct dump *dump, size_t at, unsigned length, uint64_t value)
{
	put(&dump->image, 0, length, value);
	memcpy(dump->bytes + at, dump->image.bytes, length);
}

static void build(struct dump *dump, bool big_endian)
{
	const struct pw_cpu cpu = { .id = 3, .format = "s390x", .roots = 1, .root = { 0x18541c7 } };
	size_t page = PAGES, descriptor = DESCRIPTORS;

	memset(dump, 0, sizeof(*dump));
	dump->image.big_endian = big_endian;
	memcpy(dump->bytes, "KDUMP   ", 8);
	put_at(dump, 8, 4, 6);
	strcpy((char *)dump->bytes + 12 + 4 * 65, big_endian ? "s390x" : "x86_64");
	put_at(dump, 428, 4, BLOCK);
	put_at(dump, 432, 4, SUB);
	put_at(dump, 436, 4, BITMAPS);
	put_at(dump, 440, 4, 104);
	put_at(dump, BLOCK + 48, 8, NOTE);
	put_at(dump, BLOCK + 56, 8, PW_NOTE_BYTES);
	put_at(dump, BLOCK + 96, 8, 104); /* max_mapnr_64 */
	pw_note_encode(&cpu, "a kdump", NULL, big_endian, dump->bytes + NOTE, PW_NOTE_BYTES);
	for (unsigned pfn = 0; pfn < 104; pfn++) {
		size_t bitmap = BLOCK * (1 + SUB) + pfn / 8;

		if (is_memory(pfn))
			dump->bytes[bitmap] |= (unsigned char)(1u << pfn % 8);
		if (!is_here(pfn))
			continue;
		dump->bytes[bitmap + BLOCK] |= (unsigned char)(1u << pfn % 8);
		put_at(dump, descriptor, 8, page);
		put_at(dump, descriptor + 8, 4, BLOCK);
		descriptor += 24;
		for (unsigned i = 0; i < BLOCK; i++)
			dump->bytes[page + i] = pattern((uint64_t)pfn * BLOCK + i);
		dump->last_page = page;
		page += BLOCK;
	}
	dump->size = page;
}

static struct pw_memory *open_bytes(const struct dump *dump, size_t size, int *file_ret,
				    struct pw_error *error)
{
	struct pw_memory *memory = NULL;
	char path[64];
	int status;

	*file_ret = file_of(dump->bytes, size, path);
	memset(error, 0, sizeof(*error));
	status = pw_memory_open(path, &memory, error);
	assert_int_equal(status == 0, memory != NULL);
	assert_int_equal(status != 0, error->text[0] != '\0');
	return memory;
}

static void assert_page(const struct pw_memory *memory, unsigned pfn)
{
	unsigned char bytes[BLOCK];

	assert_int_equal(pw_memory_read(memory, (uint64_t)pfn * BLOCK, bytes, BLOCK), 0);
	for (unsigned i = 0; i < BLOCK; i++)
		assert_int_equal(bytes[i], pattern((uint64_t)pfn * BLOCK + i));
}

static void reads_both_orders(void **state)
{
	static struct dump dump;

	(void)state;
	for (unsigned order = 0; order < 2; order++) {
		const struct pw_segment *segments;
		const struct pw_cpu *cpus;
		struct pw_memory *memory;
		struct pw_error error;
		unsigned char bytes[16];
		int file;

		build(&dump, order);
		memory = open_bytes(&dump, dump.size, &file, &error);
		if (!memory)
			fail_msg("%s", error.text);
		assert_string_equal(pw_memory_title(memory),
				    order ? "kdump, s390x, big-endian, 3 segments, 44 KiB"
					  : "kdump, x86_64, little-endian, 3 segments, 44 KiB");
		assert_null(pw_memory_remark(memory, 0));
		assert_int_equal(pw_memory_segments(memory, &segments), 3);
		assert_true(segments[0].first == 2 * BLOCK && segments[0].last == 5 * BLOCK - 1);
		assert_true(segments[1].first == 6 * BLOCK && segments[1].last == 10 * BLOCK - 1);
		assert_true(segments[2].first == 100 * BLOCK);
		for (unsigned pfn = 0; pfn < 110; pfn++)
			if (is_here(pfn))
				assert_page(memory, pfn);
			else
				assert_absent(memory, (uint64_t)pfn * BLOCK,
					      (uint64_t)pfn * BLOCK + 1);
		/* Reads across pages, and into a hole. */
		assert_int_equal(pw_memory_read(memory, 7 * BLOCK - 8, bytes, 16), 0);
		for (unsigned i = 0; i < 16; i++)
			assert_int_equal(bytes[i], pattern(7 * BLOCK - 8 + i));
		assert_int_equal(pw_memory_read(memory, 5 * BLOCK - 8, bytes, 16), -ENODATA);
		assert_int_equal(pw_memory_cpus(memory, &cpus), 1);
		assert_int_equal(cpus[0].id, 3);
		assert_true(cpus[0].root[0] == 0x18541c7);
		pw_memory_close(memory);
		close(file);
	}
}

/* libkdumpfile reads zeros where pages are missing; pagewalk must not. */
static void truncated_anywhere(void **state)
{
	static const int shifts[] = { -1, 0, 1, 100 };
	static struct dump dump;

	(void)state;
	build(&dump, false);
	for (size_t size = BLOCK; size < dump.size; size += BLOCK / 2) {
		for (unsigned i = 0; i < 4; i++) {
			size_t length = size + (size_t)(ptrdiff_t)shifts[i];
			size_t page = PAGES;
			struct pw_memory *memory;
			struct pw_error error;
			unsigned char byte;
			int file;

			memory = open_bytes(&dump, length, &file, &error);
			if (length < DESCRIPTORS) {
				assert_null(memory);
				assert_says(error.text, "truncated");
				close(file);
				continue;
			}
			for (unsigned pfn = 0; memory && pfn < 104; pfn++) {
				if (!is_here(pfn))
					continue;
				page += BLOCK;
				if (page <= length)
					assert_page(memory, pfn);
				else
					assert_int_equal(pw_memory_read(memory,
									(uint64_t)pfn * BLOCK,
									&byte, 1),
							 -ENODATA);
			}
			if (memory)
				assert_says(pw_memory_remark(memory, 0), "truncated");
			pw_memory_close(memory);
			close(file);
		}
	}
}

static void refuses_lying_headers(void **state)
{
	static const struct {
		size_t at;
		uint32_t value;
		const char *says;
	} cases[] = {
		{ 8, 0x06000000, "makes no sense" }, { 428, 0, "makes no sense" },
		{ 428, 4097, "makes no sense" },     { 432, UINT32_MAX, "makes no sense" },
		{ 436, 0, "makes no sense" },        { 432, INT32_MAX, "truncated" },
		{ 436, INT32_MAX, "truncated" },     { BLOCK + 12, 1, "makedumpfile --reassemble" },
	};
	static struct dump dump;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pw_error error;
		int file;

		build(&dump, false);
		put_at(&dump, cases[i].at, 4, cases[i].value);
		assert_null(open_bytes(&dump, dump.size, &file, &error));
		assert_says(error.text, cases[i].says);
		close(file);
	}
	/* A dump without pages. */
	{
		struct pw_error error;
		int file;

		build(&dump, false);
		memset(dump.bytes + (size_t)BLOCK * (1 + SUB), 0, (size_t)2 * BLOCK);
		assert_null(open_bytes(&dump, dump.size, &file, &error));
		close(file);
	}
}

/* libkdumpfile allocates the sizes in the header, so sizes beyond the file must be refused. */
static void test_believes_no_size(void **state)
{
	static const struct {
		size_t at;
		uint64_t value;
		unsigned bytes;
		const char *says;
	} cases[] = {
		{ BLOCK + 96, UINT64_C(1) << 40, 8, "room for 32768" },
		{ BLOCK + 96, UINT64_MAX, 8, "room for 32768" },
		{ BLOCK + 96, 32769, 8, "room for 32768" },
		{ 440, UINT32_MAX, 4, "room for 32768" },
		{ BLOCK + 56, UINT64_C(3) << 30, 8, "its notes are 0xc0000000 bytes" },
		{ BLOCK + 56, UINT64_MAX, 8, "the file ends at" },
		{ BLOCK + 48, UINT64_MAX, 8, "the file ends at" },
		{ BLOCK + 40, UINT64_C(3) << 30, 8, "its VMCOREINFO is 0xc0000000 bytes" },
		{ BLOCK + 72, UINT64_C(3) << 30, 8, "its erased ranges are" },
	};
	static struct dump dump;
	struct pw_memory *memory;
	struct pw_error error;
	int file;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		build(&dump, false);
		put_at(&dump, cases[i].at, cases[i].bytes, cases[i].value);
		memory = open_bytes(&dump, dump.size, &file, &error);
		assert_null(memory);
		assert_says(error.text, cases[i].says);
		close(file);
	}
	/* More lines of VMCOREINFO than Linux writes. */
	for (unsigned i = 0; i < 2; i++) {
		build(&dump, false);
		put_at(&dump, BLOCK + (i ? 32 : 48), 8, PAGES);
		put_at(&dump, BLOCK + (i ? 40 : 56), 8, 3 << 16);
		put_at(&dump, PAGES, 4, 11);
		put_at(&dump, PAGES + 4, 4, (3 << 16) - 24);
		memcpy(dump.bytes + PAGES + 12, "VMCOREINFO", 11);
		memory = open_bytes(&dump, sizeof(dump.bytes), &file, &error);
		assert_null(memory);
		assert_says(error.text, "Linux writes a page at most");
		close(file);
	}
	/* The erased ranges are last in a file, and missing if it is truncated. */
	build(&dump, false);
	put_at(&dump, BLOCK + 64, 8, dump.size);
	put_at(&dump, BLOCK + 72, 8, 100);
	put_at(&dump, 440, 4, 32768);
	put_at(&dump, BLOCK + 96, 8, 32768);
	memory = open_bytes(&dump, dump.size, &file, &error);
	assert_non_null(memory);
	assert_page(memory, 100);
	pw_memory_close(memory);
	close(file);
	/* A page has at most one block, compressed in any way. */
	build(&dump, false);
	put_at(&dump, DESCRIPTORS + 24 + 8, 4, BLOCK + 1);
	put_at(&dump, DESCRIPTORS + 24 + 12, 4, 1);
	memory = open_bytes(&dump, dump.size, &file, &error);
	assert_non_null(memory);
	assert_page(memory, 2);
	assert_int_equal(pw_memory_read(memory, 3 * BLOCK, dump.bytes, 1), -ENODATA);
	pw_memory_close(memory);
	close(file);
}

/* Makes the dump that of a 32-bit arm, whose layout behind the header is different. */
static void make_arm(struct dump *dump, bool long_time)
{
	build(dump, false);
	memset(dump->bytes + 12 + 4 * 65, 0, 65);
	strcpy((char *)dump->bytes + 12 + 4 * 65, "armv7l");
	memset(dump->bytes + BLOCK, 0, 1024);
	put_at(dump, BLOCK + 88, 8, 104); /* max_mapnr_64 */
	if (long_time)
		return;
	memset(dump->bytes + 404, 0, 60);
	put_at(dump, 416, 4, BLOCK);
	put_at(dump, 420, 4, SUB);
	put_at(dump, 424, 4, BITMAPS);
	put_at(dump, 428, 4, 104);
}

static void test_reads_arm(void **state)
{
	static struct dump dump;

	(void)state;
	for (unsigned long_time = 0; long_time < 2; long_time++) {
		struct pw_memory *memory;
		struct pw_error error;
		int file;

		make_arm(&dump, long_time);
		memory = open_bytes(&dump, dump.size, &file, &error);
		if (!memory)
			fail_msg("%s", error.text);
		for (unsigned pfn = 0; pfn < 110; pfn++)
			if (is_here(pfn))
				assert_page(memory, pfn);
			else
				assert_absent(memory, (uint64_t)pfn * BLOCK,
					      (uint64_t)pfn * BLOCK + 1);
		pw_memory_close(memory);
		close(file);
	}
}

/* The status of address 0, whose last table is page 5. */
static enum pw_status status_at_0(struct dump *dump, unsigned level, unsigned status,
				  int *zeros_status)
{
	static const uint64_t root = 2 * BLOCK;
	struct pw_memory *memory;
	struct pw_regime regime;
	struct pw_result result;
	struct pw_error error;
	unsigned char byte = 1;
	int file;

	put_at(dump, BLOCK + 8, 4, level);
	put_at(dump, 424, 4, status);
	memory = open_bytes(dump, dump->size, &file, &error);
	if (!memory)
		fail_msg("%s", error.text);
	assert_int_equal(pw_regime_init(&regime, pw_format_find("x86_64"), &root, 1, NULL, &error),
			 0);
	pw_translate(memory, &regime, 0, &result);
	*zeros_status = pw_memory_read(memory, 5 * BLOCK, &byte, 1);
	if (*zeros_status == 0)
		assert_int_equal(byte, 0);
	/* Page 50 never was memory. */
	assert_absent(memory, 50 * BLOCK, 50 * BLOCK);
	pw_memory_close(memory);
	close(file);
	return (enum pw_status)result.status;
}

/*
 * Page 5 was left out. If pages of zeros were left out, a table that is missing was zero. For data this
 * holds only if nothing else was left out.
 */
static void test_left_out_tables(void **state)
{
	static struct dump dump;
	int zeros;

	(void)state;
	build(&dump, false);
	for (unsigned i = 0; i < 3; i++) {
		memset(dump.bytes + PAGES + i * BLOCK, 0, BLOCK);
		put_at(&dump, PAGES + i * BLOCK, 8, (3 + i) * BLOCK | 7);
	}
	assert_int_equal(status_at_0(&dump, 0, 1, &zeros), PW_OUTSIDE);
	assert_int_equal(zeros, -ENODATA);
	assert_int_equal(status_at_0(&dump, 1, 1, &zeros), PW_NONE);
	assert_int_equal(zeros, 0);
	assert_int_equal(status_at_0(&dump, 31, 1, &zeros), PW_NONE);
	assert_int_equal(zeros, -ENODATA);
	/* Pages of zeros were kept, so page 5 was left out for another reason. */
	assert_int_equal(status_at_0(&dump, 30, 1, &zeros), PW_OUTSIDE);
	/* In an unfinished dump, pages are missing for that reason. */
	assert_int_equal(status_at_0(&dump, 31, 1 | 8, &zeros), PW_OUTSIDE);
	assert_int_equal(status_at_0(&dump, 1, 1 | 8, &zeros), PW_OUTSIDE);
	assert_int_equal(zeros, -ENODATA);
	/* s390's empty tables are not zero. */
	strcpy((char *)dump.bytes + 12 + 4 * 65, "s390x");
	assert_int_equal(status_at_0(&dump, 1, 1, &zeros), PW_OUTSIDE);
}

/* QEMU's header does not name the machine; its notes do. */
static void test_knows_machine_by_notes(void **state)
{
	static struct dump dump;
	const size_t at = NOTE;
	const struct pw_cpu *cpus;
	struct pw_memory *memory;
	struct pw_error error;
	int file;

	(void)state;
	build(&dump, false);
	strcpy((char *)dump.bytes + 12 + 4 * 65, "Unknown");
	memset(dump.bytes + at, 0, 1024);
	put_at(&dump, at, 4, 5);
	put_at(&dump, at + 4, 4, 336);
	put_at(&dump, at + 8, 4, 1);
	strcpy((char *)dump.bytes + at + 12, "CORE");
	put_at(&dump, at + 356, 4, 5);
	put_at(&dump, at + 360, 4, 440);
	strcpy((char *)dump.bytes + at + 368, "QEMU");
	put_at(&dump, at + 376, 4, 1);
	put_at(&dump, at + 380, 4, 440);
	put_at(&dump, at + 376 + 392, 8, 1u << 31);
	put_at(&dump, at + 376 + 416, 8, 0x5000);
	put_at(&dump, at + 376 + 424, 8, 1 << 5);
	put_at(&dump, BLOCK + 56, 8, 376 + 440);
	memory = open_bytes(&dump, dump.size, &file, &error);
	if (!memory)
		fail_msg("%s", error.text);
	assert_int_equal(pw_memory_cpus(memory, &cpus), 1);
	assert_string_equal(cpus[0].format, "x86_64");
	assert_true(cpus[0].root[0] == 0x5000);
	pw_memory_close(memory);
	close(file);
}

static void test_reads_vmcoreinfo(void **state)
{
	static const char text[] = "OSRELEASE=6.12.43\nSYMBOL(init_top_pgt)=ffffffff81a0c000\n";
	static struct dump dump;
	const struct pw_cpu *cpus;
	struct pw_memory *memory;
	struct pw_kernel kernel;
	struct pw_error error;
	int file;

	(void)state;
	build(&dump, false);
	memcpy(dump.bytes + NOTE + 512, text, sizeof(text) - 1);
	put_at(&dump, BLOCK + 32, 8, NOTE + 512);
	put_at(&dump, BLOCK + 40, 8, sizeof(text) - 1);
	put_at(&dump, BLOCK + 56, 8, 0);
	memory = open_bytes(&dump, dump.size, &file, &error);
	if (!memory)
		fail_msg("%s", error.text);
	assert_int_equal(pw_memory_cpus(memory, &cpus), 1);
	assert_true(cpus[0].kernel);
	assert_true(cpus[0].root[0] == 0x1a0c000);
	assert_int_equal(pw_memory_kernel(memory, 0, &kernel), 0);
	assert_string_equal(kernel.release, "6.12.43");
	pw_memory_close(memory);
	close(file);
}

/* Descriptors point outside the file, near and far. */
static void refuses_lying_descriptors(void **state)
{
	static const uint64_t lies[] = { UINT64_MAX, UINT64_MAX - BLOCK + 1, UINT64_C(1) << 63,
					 PAGES + 16 * BLOCK };
	static struct dump dump;

	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		struct pw_memory *memory;
		struct pw_error error;
		unsigned char byte;
		int file;

		build(&dump, false);
		put_at(&dump, DESCRIPTORS + 24, 8, lies[i]); /* of page 3 */
		memory = open_bytes(&dump, dump.size, &file, &error);
		assert_non_null(memory);
		assert_page(memory, 2);
		assert_int_equal(pw_memory_read(memory, 3 * BLOCK, &byte, 1), -ENODATA);
		assert_page(memory, 4);
		pw_memory_close(memory);
		close(file);
	}
}

static void shrinking_file_is_an_error(void **state)
{
	static struct dump dump;
	struct pw_memory *memory;
	struct pw_error error;
	unsigned char byte;
	int file;

	(void)state;
	build(&dump, false);
	memory = open_bytes(&dump, dump.size, &file, &error);
	assert_non_null(memory);
	assert_page(memory, 2);
	assert_int_equal(ftruncate(file, 100), 0);
	assert_true(pw_memory_read(memory, 100 * BLOCK, &byte, 1) < 0);
	assert_int_equal(pw_memory_check(memory, &error), -EIO);
	pw_memory_close(memory);
	close(file);
}

static void *read_pages(void *argument)
{
	const struct pw_memory *memory = argument;
	unsigned char bytes[64];
	size_t wrong = 0;

	for (unsigned turn = 0; turn < 200; turn++) {
		for (unsigned pfn = 0; pfn < 104; pfn++) {
			uint64_t pa = (uint64_t)pfn * BLOCK + turn;

			if (!is_here(pfn))
				continue;
			if (pw_memory_read(memory, pa, bytes, sizeof(bytes)))
				wrong++;
			for (unsigned i = 0; i < sizeof(bytes); i++)
				wrong += bytes[i] != pattern(pa + i);
		}
	}
	return (void *)wrong;
}

static void many_threads_read(void **state)
{
	static struct dump dump;
	pthread_t threads[4];
	struct pw_memory *memory;
	struct pw_error error;
	int file;

	(void)state;
	build(&dump, true);
	memory = open_bytes(&dump, dump.size, &file, &error);
	assert_non_null(memory);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, read_pages, memory), 0);
	for (unsigned i = 0; i < 4; i++) {
		void *wrong;

		pthread_join(threads[i], &wrong);
		assert_null(wrong);
	}
	pw_memory_close(memory);
	close(file);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_both_orders),
		cmocka_unit_test(truncated_anywhere),
		cmocka_unit_test(refuses_lying_headers),
		cmocka_unit_test(test_believes_no_size),
		cmocka_unit_test(test_reads_arm),
		cmocka_unit_test(test_left_out_tables),
		cmocka_unit_test(test_knows_machine_by_notes),
		cmocka_unit_test(test_reads_vmcoreinfo),
		cmocka_unit_test(refuses_lying_descriptors),
		cmocka_unit_test(shrinking_file_is_an_error),
		cmocka_unit_test(many_threads_read),
	};

	mutant_choose(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
