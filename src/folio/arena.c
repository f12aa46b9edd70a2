/* SPDX-License-Identifier: MIT */
/* The arena: physical memory of the program's own, a memfd that is mapped once, and its frames. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/error.h"
#include "folio/folio.h"
#include "folio/stock.h"

enum { HUGE_LG2 = 21 };

/* Creates a memfd of @bytes bytes, of huge pages if @huge is set and the host has some to give. */
static int open_memory(uint64_t bytes, bool huge, bool *huge_ret)
{
	int fd = -1;

	*huge_ret = false;
	if (huge && !(bytes & pw_mask(HUGE_LG2))) {
		fd = memfd_create("pagewalk", MFD_CLOEXEC | MFD_HUGETLB);
		/* Takes the pages now: a store for which there is none later would raise SIGBUS. */
		if (fd >= 0 && posix_fallocate(fd, 0, (off_t)bytes) == 0) {
			*huge_ret = true;
			return fd;
		}
		if (fd >= 0)
			close(fd);
	}
	fd = memfd_create("pagewalk", MFD_CLOEXEC);
	if (fd >= 0 && ftruncate(fd, (off_t)bytes) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static size_t host_page(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

/* Maps the page that is all zero in children. NULL if memory is short. */
static unsigned char *map_mine(void)
{
	unsigned char *mine = mmap(NULL, host_page(), PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (mine == MAP_FAILED)
		return NULL;
	*mine = 1;
	/* Before Linux 4.14 children do not have it mapped: any call ends them there, and harms nobody. */
	if (madvise(mine, host_page(), MADV_WIPEONFORK) != 0)
		(void)madvise(mine, host_page(), MADV_DONTFORK);
	return mine;
}

/* Maps the memory, but not for children: it would be shared, and their stores would reach the parent's. */
static unsigned char *map_memory(int fd, size_t bytes)
{
	unsigned char *host = MAP_FAILED;

	if (fd >= 0)
		host = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (host != MAP_FAILED && !pw_mutant(PW_MUTANT_FORK_SHARES))
		(void)madvise(host, bytes, MADV_DONTFORK);
	return host;
}

/*
 * Maps the array of frames, all zero. It does not come from an allocator, which may write to it, as glibc's
 * does under MALLOC_PERTURB_; so a frame costs nothing until it is used.
 */
static struct pw_frame *map_frames(uint64_t frames)
{
	return mmap(NULL, (size_t)frames * sizeof(struct pw_frame), PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void release(struct pw_arena *arena)
{
	/* A child does not have the memory mapped, and may have something else mapped in its place. */
	const bool mine = !arena->mine || pw_arena_mine(arena);

	pw_memory_close(arena->memory);
	if (mine && arena->host != MAP_FAILED)
		munmap(arena->host, (size_t)arena->bytes);
	if (arena->mine)
		munmap(arena->mine, host_page());
	if (arena->fd >= 0)
		close(arena->fd);
	if (arena->frame != MAP_FAILED)
		munmap(arena->frame, arena->frames * sizeof(*arena->frame));
	free(arena);
}

/*
 * Makes the zero page, and all other frames free. The zero page is at physical address 0 if the arena has
 * that address, so that no table is there: the entry that leads to it may be the empty entry (sparc64).
 */
static void make_zero_page(struct pw_arena *arena)
{
	const bool at_0 = arena->base == 0 && !pw_mutant(PW_MUTANT_TABLE_AT_0);

	pw_buddy_init(arena, at_0 ? 1 : 0);
	if (at_0)
		arena->frame[0].counts = 1;
	else
		pw_buddy_alloc(arena, 0, PW_ZONES, &arena->zero);
}

/* A mutex that is held for a moment: a thread looks for it some times before it sleeps, where the C library can. */
static void init_short(pthread_mutex_t *mutex)
{
	pthread_mutexattr_t how;

	pthread_mutexattr_init(&how);
	pthread_mutexattr_settype(&how, PTHREAD_MUTEX_ADAPTIVE_NP);
	pthread_mutex_init(mutex, &how);
	pthread_mutexattr_destroy(&how);
}

int pw_arena_create(const struct pw_arena_options *options, struct pw_arena **arena_ret,
		    struct pw_error *error)
{
	unsigned page_lg2 = options && options->page_lg2 ? options->page_lg2 : 12;
	uint64_t bytes = options ? options->bytes : 0, frames = bytes >> page_lg2;
	struct pw_segment segment;
	struct pw_arena *arena;
	int code;

	if (!options || !arena_ret)
		return pw_fail_null(error, options ? "arena_ret" : "options");
	if (page_lg2 < 12 || page_lg2 > 16)
		return pw_fail(error, EINVAL,
			       "frames of 2^%u bytes: 12 (4K) to 16 (64K) are possible", page_lg2);
	if ((bytes | options->base) & pw_mask(page_lg2) || frames < 2 || frames >= PW_NO_FRAME ||
	    options->base + (bytes - 1) < options->base || bytes > SIZE_MAX / 2)
		return pw_fail(error, EINVAL,
			       "an arena of 0x%llx bytes at 0x%llx is not possible: it needs at "
			       "least two whole frames of 0x%llx bytes, fewer than 2^32, and has "
			       "to fit this host",
			       (unsigned long long)bytes, (unsigned long long)options->base,
			       1ULL << page_lg2);
	arena = calloc(1, sizeof(*arena));
	if (!arena)
		return pw_fail(error, ENOMEM, "no memory for an arena");
	arena->base = options->base;
	arena->bytes = bytes;
	arena->page_lg2 = page_lg2;
	arena->skew = (uint32_t)(options->base >> page_lg2 & pw_mask(PW_ORDERS - 1));
	arena->poison = options->poison;
	arena->frames = (uint32_t)frames;
	arena->host = MAP_FAILED;
	arena->fd = open_memory(bytes, options->huge, &arena->huge);
	arena->host = map_memory(arena->fd, (size_t)bytes);
	arena->frame = map_frames(frames);
	arena->mine = map_mine();
	if (arena->host == MAP_FAILED || arena->frame == MAP_FAILED || !arena->mine) {
		code = arena->host == MAP_FAILED ? errno : ENOMEM;
		release(arena);
		return pw_fail(error, code, "no memory for an arena of 0x%llx bytes: %s",
			       (unsigned long long)bytes, strerror(code));
	}
	if (options->huge && !arena->huge)
		/* The host may still give some by itself (shmem_enabled). */
		(void)madvise(arena->host, (size_t)bytes, MADV_HUGEPAGE);
	segment = (struct pw_segment){ .first = arena->base,
				       .last = arena->base + (bytes - 1),
				       .host = arena->host };
	code = pw_memory_wrap(&segment, 1, &arena->memory, error);
	if (code) {
		release(arena);
		return code;
	}
	init_short(&arena->lock);
	pthread_mutex_init(&arena->spaces_lock, NULL);
	make_zero_page(arena);
	memset(pw_arena_at(arena, pw_arena_pa(arena, arena->zero)), 0, (size_t)1 << page_lg2);
	*arena_ret = arena;
	return 0;
}

void pw_arena_destroy(struct pw_arena *arena)
{
	if (!arena)
		return;
	pw_stock_destroy(arena);
	pthread_mutex_destroy(&arena->lock);
	pthread_mutex_destroy(&arena->spaces_lock);
	release(arena);
}

const struct pw_memory *pw_arena_memory(const struct pw_arena *arena)
{
	return arena->memory;
}

void *pw_arena_host(const struct pw_arena *arena, pw_pa pa, uint64_t bytes)
{
	uint64_t offset = pa - arena->base;

	if (offset >= arena->bytes || bytes > arena->bytes - offset || !pw_arena_mine(arena))
		return NULL;
	return pw_arena_at(arena, pa);
}

int pw_arena_fd(const struct pw_arena *arena)
{
	return arena->fd;
}

bool pw_arena_is_huge(const struct pw_arena *arena)
{
	return arena->huge;
}

uint64_t pw_arena_bytes(const struct pw_arena *arena)
{
	return arena->bytes - (UINT64_C(1) << arena->page_lg2);
}

uint64_t pw_arena_free_bytes(struct pw_arena *arena)
{
	uint64_t frames;

	if (!pw_arena_mine(arena))
		return 0;
	frames = pw_stock_free_frames(arena);
	return frames << arena->page_lg2;
}

pw_pa pw_arena_zero_page(const struct pw_arena *arena)
{
	return pw_arena_pa(arena, arena->zero);
}

void pw_arena_faults(const struct pw_arena *arena, struct pw_arena_faults *faults_ret)
{
	faults_ret->underflows = __atomic_load_n(&arena->faults.underflows, __ATOMIC_RELAXED);
	faults_ret->written_after_free = __atomic_load_n(&arena->faults.written_after_free,
							 __ATOMIC_RELAXED);
}

int pw_arena_alloc(struct pw_arena *arena, unsigned order, unsigned limit_lg2, pw_pa *pa_ret)
{
	uint32_t frame;
	int code = pw_buddy_alloc(arena, order, pw_zones_below(limit_lg2), &frame);

	if (!code)
		*pa_ret = pw_arena_pa(arena, frame);
	return code;
}

/*
 * Frees through the counts: a pinner that came by an old entry may hold a reference for a moment, which
 * it took for the page that was here before.
 */
void pw_arena_free(struct pw_arena *arena, pw_pa pa)
{
	pw_folio_drop(arena, pw_arena_frame(arena, pa), 1, false);
}
