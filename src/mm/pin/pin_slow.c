/* SPDX-License-Identifier: MIT */
/* Pins that may fault: the slow path, and its join with the fast one. */
#include <errno.h>
#include <limits.h>
#include <signal.h>

#include "mm/cpu/cpu_inside.h"
#include "mm/pin/pin.h"

/* ---- giving back ---- */

void pw_pin_drop(struct pw_machine *machine, const pw_pa *page, size_t count, unsigned flags,
		 bool dirty)
{
	struct pw_arena *arena = machine->arena;

	for (size_t i = 0; i < count; i++) {
		const uint32_t frame = pw_arena_frame(arena, page[i]);

		if (dirty)
			pw_folio_dirty_held(arena, frame);
		pw_folio_drop(arena, frame, 1, !(flags & PW_PIN_GET));
	}
}

/* ---- faults ---- */

static int fault_error(struct pw_pin_work *work, enum pw_fault_kind kind)
{
	struct pw_fault *fault = &work->result->fault;

	*fault = (struct pw_fault){ .kind = kind, .va = work->va };
	switch (kind) {
	case PW_FAULT_DONE:
		return 0;
	case PW_FAULT_OOM:
		return -ENOMEM;
	case PW_FAULT_RETRY:
		return -EAGAIN;
	case PW_FAULT_POISON:
		fault->signal = SIGBUS;
		fault->code = BUS_MCEERR_AR;
		return work->flags & PW_PIN_HWPOISON ? -EHWPOISON : -EFAULT;
	case PW_FAULT_ADRERR:
		fault->signal = SIGBUS;
		fault->code = BUS_ADRERR;
		return -EFAULT;
	case PW_FAULT_MAPERR:
	case PW_FAULT_ACCERR:
		break;
	}
	fault->signal = SIGSEGV;
	fault->code = kind == PW_FAULT_MAPERR ? SEGV_MAPERR : SEGV_ACCERR;
	return -EFAULT;
}

/*
 * Calls the handler of user faults, or lets others go on who need mm->lock. Drops mm->lock and takes it again:
 * @vma is void afterwards.
 */
static int wait_unlocked(struct pw_pin_work *work, const struct pw_vma *vma,
			 enum pw_user_fault user)
{
	pw_user_fn *handler = user ? vma->user : NULL;
	void *context = vma->user_context;
	int error = 0;

	pw_mm_read_unlock(work->mm);
	if (handler)
		error = handler(context, work->mm, work->va, user, work->flags & PW_PIN_WRITE);
	pw_mm_read_lock(work->mm);
	return error < 0 ? fault_error(work, PW_FAULT_ADRERR) : 0;
}

/* Can an entry of @vma hold a page? Not where nobody may access it, and the format has no entry for that (arm). */
static bool holds_pages(const struct pw_vma *vma)
{
	const struct pw_space *space = vma->mm->space;
	const pw_pa any = pw_arena_zero_page(vma->mm->machine->arena);

	return vma->flags & (PW_VM_READ | PW_VM_WRITE | PW_VM_EXEC) ||
	       pw_slot_prot_none(space, 0, any) != pw_slot_empty(space, 0);
}

/* Makes the page at work->va fit for the pin. 0: look again, and find the VMA again. */
static int fault_in(struct pw_pin_work *work, struct pw_vma *vma, bool unshare)
{
	struct pw_fault_work fault = { .vma = vma, .va = work->va };
	enum pw_fault_kind kind;

	if (work->flags & PW_PIN_NOFAULT || !holds_pages(vma))
		return -EFAULT;
	if (unshare)
		fault.flags = PW_FAULT_UNSHARE;
	else if (work->flags & PW_PIN_WRITE)
		fault.flags = PW_FAULT_WRITE;
	fault.flags |= (work->remote ? PW_FAULT_REMOTE : 0u) |
		       (work->flags & PW_PIN_FORCE ? PW_FAULT_FORCE : 0u) |
		       (work->flags & PW_PIN_NOWAIT ? PW_FAULT_NOWAIT : 0u) |
		       (work->flags & PW_PIN_LONGTERM ? PW_FAULT_LONGTERM : 0u);
	work->result->faults++;
	kind = pw_fault_handle(&fault);
	if (kind == PW_FAULT_RETRY && !(work->flags & PW_PIN_NOWAIT))
		return wait_unlocked(work, vma, fault.user);
	return fault_error(work, kind);
}

