/* SPDX-License-Identifier: MIT */
/*
 * Where tables come from, and how they go: memory for one table, and the gather, which frees those
 * that were taken out once no reader can be in them.
 */
#include <stdlib.h>
#include <string.h>

#include "space/edit.h"

/* A frame that was cut into pieces for small tables: s390's page tables are half a page. */
struct pw_table_block {
	struct pw_table_block *next;
	pw_pa frame;
};

/* Tables of one or more operations, of any level, that are freed together. */
enum { PW_GATHERED = 60 };
struct pw_gathered {
	struct pw_later later;
	struct pw_table *table;
	unsigned count;
	struct {
		pw_pa pa;
		unsigned level;
	} item[PW_GATHERED];
};

static unsigned table_lg2(const struct pw_table *table, unsigned level)
{
	return table->format->bits[level] + table->format->entry_lg2;
}

static unsigned table_order(const struct pw_table *table, unsigned level)
{
	unsigned lg2 = table->piece_lg2[level], page_lg2 = table->arena->page_lg2;

	return lg2 > page_lg2 ? lg2 - page_lg2 : 0;
}

/* The next free piece, which a free one holds in its first bytes; every table has at least 32. */
static pw_pa *next_free(const struct pw_table *table, pw_pa piece)
{
	return (pw_pa *)(void *)pw_table_host(table, piece);
}

/* Cuts a new frame into pieces for tables of @level, all but one of them free. */
static int cut(struct pw_table *table, unsigned level, pw_pa *pa_ret)
{
	pw_pa piece = UINT64_C(1) << table->piece_lg2[level];
	pw_pa end = UINT64_C(1) << table->arena->page_lg2;
	struct pw_table_block *block = malloc(sizeof(*block));

	if (!block)
		return -ENOMEM;
	if (pw_arena_alloc(table->arena, 0, table->limit_lg2[level], &block->frame) != 0) {
		free(block);
		return -ENOMEM;
	}
	*pa_ret = block->frame;
	pthread_mutex_lock(&table->free_lock);
	block->next = table->blocks;
	table->blocks = block;
	for (pw_pa at = piece; at < end; at += piece) {
		*next_free(table, block->frame + at) = table->free[level];
		table->free[level] = block->frame + at;
	}
	pthread_mutex_unlock(&table->free_lock);
	return 0;
}

static int take(struct pw_table *table, unsigned level, pw_pa *pa_ret)
{
	int error = 0;

	if (table->piece_lg2[level] >= table->arena->page_lg2) {
		error = pw_arena_alloc(table->arena, table_order(table, level),
				       table->limit_lg2[level], pa_ret);
	} else {
		pthread_mutex_lock(&table->free_lock);
		*pa_ret = table->free[level];
		if (*pa_ret != PW_NO_TABLE)
			table->free[level] = *next_free(table, *pa_ret);
		pthread_mutex_unlock(&table->free_lock);
		if (*pa_ret == PW_NO_TABLE)
			error = cut(table, level, pa_ret);
	}
	return error;
}

int pw_table_alloc(struct pw_table *table, unsigned level, pw_pa *pa_ret)
{
	int error = take(table, level, pa_ret);

	if (error && __atomic_load_n(&table->leaving, __ATOMIC_RELAXED)) {
		/*
		 * There may be enough in what was taken out and nobody waits for: a batch that is not
		 * full, or that of a grace period that nobody hurries.
		 */
		table->sync.ops->drain(&table->sync);
		error = take(table, level, pa_ret);
	}
	if (!error)
		__atomic_fetch_add(&table->bytes, UINT64_C(1) << table_lg2(table, level),
				   __ATOMIC_RELAXED);
	return error;
}

