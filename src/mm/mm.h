/* SPDX-License-Identifier: MIT */
/*
 * Address spaces with Linux's semantics: the structures, and who may touch what.
 *
 *     machine --+-- arena, frames      memory; what each page is (folio/, struct pw_page)
 *               +-- swap               slots, their counts, the swap cache        swap/swap.c
 *               +-- files              page caches, VMAs that map them            file/file.c
 *               +-- mms --+-- VMAs     a tree, by address                         vma/vma.c
 *                         +-- space    page tables (space/slot.h)
 *                         +-- cpus     TLBs                                       cpu/tlb.c
 *
 * A page that an entry maps has one reference and one of page.mapped for that entry. A page in a page cache,
 * or in the swap cache, has one more reference. This counts base pages: a leaf of 512 pages takes 512
 * references and 512 of page.mapped of the folio. So neither changes when a leaf becomes a table of its parts,
 * or a group of leaves is broken up.
 *
 * Locks, in the order in which a thread takes them. A thread never takes one that is above one that it holds.
 *
 *   1  mm->lock       read: VMAs stay as they are. write: they change. fork takes the parent's, then the child's
 *   2  vma lock       read: this VMA stays as it is (faults). Changing a VMA needs mm->lock for writing, and
 *                     pw_vma_write(): it waits until no fault is in the VMA
 *      file size lock, then hugetlb's lock of a fault: who changes the size, or brings a page of a hugetlb file
 *   3  folio lock     a folio's mapping, its place in caches, its content while it is read or written back;
 *                     only its holder may unmap it by rmap, or migrate, split, or swap it
 *   4  file->map_lock the file's list of VMAs, and that the VMAs in it stay (rmap walks hold it)
 *      anon->lock     the same for anonymous memory
 *   5  table lock     entries of one level-0 table and the entry that leads to it; entries of a level above 1
 *                     share one lock
 *   6  file->pages_lock, machine->swap_lock, mm->list locks: short, and nothing is taken below them but the
 *                     locks of space/ and folio/
 *
 * A VMA that leaves the tree first leaves the lists of its file and its anon under 4; so who holds 4 may use
 * the VMAs in the list, and their tables.
 * Memory is allocated with no lock of 4 to 6 held; except tables, which never reclaim.
 */
#ifndef PW_MM_MM_H
#define PW_MM_MM_H

#include <pthread.h>
#include <sys/mman.h>

#include <pagewalk/mm.h>

#include "folio/folio.h"
#include "mm/count.h"
#include "mm/lock.h"
#include "mm/tree.h"
#include "space/slot.h"

/* ---- pages ---- */

/* What the machine knows about a frame beside the arena. Of a folio, the head's counts. */
struct pw_page {
	uint64_t
		index; /* of the head: page in its file, or in its anon (vma->offset counts like this) */
	uint32_t flags; /* atomic: PW_PAGE_ */
	uint32_t
		mapped; /* atomic, in head: pages of the folio that entries map, once for each entry */
	uint32_t swap; /* slot + 1 of a page in the swap cache; 0: none. Folio lock */
	uint32_t lru; /* atomic: age, for reclaim */
	uint64_t spare; /* private to the owner of the folio: file.c, huge.c */
};
_Static_assert(sizeof(struct pw_page) == 32,
	       "with struct pw_frame, a page costs what Linux's costs");

enum {
	PW_PAGE_LOCKED = 1 << 0, /* folio lock */
	PW_PAGE_WAITERS = 1 << 1, /* somebody waits for it */
	PW_PAGE_VALID = 1 << 2, /* the content was read (uptodate) */
	PW_PAGE_WRITEBACK = 1 << 3, /* is being written */
	PW_PAGE_POISON = 1 << 4, /* the memory is broken; set in the page itself */
	PW_PAGE_USED = 1 << 5, /* accessed since reclaim looked (referenced) */
	PW_PAGE_MLOCKED = 1 << 6,
	PW_PAGE_LAZY = 1 << 7, /* anonymous, may be dropped while it is clean (MADV_FREE) */
	PW_PAGE_ISOLATED = 1 << 8, /* migration, collapse or reclaim works on it */
	PW_PAGE_HUGETLB = 1 << 9, /* the folio is of a hugetlb pool, which has a reference */
};

