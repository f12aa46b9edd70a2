/* SPDX-License-Identifier: MIT */
/*
 * Golden vectors of arm short descriptors, arm LPAE and arm64: one entry, its meaning, and the fact from the
 * manual or from Linux behind it. The formats' headers name the sources.
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
	R = PW_READ,
	W = PW_WRITE,
	X = PW_EXEC,
	U = PW_USER,
	A = PW_ACCESSED,
	D = PW_DIRTY,
	G = PW_GLOBAL,
	S = PW_SPECIAL,
	C = PW_CONTIGUOUS,
	/* Views of a vector: bits. */
	HW = 1 << PW_VIEW_HARDWARE,
	LX = 1 << PW_VIEW_LINUX,
	BOTH = HW | LX,
	V6_10 = 4, /* the meaning in Linux 6.10 and later */
};

struct vector {
	const char *fact;
	const char *format;
	unsigned views; /* the views in which it holds */
	unsigned level;
	uint64_t entry;
	uint8_t is; /* enum pw_status: PW_OK is a leaf; TABLE */
	uint8_t lg2; /* of a leaf's page */
	pw_pa pa; /* of the page or table */
	uint32_t attr; /* of a leaf; what a table leaves of rwxu, with X for the user's execution */
};
enum { TABLE = 100 };

static struct pw_regime regime(const char *format, enum pw_view view, uint16_t kernel)
{
	struct pw_regime_options options = { .view = view, .kernel = kernel };
	uint64_t root = 0;
	struct pw_regime r;

	assert_non_null(pw_format_find(format));
	assert_int_equal(0, pw_regime_init(&r, pw_format_find(format), &root, 1, &options, NULL));
	return r;
}

static void expect(const struct vector *v, enum pw_view view, const char *what, uint64_t is,
		   uint64_t should)
{
	if (is == should)
		return;
	print_error("%s (%s, level %u, 0x%llx, %s view): %s is 0x%llx, should be 0x%llx\n", v->fact,
		    v->format, v->level, (unsigned long long)v->entry,
		    view == PW_VIEW_LINUX ? "linux" : "hardware", what, (unsigned long long)is,
		    (unsigned long long)should);
	fail();
}

static void check_in_view(const struct vector *v, enum pw_view view)
{
	struct pw_regime r = regime(v->format, view, v->views & V6_10 ? 0x060a : 0);
	const struct pw_format *f = r.format;
	enum pw_kind kind = v->is == PW_OK ? PW_LEAF : v->is == TABLE ? PW_TABLE : PW_HOLE;
	pw_pa pa = 0;

	expect(v, view, "kind", f->kind(f, &r, v->level, v->entry), kind);
	if (kind == PW_TABLE) {
		uint32_t keep = f->keep(f, &r, v->level, v->entry);

		expect(v, view, "table", f->table(f, &r, v->level, v->entry), v->pa);
		expect(v, view, "keep", keep & PW_PROT_MASK, v->attr);
	} else if (kind == PW_LEAF) {
		uint32_t attr = pw_attr_settle(f->attr(f, &r, v->level, v->entry), PW_KEEP_ALL);

		expect(v, view, "size", pw_leaf_lg2(f, &r, v->level, f->shift[v->level], v->entry),
		       v->lg2);
		expect(v, view, "page", f->page(f, &r, v->level, v->entry), v->pa);
		expect(v, view, "attr", attr & (uint32_t)~PW_MEMTYPE_MASK, v->attr);
	} else {
		expect(v, view, "status", f->hole(f, &r, v->level, v->entry, &pa), v->is);
		expect(v, view, "page behind", pa, v->pa);
	}
}

static void check(const struct vector *v, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		assert_true(v[i].views & BOTH);
		if (v[i].views & HW)
			check_in_view(&v[i], PW_VIEW_HARDWARE);
		if (v[i].views & LX)
			check_in_view(&v[i], PW_VIEW_LINUX);
	}
}
#define CHECK(vectors) check(vectors, sizeof(vectors) / sizeof((vectors)[0]))

