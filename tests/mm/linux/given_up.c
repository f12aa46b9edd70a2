/* SPDX-License-Identifier: MIT */
/*
 * Does this kernel lose pages that a child gives up, and its parent needs? See doc/linux.md.
 *
 *     process 0   writes pages, and forks 1: both share them
 *     process 1   reads them by process_vm_readv: a pin for reading, which copies them for 1
 *                 forks 2: both share the copies
 *     process 2   MADV_FREE, and ends
 *     process 1   MADV_PAGEOUT: that may move the pages, and must not change what they hold
 *
 * Says how many pages process 1 has lost. Fails only if some are lost without the pin: then it is not this.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

/* So many that most of them leave the lists in which a CPU collects new pages, where MADV_FREE does not find them. */
enum { PAGES = 128, ADVICE_PAGEOUT = 21, FAILED = 200 };

/* Waits for the child @pid; returns what it exits with. */
static int result_of(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return FAILED;
	return WEXITSTATUS(status);
}

static int lost(const char *page, size_t bytes)
{
	int count = 0;

	for (unsigned i = 0; i < PAGES; i++)
		count += page[i * bytes] != 'X';
	return count;
}

/* Process 1. Returns the number of lost pages, or FAILED. */
static int share_and_look(char *page, size_t bytes, bool pins)
{
	char *copy = malloc(PAGES * bytes);
	const struct iovec to = { copy, PAGES * bytes }, from = { page, PAGES * bytes };
	pid_t child;

	if (!copy || (pins && process_vm_readv(getpid(), &to, 1, &from, 1, 0) < 0))
		return FAILED;
	child = fork();
	if (child == 0)
		_exit(madvise(page, PAGES * bytes, MADV_FREE) ? FAILED : 0);
	if (child < 0 || result_of(child) != 0 || madvise(page, PAGES * bytes, ADVICE_PAGEOUT))
		return FAILED;
	free(copy);
	return lost(page, bytes);
}

static int run(bool pins)
{
	const size_t bytes = (size_t)sysconf(_SC_PAGESIZE);
	char *page = mmap(NULL, PAGES * bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);
	pid_t child;
	int result;

	if (page == MAP_FAILED)
		return FAILED;
	(void)madvise(page, PAGES * bytes, MADV_NOHUGEPAGE);
	memset(page, 'X', PAGES * bytes);
	child = fork();
	if (child == 0)
		_exit(share_and_look(page, bytes, pins));
	result = child < 0 ? FAILED : result_of(child);
	munmap(page, PAGES * bytes);
	return result;
}

int main(void)
{
	const int without = run(false), with = run(true);

	if (without == FAILED || with == FAILED) {
		printf("this kernel does not permit one of the calls\n");
		return 77;
	}
	printf("of %d pages, this kernel loses %d; without the pin, %d\n", PAGES, with, without);
	return without != 0;
}
