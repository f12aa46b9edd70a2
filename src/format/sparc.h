/* SPDX-License-Identifier: MIT */
/* sparc64 sun4u and sun4v: what is each one's own. What a TTE is made of is in sparc_tte.h. */
#ifndef PW_FORMAT_SPARC_H
#define PW_FORMAT_SPARC_H

#include "format/sparc_tte.h"

/* ---- sun4u ---- */

static inline enum pw_kind sun4u_kind(const struct pw_format *f, const struct pw_regime *r,
				      unsigned level, uint64_t e)
{
	return sparc_kind(&sparc_4u, r, level, e);
}

static inline pw_pa sun4u_table(const struct pw_format *f, const struct pw_regime *r,
				unsigned level, uint64_t e)
{
	return e & sparc_4u.address;
}

/* Size in 62:61, and bit 48 (Panther) for 32M and 256M. */
static inline unsigned sun4u_page_lg2(const struct pw_format *f, const struct pw_regime *r,
				      unsigned level, uint64_t e)
{
	unsigned code = (unsigned)(e >> 61 & 3) | (unsigned)(e >> 48 & 1) << 2;

	/* 6 and 7 are not used. */
	return sparc_size(level, code < 6 ? code : 0);
}

static inline pw_pa sun4u_page(const struct pw_format *f, const struct pw_regime *r, unsigned level,
			       uint64_t e)
{
	return e & sparc_4u.address & ~pw_mask(sun4u_page_lg2(f, r, level, e));
}

static inline uint32_t sun4u_attr(const struct pw_format *f, const struct pw_regime *r,
				  unsigned level, uint64_t e)
{
	return sparc_attr(&sparc_4u, r, e) |
	       (sun4u_page_lg2(f, r, level, e) > 13 + 10 * level ? PW_CONTIGUOUS : 0);
}

static inline enum pw_status sun4u_hole(const struct pw_format *f, const struct pw_regime *r,
					unsigned level, uint64_t e, pw_pa *pa)
{
	return sparc_hole(&sparc_4u, r, level, e, sun4u_page(f, r, level, e), pa);
}

static inline uint64_t sun4u_make_leaf(const struct pw_format *f, const struct pw_regime *r,
				       unsigned level, pw_pa pa, uint32_t attr)
{
	return sparc_frame(&sparc_4u, level, pa) | sparc_attr_bits(&sparc_4u, attr);
}

/* page_none of init_64.c. */
static inline uint64_t sun4u_make_prot_none(const struct pw_format *f, const struct pw_regime *r,
					    unsigned level, pw_pa pa)
{
	return sparc_frame(&sparc_4u, level, pa) | sparc_4u.present | sparc_4u.accessed;
}

static inline uint64_t sun4u_change_attr(const struct pw_format *f, const struct pw_regime *r,
					 unsigned level, uint64_t e, uint32_t attr)
{
	return sparc_change(&sparc_4u, e, attr);
}

/* 64K, 512K and 4M: __TTE sizes 1 to 3. */
static inline uint64_t sun4u_join(const struct pw_format *f, const struct pw_regime *r,
				  unsigned level, uint64_t leaf, unsigned group_lg2)
{
	return leaf | (uint64_t)(group_lg2 / 3) << 61;
}

/* ---- sun4v ---- */

static inline enum pw_kind sun4v_kind(const struct pw_format *f, const struct pw_regime *r,
				      unsigned level, uint64_t e)
{
	return sparc_kind(&sparc_4v, r, level, e);
}

static inline pw_pa sun4v_table(const struct pw_format *f, const struct pw_regime *r,
				unsigned level, uint64_t e)
{
	return e & sparc_4v.address;
}

/* Size in 2:0. */
static inline unsigned sun4v_page_lg2(const struct pw_format *f, const struct pw_regime *r,
				      unsigned level, uint64_t e)
{
	unsigned code = (unsigned)e & 7;

	return sparc_size(level, code);
}

static inline pw_pa sun4v_page(const struct pw_format *f, const struct pw_regime *r, unsigned level,
			       uint64_t e)
{
	return e & sparc_4v.address & ~pw_mask(sun4v_page_lg2(f, r, level, e));
}

static inline uint32_t sun4v_attr(const struct pw_format *f, const struct pw_regime *r,
				  unsigned level, uint64_t e)
{
	return sparc_attr(&sparc_4v, r, e) |
	       (sun4v_page_lg2(f, r, level, e) > 13 + 10 * level ? PW_CONTIGUOUS : 0);
}

static inline enum pw_status sun4v_hole(const struct pw_format *f, const struct pw_regime *r,
					unsigned level, uint64_t e, pw_pa *pa)
{
	return sparc_hole(&sparc_4v, r, level, e, sun4v_page(f, r, level, e), pa);
}

static inline uint64_t sun4v_make_leaf(const struct pw_format *f, const struct pw_regime *r,
				       unsigned level, pw_pa pa, uint32_t attr)
{
	return sparc_frame(&sparc_4v, level, pa) | sparc_attr_bits(&sparc_4v, attr);
}

static inline uint64_t sun4v_make_prot_none(const struct pw_format *f, const struct pw_regime *r,
					    unsigned level, pw_pa pa)
{
	return sparc_frame(&sparc_4v, level, pa) | sparc_4v.present | sparc_4v.accessed;
}

static inline uint64_t sun4v_change_attr(const struct pw_format *f, const struct pw_regime *r,
					 unsigned level, uint64_t e, uint32_t attr)
{
	return sparc_change(&sparc_4v, e, attr);
}

static inline uint64_t sun4v_join(const struct pw_format *f, const struct pw_regime *r,
				  unsigned level, uint64_t leaf, unsigned group_lg2)
{
	return leaf | group_lg2 / 3;
}

/* ---- the formats ---- */

extern const struct pw_instance pw_instance_sparc64_sun4u, pw_instance_sparc64_sun4v;
extern const struct pw_words pw_words_sparc64_sun4u, pw_words_sparc64_sun4v;

static const struct pw_format pw_format_sparc64_sun4u = {
	.name = "sparc64_sun4u",
	.title = "sparc64 sun4u, 8K pages",
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
	.kind = sun4u_kind,
	.table = sun4u_table,
	.page = sun4u_page,
	.page_lg2 = sun4u_page_lg2,
	.attr = sun4u_attr,
	.hole = sun4u_hole,
	.make_empty = sparc_make_empty,
	.make_leaf = sun4u_make_leaf,
	.make_table = sparc_make_table,
	.make_prot_none = sun4u_make_prot_none,
	.change_attr = sun4u_change_attr,
	.join = sun4u_join,
	.make_root = sparc_make_root,
	.words = &pw_words_sparc64_sun4u,
	.instance = &pw_instance_sparc64_sun4u,
};

static const struct pw_format pw_format_sparc64_sun4v = {
	.name = "sparc64_sun4v",
	.title = "sparc64 sun4v, 8K pages",
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
	.kind = sun4v_kind,
	.table = sun4v_table,
	.page = sun4v_page,
	.page_lg2 = sun4v_page_lg2,
	.attr = sun4v_attr,
	.hole = sun4v_hole,
	.make_empty = sparc_make_empty,
	.make_leaf = sun4v_make_leaf,
	.make_table = sparc_make_table,
	.make_prot_none = sun4v_make_prot_none,
	.change_attr = sun4v_change_attr,
	.join = sun4v_join,
	.make_root = sparc_make_root,
	.words = &pw_words_sparc64_sun4v,
	.instance = &pw_instance_sparc64_sun4v,
};

#endif
