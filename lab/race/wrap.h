/* SPDX-License-Identifier: MIT */
/* What the code under test reaches besides its own memory: for scenarios that stand in for a library. */
#ifndef RACE_WRAP_H
#define RACE_WRAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Some code of the program was compiled for the laboratory: it says so before main(). */
extern bool race_instrumented;

/* The setup runs: memory that it allocates is the scenario's. */
extern bool race_setting_up;

/* A plain access to @bytes bytes, as the compiler would call it out. */
void race_read(const void *p, size_t bytes, const void *pc);
void race_written(void *p, size_t bytes, const void *pc);

/* A fence for the thread's store buffer. */
void race_drain(const void *pc);

/*
 * The thread enters or leaves a section of readers: the word at @mark becomes @value. It is an operation of its
 * own, not a store that could be late.
 */
void race_section(void *mark, uint64_t value, bool enter);

/* Is a run under way? False in the setup. */
bool race_running(void);
/* Loads a word behind a full barrier, as one step. */
uint64_t race_look(const uint64_t *word);
/* Loads 4 bytes, with acquire order, as one step. */
uint64_t race_load_half(const void *at);
/* Adds one to a word by a read-modify-write, as one step. */
void race_count(uint64_t *word);
/* Stores 4 or 8 bytes as a release store of the code under test. */
void race_store(void *at, uint64_t value, unsigned bytes);
/* What the thread does meanwhile is no step: for the scenario's own looks. */
void race_pause_steps(bool pause);
/* The object is freed: a step that writes all of it. Accesses from then on are findings. */
void race_gone(void *at, size_t bytes);
/* From now on the thread may, or may not, touch freed memory, as an allocator does. Returns what it was. */
bool race_trust(bool trusted);

#endif
