/* SPDX-License-Identifier: MIT */
/*
 * gdb's remote protocol: packets "$text#sum", each answered by one. Reference: the appendix of gdb's manual
 * about its remote serial protocol; QEMU's own packets: docs/system/gdb.rst.
 */
#include "memory/live/stub.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct pw_guardian_words pw_stub_leave = { .message = "+$D#44", .answer = NULL };

/* Waits until byte @at has arrived. */
static int have(struct pw_wire *wire, size_t at)
{
	while (wire->count <= at) {
		int status = pw_wire_more(wire);

		if (status)
			return status;
	}
	return 0;
}

/* Keeps the answer from..end, with "}" (the next byte was changed) and "*" (repeated) undone. */
static int keep(struct pw_stub *stub, const char *from, const char *end)
{
	size_t used = 0;

	for (; from < end; from++) {
		size_t times = 1;
		char byte = *from;

		if (byte == '}' && from + 1 < end) {
			byte = (char)(*++from ^ 0x20);
		} else if (byte == '*' && from + 1 < end && used > 0 && from[1] > 28) {
			times = (size_t)(*++from - 29);
			byte = stub->answer[used - 1];
		}
		if (used + times + 1 > stub->room) {
			size_t room = 2 * (used + times + 1);
			char *answer = room > PW_WIRE_MESSAGE ? NULL : realloc(stub->answer, room);

			if (!answer)
				return -ENOMEM;
			stub->answer = answer;
			stub->room = room;
		}
		memset(stub->answer + used, byte, times);
		used += times;
	}
	if (!stub->answer)
		return -EPROTO;
	stub->answer[used] = '\0';
	stub->answer_bytes = used;
	return 0;
}

/* Receives one packet; acknowledgements, notifications and noise before it are dropped. */
static int receive(struct pw_stub *stub)
{
	struct pw_wire *wire = &stub->wire;
	size_t start = 0, end;
	int status;

	for (;;) {
		status = have(wire, start);
		if (status)
			return status;
		if (wire->bytes[start] == '$')
			break;
		start++;
	}
	for (end = start + 1;; end++) {
		status = have(wire, end);
		if (status)
			return status;
		if (wire->bytes[end] == '#')
			break;
	}
	status = have(wire, end + 2);
	if (status)
		return status;
	if (!stub->answer) {
		stub->answer = malloc(4096);
		stub->room = stub->answer ? 4096 : 0;
	}
	status = keep(stub, wire->bytes + start + 1, wire->bytes + end);
	pw_wire_take(wire, end + 3);
	return status ? status : pw_wire_send(wire, "+", 1);
}

/* The news that the machine has stopped, "T02thread:01;": nobody asked for it. */
static bool is_stop(const char *answer)
{
	return (answer[0] == 'T' || answer[0] == 'S') && isxdigit((unsigned char)answer[1]) &&
	       isxdigit((unsigned char)answer[2]);
}

int pw_stub_ask(struct pw_stub *stub, const char *packet, struct pw_error *error)
{
	unsigned char sum = 0;
	char *text = NULL;
	int bytes, status = stub->broken;

	if (status)
		return pw_wire_fail(&stub->wire, status, "answered as a gdb stub", error);
	for (const char *c = packet; *c; c++)
		sum = (unsigned char)(sum + (unsigned char)*c);
	bytes = asprintf(&text, "$%s#%02x", packet, sum);
	if (bytes < 0)
		return pw_fail(error, ENOMEM, "out of memory");
	pw_wire_start(&stub->wire, PW_WIRE_SECONDS);
	status = pw_wire_send(&stub->wire, text, (size_t)bytes);
	free(text);
	while (status == 0) {
		status = receive(stub);
		if (status == 0 && !is_stop(stub->answer))
			return 0;
	}
	stub->broken = status;
	return pw_wire_fail(&stub->wire, status, "answered as a gdb stub", error);
}

/* A description that is longer than any machine's. */
enum { FILES_MOST = 64, FILE_MOST = 1 << 20, PIECES_MOST = 4096 };

