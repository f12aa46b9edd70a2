/* SPDX-License-Identifier: MIT */
/*
 * Mutants: each breaks one rule that the code depends on. A named test must then fail (tests/mutants);
 * a rule whose mutant survives is not tested.
 *
 * In normal builds pw_mutant() is a constant false, and nothing is left of it. To add one: a line in
 * the list, its `if (pw_mutant(...))` where the rule stands, and a line in tests/mutants/meson.build
 * that names the test. `make mutants` complains of those that have none.
 */
#ifndef PW_BASE_MUTANT_H
#define PW_BASE_MUTANT_H

#include <stdbool.h>
#include <stdint.h>

enum pw_mutant {
	PW_MUTANT_NONE,
	/* Folios. */
	PW_MUTANT_GRAB_ZERO, /* a folio whose count is zero is taken */
	PW_MUTANT_NO_HEAD_RECHECK, /* the folio is not looked at again after it was taken */
	PW_MUTANT_OVERFLOW, /* a count may wrap */
	PW_MUTANT_UNDERFLOW, /* more may be given back than was taken */
	PW_MUTANT_SPLIT_PINNED, /* a folio is split although somebody has a reference or a pin */
	PW_MUTANT_COUNT_ZERO_PAGE, /* the zero page is counted */
	PW_MUTANT_HEAD_EXCLUSIVE, /* the head's exclusive bit is asked, not the page's */
	PW_MUTANT_SHARE_PINNED, /* sharing does not look at the pins */
	PW_MUTANT_SHARE_AFTER, /* it does, and clears the exclusive bit after that */
	PW_MUTANT_SHARE_OLD_HEAD, /* it looks at the pins of the folio that the page was in before */
	PW_MUTANT_ONE_LOOK, /* who looks at counts does not ask again whose they were */
	PW_MUTANT_NO_HOLD, /* a folio may be split while somebody changes what its head says */
	PW_MUTANT_SPLIT_IS_FREE, /* a folio that is being split is taken for a free one */
	PW_MUTANT_PARTS_ARE_FREE, /* and so are parts of it, as long as they cannot be taken */
	PW_MUTANT_SPLIT_OLD_HEAD, /* who splits a folio does not ask whether it was split before */
	PW_MUTANT_SPLIT_COUNTS_FIRST, /* parts of a folio have counts before they are folios */
	PW_MUTANT_NEW_COUNTS_FIRST, /* a new folio has counts before its pages belong to it */
	/* Reclaim. */
	PW_MUTANT_NO_WAIT, /* tables are freed while readers are in them */
	PW_MUTANT_MARKS_UNREAD, /* who waits does not look at the readers */
	PW_MUTANT_MARK_BIT, /* who waits waits for whoever is inside, not for who was */
	PW_MUTANT_NO_BARRIER, /* a reader's mark may come after its loads */
	PW_MUTANT_LEAVE_ALL, /* who entered twice is out when it leaves once */
	PW_MUTANT_DRAIN_OWN, /* draining does not mind what other threads are freeing */
	PW_MUTANT_QUIT_ALL, /* a thread that quits one space is a reader of none */
	PW_MUTANT_LOOK_FIRST, /* who waits looks at the marks before the barrier that brings them */
	PW_MUTANT_JOIN_AGAIN, /* a thread is registered though its application has done it */
	/* Tables. */
	PW_MUTANT_ROOT_APART, /* root and depth change one after the other */
	PW_MUTANT_TABLE_STORE, /* a table is installed by a store instead of compare-and-swap */
	PW_MUTANT_PUBLISH_EMPTY, /* a table is published before it is filled */
	PW_MUTANT_TABLE_AT_0, /* a table may be where the entry that leads to it reads as empty */
	PW_MUTANT_KEEP_ENTRIES, /* a table that is taken out keeps its entries */
	PW_MUTANT_NO_SETTLE, /* a look at the pins may come before the stores that took the page away */
	PW_MUTANT_BREAK_PART, /* a part of a contiguous group changes, the rest stays a group */
	PW_MUTANT_BREAK_OTHERS, /* who breaks up a group does not look which one it is by now */
	PW_MUTANT_BREAK_TABLE, /* nor whether there is a table in its place by now */
	PW_MUTANT_BREAK_LEFT_END, /* of groups at the ends of a range, only the first is broken up */
	/* Memory. */
	PW_MUTANT_FOLIO_NO_AWAIT, /* a folio is not had though tables are leaving */
	PW_MUTANT_OWN_GATHER, /* what operations gathered is not hurried when memory is short */
	PW_MUTANT_LEAVING_AFTER, /* who got no memory asks only then whether there was some to come */
	PW_MUTANT_LEAVING_BEFORE, /* nor whether some came and went while it tried */
	PW_MUTANT_DRAIN_FIRST, /* tables of one space are hurried, not of all */
	PW_MUTANT_AWAIT_INSIDE, /* who is inside a section waits for memory */
	PW_MUTANT_WAIT_KEEPS, /* who waits for readers does not free what they were in */
	PW_MUTANT_KEEP_PIECES, /* a frame that was cut for tables is not given back */
	PW_MUTANT_FORK_UNNOTICED, /* a child takes itself for the process that created the arena */
	PW_MUTANT_FORK_SHARES, /* and has its memory */
	/* Order: what ThreadSanitizer sees. */
	PW_MUTANT_STORE_RELAXED, /* entries are stored without release order */
	PW_MUTANT_SWAP_RELAXED, /* tables are installed without it */
	PW_MUTANT_LEAVE_RELAXED, /* readers leave without it */
	/* Pins. */
	PW_MUTANT_NO_LEAF_RECHECK, /* the leaf is not loaded again */
	PW_MUTANT_NO_UPPER_RECHECK, /* the entry above the leaf's table is not */
	PW_MUTANT_NO_TOP_RECHECK, /* nor, for a leaf of the top, whether that is still the top */
	PW_MUTANT_SIZE_BEFORE, /* the folio is believed to be as large as before it was taken */
	PW_MUTANT_SECOND_LOAD, /* the page is computed from a second load of the entry */
	PW_MUTANT_STACK_COPY, /* the next entry is looked for beside a copy of this one */
	PW_MUTANT_NO_SEQUENCE, /* a copy that began meanwhile is not noticed */
	PW_MUTANT_LATE_SEQUENCE, /* nor one that began before and is over */
	PW_MUTANT_ODD_SEQUENCE, /* a copy that is under way is not waited out */
	PW_MUTANT_NO_LONGTERM, /* long pins of files are given */
	PW_MUTANT_NULL_MAPPING, /* a page without a mapping is */
	PW_MUTANT_NO_SECRET, /* secret memory is */
	PW_MUTANT_NO_UNSHARE, /* a page that is not exclusive is */
	PW_MUTANT_NO_SPECIAL, /* special pages are */
	PW_MUTANT_NO_ACCESS, /* the entry's permissions are not asked */
	PW_MUTANT_ALL_ALIKE, /* what one leaf permits, the next ones are believed to permit, too */
	PW_MUTANT_MERGE_FOLIOS, /* pages of two folios come as one range */
	PW_MUTANT_NO_UNDO, /* what was taken in vain is kept */
	/* Files and text. */
	PW_MUTANT_PART_KEPT, /* a file gets its name though it is not whole */
	PW_MUTANT_LINK_REPLACED, /* a symbolic link is replaced, not what it leads to */
	PW_MUTANT_UMASK_CHANGED, /* the umask of the process is changed */
	PW_MUTANT_INPUT_REPLACED, /* a file that is read may be written to */
	PW_MUTANT_TEXT_RAW, /* names are shown as they are */
	/* Bounds. */
	PW_MUTANT_HASH_KNOWN, /* every set hashes by the same key */
	PW_MUTANT_LOADS_AGAIN, /* bytes of a file may stand at as many addresses as it says */
	PW_MUTANT_NOTES_AGAIN, /* notes are read as often as they are named */
	PW_MUTANT_KDUMP_BELIEVED, /* a kdump is believed to describe as many pages as it says */
	PW_MUTANT_KDUMP_ARM, /* an arm's sub header is read as an i386's */
	PW_MUTANT_LEFT_OUT_UNKNOWN, /* of tables that a dump left out nothing is known */
	PW_MUTANT_FORMAT_ENDLESS, /* a description of a format may be of any size */
	PW_MUTANT_SURVEY_GOES_ON, /* who sorts or tells does not look whether to stop */
	/* Reading. */
	PW_MUTANT_NO_PREFIX, /* a page's real address is shown as if it were absolute */
	PW_MUTANT_GROUP_BELIEVED, /* one entry of a group speaks for all of them */
	PW_MUTANT_HIGH_BITS_DROPPED, /* address bits that a format has no room for are cut off */
	PW_MUTANTS, /* how many there are */
};

