/* SPDX-License-Identifier: MIT */
/* Assumptions that answers depend on and that were not given, in the words of the format. */
#include <pagewalk/view.h>

#include "format/words.h"

bool pw_regime_remark(const struct pw_regime *regime, char *text, size_t size)
{
	const struct pw_words *words = regime->format->words;

	return words && words->remark && words->remark(regime, text, size);
}

bool pw_address_remark(const struct pw_regime *regime, pw_va va, char *text, size_t size)
{
	const struct pw_words *words = regime->format->words;

	return words && words->remark_at && words->remark_at(regime, va, text, size);
}
