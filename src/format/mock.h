/* SPDX-License-Identifier: MIT */
/*
 * Mock: an architecture that does not exist. It has every feature that a format can have. Its tables
 * are so small that a test can try them all. This is its manual.
 *
 *  level 3   level 2   level 1   level 0
 *  top       upper     middle    page
 *  2 bits    3 bits    2 bits    3 bits (4K pages) or 2 bits (8K pages), 8 bytes, little-endian
 *  1M each   128K      32K       4K or 8K; 4M in all
 *
 *  63 62 61    60   59  58  55  54  53  52 51  50 49   48 47           12 11 10  9   8  7 6 5 4 3 2 1 0
 * +--+--+----+----+----+------+----+------+------+-------+---------------+-----+---+---+-+-+-+-+-+-+-+-+
 * |KX|UX|    |    |spc2|  0   | 8K | next | last | first |    address    |type |grp|spc|G|D|A|U|W|R|L|P|
 * +--+--+----+----+----+------+----+------+------+-------+---------------+-----+---+---+-+-+-+-+-+-+-+-+
 *
 * P      present. L: a leaf; at level 0 it must be set, at level 3 it must not.
 * R W U  may be read, may be written (needs R), user mode has access; KX, UX: the kernel, user mode may
 *        execute.
 *        Permissions are the AND over all levels.
 * A D G  accessed, dirty, global. The hardware does not use a leaf whose A is clear: it traps.
 * spc    software: the page behind it may not be taken. From kernel 7.0 on, the bit is spc2.
 * grp    one of a group of alike leaves: 16K at level 0, 64K at level 1. The TLB holds them as one page,
 *        and address bits below that size are ignored.
 * type   of memory: normal, write-combining, device; 3 is reserved.
 *
 * In a table entry:
 * first, last  quarters of the table below that exist, as s390's TF and TL.
 * next   level of that table. It is below this entry's level, but need not be the next below. If it is
 *        not, the table covers only the lowest part of the entry's range.
 * 8K     a table of level 0 below level 1 has four entries of 8K in place of eight of 4K.
 *
 * The hardware ignores an entry without P. The kernel uses it. Bit 60 marks a page of PROT_NONE, with its
 * address in place (and with L above level 0). Bit 61 marks a swap type in 6:2, with "exclusive" in 7 and the
 * offset in 47:12. An empty entry has its level in 9:8; an entry of all zeros is empty, too.
 *
 * Everything else must be zero. The root word:
 *
 *  47                       12          5        4       3   2  1   0
 * +---------------------------+-----+--------+--------+-------+-------+
 * |      top table            |  0  | mirror | enable | last  | level |
 * +---------------------------+-----+--------+--------+-------+-------+
 *
 * The first root translates addresses from 0 on. A second root translates the addresses that end at
 * 2^64-1. A single root may have `mirror` set: it then translates these addresses, too.
 */
#ifndef PW_FORMAT_MOCK_H
#define PW_FORMAT_MOCK_H

#include "format/linux.h"

enum {
	MOCK_P = 1 << 0,
	MOCK_L = 1 << 1,
	MOCK_R = 1 << 2,
	MOCK_W = 1 << 3,
	MOCK_U = 1 << 4,
	MOCK_A = 1 << 5,
	MOCK_D = 1 << 6,
	MOCK_G = 1 << 7,
	MOCK_SPECIAL = 1 << 8, /* before 7.0 */
	MOCK_GROUP = 1 << 9,
	MOCK_TYPE_SHIFT = 10,
	MOCK_FIRST_SHIFT = 48,
	MOCK_LAST_SHIFT = 50,
	MOCK_NEXT_SHIFT = 52,
	MOCK_EMPTY_SHIFT = 8,
	MOCK_SWAP_SHIFT = 2,

