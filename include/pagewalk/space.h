/* SPDX-License-Identifier: MIT */
/* Address spaces that the program manages itself: memory, page tables, and who reads them meanwhile. */
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
 * Physical memory of a machine or a device that the program makes up: a memfd, mapped once. It comes in
 * frames of one base page. A folio is 2^order frames, aligned to its size, that belong together: it is
 * allocated, counted, pinned and freed as one. All functions on folios may be called by any thread at
 * any time; a @pa may be that of any page of a folio.
 *
 * An arena, its page tables and their readers are those of the process that created them. A child that it
 * makes by fork(2) does not have the memory mapped (MADV_DONTFORK), and can destroy its copy of all of
 * them; whatever else it calls fails, with -EPERM where an errno is returned, or does nothing. It may map
 * pw_arena_fd, as any other process may, and create arenas of its own.
 */
struct pw_arena;

struct pw_arena_options {
	uint64_t
		bytes; /* whole frames, at least two: one is the zero page. Those used cost memory */
	pw_pa base; /* physical address of the first byte */
	unsigned
		page_lg2; /* log2 of a frame: 12 to 16, as the format's base pages; 0 stands for 12 */
	bool huge; /* on huge pages of the host, if it has any to give */
	bool poison; /* fill freed memory with a pattern, and look at it on allocation: for debugging */
};

/* Returns 0, -EINVAL for what cannot be, -ENOMEM, or what the host said to the mapping. */
int pw_arena_create(const struct pw_arena_options *options, struct pw_arena **arena_ret,
		    struct pw_error *error);
/* Whatever was mapped, pinned or allocated is gone with it. */
void pw_arena_destroy(struct pw_arena *arena);

/* The memory to walk, search and read. Valid as long as the arena. */
const struct pw_memory *pw_arena_memory(const struct pw_arena *arena);
/* Where the bytes from @pa on are, or NULL if any of them is outside. */
void *pw_arena_host(const struct pw_arena *arena, pw_pa pa, uint64_t bytes);
/* The memfd, to map in another process; physical address `base` is at offset 0. */
int pw_arena_fd(const struct pw_arena *arena);
bool pw_arena_is_huge(const struct pw_arena *arena);
/* What there is to allocate (the zero page is not), and what of it is free. */
uint64_t pw_arena_bytes(const struct pw_arena *arena);
uint64_t pw_arena_free_bytes(struct pw_arena *arena);
/*
 * Returns when the tables are free that operations which have returned took out, of all page tables in the
 * arena. Waits for readers, so not from inside one's section. pw_folio_alloc and the operations do the
 * same by themselves before they say that there is no memory.
 */
void pw_arena_drain(struct pw_arena *arena);
/* One page of zeros, for everybody to map read-only. It is never counted. */
pw_pa pw_arena_zero_page(const struct pw_arena *arena);

/* Mistakes of the arena's users that were noticed, and did no harm to it. */
struct pw_arena_faults {
	uint64_t underflows; /* references or pins given back that nobody had; refused */
	uint64_t written_after_free; /* with poison: frames that were written to while free */
};
void pw_arena_faults(const struct pw_arena *arena, struct pw_arena_faults *faults_ret);

/* What a folio is part of: what decides who may pin it, and for how long. */
enum pw_folio_kind {
	PW_FOLIO_NONE, /* nothing, or nothing since it was truncated; a page table */
	PW_FOLIO_ANONYMOUS,
	PW_FOLIO_SHARED, /* shared memory (shmem) */
	PW_FOLIO_FILE, /* a file with dirty tracking */
	PW_FOLIO_HUGETLB,
	PW_FOLIO_SECRET, /* memfd_secret: nobody else's */
};

/*
 * Allocates a folio of 2^@order frames (0 to 18) with one reference, the caller's. @owner (below 2^61)
 * and @index are the caller's to choose: which file, which page of it. Anonymous pages are exclusive
 * at first. The content is whatever was there before.
 * May wait for readers, where tables that they are in are the memory that there is; called from inside a
 * section of one of the arena's readers it does not wait.
 * Returns 0, -ENOMEM, -EINVAL, -EPERM.
 */
int pw_folio_alloc(struct pw_arena *arena, unsigned order, enum pw_folio_kind kind, uint64_t owner,
		   uint32_t index, pw_pa *pa_ret);

/*
 * Takes references, or pins of @pages pages. False if the folio is free or being split, or its count is
 * full. A pin is also a reference.
 */
bool pw_folio_get(struct pw_arena *arena, pw_pa pa, uint32_t references);
bool pw_folio_pin(struct pw_arena *arena, pw_pa pa, uint32_t pages);
/* Gives them back; at zero the folio is freed. More than there are is refused, and noted as a fault. */
void pw_folio_put(struct pw_arena *arena, pw_pa pa, uint32_t references);
void pw_folio_unpin(struct pw_arena *arena, pw_pa pa, uint32_t pages);

