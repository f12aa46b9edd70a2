/* SPDX-License-Identifier: MIT */
/* Numbers as people type them. */
#include "base/number.h"

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>

static const char too_big[] = "is more than 64 bits can hold";

static unsigned suffix_shift(char letter)
{
	switch (toupper((unsigned char)letter)) {
	case 'K':
		return 10;
	case 'M':
		return 20;
	case 'G':
		return 30;
	case 'T':
		return 40;
	default:
		return 0;
	}
}

static unsigned digit_value(char digit)
{
	if (isdigit((unsigned char)digit))
		return (unsigned)(digit - '0');
	return (unsigned)(tolower((unsigned char)digit) - 'a' + 10);
}

/* Names the mistake in a text that is not a number. */
static const char *complain(const char *text, const char *end)
{
	size_t length = (size_t)(end - text);

	if (length == 0)
		return "is empty; write a number";
	if (text[0] == '-')
		return "is negative; addresses and lengths are not";
	for (size_t i = 0; i < length; i++)
		if (!isxdigit((unsigned char)text[i]))
			return "is not a number (write it in decimal, or in hexadecimal with 0x; "
			       "K, M, G or T may follow)";
	return "is not a decimal number; put 0x before it if it is hexadecimal";
}

/* An address as kernels print it has as many digits, and no 0x: ffffffff81000000. */
enum { ADDRESS_DIGITS = 16 };

static bool are_all(const char *text, const char *end, int (*is)(int))
{
	while (text < end && is((unsigned char)*text))
		text++;
	return text == end;
}

const char *pw_number_parse(const char *text, const char *end, uint64_t *number_ret)
{
	const char *digit = text;
	unsigned radix = 10, shift;
	uint64_t number = 0;

	if (end - text > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
		radix = 16;
		digit += 2;
	} else if (end - text == ADDRESS_DIGITS && are_all(text, end, isxdigit)) {
		/* Nobody writes a decimal number with a letter, or with zeros in front. */
		if (*text != '0' && are_all(text, end, isdigit))
			return "may be decimal or hexadecimal; write it with 0x";
		radix = 16;
	}
	shift = end > digit ? suffix_shift(end[-1]) : 0;
	if (digit == end - (shift > 0))
		return complain(text, end);
	for (; digit < end - (shift > 0); digit++) {
		if (!isxdigit((unsigned char)*digit) ||
		    (radix == 10 && !isdigit((unsigned char)*digit)))
			return complain(text, end);
		if (__builtin_mul_overflow(number, (uint64_t)radix, &number) ||
		    __builtin_add_overflow(number, (uint64_t)digit_value(*digit), &number))
			return too_big;
	}
	if (__builtin_mul_overflow(number, UINT64_C(1) << shift, &number))
		return too_big;
	*number_ret = number;
	return NULL;
}
