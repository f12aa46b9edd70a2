/* SPDX-License-Identifier: MIT */
/*
 * Which places are tried: where a top table can map huge pages by itself, it can also have the entry of one that nobody
 * may access, which is not present (mprotect(2)). Such a table is a root, in each format that can have it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <pagewalk/pagewalk.h>

#include "format/format.h"
#include "memory/memory.h"
#include "mutants/choose.h"

enum {
	MEMORY = 1 << 20,
	SLOT = 0x10000, /* a table each, from the second on; the top first */
	PAGES = 8 * SLOT, /* eight pages */
};

static unsigned char memory[MEMORY] __attribute__((aligned(SLOT)));
static unsigned char far_page[SLOT] __attribute__((aligned(SLOT)));

static void put(const struct pw_format *f, uint64_t table, size_t index, uint64_t entry)
{
	const unsigned width = 1u << f->entry_lg2;
	unsigned char *at = memory + table + index * width;

	for (unsigned i = 0; i < width; i++)
		at[i] = (unsigned char)(entry >> 8 * (f->big_endian ? width - 1 - i : i));
}

/* A top table, a table of each level below it, and pages. Returns its regime. */
static void build(const struct pw_format *f, struct pw_regime *r)
{
	const unsigned top = f->levels - 1u;
	const struct pw_regime blank = { .format = f,
					 .address_mask = UINT64_C(0x000ffffffffff000) };
	const struct pw_regime_options options = { .view = PW_VIEW_LINUX };
	const uint64_t word = f->make_root(f, &blank, SLOT, top);
	uint64_t table = SLOT;

	memset(memory, 0, sizeof(memory));
	assert_int_equal(pw_regime_init(r, f, &word, 1, &options, NULL), 0);
	for (unsigned level = top; level > 0; level--, table += SLOT)
		put(f, table, 1, f->make_table(f, r, level, table + SLOT));
	for (size_t i = 0; i < 8; i++)
		put(f, table, i,
		    f->make_leaf(f, r, 0, PAGES + (i << f->shift[0] & (8 * SLOT - 1)),
				 PW_READ | PW_WRITE | PW_USER | PW_ACCESSED | PW_DIRTY));
}

static bool is_found(const struct pw_format *f)
{
	const pw_pa far = UINT64_C(1) << f->shift[f->levels - 1];
	const struct pw_segment segment[] = { { 0, MEMORY - 1, memory },
					      { far, far + SLOT - 1, far_page } };
	const struct pw_roots_options options = { .formats = &f, .format_count = 1, .threads = 1 };
	struct pw_memory *source;
	struct pw_root *roots;
	bool found = false;
	size_t count;

	assert_int_equal(pw_memory_wrap(segment, 2, &source, NULL), 0);
	assert_int_equal(pw_roots_find(source, &options, &roots, &count, NULL, NULL), 0);
	for (size_t i = 0; i < count; i++)
		found |= roots[i].table == SLOT && roots[i].levels == f->levels;
	free(roots);
	pw_memory_close(source);
	return found;
}

static void test_prot_none(void **state)
{
	const struct pw_format *f;
	unsigned tried = 0;

	(void)state;
	for (size_t i = 0; (f = pw_format_at(i)); i++) {
		const unsigned top = f->levels - 1u;
		const pw_pa page = UINT64_C(1) << f->shift[top];
		struct pw_regime r;
		pw_pa back = 0;
		uint64_t entry;

		/* In s390x entries name the level; powerpc's roots are found by their words. */
		if (!(f->leaf_levels >> top & 1) || !f->make_prot_none ||
		    f->entry_lg2 + f->bits[top] < 6)
			continue;
		build(f, &r);
		if (!is_found(f))
			continue;
		entry = f->make_prot_none(f, &r, top, page);
		if (f->kind(f, &r, top, entry) != PW_HOLE ||
		    f->hole(f, &r, top, entry, &back) != PW_PROT_NONE)
			continue;
		tried++;
		put(f, SLOT, 2, entry);
		if (!is_found(f))
			fail_msg("%s: not found", f->name);
		/* A page that the machine does not have. */
		put(f, SLOT, 3, f->make_prot_none(f, &r, top, 2 * page));
		if (is_found(f))
			fail_msg("%s: found with a page outside", f->name);
	}
	print_message("%u formats\n", tried);
	assert_true(tried >= 4);
}

