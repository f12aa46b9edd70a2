/* SPDX-License-Identifier: MIT */
/* Searches a memory for roots, and shows how far it has come. */
#include "search.h"

#include <string.h>
#include <unistd.h>

static void show(void *context, uint64_t bytes, uint64_t of)
{
	double seconds;

	if (!tool_progress_due(context, &seconds))
		return;
	fprintf(stderr, "\r\033[Kpagewalk: searching for roots, %.0f %% of %.1f GiB in %.0f s",
		100.0 * (double)bytes / (double)of, (double)of / (double)(1 << 30), seconds);
	fflush(stderr);
}

static void show_proof(void *context, uint64_t places, uint64_t of)
{
	double seconds;

	if (!tool_progress_due(context, &seconds))
		return;
	fprintf(stderr,
		"\r\033[Kpagewalk: following %llu places that could be roots, %.0f %% in %.0f s",
		(unsigned long long)of, 100.0 * (double)places / (double)of, seconds);
	fflush(stderr);
}

int search_roots(const struct pw_memory *memory, const struct pw_format *format, bool every,
		 const struct pw_regime_options *regime, unsigned jobs, struct search *search)
{
	struct tool_progress progress = { .started = tool_now() };
	struct pw_roots_options options = {
		.formats = &format,
		.format_count = format ? 1 : 0,
		.every_format = every,
		.regime = *regime,
		.threads = jobs,
		.cancel = tool_stop_flag(),
	};
	struct pw_error error;
	int status;

	*search = (struct search){ .count = 0 };
	if (isatty(STDERR_FILENO)) {
		options.progress = show;
		options.proved = show_proof;
		options.progress_context = &progress;
	}
	status = pw_roots_find(memory, &options, &search->root, &search->count, &search->copies,
			       &error);
	tool_progress_end(&progress);
	return status ? tool_fail("%s", error.text) : 0;
}

void search_name(const struct search *search, size_t number, char text[24])
{
	/* Only the first is the kernel's, if any is; so numbers do not depend on whether it was found. */
	bool kernel = search->count > 0 && search->root[0].owner == PW_ROOT_KERNEL;

	if (kernel && search->root[number].owner == PW_ROOT_KERNEL && number == 0)
		snprintf(text, 24, "kernel");
	else
		snprintf(text, 24, "%zu", number + (kernel ? 0 : 1));
}

void search_words(const struct pw_root *root, char text[64])
{
	unsigned long long first = root->root[0], second = root->root[1];

	if (root->roots > 1 && root->root[0] == PW_ROOT_ABSENT)
		snprintf(text, 64, "none, 0x%llx", second);
	else if (root->roots > 1)
		snprintf(text, 64, "0x%llx, 0x%llx", first, second);
	else
		snprintf(text, 64, "0x%llx", first);
}

/* Is this the command, or does the program have this path, or end in this name? */
static bool is_program(const struct pw_root *root, const char *name)
{
	const char *slash = strrchr(root->program, '/');

	if (root->command[0] && strcmp(root->command, name) == 0)
		return true;
	return root->program[0] &&
	       (strcmp(root->program, name) == 0 || (slash && strcmp(slash + 1, name) == 0));
}

const struct pw_root *search_find(const struct search *search, const char *name)
{
	for (size_t i = 0; i < search->count; i++) {
		char own[24];

		search_name(search, i, own);
		if (strcmp(own, name) == 0)
			return &search->root[i];
	}
	for (size_t i = 0; i < search->count; i++)
		if (search->root[i].owner == PW_ROOT_USER && is_program(&search->root[i], name))
			return &search->root[i];
	return NULL;
}

const struct pw_root *search_process(const struct search *search, long pid)
{
	const struct pw_root *best = NULL;

	for (size_t i = 0; i < search->count; i++) {
		const struct pw_root *root = &search->root[i];

		if (root->pid == pid && (!best || best->owner == PW_ROOT_USER_HALF))
			best = root;
	}
	return best;
}

bool search_knows_processes(const struct search *search)
{
	for (size_t i = 0; i < search->count; i++)
		if (search->root[i].pid >= 0)
			return true;
	return false;
}

void search_owner(const struct pw_root *root, char text[120])
{
	if (root->owner == PW_ROOT_KERNEL)
		snprintf(text, 120, "the kernel's");
	else if (root->pid >= 0)
		snprintf(text, 120, "of process %ld (%s)", root->pid, root->command);
	else if (root->program[0])
		snprintf(text, 120, "of the process %s", root->program);
	else
		snprintf(text, 120, "%s",
			 root->owner == PW_ROOT_OTHER ? "of no process" : "of a process");
}
