/* SPDX-License-Identifier: MIT */
/*
 * Radix sort by digits of 11 bits, the lowest first. It skips digits in which all keys are the same;
 * addresses of pages have three that differ.
 */
#include "base/sort.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cancel.h"
#include "base/mutant.h"

enum {
	DIGIT_LG2 = 11,
	DIGITS = 1 << DIGIT_LG2,
	BATCH = 1 << 14, /* keys between two looks at the cancel flag: less than a millisecond */
};

static bool stopped(const bool *cancel)
{
	return pw_cancelled(cancel) && !pw_mutant(PW_MUTANT_SURVEY_GOES_ON);
}

/* Bits in which not all keys are the same. */
static uint64_t differing(const uint64_t *key, size_t count)
{
	uint64_t bits = 0;

	for (size_t i = 1; i < count; i++)
		bits |= key[i] ^ key[0];
	return bits;
}

/* Sorts by one digit, from the order in @from to that in @to. False: cancelled. */
static bool turn(const uint64_t *key, size_t count, unsigned shift, const uint32_t *from,
		 uint32_t *to, const bool *cancel)
{
	size_t place[DIGITS] = { 0 }, sum = 0;

	for (size_t i = 0; i < count; i++) {
		if (i % BATCH == 0 && stopped(cancel))
			return false;
		place[key[i] >> shift & (DIGITS - 1)]++;
	}
	for (size_t digit = 0; digit < DIGITS; digit++) {
		size_t these = place[digit];

		place[digit] = sum;
		sum += these;
	}
	for (size_t i = 0; i < count; i++) {
		if (i % BATCH == 0 && stopped(cancel))
			return false;
		to[place[key[from[i]] >> shift & (DIGITS - 1)]++] = from[i];
	}
	return true;
}

int pw_sort(const uint64_t *key, size_t count, const bool *cancel, uint32_t **order_ret)
{
	uint32_t *order = reallocarray(NULL, count + 1, sizeof(*order));
	uint32_t *other = reallocarray(NULL, count + 1, sizeof(*other));
	uint64_t bits = differing(key, count);
	int status = order && other ? 0 : -ENOMEM;

	for (size_t i = 0; i < count && status == 0; i++)
		order[i] = (uint32_t)i;
	while (bits && status == 0) {
		unsigned shift = (unsigned)__builtin_ctzll(bits);
		uint32_t *swap = order;

		if (!turn(key, count, shift, order, other, cancel))
			status = -ECANCELED;
		order = other;
		other = swap;
		bits &= shift + DIGIT_LG2 < 64 ? ~UINT64_C(0) << (shift + DIGIT_LG2) : 0;
	}
	free(other);
	if (status) {
		free(order);
		return status;
	}
	*order_ret = order;
	return 0;
}
