/* SPDX-License-Identifier: MIT */
/* What each verb of a script does to the machine and to address spaces. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cli/output.h"
#include "cli/sim/sim.h"
#include "cli/tool.h"

enum { DEFAULT_PAGES = 4096 };

/* ---- objects ---- */

struct sim_object *sim_find(struct sim_run *run, const char *name)
{
	for (unsigned i = 0; i < run->objects; i++)
		if (strcmp(run->object[i].name, name) == 0)
			return &run->object[i];
	return NULL;
}

struct sim_object *sim_add(struct sim_run *run, const char *name, enum sim_kind kind)
{
	struct sim_object *object = &run->object[run->objects++];

	memset(object, 0, sizeof(*object));
	snprintf(object->name, sizeof(object->name), "%s", name);
	object->kind = kind;
	object->fd = -1;
	return object;
}

void sim_add_failed(struct sim_run *run, const char *name)
{
	sim_add(run, name, SIM_NOTHING)->gone = "could not be made";
}

/* ---- outcomes ---- */

void sim_answer_gone(struct sim_outcome *outcome, const struct sim_object *object)
{
	snprintf(outcome->word, sizeof(outcome->word), "gone");
	snprintf(outcome->text, sizeof(outcome->text), "%s %s", object->name, object->gone);
}

const char *sim_errno_name(int64_t code)
{
	switch (-code) {
	case EPERM:
		return "EPERM";
	case EINTR:
		return "EINTR";
	case EIO:
		return "EIO";
	case EAGAIN:
		return "EAGAIN";
	case ENOMEM:
		return "ENOMEM";
	case EACCES:
		return "EACCES";
	case EFAULT:
		return "EFAULT";
	case EBUSY:
		return "EBUSY";
	case EEXIST:
		return "EEXIST";
	case EINVAL:
		return "EINVAL";
	case ERANGE:
		return "ERANGE";
	case EOPNOTSUPP:
		return "EOPNOTSUPP";
	case EOVERFLOW:
		return "EOVERFLOW";
	case EBADF:
		return "EBADF";
	case EFBIG:
		return "EFBIG";
	case EHWPOISON:
		return "EHWPOISON";
	case ENOSPC:
		return "ENOSPC";
	default:
		return "error";
	}
}

void sim_answer(struct sim_outcome *outcome, int64_t code, const char *format, ...)
{
	va_list list;

	if (code < 0) {
		snprintf(outcome->word, sizeof(outcome->word), "%s", sim_errno_name(code));
		snprintf(outcome->text, sizeof(outcome->text), "refused: %s (%.16s)",
			 strerror((int)-code), outcome->word);
		return;
	}
	snprintf(outcome->word, sizeof(outcome->word), "done");
	va_start(list, format);
	vsnprintf(outcome->text, sizeof(outcome->text), format, list);
	va_end(list);
}

void sim_answer_fault(struct sim_outcome *outcome, const struct pw_fault *fault)
{
	static const char *const word[] = {
		[PW_FAULT_DONE] = "done",     [PW_FAULT_MAPERR] = "maperr",
		[PW_FAULT_ACCERR] = "accerr", [PW_FAULT_ADRERR] = "adrerr",
		[PW_FAULT_POISON] = "poison", [PW_FAULT_OOM] = "oom",
		[PW_FAULT_RETRY] = "retry",
	};

	snprintf(outcome->word, sizeof(outcome->word), "%s", word[fault->kind]);
	snprintf(outcome->text, sizeof(outcome->text), "the access to 0x%llx failed: %s",
		 (unsigned long long)fault->va, pw_fault_name(fault->kind));
}

/* ---- address spaces ---- */

static void adopt(struct sim_run *run, const char *name, struct pw_mm *mm,
		  struct sim_outcome *outcome)
{
	struct sim_object *object = sim_add(run, name, SIM_IS_MM);

	object->mm = mm;
	if (pw_cpu_create(mm, &object->cpu)) {
		pw_mm_destroy(mm);
		object->kind = SIM_NOTHING;
		object->gone = "could not be made";
		sim_answer(outcome, -ENOMEM, "%s", "");
	}
}

static void new_mm(struct sim_run *run, const struct sim_statement *s, struct sim_outcome *outcome)
{
	struct pw_mm *mm;
	int code = pw_mm_create(run->machine, &mm, NULL);

	sim_answer(outcome, code, "a new address space");
	if (!code)
		adopt(run, s->name, mm, outcome);
	else
		sim_add_failed(run, s->name);
}

