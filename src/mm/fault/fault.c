/* SPDX-License-Identifier: MIT */
/*
 * Faults: which kind, what Linux would answer, and trying again.
 *
 *     find the VMA     remembered by the cpu, or by a look at the tree; then its lock, for reading
 *     allowed?         by the VMA alone
 *     handle           by what the entry holds now; the handlers are one file each
 *     user handler     with no lock held, and then from the start
 */
#include <errno.h>
#include <signal.h>

#include "mm/cpu/cpu_inside.h"
#include "mm/marks.h"
#include "mm/mm.h"
#include "mm/soft.h"
#include "space/slot_group.h"

/* A fault that goes on for ever, because its user handler does not resolve it, ends as PW_FAULT_RETRY. */
enum { USER_ROUNDS = 1000, RECLAIM_ROUNDS = 16 };

const char *pw_fault_name(enum pw_fault_kind kind)
{
	static const char *const name[] = {
		[PW_FAULT_DONE] = "done",
		[PW_FAULT_MAPERR] = "nothing is mapped there (SIGSEGV, SEGV_MAPERR)",
		[PW_FAULT_ACCERR] = "the mapping does not permit it (SIGSEGV, SEGV_ACCERR)",
		[PW_FAULT_ADRERR] = "beyond the end of the file (SIGBUS, BUS_ADRERR)",
		[PW_FAULT_POISON] = "the memory is broken (SIGBUS, BUS_MCEERR_AR)",
		[PW_FAULT_OOM] = "no memory is left",
		[PW_FAULT_RETRY] = "the handler of user faults did not resolve it",
	};

	return (unsigned)kind < sizeof(name) / sizeof(name[0]) ? name[kind] : "?";
}

int pw_fault_errno(enum pw_fault_kind kind)
{
	switch (kind) {
	case PW_FAULT_DONE:
		return 0;
	case PW_FAULT_OOM:
		return -ENOMEM;
	case PW_FAULT_POISON:
		return -EHWPOISON;
	default:
		return -EFAULT;
	}
}

static void report(struct pw_fault *fault, enum pw_fault_kind kind, pw_va va)
{
	if (!fault)
		return;
	*fault = (struct pw_fault){ .kind = kind, .va = va };
	switch (kind) {
	case PW_FAULT_MAPERR:
		fault->signal = SIGSEGV;
		fault->code = SEGV_MAPERR;
		break;
	case PW_FAULT_ACCERR:
		fault->signal = SIGSEGV;
		fault->code = SEGV_ACCERR;
		break;
	case PW_FAULT_ADRERR:
		fault->signal = SIGBUS;
		fault->code = BUS_ADRERR;
		break;
	case PW_FAULT_POISON:
		fault->signal = SIGBUS;
		fault->code = BUS_MCEERR_AR;
		break;
	case PW_FAULT_DONE:
	case PW_FAULT_OOM:
	case PW_FAULT_RETRY:
		break;
	}
}

/* ---- the VMA ---- */

bool pw_fault_allowed(const struct pw_vma *vma, unsigned flags)
{
	const uint32_t any = PW_VM_READ | PW_VM_WRITE | PW_VM_EXEC;

	if (flags & PW_FAULT_WRITE)
		return vma->flags & PW_VM_WRITE || ((flags & PW_FAULT_FORCE) && pw_vma_copies(vma));
	if (flags & PW_FAULT_EXEC)
		return vma->flags & PW_VM_EXEC;
	return vma->flags & any || ((flags & PW_FAULT_FORCE) && vma->flags & PW_VM_MAYREAD);
}

/* The VMA that @cpu remembers, with its lock, if it holds @va and nothing has changed; else NULL. */
static struct pw_vma *remembered(struct pw_mm *mm, struct pw_vcpu *cpu, pw_va va)
{
	struct pw_vma *vma = NULL;

	if (!cpu || !cpu->vma)
		return NULL;
	/* In a section, because VMAs are freed when all sections that began before have ended. */
	pw_reader_enter(cpu->reader);
	if (__atomic_load_n(&mm->sequence, __ATOMIC_SEQ_CST) == cpu->vma_sequence &&
	    pw_vma_try_read(cpu->vma)) {
		/* From here on no writer changes it. One that did before changed the sequence, too. */
		if (__atomic_load_n(&mm->sequence, __ATOMIC_SEQ_CST) == cpu->vma_sequence &&
		    va >= cpu->vma->first && va <= cpu->vma->last)
			vma = cpu->vma;
		else
			pw_vma_read_unlock(cpu->vma);
	}
	pw_reader_leave(cpu->reader);
	return vma;
}

/*
 * The VMA that holds @va, with its lock for reading; NULL: there is none. Locking it under mm->lock always
 * succeeds, because a VMA is marked by a writer only while that holds mm->lock.
 */
static struct pw_vma *lock_vma(struct pw_mm *mm, struct pw_vcpu *cpu, pw_va va)
{
	struct pw_vma *vma = remembered(mm, cpu, va);

