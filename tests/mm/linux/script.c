/* SPDX-License-Identifier: MIT */
/*
 * What a call is, and scripts as text. A line makes a file (number, kind, bytes), or is a call: the number of
 * the process that makes it, the call's name, its arguments.
 *
 *   file 0 shmem 0x10000
 *   0 mmap w+0x3000 0x2000 read,write private,anon,fixed - 0x0
 *   0 write w+0x3008
 *   0 fork 1
 *
 * "w+" means an offset in the window. A stamp (what a call writes) is its line's number, or "@NUMBER".
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

const struct call_info CALL_INFO[CALL_KINDS] = {
	[CALL_MMAP] = { "mmap", { ARG_VA, ARG_BYTES, ARG_PROT, ARG_MAP, ARG_FILE, ARG_OFFSET } },
	[CALL_MUNMAP] = { "munmap", { ARG_VA, ARG_BYTES } },
	[CALL_MPROTECT] = { "mprotect", { ARG_VA, ARG_BYTES, ARG_PROT } },
	[CALL_MREMAP] = { "mremap", { ARG_VA, ARG_BYTES, ARG_BYTES, ARG_REMAP, ARG_VA } },
	[CALL_MADVISE] = { "madvise", { ARG_VA, ARG_BYTES, ARG_ADVICE } },
	[CALL_MLOCK] = { "mlock", { ARG_VA, ARG_BYTES } },
	[CALL_MLOCK2] = { "mlock2", { ARG_VA, ARG_BYTES, ARG_LOCK2 } },
	[CALL_MUNLOCK] = { "munlock", { ARG_VA, ARG_BYTES } },
	[CALL_MLOCKALL] = { "mlockall", { ARG_LOCKALL } },
	[CALL_MUNLOCKALL] = { "munlockall", { ARG_NONE } },
	[CALL_MSYNC] = { "msync", { ARG_VA, ARG_BYTES, ARG_SYNC } },
	[CALL_MINCORE] = { "mincore", { ARG_VA, ARG_BYTES } },
	[CALL_FORK] = { "fork", { ARG_PROCESS } },
	[CALL_EXIT] = { "exit", { ARG_NONE } },
	[CALL_READ] = { "read", { ARG_VA } },
	[CALL_WRITE] = { "write", { ARG_VA } },
	[CALL_SCAN] = { "scan", { ARG_VA, ARG_COUNT } },
	[CALL_FILL] = { "fill", { ARG_VA, ARG_COUNT } },
	[CALL_DIGEST] = { "digest", { ARG_NONE } },
	[CALL_TRUNCATE] = { "truncate", { ARG_FILE, ARG_BYTES } },
	[CALL_PUNCH] = { "punch", { ARG_FILE, ARG_OFFSET, ARG_BYTES } },
	[CALL_PREAD] = { "pread", { ARG_FILE, ARG_OFFSET, ARG_BYTES } },
	[CALL_PWRITE] = { "pwrite", { ARG_FILE, ARG_OFFSET, ARG_BYTES } },
	[CALL_FSYNC] = { "fsync", { ARG_FILE } },
	[CALL_CLEAR_REFS] = { "clear_refs", { ARG_NONE } },
};

const char *const FILE_NAME[FILE_KINDS] = { "shmem", "host", "hugetlb" };

uint64_t call_stamp(const struct call *call)
{
	uint64_t state = call->stamp;

	return random_next(&state) | 1;
}

void script_add(struct script *script, unsigned process, enum call_kind kind, const uint64_t *arg)
{
	struct call *call = &script->call[script->calls];

	if (script->calls == MAX_CALLS)
		return;
	memset(call, 0, sizeof *call);
	call->kind = (uint8_t)kind;
	call->process = (uint8_t)process;
	call->stamp = (uint16_t)++script->calls;
	for (unsigned i = 0; i < MAX_ARGS && CALL_INFO[kind].arg[i]; i++)
		call->arg[i] = arg[i];
}

static bool writes(enum call_kind kind)
{
	return kind == CALL_WRITE || kind == CALL_FILL || kind == CALL_PWRITE;
}

void call_print(const struct call *call, FILE *out)
{
	const struct call_info *info = &CALL_INFO[call->kind];

	fprintf(out, "%u %s", call->process, info->name);
	for (unsigned i = 0; i < MAX_ARGS && info->arg[i]; i++) {
		fputc(' ', out);
		words_print(info->arg[i], call->arg[i], out);
	}
	if (writes(call->kind))
		fprintf(out, " @%u", call->stamp);
}

void script_print(const struct script *script, FILE *out)
{
	for (unsigned i = 0; i < script->files; i++)
		fprintf(out, "file %u %s 0x%" PRIx64 "\n", i, FILE_NAME[script->file[i].kind],
			script->file[i].bytes);
	for (unsigned i = 0; i < script->calls; i++) {
		call_print(&script->call[i], out);
		fputc('\n', out);
	}
}

static const char *file_parse(struct script *script)
{
	const char *number = strtok(NULL, " \t\n"), *kind = strtok(NULL, " \t\n");
	const char *bytes = strtok(NULL, " \t\n");
	uint64_t value;

	if (!number || !kind || !bytes)
		return "write: file NUMBER KIND BYTES";
	if (!words_parse(ARG_COUNT, number, &value) || value != script->files || value >= MAX_FILES)
		return "number the files 0, 1, 2, 3 in this order";
	for (unsigned i = 0; i < FILE_KINDS; i++) {
		if (strcmp(kind, FILE_NAME[i]) != 0)
			continue;
		script->file[value].kind = (enum file_kind)i;
		script->files++;
		return words_parse(ARG_BYTES, bytes, &script->file[value].bytes)
			       ? NULL
			       : "the size is not a number";
	}
	return "the kinds of files are shmem, host and hugetlb";
}

static const char *call_parse(struct script *script, const char *process)
{
	const char *name = strtok(NULL, " \t\n"), *text;
	uint64_t number, arg[MAX_ARGS] = { 0 };
	unsigned kind = 0;

	if (!words_parse(ARG_COUNT, process, &number) || number >= MAX_PROCESSES)
		return "a call begins with the number of its process, 0 to 3";
	while (kind < CALL_KINDS && (!name || strcmp(CALL_INFO[kind].name, name) != 0))
		kind++;
	if (kind == CALL_KINDS)
		return "no call has this name";
	for (unsigned i = 0; i < MAX_ARGS && CALL_INFO[kind].arg[i]; i++) {
		text = strtok(NULL, " \t\n");
		if (!text || !words_parse(CALL_INFO[kind].arg[i], text, &arg[i]))
			return "an argument is missing or not understood";
		if (CALL_INFO[kind].arg[i] == ARG_FILE && arg[i] != NO_FILE &&
		    arg[i] >= script->files)
			return "there is no file of this number";
		if (CALL_INFO[kind].arg[i] == ARG_PROCESS &&
		    (arg[i] == 0 || arg[i] >= MAX_PROCESSES))
			return "the processes are 0 to 3";
	}
	if (script->calls == MAX_CALLS)
		return "too many calls";
	script_add(script, (unsigned)number, (enum call_kind)kind, arg);
	text = strtok(NULL, " \t\n");
	if (text && (*text != '@' || !words_parse(ARG_COUNT, text + 1, &number)))
		return "there is more than the call has arguments";
	if (text)
		script->call[script->calls - 1].stamp = (uint16_t)number;
	return NULL;
}

unsigned script_parse(FILE *in, struct script *script, const char **why)
{
	char line[512];
	unsigned number = 0;

	memset(script, 0, sizeof *script);
	while (fgets(line, sizeof line, in)) {
		const char *first;

		number++;
		line[strcspn(line, "#\n")] = '\0';
		first = strtok(line, " \t\n");
		if (!first)
			continue;
		if (strcmp(first, "file") == 0)
			*why = file_parse(script);
		else
			*why = call_parse(script, first);
		if (*why)
			return number;
	}
	return 0;
}
