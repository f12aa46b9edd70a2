/* SPDX-License-Identifier: MIT */
/* mremap: sizes, moves, what moves with a VMA, and what is refused. */
#include <linux/mman.h>

#include "mm/vma_test.h"
#include "mutants/choose.h"

enum { TO = MREMAP_MAYMOVE | MREMAP_FIXED, KEEP = MREMAP_MAYMOVE | MREMAP_DONTUNMAP };

static pw_sva remap(struct mm_world *w, pw_va va, uint64_t pages, uint64_t new_pages, int flags,
		    pw_va to)
{
	return pw_mremap(w->mm, va, pages * w->page, new_pages * w->page, flags, to);
}

static void sizes(struct mm_world *w)
{
	pw_va va = room(w, 32);

	map_at(w, va, 4, RW, ANON);
	write_byte(w->mm, va, 1);
	write_byte(w->mm, va + 3 * w->page, 4);
	assert_int_equal(remap(w, va, 4, 2, 0, 0), (pw_sva)va);
	assert_vmas(w, va, "0+2 rw-p");
	assert_int_equal(remap(w, va, 2, 6, 0, 0), (pw_sva)va);
	assert_vmas(w, va, "0+6 rw-p");
	assert_int_equal(read_byte(w->mm, va), 1);
	assert_int_equal(read_byte(w->mm, va + 3 * w->page), 0);
	/* No room, and it must not move. */
	map_at(w, va + 8 * w->page, 1, PROT_READ, ANON);
	assert_int_equal(remap(w, va, 6, 9, 0, 0), -ENOMEM);
	assert_int_equal(remap(w, va, 6, 8, 0, 0), (pw_sva)va);
	/* Only a range up to the end of the VMA grows in its place. */
	assert_int_equal(remap(w, va, 4, 5, 0, 0), -ENOMEM);
}

static void test_sizes(void **state)
{
	(void)state;
	for_each_mm(sizes);
}

static void moves(struct mm_world *w)
{
	pw_va va = room(w, 32), to = va + 20 * w->page;
	pw_pa page;

	map_at(w, va, 6, RW, ANON);
	for (unsigned i = 0; i < 6; i++)
		write_byte(w->mm, va + i * w->page, (unsigned char)(i + 1));
	page = page_at(w->mm, va + 2 * w->page);
	assert_int_equal(remap(w, va + 2 * w->page, 2, 2, TO, to), (pw_sva)to);
	assert_vmas(w, va, "0+2 rw-p, 4+2 rw-p, 20+2 rw-p");
	assert_int_equal(page_at(w->mm, to), page);
	assert_int_equal(read_byte(w->mm, to), 3);
	assert_int_equal(read_byte(w->mm, to + w->page), 4);
	assert_int_equal(pw_mm_fault(w->mm, va + 2 * w->page, PW_ACCESS_READ, NULL),
			 PW_FAULT_MAPERR);
	/* Back: the places in the anon fit again, so all is one VMA. */
	assert_int_equal(remap(w, to, 2, 2, TO, va + 2 * w->page), (pw_sva)(va + 2 * w->page));
	assert_vmas(w, va, "0+6 rw-p");
	assert_int_equal(read_byte(w->mm, va + 3 * w->page), 4);
	/* It grows while it moves. What it moves onto is gone. */
	map_at(w, to, 2, PROT_READ, ANON);
	assert_int_equal(remap(w, va, 6, 8, TO, to), (pw_sva)to);
	assert_vmas(w, va, "20+8 rw-p");
	assert_int_equal(read_byte(w->mm, to + 5 * w->page), 6);
	assert_int_equal(read_byte(w->mm, to + 7 * w->page), 0);
}

static void test_moves(void **state)
{
	(void)state;
	for_each_mm(moves);
}

static void keeps(struct mm_world *w)
{
	pw_va va = room(w, 32), to = va + 16 * w->page;

	map_at(w, va, 4, RW, ANON);
	write_byte(w->mm, va + w->page, 9);
	assert_int_equal(remap(w, va, 4, 4, KEEP | MREMAP_FIXED, to), (pw_sva)to);
	assert_vmas(w, va, "0+4 rw-p, 16+4 rw-p");
	assert_int_equal(read_byte(w->mm, to + w->page), 9);
	assert_int_equal(read_byte(w->mm, va + w->page), 0);
}

