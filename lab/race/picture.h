/* SPDX-License-Identifier: MIT */
/*
 * The picture of a finding: what each thread does, one lane for each, time downwards. It keeps what it needs of the
 * run, so that other runs may follow before it is drawn.
 *
 *     race_search_scenario    the shortest schedule, replayed: the words that it touches
 *     race_picture_make       the replay that is recorded (record.c); its rows, folded, and as sentences (explain.c)
 *     race_decide             the step after which every continuation fails
 *     race_picture_text, race_picture_svg, race_picture_html
 */
#ifndef RACE_PICTURE_H
#define RACE_PICTURE_H

#include "lab/race/record.h"
#include "lab/race/trace.h"

enum race_row_kind {
	RACE_ROW_STEP,
	RACE_ROW_BUFFERED, /* a store that goes into its thread's buffer */
	RACE_ROW_FOLDED, /* steps of one thread that no other thread's step conflicts with */
	RACE_ROW_WAITS, /* where a thread waits when the run has ended */
};

struct race_row {
	enum race_row_kind kind;
	unsigned thread;
	unsigned first, last,
		count; /* the steps, from 0; of a store, the one that it comes before */
	unsigned moment; /* how many events have been done after it */
	int interrupted; /* the thread that did the step before, and could have gone on; or -1 */
	int partner; /* of a store: the row in which it leaves the buffer; and the reverse; or -1 */
	int from; /* the row of the write that this reads, or -1 */
	bool decisive;
	bool joined; /* a store that left the buffer at once */
	char words[256]; /* "store x: 0 -> 1" */
	char name[64], stored[64]; /* of a store: of the word, and the value */
	char sentence[512];
	char file[64];
	int line;
	const void *pc;
	struct race_stack stack;
};

/* A word that the run touches. */
struct race_watched {
	struct race_op op; /* the first step that touches it; a lock's, if it is one */
	bool conflicts; /* steps of several threads touch it, and one of them writes */
};

/* The step after which every continuation fails. */
struct race_decision {
	bool known; /* the search was not ended by its limit, or by new words */
	unsigned steps; /* so many steps of the run make it fail; 0: it fails in every order */
	uint64_t failing; /* classes of continuations after them; all fail */
	uint64_t runs; /* that were needed to find out */
	bool alternative; /* a run that ends well was met, in which another step comes before that one */
	unsigned lane; /* whose step */
	char words[128]; /* and which one */
};

struct race_picture {
	const struct pw_lab_scenario *scenario;
	enum pw_lab_model model;
	enum pw_lab_finding finding;
	unsigned threads;
	unsigned columns; /* threads that have a row */
	unsigned column[RACE_THREADS]; /* of each thread that has one */
	unsigned thread_in[RACE_THREADS]; /* of each column */
	bool failed; /* otherwise it is a schedule that was given, and ends well */
	char failure[256];
	char schedule[4096]; /* empty if it is longer */
	char title[512]; /* the verdict in one sentence */
	char details[768]; /* the parties' steps; may be empty */
	char decided[768];
	char command[4608]; /* that replays the run */
	char counts[512]; /* what the search has counted */
	struct race_event *event;
	struct race_step_text *step;
	uint8_t *lane; /* the order of the run */
	bool *shown; /* of each event: not folded */
	unsigned depth;
	struct race_row *row;
	unsigned rows, row_room;
	struct race_watched *word;
	struct race_op *watched;
	unsigned words;
	unsigned waiting; /* threads that wait at the end, as bits */
	struct race_op pending[RACE_THREADS];
	struct race_record record;
	struct race_decision decision;
};

/*
 * For the call of race_search_scenario, while the events of the replay stand: notes which words the run touches,
 * and its order.
 */
void race_picture_watch(struct race_picture *picture);
/* Replays the run once more, and makes the picture. False if the run was another one. */
bool race_picture_make(struct race_picture *picture, const struct pw_lab_scenario *scenario,
		       enum pw_lab_model model);
/*
 * Makes the rows, and says everything in sentences. For after race_decide(). @command runs the scenario; NULL: it is
 * this program with the scenario's name.
 */
void race_picture_finish(struct race_picture *picture, const char *command);
void race_picture_free(struct race_picture *picture);

/* ---- decide.c ---- */

/* Fills in the decision, with at most @limit runs. */
void race_decide(struct race_picture *picture, uint64_t limit);

/* ---- explain.c ---- */

/* The verdict with its parties, the details, the decision, and the sentence of each row. */
void race_explain(struct race_picture *picture, const char *command);
/* The words of a step, without its thread. */
void race_step_words(const struct race_step_text *step, char *text, size_t size);
const char *race_model_name(enum pw_lab_model model);

/* ---- what is drawn ---- */

/* "file.c:12", or nothing. */
void race_row_source(const struct race_row *row, char *text, size_t size);
/* The calls that led to a row, the innermost first. Returns how many there are. */
unsigned race_row_frames(const struct race_row *row, struct race_frame *frame, unsigned room);
/* The word's value when so many events had been done. */
uint64_t race_word_at(const struct race_picture *picture, unsigned word, unsigned moment);
/* The last event before the moment that wrote to the word; -1 if there is none. */
int race_word_writer(const struct race_picture *picture, unsigned word, unsigned moment);
/* What threads have in their buffers for the word after this row: "left has 1 in its buffer"; or nothing. */
void race_word_buffered(const struct race_picture *picture, unsigned word, unsigned row, char *text,
			size_t size);

/* In columns, at most @width wide; with the call stack below each step if @stacks. */
void race_picture_text(FILE *file, const struct race_picture *picture, unsigned width, bool stacks);
void race_picture_svg(FILE *file, const struct race_picture *picture);
void race_picture_html(FILE *file, const struct race_picture *picture);

#endif
