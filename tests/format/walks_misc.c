/* SPDX-License-Identifier: MIT */
/*
 * Walks through features of only some formats: base pages whose size the table above decides (ppc),
 * pages in several entries (riscv, sparc, amdv1, mock), skipped levels (amdv1, mock), tables of which only
 * a part exists (mock), roots and device-table entries that deny permissions. translate, translate_many, a
 * scan and pw_walk_range must agree about every address.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <pagewalk/pagewalk.h>

#include "format/format.h"

enum { MEMORY = 1 << 20 };

/* Memory at address 0, and a regime on tables in it. */
struct world {
	unsigned char *bytes;
	struct pw_memory *memory;
	struct pw_regime regime;
};

static void world_open(struct world *world, const char *format, enum pw_view view,
		       const uint64_t *root, unsigned roots)
{
	struct pw_regime_options options = { .view = view };
	struct pw_segment segment = { .last = MEMORY - 1 };
	struct pw_error error;

	world->bytes = calloc(1, MEMORY);
	assert_non_null(world->bytes);
	segment.host = world->bytes;
	assert_int_equal(pw_memory_wrap(&segment, 1, &world->memory, NULL), 0);
	if (pw_regime_init(&world->regime, pw_format_find(format), root, roots, &options, &error))
		fail_msg("%s", error.text);
}

static void world_close(struct world *world)
{
	pw_memory_close(world->memory);
	free(world->bytes);
}

/* Stores entry @index of the table at @table, in the format's byte order. */
static void put(struct world *world, pw_pa table, unsigned index, uint64_t entry)
{
	const struct pw_format *format = world->regime.format;
	unsigned bytes = 1u << format->entry_lg2;

	for (unsigned i = 0; i < bytes; i++) {
		unsigned place = format->big_endian ? bytes - 1 - i : i;

		world->bytes[table + index * bytes + place] = (unsigned char)(entry >> 8 * i);
	}
}

static int keep_entry(struct pw_walk *walk, const struct pw_entry *entry)
{
	struct pw_entry *kept = walk->private_data;

	*kept = *entry;
	return 0;
}

/* The expected page at @va: status, address, size and permissions. */
static void expect(struct world *world, pw_va va, enum pw_status status, pw_pa pa, unsigned lg2,
		   const char *prot)
{
	static const struct pw_walk_ops ops = { .leaf = keep_entry, .hole = keep_entry };
	bool has_page = status == PW_OK || status == PW_PROT_NONE;
	struct pw_entry entry = { 0 };
	struct pw_result one, many;
	struct pw_range range;
	struct pw_scan *scan;
	char text[5];

	assert_string_equal(pw_status_name(pw_translate(world->memory, &world->regime, va, &one)),
			    pw_status_name(status));
	if (has_page) {
		assert_int_equal(one.pa, pa);
		assert_int_equal(one.size_lg2, lg2);
	}
	if (status == PW_OK)
		assert_string_equal(pw_prot_string(one.attr, text), prot);
	assert_int_equal(pw_translate_many(world->memory, &world->regime, &va, 1, &many),
			 status == PW_OK);
	assert_memory_equal(&one, &many, sizeof(one));

	assert_int_equal(pw_scan_create(world->memory, &world->regime, va, va, NULL, &scan, NULL),
			 0);
	pw_scan_holes(scan, true);
	assert_int_equal(pw_scan_next(scan, &range, 1), 1);
	assert_int_equal(range.first, va);
	assert_int_equal(range.last, va);
	assert_int_equal(range.status, status);
	if (has_page) {
		assert_int_equal(range.pa, pa);
		assert_int_equal(range.size_lg2, lg2);
	}
	assert_int_equal(range.attr & PW_PROT_MASK, one.attr & PW_PROT_MASK);
	pw_scan_destroy(scan);

	if (status == PW_NOT_CANONICAL)
		return;
	assert_int_equal(pw_walk_range(world->memory, &world->regime, va, va, &ops, &entry), 0);
	if (has_page) {
		assert_int_equal(entry.pa, pa);
		assert_int_equal(entry.size_lg2, lg2);
	}
	if (status == PW_OK)
		assert_int_equal(entry.attr & PW_PROT_MASK, one.attr & PW_PROT_MASK);
}

