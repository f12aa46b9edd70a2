/* SPDX-License-Identifier: MIT */
/* Cpus: loads, stores, atomic operations and copies, what they leave in the tables, and flushes of their TLBs. */
#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include "mm/cpu/cpu_inside.h"
#include "mm_test.h"
#include "mutants/choose.h"

static void sort_of_random(unsigned char *to, size_t bytes)
{
	uint32_t state = 1;

	for (size_t i = 0; i < bytes; i++) {
		state = state * 1664525 + 1013904223;
		to[i] = (unsigned char)(state >> 24);
	}
}

/* ---- loads and stores ---- */

static bool load(struct pw_vcpu *cpu, pw_va va, unsigned bytes, void *value)
{
	switch (bytes) {
	case 1:
		return pw_load_u8(cpu, va, value);
	case 2:
		return pw_load_u16(cpu, va, value);
	case 4:
		return pw_load_u32(cpu, va, value);
	default:
		return pw_load_u64(cpu, va, value);
	}
}

static bool store(struct pw_vcpu *cpu, pw_va va, unsigned bytes, const unsigned char *from)
{
	union {
		uint16_t half;
		uint32_t word;
		uint64_t whole;
	} value;

	memcpy(&value, from, bytes);
	switch (bytes) {
	case 1:
		return pw_store_u8(cpu, va, *from);
	case 2:
		return pw_store_u16(cpu, va, value.half);
	case 4:
		return pw_store_u32(cpu, va, value.word);
	default:
		return pw_store_u64(cpu, va, value.whole);
	}
}

/* Every width at every place around the border of two pages, beside an array. */
static void widths(struct mm_world *world)
{
	const pw_va va = map_anon(world, 2, PROT_READ | PROT_WRITE) + world->page - 16;
	unsigned char here[32], from[8], there[32], value[8];

	sort_of_random(here, sizeof(here));
	assert_int_equal(pw_copy_to(world->cpu, va, here, sizeof(here)), sizeof(here));
	for (unsigned bytes = 1; bytes <= 8; bytes *= 2)
		for (unsigned at = 0; at + bytes <= sizeof(here); at++) {
			sort_of_random(from, 8);
			from[0] = (unsigned char)(at * 8 + bytes);
			assert_true(store(world->cpu, va + at, bytes, from));
			memcpy(here + at, from, bytes);
			assert_true(load(world->cpu, va + at, bytes, value));
			assert_memory_equal(value, from, bytes);
			assert_int_equal(pw_copy_from(world->cpu, there, va, sizeof(there)),
					 sizeof(there));
			assert_memory_equal(there, here, sizeof(here));
		}
}

static void test_widths(void **state)
{
	for_each_mm(widths);
}

/* Without membarrier(2): every access takes the slow path, which has a fence. */
static void fenced_widths(struct mm_world *world)
{
	world->cpu->fenced = true;
	widths(world);
	for (unsigned i = 0; i < PW_TLB_ENTRIES; i++)
		assert_true(world->cpu->tlb.entry[i].tag[PW_ACCESS_READ] & PW_TLB_SLOW);
}

static void test_fenced(void **state)
{
	for_each_mm(fenced_widths);
}

/* A store that crosses into a page that is not there stores nothing. */
static void half(struct mm_world *world)
{
	const pw_va va = map_anon(world, 2, PROT_READ | PROT_WRITE), next = va + world->page;
	const struct pw_fault *fault = pw_cpu_fault(world->cpu);
	uint64_t value;
	uint32_t left;

	assert_true(pw_store_u64(world->cpu, next - 8, 0x1111111111111111));
	assert_true(pw_store_u64(world->cpu, next, 1));
	assert_int_equal(pw_munmap(world->mm, next, world->page), 0);
	assert_false(pw_store_u64(world->cpu, next - 4, 0x2222222222222222));
	assert_int_equal(fault->kind, PW_FAULT_MAPERR);
	assert_int_equal(fault->va, next);
	assert_int_equal(fault->signal, SIGSEGV);
	assert_int_equal(fault->code, SEGV_MAPERR);
	assert_true(pw_load_u32(world->cpu, next - 4, &left));
	assert_int_equal(left, 0x11111111);
	assert_false(pw_load_u64(world->cpu, next - 4, &value));
	assert_false(pw_load_u64(world->cpu, next, &value));
}

