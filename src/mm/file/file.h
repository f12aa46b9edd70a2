/* SPDX-License-Identifier: MIT */
/*
 * Files and devices: what VMAs map that is not anonymous. For src/mm alone.
 *
 * A file's page is found by its index: the number of base pages from the file's start, as vma->offset counts.
 *
 *     EMPTY        nothing; the content is what the host's file has, or zeros
 *     a frame      the page in the cache. The cache holds one reference for each base page
 *     a swap slot  shared memory only: the cache holds one count of the slot
 *
 * Life of a page: it is put into the cache while it is locked, and then it is read. So who finds it waits for
 * its lock, and then looks whether it is still this file's (pw_page_owner): truncate takes it away under the
 * same lock. Nobody reads a page from the host before it can be found. So whoever takes pages out finds every
 * page whose content may be older than that.
 *
 * Truncate and hole punching: the size first; then entries, then pages under their locks, then entries again;
 * then the host's file; then pages again, which were read between.
 *
 * Locks: see mm.h. file->size_lock is held by truncate, punch and write, with no folio lock (3) held; it may be
 * taken below mm->lock. hugetlb's pool lock is one of the short ones (6).
 */
#ifndef PW_MM_FILE_H
#define PW_MM_FILE_H

#include "mm/mm.h"

enum {
	PW_CHUNK_LG2 = 6,
	PW_CHUNK_PAGES = 1 << PW_CHUNK_LG2,
	PW_AROUND_LG2 = 16, /* log2 of the bytes around a fault that are mapped as well */
};

/* The pages of one aligned piece of a file. */
struct pw_chunk {
	RB_ENTRY(pw_chunk) node; /* file->pages_lock, all of it */
	uint64_t number; /* index >> PW_CHUNK_LG2 */
	uint32_t used; /* words that are not EMPTY */
	uint64_t word[PW_CHUNK_PAGES];
};
RB_HEAD(pw_chunks, pw_chunk);

/* A private mapping's right to pages of the pool, of one mm; hugetlb.c. Pool lock. */
struct pw_reserve;

struct pw_file {
	struct pw_machine *machine;
	uint32_t references; /* atomic */
	enum pw_folio_kind kind; /* FILE, SHARED, HUGETLB, SECRET */
	bool readable, writable; /* how the host's file is open; all others: both */
	uint64_t page_bytes; /* of a base page */
	unsigned order; /* of its folios: above 0 only for hugetlb */
	unsigned level; /* of the leaves that map them */
	int fd; /* of the host, or -1 */
	int error; /* atomic: of a write back that nobody was told of yet; a negative errno */
	uint64_t bytes; /* atomic: its size */
	pthread_mutex_t size_lock; /* who changes the size, or makes a hole */
	pthread_mutex_t map_lock;
	struct pw_vma *vmas; /* list by vma->file_next; map_lock */
	pthread_mutex_t pages_lock;
	struct pw_chunks chunks;
	uint64_t cached; /* pages in the cache; pages_lock */
	struct pw_reserve *reserves; /* hugetlb; pool lock */
	char *name; /* for /proc/PID/maps: "/memfd:", a path of the host, ...; never NULL */
};

struct pw_device {
	struct pw_machine *machine;
	uint32_t references; /* atomic */
	pw_pa pa;
	uint64_t bytes;
	unsigned size_lg2;
	pthread_mutex_t map_lock;
	struct pw_vma *vmas; /* list by vma->file_next; map_lock */
};

/* ---- file.c ---- */

void pw_file_get(struct pw_file *file);
/* A file without a host's file behind it. The name is copied. */
int pw_file_create(struct pw_machine *machine, enum pw_folio_kind kind, uint64_t bytes,
		   const char *name, struct pw_file **file_ret, struct pw_error *error);
