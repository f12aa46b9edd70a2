/* SPDX-License-Identifier: MIT */
/*
 * The client of QMP. The input is all that the other side sends: a greeting and answers, one for a line. The
 * questions are asked over and over until one is not answered.
 */
#include <stdlib.h>
#include <string.h>

#include "memory/live/qmp.h"
#include "wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A failure has a sentence, and success has none. */
static bool told(int status, struct pw_error *error)
{
	if ((status != 0) != (error->text[0] != '\0'))
		abort();
	return status == 0;
}

/* Asks each kind of question once. False: one was not answered. */
static bool ask(struct pw_qmp *qmp)
{
	struct pw_error error = { .text = "" };
	char text[16], *line = NULL;

	if (!told(pw_qmp_text(qmp, "query-status", "status", text, sizeof(text), &error), &error))
		return false;
	if (strnlen(text, sizeof(text)) == sizeof(text))
		abort();
	if (!told(pw_qmp_chardev(qmp, "gdb", text, sizeof(text), &error), &error))
		return false;
	if (strnlen(text, sizeof(text)) == sizeof(text))
		abort();
	if (!told(pw_qmp_monitor(qmp, "info mtree -f", &line, &error), &error))
		return false;
	if (!line || strchr(line, '\r'))
		abort();
	free(line);
	return told(pw_qmp_run(qmp, "stop", &error), &error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pw_error error = { .text = "" };
	struct pw_qmp qmp = { .process = 0 };
	struct fuzz_wire other;

	fuzz_wire_open(&other, &qmp.wire, data, size);
	if (told(pw_qmp_greet(&qmp, &error), &error)) {
		if (strnlen(qmp.version, sizeof(qmp.version)) == sizeof(qmp.version))
			abort();
		while (ask(&qmp))
			;
	}
	pw_qmp_close(&qmp);
	fuzz_wire_close(&other);
	return 0;
}