static void test_keeps(void **state)
{
	(void)state;
	for_each_mm(keeps);
}

/* Linux 6.18, and Linux 7: what stays behind merges with what was moved beside it, or does not. */
static void keeps_apart(const struct pw_format *format, uint16_t kernel)
{
	const struct pw_machine_options options = { .kernel = kernel };
	struct mm_world world = open_mm(format, &options), *w = &world;
	const bool seven = kernel >= 0x700;
	pw_va va = room(w, 64);

	/* Never touched: the copy could go on where the old one ends. */
	map_at(w, va + 4 * w->page, 4, RW, ANON);
	assert_int_equal(remap(w, va + 4 * w->page, 4, 4, KEEP | MREMAP_FIXED, va), (pw_sva)va);
	assert_vmas(w, va, seven ? "0+4 rw-p, 4+4 rw-p" : "0+8 rw-p");
	assert_int_equal(pw_munmap(w->mm, va, 8 * w->page), 0);
	/* Touched and moved away: what stays is as if it were new, at its own place. */
	map_at(w, va, 2, RW, ANON);
	write_byte(w->mm, va, 1);
	assert_int_equal(remap(w, va, 2, 2, TO, va + 8 * w->page), (pw_sva)(va + 8 * w->page));
	assert_int_equal(remap(w, va + 8 * w->page, 2, 2, KEEP | MREMAP_FIXED, va + 20 * w->page),
			 (pw_sva)(va + 20 * w->page));
	map_at(w, va + 10 * w->page, 1, RW, ANON);
	assert_vmas(w, va, seven ? "8+3 rw-p, 20+2 rw-p" : "8+2 rw-p, 10+1 rw-p, 20+2 rw-p");
	assert_int_equal(pw_munmap(w->mm, va, 32 * w->page), 0);
	/* Only the part that was moved is not locked any more. */
	map_at(w, va, 6, RW, ANON);
	assert_int_equal(pw_mlock(w->mm, va, 6 * w->page, 0), 0);
	assert_int_equal(remap(w, va + 2 * w->page, 2, 2, KEEP | MREMAP_FIXED, va + 20 * w->page),
			 (pw_sva)(va + 20 * w->page));
	assert_vmas(w, va,
		    seven ? "0+2 rw-p, 2+2 rw-p, 4+2 rw-p, 20+2 rw-p" : "0+6 rw-p, 20+2 rw-p");
	close_mm(w);
}

static void test_keeps_apart(void **state)
{
	const struct pw_format *format;

	(void)state;
	for (size_t i = 0; (format = pw_format_at(i)); i++) {
		if (!pw_format_can_edit(format) || skips_format(i))
			continue;
		keeps_apart(format, 0);
		keeps_apart(format, 0x612);
		keeps_apart(format, 0x702);
	}
}

/* An old size of 0 maps shared pages once more. */
static void twice(struct mm_world *w)
{
	pw_va va = room(w, 32), to = va + 16 * w->page;

	map_at(w, va, 4, RW, MAP_SHARED | MAP_ANONYMOUS);
	write_byte(w->mm, va + w->page, 9);
	assert_int_equal(remap(w, va + w->page, 0, 2, TO, to), (pw_sva)to);
	assert_vmas(w, va, "0+4 rw-s, 16+2 rw-s");
	assert_int_equal(read_byte(w->mm, to), 9);
	write_byte(w->mm, to, 10);
	assert_int_equal(read_byte(w->mm, va + w->page), 10);
	map_at(w, va + 8 * w->page, 1, RW, ANON);
	assert_int_equal(remap(w, va + 8 * w->page, 0, 2, TO, to), -EINVAL);
}

static void test_twice(void **state)
{
	(void)state;
	for_each_mm(twice);
}

/* Several VMAs move with the gaps between them. */
static void several(struct mm_world *w)
{
	pw_va va = room(w, 48), to = va + 24 * w->page;

	map_at(w, va, 2, RW, ANON);
	map_at(w, va + 2 * w->page, 2, PROT_READ, ANON);
	map_at(w, va + 6 * w->page, 3, RW, ANON);
	write_byte(w->mm, va + 7 * w->page, 3);
	assert_int_equal(remap(w, va + w->page, 7, 7, TO, to), (pw_sva)to);
	assert_vmas(w, va, "0+1 rw-p, 8+1 rw-p, 24+1 rw-p, 25+2 r--p, 29+2 rw-p");
	assert_int_equal(read_byte(w->mm, to + 6 * w->page), 3);
}

