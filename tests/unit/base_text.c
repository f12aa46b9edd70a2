/* SPDX-License-Identifier: MIT */
/* Text for people and programs, and files that are written whole. */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <pagewalk/pagewalk.h>

#include "base/error.h"
#include "base/escape.h"
#include "base/names.h"
#include "base/put.h"
#include "base/replace.h"
#include "mutants/choose.h"

struct escaped {
	const char *text, *shown, *json, *xml;
};

#define FFFD "\xef\xbf\xbd"

static const struct escaped examples[] = {
	{ "plain \xc3\xa9\xe2\x86\x92\xf0\x9f\x98\x80",
	  "plain \xc3\xa9\xe2\x86\x92\xf0\x9f\x98\x80",
	  "\"plain \xc3\xa9\xe2\x86\x92\xf0\x9f\x98\x80\"",
	  "plain \xc3\xa9\xe2\x86\x92\xf0\x9f\x98\x80" },
	{ "\x1b[31m", "\\x1b[31m", "\"\\u001b[31m\"", FFFD "[31m" },
	{ "a\nb\x7f", "a\\x0ab\\x7f", "\"a\\u000ab\\u007f\"", "a" FFFD "b" FFFD },
	{ "\xc2\x9b"
	  "1m",
	  "\\u009b1m", "\"\\u009b1m\"", FFFD "1m" },
	{ "\x9b"
	  "1m",
	  "\\x9b1m", "\"" FFFD "1m\"", FFFD "1m" },
	{ "\xe2\x80\xae", "\\u202e", "\"\\u202e\"", FFFD },
	{ "\xf3\xa0\x81\x81", "\\U000e0041", "\"\\udb40\\udc41\"", FFFD },
	{ "\xef\xbf\xbe", "\\ufffe", "\"\\ufffe\"", FFFD },
	/* An overlong form, a surrogate, a value beyond Unicode, and texts that end too early. */
	{ "\xc0\x80", "\\xc0\\x80", "\"" FFFD FFFD "\"", FFFD FFFD },
	{ "\xed\xa0\x80", "\\xed\\xa0\\x80", "\"" FFFD FFFD FFFD "\"", FFFD FFFD FFFD },
	{ "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80", "\"" FFFD FFFD FFFD FFFD "\"",
	  FFFD FFFD FFFD FFFD },
	{ "\xe2\x80", "\\xe2\\x80", "\"" FFFD FFFD "\"", FFFD FFFD },
	{ "<\"\\&'>", "<\"\\&'>", "\"<\\\"\\\\&'>\"", "&lt;&quot;\\&amp;&#39;&gt;" },
};

/* Returns the output of @write for @text; the caller frees it. */
static char *written(void (*write)(FILE *stream, const char *text), const char *text)
{
	size_t bytes;
	char *into = NULL;
	FILE *stream = open_memstream(&into, &bytes);

	assert_non_null(stream);
	write(stream, text);
	fclose(stream);
	return into;
}

static void check(void (*write)(FILE *stream, const char *text), const char *text,
		  const char *right)
{
	char *got = written(write, text);

	assert_string_equal(got, right);
	free(got);
}

static void text_is_escaped(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
		const struct escaped *example = &examples[i];
		char shown[200], again[200];
		struct pw_error error;

		assert_string_equal(pw_escape_text(example->text, shown, sizeof(shown)),
				    example->shown);
		assert_string_equal(pw_escape_text(shown, again, sizeof(again)), example->shown);
		check(pw_escape_print, example->text, example->shown);
		check(pw_escape_json, example->text, example->json);
		check(pw_escape_xml, example->text, example->xml);
		assert_int_equal(pw_fail(&error, EIO, "%s", example->text), -EIO);
		assert_string_equal(error.text, example->shown);
	}
}

/* The text is cut between characters, for any size of the buffer. */
static void text_is_cut_whole(void **state)
{
	(void)state;
	for (size_t room = 1; room < 24; room++) {
		char text[24];

		memset(text, 'x', sizeof(text));
		pw_escape_text("a\x1b\xc3\xa9\xe2\x80\xae!", text, room);
		assert_true(strlen(text) < room);
		assert_memory_equal(text, "a\\x1b\xc3\xa9\\u202e!", strlen(text));
		assert_true(strlen(text) == 0 || strlen(text) == 1 || strlen(text) == 5 ||
			    strlen(text) == 7 || strlen(text) == 13 || strlen(text) == 14);
	}
}

static void number(FILE *stream, const char *text)
{
	pw_escape_json_number(stream, strtoull(text, NULL, 0));
}

static void count(FILE *stream, const char *text)
{
	pw_escape_json_count(stream, strtoull(text, NULL, 0));
}

static void numbers_keep_their_digits(void **state)
{
	(void)state;
	check(number, "0", "0");
	check(number, "0x20000000000000", "9007199254740992");
	check(number, "0x20000000000001", "\"9007199254740993\"");
	check(number, "0xffffffffffffffff", "\"18446744073709551615\"");
	check(count, "0x1fffffffffffff", "9007199254740992");
	check(count, "0x20000000000000", "\"9007199254740993\"");
	check(count, "0xffffffffffffffff", "\"18446744073709551616\"");
}