/* One 64K tree with a table of 64K pages and one of 4K pages. */
static void ppc_table_size(void **state)
{
	const uint64_t root = 0x40000000000100ad;
	struct world world;

	(void)state;
	world_open(&world, "ppc64_radix_64k", PW_VIEW_HARDWARE, &root, 1);
	put(&world, 0x10000, 0, 0x8000000000020009);
	put(&world, 0x20000, 0, 0x8000000000021009);
	put(&world, 0x21000, 0, 0x8000000000022105);
	put(&world, 0x21000, 1, 0x8000000000023009);
	put(&world, 0x21000, 2, 0x8000000000023005);
	put(&world, 0x22100, 31, 0xc000000123450186);
	put(&world, 0x22100, 30, 0xc000000123457186);
	put(&world, 0x23000, 511, 0xc000000123457186);

	expect(&world, 0x1f0000, PW_OK, 0x123450000, 16, "rw-u");
	expect(&world, 0x1ffabc, PW_OK, 0x12345fabc, 16, "rw-u");
	expect(&world, 0x3ff000, PW_OK, 0x123457000, 12, "rw-u");
	expect(&world, 0x3fffff, PW_OK, 0x123457fff, 12, "rw-u");
	expect(&world, 0x3fefff, PW_NONE, 0, 0, NULL);
	/* The same table of 4K pages, walked as one of 64K pages. */
	expect(&world, 0x400000, PW_NONE, 0, 0, NULL);
	/* A misaligned 64K page: the low bits are not part of the address. */
	expect(&world, 0x1e0000, PW_OK, 0x123450000, 16, "rw-u");
	expect(&world, 0x1e8123, PW_OK, 0x123458123, 16, "rw-u");
	world_close(&world);
}

/* With one root, quadrant 3 shows the process's tree, but scans do not list it twice. */
static void ppc_quadrants(void **state)
{
	const uint64_t roots[] = { 0x40000000000100ad, 0x40000000000300ad };
	struct pw_range range[4];
	struct pw_scan *scan;
	struct world world;

	(void)state;
	for (unsigned count = 1; count <= 2; count++) {
		world_open(&world, "ppc64_radix_4k", PW_VIEW_HARDWARE, roots, count);
		put(&world, 0x10000, 0, 0x8000000000050009);
		put(&world, 0x30000, 0, 0x8000000000051009);
		put(&world, 0x50000, 1, 0xc000000140000187);
		put(&world, 0x51000, 1, 0xc00000018000018f);

		expect(&world, 0x40000123, PW_OK, 0x140000123, 30, "rwxu");
		expect(&world, 0xc000000040000123, PW_OK, count == 1 ? 0x140000123 : 0x180000123,
		       30, count == 1 ? "rwxu" : "rwxk");
		expect(&world, 0x4000000040000123, PW_NOT_CANONICAL, 0, 0, NULL);
		expect(&world, 0xc010000000000000, PW_NOT_CANONICAL, 0, 0, NULL);

		assert_int_equal(pw_scan_create(world.memory, &world.regime, 0, ~UINT64_C(0), NULL,
						&scan, NULL),
				 0);
		assert_int_equal(pw_scan_next(scan, range, 4), count);
		assert_int_equal(range[count - 1].first,
				 count == 1 ? 0x40000000 : 0xc000000040000000);
		pw_scan_destroy(scan);
		world_close(&world);
	}
}

/* Sixteen entries for one page; also if the page is PROT_NONE. */
static void riscv_napot(void **state)
{
	const uint64_t root = 0x8000000000000010;
	struct world world;

	(void)state;
	world_open(&world, "riscv_sv39", PW_VIEW_LINUX, &root, 1);
	put(&world, 0x10000, 0, 0x11000 >> 2 | 1);
	put(&world, 0x11000, 0, 0x12000 >> 2 | 1);
	for (unsigned i = 0; i < 16; i++) {
		put(&world, 0x12000, 16 + i, 0x8000000048d160d7);
		put(&world, 0x12000, 32 + i, 0x8000000048d16022);
	}
	expect(&world, 0x10000, PW_OK, 0x123450000, 16, "rw-u");
	expect(&world, 0x1fabc, PW_OK, 0x12345fabc, 16, "rw-u");
	expect(&world, 0x20000, PW_PROT_NONE, 0x123450000, 16, NULL);
	expect(&world, 0x25abc, PW_PROT_NONE, 0x123455abc, 16, NULL);
	expect(&world, 0x30000, PW_NONE, 0, 0, NULL);
	world_close(&world);
}

