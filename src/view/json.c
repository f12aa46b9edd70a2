/* SPDX-License-Identifier: MIT */
/* A picture as JSON: one object per line, "step" objects in walking order, then one "result". */
#include <inttypes.h>
#include <string.h>

#include "base/escape.h"
#include "base/names.h"
#include "view/picture.h"

/* The size of a page, or of the range that an entry covers. */
static void put_size(FILE *stream, const char *name, unsigned lg2)
{
	pw_json_count(stream, name, lg2 < 64 ? (UINT64_C(1) << lg2) - 1 : UINT64_MAX);
}

/* The walked address or range, and the start of the walk. */
static void put_regime(FILE *stream, const struct pw_picture *picture)
{
	const struct pw_regime *regime = &picture->regime;

	pw_json_text(stream, "format", regime->format->name);
	pw_json_text(stream, "view", regime->view == PW_VIEW_LINUX ? "linux" : "hardware");
	fputs(",\"roots\":[", stream);
	for (unsigned i = 0; i < regime->roots; i++)
		fprintf(stream, "%s\"0x%" PRIx64 "\"", i ? "," : "", regime->root[i]);
	fputc(']', stream);
	pw_json_text(stream, "root", picture->root_text);
	if (picture->label)
		pw_json_text(stream, "source", picture->label);
}

/* "P RW US" as ["P","RW","US"]. */
static void put_words(FILE *stream, const char *words)
{
	fputs(",\"flags\":[", stream);
	for (unsigned i = 0; *words; i++) {
		size_t length = strcspn(words, " ");
		char word[64];

		snprintf(word, sizeof(word), "%.*s", (int)length, words);
		if (i)
			fputc(',', stream);
		pw_escape_json(stream, word);
		words += length + (words[length] == ' ');
	}
	fputc(']', stream);
}

static void put_step(FILE *stream, const struct pw_picture *picture, unsigned i)
{
	const struct picture_step *step = &picture->step[i];
	char words[512], prot[5];

	fprintf(stream, "{\"step\":%u", i + 1);
	if (picture->is_range)
		fprintf(stream, ",\"parent\":%d", step->parent + 1);
	pw_json_text(stream, "level", pw_level_name(picture->regime.format, step->level));
	pw_json_hex(stream, "first", step->first);
	pw_json_hex(stream, "last", step->last);
	pw_json_hex(stream, "table", step->table);
	pw_json_number(stream, "entries", UINT64_C(1) << step->bits);
	put_size(stream, "covers", step->shift);
	fprintf(stream, ",\"index\":%" PRIu32, step->index);
	if (picture->is_range)
		fprintf(stream, ",\"count\":%" PRIu32, step->count);
	pw_json_hex(stream, "at", step->at);
	if (step->read) {
		pw_json_hex(stream, "entry", step->entry);
		put_words(stream, pw_step_words(picture, step, words, sizeof(words)));
	}
	pw_json_text(stream, "kind", pw_kind_text((enum pw_kind)step->kind));
	pw_json_text(stream, "status",
		     pw_status_name(step->kind == PW_HOLE ? (enum pw_status)step->status : PW_OK));
	if (step->kind != PW_HOLE || step->status == PW_PROT_NONE)
		pw_json_hex(stream, "next", step->next);
	if (step->kind != PW_HOLE)
		pw_json_text(stream, "prot", pw_prot_string(step->attr, prot));
	if (step->kind == PW_LEAF)
		put_size(stream, "size", step->size_lg2);
	else if (step->status == PW_PROT_NONE)
		put_size(stream, "size", step->shift);
	if (step->count > 1 && step->kind != PW_HOLE)
		pw_json_hex(stream, "last_next", step->last_next);
	if (step->count > 1 && step->kind == PW_LEAF)
		pw_json_bool(stream, "scattered", step->scattered);
	fputs("}\n", stream);
}

/* Levels that the walk did not visit because they do not exist. */
static void put_folded(FILE *stream, unsigned *count, const char *name, const char *why)
{
	fprintf(stream, "%s{\"level\":", (*count)++ ? "," : "");
	pw_escape_json(stream, name);
	pw_json_text(stream, "why", why);
	fputc('}', stream);
}

