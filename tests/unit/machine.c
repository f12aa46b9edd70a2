/* SPDX-License-Identifier: MIT */
#include "machine.h"

#include <stdio.h>

/* Words of four bytes from the first segment's first to the second's last. */
enum { MACHINE_WORDS = (2 * MACHINE_SEGMENT + MACHINE_GAP) / 4 };

/* What slots of a node hold besides children. */
static struct node occupied;

static const uint32_t PERMISSIONS = PW_READ | PW_WRITE | PW_EXEC | PW_USER | PW_KEXEC;

/* ---- memory ---- */

static pw_pa segment_first(unsigned segment)
{
	return MACHINE_BASE + (pw_pa)segment * (MACHINE_SEGMENT + MACHINE_GAP);
}

unsigned char *machine_host(const struct machine *machine, pw_pa pa)
{
	for (unsigned i = 0; i < 2; i++)
		if (pa >= segment_first(i) && pa - segment_first(i) < MACHINE_SEGMENT)
			return machine->bytes[i] + (pa - segment_first(i));
	return NULL;
}

pw_pa machine_alloc(struct machine *machine, size_t bytes)
{
	unsigned start = (unsigned)random_below(&machine->seed, 2);

	for (unsigned n = 0; n < 2; n++) {
		unsigned i = (start + n) % 2;
		size_t at = (machine->used[i] + bytes - 1) & ~(bytes - 1);

		if (at + bytes > MACHINE_SEGMENT)
			continue;
		machine->used[i] = at + bytes;
		return segment_first(i) + at;
	}
	return 0;
}

void machine_store(struct machine *machine, pw_pa at, uint64_t entry)
{
	unsigned bytes = 1u << machine->format->entry_lg2;
	unsigned char *host = machine_host(machine, at);

	assert_non_null(host);
	for (unsigned i = 0; i < bytes; i++)
		host[machine->format->big_endian ? bytes - 1 - i : i] = (unsigned char)(entry >>
											(8 * i));
}

uint64_t machine_load(const struct machine *machine, pw_pa at)
{
	unsigned bytes = 1u << machine->format->entry_lg2;
	const unsigned char *host = machine_host(machine, at);
	uint64_t entry = 0;

	assert_non_null(host);
	for (unsigned i = 0; i < bytes; i++)
		entry |= (uint64_t)host[machine->format->big_endian ? bytes - 1 - i : i] << (8 * i);
	return entry;
}

static int fetch(void *context, pw_pa pa, void *buffer, size_t bytes)
{
	const struct machine *machine = context;
	const unsigned char *host = machine_host(machine, pa);

	if (!host || !machine_host(machine, pa + bytes - 1) ||
	    machine_host(machine, pa + bytes - 1) != host + bytes - 1)
		return -ENODATA;
	memcpy(buffer, host, bytes);
	return 0;
}

static bool hook_has(struct pw_hook *hook, pw_pa pa, size_t bytes)
{
	const struct machine *machine = (const struct machine *)hook;
	const unsigned char *host = machine_host(machine, pa);

	return host && machine_host(machine, pa + bytes - 1) == host + bytes - 1;
}

static uint64_t hook_load(struct pw_hook *hook, pw_pa pa, unsigned entry_lg2)
{
	struct machine *machine = (struct machine *)hook;
	const unsigned char *host = machine_host(machine, pa);
	size_t word = (size_t)(pa - MACHINE_BASE) >> 2;
	uint64_t raw = 0;
	uint32_t raw32;

	assert_non_null(host);
	machine->loads++;
	if (machine->loaded[word] == 0)
		machine->touched[machine->touched_count++] = (uint32_t)word;
	if (machine->loaded[word] < UINT8_MAX)
		machine->loaded[word]++;
	if (pa == machine->flip_at && machine->flips++ % 2 == 1) {
		uint64_t value = machine->flip_value;

		if (machine->format->big_endian)
			return entry_lg2 == 2 ? htobe32((uint32_t)value) : htobe64(value);
		return entry_lg2 == 2 ? htole32((uint32_t)value) : htole64(value);
	}
	if (entry_lg2 == 2) {
		memcpy(&raw32, host, 4);
		return raw32;
	}
	memcpy(&raw, host, 8);
	return raw;
}

