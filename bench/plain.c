/* SPDX-License-Identifier: MIT */
/*
 * The floor: a walk as one would write it by hand, for one architecture and trusted tables. It reads every
 * entry once, as a walker of shared tables must (so there are no vector loads), and does nothing else: no
 * bounds, no permissions, no reasons for holes. It shares no code with pagewalk.
 */
#include <endian.h>
#include <string.h>

#include "bench.h"

static inline uint64_t load(const unsigned char *zero, uint64_t at)
{
	return __atomic_load_n((const uint64_t *)(const void *)(zero + at), __ATOMIC_RELAXED);
}

/* ---- x86_64 ---- */

static const uint64_t X86_FRAME = 0x000ffffffffff000;

static inline uint64_t x86_one(const unsigned char *zero, uint64_t table, uint64_t va)
{
	uint64_t e;

	e = load(zero, table + (va >> 39 & 511) * 8);
	if (!(e & 1))
		return 0;
	e = load(zero, (e & X86_FRAME) + (va >> 30 & 511) * 8);
	if (!(e & 1))
		return 0;
	if (e & 0x80)
		return (e & X86_FRAME & ~UINT64_C(0x3fffffff)) | (va & 0x3fffffff);
	e = load(zero, (e & X86_FRAME) + (va >> 21 & 511) * 8);
	if (!(e & 1))
		return 0;
	if (e & 0x80)
		return (e & X86_FRAME & ~UINT64_C(0x1fffff)) | (va & 0x1fffff);
	e = load(zero, (e & X86_FRAME) + (va >> 12 & 511) * 8);
	if (!(e & 1))
		return 0;
	return (e & X86_FRAME) | (va & 0xfff);
}

static uint64_t x86_translate(const struct bench_work *work)
{
	const unsigned char *zero = bench_zero(work->image);
	uint64_t root = work->image->regime.span[0].table;
	const pw_va *va = bench_addresses(work->list, work->window);
	uint64_t sum = 0;

	for (size_t i = 0; i < work->list->count; i++)
		sum += x86_one(zero, root, va[i]);
	return sum;
}

static uint64_t x86_chained(const struct bench_work *work)
{
	const unsigned char *zero = bench_zero(work->image);
	uint64_t root = work->image->regime.span[0].table;
	const pw_va *va = bench_addresses(work->list, work->window);
	uint64_t sum = 0, pa = 0;

	for (size_t i = 0; i < work->list->count; i++) {
		pa = x86_one(zero, root, bench_after(va[i], pa));
		sum += pa;
	}
	return sum;
}

/* Of a leaf @e below entries that are 1 everywhere in @allowed, and somewhere in @forbidden. */
static inline uint32_t x86_attr(uint64_t allowed, uint64_t forbidden, uint64_t e)
{
	uint32_t attr = PW_READ;

	attr |= allowed & 2 ? PW_WRITE : 0;
	attr |= allowed & 4 ? PW_USER : 0;
	attr |= forbidden >> 63 ? 0 : PW_EXEC;
	attr |= e & 0x20 ? PW_ACCESSED : 0;
	attr |= e & 0x40 ? PW_DIRTY : 0;
	attr |= e & 0x100 ? PW_GLOBAL : 0;
	return attr;
}

static inline uint8_t x86_memtype(uint64_t e, unsigned level)
{
	const bool pat = e & (level ? 0x1000 : 0x80);
	const unsigned index = (unsigned)(e >> 3 & 3) | (pat ? 4 : 0);

	if (!(e & (level ? 0x1018 : 0x98)))
		return 0;
	return (uint8_t)((e & 0x10) && !pat ? PW_MEM_UNCACHED : PW_MEM_INDEX_0 + index);
}

/*
 * The same with the complete answer of pw_translate: bounds of the memory, permissions over all levels,
 * accessed and dirty, memory type. This is careful code by hand, for this format and this memory.
 */
