/* SPDX-License-Identifier: MIT */
/*
 * Mapped files, and what happens when one shrinks.
 *
 * Reading a mapped file beyond its end raises SIGBUS. People look at files that are still being written,
 * are copied over, or lie on a network. So while a file is mapped here, a signal handler turns SIGBUS into
 * zero pages and a mark on the mapping:
 *
 *   load  -->  SIGBUS  -->  is the address in a mapping of ours?
 *                             yes: zero pages from there to the mapping's end, mark it, load again
 *                             no:  pass the signal on to the handler that was there before
 *
 * pw_memory_read and pw_memory_check see the mark and return -EIO. A file that is cut in the middle of a
 * page raises no signal; so they also compare the file's size.
 *
 * This is the library's one piece of global mutable state, and a deliberate exception: the disposition of a
 * signal belongs to the process, and so cannot belong to a pw_memory. The handler is installed with the
 * first mapping and removed with the last, unless the program has installed another one over it by then.
 * That one may call ours; so ours stays, and passes everything on. A program that replaces our handler while
 * files are mapped, and does not call it, gets the signal. All of this is thread-safe. The handler itself is
 * async-signal-safe: it reads slots that are never freed, takes no lock, and calls mmap, which is a plain
 * system call on Linux.
 */
#include "memory/memory.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mutant.h"
#include "base/names.h"

/*
 * One guarded range. `version` is odd while the slot is being written. The handler skips such a slot, and
 * one that changes while it looks. It misses nothing: a mapping in which a thread faults is not being
 * closed, so its slot does not change. All of this is rare; so everything is sequentially consistent.
 */
struct pw_guard {
	_Atomic(struct pw_guard *) next;
	atomic_uint version;
	_Atomic uintptr_t start, end; /* end is exclusive; 0: the slot is free */
	atomic_bool shrunk;
};

struct pw_mapping {
	struct pw_mapping *next;
	char *name;
	unsigned char *host;
	uint64_t bytes; /* of the file; the mapping itself is of whole pages */
	struct pw_guard *guard; /* NULL: anonymous */
	int file; /* -1: anonymous */
};

/* Protects the growth of the list, the count and the disposition. The handler never takes it. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic(struct pw_guard *) guards;
static size_t guarded;
static bool installed;
static struct sigaction previous;
static uintptr_t page_bytes;

/* Makes the rest of the mapping around @address readable. False if the address is in no mapping of ours. */
static bool mend(uintptr_t address)
{
	for (struct pw_guard *guard = atomic_load(&guards); guard;
	     guard = atomic_load(&guard->next)) {
		unsigned version = atomic_load(&guard->version);
		uintptr_t start = atomic_load(&guard->start);
		uintptr_t end = atomic_load(&guard->end);
		uintptr_t page = address & ~(page_bytes - 1);

		if (version & 1 || atomic_load(&guard->version) != version)
			continue;
		if (address < start || address >= end)
			continue;
		atomic_store(&guard->shrunk, true);
		/*
		 * All pages to the end at once: they are missing as well, and page by page a large file
		 * would need more mappings than a process may have.
		 */
		return mmap((void *)page, end - page, PROT_READ,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1,
			    0) != MAP_FAILED;
	}
	return false;
}

/* Does what would have happened without our handler. */
static void pass_on(int number, siginfo_t *info, void *context)
{
	struct sigaction standard = { .sa_handler = SIG_DFL };

	if (previous.sa_flags & SA_SIGINFO) {
		previous.sa_sigaction(number, info, context);
		return;
	}
	if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) {
		previous.sa_handler(number);
		return;
	}
	/* Sent by kill(2), not raised by a load: no instruction would raise it again. */
	if (info->si_code <= 0) {
		if (previous.sa_handler == SIG_IGN)
			return;
		sigaction(number, &standard, NULL);
		raise(number); /* delivered when this handler returns */
		return;
	}
	/* The load raises it again. The kernel ends also a process that ignores a fault. */
	sigaction(number, &standard, NULL);
}

static void on_bus_error(int number, siginfo_t *info, void *context)
{
	int saved = errno;

	if (info->si_code <= 0 || !mend((uintptr_t)info->si_addr))
		pass_on(number, info, context);
	errno = saved;
}

static bool is_ours(const struct sigaction *action)
{
	return (action->sa_flags & SA_SIGINFO) && action->sa_sigaction == on_bus_error;
}