/* ---- building ---- */

static struct node *make_node(struct machine *machine, unsigned level, unsigned shift,
			      unsigned bits, uint32_t keep)
{
	const struct pw_format *f = machine->format;
	size_t bytes = (size_t)1 << (bits + f->entry_lg2);
	pw_pa table = machine_alloc(machine, bytes < 4096 ? 4096 : bytes);
	struct node *node;

	if (!table)
		return NULL;
	node = calloc(1, sizeof(*node) + (sizeof(node) << bits));
	assert_non_null(node);
	*node = (struct node){ .table = table,
			       .keep = keep,
			       .level = (uint8_t)level,
			       .shift = (uint8_t)shift,
			       .bits = (uint8_t)bits };
	for (size_t i = 0; i < (size_t)1 << bits; i++)
		machine_store(machine, table + (i << f->entry_lg2),
			      f->make_empty(&machine->regime, level));
	return node;
}

static void free_node(struct node *node)
{
	if (!node || node == &occupied)
		return;
	for (size_t i = 0; i < (size_t)1 << node->bits; i++)
		free_node(node->slot[i]);
	free(node);
}

static uint32_t index_in(const struct node *node, pw_va va)
{
	return (uint32_t)(va >> node->shift) & ((1u << node->bits) - 1);
}

static pw_pa place_in(const struct machine *machine, const struct node *node, pw_va va)
{
	return node->table + ((pw_pa)index_in(node, va) << machine->format->entry_lg2);
}

bool machine_init(struct machine *machine, const struct pw_format *format,
		  const struct pw_regime_options *options, unsigned top, unsigned roots,
		  uint64_t seed)
{
	const struct pw_segment segments[2] = {
		{ segment_first(0), segment_first(0) + MACHINE_SEGMENT - 1, NULL },
		{ segment_first(1), segment_first(1) + MACHINE_SEGMENT - 1, NULL },
	};
	struct pw_segment mapped[2] = { segments[0], segments[1] };
	uint64_t word[PW_MAX_ROOTS] = { 0 };

	memset(machine, 0, sizeof(*machine));
	machine->format = format;
	machine->seed = seed;
	machine->hook.has = hook_has;
	machine->hook.load = hook_load;
	/* Builders ask for these before there is a root. */
	machine->regime.format = format;
	machine->regime.view = options->view;
	machine->regime.kernel = options->kernel ? options->kernel : 0x0601;
	machine->loaded = calloc(MACHINE_WORDS, sizeof(*machine->loaded));
	machine->touched = malloc(MACHINE_WORDS * sizeof(*machine->touched));
	assert_true(machine->loaded && machine->touched);
	for (unsigned i = 0; i < 2; i++) {
		machine->bytes[i] = aligned_alloc(4096, MACHINE_SEGMENT);
		assert_non_null(machine->bytes[i]);
		memset(machine->bytes[i], 0, MACHINE_SEGMENT);
		mapped[i].host = machine->bytes[i];
	}
	assert_int_equal(pw_memory_wrap(mapped, 2, &machine->direct, NULL), 0);
	assert_int_equal(pw_memory_create(fetch, machine, segments, 2, &machine->fetched, NULL), 0);
	for (unsigned i = 0; i < roots; i++) {
		machine->root[i] = make_node(machine, top, format->shift[top], format->bits[top],
					     ~UINT32_C(0));
		word[i] = format->make_root(&machine->regime, machine->root[i]->table, top);
	}
	if (pw_regime_init(&machine->regime, format, word, roots, options, NULL) ||
	    machine->regime.span[0].top != top || machine->regime.span[roots - 1].top != top) {
		machine_deinit(machine);
		return false;
	}
	return true;
}

void machine_deinit(struct machine *machine)
{
	for (unsigned i = 0; i < PW_MAX_ROOTS; i++)
		free_node(machine->root[i]);
	pw_memory_close(machine->direct);
	pw_memory_close(machine->fetched);
	free(machine->bytes[0]);
	free(machine->bytes[1]);
	free(machine->loaded);
	free(machine->touched);
	free(machine->items);
	memset(machine, 0, sizeof(*machine));
}

