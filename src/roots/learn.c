/* SPDX-License-Identifier: MIT */
/*
 * Finds where the members of the kernel's structures are by what must be true of them, for kernels without
 * BTF. Only one place can pass: the list goes round through all processes and each has a name, all numbers
 * differ and the first are 0, 1 and 2, and every address space has a top table that the search for roots
 * has found.
 */
#include <stdlib.h>

#include "roots/tasks.h"

enum {
	/* Bytes before and behind the name to look at. Linux has all members before it. */
	BEFORE = 8192,
	BEHIND = 1024,
	SPACE = 2048, /* bytes of an mm_struct to look at */
	LISTS_MAX = 32, /* lists that go round; a process is on a few */
};

static int compare_tables(const void *a, const void *b)
{
	const pw_pa *left = a, *right = b;

	return *left < *right ? -1 : *left > *right;
}

/* ---- the number ---- */

static int compare_numbers(const void *a, const void *b)
{
	const uint32_t *left = a, *right = b;

	return *left < *right ? -1 : *left > *right;
}

/* Is there the number of each process, twice: the thread's (pid), and at @offset the process's (tgid)? */
static bool is_number(const struct pw_seen *seen, const struct pw_tasks *list, int32_t offset,
		      uint32_t *numbers)
{
	for (size_t i = 0; i < list->count; i++) {
		const pw_va at = list->task[i].name + (pw_va)(int64_t)offset;
		uint32_t thread;

		if (!pw_seen_number(seen, at, &numbers[i]) ||
		    !pw_seen_number(seen, at - 4, &thread) || thread != numbers[i] ||
		    numbers[i] > PW_TASK_PID_MAX || (i < 3 && numbers[i] != i))
			return false;
	}
	qsort(numbers, list->count, sizeof(*numbers), compare_numbers);
	for (size_t i = 1; i < list->count; i++)
		if (numbers[i] == numbers[i - 1])
			return false;
	return true;
}

static bool find_number(const struct pw_seen *seen, const struct pw_tasks *list, int32_t *offset)
{
	uint32_t *numbers = calloc(list->count, sizeof(*numbers));
	bool found = false;

	for (int32_t at = -BEFORE; numbers && at < BEHIND && !found; at += 4)
		if (is_number(seen, list, at, numbers)) {
			*offset = at;
			found = true;
		}
	free(numbers);
	return found;
}

/* ---- the address space ---- */

/*
 * Is there the address space of each process, and behind it the one that its CPU uses (active_mm)? Stores the
 * first. The kernel's threads have none: process 0, and 2.
 */
static bool is_space(const struct pw_seen *seen, const struct pw_tasks *list, int32_t offset,
		     pw_va *space)
{
	*space = 0;
	for (size_t i = 0; i < list->count; i++) {
		const pw_va at = list->task[i].name + (pw_va)(int64_t)offset;
		pw_va mm, active;

		if (!pw_seen_pointer(seen, at, &mm) ||
		    !pw_seen_pointer(seen, at + seen->width, &active))
			return false;
		if ((i == 0 || i == 2) && mm != 0)
			return false;
		if (mm != 0 && (mm != active || mm % seen->width))
			return false;
		if (mm != 0 && *space == 0)
			*space = mm;
	}
	return *space != 0;
}

/* The number of the table in @tables to which the pointer at @at leads; @count: none. */
static size_t table_at(const struct pw_seen *seen, pw_va at, const pw_pa *tables, size_t count)
{
	const pw_pa *found;
	pw_va pointer;
	pw_pa pa;

	if (!pw_seen_pointer(seen, at, &pointer) || !pw_seen_physical(seen, pointer, &pa))
		return count;
	found = bsearch(&pa, tables, count, sizeof(pa), compare_tables);
	return found ? (size_t)(found - tables) : count;
}

/*
 * How many tables are there the top tables of address spaces? 0: of too many address spaces, it is another
 * pointer. Some may be missing: of a process that starts or ends. @known has a place for each table.
 */
static size_t count_tops(const struct pw_seen *seen, const struct pw_tasks *list, int32_t mm_offset,
			 uint32_t offset, const pw_pa *tables, size_t count, bool *known)
{
	size_t good = 0, bad = 0, different = 0;

	memset(known, 0, count * sizeof(*known));
	for (size_t i = 0; i < list->count; i++) {
		size_t number;
		pw_va mm = 0;

		if (!pw_seen_pointer(seen, list->task[i].name + (pw_va)(int64_t)mm_offset, &mm) ||
		    mm == 0)
			continue;
		number = table_at(seen, mm + offset, tables, count);
		if (number == count) {
			bad++;
			continue;
		}
		good++;
		different += !known[number];
		known[number] = true;
	}
	return good > 2 * bad ? different : 0;
}

/*
 * Takes the place that leads to the most roots, which must be half of all. The nearest to the name, if several do:
 * structures stand in a row in memory, so the same member of a neighbour can look like the process's own.
 */
static bool find_space(const struct pw_seen *seen, const struct pw_tasks *list, const pw_pa *tables,
		       size_t count, struct pw_task_layout *layout)
{
	bool *known = calloc(count, sizeof(*known));
	size_t most = 0;

	for (int32_t at = -BEFORE; known && at < BEHIND; at += (int32_t)seen->width) {
		pw_va space;

		if (!is_space(seen, list, at, &space))
			continue;
		for (uint32_t offset = 0; offset < SPACE; offset += seen->width) {
			size_t tops;

			if (table_at(seen, space + offset, tables, count) == count)
				continue;
			tops = count_tops(seen, list, at, offset, tables, count, known);
			if (tops < most || tops == 0 ||
			    (tops == most && abs(at) >= abs(layout->mm)))
				continue;
			most = tops;
			layout->mm = at;
			layout->pgd = offset;
		}
	}
	free(known);
	return most > 0 && 2 * most >= count;
}

/* ---- the list ---- */

/* Could a list's node be at @va? Its neighbours lead back to it, and it is not alone. */
static bool is_node(const struct pw_seen *seen, pw_va va)
{
	pw_va next, previous, back;

	return pw_seen_pointer(seen, va, &next) && next != va && next % seen->width == 0 &&
	       pw_seen_pointer(seen, va + seen->width, &previous) && previous != va &&
	       previous % seen->width == 0 && pw_seen_pointer(seen, next + seen->width, &back) &&
	       back == va && pw_seen_pointer(seen, previous, &back) && back == va;
}

static bool try_order(struct pw_seen *seen, pw_va name, const pw_pa *tables, size_t count,
		      struct pw_task_layout *layout)
{
	const int32_t width = (int32_t)seen->width;
	/* Nodes are aligned; the name need not be. */
	const int32_t begin = -BEFORE - (int32_t)(name % seen->width);
	unsigned lists = 0;

	for (int32_t at = begin; at < BEHIND && lists < LISTS_MAX; at += width) {
		struct pw_tasks list;
		bool found;

		if (!is_node(seen, name + (pw_va)(int64_t)at) ||
		    !pw_tasks_list(seen, name, at, &list))
			continue;
		lists++;
		layout->tasks = at;
		found = list.whole && list.count > 2 && find_number(seen, &list, &layout->tgid) &&
			find_space(seen, &list, tables, count, layout);
		free(list.task);
		if (found)
			return true;
	}
	return false;
}

bool pw_learn_layout(struct pw_seen *seen, pw_va name, const pw_pa *tables, size_t count,
		     struct pw_task_layout *layout)
{
	for (unsigned order = 0; order < 2; order++) {
		seen->big_endian = order;
		if (try_order(seen, name, tables, count, layout))
			return true;
	}
	return false;
}
