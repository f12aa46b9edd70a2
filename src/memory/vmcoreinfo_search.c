/* SPDX-License-Identifier: MIT */
/*
 * VMCOREINFO where no dump's header has it: in the kernel's memory. The kernel keeps the note in pages of its own
 * (vmcoreinfo_note, alloc_pages_exact), so it begins where a page does:
 *
 *   0           4           8           12            24
 *   +-----------+-----------+-----------+-------------+--------------------------
 *   | namesz 11 | descsz    | type 0    | VMCOREINFO\0\0 | OSRELEASE=6.12.43\n...
 *   +-----------+-----------+-----------+-------------+--------------------------
 *     u32, in the machine's byte order
 *
 * Anybody can write such a page, and a kernel that was replaced (kexec) leaves its own behind. So a note is used
 * only if it leads to tables that map themselves.
 *
 * Bounds: 24 bytes of each page are read, and the text of at most TRIES notes.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mutant.h"
#include "memory/vmcoreinfo.h"

enum {
	PAGE = 4096,
	HEADER = 24,
	DESCSZ = 4,
	TEXT_LEAST = 32,
	TRIES = 64,
};

/* The number of bytes of the text behind the header @at; 0: it is not the header of such a note. */
static uint32_t text_bytes(const unsigned char at[HEADER])
{
	static const unsigned char little[] = { 11, 0, 0, 0 }, big[] = { 0, 0, 0, 11 };
	static const unsigned char rest[] = "\0\0\0\0VMCOREINFO\0";
	bool is_little = memcmp(at, little, sizeof(little)) == 0;
	uint32_t bytes;

	if ((!is_little && memcmp(at, big, sizeof(big)) != 0) ||
	    memcmp(at + 8, rest, sizeof(rest)) != 0)
		return 0;
	memcpy(&bytes, at + DESCSZ, sizeof(bytes));
	bytes = is_little ? le32toh(bytes) : be32toh(bytes);
	return bytes >= TEXT_LEAST && bytes <= PW_VMCOREINFO_MAX ? bytes : 0;
}

/* Lines of printable characters, of which the first is the release: as every kernel writes it. */
static bool is_text(const char *text, size_t bytes)
{
	static const char first[] = "OSRELEASE=";

	if (memcmp(text, first, sizeof(first) - 1) != 0 || text[bytes - 1] != '\n')
		return false;
	for (size_t i = 0; i < bytes; i++)
		if (!isprint((unsigned char)text[i]) && text[i] != '\n')
			return false;
	return true;
}

/* Remembers the text that was found at @pa, if it holds. */
static bool use_text(struct pw_memory *memory, const char *text, size_t bytes, pw_pa pa)
{
	const bool wide = memory->wide;
	char word[8];

	pw_vmcoreinfo_set(memory, (const unsigned char *)text, bytes);
	/* A flat file does not tell. struct list_head is two pointers. */
	memory->wide = wide || (pw_vmcoreinfo_text(memory, "SIZE(list_head)", word, sizeof(word)) &&
				strcmp(word, "16") == 0);
	if (pw_vmcoreinfo_holds(memory) || pw_mutant(PW_MUTANT_NOTE_BELIEVED)) {
		snprintf(memory->vmcoreinfo_origin, sizeof(memory->vmcoreinfo_origin),
			 "VMCOREINFO at 0x%llx", (unsigned long long)pa);
		memory->machine = pw_vmcoreinfo_machine(memory);
		return true;
	}
	memory->vmcoreinfo = NULL;
	memory->vmcoreinfo_bytes = 0;
	memory->wide = wide;
	return false;
}

/* Tries the note whose text of @bytes bytes is behind @pa. 1: it is used; 0: it is not one; or -ENOMEM. */
static int try_note(struct pw_memory *memory, pw_pa pa, uint32_t bytes, struct pw_error *error)
{
	char *text = malloc((size_t)bytes + 1);
	const char *kept;
	bool used = false;

	if (!text)
		return pw_fail(error, ENOMEM, "out of memory");
	if (pw_memory_read(memory, pa + HEADER, text, bytes) == 0 && is_text(text, bytes))
		used = use_text(memory, text, bytes, pa);
	text[bytes] = '\0';
	kept = used ? pw_memory_add_text(memory, text) : NULL;
	free(text);
	if (!used)
		return 0;
	memory->vmcoreinfo = kept;
	if (kept)
		return 1;
	memory->vmcoreinfo_bytes = 0;
	return pw_fail(error, ENOMEM, "out of memory");
}

/* Searches the pages that are whole in first..last. Returns as try_note. */
static int search_run(struct pw_memory *memory, pw_pa first, pw_pa last, unsigned *tries,
		      struct pw_error *error)
{
	pw_pa at = (first + (PAGE - 1)) & ~(pw_pa)(PAGE - 1);

	if (at < first)
		return 0;
	for (; at <= last && last - at >= PAGE - 1; at += PAGE) {
		unsigned char header[HEADER];
		uint32_t bytes = 0;
		int status;

		if (pw_memory_read(memory, at, header, sizeof(header)) == 0)
			bytes = text_bytes(header);
		if (bytes > 0) {
			status = try_note(memory, at, bytes, error);
			if (status || --*tries == 0)
				return status;
		}
		if (last - at < 2 * PAGE - 1)
			break;
	}
	return 0;
}

int pw_memory_find_vmcoreinfo(struct pw_memory *memory, uint64_t search, struct pw_error *error)
{
	unsigned tries = TRIES;
	int status = 0;

	if (!memory)
		return pw_fail_null(error, "memory");
	if (memory->vmcoreinfo)
		return 0;
	if (memory->slow)
		return pw_fail(error, ENOTSUP, "%s: this source is too slow to be searched",
			       memory->title);
	for (size_t i = 0; i < memory->count && search > 0 && tries > 0 && status == 0; i++) {
		const struct pw_segment *segment = &memory->segments[i];
		uint64_t reach = segment->last - segment->first;

		if (reach > search - 1)
			reach = search - 1;
		status = search_run(memory, segment->first, segment->first + reach, &tries, error);
		search -= reach + 1;
	}
	if (status == 1)
		return pw_vmcoreinfo_add_root(memory, error);
	return status ? status
		      : pw_fail(error, ENODATA,
				"%s: no VMCOREINFO that leads to a kernel's tables was found",
				memory->title);
}
