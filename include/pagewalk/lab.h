/* SPDX-License-Identifier: MIT */
/*
 * The laboratory: it runs C code with threads under every interleaving, and proves that nothing fails, or
 * shows the shortest schedule in which something does. The code uses C11 or GNU atomics, and mutexes.
 *
 *     #include <pagewalk/lab.h>
 *
 *     static int x, y, seen_x, seen_y;
 *     static void left(void)  { __atomic_store_n(&x, 1, __ATOMIC_RELEASE);
 *                               seen_y = __atomic_load_n(&y, __ATOMIC_ACQUIRE); }
 *     static void right(void) { __atomic_store_n(&y, 1, __ATOMIC_RELEASE);
 *                               seen_x = __atomic_load_n(&x, __ATOMIC_ACQUIRE); }
 *     static void check(void) { pw_lab_check(seen_x || seen_y, "both missed the other's store"); }
 *
 *     static const struct pw_lab_scenario scenario = {
 *             .name = "store-buffer", .thread = { { "left", left }, { "right", right } }, .check = check,
 *     };
 *     int main(int argc, char **argv) { return pw_lab_main(argc, argv, &scenario, 1); }
 *
 * Compile and link it in two steps:
 *
 *     cc -c sb.c $(pkg-config --cflags pagewalk-lab)
 *     cc sb.o -o sb $(pkg-config --libs pagewalk-lab)
 *
 * The first flags compile each access into a call-out. They must not be there when the program is linked: the
 * compiler would add the sanitizer's own library, and the laboratory takes its place.
 *
 * What it checks by itself: deadlock, no progress, use of freed memory, double free, data races of plain
 * accesses. What it does not model: see pagewalk-lab(7).
 */
#ifndef PAGEWALK_LAB_H
#define PAGEWALK_LAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { PW_LAB_THREADS = 8 };

/* Which reorderings the processor may do. */
enum pw_lab_model {
	PW_LAB_SC, /* none: sequential consistency */
	PW_LAB_TSO, /* a store may be late, behind later loads of its thread: x86, s390x, sparc */
	PW_LAB_WEAK, /* a load may return an older value: arm, riscv, powerpc. Sampled, never proved */
};

struct pw_lab_thread {
	const char *name;
	void (*run)(void);
	/* It serves the others, and may still wait when they have ended: a grace period, a daemon. */
	bool daemon;
};

struct pw_lab_scenario {
	const char *name; /* without blanks */
	const char *about; /* one line; may be NULL */
	/* Called once, before the search. Every run begins with the memory as it is then. May be NULL. */
	void (*setup)(void);
	struct pw_lab_thread thread[PW_LAB_THREADS]; /* up to the first without a function */
	/* Called when all threads have ended. May be NULL. */
	void (*check)(void);
	bool leaks; /* memory that a run allocates has to be freed by its end */
	/* Plain accesses may race, as Linux's memory model allows: data races are not reported. */
	bool racy;
};

/* Ends the run with a finding: in a thread, or in the check. The sentence is copied. */
void pw_lab_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Fails if @holds is false. */
#define pw_lab_check(holds, ...) ((holds) ? (void)0 : pw_lab_fail(__VA_ARGS__))

/* What traces call the object at @at. The name is copied. For the setup. */
void pw_lab_name(const void *at, size_t bytes, const char *name);

/*
 * Waits until the word at @at, of @bytes 1, 2, 4 or 8, is not @seen any more, without a step in between. A
 * loop that waits for another thread must call this, or sched_yield, or pw_lab_pause: otherwise the search
 * runs it again and again.
 */
void pw_lab_wait(const void *at, unsigned bytes, uint64_t seen);
/* Waits until another thread has changed anything since the thread last waited here. */
void pw_lab_pause(void);

/* What a search has found. */
enum pw_lab_finding {
	PW_LAB_NONE,
	PW_LAB_CHECK, /* a check of the scenario failed */
	PW_LAB_DEADLOCK, /* every thread waits */
	PW_LAB_NO_PROGRESS, /* threads wait in loops for each other, or a run does not end */
	PW_LAB_USE_AFTER_FREE,
	PW_LAB_DOUBLE_FREE,
	PW_LAB_LEAK,
	PW_LAB_DATA_RACE,
	PW_LAB_BROKEN, /* not a finding: the scenario or the laboratory is at fault */
};

struct pw_lab_result {
	uint64_t runs; /* all; the next four add up to it */
	uint64_t ended, blocked, cut, restarted;
	/*
	 * ended: to their end or to a finding. blocked: given up, because the class is known (sleep sets).
	 * cut: longer than is allowed. restarted: they met words that were not known to be shared.
	 */
	uint64_t classes; /* different happens-before orders among those that ended */
	uint64_t hash; /* of the set of classes: equal sets have equal hashes */
	uint64_t findings; /* runs that failed */
	uint64_t events; /* steps, over all runs */
	uint64_t kinds[16]; /* of the steps: loads, stores, read-modify-writes, ... */
	unsigned deepest; /* steps of the longest run */
	unsigned words; /* shared ones, of 8 bytes */
	double seconds;
	double estimate; /* runs in all, by the branches seen so far; 0 if complete */
	bool complete; /* every class was visited */
	enum pw_lab_finding finding; /* the first one */
	char sentence[256]; /* says what it is */
	/* The shortest schedule that was found. Empty without a finding, or if it does not fit. */
	char schedule[512];
};

/* The program: chooses among @count scenarios by its arguments, searches, reports. Returns the exit status:
 * 0 proved, 1 found something, 2 not finished, 3 the scenario or the arguments are at fault. */
int pw_lab_main(int argc, char **argv, const struct pw_lab_scenario *scenarios, size_t count);

#ifdef __cplusplus
}
#endif
#endif
