/* SPDX-License-Identifier: MIT */
/* Machines and address spaces of scenarios, and their operations, by the functions of mm.h. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lab/race/race.h"
#include "lab/race/scene/scene.h"
#include "lab/race/wrap.h"
#include "mm/cpu/cpu_inside.h"
#include "mm/file/file.h"
#include "mm/pin/pin.h"
#include "mm/swap/swap.h"

/* MADV_COLLAPSE, which older headers do not have. */
enum { ADVISE_COLLAPSE = 25 };

/* ---- the setup ---- */

static void make_machine(void)
{
	const struct scene *scene = world.scene;
	const unsigned page_lg2 = scene_page_lg2();
	const int fd = scene->swap ? memfd_create("swap", MFD_CLOEXEC) : -1;
	struct pw_machine_options options = {
		.format = world.format,
		.bytes = scene->frames << page_lg2,
		.levels = world.format->dynamic_top ? scene->levels : 0,
		.huge = scene->huge ? PW_HUGE_ALWAYS : PW_HUGE_NEVER,
		.shmem_huge = scene->huge_files ? PW_SHMEM_ALWAYS : PW_SHMEM_NEVER,
		.group_sizes = scene->groups << page_lg2,
		.movable_bytes = scene->movable << page_lg2,
		.swap_bytes = scene->swap << page_lg2,
	};
	char path[64];
	struct pw_error error;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (fd >= 0)
		options.swap = path;
	scene_stand_begin();
	if (pw_machine_create(&options, &world.machine, &error) != 0)
		scene_give_up(error.text);
	if (fd >= 0)
		close(fd);
	world.arena = pw_machine_arena(world.machine);
	scene_make_private(world.arena);
}

static void make_file(unsigned i)
{
	/* Outside of the arena, aligned to every leaf. */
	const pw_pa memory = (pw_pa)1 << 30;
	const uint64_t bytes = world.scene->file[i].pages << scene_page_lg2();
	struct pw_error error;
	int code = 0;

	switch (world.scene->file[i].kind) {
	case SCENE_SHMEM:
		code = pw_shmem_create(world.machine, bytes, &world.file[i], &error);
		break;
	case SCENE_SECRET:
		code = pw_secret_create(world.machine, bytes, &world.file[i], &error);
		break;
	case SCENE_DEVICE:
		code = pw_device_create(world.machine, memory, bytes, 63, &world.device[i], &error);
		break;
	}
	if (code)
		scene_give_up(error.text);
}

/* Numbers that nobody decides by: if each change were a step, their orders would be all that a search does. */
static void ignore_counters(void)
{
	race_words_ignore(&world.machine->info, sizeof(world.machine->info));
	race_words_ignore(world.machine->faults_part, sizeof(world.machine->faults_part));
	for (struct pw_mm *mm = world.machine->mms; mm; mm = mm->next) {
		race_words_ignore(&mm->anonymous, 4 * sizeof(mm->anonymous));
		race_words_ignore(mm->anonymous_part, sizeof(mm->anonymous_part));
		/* Nobody listens. */
		race_words_ignore(&mm->notifying, sizeof(mm->notifying));
	}
}

void scene_setup_mms(void)
{
	const struct scene *scene = world.scene;
	struct pw_error error;

	make_machine();
	scene_prepare_users();
	for (unsigned i = 0; i < scene->mms; i++)
		if (scene->mm[i].thread == SCENE_SETUP &&
		    pw_mm_create(world.machine, &world.mm[i], &error) != 0)
			scene_give_up(error.text);
	for (unsigned i = 0; i < scene->files; i++)
		make_file(i);
	world.space = pw_mm_space(world.mm[0]);
	for (unsigned i = 0; i < scene->threads; i++) {
		if (scene->thread[i].mm == SCENE_NONE)
			continue;
		world.cpu[i] = aligned_alloc(_Alignof(struct pw_vcpu), sizeof(struct pw_vcpu));
		if (!world.cpu[i])
			scene_give_up("there is no memory for a processor");
		memset(world.cpu[i], 0, sizeof(struct pw_vcpu));
		world.cpu[i]->mm = world.mm[scene->thread[i].mm];
		if (scene->tlb && scene->thread[i].accesses)
			scene_make_tlb(i);
	}
}

void scene_slot(const struct pw_mm *mm, pw_va va, struct pw_slot *slot)
{
	const bool was_on = race_running();

	if (was_on)
		race_pause_steps(true);
	pw_slot_find(mm->space, va, slot);
	if (was_on)
		race_pause_steps(false);
}

