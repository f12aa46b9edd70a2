/* SPDX-License-Identifier: MIT */
/* What a user fault handler, or soft-dirty, remembers about pages that entries have no bit for. */
#include <errno.h>
#include <stdlib.h>

#include "mm/marks.h"

enum {
	GROUP_LG2 = 9,
	GROUP_PAGES = 1 << GROUP_LG2,
	KINDS = 2, /* bits of a mark */
	WORDS = GROUP_PAGES / 64,
};

/* The marks of an aligned group of pages. */
struct group {
	RB_ENTRY(group) node;
	uint64_t number; /* va >> (page_lg2 + GROUP_LG2) */
	uint64_t word[KINDS][WORDS];
};

RB_HEAD(groups, group);

/* Groups are added, and freed only with the mm. */
struct pw_marks {
	pthread_mutex_t lock; /* of all; one of the short locks */
	struct groups groups;
};

static int compare(const struct group *a, const struct group *b)
{
	return a->number < b->number ? -1 : a->number > b->number;
}

RB_GENERATE_INTERNAL(groups, group, node, compare, static __attribute__((unused)))

/* Where the mark of a page is. */
struct place {
	uint64_t number;
	unsigned word;
	uint64_t bit;
};

static struct place place_of(const struct pw_mm *mm, pw_va va)
{
	const uint64_t page = va >> mm->machine->page_lg2;
	const unsigned in = (unsigned)page & (GROUP_PAGES - 1);

	return (struct place){ page >> GROUP_LG2, in / 64, UINT64_C(1) << in % 64 };
}

static struct group *find(struct pw_marks *marks, uint64_t number)
{
	struct group key = { .number = number };

	return RB_FIND(groups, &marks->groups, &key);
}

static struct pw_marks *marks_of(struct pw_mm *mm)
{
	return __atomic_load_n(&mm->marks, __ATOMIC_ACQUIRE);
}

void pw_marks_destroy(struct pw_mm *mm)
{
	struct pw_marks *marks = marks_of(mm);
	struct group *group;

	if (!marks)
		return;
	while ((group = RB_ROOT(&marks->groups))) {
		RB_REMOVE(groups, &marks->groups, group);
		free(group);
	}
	pthread_mutex_destroy(&marks->lock);
	free(marks);
	mm->marks = NULL;
}

/* The marks of the mm, created if there are none yet; NULL without memory. */
static struct pw_marks *marks_create(struct pw_mm *mm)
{
	struct pw_marks *now = marks_of(mm), *made;

	if (now)
		return now;
	made = calloc(1, sizeof(*made));
	if (!made)
		return NULL;
	pthread_mutex_init(&made->lock, NULL);
	/* Partner: marks_of. The loser adopts the winner's. */
	if (__atomic_compare_exchange_n(&mm->marks, &now, made, false, __ATOMIC_ACQ_REL,
					__ATOMIC_ACQUIRE))
		return made;
	pthread_mutex_destroy(&made->lock);
	free(made);
	return now;
}

int pw_marks_reserve(struct pw_mm *mm, pw_va first, pw_va last)
{
	const uint64_t last_number = place_of(mm, last).number;
	struct pw_marks *marks = marks_create(mm);

	if (!marks)
		return -ENOMEM;
	for (uint64_t number = place_of(mm, first).number; number <= last_number; number++) {
		struct group *group, *made;

		pthread_mutex_lock(&marks->lock);
		group = find(marks, number);
		pthread_mutex_unlock(&marks->lock);
		if (group)
			continue;
		made = calloc(1, sizeof(*made));
		if (!made)
			return -ENOMEM;
		made->number = number;
		pthread_mutex_lock(&marks->lock);
		group = RB_INSERT(groups, &marks->groups, made);
		pthread_mutex_unlock(&marks->lock);
		if (group)
			free(made);
	}
	return 0;
}

bool pw_mark_set(struct pw_mm *mm, pw_va va, unsigned bits)
{
	struct pw_marks *marks = marks_of(mm);
	const struct place place = place_of(mm, va);
	struct group *group;

	if (!marks)
		return false;
	pthread_mutex_lock(&marks->lock);
	group = find(marks, place.number);
	for (unsigned kind = 0; group && kind < KINDS; kind++)
		if (bits >> kind & 1)
			group->word[kind][place.word] |= place.bit;
	pthread_mutex_unlock(&marks->lock);
	return group;
}

unsigned pw_mark_get_any(struct pw_mm *mm, pw_va va)
{
	struct pw_marks *marks = marks_of(mm);
	const struct place place = place_of(mm, va);
	const struct group *group;
	unsigned bits = 0;

	pthread_mutex_lock(&marks->lock);
	group = find(marks, place.number);
	for (unsigned kind = 0; group && kind < KINDS; kind++)
		if (group->word[kind][place.word] & place.bit)
			bits |= 1u << kind;
	pthread_mutex_unlock(&marks->lock);
	return bits;
}

