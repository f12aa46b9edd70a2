/* SPDX-License-Identifier: MIT */
/*
 * A root that maps a CPU's exception vectors, and roots that do not: not at all, for users, or without execution. For
 * each format that knows where exceptions lead.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pagewalk/pagewalk.h>

#include "format/words.h"
#include "memory/memory.h"
#include "mutants/choose.h"

enum {
	MEMORY = 1 << 20,
	SLOT = 0x10000, /* a table each, from the second on; the top first */
	PREFIX = 7 * SLOT,
	PAGES = 8 * SLOT, /* eight pages */
	CODE = 0, /* numbers of pages: for the kernel's instructions, */
	TABLE = 1, /* the kernel's to read, */
	USERS = 2, /* users' instructions, */
	NOWHERE = 5, /* not mapped */
	PAGE_FAULT = 14,
	PSW_PROGRAM = 0x1d0,
	STORAGE = 0x300, /* powerpc's interrupt */
};

static unsigned char memory[MEMORY] __attribute__((aligned(SLOT)));

struct machine {
	const struct pw_format *f;
	const struct pw_vectors *vectors;
	struct pw_cpu cpu;
	struct pw_regime r;
	pw_va base; /* of page 0 */
	unsigned first; /* index of page 0 in the lowest table */
};

static void store(uint64_t at, uint64_t value, unsigned width, bool big_endian)
{
	for (unsigned i = 0; i < width; i++)
		memory[(size_t)at + i] = (unsigned char)(value >>
							 8 * (big_endian ? width - 1 - i : i));
}

static size_t page(const struct machine *m, unsigned number)
{
	return PAGES + ((size_t)number << m->f->shift[0] & (8 * SLOT - 1));
}

static pw_va address(const struct machine *m, unsigned number)
{
	return m->base + ((pw_va)number << m->f->shift[0]);
}

static void map(const struct machine *m, unsigned number, uint32_t attr)
{
	const struct pw_format *f = m->f;
	const size_t table = (size_t)f->levels * SLOT;

	store(table + ((size_t)(m->first + number) << f->entry_lg2),
	      f->make_leaf(f, &m->r, 0, page(m, number), attr | PW_READ | PW_ACCESSED),
	      1u << f->entry_lg2, f->big_endian);
}

/* A kernel's tables, with a CPU whose root they are. */
static void build(struct machine *m, const char *name)
{
	const struct pw_format *f = pw_format_find(name);
	const unsigned top = f->levels - 1u;
	const struct pw_regime blank = { .format = f,
					 .address_mask = UINT64_C(0x000ffffffffff000) };
	const uint64_t word = f->make_root(f, &blank, SLOT, top);
	const bool apart = strncmp(name, "arm64", 5) == 0 || strncmp(name, "ppc64", 5) == 0;

	*m = (struct machine){ .f = f, .vectors = f->words->vectors };
	assert_non_null(m->vectors);
	memset(memory, 0, sizeof(memory));
	m->cpu = (struct pw_cpu){ .format = f->name,
				  .roots = apart ? 2 : 1,
				  .root = { apart ? PW_ROOT_ABSENT : word, word },
				  .origin = "test, kernel space" };
	assert_int_equal(pw_regime_init(&m->r, f, m->cpu.root, m->cpu.roots, NULL, NULL), 0);
	m->base = m->r.span[0].first + (UINT64_C(1) << f->shift[top]);
	if (m->vectors->kind == PW_VECTORS_FIXED)
		m->base = m->vectors->at >> f->shift[0] << f->shift[0];
	m->first = (unsigned)(m->base >> f->shift[0]) & ((1u << f->bits[0]) - 1);
	for (unsigned level = top + 1; level-- > 0;)
		for (size_t i = 0; i < (size_t)1 << f->bits[level]; i++)
			store((size_t)(f->levels - level) * SLOT + (i << f->entry_lg2),
			      f->make_empty(f, &m->r, level), 1u << f->entry_lg2, f->big_endian);
	for (unsigned level = top; level > 0; level--)
		store((size_t)(f->levels - level) * SLOT +
			      (size_t)((m->base >> f->shift[level] & ((1u << f->bits[level]) - 1))
				       << f->entry_lg2),
		      f->make_table(f, &m->r, level, (pw_pa)(f->levels - level + 1) * SLOT),
		      1u << f->entry_lg2, f->big_endian);
	map(m, CODE, PW_EXEC);
	map(m, TABLE, 0);
	map(m, USERS, PW_EXEC | PW_USER);
}

/* Exceptions lead to page @number. */
static void lead(struct machine *m, unsigned number)
{
	const bool wide = m->vectors->kind == PW_VECTORS_GATES_64;
	const size_t gate = page(m, TABLE) + (size_t)PAGE_FAULT * (wide ? 16u : 8u);
	const uint64_t handler = address(m, number) + 0x120;

	switch (m->vectors->kind) {
	case PW_VECTORS_GATES_64:
	case PW_VECTORS_GATES_32:
		m->cpu.vectors = address(m, TABLE);
		m->cpu.vectors_bytes = 0x800;
		store(gate, handler & 0xffff, 2, false);
		store(gate + 5, 0x8e, 1, false);
		store(gate + 6, handler >> 16 & 0xffff, 2, false);
		if (wide)
			store(gate + 8, handler >> 32, 4, false);
		break;
	case PW_VECTORS_PSWS:
		store(m->cpu.registers.prefix + PSW_PROGRAM, UINT64_C(0x0404c00180000000), 8, true);
		store(m->cpu.registers.prefix + PSW_PROGRAM + 8, handler, 8, true);
		break;
	case PW_VECTORS_FIXED:
		store(page(m, 0) + (m->vectors->at & ((1u << m->f->shift[0]) - 1)) + STORAGE,
		      0x7c0802a6, 4, true);
		break;
	default:
		m->cpu.vectors = handler;
		m->cpu.vectors_bytes = 4;
	}
}

