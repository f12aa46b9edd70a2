/* SPDX-License-Identifier: MIT */
/*
 * The registers of a running QEMU's CPUs. Where the monitor shows the roots (`info registers -a`), it is
 * asked: this does not stop the guest. It does not show those of arm and arm64. There the gdb stub is asked,
 * and stops the guest for some milliseconds; if QEMU has none, one is started, and ended afterwards.
 */
#include "memory/live/qemu.h"

#include <ctype.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memory/live/cpus.h"
#include "memory/live/stub.h"

/* ---- by the monitor ---- */

/* What the monitor says of one CPU. */
struct section {
	const char *start, *end;
	bool s390;
};

/* Finds "word" at the start of a line or after a blank; returns what follows it, or NULL. */
static const char *find_word(const struct section *section, const char *word)
{
	size_t length = strlen(word);

	for (const char *at = section->start; at + length < section->end; at++)
		if (isspace((unsigned char)at[-1]) && strncmp(at, word, length) == 0)
			return at + length;
	return NULL;
}

static bool get_from_text(void *context, const char *name, uint64_t *value_ret)
{
	const struct section *section = context;
	char word[24];
	const char *at;
	unsigned long long value;
	unsigned number;

	if (strcmp(name, PW_LIVE_IDT_LIMIT) == 0) {
		at = find_word(section, "IDT=");
		if (!at || sscanf(at, "%*16x %16llx", &value) != 1)
			return false;
		*value_ret = value;
		return true;
	}
	snprintf(word, sizeof(word), "%s ", name);
	at = find_word(section, word);
	if (!at && section->s390 && sscanf(name, "cr%u", &number) == 1) {
		snprintf(word, sizeof(word), "C%02u=", number % 100);
		at = find_word(section, word);
	} else if (!at) {
		snprintf(word, sizeof(word), "%s=", name);
		for (char *c = word; *c; c++)
			*c = (char)toupper((unsigned char)*c);
		at = find_word(section, word);
	}
	if (!at || sscanf(at, "%16llx", &value) != 1)
		return false;
	*value_ret = value;
	return true;
}

/* The next CPU's title, which begins a line; powerpc has its name once more behind registers. NULL: there is none. */
static const char *find_cpu(const char *text, const char *from)
{
	const char *at = from;

	while ((at = strstr(at, "CPU#")) && at > text && at[-1] != '\n')
		at++;
	return at;
}

/* Adds the CPUs to @memory. */
static int ask_monitor(struct pw_qemu *qemu, struct pw_memory *memory, struct pw_error *error)
{
	char *text;
	const char *at;
	int status = pw_qmp_monitor(&qemu->qmp, "info registers -a", &text, error);

	if (status)
		return status;
	for (at = find_cpu(text, text); at && status == 0;) {
		const char *next = find_cpu(text, at + 1);
		struct section section = { .start = at + 1, .end = next ? next : at + strlen(at) };
		struct pw_live_cpu cpu = {
			.get = get_from_text,
			.context = &section,
			.id = (unsigned)strtoul(at + 4, NULL, 10) & 0xffff,
			.from = "monitor",
		};

		section.s390 = strcmp(qemu->machine, "s390x") == 0;
		status = pw_live_add_cpu(memory, qemu->machine, &cpu, error);
		at = next;
	}
	free(text);
	return status;
}

/* ---- by the stub ---- */

static bool get_from_stub(void *context, const char *name, uint64_t *value_ret)
{
	return pw_stub_register(context, name, value_ret);
}

static int read_stub(struct pw_qemu *qemu, struct pw_stub *stub, struct pw_error *error)
{
	enum { MOST = 512 };
	char(*names)[24] = calloc(MOST, sizeof(*names));
	size_t count = names ? pw_stub_threads(stub, names, MOST) : 0;
	int status = names ? 0 : pw_fail(error, ENOMEM, "out of memory");

	for (size_t i = 0; i < count && status == 0; i++) {
		struct pw_live_cpu cpu = {
			.get = get_from_stub,
			.context = stub,
			.id = (unsigned)i,
			.from = "gdb stub",
		};

		status = pw_stub_select(stub, names[i], error);
		if (status == 0)
			status = pw_live_add_cpu(qemu->memory, qemu->machine, &cpu, error);
		if (status == 0 && stub->broken)
			status = pw_wire_fail(&stub->wire, stub->broken, "answered as a gdb stub",
					      error);
	}
	free(names);
	return status;
}

/* Asks the stub at @address, "unix:PATH..." or "tcp:HOST:PORT...". The guest stands still meanwhile. */
static int ask_stub(struct pw_qemu *qemu, const char *address, struct pw_error *error)
{
	struct pw_guardian guardian = { .child = 0 };
	struct pw_wire wire;
	struct pw_stub stub;
	char name[160];
	int status;

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(address, ","), address);
	if (strncmp(name, "unix:", 5) == 0)
		status = pw_wire_unix(&wire, name + 5, error);
	else if (strncmp(name, "tcp:", 4) == 0)
		status = pw_wire_tcp(&wire, name + 4, error);
	else
		status = pw_fail(error, ENOTSUP,
				 "QEMU's gdb stub is at %s, where it cannot be asked", name);
	if (status)
		return status;
	if (qemu->runs)
		pw_guardian_start(&guardian, wire.socket, &pw_stub_leave);
	status = pw_stub_open(&stub, &wire, error);
	if (status == 0) {
		status = read_stub(qemu, &stub, error);
		pw_stub_close(&stub, qemu->runs);
	}
	pw_guardian_end(&guardian);
	return status;
}

