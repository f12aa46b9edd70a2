/* SPDX-License-Identifier: MIT */
/*
 * Compares one format with its description: every function on an entry, for a few million values, at every
 * level, in both views, and for the kernel versions in which meanings changed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>
#include <string.h>

#include "described/described.h"
#include "random.h"

static const struct pw_format *described, *built_in;
static uint64_t total;

/* The same root in both formats. */
struct pair {
	struct pw_regime built_in, described;
	uint64_t seed;
	uint64_t compared;
};

/* The permissions that a table leaves to the pages below; "global" is inverted. */
static const uint32_t PERMISSIONS = PW_READ | PW_WRITE | PW_EXEC | PW_USER | PW_KEXEC | PW_GLOBAL;

static const char *kind_name(enum pw_kind kind)
{
	return kind == PW_LEAF ? "leaf" : kind == PW_TABLE ? "table" : "hole";
}

/* Prints the two answers about an entry, and fails. */
static void differ(const struct pair *pair, unsigned level, unsigned shift, uint64_t entry,
		   const char *what, uint64_t ours, uint64_t theirs)
{
	const struct pw_regime *r = &pair->built_in;

	fail_msg(
		"%s, %s view, kernel %u.%u, root 0x%llx, level %u (%s), shift %u, entry 0x%016llx: "
		"%s is 0x%llx, but 0x%llx as described",
		built_in->name, r->view == PW_VIEW_LINUX ? "Linux" : "hardware", r->kernel >> 8,
		r->kernel & 255, (unsigned long long)r->root[0], level, built_in->level_name[level],
		shift, (unsigned long long)entry, what, (unsigned long long)ours,
		(unsigned long long)theirs);
}

static void compare_table(const struct pair *pair, unsigned level, unsigned shift, uint64_t entry,
			  const struct pw_meaning *meaning)
{
	const struct pw_format *f = built_in;
	const struct pw_regime *r = &pair->built_in;
	unsigned next = f->next_level ? f->next_level(f, r, level, entry) : level - 1;
	unsigned bits = f->bits[next];
	uint32_t keep = f->keep ? f->keep(f, r, level, entry) : PW_KEEP_ALL;

	if (f->next_bits && level == 1)
		bits = f->next_bits(f, r, entry);
	if (f->table(f, r, level, entry) != meaning->address)
		differ(pair, level, shift, entry, "the next table", f->table(f, r, level, entry),
		       meaning->address);
	if (next != meaning->next)
		differ(pair, level, shift, entry, "the next level", next, meaning->next);
	if (bits != meaning->next_bits)
		differ(pair, level, shift, entry, "log2 of the next table's entries", bits,
		       meaning->next_bits);
	if ((~keep & PERMISSIONS) != meaning->denied)
		differ(pair, level, shift, entry, "what the table takes away", ~keep & PERMISSIONS,
		       meaning->denied);
	for (uint32_t part = 0; f->admits && part < 16; part++) {
		uint32_t index = part << bits >> 4;
		uint32_t unit = meaning->limited ? index >> (bits - meaning->parts_lg2) : 0;
		bool admitted = !meaning->limited ||
				(unit >= meaning->from && unit <= meaning->upto);

		if (f->admits(f, r, next + 1, entry, index) != admitted)
			differ(pair, level, shift, entry, "whether an index exists", !admitted,
			       admitted);
	}
	if (!f->admits && meaning->limited)
		differ(pair, level, shift, entry, "a limit", 0, 1);
}

static void compare_page(const struct pair *pair, unsigned level, unsigned shift, uint64_t entry,
			 pw_pa page, const struct pw_meaning *meaning)
{
	const struct pw_format *f = built_in;
	unsigned lg2 = f->page_lg2 ? f->page_lg2(f, &pair->built_in, level, entry) : shift;

	/* If tables of a level differ in size, the walker aligns the page. */
	if (f->next_bits) {
		lg2 = lg2 > shift ? lg2 : shift;
		page &= ~pw_mask(lg2);
	}
	if (lg2 != meaning->size_lg2)
		differ(pair, level, shift, entry, "the page's size", lg2, meaning->size_lg2);
	if (page != meaning->address)
		differ(pair, level, shift, entry, "the page", page, meaning->address);
}

