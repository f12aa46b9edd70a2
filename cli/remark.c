/* SPDX-License-Identifier: MIT */
/* Advice beside a result: what the user may have meant, or should know of this source. */
#include "remark.h"

#include <byteswap.h>
#include <string.h>

static bool is_of(const struct tool_input *input, const char *beginning)
{
	struct pw_geometry geometry;

	pw_format_geometry(input->format, &geometry);
	return !input->loaded && strncmp(geometry.name, beginning, strlen(beginning)) == 0;
}

void remark_address(const struct tool_input *input, pw_va va, bool *told_ret)
{
	const struct pw_regime *regime = &input->regime;
	const struct pw_span *span = &regime->span[1];

	/* Power ISA 3.1 Book III 6.7.3: quadrant 3 is translated by the tree of PID 0. */
	if (*told_ret || !is_of(input, "ppc64") || regime->roots > 1 || regime->spans < 2 ||
	    va < span->first || va > span->last)
		return;
	*told_ret = true;
	tool_message("0x%llx is the kernel's (quadrant 3), which the hardware translates by the "
		     "tree of PID 0; the one root that is used is taken for it. If it is a "
		     "process's, the answer is wrong: give the root of PID 0 as a second --root",
		     (unsigned long long)va);
}

static bool is_in_memory(const struct pw_memory *memory, pw_pa pa)
{
	const struct pw_segment *segments;
	size_t count = pw_memory_segments(memory, &segments);

	for (size_t i = 0; i < count; i++)
		if (pa >= segments[i].first && pa <= segments[i].last)
			return true;
	return false;
}

/*
 * Would the bytes in the other order be a valid entry of arm, whose tables can be either: type bits that
 * are not 0, and an address that the memory has?
 */
static bool is_swapped(const struct tool_input *input, uint64_t entry, uint64_t *other_ret)
{
	struct pw_geometry geometry;
	uint64_t address;

	pw_format_geometry(input->format, &geometry);
	if (!is_of(input, "arm"))
		return false;
	if (geometry.entry_bytes == 4) {
		*other_ret = bswap_32((uint32_t)entry);
		address = *other_ret & 0xfffffc00;
	} else {
		*other_ret = bswap_64(entry);
		address = *other_ret & UINT64_C(0x0000fffffffff000);
	}
	return (*other_ret & 3) && ((*other_ret & 1) || geometry.entry_bytes == 4) &&
	       is_in_memory(input->memory, address);
}

/* An empty entry is 0, but of s390x, where it says that it is invalid, and in which table it stands. */
static bool is_empty(const struct tool_input *input, const struct pw_result *result)
{
	if (result->entry == 0)
		return true;
	if (!is_of(input, "s390x"))
		return false;
	return result->entry == (result->level == 0 ? 0x400u : 0x20u | (result->level - 1u) << 2);
}

char *remark_hole(const struct tool_input *input, const struct pw_result *result,
		  char text[PRINT_TEXT])
{
	uint64_t other;

	if (is_empty(input, result))
		snprintf(text, PRINT_TEXT, "is empty");
	else if (is_swapped(input, result->entry, &other))
		snprintf(text, PRINT_TEXT,
			 "is not valid; in the other byte order it is 0x%llx, a valid entry with "
			 "an address that the memory has: are these big-endian tables? A "
			 "description of the format with 'entry %u big' reads them "
			 "(pagewalk-format(5))",
			 (unsigned long long)other,
			 is_of(input, "arm_lpae") || is_of(input, "arm64") ? 8u : 4u);
	else
		snprintf(text, PRINT_TEXT, "is not empty, but not valid");
	return text;
}
