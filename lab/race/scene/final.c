/* SPDX-License-Identifier: MIT */
/* The statement `final`: what must hold when all threads have ended. */
#include <ctype.h>

#include "lab/race/scene/parser.h"

/* Any thread's folio: all have ended. */
static int any_folio(struct parser *p)
{
	for (unsigned i = 0; i < p->scene->folios; i++)
		if (parse_is(p, p->scene->folio[i].name))
			return (int)i;
	parse_fail(p, "there is no folio '%s': folios that threads allocate are named after them",
		   p->word);
	return 0;
}

static void page_of(struct parser *p, struct scene_final *final)
{
	const struct scene_folio *folio = &p->scene->folio[final->folio];

	final->page = parse_small(p, "the page", 0, (UINT64_C(1) << folio->order) - 1);
}

/* `final 0x1000 P page 1 size 1`, `final 0x1000 none` */
static void of_address(struct parser *p, struct scene_final *final)
{
	final->va = parse_value(p, "an address");
	if (!parse_want(p, "what is mapped there: a folio's name, zero, or none"))
		return;
	if (parse_is(p, "none")) {
		final->kind = SCENE_FINAL_NONE;
		return;
	}
	final->kind = parse_is(p, "zero") ? SCENE_FINAL_ZERO : SCENE_FINAL_MAPS;
	if (final->kind == SCENE_FINAL_MAPS)
		final->folio = any_folio(p);
	while (parse_word(p)) {
		if (parse_is(p, "page") && final->kind == SCENE_FINAL_MAPS)
			page_of(p, final);
		else if (parse_is(p, "size"))
			final->size = parse_small(p, "the number of pages", 1, 1 << 18);
		else
			parse_fail(p, "after a folio there may be 'page' and 'size', not '%s'",
				   p->word);
	}
}

/* `final P free`, `final P page 1 references 2` */
static void of_folio(struct parser *p, struct scene_final *final)
{
	static const char what[] = "free, dirty, or references and their number";

	final->folio = any_folio(p);
	if (p->failed || !parse_want(p, what))
		return;
	if (parse_is(p, "page")) {
		page_of(p, final);
		if (!parse_want(p, what))
			return;
	}
	if (parse_is(p, "free")) {
		final->kind = SCENE_FINAL_FREE;
	} else if (parse_is(p, "dirty")) {
		final->kind = SCENE_FINAL_DIRTY;
	} else if (parse_is(p, "references")) {
		final->kind = SCENE_FINAL_REFERENCES;
		final->value = parse_small(p, "the number of references", 1, UINT32_MAX);
	} else {
		parse_fail(p, "a folio is %s, not '%s'", what, p->word);
	}
}

void parse_final(struct parser *p)
{
	struct scene *scene = p->scene;
	struct scene_final *final = &scene->final[scene->finals];

	if (scene->finals == SCENE_FINALS) {
		parse_fail(p, "too many of 'final': at most %d", SCENE_FINALS);
		return;
	}
	if (!parse_want(p, "an address, a folio's name, frames or faults"))
		return;
	final->line = p->number;
	if (isdigit((unsigned char)*p->word)) {
		of_address(p, final);
	} else if (parse_is(p, "frames")) {
		final->kind = SCENE_FINAL_FRAMES;
		final->value = parse_number(p, "the number of free frames");
	} else if (parse_is(p, "faults")) {
		final->kind = SCENE_FINAL_FAULTS;
		final->value = parse_number(p, "the number of faults");
	} else if (parse_is(p, "in")) {
		parse_final_in(p, final);
	} else if (parse_is(p, "pinned")) {
		parse_final_pinned(p, final);
	} else {
		of_folio(p, final);
	}
	scene->finals++;
}
