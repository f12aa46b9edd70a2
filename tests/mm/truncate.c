/* SPDX-License-Identifier: MIT */
/* Files that become shorter or get holes under mappings and pins. On every format. */
#include "file_test.h"
#include "mutants/choose.h"

static void shortens(struct mm_world *world)
{
	const uint64_t page = world->page, kept = page + page / 2;
	int fd = host_file(4 * page);
	struct pw_file *file = open_file(world, fd);
	pw_va shared = map_file(world, file, 4, RW, SHARED);
	pw_va mine = map_file(world, file, 4, RW, PRIVATE);
	struct pw_result result;

	for (unsigned i = 0; i < 4; i++) {
		put(world, shared + i * page, (unsigned char)(i + 1));
		put(world, mine + i * page + 1, 0xee);
	}
	assert_int_equal(pw_file_truncate(file, kept), 0);
	assert_int_equal(pw_file_bytes(file), kept);
	assert_int_equal(lseek(fd, 0, SEEK_END), kept);
	/* Entries beyond are gone from both mappings, with the private copies. */
	for (unsigned i = 2; i < 4; i++) {
		assert_int_not_equal(mapped(world, shared + i * page, &result), PW_OK);
		assert_int_not_equal(mapped(world, mine + i * page, &result), PW_OK);
		refused(world, shared + i * page, PW_ACCESS_READ, PW_FAULT_ADRERR);
		refused(world, mine + i * page, PW_ACCESS_WRITE, PW_FAULT_ADRERR);
	}
	/* The rest of the last page is zero; a private copy of it keeps what it had. */
	assert_int_equal(get(world, shared + page), 2);
	assert_int_equal(get(world, shared + kept - 1), pattern(kept - 1));
	assert_int_equal(get(world, shared + kept), 0);
	assert_int_equal(get(world, mine + page + 1), 0xee);
	assert_int_equal(get(world, mine + kept), pattern(kept));
	/* What comes back is zero. */
	assert_int_equal(pw_file_truncate(file, 4 * page), 0);
	assert_int_equal(get(world, shared + 2 * page), 0);
	assert_int_equal(get(world, mine + 3 * page + 1), 0);
	assert_int_equal(pw_file_sync(file), 0);
	assert_int_equal(host_byte(fd, page), 2);
	assert_int_equal(host_byte(fd, kept), 0);
	assert_int_equal(host_byte(fd, 2 * page), 0);
	unmap(world, shared, 4 * page);
	unmap(world, mine, 4 * page);
	pw_file_put(file);
	close(fd);
}

static void test_shortens(void **state)
{
	(void)state;
	for_each_mm(shortens);
}

static void shared_memory_shortens(struct mm_world *world)
{
	const uint64_t page = world->page;
	struct pw_arena *arena = pw_machine_arena(world->machine);
	struct pw_file *file = new_shmem(world, 3 * page);
	pw_va va = map_file(world, file, 3, RW, SHARED);
	uint64_t before;

	for (unsigned i = 0; i < 3; i++)
		put(world, va + i * page + 9, (unsigned char)(i + 1));
	before = pw_arena_free_bytes(arena);
	assert_int_equal(pw_file_truncate(file, 5), 0);
	assert_int_equal(pw_arena_free_bytes(arena), before + 2 * page);
	assert_int_equal(get(world, va + 9), 0);
	refused(world, va + page, PW_ACCESS_READ, PW_FAULT_ADRERR);
	assert_int_equal(pw_file_truncate(file, 0), 0);
	refused(world, va, PW_ACCESS_READ, PW_FAULT_ADRERR);
	unmap(world, va, 3 * page);
	pw_file_put(file);
}

static void test_shared(void **state)
{
	(void)state;
	for_each_mm(shared_memory_shortens);
}

