/* SPDX-License-Identifier: MIT */
/*
 * Translations that look at their path twice. Between the two looks is all that the answer depends on: the walk
 * itself, and for a read also the bytes. An entry that was changed and changed back is not noticed.
 */
#include <pagewalk/live.h>

#include <string.h>

#include "access/direct.h"
#include "access/fence.h"
#include "base/error.h"
#include "format/format.h"
#include "memory/memory.h"

enum { TRIES = 16 };

bool pw_memory_is_live(const struct pw_memory *memory)
{
	return memory->is_live;
}

int pw_memory_stop(struct pw_memory *memory, struct pw_error *error)
{
	if (!memory)
		return pw_fail_null(error, "memory");
	if (!memory->live.stop)
		return pw_fail(error, ENOTSUP,
			       "%s: this is not a running machine that can be stopped",
			       memory->title);
	return memory->live.stop(memory->source_context, error);
}

int pw_memory_resume(struct pw_memory *memory, struct pw_error *error)
{
	if (!memory)
		return pw_fail_null(error, "memory");
	return memory->live.resume ? memory->live.resume(memory->source_context, error) : 0;
}

/* Loads the entry of @step once more. False: its memory is gone. */
static bool load_again(const struct pw_memory *memory, const struct pw_format *format,
		       const struct pw_step *step, uint64_t *entry_ret)
{
	const unsigned bytes = 1u << format->entry_lg2;
	uint64_t raw = 0;

	if (memory->direct) {
		const struct pw_segment *segment = pw_segment_find(memory->segments, memory->count,
								   step->at);

		if (!segment || segment->last - step->at < bytes - 1)
			return false;
		raw = pw_direct_load(NULL,
				     (const unsigned char *)segment->host +
					     (size_t)(step->at - segment->first),
				     step->at, format->entry_lg2);
	} else {
		unsigned char copy[8];
		uint32_t raw32;

		if (memory->fetch(memory->fetch_context, step->at, copy, bytes))
			return false;
		memcpy(&raw, copy, sizeof(raw));
		if (bytes == 4) {
			memcpy(&raw32, copy, sizeof(raw32));
			raw = raw32;
		}
	}
	*entry_ret = pw_entry_number(raw, format->entry_lg2, format->big_endian);
	return true;
}

/* The first step whose entry is not what it was; NULL: all are. */
static const struct pw_step *find_changed(const struct pw_memory *memory,
					  const struct pw_regime *regime,
					  const struct pw_trace *trace)
{
	pw_fence_loads();
	for (unsigned i = 0; i < trace->steps; i++) {
		const struct pw_step *step = &trace->step[i];
		uint64_t entry;

		/* No entry was loaded. */
		if (step->status == PW_OUTSIDE || step->status == PW_LENGTH)
			return NULL;
		if (!load_again(memory, regime->format, step, &entry) || entry != step->entry)
			return step;
	}
	return NULL;
}

static void set_unstable(struct pw_result *result, const struct pw_step *step)
{
	result->status = PW_UNSTABLE;
	result->pa = 0;
	result->attr = 0;
	result->level = step->level;
	result->entry = step->entry;
	result->size_lg2 = step->shift;
}

/* One walk and, if @bytes is not 0, one copy; then the second look. NULL: nothing has changed. */
static const struct pw_step *attempt(const struct pw_memory *memory, const struct pw_regime *regime,
				     pw_va va, void *buffer, size_t bytes, struct pw_trace *trace,
				     struct pw_result *result, int *status_ret)
{
	*status_ret = 0;
	if (pw_translate_trace(memory, regime, va, result, trace) == PW_OK && bytes > 0) {
		uint64_t size = pw_result_size(result);

		pw_fence_loads();
		if (size && bytes > size - (va & (size - 1)))
			*status_ret = -EINVAL;
		else
			*status_ret = pw_memory_read(memory, result->pa, buffer, bytes);
	}
	return find_changed(memory, regime, trace);
}

int pw_read_stable(const struct pw_memory *memory, const struct pw_regime *regime, pw_va va,
		   void *buffer, size_t bytes, unsigned tries, struct pw_result *result,
		   unsigned *changes_ret)
{
	const struct pw_step *changed = NULL;
	struct pw_trace trace;
	unsigned changes = 0;
	int status = 0;

	if (!memory || !regime || !result || (!buffer && bytes > 0))
		return -EINVAL;
	if (tries == 0)
		tries = TRIES;
	while (changes < tries) {
		changed = attempt(memory, regime, va, buffer, bytes, &trace, result, &status);
		if (!changed)
			break;
		changes++;
	}
	if (changed) {
		set_unstable(result, changed);
		status = 0;
	}
	if (changes_ret)
		*changes_ret = changes;
	return status;
}

enum pw_status pw_translate_stable(const struct pw_memory *memory, const struct pw_regime *regime,
				   pw_va va, unsigned tries, struct pw_result *result,
				   unsigned *changes_ret)
{
	pw_read_stable(memory, regime, va, NULL, 0, tries, result, changes_ret);
	return (enum pw_status)result->status;
}
