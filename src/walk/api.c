/* SPDX-License-Identifier: MIT */
/* The public walking functions: which instance, over which access. */
#include "memory/memory.h"
#include "walk/instance.h"

/* What a call needs on its stack to reach a memory. */
union pw_context {
	struct pw_direct direct;
	struct pw_fetched fetched;
};

/* The algorithms for this memory, with @context filled for them. */
static const struct pw_algorithms *choose(const struct pw_memory *memory,
					  const struct pw_regime *regime, union pw_context *context)
{
	const struct pw_instance *instance = regime->format->instance;

	if (PW_LIKELY(memory->direct)) {
		context->direct.segments = memory->segments;
		context->direct.count = memory->count;
		return &instance->direct;
	}
	context->fetched.fetch = memory->fetch;
	context->fetched.context = memory->fetch_context;
	return &instance->fetched;
}

enum pw_status pw_translate(const struct pw_memory *memory, const struct pw_regime *regime,
			    pw_va va, struct pw_result *result)
{
	union pw_context context;

	return choose(memory, regime, &context)->translate(&context, regime, va, result);
}

enum pw_status pw_translate_trace(const struct pw_memory *memory, const struct pw_regime *regime,
				  pw_va va, struct pw_result *result, struct pw_trace *trace)
{
	union pw_context context;

	trace->steps = 0;
	return choose(memory, regime, &context)->trace(&context, regime, va, result, trace);
}

size_t pw_translate_many(const struct pw_memory *memory, const struct pw_regime *regime,
			 const pw_va *va, size_t count, struct pw_result *result)
{
	union pw_context context;
	const struct pw_algorithms *algorithms = choose(memory, regime, &context);
	size_t found = 0;

	if (algorithms->many)
		return algorithms->many(&context, regime, va, count, result);
	for (size_t i = 0; i < count; i++)
		found += algorithms->translate(&context, regime, va[i], &result[i]) == PW_OK;
	return found;
}

int pw_walk_range(const struct pw_memory *memory, const struct pw_regime *regime, pw_va first,
		  pw_va last, const struct pw_walk_ops *ops, void *private_data)
{
	union pw_context context;
	struct pw_walk walk = {
		.ops = ops,
		.memory = memory,
		.regime = regime,
		.private_data = private_data,
	};

	if (!memory || !regime || !ops || first > last)
		return -EINVAL;
	return choose(memory, regime, &context)->walk(&context, &walk, first, last);
}

size_t pw_scan_ranges(const struct pw_memory *memory, const struct pw_regime *regime,
		      struct pw_scan_position *position, struct pw_range *range, size_t count)
{
	union pw_context context;

	return choose(memory, regime, &context)->scan(&context, regime, position, range, count);
}