static __attribute__((noinline)) bool x86_answer(const struct bench_image *image, uint64_t va,
						 struct pw_result *result)
{
	uint64_t table = image->regime.span[0].table, allowed = 6, forbidden = 0, e = 0, offset;
	unsigned level = 3;

	*result = (struct pw_result){ .va = va, .size_lg2 = 64 };
	if ((va + (UINT64_C(1) << 47)) >> 48) {
		result->status = PW_NOT_CANONICAL;
		return false;
	}
	for (;; level--) {
		uint64_t at = table + (va >> (12 + 9 * level) & 511) * 8 - image->base;

		result->level = (uint8_t)level;
		result->size_lg2 = (uint8_t)(12 + 9 * level);
		if (at > image->bytes - 8) {
			result->status = PW_OUTSIDE;
			return false;
		}
		e = load(image->host, at);
		result->entry = e;
		if (!(e & 1)) {
			result->status = PW_NONE;
			return false;
		}
		allowed &= e;
		forbidden |= e;
		if (level == 0 || (e & 0x80))
			break;
		table = e & X86_FRAME;
	}
	offset = (UINT64_C(1) << (12 + 9 * level)) - 1;
	if (level == 3 || (level > 0 && (e & offset & ~UINT64_C(0x1fff)))) {
		result->status = PW_MALFORMED;
		return false;
	}
	result->attr = x86_attr(allowed, forbidden, e);
	result->memtype = x86_memtype(e, level);
	result->pa = (e & X86_FRAME & ~offset) | (va & offset);
	return true;
}

static uint64_t x86_answers(const struct bench_work *work)
{
	const pw_va *va = bench_addresses(work->list, work->window);
	struct pw_result result;
	uint64_t sum = 0;

	for (size_t i = 0; i < work->list->count; i++) {
		x86_answer(work->image, va[i], &result);
		sum += result.pa;
	}
	return sum;
}

static uint64_t x86_answers_chained(const struct bench_work *work)
{
	const pw_va *va = bench_addresses(work->list, work->window);
	struct pw_result result = { 0 };
	uint64_t sum = 0;

	for (size_t i = 0; i < work->list->count; i++) {
		x86_answer(work->image, bench_after(va[i], result.pa), &result);
		sum += result.pa;
	}
	return sum;
}

static uint64_t x86_read_table(const unsigned char *zero, uint64_t table, int level)
{
	uint64_t sum = 0;

	if (level == 0) {
		for (uint64_t i = 0; i < 512; i++)
			sum += load(zero, table + i * 8);
		return sum;
	}
	for (uint64_t i = 0; i < 512; i++) {
		uint64_t e = load(zero, table + i * 8);

		if ((e & 0x81) == 1)
			sum += x86_read_table(zero, e & X86_FRAME, level - 1);
		else if (e & 1)
			sum += e;
	}
	return sum;
}

static uint64_t x86_read(const struct bench_work *work)
{
	return x86_read_table(bench_zero(work->image), work->image->regime.span[0].table, 3);
}

/* ---- x86_64: the ranges of a scan ---- */

struct x86_ranges {
	const unsigned char *zero;
	struct pw_range range[256]; /* as many as pagewalk's caller has */
	size_t used;
	/* The end of the last range, how much its pages are ahead of their addresses, and what they are like. */
	uint64_t next, ahead;
	uint32_t like;
	uint64_t sum;
};

static void x86_ranges_end(struct x86_ranges *out)
{
	for (size_t i = 0; i < out->used; i++)
		out->sum += bench_run_sum(out->range[i].pa,
					  out->range[i].last - out->range[i].first + 1);
	out->used = 0;
}

