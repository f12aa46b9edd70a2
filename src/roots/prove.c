/* SPDX-License-Identifier: MIT */
/*
 * Proves places by walking: a table is good if its entries lead to good tables, or to pages that the
 * machine can have. A page of data in the place of a table nearly always has entries that do neither.
 *
 * Each table is judged once for each level, whatever leads to it. So the kernel's half, which all processes
 * share, is read once.
 */
#include <errno.h>
#include <stdlib.h>

#include "roots/roots.h"

enum {
	/* Different flags in the leaves of one table. A kernel has a dozen; data has as many as it has words. */
	FLAGS_MAX = 16,
};

/* What was counted in one table. */
struct tally {
	uint64_t user, kernel;
	uint64_t score;
	uint32_t entries; /* that are neither empty nor soft */
	uint32_t inside, outside; /* leaves, by whether the machine can have their page */
	uint32_t good, bad, empty; /* tables */
	pw_pa last_empty; /* the last of them: LoongArch has one for all addresses that are not mapped */
	uint32_t lost; /* tables that are not in the image */
	uint32_t mixed; /* tables of level 0 in which soft entries prevail */
	uint32_t malformed, soft;
	uint64_t flags[FLAGS_MAX]; /* that leaves have, beside their addresses */
	unsigned flag_count;
	bool motley; /* there were more of them */
};

int pw_roots_prover_init(struct pw_roots_prover *prover, const struct pw_roots_search *search,
			 const struct pw_roots_try *attempt)
{
	*prover = (struct pw_roots_prover){ .search = search, .attempt = attempt };
	prover->key = pw_hash_key();
	prover->mask = 1023;
	prover->slots = calloc(prover->mask + 1, sizeof(*prover->slots));
	if (!prover->slots)
		prover->status = -ENOMEM;
	for (unsigned i = 0; i < PW_MAX_LEVELS; i++) {
		prover->buffer[i] = malloc(PW_ROOTS_TABLE_BYTES);
		if (!prover->buffer[i])
			prover->status = -ENOMEM;
	}
	return prover->status;
}

void pw_roots_prover_end(struct pw_roots_prover *prover)
{
	for (unsigned i = 0; i < PW_MAX_LEVELS; i++)
		free(prover->buffer[i]);
	free(prover->nodes);
	free(prover->slots);
}

/* ---- the tables that were judged ---- */

static uint32_t *slot_of(const struct pw_roots_prover *prover, pw_pa table, unsigned level,
			 unsigned bits)
{
	const uint64_t words[] = { table, (uint64_t)level << 8 | bits };
	size_t at = (size_t)pw_hash(&prover->key, words, 2) & prover->mask;

	while (prover->slots[at]) {
		const struct pw_roots_node *node = &prover->nodes[prover->slots[at] - 1];

		if (node->table == table && node->level == level && node->bits == bits)
			break;
		at = (at + 1) & prover->mask;
	}
	return &prover->slots[at];
}

static bool grow(struct pw_roots_prover *prover)
{
	size_t room = prover->room ? 2 * prover->room : 512;
	struct pw_roots_node *nodes;
	uint32_t *slots, *old = prover->slots;

	nodes = reallocarray(prover->nodes, room, sizeof(*nodes));
	if (!nodes)
		return false;
	prover->nodes = nodes;
	slots = calloc(2 * room, sizeof(*slots));
	if (!slots)
		return false;
	prover->room = room;
	prover->slots = slots;
	prover->mask = 2 * room - 1;
	for (size_t i = 0; i < prover->count; i++)
		*slot_of(prover, nodes[i].table, nodes[i].level, nodes[i].bits) = (uint32_t)i + 1;
	free(old);
	return true;
}

static const struct pw_roots_node *add_node(struct pw_roots_prover *prover,
					    const struct pw_roots_node *node)
{
	if (prover->count >= PW_ROOTS_TABLES) {
		prover->status = -E2BIG;
		return NULL;
	}
	if (prover->count == prover->room && !grow(prover)) {
		prover->status = -ENOMEM;
		return NULL;
	}
	prover->nodes[prover->count] = *node;
	*slot_of(prover, node->table, node->level, node->bits) = (uint32_t)++prover->count;
	return &prover->nodes[prover->count - 1];
}

/* ---- one table ---- */

static uint64_t add_capped(uint64_t a, uint64_t b)
{
	return a + b < a ? UINT64_MAX : a + b;
}

