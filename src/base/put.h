/* SPDX-License-Identifier: MIT */
/*
 * Text in pieces, for output with many lines: each function writes its piece at @at without a final zero,
 * and returns the place behind it. The caller provides the room.
 */
#ifndef PW_BASE_PUT_H
#define PW_BASE_PUT_H

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { PW_PUT_DECIMAL = 20 }; /* the most digits of a decimal number */

static inline char *pw_put_bytes(char *at, const char *bytes, size_t count)
{
	memcpy(at, bytes, count);
	return at + count;
}

static inline char *pw_put_text(char *at, const char *text)
{
	return pw_put_bytes(at, text, strlen(text));
}

/* Puts @text at the right of a field of @width. A longer text is not cut. */
static inline char *pw_put_right(char *at, const char *text, size_t width)
{
	size_t length = strlen(text);

	if (length < width) {
		memset(at, ' ', width - length);
		at += width - length;
	}
	return pw_put_bytes(at, text, length);
}

/* Puts eight hexadecimal digits. All of them are made at once, as the bytes of one word. */
static inline char *pw_put_hex8(char *at, uint32_t number)
{
	uint64_t digits = number, letters;

	digits = (digits << 16 | digits) & UINT64_C(0x0000ffff0000ffff);
	digits = (digits << 8 | digits) & UINT64_C(0x00ff00ff00ff00ff);
	digits = (digits << 4 | digits) & UINT64_C(0x0f0f0f0f0f0f0f0f);
	/* A digit is a letter if adding six carries. */
	letters = (digits + UINT64_C(0x0606060606060606)) >> 4 & UINT64_C(0x0101010101010101);
	digits += UINT64_C(0x3030303030303030) + letters * ('a' - '0' - 10);
	digits = htobe64(digits);
	memcpy(at, &digits, sizeof(digits));
	return at + sizeof(digits);
}

static inline char *pw_put_hex16(char *at, uint64_t number)
{
	return pw_put_hex8(pw_put_hex8(at, (uint32_t)(number >> 32)), (uint32_t)number);
}

/* As "%llx": without zeros in front. */
static inline char *pw_put_hex(char *at, uint64_t number)
{
	char digits[16];
	size_t first = number ? (size_t)__builtin_clzll(number) / 4 : 15;

	pw_put_hex16(digits, number);
	return pw_put_bytes(at, digits + first, sizeof(digits) - first);
}

static inline char *pw_put_decimal(char *at, uint64_t number)
{
	char digits[PW_PUT_DECIMAL];
	size_t first = sizeof(digits);

	do {
		digits[--first] = (char)('0' + number % 10);
		number /= 10;
	} while (number);
	return pw_put_bytes(at, digits + first, sizeof(digits) - first);
}

#endif
