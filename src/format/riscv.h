/* SPDX-License-Identifier: MIT */
/*
 * riscv Sv39, Sv48 and Sv57, with Svnapot and Svpbmt. riscv32.h has Sv32, which uses the same functions.
 * RISC-V Privileged Specification, "Supervisor-Level ISA": Sv39 to Sv57, Svnapot, Svpbmt; Linux
 * arch/riscv/include/asm/pgtable.h, pgtable-bits.h, pgtable-64.h.
 *
 *        level 4   level 3   level 2   level 1   level 0
 * Sv39                       9 bits    9 bits    9 bits,  8 bytes
 * Sv48             9 bits    9 bits    9 bits    9 bits,  8 bytes
 * Sv57   9 bits    9 bits    9 bits    9 bits    9 bits,  8 bytes
 *
 *  63  62 61 60  54 53                           10 9  8  7   6   5   4   3   2   1   0
 * +--+------+------+-------------------------------+-----+---+---+---+---+---+---+---+---+
 * | N| PBMT |  0   |       physical page number    | sw  | D | A | G | U | X | W | R | V |
 * +--+------+------+-------------------------------+-----+---+---+---+---+---+---+---+---+
 *
 * An entry with any of R, W, X is a leaf, at any level. An entry with none of them is a table; if it has G,
 * everything below it is global. W alone marks a page of a shadow stack (Zicfiss), which ordinary
 * instructions may read but not write. Without Zicfiss, or if it is off (menvcfg, henvcfg: SSE), W alone is
 * reserved. This format does not cover the cores of T-Head that have memory types of their own in 63:59:
 * their entries look malformed here.
 */
#ifndef PW_FORMAT_RISCV_H
#define PW_FORMAT_RISCV_H

#include "format/linux.h"

enum {
	RISCV_V = 1 << 0,
	RISCV_R = 1 << 1,
	RISCV_W = 1 << 2,
	RISCV_X = 1 << 3,
	RISCV_RWX = 7 << 1,
	RISCV_U = 1 << 4,
	RISCV_G = 1 << 5,
	RISCV_PROT_NONE = 1 << 5, /* Linux, if V is clear */
	RISCV_A = 1 << 6,
	RISCV_D = 1 << 7,
	RISCV_SPECIAL = 1 << 8, /* Linux */
	RISCV_NAPOT_LG2 = 16, /* the only size of a group: sixteen base pages */
};
static const uint64_t RISCV_PPN = UINT64_C(0x003ffffffffffc00);
static const uint64_t RISCV_RESERVED = UINT64_C(0x7f) << 54;
/* Svrsw60t59b gives these bits to software; Linux 7.0 uses them. */
static const uint64_t RISCV_RESERVED_SOFT = UINT64_C(3) << 59;
static const uint64_t RISCV_PBMT = UINT64_C(3) << 61;
static const uint64_t RISCV_PBMT_NC = UINT64_C(1) << 61;
static const uint64_t RISCV_PBMT_IO = UINT64_C(1) << 62;
static const uint64_t RISCV_N = UINT64_C(1) << 63;
static const uint64_t RISCV_SATP_PPN = UINT64_C(0x00000fffffffffff);
/* Swap entries gained an exclusive marker, and the type moved up by a bit. */
static const uint16_t RISCV_KERNEL_EXCLUSIVE = 0x0603;
static const uint16_t RISCV_KERNEL_RSW60T59B = 0x0700;

static inline uint32_t riscv_attr(const struct pw_format *f, const struct pw_regime *r,
				  unsigned level, uint64_t e)
{
	enum pw_memtype type = PW_MEM_NORMAL;
	uint32_t attr = 0;

	attr |= e & RISCV_R ? PW_READ : 0;
	attr |= e & RISCV_W ? PW_WRITE : 0;
	if ((e & RISCV_RWX) == RISCV_W)
		attr = PW_READ | PW_SHADOW_STACK;
	attr |= e & RISCV_X ? PW_EXEC_BOTH : 0;
	attr |= e & RISCV_U ? PW_USER : 0;
	attr |= e & RISCV_G ? PW_GLOBAL : 0;
	attr |= e & RISCV_A ? PW_ACCESSED : 0;
	attr |= e & RISCV_D ? PW_DIRTY : 0;
	attr |= e & RISCV_N ? PW_CONTIGUOUS : 0;
	if (r->view == PW_VIEW_LINUX && (e & RISCV_SPECIAL))
		attr |= PW_SPECIAL;
	if (e & RISCV_PBMT)
		type = e & RISCV_PBMT_NC ? PW_MEM_WRITE_COMBINING : PW_MEM_DEVICE;
	return attr | pw_memtype_attr(type);
}

