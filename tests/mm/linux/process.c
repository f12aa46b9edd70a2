/* SPDX-License-Identifier: MIT */
/*
 * The host's side inside a child: it makes the calls that it is given, with the kernel's own numbers and no help
 * of the C library, and catches the signals of its loads and stores. It allocates nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "advice.h"
#include "host.h"

enum { COLLAPSE_TRIES = 500 };

static sigjmp_buf landing;
static volatile sig_atomic_t guarded;
static volatile int caught_signal, caught_code;
static volatile uint64_t caught_va;
static char signal_stack[64 << 10];
static unsigned char buffer[256 << 10];

static void on_fault(int signal, siginfo_t *info, void *context)
{
	(void)context;
	if (!guarded)
		_exit(99);
	guarded = 0;
	caught_signal = signal;
	caught_code = info->si_code;
	caught_va = (uint64_t)(uintptr_t)info->si_addr;
	siglongjmp(landing, 1);
}

static void catch_faults(void)
{
	const stack_t stack = { .ss_sp = signal_stack, .ss_size = sizeof signal_stack };
	struct sigaction action = { .sa_sigaction = on_fault,
				    .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER };

	sigaltstack(&stack, NULL);
	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
}

/* Loads or stores a word; false: a signal came instead. */
static bool load(uint64_t va, uint64_t *value_ret)
{
	if (sigsetjmp(landing, 0))
		return false;
	guarded = 1;
	*value_ret = *(volatile uint64_t *)(uintptr_t)va;
	guarded = 0;
	return true;
}

static bool store(uint64_t va, uint64_t value)
{
	if (sigsetjmp(landing, 0))
		return false;
	guarded = 1;
	*(volatile uint64_t *)(uintptr_t)va = value;
	guarded = 0;
	return true;
}

/* The content of a page, or why it cannot be read. */
static uint64_t page_digest(uint64_t va, size_t bytes)
{
	uint64_t digest;

	if (sigsetjmp(landing, 0))
		return digest_fault(caught_signal, caught_code);
	guarded = 1;
	digest = digest_bytes((const void *)(uintptr_t)va, bytes);
	guarded = 0;
	return digest;
}

static void fault_answer(struct answer *answer)
{
	answer->signal = caught_signal;
	answer->code = caught_code;
	answer->fault = caught_va;
}

static void digest_all(struct answer *answer)
{
	/* Not on the stack: it must not grow here. */
	static struct view view;
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	maps_read("/proc/self/maps", NULL, 0, &view);
	for (unsigned i = 0; i < view.vmas; i++) {
		uint64_t va = view.vma[i].first;

		for (unsigned n = 0;
		     va < view.vma[i].end && n < MAX_PAGES_OF_VMA && answer->pages < MAX_PAGES;
		     va += page, n++) {
			answer->va[answer->pages] = va;
			answer->page[answer->pages++] = page_digest(va, page);
		}
	}
}

static void pages_of(const struct call *call, struct answer *answer)
{
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	for (uint64_t i = 0; i < call->arg[1]; i++) {
		const uint64_t va = call->arg[0] + i * page;
		uint64_t value = 0;
		const bool done = call->kind == CALL_SCAN ? load(va, &value)
							  : store(va, call_stamp(call) + i);

		if (!done) {
			fault_answer(answer);
			return;
		}
		answer->value = answer->value * 31 + value;
		answer->result++;
	}
}

static void file_call(const struct call *call, const int *files, struct answer *answer)
{
	const int fd = files[call->arg[0]];
	const uint64_t *arg = call->arg;
	const size_t bytes = arg[2] < sizeof buffer ? arg[2] : sizeof buffer;

	switch (call->kind) {
	case CALL_TRUNCATE:
		answer->result = ftruncate(fd, (off_t)arg[1]);
		break;
	case CALL_PUNCH:
		answer->result = fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
					   (off_t)arg[1], (off_t)arg[2]);
		break;
	case CALL_PREAD:
		answer->result = pread(fd, buffer, bytes, (off_t)arg[1]);
		if (answer->result > 0)
			answer->value = digest_bytes(buffer, (size_t)answer->result);
		break;
	case CALL_PWRITE:
		for (size_t i = 0; i < bytes; i++)
			buffer[i] = (unsigned char)(call_stamp(call) + i * 7);
		answer->result = pwrite(fd, buffer, bytes, (off_t)arg[1]);
		break;
	default:
		answer->result = fsync(fd);
		break;
	}
}

/* May MADV_COLLAPSE have failed because of what others did at that moment? ENOMEM is also said of a range with holes. */
static bool failed_for_now(const uint64_t *arg)
{
	const int error = errno;
	const bool whole = syscall(SYS_mincore, arg[0], arg[1], buffer) == 0;

	errno = error;
	return error == EAGAIN || (error == ENOMEM && whole);
}

