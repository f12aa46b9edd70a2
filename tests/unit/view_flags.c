/* SPDX-License-Identifier: MIT */
/*
 * The words for entries of every format. All bits that builders write have a name, differences show, and
 * the fields of a list neither overlap nor leave gaps that would hide a bit.
 */
#include "view_build.h"

#include <stdio.h>

#include "view/flags.h"

static const uint16_t kernels[] = { 0x0601, 0x0606, 0x060a, 0x060d, 0x0700 };

enum { KERNELS = sizeof(kernels) / sizeof(kernels[0]) };

/* The regime of a top table at 1 MiB, at the format's highest level. */
static struct pw_regime regime_of(const struct pw_format *f, enum pw_view view, uint16_t kernel)
{
	const struct pw_regime_options options = { .view = view, .kernel = kernel };
	struct pw_regime regime = { .format = f, .view = view, .kernel = kernel };
	struct pw_error error = { "" };
	uint64_t root;

	regime.address_mask = UINT64_C(0x000ffffffffff000);
	root = f->make_root(f, &regime, 0x100000, f->levels - 1u);
	if (pw_regime_init(&regime, f, &root, 1, &options, &error))
		fail_msg("%s: %s", f->name, error.text);
	return regime;
}

static void check_words(const struct pw_format *f)
{
	if (!f->words || !f->words->entries)
		fail_msg("%s has no .words with .entries (src/format/words.h)", f->name);
}

typedef void check_fn(const struct pw_regime *regime, unsigned level);

static void for_all_levels(check_fn *check)
{
	const struct pw_format *f;

	for (size_t i = 0; (f = pw_format_at(i)) != NULL; i++) {
		check_words(f);
		for (unsigned kernel = 0; kernel < KERNELS; kernel++)
			for (enum pw_view view = PW_VIEW_HARDWARE; view <= PW_VIEW_LINUX; view++) {
				struct pw_regime regime = regime_of(f, view, kernels[kernel]);

				for (unsigned level = 0; level < f->levels; level++)
					check(&regime, level);
			}
	}
}

/* An entry without any meaning: its bits need no names, and are shown as a number. */
static bool is_void(const struct pw_regime *r, unsigned level, uint64_t entry, enum pw_kind kind,
		    enum pw_status status)
{
	pw_pa page;

	return kind == PW_HOLE && status == PW_NONE &&
	       pw_linux_meaning(r, level, entry, &kind, &page) == PW_NONE;
}

/*
 * Returns the words of @entry as the walk reads it. Fails if a bit has no name, unless the whole entry
 * means nothing.
 */
static char *words_of(const struct pw_regime *r, unsigned level, uint64_t entry, char *text,
		      size_t bytes)
{
	const struct pw_format *f = r->format;
	enum pw_kind kind = f->kind(f, r, level, entry);
	enum pw_status status = PW_OK;
	pw_pa page = 0;

	if (kind == PW_HOLE)
		status = f->hole(f, r, level, entry, &page);
	if (!pw_bits_find(r, level, kind, status, entry))
		fail_msg("%s, level %u, kernel %x: no list of .words->entries describes 0x%llx "
			 "(kind %d, %s)",
			 f->name, level, r->kernel, (unsigned long long)entry, kind,
			 pw_status_name(status));
	pw_bits_words(r, level, kind, status, entry, text, bytes);
	if (strstr(text, "+0x") && !is_void(r, level, entry, kind, status))
		fail_msg("%s, level %u, %s view: 0x%llx has bits without a name: %s", f->name,
			 level, r->view == PW_VIEW_LINUX ? "Linux" : "hardware",
			 (unsigned long long)entry, text);
	return text;
}

