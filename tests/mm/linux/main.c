/* SPDX-License-Identifier: MIT */
/*
 * check-linux: the same random scripts of memory calls on the host's kernel and on a pagewalk machine.
 *
 *   check-linux [--scripts N] [--seed N] [--jobs N]
 *   check-linux --script FILE        runs one script from a file
 *   check-linux --only N             runs (and shrinks) script N of the seed; with --print it is only printed
 *   check-linux --self-test[=N]      mistakes that are made on purpose are found, and none is seen without;
 *                                    or only that mistake N (from 0) is found: all of them take minutes
 *   check-linux --sound              the host against the host: how much its answers vary
 *   --no-shrink                      prints differing scripts as they are
 *
 * Exit code: 0 no difference, 1 differences, 2 wrong usage, 77 the host cannot be used.
 */
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

enum { KINDS_MOST = 256, SHRUNK_SCRIPTS_MOST = 1, CANNOT = 77 };

struct options {
	uint64_t scripts, seed, only;
	unsigned jobs;
	bool one, print, no_shrink, self_test;
	int mistake; /* --self-test=N, else -1 */
	const char *file;
	struct pairing pairing;
};

/* Differences that look alike: only the first of them is shrunk and printed. */
struct alike {
	uint64_t signature, count, script;
	char name[80];
};

struct total {
	uint64_t next, done, steps, again, differences, accepted[ACCEPTED_MOST];
	uint32_t lock;
	unsigned kinds;
	struct alike alike[KINDS_MOST];
};

/* ---- differences ---- */

/* One process at a time prints; the wait is short and rare. */
static void total_lock(struct total *total)
{
	while (__atomic_exchange_n(&total->lock, 1, __ATOMIC_ACQUIRE))
		usleep(1000);
}

static void total_unlock(struct total *total)
{
	__atomic_store_n(&total->lock, 0, __ATOMIC_RELEASE);
}

static struct alike difference_count(struct total *total, const struct difference *d,
				     uint64_t script)
{
	const unsigned kind = d->call.kind;
	struct alike found = { .script = script };
	unsigned i = 0;

	snprintf(found.name, sizeof found.name, "%s in %s", DIFFERENCE_NAME[d->kind],
		 CALL_INFO[kind].name);
	if (kind == CALL_MADVISE)
		snprintf(found.name + strlen(found.name), sizeof found.name - strlen(found.name),
			 " %" PRIu64, d->call.arg[2]);
	if (d->kind == DIFFERENT_RESULT && (int64_t)d->host <= 0 && (int64_t)d->model <= 0)
		snprintf(found.name + strlen(found.name), sizeof found.name - strlen(found.name),
			 ": %" PRId64 " %" PRId64, (int64_t)d->host, (int64_t)d->model);
	if (d->kind == DIFFERENT_PAGEMAP)
		snprintf(found.name + strlen(found.name), sizeof found.name - strlen(found.name),
			 ": %" PRIx64 " %" PRIx64 " file %d", d->host >> 56, d->model >> 56,
			 d->vma.file);
	total_lock(total);
	while (i < total->kinds && strcmp(total->alike[i].name, found.name) != 0)
		i++;
	if (i < KINDS_MOST) {
		if (i == total->kinds)
			total->alike[total->kinds++] = found;
		total->alike[i].count++;
		found = total->alike[i];
	}
	total_unlock(total);
	return found;
}

static void difference_print(const struct options *options, const struct script *script,
			     const struct verdict *verdict, uint64_t number)
{
	char *text;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);

	fprintf(out, "---- script %" PRIu64 " of seed %" PRIu64 ": %s differs in call %u\n", number,
		options->seed, DIFFERENCE_NAME[verdict->difference.kind],
		verdict->difference.step + 1);
	script_print(script, out);
	fprintf(out, "  %s\n\n", verdict->difference.text);
	fclose(out);
	fwrite(text, 1, bytes, stdout);
	fflush(stdout);
	free(text);
}

