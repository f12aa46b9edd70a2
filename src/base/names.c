/* SPDX-License-Identifier: MIT */
/* Names of attributes and memory types. */
#include "base/names.h"

#include <string.h>

#include "base/put.h"

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

void pw_names_json_flags(FILE *stream, const char *name, unsigned attr)
{
	const char *comma = "";

	fprintf(stream, ",\"%s\":[", name);
	for (size_t i = 0; i < PW_ATTR_NAMES; i++)
		if (attr & pw_attr_names[i].bit) {
			fprintf(stream, "%s\"%s\"", comma, pw_attr_names[i].name);
			comma = ",";
		}
	fputc(']', stream);
}

const char *pw_entry_suffix(const char *level)
{
	return strcmp(level, "pte") == 0 ? "" : " entry";
}

/* ---- sizes ---- */

static char *whole(uint64_t number, unsigned unit, char text[PW_SIZE_TEXT])
{
	static const char *const names[] = { "bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	char *end = pw_put_decimal(text, number);

	*end++ = ' ';
	*pw_put_text(end, unit == 0 && number == 1 ? "byte" : names[unit]) = '\0';
	return text;
}

/* Returns a @fraction of 1024 as tenths, rounded; between two of them to the even one, as printf does. */
static unsigned tenths_of(uint64_t fraction)
{
	unsigned tenths = (unsigned)(fraction * 10 / 1024), rest = (unsigned)(fraction * 10 % 1024);

	return tenths + (rest > 512 || (rest == 512 && tenths % 2));
}

char *pw_size_text(uint64_t last, char text[PW_SIZE_TEXT])
{
	static const char letters[] = " KMGTPE";
	uint64_t size = last + 1;
	unsigned unit = 0, tenths;
	char *end;

	if (size == 0)
		return whole(16, 6, text);
	while (unit < 6 && size >> (10 * (unit + 1)))
		unit++;
	if (!(size & ((UINT64_C(1) << (10 * unit)) - 1)))
		return whole(size >> (10 * unit), unit, text);
	size >>= 10 * (unit - 1);
	tenths = tenths_of(size & 1023);
	end = pw_put_decimal(text, (size >> 10) + tenths / 10);
	*end++ = '.';
	*end++ = (char)('0' + tenths % 10);
	*end++ = ' ';
	*end++ = letters[unit];
	memcpy(end, "iB", sizeof("iB"));
	return text;
}

char *pw_size_exact_text(uint64_t last, char text[PW_SIZE_TEXT])
{
	uint64_t number = last + 1;
	unsigned unit = 0;

	for (; number >= 1024 && number % 1024 == 0; unit++)
		number /= 1024;
	return number > 0 && number < 10000 ? whole(number, unit, text) : pw_size_text(last, text);
}

char *pw_size_lg2_text(unsigned lg2, char text[PW_SIZE_TEXT])
{
	return pw_size_text(lg2 < 64 ? (UINT64_C(1) << lg2) - 1 : UINT64_MAX, text);
}
