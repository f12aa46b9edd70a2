/* SPDX-License-Identifier: MIT */
/*
 * QMP, by libjansson. Reference: QEMU's docs/interop/qmp-spec. A monitor serves one client at a time, so
 * silence instead of a greeting mostly means that another program is connected.
 */
#include "memory/live/qmp.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/*
 * Takes one message out of what was received, of which the first @seen bytes have no end of a line. False: none is
 * whole yet. *message_ret gets NULL for a line that is not JSON; *line then is its start.
 */
static bool take(struct pw_wire *wire, size_t seen, json_t **message_ret, char line[80])
{
	const char *end = wire->count > seen ? memchr(wire->bytes + seen, '\n', wire->count - seen)
					     : NULL;
	size_t bytes;

	if (!end)
		return false;
	bytes = (size_t)(end - wire->bytes);
	*message_ret = json_loadb(wire->bytes, bytes, 0, NULL);
	snprintf(line, 80, "%.*s", (int)(bytes < 79 ? bytes : 79), wire->bytes);
	pw_wire_take(wire, bytes + 1);
	return true;
}

/* Receives one message; see take(). */
static int receive(struct pw_qmp *qmp, json_t **message_ret, char line[80])
{
	struct pw_wire *wire = &qmp->wire;
	size_t seen = 0;

	while (!take(wire, seen, message_ret, line)) {
		int status;

		seen = wire->count;
		status = pw_wire_more(wire);
		if (status) {
			snprintf(line, 80, "%.*s", (int)(wire->count < 79 ? wire->count : 79),
				 wire->bytes ? wire->bytes : "");
			return status;
		}
	}
	return 0;
}

/* QEMU's qapi/run-state.json: RESET, also for a reboot; SHUTDOWN, also for a reboot under -no-reboot. */
static void note_event(struct pw_qmp *qmp, const json_t *message)
{
	const char *event = json_string_value(json_object_get(message, "event"));

	if (event && strcmp(event, "RESET") == 0)
		qmp->reset = true;
	if (event && strcmp(event, "SHUTDOWN") == 0)
		qmp->shut_down = true;
}

int pw_qmp_listen(struct pw_qmp *qmp)
{
	enum { TURNS = 64 }; /* a side that never stops sending is not listened to for longer */
	json_t *message;
	char line[80];
	int status = 0;

	for (unsigned i = 0; i < TURNS && status == 0 && pw_wire_has(&qmp->wire); i++) {
		pw_wire_start(&qmp->wire, PW_WIRE_SECONDS);
		status = pw_wire_more(&qmp->wire);
		while (take(&qmp->wire, 0, &message, line)) {
			note_event(qmp, message);
			json_decref(message);
		}
	}
	return status;
}

/* Is this the start of what the human monitor says to a newcomer, maybe after telnet's bytes? */
static bool is_human(const char *line)
{
	return strstr(line, "QEMU ") && strstr(line, "monitor");
}

static int refuse_greeting(const struct pw_qmp *qmp, const char *line, struct pw_error *error)
{
	if (is_human(line))
		return pw_fail(
			error, EINVAL,
			"%s is QEMU's monitor for people, and QMP is needed; start QEMU with "
			"-qmp unix:SOCKET,server=on,wait=off",
			qmp->wire.name);
	return pw_fail(
		error, EINVAL,
		"%s does not speak QMP (it says: %.60s); give the socket of QEMU's option -qmp",
		qmp->wire.name, line);
}

int pw_qmp_greet(struct pw_qmp *qmp, struct pw_error *error)
{
	struct pw_wire *wire = &qmp->wire;
	json_t *message = NULL, *version;
	char line[80] = "";
	int status;

	pw_wire_start(wire, PW_WIRE_SECONDS);
	status = receive(qmp, &message, line);
	if (status && line[0])
		return refuse_greeting(qmp, line, error);
	if (status == -ETIMEDOUT && pw_wire_is_libvirt(wire->name))
		return pw_fail(error, EBUSY, "%s has not said anything in %d seconds. %s",
			       wire->name, PW_WIRE_SECONDS, pw_wire_libvirt);
	if (status == -ETIMEDOUT)
		return pw_fail(error, ETIMEDOUT,
			       "%s has not said anything in %d seconds. A QMP socket serves one "
			       "program at a time: is another one connected (libvirt, another "
			       "pagewalk)? Give QEMU a second -qmp unix:SOCKET,server=on,wait=off",
			       wire->name, PW_WIRE_SECONDS);
	if (status)
		return pw_wire_fail(wire, status, "greeted", error);
	version = json_object_get(json_object_get(json_object_get(message, "QMP"), "version"),
				  "qemu");
	if (!json_is_object(version)) {
		json_decref(message);
		return refuse_greeting(qmp, line, error);
	}
	snprintf(qmp->version, sizeof(qmp->version), "%d.%d.%d",
		 (int)json_integer_value(json_object_get(version, "major")),
		 (int)json_integer_value(json_object_get(version, "minor")),
		 (int)json_integer_value(json_object_get(version, "micro")));
	json_decref(message);
	return pw_qmp_run(qmp, "qmp_capabilities", error);
}

int pw_qmp_open(struct pw_qmp *qmp, const char *path, struct pw_error *error)
{
	struct ucred peer = { .pid = 0 };
	socklen_t bytes = sizeof(peer);
	int status;

	*qmp = (struct pw_qmp){ .process = 0 };
	status = pw_wire_unix(&qmp->wire, path, error);
	if (status)
		return status;
	if (getsockopt(qmp->wire.socket, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) == 0)
		qmp->process = peer.pid;
	status = pw_qmp_greet(qmp, error);
	if (status)
		pw_qmp_close(qmp);
	return status;
}

