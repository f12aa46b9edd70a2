/* SPDX-License-Identifier: MIT */
/*
 * Which process uses a root: the kernel's own list of processes, read through the kernel's root.
 *
 *   the name "swapper" in memory --> struct task_struct of the first process, number 0
 *       BTF, or what must be true of the structures --> where their members are
 *           the list of processes, round to the first --> number, name, top table of each
 *
 *   seen.c    reads the kernel's memory by its virtual addresses, and finds bytes in physical memory
 *   types.c   the members by BTF
 *   learn.c   the members by what is at them, in kernels without BTF
 *   tasks.c   the list, and the roots that it names
 *
 * Bounds: at most PW_TASKS_MAX processes are on a list, and PW_TASKS_READS nodes are read in all. A list on
 * which a node is not its neighbour's neighbour is given up, so it cannot go round without the first.
 */
#ifndef PW_ROOTS_TASKS_H
#define PW_ROOTS_TASKS_H

#include "base/needle.h"
#include "roots/roots.h"

enum {
	PW_TASKS_MAX = 1 << 16,
	PW_TASKS_READS = 1 << 20,
	PW_TASK_NAME = 16, /* TASK_COMM_LEN */
	PW_TASK_PID_MAX = 1 << 22, /* PID_MAX_LIMIT */
};

/* The kernel's memory, as the kernel itself sees it. */
struct pw_seen {
	const struct pw_roots_search *search;
	struct pw_regime regime;
	unsigned width; /* bytes of a pointer */
	bool big_endian; /* the CPU's order, which need not be that of entries: powerpc */
	uint32_t left; /* nodes that may still be read */
};

/* Where members are, from the process's name (comm) on; pgd from the beginning of its mm_struct. */
struct pw_task_layout {
	int32_t tasks, tgid, mm;
	uint32_t pgd;
};

/* A process. */
struct pw_task {
	pw_va name; /* the address of its name */
	char comm[PW_TASK_NAME];
	uint32_t pid;
	pw_va mm; /* 0: it has no address space, as the kernel's threads */
	pw_pa table;
};

struct pw_tasks {
	struct pw_task *task; /* the first is number 0 */
	size_t count, room;
	bool whole; /* the list went round */
};

/* ---- seen.c ---- */

/* Reads bytes at a virtual address. False: not all of them are mapped, or in the image. */
bool pw_seen_read(const struct pw_seen *seen, pw_va va, void *buffer, size_t bytes);
bool pw_seen_pointer(const struct pw_seen *seen, pw_va va, pw_va *pointer);
bool pw_seen_number(const struct pw_seen *seen, pw_va va, uint32_t *number);
/* The physical address. False: it is not mapped. */
bool pw_seen_physical(const struct pw_seen *seen, pw_va va, pw_pa *pa);

/*
 * Finds @needle in physical memory first..last: calls @found for each place until that returns true. Returns
 * whether it did.
 */
typedef bool pw_place_fn(void *context, pw_pa pa);
bool pw_seen_find(const struct pw_seen *seen, pw_pa first, pw_pa last,
		  const struct pw_needle *needle, pw_place_fn *found, void *context);

/* ---- types.c ---- */

/*
 * Finds the kernel's BTF in first..last, and the layout by it; sets the width and byte order of @seen. False:
 * there is none.
 */
bool pw_types_find(struct pw_seen *seen, pw_pa first, pw_pa last, struct pw_task_layout *layout);

/* ---- learn.c ---- */

/*
 * Finds the layout by what must be true of process 0, whose name is at @name. @tables (sorted) are the top
 * tables that were found: a process's must be among them. Sets the byte order of @seen. False: it is not
 * a process, or the list changed meanwhile.
 */
bool pw_learn_layout(struct pw_seen *seen, pw_va name, const pw_pa *tables, size_t count,
		     struct pw_task_layout *layout);

/* ---- tasks.c ---- */

/*
 * Reads the list through the offset @tasks from process 0, whose name is at @name: addresses and names, no
 * more. The caller frees tasks->task. False: it is not a list of two or more processes.
 */
bool pw_tasks_list(struct pw_seen *seen, pw_va name, int32_t tasks, struct pw_tasks *list);

/* Sets pid and command of @roots, which were found in the memory, as far as they are known. */
void pw_roots_name(const struct pw_roots_search *search, struct pw_root *roots, size_t count);

#endif
