/* SPDX-License-Identifier: MIT */
/*
 * The floor: what a person would write for one architecture, for tables to be trusted. It reads every
 * entry once, as a walker of shared tables must (so no vector loads), and does nothing else: no
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
	uint64_t sum = 0;

	for (size_t i = 0; i < work->list->count; i++)
		sum += x86_one(zero, root, work->va[i]);
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
	uint64_t sum = 0;

	for (size_t i = 0; i < work->list->count; i++)
		sum += arm64_one(zero, root, work->va[i]);
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
	uint64_t sum = 0;

	for (size_t i = 0; i < work->list->count; i++)
		sum += s390_one(zero, root, work->va[i]);
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

static const struct bench_plain bench_plains[] = {
	{ "x86_64", x86_read, x86_translate },
	{ "arm64", arm64_read, arm64_translate },
	{ "s390x", s390_read, s390_translate },
};

const struct bench_plain *bench_plain_find(const char *format)
{
	for (size_t i = 0; i < sizeof(bench_plains) / sizeof(bench_plains[0]); i++)
		if (strcmp(bench_plains[i].format, format) == 0)
			return &bench_plains[i];
	return NULL;
}
