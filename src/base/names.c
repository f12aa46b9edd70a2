/* SPDX-License-Identifier: MIT */
#include "base/names.h"

const struct pw_attr_name pw_attr_names[PW_ATTR_NAMES] = {
	{ PW_ACCESSED, "accessed" }, { PW_DIRTY, "dirty" },           { PW_GLOBAL, "global" },
	{ PW_SPECIAL, "special" },   { PW_CONTIGUOUS, "contiguous" },
};

const char *pw_memtype_name(unsigned memtype)
{
	static const char *const name[] = {
		[PW_MEM_NORMAL] = "normal",
		[PW_MEM_WRITE_THROUGH] = "write-through",
		[PW_MEM_WRITE_COMBINING] = "write-combining",
		[PW_MEM_UNCACHED] = "uncached",
		[PW_MEM_DEVICE] = "device",
		[PW_MEM_INDEXED] = "indexed",
	};

	return memtype < sizeof(name) / sizeof(name[0]) ? name[memtype] : "?";
}

void pw_names_json_flags(FILE *stream, unsigned attr)
{
	const char *comma = "";

	fputs(",\"flags\":[", stream);
	for (size_t i = 0; i < PW_ATTR_NAMES; i++)
		if (attr & pw_attr_names[i].bit) {
			fprintf(stream, "%s\"%s\"", comma, pw_attr_names[i].name);
			comma = ",";
		}
	fputc(']', stream);
}