/* Adds a page: to the last range, or as a new one. What it is like is in one number. */
static inline void x86_ranges_add(struct x86_ranges *out, uint64_t va, uint64_t pa, unsigned shift,
				  uint64_t e, uint32_t attr, uint8_t memtype)
{
	const uint32_t like = (attr & PW_PROT_MASK) | (uint32_t)memtype << 16 | shift << 24;
	struct pw_range *range;

	if (va == out->next && pa - va == out->ahead && like == out->like) {
		out->next = va + (UINT64_C(1) << shift);
		out->range[out->used - 1].last = out->next - 1;
		return;
	}
	if (out->used == sizeof(out->range) / sizeof(out->range[0]))
		x86_ranges_end(out);
	out->next = va + (UINT64_C(1) << shift);
	out->ahead = pa - va;
	out->like = like;
	range = &out->range[out->used++];
	range->first = va;
	range->last = out->next - 1;
	range->pa = pa;
	range->entry = e;
	range->twin = 0;
	range->attr = attr;
	range->status = PW_OK;
	range->level = (uint8_t)((shift - 12) / 9);
	range->size_lg2 = (uint8_t)shift;
	range->memtype = memtype;
}

static void x86_ranges_table(struct x86_ranges *out, uint64_t table, unsigned level, uint64_t va,
			     uint64_t allowed, uint64_t forbidden)
{
	const unsigned shift = 12 + 9 * level;
	const uint64_t offset = (UINT64_C(1) << shift) - 1;

	for (uint64_t i = 0; i < 512; i++, va += offset + 1) {
		uint64_t e = load(out->zero, table + i * 8);

		if (level == 3 && i == 256)
			va |= UINT64_C(0xffff) << 48;
		if (!(e & 1))
			continue;
		if (level > 0 && !(e & 0x80)) {
			x86_ranges_table(out, e & X86_FRAME, level - 1, va, allowed & e,
					 forbidden | e);
			continue;
		}
		x86_ranges_add(out, va, e & X86_FRAME & ~offset, shift, e,
			       x86_attr(allowed & e, forbidden | e, e), x86_memtype(e, level));
	}
}

static uint64_t x86_ranges(const struct bench_work *work)
{
	struct x86_ranges out;

	out.zero = bench_zero(work->image);
	out.used = 0;
	out.like = 0; /* no page is like this */
	out.next = 0;
	out.ahead = 0;
	out.sum = 0;
	x86_ranges_table(&out, work->image->regime.span[0].table, 3, 0, 6, 0);
	x86_ranges_end(&out);
	return out.sum;
}

/* ---- arm64, 4 KiB granule, 48 bits ---- */

static const uint64_t ARM64_FRAME = 0x0000fffffffff000;

static inline uint64_t arm64_one(const unsigned char *zero, uint64_t table, uint64_t va)
{
	uint64_t e;

	e = load(zero, table + (va >> 39 & 511) * 8);
	if ((e & 3) != 3)
		return 0;
	e = load(zero, (e & ARM64_FRAME) + (va >> 30 & 511) * 8);
	if (!(e & 1))
		return 0;
	if (!(e & 2))
		return (e & ARM64_FRAME & ~UINT64_C(0x3fffffff)) | (va & 0x3fffffff);
	e = load(zero, (e & ARM64_FRAME) + (va >> 21 & 511) * 8);
	if (!(e & 1))
		return 0;
	if (!(e & 2))
		return (e & ARM64_FRAME & ~UINT64_C(0x1fffff)) | (va & 0x1fffff);
	e = load(zero, (e & ARM64_FRAME) + (va >> 12 & 511) * 8);
	if ((e & 3) != 3)
		return 0;
	return (e & ARM64_FRAME) | (va & 0xfff);
}

static uint64_t arm64_translate(const struct bench_work *work)
{
	const unsigned char *zero = bench_zero(work->image);
	uint64_t root = work->image->regime.span[0].table;
	const pw_va *va = bench_addresses(work->list, work->window);
	uint64_t sum = 0;

	for (size_t i = 0; i < work->list->count; i++)
		sum += arm64_one(zero, root, va[i]);
	return sum;
}