static int install(void)
{
	struct sigaction action = { .sa_sigaction = on_bus_error };

	if (sigaction(SIGBUS, NULL, &previous))
		return -errno;
	page_bytes = (uintptr_t)sysconf(_SC_PAGESIZE);
	action.sa_mask = previous.sa_mask;
	action.sa_flags = SA_SIGINFO | SA_ONSTACK | (previous.sa_flags & SA_RESTART);
	if (sigaction(SIGBUS, &action, NULL))
		return -errno;
	installed = true;
	return 0;
}

static void set_range(struct pw_guard *guard, uintptr_t start, uintptr_t end)
{
	unsigned version = atomic_load(&guard->version);

	atomic_store(&guard->version, version + 1);
	atomic_store(&guard->start, start);
	atomic_store(&guard->end, end);
	atomic_store(&guard->shrunk, false);
	atomic_store(&guard->version, version + 2);
}

/* Guards a mapping. Slots of mappings that are gone are reused. Returns 0 or a negative errno. */
static int guard_add(const unsigned char *host, size_t bytes, struct pw_guard **guard_ret)
{
	struct pw_guard *guard;
	int status = 0;

	pthread_mutex_lock(&lock);
	if (!installed)
		status = install();
	for (guard = atomic_load(&guards); guard; guard = atomic_load(&guard->next))
		if (atomic_load(&guard->end) == 0)
			break;
	if (!guard && status == 0) {
		guard = calloc(1, sizeof(*guard));
		if (guard) {
			atomic_store(&guard->next, atomic_load(&guards));
			atomic_store(&guards, guard);
		} else {
			status = -ENOMEM;
		}
	}
	if (status == 0) {
		set_range(guard, (uintptr_t)host, (uintptr_t)host + bytes);
		guarded++;
		*guard_ret = guard;
	}
	pthread_mutex_unlock(&lock);
	return status;
}

static void guard_remove(struct pw_guard *guard)
{
	struct sigaction now;

	pthread_mutex_lock(&lock);
	set_range(guard, 0, 0);
	guarded--;
	if (guarded == 0 && installed && sigaction(SIGBUS, NULL, &now) == 0 && is_ours(&now)) {
		sigaction(SIGBUS, &previous, NULL);
		installed = false;
	}
	pthread_mutex_unlock(&lock);
}

/* Why a file of this mode is refused, or NULL. */
static const char *kind_of(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return NULL;
	case S_IFDIR:
		return "is a directory; name a file in it";
	case S_IFIFO:
		return "is a pipe; write it to a file first, because images are read at random";
	case S_IFSOCK:
		return "is a socket; name a file";
	default:
		return "is a device; copy it to a file first";
	}
}

static int open_file(const char *path, struct stat *state, struct pw_error *error)
{
	/* O_NONBLOCK: a pipe that nobody writes to must not block this call. */
	int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	const char *kind;

	if (file < 0) {
		int code = errno;

		if (code == ENXIO)
			return pw_fail(error, EINVAL, "%s is a socket or a device; name a file",
				       path);
		return pw_fail(error, code, "%s: %s%s", path, strerror(code),
			       code == EACCES ? "; read it as its owner, or as root" : "");
	}
	if (fstat(file, state)) {
		int code = errno;

		close(file);
		return pw_fail(error, code, "%s: %s", path, strerror(code));
	}
	kind = kind_of(state->st_mode);
	if (!kind && state->st_size == 0)
		kind = "is empty";
	if (!kind)
		return file;
	close(file);
	return pw_fail(error, EINVAL, "%s %s", path, kind);
}

static struct pw_mapping *mapping_new(struct pw_memory *memory, const char *name)
{
	struct pw_mapping *mapping = calloc(1, sizeof(*mapping));

	if (!mapping)
		return NULL;
	mapping->name = strdup(name);
	if (!mapping->name) {
		free(mapping);
		return NULL;
	}
	mapping->file = -1;
	mapping->next = memory->mappings;
	memory->mappings = mapping;
	return mapping;
}

static int map(struct pw_mapping *mapping, int protection, int flags, struct pw_error *error)
{
	void *host = MAP_FAILED;
	int code = EFBIG;

	if (mapping->bytes <= SIZE_MAX / 2) {
		host = mmap(NULL, (size_t)mapping->bytes, protection, flags, mapping->file, 0);
		code = errno;
	}
	if (host == MAP_FAILED) {
		char size[PW_SIZE_TEXT];

		return pw_fail(error, code, "%s: cannot map %s into this process: %s",
			       mapping->name, pw_size_text(mapping->bytes - 1, size),
			       strerror(code));
	}
	mapping->host = host;
	return 0;
}

