/* SPDX-License-Identifier: MIT */
/* Takes the place of kdump.c in builds without libkdumpfile. */
#include "memory/flattened.h"

const char pw_memory_kdump_kind[] = "no kdump (built without libkdumpfile)";

int pw_memory_read_kdump_file(struct pw_memory *memory, const char *path, int file,
			      const unsigned char *host, uint64_t bytes, struct pw_error *error)
{
	(void)memory;
	(void)file;
	(void)host;
	(void)bytes;
	return pw_fail(error, ENOTSUP,
		       "%s is a kdump, which this build of pagewalk cannot read. Install "
		       "libkdumpfile (libkdumpfile-dev) and build with -Dkdump=enabled, or convert "
		       "it: makedumpfile -E -d 0 %s OUT.elf",
		       path, path);
}

int pw_memory_read_kdump(struct pw_memory *memory, const char *path, const unsigned char *host,
			 uint64_t bytes, struct pw_error *error)
{
	return pw_memory_read_kdump_file(memory, path, -1, host, bytes, error);
}
