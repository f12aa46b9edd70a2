/* SPDX-License-Identifier: MIT */
/* What has gone wrong in a run: the first finding counts. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "lab/race/race.h"

static char sentence[256];

static void note(enum pw_lab_finding finding, const char *format, va_list arguments)
{
	if (race.failure)
		return;
	vsnprintf(sentence, sizeof(sentence), format, arguments);
	race.failure = sentence;
	race.finding = finding;
}

void race_note(enum pw_lab_finding finding, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	note(finding, format, arguments);
	va_end(arguments);
}

void race_fail(enum pw_lab_finding finding, const char *format, ...)
{
	va_list arguments;

	race_on = false;
	va_start(arguments, format);
	note(finding, format, arguments);
	va_end(arguments);
	race_fiber_switch(race.thread, -1);
	abort();
}

void pw_lab_fail(const char *format, ...)
{
	va_list arguments;
	bool inside = race.thread >= 0 && race_on;

	race_on = false;
	va_start(arguments, format);
	note(PW_LAB_CHECK, format, arguments);
	va_end(arguments);
	if (inside)
		race_fiber_switch(race.thread, -1);
}
