/* SPDX-License-Identifier: MIT */
/* Makes the picture of a finding from a run that is replayed and recorded. */
#include <stdio.h>
#include <string.h>

#include "lab/race/picture.h"
#include "lab/race/real.h"

static unsigned thread_of(const struct race_event *event)
{
	return event->lane % RACE_THREADS;
}

static bool has_value(const struct race_op *op)
{
	return op->bytes == 1 || op->bytes == 2 || op->bytes == 4 || op->bytes == 8;
}

static bool conflict(const struct race_op *a, const struct race_op *b)
{
	return (a->writes || b->writes) && race_overlap(a, b);
}

/* ---- the words of the run ---- */

static struct race_watched *find_word(struct race_picture *picture, const struct race_op *op)
{
	for (unsigned i = 0; i < picture->words; i++)
		if (picture->word[i].op.at == op->at && picture->word[i].op.bytes == op->bytes)
			return &picture->word[i];
	return NULL;
}

static void watch(struct race_picture *picture, const struct race_op *op, bool conflicts)
{
	struct race_watched *word;

	if (!has_value(op))
		return;
	word = find_word(picture, op);
	if (!word) {
		word = &picture->word[picture->words++];
		*word = (struct race_watched){ .op = *op };
	}
	word->conflicts |= conflicts;
	/* A step that looks at a lock without taking it does not say that it is one. */
	if (op->kind == RACE_LOCK || op->kind == RACE_UNLOCK)
		word->op.kind = op->kind;
}

/* Is there a step of another thread that this one conflicts with? */
static bool conflicts_with_any(const struct race_event *event, const struct race_event *all,
			       unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (thread_of(&all[i]) != thread_of(event) && conflict(&all[i].op, &event->op))
			return true;
	return false;
}

void race_picture_watch(struct race_picture *picture)
{
	const unsigned depth = race.depth;

	race_picture_free(picture);
	picture->word = __real_calloc(depth + 1, sizeof(*picture->word));
	picture->watched = __real_calloc(depth + 1, sizeof(*picture->watched));
	picture->lane = __real_calloc(depth + 1, sizeof(*picture->lane));
	picture->event = __real_calloc(depth + 1, sizeof(*picture->event));
	picture->step = __real_calloc(depth + 1, sizeof(*picture->step));
	picture->shown = __real_calloc(depth + 1, sizeof(*picture->shown));
	if (!picture->word || !picture->watched || !picture->lane || !picture->event ||
	    !picture->step || !picture->shown)
		return;
	picture->depth = depth;
	for (unsigned i = 0; i < depth; i++) {
		picture->lane[i] = (uint8_t)(race_event[i].lane | race_event[i].older
									  << RACE_LANE_BITS);
		picture->shown[i] = conflicts_with_any(&race_event[i], race_event, depth);
		watch(picture, &race_event[i].op, picture->shown[i]);
	}
	for (unsigned i = 0; i < picture->words; i++)
		picture->watched[i] = picture->word[i].op;
}

/* ---- the recorded run ---- */

struct made {
	struct race_picture *picture;
	bool same;
};

/* The run has been repeated, and its events stand. */
static void keep_run(void *context)
{
	struct made *made = context;
	struct race_picture *picture = made->picture;
	struct race_event *last = race.depth ? &race_event[race.depth - 1] : NULL;

	if (race.depth != picture->depth)
		return;
	made->same = true;
	race_record_moment();
	if (last && last->op.writes)
		last->after = race_value(&last->op);
	__real_memcpy(picture->event, race_event, picture->depth * sizeof(*race_event));
	for (unsigned i = 0; i < picture->depth; i++) {
		race_tell(i, &picture->step[i]);
		picture->step[i].event = &picture->event[i];
	}
	picture->threads = race.threads;
	picture->waiting = race_alive();
	__real_memcpy(picture->pending, race.pending, sizeof(picture->pending));
	picture->finding = race.finding;
	picture->failed = race.failure != NULL;
	snprintf(picture->failure, sizeof(picture->failure), "%s",
		 race.failure ? race.failure : "the schedule ends, and nothing has failed");
	race_schedule_write(picture->schedule, sizeof(picture->schedule));
}

bool race_picture_make(struct race_picture *picture, const struct pw_lab_scenario *scenario,
		       enum pw_lab_model model)
{
	struct made made = { .picture = picture };
	const struct race_search how = { .mode = RACE_REPLAY,
					 .schedule = picture->lane,
					 .scheduled = picture->depth,
					 .found = keep_run,
					 .context = &made };
	struct pw_lab_result result;