/* A TTE of 256M in two of its 32 entries, as set_huge_pte_at() writes them: each has its part. */
static void sparc_large_tte(void **state)
{
	const uint64_t root = 0x10000;
	struct world world;

	(void)state;
	world_open(&world, "sparc64_sun4v", PW_VIEW_LINUX, &root, 1);
	put(&world, 0x10000, 0, 0x12000);
	put(&world, 0x10000, 1023, 0x12000);
	put(&world, 0x12000, 0, 0x14000);
	put(&world, 0x14000, 33, 0xbd00000130800655);
	put(&world, 0x14000, 34, 0x1100000131000615);
	expect(&world, 0x10800000, PW_OK, 0x130800000, 28, "rw-u");
	expect(&world, 0x10ffffff, PW_OK, 0x130ffffff, 28, "rw-u");
	expect(&world, 0x11234567, PW_PROT_NONE, 0x131234567, 28, NULL);
	/* The top table's last entries are above the hole. */
	expect(&world, 0xfffff80010800000, PW_OK, 0x130800000, 28, "rw-u");
	expect(&world, 0x0010000010800000, PW_NOT_CANONICAL, 0, 0, NULL);
	world_close(&world);
}

static void amdv1_levels(void **state)
{
	/* Mode 4; reading and writing allowed. */
	const uint64_t root = 0x6000000000010803;
	struct world world;

	(void)state;
	world_open(&world, "amdv1", PW_VIEW_HARDWARE, &root, 1);
	put(&world, 0x10000, 0, 0x6000000000011601);
	/* From level 3 (512G) to a table of 4K pages, which covers only 2M. */
	put(&world, 0x10000, 1, 0x6000000000013201);
	/* A table entry without IW. */
	put(&world, 0x10000, 2, 0x2000000000011601);
	put(&world, 0x11000, 0, 0x6000000000012401);
	put(&world, 0x12000, 0, 0x6000000000013201);
	put(&world, 0x12000, 2, 0x70000001235ffe01);
	put(&world, 0x12000, 3, 0x70000001235ffe01);
	put(&world, 0x13000, 1, 0x7000000123456001);
	put(&world, 0x13000, 511, 0x3000000123456001);

	expect(&world, 0x1abc, PW_OK, 0x123456abc, 12, "rw-u");
	expect(&world, 0x1ffabc, PW_OK, 0x123456abc, 12, "r--u");
	expect(&world, 0x400000, PW_OK, 0x123400000, 22, "rw-u");
	expect(&world, 0x7fffff, PW_OK, 0x1237fffff, 22, "rw-u");
	expect(&world, 0x8000001abc, PW_OK, 0x123456abc, 12, "rw-u");
	expect(&world, 0x80001ffabc, PW_OK, 0x123456abc, 12, "r--u");
	expect(&world, 0x8000200000, PW_LENGTH, 0, 0, NULL);
	expect(&world, 0xffffffffff, PW_LENGTH, 0, 0, NULL);
	expect(&world, 0x10000001abc, PW_OK, 0x123456abc, 12, "r--u");
	expect(&world, 0x1000000000000, PW_NOT_CANONICAL, 0, 0, NULL);
	world_close(&world);
}