/* A folio as it was at some moment: for tools and tests. */
struct pw_folio_info {
	pw_pa pa; /* of its first page */
	unsigned order;
	uint32_t references, pins; /* a pin of a small folio is 1024 references, and no pin */
	bool maybe_pinned; /* never false while it is pinned; true also for 1024 references */
	enum pw_folio_kind kind;
	uint64_t owner;
	uint32_t index; /* of the page that was asked for, as all below */
	bool exclusive;
	bool dirty; /* of the folio */
};

/* False if @pa is free or outside the arena. */
bool pw_folio_info(const struct pw_arena *arena, pw_pa pa, struct pw_folio_info *info_ret);

/*
 * For who holds a reference: the mapping becomes NULL, though secret memory stays secret; dirty, for a
 * store through a pin or an entry. These three hold a reference of their own meanwhile: a split that comes
 * just then is refused.
 */
void pw_folio_truncate(struct pw_arena *arena, pw_pa pa);
void pw_folio_dirty(struct pw_arena *arena, pw_pa pa);
/* Clears dirty; says whether it was. */
bool pw_folio_clean(struct pw_arena *arena, pw_pa pa);

/*
 * The page at @pa, anonymous, is no longer its space's alone; of a large folio, this page only. False,
 * and it stays exclusive, if it may be pinned: then copy it. Ordered against pins so that one of the two
 * sees the other. pw_folio_own makes it exclusive again. Either by one thread at a time for a page.
 */
bool pw_folio_try_share(struct pw_arena *arena, pw_pa pa);
void pw_folio_own(struct pw_arena *arena, pw_pa pa);

/*
 * Splits a folio into single pages with @references references each. False if it has not exactly that
 * many for all of them, or any pin: somebody else holds it. All references must be the caller's.
 */
bool pw_folio_split(struct pw_arena *arena, pw_pa pa, uint32_t references);

/* ---- reclaim ---- */

/* How a space knows that nobody reads a table or a page any more, so that it can be freed. */
enum pw_sync_kind {
	/*
	 * liburcu: the least work for writers, which do not wait while there is memory for tables. The
	 * program's other users of liburcu (memb flavour) and pagewalk wait for each other's readers.
	 */
	PW_SYNC_RCU,
	/*
	 * Readers mark themselves, writers interrupt all threads with membarrier(2) and wait for the
	 * marks: the least work for readers. Writers wait, once for many tables.
	 */
	PW_SYNC_IPI,
	/* Frees as PW_SYNC_RCU; whoever has to wait does it as PW_SYNC_IPI. What Linux does. */
	PW_SYNC_RCU_WAIT,
	/* Does not wait. Wrong as soon as anybody reads: for tests that are to see that. */
	PW_SYNC_IMMEDIATE,
};

/* ---- page tables that are edited ---- */

/*
 * Page tables of one format in an arena, like the domain of an IOMMU: map, unmap and protect ranges
 * of addresses, while any number of threads walks them and pins what they map.
 *
 * Editors: operations on disjoint ranges may run at the same time, from any threads, without a lock.
 * Two that overlap must not: one would free tables that the other is writing to, for editors are not
 * waited for. Every operation may wait for readers, at the latest when memory for a table is short.
 * Readers join with a pw_reader each (below), and may be inside at any moment.
 * Ranges are inclusive and in whole base pages of the format; the last page of the 2^64 space is one
 * like any other.
 */
struct pw_space;

/* Can its tables be built? All formats but described ones. */
bool pw_format_can_edit(const struct pw_format *format);

/* All zero: as deep as the format's CPUs usually start, RCU, Linux 6.1. */
struct pw_space_options {
	unsigned
		levels; /* to begin with; the top grows when a mapping needs it. 0: 3, or all if fewer or fixed */
	enum pw_sync_kind sync;
	uint16_t kernel; /* whose software bits to write: as in struct pw_regime_options */
};

/*
 * Returns 0; -EINVAL if the format cannot be built (a described one), its base pages are not the
 * arena's frames, or it has no such number of levels; -ERANGE if the arena begins where no table can be;
 * -ENOMEM; -EPERM. Where the arena reaches beyond what roots and entries of the format can name, tables
 * are taken from below that. @options may be NULL.
 */
int pw_space_create(struct pw_arena *arena, const struct pw_format *format,
		    const struct pw_space_options *options, struct pw_space **space_ret,
		    struct pw_error *error);

/* No reader and no editor may be left. Frees the tables; what they mapped is not touched. */
void pw_space_destroy(struct pw_space *space);

/*
 * Maps first..last to the physical addresses from @pa on, with the largest pages that fit, contiguous
 * groups included where the format has them. @attr: of enum pw_attr, PW_PROT_MASK, PW_ACCESSED,
 * PW_DIRTY, PW_GLOBAL and PW_SPECIAL. An entry without PW_ACCESSED (PW_WRITE without PW_DIRTY) is one
 * that was not used (written to) yet, on which the hardware of some formats faults. On arm, whose
 * tables cannot say this of a page, PW_ACCESSED is always given.
 * @pa need not be in the arena; only what is can be pinned.
 * Returns 0; -EEXIST if anything is mapped there, -EINVAL for bounds that are no pages, -ERANGE if the
 * format cannot express them, -ENOMEM. On an error nothing of the range is mapped by this call.
 */