static void compare(struct pair *pair, unsigned level, unsigned shift, uint64_t entry)
{
	const struct pw_format *f = built_in;
	const struct pw_regime *r = &pair->built_in;
	struct pw_meaning meaning;
	enum pw_kind kind;
	enum pw_status status;
	uint32_t attr;
	pw_pa page = 0;

	if (f->entry_lg2 == 2)
		entry = (uint32_t)entry;
	pair->compared++;
	kind = f->kind(f, r, level, entry);
	pw_described_decode(pw_described(described), &pair->described, level, shift, entry,
			    &meaning);
	if (kind != meaning.kind) {
		print_error("%s, as described %s\n", kind_name(kind), kind_name(meaning.kind));
		differ(pair, level, shift, entry, "the kind", kind, meaning.kind);
	}
	switch (kind) {
	case PW_TABLE:
		compare_table(pair, level, shift, entry, &meaning);
		break;
	case PW_LEAF:
		compare_page(pair, level, shift, entry, f->page(f, r, level, entry), &meaning);
		attr = f->attr(f, r, level, entry);
		if (attr != meaning.attr)
			differ(pair, level, shift, entry, "attr", attr, meaning.attr);
		break;
	case PW_HOLE:
		status = f->hole(f, r, level, entry, &page);
		if (status != meaning.status)
			differ(pair, level, shift, entry, "the status", status, meaning.status);
		if (status == PW_PROT_NONE)
			compare_page(pair, level, shift, entry, page, &meaning);
		break;
	}
}

/* All values of the low sixteen bits under @high, and each single bit and pair of bits added to it. */
static void compare_around(struct pair *pair, unsigned level, unsigned shift, uint64_t base,
			   bool all_low)
{
	for (uint64_t low = 0; all_low && low < 1u << 16; low++)
		compare(pair, level, shift, (base & ~UINT64_C(0xffff)) | low);
	compare(pair, level, shift, base);
	for (unsigned i = 0; i < 64; i++)
		for (unsigned j = i; j < 64; j++)
			compare(pair, level, shift, base ^ UINT64_C(1) << i ^ UINT64_C(1) << j);
}

/* Bits set with probability 1/2, 1/4 or 3/4, and values near those that the format builds. */
static uint64_t random_entry(struct pair *pair, const uint64_t *base, size_t bases)
{
	uint64_t *seed = &pair->seed;
	uint64_t entry = random_next(seed);

	switch (random_below(seed, 5)) {
	case 0:
		return entry;
	case 1:
		return entry & random_next(seed);
	case 2:
		return entry | random_next(seed);
	case 3:
		return entry & random_next(seed) & random_next(seed);
	default:
		return base[random_below(seed, bases)] ^
		       (random_next(seed) & random_next(seed) & random_next(seed));
	}
}

/* How thorough the comparison is; see compare_level(). */
enum depth { ALL_LOW_BITS, PAIRS_OF_BITS };

static void compare_level(struct pair *pair, unsigned level, unsigned shift, enum depth depth)
{
	const struct pw_format *f = built_in;
	const struct pw_regime *r = &pair->built_in;
	const unsigned randoms = test_amount(100000, 20000);
	const pw_pa table = f->levels > 2 ? UINT64_C(0x1234560000) : 0x12340000;
	const uint64_t high[] = {
		0,
		~UINT64_C(0),
		UINT64_C(0x8000000123450000),
		UINT64_C(0xc000000000000000),
		UINT64_C(0x6000000040000000),
		UINT64_C(0x0dc0000080000000),
	};
	uint64_t base[4] = { 0, ~UINT64_C(0), 0, 0 };
	size_t bases = 2;

	if (f->leaf_levels >> level & 1)
		base[bases++] = f->make_leaf(f, r, level, table & ~pw_mask(shift),
					     PW_PROT_MASK | PW_ACCESSED | PW_DIRTY);
	if (level > 0)
		base[bases++] = f->make_table(f, r, level, table);
	else if (f->make_prot_none)
		base[bases++] = f->make_prot_none(f, r, level, table);
	for (size_t i = 0; i < sizeof(high) / sizeof(high[0]); i++)
		compare_around(pair, level, shift, high[i],
			       depth == ALL_LOW_BITS && i < test_amount(2, 1));
	for (size_t i = 2; i < bases; i++)
		compare_around(pair, level, shift, base[i], depth == ALL_LOW_BITS);
	for (unsigned i = 0; i < randoms; i++)
		compare(pair, level, shift, random_entry(pair, base, bases));
}

