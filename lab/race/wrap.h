/* SPDX-License-Identifier: MIT */
/* What the code under test reaches besides its own memory: for scenarios that stand in for a library. */
#ifndef RACE_WRAP_H
#define RACE_WRAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The setup runs: memory that it allocates is the scenario's. */
extern bool race_setting_up;

/* A plain access to @bytes bytes, as the compiler would call it out. */
void race_read(const void *p, size_t bytes, const void *pc);
void race_written(void *p, size_t bytes, const void *pc);

/*
 * The thread enters or leaves a section of readers: the word at @mark becomes @value. It is an operation of its
 * own, not a store that could be late.
 */
void race_section(void *mark, uint64_t value, bool enter);

#endif
