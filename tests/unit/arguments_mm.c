/* SPDX-License-Identifier: MIT */
/* The arguments of functions on machines, files, devices and address spaces; see arguments.c. */
#include "arguments.h"

#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include <pagewalk/mm.h>

enum { PAGE = 4096, BYTES = 1 << 20 };

/* Two pages of anonymous memory are mapped at VA; nothing is at NOWHERE. */
static const pw_va NOWHERE = 0x900000;

static struct pw_machine *machine;
static struct pw_mm *mm;
static struct pw_vcpu *cpu;
static struct pw_file *file;
static struct pw_device *device;

/* ---- machines, files and devices ---- */

static void machine_create(void)
{
	const struct pw_machine_options good = { .format = format, .bytes = BYTES };
	struct pw_machine_options bad = good;
	struct pw_machine *made;

	REFUSED(pw_machine_create(NULL, &made, error));
	REFUSED(pw_machine_create(&good, NULL, error));
	bad.format = NULL;
	REFUSED(pw_machine_create(&bad, &made, error));
	bad = good;
	bad.bytes = 0;
	REFUSED(pw_machine_create(&bad, &made, error));
	bad.bytes = BYTES + 1;
	REFUSED(pw_machine_create(&bad, &made, error));
}

static void machine_destroy(void)
{
	pw_machine_destroy(NULL);
}

static void file_create(void)
{
	struct pw_file *made;
	FILE *host = tmpfile();

	assert_non_null(host);
	REFUSED(pw_file_open(NULL, fileno(host), &made, error));
	REFUSED(pw_file_open(machine, fileno(host), NULL, error));
	fclose(host);
	REFUSED(pw_shmem_create(NULL, PAGE, &made, error));
	REFUSED(pw_shmem_create(machine, PAGE, NULL, error));
	REFUSED(pw_hugetlb_create(NULL, 0, 0, &made, error));
	REFUSED(pw_hugetlb_create(machine, 0, 0, NULL, error));
	REFUSED(pw_secret_create(NULL, PAGE, &made, error));
	REFUSED(pw_secret_create(machine, PAGE, NULL, error));
	assert_int_equal(pw_shmem_create(machine, 0, &made, NULL), 0);
	assert_int_equal(pw_file_bytes(made), 0);
	pw_file_put(made);
}

static void file_put(void)
{
	pw_file_put(NULL);
}

static void file_change(void)
{
	char byte = 7;

	REFUSED_SILENTLY(pw_file_truncate(NULL, PAGE));
	REFUSED_SILENTLY(pw_file_punch(NULL, 0, PAGE));
	REFUSED_SILENTLY(pw_file_sync(NULL));
	assert_int_equal(pw_file_write(file, 0, &byte, 1), 1);
	/* As for fallocate(2), a hole has bytes. */
	REFUSED_SILENTLY(pw_file_punch(file, 0, 0));
	byte = 0;
	assert_int_equal(pw_file_read(file, 0, &byte, 1), 1);
	assert_int_equal(byte, 7);
}

static void file_read_write(void)
{
	char byte = 1;

	REFUSED_SILENTLY(pw_file_read(NULL, 0, &byte, 1));
	REFUSED_SILENTLY(pw_file_read(file, 0, NULL, 1));
	REFUSED_SILENTLY(pw_file_write(NULL, 0, &byte, 1));
	REFUSED_SILENTLY(pw_file_write(file, 0, NULL, 1));
	assert_int_equal(pw_file_read(file, 0, NULL, 0), 0);
	assert_int_equal(pw_file_read(file, UINT64_MAX, NULL, 0), 0);
	/* Nor does a write of 0 bytes make the file longer. */
	assert_int_equal(pw_file_write(file, 10 * PAGE, NULL, 0), 0);
	assert_int_equal(pw_file_bytes(file), PAGE);
}

