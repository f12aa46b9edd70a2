/* SPDX-License-Identifier: MIT */
/* Processes under load: how they are born, fork and exit, and what their threads choose. See spaces.h. */
#include <stdlib.h>

#include "spaces.h"

static bool stopped(const struct process *process)
{
	return __atomic_load_n(&process->exiting, __ATOMIC_ACQUIRE) ||
	       __atomic_load_n(&process->world->stop, __ATOMIC_ACQUIRE);
}

/* ---- slots of processes ---- */

static struct process *take_process(struct spaces *world)
{
	struct process *found = NULL;

	pthread_mutex_lock(&world->lock);
	for (unsigned i = 0; !found && i < PROCESSES; i++)
		if (__atomic_load_n(&world->process[i].state, __ATOMIC_ACQUIRE) == PROCESS_FREE)
			found = &world->process[i];
	if (found) {
		__atomic_store_n(&found->state, PROCESS_BORN, __ATOMIC_RELEASE);
		__atomic_store_n(&found->exiting, false, __ATOMIC_RELEASE);
		found->serial = __atomic_add_fetch(&world->serial, 1, __ATOMIC_RELAXED);
		world->living++;
	}
	pthread_mutex_unlock(&world->lock);
	return found;
}

static void give_process(struct process *process)
{
	struct spaces *world = process->world;

	pthread_mutex_lock(&world->lock);
	__atomic_store_n(&process->state, PROCESS_FREE, __ATOMIC_RELEASE);
	world->living--;
	pthread_cond_broadcast(&world->died);
	pthread_mutex_unlock(&world->lock);
}

/* ---- what a thread does ---- */

/* Looks at another process's memory. */
static void look_at_other(struct actor *a)
{
	struct spaces *world = a->world;
	struct process *other = &world->process[choose(a, PROCESSES)];
	uint64_t word = 0;
	pw_pa pa;

	if (pthread_rwlock_tryrdlock(&other->alive))
		return;
	if (__atomic_load_n(&other->state, __ATOMIC_ACQUIRE) == PROCESS_ALIVE) {
		const pw_va va = area_va(other, scratch_at(world) + choose(a, SCRATCH));
		const struct iovec to = { &word, sizeof(word) };
		const struct pw_extent from = { va, sizeof(word) };

		if (pw_mm_read(other->mm, &to, 1, &from, 1, false) == sizeof(word) && word &&
		    word != TAG)
			spaces_wrong(world, "another process's scratch memory holds", va, word,
				     TAG);
		if (pw_pin_remote(a->cpu, other->mm,
				  area_va(other, choose(a, ZONES * world->zone_pages)), 1,
				  sometimes(a, 2) ? PW_PIN_WRITE : 0, &pa, NULL) == 1)
			pw_unpin_pages(pw_cpu_reader(a->cpu), &pa, 1, 0, false);
		did(a, SP_REMOTE);
	}
	pthread_rwlock_unlock(&other->alive);
}

static void step(struct actor *a)
{
	const uint32_t what = choose(a, 1000);

	if (what < 500) {
		zone_step(a);
	} else if (what < 600) {
		hold_new(a);
	} else if (what < 650) {
		struct hold *hold = &a->hold[choose(a, HOLDS)];

		if (hold->zone)
			hold_check(a, hold);
	} else if (what < 800) {
		shared_step(a);
	} else if (what < 960) {
		scratch_step(a);
	} else if (what < 980) {
		look_at_other(a);
	} else if (what < 990) {
		process_fork(a);
	} else if (what < 993) {
		orphans_release(a->world, pw_cpu_reader(a->cpu));
	} else if (what == 999 && sometimes(a, 2)) {
		__atomic_store_n(&a->process->exiting, true, __ATOMIC_RELEASE);
		did(a, SP_EXIT);
	}
}

/* ---- lives ---- */

static void *live(void *actor);

static struct actor *new_actor(struct process *process, uint32_t number)
{
	struct actor *a = calloc(1, sizeof(*a));

