/* SPDX-License-Identifier: MIT */
/*
 * Address spaces with Linux's semantics: what mmap, faults, fork, swap and get_user_pages do in the kernel,
 * on page tables of any format, in one process of the host.
 *
 *   machine   memory, page cache, swap, and all that lives in it. Like one computer.
 *   mm        an address space: VMAs, and page tables (a pw_space). Like mm_struct.
 *   cpu       a thread of the program that runs in an mm: it loads and stores, and it faults.
 *   file      pages that several VMAs can map: a file of the host, shared memory, hugetlb, secret memory
 *   device    memory without reference counts, mapped by frame numbers (VM_PFNMAP)
 *
 * Calls that exist in Linux have Linux's arguments (PROT_*, MAP_*, MREMAP_*, MADV_*, MS_*, MCL_* of
 * <sys/mman.h> and <linux/mman.h>), Linux's results, and Linux's errors as negative errnos. They are what a
 * process on Linux 6.18 with this format's page size would see. CAVEATS.md lists the differences.
 *
 * Threads: every call may be made by any thread at any time, but a cpu belongs to one thread, and a thread
 * that is inside a section of a pw_reader must not call anything here. doc/spaces.md has the locks.
 */
#ifndef PAGEWALK_MM_H
#define PAGEWALK_MM_H

#include <stddef.h>
#include <stdio.h>
#include <sys/uio.h>

#include <pagewalk/pin.h>
#include <pagewalk/space.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/* ---- machines ---- */

struct pw_machine;

/* When anonymous memory gets huge pages (/sys/kernel/mm/transparent_hugepage/enabled). */
enum pw_huge_policy { PW_HUGE_MADVISE, PW_HUGE_ALWAYS, PW_HUGE_NEVER };

/* When shared memory gets huge pages (/sys/kernel/mm/transparent_hugepage/shmem_enabled). */
enum pw_shmem_huge {
	PW_SHMEM_NEVER,
	PW_SHMEM_ALWAYS, /* also if the huge page reaches beyond the end of the file */
	PW_SHMEM_WITHIN_SIZE, /* if all of it lies in the file, or if it is advised */
	PW_SHMEM_ADVISE, /* where MADV_HUGEPAGE was given */
};

struct pw_machine_options {
	const struct pw_format *format; /* of all page tables */
	uint64_t bytes; /* of memory; whole pages */
	pw_pa base; /* physical address of the first byte */
	unsigned levels; /* of each new mm's tables: as in pw_space_options */
	enum pw_sync_kind sync; /* how readers of the tables are known */
	/*
	 * Major << 8 | minor: whose software bits are written; 0 stands for 6.1. From 0x700 on, also whose rules are followed
	 * where they are not those of 6.18: MREMAP_DONTUNMAP, and MADV_COLLAPSE of less than a huge page.
	 */
	uint16_t kernel;
	const char *swap; /* a file for swapped pages, created if it is not there; NULL: no swap */
	uint64_t swap_bytes;
	enum pw_huge_policy
		huge; /* for the largest folio that one leaf maps and that an arena can give */
	uint64_t
		group_sizes; /* bit n: faults may use folios of 2^n bytes (mTHP), if huge or shmem_huge allows it */
	uint64_t hugetlb_bytes; /* the pool of hugetlb pages, of the smallest huge leaf */
	uint64_t
		movable_bytes; /* of @bytes, at the end: memory that no long pin may hold (ZONE_MOVABLE) */
	bool no_zero_page; /* reads of new anonymous memory get pages of their own, as on some hosts */
	bool poison; /* fill freed memory with a pattern and check it: for debugging */
	bool overcommit_never; /* refuse what does not fit memory and swap (vm.overcommit_memory=2) */
	enum pw_shmem_huge shmem_huge; /* for shared memory, as huge is for anonymous memory */
	bool lock_limited; /* each mm may lock lock_bytes (RLIMIT_MEMLOCK without CAP_IPC_LOCK) */
	uint64_t lock_bytes; /* 0: nothing may be locked */
};

