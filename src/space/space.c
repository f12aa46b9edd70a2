/* SPDX-License-Identifier: MIT */
/* The public side of address spaces: their life, checks before operations, growing the top, readers. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "space/edit.h"
#include "space/reach.h"
#include "walk/instance.h"

/* The attributes that a caller of pw_space_map may give. */
static const uint32_t PW_MAP_ATTR = PW_PROT_MASK | PW_ACCESSED | PW_DIRTY | PW_GLOBAL | PW_SPECIAL;

void pw_edit_flush(struct pw_edit *edit)
{
	if (!edit->run.open)
		return;
	pw_edit_settle();
	edit->unmapped(edit->context, edit->run.first, edit->run.last, edit->run.pa);
	edit->run.open = false;
}

static int not_mine(struct pw_error *error)
{
	return pw_fail(
		error, EPERM,
		"this process is a child, by fork, of the one that created the arena, and cannot "
		"use it: create another arena, or map the file of pw_arena_fd()");
}

/* ---- tops ---- */

unsigned pw_space_tops(const struct pw_space *space)
{
	return space->format->dynamic_top || space->format->needs_ttbcr ? 1
									: space->format->max_roots;
}

int pw_space_regime(const struct pw_space *space, unsigned top, const pw_pa pa[PW_MAX_ROOTS],
		    struct pw_regime *r, struct pw_error *error)
{
	const struct pw_format *f = space->format;
	const struct pw_regime_options options = {
		/* arm's Linux view shows Linux's own tables, which it keeps beside these. */
		.view = f->linux_twin ? PW_VIEW_HARDWARE : PW_VIEW_LINUX,
		.kernel = space->kernel,
	};
	/* Making a root depends on these members only: not on tables, which do not exist yet. */
	const struct pw_regime before = {
		.format = f,
		.view = options.view,
		.kernel = space->kernel,
	};
	uint64_t word[PW_MAX_ROOTS];

	for (unsigned i = 0; i < pw_space_tops(space); i++)
		word[i] = f->make_root(f, &before, pa[i], top);
	return pw_regime_init(r, f, word, pw_space_tops(space), &options, error);
}

/*
 * Allocates a top table of level @top for each root and decodes the roots into space->regime[top]. If @below
 * is not PW_NO_TABLE, the first entry leads to that table. Returns 0, -ENOMEM, -EINVAL.
 */
static int make_top(struct pw_space *space, unsigned top, pw_pa below, struct pw_error *error)
{
	const struct pw_format *f = space->format;
	const unsigned roots = pw_space_tops(space);
	struct pw_regime *r = &space->regime[top];
	pw_pa pa[PW_MAX_ROOTS] = { 0 };
	unsigned made = 0;
	int code = 0;

	while (made < roots && pw_table_alloc(space, top, &pa[made]) == 0)
		made++;
	if (made < roots)
		code = pw_fail(error, ENOMEM,
			       "no memory for the top table of %s in the arena, below 0x%llx",
			       f->name, (unsigned long long)pw_mask(space->limit_lg2[top]));
	if (!code)
		code = pw_space_regime(space, top, pa, r, error);
	if (code) {
		while (made-- > 0)
			pw_table_free(space, top, pa[made]);
		return code;
	}
	for (unsigned i = 0; i < roots; i++) {
		unsigned char *entry = pw_table_host(space, pa[i]);

		for (uint32_t n = 0; n <= pw_mask(f->bits[top]); n++)
			pw_edit_store(f, entry + n * pw_entry_bytes(f), f->make_empty(f, r, top));
	}
	if (below != PW_NO_TABLE)
		pw_edit_store(f, pw_table_host(space, pa[0]), f->make_table(f, r, top, below));
	return 0;
}

/* The regime's span that translates all of first..last. NULL: there is none. */
PW_INLINE const struct pw_span *span_of(const struct pw_regime *r, pw_va first, pw_va last)
{
	const struct pw_span *span = pw_span_find(r, first);

	return PW_LIKELY(span) && last <= span->last ? span : NULL;
}

