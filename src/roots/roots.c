/* SPDX-License-Identifier: MIT */
/*
 * Finds all roots in a memory: runs the parts of a search, and makes the result of what each format gave.
 * A table of one format often looks like a table of another (x86_64_la57 and x86_64; the granules of arm64).
 * The format that explains the most tables is taken.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/mutant.h"
#include "base/processors.h"
#include "base/share.h"
#include "format/words.h"
#include "roots/tasks.h"

enum {
	NAMED_MAX = 256,
	S390_ASCE_CONTROL = 0x1c0, /* of an ASCE: storage alteration, space switch, private */
};

/* One format's part of the search. */
struct part {
	struct pw_roots_judged judged;
	bool begun; /* judged is to be ended */
	size_t next; /* the next place to be followed; atomic */
	struct pw_roots_proof *proof; /* by place */
	bool *proved; /* likewise */
	struct pw_roots_proofs proofs; /* those that were proved */
};

struct roots {
	struct pw_roots_search search;
	struct pw_roots_options options;
	struct pw_roots_try tries[PW_ROOTS_FORMATS];
	struct part part[PW_ROOTS_FORMATS];
	struct pw_roots_places places[PW_ROOTS_FORMATS];
	size_t count;
	pthread_mutex_t telling; /* one thread at a time tells how far the proof has come */
	uint64_t places_done, places_all;
	struct pw_root *result;
	size_t found;
};

const char *pw_root_owner_name(enum pw_root_owner owner)
{
	static const char *const names[] = { "kernel", "user", "user-half", "other" };

	return (unsigned)owner < sizeof(names) / sizeof(names[0]) ? names[owner] : "?";
}

const char *pw_root_proof_name(enum pw_root_proof proof)
{
	static const char *const names[] = { "named", "proved", "thin" };

	return (unsigned)proof < sizeof(names) / sizeof(names[0]) ? names[proof] : "?";
}

/* ---- the result ---- */

/* Which of the source's CPUs has this table as a root? -1: none. */
static long cpu_of(const struct pw_memory *memory, const struct pw_roots_proof *proof)
{
	for (size_t i = 0; i < memory->cpu_count && i < NAMED_MAX; i++) {
		const struct pw_cpu *cpu = &memory->cpus[i];
		struct pw_regime_options options = { .registers = cpu->registers };
		struct pw_regime regime;

		if (!cpu->format || cpu->roots == 0 ||
		    pw_format_find(cpu->format) != proof->regime.format ||
		    pw_regime_init(&regime, proof->regime.format, cpu->root, cpu->roots, &options,
				   NULL))
			continue;
		for (unsigned s = 0; s < regime.spans; s++)
			if (regime.span[s].table == proof->place.table &&
			    regime.span[s].top == proof->place.top)
				return (long)i;
	}
	return -1;
}

static void set_words(struct pw_root *root, const struct pw_roots_try *attempt,
		      const struct pw_roots_proof *proof, const struct pw_roots_proof *kernel)
{
	root->root[0] = proof->regime.root[0];
	root->roots = 1;
	/* The kernel's space is not private: its pages are not the user's. */
	if (attempt->kind == PW_ROOTS_TYPED && kernel == proof)
		root->root[0] &= ~(uint64_t)S390_ASCE_CONTROL;
	if (!pw_roots_apart(attempt->format))
		return;
	if (kernel && kernel != proof) {
		root->root[1] = kernel->regime.root[0];
		root->roots = 2;
	} else if (kernel == proof) {
		root->root[0] = PW_ROOT_ABSENT;
		root->root[1] = proof->regime.root[0];
		root->roots = 2;
	}
}

bool pw_roots_same_user(const struct pw_memory *memory, pw_pa table, pw_pa other)
{
	enum { HALF = 256 };
	uint64_t one[HALF], two[HALF], any = 0;

	if (pw_memory_copy((void *)memory, table, one, sizeof(one)) ||
	    pw_memory_copy((void *)memory, other, two, sizeof(two)))
		return false;
	for (size_t i = 0; i < HALF; i++)
		any |= one[i];
	return any && memcmp(one, two, sizeof(one)) == 0;
}

