/* SPDX-License-Identifier: MIT */
/* Totals of a map: bytes by permission, by page size, of user mode and of the kernel. */
#ifndef CLI_SUMMARY_H
#define CLI_SUMMARY_H

#include "print.h"

struct summary {
	uint64_t mapped, user, kernel, both; /* bytes; both: writable and executable */
	uint64_t no_access, shared; /* PROT_NONE; tables that are used again */
	uint64_t prot[PW_PROT_MASK + 1]; /* by PW_READ, PW_WRITE, PW_EXEC and PW_USER */
	uint64_t size[64]; /* by the logarithm of the page size */
	uint64_t ranges;
};

void summary_add(struct summary *summary, const struct pw_range *range);
void summary_print(const struct summary *summary);
void summary_print_json(const struct summary *summary);

#endif
