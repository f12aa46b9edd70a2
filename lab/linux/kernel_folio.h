/* SPDX-License-Identifier: MIT */
/* Folios and counts, for the kernel's functions: see kernel.h. */
#ifndef LINUX_KERNEL_FOLIO_H
#define LINUX_KERNEL_FOLIO_H

#define page_folio(page)    READ_ONCE((page)->head)
#define compound_head(page) (&page_folio(page)->page)
#define nth_page(page, n)   ((page) + (n))
#define pfn_to_page(frame)  (&machine.folio[(frame) % PAGES].page)

static inline int folio_ref_count(const struct folio *folio)
{
	return READ_ONCE(folio->_refcount.counter);
}

/* Adds unless the count is zero. */
static inline bool folio_ref_try_add(struct folio *folio, int refs)
{
	int old = READ_ONCE(folio->_refcount.counter);

	do {
		if (old == 0)
			return false;
	} while (!__atomic_compare_exchange_n(&folio->_refcount.counter, &old, old + refs, false,
					      __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
	return true;
}
#define folio_ref_try_add_rcu folio_ref_try_add

static inline void folio_ref_add(struct folio *folio, int refs)
{
	__atomic_fetch_add(&folio->_refcount.counter, refs, __ATOMIC_SEQ_CST);
}

/* The last reference gives the folio back to the allocator. */
static inline void folio_put_refs(struct folio *folio, int refs)
{
	int left = __atomic_sub_fetch(&folio->_refcount.counter, refs, __ATOMIC_SEQ_CST);

	if (left < 0 && left > -(1 << 20))
		pw_lab_fail("a folio's references fall below zero");
	if (left == 0 &&
	    __atomic_exchange_n(&folio->owner, OWNER_NOBODY, __ATOMIC_SEQ_CST) == OWNER_NOBODY)
		pw_lab_fail("a folio is freed twice");
}
#define put_devmap_managed_page_refs(page, refs)   false
#define put_devmap_managed_folio_refs(folio, refs) false

static inline void atomic_add(int n, atomic_t *counter)
{
	__atomic_fetch_add(&counter->counter, n, __ATOMIC_SEQ_CST);
}

static inline void atomic_sub(int n, atomic_t *counter)
{
	__atomic_fetch_sub(&counter->counter, n, __ATOMIC_SEQ_CST);
}
#define folio_pincount_ptr(folio) (&(folio)->_pincount)

#define folio_test_large(folio)             (READ_ONCE((folio)->large) != 0)
#define folio_has_pincount(folio)           folio_test_large(folio)
#define PageCompound(page)                  folio_test_large(page_folio(page))
#define PageHead(page)                      (&page_folio(page)->page == (page))
#define PageHuge(page)                      false
#define PageAnon(page)                      (((uintptr_t)READ_ONCE(page_folio(page)->mapping) & 3) == PAGE_MAPPING_ANON)
#define PageAnonExclusive(page)             (READ_ONCE((page)->exclusive) != 0)
#define folio_test_slab(folio)              false
#define folio_test_hugetlb(folio)           false
#define is_zero_folio(folio)                false
#define is_zero_page(page)                  false
#define is_pci_p2pdma_page(page)            false
#define folio_is_longterm_pinnable(folio)   (READ_ONCE((folio)->movable) == 0)
#define is_longterm_pinnable_page(page)     folio_is_longterm_pinnable(page_folio(page))
#define node_stat_mod_folio(folio, item, n) ((void)0)
#define arch_make_folio_accessible(folio)   0
#define arch_make_page_accessible(page)     0
#define folio_set_referenced(folio)         ((void)0)
#define sanity_check_pinned_pages(pages, n) ((void)0)

extern const struct address_space_operations secretmem_aops;
#define shmem_mapping(mapping) (READ_ONCE((mapping)->a_ops) == address_space_shmem.a_ops)

/* ---- never reached here: device memory, and directories of huge pages ---- */

struct dev_pagemap;
typedef struct {
	uint64_t value;
} hugepd_t;
#define __hugepd(value)                ((hugepd_t){ 0 })
#define is_hugepd(hugepd)              false
#define gup_huge_pd(...)               0
#define gup_fast_hugepd(...)           0
#define get_dev_pagemap(frame, map)    (map)
#define put_dev_pagemap(map)           ((void)(map))
#define undo_dev_pagemap(...)          ((void)0)
#define gup_fast_undo_dev_pagemap(...) ((void)0)
#define __gup_device_huge_pmd(...)     0
#define __gup_device_huge_pud(...)     0
#define gup_fast_devmap_pmd_leaf(...)  0
#define gup_fast_devmap_pud_leaf(...)  0

/* ---- the sequence that fork holds odd ---- */

#define raw_read_seqcount(at)           READ_ONCE(machine.sequence)
#define raw_seqcount_try_begin(at, seq) ((seq) = READ_ONCE(machine.sequence), !((seq)&1))
#define read_seqcount_retry(at, seq)    (smp_rmb(), READ_ONCE(machine.sequence) != (seq))

#endif
