/* SPDX-License-Identifier: MIT */
/*
 * The rule for every format's builders: an entry that they make is decoded to the attributes that were
 * requested. The test runs over all registered formats. all_limits[] lists what the leaves of each format
 * cannot hold; a format that is not in the list fails.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "format/linux.h"
#include "instance/registry.h"
#include "unit/random.h"

enum {
	COMBINATIONS = 128, /* of the four permissions, accessed, dirty, special */
	COMPARED = PW_PROT_MASK | PW_ACCESSED | PW_DIRTY | PW_SPECIAL,
	RWX = PW_READ | PW_WRITE | PW_EXEC,
	AD = PW_ACCESSED | PW_DIRTY,
	TOP = 8, /* level_most: no limit */
};

/* The attributes that leaves of a format always have, and those that they never have. */
struct limits {
	const char *prefix; /* of the format's name; the first match counts */
	unsigned address_bits; /* in a physical address */
	uint32_t always, never;
	unsigned special_most; /* level up to which there is a special bit */
	bool write_reads; /* write implies read */
	bool needs_permission; /* without any permission an entry is PROT_NONE, not a leaf */
	bool no_prot_none; /* has no make_prot_none() */
	bool address_0_is_empty; /* an entry for a table at 0 looks empty */
	unsigned prot_none_most; /* level up to which PROT_NONE is recognised */
	unsigned top_least; /* lowest level of a top table, if there is a choice */
	bool two_tables; /* each view has its own entries */
};

static const struct limits all_limits[] = {
	{ .prefix = "x86_64", .address_bits = 52, .always = PW_READ, .prot_none_most = TOP },
	{ .prefix = "i386_pae", .address_bits = 52, .always = PW_READ, .prot_none_most = TOP },
	/* No NX. Only 4M leaves reach beyond 32 bits; this tests 32 bits. */
	{ .prefix = "i386",
	  .address_bits = 32,
	  .always = PW_READ | PW_EXEC,
	  .prot_none_most = TOP },
	/* TTBCR, which make_root() does not make, may start walks at level 1. */
	{ .prefix = "arm_lpae",
	  .address_bits = 40,
	  .always = PW_READ,
	  .prot_none_most = 1,
	  .top_least = 2 },
	/* User pages that can only be executed are tested in builders_arm.c. */
	{ .prefix = "arm64",
	  .address_bits = 48,
	  .always = PW_READ,
	  .special_most = TOP,
	  .prot_none_most = TOP },
	/* Hardware descriptors: builders_arm.c tests the attributes of sections. */
	{ .prefix = "arm",
	  .address_bits = 32,
	  .always = PW_READ,
	  .never = PW_SPECIAL,
	  .prot_none_most = 0,
	  .two_tables = true },
	{ .prefix = "ppc64",
	  .address_bits = 57,
	  .special_most = TOP,
	  .write_reads = true,
	  .needs_permission = true,
	  .prot_none_most = TOP },
	/* The space decides about PW_USER, and make_root() makes a user's. A space has more than one page table. */
	{ .prefix = "s390x",
	  .address_bits = 64,
	  .always = PW_READ | PW_USER,
	  .prot_none_most = TOP,
	  .top_least = 1 },
	{ .prefix = "riscv_sv32",
	  .address_bits = 34,
	  .special_most = TOP,
	  .write_reads = true,
	  .needs_permission = true,
	  .prot_none_most = TOP },
	{ .prefix = "riscv",
	  .address_bits = 56,
	  .special_most = TOP,
	  .write_reads = true,
	  .needs_permission = true,
	  .prot_none_most = 2 },
	{ .prefix = "loongarch64", .address_bits = 48, .special_most = TOP, .prot_none_most = TOP },
	{ .prefix = "sparc64_sun4u",
	  .address_bits = 43,
	  .always = PW_READ,
	  .special_most = TOP,
	  .address_0_is_empty = true,
	  .prot_none_most = TOP },
	{ .prefix = "sparc64_sun4v",
	  .address_bits = 56,
	  .always = PW_READ,
	  .special_most = TOP,
	  .address_0_is_empty = true,
	  .prot_none_most = TOP },
	{ .prefix = "um_2",
	  .address_bits = 32,
	  .always = PW_READ | PW_EXEC,
	  .never = PW_SPECIAL,
	  .prot_none_most = TOP },
	{ .prefix = "um",
	  .address_bits = 64,
	  .always = PW_READ | PW_EXEC,
	  .never = PW_SPECIAL,
	  .prot_none_most = TOP },
	/* Devices have neither privilege levels nor code. */
	{ .prefix = "amdv1",
	  .address_bits = 52,
	  .always = PW_USER,
	  .never = PW_EXEC | PW_SPECIAL,
	  .no_prot_none = true },
	{ .prefix = "mock",
	  .address_bits = 48,
	  .special_most = TOP,
	  .write_reads = true,
	  .prot_none_most = TOP },
};

