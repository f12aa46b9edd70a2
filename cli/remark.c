/* SPDX-License-Identifier: MIT */
/* Remarks on stderr about the assumptions behind an answer. */
#include "remark.h"

#include "print.h"

void remark_regime(const struct tool_input *input)
{
	char text[PRINT_TEXT];

	/* Not every subcommand has decided on a root. */
	if (input->regime.format && pw_regime_remark(&input->regime, text, sizeof(text)))
		tool_message("%s", text);
}

void remark_address(const struct tool_input *input, pw_va va, bool *told_ret)
{
	char text[PRINT_TEXT];

	if (*told_ret || !pw_address_remark(&input->regime, va, text, sizeof(text)))
		return;
	*told_ret = true;
	tool_message("%s", text);
}