int pw_machine_create(const struct pw_machine_options *options, struct pw_machine **machine_ret,
		      struct pw_error *error);
/* All its mms, files and devices must be gone. */
void pw_machine_destroy(struct pw_machine *machine);
struct pw_arena *pw_machine_arena(const struct pw_machine *machine);

/* What a machine holds, and what happened in it. */
struct pw_machine_info {
	uint64_t bytes, free_bytes; /* of memory */
	uint64_t swap_bytes, swap_free_bytes;
	uint64_t anonymous, file, shared, tables; /* bytes in pages of each kind */
	uint64_t faults, major_faults, cow_copies, cow_reuses, swapped_out, swapped_in, migrated,
		migrate_failed;
	uint64_t huge_faults, huge_splits, huge_collapses, poisoned, oom;
};
void pw_machine_info(struct pw_machine *machine, struct pw_machine_info *info_ret);

/* ---- files ---- */

struct pw_file;

/* A file of the host. @fd is duplicated. Offsets of mappings are multiples of the format's page size. */
int pw_file_open(struct pw_machine *machine, int fd, struct pw_file **file_ret,
		 struct pw_error *error);
/* Shared memory (memfd_create, shmem). */
int pw_shmem_create(struct pw_machine *machine, uint64_t bytes, struct pw_file **file_ret,
		    struct pw_error *error);
/* hugetlb pages of 2^@size_lg2 bytes (memfd_create with MFD_HUGETLB). 0: the smallest huge page. */
int pw_hugetlb_create(struct pw_machine *machine, uint64_t bytes, unsigned size_lg2,
		      struct pw_file **file_ret, struct pw_error *error);
/* Secret memory (memfd_secret): for its owner alone. */
int pw_secret_create(struct pw_machine *machine, uint64_t bytes, struct pw_file **file_ret,
		     struct pw_error *error);
/* Drops the caller's reference. VMAs hold their own. Writes dirty pages of a host's file back at the last. */
void pw_file_put(struct pw_file *file);

uint64_t pw_file_bytes(const struct pw_file *file);
/* ftruncate(2). Pages beyond are unmapped everywhere; pinned ones stay with their holders. */
int pw_file_truncate(struct pw_file *file, uint64_t bytes);
/* fallocate(2) with FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE. */
int pw_file_punch(struct pw_file *file, uint64_t offset, uint64_t bytes);
/* pread(2) and pwrite(2), through the page cache. Return the number of bytes, or a negative errno. */
long pw_file_read(struct pw_file *file, uint64_t offset, void *to, size_t bytes);
long pw_file_write(struct pw_file *file, uint64_t offset, const void *from, size_t bytes);
/* Write-protects and writes dirty pages back (fsync). */
int pw_file_sync(struct pw_file *file);
/*
 * Drops pages that nobody maps, and that are clean (posix_fadvise with POSIX_FADV_DONTNEED). 0 bytes: up to the
 * end of the file.
 */
void pw_file_drop(struct pw_file *file, uint64_t offset, uint64_t bytes);

/* ---- devices ---- */

struct pw_device;

/*
 * Memory of a device at @pa, of @bytes, in the arena or not. Its leaves are special: no page of them has a
 * reference count. A fault maps the largest leaf that fits and that is at most 2^@size_lg2 bytes
 * (vmf_insert_pfn_pmd, _pud); 0: base pages.
 */
int pw_device_create(struct pw_machine *machine, pw_pa pa, uint64_t bytes, unsigned size_lg2,
		     struct pw_device **device_ret, struct pw_error *error);
void pw_device_put(struct pw_device *device);
/* Takes the leaves of a part away from everybody; a fault brings them back (unmap_mapping_range). */
void pw_device_revoke(struct pw_device *device, uint64_t offset, uint64_t bytes);

/* ---- address spaces ---- */

struct pw_mm;