/* Starts a stub in a folder that only QEMU's user may enter. */
static int start_stub(struct pw_qemu *qemu, struct pw_error *error)
{
	char folder[] = "/tmp/pagewalk-XXXXXX", process[32], line[120], path[40], address[48],
	     *text;
	struct pw_error ignored;
	struct stat owner;
	int status;

	if (!mkdtemp(folder))
		return pw_fail(error, errno, "%s: %s", folder, strerror(errno));
	snprintf(process, sizeof(process), "/proc/%d", (int)qemu->process.id);
	if (geteuid() == 0 && stat(process, &owner) == 0 &&
	    chown(folder, owner.st_uid, owner.st_gid))
		pw_memory_add_remark(qemu->memory, "%s: %s", folder, strerror(errno));
	snprintf(path, sizeof(path), "%s/gdb", folder);
	snprintf(address, sizeof(address), "unix:%s", path);
	snprintf(line, sizeof(line), "gdbserver %s,server=on,wait=off", address);
	status = pw_qmp_monitor(&qemu->qmp, line, &text, error);
	if (status == 0) {
		free(text);
		status = ask_stub(qemu, address, error);
		if (pw_qmp_monitor(&qemu->qmp, "gdbserver none", &text, &ignored) == 0)
			free(text);
	}
	unlink(path);
	rmdir(folder);
	return status;
}

static int find_stub(struct pw_qemu *qemu, struct pw_error *error)
{
	static const char free_one[] = "disconnected:";
	char name[200];
	int status = pw_qmp_chardev(&qemu->qmp, "gdb", name, sizeof(name), error);

	if (status)
		return status;
	if (strncmp(name, free_one, strlen(free_one)) == 0)
		return ask_stub(qemu, name + strlen(free_one), error);
	if (name[0] || pw_qemu_has_stub(qemu->process.id))
		return pw_fail(
			error, EBUSY,
			"another debugger is connected to QEMU's gdb stub, which alone shows the "
			"registers of %s",
			qemu->machine);
	return start_stub(qemu, error);
}

/* A signal must not end this process while the guest stands still because of it. */
static int undisturbed(int (*ask)(struct pw_qemu *qemu, struct pw_error *error),
		       struct pw_qemu *qemu, struct pw_error *error)
{
	sigset_t all, before;
	int status;

	sigfillset(&all);
	sigdelset(&all, SIGBUS);
	sigdelset(&all, SIGSEGV);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	status = ask(qemu, error);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return status;
}

/*
 * QEMU 7.2 (TCG) can abort when it shows an s390x CPU that runs: it computes the condition code of a moment in between
 * (cc_calc_addu). So the guest stands still while it is asked, and runs on afterwards, whatever ends this process.
 */
static int ask_standing(struct pw_qemu *qemu, struct pw_error *error)
{
	static const struct pw_guardian_words run = {
		.message = "\xff{\"execute\":\"cont\",\"id\":\"pagewalk-guardian\"}\n",
		.answer = "\"pagewalk-guardian",
	};
	struct pw_guardian guardian = { .child = 0 };
	struct pw_error ignored;
	int status;

	if (!qemu->runs)
		return ask_monitor(qemu, qemu->memory, error);
	pw_guardian_start(&guardian, qemu->qmp.wire.socket, &run);
	status = pw_qmp_run(&qemu->qmp, "stop", error);
	if (status == 0) {
		status = ask_monitor(qemu, qemu->memory, error);
		if (pw_qmp_run(&qemu->qmp, "cont", status ? &ignored : error) && status == 0)
			status = -EIO;
	}
	pw_guardian_end(&guardian);
	return status;
}

static bool monitor_tells(const struct pw_qemu *qemu)
{
	return strcmp(qemu->machine, "aarch64") != 0 && strcmp(qemu->machine, "arm") != 0;
}

int pw_qemu_cpus_now(void *context, struct pw_memory *into, struct pw_error *error)
{
	struct pw_qemu *qemu = context;
	int status;

	if (!monitor_tells(qemu))
		return pw_fail(error, ENOTSUP, "the CPUs' registers are read by a stop only");
	pthread_mutex_lock(&qemu->listening);
	status = ask_monitor(qemu, into, error);
	pthread_mutex_unlock(&qemu->listening);
	return status;
}

int pw_qemu_add_cpus(struct pw_qemu *qemu, struct pw_error *error)
{
	struct pw_error why;

	if (strcmp(qemu->machine, "s390x") == 0)
		return undisturbed(ask_standing, qemu, error);
	if (monitor_tells(qemu)) {
		qemu->memory->live.cpus = pw_qemu_cpus_now;
		return ask_monitor(qemu, qemu->memory, error);
	}
	/* Without registers, memory can still be read. */
	if (undisturbed(find_stub, qemu, &why))
		pw_memory_add_remark(qemu->memory, "the CPUs' registers are not known: %s",
				     why.text);
	return 0;
}