/* Where anonymous pages of a family of mms (by fork) may be mapped: the VMAs to look at. */
struct pw_anon {
	pthread_mutex_t lock;
	uint32_t references; /* atomic: VMAs and pages in flight */
	struct pw_vma *vmas, **vmas_end; /* list by vma->anon_next, in the order of arrival; lock */
	struct pw_machine *machine;
	struct pw_anon *next_free; /* machine->list_lock; while nobody has a reference */
};

/* ---- VMAs ---- */

enum {
	PW_VM_READ = 1 << 0,
	PW_VM_WRITE = 1 << 1,
	PW_VM_EXEC = 1 << 2,
	PW_VM_SHARED = 1 << 3,
	PW_VM_MAYREAD = 1 << 4,
	PW_VM_MAYWRITE = 1 << 5,
	PW_VM_MAYEXEC = 1 << 6,
	PW_VM_MAYSHARE = 1 << 7,
	PW_VM_GROWSDOWN = 1 << 8,
	PW_VM_PFNMAP = 1 << 9, /* a device; leaves are special */
	PW_VM_IO = 1 << 10,
	PW_VM_LOCKED = 1 << 11,
	PW_VM_LOCKONFAULT = 1 << 12,
	PW_VM_DONTCOPY = 1 << 13,
	PW_VM_WIPEONFORK = 1 << 14,
	PW_VM_HUGEPAGE = 1 << 15,
	PW_VM_NOHUGEPAGE = 1 << 16,
	PW_VM_NORESERVE = 1 << 17,
	PW_VM_ACCOUNT = 1 << 18,
	PW_VM_HUGETLB = 1 << 19,
	PW_VM_SECRET = 1 << 20,
	PW_VM_DONTEXPAND = 1 << 21,
	PW_VM_DONTDUMP = 1 << 22,
	PW_VM_SEQUENTIAL = 1 << 23,
	PW_VM_RANDOM = 1 << 24,
	PW_VM_USER_MISSING = 1 << 25,
	PW_VM_USER_PROTECT = 1 << 26,
	PW_VM_USER_MINOR = 1 << 27,
	PW_VM_GUARD = 1 << 28, /* may have guard markers */
	/* All pages are soft-dirty. Without it an entry is writable only where the page has PW_MARK_SOFT_DIRTY. */
	PW_VM_SOFTDIRTY = 1 << 29,
};

struct pw_vma {
	RB_ENTRY(pw_vma) node; /* mm->lock */
	pw_va first, last; /* changed under mm->lock, pw_vma_write(), and lock 4 of its lists */
	struct pw_mm *mm;
	uint64_t
		offset; /* vm_pgoff: of `first`, in base pages. Anonymous: of the address when it was mapped */
	uint32_t flags;
	struct pw_vma_lock lock;
	struct pw_file *file; /* with a reference */
	struct pw_device *device; /* with a reference */
	struct pw_vma *file_next, **file_back; /* file->map_lock */
	/*
	 * NULL until a page is copied or made here. Set by the first fault (pw_anon_prepare) or by who has called
	 * pw_vma_write(); with mm->tree_lock, as are the two below it, because faults in neighbours look at them.
	 */
	struct pw_anon *anon;
	struct pw_vma *anon_next, **anon_back; /* anon->lock */
	uint64_t anon_id; /* Linux's anon_vma: only VMAs with the same merge. 0: none */
	uint32_t
		anon_chain; /* Linux: length of anon_vma_chain; only a VMA with 1 merges with one without */
	/* Private hugetlb: it was promised its pages; atomic: it lost one to the VMA that was. */
	bool hugetlb_owner, hugetlb_robbed;
	pw_user_fn *user; /* user faults; mm->lock for writing */
	void *user_context;
	struct pw_later later; /* frees it after the sections that may have found it */
};

RB_HEAD(pw_vma_tree, pw_vma);