static void device_create(void)
{
	struct pw_device *made;

	REFUSED(pw_device_create(NULL, 0, PAGE, 0, &made, error));
	REFUSED(pw_device_create(machine, 0, PAGE, 0, NULL, error));
	REFUSED(pw_device_create(machine, 0, 0, 0, &made, error));
	REFUSED(pw_device_create(machine, 0, 1, 0, &made, error));
	REFUSED(pw_device_create(machine, 1, PAGE, 0, &made, error));
	REFUSED(pw_device_create(machine, ~(pw_pa)(PAGE - 1), 2 * PAGE, 0, &made, error));
}

static void device_put(void)
{
	pw_device_put(NULL);
}

static enum pw_status status_at(pw_sva va)
{
	struct pw_result result;

	return pw_space_translate(pw_cpu_reader(cpu), (pw_va)va, &result);
}

static void device_revoke(void)
{
	pw_sva va = pw_mmap_device(mm, 0, PAGE, PROT_READ, MAP_SHARED, device, 0);

	assert_false(pw_is_error(va));
	assert_int_equal(pw_mm_fault(mm, (pw_va)va, PW_ACCESS_READ, NULL), PW_FAULT_DONE);
	pw_device_revoke(device, 0, 0);
	pw_device_revoke(device, PAGE, PAGE);
	assert_int_equal(status_at(va), PW_OK);
	pw_device_revoke(device, 0, PAGE);
	assert_int_not_equal(status_at(va), PW_OK);
	assert_int_equal(pw_munmap(mm, (pw_va)va, PAGE), 0);
}

/* ---- address spaces ---- */

static void mm_create(void)
{
	struct pw_mm *made;

	REFUSED(pw_mm_create(NULL, &made, error));
	REFUSED(pw_mm_create(machine, NULL, error));
	REFUSED(pw_mm_fork(NULL, &made, error));
	REFUSED(pw_mm_fork(mm, NULL, error));
}

static void mm_destroy(void)
{
	pw_mm_destroy(NULL);
}

static void mm_set_range(void)
{
	REFUSED_SILENTLY(pw_mm_set_range(NULL, 0x10000, 0xfffff));
	REFUSED_SILENTLY(pw_mm_set_range(mm, 0x20000, 0x1ffff));
	REFUSED_SILENTLY(pw_mm_set_range(mm, 0x10001, 0xfffff));
	REFUSED_SILENTLY(pw_mm_set_range(mm, 0x10000, 0xffffe));
	REFUSED_SILENTLY(pw_mm_set_range(mm, 0x10000, UINT64_MAX));
}

static void mmap_new(void)
{
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS;

	REFUSED_SILENTLY(pw_mmap(NULL, 0, PAGE, PROT_READ, flags, NULL, 0));
	REFUSED_SILENTLY(pw_mmap(mm, 0, 0, PROT_READ, flags, NULL, 0));
	REFUSED_SILENTLY(pw_mmap(mm, 0, PAGE, PROT_READ, MAP_SHARED, file, 1));
	assert_int_equal(pw_mmap(mm, 0, PAGE, PROT_READ, MAP_SHARED, NULL, 0), -EBADF);
	REFUSED_SILENTLY(pw_mmap_device(NULL, 0, PAGE, PROT_READ, MAP_SHARED, device, 0));
	REFUSED_SILENTLY(pw_mmap_device(mm, 0, PAGE, PROT_READ, MAP_SHARED, NULL, 0));
	REFUSED_SILENTLY(pw_mmap_device(mm, 0, 0, PROT_READ, MAP_SHARED, device, 0));
	REFUSED_SILENTLY(pw_mmap_device(mm, 0, PAGE, PROT_READ, MAP_SHARED, device, 1));
}

