/* SPDX-License-Identifier: MIT */
/*
 * The program that a test guest runs as /init. It makes address spaces of known shapes and reports their pages.
 *
 * init.c    boots, runs one child per shape, talks to the host
 * shapes.c  maps the pages of each shape
 * report.c  prints every page that a process has mapped, from the kernel's own /proc/self/pagemap
 * kernel.c  prints addresses of the kernel's half
 *
 * Everything that the host should read starts with '@' at the start of a line.
 */
#ifndef PAGEWALK_GUEST_INIT_H
#define PAGEWALK_GUEST_INIT_H

#include <stddef.h>
#include <stdint.h>

/* Where each process has its stamp: in the user half of every format, and in no shape's range. */
enum { STAMP_ADDRESS = 0x5a000000 };

/* The memory that all shapes share. */
struct control {
	volatile uint32_t go; /* the number of the shape that may leave its loop */
};

extern size_t page_size;
extern size_t huge_size; /* size of a transparent huge page; 0 if the kernel has none */
extern int have_swap;

/* report.c */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
int read_whole(const char *path, char *buffer, size_t size);
int write_text(const char *path, const char *text);
void note(const void *start, size_t length, const char *name, uint64_t tag);
void tag(void *start, size_t length, char shape);
uint64_t pagemap_of(const void *address);
void report(const char *shape);

/* shapes.c */
struct shape {
	const char *name;
	char letter; /* used in the tags of its pages */
	void (*make)(void);
};
extern const struct shape shapes[];
extern const unsigned shape_count;
void make_inherited(void);
void make_shape(const struct shape *shape);

/* kernel.c */
void load_modules(void);
void start_swap(void);
void report_kernel(void);

#endif
