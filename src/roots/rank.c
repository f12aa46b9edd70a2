/* SPDX-License-Identifier: MIT */
/*
 * Decides between places that were proved. A table below a root often looks like a root itself, of fewer
 * levels; it is dropped, because something else leads to it. Then the kernel's root is found, by what it
 * maps, and each other root by what it maps beside that.
 */
#include <stdlib.h>

#include "memory/vmcoreinfo.h"
#include "roots/roots.h"

/* Bytes of memory that are searched for the banner, near which the kernel has its root. */
static const uint64_t BANNER_SEARCH = UINT64_C(1) << 30;

/* ---- tables below other roots ---- */

/* The highest score first: a root has at least the score of every table below it. */
static int compare_proofs(const void *a, const void *b)
{
	const struct pw_roots_proof *left = a, *right = b;

	if (left->score != right->score)
		return left->score > right->score ? -1 : 1;
	return left->place.table < right->place.table ? -1 : left->place.table > right->place.table;
}

static void claim(struct pw_roots_prover *prover, struct pw_roots_proofs *proofs, size_t i)
{
	struct pw_roots_proof *proof = &proofs->proof[i];
	struct pw_table_at top = pw_table_top(prover->attempt->format, &proof->regime.span[0]);

	pw_roots_claim(prover, &proof->regime, &top, (uint32_t)i);
}

static bool is_below(const struct pw_roots_prover *prover, const struct pw_roots_proofs *proofs,
		     size_t i)
{
	const struct pw_roots_place *place = &proofs->proof[i].place;

	return pw_roots_is_claimed(prover, place->table, place->top, (uint32_t)i);
}

static void drop_below(struct pw_roots_prover *prover, struct pw_roots_proofs *proofs)
{
	size_t end;

	if (proofs->count > 0)
		qsort(proofs->proof, proofs->count, sizeof(*proofs->proof), compare_proofs);
	for (size_t i = 0; i < proofs->count; i = end) {
		/* Roots of one score decide together, because their order means nothing. */
		for (end = i;
		     end < proofs->count && proofs->proof[end].score == proofs->proof[i].score;
		     end++)
			if (!is_below(prover, proofs, end))
				claim(prover, proofs, end);
		for (size_t k = i; k < end; k++)
			proofs->proof[k].dropped = !proofs->proof[k].place.named &&
						   is_below(prover, proofs, k);
	}
	proofs->tables = pw_roots_judged_claimed(prover->judged);
}

/* ---- the kernel's root ---- */

/* Places of tables, and how often the kernel maps each. */
struct mapped {
	unsigned *times;
};

static int count_mapping(void *context, size_t which, const struct pw_range *range)
{
	struct mapped *mapped = context;

	(void)range;
	mapped->times[which]++;
	return 0;
}

/*
 * How often does @regime map each of the tables? Linux's swapper_pg_dir is part of the kernel's image, and
 * so mapped there and with all other memory; the tables of processes only with all other memory.
 */
static void count_mappings(const struct pw_roots_search *search, const struct pw_regime *regime,
			   const pw_pa (*tables)[2], size_t count, unsigned *times)
{
	struct pw_scan_limits limits = { .entries = UINT64_C(1) << 24,
					 .uses = 2,
					 .cancel = search->options->cancel };
	struct mapped mapped = { times };
	struct pw_scan *scan;

	if (pw_scan_create(search->memory, regime, 0, UINT64_MAX, &limits, &scan, NULL))
		return;
	/* Without an answer, all tables are alike. */
	if (pw_find(scan, tables, count, count_mapping, &mapped, NULL))
		for (size_t i = 0; i < count; i++)
			times[i] = 0;
	pw_scan_destroy(scan);
}

static pw_pa distance(pw_pa a, pw_pa b)
{
	return a > b ? a - b : b - a;
}

