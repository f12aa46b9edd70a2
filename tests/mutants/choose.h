/* SPDX-License-Identifier: MIT */
/*
 * For test programs that are built a second time with mutants. PROGRAM [MUTANT [TEST]] runs all tests, or those
 * whose name matches TEST (with * and ?), with that mutant.
 */
#ifndef TESTS_MUTANTS_CHOOSE_H
#define TESTS_MUTANTS_CHOOSE_H

#ifdef PW_MUTANTS_BUILD
void mutant_choose(int argc, char **argv);
#else
static inline void mutant_choose(int argc, char **argv)
{
	(void)argc;
	(void)argv;
}
#endif

#endif
