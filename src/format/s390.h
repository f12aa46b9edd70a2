/* SPDX-License-Identifier: MIT */
/*
 * s390x dynamic address translation.
 * z/Architecture Principles of Operation (SA22-7832) chapter 3; Linux arch/s390/include/asm/pgtable.h
 * and, for the order of the hardware's checks, arch/s390/kvm/gaccess.c guest_translate().
 *
 *  level 4        level 3         level 2        level 1   level 0
 *  region-first   region-second   region-third   segment   pte
 *  11 bits        11 bits         11 bits        11 bits   8 bits, all 8 bytes, big-endian
 *
 * The ASCE holds the top level (DT), and the number of quarters of the top table that exist (TL). Each
 * region entry holds the quarters of the table below it that exist (TF..TL). So the format does not depend
 * on folding: a walk starts at the regime's own top.
 *
 *         63                      12 11 10  9   8    7 6   5   4   3 2  1 0
 *        +--------------------------+--+--+---+---+------+---+---+----+----+
 * region |          origin          |  |FC| P |IEP|  TF  | I |CR | TT | TL |
 *        +--------------------------+--+--+---+---+------+---+---+----+----+
 * segment|     origin ....  (11)    |  |FC| P |IEP|      | I |CS | TT | sw |
 *        +--------------------------+--+--+---+---+------+---+---+----+----+
 * pte    |          frame           |Z | I| P |IEP|        software        |
 *        +--------------------------+--+--+---+---+------------------------+
 *
 * The frame of a page is a real address. Results show the absolute address; for this the prefix of the CPU
 * must be known (pw_absolute). The architecture leaves open whether table origins are real or absolute.
 * Here, as in Linux's and QEMU's walkers, they are absolute.
 *
 * An old page (not young) is invalid for the hardware but present for Linux, so that Linux notices accesses.
 * So the two views differ on ordinary pages, not only on PROT_NONE.
 */
#ifndef PW_FORMAT_S390_H
#define PW_FORMAT_S390_H

#include "format/linux.h"

enum {
	/* All levels above the page table. */
	S390_FC = 0x400,
	S390_PROTECT = 0x200, /* also in a pte */
	S390_NOEXEC = 0x100, /* also in a pte */
	S390_TF = 0xc0,
	S390_INVALID = 0x20,
	S390_COMMON = 0x10,
	S390_TT = 0xc,
	S390_TL = 0x3,

	/* Page table. */
	S390_PTE_ZERO = 0x800, /* must be 0 */
	S390_PTE_INVALID = 0x400,
	S390_PTE_SPECIAL = 0x40,
	S390_PTE_WRITE = 0x20,
	S390_PTE_READ = 0x10,
	S390_PTE_DIRTY = 0x8,
	S390_PTE_YOUNG = 0x4,
	S390_PTE_SOFT_DIRTY = 0x2,
	S390_PTE_PRESENT = 0x1,

	/* Software bits of large segment and region-third entries. */
	S390_LARGE_DIRTY = 0x2000,
	S390_LARGE_YOUNG = 0x1000,
	S390_LARGE_WRITE = 0x8000, /* from 6.13 on */
	S390_LARGE_READ = 0x4000, /* from 6.13 on */
	S390_LARGE_PRESENT = 0x1, /* from 6.13 on, in table entries too */
	S390_LARGE_SOFT_DIRTY = 0x2, /* from 6.13 on */
	S390_LARGE_SOFT_DIRTY_6_1 = 0x4000,
	S390_SEGMENT_WRITE_6_1 = 0x2,
	S390_SEGMENT_READ_6_1 = 0x1,
	S390_REGION3_WRITE_6_1 = 0x1,
	S390_REGION3_READ_6_1 = 0x2,

	/* ASCE. */
	S390_ASCE_PRIVATE = 0x100,
	S390_ASCE_REAL = 0x20,
	S390_ASCE_DT = 0xc,
	S390_ASCE_TL = 0x3,
	S390_ASCE_USER_BITS = 0x1c0, /* private, alteration event, space switch: _ASCE_USER_BITS */
};
static const uint64_t S390_ORIGIN = ~UINT64_C(0xfff);
static const uint64_t S390_ORIGIN_PTE = ~UINT64_C(0x7ff); /* page tables are 2 KiB */
/* In this release, segment and region-third entries got a present bit, and READ and WRITE moved. */
static const uint16_t S390_KERNEL_PRESENT = 0x060d;

/* Table type of an entry: 0 segment, 4 region-third, 8 region-second, 0xc region-first. */
static inline unsigned s390_type(unsigned level)
{
	return (level - 1) << 2;
}

