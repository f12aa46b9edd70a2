/* SPDX-License-Identifier: MIT */
/*
 * The host's side: children that make the calls of a script by real system calls, and files for them in
 * temporary memory and a temporary folder. Children see files that were opened before they were made.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "host.h"

/* After so long, who waits looks whether anybody is left. */
enum { PATIENCE_SECONDS = 10 };

struct host {
	struct host_process *process;
	int root;
	int file[MAX_FILES];
	uint64_t inode[MAX_FILES];
	int pagemap[MAX_PROCESSES];
	unsigned files;
	uint64_t page;
};

static long futex(const uint32_t *word, int operation, uint32_t value, const struct timespec *time)
{
	return syscall(SYS_futex, word, operation, value, time, NULL, 0);
}

/* The process that asks; its children inherit the number. */
static int asker;

void host_wait(const uint32_t *word, uint32_t old)
{
	const struct timespec patience = { .tv_sec = PATIENCE_SECONDS };

	/* Pairs with the release in host_wake. */
	while (__atomic_load_n(word, __ATOMIC_ACQUIRE) == old)
		if (futex(word, FUTEX_WAIT, old, &patience) != 0 && errno == ETIMEDOUT &&
		    kill(asker, 0) != 0)
			_exit(97);
}

void host_wake(uint32_t *word)
{
	__atomic_fetch_add(word, 1, __ATOMIC_RELEASE);
	futex(word, FUTEX_WAKE, 1, NULL);
}

/* Has a process left its address space after @milliseconds? -1: it is waited for. */
static bool is_dead(int pid, int milliseconds)
{
	struct pollfd dead = { .fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN };
	bool found;

	if (dead.fd < 0)
		return true;
	found = poll(&dead, 1, milliseconds) > 0;
	close(dead.fd);
	return found;
}

/* As host_wait, but false if the child dies instead. Whether it hangs, watch.c says. */
static bool answer_wait(const struct host_process *process, uint32_t old)
{
	const struct timespec second = { .tv_sec = 1 };

	while (__atomic_load_n(&process->answered, __ATOMIC_ACQUIRE) == old)
		if (futex(&process->answered, FUTEX_WAIT, old, &second) != 0 &&
		    errno == ETIMEDOUT && is_dead(process->pid, 0))
			return false;
	return true;
}

static void pagemap_open(struct host *host, unsigned process)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/%d/pagemap", host->process[process].pid);
	host->pagemap[process] = open(path, O_RDONLY | O_CLOEXEC);
}

static void host_call(struct side *side, const struct call *call, struct answer *answer)
{
	struct host *host = side->inside;
	struct host_process *process = &host->process[call->process];
	const uint32_t answered = process->answered;

	process->call = *call;
	if (call->kind == CALL_FORK) {
		struct host_process *child = &host->process[call->arg[0]];

		child->asked = child->answered = 0;
	}
	host_wake(&process->asked);
	if (call->kind == CALL_EXIT) {
		is_dead(process->pid, -1);
		close(host->pagemap[call->process]);
		host->pagemap[call->process] = -1;
		memset(answer, 0, offsetof(struct answer, va));
		return;
	}
	if (!answer_wait(process, answered)) {
		fprintf(stderr, "check-linux: a process of the host died in: ");
		call_print(call, stderr);
		fprintf(stderr, "\n");
		_exit(3);
	}
	memcpy(answer, &process->answer, sizeof *answer);
	if (call->kind == CALL_FORK && answer->result == 0)
		pagemap_open(host, (unsigned)call->arg[0]);
}

static void pagemap_look(const struct host *host, unsigned process, struct view *view)
{
	view->pages = 0;
	for (unsigned i = 0; i < view->vmas; i++) {
		const struct vma *vma = &view->vma[i];
		uint64_t count = (vma->end - vma->first) / host->page;
		long got;

		if (count > MAX_PAGES_OF_VMA)
			count = MAX_PAGES_OF_VMA;
		if (count > MAX_PAGES - view->pages)
			count = MAX_PAGES - view->pages;
		got = pread(host->pagemap[process], &view->pagemap[view->pages], count * 8,
			    (off_t)(vma->first / host->page * 8));
		for (long n = 0; n < got / 8; n++)
			view->va[view->pages++] = vma->first + (uint64_t)n * host->page;
	}
}