/* With granules of 16K, bits 12 and 13 of a table's or a page's entry are reserved: what is aligned to 4K has them. */
static void test_reserved(void **state)
{
	static const char *const names[] = { "arm64_16k_36", "arm64_16k_47" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct pw_format *f = pw_format_find(names[i]);
		const unsigned top = f->levels - 1u;
		struct pw_regime r;

		build(f, &r);
		assert_true(is_found(f));
		put(f, SLOT, 2, f->make_table(f, &r, top, 2 * SLOT) | 0x1000);
		assert_false(is_found(f));
		build(f, &r);
		for (size_t k = 0; k < 8; k++)
			memory[(top + 1) * SLOT + 8 * k + 1] |= 0x20;
		assert_false(is_found(f));
	}
}

/* LPAE's TTBR1 leads into a process's tree: with TTBCR.T1SZ = 2, to a whole table, which is nobody's root. */
static void test_middle(void **state)
{
	enum { TTBCR_EAE = 1u << 31, TTBCR_T1SZ_2 = 2 << 16 };
	const struct pw_segment segment = { 0, MEMORY - 1, memory };
	const struct pw_format *f = pw_format_find("arm_lpae");
	const struct pw_roots_options options = { .formats = &f, .format_count = 1, .threads = 1 };
	struct pw_memory *source;
	struct pw_root *roots;
	struct pw_regime r;
	struct pw_cpu *cpu;
	bool found = false;
	size_t count;

	(void)state;
	build(f, &r);
	assert_int_equal(pw_memory_wrap(&segment, 1, &source, NULL), 0);
	source->machine = 40; /* EM_ARM: no image of tables alone */
	cpu = pw_memory_add_cpu(source);
	assert_non_null(cpu);
	cpu->format = f->name;
	cpu->roots = 2;
	cpu->root[0] = r.root[0];
	cpu->root[1] = 2 * SLOT;
	cpu->registers.known = PW_REGISTER_TCR;
	cpu->registers.tcr = TTBCR_EAE | TTBCR_T1SZ_2;
	assert_int_equal(pw_roots_find(source, &options, &roots, &count, NULL, NULL), 0);
	for (size_t i = 0; i < count; i++) {
		assert_int_not_equal(roots[i].table, 2 * SLOT);
		found |= roots[i].table == SLOT && roots[i].cpu == 0 && roots[i].roots == 2;
	}
	assert_true(found);
	free(roots);
	pw_memory_close(source);
}

