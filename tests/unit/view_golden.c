/* SPDX-License-Identifier: MIT */
/*
 * Compares pictures as text with tests/golden/. After an intended change:
 *
 *	PAGEWALK_GOLDEN=write build/tests/unit/unit_view_golden tests/golden && git diff tests/golden
 */
#include "view_build.h"

#include <stdio.h>

static const char *golden_folder;

enum {
	RWU = PW_READ | PW_WRITE | PW_USER | PW_ACCESSED | PW_DIRTY,
	RXU = PW_READ | PW_EXEC | PW_USER | PW_ACCESSED,
	RU = PW_READ | PW_USER | PW_ACCESSED,
};

static char *read_file(const char *path)
{
	FILE *file = fopen(path, "r");
	char *text = NULL;
	size_t bytes = 0;

	if (!file)
		return NULL;
	if (getdelim(&text, &bytes, '\0', file) < 0) {
		free(text);
		text = NULL;
	}
	fclose(file);
	return text;
}

/* Compares @text with the golden file @name, or writes it there. */
static void check_golden(const char *name, const char *text)
{
	const char *mode = getenv("PAGEWALK_GOLDEN");
	char path[500], *golden;

	snprintf(path, sizeof(path), "%s/%s.txt", golden_folder, name);
	if (mode && strcmp(mode, "write") == 0) {
		FILE *file = fopen(path, "w");

		assert_non_null(file);
		fputs(text, file);
		assert_int_equal(fclose(file), 0);
		return;
	}
	golden = read_file(path);
	if (!golden)
		fail_msg("%s is missing; the comment of this test says how it is written", path);
	if (strcmp(golden, text) != 0)
		fail_msg("%s differs from:\n%s", path, text);
	free(golden);
}

static void check_picture(struct image *image, const char *name, pw_va first, pw_va last,
			  const struct pw_picture_options *options,
			  const struct pw_text_style *style)
{
	static const struct pw_text_style mail = { .width = 100, .utf8 = true };
	struct pw_picture *picture = image_picture(image, first, last, options);
	char *text = image_drawing(picture, NULL, style ? style : &mail);

	check_golden(name, text);
	free(text);
	pw_picture_destroy(picture);
}

static void check_json(struct image *image, const char *name, pw_va first, pw_va last)
{
	struct pw_picture *picture = image_picture(image, first, last, NULL);
	char *text = image_drawing(picture, pw_picture_json, NULL);

	check_golden(name, text);
	free(text);
	pw_picture_destroy(picture);
}

/* ---- s390x ---- */

/* The range of the mails of 2020: two pages across the 2 GiB boundary 0x10080000000, three levels. */
static void test_s390x_three_levels(void **state)
{
	struct image image;

	(void)state;
	image_init(&image, "s390x", 2, PW_VIEW_HARDWARE);
	image_map(&image, 0x1007ffff000, 0, 1, 0x4000000, RWU);
	image_map(&image, 0x10080000000, 0, 1, 0x4200000, RU);
	/* The page that gup_fast took for the second one, through a copy on its stack. */
	image_map(&image, 0x10000000000, 0, 1, 0x6660000, RWU);
	check_picture(&image, "s390x-range", 0x1007ffff000, 0x10080000fff, NULL, NULL);
	check_picture(&image, "s390x-address", 0x10080000abc, 0x10080000abc, NULL, NULL);
	check_json(&image, "s390x-range-json", 0x1007ffff000, 0x10080000fff);
	check_json(&image, "s390x-address-json", 0x10080000abc, 0x10080000abc);
	check_picture(&image, "s390x-above", UINT64_C(1) << 42, UINT64_C(1) << 42, NULL, NULL);
	image_deinit(&image);
}

