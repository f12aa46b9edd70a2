/* SPDX-License-Identifier: MIT */
/*
 * The sieve: reads all of the memory once and keeps the places where a top table could be. It looks at the
 * entries alone, and follows none. Holes of sparse files are not read at all; pages of zeros are passed over for
 * all formats at once; nearly all other places fail at their first word that is not zero, which is looked for once.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/mutant.h"
#include "format/linux.h"
#include "roots/roots.h"

enum {
	CHUNK = PW_ROOTS_CHUNK,
	PAGE = PW_ROOTS_PAGE,
	/* All formats look at that much before the next: it stays in the cache. As large as the largest table. */
	WINDOW = PW_ROOTS_TABLE_BYTES,
	PAGES = WINDOW / PAGE,
	THREADS_MAX = 64,
};

/* What the threads share. */
struct sieve {
	const struct pw_roots_search *search;
	const struct pw_roots_try *tries;
	size_t count;
	struct pw_roots_places *places;
	pthread_mutex_t lock; /* protects places, status, next and bytes_done */
	int status;
	uint64_t next; /* number of the next chunk */
	uint64_t bytes_done;
};

/* A window of a chunk, in memory. Tables are aligned to their size, so that none is in two. */
struct window {
	pw_pa first;
	const unsigned char *bytes;
	size_t length;
	uint16_t zeros
		[PAGES]; /* how many bytes at the start of each page are zero: a multiple of 64 */
	uint64_t head[PAGES]; /* the eight bytes behind these */
	bool blank; /* all of it is zero */
};

/* ---- one table ---- */

/*
 * Does Linux keep something in this hole? Where a top table maps huge pages by itself, one that nobody may access
 * or that is on its way elsewhere leaves an entry that is not present: i386, and formats of few levels.
 */
static bool is_kept(const struct pw_roots_search *search, const struct pw_roots_try *attempt,
		    unsigned top, uint64_t entry)
{
	const struct pw_format *f = attempt->format;
	enum pw_status status;
	pw_pa page = 0;

	if (!(f->leaf_levels >> top & 1) || pw_mutant(PW_MUTANT_KEPT_REFUSED))
		return false;
	status = f->hole(f, &attempt->kept, top, entry, &page);
	if (status == PW_PROT_NONE)
		return page != 0 && page <= search->ram_last;
	return pw_soft_is(f, &attempt->kept, top, entry, status);
}

/* Can this be an entry of a top table? *tables counts those that lead on. */
static bool fits_slowly(const struct pw_roots_search *search, const struct pw_roots_try *attempt,
			unsigned top, uint64_t entry, size_t *tables)
{
	const struct pw_format *f = attempt->format;
	const struct pw_regime *r = &attempt->regime;
	pw_pa below;

	switch (f->kind(f, r, top, entry)) {
	case PW_TABLE:
		below = f->table(f, r, top, entry);
		(*tables)++;
		return below <= search->ram_last && below != 0 && !(entry & attempt->reserved);
	case PW_LEAF:
		return entry != 0;
	default:
		return (f->make_empty && entry == f->make_empty(f, r, top)) ||
		       is_kept(search, attempt, top, entry);
	}
}

PW_INLINE bool fits(const struct pw_roots_search *search, const struct pw_roots_try *attempt,
		    unsigned top, uint64_t entry, size_t *tables)
{
	if (attempt->set && (entry & attempt->set) == attempt->set && !(entry & attempt->clear)) {
		(*tables)++;
		return true;
	}
	return !attempt->plain && fits_slowly(search, attempt, top, entry, tables);
}

/*
 * Can the @entries entries at @bytes be of a top table? Those before @first are zero. *tables counts those that lead to
 * other tables.
 */
