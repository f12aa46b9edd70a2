/* SPDX-License-Identifier: MIT */
/*
 * The guest's report about its kernel: symbols, areas of vmalloc, RAM. Also swap space, by Debian's module zram: swap
 * space in compressed memory needs no device.
 */
#include "init.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <unistd.h>

int have_swap;

/* Loads /module0, /module1 and so on; a module comes after those that it needs. */
void load_modules(void)
{
	char path[32];

	for (unsigned i = 0;; i++) {
		snprintf(path, sizeof(path), "/module%u", i);
		int file = open(path, O_RDONLY | O_CLOEXEC);
		if (file < 0)
			return;
		if (syscall(SYS_finit_module, file, "", 0))
			say("@W could not load %s\n", path);
		close(file);
	}
}

/* Swap space of 64 MiB. Its header is the kernel's union swap_header (include/linux/swap.h): magic at the page's end,
 * version and last page at 1024. */
void start_swap(void)
{
	static union {
		char bytes[65536];
		uint32_t words[65536 / 4];
	} header;
	const unsigned long size = 64ul << 20;
	char text[32];

	snprintf(text, sizeof(text), "%lu", size);
	if (write_text("/sys/block/zram0/disksize", text))
		return;
	int file = open("/dev/zram0", O_RDWR | O_CLOEXEC);
	if (file < 0)
		return;
	header.words[256] = 1;
	header.words[257] = (uint32_t)(size / page_size - 1);
	memcpy(header.bytes + page_size - 10, "SWAPSPACE2", 10);
	ssize_t n = pwrite(file, header.bytes, page_size, 0);
	fsync(file);
	close(file);
	have_swap = n == (ssize_t)page_size && swapon("/dev/zram0", 0) == 0;
	if (!have_swap)
		say("@W no swap\n");
}

static int wanted(const char *name)
{
	static const char *const names[] = {
		"_text",          "_stext",
		"_etext",         "_sdata",
		"_edata",         "__bss_start",
		"_end",           "linux_banner",
		"init_task",      "init_mm",
		"swapper_pg_dir", "init_top_pgt",
		"jiffies",        "saved_command_line",
		"vm_area_cachep", "__init_begin",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(name, names[i]))
			return 1;
	return 0;
}

static void symbols(void)
{
	char line[512], name[256], kind;
	unsigned long long address;
	FILE *file = fopen("/proc/kallsyms", "r");

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "%llx %c %255s", &address, &kind, name) == 3 && address &&
		    wanted(name) && !strchr(line, '['))
			say("@K %llx %s\n", address, name);
	if (file)
		fclose(file);
}

/* The first word of /proc/vmallocinfo's lines: first-end. */
static void areas(void)
{
	char line[512];
	unsigned long long first, end;
	FILE *file = fopen("/proc/vmallocinfo", "r");
	unsigned count = 0;

	while (file && count < 300 && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%llx-%llx", &first, &end) == 2 && first) {
			say("@V %llx %llx\n", first, end);
			count++;
		}
	}
	if (file)
		fclose(file);
}

static void ram(void)
{
	char line[512];
	unsigned long long first, last;
	FILE *file = fopen("/proc/iomem", "r");

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "%llx-%llx : ", &first, &last) == 2 &&
		    strstr(line, ": System RAM"))
			say("@I %llx %llx\n", first, last);
	if (file)
		fclose(file);
}

void report_kernel(void)
{
	/* with 1, a reader with the privilege to see kernel addresses sees them unhashed (Documentation/admin-guide/sysctl) */
	write_text("/proc/sys/kernel/kptr_restrict", "1");
	symbols();
	areas();
	ram();
}