static int refuse_long(const struct pw_stub *stub, struct pw_error *error)
{
	return pw_fail(error, EMSGSIZE,
		       "the stub at %s describes its registers without end; this is not the stub "
		       "of a machine",
		       stub->wire.name);
}

/* Reads the whole file @name of the target's description, by at most *pieces questions. */
static int read_file(struct pw_stub *stub, const char *name, unsigned *pieces, char **text_ret,
		     struct pw_error *error)
{
	size_t used = 0;

	*text_ret = NULL;
	for (;;) {
		char packet[120], *text = NULL;
		int status;

		snprintf(packet, sizeof(packet), "qXfer:features:read:%.60s:%zx,%zx", name, used,
			 stub->packet / 2);
		status = pw_stub_ask(stub, packet, error);
		if (status == 0 && stub->answer[0] != 'm' && stub->answer[0] != 'l')
			status = pw_fail(error, ENOTSUP,
					 "the stub at %s has no description of its registers (%s)",
					 stub->wire.name, name);
		if (status == 0 && ((*pieces)-- == 0 || used > FILE_MOST))
			status = refuse_long(stub, error);
		if (status == 0)
			text = realloc(*text_ret, used + stub->answer_bytes + 1);
		if (!text) {
			free(*text_ret);
			*text_ret = NULL;
			return status ? status : pw_fail(error, ENOMEM, "out of memory");
		}
		*text_ret = text;
		memcpy(text + used, stub->answer + 1, stub->answer_bytes);
		used += stub->answer_bytes - 1;
		if (stub->answer[0] == 'l' || stub->answer_bytes == 1)
			return 0;
	}
}

/* Reads target.xml and the files that it includes. They number the registers in their order. */
static int describe(struct pw_stub *stub, struct pw_error *error)
{
	static const char include[] = "<xi:include href=\"";
	unsigned pieces = PIECES_MOST, files = 0;
	char *target, *at;
	int status = read_file(stub, "target.xml", &pieces, &target, error);
	int number = 0;

	if (status)
		return status;
	at = strstr(target, "<architecture>");
	if (at)
		sscanf(at, "<architecture>%23[^<]", stub->architecture);
	number = pw_stub_describe(stub, target, 0);
	at = target;
	while (status == 0 && number >= 0 && (at = strstr(at, include))) {
		char name[64] = "", *text;

		at += strlen(include);
		sscanf(at, "%63[^\"]", name);
		status = ++files > FILES_MOST ? refuse_long(stub, error)
					      : read_file(stub, name, &pieces, &text, error);
		if (status == 0)
			number = pw_stub_describe(stub, text, number);
		free(status ? NULL : text);
	}
	free(target);
	return status        ? status
	       : number < 0  ? pw_fail(error, ENOMEM, "out of memory")
	       : stub->count ? 0
			     : pw_fail(error, ENOTSUP, "the stub at %s describes no registers",
				       stub->wire.name);
}

int pw_stub_open(struct pw_stub *stub, struct pw_wire *wire, struct pw_error *error)
{
	unsigned packet;
	const char *size;
	int status;

	*stub = (struct pw_stub){ .wire = *wire, .packet = 1024 };
	wire->buffer = wire->bytes = NULL;
	wire->socket = -1;
	status = pw_stub_ask(stub, "qSupported:xmlRegisters=i386,arm,s390,powerpc", error);
	size = status ? NULL : strstr(stub->answer, "PacketSize=");
	if (size && sscanf(size, "PacketSize=%x", &packet) == 1 && packet >= 256)
		stub->packet = packet < 4096 ? packet : 4096;
	if (status == 0)
		status = describe(stub, error);
	if (status == 0)
		status = pw_stub_ask(stub, "Qqemu.PhyMemMode:1", error);
	if (status == 0)
		stub->physical = strcmp(stub->answer, "OK") == 0;
	if (status)
		pw_stub_close(stub, true);
	return status;
}

