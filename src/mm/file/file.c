/* SPDX-License-Identifier: MIT */
/* Files: what they are, who holds them, which VMAs map them, and reading and writing them without mapping. */
#include "mm/file/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "mm/lock_order.h"

static struct pw_file *create(struct pw_machine *machine, enum pw_folio_kind kind, uint64_t bytes)
{
	struct pw_file *file = calloc(1, sizeof(*file));

	if (!file)
		return NULL;
	file->machine = machine;
	file->references = 1;
	file->kind = kind;
	file->bytes = bytes;
	file->readable = true;
	file->writable = true;
	file->fd = -1;
	file->page_bytes = pw_page_bytes(machine);
	pthread_mutex_init(&file->size_lock, NULL);
	pthread_mutex_init(&file->map_lock, NULL);
	pthread_mutex_init(&file->pages_lock, NULL);
	RB_INIT(&file->chunks);
	return file;
}

static void destroy(struct pw_file *file)
{
	if (file->fd >= 0)
		close(file->fd);
	pthread_mutex_destroy(&file->size_lock);
	pthread_mutex_destroy(&file->map_lock);
	pthread_mutex_destroy(&file->pages_lock);
	free(file->name);
	free(file);
}

/* The host's name for what @fd is; NULL if memory is short. */
static char *host_name(int fd)
{
	char link[64], name[4096];
	ssize_t length;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = readlink(link, name, sizeof(name) - 1);
	if (length < 0)
		return strdup("file");
	name[length] = '\0';
	return strdup(name);
}

static int fail_memory(struct pw_error *error)
{
	return pw_fail(error, ENOMEM, "no memory for a file");
}

int pw_file_open(struct pw_machine *machine, int fd, struct pw_file **file_ret,
		 struct pw_error *error)
{
	struct pw_file *file;
	struct stat stat;
	int flags;

	if (!machine || !file_ret)
		return pw_fail_null(error, machine ? "file_ret" : "machine");
	flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fstat(fd, &stat) != 0)
		return pw_fail(error, errno, "file descriptor %d is not usable: %s", fd,
			       strerror(errno));
	if (!S_ISREG(stat.st_mode))
		return pw_fail(error, EINVAL,
			       "file descriptor %d is not a regular file: only these have pages",
			       fd);
	file = create(machine, PW_FOLIO_FILE, (uint64_t)stat.st_size);
	if (!file)
		return fail_memory(error);
	file->readable = (flags & O_ACCMODE) != O_WRONLY;
	file->writable = (flags & O_ACCMODE) != O_RDONLY;
	file->name = host_name(fd);
	file->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (file->fd < 0 || !file->name) {
		int code = file->name ? errno : ENOMEM;

		destroy(file);
		return pw_fail(error, code, "file descriptor %d cannot be duplicated: %s", fd,
			       strerror(code));
	}
	*file_ret = file;
	return 0;
}

int pw_file_create(struct pw_machine *machine, enum pw_folio_kind kind, uint64_t bytes,
		   const char *name, struct pw_file **file_ret, struct pw_error *error)
{
	struct pw_file *file;

	if (!machine || !file_ret)
		return pw_fail_null(error, machine ? "file_ret" : "machine");
	if (bytes > INT64_MAX)
		return pw_fail(error, EINVAL,
			       "a file of 0x%llx bytes is not possible: the most is 2^63 - 1",
			       (unsigned long long)bytes);
	file = create(machine, kind, bytes);
	if (!file)
		return fail_memory(error);
	file->name = strdup(name);
	if (!file->name) {
		destroy(file);
		return fail_memory(error);
	}
	*file_ret = file;
	return 0;
}

int pw_shmem_create(struct pw_machine *machine, uint64_t bytes, struct pw_file **file_ret,
		    struct pw_error *error)
{
	return pw_file_create(machine, PW_FOLIO_SHARED, bytes, "/memfd: (deleted)", file_ret,
			      error);
}

int pw_secret_create(struct pw_machine *machine, uint64_t bytes, struct pw_file **file_ret,
		     struct pw_error *error)
{
	return pw_file_create(machine, PW_FOLIO_SECRET, bytes, "/secretmem (deleted)", file_ret,
			      error);
}

void pw_file_get(struct pw_file *file)
{
	__atomic_fetch_add(&file->references, 1, __ATOMIC_RELAXED);
}

void pw_file_put(struct pw_file *file)
{
	/* Releases this holder's uses; the last one acquires those of all others. */
	if (!file || __atomic_fetch_sub(&file->references, 1, __ATOMIC_ACQ_REL) != 1)
		return;
	if (file->kind == PW_FOLIO_FILE)
		(void)pw_file_write_back(file, 0, UINT64_MAX);
	pw_file_drop_all(file);
	destroy(file);
}

uint64_t pw_file_bytes(const struct pw_file *file)
{
	return file ? pw_file_size(file) : 0;
}

/* ---- lists of VMAs ---- */

void pw_list_lock(pthread_mutex_t *lock)
{
	pw_lock_wanted(PW_RANK_LIST);
	pthread_mutex_lock(lock);
	pw_lock_taken(PW_RANK_LIST);
}

void pw_list_unlock(pthread_mutex_t *lock)
{
	pw_lock_left(PW_RANK_LIST);
	pthread_mutex_unlock(lock);
}

static pthread_mutex_t *map_lock_of(struct pw_vma *vma, struct pw_vma ***head_ret)
{
	if (vma->device) {
		*head_ret = &vma->device->vmas;
		return &vma->device->map_lock;
	}
	if (!vma->file)
		return NULL;
	*head_ret = &vma->file->vmas;
	return &vma->file->map_lock;
}

