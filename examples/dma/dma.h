/* SPDX-License-Identifier: MIT */
/*
 * A device that shares the address space of a process (SVA). Its files are:
 *
 *   device.c   the device model: takes descriptors, pins, copies
 *   driver.c   the process: fills buffers, moves their pages, checks and unmaps them
 *   main.c     makes the machine, the address space and the threads, and counts
 *
 *   driver thread                       memory of the machine             device thread
 *   -------------                       ---------------------             -------------
 *   maps buffers, fills sources ------> the process's page tables <------ pins: the fast path takes what is
 *                                                                         there, and where it stops, the slow
 *                                                                         path faults in what is missing
 *   writes a descriptor --------------> ring ---------------------------> takes it, copies, unpins
 *   moves what it is about to copy ---> other pages, same addresses       finds them there, or holds them
 *   checks every word, unmaps <-------- status -------------------------- done, or failed
 *
 * There are two such pairs, in one address space. A target is not touched before the device writes to it, so
 * the slow path makes its pages. Each word of a buffer names its job and its place, and a free page soon
 * belongs to another buffer. So the check finds every single word that came from a wrong page, or went to one.
 */
#ifndef DMA_H
#define DMA_H

#include <pthread.h>

#include <pagewalk/pagewalk.h>

enum { QUEUES = 2, SLOTS = 8, MOST_PAGES = 16, FRAMES = 2048, ROOM = 8, MOVES = 8 };
enum status { POSTED, DONE, FAILED };

/* An order for the device. Addresses are those of the process. */
struct descriptor {
	pw_va source, target;
	uint64_t bytes, status;
};

struct queue {
	/* Shared by all queues. */
	struct pw_machine *machine;
	struct pw_mm *mm;
	uint64_t page, jobs, number;
	pw_va ring_va;

	/* Doorbell and interrupt. Protects the ring's content and `posted`. */
	pthread_mutex_t lock;
	pthread_cond_t bell;
	uint64_t posted;

	/* Only for the driver. */
	uint64_t random, copied, refused, moved, pinned, wrong;
	/* Only for the device. */
	uint64_t fast_pages, slow_pages, stops[PW_STOP_REASONS];
};

/* The functions of the threads; they run until all jobs are done. */
void *device_run(void *queue);
void *driver_run(void *queue);

/* Pins the ring for long, and returns where it is in the program's memory. */
struct descriptor *pin_ring(const struct queue *q, struct pw_vcpu *cpu, pw_pa *page_ret);
void unpin_ring(struct pw_vcpu *cpu, pw_pa page);

/* Ends the program with the message @what unless @good. */
void must(bool good, const char *what);

#endif
