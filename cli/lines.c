/* SPDX-License-Identifier: MIT */
/*
 * Blocks go round in a ring. Their order is that of the ranges:
 *
 *      written    added     taken            `written` <= `taken` <= `added` <= `written` + the ring's size
 *   -----|----------|---------|-----
 *   free | ready, or in work  | free
 *
 * Every block is in the hands of one thread at a time, which its state says: of the one that filled it, of the one that
 * makes its lines, and of the caller's again, which writes them.
 */
#include "lines.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

enum { JOBS_MAX = 16 };

struct block {
	struct pw_range range[LINES_BLOCK];
	size_t count;
	char *text; /* room for the longest lines */
	size_t length;
	bool ready;
};

struct lines {
	struct lines_options options;
	pthread_mutex_t lock;
	pthread_cond_t work, done; /* something to take, or the end; a block is ready */
	pthread_t thread[JOBS_MAX];
	unsigned threads;
	/* Under the lock. They only grow; a number's block is the one with its remainder. */
	size_t added, taken, written;
	bool over;
	size_t blocks;
	struct block block[];
};

static struct block *block_at(struct lines *lines, size_t number)
{
	return &lines->block[number % lines->blocks];
}

static void make(const struct lines *lines, struct block *block)
{
	const struct lines_options *options = &lines->options;
	char *at = block->text;

	for (size_t i = 0; i < block->count; i++) {
		const struct pw_range *range = &block->range[i];

		if (!options->json)
			at = print_range_put(at, options->regime, range);
		else
			at = print_range_json_put(
				at, options->regime, range,
				options->regions ? regions_name(options->regions, range) : NULL);
	}
	block->length = (size_t)(at - block->text);
}

/* Makes the lines of the next block. The lock is held, and given up meanwhile. */
static void take(struct lines *lines)
{
	struct block *block = block_at(lines, lines->taken++);

	pthread_mutex_unlock(&lines->lock);
	make(lines, block);
	pthread_mutex_lock(&lines->lock);
	block->ready = true;
	pthread_cond_signal(&lines->done);
}

static void *help(void *argument)
{
	struct lines *lines = argument;

	pthread_mutex_lock(&lines->lock);
	while (!lines->over) {
		if (lines->taken < lines->added)
			take(lines);
		else
			pthread_cond_wait(&lines->work, &lines->lock);
	}
	pthread_mutex_unlock(&lines->lock);
	return NULL;
}

/* Writes out the oldest block, as soon as it is ready. The lock is held, and given up meanwhile. */
static void write_one(struct lines *lines)
{
	struct block *block = block_at(lines, lines->written);

	while (!block->ready) {
		if (lines->taken < lines->added)
			take(lines);
		else
			pthread_cond_wait(&lines->done, &lines->lock);
	}
	pthread_mutex_unlock(&lines->lock);
	fwrite(block->text, 1, block->length, stdout);
	pthread_mutex_lock(&lines->lock);
	block->ready = false;
	lines->written++;
}

struct pw_range *lines_room(struct lines *lines)
{
	struct pw_range *range;

	pthread_mutex_lock(&lines->lock);
	while (lines->written < lines->added && (block_at(lines, lines->written)->ready ||
						 lines->added - lines->written == lines->blocks))
		write_one(lines);
	range = block_at(lines, lines->added)->range;
	pthread_mutex_unlock(&lines->lock);
	return range;
}

void lines_add(struct lines *lines, size_t count)
{
	pthread_mutex_lock(&lines->lock);
	block_at(lines, lines->added++)->count = count;
	pthread_cond_signal(&lines->work);
	pthread_mutex_unlock(&lines->lock);
}

static void clear(struct lines *lines)
{
	for (size_t i = 0; i < lines->blocks; i++)
		free(lines->block[i].text);
	pthread_cond_destroy(&lines->done);
	pthread_cond_destroy(&lines->work);
	pthread_mutex_destroy(&lines->lock);
	free(lines);
}

void lines_end(struct lines *lines)
{
	pthread_mutex_lock(&lines->lock);
	while (lines->written < lines->added)
		write_one(lines);
	lines->over = true;
	pthread_cond_broadcast(&lines->work);
	pthread_mutex_unlock(&lines->lock);
	for (unsigned i = 0; i < lines->threads; i++)
		pthread_join(lines->thread[i], NULL);
	clear(lines);
}

/* Starts the helpers. Signals are for the caller's thread. */
static void start_helpers(struct lines *lines)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (lines->threads + 1 < lines->options.jobs &&
	       pthread_create(&lines->thread[lines->threads], NULL, help, lines) == 0)
		lines->threads++;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

struct lines *lines_start(const struct lines_options *options)
{
	const unsigned jobs = options->jobs < JOBS_MAX ? options->jobs : JOBS_MAX;
	const size_t blocks = 4 * (size_t)jobs;
	struct lines *lines = calloc(1, sizeof(*lines) + blocks * sizeof(lines->block[0]));

	if (!lines)
		return NULL;
	lines->options = *options;
	lines->options.jobs = jobs;
	lines->blocks = blocks;
	pthread_mutex_init(&lines->lock, NULL);
	pthread_cond_init(&lines->work, NULL);
	pthread_cond_init(&lines->done, NULL);
	for (size_t i = 0; i < blocks; i++) {
		lines->block[i].text = malloc((size_t)LINES_BLOCK * PRINT_LINE);
		if (!lines->block[i].text) {
			clear(lines);
			return NULL;
		}
	}
	start_helpers(lines);
	if (lines->threads > 0)
		return lines;
	clear(lines);
	return NULL;
}
