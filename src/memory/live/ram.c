/* SPDX-License-Identifier: MIT */
/*
 * The guest's physical memory. QEMU does not promise the form of `info mtree -f`; so it is confirmed: gpa2hva
 * must give addresses for both ends of a region that are as far apart as they should be, and the process must have
 * memory where this puts each run of it. A question takes QEMU as long as a whole map takes us, so no run of a
 * region is asked for by itself unless the region's ends do not agree.
 *
 * If RAM is in shared files, these are mapped, and entries are loaded in place. Then the memory of devices
 * and ROMs, which are not in such files, is left out: it holds no page tables. Other memory is copied from the
 * process, piece by piece.
 */
#include "memory/live/ram.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool pw_ram_parse(const char *line, struct pw_ram_block *block)
{
	unsigned long long first, last, offset = 0;
	char kind[16], name[sizeof(block->name)];
	int priority;

	*block = (struct pw_ram_block){ .first = 0 };
	if (sscanf(line, " %16llx-%16llx (prio %d, %15[a-z/-]): %31s @%16llx", &first, &last,
		   &priority, kind, name, &offset) < 5)
		return false;
	block->ram = strcmp(kind, "ram") == 0;
	if (!block->ram && strcmp(kind, "rom") && strcmp(kind, "romd"))
		return false;
	if (last < first || last - first >= UINT64_C(1) << 56)
		return false;
	block->first = first;
	block->last = last;
	block->offset = offset;
	memcpy(block->name, name, sizeof(name));
	return true;
}

/* The start of the flat view of the address space called "memory", after its title lines; NULL: there is none. */
static const char *find_view(const char *text)
{
	const char *view = strstr(text, " AS \"memory\"");
	const char *root = view ? strstr(view, " Root memory region") : NULL;

	return root ? strchr(root, '\n') : NULL;
}

static int add_block(struct pw_ram *ram, const struct pw_ram_block *block, struct pw_error *error)
{
	struct pw_ram_block *blocks = pw_memory_grow(ram->blocks, ram->count, sizeof(*blocks));

	if (!blocks)
		return pw_fail(error, ENOMEM, "out of memory");
	ram->blocks = blocks;
	blocks[ram->count++] = *block;
	return 0;
}

/* Reads the lines up to the empty one at the view's end. */
static int read_view(struct pw_ram *ram, const char *view, struct pw_error *error)
{
	enum { MOST = 4096 };
	int status = 0;

	while (*view == '\n' && view[1] != '\n' && view[1] && status == 0 && ram->count < MOST) {
		const char *end = strchr(++view, '\n');
		struct pw_ram_block block;
		char line[256];

		if (!end)
			end = view + strlen(view);
		snprintf(line, sizeof(line), "%.*s", (int)(end - view), view);
		if (pw_ram_parse(line, &block))
			status = add_block(ram, &block, error);
		view = end;
	}
	return status;
}

/* Where the guest's @pa is in QEMU. False: the answer is not an address. */
static int ask_address(struct pw_qmp *qmp, pw_pa pa, bool *found_ret, uint64_t *address_ret,
		       struct pw_error *error)
{
	char line[48], *text;
	unsigned long long address;
	const char *at;
	int status;

	*found_ret = false;
	snprintf(line, sizeof(line), "gpa2hva 0x%llx", (unsigned long long)pa);
	status = pw_qmp_monitor(qmp, line, &text, error);
	if (status)
		return status;
	at = strncmp(text, "Host virtual address", 20) == 0 ? strstr(text, " is ") : NULL;
	if (at && sscanf(at, " is 0x%llx", &address) == 1) {
		*address_ret = address;
		*found_ret = true;
	}
	free(text);
	return 0;
}

/* Is @next another run of the region of @block, behind it? Two regions may have the same name. */
static bool goes_on(const struct pw_ram_block *block, const struct pw_ram_block *next)
{
	const uint64_t reach = block->last - block->first;

	return strcmp(block->name, next->name) == 0 && next->offset > block->offset &&
	       next->offset - block->offset > reach;
}

/* The last run of the region of blocks[@first]. */
static size_t region_end(const struct pw_ram *ram, size_t first)
{
	size_t end = first;

	for (size_t i = first + 1; i < ram->count; i++)
		if (goes_on(&ram->blocks[end], &ram->blocks[i]))
			end = i;
	return end;
}

static bool has_memory(const struct pw_process *process, const struct pw_ram_block *block)
{
	const uint64_t reach = block->last - block->first;

	return block->address <= UINT64_MAX - reach && pw_process_find(process, block->address) &&
	       pw_process_find(process, block->address + reach);
}

/* Puts the runs first..end of a region where QEMU's addresses of its ends say, if these agree. */
static int ask_region(struct pw_ram *ram, size_t first, size_t end, struct pw_qmp *qmp,
		      const struct pw_process *process, struct pw_error *error)
{
	const struct pw_ram_block *from = &ram->blocks[first], *to = &ram->blocks[end];
	const uint64_t reach = to->offset - from->offset + (to->last - to->first);
	uint64_t start = 0, stop = 0;
	bool has_start, has_stop;
	size_t before = first;
	int status = ask_address(qmp, from->first, &has_start, &start, error);

	if (status == 0)
		status = ask_address(qmp, to->last, &has_stop, &stop, error);
	if (status || !has_start || !has_stop || stop != start + reach)
		return status;
	for (size_t i = first; i <= end; i++) {
		struct pw_ram_block *block = &ram->blocks[i];

		if (i > first && !goes_on(&ram->blocks[before], block))
			continue;
		before = i;
		block->address = start + (block->offset - from->offset);
		block->confirmed = has_memory(process, block);
	}
	return 0;
}

