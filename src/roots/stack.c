/* SPDX-License-Identifier: MIT */
/*
 * The name of the program that runs in a space. Linux puts it at the top of the stack: the last page of the
 * stack ends with the path that was given to execve(2), and a word of zeros.
 *
 *   | argv, envp | strings of both | path \0 | 0 (4 or 8 bytes) |  end of the stack
 */
#include <stdio.h>

#include "roots/roots.h"

enum {
	TAIL = 1024, /* bytes at the end of the stack that are read: a path is at most that long here */
	/* Entries to read for it. Larger processes have no name. */
	ENTRIES = 1 << 22,
};

/* The last address of the highest range that users may write; false: there is none. */
static bool find_stack(const struct pw_roots_search *search, const struct pw_regime *regime,
		       pw_va limit, struct pw_range *stack)
{
	struct pw_scan_limits limits = { .entries = ENTRIES,
					 .uses = 1,
					 .cancel = search->options->cancel };
	struct pw_range range[64];
	struct pw_scan *scan;
	bool found = false;

	if (pw_scan_create(search->memory, regime, 0, limit, &limits, &scan, NULL))
		return false;
	for (size_t n; (n = pw_scan_next(scan, range, 64)) > 0;)
		for (size_t i = 0; i < n; i++) {
			if (range[i].status != PW_OK ||
			    (range[i].attr & (PW_WRITE | PW_USER)) != (PW_WRITE | PW_USER))
				continue;
			*stack = range[i];
			found = true;
		}
	pw_scan_destroy(scan);
	return found;
}

/* The path at the end of @bytes; NULL: there is none. */
static const char *find_path(char bytes[TAIL])
{
	size_t end = TAIL, start;

	while (end > 0 && bytes[end - 1] == '\0')
		end--;
	/* The path's own NUL, and a word. */
	if (TAIL - end < 1 + 4 || TAIL - end > 1 + 8 + 8)
		return NULL;
	for (start = end; start > 0 && bytes[start - 1] > ' ' && bytes[start - 1] <= '~';)
		start--;
	if (start == 0 || bytes[start - 1] != '\0' || end - start < 2)
		return NULL;
	return bytes + start;
}

bool pw_roots_program(const struct pw_roots_search *search, const struct pw_regime *regime,
		      pw_va limit, char *text, size_t room)
{
	char bytes[TAIL];
	struct pw_range stack;
	const char *path;
	pw_pa end;

	if (!find_stack(search, regime, limit, &stack) || stack.last - stack.first < TAIL - 1)
		return false;
	end = stack.pa + (stack.last - stack.first);
	if (pw_memory_read(search->memory, end - (TAIL - 1), bytes, TAIL))
		return false;
	path = find_path(bytes);
	if (path)
		snprintf(text, room, "%s", path);
	return path;
}
