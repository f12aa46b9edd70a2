/* SPDX-License-Identifier: MIT */
/* Shared memory and files under load, and scratch memory where anything goes. See spaces.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "spaces.h"

enum { HALF = COUNTERS / 2 };

static const int ACCESS = PROT_READ | PROT_WRITE;

/* ---- the files ---- */

static int open_file(struct spaces *world, uint64_t pages, int *fd_ret, struct pw_file **file_ret)
{
	char path[] = "/tmp/pagewalk-stress-XXXXXX";
	struct pw_error error;
	int result;

	*fd_ret = mkstemp(path);
	if (*fd_ret < 0)
		return -errno;
	unlink(path);
	if (ftruncate(*fd_ret, (off_t)(pages * world->page)))
		return -errno;
	result = pw_file_open(world->machine, *fd_ret, file_ret, &error);
	if (result)
		fprintf(stderr, "stress: %s\n", error.text);
	return result;
}

static int fill_constant(struct spaces *world)
{
	for (uint64_t page = 0; page < world->zone_pages; page++) {
		for (unsigned word = 0; word < WORDS; word++) {
			const uint64_t value = constant_word(page, word);
			const uint64_t at = page * world->page + word_at(world, word);

			if (pwrite(world->constant_fd, &value, sizeof(value), (off_t)at) !=
			    sizeof(value))
				return -errno;
		}
	}
	return 0;
}

int shared_create(struct spaces *world)
{
	const uint64_t page = world->page;
	int result = open_file(world, world->zone_pages, &world->constant_fd, &world->constant);

	if (!result)
		result = fill_constant(world);
	if (!result)
		result = open_file(world, HALF, &world->counter_fd, &world->counter_file);
	if (!result)
		result = open_file(world, GENERATIONS, &world->generation_fd,
				   &world->generation_file);
	if (!result)
		result = open_file(world, SCRATCH, &world->race_fd, &world->race_file);
	if (!result)
		result = pw_shmem_create(world->machine, HALF * page, &world->counter_shared, NULL);
	if (!result)
		result = pw_shmem_create(world->machine, SCRATCH * page, &world->race_shared, NULL);
	for (unsigned i = 0; i < GENERATIONS; i++)
		pthread_rwlock_init(&world->generation[i].lock, NULL);
	return result;
}

static int map_at(struct process *process, uint64_t page, uint64_t pages, struct pw_file *file)
{
	const pw_sva va = pw_mmap(process->mm, area_va(process, page), pages * process->world->page,
				  ACCESS, MAP_SHARED | MAP_FIXED, file, 0);

	return pw_is_error(va) ? (int)va : 0;
}

int shared_map(struct process *process)
{
	struct spaces *world = process->world;
	const uint64_t first = counters_at(world);
	int result = map_at(process, first, HALF, world->counter_shared);

	if (!result)
		result = map_at(process, first + HALF, HALF, world->counter_file);
	if (!result)
		result = map_at(process, generations_at(world), GENERATIONS,
				world->generation_file);
	return result;
}

/* ---- counters ---- */

static void count(struct actor *a)
{
	const unsigned page = choose(a, COUNTERS), word = choose(a, WORDS);
	const pw_va va = area_va(a->process, counters_at(a->world) + page) +
			 word_at(a->world, word);
	const uint64_t before = get(&a->world->counter[page][word]), add = 1 + choose(a, 100);
	uint64_t old;

	if (!pw_atomic(a->cpu, va, sizeof(old), PW_ATOMIC_ADD, add, &old)) {
		access_failed(a, "an addition", va);
		return;
	}
	if (old < before)
		spaces_wrong(a->world,
			     page < HALF ? "additions to shared memory were lost"
					 : "additions to a file were lost",
			     va, old, before);
	__atomic_fetch_add(&a->world->counter[page][word], add, __ATOMIC_ACQ_REL);
	did(a, SP_COUNTER);
}

/* ---- generations ---- */

enum { UNKNOWN = -1 };

static uint64_t generation_word(unsigned page, unsigned word, uint64_t value)
{
	return value ? UINT64_C(0x6e00000000000000) | (uint64_t)page << 40 | value << 1 | word : 0;
}

static bool generation_store(struct actor *a, unsigned page, uint64_t value)
{
	const pw_va va = area_va(a->process, generations_at(a->world) + page);

	for (unsigned word = 0; word < WORDS; word++) {
		const pw_va at = va + word_at(a->world, word);

		if (!pw_store_u64(a->cpu, at, generation_word(page, word, value))) {
			access_failed(a, "a store to a file", at);
			return false;
		}
	}
	return true;
}

