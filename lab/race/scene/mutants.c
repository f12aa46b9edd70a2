/* SPDX-License-Identifier: MIT */
/* The mutants by name, and the choice of one, which the instrumented library looks at. */
#include <string.h>

#include "base/mutant.h"
#include "lab/race/scene/mutants.h"

enum pw_mutant pw_mutant_chosen;
void (*pw_moment_hook)(enum pw_moment moment);

static const char *const names[] = {
#include "names.h"
};
_Static_assert(sizeof(names) / sizeof(names[0]) == PW_MUTANTS, "names.py has read the enum");

enum pw_mutant scene_mutant(const char *name)
{
	for (unsigned i = 1; i < PW_MUTANTS; i++)
		if (strcmp(names[i], name) == 0)
			return (enum pw_mutant)i;
	return PW_MUTANT_NONE;
}

const char *scene_mutant_name(enum pw_mutant mutant)
{
	return names[mutant];
}