/* A line of its own: threads that work on different tables do not slow each other. */
struct pw_table_lock {
	pthread_mutex_t mutex __attribute__((aligned(64)));
};

struct pw_mm {
	struct pw_machine *machine;
	struct pw_space *space;
	struct pw_rw_lock lock;
	struct pw_vma_tree vmas; /* lock, and tree_lock below it for changes */
	pthread_mutex_t
		tree_lock; /* 6: for a fault that has its VMA alone, and looks at the neighbours */
	unsigned vma_count; /* lock */
	/* Atomic: changes when a VMA does. A VMA that a thread remembers is good while it is the same. */
	uint64_t sequence;
	uint64_t
		write_sequence; /* atomic: counts the holds of the lock for writing, from 1 on (lock.c) */
	uint32_t vma_waiter; /* atomic: a writer waits for the readers of a VMA (lock.c) */
	pw_va user_last; /* the last address that a VMA can have (TASK_SIZE - 1) */
	pw_va range_first, range_last; /* for mmap to choose */
	uint32_t default_flags; /* mlockall(MCL_FUTURE): PW_VM_LOCKED, PW_VM_LOCKONFAULT */
	uint64_t locked_pages, total_pages; /* lock */
	/* Atomic counts of base pages in the tables (rss). Those of `anonymous` are its own and the parts' sum. */
	uint64_t anonymous, files, shared, swapped;
	struct pw_count_part anonymous_part[PW_COUNT_PARTS]; /* by cpu->near: count.h */

	/* PW_TABLE_LOCKS of them, by address; then one for all higher levels */
	struct pw_table_lock *table_lock;
	pthread_mutex_t cpus_lock;
	struct pw_vcpu *cpus;
	pthread_mutex_t notifiers_lock;
	struct pw_notifier *notifiers;
	struct pw_interval *intervals;
	pthread_cond_t notified; /* an invalidation has ended */
	uint32_t watched; /* atomic: notifiers and intervals; 0: nobody to tell */
	uint32_t notifying; /* atomic: invalidations under way */
	struct pw_mm *next, **back; /* machine->list_lock */
	/*
	 * marks.h: write-protected by user faults, and soft-dirty; by page. Atomic; NULL until the first one.
	 * mm.c destroys it with the mm (pw_marks_destroy).
	 */
	struct pw_marks *marks;
};

enum { PW_TABLE_LOCKS_LG2 = 6, PW_TABLE_LOCKS = 1 << PW_TABLE_LOCKS_LG2 };

struct pw_machine {
	struct pw_arena *arena;
	const struct pw_format *format;
	struct pw_machine_options options;
	struct pw_page *page; /* one for each frame of the arena */
	unsigned page_lg2;
	unsigned huge_level; /* the level of huge anonymous leaves; 0: none */
	unsigned huge_lg2;
	uint32_t
		huge_zero; /* atomic: head of a huge folio of zeros, + 1; 0: not made yet. huge.c */
	uint32_t movable_first; /* frames from here on are movable only */
	struct pw_swap *swap;
	struct pw_hugetlb *hugetlb; /* pools of hugetlb pages: hugetlb.h */
	pthread_mutex_t list_lock;
	struct pw_mm *mms;
	struct pw_anon *free_anons; /* list_lock */
	struct pw_machine_info info; /* its counters are atomic; `faults` is in the parts */
	struct pw_count_part faults_part[PW_COUNT_PARTS];
	uint32_t cpus; /* atomic: how many were ever made */
	uint64_t committed; /* atomic: pages that were promised */
	uint64_t anon_ids; /* atomic */
	struct pw_page_wait *waits; /* lock.c: where threads wait for folio locks */
	uint32_t clock; /* atomic: where reclaim looks next */
};

PW_INLINE uint64_t pw_page_bytes(const struct pw_machine *machine)
{
	return UINT64_C(1) << machine->page_lg2;
}

PW_INLINE struct pw_page *pw_page_of(const struct pw_machine *machine, uint32_t frame)
{
	return &machine->page[frame];
}

