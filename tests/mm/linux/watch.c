/* SPDX-License-Identifier: MIT */
/*
 * What a busy machine does to a script.
 *
 * It takes long. That is no hang: what counts is time in which the script's processes computed, or all of them slept, and
 * no call came to its end.
 *
 * Its memory has no huge page left for a moment, or compaction holds pages that the script wants to give up.
 */
#include <ctype.h>
#include <dirent.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "check.h"

enum {
	SCRIPT_SECONDS = 15,
	/* Also if the processes only wait for a processor, or for a disk. */
	SECONDS_MOST = 300,
};

/* A group of processes: what all have computed, in clock ticks, and whether one wants to go on. */
struct group {
	uint64_t ticks;
	bool busy;
};

/* Adds a process of the group @id. Its line is "pid (name) state ppid pgrp ...", and the name may have anything in it. */
static void add_process(const char *number, int id, struct group *group)
{
	char path[300], text[1024], state;
	unsigned long long user, system;
	const char *rest;
	int pgrp;
	FILE *in;

	snprintf(path, sizeof path, "/proc/%s/stat", number);
	in = fopen(path, "re");
	if (!in)
		return;
	rest = fgets(text, sizeof text, in) ? strrchr(text, ')') : NULL;
	fclose(in);
	if (!rest ||
	    sscanf(rest, ") %c %*d %d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &state, &pgrp,
		   &user, &system) != 4 ||
	    pgrp != id)
		return;
	group->ticks += user + system;
	group->busy |= state == 'R' || state == 'D';
}

static struct group look_at(int id)
{
	struct group group = { 0 };
	DIR *all = opendir("/proc");
	const struct dirent *entry;

	while (all && (entry = readdir(all)))
		if (isdigit((unsigned char)entry->d_name[0]))
			add_process(entry->d_name, id, &group);
	if (all)
		closedir(all);
	return group;
}

bool watch_ends(int pid, const unsigned *steps)
{
	struct pollfd dead = { .fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN };
	const uint64_t second = (uint64_t)sysconf(_SC_CLK_TCK), most = SCRIPT_SECONDS * second;
	struct group before = { 0 };
	unsigned last = 0;
	uint64_t counted = 0;
	bool ended;

	for (unsigned waited = 0;
	     !(ended = poll(&dead, 1, 1000) > 0) && counted < most && waited < SECONDS_MOST;
	     waited++) {
		const unsigned now = __atomic_load_n(steps, __ATOMIC_RELAXED);
		const struct group group = look_at(pid);

		if (now != last)
			counted = waited = 0;
		else if (!group.busy)
			counted += second;
		else if (group.ticks > before.ticks)
			counted += group.ticks - before.ticks;
		last = now;
		before = group;
	}
	close(dead.fd);
	return ended;
}

uint64_t watch_shortages(void)
{
	static const char *const counted[] = { "thp_fault_fallback %" SCNu64,
					       "thp_collapse_alloc_failed %" SCNu64,
					       "compact_isolated %" SCNu64 };
	FILE *in = fopen("/proc/vmstat", "re");
	uint64_t sum = 0, value;
	char line[128];

	while (in && fgets(line, sizeof line, in))
		for (size_t i = 0; i < sizeof counted / sizeof *counted; i++)
			if (sscanf(line, counted[i], &value) == 1)
				sum += value;
	if (in)
		fclose(in);
	return sum;
}
