/* SPDX-License-Identifier: MIT */
/*
 * Which formats a search tries, and what it asks of each beforehand: those that the caller names, or of the source's CPUs,
 * or of its machine, or all.
 */
#include <string.h>

#include "base/mutant.h"
#include "format/words.h"
#include "roots/roots.h"

enum {
	X86_GLOBAL = 1 << 8,
	ARM64_RESERVED_FROM = 12,
};

struct choice {
	const struct pw_roots_search *search;
	struct pw_roots_try *tries;
	size_t count;
};

static enum pw_roots_kind kind_of(const struct pw_format *format)
{
	if (strncmp(format->name, "ppc64_radix", 11) == 0)
		return PW_ROOTS_LISTED;
	return strcmp(format->name, "s390x") == 0 ? PW_ROOTS_TYPED : PW_ROOTS_PLAIN;
}

/* Finds out which bits decide that an entry leads to a table, by asking the format about each. */
static void find_bits(struct pw_roots_try *attempt, pw_pa ram_last)
{
	const struct pw_format *f = attempt->format;
	const struct pw_regime *r = &attempt->regime;
	const unsigned top = attempt->top;
	const uint64_t table = f->make_table(f, r, top, 0);

	for (unsigned bit = 0; bit < 8u << f->entry_lg2; bit++) {
		const uint64_t mask = UINT64_C(1) << bit, other = table ^ mask;

		if (f->kind(f, r, top, other) == PW_TABLE && f->table(f, r, top, other) <= ram_last)
			continue;
		attempt->set |= table & mask;
		attempt->clear |= ~table & mask;
	}
	/* x86: no system sets G in an entry that leads to a table, but leaves of kernels have it. */
	if (strncmp(f->name, "x86_64", 6) == 0 || strncmp(f->name, "i386", 4) == 0)
		attempt->clear |= X86_GLOBAL;
	attempt->clear |= attempt->reserved;
	attempt->plain = attempt->zero_is_hole && !(f->leaf_levels >> top & 1) &&
			 f->make_empty(f, r, top) == 0;
}

/*
 * arm64 with larger granules reserves the bits from 12 to the granule's size, in tables and pages, unless they are
 * a part of the address (DDI0487 D8.3.1). What is aligned to 4 KiB alone often has one set.
 */
static uint64_t find_reserved(const struct pw_roots_try *attempt)
{
	const struct pw_format *f = attempt->format;
	const struct pw_regime *r = &attempt->regime;
	const uint64_t table = f->make_table(f, r, attempt->top, 0);
	uint64_t reserved = 0;

	if (strncmp(f->name, "arm64", 5) != 0 || pw_mutant(PW_MUTANT_RESERVED_SET))
		return 0;
	for (unsigned bit = ARM64_RESERVED_FROM; bit < f->shift[0]; bit++)
		if (f->table(f, r, attempt->top, table | UINT64_C(1) << bit) == 0)
			reserved |= UINT64_C(1) << bit;
	return reserved;
}

static void add_try(struct choice *choice, const struct pw_format *format)
{
	struct pw_roots_try *attempt = &choice->tries[choice->count];
	struct pw_regime_options options = choice->search->options->regime;
	unsigned top = format->levels - 1u;
	struct pw_regime blank = { .format = format, .address_mask = UINT64_C(0x000ffffffffff000) };
	uint64_t word;

	if (choice->count == PW_ROOTS_FORMATS || !format->make_root || !format->make_table)
		return;
	options.view = PW_VIEW_HARDWARE;
	*attempt = (struct pw_roots_try){ .format = format, .kind = kind_of(format), .top = top };
	word = format->make_root(format, &blank, 0, top);
	if (pw_regime_init(&attempt->regime, format, &word, 1, &options, NULL))
		return;
	options.view = PW_VIEW_LINUX;
	if (pw_regime_init(&attempt->kept, format, &word, 1, &options, NULL))
		return;
	attempt->zero_is_hole = true;
	for (unsigned level = 0; level <= top; level++)
		attempt->zero_is_hole &= format->kind(format, &attempt->regime, level, 0) ==
					 PW_HOLE;
	attempt->reserved = find_reserved(attempt);
	if (attempt->kind == PW_ROOTS_PLAIN)
		find_bits(attempt, choice->search->ram_last);
	choice->count++;
}

/* The names of machines in the source's own words: those of the ELF header. */
static const char *machine_name(const struct pw_memory *memory)
{
	if (memory->is_uml)
		return PW_MACHINE_UML;
	switch (memory->machine) {
	case 3: /* EM_386 */
		return "i386";
	case 22: /* EM_S390 */
		return "s390x";
	case 21: /* EM_PPC64 */
		return "ppc64";
	case 40: /* EM_ARM */
		return "arm";
	case 43: /* EM_SPARCV9 */
		return "sparc64";
	case 62: /* EM_X86_64 */
		return "x86_64";
	case 183: /* EM_AARCH64 */
		return "arm64";
	case 243: /* EM_RISCV */
		return "riscv64 riscv32";
	case 258: /* EM_LOONGARCH */
		return "loongarch64";
	default:
		return NULL;
	}
}

/*
 * Do the format's machines include @machine? It is a whole word of them: "arm" is not "arm64". NULL: any machine, of which
 * user-mode Linux is none.
 */
static bool is_of(const struct pw_geometry *geometry, const char *machine)
{
	const char *at = geometry->machines;

	if (!at || !machine)
		return at && strcmp(at, PW_MACHINE_UML) != 0;
	while ((at = strstr(at, machine))) {
		const char end = at[strlen(machine)];

		if ((at == geometry->machines || at[-1] == ' ') && (end == '\0' || end == ' '))
			return true;
		at++;
	}
	return false;
}

/* All formats of the CPUs that the source describes, if it describes any. */
static void add_cpus(struct choice *choice)
{
	const struct pw_memory *memory = choice->search->memory;

	for (size_t i = 0; i < memory->cpu_count; i++) {
		const char *name = memory->cpus[i].format;
		const struct pw_format *format = name ? pw_format_find(name) : NULL;
		bool known = !format;

		for (size_t k = 0; k < choice->count; k++)
			known |= choice->tries[k].format == format;
		if (!known && memory->cpus[i].roots > 0)
			add_try(choice, format);
	}
}

size_t pw_roots_choose(const struct pw_roots_search *search, struct pw_roots_try *tries)
{
	const struct pw_roots_options *options = search->options;
	struct choice choice = { .search = search, .tries = tries };
	const char *machine = machine_name(search->memory);
	const struct pw_format *format;

	for (size_t i = 0; i < options->format_count; i++)
		add_try(&choice, options->formats[i]);
	if (options->format_count == 0 && !options->every_format)
		add_cpus(&choice);
	while (choice.count == 0 && options->format_count == 0) {
		struct pw_geometry geometry;

		for (size_t k = 0; (format = pw_format_at(k)); k++) {
			pw_format_geometry(format, &geometry);
			if (is_of(&geometry, options->every_format ? NULL : machine))
				add_try(&choice, format);
		}
		if (!machine)
			break;
		machine = NULL;
	}
	return choice.count;
}