/* Two levels, with nothing above the segment table; old pages, in both views. */
static void test_s390x_old(void **state)
{
	const pw_va va = 0x12345678;
	struct image image;

	(void)state;
	image_init(&image, "s390x", 1, PW_VIEW_HARDWARE);
	image_map(&image, va & ~UINT64_C(0xfff), 0, 1, 0x4000000, RWU & ~(unsigned)PW_ACCESSED);
	image_store(&image, image_place(&image, va + 0x1000, 0), 0x0000000123456631);
	check_picture(&image, "s390x-old-hardware", va + 0x1000, va + 0x1000, NULL, NULL);
	image.regime.view = PW_VIEW_LINUX;
	check_picture(&image, "s390x-old-linux", va + 0x1000, va + 0x1000, NULL, NULL);
	image_deinit(&image);
}

/* TF and TL: the segment table behind an entry has only quarters 1 and 2. */
static void test_s390x_length(void **state)
{
	struct image image;
	pw_pa at;

	(void)state;
	image_init(&image, "s390x", 2, PW_VIEW_HARDWARE);
	image_map(&image, 0x30000000, 0, 1, 0x4000000, RWU);
	at = image_place(&image, 0x30000000, 2);
	image_store(&image, at, (image_load(&image, at) & ~UINT64_C(0xc3)) | 1 << 6 | 2);
	check_picture(&image, "s390x-length", 0x1000, 0x1000, NULL, NULL);
	image_store(&image, at, image_load(&image, at) ^ 0x8);
	check_picture(&image, "s390x-type", 0x1000, 0x1000, NULL, NULL);
	image_deinit(&image);
}

/* ---- x86 ---- */

static void test_x86_64(void **state)
{
	struct image image;
	pw_pa at;

	(void)state;
	image_init(&image, "x86_64", 3, PW_VIEW_HARDWARE);
	image_map(&image, 0x7f0000400000, 0, 3, 0x8000000, RWU);
	image_map(&image, 0x7f0000600000, 1, 1, 0xa00000, RXU);
	image_map(&image, 0xffff888000000000, 2, 2, 0x40000000,
		  PW_READ | PW_WRITE | PW_GLOBAL | PW_ACCESSED | PW_DIRTY);
	/* A pud that takes write and execute permission away. */
	at = image_place(&image, 0x7f0000400000, 2);
	image_store(&image, at, (image_load(&image, at) & ~UINT64_C(2)) | UINT64_C(1) << 63);
	check_picture(&image, "x86_64-address", 0x7f0000401234, 0x7f0000401234, NULL, NULL);
	check_picture(&image, "x86_64-2m", 0x7f0000654321, 0x7f0000654321, NULL, NULL);
	check_picture(&image, "x86_64-1g-kernel", 0xffff888012345678, 0xffff888012345678, NULL,
		      NULL);
	check_picture(&image, "x86_64-hole", 0x7f0000403000, 0x7f0000403000, NULL, NULL);
	check_picture(&image, "x86_64-not-canonical", 0x800000000000, 0x800000000000, NULL, NULL);
	check_picture(&image, "x86_64-both-halves", 0, UINT64_MAX, NULL, NULL);
	image_deinit(&image);
}

/* Entries that mean something to the kernel but nothing to the hardware; and tables that are not there. */
static void test_x86_64_holes(void **state)
{
	struct image image;

	(void)state;
	image_init(&image, "x86_64", 3, PW_VIEW_HARDWARE);
	image_store(&image, image_place(&image, 0x400000, 0),
		    image.format->make_prot_none(image.format, &image.regime, 0, 0x123456000));
	image_store(&image, image_place(&image, 0x401000, 0), UINT64_C(0x07fffffffffc8200));
	image_store(&image, image_place(&image, 0x40000000, 2), UINT64_C(0x0000001234567067));
	image_store(&image, image_place(&image, 0x8000000000, 3), UINT64_C(0x00000000001000e7));
	check_picture(&image, "x86_64-prot-none-hardware", 0x400000, 0x400000, NULL, NULL);
	check_picture(&image, "x86_64-outside", 0x40000000, 0x40000000, NULL, NULL);
	check_picture(&image, "x86_64-malformed", 0x8000000000, 0x8000000000, NULL, NULL);
	image.regime.view = PW_VIEW_LINUX;
	check_picture(&image, "x86_64-prot-none-linux", 0x400000, 0x400000, NULL, NULL);
	check_picture(&image, "x86_64-swap", 0x401000, 0x401000, NULL, NULL);
	image_deinit(&image);
}