static void script_check(const struct options *options, struct total *total, uint64_t number)
{
	static struct script script;
	static struct verdict verdict;
	uint64_t seed = options->seed * UINT64_C(0x100000001b3) + number;
	struct alike alike;

	script_generate(&script, random_next(&seed), &options->pairing.can);
	script_run(&script, &options->pairing, &verdict);
	__atomic_fetch_add(&total->steps, verdict.steps, __ATOMIC_RELAXED);
	__atomic_fetch_add(&total->again, verdict.again, __ATOMIC_RELAXED);
	for (unsigned i = 0; i < ACCEPTED_MOST; i++)
		__atomic_fetch_add(&total->accepted[i], verdict.accepted[i], __ATOMIC_RELAXED);
	__atomic_fetch_add(&total->done, 1, __ATOMIC_RELAXED);
	if (verdict.difference.kind == SAME)
		return;
	__atomic_fetch_add(&total->differences, 1, __ATOMIC_RELAXED);
	alike = difference_count(total, &verdict.difference, number);
	if (alike.count > SHRUNK_SCRIPTS_MOST)
		return;
	if (!options->no_shrink)
		script_shrink(&script, &options->pairing, &verdict);
	difference_print(options, &script, &verdict, number);
}

/* ---- runs ---- */

static void worker(const struct options *options, struct total *total, unsigned number)
{
	cpu_set_t all, one;
	unsigned skip = number;

	/* Both sides of a script share a CPU, so that the kernel's lists of a CPU hold all of its pages. */
	sched_getaffinity(0, sizeof all, &all);
	CPU_ZERO(&one);
	skip %= (unsigned)CPU_COUNT(&all);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (CPU_ISSET((size_t)cpu, &all) && skip-- == 0) {
			CPU_SET((size_t)cpu, &one);
			sched_setaffinity(0, sizeof one, &one);
			break;
		}
	}
	for (;;) {
		const uint64_t next = __atomic_fetch_add(&total->next, 1, __ATOMIC_RELAXED);

		if (next >= options->scripts)
			return;
		script_check(options, total, next);
	}
}

