/* SPDX-License-Identifier: MIT */
/* A client of QEMU's machine protocol (QMP): a line of JSON for each command, and one for its answer. */
#ifndef PW_MEMORY_LIVE_QMP_H
#define PW_MEMORY_LIVE_QMP_H

#include <sys/types.h>

#include "memory/live/wire.h"

struct pw_qmp {
	struct pw_wire wire;
	pid_t process; /* of the program that listens on the socket; 0: not known */
	char version[32]; /* "7.2.22" */
	bool reset, shut_down; /* the machine, since the connection was made */
};

/* Connects to the Unix socket @path and negotiates. Returns 0 or a negative errno and a sentence. */
int pw_qmp_open(struct pw_qmp *qmp, const char *path, struct pw_error *error);
/* The same by TCP; then the process is not known. */
int pw_qmp_open_tcp(struct pw_qmp *qmp, const char *address, struct pw_error *error);
/* Negotiates on qmp->wire, which is connected. The functions above do. */
int pw_qmp_greet(struct pw_qmp *qmp, struct pw_error *error);
void pw_qmp_close(struct pw_qmp *qmp);

/*
 * Takes what has arrived unasked, without waiting: notes whether the machine was reset. Returns 0, or -EPIPE once
 * the other side has closed the connection, or another negative errno.
 */
int pw_qmp_listen(struct pw_qmp *qmp);

/* Runs a command without arguments whose answer says nothing: "stop". */
int pw_qmp_run(struct pw_qmp *qmp, const char *command, struct pw_error *error);
/* Copies the text @key of the answer to @command: "query-status", "status". */
int pw_qmp_text(struct pw_qmp *qmp, const char *command, const char *key, char *text, size_t room,
		struct pw_error *error);
/* Copies the file name of the character device @label; "" if there is none. */
int pw_qmp_chardev(struct pw_qmp *qmp, const char *label, char *text, size_t room,
		   struct pw_error *error);
/*
 * Does the list that answers @command have an element with @key equal to @value? "query-memdev", "id", "ram". A QEMU
 * that does not know the command has none.
 */
int pw_qmp_lists(struct pw_qmp *qmp, const char *command, const char *key, const char *value,
		 bool *lists_ret, struct pw_error *error);
/*
 * Runs a line of the human monitor. @text_ret gets its output, without carriage returns; the caller frees it.
 */
int pw_qmp_monitor(struct pw_qmp *qmp, const char *line, char **text_ret, struct pw_error *error);

#endif
