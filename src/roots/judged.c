/* SPDX-License-Identifier: MIT */
/*
 * The tables that were judged, each once for each level. Threads share them: the first that asks for a table judges it.
 *
 * A shard has a lock of its own, so that threads seldom wait for each other's look-ups.
 */
#include <errno.h>
#include <stdlib.h>

#include "roots/roots.h"

enum { FIRST_SLOTS = 64 };

int pw_roots_judged_init(struct pw_roots_judged *judged)
{
	int status = 0;

	*judged = (struct pw_roots_judged){ .key = pw_hash_key() };
	for (size_t i = 0; i < PW_ROOTS_SHARDS; i++) {
		struct pw_roots_shard *shard = &judged->shard[i];

		pthread_mutex_init(&shard->lock, NULL);
		pthread_cond_init(&shard->changed, NULL);
		shard->mask = FIRST_SLOTS - 1;
		shard->slots = calloc(FIRST_SLOTS, sizeof(*shard->slots));
		if (!shard->slots)
			status = -ENOMEM;
	}
	return status;
}

void pw_roots_judged_end(struct pw_roots_judged *judged)
{
	for (size_t i = 0; i < PW_ROOTS_SHARDS; i++) {
		pthread_cond_destroy(&judged->shard[i].changed);
		pthread_mutex_destroy(&judged->shard[i].lock);
		free(judged->shard[i].nodes);
		free(judged->shard[i].slots);
	}
}

static void set_status(struct pw_roots_judged *judged, int status)
{
	int none = 0;

	__atomic_compare_exchange_n(&judged->status, &none, status, false, __ATOMIC_RELAXED,
				    __ATOMIC_RELAXED);
}

/* Wakes everybody. No lock may be held. */
static void wake_all(struct pw_roots_judged *judged)
{
	for (size_t i = 0; i < PW_ROOTS_SHARDS; i++) {
		pthread_mutex_lock(&judged->shard[i].lock);
		pthread_cond_broadcast(&judged->shard[i].changed);
		pthread_mutex_unlock(&judged->shard[i].lock);
	}
}

void pw_roots_judged_fail(struct pw_roots_judged *judged, int status)
{
	set_status(judged, status);
	wake_all(judged);
}

int pw_roots_judged_status(const struct pw_roots_judged *judged)
{
	return __atomic_load_n(&judged->status, __ATOMIC_RELAXED);
}

static uint32_t hash_of(const struct pw_roots_judged *judged, pw_pa table, unsigned level,
			unsigned bits)
{
	const uint64_t words[] = { table, (uint64_t)level << 8 | bits };

	return pw_hash(&judged->key, words, 2);
}

/* By the highest bits: slots are chosen by the lowest. */
static struct pw_roots_shard *shard_of(const struct pw_roots_judged *judged, uint32_t hash)
{
	return (struct pw_roots_shard *)&judged->shard[hash / (UINT32_MAX / PW_ROOTS_SHARDS + 1)];
}

static uint32_t *slot_of(const struct pw_roots_shard *shard, uint32_t hash, pw_pa table,
			 unsigned level, unsigned bits)
{
	size_t at = (size_t)hash & shard->mask;

	while (shard->slots[at]) {
		const struct pw_roots_node *node = &shard->nodes[shard->slots[at] - 1];

		if (node->table == table && node->level == level && node->bits == bits)
			break;
		at = (at + 1) & shard->mask;
	}
	return &shard->slots[at];
}

static bool grow(const struct pw_roots_judged *judged, struct pw_roots_shard *shard)
{
	size_t room = shard->room ? 2 * shard->room : FIRST_SLOTS / 2;
	struct pw_roots_node *nodes = reallocarray(shard->nodes, room, sizeof(*nodes));
	uint32_t *slots, *old = shard->slots;

	if (!nodes)
		return false;
	shard->nodes = nodes;
	slots = calloc(2 * room, sizeof(*slots));
	if (!slots)
		return false;
	shard->room = room;
	shard->slots = slots;
	shard->mask = 2 * room - 1;
	for (size_t i = 0; i < shard->count; i++) {
		const struct pw_roots_node *node = &nodes[i];

		*slot_of(shard, hash_of(judged, node->table, node->level, node->bits), node->table,
			 node->level, node->bits) = (uint32_t)i + 1;
	}
	free(old);
	return true;
}

