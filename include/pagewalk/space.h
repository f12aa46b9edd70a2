/* SPDX-License-Identifier: MIT */
/* Address spaces that the program manages itself: memory, page tables, and their readers. */
#ifndef PAGEWALK_SPACE_H
#define PAGEWALK_SPACE_H

#include <pagewalk/memory.h>
#include <pagewalk/walk.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/* ---- memory with folios ---- */

/*
 * An arena: physical memory of a machine or a device that the program makes up. It is a memfd, mapped once,
 * and consists of frames of one base page each. A folio is 2^order frames, aligned to its size, that belong
 * together: it is allocated, counted, pinned and freed as one. All functions on folios may be called by any
 * thread at any time; a @pa may be that of any page of a folio.
 *
 * An arena, its page tables and their readers belong to the process that created them. A child of fork(2)
 * does not have the memory mapped (MADV_DONTFORK). It can destroy its copies of all of them. Any other
 * call in it fails with -EPERM, or does nothing if it does not return an errno. It may map pw_arena_fd, as
 * any other process may, and create arenas of its own.
 */
struct pw_arena;

struct pw_arena_options {
	uint64_t
		bytes; /* whole frames, at least two: one is the zero page. Only used ones cost memory */
	pw_pa base; /* physical address of the first byte */
	unsigned
		page_lg2; /* log2 of a frame: 12 to 16, as the format's base pages; 0 stands for 12 */
	bool huge; /* use huge pages of the host, if it has any to give */
	bool poison; /* fill freed memory with a pattern and check it on allocation: for debugging */
};

/* Returns 0, -EINVAL for options that are not possible, -ENOMEM, or the errno of the host's mmap. */
int pw_arena_create(const struct pw_arena_options *options, struct pw_arena **arena_ret,
		    struct pw_error *error);
/* Everything that was mapped, pinned or allocated in it is gone, too. */
void pw_arena_destroy(struct pw_arena *arena);

/* The memory to walk, search and read. Valid as long as the arena. */
const struct pw_memory *pw_arena_memory(const struct pw_arena *arena);
/* Where the @bytes bytes from @pa on are in the host's memory; NULL if any of them is outside. */
void *pw_arena_host(const struct pw_arena *arena, pw_pa pa, uint64_t bytes);
/* The memfd, to map in another process; physical address `base` is at offset 0. */
int pw_arena_fd(const struct pw_arena *arena);
bool pw_arena_is_huge(const struct pw_arena *arena);
/* How many bytes can be allocated in all (without the zero page), and how many of them are free. */
uint64_t pw_arena_bytes(const struct pw_arena *arena);
uint64_t pw_arena_free_bytes(struct pw_arena *arena);
/*
 * Returns when all tables are free that operations took out, of all spaces in the arena, if the operations
 * have returned. It waits for readers, so it must not be called from inside a section. pw_folio_alloc and the
 * operations do the same by themselves before they return -ENOMEM.
 */
void pw_arena_drain(struct pw_arena *arena);
/* A page of zeros, for everybody to map read-only. It has no counts. */
pw_pa pw_arena_zero_page(const struct pw_arena *arena);

/* Mistakes of the arena's users that were noticed and did no harm to it. */
struct pw_arena_faults {
	uint64_t underflows; /* times that references or pins were given back that nobody had */
	uint64_t written_after_free; /* with poison: frames that were written to while free */
};
void pw_arena_faults(const struct pw_arena *arena, struct pw_arena_faults *faults_ret);

/* What a folio is part of. This decides who may pin it, and for how long. */
enum pw_folio_kind {
	PW_FOLIO_NONE, /* nothing, or nothing any more since it was truncated; a page table */
	PW_FOLIO_ANONYMOUS,
	PW_FOLIO_SHARED, /* shared memory (shmem) */
	PW_FOLIO_FILE, /* a file with dirty tracking */
	PW_FOLIO_HUGETLB,
	PW_FOLIO_SECRET, /* memfd_secret: for its owner alone */
};

/*
 * Allocates a folio of 2^@order frames (0 to 18) with one reference, which is the caller's. The caller
 * chooses @owner (below 2^61) and @index: for example a file, and a page of it. Anonymous pages are
 * exclusive at first. The content is undefined.
 * If memory is short, it may wait for readers until tables that they are in become free; called from inside a
 * section of one of the arena's readers, it does not wait.
 * Returns 0, -ENOMEM, -EINVAL, -EPERM.
 */
int pw_folio_alloc(struct pw_arena *arena, unsigned order, enum pw_folio_kind kind, uint64_t owner,
		   uint32_t index, pw_pa *pa_ret);

/*
 * Take references, or pins of @pages pages. False if the folio is free or being split, or if its count is
 * full. A pin is also a reference.
 */
bool pw_folio_get(struct pw_arena *arena, pw_pa pa, uint32_t references);
bool pw_folio_pin(struct pw_arena *arena, pw_pa pa, uint32_t pages);
/* Give them back; at zero the folio is freed. More than there are is refused, and recorded as a fault. */
void pw_folio_put(struct pw_arena *arena, pw_pa pa, uint32_t references);
void pw_folio_unpin(struct pw_arena *arena, pw_pa pa, uint32_t pages);