static void test_half(void **state)
{
	for_each_mm(half);
}

/* ---- what the tables say afterwards ---- */

static void slot_of(struct mm_world *world, pw_va va, struct pw_slot *slot)
{
	pw_reader_enter(world->cpu->reader);
	pw_slot_find(world->mm->space, va, slot);
	pw_reader_leave(world->cpu->reader);
}

static uint32_t attr_of(struct mm_world *world, pw_va va)
{
	struct pw_slot slot;

	slot_of(world, va, &slot);
	assert_int_equal(slot.kind, PW_SLOT_PAGE);
	return slot.attr;
}

/* Takes bits away from the leaf, as a cleaner does. Returns those that the format took away. */
static uint32_t take_bits(struct mm_world *world, pw_va va, uint32_t bits)
{
	struct pw_slot slot;
	uint32_t had;

	slot_of(world, va, &slot);
	had = slot.attr & bits;
	assert_true(pw_slot_swap(world->mm->space, va, &slot,
				 pw_slot_change(world->mm->space, &slot, slot.attr & ~bits)));
	pw_tlb_flush(world->mm, va, va + world->page - 1);
	return had & ~slot.attr;
}

static void accessed_and_dirty(struct mm_world *world)
{
	const pw_va va = map_anon(world, 1, PROT_READ | PROT_WRITE);
	uint32_t taken;
	uint64_t value;

	assert_true(pw_store_u64(world->cpu, va, 1));
	taken = take_bits(world, va, PW_ACCESSED | PW_DIRTY);
	assert_true(pw_load_u64(world->cpu, va, &value));
	assert_int_equal(attr_of(world, va) & taken, taken & PW_ACCESSED);
	/* The TLB has the page now, and the first write has to go to the tables all the same. */
	assert_true(pw_store_u64(world->cpu, va, 2));
	assert_int_equal(attr_of(world, va) & taken, taken);
	assert_true(pw_load_u64(world->cpu, va, &value));
	assert_int_equal(value, 2);
	/* Again, with a write as the first access. */
	taken = take_bits(world, va, PW_ACCESSED | PW_DIRTY);
	assert_true(pw_store_u8(world->cpu, va + 3, 2));
	assert_int_equal(attr_of(world, va) & taken, taken);
}

static void test_accessed_and_dirty(void **state)
{
	for_each_mm(accessed_and_dirty);
}

/* ---- after a change nobody sees old data ---- */

static void permissions(struct mm_world *world)
{
	const pw_va va = map_anon(world, 1, PROT_READ | PROT_WRITE);
	const struct pw_fault *fault = pw_cpu_fault(world->cpu);
	uint64_t value = 0;
	uint32_t word;

	assert_true(pw_store_u64(world->cpu, va, 5));
	assert_int_equal(pw_mprotect(world->mm, va, world->page, PROT_READ), 0);
	assert_false(pw_store_u64(world->cpu, va, 6));
	assert_int_equal(fault->kind, PW_FAULT_ACCERR);
	assert_int_equal(fault->signal, SIGSEGV);
	assert_int_equal(fault->code, SEGV_ACCERR);
	assert_true(pw_load_u64(world->cpu, va, &value));
	assert_int_equal(value, 5);
	if (~attr_of(world, va) & world->cpu->needed[PW_ACCESS_EXEC])
		assert_false(pw_fetch_u32(world->cpu, va, &word));
	assert_int_equal(pw_mprotect(world->mm, va, world->page, PROT_READ | PROT_EXEC), 0);
	assert_true(pw_fetch_u32(world->cpu, va, &word));
	assert_int_equal(pw_mprotect(world->mm, va, world->page, PROT_NONE), 0);
	assert_false(pw_load_u64(world->cpu, va, &value));
	assert_false(pw_fetch_u32(world->cpu, va, &word));
	assert_int_equal(fault->kind, PW_FAULT_ACCERR);
	assert_int_equal(pw_mprotect(world->mm, va, world->page, PROT_READ | PROT_WRITE), 0);
	assert_true(pw_store_u64(world->cpu, va, 7));
	assert_int_equal(pw_munmap(world->mm, va, world->page), 0);
	assert_false(pw_load_u64(world->cpu, va, &value));
	assert_int_equal(fault->kind, PW_FAULT_MAPERR);
	assert_int_equal(fault->va, va);
}