/* Copies the table to the level's buffer. NULL: the image does not have all of it. */
static const unsigned char *read_table(const struct pw_roots_prover *prover,
				       const struct pw_table_at *at)
{
	size_t bytes = (size_t)1 << (at->bits + prover->attempt->format->entry_lg2);
	unsigned char *buffer = prover->buffer[at->level];

	if (bytes > PW_ROOTS_TABLE_BYTES)
		return NULL;
	if (pw_memory_copy((void *)prover->search->memory, at->table, buffer, bytes) == 0)
		return buffer;
	if (!prover->search->tables_only)
		return NULL;
	/* The image has the entries that its maker asked for. */
	for (size_t i = 0; i < bytes; i += 8)
		if (pw_memory_copy((void *)prover->search->memory, at->table + i, buffer + i, 8))
			memset(buffer + i, 0, 8);
	return buffer;
}

/*
 * Has a large leaf bits in its address field below the page's size? Formats say where the field is; x86
 * checks by itself, because it has a flag there.
 */
static bool is_misplaced(const struct pw_format *f, unsigned level, unsigned lg2, uint64_t entry)
{
	unsigned low = f->page_field[1], below = lg2 - f->shift[0];

	if (level == 0 || f->page_field[0] == 0 || lg2 != f->shift[level] || low != f->shift[0])
		return false;
	/* Bit 12 is a flag on x86; arm64 has one at 16. */
	return entry & (pw_mask(below) << low) & ~UINT64_C(0x11000);
}

static void count_flags(const struct pw_format *f, uint64_t entry, struct tally *tally)
{
	uint64_t address = f->page_field[0]
				   ? pw_mask(f->page_field[0] + 1u) & ~pw_mask(f->page_field[1])
				   : ~pw_mask(f->shift[0]);

	for (unsigned i = 0; i < tally->flag_count; i++)
		if (tally->flags[i] == (entry & ~address))
			return;
	if (tally->flag_count == FLAGS_MAX)
		tally->motley = true;
	else
		tally->flags[tally->flag_count++] = entry & ~address;
}

static void count_leaf(const struct pw_roots_prover *prover, const struct pw_regime *regime,
		       const struct pw_table_at *at, uint64_t entry, struct tally *tally)
{
	const struct pw_format *f = prover->attempt->format;
	unsigned lg2 = pw_leaf_lg2(f, regime, at->level, pw_table_shift(f, at, at->level), entry);
	pw_pa page = pw_leaf_page(f, regime, at->level, lg2, entry);
	uint32_t attr = pw_attr_settle(f->attr(f, regime, at->level, entry), PW_KEEP_ALL);
	uint64_t bytes = UINT64_C(1) << pw_table_shift(f, at, at->level);

	tally->entries++;
	/* On s390x this maps page 0; but tables there are never filled in that way. */
	if (entry == 0 || is_misplaced(f, at->level, lg2, entry) ||
	    (at->level == 0 && (entry & prover->attempt->reserved))) {
		tally->malformed++;
		return;
	}
	if (at->level == 0)
		count_flags(f, entry, tally);
	/* Small numbers look like leaves for page 0. */
	if ((page <= prover->search->ram_last && page >> f->shift[0]) ||
	    prover->search->tables_only)
		tally->inside++;
	else
		tally->outside++;
	if (attr & PW_USER)
		tally->user = add_capped(tally->user, bytes);
	else
		tally->kernel = add_capped(tally->kernel, bytes);
}

static void count_table(struct pw_roots_prover *prover, const struct pw_regime *regime,
			const struct pw_table_at *at, uint64_t entry, struct tally *tally)
{
	const struct pw_format *f = prover->attempt->format;
	struct pw_table_at below = pw_table_below(f, regime, at->level, at, entry);
	const struct pw_roots_node *node;
	bool user;

	tally->entries++;
	/* powerpc: pages of 4K and of 64K have formats of their own, but the entry says which they are. */
	if ((below.level == 0 && below.shift != f->shift[0]) ||
	    (entry & prover->attempt->reserved)) {
		tally->malformed++;
		return;
	}
	if (below.table > prover->search->ram_last || below.table == at->table) {
		/* A table that leads to itself, as Windows has it, says nothing. */
		tally->lost += below.table != at->table;
		return;
	}
	node = pw_roots_judge(prover, regime, &below);
	if (!node)
		return;
	user = !f->keep || (f->keep(f, regime, at->level, entry) & PW_USER);
	tally->user = add_capped(tally->user, user ? node->user : 0);
	tally->kernel = add_capped(tally->kernel, node->kernel);
	if (!user)
		tally->kernel = add_capped(tally->kernel, node->user);
	tally->score += node->score;
	tally->good += node->verdict == PW_ROOTS_GOOD;
	tally->bad += node->verdict == PW_ROOTS_BAD;
	tally->mixed += node->verdict == PW_ROOTS_NEUTRAL;
	if (node->verdict == PW_ROOTS_EMPTY && below.table != tally->last_empty) {
		tally->last_empty = below.table;
		tally->empty++;
	}
}

