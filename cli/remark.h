/* SPDX-License-Identifier: MIT */
/* Remarks that go with an answer: the assumptions that it depends on. */
#ifndef CLI_REMARK_H
#define CLI_REMARK_H

#include "options.h"

/* Says on stderr which assumptions all answers depend on (pw_regime_remark). */
void remark_regime(const struct tool_input *input);

/* Says on stderr, once (*@told_ret), which assumption an answer about @va depends on (pw_address_remark). */
void remark_address(const struct tool_input *input, pw_va va, bool *told_ret);

#endif
