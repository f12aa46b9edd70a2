/* SPDX-License-Identifier: MIT */
/*
 * /init of a test guest. See init.h.
 *
 * The conversation with the host, on the console:
 *
 *   guest: @H <number of shapes>
 *   guest: @R <number> <shape> <first> <end> <va> <pagemap>    a shape is made; its process now loops in user mode between
 *                                                              the addresses first and end; at va is a page of its own
 *   host:  a line                                              the host has read the root register: continue
 *   ...    for each shape
 *   guest: @B <shape>, @P ... for each run of pages, @X <shape> <number of lines>
 *   guest: @K, @V, @I: the kernel's addresses
 *   guest: @D                                                  the report is complete; all processes sleep
 *
 * Also @E: something went wrong; and @W: something is not there, and the guest goes on without it.
 */
#include "init.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

size_t page_size, huge_size;

static struct control *control;
static int to_parent[2];

static void die(const char *what)
{
	say("@E %s: %s\n", what, strerror(errno));
	for (;;)
		pause();
}

static void start_system(void)
{
	char text[64];

	mount("proc", "/proc", "proc", 0, "");
	mount("sysfs", "/sys", "sysfs", 0, "");
	mount("devtmpfs", "/dev", "devtmpfs", 0, "");

	int console = open("/dev/console", O_RDWR);
	for (int i = 0; i < 3; i++)
		if (console >= 0 && console != i)
			dup2(console, i);

	struct termios mode;
	if (tcgetattr(0, &mode) == 0) {
		cfmakeraw(&mode);
		tcsetattr(0, TCSANOW, &mode);
	}

	page_size = (size_t)sysconf(_SC_PAGESIZE);
	/* Huge pages wherever they fit, made at once when memory is touched; memory is not rearranged later. */
	write_text("/sys/kernel/mm/transparent_hugepage/enabled", "always");
	write_text("/sys/kernel/mm/transparent_hugepage/defrag", "always");
	write_text("/sys/kernel/mm/transparent_hugepage/khugepaged/defrag", "0");
	write_text("/sys/kernel/mm/transparent_hugepage/khugepaged/pages_to_scan", "1");
	write_text("/sys/kernel/mm/transparent_hugepage/khugepaged/scan_sleep_millisecs",
		   "100000000");
	write_text("/proc/sys/vm/compaction_proactiveness", "0");
	write_text("/proc/sys/vm/page-cluster", "0"); /* no read-ahead from swap */
	write_text("/proc/sys/kernel/printk", "1 1 1 1"); /* only a crash may print */
	if (read_whole("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size", text, sizeof(text)) >
	    0)
		huge_size = (size_t)strtoull(text, NULL, 10);
}

/* Stays in user mode until it is released. It is a function, so that the host knows it by its address. */
static __attribute__((noinline)) void loop(struct control *shared, uint32_t number)
{
	while (shared->go != number)
		;
}

/* Every process keeps its number in a page at the same address: the host reads it through the root that it found. */
static void stamp(void)
{
	static char *page;

	if (!page)
		page = mmap((void *)(uintptr_t)STAMP_ADDRESS, page_size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	if (page == MAP_FAILED)
		die("stamp");
	snprintf(page, page_size, "pagewalk stamp %d\n", (int)getpid());
}

static void child(uint32_t number, int turn)
{
	const struct shape *shape = &shapes[number - 1];
	char byte = 0;

	stamp();
	make_shape(shape);

	/* thumb code on arm has an odd address */
	uint64_t first = (uintptr_t)loop & ~(uint64_t)1;
	void *own = mmap(NULL, page_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			 0);
	tag(own, page_size, shape->letter);
	note(own, page_size, "own", (uintptr_t)own);
	say("@R %x %s %llx %llx %llx %llx\n", number, shape->name, (unsigned long long)first,
	    (unsigned long long)first + 256, (unsigned long long)(uintptr_t)own,
	    (unsigned long long)pagemap_of(own));
	loop(control, number);
	if (write(to_parent[1], &byte, 1) != 1)
		die("pipe");

	/* Processes report only when all of them exist: nothing moves from here on. */
	if (read(turn, &byte, 1) != 1)
		die("pipe");
	report(shape->name);
	if (write(to_parent[1], &byte, 1) != 1)
		die("pipe");
	for (;;)
		pause();
}

static void wait_for_host(void)
{
	char byte = 0;

	while (byte != '\n')
		if (read(0, &byte, 1) != 1 && errno != EINTR && errno != EAGAIN)
			die("console");
}

int main(void)
{
	int turns[16][2];
	char byte = 0;

	start_system();
	stamp();
	say("\n@H %u\n", shape_count);
	load_modules();
	start_swap();

	control = mmap(NULL, page_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (control == MAP_FAILED || pipe(to_parent))
		die("control");
	control->go = 0;
	make_inherited();

	for (uint32_t number = 1; number <= shape_count; number++) {
		if (pipe(turns[number]))
			die("pipe");
		pid_t process = fork();
		if (process < 0)
			die("fork");
		if (process == 0)
			child(number, turns[number][0]);
		wait_for_host();
		control->go = number;
		if (read(to_parent[0], &byte, 1) != 1)
			die("pipe");
	}
	/* before the reports: it allocates memory */
	report_kernel();
	for (uint32_t number = 1; number <= shape_count; number++)
		if (write(turns[number][1], &byte, 1) != 1 || read(to_parent[0], &byte, 1) != 1)
			die("pipe");
	say("@D done\n");
	for (;;)
		pause();
}
