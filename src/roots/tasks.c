/* SPDX-License-Identifier: MIT */
/* The kernel's list of processes, and the roots that it names. */
#include "roots/tasks.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mutant.h"
#include "memory/vmcoreinfo.h"

enum {
	/* Around the kernel's banner. Its image, with names, types and processes, is smaller. */
	IMAGE = 64 << 20,
	/* Places of the first process's name that are tried together. Linux 7.2 has 200 more, in tables of records. */
	NAMES_BATCH = 256,
	TRIES = 4, /* readings of a list that changes meanwhile */
	X86_USER_HALF = 0x1000,
};

/* Bytes of memory that are searched for the banner. */
static const uint64_t BANNER_SEARCH = UINT64_C(1) << 30;

/* Everything that a search for processes has. */
struct naming {
	struct pw_seen seen;
	struct pw_root *roots;
	size_t count;
	pw_pa *tables; /* of the roots, sorted */
	size_t table_count;
	struct pw_task_layout layout;
	bool by_types; /* the layout is the BTF's */
	pw_pa names[NAMES_BATCH]
		   [2]; /* places of the first process's name; those below `tried` were tried */
	size_t name_count, tried;
	bool forgotten; /* some were tried, and are no longer here */
	bool found; /* the list was read */
	struct pw_tasks tasks;
};

/* ---- the list ---- */

static bool is_comm(const char comm[PW_TASK_NAME])
{
	size_t length = strnlen(comm, PW_TASK_NAME);

	if (length == 0 || length == PW_TASK_NAME)
		return false;
	/* Programs may have names in UTF-8. */
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)comm[i] < ' ' || comm[i] == 0x7f)
			return false;
	return true;
}

static bool add_task(struct pw_seen *seen, struct pw_tasks *list, pw_va name)
{
	struct pw_task *grown = list->task;
	struct pw_task task = { .name = name };

	if (list->count == PW_TASKS_MAX || seen->left == 0 ||
	    !pw_seen_read(seen, name, task.comm, PW_TASK_NAME) || !is_comm(task.comm))
		return false;
	seen->left--;
	if (list->count == list->room) {
		size_t room = list->room ? 2 * list->room : 64;

		grown = reallocarray(list->task, room, sizeof(*grown));
		if (!grown)
			return false;
		list->task = grown;
		list->room = room;
	}
	list->task[list->count++] = task;
	return true;
}

bool pw_tasks_list(struct pw_seen *seen, pw_va name, int32_t tasks, struct pw_tasks *list)
{
	const pw_va first = name + (pw_va)(int64_t)tasks;
	pw_va node = first;

	*list = (struct pw_tasks){ 0 };
	do {
		pw_va next, back;

		if (!add_task(seen, list, node - (pw_va)(int64_t)tasks) ||
		    !pw_seen_pointer(seen, node, &next) ||
		    !pw_seen_pointer(seen, next + seen->width, &back) || back != node)
			break;
		node = next;
		list->whole = node == first;
	} while (!list->whole);
	if (list->count >= 2)
		return true;
	free(list->task);
	list->task = NULL;
	return false;
}

/* Reads the list by the layout, with numbers and tables. The first is process 0, the next one process 1. */
static bool read_tasks(struct naming *naming, pw_va name)
{
	struct pw_seen *seen = &naming->seen;
	const struct pw_task_layout *layout = &naming->layout;
	struct pw_tasks list;

	for (unsigned i = 0; i < TRIES; i++) {
		if (!pw_tasks_list(seen, name, layout->tasks, &list))
			return false;
		if (list.whole || !seen->search->memory->is_live || i == TRIES - 1)
			break;
		free(list.task);
	}
	for (size_t i = 0; i < list.count; i++) {
		struct pw_task *task = &list.task[i];
		pw_va top;

		if (!pw_seen_number(seen, task->name + (pw_va)(int64_t)layout->tgid, &task->pid) ||
		    task->pid > PW_TASK_PID_MAX || (i < 2 && task->pid != i)) {
			free(list.task);
			return false;
		}
		if (!pw_seen_pointer(seen, task->name + (pw_va)(int64_t)layout->mm, &task->mm) ||
		    task->mm == 0 || !pw_seen_pointer(seen, task->mm + layout->pgd, &top) ||
		    !pw_seen_physical(seen, top, &task->table))
			task->mm = 0;
	}
	naming->tasks = list;
	return true;
}

/* ---- the first process ---- */

static int compare_tables(const void *a, const void *b)
{
	const pw_pa *left = a, *right = b;

	return *left < *right ? -1 : *left > *right;
}

/* Is the process 0 whose name is mapped at @range.first? Then reads the list. 1: yes, stop. */
static int try_name(void *context, size_t which, const struct pw_range *range)
{
	struct naming *naming = context;
	struct pw_seen *seen = &naming->seen;

	(void)which;
	if (range->status == PW_SHARED)
		return 0;
	if (!naming->by_types && !pw_learn_layout(seen, range->first, naming->tables,
						  naming->table_count, &naming->layout))
		return 0;
	return read_tasks(naming, range->first);
}

/* Finds the virtual addresses of the names that were not tried yet, and tries each. */
static bool try_names(struct naming *naming)
{
	const struct pw_roots_search *search = naming->seen.search;
	struct pw_scan_limits limits = { .entries = UINT64_C(1) << 24,
					 .uses = 2,
					 .cancel = search->options->cancel };
	const size_t from = naming->tried;
	struct pw_scan *scan;

	naming->tried = naming->name_count;
	if (naming->found || from == naming->name_count ||
	    pw_scan_create(search->memory, &naming->seen.regime, 0, UINT64_MAX, &limits, &scan,
			   NULL))
		return naming->found;
	naming->found = pw_find(scan, (const pw_pa(*)[2]) & naming->names[from],
				naming->name_count - from, try_name, naming, NULL) == 1;
	pw_scan_destroy(scan);
	return naming->found;
}

