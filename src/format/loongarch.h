/* SPDX-License-Identifier: MIT */
/*
 * LoongArch64, with 4K and with 16K pages.
 * LoongArch Reference Manual volume 1, 5.4 "Memory management of page table mapping", and the registers PGDL,
 * PGDH, PWCL and PWCH; Linux arch/loongarch/include/asm/pgtable-bits.h, pgtable.h, mm/tlbex.S.
 *
 *                 level 3    level 2    level 1   level 0
 * 4k              pgd        pud        pmd       pte       9 bits each, 8 bytes
 * 16k                        pgd        pmd       pte       11 bits each, 8 bytes
 *
 *        63   62 61 60 59  48 47           14:13 12 11 10  9  8  7  6  5 4 3 2  1  0
 *       +----+--+--+--+------+---------------+----+--+--+--+--+--+--+--+---+---+--+--+
 * table |       ignored      |   address     |                 0                     |
 *       +----+--+--+--+------+---------------+----+--+--+--+--+--+--+--+---+---+--+--+
 * huge  |RPLV|NX|NR|sp|      |   address     | 0  |G |S |N |M |W |P | 1|MAT|PLV|D |V |
 * page  |RPLV|NX|NR|  |      |   address             |S |N |M |W |P |G |MAT|PLV|D |V |
 *       +----+--+--+--+------+---------------+----+--+--+--+--+--+--+--+---+---+--+--+
 *
 * On a TLB miss, software (LDDIR, LDPTE) or the hardware walks the tables. Both walks are the same.
 *
 * Entries of a directory have no valid bit. Bit 6 marks a huge page; all other entries hold the address of a
 * table. Linux's empty entries lead to a table of empty entries. Linux stores an address in its window of
 * physical memory, and the walk ignores the window's bits. An entry of zeros would lead to a table at 0.
 * Linux never has one, so here it counts as empty.
 *
 * Directories of any level can have huge pages. LDDIR marks the level of one in bits 14:13 of a register;
 * in memory these bits are 0. Linux alone uses sp, S, N and M: being split, special, PROT_NONE, modified.
 * It uses P and W as well. A CPU that walks by itself reads these two: it sets V if P is set, and D if W is
 * set. The TLB checks V and D, so the hardware view shows them.
 *
 * Two roots: bit 63 of an address chooses PGDL (the lower half) or PGDH. VALEN is assumed to be 48. Addresses
 * in direct-mapped windows (DMW0 to DMW3) have no tables.
 */
#ifndef PW_FORMAT_LOONGARCH_H
#define PW_FORMAT_LOONGARCH_H

#include "format/linux.h"

enum {
	LOONGARCH_V = 1 << 0, /* Linux: accessed, too */
	LOONGARCH_D = 1 << 1, /* a write does not trap */
	LOONGARCH_PLV_SHIFT = 2,
	LOONGARCH_PLV_USER = 3,
	LOONGARCH_MAT_SHIFT = 4,
	LOONGARCH_MAT_CACHED = 1,
	LOONGARCH_G = 1 << 6, /* of a base page */
	LOONGARCH_HUGE = 1 << 6, /* in a directory */
	LOONGARCH_P = 1 << 7,
	LOONGARCH_W = 1 << 8,
	LOONGARCH_MODIFIED = 1 << 9,
	LOONGARCH_PROT_NONE = 1 << 10,
	LOONGARCH_SPECIAL = 1 << 11,
	LOONGARCH_HUGE_G = 1 << 12,
	LOONGARCH_HUGE_LEVEL = 3 << 13,
	LOONGARCH_SWAP_SHIFT = 16,
	LOONGARCH_VALEN = 48,
};
static const uint64_t LOONGARCH_ADDRESS = UINT64_C(0x0000fffffffff000);
static const uint64_t LOONGARCH_SPLIT = UINT64_C(1) << 60; /* Linux: _PAGE_PRESENT_INVALID */
static const uint64_t LOONGARCH_NR = UINT64_C(1) << 61;
static const uint64_t LOONGARCH_NX = UINT64_C(1) << 62;
static const uint64_t LOONGARCH_RPLV = UINT64_C(1) << 63;
/* Linux's window of cached physical memory: DMW1, CSR_DMW1_INIT. */
static const uint64_t LOONGARCH_WINDOW = UINT64_C(0x9000000000000000);
/* "LoongArch: Introduce hardware page table walker": D alone makes a page dirty, too. */
static const uint16_t LOONGARCH_KERNEL_WALKER = 0x0605;