/*
 * Compaction, on behalf of anybody, holds pages for a moment, free ones, too. Then MADV_COLLAPSE fails, and its manual asks to
 * try again. No script makes it fail in this way for long.
 */
static long advise(const uint64_t *arg)
{
	const struct timespec moment = { .tv_nsec = 1000000 };
	long result = syscall(SYS_madvise, arg[0], arg[1], arg[2]);

	for (unsigned tries = 0; arg[2] == ADVICE_COLLAPSE && result != 0 && tries < COLLAPSE_TRIES;
	     tries++) {
		if (!failed_for_now(arg))
			break;
		syscall(SYS_nanosleep, &moment, NULL);
		result = syscall(SYS_madvise, arg[0], arg[1], arg[2]);
	}
	return result;
}

static long system_call(const struct call *call, const int *files, struct answer *answer)
{
	const uint64_t *arg = call->arg;
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	long result;

	switch (call->kind) {
	case CALL_MMAP:
		return syscall(SYS_mmap, arg[0], arg[1], arg[2], arg[3],
			       arg[4] == NO_FILE ? -1 : files[arg[4]], arg[5]);
	case CALL_MUNMAP:
		return syscall(SYS_munmap, arg[0], arg[1]);
	case CALL_MPROTECT:
		return syscall(SYS_mprotect, arg[0], arg[1], arg[2]);
	case CALL_MREMAP:
		return syscall(SYS_mremap, arg[0], arg[1], arg[2], arg[3], arg[4]);
	case CALL_MADVISE:
		return advise(arg);
	case CALL_MLOCK:
		return syscall(SYS_mlock, arg[0], arg[1]);
	case CALL_MLOCK2:
		return syscall(SYS_mlock2, arg[0], arg[1], arg[2]);
	case CALL_MUNLOCK:
		return syscall(SYS_munlock, arg[0], arg[1]);
	case CALL_MLOCKALL:
		return syscall(SYS_mlockall, arg[0]);
	case CALL_MUNLOCKALL:
		return syscall(SYS_munlockall);
	case CALL_MSYNC:
		return syscall(SYS_msync, arg[0], arg[1], arg[2]);
	default: /* mincore */
		result = syscall(SYS_mincore, arg[0], arg[1], buffer);
		for (uint64_t i = 0; result == 0 && i < (arg[1] + page - 1) / page; i++) {
			answer->va[i] = arg[0] + i * page;
			answer->page[i] = buffer[i];
			answer->pages++;
		}
		return result;
	}
}

/* What was written until now is forgotten. Returns 0, or -1 and errno. */
static int clear_refs(void)
{
	const int fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
	ssize_t done;
	int error;

	if (fd < 0)
		return -1;
	done = write(fd, "4", 1);
	error = errno;
	close(fd);
	errno = error;
	return done == 1 ? 0 : -1;
}

static void make_call(const struct call *call, const int *files, struct answer *answer)
{
	answer->result = 0;
	answer->signal = answer->code = 0;
	answer->fault = answer->value = 0;
	answer->pages = 0;
	errno = 0;
	switch (call->kind) {
	case CALL_READ:
		if (!load(call->arg[0], &answer->value))
			fault_answer(answer);
		break;
	case CALL_WRITE:
		if (!store(call->arg[0], call_stamp(call)))
			fault_answer(answer);
		break;
	case CALL_SCAN:
	case CALL_FILL:
		pages_of(call, answer);
		break;
	case CALL_DIGEST:
		digest_all(answer);
		break;
	case CALL_TRUNCATE:
	case CALL_PUNCH:
	case CALL_PREAD:
	case CALL_PWRITE:
	case CALL_FSYNC:
		file_call(call, files, answer);
		break;
	case CALL_CLEAR_REFS:
		answer->result = clear_refs();
		break;
	default:
		answer->result = system_call(call, files, answer);
		break;
	}
	if (answer->result == -1)
		answer->result = -errno;
}

void process_main(struct host_process *processes, const int *file, unsigned self)
{
	uint32_t asked = 0;

	catch_faults();
	for (;;) {
		struct host_process *me = &processes[self];

		host_wait(&me->asked, asked);
		asked++;
		if (me->call.kind == CALL_EXIT)
			_exit(0);
		if (me->call.kind == CALL_FORK) {
			const unsigned number = (unsigned)me->call.arg[0];
			const int pid = (int)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);

			if (pid == 0) {
				self = number;
				asked = 0;
				continue;
			}
			me->answer = (struct answer){ .result = pid > 0 ? 0 : -errno };
			processes[number].pid = pid;
		} else {
			make_call(&me->call, file, &me->answer);
		}
		host_wake(&me->answered);
	}
}
