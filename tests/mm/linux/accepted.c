/* SPDX-License-Identifier: MIT */
/*
 * Differences between the host's kernel and pagewalk that are accepted, each with its reason and as narrow as it
 * can be told. CAVEATS.md has the same list for users.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "advice.h"
#include "check.h"

static bool of_file(const struct difference *d, const struct comparison *c, enum file_kind kind)
{
	return d->in_vma && d->vma.file >= 0 && c->script->file[d->vma.file].kind == kind;
}

/* Has the call just accessed this page? Then both sides have it. */
static bool accessed_now(const struct comparison *c, uint64_t va)
{
	const uint64_t page = c->can->page, first = c->call->arg[0] & ~(page - 1);

	switch (c->call->kind) {
	case CALL_READ:
	case CALL_WRITE:
		return !c->host->signal &&
		       (va == first || va == ((c->call->arg[0] + 7) & ~(page - 1)));
	case CALL_SCAN:
	case CALL_FILL:
		return va - first < (uint64_t)c->host->result * page;
	case CALL_DIGEST:
		for (unsigned i = 0; c->host && i < c->host->pages; i++)
			if (c->host->va[i] == va)
				return c->host->page[i] >> 56 != 0xfa;
		return false;
	default:
		return false;
	}
}

/* Both map pages of a file beside the one that faulted, but not the same ones; the host's depend on its folios. */
static bool fault_around(const struct comparison *c, const struct difference *d)
{
	const uint64_t around = PAGE_PRESENT | PAGE_FILE | PAGE_EXCLUSIVE;

	if (d->kind != DIFFERENT_PAGEMAP || !d->in_vma || d->vma.file == ANONYMOUS ||
	    of_file(d, c, FILE_HUGETLB))
		return false;
	if ((d->host ^ d->model) & ~around)
		return false;
	if ((d->host ^ d->model) == PAGE_EXCLUSIVE)
		return (d->host & PAGE_FILE) && (d->host & PAGE_PRESENT);
	if (accessed_now(c, d->va))
		return false;
	/* Linux had the page that was read now in memory, and mapped it earlier: so this read mapped nothing around it. */
	if (of_file(d, c, FILE_HOST) && d->host == 0)
		return d->model & PAGE_PRESENT && d->model & PAGE_FILE;
	return d->host & PAGE_PRESENT && d->host & PAGE_FILE && !(d->model & PAGE_PRESENT);
}

/* The host has read a file's pages before they were used. */
static bool read_ahead(const struct comparison *c, const struct difference *d)
{
	return d->kind == DIFFERENT_PAGE && d->call.kind == CALL_MINCORE && d->host == 1 &&
	       of_file(d, c, FILE_HOST);
}

/* How many calls were made when the difference was found: the last of them is the one that was compared. */
static unsigned calls_made(const struct comparison *c)
{
	const struct call *first = c->script->call;

	if (c->call >= first && c->call < first + c->script->calls)
		return (unsigned)(c->call - first) + 1;
	return c->script->calls;
}

/* Is @old the process @self, or one that it was forked from, by the calls up to now? */
static bool is_ancestor(const struct comparison *c, unsigned old, unsigned self)
{
	bool family[MAX_PROCESSES] = { false };

	family[old] = true;
	for (unsigned i = 0; i < calls_made(c); i++) {
		const struct call *call = &c->script->call[i];

		if (call->kind == CALL_FORK && call->arg[0] < MAX_PROCESSES &&
		    family[call->process])
			family[call->arg[0]] = true;
	}
	return family[self];
}

/* Does the call name the address? Where a later mremap may have moved the page, any address will do. */
static bool names_page(const struct comparison *c, unsigned number, uint64_t va)
{
	const struct call *call = &c->script->call[number];
	const uint64_t page = c->can->page;

	if (va - call->arg[0] < ((call->arg[1] + page - 1) & ~(page - 1)))
		return true;
	for (unsigned i = number; i < calls_made(c); i++)
		if (c->script->call[i].kind == CALL_MREMAP)
			return true;
	return false;
}

/*
 * Reclaim takes a page of a file, or of shared memory, out of the tables even if it then stays in memory: the pages
 * of the call's range, in the process that made it, and in its children if they got its tables.
 */
static bool paged_out(const struct comparison *c, const struct difference *d)
{
	if (d->kind != DIFFERENT_PAGEMAP || !d->in_vma || d->vma.file == ANONYMOUS ||
	    of_file(d, c, FILE_HUGETLB) || d->host & (PAGE_PRESENT | PAGE_SWAPPED) ||
	    !(d->model & PAGE_PRESENT) || !(d->model & PAGE_FILE))
		return false;
	for (unsigned i = 0; i < calls_made(c); i++) {
		const struct call *call = &c->script->call[i];

		if (call->kind == CALL_MADVISE && call->arg[2] == MADV_PAGEOUT &&
		    is_ancestor(c, call->process, c->call->process) && names_page(c, i, d->va))
			return true;
	}
	return false;
}

/* Was a part of the file cut off, or out, beside the page at @offset? */
static bool was_cut(const struct comparison *c, unsigned file, uint64_t offset)
{
	for (unsigned i = 0; i < calls_made(c); i++) {
		const struct call *call = &c->script->call[i];

		if (call->arg[0] != file)
			continue;
		if (call->kind == CALL_TRUNCATE && offset < call->arg[1])
			return true;
		if (call->kind == CALL_PUNCH &&
		    (offset < call->arg[1] || offset + c->can->page > call->arg[1] + call->arg[2]))
			return true;
	}
	return false;
}

/* A page of the host's file lies in a large folio. If a part of that goes, all of it is unmapped. */
static bool large_folio(const struct comparison *c, const struct difference *d)
{
	if (d->kind != DIFFERENT_PAGEMAP || !of_file(d, c, FILE_HOST) || d->host != 0 ||
	    !(d->model & PAGE_PRESENT) || !(d->model & PAGE_FILE))
		return false;
	return was_cut(c, (unsigned)d->vma.file, d->vma.offset + (d->va - d->vma.first));
}

const struct accepted ACCEPTED[] = {
	{ "read-ahead", "Linux reads pages of a file ahead, and this test writes the file before",
	  read_ahead },
	{ "page-out", "MADV_PAGEOUT unmaps pages of files although they then stay in memory",
	  paged_out },
	{ "large folio",
	  "Linux keeps several pages of a file in a folio, and unmaps all when some go",
	  large_folio },
	{ "fault-around",
	  "a read fault maps up to 64 KiB of a file's pages; which, depends on Linux's folios and read-ahead",
	  fault_around },
	{ NULL, NULL, NULL },
};