/* The PW_PAGE_ flags of a page, read without an order. */
PW_INLINE uint32_t pw_page_flags(const struct pw_machine *machine, uint32_t frame)
{
	return __atomic_load_n(&pw_page_of(machine, frame)->flags, __ATOMIC_RELAXED);
}

PW_INLINE bool pw_page_is_hugetlb(const struct pw_machine *machine, uint32_t head)
{
	return pw_page_flags(machine, head) & PW_PAGE_HUGETLB;
}

/* Is the folio dirty, without an order? Its head's frame says so. */
PW_INLINE bool pw_page_is_dirty(const struct pw_machine *machine, uint32_t head)
{
	return __atomic_load_n(&machine->arena->frame[head].flags, __ATOMIC_RELAXED) &
	       PW_FRAME_DIRTY;
}

/* The page that @vma has at @va, counted as in its file or anon. */
PW_INLINE uint64_t pw_vma_index(const struct pw_vma *vma, pw_va va)
{
	return vma->offset + ((va - vma->first) >> vma->mm->machine->page_lg2);
}

/*
 * The flags as they are now, for rmap walks: these hold neither mm->lock nor the VMA's lock. Whoever changes flags that
 * entries follow visits all entries afterwards, under their table locks. So an entry that was made by older flags is
 * changed then, and one that is made later is made by the new ones.
 */
PW_INLINE uint32_t pw_vma_flags(const struct pw_vma *vma)
{
	return __atomic_load_n(&vma->flags, __ATOMIC_RELAXED);
}

/* Are writes private copies? (is_cow_mapping) */
PW_INLINE bool pw_vma_copies(const struct pw_vma *vma)
{
	return (vma->flags & (PW_VM_SHARED | PW_VM_MAYWRITE)) == PW_VM_MAYWRITE;
}

/* lock.c */
int pw_waits_create(struct pw_machine *machine);
void pw_waits_destroy(struct pw_machine *machine);

/* Is the page present, and nobody may access it? Formats without PROT_NONE entries have a leaf that permits nothing. */
PW_INLINE bool pw_slot_is_hidden(const struct pw_slot *slot)
{
	return slot->kind == PW_SLOT_PROT_NONE ||
	       (slot->kind == PW_SLOT_PAGE && !(slot->attr & (PW_READ | PW_WRITE | PW_EXEC)));
}

/* ---- vma.c: the tree ---- */

/* The VMA that holds @va, or the first one above; NULL if there is none. mm->lock, read. */
struct pw_vma *pw_vma_at_or_above(struct pw_mm *mm, pw_va va);
/* The VMA that holds @va, or NULL. mm->lock, read. */
struct pw_vma *pw_vma_find(struct pw_mm *mm, pw_va va);
struct pw_vma *pw_vma_next(struct pw_vma *vma);
struct pw_vma *pw_vma_before(struct pw_vma *vma);
struct pw_vma *pw_vma_create(struct pw_mm *mm, pw_va first, pw_va last, uint32_t flags);
/* A copy that is in no tree and no list, with references of its own (fork, split, mremap). */
struct pw_vma *pw_vma_copy(const struct pw_vma *vma, struct pw_mm *mm);
/* Puts it into the tree, and the lists of its file and anon. mm->lock, write. */
void pw_vma_insert(struct pw_vma *vma);
/* Takes it out of all three. It is not freed. */
void pw_vma_remove(struct pw_vma *vma);
/* Drops its references and frees it when no fault can still look at it. */
void pw_vma_free(struct pw_vma *vma);
/* Moves the borders of a VMA; offset follows `first`. */
void pw_vma_resize(struct pw_vma *vma, pw_va first, pw_va last);
/* Splits it before @va. Returns 0, -ENOMEM (also for too many VMAs: 65530). */
int pw_vma_split(struct pw_vma *vma, pw_va va);
/*
 * Joins @vma with its neighbours where Linux 6.18 does; all of its attributes are as they shall be. Returns
 * the VMA that holds its addresses now.
 */
struct pw_vma *pw_vma_merge(struct pw_vma *vma);
/*
 * Grows the stack above @va down to it, within the guard gap. mm->lock, write. Returns the VMA that holds @va now,
 * or NULL.
 */