/* Entries and tables that are alike are drawn once. */
static void test_x86_64_dense(void **state)
{
	static const struct pw_text_style ascii = { .width = 80 };
	static const struct pw_picture_options few = { .rows = 6, .label = "dense <image> & more" };
	struct image image;

	(void)state;
	image_init(&image, "x86_64", 3, PW_VIEW_HARDWARE);
	image_map(&image, 0x40000000, 0, 40 * 512, 0x80000000, RWU);
	image_map(&image, 0x40000000 + 41 * 0x200000, 1, 100, 0x100000000, RXU);
	check_picture(&image, "x86_64-dense", 0x40001000, 0x5fffffff, NULL, NULL);
	check_picture(&image, "x86_64-dense-ascii", 0x40001000, 0x5fffffff, NULL, &ascii);
	check_picture(&image, "x86_64-dense-stopped", 0x40001000, 0x5fffffff, &few, NULL);
	image_deinit(&image);
}

static void test_i386(void **state)
{
	struct image image;

	(void)state;
	image_init(&image, "i386", 1, PW_VIEW_HARDWARE);
	image_map(&image, 0xc0000000, 1, 4, 0, PW_READ | PW_WRITE | PW_ACCESSED | PW_DIRTY);
	image_map(&image, 0x8048000, 0, 2, 0x1234000, RXU);
	check_picture(&image, "i386-address", 0x8048abc, 0x8048abc, NULL, NULL);
	check_picture(&image, "i386-range", 0xc03ff000, 0xc0800fff, NULL, NULL);
	image_deinit(&image);
}

/* ---- the rest: one address each ---- */

static void test_others(void **state)
{
	static const struct {
		const char *format;
		unsigned top;
		pw_va va;
		pw_pa pa;
		unsigned level;
	} cases[] = {
		{ "arm", 1, 0x8048abc, 0x1234000, 0 },
		{ "arm_lpae", 2, 0x8048abc, 0x1234000, 0 },
		{ "arm64_4k_48", 3, 0x401234, 0x12345000, 0 },
		{ "arm64_64k_52", 2, 0x20004321, 0x40000000, 1 },
		{ "ppc64_radix_64k", 3, 0x10012345, 0x12340000, 0 },
		{ "riscv_sv39", 2, 0x3fd6789abc, 0x80a00000, 0 },
		{ "riscv_sv57", 4, 0x401234, 0x80a00000, 0 },
		{ "sparc64_sun4v", 3, 0x101234, 0x12346000, 0 },
		{ "um_4", 3, 0x401234, 0x12345000, 0 },
		{ "amdv1", 2, 0x7fe01234, 0x12345000, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct image image;
		char name[80];

		image_init(&image, cases[i].format, cases[i].top, PW_VIEW_HARDWARE);
		image_map(&image, cases[i].va & ~pw_mask(image.format->shift[cases[i].level]),
			  cases[i].level, 1, cases[i].pa, RWU);
		snprintf(name, sizeof(name), "%s-address", cases[i].format);
		check_picture(&image, name, cases[i].va, cases[i].va, NULL, NULL);
		image_deinit(&image);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_s390x_three_levels),
		cmocka_unit_test(test_s390x_old),
		cmocka_unit_test(test_s390x_length),
		cmocka_unit_test(test_x86_64),
		cmocka_unit_test(test_x86_64_holes),
		cmocka_unit_test(test_x86_64_dense),
		cmocka_unit_test(test_i386),
		cmocka_unit_test(test_others),
	};

	if (argc != 2) {
		fprintf(stderr, "usage: unit_view_golden FOLDER\n");
		return 2;
	}
	golden_folder = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