#define F "arm"
static void arm_level_1(void **state)
{
	static const struct vector vectors[] = {
		{ "L1 0b00: fault", F, BOTH, 1, 0, PW_NONE, 0, 0, 0 },
		{ "L1 0b00: other bits ignored", F, BOTH, 1, 0xfffffffc, PW_NONE, 0, 0, 0 },
		{ "pair, lower MiB", F, HW, 1, 0x80004801, TABLE, 0, 0x80004800, R | W | X | U },
		{ "pair, upper MiB", F, HW, 1, 0x80004c01, TABLE, 0, 0x80004c00, R | W | X | U },
		{ "Linux PTEs, lower MiB", F, LX, 1, 0x80004801, TABLE, 0, 0x80004000, 0xf },
		{ "Linux PTEs, upper MiB", F, LX, 1, 0x80004c01, TABLE, 0, 0x80004400, 0xf },
		{ "domain and NS are no address", F, HW, 1, 0x800049e9, TABLE, 0, 0x80004800, 0xf },
		{ "section, kernel rw", F, BOTH, 1, 0x4021141e, PW_OK, 20, 0x40200000, R | W | G },
		{ "section, kernel rx", F, BOTH, 1, 0x4031940e, PW_OK, 20, 0x40300000, R | X | G },
		{ "AP 011: user rw", F, BOTH, 1, 0x00100c02, PW_OK, 20, 0x100000,
		  R | W | X | U | G },
		{ "AP 010: user ro", F, BOTH, 1, 0x00100802, PW_OK, 20, 0x100000, R | X | U | G },
		{ "AP 110: user ro", F, BOTH, 1, 0x00108802, PW_OK, 20, 0x100000, R | X | U | G },
		{ "AP 111: user ro", F, BOTH, 1, 0x00108c02, PW_OK, 20, 0x100000, R | X | U | G },
		{ "AP 101: kernel ro", F, BOTH, 1, 0x00108402, PW_OK, 20, 0x100000, R | X | G },
		{ "AP 000: nobody", F, HW, 1, 0x00100002, PW_NONE, 0, 0, 0 },
		{ "AP 000: nobody", F, LX, 1, 0x00100002, PW_PROT_NONE, 0, 0x100000, 0 },
		{ "AP 100: reserved", F, BOTH, 1, 0x00108002, PW_MALFORMED, 0, 0, 0 },
		{ "section PXN", F, BOTH, 1, 0x00100403, PW_OK, 20, 0x100000, R | W | G },
		{ "section nG", F, BOTH, 1, 0x00120402, PW_OK, 20, 0x100000, R | W | X },
		{ "supersection, 40 bits", F, BOTH, 1, 0x80a40562, PW_OK, 24, 0xba80000000,
		  R | W | X | G },
	};
	struct pw_regime r = regime(F, PW_VIEW_HARDWARE, 0);

	(void)state;
	CHECK(vectors);
	/* A table's PXN denies the kernel's execution, and nothing else. */
	assert_int_equal(~(uint32_t)PW_KEXEC, r.format->keep(r.format, &r, 1, 0x80004805));
	assert_int_equal(PW_KEEP_ALL, r.format->keep(r.format, &r, 1, 0x80004801));
}

static void arm_level_0(void **state)
{
	static const struct vector vectors[] = {
		{ "L2 0b00: fault", F, HW, 0, 0, PW_NONE, 0, 0, 0 },
		{ "L2 0b00: other bits ignored", F, HW, 0, 0x86000830, PW_NONE, 0, 0, 0 },
		{ "small, user", F, HW, 0, 0x86000832, PW_OK, 12, 0x86000000, R | W | X | U },
		{ "small, XN", F, HW, 0, 0x86000833, PW_OK, 12, 0x86000000, R | W | U },
		{ "small, APX", F, HW, 0, 0x86000a32, PW_OK, 12, 0x86000000, R | X | U },
		{ "small, AP 010", F, HW, 0, 0x86000822, PW_OK, 12, 0x86000000, R | X | U },
		{ "small, AP 001", F, HW, 0, 0x86000012, PW_OK, 12, 0x86000000, R | W | X | G },
		{ "small, AP 101", F, HW, 0, 0x86000212, PW_OK, 12, 0x86000000, R | X | G },
		{ "small, AP 000", F, HW, 0, 0x86000802, PW_NONE, 0, 0, 0 },
		{ "small, AP 100", F, HW, 0, 0x86000a02, PW_MALFORMED, 0, 0, 0 },
		{ "large", F, HW, 0, 0x12340031, PW_OK, 16, 0x12340000, R | W | X | U | G },
		{ "large, XN is bit 15", F, HW, 0, 0x1234f831, PW_OK, 16, 0x12340000, R | W | U },
		{ "large, AP 000", F, HW, 0, 0x12340001, PW_NONE, 0, 0, 0 },
		{ "large, AP 100", F, HW, 0, 0x12340201, PW_MALFORMED, 0, 0, 0 },
		{ "pte_none", F, LX, 0, 0, PW_NONE, 0, 0, 0 },
		{ "user rw dirty", F, LX, 0, 0x8600075f, PW_OK, 12, 0x86000000, R | W | U | A | D },
		{ "user rw clean", F, LX, 0, 0x8600071f, PW_OK, 12, 0x86000000, R | W | U | A },
		{ "user ro", F, LX, 0, 0x8600079f, PW_OK, 12, 0x86000000, R | U | A },
		{ "user old", F, LX, 0, 0x8600075d, PW_OK, 12, 0x86000000, R | W | U | D },
		{ "no XN", F, LX, 0, 0x8600055f, PW_OK, 12, 0x86000000, R | W | X | U | A | D },
		{ "kernel", F, LX, 0, 0x8600065f, PW_OK, 12, 0x86000000, R | W | G | A | D },
		{ "PROT_NONE", F, LX, 0, 0x86000f9f, PW_PROT_NONE, 0, 0x86000000, 0 },
		{ "swap type 3", F, LX, 0, 0x50c, PW_SWAP, 0, 0, 0 },
		{ "swap, exclusive", F, LX, 0, 0x58c, PW_SWAP, 0, 0, 0 },
		{ "swap, offset 8: not NONE", F, LX, 0, 0x80c, PW_SWAP, 0, 0, 0 },
		{ "swap type 29: migration", F, LX, 0, 0x574, PW_MIGRATION, 0, 0, 0 },
		{ "young, not present", F, LX, 0, 0x2, PW_NONE, 0, 0, 0 },
	};

	(void)state;
	CHECK(vectors);
}
#undef F

