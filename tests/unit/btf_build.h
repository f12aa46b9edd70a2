/* SPDX-License-Identifier: MIT */
/* A small BTF in either byte order, with the structures of a kernel that lead from a process to its tables. */
#ifndef TESTS_UNIT_BTF_BUILD_H
#define TESTS_UNIT_BTF_BUILD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <string.h>

/* Where the members are: what a reader of the BTF must find. */
enum {
	BUILT_TASKS = 64,
	BUILT_MM = 96,
	BUILT_PID = 120, /* inside an unnamed union inside an unnamed structure */
	BUILT_TGID = 124,
	BUILT_COMM = 136,
	BUILT_TASK = 160,
	BUILT_PGD = 48, /* inside an unnamed structure */
};

/* Numbers of types. */
enum {
	BUILT_INT = 1,
	BUILT_CHAR,
	BUILT_NAME, /* char[16] */
	BUILT_LIST,
	BUILT_POINTER,
	BUILT_PID_T, /* typedef of a const int */
	BUILT_CONST,
	BUILT_UNION,
	BUILT_INNER,
	BUILT_MM_INNER,
	BUILT_MM_STRUCT,
	BUILT_TASK_STRUCT,
	BUILT_TYPES,
};

struct built {
	unsigned char bytes[4096];
	size_t types, strings; /* bytes of each */
	unsigned char type[2048];
	char string[1024];
	bool big_endian;
};

static inline void built_word(struct built *b, uint32_t word)
{
	for (unsigned i = 0; i < 4; i++)
		b->type[b->types++] = (unsigned char)(word >> (b->big_endian ? 24 - 8 * i : 8 * i));
}

static inline uint32_t built_string(struct built *b, const char *text)
{
	size_t at = b->strings;

	if (!*text)
		return 0;
	assert_true(at + strlen(text) + 1 <= sizeof(b->string));
	memcpy(b->string + at, text, strlen(text) + 1);
	b->strings += strlen(text) + 1;
	return (uint32_t)at;
}

static inline void built_type(struct built *b, const char *name, uint32_t info, uint32_t size)
{
	built_word(b, built_string(b, name));
	built_word(b, info);
	built_word(b, size);
}

static inline void built_member(struct built *b, const char *name, uint32_t type, uint32_t bits)
{
	built_word(b, built_string(b, name));
	built_word(b, type);
	built_word(b, bits);
}

/* The info word: kind, number of elements, flag. */
static inline uint32_t built_info(unsigned kind, unsigned elements, bool flag)
{
	return kind << 24 | elements | (flag ? UINT32_C(1) << 31 : 0);
}

/* Puts header, types and strings together. Returns the length. */
static inline size_t built_finish(struct built *b)
{
	const size_t types = b->types, strings = b->strings;
	unsigned char header[24];

	assert_true(sizeof(header) + types + strings <= sizeof(b->bytes));
	memcpy(b->bytes + sizeof(header), b->type, types);
	memcpy(b->bytes + sizeof(header) + types, b->string, strings);
	/* The words of the header are made where types are made. */
	b->types = 0;
	built_word(b, b->big_endian ? UINT32_C(0xeb9f0100) : UINT32_C(0x0001eb9f));
	built_word(b, sizeof(header));
	built_word(b, 0);
	built_word(b, (uint32_t)types);
	built_word(b, (uint32_t)types);
	built_word(b, (uint32_t)strings);
	memcpy(b->bytes, b->type, sizeof(header));
	memcpy(b->type, b->bytes + sizeof(header), types);
	b->types = types;
	return sizeof(header) + types + strings;
}

/* The types of a kernel; built_finish makes the BTF of them. */
static inline void built_kernel(struct built *b, bool big_endian)
{
	*b = (struct built){ .big_endian = big_endian, .strings = 1 };
	built_type(b, "int", built_info(1, 0, false), 4);
	built_word(b, 0x01000020);
	built_type(b, "char", built_info(1, 0, false), 1);
	built_word(b, 8);
	built_type(b, "", built_info(3, 0, false), 0);
	built_word(b, BUILT_CHAR);
	built_word(b, BUILT_INT);
	built_word(b, 16);
	built_type(b, "list_head", built_info(4, 2, false), 16);
	built_member(b, "next", BUILT_POINTER, 0);
	built_member(b, "prev", BUILT_POINTER, 64);
	built_type(b, "", built_info(2, 0, false), BUILT_LIST);
	built_type(b, "pid_t", built_info(8, 0, false), BUILT_CONST);
	built_type(b, "", built_info(10, 0, false), BUILT_INT);
	built_type(b, "", built_info(5, 2, false), 4);
	built_member(b, "other", BUILT_INT, 0);
	built_member(b, "pid", BUILT_PID_T, 0);
	/* With bit fields: the flag is set, and members have their sizes. */
	built_type(b, "", built_info(4, 4, true), 12);
	built_member(b, "", BUILT_UNION, 0);
	built_member(b, "tgid", BUILT_PID_T, 32);
	built_member(b, "flags", BUILT_INT, 1u << 24 | 64);
	built_member(b, "", BUILT_INT, 31u << 24 | 65);
	built_type(b, "", built_info(4, 2, false), 64);
	built_member(b, "count", BUILT_INT, 0);
	built_member(b, "pgd", BUILT_POINTER, 8 * BUILT_PGD);
	built_type(b, "mm_struct", built_info(4, 1, false), 64);
	built_member(b, "", BUILT_MM_INNER, 0);
	built_type(b, "task_struct", built_info(4, 4, false), BUILT_TASK);
	built_member(b, "tasks", BUILT_LIST, 8 * BUILT_TASKS);
	built_member(b, "mm", BUILT_POINTER, 8 * BUILT_MM);
	built_member(b, "", BUILT_INNER, 8 * BUILT_PID);
	built_member(b, "comm", BUILT_NAME, 8 * BUILT_COMM);
}

#endif