static inline enum pw_kind loongarch_kind(const struct pw_format *f, const struct pw_regime *r,
					  unsigned level, uint64_t e)
{
	const unsigned valid = r->view == PW_VIEW_LINUX ? LOONGARCH_P : LOONGARCH_V;

	if (level == 0)
		return PW_LIKELY(e & valid) ? PW_LEAF : PW_HOLE;
	if (PW_LIKELY(!(e & LOONGARCH_HUGE)))
		return e && !(e & pw_mask(f->shift[0])) ? PW_TABLE : PW_HOLE;
	/* With a level in 14:13, LDDIR and LDPTE would take the entry for a page of that level's size. */
	return (e & valid) && !(e & LOONGARCH_HUGE_LEVEL) ? PW_LEAF : PW_HOLE;
}

static inline pw_pa loongarch_table(const struct pw_format *f, const struct pw_regime *r,
				    unsigned level, uint64_t e)
{
	return e & LOONGARCH_ADDRESS;
}

/* Address bits below the page's size can have any value. */
static inline pw_pa loongarch_page(const struct pw_format *f, const struct pw_regime *r,
				   unsigned level, uint64_t e)
{
	return e & LOONGARCH_ADDRESS & ~pw_mask(f->shift[level]);
}

/*
 * If RPLV is set, only programs of the page's own privilege level may use it. Otherwise programs with more
 * privilege may use it, too. Linux runs at PLV 0 and PLV 3. So only the kernel can use a page of PLV 1 or 2,
 * and with RPLV nobody can.
 */
static inline uint32_t loongarch_attr(const struct pw_format *f, const struct pw_regime *r,
				      unsigned level, uint64_t e)
{
	static const uint8_t type[4] = { PW_MEM_DEVICE, PW_MEM_NORMAL, PW_MEM_WRITE_COMBINING,
					 PW_MEM_INDEXED };
	const bool is_linux = r->view == PW_VIEW_LINUX;
	const unsigned plv = (unsigned)(e >> LOONGARCH_PLV_SHIFT) & 3;
	uint32_t attr = 0;

	attr |= e & LOONGARCH_NR ? 0 : PW_READ;
	attr |= e & (is_linux ? LOONGARCH_W : LOONGARCH_D) ? PW_WRITE : 0;
	attr |= e & LOONGARCH_NX ? 0 : PW_EXEC_BOTH;
	attr |= plv == LOONGARCH_PLV_USER ? PW_USER : 0;
	if ((e & LOONGARCH_RPLV) && plv > 0)
		attr &= plv == LOONGARCH_PLV_USER ? ~(uint32_t)PW_KEXEC : 0;
	attr |= e & LOONGARCH_V ? PW_ACCESSED : 0;
	attr |= e & (level == 0 ? LOONGARCH_G : LOONGARCH_HUGE_G) ? PW_GLOBAL : 0;
	if (!is_linux || r->kernel >= LOONGARCH_KERNEL_WALKER)
		attr |= e & LOONGARCH_D ? PW_DIRTY : 0;
	if (is_linux) {
		attr |= e & LOONGARCH_MODIFIED ? PW_DIRTY : 0;
		attr |= e & LOONGARCH_SPECIAL ? PW_SPECIAL : 0;
	}
	return attr | pw_memtype_attr((enum pw_memtype)type[e >> LOONGARCH_MAT_SHIFT & 3]);
}

/*
 * Linux's pte_none() ignores G. One TLB entry holds two neighbouring PTEs, so an empty PTE beside a global
 * one has G as well. Swap entries have the type in 20:16. A huge page without P is in migration, or is being
 * split.
 */
static inline enum pw_status loongarch_hole(const struct pw_format *f, const struct pw_regime *r,
					    unsigned level, uint64_t e, pw_pa *pa)
{
	const bool is_linux = r->view == PW_VIEW_LINUX;

	if (level > 0 && !(e & LOONGARCH_HUGE))
		return e ? PW_MALFORMED : PW_NONE;
	if (e & (is_linux ? LOONGARCH_P : LOONGARCH_V))
		return PW_MALFORMED;
	if (!is_linux || !(e & ~(uint64_t)LOONGARCH_G))
		return PW_NONE;
	if ((e & LOONGARCH_PROT_NONE) || (level > 0 && (e & LOONGARCH_SPLIT))) {
		*pa = loongarch_page(f, r, level, e);
		return PW_PROT_NONE;
	}
	return pw_linux_swap(r, level, (unsigned)(e >> LOONGARCH_SWAP_SHIFT) & 31);
}

