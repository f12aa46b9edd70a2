/* SPDX-License-Identifier: MIT */
/*
 * What a drawing of folding has in it, before anybody draws: panels, one for each strategy, on columns
 * that they share; and the steps of each, which are turns, or many turns that are too short to be told
 * apart. Made of results alone (fold.h), so that the same results make the same picture everywhere.
 */
#ifndef LAB_PICTURE_H
#define LAB_PICTURE_H

#include "lab/fold.h"
#include "view/svg.h"

enum {
	FOLD_PICTURE_COLUMNS = 14,
	FOLD_PICTURE_TEXT = 900,
};

/* Turns of one loop, of one kind, in one column. */
struct fold_step {
	uint32_t turn; /* the first; what it says of itself holds for all */
	uint32_t turns;
	uint32_t parent; /* step whose turn called this loop; FOLD_NO_TURN at the top */
	pw_va first, last;
	bool iterates; /* its loop has more than one turn */
	uint32_t pages; /* that these turns found */
	uint32_t wrong; /* of these, how many are not the oracle's */
	uint32_t page; /* the first wrong one, or the first; index in result->page[] */
};

struct fold_panel {
	const struct fold_result *result;
	struct fold_step *step;
	uint32_t steps;
	uint32_t departure; /* the first step that left its table; FOLD_NO_TURN if none did */
};

struct fold_picture {
	const struct fold_input *input;
	struct fold_panel *panel;
	size_t panels;
	/* Columns: the range, cut where turns begin. All are drawn as wide as each other. */
	pw_va start[FOLD_PICTURE_COLUMNS];
	unsigned columns;
	pw_va first, last;
	bool visited[FOLD_LEVELS]; /* by any strategy */
};

/* At most @columns columns. 0, or -ENOMEM. */
int fold_picture_init(struct fold_picture *picture, const struct fold_input *input,
		      struct fold_result *const *results, size_t count, unsigned columns);
void fold_picture_destroy(struct fold_picture *picture);

/* ---- what there is to say: picture_text.c ---- */

static inline const struct fold_turn *fold_step_turn(const struct fold_panel *panel,
						     const struct fold_step *step)
{
	return &panel->result->turn[step->turn];
}

/* "s390x, 3 levels: 0x1007ffff000-0x10080000fff, 2 pages". Returns @text, as all of these do. */
char *fold_picture_title(const struct fold_picture *picture, char text[200]);
/* Which kernel, which walk, what stands beside a stack copy. */
char *fold_picture_subtitle(const struct fold_picture *picture, char text[200]);
/* "crop 2^31", "2^31 by value", "no crop". */
char *fold_crop_text(const struct fold_picture *picture, const struct fold_panel *panel,
		     const struct fold_turn *turn, char text[32]);
/*
 * What the strategy is. mm/pagewalk.c passes pointers down whatever the strategy: there, it is by its
 * ends alone that one differs from another.
 */
const char *fold_panel_title(const struct fold_panel *panel);
/*
 * Is @level folded, and how does Linux say that? Folding by value, s390 thinks of the levels above the
 * real top as folded into it; all others, of those below pgd as folded into pgd (seen from the top).
 */
bool fold_level_word(const struct fold_picture *picture, const struct fold_panel *panel,
		     unsigned level, char text[40]);
/* What a step does, and why, in sentences. */
char *fold_step_text(const struct fold_picture *picture, const struct fold_panel *panel,
		     const struct fold_step *step, char text[FOLD_PICTURE_TEXT]);
/* "pud turn 2", "pte, 256 turns". */
char *fold_step_name(const struct fold_panel *panel, const struct fold_step *step, char text[40]);
/* The place in fewer and fewer words, @variant 0 to 2. */
char *fold_place_short(const struct fold_input *input, const struct fold_place *place,
		       unsigned variant, char text[96]);
/* "WRONG page", "right by luck", ...; is it an alarm? */
const char *fold_result_word(const struct fold_result *result, bool *alarm);

/* ---- drawing: fold_svg.c, picture_panel.c ---- */

/* Size of a panel of @picture that is @width wide. */
double fold_panel_height(const struct fold_picture *picture, double width);
/* Draws @panel with its upper left corner at 0, 0. */
void fold_panel_draw(struct svg *svg, const struct fold_picture *picture,
		     const struct fold_panel *panel, double width);
/* The colours and shapes that these pictures have beyond those of svg.h. */
void fold_svg_style(FILE *stream);
/* What the shapes mean, from @y on; returns the y behind. */
double fold_legend_draw(struct svg *svg, double x, double y, double width);
double fold_legend_height(double width);

#endif