static void count_hole(const struct pw_roots_prover *prover, const struct pw_regime *regime,
		       unsigned level, uint64_t entry, struct tally *tally)
{
	const struct pw_format *f = prover->attempt->format;
	pw_pa page;

	if (entry == 0 || (f->make_empty && entry == f->make_empty(f, regime, level)))
		return;
	if (f->hole(f, regime, level, entry, &page) == PW_MALFORMED)
		tally->malformed++;
	else
		tally->soft++;
}

/* A few wrong entries are no proof: the machine may have run on while its memory was copied. */
static enum pw_roots_verdict verdict_of(const struct tally *tally, unsigned level, bool top)
{
	if (tally->entries == 0 && tally->soft == 0 && tally->malformed == 0)
		return PW_ROOTS_EMPTY;
	if (tally->malformed * 8 > tally->entries)
		return PW_ROOTS_BAD;
	if (level == 0) {
		if (tally->outside * 8 > tally->inside || tally->motley)
			return PW_ROOTS_BAD;
		return tally->inside * 4 > tally->soft ? PW_ROOTS_GOOD : PW_ROOTS_NEUTRAL;
	}
	if (tally->lost * 8 > tally->entries || tally->soft > tally->entries)
		return PW_ROOTS_BAD;
	if (tally->bad * 4 > tally->good + tally->inside || tally->mixed > 2 * tally->good + 1)
		return PW_ROOTS_BAD;
	/* Systems free tables of pages that are empty, or most of them; but they keep others, to share them. */
	if (level == 1 && tally->empty > tally->good + tally->inside + 8)
		return PW_ROOTS_BAD;
	/* No system has a top table without another table. */
	if (top && tally->good == 0)
		return PW_ROOTS_BAD;
	return tally->good + tally->inside > 0 ? PW_ROOTS_GOOD : PW_ROOTS_NEUTRAL;
}

/*
 * Is so much wrong already that there is no need to look at the rest? Where the kernel maps all memory page by
 * page, each of its tables looks like one of a higher level, of which all pages would be tables.
 */
static bool is_hopeless(const struct tally *tally)
{
	return (tally->bad > 8 && tally->bad > tally->good + tally->inside) ||
	       (tally->malformed > 16 && tally->malformed * 2 > tally->entries) ||
	       (tally->lost > 16 && tally->lost * 2 > tally->entries);
}

const struct pw_roots_node *pw_roots_judge(struct pw_roots_prover *prover,
					   const struct pw_regime *regime,
					   const struct pw_table_at *at)
{
	const struct pw_format *f = prover->attempt->format;
	const uint32_t known = *slot_of(prover, at->table, at->level, at->bits);
	const bool zero_is_hole = prover->attempt->zero_is_hole || prover->search->tables_only;
	const size_t entries = (size_t)1 << at->bits, group = (size_t)64 >> f->entry_lg2;
	struct pw_roots_node node = { .table = at->table, .level = at->level, .bits = at->bits };
	static const struct pw_roots_node blank = { .verdict = PW_ROOTS_EMPTY };
	struct tally tally = { 0 };
	const unsigned char *bytes;

	if (known)
		return &prover->nodes[known - 1];
	/* Not worth remembering. */
	if (prover->attempt->zero_is_hole &&
	    pw_roots_known_zero(prover->search, at->table, entries << f->entry_lg2))
		return &blank;
	if (pw_cancelled(prover->search->options->cancel))
		prover->status = -ECANCELED;
	if (prover->status)
		return NULL;
	bytes = read_table(prover, at);
	node.verdict = bytes ? PW_ROOTS_NEUTRAL : PW_ROOTS_BAD;
	for (size_t i = 0; bytes && i < entries && prover->status == 0; i++) {
		uint64_t entry;
		enum pw_kind kind;

		/* Most of what looks like a table of tables leads to pages of zeros. */
		if (zero_is_hole && i % group == 0 && entries - i >= group &&
		    pw_roots_is_zero(bytes + (i << f->entry_lg2))) {
			i += group - 1;
			continue;
		}
		entry = pw_roots_load(f, bytes, i);
		if (entry == 0 && zero_is_hole)
			continue;
		if (is_hopeless(&tally))
			break;
		if (!pw_index_admitted(f, regime, at->level, at, (uint32_t)i))
			continue;
		kind = f->kind(f, regime, at->level, entry);
		if (kind == PW_TABLE)
			count_table(prover, regime, at, entry, &tally);
		else if (kind == PW_LEAF)
			count_leaf(prover, regime, at, entry, &tally);
		else
			count_hole(prover, regime, at->level, entry, &tally);
	}
	if (prover->status)
		return NULL;
	if (bytes) {
		node.verdict = (uint8_t)verdict_of(&tally, at->level, !at->above);
		node.user = tally.user;
		node.kernel = tally.kernel;
		tally.score += at->level > 0 ? tally.inside : node.verdict == PW_ROOTS_GOOD;
		node.score = tally.score < UINT32_MAX ? (uint32_t)tally.score : UINT32_MAX;
	}
	return add_node(prover, &node);
}