/* Does the source say that this is the kernel's root? */
static bool is_named(const struct pw_memory *memory, const struct pw_roots_proof *proof)
{
	for (size_t i = 0; i < memory->cpu_count; i++) {
		const struct pw_cpu *cpu = &memory->cpus[i];
		const struct pw_format *format = cpu->format ? pw_format_find(cpu->format) : NULL;
		struct pw_regime regime;

		if (!cpu->kernel && !strstr(cpu->origin, "kernel space"))
			continue;
		if (cpu->roots == 0 || format != proof->regime.format ||
		    pw_regime_init(&regime, format, cpu->root, cpu->roots, NULL, NULL))
			continue;
		for (unsigned s = 0; s < regime.spans; s++)
			if (regime.span[s].table == proof->place.table)
				return true;
	}
	return false;
}

/*
 * Does the root map a part of the kernel in the same way as @viewer, by the same entry of the top table? NULL,
 * or a kernel with a root apart: that is not asked.
 */
static bool shares(const struct pw_roots_prover *prover, const struct pw_roots_proof *proof,
		   const struct pw_roots_proof *viewer)
{
	const struct pw_format *f = prover->attempt->format;
	const struct pw_memory *memory = prover->search->memory;
	const struct pw_span *one = &proof->regime.span[0];
	bool same = !viewer;

	for (size_t i = 0; viewer && !same && i < (size_t)1 << one->top_bits; i++) {
		const pw_pa at = (pw_pa)i << f->entry_lg2;
		uint64_t mine = 0, other = 0;

		if (pw_memory_copy((void *)memory, one->table + at, &mine,
				   (size_t)1 << f->entry_lg2) ||
		    pw_memory_copy((void *)memory, viewer->regime.span[0].table + at, &other,
				   (size_t)1 << f->entry_lg2))
			return false;
		same = mine != 0 && mine == other;
	}
	return same;
}

/* Could this be the kernel's own? It maps most of what processes' roots map of the kernel, and no more. */
static bool is_candidate(const struct pw_roots_prover *prover, const struct pw_roots_proof *proof,
			 const struct pw_roots_proof *viewer, uint64_t most)
{
	/* Tables of the time when the kernel started map it twice. */
	if (viewer && proof->kernel > most + most / 4)
		return false;
	/* Linux on arm has a page in the kernel's half that users may read. */
	return !proof->dropped && proof->kernel >= most - most / 4 && proof->kernel > 0 &&
	       proof->user <= UINT64_C(8) << 10 && shares(prover, proof, viewer);
}

/* A process through whose root the kernel can be seen. NULL: kernels of this format are apart, or there is none. */
static const struct pw_roots_proof *find_viewer(const struct pw_roots_prover *prover,
						const struct pw_roots_proofs *proofs)
{
	const struct pw_roots_proof *viewer = NULL;

	for (size_t i = 0; i < proofs->count && prover->attempt->kind == PW_ROOTS_PLAIN; i++) {
		const struct pw_roots_proof *proof = &proofs->proof[i];

		if (!proof->dropped && proof->user > UINT64_C(8) << 10 && proof->kernel > 0 &&
		    (!viewer || proof->score > viewer->score))
			viewer = proof;
	}
	/* Where the kernel is apart, a process maps hardly anything of it. */
	for (size_t i = 0; viewer && i < proofs->count; i++)
		if (!proofs->proof[i].dropped && proofs->proof[i].user == 0 &&
		    pw_roots_apart(prover->attempt->format))
			return NULL;
	return viewer;
}

/* Does it not map a CPU's exception vectors? Then it is not the kernel's, if another one does. */
static bool is_blind(const struct pw_roots_search *search, const struct pw_roots_proof *proof)
{
	return pw_roots_see_kernel(search, &proof->regime) == PW_ROOTS_UNSEEN;
}

