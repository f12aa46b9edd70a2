/* SPDX-License-Identifier: MIT */
/* A result as one JSON object on a line. Names and sentences here need no escapes. */
#include "lab/fold.h"

static const char *walk_name(enum fold_walk_kind walk)
{
	return walk == FOLD_FAST ? "fast" : "pagewalk";
}

static void print_page(FILE *stream, const struct fold_page *page)
{
	fprintf(stream, "{\"va\":\"0x%llx\",\"pa\":\"0x%llx\"", (unsigned long long)page->va,
		(unsigned long long)page->pa);
	fprintf(stream, ",\"length\":%llu", (unsigned long long)page->length);
	if (page->mapped)
		fprintf(stream, ",\"mapped_at\":\"0x%llx\"}", (unsigned long long)page->mapped_at);
	else
		fprintf(stream, ",\"mapped_at\":null}");
}

static void print_turn(FILE *stream, const struct fold_input *input, const struct fold_turn *turn)
{
	static const char *const where[] = {
		[FOLD_IN_TABLE] = "table",
		[FOLD_ON_STACK] = "stack",
		[FOLD_STRAY] = "stray",
	};
	char place[96];

	fprintf(stream,
		"{\"level\":\"%s\",\"turn\":%u,\"first\":\"0x%llx\",\"last\":\"0x%llx\","
		"\"where\":\"%s\",\"index\":%u,\"read\":\"%s\",\"value\":\"0x%llx\",\"folded\":%s,"
		"\"departed\":%s,\"broken\":%s}",
		fold_level_name(turn->level), turn->iteration + 1, (unsigned long long)turn->first,
		(unsigned long long)turn->last, where[turn->place.where], turn->place.index,
		fold_place_text(input, &turn->place, place), (unsigned long long)turn->value,
		turn->folded ? "true" : "false", turn->departed ? "true" : "false",
		turn->broken ? "true" : "false");
}

void fold_print_json(FILE *stream, const struct fold_input *input, const struct fold_result *result)
{
	fprintf(stream,
		"{\"strategy\":\"%s\",\"right\":%s,\"format\":\"%s\",\"style\":\"%s\",\"levels\":%"
		"u,"
		"\"walk\":\"%s\",\"first\":\"0x%llx\",\"last\":\"0x%llx\",\"pages\":[",
		fold_strategy_name(result->strategy), result->right ? "true" : "false",
		input->style->format, input->style->name, result->top + 1u, walk_name(result->walk),
		(unsigned long long)result->first, (unsigned long long)result->last);
	for (size_t i = 0; i < result->pages; i++) {
		if (i > 0)
			fputc(',', stream);
		print_page(stream, &result->page[i]);
	}
	fprintf(stream, "],\"turns\":{");
	for (unsigned level = FOLD_LEVELS; level-- > 0;)
		fprintf(stream, "\"%s\":%llu%s", fold_level_name(level),
			(unsigned long long)result->turns_of[level], level > 0 ? "," : "");
	fprintf(stream, "},\"entries\":%llu,\"most_loads\":%llu",
		(unsigned long long)result->entries, (unsigned long long)result->most_loads);
	fprintf(stream,
		",\"loads\":%llu,\"stack_loads\":%llu,\"departures\":%llu,\"broken\":%llu,"
		"\"missing\":%llu",
		(unsigned long long)result->loads, (unsigned long long)result->stack_loads,
		(unsigned long long)result->departures, (unsigned long long)result->broken,
		(unsigned long long)result->missing);
	if (result->stopped)
		fprintf(stream, ",\"stopped_at\":\"0x%llx\"",
			(unsigned long long)result->stopped_at);
	fputs(",\"steps\":[", stream);
	for (size_t i = 0; i < result->turns; i++) {
		if (i > 0)
			fputc(',', stream);
		print_turn(stream, input, &result->turn[i]);
	}
	fputc(']', stream);
	fprintf(stream, ",\"verdict\":\"%s\"}\n", result->verdict);
}
