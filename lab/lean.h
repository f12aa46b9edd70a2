/* SPDX-License-Identifier: MIT */
/*
 * Strategies compiled for constant formats and styles. FOLD_LEAN(d, s390x, s390x) defines the pair of
 * functions of strategy d (whose constant `plan` is in sight) for style fold_s390x of format s390x.
 * They are kept apart (noinline, one symbol each) so that their size can be read off the object.
 */
#ifndef LAB_LEAN_H
#define LAB_LEAN_H

#include "format/arm64_16k.h"
#include "format/arm64_4k.h"
#include "format/i386.h"
#include "format/powerpc.h"
#include "format/riscv.h"
#include "format/s390.h"
#include "format/x86.h"

#include "lab/fast.h"
#include "lab/pagewalk.h"
#include "lab/style.h"

extern const struct fold_lean_case fold_lean_b[], fold_lean_c[], fold_lean_d[], fold_lean_e[];

PW_INLINE struct fold_walk fold_lean_walk(const struct fold_lean *lean, pw_va addr)
{
	return (struct fold_walk){
		.regime = lean->regime,
		.root = pw_span_find(lean->regime, addr)->table,
		.ram = lean->ram,
		.page = lean->page,
	};
}

/* One function by name, whose walk returns the number of pages. */
#define FOLD_LEAN_FUNCTION(name, call)                                                             \
	size_t name(const struct fold_lean *lean, pw_va addr, pw_va end);                          \
	__attribute__((noinline)) size_t name(const struct fold_lean *lean, pw_va addr, pw_va end) \
	{                                                                                          \
		return call;                                                                       \
	}

#define FOLD_LEAN_CONFIG(style_name, format_name)               \
	static const struct fold_config config_##style_name = { \
		.format = &pw_format_##format_name,             \
		.style = &fold_##style_name,                    \
	};

/* The kernel's walks, for strategies b, c, d. */
#define FOLD_LEAN(letter, style_name, format_name)                                       \
	FOLD_LEAN_CONFIG(style_name, format_name)                                        \
	FOLD_LEAN_FUNCTION(fold_lean_##letter##_fast_##style_name,                       \
			   fold_lean_fast(&config_##style_name, &plan, lean, addr, end)) \
	FOLD_LEAN_FUNCTION(fold_lean_##letter##_walk_##style_name,                       \
			   fold_lean_pagewalk(&config_##style_name, &plan, lean, addr, end))

/* e's. */
#define FOLD_LEAN_OWN(style_name, format_name)                                     \
	FOLD_LEAN_CONFIG(style_name, format_name)                                  \
	FOLD_LEAN_FUNCTION(fold_lean_e_fast_##style_name,                          \
			   lean_walk(&config_##style_name, lean, addr, end, true)) \
	FOLD_LEAN_FUNCTION(fold_lean_e_walk_##style_name,                          \
			   lean_walk(&config_##style_name, lean, addr, end, false))

#define FOLD_LEAN_CASE(strategy_, letter, style_name)               \
	{                                                           \
		.style = &fold_##style_name, .strategy = strategy_, \
		.fast = fold_lean_##letter##_fast_##style_name,     \
		.pagewalk = fold_lean_##letter##_walk_##style_name, \
	}

PW_INLINE size_t fold_lean_fast(const struct fold_config *c, const struct fold_plan *plan,
				const struct fold_lean *lean, pw_va addr, pw_va end)
{
	struct fold_walk walk = fold_lean_walk(lean, addr);

	fold_fast_pgd_range(c, &walk, plan, addr, end);
	return walk.found;
}

PW_INLINE size_t fold_lean_pagewalk(const struct fold_config *c, const struct fold_plan *plan,
				    const struct fold_lean *lean, pw_va addr, pw_va end)
{
	struct fold_walk walk = fold_lean_walk(lean, addr);

	fold_walk_pgd_range(c, &walk, plan, addr, end);
	return walk.found;
}

#endif
