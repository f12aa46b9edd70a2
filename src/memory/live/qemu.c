/* SPDX-License-Identifier: MIT */
/*
 * qemu:SOCKET and qemu:PID, a running QEMU. QMP tells the machine's memory and registers; the bytes come from
 * QEMU's process: its shared files are mapped, other memory is copied. Costs no memory but the mappings.
 */
#include "memory/live/qemu.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/names.h"

static int fetch(void *context, pw_pa pa, void *buffer, size_t bytes)
{
	const struct pw_qemu *qemu = context;
	const struct pw_ram_block *block = pw_ram_block(&qemu->ram, pa);
	int status;

	if (!block || bytes - 1 > block->last - pa)
		return -ENODATA;
	status = pw_process_read(qemu->process.id, block->address + (pa - block->first), buffer,
				 bytes);
	return status == -EFAULT ? -ENODATA : status ? -EIO : 0;
}

static bool has_ended(const struct pw_qemu *qemu)
{
	struct pollfd process = { .fd = qemu->handle, .events = POLLIN };

	return qemu->handle >= 0 && poll(&process, 1, 0) == 1;
}

/* Is this still the machine that was opened? What QEMU said unasked tells, and whether it is there at all. */
static int check(void *context, struct pw_error *error)
{
	struct pw_qemu *qemu = context;
	bool reset, shut_down;
	int status;

	pthread_mutex_lock(&qemu->listening);
	status = pw_qmp_listen(&qemu->qmp);
	reset = qemu->qmp.reset;
	shut_down = qemu->qmp.shut_down;
	pthread_mutex_unlock(&qemu->listening);
	if (has_ended(qemu))
		return pw_fail(
			error, EIO,
			"QEMU (process %d) has ended; the last results may be of memory that "
			"it no longer had",
			(int)qemu->process.id);
	if (reset)
		return pw_fail(
			error, ESTALE,
			"the machine was reset, as by a reboot, after it had been opened: its "
			"roots and tables are no longer those that are read");
	if (shut_down)
		return pw_fail(error, EIO,
			       "the machine has shut down; the last results may be of tables that "
			       "nobody uses any more");
	if (status)
		return pw_fail(error, EIO,
			       "QEMU closed the connection (%s): it is about to end, or has given "
			       "the socket to another program; the last results may be of memory "
			       "that it no longer had",
			       qemu->qmp.wire.name);
	return 0;
}

/*
 * The roots at the moment of the stop take the place of those that were read when the source was opened. Other
 * lines, such as the kernel's own, stay behind them.
 */
static int read_cpus_again(struct pw_qemu *qemu, struct pw_error *error)
{
	struct pw_memory *memory = qemu->memory;
	size_t others = memory->cpu_count - qemu->cpus;
	struct pw_cpu *rest = calloc(others + 1, sizeof(*rest));
	int status;

	if (!rest)
		return pw_fail(error, ENOMEM, "out of memory");
	if (others > 0)
		memcpy(rest, memory->cpus + qemu->cpus, others * sizeof(*rest));
	free(memory->cpus);
	memory->cpus = NULL;
	memory->cpu_count = 0;
	qemu->runs = false;
	status = pw_qemu_add_cpus(qemu, error);
	qemu->cpus = memory->cpu_count;
	for (size_t i = 0; i < others && status == 0; i++) {
		struct pw_cpu *cpu = pw_memory_add_cpu(memory);

		if (!cpu)
			status = pw_fail(error, ENOMEM, "out of memory");
		else
			*cpu = rest[i];
	}
	free(rest);
	return status;
}

static int stop(void *context, struct pw_error *error)
{
	static const struct pw_guardian_words run = {
		.message = "\xff{\"execute\":\"cont\",\"id\":\"pagewalk-guardian\"}\n",
		.answer = "\"pagewalk-guardian",
	};
	struct pw_qemu *qemu = context;
	char state[32];
	int status = pw_qmp_text(&qemu->qmp, "query-status", "status", state, sizeof(state), error);

	/* One that was paused before stays so afterwards. */
	if (status || strcmp(state, "running") != 0 || qemu->stopped)
		return status;
	status = pw_guardian_start(&qemu->guardian, qemu->qmp.wire.socket, &run);
	if (status)
		return pw_fail(error, -status,
			       "no process can be started that would let the guest run on if this "
			       "one ended: %s",
			       strerror(-status));
	status = pw_qmp_run(&qemu->qmp, "stop", error);
	qemu->stopped = status == 0;
	if (status) {
		pw_guardian_end(&qemu->guardian);
		return status;
	}
	return read_cpus_again(qemu, error);
}

static int resume(void *context, struct pw_error *error)
{
	struct pw_qemu *qemu = context;
	int status;

	if (!qemu->stopped)
		return 0;
	qemu->stopped = false;
	status = pw_qmp_run(&qemu->qmp, "cont", error);
	pw_guardian_end(&qemu->guardian);
	return status;
}

static void release(void *context)
{
	struct pw_qemu *qemu = context;
	struct pw_error ignored;

	resume(qemu, &ignored);
	pw_qmp_close(&qemu->qmp);
	pw_process_close(&qemu->process);
	pw_ram_free(&qemu->ram);
	if (qemu->handle >= 0)
		close(qemu->handle);
	pthread_mutex_destroy(&qemu->listening);
	free(qemu);
}