/* Notes the place of a name that only the first process has. A CPU's own is called "swapper/1". */
static bool note_name(void *context, pw_pa pa)
{
	struct naming *naming = context;
	char name[PW_TASK_NAME], wanted[2][PW_TASK_NAME] = { "swapper/0", "swapper" };

	if (pw_memory_read(naming->seen.search->memory, pa, name, sizeof(name)) ||
	    (memcmp(name, wanted[0], sizeof(name)) && memcmp(name, wanted[1], sizeof(name))))
		return false;
	for (size_t i = 0; i < naming->name_count; i++)
		if (naming->names[i][0] == pa)
			return false;
	if (naming->name_count == NAMES_BATCH - 1 && pw_mutant(PW_MUTANT_NAMES_CUT_OFF))
		return false;
	naming->names[naming->name_count][0] = naming->names[naming->name_count][1] = pa;
	if (++naming->name_count < NAMES_BATCH)
		return false;
	if (try_names(naming))
		return true;
	naming->name_count = naming->tried = 0;
	naming->forgotten = true;
	return false;
}

static bool find_tasks(struct naming *naming)
{
	static const struct pw_needle name = { "swapper", 7, 1 };
	struct pw_seen *seen = &naming->seen;
	pw_pa banner, first = 0, last = 0;

	if (pw_vmcoreinfo_banner(seen->search->memory, BANNER_SEARCH, &banner)) {
		first = banner > IMAGE ? banner - IMAGE : 0;
		last = banner < UINT64_MAX - IMAGE ? banner + IMAGE : UINT64_MAX;
		naming->by_types = pw_types_find(seen, first, last, &naming->layout);
		pw_seen_find(seen, first, last, &name, note_name, naming);
		if (try_names(naming))
			return true;
	}
	/* The banner can be one of several, in a file that is cached. */
	pw_seen_find(seen, 0, UINT64_MAX, &name, note_name, naming);
	if (try_names(naming))
		return true;
	/* BTF of another kernel leads nowhere. */
	if (!naming->by_types)
		return false;
	naming->by_types = false;
	naming->tried = 0;
	if (naming->forgotten)
		pw_seen_find(seen, 0, UINT64_MAX, &name, note_name, naming);
	return try_names(naming);
}

/* ---- roots ---- */

/* The kernel's root, decoded as a user of the result does. False: none was found. */
static bool see(const struct pw_roots_search *search, const struct pw_root *roots, size_t count,
		struct pw_seen *seen)
{
	struct pw_regime_options options = search->options->regime;

	*seen = (struct pw_seen){ .search = search, .width = 4, .left = PW_TASKS_READS };
	options.view = PW_VIEW_HARDWARE;
	if (count == 0 || roots[0].owner != PW_ROOT_KERNEL)
		return false;
	if (roots[0].cpu >= 0)
		options.registers = search->memory->cpus[roots[0].cpu].registers;
	if (pw_regime_init(&seen->regime, pw_format_find(roots[0].format), roots[0].root,
			   roots[0].roots, &options, NULL))
		return false;
	for (unsigned i = 0; i < seen->regime.spans; i++)
		if (seen->regime.span[i].last > UINT32_MAX)
			seen->width = 8;
	return true;
}

static bool has_table(const struct pw_memory *memory, const struct pw_root *root,
		      const struct pw_task *task)
{
	pw_pa table = root->table;

	if (task->mm == 0)
		return false;
	if (root->owner == PW_ROOT_USER_HALF && memory->xen_frames)
		return pw_roots_same_user(memory, table, task->table);
	if (root->owner == PW_ROOT_USER_HALF)
		table -= X86_USER_HALF;
	return task->table == table;
}

static void name_roots(struct naming *naming)
{
	for (size_t i = 0; i < naming->count; i++) {
		struct pw_root *root = &naming->roots[i];

		/* Processes that share an address space: the oldest is the first on the list. */
		for (size_t k = 1; k < naming->tasks.count && root->pid < 0; k++) {
			const struct pw_task *task = &naming->tasks.task[k];

			if (root->owner == PW_ROOT_KERNEL ||
			    !has_table(naming->seen.search->memory, root, task) ||
			    strcmp(root->format, naming->roots[0].format) != 0)
				continue;
			root->pid = (long)task->pid;
			snprintf(root->command, sizeof(root->command), "%s", task->comm);
		}
	}
}

void pw_roots_name(const struct pw_roots_search *search, struct pw_root *roots, size_t count)
{
	struct naming naming = { .roots = roots, .count = count };

	if (search->tables_only || !see(search, roots, count, &naming.seen))
		return;
	naming.tables = calloc(count, sizeof(*naming.tables));
	if (!naming.tables)
		return;
	for (size_t i = 1; i < count; i++)
		if (roots[i].owner == PW_ROOT_USER)
			naming.tables[naming.table_count++] = roots[i].table;
	if (naming.table_count > 0) {
		qsort(naming.tables, naming.table_count, sizeof(*naming.tables), compare_tables);
		if (find_tasks(&naming))
			name_roots(&naming);
		free(naming.tasks.task);
	}
	free(naming.tables);
}
