/* SPDX-License-Identifier: MIT */
/* Visits of all entries of a range, on every format; and a CPU that sets bits of leaves meanwhile. */
#include <errno.h>
#include <pthread.h>

#include "slot_test.h"
#include "space/slot_parts.h"

enum { VISITS = 64 };

/* A visitor that notes what it sees, and answers as it is told. */
struct note {
	struct world *world;
	int answer; /* to pages of the asked size; SOFT and PROT_NONE are kept, unless it is DROP */
	uint32_t attr; /* with STORE */
	unsigned split_lg2; /* SPLIT pages larger than this; 0: none */
	unsigned fail_at; /* the n-th call of entry() returns -EINTR; 0: none does */
	int done_code;
	unsigned visits, stored, tables, locked, unlocked;
	bool inside; /* between lock and unlock */
	unsigned lock_level;
	pw_va va[VISITS];
	struct pw_slot slot[VISITS];
	void (*meddle)(struct note *note, pw_va va); /* called by lock(), once */
	void (*meddle_entry)(struct note *note, pw_va va); /* called by entry(), once */
};

static void note_lock(void *context, unsigned level, pw_va va)
{
	struct note *note = context;
	void (*meddle)(struct note * note, pw_va va) = note->meddle;

	assert_false(note->inside);
	note->locked++;
	note->lock_level = level;
	note->meddle = NULL;
	if (meddle)
		meddle(note, va);
	note->inside = true;
}

static void note_unlock(void *context, unsigned level, pw_va va)
{
	struct note *note = context;

	(void)va;
	assert_true(note->inside);
	assert_int_equal(level, note->lock_level);
	note->inside = false;
	note->unlocked++;
}

static int note_entry(void *context, pw_va va, struct pw_slot *slot, uint64_t *value)
{
	struct note *note = context;
	struct world *world = note->world;
	void (*meddle)(struct note * note, pw_va va) = note->meddle_entry;

	assert_true(note->inside);
	assert_int_equal(note->lock_level, slot->level > 0 ? slot->level : 1);
	assert_true(note->visits < VISITS);
	assert_int_equal(va & pw_mask(world->format->shift[slot->level]), 0);
	check_same(world, va, slot);
	note->va[note->visits] = va;
	note->slot[note->visits++] = *slot;
	note->meddle_entry = NULL;
	if (meddle)
		meddle(note, va);
	if (note->visits == note->fail_at)
		return -EINTR;
	if (slot->kind == PW_SLOT_PAGE && note->split_lg2 && slot->lg2 > note->split_lg2)
		return PW_VISIT_SPLIT;
	if (note->answer == PW_VISIT_STORE && slot->kind == PW_SLOT_PAGE) {
		*value = pw_slot_change(world->space, slot, note->attr);
		return PW_VISIT_STORE;
	}
	return note->answer == PW_VISIT_DROP ? PW_VISIT_DROP : PW_VISIT_KEEP;
}

static void note_stored(void *context, pw_va va, const struct pw_slot *was)
{
	struct note *note = context;

	note->stored++;
	assert_true(note->inside);
	assert_int_equal(va, note->va[note->visits - 1]);
	assert_int_equal(was->kind, note->slot[note->visits - 1].kind);
	assert_int_equal(was->pa, note->slot[note->visits - 1].pa);
}

static int note_done(void *context, pw_va first, pw_va last)
{
	struct note *note = context;

	assert_false(note->inside);
	assert_true(first <= last);
	note->tables++;
	return note->done_code;
}

static int visit(struct note *note, pw_va first, pw_va last)
{
	const struct pw_visitor visitor = {
		.lock = note_lock,
		.unlock = note_unlock,
		.entry = note_entry,
		.stored = note_stored,
		.done = note_done,
		.context = note,
	};
	int code;

	note->visits = note->stored = note->tables = note->locked = note->unlocked = 0;
	code = pw_slot_visit(note->world->space, first, last, &visitor);
	assert_int_equal(note->locked, note->unlocked);
	return code;
}

/* The n-th visit was of the entry of @level for @va. */
static void check_visit(const struct note *note, unsigned n, pw_va va, unsigned level,
			enum pw_slot_kind kind)
{
	assert_true(n < note->visits);
	assert_int_equal(note->va[n], va);
	check_slot(note->world, &note->slot[n], level, kind);
}