/* Every swap type, in each place where a format may keep it, with other bits of software entries. */
static void compare_types(struct pair *pair, unsigned level, unsigned shift)
{
	/* s390's PTE and large entries, ppc's leaf bit, mock's swap bit; x86's offset is inverted. */
	const uint64_t beside[] = { 0,
				    0x600,
				    0x5030,
				    UINT64_C(0x4000000000005000),
				    UINT64_C(0x2000000000005000),
				    UINT64_C(0x07fffffffffff400) };

	for (unsigned at = 0; at < 60; at++)
		for (uint64_t type = 0; type < 32; type++)
			for (size_t i = 0; i < sizeof(beside) / sizeof(beside[0]); i++)
				compare(pair, level, shift,
					(beside[i] & ~(UINT64_C(31) << at)) | type << at);
}

/* Makes both formats' regimes for these root words; false if both refuse them. */
static bool init(struct pair *pair, const uint64_t *root, size_t count,
		 const struct pw_regime_options *options)
{
	struct pw_error error;
	int ours = pw_regime_init(&pair->built_in, built_in, root, count, options, &error);
	int theirs = pw_regime_init(&pair->described, described, root, count, options, &error);

	if (ours != theirs)
		fail_msg("%s: root 0x%llx 0x%llx is %s, but %s as described", built_in->name,
			 (unsigned long long)root[0], (unsigned long long)root[1],
			 ours ? "refused" : "accepted", theirs ? error.text : "accepted");
	return ours == 0;
}

static void compare_options(const struct pw_regime_options *options, enum depth depth)
{
	struct pair pair = { .seed = options->kernel ^ ((uint64_t)options->view << 32) };
	struct pw_regime regime = { .format = built_in };
	const uint64_t plain = built_in->make_root(built_in, &regime, 0x100000,
						   built_in->levels - 1u);
	/* Root bits on which entries depend: private space of s390; read and write of amdv1. */
	const uint64_t asked[] = { 0, 0x100, UINT64_C(1) << 61, UINT64_C(1) << 62 };

	for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
		uint64_t root[2] = { plain ^ asked[i], 0 };

		if (!init(&pair, root, 1, options))
			continue;
		for (unsigned level = 0; level < built_in->levels; level++) {
			unsigned shift = built_in->shift[level];

			compare_level(&pair, level, shift, i == 0 ? depth : PAIRS_OF_BITS);
			if (options->view == PW_VIEW_LINUX)
				compare_types(&pair, level, shift);
			/* Tables of the lowest level have one of two sizes of page: 4K and 64K, or 8K. */
			if (level == 0 && built_in->next_bits)
				compare_level(&pair, level,
					      built_in->max_roots == 2 && built_in->big_endian
						      ? (shift == 12 ? 16 : 12)
						      : shift + 1,
					      PAIRS_OF_BITS);
		}
	}
	total += pair.compared;
}

static void test_hardware(void **state)
{
	(void)state;
	compare_options(&(struct pw_regime_options){ .view = PW_VIEW_HARDWARE }, ALL_LOW_BITS);
}

static void test_hardware_encrypted(void **state)
{
	(void)state;
	compare_options(&(struct pw_regime_options){ .encryption = UINT64_C(1) << 47 },
			PAIRS_OF_BITS);
}

static void test_linux_6_1(void **state)
{
	(void)state;
	compare_options(&(struct pw_regime_options){ .view = PW_VIEW_LINUX }, ALL_LOW_BITS);
}

static void test_linux_6_10(void **state)
{
	(void)state;
	compare_options(&(struct pw_regime_options){ .view = PW_VIEW_LINUX, .kernel = 0x060a },
			PAIRS_OF_BITS);
}

static void test_linux_6_13(void **state)
{
	(void)state;
	compare_options(&(struct pw_regime_options){ .view = PW_VIEW_LINUX, .kernel = 0x060d },
			PAIRS_OF_BITS);
}

static void test_linux_7_0(void **state)
{
	(void)state;
	compare_options(&(struct pw_regime_options){ .view = PW_VIEW_LINUX, .kernel = 0x0700 },
			ALL_LOW_BITS);
}

