/* SPDX-License-Identifier: MIT */
/*
 * VMCOREINFO: facts that a Linux kernel states about itself in its dumps, as lines KEY=VALUE
 * (Documentation/admin-guide/kdump/vmcoreinfo.rst). In an ELF core it is a note; in a kdump it is a piece of
 * its own. The kernel keeps the note ready in a page of its memory (kernel/vmcore_info.c).
 */
#ifndef PW_MEMORY_VMCOREINFO_H
#define PW_MEMORY_VMCOREINFO_H

#include "memory/elf.h"

/* A kernel writes at most one page. More than this is not looked at. */
enum { PW_VMCOREINFO_MAX = 64 << 10 };

/* Remembers the text at text..text+bytes-1, part of a file that stays mapped as long as @memory. */
void pw_vmcoreinfo_set(struct pw_memory *memory, const unsigned char *text, uint64_t bytes);

/* Copies the value of the first line "@key=..."; false if there is none, or if it does not fit @room. */
bool pw_vmcoreinfo_text(const struct pw_memory *memory, const char *key, char *value, size_t room);
/* The value of NUMBER(@name): decimal, which can be negative, or hexadecimal with 0x. False: none. */
bool pw_vmcoreinfo_number(const struct pw_memory *memory, const char *name, uint64_t *number_ret);
/* The value of SYMBOL(@name), a virtual address. False: none. */
bool pw_vmcoreinfo_symbol(const struct pw_memory *memory, const char *name, pw_va *va_ret);
/* The value of @key: hexadecimal without 0x. False: none. */
bool pw_vmcoreinfo_hex(const struct pw_memory *memory, const char *key, uint64_t *number_ret);

/* Copies the printable characters at the start of the @length bytes @text as the release, and finds the version in them. */
void pw_kernel_set_release(struct pw_kernel *kernel, const char *text, size_t length);

/* The address of a banner "Linux version " in the first @search bytes of memory. False: there is none. */
bool pw_vmcoreinfo_banner(const struct pw_memory *memory, uint64_t search, pw_pa *pa_ret);

/*
 * Adds the kernel's own space to the CPUs of @memory, which is sealed, if VMCOREINFO says where the kernel's
 * tables are. If it does not, that is not an error. Returns 0 or -ENOMEM.
 */
int pw_vmcoreinfo_add_root(struct pw_memory *memory, struct pw_error *error);

/*
 * Does VMCOREINFO lead to tables that map themselves, where it says that they are? Then it is the running
 * kernel's. Nothing that was only copied or made up does, unless somebody built tables for it.
 */
bool pw_vmcoreinfo_holds(const struct pw_memory *memory);

/*
 * Do the tables of one of the CPUs map the kernel's own table as VMCOREINFO, which must hold, says? Then that kernel
 * runs. One that was replaced (kexec), or ran before a reset, can leave a VMCOREINFO and tables that hold.
 */
bool pw_vmcoreinfo_shown(const struct pw_memory *memory, const struct pw_cpu *cpus, size_t count);

/* Does @regime map another page where VMCOREINFO, which must hold, says that the kernel's own table is? */
bool pw_vmcoreinfo_denied(const struct pw_memory *memory, const struct pw_regime *regime);

/* The machine: the source's or, if that does not name it, the one that VMCOREINFO's keys tell; or EM_NONE. */
uint16_t pw_vmcoreinfo_machine(const struct pw_memory *memory);

#endif
