/* SPDX-License-Identifier: MIT */
/*
 * Readers beside each other and beside a writer, for each back end of reclaim. One reader is measured, by
 * its own CPU time. The second reader, and the writer, run on another processor if there is one. So does a thread that
 * does nothing but what an ipi writer does to other processors: membarrier(2), as often as it.
 *
 *   level 0 table   | reader 0: 64 | - | reader 1: 64 | -      | writer: 256 pages   |
 *   the next table                  the writer's, too: made, filled, emptied, taken out, freed
 *
 * The entry that leads to that table is beside the one that each pin of a reader loads twice. So there is a writer whose
 * second table is far, too: it shares no cache line with a reader.
 */
#include "pin.h"

#include <inttypes.h>
#include <linux/membarrier.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "cases.h"
#include "report.h"
#include "sync/parts.h"

enum {
	OWN = 64, /* the pages of one reader */
	/*
	 * The distance between two readers' pages. Processors fetch cache lines ahead: a reader that goes
	 * through the folios before another reader's would take those lines away.
	 */
	APART = 128,
	CALL = 16, /* the pages of one pin */
	CALLS = 1 << 12, /* the calls in one run */
	TABLE = 512, /* the pages of one table */
	FAR = 32, /* entries of 8 bytes: more than a pair of cache lines */
	EDITS = 4, /* of the writer for each table that it takes out */
};

struct crowd {
	struct bench_pins pins;
	bool locked; /* all threads use pins.lock */
	bool with_reader;
	void *(*writer_is)(void *crowd); /* what the writer's thread does; NULL: there is none */
	pthread_t reader, writer;
	bool reader_runs, writer_runs, stop; /* atomic */
	cpu_set_t all, first, second;
	/* The work of the writers of all runs: [0] pagewalk's, [1] with the lock. */
	uint64_t edits[2], ns[2];
	uint64_t table_ns; /* how often pagewalk's last writer took out a table */
	uint64_t period; /* of be_interrupter: nanoseconds from one membarrier to the next */
};

static struct crowd *crowd_of(const struct bench_work *work)
{
	return work->own;
}

static void must(bool done, const char *what)
{
	if (done)
		return;
	fprintf(stderr, "bench: readers: %s\n", what);
	exit(1);
}

static uint64_t wall_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* ---- the threads' work ---- */

/* Pins the reader's pages and releases them. Returns the number of pages. */
static uint64_t pin_once(struct crowd *crowd, struct pw_reader *reader, unsigned who, unsigned turn)
{
	pw_va va = BENCH_PIN_VA + ((who * APART + turn * CALL % OWN) << 12);
	pw_pa page[CALL];
	size_t came;

	if (crowd->locked)
		came = bench_locked_pin(&crowd->pins, va, CALL, page, NULL);
	else
		came = (size_t)pw_pin_fast(reader, va, CALL, PW_PIN_WRITE, page, NULL);
	pw_unpin_pages(reader, page, came, PW_PIN_WRITE, false);
	return came;
}

static uint64_t pin_often(const struct bench_work *work)
{
	struct crowd *crowd = crowd_of(work);
	uint64_t came = 0;

	for (unsigned turn = 0; turn < CALLS; turn++)
		came += pin_once(crowd, crowd->pins.reader, 0, turn);
	return came;
}

static void *be_reader(void *argument)
{
	struct crowd *crowd = argument;
	struct pw_reader *reader;

	must(pw_reader_create(crowd->pins.space, &reader) == 0, "no second reader");
	for (unsigned turn = 0; !__atomic_load_n(&crowd->stop, __ATOMIC_RELAXED); turn++) {
		must(pin_once(crowd, reader, 1, turn) == CALL, "the second one missed pages");
		/* Stored only once, because it is beside data that the measured reader reads. */
		if (turn == 0)
			__atomic_store_n(&crowd->reader_runs, true, __ATOMIC_RELAXED);
	}
	pw_reader_destroy(reader);
	return NULL;
}

/* Maps or unmaps @pages from @va on, with frames that cannot be a large page. */
static void edit(struct crowd *crowd, bool map, pw_va va, uint64_t pages)
{
	const pw_va last = va + (pages << 12) - 1;
	int code;

	if (crowd->locked)
		pthread_rwlock_wrlock(&crowd->pins.lock);
	code = map ? pw_space_map(crowd->pins.space, va, last, UINT64_C(0x200000001000),
				  PW_READ | PW_USER, NULL)
		   : pw_space_unmap(crowd->pins.space, va, last, NULL, NULL, NULL);
	if (crowd->locked)
		pthread_rwlock_unlock(&crowd->pins.lock);
	must(code == 0, "the writer failed");
}