int pw_space_cover(struct pw_space *space, pw_va first, pw_va last, struct pw_error *error)
{
	const struct pw_format *f = space->format;
	const struct pw_regime *r;
	int code = 0;

	pthread_mutex_lock(&space->grow);
	for (r = pw_space_now(space); !span_of(r, first, last); r = pw_space_now(space)) {
		unsigned top = r->span[0].top + 1u;

		if (!f->dynamic_top || top >= f->levels || r->roots > 1)
			code = pw_fail(error, ERANGE,
				       "%s does not translate 0x%llx-0x%llx: its addresses end at "
				       "0x%llx",
				       f->name, (unsigned long long)first, (unsigned long long)last,
				       (unsigned long long)r->span[r->spans - 1].last);
		else
			code = make_top(space, top, r->span[0].table, error);
		if (code)
			break;
		if (pw_mutant(PW_MUTANT_ROOT_APART))
			space->regime[top - 1].span[0].table = space->regime[top].span[0].table;
		pw_moment(PW_MOMENT_TOP_NEW);
		/* Partner: the load in pw_space_now. The new top is complete when a reader sees it. */
		__atomic_store_n(&space->now, &space->regime[top], __ATOMIC_RELEASE);
	}
	pthread_mutex_unlock(&space->grow);
	return code;
}

/* ---- spaces ---- */

bool pw_format_can_edit(const struct pw_format *format)
{
	return format->instance->editor;
}

int pw_space_create(struct pw_arena *arena, const struct pw_format *format,
		    const struct pw_space_options *options, struct pw_space **space_ret,
		    struct pw_error *error)
{
	static const struct pw_space_options defaults;
	struct pw_space *space;
	unsigned levels;
	int code;

	if (!arena || !format || !space_ret)
		return pw_fail_null(error, !arena ? "arena" : !format ? "format" : "space_ret");
	if (!pw_arena_mine(arena))
		return not_mine(error);
	if (!options)
		options = &defaults;
	levels = options->levels ? options->levels : format->dynamic_top ? 3 : format->levels;
	if (!format->instance->editor)
		return pw_fail(error, EINVAL,
			       "tables of %s cannot be built: it is a described format, and a "
			       "description says only how to read entries",
			       format->name);
	if (format->shift[0] != arena->page_lg2)
		return pw_fail(error, EINVAL,
			       "%s has pages of %llu bytes, but the arena has frames of %llu: "
			       "create the arena with page_lg2 = %u",
			       format->name, 1ULL << format->shift[0], 1ULL << arena->page_lg2,
			       format->shift[0]);
	if (levels > format->levels || (!format->dynamic_top && levels != format->levels))
		return pw_fail(error, EINVAL, "%s has %s%u levels, not %u", format->name,
			       format->dynamic_top ? "up to " : "", format->levels, levels);
	space = calloc(1, sizeof(*space));
	if (!space)
		return pw_fail(error, ENOMEM, "no memory for page tables");
	space->arena = arena;
	space->format = format;
	space->pinner = format->instance->pinner;
	space->within = pw_mask(format->shift[0]);
	space->kernel = options->kernel;
	space->nowhere.format = format;
	/* Some walks look at the first span even if there are none: make it an empty one. */
	space->nowhere.span[0].first = 1;
	for (unsigned level = 0; level < PW_MAX_LEVELS; level++)
		space->free[level] = PW_NO_TABLE;
	pthread_mutex_init(&space->grow, NULL);
	pthread_mutex_init(&space->free_lock, NULL);
	pthread_mutex_init(&space->gather_lock, NULL);
	code = pw_sync_init(&space->sync, options->sync);
	if (code) {
		free(space);
		return pw_fail(error, -code, "no way to wait for readers of page tables: %s",
			       strerror(-code));
	}
	code = pw_reach_tables(space, levels, error);
	if (!code)
		code = make_top(space, levels - 1, PW_NO_TABLE, error);
	if (code) {
		pw_sync_deinit(&space->sync);
		free(space);
		return code;
	}
	space->now = &space->regime[levels - 1];
	pw_arena_add_space(arena, space);
	*space_ret = space;
	return 0;
}

void pw_space_destroy(struct pw_space *space)
{
	const struct pw_regime *r;

	if (!space)
		return;
	/* A child has a copy of this memory, but no thread that frees tables. */
	if (!pw_arena_mine(space->arena)) {
		free(space);
		return;
	}
	r = pw_space_now(space);
	for (unsigned i = 0; i < r->roots; i++)
		pw_gather_tree(space, r, r->span[i].top, r->span[i].table);
	pw_gather_finish(space);
	pw_arena_remove_space(space->arena, space);
	pw_sync_deinit(&space->sync);
	pthread_mutex_destroy(&space->gather_lock);
	pthread_mutex_destroy(&space->free_lock);
	pthread_mutex_destroy(&space->grow);
	free(space);
}

/* ---- operations ---- */