static bool is_empty(const struct world *world, pw_va va)
{
	struct pw_slot slot;

	pw_slot_find(world->space, va, &slot);
	return slot.kind == PW_SLOT_EMPTY;
}

/* ---- what is visited ---- */

static void test_order(struct world *world)
{
	struct note note = { .world = world, .answer = PW_VISIT_KEEP };
	struct pw_space *space = world->space;
	const pw_va table = (pw_va)1 << world->format->shift[1], page = world->page;
	const pw_va last = pw_space_now(space)->span[0].last, all = ~UINT64_C(0);
	pw_va end = last - (page - 1);

	assert_int_equal(visit(&note, 0, all), 0);
	assert_int_equal(note.visits, 0);
	store(world, page, 0, pw_slot_leaf(space, 0, world->pa, RW));
	store(world, table - page, 0,
	      pw_slot_soft(space, 0, &(struct pw_soft){ .type = 2, .offset = 9 }));
	store(world, 2 * table, 0, pw_slot_leaf(space, 0, world->pa + page, RO));
	store(world, end, 0, pw_slot_leaf(space, 0, world->pa, RO));
	assert_int_equal(visit(&note, 0, all), 0);
	assert_int_equal(note.visits, 4);
	check_visit(&note, 0, page, 0, PW_SLOT_PAGE);
	check_visit(&note, 1, table - page, 0, PW_SLOT_SOFT);
	check_visit(&note, 2, 2 * table, 0, PW_SLOT_PAGE);
	check_visit(&note, 3, end, 0, PW_SLOT_PAGE);
	assert_int_equal(note.tables, 3);
	assert_int_equal(note.locked, 3);
	/* Ends inside tables, of one page, and in what is not mapped. */
	assert_int_equal(visit(&note, 2 * page, 2 * table + page - 1), 0);
	assert_int_equal(note.visits, 2);
	assert_int_equal(visit(&note, end, last), 0);
	assert_int_equal(note.visits, 1);
	assert_int_equal(visit(&note, table, 2 * table - 1), 0);
	assert_int_equal(note.visits + note.tables, 0);
	assert_int_equal(visit(&note, 0, page), -EINVAL);
	assert_int_equal(visit(&note, page, page - 1), -EINVAL);

	/* New permissions for all pages; then all go, the soft entry, too. */
	note.answer = PW_VISIT_STORE;
	note.attr = RO;
	assert_int_equal(visit(&note, 0, all), 0);
	assert_int_equal(note.stored, 3);
	assert_int_equal(visit(&note, 0, page * 2 - 1), 0);
	assert_int_equal(note.slot[0].attr, as_made(world, 0, RO));
	note.answer = PW_VISIT_DROP;
	assert_int_equal(visit(&note, 0, all), 0);
	assert_int_equal(note.stored, 4);
	assert_int_equal(visit(&note, 0, all), 0);
	assert_int_equal(note.visits, 0);
	assert_int_equal(note.tables, 3);
}

static void test_errors(struct world *world)
{
	struct note note = { .world = world, .answer = PW_VISIT_DROP, .fail_at = 2 };
	struct pw_space *space = world->space;
	const pw_va table = (pw_va)1 << world->format->shift[1], page = world->page;

	for (unsigned i = 0; i < 4; i++)
		store(world, i * page, 0, pw_slot_leaf(space, 0, world->pa, RW));
	store(world, table, 0, pw_slot_leaf(space, 0, world->pa, RW));
	assert_int_equal(visit(&note, 0, 2 * table - 1), -EINTR);
	assert_int_equal(note.visits, 2);
	assert_int_equal(note.stored, 1);
	assert_true(is_empty(world, 0));
	assert_false(is_empty(world, page));
	note.fail_at = 0;
	note.done_code = -ECANCELED;
	assert_int_equal(visit(&note, 0, 2 * table - 1), -ECANCELED);
	assert_int_equal(note.stored, 3);
	assert_false(is_empty(world, table));
	/* A base page has no parts. */
	note.split_lg2 = 1;
	assert_int_equal(visit(&note, table, 2 * table - 1), -EINVAL);
}

/* ---- large pages ---- */