static const struct limits *limits_of(const struct pw_format *format)
{
	for (size_t i = 0; i < sizeof(all_limits) / sizeof(all_limits[0]); i++)
		if (strncmp(format->name, all_limits[i].prefix, strlen(all_limits[i].prefix)) == 0)
			return &all_limits[i];
	fail_msg("%s is not in all_limits[]: add a line that says what its leaves cannot hold",
		 format->name);
	return NULL;
}

/* Every built-in format has these functions. A format without one would crash the tests that follow. */
static void check_functions(const struct pw_format *format, const struct limits *limits)
{
	const struct {
		const char *name;
		bool is_there;
	} functions[] = {
		{ "root", format->root },
		{ "kind", format->kind },
		{ "table", format->table },
		{ "page", format->page },
		{ "attr", format->attr },
		{ "hole", format->hole },
		{ "make_empty", format->make_empty },
		{ "make_leaf", format->make_leaf },
		{ "make_table", format->make_table },
		{ "make_prot_none", format->make_prot_none || limits->no_prot_none },
		{ "change_attr", format->change_attr },
		{ "soft", format->soft },
		{ "make_root", format->make_root },
	};

	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
		if (!functions[i].is_there)
			fail_msg("pw_format_%s has no .%s", format->name, functions[i].name);
	if (format->page_field[0] <= format->page_field[1])
		fail_msg(
			"pw_format_%s: .page_field should be { highest, lowest bit }, and is { %u, %u }",
			format->name, format->page_field[0], format->page_field[1]);
}

/* The n-th combination as attributes. */
static uint32_t combination(unsigned n)
{
	return (n & (PW_PROT_MASK | AD)) | (n & 64 ? PW_SPECIAL : 0);
}

/* The part of @attr that a leaf of this level gives back. */
static uint32_t sayable(const struct limits *limits, unsigned level, uint32_t attr)
{
	if (limits->write_reads && (attr & PW_WRITE))
		attr |= PW_READ;
	if (level > limits->special_most)
		attr &= ~(uint32_t)PW_SPECIAL;
	return (attr | limits->always) & ~limits->never;
}

static bool has_leaf(const struct pw_format *format, unsigned level)
{
	return format->leaf_levels >> level & 1;
}

/* Sections of arm short descriptors have no software bits, and are tested in builders_arm.c. */
static bool is_section(const struct pw_format *format, unsigned level)
{
	return strcmp(format->name, "arm") == 0 && level > 0;
}

/* Address 0, the lowest page, and the highest: @which from 0 to 2. */
static pw_pa address(const struct limits *limits, unsigned lg2, unsigned which)
{
	if (which == 0)
		return 0;
	return which == 1 ? UINT64_C(1) << lg2 : pw_mask(limits->address_bits) & ~pw_mask(lg2);
}

/* Regimes of both views on a table at 1 MiB. */
struct views {
	struct pw_regime hardware, linux_view;
};

