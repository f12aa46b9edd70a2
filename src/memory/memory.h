/* SPDX-License-Identifier: MIT */
/*
 * A source, from the inside.
 *
 * To add one: write src/memory/FOO.c with a function that takes the source string's rest and fills a
 * struct pw_memory, and add its prefix (or magic number) to open.c. Fill `segments` through
 * pw_memory_add_segment and finish with pw_memory_seal, which sorts and checks them; from then on the
 * memory never changes.
 */
#ifndef PW_MEMORY_MEMORY_H
#define PW_MEMORY_MEMORY_H

#include "base/error.h"
#include "base/words.h"

/* A mapped file; see guard.c for what happens when it shrinks. */
struct pw_mapping;

struct pw_memory {
	struct pw_segment *segments;
	size_t count, room;
	/* Every segment has a host address congruent to its own modulo 8: entries load in place. */
	bool direct;
	/* How bytes are had otherwise; pw_memory_copy for segments that are mapped. */
	pw_fetch_fn *fetch;
	void *fetch_context;
	void (*release)(struct pw_memory *memory); /* of fetch_context; NULL: nothing to do */

	struct pw_mapping *mappings; /* files, to be unmapped at the end */
	struct pw_cpu *cpus;
	size_t cpu_count;
	char title[128];
	char *remarks[8];
	size_t remark_count;
};

struct pw_memory *pw_memory_new(struct pw_error *error);

/* Adds a run of memory. Returns 0, -ENOMEM, or -EINVAL if it is empty or wraps. */
int pw_memory_add_segment(struct pw_memory *memory, pw_pa base, uint64_t length, const void *host,
			  struct pw_error *error);

/* Sorts the segments, refuses overlaps and an empty memory, decides about `direct`. */
int pw_memory_seal(struct pw_memory *memory, struct pw_error *error);

/* Adds a remark, printf-like; silently dropped when there are too many. */
void pw_memory_add_remark(struct pw_memory *memory, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Adds a CPU; returns it for the caller to fill, or NULL for want of memory. */
struct pw_cpu *pw_memory_add_cpu(struct pw_memory *memory);

/* The fetch function of mapped segments: a copy; context is the memory. */
int pw_memory_copy(void *context, pw_pa pa, void *buffer, size_t bytes);

/* ---- mapped files (guard.c) ---- */

/*
 * Maps @path whole and read-only into @memory, which then owns the mapping. Refuses what is no
 * regular file, and empty ones. *bytes_ret is the size.
 */
int pw_memory_map_file(struct pw_memory *memory, const char *path, const unsigned char **host_ret,
		       uint64_t *bytes_ret, struct pw_error *error);

/* Unmaps all; called by pw_memory_close. */
void pw_memory_unmap_files(struct pw_memory *memory);

/* Name of a mapped file that turned out shorter than it was, or NULL. */
const char *pw_memory_shrunk(const struct pw_memory *memory);

/* ---- kinds of sources, called by open.c ---- */

int pw_memory_open_raw(struct pw_memory *memory, const char *list, struct pw_error *error);
int pw_memory_open_elf(struct pw_memory *memory, const char *path, struct pw_error *error);
int pw_memory_open_kdump(struct pw_memory *memory, const char *path, struct pw_error *error);
int pw_memory_open_sample(struct pw_memory *memory, const char *name, struct pw_error *error);

#endif