static void fork_mm(struct sim_run *run, const struct sim_statement *s, struct sim_object *who,
		    struct sim_outcome *outcome)
{
	struct pw_mm *mm;
	int code = pw_mm_fork(who->mm, &mm, NULL);

	sim_answer(outcome, code, "%s is a copy of %s", s->name, who->name);
	if (!code)
		adopt(run, s->name, mm, outcome);
	else
		sim_add_failed(run, s->name);
}

static void exit_mm(struct sim_run *run, struct sim_object *who, struct sim_outcome *outcome)
{
	for (unsigned i = 0; i < run->objects; i++) {
		struct sim_pin *pin = run->object[i].pin;

		if (pin && pin->mm == who) {
			pin->mm = NULL;
			pin->reader = pw_cpu_reader(run->keeper_cpu);
		}
	}
	pw_cpu_destroy(who->cpu);
	pw_mm_destroy(who->mm);
	who->kind = SIM_NOTHING;
	who->gone = "has exited";
	sim_answer(outcome, 0, "its VMAs and tables are gone");
}

static void map(struct sim_run *run, const struct sim_statement *s, struct sim_object *who,
		struct sim_outcome *outcome)
{
	struct sim_object *what = s->name[0] ? sim_find(run, s->name) : NULL;
	pw_sva va;

	if (what && what->kind == SIM_NOTHING) {
		sim_answer_gone(outcome, what);
		return;
	}
	if (what && what->device)
		va = pw_mmap_device(who->mm, s->va, s->bytes, s->prot, s->flags, what->device,
				    s->offset);
	else
		va = pw_mmap(who->mm, s->va, s->bytes, s->prot,
			     s->flags | (what ? 0 : MAP_ANONYMOUS), what ? what->file : NULL,
			     s->offset);
	sim_answer(outcome, pw_is_error(va) ? va : 0,
		   "mapped at 0x%llx; nothing is there until the first access",
		   (unsigned long long)va);
}

static void remap(const struct sim_statement *s, struct sim_object *who,
		  struct sim_outcome *outcome)
{
	pw_sva va = pw_mremap(who->mm, s->va, s->bytes, s->more, s->flags, s->to);

	sim_answer(outcome, pw_is_error(va) ? va : 0, "now at 0x%llx", (unsigned long long)va);
}

/* How many pages of a range are in memory. A step asks for SIM_PIN_PAGES at most at a time. */
static void in_core(const struct sim_run *run, const struct sim_statement *s,
		    struct sim_object *who, struct sim_outcome *outcome)
{
	const uint64_t pages = s->bytes / run->page + (s->bytes % run->page != 0);
	unsigned char present[SIM_PIN_PAGES];
	unsigned long long found = 0;

	for (uint64_t page = 0; page == 0 || page < pages; page += SIM_PIN_PAGES) {
		const uint64_t left = pages - page;
		const uint64_t some = left < SIM_PIN_PAGES ? left : SIM_PIN_PAGES;
		int code = pw_mincore(who->mm, s->va + page * run->page, some * run->page, present);

		if (code) {
			sim_answer(outcome, code, "%s", "");
			return;
		}
		for (uint64_t i = 0; i < some; i++)
			found += present[i] & 1;
	}
	sim_answer(outcome, 0, "%llu of %llu page%s in memory", found, (unsigned long long)pages,
		   pages == 1 ? " is" : "s are");
}

static void touch(const struct sim_run *run, const struct sim_statement *s, struct sim_object *who,
		  struct sim_outcome *outcome)
{
	uint64_t pages = 0;

	for (pw_va va = s->va; va - s->va < s->bytes; va += run->page, pages++) {
		struct pw_fault fault;

		if (pw_mm_fault(who->mm, va, (enum pw_access_kind)s->advice, &fault) !=
		    PW_FAULT_DONE) {
			sim_answer_fault(outcome, &fault);
			return;
		}
	}
	sim_answer(outcome, 0, "%llu page%s", (unsigned long long)pages, pages == 1 ? "" : "s");
}

static void write_text(const struct sim_statement *s, struct sim_object *who,
		       struct sim_outcome *outcome)
{
	size_t bytes = strlen(s->text);
	struct iovec from = { (void *)s->text, bytes };
	struct pw_extent to = { s->va, bytes };

