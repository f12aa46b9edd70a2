/* SPDX-License-Identifier: MIT */
/* Files and shared memory, mapped and not: contents are compared with the host's file. On every format. */
#include "file_test.h"
#include "mutants/choose.h"

/* ---- reading ---- */

static void reads(struct mm_world *world)
{
	const uint64_t page = world->page, bytes = 2 * page + page / 2;
	int fd = host_file(bytes);
	struct pw_file *file = open_file(world, fd);
	pw_va va = map_file(world, file, 4, PROT_READ, PRIVATE);

	assert_int_equal(pw_file_bytes(file), bytes);
	for (uint64_t at = 0; at < bytes; at += page / 4 - 1)
		assert_int_equal(get(world, va + at), pattern(at));
	/* Behind the end: zeros up to the end of the page, and then nothing. */
	assert_int_equal(get(world, va + bytes), 0);
	assert_int_equal(get(world, va + 3 * page - 1), 0);
	refused(world, va + 3 * page, PW_ACCESS_READ, PW_FAULT_ADRERR);
	refused(world, va, PW_ACCESS_WRITE, PW_FAULT_ACCERR);
	unmap(world, va, 4 * page);
	pw_file_put(file);
	close(fd);
}

static void test_reads(void **state)
{
	(void)state;
	for_each_mm(reads);
}

/* ---- writing ---- */

static void private_copies(struct mm_world *world)
{
	const uint64_t page = world->page;
	int fd = host_file(3 * page);
	struct pw_file *file = open_file(world, fd);
	pw_va mine = map_file(world, file, 3, RW, PRIVATE), other;

	other = map_file(world, file, 3, PROT_READ, SHARED);
	/* One page is read before it is written, the other is not. */
	assert_int_equal(get(world, mine), pattern(0));
	put(world, mine, 0xaa);
	put(world, mine + page + 5, 0xbb);
	assert_int_equal(get(world, mine), 0xaa);
	assert_int_equal(get(world, mine + 1), pattern(1));
	assert_int_equal(get(world, mine + page + 5), 0xbb);
	assert_int_equal(get(world, mine + page + 6), pattern(page + 6));
	assert_int_equal(folio_at(world, mine).kind, PW_FOLIO_ANONYMOUS);
	assert_int_equal(folio_at(world, mine + page).kind, PW_FOLIO_ANONYMOUS);
	assert_true(folio_at(world, mine + page).exclusive);
	assert_int_equal(get(world, other), pattern(0));
	assert_int_equal(file_byte(file, page + 5), pattern(page + 5));
	assert_int_equal(pw_file_sync(file), 0);
	assert_int_equal(host_byte(fd, 0), pattern(0));
	unmap(world, mine, 3 * page);
	unmap(world, other, 3 * page);
	pw_file_put(file);
	close(fd);
}

static void test_private(void **state)
{
	(void)state;
	for_each_mm(private_copies);
}

/* A page is clean until its first write; after a write back, the next write is noticed again. */
static void dirty_is_tracked(struct mm_world *world)
{
	const uint64_t page = world->page;
	int fd = host_file(2 * page);
	struct pw_file *file = open_file(world, fd);
	pw_va va = map_file(world, file, 2, RW, SHARED);
	struct pw_result result;

	assert_int_equal(get(world, va), pattern(0));
	assert_int_equal(mapped(world, va, &result), PW_OK);
	assert_false(result.attr & PW_WRITE);
	assert_false(folio_at(world, va).dirty);
	put(world, va, 0x11);
	put(world, va + page, 0x12);
	assert_true(folio_at(world, va).dirty);
	assert_true(folio_at(world, va + page).dirty);
	assert_int_equal(host_byte(fd, 0), pattern(0));
	assert_int_equal(pw_msync(world->mm, va, page, MS_SYNC), 0);
	assert_int_equal(host_byte(fd, 0), 0x11);
	assert_int_equal(host_byte(fd, page), pattern(page));
	assert_false(folio_at(world, va).dirty);
	assert_int_equal(mapped(world, va, &result), PW_OK);
	assert_false(result.attr & PW_WRITE);
	/* The cpu must not write by what it remembers. */
	put(world, va, 0x13);
	assert_true(folio_at(world, va).dirty);
	assert_int_equal(pw_file_sync(file), 0);
	assert_int_equal(host_byte(fd, 0), 0x13);
	assert_int_equal(host_byte(fd, page), 0x12);
	put(world, va + 1, 0x14);
	unmap(world, va, 2 * page);
	/* The last holder of a file writes it back. */
	pw_file_put(file);
	assert_int_equal(host_byte(fd, 1), 0x14);
	close(fd);
}