/* "Global" in a table entry applies to everything below it. No other bit of a table entry does. */
static inline uint32_t riscv_keep(const struct pw_format *f, const struct pw_regime *r,
				  unsigned level, uint64_t e)
{
	return e & RISCV_G ? ~(uint32_t)PW_GLOBAL : PW_KEEP_ALL;
}

/* Does the specification allow the encoding of this valid entry? */
static inline bool riscv_allowed(const struct pw_format *f, const struct pw_regime *r,
				 unsigned level, uint64_t e)
{
	uint64_t reserved = r->kernel >= RISCV_KERNEL_RSW60T59B
				    ? RISCV_RESERVED & ~RISCV_RESERVED_SOFT
				    : RISCV_RESERVED;

	if (e & reserved)
		return false;
	if (!(e & RISCV_RWX))
		return level > 0 && !(e & (RISCV_N | RISCV_PBMT | RISCV_U | RISCV_A | RISCV_D));
	if ((e & RISCV_RWX) == (RISCV_W | RISCV_X) || (e & RISCV_PBMT) == RISCV_PBMT)
		return false;
	/* So far, Svnapot only has groups of sixteen base pages, with PPN 3:0 = 1000. */
	if (e & RISCV_N)
		return level == 0 && (e >> 10 & 15) == 8;
	return !(e & RISCV_PPN & pw_mask(f->shift[level] - 2u));
}

/* A valid entry with an address and nothing else. */
static inline bool riscv_plain(const struct pw_format *f, const struct pw_regime *r, unsigned level,
			       uint64_t e)
{
	const uint64_t nothing = RISCV_RESERVED | RISCV_N | RISCV_PBMT | RISCV_RWX | RISCV_U |
				 RISCV_G | RISCV_A | RISCV_D;

	return (e & (nothing | RISCV_V)) == RISCV_V;
}

static inline enum pw_kind riscv_kind(const struct pw_format *f, const struct pw_regime *r,
				      unsigned level, uint64_t e)
{
	const unsigned readable = RISCV_V | RISCV_R;

	if (PW_LIKELY(level == 0 && (e & readable) == readable && !(e >> 54)))
		return PW_LEAF;
	if (PW_LIKELY(e & RISCV_V)) {
		if (!riscv_allowed(f, r, level, e))
			return PW_HOLE;
		return e & RISCV_RWX ? PW_LEAF : PW_TABLE;
	}
	/* A huge page that is being split is present for Linux. Its permissions apply: pmd_present(). */
	return r->view == PW_VIEW_LINUX && level == 1 && (e & RISCV_RWX) && !(e & RISCV_PROT_NONE)
		       ? PW_LEAF
		       : PW_HOLE;
}

static inline pw_pa riscv_table(const struct pw_format *f, const struct pw_regime *r,
				unsigned level, uint64_t e)
{
	return (e & RISCV_PPN) << 2;
}

static inline unsigned riscv_page_lg2(const struct pw_format *f, const struct pw_regime *r,
				      unsigned level, uint64_t e)
{
	return level == 0 && (e & RISCV_N) ? RISCV_NAPOT_LG2 : f->shift[level];
}

static inline pw_pa riscv_page(const struct pw_format *f, const struct pw_regime *r, unsigned level,
			       uint64_t e)
{
	return (e & RISCV_PPN) << 2 & ~pw_mask(riscv_page_lg2(f, r, level, e));
}

static inline enum pw_status riscv_hole(const struct pw_format *f, const struct pw_regime *r,
					unsigned level, uint64_t e, pw_pa *pa)
{
	if (e & RISCV_V)
		return PW_MALFORMED;
	if (r->view == PW_VIEW_HARDWARE || !e || level > 2)
		return PW_NONE;
	if (e & RISCV_PROT_NONE) {
		*pa = riscv_page(f, r, level, e);
		return PW_PROT_NONE;
	}
	return pw_linux_swap(r, level,
			     (unsigned)(e >> (r->kernel >= RISCV_KERNEL_EXCLUSIVE ? 7 : 6)) & 31);
}

static inline uint64_t riscv_make_empty(const struct pw_format *f, const struct pw_regime *r,
					unsigned level)
{
	return 0;
}

/*
 * The bits of a leaf that depend on @attr. W without R would be a shadow stack, so write sets both. An entry
 * with none of R, W, X would be a table, so Linux's PAGE_NONE (which has R) takes its place.
 */
