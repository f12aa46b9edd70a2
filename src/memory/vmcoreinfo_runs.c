/* SPDX-License-Identifier: MIT */
/*
 * Is it still the kernel whose VMCOREINFO was found in memory that runs? Another one can be started in its place
 * without a reset (kexec), and no machine tells of that. The signs, from the cheapest on:
 *
 *   the note          its bytes are no longer there
 *   its tables        they no longer map themselves: somebody has written over them
 *   the CPUs' tables  none maps the kernel where it was, if one did when the note was found
 *
 * Costs two reads of memory and a walk; and, of a machine whose registers can be read while it runs, a question.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mutant.h"
#include "memory/vmcoreinfo.h"

enum {
	/* Between the reading of registers and the walk, a process can end: its tables are nobody's then. */
	LOOKS = 3,
	PAUSE_NS = 5 * 1000 * 1000,
};

static bool has_note(const struct pw_memory *memory)
{
	char *now = malloc(memory->vmcoreinfo_bytes);
	bool same;

	/* Without memory, nothing is known against it. */
	if (!now)
		return true;
	same = pw_memory_read(memory, memory->vmcoreinfo_pa, now, memory->vmcoreinfo_bytes) == 0 &&
	       memcmp(now, memory->vmcoreinfo, memory->vmcoreinfo_bytes) == 0;
	free(now);
	return same;
}

/* Does a CPU map the kernel now? Returns 1 or 0, or a negative errno and a sentence. */
static int shown_now(const struct pw_memory *memory, struct pw_error *error)
{
	struct pw_memory *now = pw_memory_new(error);
	int status;

	if (!now)
		return -ENOMEM;
	status = memory->live.cpus(memory->source_context, now, error);
	if (status == 0)
		status = pw_vmcoreinfo_shown(memory, now->cpus, now->cpu_count);
	pw_memory_close(now);
	return status;
}

/* Looks several times. Returns as shown_now. */
static int shown(const struct pw_memory *memory, struct pw_error *error)
{
	const struct timespec pause = { .tv_nsec = PAUSE_NS };
	int status = 0;

	for (unsigned i = 0; i < LOOKS && status == 0; i++) {
		if (i > 0)
			nanosleep(&pause, NULL);
		status = shown_now(memory, error);
	}
	return status;
}

static int fail(const struct pw_memory *memory, const char *sign, struct pw_error *error)
{
	struct pw_kernel kernel;

	pw_memory_kernel(memory, 0, &kernel);
	return pw_fail(
		error, ESTALE,
		"Linux %s, which ran when the machine was opened, no longer does (%s): another "
		"kernel was started in its place, as by kexec",
		kernel.release, sign);
}

int pw_memory_check_kernel(const struct pw_memory *memory, const struct pw_regime *regime,
			   struct pw_error *error)
{
	char sign[80];
	int status;

	if (!memory)
		return pw_fail_null(error, "memory");
	if (!memory->vmcoreinfo || !memory->is_live || memory->vmcoreinfo_pa == 0)
		return 0;
	if (!has_note(memory) || !pw_vmcoreinfo_holds(memory)) {
		snprintf(sign, sizeof(sign), "its %s has been written over",
			 memory->vmcoreinfo_origin);
		return fail(memory, sign, error);
	}
	if (regime && pw_vmcoreinfo_denied(memory, regime))
		return fail(memory, "the root is not one of its", error);
	if (!memory->vmcoreinfo_shown || !memory->live.cpus || pw_mutant(PW_MUTANT_KERNEL_UNASKED))
		return memory->vmcoreinfo_shown;
	status = shown(memory, error);
	return status ? status : fail(memory, "no CPU's tables map it", error);
}