	if (!picture->lane ||
	    !race_record_begin(&picture->record, picture->watched, picture->words, picture->depth))
		return false;
	picture->scenario = scenario;
	picture->model = model;
	race_explore(scenario, model, &how, &result);
	race_record_end();
	return made.same;
}

void race_picture_free(struct race_picture *picture)
{
	race_record_free(&picture->record);
	__real_free(picture->word);
	__real_free(picture->watched);
	__real_free(picture->lane);
	__real_free(picture->event);
	__real_free(picture->step);
	__real_free(picture->shown);
	__real_free(picture->row);
	__real_memset(picture, 0, sizeof(*picture));
}

/* ---- rows ---- */

static struct race_row *add_row(struct race_picture *picture, enum race_row_kind kind,
				unsigned thread)
{
	struct race_row *row = &picture->row[picture->rows++];

	__real_memset(row, 0, sizeof(*row));
	row->kind = kind;
	row->thread = thread;
	row->interrupted = row->partner = row->from = -1;
	return row;
}

static void set_place(struct race_row *row, const void *pc, const struct race_stack *stack)
{
	char function[64];

	row->pc = pc;
	if (stack)
		row->stack = *stack;
	if (!race_line(pc, row->file, sizeof(row->file), &row->line, function, sizeof(function)))
		*row->file = '\0';
}

/* The event that lane @lane does as its @index-th, from 1; the depth if there is none. */
static unsigned event_of_lane(const struct race_picture *picture, unsigned lane, unsigned index)
{
	for (unsigned i = 0; i < picture->depth; i++)
		if (picture->event[i].lane == lane && picture->event[i].index == (int)index)
			return i;
	return picture->depth;
}

/* The event in which a store leaves the buffer. Stores of a thread leave it in their order. */
static unsigned flush_of(const struct race_picture *picture, unsigned store)
{
	const struct race_stored *stores = picture->record.store;
	unsigned before = 0;

	for (unsigned i = 0; i < store; i++)
		before += stores[i].thread == stores[store].thread;
	return event_of_lane(picture, stores[store].thread + RACE_THREADS, before + 1);
}

/*
 * The event that a store is drawn before. Nobody sees when a thread does something alone, so it is drawn where it
 * reads best: as late as it may be.
 */
static unsigned place_of(const struct race_picture *picture, unsigned store)
{
	const struct race_stored *stored = &picture->record.store[store];
	unsigned place = flush_of(picture, store);

	for (unsigned i = stored->depth; i < place; i++)
		if (picture->event[i].lane == stored->thread)
			return i;
	return place;
}

static void add_store(struct race_picture *picture, unsigned store, unsigned place)
{
	const struct race_stored *stored = &picture->record.store[store];
	unsigned flush = flush_of(picture, store);
	struct race_row *row;

	if (flush < picture->depth && !picture->shown[flush])
		return;
	row = add_row(picture, RACE_ROW_BUFFERED, stored->thread);
	row->first = row->last = place;
	row->moment = place;
	race_tell_name(&stored->op, row->name, sizeof(row->name));
	race_tell_value(&stored->op, stored->value, row->stored, sizeof(row->stored));
	snprintf(row->words, sizeof(row->words), "(store %s: %s, buffered)", row->name,
		 row->stored);
	set_place(row, stored->op.pc, &stored->stack);
	/* The number of the event for now: rows are linked when all are there. */
	row->partner = flush < picture->depth ? (int)flush : -1;
}

static void add_step(struct race_picture *picture, unsigned i)
{
	const struct race_event *event = &picture->event[i];
	const unsigned thread = thread_of(event);
	const struct race_record *record = &picture->record;
	struct race_row *row = add_row(picture, RACE_ROW_STEP, thread);
	const bool own = event->lane < RACE_THREADS;

	row->first = row->last = i;
	row->count = 1;
	row->moment = i + 1;
	row->decisive = picture->decision.known && picture->decision.steps == i + 1;
	race_step_words(&picture->step[i], row->words, sizeof(row->words));
	set_place(row, event->op.pc,
		  own && (unsigned)event->index <= record->steps[thread] && event->index > 0
			  ? &record->stack[thread][event->index - 1]
			  : NULL);
	row->from = event->from;
}

