/* SPDX-License-Identifier: MIT */
/*
 * A device that works on a process's own addresses, as GPUs do (shared virtual memory). Its files are:
 *
 *   device.c   the device, and its page tables: a mirror of the process's tables in another format
 *   process.c  the process: uses its memory, and does all that moves pages
 *   main.c     makes the machine and the threads, and compares at the end
 *
 *   process thread                   address space (a pw_mm)           device thread
 *   --------------                   -----------------------           -------------
 *   adds to words by its cpu ------> page tables                       adds to words by its own tables
 *   munmap, mprotect, fork,  ------> invalidate() ---------------------> unmaps the mirror
 *   migrate, reclaim                 pw_mm_snapshot <------------------- finds nothing mapped: asks, maps
 *                                    pw_interval_retry <---------------- was it overtaken? asks again
 *
 * No page is pinned. The device uses a page only with its own lock held, and invalidate() takes that lock: so
 * when a change goes on, the device has no page any more that goes away.
 *
 * The first half of the pages stays mapped, and only moves. There the process counts in one word of each page,
 * the device in another, and each checks that the other's word is never older than what the other has
 * announced: a page that was used after it was given up would show. The second half comes and goes.
 */
#ifndef MIRROR_H
#define MIRROR_H

#include <pthread.h>

#include <pagewalk/pagewalk.h>

enum { STAYING = 32, PAGES = 64, WINDOW = 4 };
enum { PROCESS_WORD = 0, DEVICE_WORD = 8 }; /* where in a page: offsets in bytes */

struct world {
	struct pw_machine *machine;
	struct pw_mm *mm;
	pw_va va; /* of the first page */
	uint64_t page; /* bytes of a page of the process */
	uint64_t rounds;
	/* What each side has done to the pages that stay; atomic, stored after the deed. */
	uint64_t process_adds[STAYING], device_adds[STAYING];
	bool over; /* atomic: the process has done all its rounds */
	uint64_t wrong; /* atomic */
	uint64_t migrated, reclaimed, forks;
};

struct device {
	struct world *world;
	struct pw_interval interval; /* all pages */
	/* Protects the tables: also their use, as a device waits for accesses when it flushes its TLB. */
	pthread_mutex_t lock;
	struct pw_arena *arena; /* memory of the device, for its tables */
	struct pw_space *tables;
	struct pw_reader *reader;
	uint64_t random, accesses, refused, brought, retries, invalidated;
};

void *process_run(void *world);

void device_open(struct device *device, struct world *world, const struct pw_format *format);
void *device_run(void *device);
/* Compares the mirror with the tables of the process, page by page. Returns how many pages it has. */
unsigned device_compare(struct device *device);
void device_close(struct device *device);

/* A number below @below. */
uint64_t draw(uint64_t *random, uint64_t below);
/* Ends the program with the message @what unless @good. */
void must(bool good, const char *what);

#endif
