/* SPDX-License-Identifier: MIT */
/* What differs between two maps. */
#ifndef CLI_CHANGE_H
#define CLI_CHANGE_H

#include "options.h"
#include "terminal.h"

/* What is mapped, in address order. */
struct map_list {
	struct pw_range *range;
	size_t count;
};

/* The machine that was opened is gone: why. */
struct change_gone {
	int status; /* of pw_memory_check or pw_memory_check_kernel; not negative: it still is */
	bool kernel; /* another kernel runs; the machine is the same */
	struct pw_error error;
};

/*
 * Reads what first..last maps. 0; TOOL_NOTHING if a signal or a bound stopped it, or TOOL_FAILED, after a
 * message. The caller frees list->range. If the machine is gone, and @gone is not NULL, it gets the reason, and
 * there is no message.
 */
int change_read(const struct tool_input *input, pw_va first, pw_va last, struct map_list *list,
		struct change_gone *gone);

enum change_kind { CHANGE_MAPPED, CHANGE_UNMAPPED, CHANGE_MOVED, CHANGE_PROTECTED, CHANGE_RESIZED };

/* A range of addresses at which two maps differ in the same way. */
struct change {
	enum change_kind kind;
	pw_va first, last;
	/* What is at `first` before and after; only one of the two for CHANGE_MAPPED and CHANGE_UNMAPPED. */
	struct pw_range before, after;
};

/* Calls @tell for each change, in address order. Returns their number. */
size_t change_find(const struct map_list *before, const struct map_list *after,
		   void (*tell)(void *context, const struct change *change), void *context);

/* Prints a change as a line of text after @before, or as the members of a JSON object, without its braces. */
void change_print(const struct terminal *terminal, const char *before,
		  const struct pw_regime *regime, const struct change *change);
void change_print_json(const struct change *change);

#endif