/* ---- files ---- */

struct folder {
	char path[64], file[80], link[80];
};

static struct folder new_folder(void)
{
	struct folder folder = { "/tmp/pagewalk-XXXXXX", "", "" };

	assert_non_null(mkdtemp(folder.path));
	snprintf(folder.file, sizeof(folder.file), "%s/file", folder.path);
	snprintf(folder.link, sizeof(folder.link), "%s/link", folder.path);
	assert_int_equal(symlink("file", folder.link), 0);
	return folder;
}

/* Removes the folder; fails if anything is left in it. */
static void end_folder(const struct folder *folder)
{
	unlink(folder->file);
	unlink(folder->link);
	assert_int_equal(rmdir(folder->path), 0);
}

static void expect(const char *path, const char *content)
{
	char text[32] = "";
	FILE *file = fopen(path, "r");

	assert_non_null(file);
	assert_int_equal(fread(text, 1, sizeof(text) - 1, file), strlen(content));
	assert_string_equal(text, content);
	fclose(file);
}

static int put(const char *path, bool named, const char *content, int status)
{
	struct pw_replace replace;
	struct pw_error error;

	assert_int_equal(pw_replace_open(&replace, path, named, &error), 0);
	assert_int_equal(replace.name != NULL, named);
	fputs(content, replace.stream);
	return pw_replace_close(&replace, status, &error);
}

static mode_t mode_of(const char *path)
{
	struct stat state;

	assert_int_equal(stat(path, &state), 0);
	return state.st_mode & 07777;
}

/* With a name from the beginning, as on a file system without O_TMPFILE, and without one. */
static void files_come_whole(void **state)
{
	mode_t before = umask(027);

	(void)state;
	for (int named = 0; named < 2; named++) {
		struct folder folder = new_folder();

		assert_int_equal(put(folder.link, named, "never", -ECANCELED), -ECANCELED);
		assert_int_equal(access(folder.file, F_OK), -1);
		assert_int_equal(put(folder.link, named, "one", 0), 0);
		expect(folder.file, "one");
		assert_int_equal(mode_of(folder.file), 0640);
		assert_int_equal(chmod(folder.file, 0601), 0);
		assert_int_equal(put(folder.link, named, "never", -EIO), -EIO);
		expect(folder.file, "one");
		assert_int_equal(put(folder.file, named, "two", 0), 0);
		expect(folder.link, "two");
		assert_int_equal(mode_of(folder.file), 0601);
		end_folder(&folder);
	}
	umask(before);
}

