/* SPDX-License-Identifier: MIT */
/* Machines and address spaces in scenarios: their statements, operations, and what must hold at the end. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "lab/race/scene/parser.h"

static int find_mm(const struct parser *p)
{
	for (unsigned i = 0; i < p->scene->mms; i++)
		if (parse_is(p, p->scene->mm[i].name))
			return (int)i;
	return SCENE_NONE;
}

static int old_mm(struct parser *p)
{
	int mm;

	if (!parse_want(p, "the name of an address space"))
		return 0;
	mm = find_mm(p);
	if (mm == SCENE_NONE)
		parse_fail(p, "there is no address space '%s' yet: write 'mm %s' before", p->word,
			   p->word);
	else if (p->scene->mm[mm].thread != SCENE_SETUP && p->scene->mm[mm].thread != p->thread)
		parse_fail(
			p,
			"address space %s is forked by another thread, so it cannot be named here",
			p->word);
	return mm == SCENE_NONE ? 0 : mm;
}

static int new_mm(struct parser *p)
{
	struct scene *scene = p->scene;

	if (!parse_want(p, "a name for the address space"))
		return 0;
	if (find_mm(p) != SCENE_NONE)
		parse_fail(p, "there is an address space '%s' already", p->word);
	else if (scene->mms == SCENE_MMS)
		parse_fail(p, "too many address spaces: at most %d", SCENE_MMS);
	if (p->failed || !parse_name(p, scene->mm[scene->mms].name))
		return 0;
	scene->mm[scene->mms].thread = p->thread;
	return (int)scene->mms++;
}

static int old_file(struct parser *p)
{
	if (!parse_want(p, "the name of a file"))
		return 0;
	for (unsigned i = 0; i < p->scene->files; i++)
		if (parse_is(p, p->scene->file[i].name))
			return (int)i;
	parse_fail(p, "there is no file '%s' yet: write 'shmem %s pages 1' before", p->word,
		   p->word);
	return 0;
}

/* ---- statements ---- */

static void file_of(struct parser *p, enum scene_file_kind kind)
{
	struct scene *scene = p->scene;
	struct scene_file *file = &scene->file[scene->files];

	if (!parse_want(p, "a name for the file"))
		return;
	if (scene->files == SCENE_FILES) {
		parse_fail(p, "too many files: at most %d", SCENE_FILES);
		return;
	}
	if (!parse_name(p, file->name))
		return;
	file->kind = kind;
	file->pages = 1;
	if (parse_word(p)) {
		if (!parse_is(p, "pages"))
			parse_fail(p, "after a file's name there may be 'pages', not '%s'",
				   p->word);
		file->pages = parse_small(p, "the number of pages", 1,
					  kind == SCENE_DEVICE ? 1 << 10 : 64);
	}
	scene->files++;
}

static void machine(struct parser *p)
{
	while (!p->failed && parse_word(p)) {
		if (parse_is(p, "swap"))
			p->scene->swap = parse_small(p, "the number of pages", 1, 32);
		else if (parse_is(p, "movable"))
			p->scene->movable = parse_small(p, "the number of pages", 1, 1 << 14);
		else if (parse_is(p, "huge"))
			p->scene->huge = true;
		else if (parse_is(p, "huge-files"))
			p->scene->huge_files = true;
		else if (parse_is(p, "locks"))
			p->scene->real_locks = true;
		else if (parse_is(p, "tlb"))
			p->scene->tlb = true;
		else if (parse_is(p, "batch"))
			p->scene->batch = parse_small(p, "the number of pages", 1, 64);
		else if (parse_is(p, "groups"))
			p->scene->groups |= UINT64_C(1)
					    << parse_small(p, "the order of a folio", 1, 10);
		else
			parse_fail(
				p,
				"a machine has 'swap', 'movable', 'huge', 'huge-files', 'groups', "
				"'batch', 'tlb' and 'locks', not '%s'",
				p->word);
	}
}

bool parse_mm_statement(struct parser *p)
{
	if (parse_is(p, "machine"))
		machine(p);
	else if (parse_is(p, "mm"))
		(void)new_mm(p);
	else if (parse_is(p, "shmem"))
		file_of(p, SCENE_SHMEM);
	else if (parse_is(p, "secret"))
		file_of(p, SCENE_SECRET);
	else if (parse_is(p, "device"))
		file_of(p, SCENE_DEVICE);
	else
		return false;
	return true;
}

/* ---- operations ---- */

/* Only files are truncated, only devices take their memory away. */
static void of_kind(struct parser *p, const struct scene_op *op)
{
	const bool device = p->scene->file[op->file].kind == SCENE_DEVICE;

	if (p->failed || device == (op->kind == SCENE_REVOKE))
		return;
	parse_fail(p,
		   device ? "'%s' is a device: it has no size to change; write 'revoke'"
			  : "'%s' is not a device",
		   p->word);
}