/* ---- SPLIT ---- */

static void split_lock(void *context, unsigned level, pw_va va)
{
	pw_table_lock(context, level, va);
}

static void split_unlock(void *context, unsigned level, pw_va va)
{
	pw_table_unlock(context, level, va);
}

static int split_entry(void *context, pw_va va, struct pw_slot *slot, uint64_t *value)
{
	(void)context;
	(void)va;
	(void)value;
	return slot->kind == PW_SLOT_PAGE && slot->level > 0 ? PW_VISIT_SPLIT : PW_VISIT_KEEP;
}

/* Puts a table of base pages in the place of the leaf that maps @va. */
static int split_leaf(struct pw_mm *mm, pw_va va)
{
	const struct pw_visitor visitor = {
		.lock = split_lock, .unlock = split_unlock, .entry = split_entry, .context = mm
	};

	return pw_slot_visit(mm->space, va, va + pw_page_bytes(mm->machine) - 1, &visitor);
}

/* ---- the loop ---- */

/* Was the call interrupted? The interruption is used up by that. */
static bool interrupted(const struct pw_pin_work *work)
{
	return work->cpu && __atomic_load_n(&work->cpu->interrupted, __ATOMIC_RELAXED) &&
	       __atomic_exchange_n(&work->cpu->interrupted, 0, __ATOMIC_ACQ_REL);
}

/* Takes at least the page at work->va. */
static int pin_one(struct pw_pin_work *work)
{
	for (unsigned tries = 0; tries < PW_PIN_TRIES; tries++) {
		struct pw_vma *vma = pw_vma_find(work->mm, work->va);
		int error, what;

		if (!vma)
			return fault_error(work, PW_FAULT_MAPERR);
		error = pw_pin_vma_allowed(vma, work->flags);
		if (error)
			return error;
		if (interrupted(work))
			return -EINTR;
		what = pw_pin_follow(work, vma);
		if (what <= PW_FOLLOW_TAKEN)
			return what;
		if (tries > 0)
			work->result->retries++;
		error = what == PW_FOLLOW_SPLIT ? split_leaf(work->mm, work->va)
						: fault_in(work, vma, what == PW_FOLLOW_UNSHARE);
		if (error)
			return error;
		if (work->flags & PW_PIN_FORCE && pw_mutant(PW_MUTANT_FORCE_FORGETS))
			work->flags &= ~(unsigned)PW_PIN_WRITE;
	}
	return -EBUSY;
}

int pw_pin_loop(struct pw_pin_work *work)
{
	int error = 0;

	if (!pw_mutant(PW_MUTANT_SLOW_UNLOCKED))
		pw_mm_read_lock(work->mm);
	while (work->done < work->count && !error)
		error = pin_one(work);
	if (!pw_mutant(PW_MUTANT_SLOW_UNLOCKED))
		pw_mm_read_unlock(work->mm);
	return error;
}

/* ---- calls ---- */

static long pin_slow(struct pw_pin_work *work)
{
	struct pw_pin_result *result = work->result;
	const size_t before = work->done;

	result->error = work->flags & PW_PIN_LONGTERM ? pw_pin_loop_long(work) : pw_pin_loop(work);
	result->slow_pages = work->done - before;
	result->va = work->done < work->count ? work->va : 0;
	if (work->done == 0 || (result->error && pw_mutant(PW_MUTANT_PARTIAL_LOST)))
		return result->error;
	return (long)work->done;
}

/*
 * The fast path. It does not know which memory is movable: a long pin gives such pages back, which it has held
 * for a moment, and leaves them to the slow path.
 */
