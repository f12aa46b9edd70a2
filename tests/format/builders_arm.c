/* SPDX-License-Identifier: MIT */
/*
 * arm, arm LPAE and arm64: built entries and roots are decoded to the requested values, at every level, in
 * either view, for every combination of attributes. Also walks through the two tables of short descriptors,
 * and from the two roots of the other formats.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pagewalk/pagewalk.h>
#include <stdlib.h>
#include <string.h>

#include "format/format.h"
#include "walk/step.h"

enum {
	ATTRS = 1
		<< 8, /* combinations of builders' attributes: PW_READ, bit 0, to PW_SPECIAL, bit 7 */
};

static const char *const formats[] = {
	"arm",          "arm_lpae",     "arm64_4k_39",  "arm64_4k_48",
	"arm64_4k_52",  "arm64_16k_36", "arm64_16k_47", "arm64_16k_48",
	"arm64_16k_52", "arm64_64k_42", "arm64_64k_48", "arm64_64k_52",
};

static bool is_arm64(const struct pw_format *f)
{
	return strncmp(f->name, "arm64", 5) == 0;
}

/* Bits of a physical address in the format. */
static unsigned pa_bits(const struct pw_format *f)
{
	if (!is_arm64(f))
		return f->entry_lg2 == 2 ? 32 : 40;
	return strstr(f->name, "_52") ? 52 : 48;
}

/* Addresses of pages or tables of 2^lg2 bytes: alternating bits, all ones, the lowest, the highest. */
static pw_pa address(const struct pw_format *f, unsigned lg2, unsigned which)
{
	static const pw_pa pattern[] = { 0x5555555555555555, 0xaaaaaaaaaaaaaaaa, 0, ~UINT64_C(0) };

	return pattern[which] & pw_mask(pa_bits(f)) & ~pw_mask(lg2);
}
enum { ADDRESSES = 4 };

/* The part of @attr that a leaf of this level can express in this view; 0: the page is not there. */
static uint32_t sayable(const struct pw_regime *r, unsigned level, uint32_t attr)
{
	const struct pw_format *f = r->format;
	bool linux_view = r->view == PW_VIEW_LINUX, dirty = attr & PW_DIRTY;
	bool section = f->entry_lg2 == 2 && level > 0;
	uint32_t lost = 0;

	/* Only arm64 has execute-only pages; other leaves are always readable. */
	if (!is_arm64(f) || (attr & PW_PROT_MASK) != (PW_EXEC | PW_USER))
		attr |= PW_READ;
	if (section)
		return attr & (PW_PROT_MASK | PW_GLOBAL);
	if (f->entry_lg2 == 2 && linux_view) {
		/* In Linux's own PTE, a page that is not the user's is global. */
		attr &= ~(uint32_t)(PW_GLOBAL | PW_SPECIAL);
		return attr & PW_USER ? attr : attr | PW_GLOBAL;
	}
	if (linux_view)
		return is_arm64(f) || level == 0 ? attr : attr & (uint32_t)~PW_SPECIAL;
	/* In the hardware's view, a clean page is read-only. */
	lost |= PW_SPECIAL | (dirty ? 0 : PW_WRITE);
	lost |= is_arm64(f) && dirty && (attr & PW_WRITE) ? 0 : PW_DIRTY;
	if (f->entry_lg2 == 2) {
		if (!(attr & PW_ACCESSED))
			return 0;
		lost |= PW_ACCESSED;
	}
	return attr & ~lost;
}

static uint32_t decoded(const struct pw_regime *r, unsigned level, uint64_t e)
{
	uint32_t attr = pw_attr_settle(r->format->attr(r->format, r, level, e), PW_KEEP_ALL);

	/* PW_DBM is not requested: a write makes a clean page writable. */
	return attr & (uint32_t) ~(PW_MEMTYPE_MASK | PW_DBM);
}

