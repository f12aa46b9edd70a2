/* SPDX-License-Identifier: MIT */
/* What both sides must agree on: results, faults, values, pages, VMAs, and the bits of pagemap. */
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

#include "check.h"

const char *const DIFFERENCE_NAME[DIFFERENCE_KINDS] = {
	[SAME] = "same",
	[DIFFERENT_RESULT] = "result",
	[DIFFERENT_FAULT] = "fault",
	[DIFFERENT_VALUE] = "value",
	[DIFFERENT_PAGE] = "page",
	[DIFFERENT_VMAS] = "VMAs",
	[DIFFERENT_PAGEMAP] = "pagemap",
	[DIFFERENT_SOFT_DIRTY] = "soft-dirty",
	[CRASHED] = "crash",
	[HUNG] = "hang",
	[NOT_RUN] = "not run",
};

uint64_t digest_bytes(const void *bytes, size_t count)
{
	const unsigned char *byte = bytes;
	uint64_t digest = UINT64_C(0xcbf29ce484222325), word;
	size_t i = 0;

	for (; i + 8 <= count; i += 8) {
		memcpy(&word, byte + i, 8);
		digest = (digest ^ word) * UINT64_C(0x100000001b3);
		digest ^= digest >> 29;
	}
	for (; i < count; i++)
		digest = (digest ^ byte[i]) * UINT64_C(0x100000001b3);
	return digest;
}

uint64_t digest_fault(int signal, int code)
{
	return UINT64_C(0xfa00000000000000) | (uint64_t)(unsigned)signal << 16 | (uint16_t)code;
}

const struct vma *view_find(const struct view *view, uint64_t va)
{
	for (unsigned i = 0; view && i < view->vmas; i++)
		if (va >= view->vma[i].first && va < view->vma[i].end)
			return &view->vma[i];
	return NULL;
}

/* Does it stand, or is it accepted? */
static bool stands(const struct comparison *c, struct difference *difference)
{
	const struct vma *vma = view_find(c->host_view, difference->va);

	difference->in_vma = vma != NULL;
	if (vma)
		difference->vma = *vma;
	difference->call = *c->call;
	for (unsigned i = 0; ACCEPTED[i].name; i++) {
		if (ACCEPTED[i].match(c, difference)) {
			c->verdict->accepted[i]++;
			return false;
		}
	}
	c->verdict->difference = *difference;
	return true;
}

static bool unequal_stands(const struct comparison *c, enum difference_kind kind, uint64_t va,
			   uint64_t host, uint64_t model, const char *what)
{
	struct difference difference = { .kind = kind, .va = va, .host = host, .model = model };

	if (kind == DIFFERENT_RESULT)
		snprintf(difference.text, TEXT,
			 "%s: host %" PRId64 " (%s), pagewalk %" PRId64 " (%s)", what,
			 (int64_t)host,
			 (int64_t)host < 0 ? strerror((int)-(int64_t)host) : "no error",
			 (int64_t)model,
			 (int64_t)model < 0 && (int64_t)model > -4096
				 ? strerror((int)-(int64_t)model)
				 : "no error");
	else
		snprintf(difference.text, TEXT,
			 "%s at w+0x%" PRIx64 ": host 0x%" PRIx64 ", pagewalk 0x%" PRIx64, what,
			 va - WINDOW, host, model);
	return stands(c, &difference);
}

static bool words_differ(const struct comparison *c, enum difference_kind kind, uint64_t va,
			 uint64_t host, uint64_t model, const char *what)
{
	return host != model && unequal_stands(c, kind, va, host, model, what);
}

static const char *fault_name(int signal, int code, char *buffer, size_t bytes)
{
	if (!signal)
		return "no fault";
	snprintf(buffer, bytes, "%s code %d", signal == SIGSEGV ? "SIGSEGV" : "SIGBUS", code);
	return buffer;
}

static bool faults_differ(const struct comparison *c)
{
	const struct answer *host = c->host, *model = c->model;
	struct difference difference = { .kind = DIFFERENT_FAULT,
					 .va = host->signal ? host->fault : model->fault,
					 .host = digest_fault(host->signal, host->code),
					 .model = digest_fault(model->signal, model->code) };
	char first[40], second[40];

	if (host->signal == model->signal && host->code == model->code &&
	    host->fault == model->fault)
		return false;
	snprintf(difference.text, TEXT,
		 "fault: host %s at 0x%" PRIx64 ", pagewalk %s at 0x%" PRIx64,
		 fault_name(host->signal, host->code, first, sizeof first), host->fault,
		 fault_name(model->signal, model->code, second, sizeof second), model->fault);
	return stands(c, &difference);
}