void parse_mm_operands(struct parser *p, struct scene_op *op)
{
	if (op->kind == SCENE_FTRUNCATE || op->kind == SCENE_REVOKE) {
		op->file = old_file(p);
		of_kind(p, op);
		op->value = (uint32_t)parse_small(p, "the number of pages", 0, 64);
		return;
	}
	op->mm = old_mm(p);
	if (op->kind == SCENE_FORK) {
		op->child = p->failed ? 0 : new_mm(p);
		return;
	}
	op->va = parse_number(p, "an address");
	if (op->kind == SCENE_SHARED || op->kind == SCENE_PRIVATE)
		op->file = old_file(p);
	if (op->kind == SCENE_STORE || op->kind == SCENE_USER_COPY)
		op->value = (uint32_t)parse_small(p, "what is stored", 1, UINT32_MAX);
	if (op->kind == SCENE_MREMAP)
		op->to_va = parse_number(p, "the new address");
	op->prot = op->kind == SCENE_FAULT || op->kind == SCENE_MPROTECT ? 0
									 : PROT_READ | PROT_WRITE;
}

/* `sees 1|2`: what a page may hold. */
static unsigned contents(struct parser *p, uint32_t sees[SCENE_SEEN])
{
	const char *at = p->word;
	unsigned count = 0;

	if (!parse_want(p, "what the page may hold, as in 1 or 1|2"))
		return 0;
	for (at = p->word; count < SCENE_SEEN; at++) {
		char *end;

		sees[count++] = (uint32_t)strtoul(at, &end, 0);
		if (end == at)
			break;
		at = end;
		if (*at == '\0')
			return count;
		if (*at != '|')
			break;
	}
	parse_fail(p, "'%s' is not a list of at most %d numbers, as in 1|2", p->word, SCENE_SEEN);
	return 0;
}

static bool is_pin(const struct scene_op *op)
{
	return op->kind == SCENE_PIN_FAST || op->kind == SCENE_PIN_SLOW ||
	       op->kind == SCENE_PIN_ANY;
}

static bool pin_option(struct parser *p, struct scene_op *op)
{
	if (parse_is(p, "write"))
		op->flags |= PW_PIN_WRITE;
	else if (parse_is(p, "longterm"))
		op->flags |= PW_PIN_LONGTERM;
	else if (parse_is(p, "force") && op->kind == SCENE_PIN_SLOW)
		op->flags |= PW_PIN_FORCE;
	else if (parse_is(p, "get"))
		op->flags |= PW_PIN_GET;
	else if (parse_is(p, "hold"))
		op->hold = true;
	else if (parse_is(p, "most")) {
		op->limited = true;
		op->most = parse_small(p, "the number of pages", 0, SCENE_HELD);
	} else
		return false;
	return true;
}

static bool protection(struct parser *p, struct scene_op *op)
{
	const bool maps = op->kind == SCENE_ANONYMOUS || op->kind == SCENE_SHARED ||
			  op->kind == SCENE_PRIVATE;

	if (!maps && op->kind != SCENE_MPROTECT)
		return false;
	if (parse_is(p, "read"))
		op->prot = PROT_READ;
	else if (parse_is(p, "write"))
		op->prot = PROT_READ | PROT_WRITE;
	else if (parse_is(p, "none"))
		op->prot = PROT_NONE;
	else
		return false;
	return true;
}

/* Which faults the handler is for. */
static bool register_option(struct parser *p, struct scene_op *op)
{
	if (parse_is(p, "missing")) {
		op->modes |= PW_USER_MISSING;
		op->value = (uint32_t)parse_small(p, "what the handler puts in place", 0,
						  UINT32_MAX);
	} else if (parse_is(p, "minor")) {
		op->modes |= PW_USER_MINOR;
	} else if (parse_is(p, "protected")) {
		op->modes |= PW_USER_WRITE_PROTECT;
	} else if (parse_is(p, "refused")) {
		op->modes |= PW_USER_WRITE_PROTECT;
		op->refuse = true;
	} else {
		return false;
	}
	return true;
}

