/* SPDX-License-Identifier: MIT */
/*
 * Strategies compiled for constant formats and styles: FOLD_LEAN(d, s390x, s390x) defines the pair of
 * functions of strategy d for style fold_s390x of format s390x. Each is noinline and has its own symbol,
 * so that the object file shows its size. To add a style, add one line below.
 */
#ifndef LAB_LEAN_H
#define LAB_LEAN_H

#include "format/arm64_16k.h"
#include "format/arm64_4k.h"
#include "format/arm64_64k.h"
#include "format/arm64_folds.h"
#include "format/arm_folds.h"
#include "format/arm_lpae.h"
#include "format/arm_short.h"
#include "format/i386.h"
#include "format/i386_pae.h"
#include "format/loongarch.h"
#include "format/loongarch_folds.h"
#include "format/powerpc.h"
#include "format/powerpc_folds.h"
#include "format/riscv.h"
#include "format/riscv32.h"
#include "format/riscv_folds.h"
#include "format/s390.h"
#include "format/s390_folds.h"
#include "format/sparc.h"
#include "format/sparc_folds.h"
#include "format/um.h"
#include "format/um_folds.h"
#include "format/x86.h"
#include "format/x86_folds.h"

#include "lab/fold/fast.h"
#include "lab/fold/pagewalk.h"

/* All styles in which a folded level is the same slot: X(style, format). */
#define FOLD_LEAN_EACH(X)                   \
	X(x86_64, x86_64)                   \
	X(x86_64_static, x86_64)            \
	X(x86_64_la57, x86_64_la57)         \
	X(i386, i386)                       \
	X(i386_pae, i386_pae)               \
	X(arm, arm)                         \
	X(arm_lpae, arm_lpae)               \
	X(arm64_4k_39, arm64_4k_39)         \
	X(arm64_4k_48, arm64_4k_48)         \
	X(arm64_4k_52, arm64_4k_52)         \
	X(arm64_16k_36, arm64_16k_36)       \
	X(arm64_16k_47, arm64_16k_47)       \
	X(arm64_16k_48, arm64_16k_48)       \
	X(arm64_16k_52, arm64_16k_52)       \
	X(arm64_64k_42, arm64_64k_42)       \
	X(arm64_64k_48, arm64_64k_48)       \
	X(arm64_64k_52, arm64_64k_52)       \
	X(ppc64_radix_4k, ppc64_radix_4k)   \
	X(ppc64_radix_64k, ppc64_radix_64k) \
	X(s390x, s390x)                     \
	X(riscv_sv32, riscv_sv32)           \
	X(riscv_sv39, riscv_sv39)           \
	X(riscv_sv48, riscv_sv48)           \
	X(riscv_sv57, riscv_sv57)           \
	X(loongarch64_4k, loongarch64_4k)   \
	X(loongarch64_16k, loongarch64_16k) \
	X(sparc64_sun4u, sparc64_sun4u)     \
	X(sparc64_sun4v, sparc64_sun4v)     \
	X(um_2, um_2)                       \
	X(um_3, um_3)                       \
	X(um_4, um_4)

/* The styles in which it is not: b and c would read memory that is not a table. */
#define FOLD_LEAN_EACH_REINDEXED(X)       \
	X(arm64_4k_48_of_52, arm64_4k_48) \
	X(arm64_16k_47_of_52, arm64_16k_47)

extern const struct fold_lean_case fold_lean_b[], fold_lean_c[], fold_lean_d[], fold_lean_e[];

PW_INLINE struct fold_walk lean_walk_init(const struct fold_lean *lean, pw_va addr)
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
#define FOLD_LEAN(letter, style_name, format_name)                                                \
	FOLD_LEAN_CONFIG(style_name, format_name)                                                 \
	FOLD_LEAN_FUNCTION(fold_lean_##letter##_fast_##style_name,                                \
			   lean_fast(&config_##style_name, &fold_plan_##letter, lean, addr, end)) \
	FOLD_LEAN_FUNCTION(                                                                       \
		fold_lean_##letter##_walk_##style_name,                                           \
		lean_pagewalk(&config_##style_name, &fold_plan_##letter, lean, addr, end))

#define FOLD_LEAN_CASE(strategy_, letter, style_name)               \
	{                                                           \
		.style = &fold_##style_name, .strategy = strategy_, \
		.fast = fold_lean_##letter##_fast_##style_name,     \
		.pagewalk = fold_lean_##letter##_walk_##style_name, \
	}

PW_INLINE size_t lean_fast(const struct fold_config *c, const struct fold_plan *plan,
			   const struct fold_lean *lean, pw_va addr, pw_va end)
{
	struct fold_walk walk = lean_walk_init(lean, addr);

	fold_fast_pgd_range(c, &walk, plan, addr, end);
	return walk.found;
}

PW_INLINE size_t lean_pagewalk(const struct fold_config *c, const struct fold_plan *plan,
			       const struct fold_lean *lean, pw_va addr, pw_va end)
{
	struct fold_walk walk = lean_walk_init(lean, addr);

	fold_walk_pgd_range(c, &walk, plan, addr, end);
	return walk.found;
}

#endif
