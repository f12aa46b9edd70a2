/* SPDX-License-Identifier: MIT */
/*
 * AMD IOMMU, host page tables ("v1").
 * AMD I/O Virtualization Technology Specification (48882) 2.2.3 "I/O Page Tables for Host
 * Translations"; Linux drivers/iommu/amd/io_pgtable.c, amd_iommu_types.h and
 * drivers/iommu/generic_pt/fmt/amdv1.h.
 *
 *  level 5   level 4   level 3   level 2   level 1   level 0
 *  7 bits    9 bits    9 bits    9 bits    9 bits    9 bits, 8 bytes, little-endian
 *
 *  63 62 61 60  59 58  52 51                      12 11    9 8   7  6   5  4      1  0
 * +--+--+--+--+---+------+--------------------------+-------+-----+---+---+---------+---+
 * |  |IW|IR|FC| U |  0   |         address          | level |     | D | A |         |PR |
 * +--+--+--+--+---+------+--------------------------+-------+-----+---+---+---------+---+
 *
 * The field `level` tells the kinds of entries apart:
 *  1..6  a table. The specification counts levels from 1, so its level here is one less.
 *  0     a leaf of its level's size.
 *  7     a leaf of another size. All entries that it covers hold the same value. The address holds the
 *        size: the highest offset bit is zero, and all bits below it are one.
 *
 * An entry can skip levels: its table may be more than one level below it. Such a table covers only the
 * lowest part of the entry's addresses.
 *
 * The root is the first doubleword of the device-table entry: V 0, TV 1, Mode 11:9 (levels), table
 * 51:12, IR 61, IW 62. A device has no privilege levels and cannot fetch instructions.
 */
#ifndef PW_FORMAT_AMDV1_H
#define PW_FORMAT_AMDV1_H

#include "format/linux.h"

enum {
	AMDV1_PRESENT = 0x1,
	AMDV1_ACCESSED = 0x20,
	AMDV1_DIRTY = 0x40,
	AMDV1_LEVEL = 0xe00,
	AMDV1_LEVEL_SHIFT = 9,
	AMDV1_LEVEL_SIZE = 7, /* the address holds the size */
	AMDV1_TOP = 5,
	AMDV1_SOFT_TYPE_SHIFT = 2,

	AMDV1_DTE_VALID = 0x1,
	AMDV1_DTE_TRANSLATION = 0x2,
};
static const uint64_t AMDV1_RESERVED = UINT64_C(0x7f) << 52;
static const uint64_t AMDV1_FC = UINT64_C(1) << 60;
static const uint64_t AMDV1_IR = UINT64_C(1) << 61;
static const uint64_t AMDV1_IW = UINT64_C(1) << 62;
static const uint64_t AMDV1_SOFT = UINT64_C(1) << 63; /* if PR is clear: amdv1_soft() */

static inline unsigned amdv1_level(uint64_t e)
{
	return (unsigned)(e & AMDV1_LEVEL) >> AMDV1_LEVEL_SHIFT;
}

/* log2 of the size that an address encodes by the ones at its low end. Without any it is 13. */
static inline unsigned amdv1_encoded_lg2(const struct pw_regime *r, uint64_t e)
{
	return 13 + (unsigned)__builtin_ctzll(~((e & r->address_mask) >> 12));
}

static inline unsigned amdv1_page_lg2(const struct pw_format *f, const struct pw_regime *r,
				      unsigned level, uint64_t e)
{
	return amdv1_level(e) == AMDV1_LEVEL_SIZE ? amdv1_encoded_lg2(r, e) : f->shift[level];
}

/* A leaf has at least its level's size, less than the next level's, and at most 2^52 bytes. */
static inline bool amdv1_size_valid(const struct pw_format *f, const struct pw_regime *r,
				    unsigned level, uint64_t e)
{
	unsigned lg2 = amdv1_encoded_lg2(r, e);

	return lg2 >= f->shift[level] && lg2 < f->shift[level] + 9u && lg2 <= 52;
}

