/* SPDX-License-Identifier: MIT */
/*
 * The page cache: which pages of a file are in memory. Chunks of 64 words in a balanced tree: a sparse file of
 * terabytes costs one chunk for each 64 pages around one that is there.
 */
#include "mm/file/file.h"
#include "mm/huge/huge.h"
#include "mm/lock_order.h"
#include "mm/swap/swap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const uint64_t SWAP = UINT64_C(1) << 63;

static int compare(const struct pw_chunk *a, const struct pw_chunk *b)
{
	return a->number < b->number ? -1 : a->number > b->number;
}

RB_GENERATE_INTERNAL(pw_chunks, pw_chunk, node, compare, __attribute__((unused)) static);

static uint64_t word_of(enum pw_cached what, uint32_t value)
{
	return ((uint64_t)value + 1) | (what == PW_CACHED_SWAP ? SWAP : 0);
}

static enum pw_cached word_read(uint64_t word, uint32_t *value_ret)
{
	*value_ret = (uint32_t)((word & ~SWAP) - 1);
	if (!word)
		return PW_CACHED_NOTHING;
	return word & SWAP ? PW_CACHED_SWAP : PW_CACHED_PAGE;
}

/* The words of a folio: one for each base page; hugetlb pages have one in all. */
static uint32_t words_of(const struct pw_file *file, uint32_t head)
{
	uint64_t link = pw_frame_link(file->machine->arena, head);

	return file->order ? 1 : pw_link_pages(link);
}

static struct pw_chunk *chunk_find(struct pw_file *file, uint64_t index)
{
	struct pw_chunk key = { .number = index >> PW_CHUNK_LG2 };

	return RB_FIND(pw_chunks, &file->chunks, &key);
}

static uint64_t word_at(struct pw_file *file, uint64_t index)
{
	struct pw_chunk *chunk = chunk_find(file, index);

	return chunk ? chunk->word[index % PW_CHUNK_PAGES] : 0;
}

/* Stores a word; the chunk is there unless the word is EMPTY. */
static void word_store(struct pw_file *file, uint64_t index, uint64_t word)
{
	struct pw_chunk *chunk = chunk_find(file, index);
	uint64_t *at;

	if (!chunk)
		return;
	at = &chunk->word[index % PW_CHUNK_PAGES];
	chunk->used = chunk->used + (word != 0) - (*at != 0);
	*at = word;
	if (chunk->used)
		return;
	RB_REMOVE(pw_chunks, &file->chunks, chunk);
	free(chunk);
}

/* Makes the chunk of @index. It is not used yet, so a word must be stored before pages_lock is dropped. */
static int chunk_make(struct pw_file *file, uint64_t index)
{
	struct pw_chunk *chunk;

	if (chunk_find(file, index))
		return 0;
	chunk = calloc(1, sizeof(*chunk));
	if (!chunk)
		return -ENOMEM;
	chunk->number = index >> PW_CHUNK_LG2;
	RB_INSERT(pw_chunks, &file->chunks, chunk);
	return 0;
}

static void lock_pages(struct pw_file *file)
{
	pw_ranked_lock(&file->pages_lock, PW_RANK_SHORT);
}

static void unlock_pages(struct pw_file *file)
{
	pw_ranked_unlock(&file->pages_lock, PW_RANK_SHORT);
}

/*
 * Takes a reference on a page of the cache. The cache has one, so only a split refuses: it ends before the
 * folio's lock does.
 */
static bool take(struct pw_file *file, uint32_t frame)
{
	if (pw_folio_try_get(file->machine->arena, frame, 1))
		return true;
	unlock_pages(file);
	pw_folio_lock(file->machine, frame);
	pw_folio_unlock(file->machine, frame);
	lock_pages(file);
	return false;
}

enum pw_cached pw_cache_find(struct pw_file *file, uint64_t index, uint32_t *value_ret)
{
	enum pw_cached what;

