/* SPDX-License-Identifier: MIT */
/*
 * Random scripts of memory calls, made on the host's kernel and on a pagewalk machine: check-linux.
 *
 *   script.c     what a call is; scripts as text
 *   words.c      the flags of the arguments as text
 *   generate.c   scripts from a seed
 *   groups.c     calls that are known to go wrong together
 *   safe.c       which calls may be made on the host at all
 *   host.c       the host's side, as seen from the comparison: child processes
 *   process.c    the host's side inside a child
 *   reserve.c    the child's address space: a window, and nothing free beside it
 *   maps.c       /proc/PID/maps and smaps as structures
 *   model.c      the pagewalk side
 *   broken.c     a host's side that makes mistakes, to test the comparison
 *   compare.c    what must agree
 *   accepted.c   what need not, and why
 *   run.c        one script on two sides, in a process that may crash
 *   watch.c      whether that process hangs
 *   shrink.c     the fewest calls that still differ
 */
#ifndef CHECK_LINUX_CHECK_H
#define CHECK_LINUX_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum {
	MAX_PROCESSES = 4,
	MAX_FILES = 4,
	MAX_CALLS = 128,
	MAX_ARGS = 6,
	MAX_VMAS = 200,
	MAX_PAGES = 4096, /* in one answer */
	MAX_PAGES_OF_VMA = 1024,
	MAX_ERROR = 4095,
	TEXT = 8192,
};

/* All calls stay in this window, or are refused. */
static const uint64_t WINDOW = UINT64_C(0x200000000000);
static const uint64_t WINDOW_BYTES = UINT64_C(1) << 30;
static const uint64_t WINDOW_END = UINT64_C(0x200040000000);

/* ---- calls ---- */

enum call_kind {
	CALL_MMAP,
	CALL_MUNMAP,
	CALL_MPROTECT,
	CALL_MREMAP,
	CALL_MADVISE,
	CALL_MLOCK,
	CALL_MLOCK2,
	CALL_MUNLOCK,
	CALL_MLOCKALL,
	CALL_MUNLOCKALL,
	CALL_MSYNC,
	CALL_MINCORE,
	CALL_FORK,
	CALL_EXIT,
	CALL_READ, /* loads 8 bytes */
	CALL_WRITE, /* stores the call's stamp */
	CALL_SCAN, /* loads the first word of each page, up to a fault */
	CALL_FILL, /* stores a stamp to each page, up to a fault */
	CALL_DIGEST, /* reads every page of every VMA */
	CALL_TRUNCATE,
	CALL_PUNCH,
	CALL_PREAD,
	CALL_PWRITE,
	CALL_FSYNC,
	CALL_CLEAR_REFS, /* from now on, pages are soft-dirty if they are written to */
	CALL_KINDS
};

enum argument {
	ARG_NONE,
	ARG_VA,
	ARG_BYTES,
	ARG_PROT,
	ARG_MAP,
	ARG_REMAP,
	ARG_ADVICE,
	ARG_LOCK2,
	ARG_LOCKALL,
	ARG_SYNC,
	ARG_FILE,
	ARG_OFFSET,
	ARG_PROCESS,
	ARG_COUNT,
};

static const uint64_t NO_FILE = UINT64_MAX;

struct call {
	uint8_t kind, process;
	uint16_t stamp; /* makes what it writes unique; stays while a script shrinks */
	uint64_t arg[MAX_ARGS];
};

enum file_kind { FILE_SHMEM, FILE_HOST, FILE_HUGETLB, FILE_KINDS };

struct script {
	unsigned files, calls;
	struct {
		enum file_kind kind;
		uint64_t bytes;
	} file[MAX_FILES];
	struct call call[MAX_CALLS];
};

struct call_info {
	const char *name;
	enum argument arg[MAX_ARGS];
};
extern const struct call_info CALL_INFO[CALL_KINDS];
extern const char *const FILE_NAME[FILE_KINDS];

void script_print(const struct script *script, FILE *out);
void call_print(const struct call *call, FILE *out);
/* Returns 0, or the number of the first line that is not understood; @why says why. */
unsigned script_parse(FILE *in, struct script *script, const char **why);
void script_add(struct script *script, unsigned process, enum call_kind kind, const uint64_t *arg);
uint64_t call_stamp(const struct call *call);

/* The flags of an argument of this kind as text, and back. */
void words_print(enum argument kind, uint64_t value, FILE *out);
bool words_parse(enum argument kind, const char *text, uint64_t *value_ret);

/* What scripts may use. */
struct abilities {
	bool hugetlb;
	bool lock_limited; /* the caller may lock lock_bytes */
	uint64_t lock_bytes;
	bool swap; /* MADV_PAGEOUT takes anonymous pages out */
	bool soft_dirty; /* pagemap says what was written to */
	bool zero_page; /* read faults on anonymous memory map one page of zeros */
	uint16_t kernel; /* major << 8 | minor */
	uint64_t page;
	uint64_t task; /* the end of user addresses */
};
void script_generate(struct script *script, uint64_t seed, const struct abilities *can);
/* Can the call do no harm outside the window? */
bool call_is_safe(const struct call *call, const struct abilities *can);

/* ---- answers ---- */

struct answer {
	int64_t result; /* or a negative errno */
	int signal, code;
	uint64_t fault; /* the address */
	uint64_t value; /* loaded, or a hash of it */
	unsigned pages; /* below: of mincore or a digest */
	uint64_t va[MAX_PAGES], page[MAX_PAGES];
};

enum {
	ANONYMOUS = -1,
	ANONYMOUS_SHARED = -2,
};