/* file->map_lock, device->map_lock. */
void pw_list_lock(pthread_mutex_t *lock);
void pw_list_unlock(pthread_mutex_t *lock);
void pw_device_get(struct pw_device *device);
/* Puts a VMA into the list of its file or device, or takes it out. Nothing is done without either. */
void pw_file_link(struct pw_vma *vma);
void pw_file_unlink(struct pw_vma *vma);
/* The lock of the list that the VMA is in, to change its borders. Nothing without a file or device. */
void pw_file_map_lock(struct pw_vma *vma);
void pw_file_map_unlock(struct pw_vma *vma);

PW_INLINE uint64_t pw_file_size(const struct pw_file *file)
{
	return __atomic_load_n(&file->bytes, __ATOMIC_SEQ_CST);
}

/* Must a write fault on a shared mapping before the page is dirty? Only files with write back need that. */
PW_INLINE bool pw_file_tracks(const struct pw_file *file)
{
	return file && file->kind == PW_FOLIO_FILE;
}

/* ---- file_fault.c ---- */

/* Gives the leaf of @pa at @va more attributes (PW_WRITE, PW_DIRTY, PW_ACCESSED), if it is still there. */
void pw_leaf_add(struct pw_vma *vma, pw_va va, pw_pa pa, uint32_t add);

/* ---- cache.c ---- */

enum pw_cached { PW_CACHED_NOTHING, PW_CACHED_PAGE, PW_CACHED_SWAP };

/* What the cache has at @index. A page: its own frame, with a reference. Swap: the slot. */
enum pw_cached pw_cache_find(struct pw_file *file, uint64_t index, uint32_t *value_ret);
/* Is there a page? Takes no reference; for mincore. */
bool pw_cache_has(struct pw_file *file, uint64_t index);
/*
 * Puts a locked folio in, whose index is set, in place of nothing, or of @slot (slot + 1; 0: of nothing). Takes the
 * cache's references, and then the folio is the file's. Not before: reclaim, truncate and migration take the references
 * of a folio that names the file for those of the cache. 0, -EEXIST (there is something else), -ENOMEM.
 */
int pw_cache_add(struct pw_file *file, uint64_t index, uint32_t head, uint32_t slot);
/*
 * Takes a locked folio of this file out, and its mapping from it. The caller has a reference of its own; the
 * cache's are dropped. A pinned page stays with its holder.
 */
void pw_cache_remove(struct pw_file *file, uint32_t head);
/*
 * As pw_cache_remove, for reclaim: only if the cache and the caller's @references are all that hold the folio,
 * and it is clean. False: it stays.
 */
bool pw_cache_forget(struct pw_file *file, uint32_t head, uint32_t references);
/*
 * Shared memory goes to swap: the locked folio, in the swap cache with a slot whose count becomes the file's,
 * leaves the page cache, which remembers the slot. Its owner is nobody then. False if others hold the folio
 * beside the caller (@references) and the two caches.
 */
bool pw_cache_swap(struct pw_file *file, uint32_t head, uint32_t slot, uint32_t references);
/* Migration: puts the locked folio @to in the place of the locked @from, if only @references and the cache hold it. */
bool pw_cache_replace(struct pw_file *file, uint32_t from, uint32_t to, uint32_t references);
/*
 * Collapse: puts the locked folio of @head, which has @pages pages, in the place of the locked pages @frame[] from
 * @index on, if the cache and the caller have the only references on each of them. Then only the caller has one.
 */
bool pw_cache_merge(struct pw_file *file, uint64_t index, const uint32_t *frame, uint32_t pages,
		    uint32_t head);
/*
 * The first word at *@index or above, up to @last, that is not EMPTY; *index is its place. A page comes with a
 * reference.
 */
enum pw_cached pw_cache_next(struct pw_file *file, uint64_t *index, uint64_t last,
			     uint32_t *value_ret);
/* Drops a swap slot from the cache. False: something else is there now. */
bool pw_cache_drop_swap(struct pw_file *file, uint64_t index, uint32_t slot);