struct pw_vma *pw_vma_expand(struct pw_mm *mm, pw_va va);
/* Promises memory for @pages pages more (map.c). 0, -ENOMEM. */
int pw_commit(struct pw_machine *machine, uint64_t pages);
void pw_uncommit(struct pw_machine *machine, uint64_t pages);
/*
 * fork made @child by pw_vma_copy(@parent) and inserted it: gives it the anon_id and the chain that Linux would. It
 * is behind its parent in the anon's list, as any VMA is behind those that came before: an rmap walk that has
 * passed the child cannot miss what fork copies there later.
 */
void pw_vma_forked(const struct pw_vma *parent, struct pw_vma *child);
/* The permissions of new leaves: PW_READ, ... with PW_USER. Not PW_WRITE where writes must fault first. */
uint32_t pw_vma_attr(const struct pw_vma *vma);
/* Gives a VMA its anon before the first anonymous page is put there (anon_vma_prepare). 0, -ENOMEM. */
int pw_anon_prepare(struct pw_vma *vma);
void pw_anon_get(struct pw_anon *anon);
void pw_anon_put(struct pw_anon *anon);
/*
 * Takes a reference, if there is one already. The memory of an anon stays one until the machine goes: so a thread
 * that read it from a page may try, and then looks at the page again.
 */
bool pw_anon_try_get(struct pw_anon *anon);
/* The machine goes: frees all. No VMA has one. */
void pw_anon_free_all(struct pw_machine *machine);

/* ---- table.c: entries of an mm ---- */

void pw_table_lock(struct pw_mm *mm, unsigned level, pw_va va);
void pw_table_unlock(struct pw_mm *mm, unsigned level, pw_va va);

/*
 * Pages and addresses that were taken out of tables: freed when no CPU can still use them, after one
 * shootdown for many (mmu_gather). With or without table locks: it only drops references in _end.
 */
struct pw_zap {
	struct pw_mm *mm;
	pw_va first, last; /* to invalidate in TLBs */
	bool flush; /* something was taken away */
	unsigned count;
	uint64_t item[256]; /* a frame's head << 32 | references to drop */
};
void pw_zap_begin(struct pw_zap *zap, struct pw_mm *mm);
/* Remembers that the entry of @bytes at @va changed, so that TLBs must forget it. */
void pw_zap_flush(struct pw_zap *zap, pw_va va, uint64_t bytes);
/* Also drops @references of @frame's folio later; true: the batch is full, call pw_zap_some soon. */
bool pw_zap_page(struct pw_zap *zap, pw_va va, uint64_t bytes, uint32_t frame, uint32_t references);
/* Invalidates and frees what came so far. No table lock is held. */
void pw_zap_some(struct pw_zap *zap);
void pw_zap_end(struct pw_zap *zap);

/*
 * Takes all pages, swap and markers of first..last out of the tables (zap_page_range): counts, mapped, rss,
 * dirty and accessed bits move to the folios. Calls the notifiers. The caller holds mm->lock, or the VMA.
 * @which: all; only pages of the file (truncate: not anonymous copies); all but markers; the same, and tables that the
 * range covers and that are empty then go, too (MADV_DONTNEED: PT_RECLAIM).
 * Of a leaf that reaches beyond the range, pages of a file go as a whole, and faults bring the others back; an anonymous
 * leaf becomes a table of its parts. Returns 0, or -ENOMEM if there is no memory for that table: then a part is out.
 */
enum pw_zap_what { PW_ZAP_ALL, PW_ZAP_FILE_PAGES, PW_ZAP_KEEP_MARKERS, PW_ZAP_DONTNEED };
int pw_zap_range(struct pw_vma *vma, pw_va first, pw_va last, enum pw_zap_what which);
/*
 * The entry of @vma for the page at @pa: a leaf with pw_vma_attr and @extra (PW_WRITE, PW_DIRTY, PW_ACCESSED,
 * PW_SPECIAL); PW_WRITE is only what @extra says. In a VMA without any permission it is what pw_entry_hidden
 * gives.
 */
