/* SPDX-License-Identifier: MIT */
/* Answers about machines that run: looked at twice, and what is said about that. */
#ifndef CLI_LIVE_H
#define CLI_LIVE_H

#include "options.h"

/* Of one answer. */
struct live_answer {
	bool checked; /* the memory may change, and the answer was looked at again */
	unsigned changes; /* walks that were given up because an entry changed */
};

/*
 * With --stop, stops the machine; then no signal ends this process before the machine runs again. 0, or
 * TOOL_FAILED after a message.
 */
int live_stop(const struct tool_options *options, struct tool_input *input);

/* Translates @count addresses, each of them with a second look if the memory may change. Returns how many are mapped. */
size_t live_translate(const struct tool_input *input, const pw_va *va, size_t count,
		      struct pw_result *result, struct live_answer *answer);

/*
 * As pw_read_stable with a second look, if the options want one and the memory may change. Without it, reads the page
 * of @result, which must be what pw_translate says of @va.
 */
int live_read(const struct tool_input *input, pw_va va, void *buffer, size_t bytes,
	      struct pw_result *result, struct live_answer *answer);

/* "stable", "changed 2 times", "unstable"; "" if nobody looked again. */
char *live_text(const struct live_answer *answer, const struct pw_result *result, char text[40]);

/* Prints ,"stable":true,"changes":2 or nothing. */
void live_print_json(const struct live_answer *answer, const struct pw_result *result);

#endif