static void check_builders(const struct pw_regime *r, unsigned level)
{
	const struct pw_format *f = r->format;
	const pw_pa pages[] = { 0, UINT64_C(1) << f->shift[level], UINT64_C(0x7f) << 33 };
	char text[512];

	words_of(r, level, f->make_empty(f, r, level), text, sizeof(text));
	if (level > 0) {
		words_of(r, level, f->make_table(f, r, level, 0x10000), text, sizeof(text));
		assert_int_equal(f->kind(f, r, level, f->make_table(f, r, level, 0x10000)),
				 PW_TABLE);
	}
	if (!(f->leaf_levels >> level & 1))
		return;
	for (unsigned i = 0; i < 3; i++) {
		pw_pa pa = f->entry_lg2 == 2 ? pages[i] & 0xffffffff : pages[i];

		pa &= ~pw_mask(f->shift[level]);
		for (uint32_t attr = 0; attr <= 0xff; attr++)
			words_of(r, level, f->make_leaf(f, r, level, pa, attr), text, sizeof(text));
		if (f->make_prot_none)
			words_of(r, level, f->make_prot_none(f, r, level, pa), text, sizeof(text));
	}
}

static void test_builders_have_names(void **state)
{
	(void)state;
	for_all_levels(check_builders);
}

/* Two leaves with different attributes and different entries have different words. */
static void check_differences(const struct pw_regime *r, unsigned level)
{
	static const uint32_t attributes[] = { PW_WRITE, PW_EXEC,   PW_USER,   PW_ACCESSED,
					       PW_DIRTY, PW_GLOBAL, PW_SPECIAL };
	const struct pw_format *f = r->format;
	const uint32_t base = PW_READ | PW_ACCESSED;

	if (!(f->leaf_levels >> level & 1))
		return;
	for (unsigned i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++) {
		uint64_t one = f->make_leaf(f, r, level, 0, base);
		uint64_t other = f->make_leaf(f, r, level, 0, base ^ attributes[i]);
		char text[2][512];

		if (one == other)
			continue;
		words_of(r, level, one, text[0], sizeof(text[0]));
		words_of(r, level, other, text[1], sizeof(text[1]));
		if (strcmp(text[0], text[1]) == 0)
			fail_msg("%s, level %u: 0x%llx and 0x%llx are the same in words: %s",
				 f->name, level, (unsigned long long)one, (unsigned long long)other,
				 text[0]);
	}
}

static void test_differences_show(void **state)
{
	(void)state;
	for_all_levels(check_differences);
}

/* The fields of a list, as this kernel has them, cover no bit twice. */
static void check_tiles(const struct pw_regime *r, const struct pw_bits *bits, const char *format)
{
	uint64_t covered = 0;

	for (; bits; bits = pw_bits_next(bits)) {
		uint64_t low = bits->mask & -bits->mask;

		assert_non_null(bits->name);
		assert_non_null(bits->meaning);
		/* A field is one run of bits, or its value would be wrong. */
		assert_true(((bits->mask + low) & bits->mask) == 0);
		if (!pw_bits_apply(bits, r))
			continue;
		if (covered & bits->mask)
			fail_msg("%s, kernel %x: %s covers bits that another field has, 0x%llx",
				 format, r->kernel, bits->name,
				 (unsigned long long)(covered & bits->mask));
		covered |= bits->mask;
	}
}

static void test_fields_do_not_overlap(void **state)
{
	const struct pw_format *f;

	(void)state;
	for (size_t i = 0; (f = pw_format_at(i)); i++) {
		check_words(f);
		for (const struct pw_bits_of *of = f->words->entries; of->bits; of++)
			for (unsigned kernel = 0; kernel < KERNELS; kernel++) {
				const struct pw_regime r = { .kernel = kernels[kernel] };

				check_tiles(&r, of->bits, f->name);
			}
	}
}

/* In any present entry, leaf or table, every bit has a name. */
static void check_every_bit(const struct pw_regime *r, unsigned level)
{
	const struct pw_format *f = r->format;
	const unsigned bits = 8u << f->entry_lg2;
	char text[512];

	for (unsigned bit = 0; bit < bits; bit++) {
		uint64_t flip = UINT64_C(1) << bit;

		if (level > 0)
			words_of(r, level, f->make_table(f, r, level, 0x10000) ^ flip, text,
				 sizeof(text));
		if (f->leaf_levels >> level & 1)
			words_of(r, level,
				 f->make_leaf(f, r, level, 0, PW_READ | PW_ACCESSED) ^ flip, text,
				 sizeof(text));
	}
}

static void test_every_bit_has_a_name(void **state)
{
	(void)state;
	for_all_levels(check_every_bit);
}

