/* SPDX-License-Identifier: MIT */
/*
 * gdb:HOST:PORT and gdb:SOCKET, a machine behind a gdb stub: memory and registers through packets alone. The
 * machine stands still while the source is open, and each piece of memory is a question and an answer: slow,
 * but it works wherever there is a stub. Costs no memory.
 *
 * A stub does not say where memory is. So all of the physical address space is one segment, and reads of
 * addresses that the stub refuses fail.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory/live/cpus.h"
#include "memory/live/guardian.h"
#include "memory/live/stub.h"

struct remote {
	struct pw_stub stub;
	pthread_mutex_t lock; /* one question at a time */
	struct pw_guardian guardian;
};

static int fetch(void *context, pw_pa pa, void *buffer, size_t bytes)
{
	struct remote *remote = context;
	int status;

	pthread_mutex_lock(&remote->lock);
	status = pw_stub_read(&remote->stub, pa, buffer, bytes);
	pthread_mutex_unlock(&remote->lock);
	return status && status != -ENODATA ? -EIO : status;
}

static int check(void *context, struct pw_error *error)
{
	const struct remote *remote = context;

	return remote->stub.broken ? pw_wire_fail(&remote->stub.wire, remote->stub.broken,
						  "answered as a gdb stub", error)
				   : 0;
}

static void release(void *context)
{
	struct remote *remote = context;

	pw_stub_close(&remote->stub, true);
	pw_guardian_end(&remote->guardian);
	pthread_mutex_destroy(&remote->lock);
	free(remote);
}

static bool get(void *context, const char *name, uint64_t *value_ret)
{
	return pw_stub_register(context, name, value_ret);
}

static int add_cpus(struct remote *remote, struct pw_memory *memory, const char *machine,
		    struct pw_error *error)
{
	enum { MOST = 512 };
	char(*names)[24] = calloc(MOST, sizeof(*names));
	size_t count = names ? pw_stub_threads(&remote->stub, names, MOST) : 0;
	int status = names ? 0 : pw_fail(error, ENOMEM, "out of memory");

	for (size_t i = 0; i < count && status == 0; i++) {
		struct pw_live_cpu cpu = {
			.get = get,
			.context = &remote->stub,
			.id = (unsigned)i,
			.from = "gdb stub",
		};

		status = pw_stub_select(&remote->stub, names[i], error);
		if (status == 0)
			status = pw_live_add_cpu(memory, machine, &cpu, error);
		if (status == 0 && remote->stub.broken)
			status = pw_wire_fail(&remote->stub.wire, remote->stub.broken,
					      "answered as a gdb stub", error);
	}
	free(names);
	return status;
}

static int learn(struct remote *remote, struct pw_memory *memory, struct pw_wire *wire,
		 struct pw_error *error)
{
	const char *machine;
	int status;

	pw_guardian_start(&remote->guardian, wire->socket, &pw_stub_leave);
	status = pw_stub_open(&remote->stub, wire, error);
	if (status)
		return status;
	if (!remote->stub.physical)
		return pw_fail(
			error, ENOTSUP,
			"the stub at %s (%s) does not read physical memory, only what its CPU sees; "
			"pagewalk needs one that knows Qqemu.PhyMemMode, as QEMU's does",
			remote->stub.wire.name, remote->stub.architecture);
	machine = pw_live_machine(remote->stub.architecture);
	snprintf(memory->title, sizeof(memory->title), "gdb stub, %s, stopped, %.60s",
		 machine ? machine : "unknown", remote->stub.wire.name);
	status = add_cpus(remote, memory, machine ? machine : "", error);
	if (status)
		return status;
	pw_memory_add_remark(memory,
			     "the machine stands still while it is read through its gdb stub, "
			     "and runs on afterwards, also if it was stopped before");
	return pw_memory_add_segment(memory, 0, (UINT64_C(1) << 52) - 1, NULL, error);
}

int pw_memory_read_gdb(struct pw_memory *memory, const char *name, struct pw_error *error)
{
	struct remote *remote;
	struct pw_wire wire;
	int status;

	if (name[0] == '\0')
		return pw_fail(error, EINVAL,
			       "give the stub's address: gdb:HOST:PORT, as in "
			       "gdb:localhost:1234, or gdb:SOCKET");
	status = strchr(name, '/') ? pw_wire_unix(&wire, name, error)
				   : pw_wire_tcp(&wire, name, error);
	if (status)
		return status;
	remote = calloc(1, sizeof(*remote));
	if (!remote) {
		pw_wire_close(&wire);
		return pw_fail(error, ENOMEM, "out of memory");
	}
	pthread_mutex_init(&remote->lock, NULL);
	remote->stub.wire.socket = -1;
	memory->source = fetch;
	memory->source_context = remote;
	memory->release = release;
	memory->slow = true;
	memory->live = (struct pw_live){ .check = check };
	return learn(remote, memory, &wire, error);
}
