/* SPDX-License-Identifier: MIT */
/*
 * Words that people type: numbers, ranges, versions, address spaces, lines of a list. The first byte of the
 * input chooses the kind (n, r, k, s, l); the rest up to a NUL is the text. An accepted text must have the
 * value that a slow reading of the same grammar gives, and must read the same again after it is printed. A
 * refused text must get a reason. The library also reads a number, the base of a flat file.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <pagewalk/memory.h>

#include "../../cli/number.h"
#include "../../cli/word.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool right)
{
	if (!right)
		abort();
}

/* The complaint is the end of a sentence, and nothing else. */
static void check_complaint(const char *wrong)
{
	size_t length = strlen(wrong);

	require(length > 8 && length < 200 && wrong[length - 1] != '.' && wrong[0] != ' ');
}

/* ---- the grammar, read slowly ---- */

enum { LONGEST = 80 };

/* How many characters at the start of @text, which has @length, are in @set. */
static size_t memspan(const char *text, size_t length, const char *set)
{
	size_t i = 0;

	while (i < length && text[i] && strchr(set, text[i]))
		i++;
	return i;
}

/* Reads a number of @length characters; false if the text is not a number, or has more than 64 bits. */
static bool slow_number(const char *text, size_t length, uint64_t *number_ret)
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF", units[] = "KMGTkmgt";
	uint64_t number = 0, radix = 10;
	const char *unit = length > 0 ? memchr(units, text[length - 1], 8) : NULL;

	if (unit)
		length--;
	if (length + (unit != NULL) > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
		radix = 16;
		text += 2;
		length -= 2;
	} else if (length == 16 && !unit && memspan(text, length, digits) == length) {
		/* As kernels print addresses. Without a letter, or a zero in front, it may be decimal. */
		if (text[0] != '0' && memspan(text, length, "0123456789") == length)
			return false;
		radix = 16;
	}
	for (size_t i = 0; i < length; i++) {
		const char *digit = memchr(digits, text[i], 32);
		uint64_t value = digit ? (uint64_t)(digit - digits) % 16 : 16;

		if (value >= radix || number > (UINT64_MAX - value) / radix)
			return false;
		number = number * radix + value;
	}
	for (ptrdiff_t i = 0; unit && i <= (unit - units) % 4; i++) {
		if (number > UINT64_MAX / 1024)
			return false;
		number *= 1024;
	}
	*number_ret = number;
	return length > 0;
}

/* Reads a range; false if the text is not a range, or goes beyond 2^64. */
static bool slow_range(const char *text, bool single, uint64_t *first, uint64_t *last)
{
	const char *dots = strstr(text, "..");
	size_t length = strlen(text), middle = strcspn(text, "-+"), width = 1;

	if (dots && (size_t)(dots - text) < middle) {
		middle = (size_t)(dots - text);
		width = 2;
	}
	if (!slow_number(text, middle, first))
		return false;
	*last = *first;
	if (middle == length)
		return single;
	if (!slow_number(text + middle + width, length - middle - width, last))
		return false;
	if (text[middle] == '+') {
		if (*last == 0)
			return false;
		*last += *first - 1;
	}
	return *last >= *first;
}

/* ---- each kind of word ---- */

static void read_back(const char *format, uint64_t number, uint64_t meant)
{
	char text[LONGEST];
	uint64_t again = ~meant;

	snprintf(text, sizeof(text), format, (unsigned long long)number);
	require(!number_parse(text, &again) && again == meant);
}

/* The number as the base of a flat file of one byte, which src/memory/raw.c reads. */
static void check_base(const char *text, bool accepted, uint64_t number)
{
	static int file = -1;
	char source[2 * LONGEST];
	const struct pw_segment *segments;
	struct pw_error error = { .text = "" };
	struct pw_memory *memory = NULL;
	int status;

	/* The letters of the larger grammar. */
	if (strpbrk(text, "@,+:"))
		return;
	if (file < 0) {
		file = memfd_create("byte", 0);
		require(file >= 0 && write(file, "", 1) == 1);
	}
	snprintf(source, sizeof(source), "raw:/proc/self/fd/%d@%s", file, text);
	status = pw_memory_open(source, &memory, &error);
	require((status == 0) == accepted && (error.text[0] == '\0') == accepted);
	if (accepted)
		require(pw_memory_segments(memory, &segments) == 1 && segments[0].first == number &&
			segments[0].last == number);
	pw_memory_close(memory);
}

/* A decimal number of 16 digits is refused, as it may be an address. */
static bool is_ambiguous(uint64_t number)
{
	return number >= UINT64_C(1000000000000000) && number < UINT64_C(10000000000000000);
}

static void try_number(const char *text)
{
	uint64_t number = 0, slow = 0;
	const char *wrong = number_parse(text, &number);

	require(slow_number(text, strlen(text), &slow) == !wrong);
	check_base(text, !wrong, number);
	if (wrong) {
		check_complaint(wrong);
		return;
	}
	require(number == slow);
	if (!is_ambiguous(number))
		read_back("%llu", number, number);
	read_back("0x%llx", number, number);
	read_back("0X%016llX", number, number);
	read_back("%lluK", number >> 10, number >> 10 << 10);
	read_back("0x%llxm", number >> 20, number >> 20 << 20);
	read_back("0x%llXG", number >> 30, number >> 30 << 30);
	read_back("%llut", number >> 40, number >> 40 << 40);
}