static void mmap_change(void)
{
	REFUSED_SILENTLY(pw_munmap(NULL, VA, PAGE));
	REFUSED_SILENTLY(pw_munmap(mm, VA, 0));
	REFUSED_SILENTLY(pw_munmap(mm, VA + 1, PAGE));
	REFUSED_SILENTLY(pw_munmap(mm, VA, UINT64_MAX));
	REFUSED_SILENTLY(pw_mprotect(NULL, VA, PAGE, PROT_READ));
	REFUSED_SILENTLY(pw_mprotect(mm, VA + 1, PAGE, PROT_READ));
	assert_int_equal(pw_mprotect(mm, NOWHERE, 0, PROT_READ), 0);
	REFUSED_SILENTLY(pw_mremap(NULL, VA, PAGE, PAGE, 0, 0));
	REFUSED_SILENTLY(pw_mremap(mm, VA, PAGE, 0, 0, 0));
	REFUSED_SILENTLY(pw_mremap(mm, VA + 1, PAGE, PAGE, 0, 0));
	/* All that left the mapping alone. */
	assert_true(pw_store_u8(cpu, VA, 1));
	assert_true(pw_store_u8(cpu, VA + PAGE, 1));
}

static void advise(void)
{
	REFUSED_SILENTLY(pw_madvise(NULL, VA, PAGE, MADV_NORMAL));
	REFUSED_SILENTLY(pw_madvise(mm, VA + 1, PAGE, MADV_NORMAL));
	REFUSED_SILENTLY(pw_madvise(mm, VA, UINT64_MAX, MADV_NORMAL));
	assert_int_equal(pw_madvise(mm, NOWHERE, 0, MADV_DONTNEED), 0);
	REFUSED_SILENTLY(pw_msync(NULL, VA, PAGE, MS_SYNC));
	REFUSED_SILENTLY(pw_msync(mm, VA + 1, PAGE, MS_SYNC));
	assert_int_equal(pw_msync(mm, NOWHERE, 0, MS_SYNC), 0);
}

static void lock(void)
{
	struct pw_mm_info info;

	REFUSED_SILENTLY(pw_mlock(NULL, VA, PAGE, 0));
	REFUSED_SILENTLY(pw_munlock(NULL, VA, PAGE));
	REFUSED_SILENTLY(pw_mlockall(NULL, MCL_CURRENT));
	REFUSED_SILENTLY(pw_mlockall(mm, 0));
	REFUSED_SILENTLY(pw_munlockall(NULL));
	assert_int_equal(pw_mlock(mm, NOWHERE, 0, 0), 0);
	assert_int_equal(pw_mlock(mm, VA, 0, 0), 0);
	pw_mm_info(mm, &info);
	assert_int_equal(info.locked, 0);
	assert_int_equal(pw_munlock(mm, NOWHERE, 0), 0);
}

static int each(void *context, const struct pw_vma_info *vma)
{
	(void)context;
	(void)vma;
	return 0;
}

static void show(void)
{
	unsigned char present;
	uint64_t word;

	REFUSED_SILENTLY(pw_mincore(NULL, VA, PAGE, &present));
	REFUSED_SILENTLY(pw_mincore(mm, VA, PAGE, NULL));
	REFUSED_SILENTLY(pw_mincore(mm, VA + 1, PAGE, &present));
	assert_int_equal(pw_mincore(mm, NOWHERE, 0, NULL), 0);
	REFUSED_SILENTLY(pw_mm_vmas(NULL, each, NULL));
	REFUSED_SILENTLY(pw_mm_vmas(mm, NULL, NULL));
	REFUSED_SILENTLY(pw_mm_pagemap(NULL, VA, 1, &word));
	REFUSED(pw_mm_clear_soft_dirty(NULL, error));
	REFUSED_SILENTLY(pw_mm_pagemap(mm, VA, 1, NULL));
	REFUSED_SILENTLY(pw_mm_pagemap(mm, VA + 1, 1, &word));
	assert_int_equal(pw_mm_pagemap(mm, VA, 0, NULL), 0);
}

static void fault_name(void)
{
	assert_string_equal(pw_fault_name((enum pw_fault_kind) - 1), "?");
}

/* ---- cpus ---- */