/* The software bits for WRITE and READ in a large leaf. They moved once. */
static inline unsigned s390_large_write(const struct pw_regime *r, unsigned level)
{
	if (r->kernel >= S390_KERNEL_PRESENT)
		return S390_LARGE_WRITE;
	return level == 1 ? S390_SEGMENT_WRITE_6_1 : S390_REGION3_WRITE_6_1;
}

static inline unsigned s390_large_read(const struct pw_regime *r, unsigned level)
{
	if (r->kernel >= S390_KERNEL_PRESENT)
		return S390_LARGE_READ;
	return level == 1 ? S390_SEGMENT_READ_6_1 : S390_REGION3_READ_6_1;
}

/* Does Linux treat this PTE as present and readable? */
static inline bool s390_pte_readable(uint64_t e)
{
	return (e & (S390_PTE_PRESENT | S390_PTE_READ)) == (S390_PTE_PRESENT | S390_PTE_READ);
}

/* A valid table of the right type and of full length. A segment or a region-third may also be a leaf. */
static inline bool s390_passes(const struct pw_format *f, const struct pw_regime *r, unsigned level,
			       uint64_t e)
{
	const unsigned leaf = level <= 2 ? (unsigned)(S390_FC | S390_COMMON) : 0;
	const unsigned length = level >= 2 ? (unsigned)(S390_TF | S390_TL) : 0;

	return (e & (S390_INVALID | S390_TT | leaf | length)) ==
	       (s390_type(level) | (length & S390_TL));
}

/* It protects nothing, either. */
static inline bool s390_plain(const struct pw_format *f, const struct pw_regime *r, unsigned level,
			      uint64_t e)
{
	return s390_passes(f, r, level, e) && !(e & S390_PROTECT);
}

static inline enum pw_kind s390_kind(const struct pw_format *f, const struct pw_regime *r,
				     unsigned level, uint64_t e)
{
	if (level == 0) {
		if (PW_LIKELY(!(e & (S390_PTE_INVALID | S390_PTE_ZERO))))
			return PW_LEAF;
		return r->view == PW_VIEW_LINUX && (e & S390_PTE_INVALID) && s390_pte_readable(e)
			       ? PW_LEAF
			       : PW_HOLE;
	}
	if (PW_UNLIKELY(e & S390_INVALID)) {
		/* A large old page. Empty entries do not have FC, software entries have the common bit. */
		return r->view == PW_VIEW_LINUX && level <= 2 && (e & S390_FC) &&
				       !(e & S390_COMMON) && (e & s390_large_read(r, level)) &&
				       (e & S390_TT) == s390_type(level)
			       ? PW_LEAF
			       : PW_HOLE;
	}
	if ((e & S390_TT) != s390_type(level))
		return PW_HOLE;
	if (level > 2)
		return PW_TABLE;
	/* A common segment or region in a private space is a specification exception. */
	if ((e & S390_COMMON) && (r->root[0] & S390_ASCE_PRIVATE))
		return PW_HOLE;
	return e & S390_FC ? PW_LEAF : PW_TABLE;
}

static inline pw_pa s390_table(const struct pw_format *f, const struct pw_regime *r, unsigned level,
			       uint64_t e)
{
	return e & (level == 1 ? S390_ORIGIN_PTE : S390_ORIGIN);
}

static inline pw_pa s390_page(const struct pw_format *f, const struct pw_regime *r, unsigned level,
			      uint64_t e)
{
	if (level == 0)
		return e & S390_ORIGIN;
	return e & ~pw_mask(level == 1 ? 20 : 31);
}

/* TF and TL count quarters of a table: gaccess.c compares the index's top two bits. */
static inline bool s390_admits(const struct pw_format *f, const struct pw_regime *r, unsigned level,
			       uint64_t e, uint32_t index)
{
	uint32_t quarter = index >> 9;

	return level < 2 || (quarter >= (e & S390_TF) >> 6 && quarter <= (e & S390_TL));
}

static inline uint32_t s390_prot(const struct pw_format *f, const struct pw_regime *r,
				 unsigned level, uint64_t e)
{
	/* A clean page is protected until the first write, but Linux allows the write. */
	unsigned write = level == 0 ? S390_PTE_WRITE : s390_large_write(r, level);
	bool writes = !(e & S390_PROTECT) || (r->view == PW_VIEW_LINUX && (e & write));

	/* Supervisor and user have different spaces. The kernel's own space is not private. */
	return PW_READ | (r->root[0] & S390_ASCE_PRIVATE ? PW_USER : 0) | (writes ? PW_WRITE : 0) |
	       (e & S390_NOEXEC ? 0 : PW_EXEC_BOTH);
}