static void holes(struct mm_world *world)
{
	const uint64_t page = world->page;
	int fd = host_file(4 * page);
	struct pw_file *file = open_file(world, fd);
	pw_va shared = map_file(world, file, 4, RW, SHARED);
	pw_va mine = map_file(world, file, 4, RW, PRIVATE);

	put(world, shared + page + 1, 0x41);
	put(world, shared + 3 * page + 10, 0x42);
	put(world, mine + 2 * page, 0x43);
	/* Half a page, two pages, and some bytes. */
	assert_int_equal(pw_file_punch(file, page / 2, 2 * page + page / 2 + 5), 0);
	assert_int_equal(pw_file_bytes(file), 4 * page);
	assert_int_equal(get(world, shared + page / 2 - 1), pattern(page / 2 - 1));
	assert_int_equal(get(world, shared + page / 2), 0);
	assert_int_equal(get(world, shared + page + 1), 0);
	assert_int_equal(get(world, shared + 2 * page), 0);
	assert_int_equal(get(world, shared + 3 * page + 4), 0);
	assert_int_equal(get(world, shared + 3 * page + 5), pattern(3 * page + 5));
	assert_int_equal(get(world, shared + 3 * page + 10), 0x42);
	/* A private copy stays. */
	assert_int_equal(get(world, mine + 2 * page), 0x43);
	assert_int_equal(get(world, mine + 2 * page + 1), pattern(2 * page + 1));
	assert_int_equal(get(world, mine + page + 1), 0);
	assert_int_equal(pw_file_sync(file), 0);
	assert_int_equal(host_byte(fd, page / 2 - 1), pattern(page / 2 - 1));
	assert_int_equal(host_byte(fd, page / 2), 0);
	assert_int_equal(host_byte(fd, page + 1), 0);
	assert_int_equal(host_byte(fd, 3 * page + 10), 0x42);
	/* Inside one page. */
	assert_int_equal(pw_file_punch(file, 3 * page + 20, 10), 0);
	assert_int_equal(get(world, shared + 3 * page + 19), pattern(3 * page + 19));
	assert_int_equal(get(world, shared + 3 * page + 20), 0);
	assert_int_equal(get(world, shared + 3 * page + 30), pattern(3 * page + 30));
	assert_int_equal(pw_file_punch(file, 0, 0), -EINVAL);
	unmap(world, shared, 4 * page);
	unmap(world, mine, 4 * page);
	pw_file_put(file);
	close(fd);
}

static void test_holes(void **state)
{
	(void)state;
	for_each_mm(holes);
}

/* A pinned page is taken out of its file, and is its holder's. */
static void pinned(struct mm_world *world)
{
	const uint64_t page = world->page;
	struct pw_arena *arena = pw_machine_arena(world->machine);
	struct pw_reader *reader = pw_cpu_reader(world->cpu);
	int fd = host_file(2 * page);
	struct pw_file *file = open_file(world, fd);
	pw_va va = map_file(world, file, 2, RW, SHARED);
	struct pw_folio_info info;
	enum pw_stop why;
	pw_pa pin, other;

	put(world, va + page, 0x51);
	assert_int_equal(pw_pin_fast(reader, va + page, 1, PW_PIN_WRITE, &pin, &why), 1);
	assert_int_equal(pw_file_truncate(file, page), 0);
	assert_true(pw_folio_info(arena, pin, &info));
	assert_int_equal(info.kind, PW_FOLIO_NONE);
	assert_int_equal(info.references, PW_PIN_BIAS);
	assert_int_equal(*byte_at(world, pin), 0x51);
	refused(world, va + page, PW_ACCESS_READ, PW_FAULT_ADRERR);
	/* The file gets another page there; the holder's stores reach neither it nor the host. */
	assert_int_equal(pw_file_truncate(file, 2 * page), 0);
	assert_int_equal(get(world, va + page), 0);
	assert_int_equal(pw_pin_fast(reader, va + page, 1, 0, &other, &why), 1);
	assert_int_not_equal(other, pin);
	pw_unpin_pages(reader, &other, 1, 0, false);
	*byte_at(world, pin) = 0x52;
	pw_unpin_pages(reader, &pin, 1, PW_PIN_WRITE, true);
	assert_false(pw_folio_info(arena, pin, &info) && info.kind == PW_FOLIO_FILE &&
		     info.pa == pin && info.references > 1);
	assert_int_equal(pw_file_sync(file), 0);
	assert_int_equal(host_byte(fd, page), 0);
	unmap(world, va, 2 * page);
	pw_file_put(file);
	close(fd);
}

