/* SPDX-License-Identifier: MIT */
/* The description of a gdb stub's registers. The input is one file of it, in XML. */
#include <stdlib.h>
#include <string.h>

#include "memory/live/stub.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pw_stub stub = { .count = 0 };
	char *text = malloc(size + 1);
	int number;

	if (!text)
		abort();
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	number = pw_stub_describe(&stub, text, 7);
	/* The smallest element, with the blank after its name, has six bytes. */
	if (number < 0 ? stub.count != 1 << 16 : stub.count > size / 6)
		abort();
	if (stub.count == 0 && number != 7)
		abort();
	for (size_t i = 0; i < stub.count; i++)
		if (strnlen(stub.registers[i].name, sizeof(stub.registers[i].name)) ==
			    sizeof(stub.registers[i].name) ||
		    stub.registers[i].bytes > 0xffff / 8)
			abort();
	if (stub.count > 0 && stub.registers[stub.count - 1].number + 1 != (unsigned)number)
		abort();
	free(stub.registers);
	free(text);
	return 0;
}
