/* SPDX-License-Identifier: MIT */
/* Devices: special leaves of every size that appear by faults and go by revocation. On every format. */
#include "file_test.h"
#include "mutants/choose.h"

static void map_device(struct mm_world *world, pw_va va, struct pw_device *device, uint64_t bytes,
		       uint64_t offset)
{
	pw_sva at = pw_mmap_device(world->mm, va, bytes, RW, MAP_SHARED | MAP_FIXED, device,
				   offset);

	assert_int_equal(at, va);
}

static unsigned mapped_devices;

/* Base pages of the arena's own memory, so that a cpu can use them. Nobody can pin them. */
static void base_pages(struct mm_world *world)
{
	const uint64_t page = world->page;
	struct pw_arena *arena = pw_machine_arena(world->machine);
	struct pw_device *device;
	struct pw_result result;
	enum pw_stop why;
	pw_pa pa, pin;
	pw_sva at;
	pw_va va;

	assert_int_equal(pw_folio_alloc(arena, 2, PW_FOLIO_NONE, 0, 0, &pa), 0);
	assert_int_equal(pw_device_create(world->machine, pa, 4 * page, 0, &device, NULL), 0);
	at = pw_mmap_device(world->mm, 0, 3 * page, RW, MAP_SHARED, device, page);
	/* Some formats have no special leaves. */
	if (at == -EOPNOTSUPP) {
		pw_device_put(device);
		pw_folio_put(arena, pa, 1);
		return;
	}
	assert_false(pw_is_error(at));
	mapped_devices++;
	va = (pw_va)at;
	put(world, va + page + 3, 0x61);
	assert_int_equal(*byte_at(world, pa + 2 * page + 3), 0x61);
	assert_int_equal(mapped(world, va + page, &result), PW_OK);
	assert_int_equal(result.pa, pa + 2 * page);
	assert_int_equal(pw_pin_fast(pw_cpu_reader(world->cpu), va + page, 1, 0, &pin, &why), 0);
	assert_int_equal(why, PW_STOP_SPECIAL);
	pw_device_revoke(device, 2 * page, page);
	assert_int_not_equal(mapped(world, va + page, &result), PW_OK);
	assert_int_equal(get(world, va + page + 3), 0x61);
	assert_int_equal(mapped(world, va + page, &result), PW_OK);
	/* Nothing beyond the device; no private mappings of it. */
	assert_int_equal(pw_mmap_device(world->mm, 0, 4 * page, RW, MAP_SHARED, device, page),
			 -EINVAL);
	assert_int_equal(pw_mmap_device(world->mm, 0, page, RW, MAP_PRIVATE, device, 0), -EINVAL);
	unmap(world, va, 3 * page);
	pw_device_put(device);
	pw_folio_put(arena, pa, 1);
}

static void test_base(void **state)
{
	(void)state;
	mapped_devices = 0;
	for_each_mm(base_pages);
	assert_true(mapped_devices > (skips_format(0) ? 2 : 10));
}

/*
 * Outside the arena: every level that has leaves maps one, if size, alignment, the VMA and the device let it.
 * After a part was revoked, the next fault brings back leaves that fit.
 */
