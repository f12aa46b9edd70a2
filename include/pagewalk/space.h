/* SPDX-License-Identifier: MIT */
/* Address spaces that the program manages itself: memory, page tables, and who reads them meanwhile. */
#ifndef PAGEWALK_SPACE_H
#define PAGEWALK_SPACE_H

#ifdef __cplusplus
extern "C" {
#endif

/* ---- readers ---- */

/* How a space knows that nobody reads a table or a page any more, so that it can be freed. */
enum pw_sync_kind {
	/*
	 * liburcu: the least work for writers, which do not wait. The program's other users of
	 * liburcu (memb flavour) and pagewalk wait for each other's readers.
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

/*
 * One thread that reads one space. It belongs to that thread, which also ends it, before it ends
 * itself. A thread may have several, and be inside several spaces at once.
 */
struct pw_reader;

#ifdef __cplusplus
}
#endif
#endif