#define F "arm_lpae"
static void arm_lpae(void **state)
{
	static const struct vector vectors[] = {
		{ "empty", F, BOTH, 0, 0, PW_NONE, 0, 0, 0 },
		{ "user rw dirty", F, HW, 0, 0x00c00000ffe00f5f, PW_OK, 12, 0xffe00000,
		  R | W | U | A },
		{ "user rw dirty", F, LX, 0, 0x00c00000ffe00f5f, PW_OK, 12, 0xffe00000,
		  R | W | U | A | D },
		{ "clean: AP2", F, HW, 0, 0x00400000ffe00fdf, PW_OK, 12, 0xffe00000, R | U | A },
		{ "clean: AP2", F, LX, 0, 0x00400000ffe00fdf, PW_OK, 12, 0xffe00000,
		  R | W | U | A },
		{ "L_PTE_RDONLY", F, BOTH, 0, 0x04400000ffe00fdf, PW_OK, 12, 0xffe00000,
		  R | U | A },
		{ "L_PTE_SPECIAL", F, LX, 0, 0x05400000ffe00fdf, PW_OK, 12, 0xffe00000,
		  R | U | A | S },
		{ "AF clear", F, BOTH, 0, 0x04400000ffe00bdf, PW_OK, 12, 0xffe00000, R | U },
		{ "40 bits", F, HW, 0, 0xfffffff75f, PW_OK, 12, 0xfffffff000,
		  R | W | X | U | A | G },
		{ "kernel", F, HW, 0, 0x4100071f, PW_OK, 12, 0x41000000, R | W | X | A | G },
		{ "PXN", F, HW, 0, 0x002000004100071f, PW_OK, 12, 0x41000000, R | W | A | G },
		{ "PXN, user", F, HW, 0, 0x002000004100075f, PW_OK, 12, 0x41000000,
		  R | W | X | U | A | G },
		{ "level 3 0b01: reserved", F, BOTH, 0, 0x00c00000ffe00f5d, PW_MALFORMED, 0, 0, 0 },
		{ "0b10: invalid", F, BOTH, 0, 0x00c00000ffe00f5e, PW_NONE, 0, 0, 0 },
		{ "PROT_NONE", F, HW, 0, 0x06400000ffe00fde, PW_NONE, 0, 0, 0 },
		{ "PROT_NONE", F, LX, 0, 0x06400000ffe00fde, PW_PROT_NONE, 0, 0xffe00000, 0 },
		{ "swap type 3", F, HW, 0, 0x50c, PW_NONE, 0, 0, 0 },
		{ "swap type 3", F, LX, 0, 0x50c, PW_SWAP, 0, 0, 0 },
		{ "swap type 28: migration", F, LX, 0, 0x570, PW_MIGRATION, 0, 0, 0 },
		{ "contiguous 64K", F, HW, 0, 0x00d00000ffe05f5f, PW_OK, 16, 0xffe00000,
		  R | W | U | A | C },
		{ "2M block", F, HW, 1, 0x00c0000080200f5d, PW_OK, 21, 0x80200000, R | W | U | A },
		{ "2M block, low bits", F, HW, 1, 0x00c00000803fff5d, PW_OK, 21, 0x80200000,
		  R | W | U | A },
		{ "contiguous 32M", F, HW, 1, 0x00d0000083e00f5d, PW_OK, 25, 0x82000000,
		  R | W | U | A | C },
		{ "huge PROT_NONE", F, LX, 1, 0x0640000080200fdc, PW_PROT_NONE, 0, 0x80200000, 0 },
		{ "huge PROT_NONE", F, HW, 1, 0x0640000080200fdc, PW_NONE, 0, 0, 0 },
		{ "huge pages have no bit 1", F, LX, 1, 0x0640000080200fde, PW_NONE, 0, 0, 0 },
		{ "PTEs keep bit 1", F, LX, 0, 0x06400000ffe00fdc, PW_SWAP, 0, 0, 0 },
		{ "no L_PMD_SECT_SPECIAL", F, LX, 1, 0x0140000080200f5d, PW_OK, 21, 0x80200000,
		  R | W | U | A },
		{ "pmd_mkinvalid", F, LX, 1, 0x00c0000080200f5c, PW_NONE, 0, 0, 0 },
		{ "no swap in pmds", F, LX, 1, 0x50c, PW_NONE, 0, 0, 0 },
		{ "1G block", F, HW, 2, 0x00c0000080000f5d, PW_OK, 30, 0x80000000, R | W | U | A },
		{ "1G has no groups", F, HW, 2, 0x00d0000080000f5d, PW_OK, 30, 0x80000000,
		  R | W | U | A },
		{ "table", F, BOTH, 1, 0xff4250f003, TABLE, 0, 0xff4250f000, R | W | X | U },
		{ "table, ignored bits", F, BOTH, 2, 0x07f000004250fffb, TABLE, 0, 0x4250f000,
		  0xf },
		{ "APTable[1]", F, BOTH, 2, 0x400000004250f003, TABLE, 0, 0x4250f000, R | X | U },
		{ "APTable[0]", F, BOTH, 2, 0x200000004250f003, TABLE, 0, 0x4250f000, R | W | X },
		{ "XNTable", F, BOTH, 2, 0x100000004250f003, TABLE, 0, 0x4250f000, R | W | U },
	};
	struct pw_regime r = regime(F, PW_VIEW_HARDWARE, 0);

	(void)state;
	CHECK(vectors);
	assert_int_equal(~(uint32_t)PW_KEXEC, r.format->keep(r.format, &r, 1, 0x080000004250f003));
	assert_int_equal(~(uint32_t)PW_EXEC_BOTH,
			 r.format->keep(r.format, &r, 1, 0x100000004250f003));
}
#undef F

