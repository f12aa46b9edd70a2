/* SPDX-License-Identifier: MIT */
/* From a running CPU's registers to a root and a format. */
#ifndef PW_MEMORY_LIVE_CPUS_H
#define PW_MEMORY_LIVE_CPUS_H

#include "memory/memory.h"

/* What no gdb tells, beside the registers: the limit of "idt". */
#define PW_LIVE_IDT_LIMIT "idt limit"

/* The registers of one CPU, by the names of gdb: "cr3", "TTBR0_EL1". */
struct pw_live_cpu {
	bool (*get)(void *context, const char *name, uint64_t *value_ret);
	void *context;
	unsigned id;
	const char *from; /* "gdb stub", "monitor" */
};

/*
 * Adds the CPU's roots to @memory. @machine is QEMU's name of the target ("x86_64", "aarch64", "s390x", ...).
 * Returns 0, or a negative errno and a sentence.
 */
int pw_live_add_cpu(struct pw_memory *memory, const char *machine, const struct pw_live_cpu *cpu,
		    struct pw_error *error);

/* QEMU's name of the machine that gdb calls @architecture ("i386:x86-64"); NULL: not known. */
const char *pw_live_machine(const char *architecture);

#endif