static void test_dirty(void **state)
{
	(void)state;
	for_each_mm(dirty_is_tracked);
}

/* The tail of the last page is nobody's: it does not reach the host, and is zero after a write back. */
static void tail_is_not_written(struct mm_world *world)
{
	const uint64_t page = world->page, bytes = page + 10;
	int fd = host_file(bytes);
	struct pw_file *file = open_file(world, fd);
	pw_va va = map_file(world, file, 2, RW, SHARED);

	put(world, va + bytes + 1, 0x77);
	put(world, va + bytes - 1, 0x78);
	assert_int_equal(pw_file_sync(file), 0);
	assert_int_equal(lseek(fd, 0, SEEK_END), bytes);
	assert_int_equal(host_byte(fd, bytes - 1), 0x78);
	assert_int_equal(get(world, va + bytes + 1), 0);
	put(world, va + bytes + 1, 0x79);
	assert_int_equal(pw_file_truncate(file, bytes + 100), 0);
	assert_int_equal(file_byte(file, bytes + 1), 0);
	assert_int_equal(lseek(fd, 0, SEEK_END), bytes + 100);
	unmap(world, va, 2 * page);
	pw_file_put(file);
	close(fd);
}

static void test_tail(void **state)
{
	(void)state;
	for_each_mm(tail_is_not_written);
}

/* read and write see what mappings see. */
static void read_and_write(struct mm_world *world)
{
	const uint64_t page = world->page;
	unsigned char text[64], back[64];
	int fd = host_file(page);
	struct pw_file *file = open_file(world, fd);
	pw_va va = map_file(world, file, 4, RW, SHARED);

	memset(text, 0x5a, sizeof(text));
	/* Across two pages, the second of which is new. */
	assert_int_equal(pw_file_write(file, page - 32, text, sizeof(text)), sizeof(text));
	assert_int_equal(pw_file_bytes(file), page + 32);
	assert_int_equal(get(world, va + page - 33), pattern(page - 33));
	assert_int_equal(get(world, va + page - 32), 0x5a);
	assert_int_equal(get(world, va + page + 31), 0x5a);
	assert_int_equal(get(world, va + page + 32), 0);
	put(world, va + page - 1, 0x5b);
	assert_int_equal(pw_file_read(file, page - 32, back, sizeof(back)), sizeof(back));
	assert_int_equal(back[30], 0x5a);
	assert_int_equal(back[31], 0x5b);
	/* Behind a gap, which reads as zeros. */
	assert_int_equal(pw_file_write(file, 3 * page, text, 1), 1);
	assert_int_equal(file_byte(file, 2 * page), 0);
	assert_int_equal(pw_file_read(file, 3 * page, back, sizeof(back)), 1);
	assert_int_equal(pw_file_read(file, 3 * page + 1, back, sizeof(back)), 0);
	assert_int_equal(pw_file_sync(file), 0);
	assert_int_equal(lseek(fd, 0, SEEK_END), 3 * page + 1);
	assert_int_equal(host_byte(fd, page - 1), 0x5b);
	assert_int_equal(host_byte(fd, page + 40), 0);
	unmap(world, va, 4 * page);
	pw_file_put(file);
	close(fd);
}

static void test_read_write(void **state)
{
	(void)state;
	for_each_mm(read_and_write);
}