static void test_permissions(void **state)
{
	for_each_mm(permissions);
}

static void after_fork(struct mm_world *world)
{
	const pw_va va = map_anon(world, 1, PROT_READ | PROT_WRITE);
	struct pw_mm *child;
	struct pw_vcpu *cpu;
	uint64_t value;

	assert_true(pw_store_u64(world->cpu, va, 1));
	assert_int_equal(pw_mm_fork(world->mm, &child, NULL), 0);
	assert_int_equal(pw_cpu_create(child, &cpu), 0);
	assert_true(pw_store_u64(world->cpu, va, 2));
	assert_true(pw_load_u64(cpu, va, &value));
	assert_int_equal(value, 1);
	assert_true(pw_store_u64(cpu, va, 3));
	assert_true(pw_load_u64(world->cpu, va, &value));
	assert_int_equal(value, 2);
	pw_cpu_destroy(cpu);
	pw_mm_destroy(child);
}

static void test_fork(void **state)
{
	for_each_mm(after_fork);
}

static void after_migration(struct mm_world *world)
{
	const pw_va va = map_anon(world, 1, PROT_READ | PROT_WRITE);
	struct pw_slot before, after;
	uint64_t value;

	assert_true(pw_store_u64(world->cpu, va, 1));
	slot_of(world, va, &before);
	assert_int_equal(pw_migrate(world->machine, before.pa), 0);
	assert_true(pw_store_u64(world->cpu, va, 2));
	slot_of(world, va, &after);
	assert_int_equal(after.kind, PW_SLOT_PAGE);
	assert_int_not_equal(after.pa, before.pa);
	assert_true(pw_load_u64(world->cpu, va, &value));
	assert_int_equal(value, 2);
	memcpy(&value, byte_at(world, after.pa), sizeof(value));
	assert_int_equal(value, 2);
}

static void test_migration(void **state)
{
	for_each_mm(after_migration);
}

/* Flushes of all sizes take away what lies in them, and nothing else. */
static void flushes(struct mm_world *world)
{
	const uint64_t pages = 8;
	const pw_va va = map_anon(world, pages, PROT_READ | PROT_WRITE);
	const pw_va first[] = { 0, va, va + world->page, va + 7 * world->page,
				va + 8 * world->page };
	const pw_va last[] = { ~UINT64_C(0), va + world->page - 1, va + 3 * world->page - 1,
			       ~UINT64_C(0), ~UINT64_C(0) };

	for (size_t i = 0; i < sizeof(first) / sizeof(first[0]); i++) {
		for (uint64_t n = 0; n < pages; n++)
			assert_true(pw_store_u8(world->cpu, va + n * world->page, 1));
		pw_tlb_flush(world->mm, first[i], last[i]);
		for (uint64_t n = 0; n < pages; n++) {
			pw_va at = va + n * world->page;
			void *host = pw_cpu_try(world->cpu, at, 1, PW_ACCESS_WRITE);

			if (host)
				pw_cpu_end(world->cpu);
			assert_int_equal(host == NULL, at >= first[i] && at <= last[i]);
		}
	}
}

static void test_flushes(void **state)
{
	for_each_mm(flushes);
}

static void assert_hits(struct mm_world *world, pw_va va, enum pw_access_kind access, bool hits)
{
	void *host = pw_cpu_try(world->cpu, va, 1, access);

	if (host)
		pw_cpu_end(world->cpu);
	assert_int_equal(host != NULL, hits);
}

