/* SPDX-License-Identifier: MIT */
/*
 * The pagewalk side: a machine of the host's format with an mm and a cpu for each process, whose address spaces
 * have the same window as the host's children. Files of the host are temporary files of its own.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <pagewalk/cpu.h>

#include "check.h"

struct model_process {
	struct pw_mm *mm;
	struct pw_vcpu *cpu;
};

struct model {
	struct pw_machine *machine;
	struct model_process process[MAX_PROCESSES];
	struct pw_file *file[MAX_FILES], *reserved;
	unsigned files;
	uint64_t page;
	uint64_t free_bytes; /* of the new machine */
	uint64_t may_stay; /* of them, at the end */
};

static const uint64_t MEMORY = UINT64_C(128) << 20;

/* ---- loads and stores ---- */

static void fault_answer(const struct model_process *process, struct answer *answer)
{
	const struct pw_fault *fault = pw_cpu_fault(process->cpu);

	answer->signal = fault->signal;
	answer->code = fault->code;
	answer->fault = fault->va;
	if (!fault->signal)
		answer->code = -(int)fault->kind;
}

static void pages_of(struct model *model, const struct call *call, struct answer *answer)
{
	const struct model_process *process = &model->process[call->process];

	for (uint64_t i = 0; i < call->arg[1]; i++) {
		const uint64_t va = call->arg[0] + i * model->page;
		uint64_t value = 0;
		const bool done = call->kind == CALL_SCAN
					  ? pw_load_u64(process->cpu, va, &value)
					  : pw_store_u64(process->cpu, va, call_stamp(call) + i);

		if (!done) {
			fault_answer(process, answer);
			return;
		}
		answer->value = answer->value * 31 + value;
		answer->result++;
	}
}

static uint64_t page_digest(const struct model *model, const struct model_process *process,
			    uint64_t va)
{
	unsigned char content[64 << 10];

	if (pw_copy_from(process->cpu, content, va, model->page) != model->page) {
		const struct pw_fault *fault = pw_cpu_fault(process->cpu);

		return digest_fault(fault->signal, fault->code);
	}
	return digest_bytes(content, model->page);
}

struct digest {
	struct model *model;
	const struct model_process *process;
	struct answer *answer;
	unsigned vmas;
	struct {
		pw_va first, last;
	} vma[MAX_VMAS];
};

static int digest_vma(void *context, const struct pw_vma_info *info)
{
	struct digest *digest = context;

	if (info->first < WINDOW || info->first >= WINDOW_END || digest->vmas == MAX_VMAS)
		return 0;
	digest->vma[digest->vmas].first = info->first;
	digest->vma[digest->vmas++].last = info->last;
	return 0;
}

static void digest_all(struct model *model, const struct model_process *process,
		       struct answer *answer)
{
	static struct digest digest;

	digest.vmas = 0;
	pw_mm_vmas(process->mm, digest_vma, &digest);
	for (unsigned i = 0; i < digest.vmas; i++) {
		uint64_t va = digest.vma[i].first;

		for (unsigned n = 0;
		     va < digest.vma[i].last && n < MAX_PAGES_OF_VMA && answer->pages < MAX_PAGES;
		     va += model->page, n++) {
			answer->va[answer->pages] = va;
			answer->page[answer->pages++] = page_digest(model, process, va);
		}
	}
}

/* ---- calls ---- */

static void file_call(struct model *model, const struct call *call, struct answer *answer)
{
	static unsigned char buffer[256 << 10];
	struct pw_file *file = model->file[call->arg[0]];
	const uint64_t *arg = call->arg;
	const size_t bytes = arg[2] < sizeof buffer ? arg[2] : sizeof buffer;

	switch (call->kind) {
	case CALL_TRUNCATE:
		answer->result = pw_file_truncate(file, arg[1]);
		break;
	case CALL_PUNCH:
		answer->result = pw_file_punch(file, arg[1], arg[2]);
		break;
	case CALL_PREAD:
		answer->result = pw_file_read(file, arg[1], buffer, bytes);
		if (answer->result > 0)
			answer->value = digest_bytes(buffer, (size_t)answer->result);
		break;
	case CALL_PWRITE:
		for (size_t i = 0; i < bytes; i++)
			buffer[i] = (unsigned char)(call_stamp(call) + i * 7);
		answer->result = pw_file_write(file, arg[1], buffer, bytes);
		break;
	default:
		answer->result = pw_file_sync(file);
		break;
	}
}

static void mincore_call(struct model *model, struct pw_mm *mm, const struct call *call,
			 struct answer *answer)
{
	static unsigned char present[MAX_PAGES];
	const uint64_t *arg = call->arg;

	answer->result = pw_mincore(mm, arg[0], arg[1], present);
	for (uint64_t i = 0; answer->result == 0 && i < (arg[1] + model->page - 1) / model->page;
	     i++) {
		answer->va[i] = arg[0] + i * model->page;
		answer->page[i] = present[i];
		answer->pages++;
	}
}

