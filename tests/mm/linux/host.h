/* SPDX-License-Identifier: MIT */
/* What the host's side shares with its children. */
#ifndef CHECK_LINUX_HOST_H
#define CHECK_LINUX_HOST_H

#include "check.h"

/*
 * A child, in memory that all of them share. @asked counts calls that it was given, @answered those that it has
 * made: futexes. They pair by release and acquire.
 */
struct host_process {
	uint32_t asked, answered;
	int pid;
	struct call call;
	struct answer answer;
};

/* Waits until *@word is not @old; a child that nobody asks any more ends. */
void host_wait(const uint32_t *word, uint32_t old);
void host_wake(uint32_t *word);

#endif