	MOCK_ROOT_LEVEL = 0x3,
	MOCK_ROOT_LAST_SHIFT = 2,
	MOCK_ROOT_ENABLE = 0x10,
	MOCK_ROOT_MIRROR = 0x20,
};
static const uint64_t MOCK_ADDRESS = UINT64_C(0x0000fffffffff000);
static const uint64_t MOCK_8K = UINT64_C(1) << 54;
static const uint64_t MOCK_RESERVED = UINT64_C(0x378) << 52; /* 61, 60, 58:55 */
static const uint64_t MOCK_SPECIAL_7_0 = UINT64_C(1) << 59;
static const uint64_t MOCK_PROTNONE = UINT64_C(1) << 60;
static const uint64_t MOCK_SWAP = UINT64_C(1) << 61;
static const uint64_t MOCK_UX = UINT64_C(1) << 62;
static const uint64_t MOCK_KX = UINT64_C(1) << 63;
/* The bits that only a leaf has, and those that only a table entry has. */
static const uint64_t MOCK_LEAF_ONLY = UINT64_C(0x0800000000000fe0);
static const uint64_t MOCK_TABLE_ONLY = UINT64_C(0x007f000000000000);
static const uint64_t MOCK_ROOT_RESERVED = ~UINT64_C(0x0000fffffffff03f);
static const uint16_t MOCK_KERNEL_SPECIAL = 0x0700;

static inline unsigned mock_next(uint64_t e)
{
	return (unsigned)(e >> MOCK_NEXT_SHIFT) & 3;
}

static inline unsigned mock_page_lg2(const struct pw_format *f, const struct pw_regime *r,
				     unsigned level, uint64_t e)
{
	if (e & MOCK_GROUP)
		return level == 0 ? 14 : 16;
	return f->shift[level];
}

static inline uint64_t mock_special(const struct pw_regime *r)
{
	return r->kernel >= MOCK_KERNEL_SPECIAL ? MOCK_SPECIAL_7_0 : (uint64_t)MOCK_SPECIAL;
}

/* The kind of a present entry, from its encoding alone. */
static inline enum pw_kind mock_decode(const struct pw_format *f, const struct pw_regime *r,
				       unsigned level, uint64_t e)
{
	uint64_t other = mock_special(r) ^ (MOCK_SPECIAL | MOCK_SPECIAL_7_0);

	if ((e & (MOCK_RESERVED | other)) || (e & (MOCK_R | MOCK_W)) == MOCK_W)
		return PW_HOLE;
	if (!(e & MOCK_L)) {
		bool valid = level > 0 && !(e & MOCK_LEAF_ONLY) && mock_next(e) < level &&
			     (e >> MOCK_FIRST_SHIFT & 3) <= (e >> MOCK_LAST_SHIFT & 3) &&
			     (!(e & MOCK_8K) || level == 1);

		return valid ? PW_TABLE : PW_HOLE;
	}
	if (level == 3 || (e & MOCK_TABLE_ONLY) || (e >> MOCK_TYPE_SHIFT & 3) == 3)
		return PW_HOLE;
	if (e & MOCK_GROUP)
		return level < 2 ? PW_LEAF : PW_HOLE;
	return e & MOCK_ADDRESS & pw_mask(f->shift[level]) ? PW_HOLE : PW_LEAF;
}

static inline enum pw_kind mock_kind(const struct pw_format *f, const struct pw_regime *r,
				     unsigned level, uint64_t e)
{
	enum pw_kind kind;

	if (!(e & MOCK_P))
		return PW_HOLE;
	kind = mock_decode(f, r, level, e);
	if (kind == PW_LEAF && r->view == PW_VIEW_HARDWARE && !(e & MOCK_A))
		return PW_HOLE;
	return kind;
}

static inline pw_pa mock_table(const struct pw_format *f, const struct pw_regime *r, unsigned level,
			       uint64_t e)
{
	return e & MOCK_ADDRESS;
}

static inline pw_pa mock_page(const struct pw_format *f, const struct pw_regime *r, unsigned level,
			      uint64_t e)
{
	return e & MOCK_ADDRESS & ~pw_mask(mock_page_lg2(f, r, level, e));
}

static inline unsigned mock_next_bits(const struct pw_format *f, const struct pw_regime *r,
				      uint64_t e)
{
	return e & MOCK_8K ? 2 : 3;
}

static inline unsigned mock_next_level(const struct pw_format *f, const struct pw_regime *r,
				       unsigned level, uint64_t e)
{
	return mock_next(e);
}

/* @level is one above the level of the table, even if the entry is higher up. */
static inline bool mock_admits(const struct pw_format *f, const struct pw_regime *r, unsigned level,
			       uint64_t e, uint32_t index)
{
	unsigned bits = level == 1 ? mock_next_bits(f, r, e) : r->format->bits[level - 1];
	unsigned quarter = index >> (bits - 2);

	return quarter >= (e >> MOCK_FIRST_SHIFT & 3) && quarter <= (e >> MOCK_LAST_SHIFT & 3);
}