/* A fault by a cpu's own access fills its TLB: for that access, at the address of the access. */
static void came(struct mm_world *world)
{
	const pw_va va = map_anon(world, 2, PROT_READ | PROT_WRITE), inside = va + world->page - 1;
	struct pw_mm *child;
	uint8_t value;

	assert_int_equal(pw_fault_at(world->mm, world->cpu, inside, 0, NULL), PW_FAULT_DONE);
	assert_hits(world, inside, PW_ACCESS_READ, true);
	assert_hits(world, inside, PW_ACCESS_WRITE, false);
	assert_int_equal(pw_fault_at(world->mm, world->cpu, va + world->page, PW_FAULT_WRITE, NULL),
			 PW_FAULT_DONE);
	assert_hits(world, va + world->page, PW_ACCESS_WRITE, true);
	assert_true(pw_store_u8(world->cpu, va + world->page, 7));
	/* A copy takes the place of what the TLB had. */
	assert_int_equal(pw_mm_fork(world->mm, &child, NULL), 0);
	assert_hits(world, va + world->page, PW_ACCESS_WRITE, false);
	assert_int_equal(pw_fault_at(world->mm, world->cpu, va + world->page, PW_FAULT_WRITE, NULL),
			 PW_FAULT_DONE);
	assert_hits(world, va + world->page, PW_ACCESS_WRITE, true);
	assert_true(pw_load_u8(world->cpu, va + world->page, &value));
	assert_int_equal(value, 7);
	pw_mm_destroy(child);
	/* Nobody's access: no TLB gets anything. */
	assert_int_equal(pw_madvise(world->mm, va, 2 * world->page, MADV_DONTNEED), 0);
	assert_int_equal(pw_mm_fault(world->mm, va, PW_ACCESS_WRITE, NULL), PW_FAULT_DONE);
	assert_hits(world, va, PW_ACCESS_WRITE, false);
}

static void test_came(void **state)
{
	for_each_mm(came);
}

/* That nothing is there may be no longer true when the fault comes. Then what is there stays. */
static void absent(struct mm_world *world)
{
	const unsigned flags = PW_FAULT_WRITE | PW_FAULT_ABSENT;
	const pw_va va = map_anon(world, 2, PROT_READ | PROT_WRITE);
	uint8_t value;

	assert_true(pw_store_u8(world->cpu, va, 7));
	assert_int_equal(pw_fault_at(world->mm, world->cpu, va, flags, NULL), PW_FAULT_DONE);
	assert_true(pw_load_u8(world->cpu, va, &value));
	assert_int_equal(value, 7);
	assert_int_equal(pw_mm_anonymous(world->mm), 1);
	/* The page of zeros, too: the next try finds it, and copies. */
	assert_true(pw_load_u8(world->cpu, va + world->page, &value));
	assert_int_equal(pw_fault_at(world->mm, world->cpu, va + world->page, flags, NULL),
			 PW_FAULT_DONE);
	assert_int_equal(pw_mm_anonymous(world->mm), 1);
	assert_true(pw_store_u8(world->cpu, va + world->page, 8));
	assert_int_equal(pw_mm_anonymous(world->mm), 2);
}

static void test_absent(void **state)
{
	for_each_mm(absent);
}

/* ---- atomic operations, copies ---- */

