/* SPDX-License-Identifier: MIT */
/*
 * Mutants: each breaks one rule that the code depends on, and a named test must then fail
 * (tests/mutants). A rule whose mutant survives is not tested.
 *
 * In normal builds pw_mutant() is a constant false, and the compiler removes it. To add a mutant, add a
 * line to the list, an `if (pw_mutant(...))` where the rule stands, and a line in
 * tests/mutants/meson.build that names the test. `make mutants` reports mutants without a test.
 */
#ifndef PW_BASE_MUTANT_H
#define PW_BASE_MUTANT_H

#include <stdbool.h>
#include <stdint.h>

enum pw_mutant {
	PW_MUTANT_NONE,
	/* Folios. */
	PW_MUTANT_GRAB_ZERO, /* a folio whose count is zero can be taken */
	PW_MUTANT_NO_HEAD_RECHECK, /* after a folio was taken, its head is not looked at again */
	PW_MUTANT_OVERFLOW, /* a count may wrap */
	PW_MUTANT_UNDERFLOW, /* more references or pins may be given back than were taken */
	PW_MUTANT_SPLIT_PINNED, /* a folio is split although somebody has a reference or a pin */
	PW_MUTANT_COUNT_ZERO_PAGE, /* the zero page is counted */
	PW_MUTANT_HEAD_EXCLUSIVE, /* the head's exclusive bit is tested instead of the page's */
	PW_MUTANT_SHARE_PINNED, /* sharing does not look at the pins */
	PW_MUTANT_SHARE_AFTER, /* sharing looks at the pins before it clears the exclusive bit, not after */
	PW_MUTANT_SHARE_OLD_HEAD, /* sharing looks at the pins of the folio that the page was in before */
	PW_MUTANT_ONE_LOOK, /* after counts were read, nobody checks that they are of the same folio */
	PW_MUTANT_NO_HOLD, /* a folio may be split while another thread changes its head */
	PW_MUTANT_SPLIT_IS_FREE, /* a folio that is being split is reported as free */
	PW_MUTANT_PARTS_ARE_FREE, /* its parts are reported as free until they can be taken */
	PW_MUTANT_SPLIT_OLD_HEAD, /* a split does not check whether the folio was split before */
	PW_MUTANT_SPLIT_COUNTS_FIRST, /* parts of a folio get counts before they become folios */
	PW_MUTANT_NEW_COUNTS_FIRST, /* a new folio gets counts before its pages belong to it */
	/* Reclaim. */
	PW_MUTANT_NO_WAIT, /* tables are freed while readers are in them */
	PW_MUTANT_MARKS_UNREAD, /* the waiter does not look at the readers */
	PW_MUTANT_MARK_BIT, /* the waiter keeps waiting for a reader that left and entered again */
	PW_MUTANT_NO_BARRIER, /* a reader's mark may come after its loads */
	PW_MUTANT_LEAVE_ALL, /* a reader that entered twice is out when it leaves once */
	PW_MUTANT_DRAIN_OWN, /* draining ignores the tables that other threads are freeing */
	PW_MUTANT_QUIT_ALL, /* a thread that quits one space is no longer a reader of any */
	PW_MUTANT_LOOK_FIRST, /* the waiter looks at the marks before the barrier that makes them visible */
	PW_MUTANT_JOIN_AGAIN, /* a thread is registered although its application has registered it */
	/* Tables. */
	PW_MUTANT_ROOT_APART, /* root and depth change one after the other */
	PW_MUTANT_TABLE_STORE, /* a table is installed by a store instead of compare-and-swap */
	PW_MUTANT_PUBLISH_EMPTY, /* a table is published before it is filled */
	PW_MUTANT_TABLE_AT_0, /* a table may be at address 0, where the entry for it may read as empty */
	PW_MUTANT_KEEP_ENTRIES, /* a table that is taken out keeps its entries */
	PW_MUTANT_NO_SETTLE, /* a look at the pins may come before the stores that took the page away */
	PW_MUTANT_BREAK_PART, /* part of a contiguous group changes, and the rest still claims the group */
	PW_MUTANT_BREAK_OTHERS, /* breaking up a group does not check which group is there by now */
	PW_MUTANT_BREAK_TABLE, /* it does not check whether a table has replaced the group by now */
	PW_MUTANT_BREAK_LEFT_END, /* of the groups at the two ends of a range, only the first is broken up */
	/* Memory. */
	PW_MUTANT_FOLIO_NO_AWAIT, /* allocating a folio fails although tables are about to be freed */
	PW_MUTANT_OWN_GATHER, /* when memory is short, tables that operations have gathered are not hurried */
	PW_MUTANT_LEAVING_AFTER, /* whether tables are leaving is asked only after the allocation failed */
	PW_MUTANT_LEAVING_BEFORE, /* it is asked only before: tables that left meanwhile go unnoticed */
	PW_MUTANT_DRAIN_FIRST, /* the tables of one space are hurried, not those of all */
	PW_MUTANT_AWAIT_INSIDE, /* a thread inside a section waits for memory */
	PW_MUTANT_WAIT_KEEPS, /* after a wait for readers, the tables that they were in are not freed */
	PW_MUTANT_KEEP_PIECES, /* a frame that was cut into tables is not given back */
	PW_MUTANT_FORK_UNNOTICED, /* a child takes itself for the process that created the arena */
	PW_MUTANT_FORK_SHARES, /* a child has the arena's memory mapped */
	/* Order: what ThreadSanitizer sees. */
	PW_MUTANT_STORE_RELAXED, /* entries are stored without release order */
	PW_MUTANT_SWAP_RELAXED, /* tables are installed without release order */
	PW_MUTANT_LEAVE_RELAXED, /* readers leave without release order */
	/* Pins. */
	PW_MUTANT_NO_LEAF_RECHECK, /* the leaf is not loaded again */
	PW_MUTANT_NO_UPPER_RECHECK, /* the entry above the leaf's table is not loaded again */
	PW_MUTANT_NO_TOP_RECHECK, /* for a leaf in the top table: nobody checks that it is still the top */
	PW_MUTANT_SIZE_BEFORE, /* the folio's size is read before it is taken, and believed afterwards */
	PW_MUTANT_SECOND_LOAD, /* the page is computed from a second load of the entry */
	PW_MUTANT_STACK_COPY, /* the next entry is looked for next to a copy of this one */
	PW_MUTANT_NO_SEQUENCE, /* a copy that began meanwhile is not noticed */
	PW_MUTANT_LATE_SEQUENCE, /* a copy that began before and has ended is not noticed */
	PW_MUTANT_ODD_SEQUENCE, /* a copy that is under way is not waited out */
	PW_MUTANT_NO_LONGTERM, /* files get long pins */
	PW_MUTANT_NULL_MAPPING, /* pages without a mapping get long pins for writing */
	PW_MUTANT_NO_SECRET, /* secret memory is pinned */
	PW_MUTANT_NO_UNSHARE, /* a page that is not exclusive is pinned */
	PW_MUTANT_NO_SPECIAL, /* special pages are pinned */
	PW_MUTANT_NO_ACCESS, /* the entry's permissions are not tested */
	PW_MUTANT_ALL_ALIKE, /* the permissions of one leaf are believed of the leaves after it, too */
	PW_MUTANT_MERGE_FOLIOS, /* pages of two folios come as one range */
	PW_MUTANT_NO_UNDO, /* pages that were taken in vain are kept */
	/* Files and text. */
	PW_MUTANT_PART_KEPT, /* an incomplete file gets its name */
	PW_MUTANT_LINK_REPLACED, /* a symbolic link is replaced instead of the file that it leads to */
	PW_MUTANT_UMASK_CHANGED, /* the umask of the process is changed */
	PW_MUTANT_INPUT_REPLACED, /* a file that is being read may be written to */
	PW_MUTANT_TEXT_RAW, /* names are shown as they are */
	/* Bounds. */
	PW_MUTANT_HASH_KNOWN, /* every set hashes by the same key */
	PW_MUTANT_LOADS_AGAIN, /* a file may claim that its bytes are at any number of addresses */
	PW_MUTANT_NOTES_AGAIN, /* notes are read as often as the file names them */
	PW_MUTANT_KDUMP_BELIEVED, /* the number of pages that a kdump claims is believed */
	PW_MUTANT_KDUMP_ARM, /* an arm's sub header is read as an i386's */
	PW_MUTANT_LEFT_OUT_UNKNOWN, /* nothing is known of tables that a dump left out */
	PW_MUTANT_FORMAT_ENDLESS, /* a description of a format may be of any size */
	PW_MUTANT_SURVEY_GOES_ON, /* sorting and reporting do not look at the cancel flag */
	/* Reading. */
	PW_MUTANT_NO_PREFIX, /* a page's real address is shown as if it were absolute */
	PW_MUTANT_GROUP_BELIEVED, /* one entry of a group is believed for all of them */
	PW_MUTANT_HIGH_BITS_DROPPED, /* address bits that a format has no room for are cut off */
	PW_MUTANTS, /* how many there are */
};

