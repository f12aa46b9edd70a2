/* SPDX-License-Identifier: MIT */
/* A running QEMU as a source of memory: what the files about it share. */
#ifndef PW_MEMORY_LIVE_QEMU_H
#define PW_MEMORY_LIVE_QEMU_H

#include <pthread.h>

#include "memory/live/guardian.h"
#include "memory/live/ram.h"

struct pw_qemu {
	struct pw_memory *memory;
	struct pw_qmp qmp;
	pthread_mutex_t listening; /* of who talks with QEMU: several threads may check */
	struct pw_process process;
	struct pw_ram ram;
	int handle; /* of the process, becomes readable when it ends; -1: none */
	char machine[16]; /* "x86_64" */
	size_t cpus; /* lines of memory->cpus that are from registers */
	bool runs; /* it did when it was opened */
	bool stopped; /* by pw_memory_stop */
	struct pw_guardian guardian;
};

/* registers.c: adds the CPUs to qemu->memory. Returns 0 or a negative errno and a sentence. */
int pw_qemu_add_cpus(struct pw_qemu *qemu, struct pw_error *error);
/* For struct pw_live: asks the monitor. @context is a struct pw_qemu. */
int pw_qemu_cpus_now(void *context, struct pw_memory *into, struct pw_error *error);

/* command.c: what the command line of a process says of its QMP socket, as "unix:PATH" or "tcp:HOST:PORT". */
int pw_qemu_find_socket(pid_t process, char *address, size_t room, struct pw_error *error);
/* Was the process started with an option for a gdb stub? */
bool pw_qemu_has_stub(pid_t process);

#endif
