/* SPDX-License-Identifier: MIT */
/* ELF cores: both classes and byte orders, truncated at every byte, and with every field wrong. */
#include "memory_build.h"

static const struct {
	bool wide, big_endian;
	unsigned machine;
	const char *title;
} kinds[] = {
	{ true, false, EM_X86_64, "ELF core, x86_64, little-endian, 2 segments, 1.2 KiB" },
	{ true, true, EM_S390, "ELF core, s390x, big-endian, 2 segments, 1.2 KiB" },
	{ false, false, EM_ARM, "ELF core, arm, little-endian, 2 segments, 1.2 KiB" },
	{ false, true, 4711, "ELF core, machine 4711, big-endian, 2 segments, 1.2 KiB" },
};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

/*
 *   header, 3 program headers | notes    | 0x1000..0x13ff | 0x8000..0x80ff
 *   0                           512        1024             2048           2304
 */
static void build(struct image *image, unsigned kind)
{
	image_init(image, kinds[kind].wide, kinds[kind].big_endian, kinds[kind].machine, 3);
	image_program(image, 0, PT_NOTE, 512, 0, 20, 0);
	put(image, 512, 4, 5);
	put(image, 516, 4, 0);
	put(image, 520, 4, NT_PRSTATUS);
	memcpy(image->bytes + 524, "CORE", 5);
	image_load(image, 1, 1024, 0x1000, 0x400);
	image_load(image, 2, 2048, 0x8000, 0x100);
}

static void reads_every_class_and_order(void **state)
{
	(void)state;
	for (unsigned i = 0; i < KINDS; i++) {
		const struct pw_segment *segments;
		const struct pw_cpu *cpus;
		struct image image;
		struct opened opened;

		build(&image, i);
		image_open(&opened, &image);
		assert_int_equal(opened.status, 0);
		assert_string_equal(pw_memory_title(opened.memory), kinds[i].title);
		assert_int_equal(pw_memory_segments(opened.memory, &segments), 2);
		assert_true(segments[0].first == 0x1000 && segments[0].last == 0x13ff);
		assert_true(segments[1].first == 0x8000 && segments[1].last == 0x80ff);
		assert_int_equal(pw_memory_cpus(opened.memory, &cpus), 1);
		assert_int_equal(cpus[0].roots, 0);
		assert_null(pw_memory_remark(opened.memory, 0));
		assert_true(opened.memory->direct);
		assert_pattern(opened.memory, 0x1000, 0x13ff);
		assert_pattern(opened.memory, 0x8000, 0x80ff);
		assert_absent(opened.memory, 0xff0, 0xfff);
		assert_absent(opened.memory, 0x1400, 0x1410);
		opened_close(&opened);
	}
}

/* The bytes of a truncated file are right, and no byte is made up. */
static void truncated_anywhere(void **state)
{
	(void)state;
	for (unsigned i = 0; i < KINDS; i++) {
		struct image image;

		build(&image, i);
		assert_int_equal(image.size, 2304);
		for (size_t size = 0; size <= image.size; size++) {
			size_t first = size > 1024 ? size - 1024 : 0;
			size_t second = size > 2048 ? size - 2048 : 0;
			struct opened opened;

			if (first > 0x400)
				first = 0x400;
			image_open_part(&opened, &image, size);
			if (first == 0) {
				assert_int_equal(opened.status, -EINVAL);
				assert_says(opened.error.text, "truncated");
				opened_close(&opened);
				continue;
			}
			assert_int_equal(opened.status, 0);
			if (size < image.size) {
				const char *remark = pw_memory_remark(opened.memory, 0);

				assert_says(remark, "truncated: PT_LOAD");
				assert_says(remark, first < 0x400 ? "1 at 0x1000" : "2 at 0x8000");
			}
			assert_pattern(opened.memory, 0x1000, 0x1000 + first - 1);
			if (first < 0x400)
				assert_absent(opened.memory, 0x1000 + first, 0x1400);
			if (second > 0)
				assert_pattern(opened.memory, 0x8000, 0x8000 + second - 1);
			assert_absent(opened.memory, 0x8000 + second, 0x8100);
			opened_close(&opened);
		}
	}
}