static inline uint64_t loongarch_make_empty(const struct pw_format *f, const struct pw_regime *r,
					    unsigned level)
{
	return 0;
}

/* The bits of a leaf that depend on @attr. The first write to a clean page traps, or the CPU sets D. */
static inline uint64_t loongarch_attr_bits(unsigned level, uint32_t attr)
{
	uint64_t e = LOONGARCH_P;

	e |= attr & PW_READ ? 0 : LOONGARCH_NR;
	e |= attr & PW_EXEC ? 0 : LOONGARCH_NX;
	e |= attr & PW_WRITE ? LOONGARCH_W : 0;
	e |= attr & PW_USER ? LOONGARCH_PLV_USER << LOONGARCH_PLV_SHIFT : 0;
	e |= attr & PW_ACCESSED ? LOONGARCH_V : 0;
	e |= attr & PW_DIRTY ? LOONGARCH_MODIFIED : 0;
	e |= (attr & PW_WRITE) && (attr & PW_DIRTY) ? LOONGARCH_D : 0;
	e |= attr & PW_SPECIAL ? LOONGARCH_SPECIAL : 0;
	if (attr & PW_GLOBAL)
		e |= level == 0 ? LOONGARCH_G : LOONGARCH_HUGE_G;
	return e;
}

/* The bits of a leaf of @level at @pa that do not depend on attributes. */
static inline uint64_t loongarch_frame(unsigned level, pw_pa pa)
{
	return pa | LOONGARCH_MAT_CACHED << LOONGARCH_MAT_SHIFT | (level > 0 ? LOONGARCH_HUGE : 0);
}

static inline uint64_t loongarch_make_leaf(const struct pw_format *f, const struct pw_regime *r,
					   unsigned level, pw_pa pa, uint32_t attr)
{
	return loongarch_frame(level, pa) | loongarch_attr_bits(level, attr);
}

static inline uint64_t loongarch_make_table(const struct pw_format *f, const struct pw_regime *r,
					    unsigned level, pw_pa pa)
{
	return LOONGARCH_WINDOW | pa;
}

/* PAGE_NONE. */
static inline uint64_t loongarch_make_prot_none(const struct pw_format *f,
						const struct pw_regime *r, unsigned level, pw_pa pa)
{
	return loongarch_frame(level, pa) | LOONGARCH_PROT_NONE | LOONGARCH_NR |
	       LOONGARCH_PLV_USER << LOONGARCH_PLV_SHIFT;
}

/* mk_swap_pte, _PAGE_SWP_EXCLUSIVE. In a directory, HUGE is set, and bit 60 says that the page is being split. */
static inline struct pw_soft_layout loongarch_soft(const struct pw_format *f,
						   const struct pw_regime *r, unsigned level)
{
	if (!(f->leaf_levels >> level & 1))
		return (struct pw_soft_layout){ 0 };
	return (struct pw_soft_layout){
		.type_shift = LOONGARCH_SWAP_SHIFT,
		.offset_shift = 24,
		.offset_bits = level == 0 ? 40 : 36,
		.exclusive = 1 << 23,
		.fixed = level > 0 ? LOONGARCH_HUGE : 0,
	};
}

static inline uint64_t loongarch_change_attr(const struct pw_format *f, const struct pw_regime *r,
					     unsigned level, uint64_t e, uint32_t attr)
{
	uint64_t decided = LOONGARCH_V | LOONGARCH_D | LOONGARCH_PLV_USER << LOONGARCH_PLV_SHIFT |
			   LOONGARCH_P | LOONGARCH_W | LOONGARCH_MODIFIED | LOONGARCH_SPECIAL |
			   LOONGARCH_NR | LOONGARCH_NX |
			   (level == 0 ? LOONGARCH_G : LOONGARCH_HUGE_G);

	return (e & ~decided) | loongarch_attr_bits(level, attr);
}