static void cpu_create(void)
{
	struct pw_vcpu *made;

	REFUSED_SILENTLY(pw_cpu_create(NULL, &made));
	REFUSED_SILENTLY(pw_cpu_create(mm, NULL));
}

static void cpu_destroy(void)
{
	pw_cpu_destroy(NULL);
}

static void load_store(void)
{
	const pw_va va[] = { VA, (VA | 0xfff) - 3 };
	unsigned char bytes[16] = { 0 };

	assert_true(pw_load_bytes(cpu, NOWHERE, 0, NULL, PW_ACCESS_READ));
	assert_true(pw_store_bytes(cpu, NOWHERE, 0, NULL));
	/* More than any access has, also across two pages. */
	for (size_t i = 0; i < sizeof(va) / sizeof(va[0]); i++) {
		assert_false(pw_load_bytes(cpu, va[i], 9, bytes, PW_ACCESS_READ));
		assert_int_equal(pw_cpu_fault(cpu)->code, BUS_ADRALN);
		assert_false(pw_store_bytes(cpu, va[i], UINT32_MAX, bytes));
		assert_int_equal(pw_cpu_fault(cpu)->code, BUS_ADRALN);
	}
}

/* Sizes that no access has fault, also where the TLB has the page. */
static void atomic(void)
{
	static const unsigned bad[] = { 0, 3, 5, 16, UINT32_MAX };
	uint64_t old, value = 0;

	assert_true(pw_store_u64(cpu, VA, 1));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_false(pw_atomic(cpu, VA, bad[i], PW_ATOMIC_ADD, 1, &old));
		assert_int_equal(pw_cpu_fault(cpu)->code, BUS_ADRALN);
		assert_false(pw_compare_swap(cpu, VA, bad[i], 1, 2, &old));
		assert_null(pw_cpu_begin(cpu, VA, bad[i], PW_ACCESS_READ));
	}
	assert_true(pw_load_u64(cpu, VA, &value));
	assert_int_equal(value, 1);
}

static void copy(void)
{
	char byte;

	assert_int_equal(pw_copy_from(cpu, NULL, NOWHERE, 0), 0);
	assert_int_equal(pw_copy_to(cpu, NOWHERE, NULL, 0), 0);
	assert_int_equal(pw_copy_fill(cpu, NOWHERE, 1, 0), 0);
	REFUSED_SILENTLY(pw_copy_string(NULL, &byte, VA, 1));
	REFUSED_SILENTLY(pw_copy_string(cpu, NULL, VA, 1));
	assert_int_equal(pw_copy_string(cpu, NULL, NOWHERE, 0), 0);
}

/* ---- pins, and copies between address spaces ---- */

static void pin(void)
{
	long (*const take[])(struct pw_vcpu *, pw_va, size_t, unsigned, pw_pa *,
			     struct pw_pin_result *) = { pw_pin, pw_get };
	long (*const remote[])(struct pw_vcpu *, struct pw_mm *, pw_va, size_t, unsigned, pw_pa *,
			       struct pw_pin_result *) = { pw_pin_remote, pw_get_remote };

	for (int i = 0; i < 2; i++) {
		struct pw_pin_result result;
		pw_pa page;

		REFUSED_SILENTLY(take[i](NULL, VA, 1, 0, &page, NULL));
		REFUSED_SILENTLY(take[i](cpu, VA, 1, 0, NULL, NULL));
		assert_int_equal(take[i](cpu, NOWHERE, 0, 0, NULL, &result), 0);
		assert_int_equal(result.error, 0);
		REFUSED_SILENTLY(remote[i](cpu, NULL, VA, 1, 0, &page, NULL));
		REFUSED_SILENTLY(remote[i](NULL, NULL, VA, 1, 0, &page, NULL));
		REFUSED_SILENTLY(remote[i](cpu, mm, VA, 1, 0, NULL, NULL));
		assert_int_equal(remote[i](NULL, mm, NOWHERE, 0, 0, NULL, &result), 0);
		assert_int_equal(result.error, 0);
	}
}