/* The root that a walk of @va starts at; NULL if no span covers it. */
static struct node *root_of(const struct machine *machine, pw_va va)
{
	for (unsigned i = 0; i < machine->regime.spans; i++) {
		const struct pw_span *span = &machine->regime.span[i];

		if (va < span->first || va > span->last)
			continue;
		for (unsigned n = 0; n < PW_MAX_ROOTS; n++)
			if (machine->root[n] && machine->root[n]->table == span->table)
				return machine->root[n];
	}
	return NULL;
}

/* The address that a span shows again, for one in a span that does nothing else. */
static pw_va canonical(const struct machine *machine, pw_va va)
{
	for (unsigned i = 1; i < machine->regime.spans; i++) {
		const struct pw_span *span = &machine->regime.span[i];

		if (span->alias && va >= span->first && va <= span->last)
			return va - span->first + machine->regime.span[0].first;
	}
	return va;
}

static struct node *make_child(struct machine *machine, struct node *node, pw_va va)
{
	const struct pw_format *f = machine->format;
	const struct pw_regime *r = &machine->regime;
	unsigned level = node->level - 1u, bits = f->bits[level];
	struct node *child;

	child = make_node(machine, level, node->shift - bits, bits, node->keep);
	if (!child)
		return NULL;
	child->above = f->make_table(r, node->level, child->table);
	assert_int_equal(f->kind(r, node->level, child->above), PW_TABLE);
	assert_true(f->table(r, node->level, child->above) == child->table);
	machine_store(machine, place_in(machine, node, va), child->above);
	node->slot[index_in(node, va)] = child;
	return child;
}

/* The page's address as the entry says it, where formats differ in how much they can hold. */
static bool fits(const struct machine *machine, unsigned level, pw_pa pa)
{
	const struct pw_format *f = machine->format;
	uint64_t entry = f->make_leaf(&machine->regime, level, pa, PW_READ | PW_ACCESSED);

	if (f->entry_lg2 == 2 && entry >> 32)
		return false;
	return f->kind(&machine->regime, level, entry) == PW_LEAF &&
	       f->page(&machine->regime, level, entry) == pa;
}

bool machine_map(struct machine *machine, pw_va va, unsigned level, pw_pa pa, uint32_t attr,
		 bool prot_none)
{
	const struct pw_format *f = machine->format;
	const struct pw_regime *r = &machine->regime;
	struct item item = { .level = (uint8_t)level };
	struct node *node;
	pw_pa page = 0;

	va = canonical(machine, va);
	node = root_of(machine, va);
	while (node && node->level > level) {
		struct node *below = node->slot[index_in(node, va)];

		if (below == &occupied)
			return false;
		node = below ? below : make_child(machine, node, va);
	}
	if (!node || node->slot[index_in(node, va)])
		return false;
	pa &= ~pw_mask(node->shift);
	assert_true(fits(machine, level, 0));
	if (!fits(machine, level, pa))
		pa &= 0x7fffffff & ~pw_mask(node->shift);
	assert_true(fits(machine, level, pa));
	item.first = va & ~pw_mask(node->shift);
	item.last = va | pw_mask(node->shift);
	item.pa = pa;
	item.lg2 = node->shift;
	item.keep = node->keep;
	if (prot_none) {
		item.entry = f->make_prot_none(r, level, pa);
		if (f->kind(r, level, item.entry) != PW_HOLE ||
		    f->hole(r, level, item.entry, &page) != PW_PROT_NONE || page != pa)
			return false;
		item.status = PW_PROT_NONE;
	} else {
		item.entry = f->make_leaf(r, level, pa, attr | PW_ACCESSED | PW_DIRTY);
		assert_int_equal(f->kind(r, level, item.entry), PW_LEAF);
		item.attr = f->attr(r, level, item.entry);
		item.status = PW_OK;
	}
	machine_store(machine, place_in(machine, node, va), item.entry);
	node->slot[index_in(node, va)] = &occupied;
	if (!(machine->count & (machine->count - 1))) {
		machine->items = realloc(machine->items,
					 (machine->count ? 2 * machine->count : 1) * sizeof(item));
		assert_non_null(machine->items);
	}
	machine->items[machine->count++] = item;
	return true;
}

