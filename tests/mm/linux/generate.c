/* SPDX-License-Identifier: MIT */
/*
 * Scripts from a seed. Addresses come from a few short zones (the window's begin, a border of huge pages, the
 * window's end, where the kernel puts what may lie anywhere), and mostly from borders that calls used before. So
 * ranges meet, overlap and leave holes. Some calls come in groups that are known to go wrong.
 */
#include <string.h>
#include <sys/mman.h>

#include "advice.h"
#include "generate.h"

enum { ZONE_PAGES = 40 };

/* ---- arguments ---- */

static uint64_t any_border(struct generator *g)
{
	const uint64_t pages = below(g, ZONE_PAGES);

	switch (below(g, 4)) {
	case 0:
	case 1:
		return WINDOW + pages * g->can->page;
	case 2:
		return WINDOW + HUGE_BYTES + (pages - ZONE_PAGES / 2) * g->can->page;
	default:
		return WINDOW_END - pages * g->can->page;
	}
}

uint64_t gen_border(struct generator *g)
{
	uint64_t va;

	if (chance(g, 70)) {
		va = g->border[below(g, BORDERS)];
		if (chance(g, 30))
			va += (below(g, 5) - 2) * g->can->page;
	} else {
		va = any_border(g);
	}
	if (va < WINDOW || va > WINDOW_END)
		va = WINDOW;
	g->border[below(g, BORDERS)] = va;
	return va;
}

void gen_remember(struct generator *g, uint64_t va)
{
	if (va >= WINDOW && va <= WINDOW_END)
		g->border[below(g, BORDERS)] = va & ~(g->can->page - 1);
}

static uint64_t some_pages(struct generator *g)
{
	if (chance(g, 80))
		return 1 + below(g, 8);
	if (chance(g, 85))
		return 1 + below(g, 40);
	return 512 + below(g, 3) * 256;
}

/* A length. Few are odd, none or all too much. */
static uint64_t length(struct generator *g)
{
	static const uint64_t strange[] = {
		0,
		1,
		UINT64_MAX,
		UINT64_MAX - 4094,
		UINT64_MAX - 4095,
		UINT64_C(1) << 47,
		(UINT64_C(1) << 47) - 4096,
		UINT64_C(1) << 63,
		UINT64_C(1) << 32,
	};
	uint64_t bytes = some_pages(g) * g->can->page;

	if (chance(g, 3))
		return strange[below(g, sizeof strange / sizeof *strange)];
	if (chance(g, 6))
		bytes -= 1 + below(g, g->can->page - 1);
	return bytes;
}

/* A range, mostly between two borders. */
void gen_range(struct generator *g, uint64_t *arg)
{
	const uint64_t va = gen_border(g), end = gen_border(g);

	arg[0] = va;
	arg[1] = length(g);
	if (chance(g, 50) && end != va) {
		arg[0] = va < end ? va : end;
		arg[1] = va < end ? end - va : va - end;
		if (arg[1] > 600 * g->can->page)
			arg[1] = some_pages(g) * g->can->page;
	}
	if (arg[1] <= WINDOW_BYTES && arg[0] + arg[1] > WINDOW_END)
		arg[0] = WINDOW_END - (arg[1] + g->can->page - 1) / g->can->page * g->can->page;
	if (chance(g, 3))
		arg[0] += 1 + below(g, g->can->page - 1);
	g->border[below(g, BORDERS)] = (arg[0] + arg[1]) & ~(g->can->page - 1);
}

uint64_t gen_prot(struct generator *g)
{
	static const uint8_t usual[] = { PROT_READ | PROT_WRITE,
					 PROT_READ | PROT_WRITE,
					 PROT_READ | PROT_WRITE,
					 PROT_READ,
					 PROT_NONE,
					 PROT_WRITE,
					 PROT_READ | PROT_EXEC,
					 PROT_READ | PROT_WRITE | PROT_EXEC };

	return usual[below(g, sizeof usual)];
}

uint64_t gen_file(struct generator *g)
{
	return below(g, g->script->files);
}

static uint64_t file_offset(struct generator *g)
{
	uint64_t offset = below(g, 10) * g->can->page;

	return chance(g, 4) ? offset + 1 + below(g, g->can->page - 1) : offset;
}

unsigned gen_process(struct generator *g)
{
	unsigned chosen;

	do
		chosen = (unsigned)below(g, MAX_PROCESSES);
	while (!(g->alive & 1u << chosen));
	return chosen;
}

void gen_add(struct generator *g, unsigned who, enum call_kind kind, const uint64_t *arg)
{
	const struct call call = { .kind = (uint8_t)kind,
				   .arg = { arg[0], arg[1], arg[2], arg[3], arg[4], arg[5] } };

	if (call_is_safe(&call, g->can))
		script_add(g->script, who, kind, arg);
}

/* ---- calls ---- */

