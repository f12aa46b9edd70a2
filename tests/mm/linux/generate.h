/* SPDX-License-Identifier: MIT */
/* What generate.c (single calls) and groups.c (calls that are known to go wrong together) share. */
#ifndef CHECK_LINUX_GENERATE_H
#define CHECK_LINUX_GENERATE_H

#include "check.h"

enum { BORDERS = 16 };

static const uint64_t HUGE_BYTES = UINT64_C(2) << 20;

struct generator {
	struct script *script;
	const struct abilities *can;
	uint64_t state;
	uint64_t border[BORDERS]; /* addresses that were used before */
	unsigned alive; /* processes, as bits */
	unsigned ever; /* that were alive, as bits */
};

static inline uint64_t below(struct generator *g, uint64_t count)
{
	return random_next(&g->state) % count;
}

static inline bool chance(struct generator *g, unsigned percent)
{
	return below(g, 100) < percent;
}

/* An address, mostly one that calls used before. */
uint64_t gen_border(struct generator *g);
/* Later calls will use the address. */
void gen_remember(struct generator *g, uint64_t va);
/* Fills arg[0] and arg[1]: a range, mostly between two borders. */
void gen_range(struct generator *g, uint64_t *arg);
uint64_t gen_prot(struct generator *g);
/* The number of a file. */
uint64_t gen_file(struct generator *g);
/* A process that is alive. */
unsigned gen_process(struct generator *g);

/* Adds a call, unless it is not safe. */
void gen_add(struct generator *g, unsigned who, enum call_kind kind, const uint64_t *arg);
void gen_touch(struct generator *g, unsigned who);
void gen_file_call(struct generator *g, unsigned who);
void gen_fork(struct generator *g, unsigned who);
void gen_clear_refs(struct generator *g, unsigned who);
void gen_group(struct generator *g, unsigned who);

#endif