bool compare_answers(const struct comparison *c)
{
	const struct answer *host = c->host, *model = c->model;

	if (words_differ(c, DIFFERENT_RESULT, c->call->arg[0], (uint64_t)host->result,
			 (uint64_t)model->result, "result"))
		return true;
	if (faults_differ(c))
		return true;
	if (words_differ(c, DIFFERENT_VALUE, c->call->arg[0], host->value, model->value, "value"))
		return true;
	/* If they are not as many, the VMAs differ, or an accepted result differs. */
	for (unsigned i = 0; i < host->pages && i < model->pages; i++) {
		if (host->va[i] != model->va[i])
			return false;
		if (words_differ(c, DIFFERENT_PAGE, host->va[i], host->page[i], model->page[i],
				 c->call->kind == CALL_MINCORE ? "mincore" : "content"))
			return true;
	}
	return false;
}

/* ---- VMAs ---- */

static size_t vmas_print(const struct view *view, char *text, size_t bytes)
{
	static const char *const flag[] = { "lo", "gd", "hg", "nh", "dc", "wf", "nr", "ht" };
	size_t at = 0;

	for (unsigned i = 0; i < view->vmas && at + 128 < bytes; i++) {
		const struct vma *vma = &view->vma[i];

		at += (size_t)snprintf(text + at, bytes - at,
				       "    w+0x%08" PRIx64 "-0x%08" PRIx64 " %s 0x%" PRIx64 " ",
				       vma->first - WINDOW, vma->end - WINDOW, vma->prot,
				       vma->offset);
		if (vma->file >= 0)
			at += (size_t)snprintf(text + at, bytes - at, "file %d", vma->file);
		else
			at += (size_t)snprintf(text + at, bytes - at, "%s",
					       vma->file == ANONYMOUS ? "anonymous"
								      : "anonymous shared");
		for (unsigned n = 0; n < sizeof flag / sizeof *flag; n++)
			if (vma->flags & 1u << n)
				at += (size_t)snprintf(text + at, bytes - at, " %s", flag[n]);
		at += (size_t)snprintf(text + at, bytes - at, "\n");
	}
	return at;
}

static bool vma_differs(const struct vma *host, const struct vma *model)
{
	return host->first != model->first || host->end != model->end ||
	       strcmp(host->prot, model->prot) != 0 || host->offset != model->offset ||
	       host->file != model->file || host->flags != model->flags;
}

static bool vmas_differ(const struct comparison *c)
{
	const struct view *host = c->host_view, *model = c->model_view;
	struct difference difference = { .kind = DIFFERENT_VMAS };
	unsigned i = 0;
	size_t at;

	while (i < host->vmas && i < model->vmas && !vma_differs(&host->vma[i], &model->vma[i]))
		i++;
	if (i == host->vmas && i == model->vmas)
		return false;
	difference.va = i < host->vmas ? host->vma[i].first : model->vma[i].first;
	difference.host = host->vmas;
	difference.model = model->vmas;
	at = (size_t)snprintf(difference.text, TEXT, "VMAs of the host:\n");
	at += vmas_print(host, difference.text + at, TEXT / 2 - at);
	at += (size_t)snprintf(difference.text + at, TEXT - at, "  of pagewalk:\n");
	vmas_print(model, difference.text + at, TEXT - at);
	return stands(c, &difference);
}

/* Where one of them has another page, or none, that one's history is another, too. */
static bool pages_differ(const struct comparison *c, uint64_t va, uint64_t host, uint64_t model)
{
	const uint64_t bits = PAGE_PRESENT | PAGE_SWAPPED | PAGE_FILE | PAGE_EXCLUSIVE |
			      PAGE_GUARD | PAGE_UFFD_WP;

	if ((host ^ model) & bits)
		return unequal_stands(c, DIFFERENT_PAGEMAP, va, host & bits, model & bits,
				      "pagemap");
	return c->can->soft_dirty &&
	       words_differ(c, DIFFERENT_SOFT_DIRTY, va, host & (bits | PAGE_SOFT_DIRTY),
			    model & (bits | PAGE_SOFT_DIRTY), "soft-dirty");
}

bool compare_views(const struct comparison *c)
{
	const struct view *host = c->host_view, *model = c->model_view;

	if (vmas_differ(c))
		return true;
	for (unsigned i = 0; i < host->pages && i < model->pages; i++)
		if (host->va[i] == model->va[i] &&
		    pages_differ(c, host->va[i], host->pagemap[i], model->pagemap[i]))
			return true;
	return false;
}
