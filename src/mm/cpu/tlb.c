/* SPDX-License-Identifier: MIT */
/*
 * TLBs of cpus: what a miss does, and the shootdown. <pagewalk/cpu.h> has the picture of the order between a
 * hit and a flush.
 *
 * A miss holds cpu->lock from before it loads the table's entry until it has filled the TLB. A flusher has
 * changed the table's entry before it takes cpu->lock. So either it finds what the miss has filled, or the miss
 * finds what the flusher has stored. A fault that fills the TLB holds the table lock instead: pw_tlb_came.
 */
#include "base/mutant.h"
#include "format/format.h"
#include "mm/cpu/cpu_inside.h"
#include "space/slot_group.h"
#include "sync/parts.h"

static const pw_va TLB_OFFSET = (UINT64_C(1) << PW_TLB_LG2) - 1;

PW_INLINE struct pw_tlb_entry *entry_of(struct pw_vcpu *cpu, pw_va va)
{
	return &cpu->tlb.entry[va >> PW_TLB_LG2 & (PW_TLB_ENTRIES - 1)];
}

PW_INLINE uint64_t tag_of(const struct pw_tlb_entry *entry, unsigned access)
{
	return __atomic_load_n(&entry->tag[access], __ATOMIC_RELAXED);
}

PW_INLINE void set_tag(struct pw_tlb_entry *entry, unsigned access, uint64_t tag)
{
	__atomic_store_n(&entry->tag[access], tag, __ATOMIC_RELAXED);
}

/* A tag that no access finds: its other bits belong to another entry of the TLB, or to no address at all. */
static const uint64_t TAG_NONE = ~UINT64_C(0);

void pw_tlb_init(struct pw_tlb *tlb)
{
	*tlb = (struct pw_tlb){ 0 };
	for (unsigned i = 0; i < PW_TLB_ENTRIES; i++)
		for (unsigned access = 0; access < 3; access++)
			tlb->entry[i].tag[access] = TAG_NONE;
}

/* ---- a miss ---- */

/* The attributes that an access sets. */
static const uint32_t set_by[] = {
	[PW_ACCESS_READ] = PW_ACCESSED,
	[PW_ACCESS_WRITE] = PW_ACCESSED | PW_DIRTY,
	[PW_ACCESS_EXEC] = PW_ACCESSED,
};

void pw_tlb_needs(const struct pw_space *space, uint32_t needed[3])
{
	const struct pw_format *f = space->format;
	const uint32_t all = PW_PROT_MASK | PW_ACCESSED | PW_DIRTY;
	uint64_t leaf = pw_slot_leaf(space, 0, space->arena->base, all);
	bool exec = f->attr(f, pw_space_now(space), 0, leaf) & PW_EXEC;

	needed[PW_ACCESS_READ] = PW_USER | PW_READ;
	needed[PW_ACCESS_WRITE] = PW_USER | PW_WRITE;
	/* Devices (amdv1) do not know instructions. */
	needed[PW_ACCESS_EXEC] = PW_USER | (exec ? PW_EXEC : PW_READ);
}

static uint32_t to_set(enum pw_access_kind access)
{
	if (pw_mutant(PW_MUTANT_CPU_NO_DIRTY))
		return PW_ACCESSED;
	if (pw_mutant(PW_MUTANT_CPU_NO_ACCESSED))
		return set_by[access] & PW_DIRTY;
	return set_by[access];
}

/* Sets the accessed and dirty bits of the slot's leaf. False: it does not permit the access, or is no leaf. */
static bool use_slot(const struct pw_vcpu *cpu, pw_va va, enum pw_access_kind access,
		     struct pw_slot *slot)
{
	struct pw_space *space = cpu->mm->space;
	const uint32_t needed = cpu->needed[access];

	while (slot->kind == PW_SLOT_PAGE && (slot->attr & needed) == needed) {
		uint32_t attr = slot->attr | to_set(access);

		/* Some entries cannot say whether they were used. */
		if (attr == slot->attr || pw_slot_mark(space, va, slot, attr))
			return true;
	}
	return false;
}

