/* SPDX-License-Identifier: MIT */
/* Faults of one thread: anonymous, huge, copies after fork, and pages of a file. Each access is a fault. */
#include "spaces.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGES = 4096, HUGE_PAGES = 512 };

static void add(struct bench_case *c, const char *name, uint64_t (*run)(const struct bench_work *),
		void (*before)(const struct bench_work *), void (*after)(const struct bench_work *))
{
	struct bench_contender *contender = bench_case_add(c, name, run, c->units);

	contender->before = before;
	contender->after = after;
}

static void anonymous(struct bench_rig *rig)
{
	struct bench_case c;

	rig->pages = PAGES;
	rig->flags = MAP_PRIVATE | MAP_ANONYMOUS;
	bench_space_case("space-fault", "page", PAGES, rig, &c);
	add(&c, "pagewalk", bench_write_ours, bench_map_ours, bench_unmap_ours);
	add(&c, "kernel", bench_write_host, bench_map_host, bench_unmap_host);
	bench_case_run(&c);
}

/* ---- huge ---- */

/* The kernel's pages of this mapping that are huge, in KiB. */
static unsigned long host_huge_kib(const struct bench_rig *rig)
{
	char line[256], start[32];
	unsigned long kib = 0;
	bool inside = false;
	FILE *smaps = fopen("/proc/self/smaps", "r");

	bench_must(smaps, "/proc/self/smaps cannot be read");
	snprintf(start, sizeof(start), "%lx-", (unsigned long)(uintptr_t)rig->host);
	while (fgets(line, sizeof(line), smaps)) {
		if (strncmp(line, start, strlen(start)) == 0)
			inside = true;
		if (inside && sscanf(line, "AnonHugePages: %lu", &kib) == 1)
			break;
	}
	fclose(smaps);
	return kib;
}

static void check_huge_ours(const struct bench_work *work)
{
	const struct bench_rig *rig = bench_rig_of(work);

	bench_must(pw_mm_anonymous(rig->mm) == rig->pages, "pagewalk has not made huge pages");
	bench_unmap_ours(work);
}

static void huge(struct bench_rig *rig)
{
	struct bench_work work = { .own = rig };
	struct bench_case c;
	unsigned long kib;

	rig->pages = (size_t)16 * HUGE_PAGES;
	rig->step = HUGE_PAGES;
	rig->advice = MADV_HUGEPAGE;
	bench_space_case("space-fault-2m", "2M", 16, rig, &c);
	add(&c, "pagewalk", bench_write_ours, bench_map_ours, check_huge_ours);
	bench_map_host(&work);
	bench_write_host(&work);
	kib = host_huge_kib(rig);
	bench_unmap_host(&work);
	bench_must(kib == 16 << 11, "the kernel gives no huge pages (transparent_hugepage)");
	add(&c, "kernel", bench_write_host, bench_map_host, bench_unmap_host);
	bench_case_run(&c);
	rig->step = 1;
	rig->advice = 0;
}

/* ---- copies ---- */

static void fork_ours(const struct bench_work *work)
{
	struct bench_rig *rig = bench_rig_of(work);

	bench_must(pw_mm_fork(rig->mm, &rig->child, NULL) == 0, "pw_mm_fork failed");
}

static void exit_ours(const struct bench_work *work)
{
	pw_mm_destroy(bench_rig_of(work)->child);
}

static void fork_host(const struct bench_work *work)
{
	struct bench_rig *rig = bench_rig_of(work);

	rig->other = fork();
	bench_must(rig->other >= 0, "fork failed");
	while (rig->other == 0)
		pause();
}

static void exit_host(const struct bench_work *work)
{
	kill(bench_rig_of(work)->other, SIGKILL);
	waitpid(bench_rig_of(work)->other, NULL, 0);
}

static void copies(struct bench_rig *rig)
{
	struct bench_work work = { .own = rig };
	struct bench_case c;

	rig->pages = PAGES;
	rig->flags = MAP_PRIVATE | MAP_ANONYMOUS;
	bench_space_case("space-cow", "page", PAGES, rig, &c);
	bench_map_ours(&work);
	bench_map_host(&work);
	bench_write_ours(&work);
	bench_write_host(&work);
	add(&c, "pagewalk", bench_write_ours, fork_ours, exit_ours);
	add(&c, "kernel", bench_write_host, fork_host, exit_host);
	bench_case_run(&c);
	bench_unmap_ours(&work);
	bench_unmap_host(&work);
}

/* ---- files ---- */

static void file_reads(struct bench_rig *rig)
{
	static unsigned char ones[4096];
	struct pw_error error = { 0 };
	struct bench_case c;

	memset(ones, 1, sizeof(ones));
	rig->pages = PAGES;
	rig->flags = MAP_PRIVATE;
	rig->fd = memfd_create("bench", MFD_CLOEXEC);
	for (size_t i = 0; i < rig->pages; i++)
		bench_must(write(rig->fd, ones, sizeof(ones)) == sizeof(ones), "no file");
	bench_must(pw_file_open(rig->machine, rig->fd, &rig->file, &error) == 0, error.text);
	bench_space_case("space-file-read", "page", PAGES, rig, &c);
	add(&c, "pagewalk", bench_read_ours, bench_map_ours, bench_unmap_ours);
	add(&c, "kernel", bench_read_host, bench_map_host, bench_unmap_host);
	bench_case_run(&c);
	pw_file_put(rig->file);
	close(rig->fd);
}

static void shared_writes(struct bench_rig *rig)
{
	struct pw_error error = { 0 };
	struct bench_case c;

	rig->pages = PAGES;
	rig->flags = MAP_SHARED;
	rig->fd = memfd_create("bench", MFD_CLOEXEC);
	bench_must(ftruncate(rig->fd, PAGES << 12) == 0, "no shared memory");
	bench_must(pw_shmem_create(rig->machine, PAGES << 12, &rig->file, &error) == 0, error.text);
	bench_space_case("space-shmem-write", "page", PAGES, rig, &c);
	add(&c, "pagewalk", bench_write_ours, bench_map_ours, bench_unmap_ours);
	add(&c, "kernel", bench_write_host, bench_map_host, bench_unmap_host);
	bench_case_run(&c);
	pw_file_put(rig->file);
	close(rig->fd);
}

void bench_space_faults(struct bench_rig *rig)
{
	anonymous(rig);
	huge(rig);
	copies(rig);
	file_reads(rig);
	shared_writes(rig);
	rig->file = NULL;
	rig->fd = -1;
}