/* A folio as it was at some moment: for tools and tests. */
struct pw_folio_info {
	pw_pa pa; /* of its first page */
	unsigned order;
	uint32_t references, pins; /* a pin of a small folio is 1024 references, and not a pin */
	bool maybe_pinned; /* never false while it is pinned; also true for 1024 references */
	enum pw_folio_kind kind;
	uint64_t owner;
	uint32_t index; /* of the page that was asked about */
	bool exclusive; /* of the page that was asked about */
	bool dirty; /* of the folio */
};

/* Fills *info_ret. False if @pa is free or outside the arena. */
bool pw_folio_info(const struct pw_arena *arena, pw_pa pa, struct pw_folio_info *info_ret);

/*
 * Truncate removes the mapping; secret memory stays secret. Dirty is for a store through a pin or an entry.
 * The caller holds a reference. These three take a reference of their own meanwhile; so a split at the same
 * time is refused.
 */
void pw_folio_truncate(struct pw_arena *arena, pw_pa pa);
void pw_folio_dirty(struct pw_arena *arena, pw_pa pa);
/* Clears dirty; returns whether it was set. */
bool pw_folio_clean(struct pw_arena *arena, pw_pa pa);

/*
 * Makes the anonymous page at @pa shared: it no longer belongs to one space alone. Of a large folio, only
 * this page. Returns false, and the page stays exclusive, if it may be pinned: then copy it. The order
 * against pins is such that one of the two sees the other. pw_folio_own makes a page exclusive again. Call
 * either of them by one thread at a time for a page.
 */
bool pw_folio_try_share(struct pw_arena *arena, pw_pa pa);
void pw_folio_own(struct pw_arena *arena, pw_pa pa);

/*
 * Splits a folio into single pages with @references references each. False if the folio does not have exactly
 * that many for all pages, or has a pin: then somebody else holds it. All references must be the caller's.
 */
bool pw_folio_split(struct pw_arena *arena, pw_pa pa, uint32_t references);

/* ---- reclaim ---- */

/* How a space knows that nobody reads a table or a page any more, so that it can be freed. */
enum pw_sync_kind {
	/*
	 * liburcu: the least work for writers, which do not wait while there is memory for tables.
	 * Pagewalk and the program's other users of liburcu (memb flavour) wait for each other's readers.
	 */
	PW_SYNC_RCU,
	/*
	 * Readers mark themselves; writers interrupt all threads with membarrier(2) and wait for the
	 * marks: the least work for readers. Writers wait, but once for many tables.
	 */
	PW_SYNC_IPI,
	/* Frees as PW_SYNC_RCU, and waits as PW_SYNC_IPI where it must wait. Linux does this. */
	PW_SYNC_RCU_WAIT,
	/* Does not wait. This is wrong as soon as anybody reads: for tests that must see that. */
	PW_SYNC_IMMEDIATE,
};

/* ---- page tables that are edited ---- */

/*
 * An address space: page tables of one format in an arena, like the domain of an IOMMU. The program maps,
 * unmaps and protects ranges of addresses, while any number of threads walk the tables and pin the pages.
 *
 * Editors: operations on disjoint ranges may run at the same time, from any threads, without a lock.
 * Operations on overlapping ranges must not: one would free tables that the other is writing to, because
 * nothing waits for editors. Every operation may wait for readers, at the latest when memory for a table is
 * short. Each reader joins with a pw_reader (below), and may be inside a section at any moment.
 * Ranges are inclusive and of whole base pages of the format. The last page of the 2^64 space is a page
 * like any other.
 */
struct pw_space;

/* Can tables of this format be built? True for all formats but described ones. */
bool pw_format_can_edit(const struct pw_format *format);

/* All zero: as deep as the format's CPUs usually start, RCU, Linux 6.1. */
struct pw_space_options {
	unsigned
		levels; /* at first; the top grows when a mapping needs it. 0: 3, or all if fewer or fixed */
	enum pw_sync_kind sync;
	uint16_t kernel; /* version of the software bits to write: as in struct pw_regime_options */
};

/*
 * Returns 0; -EINVAL if tables of the format cannot be built (a described one), if its base pages have
 * another size than the arena's frames, or if it has no such number of levels; -ERANGE if the arena begins
 * where no table can be; -ENOMEM; -EPERM. If the arena reaches beyond the addresses that roots and entries of
 * the format can name, tables are allocated below that. @options may be NULL.
 */
int pw_space_create(struct pw_arena *arena, const struct pw_format *format,
		    const struct pw_space_options *options, struct pw_space **space_ret,
		    struct pw_error *error);

/* Frees the tables. The pages that they mapped are not touched. No reader and no editor may be left. */
void pw_space_destroy(struct pw_space *space);

