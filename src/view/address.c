/* SPDX-License-Identifier: MIT */
/* The picture of one address: its fields, and the steps of its walk. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "view/picture.h"

/* Address bits to draw: 32 where neither a table nor the address itself has more. */
static unsigned address_bits(const struct pw_format *format, pw_va va)
{
	unsigned top = format->levels - 1u;
	unsigned covered = format->shift[top] + format->bits[top];

	return covered <= 32 && va >> 32 == 0 ? 32 : 64;
}

static struct picture_field *add_field(struct pw_picture *picture, enum picture_role role,
				       const char *name, unsigned low, unsigned bits)
{
	struct picture_field *field = &picture->field[picture->fields];

	if (picture->fields == PW_PICTURE_FIELDS)
		return field - 1;
	picture->fields++;
	*field = (struct picture_field){
		.name = name,
		.role = (uint8_t)role,
		.low = (uint8_t)low,
		.bits = (uint8_t)bits,
		.value = low < 64 ? picture->first >> low & pw_mask(bits) : 0,
		.step = -1,
	};
	return field;
}

/* Bits that do not index a table. */
static void add_above(struct pw_picture *picture, unsigned low, unsigned bits)
{
	struct picture_field *field = add_field(picture, PICTURE_SIGN, "", low, bits);

	field->name = pw_above_why(&picture->regime, picture->first, field->why,
				   sizeof(field->why));
}

/* The bits above the index into the top table. The tables cover the lowest @covered bits. */
static void add_upper_fields(struct pw_picture *picture, unsigned top, unsigned covered)
{
	const struct pw_regime *regime = &picture->regime;
	const struct pw_format *f = regime->format;
	unsigned high = address_bits(f, picture->first);

	for (unsigned level = f->levels - 1u; level > top; level--) {
		unsigned end = f->shift[level] + f->bits[level];
		struct picture_field *field;

		end = end < high ? end : high;
		if (high > end) {
			add_above(picture, end, high - end);
		}
		if (f->shift[level] >= covered && end > f->shift[level]) {
			field = add_field(picture, PICTURE_FOLDED, f->level_name[level],
					  f->shift[level], end - f->shift[level]);
			field->level = (uint8_t)level;
			pw_folded_why(regime, level, field->why, sizeof(field->why));
			high = f->shift[level];
		}
	}
	if (high > covered)
		add_above(picture, covered, high - covered);
}

static void add_linux_folds(struct pw_picture *picture, unsigned level, unsigned shift)
{
	const char *names[3];
	unsigned count = pw_folded_below(picture->regime.format, level, names);

	for (unsigned i = 0; i < count; i++) {
		struct picture_field *field = add_field(picture, PICTURE_FOLDED, names[i], shift,
							0);

		pw_folded_why(&picture->regime, level, field->why, sizeof(field->why));
	}
}

/* The step that read an entry of @level, or -1. */
static int step_of_level(const struct pw_picture *picture, unsigned level)
{
	for (unsigned i = 0; i < picture->steps; i++)
		if (picture->step[i].level == level)
			return (int)i;
	return -1;
}

/* A level that an entry jumped over: its index has to be 0. */
static bool is_skipped(const struct pw_picture *picture, unsigned level)
{
	if (!picture->step || picture->steps == 0 ||
	    level <= picture->step[picture->steps - 1].level)
		return false;
	return step_of_level(picture, level) < 0;
}

static void add_index_fields(struct pw_picture *picture, const struct pw_span *span)
{
	const struct pw_format *f = picture->regime.format;
	unsigned offset = f->shift[0];

	for (unsigned level = span->top + 1u; level-- > 0;) {
		int i = step_of_level(picture, level);
		const struct picture_step *step = i < 0 ? NULL : &picture->step[i];
		unsigned bits = level == span->top ? span->top_bits : f->bits[level];
		unsigned shift = step ? step->shift : f->shift[level];
		struct picture_field *field;

		if (step)
			bits = step->bits;
		if (is_skipped(picture, level)) {
			field = add_field(picture, PICTURE_FOLDED, f->level_name[level], shift,
					  bits);
			snprintf(field->why, sizeof(field->why),
				 "the entry above leads past it, so these bits must be zero");
			continue;
		}
		field = add_field(picture, PICTURE_INDEX, f->level_name[level], shift, bits);
		field->level = (uint8_t)level;
		field->step = i;
		offset = shift;
		if (step && step->kind == PW_LEAF)
			break;
		add_linux_folds(picture, level, shift);
	}
	add_field(picture, PICTURE_OFFSET, "offset", 0, offset);
}

void pw_step_of_trace(const struct pw_regime *regime, pw_va va, const struct pw_trace *trace,
		      unsigned index, struct picture_step *step)
{
	const struct pw_step *from = &trace->step[index];
	enum pw_kind kind;

	*step = (struct picture_step){
		.table = from->table,
		.at = from->at,
		.entry = from->entry,
		.last_entry = from->entry,
		.next = from->next,
		.last_next = from->next,
		.index = from->index,
		.count = 1,
		.attr = from->attr,
		.parent = (int)index - 1,
		.level = from->level,
		.bits = from->bits,
		.shift = from->shift,
		.kind = from->kind,
		.status = from->status,
		.size_lg2 = from->shift,
		.first = va & ~pw_mask(from->shift),
		.last = va | pw_mask(from->shift),
		.read = from->status != PW_OUTSIDE && from->status != PW_LENGTH,
	};
	if (regime->view != PW_VIEW_HARDWARE || from->status != PW_NONE || from->kind != PW_HOLE)
		return;
	step->linux_status = (uint8_t)pw_linux_meaning(regime, from->level, from->entry, &kind,
						       &step->linux_page);
	step->linux_kind = (uint8_t)kind;
	step->on_linux = step->linux_status != PW_NONE && kind != PW_TABLE;
}

static int copy_trace(struct pw_picture *picture, const struct pw_trace *trace)
{
	for (unsigned i = 0; i < trace->steps; i++) {
		struct picture_step *to = pw_picture_add(picture);

		if (!to)
			return -ENOMEM;
		pw_step_of_trace(&picture->regime, picture->first, trace, i, to);
	}
	return 0;
}

int pw_picture_address(struct pw_picture *picture, const struct pw_memory *memory,
		       struct pw_error *error)
{
	const struct pw_regime *regime = &picture->regime;
	const struct pw_span *span = pw_span_find(regime, picture->first);
	struct pw_trace trace;

	pw_translate_trace(memory, regime, picture->first, &picture->result, &trace);
	if (copy_trace(picture, &trace))
		return pw_fail(error, ENOMEM, "no memory for a picture of %u steps", trace.steps);
	if (picture->result.status == PW_OK)
		picture->step[picture->steps - 1].size_lg2 = picture->result.size_lg2;
	if (!span) {
		/* Drawn as an address of the first span: only the part above is wrong. */
		span = &regime->span[0];
		snprintf(picture->root_text, sizeof(picture->root_text),
			 "no root covers the address, so no table is visited");
	} else {
		pw_root_why(regime, span, picture->root_text, sizeof(picture->root_text));
	}
	add_upper_fields(picture, span->top, regime->format->shift[span->top] + span->top_bits);
	add_index_fields(picture, span);
	if (picture->steps)
		pw_step_reason(picture, &picture->step[picture->steps - 1], picture->reason,
			       sizeof(picture->reason));
	else
		pw_not_canonical_reason(picture, picture->reason, sizeof(picture->reason));
	pw_picture_permissions(picture);
	return 0;
}