static void opens(const struct image *image)
{
	struct opened opened;

	image_open(&opened, image);
	if (opened.status)
		fail_msg("refused: %s", opened.error.text);
	assert_pattern(opened.memory, 0x1000, 0x13ff);
	opened_close(&opened);
}

static void refused(const struct image *image, const char *says)
{
	struct opened opened;

	image_open(&opened, image);
	assert_int_equal(opened.status, -EINVAL);
	assert_says(opened.error.text, says);
	opened_close(&opened);
}

/* With 65535 or more program headers, the number is in the first section header. */
static void counts_many_headers(void **state)
{
	(void)state;
	for (unsigned i = 0; i < KINDS; i++) {
		size_t sections = 0x4000;
		struct image image;

		build(&image, i);
		PUT(&image, 0, Ehdr, e_phnum, PN_XNUM);
		PUT(&image, 0, Ehdr, e_shoff, sections);
		PUT(&image, sections, Shdr, sh_info, 3);
		PUT(&image, sections, Shdr, sh_entsize, 0);
		opens(&image);
		PUT(&image, sections, Shdr, sh_info, 0xffffffff);
		refused(&image, "4294967295 program headers");
		PUT(&image, sections, Shdr, sh_info, 0);
		refused(&image, "no program headers");
		PUT(&image, 0, Ehdr, e_shoff, image.size - 8);
		refused(&image, "section header at");
		PUT(&image, 0, Ehdr, e_shoff, image.wide ? UINT64_MAX - 3 : UINT32_MAX - 3);
		refused(&image, "section header at");
		/* Without a section header, there are 65535. */
		PUT(&image, 0, Ehdr, e_shoff, 0);
		refused(&image, "65535 program headers");
	}
}

/*
 * QEMU 7.2 writes the section headers of big-endian cores in its host's byte order, so that the
 * offset of the string table reads as 2^59. Nothing may read there.
 */
static void ignores_section_headers(void **state)
{
	struct image image;

	(void)state;
	build(&image, 1);
	PUT(&image, 0, Ehdr, e_shoff, 0x4000);
	PUT(&image, 0, Ehdr, e_shnum, 2);
	PUT(&image, 0, Ehdr, e_shstrndx, 1);
	PUT(&image, 0, Ehdr, e_shentsize, sizeof(Elf64_Shdr));
	PUT(&image, 0x4000 + sizeof(Elf64_Shdr), Shdr, sh_offset, UINT64_C(0x0b00000000000000));
	PUT(&image, 0x4000 + sizeof(Elf64_Shdr), Shdr, sh_size, UINT64_C(0x0b00000000000000));
	opens(&image);
	/* The number in the section header is used only with PN_XNUM. */
	PUT(&image, 0x4000, Shdr, sh_info, 1);
	opens(&image);
	PUT(&image, 0, Ehdr, e_shoff, UINT64_MAX);
	opens(&image);
}

static void refuses_lying_headers(void **state)
{
	(void)state;
	for (unsigned i = 0; i < KINDS; i++) {
		struct image good, image;

		build(&good, i);
		image = good;
		image.bytes[EI_CLASS] = 3;
		refused(&image, "the class, is 3");
		image = good;
		image.bytes[EI_DATA] = 0;
		refused(&image, "byte order, is 0");
		image = good;
		PUT(&image, 0, Ehdr, e_type, ET_EXEC);
		refused(&image, "ET_EXEC");
		PUT(&image, 0, Ehdr, e_type, 0x1234);
		refused(&image, "e_type 4660");
		image = good;
		PUT(&image, 0, Ehdr, e_phentsize, 16);
		refused(&image, "16 bytes each");
		image = good;
		PUT(&image, 0, Ehdr, e_phnum, 0);
		refused(&image, "no program headers");
		PUT(&image, 0, Ehdr, e_phnum, 0xfffe);
		refused(&image, "65534 program headers");
		image = good;
		PUT(&image, 0, Ehdr, e_phoff, image.wide ? UINT64_MAX - 8 : UINT32_MAX - 8);
		refused(&image, "truncated");
		PUT(&image, 0, Ehdr, e_phoff, image.size);
		refused(&image, "truncated");
	}
}