	if (s->flags) {
		long done = pw_mm_write(who->mm, &to, 1, &from, 1, true);

		sim_answer(outcome, done, "%zu bytes written by force, as a debugger does", bytes);
		return;
	}
	if (pw_copy_to(who->cpu, s->va, s->text, bytes) == bytes)
		sim_answer(outcome, 0, "%zu bytes written", bytes);
	else
		sim_answer_fault(outcome, pw_cpu_fault(who->cpu));
}

/* What was read, with dots for bytes that are not letters. */
void sim_answer_text(struct sim_outcome *outcome, const char *text, size_t bytes)
{
	size_t used = 0;

	outcome->word[used++] = '"';
	for (size_t i = 0; i < bytes; i++)
		outcome->word[used++] = text[i] >= ' ' && text[i] < 0x7f && text[i] != '"' ? text[i]
											   : '.';
	outcome->word[used++] = '"';
	outcome->word[used] = '\0';
	snprintf(outcome->text, sizeof(outcome->text), "%.*s", SIM_TEXT - 1, outcome->word);
}

static void read_text(const struct sim_statement *s, struct sim_object *who,
		      struct sim_outcome *outcome)
{
	char text[SIM_TEXT];

	if (pw_copy_from(who->cpu, text, s->va, (size_t)s->bytes) == s->bytes)
		sim_answer_text(outcome, text, (size_t)s->bytes);
	else
		sim_answer_fault(outcome, pw_cpu_fault(who->cpu));
}

/* The page behind an address; false after an answer. */
static bool page_of(struct sim_object *who, pw_va va, pw_pa *pa_ret, struct sim_outcome *outcome)
{
	struct pw_result result;

	if (pw_space_translate(pw_cpu_reader(who->cpu), va, &result) != PW_OK) {
		snprintf(outcome->word, sizeof(outcome->word), "nothing");
		snprintf(outcome->text, sizeof(outcome->text),
			 "no page is behind 0x%llx (%s): touch it first", (unsigned long long)va,
			 pw_status_name((enum pw_status)result.status));
		return false;
	}
	*pa_ret = result.pa;
	return true;
}

static void on_page(struct sim_run *run, const struct sim_statement *s, struct sim_object *who,
		    struct sim_outcome *outcome)
{
	pw_pa pa;

	if (!page_of(who, s->va, &pa, outcome))
		return;
	if (s->verb == SIM_MIGRATE)
		sim_answer(outcome, pw_migrate(run->machine, pa), "the page was moved");
	else if (s->verb == SIM_POISON)
		sim_answer(outcome, pw_poison(run->machine, pa), "its memory is broken");
	else
		sim_answer(outcome, pw_split_folio(run->machine, pa),
			   "the folio is single pages now");
}

static void collapse(struct sim_object *who, struct sim_outcome *outcome)
{
	unsigned made = pw_collapse_all(who->mm);

	sim_answer(outcome, 0, "%u huge page%s made", made, made == 1 ? "" : "s");
}

static void do_mm(struct sim_run *run, const struct sim_statement *s, struct sim_object *who,
		  struct sim_outcome *outcome)
{
	switch (s->verb) {
	case SIM_MMAP:
		map(run, s, who, outcome);
		break;
	case SIM_MUNMAP:
		sim_answer(outcome, pw_munmap(who->mm, s->va, s->bytes), "unmapped");
		break;
	case SIM_MPROTECT:
		sim_answer(outcome, pw_mprotect(who->mm, s->va, s->bytes, s->prot), "protected");
		break;
	case SIM_MREMAP:
		remap(s, who, outcome);
		break;
	case SIM_MADVISE:
		sim_answer(outcome, pw_madvise(who->mm, s->va, s->bytes, s->advice), "done");
		break;
	case SIM_MLOCK:
		sim_answer(outcome, pw_mlock(who->mm, s->va, s->bytes, 0), "locked");
		break;
	case SIM_MUNLOCK:
		sim_answer(outcome, pw_munlock(who->mm, s->va, s->bytes), "unlocked");
		break;
	case SIM_MSYNC:
		sim_answer(outcome, pw_msync(who->mm, s->va, s->bytes, MS_SYNC),
			   "what was written is in the file");
		break;
	case SIM_MINCORE:
		in_core(run, s, who, outcome);
		break;
	case SIM_TOUCH:
		touch(run, s, who, outcome);
		break;
	case SIM_WRITE:
		write_text(s, who, outcome);
		break;
	case SIM_READ:
		read_text(s, who, outcome);
		break;
	case SIM_FORK:
		fork_mm(run, s, who, outcome);
		break;
	case SIM_EXIT:
		exit_mm(run, who, outcome);
		break;
	case SIM_COLLAPSE:
		collapse(who, outcome);
		break;
	case SIM_NUMA:
		sim_answer(outcome, 0, "0x%llx bytes will fault at the next access",
			   (unsigned long long)pw_numa_hint(who->mm, s->va, s->bytes));
		break;
	default:
		on_page(run, s, who, outcome);
	}
}

