/* SPDX-License-Identifier: MIT */
/*
 * The guest's physical memory. QEMU does not promise the form of `info mtree -f`; so every run of memory in it
 * is confirmed: gpa2hva must give addresses for both ends that are as far apart as they should be, and the
 * process must have memory there.
 *
 * If RAM is in shared files, these are mapped, and entries are loaded in place. Then the memory of devices
 * and ROMs, which are not in such files, is left out: it holds no page tables. Else all memory is copied from
 * the process, piece by piece.
 */
#include "memory/live/ram.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool pw_ram_parse(const char *line, struct pw_ram_block *block)
{
	unsigned long long first, last;
	char kind[16], name[sizeof(block->name)];
	int priority;

	*block = (struct pw_ram_block){ .first = 0 };
	if (sscanf(line, " %16llx-%16llx (prio %d, %15[a-z/-]): %31s", &first, &last, &priority,
		   kind, name) != 5)
		return false;
	block->ram = strcmp(kind, "ram") == 0;
	if (!block->ram && strcmp(kind, "rom") && strcmp(kind, "romd"))
		return false;
	if (last < first || last - first >= UINT64_C(1) << 56)
		return false;
	block->first = first;
	block->last = last;
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

/* Drops blocks whose ends are not where they should be. */
static int confirm(struct pw_ram *ram, struct pw_qmp *qmp, const struct pw_process *process,
		   struct pw_error *error)
{
	size_t kept = 0;

	for (size_t i = 0; i < ram->count; i++) {
		struct pw_ram_block block = ram->blocks[i];
		uint64_t reach = block.last - block.first, end = 0;
		bool first, last;
		int status = ask_address(qmp, block.first, &first, &block.address, error);

		if (status == 0)
			status = ask_address(qmp, block.last, &last, &end, error);
		if (status)
			return status;
		if (first && last && end == block.address + reach &&
		    pw_process_find(process, block.address) && pw_process_find(process, end))
			ram->blocks[kept++] = block;
		else if (block.ram)
			return pw_fail(
				error, EIO,
				"QEMU's list of memory says %s at 0x%llx, but its process has no such "
				"memory there; is the QMP socket that of another machine or container?",
				block.name, (unsigned long long)block.first);
	}
	ram->count = kept;
	return 0;
}

/* Drops what no RAM is and cannot be mapped, if most RAM is mapped. */
static void leave_out(struct pw_ram *ram)
{
	size_t kept = 0;

	if (ram->mapped < 4 * ram->copied || ram->mapped == 0)
		return;
	for (size_t i = 0; i < ram->count; i++)
		if (ram->blocks[i].shared)
			ram->blocks[kept++] = ram->blocks[i];
	ram->left = (unsigned)(ram->count - kept);
	ram->count = kept;
	ram->copied = 0;
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
		status = confirm(ram, qmp, process, error);
	for (size_t i = 0; i < ram->count && status == 0; i++) {
		struct pw_ram_block *block = &ram->blocks[i];
		uint64_t bytes = block->last - block->first + 1;

		block->shared = pw_process_share(process, memory, block->address, bytes,
						 &block->host) == 0;
		*(block->shared ? &ram->mapped : &ram->copied) += bytes;
	}
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