static bool part_fits(const struct pw_roots_search *search, const struct pw_roots_try *attempt,
		      unsigned top, const unsigned char *bytes, size_t first, size_t entries,
		      size_t *tables)
{
	const struct pw_format *f = attempt->format;
	const size_t group = (size_t)64 >> f->entry_lg2;

	for (size_t i = first; i < entries; i++) {
		uint64_t entry;

		if (i % group == 0 && entries - i >= group && attempt->zero_is_hole &&
		    pw_roots_is_zero(bytes + (i << f->entry_lg2))) {
			i += group - 1;
			continue;
		}
		entry = pw_roots_load(f, bytes, i);
		if (entry == 0 && attempt->zero_is_hole)
			continue;
		if (!fits(search, attempt, top, entry, tables))
			return false;
	}
	return true;
}

/* ---- one window ---- */

bool pw_roots_keep(struct pw_roots_places *places, const struct pw_roots_place *place)
{
	if (places->count == places->room && places->count < PW_ROOTS_PLACES) {
		size_t room = places->room ? 2 * places->room : 256;
		struct pw_roots_place *grown = reallocarray(places->place, room, sizeof(*grown));

		if (!grown)
			return false;
		places->place = grown;
		places->room = room;
	}
	if (places->count < places->room)
		places->place[places->count++] = *place;
	else
		places->full = true;
	return true;
}

static void keep(struct sieve *sieve, size_t number, const struct pw_roots_place *place)
{
	pthread_mutex_lock(&sieve->lock);
	if (!pw_roots_keep(&sieve->places[number], place))
		sieve->status = -ENOMEM;
	pthread_mutex_unlock(&sieve->lock);
}

/* Can an entry of a top table not be this word? Only asked where entries are like that: see is_quick(). */
PW_INLINE bool misfits(const struct pw_roots_try *attempt, uint64_t word)
{
	return word && ((word & attempt->set) != attempt->set || (word & attempt->clear));
}

/* Does a look at the bits of a word in the host's byte order refute most places? */
static bool is_quick(const struct pw_roots_try *attempt)
{
	return attempt->plain && attempt->format->entry_lg2 == 3 &&
	       pw_entry_number(1, 3, attempt->format->big_endian) == 1;
}

/*
 * Can the pages at @at of the window, @bytes together, be a top table? It must lead to at least one other table. Pages of
 * zeros are not touched: they may be a hole in a file.
 */
static bool pages_fit(const struct pw_roots_search *search, const struct pw_roots_try *attempt,
		      unsigned top, const struct window *window, size_t at, size_t bytes)
{
	const struct pw_format *f = attempt->format;
	size_t tables = 0;

	/* s390x: zeros are an entry, which leads to nothing that a table can lead to. */
	for (size_t page = at; page < at + bytes && !attempt->zero_is_hole; page += PAGE)
		if (window->zeros[page / PAGE] > 0 && !fits(search, attempt, top, 0, &tables))
			return false;
	tables = 0;
	for (size_t page = at; page < at + bytes; page += PAGE) {
		const size_t zeros = window->zeros[page / PAGE];
		const size_t first = attempt->zero_is_hole ? zeros >> f->entry_lg2 : 0;

		if (!part_fits(search, attempt, top, window->bytes + page, first,
			       PAGE >> f->entry_lg2, &tables))
			return false;
	}
	return tables > 0;
}

/* Looks for tables of level @top that fill pages. */
static void sieve_pages(struct sieve *sieve, size_t number, const struct window *window,
			unsigned top)
{
	const struct pw_roots_try *attempt = &sieve->tries[number];
	const struct pw_format *f = attempt->format;
	const size_t entries = (size_t)1 << f->bits[top], bytes = entries << f->entry_lg2;
	const pw_pa start = (window->first + (bytes - 1)) & ~(pw_pa)(bytes - 1);
	const bool quick = is_quick(attempt);

	for (size_t at = (size_t)(start - window->first);
	     at < window->length && window->length - at >= bytes; at += bytes) {
		struct pw_roots_place place = { .table = window->first + at, .top = (uint8_t)top };

		if (bytes == PAGE && window->zeros[at / PAGE] == PAGE && attempt->zero_is_hole)
			continue;
		if (quick && misfits(attempt, window->head[at / PAGE]))
			continue;
		if (pages_fit(sieve->search, attempt, top, window, at, bytes))
			keep(sieve, number, &place);
	}
}

