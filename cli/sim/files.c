/* SPDX-License-Identifier: MIT */
/* What a script's verbs do to files and devices. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/output.h"
#include "cli/sim/sim.h"
#include "cli/tool.h"

/* A file of the host that has no name. */
static int host_file(uint64_t bytes)
{
	char name[OUTPUT_NAME];
	int fd;

	tool_hold_interrupts(true);
	fd = output_temporary("a file of the script", name);
	if (fd >= 0)
		unlink(name);
	tool_hold_interrupts(false);
	if (fd < 0)
		return fd;
	if (ftruncate(fd, (off_t)bytes)) {
		int code = -errno;

		close(fd);
		return code;
	}
	return fd;
}

static void new_file(struct sim_run *run, const struct sim_statement *s,
		     struct sim_outcome *outcome)
{
	struct pw_file *file = NULL;
	struct pw_error error = { "" };
	int fd = -1, code;

	switch (s->verb) {
	case SIM_FILE:
		fd = host_file(s->bytes);
		code = fd < 0 ? fd : pw_file_open(run->machine, fd, &file, &error);
		break;
	case SIM_SHARED:
		code = pw_shmem_create(run->machine, s->bytes, &file, &error);
		break;
	case SIM_HUGETLB:
		code = pw_hugetlb_create(run->machine, s->bytes, 0, &file, &error);
		break;
	default:
		code = pw_secret_create(run->machine, s->bytes, &file, &error);
	}
	sim_answer(outcome, code, "%llu bytes", (unsigned long long)s->bytes);
	if (code) {
		if (fd >= 0)
			close(fd);
		if (error.text[0])
			snprintf(outcome->text, sizeof(outcome->text), "refused: %.380s",
				 error.text);
		sim_add_failed(run, s->name);
		return;
	}
	sim_add(run, s->name, SIM_IS_FILE)->file = file;
	sim_find(run, s->name)->fd = fd;
}

static void new_device(struct sim_run *run, const struct sim_statement *s,
		       struct sim_outcome *outcome)
{
	unsigned lg2 = s->more ? 63u - (unsigned)__builtin_clzll(s->more) : 0;
	struct pw_device *device;
	struct pw_error error = { "" };
	int code = pw_device_create(run->machine, s->to, s->bytes, lg2, &device, &error);

	sim_answer(outcome, code, "memory of a device at 0x%llx", (unsigned long long)s->to);
	if (code) {
		if (error.text[0])
			snprintf(outcome->text, sizeof(outcome->text), "refused: %.380s",
				 error.text);
		sim_add_failed(run, s->name);
		return;
	}
	sim_add(run, s->name, SIM_IS_DEVICE)->device = device;
}

void sim_do_file(struct sim_run *run, const struct sim_statement *s, struct sim_object *who,
		 struct sim_outcome *outcome)
{
	switch (s->verb) {
	case SIM_DEVICE:
		new_device(run, s, outcome);
		break;
	case SIM_REVOKE:
		pw_device_revoke(who->device, s->offset, s->bytes);
		sim_answer(outcome, 0, "its leaves are gone until the next access");
		break;
	case SIM_TRUNCATE:
		sim_answer(outcome, pw_file_truncate(who->file, s->bytes), "%llu bytes long now",
			   (unsigned long long)s->bytes);
		break;
	case SIM_PUNCH:
		sim_answer(outcome, pw_file_punch(who->file, s->offset, s->bytes),
			   "a hole is there now");
		break;
	case SIM_SYNC:
		sim_answer(outcome, pw_file_sync(who->file), "dirty pages were written");
		break;
	case SIM_CLOSE:
		pw_file_put(who->file);
		who->kind = SIM_NOTHING;
		who->gone = "was closed";
		sim_answer(outcome, 0, "closed; its VMAs keep it");
		break;
	default:
		new_file(run, s, outcome);
	}
}
