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
 * Anybody can write such a page, and a kernel that was replaced (kexec, a reset) leaves its own behind. So a note is
 * used only if it leads to tables that map themselves. If the source tells the CPUs' roots, the note of a kernel that
 * these map comes before others.
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

/* A search, and the first note that holds although no CPU maps its kernel. */
struct search {
	struct pw_memory *memory;
	unsigned tries;
	bool any; /* take what holds */
	pw_pa first;
	uint32_t first_bytes; /* of its text; 0: none yet */
};

/* Do the source's CPUs have roots that could show a kernel? */
static bool has_roots(const struct pw_memory *memory)
{
	for (size_t i = 0; i < memory->cpu_count; i++)
		if (memory->cpus[i].roots > 0 && memory->cpus[i].format)
			return true;
	return false;
}

static void forget(struct pw_memory *memory)
{
	memory->vmcoreinfo = NULL;
	memory->vmcoreinfo_bytes = 0;
}

/* Remembers the text of the note at @pa, if it holds, and is of the kernel that runs. */
static bool use_text(struct search *search, const char *text, uint32_t bytes, pw_pa pa)
{
	struct pw_memory *memory = search->memory;
	const bool wide = memory->wide;
	bool holds, shown;
	char word[8];

	pw_vmcoreinfo_set(memory, (const unsigned char *)text, bytes);
	/* A flat file does not tell. struct list_head is two pointers. */
	memory->wide = wide || (pw_vmcoreinfo_text(memory, "SIZE(list_head)", word, sizeof(word)) &&
				strcmp(word, "16") == 0);
	holds = pw_vmcoreinfo_holds(memory) || pw_mutant(PW_MUTANT_NOTE_BELIEVED);
	shown = holds && pw_vmcoreinfo_shown(memory, memory->cpus, memory->cpu_count);
	if (holds && (shown || search->any || pw_mutant(PW_MUTANT_NOTE_OF_ANY_KERNEL))) {
		snprintf(memory->vmcoreinfo_origin, sizeof(memory->vmcoreinfo_origin),
			 "VMCOREINFO at 0x%llx", (unsigned long long)pa);
		memory->vmcoreinfo_pa = pa + HEADER;
		memory->vmcoreinfo_shown = shown;
		memory->machine = pw_vmcoreinfo_machine(memory);
		return true;
	}
	if (holds && search->first_bytes == 0) {
		search->first = pa;
		search->first_bytes = bytes;
	}
	forget(memory);
	memory->wide = wide;
	return false;
}

/* Tries the note whose text of @bytes bytes is behind @pa. 1: it is used; 0: it is not one; or -ENOMEM. */
static int try_note(struct search *search, pw_pa pa, uint32_t bytes, struct pw_error *error)
{
	struct pw_memory *memory = search->memory;
	char *text = malloc((size_t)bytes + 1);
	const char *kept;
	bool used = false;

	if (!text)
		return pw_fail(error, ENOMEM, "out of memory");
	if (pw_memory_read(memory, pa + HEADER, text, bytes) == 0 && is_text(text, bytes))
		used = use_text(search, text, bytes, pa);
	text[bytes] = '\0';
	kept = used ? pw_memory_add_text(memory, text) : NULL;
	free(text);
	if (!used)
		return 0;
	memory->vmcoreinfo = kept;
	if (kept)
		return 1;
	forget(memory);
	return pw_fail(error, ENOMEM, "out of memory");
}

/* The first page at or after @at that is not in a hole of a sparse file, which must not be filled by looking at it. */
static pw_pa skip_hole(const struct pw_memory *memory, const struct pw_segment *segment,
		       struct pw_run *run, pw_pa at)
{
	const unsigned char *host = segment->host;
	uint64_t rest;

	if (!host)
		return at;
	rest = pw_run_rest(memory, run, host + (size_t)(at - segment->first));
	if (!run->hole || rest < PAGE)
		return at;
	return rest - 1 >= segment->last - at ? segment->last : at + (rest & ~(uint64_t)(PAGE - 1));
}

/* Searches the pages that are whole in @segment up to @last. Returns as try_note. */
static int search_run(struct search *search, const struct pw_segment *segment, pw_pa last,
		      struct pw_error *error)
{
	struct pw_memory *memory = search->memory;
	struct pw_run run = { .host = NULL };
	pw_pa at = (segment->first + (PAGE - 1)) & ~(pw_pa)(PAGE - 1);

	if (at < segment->first)
		return 0;
	for (; at <= last && last - at >= PAGE - 1; at += PAGE) {
		unsigned char header[HEADER];
		uint32_t bytes = 0;
		int status;

		at = skip_hole(memory, segment, &run, at);
		if (last < at || last - at < PAGE - 1)
			break;
		if (pw_memory_read(memory, at, header, sizeof(header)) == 0)
			bytes = text_bytes(header);
		if (bytes > 0) {
			status = try_note(search, at, bytes, error);
			if (status || --search->tries == 0)
				return status;
		}
		if (last - at < 2 * PAGE - 1)
			break;
	}
	return 0;
}

int pw_memory_find_vmcoreinfo(struct pw_memory *memory, uint64_t search, struct pw_error *error)
{
	struct search state = { .memory = memory, .tries = TRIES };
	int status = 0;

	if (!memory)
		return pw_fail_null(error, "memory");
	if (memory->vmcoreinfo)
		return 0;
	if (memory->slow)
		return pw_fail(error, ENOTSUP, "%s: this source is too slow to be searched",
			       memory->title);
	state.any = !has_roots(memory);
	for (size_t i = 0; i < memory->count && search > 0 && state.tries > 0 && status == 0; i++) {
		const struct pw_segment *segment = &memory->segments[i];
		uint64_t reach = segment->last - segment->first;

		if (reach > search - 1)
			reach = search - 1;
		status = search_run(&state, segment, segment->first + reach, error);
		search -= reach + 1;
	}
	state.any = true;
	if (status == 0 && state.first_bytes > 0)
		status = try_note(&state, state.first, state.first_bytes, error);
	if (status == 1)
		return pw_vmcoreinfo_add_root(memory, error);
	return status ? status
		      : pw_fail(error, ENODATA,
				"%s: no VMCOREINFO that leads to a kernel's tables was found",
				memory->title);
}
