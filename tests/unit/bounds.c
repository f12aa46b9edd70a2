/* SPDX-License-Identifier: MIT */
/* An input never costs more than its size justifies, whatever sizes its fields name. */
#include "memory_build.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/hash.h"
#include "described/parse.h"
#include "mutants/choose.h"

/* Tables whose addresses were chosen to collide in one set must not collide in another. */
static void test_hash_keys(void **state)
{
	struct pw_hash_key one = pw_hash_key(), other = pw_hash_key();
	const uint64_t table = 0x1000;

	(void)state;
	assert_memory_not_equal(&one, &other, sizeof(one));
	assert_int_not_equal(pw_hash(&one, &table, 1), pw_hash(&other, &table, 1));
	assert_int_equal(pw_hash(&one, &table, 1), pw_hash(&one, &table, 1));
}

/* The most addresses in one place, of @count addresses that are 2^@shift apart. */
static unsigned fullest(const struct pw_hash_key *key, unsigned shift, unsigned count)
{
	static unsigned taken[1 << 12];
	unsigned most = 0;

	memset(taken, 0, sizeof(taken));
	for (uint64_t i = 0; i < count; i++) {
		uint64_t table = i << shift;
		unsigned *place = &taken[pw_hash(key, &table, 1) % (1 << 12)];

		most = ++*place > most ? *place : most;
	}
	return most;
}

static void test_hash_spreads(void **state)
{
	const struct pw_hash_key key = { { 0x0123456789abcdef, 0x9d39247e33776d41,
					   0x2af7398005aaa5c7 } };

	(void)state;
	for (unsigned shift = 0; shift < 52; shift++)
		assert_true(fullest(&key, shift, 1 << 12) < 14);
}

/* Many program headers name the same bytes. */
static void build_loads(struct image *image, unsigned count)
{
	image_init(image, true, false, EM_X86_64, count);
	for (unsigned i = 0; i < count; i++)
		image_program(image, i, PT_LOAD, 0, (uint64_t)i << 20, sizeof(image->bytes),
			      sizeof(image->bytes));
	put(image, sizeof(image->bytes) - 1, 1, 0);
}

static void test_loads_again(void **state)
{
	static struct image image;
	struct opened opened;

	(void)state;
	build_loads(&image, 510);
	image_open(&opened, &image);
	assert_int_equal(opened.status, 0);
	opened_close(&opened);
	build_loads(&image, 520);
	image_open(&opened, &image);
	assert_int_equal(opened.status, -EINVAL);
	assert_says(opened.error.text, "the same bytes stand at many addresses");
	opened_close(&opened);
}

/* @headers headers name @notes notes of CPUs, without registers. */
static void build_notes(struct image *image, unsigned headers, unsigned notes)
{
	size_t at;

	image_init(image, true, false, EM_X86_64, headers + 1);
	at = image->size;
	image_program(image, 0, PT_LOAD, 0, 0x1000, 64, 64);
	for (unsigned i = 1; i <= headers; i++)
		image_program(image, i, PT_NOTE, at, 0, 20 * notes, 0);
	for (unsigned i = 0; i < notes; i++, at += 20) {
		put(image, at, 4, 5);
		put(image, at + 8, 4, NT_PRSTATUS);
		memcpy(image->bytes + at + 12, "CORE", 4);
		put(image, at + 16, 4, 0);
	}
}

static void test_notes_again(void **state)
{
	static struct image image;
	const struct pw_cpu *cpus;
	struct opened opened;
	size_t count;
	bool said = false;

	(void)state;
	build_notes(&image, 300, 700);
	image_open(&opened, &image);
	assert_int_equal(opened.status, 0);
	count = pw_memory_cpus(opened.memory, &cpus);
	assert_true(count >= 700 && count <= image.size / 20);
	for (size_t i = 0; pw_memory_remark(opened.memory, i); i++)
		said |= strstr(pw_memory_remark(opened.memory, i), "it is not read") != NULL;
	assert_true(said);
	opened_close(&opened);
	/* All notes are read if several headers share them. */
	build_notes(&image, 2, 300);
	put(&image, 2 * 6000, 1, 0);
	image_open(&opened, &image);
	assert_int_equal(opened.status, 0);
	assert_int_equal(pw_memory_cpus(opened.memory, &cpus), 600);
	assert_null(pw_memory_remark(opened.memory, 0));
	opened_close(&opened);
}

static void assert_refused(const char *path, int code, const char *why)
{
	const struct pw_format *format = NULL;
	struct pw_error error = { "" };

	assert_int_equal(pw_format_load(path, &format, &error), -code);
	assert_null(format);
	assert_says(error.text, why);
}

static void test_description_ends(void **state)
{
	size_t size = PW_DESCRIPTION_MAX + 1;
	char *text = malloc(size), path[64];
	int file;

	(void)state;
	assert_non_null(text);
	memset(text, '\n', size);
	file = file_of((const unsigned char *)text, size, path);
	assert_refused(path, EFBIG, "does not end within 1 MiB");
	close(file);
	file = file_of((const unsigned char *)text, size - 1, path);
	assert_refused(path, EINVAL, "no line 'format NAME'");
	close(file);
	free(text);
}

/* Files without an end, and sources that are not files. */
static void test_description_is_a_file(void **state)
{
	char folder[] = "/tmp/pagewalk-XXXXXX", fifo[64];

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(fifo, sizeof(fifo), "%s/fifo", folder);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_refused("/dev/zero", EFBIG, "does not end");
	assert_refused("/dev/null", EINVAL, "no line 'format NAME'");
	assert_refused(fifo, EINVAL, "no line 'format NAME'");
	assert_refused(folder, EISDIR, "cannot be read");
	assert_refused("/dev/zero/none", ENOTDIR, "cannot be opened");
	unlink(fifo);
	rmdir(folder);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hash_keys),
		cmocka_unit_test(test_hash_spreads),
		cmocka_unit_test(test_loads_again),
		cmocka_unit_test(test_notes_again),
		cmocka_unit_test(test_description_ends),
		cmocka_unit_test(test_description_is_a_file),
	};

	mutant_choose(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