static inline enum pw_kind amdv1_kind(const struct pw_format *f, const struct pw_regime *r,
				      unsigned level, uint64_t e)
{
	unsigned next = amdv1_level(e);

	if (PW_UNLIKELY(!(e & AMDV1_PRESENT) || (e & AMDV1_RESERVED)))
		return PW_HOLE;
	/* A table of the highest level has no leaves: table 15 of the specification. */
	if (PW_LIKELY(next == 0))
		return level < AMDV1_TOP ? PW_LEAF : PW_HOLE;
	if (next == AMDV1_LEVEL_SIZE)
		return level < AMDV1_TOP && amdv1_size_valid(f, r, level, e) ? PW_LEAF : PW_HOLE;
	return next <= level ? PW_TABLE : PW_HOLE;
}

static inline unsigned amdv1_next_level(const struct pw_format *f, const struct pw_regime *r,
					unsigned level, uint64_t e)
{
	return amdv1_level(e) - 1;
}

static inline pw_pa amdv1_table(const struct pw_format *f, const struct pw_regime *r,
				unsigned level, uint64_t e)
{
	return e & r->address_mask;
}

static inline pw_pa amdv1_page(const struct pw_format *f, const struct pw_regime *r, unsigned level,
			       uint64_t e)
{
	return e & r->address_mask & ~pw_mask(amdv1_page_lg2(f, r, level, e));
}

/* The device-table entry takes permissions away, as a table entry does. */
static inline uint32_t amdv1_attr(const struct pw_format *f, const struct pw_regime *r,
				  unsigned level, uint64_t e)
{
	uint64_t allowed = e & r->root[0];
	uint32_t attr = PW_USER;

	attr |= allowed & AMDV1_IR ? PW_READ : 0;
	attr |= allowed & AMDV1_IW ? PW_WRITE : 0;
	attr |= e & AMDV1_ACCESSED ? PW_ACCESSED : 0;
	attr |= e & AMDV1_DIRTY ? PW_DIRTY : 0;
	attr |= amdv1_level(e) == AMDV1_LEVEL_SIZE ? PW_CONTIGUOUS : 0;
	/* Without FC (force coherent), each request says whether it snoops caches. */
	return attr | pw_memtype_attr(e & AMDV1_FC ? PW_MEM_NORMAL : PW_MEM_INDEXED);
}

static inline uint32_t amdv1_keep(const struct pw_format *f, const struct pw_regime *r,
				  unsigned level, uint64_t e)
{
	return PW_KEEP_ALL & (e & AMDV1_IR ? PW_KEEP_ALL : ~(uint32_t)PW_READ) &
	       (e & AMDV1_IW ? PW_KEEP_ALL : ~(uint32_t)PW_WRITE);
}

/* Linux keeps nothing of its own in an IOMMU's tables. The Linux view shows the entries of amdv1_soft(). */
static inline enum pw_status amdv1_hole(const struct pw_format *f, const struct pw_regime *r,
					unsigned level, uint64_t e, pw_pa *pa)
{
	if (e & AMDV1_PRESENT)
		return PW_MALFORMED;
	if (r->view == PW_VIEW_HARDWARE || !(e & AMDV1_SOFT) || level == AMDV1_TOP)
		return PW_NONE;
	return pw_linux_swap(r, level, (unsigned)(e >> AMDV1_SOFT_TYPE_SHIFT) & 31);
}

static inline uint64_t amdv1_make_empty(const struct pw_format *f, const struct pw_regime *r,
					unsigned level)
{
	return 0;
}

static inline uint64_t amdv1_attr_bits(uint32_t attr)
{
	uint64_t e = AMDV1_PRESENT | AMDV1_FC;

	e |= attr & PW_READ ? AMDV1_IR : 0;
	e |= attr & PW_WRITE ? AMDV1_IW : 0;
	e |= attr & PW_ACCESSED ? AMDV1_ACCESSED : 0;
	e |= attr & PW_DIRTY ? AMDV1_DIRTY : 0;
	return e;
}

static inline uint64_t amdv1_make_leaf(const struct pw_format *f, const struct pw_regime *r,
				       unsigned level, pw_pa pa, uint32_t attr)
{
	return pa | amdv1_attr_bits(attr);
}

static inline uint64_t amdv1_make_table(const struct pw_format *f, const struct pw_regime *r,
					unsigned level, pw_pa pa)
{
	return pa | AMDV1_PRESENT | AMDV1_IR | AMDV1_IW | (uint64_t)level << AMDV1_LEVEL_SHIFT;
}

