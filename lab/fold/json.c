/* SPDX-License-Identifier: MIT */
/* A result as one JSON object on a line. */
#include "base/escape.h"
#include "lab/fold/fold.h"

static const char *walk_name(enum fold_walk_kind walk)
{
	return walk == FOLD_FAST ? "fast" : "pagewalk";
}

static void print_page(FILE *stream, const struct fold_page *page)
{
	fprintf(stream, "{\"va\":\"0x%llx\",\"pa\":\"0x%llx\"", (unsigned long long)page->va,
		(unsigned long long)page->pa);
	pw_json_number(stream, "length", page->length);
	if (page->expected)
		fprintf(stream, ",\"expected_pa\":\"0x%llx\"",
			(unsigned long long)page->expected_pa);
	else
		fprintf(stream, ",\"expected_pa\":null");
	if (page->mapped)
		fprintf(stream, ",\"mapped_at\":\"0x%llx\"}", (unsigned long long)page->mapped_at);
	else
		fprintf(stream, ",\"mapped_at\":null}");
}

static void print_turn(FILE *stream, const struct fold_input *input,
		       const struct fold_result *result, const struct fold_turn *turn)
{
	static const char *const where[] = {
		[FOLD_IN_TABLE] = "table",
		[FOLD_ON_STACK] = "stack",
		[FOLD_STRAY] = "stray",
	};
	unsigned crop = fold_turn_crop(input, result, turn);
	char place[96];

	fprintf(stream,
		"{\"level\":\"%s\",\"turn\":%u,\"first\":\"0x%llx\",\"last\":\"0x%llx\","
		"\"where\":\"%s\",\"index\":%u,\"value\":\"0x%llx\"",
		fold_level_name(turn->level), turn->iteration + 1, (unsigned long long)turn->first,
		(unsigned long long)turn->last, where[turn->place.where], turn->place.index,
		(unsigned long long)turn->value);
	pw_json_text(stream, "read", fold_place_text(input, &turn->place, place));
	if (crop != FOLD_NO_CROP)
		pw_json_number(stream, "crop", UINT64_C(1) << crop);
	pw_json_bool(stream, "folded", turn->folded);
	pw_json_bool(stream, "departed", turn->departed);
	pw_json_bool(stream, "broken", turn->broken);
	pw_json_bool(stream, "outside", turn->outside);
	fputc('}', stream);
}

/* The walked range, and the way of walking. */
static void print_head(FILE *stream, const struct fold_input *input,
		       const struct fold_result *result)
{
	bool entry = input->neighbour == FOLD_NEIGHBOUR_ENTRY;

	fprintf(stream, "{\"strategy\":\"%s\"", fold_strategy_name(result->strategy));
	pw_json_text(stream, "title", fold_strategy_title(result->strategy));
	pw_json_bool(stream, "right", result->right);
	pw_json_text(stream, "format", input->style->format);
	pw_json_text(stream, "style", input->style->name);
	pw_json_text(stream, "built", input->style->built);
	fprintf(stream, ",\"levels\":%u", result->top + 1u);
	pw_json_text(stream, "walk", walk_name(result->walk));
	if (result->walk == FOLD_FAST)
		pw_json_text(stream, "neighbour", entry ? "entry" : "none");
	fprintf(stream, ",\"first\":\"0x%llx\",\"last\":\"0x%llx\"",
		(unsigned long long)result->first, (unsigned long long)result->last);
}

static void print_counts(FILE *stream, const struct fold_result *result)
{
	fputs(",\"turns\":{", stream);
	for (unsigned level = FOLD_LEVELS; level-- > 0;) {
		fprintf(stream, "\"%s\":", fold_level_name(level));
		pw_escape_json_number(stream, result->turns_of[level]);
		fputs(level > 0 ? "," : "}", stream);
	}
	pw_json_number(stream, "entries", result->entries);
	pw_json_number(stream, "most_loads", result->most_loads);
	pw_json_number(stream, "loads", result->loads);
	pw_json_number(stream, "stack_loads", result->stack_loads);
	pw_json_number(stream, "departures", result->departures);
	pw_json_number(stream, "broken", result->broken);
	pw_json_number(stream, "missing", result->missing);
}

void fold_print_json(FILE *stream, const struct fold_input *input, const struct fold_result *result)
{
	char why[800];

	print_head(stream, input, result);
	fputs(",\"pages\":[", stream);
	for (size_t i = 0; i < result->pages; i++) {
		if (i > 0)
			fputc(',', stream);
		print_page(stream, &result->page[i]);
	}
	fputc(']', stream);
	print_counts(stream, result);
	if (result->stopped)
		fprintf(stream, ",\"stopped_at\":\"0x%llx\"",
			(unsigned long long)result->stopped_at);
	fputs(",\"steps\":[", stream);
	for (size_t i = 0; i < result->turns; i++) {
		if (i > 0)
			fputc(',', stream);
		print_turn(stream, input, result, &result->turn[i]);
	}
	fputc(']', stream);
	pw_json_text(stream, "verdict", result->verdict);
	pw_json_text(stream, "why", fold_why(input, result, why));
	fputs("}\n", stream);
}
