/* SPDX-License-Identifier: MIT */
/*
 * What mm/gup.c's fast path needs of a kernel, written for the laboratory. The kernel's own functions are in
 * gup.inc, which the script takes out of a kernel's tree; this declares what they use, by the kernel's names. Macros
 * stand where a function cannot: for a type, or for a word that is to be loaded.
 */
#ifndef LINUX_KERNEL_H
#define LINUX_KERNEL_H

#include <pagewalk/lab.h>

#include "machine.h"

/* ---- the language ---- */

#define unlikely(x)        (x)
#define likely(x)          (x)
#define WARN_ON_ONCE(x)    (x)
#define VM_WARN_ON_ONCE(x) ((void)(x))
#define VM_BUG_ON(x)       ((void)(x))
#define BUILD_BUG_ON(x)    ((void)0)
#define IS_ENABLED(option) 1
#define __maybe_unused     __attribute__((unused))
#define __must_check
#define __always_inline inline __attribute__((always_inline))

enum {
	FOLL_WRITE = 1,
	FOLL_GET = 2,
	FOLL_PIN = 4,
	FOLL_LONGTERM = 8,
	FOLL_FORCE = 16,
	FOLL_PCI_P2PDMA = 32,
	GUP_PIN_COUNTING_BIAS = PIN_BIAS,
	NR_FOLL_PIN_ACQUIRED = 0,
	NR_FOLL_PIN_RELEASED,
	PAGE_MAPPING_ANON = 1,
	PAGE_MAPPING_FLAGS = 3,
	FOLIO_MAPPING_ANON = 1,
	FOLIO_MAPPING_FLAGS = 3,
};

/* ---- entries ---- */

enum { PAGE_SHIFT = 12, PMD_SHIFT = 14, PUD_SHIFT = 16, P4D_SHIFT = 18, PGDIR_SHIFT = 20 };

#define PAGE_SIZE  (1UL << PAGE_SHIFT)
#define PMD_SIZE   (1UL << PMD_SHIFT)
#define PUD_SIZE   (1UL << PUD_SHIFT)
#define PGDIR_SIZE (1UL << PGDIR_SHIFT)
#define PMD_MASK   (~(PMD_SIZE - 1))
#define PUD_MASK   (~(PUD_SIZE - 1))
#define PGDIR_MASK (~(PGDIR_SIZE - 1))

#include ENTRY_HEADER /* entry_whole.h or entry_halves.h: pte_t */
typedef struct {
	uint64_t value;
} pmd_t;
typedef struct {
	uint64_t value;
} pud_t;
typedef struct {
	uint64_t value;
} p4d_t;
typedef struct {
	uint64_t value;
} pgd_t;
#define pmd_val(x) ((x).value)
#define pud_val(x) ((x).value)
#define p4d_val(x) ((x).value)
#define pgd_val(x) ((x).value)

/*
 * Stack copies of upper entries that a folded level stands on: the walk may load each of these, and nothing
 * beside it. One set for each reader would be safer, but no scenario with a folded level has two.
 */
struct copies {
	const void *at[4];
};
extern struct copies copies;

static inline void note_copy(unsigned level, const void *entry)
{
	if (!machine_in_table(entry))
		copies.at[level] = entry;
}

/* Every load of an entry comes by here. */
static inline void check_entry(const void *entry)
{
	if (machine_in_table(entry))
		return;
	for (unsigned i = 0; i < 4; i++)
		if (copies.at[i] == entry)
			return;
	pw_lab_fail("an entry is read from the walker's stack, not from a table");
}

static inline void check_nothing(const void *word)
{
	(void)word;
}

/* A word of any type, loaded once. */
#define READ_ONCE(x)                                           \
	({                                                     \
		__typeof__(x) once_;                           \
		_Generic(&(x), pte_t *                         \
			 : check_entry, pmd_t *                \
			 : check_entry, pud_t *                \
			 : check_entry, p4d_t *                \
			 : check_entry, pgd_t *                \
			 : check_entry, default                \
			 : check_nothing)(&(x));               \
		__atomic_load(&(x), &once_, __ATOMIC_RELAXED); \
		once_;                                         \
	})
#define WRITE_ONCE(x, v) __atomic_store_n(&(x), v, __ATOMIC_RELAXED)

static inline void smp_rmb(void)
{
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
}

