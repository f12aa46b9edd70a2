/* SPDX-License-Identifier: MIT */
/* The picture of a finding as text: one column for each thread, the source line at the right. */
#include <stdio.h>
#include <string.h>

#include "lab/race/markup.h"
#include "lab/race/picture.h"
#include "lab/race/real.h"

enum {
	GUTTER = 6, /* the step's number, and the mark of the decisive one */
	COLUMN_LEAST = 16,
	COLUMN_MOST = 52,
	WIDEST = 400,
};

struct columns {
	FILE *file;
	const struct race_picture *picture;
	unsigned width, column;
	int last[RACE_THREADS]; /* the row after which the thread's lane ends */
};

static unsigned widest_source(const struct race_picture *picture)
{
	unsigned widest = 0;
	char text[96];

	for (unsigned i = 0; i < picture->rows; i++) {
		race_row_source(&picture->row[i], text, sizeof(text));
		widest = strlen(text) > widest ? (unsigned)strlen(text) : widest;
	}
	return widest;
}

/* Writes one line without blanks at its end. */
static void put_line(FILE *file, char *line)
{
	size_t length = strlen(line);

	while (length > 0 && line[length - 1] == ' ')
		line[--length] = '\0';
	fprintf(file, "%s\n", line);
}

/* Copies as many bytes as there are into the line, which has blanks. */
static void place(char *line, unsigned at, const char *text, size_t length)
{
	for (size_t i = 0; i < length && text[i] && at + i + 1 < WIDEST; i++)
		line[at + i] = text[i];
}

static void paragraph(FILE *file, const char *first, unsigned indent, unsigned width,
		      const char *text)
{
	fputs(first, file);
	while (*text) {
		size_t skip, length = race_line_break(text, width - indent, &skip);

		fprintf(file, "%.*s\n", (int)length, text);
		text += length + skip;
		if (*text)
			fprintf(file, "%*s", (int)indent, "");
	}
}

static void print_head(const struct columns *columns)
{
	const struct race_picture *picture = columns->picture;
	char line[WIDEST];

	__real_memset(line, ' ', WIDEST - 1);
	line[WIDEST - 1] = '\0';
	for (unsigned i = 0; i < picture->columns; i++)
		place(line, GUTTER + i * columns->column,
		      picture->scenario->thread[picture->thread_in[i]].name, columns->column - 1);
	put_line(columns->file, line);
}

/* A row takes as many lines as its words; the lanes of other threads go past it. */
static void print_row(const struct columns *columns, unsigned i)
{
	const struct race_picture *picture = columns->picture;
	const struct race_row *row = &picture->row[i];
	const char *text = row->words;
	char source[96], number[16];
	bool first = true;

	race_row_source(row, source, sizeof(source));
	snprintf(number, sizeof(number), "%4u%c", row->first + 1, row->decisive ? '*' : ' ');
	while (*text || first) {
		const unsigned indent = first ? 2 : 4;
		size_t skip, length = race_line_break(text, columns->column - indent - 1, &skip);
		char line[WIDEST];

		__real_memset(line, ' ', WIDEST - 1);
		line[WIDEST - 1] = '\0';
		if (first && row->kind == RACE_ROW_STEP)
			place(line, 0, number, sizeof(number));
		for (unsigned k = 0; k < picture->columns; k++)
			if ((int)i <= columns->last[picture->thread_in[k]])
				place(line, GUTTER + k * columns->column, "|", 1);
		place(line, GUTTER + picture->column[row->thread] * columns->column + indent, text,
		      length);
		if (first && row->interrupted >= 0)
			place(line, GUTTER + picture->column[row->interrupted] * columns->column,
			      "| (interrupted)", columns->column - 1);
		if (first)
			place(line, GUTTER + picture->columns * columns->column, source,
			      sizeof(source));
		put_line(columns->file, line);
		text += length + skip;
		first = false;
	}
}

/* Where threads have no room for columns: "12  pinner: load x: 0 (a.c:12)". */
static void print_crowded(const struct columns *columns, unsigned i)
{
	const struct race_picture *picture = columns->picture;
	const struct race_row *row = &picture->row[i];
	char source[96], number[16], text[512];

	race_row_source(row, source, sizeof(source));
	snprintf(number, sizeof(number), "%4u%c ", row->first + 1, row->decisive ? '*' : ' ');
	snprintf(text, sizeof(text), "%s: %s%s%s%s", picture->scenario->thread[row->thread].name,
		 row->words, *source ? " (" : "", source, *source ? ")" : "");
	paragraph(columns->file, row->kind == RACE_ROW_STEP ? number : "      ", GUTTER,
		  columns->width, text);
}

/* "in f (a.c:12), called from g (a.c:30)" */
static void print_stack(const struct columns *columns, const struct race_row *row)
{
	struct race_frame frame[RACE_FRAMES];
	unsigned count = race_row_frames(row, frame, RACE_FRAMES);
	char text[8192] = "";

	for (unsigned i = 0; i < count; i++) {
		size_t used = strlen(text);

		snprintf(text + used, sizeof(text) - used, "%s%s (%s:%d)",
			 i ? ", called from " : "in ", *frame[i].function ? frame[i].function : "?",
			 *frame[i].file ? frame[i].file : "?", frame[i].line);
	}
	if (count)
		paragraph(columns->file, "          ", 12, columns->width, text);
}

static void print_end(const struct columns *columns)
{
	const struct race_picture *picture = columns->picture;
	FILE *file = columns->file;

	paragraph(file, "   => ", GUTTER, columns->width, picture->failure);
	if (*picture->details)
		paragraph(file, "      ", GUTTER, columns->width, picture->details);
	if (*picture->decided)
		paragraph(file,
			  picture->decision.known && picture->decision.steps ? "    * " : "      ",
			  GUTTER, columns->width, picture->decided);
	fprintf(file, "\n      replay: %s\n", picture->command);
}

/* Columns of each thread, where @source columns are for source lines. */
static unsigned column_width(unsigned width, unsigned source, unsigned threads)
{
	return width > GUTTER + source ? (width - GUTTER - source) / threads : 0;
}

void race_picture_text(FILE *file, const struct race_picture *picture, unsigned width, bool stacks)
{
	struct columns columns = { .file = file, .picture = picture, .width = width };
	const unsigned threads = picture->columns ? picture->columns : 1;

	columns.column = column_width(width, widest_source(picture), threads);
	if (columns.column > COLUMN_MOST)
		columns.column = COLUMN_MOST;
	for (unsigned i = 0; i < RACE_THREADS; i++)
		columns.last[i] = -1;
	for (unsigned i = 0; i < picture->rows; i++)
		columns.last[picture->row[i].thread] = (int)i;
	paragraph(file, "", 0, width, picture->title);
	fputc('\n', file);
	if (columns.column >= COLUMN_LEAST)
		print_head(&columns);
	for (unsigned i = 0; i < picture->rows; i++) {
		if (columns.column >= COLUMN_LEAST)
			print_row(&columns, i);
		else
			print_crowded(&columns, i);
		if (stacks && picture->row[i].kind != RACE_ROW_FOLDED)
			print_stack(&columns, &picture->row[i]);
	}
	print_end(&columns);
}
