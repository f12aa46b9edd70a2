/* SPDX-License-Identifier: MIT */
/*
 * Reads scenarios. A line is one statement: a word that says what, and words that say more. `thread NAME:` is
 * followed by operations, separated by semicolons; lines that begin with blanks go on with the same thread. An
 * operation outside of threads belongs to the setup. `#` begins a comment.
 */
#include <stdio.h>
#include <string.h>

#include "base/mutant.h"
#include "lab/race/scene/mutants.h"
#include "lab/race/scene/parser.h"

/* ---- statements ---- */

static void format(struct parser *p)
{
	while (parse_word(p)) {
		if (p->scene->formats == SCENE_FORMATS)
			parse_fail(p, "too many formats: at most %d", SCENE_FORMATS);
		else if (!pw_format_find(p->word) || !pw_format_can_edit(pw_format_find(p->word)))
			parse_fail(
				p,
				"'%s' is not a format whose tables can be built; 'pagewalk formats' "
				"lists them",
				p->word);
		else if (parse_name(p, p->scene->format[p->scene->formats]))
			p->scene->formats++;
	}
}

static void thread(struct parser *p)
{
	struct scene *scene = p->scene;
	char *colon;

	if (!parse_want(p, "a name for the thread, and a colon"))
		return;
	colon = strchr(p->word, ':');
	if (!colon || colon[1] || colon == p->word) {
		parse_fail(p,
			   "write 'thread NAME: operation; operation', with the colon at the name");
		return;
	}
	*colon = '\0';
	if (scene->threads == RACE_THREADS - 1) {
		parse_fail(p, "too many threads: at most %d", RACE_THREADS - 1);
		return;
	}
	if (!parse_name(p, scene->thread[scene->threads].name))
		return;
	scene->thread[scene->threads].mm = SCENE_NONE;
	p->thread = (int)scene->threads++;
}

static void mutant(struct parser *p)
{
	struct scene *scene = p->scene;

	if (!parse_want(p, "a mutant's name"))
		return;
	if (scene_mutant(p->word) == PW_MUTANT_NONE)
		parse_fail(p, "there is no mutant '%s'; src/base/mutants.h lists them", p->word);
	else if (scene->mutants == SCENE_MUTANTS)
		parse_fail(p, "too many mutants: at most %d", SCENE_MUTANTS);
	else if (parse_name(p, scene->mutant[scene->mutants].name)) {
		if (parse_word(p)) {
			if (!parse_is(p, "tso"))
				parse_fail(p, "after a mutant's name there may be 'tso', not '%s'",
					   p->word);
			scene->mutant[scene->mutants].tso_only = true;
		}
		scene->mutants++;
	}
}

static void reclaim(struct parser *p)
{
	if (!parse_want(p, "rcu, ipi or at-once"))
		return;
	if (parse_is(p, "rcu"))
		p->scene->reclaim = SCENE_RCU;
	else if (parse_is(p, "ipi"))
		p->scene->reclaim = SCENE_IPI;
	else if (parse_is(p, "at-once"))
		p->scene->reclaim = SCENE_AT_ONCE;
	else
		parse_fail(p, "reclaim is rcu, ipi or at-once, not '%s'", p->word);
}

static void expect(struct parser *p)
{
	if (!parse_want(p, "proved or found"))
		return;
	if (!parse_is(p, "found") && !parse_is(p, "proved"))
		parse_fail(p, "expect proved, or found, not '%s'", p->word);
	p->scene->expect_finding = parse_is(p, "found");
	if (parse_word(p)) {
		if (!p->scene->expect_finding || !parse_is(p, "tso"))
			parse_fail(p, "after found there may be 'tso', and nothing else; not '%s'",
				   p->word);
		p->scene->expect_tso_only = true;
	}
}

static void never(struct parser *p)
{
	if (p->scene->nevers == SCENE_NEVER) {
		parse_fail(p, "too many pairs: at most %d", SCENE_NEVER);
		return;
	}
	p->scene->never[p->scene->nevers].flag[0] = parse_flag(p, false);
	p->scene->never[p->scene->nevers].flag[1] = parse_flag(p, false);
	p->scene->nevers++;
}

/* A statement that begins at the beginning of a line. */
static void statement(struct parser *p)
{
	struct scene *scene = p->scene;

	p->thread = SCENE_SETUP;
	if (parse_is(p, "about"))
		parse_rest(p, scene->about, sizeof(scene->about));
	else if (parse_is(p, "source"))
		parse_rest(p, scene->source, sizeof(scene->source));
	else if (parse_is(p, "format"))
		format(p);
	else if (parse_is(p, "levels"))
		scene->levels = (unsigned)parse_small(p, "the number of levels", 1, PW_MAX_LEVELS);
	else if (parse_is(p, "frames"))
		scene->frames = parse_small(p, "the number of frames", 2, 1 << 14);
	else if (parse_is(p, "reclaim"))
		reclaim(p);
	else if (parse_is(p, "mutant"))
		mutant(p);
	else if (parse_is(p, "expect"))
		expect(p);
	else if (parse_is(p, "never"))
		never(p);
	else if (parse_is(p, "final"))
		parse_final(p);
	else if (parse_is(p, "thread"))
		thread(p);
	else if (!parse_mm_statement(p))
		parse_operation(p);
}

static void line(struct parser *p)
{
	const bool goes_on = *p->at == ' ' || *p->at == '\t';
	bool first = !goes_on;

	for (;;) {
		if (parse_word(p)) {
			if (first)
				statement(p);
			else if (goes_on && p->thread == SCENE_SETUP)
				parse_fail(
					p,
					"a line that begins with blanks goes on with a thread, and there "
					"is none");
			else
				parse_operation(p);
			/* After `thread NAME:` its first operation follows in the same statement. */
			if (first && p->thread != SCENE_SETUP && !p->failed) {
				first = false;
				continue;
			}
			first = false;
		}
		parse_blanks(p);
		if (!p->failed && !parse_ends(*p->at) && parse_word(p))
			parse_fail(p, "'%s' is too much here", p->word);
		if (p->failed || *p->at != ';')
			return;
		p->at++;
	}
}

static void check_whole(struct parser *p)
{
	struct scene *scene = p->scene;

	p->word_at = p->line;
	if (scene->threads == 0)
		parse_fail(
			p,
			"there is no thread: write at least one, as in 'thread reader: pin 0x1000'");
	if (scene->formats == 0) {
		strcpy(scene->format[0], "x86_64");
		scene->formats = 1;
	}
	if (scene->frames == 0)
		scene->frames = 32;
}

bool scene_parse(struct scene *scene, const char *name, const char *text, struct pw_error *error)
{
	struct parser p = {
		.scene = scene, .name = name, .at = text, .thread = SCENE_SETUP, .error = error
	};

	memset(scene, 0, sizeof(*scene));
	snprintf(scene->path, sizeof(scene->path), "%s", name);
	while (*p.at && !p.failed) {
		p.line = p.word_at = p.at;
		p.number++;
		line(&p);
		p.at += strcspn(p.at, "\n");
		p.at += *p.at == '\n';
	}
	if (!p.failed)
		check_whole(&p);
	return !p.failed;
}
