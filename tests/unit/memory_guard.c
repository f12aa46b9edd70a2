/* SPDX-License-Identifier: MIT */
/*
 * A file that shrinks while it is mapped gives an error, not SIGBUS. Every other SIGBUS goes to the
 * program's own handler.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

#include "memory_build.h"

enum { PAGES = 64 };
static size_t page;

static void build_file(char path[64], int *file_ret)
{
	unsigned char *bytes = malloc(PAGES * page);

	assert_non_null(bytes);
	for (size_t i = 0; i < PAGES * page; i++)
		bytes[i] = pattern(i);
	*file_ret = file_of(bytes, PAGES * page, path);
	free(bytes);
}

static struct pw_memory *open_raw(const char *path)
{
	struct pw_memory *memory;
	struct pw_error error;
	char source[80];

	snprintf(source, sizeof(source), "raw:%s@0", path);
	if (pw_memory_open(source, &memory, &error))
		fail_msg("%s", error.text);
	return memory;
}

static void shrinking_file_is_an_error(void **state)
{
	const struct pw_segment *segments;
	struct pw_memory *memory, *other;
	struct pw_error error;
	unsigned char bytes[16];
	char path[64], kept[64];
	int file, kept_file;

	(void)state;
	build_file(path, &file);
	build_file(kept, &kept_file);
	memory = open_raw(path);
	other = open_raw(kept);
	assert_int_equal(pw_memory_read(memory, 10 * page, bytes, sizeof(bytes)), 0);
	assert_int_equal(pw_memory_check(memory, &error), 0);
	assert_int_equal(ftruncate(file, (off_t)(3 * page)), 0);
	assert_int_equal(pw_memory_read(memory, 10 * page, bytes, sizeof(bytes)), -EIO);
	/* A walker, which loads in place, goes on with zeros. */
	pw_memory_segments(memory, &segments);
	for (size_t i = 3; i < PAGES; i++)
		assert_int_equal(((const volatile unsigned char *)segments[0].host)[i * page + 5],
				 0);
	assert_int_equal(pw_memory_check(memory, &error), -EIO);
	assert_says(error.text, path);
	assert_says(error.text, "shorter");
	/* The error stays, because nobody knows what the file held in between. */
	assert_int_equal(ftruncate(file, (off_t)(PAGES * page)), 0);
	assert_int_equal(pw_memory_check(memory, NULL), -EIO);
	assert_int_equal(pw_memory_read(memory, 0, bytes, sizeof(bytes)), -EIO);
	/* The other file is not affected. */
	assert_int_equal(pw_memory_check(other, &error), 0);
	assert_pattern(other, 9 * page, 9 * page + 99);
	pw_memory_close(memory);
	assert_pattern(other, 9 * page, 9 * page + 99);
	pw_memory_close(other);
	close(file);
	close(kept_file);
}

/* No signal comes if the end moves within a page. */
static void shrinking_within_a_page_is_an_error(void **state)
{
	struct pw_memory *memory;
	struct pw_error error;
	unsigned char bytes[16];
	char path[64];
	int file;

	(void)state;
	build_file(path, &file);
	memory = open_raw(path);
	assert_int_equal(ftruncate(file, (off_t)(PAGES * page - 100)), 0);
	assert_int_equal(pw_memory_read(memory, PAGES * page - 50, bytes, 16), -EIO);
	assert_int_equal(pw_memory_check(memory, &error), -EIO);
	pw_memory_close(memory);
	close(file);
}

static void *load_everything(void *argument)
{
	const struct pw_memory *memory = argument;
	const struct pw_segment *segments;
	size_t sum = 0;

	pw_memory_segments(memory, &segments);
	for (size_t turn = 0; turn < 20; turn++)
		for (size_t i = PAGES; i-- > 0;)
			sum += ((const volatile unsigned char *)segments[0].host)[i * page];
	return (void *)sum;
}

/* Several threads read the missing pages while mappings come and go. */
static void shrinking_under_threads(void **state)
{
	enum { THREADS = 8 };

	(void)state;
	for (unsigned turn = 0; turn < 20; turn++) {
		pthread_t threads[THREADS];
		struct pw_memory *memory;
		char path[64];
		int file;

		build_file(path, &file);
		memory = open_raw(path);
		for (unsigned i = 0; i < THREADS; i++)
			assert_int_equal(pthread_create(&threads[i], NULL, load_everything, memory),
					 0);
		assert_int_equal(ftruncate(file, (off_t)page), 0);
		for (unsigned i = 0; i < 20; i++) {
			char other_path[64];
			int other;

			build_file(other_path, &other);
			pw_memory_close(open_raw(other_path));
			close(other);
		}
		for (unsigned i = 0; i < THREADS; i++)
			pthread_join(threads[i], NULL);
		assert_int_equal(pw_memory_check(memory, NULL), -EIO);
		pw_memory_close(memory);
		close(file);
	}
}