static void check_leaves(const struct pw_regime *r, unsigned level)
{
	const struct pw_format *f = r->format;
	uint64_t made[ATTRS];
	pw_pa behind;

	for (unsigned i = 0; i < ATTRS; i++) {
		uint32_t attr = i, expected = sayable(r, level, attr);

		for (unsigned which = 0; which < ADDRESSES; which++) {
			pw_pa pa = address(f, f->shift[level], which);
			uint64_t e = f->make_leaf(f, r, level, pa, attr);

			made[i] = e;
			if (!expected) {
				assert_int_equal(0, e);
				continue;
			}
			assert_int_equal(PW_LEAF, f->kind(f, r, level, e));
			assert_int_equal(pa, f->page(f, r, level, e));
			assert_int_equal(f->shift[level],
					 pw_leaf_lg2(f, r, level, f->shift[level], e));
			assert_int_equal(expected, decoded(r, level, e));
		}
	}
	/* A change from any attributes to any others gives the entry that is built with those. */
	for (unsigned i = 0; i < ATTRS; i++)
		for (unsigned j = 0; made[i] && j < ATTRS; j++)
			assert_int_equal(made[j], f->change_attr(f, r, level, made[i], j));

	for (unsigned which = 0; which < ADDRESSES; which++) {
		pw_pa pa = address(f, f->shift[level], which);
		uint64_t e = f->make_prot_none(f, r, level, pa);

		assert_int_equal(PW_HOLE, f->kind(f, r, level, e));
		if (r->view == PW_VIEW_HARDWARE) {
			assert_int_equal(PW_NONE, f->hole(f, r, level, e, &behind));
			continue;
		}
		/* Linux has neither 1 GiB pages with LPAE nor larger blocks on arm64. */
		if (!is_arm64(f) && level > 1)
			continue;
		assert_int_equal(PW_PROT_NONE, f->hole(f, r, level, e, &behind));
		assert_int_equal(pa, behind);
	}
}

static void check_tables(const struct pw_regime *r, unsigned level)
{
	const struct pw_format *f = r->format;
	unsigned table_lg2 = f->bits[level - 1] + f->entry_lg2;
	unsigned offset = f->entry_lg2 == 2 && r->view == PW_VIEW_LINUX ? 2048 : 0;

	for (unsigned which = 0; which < ADDRESSES; which++) {
		pw_pa pa = address(f, table_lg2, which);
		uint64_t e = f->make_table(f, r, level, pa);

		assert_int_equal(PW_TABLE, f->kind(f, r, level, e));
		assert_int_equal(pa, f->table(f, r, level, e));
		assert_int_equal(PW_KEEP_ALL, f->keep(f, r, level, e));
		/* The entry itself always names the hardware's table. */
		if (f->entry_lg2 == 2)
			assert_int_equal((uint32_t)(pa + offset), e & 0xfffffc00);
	}
}

static void builders_round_trip(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		const struct pw_format *f = pw_format_find(formats[i]);

		assert_non_null(f);
		for (unsigned variant = 0; variant < 4; variant++) {
			struct pw_regime_options options = {
				.view = variant & 1 ? PW_VIEW_LINUX : PW_VIEW_HARDWARE,
				.kernel = variant & 2 ? 0x060a : 0x0601,
			};
			uint64_t root = 0;
			struct pw_regime r;
			pw_pa pa;

			assert_int_equal(0, pw_regime_init(&r, f, &root, 1, &options, NULL));
			for (unsigned level = 0; level < f->levels; level++) {
				uint64_t empty = f->make_empty(f, &r, level);

				assert_int_equal(PW_HOLE, f->kind(f, &r, level, empty));
				assert_int_equal(PW_NONE, f->hole(f, &r, level, empty, &pa));
				if (f->leaf_levels & 1u << level)
					check_leaves(&r, level);
				if (level > 0)
					check_tables(&r, level);
			}
		}
	}
}

