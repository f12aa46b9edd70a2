/* SPDX-License-Identifier: MIT */
/*
 * A source, from the inside.
 *
 *   open.c    the string's prefix, or the file's magic number, decides which of these it is
 *   raw.c  elf.c  kdump.c  sample.c      kinds of sources: fill a struct pw_memory
 *   magic.c   files of other kinds, and what makes of them something that is read
 *   notes.c   what the notes of an ELF core say about CPUs
 *   vmcoreinfo.c  vmcoreinfo_root.c      what a Linux kernel says of itself, and where its tables are
 *   guard.c   mapped files, and what happens when one shrinks
 *   memory.c  what all sources have in common
 *
 * To add one: write src/memory/FOO.c with a function that takes the source string's rest and fills a
 * struct pw_memory, and add its prefix (or magic number) to open.c. Add runs of memory through
 * pw_memory_add_segment; pw_memory_open calls pw_memory_seal, which sorts and checks them. From then
 * on the memory never changes, so that any number of threads may read it. What the file says of sizes and
 * numbers is held against the size of the file: the source's first comment and pw_memory_open(3) say what
 * it may cost, tests/unit/bounds.c and tests/cli/bounds.py hold it to that.
 */
#ifndef PW_MEMORY_MEMORY_H
#define PW_MEMORY_MEMORY_H

#include "base/error.h"
#include "base/words.h"

/* A file or an anonymous buffer that is mapped; see guard.c. */
struct pw_mapping;
/* A string that the memory owns. */
struct pw_text;

struct pw_memory {
	struct pw_segment *segments;
	size_t count;
	/* Every segment has a host address congruent to its own modulo 8: entries load in place. */
	bool direct;
	/* How bytes are had otherwise: pw_memory_copy, with this memory as its context. */
	pw_fetch_fn *fetch;
	void *fetch_context;

	/* Gives the bytes of segments that have no host address. Is asked for nothing outside them. */
	pw_fetch_fn *source;
	void *source_context;
	void (*release)(void *source_context); /* NULL: nothing to do */

	struct pw_mapping *mappings;
	struct pw_text *texts;
	struct pw_cpu *cpus;
	size_t cpu_count;
	/* What is known of the machine: e_machine, or EM_NONE; and whether it is a 64-bit one. */
	uint16_t machine;
	bool wide;
	const char *vmcoreinfo; /* its text, or NULL: vmcoreinfo.h */
	size_t vmcoreinfo_bytes;
	/* swapper_pg_dir, and where the PT_LOAD that has it says it is; 0 if none does. */
	pw_va swapper_va;
	pw_pa swapper_pa;
	/*
	 * Whether all of the bytes were left out of the dump though the machine had them, which is done
	 * with pages of zeros: tables there are empty. NULL: nothing was left out for that reason.
	 */
	bool (*left_out)(const struct pw_memory *memory, pw_pa pa, uint64_t bytes);
	struct pw_segment *left; /* for elf.c's left_out: in address order, disjoint */
	size_t left_count;
	bool left_zeros; /* nothing else was left out, so that data there was zero as well */
	char title[160];
	char *remarks[16];
	size_t remark_count;
};

struct pw_memory *pw_memory_new(struct pw_error *error);

/* Adds a run of memory, bounds inclusive. Returns 0, -ENOMEM, or -EINVAL if last is below first. */
int pw_memory_add_segment(struct pw_memory *memory, pw_pa first, pw_pa last, const void *host,
			  struct pw_error *error);

/* Sorts the segments, refuses overlaps and an empty memory, decides about `direct`. */
int pw_memory_seal(struct pw_memory *memory, struct pw_error *error);

/* Were all of the bytes left out of the dump, as zeros of tables? See left_out above. */
static inline bool pw_memory_left_out(const struct pw_memory *memory, pw_pa pa, uint64_t bytes)
{
	return memory->left_out && memory->left_out(memory, pa, bytes);
}

/* Adds a remark, printf-like; silently dropped when there are too many. */
void pw_memory_add_remark(struct pw_memory *memory, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Adds a CPU; returns it for the caller to fill, or NULL for want of memory. */
struct pw_cpu *pw_memory_add_cpu(struct pw_memory *memory);

/* Keeps a copy of @text as long as the memory lives; NULL for want of memory. */
const char *pw_memory_add_text(struct pw_memory *memory, const char *text);

/*
 * The fetch function of every memory: all of first..first+bytes-1 or nothing, across segments, from
 * mapped ones by a copy and from the others through `source`. @context is the memory.
 */
int pw_memory_copy(void *context, pw_pa pa, void *buffer, size_t bytes);

/*
 * Room for one more than @count elements of @bytes bytes; sizes are powers of two, so that the array
 * needs no capacity beside it. NULL for want of memory; the old array is then still there.
 */
void *pw_memory_grow(void *array, size_t count, size_t bytes);

/* "1.1 GiB", into @text. Returns @text. */
char *pw_memory_size_text(uint64_t bytes, char text[24]);

/* ---- mapped files (guard.c) ---- */

/*
 * Maps the file @path whole and read-only into @memory, which then owns the mapping; a file that
 * @memory has mapped already is not mapped again. Refuses what is no regular file, and empty ones.
 */
int pw_memory_map_file(struct pw_memory *memory, const char *path, const unsigned char **host_ret,
		       uint64_t *bytes_ret, struct pw_error *error);

/* Gives @memory an anonymous mapping of @bytes bytes, all zero, of which those touched cost memory. */
int pw_memory_map_anonymous(struct pw_memory *memory, uint64_t bytes, unsigned char **host_ret,
			    struct pw_error *error);

/* Unmaps all; called by pw_memory_close. */
void pw_memory_unmap_all(struct pw_memory *memory);

/* Name of a mapped file that turned out shorter than it was, or NULL. */
const char *pw_memory_shrunk(const struct pw_memory *memory);

/* ---- kinds of sources, called by open.c ---- */

/* Flat files. @list is what follows "raw:". */
int pw_memory_read_raw(struct pw_memory *memory, const char *list, struct pw_error *error);
/* An ELF core in host..host+bytes-1, which stays mapped as long as @memory; @name is for messages. */
int pw_memory_read_elf(struct pw_memory *memory, const char *name, const unsigned char *host,
		       uint64_t bytes, struct pw_error *error);
/* A kdump or diskdump, mapped at host..host+bytes-1. */
int pw_memory_read_kdump(struct pw_memory *memory, const char *path, const unsigned char *host,
			 uint64_t bytes, struct pw_error *error);
/*
 * Refuses the file @path if its magic number is that of a shape which is known and not read here:
 * -EINVAL and what to do; else 0.
 */
int pw_memory_refuse_magic(const char *path, const unsigned char *host, uint64_t bytes,
			   struct pw_error *error);
/* An installed image. @name is what follows "sample:". */
int pw_memory_read_sample(struct pw_memory *memory, const char *name, struct pw_error *error);

#endif
