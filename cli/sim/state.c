/* SPDX-License-Identifier: MIT */
/* What everything looks like after a step: VMAs, what their entries say, and the folios behind them. */
#include <string.h>
#include <sys/mman.h>

#include "cli/sim/sim.h"

enum { ROWS_OF_AREA = 12 };

struct looking {
	struct sim_run *run;
	struct sim_state *state;
	unsigned mm;
	struct pw_mm *shown;
};

/* The folio of @pa in the list, or -1 if it has none. */
static int folio_of(const struct looking *looking, pw_pa pa)
{
	struct pw_arena *arena = pw_machine_arena(looking->run->machine);
	struct sim_state *state = looking->state;
	struct pw_folio_info info;

	if (pa - pa % looking->run->page == pw_arena_zero_page(arena) ||
	    !pw_folio_info(arena, pa, &info))
		return -1;
	for (unsigned i = 0; i < state->folios; i++)
		if (state->folio[i].info.pa == info.pa)
			return (int)i;
	if (state->folios == SIM_FOLIOS)
		return -1;
	state->folio[state->folios].info = info;
	snprintf(state->folio[state->folios].label, SIM_NAME, "0x%llx",
		 (unsigned long long)info.pa);
	return (int)state->folios++;
}

/* Adds the page at @va; returns the bytes that its entry covers, at least one page. */
static uint64_t add_row(const struct looking *looking, pw_va va)
{
	struct sim_state *state = looking->state;
	struct sim_row *row = &state->row[state->rows++];
	struct pw_reader *reader = pw_cpu_reader(looking->run->object[looking->mm].cpu);
	const struct pw_regime *regime;

	memset(row, 0, sizeof(*row));
	row->mm = looking->mm;
	row->va = va;
	row->folio = -1;
	regime = pw_reader_enter(reader);
	pw_translate_trace(pw_arena_memory(pw_machine_arena(looking->run->machine)), regime, va,
			   &row->result, &row->trace);
	pw_reader_leave(reader);
	if (row->result.status != PW_OK && row->result.status != PW_PROT_NONE)
		return looking->run->page;
	if (!(row->result.attr & PW_SPECIAL))
		row->folio = folio_of(looking, row->result.pa);
	return pw_result_size(&row->result);
}

static int add_area(void *context, const struct pw_vma_info *vma)
{
	const struct looking *looking = context;
	struct sim_state *state = looking->state;
	struct sim_area *area;
	unsigned rows = 0;
	pw_va va = vma->first;

	if (state->areas == SIM_AREAS)
		return 1;
	area = &state->area[state->areas++];
	*area = (struct sim_area){ .mm = looking->mm, .vma = *vma, .first_row = state->rows };
	/* Pages of a huge leaf are one row. */
	for (; rows < ROWS_OF_AREA && state->rows < SIM_ROWS; rows++) {
		uint64_t bytes = add_row(looking, va), left = bytes - (va & (bytes - 1));

		if (vma->last - va < left) {
			rows++;
			va = vma->last;
			break;
		}
		va += left;
	}
	area->rows = rows;
	if (va < vma->last)
		area->hidden = (vma->last - va) / looking->run->page + 1;
	return 0;
}

/* Pinned folios that nothing maps any more are shown, too. */
static void add_pins(const struct looking *looking)
{
	for (unsigned i = 0; i < looking->run->objects; i++) {
		const struct sim_pin *pin = looking->run->object[i].pin;

		for (size_t page = 0; pin && page < pin->count; page++)
			folio_of(looking, pin->page[page]);
	}
}

void sim_look(struct sim_run *run, struct sim_state *state)
{
	struct looking looking = { .run = run, .state = state };

	state->areas = state->rows = state->folios = 0;
	for (unsigned i = 0; i < run->objects; i++) {
		if (run->object[i].kind != SIM_IS_MM)
			continue;
		looking.mm = i;
		pw_mm_vmas(run->object[i].mm, add_area, &looking);
	}
	add_pins(&looking);
}

/* ---- words ---- */

static const char *kind_words(const struct pw_folio_info *info)
{
	switch (info->kind) {
	case PW_FOLIO_ANONYMOUS:
		return info->exclusive ? "anonymous, exclusive" : "anonymous, shared";
	case PW_FOLIO_SHARED:
		return "shared memory";
	case PW_FOLIO_FILE:
		return "a file's";
	case PW_FOLIO_HUGETLB:
		return "hugetlb";
	case PW_FOLIO_SECRET:
		return "secret";
	case PW_FOLIO_NONE:
		break;
	}
	return "no mapping";
}

void sim_folio_words(const struct sim_folio *folio, char *text, size_t size)
{
	const struct pw_folio_info *info = &folio->info;

	snprintf(text, size, "%s%s%s%s", kind_words(info), info->dirty ? ", dirty" : "",
		 info->order ? ", large" : "", info->maybe_pinned ? ", pinned" : "");
}

/* "rw-u, anonymous, exclusive": what there is to say of an entry beside its page's address. */
void sim_row_rest(const struct sim_run *run, const struct sim_state *state,
		  const struct sim_row *row, char *text, size_t size)
{
	const struct pw_result *result = &row->result;
	char folio[SIM_TEXT] = "", prot[5];

	(void)run;
	if (row->folio >= 0)
		sim_folio_words(&state->folio[row->folio], folio, sizeof(folio));
	else if (result->attr & PW_SPECIAL)
		snprintf(folio, sizeof(folio), "special: no reference count");
	snprintf(text, size, "%s%s%.360s",
		 result->status == PW_PROT_NONE ? "prot-none" : pw_prot_string(result->attr, prot),
		 folio[0] ? ", " : "", folio);
}

const char *sim_row_page(const struct sim_run *run, const struct sim_row *row)
{
	const struct pw_result *result = &row->result;

	if (result->status != PW_OK && result->status != PW_PROT_NONE)
		return NULL;
	if (result->pa == pw_arena_zero_page(pw_machine_arena(run->machine)))
		return "zero page";
	return pw_result_size(result) > run->page ? "huge page" : "page";
}

void sim_row_words(const struct sim_run *run, const struct sim_state *state,
		   const struct sim_row *row, char *text, size_t size)
{
	const char *page = sim_row_page(run, row);
	char rest[SIM_TEXT];

	if (!page) {
		snprintf(text, size, "%s", pw_status_name((enum pw_status)row->result.status));
		return;
	}
	sim_row_rest(run, state, row, rest, sizeof(rest));
	snprintf(text, size, "%s 0x%llx %.360s", page, (unsigned long long)row->result.pa, rest);
}