/* Says why begin() refuses a range. Apart from it, as all that is rare: an edit of one page takes little else. */
static __attribute__((noinline)) int refuse(const struct pw_space *space, pw_va first, pw_va last,
					    struct pw_error *error)
{
	if (!space)
		return pw_fail_null(error, "space");
	if (!pw_arena_mine(space->arena))
		return not_mine(error);
	return pw_fail(error, EINVAL, "0x%llx-0x%llx is not a range of whole pages of 0x%llx bytes",
		       (unsigned long long)first, (unsigned long long)last,
		       1ULL << space->format->shift[0]);
}

/* Finds the regime of an operation whose range the present one does not cover: if it @grows, one that does. */
static __attribute__((noinline)) int begin_beyond(struct pw_edit *edit, bool grows,
						  struct pw_error *error)
{
	int code = grows ? pw_space_cover(edit->space, edit->first, edit->last, error) : 0;

	edit->regime = pw_space_now(edit->space);
	edit->span = span_of(edit->regime, edit->first, edit->last);
	return code;
}

/* Prepares an operation on first..last: checks the range and, if @grows, makes the top cover it. */
PW_INLINE int begin(struct pw_space *space, struct pw_edit *edit, pw_va first, pw_va last,
		    bool grows, struct pw_error *error)
{
	if (PW_UNLIKELY(!space || !pw_arena_mine(space->arena) || first > last ||
			((first | ~last) & pw_mask(space->format->shift[0]))))
		return refuse(space, first, last, error);
	/* Member by member: most operations use few of the others. */
	edit->space = space;
	edit->regime = pw_space_now(space);
	edit->span = span_of(edit->regime, first, last);
	edit->first = first;
	edit->last = last;
	edit->va = first;
	edit->size_lg2 = 64;
	edit->prot_none = false;
	edit->bytes = 0;
	edit->unmapped = NULL;
	edit->run.open = false;
	return PW_LIKELY(edit->span) ? 0 : begin_beyond(edit, grows, error);
}

/* Writes the sentence for -ENOMEM: memory may be free, but only where no table can be. */
static int no_memory(const struct pw_edit *edit, int code, const char *what, struct pw_error *error)
{
	const struct pw_arena *arena = edit->space->arena;
	const pw_pa highest = pw_mask(pw_reach_lowest_lg2(edit->space));

	if (arena->base + (arena->bytes - 1) <= highest)
		return pw_fail(error, -code, "no memory for a table: %s stopped at 0x%llx", what,
			       (unsigned long long)edit->va);
	return pw_fail(error, -code,
		       "no memory for a table up to 0x%llx, where all tables of %s can be: %s "
		       "stopped at 0x%llx",
		       (unsigned long long)highest, edit->space->format->name, what,
		       (unsigned long long)edit->va);
}

static __attribute__((noinline)) int fail(const struct pw_edit *edit, int code, const char *what,
					  struct pw_error *error)
{
	if (code == -EEXIST)
		return pw_fail(error, EEXIST, "0x%llx is mapped already: unmap it first",
			       (unsigned long long)edit->va);
	return no_memory(edit, code, what, error);
}

/*
 * Ends an operation that returned @code: reports the last run, hands over the gathered tables, and writes
 * the sentence for an error. An operation that takes pages or permissions away calls pw_edit_settle first.
 */
PW_INLINE int finish(struct pw_edit *edit, int code, const char *what, struct pw_error *error)
{
	if (PW_UNLIKELY(edit->run.open))
		pw_edit_flush(edit);
	pw_gather_finish(edit->space);
	return PW_LIKELY(!code) ? 0 : fail(edit, code, what, error);
}

/*
 * log2 of the largest page whose entry can be marked as special; 0 if none can. In some formats only base
 * pages can.
 */
static unsigned special_lg2(const struct pw_format *f, const struct pw_regime *r)
{
	const uint32_t attr = PW_READ | PW_ACCESSED | PW_SPECIAL;
	unsigned level = 0;

	while (level < f->levels && (f->leaf_levels >> level & 1) &&
	       (f->attr(f, r, level, f->make_leaf(f, r, level, 0, attr)) & PW_SPECIAL))
		level++;
	if (level == 0)
		return 0;
	/* The last level that can includes its contiguous groups. */
	return level < f->levels ? f->shift[level] - 1u : 64;
}

static __attribute__((noinline)) int not_a_page(const struct pw_format *f, pw_pa pa,
						struct pw_error *error)
{
	return pw_fail(error, EINVAL, "0x%llx is not the address of a page of 0x%llx bytes",
		       (unsigned long long)pa, 1ULL << f->shift[0]);
}

/* Limits the size of @edit's pages to those whose entries can hold the addresses pa..last. Returns 0, -ERANGE. */
static __attribute__((noinline)) int limit_size(struct pw_edit *edit, pw_pa pa, pw_pa last,
						struct pw_error *error)
{
	const struct pw_format *f = edit->space->format;

