/* SPDX-License-Identifier: MIT */
/* ELF cores built field by field, well-formed or not, for the tests of memory sources. */
#ifndef TESTS_UNIT_MEMORY_BUILD_H
#define TESTS_UNIT_MEMORY_BUILD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "memory/vmcoreinfo.h"

struct image {
	bool wide, big_endian;
	size_t size;
	unsigned char bytes[32768];
};

/* Stores the low @length bytes of @value in the image's byte order. */
static inline void put(struct image *image, size_t at, unsigned length, uint64_t value)
{
	assert_true(at + length <= sizeof(image->bytes));
	for (unsigned i = 0; i < length; i++) {
		unsigned place = image->big_endian ? length - 1 - i : i;

		image->bytes[at + place] = (unsigned char)(value >> (8 * i));
	}
	if (image->size < at + length)
		image->size = at + length;
}

/* A field of either class's structure. */
#define PUT(image, base, type, field, value)                                \
	put(image,                                                          \
	    (base) + ((image)->wide ? offsetof(Elf64_##type, field)         \
				    : offsetof(Elf32_##type, field)),       \
	    (unsigned)((image)->wide ? sizeof(((Elf64_##type *)0)->field)   \
				     : sizeof(((Elf32_##type *)0)->field)), \
	    value)

static inline size_t image_header_bytes(const struct image *image)
{
	return image->wide ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr);
}

static inline size_t image_entry_bytes(const struct image *image)
{
	return image->wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
}

/* An ELF core with @count program headers, all PT_NULL. */
static inline void image_init(struct image *image, bool wide, bool big_endian, unsigned machine,
			      unsigned count)
{
	memset(image, 0, sizeof(*image));
	image->wide = wide;
	image->big_endian = big_endian;
	memcpy(image->bytes, ELFMAG, SELFMAG);
	image->bytes[EI_CLASS] = wide ? ELFCLASS64 : ELFCLASS32;
	image->bytes[EI_DATA] = big_endian ? ELFDATA2MSB : ELFDATA2LSB;
	image->bytes[EI_VERSION] = EV_CURRENT;
	PUT(image, 0, Ehdr, e_type, ET_CORE);
	PUT(image, 0, Ehdr, e_machine, machine);
	PUT(image, 0, Ehdr, e_phoff, image_header_bytes(image));
	PUT(image, 0, Ehdr, e_phentsize, image_entry_bytes(image));
	PUT(image, 0, Ehdr, e_phnum, count);
	image->size = image_header_bytes(image) + count * image_entry_bytes(image);
}

static inline void image_program(struct image *image, unsigned number, uint32_t type,
				 uint64_t offset, uint64_t pa, uint64_t file_bytes,
				 uint64_t memory_bytes)
{
	size_t at = image_header_bytes(image) + number * image_entry_bytes(image);

	PUT(image, at, Phdr, p_type, type);
	PUT(image, at, Phdr, p_offset, offset);
	PUT(image, at, Phdr, p_paddr, pa);
	PUT(image, at, Phdr, p_filesz, file_bytes);
	PUT(image, at, Phdr, p_memsz, memory_bytes);
}

/* The byte at a physical address; it differs from page to page and from byte to byte. */
static inline unsigned char pattern(uint64_t pa)
{
	return (unsigned char)((pa * UINT64_C(0x9e3779b97f4a7c15)) >> 56);
}

/* A PT_LOAD with its bytes at @offset of the file. */
static inline void image_load(struct image *image, unsigned number, size_t offset, uint64_t pa,
			      size_t bytes)
{
	image_program(image, number, PT_LOAD, offset, pa, bytes, bytes);
	for (size_t i = 0; i < bytes; i++)
		put(image, offset + i, 1, pattern(pa + i));
}

/* Opens the first @size bytes as a core, from a copy of exactly that size, so that ASan sees overruns. */
struct opened {
	struct pw_memory *memory;
	unsigned char *copy;
	struct pw_error error;
	int status;
};

static inline void image_open_part(struct opened *opened, const struct image *image, size_t size)
{
	opened->copy = malloc(size + (size == 0));
	assert_non_null(opened->copy);
	memcpy(opened->copy, image->bytes, size);
	memset(&opened->error, 0, sizeof(opened->error));
	opened->memory = pw_memory_new(&opened->error);
	assert_non_null(opened->memory);
	opened->status = pw_memory_read_elf(opened->memory, "test.elf", opened->copy, size,
					    &opened->error);
	if (opened->status == 0)
		opened->status = pw_memory_seal(opened->memory, &opened->error);
	if (opened->status == 0)
		opened->status = pw_vmcoreinfo_add_root(opened->memory, &opened->error);
	/* Every failure comes with a sentence. */
	assert_int_equal(opened->status != 0, opened->error.text[0] != '\0');
}

static inline void image_open(struct opened *opened, const struct image *image)
{
	image_open_part(opened, image, image->size);
}

static inline void opened_close(struct opened *opened)
{
	pw_memory_close(opened->memory);
	free(opened->copy);
}

/* The memory has the pattern in first..last, or none of these bytes. */
static inline void assert_pattern(const struct pw_memory *memory, uint64_t first, uint64_t last)
{
	for (uint64_t pa = first; pa <= last; pa++) {
		unsigned char byte = (unsigned char)~pattern(pa);

		assert_int_equal(pw_memory_read(memory, pa, &byte, 1), 0);
		assert_int_equal(byte, pattern(pa));
		if (pa == UINT64_MAX)
			return;
	}
}

static inline void assert_absent(const struct pw_memory *memory, uint64_t first, uint64_t last)
{
	for (uint64_t pa = first; pa <= last; pa++) {
		unsigned char byte;

		assert_int_equal(pw_memory_read(memory, pa, &byte, 1), -ENODATA);
		if (pa == UINT64_MAX)
			return;
	}
}

static inline void assert_says(const char *text, const char *part)
{
	if (!text || !strstr(text, part))
		fail_msg("'%s' does not say '%s'", text ? text : "(nothing)", part);
}

/* Makes a file without a name, with these bytes; *path opens it. */
static inline int file_of(const void *bytes, size_t size, char path[64])
{
	int file = memfd_create("image", 0);

	assert_true(file >= 0);
	assert_int_equal(write(file, bytes, size), (ssize_t)size);
	snprintf(path, 64, "/proc/self/fd/%d", file);
	return file;
}

#endif