static uint32_t random_attr(struct machine *machine)
{
	static const uint32_t some[] = { PW_READ, PW_READ | PW_WRITE, PW_READ | PW_EXEC,
					 PW_READ | PW_WRITE | PW_EXEC };

	return some[random_below(&machine->seed, 4)] |
	       (random_one_in(&machine->seed, 2) ? PW_USER : 0) |
	       (random_one_in(&machine->seed, 4) ? PW_GLOBAL : 0);
}

static unsigned random_leaf_level(struct machine *machine)
{
	unsigned level;

	do
		level = (unsigned)random_below(&machine->seed, machine->regime.span[0].top + 1u);
	while (!(machine->format->leaf_levels >> level & 1) || !fits(machine, level, 0));
	return level;
}

/* Pages of one level in a row around @va, some of them missing, most in physical order. */
static void cluster(struct machine *machine, pw_va va, unsigned level, unsigned pages)
{
	const pw_va step = pw_mask(machine->format->shift[level]) + 1;
	const bool is_linux = machine->regime.view == PW_VIEW_LINUX;
	pw_pa pa = random_next(&machine->seed) &
		   pw_mask(30 + (unsigned)random_below(&machine->seed, 20));
	uint32_t attr = random_attr(machine);
	unsigned before = (unsigned)random_below(&machine->seed, pages + 1);

	if (step == 0) /* 2^64 */
		return;
	va -= before * step;
	for (unsigned i = 0; i < pages; i++, va += step, pa += step) {
		bool prot_none = is_linux && machine->format->make_prot_none &&
				 random_one_in(&machine->seed, 6);

		if (random_one_in(&machine->seed, 6))
			pa = random_next(&machine->seed) & pw_mask(40);
		if (random_one_in(&machine->seed, 6))
			attr = random_attr(machine);
		if (random_one_in(&machine->seed, 7))
			continue;
		machine_map(machine, va, level, pa, attr, prot_none);
	}
}

/* The first address of a table of a random level that is not a span's own first one, if it can be. */
static pw_va random_boundary(struct machine *machine)
{
	const struct pw_regime *r = &machine->regime;
	const struct pw_span *span = &r->span[random_below(&machine->seed, r->spans)];
	unsigned level = (unsigned)random_below(&machine->seed, span->top + 1u);
	unsigned shift = machine->format->shift[level] + machine->format->bits[level];
	pw_va offset = random_next(&machine->seed) & (span->last - span->first);

	switch (random_below(&machine->seed, 4)) {
	case 0:
		return span->first;
	case 1:
		return span->last;
	default:
		return span->first + (offset & ~pw_mask(shift));
	}
}

void machine_populate(struct machine *machine, unsigned clusters)
{
	const struct pw_regime *r = &machine->regime;

	for (unsigned i = 0; i < r->spans; i++) {
		if (r->span[i].alias)
			continue;
		cluster(machine, r->span[i].first, 0, 12);
		cluster(machine, r->span[i].last, 0, 12);
	}
	for (unsigned i = 0; i < clusters; i++) {
		pw_va va = random_one_in(&machine->seed, 3) ? random_next(&machine->seed)
							    : random_boundary(machine);
		unsigned level = random_one_in(&machine->seed, 2) ? 0 : random_leaf_level(machine);

		cluster(machine, va, level, 1 + (unsigned)random_below(&machine->seed, 40));
	}
	/* A dense table and its neighbours. */
	cluster(machine, random_boundary(machine), 0, 3u << machine->format->bits[0] >> 1);
}