static inline void smp_mb__after_atomic(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* The page of a leaf. Linux asks for it only if the entry is present and allows what is wanted. */
static inline struct page *page_of(uint64_t entry)
{
	struct page *page = machine_page(entry >> FRAME_SHIFT);

	if (!page)
		pw_lab_fail("an entry is read that nobody has stored: no page is in frame %#llx",
			    (unsigned long long)(entry >> FRAME_SHIFT));
	return page;
}

/* What Linux asks of an entry of one level. */
#define LEVEL(x)                                                     \
	static inline bool x##_present(x##_t e)                      \
	{                                                            \
		return x##_val(e) & ENTRY_PRESENT;                   \
	}                                                            \
	static inline bool x##_none(x##_t e)                         \
	{                                                            \
		return !(x##_val(e) & ENTRY_PRESENT);                \
	}                                                            \
	static inline bool x##_leaf(x##_t e)                         \
	{                                                            \
		return x##_val(e) & ENTRY_LEAF;                      \
	}                                                            \
	static inline bool x##_huge(x##_t e)                         \
	{                                                            \
		return x##_val(e) & ENTRY_LEAF;                      \
	}                                                            \
	static inline bool x##_write(x##_t e)                        \
	{                                                            \
		return x##_val(e) & ENTRY_WRITE;                     \
	}                                                            \
	static inline bool x##_special(x##_t e)                      \
	{                                                            \
		return x##_val(e) & ENTRY_SPECIAL;                   \
	}                                                            \
	static inline bool x##_devmap(x##_t e)                       \
	{                                                            \
		return false;                                        \
	}                                                            \
	static inline bool x##_protnone(x##_t e)                     \
	{                                                            \
		return false;                                        \
	}                                                            \
	static inline bool x##_access_permitted(x##_t e, bool write) \
	{                                                            \
		return x##_present(e) && (!write || x##_write(e));   \
	}                                                            \
	static inline unsigned long x##_pfn(x##_t e)                 \
	{                                                            \
		return x##_val(e) >> FRAME_SHIFT;                    \
	}                                                            \
	static inline struct page *x##_page(x##_t e)                 \
	{                                                            \
		return page_of(x##_val(e));                          \
	}
LEVEL(pte)
LEVEL(pmd)
LEVEL(pud)
LEVEL(p4d)
LEVEL(pgd)

#define pmd_trans_huge(e)    pmd_leaf(e)
#define pmdp_get(p)          READ_ONCE(*(p))
#define pudp_get(p)          READ_ONCE(*(p))
#define p4dp_get(p)          READ_ONCE(*(p))
#define pgdp_get(p)          READ_ONCE(*(p))
#define pmdp_get_lockless(p) pmdp_get(p)
#define pfn_valid(frame)     true

/* ---- tables ---- */

static inline unsigned index_of(unsigned long address, unsigned shift)
{
	return address >> shift & (TABLE_ENTRIES - 1);
}

static inline void *table_of(uint64_t entry)
{
	return (void *)(uintptr_t)(entry & ~(uint64_t)ENTRY_FLAGS);
}

static inline unsigned long end_of(unsigned long address, unsigned long end, unsigned shift)
{
	unsigned long boundary = ((address >> shift) + 1) << shift;

	return boundary - 1 < end - 1 ? boundary : end;
}
#define pmd_addr_end(address, end) end_of(address, end, PMD_SHIFT)
#define pud_addr_end(address, end) end_of(address, end, PUD_SHIFT)
#define p4d_addr_end(address, end) end_of(address, end, P4D_SHIFT)
#define pgd_addr_end(address, end) end_of(address, end, PGDIR_SHIFT)

#include FOLD_HEADER /* fold_*.h: pgd_offset, p4d_offset and so on, and the lockless ones unless gup.inc has them */

static inline pte_t *pte_offset_map(pmd_t *pmd, unsigned long address)
{
	return (pte_t *)table_of(pmd->value) + index_of(address, PAGE_SHIFT);
}
#define pte_unmap(pte) ((void)(pte))

/* ---- processes ---- */

/* write_protect_seq is the machine's; Linux's code takes only its address here. */
struct mm_struct {
	uint32_t write_protect_seq;
};
struct task_struct {
	struct mm_struct *mm;
};
struct vm_area_struct {
	unsigned long vm_flags;
};
#define is_cow_mapping(flags) true

#define gup_fast_permitted(first, end) true

static inline void set_irqs(struct page **pages, uint64_t off)
{
	struct reader *reader = (void *)((char *)pages - offsetof(struct reader, pages));

	__atomic_exchange_n(&reader->irqs_off, off, __ATOMIC_SEQ_CST);
}

/* The processor is known by the array that the walk fills, which every caller has as `pages`. */
#define local_irq_save(flags)          (set_irqs(pages, 1), (flags) = 0)
#define local_irq_restore(flags)       ((void)(flags), set_irqs(pages, 0))
#define lockdep_assert_irqs_disabled() ((void)0)
#define irqs_disabled()                true

#include "kernel_folio.h"

#endif
