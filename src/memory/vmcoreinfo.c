/* SPDX-License-Identifier: MIT */
/* The lines of VMCOREINFO; and the kernel's version, from them or from its banner. */
#include "memory/vmcoreinfo.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/needle.h"

void pw_vmcoreinfo_set(struct pw_memory *memory, const unsigned char *text, uint64_t bytes)
{
	memory->vmcoreinfo = (const char *)text;
	memory->vmcoreinfo_bytes = bytes < PW_VMCOREINFO_MAX ? (size_t)bytes : PW_VMCOREINFO_MAX;
}

bool pw_vmcoreinfo_text(const struct pw_memory *memory, const char *key, char *value, size_t room)
{
	const char *at = memory->vmcoreinfo, *end = at + memory->vmcoreinfo_bytes;
	size_t length = strlen(key);

	while (at && at < end) {
		size_t rest = (size_t)(end - at);
		const char *stop = memchr(at, '\n', rest);
		size_t line = stop ? (size_t)(stop - at) : rest;

		if (line > length && at[length] == '=' && memcmp(at, key, length) == 0) {
			size_t bytes = strnlen(at + length + 1, line - length - 1);

			if (bytes >= room)
				return false;
			memcpy(value, at + length + 1, bytes);
			value[bytes] = '\0';
			return true;
		}
		at += line + 1;
	}
	return false;
}

static bool number_of(const struct pw_memory *memory, const char *key, int base,
		      uint64_t *number_ret)
{
	char text[32], *end;

	if (!pw_vmcoreinfo_text(memory, key, text, sizeof(text)))
		return false;
	/* Negative numbers (phys_base can be one) wrap, as in the kernel's own arithmetic. */
	errno = 0;
	*number_ret = strtoull(text, &end, base);
	return errno == 0 && end > text && *end == '\0';
}

bool pw_vmcoreinfo_number(const struct pw_memory *memory, const char *name, uint64_t *number_ret)
{
	char key[64];

	snprintf(key, sizeof(key), "NUMBER(%s)", name);
	return number_of(memory, key, 0, number_ret);
}

bool pw_vmcoreinfo_symbol(const struct pw_memory *memory, const char *name, pw_va *va_ret)
{
	char key[64];

	snprintf(key, sizeof(key), "SYMBOL(%s)", name);
	return number_of(memory, key, 16, va_ret);
}

bool pw_vmcoreinfo_hex(const struct pw_memory *memory, const char *key, uint64_t *number_ret)
{
	return number_of(memory, key, 16, number_ret);
}

/* ---- which kernel ---- */

/* The version at the start of "6.12.43+deb13-amd64", major << 8 | minor; 0 if there is none. */
static uint16_t version_of(const char *release)
{
	unsigned major = 0, minor = 0;
	int used = 0;

	if (!isdigit((unsigned char)*release) ||
	    sscanf(release, "%3u.%3u%n", &major, &minor, &used) != 2 || major > 255 || minor > 255)
		return 0;
	return isdigit((unsigned char)release[used]) ? 0 : (uint16_t)(major << 8 | minor);
}

void pw_kernel_set_release(struct pw_kernel *kernel, const char *text, size_t length)
{
	size_t used = 0;

	while (used < length && used < sizeof(kernel->release) - 1 && text[used] > ' ' &&
	       text[used] <= '~') {
		kernel->release[used] = text[used];
		used++;
	}
	kernel->release[used] = '\0';
	kernel->version = version_of(kernel->release);
}

/*
 * Reads "Linux version 6.12.43 (someone@somewhere) ..." at @text, which has @bytes bytes. False if it is not
 * a banner. A copy in the kernel's log will do as well: it says the same.
 */
static bool read_banner(const char *text, size_t bytes, struct pw_kernel *kernel)
{
	static const char start[] = "Linux version ";
	const char *release = text + sizeof(start) - 1;
	const char *end = memchr(release, ' ', bytes - (sizeof(start) - 1));

	if (!end || (size_t)(text + bytes - end) < 2 || end[1] != '(')
		return false;
	pw_kernel_set_release(kernel, release, (size_t)(end - release));
	return kernel->version != 0 && strlen(kernel->release) == (size_t)(end - release);
}

enum {
	BANNER = 96, /* bytes of a banner that are read */
	PIECE = 64 << 10,
};