static void atomics(struct mm_world *world)
{
	const pw_va va = map_anon(world, 1, PROT_READ | PROT_WRITE);
	const struct pw_fault *fault = pw_cpu_fault(world->cpu);

	for (unsigned bytes = 1; bytes <= 8; bytes *= 2) {
		const uint64_t mask = bytes < 8 ? (UINT64_C(1) << 8 * bytes) - 1 : ~UINT64_C(0);
		const pw_va at = va + 8 * bytes;
		uint64_t old;
		uint8_t beside;

		assert_true(pw_store_u64(world->cpu, at, ~UINT64_C(0)));
		assert_true(pw_atomic(world->cpu, at, bytes, PW_ATOMIC_XCHG, 0x5a, &old));
		assert_int_equal(old, mask);
		assert_true(pw_atomic(world->cpu, at, bytes, PW_ATOMIC_ADD, mask, &old));
		assert_int_equal(old, 0x5a);
		assert_true(pw_atomic(world->cpu, at, bytes, PW_ATOMIC_OR, 0x80, &old));
		assert_int_equal(old, 0x59);
		assert_true(pw_atomic(world->cpu, at, bytes, PW_ATOMIC_AND, 0xf1, &old));
		assert_int_equal(old, 0xd9);
		assert_true(pw_atomic(world->cpu, at, bytes, PW_ATOMIC_XOR, 0x11, &old));
		assert_int_equal(old, 0xd1);
		assert_true(pw_compare_swap(world->cpu, at, bytes, 0xc1, 7, &old));
		assert_int_equal(old, 0xc0);
		assert_true(pw_compare_swap(world->cpu, at, bytes, 0xc0, 7, &old));
		assert_int_equal(old, 0xc0);
		/* The bytes beside it are as they were. */
		for (unsigned i = bytes; i < 8; i++) {
			assert_true(pw_load_u8(world->cpu, at + i, &beside));
			assert_int_equal(beside, 0xff);
		}
		if (bytes > 1) {
			assert_false(pw_atomic(world->cpu, at + 1, bytes, PW_ATOMIC_ADD, 1, &old));
			assert_int_equal(fault->signal, SIGBUS);
			assert_int_equal(fault->code, BUS_ADRALN);
		}
	}
}

static void test_atomics(void **state)
{
	for_each_mm(atomics);
}

static void copies(struct mm_world *world)
{
	const size_t bytes = (size_t)(4 * world->page);
	const pw_va va = map_anon(world, 4, PROT_READ | PROT_WRITE);
	unsigned char *here = malloc(bytes), *there = calloc(1, bytes);
	char text[16];

	sort_of_random(here, bytes);
	assert_int_equal(pw_copy_to(world->cpu, va + 3, here, bytes - 5), bytes - 5);
	assert_int_equal(pw_copy_from(world->cpu, there, va + 3, bytes - 5), bytes - 5);
	assert_memory_equal(here, there, bytes - 5);
	assert_int_equal(pw_copy_fill(world->cpu, va + 1, 'x', bytes - 1), bytes - 1);
	assert_int_equal(pw_copy_string(world->cpu, (char *)there, va + 1, 100), 100);
	assert_true(pw_store_u8(world->cpu, va + world->page + 3, 0));
	assert_int_equal(pw_copy_string(world->cpu, text, va + world->page - 5, sizeof(text)), 8);
	assert_string_equal(text, "xxxxxxxx");
	assert_int_equal(pw_munmap(world->mm, va + 2 * world->page, world->page), 0);
	assert_int_equal(pw_copy_from(world->cpu, there, va + 7, bytes - 7), 2 * world->page - 7);
	assert_int_equal(pw_cpu_fault(world->cpu)->va, va + 2 * world->page);
	assert_int_equal(pw_copy_to(world->cpu, va + 7, here, bytes - 7), 2 * world->page - 7);
	assert_int_equal(pw_copy_fill(world->cpu, va + 7, 'y', bytes - 7), 2 * world->page - 7);
	assert_int_equal(pw_copy_string(world->cpu, (char *)there, va + world->page + 7, bytes),
			 -EFAULT);
	free(here);
	free(there);
}

static void test_copies(void **state)
{
	for_each_mm(copies);
}

/* ---- two threads ---- */

struct other {
	struct mm_world *world;
	pw_va va;
	bool started, flushed, stop; /* atomic */
	uint64_t stored;
};

static void *flush(void *argument)
{
	struct other *other = argument;

	__atomic_store_n(&other->started, true, __ATOMIC_SEQ_CST);
	pw_tlb_flush(other->world->mm, other->va, other->va + other->world->page - 1);
	__atomic_store_n(&other->flushed, true, __ATOMIC_SEQ_CST);
	return NULL;
}

