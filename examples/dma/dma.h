/* SPDX-License-Identifier: MIT */
/*
 * A device behind a virtual IOMMU. Its files are:
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
 * There are two such pairs. All four threads use the same space, and none locks it: the drivers edit
 * disjoint ranges, and the devices pin pages, which therefore stay until the copy is done. Each
 * word of a buffer names its job and its place, and a free page soon belongs to another buffer. So the
 * check finds every single word that came from a wrong page, or went to one.
 */
#ifndef DMA_H
#define DMA_H

#include <pthread.h>

#include <pagewalk/pagewalk.h>

enum { QUEUES = 2, SLOTS = 8, MOST_PAGES = 16, FRAMES = 2048, ROOM = 8, MOVES = 8 };
enum { MAY_READ = PW_READ | PW_USER | PW_ACCESSED, MAY_WRITE = MAY_READ | PW_WRITE | PW_DIRTY };
enum status { POSTED, DONE, FAILED };

/* An order for the device, in guest memory. Addresses are those of the IOMMU's tables: IOVAs. */
struct descriptor {
	pw_va source, target;
	uint64_t bytes, status;
};

struct queue {
	/* Shared by all queues: guest memory, and the IOMMU's tables. */
	struct pw_arena *arena;
	struct pw_space *space;
	uint64_t page, jobs, number;
	pw_va ring_iova; /* the ring's address for the device */
	struct descriptor *ring; /* the ring's address for the driver */
	pw_va slots_iova; /* the address of the first slot's buffers; the other slots follow */
	uint64_t slot_bytes;

	/* Doorbell and interrupt. Protects the ring, `posted` and `request`. */
	pthread_mutex_t lock;
	pthread_cond_t bell;
	uint64_t posted;
	struct {
		bool open, granted, write;
		pw_va iova;
	} request;

	/* Only for the driver: a folio of a buffer that is not mapped at the moment. */
	struct {
		pw_va first, last;
		pw_pa pa;
		uint32_t attr; /* 0 if there is none */
	} away;
	uint64_t random, copied, refused, requests, moved, pinned, wrong, stops[PW_STOP_REASONS];
};

/* The functions of the threads; they run until all jobs are done. */
void *device_run(void *queue);
void *driver_run(void *queue);

/* Map and unmap first..last. @release: also gives back the references from the pages' allocation. */
void driver_map(struct queue *q, pw_va first, pw_va last, pw_pa pa, uint32_t attr);
void driver_unmap(struct queue *q, pw_va first, pw_va last, bool release);

/* Ends the program with the message @what unless @good. */
void must(bool good, const char *what);

#endif
