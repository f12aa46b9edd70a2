/* SPDX-License-Identifier: MIT */
/*
 * A device behind a virtual IOMMU. This is what its files share:
 *
 *   device.c   the device model: takes descriptors, pins, copies, asks for what is missing
 *   driver.c   the other side: fills, maps, moves and unmaps buffers, and checks them
 *   main.c     makes the memory, the tables and the threads, and counts
 *
 *   driver thread                       guest memory (an arena)           device thread
 *   -------------                       -----------------------           -------------
 *   fills buffers, maps them ---------> the IOMMU's page tables <-------- pins, copies, unpins
 *   writes a descriptor --------------> ring ---------------------------> takes it
 *   moves what it is about to copy ---> other pages, same addresses       tries again
 *   maps what is missing <------------- page request -------------------- finds nothing mapped
 *   checks every word, unmaps, frees <- status -------------------------- done, or failed
 *
 * There are two such pairs. All four threads use the same tables, and none locks them: the drivers edit
 * disjoint ranges, and the devices pin pages, so that what they copy stays until they are done. Each
 * word of a buffer tells its job and its place; pages that are free are soon another buffer's. So a
 * single word that came from a wrong page, or went to one, is found.
 */
#ifndef DMA_H
#define DMA_H

#include <pthread.h>

#include <pagewalk/pagewalk.h>

enum { QUEUES = 2, SLOTS = 8, MOST_PAGES = 16, FRAMES = 2048, ROOM = 8, MOVES = 8 };
enum { MAY_READ = PW_READ | PW_USER | PW_ACCESSED, MAY_WRITE = MAY_READ | PW_WRITE | PW_DIRTY };
enum status { POSTED, DONE, FAILED };

/* What the device is to copy, in guest memory. Addresses are those of the IOMMU's tables: IOVAs. */
struct descriptor {
	pw_va source, target;
	uint64_t bytes, status;
};

struct queue {
	/* The same for all queues: guest memory, and the IOMMU's tables. */
	struct pw_arena *arena;
	struct pw_space *space;
	uint64_t page, jobs, number;
	pw_va ring_iova; /* where the device finds the ring */
	struct descriptor *ring; /* where the driver does */
	pw_va slots_iova; /* where the buffers of the first slot are, and so on */
	uint64_t slot_bytes;

	/* Doorbell and interrupt. Protects the ring, `posted` and `request`. */
	pthread_mutex_t lock;
	pthread_cond_t bell;
	uint64_t posted;
	struct {
		bool open, granted, write;
		pw_va iova;
	} request;

	/* The driver's own: a folio of a buffer that is not mapped at the moment. */
	struct {
		pw_va first, last;
		pw_pa pa;
		uint32_t attr; /* 0: there is none */
	} away;
	uint64_t random, copied, refused, requests, moved, pinned, wrong, stops[PW_STOP_REASONS];
};

/* A thread each, until all jobs are done. */
void *device_run(void *queue);
void *driver_run(void *queue);

/* First to last address. @release: also the references that the pages were allocated with. */
void driver_map(struct queue *q, pw_va first, pw_va last, pw_pa pa, uint32_t attr);
void driver_unmap(struct queue *q, pw_va first, pw_va last, bool release);

/* Ends the program if something is not as it has to be. */
void must(bool good, const char *what);

#endif