	lock_pages(file);
	do {
		what = word_read(word_at(file, index), value_ret);
	} while (what == PW_CACHED_PAGE && !take(file, *value_ret));
	unlock_pages(file);
	return what;
}

bool pw_cache_has(struct pw_file *file, uint64_t index)
{
	uint32_t value;
	bool has;

	/* A hugetlb page has its word at the first of its indices. */
	index &= ~pw_mask(file->order);
	lock_pages(file);
	has = word_read(word_at(file, index), &value) == PW_CACHED_PAGE;
	unlock_pages(file);
	return has;
}

/* The next word that is not EMPTY, from @index to @last; 0 if there is none. */
static uint64_t word_next(struct pw_file *file, uint64_t *index, uint64_t last)
{
	struct pw_chunk key = { .number = *index >> PW_CHUNK_LG2 };
	struct pw_chunk *chunk = RB_NFIND(pw_chunks, &file->chunks, &key);

	for (; chunk; chunk = RB_NEXT(pw_chunks, &file->chunks, chunk)) {
		uint64_t first = chunk->number << PW_CHUNK_LG2;
		unsigned i = *index > first ? (unsigned)(*index - first) : 0;

		for (; i < PW_CHUNK_PAGES && first + i <= last; i++) {
			if (chunk->word[i]) {
				*index = first + i;
				return chunk->word[i];
			}
		}
		if (i < PW_CHUNK_PAGES)
			break;
	}
	return 0;
}

enum pw_cached pw_cache_next(struct pw_file *file, uint64_t *index, uint64_t last,
			     uint32_t *value_ret)
{
	enum pw_cached what;

	lock_pages(file);
	do {
		what = word_read(word_next(file, index, last), value_ret);
	} while (what == PW_CACHED_PAGE && !take(file, *value_ret));
	unlock_pages(file);
	return what;
}

/* Are the @count words from @index on all @word? */
static bool words_are(struct pw_file *file, uint64_t index, uint32_t count, uint64_t word)
{
	for (uint32_t i = 0; i < count; i++) {
		if (word_at(file, index + i) != word)
			return false;
	}
	return true;
}

int pw_cache_add(struct pw_file *file, uint64_t index, uint32_t head, uint32_t slot)
{
	const uint32_t words = words_of(file, head);
	uint64_t before = slot ? word_of(PW_CACHED_SWAP, slot - 1) : 0;
	int error = 0;

	lock_pages(file);
	if (!words_are(file, index, words, before)) {
		unlock_pages(file);
		return -EEXIST;
	}
	for (uint32_t i = 0; i < words && !error; i++) {
		error = chunk_make(file, index + i);
		if (error) {
			while (i--)
				word_store(file, index + i, before);
		} else {
			word_store(file, index + i, word_of(PW_CACHED_PAGE, head + i));
		}
	}
	if (!error) {
		(void)pw_folio_try_get(file->machine->arena, head, words);
		file->cached += words;
		pw_page_set_owner(file->machine, head, file->kind, file);
	}
	unlock_pages(file);
	return error;
}

/* Puts @word in the place of all words of a folio. pages_lock is held. */
static void replace(struct pw_file *file, uint32_t head, uint32_t words, uint64_t word)
{
	uint64_t index = pw_page_of(file->machine, head)->index;

	for (uint32_t i = 0; i < words; i++)
		word_store(file, index + i, word);
	file->cached -= words;
}

void pw_cache_remove(struct pw_file *file, uint32_t head)
{
	struct pw_arena *arena = file->machine->arena;
	const uint32_t words = words_of(file, head);

	lock_pages(file);
	replace(file, head, words, 0);
	/* A pin stays right: the page is nobody's, and its holder's. Secret memory stays secret. */
	if (!pw_mutant(PW_MUTANT_TRUNCATE_KEEPS_MAPPING))
		pw_folio_truncate(arena, pw_arena_pa(arena, head));
	unlock_pages(file);
	pw_folio_clean(arena, pw_arena_pa(arena, head));
	pw_page_put(file->machine, head, words);
}

