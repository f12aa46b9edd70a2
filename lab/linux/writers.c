/* SPDX-License-Identifier: MIT */
/*
 * What Linux does to page tables and folios, in the order of its steps. The lock is one word for all of them. A
 * table, or the end of an old translation, waits for readers in two ways: an interrupt to every processor (IPI),
 * which one with interrupts off does not take; or a grace period of RCU, which does not end before either.
 */
#include <stdlib.h>

#include "kernel.h"
#include "writers.h"

static void lock(void)
{
	while (__atomic_exchange_n(&machine.lock, 1, __ATOMIC_ACQUIRE))
		pw_lab_wait(&machine.lock, sizeof(machine.lock), 1);
}

static void unlock(void)
{
	__atomic_store_n(&machine.lock, 0, __ATOMIC_RELEASE);
}

/*
 * Until every processor that had its interrupts off has had them on. Earlier stores are visible to those that
 * turn them off later: to send an interrupt, or to begin a grace period, is a full barrier.
 */
static void wait_for_processors(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	for (unsigned i = 0; i < READERS; i++)
		pw_lab_wait(&machine.reader[i].irqs_off, sizeof(machine.reader[i].irqs_off), 1);
}

static uint64_t take_entry(uint64_t *entry)
{
	return __atomic_exchange_n(entry, 0, __ATOMIC_SEQ_CST);
}

static void set_entry(uint64_t *entry, uint64_t value)
{
	__atomic_store_n(entry, value, __ATOMIC_RELEASE);
}

static void put(unsigned page, int refs)
{
	folio_put_refs(&machine.folio[page], refs);
}

