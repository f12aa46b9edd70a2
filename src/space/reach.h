/* SPDX-License-Identifier: MIT */
/*
 * Where tables and pages can be, so that the entries and roots of a format name them. A format says how
 * it writes an address; here that is read back, bit by bit, by the format's own reading functions.
 */
#ifndef PW_SPACE_REACH_H
#define PW_SPACE_REACH_H

#include "space/space.h"

/*
 * Fills piece_lg2[] and limit_lg2[] of @table, all else of which is there. Returns 0, or with a sentence -EINVAL if the
 * format has no tables of @levels levels, or -ERANGE if the arena begins where no table can be.
 */
int pw_reach_tables(struct pw_space *space, unsigned levels, struct pw_error *error);

/* log2 of where tables of all levels end: the lowest of limit_lg2[]. */
unsigned pw_reach_lowest_lg2(const struct pw_space *space);

/*
 * log2 of the largest page with which entries can lead to @pa..@last, whole base pages; 0 if not even
 * those of level 0 can.
 */
unsigned pw_reach_pages(const struct pw_format *f, const struct pw_regime *r, pw_pa pa, pw_pa last);

#endif
