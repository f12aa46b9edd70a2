/* SPDX-License-Identifier: MIT */
/* The parts of a picture as text. */
#ifndef PW_VIEW_TEXT_H
#define PW_VIEW_TEXT_H

#include "view/line.h"
#include "view/picture.h"

/* "s390x: virtual address 0x... (hardware view), from dump.elf", and where the walk starts. */
void pw_text_title(struct line *line, const struct pw_picture *picture);
/* text.c: one address. */
void pw_text_address(struct line *line, const struct pw_picture *picture);
/* text_range.c: a range. */
void pw_text_range(struct line *line, const struct pw_picture *picture);
/* text_narrow.c: either, in fewer columns than these need. */
void pw_text_narrow(struct line *line, const struct pw_picture *picture);

/* "page table at 0x...", "page 0x..., 4 KiB, rw-u": where a step leads, or why it leads nowhere. */
void pw_text_target(const struct pw_picture *picture, const struct picture_step *step, char *text,
		    size_t bytes);

#endif