static void try_range(const char *text)
{
	uint64_t first = 0, last = 0, slow_first = 0, slow_last = 0, again[2];
	char printed[LONGEST];

	for (int single = 0; single < 2; single++) {
		const char *wrong = number_parse_range(text, single, &first, &last);

		require(slow_range(text, single, &slow_first, &slow_last) == !wrong);
		if (wrong) {
			check_complaint(wrong);
			continue;
		}
		require(first <= last && first == slow_first && last == slow_last);
		snprintf(printed, sizeof(printed),
			 is_ambiguous(last) ? "0x%llx-0x%llx" : "0x%llx-%llu",
			 (unsigned long long)first, (unsigned long long)last);
		require(!number_parse_range(printed, false, &again[0], &again[1]) &&
			again[0] == first && again[1] == last);
		/* There is no way to write a length of 2^64. */
		if (last - first == UINT64_MAX)
			continue;
		snprintf(printed, sizeof(printed),
			 is_ambiguous(first) ? "0x%llx..0x%llx" : "%llu+0x%llx",
			 (unsigned long long)first,
			 (unsigned long long)(is_ambiguous(first) ? last : last - first + 1));
		require(!number_parse_range(printed, false, &again[0], &again[1]) &&
			again[0] == first && again[1] == last);
	}
}

static void try_kernel(const char *text)
{
	uint16_t kernel = 0, again = 0;
	const char *wrong = word_parse_kernel(text, &kernel), *dot = strchr(text, '.');
	uint64_t major = 0, minor = 0;
	char printed[LONGEST];
	/* Up to three digits, because the largest number is 255. */
	bool right = dot && dot - text <= 3 && strlen(dot + 1) <= 3 &&
		     strspn(text, "0123456789") == (size_t)(dot - text) &&
		     strspn(dot + 1, "0123456789") == strlen(dot + 1) &&
		     slow_number(text, (size_t)(dot - text), &major) &&
		     slow_number(dot + 1, strlen(dot + 1), &minor) && major < 256 && minor < 256;

	require(right == !wrong);
	if (wrong) {
		check_complaint(wrong);
		return;
	}
	require(kernel >> 8 == major && (kernel & 255) == minor);
	snprintf(printed, sizeof(printed), "%u.%u", (unsigned)kernel >> 8, kernel & 255u);
	require(!word_parse_kernel(printed, &again) && again == kernel);
}

static void try_space(const char *text)
{
	struct word_space space = { .roots = 9 }, again;
	const char *wrong = word_parse_space(text, &space);
	char printed[2 * LONGEST];

	if (wrong) {
		check_complaint(wrong);
		require(space.roots == 9);
		return;
	}
	require(space.roots == 1 || space.roots == 2);
	require((space.label != NULL) == (strchr(text, '=') != NULL));
	require((space.roots == 2) ==
		(strchr(text, ',') && (!space.label || strchr(text + space.label_length, ','))));
	if (space.label)
		require(space.label == text && text[space.label_length] == '=' &&
			space.label_length <= WORD_LABEL_LENGTH);
	snprintf(printed, sizeof(printed), "%.*s%s0x%llx%s", (int)space.label_length,
		 space.label ? space.label : "", space.label ? "=" : "",
		 (unsigned long long)space.root[0], space.roots == 2 ? "," : "");
	if (space.roots == 2)
		snprintf(printed + strlen(printed), sizeof(printed) - strlen(printed),
			 is_ambiguous(space.root[1]) ? "0x%llx" : "%llu",
			 (unsigned long long)space.root[1]);
	require(!word_parse_space(printed, &again) && again.roots == space.roots &&
		again.root[0] == space.root[0] && again.root[1] == space.root[1] &&
		again.label_length == space.label_length);
}

static void try_line(const char *text)
{
	static const char blanks[] = " \t\r";
	size_t start = strspn(text, blanks), end = strcspn(text, "#");
	uint64_t number = 0, slow = 0;
	bool any = false;
	const char *wrong = word_parse_line(text, &any, &number);

	while (end > start && strchr(blanks, text[end - 1]))
		end--;
	/* The text between blanks and the comment: empty, or a number. */
	require((wrong == NULL) == (end <= start || slow_number(text + start, end - start, &slow)));
	if (wrong)
		check_complaint(wrong);
	else
		require(any == (end > start) && number == slow);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[LONGEST];
	size_t length;

	if (size < 1)
		return 0;
	length = strnlen((const char *)data + 1, size - 1);
	if (length >= sizeof(text))
		return 0;
	memcpy(text, data + 1, length);
	text[length] = '\0';
	switch (data[0]) {
	case 'n':
		try_number(text);
		break;
	case 'r':
		try_range(text);
		break;
	case 'k':
		try_kernel(text);
		break;
	case 's':
		try_space(text);
		break;
	case 'l':
		try_line(text);
		break;
	default:
		break;
	}
	return 0;
}