/* Moments at which a rule decides between a right and a wrong outcome. */
enum pw_moment {
	PW_MOMENT_FOLIO_FOUND, /* a frame's folio was looked up, and is not taken yet */
	PW_MOMENT_FOLIO_TAKEN, /* it was taken, and not looked at again yet */
	PW_MOMENT_FOLIO_LOOK, /* a frame's folio was looked up, and its counts are not known yet */
	PW_MOMENT_FOLIO_NEW, /* frames are no longer free, and no folio yet */
	PW_MOMENT_SPLIT, /* a part of a folio can be taken, and the next one cannot yet */
	PW_MOMENT_SPLITTING, /* nobody can take a folio, and its pages still belong to it */
	PW_MOMENT_SHARE, /* a page is going to be shared, and is exclusive yet */
	PW_MOMENT_TABLE_FOUND, /* an entry led to a table, and nothing was loaded from it yet */
	PW_MOMENT_LEAF_LOADED, /* a leaf was loaded, and its page is not known yet */
	PW_MOMENT_MARKS_SETTLED, /* every mark of before is to be seen, and nobody has looked yet */
	PW_MOMENT_TRY, /* memory is to be allocated, and was not tried for yet */
	PW_MOMENT_NO_MEMORY, /* there was no memory for a table */
	PW_MOMENT_TABLE_NEW, /* a table was allocated, and nothing leads to it yet */
	PW_MOMENT_GROUP_FOUND, /* a contiguous group is to be broken up, and is whole yet */
	PW_MOMENT_SETTLE, /* a full barrier: what was stored before can be seen from here on */
	PW_MOMENT_TOP_NEW, /* a higher top is complete, and nobody knows of it yet */
	PW_MOMENTS, /* how many there are */
};