static bool is_dirty(const struct pw_machine *machine, uint32_t head)
{
	return __atomic_load_n(&machine->arena->frame[head].flags, __ATOMIC_ACQUIRE) &
	       PW_FRAME_DIRTY;
}

/* Does anybody hold the folio beside @references and the cache, or map it? */
static bool others_hold(const struct pw_file *file, uint32_t head, uint32_t references)
{
	const struct pw_page *page = pw_page_of(file->machine, head);

	return pw_page_references(file->machine, head) != references + words_of(file, head) ||
	       __atomic_load_n(&page->mapped, __ATOMIC_ACQUIRE);
}

bool pw_cache_forget(struct pw_file *file, uint32_t head, uint32_t references)
{
	struct pw_arena *arena = file->machine->arena;
	const uint32_t words = words_of(file, head);

	lock_pages(file);
	/* Nobody maps it, so whoever dirties it holds it. The counts first: a holder dirties, then drops. */
	if (others_hold(file, head, references) || is_dirty(file->machine, head)) {
		unlock_pages(file);
		return false;
	}
	replace(file, head, words, 0);
	pw_folio_truncate(arena, pw_arena_pa(arena, head));
	unlock_pages(file);
	pw_page_put(file->machine, head, words);
	return true;
}

bool pw_cache_swap(struct pw_file *file, uint32_t head, uint32_t slot, uint32_t references)
{
	const uint32_t words = words_of(file, head);

	lock_pages(file);
	if (words != 1 || others_hold(file, head, references + 1)) {
		unlock_pages(file);
		return false;
	}
	replace(file, head, words, word_of(PW_CACHED_SWAP, slot));
	pw_page_set_owner(file->machine, head, PW_FOLIO_NONE, NULL);
	unlock_pages(file);
	pw_page_put(file->machine, head, words);
	return true;
}

bool pw_cache_replace(struct pw_file *file, uint32_t from, uint32_t to, uint32_t references)
{
	const uint32_t words = words_of(file, from);
	const uint64_t index = pw_page_of(file->machine, from)->index;

	lock_pages(file);
	if (others_hold(file, from, references)) {
		unlock_pages(file);
		return false;
	}
	pw_page_of(file->machine, to)->index = index;
	pw_page_set_owner(file->machine, to, file->kind, file);
	(void)pw_folio_try_get(file->machine->arena, to, words);
	for (uint32_t i = 0; i < words; i++)
		word_store(file, index + i, word_of(PW_CACHED_PAGE, to + i));
	pw_page_set_owner(file->machine, from, PW_FOLIO_NONE, NULL);
	unlock_pages(file);
	pw_page_put(file->machine, from, words);
	return true;
}

bool pw_cache_merge(struct pw_file *file, uint64_t index, const uint32_t *frame, uint32_t pages,
		    uint32_t head)
{
	struct pw_machine *machine = file->machine;
	uint32_t done = 0;

	lock_pages(file);
	/* The cache's reference and the caller's. */
	while (done < pages &&
	       word_at(file, index + done) == word_of(PW_CACHED_PAGE, frame[done]) &&
	       (pw_folio_freeze(machine->arena, frame[done], 2) ||
		pw_mutant(PW_MUTANT_COLLAPSE_PINNED)))
		done++;
	if (done < pages) {
		while (done--)
			pw_folio_thaw(machine->arena, frame[done], 2);
		unlock_pages(file);
		return false;
	}
	pw_page_of(machine, head)->index = index;
	pw_page_set_owner(machine, head, file->kind, file);
	(void)pw_folio_try_get(machine->arena, head, pages);
	for (uint32_t i = 0; i < pages; i++) {
		word_store(file, index + i, word_of(PW_CACHED_PAGE, head + i));
		pw_page_set_owner(machine, frame[i], PW_FOLIO_NONE, NULL);
		pw_folio_thaw(machine->arena, frame[i], 1);
	}
	unlock_pages(file);
	return true;
}

