/* SPDX-License-Identifier: MIT */
/*
 * Sources of memory: the internal side.
 *
 *   open.c    decides by the string's prefix, or by the file's magic number, which kind of source it is
 *   raw.c  elf.c  xen.c  kdump.c  lime.c  windows.c  vmware.c  sample.c      kinds of sources: each fills a struct pw_memory
 *   magic.c   files of other kinds, and how to convert them
 *   notes.c   the notes of an ELF core: CPUs and their registers
 *   vmcoreinfo.c  vmcoreinfo_root.c      what a Linux kernel says of itself, and where its tables are
 *   vmcoreinfo_search.c   the same, found in memory
 *   vmcoreinfo_runs.c     is it still that kernel which runs?
 *   live/     machines that run: QEMU, gdb stubs, user-mode Linux
 *   guard.c   mapped files, and what happens when one shrinks
 *   memory.c  the parts that all sources share
 *
 * To add a kind: write src/memory/FOO.c with a function that takes the rest of the source string and fills
 * a struct pw_memory, and add its prefix (or magic number) to open.c. Add runs of memory by
 * pw_memory_add_segment; pw_memory_open calls pw_memory_seal, which sorts and checks them. From then
 * on the memory never changes, so that any number of threads may read it. Compare every size and number in
 * the file with the size of the file. The source's first comment and pw_memory_open(3) say how much memory
 * it may cost; tests/unit/bounds.c and tests/cli/bounds.py check that.
 */
#ifndef PW_MEMORY_MEMORY_H
#define PW_MEMORY_MEMORY_H

#include "access/direct.h"
#include "base/error.h"
#include "base/words.h"

/* A file or an anonymous buffer that is mapped; see guard.c. */
struct pw_mapping;
/* A string that the memory owns. */
struct pw_text;

/*
 * A machine that may run while it is read (live/). Functions get the memory's source_context, and return 0 or
 * a negative errno and a sentence.
 */
struct pw_live {
	int (*stop)(void *context, struct pw_error *error); /* NULL: it cannot be stopped */
	int (*resume)(void *context, struct pw_error *error);
	int (*check)(void *context,
		     struct pw_error *error); /* does it still exist? NULL: not known */
	/* Adds the CPUs, as they are now, to @into. NULL: not known, or not without stopping the machine. */
	int (*cpus)(void *context, struct pw_memory *into, struct pw_error *error);
};

/* How formats call the machine of a user-mode Linux (struct pw_words). */
#define PW_MACHINE_UML "uml"

struct pw_memory {
	struct pw_segment *segments;
	size_t count;
	/* Entries load in place: every segment has a host address congruent to its own modulo 8. */
	bool direct;
	struct pw_direct in_place; /* then; if entries cannot load in place, it has no segments */
	/* Gives the bytes otherwise: pw_memory_copy, with this memory as its context. */
	pw_fetch_fn *fetch;
	void *fetch_context;

	/* Gives the bytes of segments that have no host address. Is only called for bytes in them. */
	pw_fetch_fn *source;
	void *source_context;
	void (*release)(void *source_context); /* NULL: nothing to do */
	struct pw_live live;
	bool is_live; /* bytes may change while they are read */
	bool slow; /* so slow that memory must not be searched unless asked */

