/* SPDX-License-Identifier: MIT */
/*
 * A host's side that makes mistakes on purpose: it makes another call than it was asked for, or answers another
 * thing. The comparison must find each, and shrink the script to few calls.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "check.h"

struct broken {
	struct side sound;
	unsigned which;
};

static const char *const NAME[] = {
	"munmap of several pages leaves the last",
	"mremap forgets MREMAP_DONTUNMAP",
	"a child's writes are lost",
	"errors of mprotect are EINVAL",
	"faults have no address",
	"a private mapping is shared",
	"VMAs lose their last page in maps",
	"guard pages are only emptied",
};

unsigned broken_count(void)
{
	return sizeof NAME / sizeof *NAME;
}

const char *broken_name(unsigned which)
{
	return NAME[which];
}

static void break_call(unsigned which, struct call *call)
{
	uint64_t *arg = call->arg;

	if (which == 0 && call->kind == CALL_MUNMAP && arg[1] > 4096 && arg[1] <= WINDOW_BYTES)
		arg[1] -= 4096;
	if (which == 1 && call->kind == CALL_MREMAP)
		arg[3] &= ~(uint64_t)MREMAP_DONTUNMAP;
	if (which == 2 && call->kind == CALL_WRITE && call->process > 0)
		call->kind = CALL_READ;
	if (which == 5 && call->kind == CALL_MMAP && (arg[3] & MAP_PRIVATE) && arg[4] != NO_FILE)
		arg[3] ^= MAP_PRIVATE | MAP_SHARED;
	if (which == 7 && call->kind == CALL_MADVISE && arg[2] == 102)
		arg[2] = MADV_DONTNEED;
}

static void broken_call(struct side *side, const struct call *call, struct answer *answer)
{
	struct broken *broken = side->inside;
	struct call other = *call;

	break_call(broken->which, &other);
	broken->sound.call(&broken->sound, &other, answer);
	if (broken->which == 3 && call->kind == CALL_MPROTECT && answer->result < 0)
		answer->result = -22;
	if (broken->which == 4)
		answer->fault = 0;
}

static void broken_look(struct side *side, unsigned process, bool flags, struct view *view)
{
	struct broken *broken = side->inside;

	broken->sound.look(&broken->sound, process, flags, view);
	if (broken->which == 6)
		for (unsigned i = 0; i < view->vmas; i++)
			view->vma[i].end -= 4096;
}

static void broken_stop(struct side *side)
{
	struct broken *broken = side->inside;

	broken->sound.stop(&broken->sound);
	free(broken);
}

void broken_start(struct side *side, unsigned which)
{
	struct broken *broken = malloc(sizeof *broken);

	broken->sound = *side;
	broken->which = which;
	*side = (struct side){ .name = NAME[which],
			       .inside = broken,
			       .call = broken_call,
			       .look = broken_look,
			       .stop = broken_stop };
}