static inline uint32_t mock_permissions(uint64_t e)
{
	uint32_t attr = 0;

	attr |= e & MOCK_R ? PW_READ : 0;
	attr |= e & MOCK_W ? PW_WRITE : 0;
	attr |= e & MOCK_U ? PW_USER : 0;
	attr |= e & MOCK_UX ? PW_EXEC : 0;
	attr |= e & MOCK_KX ? PW_KEXEC : 0;
	return attr;
}

static inline uint32_t mock_attr(const struct pw_format *f, const struct pw_regime *r,
				 unsigned level, uint64_t e)
{
	static const enum pw_memtype type[] = { PW_MEM_NORMAL, PW_MEM_WRITE_COMBINING,
						PW_MEM_DEVICE, PW_MEM_DEVICE };
	uint32_t attr = mock_permissions(e);

	attr |= e & MOCK_A ? PW_ACCESSED : 0;
	attr |= e & MOCK_D ? PW_DIRTY : 0;
	attr |= e & MOCK_G ? PW_GLOBAL : 0;
	attr |= e & MOCK_GROUP ? PW_CONTIGUOUS : 0;
	if (r->view == PW_VIEW_LINUX && (e & mock_special(r)))
		attr |= PW_SPECIAL;
	return attr | pw_memtype_attr(type[e >> MOCK_TYPE_SHIFT & 3]);
}

static inline uint32_t mock_keep(const struct pw_format *f, const struct pw_regime *r,
				 unsigned level, uint64_t e)
{
	return mock_permissions(e) | PW_GLOBAL;
}

static inline enum pw_status mock_hole(const struct pw_format *f, const struct pw_regime *r,
				       unsigned level, uint64_t e, pw_pa *pa)
{
	if (e & MOCK_P)
		return mock_decode(f, r, level, e) == PW_LEAF ? PW_NONE : PW_MALFORMED;
	if (r->view == PW_VIEW_HARDWARE)
		return PW_NONE;
	if ((e & MOCK_PROTNONE) && level < 3) {
		*pa = mock_page(f, r, level, e);
		return PW_PROT_NONE;
	}
	return e & MOCK_SWAP ? pw_linux_swap(r, level, (unsigned)(e >> MOCK_SWAP_SHIFT) & 31)
			     : PW_NONE;
}

static inline uint64_t mock_make_empty(const struct pw_format *f, const struct pw_regime *r,
				       unsigned level)
{
	return (uint64_t)level << MOCK_EMPTY_SHIFT;
}

/* The bits of a leaf that depend on @attr. */
static inline uint64_t mock_attr_bits(const struct pw_regime *r, uint32_t attr)
{
	uint64_t e = MOCK_P | MOCK_L;

	e |= attr & PW_READ ? MOCK_R : 0;
	e |= attr & PW_WRITE ? MOCK_W | MOCK_R : 0;
	e |= attr & PW_USER ? MOCK_U : 0;
	e |= attr & PW_ACCESSED ? MOCK_A : 0;
	e |= attr & PW_DIRTY ? MOCK_D : 0;
	e |= attr & PW_GLOBAL ? MOCK_G : 0;
	e |= attr & PW_SPECIAL ? mock_special(r) : 0;
	if (attr & PW_EXEC)
		e |= attr & PW_USER ? MOCK_UX : MOCK_KX;
	return e;
}

static inline uint64_t mock_make_leaf(const struct pw_format *f, const struct pw_regime *r,
				      unsigned level, pw_pa pa, uint32_t attr)
{
	return pa | mock_attr_bits(r, attr);
}

static inline uint64_t mock_make_table(const struct pw_format *f, const struct pw_regime *r,
				       unsigned level, pw_pa pa)
{
	return pa | MOCK_P | MOCK_R | MOCK_W | MOCK_U | MOCK_UX | MOCK_KX |
	       UINT64_C(3) << MOCK_LAST_SHIFT | (uint64_t)(level - 1) << MOCK_NEXT_SHIFT;
}

static inline uint64_t mock_make_prot_none(const struct pw_format *f, const struct pw_regime *r,
					   unsigned level, pw_pa pa)
{
	return pa | MOCK_PROTNONE | (level > 0 ? MOCK_L : 0);
}