/* A process of Xen's PV guests has two top tables, too; they are anywhere, and users may use the kernel's pages. */
static bool is_pv_user_half(const struct pw_memory *memory, const struct pw_roots_proofs *proofs,
			    const struct pw_roots_proof *proof)
{
	for (size_t i = 0; i < proofs->count; i++) {
		const struct pw_roots_proof *other = &proofs->proof[i];

		if (!other->dropped && other->user > proof->user &&
		    pw_roots_same_user(memory, proof->place.table, other->place.table))
			return true;
	}
	return false;
}

/*
 * Linux's page-table isolation on x86-64: a process has two top tables, in neighbouring pages; the second
 * is the one for user mode, and maps hardly anything of the kernel.
 */
static bool is_user_half(const struct pw_memory *memory, const struct pw_roots_proofs *proofs,
			 const struct pw_roots_proof *proof)
{
	if (memory->xen_frames)
		return is_pv_user_half(memory, proofs, proof);
	if (strncmp(proof->regime.format->name, "x86_64", 6) != 0 || !(proof->place.table & 0x1000))
		return false;
	for (size_t i = 0; i < proofs->count; i++)
		if (!proofs->proof[i].dropped &&
		    proofs->proof[i].place.table == proof->place.table - 0x1000)
			return proof->kernel < proofs->proof[i].kernel / 2;
	return false;
}

static bool add_result(struct roots *roots, const struct pw_root *root)
{
	struct pw_root *grown = pw_memory_grow(roots->result, roots->found, sizeof(*grown));

	if (!grown)
		return false;
	roots->result = grown;
	grown[roots->found++] = *root;
	return true;
}

/* The words that the CPU has: with the kernel's beside a process's, and all their bits. */
static void use_cpu(struct pw_root *root, const struct pw_cpu *cpu)
{
	const bool apart = root->roots == 2;

	root->roots = cpu->roots;
	for (unsigned i = 0; i < cpu->roots; i++)
		root->root[i] = cpu->root[i];
	/* Of the kernel, nothing is to be seen of the process that ran just then. */
	if (root->owner == PW_ROOT_KERNEL && cpu->roots == 2 && !cpu->kernel && apart)
		root->root[0] = PW_ROOT_ABSENT;
}

/* Asks a root that has the kernel's memory for the CPU's exception vectors. */
static void ask_vectors(const struct roots *roots, const struct pw_roots_try *attempt,
			struct pw_root *root)
{
	const struct pw_memory *memory = roots->search.memory;
	struct pw_regime_options options = roots->options.regime;
	enum pw_roots_seen seen;
	struct pw_regime regime;

	/* Elsewhere a process's root has nothing of the kernel, or shows the kernel's. */
	if (root->owner != PW_ROOT_KERNEL &&
	    (pw_roots_apart(attempt->format) || attempt->kind == PW_ROOTS_TYPED))
		return;
	options.view = PW_VIEW_HARDWARE;
	if (root->cpu >= 0)
		options.registers = memory->cpus[root->cpu].registers;
	if (pw_regime_init(&regime, attempt->format, root->root, root->roots, &options, NULL))
		return;
	seen = PW_ROOTS_NOT_ASKED;
	if (root->cpu >= 0)
		seen = pw_roots_see_vectors(&roots->search, &regime, root->cpu, &root->vectors_at);
	/* VMCOREINFO names the kernel's root, and no CPU. */
	if (seen == PW_ROOTS_NOT_ASKED)
		seen = pw_roots_see_vectors(&roots->search, &regime, -1, &root->vectors_at);
	root->vectors_mapped = seen == PW_ROOTS_SEEN;
	if (seen != PW_ROOTS_NOT_ASKED)
		root->vectors = attempt->format->words->vectors->name;
}

