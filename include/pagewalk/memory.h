/* SPDX-License-Identifier: MIT */
/*
 * Memory: where the bytes of page tables come from. A pw_memory turns physical addresses into bytes, and is
 * read-only. Every function here that takes a const pointer may be called by any number of threads at once.
 */
#ifndef PAGEWALK_MEMORY_H
#define PAGEWALK_MEMORY_H

#include <pagewalk/format.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

struct pw_memory;

/*
 * A run of physical memory, bounds inclusive. If @host is set, it is where the byte of `first` is, and
 * entries are loaded in place; if it is NULL, they are fetched.
 */
struct pw_segment {
	pw_pa first, last;
	const void *host;
};

/*
 * A CPU that the source describes, and the root words in its registers; or the kernel's own space, whose
 * root comes from a symbol instead of a register.
 */
struct pw_cpu {
	unsigned id; /* 0 for the kernel's space */
	bool kernel;
	const char *format; /* selected by its mode; NULL: paging was off, or it is not known */
	unsigned roots; /* words in root[]; 0 if the source does not give them */
	uint64_t root[PW_MAX_ROOTS];
	char origin[48]; /* where the words came from: "QEMU note, CR3" */
	struct pw_registers registers; /* other registers, as far as the source gives them */
	/*
	 * Where it goes at an exception, if a register says so (x86's IDT, arm's VBAR, riscv's stvec), and how
	 * many bytes are there; 0 bytes: not known. s390x and powerpc have no such register.
	 */
	pw_va vectors;
	uint32_t vectors_bytes;
};

/*
 * Opens a source by name:
 *   FILE                                    an ELF core, a kdump, an image of LiME, a Windows dump
 *   raw:FILE@BASE[+LENGTH][:OFFSET][,...]   flat files; OFFSET is the place of BASE in the file
 *   sample:NAME                             an image installed with pagewalk
 * Returns 0, or a negative errno and a sentence with the file, the offset, and something to try.
 * The files must not be changed while they are open. If one shrinks, reads fail with -EIO.
 */
int pw_memory_open(const char *source, struct pw_memory **memory_ret, struct pw_error *error);

/* The kinds of sources that this build opens, for people: "ELF core", "raw:FILE@BASE". NULL behind the last. */
const char *pw_memory_kind(size_t index);

/*
 * Memory that the caller has mapped: an emulator's or a device model's RAM. The array of segments is copied,
 * the bytes are not; they must stay mapped until pw_memory_close. Tables in them may change while
 * they are walked. Returns 0, -EINVAL for segments that overlap or have no host address, or -ENOMEM.
 */
int pw_memory_wrap(const struct pw_segment *segments, size_t count, struct pw_memory **memory_ret,
		   struct pw_error *error);

/*
 * Copies @bytes bytes at @pa to @buffer. Several threads call it at once. Returns 0, -ENODATA if the source
 * has no such memory, or another negative errno.
 */
typedef int pw_fetch_fn(void *context, pw_pa pa, void *buffer, size_t bytes);

/*
 * Memory that a function of the caller's copies piece by piece: a compressed or remote source. @segments say
 * where there is memory (host is ignored). Returns as pw_memory_wrap.
 */
int pw_memory_create(pw_fetch_fn *fetch, void *context, const struct pw_segment *segments,
		     size_t count, struct pw_memory **memory_ret, struct pw_error *error);

/* Releases a memory that any of the three above made. NULL is allowed. No thread may still be reading it. */
void pw_memory_close(struct pw_memory *memory);

/*
 * Reads @bytes bytes at @pa, across segments. Returns 0, -ENODATA if part of the range is not in the source
 * (it does not invent zeros), or -EIO if a file shrank meanwhile.
 */
int pw_memory_read(const struct pw_memory *memory, pw_pa pa, void *buffer, size_t bytes);

/* The segments in address order, disjoint. Valid until pw_memory_close. Returns their number. */
size_t pw_memory_segments(const struct pw_memory *memory, const struct pw_segment **segments_ret);

/* The CPUs that the source describes. Valid until pw_memory_close. Returns their number, often 0. */
size_t pw_memory_cpus(const struct pw_memory *memory, const struct pw_cpu **cpus_ret);

/* What a source says of the Linux kernel to which the memory belonged. */
struct pw_kernel {
	char release[65]; /* "6.12.43-amd64"; empty: not known */
	uint16_t version; /* as in struct pw_regime_options; 0: not known */
	uint8_t config, config_told; /* likewise */
	uint64_t encryption; /* likewise: x86's sme_mask; 0: none, or not known */
	char origin[48]; /* "VMCOREINFO at 0x1000", "the banner at 0x1a00060" */
};

/*
 * Finds out which kernel it was: by VMCOREINFO if the source has it, by a note of pw_cut_write, else by the
 * banner "Linux version ", which it searches for in the first @search bytes of memory (0: no search). The search
 * reads everything before the banner. Returns 0, -ENODATA if neither is there, or -EINVAL for NULL.
 */
int pw_memory_kernel(const struct pw_memory *memory, uint64_t search, struct pw_kernel *kernel_ret);

/*
 * Looks for VMCOREINFO in the first @search bytes of a memory whose source does not have it: Linux keeps it in a
 * page. What is found counts only if it leads to tables that map themselves; then pw_memory_kernel tells from
 * it, and pw_memory_cpus has a line with the kernel's own root. Changes @memory: no other thread may use it
 * meanwhile. Reads the start of each page. Returns 0, also if it was known before; -ENODATA if there is none,
 * -ENOTSUP if the source is too slow, -ENOMEM, or -EINVAL for NULL.
 */
int pw_memory_find_vmcoreinfo(struct pw_memory *memory, uint64_t search, struct pw_error *error);

/* One line about the source: "ELF core, x86_64, little-endian". */
const char *pw_memory_title(const struct pw_memory *memory);

/*
 * Remarks for people that were made while opening: "truncated: ...". NULL if @index is not below their
 * number.
 */
const char *pw_memory_remark(const struct pw_memory *memory, size_t index);

/*
 * Is @path one of the files that the source is read from, whatever its name? Then a program must not write to
 * it. False for a file that does not exist.
 */
bool pw_memory_has_file(const struct pw_memory *memory, const char *path);

/*
 * Returns 0; -ESTALE once a machine that runs was reset; or -EIO once it has ended, or a mapped file has become
 * shorter than when it was opened. Results since the last call that returned 0 may then be wrong: missing bytes read
 * as zero, and the tables are no longer the machine's. A machine that was reset can be opened again.
 */
int pw_memory_check(const struct pw_memory *memory, struct pw_error *error);

/*
 * Of a machine that runs: is its kernel still the one whose VMCOREINFO pw_memory_find_vmcoreinfo found? Another one
 * may have been started in its place (kexec). With @regime, which may be NULL: does that, if it maps the place of
 * the kernel's own tables at all, map these there? Where the CPUs' registers can be read while the machine runs, it
 * asks for them; up to three times in 10 ms if these deny it. Returns 1 if a CPU's tables map that kernel, now or, where
 * the registers cannot be read, when the machine was opened; 0 if nothing is known against it; -ESTALE if it is another
 * one; or another negative errno if the machine does not answer. May be called by several threads at once.
 */
int pw_memory_check_kernel(const struct pw_memory *memory, const struct pw_regime *regime,
			   struct pw_error *error);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif
#endif
