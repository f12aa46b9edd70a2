/* SPDX-License-Identifier: MIT */
/*
 * mirror [FORMAT [DEVICE'S FORMAT [ROUNDS]]]: see mirror.h. Exit status 0: the mirror was never behind, and at
 * the end it shows what the process's tables show.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "mirror.h"

void must(bool good, const char *what)
{
	if (!good) {
		fprintf(stderr, "mirror: %s\n", what);
		exit(2);
	}
}

static void world_open(struct world *w, const struct pw_format *format, uint64_t rounds)
{
	char swap[] = "/tmp/mirror-swap-XXXXXX";
	struct pw_machine_options options = {
		.format = format, .base = 0x10000000, .poison = true, .swap = swap
	};
	struct pw_geometry geometry;
	struct pw_error error;
	pw_sva va;
	int fd;

	pw_format_geometry(format, &geometry);
	*w = (struct world){ .page = UINT64_C(1) << geometry.shift[0], .rounds = rounds };
	options.bytes = 1024 * w->page;
	options.swap_bytes = 1024 * w->page;
	fd = mkstemp(swap);
	must(fd >= 0, "no file for swap in /tmp");
	close(fd);
	must(pw_machine_create(&options, &w->machine, &error) == 0, error.text);
	unlink(swap);
	must(pw_mm_create(w->machine, &w->mm, &error) == 0, error.text);
	va = pw_mmap(w->mm, 0x1000000, PAGES * w->page, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0);
	must(!pw_is_error(va), "no memory for the process");
	w->va = (pw_va)va;
}

/* Do the words say what each side has done? */
static void check_words(struct world *w)
{
	struct pw_vcpu *cpu;
	uint64_t value;

	must(pw_cpu_create(w->mm, &cpu) == 0, "no cpu to check with");
	for (unsigned i = 0; i < STAYING; i++) {
		const pw_va va = w->va + i * w->page;

		w->wrong += !pw_load_u64(cpu, va + PROCESS_WORD, &value) ||
			    value != w->process_adds[i];
		w->wrong += !pw_load_u64(cpu, va + DEVICE_WORD, &value) ||
			    value != w->device_adds[i];
	}
	pw_cpu_destroy(cpu);
}

static uint64_t world_close(struct world *w)
{
	struct pw_arena *arena = pw_machine_arena(w->machine);
	struct pw_arena_faults faults;
	uint64_t leaked;

	pw_mm_destroy(w->mm);
	pw_arena_faults(arena, &faults);
	w->wrong += faults.underflows + faults.written_after_free;
	leaked = pw_arena_bytes(arena) - pw_arena_free_bytes(arena);
	pw_machine_destroy(w->machine);
	return leaked;
}

int main(int argc, char **argv)
{
	const struct pw_format *format = pw_format_find(argc > 1 ? argv[1] : "x86_64");
	const struct pw_format *other = pw_format_find(argc > 2 ? argv[2] : "amdv1");
	struct device device;
	struct world world;
	pthread_t thread[2];
	unsigned mirrored;
	uint64_t leaked;

	must(argc <= 4 && format && other && pw_format_can_edit(format) &&
		     pw_format_can_edit(other),
	     "usage: mirror [FORMAT [DEVICE'S FORMAT [ROUNDS]]]");
	world_open(&world, format, argc > 3 ? strtoull(argv[3], NULL, 0) : 20000);
	device_open(&device, &world, other);
	must(!pthread_create(&thread[0], NULL, process_run, &world) &&
		     !pthread_create(&thread[1], NULL, device_run, &device),
	     "no threads");
	pthread_join(thread[0], NULL);
	pthread_join(thread[1], NULL);
	mirrored = device_compare(&device);
	check_words(&world);
	device_close(&device);
	leaked = world_close(&world);
	printf("process: %llu rounds, %llu forks, %llu pages migrated, %llu KiB reclaimed\n"
	       "device: %llu accesses, %llu refused, %llu pages brought, %llu runs invalidated, "
	       "%llu times overtaken\n"
	       "wrong: %llu, leaked bytes: %llu, pages compared: %u\n",
	       (unsigned long long)world.rounds, (unsigned long long)world.forks,
	       (unsigned long long)world.migrated, (unsigned long long)world.reclaimed >> 10,
	       (unsigned long long)device.accesses, (unsigned long long)device.refused,
	       (unsigned long long)device.brought, (unsigned long long)device.invalidated,
	       (unsigned long long)device.retries, (unsigned long long)world.wrong,
	       (unsigned long long)leaked, mirrored);
	return world.wrong || leaked ? 1 : 0;
}
