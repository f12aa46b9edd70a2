/* SPDX-License-Identifier: MIT */
/* Address spaces: creation, exit, information. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "mm/marks.h"
#include "mm/mm.h"

/*
 * The last address that user memory may have: the lower half, where a format has two. Linux on x86-64 never maps
 * the last page of it: SYSRET to the address behind that page would fault in the kernel.
 */
static pw_va user_last(const struct pw_space *space)
{
	const struct pw_format *f = space->format;
	const unsigned top = f->levels - 1u, lg2 = f->shift[top] + f->bits[top];

	if (f->dynamic_top)
		return lg2 >= 64 ? ~(pw_va)0 : pw_mask(lg2);
	if (strncmp(f->name, "x86_64", 6) == 0)
		return pw_space_now(space)->span[0].last - (UINT64_C(1) << f->shift[0]);
	return pw_space_now(space)->span[0].last;
}

/* A quarter stays free above what mmap chooses, for stacks and for addresses that a program asks for. */
static void choose_range(struct pw_mm *mm)
{
	const pw_va last = user_last(mm->space), page = pw_mask(mm->machine->page_lg2);

	mm->user_last = last;
	mm->range_first = (pw_va)0x10000 & ~page ? (pw_va)0x10000 & ~page : page + 1;
	mm->range_last = (last - last / 4) | page;
}

static int table_locks_create(struct pw_mm *mm)
{
	mm->table_lock = aligned_alloc(_Alignof(struct pw_table_lock),
				       (PW_TABLE_LOCKS + 1) * sizeof(*mm->table_lock));
	if (!mm->table_lock)
		return -ENOMEM;
	for (unsigned i = 0; i <= PW_TABLE_LOCKS; i++)
		pthread_mutex_init(&mm->table_lock[i].mutex, NULL);
	return 0;
}

/* Frees what pw_mm_create made; there are no VMAs. */
static void release(struct pw_mm *mm)
{
	for (unsigned i = 0; mm->table_lock && i <= PW_TABLE_LOCKS; i++)
		pthread_mutex_destroy(&mm->table_lock[i].mutex);
	free(mm->table_lock);
	pthread_cond_destroy(&mm->notified);
	pthread_mutex_destroy(&mm->notifiers_lock);
	pthread_mutex_destroy(&mm->cpus_lock);
	pthread_mutex_destroy(&mm->tree_lock);
	pw_rw_deinit(&mm->lock);
	pw_space_destroy(mm->space);
	free(mm);
}

static void list_add(struct pw_mm *mm)
{
	struct pw_machine *machine = mm->machine;

	pthread_mutex_lock(&machine->list_lock);
	mm->next = machine->mms;
	mm->back = &machine->mms;
	if (mm->next)
		mm->next->back = &mm->next;
	machine->mms = mm;
	pthread_mutex_unlock(&machine->list_lock);
}

static void list_remove(struct pw_mm *mm)
{
	pthread_mutex_lock(&mm->machine->list_lock);
	*mm->back = mm->next;
	if (mm->next)
		mm->next->back = mm->back;
	pthread_mutex_unlock(&mm->machine->list_lock);
}

int pw_mm_create(struct pw_machine *machine, struct pw_mm **mm_ret, struct pw_error *error)
{
	struct pw_space_options options;
	struct pw_mm *mm;
	int code;

	if (!machine || !mm_ret)
		return pw_fail_null(error, !machine ? "machine" : "mm_ret");
	mm = calloc(1, sizeof(*mm));
	if (!mm)
		return pw_fail(error, ENOMEM, "no memory for an address space");
	options = (struct pw_space_options){
		.levels = machine->options.levels,
		.sync = machine->options.sync,
		.kernel = machine->options.kernel,
	};
	code = pw_space_create(machine->arena, machine->format, &options, &mm->space, error);
	if (code) {
		free(mm);
		return code;
	}
	mm->machine = machine;
	mm->write_sequence = 1; /* VMAs begin with 0, which no writer has */
	RB_INIT(&mm->vmas);
	pw_rw_init(&mm->lock);
	pthread_mutex_init(&mm->tree_lock, NULL);
	pthread_mutex_init(&mm->cpus_lock, NULL);
	pthread_mutex_init(&mm->notifiers_lock, NULL);
	pthread_cond_init(&mm->notified, NULL);
	choose_range(mm);
	if (table_locks_create(mm)) {
		release(mm);
		return pw_fail(error, ENOMEM, "no memory for an address space");
	}
	list_add(mm);
	*mm_ret = mm;
	return 0;
}

void pw_mm_destroy(struct pw_mm *mm)
{
	struct pw_vma *vma;

	if (!mm)
		return;
	list_remove(mm);
	pw_mm_write_lock(mm);
	for (vma = pw_vma_at_or_above(mm, 0); vma; vma = pw_vma_next(vma))
		pw_zap_range(vma, vma->first, vma->last, PW_ZAP_ALL);
	while ((vma = pw_vma_at_or_above(mm, 0))) {
		if (vma->flags & PW_VM_ACCOUNT)
			pw_uncommit(mm->machine,
				    ((vma->last - vma->first) >> mm->machine->page_lg2) + 1);
		pw_vma_write(vma);
		pw_vma_remove(vma);
		pw_vma_free(vma);
	}
	pw_mm_write_unlock(mm);
	/* VMAs are freed after readers that may look at them, which the space knows. */
	pw_space_wait(mm->space);
	pw_marks_destroy(mm);
	release(mm);
}

struct pw_space *pw_mm_space(const struct pw_mm *mm)
{
	return mm->space;
}

struct pw_machine *pw_mm_machine(const struct pw_mm *mm)
{
	return mm->machine;
}

int pw_mm_set_range(struct pw_mm *mm, pw_va first, pw_va last)
{
	pw_va page;

	if (!mm)
		return -EINVAL;
	page = pw_mask(mm->machine->page_lg2);
	if ((first & page) || (~last & page) || first > last || last > mm->user_last)
		return -EINVAL;
	pw_mm_write_lock(mm);
	mm->range_first = first;
	mm->range_last = last;
	pw_mm_write_unlock(mm);
	return 0;
}

void pw_mm_info(struct pw_mm *mm, struct pw_mm_info *info_ret)
{
	const unsigned page_lg2 = mm->machine->page_lg2;

	pw_mm_read_lock(mm);
	*info_ret = (struct pw_mm_info){
		.mapped = mm->total_pages << page_lg2,
		.locked = mm->locked_pages << page_lg2,
		.vmas = mm->vma_count,
		.anonymous = pw_mm_anonymous(mm) << page_lg2,
		.file = pw_counted(&mm->files) << page_lg2,
		.shared = pw_counted(&mm->shared) << page_lg2,
		.swapped = pw_counted(&mm->swapped) << page_lg2,
		.tables = pw_space_bytes(mm->space),
	};
	pw_mm_read_unlock(mm);
}