static bool add_proof(struct roots *roots, size_t number, size_t i)
{
	const struct pw_roots_try *attempt = &roots->tries[number];
	const struct pw_roots_proofs *proofs = &roots->part[number].proofs;
	const struct pw_roots_proof *proof = &proofs->proof[i];
	const struct pw_roots_proof *kernel = proofs->kernel < proofs->count
						      ? &proofs->proof[proofs->kernel]
						      : NULL;
	struct pw_root root = {
		.format = attempt->format->name,
		.table = proof->place.table,
		.levels = proof->place.top + 1u,
		.user = proof->own,
		.kernel = proof->kernel,
		.owner = PW_ROOT_USER,
		.proof = proof->score >= 4 ? PW_ROOT_PROVED : PW_ROOT_THIN,
		.cpu = cpu_of(roots->search.memory, proof),
		.pid = -1,
	};

	if (proof->dropped && root.cpu < 0)
		return true;
	if (proof == kernel || (roots->search.tables_only && proof->user == 0))
		root.owner = PW_ROOT_KERNEL;
	else if (proof->own == 0)
		root.owner = PW_ROOT_OTHER;
	else if (is_user_half(roots->search.memory, proofs, proof))
		root.owner = PW_ROOT_USER_HALF;
	if (root.owner == PW_ROOT_OTHER && root.cpu < 0 && !proof->place.named)
		return true;
	if (root.cpu >= 0)
		root.proof = PW_ROOT_NAMED;
	/* s390x: only the root says whose the pages are. */
	if (attempt->kind == PW_ROOTS_TYPED && proof == kernel) {
		root.kernel = proof->user;
		root.user = 0;
	}
	/* Xen runs a PV guest's kernel as a user: what all share is the kernel's. */
	if (roots->search.memory->xen_frames && kernel) {
		root.user = proof == kernel ? 0 : proof->own;
		root.kernel = proof->user - root.user;
	}
	set_words(&root, attempt, proof, kernel);
	if (root.cpu >= 0)
		use_cpu(&root, &roots->search.memory->cpus[root.cpu]);
	ask_vectors(roots, attempt, &root);
	if (root.owner == PW_ROOT_USER || root.owner == PW_ROOT_USER_HALF)
		pw_roots_program(&roots->search, &proof->regime, proof->regime.span[0].last,
				 root.program, sizeof(root.program));
	return add_result(roots, &root);
}

static int compare_roots(const void *a, const void *b)
{
	const struct pw_root *left = a, *right = b;

	if ((left->owner == PW_ROOT_KERNEL) != (right->owner == PW_ROOT_KERNEL))
		return left->owner == PW_ROOT_KERNEL ? -1 : 1;
	if ((left->cpu >= 0) != (right->cpu >= 0))
		return left->cpu >= 0 ? -1 : 1;
	if (left->cpu != right->cpu)
		return left->cpu < right->cpu ? -1 : 1;
	if (left->table != right->table)
		return left->table < right->table ? -1 : 1;
	return left->levels < right->levels ? -1 : left->levels > right->levels;
}

/* How many roots would the format tell of: the kernel's, and those that map something for themselves? */
static size_t count_roots(const struct pw_roots_proofs *proofs)
{
	size_t count = 0;

	for (size_t i = 0; i < proofs->count; i++)
		count += i == proofs->kernel ||
			 (!proofs->proof[i].dropped && proofs->proof[i].own > 0);
	return count;
}

/*
 * The format that explains the most tables; @count of roots: none explains any. One with a level too many can explain
 * some without a root. One with a level too few takes the tables below each root for roots; so of formats that explain
 * as many, it is that with fewer.
 */
static size_t likeliest(const struct roots *roots)
{
	size_t best = roots->count, most = 0, fewest = 0;

	for (size_t i = 0; i < roots->count; i++) {
		const struct pw_roots_proofs *proofs = &roots->part[i].proofs;
		size_t count = count_roots(proofs);

		if (count > 0 &&
		    (proofs->tables > most ||
		     (proofs->tables == most && proofs->tables > 0 && count < fewest))) {
			most = proofs->tables;
			fewest = count;
			best = i;
		}
	}
	return best;
}

static int make_result(struct roots *roots, size_t *copies_ret)
{
	size_t best = likeliest(roots);

	for (size_t n = 0; n < roots->count; n++) {
		if (n != best && !roots->options.every_format)
			continue;
		if (copies_ret && !roots->search.tables_only)
			*copies_ret += roots->part[n].proofs.copies;
		for (size_t i = 0; i < roots->part[n].proofs.count; i++)
			if (!add_proof(roots, n, i))
				return -ENOMEM;
	}
	if (roots->found > 0)
		qsort(roots->result, roots->found, sizeof(*roots->result), compare_roots);
	return 0;
}

/* ---- the search ---- */

