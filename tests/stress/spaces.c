/* SPDX-License-Identifier: MIT */
/*
 * Address spaces under load, on several formats: see spaces.h.
 *
 *   stress-spaces [SECONDS [FORMAT [SEED]]]      SECONDS in all [10]; only FORMAT, or some in turn
 *
 * Each format has rounds with a new machine: with another kind of reclaim of tables, and other huge pages. At
 * the end of a round no process is left; then all memory and all swap must be free, no page mapped, and the files of
 * the host must hold what was written to them.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "mm/mm.h"
#include "spaces.h"

static const char *const TALLY[SP_TALLIES] = {
	[SP_STORE] = "store",
	[SP_LOAD] = "load",
	[SP_PIN] = "pin",
	[SP_PIN_CHECK] = "pin-check",
	[SP_PROTECT] = "protect",
	[SP_UNMAP] = "unmap",
	[SP_REMAP] = "remap",
	[SP_DONTNEED] = "dontneed",
	[SP_FREE] = "free",
	[SP_PAGEOUT] = "pageout",
	[SP_HUGEPAGE] = "hugepage",
	[SP_COLLAPSE] = "collapse",
	[SP_LOCK] = "lock",
	[SP_USER_FAULT] = "user-fault",
	[SP_FORK] = "fork",
	[SP_EXIT] = "exit",
	[SP_REMOTE] = "remote",
	[SP_COUNTER] = "counter",
	[SP_GENERATION] = "generation",
	[SP_SYNC] = "sync",
	[SP_TRUNCATE] = "truncate",
	[SP_SCRATCH] = "scratch",
	[SP_NUMA] = "numa",
	[SP_MIGRATE] = "migrate",
	[SP_RECLAIM] = "reclaim",
	[SP_SPLIT] = "split",
	[SP_COLLAPSE_ALL] = "collapse-all",
	[SP_NO_MEMORY] = "no-memory",
};

/* Tables of each shape: groups of leaves (arm64, riscv), no accessed bit, two levels, addresses of 32 bits. */
static const char *const FORMATS[] = {
	"x86_64", "arm64_4k_48", "mock", "s390x", "riscv_sv39", "i386",
};

void spaces_wrong(struct spaces *world, const char *what, pw_va va, uint64_t found,
		  uint64_t expected)
{
	if (__atomic_fetch_add(&world->wrong, 1, __ATOMIC_RELAXED) < 8)
		fprintf(stderr,
			"stress: %s: %s: at 0x%" PRIx64 ", found 0x%" PRIx64 ", expected 0x%" PRIx64
			"\n",
			world->geometry.name, what, va, found, expected);
}

void access_failed(struct actor *a, const char *what, pw_va va)
{
	const struct pw_fault *fault = pw_cpu_fault(a->cpu);

	if (fault->kind == PW_FAULT_OOM) {
		did(a, SP_NO_MEMORY);
		return;
	}
	fprintf(stderr, "stress: %s: %s failed: %s\n", a->world->geometry.name, what,
		pw_fault_name(fault->kind));
	spaces_wrong(a->world, what, va, fault->va, 0);
}

static uint64_t microseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* ---- one round ---- */

