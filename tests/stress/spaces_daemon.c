/* SPDX-License-Identifier: MIT */
/* Threads of the machine under load: pages that move, go to swap, are split and put together. */
#include <stdlib.h>
#include <unistd.h>

#include "spaces.h"

static bool stopped(const struct spaces *world)
{
	return __atomic_load_n(&world->stop, __ATOMIC_ACQUIRE);
}

/* One round of khugepaged in some process. */
static void collapse(struct actor *a)
{
	struct process *process = &a->world->process[choose(a, PROCESSES)];

	if (pthread_rwlock_tryrdlock(&process->alive))
		return;
	if (__atomic_load_n(&process->state, __ATOMIC_ACQUIRE) == PROCESS_ALIVE) {
		pw_collapse_all(process->mm);
		did(a, SP_COLLAPSE_ALL);
	}
	pthread_rwlock_unlock(&process->alive);
}

void *daemon_move(void *actor)
{
	struct actor *a = actor;

	while (!stopped(a->world)) {
		const pw_pa pa = choose(a, (uint32_t)a->world->frames) * a->world->page;

		switch (choose(a, 16)) {
		case 0:
			collapse(a);
			break;
		case 1:
		case 2:
			pw_split_folio(a->world->machine, pa);
			did(a, SP_SPLIT);
			break;
		case 3:
			usleep(200);
			break;
		default:
			pw_migrate(a->world->machine, pa);
			did(a, SP_MIGRATE);
		}
	}
	return NULL;
}

void *daemon_reclaim(void *actor)
{
	struct actor *a = actor;

	while (!stopped(a->world)) {
		struct pw_machine_info info;

		pw_reclaim(a->world->machine, (1 + choose(a, 64)) * a->world->page);
		pw_machine_info(a->world->machine, &info);
		did(a, SP_RECLAIM);
		usleep(1000);
	}
	return NULL;
}
