/* SPDX-License-Identifier: MIT */
/*
 * Does a root map what a CPU needs at an exception? Each root that the kernel runs with must: the first instruction
 * there is fetched by the same tables. So it proves a kernel's root, and where it fails, the root is in doubt.
 *
 *   x86       the gate of page faults in the IDT can be read, and it leads to instructions
 *   arm, riscv   there are instructions at VBAR, stvec
 *   s390x     the new PSWs with address translation lead to instructions. Without registers, those at absolute 0
 *             count: Linux keeps a copy of them there
 *   powerpc   there are instructions where the architecture has the interrupts of a CPU with translation
 */
#include "base/little.h"
#include "base/mutant.h"
#include "format/words.h"
#include "roots/roots.h"

enum {
	GATE_PAGE_FAULT = 14,
	GATE_PRESENT = 0x80,
	PSW_BYTES = 16,
	PSW_EXTERNAL =
		0x1b0, /* the first of five: external, supervisor call, program, machine check, I/O */
	PSWS = 5,
	PPC_STORAGE = 0x300, /* Power ISA 3.0B Book III 6.5 */
	PPC_STORAGE_BYTES = 0x80,
};

static const uint64_t PSW_DAT = UINT64_C(1) << 58;

/* The roots of one look. */
struct look {
	const struct pw_roots_search *search;
	const struct pw_regime *regime;
	const struct pw_vectors *vectors;
	pw_va at; /* what was looked at last */
};

/* Is there a page at @va that the kernel alone may use, with all of the permissions @needed? */
static bool is_mapped(const struct look *look, pw_va va, uint32_t needed, pw_pa *pa)
{
	struct pw_result result;

	if (pw_translate(look->search->memory, look->regime, va, &result) != PW_OK)
		return false;
	*pa = result.pa;
	return (result.attr & needed) == needed &&
	       (look->vectors->user || !(result.attr & PW_USER));
}

static enum pw_roots_seen look_at_code(struct look *look, pw_va va)
{
	pw_pa pa;

	look->at = va;
	return is_mapped(look, va, PW_EXEC, &pa) ? PW_ROOTS_SEEN : PW_ROOTS_UNSEEN;
}

/*
 * powerpc: is there code for the interrupt of a storage access? The first ones, of a reset and a machine check, are
 * never moved here. An image without that page says nothing.
 */
static enum pw_roots_seen look_at_fixed(struct look *look)
{
	unsigned char code[PPC_STORAGE_BYTES];
	pw_pa pa;

	look->at = look->vectors->at + PPC_STORAGE;
	if (!is_mapped(look, look->at, PW_EXEC, &pa))
		return PW_ROOTS_UNSEEN;
	if (pw_memory_read(look->search->memory, pa, code, sizeof(code)))
		return PW_ROOTS_NOT_ASKED;
	for (size_t i = 0; i < sizeof(code); i++)
		if (code[i])
			return PW_ROOTS_SEEN;
	return PW_ROOTS_UNSEEN;
}

static enum pw_roots_seen look_at_gates(struct look *look, const struct pw_cpu *cpu)
{
	const bool wide = look->vectors->kind == PW_VECTORS_GATES_64;
	const unsigned size = wide ? 16 : 8;
	unsigned char gate[16] = { 0 };
	uint64_t handler;
	pw_pa pa;

	if (cpu->vectors_bytes < (GATE_PAGE_FAULT + 1) * size)
		return PW_ROOTS_NOT_ASKED;
	look->at = cpu->vectors;
	if (!is_mapped(look, cpu->vectors + (pw_va)(GATE_PAGE_FAULT * size), PW_READ, &pa))
		return PW_ROOTS_UNSEEN;
	/* The page may have been left out of the image. */
	if (pw_memory_read(look->search->memory, pa, gate, size) || !(gate[5] & GATE_PRESENT))
		return PW_ROOTS_NOT_ASKED;
	handler = pw_little(gate, 2) | pw_little(gate + 6, 2) << 16;
	handler |= wide ? pw_little(gate + 8, 4) << 32 : 0;
	return is_mapped(look, handler, PW_EXEC, &pa) ? PW_ROOTS_SEEN : PW_ROOTS_UNSEEN;
}

