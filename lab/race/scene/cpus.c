/* SPDX-License-Identifier: MIT */
/*
 * Processors with TLBs, for `machine tlb`: those of src/mm/cpu/cpu.c and tlb.c, with the shootdown that belongs to them.
 *
 * They are those of hosts without membarrier(2), whose accesses begin with a fence: that a barrier happens to other
 * threads is nothing that the laboratory has. A flusher that waits for an access waits for its word, and does not
 * look again and again.
 */
#include <pthread.h>

#include "lab/race/race.h"
#include "lab/race/scene/scene.h"
#include "lab/race/wrap.h"
#include "mm/cpu/cpu_inside.h"

void scene_make_tlb(unsigned thread)
{
	struct pw_vcpu *cpu = world.cpu[thread];
	struct pw_mm *mm = cpu->mm;

	pw_tlb_init(&cpu->tlb);
	pw_tlb_needs(mm->space, cpu->needed);
	pthread_mutex_init(&cpu->lock, NULL);
	cpu->fenced = true;
	cpu->thread = (pthread_t)thread + 1;
	cpu->next = mm->cpus;
	cpu->back = &mm->cpus;
	if (cpu->next)
		cpu->next->back = &cpu->next;
	mm->cpus = cpu;
}

bool scene_access_tlb(const struct scene_op *op, uint32_t *value)
{
	struct pw_vcpu *cpu = world.cpu[op->thread];

	if (op->kind == SCENE_STORE)
		return pw_store_bytes(cpu, op->va, sizeof(*value), value);
	return pw_load_bytes(cpu, op->va, sizeof(*value), value, PW_ACCESS_READ);
}

pthread_t __real_pthread_self(void);
pthread_t __wrap_pthread_self(void);
void __wrap_pw_tlb_rest(const struct pw_vcpu *cpu, unsigned looks);
enum pw_fault_kind __real_pw_fault_at(struct pw_mm *mm, struct pw_vcpu *cpu, pw_va va,
				      unsigned flags, struct pw_fault *fault_ret);
enum pw_fault_kind __wrap_pw_fault_at(struct pw_mm *mm, struct pw_vcpu *cpu, pw_va va,
				      unsigned flags, struct pw_fault *fault_ret);

/* All threads of a search are one of the host. */
pthread_t __wrap_pthread_self(void)
{
	return race_running() ? (pthread_t)race.thread + 1 : __real_pthread_self();
}

/* The flusher has found the processor in an access, which may have ended meanwhile. */
void __wrap_pw_tlb_rest(const struct pw_vcpu *cpu, unsigned looks)
{
	const uint64_t seen = race_look(&cpu->tlb.inside);

	(void)looks;
	if (seen)
		pw_lab_wait(&cpu->tlb.inside, sizeof(cpu->tlb.inside), seen);
}

/* Processors do not remember VMAs: the laboratory's locks of them are for those who hold the lock of the mm. */
enum pw_fault_kind __wrap_pw_fault_at(struct pw_mm *mm, struct pw_vcpu *cpu, pw_va va,
				      unsigned flags, struct pw_fault *fault_ret)
{
	return __real_pw_fault_at(mm, world.scene->real_locks ? cpu : NULL, va, flags, fault_ret);
}
