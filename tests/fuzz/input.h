/* SPDX-License-Identifier: MIT */
/* A fuzzer's bytes as a regime over a memory; see fuzz_walk.c for the layout. */
#ifndef TESTS_FUZZ_INPUT_H
#define TESTS_FUZZ_INPUT_H

#include <stdlib.h>
#include <string.h>

#include <pagewalk/pagewalk.h>

#include "instance/registry.h"

struct fuzz_input {
	struct pw_regime regime;
	struct pw_memory *memory;
	unsigned char *bytes;
	size_t size;
	pw_va va[2];
};

static inline uint64_t fuzz_word(const uint8_t *data)
{
	uint64_t word = 0;

	for (unsigned i = 0; i < 8; i++)
		word |= (uint64_t)data[i] << (8 * i);
	return word;
}

static inline int fuzz_fetch(void *context, pw_pa pa, void *buffer, size_t bytes)
{
	const struct fuzz_input *input = context;

	if (pa >= input->size || bytes > input->size - pa)
		return -1;
	memcpy(buffer, input->bytes + pa, bytes);
	return 0;
}

/*
 * The format that a byte of an input chooses: the one whose name fits it best. So inputs keep their formats
 * when another one comes, except for the few bytes that it takes from all others.
 */
static inline const struct pw_format *fuzz_format(uint8_t byte)
{
	const struct pw_format *format, *best = NULL;
	uint32_t most = 0;

	for (size_t i = 0; (format = pw_format_at(i)); i++) {
		uint32_t fits = (UINT32_C(0x811c9dc5) ^ byte) * UINT32_C(0x01000193);

		for (const char *c = format->name; *c; c++)
			fits = (fits ^ (unsigned char)*c) * UINT32_C(0x01000193);
		fits = (fits ^ fits >> 15) * UINT32_C(0x2c1b3c6d);
		if (!best || fits > most) {
			best = format;
			most = fits;
		}
	}
	return best;
}

/* The bytes are repeated to fill 64 KiB, so that short inputs make deep tables. */
static inline bool fuzz_input_init(struct fuzz_input *input, const uint8_t *data, size_t size)
{
	enum { HEAD = 36, MEMORY = 64 << 10 };
	struct pw_segment segment;
	struct pw_regime_options options;
	const struct pw_format *format;
	uint64_t root[2];
	size_t count;

	if (size < HEAD + 8)
		return false;
	format = fuzz_format(data[0]);
	options = (struct pw_regime_options){
		.view = data[1] & 1 ? PW_VIEW_LINUX : PW_VIEW_HARDWARE,
		.kernel = data[2] & 1 ? 0x0700 : 0,
	};
	root[0] = fuzz_word(data + 4);
	root[1] = fuzz_word(data + 12);
	/* Most roots are in the memory; the others test the checks. */
	if (data[3] & 2) {
		root[0] &= ~UINT64_C(0x0fffffffffff0000);
		root[1] &= ~UINT64_C(0x0fffffffffff0000);
	}
	count = data[1] & 2 && format->max_roots > 1 ? 2 : 1;
	if (pw_regime_init(&input->regime, format, root, count, &options, NULL))
		return false;
	input->va[0] = fuzz_word(data + 20);
	input->va[1] = fuzz_word(data + 28);
	data += HEAD;
	size -= HEAD;
	input->size = MEMORY;
	input->bytes = aligned_alloc(4096, MEMORY);
	if (!input->bytes)
		return false;
	if (size > MEMORY)
		size = MEMORY;
	memcpy(input->bytes, data, size);
	/* Each turn doubles the filled part, because many inputs are short. */
	for (size_t filled = size; filled < MEMORY; filled *= 2)
		memcpy(input->bytes + filled, input->bytes,
		       filled < MEMORY - filled ? filled : MEMORY - filled);
	segment = (struct pw_segment){ 0, MEMORY - 1, input->bytes };
	if (data[-HEAD + 3] & 1
		    ? pw_memory_create(fuzz_fetch, input, &segment, 1, &input->memory, NULL)
		    : pw_memory_wrap(&segment, 1, &input->memory, NULL))
		abort();
	return true;
}

static inline void fuzz_input_deinit(struct fuzz_input *input)
{
	pw_memory_close(input->memory);
	free(input->bytes);
}

#endif
