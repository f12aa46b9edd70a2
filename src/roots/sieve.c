/* SPDX-License-Identifier: MIT */
/*
 * The sieve: reads all of the memory once and keeps the places where a top table could be. It looks at the
 * entries alone, and follows none. Pages of zeros are passed over for all formats at once; nearly all other
 * places fail at their first entry that is not zero.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/mutant.h"
#include "format/linux.h"
#include "roots/roots.h"

enum {
	/* A thread takes that much at a time. A multiple of every table's size. */
	CHUNK = 2 << 20,
	PAGE = 4096,
	PAGES = CHUNK / PAGE,
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
	uint64_t chunks, bytes_done;
	uint64_t *first_chunk; /* by segment: the number of its first chunk */
};

/* One chunk of a segment, in memory. */
struct chunk {
	pw_pa first;
	const unsigned char *bytes;
	size_t length;
	uint16_t zeros
		[PAGES]; /* how many bytes at the start of each page are zero: a multiple of 64 */
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
		return below <= search->ram_last && below != 0;
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
 * Can the @entries entries at @bytes be a top table? Those before @first are zero. It must lead to at least
 * one other table.
 */
static bool may_be_top(const struct pw_roots_search *search, const struct pw_roots_try *attempt,
		       unsigned top, const unsigned char *bytes, size_t first, size_t entries)
{
	const struct pw_format *f = attempt->format;
	const size_t group = (size_t)64 >> f->entry_lg2;
	size_t tables = 0;

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
		if (!fits(search, attempt, top, entry, &tables))
			return false;
	}
	return tables > 0;
}

/* ---- one chunk ---- */

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

/* Looks for tables of level @top that are aligned to their size. */
static void sieve_tables(struct sieve *sieve, size_t number, const struct chunk *chunk,
			 unsigned top)
{
	const struct pw_roots_try *attempt = &sieve->tries[number];
	const struct pw_format *f = attempt->format;
	const size_t entries = (size_t)1 << f->bits[top];
	const size_t bytes = entries << f->entry_lg2;
	/* Linux aligns smaller tables as well, to their size or to a cache line. */
	const size_t step = bytes < 32 ? 32 : bytes;
	const pw_pa start = (chunk->first + (step - 1)) & ~(pw_pa)(step - 1);

	for (size_t at = (size_t)(start - chunk->first);
	     at < chunk->length && chunk->length - at >= bytes; at += step) {
		struct pw_roots_place place = { .table = chunk->first + at, .top = (uint8_t)top };

		size_t zeros = chunk->zeros[at / PAGE], first = 0;

		if (bytes >= PAGE && attempt->zero_is_hole)
			first = zeros >> f->entry_lg2;
		/* Small tables: on to the first that is not all zero. */
		if (bytes < PAGE && at % PAGE + bytes <= zeros) {
			at += (zeros - at % PAGE) / step * step - step;
			continue;
		}
		if (may_be_top(sieve->search, attempt, top, chunk->bytes + at, first, entries))
			keep(sieve, number, &place);
	}
}