void pw_table_free(struct pw_table *table, unsigned level, pw_pa pa)
{
	__atomic_fetch_sub(&table->bytes, UINT64_C(1) << table_lg2(table, level), __ATOMIC_RELAXED);
	if (table->piece_lg2[level] >= table->arena->page_lg2) {
		pw_arena_free(table->arena, pa);
		return;
	}
	if (table->arena->poison)
		memset(pw_table_host(table, pa), PW_POISON, (size_t)1 << table_lg2(table, level));
	pthread_mutex_lock(&table->free_lock);
	*next_free(table, pa) = table->free[level];
	table->free[level] = pa;
	pthread_mutex_unlock(&table->free_lock);
}

void pw_table_free_blocks(struct pw_table *table)
{
	while (table->blocks) {
		struct pw_table_block *block = table->blocks;

		table->blocks = block->next;
		pw_arena_free(table->arena, block->frame);
		free(block);
	}
}

/* ---- whole tables, by a format behind a pointer: seldom enough ---- */

static uint64_t load(const struct pw_table *table, pw_pa pa, uint32_t index)
{
	return pw_edit_load(table->format,
			    pw_table_host(table, pa) + ((size_t)index << table->format->entry_lg2));
}

bool pw_table_unused(const struct pw_table *table, const struct pw_regime *r, unsigned level,
		     pw_pa pa)
{
	const struct pw_format *f = table->format;

	for (uint32_t i = 0; i <= pw_mask(f->bits[level]); i++) {
		uint64_t e = load(table, pa, i);
		bool unused = pw_edit_empty(f, r, level, e) ||
			      (f->kind(r, level, e) == PW_TABLE &&
			       pw_table_unused(table, r, level - 1, f->table(r, level, e)));

		if (!unused)
			return false;
	}
	return true;
}

static void gather_below(struct pw_table *table, struct pw_gather *gather,
			 const struct pw_regime *r, unsigned level, pw_pa pa)
{
	const struct pw_format *f = table->format;

	for (uint32_t i = 0; i <= pw_mask(f->bits[level]); i++) {
		uint64_t e = load(table, pa, i);

		if (f->kind(r, level, e) == PW_TABLE)
			pw_gather_tree(table, gather, r, level - 1, f->table(r, level, e));
	}
}

void pw_gather_tree(struct pw_table *table, struct pw_gather *gather, const struct pw_regime *r,
		    unsigned level, pw_pa pa)
{
	/* Nothing is below level 0: those tables are the most, and need not be read. */
	if (level > 0)
		gather_below(table, gather, r, level, pa);
	pw_gather_add(table, gather, level, pa);
}

/* ---- the gather ---- */

static void free_gathered(struct pw_later *later)
{
	struct pw_gathered *batch = (struct pw_gathered *)((char *)later -
							   offsetof(struct pw_gathered, later));

	for (unsigned i = 0; i < batch->count; i++)
		pw_table_free(batch->table, batch->item[i].level, batch->item[i].pa);
	__atomic_fetch_sub(&batch->table->leaving, batch->count, __ATOMIC_RELAXED);
	free(batch);
}

void pw_gather_add(struct pw_table *table, struct pw_gather *gather, unsigned level, pw_pa pa)
{
	struct pw_gathered *batch = gather->batch;

	if (!batch) {
		batch = malloc(sizeof(*batch));
		if (!batch) {
			/* No memory to remember it with: then wait here. */
			table->sync.ops->wait(&table->sync);
			pw_table_free(table, level, pa);
			return;
		}
		batch->table = table;
		batch->count = 0;
		gather->batch = batch;
	}
	batch->item[batch->count].pa = pa;
	batch->item[batch->count].level = level;
	if (++batch->count == PW_GATHERED)
		pw_gather_finish(table, gather);
}

void pw_gather_finish(struct pw_table *table, struct pw_gather *gather)
{
	if (!gather->batch)
		return;
	__atomic_fetch_add(&table->leaving, gather->batch->count, __ATOMIC_RELAXED);
	table->sync.ops->later(&table->sync, &gather->batch->later, free_gathered);
	gather->batch = NULL;
}