#define F "arm64_4k_48"
static void arm64_leaves(void **state)
{
	static const struct vector vectors[] = {
		{ "user rw dirty", F, BOTH, 0, 0x0068000123456f43, PW_OK, 12, 0x123456000,
		  R | W | U | A | D },
		{ "writable but clean", F, LX, 0, 0x0068000123456fc3, PW_OK, 12, 0x123456000,
		  R | W | U | A },
		{ "writable but clean", F, HW, 0, 0x0068000123456fc3, PW_OK, 12, 0x123456000,
		  R | U | A | PW_DBM },
		{ "PTE_DIRTY", F, LX, 0, 0x00e8000123456fc3, PW_OK, 12, 0x123456000,
		  R | W | U | A | D },
		{ "PTE_DIRTY is software's", F, HW, 0, 0x00e8000123456fc3, PW_OK, 12, 0x123456000,
		  R | U | A | PW_DBM },
		{ "PTE_SPECIAL", F, LX, 0, 0x0168000123456fc3, PW_OK, 12, 0x123456000,
		  R | W | U | A | S },
		{ "user rx", F, BOTH, 0, 0x0020000123456fc3, PW_OK, 12, 0x123456000,
		  R | X | U | A },
		{ "AF clear", F, BOTH, 0, 0x0060000123456bc3, PW_OK, 12, 0x123456000, R | U },
		{ "execute-only", F, BOTH, 0, 0x0020000123456f83, PW_OK, 12, 0x123456000,
		  X | U | A },
		{ "execute-only, AP2 clear", F, HW, 0, 0x0020000123456f03, PW_OK, 12, 0x123456000,
		  X | U | A },
		{ "kernel rx: PXN clear", F, BOTH, 0, 0x0040000123456783, PW_OK, 12, 0x123456000,
		  R | X | A | G },
		{ "kernel rw: UXN, PXN", F, BOTH, 0, 0x0068000123456703, PW_OK, 12, 0x123456000,
		  R | W | A | D | G },
		{ "kernel, UXN clear too", F, HW, 0, 0x0000000123456703, PW_OK, 12, 0x123456000,
		  R | W | X | A | G },
		{ "AP2 clear without DBM", F, LX, 0, 0x0060000123456703, PW_OK, 12, 0x123456000,
		  R | A | G },
		{ "GP, POIndex are no address", F, HW, 0, 0x706c000123456f43, PW_OK, 12,
		  0x123456000, R | W | U | A | D },
		{ "bits 49:48 without LPA2", F, HW, 0, 0x006b000123456f43, PW_MALFORMED, 0, 0, 0 },
		{ "contiguous 64K", F, BOTH, 0, 0x0078000123456f43, PW_OK, 16, 0x123450000,
		  R | W | U | A | D | C },
		{ "contiguous 32M", F, BOTH, 1, 0x0078000143e00f41, PW_OK, 25, 0x142000000,
		  R | W | U | A | D | C },
		{ "contiguous 16G", F, BOTH, 2, 0x0078000440000f41, PW_OK, 34, 0x400000000,
		  R | W | U | A | D | C },
		{ "2M block", F, BOTH, 1, 0x0068000140000f41, PW_OK, 21, 0x140000000,
		  R | W | U | A | D },
		{ "2M block, nT and low bits", F, BOTH, 1, 0x00680001401fff41, PW_OK, 21,
		  0x140000000, R | W | U | A | D },
		{ "1G block", F, BOTH, 2, 0x00680000c0000f41, PW_OK, 30, 0xc0000000,
		  R | W | U | A | D },
		{ "table", F, BOTH, 3, 0x41234003, TABLE, 0, 0x41234000, R | W | X | U },
		{ "table, ignored bits", F, BOTH, 1, 0x07f8000041234ffb, TABLE, 0, 0x41234000,
		  0xf },
		{ "APTable[1]", F, BOTH, 1, 0x4000000041234003, TABLE, 0, 0x41234000, R | X | U },
		{ "APTable[0]", F, BOTH, 1, 0x2000000041234003, TABLE, 0, 0x41234000, R | W | X },
		{ "UXNTable", F, BOTH, 1, 0x1000000041234003, TABLE, 0, 0x41234000, R | W | U },
	};
	struct pw_regime r = regime(F, PW_VIEW_HARDWARE, 0);

	(void)state;
	CHECK(vectors);
	assert_int_equal(~(uint32_t)PW_KEXEC, r.format->keep(r.format, &r, 1, 0x0800000041234003));
}

