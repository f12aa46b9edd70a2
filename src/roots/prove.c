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

#include "base/mutant.h"
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
	uint32_t hidden; /* huge pages that nobody may access */
	uint64_t flags[FLAGS_MAX]; /* that leaves have, beside their addresses */
	unsigned flag_count;
	bool motley; /* there were more of them */
};

int pw_roots_prover_init(struct pw_roots_prover *prover, const struct pw_roots_search *search)
{
	*prover = (struct pw_roots_prover){ .search = search };
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
	struct pw_roots_node node;
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
	if (!pw_roots_judge(prover, regime, &below, &node))
		return;
	user = !f->keep || (f->keep(f, regime, at->level, entry) & PW_USER);
	tally->user = add_capped(tally->user, user ? node.user : 0);
	tally->kernel = add_capped(tally->kernel, node.kernel);
	if (!user)
		tally->kernel = add_capped(tally->kernel, node.user);
	tally->score += node.score;
	tally->good += node.verdict == PW_ROOTS_GOOD;
	tally->bad += node.verdict == PW_ROOTS_BAD;
	tally->mixed += node.verdict == PW_ROOTS_NEUTRAL;
	if (node.verdict == PW_ROOTS_EMPTY && below.table != tally->last_empty) {
		tally->last_empty = below.table;
		tally->empty++;
	}
}

/*
 * Is this what Linux keeps for a huge page that nobody may access? It is as much in its place as a leaf, where a table
 * has little else (hugetlb with PROT_NONE); but it proves nothing, because many words look like it.
 */
static bool is_hidden(const struct pw_roots_prover *prover, unsigned level, uint64_t entry)
{
	const struct pw_format *f = prover->attempt->format;
	pw_pa page;

	return level > 0 && f->leaf_levels >> level & 1 &&
	       f->hole(f, &prover->attempt->kept, level, entry, &page) == PW_PROT_NONE &&
	       page <= prover->search->ram_last && !(page & pw_mask(f->shift[level])) &&
	       !pw_mutant(PW_MUTANT_HIDDEN_SOFT);
}

static void count_hole(const struct pw_roots_prover *prover, const struct pw_regime *regime,
		       unsigned level, uint64_t entry, struct tally *tally)
{
	const struct pw_format *f = prover->attempt->format;
	pw_pa page;

	if (entry == 0 || (f->make_empty && entry == f->make_empty(f, regime, level)))
		return;
	if (is_hidden(prover, level, entry))
		tally->hidden++;
	else if (f->hole(f, regime, level, entry, &page) == PW_MALFORMED)
		tally->malformed++;
	else
		tally->soft++;
}

/* A few wrong entries are no proof: the machine may have run on while its memory was copied. */
static enum pw_roots_verdict verdict_of(const struct tally *tally, unsigned level, bool top)
{
	if (tally->entries == 0 && tally->soft == 0 && tally->malformed == 0 && tally->hidden == 0)
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

/* Is there nothing in the 64 bytes from entry @i on, in a format or an image in which that maps nothing? */
static bool is_blank(const struct pw_roots_prover *prover, const unsigned char *bytes, size_t i,
		     size_t entries)
{
	const unsigned lg2 = prover->attempt->format->entry_lg2;
	const size_t group = (size_t)64 >> lg2;

	return (prover->attempt->zero_is_hole || prover->search->tables_only) && i % group == 0 &&
	       entries - i >= group && pw_roots_is_zero(bytes + (i << lg2));
}

static void count_entries(struct pw_roots_prover *prover, const struct pw_regime *regime,
			  const struct pw_table_at *at, const unsigned char *bytes,
			  struct tally *tally)
{
	const struct pw_format *f = prover->attempt->format;
	const bool zero_is_hole = prover->attempt->zero_is_hole || prover->search->tables_only;
	const size_t entries = (size_t)1 << at->bits, group = (size_t)64 >> f->entry_lg2;