/* Looks for tables of level @top that are smaller than a page. */
static void sieve_small(struct sieve *sieve, size_t number, const struct window *window,
			unsigned top)
{
	const struct pw_roots_try *attempt = &sieve->tries[number];
	const struct pw_format *f = attempt->format;
	const size_t entries = (size_t)1 << f->bits[top], bytes = entries << f->entry_lg2;
	/* Linux aligns smaller tables as well, to their size or to a cache line. */
	const size_t step = bytes < 32 ? 32 : bytes;
	const pw_pa start = (window->first + (step - 1)) & ~(pw_pa)(step - 1);
	const bool quick = is_quick(attempt);

	for (size_t at = (size_t)(start - window->first);
	     at < window->length && window->length - at >= bytes; at += step) {
		struct pw_roots_place place = { .table = window->first + at, .top = (uint8_t)top };
		const size_t zeros = window->zeros[at / PAGE];
		size_t tables = 0;
		uint64_t word;

		/* On to the first that is not all zero. */
		if (at % PAGE + bytes <= zeros) {
			at += (zeros - at % PAGE) / step * step - step;
			continue;
		}
		memcpy(&word, window->bytes + at, sizeof(word));
		if (quick && misfits(attempt, word))
			continue;
		if (part_fits(sieve->search, attempt, top, window->bytes + at, 0, entries,
			      &tables) &&
		    tables > 0)
			keep(sieve, number, &place);
	}
}

static void sieve_tables(struct sieve *sieve, size_t number, const struct window *window,
			 unsigned top)
{
	const struct pw_format *f = sieve->tries[number].format;

	if ((size_t)1 << (f->bits[top] + f->entry_lg2) < PAGE)
		sieve_small(sieve, number, window, top);
	else
		sieve_pages(sieve, number, window, top);
}

/* Looks for entries of a process table: a root word, and a second word of zeros. */
static void sieve_words(struct sieve *sieve, size_t number, const struct window *window)
{
	const struct pw_roots_try *attempt = &sieve->tries[number];
	const struct pw_format *f = attempt->format;
	const uint64_t like = f->make_root(f, &attempt->regime, 0, attempt->top);
	/* Table addresses have none of these bits. */
	const uint64_t fixed = ~(sieve->search->ram_last | pw_mask(16)) | pw_mask(5) | 0xe0;

	for (size_t at = (size_t)(-window->first & 15); at + 16 <= window->length; at += 16) {
		struct pw_roots_place place = { .top = (uint8_t)attempt->top };
		struct pw_regime regime;

		if (at % PAGE < window->zeros[at / PAGE]) {
			at += window->zeros[at / PAGE] - at % PAGE - 16;
			continue;
		}
		place.word = pw_roots_load(f, window->bytes + at, 0);
		if ((place.word ^ like) & fixed || pw_roots_load(f, window->bytes + at, 1) != 0 ||
		    pw_regime_init(&regime, f, &place.word, 1, NULL, NULL))
			continue;
		place.table = regime.span[0].table;
		if (place.table != 0)
			keep(sieve, number, &place);
	}
}

/* How many bytes of a page are zero at its start? */
static uint16_t count_zeros(const unsigned char *page)
{
	uint16_t zeros = 0;

	/* memcmp is as fast as memory for the pages of zeros, of which there are many. */
	if (pw_roots_is_zero(page) && memcmp(page, page + 64, PAGE - 64) == 0)
		return PAGE;
	/* The bound counts: a machine that runs may clear the page just now. */
	while (zeros < PAGE && pw_roots_is_zero(page + zeros))
		zeros = (uint16_t)(zeros + 64);
	return zeros;
}