enum vma_flag {
	FLAG_LOCKED = 1 << 0,
	FLAG_GROWS_DOWN = 1 << 1,
	FLAG_HUGE = 1 << 2,
	FLAG_NO_HUGE = 1 << 3,
	FLAG_DONT_FORK = 1 << 4,
	FLAG_WIPE_ON_FORK = 1 << 5,
	FLAG_NO_RESERVE = 1 << 6,
	FLAG_HUGETLB = 1 << 7,
};

struct vma {
	uint64_t first, end, offset;
	char prot[5];
	int file; /* its number in the script, or ANONYMOUS... */
	unsigned flags;
};

struct view {
	unsigned vmas, pages;
	struct vma vma[MAX_VMAS];
	uint64_t va[MAX_PAGES], pagemap[MAX_PAGES]; /* by address */
};

/* The bits of /proc/PID/pagemap. */
static const uint64_t PAGE_SOFT_DIRTY = UINT64_C(1) << 55;
static const uint64_t PAGE_EXCLUSIVE = UINT64_C(1) << 56;
static const uint64_t PAGE_UFFD_WP = UINT64_C(1) << 57;
static const uint64_t PAGE_GUARD = UINT64_C(1) << 58;
static const uint64_t PAGE_FILE = UINT64_C(1) << 61;
static const uint64_t PAGE_SWAPPED = UINT64_C(1) << 62;
static const uint64_t PAGE_PRESENT = UINT64_C(1) << 63;

/* What a digest holds for a page that cannot be read. */
uint64_t digest_fault(int signal, int code);
uint64_t digest_bytes(const void *bytes, size_t count);

/* ---- sides ---- */

struct side {
	const char *name;
	void *inside;
	void (*call)(struct side *side, const struct call *call, struct answer *answer);
	/* @flags: with the VMAs' flags, which takes longer */
	void (*look)(struct side *side, unsigned process, bool flags, struct view *view);
	void (*stop)(struct side *side);
};

/* Each returns false, and says why, if it cannot begin. */
bool host_start(struct side *side, const struct script *script, const struct abilities *can);
bool model_start(struct side *side, const struct script *script, const struct abilities *can);
/* Turns a host's side into one that makes mistake @which: 0 to broken_count() - 1. */
void broken_start(struct side *side, unsigned which);
unsigned broken_count(void);
const char *broken_name(unsigned which);

/* A file of a script, with content; -1: it cannot be made. */
int check_file_open(enum file_kind kind, uint64_t bytes);
/* In the child. Never returns. */
struct host_process;
void process_main(struct host_process *processes, const int *file, unsigned self);
/* Maps everything but the window, so that only the window is free. */
bool reserve_all(uint64_t task);
/* A file's number in maps: unique for a device and an inode. */
uint64_t maps_inode(uint64_t device, uint64_t inode);
/* Reads the VMAs of the window from /proc/PID/maps or smaps. @inode: of the script's files. */
bool maps_read(const char *path, const uint64_t *inode, unsigned files, struct view *view);

/* ---- the comparison ---- */

enum difference_kind {
	SAME,
	DIFFERENT_RESULT,
	DIFFERENT_FAULT,
	DIFFERENT_VALUE,
	DIFFERENT_PAGE, /* mincore, or a digest */
	DIFFERENT_VMAS,
	DIFFERENT_PAGEMAP,
	DIFFERENT_SOFT_DIRTY, /* pages whose other bits of pagemap are equal */
	CRASHED,
	HUNG,
	NOT_RUN, /* the host's side failed */
	DIFFERENCE_KINDS
};

enum { ACCEPTED_MOST = 32 };

struct difference {
	enum difference_kind kind;
	unsigned step;
	struct call call;
	uint64_t va, host, model; /* what differs: words, or results */
	bool in_vma; /* va is in vma, on the host */
	struct vma vma;
	char text[TEXT]; /* both answers */
};

struct verdict {
	struct difference difference; /* SAME: there is none */
	unsigned steps; /* calls that both sides have made; atomic while they run */
	unsigned again;
	const char *side; /* whose call is under way; NULL: none's */
	uint64_t accepted[ACCEPTED_MOST]; /* how often each line of the table was used */
};

extern const char *const DIFFERENCE_NAME[DIFFERENCE_KINDS];

/* A step that was made on both sides, and what is looked at after it. */
struct comparison {
	const struct script *script;
	const struct abilities *can;
	const struct call *call;
	const struct answer *host, *model;
	const struct view *host_view, *model_view;
	struct verdict *verdict;
};
/* Each returns true if the sides differ in a way that is not accepted; verdict->difference says how. */
bool compare_answers(const struct comparison *c);
bool compare_views(const struct comparison *c);
const struct vma *view_find(const struct view *view, uint64_t va);

struct accepted {
	const char *name, *reason;
	bool (*match)(const struct comparison *c, const struct difference *difference);
};
/* The table ends with a line without a name. */
extern const struct accepted ACCEPTED[];

/* ---- running ---- */

struct pairing {
	int broken; /* -1: the second side is pagewalk; -2: a sound host */
	bool keep_going; /* a fault of the second side is not caught: for a debugger */
	struct abilities can;
};
/* Waits for the end of @pid, which leads its group. False: *@steps stays as it is for too long. */
bool watch_ends(int pid, const unsigned *steps);
/* Counts what the host's kernel could not do as usual, for anybody. */
uint64_t watch_shortages(void);
/* A script that differs is run again if the host was short of something meanwhile: verdict->again says how often. */
void script_run(const struct script *script, const struct pairing *pairing,
		struct verdict *verdict);
/* @script becomes the smallest that differs in the same way that is found; @verdict is of it. */
void script_shrink(struct script *script, const struct pairing *pairing, struct verdict *verdict);

/* splitmix64 */
static inline uint64_t random_next(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

#endif
