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
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	PATIENCE = 120, /* seconds for an answer: the machine may be busy */
	QUIET = 5, /* seconds of silence, where the answer is not known */
};

/* Does the stream of bytes have @words, of which *matched were seen? Their first character is in them only once. */
static bool hears(const char *words, const char *heard, size_t bytes, size_t *matched)
{
	for (size_t i = 0; i < bytes; i++) {
		if (heard[i] != words[*matched])
			*matched = 0;
		if (heard[i] == words[*matched])
			(*matched)++;
		if (words[*matched] == '\0')
			return true;
	}
	return false;
}

/*
 * A connection that is closed at once loses the message. So this waits for the answer, or for silence: what
 * arrives first may be old.
 */
static void wait_for_answer(int socket, const char *words)
{
	const int quiet = 1000 * (words ? PATIENCE : QUIET);
	struct pollfd answer = { .fd = socket, .events = POLLIN };
	size_t matched = 0;
	char heard[1024];

	for (unsigned i = 0; i < 10000 && poll(&answer, 1, quiet) == 1; i++) {
		ssize_t got = recv(socket, heard, sizeof(heard), MSG_DONTWAIT);

		if (got <= 0 || (words && hears(words, heard, (size_t)got, &matched)))
			return;
	}
}

static void guard(int pipe, int socket, const struct pw_guardian_words *words)
{
	const size_t bytes = strlen(words->message);
	char byte;
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
	/* Who reads what the process wrote need not wait any longer. */
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		if (fd != socket)
			close(fd);
	if (send(socket, words->message, bytes, MSG_NOSIGNAL) == (ssize_t)bytes)
		wait_for_answer(socket, words->answer);
	_exit(0);
}

int pw_guardian_start(struct pw_guardian *guardian, int socket,
		      const struct pw_guardian_words *words)
{
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
		guard(ends[0], socket, words);
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