static struct views views_of(const struct pw_format *format, uint16_t kernel)
{
	struct pw_regime_options options = { .kernel = kernel };
	struct pw_regime bare = { .format = format, .kernel = kernel };
	uint64_t root = format->make_root(format, &bare, 1 << 20, format->levels - 1u);
	struct pw_error error;
	struct views views;

	if (pw_regime_init(&views.hardware, format, &root, 1, &options, &error))
		fail_msg("%s: %s", format->name, error.text);
	views.linux_view = views.hardware;
	views.linux_view.view = PW_VIEW_LINUX;
	return views;
}

/* An entry that a builder made, and how to read it. */
struct made {
	const struct pw_regime *regime;
	unsigned level;
	const char *builder;
	pw_pa pa;
	uint32_t attr;
	uint64_t entry;
};

static void fail_made(const struct made *made, const char *function, const char *got,
		      const char *want)
{
	const struct pw_regime *r = made->regime;

	fail_msg("%s, level %u, %s view, kernel %u.%u: .%s() of pa 0x%llx and attr 0x%x made "
		 "0x%llx; of this, .%s() says %s, not %s",
		 r->format->name, made->level, r->view == PW_VIEW_LINUX ? "Linux" : "hardware",
		 r->kernel >> 8, r->kernel & 0xffu, made->builder, (unsigned long long)made->pa,
		 made->attr, (unsigned long long)made->entry, function, got, want);
}

static void check_number(const struct made *made, const char *function, uint64_t got, uint64_t want)
{
	char texts[2][32];

	if (got == want)
		return;
	snprintf(texts[0], sizeof(texts[0]), "0x%llx", (unsigned long long)got);
	snprintf(texts[1], sizeof(texts[1]), "0x%llx", (unsigned long long)want);
	fail_made(made, function, texts[0], texts[1]);
}

static void check_kind(const struct made *made, enum pw_kind want)
{
	static const char *const names[] = { "PW_HOLE", "PW_TABLE", "PW_LEAF" };
	const struct pw_regime *r = made->regime;
	enum pw_kind kind = r->format->kind(r->format, r, made->level, made->entry);

	if (kind != want)
		fail_made(made, "kind", names[kind], names[want]);
}

/* The entry is a hole for this reason. @behind: the page that hole() tells, or ~made->pa if none. */
static void check_hole(const struct made *made, enum pw_status want, pw_pa behind)
{
	const struct pw_regime *r = made->regime;
	pw_pa pa = ~made->pa;
	enum pw_status status;

	check_kind(made, PW_HOLE);
	status = r->format->hole(r->format, r, made->level, made->entry, &pa);
	if (status != want)
		fail_made(made, "hole", pw_status_name(status), pw_status_name(want));
	check_number(made, "hole", pa, behind);
}

static void check_page(const struct made *made)
{
	const struct pw_regime *r = made->regime;

	check_kind(made, PW_LEAF);
	check_number(made, "page", r->format->page(r->format, r, made->level, made->entry),
		     made->pa);
}

static uint32_t decoded(const struct pw_regime *r, unsigned level, uint64_t e)
{
	return pw_attr_settle(r->format->attr(r->format, r, level, e), PW_KEEP_ALL) & COMPARED;
}

static void check_leaf(const struct views *views, const struct limits *limits, unsigned level,
		       pw_pa pa, uint32_t attr)
{
	const struct pw_regime *r = &views->linux_view;
	const struct pw_format *format = r->format;
	const struct made made = { r,  level, "make_leaf",
				   pa, attr,  format->make_leaf(format, r, level, pa, attr) };
	struct made in_hardware = made;

	if (limits->needs_permission && !(attr & RWX)) {
		if (level > limits->prot_none_most)
			check_kind(&made, PW_HOLE);
		else
			check_hole(&made, PW_PROT_NONE, pa);
		return;
	}
	check_page(&made);
	check_number(&made, "page_lg2",
		     pw_leaf_lg2(format, r, level, format->shift[level], made.entry),
		     format->shift[level]);
	check_number(&made, "attr", decoded(r, level, made.entry), sayable(limits, level, attr));
	/* The hardware does not trap on a page that is young and dirty. */
	if ((attr & AD) == AD && !limits->two_tables) {
		in_hardware.regime = &views->hardware;
		check_page(&in_hardware);
		if (attr & PW_USER)
			check_number(&in_hardware, "attr",
				     decoded(&views->hardware, level, made.entry) & RWX,
				     decoded(r, level, made.entry) & RWX);
	}
}