static sigjmp_buf back;
static volatile sig_atomic_t caught;

static void on_signal(int number)
{
	caught = number;
	siglongjmp(back, 1);
}

static void on_signal_only(int number)
{
	caught = number;
}

/* A mapping beyond the end of its file; a load from it raises SIGBUS. */
static volatile unsigned char *broken_mapping(void)
{
	int file = memfd_create("broken", 0);
	void *host = mmap(NULL, page, PROT_READ, MAP_SHARED, file, 0);

	close(file);
	assert_true(host != MAP_FAILED);
	return host;
}

static void signals_of_others_are_passed_on(void **state)
{
	struct sigaction theirs = { .sa_handler = on_signal }, before, now;
	volatile unsigned char *broken = broken_mapping();
	struct pw_memory *memory;
	char path[64];
	int file;

	(void)state;
	assert_int_equal(sigaction(SIGBUS, &theirs, &before), 0);
	build_file(path, &file);
	memory = open_raw(path);
	caught = 0;
	if (sigsetjmp(back, 1) == 0)
		(void)*broken;
	assert_int_equal(caught, SIGBUS);
	/* Signals that no load raised are passed on, too. */
	theirs.sa_handler = on_signal_only;
	pw_memory_close(memory);
	assert_int_equal(sigaction(SIGBUS, NULL, &now), 0);
	assert_ptr_equal(now.sa_handler, on_signal); /* as before */
	assert_int_equal(sigaction(SIGBUS, &theirs, NULL), 0);
	memory = open_raw(path);
	caught = 0;
	raise(SIGBUS);
	assert_int_equal(caught, SIGBUS);
	/* The library leaves a handler that was installed over its own. */
	assert_int_equal(sigaction(SIGBUS, &theirs, &now), 0);
	assert_ptr_not_equal(now.sa_handler, on_signal_only);
	pw_memory_close(memory);
	assert_int_equal(sigaction(SIGBUS, &now, &theirs), 0);
	assert_ptr_equal(theirs.sa_handler, on_signal_only);
	/* When the library's handler is on top again, the next close removes it. */
	pw_memory_close(open_raw(path));
	assert_int_equal(sigaction(SIGBUS, NULL, &now), 0);
	assert_ptr_equal(now.sa_handler, on_signal_only);
	assert_int_equal(sigaction(SIGBUS, &before, NULL), 0);
	munmap((void *)broken, page);
	close(file);
}

/* In a child without a handler of SIGBUS, or that ignores it: the signal that kills the child, or 0. */
static int death(void (*disposition)(int), bool by_load)
{
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		volatile unsigned char *broken = broken_mapping();
		char path[64];
		int file;

		signal(SIGBUS, disposition);
		build_file(path, &file);
		open_raw(path);
		alarm(20);
		if (by_load)
			(void)*broken;
		else
			raise(SIGBUS);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void others_die_as_before(void **state)
{
	(void)state;
	assert_int_equal(death(SIG_DFL, true), SIGBUS);
	assert_int_equal(death(SIG_DFL, false), SIGBUS);
	assert_int_equal(death(SIG_IGN, true), SIGBUS);
	assert_int_equal(death(SIG_IGN, false), 0);
}

static void *volatile fault;

static void on_fault(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)context;
	fault = info->si_addr;
	siglongjmp(back, 1);
}

/*
 * Does SIGBUS report the address of the load? It does on every machine. User-mode QEMU (7.2) reports an
 * address of its own, or none, and then this test is not possible.
 */
static bool faults_tell_their_address(void)
{
	struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO }, before;
	volatile unsigned char *broken = broken_mapping();

	sigaction(SIGBUS, &action, &before);
	if (sigsetjmp(back, 1) == 0)
		(void)*broken;
	sigaction(SIGBUS, &before, NULL);
	munmap((void *)broken, page);
	return fault == (const void *)broken;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shrinking_file_is_an_error),
		cmocka_unit_test(shrinking_within_a_page_is_an_error),
		cmocka_unit_test(shrinking_under_threads),
		cmocka_unit_test(signals_of_others_are_passed_on),
		cmocka_unit_test(others_die_as_before),
	};

	page = (size_t)sysconf(_SC_PAGESIZE);
	if (!faults_tell_their_address()) {
		puts("skipped: SIGBUS does not tell the address here");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