/* Edits pages beside those of the readers, and pages from @next on, with their table. */
static void *write_tables(struct crowd *crowd, const pw_va next)
{
	const pw_va beside = BENCH_PIN_VA + (256 << 12);
	uint64_t started = wall_ns(), edits = 0;

	while (!__atomic_load_n(&crowd->stop, __ATOMIC_RELAXED)) {
		edit(crowd, true, beside, 256);
		edit(crowd, true, next, TABLE);
		edit(crowd, false, beside, 256);
		edit(crowd, false, next, TABLE);
		if (edits == 0)
			__atomic_store_n(&crowd->writer_runs, true, __ATOMIC_RELAXED);
		edits += EDITS;
	}
	crowd->edits[crowd->locked] += edits;
	crowd->ns[crowd->locked] += wall_ns() - started;
	return NULL;
}

/* The entries that lead to its two tables are neighbours, in one cache line. */
static void *be_writer(void *argument)
{
	return write_tables(argument, BENCH_PIN_VA + (TABLE << 12));
}

/* The second of them is in a cache line that no reader reads. */
static void *be_far_writer(void *argument)
{
	return write_tables(argument, BENCH_PIN_VA + (FAR * TABLE << 12));
}

/* Touches nothing that a reader reads, and interrupts the processors that run threads of this process. */
static void *be_interrupter(void *argument)
{
	struct crowd *crowd = argument;
	uint64_t next = wall_ns();

	while (!__atomic_load_n(&crowd->stop, __ATOMIC_RELAXED)) {
		if (wall_ns() < next)
			continue;
		must(!syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0),
		     "membarrier failed");
		__atomic_store_n(&crowd->writer_runs, true, __ATOMIC_RELAXED);
		next += crowd->period;
	}
	return NULL;
}

/* ---- around a run ---- */

static void begin(struct crowd *crowd, bool locked, bool with_reader, void *(*writer)(void *))
{
	pthread_attr_t there;

	crowd->locked = locked;
	crowd->with_reader = with_reader;
	crowd->writer_is = writer;
	crowd->reader_runs = crowd->writer_runs = crowd->stop = false;
	pthread_attr_init(&there);
	pthread_attr_setaffinity_np(&there, sizeof(crowd->second), &crowd->second);
	if (with_reader)
		must(!pthread_create(&crowd->reader, &there, be_reader, crowd), "no thread");
	if (writer)
		must(!pthread_create(&crowd->writer, &there, writer, crowd), "no thread");
	pthread_attr_destroy(&there);
	while ((with_reader && !__atomic_load_n(&crowd->reader_runs, __ATOMIC_RELAXED)) ||
	       (writer && !__atomic_load_n(&crowd->writer_runs, __ATOMIC_RELAXED)))
		sched_yield();
}

static void end(const struct bench_work *work)
{
	struct crowd *crowd = crowd_of(work);
	const struct bench_pins *pins = &crowd->pins;

	__atomic_store_n(&crowd->stop, true, __ATOMIC_RELAXED);
	if (crowd->with_reader)
		pthread_join(crowd->reader, NULL);
	if (crowd->writer_is)
		pthread_join(crowd->writer, NULL);
	for (size_t i = 0; i < pins->folios; i++)
		must(pins->arena->frame[pins->frame[i]].counts == 1, "a count is not 1 again");
}

static void alone(const struct bench_work *work)
{
	begin(crowd_of(work), false, false, NULL);
}

static void with_reader(const struct bench_work *work)
{
	begin(crowd_of(work), false, true, NULL);
}

static void with_writer(const struct bench_work *work)
{
	begin(crowd_of(work), false, false, be_writer);
}

static void with_both(const struct bench_work *work)
{
	begin(crowd_of(work), false, true, be_writer);
}

static void with_far_writer(const struct bench_work *work)
{
	begin(crowd_of(work), false, false, be_far_writer);
}

static void with_interrupter(const struct bench_work *work)
{
	begin(crowd_of(work), false, false, be_interrupter);
}

static void with_reader_locked(const struct bench_work *work)
{
	begin(crowd_of(work), true, true, NULL);
}

static void with_writer_locked(const struct bench_work *work)
{
	begin(crowd_of(work), true, false, be_writer);
}