static void other_bits_stay(void **state)
{
	uint64_t root = 0;
	struct pw_regime r;

	(void)state;
	/* arm64: address, contiguous bit, memory type and shareability. */
	assert_int_equal(0, pw_regime_init(&r, pw_format_find("arm64"), &root, 1, NULL, NULL));
	assert_int_equal(
		0x0078000123456f4b,
		r.format->change_attr(r.format, &r, 0, 0x0070000123456fcb,
				      PW_READ | PW_WRITE | PW_USER | PW_ACCESSED | PW_DIRTY) &
			~(UINT64_C(1) << 55));
	/* A large page stays large, with its XN in bit 15. */
	assert_int_equal(0, pw_regime_init(&r, pw_format_find("arm"), &root, 1, NULL, NULL));
	assert_int_equal(0x1234da11,
			 r.format->change_attr(r.format, &r, 0, 0x12345031, PW_READ | PW_ACCESSED));
	assert_int_equal(0x12345031,
			 r.format->change_attr(r.format, &r, 0, 0x1234da11,
					       PW_PROT_MASK | PW_ACCESSED | PW_DIRTY | PW_GLOBAL));
}

static void roots_round_trip(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		const struct pw_format *f = pw_format_find(formats[i]);
		unsigned top = f->levels - 1u;
		unsigned lg2 = f->bits[top] + f->entry_lg2;

		for (unsigned which = 0; which < ADDRESSES; which++) {
			pw_pa pa = address(f, lg2, which);
			uint64_t zero = 0, word;
			struct pw_regime r;

			assert_int_equal(0, pw_regime_init(&r, f, &zero, 1, NULL, NULL));
			word = f->make_root(f, &r, pa, top);
			assert_int_equal(0, pw_regime_init(&r, f, &word, 1, NULL, NULL));
			assert_int_equal(1, r.spans);
			assert_int_equal(pa, r.span[0].table);
			assert_int_equal(top, r.span[0].top);
			assert_int_equal(0, r.span[0].first);
			assert_int_equal(pw_mask(f->shift[top] + f->bits[top]), r.span[0].last);
		}
	}
}

static int init(struct pw_regime *r, const char *format, uint64_t one, uint64_t two, size_t count)
{
	uint64_t words[] = { one, two };
	struct pw_error error = { "" };
	int failed = pw_regime_init(r, pw_format_find(format), words, count, NULL, &error);

	assert_true((failed != 0) == (error.text[0] != '\0'));
	return failed;
}

/* Words of real machines. */
static void root_words(void **state)
{
	struct pw_regime r;

	(void)state;
	assert_int_equal(0, init(&r, "arm", 0x4180806a, 0, 1));
	assert_int_equal(0x41808000, r.span[0].table);
	assert_int_equal(0, init(&r, "arm64", 0x42407001, 0x0002000041853001, 2));
	assert_int_equal(0x42407000, r.span[0].table);
	assert_int_equal(0x41853000, r.span[1].table);
	assert_int_equal(0xffff000000000000, r.span[1].first);
	/* 64K: a kernel for 52 bits on a machine with 48 points at the last 64 of 1024 entries. */
	assert_int_equal(0, init(&r, "arm64_64k_48", 0x40000000, 0x40011e00, 2));
	assert_int_equal(0x40011e00, r.span[1].table);
	/* 52 bits: 51:48 in 5:2. */
	assert_int_equal(0, init(&r, "arm64_4k_52", 0x4185303d, 0x41853001, 2));
	assert_int_equal(0x000f000041853000, r.span[0].table);
	assert_int_equal(0xfff0000000000000, r.span[1].first);

	/* LPAE, 3G/1G: TTBR1 leads to the fourth pmd. */
	assert_int_equal(0, init(&r, "arm_lpae", 0x000500004250fe80, 0x40207000, 2));
	assert_int_equal(0x4250fe80, r.span[0].table);
	assert_int_equal(0xbfffffff, r.span[0].last);
	assert_int_equal(0x40207000, r.span[1].table);
	assert_int_equal(1, r.span[1].top);
	assert_int_equal(9, r.span[1].top_bits);
	assert_int_equal(0xc0000000, r.span[1].first);
	assert_int_equal(0xffffffff, r.span[1].last);
	/* 2G/2G: to the third entry of a pgd. */
	assert_int_equal(0, init(&r, "arm_lpae", 0x4250fe80, 0x40203010, 2));
	assert_int_equal(0x7fffffff, r.span[0].last);
	assert_int_equal(0x40203010, r.span[1].table);
	assert_int_equal(2, r.span[1].top);
	assert_int_equal(1, r.span[1].top_bits);
	assert_int_equal(0x80000000, r.span[1].first);

	/* Words of another format, and tables that are not aligned. */
	assert_int_equal(-EINVAL, init(&r, "arm", 0x000500004250fe80, 0, 1));
	assert_int_equal(-EINVAL, init(&r, "arm", 0x4250fe80, 0, 1));
	assert_int_equal(-EINVAL, init(&r, "arm", 0x4180806a, 0x4180806a, 2));
	assert_int_equal(-EINVAL, init(&r, "arm_lpae", 0x4180806a, 0, 1));
	assert_int_equal(-EINVAL, init(&r, "arm_lpae", 0x4250fe80, 0x40207020, 2));
	assert_int_equal(-EINVAL, init(&r, "arm64", 0x4185303d, 0, 1));
	assert_int_equal(-EINVAL, init(&r, "arm64", 0x42407000, 0x41853800, 2));
	assert_int_equal(-EINVAL, init(&r, "arm64_16k_48", 0x42407008, 0, 1));
	assert_int_equal(-EINVAL, init(&r, "arm64_4k_52", 0x41853040, 0, 1));
}