/* Searches the @length bytes at @bytes, whose physical address is @pa. */
static bool search_piece(const char *bytes, size_t length, pw_pa pa, struct pw_kernel *kernel,
			 pw_pa *at_ret)
{
	static const struct pw_needle start = { "Linux version ", 14, 0 };
	const char *at = bytes, *end = bytes + length;

	while (end - at > BANNER && (at = pw_needle_find(&start, at, (size_t)(end - at))) &&
	       end - at >= BANNER) {
		if (read_banner(at, BANNER, kernel)) {
			*at_ret = pa + (pw_pa)(at - bytes);
			snprintf(kernel->origin, sizeof(kernel->origin), "the banner at 0x%llx",
				 (unsigned long long)*at_ret);
			return true;
		}
		at++;
	}
	return false;
}

/*
 * Searches @segment up to @last piece by piece. Pieces overlap by a banner, so that none is cut. A hole of a sparse
 * file is not read: banners end before it.
 */
static bool search_run(const struct pw_memory *memory, char *buffer,
		       const struct pw_segment *segment, pw_pa last, struct pw_kernel *kernel,
		       pw_pa *at_ret)
{
	struct pw_run run = { .host = NULL };

	for (pw_pa at = segment->first; last - at >= BANNER;) {
		const unsigned char *host = segment->host;
		uint64_t rest = UINT64_MAX;
		size_t bytes = PIECE;

		if (host)
			rest = pw_run_rest(memory, &run, host + (size_t)(at - segment->first));
		if (last - at < rest)
			rest = last - at + 1;
		if (rest < PIECE)
			bytes = (size_t)rest;
		if (!run.hole && pw_memory_read(memory, at, buffer, bytes) == 0 &&
		    search_piece(buffer, bytes, at, kernel, at_ret))
			return true;
		if (last - at < rest && (run.hole || rest <= PIECE))
			return false;
		at += run.hole || rest <= PIECE ? rest : PIECE - BANNER;
	}
	return false;
}

static bool search_banner(const struct pw_memory *memory, uint64_t search, struct pw_kernel *kernel,
			  pw_pa *at_ret)
{
	char *buffer = search > 0 && !memory->slow ? malloc(PIECE) : NULL;
	bool found = false;

	for (size_t i = 0; buffer && i < memory->count && search > 0 && !found; i++) {
		const struct pw_segment *segment = &memory->segments[i];
		pw_pa last = segment->last;

		if (last - segment->first >= search)
			last = segment->first + (search - 1);
		search -= last - segment->first + 1;
		found = search_run(memory, buffer, segment, last, kernel, at_ret);
	}
	free(buffer);
	return found;
}

bool pw_vmcoreinfo_banner(const struct pw_memory *memory, uint64_t search, pw_pa *pa_ret)
{
	struct pw_kernel kernel = { .version = 0 };

	return search_banner(memory, search, &kernel, pa_ret);
}

int pw_memory_kernel(const struct pw_memory *memory, uint64_t search, struct pw_kernel *kernel_ret)
{
	char text[256];
	uint64_t number;
	pw_pa at;

	if (!memory || !kernel_ret)
		return -EINVAL;
	*kernel_ret = (struct pw_kernel){ .version = 0 };
	if (pw_vmcoreinfo_text(memory, "OSRELEASE", text, sizeof(text))) {
		pw_kernel_set_release(kernel_ret, text, strlen(text));
		snprintf(kernel_ret->origin, sizeof(kernel_ret->origin), "%s",
			 memory->vmcoreinfo_origin[0] ? memory->vmcoreinfo_origin : "VMCOREINFO");
		/* The option adds a page flag, which VMCOREINFO then names for dump tools. */
		kernel_ret->config_told = PW_CONFIG_MEMORY_FAILURE;
		if (pw_vmcoreinfo_number(memory, "PG_hwpoison", &number))
			kernel_ret->config = PW_CONFIG_MEMORY_FAILURE;
		if (pw_vmcoreinfo_number(memory, "sme_mask", &number))
			kernel_ret->encryption = number;
		if (kernel_ret->version)
			return 0;
	}
	if (memory->noted.version) {
		*kernel_ret = memory->noted;
		return 0;
	}
	if (search_banner(memory, search, kernel_ret, &at))
		return 0;
	*kernel_ret = (struct pw_kernel){ .version = 0 };
	return -ENODATA;
}