	if (last >= pa)
		edit->size_lg2 = pw_reach_pages(f, edit->regime, pa, last);
	if (last < pa || edit->size_lg2 == 0)
		return pw_fail(error, ERANGE,
			       "entries of %s cannot hold the addresses 0x%llx-0x%llx", f->name,
			       (unsigned long long)pa, (unsigned long long)last);
	return 0;
}

/* Limits the size of @edit's pages to those that can be marked as special. Returns 0, -ERANGE. */
static __attribute__((noinline)) int limit_special(struct pw_edit *edit, struct pw_error *error)
{
	const struct pw_format *f = edit->space->format;
	unsigned special = special_lg2(f, edit->regime);

	if (special == 0)
		return pw_fail(error, ERANGE,
			       "the entries of %s cannot mark pages as special: they have "
			       "no bit for it",
			       f->name);
	edit->size_lg2 = special < edit->size_lg2 ? special : edit->size_lg2;
	return 0;
}

/* Takes away what an operation mapped before it failed. */
static __attribute__((noinline)) void undo_map(const struct pw_edit *edit)
{
	struct pw_edit undo;

	if (edit->va == edit->first ||
	    begin(edit->space, &undo, edit->first, edit->va - 1, false, NULL) != 0)
		return;
	edit->space->format->instance->editor->unmap(&undo);
	finish(&undo, 0, "undoing", NULL);
}

int pw_space_map(struct pw_space *space, pw_va first, pw_va last, pw_pa pa, uint32_t attr,
		 struct pw_error *error)
{
	const pw_pa end = pa + (last - first);
	const struct pw_format *f;
	struct pw_edit edit;
	int code = begin(space, &edit, first, last, true, error);

	if (PW_UNLIKELY(code))
		return code;
	f = space->format;
	if (PW_UNLIKELY(pa & pw_mask(f->shift[0])))
		return not_a_page(f, pa, error);
	if (PW_UNLIKELY(end > space->pages_last || end < pa)) {
		code = limit_size(&edit, pa, end, error);
		if (code)
			return code;
	}
	edit.pa = pa;
	edit.attr = attr & PW_MAP_ATTR;
	/* On arm the entry of a page that was not accessed is empty: Linux has those in its own tables. */
	if (f->linux_twin)
		edit.attr |= PW_ACCESSED;
	if (PW_UNLIKELY(attr & PW_SPECIAL)) {
		code = limit_special(&edit, error);
		if (code)
			return code;
	}
	code = f->instance->editor->map(&edit);
	if (PW_UNLIKELY(code))
		undo_map(&edit);
	return finish(&edit, code, "mapping", error);
}

int pw_space_unmap(struct pw_space *space, pw_va first, pw_va last, pw_unmapped_fn *unmapped,
		   void *context, struct pw_error *error)
{
	struct pw_edit edit;
	int code = begin(space, &edit, first, last, false, error);

	if (code)
		return code;
	edit.unmapped = unmapped;
	edit.context = context;
	code = space->format->instance->editor->unmap(&edit);
	pw_edit_settle();
	return finish(&edit, code, "unmapping", error);
}

static const uint32_t PW_ANY_ACCESS = PW_READ | PW_WRITE | PW_EXEC;

/* Does the format have an entry for a page that is present and that nobody may access? */
static bool has_prot_none(const struct pw_format *f, const struct pw_regime *r)
{
	pw_pa pa = 0;

	return f->make_prot_none &&
	       f->hole(f, r, 0, f->make_prot_none(f, r, 0, 0), &pa) == PW_PROT_NONE;
}

/* Does the format have a leaf that permits nothing? */
static bool has_bare_leaf(const struct pw_format *f, const struct pw_regime *r)
{
	uint64_t e = f->change_attr(f, r, 0, f->make_leaf(f, r, 0, 0, PW_READ | PW_ACCESSED), 0);

	return f->kind(f, r, 0, e) == PW_LEAF && !(f->attr(f, r, 0, e) & PW_ANY_ACCESS);
}

int pw_space_protect(struct pw_space *space, pw_va first, pw_va last, uint32_t attr,
		     struct pw_error *error)
{
	struct pw_edit edit;
	int code = begin(space, &edit, first, last, false, error);

