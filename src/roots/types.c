/* SPDX-License-Identifier: MIT */
/* Where the members of the kernel's structures are, by the BTF that it has in its memory. */
#include <stdlib.h>

#include "roots/btf.h"
#include "roots/tasks.h"

/*
 * Bytes of all that looks like BTF: modules have some, too, and files that are cached. Each place counts as
 * at least a page.
 */
enum { BYTES_MAX = 4 * PW_BTF_MAX, PAGE = 4096 };

struct search {
	struct pw_seen *seen;
	struct pw_task_layout *layout;
	uint32_t left; /* bytes that may still be read */
};

static bool find_layout(const struct pw_btf *btf, struct pw_task_layout *layout)
{
	struct pw_btf_member comm, tasks, tgid, mm, pgd;
	uint32_t task = pw_btf_structure(btf, "task_struct");
	uint32_t space = pw_btf_structure(btf, "mm_struct");

	if (!pw_btf_member(btf, task, "comm", &comm) ||
	    !pw_btf_member(btf, task, "tasks", &tasks) ||
	    !pw_btf_member(btf, task, "tgid", &tgid) || !pw_btf_member(btf, task, "mm", &mm) ||
	    !pw_btf_member(btf, space, "pgd", &pgd))
		return false;
	if (pw_btf_size(btf, comm.type) != PW_TASK_NAME || pw_btf_size(btf, tgid.type) != 4)
		return false;
	/* A member's offset fits an int32_t, and so does the difference of two. */
	*layout = (struct pw_task_layout){
		.tasks = (int32_t)tasks.offset - (int32_t)comm.offset,
		.tgid = (int32_t)tgid.offset - (int32_t)comm.offset,
		.mm = (int32_t)mm.offset - (int32_t)comm.offset,
		.pgd = pgd.offset,
	};
	return true;
}

/* Is the kernel's BTF here? Its image is one piece in physical memory. */
static bool try_place(void *context, pw_pa pa)
{
	struct search *search = context;
	const struct pw_memory *memory = search->seen->search->memory;
	unsigned char header[PW_BTF_HEADER], *bytes;
	struct pw_btf btf;
	uint32_t length, list;
	bool found = false;

	if (pw_memory_read(memory, pa, header, sizeof(header)))
		return false;
	length = pw_btf_length(header);
	if (length == 0 || search->left < length + PAGE)
		return false;
	search->left -= length + PAGE;
	bytes = malloc(length);
	if (!bytes)
		return false;
	if (pw_memory_read(memory, pa, bytes, length) == 0 &&
	    pw_btf_open(bytes, length, &btf) == 0) {
		list = pw_btf_size(&btf, pw_btf_structure(&btf, "list_head"));
		found = (list == 8 || list == 16) && find_layout(&btf, search->layout);
		search->seen->width = found ? list / 2 : search->seen->width;
		search->seen->big_endian = found ? btf.big_endian : search->seen->big_endian;
		pw_btf_close(&btf);
	}
	free(bytes);
	return found;
}

bool pw_types_find(struct pw_seen *seen, pw_pa first, pw_pa last, struct pw_task_layout *layout)
{
	/* The magic number, version 1, no flags, and the length of the header. */
	static const unsigned char heads[2][8] = {
		{ 0x9f, 0xeb, 1, 0, PW_BTF_HEADER, 0, 0, 0 },
		{ 0xeb, 0x9f, 1, 0, 0, 0, 0, PW_BTF_HEADER },
	};
	struct search search = { seen, layout, BYTES_MAX };

	for (unsigned i = 0; i < 2; i++) {
		/* 0x9f: instructions have the other one often. */
		const struct pw_needle head = { heads[i], sizeof(heads[i]), i };

		if (pw_seen_find(seen, first, last, &head, try_place, &search))
			return true;
	}
	return false;
}
