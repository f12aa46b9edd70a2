/* SPDX-License-Identifier: MIT */
/*
 * Where tables and pages can be: the physical addresses that entries and roots of a format can name. The
 * limits are found by trial: an address is written by the format's own functions, bit by bit, and must read
 * back the same.
 */
#ifndef PW_SPACE_REACH_H
#define PW_SPACE_REACH_H

#include "space/space.h"

/*
 * Fills piece_lg2[], limit_lg2[] and pages_last of @space, whose arena, format and kernel are set. Returns 0; or, with a
 * sentence, -EINVAL if the format has no tables of @levels levels, or -ERANGE if the arena begins where no
 * table can be.
 */
int pw_reach_tables(struct pw_space *space, unsigned levels, struct pw_error *error);

/* log2 of the address below which tables of every level can be: the lowest of limit_lg2[]. */
unsigned pw_reach_lowest_lg2(const struct pw_space *space);

/*
 * log2 of the largest pages by which entries can map @pa..@last (whole base pages); 0 if not even entries of
 * level 0 can; 64 if there is no limit. Pages that are larger than the range may count or not.
 */
unsigned pw_reach_pages(const struct pw_format *f, const struct pw_regime *r, pw_pa pa, pw_pa last);

#endif
