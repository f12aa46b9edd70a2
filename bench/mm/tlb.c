/* SPDX-License-Identifier: MIT */
/*
 * Loads and stores of a cpu that hit its TLB, beside a plain array, and beside a TLB as an emulator has it that
 * never needs to tell when an access is over (QEMU's softmmu): the same comparison, without the two stores that
 * pw_tlb_flush waits for. Then what a miss costs, and a flush.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pagewalk/cpu.h>

#include "../cases.h"
#include "mm/mm.h"

enum {
	PAGES = 128,
	COUNT = 4096, /* accesses in one run */
	SOFT_ENTRIES = 512,
};
static const pw_va START = UINT64_C(0x40000000);

struct soft_entry {
	uint64_t tag[3], addend;
};

/* As in an emulator's cpu state: where the table is, and a mask that follows its size. */
struct soft {
	uint64_t mask;
	struct soft_entry *table;
};

struct rig {
	struct pw_machine *machine;
	struct pw_mm *mm;
	struct pw_vcpu *cpu;
	pw_pa pa; /* the memory */
	uint64_t *host;
	uint32_t at[COUNT]; /* words that are accessed */
	struct soft soft;
	uint64_t sum; /* of all words at[] */
	uint64_t chained_sum;
};

static const struct rig *rig_of(const struct bench_work *work)
{
	return work->own;
}

static void must(bool done, const char *what)
{
	if (done)
		return;
	fprintf(stderr, "bench: tlb: %s\n", what);
	exit(1);
}

/* ---- the memory ---- */

static void map_memory(struct rig *rig)
{
	const struct pw_machine_options options = { .format = pw_format_find("x86_64"),
						    .bytes = UINT64_C(16) << 20,
						    .base = 0x10000000 };
	const uint32_t attr = PW_READ | PW_WRITE | PW_USER | PW_ACCESSED | PW_DIRTY;
	struct pw_error error = { 0 };

	must(pw_machine_create(&options, &rig->machine, &error) == 0, error.text);
	must(pw_mm_create(rig->machine, &rig->mm, &error) == 0, error.text);
	must(pw_cpu_create(rig->mm, &rig->cpu) == 0, "no cpu");
	must(pw_folio_alloc(pw_machine_arena(rig->machine), 7, PW_FOLIO_ANONYMOUS, 0, 0,
			    &rig->pa) == 0,
	     "no folio");
	rig->host = pw_arena_host(pw_machine_arena(rig->machine), rig->pa, PAGES << 12);
	must(pw_space_map(pw_mm_space(rig->mm), START, START + (PAGES << 12) - 1, rig->pa, attr,
			  &error) == 0,
	     error.text);
}

static void fill_soft(struct rig *rig)
{
	rig->soft.mask = (SOFT_ENTRIES - 1) * sizeof(struct soft_entry);
	rig->soft.table = aligned_alloc(64, SOFT_ENTRIES * sizeof(struct soft_entry));
	must(rig->soft.table, "no memory");
	memset(rig->soft.table, -1, SOFT_ENTRIES * sizeof(struct soft_entry));
	for (unsigned i = 0; i < PAGES; i++) {
		pw_va va = START + ((pw_va)i << 12);
		struct soft_entry *entry = &rig->soft.table[va >> 12 & (SOFT_ENTRIES - 1)];

		entry->tag[0] = entry->tag[1] = va;
		entry->addend = (uint64_t)(uintptr_t)rig->host - START;
	}
}

static void rig_open(struct rig *rig)
{
	uint64_t random = 1, where = 0;

	map_memory(rig);
	fill_soft(rig);
	for (size_t i = 0; i < (PAGES << 12) / 8; i++)
		rig->host[i] = bench_random(&random) >> 40;
	for (size_t i = 0; i < COUNT; i++) {
		rig->at[i] = (uint32_t)(bench_random(&random) % ((PAGES << 12) / 8));
		rig->sum += rig->host[rig->at[i]];
	}
	for (size_t i = 0; i < COUNT; i++)
		rig->chained_sum += where = rig->host[rig->at[i] ^ (where & 1)];
}

static void rig_close(struct rig *rig)
{
	pw_space_unmap(pw_mm_space(rig->mm), START, START + (PAGES << 12) - 1, NULL, NULL, NULL);
	pw_folio_put(pw_machine_arena(rig->machine), rig->pa, 1);
	pw_cpu_destroy(rig->cpu);
	pw_mm_destroy(rig->mm);
	pw_machine_destroy(rig->machine);
	free(rig->soft.table);
}

/* ---- the softmmu ---- */

static inline void *soft_try(const struct soft *soft, pw_va va, unsigned bytes, unsigned access)
{
	const struct soft_entry *entry = (const struct soft_entry *)((const char *)soft->table +
								     (va >> (12 - 5) & soft->mask));

	if (__builtin_expect(__atomic_load_n(&entry->tag[access], __ATOMIC_RELAXED) ==
				     (va & (~UINT64_C(0xfff) | (bytes - 1))),
			     1))
		return (void *)(uintptr_t)(va + entry->addend);
	return NULL;
}

/* ---- contenders ---- */

static uint64_t ours_load(const struct bench_work *work)
{
	const struct rig *rig = rig_of(work);
	struct pw_vcpu *cpu = rig->cpu;
	uint64_t sum = 0, value;

	for (size_t i = 0; i < COUNT; i++) {
		must(pw_load_u64(cpu, START + (pw_va)rig->at[i] * 8, &value), "a fault");
		sum += value;
	}
	return sum;
}