static void test_several(void **state)
{
	(void)state;
	for_each_mm(several);
}

static void errors(struct mm_world *w)
{
	pw_va va = room(w, 32), to = va + 16 * w->page;

	map_at(w, va, 4, RW, ANON);
	map_at(w, va + 4 * w->page, 1, PROT_READ, ANON);
	assert_int_equal(remap(w, va, 4, 4, 8, to), -EINVAL);
	assert_int_equal(remap(w, va + 1, 4, 4, TO, to), -EINVAL);
	assert_int_equal(remap(w, va, 4, 0, TO, to), -EINVAL);
	assert_int_equal(remap(w, va, 4, 4, MREMAP_FIXED, to), -EINVAL);
	assert_int_equal(remap(w, va, 4, 4, TO, to + 1), -EINVAL);
	assert_int_equal(remap(w, va, 4, 4, TO, va + 2 * w->page), -EINVAL);
	assert_int_equal(remap(w, va, 4, 4, TO, va), -EINVAL);
	assert_int_equal(remap(w, va, 4, 5, KEEP, to), -EINVAL);
	assert_int_equal(remap(w, va + 8 * w->page, 1, 2, MREMAP_MAYMOVE, 0), -EFAULT);
	/* Growing across the end of a VMA. */
	assert_int_equal(remap(w, va, 5, 6, MREMAP_MAYMOVE, 0), -EFAULT);
	assert_vmas(w, va, "0+4 rw-p, 4+1 r--p");
}

static void test_errors(void **state)
{
	(void)state;
	for_each_mm(errors);
}

/* A huge leaf moves as one, if both addresses allow it; otherwise its parts move. */
static void huge(const struct pw_format *format)
{
	const unsigned lg2 = format->shift[1];
	const uint64_t bytes = UINT64_C(1) << lg2;
	const struct pw_machine_options options = { .bytes = bytes * 16, .huge = PW_HUGE_ALWAYS };
	struct mm_world w = open_mm(format, &options);
	struct pw_slot slot;
	pw_va va, to;

	va = (room(&w, 8 * bytes / w.page) + bytes - 1) & ~(bytes - 1);
	to = va + 4 * bytes;
	map_at(&w, va, bytes / w.page, RW, ANON);
	write_byte(w.mm, va + 5 * w.page, 5);
	pw_slot_find(w.mm->space, va, &slot);
	assert_int_equal(slot.level, 1);
	assert_int_equal(pw_mremap(w.mm, va, bytes, bytes, TO, to), (pw_sva)to);
	pw_slot_find(w.mm->space, to, &slot);
	assert_int_equal(slot.level, 1);
	assert_int_equal(read_byte(w.mm, to + 5 * w.page), 5);
	assert_int_equal(pw_mremap(w.mm, to, bytes, bytes, TO, va + w.page), (pw_sva)(va + w.page));
	pw_slot_find(w.mm->space, va + w.page, &slot);
	assert_int_equal(slot.level, 0);
	assert_int_equal(read_byte(w.mm, va + 6 * w.page), 5);
	/* A part leaves: the rest stays where it is. */
	assert_int_equal(pw_munmap(w.mm, va + 2 * w.page, w.page), 0);
	assert_int_equal(read_byte(w.mm, va + 6 * w.page), 5);
	close_mm(&w);
}

static void test_huge(void **state)
{
	static const char *const names[] = { "x86_64", "arm64_4k_48", "riscv_sv39" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct pw_format *format = pw_format_find(names[i]);

		assert_non_null(format);
		huge(format);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),  cmocka_unit_test(test_moves),
		cmocka_unit_test(test_keeps),  cmocka_unit_test(test_keeps_apart),
		cmocka_unit_test(test_twice),  cmocka_unit_test(test_several),
		cmocka_unit_test(test_errors), cmocka_unit_test(test_huge),
	};

	mutant_choose(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
