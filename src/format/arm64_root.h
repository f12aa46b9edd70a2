/* SPDX-License-Identifier: MIT */
/*
 * arm64: the roots TTBR0 and TTBR1, and their sizes in TCR_EL1 if that is known. DDI0487 D17.2, TTBR0_EL1,
 * TCR_EL1.
 */
#ifndef PW_FORMAT_ARM64_ROOT_H
#define PW_FORMAT_ARM64_ROOT_H

#include "format/arm64.h"

static const uint64_t ARM64_TCR_EPD0 = UINT64_C(1) << 7;
static const uint64_t ARM64_TCR_EPD1 = UINT64_C(1) << 23;
static const uint64_t ARM64_TCR_DS = UINT64_C(1) << 59;

/* Number of bits in the virtual addresses that one root translates. */
static inline unsigned arm64_va_bits(const struct pw_format *format)
{
	unsigned top = format->levels - 1u;

	return format->shift[top] + format->bits[top];
}

/* Can physical addresses have 52 bits? They can with a 64K granule, or with TCR.DS. */
static inline bool arm64_root_is_wide(const struct pw_regime *r)
{
	return r->format->variant != ARM64_PA_48 || r->high_field;
}

/*
 * Compares TCR_EL1, if it is known, with the format. Refuses a root of another size or granule, unless
 * TCR_EL1 forbids walks from it.
 */
static inline int arm64_root_tcr(struct pw_regime *r, unsigned count, struct pw_error *error)
{
	static const uint8_t granule0[4] = { 12, 16, 14, 0 }, granule1[4] = { 0, 14, 12, 16 };
	const unsigned bits = arm64_va_bits(r->format), page = r->format->shift[0];
	uint64_t tcr = r->registers.tcr;

	if (!(r->registers.known & PW_REGISTER_TCR))
		return 0;
	for (unsigned i = r->root[0] == PW_ROOT_ABSENT ? 1 : 0; i < count; i++) {
		unsigned size = 64 - (unsigned)(tcr >> (i ? 16 : 0) & 63);
		unsigned granule = i ? granule1[tcr >> 30 & 3] : granule0[tcr >> 14 & 3];

		if (tcr & (i ? ARM64_TCR_EPD1 : ARM64_TCR_EPD0))
			continue;
		if (size != bits || granule != page)
			return pw_fail(
				error, EINVAL,
				"TCR_EL1 0x%llx says that TTBR%u has %u-bit addresses and "
				"%uK pages, but %s has %u-bit addresses and %uK pages. Choose "
				"the format that fits. If the two roots differ in size, give "
				"one at a time, with EPD0 or EPD1 set for the other",
				(unsigned long long)tcr, i, size,
				granule ? 1u << (granule - 10) : 0, r->format->name, bits,
				1u << (page - 10));
	}
	if (r->format->variant == ARM64_LPA2 && !(tcr & ARM64_TCR_DS))
		return pw_fail(error, EINVAL,
			       "TCR_EL1 0x%llx has DS (bit 59) clear, but %s is for 52-bit "
			       "addresses, which need it set: choose the 48-bit format",
			       (unsigned long long)tcr, r->format->name);
	if (r->format->variant != ARM64_LPA && (tcr & ARM64_TCR_DS))
		r->high_field = ARM64_HIGH_50;
	return 0;
}

/*
 * TTBR: 63:48 are the ASID, 47:x the address, bit 0 is CnP. 2^x is the size of the top table. With 52-bit
 * physical addresses x is at least 6, and bits 5:2 are address bits 51:48. DDI0487 D17.2, TTBR0_EL1.
 */
static inline int arm64_root(struct pw_regime *r, const uint64_t *word, unsigned count,
			     struct pw_error *error)
{
	const struct pw_format *format = r->format;
	unsigned top = format->levels - 1u;
	unsigned table_lg2 = format->bits[top] + format->entry_lg2;
	const struct pw_span none = { 0 };
	const bool absent = count == 2 && word[0] == PW_ROOT_ABSENT;
	bool wide;
	int status;

	status = arm64_root_tcr(r, count, error);
	if (status)
		return status;
	arm_mair_fill(r, arm64_linux_types);
	wide = arm64_root_is_wide(r);
	if (wide && table_lg2 < 6)
		table_lg2 = 6;
	for (unsigned i = 0; i < count; i++) {
		uint64_t flags = wide ? 0x3d : 0x1;
		pw_pa table = word[i] & pw_mask(48) & ~pw_mask(table_lg2);

		/* Only TTBR1 was given: its half is the only span. */
		if (i == 0 && absent)
			continue;
		if (word[i] & pw_mask(table_lg2) & ~flags)
			return pw_fail(error, EINVAL,
				       "TTBR%u 0x%llx cannot be a root of %s: the top table is "
				       "aligned to its size, 0x%llx bytes. Does TCR_EL1 name "
				       "another granule or address size?",
				       i, (unsigned long long)word[i], format->name,
				       1ULL << table_lg2);
		if (wide)
			table |= (word[i] & 0x3c) << 46;
		pw_span_low(&r->span[i], format, top, table);
		r->span[i].root = (uint8_t)i;
	}
	if (count > 1) {
		r->span[1].first = ~pw_mask(arm64_va_bits(format));
		r->span[1].last = ~UINT64_C(0);
		r->spans = 2;
	}
	/* EPD1 and EPD0 forbid walks from a root, so it translates nothing. */
	if (count > 1 && (r->registers.tcr & ARM64_TCR_EPD1))
		r->span[--r->spans] = none;
	if (absent || (r->registers.tcr & ARM64_TCR_EPD0)) {
		r->span[0] = r->span[1];
		r->span[1] = none;
		r->spans--;
	}
	if (r->spans == 0)
		return pw_fail(error, EINVAL,
			       "TCR_EL1 0x%llx forbids walks from every given root (EPD0, EPD1): "
			       "give the other root",
			       (unsigned long long)r->registers.tcr);
	return 0;
}

static inline uint64_t arm64_make_root(const struct pw_format *f, const struct pw_regime *r,
				       pw_pa pa, unsigned top)
{
	return arm64_root_is_wide(r) ? (pa & pw_mask(48)) | (pa >> 48) << 2 : pa;
}

#endif