void sim_do(struct sim_run *run, const struct sim_statement *s, struct sim_outcome *outcome)
{
	struct sim_object *who = s->who[0] ? sim_find(run, s->who) : NULL;

	*outcome = (struct sim_outcome){ 0 };
	if (who && who->kind == SIM_NOTHING) {
		sim_answer_gone(outcome, who);
		return;
	}
	if (s->verb == SIM_PIN || sim_verbs[s->verb].of == SIM_IS_PIN)
		sim_do_pin(run, s, who, outcome);
	else if (who && who->kind == SIM_IS_MM)
		do_mm(run, s, who, outcome);
	else if (s->verb == SIM_MM)
		new_mm(run, s, outcome);
	else if (s->verb == SIM_RECLAIM)
		sim_answer(outcome, 0, "0x%llx bytes are free because of that",
			   (unsigned long long)pw_reclaim(run->machine, s->bytes));
	else
		sim_do_file(run, s, who, outcome);
}

/* ---- the whole ---- */

static int create_machine(struct sim_run *run, const struct pw_machine_options *options)
{
	struct pw_error error;

	if (pw_machine_create(options, &run->machine, &error))
		return tool_fail("%s: %s", run->script->path, error.text);
	return TOOL_DONE;
}

/* The machine opens its swap file by a name, which then goes away. No signal may come between. */
static int create_machine_with_swap(struct sim_run *run, struct pw_machine_options *options)
{
	char swap[OUTPUT_NAME];
	int fd, status = TOOL_FAILED;

	tool_hold_interrupts(true);
	fd = output_temporary("the swap", swap);
	if (fd >= 0) {
		close(fd);
		options->swap = swap;
		status = create_machine(run, options);
		unlink(swap);
	}
	tool_hold_interrupts(false);
	return status;
}

int sim_run_init(struct sim_run *run, const struct sim_script *script)
{
	struct pw_machine_options options = script->machine;
	struct pw_error error;
	int status;

	*run = (struct sim_run){ .script = script, .page = sim_page_bytes(options.format) };
	if (!options.bytes)
		options.bytes = DEFAULT_PAGES * run->page;
	options.poison = true;
	status = options.swap_bytes ? create_machine_with_swap(run, &options)
				    : create_machine(run, &options);
	if (status)
		return status;
	if (pw_mm_create(run->machine, &run->keeper, &error)) {
		pw_machine_destroy(run->machine);
		return tool_fail("%s: %s", script->path, error.text);
	}
	if (pw_cpu_create(run->keeper, &run->keeper_cpu)) {
		pw_mm_destroy(run->keeper);
		pw_machine_destroy(run->machine);
		return tool_fail("no memory for a cpu");
	}
	return TOOL_DONE;
}

static void close_object(struct sim_object *object)
{
	if (object->pin) {
		pw_unpin_pages(object->pin->reader, object->pin->page, object->pin->count,
			       object->pin->flags, false);
		free(object->pin);
	}
}

void sim_run_deinit(struct sim_run *run)
{
	for (unsigned i = 0; i < run->objects; i++)
		close_object(&run->object[i]);
	for (unsigned i = 0; i < run->objects; i++) {
		if (run->object[i].kind != SIM_IS_MM)
			continue;
		pw_cpu_destroy(run->object[i].cpu);
		pw_mm_destroy(run->object[i].mm);
	}
	for (unsigned i = 0; i < run->objects; i++) {
		if (run->object[i].kind == SIM_IS_FILE)
			pw_file_put(run->object[i].file);
		if (run->object[i].kind == SIM_IS_DEVICE)
			pw_device_put(run->object[i].device);
		if (run->object[i].fd >= 0)
			close(run->object[i].fd);
	}
	pw_cpu_destroy(run->keeper_cpu);
	pw_mm_destroy(run->keeper);
	pw_machine_destroy(run->machine);
}