/* Clean pages that nobody maps go, and come back from the host. */
static void drops(struct mm_world *world)
{
	const uint64_t page = world->page;
	int fd = host_file(3 * page);
	struct pw_file *file = open_file(world, fd);
	pw_va va = map_file(world, file, 1, PROT_READ, PRIVATE);
	const unsigned char byte = 0x31;

	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(file_byte(file, i * page), pattern(i * page));
	assert_int_equal(get(world, va), pattern(0));
	assert_int_equal(pw_file_write(file, page, &byte, 1), 1);
	pw_file_drop(file, 0, 3 * page);
	assert_true(pw_cache_has(file, 0)); /* mapped */
	assert_true(pw_cache_has(file, 1)); /* dirty */
	assert_false(pw_cache_has(file, 2));
	assert_int_equal(pwrite(fd, &byte, 1, (off_t)(2 * page)), 1);
	assert_int_equal(file_byte(file, 2 * page), byte);
	assert_int_equal(file_byte(file, page), byte);
	unmap(world, va, page);
	pw_file_put(file);
	close(fd);
}

static void test_drop(void **state)
{
	(void)state;
	for_each_mm(drops);
}

/* ---- shared memory ---- */

static void shared_memory(struct mm_world *world)
{
	const uint64_t page = world->page;
	struct pw_file *file = new_shmem(world, 3 * page);
	pw_va one = map_file(world, file, 4, RW, SHARED);
	pw_va two = map_file(world, file, 4, RW, SHARED);

	assert_int_equal(get(world, one), 0);
	assert_int_equal(folio_at(world, one).kind, PW_FOLIO_SHARED);
	put(world, one, 1);
	put(world, two + page, 2);
	assert_int_equal(get(world, two), 1);
	assert_int_equal(get(world, one + page), 2);
	assert_int_equal(file_byte(file, page), 2);
	refused(world, one + 3 * page, PW_ACCESS_WRITE, PW_FAULT_ADRERR);
	/* The memory lives as long as a mapping. */
	pw_file_put(file);
	unmap(world, one, 4 * page);
	assert_int_equal(get(world, two), 1);
	unmap(world, two, 4 * page);
}

static void test_shared(void **state)
{
	(void)state;
	for_each_mm(shared_memory);
}

/* A file of 2^42 bytes with a few pages costs a few pages; holes are read without making pages. */
static void sparse(struct mm_world *world)
{
	const uint64_t bytes = UINT64_C(1) << 42;
	struct pw_arena *arena = pw_machine_arena(world->machine);
	uint64_t before = pw_arena_free_bytes(arena);
	struct pw_file *file = new_shmem(world, bytes);
	const unsigned char byte = 9;

	assert_int_equal(pw_file_write(file, bytes - 1, &byte, 1), 1);
	assert_int_equal(pw_file_write(file, bytes / 2, &byte, 1), 1);
	assert_int_equal(file_byte(file, bytes - 1), 9);
	assert_int_equal(file_byte(file, bytes / 2), 9);
	assert_int_equal(file_byte(file, 12345), 0);
	assert_int_equal(before - pw_arena_free_bytes(arena), 2 * world->page);
	assert_int_equal(pw_file_truncate(file, bytes / 2), 0);
	assert_int_equal(pw_arena_free_bytes(arena), before);
	pw_file_put(file);
}

static void test_sparse(void **state)
{
	(void)state;
	for_each_mm(sparse);
}

/* Shared memory goes to swap and comes back; a file's dirty page goes to the host. */
static void reclaimed(const struct pw_format *format, const char *path)
{
	enum { PAGES = 16 };
	const uint64_t page = UINT64_C(1) << format->shift[0];
	const struct pw_machine_options options = { .swap = path, .swap_bytes = 4 * PAGES * page };
	struct mm_world world = open_mm(format, &options);
	struct pw_file *shared = new_shmem(&world, PAGES * page), *file;
	pw_va va = map_file(&world, shared, PAGES, RW, SHARED), other;
	int fd = host_file(page);
	struct pw_machine_info before, info;
	unsigned swapped = 0;
	uint32_t value;

	file = open_file(&world, fd);
	other = map_file(&world, file, 1, RW, SHARED);
	put(&world, other + 3, 0x91);
	for (unsigned i = 0; i < PAGES; i++)
		put(&world, va + i * page + i, (unsigned char)(i + 1));
	pw_machine_info(world.machine, &before);
	/* Used pages get a second chance. */
	for (unsigned i = 0; i < 8; i++)
		pw_reclaim(world.machine, 4 * PAGES * page);
	for (unsigned i = 0; i < PAGES; i++) {
		enum pw_cached what = pw_cache_find(shared, i, &value);

		swapped += what == PW_CACHED_SWAP;
		if (what == PW_CACHED_PAGE)
			pw_page_put(world.machine, value, 1);
	}
	assert_int_equal(swapped, PAGES);
	assert_false(pw_cache_has(file, 0));
	assert_int_equal(host_byte(fd, 3), 0x91);
	for (unsigned i = 0; i < PAGES; i += 2)
		assert_int_equal(get(&world, va + i * page + i), i + 1);
	assert_int_equal(file_byte(shared, page + 1), 2);
	assert_int_equal(get(&world, other + 3), 0x91);
	/* Truncation gives the slots back. */
	assert_int_equal(pw_file_truncate(shared, page), 0);
	assert_int_equal(get(&world, va), 1);
	pw_machine_info(world.machine, &info);
	assert_int_equal(info.swap_free_bytes, before.swap_free_bytes);
	unmap(&world, va, PAGES * page);
	unmap(&world, other, page);
	pw_file_put(shared);
	pw_file_put(file);
	close(fd);
	close_mm(&world);
}