/* A leaf of @level: asked about from its middle, split, and its parts in the range go. */
static void check_large(struct world *world, unsigned level)
{
	const unsigned shift = world->format->shift[level], part = world->format->shift[level - 1];
	const pw_va start = (pw_va)1 << shift, step = (pw_va)1 << part;
	const pw_va first = start + step, last = start + 3 * step - 1;
	struct note note = { .world = world, .answer = PW_VISIT_KEEP };
	struct pw_space *space = world->space;
	struct pw_slot slot;

	store(world, start, level, pw_slot_leaf(space, level, 0, RW));
	assert_int_equal(visit(&note, first, last), 0);
	assert_int_equal(note.visits, 1);
	check_visit(&note, 0, start, level, PW_SLOT_PAGE);
	assert_int_equal(note.tables, 0);
	note.answer = PW_VISIT_STORE;
	note.attr = RO;
	assert_int_equal(visit(&note, start, start + pw_mask(shift)), 0);
	assert_int_equal(note.stored, 1);
	note.answer = PW_VISIT_DROP;
	note.split_lg2 = part;
	assert_int_equal(visit(&note, first, last), 0);
	assert_int_equal(note.visits, 3);
	assert_int_equal(note.stored, 2);
	check_visit(&note, 1, first, level - 1, PW_SLOT_PAGE);
	assert_int_equal(note.slot[1].pa, step);
	assert_int_equal(note.slot[1].attr, as_made(world, level - 1, RO));
	for (unsigned i = 0; i < 4; i++) {
		pw_slot_find(space, start + i * step, &slot);
		check_slot(world, &slot, level - 1,
			   i == 1 || i == 2 ? PW_SLOT_EMPTY : PW_SLOT_PAGE);
		assert_true(slot.kind == PW_SLOT_EMPTY || slot.pa == i * step);
	}
	/* All of it goes, but for the tables. */
	note.split_lg2 = 0;
	for (pw_va va = start; va < start + pw_mask(shift); va += VISITS / 2 * step)
		assert_int_equal(visit(&note, va,
				       pw_min(va + VISITS / 2 * step - 1, start + pw_mask(shift))),
				 0);
	assert_int_equal(visit(&note, start, start + pw_mask(shift)), 0);
	assert_int_equal(note.visits, 0);
	assert_int_equal(pw_slot_free_tables(space, start, start + pw_mask(shift)), 0);
}

static void test_large(struct world *world)
{
	for (unsigned level = 1; level < world->format->levels; level++)
		if (is_leaf_level(world, level) && is_leaf_level(world, level - 1))
			check_large(world, level);
}

/* A huge page that is PROT_NONE or in migration has parts that are the same. */
static void test_large_gone(struct world *world)
{
	const pw_va start = (pw_va)1 << world->format->shift[1];
	struct pw_space *space = world->space;
	const struct pw_regime *r = pw_space_now(space);
	const struct pw_soft soft = { .type = r->swap_first[PW_FIRST_MIGRATION], .offset = 512 };
	struct note note = { .world = world, .answer = PW_VISIT_KEEP };
	struct pw_slot slot;

	if (!is_leaf_level(world, 1) || !(pw_soft_levels(space) >> 1 & 1))
		return;
	store(world, start, 1, pw_slot_soft(space, 1, &soft));
	assert_int_equal(visit(&note, start, start + world->page - 1), 0);
	check_visit(&note, 0, start, 1, PW_SLOT_SOFT);
	assert_int_equal(note.slot[0].soft.type, soft.type);
	assert_int_equal(note.slot[0].soft.offset, soft.offset);
	pw_slot_find(space, start, &slot);
	assert_true(pw_slot_swap(space, start, &slot, pw_slot_prot_none(space, 1, 0)));
	if (has_prot_none(world))
		check_slot(world, &slot, 1, PW_SLOT_PROT_NONE);
	store(world, start, 1, pw_slot_empty(space, 1));
}

