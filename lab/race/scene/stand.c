/* SPDX-License-Identifier: MIT */
/*
 * What stands in for parts of src/mm in a search.
 *
 *     the lock of an mm, and of a VMA   one byte for each reader. A reader takes its own byte, a writer all of them:
 *                                       so two readers do not depend on each other, and a writer on both
 *     shootdowns                        a processor is inside of an access or is not; a flush waits until it is outside.
 *                                       With `machine tlb` they are the library's (cpus.c)
 *     the swap file                     memory, which is put back before each run
 *     reclaim                           the laboratory's, as everywhere in this folder
 *
 * What is proved with them is proved for the contracts of lock.h and pw_tlb_flush, not for their code.
 */
#include <stdlib.h>
#include <sys/types.h>

#include "lab/race/race.h"
#include "lab/race/real.h"
#include "lab/race/scene/scene.h"
#include "lab/race/wrap.h"
#include "mm/swap/swap.h"
#include "sync/sync.h"

#define CALLER __builtin_return_address(0)

/* ---- locks with readers ---- */

enum { LOCKS = 32, WRITER = -1 };

/* What a lock's holders have released: who takes it next has seen that. */
static struct rw_clock {
	uintptr_t at;
	struct race_clock readers, writers;
} clocks[LOCKS];

static struct rw_clock *clock_of(uintptr_t at)
{
	for (unsigned i = 0; i < LOCKS; i++) {
		if (clocks[i].at == at)
			return &clocks[i];
		if (clocks[i].at == 0) {
			race_write((uintptr_t)&clocks[i].at, at, 8);
			return &clocks[i];
		}
	}
	race_fail(PW_LAB_BROKEN, "a scenario has at most %d locks with readers", LOCKS);
}

static void released(struct race_clock *clock)
{
	race_will_write((uintptr_t)clock, sizeof(*clock));
	race_join(clock, &race.hb[race.thread]);
}

static struct race_op rw_op(uint64_t *lock, int reader, enum race_kind kind, const void *pc)
{
	return (struct race_op){ .at = (uintptr_t)lock + (reader == WRITER ? 0 : (unsigned)reader),
				 .bytes = reader == WRITER ? 8 : 1,
				 .kind = (uint8_t)kind,
				 .order = __ATOMIC_ACQ_REL,
				 .atomic = true,
				 .writes = true,
				 .drains = true,
				 .pc = pc };
}

static void rw_step(const struct race_op *op, uint64_t *lock)
{
	if (race_touch((uintptr_t)lock, 8, true))
		race_step(op);
	else
		race_drain(op->pc);
	if (race_is_freed((uintptr_t)lock, 8))
		race_fail(PW_LAB_USE_AFTER_FREE, "thread %s takes or leaves a lock that is freed",
			  race.scenario->thread[race.thread].name);
}

static void rw_lock(uint64_t *lock, int reader, const void *pc)
{
	const struct race_op op = rw_op(lock, reader, RACE_LOCK, pc);
	struct rw_clock *clock;

	rw_step(&op, lock);
	race_write(op.at, ~UINT64_C(0), op.bytes);
	clock = clock_of((uintptr_t)lock);
	race_join(&race.hb[race.thread], &clock->writers);
	if (reader == WRITER)
		race_join(&race.hb[race.thread], &clock->readers);
}

static void rw_unlock(uint64_t *lock, int reader, const void *pc)
{
	const struct race_op op = rw_op(lock, reader, RACE_UNLOCK, pc);
	struct rw_clock *clock = clock_of((uintptr_t)lock);

	released(reader == WRITER ? &clock->writers : &clock->readers);
	rw_step(&op, lock);
	race_write(op.at, 0, op.bytes);
}

static uint64_t *mm_word(struct pw_mm *mm)
{
	return (uint64_t *)(void *)&mm->lock.mutex;
}

static uint64_t *vma_word(struct pw_vma *vma)
{
	return (uint64_t *)(void *)&vma->lock;
}

/* `machine locks`: the library's own code. */
static bool stands_in(void)
{
	return race_on && !world.scene->real_locks;
}