static void vector(void)
{
	char byte = 0;
	const struct iovec own = { &byte, 1 };
	const struct pw_extent there = { VA, 1 };

	REFUSED_SILENTLY(pw_mm_read(NULL, &own, 1, &there, 1, false));
	assert_int_equal(pw_mm_read(mm, NULL, 1, &there, 1, false), -EFAULT);
	assert_int_equal(pw_mm_read(mm, &own, 1, NULL, 1, false), -EFAULT);
	assert_int_equal(pw_mm_read(mm, NULL, 0, NULL, 0, false), 0);
	assert_int_equal(pw_mm_read(mm, &own, 1, NULL, 0, false), 0);
	assert_int_equal(pw_mm_read(mm, NULL, 0, &there, 1, false), 0);
	REFUSED_SILENTLY(pw_mm_write(NULL, &there, 1, &own, 1, false));
	assert_int_equal(pw_mm_write(mm, NULL, 1, &own, 1, false), -EFAULT);
	assert_int_equal(pw_mm_write(mm, &there, 1, NULL, 1, false), -EFAULT);
	assert_int_equal(pw_mm_write(mm, NULL, 0, NULL, 0, false), 0);
	assert_int_equal(pw_mm_write(mm, &there, 1, NULL, 0, false), 0);
	assert_int_equal(pw_mm_write(mm, NULL, 0, &own, 1, false), 0);
}

/* ---- handlers of user faults ---- */

static int handle(void *context, struct pw_mm *at, pw_va va, enum pw_user_fault what, bool write)
{
	(void)context;
	(void)at;
	(void)va;
	(void)what;
	(void)write;
	return -EIO;
}

static void user_register(void)
{
	REFUSED_SILENTLY(pw_user_register(NULL, VA, PAGE, PW_USER_MISSING, handle, NULL));
	REFUSED_SILENTLY(pw_user_register(mm, VA, PAGE, PW_USER_MISSING, NULL, NULL));
	REFUSED_SILENTLY(pw_user_register(mm, VA, 0, PW_USER_MISSING, handle, NULL));
	REFUSED_SILENTLY(pw_user_register(mm, VA, 1, PW_USER_MISSING, handle, NULL));
	REFUSED_SILENTLY(pw_user_register(mm, VA, PAGE, 0, handle, NULL));
	REFUSED_SILENTLY(pw_user_unregister(NULL, VA, PAGE));
	REFUSED_SILENTLY(pw_user_unregister(mm, VA, 0));
	REFUSED_SILENTLY(pw_user_unregister(mm, VA, 1));
}

/* As for the ioctls of userfaultfd(2), a range is whole pages, and at least one. */
static void user_fill(void)
{
	static const char from[PAGE];
	const struct {
		struct pw_mm *mm;
		pw_va va;
		uint64_t bytes;
	} bad[] = {
		{ NULL, VA, PAGE },           { mm, VA, 0 }, { mm, VA, 1 }, { mm, VA + 1, PAGE },
		{ mm, VA, ~(uint64_t)0xfff },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		REFUSED_SILENTLY(pw_user_copy(bad[i].mm, bad[i].va, from, bad[i].bytes, false));
		REFUSED_SILENTLY(pw_user_zero(bad[i].mm, bad[i].va, bad[i].bytes));
		REFUSED_SILENTLY(pw_user_continue(bad[i].mm, bad[i].va, bad[i].bytes));
		REFUSED_SILENTLY(pw_user_protect(bad[i].mm, bad[i].va, bad[i].bytes, true));
		REFUSED_SILENTLY(pw_user_poison(bad[i].mm, bad[i].va, bad[i].bytes));
	}
	assert_int_equal(pw_user_copy(mm, VA, NULL, PAGE, false), -EFAULT);
}

/* ---- pages that move ---- */

