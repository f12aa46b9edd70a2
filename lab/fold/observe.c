/* SPDX-License-Identifier: MIT */
/*
 * Every read of an observed walk comes through here. A pointer inside its table reads the table, and a
 * pointer to a copy reads the copy. Any other pointer has left its object, and we choose the value that
 * it reads.
 */
#include "lab/fold/observe.h"

#include <stdlib.h>
#include <string.h>

/* Reads a table's word; false if there is no memory. Does not count: callers on behalf of the walk do. */
static bool peek(const struct fold_observer *observer, pw_pa at, uint64_t *word_ret)
{
	unsigned lg2 = observer->config->format->entry_lg2;
	unsigned char bytes[8];
	uint32_t word32;

	if (pw_memory_read(observer->input->memory, at, bytes, (size_t)1 << lg2))
		return false;
	if (lg2 == 2) {
		memcpy(&word32, bytes, sizeof(word32));
		*word_ret = word32;
	} else {
		memcpy(word_ret, bytes, sizeof(*word_ret));
	}
	return true;
}

static struct fold_entry empty_entry(const struct fold_observer *observer, unsigned level)
{
	const struct pw_format *f = observer->config->format;
	uint64_t value = f->make_empty ? f->make_empty(f, &observer->regime, level) : 0;

	/* To memory order: the conversion is its own inverse. */
	return (struct fold_entry){ pw_entry_number(value, f->entry_lg2, f->big_endian) };
}

static void note_load(struct fold_observer *observer, pw_pa at)
{
	uint64_t loads = observer->result->loads++;
	size_t room = observer->load_room ? observer->load_room * 2 : 64;
	pw_pa *grown;

	if (loads >= observer->load_room) {
		grown = realloc(observer->load, room * sizeof(*grown));
		if (!grown) {
			observer->no_memory = true;
			return;
		}
		observer->load = grown;
		observer->load_room = room;
	}
	observer->load[loads] = at;
}

/* Loads a table's word: counts the load, and first calls the hook, which may change the word. */
static bool load(struct fold_observer *observer, pw_pa at, uint64_t *word_ret)
{
	const struct fold_input *input = observer->input;

	if (input->before_load)
		input->before_load(input->hook_context, observer->result->loads);
	if (!observer->no_memory)
		note_load(observer, at);
	return peek(observer, at, word_ret);
}

/* The entry that was copied, as a place. */
static pw_pa source_address(const struct fold_observer *observer, const struct fold_place *place)
{
	return pw_entry_address(observer->config->format, place->table, place->source);
}

static bool departed(const struct fold_place *place)
{
	return place->where == FOLD_STRAY || (place->where == FOLD_ON_STACK && place->index != 0) ||
	       (place->where == FOLD_IN_TABLE && place->index >= place->entries);
}

static struct fold_entry read_place(struct fold_observer *observer,
				    const struct fold_pointer *pointer, bool *outside)
{
	const struct fold_config *c = observer->config;
	const struct fold_place *place = &pointer->place;
	uint64_t word;

	*outside = false;
	if (place->where == FOLD_IN_TABLE && !departed(place)) {
		if (load(observer, pw_entry_address(c->format, place->table, place->index), &word))
			return (struct fold_entry){ word };
		*outside = true;
		return empty_entry(observer, place->level);
	}
	observer->result->stack_loads++;
	if (!departed(place))
		return fold_word(c, pointer->host);
	/* A compiler tends to place the caller's copy of the same entry beside this one. */
	if (observer->input->neighbour == FOLD_NEIGHBOUR_ENTRY && place->where != FOLD_IN_TABLE &&
	    peek(observer, source_address(observer, place), &word))
		return (struct fold_entry){ word };
	return empty_entry(observer, place->level);
}

/*
 * Finds the entry of @level in a walk of @addr alone: offset(offset(... (addr))). Returns false if a hole
 * is in the way: then there is no such entry, and no turn should have come this far.
 */
static bool expected_place(const struct fold_observer *observer, unsigned level, pw_va addr,
			   struct fold_place *place_ret)
{
	const struct fold_config *c = observer->config;
	struct fold_walk w = { .regime = &observer->regime, .root = observer->span->table };
	struct fold_pointer pointer;
	uint64_t word = 0;

	if (!peek(observer, w.root, &word))
		return false;
	pointer = fold_top(c, &w, fold_value(c, (struct fold_entry){ word }), addr);
	for (unsigned above = FOLD_PGD; above > level; above--) {
		struct fold_entry entry;

		if (!peek(observer,
			  pw_entry_address(c->format, pointer.place.table, pointer.place.index),
			  &word))
			return false;
		entry = (struct fold_entry){ word };
		if (fold_kind(c, &w, above, fold_value(c, entry)) != PW_TABLE)
			return false;
		pointer = fold_down(c, &w, above - 1, pointer, fold_value(c, entry), addr);
	}
	*place_ret = pointer.place;
	return true;
}

/* Is @place the entry that @expected is, or a copy of it? */
static bool same_entry(const struct fold_place *place, const struct fold_place *expected)
{
	if (place->table != expected->table || departed(place))
		return false;
	return (place->where == FOLD_IN_TABLE ? place->index : place->source) == expected->index;
}