#ifdef PW_MUTANTS_BUILD
/* Which one is on. Set by tests, before any thread is started. */
extern enum pw_mutant pw_mutant_chosen;
/* Called at each moment, if set: does what another thread might do just there. */
extern void (*pw_moment_hook)(enum pw_moment moment);
/*
 * Called for each store to an entry, if set, in the place of the store: keeps it back, as a processor's
 * store buffer does, until PW_MOMENT_SETTLE at the latest. @raw: in the byte order of the memory. Weak, so
 * that programs without such a test need not define it.
 */
__attribute__((weak)) void (*pw_store_hook)(void *host, uint64_t raw, unsigned entry_lg2);

static inline bool pw_mutant(enum pw_mutant mutant)
{
	return pw_mutant_chosen == mutant;
}

static inline void pw_moment(enum pw_moment moment)
{
	if (pw_moment_hook)
		pw_moment_hook(moment);
}

/* Was the store taken over? */
static inline bool pw_store_kept(void *host, uint64_t raw, unsigned entry_lg2)
{
	if (!pw_store_hook)
		return false;
	pw_store_hook(host, raw, entry_lg2);
	return true;
}
#else
static inline bool pw_mutant(enum pw_mutant mutant)
{
	(void)mutant;
	return false;
}

static inline void pw_moment(enum pw_moment moment)
{
	(void)moment;
}

static inline bool pw_store_kept(void *host, uint64_t raw, unsigned entry_lg2)
{
	(void)host;
	(void)raw;
	(void)entry_lg2;
	return false;
}
#endif

#endif
