/* SPDX-License-Identifier: MIT */
/*
 * Pinning: taking references on the pages behind a range of addresses, without a lock, while other
 * threads map, unmap, split and free the tables that are walked. The shape, and the order of the
 * checks, are those of the kernel's get_user_pages_fast (mm/gup.c).
 *
 * The fast path never writes a page table, never blocks and never reports an error. At the first doubt it
 * stops, says why, and keeps the pages that it has. These are right: each of them was mapped at its address,
 * with the access that was asked for, at a moment when the reference was already held.
 */
#ifndef PAGEWALK_PIN_H
#define PAGEWALK_PIN_H

#include <sys/uio.h>

#include <pagewalk/space.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/* The purpose of a pin. */
enum pw_pin_flags {
	PW_PIN_WRITE = 1 << 0, /* the pages will be written to */
	PW_PIN_LONGTERM = 1 << 1, /* user space decides how long it lasts (FOLL_LONGTERM) */
	/*
	 * Takes only references, as pw_folio_get: their holder does not read or write the pages through
	 * them (FOLL_GET). Excludes PW_PIN_LONGTERM.
	 */
	PW_PIN_GET = 1 << 2,
};

/* Why the fast path stopped where it did. */
enum pw_stop {
	PW_STOP_DONE, /* it did not stop: all pages were taken */
	PW_STOP_NONE, /* nothing is mapped there, or the entry is not present */
	PW_STOP_PROT_NONE, /* present, but accessible to nobody; only the owner of the tables knows more */
	PW_STOP_ACCESS, /* not mapped for user mode, or not for writing */
	PW_STOP_SPECIAL, /* a page without a reference count (pte_special) */
	PW_STOP_OUTSIDE, /* a page that is not in the arena */
	PW_STOP_GONE, /* the page was being freed, or its count is full */
	PW_STOP_CHANGED, /* the entry, or the one above it, changed while the page was taken */
	PW_STOP_TRUNCATED, /* a long pin for writing, but no mapping: it may have been a file's page */
	PW_STOP_LONGTERM, /* a long pin for writing of a file's page */
	PW_STOP_SECRET, /* secret memory */
	PW_STOP_UNSHARE, /* copy on write: the pin would see other data than its owner after a write */
	PW_STOP_FORK, /* a fork was write-protecting pages before or meanwhile: nothing is kept */
	PW_STOP_RANGE, /* beyond what the tables translate */
	PW_STOP_ROOM, /* no room for more ranges */
	PW_STOP_REASONS, /* how many there are */
};

/* "done", "none", ...; "?" for a value out of range. */
const char *pw_stop_name(enum pw_stop stop);

/* Adjacent pages of one folio. The size is in bytes, so that it fits the pages of every format. */
struct pw_pinned {
	pw_pa pa;
	uint64_t bytes;
};

/*
 * Pins @count pages from @va on, the address of a base page, and stores their addresses in page[]. Returns
 * how many it pinned, from the first on; *why_ret (may be NULL) says why there are not more. A range that
 * reaches beyond the addresses that the tables translate, or beyond 2^64, gives the pages before that. Pages
 * are base pages of the format. Release them by pw_unpin_pages with the same @flags.
 * Returns -EINVAL for flags that exclude each other, an address within a page, or NULL; -EPERM in a child of
 * fork(2). Nothing else is an error.
 */
long pw_pin_fast(struct pw_reader *reader, pw_va va, size_t count, unsigned flags, pw_pa *page,
		 enum pw_stop *why_ret);

/* As pw_pin_fast, but takes a reference on each page instead of a pin. */
long pw_get_fast(struct pw_reader *reader, pw_va va, size_t count, unsigned flags, pw_pa *page,
		 enum pw_stop *why_ret);

/*
 * As pw_pin_fast for @bytes bytes from @va on (both of whole base pages), with one range for each folio, and
 * up to @room ranges. Returns the number of ranges; *bytes_ret is how many bytes they have in all.
 */
long pw_pin_fast_ranges(struct pw_reader *reader, pw_va va, uint64_t bytes, unsigned flags,
			struct pw_pinned *range, size_t room, uint64_t *bytes_ret,
			enum pw_stop *why_ret);

/*
 * As pw_pin_fast_ranges, but gives host addresses, and joins adjacent ones, for readv(2) and the like. It
 * takes 64 folios at a time; after PW_STOP_FORK only the last of these batches is given back.
 */
long pw_pin_fast_iovec(struct pw_reader *reader, pw_va va, uint64_t bytes, unsigned flags,
		       struct iovec *iovec, size_t room, uint64_t *bytes_ret,
		       enum pw_stop *why_ret);

/*
 * These release pages at any time later, by any reader of the same space. Parts of a result may be released,
 * in whole pages. @dirty marks the pages as written to: give it if they were pinned for writing and have been
 * written. Refused, and recorded as a fault (pw_arena_faults), are pages that nobody holds or that are not in
 * the arena, and ranges or iovecs that are not of whole pages (trimmed after a partial transfer).
 */
void pw_unpin_pages(struct pw_reader *reader, const pw_pa *page, size_t count, unsigned flags,
		    bool dirty);
void pw_unpin_ranges(struct pw_reader *reader, const struct pw_pinned *range, size_t count,
		     unsigned flags, bool dirty);
void pw_unpin_iovec(struct pw_reader *reader, const struct iovec *iovec, size_t count,
		    unsigned flags, bool dirty);

/*
 * The same walk over any memory and any regime, where pages have no counts: it takes nothing. It loads all
 * entries on the way to each page twice. If they are alike, they were stable for that time, or changed and
 * changed back; otherwise it stops with PW_STOP_CHANGED. @flags: 0 or PW_PIN_WRITE.
 */
long pw_look_fast(const struct pw_memory *memory, const struct pw_regime *regime, pw_va va,
		  size_t count, unsigned flags, pw_pa *page, enum pw_stop *why_ret);

/* How often this reader's fast path stopped, by reason. */
void pw_reader_stops(const struct pw_reader *reader, uint64_t count[PW_STOP_REASONS]);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif
#endif
