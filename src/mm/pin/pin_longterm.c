/* SPDX-License-Identifier: MIT */
/* Long pins: movable memory is migrated first. */
#include <errno.h>

#include "mm/pin/pin.h"

/*
 * A page in movable memory must stay where it can be moved from, so nobody may hold it for long. The page of
 * zeros has no counts, and is never moved.
 */
static bool pinnable(const struct pw_machine *machine, pw_pa pa)
{
	const uint32_t frame = pw_arena_frame(machine->arena, pa);

	return frame < machine->movable_first || pw_folio_is_zero(machine->arena, frame) ||
	       pw_mutant(PW_MUTANT_LONGTERM_MOVABLE);
}

size_t pw_pin_long_prefix(const struct pw_machine *machine, const pw_pa *page, size_t count)
{
	size_t i = 0;

	while (i < count && pinnable(machine, page[i]))
		i++;
	return i;
}

/*
 * Moves the folios of those of @count pages that may not be held for long. The caller has given all of its pins
 * back, because a pinned page does not move. So a page may be somebody else's by now; that does no harm.
 * Returns 0 if another try is worth it, else -ENOMEM.
 */
static int migrate(struct pw_pin_work *work, const pw_pa *page, size_t count)
{
	struct pw_machine *machine = work->mm->machine;
	uint32_t last = PW_NO_FRAME;

	for (size_t i = 0; i < count; i++) {
		const uint32_t frame = pw_arena_frame(machine->arena, page[i]);
		const uint32_t head = pw_folio_head(machine->arena, frame);
		int error;

		if (pinnable(machine, page[i]) || head == last)
			continue;
		last = head;
		error = pw_migrate_folio(machine, head, true);
		if (error == -ENOMEM)
			return error;
		work->result->migrated += !error;
	}
	return 0;
}

/*
 * Either all pages are held, or none that this call took: while one is held, the folios that it shares with
 * others do not move. A page that somebody else holds for long is not moved either, however often it is tried;
 * so there is a bound, and at the bound the call fails with -EBUSY.
 */
int pw_pin_loop_long(struct pw_pin_work *work)
{
	struct pw_machine *machine = work->mm->machine;
	const size_t first = work->done;
	const pw_va va = work->va;

	for (unsigned round = 0; round < PW_PIN_ROUNDS; round++) {
		int error = pw_pin_loop(work);
		const pw_pa *page = work->page + first;
		const size_t count = work->done - first;

		if (pw_pin_long_prefix(machine, page, count) == count)
			return error;
		if (!pw_mutant(PW_MUTANT_LONGTERM_KEEPS))
			pw_pin_drop(machine, page, count, work->flags, false);
		work->done = first;
		work->va = va;
		error = migrate(work, page, count);
		if (error)
			return error;
	}
	return -EBUSY;
}