static void set_title(const struct pw_qemu *qemu, const char *state)
{
	char mapped[PW_SIZE_TEXT], copied[PW_SIZE_TEXT], ram[64];

	if (qemu->ram.copied == 0)
		snprintf(ram, sizeof(ram), "RAM mapped (%s shared)",
			 pw_size_text(qemu->ram.mapped - 1, mapped));
	else if (qemu->ram.mapped == 0)
		snprintf(ram, sizeof(ram), "RAM copied (%s not shared)",
			 pw_size_text(qemu->ram.copied - 1, copied));
	else
		snprintf(ram, sizeof(ram), "%s of RAM mapped, %s copied",
			 pw_size_text(qemu->ram.mapped - 1, mapped),
			 pw_size_text(qemu->ram.copied - 1, copied));
	snprintf(qemu->memory->title, sizeof(qemu->memory->title),
		 "QEMU %.20s, %s, %.16s, process %d, %s", qemu->qmp.version, qemu->machine, state,
		 (int)qemu->process.id, ram);
}

/* Can this process copy from QEMU? Asked at once, so that the reason can be told. */
static int try_copy(const struct pw_qemu *qemu, struct pw_error *error)
{
	for (size_t i = 0; i < qemu->ram.count; i++) {
		unsigned char byte;
		int status;

		if (qemu->ram.blocks[i].host)
			continue;
		status = pw_process_read(qemu->process.id, qemu->ram.blocks[i].address, &byte, 1);
		return status ? pw_process_fail(qemu->process.id, status, PW_PROCESS_QEMU, error)
			      : 0;
	}
	return 0;
}

static int learn(struct pw_qemu *qemu, struct pw_error *error)
{
	char state[32];
	int status;

	if (qemu->process.id <= 0)
		return pw_fail(
			error, ENOTSUP,
			"%s is the socket of a QEMU whose process cannot be seen from here (another "
			"container, or a connection by TCP); run pagewalk where QEMU runs",
			qemu->qmp.wire.name);
	status = pw_qmp_text(&qemu->qmp, "query-target", "arch", qemu->machine,
			     sizeof(qemu->machine), error);
	if (status == 0)
		status = pw_qmp_text(&qemu->qmp, "query-status", "status", state, sizeof(state),
				     error);
	if (status)
		return status;
	qemu->runs = strcmp(state, "running") == 0;
	qemu->handle = (int)syscall(SYS_pidfd_open, qemu->process.id, 0);
	status = pw_process_open(&qemu->process, qemu->process.id, PW_PROCESS_QEMU, error);
	if (status == 0)
		status = pw_ram_find(&qemu->ram, &qemu->qmp, &qemu->process, qemu->memory, error);
	if (status == 0)
		status = try_copy(qemu, error);
	if (status == 0)
		status = pw_qemu_add_cpus(qemu, error);
	if (status)
		return status;
	qemu->cpus = qemu->memory->cpu_count;
	set_title(qemu, state);
	if (qemu->ram.copied > 0 && qemu->ram.mapped == 0)
		pw_memory_add_remark(
			qemu->memory,
			"QEMU does not share its RAM, so it is copied piece by piece. Started with -object "
			"memory-backend-memfd,id=ram,size=SIZE,share=on -machine memory-backend=ram, it "
			"would be mapped, which is much faster");
	return 0;
}

/* An address is "unix:PATH", "tcp:HOST:PORT", or a path. */
static int connect_to(struct pw_qemu *qemu, const char *address, struct pw_error *error)
{
	if (strncmp(address, "tcp:", 4) == 0)
		return pw_qmp_open_tcp(&qemu->qmp, address + 4, error);
	if (strncmp(address, "unix:", 5) == 0)
		address += 5;
	return pw_qmp_open(&qemu->qmp, address, error);
}

const char pw_memory_qemu_kind[] = "qemu:SOCKET or PID";

int pw_memory_read_qemu(struct pw_memory *memory, const char *name, struct pw_error *error)
{
	bool number = name[0] && name[strspn(name, "0123456789")] == '\0' && strlen(name) < 9;
	pid_t process = number ? (pid_t)strtoul(name, NULL, 10) : 0;
	char address[200];
	struct pw_qemu *qemu;
	int status;

	if (name[0] == '\0')
		return pw_fail(
			error, EINVAL,
			"give the socket of QEMU's option -qmp, or the number of its process: "
			"qemu:SOCKET or qemu:PID");
	if (number) {
		status = pw_qemu_find_socket(process, address, sizeof(address), error);
		if (status)
			return status;
	}
	qemu = calloc(1, sizeof(*qemu));
	if (!qemu)
		return pw_fail(error, ENOMEM, "out of memory");
	qemu->memory = memory;
	qemu->handle = -1;
	status = connect_to(qemu, number ? address : name, error);
	if (status) {
		free(qemu);
		return status;
	}
	pthread_mutex_init(&qemu->listening, NULL);
	qemu->process.id = number ? process : qemu->qmp.process;
	memory->source = fetch;
	memory->source_context = qemu;
	memory->release = release;
	memory->is_live = true;
	memory->live = (struct pw_live){ .stop = stop, .resume = resume, .check = check };
	return learn(qemu, error);
}
