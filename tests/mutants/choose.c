/* SPDX-License-Identifier: MIT */
/* Chooses the mutant of this process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mutant.h"
#include "choose.h"

enum { LONGEST_S = 60 }; /* a program with a broken rule may wait forever */

static const char *const names[] = {
#include "names.h"
};
_Static_assert(sizeof(names) / sizeof(names[0]) == PW_MUTANTS, "names.py has read the enum");

enum pw_mutant pw_mutant_chosen;
void (*pw_moment_hook)(enum pw_moment moment);

void mutant_choose(int argc, char **argv)
{
	unsigned i = 0;

	if (argc < 2)
		return;
	while (i < PW_MUTANTS && strcmp(names[i], argv[1]) != 0)
		i++;
	if (i == PW_MUTANTS) {
		/* Exits with success, because the caller expects a failure. */
		fprintf(stderr, "no mutant is called %s\n", argv[1]);
		exit(0);
	}
	pw_mutant_chosen = (enum pw_mutant)i;
	if (argc > 2)
		cmocka_set_test_filter(argv[2]);
	if (i != PW_MUTANT_NONE)
		alarm(LONGEST_S);
}
