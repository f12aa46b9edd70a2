/* SPDX-License-Identifier: MIT */
/* Handlers of user faults, and what others do in their place. */
#include <errno.h>
#include <stdlib.h>

#include "lab/race/race.h"
#include "lab/race/scene/scene.h"

static uint64_t page_bytes(void)
{
	return UINT64_C(1) << scene_page_lg2();
}

/* A page full of what the operation puts in place. */
static const void *page_of(const struct scene_op *op)
{
	return world.fill[op - world.scene->op];
}

void scene_prepare_users(void)
{
	for (unsigned i = 0; i < world.scene->ops; i++) {
		const struct scene_op *op = &world.scene->op[i];
		uint32_t *page;

		if (op->kind != SCENE_REGISTER && op->kind != SCENE_USER_COPY)
			continue;
		page = calloc(1, (size_t)page_bytes());
		if (!page)
			scene_give_up("there is no memory for what a handler puts in place");
		page[0] = op->value;
		world.fill[i] = page;
	}
}

/*
 * Somebody else may have put a page there, or have unmapped the range: then the access is tried again, too, and ends
 * as it must.
 */
static int handle(void *context, struct pw_mm *mm, pw_va va, enum pw_user_fault what, bool write)
{
	const struct scene_op *op = context;
	int code = 0;

	(void)write;
	switch (what) {
	case PW_USER_MISSING:
		code = pw_user_copy(mm, va, page_of(op), page_bytes(), false);
		break;
	case PW_USER_MINOR:
		code = pw_user_continue(mm, va, page_bytes());
		break;
	case PW_USER_WRITE_PROTECT:
		if (op->refuse)
			return -EACCES;
		code = pw_user_protect(mm, va, page_bytes(), false);
		break;
	}
	/* A page of a file that was truncated is not there either. */
	return code == -EEXIST || code == -ENOENT || code == -EFAULT ? 0 : code;
}

int scene_user(const struct scene_op *op, struct pw_mm *mm)
{
	const uint64_t bytes = scene_pages(op) << scene_page_lg2();

	switch (op->kind) {
	case SCENE_REGISTER:
		return pw_user_register(mm, op->va, bytes, op->modes, handle,
					(void *)(uintptr_t)op);
	case SCENE_USER_COPY:
		return pw_user_copy(mm, op->va, page_of(op), page_bytes(), false);
	case SCENE_USER_CONTINUE:
		return pw_user_continue(mm, op->va, bytes);
	default:
		return pw_user_protect(mm, op->va, bytes, op->kind == SCENE_USER_PROTECT);
	}
}