static bool generation_write(struct actor *a, unsigned page, uint64_t value)
{
	for (unsigned word = 0; word < WORDS; word++) {
		const uint64_t content = generation_word(page, word, value);
		const uint64_t at = page * a->world->page + word_at(a->world, word);
		const long done = pw_file_write(a->world->generation_file, at, &content,
						sizeof(content));

		if (done == sizeof(content))
			continue;
		if (done != -ENOMEM)
			spaces_wrong(a->world, "a write to a file", at, (uint64_t)done,
				     sizeof(content));
		did(a, SP_NO_MEMORY);
		return false;
	}
	return true;
}

static bool generation_pin(struct actor *a, unsigned page, uint64_t value)
{
	const pw_va va = area_va(a->process, generations_at(a->world) + page);
	pw_pa pa;

	if (pw_pin(a->cpu, va, 1, PW_PIN_WRITE, &pa, NULL) != 1) {
		did(a, SP_NO_MEMORY);
		return false;
	}
	for (unsigned word = 0; word < WORDS; word++)
		set(host_word(a->world, pa, word), generation_word(page, word, value));
	pw_unpin_pages(pw_cpu_reader(a->cpu), &pa, 1, PW_PIN_WRITE, true);
	return true;
}

/* The page's lock is held for writing. */
static void generation_new(struct actor *a, unsigned page)
{
	struct generation *generation = &a->world->generation[page];
	const uint64_t value = ++a->sequence;
	int error;
	bool done;

	switch (choose(a, 5)) {
	case 0:
		done = generation_write(a, page, value);
		break;
	case 1:
		done = generation_pin(a, page, value);
		break;
	case 2:
		error = pw_file_punch(a->world->generation_file, page * a->world->page,
				      a->world->page);
		if (error)
			spaces_wrong(a->world, "a hole", page, (uint64_t)error, 0);
		generation->value = 0;
		return;
	default:
		done = generation_store(a, page, value);
	}
	generation->value = done ? value : (uint64_t)UNKNOWN;
}

/* The page's lock is held. */
static void generation_look(struct actor *a, unsigned page)
{
	const uint64_t value = a->world->generation[page].value;
	const pw_va va = area_va(a->process, generations_at(a->world) + page);
	const bool reads = sometimes(a, 3);

	for (unsigned word = 0; value != (uint64_t)UNKNOWN && word < WORDS; word++) {
		const pw_va at = va + word_at(a->world, word);
		uint64_t found;

		if (reads) {
			const long done = pw_file_read(a->world->generation_file,
						       page * a->world->page +
							       word_at(a->world, word),
						       &found, sizeof(found));

			if (done == -ENOMEM)
				return;
			if (done != sizeof(found))
				spaces_wrong(a->world, "a read of a file", at, (uint64_t)done,
					     sizeof(found));
		} else if (!pw_load_u64(a->cpu, at, &found)) {
			access_failed(a, "a load of a file", at);
			return;
		}
		if (found != generation_word(page, word, value))
			spaces_wrong(a->world, reads ? "a file is read as" : "a file's page holds",
				     at, found, generation_word(page, word, value));
	}
	did(a, SP_GENERATION);
}

static void truncate_generations(struct actor *a)
{
	struct spaces *world = a->world;
	const unsigned pages = choose(a, GENERATIONS);
	const pw_va va = area_va(a->process, generations_at(world) + pages);
	uint64_t found;
	int error;

	for (unsigned i = 0; i < GENERATIONS; i++)
		pthread_rwlock_wrlock(&world->generation[i].lock);
	error = pw_file_truncate(world->generation_file, pages * world->page);
	if (error)
		spaces_wrong(world, "a truncation", pages, (uint64_t)error, 0);
	if (pw_load_u64(a->cpu, va, &found) || pw_cpu_fault(a->cpu)->kind != PW_FAULT_ADRERR)
		spaces_wrong(world, "a load beyond the end of a file", va, 0, 0);
	error = pw_file_truncate(world->generation_file, GENERATIONS * world->page);
	if (error)
		spaces_wrong(world, "a file that grows", pages, (uint64_t)error, 0);
	for (unsigned i = pages; i < GENERATIONS; i++)
		world->generation[i].value = 0;
	for (unsigned i = 0; i < GENERATIONS; i++)
		pthread_rwlock_unlock(&world->generation[i].lock);
	did(a, SP_TRUNCATE);
}