static void test_pinned(void **state)
{
	(void)state;
	for_each_mm(pinned);
}

/*
 * The page behind a read-only entry has lost its mapping: the first write finds that out under the folio's lock,
 * and makes nothing writable or dirty.
 */
static void dirty_decides(struct mm_world *world)
{
	const uint64_t page = world->page;
	int fd = host_file(page);
	struct pw_file *file = open_file(world, fd);
	pw_va va = map_file(world, file, 1, RW, SHARED);
	struct pw_result result;
	uint32_t frame;

	assert_int_equal(get(world, va), pattern(0));
	assert_int_equal(mapped(world, va, &result), PW_OK);
	frame = pw_arena_frame(pw_machine_arena(world->machine), result.pa);
	pw_page_set_owner(world->machine, frame, PW_FOLIO_NONE, NULL);
	assert_int_equal(pw_mm_fault(world->mm, va, PW_ACCESS_WRITE, NULL), PW_FAULT_DONE);
	assert_int_equal(mapped(world, va, &result), PW_OK);
	assert_false(result.attr & PW_WRITE);
	assert_false(folio_at(world, va).dirty);
	pw_page_set_owner(world->machine, frame, PW_FOLIO_FILE, file);
	put(world, va, 1);
	assert_true(folio_at(world, va).dirty);
	unmap(world, va, page);
	pw_file_put(file);
	close(fd);
}

static void test_dirty_decides(void **state)
{
	(void)state;
	for_each_mm(dirty_decides);
}

/* Parts of mappings, at other offsets than the file's start. */
static void windows(struct mm_world *world)
{
	const uint64_t page = world->page;
	int fd = host_file(8 * page);
	struct pw_file *file = open_file(world, fd);
	pw_sva at = pw_mmap(world->mm, 0, 4 * page, RW, MAP_SHARED, file, 2 * page);
	struct pw_result result;
	pw_va va = (pw_va)at;

	assert_false(pw_is_error(at));
	/* Splits the VMA: the list has both parts. */
	assert_int_equal(pw_mprotect(world->mm, va + 2 * page, page, PROT_READ), 0);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(get(world, va + i * page), pattern((i + 2) * page));
	assert_int_equal(pw_file_punch(file, 3 * page, 2 * page), 0);
	assert_int_equal(mapped(world, va, &result), PW_OK);
	assert_int_not_equal(mapped(world, va + page, &result), PW_OK);
	assert_int_not_equal(mapped(world, va + 2 * page, &result), PW_OK);
	assert_int_equal(mapped(world, va + 3 * page, &result), PW_OK);
	assert_int_equal(get(world, va + page), 0);
	assert_int_equal(get(world, va + 3 * page), pattern(5 * page));
	assert_int_equal(pw_file_truncate(file, 5 * page), 0);
	refused(world, va + 3 * page, PW_ACCESS_READ, PW_FAULT_ADRERR);
	assert_int_equal(get(world, va + 2 * page), 0);
	unmap(world, va, 4 * page);
	pw_file_put(file);
	close(fd);
}

static void test_windows(void **state)
{
	(void)state;
	for_each_mm(windows);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shortens),      cmocka_unit_test(test_shared),
		cmocka_unit_test(test_holes),         cmocka_unit_test(test_pinned),
		cmocka_unit_test(test_dirty_decides), cmocka_unit_test(test_windows),
	};

	mutant_choose(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
