/* SPDX-License-Identifier: MIT */
/*
 * uml:PID, a running user-mode Linux. Its physical memory is one open file of its process, and an address in
 * it is an offset in that file. The file is mapped, read-only. The kernel's own image lies before the first
 * byte that the process maps from the file: these pages are copied from the process.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "memory/live/process.h"

struct uml {
	pid_t process;
	uint64_t start; /* address of physical address 0 in the process */
};

static int fetch(void *context, pw_pa pa, void *buffer, size_t bytes)
{
	const struct uml *uml = context;
	int status = pw_process_read(uml->process, uml->start + pa, buffer, bytes);

	return status == -EFAULT ? -ENODATA : status ? -EIO : 0;
}

static int check(void *context, struct pw_error *error)
{
	const struct uml *uml = context;
	char path[40];
	struct stat state;

	snprintf(path, sizeof(path), "/proc/%d", (int)uml->process);
	return stat(path, &state) ? pw_process_fail(uml->process, -ESRCH, PW_PROCESS_UML, error)
				  : 0;
}

static void release(void *context)
{
	free(context);
}

/*
 * The mapping of the physical memory: shared, writable by the kernel itself, of a file that has been unlinked, and
 * the largest of these.
 */
static const struct pw_process_map *find_ram(const struct pw_process *process)
{
	const struct pw_process_map *best = NULL;

	for (size_t i = 0; i < process->count; i++) {
		const struct pw_process_map *map = &process->maps[i];

		if (!map->shared || map->inode == 0 || !strstr(map->path, "(deleted)"))
			continue;
		if (!best || map->end - map->first > best->end - best->first)
			best = map;
	}
	return best;
}

/* Finds the file among those that the process has open, and maps all of it. */
static int map_ram(const struct pw_process *process, const struct pw_process_map *map,
		   struct pw_memory *memory, const unsigned char **host_ret, uint64_t *bytes_ret)
{
	char path[64];
	struct dirent *entry;
	int status = -ENOENT;
	DIR *folder;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)process->id);
	folder = opendir(path);
	while (folder && status == -ENOENT && (entry = readdir(folder))) {
		struct stat state;

		snprintf(path, sizeof(path), "/proc/%d/fd/%.20s", (int)process->id, entry->d_name);
		if (stat(path, &state) == 0 && S_ISREG(state.st_mode) && state.st_ino == map->inode)
			status = pw_memory_map_file(memory, path, host_ret, bytes_ret, NULL);
	}
	if (folder)
		closedir(folder);
	return status;
}

static int learn(struct uml *uml, struct pw_memory *memory, struct pw_error *error)
{
	const struct pw_process_map *map;
	const unsigned char *host = NULL;
	struct pw_process process;
	uint64_t bytes = 0, image;
	int status = pw_process_open(&process, uml->process, PW_PROCESS_UML, error);

	if (status)
		return status;
	map = find_ram(&process);
	if (!map)
		status = pw_fail(
			error, EINVAL,
			"process %d maps no file that could be the memory of a user-mode Linux; give "
			"the first process of the guest (the one that you started)",
			(int)uml->process);
	else
		status = map_ram(&process, map, memory, &host, &bytes);
	if (status == -ENOENT || status == -EACCES)
		status = pw_process_fail(uml->process, -EACCES, PW_PROCESS_UML, error);
	if (status == 0) {
		uml->start = map->first - map->offset;
		image = map->offset < bytes ? map->offset : 0;
		if (image > 0)
			status = pw_memory_add_segment(memory, 0, image - 1, NULL, error);
		if (status == 0)
			status = pw_memory_add_segment(memory, image, bytes - 1,
						       host + (size_t)image, error);
		snprintf(memory->title, sizeof(memory->title),
			 "user-mode Linux (" PW_MACHINE_UML "), process %d, RAM mapped",
			 (int)uml->process);
	}
	pw_process_close(&process);
	return status;
}

int pw_memory_read_uml(struct pw_memory *memory, const char *name, struct pw_error *error)
{
	struct uml *uml;

	if (name[0] == '\0' || name[strspn(name, "0123456789")] || strlen(name) > 9)
		return pw_fail(error, EINVAL,
			       "'%s' is not the number of a process; give that of user-mode Linux: "
			       "uml:PID",
			       name);
	uml = calloc(1, sizeof(*uml));
	if (!uml)
		return pw_fail(error, ENOMEM, "out of memory");
	uml->process = (pid_t)strtoul(name, NULL, 10);
	memory->source = fetch;
	memory->source_context = uml;
	memory->release = release;
	memory->is_live = true;
	memory->is_uml = true;
	memory->live = (struct pw_live){ .check = check };
	return learn(uml, memory, error);
}

int pw_memory_refuse_process(struct pw_memory *memory, const char *name, struct pw_error *error)
{
	(void)memory;
	return pw_fail(
		error, EINVAL,
		"pid:%s: a process does not have page tables that it could read: they belong to its "
		"kernel. Look at the kernel's memory instead: a virtual machine (qemu:SOCKET), "
		"user-mode Linux (uml:PID), or a dump; what a process maps stands in "
		"/proc/%s/maps and /proc/%s/pagemap",
		name, name, name);
}