/* mock.h is the manual of this format. */
static void mock_everything(void **state)
{
	/* Level 3 with quarters 0 to 2. */
	const uint64_t root = 0x1001b;
	struct world world;

	(void)state;
	world_open(&world, "mock", PW_VIEW_HARDWARE, &root, 1);
	/* All permissions; only the kernel may execute below the second. */
	put(&world, 0x10000, 0, 0xc02c00000001101d);
	put(&world, 0x10000, 1, 0x802c00000001101d);
	put(&world, 0x10000, 3, 0xc02c00000001101d);
	/* Level 2: quarters 1 and 2 of the table below; to level 0; a leaf; a table of 8K pages. */
	put(&world, 0x11000, 0, 0xc01900000001201d);
	put(&world, 0x11000, 1, 0xc00c00000001301d);
	put(&world, 0x11000, 2, 0x40000000000c007f);
	put(&world, 0x11000, 3, 0xc01c00000001401d);
	put(&world, 0x12000, 0, 0xc00c00000001301d);
	put(&world, 0x12000, 1, 0xc00c00000001301d);
	put(&world, 0x13000, 0, 0xc00000000012306f);
	put(&world, 0x13000, 1, 0xc00000000012307f);
	put(&world, 0x13000, 4, 0xc00000000012427f);
	put(&world, 0x13000, 7, 0xc00000000012427f);
	put(&world, 0x14000, 0, 0xc04c00000001501d);
	put(&world, 0x15000, 3, 0xc00000000012307f);
	put(&world, 0x15000, 2, 0xc00000000012427f);

	/* Quarter 0 of the table at 0x12000 does not exist; quarter 1 does. */
	expect(&world, 0x000abc, PW_LENGTH, 0, 0, NULL);
	expect(&world, 0x008abc, PW_OK, 0x123abc, 12, "rwxk");
	expect(&world, 0x009abc, PW_OK, 0x123abc, 12, "rwxu");
	expect(&world, 0x00cabc, PW_OK, 0x124abc, 14, "rwxu");
	expect(&world, 0x00fabc, PW_OK, 0x127abc, 14, "rwxu");
	expect(&world, 0x018abc, PW_LENGTH, 0, 0, NULL);
	/* From level 2 to level 0: 32K of 128K. */
	expect(&world, 0x021abc, PW_OK, 0x123abc, 12, "rwxu");
	expect(&world, 0x028000, PW_LENGTH, 0, 0, NULL);
	expect(&world, 0x05ffff, PW_OK, 0x0dffff, 17, "rwxu");
	/* 8K pages; the second one's address is misaligned, and a group of 16K has two of them. */
	expect(&world, 0x066abc, PW_OK, 0x122abc, 13, "rwxu");
	expect(&world, 0x067abc, PW_OK, 0x123abc, 13, "rwxu");
	expect(&world, 0x064abc, PW_OK, 0x124abc, 14, "rwxu");
	/* User mode may not execute, but the kernel may. */
	expect(&world, 0x109abc, PW_OK, 0x123abc, 12, "rw-u");
	expect(&world, 0x108abc, PW_OK, 0x123abc, 12, "rwxk");
	/* The root's last quarter does not exist. */
	expect(&world, 0x309abc, PW_LENGTH, 0, 0, NULL);
	expect(&world, 0x200000, PW_NONE, 0, 0, NULL);
	expect(&world, 0x400000, PW_NOT_CANONICAL, 0, 0, NULL);
	world_close(&world);
}

/* Two roots, the second with another top level; and one root that is repeated in a second span. */
static void mock_roots(void **state)
{
	const uint64_t two[] = { 0x1001f, 0x1101c }, mirrored = 0x1103c;
	struct world world;

	(void)state;
	world_open(&world, "mock", PW_VIEW_HARDWARE, two, 2);
	put(&world, 0x10000, 0, 0xc00c00000001101d);
	put(&world, 0x11000, 1, 0xc00000000012307f);
	expect(&world, 0x1abc, PW_OK, 0x123abc, 12, "rwxu");
	expect(&world, 0xffffffffffff9abc, PW_OK, 0x123abc, 12, "rwxu");
	expect(&world, 0xffffffffffff7abc, PW_NOT_CANONICAL, 0, 0, NULL);
	world_close(&world);

	world_open(&world, "mock", PW_VIEW_HARDWARE, &mirrored, 1);
	put(&world, 0x11000, 1, 0xc00000000012307f);
	expect(&world, 0x1abc, PW_OK, 0x123abc, 12, "rwxu");
	expect(&world, 0xffffffffffff9abc, PW_OK, 0x123abc, 12, "rwxu");
	expect(&world, 0x8abc, PW_NOT_CANONICAL, 0, 0, NULL);
	world_close(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ppc_table_size), cmocka_unit_test(ppc_quadrants),
		cmocka_unit_test(riscv_napot),    cmocka_unit_test(sparc_large_tte),
		cmocka_unit_test(amdv1_levels),   cmocka_unit_test(mock_everything),
		cmocka_unit_test(mock_roots),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
