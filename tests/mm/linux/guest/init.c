/* SPDX-License-Identifier: MIT */
/*
 * /init of the guest in which check-linux runs: it mounts what check-linux looks at, loads modules, makes swap space
 * and a file system in compressed memory, and gives the program's output and exit code to the console.
 *
 *   /module0 ...   in the order in which they are loaded
 *   /ext4          an image of the file system that becomes /tmp
 *   /arguments     of check-linux, a line each
 *
 * The last line is "@END" and the exit code; or "@E" and what went wrong.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096, ARGUMENTS_MOST = 30 };

static const char DISK_BYTES[] = "268435456";

static void end(void)
{
	fflush(NULL);
	sync();
	reboot(RB_AUTOBOOT);
	for (;;)
		pause();
}

static void die(const char *what)
{
	printf("\n@E %s: %s\n", what, strerror(errno));
	end();
}

static void write_text(const char *path, const char *text)
{
	const int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		die(path);
	close(fd);
}

static void mount_all(void)
{
	if (mount("proc", "/proc", "proc", 0, "") || mount("sysfs", "/sys", "sysfs", 0, "") ||
	    mount("devtmpfs", "/dev", "devtmpfs", 0, ""))
		die("mount");
}

/* Standard input and output become the console. */
static void use_console(void)
{
	const int console = open("/dev/console", O_RDWR);

	for (int i = 0; i < 3; i++)
		if (console != i)
			dup2(console, i);
}

static void load_modules(void)
{
	char path[32];

	for (unsigned i = 0;; i++) {
		int fd;

		snprintf(path, sizeof path, "/module%u", i);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return;
		if (syscall(SYS_finit_module, fd, "", 0) && errno != EEXIST)
			die(path);
		close(fd);
		unlink(path);
	}
}

/* The header is the kernel's union swap_header: magic at the page's end, version and last page from byte 1024 on. */
static void make_swap(void)
{
	static union {
		char bytes[PAGE];
		uint32_t words[PAGE / 4];
	} header;
	int fd;

	write_text("/sys/block/zram0/disksize", DISK_BYTES);
	header.words[256] = 1;
	header.words[257] = (uint32_t)(strtoul(DISK_BYTES, NULL, 10) / PAGE - 1);
	memcpy(header.bytes + PAGE - 10, "SWAPSPACE2", 10);
	fd = open("/dev/zram0", O_RDWR | O_CLOEXEC);
	if (fd < 0 || write(fd, header.bytes, PAGE) != PAGE || fsync(fd) || close(fd) ||
	    swapon("/dev/zram0", 0))
		die("swap");
}

static bool is_zero(const char *bytes)
{
	return bytes[0] == 0 && memcmp(bytes, bytes + 1, PAGE - 1) == 0;
}

/* Zeros need no space there. */
static void copy_image(int from, int to)
{
	static char bytes[PAGE];
	off_t offset = 0;

	for (; read(from, bytes, PAGE) == PAGE; offset += PAGE)
		if (!is_zero(bytes) && pwrite(to, bytes, PAGE, offset) != PAGE)
			die("the file system's image");
	if (fsync(to))
		die("the file system's image");
}

static void make_files(void)
{
	int from, to;

	/* Reading this makes another device. */
	from = open("/sys/class/zram-control/hot_add", O_RDONLY | O_CLOEXEC);
	if (from < 0 || read(from, (char[16]){ 0 }, 15) <= 0)
		die("hot_add");
	close(from);
	write_text("/sys/block/zram1/disksize", DISK_BYTES);
	from = open("/ext4", O_RDONLY | O_CLOEXEC);
	to = open("/dev/zram1", O_RDWR | O_CLOEXEC);
	if (from < 0 || to < 0)
		die("the file system's image");
	copy_image(from, to);
	close(from);
	close(to);
	unlink("/ext4");
	if (mount("/dev/zram1", "/tmp", "ext4", 0, ""))
		die("/tmp");
}

static void settings(void)
{
	write_text("/sys/kernel/mm/transparent_hugepage/enabled", "madvise");
	write_text("/sys/kernel/mm/transparent_hugepage/khugepaged/scan_sleep_millisecs",
		   "100000000");
	write_text("/proc/sys/vm/compaction_proactiveness", "0");
	/* No read-ahead from swap. */
	write_text("/proc/sys/vm/page-cluster", "0");
	write_text("/proc/sys/kernel/printk", "1 1 1 1");
}

static char **arguments(void)
{
	static char text[4096], *argument[ARGUMENTS_MOST + 2] = { "check-linux" };
	unsigned count = 1;
	const int fd = open("/arguments", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, text, sizeof text - 1) < 0)
		die("/arguments");
	close(fd);
	for (char *word = strtok(text, "\n"); word && count <= ARGUMENTS_MOST;
	     word = strtok(NULL, "\n"))
		argument[count++] = word;
	return argument;
}

int main(void)
{
	char **argument;
	int pid, status;

	mount_all();
	use_console();
	load_modules();
	settings();
	make_swap();
	make_files();
	argument = arguments();
	printf("\n@BEGIN\n");
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		execv("/check-linux", argument);
		_exit(127);
	}
	while (waitpid(pid, &status, 0) != pid) {
	}
	printf("\n@END %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	end();
}
