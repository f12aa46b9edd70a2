/* SPDX-License-Identifier: MIT */
/*
 * Cpus: what is behind struct pw_vcpu, and who may touch it.
 *
 *   the cpu's thread       all of it, but tags and `fills` only with `lock` held
 *   any thread             tag (only to PW_TLB_SLOW) with `lock` held; `interrupted`
 *   the flusher            loads of tlb.inside and `fills`; `waited` and `seen` with mm->cpus_lock held
 *
 * Locks: mm->cpus_lock, then cpu->lock. Nothing is taken below cpu->lock, and a thread that is between
 * pw_cpu_begin and pw_cpu_end takes no lock at all: so pw_tlb_flush may wait with any lock of mm.h held.
 */
#ifndef PW_MM_CPU_INSIDE_H
#define PW_MM_CPU_INSIDE_H

#include <pagewalk/cpu.h>

#include "mm/mm.h"

struct pw_vcpu {
	struct pw_tlb tlb; /* must be first: cpu.h looks for it there */
	struct pw_mm *mm;
	struct pw_reader *reader;
	/* fault.c: the VMA of the last fault; good while mm->sequence is vma_sequence. */
	struct pw_vma *vma;
	uint64_t vma_sequence;
	unsigned near; /* a number that the machine's cpus share as little as possible */
	uint32_t interrupted; /* atomic: pw_cpu_interrupt was called; pin_slow.c clears it */
	uint32_t needed[3]; /* by enum pw_access_kind: the attributes that a leaf needs */
	bool fenced; /* there is no membarrier(2): accesses begin with a fence, on the slow path */
	struct pw_fault fault; /* the last one that failed */

	pthread_t thread;
	pthread_mutex_t lock; /* tags, while they are filled or taken away */
	/* Atomic: how often this cpu has missed. A cpu that misses has ended the access before. */
	uint64_t fills;
	bool waited; /* the flusher waits for it, if its `fills` is still `seen` */
	uint64_t seen;
	struct pw_vcpu *next, **back; /* mm->cpus_lock */
};

/* Is an access of @bytes one that pw_cpu_begin and the atomic operations make? */
PW_INLINE bool pw_access_size_valid(unsigned bytes)
{
	return bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8;
}

/* What became of a miss. */
enum pw_fill {
	PW_FILL_DONE, /* the TLB has the entry; or had it, if it was flushed meanwhile */
	PW_FILL_FAULT, /* the tables do not permit the access */
	PW_FILL_ABSENT, /* the same: nothing is mapped there */
	PW_FILL_OUTSIDE, /* they lead to a page that is not in the arena */
};

/* Walks the tables for one access as the hardware does, sets accessed and dirty bits, and fills the TLB. */
enum pw_fill pw_tlb_fill(struct pw_vcpu *cpu, pw_va va, enum pw_access_kind access);
/*
 * A fault has stored an entry at @work->slot: if it permits the access, the TLB of @work->cpu gets it, and there will be
 * no miss. The table lock has been held since the store: so whoever takes the entry away comes later, and so does the
 * flush.
 */
void pw_tlb_came(struct pw_fault_work *work);
/* What leaves of the space's format need for each kind of access by user mode. */
void pw_tlb_needs(const struct pw_space *space, uint32_t needed[3]);
/* cpu.c: what a flusher does after it has looked @looks times before and found an access of @cpu under way again. */
void pw_tlb_rest(const struct pw_vcpu *cpu, unsigned looks);
/* Empties a new TLB. */
void pw_tlb_init(struct pw_tlb *tlb);

#endif
