/* SPDX-License-Identifier: MIT */
/*
 * A connection on which the other side says all of a fuzzer's bytes and then closes. What the code under test
 * sends is read and dropped, so that it never waits.
 */
#ifndef TESTS_FUZZ_WIRE_H
#define TESTS_FUZZ_WIRE_H

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "memory/live/wire.h"

/* Bytes that fit into a socket's buffer. */
enum { FUZZ_WIRE_MOST = 32 << 10 };

struct fuzz_wire {
	int peer;
	pthread_t drain;
};

static inline void *fuzz_wire_drain(void *context)
{
	const struct fuzz_wire *other = context;
	char dropped[4096];

	while (read(other->peer, dropped, sizeof(dropped)) > 0)
		;
	return NULL;
}

static inline void fuzz_wire_open(struct fuzz_wire *other, struct pw_wire *wire, const void *data,
				  size_t size)
{
	int pair[2];

	*wire = (struct pw_wire){ .socket = -1, .name = "input" };
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		abort();
	wire->socket = pair[0];
	other->peer = pair[1];
	if (size > FUZZ_WIRE_MOST)
		size = FUZZ_WIRE_MOST;
	if ((size > 0 && write(other->peer, data, size) != (ssize_t)size) ||
	    shutdown(other->peer, SHUT_WR) ||
	    pthread_create(&other->drain, NULL, fuzz_wire_drain, other))
		abort();
}

/* After the code under test has closed its side. */
static inline void fuzz_wire_close(struct fuzz_wire *other)
{
	pthread_join(other->drain, NULL);
	close(other->peer);
}

/* What the readers of live machines must have made of the input: CPUs that can be shown, and no more of them. */
static inline void fuzz_wire_check(const struct pw_memory *memory, size_t most)
{
	const struct pw_cpu *cpus;
	size_t count = pw_memory_cpus(memory, &cpus);

	if (count > most)
		abort();
	for (size_t i = 0; i < count; i++)
		if (cpus[i].roots > PW_MAX_ROOTS || (cpus[i].roots > 0 && !cpus[i].format) ||
		    strnlen(cpus[i].origin, sizeof(cpus[i].origin)) == sizeof(cpus[i].origin))
			abort();
}

#endif