/*
 * Maps first..last to the physical addresses from @pa on, with the largest pages that fit, and contiguous
 * groups if the format has them. @attr: PW_PROT_MASK, PW_ACCESSED, PW_DIRTY, PW_GLOBAL and PW_SPECIAL of enum
 * pw_attr. Without PW_ACCESSED the page was not used yet; with PW_WRITE but without PW_DIRTY it was not
 * written to yet. On such an entry the hardware of some formats faults. On arm, whose tables cannot express
 * this, PW_ACCESSED is always set.
 * @pa need not be in the arena, but only pages of the arena can be pinned.
 * Returns 0; -EEXIST if anything is mapped there; -EINVAL for bounds that are not those of pages; -ERANGE if
 * the format cannot express the addresses; -ENOMEM. After an error this call has mapped nothing.
 */
int pw_space_map(struct pw_space *space, pw_va first, pw_va last, pw_pa pa, uint32_t attr,
		 struct pw_error *error);

/* Called with a run of pages that is no longer mapped. */
typedef void pw_unmapped_fn(void *context, pw_va first, pw_va last, pw_pa pa);

/*
 * Unmaps everything in first..last. It splits pages that lie there only in part, and frees tables that the
 * range covers when no reader is in them any more. Calls @unmapped (may be NULL) for each run of pages, in
 * the order of addresses. From then on readers that enter no longer find these pages, and no pin of them is
 * taken any more; a reference that was taken before stays. So in the callback, and after the return, one
 * look at the pins (pw_folio_info, pw_folio_try_share) is enough: it sees every pin that is kept.
 * The callback may edit other ranges, but not first..last, which is being edited until the call returns.
 * Returns 0, -EINVAL, -ERANGE, or -ENOMEM if a page could not be split. Then everything below that page is
 * unmapped, the rest is as it was, and @error says where the rest begins.
 */
int pw_space_unmap(struct pw_space *space, pw_va first, pw_va last, pw_unmapped_fn *unmapped,
		   void *context, struct pw_error *error);

/*
 * Gives all pages of first..last the permissions of @attr (PW_PROT_MASK). PW_ACCESSED and PW_DIRTY in @attr
 * are added to those that a page has. No permission at all makes PROT_NONE, or a leaf that permits nothing. A
 * PROT_NONE entry keeps the page and nothing else: the page is not special, global or dirty afterwards.
 * After the return no pin is taken that the new permissions refuse, and a look at the pins sees every
 * pin that was taken by the old ones. The same holds for the entries that pw_space_collapse replaces.
 * Returns as pw_space_unmap; also -ERANGE for no permission if the format can express neither (arm).
 */
int pw_space_protect(struct pw_space *space, pw_va first, pw_va last, uint32_t attr,
		     struct pw_error *error);

/* Splits pages of first..last that are larger than 2^size_lg2. Returns as pw_space_unmap. */
int pw_space_split(struct pw_space *space, pw_va first, pw_va last, unsigned size_lg2,
		   struct pw_error *error);

/*
 * Replaces a table in first..last by one page of up to 2^size_lg2, if the table's entries are the parts of
 * such a page and agree about permissions. *bytes_ret (may be NULL) is the number of bytes in such pages.
 * Returns 0, -EINVAL, -ERANGE.
 */
int pw_space_collapse(struct pw_space *space, pw_va first, pw_va last, unsigned size_lg2,
		      uint64_t *bytes_ret, struct pw_error *error);

/*
 * Waits until no reader can still see anything that an operation took away before this call. With PW_SYNC_IPI
 * the tables that were taken out are free then; with the others they are free soon, or after pw_arena_drain.
 */
void pw_space_wait(struct pw_space *space);

/*
 * To be called before and after pages are write-protected in order to be shared copy-on-write (fork). A pin
 * that is taken in between is given back, and is not reported. So every pin was either there before the look
 * at the pins, or comes after the entry lost its write permission. One thread at a time.
 */
void pw_space_copy_begin(struct pw_space *space);
void pw_space_copy_end(struct pw_space *space);

/* The root words as they are now, for a device or a dump. Returns how many there are. */
unsigned pw_space_root(const struct pw_space *space, uint64_t root[PW_MAX_ROOTS]);

/* How many bytes of the arena the tables themselves take. */
uint64_t pw_space_bytes(const struct pw_space *space);

/*
 * A reader of a space, for one thread. Between enter and leave no table that it can meet is freed; the
 * entries may change at any time. Enter returns the regime to walk with (by pw_translate and all others, over
 * pw_arena_memory); the regime is void after leave. If the top grows meanwhile, this regime still walks from
 * the old top: what it finds was mapped at some moment since enter, and may have been unmapped since. Pins
 * look again, and do not keep such a page. Sections must be short and must not nest. Inside a section the
 * thread must not edit tables or call pw_space_wait, because that may wait for the section to end.
 */
struct pw_reader;

/*
 * To be called on the thread that will read. Returns 0, -ENOMEM, -EPERM, or -EAGAIN if the thread cannot
 * join.
 */
int pw_reader_create(struct pw_space *space, struct pw_reader **reader_ret);
void pw_reader_destroy(struct pw_reader *reader);
const struct pw_regime *pw_reader_enter(struct pw_reader *reader);
void pw_reader_leave(struct pw_reader *reader);

/* Enters, calls pw_translate, leaves. @result was true at some moment in between. */
enum pw_status pw_space_translate(struct pw_reader *reader, pw_va va, struct pw_result *result);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif
#endif
