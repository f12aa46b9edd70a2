/* SPDX-License-Identifier: MIT */
/* Answers about machines that run. */
#include "live.h"

#include <errno.h>
#include <string.h>

int live_stop(const struct tool_options *options, struct tool_input *input)
{
	struct pw_error error;

	if (!options->stop)
		return 0;
	tool_hold_interrupts(true);
	return pw_memory_stop(input->memory, &error) ? tool_fail("%s", error.text) : 0;
}

static bool looks_again(const struct tool_input *input)
{
	return input->tries > 0 && pw_memory_is_live(input->memory);
}

size_t live_translate(const struct tool_input *input, const pw_va *va, size_t count,
		      struct pw_result *result, struct live_answer *answer)
{
	size_t found = 0;

	memset(answer, 0, count * sizeof(*answer));
	if (!looks_again(input))
		return pw_translate_many(input->memory, &input->regime, va, count, result);
	for (size_t i = 0; i < count; i++) {
		answer[i].checked = true;
		found += pw_translate_stable(input->memory, &input->regime, va[i], input->tries,
					     &result[i], &answer[i].changes) == PW_OK;
	}
	return found;
}

int live_read(const struct tool_input *input, pw_va va, void *buffer, size_t bytes,
	      struct pw_result *result, struct live_answer *answer)
{
	*answer = (struct live_answer){ .checked = looks_again(input) };
	if (answer->checked)
		return pw_read_stable(input->memory, &input->regime, va, buffer, bytes,
				      input->tries, result, &answer->changes);
	return pw_memory_read(input->memory, result->pa, buffer, bytes);
}

char *live_text(const struct live_answer *answer, const struct pw_result *result, char text[40])
{
	if (!answer->checked)
		text[0] = '\0';
	else if (result->status == PW_UNSTABLE)
		snprintf(text, 40, "unstable");
	else if (answer->changes == 0)
		snprintf(text, 40, "stable");
	else
		snprintf(text, 40, "changed %u time%s", answer->changes,
			 answer->changes == 1 ? "" : "s");
	return text;
}

void live_print_json(const struct live_answer *answer, const struct pw_result *result)
{
	if (answer->checked)
		printf(",\"stable\":%s,\"changes\":%u",
		       result->status == PW_UNSTABLE ? "false" : "true", answer->changes);
}
