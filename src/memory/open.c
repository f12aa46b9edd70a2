/* SPDX-License-Identifier: MIT */
/* Opens a source: finds its kind by the prefix of the string, or by the magic number of the file. */
#include "memory/flattened.h"
#include "memory/vmcoreinfo.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct kind {
	const char *prefix, *shape;
	int (*read)(struct pw_memory *memory, const char *rest, struct pw_error *error);
};

static const struct kind kinds[] = {
	{ "raw:", "raw:FILE@BASE", pw_memory_read_raw },
	{ "sample:", "sample:NAME", pw_memory_read_sample },
	{ "qemu:", pw_memory_qemu_kind, pw_memory_read_qemu },
	{ "gdb:", "gdb:HOST:PORT", pw_memory_read_gdb },
	{ "uml:", "uml:PID", pw_memory_read_uml },
	/* The last, because it is refused. */
	{ "pid:", NULL, pw_memory_refuse_process },
};

static bool starts_with(const unsigned char *host, uint64_t bytes, const char *magic, size_t length)
{
	return bytes >= length && memcmp(host, magic, length) == 0;
}

/*
 * A .vmem of VMware is plain memory. Where there are more than 3 GiB, the rest is behind the 4th, as its .vmss or
 * .vmsn says in "regions" (vmss2core).
 */
static int refuse_vmem(const char *path, uint64_t bytes, struct pw_error *error)
{
	const uint64_t low = UINT64_C(3) << 30;

	if (bytes <= low)
		return pw_fail(error, EINVAL,
			       "%s is the memory of a VMware machine. Read it as raw:%s@0", path,
			       path);
	return pw_fail(
		error, EINVAL,
		"%s is the memory of a VMware machine, with more than 3 GiB. The rest is "
		"mostly behind the 4th GiB: raw:%s@0+3G,%s@4G:3G. The machine's .vmss or .vmsn, "
		"beside it and of the same name, tells it exactly (%s)",
		path, path, path, path);
}

static bool is_vmem(const char *path)
{
	static const char vmem[] = ".vmem";
	const size_t length = strlen(path), vmem_length = sizeof(vmem) - 1;

	return length > vmem_length && strcmp(path + length - vmem_length, vmem) == 0;
}

static int refuse_unknown(const char *path, const unsigned char *host, uint64_t bytes,
			  struct pw_error *error)
{
	char start[3 * 8 + 1] = "";

	if (is_vmem(path))
		return refuse_vmem(path, bytes, error);
	for (unsigned i = 0; i < 8 && i < bytes; i++) {
		static const char digit[] = "0123456789abcdef";

		start[3 * i] = ' ';
		start[3 * i + 1] = digit[host[i] >> 4];
		start[3 * i + 2] = digit[host[i] & 15];
		start[3 * i + 3] = '\0';
	}
	return pw_fail(error, EINVAL,
		       "%s is neither an ELF core nor a kdump (it starts with%s). If it is plain "
		       "memory, give the physical address of its first byte: raw:%s@BASE",
		       path, start, path);
}

static bool is_kdump(const unsigned char *host, uint64_t bytes)
{
	return starts_with(host, bytes, "KDUMP   ", 8) || starts_with(host, bytes, "DISKDUMP", 8);
}

/* A dump whose pieces are in no order, and may be those of either kind. */
static int read_flattened(struct pw_memory *memory, const char *path, const unsigned char *host,
			  uint64_t bytes, struct pw_error *error)
{
	int file = pw_memory_unflatten(memory, path, host, bytes, error);
	char name[32];
	int status;

	if (file < 0)
		return file;
	snprintf(name, sizeof(name), "/proc/self/fd/%d", file);
	status = pw_memory_map_file(memory, name, &host, &bytes, error);
	if (status == 0 && starts_with(host, bytes, "\177ELF", 4))
		status = pw_memory_read_elf(memory, path, host, bytes, error);
	else if (status == 0 && is_kdump(host, bytes))
		status = pw_memory_read_kdump_file(memory, path, file, host, bytes, error);
	else if (status == 0)
		status = pw_fail(error, EINVAL,
				 "%s is a flattened dump of neither an ELF core nor a kdump", path);
	close(file);
	return status;
}