/* A leaf whose attributes are changed is the leaf that is made with these attributes. */
static void check_change(const struct made *made, uint32_t attr)
{
	const struct pw_regime *r = made->regime;
	const struct pw_format *format = r->format;
	uint64_t changed = format->change_attr(format, r, made->level, made->entry, attr);
	uint64_t want = format->make_leaf(format, r, made->level, made->pa, attr);

	if (changed != want)
		fail_msg("%s, level %u: .change_attr() of 0x%llx to attr 0x%x made 0x%llx; "
			 ".make_leaf() makes 0x%llx",
			 format->name, made->level, (unsigned long long)made->entry, attr,
			 (unsigned long long)changed, (unsigned long long)want);
}

static void check_leaves(const struct views *views, const struct limits *limits, unsigned level)
{
	const struct pw_regime *r = &views->linux_view;
	const struct pw_format *format = r->format;

	for (unsigned which = 0; which < 3; which++) {
		pw_pa pa = address(limits, format->shift[level], which);

		for (unsigned n = 0; n < COMBINATIONS; n++) {
			struct made made = { r, level, "make_leaf", pa, combination(n), 0 };

			made.entry = format->make_leaf(format, r, level, pa, made.attr);
			if (strncmp(format->name, "arm64", 5) == 0 &&
			    (made.attr & PW_PROT_MASK) == (PW_EXEC | PW_USER))
				continue;
			check_leaf(views, limits, level, pa, made.attr);
			for (unsigned m = 0; m < COMBINATIONS; m++)
				check_change(&made, combination(m));
		}
	}
}

/*
 * Checks pw_leaf_alike on leaves of @level that differ in their page: on any entries, not only on those of
 * the builders. It must find alike leaves that the builders made alike.
 */
static void check_alike(const struct pw_regime *r, const struct limits *limits, unsigned level)
{
	const struct pw_format *format = r->format;
	const unsigned shift = format->shift[level];
	const uint64_t field = pw_leaf_field(format, level);
	const uint64_t word = pw_mask(8u << format->entry_lg2);
	uint64_t state = 88172645463325252u;
	unsigned leaves = 0;

	for (unsigned n = 0; n < (level == 0 ? 200000u : 60000u); n++) {
		uint64_t made = format->make_leaf(format, r, level, 0,
						  combination(n % COMBINATIONS));
		uint64_t e = random_next(&state) & word, other = random_next(&state) & word;
		uint32_t attr = combination(n / COMBINATIONS % COMBINATIONS);

		/* Any entry; a leaf with a few wrong bits; a leaf with any page. */
		if (n % 3 == 1)
			e = made ^ (e & other & random_next(&state));
		else if (n % 3 == 2)
			e = made ^ (e & field);
		if (format->kind(format, r, level, e) != PW_LEAF ||
		    pw_leaf_lg2(format, r, level, shift, e) != shift)
			continue;
		leaves++;
		assert_true(pw_leaf_alike(format, level, e, e ^ (other & field)));
		assert_true(pw_leaf_alike(format, level, e, e ^ other) == !(other & ~field));
		other = e ^ (other & field);
		assert_int_equal(format->kind(format, r, level, other), PW_LEAF);
		assert_int_equal(format->attr(format, r, level, other),
				 format->attr(format, r, level, e));
		assert_int_equal(pw_leaf_lg2(format, r, level, shift, other), shift);
		/* In arm's hardware entries, a page that was not accessed is an empty entry. */
		made = format->change_attr(format, r, level, e, attr);
		if (format->kind(format, r, level, made) == PW_LEAF)
			assert_int_equal(format->change_attr(format, r, level, other, attr),
					 made ^ e ^ other);
	}
	assert_true(leaves > 1000);
	assert_true(pw_leaf_alike(
		format, level, format->make_leaf(format, r, level, 0, RWX | AD),
		format->make_leaf(format, r, level, address(limits, shift, 1), RWX | AD)));
}

