/* SPDX-License-Identifier: MIT */
/*
 * Pictures: one walk, of an address or of a range, as one would draw it by hand.
 *
 * A picture is made once, from entries that are loaded once each, and never looks at the memory again. So
 * all four drawings of it agree, even if the memory changes meanwhile. A picture is constant after
 * pw_picture_create, and any number of threads may draw it, each to its own stream.
 */
#ifndef PAGEWALK_VIEW_H
#define PAGEWALK_VIEW_H

#include <stdio.h>

#include <pagewalk/walk.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

struct pw_picture;

/* What to draw. @label names the source in titles; it is copied and may be NULL. */
struct pw_picture_options {
	const char *label;
	unsigned rows; /* ranges: most rows to keep; neighbours that are alike share one [200] */
	uint64_t entries; /* ranges: most entries to read [2^22] */
	const bool *cancel; /* ranges: another thread or a signal handler sets it to stop reading */
};

/*
 * Walks first..last (inclusive; one address if they are equal) and keeps all steps. A walk that ends in a
 * hole makes a picture like any other. If the bounds in @options end the walk early, the picture says where.
 * Returns 0, -EINVAL if first > last, or -ENOMEM. @options and @error may be NULL.
 */
int pw_picture_create(const struct pw_memory *memory, const struct pw_regime *regime, pw_va first,
		      pw_va last, const struct pw_picture_options *options,
		      struct pw_picture **picture_ret, struct pw_error *error);
void pw_picture_destroy(struct pw_picture *picture);

/* Is the picture's address mapped, or, if it is of a range, anything in it? */
bool pw_picture_found(const struct pw_picture *picture);

/*
 * The style of text drawings. Lines are at most @width columns long (at least 30; 0 stands for 100). Below 72, a list
 * takes the place of boxes and bars.
 */
struct pw_text_style {
	unsigned width;
	bool utf8; /* box-drawing characters; plain ASCII otherwise */
	bool colour; /* ANSI escape sequences */
};

/*
 * The drawings. @style may be NULL. Each returns 0, or -EIO if @stream reports an error. Text is for mails
 * and terminals. The SVG and the HTML page are complete, refer to nothing outside themselves, and follow the
 * reader's light or dark scheme. The page can step forward and back through the walk.
 * JSON is one object per line: "step" objects in walking order, then one "result".
 */
int pw_picture_text(const struct pw_picture *picture, const struct pw_text_style *style,
		    FILE *stream);
int pw_picture_svg(const struct pw_picture *picture, FILE *stream);
int pw_picture_html(const struct pw_picture *picture, FILE *stream);
int pw_picture_json(const struct pw_picture *picture, FILE *stream);

/* ---- sentences ---- */

/*
 * Writes to @text, which has @size bytes, why nothing is mapped at @result->va: a clause without a full stop,
 * in the words of the architecture, with the value of the entry where the walk ended: "pte 0x0 is empty
 * (4 KiB)". In the hardware view it also says what Linux means by the entry. If @result is PW_OK, it says
 * what is mapped.
 * @result must come from pw_translate for the same memory and regime. The memory is walked again, because
 * the result does not hold the way to the entry. If that walk ends differently, because others write the
 * tables, the clause says so. A text that does not fit is cut; 480 bytes are enough. Returns @text. Any
 * number of threads may call it.
 */
char *pw_result_reason(const struct pw_memory *memory, const struct pw_regime *regime,
		       const struct pw_result *result, char *text, size_t size);

/*
 * Can answers be wrong because @regime lacks a fact that they depend on? Then these return true, and write
 * a sentence about it, without its full stop, to @text, which has @size bytes; 480 are enough. Otherwise they
 * return false and leave @text alone. pw_regime_remark is about all addresses (arm_lpae: two roots without
 * TTBCR), pw_address_remark about @va (powerpc: a kernel's address by the root of a process).
 */
bool pw_regime_remark(const struct pw_regime *regime, char *text, size_t size);
bool pw_address_remark(const struct pw_regime *regime, pw_va va, char *text, size_t size);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif
#endif