/* Single bits of table entries turned over, where that changes permissions alone. */
static void restrict_tables(struct machine *machine, struct node *node, uint32_t keep)
{
	const struct pw_format *f = machine->format;
	const struct pw_regime *r = &machine->regime;

	node->keep = keep;
	for (uint32_t i = 0; i < 1u << node->bits; i++) {
		struct node *child = node->slot[i];
		uint64_t changed;

		if (!child || child == &occupied)
			continue;
		changed = child->above ^
			  UINT64_C(1) << random_below(&machine->seed, f->entry_lg2 == 2 ? 32 : 64);
		if (f->keep && random_one_in(&machine->seed, 2) &&
		    f->kind(r, node->level, changed) == PW_TABLE &&
		    f->table(r, node->level, changed) == child->table &&
		    f->keep(r, node->level, changed) != f->keep(r, node->level, child->above)) {
			child->above = changed;
			machine_store(machine, node->table + ((pw_pa)i << f->entry_lg2), changed);
		}
		restrict_tables(machine, child,
				f->keep ? keep & f->keep(r, node->level, child->above) : keep);
	}
}

static int compare_items(const void *a, const void *b)
{
	const struct item *left = a, *right = b;

	return left->first < right->first ? -1 : left->first > right->first;
}

void machine_seal(struct machine *machine)
{
	for (unsigned i = 0; i < PW_MAX_ROOTS; i++)
		if (machine->root[i])
			restrict_tables(machine, machine->root[i], ~UINT32_C(0));
	for (size_t i = 0; i < machine->count; i++)
		machine->items[i].keep = machine_node(machine, machine->items[i].first)->keep;
	qsort(machine->items, machine->count, sizeof(*machine->items), compare_items);
	for (size_t i = 1; i < machine->count; i++)
		assert_true(machine->items[i - 1].last < machine->items[i].first);
}

/* ---- the truth ---- */

const struct item *machine_item(const struct machine *machine, pw_va va)
{
	size_t low = 0, end = machine->count;

	va = canonical(machine, va);
	while (low < end) {
		size_t middle = low + (end - low) / 2;

		if (va > machine->items[middle].last)
			low = middle + 1;
		else if (va < machine->items[middle].first)
			end = middle;
		else
			return &machine->items[middle];
	}
	return NULL;
}

const struct node *machine_node(const struct machine *machine, pw_va va)
{
	const struct node *node = root_of(machine, va);

	while (node->slot[index_in(node, va)] && node->slot[index_in(node, va)] != &occupied)
		node = node->slot[index_in(node, va)];
	return node;
}

/* Attributes that are left of @attr under tables that keep @keep. */
static uint32_t settle(uint32_t attr, uint32_t keep)
{
	uint32_t left = (attr & keep & PERMISSIONS) | (attr & ~PERMISSIONS);
	bool exec = left & (left & PW_USER ? PW_EXEC : PW_KEXEC);

	return (left & ~(uint32_t)(PW_EXEC | PW_KEXEC)) | (exec ? PW_EXEC : 0);
}

void machine_expect(const struct machine *machine, pw_va va, struct pw_result *result)
{
	const struct item *item = machine_item(machine, va);
	const struct node *node;
	uint32_t attr;

	memset(result, 0, sizeof(*result));
	result->va = va;
	if (item) {
		result->entry = item->entry;
		result->status = item->status;
		result->level = item->level;
		result->size_lg2 = item->lg2;
		result->pa = item->pa + (va & pw_mask(item->lg2));
		attr = item->status == PW_OK ? settle(item->attr, item->keep) : 0;
		result->attr = attr & 0xffff;
		result->memtype = (uint8_t)(attr >> 16);
		return;
	}
	if (!root_of(machine, va)) {
		result->status = PW_NOT_CANONICAL;
		result->level = (uint8_t)(machine->format->levels - 1);
		result->size_lg2 = 64;
		return;
	}
	node = machine_node(machine, va);
	result->status = PW_NONE;
	result->level = node->level;
	result->size_lg2 = node->shift;
	result->entry = machine->format->make_empty(&machine->regime, node->level);
}

