/* SPDX-License-Identifier: MIT */
/* Lists of names with a sentence each, as wide as the terminal. */
#ifndef RACE_SCENE_LIST_H
#define RACE_SCENE_LIST_H

/* How wide lines may be: columns of the terminal; 0: the output is none, and lines stay whole. */
unsigned list_width(void);
/*
 * Prints a name and its sentence. On a terminal, what does not fit goes on below the sentence; where there is little
 * room, all of it is below the name. Only a word that is wider than the room makes a line too wide.
 */
void list_entry(const char *name, const char *sentence, unsigned width);
/* Prints words from the first column on. */
void list_words(const char *words, unsigned width);

#endif
