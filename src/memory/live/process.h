/* SPDX-License-Identifier: MIT */
/* The memory of another process of this machine: its mappings, and the files behind them. */
#ifndef PW_MEMORY_LIVE_PROCESS_H
#define PW_MEMORY_LIVE_PROCESS_H

#include <sys/types.h>

#include "memory/memory.h"

/* One line of /proc/PID/maps. */
enum pw_process_kind { PW_PROCESS_QEMU, PW_PROCESS_UML };

struct pw_process_map {
	uint64_t first, end; /* end is exclusive */
	uint64_t offset, inode;
	unsigned major, minor; /* of the file's device */
	bool shared;
	char path[128];
};

struct pw_process {
	pid_t id;
	struct pw_process_map *maps; /* in address order */
	size_t count;
};

/* Reads the mappings. Returns 0 or a negative errno and a sentence that says who may. */
int pw_process_open(struct pw_process *process, pid_t id, enum pw_process_kind kind,
		    struct pw_error *error);
void pw_process_close(struct pw_process *process);

/* The mapping that holds @address, or NULL. */
const struct pw_process_map *pw_process_find(const struct pw_process *process, uint64_t address);

/*
 * Maps the file behind first..first+bytes-1 of the process into @memory, if all of this is one shared
 * mapping of a file. Returns 0 and where the byte of @first is; -ENOENT if it is not such a mapping; else
 * another negative errno.
 */
int pw_process_share(const struct pw_process *process, struct pw_memory *memory, uint64_t first,
		     uint64_t bytes, const unsigned char **host_ret);

/* Copies from the process's memory. Returns 0 or a negative errno. */
int pw_process_read(pid_t id, uint64_t address, void *buffer, size_t bytes);

/* A sentence about a failed pw_process_read. Returns @status. */
int pw_process_fail(pid_t id, int status, enum pw_process_kind kind, struct pw_error *error);

#endif
