/* SPDX-License-Identifier: MIT */
/*
 * The walker compiled for one format: PW_WALKER(x86_64) defines its functions from the constant
 * pw_format_x86_64, for both accesses. instance/instance.h makes a struct pw_instance of them.
 *
 * One indirect call per public operation goes through that, none per entry.
 */
#ifndef PW_WALK_INSTANCE_H
#define PW_WALK_INSTANCE_H

#include "access/called.h"
#include "access/direct.h"
#include "memory/memory.h"
#include "walk/many.h"
#include "walk/pagewalk.h"
#include "walk/scan.h"
#include "walk/straight.h"
#include "walk/translate.h"

/* The algorithms over one access; @context is the access's. */
struct pw_algorithms {
	enum pw_status (*translate)(void *context, const struct pw_regime *regime, pw_va va,
				    struct pw_result *result);
	/* NULL where walks cannot overlap: translate them one by one. */
	size_t (*many)(void *context, const struct pw_regime *regime, const pw_va *va, size_t count,
		       struct pw_result *result);
	size_t (*scan)(void *context, const struct pw_regime *regime,
		       struct pw_scan_position *position, struct pw_range *range, size_t count);
	int (*walk)(void *context, struct pw_walk *walk, pw_va first, pw_va last);
};

struct pw_editor;
struct pw_pinner;

struct pw_instance {
	const struct pw_format *format;
	struct pw_algorithms direct, called;
	/* Translates, and writes down how; the memory is read by calls, whatever it is. */
	enum pw_status (*trace)(const struct pw_called *called, const struct pw_regime *regime,
				pw_va va, struct pw_result *result, struct pw_trace *trace);
	/* For tables that the program manages itself: src/space, src/pin. NULL for described formats. */
	const struct pw_editor *editor;
	const struct pw_pinner *pinner;
	struct pw_lean (*lean)(const struct pw_memory *memory, const struct pw_regime *regime,
			       pw_va va);
};

/* The lean answer by way of the complete one, of any memory: for what instances do not answer themselves. */
struct pw_lean pw_lean_of_all(const struct pw_memory *memory, const struct pw_regime *regime,
			      pw_va va);

/*
 * Gives an access that needs it a copy of its context, which the walk owns: then it can stay in registers
 * across loads.
 */
#define PW_CONTEXT_direct(context)                                   \
	struct pw_direct own = *(const struct pw_direct *)(context); \
	context = &own
#define PW_CONTEXT_called(context)                                   \
	struct pw_called own = *(const struct pw_called *)(context); \
	context = &own

/*
 * Flattened, because a compiler that thinks a reason for a hole unlikely would call for it, and a
 * direct instance shall have no call but those to a scan's owner (tests/specialised).
 */
#define PW_TRANSLATE(name, access, function)                                                      \
	PW_FLATTEN static enum pw_status function(void *context, const struct pw_regime *regime,  \
						  pw_va va, struct pw_result *result)             \
	{                                                                                         \
		PW_CONTEXT_##access(context);                                                     \
		return pw_walk_one(&pw_format_##name, &pw_##access##_access, context, regime, va, \
				   result, NULL);                                                 \
	}

#define PW_WALK_RANGE(name, access)                                                                \
	static int name##_##access##_walk(void *context, struct pw_walk *walk, pw_va first,        \
					  pw_va last)                                              \
	{                                                                                          \
		PW_CONTEXT_##access(context);                                                      \
		return pw_walk_all(&pw_format_##name, &pw_##access##_access, context, walk, first, \
				   last);                                                          \
	}

#define PW_ALGORITHMS_COMMON(name, access)                                                        \
	PW_FLATTEN static size_t name##_##access##_scan(                                          \
		void *context, const struct pw_regime *regime, struct pw_scan_position *position, \
		struct pw_range *range, size_t count)                                             \
	{                                                                                         \
		PW_CONTEXT_##access(context);                                                     \
		return pw_walk_scan(&pw_format_##name, &pw_##access##_access, context, regime,    \
				    position, range, count);                                      \
	}                                                                                         \
	PW_WALK_RANGE(name, access)

