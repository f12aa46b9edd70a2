/* SPDX-License-Identifier: MIT */
/*
 * Delays at the moments when a rule decides between a right and a wrong outcome, for example when an entry
 * was loaded and the page is not taken yet. Such a moment lasts for nanoseconds, and a thread is seldom
 * interrupted just then; with the delays it often is.
 */
#include <unistd.h>

#include "base/mutant.h"
#include "stress.h"

static _Thread_local uint64_t random_bits;

static void delay(enum pw_moment moment)
{
	/* Moments of pages come all the time, those of groups and tables now and then. */
	const bool often = moment == PW_MOMENT_FOLIO_FOUND || moment == PW_MOMENT_FOLIO_TAKEN ||
			   moment == PW_MOMENT_TABLE_FOUND || moment == PW_MOMENT_LEAF_LOADED;
	uint32_t bits;

	if (random_bits == 0)
		random_bits = (uintptr_t)&random_bits;
	random_bits = random_bits * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	bits = (uint32_t)(random_bits >> 40);
	if (bits % (often ? 1024 : 16) == 0)
		usleep(1 + bits / 1024 % 512);
	else if (bits % (often ? 64 : 2) == 0)
		sched_yield();
}

void delay_moments(void)
{
	pw_moment_hook = delay;
}
