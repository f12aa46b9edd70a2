/* SPDX-License-Identifier: MIT */
/*
 * The registers of a stub's description: elements <reg name="..." bitsize="..." regnum="..."/>. The file is
 * machine-made and flat; everything else in it is skipped, and comments count as nothing.
 */
#include "memory/live/stub.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Copies the attribute @name of the element at start..end-1. False: it has none. */
static bool attribute(const char *start, const char *end, const char *name, char *text, size_t room)
{
	size_t length = strlen(name);

	for (const char *at = start; at + length + 2 < end; at++) {
		const char *from = at + length + 2, *to;

		if ((at[0] != ' ' && at[0] != '\t' && at[0] != '\n') ||
		    strncmp(at + 1, name, length) != 0 || at[length + 1] != '=')
			continue;
		if (*from != '"' && *from != '\'')
			continue;
		to = memchr(from + 1, *from, (size_t)(end - from - 1));
		if (!to || (size_t)(to - from) > room)
			return false;
		snprintf(text, room, "%.*s", (int)(to - from - 1), from + 1);
		return true;
	}
	return false;
}

int pw_stub_describe(struct pw_stub *stub, const char *xml, int number)
{
	const char *at = xml;

	while ((at = strchr(at, '<'))) {
		struct pw_stub_register one = { .number = 0 }, *registers;
		char text[16];
		const char *end;

		if (strncmp(at, "<!--", 4) == 0) {
			at = strstr(at, "-->");
			if (!at)
				break;
			continue;
		}
		end = strchr(at, '>');
		if (!end)
			break;
		if (strncmp(at, "<reg", 4) != 0 ||
		    (at[4] != ' ' && at[4] != '\n' && at[4] != '\t')) {
			at = end;
			continue;
		}
		if (attribute(at, end, "regnum", text, sizeof(text)))
			number = (int)(strtoul(text, NULL, 10) & 0xffffff);
		one.number = (unsigned)number++;
		if (attribute(at, end, "bitsize", text, sizeof(text)))
			one.bytes = (unsigned)(strtoul(text, NULL, 10) & 0xffff) / 8;
		if (!attribute(at, end, "name", one.name, sizeof(one.name)))
			one.name[0] = '\0';
		at = end;
		registers = stub->count < 1 << 16 ? pw_memory_grow(stub->registers, stub->count,
								   sizeof(*registers))
						  : NULL;
		if (!registers)
			return -ENOMEM;
		stub->registers = registers;
		registers[stub->count++] = one;
	}
	return number;
}
