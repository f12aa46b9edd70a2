/* SPDX-License-Identifier: MIT */
/* Numbers as people type them: hexadecimal, decimal, sizes, ranges. */
#include "number.h"

#include <string.h>

#include "base/number.h"

const char *number_parse(const char *text, uint64_t *number_ret)
{
	return pw_number_parse(text, text + strlen(text), number_ret);
}

const char *number_parse_range(const char *text, bool single, uint64_t *first_ret,
			       uint64_t *last_ret)
{
	const char *end = text + strlen(text);
	const char *middle = text + strcspn(text, "-+");
	uint64_t first, second;
	const char *wrong;

	/* A leading sign is part of the number, so that the number is refused. */
	if (middle == text)
		middle = *text ? text + 1 + strcspn(text + 1, "-+") : text;
	wrong = pw_number_parse(text, middle, &first);
	if (wrong)
		return wrong;
	if (middle == end) {
		*first_ret = *last_ret = first;
		return single ? NULL : "is one address; a range is FIRST-LAST or FIRST+LENGTH";
	}
	wrong = pw_number_parse(middle + 1, end, &second);
	if (wrong)
		return wrong;
	if (*middle == '-') {
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
