/* SPDX-License-Identifier: MIT */
/*
 * One format and its description on memory that nobody built (world.h): random, hostile and broken
 * tables. The two must agree on every word of every answer, and every walk must end.
 */
#include <stdio.h>
#include <string.h>

#include "world.h"

static const struct pw_format *described, *built_in;

enum {
	ENTRY_LIMIT = 20000,
	REPEAT_LIMIT = 3000,
};

/* ---- one address ---- */

static bool same_result(const struct pw_result *a, const struct pw_result *b)
{
	return a->va == b->va && a->pa == b->pa && a->entry == b->entry && a->attr == b->attr &&
	       a->status == b->status && a->level == b->level && a->size_lg2 == b->size_lg2 &&
	       a->memtype == b->memtype;
}

static void assert_same(const struct world *world, const char *what, const struct pw_result *ours,
			const struct pw_result *theirs)
{
	if (same_result(ours, theirs))
		return;
	fail_msg("%s %s, root 0x%llx, %s view: 0x%llx is pa 0x%llx entry 0x%llx attr 0x%x %s level "
		 "%u 2^%u, as described pa 0x%llx entry 0x%llx attr 0x%x %s level %u 2^%u",
		 built_in->name, what, (unsigned long long)world->built_in.root[0],
		 world->built_in.view ? "Linux" : "hardware", (unsigned long long)ours->va,
		 (unsigned long long)ours->pa, (unsigned long long)ours->entry, ours->attr,
		 pw_status_name((enum pw_status)ours->status), ours->level, ours->size_lg2,
		 (unsigned long long)theirs->pa, (unsigned long long)theirs->entry, theirs->attr,
		 pw_status_name((enum pw_status)theirs->status), theirs->level, theirs->size_lg2);
}

static bool same_step(const struct pw_step *a, const struct pw_step *b)
{
	return a->table == b->table && a->at == b->at && a->entry == b->entry &&
	       a->next == b->next && a->index == b->index &&
	       (a->attr & PW_PROT_MASK) == (b->attr & PW_PROT_MASK) && a->level == b->level &&
	       a->bits == b->bits && a->shift == b->shift && a->kind == b->kind &&
	       a->status == b->status;
}

static void check_addresses(struct world *world, unsigned count)
{
	const struct pw_algorithms *called = &built_in->instance->called;
	const struct pw_algorithms *called_described = &described->instance->called;
	struct pw_called hooked = pw_called_hooked(&world->hook);
	static pw_va va[128];
	static struct pw_result many[128];

	for (unsigned done = 0; done < count; done += 128) {
		for (unsigned i = 0; i < 128; i++)
			va[i] = world_random_va(world);
		pw_translate_many(world->direct, &world->built_in, va, 128, many);
		for (unsigned i = 0; i < 128; i++) {
			struct pw_result ours, theirs;
			struct pw_trace trace, described_trace;

			pw_translate(world->direct, &world->built_in, va[i], &ours);
			pw_translate(world->direct, &world->described, va[i], &theirs);
			assert_same(world, "in place", &ours, &theirs);
			assert_same(world, "in bulk", &many[i], &theirs);
			world->statuses[theirs.status]++;
			pw_translate(world->fetched, &world->built_in, va[i], &ours);
			assert_same(world, "copied", &ours, &theirs);
			pw_translate(world->fetched, &world->described, va[i], &ours);
			assert_same(world, "described, copied", &ours, &theirs);
			called->translate(&hooked, &world->built_in, va[i], &ours);
			assert_same(world, "hooked", &ours, &theirs);
			called_described->translate(&hooked, &world->described, va[i], &ours);
			assert_same(world, "described, hooked", &ours, &theirs);
			pw_translate_trace(world->direct, &world->built_in, va[i], &ours, &trace);
			assert_same(world, "traced", &ours, &theirs);
			pw_translate_trace(world->direct, &world->described, va[i], &ours,
					   &described_trace);
			assert_same(world, "described, traced", &ours, &theirs);
			assert_int_equal(trace.steps, described_trace.steps);
			for (unsigned n = 0; n < trace.steps; n++)
				if (!same_step(&trace.step[n], &described_trace.step[n]))
					fail_msg("%s: step %u of 0x%llx differs: status %u and %u, "
						 "next 0x%llx and 0x%llx, attr 0x%x and 0x%x",
						 built_in->name, n, (unsigned long long)va[i],
						 trace.step[n].status,
						 described_trace.step[n].status,
						 (unsigned long long)trace.step[n].next,
						 (unsigned long long)described_trace.step[n].next,
						 trace.step[n].attr, described_trace.step[n].attr);
		}
	}
}