uint64_t pw_vma_leaf(const struct pw_vma *vma, unsigned level, pw_pa pa, uint32_t extra);
/*
 * The entry of a page that no program may access, and that is still there: a PROT_NONE entry; in a format that has
 * none (arm), a leaf that is not for programs.
 */
uint64_t pw_entry_hidden(const struct pw_space *space, unsigned level, pw_pa pa);
/*
 * Finds the entry of @va under its table lock, which is then held, and unlocked by pw_table_unlock with level 1.
 * An entry of a level above 1 may change all the same.
 */
void pw_table_look(struct pw_mm *mm, pw_va va, struct pw_slot *slot);
/* The entry of @va as it was a moment ago. Not without the lock: the table may be freed (MADV_DONTNEED). */
PW_INLINE void pw_table_peek(struct pw_mm *mm, pw_va va, struct pw_slot *slot)
{
	pw_table_look(mm, va, slot);
	pw_table_unlock(mm, 1, va);
}
/* Is there a folio with counts behind this entry: not a device's memory, not a page of zeros? */
bool pw_entry_is_counted(const struct pw_mm *mm, const struct pw_slot *slot);
/* Does it map a folio with counts from page @frame on? */
PW_INLINE bool pw_entry_maps(const struct pw_mm *mm, const struct pw_slot *slot, uint32_t frame)
{
	return pw_entry_is_counted(mm, slot) &&
	       pw_arena_frame(mm->machine->arena, slot->pa) == frame;
}
/*
 * Entries of first..last, in one table of level 0, were changed one by one: where they could be groups, they become
 * groups (contpte_try_fold). The table lock is held.
 */
void pw_table_join(struct pw_mm *mm, pw_va first, pw_va last);
/* The entry as it is to be accounted for if nobody needs the content that it led to: zap, COW. */
struct pw_slot pw_entry_unneeded(const struct pw_mm *mm, const struct pw_slot *was);
/* Accounts for one entry that was taken out: of zap, migration, COW. Drops nothing. */
void pw_entry_gone(struct pw_vma *vma, const struct pw_slot *was);
/* Accounts for new entries that map @pages of @frame's folio in page.mapped alone. */
PW_INLINE void pw_folio_mapped(struct pw_machine *machine, uint32_t frame, uint32_t pages)
{
	const uint32_t head = pw_folio_head(machine->arena, frame);

	__atomic_fetch_add(&pw_page_of(machine, head)->mapped, pages, __ATOMIC_RELAXED);
}

/* Accounts for a new entry that maps @pages of @frame's folio: page.mapped and rss. References are the caller's. */
void pw_entry_came(struct pw_vma *vma, uint32_t frame, uint32_t pages);
/* The same for one page, counted in the part of @near. */
void pw_entry_came_near(struct pw_vma *vma, uint32_t frame, unsigned near);

/* ---- fault.c ---- */

enum {
	PW_FAULT_WRITE = 1 << 0,
	PW_FAULT_EXEC = 1 << 1,
	PW_FAULT_UNSHARE = 1 << 2, /* make the page exclusive, do not map it writable */
	PW_FAULT_REMOTE = 1 << 3, /* by somebody else: FORCE, process_vm */
	PW_FAULT_NOWAIT = 1 << 4, /* return PW_FAULT_RETRY instead of waiting for I/O */
	PW_FAULT_FORCE =
		1 << 5, /* write although the VMA is not writable; it copies (FOLL_FORCE) */
	PW_FAULT_LONGTERM = 1 << 6, /* allocate memory that may be pinned for long */
	PW_FAULT_ABSENT = 1 << 7, /* the caller has just found nothing mapped there */
};

/* A fault under way. */
struct pw_fault_work {
	struct pw_vma *vma;
	pw_va va; /* of the page */
	pw_va touched; /* of the access */
	unsigned flags;
	struct pw_vcpu *cpu; /* whose access it is; NULL: none's */
	unsigned near; /* the cpu's: its stock (folio/stock.h), and its parts of counts */
	struct pw_slot slot; /* the entry that faulted, as it was loaded last */
	bool major; /* something was read */
	/* PW_FAULT_RETRY: call this handler with no lock, then begin again. */
	enum pw_user_fault user;
};