/* s390x: nothing in an entry tells the kernel's pages from a process's; but the kernel maps all memory. */
static void find_largest(const struct pw_roots_search *search, struct pw_roots_proofs *proofs)
{
	uint64_t bytes = 0;
	bool doubt = true;

	for (size_t i = 0; i < search->memory->count; i++)
		bytes += search->memory->segments[i].last - search->memory->segments[i].first + 1;
	for (size_t i = 0; i < proofs->count; i++) {
		const struct pw_roots_proof *proof = &proofs->proof[i];
		bool blind;

		if (proof->dropped || proof->user < bytes / 2)
			continue;
		blind = is_blind(search, proof);
		if (proofs->kernel == proofs->count ||
		    (blind != doubt ? doubt : proof->user > proofs->proof[proofs->kernel].user)) {
			proofs->kernel = i;
			doubt = blind;
		}
	}
}

/* Does the root map clearly more, or less, of the kernel than processes do? Then it is for starting a CPU. */
static bool is_odd(const struct pw_roots_proof *proof, const struct pw_roots_proof *viewer)
{
	return distance(proof->kernel, viewer->kernel) > viewer->kernel / 64;
}

/*
 * Chooses among @count candidates: by whether they map a CPU's exception vectors, by how often the kernel maps the
 * table, by what the root maps, by the distance from the banner.
 */
static size_t choose(const struct pw_roots_search *search, const struct pw_roots_proofs *proofs,
		     const struct pw_roots_proof *viewer, const size_t *candidate, size_t count)
{
	pw_pa(*tables)[2] = calloc(count, sizeof(*tables));
	unsigned *times = calloc(count, sizeof(*times));
	pw_pa banner = 0;
	size_t best = 0;

	if (!tables || !times || count == 1)
		goto out;
	for (size_t i = 0; i < count; i++)
		tables[i][0] = tables[i][1] = proofs->proof[candidate[i]].place.table;
	if (!viewer)
		viewer = &proofs->proof[candidate[0]];
	count_mappings(search, &viewer->regime, (const pw_pa(*)[2])tables, count, times);
	(void)pw_vmcoreinfo_banner(search->memory, BANNER_SEARCH, &banner);
	for (size_t i = 1; i < count; i++) {
		const struct pw_roots_proof *proof = &proofs->proof[candidate[i]];
		const struct pw_roots_proof *other = &proofs->proof[candidate[best]];
		pw_pa here = distance(proof->place.table, banner);
		pw_pa there = distance(other->place.table, banner);
		bool odd = is_odd(proof, viewer), other_odd = is_odd(other, viewer);
		bool blind = is_blind(search, proof), other_blind = is_blind(search, other);

		if (blind != other_blind      ? other_blind
		    : times[i] != times[best] ? times[i] > times[best]
		    : odd != other_odd        ? other_odd
					      : here < there)
			best = i;
	}
out:
	free(tables);
	free(times);
	return candidate[best];
}

static void find_kernel(const struct pw_roots_prover *prover, struct pw_roots_proofs *proofs)
{
	size_t *candidate = calloc(proofs->count + 1, sizeof(*candidate)), count = 0;
	const struct pw_roots_proof *viewer = find_viewer(prover, proofs);
	uint64_t most = viewer ? viewer->kernel : 0;

	proofs->kernel = proofs->count;
	for (size_t i = 0; i < proofs->count; i++) {
		if (is_named(prover->search->memory, &proofs->proof[i])) {
			proofs->proof[i].dropped = false;
			proofs->kernel = i;
		}
		if (!viewer && !proofs->proof[i].dropped && proofs->proof[i].kernel > most)
			most = proofs->proof[i].kernel;
	}
	for (size_t i = 0; i < proofs->count && candidate; i++)
		if (is_candidate(prover, &proofs->proof[i], viewer, most))
			candidate[count++] = i;
	/* In an image of tables alone, roots have labels, and the kernel's tables are mostly missing. */
	if (prover->search->tables_only)
		count = 0;
	if (proofs->kernel == proofs->count && prover->attempt->kind == PW_ROOTS_TYPED)
		find_largest(prover->search, proofs);
	else if (proofs->kernel == proofs->count && count > 0)
		proofs->kernel = choose(prover->search, proofs, viewer, candidate, count);
	free(candidate);
}

