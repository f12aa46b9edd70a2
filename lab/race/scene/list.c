/* SPDX-License-Identifier: MIT */
/* Lists of names with a sentence each, as wide as the terminal. */
#include "lab/race/scene/list.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
	NAME = 20, /* columns of a name */
	NARROW = 60, /* columns in which a name and its sentence have no room beside each other */
	INDENT = 2, /* of a sentence below its name */
	UNKNOWN = 80, /* what a terminal has that does not say it */
};

unsigned list_width(void)
{
	struct winsize size;

	if (!isatty(STDOUT_FILENO))
		return 0;
	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col
									       : UNKNOWN;
}

/* Characters of UTF-8. */
static unsigned columns(const char *text, size_t bytes)
{
	unsigned count = 0;

	for (size_t i = 0; i < bytes; i++)
		count += ((unsigned char)text[i] & 0xc0) != 0x80;
	return count;
}

/* Prints words from column @at on, which is where the cursor is; further lines begin at @indent. */
static void print_words(const char *words, unsigned at, unsigned indent, unsigned width)
{
	unsigned column = at;
	bool between = false; /* something is before the next word in its line */

	for (;;) {
		size_t bytes;
		unsigned wide;

		words += strspn(words, " \n");
		bytes = strcspn(words, " \n");
		if (bytes == 0)
			break;
		wide = columns(words, bytes);
		if (column > indent && column + between + wide > width) {
			printf("\n%*s", (int)indent, "");
			column = indent;
		} else if (between) {
			putchar(' ');
			column++;
		}
		fwrite(words, 1, bytes, stdout);
		column += wide;
		words += bytes;
		between = true;
	}
	putchar('\n');
}

void list_entry(const char *name, const char *sentence, unsigned width)
{
	const unsigned wide = columns(name, strlen(name));

	if (width == 0) {
		printf("%-*s %s\n", NAME, name, sentence);
	} else if (width < NARROW) {
		printf("%s\n%*s", name, INDENT, "");
		print_words(sentence, INDENT, INDENT, width);
	} else {
		printf("%-*s ", NAME, name);
		print_words(sentence, (wide > NAME ? wide : NAME) + 1u, NAME + 1u, width);
	}
}

void list_words(const char *words, unsigned width)
{
	if (width == 0)
		fputs(words, stdout);
	else
		print_words(words, 0, 0, width);
}