static void clips_absurd_segments(void **state)
{
	static const uint64_t absurd[] = { UINT64_C(1) << 63, UINT64_MAX, UINT64_MAX - 7,
					   UINT64_C(1) << 62, UINT32_MAX };
	struct image image;
	struct opened opened;

	(void)state;
	for (unsigned i = 0; i < sizeof(absurd) / sizeof(absurd[0]); i++) {
		build(&image, 0);
		image_program(&image, 2, PT_LOAD, absurd[i], 0x8000, 0x100, 0x100);
		image_open(&opened, &image);
		assert_int_equal(opened.status, 0);
		assert_says(pw_memory_remark(opened.memory, 0), "ends after 0x0");
		assert_absent(opened.memory, 0x8000, 0x80ff);
		opened_close(&opened);

		/* The longest segment: only the bytes of the file are there. */
		image_program(&image, 2, PT_LOAD, 2048, 0x8000, absurd[i], absurd[i]);
		image_open(&opened, &image);
		assert_int_equal(opened.status, 0);
		assert_pattern(opened.memory, 0x8000, 0x80ff);
		assert_absent(opened.memory, 0x8100, 0x8200);
		opened_close(&opened);
	}
	/* Segments up to the last byte of physical memory, and beyond. */
	build(&image, 0);
	image_load(&image, 2, 2048, UINT64_MAX - 0xff, 0x100);
	image_open(&opened, &image);
	assert_int_equal(opened.status, 0);
	assert_null(pw_memory_remark(opened.memory, 0));
	assert_pattern(opened.memory, UINT64_MAX - 0xff, UINT64_MAX);
	opened_close(&opened);
	image_program(&image, 2, PT_LOAD, 2048, UINT64_MAX - 0x7f, 0x100, 0x100);
	image_open(&opened, &image);
	assert_int_equal(opened.status, 0);
	assert_says(pw_memory_remark(opened.memory, 0), "PT_LOAD 2 at 0xffffffffffffff80");
	assert_absent(opened.memory, 0, 0x7f);
	opened_close(&opened);
	/* A segment with more bytes in the file than in memory. */
	build(&image, 0);
	image_program(&image, 2, PT_LOAD, 2048, 0x8000, 0x100, 0x10);
	image_open(&opened, &image);
	assert_int_equal(opened.status, 0);
	assert_says(pw_memory_remark(opened.memory, 0), "more bytes in the file (0x100)");
	assert_pattern(opened.memory, 0x8000, 0x800f);
	assert_absent(opened.memory, 0x8010, 0x80ff);
	opened_close(&opened);
}

/* Memory beyond p_filesz was left out, and is not zeros; with p_filesz 0, all of it was. */
static void invents_no_zeros(void **state)
{
	struct image image;
	struct opened opened;
	const struct pw_segment *segments;

	(void)state;
	build(&image, 0);
	image_program(&image, 2, PT_LOAD, 2048, 0x8000, 0x80, 0x2000);
	image_program(&image, 0, PT_LOAD, 2048, 0x20000, 0, 0x10000);
	image_open(&opened, &image);
	assert_int_equal(opened.status, 0);
	assert_says(pw_memory_remark(opened.memory, 0),
		    "PT_LOAD 0 has 0x10000 bytes of memory at 0x20000 that were left out");
	assert_says(pw_memory_remark(opened.memory, 0), "(and 1 more like it)");
	assert_int_equal(pw_memory_segments(opened.memory, &segments), 2);
	assert_pattern(opened.memory, 0x8000, 0x807f);
	assert_absent(opened.memory, 0x8080, 0x9fff);
	assert_absent(opened.memory, 0x20000, 0x20010);
	opened_close(&opened);
}