	if (vma)
		return vma;
	pw_mm_read_lock(mm);
	vma = pw_vma_find(mm, va);
	if (vma && !pw_vma_try_read(vma))
		vma = NULL;
	if (vma && cpu) {
		cpu->vma = vma;
		cpu->vma_sequence = __atomic_load_n(&mm->sequence, __ATOMIC_SEQ_CST);
	}
	pw_mm_read_unlock(mm);
	if (vma)
		return vma;
	/* Below a stack: it grows. */
	pw_mm_write_lock(mm);
	vma = pw_vma_expand(mm, va);
	pw_mm_write_unlock(mm);
	if (!vma)
		return NULL;
	pw_mm_read_lock(mm);
	vma = pw_vma_find(mm, va);
	if (vma && !pw_vma_try_read(vma))
		vma = NULL;
	pw_mm_read_unlock(mm);
	return vma;
}

/* ---- the entry ---- */

static enum pw_fault_kind fault_missing(struct pw_fault_work *work)
{
	struct pw_vma *vma = work->vma;
	enum pw_fault_kind kind;

	if (vma->device)
		return pw_fault_device(work);
	if (vma->file)
		return pw_fault_file(work);
	if (pw_user_wants(work, PW_USER_MISSING))
		return PW_FAULT_RETRY;
	if (pw_huge_fault_anon(work, &kind))
		return kind;
	return pw_fault_anon(work);
}

static enum pw_fault_kind fault_page(struct pw_fault_work *work);

/* A write that finds the page of others in swap copies it in the same fault: who populates memory faults only once. */
static enum pw_fault_kind fault_swapped(struct pw_fault_work *work)
{
	const enum pw_fault_kind kind = pw_fault_swap(work);
	struct pw_mm *mm = work->vma->mm;

	if (kind != PW_FAULT_DONE || !(work->flags & PW_FAULT_WRITE) ||
	    pw_mutant(PW_MUTANT_SWAP_READS))
		return kind;
	pw_table_peek(mm, work->va, &work->slot);
	if (work->slot.kind != PW_SLOT_PAGE || pw_slot_is_hidden(&work->slot) ||
	    (work->slot.attr & PW_WRITE))
		return kind;
	return fault_page(work);
}

static enum pw_fault_kind fault_soft(struct pw_fault_work *work)
{
	switch (pw_soft_kind(work->vma->mm->space, &work->slot.soft)) {
	case PW_SOFT_SWAP:
		return fault_swapped(work);
	case PW_SOFT_HWPOISON:
		return PW_FAULT_POISON;
	case PW_SOFT_MIGRATION:
		return pw_fault_migration(work);
	case PW_SOFT_DEVICE:
	case PW_SOFT_MARKER:
		break;
	}
	return pw_fault_marker(work);
}

/* Marks a page as used by an access that the entry permits. The hardware does it, if it can. */
static enum pw_fault_kind fault_none(struct pw_fault_work *work)
{
	struct pw_slot *slot = &work->slot;
	struct pw_mm *mm = work->vma->mm;
	const uint32_t write = work->flags & PW_FAULT_WRITE ? PW_WRITE : 0u;
	const uint32_t want = PW_ACCESSED | (write ? PW_DIRTY : 0u);
	const unsigned level = slot->level > 1 ? slot->level : 1;

	if ((slot->attr & want) == want)
		return PW_FAULT_DONE;
	pw_table_lock(mm, level, work->va);
	/* From the top: the table of the entry may be gone. (collapse of shared memory in another mm) */
	pw_slot_find(mm->space, work->va, slot);
	if (slot->kind == PW_SLOT_PAGE && (slot->attr & write) == write)
		pw_slot_mark(mm->space, work->va, slot, slot->attr | want);
	pw_table_unlock(mm, level, work->va);
	return PW_FAULT_DONE;
}

static enum pw_fault_kind fault_page(struct pw_fault_work *work)
{
	struct pw_vma *vma = work->vma;
	enum pw_fault_kind kind;

	if (!(work->flags & (PW_FAULT_WRITE | PW_FAULT_UNSHARE)) ||
	    ((work->flags & PW_FAULT_WRITE) && (work->slot.attr & PW_WRITE)))
		return fault_none(work);
	if ((work->flags & PW_FAULT_WRITE) && pw_user_wants(work, PW_USER_WRITE_PROTECT))
		return PW_FAULT_RETRY;
	if (!pw_vma_copies(vma))
		return vma->device ? pw_fault_device(work) : pw_fault_dirty(work);
	if (work->slot.level > 0 && pw_huge_fault_copy(work, &kind))
		return kind;
	return pw_fault_copy(work);
}

/*
 * Is it enough that the caller has found nothing there? For anonymous pages, whose handlers look again before they store;
 * not where something else is done for a page that is missing.
 */
