/* SPDX-License-Identifier: MIT */
/*
 * sparc64, for the two kinds of MMU that Linux knows: sun4u and sun4v.
 * UltraSPARC Architecture 2007, chapter 14; Linux arch/sparc/include/asm/pgtable_64.h, tsb.h,
 * arch/sparc/mm/hugetlbpage.c.
 *
 *  level 3   level 2   level 1   level 0
 *  pgd       pud       pmd       pte
 *  10 bits   10 bits   10 bits   10 bits, 8 bytes, big-endian, 8K pages, 53 bits in all
 *
 * No hardware walks these tables. On a TLB miss the kernel's handlers do (tsb.h,
 * USER_PGTABLE_WALK_TL1), and load the leaf as it stands into the TLB: a leaf is a TTE of the MMU,
 * with its bits. The hardware view is therefore what the handlers would load: leaves with VALID.
 *
 * A table entry is the physical address of the next table and nothing else. Bit 56 makes a leaf of an
 * entry of level 1 or 2. A TTE has its own size, which need not be a level's: a huge page of 8M is two
 * TTEs of 4M, and 256M are 32 entries of level 1.
 *
 *        63 62  61  60  59  58  57  56 55      48 47 43 42           13 12 11 10  9  8  7  6 5 4 3 2 1
 *       +--+-------+---+---+---+---+--+-----+---+------+---------------+--+--+--+--+--+--+-+-+-+-+-+-+
 * sun4u | V| size  |NFO|IE |   |spc|HG|     |sz2|      |   pa 42:13    |ex| M| A|rd|wr|pr|L|C|C|E|P|W|
 *       +--+---+---+---+---+---+---+--+-----+---+------+---------------+--+--+--+--+--+--+-+-+-+-+-+-+
 * sun4v | V|NFO| M | A | rd| wr|spc|HG|           pa 55:13             |IE| E|CP|CV| P|ex|W|  pr | size
 *       +--+---+---+---+---+---+---+--+--------------------------------+--+--+--+--+--+--+-+-----+-----
 *
 * rd, wr, pr, M, A, spc and HG are software's: read, write, present, modified, accessed, special, huge.
 * A page that is old has VALID clear, so that the next access is noticed.
 */
#ifndef PW_FORMAT_SPARC_TTE_H
#define PW_FORMAT_SPARC_TTE_H

#include "format/linux.h"

static const uint64_t SPARC_VALID = UINT64_C(1) << 63;
static const uint64_t SPARC_SPECIAL = UINT64_C(1) << 57;
static const uint64_t SPARC_HUGE = UINT64_C(1) << 56;

/* Where the two kinds have the bits that both have. */
struct sparc_bits {
	uint64_t address;
	uint64_t modified, accessed, read, write, exec, present;
	uint64_t side_effect, cache_physical, cache_virtual, privileged, hardware_write;
	uint64_t size_4m; /* what every huge leaf is made of */
};

static const struct sparc_bits sparc_4u = {
	.address = UINT64_C(0x7ffffffe000),
	.modified = 0x800,
	.accessed = 0x400,
	.read = 0x200,
	.write = 0x100,
	.exec = 0x1000,
	.present = 0x80,
	.side_effect = 0x8,
	.cache_physical = 0x20,
	.cache_virtual = 0x10,
	.privileged = 0x4,
	.hardware_write = 0x2,
	.size_4m = UINT64_C(3) << 61,
};

static const struct sparc_bits sparc_4v = {
	.address = UINT64_C(0x00ffffffffffe000),
	.modified = UINT64_C(1) << 61,
	.accessed = UINT64_C(1) << 60,
	.read = UINT64_C(1) << 59,
	.write = UINT64_C(1) << 58,
	.exec = 0x80,
	.present = 0x10,
	.side_effect = 0x800,
	.cache_physical = 0x400,
	.cache_virtual = 0x200,
	.privileged = 0x100,
	.hardware_write = 0x40,
	.size_4m = 3,
};

/* ---- what both kinds share; @bits is a constant at every call ---- */

static inline enum pw_kind sparc_kind(const struct sparc_bits *bits, const struct pw_regime *r,
				      unsigned level, uint64_t e)
{
	/* PROT_NONE has no READ; no page that anyone may use is without: init_64.c. */
	uint64_t usable = bits->present | bits->read;

	if (level == 0 || ((e & SPARC_HUGE) && level < 3)) {
		bool leaf = r->view == PW_VIEW_HARDWARE ? (e & SPARC_VALID) != 0
							: (e & usable) == usable;

		return leaf ? PW_LEAF : PW_HOLE;
	}
	return e && !(e & ~bits->address) ? PW_TABLE : PW_HOLE;
}