/* Mock's addresses end at 4 MiB, so it cannot repeat much. */
static bool is_small(void)
{
	unsigned top = built_in->levels - 1u;

	return built_in->shift[top] + built_in->bits[top] < 30;
}

/* ---- ranges ---- */

static void assert_same_range(const struct world *world, const char *what, size_t i,
			      const struct pw_range *a, const struct pw_range *b)
{
	if (a->first == b->first && a->last == b->last && a->pa == b->pa && a->entry == b->entry &&
	    a->twin == b->twin && a->attr == b->attr && a->status == b->status &&
	    a->level == b->level && a->size_lg2 == b->size_lg2 && a->memtype == b->memtype)
		return;
	fail_msg("%s %s, root 0x%llx, %s view: range %zu is 0x%llx-0x%llx pa 0x%llx entry 0x%llx "
		 "twin 0x%llx attr 0x%x %s level %u 2^%u, as described 0x%llx-0x%llx pa 0x%llx "
		 "entry 0x%llx twin 0x%llx attr 0x%x %s level %u 2^%u",
		 built_in->name, what, (unsigned long long)world->built_in.root[0],
		 world->built_in.view ? "Linux" : "hardware", i, (unsigned long long)a->first,
		 (unsigned long long)a->last, (unsigned long long)a->pa,
		 (unsigned long long)a->entry, (unsigned long long)a->twin, a->attr,
		 pw_status_name((enum pw_status)a->status), a->level, a->size_lg2,
		 (unsigned long long)b->first, (unsigned long long)b->last,
		 (unsigned long long)b->pa, (unsigned long long)b->entry,
		 (unsigned long long)b->twin, b->attr, pw_status_name((enum pw_status)b->status),
		 b->level, b->size_lg2);
}

/*
 * Runs both scanners in step, a buffer at a time. They may read again different entries after a pause, so
 * the counts are compared only if one buffer took everything.
 */
static void check_scan(struct world *world, pw_va first, pw_va last, bool holes, size_t batch)
{
	static struct pw_range ours[4096], theirs[4096];
	const struct pw_scan_limits limits = { .entries = ENTRY_LIMIT, .repeats = REPEAT_LIMIT };
	const struct pw_memory *memory = random_one_in(&world->seed, 2) ? world->direct
									: world->fetched;
	struct pw_scan *scan, *described_scan;
	struct pw_scan_state state, described_state;
	unsigned calls = 0;
	bool paused = false;
	size_t n;

	assert_int_equal(
		pw_scan_create(memory, &world->built_in, first, last, &limits, &scan, NULL), 0);
	assert_int_equal(pw_scan_create(memory, &world->described, first, last, &limits,
					&described_scan, NULL),
			 0);
	pw_scan_holes(scan, holes);
	pw_scan_holes(described_scan, holes);
	for (;;) {
		n = pw_scan_next(scan, ours, batch);
		assert_int_equal(pw_scan_next(described_scan, theirs, batch), n);
		for (size_t i = 0; i < n; i++) {
			assert_same_range(world, holes ? "scan with holes" : "scan", i, &ours[i],
					  &theirs[i]);
			world->statuses[ours[i].status]++;
		}
		paused = paused || n == batch;
		/* After each pause the scan starts again from the root. */
		if (n == 0 || ++calls == 400)
			break;
	}
	pw_scan_state(scan, &state);
	pw_scan_state(described_scan, &described_state);
	assert_int_equal(state.stopped, described_state.stopped);
	world->stopped += state.stopped != 0;
	if (state.stopped)
		assert_int_equal(state.stopped, -E2BIG);
	if (!paused) {
		assert_true(state.next == described_state.next);
		assert_true(state.tables == described_state.tables);
		assert_true(state.repeated == described_state.repeated);
	}
	/* One table, and entries that are read again after a pause, may exceed a limit. */
	if (!paused)
		assert_true(state.entries <= ENTRY_LIMIT + 3 * 8192);
	assert_true(state.repeated <= REPEAT_LIMIT);
	pw_scan_destroy(scan);
	pw_scan_destroy(described_scan);
}

