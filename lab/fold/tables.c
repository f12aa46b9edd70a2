/* SPDX-License-Identifier: MIT */
/*
 * Tables made to show a folding strategy at work, in memory of their own:
 *
 *   0x00100000   tables, the top one first
 *   0x40000000   pages, which have no bytes: page n of the list stands at 0x40000000 + n * size
 *
 * The list of pages, sorted by address, is the oracle; no walker has a part in it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "lab/fold/kernel.h"

static const pw_pa FIRST_TABLE = 0x00100000;
static const pw_pa FIRST_PAGE = 0x40000000;
static const size_t ALIGNMENT = 0x10000; /* the largest base page */
static const uint64_t MAX_PAGES = UINT64_C(1) << 18;

struct fold_tables {
	const struct pw_format *format;
	const struct fold_style *style;
	struct pw_regime_options options;
	struct pw_regime regime;
	uint64_t root[PW_MAX_ROOTS];
	unsigned roots;
	pw_va first, last;
	pw_va *page; /* sorted; page[n] is at FIRST_PAGE + n pages */
	size_t pages;
	unsigned char *ram; /* room for tables from FIRST_TABLE on */
	size_t bytes, room;
	struct pw_memory *memory;
	struct fold_oracle oracle;
};

static unsigned page_shift(const struct fold_tables *tables)
{
	return tables->format->shift[0];
}

/* ---- the list of pages ---- */

static int compare(const void *left, const void *right)
{
	pw_va a = *(const pw_va *)left, b = *(const pw_va *)right;

	return a < b ? -1 : a > b;
}

/* The address that corresponds to @va under entry @index of the top table. */
static pw_va moved(const struct fold_tables *tables, unsigned top, uint32_t index, pw_va va)
{
	const struct pw_format *f = tables->format;
	uint64_t field = pw_mask(f->bits[top]) << f->shift[top];

	return (va & ~field) | (pw_va)index << f->shift[top];
}

/*
 * Lists the range, and for each of its pages the pages to which a copy of another top entry leads. That
 * is the entry of the first address, if a walk goes on from a copy of it, and the entry that pgd_index()
 * gives, if a folded level has an index of its own.
 */
static int list_pages(struct fold_tables *tables, unsigned top, struct pw_error *error)
{
	const struct pw_format *f = tables->format;
	const struct fold_style *style = tables->style;
	uint64_t size = UINT64_C(1) << page_shift(tables);
	uint64_t count = (tables->last - tables->first) / size + 1;
	uint32_t copied = pw_index(tables->first, f->shift[top], f->bits[top]);
	size_t kept = 0;

	if (count == 0 || count > MAX_PAGES)
		return pw_fail(error, EINVAL,
			       "0x%llx-0x%llx has more than %llu pages; give a shorter range, "
			       "across a boundary",
			       (unsigned long long)tables->first, (unsigned long long)tables->last,
			       (unsigned long long)MAX_PAGES);
	tables->page = malloc(3 * (size_t)count * sizeof(*tables->page));
	if (!tables->page)
		return pw_fail(error, ENOMEM, "no memory for a list of pages");
	for (uint64_t i = 0; i < count; i++) {
		pw_va va = tables->first + i * size;

		tables->page[tables->pages++] = va;
		tables->page[tables->pages++] = moved(tables, top, copied, va);
		if (style->how == FOLD_REINDEX)
			tables->page[tables->pages++] = moved(
				tables, top, pw_index(va, style->pgd_shift, style->pgd_bits), va);
	}
	qsort(tables->page, tables->pages, sizeof(*tables->page), compare);
	for (size_t i = 0; i < tables->pages; i++)
		if (i == 0 || tables->page[i] != tables->page[kept - 1])
			tables->page[kept++] = tables->page[i];
	tables->pages = kept;
	return 0;
}

static bool oracle_page(const struct fold_oracle *oracle, pw_va va, pw_pa *pa_ret)
{
	const struct fold_tables *tables = oracle->context;
	pw_va page = va & ~pw_mask(page_shift(tables));
	const pw_va *found = bsearch(&page, tables->page, tables->pages, sizeof(*found), compare);

	if (!found)
		return false;
	*pa_ret = FIRST_PAGE + ((pw_pa)(found - tables->page) << page_shift(tables)) + (va - page);
	return true;
}

static bool oracle_address(const struct fold_oracle *oracle, pw_pa pa, pw_va *va_ret)
{
	const struct fold_tables *tables = oracle->context;
	uint64_t number = (pa - FIRST_PAGE) >> page_shift(tables);

	if (pa < FIRST_PAGE || number >= tables->pages)
		return false;
	*va_ret = tables->page[number] + (pa & pw_mask(page_shift(tables)));
	return true;
}

/* ---- tables ---- */

static void store(struct fold_tables *tables, pw_pa at, uint64_t value)
{
	const struct pw_format *f = tables->format;
	uint64_t word = pw_entry_number(value, f->entry_lg2, f->big_endian);
	unsigned char *host = tables->ram + (at - FIRST_TABLE);
	uint32_t word32 = (uint32_t)word;

	if (f->entry_lg2 == 2)
		memcpy(host, &word32, sizeof(word32));
	else
		memcpy(host, &word, sizeof(word));
}