/* Finds the leaf at @va, and uses it. */
static bool use_leaf(const struct pw_vcpu *cpu, pw_va va, enum pw_access_kind access,
		     struct pw_slot *slot)
{
	do {
		pw_slot_find(cpu->mm->space, va, slot);
		if (use_slot(cpu, va, access, slot))
			return true;
		/* It has changed, and may be a table now. */
	} while (slot->kind == PW_SLOT_TABLE);
	return false;
}

static void fill(struct pw_vcpu *cpu, pw_va va, enum pw_access_kind access, uint32_t attr,
		 const unsigned char *host)
{
	struct pw_tlb_entry *entry = entry_of(cpu, va);
	uint64_t tag = (va & ~TLB_OFFSET) | (cpu->fenced ? PW_TLB_SLOW : 0);

	/* An access of this thread looks at tag and addend after this; flushers look at tags alone. */
	entry->addend = (uint64_t)(uintptr_t)host - va;
	for (unsigned other = 0; other < 3; other++) {
		bool may = (attr & cpu->needed[other]) == cpu->needed[other];

		/* A clean page's first write must come here, to set the dirty bit. */
		if (other == PW_ACCESS_WRITE && access != PW_ACCESS_WRITE && !(attr & PW_DIRTY))
			may = may && pw_mutant(PW_MUTANT_CPU_CLEAN_HIT);
		set_tag(entry, other, may ? tag : TAG_NONE);
	}
}

/* Fills the TLB from the slot's leaf, if its page is memory of the arena. cpu->lock. */
static bool fill_from(struct pw_vcpu *cpu, pw_va va, enum pw_access_kind access,
		      const struct pw_slot *slot)
{
	const struct pw_arena *arena = cpu->mm->machine->arena;
	const pw_pa pa = slot->pa + (va & pw_mask(cpu->mm->machine->format->shift[slot->level]));

	if (!pw_arena_has(arena, pa))
		return false;
	fill(cpu, va, access, slot->attr, pw_arena_at(arena, pa));
	return true;
}

/* Counts a miss. cpu->lock. */
static void count_fill(struct pw_vcpu *cpu)
{
	__atomic_store_n(&cpu->fills, cpu->fills + 1, __ATOMIC_RELEASE);
}

enum pw_fill pw_tlb_fill(struct pw_vcpu *cpu, pw_va va, enum pw_access_kind access)
{
	enum pw_fill came;
	struct pw_slot slot;

	pthread_mutex_lock(&cpu->lock);
	count_fill(cpu);
	pw_reader_enter(cpu->reader);
	if (use_leaf(cpu, va, access, &slot))
		came = fill_from(cpu, va, access, &slot) ? PW_FILL_DONE : PW_FILL_OUTSIDE;
	else
		came = slot.kind == PW_SLOT_EMPTY ? PW_FILL_ABSENT : PW_FILL_FAULT;
	pw_reader_leave(cpu->reader);
	pthread_mutex_unlock(&cpu->lock);
	return came;
}

void pw_tlb_came(struct pw_fault_work *work)
{
	const enum pw_access_kind access = work->flags & PW_FAULT_WRITE  ? PW_ACCESS_WRITE
					   : work->flags & PW_FAULT_EXEC ? PW_ACCESS_EXEC
									 : PW_ACCESS_READ;
	struct pw_vcpu *cpu = work->cpu;
	struct pw_slot *slot = &work->slot;

	if (!cpu)
		return;
	pw_slot_again(cpu->mm->space, work->va, slot);
	pw_moment(PW_MOMENT_LEAF_LOADED);
	pthread_mutex_lock(&cpu->lock);
	count_fill(cpu);
	if (use_slot(cpu, work->va, access, slot))
		(void)fill_from(cpu, work->touched, access, slot);
	pthread_mutex_unlock(&cpu->lock);
}

/* ---- the shootdown ---- */