	struct pw_mapping *mappings;
	struct pw_text *texts;
	struct pw_cpu *cpus;
	size_t cpu_count;
	/* The machine: e_machine or, if it is not known, EM_NONE; and whether it is a 64-bit one. */
	uint16_t machine;
	bool wide;
	bool is_uml; /* a user-mode Linux, whose tables no machine walks */
	const char *vmcoreinfo; /* its text, or NULL: vmcoreinfo.h */
	size_t vmcoreinfo_bytes;
	char vmcoreinfo_origin[36]; /* "VMCOREINFO at 0x1000"; empty: the dump's own */
	pw_pa vmcoreinfo_pa; /* of the text, if it was found in memory */
	bool vmcoreinfo_shown; /* then: a CPU's tables mapped that kernel */
	/* Which Linux it was, by a note of `pagewalk cut`; version 0: none says so. */
	struct pw_kernel noted;
	/* Addresses of swapper_pg_dir, from the PT_LOAD that holds it; 0 if none does. */
	pw_va swapper_va;
	pw_pa swapper_pa;
	/*
	 * Were all of these bytes left out of the dump, though the machine had them? Dumps leave out pages
	 * of zeros, so tables there are empty. NULL: nothing was left out for that reason.
	 */
	bool (*left_out)(const struct pw_memory *memory, pw_pa pa, uint64_t bytes);
	/*
	 * A paravirtualised guest of Xen counts its memory by frames of its own; its tables, and so the segments, have
	 * the machine's. Pairs of little-endian numbers in a mapped file, the guest's frame and the machine's.
	 * NULL: there is one kind of frames.
	 */
	const unsigned char *xen_frames;
	uint64_t xen_frame_count;
	struct pw_segment *left; /* for elf.c's left_out: in address order, disjoint */
	size_t left_count;
	bool left_zeros; /* only zeros were left out, so data there was zero as well */
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

/* Were all of these bytes left out of the dump? See left_out above. */
static inline bool pw_memory_left_out(const struct pw_memory *memory, pw_pa pa, uint64_t bytes)
{
	return memory->left_out && memory->left_out(memory, pa, bytes);
}

/* Adds a remark, as printf. It is dropped silently if there are too many. */
void pw_memory_add_remark(struct pw_memory *memory, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Adds a CPU and returns it for the caller to fill; NULL if memory is short. */
struct pw_cpu *pw_memory_add_cpu(struct pw_memory *memory);

/* Returns a copy of @text that lives as long as @memory; NULL if memory is short. */
const char *pw_memory_add_text(struct pw_memory *memory, const char *text);

/*
 * The fetch function of every memory. Reads all of pa..pa+bytes-1 or fails, across segments: it copies from
 * mapped ones, and calls `source` for the others. @context is the memory.
 */
int pw_memory_copy(void *context, pw_pa pa, void *buffer, size_t bytes);

/*
 * Makes room for one more than @count elements of @bytes bytes. Sizes are powers of two, so that no capacity
 * need be stored. Returns NULL if memory is short; the old array then stays valid.
 */
void *pw_memory_grow(void *array, size_t count, size_t bytes);

/* ---- mapped files (guard.c) ---- */

/*
 * Maps the whole file @path read-only into @memory, which then owns the mapping. A file that @memory has
 * mapped already is not mapped again. Refuses files that are empty or are not regular files.
 */
int pw_memory_map_file(struct pw_memory *memory, const char *path, const unsigned char **host_ret,
		       uint64_t *bytes_ret, struct pw_error *error);

/* Gives @memory an anonymous mapping of @bytes bytes, all zero. Only pages that are touched cost memory. */
int pw_memory_map_anonymous(struct pw_memory *memory, uint64_t bytes, unsigned char **host_ret,
			    struct pw_error *error);

/*
 * Is the byte at @host in a hole of a sparse file, which reads as zeros? *bytes_ret, which is not 0, is how many
 * bytes from there on are alike. False if it is not known: the rest of the file is taken for data then, and
 * memory that is not of a file altogether.
 */
bool pw_memory_hole(const struct pw_memory *memory, const unsigned char *host, uint64_t *bytes_ret);

/* What pw_memory_hole() said last: who reads on in a file asks once for each hole, and once for the data behind it. */
struct pw_run {
	const unsigned char *host; /* NULL: nothing was asked yet */
	uint64_t bytes;
	bool hole;
};

/* Makes *run the one that has @host, and returns how many bytes of it there are from there on. */
static inline uint64_t pw_run_rest(const struct pw_memory *memory, struct pw_run *run,
				   const unsigned char *host)
{
	/* If @host is before the run, the difference wraps and is not in it either. */
	if (!run->host || (uintptr_t)host - (uintptr_t)run->host >= run->bytes) {
		run->host = host;
		run->hole = pw_memory_hole(memory, host, &run->bytes);
	}
	return run->bytes - ((uintptr_t)host - (uintptr_t)run->host);
}

/* Are all of the @bytes bytes at @host a hole of a sparse file? */
static inline bool pw_run_is_hole(const struct pw_memory *memory, struct pw_run *run,
				  const unsigned char *host, size_t bytes)
{
	return bytes <= pw_run_rest(memory, run, host) && run->hole;
}

/* Unmaps all files and buffers. pw_memory_close calls it. */
void pw_memory_unmap_all(struct pw_memory *memory);

/* The name of a mapped file that has become shorter, or NULL. */
const char *pw_memory_shrunk(const struct pw_memory *memory);

/* ---- kinds of sources, called by open.c ---- */

/* Flat files. @list is the part after "raw:". */
int pw_memory_read_raw(struct pw_memory *memory, const char *list, struct pw_error *error);
/* An ELF core in host..host+bytes-1, which stays mapped as long as @memory; @name is for messages. */
int pw_memory_read_elf(struct pw_memory *memory, const char *name, const unsigned char *host,
		       uint64_t bytes, struct pw_error *error);
/* A kdump or diskdump, mapped at host..host+bytes-1. */
int pw_memory_read_kdump(struct pw_memory *memory, const char *path, const unsigned char *host,
			 uint64_t bytes, struct pw_error *error);
/* A memory image of LiME, or of AVML without compression; a crash dump of Windows, with at least 8 bytes. */
int pw_memory_read_lime(struct pw_memory *memory, const char *path, const unsigned char *host,
			uint64_t bytes, struct pw_error *error);
int pw_memory_read_windows(struct pw_memory *memory, const char *path, const unsigned char *host,
			   uint64_t bytes, struct pw_error *error);
/*
 * A saved machine of VMware: its state, mapped at host..host+bytes-1, with the .vmem beside it if there is one; or its
 * .vmem, with the state beside it (-ENOENT and no sentence: there is none).
 */
int pw_memory_read_vmware(struct pw_memory *memory, const char *path, const unsigned char *host,
			  uint64_t bytes, struct pw_error *error);
int pw_memory_read_vmem(struct pw_memory *memory, const char *path, const unsigned char *host,
			uint64_t bytes, struct pw_error *error);
/* Has a file with these bytes the magic number of such a state? */
bool pw_vmware_is_state(const unsigned char *host, uint64_t bytes);
/* What pw_memory_kind() says of kdumps and of QEMU: builds differ. */
extern const char pw_memory_kdump_kind[], pw_memory_qemu_kind[];
/*
 * Refuses the file @path if its magic number is that of a known kind that is not read here. Returns -EINVAL,
 * and in @error how to convert it; else 0.
 */
int pw_memory_refuse_magic(const char *path, const unsigned char *host, uint64_t bytes,
			   struct pw_error *error);
/* A running QEMU. @name is the part after "qemu:", a socket or the number of a process. */
int pw_memory_read_qemu(struct pw_memory *memory, const char *name, struct pw_error *error);
/* A machine behind a gdb stub. @name is the part after "gdb:", HOST:PORT or a socket. */
int pw_memory_read_gdb(struct pw_memory *memory, const char *name, struct pw_error *error);
/* A running user-mode Linux. @name is the part after "uml:", the number of a process. */
int pw_memory_read_uml(struct pw_memory *memory, const char *name, struct pw_error *error);
/* Says why a process is not a source. @name is the part after "pid:". Returns -EINVAL. */
int pw_memory_refuse_process(struct pw_memory *memory, const char *name, struct pw_error *error);
/* An installed image. @name is the part after "sample:". */
int pw_memory_read_sample(struct pw_memory *memory, const char *name, struct pw_error *error);

#endif