/* The members of a group are visited one by one; a store in the middle leaves the others as single leaves. */
static void test_groups(struct world *world)
{
	const struct pw_format *f = world->format;
	struct pw_space *space = world->space;
	/* Without groups, the least group is a single leaf: there is nothing to do then. */
	const unsigned lg2 = f->shift[0] +
			     (f->groups[0] ? (unsigned)__builtin_ctz(f->groups[0]) : 0);
	const pw_va start = (pw_va)1 << lg2, page = world->page;
	const unsigned count = 1u << (lg2 - f->shift[0]);
	struct note note = { .world = world, .answer = PW_VISIT_KEEP };
	struct pw_slot slot;

	if (!f->groups[0] || count > VISITS / 2)
		return;
	assert_int_equal(pw_slot_reach(space, start, 0, &slot), 0);
	assert_true(pw_slot_fill_group(space, start, &slot, lg2, world->pa, RW));
	assert_int_equal(visit(&note, start, start + pw_mask(lg2)), 0);
	assert_int_equal(note.visits, count);
	assert_int_equal(note.slot[count - 1].lg2, lg2);
	/* The first answer breaks it up, the second drops. */
	note.answer = PW_VISIT_DROP;
	note.split_lg2 = f->shift[0];
	assert_int_equal(visit(&note, start + page, start + 2 * page - 1), 0);
	assert_int_equal(note.visits, 2);
	assert_int_equal(note.slot[1].lg2, f->shift[0]);
	for (unsigned i = 0; i < count; i++) {
		pw_slot_find(space, start + i * page, &slot);
		check_slot(world, &slot, 0, i == 1 ? PW_SLOT_EMPTY : PW_SLOT_PAGE);
		assert_true(i == 1 || (slot.lg2 == f->shift[0] && slot.pa == world->pa + i * page));
	}
	/* A drop breaks the group up by itself. */
	note.split_lg2 = 0;
	assert_int_equal(visit(&note, start, start + pw_mask(lg2)), 0);
	pw_slot_find(space, start, &slot);
	assert_true(pw_slot_fill_group(space, start, &slot, lg2, world->pa, RW));
	assert_int_equal(visit(&note, start, start + page - 1), 0);
	assert_int_equal(note.stored, 1);
	pw_slot_find(space, start + page, &slot);
	assert_int_equal(slot.lg2, f->shift[0]);
	assert_true(is_empty(world, start));
}

/* ---- others at the same time ---- */

/* The entry becomes another page while the visitor thinks. */
static void other_page(struct note *note, pw_va va)
{
	struct pw_space *space = note->world->space;

	store(note->world, va, 0, pw_slot_leaf(space, 0, note->world->pa + note->world->page, RW));
}

static void other_empty(struct note *note, pw_va va)
{
	store(note->world, va, 0, pw_slot_empty(note->world->space, 0));
}

static void other_detach(struct note *note, pw_va va)
{
	pw_pa table;

	assert_true(pw_slot_detach(note->world->space, va, &table));
	pw_slot_discard(note->world->space, table);
}

static void other_unmap(struct note *note, pw_va va)
{
	store(note->world, va, 1, pw_slot_empty(note->world->space, 1));
}

/* The entry is decided about anew, or not at all, if it changes before the lock or before the store. */
static void test_changes(struct world *world)
{
	struct note note = { .world = world, .answer = PW_VISIT_STORE, .attr = RO };
	struct pw_space *space = world->space;
	const pw_va table = (pw_va)1 << world->format->shift[1];
	const uint64_t leaf = pw_slot_leaf(space, 0, world->pa, RW);
	struct pw_slot slot;

	store(world, 0, 0, leaf);
	note.meddle_entry = other_page;
	assert_int_equal(visit(&note, 0, table - 1), 0);
	assert_int_equal(note.visits, 2);
	assert_int_equal(note.stored, 1);
	pw_slot_find(space, 0, &slot);
	assert_int_equal(slot.pa, world->pa + world->page);
	assert_int_equal(slot.attr, as_made(world, 0, RO));

	note.meddle_entry = other_empty;
	assert_int_equal(visit(&note, 0, table - 1), 0);
	assert_int_equal(note.visits, 1);
	assert_int_equal(note.stored, 0);

	store(world, 0, 0, leaf);
	store(world, table, 0, leaf);
	note.meddle = other_detach;
	assert_int_equal(visit(&note, 0, 2 * table - 1), 0);
	assert_int_equal(note.visits, 1);
	check_visit(&note, 0, table, 0, PW_SLOT_PAGE);
	assert_int_equal(note.tables, 1);

	if (!is_leaf_level(world, 1))
		return;
	store(world, 0, 1, pw_slot_leaf(space, 1, 0, RW));
	note.meddle = other_unmap;
	assert_int_equal(visit(&note, 0, 2 * table - 1), 0);
	assert_int_equal(note.visits, 1);
}

/* What the CPU shares with the owner: slots of one table, which stays. */
struct cpu {
	struct world *world;
	struct pw_slot slot[8];
	unsigned count;
	uint64_t set; /* atomic: how often it set an accessed bit */
	bool stop; /* atomic */
};

