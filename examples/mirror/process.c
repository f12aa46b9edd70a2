/* SPDX-License-Identifier: MIT */
/* The process; see mirror.h. */
#include <sched.h>
#include <sys/mman.h>

#include "mirror.h"

enum { ADDS = 8 };

uint64_t draw(uint64_t *random, uint64_t below)
{
	*random = *random * 6364136223846793005u + 1442695040888963407u;
	return (*random >> 33) % below;
}

/* Adds to the process's word of a page that stays, and looks at the device's. */
static void use(struct world *w, struct pw_vcpu *cpu, unsigned number)
{
	const pw_va va = w->va + number * w->page;
	uint64_t announced = __atomic_load_n(&w->device_adds[number], __ATOMIC_ACQUIRE), value;

	must(pw_atomic(cpu, va + PROCESS_WORD, 8, PW_ATOMIC_ADD, 1, &value),
	     "the process cannot write to its memory");
	__atomic_fetch_add(&w->process_adds[number], 1, __ATOMIC_RELEASE);
	must(pw_load_u64(cpu, va + DEVICE_WORD, &value), "the process cannot read its memory");
	if (value < announced)
		__atomic_fetch_add(&w->wrong, 1, __ATOMIC_RELAXED);
}

/* Maps other memory in the place of some pages of the second half, or leaves a hole there. */
static void replace(struct world *w, struct pw_vcpu *cpu, uint64_t *random)
{
	const pw_va va = w->va + (STAYING + draw(random, PAGES - STAYING - 4)) * w->page;
	const uint64_t bytes = (1 + draw(random, 4)) * w->page;

	if (draw(random, 4) == 0)
		must(pw_munmap(w->mm, va, bytes) == 0, "munmap");
	else
		must(!pw_is_error(pw_mmap(w->mm, va, bytes, PROT_READ | PROT_WRITE,
					  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0)),
		     "mmap");
	pw_store_u8(cpu, va, 1);
}

static void protect(struct world *w, uint64_t *random)
{
	const pw_va va = w->va + draw(random, STAYING - 4) * w->page;
	const uint64_t bytes = (1 + draw(random, 4)) * w->page;

	must(pw_mprotect(w->mm, va, bytes, PROT_READ) == 0, "mprotect");
	sched_yield();
	must(pw_mprotect(w->mm, va, bytes, PROT_READ | PROT_WRITE) == 0, "mprotect");
}

/* A child sees the words as they were, whatever its parent and the device do meanwhile. */
static void make_child(struct world *w, uint64_t *random)
{
	const pw_va va = w->va + draw(random, STAYING) * w->page + DEVICE_WORD;
	struct pw_vcpu *cpu;
	struct pw_mm *child;
	uint64_t before, after;

	must(pw_mm_fork(w->mm, &child, NULL) == 0, "fork");
	must(pw_cpu_create(child, &cpu) == 0, "no cpu for a child");
	must(pw_load_u64(cpu, va, &before), "a child cannot read");
	sched_yield();
	must(pw_load_u64(cpu, va, &after), "a child cannot read");
	if (before != after)
		__atomic_fetch_add(&w->wrong, 1, __ATOMIC_RELAXED);
	pw_cpu_destroy(cpu);
	pw_mm_destroy(child);
	w->forks++;
}

static void migrate(struct world *w, uint64_t *random)
{
	struct pw_snapshot page;

	must(pw_mm_snapshot(w->mm, w->va + draw(random, PAGES) * w->page, 1, false, false, &page) ==
		     0,
	     "no snapshot");
	if (page.valid && pw_migrate(w->machine, page.pa) == 0)
		w->migrated++;
}

void *process_run(void *world)
{
	struct world *w = world;
	struct pw_vcpu *cpu;
	uint64_t random = 7;

	must(pw_cpu_create(w->mm, &cpu) == 0, "no cpu for the process");
	for (uint64_t round = 0; round < w->rounds; round++) {
		for (unsigned i = 0; i < ADDS; i++)
			use(w, cpu, (unsigned)draw(&random, STAYING));
		switch (draw(&random, 5)) {
		case 0:
			replace(w, cpu, &random);
			break;
		case 1:
			protect(w, &random);
			break;
		case 2:
			make_child(w, &random);
			break;
		case 3:
			w->reclaimed += pw_reclaim(w->machine, 4 * w->page);
			break;
		default:
			migrate(w, &random);
			break;
		}
		sched_yield();
	}
	__atomic_store_n(&w->over, true, __ATOMIC_RELEASE);
	pw_cpu_destroy(cpu);
	return NULL;
}