static inline uint32_t s390_rights(const struct pw_format *f, const struct pw_regime *r,
				   unsigned level, uint64_t e)
{
	return s390_prot(f, r, level, e) & ~(uint32_t)PW_KEXEC;
}

static inline uint32_t s390_facts(const struct pw_format *f, const struct pw_regime *r,
				  unsigned level, uint64_t e)
{
	const unsigned young = level == 0 ? S390_PTE_YOUNG : S390_LARGE_YOUNG;
	const unsigned dirty = level == 0 ? S390_PTE_DIRTY : S390_LARGE_DIRTY;
	uint32_t attr = (e & young ? PW_ACCESSED : 0) | (e & dirty ? PW_DIRTY : 0);

	if (level == 0 && (e & S390_PTE_SPECIAL) && r->view == PW_VIEW_LINUX)
		attr |= PW_SPECIAL;
	return attr;
}

static inline uint32_t s390_attr(const struct pw_format *f, const struct pw_regime *r,
				 unsigned level, uint64_t e)
{
	return s390_prot(f, r, level, e) | s390_facts(f, r, level, e);
}

/* Protection adds up over the levels. With EDAT-1, which Linux requires, region entries have it, too. */
static inline uint32_t s390_keep(const struct pw_format *f, const struct pw_regime *r,
				 unsigned level, uint64_t e)
{
	return e & S390_PROTECT ? ~(uint32_t)PW_WRITE : PW_KEEP_ALL;
}

static inline enum pw_status s390_hole(const struct pw_format *f, const struct pw_regime *r,
				       unsigned level, uint64_t e, pw_pa *pa)
{
	if (!(e & (level == 0 ? (unsigned)S390_PTE_INVALID : (unsigned)S390_INVALID)))
		return PW_MALFORMED;
	if (r->view == PW_VIEW_HARDWARE)
		return PW_NONE;
	if (level == 0) {
		if (e & S390_PTE_PRESENT) {
			*pa = e & S390_ORIGIN;
			return PW_PROT_NONE;
		}
		/* __swp_entry: protected, not present, type in 6:2. */
		return e & S390_PROTECT ? pw_linux_swap(r, level, (unsigned)(e >> 2) & 31)
					: PW_NONE;
	}
	if (level > 2 || (e & S390_TT) != s390_type(level))
		return PW_NONE;
	if (r->kernel >= S390_KERNEL_PRESENT &&
	    (e & (S390_COMMON | S390_LARGE_PRESENT)) == S390_COMMON)
		return pw_linux_swap(r, level, (unsigned)(e >> 6) & 31);
	if (!(e & S390_FC))
		return PW_NONE;
	*pa = s390_page(f, r, level, e);
	return PW_PROT_NONE;
}

static inline uint64_t s390_make_empty(const struct pw_format *f, const struct pw_regime *r,
				       unsigned level)
{
	return level == 0 ? (uint64_t)S390_PTE_INVALID : S390_INVALID | s390_type(level);
}

/* The state table of pgtable.h: old pages are invalid; pages not yet writable are protected. */
static inline uint64_t s390_make_leaf(const struct pw_format *f, const struct pw_regime *r,
				      unsigned level, pw_pa pa, uint32_t attr)
{
	uint64_t e = pa;

	e |= (attr & PW_WRITE) && (attr & PW_DIRTY) ? 0 : S390_PROTECT;
	e |= attr & PW_EXEC ? 0 : S390_NOEXEC;
	if (level == 0) {
		e |= S390_PTE_PRESENT | S390_PTE_READ;
		e |= attr & PW_WRITE ? S390_PTE_WRITE : 0;
		e |= attr & PW_DIRTY ? S390_PTE_DIRTY : 0;
		e |= attr & PW_ACCESSED ? S390_PTE_YOUNG : S390_PTE_INVALID | S390_PROTECT;
		e |= attr & PW_SPECIAL ? S390_PTE_SPECIAL : 0;
		/* Of the old states, only "rw dirty old" is not protected. */
		if ((attr & (PW_WRITE | PW_DIRTY)) == (PW_WRITE | PW_DIRTY))
			e &= ~(uint64_t)S390_PROTECT;
		return e;
	}
	e |= S390_FC | s390_type(level) | s390_large_read(r, level);
	e |= r->kernel >= S390_KERNEL_PRESENT ? S390_LARGE_PRESENT : 0;
	e |= attr & PW_WRITE ? s390_large_write(r, level) : 0;
	e |= attr & PW_DIRTY ? S390_LARGE_DIRTY : 0;
	e |= attr & PW_ACCESSED ? S390_LARGE_YOUNG : S390_INVALID;
	return e;
}