void __real_pw_mm_read_lock(struct pw_mm *mm);
void __real_pw_mm_read_unlock(struct pw_mm *mm);
void __real_pw_mm_write_lock(struct pw_mm *mm);
void __real_pw_mm_write_unlock(struct pw_mm *mm);
bool __real_pw_vma_try_read(struct pw_vma *vma);
void __real_pw_vma_read_unlock(struct pw_vma *vma);
void __real_pw_vma_write(struct pw_vma *vma);
void __wrap_pw_mm_read_lock(struct pw_mm *mm);
void __wrap_pw_mm_read_unlock(struct pw_mm *mm);
void __wrap_pw_mm_write_lock(struct pw_mm *mm);
void __wrap_pw_mm_write_unlock(struct pw_mm *mm);
bool __wrap_pw_vma_try_read(struct pw_vma *vma);
void __wrap_pw_vma_read_unlock(struct pw_vma *vma);
void __wrap_pw_vma_write(struct pw_vma *vma);

void __wrap_pw_mm_read_lock(struct pw_mm *mm)
{
	if (stands_in())
		rw_lock(mm_word(mm), race.thread, CALLER);
	else if (!race.checking)
		__real_pw_mm_read_lock(mm);
}

void __wrap_pw_mm_read_unlock(struct pw_mm *mm)
{
	if (stands_in())
		rw_unlock(mm_word(mm), race.thread, CALLER);
	else if (!race.checking)
		__real_pw_mm_read_unlock(mm);
}

void __wrap_pw_mm_write_lock(struct pw_mm *mm)
{
	if (stands_in())
		rw_lock(mm_word(mm), WRITER, CALLER);
	else
		__real_pw_mm_write_lock(mm);
}

void __wrap_pw_mm_write_unlock(struct pw_mm *mm)
{
	if (stands_in())
		rw_unlock(mm_word(mm), WRITER, CALLER);
	else
		__real_pw_mm_write_unlock(mm);
}

/* Whoever asks holds the lock of the mm: no scenario has a processor that remembers VMAs. So it succeeds. */
bool __wrap_pw_vma_try_read(struct pw_vma *vma)
{
	if (!stands_in())
		return __real_pw_vma_try_read(vma);
	rw_lock(vma_word(vma), race.thread, CALLER);
	return true;
}

void __wrap_pw_vma_read_unlock(struct pw_vma *vma)
{
	if (stands_in())
		rw_unlock(vma_word(vma), race.thread, CALLER);
	else
		__real_pw_vma_read_unlock(vma);
}

/* It waits for the readers. New ones need the lock of the mm, which the writer has. */
void __wrap_pw_vma_write(struct pw_vma *vma)
{
	if (!stands_in()) {
		__real_pw_vma_write(vma);
		return;
	}
	if (pw_mutant(PW_MUTANT_VMA_NO_WAIT))
		return;
	rw_lock(vma_word(vma), WRITER, CALLER);
	race_write((uintptr_t)vma_word(vma), 0, 8);
}

/* ---- reclaim and shootdowns ---- */

int __real_pw_sync_init(struct pw_sync *sync, enum pw_sync_kind kind);
int __wrap_pw_sync_init(struct pw_sync *sync, enum pw_sync_kind kind);
void __real_pw_tlb_flush(struct pw_mm *mm, pw_va first, pw_va last);
void __wrap_pw_tlb_flush(struct pw_mm *mm, pw_va first, pw_va last);

int __wrap_pw_sync_init(struct pw_sync *sync, enum pw_sync_kind kind)
{
	if (world.scene->mms == 0)
		return __real_pw_sync_init(sync, kind);
	return pw_sync_init_ops(sync, &scene_sync);
}

/*
 * Waits for the accesses that are under way. A processor without a TLB looks at the tables in each access: that is
 * as if it forgot an entry with the flush and not sooner or later.
 */
void __wrap_pw_tlb_flush(struct pw_mm *mm, pw_va first, pw_va last)
{
	if (!race_on)
		return;
	if (world.scene->tlb) {
		__real_pw_tlb_flush(mm, first, last);
		return;
	}
	for (unsigned i = 0; i < world.scene->threads; i++) {
		const struct scene_thread *thread = &world.scene->thread[i];
		uint64_t mark;

		if (!thread->accesses || (int)i == race.thread || world.mm[thread->mm] != mm)
			continue;
		mark = race_look(&world.inside[i]);
		if (mark & 1)
			pw_lab_wait(&world.inside[i], 8, mark);
	}
}

/* ---- the lock of a page ---- */

void __real_pw_folio_unlock(struct pw_machine *machine, uint32_t frame);
void __wrap_pw_folio_unlock(struct pw_machine *machine, uint32_t frame);