static void arm64_holes(void **state)
{
	static const struct vector vectors[] = {
		{ "empty", F, BOTH, 0, 0, PW_NONE, 0, 0, 0 },
		{ "page 0b01: reserved", F, BOTH, 0, 0x0068000123456f41, PW_MALFORMED, 0, 0, 0 },
		{ "512G block without LPA2", F, BOTH, 3, 0x0068008000000f41, PW_MALFORMED, 0, 0,
		  0 },
		{ "0b10: invalid", F, HW, 0, 0x0068000123456f42, PW_NONE, 0, 0, 0 },
		{ "PROT_NONE", F, HW, 0, 0x0460000123456f82, PW_NONE, 0, 0, 0 },
		{ "PROT_NONE", F, LX, 0, 0x0460000123456f82, PW_PROT_NONE, 0, 0x123456000, 0 },
		{ "until 6.9 by bit 58", F, LX, 0, 0x0460000123456782, PW_PROT_NONE, 0, 0x123456000,
		  0 },
		{ "until 6.9, not by nG", F, LX, 0, 0x0060000123456f82, PW_NONE, 0, 0, 0 },
		{ "since 6.10 by nG", F, LX | V6_10, 0, 0x0060000123456f82, PW_PROT_NONE, 0,
		  0x123456000, 0 },
		{ "since 6.10, not by bit 58", F, LX | V6_10, 0, 0x0460000123456782, PW_NONE, 0, 0,
		  0 },
		{ "huge PROT_NONE", F, LX, 1, 0x0460000140000f80, PW_PROT_NONE, 0, 0x140000000, 0 },
		{ "pmd_mkinvalid until 6.9", F, LX, 1, 0x0868000140000f40, PW_PROT_NONE, 0,
		  0x140000000, 0 },
		{ "pmd_mkinvalid since 6.10", F, LX | V6_10, 1, 0x0068000140000f40, PW_PROT_NONE, 0,
		  0x140000000, 0 },
		{ "group that is PROT_NONE", F, LX, 1, 0x0470000143e00f80, PW_PROT_NONE, 0,
		  0x142000000, 0 },
		{ "invalid, with the table bit", F, LX | V6_10, 1, 0x0068000140000f42, PW_NONE, 0,
		  0, 0 },
		{ "swap type 3", F, HW, 0, 0x518, PW_NONE, 0, 0, 0 },
		{ "swap type 3 in 7:3", F, LX, 0, 0x518, PW_SWAP, 0, 0, 0 },
		{ "swap, exclusive", F, LX, 0, 0x51c, PW_SWAP, 0, 0, 0 },
		{ "type 29: migration", F, LX, 0, 0x5e8, PW_MIGRATION, 0, 0, 0 },
		{ "huge page in migration", F, LX, 1, 0x5e8, PW_MIGRATION, 0, 0, 0 },
		{ "since 6.10 in 10:6", F, LX | V6_10, 0, 0x50c0, PW_SWAP, 0, 0, 0 },
		{ "since 6.10: migration", F, LX | V6_10, 0, 0x5740, PW_MIGRATION, 0, 0, 0 },
		{ "no swap above blocks", F, LX, 3, 0x518, PW_NONE, 0, 0, 0 },
	};

	(void)state;
	CHECK(vectors);
}
#undef F