int pw_memory_map_file(struct pw_memory *memory, const char *path, const unsigned char **host_ret,
		       uint64_t *bytes_ret, struct pw_error *error)
{
	struct pw_mapping *mapping = memory->mappings;
	struct stat state;
	int file, status;

	while (mapping && (mapping->file < 0 || strcmp(mapping->name, path)))
		mapping = mapping->next;
	if (!mapping) {
		file = open_file(path, &state, error);
		if (file < 0)
			return file;
		mapping = mapping_new(memory, path);
		if (!mapping) {
			close(file);
			return pw_fail(error, ENOMEM, "out of memory");
		}
		mapping->file = file;
		mapping->bytes = (uint64_t)state.st_size;
		status = map(mapping, PROT_READ, MAP_SHARED | MAP_NORESERVE, error);
		if (status)
			return status;
		status = guard_add(mapping->host, (size_t)mapping->bytes, &mapping->guard);
		if (status)
			return pw_fail(error, -status, "%s: cannot guard the mapping: %s", path,
				       strerror(-status));
	}
	*host_ret = mapping->host;
	*bytes_ret = mapping->bytes;
	return 0;
}

int pw_memory_map_anonymous(struct pw_memory *memory, uint64_t bytes, unsigned char **host_ret,
			    struct pw_error *error)
{
	struct pw_mapping *mapping = mapping_new(memory, "a buffer");
	int status;

	if (!mapping)
		return pw_fail(error, ENOMEM, "out of memory");
	mapping->bytes = bytes;
	status = map(mapping, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		     error);
	*host_ret = mapping->host;
	return status;
}

bool pw_memory_hole(const struct pw_memory *memory, const unsigned char *host, uint64_t *bytes_ret)
{
	const struct pw_mapping *mapping = memory->mappings;
	off_t from, data, end;

	/* Of a mapping, the handler may have replaced a part; but files are not read here. */
	while (mapping && (mapping->file < 0 || (uintptr_t)host < (uintptr_t)mapping->host ||
			   (uintptr_t)host - (uintptr_t)mapping->host >= mapping->bytes))
		mapping = mapping->next;
	*bytes_ret = UINT64_MAX - (uintptr_t)host;
	if (!mapping || pw_mutant(PW_MUTANT_HOLES_READ))
		return false;
	from = host - mapping->host;
	*bytes_ret = mapping->bytes - (uint64_t)from;
	data = lseek(mapping->file, from, SEEK_DATA);
	/* Behind the last data, the file is one hole. */
	if (data < 0)
		return errno == ENXIO && !pw_memory_shrunk(memory);
	if (data > from) {
		*bytes_ret = pw_min(*bytes_ret, (uint64_t)(data - from));
		return true;
	}
	end = lseek(mapping->file, from, SEEK_HOLE);
	if (end > from)
		*bytes_ret = pw_min(*bytes_ret, (uint64_t)(end - from));
	return false;
}

void pw_memory_unmap_all(struct pw_memory *memory)
{
	while (memory->mappings) {
		struct pw_mapping *mapping = memory->mappings;

		memory->mappings = mapping->next;
		if (mapping->guard)
			guard_remove(mapping->guard);
		if (mapping->host)
			munmap(mapping->host, (size_t)mapping->bytes);
		if (mapping->file >= 0)
			close(mapping->file);
		free(mapping->name);
		free(mapping);
	}
}

const char *pw_memory_shrunk(const struct pw_memory *memory)
{
	for (const struct pw_mapping *mapping = memory->mappings; mapping;
	     mapping = mapping->next) {
		struct stat state;

		if (!mapping->guard)
			continue;
		if (atomic_load(&mapping->guard->shrunk))
			return mapping->name;
		if (fstat(mapping->file, &state) || (uint64_t)state.st_size < mapping->bytes)
			return mapping->name;
	}
	return NULL;
}

bool pw_memory_has_file(const struct pw_memory *memory, const char *path)
{
	struct stat asked, state;

	if (stat(path, &asked))
		return false;
	for (const struct pw_mapping *mapping = memory->mappings; mapping; mapping = mapping->next)
		if (mapping->file >= 0 && fstat(mapping->file, &state) == 0 &&
		    state.st_dev == asked.st_dev && state.st_ino == asked.st_ino)
			return true;
	return false;
}