static void test_reclaimed(void **state)
{
	char path[] = "/tmp/pagewalk-swap-XXXXXX";
	const struct pw_format *format;

	(void)state;
	close(mkstemp(path));
	for (size_t i = 0; (format = pw_format_at(i)); i++) {
		if (pw_format_can_edit(format))
			reclaimed(format, path);
	}
	unlink(path);
}

/* Secret memory has its kind before anybody can find it, and no read(2). */
static void secret(struct mm_world *world)
{
	struct pw_file *file;
	unsigned char byte;
	pw_pa page;
	enum pw_stop why;
	pw_va va;

	assert_int_equal(pw_secret_create(world->machine, 0, &file, NULL), 0);
	assert_int_equal(pw_file_truncate(file, 2 * world->page), 0);
	assert_int_equal(pw_file_truncate(file, world->page), -EINVAL);
	va = map_file(world, file, 2, RW, SHARED);
	put(world, va, 0x21);
	assert_int_equal(get(world, va), 0x21);
	assert_int_equal(folio_at(world, va).kind, PW_FOLIO_SECRET);
	assert_int_equal(pw_pin_fast(pw_cpu_reader(world->cpu), va, 1, 0, &page, &why), 0);
	assert_int_equal(why, PW_STOP_SECRET);
	assert_int_equal(pw_file_read(file, 0, &byte, 1), -EINVAL);
	unmap(world, va, 2 * world->page);
	pw_file_put(file);
}

static void test_secret(void **state)
{
	(void)state;
	for_each_mm(secret);
}

/* ---- errors ---- */

static void refusals(struct mm_world *world)
{
	const uint64_t page = world->page;
	struct pw_error error;
	struct pw_file *file;
	int fd = host_file(page), only_read, pipes[2];
	char path[64];
	unsigned char byte = 0;

	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(pw_file_open(world->machine, pipes[0], &file, &error), -EINVAL);
	assert_int_equal(pw_file_open(world->machine, -1, &file, &error), -EBADF);
	assert_int_equal(pw_file_open(world->machine, fd, NULL, &error), -EINVAL);
	assert_int_equal(pw_shmem_create(world->machine, UINT64_MAX, &file, &error), -EINVAL);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	only_read = open(path, O_RDONLY);
	file = open_file(world, only_read);
	assert_int_equal(pw_file_write(file, 0, &byte, 1), -EBADF);
	assert_int_equal(pw_file_truncate(file, 0), -EINVAL);
	assert_int_equal(pw_file_punch(file, 0, page), -EBADF);
	assert_int_equal(pw_mmap(world->mm, 0, page, RW, MAP_SHARED, file, 0), -EACCES);
	pw_file_put(file);
	close(only_read);
	close(pipes[0]);
	close(pipes[1]);
	close(fd);
}

static void test_refusals(void **state)
{
	(void)state;
	for_each_mm(refusals);
}

/*
 * A host's file that cannot be read or written: /proc/self/mem where nothing is mapped. A read is SIGBUS; an
 * error of a write back is told once.
 */
