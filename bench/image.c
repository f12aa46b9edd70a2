/* SPDX-License-Identifier: MIT */
/* Images: page tables of any format, written with the format's own functions. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "bench.h"

static const pw_pa BENCH_BASE = UINT64_C(0x40000000);

static void *entry_at(const struct bench_image *image, pw_pa at)
{
	return image->host + (at - image->base);
}

static uint64_t read_entry(const struct bench_image *image, pw_pa at)
{
	uint64_t raw = 0;
	uint32_t raw32;

	if (image->format->entry_lg2 == 2) {
		memcpy(&raw32, entry_at(image, at), sizeof(raw32));
		raw = raw32;
	} else {
		memcpy(&raw, entry_at(image, at), sizeof(raw));
	}
	return pw_entry_number(raw, image->format->entry_lg2, image->format->big_endian);
}

static void write_entry(const struct bench_image *image, pw_pa at, uint64_t entry)
{
	/* Swapping is its own inverse. */
	uint64_t raw = pw_entry_number(entry, image->format->entry_lg2, image->format->big_endian);
	uint32_t raw32 = (uint32_t)raw;

	if (image->format->entry_lg2 == 2)
		memcpy(entry_at(image, at), &raw32, sizeof(raw32));
	else
		memcpy(entry_at(image, at), &raw, sizeof(raw));
}

static pw_pa new_table(struct bench_image *image, unsigned level)
{
	const struct pw_format *f = image->format;
	size_t entries = (size_t)1 << f->bits[level];
	size_t bytes = entries << f->entry_lg2;
	uint64_t empty = f->make_empty(f, &image->regime, level);
	size_t at = (image->used + bytes - 1) & ~(bytes - 1);

	if (at + bytes > image->bytes) {
		fprintf(stderr, "bench: the arena of %zu bytes is too small\n", image->bytes);
		exit(2);
	}
	image->used = at + bytes;
	for (size_t i = 0; empty && i < entries; i++)
		write_entry(image, image->base + at + (i << f->entry_lg2), empty);
	if (level == 0) {
		image->raw_sum += empty * entries;
		image->tables++;
	}
	return image->base + at;
}

void bench_image_create(struct bench_image *image, const char *format, size_t bytes, bool huge)
{
	const size_t huge_page = (size_t)2 << 20;
	struct pw_segment segment;
	struct pw_error error;
	unsigned char *host;
	uint64_t root;

	*image = (struct bench_image){
		.format = pw_format_find(format),
		.bytes = bytes,
		.base = BENCH_BASE,
	};
	if (!image->format) {
		fprintf(stderr, "bench: no format %s\n", format);
		exit(2);
	}
	/* Aligned, so that huge pages start at the first byte. */
	host = mmap(NULL, bytes + huge_page, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (host == MAP_FAILED) {
		perror("bench: mmap");
		exit(2);
	}
	image->host = host + (huge_page - (uintptr_t)host % huge_page);
	madvise(image->host, bytes, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);

	image->regime.format = image->format;
	image->regime.kernel = 0x0601;
	image->regime.address_mask = ~UINT64_C(0);
	/* As in Linux on s390: three tables, for 4 TiB. */
	image->top = image->format->dynamic_top ? 2 : image->format->levels - 1u;
	root = image->format->make_root(image->format, &image->regime, new_table(image, image->top),
					image->top);
	segment = (struct pw_segment){ image->base, image->base + bytes - 1, image->host };
	if (pw_regime_init(&image->regime, image->format, &root, 1, NULL, &error) ||
	    pw_memory_wrap(&segment, 1, &image->memory, &error)) {
		fprintf(stderr, "bench: %s\n", error.text);
		exit(2);
	}
}

void bench_image_map(struct bench_image *image, pw_va va, pw_pa pa, unsigned leaf_level,
		     uint32_t attr)
{
	const struct pw_format *f = image->format;
	const struct pw_regime *r = &image->regime;
	pw_pa table = r->span[0].table;

	for (unsigned level = image->top;; level--) {
		pw_pa at = pw_entry_address(f, table,
					    pw_index(va, f->shift[level], f->bits[level]));
		uint64_t entry = read_entry(image, at);

		if (level == leaf_level) {
			uint64_t leaf = f->make_leaf(f, r, level, pa, attr);

			image->raw_sum += leaf - (level == 0 ? entry : 0);
			image->pa_sum += bench_run_sum(pa, UINT64_C(1) << f->shift[level]);
			image->pages += UINT64_C(1) << (f->shift[level] - 12);
			write_entry(image, at, leaf);
			return;
		}
		if (f->kind(f, r, level, entry) != PW_TABLE) {
			entry = f->make_table(f, r, level, new_table(image, level - 1));
			write_entry(image, at, entry);
		}
		table = f->table(f, r, level, entry);
	}
}

void bench_image_list(struct bench_image *image, pw_va va, pw_pa pa, unsigned level, uint32_t attr)
{
	if (image->leaves == image->room) {
		image->room = image->room ? 2 * image->room : 1024;
		image->leaf = reallocarray(image->leaf, image->room, sizeof(*image->leaf));
		if (!image->leaf) {
			fprintf(stderr, "bench: out of memory\n");
			exit(2);
		}
	}
	image->leaf[image->leaves++] = (struct bench_leaf){ va, pa, image->format->shift[level] };
	bench_image_map(image, va, pa, level, attr);
}

void bench_image_destroy(struct bench_image *image)
{
	pw_memory_close(image->memory);
	munmap(image->host, image->bytes);
	free(image->leaf);
}
