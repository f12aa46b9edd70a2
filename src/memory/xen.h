/* SPDX-License-Identifier: MIT */
/* Dumps of Xen's domains, which are ELF cores of a kind of their own. */
#ifndef PW_MEMORY_XEN_H
#define PW_MEMORY_XEN_H

#include "memory/elf.h"

/* Is it one? It has a section of pages. */
bool pw_xen_is_dump(const struct pw_elf *elf);

/* Reads it. Returns 0 or a negative errno and a sentence. */
int pw_memory_read_xen(struct pw_memory *memory, const struct pw_elf *elf, struct pw_error *error);

/* Where is what the guest counts as *pa? Changes it to the machine's address. False: it is not in the dump. */
bool pw_xen_machine(const struct pw_memory *memory, pw_pa *pa);

#endif
