/* SPDX-License-Identifier: MIT */
/*
 * Copies a file into the memory of a PCI device, where the host finds it: xen_copy MEMORY OFFSET FILE. MEMORY is the
 * device's resource file in /sys. Says "@F OFFSET BYTES".
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int fail(const char *what)
{
	printf("@E %s: ", what);
	fflush(stdout);
	perror(NULL);
	return 1;
}

int main(int argc, char **argv)
{
	struct stat status;
	size_t offset, done = 0;
	ssize_t count = 1;
	char *there;
	int memory, file;

	if (argc != 4)
		return 2;
	offset = strtoull(argv[2], NULL, 0);
	memory = open(argv[1], O_RDWR);
	file = open(argv[3], O_RDONLY);
	if (file < 0 || fstat(file, &status) || status.st_size == 0)
		return fail(argv[3]);
	there = mmap(NULL, (size_t)status.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, memory,
		     (off_t)offset);
	if (there == MAP_FAILED)
		return fail(argv[1]);
	while (done < (size_t)status.st_size && count > 0) {
		count = read(file, there + done, (size_t)status.st_size - done);
		done += count > 0 ? (size_t)count : 0;
	}
	if (done != (size_t)status.st_size)
		return fail(argv[3]);
	printf("@F %zu %zu\n", offset, done);
	return 0;
}
