/* SPDX-License-Identifier: MIT */
/*
 * The guardian waits at a pipe whose other end only this process has. A byte means that all is well; the end
 * of the pipe means that this process has ended. It runs between fork and _exit, so it calls only functions
 * that are async-signal-safe.
 */
#include "memory/live/guardian.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static void guard(int pipe, int socket, const char *message, size_t bytes)
{
	struct pollfd answer = { .fd = socket, .events = POLLIN };
	char byte, heard[1024];
	ssize_t got;

	/* What Ctrl-C and a closed terminal send to the whole group must not end the guardian first. */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	do
		got = read(pipe, &byte, 1);
	while (got < 0 && errno == EINTR);
	if (got == 1)
		_exit(0);
	/*
	 * A connection that is closed at once loses the message. What arrives first may be old, so this waits
	 * until nothing has come for a while.
	 */
	if (send(socket, message, bytes, MSG_NOSIGNAL) == (ssize_t)bytes)
		for (unsigned i = 0; i < 100 && poll(&answer, 1, 1000) == 1; i++)
			if (recv(socket, heard, sizeof(heard), MSG_DONTWAIT) <= 0)
				break;
	_exit(0);
}

int pw_guardian_start(struct pw_guardian *guardian, int socket, const char *message)
{
	size_t bytes = strlen(message);
	int ends[2];
	pid_t child;

	guardian->child = 0;
	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	child = fork();
	if (child < 0) {
		int code = errno;

		close(ends[0]);
		close(ends[1]);
		return -code;
	}
	if (child == 0) {
		close(ends[1]);
		guard(ends[0], socket, message, bytes);
	}
	close(ends[0]);
	guardian->child = child;
	guardian->pipe = ends[1];
	return 0;
}

void pw_guardian_end(struct pw_guardian *guardian)
{
	pid_t ended;

	if (guardian->child == 0)
		return;
	while (write(guardian->pipe, "", 1) < 0 && errno == EINTR)
		;
	close(guardian->pipe);
	do
		ended = waitpid(guardian->child, NULL, 0);
	while (ended < 0 && errno == EINTR);
	guardian->child = 0;
}
