/* SPDX-License-Identifier: MIT */
/* A visit of entries under way: what slot_visit.c shares with the parts that are compiled per format. */
#ifndef PW_SPACE_SLOT_VISIT_H
#define PW_SPACE_SLOT_VISIT_H

#include "space/slot.h"

/* Where there is something to visit. */
struct pw_slot_place {
	unsigned level; /* 0: a table of level 0. Otherwise: an entry of this level */
	unsigned char *table; /* level 0: the table; otherwise not used */
	unsigned char *at; /* the entry; level 0: that leads to the table, or NULL if a root does */
	uint64_t entry; /* its value */
};

struct pw_slot_visit {
	struct pw_space *space;
	const struct pw_visitor *visitor;
	bool taken; /* pages or permissions were taken away since the last pw_edit_settle */
};

/*
 * Asks the visitor about the entry of @slot, which was just loaded, and does what it says. Returns 0, a negative
 * errno, or PW_VISIT_SPLIT: @slot is an entry of a higher level that a table has to replace.
 */
int pw_slot_visit_entry(struct pw_slot_visit *visit, pw_va va, struct pw_slot *slot);

#endif