static void move(void)
{
	int (*const change[])(struct pw_machine *, pw_pa) = { pw_migrate, pw_poison,
							      pw_split_folio };

	for (int i = 0; i < 3; i++) {
		REFUSED_SILENTLY(change[i](NULL, 0));
		REFUSED_SILENTLY(change[i](machine, BYTES));
		REFUSED_SILENTLY(change[i](machine, UINT64_MAX));
	}
	assert_int_equal(pw_reclaim(machine, 0), 0);
}

static void numa_hint(void)
{
	assert_true(pw_store_u8(cpu, VA, 1));
	assert_int_equal(pw_numa_hint(mm, VA, 0), 0);
	assert_int_equal(pw_numa_hint(mm, VA, UINT64_MAX), 0);
	assert_int_equal(status_at((pw_sva)VA), PW_OK);
}

/* ---- notifiers ---- */

static void notifier(void)
{
	struct pw_notifier unused = { 0 };

	REFUSED_SILENTLY(pw_notifier_add(NULL, &unused));
	REFUSED_SILENTLY(pw_notifier_add(mm, NULL));
	pw_notifier_remove(NULL);
	pw_notifier_remove(&unused);
}

static void interval(void)
{
	struct pw_interval unused = { 0 };
	uint64_t sequence;

	REFUSED_SILENTLY(pw_interval_add(NULL, 0, 1, &unused));
	REFUSED_SILENTLY(pw_interval_add(mm, 0, 1, NULL));
	REFUSED_SILENTLY(pw_interval_add(mm, 1, 0, &unused));
	pw_interval_remove(NULL);
	pw_interval_remove(&unused);
	REFUSED_SILENTLY(pw_interval_begin(NULL, &sequence));
	REFUSED_SILENTLY(pw_interval_begin(&unused, &sequence));
	assert_int_equal(pw_interval_add(mm, 0, 1, &unused), 0);
	REFUSED_SILENTLY(pw_interval_begin(&unused, NULL));
	assert_int_equal(pw_interval_begin(&unused, &sequence), 0);
	pw_interval_remove(&unused);
	REFUSED_SILENTLY(pw_interval_begin(&unused, &sequence));
}

static void snapshot(void)
{
	struct pw_snapshot page;

	REFUSED_SILENTLY(pw_mm_snapshot(NULL, VA, 1, false, false, &page));
	REFUSED_SILENTLY(pw_mm_snapshot(mm, VA, 1, false, false, NULL));
	REFUSED_SILENTLY(pw_mm_snapshot(mm, VA + 1, 1, false, false, &page));
	REFUSED_SILENTLY(pw_mm_snapshot(mm, VA, SIZE_MAX, false, false, &page));
	assert_int_equal(pw_mm_snapshot(mm, NOWHERE, 0, true, true, NULL), 0);
}

/* ---- all of them ---- */

static void nothing_to_ask(void)
{
}

