/* SPDX-License-Identifier: MIT */
/*
 * Saved machines of VMware: a .vmss or .vmsn with the state, and a .vmem beside it with the memory, which older versions
 * have in the state itself. After the accounts of Volatility's vmware.py (2 and 3) and of vmsnparser. Little-endian.
 *
 *   0        4      8        12
 *   +--------+------+--------+---------------------+---------------------+--
 *   | magic  |      | groups | name | at   |       | name | at   |       | ...      one for each group
 *   +--------+------+--------+---------------------+---------------------+--
 *     u32      u32    u32      64 bytes, u64, u64
 *
 *   +-------+--------+------+---------+------+--
 *   | flags | length | name | indices | data | ...      tags of a group, from `at` up to one without flags and name
 *   +-------+--------+------+---------+------+--
 *     u8      u8              u32 each
 *
 * Bits 7:6 of the flags are the number of indices, 5:0 that of the bytes of data. 62 and 63 are a block: its bytes in the
 * file, its bytes in memory (u32 in version 0, else u64), the length of a gap (u16), the gap, the bytes.
 *
 *   memory  regionsCount, and for each of them regionPPN, regionPageNum, regionSize: which pages are where in the .vmem
 *           (or the block Memory); without regions, memory begins at 0
 *   cpu     CR64[cpu][n] or CR[cpu][n]: control registers
 *
 * Bounds: no more memory than the files have bytes, REGIONS runs, CPUS CPUs. A tag has 2 bytes or more, so a group ends.
 */
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/little.h"
#include "base/names.h"
#include "memory/memory.h"
#include "memory/x86_mode.h"

enum {
	GROUPS = 12, /* offset of the first */
	GROUP_BYTES = 80,
	GROUP_NAME = 64,
	PAGE_LG2 = 12,
	REGIONS = 64,
	CPUS = 256,
	CONTROLS = 5,
	NAME = 4096,
};

struct file {
	const char *path;
	const unsigned char *host;
	uint64_t bytes;
};

struct tag {
	const unsigned char *name;
	unsigned name_bytes, indices;
	uint32_t index[3];
	uint64_t data, bytes; /* place in the file */
	bool compressed;
};

/* What the state says. */
struct state {
	struct file file;
	unsigned version;
	uint64_t regions; /* as it says */
	struct {
		uint64_t first, page,
			pages; /* number of a page of the machine; of the .vmem; of pages */
	} region[REGIONS];
	uint64_t memory, memory_bytes; /* the block in the state; no bytes: there is none */
	struct {
		uint64_t cr[CONTROLS];
		uint8_t known; /* a bit for each */
	} cpu[CPUS];
};

static bool has(const struct file *file, uint64_t at, uint64_t bytes)
{
	return at <= file->bytes && bytes <= file->bytes - at;
}

static int broken(const struct file *file, uint64_t at, struct pw_error *error)
{
	return pw_fail(
		error, EINVAL,
		"%s: this state of VMware goes on at offset 0x%llx, beyond its end or not as "
		"is known. Is it complete? VMware's vmss2core may convert it: vmss2core -N6 %s",
		file->path, (unsigned long long)at, file->path);
}

/* Reads the tag at *at, and moves on behind it. 1: done; 0: it was the end; or -EINVAL. */
static int read_tag(const struct state *state, uint64_t *at, struct tag *tag,
		    struct pw_error *error)
{
	const struct file *file = &state->file;
	const unsigned width = state->version == 0 ? 4 : 8;
	uint64_t here = *at;
	unsigned kind;