static void every_level(struct mm_world *world)
{
	const struct pw_format *format = world->format;
	const uint64_t leaves = pw_slot_leaves(pw_mm_space(world->mm));

	for (unsigned level = 0; level < format->levels; level++) {
		const unsigned lg2 = format->shift[level];
		const uint64_t size = UINT64_C(1) << lg2;
		const pw_va va = lg2 < 20 ? (pw_va)1 << 20 : 4 * size;
		pw_pa pa = 2 * size;
		struct pw_device *device;
		struct pw_result result;

		if (!(leaves >> lg2 & 1) || lg2 > 30 || va + 2 * size > world->mm->user_last ||
		    pa + 2 * size > UINT64_C(1) << 32)
			continue;
		/* Outside the arena, whose pages not every large leaf can map. */
		while (pa < pw_machine_arena(world->machine)->bytes)
			pa += size;
		assert_int_equal(pw_device_create(world->machine, pa, 2 * size, lg2, &device, NULL),
				 0);
		map_device(world, va, device, 2 * size, 0);
		assert_int_equal(pw_mm_fault(world->mm, va + size, PW_ACCESS_READ, NULL),
				 PW_FAULT_DONE);
		assert_int_equal(mapped(world, va + size + world->page - 1, &result), PW_OK);
		assert_int_equal(result.level, level);
		assert_int_equal(result.pa, pa + size + world->page - 1);
		assert_int_not_equal(mapped(world, va, &result), PW_OK);
		pw_device_revoke(device, size, size);
		assert_int_not_equal(mapped(world, va + size, &result), PW_OK);
		assert_int_equal(pw_mm_fault(world->mm, va + 2 * size - 1, PW_ACCESS_WRITE, NULL),
				 PW_FAULT_DONE);
		assert_int_equal(mapped(world, va + size, &result), PW_OK);
		assert_int_equal(result.level, level);
		unmap(world, va, 2 * size);
		/* One page later in the device: only base pages fit, since the addresses are not alike. */
		if (level > 0) {
			map_device(world, va, device, size, world->page);
			assert_int_equal(pw_mm_fault(world->mm, va, PW_ACCESS_READ, NULL),
					 PW_FAULT_DONE);
			assert_int_equal(mapped(world, va, &result), PW_OK);
			assert_int_equal(result.level, 0);
			assert_int_equal(result.pa, pa + world->page);
			unmap(world, va, size);
		}
		pw_device_put(device);
	}
}

static void test_levels(void **state)
{
	(void)state;
	for_each_mm(every_level);
}

/* A revoked part of a large leaf: the rest stays. */
static void part_revoked(struct mm_world *world)
{
	const struct pw_format *format = world->format;
	const uint64_t size = UINT64_C(1) << format->shift[1];
	const pw_va va = 4 * size;
	const pw_pa pa = 64 * size; /* outside the arena */
	struct pw_device *device;
	struct pw_result result;

	if (!(pw_slot_leaves(pw_mm_space(world->mm)) >> format->shift[1] & 1) ||
	    format->shift[1] > 25 || va + size > world->mm->user_last)
		return;
	assert_int_equal(pw_device_create(world->machine, pa, size, 63, &device, NULL), 0);
	map_device(world, va, device, size, 0);
	assert_int_equal(pw_mm_fault(world->mm, va, PW_ACCESS_READ, NULL), PW_FAULT_DONE);
	pw_device_revoke(device, world->page, world->page);
	assert_int_equal(mapped(world, va, &result), PW_OK);
	assert_int_equal(result.pa, pa);
	assert_int_not_equal(mapped(world, va + world->page, &result), PW_OK);
	assert_int_equal(mapped(world, va + 2 * world->page, &result), PW_OK);
	assert_int_equal(pw_mm_fault(world->mm, va + world->page, PW_ACCESS_READ, NULL),
			 PW_FAULT_DONE);
	assert_int_equal(mapped(world, va + world->page, &result), PW_OK);
	assert_int_equal(result.pa, pa + world->page);
	unmap(world, va, size);
	pw_device_put(device);
}

static void test_part(void **state)
{
	(void)state;
	for_each_mm(part_revoked);
}

static void refusals(struct mm_world *world)
{
	struct pw_device *device;
	struct pw_error error;

	assert_int_equal(pw_device_create(world->machine, 0, 1, 0, &device, &error), -EINVAL);
	assert_int_equal(pw_device_create(world->machine, 1, world->page, 0, &device, &error),
			 -EINVAL);
	assert_int_equal(
		pw_device_create(world->machine, -world->page, 2 * world->page, 0, &device, &error),
		-EINVAL);
	assert_int_equal(pw_device_create(world->machine, 0, world->page, 64, &device, &error),
			 -EINVAL);
	assert_int_equal(pw_device_create(NULL, 0, world->page, 0, &device, &error), -EINVAL);
}

static void test_refusals(void **state)
{
	(void)state;
	for_each_mm(refusals);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_base),
		cmocka_unit_test(test_levels),
		cmocka_unit_test(test_part),
		cmocka_unit_test(test_refusals),
	};

	mutant_choose(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