pw_pa scene_page_at(const struct pw_mm *mm, pw_va va)
{
	struct pw_slot slot;

	scene_slot(mm, va, &slot);
	if (slot.kind != PW_SLOT_PAGE)
		return ~UINT64_C(0);
	return slot.pa +
	       (va & pw_mask(world.format->shift[slot.level]) & ~pw_mask(scene_page_lg2()));
}

void scene_prepare_mms(void)
{
	ignore_counters();
	for (unsigned i = 0; i < world.scene->threads; i++)
		if (world.cpu[i])
			world.cpu[i]->reader = world.reader[i];
	for (unsigned i = 0; i < world.scene->ops; i++) {
		const struct scene_op *op = &world.scene->op[i];
		struct pw_slot slot;

		if (op->kind != SCENE_MIGRATE && op->kind != SCENE_SPLIT_FOLIO &&
		    op->kind != SCENE_WALK)
			continue;
		if (!world.mm[op->mm])
			continue;
		if (op->kind == SCENE_WALK) {
			world.before[i] = scene_page_at(world.mm[op->mm], op->va);
			continue;
		}
		scene_slot(world.mm[op->mm], op->va, &slot);
		if (slot.kind == PW_SLOT_PAGE)
			world.before[i] = slot.pa;
	}
}

/* ---- contents ---- */

uint32_t *scene_content(pw_pa pa)
{
	return pw_arena_host(world.arena, pa, sizeof(uint32_t));
}

static void check_content(const struct scene_op *op, uint32_t value)
{
	for (unsigned i = 0; i < op->seen; i++)
		if (op->sees[i] == value)
			return;
	if (op->seen > 0)
		pw_lab_fail("line %u: the page at 0x%" PRIx64 " of %s holds %" PRIu32
			    ", which it cannot",
			    op->line, op->va, world.scene->mm[op->mm].name, value);
}

/* ---- accesses of a processor ---- */

/* Finds the leaf and sets its bits, as the hardware does. */
static bool use_leaf(struct pw_space *space, pw_va va, bool write, struct pw_slot *slot)
{
	const uint32_t needed = PW_USER | (write ? PW_WRITE : PW_READ);
	const uint32_t sets = PW_ACCESSED | (write ? PW_DIRTY : 0u);

	pw_slot_find(space, va, slot);
	while (slot->kind == PW_SLOT_PAGE && (slot->attr & needed) == needed) {
		uint64_t value;

		if ((slot->attr & sets) == sets)
			return true;
		value = pw_slot_change(space, slot, slot->attr | sets);
		if (value == slot->entry || pw_slot_swap(space, va, slot, value))
			return true;
	}
	return false;
}

/* One look at the tables and, if they permit it, the access. Flushes wait for its end. */
static bool try_access(const struct scene_op *op, struct pw_mm *mm, uint32_t *value)
{
	const bool write = op->kind == SCENE_STORE;
	const bool inside = race_running() && world.scene->mm[op->mm].thread == SCENE_SETUP;
	uint64_t *mark = &world.inside[race.thread < 0 ? 0 : race.thread];
	struct pw_slot slot;
	bool done;

	/* In an address space that this thread has made it is alone, and needs no section. */
	if (inside) {
		race_section(mark, *mark + 1, true);
		pw_reader_enter(world.reader[race.thread]);
	}
	/* A device's memory is not the arena's: there is nothing to load from. */
	done = use_leaf(mm->space, op->va, write, &slot) && pw_arena_has(world.arena, slot.pa);
	if (done) {
		const pw_pa offset = op->va & pw_mask(world.format->shift[slot.level]);
		uint32_t *at = scene_content(slot.pa + offset);

		if (!race_running() && write)
			*at = *value;
		else if (write)
			race_store(at, *value, 4);
		else
			*value = (uint32_t)race_load_half(at);
	}
	if (inside) {
		pw_reader_leave(world.reader[race.thread]);
		race_section(mark, *mark + 1, false);
	}
	return done;
}

static void access_page(const struct scene_op *op, struct pw_mm *mm)
{
	enum { TRIES = 100 };
	const bool write = op->kind == SCENE_STORE;
	uint32_t value = op->value;

	if (world.scene->tlb && race_running() && world.scene->mm[op->mm].thread == SCENE_SETUP) {
		bool done = scene_access_tlb(op, &value);

		if (done && !write)
			check_content(op, value);
		scene_done(op, done && (!op->is || op->is == value));
		return;
	}
	for (unsigned i = 0; i < TRIES; i++) {
		if (try_access(op, mm, &value)) {
			if (!write)
				check_content(op, value);
			scene_done(op, !op->is || op->is == value);
			return;
		}
		if (pw_mm_fault(mm, op->va, write ? PW_ACCESS_WRITE : PW_ACCESS_READ, NULL) !=
		    PW_FAULT_DONE) {
			scene_done(op, false);
			return;
		}
	}
	pw_lab_fail("line %u: the fault says that it is done, and the access faults again",
		    op->line);
}