static inline uint64_t s390_make_table(const struct pw_format *f, const struct pw_regime *r,
				       unsigned level, pw_pa pa)
{
	if (level == 1)
		return pa | (r->kernel >= S390_KERNEL_PRESENT ? S390_LARGE_PRESENT : 0);
	return pa | s390_type(level) | S390_TL;
}

static inline uint64_t s390_make_prot_none(const struct pw_format *f, const struct pw_regime *r,
					   unsigned level, pw_pa pa)
{
	if (level == 0)
		return pa | S390_PTE_INVALID | S390_PROTECT | S390_PTE_PRESENT;
	return pa | S390_FC | S390_INVALID | S390_PROTECT | s390_type(level) |
	       (r->kernel >= S390_KERNEL_PRESENT ? S390_LARGE_PRESENT : 0);
}

/*
 * __swp_entry, __swp_entry_to_rste. Entries of large pages have no marker in Linux; bit 11, which they do not
 * use, is one here. Before they got a present bit, only huge pages of hugetlb had such entries, in another form.
 */
static inline struct pw_soft_layout s390_soft(const struct pw_format *f, const struct pw_regime *r,
					      unsigned level)
{
	if (level > 2 || (level > 0 && r->kernel < S390_KERNEL_PRESENT))
		return (struct pw_soft_layout){ 0 };
	return (struct pw_soft_layout){
		.type_shift = level == 0 ? 2 : 6,
		.offset_shift = 12,
		.offset_bits = 52,
		.exclusive = 0x800,
		.fixed = level == 0 ? S390_PTE_INVALID | S390_PROTECT
				    : S390_INVALID | S390_COMMON | s390_type(level),
	};
}

static inline uint64_t s390_change_attr(const struct pw_format *f, const struct pw_regime *r,
					unsigned level, uint64_t e, uint32_t attr)
{
	unsigned large = r->kernel >= S390_KERNEL_PRESENT ? S390_LARGE_SOFT_DIRTY
							  : S390_LARGE_SOFT_DIRTY_6_1;
	uint64_t other = e & (level == 0 ? (unsigned)S390_PTE_SOFT_DIRTY : large);

	return s390_make_leaf(f, r, level, s390_page(f, r, level, e), attr) | other;
}

static inline uint64_t s390_make_root(const struct pw_format *f, const struct pw_regime *r,
				      pw_pa pa, unsigned top)
{
	return pa | S390_ASCE_USER_BITS | s390_type(top) | S390_ASCE_TL;
}

static inline int s390_root(struct pw_regime *r, const uint64_t *word, unsigned count,
			    struct pw_error *error)
{
	unsigned top = 1 + (unsigned)((word[0] & S390_ASCE_DT) >> 2);

	if (word[0] & S390_ASCE_REAL)
		return pw_fail(error, EINVAL,
			       "ASCE 0x%llx designates a real space (R=1): addresses are not "
			       "translated there, so there is no table to walk",
			       (unsigned long long)word[0]);
	pw_span_low(&r->span[0], r->format, top, word[0] & S390_ORIGIN);
	r->span[0].top_last = (uint32_t)((word[0] & S390_ASCE_TL) + 1) * 512 - 1;
	return 0;
}

extern const struct pw_instance pw_instance_s390x;
extern const struct pw_words pw_words_s390x;

static const struct pw_format pw_format_s390x = {
	.name = "s390x",
	.title = "s390x DAT, 2 to 5 tables as the ASCE says",
	.config = PW_CONFIG_DEVICE_PRIVATE,
	.root_name = "ASCE",
	.level_name = { "pte", "segment", "region-third", "region-second", "region-first" },
	.levels = 5,
	.shift = { 12, 20, 31, 42, 53 },
	.bits = { 8, 11, 11, 11, 11 },
	.entry_lg2 = 3,
	.leaf_levels = 0x7,
	.page_field = { 63, 12 },
	.max_roots = 1,
	.big_endian = true,
	.dynamic_top = true,
	.prefixed = true,
	.root = s390_root,
	.kind = s390_kind,
	.plain = s390_plain,
	.usual_top = 2,
	.table = s390_table,
	.page = s390_page,
	.attr = s390_attr,
	.prot = s390_prot,
	.rights = s390_rights,
	.facts = s390_facts,
	.keep = s390_keep,
	.passes = s390_passes,
	.takes = S390_PROTECT,
	.hole = s390_hole,
	.admits = s390_admits,
	.make_empty = s390_make_empty,
	.make_leaf = s390_make_leaf,
	.make_table = s390_make_table,
	.make_prot_none = s390_make_prot_none,
	.change_attr = s390_change_attr,
	.soft = s390_soft,
	.make_root = s390_make_root,
	.words = &pw_words_s390x,
	.instance = &pw_instance_s390x,
};

#endif
