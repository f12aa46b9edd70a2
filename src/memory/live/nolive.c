/* SPDX-License-Identifier: MIT */
/* Takes the place of the files about QEMU in builds without libjansson. */
#include "memory/memory.h"

const char pw_memory_qemu_kind[] = "no qemu: (built without libjansson)";

int pw_memory_read_qemu(struct pw_memory *memory, const char *name, struct pw_error *error)
{
	(void)memory;
	return pw_fail(
		error, ENOTSUP,
		"this build of pagewalk cannot attach to QEMU (qemu:%s). Install libjansson "
		"(libjansson-dev) and build with -Djansson=enabled, or dump the guest: virsh "
		"dump --memory-only, or QEMU's dump-guest-memory",
		name);
}