/* The bits of word @word of @group that lie in pages first..last, counted from address 0. */
static uint64_t word_mask(const struct group *group, unsigned word, uint64_t first, uint64_t last)
{
	const uint64_t base = (group->number << GROUP_LG2) + word * 64;
	uint64_t mask = ~UINT64_C(0);

	if (last < base || first > base + 63)
		return 0;
	if (first > base)
		mask &= ~UINT64_C(0) << (first - base);
	if (last < base + 63)
		mask &= ~UINT64_C(0) >> (base + 63 - last);
	return mask;
}

/* Looks at all marks of @bits in first..last, and clears them if it shall. Returns those that were there. */
static unsigned collect(struct pw_mm *mm, pw_va first, pw_va last, unsigned bits, bool clear)
{
	struct pw_marks *marks = marks_of(mm);
	const uint64_t from = first >> mm->machine->page_lg2, to = last >> mm->machine->page_lg2;
	struct group key = { .number = from >> GROUP_LG2 };
	unsigned seen = 0;

	if (!marks)
		return 0;
	pthread_mutex_lock(&marks->lock);
	for (struct group *group = RB_NFIND(groups, &marks->groups, &key);
	     group && group->number <= to >> GROUP_LG2;
	     group = RB_NEXT(groups, &marks->groups, group)) {
		for (unsigned i = 0; i < KINDS * WORDS; i++) {
			uint64_t *word = &group->word[i / WORDS][i % WORDS];
			const uint64_t mask = word_mask(group, i % WORDS, from, to);

			if (!(bits >> i / WORDS & 1) || !(*word & mask))
				continue;
			seen |= 1u << i / WORDS;
			if (clear)
				*word &= ~mask;
		}
	}
	pthread_mutex_unlock(&marks->lock);
	return seen;
}

void pw_marks_clear(struct pw_mm *mm, pw_va first, pw_va last, unsigned bits)
{
	collect(mm, first, last, bits, true);
}

bool pw_marks_any(struct pw_mm *mm, pw_va first, pw_va last, unsigned bits)
{
	return collect(mm, first, last, bits, false) != 0;
}

/* Copies one group's marks, and makes the child's group. */
static int copy_group(struct pw_mm *to, const struct group *from, pw_va first, pw_va last,
		      unsigned bits)
{
	const unsigned lg2 = to->machine->page_lg2;
	const pw_va start = from->number << (lg2 + GROUP_LG2);
	struct pw_marks *marks;
	struct group *group;
	int error = pw_marks_reserve(to, start, start);

	if (error)
		return error;
	marks = marks_of(to);
	pthread_mutex_lock(&marks->lock);
	group = find(marks, from->number);
	for (unsigned i = 0; i < KINDS * WORDS; i++)
		if (bits >> i / WORDS & 1)
			group->word[i / WORDS][i % WORDS] |= from->word[i / WORDS][i % WORDS] &
							     word_mask(from, i % WORDS,
								       first >> lg2, last >> lg2);
	pthread_mutex_unlock(&marks->lock);
	return 0;
}

int pw_marks_copy(struct pw_mm *from, struct pw_mm *to, pw_va first, pw_va last, unsigned bits)
{
	struct pw_marks *marks = marks_of(from);
	struct group key = { .number = place_of(from, first).number };
	const uint64_t end = place_of(from, last).number;
	int error = 0;

	if (!marks)
		return 0;
	/* The parent's VMAs are locked: nobody sets marks there, and groups are never freed. */
	pthread_mutex_lock(&marks->lock);
	for (struct group *group = RB_NFIND(groups, &marks->groups, &key);
	     !error && group && group->number <= end;
	     group = RB_NEXT(groups, &marks->groups, group))
		error = copy_group(to, group, first, last, bits);
	pthread_mutex_unlock(&marks->lock);
	return error;
}

void pw_marks_move(struct pw_mm *mm, pw_va from, pw_va to, uint64_t bytes)
{
	const uint64_t page = pw_page_bytes(mm->machine);

	if (!marks_of(mm) || bytes == 0)
		return;
	pw_marks_clear(mm, to, to + bytes - 1, PW_MARKS);
	for (uint64_t at = 0; at < bytes; at += page) {
		const unsigned bits = pw_mark_get_any(mm, from + at);

		if (bits)
			pw_mark_set(mm, to + at, bits);
	}
	pw_marks_clear(mm, from, from + bytes - 1, PW_MARKS);
}