static void add_mmap(struct generator *g, unsigned who)
{
	uint64_t arg[MAX_ARGS];

	gen_range(g, arg);
	arg[2] = gen_prot(g);
	arg[3] = chance(g, 70) ? MAP_PRIVATE : MAP_SHARED;
	arg[4] = NO_FILE;
	arg[5] = 0;
	if (chance(g, 60)) {
		arg[3] |= MAP_ANONYMOUS;
	} else {
		arg[4] = gen_file(g);
		arg[5] = file_offset(g);
	}
	if (chance(g, 75))
		arg[3] |= chance(g, 85) ? MAP_FIXED : MAP_FIXED_NOREPLACE;
	else if (chance(g, 40))
		arg[0] = 0;
	if (chance(g, 8))
		arg[3] |= MAP_POPULATE | (chance(g, 30) ? MAP_NONBLOCK : 0);
	if (chance(g, 4))
		arg[3] |= MAP_LOCKED;
	if (chance(g, 5))
		arg[3] |= MAP_NORESERVE;
	if (chance(g, 5))
		arg[3] |= MAP_GROWSDOWN;
	if (chance(g, 1))
		arg[3] ^= MAP_PRIVATE;
	gen_add(g, who, CALL_MMAP, arg);
}

static void add_mremap(struct generator *g, unsigned who)
{
	uint64_t arg[MAX_ARGS];

	gen_range(g, arg);
	arg[2] = chance(g, 40) ? arg[1] : length(g);
	arg[3] = chance(g, 80) ? MREMAP_MAYMOVE : 0;
	arg[4] = gen_border(g);
	if (chance(g, 50))
		arg[3] |= MREMAP_FIXED;
	if (chance(g, 20)) {
		arg[3] |= MREMAP_DONTUNMAP;
		if (chance(g, 90))
			arg[2] = arg[1];
	}
	if (chance(g, 8))
		arg[1] = 0;
	if (chance(g, 1))
		arg[3] |= 8;
	gen_add(g, who, CALL_MREMAP, arg);
}

static void add_madvise(struct generator *g, unsigned who)
{
	static const uint8_t advice[] = {
		MADV_DONTNEED,
		MADV_DONTNEED,
		MADV_DONTNEED,
		MADV_FREE,
		MADV_FREE,
		MADV_REMOVE,
		MADV_DONTFORK,
		MADV_DOFORK,
		MADV_WIPEONFORK,
		MADV_KEEPONFORK,
		MADV_COLD,
		MADV_PAGEOUT,
		MADV_PAGEOUT,
		ADVICE_POPULATE_READ,
		ADVICE_POPULATE_READ,
		ADVICE_POPULATE_WRITE,
		ADVICE_POPULATE_WRITE,
		ADVICE_GUARD_INSTALL,
		ADVICE_GUARD_INSTALL,
		ADVICE_GUARD_INSTALL,
		ADVICE_GUARD_REMOVE,
		ADVICE_GUARD_REMOVE,
		MADV_NORMAL,
		MADV_SEQUENTIAL,
		MADV_RANDOM,
		MADV_WILLNEED,
		MADV_HUGEPAGE,
		MADV_NOHUGEPAGE,
		MADV_DONTDUMP,
		MADV_DODUMP,
		ADVICE_DONTNEED_LOCKED,
		ADVICE_COLLAPSE,
	};
	uint64_t arg[MAX_ARGS];

	gen_range(g, arg);
	arg[2] = chance(g, 99) ? advice[below(g, sizeof advice)] : 60 + below(g, 30);
	gen_add(g, who, CALL_MADVISE, arg);
}

static void add_range(struct generator *g, unsigned who, enum call_kind kind)
{
	uint64_t arg[MAX_ARGS] = { 0 };

	gen_range(g, arg);
	if (kind == CALL_MPROTECT)
		arg[2] = chance(g, 97) ? gen_prot(g)
				       : gen_prot(g) | (uint64_t)PROT_GROWSDOWN << below(g, 2);
	if (kind == CALL_MLOCK2)
		arg[2] = chance(g, 95) ? below(g, 2) : 2;
	if (kind == CALL_MSYNC)
		arg[2] = below(g, 8);
	gen_add(g, who, kind, arg);
}

void gen_touch(struct generator *g, unsigned who)
{
	static const enum call_kind kinds[] = { CALL_READ, CALL_WRITE, CALL_WRITE, CALL_SCAN,
						CALL_FILL };
	const enum call_kind kind = kinds[below(g, 5)];
	uint64_t arg[MAX_ARGS] = { 0 };

	arg[0] = gen_border(g);
	if (chance(g, 50))
		arg[0] += below(g, 4) * g->can->page;
	arg[0] += below(g, g->can->page / 8) * 8;
	arg[1] = 1 + below(g, 12);
	gen_add(g, who, kind, arg);
}