static inline struct pw_soft_layout mock_soft(const struct pw_format *f, const struct pw_regime *r,
					      unsigned level)
{
	if (level == 3)
		return (struct pw_soft_layout){ 0 };
	return (struct pw_soft_layout){
		.type_shift = MOCK_SWAP_SHIFT,
		.offset_shift = 12,
		.offset_bits = 36,
		.exclusive = 1 << 7,
		.fixed = MOCK_SWAP,
	};
}

static inline uint64_t mock_change_attr(const struct pw_format *f, const struct pw_regime *r,
					unsigned level, uint64_t e, uint32_t attr)
{
	uint64_t kept = MOCK_ADDRESS | MOCK_GROUP | UINT64_C(3) << MOCK_TYPE_SHIFT;

	return (e & kept) | mock_attr_bits(r, attr);
}

static inline uint64_t mock_join(const struct pw_format *f, const struct pw_regime *r,
				 unsigned level, uint64_t leaf, unsigned group_lg2)
{
	return leaf | MOCK_GROUP;
}

static inline uint64_t mock_make_root(const struct pw_format *f, const struct pw_regime *r,
				      pw_pa pa, unsigned top)
{
	return pa | MOCK_ROOT_ENABLE | UINT64_C(3) << MOCK_ROOT_LAST_SHIFT | top;
}

static inline int mock_root(struct pw_regime *r, const uint64_t *word, unsigned count,
			    struct pw_error *error)
{
	bool mirror = word[0] & MOCK_ROOT_MIRROR;

	for (unsigned i = 0; i < count; i++) {
		unsigned top = (unsigned)word[i] & MOCK_ROOT_LEVEL;
		unsigned last = (unsigned)(word[i] >> MOCK_ROOT_LAST_SHIFT) & 3;
		unsigned quarter = 1u << (r->format->bits[top] - 2);

		if ((word[i] & MOCK_ROOT_RESERVED) || !(word[i] & MOCK_ROOT_ENABLE))
			return pw_fail(error, EINVAL,
				       "root 0x%llx of the mock format must have bit 4 set, and "
				       "bits 63:48 and 11:6 clear",
				       (unsigned long long)word[i]);
		pw_span_low(&r->span[i], r->format, top, word[i] & MOCK_ADDRESS);
		r->span[i].root = (uint8_t)i;
		r->span[i].top_last = (last + 1) * quarter - 1;
	}
	if (count > 1 && (mirror || (word[1] & MOCK_ROOT_MIRROR)))
		return pw_fail(error, EINVAL,
			       "of two roots of the mock format, 0x%llx and 0x%llx, none may have "
			       "its mirror bit (5) set",
			       (unsigned long long)word[0], (unsigned long long)word[1]);
	if (mirror) {
		r->span[1] = r->span[0];
		r->span[1].alias = true;
	}
	if (count > 1 || mirror) {
		r->span[1].first = ~r->span[1].last;
		r->span[1].last = ~UINT64_C(0);
		r->spans = 2;
	}
	return 0;
}

extern const struct pw_instance pw_instance_mock;
extern const struct pw_words pw_words_mock;

static const struct pw_format pw_format_mock = {
	.name = "mock",
	.title = "an architecture that does not exist, for tests",
	.config = PW_CONFIG_MEMORY_FAILURE | PW_CONFIG_DEVICE_PRIVATE,
	.root_name = "root word",
	.level_name = { "page", "middle", "upper", "top" },
	.levels = 4,
	.shift = { 12, 15, 17, 20 },
	.bits = { 3, 2, 3, 2 },
	.entry_lg2 = 3,
	.leaf_levels = 0x7,
	.page_field = { 47, 12 },
	.groups = { 1 << 2, 1 << 1 },
	.max_roots = 2,
	.dynamic_top = true,
	.root = mock_root,
	.kind = mock_kind,
	.table = mock_table,
	.page = mock_page,
	.page_lg2 = mock_page_lg2,
	.attr = mock_attr,
	.keep = mock_keep,
	.hole = mock_hole,
	.admits = mock_admits,
	.next_bits = mock_next_bits,
	.next_level = mock_next_level,
	.make_empty = mock_make_empty,
	.make_leaf = mock_make_leaf,
	.make_table = mock_make_table,
	.make_prot_none = mock_make_prot_none,
	.change_attr = mock_change_attr,
	.join = mock_join,
	.soft = mock_soft,
	.make_root = mock_make_root,
	.words = &pw_words_mock,
	.instance = &pw_instance_mock,
};

#endif