/* Of pagewalk's own, where the hardware ignores all bits: Linux keeps nothing of its own in these tables. */
static inline struct pw_soft_layout amdv1_soft(const struct pw_format *f, const struct pw_regime *r,
					       unsigned level)
{
	if (level == AMDV1_TOP)
		return (struct pw_soft_layout){ 0 };
	return (struct pw_soft_layout){
		.type_shift = AMDV1_SOFT_TYPE_SHIFT,
		.offset_shift = 12,
		.offset_bits = 40,
		.exclusive = 1 << 7,
		.fixed = AMDV1_SOFT,
	};
}

static inline uint64_t amdv1_change_attr(const struct pw_format *f, const struct pw_regime *r,
					 unsigned level, uint64_t e, uint32_t attr)
{
	uint64_t decided = AMDV1_FC | AMDV1_IR | AMDV1_IW | AMDV1_ACCESSED | AMDV1_DIRTY;

	return (e & ~decided) | amdv1_attr_bits(attr);
}

/* All entries of the group are the same: the address holds the size. */
static inline uint64_t amdv1_join(const struct pw_format *f, const struct pw_regime *r,
				  unsigned level, uint64_t leaf, unsigned group_lg2)
{
	unsigned lg2 = f->shift[level] + group_lg2;

	return (leaf & ~(r->address_mask & pw_mask(lg2))) | (pw_mask(lg2 - 1) & ~pw_mask(12)) |
	       AMDV1_LEVEL;
}

static inline uint64_t amdv1_make_root(const struct pw_format *f, const struct pw_regime *r,
				       pw_pa pa, unsigned top)
{
	return pa | AMDV1_DTE_VALID | AMDV1_DTE_TRANSLATION | AMDV1_IR | AMDV1_IW |
	       (uint64_t)(top + 1) << AMDV1_LEVEL_SHIFT;
}

static inline int amdv1_root(struct pw_regime *r, const uint64_t *word, unsigned count,
			     struct pw_error *error)
{
	const unsigned valid = AMDV1_DTE_VALID | AMDV1_DTE_TRANSLATION;
	unsigned mode = amdv1_level(word[0]);

	if ((word[0] & valid) != valid)
		return pw_fail(error, EINVAL,
			       "device-table entry 0x%llx has no page table: V (bit 0) and TV "
			       "(bit 1) must be set. The root word is the entry's first doubleword",
			       (unsigned long long)word[0]);
	if (mode == 0)
		return pw_fail(error, EINVAL,
			       "device-table entry 0x%llx has mode 0: this device's addresses are "
			       "not translated, so there is no table to walk",
			       (unsigned long long)word[0]);
	if (mode > AMDV1_TOP + 1)
		return pw_fail(error, EINVAL,
			       "device-table entry 0x%llx has mode 7 in bits 11:9, which is "
			       "reserved; tables have 1 to 6 levels",
			       (unsigned long long)word[0]);
	pw_span_low(&r->span[0], r->format, mode - 1, word[0] & r->address_mask);
	return 0;
}

extern const struct pw_instance pw_instance_amdv1;
extern const struct pw_words pw_words_amdv1;

static const struct pw_format pw_format_amdv1 = {
	.name = "amdv1",
	.title = "AMD IOMMU v1, 1 to 6 levels as the device-table entry says",
	.root_name = "device-table entry",
	.level_name = { "level-1", "level-2", "level-3", "level-4", "level-5", "level-6" },
	.levels = 6,
	.shift = { 12, 21, 30, 39, 48, 57 },
	.bits = { 9, 9, 9, 9, 9, 7 },
	.entry_lg2 = 3,
	.leaf_levels = 0x1f,
	.page_field = { 51, 12 },
	.groups = { 0x1fe, 0x1fe, 0x1fe, 0x1fe, 0x1e },
	.max_roots = 1,
	.dynamic_top = true,
	.root = amdv1_root,
	.kind = amdv1_kind,
	.table = amdv1_table,
	.page = amdv1_page,
	.page_lg2 = amdv1_page_lg2,
	.attr = amdv1_attr,
	.keep = amdv1_keep,
	.hole = amdv1_hole,
	.next_level = amdv1_next_level,
	.make_empty = amdv1_make_empty,
	.make_leaf = amdv1_make_leaf,
	.make_table = amdv1_make_table,
	.change_attr = amdv1_change_attr,
	.join = amdv1_join,
	.soft = amdv1_soft,
	.make_root = amdv1_make_root,
	.words = &pw_words_amdv1,
	.instance = &pw_instance_amdv1,
};

#endif
