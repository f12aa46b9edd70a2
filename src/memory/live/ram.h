/* SPDX-License-Identifier: MIT */
/* The RAM of a QEMU machine: where it is in the guest's physical memory, and in QEMU's own. */
#ifndef PW_MEMORY_LIVE_RAM_H
#define PW_MEMORY_LIVE_RAM_H

#include "memory/live/process.h"
#include "memory/live/qmp.h"

/* A run of the guest's physical memory; bounds inclusive. */
struct pw_ram_block {
	pw_pa first, last;
	uint64_t offset; /* of `first` in the region that QEMU calls `name` */
	uint64_t address; /* of `first` in QEMU's memory */
	bool ram; /* false: ROM and flash */
	bool confirmed; /* `address` is known, and the process has memory there */
	bool shared; /* mapped here as well, at `host` */
	bool backend; /* asked of what is not shared: a part of the machine's RAM, and no device's memory */
	const unsigned char *host;
	char name[32];
};

struct pw_ram {
	struct pw_ram_block *blocks;
	size_t count;
	uint64_t mapped, copied; /* bytes of RAM */
};

/*
 * Finds the memory in the flat view of `info mtree -f`, asks gpa2hva where both ends of each region are, and
 * checks this with the process's mappings. Adds segments to @memory. Returns 0 or a negative errno and a
 * sentence.
 */
int pw_ram_find(struct pw_ram *ram, struct pw_qmp *qmp, const struct pw_process *process,
		struct pw_memory *memory, struct pw_error *error);
void pw_ram_free(struct pw_ram *ram);

/*
 * A line of the flat view: "  0000000000100000-000000003fffffff (prio 0, ram): pc.ram @0000000000100000". False: another
 * line.
 */
bool pw_ram_parse(const char *line, struct pw_ram_block *block);

/* The block that holds @pa, or NULL. */
const struct pw_ram_block *pw_ram_block(const struct pw_ram *ram, pw_pa pa);

#endif
