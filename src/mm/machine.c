/* SPDX-License-Identifier: MIT */
/* Machines: memory, what each page is, counters. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "folio/stock.h"
#include "mm/file/file.h"
#include "mm/huge/huge.h"
#include "mm/mm.h"
#include "mm/swap/swap.h"

static int check(const struct pw_machine_options *o, struct pw_error *error)
{
	uint64_t page;

	if (!o->format)
		return pw_fail(error, EINVAL,
			       "a machine needs a format: set options.format (pw_format_find)");
	if (!pw_format_can_edit(o->format))
		return pw_fail(error, EINVAL,
			       "tables of %s cannot be built: it is a described format, and a "
			       "description says only how to read entries",
			       o->format->name);
	page = UINT64_C(1) << o->format->shift[0];
	if (o->bytes < 16 * page || (o->bytes & (page - 1)))
		return pw_fail(
			error, EINVAL,
			"0x%llx bytes of memory: a machine of %s needs whole pages of 0x%llx "
			"bytes, and at least 16",
			(unsigned long long)o->bytes, o->format->name, (unsigned long long)page);
	if (o->movable_bytes & (page - 1) || o->movable_bytes >= o->bytes)
		return pw_fail(error, EINVAL,
			       "0x%llx bytes cannot be the movable part of 0x%llx bytes of memory: "
			       "whole pages, and less than all",
			       (unsigned long long)o->movable_bytes, (unsigned long long)o->bytes);
	if ((unsigned)o->huge > PW_HUGE_NEVER)
		return pw_fail(error, EINVAL, "%u is not a policy for huge pages",
			       (unsigned)o->huge);
	if ((unsigned)o->shmem_huge > PW_SHMEM_ADVISE)
		return pw_fail(error, EINVAL, "%u is not a policy for huge pages of shared memory",
			       (unsigned)o->shmem_huge);
	return 0;
}

static void destroy(struct pw_machine *machine)
{
	if (machine->swap)
		pw_swap_destroy(machine);
	pw_hugetlb_stop(machine);
	pw_waits_destroy(machine);
	pw_anon_free_all(machine);
	pthread_mutex_destroy(&machine->list_lock);
	free(machine->page);
	pw_arena_destroy(machine->arena);
	free(machine);
}

static int fill(struct pw_machine *machine, struct pw_error *error)
{
	const struct pw_machine_options *o = &machine->options;
	const struct pw_arena_options arena = {
		.bytes = o->bytes,
		.base = o->base,
		.page_lg2 = machine->page_lg2,
		.poison = o->poison,
	};
	int code = pw_arena_create(&arena, &machine->arena, error);

	if (code)
		return code;
	if (pw_stock_create(machine->arena))
		return pw_fail(error, ENOMEM, "no memory for the free frames of a machine");
	machine->page = calloc(machine->arena->frames, sizeof(*machine->page));
	if (!machine->page || pw_waits_create(machine))
		return pw_fail(error, ENOMEM, "no memory to describe the pages of a machine");
	machine->movable_first = PW_NO_FRAME;
	if (o->movable_bytes)
		machine->movable_first = (uint32_t)((o->bytes - o->movable_bytes) >>
						    machine->page_lg2);
	machine->huge_level = pw_huge_top(machine->format, o->bytes);
	if (machine->huge_level)
		machine->huge_lg2 = machine->format->shift[machine->huge_level];
	code = pw_hugetlb_start(machine, error);
	if (code)
		return code;
	if (o->swap || o->swap_bytes)
		return pw_swap_create(machine, o->swap, o->swap_bytes, error);
	return 0;
}

int pw_machine_create(const struct pw_machine_options *options, struct pw_machine **machine_ret,
		      struct pw_error *error)
{
	struct pw_machine *machine;
	int code;

	if (!options || !machine_ret)
		return pw_fail_null(error, !options ? "options" : "machine_ret");
	code = check(options, error);
	if (code)
		return code;
	machine = calloc(1, sizeof(*machine));
	if (!machine)
		return pw_fail(error, ENOMEM, "no memory for a machine");
	machine->options = *options;
	machine->format = options->format;
	machine->page_lg2 = options->format->shift[0];
	pthread_mutex_init(&machine->list_lock, NULL);
	code = fill(machine, error);
	if (code) {
		destroy(machine);
		return code;
	}
	*machine_ret = machine;
	return 0;
}

void pw_machine_destroy(struct pw_machine *machine)
{
	if (machine)
		destroy(machine);
}

struct pw_arena *pw_machine_arena(const struct pw_machine *machine)
{
	return machine->arena;
}

/* What a folio counts as. A page of a hugetlb pool is in use if somebody beside the pool holds it. */
static enum pw_folio_kind counted_as(const struct pw_machine *machine, uint32_t frame,
				     const struct pw_folio_info *folio)
{
	if (!pw_page_is_hugetlb(machine, pw_folio_head(machine->arena, frame)))
		return folio->kind;
	return pw_page_references(machine, frame) > 1 ? PW_FOLIO_HUGETLB : PW_FOLIO_NONE;
}

/* Adds the pages that are in use, by what they are. */
static void count_pages(struct pw_machine *machine, struct pw_machine_info *info)
{
	const struct pw_arena *arena = machine->arena;

	for (uint32_t frame = 0; frame < arena->frames;) {
		struct pw_folio_info folio;

		if (!pw_folio_info(arena, pw_arena_pa(arena, frame), &folio)) {
			frame++;
			continue;
		}
		switch (counted_as(machine, frame, &folio)) {
		case PW_FOLIO_ANONYMOUS:
			info->anonymous += pw_page_bytes(machine) << folio.order;
			break;
		case PW_FOLIO_FILE:
			info->file += pw_page_bytes(machine) << folio.order;
			break;
		case PW_FOLIO_SHARED:
		case PW_FOLIO_HUGETLB:
		case PW_FOLIO_SECRET:
			info->shared += pw_page_bytes(machine) << folio.order;
			break;
		case PW_FOLIO_NONE:
			break;
		}
		frame += folio.pa == pw_arena_pa(arena, frame) ? UINT32_C(1) << folio.order : 1;
	}
}

void pw_machine_info(struct pw_machine *machine, struct pw_machine_info *info_ret)
{
	const struct pw_machine_info *now = &machine->info;

	*info_ret = (struct pw_machine_info){
		.bytes = pw_arena_bytes(machine->arena),
		.free_bytes = pw_arena_free_bytes(machine->arena),
		.faults = pw_counted_parts(machine->faults_part),
		.major_faults = pw_counted(&now->major_faults),
		.cow_copies = pw_counted(&now->cow_copies),
		.cow_reuses = pw_counted(&now->cow_reuses),
		.swapped_out = pw_counted(&now->swapped_out),
		.swapped_in = pw_counted(&now->swapped_in),
		.migrated = pw_counted(&now->migrated),
		.migrate_failed = pw_counted(&now->migrate_failed),
		.huge_faults = pw_counted(&now->huge_faults),
		.huge_splits = pw_counted(&now->huge_splits),
		.huge_collapses = pw_counted(&now->huge_collapses),
		.poisoned = pw_counted(&now->poisoned),
		.oom = pw_counted(&now->oom),
	};
	if (machine->swap)
		pw_swap_room(machine, &info_ret->swap_bytes, &info_ret->swap_free_bytes);
	count_pages(machine, info_ret);
	pthread_mutex_lock(&machine->list_lock);
	for (const struct pw_mm *mm = machine->mms; mm; mm = mm->next)
		info_ret->tables += pw_space_bytes(mm->space);
	pthread_mutex_unlock(&machine->list_lock);
}
