/* SPDX-License-Identifier: MIT */
/*
 * A machine for tests: memory with page tables, made by a format's own builders, and beside it the flat
 * truth: a list of the mapped pages. The memory is two segments with a gap between them. It is read in
 * place, by copies, and through a hook that counts.
 */
#ifndef TESTS_UNIT_MACHINE_H
#define TESTS_UNIT_MACHINE_H

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "access/hooked.h"
#include "random.h"
#include "walk/instance.h"

enum {
	MACHINE_SEGMENT = 4 << 20, /* bytes of each segment */
	MACHINE_GAP = 1 << 20, /* bytes between them */
	MACHINE_BASE = 1 << 20, /* where the first begins */
};

/* A page that was mapped, or an entry that has a page but does not map it (PROT_NONE). */
struct item {
	pw_va first, last;
	pw_pa pa;
	uint64_t entry;
	uint32_t attr; /* as formats use it: with PW_KEXEC and memory type */
	uint32_t keep; /* the attributes that the tables above leave */
	uint8_t status, level, lg2;
};

/* A table as it was built; slots are children, or marks. */
struct node {
	pw_pa table;
	uint32_t keep;
	uint8_t level, shift, bits;
	uint64_t above; /* the value of the entry that leads here */
	struct node *slot[];
};

struct machine {
	struct pw_hook hook; /* must be first: its address is the machine's */
	const struct pw_format *format;
	struct pw_regime regime;
	uint64_t seed;
	unsigned char *bytes[2];
	size_t used[2];
	struct pw_memory *direct, *fetched;
	struct node *root[PW_MAX_ROOTS];
	struct item *items; /* sorted once machine_seal() was called */
	size_t count;
	/* Counted by the hook: loads in all, and for each word of memory. */
	uint64_t loads;
	uint8_t *loaded;
	uint32_t *touched; /* words whose count is not 0 */
	size_t touched_count;
	/* The address of an entry that has another value at every second load; 0 for none. */
	pw_pa flip_at;
	uint64_t flip_value;
	unsigned flips;
};

/* The ways to read memory; all must give the same answers. */
enum way { IN_PLACE, COPIED, HOOKED, WAYS };

/*
 * Makes a machine whose regime has @roots root words of level @top, with empty top tables. Returns false
 * if the format does not have such a regime.
 */
bool machine_init(struct machine *machine, const struct pw_format *format,
		  const struct pw_regime_options *options, unsigned top, unsigned roots,
		  uint64_t seed);
void machine_deinit(struct machine *machine);

/* Allocates memory for a table, aligned to its size; 0 if there is none left. */
pw_pa machine_alloc(struct machine *machine, size_t bytes);
/* The place of a word in the test's memory, or NULL. */
unsigned char *machine_host(const struct machine *machine, pw_pa pa);
void machine_store(struct machine *machine, pw_pa at, uint64_t entry);
uint64_t machine_load(const struct machine *machine, pw_pa at);

/* Maps a page of @level at @va; false if something is in the way, or no memory is left. */
bool machine_map(struct machine *machine, pw_va va, unsigned level, pw_pa pa, uint32_t attr,
		 bool prot_none);
/* Can a leaf of @level hold this address? Formats differ in how many of its bits an entry has. */
bool machine_fits(const struct machine *machine, unsigned level, pw_pa pa);
/* Fills the address space: clusters of all kinds at every boundary of a table, and elsewhere. */
void machine_populate(struct machine *machine, unsigned clusters);
/* Changes the permissions of some table entries, and sorts the items. */
void machine_seal(struct machine *machine);

/* The item that covers @va, or NULL. */
const struct item *machine_item(const struct machine *machine, pw_va va);
/* What a walk must say about @va. */
void machine_expect(const struct machine *machine, pw_va va, struct pw_result *result);
/* The deepest table that covers @va, which lies in a span. */
const struct node *machine_node(const struct machine *machine, pw_va va);
/* An interesting address: at a page's edge, at a table's edge, or anywhere. */
pw_va machine_interesting(struct machine *machine);

enum pw_status machine_translate(struct machine *machine, enum way way, pw_va va,
				 struct pw_result *result, struct pw_trace *trace);
int machine_walk(struct machine *machine, enum way way, pw_va first, pw_va last,
		 const struct pw_walk_ops *ops, void *private_data);

/* Fails the test unless both results are the same, and shows both. */
void assert_result(const struct machine *machine, const char *what, const struct pw_result *result,
		   const struct pw_result *expected);

/* All data about formats, for every format of which tests can build tables. */
typedef void machine_test(struct machine *machine);
void for_all_machines(machine_test *test, unsigned rounds);

#endif