static void host_look(struct side *side, unsigned process, bool flags, struct view *view)
{
	const struct host *host = side->inside;
	char path[64];

	snprintf(path, sizeof path, "/proc/%d/%s", host->process[process].pid,
		 flags ? "smaps" : "maps");
	maps_read(path, host->inode, host->files, view);
	pagemap_look(host, process, view);
}

static void host_stop(struct side *side)
{
	struct host *host = side->inside;

	for (unsigned i = 0; i < MAX_PROCESSES; i++) {
		if (host->process[i].pid > 0)
			kill(host->process[i].pid, SIGKILL);
		if (host->pagemap[i] >= 0)
			close(host->pagemap[i]);
	}
	for (unsigned i = 0; i < host->files; i++)
		close(host->file[i]);
	munmap(host->process, MAX_PROCESSES * sizeof *host->process);
	free(host);
}

static int file_make(enum file_kind kind, uint64_t bytes)
{
	static const char template[] = "/tmp/check-linux-XXXXXX";
	char path[sizeof template];
	int fd;

	if (kind == FILE_SHMEM) {
		fd = memfd_create("check", 0);
	} else if (kind == FILE_HUGETLB) {
		fd = memfd_create("check", MFD_HUGETLB);
	} else {
		memcpy(path, template, sizeof path);
		fd = mkstemp(path);
		if (fd >= 0)
			unlink(path);
	}
	if (fd < 0 || ftruncate(fd, (off_t)bytes) != 0)
		return -1;
	return fd;
}

/* Content that tells pages apart. */
static bool file_fill(int fd, uint64_t bytes)
{
	static uint64_t content[8192];

	for (size_t i = 0; i < sizeof content / sizeof *content; i += 64)
		content[i] = i * UINT64_C(0x9e3779b97f4a7c15) | 1;
	if (bytes > sizeof content)
		bytes = sizeof content;
	return pwrite(fd, content, bytes, 0) == (ssize_t)bytes;
}

int check_file_open(enum file_kind kind, uint64_t bytes)
{
	const int fd = file_make(kind, bytes);

	if (fd >= 0 && kind == FILE_HOST && !file_fill(fd, bytes)) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Uses the stack that is needed later: then nothing below it is free. */
static __attribute__((noinline)) void stack_grow(void)
{
	volatile char deep[256 << 10];

	for (size_t i = 0; i < sizeof deep; i += 1024)
		deep[i] = 1;
}

static void child_main(struct host *host, const struct abilities *can)
{
	const struct rlimit no_core = { 0, 0 };

	stack_grow();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setrlimit(RLIMIT_CORE, &no_core);
	if (!reserve_all(can->task))
		_exit(98);
	process_main(host->process, host->file, 0);
}

bool host_start(struct side *side, const struct script *script, const struct abilities *can)
{
	struct host *host = calloc(1, sizeof *host);
	struct stat status;

	host->page = can->page;
	host->files = script->files;
	for (unsigned i = 0; i < script->files; i++) {
		host->file[i] = check_file_open(script->file[i].kind, script->file[i].bytes);
		if (host->file[i] < 0 || fstat(host->file[i], &status) != 0)
			return false;
		host->inode[i] = maps_inode(status.st_dev, status.st_ino);
	}
	for (unsigned i = 0; i < MAX_PROCESSES; i++)
		host->pagemap[i] = -1;
	host->process = mmap(NULL, MAX_PROCESSES * sizeof *host->process, PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	fflush(NULL);
	asker = getpid();
	host->root = fork();
	if (host->root == 0)
		child_main(host, can);
	host->process[0].pid = host->root;
	pagemap_open(host, 0);
	*side = (struct side){ .name = "host",
			       .inside = host,
			       .call = host_call,
			       .look = host_look,
			       .stop = host_stop };
	return host->root > 0 && host->pagemap[0] >= 0;
}
