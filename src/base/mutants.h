/* SPDX-License-Identifier: MIT */
/* The list of mutants. What a mutant is, says base/mutant.h, which includes the list in builds that have them. */
#ifndef PW_BASE_MUTANTS_H
#define PW_BASE_MUTANTS_H

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
	PW_MUTANT_BROKEN_AGAIN, /* a frame whose memory is broken is allocated again */
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
	PW_MUTANT_SWAP_IN_TWO, /* an entry is emptied before its new value is stored */
	PW_MUTANT_GATHER_AT_ONCE, /* tables that were taken out are freed without the back end for reclaim */
	/* VMAs. */
	PW_MUTANT_LOCK_UNLIMITED, /* more memory is locked than the machine's limit permits */
	PW_MUTANT_PROTECT_BRINGS, /* mprotect of locked memory brings what lies behind it, too */
	PW_MUTANT_PROTECT_SHARED, /* mprotect makes a page writable that a child of fork maps, too */
	PW_MUTANT_MOVE_PARTS, /* mremap takes every huge leaf apart */
	PW_MUTANT_MERGE_FORKED, /* a VMA of a fork merges with one that has no pages yet */
	PW_MUTANT_SHARE_UNLOCKED, /* a VMA gets another's anon while a neighbour's fault may look at it */
	PW_MUTANT_SPLIT_UNMARKED, /* a VMA is copied for a split while a fault may give it an anon */
	PW_MUTANT_MERGE_UNMARKED, /* a neighbour's anon is looked at while a fault may give it one */
	/* Memory. */
	PW_MUTANT_STOCK_KEPT, /* free frames stay in stocks while memory is short */
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
	PW_MUTANT_HOLE_BRIDGED, /* a hole among scattered pages does not end a run */
	PW_MUTANT_SCATTER_BELIEVED, /* entries that vectors do not know are taken for pages of the first kind */
	PW_MUTANT_RUN_BELIEVED, /* entries behind the first of a run are taken to be more of it */
	PW_MUTANT_ALL_ALIKE, /* the permissions of one leaf are believed of the leaves after it, too */
	PW_MUTANT_KNOWN_FLAGS, /* what one pin may do with a kind of leaf is believed of every pin */
	PW_MUTANT_MERGE_FOLIOS, /* pages of two folios come as one range */
	PW_MUTANT_NO_UNDO, /* pages that were taken in vain are kept */
	/* Walks with callbacks. */
	PW_MUTANT_STALE_ACTION, /* at a hole, a walk does what a callback said of the entry that was there before */
	PW_MUTANT_LEAF_LOADED_AGAIN, /* a translation takes the page from a second load of the leaf */
	PW_MUTANT_WALK_LOADS_AGAIN, /* a walk descends by a second load of the entry that callbacks have seen */
	/* Pages that leave their entries. */
	PW_MUTANT_UNMAP_PINNED, /* a page that may be pinned is taken out of its entries */
	PW_MUTANT_UNMAP_NO_FLUSH, /* TLBs keep an entry that made way for a swap or migration entry */
	PW_MUTANT_SWAP_ALL_EXCLUSIVE, /* a page from swap is taken for this space's alone, whatever its entry says */
	PW_MUTANT_SWAP_NOT_WRITTEN, /* what was stored to a page of the swap cache does not reach its slot */
	PW_MUTANT_RECLAIM_USED, /* pages that were used since the last round get no other chance */
	PW_MUTANT_SWAP_READS, /* a write fault on a page in swap maps it for reading only */
	PW_MUTANT_SPLIT_ZERO_LOCKED, /* a split takes pages of zeros out of locked memory */
	PW_MUTANT_COPY_CLEAN, /* the copy of a pinned page that fork makes is clean */
	PW_MUTANT_UNSHARE_CLEAN, /* the copy that a pin for reading makes is clean */
	PW_MUTANT_FREE_SHARED, /* MADV_FREE says of a page that others need that it need not be kept */
	PW_MUTANT_SPLIT_SHARED, /* advice splits a folio that another address space maps, too */
	PW_MUTANT_COLLAPSE_NEIGHBOURS, /* collapse takes entries of a folio for all that it has if another is between them */
	PW_MUTANT_FREE_LOCKED, /* MADV_FREE gives up a page that another process has locked in memory */
	PW_MUTANT_FREE_WHOLE, /* MADV_FREE of a part of a folio says of all of it that it need not be kept */
	PW_MUTANT_DROP_DIRTY_FIRST, /* whether a page is dirty is looked at before its holders */
	PW_MUTANT_TIDY_ONCE, /* a page of the swap cache whose last count goes while it is locked stays there */
	PW_MUTANT_MIGRATE_CLEAN, /* a page that was written to is clean when it has moved */
	PW_MUTANT_MIGRATE_COPY_LATE, /* a page that has moved is mapped before its content is there */
	PW_MUTANT_RESTORE_OLD_RIGHTS, /* mprotect leaves migration entries as they are, and they are believed */
	PW_MUTANT_RESTORE_DIRTY, /* an entry that could be written to is dirty when its page has moved, or was split */
	PW_MUTANT_MIGRATE_REFERENCED, /* a page is moved although somebody else has a reference */
	PW_MUTANT_POISON_DIRTY, /* a broken page that was written to is taken out as if it were clean */
	/* Pins that may fault. */
	PW_MUTANT_SLOW_UNSHARE, /* a pin for reading takes a page that its owner will copy on write */
	PW_MUTANT_FORCE_SHARED, /* a debugger's write takes a page that others have, too */
	PW_MUTANT_FORCE_FORGETS, /* after a fault, a debugger's write looks for a page as a read does */
	PW_MUTANT_SLOW_TAKES_LATE, /* a page is taken after the lock of its table was given up */
	PW_MUTANT_LONGTERM_FILE, /* a long pin for writing takes a file's pages */
	PW_MUTANT_LONGTERM_MOVABLE, /* a long pin stays in movable memory */
	PW_MUTANT_LONGTERM_KEEPS, /* a long pin keeps what it has while it moves the rest */
	PW_MUTANT_SLOW_SECRET, /* the slow path takes secret memory */
	PW_MUTANT_PARTIAL_LOST, /* pages that came before an error are forgotten */
	/* Handlers of user faults. */
	PW_MUTANT_FILL_UNPROTECTED, /* a page that a handler fills is not protected, although it shall be */
	PW_MUTANT_FILL_STORES_OVER, /* it takes the place of a page that has come meanwhile */
	PW_MUTANT_FILL_UNLOCKED, /* it comes although its mapping is going away */
	PW_MUTANT_CONTINUE_UNLOCKED, /* a page of a file that a handler maps may have been truncated */
	PW_MUTANT_WATCH_NO_FLUSH, /* TLBs still permit writes when a page is protected for a handler */
	PW_MUTANT_WATCH_MARK_LATE, /* a page is marked as protected after the lock of its table was given up */
	PW_MUTANT_WATCH_UNLOCKED, /* a page is protected for a handler while its mapping is going away */
	/* Files and text. */
	PW_MUTANT_PART_KEPT, /* an incomplete file gets its name */
	PW_MUTANT_LINK_REPLACED, /* a symbolic link is replaced instead of the file that it leads to */
	PW_MUTANT_UMASK_CHANGED, /* the umask of the process is changed */
	PW_MUTANT_INPUT_REPLACED, /* a file that is being read may be written to */
	PW_MUTANT_TEXT_RAW, /* names are shown as they are */
	/* Files of address spaces. */
	PW_MUTANT_FILE_MAP_UNLOCKED, /* a page is mapped that may have been truncated */
	PW_MUTANT_FILE_KEEPS_LOCKED, /* pages of files that are locked in memory are not put together, nor split */
	PW_MUTANT_AROUND_INSIDE, /* a read beyond the end of a file maps none of the pages before it */
	PW_MUTANT_TRUNCATE_KEEPS_MAPPING, /* a page that was truncated still names its file */
	PW_MUTANT_WRITE_BACK_WRITABLE, /* pages stay writable while they are written back */
	PW_MUTANT_DIRTY_NO_MAPPING, /* a truncated page is made writable */
	PW_MUTANT_DIRTY_UNNOTICED, /* the first write to a shared page is not noted */
	/* Bounds. */
	PW_MUTANT_HASH_KNOWN, /* every set hashes by the same key */
	PW_MUTANT_LOADS_AGAIN, /* a file may claim that its bytes are at any number of addresses */
	PW_MUTANT_NOTES_AGAIN, /* notes are read as often as the file names them */
	PW_MUTANT_DEVICES_READ, /* a search copies what tables mark as a device's, too */
	PW_MUTANT_NOTE_BELIEVED, /* a VMCOREINFO in memory need not lead to a kernel's tables */
	PW_MUTANT_NOTE_OF_ANY_KERNEL, /* the first VMCOREINFO that holds is taken, whichever kernel the CPUs map */
	PW_MUTANT_KERNEL_UNASKED, /* the CPUs are not asked whether they still map the kernel */
	PW_MUTANT_CUT_NO_KERNEL, /* an image of tables forgets which Linux they are of */
	PW_MUTANT_KDUMP_BELIEVED, /* the number of pages that a kdump claims is believed */
	PW_MUTANT_KDUMP_ARM, /* an arm's sub header is read as an i386's */
	PW_MUTANT_LEFT_OUT_UNKNOWN, /* nothing is known of tables that a dump left out */
	PW_MUTANT_FORMAT_ENDLESS, /* a description of a format may be of any size */
	PW_MUTANT_KEPT_REFUSED, /* a top table may not have an entry that Linux keeps for a huge page */
	PW_MUTANT_VECTORS_BELIEVED, /* a root is taken to map a CPU's exception vectors */
	PW_MUTANT_CANCELLED_GIVES, /* a search for roots that is cancelled after its proofs gives a result */
	PW_MUTANT_NAMES_CUT_OFF, /* of the places of the first process's name, only so many are tried */
	PW_MUTANT_HIDDEN_SOFT, /* a table of huge pages that nobody may access is taken for data */
	PW_MUTANT_RESERVED_SET, /* an entry of a table may have bits that the architecture reserves */
	PW_MUTANT_HOLES_READ, /* holes of sparse files are read */
	PW_MUTANT_MISSING_IS_ZERO, /* tables that the image does not have are taken for empty ones */
	PW_MUTANT_CUT_UNSEEN, /* a run that is not kept does not end what is reported */
	PW_MUTANT_PARTS_OVERLAP, /* what begins in one part of the memory is reported in the next one, too */
	PW_MUTANT_SURVEY_GOES_ON, /* sorting and reporting do not look at the cancel flag */
	/* Reading. */
	PW_MUTANT_NO_PREFIX, /* a page's real address is shown as if it were absolute */
	PW_MUTANT_GROUP_BELIEVED, /* one entry of a group is believed for all of them */
	PW_MUTANT_HIGH_BITS_DROPPED, /* address bits that a format has no room for are cut off */
	/* Cpus. */
	PW_MUTANT_FLUSH_NO_WAIT, /* a flush does not wait for accesses that are under way */
	PW_MUTANT_FLUSH_NONE, /* a flush leaves the TLBs as they are */
	PW_MUTANT_CPU_NO_ACCESSED, /* a cpu does not set the accessed bit */
	PW_MUTANT_CPU_NO_DIRTY, /* a cpu does not set the dirty bit */
	PW_MUTANT_CPU_CLEAN_HIT, /* a write may hit an entry that was made while the page was clean */
	PW_MUTANT_CPU_FILL_LATE, /* a fault fills the TLB after it has given up the table lock */
	PW_MUTANT_CPU_NO_FENCE, /* a cpu may look at its TLB before others see that it is in an access */

	/* src/mm */
	PW_MUTANT_ZAP_NO_FLUSH, /* pages are freed while TLBs still lead to them */
	PW_MUTANT_COW_PARTS_COPIED, /* a page of a large folio that nobody else maps is copied */
	PW_MUTANT_COW_PARTS_TAKEN, /* a page of a large folio of which others map a part is taken */
	PW_MUTANT_COW_REUSE, /* a write takes a page that others have, too */
	PW_MUTANT_FORK_PINNED, /* fork shares pages that are pinned */
	PW_MUTANT_FORK_NO_FLUSH, /* after a fork, TLBs still let the parent write */
	PW_MUTANT_INTERVAL_SAME, /* an interval has its old sequence again when an invalidation is over */
	PW_MUTANT_INTERVAL_BUSY, /* an interval's sequence is given out while an invalidation is under way */
	/* Huge pages. */
	PW_MUTANT_COLLAPSE_PINNED, /* a page that somebody holds is copied away */
	PW_MUTANT_COLLAPSE_COPY_LATE, /* a huge page is mapped before the small ones are copied to it */
	PW_MUTANT_COLLAPSE_NO_FLUSH, /* TLBs still lead to pages that are being copied to a huge one */
	PW_MUTANT_COLLAPSE_FREES_LOCKED, /* a full batch of old pages is freed while the last of them is locked */
	PW_MUTANT_SPLIT_FILE_PARTS, /* a huge leaf of a file is split, and its pages stay mapped */
	PW_MUTANT_MAP_BEYOND, /* a huge leaf of a file reaches beyond its VMA */
	PW_MUTANT_COLLAPSE_WRITABLE, /* pages of a file that can be written become a huge one */
	PW_MUTANT_SPLIT_KEEPS, /* the parts of a split folio keep the splitter's references */
	PW_MUTANT_SPLIT_LEAVES_LOCKS, /* parts of a folio that stays whole stay locked */
	PW_MUTANT_SPLIT_WHOLE, /* a folio is split while a migration entry stands for several of its parts */
	PW_MUTANT_SPLIT_FORGETS, /* pages of a folio that stays whole forget that they have their content */
	PW_MUTANT_HIDDEN_LOST, /* where no entry can say that nobody may access a page, the page is lost */
	PW_MUTANT_HUGETLB_NO_STEAL, /* an owner that finds the pool empty does not take the page from its child */
	PW_MUTANT_HUGETLB_ROBBED_ZERO, /* who lost a hugetlb page that way reads zeros */
	PW_MUTANT_HUGETLB_POOL_OLD, /* after a hugetlb page moved, its pool still has the old one */
	PW_MUTANT_HUGETLB_EXACT, /* mmap of anonymous hugetlb pages wants a length of whole ones */
	PW_MUTANT_HUGETLB_UNPROTECTED, /* a write does not ask the handler that protects a hugetlb page */
	/* Soft-dirty. */
	PW_MUTANT_SOFT_DIRTY_WRITABLE, /* pages stay writable when their soft-dirty bits are cleared */
	PW_MUTANT_SOFT_DIRTY_MOVED, /* pages that mremap moved are not soft-dirty */
	PW_MUTANT_REMAP_MERGES_KEPT, /* Linux 7: what MREMAP_DONTUNMAP leaves behind may merge with what it moved */
	PW_MUTANT_SOFT_DIRTY_FAILED, /* a write that fails makes its page soft-dirty */
	PW_MUTANT_SOFT_DIRTY_CUT, /* a page that a file lost leaves its soft-dirty mark */
	PW_MUTANT_SOFT_DIRTY_UNMAPPED, /* so does a page that reclaim takes out of the tables */
	PW_MUTANT_SOFT_DIRTY_STALE, /* marks stay where a VMA was that was soft-dirty as a whole */
	PW_MUTANT_SOFT_DIRTY_FREED, /* MADV_FREE of a page in swap leaves its soft-dirty mark */
	PW_MUTANT_SOFT_DIRTY_UNGUARDED, /* so does the end of a guard */
	PW_MUTANT_MERGE_NOT_STICKY, /* a VMA that takes a part in by mprotect is soft-dirty only if the part is */
	PW_MUTANT_FORK_MARKS_ALL, /* a child is soft-dirty where it gets no entries */
	/* Groups of leaves. */
	PW_MUTANT_JOIN_MIXED, /* leaves of different permissions become one group */
	PW_MUTANT_FORK_BREAKS, /* fork leaves single leaves where groups were */
	/* Orders within address spaces, which the laboratory tries. */
	PW_MUTANT_FAULT_ZERO_LATE, /* a new page is cleared after others can find it */
	PW_MUTANT_DONTNEED_KEEPS, /* MADV_DONTNEED leaves tables of empty entries */
	PW_MUTANT_FORK_NO_TABLES, /* a child has no table where its parent has an empty one */
	PW_MUTANT_MOVE_LEAVES_TABLE, /* mremap leaves the table of entries that have all moved */
	PW_MUTANT_RECLAIM_UNLOCKED, /* a table that is empty is freed while a fault fills it */
	PW_MUTANT_FAULT_STORES_OVER, /* a fault does not see that another one was faster */
	PW_MUTANT_COW_NO_RECHECK, /* a copy takes the place of whatever is there by now */
	PW_MUTANT_SOFT_LEAF, /* an entry of a page that is being moved is taken for a leaf */
	PW_MUTANT_VMA_NO_WAIT, /* whoever changes a VMA does not wait for faults in it */
	PW_MUTANT_SLOW_UNLOCKED, /* the slow path does not take the lock of the mm */
	/* Formats. */
	PW_MUTANT_PLAIN_TAKES, /* a table that takes permissions away counts as one that leaves all */
	PW_MUTANT_TAKEN_FORGOTTEN, /* one walk straight to its page forgets what the tables above take away */
	/* Walks in vectors. */
	PW_MUTANT_WIDE_PARTS, /* a table with fewer entries than others of its level counts as whole */
	PW_MUTANT_WIDE_GROUPS, /* a leaf of a contiguous group counts as one by itself */
	PW_MUTANT_WIDE_KEEP, /* leaves that are alike have the same permissions, whatever is above them */
	PW_MUTANTS, /* how many there are */
};

#endif
