/* SPDX-License-Identifier: MIT */
/*
 * The kernel's page-table layer, five levels as <linux/pgtable.h> has them, over pagewalk's formats.
 *
 * pgd_t, p4d_t, pud_t, pmd_t, pte_t hold a loaded entry; pgdp_t ... ptep_t point to an entry. They are
 * distinct types, so that code that confuses two levels does not compile. Names and `end` (exclusive, 0
 * for 2^64) are Linux's.
 *
 * A constant (struct fold_config) selects one of two uses. Observed: every pointer carries its
 * provenance, and observe.c judges every read. Lean: all of that is compiled out, and only the code
 * remains that a kernel would run (lean.h).
 */
#ifndef LAB_KERNEL_H
#define LAB_KERNEL_H

#include "access/access.h"
#include "lab/fold/fold.h"
#include "walk/step.h"

/* The parameters that a walk is compiled for. Lean: all are constant. Observed: only `observe` is. */
struct fold_config {
	const struct pw_format *format;
	const struct fold_style *style;
	bool observe;
};

struct fold_observer;

/* A walk in progress. */
struct fold_walk {
	const struct pw_regime *regime;
	pw_pa root; /* top table: the kernel's mm->pgd, read once */
	const unsigned char *ram; /* lean: the host address of physical address 0 */
	pw_pa *page; /* lean: receives the pages found, one per base page */
	size_t found;
	struct fold_observer *observer;
};

/* An entry that was loaded: the word as it stood in memory. fold_value() reads it. */
struct fold_entry {
	uint64_t word;
};

/* A pointer to an entry. Lean code has `host` alone. */
struct fold_pointer {
	const void *host; /* lean, or on the stack: the word */
	struct fold_place place;
};

/* ---- observed: observe.c ---- */

/* Reads through @pointer for the turn of @level at @addr, which begins with it. */
struct fold_entry fold_observe_turn(struct fold_observer *observer, unsigned level,
				    const struct fold_pointer *pointer, pw_va addr);
/* Reads through @pointer once more, or something that begins no turn. */
struct fold_entry fold_observe_read(struct fold_observer *observer,
				    const struct fold_pointer *pointer);
/* The current turn of @level is cropped to addr..next-1. */
void fold_observe_crop(struct fold_observer *observer, unsigned level, pw_va next);
/* The current turn of @level found addr..next-1 behind its leaf. */
void fold_observe_page(struct fold_observer *observer, unsigned level, pw_va addr, pw_va next,
		       pw_pa pa);

/* ---- common to all levels; @level is a constant in each use ---- */

/* The word of an entry, by one load as READ_ONCE. */
PW_INLINE struct fold_entry fold_word(const struct fold_config *c, const void *host)
{
	struct fold_entry entry;

	if (c->format->entry_lg2 == 2)
		entry.word = __atomic_load_n((const uint32_t *)host, __ATOMIC_RELAXED);
	else
		entry.word = __atomic_load_n((const uint64_t *)host, __ATOMIC_RELAXED);
	return entry;
}

PW_INLINE uint64_t fold_value(const struct fold_config *c, struct fold_entry entry)
{
	return pw_entry_number(entry.word, c->format->entry_lg2, c->format->big_endian);
}

PW_INLINE struct fold_entry fold_turn_read(const struct fold_config *c, struct fold_walk *w,
					   unsigned level, struct fold_pointer pointer, pw_va addr)
{
	if (c->observe)
		return fold_observe_turn(w->observer, level, &pointer, addr);
	return fold_word(c, pointer.host);
}

PW_INLINE struct fold_entry fold_read(const struct fold_config *c, struct fold_walk *w,
				      struct fold_pointer pointer)
{
	if (c->observe)
		return fold_observe_read(w->observer, &pointer);
	return fold_word(c, pointer.host);
}

/* The real level of an entry that a walk meets at @level: lower than @level if that is folded. */
PW_INLINE unsigned fold_real(const struct fold_config *c, unsigned level, uint64_t value)
{
	unsigned real = c->style->top;

	/* s390: table type in 3:2, 0 for a segment entry. Empty entries have it too. */
	if (c->style->how == FOLD_VALUE)
		real = 1 + (unsigned)(value >> 2 & 3);
	return level < real ? level : real;
}

