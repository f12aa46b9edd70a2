/* SPDX-License-Identifier: MIT */
/*
 * What is known of each 8 bytes of memory. Only words that two threads touch, one of them writing, need be
 * scheduled: the order of all other accesses is never seen by anybody. Which words are shared turns out while
 * the search runs. A run that meets a new one has gone past steps that it should have offered, so the search
 * begins again.
 */
#include <stdio.h>
#include <stdlib.h>

#include "lab/race/race.h"
#include "lab/race/real.h"

enum {
	PAGE_LG2 = 12,
	PAGE_WORDS = 1 << (PAGE_LG2 - 3),
	CACHED = 1024, /* pages that are found at the first look */
};

struct page {
	uintptr_t number; /* the address >> PAGE_LG2 */
	struct page *next;
	struct race_word word[PAGE_WORDS];
};

static struct page *cache[CACHED];
static struct page *all; /* list of all pages; searched when the cache fails, which is rare */
static bool grew;
static unsigned shared_words;

static struct page *find_page(uintptr_t number)
{
	struct page *page;

	for (page = all; page; page = page->next)
		if (page->number == number)
			break;
	if (!page) {
		page = __real_calloc(1, sizeof(*page));
		if (!page) {
			fprintf(stderr, "pagewalk-lab: out of memory\n");
			exit(3);
		}
		page->number = number;
		page->next = all;
		all = page;
	}
	cache[number % CACHED] = page;
	return page;
}

struct race_word *race_word(uintptr_t at)
{
	uintptr_t number = at >> PAGE_LG2;
	struct page *page = cache[number % CACHED];

	if (__builtin_expect(!page || page->number != number, 0))
		page = find_page(number);
	return &page->word[(at >> 3) & (PAGE_WORDS - 1)];
}

/* Notes one access to a word. Is the word shared? */
static inline bool touch(struct race_word *word, uint8_t me, bool write)
{
	uint8_t all_threads;

	if (word->shared || (write ? word->writers : word->readers) & me)
		return word->shared;
	if (write)
		word->writers |= me;
	else
		word->readers |= me;
	all_threads = word->readers | word->writers;
	if (!word->writers || !(all_threads & (all_threads - 1)))
		return false;
	word->shared = true;
	grew = true;
	shared_words++;
	return true;
}

bool race_touch(uintptr_t at, size_t bytes, bool write)
{
	uint8_t me = (uint8_t)(1u << race.thread);
	bool shared = false;

	for (uintptr_t i = at & ~(uintptr_t)7; i < at + bytes; i += 8)
		shared |= touch(race_word(i), me, write);
	return shared;
}

bool race_is_freed(uintptr_t at, size_t bytes)
{
	for (uintptr_t i = at & ~(uintptr_t)7; i < at + bytes; i += 8) {
		uint32_t freed = race_word(i)->freed;

		if (freed == race.run || freed == RACE_FREED_BEFORE)
			return true;
	}
	return false;
}

void race_mark_freed(uintptr_t at, size_t bytes, bool freed)
{
	for (uintptr_t i = at; i < at + bytes; i += 8)
		race_word(i)->freed = freed ? race.run : 0;
}

bool race_words_grew(void)
{
	bool now = grew;

	grew = false;
	return now;
}

unsigned race_words_shared(void)
{
	return shared_words;
}

void race_words_forget(void)
{
	for (struct page *page = all; page; page = page->next)
		__real_memset(page->word, 0, sizeof(page->word));
	shared_words = 0;
	grew = false;
}