static uint64_t stored(const struct fold_tables *tables, pw_pa at)
{
	const struct pw_format *f = tables->format;
	const unsigned char *host = tables->ram + (at - FIRST_TABLE);
	uint64_t word = 0;
	uint32_t word32;

	if (f->entry_lg2 == 2) {
		memcpy(&word32, host, sizeof(word32));
		word = word32;
	} else {
		memcpy(&word, host, sizeof(word));
	}
	return pw_entry_number(word, f->entry_lg2, f->big_endian);
}

/* A new table of empty entries, aligned to its size and to a page; 0 when there is no room. */
static pw_pa new_table(struct fold_tables *tables, unsigned level, unsigned bits)
{
	const struct pw_format *f = tables->format;
	size_t size = (size_t)1 << (bits + f->entry_lg2);
	size_t align = size < (size_t)1 << page_shift(tables) ? (size_t)1 << page_shift(tables)
							      : size;
	size_t at = (tables->bytes + align - 1) & ~(align - 1);
	unsigned char *ram;

	if (at + align > tables->room) {
		size_t room = (at + align) * 2;

		/* The host memory is aligned like the addresses: lean code finds a page by its pointer. */
		ram = aligned_alloc(ALIGNMENT, (room + ALIGNMENT - 1) & ~(ALIGNMENT - 1));
		if (!ram)
			return 0;
		if (tables->ram)
			memcpy(ram, tables->ram, tables->room);
		memset(ram + tables->room, 0, room - tables->room);
		free(tables->ram);
		tables->ram = ram;
		tables->room = room;
	}
	tables->bytes = at + align;
	if (f->make_empty)
		for (size_t i = 0; i < (size_t)1 << bits; i++)
			store(tables, FIRST_TABLE + at + (i << f->entry_lg2),
			      f->make_empty(f, &tables->regime, level));
	return FIRST_TABLE + at;
}

/* Makes the tables down to the leaf of @va and returns the leaf's address; 0 if memory runs out. */
static pw_pa leaf_place(struct fold_tables *tables, const struct pw_span *span, pw_va va)
{
	const struct pw_format *f = tables->format;
	struct pw_table_at here = pw_table_top(f, span);

	while (here.level > 0) {
		pw_pa at = pw_entry_address(f, here.table, pw_index(va, here.shift, here.bits));
		uint64_t entry = stored(tables, at);

		if (f->kind(f, &tables->regime, here.level, entry) != PW_TABLE) {
			pw_pa below = new_table(tables, here.level - 1u, f->bits[here.level - 1]);

			if (!below)
				return 0;
			entry = f->make_table(f, &tables->regime, here.level, below);
			store(tables, at, entry);
		}
		here = pw_table_below(f, &tables->regime, here.level, &here, entry);
	}
	return pw_entry_address(f, here.table, pw_index(va, here.shift, here.bits));
}

static int fill(struct fold_tables *tables, struct pw_error *error)
{
	const struct pw_format *f = tables->format;
	const uint32_t attr = PW_READ | PW_WRITE | PW_USER | PW_ACCESSED | PW_DIRTY;

	for (size_t i = 0; i < tables->pages; i++) {
		const struct pw_span *span = pw_span_find(&tables->regime, tables->page[i]);
		pw_pa pa = FIRST_PAGE + ((pw_pa)i << page_shift(tables));
		pw_pa at;

		if (!span)
			return pw_fail(error, EINVAL,
				       "these tables cannot map 0x%llx: their addresses go from "
				       "0x%llx to 0x%llx",
				       (unsigned long long)tables->page[i],
				       (unsigned long long)tables->regime.span[0].first,
				       (unsigned long long)tables->regime.span[0].last);
		at = leaf_place(tables, span, tables->page[i]);
		if (!at)
			return pw_fail(error, ENOMEM, "no memory for the tables");
		store(tables, at, f->make_leaf(f, &tables->regime, 0, pa, attr));
	}
	return 0;
}

/* Makes the top table, and a regime whose root it is; with two roots, each gets its own table. */
static int plant(struct fold_tables *tables, unsigned top, struct pw_error *error)
{
	const struct pw_format *f = tables->format;
	int status = 0;

	tables->regime = (struct pw_regime){ .format = f };
	/* make_root and make_empty look at the view and the kernel at most. */
	tables->regime.view = tables->options.view;
	tables->regime.kernel = tables->options.kernel ? tables->options.kernel : 0x0601;
	tables->regime.address_mask = ~UINT64_C(0);
	for (tables->roots = 0; tables->roots < (f->needs_ttbcr ? 1 : f->max_roots);
	     tables->roots++) {
		pw_pa table = new_table(tables, top, f->bits[top]);

		if (!table)
			return pw_fail(error, ENOMEM, "no memory for the tables");
		tables->root[tables->roots] = f->make_root(f, &tables->regime, table, top);
	}
	status = pw_regime_init(&tables->regime, f, tables->root, tables->roots, &tables->options,
				error);
	return status;
}

