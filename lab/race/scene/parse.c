/* SPDX-License-Identifier: MIT */
/*
 * Reads scenarios. A line is one statement: a word that says what, and words that say more. `thread NAME:` is
 * followed by operations, separated by semicolons; lines that begin with blanks go on with the same thread. An
 * operation outside of threads belongs to the setup. `#` begins a comment.
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mutant.h"
#include "lab/race/scene/mutants.h"
#include "lab/race/scene/scene.h"

struct parser {
	struct scene *scene;
	const char *name;
	const char *line; /* its begin */
	const char *at; /* the next character */
	const char *word_at; /* where the last word begins */
	char word[SCENE_TEXT];
	unsigned number; /* of the line, from 1 */
	int thread; /* whose operations come */
	struct pw_error *error;
	bool failed;
};

static void fail(struct parser *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void fail(struct parser *p, const char *format, ...)
{
	va_list arguments;
	char text[160];

	if (p->failed)
		return;
	p->failed = true;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	pw_fail(p->error, EINVAL, "%s:%u:%u: %s", p->name, p->number,
		(unsigned)(p->word_at - p->line) + 1, text);
}

/* ---- words ---- */

static bool ends_statement(char c)
{
	return c == '\0' || c == '\n' || c == '#' || c == ';';
}

static void skip_blanks(struct parser *p)
{
	while (*p->at == ' ' || *p->at == '\t' || *p->at == '\r')
		p->at++;
}

/* Reads the next word of the statement. False at its end. */
static bool next_word(struct parser *p)
{
	size_t length = 0;

	skip_blanks(p);
	p->word_at = p->at;
	if (p->failed || ends_statement(*p->at))
		return false;
	while (!ends_statement(*p->at) && !isspace((unsigned char)*p->at)) {
		if (length + 1 >= sizeof(p->word)) {
			fail(p, "this word is too long");
			return false;
		}
		p->word[length++] = *p->at++;
	}
	p->word[length] = '\0';
	return true;
}

static bool is(const struct parser *p, const char *word)
{
	return strcmp(p->word, word) == 0;
}

/* The next word, which must be there. */
static bool want(struct parser *p, const char *what)
{
	if (next_word(p))
		return true;
	fail(p, "%s is missing", what);
	return false;
}

static uint64_t number(struct parser *p, const char *what)
{
	char *end;
	unsigned long long value;

	if (!want(p, what))
		return 0;
	errno = 0;
	value = strtoull(p->word, &end, 0);
	if (errno || end == p->word || *p->word == '-' || *end)
		fail(p, "'%s' is not a number: %s is wanted, in decimal or as 0x...", p->word,
		     what);
	return value;
}

static uint64_t small(struct parser *p, const char *what, uint64_t least, uint64_t most)
{
	uint64_t value = number(p, what);

	if (!p->failed && (value < least || value > most))
		fail(p, "%s is %llu to %llu", what, (unsigned long long)least,
		     (unsigned long long)most);
	return value;
}

static void rest_of_line(struct parser *p, char *text, size_t size)
{
	size_t length;

	skip_blanks(p);
	p->word_at = p->at;
	length = strcspn(p->at, "\n");
	while (length && isspace((unsigned char)p->at[length - 1]))
		length--;
	if (length >= size)
		fail(p, "this text is too long: at most %zu characters", size - 1);
	else
		snprintf(text, size, "%.*s", (int)length, p->at);
	p->at += strcspn(p->at, "\n");
}

static bool copy_name(struct parser *p, char name[SCENE_NAME])
{
	if (strlen(p->word) >= SCENE_NAME) {
		fail(p, "this name is too long: at most %d characters", SCENE_NAME - 1);
		return false;
	}
	strcpy(name, p->word);
	return true;
}

/* ---- folios and flags ---- */

static int find_folio(struct parser *p)
{
	for (unsigned i = 0; i < p->scene->folios; i++)
		if (is(p, p->scene->folio[i].name)) {
			int owner = p->scene->folio[i].thread;

			if (owner != SCENE_SETUP && owner != p->thread)
				fail(p,
				     "folio %s is allocated by thread %s, so no other can name it",
				     p->word, p->scene->thread[owner].name);
			return (int)i;
		}
	return SCENE_NONE;
}

static int want_folio(struct parser *p)
{
	int folio;

	if (!want(p, "a folio's name"))
		return 0;
	folio = find_folio(p);
	if (folio == SCENE_NONE)
		fail(p, "there is no folio '%s' yet: allocate it before, as in 'folio %s'", p->word,
		     p->word);
	return folio;
}

static int new_folio(struct parser *p)
{
	struct scene_folio *folio = &p->scene->folio[p->scene->folios];

	if (!want(p, "a name for the folio"))
		return 0;
	for (unsigned i = 0; i < p->scene->folios; i++)
		if (is(p, p->scene->folio[i].name))
			fail(p, "there is a folio '%s' already", p->word);
	if (is(p, "zero"))
		fail(p, "'zero' is the zero page: choose another name");
	if (p->scene->folios == SCENE_FOLIOS)
		fail(p, "too many folios: at most %d", SCENE_FOLIOS);
	if (p->failed || !copy_name(p, folio->name))
		return 0;
	folio->thread = p->thread;
	folio->owner = p->scene->folios + 1u;
	return (int)p->scene->folios++;
}

static int flag(struct parser *p, bool may_be_new)
{
	struct scene *scene = p->scene;

	if (!want(p, "a name"))
		return 0;
	for (unsigned i = 0; i < scene->flags; i++)
		if (is(p, scene->flag[i]))
			return (int)i;
	if (!may_be_new)
		fail(p, "no operation says 'as %s'", p->word);
	else if (scene->flags == SCENE_FLAGS)
		fail(p, "too many names: at most %d", SCENE_FLAGS);
	if (p->failed || !copy_name(p, scene->flag[scene->flags]))
		return 0;
	return (int)scene->flags++;
}

/* ---- operations ---- */

static const char *const op_names[SCENE_OP_KINDS] = {
	[SCENE_FOLIO] = "folio",     [SCENE_MAP] = "map",           [SCENE_UNMAP] = "unmap",
	[SCENE_PROTECT] = "protect", [SCENE_SPLIT] = "split",       [SCENE_COLLAPSE] = "collapse",
	[SCENE_PIN] = "pin",         [SCENE_READ] = "read",         [SCENE_PUT] = "put",
	[SCENE_GET] = "get",         [SCENE_BREAK] = "break",       [SCENE_SHARE] = "share",
	[SCENE_OWN] = "own",         [SCENE_TRUNCATE] = "truncate", [SCENE_DIRTY] = "dirty",
	[SCENE_LOOK] = "look",       [SCENE_COPY] = "copy",         [SCENE_WAIT] = "wait",
	[SCENE_DRAIN] = "drain",     [SCENE_POKE] = "poke",
};

static const struct {
	const char *word;
	uint32_t attr;
} attributes[] = {
	{ "read", PW_READ },       { "write", PW_WRITE },   { "exec", PW_EXEC },
	{ "special", PW_SPECIAL }, { "global", PW_GLOBAL },
};

static const char *const folio_kinds[] = {
	[PW_FOLIO_ANONYMOUS] = "anonymous", [PW_FOLIO_SHARED] = "shared", [PW_FOLIO_FILE] = "file",
	[PW_FOLIO_HUGETLB] = "hugetlb",     [PW_FOLIO_SECRET] = "secret",
};

/* Is the word an option of this operation? Then it is read, with what follows it. */
static bool common_option(struct parser *p, struct scene_op *op)
{
	if (is(p, "pages"))
		op->pages = small(p, "the number of pages", 1, 1 << 20);
	else if (is(p, "from") || is(p, "page"))
		op->from = small(p, "the page", 0, 1 << 18);
	else if (is(p, "as"))
		op->flag = flag(p, true);
	else
		return false;
	return true;
}

static bool attribute_option(struct parser *p, struct scene_op *op)
{
	for (size_t i = 0; i < sizeof(attributes) / sizeof(*attributes); i++)
		if (is(p, attributes[i].word)) {
			op->attr |= attributes[i].attr;
			return true;
		}
	if (!is(p, "none"))
		return false;
	op->attr |= 1u << 31; /* says that nothing was forgotten */
	return true;
}

static bool pin_option(struct parser *p, struct scene_op *op)
{
	if (is(p, "write"))
		op->flags |= PW_PIN_WRITE;
	else if (is(p, "longterm"))
		op->flags |= PW_PIN_LONGTERM;
	else if (is(p, "get"))
		op->flags |= PW_PIN_GET;
	else if (is(p, "hold"))
		op->hold = true;
	else
		return false;
	return true;
}

static bool folio_option(struct parser *p, struct scene_op *op)
{
	if (is(p, "order")) {
		op->order = (unsigned)small(p, "the order", 0, 10);
		p->scene->folio[op->folio].order = op->order;
		return true;
	}
	for (size_t i = 1; i < sizeof(folio_kinds) / sizeof(*folio_kinds); i++)
		if (is(p, folio_kinds[i])) {
			op->folio_kind = (enum pw_folio_kind)i;
			return true;
		}
	return false;
}

static bool poke_option(struct parser *p, struct scene_op *op)
{
	if (is(p, "level"))
		op->level = (unsigned)small(p, "the level", 0, PW_MAX_LEVELS - 1);
	else if (is(p, "low"))
		op->half = 1;
	else if (is(p, "high"))
		op->half = 2;
	else if (is(p, "empty"))
		op->folio = SCENE_NONE;
	else if (find_folio(p) != SCENE_NONE)
		op->folio = find_folio(p);
	else
		return attribute_option(p, op);
	return true;
}

static bool special_option(struct parser *p, struct scene_op *op)
{
	switch (op->kind) {
	case SCENE_FOLIO:
		return folio_option(p, op);
	case SCENE_MAP:
	case SCENE_PROTECT:
		return attribute_option(p, op);
	case SCENE_UNMAP:
		op->drop |= is(p, "drop");
		return is(p, "drop");
	case SCENE_PIN:
		return pin_option(p, op);
	case SCENE_COPY:
		op->folio = find_folio(p);
		return op->folio != SCENE_NONE;
	case SCENE_PUT:
	case SCENE_GET:
	case SCENE_BREAK:
		if (!is(p, "references"))
			return false;
		op->references = (uint32_t)small(p, "the number of references", 1, 1 << 20);
		return true;
	case SCENE_POKE:
		return poke_option(p, op);
	default:
		return false;
	}
}

/* What every operation of this kind has before its options: an address, a folio, or nothing. */
static void operands(struct parser *p, struct scene_op *op)
{
	switch (op->kind) {
	case SCENE_FOLIO:
		op->folio = new_folio(p);
		break;
	case SCENE_MAP:
		op->va = number(p, "an address");
		if (!want(p, "a folio's name, or zero"))
			return;
		op->folio = is(p, "zero") ? SCENE_NONE : find_folio(p);
		if (op->folio == SCENE_NONE && !is(p, "zero"))
			fail(p, "there is no folio '%s' yet", p->word);
		break;
	case SCENE_UNMAP:
	case SCENE_PROTECT:
	case SCENE_SPLIT:
	case SCENE_COLLAPSE:
	case SCENE_PIN:
	case SCENE_READ:
	case SCENE_COPY:
	case SCENE_POKE:
		op->va = number(p, "an address");
		break;
	case SCENE_WAIT:
	case SCENE_DRAIN:
		break;
	default:
		op->folio = want_folio(p);
		break;
	}
}

/* What is meant where nothing is said. */
static void defaults(struct parser *p, struct scene_op *op)
{
	const struct scene *scene = p->scene;

	if (op->kind == SCENE_MAP || op->kind == SCENE_POKE) {
		if (!(op->attr & (PW_READ | PW_WRITE | PW_EXEC)))
			op->attr |= PW_READ | PW_WRITE;
		op->attr |= PW_USER | PW_ACCESSED | (op->attr & PW_WRITE ? PW_DIRTY : 0u);
	}
	if (op->kind == SCENE_PROTECT) {
		if (!op->attr)
			fail(p, "say which permissions: read, write, exec, or none");
		op->attr &= ~(1u << 31);
		op->attr |= op->attr ? (uint32_t)PW_USER : 0u;
	}
	if (op->kind == SCENE_MAP && !op->pages && op->folio != SCENE_NONE)
		op->pages = (UINT64_C(1) << scene->folio[op->folio].order) - op->from;
	if (op->pages > 64 && op->kind == SCENE_PIN)
		fail(p, "a pin has at most 64 pages");
	if (!op->references)
		op->references = 1;
	if (op->hold && op->flag == SCENE_NONE)
		fail(p, "name what is held, as in 'pin 0x1000 hold as PINNED'");
	if ((op->kind == SCENE_PIN || op->kind == SCENE_READ) && p->thread == SCENE_SETUP)
		fail(p, "a %s needs a thread: write it after 'thread NAME:'", op_names[op->kind]);
	else if (op->kind == SCENE_PIN || op->kind == SCENE_READ)
		p->scene->thread[p->thread].reads = true;
}

static void operation(struct parser *p)
{
	struct scene *scene = p->scene;
	struct scene_op *op = &scene->op[scene->ops];
	unsigned kind = 0;

	while (kind < SCENE_OP_KINDS && !is(p, op_names[kind]))
		kind++;
	if (kind == SCENE_OP_KINDS) {
		fail(p, "'%s' is not an operation; pagewalk-lab(5) lists them", p->word);
		return;
	}
	if (scene->ops == SCENE_OPS) {
		fail(p, "too many operations: at most %d", SCENE_OPS);
		return;
	}
	*op = (struct scene_op){ .kind = (enum scene_op_kind)kind,
				 .line = p->number,
				 .thread = p->thread,
				 .folio = SCENE_NONE,
				 .flag = SCENE_NONE,
				 .folio_kind = PW_FOLIO_ANONYMOUS };
	operands(p, op);
	while (!p->failed && next_word(p))
		if (!common_option(p, op) && !special_option(p, op))
			fail(p, "'%s' means nothing to %s", p->word, op_names[kind]);
	defaults(p, op);
	scene->ops += !p->failed;
}

/* ---- statements ---- */

static void format(struct parser *p)
{
	while (next_word(p)) {
		if (p->scene->formats == SCENE_FORMATS)
			fail(p, "too many formats: at most %d", SCENE_FORMATS);
		else if (!pw_format_find(p->word) || !pw_format_can_edit(pw_format_find(p->word)))
			fail(p,
			     "'%s' is not a format whose tables can be built; 'pagewalk formats' "
			     "lists them",
			     p->word);
		else if (copy_name(p, p->scene->format[p->scene->formats]))
			p->scene->formats++;
	}
}

static void thread(struct parser *p)
{
	struct scene *scene = p->scene;
	char *colon;

	if (!want(p, "a name for the thread, and a colon"))
		return;
	colon = strchr(p->word, ':');
	if (!colon || colon[1] || colon == p->word) {
		fail(p, "write 'thread NAME: operation; operation', with the colon at the name");
		return;
	}
	*colon = '\0';
	if (scene->threads == RACE_THREADS - 1) {
		fail(p, "too many threads: at most %d", RACE_THREADS - 1);
		return;
	}
	if (!copy_name(p, scene->thread[scene->threads].name))
		return;
	p->thread = (int)scene->threads++;
}

static void mutant(struct parser *p)
{
	struct scene *scene = p->scene;

	if (!want(p, "a mutant's name"))
		return;
	if (scene_mutant(p->word) == PW_MUTANT_NONE)
		fail(p, "there is no mutant '%s'; src/base/mutant.h lists them", p->word);
	else if (scene->mutants == SCENE_MUTANTS)
		fail(p, "too many mutants: at most %d", SCENE_MUTANTS);
	else if (copy_name(p, scene->mutant[scene->mutants].name)) {
		if (next_word(p)) {
			if (!is(p, "tso"))
				fail(p, "after a mutant's name there may be 'tso', not '%s'",
				     p->word);
			scene->mutant[scene->mutants].tso_only = true;
		}
		scene->mutants++;
	}
}

static void reclaim(struct parser *p)
{
	if (!want(p, "rcu, ipi or at-once"))
		return;
	if (is(p, "rcu"))
		p->scene->reclaim = SCENE_RCU;
	else if (is(p, "ipi"))
		p->scene->reclaim = SCENE_IPI;
	else if (is(p, "at-once"))
		p->scene->reclaim = SCENE_AT_ONCE;
	else
		fail(p, "reclaim is rcu, ipi or at-once, not '%s'", p->word);
}

static void expect(struct parser *p)
{
	if (!want(p, "proved or found"))
		return;
	if (!is(p, "found") && !is(p, "proved"))
		fail(p, "expect proved, or found, not '%s'", p->word);
	p->scene->expect_finding = is(p, "found");
	if (next_word(p)) {
		if (!is(p, "tso"))
			fail(p, "after found there may be 'tso', not '%s'", p->word);
		p->scene->expect_tso_only = true;
	}
}

static void never(struct parser *p)
{
	if (p->scene->nevers == SCENE_NEVER) {
		fail(p, "too many pairs: at most %d", SCENE_NEVER);
		return;
	}
	p->scene->never[p->scene->nevers].flag[0] = flag(p, false);
	p->scene->never[p->scene->nevers].flag[1] = flag(p, false);
	p->scene->nevers++;
}

/* A statement that begins at the beginning of a line. */
static void statement(struct parser *p)
{
	struct scene *scene = p->scene;

	p->thread = SCENE_SETUP;
	if (is(p, "about"))
		rest_of_line(p, scene->about, sizeof(scene->about));
	else if (is(p, "source"))
		rest_of_line(p, scene->source, sizeof(scene->source));
	else if (is(p, "format"))
		format(p);
	else if (is(p, "levels"))
		scene->levels = (unsigned)small(p, "the number of levels", 1, PW_MAX_LEVELS);
	else if (is(p, "frames"))
		scene->frames = small(p, "the number of frames", 2, 1 << 14);
	else if (is(p, "reclaim"))
		reclaim(p);
	else if (is(p, "mutant"))
		mutant(p);
	else if (is(p, "expect"))
		expect(p);
	else if (is(p, "never"))
		never(p);
	else if (is(p, "thread"))
		thread(p);
	else
		operation(p);
}

static void line(struct parser *p)
{
	const bool goes_on = *p->at == ' ' || *p->at == '\t';
	bool first = !goes_on;

	for (;;) {
		if (next_word(p)) {
			if (first)
				statement(p);
			else if (goes_on && p->thread == SCENE_SETUP)
				fail(p,
				     "a line that begins with blanks goes on with a thread, and there "
				     "is none");
			else
				operation(p);
			/* After `thread NAME:` its first operation follows in the same statement. */
			if (first && p->thread != SCENE_SETUP && !p->failed) {
				first = false;
				continue;
			}
			first = false;
		}
		skip_blanks(p);
		if (!p->failed && !ends_statement(*p->at) && next_word(p))
			fail(p, "'%s' is too much here", p->word);
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
		fail(p,
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
