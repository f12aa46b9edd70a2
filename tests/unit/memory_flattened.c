/* SPDX-License-Identifier: MIT */
/* Flattened dumps: the pieces of a file, in any order, truncated anywhere, and damaged. */
#include "memory_build.h"

enum { PA = 0x100000, OFFSET = 4096, BYTES = 8192, HEADER = 4096, ROOM = 65536 };

struct flat {
	unsigned char bytes[ROOM];
	size_t used;
};

static void put_number(struct flat *flat, uint64_t value)
{
	for (int i = 7; i >= 0; i--)
		flat->bytes[flat->used++] = (unsigned char)(value >> 8 * i);
}

static void start(struct flat *flat)
{
	memset(flat, 0, sizeof(*flat));
	memcpy(flat->bytes, "makedumpfile", 12);
	flat->used = 16;
	put_number(flat, 1);
	put_number(flat, 1);
	flat->used = HEADER;
}

static void put_piece(struct flat *flat, const struct image *image, size_t at, size_t bytes)
{
	put_number(flat, at);
	put_number(flat, bytes);
	memcpy(flat->bytes + flat->used, image->bytes + at, bytes);
	flat->used += bytes;
}

static void put_end(struct flat *flat)
{
	put_number(flat, UINT64_MAX);
	put_number(flat, UINT64_MAX);
}

/* An ELF core, with its last piece first. */
static void build(struct flat *flat)
{
	struct image image;

	image_init(&image, true, false, EM_X86_64, 1);
	image_load(&image, 0, OFFSET, PA, BYTES);
	start(flat);
	put_piece(flat, &image, OFFSET + 5000, BYTES - 5000);
	put_piece(flat, &image, 0, OFFSET);
	put_piece(flat, &image, OFFSET, 5000);
	put_end(flat);
}

static int open_flat(const struct flat *flat, size_t bytes, struct pw_memory **memory,
		     struct pw_error *error)
{
	char path[64];
	int file = file_of(flat->bytes, bytes, path);
	int status = pw_memory_open(path, memory, error);

	close(file);
	return status;
}

static void test_order(void **state)
{
	static struct flat flat;
	struct pw_memory *memory;
	struct pw_error error;

	(void)state;
	build(&flat);
	assert_int_equal(open_flat(&flat, flat.used, &memory, &error), 0);
	assert_pattern(memory, PA, PA + BYTES - 1);
	assert_absent(memory, PA + BYTES, PA + BYTES);
	assert_null(pw_memory_remark(memory, 0));
	pw_memory_close(memory);
}

static void test_truncated(void **state)
{
	static struct flat flat;
	struct pw_memory *memory;
	struct pw_error error;

	(void)state;
	build(&flat);
	/* Without its end alone, all is there; without the last piece's end, a part. */
	assert_int_equal(open_flat(&flat, flat.used - 16, &memory, &error), 0);
	assert_pattern(memory, PA, PA + BYTES - 1);
	assert_says(pw_memory_remark(memory, 0), "has no end");
	pw_memory_close(memory);
	assert_int_equal(open_flat(&flat, flat.used - 16 - 1000, &memory, &error), 0);
	assert_pattern(memory, PA, PA + 3999);
	pw_memory_close(memory);
	/* Anywhere else it is refused with a sentence, or opened. */
	for (size_t bytes = 1; bytes < flat.used; bytes += 97) {
		error.text[0] = '\0';
		if (open_flat(&flat, bytes, &memory, &error) == 0)
			pw_memory_close(memory);
		else
			assert_true(error.text[0] != '\0');
	}
}

static void test_damaged(void **state)
{
	static struct flat flat;
	struct pw_memory *memory;
	struct pw_error error;

	(void)state;
	/* A place that no file has, and a length that goes beyond. */
	build(&flat);
	flat.bytes[HEADER] = 0x80;
	assert_int_equal(open_flat(&flat, flat.used, &memory, &error), -EINVAL);
	assert_says(error.text, "the piece at 0x1000 of this flattened kdump");
	build(&flat);
	memset(flat.bytes + HEADER + 8, 0x7f, 8);
	assert_int_equal(open_flat(&flat, flat.used, &memory, &error), -EINVAL);
	/* Another type of flattened file, and one of something else. */
	build(&flat);
	flat.bytes[23] = 2;
	assert_int_equal(open_flat(&flat, flat.used, &memory, &error), -EINVAL);
	assert_says(error.text, "makedumpfile -R OUT < ");
	start(&flat);
	put_number(&flat, 0);
	put_number(&flat, 16);
	put_number(&flat, 0);
	put_number(&flat, 0);
	put_end(&flat);
	assert_int_equal(open_flat(&flat, flat.used, &memory, &error), -EINVAL);
	assert_says(error.text, "neither an ELF core nor a kdump");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