/* Looks for entries of a process table: a root word, and a second word of zeros. */
static void sieve_words(struct sieve *sieve, size_t number, const struct chunk *chunk)
{
	const struct pw_roots_try *attempt = &sieve->tries[number];
	const struct pw_format *f = attempt->format;
	const uint64_t like = f->make_root(f, &attempt->regime, 0, attempt->top);
	/* Table addresses have none of these bits. */
	const uint64_t fixed = ~(sieve->search->ram_last | pw_mask(16)) | pw_mask(5) | 0xe0;

	for (size_t at = (size_t)(-chunk->first & 15); at + 16 <= chunk->length; at += 16) {
		struct pw_roots_place place = { .top = (uint8_t)attempt->top };
		struct pw_regime regime;

		if (at % PAGE < chunk->zeros[at / PAGE]) {
			at += chunk->zeros[at / PAGE] - at % PAGE - 16;
			continue;
		}
		place.word = pw_roots_load(f, chunk->bytes + at, 0);
		if ((place.word ^ like) & fixed || pw_roots_load(f, chunk->bytes + at, 1) != 0 ||
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

static void sieve_chunk(struct sieve *sieve, struct chunk *chunk)
{
	for (size_t page = 0; page * PAGE < chunk->length; page++) {
		/* Chunks begin at a page's start unless a segment does not. */
		bool whole = chunk->first % PAGE == 0 && (page + 1) * PAGE <= chunk->length;

		chunk->zeros[page] = whole ? count_zeros(chunk->bytes + page * PAGE) : 0;
	}
	for (size_t i = 0; i < sieve->count; i++) {
		const struct pw_roots_try *attempt = &sieve->tries[i];

		if (attempt->kind == PW_ROOTS_LISTED)
			sieve_words(sieve, i, chunk);
		else if (attempt->kind == PW_ROOTS_PLAIN)
			sieve_tables(sieve, i, chunk, attempt->top);
		for (unsigned top = 1; attempt->kind == PW_ROOTS_TYPED && top <= attempt->top;
		     top++)
			sieve_tables(sieve, i, chunk, top);
	}
}

/* ---- threads ---- */

/* The segment that chunk @number belongs to. */
static size_t segment_of(const struct sieve *sieve, uint64_t number)
{
	size_t low = 0, end = sieve->search->memory->count;

	/* Segments up to `low` begin at this chunk or before; those from `end` on, after it. */
	while (end - low > 1) {
		size_t middle = low + (end - low) / 2;

		if (sieve->first_chunk[middle] <= number)
			low = middle;
		else
			end = middle;
	}
	return low;
}

/* Makes the bytes of a chunk readable. What the source does not give reads as zeros, in which no table is found. */
static void open_chunk(const struct sieve *sieve, uint64_t number, unsigned char *buffer,
		       struct chunk *chunk)
{
	const struct pw_memory *memory = sieve->search->memory;
	const size_t which = segment_of(sieve, number);
	const struct pw_segment *segment = &memory->segments[which];
	const pw_pa base = segment->first & ~(pw_pa)(CHUNK - 1);
	const pw_pa first = base + (number - sieve->first_chunk[which]) * CHUNK;
	const pw_pa last = first | (CHUNK - 1);

	chunk->first = first > segment->first ? first : segment->first;
	chunk->length = (size_t)((last < segment->last ? last : segment->last) - chunk->first) + 1;
	if (segment->host) {
		chunk->bytes = (const unsigned char *)segment->host +
			       (size_t)(chunk->first - segment->first);
		return;
	}
	chunk->bytes = buffer;
	if (pw_memory_read(memory, chunk->first, buffer, chunk->length) == 0)
		return;
	for (size_t at = 0; at < chunk->length; at += PAGE) {
		size_t rest = chunk->length - at < PAGE ? chunk->length - at : PAGE;

		if (pw_memory_read(memory, chunk->first + at, buffer + at, rest))
			memset(buffer + at, 0, rest);
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
				  sieve->chunks * CHUNK);
	more = sieve->next < sieve->chunks && sieve->status == 0;
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
	struct chunk *chunk = malloc(sizeof(*chunk));
	unsigned char *buffer = direct ? NULL : malloc(CHUNK);
	uint64_t number;

	if (!chunk || (!buffer && !direct)) {
		pthread_mutex_lock(&sieve->lock);
		sieve->status = -ENOMEM;
		pthread_mutex_unlock(&sieve->lock);
	} else {
		chunk->length = 0;
		while (!pw_cancelled(sieve->search->options->cancel) &&
		       take(sieve, chunk->length, &number)) {
			open_chunk(sieve, number, buffer, chunk);
			sieve_chunk(sieve, chunk);
		}
	}
	free(chunk);
	free(buffer);
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

static uint64_t count_chunks(struct sieve *sieve)
{
	const struct pw_memory *memory = sieve->search->memory;
	uint64_t chunks = 0;

	for (size_t i = 0; i < memory->count; i++) {
		const struct pw_segment *segment = &memory->segments[i];

		sieve->first_chunk[i] = chunks;
		chunks += segment->last / CHUNK - segment->first / CHUNK + 1;
	}
	return chunks;
}

static void run_threads(struct sieve *sieve)
{
	pthread_t thread[THREADS_MAX];
	unsigned wanted = sieve->search->options->threads, running = 0;

	if (wanted > THREADS_MAX)
		wanted = THREADS_MAX;
	/* This thread works, too; so it does not matter if others cannot be made. */
	for (unsigned i = 1; i < wanted && i < sieve->chunks; i++)
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

	sieve.first_chunk = calloc(search->memory->count, sizeof(*sieve.first_chunk));
	if (!sieve.first_chunk)
		return -ENOMEM;
	pthread_mutex_init(&sieve.lock, NULL);
	sieve.chunks = count_chunks(&sieve);
	/* An image of tables alone has parts of them, and says where they begin. */
	if (!search->tables_only)
		run_threads(&sieve);
	pthread_mutex_destroy(&sieve.lock);
	free(sieve.first_chunk);
	for (size_t i = 0; i < count; i++)
		settle(&places[i]);
	if (pw_cancelled(search->options->cancel))
		return -ECANCELED;
	return sieve.status;
}
