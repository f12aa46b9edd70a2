/* SPDX-License-Identifier: MIT */
/* Runs a fuzz target over every file of some folders, in builds without libFuzzer. */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int run(const char *folder, const char *name)
{
	static uint8_t data[1 << 20];
	char path[4096];
	size_t size;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "rb");
	if (!file) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return 1;
	}
	size = fread(data, 1, sizeof(data), file);
	fclose(file);
	return LLVMFuzzerTestOneInput(data, size);
}

static int run_folder(const char *path, int *runs)
{
	struct dirent *entry;
	DIR *folder = opendir(path);
	int status = 0;

	if (!folder) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return 1;
	}
	while ((entry = readdir(folder))) {
		if (entry->d_name[0] == '.')
			continue;
		status |= run(path, entry->d_name);
		++*runs;
	}
	closedir(folder);
	return status;
}

int main(int argc, char **argv)
{
	int status = 0, runs = 0;

	if (argc < 2) {
		fprintf(stderr, "usage: %s FOLDER-OF-INPUTS...\n", argv[0]);
		return 2;
	}
	for (int i = 1; i < argc; i++)
		status |= run_folder(argv[i], &runs);
	printf("%d inputs\n", runs);
	return runs == 0 || status;
}