static void arm64_granules(void **state)
{
	static const uint32_t rw = R | W | U | A | D;
	const struct vector vectors[] = {
		{ "39 bits", "arm64_4k_39", BOTH, 0, 0x0068000123456f43, PW_OK, 12, 0x123456000,
		  rw },
		{ "39 bits, 1G", "arm64_4k_39", BOTH, 2, 0x00680000c0000f41, PW_OK, 30, 0xc0000000,
		  rw },
		{ "LPA2: 51:50 in 9:8", "arm64_4k_52", BOTH, 0, 0x0068000123456f43, PW_OK, 12,
		  0x000c000123456000, rw },
		{ "LPA2: 49:48 in place", "arm64_4k_52", BOTH, 0, 0x006b000123456c43, PW_OK, 12,
		  0x0003000123456000, rw },
		{ "LPA2 table", "arm64_4k_52", BOTH, 4, 0x0003000041234303, TABLE, 0,
		  0x000f000041234000, 0xf },
		{ "LPA2: 512G", "arm64_4k_52", BOTH, 3, 0x0068008000000c41, PW_OK, 39, 0x8000000000,
		  rw },
		{ "LPA2: 512G alone", "arm64_4k_52", BOTH, 3, 0x0078008000000c41, PW_OK, 39,
		  0x8000000000, rw | C },
		{ "no 256T block", "arm64_4k_52", BOTH, 4, 0x0069000000000c41, PW_MALFORMED, 0, 0,
		  0 },
		{ "16K page", "arm64_16k_47", BOTH, 0, 0x0068000123457f43, PW_OK, 14, 0x123454000,
		  rw },
		{ "16K table", "arm64_16k_47", BOTH, 2, 0x41237003, TABLE, 0, 0x41234000, 0xf },
		{ "16K: 32M", "arm64_16k_36", BOTH, 1, 0x0068000142000f41, PW_OK, 25, 0x142000000,
		  rw },
		{ "16K: contiguous 2M", "arm64_16k_47", BOTH, 0, 0x00780001235fcf43, PW_OK, 21,
		  0x123400000, rw | C },
		{ "16K: contiguous 1G", "arm64_16k_48", BOTH, 1, 0x007800017e000f41, PW_OK, 30,
		  0x140000000, rw | C },
		{ "16K: no 64G", "arm64_16k_48", BOTH, 2, 0x0068001000000f41, PW_MALFORMED, 0, 0,
		  0 },
		{ "16K LPA2: 64G", "arm64_16k_52", BOTH, 2, 0x0068001000000c41, PW_OK, 36,
		  0x1000000000, rw },
		{ "16K LPA2 page", "arm64_16k_52", BOTH, 0, 0x006b000123457f43, PW_OK, 14,
		  0x000f000123454000, rw },
		{ "no 128T block", "arm64_16k_52", BOTH, 3, 0x0068800000000c41, PW_MALFORMED, 0, 0,
		  0 },
		{ "64K/LPA", "arm64_64k_52", BOTH, 0, 0x006845678901ff43, PW_OK, 16,
		  0x000f456789010000, rw },
		{ "LPA table", "arm64_64k_52", BOTH, 1, 0x4123f003, TABLE, 0, 0x000f000041230000,
		  0xf },
		{ "64K/LPA, 48-bit addresses", "arm64_64k_48", BOTH, 0, 0x006845678901ff43, PW_OK,
		  16, 0x000f456789010000, rw },
		{ "64K/LPA, 42-bit addresses", "arm64_64k_42", BOTH, 1, 0x4123f003, TABLE, 0,
		  0x000f000041230000, 0xf },
		{ "no bit 48 without DS", "arm64_4k_48", BOTH, 0, 0x0069000123456f43, PW_MALFORMED,
		  0, 0, 0 },
		{ "nor bit 49, of a table", "arm64_4k_48", BOTH, 2, 0x0002000041234003,
		  PW_MALFORMED, 0, 0, 0 },
		{ "nor with 16K", "arm64_16k_47", BOTH, 1, 0x0069000142000f41, PW_MALFORMED, 0, 0,
		  0 },
		{ "64K: 512M", "arm64_64k_42", BOTH, 1, 0x0068000160000f41, PW_OK, 29, 0x160000000,
		  rw },
		{ "64K: contiguous 2M", "arm64_64k_48", BOTH, 0, 0x00780001235f0f43, PW_OK, 21,
		  0x123400000, rw | C },
		{ "64K: contiguous 16G", "arm64_64k_48", BOTH, 1, 0x00780007e0000f41, PW_OK, 34,
		  0x400000000, rw | C },
		{ "64K: no 4T", "arm64_64k_48", BOTH, 2, 0x0068040000000f41, PW_MALFORMED, 0, 0,
		  0 },
		{ "64K LPA: 4T", "arm64_64k_52", BOTH, 2, 0x0068040000000f41, PW_OK, 42,
		  0x40000000000, rw },
		{ "64K PROT_NONE", "arm64_64k_52", LX, 0, 0x046045678901ff82, PW_PROT_NONE, 0,
		  0x000f456789010000, 0 },
	};

	(void)state;
	CHECK(vectors);
}

/* Makes a regime of one or two roots with these registers; false if it is refused. */
static bool regime_with(const char *format, const uint64_t *root, size_t count,
			struct pw_registers registers, struct pw_regime *r)
{
	struct pw_regime_options options = { .registers = registers };

	return pw_regime_init(r, pw_format_find(format), root, count, &options, NULL) == 0;
}

/* TCR_EL1 of an arm64 with 4K pages and 48-bit addresses on both sides, and more. */
static struct pw_registers tcr_48(uint64_t more)
{
	return (struct pw_registers){
		.known = PW_REGISTER_TCR,
		.tcr = UINT64_C(0x80100010) | more,
	};
}

