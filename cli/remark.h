/* SPDX-License-Identifier: MIT */
/* Remarks about what an answer depends on that are worth making beside it. */
#ifndef CLI_REMARK_H
#define CLI_REMARK_H

#include "options.h"

/* Says on stderr what all answers depend on and nobody said (pw_regime_remark). */
void remark_regime(const struct tool_input *input);

/* Says on stderr, once (*@told_ret), what an answer about @va depends on (pw_address_remark). */
void remark_address(const struct tool_input *input, pw_va va, bool *told_ret);

#endif