/* The allocator gives a free page to @owner. */
static bool allocate(unsigned page, enum owner owner)
{
	uint32_t nobody = OWNER_NOBODY;

	if (!__atomic_compare_exchange_n(&machine.folio[page].owner, &nobody, (uint32_t)owner,
					 false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
		return false;
	WRITE_ONCE(machine.folio[page]._refcount.counter, 1);
	return true;
}

static bool has_references(unsigned page, int refs)
{
	return READ_ONCE(machine.folio[page]._refcount.counter) == refs;
}

/* zap_pte_range: the entry, then the page; then the page is somebody else's. */
static void zap(uint64_t *entry, unsigned page)
{
	uint64_t old;

	lock();
	old = take_entry(entry);
	unlock();
	if (old & ENTRY_PRESENT)
		put(page, 1);
	allocate(page, OWNER_OTHER);
}

void writer_zap(void)
{
	zap(&machine.pte[0], 0);
}

void writer_zap_second(void)
{
	zap(&machine.spare[0], 1);
}

/* ---- munmap ---- */

void writer_unmap_rcu(void)
{
	zap(&machine.pte[0], 0);
	lock();
	take_entry(&machine.pmd[0]);
	unlock();
	wait_for_processors(); /* call_rcu */
	free(machine.pte);
}

void writer_unmap_ipi(void)
{
	lock();
	take_entry(&machine.pte[0]);
	unlock();
	lock();
	take_entry(&machine.pmd[0]);
	unlock();
	wait_for_processors(); /* the TLBs are flushed by an interrupt */
	put(0, 1);
	allocate(0, OWNER_OTHER);
	free(machine.pte);
}

/* MADV_DONTNEED, and PT_RECLAIM: the table is empty by now. */
void writer_reclaim_table(void)
{
	bool empty = true;

	lock();
	take_entry(&machine.pte[0]);
	unlock();
	lock();
	for (unsigned i = 0; i < TABLE_ENTRIES; i++)
		empty = empty && !(READ_ONCE(machine.pte[i]) & ENTRY_PRESENT);
	if (empty)
		set_entry(&machine.pmd[0], 0);
	unlock();
	put(0, 1);
	allocate(0, OWNER_OTHER);
	if (!empty)
		return;
	wait_for_processors(); /* call_rcu */
	free(machine.pte);
}

/* A page fault of another thread: it needs a new table if the old one is gone. */
void writer_fault_table(void)
{
	lock();
	if (!(READ_ONCE(machine.pmd[0]) & ENTRY_PRESENT))
		set_entry(&machine.pmd[0], machine_pointer(machine.spare, 0));
	unlock();
}

/* ---- khugepaged ---- */

/* Takes page 0 out of the table, if nobody but the table has it. */
static bool isolate_and_copy(void)
{
	bool alone;

	lock();
	alone = has_references(0, 1);
	unlock();
	if (alone)
		WRITE_ONCE(machine.folio[0].copied, 1);
	return alone;
}

static void collapse(bool interrupt)
{
	uint64_t old;
	bool done;

	lock();
	old = take_entry(&machine.pmd[0]); /* pmdp_collapse_flush */
	unlock();
	if (interrupt)
		wait_for_processors(); /* tlb_remove_table_sync_one */
	done = isolate_and_copy();
	if (done) {
		take_entry(&machine.pte[0]);
		put(0, 1);
	}
	lock();
	set_entry(&machine.pmd[0], done ? machine_leaf(4, ENTRY_WRITE | ENTRY_LEAF) : old);
	unlock();
}

void writer_collapse(void)
{
	collapse(true);
}

void writer_collapse_without_ipi(void)
{
	collapse(false);
}

/* Orders below the PMD's: the same table is put back, with other entries. */
static void collapse_same_table(bool interrupt)
{
	uint64_t old;
	bool done;

	lock();
	old = take_entry(&machine.pmd[0]);
	unlock();
	if (interrupt)
		wait_for_processors();
	done = isolate_and_copy();
	if (done)
		set_entry(&machine.pte[0], machine_leaf(2, ENTRY_WRITE));
	lock();
	set_entry(&machine.pmd[0], old); /* pmd_populate */
	unlock();
	if (done)
		put(0, 1);
}

void writer_collapse_same_table(void)
{
	collapse_same_table(true);
}

void writer_collapse_same_table_without_ipi(void)
{
	collapse_same_table(false);
}

/* ---- splits ---- */

/* The folio of pages 0 and 1, of which page 1 is mapped. The caller has a reference. */
void writer_split_folio(void)
{
	int one = 1;

	lock();
	take_entry(&machine.pte[1]); /* a migration entry stands in its place */
	unlock();
	put(0, 1);
	if (__atomic_compare_exchange_n(&machine.folio[0]._refcount.counter, &one, 0, false,
					__ATOMIC_SEQ_CST, __ATOMIC_RELAXED)) {
		WRITE_ONCE(machine.folio[1].head, &machine.folio[1]);
		WRITE_ONCE(machine.folio[1]._refcount.counter, 1);
		WRITE_ONCE(machine.folio[0].large, 0);
		WRITE_ONCE(machine.folio[0]._refcount.counter, 1);
	} else {
		folio_ref_add(&machine.folio[0], 1);
	}
	lock();
	set_entry(&machine.pte[1], machine_leaf(1, ENTRY_WRITE));
	unlock();
}

/* A leaf of the pmd becomes a table, whose entries are zapped one by one. */
void writer_split_pmd(void)
{
	lock();
	take_entry(&machine.pmd[0]); /* pmdp_invalidate */
	for (unsigned i = 0; i < TABLE_ENTRIES; i++)
		set_entry(&machine.pte[i], machine_leaf(4 + i, ENTRY_WRITE));
	folio_ref_add(&machine.folio[4], TABLE_ENTRIES - 1);
	set_entry(&machine.pmd[0], machine_pointer(machine.pte, 0));
	unlock();
	lock();
	for (unsigned i = 0; i < TABLE_ENTRIES; i++)
		take_entry(&machine.pte[i]);
	unlock();
	put(4, TABLE_ENTRIES);
	allocate(4, OWNER_OTHER);
}

/* A page of a whole pud is unmapped and reused. */
void writer_zap_pud(void)
{
	lock();
	take_entry(&machine.pud[0]);
	unlock();
	put(4, 1);
	allocate(4, OWNER_OTHER);
}

/* ---- fork ---- */

static void step_sequence(void)
{
	WRITE_ONCE(machine.sequence, READ_ONCE(machine.sequence) + 1);
}

/* copy_present_pte; then the parent writes, and gets a page of its own if the old one is shared. */
void writer_fork(void)
{
	bool shared;

	step_sequence();
	lock();
	shared = READ_ONCE(machine.folio[0]._refcount.counter) < PIN_BIAS;
	if (shared) {
		WRITE_ONCE(machine.folio[0].exclusive, 0);
		folio_ref_add(&machine.folio[0], 1);
		__atomic_fetch_and(&machine.pte[0], ~(uint64_t)ENTRY_WRITE, __ATOMIC_SEQ_CST);
		WRITE_ONCE(machine.child, machine_leaf(0, 0));
	}
	unlock();
	step_sequence();
	if (!shared)
		return;
	lock();
	take_entry(&machine.pte[0]);
	set_entry(&machine.pte[0], machine_leaf(2, ENTRY_WRITE));
	unlock();
	put(0, 1);
}

/* ---- pages and their files ---- */

/* The page is unmapped, leaves its file, and is freed. */
void writer_truncate(void)
{
	lock();
	take_entry(&machine.pte[0]);
	unlock();
	put(0, 1);
	WRITE_ONCE(machine.folio[0].mapping, NULL);
	put(0, 1);
}

/* The page is freed, and comes back in the same place as secret memory. */
static void become_secret(bool interrupt)
{
	lock();
	take_entry(&machine.pte[0]);
	unlock();
	if (interrupt)
		wait_for_processors(); /* the TLBs are flushed by an interrupt */
	put(0, 1);
	if (!allocate(0, OWNER_PROCESS))
		return;
	WRITE_ONCE(machine.folio[0].mapping, &address_space_secret);
	lock();
	set_entry(&machine.pte[0], machine_leaf(0, ENTRY_WRITE));
	unlock();
}

void writer_secret(void)
{
	become_secret(false);
}

void writer_secret_after_ipi(void)
{
	become_secret(true);
}

/* The file system writes the page back: it wants to know of the next write. */
void writer_write_back(void)
{
	lock();
	take_entry(&machine.pte[0]);
	set_entry(&machine.pte[0], machine_leaf(0, 0));
	unlock();
}

/* The page moves elsewhere, unless somebody has it. */
void writer_migrate(void)
{
	int one = 1;
	bool moved;

	lock();
	take_entry(&machine.pte[0]);
	unlock();
	moved = __atomic_compare_exchange_n(&machine.folio[0]._refcount.counter, &one, 0, false,
					    __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
	lock();
	set_entry(&machine.pte[0], machine_leaf(moved ? 2 : 0, ENTRY_WRITE));
	unlock();
}

/*
 * KSM, swap: a read-only page may be shared from now on, unless it is pinned. The entry comes back as it was. The
 * barrier is between the entry and the count: on the other side, gup_fast pins and reads the entry again.
 */
static void share(uint64_t *entry, struct folio *folio, bool barrier)
{
	uint64_t old = READ_ONCE(*entry);
	bool pinned;

	lock();
	set_entry(entry, 0);
	if (barrier)
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
	pinned = folio_test_large(folio) ? READ_ONCE(folio->_pincount.counter) > 0
					 : READ_ONCE(folio->_refcount.counter) >= PIN_BIAS;
	if (!pinned)
		WRITE_ONCE(folio->exclusive, 0);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	set_entry(entry, old);
	unlock();
}

void writer_share(void)
{
	share(&machine.pte[0], &machine.folio[0], true);
}

void writer_share_without_barrier(void)
{
	share(&machine.pte[0], &machine.folio[0], false);
}

void writer_share_huge(void)
{
	share(&machine.pmd[0], &machine.folio[4], true);
}

/* The driver's memory takes the page's place: page 3 stands for memory without a page. */
void writer_special(void)
{
	lock();
	take_entry(&machine.pte[0]);
	set_entry(&machine.pte[0], machine_leaf(3, ENTRY_WRITE | ENTRY_SPECIAL));
	unlock();
	put(0, 1);
}

void writer_count(void)
{
	folio_ref_add(&machine.folio[0], 1);
	put(0, 1);
}

/* ---- hugetlb ---- */

/* The process leaves a shared table of pmds, which another process fills anew. */
static void unshare_pmd(bool interrupt)
{
	lock();
	take_entry(&machine.pud[0]);
	unlock();
	if (interrupt)
		wait_for_processors();
	take_entry(&machine.pmd[0]);
	put(4, 1);
	set_entry(&machine.pmd[0], machine_leaf(0, ENTRY_WRITE | ENTRY_LEAF));
}

void writer_unshare_pmd(void)
{
	unshare_pmd(true);
}

void writer_unshare_pmd_without_ipi(void)
{
	unshare_pmd(false);
}

/* ---- folding ---- */

/* The process outgrows its top table: the old one becomes the first entry of a new one. */
void writer_grow(void)
{
	lock();
	__atomic_store_n(&machine.top, machine.p4d, __ATOMIC_RELEASE);
	unlock();
}

/* ---- entries in halves ---- */

static void set_half(unsigned half, uint64_t value)
{
	uint32_t *word = (uint32_t *)&machine.pte[0] + half;

	WRITE_ONCE(*word, (uint32_t)(value >> 32 * half));
}

/* Page 1 takes the place of page 0. An entry is valid by its low half. */
static void replace_halves(unsigned first_set, bool interrupt)
{
	uint64_t value = machine_leaf(1, ENTRY_WRITE);

	lock();
	set_half(0, 0);
	set_half(1, 0);
	if (interrupt)
		wait_for_processors();
	set_half(first_set, value);
	set_half(!first_set, value);
	unlock();
	put(0, 1);
}

void writer_halves(void)
{
	replace_halves(1, true);
}

void writer_halves_wrong_order(void)
{
	replace_halves(0, true);
}

void writer_halves_without_ipi(void)
{
	replace_halves(1, false);
}
