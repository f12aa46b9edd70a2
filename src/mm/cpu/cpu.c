/* SPDX-License-Identifier: MIT */
/*
 * cpus: their life, and the accesses that miss the TLB, or that do not lie in one entry of it.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mutant.h"
#include "mm/cpu/cpu_inside.h"
#include "sync/parts.h"

/* Of one access. */
enum { MOST_BYTES = 8 };

/* Of a flusher that waits. */
enum {
	LOOKS_AWAKE = 64, /* looks without sleep: an access is a few instructions */
	SLEEP_MIN_NS = 20 * 1000,
	SLEEP_MAX_NS = 1000 * 1000,
};

static const pw_va TLB_OFFSET = (UINT64_C(1) << PW_TLB_LG2) - 1;

/* ---- life ---- */

static void add_cpu(struct pw_mm *mm, struct pw_vcpu *cpu)
{
	pthread_mutex_lock(&mm->cpus_lock);
	cpu->next = mm->cpus;
	cpu->back = &mm->cpus;
	if (cpu->next)
		cpu->next->back = &cpu->next;
	mm->cpus = cpu;
	pthread_mutex_unlock(&mm->cpus_lock);
}

int pw_cpu_create(struct pw_mm *mm, struct pw_vcpu **cpu_ret)
{
	struct pw_vcpu *cpu;
	int code;

	if (!mm || !cpu_ret)
		return -EINVAL;
	cpu = aligned_alloc(_Alignof(struct pw_vcpu), sizeof(*cpu));
	if (!cpu)
		return -ENOMEM;
	memset(cpu, 0, sizeof(*cpu));
	code = pw_reader_create(mm->space, &cpu->reader);
	if (code) {
		free(cpu);
		return code;
	}
	pw_tlb_init(&cpu->tlb);
	pw_tlb_needs(mm->space, cpu->needed);
	cpu->mm = mm;
	cpu->near = __atomic_fetch_add(&mm->machine->cpus, 1, __ATOMIC_RELAXED);
	cpu->thread = pthread_self();
	cpu->fenced = pw_membarrier_init(NULL) != 0;
	pthread_mutex_init(&cpu->lock, NULL);
	add_cpu(mm, cpu);
	*cpu_ret = cpu;
	return 0;
}

void pw_cpu_destroy(struct pw_vcpu *cpu)
{
	if (!cpu)
		return;
	/* Flushers look at cpus with the lock held only, so none looks at this one once it is out. */
	pthread_mutex_lock(&cpu->mm->cpus_lock);
	*cpu->back = cpu->next;
	if (cpu->next)
		cpu->next->back = cpu->back;
	pthread_mutex_unlock(&cpu->mm->cpus_lock);
	pw_reader_destroy(cpu->reader);
	pthread_mutex_destroy(&cpu->lock);
	free(cpu);
}

struct pw_reader *pw_cpu_reader(struct pw_vcpu *cpu)
{
	return cpu->reader;
}

struct pw_mm *pw_cpu_mm(const struct pw_vcpu *cpu)
{
	return cpu->mm;
}

const struct pw_fault *pw_cpu_fault(const struct pw_vcpu *cpu)
{
	return &cpu->fault;
}

void pw_cpu_interrupt(struct pw_vcpu *cpu)
{
	/* Release: who sees it sees what the caller did before. Partner: the exchange in pin_slow.c. */
	__atomic_store_n(&cpu->interrupted, 1, __ATOMIC_RELEASE);
}

/* It stands apart from the flush so that the laboratory can have another one. */
void pw_tlb_rest(const struct pw_vcpu *cpu, unsigned looks)
{
	long ns = SLEEP_MIN_NS;

	(void)cpu;
	if (looks < LOOKS_AWAKE)
		return;
	for (unsigned slept = looks - LOOKS_AWAKE; slept > 0 && ns < SLEEP_MAX_NS; slept--)
		ns *= 2;
	nanosleep(&(struct timespec){ .tv_nsec = ns < SLEEP_MAX_NS ? ns : SLEEP_MAX_NS }, NULL);
}