static void pin_fast(struct pw_pin_work *work)
{
	const unsigned flags = work->flags & (PW_PIN_WRITE | PW_PIN_LONGTERM | PW_PIN_GET);
	const struct pw_machine *machine = work->mm->machine;
	long count = pw_pin_fast(work->cpu->reader, work->va, work->count, flags, work->page,
				 &work->result->fast);

	if (count <= 0)
		return;
	work->done = (size_t)count;
	if (flags & PW_PIN_LONGTERM) {
		work->done = pw_pin_long_prefix(machine, work->page, work->done);
		pw_pin_drop(work->mm->machine, work->page + work->done, (size_t)count - work->done,
			    flags, false);
	}
	work->va += (pw_va)work->done << machine->page_lg2;
	work->result->fast_pages = work->done;
}

/* Checks what the caller gave, and fills what is not filled yet. 0 or a negative errno. */
static int begin(struct pw_pin_work *work, bool *fast_ret)
{
	const unsigned lg2 = work->mm->machine->page_lg2;

	if (!pw_arena_mine(work->mm->machine->arena))
		return -EPERM;
	if ((!work->page && work->count > 0) || work->count > LONG_MAX ||
	    !pw_pin_flags_valid(work->flags, fast_ret))
		return -EINVAL;
	work->va &= ~(pw_va)pw_mask(lg2);
	if (work->count > (~work->va >> lg2))
		return -EOVERFLOW;
	*work->result = (struct pw_pin_result){ .va = work->va };
	return 0;
}

/* A call on the cpu's own mm, or (@remote) on any. */
static long pin_pages(struct pw_pin_work *work, struct pw_pin_result *result)
{
	struct pw_pin_result unused = { 0 };
	bool fast;
	int error;

	work->result = result ? result : &unused;
	error = begin(work, &fast);
	if (error)
		*work->result = (struct pw_pin_result){ .error = error, .va = work->va };
	if (error || work->count == 0)
		return error;
	if (work->remote)
		return work->flags & PW_PIN_FAST_ONLY ? -EINVAL : pin_slow(work);
	if (fast)
		pin_fast(work);
	if (work->done == work->count || work->flags & PW_PIN_FAST_ONLY) {
		work->result->va = work->done < work->count ? work->va : 0;
		return (long)work->done;
	}
	return pin_slow(work);
}

long pw_pin(struct pw_vcpu *cpu, pw_va va, size_t count, unsigned flags, pw_pa *page,
	    struct pw_pin_result *result)
{
	struct pw_pin_work work = { .flags = flags, .va = va, .count = count, .page = page };

	if (!cpu || flags & PW_PIN_GET)
		return -EINVAL;
	work.mm = cpu->mm;
	work.cpu = cpu;
	return pin_pages(&work, result);
}

long pw_get(struct pw_vcpu *cpu, pw_va va, size_t count, unsigned flags, pw_pa *page,
	    struct pw_pin_result *result)
{
	struct pw_pin_work work = { .va = va, .count = count, .page = page };

	if (!cpu)
		return -EINVAL;
	work.flags = flags | PW_PIN_GET;
	work.mm = cpu->mm;
	work.cpu = cpu;
	return pin_pages(&work, result);
}

long pw_pin_mm(struct pw_mm *mm, struct pw_vcpu *cpu, pw_va va, size_t count, unsigned flags,
	       pw_pa *page, struct pw_pin_result *result)
{
	struct pw_pin_work work = { .mm = mm,
				    .cpu = cpu,
				    .flags = flags,
				    .remote = true,
				    .va = va,
				    .count = count,
				    .page = page };

	return mm ? pin_pages(&work, result) : -EINVAL;
}

long pw_pin_remote(struct pw_vcpu *cpu, struct pw_mm *mm, pw_va va, size_t count, unsigned flags,
		   pw_pa *page, struct pw_pin_result *result)
{
	if (flags & PW_PIN_GET)
		return -EINVAL;
	return pw_pin_mm(mm, cpu, va, count, flags, page, result);
}

long pw_get_remote(struct pw_vcpu *cpu, struct pw_mm *mm, pw_va va, size_t count, unsigned flags,
		   pw_pa *page, struct pw_pin_result *result)
{
	return pw_pin_mm(mm, cpu, va, count, flags | PW_PIN_GET, page, result);
}
