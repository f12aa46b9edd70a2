/* SPDX-License-Identifier: MIT */
/* /proc/PID/maps and smaps as structures. It allocates nothing, because children use it, too. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "check.h"

struct reader {
	int fd;
	size_t begin, end;
	char text[16 << 10];
};

/* The next line, without its end; NULL: there is none. */
static char *line_next(struct reader *reader)
{
	for (;;) {
		char *line = reader->text + reader->begin;
		char *stop = memchr(line, '\n', reader->end - reader->begin);
		ssize_t got;

		if (stop) {
			*stop = '\0';
			reader->begin = (size_t)(stop - reader->text) + 1;
			return line;
		}
		memmove(reader->text, line, reader->end - reader->begin);
		reader->end -= reader->begin;
		reader->begin = 0;
		got = read(reader->fd, reader->text + reader->end,
			   sizeof reader->text - reader->end);
		if (got <= 0)
			return NULL;
		reader->end += (size_t)got;
	}
}

uint64_t maps_inode(uint64_t device, uint64_t inode)
{
	return inode | (uint64_t)major(device) << 48 | (uint64_t)minor(device) << 40;
}

/* "first-end prot offset device inode name" */
static bool vma_parse(const char *line, const uint64_t *inode, unsigned files, struct vma *vma)
{
	char *at;
	uint64_t number, device;

	vma->first = strtoull(line, &at, 16);
	if (*at != '-')
		return false;
	vma->end = strtoull(at + 1, &at, 16);
	memcpy(vma->prot, at + 1, 4);
	vma->prot[4] = '\0';
	vma->offset = strtoull(at + 6, &at, 16);
	device = strtoull(at + 1, &at, 16) << 8;
	device |= strtoull(at + 1, &at, 16);
	number = strtoull(at, NULL, 10);
	vma->flags = 0;
	vma->file = number ? ANONYMOUS_SHARED : ANONYMOUS;
	number |= device << 40;
	for (unsigned i = 0; i < files; i++)
		if (inode[i] == number)
			vma->file = (int)i;
	return true;
}

static unsigned flags_parse(const char *line)
{
	static const struct {
		char name[3];
		unsigned flag;
	} FLAG[] = {
		{ "lo", FLAG_LOCKED },     { "gd", FLAG_GROWS_DOWN }, { "hg", FLAG_HUGE },
		{ "nh", FLAG_NO_HUGE },    { "dc", FLAG_DONT_FORK },  { "wf", FLAG_WIPE_ON_FORK },
		{ "nr", FLAG_NO_RESERVE }, { "ht", FLAG_HUGETLB },
	};
	unsigned flags = 0;

	for (; line[0] && line[1]; line += line[2] ? 3 : 2)
		for (size_t i = 0; i < sizeof FLAG / sizeof *FLAG; i++)
			if (strncmp(line, FLAG[i].name, 2) == 0)
				flags |= FLAG[i].flag;
	return flags;
}

bool maps_read(const char *path, const uint64_t *inode, unsigned files, struct view *view)
{
	static struct reader reader;
	struct vma *last = NULL;
	char *line;

	reader.begin = reader.end = 0;
	reader.fd = open(path, O_RDONLY | O_CLOEXEC);
	view->vmas = 0;
	if (reader.fd < 0)
		return false;
	while ((line = line_next(&reader))) {
		struct vma vma;

		if (strncmp(line, "VmFlags: ", 9) == 0 && last)
			last->flags = flags_parse(line + 9);
		if (!strchr("0123456789abcdef", *line) || !vma_parse(line, inode, files, &vma))
			continue;
		last = NULL;
		if (vma.first < WINDOW || vma.first >= WINDOW_END || view->vmas == MAX_VMAS)
			continue;
		last = &view->vma[view->vmas++];
		*last = vma;
	}
	close(reader.fd);
	return true;
}