/* Sizes step by eight from 8K. @code is the TTE's; a huge entry covers no less than its level. */
static inline unsigned sparc_size(unsigned level, unsigned code)
{
	unsigned lg2 = 13 + 3 * code;
	unsigned shift = 13 + 10 * level;

	return lg2 > shift ? lg2 : shift;
}

static inline uint32_t sparc_attr(const struct sparc_bits *bits, const struct pw_regime *r,
				  uint64_t e)
{
	enum pw_memtype type = PW_MEM_NORMAL;
	uint32_t attr = 0;

	if (r->view == PW_VIEW_HARDWARE) {
		attr |= PW_READ;
		attr |= e & bits->hardware_write ? PW_WRITE : 0;
	} else {
		attr |= e & bits->read ? PW_READ : 0;
		attr |= e & bits->write ? PW_WRITE : 0;
		attr |= e & SPARC_SPECIAL ? PW_SPECIAL : 0;
	}
	/* On sun4u the instruction-miss handler asks this software bit: itlb_miss.S. */
	attr |= e & bits->exec ? PW_EXEC_BOTH : 0;
	attr |= e & bits->privileged ? 0 : PW_USER;
	attr |= e & bits->accessed ? PW_ACCESSED : 0;
	attr |= e & bits->modified ? PW_DIRTY : 0;
	if (e & bits->side_effect)
		type = PW_MEM_DEVICE;
	else if (!(e & bits->cache_physical))
		type = PW_MEM_UNCACHED;
	return attr | pw_memtype_attr(type);
}

static inline enum pw_status sparc_hole(const struct sparc_bits *bits, const struct pw_regime *r,
					unsigned level, uint64_t e, pw_pa page, pw_pa *pa)
{
	if (level > 0 && !((e & SPARC_HUGE) && level < 3))
		return e ? PW_MALFORMED : PW_NONE;
	if (r->view == PW_VIEW_HARDWARE || !e)
		return PW_NONE;
	if (e & bits->present) {
		*pa = page;
		return PW_PROT_NONE;
	}
	return level == 0 ? pw_linux_swap(r, level, (unsigned)(e >> 13) & 31) : PW_NONE;
}

/* The bits of a leaf that @attr decides; __ACCESS_BITS and __DIRTY_BITS of init_64.c. */
static inline uint64_t sparc_attr_bits(const struct sparc_bits *bits, uint32_t attr)
{
	uint64_t e = bits->present | bits->read;

	e |= attr & PW_WRITE ? bits->write : 0;
	e |= attr & PW_EXEC ? bits->exec : 0;
	e |= attr & PW_USER ? 0 : bits->privileged;
	e |= attr & PW_ACCESSED ? bits->accessed | SPARC_VALID : 0;
	e |= attr & PW_DIRTY ? bits->modified : 0;
	e |= attr & PW_SPECIAL ? SPARC_SPECIAL : 0;
	/* The first write is noticed by a fault. */
	if ((attr & (PW_WRITE | PW_DIRTY)) == (PW_WRITE | PW_DIRTY))
		e |= bits->hardware_write;
	return e;
}

/* What a leaf of @level at @pa has, whatever its attributes. */
static inline uint64_t sparc_frame(const struct sparc_bits *bits, unsigned level, pw_pa pa)
{
	uint64_t e = pa | bits->cache_physical | bits->cache_virtual;

	if (level > 0)
		e |= SPARC_HUGE | bits->size_4m;
	return e;
}

static inline uint64_t sparc_change(const struct sparc_bits *bits, uint64_t e, uint32_t attr)
{
	uint64_t decided = SPARC_VALID | SPARC_SPECIAL | bits->read | bits->write | bits->exec |
			   bits->privileged | bits->accessed | bits->modified |
			   bits->hardware_write;

	return (e & ~decided) | sparc_attr_bits(bits, attr);
}

static inline uint64_t sparc_make_empty(const struct pw_format *f, const struct pw_regime *r,
					unsigned level)
{
	return 0;
}

static inline uint64_t sparc_make_table(const struct pw_format *f, const struct pw_regime *r,
					unsigned level, pw_pa pa)
{
	return pa;
}

static inline uint64_t sparc_make_root(const struct pw_format *f, const struct pw_regime *r,
				       pw_pa pa, unsigned top)
{
	return pa;
}

static inline int sparc_root(struct pw_regime *r, const uint64_t *word, unsigned count,
			     struct pw_error *error)
{
	if (word[0] & pw_mask(13) || word[0] >> 56)
		return pw_fail(error, EINVAL,
			       "0x%llx cannot be the physical address of a sparc64 pgd, which is "
			       "aligned to 8 KiB and below 2^56 (mm->pgd is a virtual address; "
			       "its physical one is wanted)",
			       (unsigned long long)word[0]);
	pw_span_signed(r, word[0]);
	return 0;
}

#endif