int pw_mm_create(struct pw_machine *machine, struct pw_mm **mm_ret, struct pw_error *error);
/* exit: no cpu, pin walker, or notifier of it may be left. Pins of its pages stay with their holders. */
void pw_mm_destroy(struct pw_mm *mm);
/* fork(2): a copy of @parent. Pinned pages are copied at once. Returns 0, -ENOMEM. */
int pw_mm_fork(struct pw_mm *parent, struct pw_mm **child_ret, struct pw_error *error);
struct pw_space *pw_mm_space(const struct pw_mm *mm);
struct pw_machine *pw_mm_machine(const struct pw_mm *mm);

/*
 * Addresses that mmap may choose: first..last. Default: from 64 KiB up to 3/4 of what the format's user half
 * translates with the largest number of levels; Linux's top-down order.
 */
int pw_mm_set_range(struct pw_mm *mm, pw_va first, pw_va last);

/* mmap(2) and others. An address or 0 on success, else a negative errno; -1 to -4095 as pw_sva. */
typedef int64_t pw_sva;
static inline bool pw_is_error(pw_sva va)
{
	return va < 0 && va >= -4095;
}

pw_sva pw_mmap(struct pw_mm *mm, pw_va va, uint64_t bytes, int prot, int flags,
	       struct pw_file *file, uint64_t offset);
pw_sva pw_mmap_device(struct pw_mm *mm, pw_va va, uint64_t bytes, int prot, int flags,
		      struct pw_device *device, uint64_t offset);
int pw_munmap(struct pw_mm *mm, pw_va va, uint64_t bytes);
int pw_mprotect(struct pw_mm *mm, pw_va va, uint64_t bytes, int prot);
pw_sva pw_mremap(struct pw_mm *mm, pw_va va, uint64_t bytes, uint64_t new_bytes, int flags,
		 pw_va new_va);
int pw_madvise(struct pw_mm *mm, pw_va va, uint64_t bytes, int advice);
int pw_mlock(struct pw_mm *mm, pw_va va, uint64_t bytes, unsigned flags); /* mlock2 */
int pw_munlock(struct pw_mm *mm, pw_va va, uint64_t bytes);
int pw_mlockall(struct pw_mm *mm, int flags);
int pw_munlockall(struct pw_mm *mm);
int pw_mincore(struct pw_mm *mm, pw_va va, uint64_t bytes, unsigned char *present_ret);
int pw_msync(struct pw_mm *mm, pw_va va, uint64_t bytes, int flags);

/* A VMA, for tools and tests. */
struct pw_vma_info {
	pw_va first, last;
	int prot; /* PROT_* */
	bool shared, locked, io, grows_down, huge, no_huge, dont_fork, wipe_on_fork, no_reserve,
		hugetlb, secret;
	uint64_t offset; /* as /proc/PID/maps shows it */
	struct pw_file *file; /* no reference is taken; NULL: anonymous */
};
/* Calls @each for all VMAs in the order of addresses, until it returns nonzero; returns that. */
int pw_mm_vmas(struct pw_mm *mm, int (*each)(void *context, const struct pw_vma_info *vma),
	       void *context);
/* Prints the VMAs as /proc/PID/maps does. */
void pw_mm_maps(struct pw_mm *mm, FILE *out);
/* The words of /proc/PID/pagemap for @count pages from @va on. */
int pw_mm_pagemap(struct pw_mm *mm, pw_va va, size_t count, uint64_t *word_ret);

/*
 * From now on, pages are soft-dirty (bit 55 of their word) only if they are written to, moved, or mapped anew
 * (/proc/PID/clear_refs, 4). -EOPNOTSUPP: Linux has no soft-dirty bit in this format, and bit 55 is never set.
 */
int pw_mm_clear_soft_dirty(struct pw_mm *mm, struct pw_error *error);

struct pw_mm_info {
	uint64_t mapped; /* bytes in VMAs */
	uint64_t anonymous, file, shared,
		swapped; /* bytes of pages of each kind that its tables hold */
	uint64_t locked, tables;
	unsigned vmas;
};
void pw_mm_info(struct pw_mm *mm, struct pw_mm_info *info_ret);

/* ---- faults ---- */

