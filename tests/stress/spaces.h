/* SPDX-License-Identifier: MIT */
/*
 * Address spaces under load: processes that fork and exit, with threads that load, store, map, unmap, protect,
 * move, advise and pin, while others migrate, reclaim, split and collapse what they use.
 *
 *   spaces.c          formats, rounds, and what has to be true at the end
 *   spaces_process.c  processes: birth, fork, exit, and what their threads choose
 *   spaces_private.c  private memory: stamps, and calls of mmap's family
 *   spaces_pin.c      pins of private memory that are held for a while
 *   spaces_shared.c   shared memory, files, and scratch memory without rules
 *   spaces_daemon.c   threads of the machine
 *
 * The memory of a process, one area:
 *
 *   | zone 0 | zone 1 | zone 2 | zone 3 | spare | counters | generations | scratch |
 *     private, a lock each; anon and file; large     shared by all           anything goes
 *     pages cross their borders
 *
 *   zones        Each page has a stamp in its first and in its last word. Thread n of the process writes pages
 *                n, n + THREADS, ... with the zone's lock held for reading. What loses content, or makes it
 *                inaccessible, holds it for writing. mremap exchanges a zone's place with the spare one.
 *   counters     Atomic additions by everybody; in the end the sum must be right.
 *   generations  Pages of a file of the host. Each has a lock, and the number that was written last.
 *   scratch      All threads map, unmap, protect, truncate and punch as they like. Nothing but zero or a tag
 *                may be read there.
 *
 * The choices of a thread depend on the seed, and on when it was born; their interleaving does not.
 */
#ifndef SPACES_H
#define SPACES_H

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>

#include <pagewalk/cpu.h>
#include <pagewalk/pagewalk.h>

enum {
	PROCESSES = 4, /* at a time */
	THREADS = 2, /* of a process */
	ZONES = 4,
	MOST_PAGES = 320, /* of a zone */
	COUNTERS = 24, /* pages: half of them shared memory, half a file */
	GENERATIONS = 24,
	SCRATCH = 64,
	HOLDS = 6, /* pins that a thread holds */
	ORPHANS = 64, /* pins whose process is gone */
	WORDS = 2, /* of a page that have a stamp */
};

enum spaces_operation {
	SP_STORE,
	SP_LOAD,
	SP_PIN,
	SP_PIN_CHECK,
	SP_PROTECT,
	SP_UNMAP,
	SP_REMAP,
	SP_DONTNEED,
	SP_FREE,
	SP_PAGEOUT,
	SP_HUGEPAGE,
	SP_COLLAPSE,
	SP_LOCK,
	SP_USER_FAULT,
	SP_FORK,
	SP_EXIT,
	SP_REMOTE,
	SP_COUNTER,
	SP_GENERATION,
	SP_SYNC,
	SP_TRUNCATE,
	SP_SCRATCH,
	SP_NUMA,
	SP_MIGRATE,
	SP_RECLAIM,
	SP_SPLIT,
	SP_COLLAPSE_ALL,
	SP_NO_MEMORY, /* from here on: counts of results */
	SP_TALLIES,
};

/*
 * What a page may hold: the word's value is `now`, or `next`, or between them, a stamp of the same writer. They
 * differ while a store is under way; and after a fork during a store, until the child has looked.
 */
struct word {
	uint64_t now, next; /* atomic */
};

enum { ANYTHING = -1 }; /* now: a store has failed in the middle of a page */

struct page_model {
	struct word word[WORDS];
	bool lazy; /* atomic: MADV_FREE: the page may be zero */
	uint32_t epoch; /* atomic: changes when the content is given up */
};

struct zone_model {
	pthread_rwlock_t lock;
	pw_va va;
	bool mapped, file; /* lock */
	struct page_model page[MOST_PAGES];
};

/* A pin of a private page. */
struct hold {
	pw_pa pa;
	struct zone_model *zone; /* NULL: none */
	uint32_t page, epoch;
	unsigned flags;
};

/* A pin whose process is gone: nobody else can write to the page. */
struct orphan {
	pw_pa pa;
	uint64_t found[WORDS];
	bool used;
};

struct process {
	struct spaces *world;
	struct pw_mm *mm;
	uint32_t state; /* atomic: PROCESS_ */
	uint32_t serial; /* of its birth; in stamps */
	uint32_t threads; /* atomic: that have not ended */
	bool exiting; /* atomic */
	pthread_rwlock_t alive; /* read: mm is there. try only */
	pthread_rwlock_t pinned_writes; /* read: writes through a pin; write: a fork copies */
	pw_va base, spare; /* spare: spare_lock */
	pthread_mutex_t spare_lock;
	struct zone_model zone[ZONES];
};

enum { PROCESS_FREE, PROCESS_BORN, PROCESS_ALIVE };

struct generation {
	pthread_rwlock_t lock;
	uint64_t value;
};