const struct arguments_of arguments_mm[] = {
	{ "pw_atomic", atomic },
	{ "pw_collapse_all", nothing_to_ask },
	{ "pw_compare_swap", atomic },
	{ "pw_copy_fill", copy },
	{ "pw_copy_from", copy },
	{ "pw_copy_string", copy },
	{ "pw_copy_to", copy },
	{ "pw_cpu_begin", atomic },
	{ "pw_cpu_create", cpu_create },
	{ "pw_cpu_destroy", cpu_destroy },
	{ "pw_cpu_fault", nothing_to_ask },
	{ "pw_cpu_interrupt", nothing_to_ask },
	{ "pw_cpu_mm", nothing_to_ask },
	{ "pw_cpu_reader", nothing_to_ask },
	{ "pw_device_create", device_create },
	{ "pw_device_put", device_put },
	{ "pw_device_revoke", device_revoke },
	{ "pw_fault_name", fault_name },
	{ "pw_file_bytes", nothing_to_ask },
	{ "pw_file_drop", nothing_to_ask },
	{ "pw_file_open", file_create },
	{ "pw_file_punch", file_change },
	{ "pw_file_put", file_put },
	{ "pw_file_read", file_read_write },
	{ "pw_file_sync", file_change },
	{ "pw_file_truncate", file_change },
	{ "pw_file_write", file_read_write },
	{ "pw_get", pin },
	{ "pw_get_remote", pin },
	{ "pw_hugetlb_create", file_create },
	{ "pw_interval_add", interval },
	{ "pw_interval_begin", interval },
	{ "pw_interval_remove", interval },
	{ "pw_interval_retry", nothing_to_ask },
	{ "pw_load_bytes", load_store },
	{ "pw_machine_arena", nothing_to_ask },
	{ "pw_machine_create", machine_create },
	{ "pw_machine_destroy", machine_destroy },
	{ "pw_machine_info", nothing_to_ask },
	{ "pw_madvise", advise },
	{ "pw_migrate", move },
	{ "pw_mincore", show },
	{ "pw_mlock", lock },
	{ "pw_mlockall", lock },
	{ "pw_mm_clear_soft_dirty", show },
	{ "pw_mm_create", mm_create },
	{ "pw_mm_destroy", mm_destroy },
	{ "pw_mm_fault", nothing_to_ask },
	{ "pw_mm_fork", mm_create },
	{ "pw_mm_info", nothing_to_ask },
	{ "pw_mm_machine", nothing_to_ask },
	{ "pw_mm_maps", nothing_to_ask },
	{ "pw_mm_pagemap", show },
	{ "pw_mm_read", vector },
	{ "pw_mm_set_range", mm_set_range },
	{ "pw_mm_snapshot", snapshot },
	{ "pw_mm_space", nothing_to_ask },
	{ "pw_mm_vmas", show },
	{ "pw_mm_write", vector },
	{ "pw_mmap", mmap_new },
	{ "pw_mmap_device", mmap_new },
	{ "pw_mprotect", mmap_change },
	{ "pw_mremap", mmap_change },
	{ "pw_msync", advise },
	{ "pw_munlock", lock },
	{ "pw_munlockall", lock },
	{ "pw_munmap", mmap_change },
	{ "pw_notifier_add", notifier },
	{ "pw_notifier_remove", notifier },
	{ "pw_numa_hint", numa_hint },
	{ "pw_pin", pin },
	{ "pw_pin_remote", pin },
	{ "pw_poison", move },
	{ "pw_reclaim", move },
	{ "pw_secret_create", file_create },
	{ "pw_shmem_create", file_create },
	{ "pw_split_folio", move },
	{ "pw_store_bytes", load_store },
	{ "pw_user_continue", user_fill },
	{ "pw_user_copy", user_fill },
	{ "pw_user_poison", user_fill },
	{ "pw_user_protect", user_fill },
	{ "pw_user_register", user_register },
	{ "pw_user_unregister", user_register },
	{ "pw_user_zero", user_fill },
	{ NULL, NULL },
};

void arguments_mm_setup(void)
{
	const struct pw_machine_options options = { .format = format, .bytes = BYTES };
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;

	assert_int_equal(pw_machine_create(&options, &machine, NULL), 0);
	assert_int_equal(pw_mm_create(machine, &mm, NULL), 0);
	assert_int_equal(pw_cpu_create(mm, &cpu), 0);
	assert_int_equal(pw_shmem_create(machine, PAGE, &file, NULL), 0);
	assert_int_equal(pw_device_create(machine, 0x40000000, PAGE, 0, &device, NULL), 0);
	assert_int_equal(
		pw_mmap(mm, VA, UINT64_C(2) * PAGE, PROT_READ | PROT_WRITE, flags, NULL, 0), VA);
}

void arguments_mm_teardown(void)
{
	pw_cpu_destroy(cpu);
	pw_mm_destroy(mm);
	pw_device_put(device);
	pw_file_put(file);
	pw_machine_destroy(machine);
}
