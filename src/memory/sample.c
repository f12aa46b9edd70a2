/* SPDX-License-Identifier: MIT */
/*
 * Small images that come with pagewalk: NAME.elf or NAME.elf.xz, in the first of some folders that has one
 * (sample_folders). A compressed image is unpacked into memory, and read as any other core.
 *
 * Bounds: an unpacked image has up to 1024 times the size of the file and 1 MiB more, and at most 256 MiB.
 * Unpacking takes up to 128 MiB.
 */
#include "memory/memory.h"

#include <dirent.h>
#include <lzma.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/folder.h"
#include "sample_dir.h"

enum { FOLDERS = 3 };
/* Unpacking makes the tables of small machines 50 to 350 times as large. */
static const uint64_t SAMPLE_TIMES = 1024, SAMPLE_MORE = UINT64_C(1) << 20;
static const uint64_t SAMPLE_MAX_BYTES = UINT64_C(1) << 28;

/*
 * The folder of a program's own installation, which may have been moved as a whole. A build folder has one, too.
 * False if the system does not say where the program is.
 */
static bool folder_beside(char folder[PW_FOLDER_PATH])
{
	static const char rest[] = "/../share/pagewalk/samples";

	if (!pw_own_folder(folder, PW_FOLDER_PATH - sizeof(rest)))
		return false;
	strcat(folder, rest);
	return true;
}

/* Lists the folders to look in, best first, without empty ones. Returns their number. */
static size_t sample_folders(const char *folders[FOLDERS], char beside[PW_FOLDER_PATH])
{
	const char *set = getenv("PAGEWALK_SAMPLES");
	size_t count = 0;

	if (set && *set)
		folders[count++] = set;
	if (folder_beside(beside) && access(beside, F_OK) == 0)
		folders[count++] = beside;
	folders[count++] = PW_SAMPLE_DIR;
	return count;
}

/* The length of the sample's name in the name of a file; 0 if the file is not a sample. */
static size_t sample_name_length(const char *file)
{
	static const char *const ends[] = { ".elf", ".elf.xz" };
	size_t length = strlen(file);

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		size_t end = strlen(ends[i]);

		if (length > end && strcmp(file + length - end, ends[i]) == 0)
			return length - end;
	}
	return 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

struct names {
	char **list;
	size_t count;
};

static void names_add_folder(struct names *names, const char *path)
{
	DIR *folder = opendir(path);
	const struct dirent *entry;

	while (folder && (entry = readdir(folder))) {
		size_t length = sample_name_length(entry->d_name);
		char **list;

		if (length == 0)
			continue;
		list = pw_memory_grow(names->list, names->count, sizeof(*list));
		if (!list)
			break;
		names->list = list;
		list[names->count] = strndup(entry->d_name, length);
		if (!list[names->count])
			break;
		names->count++;
	}
	if (folder)
		closedir(folder);
}

/* Writes the names as "a, b, c", each once, and as many as fit. */
static void names_join(struct names *names, char *text, size_t room)
{
	size_t used = 0;

	text[0] = '\0';
	if (names->count > 0)
		qsort(names->list, names->count, sizeof(*names->list), compare_names);
	for (size_t i = 0; i < names->count; i++) {
		if (i > 0 && strcmp(names->list[i - 1], names->list[i]) == 0)
			continue;
		if (used + strlen(names->list[i]) + sizeof(", ...") >= room) {
			snprintf(text + used, room - used, ", ...");
			return;
		}
		used += (size_t)snprintf(text + used, room - used, "%s%s", used ? ", " : "",
					 names->list[i]);
	}
}

static int refuse(const char *name, const char *const *folders, size_t count,
		  struct pw_error *error)
{
	struct names names = { 0 };
	char list[200], places[150] = "";
	size_t used = 0;

	for (size_t i = 0; i < count; i++) {
		names_add_folder(&names, folders[i]);
		if (used < sizeof(places))
			used += (size_t)snprintf(places + used, sizeof(places) - used, "%s%s",
						 i ? ", " : "", folders[i]);
	}
	names_join(&names, list, sizeof(list));
	for (size_t i = 0; i < names.count; i++)
		free(names.list[i]);
	free(names.list);
	if (list[0])
		return pw_fail(error, ENOENT, "there is no sample '%s'; there are: %s", name, list);
	return pw_fail(error, ENOENT,
		       "there is no sample '%s': no samples are in %s. Set PAGEWALK_SAMPLES to "
		       "the folder that has them",
		       name, places[0] ? places : "any known folder");
}