static void *cpu_run(void *context)
{
	struct cpu *cpu = context;
	struct world *world = cpu->world;

	while (!__atomic_load_n(&cpu->stop, __ATOMIC_RELAXED))
		for (unsigned i = 0; i < cpu->count; i++) {
			struct pw_slot slot = cpu->slot[i];
			uint64_t value;

			pw_slot_again(world->space, (i + 8) * world->page, &slot);
			if (slot.kind != PW_SLOT_PAGE || (slot.attr & PW_ACCESSED))
				continue;
			value = world->format->change_attr(world->format,
							   pw_space_now(world->space), 0,
							   slot.entry, slot.attr | PW_ACCESSED);
			if (pw_slot_try(world->space, &slot, value))
				__atomic_fetch_add(&cpu->set, 1, __ATOMIC_RELAXED);
		}
	return NULL;
}

struct owner {
	struct world *world;
	bool drops;
	uint64_t found; /* accessed bits that were taken out */
};

static int owner_entry(void *context, pw_va va, struct pw_slot *slot, uint64_t *value)
{
	struct owner *owner = context;

	(void)va;
	*value = pw_slot_change(owner->world->space, slot, PW_READ | PW_USER);
	return owner->drops ? PW_VISIT_DROP : PW_VISIT_STORE;
}

static void owner_stored(void *context, pw_va va, const struct pw_slot *was)
{
	struct owner *owner = context;

	(void)va;
	owner->found += (was->attr & PW_ACCESSED) != 0;
}

/* Fills the slots with pages that were not accessed: as groups, if the format has any that fit. */
static void fill(struct world *world, struct cpu *cpu)
{
	const uint32_t attr = PW_READ | PW_WRITE | PW_USER;
	const unsigned shift = world->format->shift[0];

	for (unsigned i = 0; i < cpu->count; i++) {
		const pw_va va = (i + 8) * world->page;
		const pw_pa pa = world->pa + i * world->page;
		struct pw_slot slot;

		pw_slot_find(world->space, va, &slot);
		for (unsigned lg2 = shift + 3; lg2 > shift && slot.kind == PW_SLOT_EMPTY; lg2--)
			pw_slot_fill_group(world->space, va, &slot, lg2, pa, attr);
		if (slot.kind == PW_SLOT_EMPTY)
			assert_true(pw_slot_swap(world->space, va, &slot,
						 pw_slot_leaf(world->space, 0, pa, attr)));
	}
}

/* No accessed bit is lost: the owner finds as many as the CPU set. */
static void test_cpu(struct world *world)
{
	struct owner owner = { .world = world };
	struct cpu cpu = { .world = world, .count = 8 };
	const struct pw_visitor visitor = { .entry = owner_entry,
					    .stored = owner_stored,
					    .context = &owner };
	pw_va last = 16 * world->page - 1;
	pthread_t thread;

	if (as_made(world, 0, PW_READ | PW_USER) & PW_ACCESSED || world->format->bits[0] < 4)
		return;
	for (unsigned i = 0; i < cpu.count; i++)
		assert_int_equal(
			pw_slot_reach(world->space, (i + 8) * world->page, 0, &cpu.slot[i]), 0);
	assert_int_equal(pthread_create(&thread, NULL, cpu_run, &cpu), 0);
	while (__atomic_load_n(&cpu.set, __ATOMIC_RELAXED) < 400) {
		fill(world, &cpu);
		for (unsigned i = 0; i < 3; i++) {
			owner.drops = i == 2;
			assert_int_equal(
				pw_slot_visit(world->space, 8 * world->page, last, &visitor), 0);
		}
	}
	__atomic_store_n(&cpu.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	owner.drops = true;
	assert_int_equal(pw_slot_visit(world->space, 8 * world->page, last, &visitor), 0);
	assert_int_equal(owner.found, cpu.set);
}

ON_EVERY_FORMAT(test_order)
ON_EVERY_FORMAT(test_errors)
ON_EVERY_FORMAT(test_large)
ON_EVERY_FORMAT(test_large_gone)
ON_EVERY_FORMAT(test_groups)
ON_EVERY_FORMAT(test_changes)
ON_EVERY_FORMAT(test_cpu)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_test_order),  cmocka_unit_test(every_test_errors),
		cmocka_unit_test(every_test_large),  cmocka_unit_test(every_test_large_gone),
		cmocka_unit_test(every_test_groups), cmocka_unit_test(every_test_changes),
		cmocka_unit_test(every_test_cpu),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