/* A kernel's configuration decides which types there are. */
static void test_configurations(void **state)
{
	static const uint16_t kernels[] = { 0x0513, 0x0601, 0x0602, 0x060c,
					    0x060d, 0x060e, 0x060f, 0x0702 };

	(void)state;
	for (unsigned i = 0; i < 4 * sizeof(kernels) / sizeof(kernels[0]); i++) {
		/* Two options are given, and the third is Debian's. */
		unsigned bits = i % 4 == 0   ? PW_CONFIG_DEVICE_PRIVATE | PW_CONFIG_PTE_MARKER
				: i % 4 == 1 ? PW_CONFIG_MEMORY_FAILURE
				: i % 4 == 2 ? PW_CONFIG_DEVICE_PRIVATE | PW_CONFIG_MEMORY_FAILURE
					     : 0;
		struct pw_regime_options options = {
			.view = PW_VIEW_LINUX,
			.kernel = kernels[i / 4],
			.config = (uint8_t)bits,
			.config_told = i % 8 < 4 ? PW_CONFIG_DEVICE_PRIVATE | PW_CONFIG_PTE_MARKER
						 : PW_CONFIG_DEVICE_PRIVATE |
							   PW_CONFIG_MEMORY_FAILURE |
							   PW_CONFIG_PTE_MARKER,
		};
		const uint64_t root = built_in->make_root(built_in,
							  &(struct pw_regime){ .format = built_in },
							  0x100000, built_in->levels - 1u);
		struct pair pair = { .seed = i };

		assert_true(init(&pair, &root, 1, &options));
		for (unsigned level = 0; level < built_in->levels; level++)
			compare_types(&pair, level, built_in->shift[level]);
	}
}

/* All registers are known; @on switches all their features on, else off. */
static struct pw_registers some_registers(bool on)
{
	struct pw_registers registers = {
		.known = PW_REGISTER_CR4 | PW_REGISTER_PAT | PW_REGISTER_MAIR,
		.cr4 = on ? ~UINT64_C(0) : 0,
		.pat = on ? UINT64_C(0x0406020307050100) : UINT64_C(0x0007040600070406),
		.mair = on ? UINT64_C(0xf0bb44ffee04aa00) : UINT64_C(0x4f8c0cf4480477a4),
	};

	return registers;
}

/* TCR_EL1 for an arm64 format; other formats ignore it. */
static uint64_t fitting_tcr(uint64_t flags)
{
	static const uint64_t granule0[3] = { 0, 2, 1 }, granule1[3] = { 2, 1, 3 };
	unsigned top = built_in->levels - 1u, page = (built_in->shift[0] - 12u) / 2;
	uint64_t size = 64u - built_in->shift[top] - built_in->bits[top];

	return flags | (size & 63) | (size & 63) << 16 | granule0[page % 3] << 14 |
	       granule1[page % 3] << 30;
}

static void test_registers(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct pw_regime_options options = {
			.view = i & 2 ? PW_VIEW_LINUX : PW_VIEW_HARDWARE,
			.registers = some_registers(i & 1),
		};

		compare_options(&options, PAIRS_OF_BITS);
		/* HD, DS; only arm64's descriptions depend on them. */
		if (strncmp(built_in->name, "arm64", 5) != 0)
			continue;
		options.registers.known |= PW_REGISTER_TCR;
		options.registers.tcr = fitting_tcr((i & 1 ? UINT64_C(1) << 40 : 0) |
						    (i & 1 ? UINT64_C(1) << 59 : 0));
		compare_options(&options, PAIRS_OF_BITS);
	}
}

/* Was the number of comparisons as large as claimed? */
static void test_total(void **state)
{
	(void)state;
	print_message("%llu entries compared\n", (unsigned long long)total);
	assert_true(total >= 1000000);
}

/* Values of TCR_EL1 or TTBCR, mostly right for this format. */
static uint64_t random_tcr(struct pair *pair)
{
	uint64_t tcr = random_next(&pair->seed);

	if (strncmp(built_in->name, "arm64", 5) != 0)
		return tcr;
	tcr &= UINT64_C(1) << 40 | UINT64_C(1) << 59 | (tcr & 7 ? 0 : 1 << 7 | 1 << 23);
	tcr = fitting_tcr(tcr);
	return random_one_in(&pair->seed, 8) ? tcr ^ UINT64_C(1) << random_below(&pair->seed, 64)
					     : tcr;
}