/* ---- walks ---- */

enum { BASE = 0x40000000, PAGES = 8 };
static uint64_t ram[PAGES * 4096 / 8] __attribute__((aligned(16384)));

static void store32(pw_pa at, uint64_t e)
{
	uint32_t raw = htole32((uint32_t)e);

	memcpy((char *)ram + (at - BASE), &raw, sizeof(raw));
}

static void store64(pw_pa at, uint64_t e)
{
	uint64_t raw = htole64(e);

	memcpy((char *)ram + (at - BASE), &raw, sizeof(raw));
}

static struct pw_result walk(const struct pw_regime *r, pw_va va)
{
	struct pw_segment segment = { BASE, BASE + sizeof(ram) - 1, ram };
	struct pw_memory *memory;
	struct pw_result result;

	assert_int_equal(0, pw_memory_wrap(&segment, 1, &memory, NULL));
	pw_translate(memory, r, va, &result);
	pw_memory_close(memory);
	return result;
}

/*
 * One page of PTEs, both halves of both MiB:
 *
 *   pgd 40000000          40004000  Linux     40004800  hardware
 *   [0] 40004801 -------> [1] 0x8600071f      [1] 0x86000a33      clean: read-only for the hardware
 *   [1] 40004c01 -------> [0] 0x8610075d      [0] 0               old: not there for the hardware
 */
static void arm_pair(void **state)
{
	struct pw_regime_options lx = { .view = PW_VIEW_LINUX };
	struct pw_regime hardware, linux_view;
	uint64_t root = BASE | 0x6a;
	struct pw_result got;

	(void)state;
	memset(ram, 0, sizeof(ram));
	assert_int_equal(0, pw_regime_init(&hardware, pw_format_find("arm"), &root, 1, NULL, NULL));
	assert_int_equal(0,
			 pw_regime_init(&linux_view, pw_format_find("arm"), &root, 1, &lx, NULL));
	store32(BASE, 0x40004801);
	store32(BASE + 4, 0x40004c01);
	store32(0x40004004, 0x8600071f);
	store32(0x40004804, 0x86000a33);
	store32(0x40004400, 0x8610075d);

	got = walk(&linux_view, 0x1abc);
	assert_int_equal(PW_OK, got.status);
	assert_int_equal(0x86000abc, got.pa);
	assert_int_equal(PW_READ | PW_WRITE | PW_USER | PW_ACCESSED, got.attr);
	got = walk(&hardware, 0x1abc);
	assert_int_equal(PW_OK, got.status);
	assert_int_equal(0x86000abc, got.pa);
	assert_int_equal(PW_READ | PW_USER, got.attr);

	got = walk(&linux_view, 0x100def);
	assert_int_equal(PW_OK, got.status);
	assert_int_equal(0x86100def, got.pa);
	assert_int_equal(PW_NONE, walk(&hardware, 0x100def).status);
	assert_int_equal(PW_NONE, walk(&linux_view, 0x101000).status);
	assert_int_equal(PW_NOT_CANONICAL, walk(&hardware, UINT64_C(0x100000000)).status);
}

