/* SPDX-License-Identifier: MIT */
/* What differs between two maps: both lists are walked side by side. */
#include "change.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/escape.h"
#include "print.h"

enum { USES = 2 }; /* of a table that is used again and again, as in `map` */

static bool keep(struct map_list *list, const struct pw_range *range)
{
	struct pw_range *grown;

	if (range->status != PW_OK && range->status != PW_PROT_NONE)
		return true;
	if ((list->count & (list->count - 1)) == 0) {
		grown = reallocarray(list->range, list->count ? 2 * list->count : 1,
				     sizeof(*grown));
		if (!grown)
			return false;
		list->range = grown;
	}
	list->range[list->count++] = *range;
	return true;
}

/*
 * At a reset, QEMU first puts the new kernel's image into memory, and then tells of the reset. So what looks like
 * another kernel may be a reset that is told a moment later.
 */
static void ask_for_reset(const struct tool_input *input, struct change_gone *gone)
{
	const struct timespec moment = { .tv_nsec = 200 * 1000 * 1000 };
	struct pw_error error;
	int status;

	nanosleep(&moment, NULL);
	status = pw_memory_check(input->memory, &error);
	if (status == 0)
		return;
	*gone = (struct change_gone){ .status = status, .error = error };
}

/* Is the memory still that of the machine which was opened? Asks for its kernel as well if @gone is wanted. */
static int check_machine(const struct tool_input *input, struct change_gone *gone)
{
	if (!gone)
		return tool_check_memory(input);
	gone->kernel = false;
	gone->status = pw_memory_check(input->memory, &gone->error);
	if (gone->status == 0) {
		gone->status = pw_memory_check_kernel(input->memory, NULL, &gone->error);
		gone->kernel = gone->status == -ESTALE;
	}
	if (gone->kernel)
		ask_for_reset(input, gone);
	return gone->status < 0 ? TOOL_FAILED : 0;
}

int change_read(const struct tool_input *input, pw_va first, pw_va last, struct map_list *list,
		struct change_gone *gone)
{
	struct pw_scan_limits limits = { .uses = USES, .cancel = tool_stop_flag() };
	struct pw_range range[256];
	struct pw_scan_state state;
	struct pw_error error;
	struct pw_scan *scan;
	bool room = true;

	*list = (struct map_list){ .count = 0 };
	if (pw_scan_create(input->memory, &input->regime, first, last, &limits, &scan, &error))
		return tool_fail("%s", error.text);
	for (size_t n; room && (n = pw_scan_next(scan, range, 256)) > 0;)
		for (size_t i = 0; i < n && room; i++)
			room = keep(list, &range[i]);
	pw_scan_state(scan, &state);
	pw_scan_destroy(scan);
	if (!room)
		return tool_fail("out of memory");
	if (check_machine(input, gone))
		return TOOL_FAILED;
	if (state.stopped == -ECANCELED)
		return TOOL_NOTHING;
	return tool_scan_stopped(state.stopped, state.next, "the comparison",
				 "A range of addresses (FIRST-LAST) limits what is looked at.")
		       ? TOOL_NOTHING
		       : TOOL_DONE;
}

/* The part of @range from @va on. */
static struct pw_range from(const struct pw_range *range, pw_va va)
{
	struct pw_range part = *range;

	part.pa += va - range->first;
	part.first = va;
	return part;
}

/* How the pages differ. False: they do not. */
static bool differ(const struct pw_range *before, const struct pw_range *after,
		   enum change_kind *kind_ret)
{
	const uint32_t attr = PW_PROT_MASK | PRINT_RANGE_FLAGS;

	if (before->pa != after->pa)
		*kind_ret = CHANGE_MOVED;
	else if (((before->attr ^ after->attr) & attr) || before->status != after->status ||
		 before->memtype != after->memtype)
		*kind_ret = CHANGE_PROTECTED;
	else if (before->size_lg2 != after->size_lg2)
		*kind_ret = CHANGE_RESIZED;
	else
		return false;
	return true;
}

static bool alike(const struct pw_range *a, const struct pw_range *b, uint64_t distance)
{
	return a->pa + distance == b->pa && a->attr == b->attr && a->status == b->status &&
	       a->size_lg2 == b->size_lg2 && a->memtype == b->memtype;
}

/* The change that grows until one comes that does not continue it. */
struct pending {
	struct change change;
	bool any;
	size_t count;
	void (*tell)(void *context, const struct change *change);
	void *context;
};

static void flush(struct pending *pending)
{
	if (!pending->any)
		return;
	pending->count++;
	pending->tell(pending->context, &pending->change);
	pending->any = false;
}

static void add(struct pending *pending, const struct change *change)
{
	struct change *last = &pending->change;
	uint64_t distance = change->first - last->first;

	if (pending->any && last->kind == change->kind && last->last + 1 == change->first &&
	    (change->kind == CHANGE_MAPPED || alike(&last->before, &change->before, distance)) &&
	    (change->kind == CHANGE_UNMAPPED || alike(&last->after, &change->after, distance))) {
		last->last = change->last;
		return;
	}
	flush(pending);
	*last = *change;
	pending->any = true;
}

/* The last address of a part that is alike, as far as one map decides: it is in @range, or before it. */
static pw_va part_last(const struct pw_range *range, pw_va first, bool inside)
{
	if (!range)
		return UINT64_MAX;
	return inside ? range->last : first - 1;
}