enum pw_access_kind { PW_ACCESS_READ = 0, PW_ACCESS_WRITE = 1, PW_ACCESS_EXEC = 2 };

/* What a fault ended with: what Linux tells a process by a signal. */
enum pw_fault_kind {
	PW_FAULT_DONE, /* the page is there */
	PW_FAULT_MAPERR, /* SIGSEGV, SEGV_MAPERR: no VMA, or a guard */
	PW_FAULT_ACCERR, /* SIGSEGV, SEGV_ACCERR: the VMA refuses */
	PW_FAULT_ADRERR, /* SIGBUS, BUS_ADRERR: beyond the end of a file, or no memory of a device */
	PW_FAULT_POISON, /* SIGBUS, BUS_MCEERR_AR: the memory is broken */
	PW_FAULT_OOM, /* no memory, and nothing to reclaim */
	PW_FAULT_RETRY, /* a handler of user faults asks to try again later */
};
const char *pw_fault_name(enum pw_fault_kind kind);

struct pw_fault {
	enum pw_fault_kind kind;
	pw_va va; /* that could not be accessed */
	int signal, code; /* SIGSEGV and SEGV_MAPERR, ...; 0 without a signal */
};

/* Makes one page accessible, as a fault of the hardware does. @fault_ret may be NULL. */
enum pw_fault_kind pw_mm_fault(struct pw_mm *mm, pw_va va, enum pw_access_kind access,
			       struct pw_fault *fault_ret);

/* ---- cpus ---- */

/*
 * A thread in an mm: see <pagewalk/cpu.h> for its loads and stores. (The struct pw_cpu of <pagewalk/memory.h> is
 * something else: a CPU that a dump describes.)
 */
struct pw_vcpu;

/* On the thread that will use it. Returns 0, -ENOMEM, -EAGAIN. */
int pw_cpu_create(struct pw_mm *mm, struct pw_vcpu **cpu_ret);
void pw_cpu_destroy(struct pw_vcpu *cpu);
/* The reader for pw_pin_fast, and for walks of its own. */
struct pw_reader *pw_cpu_reader(struct pw_vcpu *cpu);
struct pw_mm *pw_cpu_mm(const struct pw_vcpu *cpu);

/* ---- handlers of user faults (userfaultfd, in process) ---- */

enum pw_user_fault {
	PW_USER_MISSING = 1 << 0,
	PW_USER_WRITE_PROTECT = 1 << 1,
	PW_USER_MINOR = 1 << 2,
};
/*
 * Called by a faulting thread, with no lock held, for a page in a registered range. It resolves the fault by
 * the functions below and returns 0; the access is then tried again. A negative errno ends the access with
 * PW_FAULT_ADRERR.
 */
typedef int pw_user_fn(void *context, struct pw_mm *mm, pw_va va, enum pw_user_fault what,
		       bool write);
int pw_user_register(struct pw_mm *mm, pw_va va, uint64_t bytes, unsigned modes,
		     pw_user_fn *handler, void *context);
int pw_user_unregister(struct pw_mm *mm, pw_va va, uint64_t bytes);
/* UFFDIO_COPY, ZEROPAGE, CONTINUE, WRITEPROTECT, POISON. Return 0 or a negative errno (-EEXIST: it is there). */
int pw_user_copy(struct pw_mm *mm, pw_va va, const void *from, uint64_t bytes, bool write_protect);
int pw_user_zero(struct pw_mm *mm, pw_va va, uint64_t bytes);
int pw_user_continue(struct pw_mm *mm, pw_va va, uint64_t bytes);
int pw_user_protect(struct pw_mm *mm, pw_va va, uint64_t bytes, bool protect);
int pw_user_poison(struct pw_mm *mm, pw_va va, uint64_t bytes);

/* ---- pages that move ---- */