static void sync_files(struct actor *a)
{
	struct spaces *world = a->world;
	struct pw_file *file = sometimes(a, 2) ? world->generation_file : world->counter_file;
	int error = 0;

	switch (choose(a, 3)) {
	case 0:
		error = pw_file_sync(file);
		break;
	case 1:
		error = pw_msync(a->process->mm, area_va(a->process, counters_at(world)),
				 (COUNTERS + GENERATIONS) * world->page, MS_SYNC);
		break;
	default:
		pw_file_drop(file, 0, UINT64_MAX);
		pw_file_drop(world->constant, 0, UINT64_MAX);
	}
	if (error)
		spaces_wrong(world, "writing files back", 0, (uint64_t)error, 0);
	did(a, SP_SYNC);
}

void shared_step(struct actor *a)
{
	const unsigned page = choose(a, GENERATIONS);
	struct generation *generation = &a->world->generation[page];

	switch (choose(a, 20)) {
	case 0:
		sync_files(a);
		break;
	case 1:
		if (sometimes(a, 4))
			truncate_generations(a);
		break;
	case 2:
	case 3:
	case 4:
		pthread_rwlock_wrlock(&generation->lock);
		generation_look(a, page);
		generation_new(a, page);
		generation_look(a, page);
		pthread_rwlock_unlock(&generation->lock);
		break;
	case 5:
	case 6:
	case 7:
	case 8:
		pthread_rwlock_rdlock(&generation->lock);
		generation_look(a, page);
		pthread_rwlock_unlock(&generation->lock);
		break;
	default:
		count(a);
	}
}

/* ---- in the end ---- */

static uint64_t host_file_word(struct spaces *world, int fd, unsigned page, unsigned word)
{
	uint64_t value = 0;

	if (pread(fd, &value, sizeof(value), (off_t)(page * world->page + word_at(world, word))) !=
	    sizeof(value))
		spaces_wrong(world, "the host's file is too short", page, 0, 0);
	return value;
}

static void put_files(struct spaces *world)
{
	struct pw_file *const file[] = { world->constant,       world->counter_file,
					 world->counter_shared, world->generation_file,
					 world->race_file,      world->race_shared };

	for (unsigned i = 0; i < sizeof(file) / sizeof(file[0]); i++)
		if (file[i])
			pw_file_put(file[i]);
}

void shared_check(struct spaces *world)
{
	const int fd[] = { world->constant_fd, world->counter_fd, world->generation_fd,
			   world->race_fd };
	uint64_t found;

	for (unsigned page = 0; page < HALF; page++) {
		for (unsigned word = 0; word < WORDS; word++) {
			pw_file_read(world->counter_shared,
				     page * world->page + word_at(world, word), &found,
				     sizeof(found));
			if (found != world->counter[page][word])
				spaces_wrong(world, "shared memory has another sum", page, found,
					     world->counter[page][word]);
		}
	}
	/* This writes all back. */
	put_files(world);
	for (unsigned word = 0; word < WORDS; word++) {
		for (unsigned page = 0; page < HALF; page++) {
			found = host_file_word(world, world->counter_fd, page, word);
			if (found != world->counter[HALF + page][word])
				spaces_wrong(world, "the file has another sum", page, found,
					     world->counter[HALF + page][word]);
		}
		for (unsigned page = 0; page < GENERATIONS; page++) {
			const uint64_t value = world->generation[page].value;

			found = host_file_word(world, world->generation_fd, page, word);
			if (value != (uint64_t)UNKNOWN &&
			    found != generation_word(page, word, value))
				spaces_wrong(world, "the file has another generation", page, found,
					     generation_word(page, word, value));
		}
		for (unsigned page = 0; page < world->zone_pages; page++) {
			found = host_file_word(world, world->constant_fd, page, word);
			if (found != constant_word(page, word))
				spaces_wrong(world, "a private write is in the file", page, found,
					     constant_word(page, word));
		}
	}
	for (unsigned i = 0; i < sizeof(fd) / sizeof(fd[0]); i++)
		close(fd[i]);
	for (unsigned i = 0; i < GENERATIONS; i++)
		pthread_rwlock_destroy(&world->generation[i].lock);
}

/* ---- scratch memory ---- */

