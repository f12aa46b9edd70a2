/* SPDX-License-Identifier: MIT */
/*
 * What QEMU's monitor for people says: `info mtree -f`, `gpa2hva`, `info registers -a`. The first byte of the
 * input chooses the machine; the others are the answers, each ended by a NUL, in the order of the questions.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "memory/live/qemu.h"
#include "wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Appends the answer text..text+bytes-1 to the conversation; bytes that JSON cannot hold become '?'. */
static void say(char *talk, size_t *used, const char *text, size_t bytes)
{
	char *copy = strndup(text, bytes), *line;
	json_t *message;

	if (!copy)
		abort();
	for (char *c = copy; *c; c++)
		if (*c & 0x80)
			*c = '?';
	message = json_pack("{s:s}", "return", copy);
	line = json_dumps(message, JSON_COMPACT);
	if (!line)
		abort();
	if (*used + strlen(line) + 1 <= FUZZ_WIRE_MOST) {
		memcpy(talk + *used, line, strlen(line));
		*used += strlen(line);
		talk[(*used)++] = '\n';
	}
	free(line);
	json_decref(message);
	free(copy);
}

/* Every block was confirmed: both its ends are in a mapping. */
static void check_blocks(const struct pw_qemu *qemu)
{
	for (size_t i = 0; i < qemu->ram.count; i++) {
		const struct pw_ram_block *block = &qemu->ram.blocks[i];

		if (block->last < block->first || block->host || block->shared ||
		    !pw_process_find(&qemu->process, block->address) ||
		    !pw_process_find(&qemu->process, block->address + (block->last - block->first)))
			abort();
		if (strnlen(block->name, sizeof(block->name)) == sizeof(block->name))
			abort();
	}
}

static void converse(struct pw_qemu *qemu)
{
	struct pw_error error = { .text = "" };
	int status = pw_ram_find(&qemu->ram, &qemu->qmp, &qemu->process, qemu->memory, &error);

	if ((status != 0) != (error.text[0] != '\0'))
		abort();
	if (status)
		return;
	check_blocks(qemu);
	status = pw_memory_seal(qemu->memory, &error);
	if ((status != 0) != (error.text[0] != '\0'))
		abort();
	error.text[0] = '\0';
	status = pw_qemu_add_cpus(qemu, &error);
	if ((status != 0) != (error.text[0] != '\0'))
		abort();
	/* "CPU#" for each CPU, which gives at most three lines. */
	fuzz_wire_check(qemu->memory, 3 * FUZZ_WIRE_MOST / 4);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Not arm: its registers are asked of a stub, at an address that QEMU tells. */
	static const char *const machines[] = { "x86_64",  "i386",    "s390x",
						"riscv64", "riscv32", "ppc64" };
	static struct pw_process_map maps[] = {
		{ .first = 0x1000, .end = 0x100000 },
		{ .first = 0x7f0000000000, .end = 0x7f0040000000, .inode = 1 },
	};
	struct pw_qemu qemu = { .process = { .maps = maps, .count = 2 }, .handle = -1 };
	char *talk = malloc(FUZZ_WIRE_MOST);
	struct fuzz_wire other;
	size_t used = 0;

	qemu.memory = pw_memory_new(NULL);
	if (!talk || !qemu.memory)
		abort();
	snprintf(qemu.machine, sizeof(qemu.machine), "%s", machines[size ? data[0] % 6 : 0]);
	for (size_t at = 1; at < size;) {
		const uint8_t *end = memchr(data + at, 0, size - at);
		size_t bytes = end ? (size_t)(end - (data + at)) : size - at;

		say(talk, &used, (const char *)data + at, bytes);
		at += bytes + 1;
	}
	fuzz_wire_open(&other, &qemu.qmp.wire, talk, used);
	converse(&qemu);
	pw_qmp_close(&qemu.qmp);
	fuzz_wire_close(&other);
	pw_ram_free(&qemu.ram);
	pw_memory_close(qemu.memory);
	free(talk);
	return 0;
}