/* The fields of the address. */
static void put_fields(FILE *stream, const struct pw_picture *picture)
{
	unsigned count = 0;

	fputs(",\"fields\":[", stream);
	for (unsigned i = 0; i < picture->fields; i++) {
		const struct picture_field *field = &picture->field[i];

		if (field->bits == 0)
			continue;
		fprintf(stream, "%s{\"name\":", count++ ? "," : "");
		pw_escape_json(stream, field->name);
		pw_json_number(stream, "low", field->low);
		pw_json_number(stream, "bits", field->bits);
		pw_json_hex(stream, "value", field->value);
		if (field->role == PICTURE_SIGN)
			pw_json_text(stream, "why", field->why);
		fputc('}', stream);
	}
	fputc(']', stream);
}

static void put_permissions(FILE *stream, const struct pw_picture *picture)
{
	fputs(",\"permissions\":[", stream);
	for (unsigned i = 0; i < picture->permissions; i++) {
		fprintf(stream, "%s{\"name\":", i ? "," : "");
		pw_escape_json(stream, picture->permission[i].name);
		pw_json_bool(stream, "allowed", picture->permission[i].allowed);
		pw_json_text(stream, "why", picture->permission[i].why);
		fputc('}', stream);
	}
	fputc(']', stream);
}

static void put_result_address(FILE *stream, const struct pw_picture *picture)
{
	const struct pw_result *result = &picture->result;
	unsigned folded = 0;
	char prot[5];

	fprintf(stream, "{\"va\":\"0x%" PRIx64 "\"", result->va);
	if (result->status == PW_OK || result->status == PW_PROT_NONE) {
		pw_json_hex(stream, "pa", result->pa);
		put_size(stream, "size", result->size_lg2);
	}
	if (result->status == PW_OK) {
		pw_json_text(stream, "prot", pw_prot_string(result->attr, prot));
		pw_names_json_flags(stream, "flags", result->attr);
		pw_json_text(stream, "memtype", pw_memtype_name(result->memtype));
	}
	pw_json_text(stream, "status", pw_status_name((enum pw_status)result->status));
	if (result->status != PW_NOT_CANONICAL)
		pw_json_text(stream, "level", pw_level_name(picture->regime.format, result->level));
	if (result->status != PW_NOT_CANONICAL)
		pw_json_hex(stream, "entry", result->entry);
	pw_json_text(stream, "why", picture->reason);
	put_regime(stream, picture);
	put_fields(stream, picture);
	put_permissions(stream, picture);
	fputs(",\"folded\":[", stream);
	for (unsigned i = 0; i < picture->fields; i++)
		if (picture->field[i].role == PICTURE_FOLDED)
			put_folded(stream, &folded, picture->field[i].name, picture->field[i].why);
	fputs("]}\n", stream);
}

static void put_part(FILE *stream, const struct picture_part *part)
{
	unsigned folded = 0;

	fprintf(stream, "{\"first\":\"0x%" PRIx64 "\"", part->first);
	pw_json_hex(stream, "last", part->last);
	for (unsigned i = 0; i < part->lanes; i++)
		if (part->lane[i].iterates)
			pw_json_text(stream, "iterates", part->lane[i].name);
	pw_json_text(stream, "why", part->why);
	fputs(",\"folded\":[", stream);
	for (unsigned i = 0; i < part->lanes; i++)
		if (part->lane[i].folded)
			put_folded(stream, &folded, part->lane[i].name, part->lane[i].note);
	fputs("]}", stream);
}

static void put_result_range(FILE *stream, const struct pw_picture *picture)
{
	fprintf(stream, "{\"first\":\"0x%" PRIx64 "\"", picture->first);
	pw_json_hex(stream, "last", picture->last);
	pw_json_number(stream, "leaves", picture->leaves);
	pw_json_number(stream, "holes", picture->holes);
	pw_json_number(stream, "tables", picture->tables);
	pw_json_number(stream, "mapped", picture->mapped);
	if (picture->stopped)
		pw_json_hex(stream, "stopped", picture->stopped_at);
	pw_json_text(stream, "status", pw_status_name(picture->leaves > 0 ? PW_OK : PW_NONE));
	pw_json_text(stream, "why", picture->reason);
	put_regime(stream, picture);
	fputs(",\"parts\":[", stream);
	for (unsigned i = 0; i < picture->parts; i++) {
		if (i)
			fputc(',', stream);
		put_part(stream, &picture->part[i]);
	}
	fputs("]}\n", stream);
}

int pw_picture_json(const struct pw_picture *picture, FILE *stream)
{
	if (!picture || !stream)
		return -EINVAL;
	for (unsigned i = 0; i < picture->steps; i++)
		put_step(stream, picture, i);
	if (picture->is_range)
		put_result_range(stream, picture);
	else
		put_result_address(stream, picture);
	return ferror(stream) ? -EIO : 0;
}
