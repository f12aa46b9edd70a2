/* SPDX-License-Identifier: MIT */
/* Checks an address space: one scan for permissions and entries, one walk of the tables for their graph. */
#include <errno.h>
#include <stdlib.h>

#include "access/access.h"
#include "base/error.h"
#include "memory/memory.h"
#include "survey/index.h"
#include "survey/tables.h"

#include <pagewalk/survey.h>

struct check {
	const struct pw_memory *memory;
	const struct pw_regime *regime;
	struct pw_scan_limits limits;
	pw_finding_fn *finding;
	void *context;
	struct pw_table_set tables;
	struct pw_segment *runs;
	size_t run_count;
	struct pw_finding
		open; /* if is_open: a finding that is not reported yet, because it may grow */
	bool is_open;
	int told; /* the value by which the caller's function stopped the check; may be positive */
};

const char *pw_finding_name(enum pw_finding_kind kind)
{
	static const char *const name[PW_FINDING_KINDS] = {
		[PW_FINDING_WRITABLE_EXECUTABLE] = "writable-executable",
		[PW_FINDING_MALFORMED] = "malformed",
		[PW_FINDING_GROUP] = "group",
		[PW_FINDING_OUTSIDE] = "outside",
		[PW_FINDING_SHARED] = "shared-table",
		[PW_FINDING_LEVELS] = "table-at-two-levels",
		[PW_FINDING_CYCLIC] = "cyclic-table",
	};

	return (unsigned)kind < PW_FINDING_KINDS ? name[kind] : "?";
}

bool pw_finding_is_note(enum pw_finding_kind kind)
{
	return kind == PW_FINDING_SHARED;
}

/* Reports the open finding, if there is one. */
static int flush(struct check *check)
{
	if (!check->is_open)
		return 0;
	check->is_open = false;
	check->told = check->finding(check->context, &check->open);
	return check->told ? -EINTR : 0;
}

/* Does @next continue @open? One table behind neighbouring entries is one finding. */
static bool continues(const struct pw_finding *open, const struct pw_finding *next)
{
	return open->kind == next->kind && open->kind >= PW_FINDING_SHARED &&
	       open->table == next->table && open->level == next->level &&
	       open->other == next->other && open->other_level == next->other_level &&
	       open->range.last + 1 == next->range.first;
}

static int tell(struct check *check, const struct pw_finding *finding)
{
	int status = 0;

	if (check->is_open && continues(&check->open, finding)) {
		check->open.range.last = finding->range.last;
		return 0;
	}
	status = flush(check);
	check->open = *finding;
	check->is_open = status == 0;
	return status;
}

static int judge_range(struct check *check, const struct pw_range *range)
{
	const unsigned writable = PW_WRITE | PW_DBM;
	const struct pw_format *f = check->regime->format;
	struct pw_finding finding = {
		.kind = PW_FINDING_WRITABLE_EXECUTABLE,
		.range = *range,
	};
	int status = 0;

	/* PW_DBM counts as writable: nothing stops a write if the MMU manages the dirty state. */
	if (range->status == PW_OK && (range->attr & PW_EXEC) && (range->attr & writable))
		status = tell(check, &finding);
	finding.kind = PW_FINDING_MALFORMED;
	if (range->status == PW_MALFORMED)
		status = tell(check, &finding);
	/* The entry claims a group but has the size of a single entry: see struct pw_range. */
	finding.kind = PW_FINDING_GROUP;
	if (status == 0 && (range->attr & PW_CONTIGUOUS) && pw_range_may_be_group(f, range) &&
	    range->size_lg2 == f->shift[range->level])
		status = tell(check, &finding);
	return status;
}

static int check_ranges(struct check *check, pw_va first, pw_va last, struct pw_error *error)
{
	struct pw_scan_limits limits = check->limits;
	struct pw_range range[256];
	struct pw_scan_state state;
	struct pw_scan *scan;
	int status;

	/* This pass learns nothing from a table that is met again. The other pass reports such tables. */
	limits.repeats = 1;
	status = pw_scan_create(check->memory, check->regime, first, last, &limits, &scan, error);
	if (status)
		return status;
	pw_scan_holes(scan, true);
	for (size_t n;
	     status == 0 && (n = pw_scan_next(scan, range, sizeof(range) / sizeof(range[0]))) > 0;)
		for (size_t i = 0; i < n && status == 0; i++)
			status = judge_range(check, &range[i]);
	pw_scan_state(scan, &state);
	pw_scan_destroy(scan);
	if (status == 0 && state.stopped)
		status = pw_fail(error, -state.stopped, "stopped at 0x%llx",
				 (unsigned long long)state.next);
	return status;
}