/* Adds @node, whose table a thread begins to judge. False: judged->status says why not. */
static bool add(struct pw_roots_judged *judged, struct pw_roots_shard *shard, uint32_t hash,
		const struct pw_roots_node *node)
{
	if (__atomic_fetch_add(&judged->count, 1, __ATOMIC_RELAXED) >= PW_ROOTS_TABLES) {
		set_status(judged, -E2BIG);
		return false;
	}
	if (shard->count == shard->room && !grow(judged, shard)) {
		set_status(judged, -ENOMEM);
		return false;
	}
	shard->nodes[shard->count] = *node;
	shard->nodes[shard->count].verdict = PW_ROOTS_UNDER_WAY;
	*slot_of(shard, hash, node->table, node->level, node->bits) = (uint32_t)++shard->count;
	return true;
}

enum pw_roots_turn pw_roots_judged_begin(struct pw_roots_judged *judged, struct pw_roots_node *node)
{
	const uint32_t hash = hash_of(judged, node->table, node->level, node->bits);
	struct pw_roots_shard *shard = shard_of(judged, hash);
	enum pw_roots_turn turn = PW_ROOTS_KNOWN;
	uint32_t known;

	pthread_mutex_lock(&shard->lock);
	known = *slot_of(shard, hash, node->table, node->level, node->bits);
	if (!known)
		turn = add(judged, shard, hash, node) ? PW_ROOTS_MINE : PW_ROOTS_FAILED;
	else if (shard->nodes[known - 1].verdict == PW_ROOTS_UNDER_WAY)
		turn = PW_ROOTS_OTHERS;
	else
		*node = shard->nodes[known - 1];
	pthread_mutex_unlock(&shard->lock);
	if (turn == PW_ROOTS_FAILED)
		wake_all(judged);
	return turn;
}

bool pw_roots_judged_wait(struct pw_roots_judged *judged, struct pw_roots_node *node)
{
	const uint32_t hash = hash_of(judged, node->table, node->level, node->bits);
	struct pw_roots_shard *shard = shard_of(judged, hash);
	bool under_way = true;

	pthread_mutex_lock(&shard->lock);
	for (;;) {
		*node = shard->nodes[*slot_of(shard, hash, node->table, node->level, node->bits) -
				     1];
		under_way = node->verdict == PW_ROOTS_UNDER_WAY;
		if (!under_way || pw_roots_judged_status(judged))
			break;
		shard->waiting++;
		pthread_cond_wait(&shard->changed, &shard->lock);
		shard->waiting--;
	}
	pthread_mutex_unlock(&shard->lock);
	return !under_way;
}

void pw_roots_judged_finish(struct pw_roots_judged *judged, const struct pw_roots_node *node)
{
	const uint32_t hash = hash_of(judged, node->table, node->level, node->bits);
	struct pw_roots_shard *shard = shard_of(judged, hash);

	pthread_mutex_lock(&shard->lock);
	shard->nodes[*slot_of(shard, hash, node->table, node->level, node->bits) - 1] = *node;
	if (shard->waiting > 0)
		pthread_cond_broadcast(&shard->changed);
	pthread_mutex_unlock(&shard->lock);
}

struct pw_roots_node *pw_roots_judged_find(const struct pw_roots_judged *judged, pw_pa table,
					   unsigned level, unsigned bits)
{
	const uint32_t hash = hash_of(judged, table, level, bits);
	const struct pw_roots_shard *shard = shard_of(judged, hash);
	const uint32_t known = *slot_of(shard, hash, table, level, bits);

	return known ? &shard->nodes[known - 1] : NULL;
}

size_t pw_roots_judged_claimed(const struct pw_roots_judged *judged)
{
	size_t count = 0;

	for (size_t i = 0; i < PW_ROOTS_SHARDS; i++)
		for (size_t k = 0; k < judged->shard[i].count; k++)
			count += judged->shard[i].nodes[k].claimed &&
				 judged->shard[i].nodes[k].verdict == PW_ROOTS_GOOD;
	return count;
}