static int refuse_block(const struct pw_ram_block *block, struct pw_error *error)
{
	return pw_fail(
		error, EIO,
		"QEMU's list of memory says %s at 0x%llx, but its process has no such memory there; is "
		"the QMP socket that of another machine or container?",
		block->name, (unsigned long long)block->first);
}

/* Does the region of @block have RAM? A part of it may be protected as ROM. */
static bool is_of_ram(const struct pw_ram *ram, const struct pw_ram_block *block)
{
	for (size_t i = 0; i < ram->count; i++)
		if (ram->blocks[i].ram && strcmp(ram->blocks[i].name, block->name) == 0)
			return true;
	return false;
}

/* Confirms the regions of RAM, or all others, and maps what is in shared files. */
static int confirm(struct pw_ram *ram, bool of_ram, struct pw_qmp *qmp,
		   const struct pw_process *process, struct pw_memory *memory,
		   struct pw_error *error)
{
	for (size_t i = 0; i < ram->count; i++) {
		struct pw_ram_block *block = &ram->blocks[i];
		const uint64_t bytes = block->last - block->first + 1;
		const size_t end = region_end(ram, i);
		int status = 0;

		if (is_of_ram(ram, block) != of_ram)
			continue;
		if (!block->confirmed)
			status = ask_region(ram, i, end, qmp, process, error);
		if (status == 0 && !block->confirmed && end > i)
			status = ask_region(ram, i, i, qmp, process, error);
		if (status)
			return status;
		if (!block->confirmed && block->ram)
			return refuse_block(block, error);
		if (!block->confirmed)
			continue;
		block->shared = pw_process_share(process, memory, block->address, bytes,
						 &block->host) == 0;
		if (block->shared)
			ram->mapped += bytes;
	}
	return 0;
}

/*
 * Finds out which memory that is not in shared files is RAM nonetheless, as of a second NUMA node. QEMU calls the region of
 * a memory backend by its id; for machines older than 4.0, "/objects/ID".
 */
static int ask_backends(struct pw_ram *ram, struct pw_qmp *qmp, struct pw_error *error)
{
	static const char objects[] = "/objects/";

	for (size_t i = 0; i < ram->count && ram->mapped > 0; i++) {
		struct pw_ram_block *block = &ram->blocks[i];
		const char *id = block->name;
		int status;

		if (!block->confirmed || block->shared)
			continue;
		if (strncmp(id, objects, strlen(objects)) == 0)
			id += strlen(objects);
		status = pw_qmp_lists(qmp, "query-memdev", "id", id, &block->backend, error);
		if (status)
			return status;
	}
	return 0;
}

/* Is most memory mapped, apart from RAM that cannot be? The rest is not RAM, and can then be left out. */
static bool is_mapped(const struct pw_ram *ram)
{
	uint64_t rest = 0;

	for (size_t i = 0; i < ram->count; i++) {
		const struct pw_ram_block *block = &ram->blocks[i];

		if (block->confirmed && !block->shared && !block->backend)
			rest += block->last - block->first + 1;
	}
	return ram->mapped > 0 && ram->mapped / 4 >= rest;
}

/* Drops what is not confirmed and, if most memory is mapped, what is not RAM. */
static void leave_out(struct pw_ram *ram)
{
	const bool mapped = is_mapped(ram);
	size_t kept = 0;

	ram->copied = 0;
	for (size_t i = 0; i < ram->count; i++) {
		const struct pw_ram_block *block = &ram->blocks[i];

		if (!block->confirmed || (mapped && !block->shared && !block->backend))
			continue;
		if (!block->shared)
			ram->copied += block->last - block->first + 1;
		ram->blocks[kept++] = *block;
	}
	ram->count = kept;
}

int pw_ram_find(struct pw_ram *ram, struct pw_qmp *qmp, const struct pw_process *process,
		struct pw_memory *memory, struct pw_error *error)
{
	const char *view;
	char *text;
	int status;

	*ram = (struct pw_ram){ .count = 0 };
	status = pw_qmp_monitor(qmp, "info mtree -f", &text, error);
	if (status)
		return status;
	view = find_view(text);
	status = view ? read_view(ram, view, error) : 0;
	free(text);
	if (status == 0 && ram->count == 0)
		status = pw_fail(error, EIO,
				 "QEMU %s does not say where its RAM is (info mtree -f of %s)",
				 qmp->version, qmp->wire.name);
	if (status == 0)
		status = confirm(ram, true, qmp, process, memory, error);
	if (status == 0)
		status = ask_backends(ram, qmp, error);
	if (status == 0 && !is_mapped(ram))
		status = confirm(ram, false, qmp, process, memory, error);
	leave_out(ram);
	for (size_t i = 0; i < ram->count && status == 0; i++) {
		const struct pw_ram_block *block = &ram->blocks[i];

		status = pw_memory_add_segment(memory, block->first, block->last, block->host,
					       error);
	}
	return status;
}

void pw_ram_free(struct pw_ram *ram)
{
	free(ram->blocks);
	ram->blocks = NULL;
	ram->count = 0;
}

const struct pw_ram_block *pw_ram_block(const struct pw_ram *ram, pw_pa pa)
{
	for (size_t i = 0; i < ram->count; i++)
		if (ram->blocks[i].first <= pa && pa <= ram->blocks[i].last)
			return &ram->blocks[i];
	return NULL;
}