/*
 * Handles a fault in @work->vma, whose lock (2) or mm->lock the caller holds. The VMA's permissions were
 * checked (pw_fault_allowed). It drops no lock. Returns PW_FAULT_DONE if the access is worth another try.
 */
enum pw_fault_kind pw_fault_handle(struct pw_fault_work *work);
/* May this access be made in the VMA at all? FORCE included. */
bool pw_fault_allowed(const struct pw_vma *vma, unsigned flags);
/* What a system call answers where a fault ended like this: 0, -ENOMEM, -EHWPOISON, -EFAULT. */
int pw_fault_errno(enum pw_fault_kind kind);
/*
 * Tables are allocated under locks, and never reclaim: so the caller does it for them, with no lock of 3 to 6 held, and
 * then tries again. False: there is nothing to reclaim, or it has been tried often enough; *rounds begins with 0.
 */
bool pw_reclaim_for_tables(struct pw_machine *machine, unsigned *rounds);
/*
 * Finds the VMA, grows stacks, locks, checks, handles, calls user handlers, tries again. With no lock held.
 * @cpu, whose access it is, may be NULL. It remembers its last VMA, and its TLB may have the page afterwards.
 */
enum pw_fault_kind pw_fault_at(struct pw_mm *mm, struct pw_vcpu *cpu, pw_va va, unsigned flags,
			       struct pw_fault *fault_ret);

/* user.c: does a handler want this fault? Then work->user says what it is. Under the table lock, or without. */
bool pw_user_wants(struct pw_fault_work *work, enum pw_user_fault what);
/* The same for a page of a file where nothing is mapped: missing, or minor. No lock of 4 to 6 is held. */
bool pw_user_wants_file(struct pw_fault_work *work);

/* anon.c: attributes of the leaf for a page that belongs to this mm alone. */
uint32_t pw_anon_extra(const struct pw_fault_work *work);
/*
 * anon.c: puts a level-0 entry where nothing is, with the tables above it. Returns 0, -ENOMEM, -ERANGE, or -EAGAIN
 * if something is there now. The caller holds the table lock.
 */
int pw_table_put(struct pw_mm *mm, pw_va va, struct pw_slot *slot, uint64_t value);

/* Each handles one kind of fault, called by pw_fault_handle; the contract is the same. */
enum pw_fault_kind pw_fault_anon(struct pw_fault_work *work); /* anon.c: nothing is there */
enum pw_fault_kind pw_fault_copy(
	struct pw_fault_work *work); /* cow.c: a write, or unshare, on a read-only page */
enum pw_fault_kind pw_fault_file(
	struct pw_fault_work *work); /* file_fault.c: read, private copy, shared write */
enum pw_fault_kind pw_fault_dirty(
	struct pw_fault_work *work); /* file_fault.c: first write to a shared page */
enum pw_fault_kind pw_fault_device(struct pw_fault_work *work); /* device.c */
enum pw_fault_kind pw_fault_hugetlb(struct pw_fault_work *work); /* hugetlb.c: missing and copy */
enum pw_fault_kind pw_fault_swap(
	struct pw_fault_work *work); /* swapin.c: a SOFT entry that is swap */
enum pw_fault_kind pw_fault_migration(struct pw_fault_work *work); /* migrate.c: waits */
enum pw_fault_kind pw_fault_numa(
	struct pw_fault_work *work); /* numa.c: PROT_NONE, but the VMA permits */
enum pw_fault_kind pw_fault_marker(struct pw_fault_work *work); /* user.c: markers, guards too */
/*
 * huge.c. Nothing is there: maps the largest page that the options, the VMA, and the entries around allow: a huge
 * leaf, a group of leaves, or single leaves to a folio of several pages. A read gets the huge zero page. False:
 * a base page has to do.
 */