/* ---- the pagewalk interface ---- */

struct events {
	uint64_t hash, count, limit;
	bool skip; /* some of the tables */
};

static void mix(struct events *events, uint64_t value)
{
	events->hash = (events->hash ^ value) * UINT64_C(0x100000001b3);
	events->hash ^= events->hash >> 29;
}

static int event(struct pw_walk *walk, const struct pw_entry *entry)
{
	struct events *events = walk->private_data;

	mix(events, entry->first);
	mix(events, entry->last);
	mix(events, entry->value);
	mix(events, entry->at);
	mix(events, entry->pa);
	mix(events, entry->attr);
	mix(events, (uint64_t)entry->level << 24 | (uint64_t)entry->kind << 16 |
			    (uint64_t)entry->status << 8 | entry->size_lg2);
	events->count++;
	if (events->skip && entry->kind == PW_TABLE && entry->value % 3 == 0)
		walk->action = PW_CONTINUE;
	return events->count == events->limit;
}

static void check_walk(struct world *world, pw_va first, pw_va last)
{
	static const struct pw_walk_ops ops = {
		.entry = { event, event, event, event, event, event },
		.leaf = event,
		.hole = event,
	};
	struct events ours = { .limit = 3000, .skip = first & 1 }, theirs = ours;
	int status = pw_walk_range(world->direct, &world->built_in, first, last, &ops, &ours);

	assert_int_equal(
		pw_walk_range(world->direct, &world->described, first, last, &ops, &theirs),
		status);
	assert_true(status == 0 || status == 1);
	if (ours.count != theirs.count || ours.hash != theirs.hash)
		fail_msg("%s: a walk of 0x%llx-0x%llx under root 0x%llx has %llu events, %llu as "
			 "described, or others",
			 built_in->name, (unsigned long long)first, (unsigned long long)last,
			 (unsigned long long)world->built_in.root[0],
			 (unsigned long long)ours.count, (unsigned long long)theirs.count);
}

/* ---- tests ---- */

static void check_mess(struct world *world, enum mess mess, unsigned rounds)
{
	static const size_t batches[] = { 4096, 4096, 1, 3, 64 };

	for (unsigned round = 0; round < rounds; round++) {
		if (round % 4 == 0) {
			world_choose_root(world, mess, round);
			world_make_mess(world, mess);
		}
		world_choose_root(world, mess, round);
		check_addresses(world, 256);
		for (unsigned i = 0; i < 5; i++) {
			pw_va a = world_random_va(world), b = world_random_va(world);

			if (i == 0) {
				a = 0;
				b = UINT64_MAX;
			}
			check_scan(world, a < b ? a : b, a < b ? b : a, round & 1, batches[i]);
			check_walk(world, a < b ? a : b, a < b ? b : a);
		}
	}
}

static void test_mess(void **state)
{
	static const unsigned rounds[MESSES] = {
		[RANDOM] = 16, [GUIDED] = 64, [LADDER] = 16, [ONES] = 8
	};
	struct world world;
	uint64_t met = 0;

	(void)state;
	world_init(&world, built_in, described);
	for (enum mess mess = RANDOM; mess < MESSES; mess++)
		check_mess(&world, mess, rounds[mess] / test_amount(1, 4));
	for (enum pw_status status = PW_OK; status <= PW_SHARED; status++) {
		print_message("%s %llu, ", pw_status_name(status),
			      (unsigned long long)world.statuses[status]);
		met += world.statuses[status] > 0;
	}
	print_message("limit %llu times\n", (unsigned long long)world.stopped);
	/* Garbage that gives only holes tests nothing. */
	assert_true(world.statuses[PW_OK] > 100 && world.statuses[PW_OUTSIDE] > 0 && met >= 5);
	assert_true(world.statuses[PW_SHARED] > 0 || is_small());
	world_deinit(&world);
}