/* ---- translations ---- */

static bool refuse(struct pw_vcpu *cpu, pw_va va, enum pw_fault_kind kind, int code)
{
	cpu->fault = (struct pw_fault){ .kind = kind, .va = va, .signal = SIGBUS, .code = code };
	return false;
}

/* Says that an access of @inside begins, before the TLB is looked at. */
PW_INLINE void enter(struct pw_vcpu *cpu, uint64_t inside)
{
	__atomic_store_n(&cpu->tlb.inside, inside, __ATOMIC_RELAXED);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	/* Partner: the fence in pw_tlb_flush. */
	if (cpu->fenced && !pw_mutant(PW_MUTANT_CPU_NO_FENCE))
		__sync_synchronize();
}

/* What the TLB has, also where the inline path may not use it. NULL: a miss. */
static void *look(struct pw_vcpu *cpu, pw_va va, enum pw_access_kind access)
{
	struct pw_tlb_entry *entry = &cpu->tlb.entry[va >> PW_TLB_LG2 & (PW_TLB_ENTRIES - 1)];
	uint64_t tag = __atomic_load_n(&entry->tag[access], __ATOMIC_RELAXED);

	if ((tag & ~PW_TLB_SLOW) != (va & ~TLB_OFFSET))
		return NULL;
	return (void *)(uintptr_t)(va + entry->addend);
}

/* Makes the page accessible, in the tables and in the TLB. False: cpu->fault says why not. */
static bool bring(struct pw_vcpu *cpu, pw_va va, enum pw_access_kind access)
{
	unsigned flags = access == PW_ACCESS_WRITE  ? PW_FAULT_WRITE
			 : access == PW_ACCESS_EXEC ? PW_FAULT_EXEC
						    : 0;

	do {
		enum pw_fill filled = pw_tlb_fill(cpu, va, access);
		unsigned absent = filled == PW_FILL_ABSENT ? PW_FAULT_ABSENT : 0u;

		if (filled == PW_FILL_DONE)
			return true;
		if (filled == PW_FILL_OUTSIDE)
			return refuse(cpu, va, PW_FAULT_ADRERR, BUS_ADRERR);
		if (pw_fault_at(cpu->mm, cpu, va, flags | absent, &cpu->fault) != PW_FAULT_DONE)
			return false;
		/* The fault may have filled the TLB. */
	} while (!look(cpu, va, access));
	return true;
}

/* As pw_cpu_begin, for any access that lies in one entry of the TLB. */
static void *begin(struct pw_vcpu *cpu, pw_va va, enum pw_access_kind access)
{
	for (;;) {
		void *host;

		enter(cpu, va | 1);
		host = look(cpu, va, access);
		if (host)
			return host;
		pw_cpu_end(cpu);
		if (!bring(cpu, va, access))
			return NULL;
	}
}

void *pw_cpu_begin(struct pw_vcpu *cpu, pw_va va, unsigned bytes, enum pw_access_kind access)
{
	if (!pw_access_size_valid(bytes) || va & (bytes - 1)) {
		refuse(cpu, va, PW_FAULT_ADRERR, BUS_ADRALN);
		return NULL;
	}
	return begin(cpu, va, access);
}

/*
 * Begins an access to two neighbouring entries: to the one of @va, and to the next. While it is under way,
 * every flush that concerns this cpu waits.
 */
static bool begin_two(struct pw_vcpu *cpu, pw_va va, pw_va next, enum pw_access_kind access,
		      unsigned char *host[2])
{
	for (;;) {
		enter(cpu, PW_INSIDE_ANY);
		host[0] = look(cpu, va, access);
		host[1] = look(cpu, next, access);
		if (host[0] && host[1])
			return true;
		pw_cpu_end(cpu);
		if (!host[0] && !bring(cpu, va, access))
			return false;
		if (!host[1] && !bring(cpu, next, access))
			return false;
	}
}

