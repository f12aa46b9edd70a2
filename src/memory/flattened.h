/* SPDX-License-Identifier: MIT */
/* Flattened dumps: the pieces of a kdump or ELF core, in any order. */
#ifndef PW_MEMORY_FLATTENED_H
#define PW_MEMORY_FLATTENED_H

#include "memory/memory.h"

bool pw_memory_is_flattened(const unsigned char *host, uint64_t bytes);

/* Puts the pieces in order. Returns a descriptor of a file without a name, which the caller closes; or a negative errno. */
int pw_memory_unflatten(struct pw_memory *memory, const char *path, const unsigned char *host,
			uint64_t bytes, struct pw_error *error);

/* As pw_memory_read_kdump, of the file @file; -1: it is opened by its path. kdump.c and nokdump.c have it. */
int pw_memory_read_kdump_file(struct pw_memory *memory, const char *path, int file,
			      const unsigned char *host, uint64_t bytes, struct pw_error *error);

#endif
