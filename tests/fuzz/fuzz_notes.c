/* SPDX-License-Identifier: MIT */
/*
 * Notes. The first byte of the input chooses their core (bit 0 its class, bit 1 its byte order, the rest its
 * machine). The other bytes are the notes.
 */
#include <stdlib.h>
#include <string.h>

#include "memory/elf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct pw_cpu *cpu)
{
	if (cpu->roots > PW_MAX_ROOTS)
		abort();
	for (const char *c = cpu->origin; *c; c++)
		if (*c < ' ' || *c > '~')
			abort();
	for (const char *c = cpu->format ? cpu->format : ""; *c; c++)
		if (*c < ' ' || *c > '~')
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint16_t machines[] = { EM_X86_64, EM_386, EM_S390, EM_AARCH64, EM_PPC64 };
	struct pw_elf elf = { .name = "input" };
	struct pw_notes notes = { .elf = &elf };
	const struct pw_cpu *cpus;
	unsigned char *copy;
	size_t count;

	if (size < 1)
		return 0;
	elf.wide = data[0] & 1;
	elf.big_endian = data[0] & 2;
	elf.machine = machines[(data[0] >> 2) % 5];
	copy = malloc(size);
	notes.memory = pw_memory_new(NULL);
	if (!copy || !notes.memory)
		abort();
	memcpy(copy, data + 1, size - 1);
	elf.host = copy;
	elf.bytes = size - 1;
	if (pw_notes_read(&notes, copy, size - 1, NULL) || pw_notes_end(&notes, NULL))
		abort();
	count = pw_memory_cpus(notes.memory, &cpus);
	/* One note of control registers gives three; fewer bytes than a note's header give none. */
	if (count > size / 4)
		abort();
	for (size_t i = 0; i < count; i++)
		check(&cpus[i]);
	pw_memory_close(notes.memory);
	free(copy);
	return 0;
}
