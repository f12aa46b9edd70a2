/* SPDX-License-Identifier: MIT */
/*
 * A client of gdb's remote protocol: QEMU's stub, OpenOCD, kgdb. A stub stops the machine while somebody is
 * connected; pw_stub_close lets it run on.
 */
#ifndef PW_MEMORY_LIVE_STUB_H
#define PW_MEMORY_LIVE_STUB_H

#include "memory/live/guardian.h"
#include "memory/live/wire.h"

struct pw_stub_register {
	char name[24];
	unsigned number, bytes;
};

struct pw_stub {
	struct pw_wire wire;
	size_t packet; /* bytes of a packet that the stub takes */
	struct pw_stub_register *registers;
	size_t count;
	char architecture[24]; /* of the target description: "aarch64", "s390:64-bit" */
	int broken; /* the status of a question that got no answer; from then on none is asked */
	bool physical; /* addresses are physical ones: QEMU's PhyMemMode */
	char *answer; /* to the last question, ended by a NUL */
	size_t answer_bytes, room;
};

/* Take over the connected @wire; read the target's description. Returns 0 or a negative errno and a sentence. */
int pw_stub_open(struct pw_stub *stub, struct pw_wire *wire, struct pw_error *error);
/* With @detach, tells the stub to let the machine run. */
void pw_stub_close(struct pw_stub *stub, bool detach);

/* Sends a packet and receives the answer, which is in stub->answer. */
int pw_stub_ask(struct pw_stub *stub, const char *packet, struct pw_error *error);

/* The threads' names, as the stub writes them (for QEMU, each is a CPU); at most @most. Returns their number. */
size_t pw_stub_threads(struct pw_stub *stub, char (*name)[24], size_t most);
/* Makes later questions about registers questions about this thread. */
int pw_stub_select(struct pw_stub *stub, const char *thread, struct pw_error *error);

/* Reads a register of up to 8 bytes. False: the stub does not have it, or does not tell it. */
bool pw_stub_register(struct pw_stub *stub, const char *name, uint64_t *value_ret);

/* Copies memory. Returns 0, -ENODATA where the stub has none, or another negative errno. */
int pw_stub_read(struct pw_stub *stub, uint64_t address, void *buffer, size_t bytes);

/* ---- target.c ---- */

/* Reads the registers of a description in XML. @number is the next register's; returns it or -ENOMEM. */
int pw_stub_describe(struct pw_stub *stub, const char *xml, int number);

/* Detaches, so that the machine runs on. "+" acknowledges an answer that may be under way. */
extern const struct pw_guardian_words pw_stub_leave;

#endif