/* ---- claims ---- */

void pw_roots_claim(struct pw_roots_prover *prover, const struct pw_regime *regime,
		    const struct pw_table_at *at, uint32_t root)
{
	const struct pw_format *f = prover->attempt->format;
	const unsigned char *bytes = at->level > 0 ? read_table(prover, at) : NULL;

	for (size_t i = 0; bytes && i < (size_t)1 << at->bits; i++) {
		uint64_t entry = pw_roots_load(f, bytes, i);
		struct pw_table_at below;
		uint32_t known;

		if ((entry == 0 && prover->attempt->zero_is_hole) ||
		    !pw_index_admitted(f, regime, at->level, at, (uint32_t)i) ||
		    f->kind(f, regime, at->level, entry) != PW_TABLE)
			continue;
		below = pw_table_below(f, regime, at->level, at, entry);
		known = *slot_of(prover, below.table, below.level, below.bits);
		if (!known || prover->nodes[known - 1].claimed ||
		    prover->nodes[known - 1].verdict == PW_ROOTS_BAD)
			continue;
		prover->nodes[known - 1].claimed = root + 1;
		pw_roots_claim(prover, regime, &below, root);
	}
}

bool pw_roots_is_claimed(const struct pw_roots_prover *prover, pw_pa table, unsigned top,
			 uint32_t root)
{
	const struct pw_format *f = prover->attempt->format;

	for (unsigned level = 0; level <= top; level++) {
		unsigned bits = f->bits[level];
		uint64_t size = UINT64_C(1) << (bits + f->entry_lg2);
		uint32_t known = *slot_of(prover, table & ~(size - 1), level, bits);

		if (known && prover->nodes[known - 1].claimed &&
		    prover->nodes[known - 1].claimed != root + 1)
			return true;
	}
	return false;
}

/* ---- all places ---- */

bool pw_roots_regime(const struct pw_roots_prover *prover, const struct pw_roots_place *place,
		     struct pw_regime *regime)
{
	const struct pw_roots_try *attempt = prover->attempt;
	const struct pw_format *f = attempt->format;
	uint64_t word = place->word ? place->word
				    : f->make_root(f, &attempt->regime, place->table, place->top);
	struct pw_regime_options options = prover->search->options->regime;

	options.view = PW_VIEW_HARDWARE;
	return pw_regime_init(regime, f, &word, 1, &options, NULL) == 0 &&
	       regime->span[0].table == place->table;
}

static bool keep_proof(struct pw_roots_proofs *proofs, const struct pw_roots_proof *proof)
{
	if (proofs->count == proofs->room) {
		size_t room = proofs->room ? 2 * proofs->room : 64;
		struct pw_roots_proof *grown = reallocarray(proofs->proof, room, sizeof(*grown));

		if (!grown)
			return false;
		proofs->proof = grown;
		proofs->room = room;
	}
	proofs->proof[proofs->count++] = *proof;
	return true;
}

static void prove_one(struct pw_roots_prover *prover, const struct pw_roots_place *place,
		      struct pw_roots_proofs *proofs)
{
	struct pw_roots_proof proof = { .place = *place };
	const struct pw_roots_node *node;
	struct pw_table_at top;

	if (!pw_roots_regime(prover, place, &proof.regime))
		return;
	top = pw_table_top(prover->attempt->format, &proof.regime.span[0]);
	node = pw_roots_judge(prover, &proof.regime, &top);
	if (!node || (!place->named && (node->verdict != PW_ROOTS_GOOD || node->score == 0)))
		return;
	proof.user = node->user;
	proof.kernel = node->kernel;
	proof.score = node->score;
	if (!keep_proof(proofs, &proof))
		prover->status = -ENOMEM;
}

int pw_roots_prove(struct pw_roots_prover *prover, const struct pw_roots_places *places,
		   struct pw_roots_proofs *proofs)
{
	*proofs = (struct pw_roots_proofs){ 0 };
	for (size_t i = 0; i < places->count && prover->status == 0; i++)
		prove_one(prover, &places->place[i], proofs);
	return prover->status;
}