static inline uint64_t loongarch_make_root(const struct pw_format *f, const struct pw_regime *r,
					   pw_pa pa, unsigned top)
{
	return pa;
}

/*
 * PGDL and PGDH hold the address of a table. Linux writes an address in its window there. Each register
 * translates one half of the 48-bit addresses, by bit 47, and so uses one half of its table.
 */
static inline int loongarch_root(struct pw_regime *r, const uint64_t *word, unsigned count,
				 struct pw_error *error)
{
	const struct pw_format *f = r->format;
	const unsigned top = f->levels - 1u;
	const unsigned table_lg2 = f->bits[top] + f->entry_lg2;
	const bool absent = count == 2 && word[0] == PW_ROOT_ABSENT;
	uint8_t spans = 0;

	for (unsigned i = absent ? 1 : 0; i < count; i++) {
		struct pw_span *span = &r->span[spans++];

		if (word[i] & pw_mask(table_lg2))
			return pw_fail(error, EINVAL,
				       "PGD%c 0x%llx cannot be a root of %s: its table is aligned "
				       "to its size, 0x%llx bytes. Are the pages of another size "
				       "(PWCL)?",
				       i ? 'H' : 'L', (unsigned long long)word[i], f->name,
				       1ULL << table_lg2);
		pw_span_low(span, f, top, word[i] & LOONGARCH_ADDRESS);
		span->root = (uint8_t)i;
		span->last = pw_mask(LOONGARCH_VALEN - 1);
		if (i) {
			span->first = ~pw_mask(LOONGARCH_VALEN - 1);
			span->last = ~UINT64_C(0);
		}
	}
	r->spans = spans;
	return 0;
}

extern const struct pw_instance pw_instance_loongarch64_4k, pw_instance_loongarch64_16k;
extern const struct pw_words pw_words_loongarch64_4k, pw_words_loongarch64_16k;

static const struct pw_format pw_format_loongarch64_4k = {
	.name = "loongarch64_4k",
	.title = "LoongArch64, 4K pages, 4 levels",
	.config = PW_CONFIG_DEVICE_PRIVATE,
	.root_name = "PGDL [PGDH]",
	.level_name = { "pte", "pmd", "pud", "pgd" },
	.levels = 4,
	.shift = { 12, 21, 30, 39 },
	.bits = { 9, 9, 9, 9 },
	.entry_lg2 = 3,
	.leaf_levels = 0xf,
	.page_field = { 47, 12 },
	.max_roots = 2,
	.root = loongarch_root,
	.kind = loongarch_kind,
	.table = loongarch_table,
	.page = loongarch_page,
	.attr = loongarch_attr,
	.hole = loongarch_hole,
	.make_empty = loongarch_make_empty,
	.make_leaf = loongarch_make_leaf,
	.make_table = loongarch_make_table,
	.make_prot_none = loongarch_make_prot_none,
	.change_attr = loongarch_change_attr,
	.soft = loongarch_soft,
	.make_root = loongarch_make_root,
	.words = &pw_words_loongarch64_4k,
	.instance = &pw_instance_loongarch64_4k,
};

static const struct pw_format pw_format_loongarch64_16k = {
	.name = "loongarch64_16k",
	.title = "LoongArch64, 16K pages, 3 levels",
	.config = PW_CONFIG_DEVICE_PRIVATE,
	.root_name = "PGDL [PGDH]",
	.level_name = { "pte", "pmd", "pgd" },
	.levels = 3,
	.shift = { 14, 25, 36 },
	.bits = { 11, 11, 11 },
	.entry_lg2 = 3,
	.leaf_levels = 0x7,
	.page_field = { 47, 14 },
	.max_roots = 2,
	.root = loongarch_root,
	.kind = loongarch_kind,
	.table = loongarch_table,
	.page = loongarch_page,
	.attr = loongarch_attr,
	.hole = loongarch_hole,
	.make_empty = loongarch_make_empty,
	.make_leaf = loongarch_make_leaf,
	.make_table = loongarch_make_table,
	.make_prot_none = loongarch_make_prot_none,
	.change_attr = loongarch_change_attr,
	.soft = loongarch_soft,
	.make_root = loongarch_make_root,
	.words = &pw_words_loongarch64_16k,
	.instance = &pw_instance_loongarch64_16k,
};

#endif
