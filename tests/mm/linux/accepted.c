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
	/* What is in memory of shared memory does not depend on that, unless some of it may be in swap. */
	return (of_file(d, c, FILE_HOST) || c->can->swap) && d->host & PAGE_PRESENT &&
	       d->host & PAGE_FILE && !(d->model & PAGE_PRESENT);
}

/* The host has read pages of a file, or of swap, before they were used. */
static bool read_ahead(const struct comparison *c, const struct difference *d)
{
	return d->kind == DIFFERENT_PAGE && d->call.kind == CALL_MINCORE && d->host == 1 &&
	       (of_file(d, c, FILE_HOST) || (c->can->swap && d->in_vma));
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

/* By halves: this is asked for every page of a huge leaf, for every page of it. */
static const uint64_t *pagemap_find(const struct view *view, uint64_t va)
{
	unsigned first = 0, end = view ? view->pages : 0;

	while (first < end) {
		const unsigned middle = first + (end - first) / 2;

		if (view->va[middle] == va)
			return &view->pagemap[middle];
		if (view->va[middle] < va)
			first = middle + 1;
		else
			end = middle;
	}
	return NULL;
}

/*
 * Linux 6.18 says of all pages of a huge leaf whether its first page is mapped once. The sides agree on that one, and the
 * host gives all others the same bit.
 */
static bool huge_leaf(const struct comparison *c, const struct difference *d)
{
	const uint64_t huge = UINT64_C(2) << 20, first = d->va & ~(huge - 1);
	const uint64_t *host = pagemap_find(c->host_view, first),
		       *model = pagemap_find(c->model_view, first);

	if (d->kind != DIFFERENT_PAGEMAP || !d->in_vma || (d->host ^ d->model) != PAGE_EXCLUSIVE ||
	    !(d->host & PAGE_PRESENT) || first < d->vma.first || d->vma.end - first < huge ||
	    !host || !model || ((*host ^ *model) & PAGE_EXCLUSIVE))
		return false;
	for (uint64_t va = first; va < first + huge; va += c->can->page) {
		const uint64_t *page = pagemap_find(c->host_view, va);

		if (page && ((*page ^ *host) & (PAGE_EXCLUSIVE | PAGE_PRESENT)))
			return false;
	}
	return true;
}

/* Linux makes all pages of a huge leaf soft-dirty if it splits the leaf and that was written to, even before clear_refs. */
static bool split_dirty(const struct comparison *c, const struct difference *d)
{
	if (d->kind != DIFFERENT_SOFT_DIRTY || !d->in_vma || d->vma.file != ANONYMOUS ||
	    !(d->host & PAGE_SOFT_DIRTY))
		return false;
	for (unsigned i = 0; i < calls_made(c); i++) {
		const struct call *call = &c->script->call[i];

		if (call->kind == CALL_MADVISE &&
		    (call->arg[2] == MADV_HUGEPAGE || call->arg[2] == ADVICE_COLLAPSE) &&
		    is_ancestor(c, call->process, c->call->process) && names_page(c, i, d->va))
			return true;
	}
	return false;
}

/* How many address spaces have there been? */
static unsigned spaces(const struct comparison *c)
{
	unsigned count = 1;

	for (unsigned i = 0; i < calls_made(c); i++)
		count += c->script->call[i].kind == CALL_FORK;
	return count;
}

/*
 * Linux remembers two of the address spaces that map a large folio (folio_test_large_maybe_mapped_shared), and takes one that a
 * third maps for shared even when the other two are gone. So MADV_PAGEOUT of a part does not split it there, and pages of
 * it that hold only zeros stay, where pagewalk has the page of zeros, or has put the page into swap.
 */
static bool third_space(const struct comparison *c, const struct difference *d)
{
	const unsigned huge_lg2 = 21;

	if (d->kind != DIFFERENT_PAGEMAP || !d->in_vma || d->vma.file != ANONYMOUS ||
	    spaces(c) < 3 || !(d->host & PAGE_PRESENT) || !(d->host & PAGE_EXCLUSIVE) ||
	    d->model & PAGE_EXCLUSIVE || !(d->model & (PAGE_PRESENT | PAGE_SWAPPED)))
		return false;
	for (unsigned i = 0; i < calls_made(c); i++) {
		const struct call *call = &c->script->call[i];
		const uint64_t last = call->arg[0] + call->arg[1] - 1;

		if (call->kind == CALL_MADVISE && call->arg[2] == MADV_PAGEOUT &&
		    is_ancestor(c, call->process, c->call->process) &&
		    call->arg[0] >> huge_lg2 <= d->va >> huge_lg2 &&
		    d->va >> huge_lg2 <= last >> huge_lg2)
			return true;
	}
	return false;
}

/* A write to a page of the host's file makes all pages of its large folio writable, and so soft-dirty. */
static bool written_folio(const struct comparison *c, const struct difference *d)
{
	return d->kind == DIFFERENT_SOFT_DIRTY && of_file(d, c, FILE_HOST) &&
	       d->host & PAGE_SOFT_DIRTY && d->host & PAGE_FILE && d->host & PAGE_PRESENT;
}

static bool was_moved(const struct comparison *c)
{
	for (unsigned i = 0; i < calls_made(c); i++) {
		const struct call *call = &c->script->call[i];

		if (call->kind == CALL_MREMAP && is_ancestor(c, call->process, c->call->process))
			return true;
	}
	return false;
}

/*
 * Pages that mremap moves are soft-dirty, if they are mapped then. Which pages of a file are, depends on fault-around and
 * on reclaim.
 */
static bool moved_file_page(const struct comparison *c, const struct difference *d)
{
	return d->kind == DIFFERENT_SOFT_DIRTY && d->in_vma && d->vma.file != ANONYMOUS &&
	       d->host & PAGE_FILE && was_moved(c);
}

const struct accepted ACCEPTED[] = {
	{ "read-ahead",
	  "Linux reads pages of files and of swap ahead, and this test writes the file before",
	  read_ahead },
	{ "page-out", "MADV_PAGEOUT unmaps pages of files although they then stay in memory",
	  paged_out },
	{ "large folio",
	  "Linux keeps several pages of a file in a folio, and unmaps all when some go",
	  large_folio },
	{ "fault-around",
	  "a read fault maps up to 64 KiB of a file's pages; which, depends on Linux's folios and read-ahead",
	  fault_around },
	{ "huge leaf",
	  "pagemap says of all pages of a huge leaf how often its first page is mapped",
	  huge_leaf },
	{ "third space",
	  "Linux takes a folio for shared that a third address space maps, even alone",
	  third_space },
	{ "split leaf", "a huge leaf that is dirty makes all its pages soft-dirty when it is split",
	  split_dirty },
	{ "written folio", "a write to a file maps all of a large folio, and makes it soft-dirty",
	  written_folio },
	{ "moved file page",
	  "mremap makes soft-dirty what is mapped, and fault-around has mapped other pages",
	  moved_file_page },
	{ NULL, NULL, NULL },
};
