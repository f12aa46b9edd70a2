/* SPDX-License-Identifier: MIT */
/* Random machines: memory in two segments, with tables of any format. */
#include "machine.h"

#include <stdlib.h>

/* The number of four-byte words from the start of the first segment to the end of the second. */
enum { MACHINE_WORDS = (2 * MACHINE_SEGMENT + MACHINE_GAP) / 4 };

/* Marks the slots of a node that hold something other than a child. */
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
			      f->make_empty(f, &machine->regime, level));
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
	/* Builders need these before there is a root. */
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
		word[i] = format->make_root(format, &machine->regime, machine->root[i]->table, top);
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

/* The root at which a walk of @va starts; NULL if no span covers @va. */
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

/* For an address in a span that repeats another: the address that it repeats. */
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
	child->above = f->make_table(f, r, node->level, child->table);
	assert_int_equal(f->kind(f, r, node->level, child->above), PW_TABLE);
	assert_true(f->table(f, r, node->level, child->above) == child->table);
	machine_store(machine, place_in(machine, node, va), child->above);
	node->slot[index_in(node, va)] = child;
	return child;
}

bool machine_fits(const struct machine *machine, unsigned level, pw_pa pa)
{
	const struct pw_format *f = machine->format;
	uint64_t entry = f->make_leaf(f, &machine->regime, level, pa, PW_READ | PW_ACCESSED);

	if (f->entry_lg2 == 2 && entry >> 32)
		return false;
	return f->kind(f, &machine->regime, level, entry) == PW_LEAF &&
	       f->page(f, &machine->regime, level, entry) == pa;
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
	assert_true(machine_fits(machine, level, 0));
	if (!machine_fits(machine, level, pa))
		pa &= 0x7fffffff & ~pw_mask(node->shift);
	assert_true(machine_fits(machine, level, pa));
	item.first = va & ~pw_mask(node->shift);
	item.last = va | pw_mask(node->shift);
	item.pa = pa;
	item.lg2 = node->shift;
	item.keep = node->keep;
	if (prot_none) {
		item.entry = f->make_prot_none(f, r, level, pa);
		if (f->kind(f, r, level, item.entry) != PW_HOLE ||
		    f->hole(f, r, level, item.entry, &page) != PW_PROT_NONE || page != pa)
			return false;
		item.status = PW_PROT_NONE;
	} else {
		item.entry = f->make_leaf(f, r, level, pa, attr | PW_ACCESSED | PW_DIRTY);
		assert_int_equal(f->kind(f, r, level, item.entry), PW_LEAF);
		item.attr = f->attr(f, r, level, item.entry);
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

/* Flips single bits of table entries where that changes only permissions. */
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
		    f->kind(f, r, node->level, changed) == PW_TABLE &&
		    f->table(f, r, node->level, changed) == child->table &&
		    f->keep(f, r, node->level, changed) !=
			    f->keep(f, r, node->level, child->above)) {
			child->above = changed;
			machine_store(machine, node->table + ((pw_pa)i << f->entry_lg2), changed);
		}
		restrict_tables(machine, child,
				f->keep ? keep & f->keep(f, r, node->level, child->above) : keep);
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

/* The attributes of @attr that are left under tables that keep @keep. */
static uint32_t settle(uint32_t attr, uint32_t keep)
{
	uint32_t left = (attr & keep & PERMISSIONS) | (attr & ~PERMISSIONS);
	bool exec = left & (left & PW_USER ? PW_EXEC : PW_KEXEC);

	/* Every page below a global table is global. If nobody may write, no dirty state changes that. */
	if (!(keep & PW_GLOBAL))
		left |= PW_GLOBAL;
	if (!(keep & PW_WRITE))
		left &= ~(uint32_t)(PW_DBM | PW_SHADOW_STACK);
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
	result->entry = machine->format->make_empty(machine->format, &machine->regime, node->level);
}