/* With `machine batch`, a page that is unlocked must be locked: its folio may be somebody else's by now. */
void __wrap_pw_folio_unlock(struct pw_machine *machine, uint32_t frame)
{
	const uint32_t head = pw_folio_head(machine->arena, frame);

	if (race_on && world.scene->batch > 0 &&
	    !(race_load_half(&pw_page_of(machine, head)->flags) & PW_PAGE_LOCKED))
		pw_lab_fail("page %u is unlocked, and is not locked", (unsigned)head);
	__real_pw_folio_unlock(machine, frame);
}

/* ---- memory ---- */

bool __real_pw_zap_page(struct pw_zap *zap, pw_va va, uint64_t bytes, uint32_t frame,
			uint32_t references);
bool __wrap_pw_zap_page(struct pw_zap *zap, pw_va va, uint64_t bytes, uint32_t frame,
			uint32_t references);

/* `machine batch`: it is full earlier. */
bool __wrap_pw_zap_page(struct pw_zap *zap, pw_va va, uint64_t bytes, uint32_t frame,
			uint32_t references)
{
	bool full = __real_pw_zap_page(zap, va, bytes, frame, references);

	return full || (world.scene->batch > 0 && zap->count >= world.scene->batch);
}

int __real_pw_page_alloc(struct pw_machine *machine, unsigned order, enum pw_folio_kind kind,
			 const void *owner, uint64_t index, bool longterm, uint32_t *frame_ret);
int __wrap_pw_page_alloc(struct pw_machine *machine, unsigned order, enum pw_folio_kind kind,
			 const void *owner, uint64_t index, bool longterm, uint32_t *frame_ret);

int __real_pw_page_alloc_fault(struct pw_machine *machine, const struct pw_fault_work *work,
			       uint32_t *frame_ret);
int __wrap_pw_page_alloc_fault(struct pw_machine *machine, const struct pw_fault_work *work,
			       uint32_t *frame_ret);

/* Where a table was that is freed, a page may be now. */
static void is_page_now(const struct pw_machine *machine, uint32_t frame, unsigned order)
{
	race_mark_freed((uintptr_t)pw_page_host(machine, frame),
			(size_t)pw_page_bytes(machine) << order, false);
}

int __wrap_pw_page_alloc(struct pw_machine *machine, unsigned order, enum pw_folio_kind kind,
			 const void *owner, uint64_t index, bool longterm, uint32_t *frame_ret)
{
	int code = __real_pw_page_alloc(machine, order, kind, owner, index, longterm, frame_ret);

	if (code == 0)
		is_page_now(machine, *frame_ret, order);
	return code;
}

/* Its call of the other one is within one source, and does not arrive here. */
int __wrap_pw_page_alloc_fault(struct pw_machine *machine, const struct pw_fault_work *work,
			       uint32_t *frame_ret)
{
	int code = __real_pw_page_alloc_fault(machine, work, frame_ret);

	if (code == 0)
		is_page_now(machine, *frame_ret, 0);
	return code;
}

/* ---- the swap file ---- */

static unsigned char *swap_memory;

void scene_stand_begin(void)
{
	/* Slot 0 is not used. */
	swap_memory = calloc(world.scene->swap + 1, (size_t)1 << world.format->shift[0]);
	if (!swap_memory)
		scene_give_up("there is no memory for the swap");
}

void *scene_swap_slot(uint32_t slot)
{
	return swap_memory + ((size_t)slot << world.format->shift[0]);
}

ssize_t __real_pread64(int fd, void *to, size_t bytes, off_t at);
ssize_t __real_pwrite64(int fd, const void *from, size_t bytes, off_t at);
ssize_t __wrap_pread64(int fd, void *to, size_t bytes, off_t at);
ssize_t __wrap_pwrite64(int fd, const void *from, size_t bytes, off_t at);

static bool is_swap(int fd)
{
	return world.machine && world.machine->swap && world.machine->swap->fd == fd;
}

ssize_t __wrap_pread64(int fd, void *to, size_t bytes, off_t at)
{
	if (!is_swap(fd))
		return __real_pread64(fd, to, bytes, at);
	race_read(swap_memory + at, bytes, CALLER);
	race_written(to, bytes, CALLER);
	__real_memcpy(to, swap_memory + at, bytes);
	return (ssize_t)bytes;
}

ssize_t __wrap_pwrite64(int fd, const void *from, size_t bytes, off_t at)
{
	if (!is_swap(fd))
		return __real_pwrite64(fd, from, bytes, at);
	race_read(from, bytes, CALLER);
	race_written(swap_memory + at, bytes, CALLER);
	__real_memcpy(swap_memory + at, from, bytes);
	return (ssize_t)bytes;
}