static uint64_t plain_load(const struct bench_work *work)
{
	const struct rig *rig = rig_of(work);
	uint64_t sum = 0;

	for (size_t i = 0; i < COUNT; i++)
		sum += __atomic_load_n(&rig->host[rig->at[i]], __ATOMIC_RELAXED);
	return sum;
}

static uint64_t soft_load(const struct bench_work *work)
{
	const struct rig *rig = rig_of(work);
	uint64_t sum = 0;

	for (size_t i = 0; i < COUNT; i++) {
		const uint64_t *at = soft_try(&rig->soft, START + (pw_va)rig->at[i] * 8, 8, 0);

		must(at, "a fault");
		sum += __atomic_load_n(at, __ATOMIC_RELAXED);
	}
	return sum;
}

static uint64_t ours_chained(const struct bench_work *work)
{
	const struct rig *rig = rig_of(work);
	struct pw_vcpu *cpu = rig->cpu;
	uint64_t sum = 0, value = 0;

	for (size_t i = 0; i < COUNT; i++) {
		must(pw_load_u64(cpu, START + (rig->at[i] ^ (value & 1)) * 8, &value), "a fault");
		sum += value;
	}
	return sum;
}

static uint64_t plain_chained(const struct bench_work *work)
{
	const struct rig *rig = rig_of(work);
	uint64_t sum = 0, value = 0;

	for (size_t i = 0; i < COUNT; i++) {
		value = __atomic_load_n(&rig->host[rig->at[i] ^ (value & 1)], __ATOMIC_RELAXED);
		sum += value;
	}
	return sum;
}

static uint64_t soft_chained(const struct bench_work *work)
{
	const struct rig *rig = rig_of(work);
	uint64_t sum = 0, value = 0;

	for (size_t i = 0; i < COUNT; i++) {
		const uint64_t *at = soft_try(&rig->soft, START + (rig->at[i] ^ (value & 1)) * 8, 8,
					      0);

		must(at, "a fault");
		value = __atomic_load_n(at, __ATOMIC_RELAXED);
		sum += value;
	}
	return sum;
}

/* Stores what is there already, so that all sums stay right. The values are not loaded from there. */
static uint64_t ours_store(const struct bench_work *work)
{
	const struct rig *rig = rig_of(work);
	struct pw_vcpu *cpu = rig->cpu;

	for (size_t i = 0; i < COUNT; i++)
		must(pw_store_u32(cpu, START + (pw_va)rig->at[i] * 8 + 4, 0), "a fault");
	return 0;
}

static uint64_t plain_store(const struct bench_work *work)
{
	const struct rig *rig = rig_of(work);

	for (size_t i = 0; i < COUNT; i++)
		__atomic_store_n((uint32_t *)&rig->host[rig->at[i]] + 1, 0, __ATOMIC_RELAXED);
	return 0;
}

static uint64_t soft_store(const struct bench_work *work)
{
	const struct rig *rig = rig_of(work);

	for (size_t i = 0; i < COUNT; i++) {
		uint32_t *at = soft_try(&rig->soft, START + (pw_va)rig->at[i] * 8 + 4, 4, 1);

		must(at, "a fault");
		__atomic_store_n(at, 0, __ATOMIC_RELAXED);
	}
	return 0;
}

static uint64_t ours_miss(const struct bench_work *work)
{
	const struct rig *rig = rig_of(work);
	uint64_t value;

	pw_tlb_flush(rig->mm, START, START + (PAGES << 12) - 1);
	for (unsigned i = 0; i < PAGES; i++)
		must(pw_load_u64(rig->cpu, START + ((pw_va)i << 12), &value), "a fault");
	return 0;
}

/* What a miss has to find out, by a function of the library that is made for it. */
static uint64_t plain_miss(const struct bench_work *work)
{
	const struct rig *rig = rig_of(work);
	struct pw_result result;

	for (unsigned i = 0; i < PAGES; i++)
		must(pw_space_translate(pw_cpu_reader(rig->cpu), START + ((pw_va)i << 12),
					&result) == PW_OK,
		     "a hole");
	return 0;
}

/* ---- cases ---- */

typedef uint64_t run_fn(const struct bench_work *work);

static void hits(struct rig *rig, const char *name, run_fn *ours, run_fn *plain, run_fn *soft,
		 uint64_t sum)
{
	static const struct bench_columns columns = {
		.title = "hits of a cpu's TLB",
		.floor = "array",
		.rival = { "softmmu" },
	};
	struct bench_case c = {
		.name = name,
		.unit = "access",
		.columns = &columns,
		.goal_ns = 2,
		.units = COUNT,
		.work = { .own = rig },
	};

	bench_case_add(&c, "pagewalk", ours, sum);
	bench_case_add(&c, "array", plain, sum);
	bench_case_add(&c, "softmmu", soft, sum);
	bench_case_run(&c);
}

static void misses(struct rig *rig)
{
	static const struct bench_columns columns = {
		.title = "misses, and a flush for 128",
		.floor = "walk",
	};
	struct bench_case c = {
		.name = "cpu-miss",
		.unit = "access",
		.columns = &columns,
		.units = PAGES,
		.work = { .own = rig },
	};

	bench_case_add(&c, "pagewalk", ours_miss, 0);
	bench_case_add(&c, "walk", plain_miss, 0);
	bench_case_run(&c);
}

void bench_tlb(void)
{
	static struct rig rig;

	rig_open(&rig);
	hits(&rig, "cpu-load", ours_load, plain_load, soft_load, rig.sum);
	hits(&rig, "cpu-load-chained", ours_chained, plain_chained, soft_chained, rig.chained_sum);
	hits(&rig, "cpu-store", ours_store, plain_store, soft_store, 0);
	misses(&rig);
	rig_close(&rig);
}