	if (!has(file, here, 2))
		return broken(file, here, error);
	kind = file->host[here] & 63;
	*tag = (struct tag){ .name = file->host + here + 2,
			     .name_bytes = file->host[here + 1],
			     .indices = file->host[here] >> 6,
			     .bytes = kind };
	if (file->host[here] == 0 && tag->name_bytes == 0)
		return 0;
	here += 2 + (uint64_t)tag->name_bytes;
	if (!has(file, here, 4 * (uint64_t)tag->indices))
		return broken(file, here, error);
	for (unsigned i = 0; i < tag->indices; i++, here += 4)
		tag->index[i] = (uint32_t)pw_little(file->host + here, 4);
	if (kind >= 62) {
		if (!has(file, here, 2 * width + 2))
			return broken(file, here, error);
		tag->bytes = pw_little(file->host + here, width);
		tag->compressed = tag->bytes != pw_little(file->host + here + width, width);
		here += 2 * width + 2 + pw_little(file->host + here + 2 * (uint64_t)width, 2);
	}
	/* A state that was cut off within its memory is one with less of it. */
	if (here > file->bytes || (kind < 62 && !has(file, here, tag->bytes)))
		return broken(file, here, error);
	tag->data = here;
	*at = tag->bytes > file->bytes - here ? file->bytes : here + tag->bytes;
	return 1;
}

static bool is_named(const struct tag *tag, const char *name, unsigned indices)
{
	return tag->indices == indices && tag->name_bytes == strlen(name) &&
	       memcmp(tag->name, name, tag->name_bytes) == 0;
}

static uint64_t value(const struct state *state, const struct tag *tag)
{
	return pw_little(state->file.host + tag->data, tag->bytes < 8 ? (unsigned)tag->bytes : 8);
}

static void take_memory(struct state *state, const struct tag *tag)
{
	if (is_named(tag, "regionsCount", 0))
		state->regions = value(state, tag);
	if (is_named(tag, "Memory", 2) && tag->index[0] == 0 && tag->index[1] == 0) {
		state->memory = tag->data;
		state->memory_bytes = tag->compressed ? 0 : tag->bytes;
	}
	if (tag->indices != 1 || tag->index[0] >= REGIONS)
		return;
	if (is_named(tag, "regionPPN", 1))
		state->region[tag->index[0]].first = value(state, tag);
	else if (is_named(tag, "regionPageNum", 1))
		state->region[tag->index[0]].page = value(state, tag);
	else if (is_named(tag, "regionSize", 1))
		state->region[tag->index[0]].pages = value(state, tag);
}

static void take_cpu(struct state *state, const struct tag *tag)
{
	const bool wide = is_named(tag, "CR64", 2);
	unsigned bit;

	if ((!wide && !is_named(tag, "CR", 2)) || tag->index[0] >= CPUS ||
	    tag->index[1] >= CONTROLS)
		return;
	bit = 1u << tag->index[1];
	/* The wide one counts, in whichever order they are. */
	if (!wide && (state->cpu[tag->index[0]].known & bit))
		return;
	state->cpu[tag->index[0]].cr[tag->index[1]] = value(state, tag);
	state->cpu[tag->index[0]].known |= (uint8_t)bit;
}

static int read_group(struct state *state, uint64_t at,
		      void (*take)(struct state *state, const struct tag *tag),
		      struct pw_error *error)
{
	struct tag tag;
	int status;

	while ((status = read_tag(state, &at, &tag, error)) == 1) {
		take(state, &tag);
		if (at == state->file.bytes)
			return 0;
	}
	return status;
}

static bool is_group(const unsigned char *name, const char *wanted)
{
	return strncmp((const char *)name, wanted, GROUP_NAME) == 0;
}

static int read_state(struct state *state, struct pw_error *error)
{
	const struct file *file = &state->file;
	uint64_t groups;
	int status = 0;

	if (!has(file, 0, GROUPS))
		return broken(file, 0, error);
	state->version = file->host[0] & 15;
	groups = pw_little(file->host + 8, 4);
	if (!has(file, GROUPS, groups * GROUP_BYTES))
		return broken(file, GROUPS, error);
	for (uint64_t i = 0; i < groups && status == 0; i++) {
		const unsigned char *group = file->host + GROUPS + i * GROUP_BYTES;
		const uint64_t at = pw_little(group + GROUP_NAME, 8);

		if (is_group(group, "memory"))
			status = read_group(state, at, take_memory, error);
		else if (is_group(group, "cpu"))
			status = read_group(state, at, take_cpu, error);
	}
	return status;
}