static struct total *run_all(const struct options *options)
{
	struct total *total = mmap(NULL, sizeof *total, PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	fflush(NULL);
	for (unsigned i = 0; i < options->jobs; i++) {
		if (fork() == 0) {
			worker(options, total, i);
			fflush(NULL);
			_exit(0);
		}
	}
	while (wait(NULL) > 0) {
	}
	return total;
}

static void abilities_print(const struct abilities *can)
{
	printf("swap: %s\n", can->swap ? "compared" : "the host has none, so pages stay in memory");
	if (can->lock_limited)
		printf("locked memory: up to %" PRIu64 " bytes, as the caller may\n",
		       can->lock_bytes);
	printf("soft-dirty bits: %s\n",
	       can->soft_dirty ? "compared" : "the host's kernel has none");
	printf("hugetlb: %s\n", can->hugetlb ? "compared" : "the host has no such pages");
}

static int check(const struct options *options)
{
	const struct total *total = run_all(options);

	for (unsigned i = 0; i < total->kinds; i++)
		printf("%6" PRIu64 " times: %s (first in script %" PRIu64 ")\n",
		       total->alike[i].count, total->alike[i].name, total->alike[i].script);
	for (unsigned i = 0; ACCEPTED[i].name; i++)
		if (total->accepted[i])
			printf("accepted %" PRIu64 " times: %s: %s\n", total->accepted[i],
			       ACCEPTED[i].name, ACCEPTED[i].reason);
	if (total->again)
		printf("run again %" PRIu64
		       " times: the host was short of huge pages, or compacted memory\n",
		       total->again);
	abilities_print(&options->pairing.can);
	printf("%" PRIu64 " calls were made and compared\n", total->steps);
	printf("%" PRIu64 " scripts, %" PRIu64 " differences\n", total->done, total->differences);
	return total->differences || total->done < options->scripts ? 1 : 0;
}

/* ---- one script ---- */

static int check_file(const struct options *options)
{
	static struct script script;
	static struct verdict verdict;
	const char *why = NULL;
	FILE *in = strcmp(options->file, "-") == 0 ? stdin : fopen(options->file, "r");
	unsigned line;

	if (!in) {
		fprintf(stderr, "check-linux: cannot open '%s': give the name of a script\n",
			options->file);
		return 2;
	}
	line = script_parse(in, &script, &why);
	if (line) {
		fprintf(stderr, "check-linux: %s, line %u: %s\n", options->file, line, why);
		return 2;
	}
	for (unsigned i = 0; i < script.calls; i++) {
		if (!call_is_safe(&script.call[i], &options->pairing.can)) {
			fprintf(stderr,
				"check-linux: call %u may reach beyond the window: ", i + 1);
			call_print(&script.call[i], stderr);
			fprintf(stderr, "\n");
			return 2;
		}
	}
	script_run(&script, &options->pairing, &verdict);
	if (verdict.difference.kind != SAME)
		difference_print(options, &script, &verdict, 0);
	printf("1 scripts, %d differences\n", verdict.difference.kind != SAME);
	return verdict.difference.kind != SAME;
}

static int check_one(const struct options *options)
{
	static struct script script;
	static struct total total;
	uint64_t seed = options->seed * UINT64_C(0x100000001b3) + options->only;

	if (options->print) {
		script_generate(&script, random_next(&seed), &options->pairing.can);
		script_print(&script, stdout);
		return 0;
	}
	script_check(options, &total, options->only);
	printf("1 scripts, %" PRIu64 " differences\n", total.differences);
	return total.differences != 0;
}

/* ---- the test of the test ---- */

/* A mistake must be found in at most this many scripts, and be shown by this many calls. */
enum { SCRIPTS_TO_FIND = 2000, CALLS_TO_SHOW = 8, SCRIPTS_SOUND = 60 };

static bool mistake_is_found(const struct options *options, unsigned which)
{
	static struct script script;
	static struct verdict verdict;
	struct pairing pairing = options->pairing;
	uint64_t state = options->seed;

	pairing.broken = (int)which;
	for (unsigned i = 0; i < SCRIPTS_TO_FIND; i++) {
		script_generate(&script, random_next(&state), &pairing.can);
		script_run(&script, &pairing, &verdict);
		if (verdict.difference.kind == SAME)
			continue;
		script_shrink(&script, &pairing, &verdict);
		printf("\"%s\": script %u, %u calls\n", broken_name(which), i + 1, script.calls);
		if (script.calls <= CALLS_TO_SHOW && verdict.difference.kind != NOT_RUN)
			return true;
		script_print(&script, stdout);
		printf("  %s\n", verdict.difference.text);
		return false;
	}
	printf("\"%s\" is not found\n", broken_name(which));
	return false;
}

static int self_test(const struct options *options)
{
	struct options sound = *options;
	const struct total *total;
	unsigned missed = 0;

	if (options->mistake >= 0) {
		if ((unsigned)options->mistake >= broken_count()) {
			fprintf(stderr, "check-linux: there are mistakes 0 to %u\n",
				broken_count() - 1);
			return 2;
		}
		return !mistake_is_found(options, (unsigned)options->mistake);
	}
	for (unsigned i = 0; i < broken_count(); i++)
		missed += !mistake_is_found(options, i);
	sound.pairing.broken = -2;
	sound.scripts = SCRIPTS_SOUND;
	total = run_all(&sound);
	printf("%u mistakes, %u missed; %" PRIu64 " differences without any\n", broken_count(),
	       missed, total->differences);
	return missed || total->differences ? 1 : 0;
}

/* ---- options ---- */

/* The word of pagemap for @memory, or 0. */
static uint64_t pagemap_word(const void *memory, uint64_t page)
{
	const int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t word = 0;

	if (pread(fd, &word, sizeof word, (off_t)((uintptr_t)memory / page * 8)) < 0)
		word = 0;
	close(fd);
	return word;
}

/* Do read faults on anonymous memory map a page that is not exclusive? */
static bool has_zero_page(uint64_t page)
{
	void *memory = mmap(NULL, page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t word = 0;

	if (memory != MAP_FAILED && *(volatile char *)memory == 0)
		word = pagemap_word(memory, page);
	munmap(memory, page);
	return !(word & PAGE_EXCLUSIVE);
}

/* What happens to a page that was written to: does it go to swap, and does the kernel know that it is soft-dirty? */
static void written_page(struct abilities *can)
{
	char *memory = mmap(NULL, can->page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			    -1, 0);

	if (memory == MAP_FAILED)
		return;
	*(volatile char *)memory = 1;
	can->soft_dirty = pagemap_word(memory, can->page) & PAGE_SOFT_DIRTY;
	can->swap = madvise(memory, can->page, MADV_PAGEOUT) == 0 &&
		    pagemap_word(memory, can->page) & PAGE_SWAPPED;
	munmap(memory, can->page);
}

/* How much may be locked? A limit of 0 does not hinder those who may lock any amount (CAP_IPC_LOCK). */
static void lock_limit(struct abilities *can)
{
	void *memory = mmap(NULL, can->page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct rlimit limit, none;

	if (memory == MAP_FAILED || getrlimit(RLIMIT_MEMLOCK, &limit) != 0)
		return;
	none = limit;
	none.rlim_cur = 0;
	can->lock_bytes = limit.rlim_cur;
	can->lock_limited = limit.rlim_cur != RLIM_INFINITY &&
			    setrlimit(RLIMIT_MEMLOCK, &none) == 0 && mlock(memory, can->page) != 0;
	setrlimit(RLIMIT_MEMLOCK, &limit);
	munmap(memory, can->page);
}

/* The version of the kernel, as pagewalk's machines know it; 0 if it is not understood. */
static uint16_t kernel_version(void)
{
	struct utsname name;
	unsigned major, minor;

	if (uname(&name) != 0 || sscanf(name.release, "%u.%u", &major, &minor) != 2)
		return 0;
	return (uint16_t)(major << 8 | (minor & 0xff));
}

static void abilities_find(struct abilities *can)
{
	const int huge = check_file_open(FILE_HUGETLB, UINT64_C(2) << 20);
	void *page = MAP_FAILED;

	can->kernel = kernel_version();
	can->page = (uint64_t)sysconf(_SC_PAGESIZE);
	can->task = (UINT64_C(1) << 47) - 4096;
	can->zero_page = has_zero_page(can->page);
	lock_limit(can);
	written_page(can);
	if (huge >= 0) {
		page = mmap(NULL, UINT64_C(2) << 20, PROT_READ, MAP_SHARED, huge, 0);
		close(huge);
	}
	can->hugetlb = page != MAP_FAILED;
	if (can->hugetlb)
		munmap(page, UINT64_C(2) << 20);
}

static uint64_t number(const char *text)
{
	char *rest;
	const uint64_t value = strtoull(text, &rest, 0);

	if (*rest || rest == text) {
		fprintf(stderr, "check-linux: '%s' is not a number\n", text);
		exit(2);
	}
	return value;
}

static void options_parse(int argc, char **argv, struct options *options)
{
	static const struct option LONG[] = {
		{ "scripts", required_argument, NULL, 'n' },
		{ "seed", required_argument, NULL, 's' },
		{ "jobs", required_argument, NULL, 'j' },
		{ "script", required_argument, NULL, 'f' },
		{ "only", required_argument, NULL, 'o' },
		{ "print", no_argument, NULL, 'p' },
		{ "self-test", optional_argument, NULL, 't' },
		{ "sound", no_argument, NULL, 'h' },
		{ "no-shrink", no_argument, NULL, 'k' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "", LONG, NULL)) != -1) {
		if (option == 'n')
			options->scripts = number(optarg);
		else if (option == 's')
			options->seed = number(optarg);
		else if (option == 'j')
			options->jobs = (unsigned)number(optarg);
		else if (option == 'f')
			options->file = optarg;
		else if (option == 'p')
			options->print = true;
		else if (option == 't')
			options->self_test = true;
		else if (option == 'h')
			options->pairing.broken = -2;
		else if (option == 'k')
			options->no_shrink = true;
		else if (option != 'o')
			exit(2);
		if (option == 'o') {
			options->only = number(optarg);
			options->one = true;
		}
		if (option == 't')
			options->mistake = optarg ? (int)number(optarg) : -1;
	}
}

int main(int argc, char **argv)
{
	struct options options = { .scripts = 1000, .seed = 1, .pairing.broken = -1 };
	cpu_set_t all;

	sched_getaffinity(0, sizeof all, &all);
	options.jobs = (unsigned)CPU_COUNT(&all);
	setvbuf(stdout, NULL, _IOLBF, 0);
	options_parse(argc, argv, &options);
	abilities_find(&options.pairing.can);
	if (options.file)
		return check_file(&options);
	if (options.one)
		return check_one(&options);
	if (options.self_test)
		return self_test(&options);
	return check(&options);
}
