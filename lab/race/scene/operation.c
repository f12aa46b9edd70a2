/* SPDX-License-Identifier: MIT */
/* The operations of threads and of the setup. */
#include <stdio.h>
#include <string.h>

#include "lab/race/scene/parser.h"

static const char *const op_names[SCENE_OP_KINDS] = {
	[SCENE_FOLIO] = "folio",
	[SCENE_MAP] = "map",
	[SCENE_UNMAP] = "unmap",
	[SCENE_PROTECT] = "protect",
	[SCENE_SPLIT] = "split",
	[SCENE_COLLAPSE] = "collapse",
	[SCENE_PIN] = "pin",
	[SCENE_READ] = "read",
	[SCENE_PUT] = "put",
	[SCENE_GET] = "get",
	[SCENE_BREAK] = "break",
	[SCENE_SHARE] = "share",
	[SCENE_OWN] = "own",
	[SCENE_TRUNCATE] = "truncate",
	[SCENE_DIRTY] = "dirty",
	[SCENE_LOOK] = "look",
	[SCENE_COPY] = "copy",
	[SCENE_WAIT] = "wait",
	[SCENE_DRAIN] = "drain",
	[SCENE_POKE] = "poke",
	[SCENE_PEEK] = "peek",
	[SCENE_RETIRE] = "retire",
	[SCENE_ENTER] = "enter",
	[SCENE_LEAVE] = "leave",
	[SCENE_WRITE] = "write",
	[SCENE_VISIT] = "visit",
	[SCENE_COPY_BEGIN] = "copy-begin",
	[SCENE_COPY_END] = "copy-end",
	[SCENE_ANONYMOUS] = "anonymous",
	[SCENE_SHARED] = "shared",
	[SCENE_PRIVATE] = "private",
	[SCENE_FAULT] = "fault",
	[SCENE_STORE] = "store",
	[SCENE_LOAD] = "load",
	[SCENE_FORK] = "fork",
	[SCENE_SWAP_OUT] = "swap-out",
	[SCENE_MIGRATE] = "migrate",
	[SCENE_DROP] = "dontneed",
	[SCENE_FREE] = "free",
	[SCENE_SPLIT_FOLIO] = "split-folio",
	[SCENE_MUNMAP] = "munmap",
	[SCENE_COLLAPSE_HUGE] = "collapse-huge",
	[SCENE_MREMAP] = "mremap",
	[SCENE_MPROTECT] = "mprotect",
	[SCENE_PIN_FAST] = "pin-fast",
	[SCENE_PIN_SLOW] = "pin-slow",
	[SCENE_PIN_ANY] = "pin-any",
	[SCENE_WALK] = "walk",
	[SCENE_FTRUNCATE] = "ftruncate",
	[SCENE_REVOKE] = "revoke",
	[SCENE_REGISTER] = "register",
	[SCENE_USER_COPY] = "user-copy",
	[SCENE_USER_CONTINUE] = "user-continue",
	[SCENE_USER_PROTECT] = "user-protect",
	[SCENE_USER_UNPROTECT] = "user-unprotect",
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

/* The operations that can fail to do what they are asked for: these have `as` and `must`. */
static bool may_fail(enum scene_op_kind kind)
{
	if (kind >= SCENE_FIRST_OF_MM)
		return true;
	switch (kind) {
	case SCENE_FOLIO:
	case SCENE_UNMAP:
	case SCENE_PIN:
	case SCENE_READ:
	case SCENE_VISIT:
	case SCENE_PEEK:
	case SCENE_GET:
	case SCENE_BREAK:
	case SCENE_SHARE:
	case SCENE_LOOK:
	case SCENE_COPY:
		return true;
	default:
		return false;
	}
}

/* The flag that `if` names: one that this thread has set before. */
static int condition(struct parser *p)
{
	const struct scene *scene = p->scene;
	const int named = parse_flag(p, false);

	for (unsigned i = 0; !p->failed && i < scene->ops; i++)
		if (scene->op[i].flag == named && scene->op[i].thread == p->thread)
			return named;
	parse_fail(p, "no earlier operation of this thread says 'as %s'", p->word);
	return SCENE_NONE;
}

/* Does the operation work on a range of pages? */
static bool has_pages(enum scene_op_kind kind)
{
	switch (kind) {
	case SCENE_MAP:
	case SCENE_UNMAP:
	case SCENE_PROTECT:
	case SCENE_SPLIT:
	case SCENE_COLLAPSE:
	case SCENE_PIN:
	case SCENE_COPY:
	case SCENE_VISIT:
		return true;
	default:
		return false;
	}
}

/* Does it work on one page of a folio, or from that page on? */
static bool has_page(const struct scene_op *op)
{
	switch (op->kind) {
	case SCENE_MAP:
	case SCENE_PUT:
	case SCENE_GET:
	case SCENE_BREAK:
	case SCENE_SHARE:
	case SCENE_OWN:
	case SCENE_TRUNCATE:
	case SCENE_DIRTY:
	case SCENE_LOOK:
	case SCENE_WRITE:
	case SCENE_POKE:
	case SCENE_COPY:
		return op->folio != SCENE_NONE;
	default:
		return false;
	}
}

/* Is the word an option of this operation? Then it is read, with what follows it. */
static bool common_option(struct parser *p, struct scene_op *op)
{
	if (parse_is(p, "pages") && has_pages(op->kind))
		op->pages = parse_small(p, "the number of pages", 1, 1 << 20);
	else if ((parse_is(p, "from") || parse_is(p, "page")) && has_page(op))
		op->from = parse_small(p, "the page", 0, 1 << 18);
	else if (parse_is(p, "as") && may_fail(op->kind))
		op->flag = parse_flag(p, true);
	else if (parse_is(p, "must") && may_fail(op->kind))
		op->must = true;
	else if (parse_is(p, "if"))
		op->condition = condition(p);
	else
		return false;
	return true;
}

static bool attribute_option(struct parser *p, struct scene_op *op)
{
	for (size_t i = 0; i < sizeof(attributes) / sizeof(*attributes); i++)
		if (parse_is(p, attributes[i].word)) {
			op->attr |= attributes[i].attr;
			return true;
		}
	if (!parse_is(p, "none"))
		return false;
	op->attr |= 1u << 31; /* says that nothing was forgotten */
	return true;
}

static bool pin_option(struct parser *p, struct scene_op *op)
{
	if (parse_is(p, "write"))
		op->flags |= PW_PIN_WRITE;
	else if (parse_is(p, "longterm"))
		op->flags |= PW_PIN_LONGTERM;
	else if (parse_is(p, "get"))
		op->flags |= PW_PIN_GET;
	else if (parse_is(p, "hold"))
		op->hold = true;
	else if (parse_is(p, "touch"))
		op->touch = true;
	else if (parse_is(p, "ranges"))
		op->ranges = true;
	else if (parse_is(p, "most")) {
		op->limited = true;
		op->most = parse_small(p, "the number of pages", 0, 64);
	} else
		return false;
	return true;
}

static bool folio_option(struct parser *p, struct scene_op *op)
{
	if (parse_is(p, "order")) {
		op->order = (unsigned)parse_small(p, "the order", 0, 10);
		p->scene->folio[op->folio].order = op->order;
		return true;
	}
	for (size_t i = 1; i < sizeof(folio_kinds) / sizeof(*folio_kinds); i++)
		if (parse_is(p, folio_kinds[i])) {
			op->folio_kind = (enum pw_folio_kind)i;
			return true;
		}
	return false;
}

static bool level_option(struct parser *p, struct scene_op *op)
{
	if (!parse_is(p, "level"))
		return false;
	op->level = (unsigned)parse_small(p, "the level", 0, PW_MAX_LEVELS - 1);
	return true;
}

/* `at ADDRESS`: a page that is not of a folio. */
static void outside(struct parser *p, struct scene_op *op)
{
	op->outside = true;
	op->pa = parse_number(p, "the address of a page");
}

static bool poke_option(struct parser *p, struct scene_op *op)
{
	if (level_option(p, op))
		return true;
	if (parse_is(p, "low"))
		op->half = 1;
	else if (parse_is(p, "high"))
		op->half = 2;
	else if (parse_is(p, "before"))
		op->before = true;
	else if (parse_is(p, "like")) {
		op->like = true;
		op->like_va = parse_number(p, "an address");
	} else if (parse_is(p, "empty"))
		op->folio = SCENE_NONE;
	else if (parse_is(p, "at"))
		outside(p, op);
	else if (parse_find_folio(p) != SCENE_NONE)
		op->folio = parse_find_folio(p);
	else
		return attribute_option(p, op);
	return true;
}

static bool special_option(struct parser *p, struct scene_op *op)
{
	if (op->kind >= SCENE_FIRST_OF_MM)
		return parse_mm_option(p, op);
	switch (op->kind) {
	case SCENE_FOLIO:
		return folio_option(p, op);
	case SCENE_MAP:
	case SCENE_PROTECT:
		return attribute_option(p, op);
	case SCENE_UNMAP:
		op->drop |= parse_is(p, "drop");
		return parse_is(p, "drop");
	case SCENE_PIN:
		return pin_option(p, op);
	case SCENE_COPY:
		if (op->folio == SCENE_NONE)
			op->folio = parse_find_folio(p);
		return op->folio != SCENE_NONE && parse_is(p, p->scene->folio[op->folio].name);
	case SCENE_PUT:
	case SCENE_GET:
	case SCENE_BREAK:
		if (!parse_is(p, "references"))
			return false;
		op->references = (uint32_t)parse_small(p, "the number of references", 1, 1 << 30);
		return true;
	case SCENE_POKE:
		return poke_option(p, op);
	case SCENE_PEEK:
	case SCENE_RETIRE:
		return level_option(p, op);
	default:
		return false;
	}
}

/* What a map operation maps. */
static void mapped(struct parser *p, struct scene_op *op)
{
	if (!parse_want(p, "a folio's name, or zero, or at"))
		return;
	if (parse_is(p, "at"))
		outside(p, op);
	else if (!parse_is(p, "zero")) {
		op->folio = parse_find_folio(p);
		if (op->folio == SCENE_NONE)
			parse_fail(p, "there is no folio '%s' yet", p->word);
	}
}

/* What every operation of this kind has before its options: an address, a folio, or nothing. */
static void operands(struct parser *p, struct scene_op *op)
{
	if (op->kind >= SCENE_FIRST_OF_MM) {
		parse_mm_operands(p, op);
		return;
	}
	switch (op->kind) {
	case SCENE_FOLIO:
		op->folio = parse_new_folio(p);
		break;
	case SCENE_MAP:
		op->va = parse_number(p, "an address");
		mapped(p, op);
		break;
	case SCENE_UNMAP:
	case SCENE_PROTECT:
	case SCENE_SPLIT:
	case SCENE_COLLAPSE:
	case SCENE_PIN:
	case SCENE_READ:
	case SCENE_VISIT:
	case SCENE_COPY:
	case SCENE_POKE:
	case SCENE_PEEK:
	case SCENE_RETIRE:
		op->va = parse_number(p, "an address");
		break;
	case SCENE_WAIT:
	case SCENE_DRAIN:
	case SCENE_COPY_BEGIN:
	case SCENE_COPY_END:
	case SCENE_ENTER:
	case SCENE_LEAVE:
		break;
	default:
		op->folio = parse_folio(p);
		break;
	}
}

/* Attributes of entries where few or none are said. */
static void default_attributes(struct parser *p, struct scene_op *op)
{
	if (op->kind == SCENE_MAP || op->kind == SCENE_POKE) {
		if (!(op->attr & (PW_READ | PW_WRITE | PW_EXEC)))
			op->attr |= PW_READ | PW_WRITE;
		op->attr |= PW_USER | PW_ACCESSED | (op->attr & PW_WRITE ? PW_DIRTY : 0u);
	}
	if (op->kind == SCENE_PROTECT) {
		if (!op->attr)
			parse_fail(p, "say which permissions: read, write, exec, or none");
		op->attr &= ~(1u << 31);
		op->attr |= op->attr ? (uint32_t)PW_USER : 0u;
	}
}

/* Are the pages those of the folio? Says how many are mapped where nothing is said. */
static void check_pages(struct parser *p, struct scene_op *op)
{
	uint64_t pages;

	if (op->folio == SCENE_NONE || op->kind == SCENE_FOLIO)
		return;
	pages = UINT64_C(1) << p->scene->folio[op->folio].order;
	if (op->from >= pages)
		parse_fail(p, "folio %s has pages 0 to %llu", p->scene->folio[op->folio].name,
			   (unsigned long long)pages - 1);
	else if (op->kind == SCENE_MAP && !op->pages)
		op->pages = pages - op->from;
	else if (op->kind == SCENE_MAP && op->pages > pages - op->from)
		parse_fail(p, "folio %s has %llu pages from page %llu on",
			   p->scene->folio[op->folio].name, (unsigned long long)(pages - op->from),
			   (unsigned long long)op->from);
}

static bool reads(const struct scene_op *op)
{
	return op->kind == SCENE_PIN || op->kind == SCENE_READ || op->kind == SCENE_PEEK ||
	       op->kind == SCENE_VISIT || op->kind == SCENE_ENTER || op->kind == SCENE_LEAVE;
}

/* What is meant where nothing is said, and what does not go together. */
static void defaults(struct parser *p, struct scene_op *op)
{
	default_attributes(p, op);
	check_pages(p, op);
	if (op->pages > 64 && op->kind == SCENE_PIN)
		parse_fail(p, "a pin has at most 64 pages");
	if (!op->references)
		op->references = 1;
	if (op->ranges && (op->limited || op->touch || op->flags & PW_PIN_GET))
		parse_fail(p, "'ranges' goes without 'most', 'touch' and 'get'");
	if (op->hold && op->flag == SCENE_NONE)
		parse_fail(p, "name what is held, as in 'pin 0x1000 hold as PINNED'");
	if ((op->before || op->like) && (op->folio != SCENE_NONE || op->outside || op->half))
		parse_fail(p, "this is the whole entry: say nothing else of it");
	if (op->kind == SCENE_RETIRE && op->level == 0)
		parse_fail(p, "say at which level the entry is that leads to the table, as in "
			      "'retire 0x1000 level 1'");
	if (op->kind >= SCENE_FIRST_OF_MM)
		parse_mm_defaults(p, op);
	else if (p->scene->mms > 0)
		parse_fail(p,
			   "%s works on one space, and this scenario has address spaces: "
			   "pagewalk-lab(5) says what works on these",
			   op_names[op->kind]);
	if (!reads(op))
		return;
	if (p->thread == SCENE_SETUP)
		parse_fail(p, "a %s needs a thread: write it after 'thread NAME:'",
			   op_names[op->kind]);
	else
		p->scene->thread[p->thread].reads = true;
}

void parse_operation(struct parser *p)
{
	struct scene *scene = p->scene;
	struct scene_op *op = &scene->op[scene->ops];
	unsigned kind = 0;

	while (kind < SCENE_OP_KINDS && !parse_is(p, op_names[kind]))
		kind++;
	if (kind == SCENE_OP_KINDS) {
		parse_fail(p, "'%s' is not an operation; pagewalk-lab(5) lists them", p->word);
		return;
	}
	if (scene->ops == SCENE_OPS) {
		parse_fail(p, "too many operations: at most %d", SCENE_OPS);
		return;
	}
	*op = (struct scene_op){ .kind = (enum scene_op_kind)kind,
				 .line = p->number,
				 .thread = p->thread,
				 .folio = SCENE_NONE,
				 .flag = SCENE_NONE,
				 .condition = SCENE_NONE,
				 .mm = SCENE_NONE,
				 .child = SCENE_NONE,
				 .file = SCENE_NONE,
				 .folio_kind = PW_FOLIO_ANONYMOUS };
	operands(p, op);
	while (!p->failed && parse_word(p))
		if (!common_option(p, op) && !special_option(p, op))
			parse_fail(p, "'%s' means nothing to %s", p->word, op_names[kind]);
	defaults(p, op);
	scene->ops += !p->failed;
}