static enum pw_status status_at_0(const struct image *image)
{
	static const uint64_t root = 0x8000;
	struct pw_regime regime;
	struct pw_result result;
	struct opened opened;

	image_open(&opened, image);
	assert_int_equal(opened.status, 0);
	assert_int_equal(pw_regime_init(&regime, pw_format_find("i386"), &root, 1, NULL, NULL), 0);
	pw_translate(opened.memory, &regime, 0, &result);
	opened_close(&opened);
	return (enum pw_status)result.status;
}

/* A table that was left out was all zero, and so empty; not if it was left out for another reason. */
static void knows_tables_left_out(void **state)
{
	struct image image;

	(void)state;
	image_init(&image, true, false, EM_386, 2);
	image_program(&image, 0, PT_LOAD, 2048, 0x8000, 0x1000, 0x3000);
	image_program(&image, 1, PT_LOAD, 2048, 0x20000, 0x10, 0x10);
	put(&image, 2048, 4, 0x9000 | 7);
	image.size = 2048 + 0x1000;
	assert_int_equal(status_at_0(&image), PW_NONE);
	put(&image, 2048, 4, 0xb000 | 7);
	assert_int_equal(status_at_0(&image), PW_OUTSIDE);
	/* With QEMU, the user asked for a part of memory. */
	put(&image, 2048, 4, 0x30000 | 7);
	image_program(&image, 1, PT_LOAD, UINT64_MAX, 0x30000, 0, 0x1000);
	assert_int_equal(status_at_0(&image), PW_OUTSIDE);
	image_program(&image, 1, PT_LOAD, 2048, 0x30000, 0, 0x1000);
	assert_int_equal(status_at_0(&image), PW_NONE);
	/* s390's empty tables are not zero. */
	PUT(&image, 0, Ehdr, e_machine, EM_S390);
	assert_int_equal(status_at_0(&image), PW_OUTSIDE);
	/* A file that ends too early lost tables that were not empty. */
	PUT(&image, 0, Ehdr, e_machine, EM_386);
	put(&image, 2048, 4, 0x9000 | 7);
	image_program(&image, 0, PT_LOAD, 2048, 0x8000, 0x3000, 0x3000);
	assert_int_equal(status_at_0(&image), PW_OUTSIDE);
}

/* In overlapping PT_LOADs, each address comes from the one that starts lower. */
static void clips_overlaps(void **state)
{
	static const struct {
		uint64_t first, second; /* each 0x100 bytes long, or 0x40 */
		size_t first_bytes, second_bytes;
		uint64_t segments;
	} cases[] = {
		{ 0x8000, 0x8080, 0x100, 0x100, 2 }, /* tail over head */
		{ 0x8080, 0x8000, 0x100, 0x100, 2 }, /* the other way round */
		{ 0x8000, 0x8000, 0x100, 0x100, 1 }, /* the same */
		{ 0x8000, 0x8000, 0x40, 0x100, 2 }, /* the same start */
		{ 0x8000, 0x8020, 0x100, 0x40, 1 }, /* inside */
		{ 0x8020, 0x8000, 0x40, 0x100, 1 }, /* around */
		{ 0x8000, 0x80ff, 0x100, 0x40, 2 }, /* one byte */
		{ 0x8000, 0x8100, 0x100, 0x40, 0 }, /* none: next to each other */
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct pw_segment *segments;
		struct image image;
		struct opened opened;
		uint64_t last[2];
		size_t count;

		image_init(&image, true, false, EM_X86_64, 2);
		image_load(&image, 0, 1024, cases[i].first, cases[i].first_bytes);
		image_load(&image, 1, 2048, cases[i].second, cases[i].second_bytes);
		image_open(&opened, &image);
		assert_int_equal(opened.status, 0);
		count = pw_memory_segments(opened.memory, &segments);
		if (cases[i].segments) {
			assert_says(pw_memory_remark(opened.memory, 0), "overlaps PT_LOAD");
			assert_int_equal(count, cases[i].segments);
		} else {
			assert_null(pw_memory_remark(opened.memory, 0));
			assert_int_equal(count, 2);
		}
		last[0] = cases[i].first + cases[i].first_bytes - 1;
		last[1] = cases[i].second + cases[i].second_bytes - 1;
		assert_pattern(opened.memory, cases[i].first, last[0]);
		assert_pattern(opened.memory, cases[i].second, last[1]);
		assert_absent(opened.memory, (last[0] > last[1] ? last[0] : last[1]) + 1, 0x8200);
		opened_close(&opened);
	}
}