void pw_stub_close(struct pw_stub *stub, bool detach)
{
	struct pw_error ignored;

	if (stub->wire.socket >= 0 && stub->physical)
		pw_stub_ask(stub, "Qqemu.PhyMemMode:0", &ignored);
	if (stub->wire.socket >= 0 && detach)
		pw_stub_ask(stub, "D", &ignored);
	pw_wire_close(&stub->wire);
	free(stub->registers);
	free(stub->answer);
	*stub = (struct pw_stub){ .wire.socket = -1 };
}

size_t pw_stub_threads(struct pw_stub *stub, char (*name)[24], size_t most)
{
	const char *packet = "qfThreadInfo";
	struct pw_error ignored;
	size_t count = 0, before = SIZE_MAX;

	/* A list without a name that can be used is the last, or it might go on for ever. */
	while (count < most && count != before && pw_stub_ask(stub, packet, &ignored) == 0 &&
	       stub->answer[0] == 'm') {
		const char *at = stub->answer + 1;

		before = count;

		while (count < most && *at) {
			size_t bytes = strcspn(at, ",");

			if (bytes > 0 && bytes < 24)
				snprintf(name[count++], 24, "%.*s", (int)bytes, at);
			at += bytes + (at[bytes] == ',');
		}
		packet = "qsThreadInfo";
	}
	return count;
}

int pw_stub_select(struct pw_stub *stub, const char *thread, struct pw_error *error)
{
	char packet[40];

	snprintf(packet, sizeof(packet), "Hg%s", thread);
	return pw_stub_ask(stub, packet, error);
}

static int hex_digit(char digit)
{
	return digit >= '0' && digit <= '9'   ? digit - '0'
	       : digit >= 'a' && digit <= 'f' ? digit - 'a' + 10
	       : digit >= 'A' && digit <= 'F' ? digit - 'A' + 10
					      : -1;
}

/* Turns the answer's digits into @bytes bytes. False: these are no digits, or another number of them. */
static bool take_bytes(const struct pw_stub *stub, unsigned char *to, size_t bytes)
{
	if (stub->answer_bytes != 2 * bytes)
		return false;
	for (size_t i = 0; i < bytes; i++) {
		int high = hex_digit(stub->answer[2 * i]), low = hex_digit(stub->answer[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		to[i] = (unsigned char)(high << 4 | low);
	}
	return true;
}

/* s390 and powerpc show registers with the highest byte first; a powerpc in little-endian mode does not. */
static bool shows_big(const struct pw_stub *stub)
{
	return strncmp(stub->architecture, "s390", 4) == 0;
}

bool pw_stub_register(struct pw_stub *stub, const char *name, uint64_t *value_ret)
{
	const struct pw_stub_register *found = NULL;
	unsigned char bytes[8];
	struct pw_error ignored;
	char packet[24];

	/* The first of a name: banked copies come later. */
	for (size_t i = 0; i < stub->count && !found; i++)
		if (strcmp(stub->registers[i].name, name) == 0)
			found = &stub->registers[i];
	if (!found || found->bytes == 0 || found->bytes > 8)
		return false;
	snprintf(packet, sizeof(packet), "p%x", found->number);
	if (pw_stub_ask(stub, packet, &ignored) || !take_bytes(stub, bytes, found->bytes))
		return false;
	*value_ret = 0;
	for (unsigned i = 0; i < found->bytes; i++)
		*value_ret |= (uint64_t)bytes[i]
			      << 8 * (shows_big(stub) ? found->bytes - 1 - i : i);
	return true;
}

int pw_stub_read(struct pw_stub *stub, uint64_t address, void *buffer, size_t bytes)
{
	size_t most = (stub->packet - 16) / 2;
	unsigned char *to = buffer;

	while (bytes > 0) {
		size_t piece = bytes < most ? bytes : most;
		struct pw_error ignored;
		char packet[48];
		int status;

		snprintf(packet, sizeof(packet), "m%llx,%zx", (unsigned long long)address, piece);
		status = pw_stub_ask(stub, packet, &ignored);
		if (status)
			return status;
		if (!take_bytes(stub, to, piece))
			return -ENODATA;
		to += piece;
		address += piece;
		bytes -= piece;
	}
	return 0;
}