static void scratch_map(struct actor *a, pw_va va, uint64_t bytes, uint64_t offset)
{
	static const int PROT[] = { PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE, PROT_READ,
				    PROT_NONE };
	const int prot = PROT[choose(a, 4)];
	const unsigned kind = choose(a, 6);
	struct pw_file *file = kind < 2   ? NULL
			       : kind & 1 ? a->world->race_file
					  : a->world->race_shared;
	int flags = MAP_FIXED | (kind < 4 ? MAP_PRIVATE : MAP_SHARED);

	if (sometimes(a, 8))
		flags |= MAP_POPULATE;
	pw_mmap(a->process->mm, va, bytes, prot, file ? flags : flags | MAP_ANONYMOUS, file,
		file ? offset : 0);
}

static void scratch_pin(struct actor *a, pw_va va)
{
	const unsigned flags = sometimes(a, 2) ? PW_PIN_WRITE : 0;
	pw_pa page[8];
	const long pages = sometimes(a, 2)
				   ? pw_pin(a->cpu, va, 8, flags, page, NULL)
				   : pw_pin_fast(pw_cpu_reader(a->cpu), va, 8, flags, page, NULL);

	for (unsigned turn = 0; turn < 3; turn++) {
		for (long i = 0; i < pages; i++) {
			const uint64_t found = get(host_word(a->world, page[i], turn & 1));

			if (found && found != TAG)
				spaces_wrong(a->world, "a pinned scratch page holds", va, found,
					     TAG);
		}
		sched_yield();
	}
	if (pages > 0)
		pw_unpin_pages(pw_cpu_reader(a->cpu), page, (size_t)pages, flags, flags != 0);
}

static void scratch_file(struct actor *a)
{
	struct pw_file *file = sometimes(a, 2) ? a->world->race_file : a->world->race_shared;
	const uint64_t at = choose(a, SCRATCH) * a->world->page;

	switch (choose(a, 4)) {
	case 0:
		/* Also within a page. */
		pw_file_truncate(file, at + (sometimes(a, 2) ? 64 : 0));
		break;
	case 1:
		pw_file_truncate(file, SCRATCH * a->world->page);
		break;
	case 2:
		pw_file_punch(file, at, (1 + choose(a, 8)) * a->world->page);
		break;
	default:
		pw_file_write(file, at, &TAG, sizeof(TAG));
	}
}

static void scratch_access(struct actor *a, pw_va va)
{
	uint64_t found;

	for (unsigned i = 0; i < 6; i++) {
		const pw_va at = va + i * a->world->page + word_at(a->world, choose(a, WORDS));

		if (sometimes(a, 2))
			pw_store_u64(a->cpu, at, TAG);
		else if (pw_load_u64(a->cpu, at, &found) && found && found != TAG)
			spaces_wrong(a->world, "scratch memory holds", at, found, TAG);
	}
}

void scratch_step(struct actor *a)
{
	struct pw_mm *mm = a->process->mm;
	const uint64_t pages = 1 + choose(a, 12), first = choose(a, SCRATCH - 12),
		       other = choose(a, SCRATCH - 12), bytes = pages * a->world->page;
	const pw_va va = area_va(a->process, scratch_at(a->world) + first);
	static const int ADVICE[] = { MADV_DONTNEED,   MADV_FREE,   MADV_PAGEOUT,
				      MADV_COLD,       MADV_REMOVE, MADV_DONTFORK,
				      MADV_WIPEONFORK, MADV_DOFORK, MADV_KEEPONFORK };

	switch (choose(a, 16)) {
	case 0:
	case 1:
		scratch_map(a, va, bytes, other * a->world->page);
		break;
	case 2:
		pw_munmap(mm, va, bytes);
		break;
	case 3:
		pw_mprotect(mm, va, bytes, sometimes(a, 3) ? PROT_READ : ACCESS);
		break;
	case 4:
		pw_mremap(mm, va, bytes, (1 + choose(a, 12)) * a->world->page,
			  MREMAP_MAYMOVE | MREMAP_FIXED,
			  area_va(a->process, scratch_at(a->world) + other));
		break;
	case 5:
	case 6:
		pw_madvise(mm, va, bytes, ADVICE[choose(a, sizeof(ADVICE) / sizeof(ADVICE[0]))]);
		break;
	case 7:
		scratch_file(a);
		break;
	case 8:
	case 9:
		scratch_pin(a, va);
		break;
	default:
		scratch_access(a, va);
	}
	did(a, SP_SCRATCH);
}
