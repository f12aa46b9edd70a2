/* SPDX-License-Identifier: MIT */
/* sparc64: the functions and formats of sun4u and sun4v. sparc_tte.h describes the TTE. */
#ifndef PW_FORMAT_SPARC_H
#define PW_FORMAT_SPARC_H

#include "format/sparc_tte.h"

/* Does this entry have the layout of a leaf? The leaf need not be valid. */
static inline bool sparc_is_leaf(const struct pw_format *f, unsigned level, uint64_t e)
{
	return level == 0 || ((e & SPARC_HUGE) && (f->leaf_levels >> level & 1));
}

static inline enum pw_kind sparc_kind(const struct pw_format *f, const struct pw_regime *r,
				      unsigned level, uint64_t e)
{
	/* PROT_NONE does not have READ; all usable pages have it: init_64.c. */
	uint64_t usable = sparc_bits(f)->present | sparc_bits(f)->read;

	if (sparc_is_leaf(f, level, e)) {
		bool leaf = r->view == PW_VIEW_HARDWARE ? (e & SPARC_VALID) != 0
							: (e & usable) == usable;

		return leaf ? PW_LEAF : PW_HOLE;
	}
	return e && !(e & ~sparc_bits(f)->address) ? PW_TABLE : PW_HOLE;
}

static inline pw_pa sparc_table(const struct pw_format *f, const struct pw_regime *r,
				unsigned level, uint64_t e)
{
	return e & sparc_bits(f)->address;
}

/*
 * The size code of a TTE. sun4v has it in 2:0. sun4u has it in 62:61, and in bit 48 (Panther) for 32M and
 * 256M; there, 6 and 7 are not used.
 */
static inline unsigned sparc_size_code(const struct pw_format *f, uint64_t e)
{
	unsigned code = (unsigned)(e >> 61 & 3) | (unsigned)(e >> 48 & 1) << 2;

	if (f->variant == SPARC_SUN4V)
		return (unsigned)e & 7;
	return code < 6 ? code : 0;
}

/* Each size is eight times the one before; the first is 8K. A huge entry covers at least its level. */
static inline unsigned sparc_page_lg2(const struct pw_format *f, const struct pw_regime *r,
				      unsigned level, uint64_t e)
{
	unsigned lg2 = 13 + 3 * sparc_size_code(f, e);

	return lg2 > f->shift[level] ? lg2 : f->shift[level];
}

static inline pw_pa sparc_page(const struct pw_format *f, const struct pw_regime *r, unsigned level,
			       uint64_t e)
{
	return e & sparc_bits(f)->address & ~pw_mask(sparc_page_lg2(f, r, level, e));
}

static inline uint32_t sparc_attr(const struct pw_format *f, const struct pw_regime *r,
				  unsigned level, uint64_t e)
{
	const struct sparc_bits *bits = sparc_bits(f);
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
	/* On sun4u the instruction-miss handler checks this software bit: itlb_miss.S. */
	attr |= e & bits->exec ? PW_EXEC_BOTH : 0;
	attr |= e & bits->privileged ? 0 : PW_USER;
	attr |= e & bits->accessed ? PW_ACCESSED : 0;
	attr |= e & bits->modified ? PW_DIRTY : 0;
	attr |= sparc_page_lg2(f, r, level, e) > f->shift[level] ? PW_CONTIGUOUS : 0;
	if (e & bits->side_effect)
		type = PW_MEM_DEVICE;
	else if (!(e & bits->cache_physical))
		type = PW_MEM_UNCACHED;
	return attr | pw_memtype_attr(type);
}

static inline enum pw_status sparc_hole(const struct pw_format *f, const struct pw_regime *r,
					unsigned level, uint64_t e, pw_pa *pa)
{
	if (!sparc_is_leaf(f, level, e))
		return e ? PW_MALFORMED : PW_NONE;
	if (r->view == PW_VIEW_HARDWARE || !e)
		return PW_NONE;
	if (e & sparc_bits(f)->present) {
		*pa = sparc_page(f, r, level, e);
		return PW_PROT_NONE;
	}
	return level == 0 ? pw_linux_swap(r, level, (unsigned)(e >> 13) & 31) : PW_NONE;
}

/* The bits of a leaf that depend on @attr; __ACCESS_BITS and __DIRTY_BITS of init_64.c. */
static inline uint64_t sparc_attr_bits(const struct sparc_bits *bits, uint32_t attr)
{
	uint64_t e = bits->present | bits->read;

	e |= attr & PW_WRITE ? bits->write : 0;
	e |= attr & PW_EXEC ? bits->exec : 0;
	e |= attr & PW_USER ? 0 : bits->privileged;
	e |= attr & PW_ACCESSED ? bits->accessed | SPARC_VALID : 0;
	e |= attr & PW_DIRTY ? bits->modified : 0;
	e |= attr & PW_SPECIAL ? SPARC_SPECIAL : 0;
	/* The kernel notices the first write by a fault. */
	if ((attr & (PW_WRITE | PW_DIRTY)) == (PW_WRITE | PW_DIRTY))
		e |= bits->hardware_write;
	return e;
}

