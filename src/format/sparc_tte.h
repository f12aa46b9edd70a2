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
 * No hardware walks these tables. On a TLB miss the kernel's handlers walk them (tsb.h,
 * USER_PGTABLE_WALK_TL1), and load the leaf unchanged into the TLB: a leaf is a TTE of the MMU, with its
 * bits. So the hardware view shows the leaves that the handlers would load: those with VALID.
 *
 * A table entry is the physical address of the next table and nothing else. An entry of level 1 or 2 with
 * bit 56 set is a leaf. A TTE has its own size, which need not be the size of a level: a huge page of 8M is
 * two TTEs of 4M, and a page of 256M is 32 entries of level 1.
 *
 *        63 62  61  60  59  58  57  56 55      48 47 43 42           13 12 11 10  9  8  7  6 5 4 3 2 1
 *       +--+-------+---+---+---+---+--+-----+---+------+---------------+--+--+--+--+--+--+-+-+-+-+-+-+
 * sun4u | V| size  |NFO|IE |   |spc|HG|     |sz2|      |   pa 42:13    |ex| M| A|rd|wr|pr|L|C|C|E|P|W|
 *       +--+---+---+---+---+---+---+--+-----+---+------+---------------+--+--+--+--+--+--+-+-+-+-+-+-+
 * sun4v | V|NFO| M | A | rd| wr|spc|HG|           pa 55:13             |IE| E|CP|CV| P|ex|W|  pr | size
 *       +--+---+---+---+---+---+---+--+--------------------------------+--+--+--+--+--+--+-+-----+-----
 *
 * rd, wr, pr, M, A, spc and HG are software's: read, write, present, modified, accessed, special, huge.
 * An old page has VALID clear, so that the kernel notices the next access.
 */
#ifndef PW_FORMAT_SPARC_TTE_H
#define PW_FORMAT_SPARC_TTE_H

#include "format/linux.h"

static const uint64_t SPARC_VALID = UINT64_C(1) << 63;
static const uint64_t SPARC_SPECIAL = UINT64_C(1) << 57;
static const uint64_t SPARC_HUGE = UINT64_C(1) << 56;

/* The variants of the format. */
enum sparc_mmu { SPARC_SUN4U, SPARC_SUN4V };

/* The places of the bits that both kinds have. */
struct sparc_bits {
	uint64_t address;
	uint64_t modified, accessed, read, write, exec, present;
	uint64_t side_effect, cache_physical, cache_virtual, privileged, hardware_write;
	uint64_t size_4m; /* every huge leaf consists of TTEs of this size */
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

static inline const struct sparc_bits *sparc_bits(const struct pw_format *f)
{
	return f->variant == SPARC_SUN4V ? &sparc_4v : &sparc_4u;
}

#endif