int pw_qmp_open_tcp(struct pw_qmp *qmp, const char *address, struct pw_error *error)
{
	int status;

	*qmp = (struct pw_qmp){ .process = 0 };
	status = pw_wire_tcp(&qmp->wire, address, error);
	if (status)
		return status;
	status = pw_qmp_greet(qmp, error);
	if (status)
		pw_qmp_close(qmp);
	return status;
}

void pw_qmp_close(struct pw_qmp *qmp)
{
	pw_wire_close(&qmp->wire);
}

/* Sends a command, and waits for its answer; events that come first are dropped. @arguments is taken. */
static int ask(struct pw_qmp *qmp, const char *command, json_t *arguments, json_t **answer_ret,
	       struct pw_error *error)
{
	json_t *message = arguments ? json_pack("{s:s, s:o}", "execute", command, "arguments",
						arguments)
				    : json_pack("{s:s}", "execute", command);
	char *text = message ? json_dumps(message, JSON_COMPACT) : NULL;
	char line[80] = "", doing[80];
	int status;

	json_decref(message);
	if (!text)
		return pw_fail(error, ENOMEM, "out of memory");
	snprintf(doing, sizeof(doing), "answered %s", command);
	pw_wire_start(&qmp->wire, PW_WIRE_SECONDS);
	status = pw_wire_send(&qmp->wire, text, strlen(text));
	free(text);
	if (status == 0)
		status = pw_wire_send(&qmp->wire, "\n", 1);
	while (status == 0) {
		const char *why;

		status = receive(qmp, &message, line);
		if (status)
			break;
		note_event(qmp, message);
		*answer_ret = json_incref(json_object_get(message, "return"));
		why = json_string_value(json_object_get(json_object_get(message, "error"), "desc"));
		if (!*answer_ret && why)
			status = pw_fail(error, EIO, "%s refuses %s: %s", qmp->wire.name, command,
					 why);
		else if (!*answer_ret && !json_object_get(message, "event"))
			status = pw_fail(error, EIO, "%s does not answer %s in QMP's way: %.60s",
					 qmp->wire.name, command, line);
		json_decref(message);
		if (status || *answer_ret)
			return status;
	}
	return pw_wire_fail(&qmp->wire, status, doing, error);
}

int pw_qmp_run(struct pw_qmp *qmp, const char *command, struct pw_error *error)
{
	json_t *answer = NULL;
	int status = ask(qmp, command, NULL, &answer, error);

	json_decref(answer);
	return status;
}

static int refuse_answer(const struct pw_qmp *qmp, const char *command, struct pw_error *error)
{
	return pw_fail(error, EIO, "the answer of %s to %s is not understood", qmp->wire.name,
		       command);
}

int pw_qmp_text(struct pw_qmp *qmp, const char *command, const char *key, char *text, size_t room,
		struct pw_error *error)
{
	json_t *answer = NULL;
	const char *value;
	int status = ask(qmp, command, NULL, &answer, error);

	if (status)
		return status;
	value = json_string_value(json_object_get(answer, key));
	if (value)
		snprintf(text, room, "%s", value);
	else
		status = refuse_answer(qmp, command, error);
	json_decref(answer);
	return status;
}

int pw_qmp_chardev(struct pw_qmp *qmp, const char *label, char *text, size_t room,
		   struct pw_error *error)
{
	json_t *answer = NULL, *device;
	size_t index;
	int status = ask(qmp, "query-chardev", NULL, &answer, error);

	text[0] = '\0';
	if (status)
		return status;
	json_array_foreach(answer, index, device)
	{
		const char *its = json_string_value(json_object_get(device, "label"));
		const char *name = json_string_value(json_object_get(device, "filename"));

		if (its && name && strcmp(its, label) == 0)
			snprintf(text, room, "%s", name);
	}
	json_decref(answer);
	return 0;
}

int pw_qmp_lists(struct pw_qmp *qmp, const char *command, const char *key, const char *value,
		 bool *lists_ret, struct pw_error *error)
{
	json_t *answer = NULL, *element;
	size_t index;
	int status = ask(qmp, command, NULL, &answer, error);

	*lists_ret = false;
	/* The answer is a refusal, and the connection is as it was. */
	if (status == -EIO && strstr(error->text, " refuses ")) {
		error->text[0] = '\0';
		return 0;
	}
	if (status)
		return status;
	json_array_foreach(answer, index, element)
	{
		const char *its = json_string_value(json_object_get(element, key));

		if (its && strcmp(its, value) == 0)
			*lists_ret = true;
	}
	json_decref(answer);
	return 0;
}

int pw_qmp_monitor(struct pw_qmp *qmp, const char *line, char **text_ret, struct pw_error *error)
{
	json_t *answer = NULL, *arguments = json_pack("{s:s}", "command-line", line);
	const char *text;
	char *to;
	int status;

	*text_ret = NULL;
	if (!arguments)
		return pw_fail(error, ENOMEM, "out of memory");
	status = ask(qmp, "human-monitor-command", arguments, &answer, error);
	if (status)
		return status;
	text = json_string_value(answer);
	*text_ret = text ? strdup(text) : NULL;
	json_decref(answer);
	if (!*text_ret)
		return refuse_answer(qmp, line, error);
	to = *text_ret;
	for (const char *from = *text_ret; *from; from++)
		if (*from != '\r')
			*to++ = *from;
	*to = '\0';
	return 0;
}