static void host_errors(struct mm_world *world)
{
	const size_t page = (size_t)world->page;
	int fd = open("/proc/self/mem", O_RDWR);
	unsigned char *all = calloc(1, page);
	struct pw_file *file;
	pw_va va;

	assert_true(fd >= 0);
	file = open_file(world, fd);
	file->bytes = 2 * page;
	va = map_file(world, file, 2, RW, SHARED);
	refused(world, va, PW_ACCESS_READ, PW_FAULT_ADRERR);
	refused(world, va, PW_ACCESS_WRITE, PW_FAULT_ADRERR);
	assert_int_equal(pw_file_read(file, 0, all, page), -EIO);
	/* A whole page needs no read. */
	assert_int_equal(pw_file_write(file, 0, all, page), (long)page);
	assert_int_equal(get(world, va), 0);
	assert_int_equal(pw_msync(world->mm, va, page, MS_SYNC), -EIO);
	assert_int_equal(pw_msync(world->mm, va, page, MS_SYNC), 0);
	put(world, va, 1);
	assert_int_equal(pw_file_sync(file), -EIO);
	unmap(world, va, 2 * page);
	pw_file_put(file);
	free(all);
	close(fd);
}

static void test_host_errors(void **state)
{
	(void)state;
	for_each_mm(host_errors);
}

static void sync_arguments(struct mm_world *world)
{
	const uint64_t page = world->page;
	pw_va va = map_anon(world, 3, RW);

	assert_int_equal(pw_msync(world->mm, va + 1, page, MS_SYNC), -EINVAL);
	assert_int_equal(pw_msync(world->mm, va, page, MS_SYNC | MS_ASYNC), -EINVAL);
	assert_int_equal(pw_msync(world->mm, va, page, 0x100), -EINVAL);
	assert_int_equal(pw_msync(world->mm, va, 0, MS_SYNC), 0);
	assert_int_equal(pw_msync(world->mm, va, 3 * page, MS_ASYNC), 0);
	unmap(world, va + page, page);
	assert_int_equal(pw_msync(world->mm, va, 3 * page, MS_SYNC), -ENOMEM);
	assert_int_equal(pw_msync(world->mm, va, page, MS_SYNC), 0);
	assert_int_equal(pw_mlock(world->mm, va, page, 0), 0);
	assert_int_equal(pw_msync(world->mm, va, page, MS_INVALIDATE), -EBUSY);
	/* A range up to the end of all addresses is refused before anything is looked at, also if its end wraps to 0. */
	assert_int_equal(pw_msync(world->mm, va, 0 - va, MS_INVALIDATE), -ENOMEM);
	assert_int_equal(pw_msync(world->mm, va, 2 * page - va, MS_INVALIDATE), -ENOMEM);
	unmap(world, va, 3 * page);
}

static void test_sync_arguments(void **state)
{
	(void)state;
	for_each_mm(sync_arguments);
}

/* MADV_WILLNEED reads pages of a file into its cache, up to its end, and maps nothing. */
static void ahead(struct mm_world *world)
{
	const uint64_t page = world->page;
	int fd = host_file(5 * page + 1);
	struct pw_file *file = open_file(world, fd);
	pw_va va = map_file(world, file, 8, PROT_READ, PRIVATE);
	unsigned char present[8];
	struct pw_result result;

	assert_int_equal(pw_madvise(world->mm, va + page, 7 * page, MADV_WILLNEED), 0);
	assert_int_equal(pw_mincore(world->mm, va, 8 * page, present), 0);
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(present[i], i > 0 && i < 6);
	assert_int_not_equal(mapped(world, va + page, &result), PW_OK);
	assert_int_equal(get(world, va + 2 * page + 3), pattern(2 * page + 3));
	unmap(world, va, 8 * page);
	pw_file_put(file);
	close(fd);
}

static void test_ahead(void **state)
{
	(void)state;
	for_each_mm(ahead);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ahead),       cmocka_unit_test(test_reads),
		cmocka_unit_test(test_private),     cmocka_unit_test(test_dirty),
		cmocka_unit_test(test_tail),        cmocka_unit_test(test_read_write),
		cmocka_unit_test(test_drop),        cmocka_unit_test(test_shared),
		cmocka_unit_test(test_sparse),      cmocka_unit_test(test_secret),
		cmocka_unit_test(test_reclaimed),   cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_host_errors), cmocka_unit_test(test_sync_arguments),
	};

	mutant_choose(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