/* Moves the folio of @pa elsewhere, and makes all its entries follow. 0, -EBUSY (pinned or in use), -ENOMEM. */
int pw_migrate(struct pw_machine *machine, pw_pa pa);
/* Writes up to @bytes of the least used pages out; returns how many bytes are free because of that. */
uint64_t pw_reclaim(struct pw_machine *machine, uint64_t bytes);
/* The memory of @pa is broken: it is taken from everybody (hard_offline_page). 0, -EBUSY, -EHWPOISON. */
int pw_poison(struct pw_machine *machine, pw_pa pa);
/* One round of khugepaged over an mm: returns the number of huge pages that it made. */
unsigned pw_collapse_all(struct pw_mm *mm);
/*
 * Splits the huge folio of @pa into base pages (debugfs split_huge_pages). 0; -EBUSY (pinned or in use), -EAGAIN
 * (freed meanwhile), -EINVAL (not a huge folio), -ENOMEM.
 */
int pw_split_folio(struct pw_machine *machine, pw_pa pa);
/* Makes the next access to pages of a range fault, to see who uses them (NUMA hinting). Bytes changed. */
uint64_t pw_numa_hint(struct pw_mm *mm, pw_va va, uint64_t bytes);

/* ---- pins that may fault: the slow path ---- */

/* Beside enum pw_pin_flags. The numbers are not Linux's. */
enum pw_pin_slow_flags {
	PW_PIN_FORCE =
		1
		<< 8, /* as a debugger: ignore the VMA's protection where that is safe (FOLL_FORCE) */
	PW_PIN_NOFAULT = 1 << 9, /* never fault: take what is there */
	PW_PIN_NOWAIT = 1 << 10, /* do not wait for a page that is being read */
	PW_PIN_DUMP = 1 << 11, /* for a core dump: no zero page, no hole is filled (FOLL_DUMP) */
	PW_PIN_HWPOISON = 1 << 12, /* say -EHWPOISON instead of -EFAULT */
	PW_PIN_ANON = 1 << 13, /* anonymous memory only */
	PW_PIN_SPLIT = 1 << 14, /* split huge leaves (FOLL_SPLIT_PMD) */
	PW_PIN_NUMA = 1 << 15, /* honour NUMA hints (FOLL_HONOR_NUMA_FAULT) */
	PW_PIN_FAST_ONLY = 1 << 16, /* never take the slow path (FOLL_FAST_ONLY) */
	PW_PIN_UNLOCKABLE =
		1 << 17, /* the space's lock may be dropped to wait (FOLL_UNLOCKABLE); default */
};

/* How a call ended: a partial result and its reason come together. */
struct pw_pin_result {
	enum pw_stop fast; /* why the fast path stopped */
	int error; /* why the slow path stopped: 0 (all pages), or a negative errno */
	pw_va va; /* the page that was not taken, if any */
	struct pw_fault fault; /* if it was a fault that failed */
	unsigned long fast_pages, slow_pages, faults, retries, migrated;
};

/*
 * Pins @count pages from @va on: the fast path first, the slow one where it stops. Returns how many pages are
 * pinned (at least one), or a negative errno if none is: -EFAULT, -ENOMEM, -EINVAL (flags), -EHWPOISON,
 * -EAGAIN (PW_PIN_NOWAIT), -EINTR (pw_cpu_interrupt), -EBUSY (a page was taken away again 256 times; a long pin:
 * memory that must stay movable did not move in 10 tries), -EOPNOTSUPP (PW_PIN_SPLIT in hugetlb), -EOVERFLOW.
 * PW_PIN_FAST_ONLY may return 0. @va is rounded down to a page. @result may be NULL. Release by pw_unpin_pages
 * with the same PW_PIN_GET. pin_user_pages_fast.
 * PW_PIN_DUMP, PW_PIN_ANON and PW_PIN_SPLIT need the slow path, and exclude PW_PIN_FAST_ONLY. PW_PIN_GET is
 * pw_get's own, and excludes PW_PIN_LONGTERM.
 */
long pw_pin(struct pw_vcpu *cpu, pw_va va, size_t count, unsigned flags, pw_pa *page,
	    struct pw_pin_result *result);
/* As pw_pin, but references instead of pins. get_user_pages_fast. */
long pw_get(struct pw_vcpu *cpu, pw_va va, size_t count, unsigned flags, pw_pa *page,
	    struct pw_pin_result *result);