static inline uint64_t riscv_attr_bits(uint32_t attr)
{
	uint64_t e = 0;

	e |= attr & PW_WRITE ? RISCV_W | RISCV_R : 0;
	e |= attr & PW_READ ? RISCV_R : 0;
	e |= attr & PW_EXEC ? RISCV_X : 0;
	e |= attr & PW_ACCESSED ? RISCV_A : 0;
	e |= attr & PW_DIRTY ? RISCV_D : 0;
	e |= attr & PW_SPECIAL ? RISCV_SPECIAL : 0;
	if (!(e & RISCV_RWX))
		return e | RISCV_PROT_NONE | RISCV_R;
	e |= attr & PW_USER ? RISCV_U : 0;
	e |= attr & PW_GLOBAL ? RISCV_G : 0;
	return e | RISCV_V;
}

/* Puts the page number in its place. */
static inline uint64_t riscv_make_leaf(const struct pw_format *f, const struct pw_regime *r,
				       unsigned level, pw_pa pa, uint32_t attr)
{
	return pa >> 2 | riscv_attr_bits(attr);
}

static inline uint64_t riscv_make_table(const struct pw_format *f, const struct pw_regime *r,
					unsigned level, pw_pa pa)
{
	return pa >> 2 | RISCV_V;
}

static inline uint64_t riscv_make_prot_none(const struct pw_format *f, const struct pw_regime *r,
					    unsigned level, pw_pa pa)
{
	return riscv_make_leaf(f, r, level, pa, 0);
}

/*
 * __SWP_TYPE_SHIFT, _PAGE_SWP_EXCLUSIVE. Before 6.3 Linux has no marker; here U, which it leaves alone, is one.
 */
static inline struct pw_soft_layout riscv_soft(const struct pw_format *f, const struct pw_regime *r,
					       unsigned level)
{
	const bool marker = r->kernel >= RISCV_KERNEL_EXCLUSIVE;
	const uint8_t shift = marker ? 12 : 11;

	if (level > 2)
		return (struct pw_soft_layout){ 0 };
	return (struct pw_soft_layout){
		.type_shift = marker ? 7 : 6,
		.offset_shift = shift,
		.offset_bits = (uint8_t)((8u << f->entry_lg2) - shift),
		.exclusive = marker ? RISCV_A : RISCV_U,
	};
}

static inline uint64_t riscv_change_attr(const struct pw_format *f, const struct pw_regime *r,
					 unsigned level, uint64_t e, uint32_t attr)
{
	uint64_t decided = RISCV_V | RISCV_RWX | RISCV_U | RISCV_G | RISCV_A | RISCV_D |
			   RISCV_SPECIAL;

	return (e & ~decided) | riscv_attr_bits(attr);
}

/* The only group: sets N, and the size in the low bits of the page number, the same in all members. */
static inline uint64_t riscv_join(const struct pw_format *f, const struct pw_regime *r,
				  unsigned level, uint64_t leaf, unsigned group_lg2)
{
	return (leaf & ~(pw_mask(4) << 10)) | UINT64_C(8) << 10 | RISCV_N;
}

/* satp.MODE of the format: it is 8, 9, 10 for 3, 4, 5 levels. */
static inline uint64_t riscv_satp_mode(const struct pw_regime *r)
{
	return r->format->levels + 5u;
}

static inline uint64_t riscv_make_root(const struct pw_format *f, const struct pw_regime *r,
				       pw_pa pa, unsigned top)
{
	return riscv_satp_mode(r) << 60 | pa >> 12;
}

static inline int riscv_root(struct pw_regime *r, const uint64_t *word, unsigned count,
			     struct pw_error *error)
{
	static const char *const mode_name[16] = {
		[0] = "no translation",
		[8] = "riscv_sv39",
		[9] = "riscv_sv48",
		[10] = "riscv_sv57",
		[11] = "Sv64, which is not specified yet",
	};
	uint64_t mode = word[0] >> 60;

	if (mode != riscv_satp_mode(r))
		return pw_fail(error, EINVAL,
			       "satp 0x%llx has mode %u (%s); %s needs mode %u in bits 63:60",
			       (unsigned long long)word[0], (unsigned)mode,
			       mode_name[mode] ? mode_name[mode] : "reserved", r->format->name,
			       (unsigned)riscv_satp_mode(r));
	pw_span_signed(r, (word[0] & RISCV_SATP_PPN) << 12);
	return 0;
}