/* The words of entries whose meaning is known: vectors from the manuals. */
static void test_known_words(void **state)
{
	static const struct {
		const char *format;
		enum pw_view view;
		unsigned level;
		uint64_t entry;
		const char *words;
	} cases[] = {
		{ "x86_64", PW_VIEW_HARDWARE, 0, 0x8000000123456067, "P RW US A D NX" },
		{ "x86_64", PW_VIEW_LINUX, 0, 0x000ffffedcba9120, "P=0 A protnone" },
		{ "x86_64", PW_VIEW_HARDWARE, 1, 0x80000001400000a5, "P US A PS NX" },
		{ "x86_64", PW_VIEW_HARDWARE, 2, 0x80000000800000e7, "P RW US A D PS NX" },
		{ "x86_64", PW_VIEW_HARDWARE, 3, 0x0000000000101067, "P RW US A D" },
		{ "i386", PW_VIEW_HARDWARE, 1, 0x00c000e7, "P RW US A D PS" },
		{ "s390x", PW_VIEW_LINUX, 0, 0x000000012345603d, "present read write dirty young" },
		{ "s390x", PW_VIEW_LINUX, 0, 0x0000000123456631, "I P present read write" },
		{ "s390x", PW_VIEW_HARDWARE, 0, 0x400, "I" },
		{ "s390x", PW_VIEW_HARDWARE, 2, 0x40007, "TT=R3 TF=0 TL=3" },
		{ "s390x", PW_VIEW_HARDWARE, 1, 0x12303403,
		  "TT=segment FC read write dirty young" },
		{ "arm64_4k_48", PW_VIEW_HARDWARE, 0, 0x0068000123456f43,
		  "type=page SH=inner AttrIndx=0 AP=rw AF nG DBM PXN UXN" },
		{ "ppc64_radix_4k", PW_VIEW_HARDWARE, 0, 0xc000000123456186, "V L R C READ WRITE" },
		{ "ppc64_radix_4k", PW_VIEW_HARDWARE, 1, 0x8000000000020009, "V NLS=9" },
		{ "sparc64_sun4v", PW_VIEW_LINUX, 0, 0xbc00000123456650,
		  "V modified accessed read write CP CV W present size=8K" },
		{ "riscv_sv39", PW_VIEW_HARDWARE, 0, 0x48d158d7, "V R W U A D" },
		{ "riscv_sv39", PW_VIEW_HARDWARE, 0, 0x8000000048d160d7, "V R W U A D N" },
		{ "riscv_sv39", PW_VIEW_HARDWARE, 1, 0x20000c01, "V" },
		{ "loongarch64_4k", PW_VIEW_HARDWARE, 0, 0x400000001234539f,
		  "V D PLV=3 MAT=CC P W modified NX" },
		{ "loongarch64_16k", PW_VIEW_HARDWARE, 1, 0x60013d3,
		  "V D PLV=0 MAT=CC H P W modified G" },
		{ "loongarch64_4k", PW_VIEW_LINUX, 0, 0x51d0000, "V=0 type=0x1d offset=5" },
		{ "arm", PW_VIEW_HARDWARE, 0, 0x1234547f, "type=small-XN B C AP=rw TEX=1 S" },
		{ "arm_lpae", PW_VIEW_HARDWARE, 0, 0x0060000123456f5f,
		  "type=page AttrIndx=7 AP=rw SH=inner AF nG PXN XN" },
		{ "amdv1", PW_VIEW_HARDWARE, 0, 0x7000000012345021,
		  "PR A NextLevel=page FC IR IW" },
		{ "mock", PW_VIEW_HARDWARE, 0, 0xc00000000123407f, "P L R W U A D UX KX" },
		{ "um_2", PW_VIEW_LINUX, 0, 0x1e1, "present rw user accessed dirty" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct pw_format *f = pw_format_find(cases[i].format);
		struct pw_regime regime;
		char text[512];

		assert_non_null(f);
		regime = regime_of(f, cases[i].view, 0x0601);
		words_of(&regime, cases[i].level, cases[i].entry, text, sizeof(text));
		assert_string_equal(text, cases[i].words);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_builders_have_names),
		cmocka_unit_test(test_differences_show),
		cmocka_unit_test(test_fields_do_not_overlap),
		cmocka_unit_test(test_every_bit_has_a_name),
		cmocka_unit_test(test_known_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