#define PW_TRACE(name)                                                                             \
	static enum pw_status name##_trace(const struct pw_called *called,                         \
					   const struct pw_regime *regime, pw_va va,               \
					   struct pw_result *result, struct pw_trace *trace)       \
	{                                                                                          \
		struct pw_called own = *called;                                                    \
                                                                                                   \
		return pw_walk_one(&pw_format_##name, &pw_called_access, &own, regime, va, result, \
				   trace);                                                         \
	}

#define PW_ALGORITHMS(name, access, many_or_null)                               \
	{                                                                       \
		.translate = name##_##access##_translate, .many = many_or_null, \
		.scan = name##_##access##_scan, .walk = name##_##access##_walk, \
	}

/*
 * One address in mapped memory: the straight way first. The general walk, NAME_direct_..._any, is a function of its
 * own, so that the straight way saves no registers for it.
 */
#define PW_STRAIGHT(name)                                                                     \
	__attribute__((noinline)) PW_TRANSLATE(name, direct, name##_direct_translate_any)     \
		PW_FLATTEN static enum pw_status name##_direct_translate(                     \
			void *context, const struct pw_regime *regime, pw_va va,              \
			struct pw_result *result)                                             \
	{                                                                                     \
		const struct pw_direct near = *(const struct pw_direct *)context;             \
                                                                                              \
		if (PW_LIKELY(pw_straight_one(&pw_format_##name, &near, regime, va, result))) \
			return PW_OK;                                                         \
		return name##_direct_translate_any(context, regime, va, result);              \
	}

#define PW_LEAN(name)                                                                         \
	__attribute__((noinline)) PW_FLATTEN static struct pw_lean name##_direct_lean_any(    \
		const struct pw_memory *memory, const struct pw_regime *regime, pw_va va)     \
	{                                                                                     \
		struct pw_direct near = memory->in_place;                                     \
		struct pw_lean lean = pw_walk_lean(&pw_format_##name, &pw_near_access, &near, \
						   regime, va);                               \
                                                                                              \
		return PW_LIKELY(lean.status == PW_OK) ? lean                                 \
						       : pw_lean_of_all(memory, regime, va);  \
	}                                                                                     \
	PW_FLATTEN static struct pw_lean name##_direct_lean(                                  \
		const struct pw_memory *memory, const struct pw_regime *regime, pw_va va)     \
	{                                                                                     \
		const struct pw_direct near = memory->in_place;                               \
		struct pw_lean lean;                                                          \
                                                                                              \
		if (PW_LIKELY(pw_straight_lean(&pw_format_##name, &near, regime, va, &lean))) \
			return lean;                                                          \
		return name##_direct_lean_any(memory, regime, va);                            \
	}

#define PW_WALKER(name)                                                                            \
	PW_LEAN(name)                                                                              \
	PW_STRAIGHT(name)                                                                          \
	PW_ALGORITHMS_COMMON(name, direct)                                                         \
	PW_TRANSLATE(name, called, name##_called_translate)                                        \
	PW_ALGORITHMS_COMMON(name, called)                                                         \
	PW_TRACE(name)                                                                             \
	PW_FLATTEN static size_t name##_direct_many(void *context, const struct pw_regime *regime, \
						    const pw_va *va, size_t count,                 \
						    struct pw_result *result)                      \
	{                                                                                          \
		PW_CONTEXT_direct(context);                                                        \
		return pw_walk_many(&pw_format_##name, &pw_direct_access, context, regime, va,     \
				    count, result);                                                \
	}

/* The members of struct pw_instance that this macro provides. */
#define PW_WALKER_MEMBERS(name)                                                                 \
	.format = &pw_format_##name, .direct = PW_ALGORITHMS(name, direct, name##_direct_many), \
	.called = PW_ALGORITHMS(name, called, NULL), .trace = name##_trace,                     \
	.lean = name##_direct_lean

#endif