/* A scan of a ladder ends, and reports as shared what it did not read again. */
static void test_ladder_ends(void **state)
{
	const struct pw_scan_limits limits = { .repeats = is_small() ? 64 : 5000 };
	struct world world;
	struct pw_range range[64];
	struct pw_scan_state end;
	struct pw_scan *scan;
	unsigned shared = 0;
	size_t n;

	(void)state;
	world_init(&world, built_in, described);
	world_choose_root(&world, LADDER, 0);
	world_make_mess(&world, LADDER);
	while (world.built_in.span[0].top + 1u < built_in->levels ||
	       world.built_in.span[0].table != BASE + ((pw_pa)world.built_in.span[0].top << 16))
		world_choose_root(&world, LADDER, 0);
	assert_int_equal(
		pw_scan_create(world.direct, &world.built_in, 0, UINT64_MAX, &limits, &scan, NULL),
		0);
	while ((n = pw_scan_next(scan, range, 64)) > 0)
		for (size_t i = 0; i < n; i++) {
			struct pw_result here, twin;

			if (range[i].status != PW_SHARED)
				continue;
			/* The same tables were indeed found there. */
			shared++;
			pw_translate(world.direct, &world.built_in, range[i].first, &here);
			pw_translate(world.direct, &world.built_in, range[i].twin, &twin);
			assert_true(here.pa == twin.pa && here.entry == twin.entry &&
				    here.attr == twin.attr);
		}
	pw_scan_state(scan, &end);
	assert_int_equal(end.stopped, 0);
	assert_true(end.entries < 100000);
	assert_true(shared > 0);
	pw_scan_destroy(scan);
	world_deinit(&world);
}

static void test_cancel(void **state)
{
	bool cancel = false;
	const struct pw_scan_limits limits = { .cancel = &cancel };
	const struct pw_regime *regimes[2];
	struct world world;
	struct pw_range range[1];

	(void)state;
	world_init(&world, built_in, described);
	world_choose_root(&world, LADDER, 0);
	world_make_mess(&world, LADDER);
	while (world.built_in.span[0].top == 0 ||
	       world.built_in.span[0].table != BASE + ((pw_pa)world.built_in.span[0].top << 16))
		world_choose_root(&world, LADDER, 0);
	regimes[0] = &world.built_in;
	regimes[1] = &world.described;
	for (unsigned i = 0; i < 2; i++) {
		struct pw_scan_state end;
		struct pw_scan *scan;
		unsigned calls = 0;

		cancel = false;
		assert_int_equal(pw_scan_create(world.direct, regimes[i], 0, UINT64_MAX, &limits,
						&scan, NULL),
				 0);
		assert_int_equal(pw_scan_next(scan, range, 1), 1);
		cancel = true;
		/* The open range may still come, then nothing more. */
		while (pw_scan_next(scan, range, 1) > 0)
			assert_true(calls++ < 8192);
		pw_scan_state(scan, &end);
		assert_int_equal(end.stopped, -ECANCELED);
		assert_int_equal(pw_scan_next(scan, range, 1), 0);
		pw_scan_destroy(scan);
	}
	world_deinit(&world);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mess),
		cmocka_unit_test(test_ladder_ends),
		cmocka_unit_test(test_cancel),
	};
	struct pw_error error;
	int failed;

	if (argc != 2) {
		fprintf(stderr, "usage: garbage DESCRIPTION\n");
		return 2;
	}
	if (pw_format_load(argv[1], &described, &error)) {
		fprintf(stderr, "%s\n", error.text);
		return 1;
	}
	built_in = pw_format_find(described->name);
	if (!built_in) {
		fprintf(stderr, "%s is not a format of the library\n", described->name);
		return 1;
	}
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	pw_format_unload(described);
	return failed;
}