static void check_prot_none(const struct views *views, const struct limits *limits, unsigned level)
{
	const struct pw_format *format = views->hardware.format;
	const struct pw_regime *hardware = limits->two_tables ? &views->hardware
							      : &views->linux_view;

	if (limits->no_prot_none) {
		assert_null(format->make_prot_none);
		return;
	}
	for (unsigned which = 0; which < 3; which++) {
		pw_pa pa = address(limits, format->shift[level], which);
		struct made made = { &views->hardware, level, "make_prot_none", pa, 0, 0 };

		made.entry = format->make_prot_none(format, hardware, level, pa);
		check_hole(&made, PW_NONE, ~pa);
		made.regime = &views->linux_view;
		made.entry = format->make_prot_none(format, &views->linux_view, level, pa);
		if (level > limits->prot_none_most)
			check_kind(&made, PW_HOLE);
		else
			check_hole(&made, PW_PROT_NONE, pa);
	}
}

/* One soft entry: a hole for the hardware; for Linux, what its type says; and all that was put in comes out. */
static void check_one_soft(const struct views *views, const struct limits *limits, unsigned level,
			   const struct pw_soft *soft)
{
	const struct pw_regime *r = &views->linux_view;
	const struct pw_soft_layout layout = r->format->soft(r->format, r, level);
	struct made made = { &views->hardware, level, "soft", soft->offset, soft->type, 0 };
	struct pw_soft got;

	made.entry = pw_soft_make(&layout, soft);
	assert_int_equal(made.entry & ~pw_mask(8u << r->format->entry_lg2), 0);
	check_hole(&made, PW_NONE, ~made.pa);
	assert_true(pw_soft_is(r->format, &views->hardware, level, made.entry, PW_NONE) ==
		    limits->two_tables);
	made.regime = r;
	check_hole(&made, pw_linux_swap(r, level, soft->type), ~made.pa);
	pw_soft_read(&layout, made.entry, &got);
	check_number(&made, "soft, its type", got.type, soft->type);
	check_number(&made, "soft, its marker", got.exclusive, soft->exclusive);
	check_number(&made, "soft, its offset", got.offset, soft->offset);
}

/* Entries of base pages can be soft; others only where leaves are. Place 0 of a swap file is not used. */
static void check_soft(const struct views *views, const struct limits *limits, unsigned level)
{
	const struct pw_regime *r = &views->linux_view;
	const struct pw_soft_layout layout = r->format->soft(r->format, r, level);
	const unsigned lg2 = pw_soft_offset_lg2(&layout);
	uint64_t state = 88172645463325252u;

	if (layout.offset_bits == 0) {
		assert_true(level > 0);
		return;
	}
	assert_true(has_leaf(r->format, level) && lg2 >= 20);
	for (unsigned n = 0; n < 64 * PW_SWAP_TYPES; n++) {
		struct pw_soft soft = { .type = n % PW_SWAP_TYPES, .exclusive = n & 32 };

		soft.offset = random_next(&state) & pw_mask(lg2);
		if (n < 2 * PW_SWAP_TYPES)
			soft.offset = soft.type < r->swap_first[PW_FIRST_HWPOISON];
		else if (n < 4 * PW_SWAP_TYPES)
			soft.offset = pw_mask(lg2);
		check_one_soft(views, limits, level, &soft);
	}
}