/* Looks where pages begin to be other than zero. Windows begin at a page's start unless a segment does not. */
static void look_first(const struct pw_memory *memory, struct pw_run *run, bool mapped,
		       struct window *window)
{
	window->blank = true;
	for (size_t page = 0; page * PAGE < window->length; page++) {
		const bool whole = window->first % PAGE == 0 && (page + 1) * PAGE <= window->length;
		const unsigned char *bytes = window->bytes + page * PAGE;

		/* A page of a hole is not touched: some file systems would have to make it. */
		if (whole && mapped && pw_run_is_hole(memory, run, bytes, PAGE))
			window->zeros[page] = PAGE;
		else
			window->zeros[page] = whole ? count_zeros(bytes) : 0;
		window->head[page] = 0;
		if (whole && window->zeros[page] < PAGE)
			memcpy(&window->head[page], bytes + window->zeros[page], 8);
		window->blank &= window->zeros[page] == PAGE;
	}
}

static void sieve_window(struct sieve *sieve, const struct window *window)
{
	for (size_t i = 0; i < sieve->count; i++) {
		const struct pw_roots_try *attempt = &sieve->tries[i];

		if (window->blank && attempt->zero_is_hole)
			continue;
		if (attempt->kind == PW_ROOTS_LISTED)
			sieve_words(sieve, i, window);
		else if (attempt->kind == PW_ROOTS_PLAIN)
			sieve_tables(sieve, i, window, attempt->top);
		for (unsigned top = 1; attempt->kind == PW_ROOTS_TYPED && top <= attempt->top;
		     top++)
			sieve_tables(sieve, i, window, top);
	}
}

/* ---- threads ---- */

/* What a thread has. */
struct worker {
	struct sieve *sieve;
	unsigned char *buffer; /* a window; NULL: all of the memory is mapped */
	struct pw_run run;
	struct window window;
};

/* Reads what the source gives. The rest reads as zeros, in which no table is found. Returns whether all was there. */
static bool fetch(const struct pw_memory *memory, pw_pa pa, unsigned char *buffer, size_t bytes)
{
	if (pw_memory_read(memory, pa, buffer, bytes) == 0)
		return true;
	for (size_t at = 0; at < bytes; at += PAGE) {
		size_t rest = bytes - at < PAGE ? bytes - at : PAGE;

		if (pw_memory_read(memory, pa + at, buffer + at, rest))
			memset(buffer + at, 0, rest);
	}
	return false;
}

/* Notes which pages of the window are zeros. @chunk is the words of its chunk. */
static void note_zeros(const struct window *window, uint64_t *chunk)
{
	for (size_t page = 0; (page + 1) * PAGE <= window->length; page++) {
		const size_t number = (size_t)((window->first + page * PAGE) % CHUNK / PAGE);

		if (window->zeros[page] == PAGE)
			chunk[number / 64] |= UINT64_C(1) << number % 64;
	}
}

/* Sieves first..last of a segment, which are in one window. */
static void sieve_part(struct worker *worker, const struct pw_segment *segment, pw_pa first,
		       pw_pa last, uint64_t *chunk)
{
	const struct pw_memory *memory = worker->sieve->search->memory;
	struct window *window = &worker->window;
	bool known = true;

	window->first = first;
	window->length = (size_t)(last - first) + 1;
	window->bytes = worker->buffer;
	if (segment->host)
		window->bytes = (const unsigned char *)segment->host +
				(size_t)(first - segment->first);
	else
		known = fetch(memory, first, worker->buffer, window->length);
	look_first(memory, &worker->run, segment->host, window);
	sieve_window(worker->sieve, window);
	if (known || pw_mutant(PW_MUTANT_MISSING_IS_ZERO))
		note_zeros(window, chunk);
}