/* Only aligned segments are read in place; the others are copied, with the same bytes. */
static void copies_unaligned(void **state)
{
	(void)state;
	for (size_t shift = 0; shift < 16; shift++) {
		struct image image;
		struct opened opened;

		image_init(&image, true, false, EM_AARCH64, 2);
		image_load(&image, 0, 1024, 0x1000, 0x100);
		image_load(&image, 1, 2048 + shift, 0x8000, 0x100);
		image_open(&opened, &image);
		assert_int_equal(opened.status, 0);
		assert_int_equal(opened.memory->direct, shift % 8 == 0);
		assert_pattern(opened.memory, 0x1000, 0x10ff);
		assert_pattern(opened.memory, 0x8000, 0x80ff);
		opened_close(&opened);
	}
}

static void knows_what_is_no_machine(void **state)
{
	struct image image;
	struct opened opened;

	(void)state;
	build(&image, 0);
	image_program(&image, 1, PT_LOAD, 1024, 0, 0x400, 0x400);
	image_program(&image, 2, PT_LOAD, 2048, 0, 0x100, 0x100);
	refused(&image, "the core of a process");
	/* A core with one segment at 0 is that of a machine. */
	image_program(&image, 2, PT_NULL, 0, 0, 0, 0);
	image_open(&opened, &image);
	assert_int_equal(opened.status, 0);
	opened_close(&opened);
	for (unsigned i = 0; i < 2; i++) {
		build(&image, i ? 2 : 0);
		image_program(&image, 2, PT_LOAD, 2048, i ? UINT32_MAX : UINT64_MAX, 0x100, 0x100);
		image_open(&opened, &image);
		assert_int_equal(opened.status, 0);
		assert_says(pw_memory_remark(opened.memory, 0), "PT_LOAD 2 has no physical");
		opened_close(&opened);
		image_program(&image, 1, PT_NULL, 0, 0, 0, 0);
		refused(&image, "no physical address");
	}
	build(&image, 0);
	image_program(&image, 1, PT_NULL, 0, 0, 0, 0);
	image_program(&image, 2, PT_NULL, 0, 0, 0, 0);
	refused(&image, "holds no memory");
}

/* Remarks of the same kind are counted, not repeated. */
static void says_it_once(void **state)
{
	struct image image;
	struct opened opened;

	(void)state;
	image_init(&image, true, true, EM_S390, 200);
	for (unsigned i = 0; i < 200; i++)
		image_program(&image, i, PT_LOAD, i ? 0x6000 : 0x5000, i * 0x1000, 0x1000, 0x1000);
	put(&image, 0x5fff, 1, 0);
	image_open(&opened, &image);
	assert_int_equal(opened.status, 0);
	assert_says(pw_memory_remark(opened.memory, 0), "PT_LOAD 1 at 0x1000");
	assert_says(pw_memory_remark(opened.memory, 0), "(and 198 more like it)");
	assert_null(pw_memory_remark(opened.memory, 1));
	opened_close(&opened);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_every_class_and_order),
		cmocka_unit_test(truncated_anywhere),
		cmocka_unit_test(counts_many_headers),
		cmocka_unit_test(ignores_section_headers),
		cmocka_unit_test(refuses_lying_headers),
		cmocka_unit_test(clips_absurd_segments),
		cmocka_unit_test(knows_tables_left_out),
		cmocka_unit_test(invents_no_zeros),
		cmocka_unit_test(clips_overlaps),
		cmocka_unit_test(copies_unaligned),
		cmocka_unit_test(knows_what_is_no_machine),
		cmocka_unit_test(says_it_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