/* Adds the roots that the source names for this format. Returns 0 or -ENOMEM. */
static int add_named(struct roots *roots, size_t number)
{
	const struct pw_memory *memory = roots->search.memory;
	const struct pw_roots_try *attempt = &roots->tries[number];
	const struct pw_format *f = attempt->format;

	for (size_t i = 0; i < memory->cpu_count; i++) {
		const struct pw_cpu *cpu = &memory->cpus[i];
		struct pw_regime_options options = { .registers = cpu->registers };
		struct pw_regime regime;

		if (!cpu->format || cpu->roots == 0 || pw_format_find(cpu->format) != f ||
		    pw_regime_init(&regime, f, cpu->root, cpu->roots, &options, NULL))
			continue;
		for (unsigned s = 0; s < regime.spans; s++) {
			struct pw_roots_place place = {
				.table = regime.span[s].table,
				.top = regime.span[s].top,
				.named = true,
			};

			/*
			 * LPAE's TTBR1 leads into the middle of a tree, which each process has whole: to a
			 * part of its top table, or to a table below that. An image of `pagewalk cut` has
			 * it for the kernel.
			 */
			if (regime.span[s].top_bits != f->bits[place.top] || regime.span[s].alias ||
			    (attempt->kind == PW_ROOTS_PLAIN && place.top != attempt->top &&
			     !roots->search.tables_only))
				continue;
			if (attempt->kind == PW_ROOTS_LISTED)
				place.word = cpu->root[regime.span[s].root];
			if (!pw_roots_keep(&roots->places[number], &place))
				return -ENOMEM;
		}
	}
	return 0;
}

/* Makes room for the proofs of a format. Returns 0 or -ENOMEM. */
static int begin_part(struct roots *roots, size_t number)
{
	struct part *part = &roots->part[number];
	const size_t count = roots->places[number].count;

	part->begun = true;
	part->proof = calloc(count + 1, sizeof(*part->proof));
	part->proved = calloc(count + 1, sizeof(*part->proved));
	return pw_roots_judged_init(&part->judged) || !part->proof || !part->proved ? -ENOMEM : 0;
}

/* Tells how many places were followed. */
static void tell(struct roots *roots)
{
	const struct pw_roots_options *options = &roots->options;

	if (!options->proved)
		return;
	pthread_mutex_lock(&roots->telling);
	options->proved(options->progress_context, ++roots->places_done, roots->places_all);
	pthread_mutex_unlock(&roots->telling);
}

/* A thread takes places until there are none, of one format after the other. */
static int prove_places(void *context, size_t thread)
{
	struct roots *roots = context;
	struct pw_roots_prover prover;
	int status = pw_roots_prover_init(&prover, &roots->search);

	(void)thread;
	for (size_t n = 0; n < roots->count && status == 0; n++) {
		struct part *part = &roots->part[n];
		struct pw_roots_proof proof;
		size_t i;

		prover.attempt = &roots->tries[n];
		prover.judged = &part->judged;
		while (status == 0 && (i = __atomic_fetch_add(&part->next, 1, __ATOMIC_RELAXED)) <
					      roots->places[n].count) {
			part->proved[i] = pw_roots_prove(&prover, &roots->places[n].place[i],
							 &proof);
			/* Most are refuted, and touch no memory. */
			if (part->proved[i])
				part->proof[i] = proof;
			status = prover.status;
			tell(roots);
		}
	}
	pw_roots_prover_end(&prover);
	return status;
}

/* What one format finds does not depend on the others. The order of places decides, and not that of threads. */
static int rank_part(void *context, size_t number)
{
	struct roots *roots = context;
	struct part *part = &roots->part[number];
	struct pw_roots_prover prover;
	int status = pw_roots_prover_init(&prover, &roots->search);

	prover.attempt = &roots->tries[number];
	prover.judged = &part->judged;
	part->proofs.proof = part->proof;
	for (size_t i = 0; i < roots->places[number].count; i++)
		if (part->proved[i])
			part->proof[part->proofs.count++] = part->proof[i];
	if (status == 0) {
		pw_roots_rank(&prover, &part->proofs);
		status = prover.status;
	}
	pw_roots_prover_end(&prover);
	return status;
}

static int prove_all(struct roots *roots)
{
	int status = 0;

	for (size_t i = 0; i < roots->count && status == 0; i++) {
		roots->places_all += roots->places[i].count;
		status = begin_part(roots, i);
	}
	if (status == 0)
		status = pw_share(roots->options.threads, roots->options.threads, prove_places,
				  roots);
	if (status == 0)
		status = pw_share(roots->options.threads, roots->count, rank_part, roots);
	return status;
}