static uint64_t arm64_read_table(const unsigned char *zero, uint64_t table, int level)
{
	uint64_t sum = 0;

	if (level == 0) {
		for (uint64_t i = 0; i < 512; i++)
			sum += load(zero, table + i * 8);
		return sum;
	}
	for (uint64_t i = 0; i < 512; i++) {
		uint64_t e = load(zero, table + i * 8);

		if ((e & 3) == 3)
			sum += arm64_read_table(zero, e & ARM64_FRAME, level - 1);
		else if (e & 1)
			sum += e;
	}
	return sum;
}

static uint64_t arm64_read(const struct bench_work *work)
{
	return arm64_read_table(bench_zero(work->image), work->image->regime.span[0].table, 3);
}

/* ---- s390x, three tables ---- */

static inline uint64_t s390_one(const unsigned char *zero, uint64_t table, uint64_t va)
{
	uint64_t e;

	e = be64toh(load(zero, table + (va >> 31 & 2047) * 8));
	if (e & 0x20)
		return 0;
	if (e & 0x400)
		return (e & ~UINT64_C(0x7fffffff)) | (va & 0x7fffffff);
	e = be64toh(load(zero, (e & ~UINT64_C(0xfff)) + (va >> 20 & 2047) * 8));
	if (e & 0x20)
		return 0;
	if (e & 0x400)
		return (e & ~UINT64_C(0xfffff)) | (va & 0xfffff);
	e = be64toh(load(zero, (e & ~UINT64_C(0x7ff)) + (va >> 12 & 255) * 8));
	if (e & 0x400)
		return 0;
	return (e & ~UINT64_C(0xfff)) | (va & 0xfff);
}

static uint64_t s390_translate(const struct bench_work *work)
{
	const unsigned char *zero = bench_zero(work->image);
	uint64_t root = work->image->regime.span[0].table;
	const pw_va *va = bench_addresses(work->list, work->window);
	uint64_t sum = 0;

	for (size_t i = 0; i < work->list->count; i++)
		sum += s390_one(zero, root, va[i]);
	return sum;
}

static uint64_t s390_read_table(const unsigned char *zero, uint64_t table, int level)
{
	uint64_t sum = 0;

	if (level == 0) {
		for (uint64_t i = 0; i < 256; i++)
			sum += be64toh(load(zero, table + i * 8));
		return sum;
	}
	for (uint64_t i = 0; i < 2048; i++) {
		uint64_t e = be64toh(load(zero, table + i * 8));

		if (!(e & 0x420))
			sum += s390_read_table(zero, e & ~UINT64_C(0x7ff), level - 1);
		else if (!(e & 0x20))
			sum += e;
	}
	return sum;
}

static uint64_t s390_read(const struct bench_work *work)
{
	return s390_read_table(bench_zero(work->image), work->image->regime.span[0].table, 2);
}

uint64_t bench_last_loads(const struct bench_work *work)
{
	const unsigned char **last = work->list->last + work->window * work->list->count;
	uint64_t sum = 0;

	for (size_t i = 0; i < work->list->count; i++)
		sum += load(last[i], 0);
	return sum;
}

static const struct bench_plain bench_plains[] = {
	{
		.format = "x86_64",
		.read = x86_read,
		.ranges = x86_ranges,
		.translate = x86_translate,
		.answer = x86_answers,
		.chained = x86_chained,
		.answer_chained = x86_answers_chained,
	},
	{ .format = "arm64", .read = arm64_read, .translate = arm64_translate },
	{ .format = "s390x", .read = s390_read, .translate = s390_translate },
};

const struct bench_plain *bench_plain_find(const char *format)
{
	for (size_t i = 0; i < sizeof(bench_plains) / sizeof(bench_plains[0]); i++)
		if (strcmp(bench_plains[i].format, format) == 0)
			return &bench_plains[i];
	return NULL;
}
