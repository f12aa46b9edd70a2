/* SPDX-License-Identifier: MIT */
/* The public walking functions: which instance, over which access. */
#include "access/fetched.h"
#include "memory/memory.h"
#include "walk/instance.h"
#include "walk/wide.h"

/* How memory is read that is copied; on the stack of whoever walks. */
struct copies {
	struct pw_called called;
	struct pw_fetched fetched;
};

static struct pw_called *called_of(const struct pw_memory *memory, struct copies *copies)
{
	copies->fetched.fetch = memory->fetch;
	copies->fetched.context = memory->fetch_context;
	copies->called = memory->direct ? pw_called_direct(&memory->in_place)
					: pw_called_fetched(&copies->fetched);
	return &copies->called;
}

/* The algorithms for this memory. *context becomes theirs: the memory's own, or @copies. */
static const struct pw_algorithms *choose(const struct pw_memory *memory,
					  const struct pw_regime *regime, struct copies *copies,
					  void **context)
{
	const struct pw_instance *instance = regime->format->instance;

	if (PW_LIKELY(memory->direct)) {
		*context = (void *)&memory->in_place; /* which is only read */
		return &instance->direct;
	}
	*context = called_of(memory, copies);
	return &instance->called;
}

/* From here on results have absolute addresses. */
static enum pw_status settle(const struct pw_regime *regime, struct pw_result *result)
{
	if (PW_UNLIKELY(regime->registers.prefix) &&
	    (result->status == PW_OK || result->status == PW_PROT_NONE))
		result->pa = pw_absolute(regime, result->pa);
	return (enum pw_status)result->status;
}

/* For copied memory and prefixed addresses. Not inlined: the common case then needs no stack. */
static __attribute__((noinline)) enum pw_status translate_any(const struct pw_memory *memory,
							      const struct pw_regime *regime,
							      pw_va va, struct pw_result *result)
{
	struct copies copies;
	void *context;

	choose(memory, regime, &copies, &context)->translate(context, regime, va, result);
	return settle(regime, result);
}

enum pw_status pw_translate(const struct pw_memory *memory, const struct pw_regime *regime,
			    pw_va va, struct pw_result *result)
{
	if (PW_UNLIKELY(!memory->direct || regime->registers.prefix))
		return translate_any(memory, regime, va, result);
	return regime->format->instance->direct.translate((void *)&memory->in_place, regime, va,
							  result);
}

struct pw_lean pw_lean_of_all(const struct pw_memory *memory, const struct pw_regime *regime,
			      pw_va va)
{
	struct pw_result result;

	pw_translate(memory, regime, va, &result);
	return (struct pw_lean){
		.pa = result.pa,
		.attr = result.attr & PW_PROT_MASK,
		.status = result.status,
		.size_lg2 = result.size_lg2,
	};
}

struct pw_lean pw_translate_lean(const struct pw_memory *memory, const struct pw_regime *regime,
				 pw_va va)
{
	return regime->format->instance->lean(memory, regime, va);
}

enum pw_status pw_translate_trace(const struct pw_memory *memory, const struct pw_regime *regime,
				  pw_va va, struct pw_result *result, struct pw_trace *trace)
{
	struct copies copies;

	trace->steps = 0;
	regime->format->instance->trace(called_of(memory, &copies), regime, va, result, trace);
	return settle(regime, result);
}

size_t pw_translate_many(const struct pw_memory *memory, const struct pw_regime *regime,
			 const pw_va *va, size_t count, struct pw_result *result)
{
	struct copies copies;
	void *context;
	const struct pw_algorithms *algorithms = choose(memory, regime, &copies, &context);
	pw_wide_fn *wide = pw_wide_kind(0).walk;
	size_t found = 0;

	if (algorithms->many && wide)
		found = pw_wide_many(wide, context, regime, va, count, result);
	else if (algorithms->many)
		found = algorithms->many(context, regime, va, count, result);
	else
		for (size_t i = 0; i < count; i++)
			found += algorithms->translate(context, regime, va[i], &result[i]) == PW_OK;
	for (size_t i = 0; PW_UNLIKELY(regime->registers.prefix) && i < count; i++)
		settle(regime, &result[i]);
	return found;
}

int pw_walk_range(const struct pw_memory *memory, const struct pw_regime *regime, pw_va first,
		  pw_va last, const struct pw_walk_ops *ops, void *private_data)
{
	struct copies copies;
	void *context;
	struct pw_walk walk = {
		.ops = ops,
		.memory = memory,
		.regime = regime,
		.private_data = private_data,
	};

	if (!memory || !regime || !ops || first > last)
		return -EINVAL;
	return choose(memory, regime, &copies, &context)->walk(context, &walk, first, last);
}

pw_va pw_scan_missing(const struct pw_scan_position *position, pw_pa at, unsigned entry_lg2,
		      uint32_t more, pw_va va, unsigned shift, pw_va stop)
{
	pw_va last = pw_min(va | pw_mask(shift), stop);
	/* Not beyond the end of physical memory, where addresses begin again. */
	uint64_t entries = pw_min((UINT64_MAX - at) >> entry_lg2, (uint64_t)more + 1);
	const struct pw_segment *segments;
	size_t count, next;

	if (!position->memory)
		return last;
	count = pw_memory_segments(position->memory, &segments);
	next = pw_segment_from(segments, count, at);
	if (next < count && segments[next].first <= at)
		return last;
	if (next < count)
		entries = pw_min(entries, (segments[next].first - at) >> entry_lg2);
	if (entries < 2)
		return last;
	if (entries - 1 >= (stop >> shift) - (va >> shift))
		return stop;
	return last + ((entries - 1) << shift);
}

size_t pw_scan_ranges(const struct pw_memory *memory, const struct pw_regime *regime,
		      struct pw_scan_position *position, struct pw_range *range, size_t count)
{
	struct copies copies;
	void *context;

	position->memory = memory;
	return choose(memory, regime, &copies, &context)
		->scan(context, regime, position, range, count);
}