static void release(struct roots *roots)
{
	for (size_t i = 0; i < roots->count; i++) {
		free(roots->places[i].place);
		free(roots->part[i].proof);
		free(roots->part[i].proved);
		if (roots->part[i].begun)
			pw_roots_judged_end(&roots->part[i].judged);
	}
	pw_roots_chunks_end(&roots->search);
	pthread_mutex_destroy(&roots->telling);
}

static int fail(int status, struct pw_error *error)
{
	if (status == -E2BIG)
		return pw_fail(error, E2BIG,
			       "the memory has more tables than a machine can have: the search for "
			       "roots was given up. Name the format (--format), or the root");
	if (status == -ECANCELED)
		return pw_fail(error, ECANCELED, "the search for roots was cancelled");
	return pw_fail(error, -status, "out of memory");
}

static int search(struct roots *roots, size_t *copies_ret, struct pw_error *error)
{
	int status;

	if (pw_roots_chunks_init(&roots->search))
		return fail(-ENOMEM, error);
	roots->count = pw_roots_choose(&roots->search, roots->tries);
	for (size_t i = 0; i < roots->count; i++)
		if (add_named(roots, i))
			return fail(-ENOMEM, error);
	status = pw_roots_sieve(&roots->search, roots->tries, roots->count, roots->places);
	if (status == 0)
		status = prove_all(roots);
	if (status == 0)
		status = make_result(roots, copies_ret);
	if (status)
		return fail(status, error);
	pw_roots_name(&roots->search, roots->result, roots->found);
	/* It may have ended before all had their names. */
	if (pw_cancelled(roots->options.cancel) && !pw_mutant(PW_MUTANT_CANCELLED_GIVES))
		return fail(-ECANCELED, error);
	return pw_memory_check(roots->search.memory, error);
}

static void set_defaults(struct roots *roots, const struct pw_memory *memory,
			 const struct pw_roots_options *options)
{
	pthread_mutex_init(&roots->telling, NULL);
	if (options)
		roots->options = *options;
	if (roots->options.threads == 0)
		roots->options.threads = pw_processors();
	roots->search.memory = memory;
	roots->search.options = &roots->options;
	roots->search.ram_last = memory->segments[memory->count - 1].last;
	/* An image of `pagewalk cut`: its machine is not named, and it has roots; so has a machine that runs. */
	roots->search.tables_only = memory->machine == 0 && memory->cpu_count > 0 &&
				    !memory->vmcoreinfo && !memory->is_live;
}

/* Searches a copy of a slow memory. */
static int find_in_copy(const struct pw_memory *memory, const struct pw_roots_options *options,
			struct pw_root **roots_ret, size_t *count_ret, size_t *copies_ret,
			struct pw_error *error)
{
	static const struct pw_roots_options none = { .threads = 0 };
	struct pw_memory *copy;
	int status = pw_roots_copy(memory, options ? options : &none, &copy, error);

	if (status)
		return status;
	/* The search goes on without it, too. */
	pw_memory_find_vmcoreinfo(copy, UINT64_MAX, NULL);
	status = pw_roots_find(copy, options, roots_ret, count_ret, copies_ret, error);
	pw_memory_close(copy);
	/* The line of VMCOREINFO is the copy's alone. */
	for (size_t i = 0; status == 0 && i < *count_ret; i++)
		if ((*roots_ret)[i].cpu >= 0 && (size_t)(*roots_ret)[i].cpu >= memory->cpu_count)
			(*roots_ret)[i].cpu = -1;
	return status;
}

int pw_roots_find(const struct pw_memory *memory, const struct pw_roots_options *options,
		  struct pw_root **roots_ret, size_t *count_ret, size_t *copies_ret,
		  struct pw_error *error)
{
	struct roots *roots;
	int status;

	if (!memory || !roots_ret || !count_ret)
		return pw_fail_null(error, !memory      ? "memory"
					   : !roots_ret ? "roots_ret"
							: "count_ret");
	if (copies_ret)
		*copies_ret = 0;
	if (memory->slow)
		return find_in_copy(memory, options, roots_ret, count_ret, copies_ret, error);
	roots = calloc(1, sizeof(*roots));
	if (!roots)
		return pw_fail(error, ENOMEM, "out of memory");
	set_defaults(roots, memory, options);
	status = search(roots, copies_ret, error);
	release(roots);
	if (status == 0) {
		*roots_ret = roots->result;
		*count_ret = roots->found;
	} else {
		free(roots->result);
	}
	free(roots);
	return status;
}