/* ---- pins ---- */

/* Is nobody's? Looked at as it is, by no step: it must hold at every moment, so also at that of the last step. */
static bool is_free(pw_pa pa)
{
	const bool was_on = race_running();
	struct pw_folio_info info;
	bool taken;

	if (was_on)
		race_pause_steps(true);
	taken = pw_folio_info(world.arena, pa, &info);
	if (was_on)
		race_pause_steps(false);
	return !taken;
}

static void pin_mm(const struct scene_op *op, struct pw_mm *mm)
{
	const size_t index = (size_t)(op - world.scene->op);
	struct pw_vcpu *cpu = op->thread == SCENE_SETUP ? NULL : world.cpu[op->thread];
	unsigned flags = op->flags;
	pw_pa page[SCENE_HELD];
	long count;

	if (op->kind == SCENE_PIN_FAST)
		flags |= PW_PIN_FAST_ONLY;
	if (op->kind == SCENE_PIN_SLOW)
		count = flags & PW_PIN_GET
				? pw_get_remote(cpu, mm, op->va, scene_pages(op), flags, page, NULL)
				: pw_pin_remote(cpu, mm, op->va, scene_pages(op), flags, page,
						NULL);
	else
		count = flags & PW_PIN_GET
				? pw_get(cpu, op->va, scene_pages(op),
					 flags & ~(unsigned)PW_PIN_GET, page, NULL)
				: pw_pin(cpu, op->va, scene_pages(op), flags, page, NULL);
	if (op->limited && count > (long)op->most)
		pw_lab_fail("line %u: a page was pinned that must not be pinned like this",
			    op->line);
	for (long i = 0; i < count; i++) {
		if (page[i] == pw_arena_zero_page(world.arena))
			continue;
		if (is_free(page[i]))
			pw_lab_fail("line %u: a page that is free was pinned", op->line);
		if (i == 0 && op->seen > 0)
			check_content(op, race_running()
						  ? (uint32_t)race_load_half(scene_content(page[i]))
						  : *scene_content(page[i]));
	}
	if (op->writes && count > 0)
		race_store(scene_content(page[0]), op->writes, 4);
	if (op->hold && count > 0) {
		memcpy(world.held[index], page, (size_t)count * sizeof(*page));
		world.holds[index] = (unsigned)count;
	} else if (count > 0) {
		pw_pin_drop(world.machine, page, (size_t)count, flags, op->writes != 0);
	}
	scene_done(op, count == (long)scene_pages(op));
}

/* Is it memory of a device of the scenario? */
static bool is_device(pw_pa pa)
{
	for (unsigned i = 0; i < world.scene->files; i++)
		if (world.device[i] && pa - world.device[i]->pa < world.device[i]->bytes)
			return true;
	return false;
}

/* With `sees`, the page is looked at in the section of the walk. */
static void walk(const struct scene_op *op)
{
	struct pw_reader *reader = world.reader[op->thread];
	struct pw_result result;
	pw_pa page;
	bool found;

	if (op->seen > 0)
		pw_reader_enter(reader);
	found = pw_space_translate(reader, op->va, &result) == PW_OK;
	page = found ? result.pa & ~pw_mask(scene_page_lg2()) : ~UINT64_C(0);
	if (found && !pw_arena_has(world.arena, page) && !is_device(page))
		pw_lab_fail("line %u: the walk leads to 0x%" PRIx64 ", where no page is", op->line,
			    result.pa);
	if (found && op->seen > 0)
		check_content(op, (uint32_t)race_load_half(scene_content(page)));
	if (op->seen > 0)
		pw_reader_leave(reader);
	world.walked[op - world.scene->op] = page;
	scene_done(op, found);
}

/* ---- the system calls ---- */