size_t change_find(const struct map_list *before, const struct map_list *after,
		   void (*tell)(void *context, const struct change *change), void *context)
{
	struct pending pending = { .tell = tell, .context = context };
	size_t i = 0, j = 0;
	pw_va va = 0;

	/* All below `va` has been compared; i and j are the first ranges that end at `va` or above. */
	while (i < before->count || j < after->count) {
		const struct pw_range *old = i < before->count ? &before->range[i] : NULL;
		const struct pw_range *new = j < after->count ? &after->range[j] : NULL;
		pw_va old_first = old ? (old->first > va ? old->first : va) : UINT64_MAX;
		pw_va new_first = new ? (new->first > va ? new->first : va) : UINT64_MAX;
		bool has_old = old && (!new || old_first <= new_first);
		bool has_new = new && (!old || new_first <= old_first);
		struct change change = { .first = has_old ? old_first : new_first };
		pw_va old_last = part_last(old, old_first, has_old);
		pw_va new_last = part_last(new, new_first, has_new);
		bool told = true;

		change.last = old_last < new_last ? old_last : new_last;
		if (has_old)
			change.before = from(old, change.first);
		if (has_new)
			change.after = from(new, change.first);
		change.kind = has_old ? CHANGE_UNMAPPED : CHANGE_MAPPED;
		if (has_old && has_new)
			told = differ(&change.before, &change.after, &change.kind);
		if (told)
			add(&pending, &change);
		i += old && old->last <= change.last;
		j += new &&new->last <= change.last;
		va = change.last + 1;
		if (va == 0)
			break;
	}
	flush(&pending);
	return pending.count;
}

/* ---- printing ---- */

static const char *const names[] = { "mapped", "unmapped", "moved", "protected", "resized" };

enum { PAGE_TEXT = PRINT_TEXT + 8 };

static void page_text(const struct pw_range *range, char text[PAGE_TEXT])
{
	char flags[PRINT_TEXT], prot[5];

	if (range->status == PW_PROT_NONE)
		snprintf(text, PAGE_TEXT, "prot-none");
	else
		snprintf(text, PAGE_TEXT, "%s%s", pw_prot_string(range->attr, prot),
			 print_flags(range->attr & PRINT_RANGE_FLAGS, range->memtype, flags));
}

/* What was there before, as far as it differs. */
static void old_text(const struct change *change, const char *now, char text[2 * PAGE_TEXT])
{
	char old[PAGE_TEXT], size[PRINT_TEXT];
	size_t used = 0;

	page_text(&change->before, old);
	text[0] = '\0';
	if (change->kind == CHANGE_MOVED)
		used = (size_t)snprintf(text, PAGE_TEXT, "  was at 0x%llx",
					(unsigned long long)change->before.pa);
	if ((change->kind == CHANGE_MOVED || change->kind == CHANGE_PROTECTED) &&
	    strcmp(old, now) != 0)
		snprintf(text + used, 2 * PAGE_TEXT - used, "  was %s", old);
	if (change->kind == CHANGE_RESIZED)
		snprintf(text, PAGE_TEXT, "  was %s",
			 pw_size_lg2_text(change->before.size_lg2, size));
}

void change_print(const struct terminal *terminal, const char *before,
		  const struct pw_regime *regime, const struct change *change)
{
	const struct pw_range *page = change->kind == CHANGE_UNMAPPED ? &change->before
								      : &change->after;
	char length[PRINT_TEXT], size[PRINT_TEXT], text[PAGE_TEXT], old[2 * PAGE_TEXT];
	int digits = print_va_digits(regime);

	page_text(page, text);
	old_text(change, text, old);
	terminal_line(terminal, "%s%-9s  0x%0*llx-0x%0*llx  0x%016llx %9s %8s  %s%s", before,
		      names[change->kind], digits, (unsigned long long)change->first, digits,
		      (unsigned long long)change->last, (unsigned long long)page->pa,
		      pw_size_text(change->last - change->first, length),
		      pw_size_lg2_text(page->size_lg2, size), text, old);
}

/* The members for one side of a change; those for what was there before have "old_" before their names. */
static void print_side(bool old, const struct pw_range *range)
{
	const char *prefix = old ? "old_" : "";
	char prot[5];

	printf(",\"%spa\":\"0x%llx\",\"%sstatus\":\"%s\"", prefix, (unsigned long long)range->pa,
	       prefix, pw_status_name((enum pw_status)range->status));
	pw_json_count(stdout, old ? "old_size" : "size",
		      range->size_lg2 < 64 ? (UINT64_C(1) << range->size_lg2) - 1 : UINT64_MAX);
	if (range->status != PW_OK)
		return;
	printf(",\"%sprot\":\"%s\"", prefix, pw_prot_string(range->attr, prot));
	pw_names_json_flags(stdout, old ? "old_flags" : "flags", range->attr & PRINT_RANGE_FLAGS);
	printf(",\"%smemtype\":\"%s\"", prefix, pw_memtype_name(range->memtype));
}

void change_print_json(const struct change *change)
{
	printf("\"change\":\"%s\",\"va\":\"0x%llx\"", names[change->kind],
	       (unsigned long long)change->first);
	print_json_length(change->first, change->last);
	if (change->kind != CHANGE_MAPPED)
		print_side(true, &change->before);
	if (change->kind != CHANGE_UNMAPPED)
		print_side(false, &change->after);
	else
		printf(",\"status\":\"%s\"", pw_status_name(PW_NONE));
}