static int read_file(struct pw_memory *memory, const char *path, struct pw_error *error)
{
	const unsigned char *host;
	uint64_t bytes;
	int status = pw_memory_map_file(memory, path, &host, &bytes, error);

	if (status)
		return status;
	/* A .vmem begins with any bytes. */
	if (is_vmem(path)) {
		status = pw_memory_read_vmem(memory, path, host, bytes, error);
		if (status != -ENOENT)
			return status;
	}
	if (starts_with(host, bytes, "\177ELF", 4))
		return pw_memory_read_elf(memory, path, host, bytes, error);
	if (is_kdump(host, bytes))
		return pw_memory_read_kdump(memory, path, host, bytes, error);
	if (pw_memory_is_flattened(host, bytes))
		return read_flattened(memory, path, host, bytes, error);
	if (starts_with(host, bytes, "EMiL", 4))
		return pw_memory_read_lime(memory, path, host, bytes, error);
	if (starts_with(host, bytes, "PAGEDU64", 8) || starts_with(host, bytes, "PAGEDUMP", 8))
		return pw_memory_read_windows(memory, path, host, bytes, error);
	if (pw_vmware_is_state(host, bytes))
		return pw_memory_read_vmware(memory, path, host, bytes, error);
	status = pw_memory_refuse_magic(path, host, bytes, error);
	return status ? status : refuse_unknown(path, host, bytes, error);
}

/* The length of "word:" at the start of a source that is not the name of a file, or 0. */
static int unknown_prefix(const char *source)
{
	int length = 0;

	while (isalnum((unsigned char)source[length]))
		length++;
	return length > 1 && source[length] == ':' && access(source, F_OK) ? length + 1 : 0;
}

static int read_source(struct pw_memory *memory, const char *source, struct pw_error *error)
{
	int length;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		size_t prefix = strlen(kinds[i].prefix);

		if (strncmp(source, kinds[i].prefix, prefix) == 0)
			return kinds[i].read(memory, source + prefix, error);
	}
	if (source[0] == '\0')
		return pw_fail(error, EINVAL,
			       "the name of the source is empty; give a FILE, raw:FILE@BASE, "
			       "qemu:SOCKET or sample:NAME");
	length = unknown_prefix(source);
	if (length)
		return pw_fail(error, EINVAL,
			       "'%.*s' is not a kind of source, and there is no file %s; "
			       "give a FILE, raw:FILE@BASE, qemu:SOCKET or sample:NAME",
			       length, source, source);
	return read_file(memory, source, error);
}

const char *pw_memory_kind(size_t index)
{
	/* What has no prefix is known by its first bytes. */
	static const char *const files[] = { "ELF core", pw_memory_kdump_kind, "LiME",
					     "AVML",     "Windows crash dump", "VMware" };
	enum { FILES = sizeof(files) / sizeof(files[0]) };

	if (index < FILES)
		return files[index];
	index -= FILES;
	return index < sizeof(kinds) / sizeof(kinds[0]) ? kinds[index].shape : NULL;
}

int pw_memory_open(const char *source, struct pw_memory **memory_ret, struct pw_error *error)
{
	struct pw_memory *memory;
	int status;

	if (!source || !memory_ret)
		return pw_fail_null(error, source ? "memory_ret" : "source");
	memory = pw_memory_new(error);
	if (!memory)
		return -ENOMEM;
	status = read_source(memory, source, error);
	if (status == 0)
		status = pw_memory_seal(memory, error);
	if (status == 0)
		status = pw_vmcoreinfo_add_root(memory, error);
	/* If the file has shrunk meanwhile, headers may have been read as zeros. */
	if (status == 0)
		status = pw_memory_check(memory, error);
	if (status) {
		pw_memory_close(memory);
		return status;
	}
	*memory_ret = memory;
	return 0;
}
