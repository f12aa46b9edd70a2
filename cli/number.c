/* SPDX-License-Identifier: MIT */
/* Numbers as people type them: hexadecimal, decimal, sizes, ranges. */
#include "number.h"

#include <string.h>

#include "base/number.h"

const char *number_parse(const char *text, uint64_t *number_ret)
{
	return pw_number_parse(text, text + strlen(text), number_ret);
}

/* What stands between the two numbers of a range, and how long it is: "-", "..", "+". The end, if nothing does. */
static const char *find_middle(const char *text, size_t *width_ret)
{
	/* A leading sign is part of the number, so that the number is refused. */
	const char *from = *text ? text + 1 : text;
	const char *sign = from + strcspn(from, "-+"), *dots = strstr(from, "..");

	*width_ret = dots && dots < sign ? 2 : 1;
	return dots && dots < sign ? dots : sign;
}

bool number_looks_hexadecimal(const char *text)
{
	size_t digits = strspn(text, "0123456789");

	return digits >= 6 && digits < 16 && (text[digits] == '-' || text[digits] == '.') &&
	       strncmp(text + digits - 3, "000", 3) == 0;
}

const char *number_parse_range(const char *text, bool single, uint64_t *first_ret,
			       uint64_t *last_ret)
{
	const char *end = text + strlen(text);
	size_t width;
	const char *middle = find_middle(text, &width);
	uint64_t first, second;
	const char *wrong;

	wrong = pw_number_parse(text, middle, &first);
	if (wrong)
		return wrong;
	if (middle == end) {
		*first_ret = *last_ret = first;
		return single ? NULL : "is one address; a range is FIRST-LAST or FIRST+LENGTH";
	}
	wrong = pw_number_parse(middle + width, end, &second);
	if (wrong)
		return wrong;
	if (*middle != '+') {
		if (second < first)
			return "ends before it begins";
	} else {
		if (second == 0)
			return "has a length of 0";
		if (second - 1 > UINT64_MAX - first)
			return "goes beyond 2^64";
		second = first + (second - 1);
	}
	*first_ret = first;
	*last_ret = second;
	return NULL;
}