/* With TCR_EL1, HD gives the meaning of DBM, DS the places of address bits, EPD the roots in use. */
static void arm64_tcr(void **state)
{
	const uint64_t root[2] = { 0x41000000, 0x42000000 };
	const uint64_t hd = UINT64_C(1) << 40, ds = UINT64_C(1) << 59;
	const struct pw_format *f = pw_format_find("arm64_4k_48");
	const uint64_t clean = 0x0068000123456fc3;
	struct pw_regime r;

	(void)state;
	assert_true(regime_with("arm64_4k_48", root, 2, tcr_48(0), &r));
	assert_int_equal(0, f->attr(f, &r, 0, clean) & (PW_WRITE | PW_DBM));
	assert_true(regime_with("arm64_4k_48", root, 2, tcr_48(hd), &r));
	assert_int_equal(PW_WRITE, f->attr(f, &r, 0, clean) & (PW_WRITE | PW_DBM));
	assert_true(regime_with("arm64_4k_48", root, 2, tcr_48(ds), &r));
	assert_int_equal(PW_LEAF, f->kind(f, &r, 0, 0x0069000123456e43));
	assert_int_equal(0x0009000123456000, f->page(f, &r, 0, 0x0069000123456e43));
	assert_int_equal(0x000c000041234000, f->table(f, &r, 2, 0x0000000041234303));
	/* EPD0 or EPD1 forbids one of the two walks. */
	assert_true(regime_with("arm64_4k_48", root, 2, tcr_48(1 << 7), &r));
	assert_int_equal(1, r.spans);
	assert_int_equal(0x42000000, r.span[0].table);
	assert_int_equal(0xffff000000000000, r.span[0].first);
	assert_true(regime_with("arm64_4k_48", root, 2, tcr_48(1 << 23), &r));
	assert_int_equal(1, r.spans);
	assert_int_equal(0x41000000, r.span[0].table);
	assert_false(regime_with("arm64_4k_48", root, 1, tcr_48(1 << 7), &r));
	/* A TCR_EL1 for another size or granule. */
	assert_false(regime_with("arm64_4k_39", root, 1, tcr_48(0), &r));
	assert_false(regime_with("arm64_16k_48", root, 1, tcr_48(0), &r));
	assert_false(regime_with("arm64_4k_48", root, 2, tcr_48(1 << 17), &r));
	assert_true(regime_with("arm64_4k_48", root, 1, tcr_48(1 << 17), &r));
	/* 52-bit addresses of 4K pages need DS. */
	assert_false(regime_with("arm64_4k_52", root, 1,
				 (struct pw_registers){ .known = PW_REGISTER_TCR, .tcr = 0xc },
				 &r));
}

static void expect_span(const struct pw_span *span, pw_va first, pw_va last, pw_pa table,
			unsigned top, unsigned bits)
{
	assert_int_equal(first, span->first);
	assert_int_equal(last, span->last);
	assert_int_equal(table, span->table);
	assert_int_equal(top, span->top);
	assert_int_equal(bits, span->top_bits);
}

static struct pw_registers ttbcr(uint64_t value)
{
	return (struct pw_registers){ .known = PW_REGISTER_TCR, .tcr = value };
}

/* The spans of TTBR0 and TTBR1 by TTBCR: DDI0406C B3.6.4; Linux with and without CONFIG_CPU_TTBR0_PAN. */
static void lpae_ttbcr(void **state)
{
	const uint64_t eae = UINT64_C(1) << 31, root[2] = { 0x41000000, 0x42004000 };
	const uint64_t pan[2] = { UINT64_C(0x50000422bab40), 0x40203000 };
	struct pw_regime r;

	(void)state;
	/* T1SZ 2, as in a 3G/1G split: TTBR1 has the last gigabyte, from a table of level 1 on. */
	assert_true(regime_with("arm_lpae", root, 2, ttbcr(eae | 2 << 16), &r));
	assert_int_equal(2, r.spans);
	expect_span(&r.span[0], 0, 0xbfffffff, 0x41000000, 2, 2);
	expect_span(&r.span[1], 0xc0000000, 0xffffffff, 0x42004000, 1, 9);
	/* User access is off: T0SZ 7 and EPD0. TTBR1 has all but the first 32 MiB, from a complete pgd. */
	assert_true(regime_with("arm_lpae", root, 2, ttbcr(eae | 7 | 1 << 7 | 1 << 22), &r));
	assert_int_equal(1, r.spans);
	expect_span(&r.span[0], 0x2000000, 0xffffffff, 0x42004000, 2, 2);
	assert_int_equal(1, r.span[0].root);
	/* The same as Linux 7.2 has it: TTBR0 is a process's pgd, which need not be aligned to a table of T0SZ 7. */
	assert_true(regime_with("arm_lpae", pan, 2, ttbcr(0xb5403587), &r));
	assert_int_equal(1, r.spans);
	expect_span(&r.span[0], 0x2000000, 0xffffffff, 0x40203000, 2, 2);
	assert_false(regime_with("arm_lpae", pan, 2, ttbcr(0xb5403507), &r));
	/* User access is on: TTBR0 has everything. */
	assert_true(regime_with("arm_lpae", root, 2, ttbcr(eae), &r));
	assert_int_equal(1, r.spans);
	expect_span(&r.span[0], 0, 0xffffffff, 0x41000000, 2, 2);
	/* Both sizes are given; between the two spans there is nothing. */
	assert_true(regime_with("arm_lpae", root, 2, ttbcr(eae | 2 | 3 << 16), &r));
	expect_span(&r.span[0], 0, 0x3fffffff, 0x41000000, 1, 9);
	expect_span(&r.span[1], 0xe0000000, 0xffffffff, 0x42004000, 1, 8);
	assert_false(regime_with("arm_lpae", root, 2, ttbcr(2 << 16), &r));
	assert_false(regime_with("arm", root, 2, ttbcr(eae), &r));
	/* Short descriptors: N. */
	assert_false(regime_with("arm", root, 2, ttbcr(0), &r) && r.spans != 1);
	assert_true(regime_with("arm", root, 2, ttbcr(2), &r));
	expect_span(&r.span[0], 0, 0x3fffffff, 0x41000000, 1, 12);
	expect_span(&r.span[1], 0x40000000, 0xffffffff, 0x42004000, 1, 12);
	assert_int_equal(1023, r.span[0].top_last);
	assert_false(regime_with("arm", root, 2, (struct pw_registers){ 0 }, &r));
}