/* A flush by another thread does not return while an access is under way. */
static void waits(struct mm_world *world)
{
	struct other other = { .world = world, .va = map_anon(world, 2, PROT_READ | PROT_WRITE) };
	pthread_t thread;
	uint64_t *at;

	assert_true(pw_store_u64(world->cpu, other.va, 1));
	assert_true(pw_store_u64(world->cpu, other.va + world->page, 1));
	at = pw_cpu_begin(world->cpu, other.va, 8, PW_ACCESS_WRITE);
	assert_non_null(at);
	assert_int_equal(pthread_create(&thread, NULL, flush, &other), 0);
	/* If it did not wait, it would be done soon. */
	for (unsigned i = 0; i < 300 || !__atomic_load_n(&other.started, __ATOMIC_SEQ_CST); i++)
		sched_yield();
	assert_false(__atomic_load_n(&other.flushed, __ATOMIC_SEQ_CST));
	*at = 2;
	pw_cpu_end(world->cpu);
	pthread_join(thread, NULL);
	assert_null(pw_cpu_try(world->cpu, other.va, 8, PW_ACCESS_READ));

	/* An access in another page is not waited for; else this would never end. */
	at = pw_cpu_begin(world->cpu, other.va + world->page, 8, PW_ACCESS_WRITE);
	assert_non_null(at);
	assert_int_equal(pthread_create(&thread, NULL, flush, &other), 0);
	pthread_join(thread, NULL);
	pw_cpu_end(world->cpu);
}

static void test_waits(void **state)
{
	for_each_mm(waits);
}

static void fenced_waits(struct mm_world *world)
{
	world->cpu->fenced = true;
	waits(world);
}

static void test_fenced_waits(void **state)
{
	for_each_mm(fenced_waits);
}

static void *store_always(void *argument)
{
	struct other *other = argument;
	struct pw_vcpu *cpu;

	assert_int_equal(pw_cpu_create(other->world->mm, &cpu), 0);
	while (!__atomic_load_n(&other->stop, __ATOMIC_RELAXED))
		if (pw_store_u64(cpu, other->va, other->stored + 1))
			__atomic_store_n(&other->stored, other->stored + 1, __ATOMIC_RELAXED);
		else
			sched_yield();
	pw_cpu_destroy(cpu);
	return NULL;
}

/* While a page is read-only, nobody changes it: also not a thread that has it in its TLB. */
static void quiet(struct mm_world *world)
{
	struct other other = { .world = world, .va = map_anon(world, 1, PROT_READ | PROT_WRITE) };
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, store_always, &other), 0);
	for (unsigned round = 0; round < 20; round++) {
		uint64_t stored = __atomic_load_n(&other.stored, __ATOMIC_RELAXED), first, then;

		while (__atomic_load_n(&other.stored, __ATOMIC_RELAXED) == stored)
			sched_yield();
		assert_int_equal(pw_mprotect(world->mm, other.va, world->page, PROT_READ), 0);
		assert_true(pw_load_u64(world->cpu, other.va, &first));
		sched_yield();
		assert_true(pw_load_u64(world->cpu, other.va, &then));
		assert_int_equal(first, then);
		assert_int_equal(
			pw_mprotect(world->mm, other.va, world->page, PROT_READ | PROT_WRITE), 0);
	}
	__atomic_store_n(&other.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
}

static void test_quiet(void **state)
{
	for_each_mm(quiet);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_widths),      cmocka_unit_test(test_fenced),
		cmocka_unit_test(test_half),        cmocka_unit_test(test_accessed_and_dirty),
		cmocka_unit_test(test_permissions), cmocka_unit_test(test_fork),
		cmocka_unit_test(test_migration),   cmocka_unit_test(test_flushes),
		cmocka_unit_test(test_atomics),     cmocka_unit_test(test_copies),
		cmocka_unit_test(test_waits),       cmocka_unit_test(test_fenced_waits),
		cmocka_unit_test(test_quiet),       cmocka_unit_test(test_came),
		cmocka_unit_test(test_absent),
	};

	mutant_choose(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
