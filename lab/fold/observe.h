/* SPDX-License-Identifier: MIT */
/* The observer of a walk: it reads for the walk, records the turns, and judges every pointer. */
#ifndef LAB_OBSERVE_H
#define LAB_OBSERVE_H

#include "access/hooked.h"
#include "lab/fold/kernel.h"

struct fold_observer {
	struct pw_hook hook; /* first: e's walker reads through it */
	const struct fold_input *input;
	const struct fold_config *config;
	struct pw_regime regime; /* decoded from one reading of the root */
	const struct pw_span *span;
	struct fold_result *result;
	size_t turn_room, page_room;
	pw_pa *load; /* where each load went: loads per entry */
	size_t load_room;
	uint32_t open[FOLD_LEVELS]; /* the current turn of each level */
	bool no_memory;
};

void fold_observer_init(struct fold_observer *observer, const struct fold_input *input,
			const struct fold_config *config, struct fold_result *result);

/* Counts the loads per entry into the result, and releases the observer's memory. */
void fold_observer_end(struct fold_observer *observer);

/* Records a turn of a walk without pointers of its own: e's. Its entry is at @at. */
void fold_observe_entry(struct fold_observer *observer, const struct pw_entry *entry);

#endif