/* ---- what a root maps for itself ---- */

/* Do two entries of a top table map the same in the same way? Accessed bits may differ. */
static bool alike(const struct pw_format *f, const struct pw_regime *r, unsigned level, uint64_t a,
		  uint64_t b)
{
	if (a == b)
		return true;
	return f->kind(f, r, level, a) == PW_TABLE && f->kind(f, r, level, b) == PW_TABLE &&
	       f->table(f, r, level, a) == f->table(f, r, level, b);
}

/* The user bytes behind @entry of the top table @top. */
static uint64_t user_bytes(struct pw_roots_prover *prover, const struct pw_regime *regime,
			   const struct pw_table_at *top, uint64_t entry)
{
	const struct pw_format *f = prover->attempt->format;
	enum pw_kind kind = f->kind(f, regime, top->level, entry);
	struct pw_roots_node node;
	struct pw_table_at below;

	if (kind == PW_LEAF)
		return f->attr(f, regime, top->level, entry) & PW_USER
			       ? UINT64_C(1) << f->shift[top->level]
			       : 0;
	if (kind != PW_TABLE || (f->keep && !(f->keep(f, regime, top->level, entry) & PW_USER)))
		return 0;
	below = pw_table_below(f, regime, top->level, top, entry);
	if (below.table > prover->search->ram_last || below.table == top->table ||
	    !pw_roots_judge(prover, regime, &below, &node))
		return 0;
	return node.user;
}

/* Counts the user bytes of a root that the kernel's root does not have in the same place. */
static void count_own(struct pw_roots_prover *prover, struct pw_roots_proof *proof,
		      const unsigned char *bytes, const unsigned char *kernel)
{
	const struct pw_format *f = prover->attempt->format;
	struct pw_table_at top = pw_table_top(f, &proof->regime.span[0]);
	size_t size = (size_t)1 << (top.bits + f->entry_lg2);

	proof->own = 0;
	if (pw_memory_copy((void *)prover->search->memory, top.table, (void *)bytes, size))
		return;
	for (size_t i = 0; i < (size_t)1 << top.bits; i++) {
		uint64_t entry = pw_roots_load(f, bytes, i);

		if (entry != 0 &&
		    !alike(f, &proof->regime, top.level, entry, pw_roots_load(f, kernel, i)))
			proof->own += user_bytes(prover, &proof->regime, &top, entry);
	}
}

static void find_own(struct pw_roots_prover *prover, struct pw_roots_proofs *proofs)
{
	const struct pw_format *f = prover->attempt->format;
	unsigned char *bytes = malloc(PW_ROOTS_TABLE_BYTES);
	unsigned char *kernel = malloc(PW_ROOTS_TABLE_BYTES);
	/* Elsewhere the two halves have roots of their own. */
	bool shared = prover->attempt->kind == PW_ROOTS_PLAIN && proofs->kernel < proofs->count &&
		      bytes && kernel;

	if (shared) {
		const struct pw_span *span = &proofs->proof[proofs->kernel].regime.span[0];

		shared = pw_memory_copy((void *)prover->search->memory, span->table, kernel,
					(size_t)1 << (span->top_bits + f->entry_lg2)) == 0;
	}
	for (size_t i = 0; i < proofs->count; i++) {
		struct pw_roots_proof *proof = &proofs->proof[i];

		proof->own = proof->user;
		if (shared && !proof->dropped)
			count_own(prover, proof, bytes, kernel);
		if (!proof->dropped && proof->own == 0 && i != proofs->kernel)
			proofs->copies++;
	}
	free(bytes);
	free(kernel);
}

void pw_roots_rank(struct pw_roots_prover *prover, struct pw_roots_proofs *proofs)
{
	drop_below(prover, proofs);
	find_kernel(prover, proofs);
	find_own(prover, proofs);
}
