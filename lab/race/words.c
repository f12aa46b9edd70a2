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

struct race_page *race_page_cache[RACE_PAGES_CACHED];
static struct race_page *all; /* list of all pages; searched when the cache fails, which is rare */
static bool grew;
static unsigned shared_words;

struct race_page *race_find_page(uintptr_t number)
{
	struct race_page *page;

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
	race_page_cache[number % RACE_PAGES_CACHED] = page;
	return page;
}

bool race_touch_new(struct race_word *word, uint8_t me, bool write)
{
	uint8_t threads;

	if (word->ignored)
		return false;
	if (write)
		word->writers |= me;
	else
		word->readers |= me;
	threads = word->readers | word->writers;
	if (!word->writers || !(threads & (threads - 1)))
		return false;
	word->shared = true;
	grew = true;
	shared_words++;
	return true;
}

bool race_touch(uintptr_t at, size_t bytes, bool write)
{
	bool shared = false;

	for (uintptr_t i = at & ~(uintptr_t)7; i < at + bytes; i += 8)
		shared |= race_touch_word(race_word(i), write);
	return shared;
}

bool race_is_freed(uintptr_t at, size_t bytes)
{
	for (uintptr_t i = at & ~(uintptr_t)7; i < at + bytes; i += 8) {
		if (race_word_freed(race_word(i)))
			return true;
	}
	return false;
}

void race_mark_freed(uintptr_t at, size_t bytes, bool freed)
{
	for (uintptr_t i = at; i < at + bytes; i += 8) {
		struct race_word *word = race_word(i);

		if (race.run == 0)
			word->freed_before = freed;
		word->freed = freed ? race.run : 0;
		word->used_again = freed ? 0 : race.run;
	}
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

void race_words_ignore(const void *at, size_t bytes)
{
	for (uintptr_t i = (uintptr_t)at & ~(uintptr_t)7; i < (uintptr_t)at + bytes; i += 8)
		race_word(i)->ignored = true;
}

void race_words_forget(void)
{
	for (struct race_page *page = all; page; page = page->next)
		__real_memset(page->word, 0, sizeof(page->word));
	shared_words = 0;
	grew = false;
}
