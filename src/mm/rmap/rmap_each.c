/* SPDX-License-Identifier: MIT */
/* From a folio to the VMAs that may map it: the list of its file, or of its anon. rmap.c looks at their entries. */
#include "mm/file/file.h"
#include "mm/mm.h"

/* Does @vma have a page of @frames pages from @index on? *va_ret is where the first of them is. */
static bool vma_has(const struct pw_vma *vma, uint64_t index, uint32_t frames, pw_va *va_ret)
{
	const unsigned page_lg2 = vma->mm->machine->page_lg2;
	uint64_t pages = ((vma->last - vma->first) >> page_lg2) + 1, first = index;

	if (index + frames <= vma->offset || index >= vma->offset + pages)
		return false;
	if (first < vma->offset)
		first = vma->offset;
	*va_ret = vma->first + ((first - vma->offset) << page_lg2);
	return true;
}

static int each_anon(struct pw_anon *anon, uint64_t index, uint32_t frames,
		     int (*each)(void *context, struct pw_vma *vma, pw_va va), void *context)
{
	int code = 0;
	pw_va va;

	/* Nobody uses it: then the page is mapped nowhere. A list of others, if it is in use again, does no harm. */
	if (!pw_anon_try_get(anon))
		return 0;
	pthread_mutex_lock(&anon->lock);
	for (struct pw_vma *vma = anon->vmas; vma && !code; vma = vma->anon_next)
		if (vma_has(vma, index, frames, &va))
			code = each(context, vma, va);
	pthread_mutex_unlock(&anon->lock);
	pw_anon_put(anon);
	return code;
}

static int each_file(struct pw_file *file, uint64_t index, uint32_t frames,
		     int (*each)(void *context, struct pw_vma *vma, pw_va va), void *context)
{
	int code = 0;
	pw_va va;

	pthread_mutex_lock(&file->map_lock);
	for (struct pw_vma *vma = file->vmas; vma && !code; vma = vma->file_next)
		if (vma_has(vma, index, frames, &va))
			code = each(context, vma, va);
	pthread_mutex_unlock(&file->map_lock);
	return code;
}

int pw_rmap_each(struct pw_machine *machine, uint32_t head,
		 int (*each)(void *context, struct pw_vma *vma, pw_va va), void *context)
{
	uint32_t frames = pw_folio_pages(machine->arena, head);
	enum pw_folio_kind kind;
	void *owner = pw_page_owner(machine, head, &kind);
	uint64_t index;

	if (!owner)
		return 0;
	index = pw_page_of(machine, head)->index;
	return kind == PW_FOLIO_ANONYMOUS ? each_anon(owner, index, frames, each, context)
					  : each_file(owner, index, frames, each, context);
}