/* pXd_index() of a level that exists. */
PW_INLINE uint32_t fold_index(const struct fold_config *c, unsigned level, pw_va addr)
{
	return pw_index(addr, c->format->shift[level], c->format->bits[level]);
}

/* Entry @index of the table at @table, whose entries are of @level. */
PW_INLINE struct fold_pointer fold_in_table(const struct fold_config *c, const struct fold_walk *w,
					    unsigned level, pw_pa table, uint32_t index,
					    unsigned bits)
{
	struct fold_pointer pointer = {
		.place = {
			.where = FOLD_IN_TABLE,
			.level = (uint8_t)level,
			.table = table,
			.index = index,
			.entries = (uint32_t)1 << bits,
		},
	};

	if (!c->observe)
		pointer.host = w->ram + pw_entry_address(c->format, table, index);
	return pointer;
}

/* pgd_offset(), given the first entry of the top table if it depends on this. */
PW_INLINE struct fold_pointer fold_top(const struct fold_config *c, const struct fold_walk *w,
				       uint64_t first, pw_va addr)
{
	const struct pw_format *f = c->format;
	unsigned real = fold_real(c, FOLD_PGD, first);
	unsigned shift = c->style->pgd_shift, bits = c->style->pgd_bits;

	if (c->style->how == FOLD_VALUE) {
		shift = f->shift[real];
		bits = f->bits[real];
	}
	return fold_in_table(c, w, real, w->root, pw_index(addr, shift, bits), f->bits[real]);
}

/*
 * p4d_to_folded_pud() of arm64: goes down to the start of the table's page, and up by this level's index.
 * It turns a pointer to the stack into another one, to an unknown place on the stack.
 */
PW_INLINE struct fold_pointer fold_realigned(const struct fold_config *c,
					     struct fold_pointer parent, unsigned level, pw_va addr)
{
	const struct pw_format *f = c->format;
	uint32_t index = fold_index(c, level, addr);
	uintptr_t page = (uintptr_t)parent.host & ~(uintptr_t)pw_mask(f->shift[0]);

	if (parent.place.where != FOLD_IN_TABLE)
		parent.place.where = FOLD_STRAY;
	parent.place.index = index;
	if (!c->observe)
		parent.host = (const void *)(page + ((uintptr_t)index << f->entry_lg2));
	return parent;
}

/*
 * Goes down from an entry of @level + 1, by its pointer and its value: to the table behind the value or,
 * if @level is folded, to the same place again.
 */
PW_INLINE struct fold_pointer fold_down(const struct fold_config *c, const struct fold_walk *w,
					unsigned level, struct fold_pointer parent, uint64_t value,
					pw_va addr)
{
	const struct pw_format *f = c->format;

	if (fold_real(c, level + 1, value) == level + 1)
		return fold_in_table(c, w, level, f->table(f, w->regime, level + 1, value),
				     fold_index(c, level, addr), f->bits[level]);
	if (c->style->how == FOLD_REINDEX && level == c->style->top)
		return fold_realigned(c, parent, level, addr);
	return parent;
}

/*
 * pXd_offset() by pointer alone, for walkers that hold a lock: it reads the entry anew, unless the way
 * down cannot depend on the entry.
 */
PW_INLINE struct fold_pointer fold_offset(const struct fold_config *c, struct fold_walk *w,
					  unsigned level, struct fold_pointer parent, pw_va addr)
{
	struct fold_entry entry = { 0 };
	bool known = c->style->how != FOLD_VALUE && level >= c->style->top;

	if (!known)
		entry = fold_read(c, w, parent);
	return fold_down(c, w, level, parent, fold_value(c, entry), addr);
}

/*
 * Does pXd_offset_lockless() give the real pointer to a folded level? On s390 and arm64 it does; the
 * generic default is a copy, which is equally good if the folded loop has one turn.
 */
PW_INLINE bool fold_lockless_real(const struct fold_config *c)
{
	return c->style->how == FOLD_VALUE || c->style->how == FOLD_REINDEX;
}

