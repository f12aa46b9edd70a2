/* SPDX-License-Identifier: MIT */
/* The mutants of src/base/mutants.h by name: what `--mutant` and the statement `mutant` mean. */
#ifndef RACE_SCENE_MUTANTS_H
#define RACE_SCENE_MUTANTS_H

#include "base/mutants.h"

/* PW_MUTANT_NONE: there is none of this name. */
enum pw_mutant scene_mutant(const char *name);
const char *scene_mutant_name(enum pw_mutant mutant);

#endif