/* The formats of an arm dump are those of arm, and not arm64's, whose name begins in the same way. */
static void test_machine(void **state)
{
	static const struct {
		uint16_t machine; /* of the ELF header */
		const char *format;
		bool found;
	} cases[] = {
		{ 183, "arm64_4k_48", true },
		{ 40, "arm64_4k_48", false },
		{ 243, "riscv_sv39", true },
		{ 183, "riscv_sv39", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct pw_segment segment = { 0, MEMORY - 1, memory };
		const struct pw_roots_options options = { .threads = 1 };
		struct pw_memory *source;
		struct pw_regime r;
		struct pw_root *roots;
		bool found = false;
		size_t count;

		build(pw_format_find(cases[i].format), &r);
		assert_int_equal(pw_memory_wrap(&segment, 1, &source, NULL), 0);
		source->machine = cases[i].machine;
		assert_int_equal(pw_roots_find(source, &options, &roots, &count, NULL, NULL), 0);
		for (size_t k = 0; k < count; k++)
			found |= strcmp(roots[k].format, cases[i].format) == 0;
		assert_int_equal(found, cases[i].found);
		free(roots);
		pw_memory_close(source);
	}
}

/* The formats are shared out among threads: the answer is the same, however many there are. */
static void test_threads(void **state)
{
	const struct pw_segment segment = { 0, MEMORY - 1, memory };
	struct pw_memory *source;
	struct pw_root *one = NULL;
	struct pw_regime r;
	size_t count = 0;

	(void)state;
	build(pw_format_find("arm64_4k_48"), &r);
	assert_int_equal(pw_memory_wrap(&segment, 1, &source, NULL), 0);
	for (unsigned threads = 1; threads <= 5; threads++) {
		const struct pw_roots_options options = { .threads = threads,
							  .every_format = true };
		struct pw_root *roots;
		size_t found;

		assert_int_equal(pw_roots_find(source, &options, &roots, &found, NULL, NULL), 0);
		if (threads == 1) {
			assert_true(found > 1);
			one = roots;
			count = found;
			continue;
		}
		assert_int_equal(found, count);
		for (size_t i = 0; i < count; i++) {
			assert_string_equal(roots[i].format, one[i].format);
			assert_true(roots[i].table == one[i].table);
			assert_true(roots[i].user == one[i].user);
			assert_int_equal(roots[i].owner, one[i].owner);
			assert_int_equal(roots[i].levels, one[i].levels);
		}
		free(roots);
	}
	free(one);
	pw_memory_close(source);
}

/* A table of huge pages that nobody may access, and of nothing else: hugetlb with PROT_NONE has such ones. */
static void test_hidden(void **state)
{
	const struct pw_format *f;
	unsigned tried = 0;

	(void)state;
	for (size_t i = 0; (f = pw_format_at(i)); i++) {
		const pw_pa page = UINT64_C(1) << f->shift[1];
		struct pw_regime r;
		pw_pa back = 0;
		uint64_t entry;

		if (f->levels < 3 || !(f->leaf_levels >> 1 & 1) || !f->make_prot_none ||
		    f->entry_lg2 + f->bits[f->levels - 1] < 6)
			continue;
		build(f, &r);
		if (!is_found(f))
			continue;
		entry = f->make_prot_none(f, &r, 1, page);
		r.view = PW_VIEW_HARDWARE;
		if (f->kind(f, &r, 1, entry) != PW_HOLE)
			continue;
		r.view = PW_VIEW_LINUX;
		if (f->hole(f, &r, 1, entry, &back) != PW_PROT_NONE)
			continue;
		tried++;
		put(f, (uint64_t)(f->levels - 2) * SLOT, 2, f->make_table(f, &r, 2, 7 * SLOT));
		for (size_t k = 0; k < 4; k++)
			put(f, 7 * SLOT, k, f->make_prot_none(f, &r, 1, page));
		if (!is_found(f))
			fail_msg("%s: not found", f->name);
	}
	print_message("%u formats\n", tried);
	assert_true(tried >= 4);
}

/* How far the proof has come. */
struct followed {
	uint64_t places, of;
	bool cancel, in_order;
};

static void follow(void *context, uint64_t places, uint64_t of)
{
	struct followed *followed = context;

	followed->in_order &= places == followed->places + 1;
	followed->places = places;
	followed->of = of;
	if (places == of)
		__atomic_store_n(&followed->cancel, true, __ATOMIC_RELAXED);
}

/* Each place is told of once. Who cancels after the last has no result. */
static void test_cancelled(void **state)
{
	const struct pw_segment segment = { 0, MEMORY - 1, memory };
	struct pw_memory *source;
	struct pw_regime r;

	(void)state;
	build(pw_format_find("arm64_4k_48"), &r);
	assert_int_equal(pw_memory_wrap(&segment, 1, &source, NULL), 0);
	for (unsigned threads = 1; threads <= 4; threads++)
		for (unsigned cancel = 0; cancel < 2; cancel++) {
			struct followed followed = { .in_order = true };
			const struct pw_roots_options options = {
				.threads = threads,
				.every_format = true,
				.cancel = cancel ? &followed.cancel : NULL,
				.proved = follow,
				.progress_context = &followed,
			};
			struct pw_root *roots = NULL;
			size_t found;

			assert_int_equal(
				pw_roots_find(source, &options, &roots, &found, NULL, NULL),
				cancel ? -ECANCELED : 0);
			free(roots);
			assert_true(followed.in_order && followed.of > 1);
			assert_true(followed.places == followed.of);
		}
	pw_memory_close(source);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_prot_none), cmocka_unit_test(test_reserved),
		cmocka_unit_test(test_middle),    cmocka_unit_test(test_hidden),
		cmocka_unit_test(test_machine),   cmocka_unit_test(test_threads),
		cmocka_unit_test(test_cancelled),
	};

	mutant_choose(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