	if (!a)
		abort();
	a->world = process->world;
	a->process = process;
	a->number = number;
	a->random = (process->world->seed + process->serial * THREADS + number) *
		    UINT64_C(0x9e3779b97f4a7c15);
	return a;
}

static void start(struct process *process, uint32_t number)
{
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	if (pthread_create(&thread, &attr, live, new_actor(process, number)))
		abort();
	pthread_attr_destroy(&attr);
}

/* The last thread of a process takes it away. */
static void end(struct process *process)
{
	if (__atomic_sub_fetch(&process->threads, 1, __ATOMIC_ACQ_REL))
		return;
	pthread_rwlock_wrlock(&process->alive);
	__atomic_store_n(&process->state, PROCESS_BORN, __ATOMIC_RELEASE);
	pw_mm_destroy(process->mm);
	process->mm = NULL;
	pthread_rwlock_unlock(&process->alive);
	give_process(process);
}

static void *live(void *actor)
{
	struct actor *a = actor;
	struct process *process = a->process;
	const bool leads = a->number == 0;

	if (pw_cpu_create(process->mm, &a->cpu)) {
		did(a, SP_NO_MEMORY);
		__atomic_store_n(&process->exiting, true, __ATOMIC_RELEASE);
		a->cpu = NULL;
	}
	if (leads) {
		if (a->cpu)
			zones_settle(a);
		__atomic_store_n(&process->state, PROCESS_ALIVE, __ATOMIC_RELEASE);
		for (uint32_t i = 1; i < THREADS; i++)
			start(process, i);
	}
	while (a->cpu && !stopped(process))
		step(a);
	if (a->cpu) {
		holds_end(a);
		pw_cpu_destroy(a->cpu);
	}
	free(a);
	end(process);
	return NULL;
}

int process_begin(struct spaces *world)
{
	struct process *process = take_process(world);
	const uint64_t align = world->align;
	struct pw_error error;
	pw_sva va;
	int result;

	if (!process)
		return -EAGAIN;
	result = pw_mm_create(world->machine, &process->mm, &error);
	if (result) {
		give_process(process);
		return result;
	}
	va = pw_mmap(process->mm, 0, area_pages(world) * world->page + align, PROT_NONE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, NULL, 0);
	if (!pw_is_error(va)) {
		process->base = ((pw_va)va + align - 1) & ~(align - 1);
		result = zones_map(process);
	} else {
		result = (int)va;
	}
	if (!result)
		result = shared_map(process);
	if (result) {
		pw_mm_destroy(process->mm);
		give_process(process);
		return result;
	}
	__atomic_store_n(&process->threads, THREADS, __ATOMIC_RELEASE);
	start(process, 0);
	return 0;
}

/* Half of the forks come while the other threads of the parent store. */
void process_fork(struct actor *a)
{
	struct process *parent = a->process, *child = take_process(a->world);
	const bool alone = sometimes(a, 2);
	struct pw_error error;
	int result;

	if (!child)
		return;
	for (unsigned i = 0; i < ZONES; i++) {
		if (alone)
			pthread_rwlock_wrlock(&parent->zone[i].lock);
		else
			pthread_rwlock_rdlock(&parent->zone[i].lock);
	}
	pthread_rwlock_wrlock(&parent->pinned_writes);
	child->base = parent->base;
	zones_before_fork(parent, child);
	result = pw_mm_fork(parent->mm, &child->mm, &error);
	zones_after_fork(parent, child);
	pthread_rwlock_unlock(&parent->pinned_writes);
	for (unsigned i = 0; i < ZONES; i++)
		pthread_rwlock_unlock(&parent->zone[i].lock);
	if (result) {
		if (result == -ENOMEM)
			did(a, SP_NO_MEMORY);
		else
			spaces_wrong(a->world, "fork", 0, (uint64_t)result, 0);
		give_process(child);
		return;
	}
	did(a, SP_FORK);
	__atomic_store_n(&child->threads, THREADS, __ATOMIC_RELEASE);
	start(child, 0);
}