/* Sieves a chunk. Returns how many bytes that was. */
static size_t sieve_chunk(struct worker *worker, uint64_t number)
{
	const struct pw_roots_search *search = worker->sieve->search;
	uint64_t *zero = search->chunks.zero + number * (CHUNK / PAGE / 64);
	pw_pa first, last, end;
	const struct pw_segment *segment = pw_roots_chunk(search, number, &first, &last);

	for (pw_pa at = first;; at = end + 1) {
		end = at | (WINDOW - 1);
		sieve_part(worker, segment, at, end < last ? end : last, zero);
		if (end >= last)
			return (size_t)(last - first) + 1;
	}
}

/* Says how far the search is, and takes the next chunk. False: there is none. */
static bool take(struct sieve *sieve, size_t done, uint64_t *number_ret)
{
	const struct pw_roots_options *options = sieve->search->options;
	bool more;

	pthread_mutex_lock(&sieve->lock);
	sieve->bytes_done += done;
	if (options->progress)
		options->progress(options->progress_context, sieve->bytes_done,
				  sieve->search->chunks.count * CHUNK);
	more = sieve->next < sieve->search->chunks.count && sieve->status == 0;
	*number_ret = sieve->next;
	if (more)
		sieve->next++;
	pthread_mutex_unlock(&sieve->lock);
	return more;
}

static void *work(void *context)
{
	struct sieve *sieve = context;
	const bool direct = sieve->search->memory->direct;
	struct worker worker = { .sieve = sieve, .buffer = direct ? NULL : malloc(WINDOW) };
	uint64_t number;
	size_t done = 0;

	if (!worker.buffer && !direct) {
		pthread_mutex_lock(&sieve->lock);
		sieve->status = -ENOMEM;
		pthread_mutex_unlock(&sieve->lock);
		return NULL;
	}
	while (!pw_cancelled(sieve->search->options->cancel) && take(sieve, done, &number))
		done = sieve_chunk(&worker, number);
	free(worker.buffer);
	return NULL;
}

static int compare_places(const void *a, const void *b)
{
	const struct pw_roots_place *left = a, *right = b;

	if (left->table != right->table)
		return left->table < right->table ? -1 : 1;
	if (left->top != right->top)
		return left->top < right->top ? -1 : 1;
	return left->word < right->word ? -1 : left->word > right->word;
}

/* Sorts the places, so that the order of threads does not matter, and drops repetitions. */
static void settle(struct pw_roots_places *places)
{
	size_t count = 0;

	if (places->count == 0)
		return;
	qsort(places->place, places->count, sizeof(*places->place), compare_places);
	for (size_t i = 0; i < places->count; i++)
		if (count == 0 || compare_places(&places->place[count - 1], &places->place[i]))
			places->place[count++] = places->place[i];
		else
			places->place[count - 1].named |= places->place[i].named;
	places->count = count;
}

static void run_threads(struct sieve *sieve)
{
	pthread_t thread[THREADS_MAX];
	unsigned wanted = sieve->search->options->threads, running = 0;

	if (wanted > THREADS_MAX)
		wanted = THREADS_MAX;
	/* This thread works, too; so it does not matter if others cannot be made. */
	for (unsigned i = 1; i < wanted && i < sieve->search->chunks.count; i++)
		if (pthread_create(&thread[running], NULL, work, sieve) == 0)
			running++;
	work(sieve);
	for (unsigned i = 0; i < running; i++)
		pthread_join(thread[i], NULL);
}

int pw_roots_sieve(const struct pw_roots_search *search, const struct pw_roots_try *tries,
		   size_t count, struct pw_roots_places *places)
{
	struct sieve sieve = { .search = search, .tries = tries, .count = count, .places = places };

	pthread_mutex_init(&sieve.lock, NULL);
	/* An image of tables alone has parts of them, and says where they begin. */
	if (!search->tables_only)
		run_threads(&sieve);
	pthread_mutex_destroy(&sieve.lock);
	for (size_t i = 0; i < count; i++)
		settle(&places[i]);
	if (pw_cancelled(search->options->cancel))
		return -ECANCELED;
	return sieve.status;
}