static void check_tables(const struct views *views, const struct limits *limits, unsigned level)
{
	const struct pw_format *format = views->hardware.format;
	unsigned lg2 = format->bits[level - 1] + format->entry_lg2;

	for (unsigned which = limits->address_0_is_empty; which < 3; which++) {
		/* Every table fits an alignment of 4K, or of its own size. */
		pw_pa pa = address(limits, lg2 < 12 ? 12 : lg2, which);
		const struct pw_regime *each[] = { &views->hardware, &views->linux_view };

		for (unsigned i = 0; i < 2; i++) {
			struct made made = { each[i], level, "make_table", pa, 0, 0 };
			struct pw_table_at here = { .keep = PW_KEEP_ALL }, below;

			made.entry = format->make_table(format, each[limits->two_tables ? i : 1],
							level, pa);
			check_kind(&made, PW_TABLE);
			check_number(&made, "table",
				     format->table(format, each[i], level, made.entry), pa);
			below = pw_table_below(format, each[i], level, &here, made.entry);
			check_number(&made, "next_level", below.level, level - 1);
			assert_int_equal(below.shift, format->shift[level - 1]);
			check_number(&made, "next_bits", below.bits, format->bits[level - 1]);
			check_number(&made, "keep", below.keep & PW_PROT_MASK, PW_PROT_MASK);
		}
	}
}

static void check_empty(const struct views *views, unsigned level)
{
	const struct pw_format *format = views->hardware.format;
	const struct pw_regime *each[] = { &views->hardware, &views->linux_view };

	for (unsigned i = 0; i < 2; i++) {
		struct made made = { each[i], level, "make_empty", 0, 0, 0 };

		made.entry = format->make_empty(format, &views->linux_view, level);
		check_hole(&made, PW_NONE, ~made.pa);
	}
}

static void check_roots(const struct pw_format *format, const struct limits *limits)
{
	/* Aligned to the largest top table, and within 32 bits. */
	static const pw_pa table[] = { 0x10000, 0x12340000, 0xffff0000 };
	unsigned lowest = format->dynamic_top ? limits->top_least : format->levels - 1u;

	for (unsigned top = lowest; top < format->levels; top++) {
		for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
			struct pw_regime bare = { .format = format, .kernel = 0x0601 }, r;
			uint64_t root = format->make_root(format, &bare, table[i], top);
			struct pw_error error;

			if (pw_regime_init(&r, format, &root, 1, NULL, &error))
				fail_msg("%s: %s", format->name, error.text);
			if (r.span[0].table != table[i] || r.span[0].top != top)
				fail_msg(
					"%s: .make_root() of a table at 0x%llx, level %u, gave the "
					"word 0x%llx; .root() finds in it 0x%llx, level %u",
					format->name, (unsigned long long)table[i], top,
					(unsigned long long)root,
					(unsigned long long)r.span[0].table, r.span[0].top);
			assert_int_equal(r.span[0].top_bits, format->bits[top]);
		}
	}
}

static void check_format(void **state)
{
	static const uint16_t kernels[] = { 0x0601, 0x060c, 0x0700 };
	const struct pw_format *format = *state;
	const struct limits *limits = limits_of(format);

	check_functions(format, limits);
	for (size_t k = 0; k < sizeof(kernels) / sizeof(kernels[0]); k++) {
		struct views views = views_of(format, kernels[k]);

		for (unsigned level = 0; level < format->levels; level++) {
			check_empty(&views, level);
			if (level > 0)
				check_tables(&views, limits, level);
			check_soft(&views, limits, level);
			if (!has_leaf(format, level))
				continue;
			check_alike(&views.hardware, limits, level);
			check_alike(&views.linux_view, limits, level);
			if (is_section(format, level))
				continue;
			check_leaves(&views, limits, level);
			check_prot_none(&views, limits, level);
		}
	}
	check_roots(format, limits);
}

int main(void)
{
	struct CMUnitTest tests[64] = { { 0 } };
	size_t count = 0;

	for (; pw_registry[count]; count++) {
		if (count == sizeof(tests) / sizeof(tests[0]))
			return 1;
		tests[count] = (struct CMUnitTest){
			.name = pw_registry[count]->format->name,
			.test_func = check_format,
			.initial_state = (void *)(uintptr_t)pw_registry[count]->format,
		};
	}
	return _cmocka_run_group_tests("builders", tests, count, NULL, NULL);
}
