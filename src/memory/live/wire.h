/* SPDX-License-Identifier: MIT */
/*
 * A connection to a program that may be dead, silent or something else than expected: a Unix socket or TCP.
 * Every wait ends at a deadline, and every message has a bounded length.
 */
#ifndef PW_MEMORY_LIVE_WIRE_H
#define PW_MEMORY_LIVE_WIRE_H

#include "memory/memory.h"

enum {
	PW_WIRE_SECONDS = 5, /* for each question and its answer */
	PW_WIRE_MESSAGE = 16 << 20, /* bytes; longer ones are refused */
};

struct pw_wire {
	int socket; /* -1: not connected */
	char name[160]; /* of the other side, for messages */
	char *bytes; /* received, not yet taken: part of `buffer` */
	size_t count;
	char *buffer;
	size_t room; /* of `buffer` */
	double deadline; /* of CLOCK_MONOTONIC, in seconds */
};

/* Connects to the Unix socket @path. Returns 0 or a negative errno and a sentence. */
int pw_wire_unix(struct pw_wire *wire, const char *path, struct pw_error *error);
/* Connects to "HOST:PORT" by TCP. HOST may be empty: this machine. */
int pw_wire_tcp(struct pw_wire *wire, const char *address, struct pw_error *error);
void pw_wire_close(struct pw_wire *wire);

/* From now on, the other side has @seconds for what is sent and received. */
void pw_wire_start(struct pw_wire *wire, double seconds);

/*
 * These return 0, -ETIMEDOUT, -EPIPE if the other side closed the connection, -EMSGSIZE for a message that
 * is too long, or another negative errno. They write no sentence: pw_wire_fail does.
 */
int pw_wire_send(struct pw_wire *wire, const void *bytes, size_t count);
/* Receives until there are bytes that have not been taken. */
int pw_wire_more(struct pw_wire *wire);
/* Would pw_wire_more return at once: is there something to receive, or the end? */
bool pw_wire_has(const struct pw_wire *wire);
/* Drops the first @count of the received bytes. */
void pw_wire_take(struct pw_wire *wire, size_t count);

/* Is @path a socket of libvirt's, which serves libvirt alone? Then what to do instead, in sentences. */
bool pw_wire_is_libvirt(const char *path);
extern const char pw_wire_libvirt[];

/* A sentence about a status of the functions above; @doing: "answered query-status". Returns @status. */
int pw_wire_fail(const struct pw_wire *wire, int status, const char *doing, struct pw_error *error);

#endif
