/* SPDX-License-Identifier: MIT */
/*
 * A child process that lets a stopped machine run again, if this process ends before it could do so: by a
 * signal that cannot be caught, or by a crash.
 */
#ifndef PW_MEMORY_LIVE_GUARDIAN_H
#define PW_MEMORY_LIVE_GUARDIAN_H

#include <sys/types.h>

struct pw_guardian {
	pid_t child; /* 0: none */
	int pipe;
};

/* What the guardian says. */
struct pw_guardian_words {
	const char *message;
	const char *answer; /* contained in the answer to it, and in no other; NULL: not known */
};

/*
 * From now on, the end of this process makes the guardian send words->message through @socket. Returns 0 or
 * a negative errno.
 */
int pw_guardian_start(struct pw_guardian *guardian, int socket,
		      const struct pw_guardian_words *words);
/* The machine runs again: ends the guardian. */
void pw_guardian_end(struct pw_guardian *guardian);

#endif