/* The bits that every leaf of @level at @pa has, independent of its attributes. */
static inline uint64_t sparc_frame(const struct sparc_bits *bits, unsigned level, pw_pa pa)
{
	uint64_t e = pa | bits->cache_physical | bits->cache_virtual;

	if (level > 0)
		e |= SPARC_HUGE | bits->size_4m;
	return e;
}

static inline uint64_t sparc_make_leaf(const struct pw_format *f, const struct pw_regime *r,
				       unsigned level, pw_pa pa, uint32_t attr)
{
	return sparc_frame(sparc_bits(f), level, pa) | sparc_attr_bits(sparc_bits(f), attr);
}

/* page_none of init_64.c. */
static inline uint64_t sparc_make_prot_none(const struct pw_format *f, const struct pw_regime *r,
					    unsigned level, pw_pa pa)
{
	const struct sparc_bits *bits = sparc_bits(f);

	return sparc_frame(bits, level, pa) | bits->present | bits->accessed;
}

/* __swp_entry, _PAGE_SWP_EXCLUSIVE. The offset ends below VALID. PTEs alone can be swap entries. */
static inline struct pw_soft_layout sparc_soft(const struct pw_format *f, const struct pw_regime *r,
					       unsigned level)
{
	if (level > 0)
		return (struct pw_soft_layout){ 0 };
	return (struct pw_soft_layout){
		.type_shift = 13,
		.offset_shift = 21,
		.offset_bits = 42,
		.exclusive = 1 << 20,
	};
}

static inline uint64_t sparc_change_attr(const struct pw_format *f, const struct pw_regime *r,
					 unsigned level, uint64_t e, uint32_t attr)
{
	const struct sparc_bits *bits = sparc_bits(f);
	uint64_t decided = SPARC_VALID | SPARC_SPECIAL | bits->read | bits->write | bits->exec |
			   bits->privileged | bits->accessed | bits->modified |
			   bits->hardware_write;

	return (e & ~decided) | sparc_attr_bits(bits, attr);
}

/* 64K, 512K and 4M: TTE sizes 1 to 3. */
static inline uint64_t sparc_join(const struct pw_format *f, const struct pw_regime *r,
				  unsigned level, uint64_t leaf, unsigned group_lg2)
{
	return leaf | (uint64_t)(group_lg2 / 3) << (f->variant == SPARC_SUN4V ? 0 : 61);
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

/* ---- the formats ---- */

extern const struct pw_instance pw_instance_sparc64_sun4u, pw_instance_sparc64_sun4v;
extern const struct pw_words pw_words_sparc64_sun4u, pw_words_sparc64_sun4v;

static const struct pw_format pw_format_sparc64_sun4u = {
	.name = "sparc64_sun4u",
	.title = "sparc64 sun4u, 8K pages",
	.variant = SPARC_SUN4U,
	.root_name = "physical address of the pgd",
	.level_name = { "pte", "pmd", "pud", "pgd" },
	.levels = 4,
	.shift = { 13, 23, 33, 43 },
	.bits = { 10, 10, 10, 10 },
	.entry_lg2 = 3,
	.leaf_levels = 0x7,
	.page_field = { 42, 13 },
	.groups = { 1 << 3 | 1 << 6 | 1 << 9 },
	.max_roots = 1,
	.big_endian = true,
	.root = sparc_root,
	.kind = sparc_kind,
	.table = sparc_table,
	.page = sparc_page,
	.page_lg2 = sparc_page_lg2,
	.attr = sparc_attr,
	.hole = sparc_hole,
	.make_empty = sparc_make_empty,
	.make_leaf = sparc_make_leaf,
	.make_table = sparc_make_table,
	.make_prot_none = sparc_make_prot_none,
	.change_attr = sparc_change_attr,
	.join = sparc_join,
	.soft = sparc_soft,
	.make_root = sparc_make_root,
	.words = &pw_words_sparc64_sun4u,
	.instance = &pw_instance_sparc64_sun4u,
};

static const struct pw_format pw_format_sparc64_sun4v = {
	.name = "sparc64_sun4v",
	.title = "sparc64 sun4v, 8K pages",
	.variant = SPARC_SUN4V,
	.root_name = "physical address of the pgd",
	.level_name = { "pte", "pmd", "pud", "pgd" },
	.levels = 4,
	.shift = { 13, 23, 33, 43 },
	.bits = { 10, 10, 10, 10 },
	.entry_lg2 = 3,
	.leaf_levels = 0x7,
	.page_field = { 55, 13 },
	.groups = { 1 << 3 | 1 << 6 | 1 << 9 },
	.max_roots = 1,
	.big_endian = true,
	.root = sparc_root,
	.kind = sparc_kind,
	.table = sparc_table,
	.page = sparc_page,
	.page_lg2 = sparc_page_lg2,
	.attr = sparc_attr,
	.hole = sparc_hole,
	.make_empty = sparc_make_empty,
	.make_leaf = sparc_make_leaf,
	.make_table = sparc_make_table,
	.make_prot_none = sparc_make_prot_none,
	.change_attr = sparc_change_attr,
	.join = sparc_join,
	.soft = sparc_soft,
	.make_root = sparc_make_root,
	.words = &pw_words_sparc64_sun4v,
	.instance = &pw_instance_sparc64_sun4v,
};

#endif