/* The same kernel page, from the pgd, from a pmd (3G/1G) and from half a pgd (2G/2G). */
static void lpae_splits(void **state)
{
	static const pw_va va = 0xc0200123;
	struct pw_regime r;

	(void)state;
	memset(ram, 0, sizeof(ram));
	store64(BASE + 3 * 8, 0x40001003);
	store64(0x40001008, 0x0040000041200f1d);

	assert_int_equal(0, init(&r, "arm_lpae", BASE, 0, 1));
	assert_int_equal(0x41200123, walk(&r, va).pa);
	assert_int_equal(0, init(&r, "arm_lpae", 0x40002000, 0x40001000, 2));
	assert_int_equal(0x41200123, walk(&r, va).pa);
	assert_int_equal(PW_NONE, walk(&r, 0xbfffffff).status);
	assert_int_equal(0, init(&r, "arm_lpae", 0x40002000, BASE + 0x10, 2));
	assert_int_equal(0x41200123, walk(&r, va).pa);
	assert_int_equal(PW_NONE, walk(&r, 0x80000000).status);
}

/* Top tables smaller than a page: two entries of 16K, anywhere in the page; each half has its own. */
static void arm64_halves(void **state)
{
	struct pw_regime r;

	(void)state;
	memset(ram, 0, sizeof(ram));
	/* TTBR0 at 40000010: entry 1; TTBR1 at 40000020: entry 0. Both lead to the same tables. */
	store64(0x40000018, 0x40004003);
	store64(0x40000020, 0x40004003);
	store64(0x40004000, 0x0068000142000f41); /* malformed: there is no 64G block */
	store64(0x40004008, 0x40004003); /* level 2, entry 1: the table itself, as level 1 */
	assert_int_equal(0, init(&r, "arm64_16k_48", 0x40000010, 0x40000020, 2));
	assert_int_equal(PW_MALFORMED, walk(&r, UINT64_C(0x800000000000)).status);
	assert_int_equal(PW_OK, walk(&r, UINT64_C(0x801000000123)).status);
	assert_int_equal(0x142000123, walk(&r, UINT64_C(0x801000000123)).pa);
	assert_int_equal(0x142000123, walk(&r, UINT64_C(0xffff001000000123)).pa);
	assert_int_equal(PW_NONE, walk(&r, UINT64_C(0xffff800000000000)).status);
	assert_int_equal(PW_NONE, walk(&r, 0).status);
	assert_int_equal(PW_NOT_CANONICAL, walk(&r, UINT64_C(0x1000000000000)).status);
	assert_int_equal(PW_NOT_CANONICAL, walk(&r, UINT64_C(0xfffeffffffffffff)).status);
	/* Without TTBR1 nothing translates the upper half. */
	assert_int_equal(0, init(&r, "arm64_16k_48", 0x40000010, 0, 1));
	assert_int_equal(PW_NOT_CANONICAL, walk(&r, UINT64_C(0xffff001000000123)).status);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(builders_round_trip),
		cmocka_unit_test(other_bits_stay),
		cmocka_unit_test(roots_round_trip),
		cmocka_unit_test(root_words),
		cmocka_unit_test(arm_pair),
		cmocka_unit_test(lpae_splits),
		cmocka_unit_test(arm64_halves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