	for (size_t i = 0; i < entries && prover->status == 0; i++) {
		uint64_t entry;
		enum pw_kind kind;

		/* Most of what looks like a table of tables leads to pages of zeros. */
		if (is_blank(prover, bytes, i, entries)) {
			i += group - 1;
			continue;
		}
		entry = pw_roots_load(f, bytes, i);
		if (entry == 0 && zero_is_hole)
			continue;
		if (is_hopeless(tally))
			break;
		if (!pw_index_admitted(f, regime, at->level, at, (uint32_t)i))
			continue;
		kind = f->kind(f, regime, at->level, entry);
		if (kind == PW_TABLE)
			count_table(prover, regime, at, entry, tally);
		else if (kind == PW_LEAF)
			count_leaf(prover, regime, at, entry, tally);
		else
			count_hole(prover, regime, at->level, entry, tally);
	}
}

/* Judges a table that nobody has judged yet. False: prover->status says why not. */
static bool judge_new(struct pw_roots_prover *prover, const struct pw_regime *regime,
		      const struct pw_table_at *at, struct pw_roots_node *node)
{
	struct tally tally = { 0 };
	const unsigned char *bytes;

	if (pw_cancelled(prover->search->options->cancel))
		pw_roots_judged_fail(prover->judged, -ECANCELED);
	prover->status = pw_roots_judged_status(prover->judged);
	if (prover->status)
		return false;
	bytes = read_table(prover, at);
	node->verdict = bytes ? PW_ROOTS_NEUTRAL : PW_ROOTS_BAD;
	if (bytes)
		count_entries(prover, regime, at, bytes, &tally);
	if (prover->status)
		return false;
	if (bytes) {
		node->verdict = (uint8_t)verdict_of(&tally, at->level, !at->above);
		node->user = tally.user;
		node->kernel = tally.kernel;
		tally.score += at->level > 0 ? tally.inside : node->verdict == PW_ROOTS_GOOD;
		node->score = tally.score < UINT32_MAX ? (uint32_t)tally.score : UINT32_MAX;
	}
	pw_roots_judged_finish(prover->judged, node);
	return true;
}

static enum pw_roots_turn help(struct pw_roots_prover *prover, const struct pw_regime *regime,
			       const struct pw_table_at *at, struct pw_roots_node *node);

/*
 * Judges tables below @at, which another thread judges, the last first: so the two meet in the middle. All processes
 * share the kernel's half, which has most of the tables; without help, threads would wait for each other there.
 */
static void help_below(struct pw_roots_prover *prover, const struct pw_regime *regime,
		       const struct pw_table_at *at, struct pw_roots_node *node)
{
	const struct pw_format *f = prover->attempt->format;
	const unsigned char *bytes = at->level > 0 ? read_table(prover, at) : NULL;

	for (size_t i = (size_t)1 << at->bits; bytes && i-- > 0 && prover->status == 0;) {
		const uint64_t entry = pw_roots_load(f, bytes, i);
		struct pw_roots_node found;
		struct pw_table_at below;

		if (entry == 0 || !pw_index_admitted(f, regime, at->level, at, (uint32_t)i) ||
		    f->kind(f, regime, at->level, entry) != PW_TABLE)
			continue;
		below = pw_table_below(f, regime, at->level, at, entry);
		if (below.table > prover->search->ram_last || below.table == at->table)
			continue;
		help(prover, regime, &below, &found);
		if (pw_roots_judged_begin(prover->judged, node) != PW_ROOTS_OTHERS)
			return;
	}
}

/* Judges the table, or helps the thread that does. */
static enum pw_roots_turn help(struct pw_roots_prover *prover, const struct pw_regime *regime,
			       const struct pw_table_at *at, struct pw_roots_node *node)
{
	const size_t bytes = (size_t)1 << (at->bits + prover->attempt->format->entry_lg2);
	enum pw_roots_turn turn;

	*node = (struct pw_roots_node){
		.table = at->table, .level = at->level, .bits = at->bits, .verdict = PW_ROOTS_EMPTY
	};
	/* Not worth remembering. */
	if (prover->attempt->zero_is_hole && pw_roots_known_zero(prover->search, at->table, bytes))
		return PW_ROOTS_KNOWN;
	turn = pw_roots_judged_begin(prover->judged, node);
	if (turn == PW_ROOTS_MINE)
		turn = judge_new(prover, regime, at, node) ? PW_ROOTS_KNOWN : PW_ROOTS_FAILED;
	else if (turn == PW_ROOTS_OTHERS)
		help_below(prover, regime, at, node);
	if (turn == PW_ROOTS_FAILED)
		prover->status = pw_roots_judged_status(prover->judged);
	return turn;
}

bool pw_roots_judge(struct pw_roots_prover *prover, const struct pw_regime *regime,
		    const struct pw_table_at *at, struct pw_roots_node *node)
{
	enum pw_roots_turn turn = help(prover, regime, at, node);

	/*
	 * Who judges a table waits for tables of lower levels only, so nobody waits for himself. Helpers have done
	 * what there was to do below.
	 */
	if (turn == PW_ROOTS_OTHERS && prover->status == 0) {
		turn = pw_roots_judged_wait(prover->judged, node) ? PW_ROOTS_KNOWN
								  : PW_ROOTS_FAILED;
		prover->status = pw_roots_judged_status(prover->judged);
	}
	return turn == PW_ROOTS_KNOWN && prover->status == 0;
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
		struct pw_roots_node *known;

		if (pw_cancelled(prover->search->options->cancel) &&
		    !pw_mutant(PW_MUTANT_CANCELLED_GIVES)) {
			prover->status = -ECANCELED;
			return;
		}
		if ((entry == 0 && prover->attempt->zero_is_hole) ||
		    !pw_index_admitted(f, regime, at->level, at, (uint32_t)i) ||
		    f->kind(f, regime, at->level, entry) != PW_TABLE)
			continue;
		below = pw_table_below(f, regime, at->level, at, entry);
		known = pw_roots_judged_find(prover->judged, below.table, below.level, below.bits);
		if (!known || known->claimed || known->verdict == PW_ROOTS_BAD)
			continue;
		known->claimed = root + 1;
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
		const struct pw_roots_node *known = pw_roots_judged_find(
			prover->judged, table & ~(size - 1), level, bits);

		if (known && known->claimed && known->claimed != root + 1)
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

bool pw_roots_prove(struct pw_roots_prover *prover, const struct pw_roots_place *place,
		    struct pw_roots_proof *proof)
{
	struct pw_roots_node node;
	struct pw_table_at top;

	*proof = (struct pw_roots_proof){ .place = *place };
	if (!pw_roots_regime(prover, place, &proof->regime))
		return false;
	top = pw_table_top(prover->attempt->format, &proof->regime.span[0]);
	if (!pw_roots_judge(prover, &proof->regime, &top, &node) ||
	    (!place->named && (node.verdict != PW_ROOTS_GOOD || node.score == 0)))
		return false;
	proof->user = node.user;
	proof->kernel = node.kernel;
	proof->score = node.score;
	return true;
}