/* The folded steps from @first on, before the next one that is shown: one row for each thread. Returns where it ends. */
static unsigned add_folds(struct race_picture *picture, unsigned first)
{
	unsigned end = first;

	while (end < picture->depth && !picture->shown[end])
		end++;
	for (unsigned thread = 0; thread < picture->threads; thread++) {
		struct race_row *row = NULL;

		for (unsigned i = first; i < end; i++) {
			if (thread_of(&picture->event[i]) != thread)
				continue;
			if (!row) {
				row = add_row(picture, RACE_ROW_FOLDED, thread);
				row->first = i;
			}
			row->last = i;
			row->count++;
			row->moment = end;
		}
		if (row)
			snprintf(row->words, sizeof(row->words), "... %u step%s", row->count,
				 row->count > 1 ? "s" : "");
	}
	return end;
}

static void add_waits(struct race_picture *picture)
{
	for (unsigned thread = 0; thread < picture->threads; thread++) {
		const struct race_op *op = &picture->pending[thread];
		struct race_row *row;
		char name[64];

		if (!(picture->waiting & 1u << thread) || !race_blocks(op) ||
		    picture->scenario->thread[thread].daemon)
			continue;
		row = add_row(picture, RACE_ROW_WAITS, thread);
		row->first = row->last = row->moment = picture->depth;
		race_tell_name(op, name, sizeof(name));
		if (op->kind == RACE_YIELD)
			snprintf(row->words, sizeof(row->words), "waits for any write");
		else
			snprintf(row->words, sizeof(row->words), "waits: %s%s",
				 op->kind == RACE_LOCK ? "lock " : "", name);
		set_place(
			row, op->pc,
			picture->record.steps[thread]
				? &picture->record.stack[thread][picture->record.steps[thread] - 1]
				: NULL);
	}
}

/* Turns numbers of events into numbers of rows, and looks for threads that were interrupted. */
static void link_rows(struct race_picture *picture, const int *row_of)
{
	int last = -1;

	for (unsigned i = 0; i < picture->rows; i++) {
		struct race_row *row = &picture->row[i];

		if (row->from >= 0)
			row->from = row_of[row->from];
		if (row->kind == RACE_ROW_BUFFERED && row->partner >= 0) {
			row->partner = row_of[row->partner];
			if (row->partner >= 0) {
				picture->row[row->partner].partner = (int)i;
				picture->row[row->partner].stack = row->stack;
			}
		}
		if (row->kind == RACE_ROW_WAITS)
			continue;
		if (last >= 0 && last != (int)row->thread && row->first < picture->depth &&
		    picture->event[row->first].enabled & 1u << last)
			row->interrupted = last;
		last = (int)row->thread;
	}
}

/* Is a thread still waiting for the word of this step? */
static bool is_waited_for(const struct race_picture *picture, const struct race_event *event)
{
	for (unsigned i = 0; i < picture->threads; i++)
		if (picture->waiting & 1u << i && i != thread_of(event) && event->op.writes &&
		    race_blocks(&picture->pending[i]) &&
		    race_overlap(&picture->pending[i], &event->op))
			return true;
	return false;
}

/* A store that leaves its buffer at once, before anybody else does anything, takes one row. */
static void join_stores(struct race_picture *picture)
{
	unsigned rows = 0;

	for (unsigned i = 0; i < picture->rows; i++) {
		struct race_row *row = &picture->row[i];
		const bool joined = row->kind == RACE_ROW_BUFFERED && i + 1 < picture->rows &&
				    row[1].kind == RACE_ROW_STEP &&
				    row->partner == (int)row[1].first;

		if (joined) {
			const struct race_stack stack = row->stack;
			char words[sizeof(row->words)];

			*row = row[1];
			row->stack = stack;
			row->joined = true;
			/* "~ flush x: 0 -> 1" */
			snprintf(words, sizeof(words), "store, %s", row->words + strlen("~ "));
			__real_memcpy(row->words, words, sizeof(words));
		}
		picture->row[rows++] = *row;
		i += joined;
	}
	picture->rows = rows;
}

/* Threads that do nothing in this run have no column. */
static void find_columns(struct race_picture *picture)
{
	for (unsigned thread = 0; thread < picture->threads; thread++) {
		bool any = false;

		for (unsigned i = 0; i < picture->rows && !any; i++)
			any = picture->row[i].thread == thread;
		if (!any)
			continue;
		picture->column[thread] = picture->columns;
		picture->thread_in[picture->columns++] = thread;
	}
}