/*
 * The usual depth for the range. Where each address space has its own depth (s390x), Linux gives a
 * process three levels and adds levels when an address needs them. With more levels than the range
 * needs, fewer are folded, and the errors of folding do not show.
 */
static unsigned usual_levels(const struct fold_tables *tables)
{
	const struct pw_format *f = tables->format;
	unsigned levels = 3;

	if (!f->dynamic_top || tables->style->how != FOLD_VALUE)
		return f->levels;
	while (levels < f->levels &&
	       tables->last > pw_mask(f->shift[levels - 1] + f->bits[levels - 1]))
		levels++;
	return levels;
}

static int build(struct fold_tables *tables, unsigned levels, struct pw_error *error)
{
	const struct pw_format *f = tables->format;
	struct pw_segment segment;
	int status;

	if (!tables->style || !f->make_leaf || !f->make_table || !f->make_root)
		return pw_fail(error, EINVAL,
			       "%s has no levels that Linux folds, so there is nothing to show; "
			       "choose another format",
			       f->name);
	if (levels == 0)
		levels = usual_levels(tables);
	if (levels > f->levels || levels < 2 || (levels != f->levels && !f->dynamic_top))
		return pw_fail(error, EINVAL,
			       f->dynamic_top
				       ? "%s has 2 to %u levels, not %u"
				       : "%s has %u levels, not %u; give a format that has as many",
			       f->name, f->levels, levels);
	status = plant(tables, levels - 1, error);
	if (!status && !tables->pages)
		status = list_pages(tables, levels - 1, error);
	if (!status)
		status = fill(tables, error);
	if (status)
		return status;
	segment = (struct pw_segment){
		.first = FIRST_TABLE,
		.last = FIRST_TABLE + tables->bytes - 1,
		.host = tables->ram,
	};
	return pw_memory_wrap(&segment, 1, &tables->memory, error);
}

static struct fold_tables *new_tables(const struct pw_format *format,
				      const struct fold_style *style,
				      const struct pw_regime_options *options, pw_va first,
				      pw_va last)
{
	struct fold_tables *tables = calloc(1, sizeof(*tables));

	if (!tables)
		return NULL;
	*tables = (struct fold_tables){
		.format = format,
		.style = style,
		.first = first & ~pw_mask(format->shift[0]),
		.last = last | pw_mask(format->shift[0]),
		.oracle = {
			.page = oracle_page,
			.address = oracle_address,
			.context = tables,
		},
	};
	if (options)
		tables->options = *options;
	return tables;
}

static int finish(struct fold_tables *tables, unsigned levels, struct fold_tables **tables_ret,
		  struct pw_error *error)
{
	int status = build(tables, levels, error);

	if (status) {
		fold_tables_destroy(tables);
		return status;
	}
	*tables_ret = tables;
	return 0;
}

int fold_tables_create(const struct pw_format *format, const struct fold_style *style,
		       unsigned levels, const struct pw_regime_options *options, pw_va first,
		       pw_va last, struct fold_tables **tables_ret, struct pw_error *error)
{
	struct fold_tables *tables;

	if (first > last)
		return pw_fail(error, EINVAL, "the range 0x%llx-0x%llx ends before it begins",
			       (unsigned long long)first, (unsigned long long)last);
	tables = new_tables(format, style, options, first, last);
	if (!tables)
		return pw_fail(error, ENOMEM, "no memory for the tables");
	return finish(tables, levels, tables_ret, error);
}

int fold_tables_create_list(const struct pw_format *format, const struct fold_style *style,
			    unsigned levels, const struct pw_regime_options *options,
			    const pw_va *page, size_t count, struct fold_tables **tables_ret,
			    struct pw_error *error)
{
	struct fold_tables *tables;

	if (count == 0)
		return pw_fail(error, EINVAL, "give at least one page that the tables map");
	tables = new_tables(format, style, options, page[0], page[count - 1]);
	if (tables)
		tables->page = malloc(count * sizeof(*page));
	if (!tables || !tables->page) {
		fold_tables_destroy(tables);
		return pw_fail(error, ENOMEM, "no memory for the tables");
	}
	memcpy(tables->page, page, count * sizeof(*page));
	tables->pages = count;
	return finish(tables, levels, tables_ret, error);
}

void fold_tables_destroy(struct fold_tables *tables)
{
	if (!tables)
		return;
	pw_memory_close(tables->memory);
	free(tables->ram);
	free(tables->page);
	free(tables);
}

void fold_tables_input(const struct fold_tables *tables, struct fold_input *input)
{
	input->memory = tables->memory;
	input->format = tables->format;
	input->style = tables->style;
	input->root = tables->root;
	input->roots = tables->roots;
	input->options = tables->options;
	input->first = tables->first;
	input->last = tables->last;
	input->oracle = &tables->oracle;
}