void pw_file_map_lock(struct pw_vma *vma)
{
	struct pw_vma **head;
	pthread_mutex_t *lock = map_lock_of(vma, &head);

	if (lock)
		pw_list_lock(lock);
}

void pw_file_map_unlock(struct pw_vma *vma)
{
	struct pw_vma **head;
	pthread_mutex_t *lock = map_lock_of(vma, &head);

	if (lock)
		pw_list_unlock(lock);
}

void pw_file_link(struct pw_vma *vma)
{
	struct pw_vma **head;

	if (!map_lock_of(vma, &head))
		return;
	pw_file_map_lock(vma);
	/* At the end, so a child of fork is behind its parent: a walk that has passed the child meets the parent. */
	while (*head)
		head = &(*head)->file_next;
	vma->file_next = NULL;
	vma->file_back = head;
	*head = vma;
	pw_file_map_unlock(vma);
}

void pw_file_unlink(struct pw_vma *vma)
{
	struct pw_vma **head;

	if (!map_lock_of(vma, &head))
		return;
	pw_file_map_lock(vma);
	/* Asked under the lock: a neighbour that leaves the list changes it. */
	if (vma->file_back) {
		*vma->file_back = vma->file_next;
		if (vma->file_next)
			vma->file_next->file_back = vma->file_back;
	}
	vma->file_next = NULL;
	vma->file_back = NULL;
	pw_file_map_unlock(vma);
}

/* ---- reading and writing without a mapping ---- */

/* One step of a read or write: bytes of one page. */
struct piece {
	uint64_t index;
	size_t within, bytes;
};

static struct piece piece_at(const struct pw_file *file, uint64_t offset, size_t bytes)
{
	const uint64_t page = file->page_bytes << file->order;
	struct piece piece = { .index = offset / page << file->order,
			       .within = (size_t)(offset % page) };

	piece.bytes = bytes < page - piece.within ? bytes : (size_t)(page - piece.within);
	return piece;
}

static int read_piece(struct pw_file *file, const struct piece *piece, unsigned char *to)
{
	uint32_t frame;
	bool major;
	int error = file->order
			    ? pw_hugetlb_page(file, piece->index, false, &frame)
			    : pw_cache_page(file, piece->index, PW_CACHE_NO_HOLE, &frame, &major);

	if (error == -ENOENT) {
		memset(to, 0, piece->bytes);
		return 0;
	}
	if (error)
		return error;
	memcpy(to, (unsigned char *)pw_page_host(file->machine, frame) + piece->within,
	       piece->bytes);
	pw_folio_unlock(file->machine, frame);
	pw_page_put(file->machine, frame, 1);
	return 0;
}

long pw_file_read(struct pw_file *file, uint64_t offset, void *to, size_t bytes)
{
	unsigned char *at = to;
	size_t done = 0;

	if (!file || (!to && bytes))
		return -EINVAL;
	if (!file->readable)
		return -EBADF;
	if (file->kind == PW_FOLIO_SECRET)
		return -EINVAL;
	while (done < bytes) {
		uint64_t size = pw_file_size(file), from = offset + done;
		struct piece piece = piece_at(file, from, bytes - done);
		int error;

		if (from >= size || from < offset)
			break;
		if (piece.bytes > size - from)
			piece.bytes = (size_t)(size - from);
		error = read_piece(file, &piece, at + done);
		/* The file may have become shorter meanwhile. */
		if (error == -ENXIO)
			break;
		if (error)
			return done ? (long)done : error;
		done += piece.bytes;
	}
	return (long)done;
}

/* size_lock is held. */
static int write_piece(struct pw_file *file, uint64_t offset, const struct piece *piece,
		       const unsigned char *from)
{
	const struct pw_machine *machine = file->machine;
	const bool whole = piece->bytes == file->page_bytes;
	uint32_t frame;
	bool major;
	int error = pw_cache_page(file, piece->index,
				  PW_CACHE_BEYOND | (whole ? PW_CACHE_NO_READ : 0u), &frame,
				  &major);

	if (error)
		return error;
	memcpy((unsigned char *)pw_page_host(machine, frame) + piece->within, from, piece->bytes);
	__atomic_fetch_or(&pw_page_of(machine, frame)->flags, PW_PAGE_VALID, __ATOMIC_RELEASE);
	pw_folio_dirty_held(machine->arena, frame);
	if (offset + piece->bytes > pw_file_size(file))
		__atomic_store_n(&file->bytes, offset + piece->bytes, __ATOMIC_SEQ_CST);
	pw_folio_unlock(file->machine, frame);
	pw_page_put(file->machine, frame, 1);
	return 0;
}

long pw_file_write(struct pw_file *file, uint64_t offset, const void *from, size_t bytes)
{
	const unsigned char *at = from;
	size_t done = 0;
	int error = 0;

	if (!file || (!from && bytes))
		return -EINVAL;
	if (!file->writable)
		return -EBADF;
	/* As on Linux, hugetlb and secret memory have no write(2). */
	if (file->kind == PW_FOLIO_SECRET || file->kind == PW_FOLIO_HUGETLB)
		return -EINVAL;
	if (offset > INT64_MAX || bytes > (uint64_t)INT64_MAX - offset)
		return -EFBIG;
	pw_ranked_lock(&file->size_lock, PW_RANK_SIZE);
	/* What mappings wrote behind the old end must not become content of the file. */
	if (bytes && offset > pw_file_size(file))
		error = pw_file_zero_tail(file);
	while (done < bytes && !error) {
		struct piece piece = piece_at(file, offset + done, bytes - done);

		error = write_piece(file, offset + done, &piece, at + done);
		if (!error)
			done += piece.bytes;
	}
	pw_ranked_unlock(&file->size_lock, PW_RANK_SIZE);
	return done || !error ? (long)done : error;
}