struct spaces {
	const struct pw_format *format;
	struct pw_geometry geometry;
	struct pw_machine *machine;
	struct pw_arena *arena;
	uint64_t page, seed;
	uint64_t align; /* of an area */
	uint64_t all_bytes; /* free at the beginning */
	unsigned zone_pages;
	uint64_t frames;
	struct process process[PROCESSES];
	pthread_mutex_t lock; /* births, and `living` */
	pthread_cond_t died;
	unsigned living; /* processes; lock */
	uint32_t serial; /* atomic */
	bool stop; /* atomic */
	struct pw_file *constant, *counter_file, *counter_shared, *generation_file, *race_file,
		*race_shared;
	int constant_fd, counter_fd, generation_fd, race_fd;
	uint64_t counter[COUNTERS][WORDS]; /* atomic */
	struct generation generation[GENERATIONS];
	uint64_t generation_pages; /* of the file: all locks */
	pthread_mutex_t orphans_lock;
	struct orphan orphan[ORPHANS];
	uint64_t wrong; /* atomic */
	uint64_t done[SP_TALLIES]; /* atomic */
};

/* A thread of a process, or a daemon (then without a process). */
struct actor {
	struct spaces *world;
	struct process *process;
	struct pw_vcpu *cpu;
	uint32_t number; /* of the thread in its process */
	uint32_t sequence; /* of its stamps */
	uint64_t random;
	struct hold hold[HOLDS];
};

static inline uint32_t choose(struct actor *a, uint32_t limit)
{
	/* Constants of Knuth's MMIX. */
	a->random = a->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)((a->random >> 33) % limit);
}

static inline bool sometimes(struct actor *a, uint32_t limit)
{
	return choose(a, limit) == 0;
}

static inline void did(struct actor *a, enum spaces_operation operation)
{
	__atomic_fetch_add(&a->world->done[operation], 1, __ATOMIC_RELAXED);
}

static inline uint64_t get(const uint64_t *word)
{
	return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

static inline void set(uint64_t *word, uint64_t value)
{
	__atomic_store_n(word, value, __ATOMIC_RELEASE);
}

/* Where the words of a page lie that have stamps. */
static inline uint64_t word_at(const struct spaces *world, unsigned word)
{
	return word ? world->page - sizeof(uint64_t) : 0;
}

static inline uint64_t *host_word(const struct spaces *world, pw_pa pa, unsigned word)
{
	return pw_arena_host(world->arena, pa + word_at(world, word), sizeof(uint64_t));
}

/* Parts of the area, in pages from its base. */
static inline uint64_t counters_at(const struct spaces *world)
{
	return (uint64_t)(ZONES + 1) * world->zone_pages;
}

static inline uint64_t generations_at(const struct spaces *world)
{
	return counters_at(world) + COUNTERS;
}

static inline uint64_t scratch_at(const struct spaces *world)
{
	return generations_at(world) + GENERATIONS;
}

static inline uint64_t area_pages(const struct spaces *world)
{
	return scratch_at(world) + SCRATCH;
}

static inline pw_va area_va(const struct process *process, uint64_t page)
{
	return process->base + page * process->world->page;
}

/* The number in a word of scratch memory: anybody may have written it. */
static const uint64_t TAG = UINT64_C(0x5c7a7c4005c7a7c4);

/* spaces.c */
void spaces_wrong(struct spaces *world, const char *what, pw_va va, uint64_t found,
		  uint64_t expected);
/* The last access failed. Only a lack of memory may be the reason. */
void access_failed(struct actor *a, const char *what, pw_va va);

/* spaces_process.c */
int process_begin(struct spaces *world);
void process_fork(struct actor *a);
void orphans_release(struct spaces *world, struct pw_reader *reader);

/* spaces_private.c */
void zones_init(struct process *process);
/* Maps all zones of a new process. 0, or -ENOMEM. */
int zones_map(struct process *process);
/* Copies what @parent's zones may hold: before the fork, and after it. */
void zones_before_fork(struct process *parent, struct process *child);
void zones_after_fork(struct process *parent, struct process *child);
/* Looks at the pages that were written during the fork. */
void zones_settle(struct actor *a);
uint64_t constant_word(uint64_t page, unsigned word);
bool zone_allows(const struct zone_model *zone, uint32_t page, unsigned word, uint64_t found);
/* Loads a page of this thread and checks it; stores a new stamp. The zone's lock is held. False: no memory. */
bool page_load(struct actor *a, struct zone_model *zone, uint32_t page);
bool page_store(struct actor *a, struct zone_model *zone, uint32_t page);
uint64_t next_stamp(struct actor *a, uint32_t page);
void zone_step(struct actor *a);

/* spaces_pin.c */
void hold_new(struct actor *a);
void hold_check(struct actor *a, struct hold *hold);
void hold_drop(struct actor *a, struct hold *hold);
void holds_end(struct actor *a);

/* spaces_shared.c */
int shared_create(struct spaces *world);
int shared_map(struct process *process);
void shared_step(struct actor *a);
void shared_check(struct spaces *world);
void scratch_step(struct actor *a);

/* spaces_daemon.c */
void *daemon_move(void *actor);
void *daemon_reclaim(void *actor);

#endif