static void map_pages(const struct scene_op *op, struct pw_mm *mm)
{
	const uint64_t bytes = scene_pages(op) << scene_page_lg2();
	const int kind = op->kind == SCENE_SHARED ? MAP_SHARED : MAP_PRIVATE;
	struct pw_file *file = op->kind == SCENE_ANONYMOUS ? NULL : world.file[op->file];
	struct pw_device *device = op->kind == SCENE_ANONYMOUS ? NULL : world.device[op->file];
	pw_sva va = device ? pw_mmap_device(mm, op->va, bytes, op->prot, kind | MAP_FIXED, device,
					    op->from << scene_page_lg2())
			   : pw_mmap(mm, op->va, bytes, op->prot,
				     kind | MAP_FIXED | (file ? 0 : MAP_ANONYMOUS), file,
				     op->from << scene_page_lg2());

	if (va == (pw_sva)op->va && op->huge)
		(void)pw_madvise(mm, op->va, bytes, MADV_HUGEPAGE);
	scene_done(op, va == (pw_sva)op->va);
	if (va != (pw_sva)op->va && !race_running())
		scene_give_up("the setup cannot map this; is the address possible for the format?");
}

static void fork_mm(const struct scene_op *op, struct pw_mm *mm)
{
	struct pw_mm *child = NULL;
	int code = pw_mm_fork(mm, &child, NULL);

	world.mm[op->child] = code ? NULL : child;
	scene_done(op, code == 0);
}

static void fault(const struct scene_op *op, struct pw_mm *mm)
{
	unsigned flags = (op->prot & PROT_WRITE ? PW_FAULT_WRITE : 0u) |
			 (op->unshare ? PW_FAULT_UNSHARE : 0u);

	scene_done(op, pw_fault_at(mm, NULL, op->va, flags, NULL) == PW_FAULT_DONE);
}

static int edit_mm(const struct scene_op *op, struct pw_mm *mm)
{
	const uint64_t bytes = scene_pages(op) << scene_page_lg2();
	const uint64_t pa = world.before[op - world.scene->op];

	switch (op->kind) {
	case SCENE_SWAP_OUT:
		return pw_madvise(mm, op->va, bytes, MADV_PAGEOUT);
	case SCENE_MIGRATE:
		return pw_migrate(world.machine, pa);
	case SCENE_SPLIT_FOLIO:
		return pw_split_folio(world.machine, pa);
	case SCENE_COLLAPSE_HUGE:
		return pw_madvise(mm, op->va, bytes, ADVISE_COLLAPSE);
	case SCENE_DROP:
		return pw_madvise(mm, op->va, bytes, MADV_DONTNEED);
	case SCENE_FREE:
		return pw_madvise(mm, op->va, bytes, MADV_FREE);
	case SCENE_MUNMAP:
		return pw_munmap(mm, op->va, bytes);
	case SCENE_REGISTER:
	case SCENE_USER_COPY:
	case SCENE_USER_CONTINUE:
	case SCENE_USER_PROTECT:
	case SCENE_USER_UNPROTECT:
		return scene_user(op, mm);
	case SCENE_MREMAP:
		return pw_is_error(pw_mremap(mm, op->va, bytes, bytes,
					     MREMAP_MAYMOVE | MREMAP_FIXED, op->to_va));
	default:
		return pw_mprotect(mm, op->va, bytes, op->prot);
	}
}

void scene_execute_mm(const struct scene_op *op)
{
	struct pw_mm *mm = op->mm == SCENE_NONE ? NULL : world.mm[op->mm];

	if (op->kind == SCENE_REVOKE) {
		const uint64_t from = (uint64_t)op->value << scene_page_lg2();

		pw_device_revoke(world.device[op->file], from,
				 world.device[op->file]->bytes - from);
		scene_done(op, true);
		return;
	}
	if (op->kind == SCENE_FTRUNCATE) {
		int code = pw_file_truncate(world.file[op->file],
					    (uint64_t)op->value << scene_page_lg2());

		scene_done(op, code == 0);
		return;
	}
	if (!mm)
		return;
	switch (op->kind) {
	case SCENE_ANONYMOUS:
	case SCENE_SHARED:
	case SCENE_PRIVATE:
		map_pages(op, mm);
		break;
	case SCENE_FAULT:
		fault(op, mm);
		break;
	case SCENE_STORE:
	case SCENE_LOAD:
		access_page(op, mm);
		break;
	case SCENE_FORK:
		fork_mm(op, mm);
		break;
	case SCENE_PIN_FAST:
	case SCENE_PIN_SLOW:
	case SCENE_PIN_ANY:
		pin_mm(op, mm);
		break;
	case SCENE_WALK:
		walk(op);
		break;
	default:
		scene_done(op, edit_mm(op, mm) == 0);
		break;
	}
}