/* ---- the memory ---- */

/* Adds @pages pages from page @first of the machine on, which are at offset @at of the block @bytes long. */
static int add_run(struct pw_memory *memory, const struct file *file, uint64_t block,
		   uint64_t bytes, uint64_t first, uint64_t page, uint64_t pages,
		   struct pw_error *error)
{
	const uint64_t most = UINT64_MAX >> PAGE_LG2, at = page << PAGE_LG2;
	uint64_t length = pages << PAGE_LG2;

	if (first > most || pages > most - first || page > most || pages > most)
		return broken(file, block, error);
	if (bytes > file->bytes - block)
		bytes = file->bytes - block;
	if (at >= bytes || length > bytes - at) {
		pw_memory_add_remark(memory,
				     "truncated: %s should have 0x%llx bytes of memory at offset "
				     "0x%llx, but has only 0x%llx; the rest is not in this image",
				     file->path, (unsigned long long)length,
				     (unsigned long long)(block + at),
				     (unsigned long long)(at < bytes ? bytes - at : 0));
		length = at < bytes ? bytes - at : 0;
	}
	if (length == 0)
		return 0;
	return pw_memory_add_segment(memory, first << PAGE_LG2, (first << PAGE_LG2) + (length - 1),
				     file->host + block + at, error);
}

/* Adds the regions. @file has the memory in the block of @bytes bytes at @block. */
static int add_regions(struct pw_memory *memory, const struct state *state, const struct file *file,
		       uint64_t block, uint64_t bytes, struct pw_error *error)
{
	const uint64_t most = bytes >> PAGE_LG2;
	uint64_t pages = 0;
	int status = 0;

	if (state->regions > REGIONS)
		return pw_fail(
			error, EINVAL,
			"%s: this state of VMware has %llu regions of memory, but at most %u "
			"are known",
			state->file.path, (unsigned long long)state->regions, REGIONS);
	if (state->regions == 0)
		return add_run(memory, file, block, bytes, 0, 0, bytes >> PAGE_LG2, error);
	for (uint64_t i = 0; i < state->regions && status == 0; i++) {
		uint64_t here = state->region[i].page < most ? most - state->region[i].page : 0;

		/* No page of the file is twice in memory. */
		pages += here < state->region[i].pages ? here : state->region[i].pages;
		if (pages > most)
			return broken(&state->file, block, error);
		status = add_run(memory, file, block, bytes, state->region[i].first,
				 state->region[i].page, state->region[i].pages, error);
	}
	return status;
}

/* ---- CPUs ---- */

/*
 * The state does not say in a way that is known whether the CPU was in long mode. With PAE it mostly was: only few
 * systems of 32 bits with PAE are left.
 */
static int add_cpus(struct pw_memory *memory, const struct state *state, struct pw_error *error)
{
	bool guessed = false;

	for (unsigned i = 0; i < CPUS; i++) {
		const uint64_t *cr = state->cpu[i].cr;
		struct pw_cpu *cpu;

		/* CR0, CR3 and CR4 */
		if ((state->cpu[i].known & 0x19) != 0x19)
			continue;
		cpu = pw_memory_add_cpu(memory);
		if (!cpu)
			return pw_fail(error, ENOMEM, "out of memory");
		cpu->id = i;
		cpu->format = pw_x86_mode(cr[0], cr[4], cr[4] & PW_X86_CR4_PAE);
		if (cpu->format) {
			cpu->roots = 1;
			cpu->root[0] = cr[3];
			cpu->registers.known = PW_REGISTER_CR4;
			cpu->registers.cr4 = cr[4];
			memory->machine = cr[4] & PW_X86_CR4_PAE ? EM_X86_64 : EM_386;
			guessed |= (cr[4] & PW_X86_CR4_PAE) && !(cr[4] & PW_X86_CR4_LA57);
		}
		snprintf(cpu->origin, sizeof(cpu->origin), "VMware's state, %s",
			 cpu->format ? "CR3" : "CR0: paging was off");
	}
	if (guessed)
		pw_memory_add_remark(memory, "the state does not tell long mode from PAE: if the "
					     "system has 32 bits, give --format i386_pae");
	return 0;
}