void gen_file_call(struct generator *g, unsigned who)
{
	uint64_t arg[MAX_ARGS] = { gen_file(g) };
	const bool huge = g->script->file[arg[0]].kind == FILE_HUGETLB;

	switch (below(g, huge ? 2 : 5)) {
	case 0:
		arg[1] = below(g, 14) * g->can->page;
		if (chance(g, 40))
			arg[1] += below(g, g->can->page);
		if (huge)
			arg[1] = below(g, 4) << 21;
		gen_add(g, who, CALL_TRUNCATE, arg);
		break;
	case 1:
		arg[1] = file_offset(g);
		arg[2] = length(g);
		if (arg[2] > WINDOW_BYTES)
			arg[2] = 3 * g->can->page;
		gen_add(g, who, CALL_PUNCH, arg);
		break;
	case 2:
		gen_add(g, who, CALL_FSYNC, arg);
		break;
	default:
		arg[1] = below(g, 10 * g->can->page);
		arg[2] = 1 + below(g, 3 * g->can->page);
		gen_add(g, who, chance(g, 50) ? CALL_PREAD : CALL_PWRITE, arg);
		break;
	}
}

void gen_fork(struct generator *g, unsigned who)
{
	uint64_t arg[MAX_ARGS] = { 0 };

	for (unsigned i = 1; i < MAX_PROCESSES; i++) {
		if (g->ever & 1u << i)
			continue;
		arg[0] = i;
		gen_add(g, who, CALL_FORK, arg);
		g->ever |= 1u << i;
		g->alive |= 1u << i;
		return;
	}
}

void gen_clear_refs(struct generator *g, unsigned who)
{
	static const uint64_t none[MAX_ARGS];

	gen_add(g, who, CALL_CLEAR_REFS, none);
}

static void add_exit(struct generator *g, unsigned who)
{
	const uint64_t arg[MAX_ARGS] = { 0 };

	if ((g->alive & (g->alive - 1)) == 0)
		return;
	gen_add(g, who, CALL_EXIT, arg);
	g->alive &= ~(1u << who);
}

static void add_lockall(struct generator *g, unsigned who)
{
	uint64_t arg[MAX_ARGS] = { 0 };

	arg[0] = below(g, 8);
	gen_add(g, who, chance(g, 40) ? CALL_MLOCKALL : CALL_MUNLOCKALL, arg);
}

/* ---- scripts ---- */

static void any_call(struct generator *g)
{
	static const uint64_t none[MAX_ARGS];
	const unsigned who = gen_process(g);
	const uint64_t dice = below(g, 100);

	/* Where nothing is soft-dirty, the other calls are as they would be without this. */
	if (g->can->soft_dirty && chance(g, 4))
		gen_clear_refs(g, who);
	if (dice < 18)
		add_mmap(g, who);
	else if (dice < 24)
		add_range(g, who, CALL_MUNMAP);
	else if (dice < 32)
		add_range(g, who, CALL_MPROTECT);
	else if (dice < 40)
		add_mremap(g, who);
	else if (dice < 50)
		add_madvise(g, who);
	else if (dice < 55)
		add_range(g, who, CALL_MLOCK + (enum call_kind)below(g, 3));
	else if (dice < 57)
		add_range(g, who, CALL_MINCORE);
	else if (dice < 59)
		add_range(g, who, CALL_MSYNC);
	else if (dice < 75)
		gen_touch(g, who);
	else if (dice < 79)
		gen_file_call(g, who);
	else if (dice < 81)
		gen_fork(g, who);
	else if (dice < 82)
		add_exit(g, who);
	else if (dice < 83)
		add_lockall(g, who);
	else if (dice < 87)
		gen_add(g, who, CALL_DIGEST, none);
	else
		gen_group(g, who);
}

void script_generate(struct script *script, uint64_t seed, const struct abilities *can)
{
	struct generator g = { .script = script, .can = can, .state = seed, .alive = 1, .ever = 1 };
	unsigned calls;

	memset(script, 0, sizeof *script);
	script->files = 1 + (unsigned)below(&g, 3);
	for (unsigned i = 0; i < script->files; i++) {
		script->file[i].kind = chance(&g, 50) ? FILE_SHMEM : FILE_HOST;
		script->file[i].bytes = below(&g, 10) * can->page + (chance(&g, 50) ? 0 : 100);
		if (can->hugetlb && chance(&g, 6)) {
			script->file[i].kind = FILE_HUGETLB;
			script->file[i].bytes = below(&g, 3) << 21;
		}
	}
	for (unsigned i = 0; i < BORDERS; i++)
		g.border[i] = any_border(&g);
	calls = 8 + (unsigned)below(&g, chance(&g, 80) ? 40 : MAX_CALLS - 20);
	for (unsigned i = 0; i < 3; i++)
		add_mmap(&g, 0);
	while (script->calls < calls)
		any_call(&g);
	for (unsigned i = 0; i < MAX_PROCESSES; i++)
		if (g.alive & 1u << i)
			script_add(script, i, CALL_DIGEST, (uint64_t[MAX_ARGS]){ 0 });
}
