/* SPDX-License-Identifier: MIT */
/*
 * Another process's memory, by /proc. Several memfds have the same name, so a file is found by device and
 * inode among the process's open files. It is mapped a second time here, read-only.
 */
#include "memory/live/process.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <unistd.h>

/*
 * Who may look at the process (ptrace(2), "Ptrace access mode checking")? Its user, if the group is the same, too: that
 * of an account need not be the one that its service runs with.
 */
static int refuse_access(pid_t id, const char *what, bool qemu, struct pw_error *error)
{
	char path[32];
	struct stat owner;

	snprintf(path, sizeof(path), "/proc/%d", (int)id);
	if (stat(path, &owner) == 0 && (owner.st_uid != geteuid() || owner.st_gid != getegid()))
		return pw_fail(error, EACCES,
			       "%s (process %d) runs as user %u and group %u, and its memory is "
			       "open to these two together and to root (CAP_SYS_PTRACE); pagewalk "
			       "runs as user %u and group %u. Run it as root, or by setpriv "
			       "--reuid=%u --regid=%u --clear-groups",
			       what, (int)id, owner.st_uid, owner.st_gid, geteuid(), getegid(),
			       owner.st_uid, owner.st_gid);
	return pw_fail(
		error, EACCES,
		"this user may not read the memory of %s (process %d). Run pagewalk as root, or as "
		"the same user with kernel.yama.ptrace_scope=0 (sysctl)%s",
		what, (int)id,
		qemu ? ", or start QEMU with shared memory: -object "
		       "memory-backend-memfd,id=ram,size=SIZE,share=on -machine "
		       "memory-backend=ram"
		     : "");
}

int pw_process_fail(pid_t id, int status, enum pw_process_kind kind, struct pw_error *error)
{
	const bool qemu = kind == PW_PROCESS_QEMU;
	const char *what = qemu ? "QEMU" : "user-mode Linux";

	if (status == -ESRCH || status == -ENOENT)
		return pw_fail(error, ESRCH, "%s (process %d) has ended", what, (int)id);
	if (status == -EPERM || status == -EACCES)
		return refuse_access(id, what, qemu, error);
	return pw_fail(error, -status, "the memory of %s (process %d): %s", what, (int)id,
		       strerror(-status));
}

static bool parse_map(const char *line, struct pw_process_map *map)
{
	unsigned long long first, end, offset, inode;
	char permissions[8];
	int at = 0;

	*map = (struct pw_process_map){ .first = 0 };
	if (sscanf(line, "%llx-%llx %7s %llx %x:%x %llu %n", &first, &end, permissions, &offset,
		   &map->major, &map->minor, &inode, &at) < 7)
		return false;
	map->first = first;
	map->end = end;
	map->offset = offset;
	map->inode = inode;
	map->shared = permissions[0] && permissions[1] && permissions[2] && permissions[3] == 's';
	snprintf(map->path, sizeof(map->path), "%.*s", (int)strcspn(line + at, "\n"), line + at);
	return true;
}

int pw_process_open(struct pw_process *process, pid_t id, enum pw_process_kind kind,
		    struct pw_error *error)
{
	char path[64], *line = NULL;
	size_t room = 0;
	int status = 0;
	FILE *file;

	*process = (struct pw_process){ .id = id };
	snprintf(path, sizeof(path), "/proc/%d/maps", (int)id);
	file = fopen(path, "re");
	if (!file)
		return pw_process_fail(id, -errno, kind, error);
	while (status == 0 && getline(&line, &room, file) >= 0) {
		struct pw_process_map map, *maps;

		if (!parse_map(line, &map))
			continue;
		maps = pw_memory_grow(process->maps, process->count, sizeof(*maps));
		if (!maps) {
			status = pw_fail(error, ENOMEM, "out of memory");
			break;
		}
		process->maps = maps;
		maps[process->count++] = map;
	}
	free(line);
	/* Reading, not opening, fails for the files of another user's process. */
	if (status == 0 && process->count == 0)
		status = pw_process_fail(id, -EACCES, kind, error);
	fclose(file);
	if (status)
		pw_process_close(process);
	return status;
}

void pw_process_close(struct pw_process *process)
{
	free(process->maps);
	process->maps = NULL;
	process->count = 0;
}

const struct pw_process_map *pw_process_find(const struct pw_process *process, uint64_t address)
{
	for (size_t i = 0; i < process->count; i++)
		if (process->maps[i].first <= address && address < process->maps[i].end)
			return &process->maps[i];
	return NULL;
}

/* Is @path the mapping's file? */
static bool is_file(const char *path, const struct pw_process_map *map)
{
	struct stat state;

	return stat(path, &state) == 0 && S_ISREG(state.st_mode) && state.st_ino == map->inode &&
	       major(state.st_dev) == map->major && minor(state.st_dev) == map->minor;
}

/* Writes a name by which this process can open the mapping's file. */
static bool find_file(const struct pw_process *process, const struct pw_process_map *map,
		      char path[96])
{
	struct dirent *entry;
	DIR *folder;
	bool found = false;

	snprintf(path, 96, "/proc/%d/map_files/%llx-%llx", (int)process->id,
		 (unsigned long long)map->first, (unsigned long long)map->end);
	if (is_file(path, map))
		return true;
	snprintf(path, 96, "/proc/%d/fd", (int)process->id);
	folder = opendir(path);
	while (folder && !found && (entry = readdir(folder))) {
		snprintf(path, 96, "/proc/%d/fd/%.20s", (int)process->id, entry->d_name);
		found = is_file(path, map);
	}
	if (folder)
		closedir(folder);
	if (!found && strlen(map->path) < 96) {
		snprintf(path, 96, "%.95s", map->path);
		found = path[0] == '/' && is_file(path, map);
	}
	return found;
}

int pw_process_share(const struct pw_process *process, struct pw_memory *memory, uint64_t first,
		     uint64_t bytes, const unsigned char **host_ret)
{
	const struct pw_process_map *map = pw_process_find(process, first);
	const unsigned char *host;
	uint64_t length, offset;
	char path[96];
	int status;

	if (!map || !map->shared || map->inode == 0 || bytes > map->end - first)
		return -ENOENT;
	if (!find_file(process, map, path))
		return -EACCES;
	status = pw_memory_map_file(memory, path, &host, &length, NULL);
	if (status)
		return status;
	offset = map->offset + (first - map->first);
	if (offset > length || bytes > length - offset)
		return -ENOENT;
	*host_ret = host + (size_t)offset;
	return 0;
}

int pw_process_read(pid_t id, uint64_t address, void *buffer, size_t bytes)
{
	struct iovec here = { .iov_base = buffer, .iov_len = bytes };
	struct iovec there = { .iov_base = (void *)(uintptr_t)address, .iov_len = bytes };
	ssize_t got;

	if (address > UINTPTR_MAX - bytes)
		return -EFAULT;
	do
		got = process_vm_readv(id, &here, 1, &there, 1, 0);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	return (size_t)got == bytes ? 0 : -EFAULT;
}