/* A pointer to @entry, a copy on the stack; @real is the pointer that loaded it, at @level. */
PW_INLINE struct fold_pointer fold_copy(const struct fold_config *c, unsigned level,
					const struct fold_entry *entry, struct fold_pointer real)
{
	struct fold_pointer copy = { .host = &entry->word };

#if __BYTE_ORDER == __BIG_ENDIAN
	if (c->format->entry_lg2 == 2)
		copy.host = (const unsigned char *)&entry->word + 4;
#endif
	if (!c->observe)
		return copy;
	copy.place = real.place;
	/* A copy of a copy is still one of the same entry. */
	copy.place.source = real.place.where == FOLD_IN_TABLE ? real.place.index
							      : real.place.source;
	copy.place.where = FOLD_ON_STACK;
	copy.place.copy = (uint8_t)level;
	copy.place.index = 0;
	return copy;
}

PW_INLINE struct fold_pointer fold_next(const struct fold_config *c, struct fold_pointer pointer)
{
	if (!c->observe || pointer.place.where == FOLD_ON_STACK)
		pointer.host = (const unsigned char *)pointer.host + pw_entry_bytes(c->format);
	pointer.place.index++;
	return pointer;
}

/* The next multiple of 2^shift, or @end if that comes first; overflow-safe like the kernel's. */
PW_INLINE pw_va fold_crop(unsigned shift, pw_va addr, pw_va end)
{
	pw_va boundary;

	if (shift >= FOLD_NO_CROP)
		return end;
	boundary = (addr + (UINT64_C(1) << shift)) & ~pw_mask(shift);
	return boundary - 1 < end - 1 ? boundary : end;
}

/* pXd_addr_end(addr, end) */
PW_INLINE pw_va fold_addr_end(const struct fold_config *c, unsigned level, pw_va addr, pw_va end)
{
	return fold_crop(c->style->crop[level], addr, end);
}

/* pXd_addr_end_folded(pXd, addr, end), and the value-aware pXd_addr_end() */
PW_INLINE pw_va fold_addr_end_value(const struct fold_config *c, unsigned level, uint64_t value,
				    pw_va addr, pw_va end)
{
	if (c->style->how != FOLD_VALUE)
		return fold_addr_end(c, level, addr, end);
	return fold_crop(c->style->crop[fold_real(c, level, value)], addr, end);
}

/* A folded level is never empty and never a leaf: the level that it is folded into decides. */
PW_INLINE enum pw_kind fold_kind(const struct fold_config *c, const struct fold_walk *w,
				 unsigned level, uint64_t value)
{
	if (fold_real(c, level, value) < level)
		return PW_TABLE;
	return c->format->kind(c->format, w->regime, level, value);
}

PW_INLINE void fold_cropped(const struct fold_config *c, struct fold_walk *w, unsigned level,
			    pw_va next)
{
	if (c->observe)
		fold_observe_crop(w->observer, level, next);
}

/* The pages addr..next-1 behind a leaf. */
PW_INLINE void fold_found(const struct fold_config *c, struct fold_walk *w, unsigned level,
			  uint64_t value, pw_va addr, pw_va next)
{
	const struct pw_format *f = c->format;
	unsigned lg2 = pw_leaf_lg2(f, w->regime, level, f->shift[level], value);
	pw_pa pa = pw_leaf_page(f, w->regime, level, lg2, value) | (addr & pw_mask(lg2));

	if (c->observe) {
		fold_observe_page(w->observer, level, addr, next, pa);
		return;
	}
	do {
		w->page[w->found++] = pa;
		pa += UINT64_C(1) << f->shift[0];
		addr += UINT64_C(1) << f->shift[0];
	} while (level > 0 && addr != next);
}

/* ---- the levels ---- */

typedef struct {
	struct fold_entry entry;
} pgd_t;
typedef struct {
	struct fold_entry entry;
} p4d_t;
typedef struct {
	struct fold_entry entry;
} pud_t;
typedef struct {
	struct fold_entry entry;
} pmd_t;
typedef struct {
	struct fold_entry entry;
} pte_t;

typedef struct {
	struct fold_pointer to;
} pgdp_t;
typedef struct {
	struct fold_pointer to;
} p4dp_t;
typedef struct {
	struct fold_pointer to;
} pudp_t;
typedef struct {
	struct fold_pointer to;
} pmdp_t;
typedef struct {
	struct fold_pointer to;
} ptep_t;

#include "lab/fold/levels.h"

#endif