bool pw_huge_fault_anon(struct pw_fault_work *work, enum pw_fault_kind *kind_ret);
/*
 * huge.c. Write, or unshare, on a read-only leaf of a level above 0, work->slot. Reuses the folio if it belongs to
 * this mm alone: true. Otherwise the leaf becomes a table of its parts, and work->slot is the page's new entry:
 * false, and only that page is copied. Also true if the entry changed meanwhile, or with PW_FAULT_OOM.
 */
bool pw_huge_fault_copy(struct pw_fault_work *work, enum pw_fault_kind *kind_ret);

/*
 * migrate.c: as pw_migrate, for the folio of @head. @longterm: it goes to memory that long pins may hold.
 */
int pw_migrate_folio(struct pw_machine *machine, uint32_t head, bool longterm);

/* ---- pages: page.c ---- */

/* How many anonymous base pages are in the tables. */
PW_INLINE uint64_t pw_mm_anonymous(const struct pw_mm *mm)
{
	return pw_counted(&mm->anonymous) + pw_counted_parts(mm->anonymous_part);
}

/*
 * Allocates a folio; reclaims if memory is short. Zones: @longterm memory is not movable. The folio has one
 * reference, no index, no flags. Returns 0, -ENOMEM.
 */
int pw_page_alloc(struct pw_machine *machine, unsigned order, enum pw_folio_kind kind,
		  const void *owner, uint64_t index, bool longterm, uint32_t *frame_ret);
/* The same for the anonymous base page that a fault needs: work->vma has an anon. */
int pw_page_alloc_fault(struct pw_machine *machine, const struct pw_fault_work *work,
			uint32_t *frame_ret);
void pw_page_put(struct pw_machine *machine, uint32_t frame, uint32_t references);
void *pw_page_host(const struct pw_machine *machine, uint32_t frame);
/* The pw_file or pw_anon of a folio, by one load with the kind; the caller holds the folio lock or a reason. */
void *pw_page_owner(const struct pw_machine *machine, uint32_t frame, enum pw_folio_kind *kind_ret);
void pw_page_set_owner(struct pw_machine *machine, uint32_t frame, enum pw_folio_kind kind,
		       const void *owner);
bool pw_page_maybe_pinned(const struct pw_machine *machine, uint32_t frame);
uint32_t pw_page_references(const struct pw_machine *machine, uint32_t frame);

/* ---- rmap_each.c, rmap.c ---- */

/*
 * Calls @each for every VMA and address where the folio may be mapped (rmap_walk), under lock 4, until it
 * returns nonzero; returns that. The caller holds the folio lock. Whether the entry is there, @each looks.
 */
int pw_rmap_each(struct pw_machine *machine, uint32_t head,
		 int (*each)(void *context, struct pw_vma *vma, pw_va va), void *context);
/*
 * Takes all entries of the folio out, and leaves migration entries, swap entries, or nothing (try_to_unmap,
 * try_to_migrate). Fails (-EBUSY, everything is as before or can be undone by pw_rmap_restore) if the folio may
 * be pinned, or a VMA is locked.
 */
enum pw_unmap_to { PW_UNMAP_EMPTY, PW_UNMAP_MIGRATION, PW_UNMAP_SWAP, PW_UNMAP_POISON };
int pw_rmap_unmap(struct pw_machine *machine, uint32_t head, enum pw_unmap_to to);
/* Turns migration entries of @from into leaves of @to (remove_migration_ptes). */
void pw_rmap_restore(struct pw_machine *machine, uint32_t from, uint32_t to);
/* Write-protects the entries of a file's folio, and moves their dirty bits to it. Returns whether any was. */
bool pw_rmap_clean(struct pw_machine *machine, uint32_t head);
/* Collects and clears accessed bits. */
bool pw_rmap_used(struct pw_machine *machine, uint32_t head);

/* ---- notifiers: notify.c; TLBs: tlb.c ---- */

void pw_notify_begin(struct pw_mm *mm, pw_va first, pw_va last);
void pw_notify_end(struct pw_mm *mm, pw_va first, pw_va last);
/* Returns when no CPU of the mm uses old entries of first..last any more. Called with any lock but the TLB's. */
void pw_tlb_flush(struct pw_mm *mm, pw_va first, pw_va last);

#endif