bool parse_mm_option(struct parser *p, struct scene_op *op)
{
	if (parse_is(p, "pages") && op->kind != SCENE_FAULT && op->kind != SCENE_STORE &&
	    op->kind != SCENE_LOAD && op->kind != SCENE_FORK && op->kind != SCENE_WALK &&
	    op->kind != SCENE_USER_COPY)
		op->pages = parse_small(p, "the number of pages", 1,
					is_pin(op) ? (uint64_t)SCENE_HELD : 1 << 10);
	else if (parse_is(p, "from") && (op->kind == SCENE_SHARED || op->kind == SCENE_PRIVATE))
		op->from = parse_small(p, "the page", 0, 64);
	else if (parse_is(p, "sees") &&
		 (is_pin(op) || op->kind == SCENE_LOAD || op->kind == SCENE_WALK))
		op->seen = contents(p, op->sees);
	else if (parse_is(p, "is") && op->kind == SCENE_LOAD)
		op->is = (uint32_t)parse_small(p, "what is there", 1, UINT32_MAX);
	else if (parse_is(p, "writes") && is_pin(op) && p->thread != SCENE_SETUP)
		op->writes = (uint32_t)parse_small(p, "what is stored", 1, UINT32_MAX);
	else if (parse_is(p, "write") && op->kind == SCENE_FAULT)
		op->prot = PROT_WRITE;
	else if (parse_is(p, "unshare") && op->kind == SCENE_FAULT)
		op->unshare = true;
	else if (parse_is(p, "huge") && op->kind == SCENE_ANONYMOUS)
		op->huge = true;
	else
		return (is_pin(op) && pin_option(p, op)) || protection(p, op) ||
		       (op->kind == SCENE_REGISTER && register_option(p, op));
	return true;
}

/* A thread has one processor, and it is in one address space. */
static void belongs(struct parser *p, const struct scene_op *op)
{
	struct scene_thread *thread = &p->scene->thread[p->thread];

	if (thread->mm != SCENE_NONE && thread->mm != op->mm)
		parse_fail(p,
			   "thread %s reads, pins or accesses two address spaces; take two threads",
			   thread->name);
	else if (p->scene->mm[op->mm].thread != SCENE_SETUP)
		parse_fail(
			p,
			"address space %s comes in the search: it can be faulted and edited, and "
			"no thread is in it",
			p->scene->mm[op->mm].name);
	thread->mm = op->mm;
}

void parse_mm_defaults(struct parser *p, const struct scene_op *op)
{
	const bool reads = is_pin(op) || op->kind == SCENE_WALK;
	const bool accesses = op->kind == SCENE_STORE || op->kind == SCENE_LOAD;

	if (op->kind == SCENE_REGISTER && !op->modes)
		parse_fail(p, "say which faults the handler is for: missing, protected, refused or "
			      "minor");
	if (op->kind == SCENE_PIN_SLOW && p->thread == SCENE_SETUP)
		return;
	if (op->kind == SCENE_STORE && p->thread == SCENE_SETUP)
		return;
	if (p->failed || (!reads && !accesses))
		return;
	if (p->thread == SCENE_SETUP) {
		parse_fail(p, "this needs a thread: write it after 'thread NAME:'");
		return;
	}
	if (accesses && p->scene->mm[op->mm].thread == p->thread)
		return;
	belongs(p, op);
	p->scene->thread[p->thread].reads = true;
	p->scene->thread[p->thread].accesses |= accesses;
}

/* ---- the end ---- */

/* Any thread's address space: all have ended. */
static int any_mm(struct parser *p)
{
	if (!parse_want(p, "the name of an address space"))
		return 0;
	if (find_mm(p) == SCENE_NONE)
		parse_fail(p, "there is no address space '%s'", p->word);
	return p->failed ? 0 : find_mm(p);
}

static void holds(struct parser *p, struct scene_final *final)
{
	if (!parse_is(p, "holds"))
		parse_fail(p, "say what it holds, as in 'holds 1|2', not '%s'", p->word);
	final->seen = contents(p, final->sees);
}

/* `final in A 0x1000 holds 1|2`, `final in A 0x1000 none` or `kept`; all with `if P` */
void parse_final_in(struct parser *p, struct scene_final *final)
{
	final->kind = SCENE_FINAL_IN;
	final->flag = SCENE_NONE;
	final->mm = any_mm(p);
	final->va = parse_number(p, "an address");
	if (!parse_want(p, "holds, none, or kept"))
		return;
	if (parse_is(p, "kept"))
		final->kind = SCENE_FINAL_KEPT;
	else if (!parse_is(p, "none"))
		holds(p, final);
	if (p->failed || !parse_word(p))
		return;
	if (parse_is(p, "if"))
		final->flag = parse_flag(p, false);
	else
		parse_fail(p, "after what a page holds there may be 'if', not '%s'", p->word);
}

/* `final pinned P at A 0x1000`, `final pinned P holds 1|2` */
void parse_final_pinned(struct parser *p, struct scene_final *final)
{
	final->flag = parse_flag(p, false);
	if (!parse_want(p, "at, or holds"))
		return;
	if (parse_is(p, "at")) {
		final->kind = SCENE_FINAL_PINNED_AT;
		final->mm = any_mm(p);
		final->va = parse_number(p, "an address");
		return;
	}
	final->kind = SCENE_FINAL_PINNED_HOLDS;
	holds(p, final);
}