bool pw_cache_drop_swap(struct pw_file *file, uint64_t index, uint32_t slot)
{
	bool there;

	lock_pages(file);
	there = word_at(file, index) == word_of(PW_CACHED_SWAP, slot);
	if (there)
		word_store(file, index, 0);
	unlock_pages(file);
	if (there)
		pw_swap_put(file->machine, slot, 1);
	return there;
}

/* ---- getting pages ---- */

/* The number of pages that a file of its size has. */
static uint64_t pages_of(const struct pw_file *file)
{
	uint64_t size = pw_file_size(file);

	return (size >> file->machine->page_lg2) + ((size & (file->page_bytes - 1)) != 0);
}

static bool beyond(const struct pw_file *file, uint64_t index, unsigned flags)
{
	return !(flags & PW_CACHE_BEYOND) && index >= pages_of(file);
}

/* Reads a page of the host's file; what lies behind its end is zero. */
static int read_host(struct pw_file *file, uint64_t index, unsigned char *to)
{
	const size_t bytes = (size_t)file->page_bytes;
	size_t done = 0;

	while (done < bytes) {
		ssize_t count = pread(file->fd, to + done, bytes - done,
				      (off_t)(index * file->page_bytes + done));

		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return -EIO;
		if (count == 0)
			break;
		done += (size_t)count;
	}
	memset(to + done, 0, bytes - done);
	return 0;
}

static void release(struct pw_file *file, uint32_t frame)
{
	pw_folio_unlock(file->machine, frame);
	pw_page_put(file->machine, frame, 1);
}

/* A page that was found or made, and that is locked: is it ours, and does it have content? 1: look again. */
static int settle(struct pw_file *file, uint64_t index, unsigned flags, uint32_t frame,
		  bool *major_ret)
{
	struct pw_machine *machine = file->machine;
	struct pw_page *page = pw_page_of(machine, frame);
	uint32_t head = pw_folio_head(machine->arena, frame);
	enum pw_folio_kind kind;

	if (pw_page_owner(machine, head, &kind) != file ||
	    pw_page_of(machine, head)->index + (frame - head) != index)
		return 1;
	/* Behind the lock: truncate sets the size first. */
	if (beyond(file, index, flags))
		return -ENXIO;
	if (__atomic_load_n(&page->flags, __ATOMIC_RELAXED) & PW_PAGE_POISON)
		return -EHWPOISON;
	if (__atomic_load_n(&page->flags, __ATOMIC_ACQUIRE) & PW_PAGE_VALID ||
	    flags & PW_CACHE_NO_READ)
		return 0;
	if (file->kind == PW_FOLIO_FILE) {
		if (flags & PW_FAULT_NOWAIT)
			return -EAGAIN;
		if (read_host(file, index, pw_page_host(machine, frame)))
			return -EIO;
		*major_ret = true;
	} else {
		memset(pw_page_host(machine, frame), 0, (size_t)file->page_bytes);
	}
	__atomic_fetch_or(&page->flags, PW_PAGE_VALID, __ATOMIC_RELEASE);
	return 0;
}

static int new_page(struct pw_file *file, uint64_t index, unsigned flags, uint32_t *frame_ret,
		    bool *major_ret)
{
	struct pw_machine *machine = file->machine;
	/* Secret memory does not move. */
	const bool stays = flags & PW_FAULT_LONGTERM || file->kind == PW_FOLIO_SECRET;
	int error;

	if (flags & PW_CACHE_NO_HOLE && file->kind != PW_FOLIO_FILE)
		return -ENOENT;
	if (flags & PW_FAULT_NOWAIT && file->kind == PW_FOLIO_FILE)
		return -EAGAIN;
	if (file->kind == PW_FOLIO_SHARED && pw_cache_new_large(file, index, flags, frame_ret))
		return 0;
	error = pw_page_alloc(machine, 0, file->kind, NULL, index, stays, frame_ret);
	if (error)
		return error;
	pw_folio_lock(machine, *frame_ret);
	error = pw_cache_add(file, index, *frame_ret, 0);
	if (error) {
		release(file, *frame_ret);
		return error == -EEXIST ? 1 : error;
	}
	error = settle(file, index, flags, *frame_ret, major_ret);
	/* Truncate may have passed before the page could be found. */
	if (error == -ENXIO)
		pw_cache_remove(file, *frame_ret);
	if (error)
		release(file, *frame_ret);
	return error;
}