static bool is_absent(const struct pw_fault_work *work)
{
	const struct pw_vma *vma = work->vma;
	const uint32_t asked = PW_VM_USER_MISSING | PW_VM_USER_PROTECT | PW_VM_USER_MINOR;

	return work->flags & PW_FAULT_ABSENT && !vma->file && !vma->device && !(vma->flags & asked);
}

static enum pw_fault_kind fault_any(struct pw_fault_work *work)
{
	struct pw_vma *vma = work->vma;

	if (is_absent(work)) {
		work->slot = (struct pw_slot){ .kind = PW_SLOT_EMPTY };
		return fault_missing(work);
	}
	pw_table_peek(vma->mm, work->va, &work->slot);
	switch ((enum pw_slot_kind)work->slot.kind) {
	case PW_SLOT_EMPTY:
	case PW_SLOT_TABLE:
		return fault_missing(work);
	case PW_SLOT_SOFT:
		return fault_soft(work);
	case PW_SLOT_PROT_NONE:
		return pw_fault_numa(work);
	case PW_SLOT_PAGE:
		break;
	}
	return pw_slot_is_hidden(&work->slot) ? pw_fault_numa(work) : fault_page(work);
}

enum pw_fault_kind pw_fault_handle(struct pw_fault_work *work)
{
	struct pw_vma *vma = work->vma;
	enum pw_fault_kind kind;
	bool was;

	if (vma->flags & PW_VM_HUGETLB)
		return pw_fault_hugetlb(work);
	if (!(work->flags & PW_FAULT_WRITE) || vma->flags & PW_VM_SOFTDIRTY)
		return fault_any(work);
	was = pw_is_soft_dirty(vma, work->va);
	/* Before any entry becomes writable. */
	if (pw_soft_dirty_room(vma, work->va) ||
	    !pw_soft_dirty_set(vma, work->va, vma->mm->machine->page_lg2))
		return PW_FAULT_OOM;
	kind = fault_any(work);
	if (kind != PW_FAULT_DONE && !was)
		pw_soft_dirty_unset(vma, work->va);
	return kind;
}

/* ---- the whole ---- */

bool pw_reclaim_for_tables(struct pw_machine *machine, unsigned *rounds)
{
	const uint64_t bytes = UINT64_C(8) << machine->page_lg2;

	return ++*rounds <= RECLAIM_ROUNDS && pw_reclaim(machine, bytes) > 0;
}

/* One try. PW_FAULT_RETRY with work->user: the caller calls the handler, which is in *user_ret. */
static enum pw_fault_kind fault_once(struct pw_fault_work *work, struct pw_mm *mm,
				     struct pw_vcpu *cpu, pw_user_fn **user_ret, void **context_ret)
{
	struct pw_vma *vma = lock_vma(mm, cpu, work->va);
	enum pw_fault_kind kind;

	if (!vma)
		return PW_FAULT_MAPERR;
	work->vma = vma;
	work->user = 0;
	kind = pw_fault_allowed(vma, work->flags) ? pw_fault_handle(work) : PW_FAULT_ACCERR;
	*user_ret = vma->user;
	*context_ret = vma->user_context;
	pw_vma_read_unlock(vma);
	return kind;
}

enum pw_fault_kind pw_fault_at(struct pw_mm *mm, struct pw_vcpu *cpu, pw_va va, unsigned flags,
			       struct pw_fault *fault_ret)
{
	struct pw_fault_work work = {
		.va = va & ~pw_mask(mm->machine->page_lg2),
		.touched = va,
		.flags = flags,
		.cpu = cpu,
		.near = cpu ? cpu->near : 0,
	};
	struct pw_machine *machine = mm->machine;
	enum pw_fault_kind kind;
	unsigned reclaims = 0;

	for (unsigned round = 0;; round++) {
		pw_user_fn *user;
		void *context;

		kind = fault_once(&work, mm, cpu, &user, &context);
		work.flags &= ~(unsigned)PW_FAULT_ABSENT;
		if (kind == PW_FAULT_OOM && pw_reclaim_for_tables(machine, &reclaims))
			continue;
		if (kind != PW_FAULT_RETRY || !work.user || round == USER_ROUNDS)
			break;
		if (!user || user(context, mm, work.va, work.user, flags & PW_FAULT_WRITE)) {
			kind = PW_FAULT_ADRERR;
			break;
		}
	}
	pw_count_near(machine->faults_part, work.near, 1);
	if (work.major)
		pw_count(&machine->info.major_faults, 1);
	if (kind == PW_FAULT_OOM)
		pw_count(&machine->info.oom, 1);
	report(fault_ret, kind, va);
	return kind;
}

enum pw_fault_kind pw_mm_fault(struct pw_mm *mm, pw_va va, enum pw_access_kind access,
			       struct pw_fault *fault_ret)
{
	unsigned flags = access == PW_ACCESS_WRITE  ? PW_FAULT_WRITE
			 : access == PW_ACCESS_EXEC ? PW_FAULT_EXEC
						    : 0;

	return pw_fault_at(mm, NULL, va, flags, fault_ret);
}