/* Memory types: for the hardware an index, for Linux the type that it puts into PRRR or MAIR. */
static void memory_types(void **state)
{
	static const struct {
		const char *format;
		unsigned level;
		uint64_t entry;
		enum pw_memtype type;
	} vectors[] = {
		{ "arm", 0, 0x86000643, PW_MEM_DEVICE }, /* L_PTE_MT_UNCACHED: strongly ordered */
		{ "arm", 0, 0x86000647, PW_MEM_WRITE_COMBINING }, /* BUFFERABLE */
		{ "arm", 0, 0x8600064b, PW_MEM_WRITE_THROUGH },
		{ "arm", 0, 0x8600064f, PW_MEM_NORMAL }, /* WRITEBACK */
		{ "arm", 0, 0x86000653, PW_MEM_DEVICE }, /* DEV_SHARED */
		{ "arm", 0, 0x8600065f, PW_MEM_NORMAL }, /* WRITEALLOC */
		{ "arm", 0, 0x86000667, PW_MEM_WRITE_COMBINING }, /* DEV_WC */
		{ "arm", 0, 0x86000673, PW_MEM_DEVICE }, /* DEV_NONSHARED */
		{ "arm", 1, 0x4021141e, PW_MEM_NORMAL }, /* TEX 1, C, B */
		{ "arm", 1, 0x40200406, PW_MEM_WRITE_COMBINING }, /* only B */
		{ "arm", 1, 0x40201402, PW_MEM_DEVICE }, /* TEX 1 */
		{ "arm_lpae", 0, 0xffe00f43, PW_MEM_DEVICE },
		{ "arm_lpae", 0, 0xffe00f47, PW_MEM_WRITE_COMBINING },
		{ "arm_lpae", 0, 0xffe00f53, PW_MEM_DEVICE },
		{ "arm_lpae", 0, 0xffe00f5f, PW_MEM_NORMAL },
		{ "arm64", 0, 0x0068000123456f43, PW_MEM_NORMAL },
		{ "arm64", 0, 0x0068000123456f47, PW_MEM_NORMAL }, /* MT_NORMAL_TAGGED */
		{ "arm64", 0, 0x0068000123456f4b, PW_MEM_WRITE_COMBINING }, /* MT_NORMAL_NC */
		{ "arm64", 0, 0x0068000123456f4f, PW_MEM_DEVICE }, /* MT_DEVICE_nGnRnE */
		{ "arm64", 0, 0x0068000123456f53, PW_MEM_DEVICE }, /* MT_DEVICE_nGnRE */
		{ "arm64", 0, 0x0068000123456f5f, PW_MEM_INDEX_7 }, /* not filled */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct pw_regime hw = regime(vectors[i].format, PW_VIEW_HARDWARE, 0);
		struct pw_regime lx = regime(vectors[i].format, PW_VIEW_LINUX, 0);
		unsigned level = vectors[i].level;
		uint32_t by_hw = hw.format->attr(hw.format, &hw, level, vectors[i].entry);
		uint32_t by_lx = lx.format->attr(lx.format, &lx, level, vectors[i].entry);

		/* The index is in bits 4:2, or, in short descriptors, in TEX[0]:C:B. */
		assert_true((by_hw & PW_MEMTYPE_MASK) >> PW_MEMTYPE_SHIFT >= PW_MEM_INDEX_0);
		if (lx.format->entry_lg2 == 3)
			assert_int_equal(PW_MEM_INDEX_0 + (vectors[i].entry >> 2 & 7),
					 (by_hw & PW_MEMTYPE_MASK) >> PW_MEMTYPE_SHIFT);
		assert_int_equal(vectors[i].type, (by_lx & PW_MEMTYPE_MASK) >> PW_MEMTYPE_SHIFT);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arm_level_1),  cmocka_unit_test(arm_level_0),
		cmocka_unit_test(arm_lpae),     cmocka_unit_test(arm64_leaves),
		cmocka_unit_test(arm64_holes),  cmocka_unit_test(arm64_granules),
		cmocka_unit_test(arm64_tcr),    cmocka_unit_test(lpae_ttbcr),
		cmocka_unit_test(memory_types),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