/* Is the .xz file complete? Then it ends with the footer of its stream, which has its own checksum. */
static bool xz_is_whole(const unsigned char *packed, uint64_t bytes)
{
	lzma_stream_flags flags;

	return bytes >= LZMA_STREAM_HEADER_SIZE &&
	       lzma_stream_footer_decode(&flags, packed + bytes - LZMA_STREAM_HEADER_SIZE) ==
		       LZMA_OK;
}

/*
 * Releases of liblzma differ in the code for a stream that ends too early: LZMA_DATA_ERROR, or
 * LZMA_BUF_ERROR, which also means that there is too little room for the result. So @is_whole decides.
 */
static const char *lzma_complaint(lzma_ret result, bool is_whole)
{
	if (!is_whole && (result == LZMA_DATA_ERROR || result == LZMA_BUF_ERROR))
		return "is truncated: the end of the .xz stream is missing";
	switch (result) {
	case LZMA_FORMAT_ERROR:
		return "is not in the .xz format";
	case LZMA_DATA_ERROR:
		return "is damaged";
	case LZMA_BUF_ERROR:
		return "is damaged, or unpacks to more than a sample may have (1024 times its size "
		       "and 1 MiB, 256 MiB at most)";
	case LZMA_MEM_ERROR:
		return "cannot be unpacked: there is not enough memory";
	case LZMA_MEMLIMIT_ERROR:
		return "needs more memory to unpack than a sample may (128 MiB)";
	default:
		return "cannot be unpacked";
	}
}

static int read_packed(struct pw_memory *memory, const char *path, struct pw_error *error)
{
	const unsigned char *packed;
	unsigned char *host;
	uint64_t packed_bytes, room = SAMPLE_MAX_BYTES, limit = UINT64_C(128) << 20;
	size_t in = 0, out = 0;
	lzma_ret result;
	int status = pw_memory_map_file(memory, path, &packed, &packed_bytes, error);

	if (status)
		return status;
	if (packed_bytes < (room - SAMPLE_MORE) / SAMPLE_TIMES)
		room = SAMPLE_TIMES * packed_bytes + SAMPLE_MORE;
	status = pw_memory_map_anonymous(memory, room, &host, error);
	if (status)
		return status;
	result = lzma_stream_buffer_decode(&limit, 0, NULL, packed, &in, (size_t)packed_bytes, host,
					   &out, (size_t)room);
	if (result != LZMA_OK)
		return pw_fail(error, EINVAL, "%s %s", path,
			       lzma_complaint(result, xz_is_whole(packed, packed_bytes)));
	return pw_memory_read_elf(memory, path, host, out, error);
}

static int read_plain(struct pw_memory *memory, const char *path, struct pw_error *error)
{
	const unsigned char *host;
	uint64_t bytes;
	int status = pw_memory_map_file(memory, path, &host, &bytes, error);

	return status ? status : pw_memory_read_elf(memory, path, host, bytes, error);
}

int pw_memory_read_sample(struct pw_memory *memory, const char *name, struct pw_error *error)
{
	static const struct {
		const char *end;
		int (*read)(struct pw_memory *memory, const char *path, struct pw_error *error);
	} forms[] = {
		{ ".elf", read_plain },
		{ ".elf.xz", read_packed },
	};
	char beside[PW_FOLDER_PATH];
	const char *folders[FOLDERS];
	size_t count = sample_folders(folders, beside);

	for (size_t i = 0; i < 2 * count && name[0] && !strchr(name, '/'); i++) {
		char *path = NULL;
		int status = 1;

		if (asprintf(&path, "%s/%s%s", folders[i / 2], name, forms[i % 2].end) < 0)
			return pw_fail(error, ENOMEM, "out of memory");
		if (access(path, F_OK) == 0)
			status = forms[i % 2].read(memory, path, error);
		free(path);
		if (status <= 0)
			return status;
	}
	return refuse(name, folders, count, error);
}
