/* SPDX-License-Identifier: MIT */
/*
 * A machine for tests: memory with page tables in it, built by a format's own builders, and the flat
 * truth beside it: a list of what was mapped. Memory is two segments with a gap between them, read in
 * place, by copies, and through a hook that counts.
 */
#ifndef TESTS_UNIT_MACHINE_H
#define TESTS_UNIT_MACHINE_H

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "random.h"
#include "walk/instance.h"

enum {
	MACHINE_SEGMENT = 4 << 20, /* bytes of each of the two */
	MACHINE_GAP = 1 << 20, /* between them */
	MACHINE_BASE = 1 << 20, /* where the first begins */
};

/* A page that was mapped, or a table entry that maps none but has a page (PROT_NONE). */
struct item {
	pw_va first, last;
	pw_pa pa;
	uint64_t entry;
	uint32_t attr; /* as formats say it: with PW_KEXEC and memory type */
	uint32_t keep; /* what the tables above leave */
	uint8_t status, level, lg2;
};

/* A table as it was built; slots are children, or marks. */
struct node {
	pw_pa table;
	uint32_t keep;
	uint8_t level, shift, bits;
	uint64_t above; /* value of the entry that leads here */
	struct node *slot[];
};

struct machine {
	struct pw_hook hook; /* must be first: the hook is found by it */
	const struct pw_format *format;
	struct pw_regime regime;
	uint64_t seed;
	unsigned char *bytes[2];
	size_t used[2];
	struct pw_memory *direct, *fetched;
	struct node *root[PW_MAX_ROOTS];
	struct item *items; /* sorted once machine_seal() was called */
	size_t count;
	/* What the hook counts: loads in all, and by word of memory. */
	uint64_t loads;
	uint8_t *loaded;
	uint32_t *touched; /* words whose count is not 0 */
	size_t touched_count;
	/* An entry that has another value at every second load; 0 for none. */
	pw_pa flip_at;
	uint64_t flip_value;
	unsigned flips;
};

/* How to ask: each must say the same. */
enum way { IN_PLACE, COPIED, HOOKED, WAYS };

/*
 * A machine whose regime has @roots root words of level @top, with empty top tables. Returns false
 * where the format has no such thing.
 */
bool machine_init(struct machine *machine, const struct pw_format *format,
		  const struct pw_regime_options *options, unsigned top, unsigned roots,
		  uint64_t seed);
void machine_deinit(struct machine *machine);

/* A table's worth of memory, aligned to its size; 0 if there is no more. */
pw_pa machine_alloc(struct machine *machine, size_t bytes);
/* The place of a word, or NULL. */
unsigned char *machine_host(const struct machine *machine, pw_pa pa);
void machine_store(struct machine *machine, pw_pa at, uint64_t entry);
uint64_t machine_load(const struct machine *machine, pw_pa at);

/* Maps a page of @level at @va; false if something is in the way, or there is no more memory. */
bool machine_map(struct machine *machine, pw_va va, unsigned level, pw_pa pa, uint32_t attr,
		 bool prot_none);
/* Can a leaf of @level hold this address? Formats differ in how much of it an entry has room for. */
bool machine_fits(const struct machine *machine, unsigned level, pw_pa pa);
/* Fills the address space: clusters of all kinds at every boundary of a table, and elsewhere. */
void machine_populate(struct machine *machine, unsigned clusters);
/* Changes permissions of some table entries, and sorts the items. */
void machine_seal(struct machine *machine);

/* The item that covers @va, or NULL. */
const struct item *machine_item(const struct machine *machine, pw_va va);
/* What a walk must say about @va. */
void machine_expect(const struct machine *machine, pw_va va, struct pw_result *result);
/* The deepest table that covers @va, which lies in a span. */
const struct node *machine_node(const struct machine *machine, pw_va va);
/* An address worth asking for: at a page's edge, a table's edge, or anywhere. */
pw_va machine_interesting(struct machine *machine);

enum pw_status machine_translate(struct machine *machine, enum way way, pw_va va,
				 struct pw_result *result, struct pw_trace *trace);
int machine_walk(struct machine *machine, enum way way, pw_va first, pw_va last,
		 const struct pw_walk_ops *ops, void *private_data);

/* Fails the test with both results unless they are the same. */
void assert_result(const struct machine *machine, const char *what, const struct pw_result *result,
		   const struct pw_result *expected);

/* Everything that tells formats apart, for every format that tests can build tables of. */
typedef void machine_test(struct machine *machine);
void for_all_machines(machine_test *test, unsigned rounds);

#endif