static int create(struct spaces *world, const struct pw_format *format, unsigned round)
{
	static const enum pw_sync_kind SYNC[] = { PW_SYNC_RCU, PW_SYNC_IPI, PW_SYNC_RCU_WAIT };
	char swap[] = "/tmp/pagewalk-stress-swap-XXXXXX";
	struct pw_machine_options options = { .format = format, .poison = true };
	uint64_t huge_pages;
	struct pw_error error;
	int fd, result;

	memset(world, 0, sizeof(*world));
	world->format = format;
	world->seed = round;
	pw_format_geometry(format, &world->geometry);
	world->page = UINT64_C(1) << world->geometry.shift[0];
	huge_pages = UINT64_C(1) << (world->geometry.shift[1] - world->geometry.shift[0]);
	/* Borders of zones are within huge pages. */
	world->zone_pages = huge_pages > 512 || huge_pages < 16 ? 96 : (unsigned)huge_pages * 5 / 8;
	world->align = huge_pages > 512 ? world->page : huge_pages * world->page;
	/* Less than all processes use, even with swap. */
	world->frames = (uint64_t)PROCESSES * ZONES * world->zone_pages / 2 + 640;
	options.bytes = world->frames * world->page;
	options.sync = SYNC[round % 3];
	options.shmem_huge = round % 5 < 3 ? PW_SHMEM_ALWAYS : PW_SHMEM_NEVER;
	options.huge = round % 4 == 3 ? PW_HUGE_NEVER : PW_HUGE_ALWAYS;
	options.group_sizes = round & 1 ? 0 : (uint64_t)7 << (world->geometry.shift[0] + 2);
	options.swap = swap;
	options.swap_bytes = world->frames / 3 * world->page;
	fd = mkstemp(swap);
	if (fd < 0)
		return -errno;
	close(fd);
	result = pw_machine_create(&options, &world->machine, &error);
	unlink(swap);
	if (result) {
		fprintf(stderr, "stress: %s\n", error.text);
		return result;
	}
	world->arena = pw_machine_arena(world->machine);
	world->all_bytes = pw_arena_free_bytes(world->arena);
	pthread_mutex_init(&world->lock, NULL);
	pthread_cond_init(&world->died, NULL);
	pthread_mutex_init(&world->orphans_lock, NULL);
	for (unsigned i = 0; i < PROCESSES; i++) {
		struct process *process = &world->process[i];

		process->world = world;
		pthread_rwlock_init(&process->alive, NULL);
		pthread_rwlock_init(&process->pinned_writes, NULL);
		pthread_mutex_init(&process->spare_lock, NULL);
		zones_init(process);
	}
	return shared_create(world);
}

/* Pins whose processes are gone need some process's reader. */
static void release_orphans(struct spaces *world)
{
	struct pw_vcpu *cpu;
	struct pw_mm *mm;

	if (pw_mm_create(world->machine, &mm, NULL))
		abort();
	if (pw_cpu_create(mm, &cpu))
		abort();
	orphans_release(world, pw_cpu_reader(cpu));
	pw_cpu_destroy(cpu);
	pw_mm_destroy(mm);
}

/* Checks that nothing is left, and takes the machine away. */
static void check_end(struct spaces *world)
{
	struct pw_arena_faults faults;
	struct pw_machine_info info;
	struct pw_folio_info zero;

	release_orphans(world);
	shared_check(world);
	pw_arena_drain(world->arena);
	pw_machine_info(world->machine, &info);
	pw_arena_faults(world->arena, &faults);
	/* The huge page of zeros stays. */
	if (world->machine->huge_zero &&
	    pw_folio_info(world->arena, pw_arena_pa(world->arena, world->machine->huge_zero - 1),
			  &zero))
		info.free_bytes += world->page << zero.order;
	if (info.free_bytes != world->all_bytes)
		spaces_wrong(world, "memory is not free at the end", 0, info.free_bytes,
			     world->all_bytes);
	if (info.swap_free_bytes != info.swap_bytes)
		spaces_wrong(world, "swap is not free at the end", 0, info.swap_free_bytes,
			     info.swap_bytes);
	if (faults.underflows)
		spaces_wrong(world, "references were given back twice", 0, faults.underflows, 0);
	if (faults.written_after_free)
		spaces_wrong(world, "free memory was written to", 0, faults.written_after_free, 0);
	for (uint32_t frame = 0; frame < world->frames; frame++)
		if (world->machine->page[frame].mapped)
			spaces_wrong(world, "a page is mapped at the end", frame,
				     world->machine->page[frame].mapped, 0);
	if (world->machine->mms)
		spaces_wrong(world, "a space is left", 0, 1, 0);
	pw_machine_destroy(world->machine);
}