/* Moments at which a rule decides between a right and a wrong outcome. */
enum pw_moment {
	PW_MOMENT_FOLIO_FOUND, /* a frame's folio was looked up, and is not taken yet */
	PW_MOMENT_FOLIO_TAKEN, /* it was taken, and not looked at again yet */
	PW_MOMENT_FOLIO_LOOK, /* a frame's folio was looked up, and its counts are not read yet */
	PW_MOMENT_FOLIO_NEW, /* frames are no longer free, and not yet a folio */
	PW_MOMENT_SPLIT, /* one part of a folio can be taken, and the next one cannot yet */
	PW_MOMENT_SPLITTING, /* nobody can take the folio, and its pages still belong to it */
	PW_MOMENT_SHARE, /* a page is going to be shared, and is still exclusive */
	PW_MOMENT_TABLE_FOUND, /* an entry led to a table, and nothing was loaded from it yet */
	PW_MOMENT_LEAF_LOADED, /* a leaf was loaded, and its page is not computed yet */
	PW_MOMENT_MARKS_SETTLED, /* every earlier mark is visible, and the waiter has not looked yet */
	PW_MOMENT_TRY, /* memory is going to be allocated */
	PW_MOMENT_NO_MEMORY, /* there was no memory for a table */
	PW_MOMENT_TABLE_NEW, /* a table was allocated, and nothing leads to it yet */
	PW_MOMENT_GROUP_FOUND, /* a contiguous group is going to be broken up, and is still whole */
	PW_MOMENT_SETTLE, /* a full barrier: all earlier stores are visible from here on */
	PW_MOMENT_TOP_NEW, /* a higher top is complete, and nothing leads to it yet */
	PW_MOMENTS, /* how many there are */
};

#ifdef PW_MUTANTS_BUILD
/* The mutant that is on. Tests set it before they start any thread. */
extern enum pw_mutant pw_mutant_chosen;
/* Called at each moment, if set. A test does there what another thread might do. */
extern void (*pw_moment_hook)(enum pw_moment moment);
/*
 * Called in place of each store to an entry, if set. It keeps the store back, as a processor's store
 * buffer does, until PW_MOMENT_SETTLE at the latest. @raw is in the byte order of the memory. The symbol
 * is weak, so that programs without such a test need not define it.
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

/* Did the hook take the store over? */
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