/* Steps that are shown although no other thread's step conflicts with them. */
static void show_more(struct race_picture *picture)
{
	for (unsigned i = 0; i < picture->depth; i++) {
		const struct race_event *event = &picture->event[i];
		bool stores = false;

		for (unsigned j = 0; j < picture->record.stores && !stores; j++)
			stores = picture->record.store[j].thread == thread_of(event);
		if (is_waited_for(picture, event) || event->op.kind == RACE_YIELD ||
		    (event->op.kind == RACE_FENCE && stores))
			picture->shown[i] = true;
	}
	if (picture->depth > 0)
		picture->shown[picture->depth - 1] = true;
	if (picture->decision.known && picture->decision.steps > 0)
		picture->shown[picture->decision.steps - 1] = true;
}

void race_picture_finish(struct race_picture *picture, const char *command)
{
	const unsigned stores = picture->record.stores;
	int *row_of = __real_calloc(picture->depth + 1, sizeof(*row_of));

	picture->row = __real_calloc(picture->depth + stores + RACE_THREADS + 1,
				     sizeof(*picture->row));
	if (!row_of || !picture->row) {
		__real_free(row_of);
		return;
	}
	show_more(picture);
	for (unsigned i = 0; i <= picture->depth; i++) {
		for (unsigned j = 0; j < stores; j++)
			if (place_of(picture, j) == i)
				add_store(picture, j, i);
		if (i == picture->depth)
			break;
		if (picture->shown[i])
			add_step(picture, i);
		else if (i == 0 || picture->shown[i - 1])
			add_folds(picture, i);
	}
	add_waits(picture);
	join_stores(picture);
	find_columns(picture);
	for (unsigned i = 0; i < picture->depth; i++)
		row_of[i] = -1;
	for (unsigned i = 0; i < picture->rows; i++)
		if (picture->row[i].kind == RACE_ROW_STEP)
			row_of[picture->row[i].first] = (int)i;
	link_rows(picture, row_of);
	__real_free(row_of);
	race_explain(picture, command);
}

/* ---- what is drawn ---- */

void race_row_source(const struct race_row *row, char *text, size_t size)
{
	*text = '\0';
	if (*row->file)
		snprintf(text, size, "%s:%d", row->file, row->line);
}

unsigned race_row_frames(const struct race_row *row, struct race_frame *frame, unsigned room)
{
	unsigned count = race_frames(row->pc, frame, room);

	for (unsigned i = 0; i < row->stack.count && count < room; i++)
		count += race_frames(row->stack.pc[i], frame + count, room - count);
	return count;
}

uint64_t race_word_at(const struct race_picture *picture, unsigned word, unsigned moment)
{
	const struct race_moment *moments = picture->record.moment;

	while (moment > 0 && !moments[moment].taken)
		moment--;
	return moments[moment].taken ? moments[moment].value[word] : 0;
}

int race_word_writer(const struct race_picture *picture, unsigned word, unsigned moment)
{
	/* A data race ends the run before its second access is done. */
	if (picture->finding == PW_LAB_DATA_RACE && moment == picture->depth && moment > 0)
		moment--;
	while (moment-- > 0) {
		const struct race_op *op = &picture->event[moment].op;

		if (op->writes && race_overlap(op, &picture->word[word].op))
			return (int)moment;
	}
	return -1;
}

void race_word_buffered(const struct race_picture *picture, unsigned word, unsigned row, char *text,
			size_t size)
{
	*text = '\0';
	for (unsigned i = 0; i < picture->record.stores; i++) {
		const struct race_stored *store = &picture->record.store[i];
		unsigned from = 0, to = picture->rows;
		char value[64];
		size_t used = strlen(text);

		if (!race_overlap(&store->op, &picture->word[word].op))
			continue;
		while (from < picture->rows && !(picture->row[from].kind == RACE_ROW_BUFFERED &&
						 picture->row[from].pc == store->op.pc &&
						 picture->row[from].thread == store->thread &&
						 picture->row[from].first == place_of(picture, i)))
			from++;
		if (from < picture->rows && picture->row[from].partner >= 0)
			to = (unsigned)picture->row[from].partner;
		if (row < from || row >= to)
			continue;
		race_tell_value(&store->op, store->value, value, sizeof(value));
		snprintf(text + used, size - used, "%s%s has %s in its buffer", used ? "; " : "",
			 picture->scenario->thread[store->thread].name, value);
	}
}
