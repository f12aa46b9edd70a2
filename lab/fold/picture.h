/* SPDX-License-Identifier: MIT */
/*
 * The model of a drawing of folding: a panel for each strategy, on shared columns, and the steps of each
 * panel. A step is one turn, or many turns that are too short to draw apart. The model depends on
 * results alone (fold.h), so that the same results make the same picture everywhere.
 */
#ifndef LAB_PICTURE_H
#define LAB_PICTURE_H

#include "lab/fold/fold.h"
#include "view/svg.h"

enum {
	FOLD_PICTURE_COLUMNS = 14,
	FOLD_PICTURE_TEXT = 900,
};

/* Turns of one loop, of one kind, in one column. */
struct fold_step {
	uint32_t turn; /* the first; its description holds for all */
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
	/* Columns: the range, cut at the starts of turns. All are drawn with the same width. */
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
 * Describes the strategy. mm/pagewalk.c passes pointers down in every strategy: there, strategies differ
 * by their ends alone.
 */
const char *fold_panel_title(const struct fold_panel *panel);
/*
 * Says in Linux's terms whether and how @level is folded. s390, which folds by value, regards the levels
 * above the real top as folded into it; all others regard the levels below pgd as folded into pgd (seen
 * from the top).
 */
bool fold_level_word(const struct fold_picture *picture, const struct fold_panel *panel,
		     unsigned level, char text[40]);
/* Sentences that say what a step does, and why. */
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
/* Additional colours and shapes to those of svg.h. */
void fold_svg_style(FILE *stream);
/* Draws the legend of the shapes from @y on; returns the y behind it. */
double fold_legend_draw(struct svg *svg, double x, double y, double width);
double fold_legend_height(double width);

#endif