/* What the search says of the CPU's root. */
static struct pw_root ask(const struct machine *m)
{
	const struct pw_segment segment = { 0, MEMORY - 1, memory };
	const struct pw_roots_options options = { .formats = &m->f,
						  .format_count = 1,
						  .threads = 1 };
	struct pw_memory *source;
	struct pw_root *roots, root = { .cpu = -1 };
	size_t count;

	assert_int_equal(pw_memory_wrap(&segment, 1, &source, NULL), 0);
	*pw_memory_add_cpu(source) = m->cpu;
	source->is_live = true; /* an image with roots and no machine has tables alone */
	assert_int_equal(pw_roots_find(source, &options, &roots, &count, NULL, NULL), 0);
	for (size_t i = 0; i < count; i++)
		if (roots[i].table == SLOT)
			root = roots[i];
	free(roots);
	pw_memory_close(source);
	if (root.cpu != 0 || root.owner != PW_ROOT_KERNEL)
		fail_msg("%s: the kernel's root was not found", m->f->name);
	return root;
}

static void expect(const struct machine *m, bool mapped, const char *what)
{
	const struct pw_root root = ask(m);

	if (!root.vectors)
		fail_msg("%s, %s: nothing was asked", m->f->name, what);
	if (root.vectors_mapped != mapped)
		fail_msg("%s, %s: mapped is %d at 0x%llx", m->f->name, what, root.vectors_mapped,
			 (unsigned long long)root.vectors_at);
	assert_string_equal(root.vectors, m->vectors->name);
}

static const char *const names[] = {
	"x86_64",          "x86_64_la57",  "i386",       "i386_pae",   "arm",   "arm_lpae",
	"arm64_4k_48",     "arm64_16k_47", "riscv_sv39", "riscv_sv32", "s390x", "ppc64_radix_4k",
	"ppc64_radix_64k",
};
enum { NAMES = sizeof(names) / sizeof(names[0]) };

static void test_mapped(void **state)
{
	(void)state;
	for (size_t i = 0; i < NAMES; i++) {
		struct machine m;

		build(&m, names[i]);
		lead(&m, CODE);
		expect(&m, true, "mapped");
	}
}

static void test_unmapped(void **state)
{
	(void)state;
	for (size_t i = 0; i < NAMES; i++) {
		struct machine m;

		build(&m, names[i]);
		/* At the address that the architecture fixes there are zeros, or no instructions. */
		if (m.vectors->kind == PW_VECTORS_FIXED) {
			expect(&m, false, "zeros");
			lead(&m, CODE);
			map(&m, CODE, 0);
			expect(&m, false, "not executable");
			map(&m, CODE, PW_EXEC | PW_USER);
			expect(&m, false, "users'");
			continue;
		}
		lead(&m, NOWHERE);
		expect(&m, false, "not mapped");
		if (!m.vectors->user) {
			lead(&m, USERS);
			expect(&m, false, "users'");
		}
		/* i386 without PAE has no such bit. */
		if (strcmp(names[i], "i386") != 0) {
			lead(&m, TABLE);
			expect(&m, false, "not executable");
		}
		if (m.vectors->kind == PW_VECTORS_GATES_64 ||
		    m.vectors->kind == PW_VECTORS_GATES_32) {
			lead(&m, CODE);
			m.cpu.vectors = address(&m, NOWHERE);
			expect(&m, false, "no gates");
		}
	}
}

static void test_unknown(void **state)
{
	(void)state;
	for (size_t i = 0; i < NAMES; i++) {
		struct machine m;

		build(&m, names[i]);
		lead(&m, CODE);
		m.cpu.vectors_bytes = 0;
		if (m.vectors->kind == PW_VECTORS_PSWS)
			memset(memory, 0, SLOT);
		if (m.vectors->kind == PW_VECTORS_FIXED)
			continue;
		assert_null(ask(&m).vectors);
		/* An IDT that ends before its gate of page faults; one whose gate is not present. */
		if (m.vectors->kind != PW_VECTORS_GATES_64)
			continue;
		m.cpu.vectors_bytes = PAGE_FAULT * 16;
		assert_null(ask(&m).vectors);
		m.cpu.vectors_bytes = 0x1000;
		memory[page(&m, TABLE) + PAGE_FAULT * 16 + 5] = 0;
		assert_null(ask(&m).vectors);
	}
}

/* s390x: each CPU has its PSWs at its prefix. Those without translation say nothing. */
static void test_prefix(void **state)
{
	struct machine m;

	(void)state;
	build(&m, "s390x");
	m.cpu.registers = (struct pw_registers){ .known = PW_REGISTER_PREFIX, .prefix = PREFIX };
	lead(&m, CODE);
	expect(&m, true, "prefix");
	lead(&m, NOWHERE);
	expect(&m, false, "prefix");
	store(PREFIX + PSW_PROGRAM, UINT64_C(0x0000c00180000000), 8, true);
	assert_null(ask(&m).vectors);
	/* The copy at absolute 0 counts if the prefix tells nothing. */
	m.cpu.registers.known = 0;
	m.cpu.registers.prefix = 0;
	lead(&m, CODE);
	expect(&m, true, "absolute 0");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mapped),
		cmocka_unit_test(test_unmapped),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_prefix),
	};

	mutant_choose(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
