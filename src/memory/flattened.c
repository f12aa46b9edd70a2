/* SPDX-License-Identifier: MIT */
/*
 * Flattened dumps: makedumpfile -F, and what QEMU before 8.2 writes for dump-guest-memory -z, -l and -s. A dump that was
 * written to a pipe, as pieces of the file with the place of each (struct makedumpfile_header and
 * makedumpfile_data_header of makedumpfile.h). All numbers are 64 bits wide, with the highest byte first:
 *
 *   0   "makedumpfile" and zeros   type 1   version 1   ... 4096   offset  length  bytes...   offset  length  bytes...   -1  -1
 *
 * The pieces are put where they belong in a temporary file without a name. Costs as much of the disk as the dump has.
 */
#include "memory/flattened.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAGIC = 16, HEADER = 4096, PIECE_HEADER = 16 };

static const uint64_t END = UINT64_MAX;

static uint64_t number(const unsigned char *at)
{
	uint64_t value;

	memcpy(&value, at, sizeof(value));
	return be64toh(value);
}

bool pw_memory_is_flattened(const unsigned char *host, uint64_t bytes)
{
	static const unsigned char magic[MAGIC] = "makedumpfile";

	return bytes >= HEADER && memcmp(host, magic, MAGIC) == 0 && number(host + MAGIC) == 1 &&
	       number(host + MAGIC + 8) == 1;
}

static int open_temporary(const char *path, struct pw_error *error)
{
	const char *chosen = secure_getenv("TMPDIR");
	const char *folder = chosen && chosen[0] ? chosen : "/var/tmp";
	char name[4096];
	int file;

	if (snprintf(name, sizeof(name), "%s/pagewalk-XXXXXX", folder) >= (int)sizeof(name))
		return pw_fail(error, ENAMETOOLONG, "TMPDIR: this path is too long");
	file = mkostemp(name, O_CLOEXEC);
	if (file < 0) {
		int code = errno;

		return pw_fail(error, code,
			       "%s is a flattened kdump, whose pieces are put in order in a "
			       "temporary file, and none can be made in %s (TMPDIR): %s",
			       path, folder, strerror(code));
	}
	unlink(name);
	return file;
}

/* Writes all of the bytes. Returns 0 or a negative errno. */
static int put(int file, const unsigned char *from, uint64_t bytes, uint64_t to)
{
	while (bytes > 0) {
		/* A write takes no more at once (write(2)). */
		size_t most = bytes < (1u << 30) ? (size_t)bytes : 1u << 30;
		ssize_t done = pwrite(file, from, most, (off_t)to);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return done < 0 ? -errno : -EIO;
		from += done;
		bytes -= (uint64_t)done;
		to += (uint64_t)done;
	}
	return 0;
}

static int put_pieces(struct pw_memory *memory, int file, const char *path,
		      const unsigned char *host, uint64_t bytes, struct pw_error *error)
{
	uint64_t at = HEADER;

	while (bytes - at >= PIECE_HEADER) {
		uint64_t to = number(host + at), length = number(host + at + 8);
		uint64_t rest = bytes - at - PIECE_HEADER;
		int status;

		if (to == END)
			return 0;
		if (to > INT64_MAX || length > INT64_MAX - to)
			return pw_fail(error, EINVAL,
				       "%s: the piece at 0x%llx of this flattened kdump belongs at "
				       "0x%llx, where no file reaches: it is damaged",
				       path, (unsigned long long)at, (unsigned long long)to);
		status = put(file, host + (size_t)at + PIECE_HEADER, length < rest ? length : rest,
			     to);
		if (status)
			return pw_fail(error, -status,
				       "%s: its pieces cannot be put in order in a temporary file "
				       "(TMPDIR): %s",
				       path, strerror(-status));
		if (length > rest)
			break;
		at += PIECE_HEADER + length;
	}
	pw_memory_add_remark(memory, "truncated: this flattened kdump has no end");
	return 0;
}

int pw_memory_unflatten(struct pw_memory *memory, const char *path, const unsigned char *host,
			uint64_t bytes, struct pw_error *error)
{
	int file = open_temporary(path, error);
	int status;

	if (file < 0)
		return file;
	status = put_pieces(memory, file, path, host, bytes, error);
	if (status == 0)
		return file;
	close(file);
	return status;
}