/* ---- files ---- */

/* Maps the file that is called as @path, but for its ending. False: there is none. */
static bool map_beside(struct pw_memory *memory, const char *path, const char *ending,
		       struct file *file, char name[NAME])
{
	const char *dot = strrchr(path, '.');
	struct pw_error ignored;

	if (!dot || strchr(dot, '/') ||
	    snprintf(name, NAME, "%.*s%s", (int)(dot - path), path, ending) >= NAME)
		return false;
	file->path = name;
	return pw_memory_map_file(memory, name, &file->host, &file->bytes, &ignored) == 0;
}

bool pw_vmware_is_state(const unsigned char *host, uint64_t bytes)
{
	static const char magics[][5] = { "\xd0\xbe\xd2\xbe", "\xd1\xba\xd1\xba",
					  "\xd2\xbe\xd2\xbe", "\xd3\xbe\xd3\xbe" };

	for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++)
		if (bytes >= 4 && memcmp(host, magics[i], 4) == 0)
			return true;
	return false;
}

/* Fills the memory from a state, and from a .vmem if @vmem is not NULL. */
static int fill(struct pw_memory *memory, struct state *state, const struct file *vmem,
		struct pw_error *error)
{
	const struct file *file = vmem ? vmem : &state->file;
	char size[PW_SIZE_TEXT];
	uint64_t total = 0;
	int status = read_state(state, error);

	if (status == 0 && !vmem && state->memory_bytes == 0)
		return pw_fail(
			error, EINVAL,
			"%s: this state of VMware has no memory, or compressed memory. Put the "
			".vmem of the same name beside it; or let VMware's vmss2core convert "
			"it: vmss2core -N6 %s",
			state->file.path, state->file.path);
	if (status == 0)
		status = add_regions(memory, state, file, vmem ? 0 : state->memory,
				     vmem ? vmem->bytes : state->memory_bytes, error);
	if (status == 0)
		status = add_cpus(memory, state, error);
	if (status == 0 && memory->count == 0)
		return pw_fail(error, EINVAL, "%s: this state of VMware names no memory",
			       state->file.path);
	for (size_t i = 0; i < memory->count && status == 0; i++)
		total += memory->segments[i].last - memory->segments[i].first + 1;
	if (status == 0)
		snprintf(memory->title, sizeof(memory->title),
			 "saved machine of VMware%s, %zu segment%s, %s", vmem ? " (.vmem)" : "",
			 memory->count, memory->count == 1 ? "" : "s",
			 pw_size_text(total - 1, size));
	return status;
}

int pw_memory_read_vmware(struct pw_memory *memory, const char *path, const unsigned char *host,
			  uint64_t bytes, struct pw_error *error)
{
	struct state *state = calloc(1, sizeof(*state));
	char name[NAME];
	struct file vmem;
	int status;

	if (!state)
		return pw_fail(error, ENOMEM, "out of memory");
	state->file = (struct file){ path, host, bytes };
	status = fill(memory, state, map_beside(memory, path, ".vmem", &vmem, name) ? &vmem : NULL,
		      error);
	free(state);
	return status;
}

int pw_memory_read_vmem(struct pw_memory *memory, const char *path, const unsigned char *host,
			uint64_t bytes, struct pw_error *error)
{
	const struct file vmem = { path, host, bytes };
	struct state *state = calloc(1, sizeof(*state));
	char name[NAME];
	int status = -ENOENT;

	if (!state)
		return pw_fail(error, ENOMEM, "out of memory");
	if ((map_beside(memory, path, ".vmss", &state->file, name) &&
	     pw_vmware_is_state(state->file.host, state->file.bytes)) ||
	    (map_beside(memory, path, ".vmsn", &state->file, name) &&
	     pw_vmware_is_state(state->file.host, state->file.bytes)))
		status = fill(memory, state, &vmem, error);
	free(state);
	return status;
}