/* Joins adjacent segments to runs, so that one look shows whether a whole table is in memory. */
static int join_segments(struct check *check)
{
	const struct pw_segment *segments;
	size_t count = pw_memory_segments(check->memory, &segments);

	check->runs = reallocarray(NULL, count, sizeof(*check->runs));
	if (!check->runs)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		if (i > 0 && segments[i - 1].last + 1 == segments[i].first)
			check->runs[check->run_count - 1].last = segments[i].last;
		else
			check->runs[check->run_count++] = segments[i];
	return 0;
}

/* Is any entry of the table missing: neither in the memory, nor left out because it was zero? */
static bool missing(const struct check *check, const struct pw_table_seen *seen)
{
	pw_pa at = pw_table_first(check->regime->format, seen);
	pw_pa last = pw_table_last(check->regime->format, seen);

	for (;;) {
		const struct pw_segment *run = pw_segment_find(check->runs, check->run_count, at);
		pw_pa here = run ? run->last : pw_min(at | 0xfff, last);

		if (!run && !pw_memory_left_out(check->memory, at, here - at + 1))
			return true;
		if (here >= last)
			return false;
		at = here + 1;
	}
}

static int judge_table(void *context, const struct pw_table_visit *visit)
{
	struct check *check = context;
	const struct pw_table_seen *other = NULL;
	struct pw_table_seen *seen;
	struct pw_finding finding = {
		.kind = PW_FINDING_KINDS,
		.range = { .first = visit->va, .last = visit->va_last },
		.table = visit->at.table,
		.entry = visit->entry,
		.level = visit->at.level,
	};
	bool fresh, known;
	int status;

	if (pw_cancelled(check->limits.cancel))
		return -ECANCELED;
	for (const struct pw_table_visit *above = visit->above; above; above = above->above)
		if (above->at.table == visit->at.table) {
			finding.kind = PW_FINDING_CYCLIC;
			finding.other_level = above->at.level;
			finding.other = above->va;
			status = tell(check, &finding);
			return status ? status : PW_TABLES_SKIP;
		}
	status = pw_table_set_add(&check->tables, visit, &seen, &fresh);
	if (status)
		return status;
	known = seen->whole;
	seen->whole |= visit->whole;
	other = fresh ? pw_table_set_other(&check->tables, seen) : seen;
	/* Only below the top: the spans of one root may share their table. */
	if (other && visit->above) {
		finding.kind = other->level == visit->at.level ? PW_FINDING_SHARED
							       : PW_FINDING_LEVELS;
		finding.other_level = other->level;
		finding.other = other->va;
		status = tell(check, &finding);
	}
	if (status == 0 && fresh && missing(check, seen)) {
		finding.kind = PW_FINDING_OUTSIDE;
		status = tell(check, &finding);
	}
	if (status)
		return status;
	return known ? PW_TABLES_SKIP : PW_TABLES_DOWN;
}

int pw_check(const struct pw_memory *memory, const struct pw_regime *regime, pw_va first,
	     pw_va last, const struct pw_scan_limits *limits, pw_finding_fn *finding, void *context,
	     struct pw_error *error)
{
	struct check check = {
		.memory = memory,
		.regime = regime,
		.finding = finding,
		.context = context,
	};
	int status;

	if (!memory || !regime || !finding)
		return pw_fail_null(error, !memory ? "memory" : !regime ? "regime" : "finding");
	if (limits)
		check.limits = *limits;
	if (join_segments(&check))
		return pw_fail(error, ENOMEM, "out of memory");
	status = check_ranges(&check, first, last, error);
	if (status == 0) {
		status = pw_tables_walk(memory, regime, first, last, judge_table, &check);
		if (status == -E2BIG || status == -ENOMEM || status == -ECANCELED)
			pw_fail(error, -status, "stopped after %zu tables", check.tables.count);
	}
	if (!check.told)
		flush(&check);
	pw_table_set_clear(&check.tables);
	free(check.runs);
	if (check.told)
		return check.told;
	return status ? status : pw_memory_check(memory, error);
}