static void with_both_locked(const struct bench_work *work)
{
	begin(crowd_of(work), true, true, be_writer);
}

/* ---- cases ---- */

typedef void before_fn(const struct bench_work *work);

static void crowd_case(struct crowd *crowd, const char *what, const char *sync, before_fn *before,
		       before_fn *floor, before_fn *locked)
{
	static const struct bench_columns columns = {
		.title = "pin and unpin 16 pages",
		.floor = "without",
		.rival = { "rwlock" },
	};
	before_fn *const all[] = { before, floor, locked };
	static const char *const names[] = { "pagewalk", "floor", "rwlock" };
	char name[64];
	struct bench_case c = {
		.name = name,
		.unit = "page",
		.columns = &columns,
		.goal = 1 / 0.9,
		.units = (uint64_t)CALLS * CALL,
		.work = { .own = crowd },
	};

	snprintf(name, sizeof(name), "%s-%s", what, sync);
	for (unsigned i = 0; i < 3 && all[i]; i++) {
		struct bench_contender *contender = bench_case_add(&c, names[i], pin_often,
								   c.units);

		contender->before = all[i];
		contender->after = end;
	}
	for (unsigned i = 0; i < 2; i++)
		crowd->edits[i] = crowd->ns[i] = 0;
	bench_case_run(&c);
	if (crowd->edits[0] > 0)
		crowd->table_ns = EDITS * crowd->ns[0] / crowd->edits[0];
	if (crowd->edits[1] > 0)
		bench_report_writer(name, (double)crowd->ns[0] / (double)crowd->edits[0],
				    (double)crowd->ns[1] / (double)crowd->edits[1]);
}

/*
 * The measured reader beside membarrier(2) alone: as often as the writer of the case before executed it, and as often as that
 * writer took out a table, which is as often as it would without batches.
 */
static void interrupted_cases(struct crowd *crowd)
{
	crowd->period = crowd->table_ns * PW_IPI_BATCH;
	crowd_case(crowd, "1-reader+membarrier", "ipi", with_interrupter, alone, NULL);
	bench_report_period("1-reader+membarrier-ipi", (double)crowd->period);
	crowd->period = crowd->table_ns;
	crowd_case(crowd, "1-reader+membarrier-often", "ipi", with_interrupter, alone, NULL);
	bench_report_period("1-reader+membarrier-often-ipi", (double)crowd->period);
}

/* The first two processors that this process may use. False if there is only one. */
static bool find_processors(struct crowd *crowd)
{
	unsigned found = 0;

	CPU_ZERO(&crowd->first);
	CPU_ZERO(&crowd->second);
	if (sched_getaffinity(0, sizeof(crowd->all), &crowd->all))
		return false;
	for (unsigned cpu = 0; cpu < CPU_SETSIZE && found < 2; cpu++)
		if (CPU_ISSET(cpu, &crowd->all))
			CPU_SET(cpu, found++ ? &crowd->second : &crowd->first);
	return found == 2;
}

void bench_readers(void)
{
	static const struct {
		enum pw_sync_kind kind;
		const char *name;
	} sync[] = {
		{ PW_SYNC_RCU, "rcu" },
		{ PW_SYNC_IPI, "ipi" },
		{ PW_SYNC_RCU_WAIT, "rcu-wait" },
	};
	struct crowd crowd = { 0 };

	if (!find_processors(&crowd)) {
		printf("readers: not measured on a single processor\n");
		return;
	}
	sched_setaffinity(0, sizeof(crowd.first), &crowd.first);
	for (size_t i = 0; i < sizeof(sync) / sizeof(sync[0]); i++) {
		const char *name = sync[i].name;

		bench_pins_create(&crowd.pins, 0, (size_t)APART + OWN, CALL, sync[i].kind);
		crowd_case(&crowd, "2-readers", name, with_reader, alone, with_reader_locked);
		crowd_case(&crowd, "1-reader+writer", name, with_writer, alone, with_writer_locked);
		crowd_case(&crowd, "1-reader+far-writer", name, with_far_writer, alone, NULL);
		if (sync[i].kind == PW_SYNC_IPI)
			interrupted_cases(&crowd);
		crowd_case(&crowd, "2-readers+writer", name, with_both, with_reader,
			   with_both_locked);
		bench_pins_destroy(&crowd.pins);
	}
	sched_setaffinity(0, sizeof(crowd.all), &crowd.all);
}
