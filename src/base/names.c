/* SPDX-License-Identifier: MIT */
/* Names of attributes and memory types. */
#include "base/names.h"

/* In the order in which they are printed. */
const struct pw_attr_name pw_attr_names[PW_ATTR_NAMES] = {
	{ PW_ACCESSED, "accessed" },     { PW_DIRTY, "dirty" },
	{ PW_GLOBAL, "global" },         { PW_SPECIAL, "special" },
	{ PW_CONTIGUOUS, "contiguous" }, { PW_SHADOW_STACK, "shadow-stack" },
	{ PW_DBM, "dbm-writable" },
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
		[PW_MEM_WRITE_PROTECTED] = "write-protected",
		[PW_MEM_INDEX_0] = "index=0",
		[PW_MEM_INDEX_0 + 1] = "index=1",
		[PW_MEM_INDEX_0 + 2] = "index=2",
		[PW_MEM_INDEX_0 + 3] = "index=3",
		[PW_MEM_INDEX_0 + 4] = "index=4",
		[PW_MEM_INDEX_0 + 5] = "index=5",
		[PW_MEM_INDEX_0 + 6] = "index=6",
		[PW_MEM_INDEX_7] = "index=7",
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