static void run(struct spaces *world, uint64_t usec)
{
	const uint64_t start = microseconds();
	struct actor daemon[2] = { { .world = world, .random = world->seed + 1 },
				   { .world = world, .random = world->seed + 2 } };
	pthread_t thread[2];

	if (pthread_create(&thread[0], NULL, daemon_move, &daemon[0]) ||
	    pthread_create(&thread[1], NULL, daemon_reclaim, &daemon[1]))
		abort();
	while (microseconds() - start < usec) {
		bool none;

		pthread_mutex_lock(&world->lock);
		none = world->living == 0;
		pthread_mutex_unlock(&world->lock);
		if (none)
			process_begin(world);
		usleep(1000);
	}
	__atomic_store_n(&world->stop, true, __ATOMIC_RELEASE);
	pthread_mutex_lock(&world->lock);
	while (world->living)
		pthread_cond_wait(&world->died, &world->lock);
	pthread_mutex_unlock(&world->lock);
	for (unsigned i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
}

static void destroy(struct spaces *world)
{
	for (unsigned i = 0; i < PROCESSES; i++) {
		struct process *process = &world->process[i];

		pthread_rwlock_destroy(&process->alive);
		pthread_rwlock_destroy(&process->pinned_writes);
		pthread_mutex_destroy(&process->spare_lock);
		for (unsigned zone = 0; zone < ZONES; zone++)
			pthread_rwlock_destroy(&process->zone[zone].lock);
	}
	pthread_mutex_destroy(&world->lock);
	pthread_cond_destroy(&world->died);
	pthread_mutex_destroy(&world->orphans_lock);
}

static int run_format(const struct pw_format *format, uint64_t usec, uint64_t seed, uint64_t *wrong)
{
	enum { ROUND_USEC = 1000000 };
	const uint64_t start = microseconds();
	uint64_t done[SP_TALLIES] = { 0 };
	struct spaces *world = malloc(sizeof(*world));
	int result = 0;

	if (!world)
		return -ENOMEM;
	for (unsigned round = 0; round == 0 || microseconds() - start < usec; round++) {
		result = create(world, format, (unsigned)seed + round);
		if (result)
			break;
		run(world, usec < ROUND_USEC ? usec : ROUND_USEC);
		check_end(world);
		destroy(world);
		for (unsigned i = 0; i < SP_TALLIES; i++)
			done[i] += world->done[i];
		*wrong += world->wrong;
		if (world->wrong)
			fprintf(stderr, "stress: %s: seed %" PRIu64 "\n", world->geometry.name,
				world->seed);
	}
	printf("%-14s", world->geometry.name);
	for (unsigned i = 0; i < SP_TALLIES; i++)
		printf(" %s %" PRIu64, TALLY[i], done[i]);
	printf("\n");
	fflush(stdout);
	free(world);
	return result;
}

int main(int argc, char **argv)
{
	const double seconds = argc > 1 ? strtod(argv[1], NULL) : 10;
	const uint64_t seed = argc > 3 ? strtoull(argv[3], NULL, 0) : 0;
	const size_t formats = sizeof(FORMATS) / sizeof(FORMATS[0]);
	const char *only = argc > 2 && *argv[2] ? argv[2] : NULL;
	uint64_t wrong = 0;
	bool failed = false;

	if (!(seconds > 0 && seconds < 1e6)) {
		fprintf(stderr,
			"stress: the number of seconds must be above 0 and below 1000000\n");
		return 2;
	}
	if (only && (!pw_format_find(only) || !pw_format_can_edit(pw_format_find(only)))) {
		fprintf(stderr, "stress: there is no format %s whose tables can be edited\n", only);
		return 2;
	}
	/* Ends a hang. */
	alarm((unsigned)seconds * 2 + 300);
	for (size_t i = 0; i < (only ? 1 : formats); i++)
		failed |= run_format(pw_format_find(only ? only : FORMATS[i]),
				     (uint64_t)(seconds * 1e6 / (double)(only ? 1 : formats)), seed,
				     &wrong) != 0;
	printf("wrong: %" PRIu64 "\n", wrong);
	return failed || wrong;
}
