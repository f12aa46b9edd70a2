/* SPDX-License-Identifier: MIT */
/*
 * arm: the addresses that TTBR0 and TTBR1 translate, by TTBCR. DDI0406C B3.5.4 (short descriptors), B3.6.4
 * (long descriptors, "Determining which translation table base register to use"), B4.1.153.
 *
 *          31  30        23   22 21   19 18  16         7    6      5     4   3 2  0
 *         +---+---------+----+--+-------+------+-------+----+----------+-----+-+----+
 * long    |EAE|         |EPD1|A1|       | T1SZ |       |EPD0|          |     | |T0SZ|
 * short   | 0 |                                                  | PD1 | PD0 | | N  |
 *         +---+-----------------------------------------------------------------+----+
 */
#ifndef PW_FORMAT_ARM_TTBCR_H
#define PW_FORMAT_ARM_TTBCR_H

#include "format/format.h"

static const uint64_t TTBCR_EAE = UINT64_C(1) << 31;
enum {
	TTBCR_SIZE = 7, /* N or T0SZ; T1SZ is sixteen bits higher */
	TTBCR_T1SZ_SHIFT = 16,
	TTBCR_EPD0 = 1 << 7,
	TTBCR_EPD1 = 1 << 23,
	TTBCR_PD0 = 1 << 4, /* short descriptors */
	TTBCR_PD1 = 1 << 5,
};

/*
 * Drops the spans of roots that were not given, or from which walks are forbidden (@off, bit n: TTBRn).
 * Drops empty spans, too. Fails if no span is left.
 */
static inline int arm_ttbcr_spans(struct pw_regime *r, unsigned count, unsigned off,
				  struct pw_error *error)
{
	const struct pw_span both[PW_MAX_ROOTS] = { r->span[0], r->span[1] };

	r->spans = 0;
	for (unsigned i = 0; i < PW_MAX_ROOTS; i++) {
		r->span[i] = (struct pw_span){ 0 };
		if (i < count && !(off >> i & 1) && both[i].first <= both[i].last && both[i].last)
			r->span[r->spans++] = both[i];
	}
	if (r->spans == 0)
		return pw_fail(error, EINVAL,
			       "TTBCR 0x%llx leaves the given roots nothing to translate: give the "
			       "other root",
			       (unsigned long long)r->registers.tcr);
	return 0;
}

/*
 * Fills the span of root @i of long descriptors, except for its first and last address. @size (TxSZ)
 * decides where a walk starts: at four entries of a pgd (0), at two entries of a pgd (1), or else at a table
 * one level below, with as many entries as the addresses need. An index comes from the whole address, not
 * from its distance to the span's start.
 */
static inline int lpae_root_span(struct pw_regime *r, unsigned i, unsigned size, uint64_t word,
				 struct pw_error *error)
{
	unsigned top = size < 2 ? 2 : 1;
	unsigned bits = top == 2 ? 2 - size : 11 - size;
	struct pw_span *span = &r->span[i];
	pw_va first = span->first, last = span->last;

	if (word & pw_mask(bits + 3) & ~UINT64_C(1))
		return pw_fail(
			error, EINVAL,
			"TTBR%u 0x%llx is not aligned: TTBCR 0x%llx gives its table %u entries, "
			"so it must be aligned to %u bytes",
			i, (unsigned long long)word, (unsigned long long)r->registers.tcr,
			1u << bits, 8u << bits);
	*span = (struct pw_span){
		.first = first,
		.last = last,
		.table = word & pw_mask(40) & ~pw_mask(bits + 3),
		.top_last = (uint32_t)(last >> r->format->shift[top] & pw_mask(bits)),
		.top = (uint8_t)top,
		.top_bits = (uint8_t)bits,
		.root = (uint8_t)i,
	};
	return 0;
}

static inline int lpae_root_ttbcr(struct pw_regime *r, const uint64_t *word, unsigned count,
				  struct pw_error *error)
{
	const uint64_t ttbcr = r->registers.tcr;
	unsigned t0sz = ttbcr & TTBCR_SIZE, t1sz = ttbcr >> TTBCR_T1SZ_SHIFT & TTBCR_SIZE;
	unsigned off = (ttbcr & TTBCR_EPD0 ? 1 : 0) | (ttbcr & TTBCR_EPD1 ? 2 : 0);
	pw_va low_last = pw_mask(32 - t0sz), high_first;
	int status = 0;

	if (!(ttbcr & TTBCR_EAE))
		return pw_fail(error, EINVAL,
			       "TTBCR 0x%llx has EAE (bit 31) clear: the tables have short "
			       "descriptors; use --format arm",
			       (unsigned long long)ttbcr);
	high_first = t1sz ? ~pw_mask(32 - t1sz) & pw_mask(32) : low_last + 1;
	if (t1sz && !t0sz)
		low_last = high_first - 1;
	/* If both sizes are zero, TTBR1 is not used: its span is empty. */
	r->span[0] = (struct pw_span){ .first = 0, .last = low_last };
	r->span[1] = (struct pw_span){ .first = high_first, .last = pw_mask(32) };
	/*
	 * Nothing is asked of a root from which walks are forbidden: Linux with CONFIG_CPU_TTBR0_PAN leaves the
	 * process's in its place, with a size to which it is not aligned.
	 */
	if (!(off & 1))
		status = lpae_root_span(r, 0, t0sz, word[0], error);
	if (status == 0 && count > 1 && high_first <= pw_mask(32) && !(off & 2))
		status = lpae_root_span(r, 1, t1sz, word[1], error);
	return status ? status : arm_ttbcr_spans(r, count, off, error);
}

/*
 * Short descriptors: TTBR0 translates the first 2^(32-N) bytes, TTBR1 the rest. TTBR0's table is smaller by
 * the factor 2^N.
 */
static inline int arm_root_ttbcr(struct pw_regime *r, const uint64_t *word, unsigned count,
				 struct pw_error *error)
{
	const uint64_t ttbcr = r->registers.tcr;
	unsigned n = ttbcr & TTBCR_SIZE;
	unsigned off = (ttbcr & TTBCR_PD0 ? 1 : 0) | (ttbcr & TTBCR_PD1 ? 2 : 0);

	if (ttbcr & TTBCR_EAE)
		return pw_fail(error, EINVAL,
			       "TTBCR 0x%llx has EAE (bit 31) set: the tables have long "
			       "descriptors; use --format arm_lpae",
			       (unsigned long long)ttbcr);
	if (word[0] >> 32 || (count > 1 && word[1] >> 32))
		return pw_fail(error, EINVAL, "a TTBR for short descriptors has 32 bits, no more");
	pw_span_low(&r->span[0], r->format, 1, word[0] & pw_mask(32) & ~pw_mask(14 - n));
	r->span[0].last = pw_mask(32 - n);
	r->span[0].top_last = (uint32_t)pw_mask(12 - n);
	r->span[1] = (struct pw_span){ .first = 1 };
	if (count > 1 && n > 0) {
		pw_span_low(&r->span[1], r->format, 1, word[1] & pw_mask(32) & ~pw_mask(14));
		r->span[1].root = 1;
		r->span[1].first = r->span[0].last + 1;
	}
	return arm_ttbcr_spans(r, count, off, error);
}

#endif