/* Another address space's pages. Never uses the fast path. pin_user_pages_remote. */
long pw_pin_remote(struct pw_vcpu *cpu, struct pw_mm *mm, pw_va va, size_t count, unsigned flags,
		   pw_pa *page, struct pw_pin_result *result);
long pw_get_remote(struct pw_vcpu *cpu, struct pw_mm *mm, pw_va va, size_t count, unsigned flags,
		   pw_pa *page, struct pw_pin_result *result);
/* A call of pw_pin by @cpu that waits or retries ends with what it has, or -EINTR. From any thread. */
void pw_cpu_interrupt(struct pw_vcpu *cpu);
/* Bytes of an address space. An iovec cannot say this: a pointer of the host may be shorter than the address. */
struct pw_extent {
	pw_va va;
	uint64_t bytes;
};

/*
 * process_vm_readv and _writev: copies between the caller's memory and @mm. Return the number of bytes, or a
 * negative errno if there were none. @force: as PW_PIN_FORCE (/proc/PID/mem).
 */
long pw_mm_read(struct pw_mm *mm, const struct iovec *to, size_t to_count,
		const struct pw_extent *from, size_t from_count, bool force);
long pw_mm_write(struct pw_mm *mm, const struct pw_extent *to, size_t to_count,
		 const struct iovec *from, size_t from_count, bool force);

/* ---- notifiers: for a device that keeps a mirror ---- */

/*
 * Calls begin before entries of first..last change or go, and end after that, in pairs; calls for several
 * ranges may overlap. Neither may fault or call functions of this header on the same mm.
 */
struct pw_notifier {
	void (*begin)(struct pw_notifier *notifier, pw_va first, pw_va last);
	void (*end)(struct pw_notifier *notifier, pw_va first, pw_va last);
	struct pw_notifier *next, **back; /* the library's */
	struct pw_mm *mm;
};
/*
 * Add and remove wait until no invalidation is under way, so the caller holds no lock that begin, end or
 * invalidate take. After a remove, none of them is called any more. add returns 0, -EINVAL.
 */
int pw_notifier_add(struct pw_mm *mm, struct pw_notifier *notifier);
void pw_notifier_remove(struct pw_notifier *notifier);

/*
 * A range that is watched by a sequence (mmu_interval_notifier). Read the sequence, look at the pages
 * (pw_mm_snapshot), take your own lock, and use what you saw only if pw_interval_retry returns false.
 * invalidate() is called with a range that goes away, after the sequence has changed; it takes the same lock.
 */
struct pw_interval {
	pw_va first, last;
	void (*invalidate)(struct pw_interval *interval, pw_va first, pw_va last);
	struct pw_mm *mm;
	uint64_t sequence; /* atomic; the library's */
	struct pw_interval *next, **back;
};
int pw_interval_add(struct pw_mm *mm, pw_va first, pw_va last, struct pw_interval *interval);
void pw_interval_remove(struct pw_interval *interval);
/*
 * Reads the sequence; first it waits while an invalidation of the range is under way. Returns 0, or -EINVAL if nobody
 * watches the interval: it was not added, or it was removed. Not together with pw_interval_remove.
 */
int pw_interval_begin(struct pw_interval *interval, uint64_t *sequence_ret);
bool pw_interval_retry(const struct pw_interval *interval, uint64_t sequence);

/*
 * Looks at @count pages from @va on (hmm_range_fault). With @fault, it faults in what is not there, for reading
 * or, with @write, for writing; then all pages are valid if it returns 0. Takes no references: only the
 * interval's sequence makes the result valid.
 * Returns 0; -EFAULT where no page can be; -EPERM for writing to a VMA that refuses it; -ENOMEM; -EINVAL.
 */
struct pw_snapshot {
	pw_pa pa; /* of the page; 0 if it is not valid */
	bool valid, writable;
};
int pw_mm_snapshot(struct pw_mm *mm, pw_va va, size_t count, bool fault, bool write,
		   struct pw_snapshot *page);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif
#endif