static void files_are_refused(void **state)
{
	static const struct {
		const char *path;
		int code;
	} bad[] = {
		{ "", ENOENT },           { "/dev/null", EEXIST },     { "/tmp", EEXIST },
		{ "/nowhere/x", ENOENT }, { "/tmp/nowhere/", EISDIR },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		for (int named = 0; named < 2; named++) {
			struct pw_replace replace;
			struct pw_error error = { "" };

			assert_int_equal(pw_replace_open(&replace, bad[i].path, named, &error),
					 -bad[i].code);
			assert_string_not_equal(error.text, "");
		}
}

static void circles_of_links_end(void **state)
{
	struct folder folder = new_folder();
	struct pw_replace replace;

	(void)state;
	assert_int_equal(symlink("link", folder.file), 0);
	assert_int_equal(pw_replace_open(&replace, folder.link, false, NULL), -ELOOP);
	end_folder(&folder);
}

/* A file that is being read is not replaced, under any of its names. */
static void inputs_stay(void **state)
{
	const uint64_t root = 0;
	struct folder folder = new_folder();
	struct pw_regime read;
	struct pw_memory *source;
	struct pw_cut cut = { .regimes = &read, .regime_count = 1 };
	struct pw_error error;
	char name[100], other[100];
	FILE *file = fopen(folder.file, "w");

	(void)state;
	assert_non_null(file);
	for (int i = 0; i < 4096; i++)
		putc(0, file);
	assert_int_equal(fclose(file), 0);
	snprintf(name, sizeof(name), "raw:%s@0", folder.link);
	snprintf(other, sizeof(other), "%s/other", folder.path);
	assert_int_equal(link(folder.file, other), 0);
	assert_int_equal(pw_memory_open(name, &source, &error), 0);
	assert_int_equal(pw_regime_init(&read, pw_format_find("x86_64"), &root, 1, NULL, NULL), 0);
	cut.memory = source;
	assert_true(pw_memory_has_file(source, folder.file));
	assert_false(pw_memory_has_file(source, folder.path));
	assert_int_equal(pw_cut_write(&cut, folder.file, NULL, &error), -EEXIST);
	assert_non_null(strstr(error.text, "from which the tables are read"));
	assert_int_equal(pw_cut_write(&cut, folder.link, NULL, NULL), -EEXIST);
	assert_int_equal(pw_cut_write(&cut, other, NULL, NULL), -EEXIST);
	unlink(other);
	pw_memory_close(source);
	end_folder(&folder);
}

/* ---- the process's umask, while other threads cut ---- */

static struct pw_memory *memory;
static struct pw_regime regime;

static void *cut_often(void *path)
{
	const struct pw_cut cut = { .memory = memory, .regimes = &regime, .regime_count = 1 };

	for (int i = 0; i < 200; i++)
		pw_cut_write(&cut, path, NULL, NULL);
	return NULL;
}

static void umask_stays(void **state)
{
	static uint64_t words[512];
	const struct pw_segment segment = { 0, sizeof(words) - 1, words };
	const uint64_t root = 0;
	char path[4][80];
	struct folder folder = new_folder();
	mode_t before = umask(027);
	pthread_t thread[4];

	(void)state;
	assert_int_equal(pw_memory_wrap(&segment, 1, &memory, NULL), 0);
	assert_int_equal(pw_regime_init(&regime, pw_format_find("x86_64"), &root, 1, NULL, NULL),
			 0);
	for (int i = 0; i < 4; i++) {
		snprintf(path[i], sizeof(path[i]), i % 2 ? "/nowhere/%d" : "%2$s/%1$d", i,
			 folder.path);
		assert_int_equal(pthread_create(&thread[i], NULL, cut_often, path[i]), 0);
	}
	/* A file that is created at the same time gets the right permissions. */
	for (int i = 0; i < 200; i++) {
		int file = open(folder.file, O_CREAT | O_WRONLY, 0666);

		assert_true(file >= 0);
		close(file);
		assert_int_equal(mode_of(folder.file), 0640);
		unlink(folder.file);
	}
	for (int i = 0; i < 4; i++)
		pthread_join(thread[i], NULL);
	assert_int_equal(umask(before), 027);
	assert_int_equal(mode_of(path[0]), 0640);
	unlink(path[0]);
	unlink(path[2]);
	pw_memory_close(memory);
	end_folder(&folder);
}

/* Numbers around @middle, and then some that have nothing in common. */
static uint64_t sample(uint64_t middle, unsigned i)
{
	return i < 8 ? middle + i - 4 : middle * (2 * i + 1) + (middle >> i);
}

static void numbers_are_as_printf_has_them(void **state)
{
	char zero[17];

	(void)state;
	*pw_put_hex(zero, 0) = '\0';
	assert_string_equal(zero, "0");
	for (unsigned bit = 0; bit < 64; bit++)
		for (unsigned i = 0; i < 40; i++) {
			uint64_t number = sample(UINT64_C(0x8f35ac71ed9b0642) >> bit, i);
			char got[PW_PUT_DECIMAL + 1], right[32];

			*pw_put_hex16(got, number) = '\0';
			snprintf(right, sizeof(right), "%016llx", (unsigned long long)number);
			assert_string_equal(got, right);
			*pw_put_hex8(got, (uint32_t)number) = '\0';
			snprintf(right, sizeof(right), "%08x", (uint32_t)number);
			assert_string_equal(got, right);
			*pw_put_hex(got, number >> i) = '\0';
			snprintf(right, sizeof(right), "%llx", (unsigned long long)(number >> i));
			assert_string_equal(got, right);
			*pw_put_decimal(got, number) = '\0';
			snprintf(right, sizeof(right), "%llu", (unsigned long long)number);
			assert_string_equal(got, right);
		}
}

/* Parts of a unit are rounded as printf rounds them, also half way: 1.25 to 1.2, 1.75 to 1.8. */
static void sizes_are_as_printf_has_them(void **state)
{
	static const char *const unit[] = { "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	char got[PW_SIZE_TEXT], right[32];

	(void)state;
	for (unsigned i = 0; i < 6; i++)
		for (uint64_t part = 1025; part < 3 * 1024; part++) {
			uint64_t size = part << (10 * i);

			if (part % 1024 == 0)
				continue;
			snprintf(right, sizeof(right), "%.1f %s", (double)part / 1024, unit[i]);
			assert_string_equal(pw_size_text(size - 1, got), right);
		}
	assert_string_equal(pw_size_text(1024 * 1024 - 2, got), "1024.0 KiB");
	assert_string_equal(pw_size_text(0, got), "1 byte");
	assert_string_equal(pw_size_text(1022, got), "1023 bytes");
	assert_string_equal(pw_size_text(UINT64_MAX, got), "16 EiB");
	assert_string_equal(pw_size_text(UINT64_MAX - 1, got), "16.0 EiB");
	assert_string_equal(pw_size_text(4095, got), "4 KiB");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_escaped),
		cmocka_unit_test(text_is_cut_whole),
		cmocka_unit_test(numbers_keep_their_digits),
		cmocka_unit_test(numbers_are_as_printf_has_them),
		cmocka_unit_test(sizes_are_as_printf_has_them),
		cmocka_unit_test(files_come_whole),
		cmocka_unit_test(files_are_refused),
		cmocka_unit_test(circles_of_links_end),
		cmocka_unit_test(inputs_stay),
		cmocka_unit_test(umask_stays),
	};

	mutant_choose(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
