/* SPDX-License-Identifier: MIT */
/*
 * Small images for pictures, the same every time. The tables are one after the other from 1 MiB on, made by
 * a format's own builders; the test chooses the places of pages.
 */
#ifndef TESTS_UNIT_VIEW_BUILD_H
#define TESTS_UNIT_VIEW_BUILD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pagewalk/view.h>

#include "walk/instance.h"

enum { IMAGE_BASE = 1 << 20, IMAGE_BYTES = 1 << 20 };

struct image {
	const struct pw_format *format;
	struct pw_regime regime;
	struct pw_memory *memory;
	unsigned char *bytes;
	pw_pa next; /* memory is free from here on */
	pw_pa top_table;
	unsigned top;
};

static inline unsigned char *image_host(const struct image *image, pw_pa pa)
{
	assert_true(pa >= IMAGE_BASE && pa < IMAGE_BASE + IMAGE_BYTES);
	return image->bytes + (pa - IMAGE_BASE);
}

static inline void image_store(const struct image *image, pw_pa at, uint64_t entry)
{
	unsigned bytes = 1u << image->format->entry_lg2;

	for (unsigned i = 0; i < bytes; i++)
		image_host(image, at)[image->format->big_endian ? bytes - 1 - i : i] =
			(unsigned char)(entry >> (8 * i));
}

static inline uint64_t image_load(const struct image *image, pw_pa at)
{
	unsigned bytes = 1u << image->format->entry_lg2;
	uint64_t entry = 0;

	for (unsigned i = 0; i < bytes; i++)
		entry |= (uint64_t)image_host(image,
					      at)[image->format->big_endian ? bytes - 1 - i : i]
			 << (8 * i);
	return entry;
}

static inline pw_pa image_table(struct image *image, unsigned level)
{
	const struct pw_format *f = image->format;
	size_t bytes = (size_t)1 << (f->bits[level] + f->entry_lg2);
	pw_pa table = (image->next + bytes - 1) & ~(pw_pa)(bytes - 1);

	image->next = table + bytes;
	assert_true(image->next <= IMAGE_BASE + IMAGE_BYTES);
	for (size_t i = 0; i < (size_t)1 << f->bits[level]; i++)
		image_store(image, table + (i << f->entry_lg2),
			    f->make_empty(f, &image->regime, level));
	return table;
}

/* An empty address space of @format, whose top table is of level @top. */
static inline void image_init(struct image *image, const char *format, unsigned top,
			      enum pw_view view)
{
	const struct pw_regime_options options = { .view = view };
	struct pw_segment segment = { IMAGE_BASE, IMAGE_BASE + IMAGE_BYTES - 1, NULL };
	struct pw_error error = { "" };
	uint64_t root;

	*image = (struct image){ .format = pw_format_find(format), .next = IMAGE_BASE, .top = top };
	assert_non_null(image->format);
	image->bytes = aligned_alloc(4096, IMAGE_BYTES);
	assert_non_null(image->bytes);
	memset(image->bytes, 0, IMAGE_BYTES);
	segment.host = image->bytes;
	assert_int_equal(pw_memory_wrap(&segment, 1, &image->memory, NULL), 0);
	image->regime.format = image->format;
	image->regime.view = view;
	image->regime.kernel = 0x0601;
	image->regime.address_mask = UINT64_C(0x000ffffffffff000);
	image->top_table = image_table(image, top);
	root = image->format->make_root(image->format, &image->regime, image->top_table, top);
	if (pw_regime_init(&image->regime, image->format, &root, 1, &options, &error))
		fail_msg("%s", error.text);
	assert_int_equal(image->regime.span[0].top, top);
}

static inline void image_deinit(struct image *image)
{
	pw_memory_close(image->memory);
	free(image->bytes);
}

/* The place of the entry of @level for @va; makes the tables on the way. */
static inline pw_pa image_place(struct image *image, pw_va va, unsigned level)
{
	const struct pw_format *f = image->format;
	pw_pa table = image->top_table;

	for (unsigned i = image->top;; i--) {
		uint64_t index = va >> f->shift[i] & pw_mask(f->bits[i]);
		pw_pa at = table + (index << f->entry_lg2);
		uint64_t entry = image_load(image, at);

		if (i == level)
			return at;
		if (f->kind(f, &image->regime, i, entry) != PW_TABLE) {
			entry = f->make_table(f, &image->regime, i, image_table(image, i - 1));
			image_store(image, at, entry);
		}
		table = f->table(f, &image->regime, i, entry);
	}
}

/* Maps pages of @level from @va on to consecutive physical pages from @pa on. */
static inline void image_map(struct image *image, pw_va va, unsigned level, unsigned count,
			     pw_pa pa, uint32_t attr)
{
	const struct pw_format *f = image->format;
	pw_pa size = (pw_pa)1 << f->shift[level];

	for (unsigned i = 0; i < count; i++)
		image_store(image, image_place(image, va + i * size, level),
			    f->make_leaf(f, &image->regime, level, pa + i * size, attr));
}

/* A picture of first..last. */
static inline struct pw_picture *image_picture(const struct image *image, pw_va first, pw_va last,
					       const struct pw_picture_options *options)
{
	struct pw_picture *picture;

	assert_int_equal(pw_picture_create(image->memory, &image->regime, first, last, options,
					   &picture, NULL),
			 0);
	return picture;
}

typedef int image_draw(const struct pw_picture *picture, FILE *stream);

/* Returns the output of @draw, or text with @style if @draw is NULL; the caller frees it. */
static inline char *image_drawing(const struct pw_picture *picture, image_draw *draw,
				  const struct pw_text_style *style)
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *stream = open_memstream(&text, &bytes);

	assert_non_null(stream);
	assert_int_equal(draw ? draw(picture, stream) : pw_picture_text(picture, style, stream), 0);
	assert_int_equal(fclose(stream), 0);
	return text;
}

#endif