static int64_t fork_call(struct model *model, const struct call *call)
{
	struct model_process *child = &model->process[call->arg[0]];
	struct pw_error error;
	int failed = pw_mm_fork(model->process[call->process].mm, &child->mm, &error);

	return failed ? failed : pw_cpu_create(child->mm, &child->cpu);
}

static int64_t exit_call(struct model *model, const struct call *call)
{
	struct model_process *process = &model->process[call->process];

	pw_cpu_destroy(process->cpu);
	pw_mm_destroy(process->mm);
	process->mm = NULL;
	return 0;
}

static int64_t range_call(struct model *model, struct pw_mm *mm, const struct call *call)
{
	const uint64_t *arg = call->arg;

	switch (call->kind) {
	case CALL_MMAP:
		return pw_mmap(mm, arg[0], arg[1], (int)arg[2], (int)arg[3],
			       arg[4] == NO_FILE ? NULL : model->file[arg[4]], arg[5]);
	case CALL_MUNMAP:
		return pw_munmap(mm, arg[0], arg[1]);
	case CALL_MPROTECT:
		return pw_mprotect(mm, arg[0], arg[1], (int)arg[2]);
	case CALL_MREMAP:
		return pw_mremap(mm, arg[0], arg[1], arg[2], (int)arg[3], arg[4]);
	case CALL_MADVISE:
		return pw_madvise(mm, arg[0], arg[1], (int)arg[2]);
	case CALL_MLOCK:
		return pw_mlock(mm, arg[0], arg[1], 0);
	case CALL_MLOCK2:
		return pw_mlock(mm, arg[0], arg[1], (unsigned)arg[2]);
	case CALL_MUNLOCK:
		return pw_munlock(mm, arg[0], arg[1]);
	case CALL_MLOCKALL:
		return pw_mlockall(mm, (int)arg[0]);
	case CALL_MUNLOCKALL:
		return pw_munlockall(mm);
	case CALL_CLEAR_REFS:
		return pw_mm_clear_soft_dirty(mm, NULL);
	case CALL_FORK:
		return fork_call(model, call);
	case CALL_EXIT:
		return exit_call(model, call);
	default:
		return pw_msync(mm, arg[0], arg[1], (int)arg[2]);
	}
}

static void model_call(struct side *side, const struct call *call, struct answer *answer)
{
	struct model *model = side->inside;
	struct model_process *process = &model->process[call->process];

	memset(answer, 0, offsetof(struct answer, va));
	switch (call->kind) {
	case CALL_READ:
		if (!pw_load_u64(process->cpu, call->arg[0], &answer->value))
			fault_answer(process, answer);
		break;
	case CALL_WRITE:
		if (!pw_store_u64(process->cpu, call->arg[0], call_stamp(call)))
			fault_answer(process, answer);
		break;
	case CALL_SCAN:
	case CALL_FILL:
		pages_of(model, call, answer);
		break;
	case CALL_DIGEST:
		digest_all(model, process, answer);
		break;
	case CALL_TRUNCATE:
	case CALL_PUNCH:
	case CALL_PREAD:
	case CALL_PWRITE:
	case CALL_FSYNC:
		file_call(model, call, answer);
		break;
	case CALL_MINCORE:
		mincore_call(model, process->mm, call, answer);
		break;
	default:
		answer->result = range_call(model, process->mm, call);
		break;
	}
}

/* ---- views ---- */

struct look {
	const struct model *model;
	struct view *view;
	bool flags;
};

static int file_number(const struct model *model, const struct pw_vma_info *info)
{
	for (unsigned i = 0; i < model->files; i++)
		if (info->file && info->file == model->file[i])
			return (int)i;
	/* Linux gives anonymous shared memory a file that nobody can name. */
	return info->file || info->shared ? ANONYMOUS_SHARED : ANONYMOUS;
}

static int look_vma(void *context, const struct pw_vma_info *info)
{
	const struct look *look = context;
	struct view *view = look->view;
	struct vma *vma = &view->vma[view->vmas];

	if (info->first < WINDOW || info->first >= WINDOW_END || view->vmas == MAX_VMAS)
		return 0;
	view->vmas++;
	*vma = (struct vma){ .first = info->first,
			     .end = info->last + 1,
			     .offset = info->offset,
			     .file = file_number(look->model, info) };
	snprintf(vma->prot, sizeof vma->prot, "%c%c%c%c", info->prot & PROT_READ ? 'r' : '-',
		 info->prot & PROT_WRITE ? 'w' : '-', info->prot & PROT_EXEC ? 'x' : '-',
		 info->shared ? 's' : 'p');
	if (look->flags)
		vma->flags = (info->locked ? FLAG_LOCKED : 0) |
			     (info->grows_down ? FLAG_GROWS_DOWN : 0) |
			     (info->huge ? FLAG_HUGE : 0) | (info->no_huge ? FLAG_NO_HUGE : 0) |
			     (info->dont_fork ? FLAG_DONT_FORK : 0) |
			     (info->wipe_on_fork ? FLAG_WIPE_ON_FORK : 0) |
			     (info->no_reserve ? FLAG_NO_RESERVE : 0) |
			     (info->hugetlb ? FLAG_HUGETLB : 0);
	return 0;
}