static enum pw_roots_seen look_at_psws(struct look *look, pw_pa prefix)
{
	enum pw_roots_seen seen = PW_ROOTS_NOT_ASKED;
	unsigned char psw[PSWS * PSW_BYTES];
	pw_pa pa;

	if (pw_memory_read(look->search->memory, prefix + PSW_EXTERNAL, psw, sizeof(psw)))
		return PW_ROOTS_NOT_ASKED;
	for (unsigned i = 0; i < PSWS; i++) {
		uint64_t half[2];

		memcpy(half, psw + (size_t)i * PSW_BYTES, sizeof(half));
		/* Before Linux sets a PSW it has its own address, and no translation. */
		if (!(pw_entry_number(half[0], 3, true) & PSW_DAT))
			continue;
		look->at = pw_entry_number(half[1], 3, true);
		if (!is_mapped(look, look->at, PW_EXEC, &pa))
			return PW_ROOTS_UNSEEN;
		seen = PW_ROOTS_SEEN;
	}
	return seen;
}

static enum pw_roots_seen look_at_cpu(struct look *look, const struct pw_cpu *cpu)
{
	if (!cpu->format || pw_format_find(cpu->format) != look->regime->format)
		return PW_ROOTS_NOT_ASKED;
	if (look->vectors->kind == PW_VECTORS_PSWS)
		return cpu->registers.known & PW_REGISTER_PREFIX
			       ? look_at_psws(look, cpu->registers.prefix)
			       : PW_ROOTS_NOT_ASKED;
	if (cpu->vectors_bytes == 0)
		return PW_ROOTS_NOT_ASKED;
	return look->vectors->kind == PW_VECTORS_CODE ? look_at_code(look, cpu->vectors)
						      : look_at_gates(look, cpu);
}

enum pw_roots_seen pw_roots_see_vectors(const struct pw_roots_search *search,
					const struct pw_regime *regime, long cpu, pw_va *at_ret)
{
	const struct pw_memory *memory = search->memory;
	const struct pw_words *words = regime->format->words;
	struct look look = { .search = search,
			     .regime = regime,
			     .vectors = words ? words->vectors : NULL };
	enum pw_roots_seen seen = PW_ROOTS_NOT_ASKED;

	/* Of the kernel's own memory, an image of tables alone has what its maker asked for. */
	if (!look.vectors || search->tables_only)
		return PW_ROOTS_NOT_ASKED;
	if (pw_mutant(PW_MUTANT_VECTORS_BELIEVED))
		return PW_ROOTS_SEEN;
	if (look.vectors->kind == PW_VECTORS_FIXED)
		seen = look_at_fixed(&look);
	for (size_t i = 0; i < memory->cpu_count && seen != PW_ROOTS_SEEN; i++) {
		enum pw_roots_seen this;

		if (look.vectors->kind == PW_VECTORS_FIXED || (cpu >= 0 && (size_t)cpu != i))
			continue;
		this = look_at_cpu(&look, &memory->cpus[i]);
		if (this != PW_ROOTS_NOT_ASKED)
			seen = this;
	}
	if (seen == PW_ROOTS_NOT_ASKED && look.vectors->kind == PW_VECTORS_PSWS)
		seen = look_at_psws(&look, 0);
	*at_ret = look.at;
	return seen;
}

bool pw_roots_apart(const struct pw_format *format)
{
	return format->words && format->words->kernel_apart;
}

enum pw_roots_seen pw_roots_see_kernel(const struct pw_roots_search *search,
				       const struct pw_regime *regime)
{
	struct pw_regime_options options = search->options->regime;
	uint64_t word[2] = { regime->root[0], regime->root[0] };
	const unsigned roots = pw_roots_apart(regime->format) ? 2 : 1;
	struct pw_regime kernel;
	pw_va at;

	options.view = PW_VIEW_HARDWARE;
	if (roots == 2)
		word[0] = PW_ROOT_ABSENT;
	if (pw_regime_init(&kernel, regime->format, word, roots, &options, NULL))
		return PW_ROOTS_NOT_ASKED;
	return pw_roots_see_vectors(search, &kernel, -1, &at);
}
