/* SPDX-License-Identifier: MIT */
/*
 * A QEMU's command line, as /proc/PID/cmdline has it: -qmp unix:PATH,..., or -mon chardev=ID,mode=control
 * with -chardev socket,id=ID,path=PATH.
 */
#include "memory/live/qemu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A command line of at most 1 MiB: words, each ended by a NUL, and an empty one at the end. */
static char *read_words(pid_t process)
{
	enum { MOST = 1 << 20 };
	char path[40], *words = calloc(1, MOST + 2);
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)process);
	file = words ? fopen(path, "re") : NULL;
	if (!file) {
		free(words);
		return NULL;
	}
	words[fread(words, 1, MOST, file)] = '\0';
	fclose(file);
	return words;
}

static const char *next(const char *word)
{
	return word + strlen(word) + 1;
}

/* "-qmp" and "--qmp" are the same option. */
static bool is_option(const char *word, const char *name)
{
	return word[0] == '-' && strcmp(word + (word[1] == '-' ? 2 : 1), name) == 0;
}

/* Copies the value of @key in "driver,key=value,...". False: there is none. */
static bool value_of(const char *list, const char *key, char *text, size_t room)
{
	size_t length = strlen(key);

	for (const char *at = list; at; at = strchr(at, ',')) {
		at += *at == ',';
		if (strncmp(at, key, length) == 0 && at[length] == '=') {
			snprintf(text, room, "%.*s", (int)strcspn(at + length + 1, ","),
				 at + length + 1);
			return true;
		}
	}
	return false;
}

/* Copies a path as this process can use it: one without a folder starts at QEMU's. */
static void set_path(pid_t process, const char *path, char *address, size_t room)
{
	if (path[0] == '/')
		snprintf(address, room, "unix:%s", path);
	else
		snprintf(address, room, "unix:/proc/%d/cwd/%s", (int)process, path);
}

/* The address of the character device @id. */
static bool find_chardev(pid_t process, const char *words, const char *id, char *address,
			 size_t room)
{
	for (const char *word = words; *word; word = next(word)) {
		char its[64] = "", path[120];
		const char *list = next(word);

		if (!is_option(word, "chardev") || strncmp(list, "socket,", 7) != 0)
			continue;
		value_of(list, "id", its, sizeof(its));
		if (strcmp(its, id) != 0 || !value_of(list, "path", path, sizeof(path)))
			continue;
		set_path(process, path, address, room);
		return true;
	}
	return false;
}

/* With @others, libvirt's own monitors do not count. */
static bool find_address(pid_t process, const char *words, bool others, char *address, size_t room)
{
	for (const char *word = words; *word; word = next(word)) {
		const char *value = next(word);
		char id[64], mode[16] = "", path[160];

		if (is_option(word, "qmp") || is_option(word, "qmp-pretty")) {
			snprintf(path, sizeof(path), "%.*s", (int)strcspn(value, ","), value);
			if (strncmp(path, "unix:", 5) == 0 &&
			    !(others && pw_wire_is_libvirt(path))) {
				set_path(process, path + 5, address, room);
				return true;
			}
			if (strncmp(path, "tcp:", 4) == 0) {
				snprintf(address, room, "%s", path);
				return true;
			}
		}
		if (is_option(word, "mon") && value_of(value, "mode", mode, sizeof(mode)) &&
		    strcmp(mode, "control") == 0) {
			if (!value_of(value, "chardev", id, sizeof(id)))
				snprintf(id, sizeof(id), "%.*s", (int)strcspn(value, ","), value);
			if (find_chardev(process, words, id, address, room) &&
			    !(others && pw_wire_is_libvirt(address)))
				return true;
		}
	}
	return false;
}

/* libvirt opens the socket itself, and hands it over: -chardev socket,id=charmonitor,fd=26. */
static bool has_libvirt_monitor(const char *words)
{
	char id[16];

	for (const char *word = words; *word; word = next(word))
		if (is_option(word, "chardev") && value_of(next(word), "id", id, sizeof(id)) &&
		    strcmp(id, "charmonitor") == 0)
			return true;
	return false;
}

int pw_qemu_find_socket(pid_t process, char *address, size_t room, struct pw_error *error)
{
	char *words = read_words(process);
	bool found;

	if (!words || !*words) {
		free(words);
		return pw_fail(error, ESRCH, "there is no process %d, or it is not a program",
			       (int)process);
	}
	found = find_address(process, words, true, address, room) ||
		find_address(process, words, false, address, room);
	if (!found && has_libvirt_monitor(words))
		pw_fail(error, EBUSY, "process %d (%.60s) was started by libvirt. %s", (int)process,
			words, pw_wire_libvirt);
	else if (!found)
		pw_fail(error, EINVAL,
			"process %d (%.60s) has no option -qmp that names a socket, so its memory's "
			"layout cannot be learned; start QEMU with -qmp unix:SOCKET,server=on,wait=off",
			(int)process, words);
	free(words);
	return found ? 0 : -EINVAL;
}

bool pw_qemu_has_stub(pid_t process)
{
	char *words = read_words(process);
	bool found = false;

	for (const char *word = words; word && *word && !found; word = next(word))
		found = is_option(word, "s") || is_option(word, "gdb");
	free(words);
	return found;
}
