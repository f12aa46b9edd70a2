/* SPDX-License-Identifier: MIT */
/*
 * /init of a guest that starts again: by a reboot, by another kernel in the place of the first one (kexec), or by the
 * kernel for crashes. Process 1 reports its own pages on the console, then does what the host says:
 *
 *   guest: @P <va> <pagemap> <name>     for each page of process 1; names as in /proc/self/maps, "-" without one
 *   guest: @D <pages> <release>         all is told; the process sleeps until there is a line
 *   host:  reboot | kexec | crash | remap
 *   guest: @M                           after remap: one page more is mapped
 *   guest: @W <what>: <why>             it cannot; nothing has changed
 *
 * The initramfs has /kernel and /next, the initramfs of the kernels that are started by kexec. The kernel for crashes
 * finds the memory of the first one in /proc/vmcore; it copies that to the physical address that its command line
 * names (dump=ADDRESS), where the host finds it, and says "@C <bytes>". With /makedumpfile, what that makes of it
 * follows, at the next MiB.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kexec.h>
#include <linux/reboot.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

enum { PIECE = 1 << 20 };

static char maps[1 << 16], line[64], command_line[4096], piece[PIECE], output[4096];
static size_t page;

static void warn(const char *what)
{
	printf("@W %s: %s\n", what, strerror(errno));
}

static size_t read_text(const char *path, char *text, size_t room)
{
	int file = open(path, O_RDONLY);
	size_t used = 0;
	ssize_t count = 0;

	while (file >= 0 && used + 1 < room &&
	       (count = read(file, text + used, room - 1 - used)) > 0)
		used += (size_t)count;
	text[used] = '\0';
	if (file >= 0)
		close(file);
	return used;
}

static void report_pages(void)
{
	int pagemap = open("/proc/self/pagemap", O_RDONLY);
	struct utsname name;
	unsigned count = 0;

	read_text("/proc/self/maps", maps, sizeof(maps));
	for (char *at = strtok(maps, "\n"); at; at = strtok(NULL, "\n")) {
		unsigned long long first, end;
		char called[64] = "-";
		uint64_t entry;

		if (sscanf(at, "%llx-%llx %*s %*s %*s %*s %63s", &first, &end, called) < 2 ||
		    strcmp(called, "[vsyscall]") == 0)
			continue;
		for (unsigned long long va = first; va < end; va += page, count++)
			if (pread(pagemap, &entry, 8, (off_t)(va / page * 8)) == 8)
				printf("@P %llx %llx %s\n", va, (unsigned long long)entry, called);
	}
	close(pagemap);
	uname(&name);
	printf("@D %u %s\n", count, name.release);
}

/* Loads /kernel, to be started by a reboot or, with KEXEC_FILE_ON_CRASH, by a crash. */
static int load(unsigned long flags, const char *more)
{
	int kernel = open("/kernel", O_RDONLY), next = open("/next", O_RDONLY);
	size_t used = read_text("/proc/cmdline", command_line, sizeof(command_line) - 100);
	int status;

	if (used > 0 && command_line[used - 1] == '\n')
		used--;
	snprintf(command_line + used, sizeof(command_line) - used, " %s", more);
	status = (int)syscall(SYS_kexec_file_load, kernel, next, strlen(command_line) + 1,
			      command_line, flags);
	if (status)
		warn("kexec_file_load");
	return status;
}

/* Copies a file to physical memory that no kernel uses. Returns the bytes. */
static unsigned long long copy_out(int from, unsigned long long to)
{
	int memory = open("/dev/mem", O_RDWR);
	unsigned long long done = 0;

	for (;;) {
		size_t used = 0;
		ssize_t count = 0;
		void *there;

		while (used < PIECE && (count = read(from, piece + used, PIECE - used)) > 0)
			used += (size_t)count;
		if (used == 0)
			break;
		there = mmap(NULL, PIECE, PROT_READ | PROT_WRITE, MAP_SHARED, memory,
			     (off_t)(to + done));
		if (there == MAP_FAILED) {
			warn("/dev/mem");
			break;
		}
		memcpy(there, piece, used);
		munmap(there, PIECE);
		done += used;
	}
	close(memory);
	return done;
}

/* Runs makedumpfile with its result in a pipe. */
static unsigned long long compress(unsigned long long to)
{
	unsigned long long bytes;
	int ends[2];

	/* It keeps its bitmap in /tmp. */
	if (access("/makedumpfile", X_OK) || mkdir("/tmp", 0700) || pipe(ends))
		return 0;
	if (fork() == 0) {
		dup2(ends[1], 1);
		execl("/makedumpfile", "makedumpfile", "-F", "-c", "-d", "31", "/proc/vmcore",
		      NULL);
		_exit(127);
	}
	close(ends[1]);
	bytes = copy_out(ends[0], to);
	wait(NULL);
	return bytes;
}

static void save_dump(void)
{
	const char *where;
	unsigned long long to, whole;
	int dump = open("/proc/vmcore", O_RDONLY);

	read_text("/proc/cmdline", command_line, sizeof(command_line));
	where = strstr(command_line, "dump=");
	if (dump < 0 || !where)
		return;
	to = strtoull(where + 5, NULL, 0);
	whole = copy_out(dump, to);
	printf("@C %llu %llu\n", whole,
	       compress(to + ((whole + PIECE - 1) & ~(unsigned long long)(PIECE - 1))));
}

static void read_line(void)
{
	size_t used = 0;

	while (used + 1 < sizeof(line) && read(0, &line[used], 1) == 1 && line[used] != '\n')
		used++;
	line[used] = '\0';
}

static void obey(void)
{
	if (strcmp(line, "reboot") == 0)
		reboot(RB_AUTOBOOT);
	else if (strcmp(line, "kexec") == 0) {
		if (load(0, "") == 0)
			syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2,
				LINUX_REBOOT_CMD_KEXEC, NULL);
		warn("kexec");
	} else if (strcmp(line, "crash") == 0) {
		int trigger = open("/proc/sysrq-trigger", O_WRONLY);

		if (load(KEXEC_FILE_ON_CRASH, "maxcpus=1") == 0)
			if (write(trigger, "c", 1) < 1)
				warn("/proc/sysrq-trigger");
	} else if (strcmp(line, "remap") == 0) {
		char *more = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
				  -1, 0);

		if (more != MAP_FAILED)
			*more = 1;
		printf("@M\n");
	}
}

int main(void)
{
	struct termios mode;
	int console;

	mount("proc", "/proc", "proc", 0, "");
	mount("sysfs", "/sys", "sysfs", 0, "");
	mount("devtmpfs", "/dev", "devtmpfs", 0, "");
	console = open("/dev/console", O_RDWR);
	for (int i = 0; i < 3; i++)
		if (console >= 0 && console != i)
			dup2(console, i);
	if (tcgetattr(0, &mode) == 0) {
		cfmakeraw(&mode);
		tcsetattr(0, TCSANOW, &mode);
	}
	/* What waiting for the host takes has its pages before they are told. */
	memset(line, 1, sizeof(line));
	memset(command_line, 1, sizeof(command_line));
	setvbuf(stdout, output, _IOLBF, sizeof(output));
	page = (size_t)sysconf(_SC_PAGESIZE);
	if (access("/proc/vmcore", R_OK) == 0)
		save_dump();
	else
		report_pages();
	for (;;) {
		read_line();
		obey();
	}
}
