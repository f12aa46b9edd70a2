/* SPDX-License-Identifier: MIT */
/*
 * The client of gdb stubs. The input is all that the stub sends: packets, acknowledgements, noise, the files of
 * its description in XML.
 */
#include <stdlib.h>
#include <string.h>

#include "memory/live/cpus.h"
#include "memory/live/stub.h"
#include "wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool get(void *context, const char *name, uint64_t *value_ret)
{
	return pw_stub_register(context, name, value_ret);
}

/* The CPUs, as for gdb:HOST:PORT. Returns how many there were. */
static size_t add_cpus(struct pw_stub *stub, struct pw_memory *memory)
{
	enum { MOST = 32 };
	char names[MOST][24];
	const char *machine = pw_live_machine(stub->architecture);
	size_t count = pw_stub_threads(stub, names, MOST);

	if (count > MOST)
		abort();
	for (size_t i = 0; i < count; i++) {
		const struct pw_live_cpu cpu = {
			.get = get,
			.context = stub,
			.id = (unsigned)i,
			.from = "gdb stub",
		};

		if (strlen(names[i]) == 0 || pw_stub_select(stub, names[i], NULL) ||
		    pw_live_add_cpu(memory, machine ? machine : "", &cpu, NULL))
			break;
	}
	return count;
}

static void use(struct pw_stub *stub)
{
	struct pw_memory *memory = pw_memory_new(NULL);
	/* No byte behind the buffer may be written. */
	unsigned char *buffer = malloc(2000);

	if (!memory || !buffer || stub->packet < 256 || stub->count == 0)
		abort();
	/* Each CPU of s390x gives three lines. */
	fuzz_wire_check(memory, 3 * add_cpus(stub, memory));
	for (size_t i = 0; i < stub->count; i++)
		if (strnlen(stub->registers[i].name, sizeof(stub->registers[i].name)) ==
		    sizeof(stub->registers[i].name))
			abort();
	while (pw_stub_read(stub, 0x1000, buffer, 2000) == 0)
		;
	free(buffer);
	pw_memory_close(memory);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pw_error error = { .text = "" };
	struct fuzz_wire other;
	struct pw_wire wire;
	struct pw_stub stub;
	int status;

	fuzz_wire_open(&other, &wire, data, size);
	status = pw_stub_open(&stub, &wire, &error);
	if ((status != 0) != (error.text[0] != '\0'))
		abort();
	if (status == 0) {
		use(&stub);
		pw_stub_close(&stub, true);
	}
	fuzz_wire_close(&other);
	return 0;
}
