/* SPDX-License-Identifier: MIT */
/*
 * VMCOREINFO: what a Linux kernel says of itself in its dumps, as lines KEY=VALUE
 * (Documentation/admin-guide/kdump/vmcoreinfo.rst). It stands in a note of an ELF core, or in a piece
 * of a kdump of its own.
 */
#ifndef PW_MEMORY_VMCOREINFO_H
#define PW_MEMORY_VMCOREINFO_H

#include "memory/elf.h"

/* A kernel's page is the most that it writes; of more, the rest is not looked at. */
enum { PW_VMCOREINFO_MAX = 64 << 10 };

/* Remembers the text at text..text+bytes-1, part of a file that stays mapped as long as @memory. */
void pw_vmcoreinfo_set(struct pw_memory *memory, const unsigned char *text, uint64_t bytes);

/* The value of the first line "@key=..."; false if there is none, or it is longer than @room. */
bool pw_vmcoreinfo_text(const struct pw_memory *memory, const char *key, char *value, size_t room);
/* Of a line NUMBER(@name): decimal, which can be negative, or hexadecimal with 0x. */
bool pw_vmcoreinfo_number(const struct pw_memory *memory, const char *name, uint64_t *number_ret);
/* Of a line SYMBOL(@name): its virtual address. */
bool pw_vmcoreinfo_symbol(const struct pw_memory *memory, const char *name, pw_va *va_ret);
/* Of a line @key: hexadecimal without 0x. */
bool pw_vmcoreinfo_hex(const struct pw_memory *memory, const char *key, uint64_t *number_ret);

/*
 * Adds the kernel's own space to the CPUs of @memory, which is sealed, if VMCOREINFO says where its
 * tables are. What it does not say is no error. Returns 0 or -ENOMEM.
 */
int pw_vmcoreinfo_add_root(struct pw_memory *memory, struct pw_error *error);

#endif