/* Appends a turn; its range is one address until the loop has cropped it. NULL: no memory. */
static struct fold_turn *begin_turn(struct fold_observer *observer, unsigned level, pw_va addr,
				    const struct fold_place *place)
{
	struct fold_result *result = observer->result;
	struct fold_turn *turn, *before;

	if (result->turns == observer->turn_room) {
		size_t room = observer->turn_room ? observer->turn_room * 2 : 64;

		turn = realloc(result->turn, room * sizeof(*turn));
		if (!turn) {
			observer->no_memory = true;
			return NULL;
		}
		result->turn = turn;
		observer->turn_room = room;
	}
	turn = &result->turn[result->turns];
	*turn = (struct fold_turn){
		.level = (uint8_t)level,
		.departed = departed(place),
		.parent = level < FOLD_PGD ? observer->open[level + 1] : FOLD_NO_TURN,
		.first = addr,
		.last = addr,
		.place = *place,
	};
	if (observer->open[level] != FOLD_NO_TURN) {
		before = &result->turn[observer->open[level]];
		if (before->parent == turn->parent)
			turn->iteration = before->iteration + 1;
	}
	turn->broken = !expected_place(observer, level, addr, &turn->expected) ||
		       !same_entry(place, &turn->expected);
	observer->open[level] = (uint32_t)result->turns++;
	result->turns_of[level]++;
	result->departures += turn->departed;
	result->broken += turn->broken;
	return turn;
}

struct fold_entry fold_observe_turn(struct fold_observer *observer, unsigned level,
				    const struct fold_pointer *pointer, pw_va addr)
{
	const struct fold_config *c = observer->config;
	bool outside;
	struct fold_entry entry = read_place(observer, pointer, &outside);
	struct fold_turn *turn = begin_turn(observer, level, addr, &pointer->place);

	if (!turn)
		return empty_entry(observer, pointer->place.level);
	turn->value = fold_value(c, entry);
	turn->outside = outside;
	turn->folded = fold_real(c, level, fold_value(c, entry)) < level;
	return entry;
}

struct fold_entry fold_observe_read(struct fold_observer *observer,
				    const struct fold_pointer *pointer)
{
	struct fold_pointer first = *pointer;
	bool outside;

	/* pgd_offset() reads the first entry of a table before it knows the table's length. */
	if (!first.place.entries)
		first.place.entries = 1;
	return read_place(observer, &first, &outside);
}

void fold_observe_crop(struct fold_observer *observer, unsigned level, pw_va next)
{
	if (!observer->no_memory)
		observer->result->turn[observer->open[level]].last = next - 1;
}

void fold_observe_page(struct fold_observer *observer, unsigned level, pw_va addr, pw_va next,
		       pw_pa pa)
{
	struct fold_result *result = observer->result;
	struct fold_page *page;

	if (observer->no_memory)
		return;
	if (result->pages == observer->page_room) {
		size_t room = observer->page_room ? observer->page_room * 2 : 64;

		page = realloc(result->page, room * sizeof(*page));
		if (!page) {
			observer->no_memory = true;
			return;
		}
		result->page = page;
		observer->page_room = room;
	}
	result->page[result->pages++] = (struct fold_page){
		.va = addr,
		.pa = pa,
		.length = next - addr,
		.turn = observer->open[level],
	};
}

void fold_observe_entry(struct fold_observer *observer, const struct pw_entry *entry)
{
	const struct pw_format *f = observer->config->format;
	unsigned bits = entry->level == observer->span->top ? observer->span->top_bits
							    : f->bits[entry->level];
	uint32_t index = pw_index(entry->first, f->shift[entry->level], bits);
	struct fold_place place = {
		.where = FOLD_IN_TABLE,
		.level = entry->level,
		.table = entry->at - pw_entry_address(f, 0, index),
		.index = index,
		.entries = (uint32_t)1 << bits,
	};
	struct fold_turn *turn = begin_turn(observer, entry->level, entry->first, &place);

	if (!turn)
		return;
	turn->last = entry->last;
	turn->value = entry->value;
	turn->outside = entry->status == PW_OUTSIDE;
}

static bool hook_has(struct pw_hook *hook, pw_pa pa, size_t bytes)
{
	struct fold_observer *observer = (struct fold_observer *)hook;
	unsigned char byte;

	return !pw_memory_read(observer->input->memory, pa, &byte, 1) &&
	       !pw_memory_read(observer->input->memory, pa + bytes - 1, &byte, 1);
}

static uint64_t hook_load(struct pw_hook *hook, pw_pa pa, unsigned entry_lg2)
{
	struct fold_observer *observer = (struct fold_observer *)hook;
	uint64_t word = 0;

	(void)entry_lg2;
	load(observer, pa, &word);
	return word;
}

void fold_observer_init(struct fold_observer *observer, const struct fold_input *input,
			const struct fold_config *config, struct fold_result *result)
{
	*observer = (struct fold_observer){
		.hook = { .has = hook_has, .load = hook_load },
		.input = input,
		.config = config,
		.result = result,
	};
	for (unsigned level = 0; level < FOLD_LEVELS; level++)
		observer->open[level] = FOLD_NO_TURN;
}

static int compare_addresses(const void *left, const void *right)
{
	pw_pa a = *(const pw_pa *)left, b = *(const pw_pa *)right;

	return a < b ? -1 : a > b;
}

void fold_observer_end(struct fold_observer *observer)
{
	struct fold_result *result = observer->result;
	uint64_t same = 0;

	if (!observer->no_memory && result->loads > 0)
		qsort(observer->load, (size_t)result->loads, sizeof(*observer->load),
		      compare_addresses);
	for (uint64_t i = 0; i < result->loads && !observer->no_memory; i++) {
		bool again = i > 0 && observer->load[i] == observer->load[i - 1];

		same = again ? same + 1 : 1;
		result->entries += !again;
		if (same > result->most_loads)
			result->most_loads = same;
	}
	free(observer->load);
	observer->load = NULL;
}