/* ---- the formats ---- */

extern const struct pw_instance pw_instance_riscv_sv39, pw_instance_riscv_sv48,
	pw_instance_riscv_sv57;
extern const struct pw_words pw_words_riscv_sv39, pw_words_riscv_sv48, pw_words_riscv_sv57;

static const struct pw_format pw_format_riscv_sv39 = {
	.name = "riscv_sv39",
	.title = "riscv Sv39, 3 levels",
	.config = PW_CONFIG_MEMORY_FAILURE | PW_CONFIG_DEVICE_PRIVATE,
	.root_name = "satp",
	.level_name = { "pte", "pmd", "pgd" },
	.levels = 3,
	.shift = { 12, 21, 30 },
	.bits = { 9, 9, 9 },
	.entry_lg2 = 3,
	.leaf_levels = 0x7,
	.page_field = { 53, 10 },
	.groups = { 1 << 4 },
	.max_roots = 1,
	.root = riscv_root,
	.kind = riscv_kind,
	.plain = riscv_plain,
	.table = riscv_table,
	.page = riscv_page,
	.page_lg2 = riscv_page_lg2,
	.attr = riscv_attr,
	.keep = riscv_keep,
	.hole = riscv_hole,
	.make_empty = riscv_make_empty,
	.make_leaf = riscv_make_leaf,
	.make_table = riscv_make_table,
	.make_prot_none = riscv_make_prot_none,
	.change_attr = riscv_change_attr,
	.join = riscv_join,
	.soft = riscv_soft,
	.make_root = riscv_make_root,
	.words = &pw_words_riscv_sv39,
	.instance = &pw_instance_riscv_sv39,
};

static const struct pw_format pw_format_riscv_sv48 = {
	.name = "riscv_sv48",
	.title = "riscv Sv48, 4 levels",
	.config = PW_CONFIG_MEMORY_FAILURE | PW_CONFIG_DEVICE_PRIVATE,
	.root_name = "satp",
	.level_name = { "pte", "pmd", "pud", "pgd" },
	.levels = 4,
	.shift = { 12, 21, 30, 39 },
	.bits = { 9, 9, 9, 9 },
	.entry_lg2 = 3,
	.leaf_levels = 0xf,
	.page_field = { 53, 10 },
	.groups = { 1 << 4 },
	.max_roots = 1,
	.root = riscv_root,
	.kind = riscv_kind,
	.plain = riscv_plain,
	.table = riscv_table,
	.page = riscv_page,
	.page_lg2 = riscv_page_lg2,
	.attr = riscv_attr,
	.keep = riscv_keep,
	.hole = riscv_hole,
	.make_empty = riscv_make_empty,
	.make_leaf = riscv_make_leaf,
	.make_table = riscv_make_table,
	.make_prot_none = riscv_make_prot_none,
	.change_attr = riscv_change_attr,
	.join = riscv_join,
	.soft = riscv_soft,
	.make_root = riscv_make_root,
	.words = &pw_words_riscv_sv48,
	.instance = &pw_instance_riscv_sv48,
};

static const struct pw_format pw_format_riscv_sv57 = {
	.name = "riscv_sv57",
	.title = "riscv Sv57, 5 levels",
	.config = PW_CONFIG_MEMORY_FAILURE | PW_CONFIG_DEVICE_PRIVATE,
	.root_name = "satp",
	.level_name = { "pte", "pmd", "pud", "p4d", "pgd" },
	.levels = 5,
	.shift = { 12, 21, 30, 39, 48 },
	.bits = { 9, 9, 9, 9, 9 },
	.entry_lg2 = 3,
	.leaf_levels = 0x1f,
	.page_field = { 53, 10 },
	.groups = { 1 << 4 },
	.max_roots = 1,
	.root = riscv_root,
	.kind = riscv_kind,
	.plain = riscv_plain,
	.table = riscv_table,
	.page = riscv_page,
	.page_lg2 = riscv_page_lg2,
	.attr = riscv_attr,
	.keep = riscv_keep,
	.hole = riscv_hole,
	.make_empty = riscv_make_empty,
	.make_leaf = riscv_make_leaf,
	.make_table = riscv_make_table,
	.make_prot_none = riscv_make_prot_none,
	.change_attr = riscv_change_attr,
	.join = riscv_join,
	.soft = riscv_soft,
	.make_root = riscv_make_root,
	.words = &pw_words_riscv_sv57,
	.instance = &pw_instance_riscv_sv57,
};

#endif