static void model_look(struct side *side, unsigned process, bool flags, struct view *view)
{
	const struct model *model = side->inside;
	struct pw_mm *mm = model->process[process].mm;
	struct look look = { .model = model, .view = view, .flags = flags };

	view->vmas = view->pages = 0;
	pw_mm_vmas(mm, look_vma, &look);
	for (unsigned i = 0; i < view->vmas; i++) {
		const struct vma *vma = &view->vma[i];
		uint64_t count = (vma->end - vma->first) / model->page;

		if (count > MAX_PAGES_OF_VMA)
			count = MAX_PAGES_OF_VMA;
		if (count > MAX_PAGES - view->pages)
			count = MAX_PAGES - view->pages;
		pw_mm_pagemap(mm, vma->first, count, &view->pagemap[view->pages]);
		for (uint64_t n = 0; n < count; n++)
			view->va[view->pages++] = vma->first + n * model->page;
	}
}

/* ---- begin and end ---- */

static void model_stop(struct side *side)
{
	struct model *model = side->inside;

	for (unsigned i = 0; i < MAX_PROCESSES; i++) {
		if (!model->process[i].mm)
			continue;
		pw_cpu_destroy(model->process[i].cpu);
		pw_mm_destroy(model->process[i].mm);
	}
	for (unsigned i = 0; i < model->files; i++)
		pw_file_put(model->file[i]);
	pw_file_put(model->reserved);
	/* A huge page of zeros stays with the machine. */
	if (pw_arena_free_bytes(pw_machine_arena(model->machine)) + model->may_stay <
	    model->free_bytes) {
		fprintf(stderr, "check-linux: pages of the machine are left at the end\n");
		_exit(4);
	}
	pw_machine_destroy(model->machine);
	free(model);
}

static int file_open(struct model *model, const struct script *script, unsigned number,
		     struct pw_error *error)
{
	const uint64_t bytes = script->file[number].bytes;
	struct pw_file **file_ret = &model->file[number];
	int fd, failed;

	if (script->file[number].kind == FILE_SHMEM)
		return pw_shmem_create(model->machine, bytes, file_ret, error);
	if (script->file[number].kind == FILE_HUGETLB)
		return pw_hugetlb_create(model->machine, bytes, 0, file_ret, error);
	fd = check_file_open(FILE_HOST, bytes);
	failed = pw_file_open(model->machine, fd, file_ret, error);
	close(fd);
	return failed;
}

/* Maps what the host's children have outside the window, without permissions. */
static bool reserve(struct model *model, uint64_t first, uint64_t end)
{
	return !pw_is_error(pw_mmap(model->process[0].mm, first, end - first, PROT_NONE,
				    MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE, model->reserved, 0));
}

bool model_start(struct side *side, const struct script *script, const struct abilities *can)
{
	const char *format = sizeof(void *) == 8 && can->page == 4096 ? CHECK_FORMAT
								      : "arm64_64k_48";
	char swap[] = "/tmp/check-linux-swap-XXXXXX";
	const int swap_file = can->swap ? mkstemp(swap) : -1;
	const struct pw_machine_options options = { .format = pw_format_find(format),
						    .bytes = MEMORY,
						    .kernel = can->kernel,
						    .huge = PW_HUGE_MADVISE,
						    .swap = swap_file >= 0 ? swap : NULL,
						    .swap_bytes = swap_file >= 0 ? MEMORY : 0,
						    .hugetlb_bytes = can->hugetlb ? MEMORY / 4 : 0,
						    .no_zero_page = !can->zero_page,
						    .lock_limited = can->lock_limited,
						    .lock_bytes = can->lock_bytes,
						    .poison = true };
	struct model *model = calloc(1, sizeof *model);
	struct pw_error error;
	bool failed;

	*side = (struct side){ .name = "pagewalk",
			       .inside = model,
			       .call = model_call,
			       .look = model_look,
			       .stop = model_stop };
	model->page = can->page;
	model->may_stay = can->zero_page ? UINT64_C(2) << 20 : 0;
	failed = pw_machine_create(&options, &model->machine, &error);
	if (swap_file >= 0) {
		close(swap_file);
		unlink(swap);
	}
	if (failed) {
		fprintf(stderr, "check-linux: the machine cannot begin: %s\n", error.text);
		return false;
	}
	model->free_bytes = pw_arena_free_bytes(pw_machine_arena(model->machine));
	failed = pw_mm_create(model->machine, &model->process[0].mm, &error) ||
		 pw_cpu_create(model->process[0].mm, &model->process[0].cpu) ||
		 pw_shmem_create(model->machine, 0, &model->reserved, &error);
	for (; !failed && model->files < script->files; model->files++)
		failed = file_open(model, script, model->files, &error);
	failed = failed || !reserve(model, 0x10000, WINDOW) ||
		 !reserve(model, WINDOW_END, can->task);
	if (failed)
		fprintf(stderr, "check-linux: the machine cannot begin: %s\n", error.text);
	return !failed;
}
