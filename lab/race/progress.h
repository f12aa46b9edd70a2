/* SPDX-License-Identifier: MIT */
/* How far a search is, on a terminal; its end by Ctrl-C; and the process that it has to itself. */
#ifndef RACE_PROGRESS_H
#define RACE_PROGRESS_H

#include <sys/types.h>

#include "lab/race/report.h"

/* From now on Ctrl-C ends searches, and not the program. A second Ctrl-C ends both. */
void race_watch_interrupts(void);
/* Was there a Ctrl-C? */
bool race_interrupted(void);

/* A process for one search: what the search leaves behind does not reach the next one. It ends with its parent. */
pid_t race_fork(void);
/* Waits until the process has ended, and passes Ctrl-C on. False if that is impossible. */
bool race_wait(pid_t child, int *status_ret);

/* The call of struct race_search. */
bool race_progress(void *context, const struct pw_lab_result *result);
/* Around a search; the second one removes the line. */
void race_progress_begin(void);
void race_progress_end(void);

#endif