	if (code)
		return code;
	edit.attr = attr & (PW_PROT_MASK | PW_ACCESSED | PW_DIRTY);
	edit.prot_none = PW_UNLIKELY(!(attr & PW_ANY_ACCESS)) &&
			 has_prot_none(space->format, edit.regime);
	if (PW_UNLIKELY(!(attr & PW_ANY_ACCESS)) && !edit.prot_none &&
	    !has_bare_leaf(space->format, edit.regime))
		return pw_fail(
			error, ERANGE,
			"the entries of %s cannot keep a page that nobody may access: unmap it",
			space->format->name);
	code = space->format->instance->editor->protect(&edit);
	pw_edit_settle();
	return finish(&edit, code, "protecting", error);
}

int pw_space_split(struct pw_space *space, pw_va first, pw_va last, unsigned size_lg2,
		   struct pw_error *error)
{
	struct pw_edit edit;
	int code = begin(space, &edit, first, last, false, error);

	if (code)
		return code;
	edit.size_lg2 = size_lg2 < space->format->shift[0] ? space->format->shift[0] : size_lg2;
	code = space->format->instance->editor->split(&edit);
	return finish(&edit, code, "splitting", error);
}

int pw_space_collapse(struct pw_space *space, pw_va first, pw_va last, unsigned size_lg2,
		      uint64_t *bytes_ret, struct pw_error *error)
{
	struct pw_edit edit;
	int code = begin(space, &edit, first, last, false, error);

	if (code)
		return code;
	edit.size_lg2 = size_lg2;
	code = space->format->instance->editor->collapse(&edit);
	pw_edit_settle();
	if (bytes_ret)
		*bytes_ret = edit.bytes;
	return finish(&edit, code, "collapsing", error);
}

void pw_space_wait(struct pw_space *space)
{
	if (!pw_arena_mine(space->arena))
		return;
	space->sync.ops->wait(&space->sync);
	/* A lazy back end frees nothing on its own; so this frees what the operations took out. */
	if (space->sync.ops->lazy && !pw_mutant(PW_MUTANT_WAIT_KEEPS))
		space->sync.ops->drain(&space->sync);
}

unsigned pw_space_root(const struct pw_space *space, uint64_t root[PW_MAX_ROOTS])
{
	const struct pw_regime *r = pw_space_now(space);

	for (unsigned i = 0; i < r->roots; i++)
		root[i] = r->root[i];
	return r->roots;
}

uint64_t pw_space_bytes(const struct pw_space *space)
{
	return __atomic_load_n(&space->bytes, __ATOMIC_RELAXED);
}

/* Partners of both: the loads around the walk in pin.c. The stores to entries come between begin and end. */
void pw_space_copy_begin(struct pw_space *space)
{
	__atomic_fetch_add(&space->copies, 1, __ATOMIC_SEQ_CST);
}

void pw_space_copy_end(struct pw_space *space)
{
	__atomic_fetch_add(&space->copies, 1, __ATOMIC_SEQ_CST);
}

/* ---- readers ---- */

int pw_reader_create(struct pw_space *space, struct pw_reader **reader_ret)
{
	struct pw_reader *reader;
	int code;

	if (!space || !reader_ret)
		return -EINVAL;
	if (!pw_arena_mine(space->arena))
		return -EPERM;
	reader = aligned_alloc(_Alignof(struct pw_reader), sizeof(*reader));
	if (!reader)
		return -ENOMEM;
	memset(reader, 0, sizeof(*reader));
	reader->space = space;
	reader->known.flags = PW_NO_FLAGS;
	code = pw_sync_join(&reader->sync, &space->sync);
	if (code) {
		free(reader);
		return code;
	}
	*reader_ret = reader;
	return 0;
}

void pw_reader_destroy(struct pw_reader *reader)
{
	if (!reader)
		return;
	/* In a child, the locks that this takes may be held by a thread that the child does not have. */
	if (pw_arena_mine(reader->space->arena))
		pw_sync_quit(&reader->sync);
	free(reader);
}

const struct pw_regime *pw_reader_enter(struct pw_reader *reader)
{
	if (PW_UNLIKELY(!pw_arena_mine(reader->space->arena)))
		return &reader->space->nowhere;
	pw_sync_enter(&reader->sync);
	return pw_space_now(reader->space);
}

void pw_reader_leave(struct pw_reader *reader)
{
	if (PW_LIKELY(pw_arena_mine(reader->space->arena)))
		pw_sync_leave(&reader->sync);
}

enum pw_status pw_space_translate(struct pw_reader *reader, pw_va va, struct pw_result *result)
{
	const struct pw_regime *regime = pw_reader_enter(reader);
	enum pw_status status = pw_translate(pw_arena_memory(reader->space->arena), regime, va,
					     result);

	pw_reader_leave(reader);
	return status;
}
