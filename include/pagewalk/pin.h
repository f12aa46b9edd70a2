/* SPDX-License-Identifier: MIT */
/*
 * Pinning: taking references on the pages behind a range of addresses, without a lock, while other
 * threads map, unmap, split and free the tables that are walked. The shape, and the order of the
 * checks, are those of the kernel's get_user_pages_fast (mm/gup.c).
 *
 * The fast path never writes a page table, never blocks and never reports an error: at the first
 * doubt it stops, says why, and keeps what it has. What it has is right: each page was mapped at its
 * address, with the access that was asked for, at a moment when the reference was already held.
 */
#ifndef PAGEWALK_PIN_H
#define PAGEWALK_PIN_H

#include <sys/uio.h>

#include <pagewalk/space.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/* What the pages are taken for. */
enum pw_pin_flags {
	PW_PIN_WRITE = 1 << 0, /* to be written to */
	PW_PIN_LONGTERM = 1 << 1, /* for as long as user space likes (FOLL_LONGTERM) */
	/*
	 * A reference only, as pw_folio_get: who has it does not touch what the page holds through
	 * it (FOLL_GET). Excludes PW_PIN_LONGTERM.
	 */
	PW_PIN_GET = 1 << 2,
};

/* Why the fast path stopped where it did. */
enum pw_stop {
	PW_STOP_DONE, /* it did not: all pages came */
	PW_STOP_NONE, /* nothing is mapped there, or not by something present */
	PW_STOP_PROT_NONE, /* present, and nobody may: only the owner of the tables knows more */
	PW_STOP_ACCESS, /* not mapped for user mode, or not for writing */
	PW_STOP_SPECIAL, /* a page without a reference count (pte_special) */
	PW_STOP_OUTSIDE, /* a page that is not in the arena */
	PW_STOP_GONE, /* the page was being freed, or its count is full */
	PW_STOP_CHANGED, /* the entry, or the one above it, changed while the page was taken */
	PW_STOP_TRUNCATED, /* a long pin for writing of a page without a mapping: it may be a file's */
	PW_STOP_LONGTERM, /* a long pin for writing of a file's page */
	PW_STOP_SECRET, /* secret memory */
	PW_STOP_UNSHARE, /* a copy-on-write page that a pin would see and its owner would not */
	PW_STOP_FORK, /* a fork is write-protecting pages, or was meanwhile: nothing is kept */
	PW_STOP_RANGE, /* beyond what the tables translate */
	PW_STOP_ROOM, /* no room for more ranges */
	PW_STOP_REASONS, /* how many there are */
};

/* "done", "none", ...; "?" for a value out of range. */
const char *pw_stop_name(enum pw_stop stop);

/* Pages of one folio that follow one another; bytes, so that every format's pages fit. */
struct pw_pinned {
	pw_pa pa;
	uint64_t bytes;
};

/*
 * Pins the pages behind @va (of a base page) and the @count - 1 after it into page[]. Returns how many
 * came, from the first on; *why_ret (may be NULL) says why not more. A range that reaches beyond what the
 * tables translate, or beyond 2^64, gives the pages before that. Pages are base pages of the
 * format. To be released by pw_unpin_pages with the same @flags.
 * -EINVAL for flags that exclude each other, an address within a page, or NULL; -EPERM in a child of
 * fork(2); nothing else fails.
 */
long pw_pin_fast(struct pw_reader *reader, pw_va va, size_t count, unsigned flags, pw_pa *page,
		 enum pw_stop *why_ret);

/* As pw_pin_fast, a reference each instead of a pin. */
long pw_get_fast(struct pw_reader *reader, pw_va va, size_t count, unsigned flags, pw_pa *page,
		 enum pw_stop *why_ret);

/*
 * As pw_pin_fast for @bytes bytes from @va on (both of base pages), a range for each folio: up to
 * @room ranges. Returns how many ranges came; *bytes_ret is how many bytes they have in all.
 */
long pw_pin_fast_ranges(struct pw_reader *reader, pw_va va, uint64_t bytes, unsigned flags,
			struct pw_pinned *range, size_t room, uint64_t *bytes_ret,
			enum pw_stop *why_ret);

/*
 * The same as host addresses, neighbours in one, for readv(2) and its like. It takes 64 folios at a time;
 * PW_STOP_FORK gives back the last of these batches.
 */
long pw_pin_fast_iovec(struct pw_reader *reader, pw_va va, uint64_t bytes, unsigned flags,
		       struct iovec *iovec, size_t room, uint64_t *bytes_ret,
		       enum pw_stop *why_ret);

/*
 * Release, at any time later, by any reader of the same table; parts of what came, too, in whole pages.
 * @dirty: what was pinned for writing has been written to, and is marked so. What nobody has, what is not
 * in the arena, and ranges or iovecs that are not of whole pages (trimmed after a partial transfer) are
 * refused, and noted as a fault (pw_arena_faults).
 */
void pw_unpin_pages(struct pw_reader *reader, const pw_pa *page, size_t count, unsigned flags,
		    bool dirty);
void pw_unpin_ranges(struct pw_reader *reader, const struct pw_pinned *range, size_t count,
		     unsigned flags, bool dirty);
void pw_unpin_iovec(struct pw_reader *reader, const struct iovec *iovec, size_t count,
		    unsigned flags, bool dirty);

/*
 * The same walk over any memory and any regime, where pages have no counts: nothing is taken. All
 * entries on the way to each page are loaded twice; where they were alike, what they say was stable for
 * that time, or came back to what it was. PW_STOP_CHANGED: it was not. @flags: 0 or PW_PIN_WRITE.
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