/* ---- up to 8 bytes ---- */

/* A load or store in the host's memory, in one piece if it is aligned. */
static void load_host(const void *host, unsigned bytes, void *value)
{
	bool aligned = ((uintptr_t)host & (bytes - 1)) == 0;

	if (bytes == 8 && aligned)
		*(uint64_t *)value = __atomic_load_n((const uint64_t *)host, __ATOMIC_RELAXED);
	else if (bytes == 4 && aligned)
		*(uint32_t *)value = __atomic_load_n((const uint32_t *)host, __ATOMIC_RELAXED);
	else if (bytes == 2 && aligned)
		*(uint16_t *)value = __atomic_load_n((const uint16_t *)host, __ATOMIC_RELAXED);
	else
		memcpy(value, host, bytes);
}

static void store_host(void *host, unsigned bytes, const void *value)
{
	bool aligned = ((uintptr_t)host & (bytes - 1)) == 0;

	if (bytes == 8 && aligned)
		__atomic_store_n((uint64_t *)host, *(const uint64_t *)value, __ATOMIC_RELAXED);
	else if (bytes == 4 && aligned)
		__atomic_store_n((uint32_t *)host, *(const uint32_t *)value, __ATOMIC_RELAXED);
	else if (bytes == 2 && aligned)
		__atomic_store_n((uint16_t *)host, *(const uint16_t *)value, __ATOMIC_RELAXED);
	else
		memcpy(host, value, bytes);
}

/* The bytes of an access that lie in the entry of @va; fewer than @bytes if it crosses into the next one. */
static unsigned in_first(pw_va va, unsigned bytes)
{
	uint64_t rest = TLB_OFFSET + 1 - (va & TLB_OFFSET);

	return rest < bytes ? (unsigned)rest : bytes;
}

/* No access has so many bytes. */
static bool refuse_size(struct pw_vcpu *cpu, pw_va va)
{
	refuse(cpu, va, PW_FAULT_ADRERR, BUS_ADRALN);
	return false;
}

bool pw_load_bytes(struct pw_vcpu *cpu, pw_va va, unsigned bytes, void *value_ret,
		   enum pw_access_kind access)
{
	unsigned first = in_first(va, bytes);
	unsigned char *host[2], value[MOST_BYTES];

	if (bytes == 0)
		return true;
	if (bytes > MOST_BYTES)
		return refuse_size(cpu, va);
	if (first == bytes) {
		host[0] = begin(cpu, va, access);
		if (!host[0])
			return false;
		load_host(host[0], bytes, value_ret);
		pw_cpu_end(cpu);
		return true;
	}
	if (!begin_two(cpu, va, va + first, access, host))
		return false;
	memcpy(value, host[0], first);
	memcpy(value + first, host[1], bytes - first);
	pw_cpu_end(cpu);
	memcpy(value_ret, value, bytes);
	return true;
}

bool pw_store_bytes(struct pw_vcpu *cpu, pw_va va, unsigned bytes, const void *value)
{
	unsigned first = in_first(va, bytes);
	unsigned char *host[2];

	if (bytes == 0)
		return true;
	if (bytes > MOST_BYTES)
		return refuse_size(cpu, va);
	if (first == bytes) {
		host[0] = begin(cpu, va, PW_ACCESS_WRITE);
		if (!host[0])
			return false;
		store_host(host[0], bytes, value);
		pw_cpu_end(cpu);
		return true;
	}
	if (!begin_two(cpu, va, va + first, PW_ACCESS_WRITE, host))
		return false;
	memcpy(host[0], value, first);
	memcpy(host[1], (const unsigned char *)value + first, bytes - first);
	pw_cpu_end(cpu);
	return true;
}