/* Roots: both refuse the same words, and the others give the same spans. */
static void test_roots(void **state)
{
	const unsigned last = built_in->max_roots;
	struct pair pair = { .seed = 1 };
	unsigned accepted = 0;

	(void)state;
	assert_int_equal(last, described->max_roots);
	for (unsigned i = 0; i < 20000; i++) {
		struct pw_regime_options options = { .encryption = i & 1 ? UINT64_C(1) << 47 : 0 };
		struct pw_regime regime = { .format = built_in };
		uint64_t root[2];
		unsigned count = 1 + i % last;

		if (i & 4) {
			options.registers.known = PW_REGISTER_TCR;
			options.registers.tcr = random_tcr(&pair);
		}
		for (unsigned n = 0; n < 2; n++) {
			unsigned top = (unsigned)random_below(&pair.seed, built_in->levels);
			pw_pa table = random_next(&pair.seed) &
				      (i & 2 ? UINT64_C(0xfffff0000) : 0xffff0000);

			root[n] = built_in->make_root(
				built_in, &regime, table,
				built_in->dynamic_top ? top : built_in->levels - 1u);
			if (random_one_in(&pair.seed, 2))
				root[n] ^= UINT64_C(1) << random_below(&pair.seed, 64);
			if (random_one_in(&pair.seed, 8))
				root[n] = random_next(&pair.seed);
		}
		if (!init(&pair, root, count, &options))
			continue;
		accepted++;
		assert_int_equal(pair.built_in.spans, pair.described.spans);
		for (unsigned n = 0; n < pair.built_in.spans; n++) {
			const struct pw_span *ours = &pair.built_in.span[n];
			const struct pw_span *theirs = &pair.described.span[n];

			if (ours->first != theirs->first || ours->last != theirs->last ||
			    ours->table != theirs->table || ours->top != theirs->top ||
			    ours->top_bits != theirs->top_bits || ours->alias != theirs->alias ||
			    ours->root != theirs->root ||
			    (built_in->admits && ours->top_last != theirs->top_last))
				fail_msg("%s: root 0x%llx 0x%llx (%u) gives 0x%llx-0x%llx at "
					 "0x%llx, top %u, but 0x%llx-0x%llx at 0x%llx, top %u as "
					 "described",
					 built_in->name, (unsigned long long)root[0],
					 (unsigned long long)root[1], count,
					 (unsigned long long)ours->first,
					 (unsigned long long)ours->last,
					 (unsigned long long)ours->table, ours->top,
					 (unsigned long long)theirs->first,
					 (unsigned long long)theirs->last,
					 (unsigned long long)theirs->table, theirs->top);
		}
	}
	assert_true(accepted > 1000);
}

/* The format's data for users. */
static void test_geometry(void **state)
{
	struct pw_geometry ours, theirs;

	(void)state;
	pw_format_geometry(built_in, &ours);
	pw_format_geometry(described, &theirs);
	assert_string_equal(ours.name, theirs.name);
	assert_string_equal(ours.title, theirs.title);
	assert_string_equal(ours.root_name, theirs.root_name);
	assert_int_equal(ours.levels, theirs.levels);
	assert_int_equal(ours.entry_bytes, theirs.entry_bytes);
	assert_int_equal(ours.leaf_levels, theirs.leaf_levels);
	assert_int_equal(ours.big_endian, theirs.big_endian);
	for (unsigned i = 0; i < ours.levels; i++) {
		assert_string_equal(ours.level_name[i], theirs.level_name[i]);
		assert_int_equal(ours.shift[i], theirs.shift[i]);
		assert_int_equal(ours.bits[i], theirs.bits[i]);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_linux_6_13),     cmocka_unit_test(test_geometry),
		cmocka_unit_test(test_roots),          cmocka_unit_test(test_hardware),
		cmocka_unit_test(test_linux_6_1),      cmocka_unit_test(test_linux_6_10),
		cmocka_unit_test(test_linux_7_0),      cmocka_unit_test(test_hardware_encrypted),
		cmocka_unit_test(test_configurations), cmocka_unit_test(test_registers),
		cmocka_unit_test(test_total),
	};
	struct pw_error error;
	int failed;

	if (argc != 2) {
		fprintf(stderr, "usage: brute DESCRIPTION\n");
		return 2;
	}
	if (pw_format_load(argv[1], &described, &error)) {
		fprintf(stderr, "%s\n", error.text);
		return 1;
	}
	built_in = pw_format_find(described->name);
	if (!built_in) {
		fprintf(stderr, "%s is not a format of the library\n", described->name);
		return 1;
	}
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	pw_format_unload(described);
	return failed;
}