/* Takes away what the entry has of first..last. Returns whether there was anything. */
static bool drop(struct pw_tlb_entry *entry, pw_va first, pw_va last)
{
	bool any = false;

	for (unsigned access = 0; access < 3; access++) {
		uint64_t tag = tag_of(entry, access);

		if (tag == TAG_NONE || (tag & ~TLB_OFFSET) < first || (tag & ~TLB_OFFSET) > last)
			continue;
		set_tag(entry, access, TAG_NONE);
		any = true;
	}
	return any;
}

static bool drop_range(struct pw_vcpu *cpu, pw_va first, pw_va last)
{
	const uint64_t pages = (last >> PW_TLB_LG2) - (first >> PW_TLB_LG2);
	bool any = false;

	if (pages >= PW_TLB_ENTRIES) {
		for (unsigned i = 0; i < PW_TLB_ENTRIES; i++)
			any |= drop(&cpu->tlb.entry[i], first, last);
		return any;
	}
	for (uint64_t i = 0; i <= pages; i++)
		any |= drop(entry_of(cpu, first + (i << PW_TLB_LG2)), first, last);
	return any;
}

/*
 * Empties the range in one TLB. Whether an access may still be under way that hit before: it hit an entry that
 * is in the TLB until now, because a cpu replaces an entry only after the access has ended, and because other
 * flushers that took it away have waited for the access, with cpus_lock held.
 */
static bool shoot(struct pw_vcpu *cpu, pw_va first, pw_va last)
{
	bool any;

	pthread_mutex_lock(&cpu->lock);
	any = !pw_mutant(PW_MUTANT_FLUSH_NONE) && drop_range(cpu, first, last);
	cpu->seen = __atomic_load_n(&cpu->fills, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&cpu->lock);
	/* A cpu of this thread is not in an access: this thread is here. */
	cpu->waited = any && !pthread_equal(cpu->thread, pthread_self());
	return cpu->waited;
}

/*
 * Has the access ended? A later access in the range misses first, which counts. Acquire: partner of the
 * releases in pw_cpu_end and count_fill.
 */
static bool has_left(const struct pw_vcpu *cpu, pw_va first, pw_va last)
{
	uint64_t inside = __atomic_load_n(&cpu->tlb.inside, __ATOMIC_ACQUIRE);

	if (inside != PW_INSIDE_ANY && (inside == 0 || inside < first || inside > last))
		return true;
	return __atomic_load_n(&cpu->fills, __ATOMIC_ACQUIRE) != cpu->seen;
}

/* A cpu that has not, or NULL. */
static const struct pw_vcpu *still_inside(struct pw_mm *mm, pw_va first, pw_va last)
{
	const struct pw_vcpu *inside = NULL;

	for (struct pw_vcpu *cpu = mm->cpus; cpu; cpu = cpu->next) {
		if (cpu->waited && has_left(cpu, first, last))
			cpu->waited = false;
		if (cpu->waited && !inside)
			inside = cpu;
	}
	return inside;
}

/* Cpus do not wake the flusher: at the end of every access they would need a barrier. */
static void wait_for_cpus(struct pw_mm *mm, pw_va first, pw_va last)
{
	const struct pw_vcpu *inside;

	/* Partner: pw_cpu_try, between its store of `inside` and its load of the tag. */
	if (mm->cpus->fenced)
		__sync_synchronize();
	else
		pw_barrier_everywhere();
	for (unsigned looks = 0; (inside = still_inside(mm, first, last)); looks++)
		pw_tlb_rest(inside, looks);
}

void pw_tlb_flush(struct pw_mm *mm, pw_va first, pw_va last)
{
	bool wait = false;

	first &= ~TLB_OFFSET;
	last |= TLB_OFFSET;
	pthread_mutex_lock(&mm->cpus_lock);
	for (struct pw_vcpu *cpu = mm->cpus; cpu; cpu = cpu->next)
		wait |= shoot(cpu, first, last);
	if (wait && !pw_mutant(PW_MUTANT_FLUSH_NO_WAIT))
		wait_for_cpus(mm, first, last);
	pthread_mutex_unlock(&mm->cpus_lock);
}