int pw_space_map(struct pw_space *space, pw_va first, pw_va last, pw_pa pa, uint32_t attr,
		 struct pw_error *error);

/* A run of pages that is no longer mapped. */
typedef void pw_unmapped_fn(void *context, pw_va first, pw_va last, pw_pa pa);

/*
 * Unmaps whatever first..last maps, splitting what it maps only in part, and frees the tables that it
 * covers when no reader is in them any more. Calls @unmapped (may be NULL) for each run of pages, in
 * the order of addresses. A reader that enters from then on does not find these pages, and no pin of
 * them is taken any more; a reference that was taken before stays. So in the callback, and after the
 * return, a look at the pins (pw_folio_info, pw_folio_try_share) is the last one that is needed: it
 * sees every pin that is kept.
 * The callback may edit other ranges; first..last is under way until the call returns.
 * Returns 0, -EINVAL, -ERANGE, or -ENOMEM when a page could not be split: what lies below it is
 * unmapped, the rest is as it was, and @error says where that begins.
 */
int pw_space_unmap(struct pw_space *space, pw_va first, pw_va last, pw_unmapped_fn *unmapped,
		   void *context, struct pw_error *error);

/*
 * Gives all pages of first..last the permissions of @attr (PW_PROT_MASK; PW_ACCESSED and PW_DIRTY are
 * added to what a page has). No permission at all is PROT_NONE, or a leaf that permits nothing. A
 * PROT_NONE entry keeps the page and nothing else: it is not special, global or dirty afterwards.
 * After the return no pin is taken that the new permissions refuse, and a look at the pins sees every
 * one that was taken by the old ones. The same holds for what pw_space_collapse replaces.
 * Returns as pw_space_unmap; also -ERANGE for no permission where the format has neither (arm).
 */
int pw_space_protect(struct pw_space *space, pw_va first, pw_va last, uint32_t attr,
		     struct pw_error *error);

/* Splits pages of first..last that are larger than 2^size_lg2. Returns as pw_space_unmap. */
int pw_space_split(struct pw_space *space, pw_va first, pw_va last, unsigned size_lg2,
		   struct pw_error *error);

/*
 * Puts one page of up to 2^size_lg2 in the place of tables in first..last whose entries are parts of
 * such a page and agree about permissions. *bytes_ret (may be NULL): how many bytes that concerned.
 * Returns 0, -EINVAL, -ERANGE.
 */
int pw_space_collapse(struct pw_space *space, pw_va first, pw_va last, unsigned size_lg2,
		      uint64_t *bytes_ret, struct pw_error *error);

/*
 * Returns when no reader is where an operation that has returned took something away. With PW_SYNC_IPI the
 * tables that it took out are free then; with the others they are soon, or after pw_arena_drain.
 */
void pw_space_wait(struct pw_space *space);

/*
 * Around the write-protecting of pages that are going to be shared copy-on-write (fork): a pin that was
 * taken meanwhile is given back and not reported, so that every pin is there before the look at it, or
 * comes after the entry lost its write permission. One thread at a time.
 */
void pw_space_copy_begin(struct pw_space *space);
void pw_space_copy_end(struct pw_space *space);

/* The root words as they are now, for a device or a dump. Returns how many there are. */
unsigned pw_space_root(const struct pw_space *space, uint64_t root[PW_MAX_ROOTS]);

/* What the tables themselves cost: bytes in the arena. */
uint64_t pw_space_bytes(const struct pw_space *space);

/*
 * A reader: one thread's. Between enter and leave no table that it can meet is freed; what they hold
 * may change at any time. Enter gives the regime to walk with (pw_translate and all others, over
 * pw_arena_memory); it is void after leave. If the top grows meanwhile, this regime still walks from the
 * old top: what it finds was mapped at some moment since enter, and may have been unmapped since. Pins
 * look again, and do not keep such a page. Sections must be short, do not nest, and must not edit
 * tables or call pw_space_wait: that may wait for the section to end.
 */
struct pw_reader;

/* On the thread that will read. Returns 0, -ENOMEM, -EPERM, or -EAGAIN if the thread cannot join. */
int pw_reader_create(struct pw_space *space, struct pw_reader **reader_ret);
void pw_reader_destroy(struct pw_reader *reader);
const struct pw_regime *pw_reader_enter(struct pw_reader *reader);
void pw_reader_leave(struct pw_reader *reader);

/* Enter, pw_translate, leave. What @result says was so at some moment in between. */
enum pw_status pw_space_translate(struct pw_reader *reader, pw_va va, struct pw_result *result);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif
#endif