/*
 * The page at @index, locked, valid, with a reference: from the cache, read, from swap, or new.
 * @flags: PW_FAULT_NOWAIT, PW_FAULT_LONGTERM, and PW_PAGE_ below. 0; -EAGAIN (NOWAIT), -ENOMEM, -EIO,
 * -ENXIO (beyond the end), -EHWPOISON, -ENOENT (PW_CACHE_NO_HOLE).
 */
enum {
	PW_CACHE_BEYOND = 1 << 16, /* pages beyond the end, too: the caller extends the file */
	PW_CACHE_NO_READ = 1 << 17, /* the caller writes all of it: a new page need not be read */
	PW_CACHE_NO_HOLE = 1 << 18, /* -ENOENT instead of a new page of zeros in shared memory */
	PW_CACHE_LARGE = 1 << 19, /* for a VMA with MADV_HUGEPAGE: see pw_cache_new_large */
	PW_CACHE_SMALL = 1 << 20, /* with MADV_NOHUGEPAGE */
};
int pw_cache_page(struct pw_file *file, uint64_t index, unsigned flags, uint32_t *frame_ret,
		  bool *major_ret);

/* ---- writeback.c ---- */

/* Writes a locked folio of this file back, if it is dirty. 0 or a negative errno, which the file keeps, too. */
int pw_file_write_page(struct pw_file *file, uint32_t head);
/* Writes the dirty pages of first..last (indices) back. Does not report what the file keeps. */
int pw_file_write_back(struct pw_file *file, uint64_t first, uint64_t last);

/* ---- truncate.c ---- */

/* Takes the entries of pages first..last away from everybody. @copies: also private copies (truncate). */
void pw_file_unmap(struct pw_file *file, uint64_t first, uint64_t last, bool copies);
/* Drops all pages, clean or not: the file goes. */
void pw_file_drop_all(struct pw_file *file);
/* Zeroes what is in memory behind the end, in the last page. size_lock is held. 0 or a negative errno. */
int pw_file_zero_tail(struct pw_file *file);

/* ---- hugetlb.c ---- */

/* The pools of a machine; options->hugetlb_bytes of the smallest huge leaf. Called by machine.c. */
int pw_hugetlb_start(struct pw_machine *machine, struct pw_error *error);
void pw_hugetlb_stop(struct pw_machine *machine);
/* The level whose leaves have 2^*size_lg2 bytes; 0: sets the smallest. 0 or -EINVAL with a sentence. */
int pw_hugetlb_size(const struct pw_machine *machine, unsigned *size_lg2, unsigned *level_ret,
		    struct pw_error *error);
/*
 * The locked page of the cache at @index (of a hugetlb page's first base page), with a reference. @create: a new
 * one of zeros if there is none, else -ENOENT. -ENOMEM: the pool is empty.
 */
int pw_hugetlb_page(struct pw_file *file, uint64_t index, bool create, uint32_t *frame_ret);
/* mmap reserves pages before the VMA is linked; munmap and exit give back what was not used. 0, -ENOMEM. */
int pw_hugetlb_reserve(struct pw_vma *vma);
void pw_hugetlb_unreserve(struct pw_vma *vma, pw_va first, pw_va last);
/* All promises of pages first..last of a file, which becomes shorter or goes. */
void pw_hugetlb_forget(struct pw_file *file, uint64_t first, uint64_t last);
/* fork: copies the entries; pages that may be pinned are copied at once. 0, -ENOMEM. */
int pw_hugetlb_fork(struct pw_vma *from, struct pw_vma *to);
/* mmap with MAP_HUGETLB and no file: a file of its own. @size_lg2 0: the smallest. */
int pw_hugetlb_anonymous(struct pw_machine *machine, uint64_t bytes, unsigned size_lg2,
			 struct pw_file **file_ret);

/* ---- device.c ---- */

/*
 * May mmap_device make this mapping? 0; -EINVAL: it reaches beyond the device, or writes would be copied;
 * -EOPNOTSUPP: memory of the arena, and a format that has no special leaves.
 */
int pw_device_check(const struct pw_mm *mm, const struct pw_device *device, uint64_t bytes,
		    int flags, uint64_t offset);

#endif