static int found_page(struct pw_file *file, uint64_t index, unsigned flags, uint32_t frame,
		      bool *major_ret)
{
	int error;

	if (!(flags & PW_FAULT_NOWAIT)) {
		pw_folio_lock(file->machine, frame);
	} else if (!pw_folio_trylock(file->machine, frame)) {
		pw_page_put(file->machine, frame, 1);
		return -EAGAIN;
	}
	error = settle(file, index, flags, frame, major_ret);
	if (error)
		release(file, frame);
	return error;
}

/* Does the file still have @slot at @index? Then it has a count of it. */
static bool names_slot(struct pw_file *file, uint64_t index, uint32_t slot)
{
	bool names;

	lock_pages(file);
	names = word_at(file, index) == word_of(PW_CACHED_SWAP, slot);
	unlock_pages(file);
	return names;
}

/* The page is not the file's. Who dropped the slot's last count meanwhile found it locked, and left it in the cache. */
static void release_swapped(struct pw_file *file, uint32_t frame)
{
	pw_folio_unlock(file->machine, frame);
	if (!pw_mutant(PW_MUTANT_TIDY_ONCE))
		pw_swap_tidy(file->machine, frame);
	pw_page_put(file->machine, frame, 1);
}

/* Shared memory comes back from swap. */
static int swapped_page(struct pw_file *file, uint64_t index, unsigned flags, uint32_t slot,
			uint32_t *frame_ret, bool *major_ret)
{
	struct pw_machine *machine = file->machine;
	struct pw_page *page;
	int error;

	if (flags & PW_FAULT_NOWAIT)
		return -EAGAIN;
	error = pw_swap_in(machine, slot, flags & PW_FAULT_LONGTERM, frame_ret);
	if (error == -ENOENT || error == -EAGAIN)
		return 1;
	if (error)
		return error;
	pw_folio_lock(machine, *frame_ret);
	page = pw_page_of(machine, *frame_ret);
	/* The file may have given the slot up, and somebody else have it now: then the page is theirs. */
	if (page->swap != slot + 1 || !names_slot(file, index, slot)) {
		release_swapped(file, *frame_ret);
		return 1;
	}
	page->index = index;
	error = pw_cache_add(file, index, *frame_ret, slot + 1);
	if (error) {
		release_swapped(file, *frame_ret);
		return error == -EEXIST ? 1 : error;
	}
	pw_swap_put(machine, slot, 1);
	pw_swap_remove(machine, *frame_ret);
	/* The swap slot is gone, so the page has the only copy. */
	pw_folio_dirty_held(machine->arena, *frame_ret);
	__atomic_fetch_or(&page->flags, PW_PAGE_VALID, __ATOMIC_RELEASE);
	*major_ret = true;
	error = settle(file, index, flags, *frame_ret, major_ret);
	if (error)
		release(file, *frame_ret);
	return error;
}

int pw_cache_page(struct pw_file *file, uint64_t index, unsigned flags, uint32_t *frame_ret,
		  bool *major_ret)
{
	uint32_t value;
	int error;

	do {
		if (beyond(file, index, flags))
			return -ENXIO;
		switch (pw_cache_find(file, index, &value)) {
		case PW_CACHED_PAGE:
			*frame_ret = value;
			error = found_page(file, index, flags, value, major_ret);
			break;
		case PW_CACHED_SWAP:
			error = swapped_page(file, index, flags, value, frame_ret, major_ret);
			break;
		case PW_CACHED_NOTHING:
		default:
			error = new_page(file, index, flags, frame_ret, major_ret);
			break;
		}
	} while (error == 1);
	return error;
}