pw_va machine_interesting(struct machine *machine)
{
	const struct item *item;

	if (machine->count == 0 || random_one_in(&machine->seed, 8))
		return random_next(&machine->seed);
	if (random_one_in(&machine->seed, 4))
		return random_boundary(machine) - random_below(&machine->seed, 3);
	item = &machine->items[random_below(&machine->seed, machine->count)];
	switch (random_below(&machine->seed, 5)) {
	case 0:
		return item->first;
	case 1:
		return item->last;
	case 2:
		return item->first - 1;
	case 3:
		return item->last + 1;
	default:
		return item->first + (random_next(&machine->seed) & pw_mask(item->lg2));
	}
}

/* ---- asking ---- */

enum pw_status machine_translate(struct machine *machine, enum way way, pw_va va,
				 struct pw_result *result, struct pw_trace *trace)
{
	const struct pw_memory *memory = way == IN_PLACE ? machine->direct : machine->fetched;
	const struct pw_algorithms *hooked = &machine->regime.format->instance->hooked;

	if (way == HOOKED) {
		if (!trace)
			return hooked->translate(&machine->hook, &machine->regime, va, result);
		trace->steps = 0;
		return hooked->trace(&machine->hook, &machine->regime, va, result, trace);
	}
	if (trace)
		return pw_translate_trace(memory, &machine->regime, va, result, trace);
	return pw_translate(memory, &machine->regime, va, result);
}

int machine_walk(struct machine *machine, enum way way, pw_va first, pw_va last,
		 const struct pw_walk_ops *ops, void *private_data)
{
	struct pw_walk walk = { .ops = ops,
				.regime = &machine->regime,
				.private_data = private_data };

	if (way == HOOKED)
		return machine->regime.format->instance->hooked.walk(&machine->hook, &walk, first,
								     last);
	return pw_walk_range(way == IN_PLACE ? machine->direct : machine->fetched, &machine->regime,
			     first, last, ops, private_data);
}

void assert_result(const struct machine *machine, const char *what, const struct pw_result *result,
		   const struct pw_result *expected)
{
	if (result->va == expected->va && result->pa == expected->pa &&
	    result->entry == expected->entry && result->attr == expected->attr &&
	    result->status == expected->status && result->level == expected->level &&
	    result->size_lg2 == expected->size_lg2 && result->memtype == expected->memtype)
		return;
	fail_msg("%s, %s view, kernel 0x%x, top %u: %s of 0x%llx: pa 0x%llx entry 0x%llx attr 0x%x "
		 "%s level %u size 2^%u memory %u, expected pa 0x%llx entry 0x%llx attr 0x%x %s "
		 "level %u size 2^%u memory %u",
		 machine->format->name, machine->regime.view ? "Linux" : "hardware",
		 machine->regime.kernel, machine->regime.span[0].top, what,
		 (unsigned long long)expected->va, (unsigned long long)result->pa,
		 (unsigned long long)result->entry, result->attr,
		 pw_status_name((enum pw_status)result->status), result->level, result->size_lg2,
		 result->memtype, (unsigned long long)expected->pa,
		 (unsigned long long)expected->entry, expected->attr,
		 pw_status_name((enum pw_status)expected->status), expected->level,
		 expected->size_lg2, expected->memtype);
}

void for_all_machines(machine_test *test, unsigned rounds)
{
	static const struct pw_regime_options options[] = {
		{ .view = PW_VIEW_HARDWARE },
		{ .view = PW_VIEW_LINUX },
		{ .view = PW_VIEW_LINUX, .kernel = 0x0700 },
	};
	unsigned machines = 0;

	for (size_t i = 0; pw_format_at(i); i++) {
		const struct pw_format *format = pw_format_at(i);

		assert_non_null(format->make_leaf);
		for (unsigned top = 0; top < format->levels; top++) {
			if (!format->dynamic_top && top + 1u < format->levels)
				continue;
			for (unsigned n = 0; n < 3u * rounds; n++) {
				struct machine machine;
				unsigned roots = n % 2 && format->max_roots > 1 ? 2 : 1;

				if (!machine_init(&machine, format, &options[n % 3], top, roots,
						  1 + i * 1000 + top * 100 + n))
					continue;
				machines++;
				test(&machine);
				machine_deinit(&machine);
			}
		}
	}
	assert_true(machines >= 90 * rounds);
}
