/* SPDX-License-Identifier: MIT */
/* The mutant of the laboratory whose number stands in PW_RACE_MUTANT. */
#include <stdlib.h>

#include "lab/race/mutant.h"

enum race_mutant race_mutant_chosen;

__attribute__((constructor)) static void choose(void)
{
	const char *number = getenv("PW_RACE_MUTANT");

	if (number)
		race_mutant_chosen = (enum race_mutant)strtoul(number, NULL, 10);
}
