/* SPDX-License-Identifier: MIT */
/* Reclaim that does not wait for readers. For tests that must see what goes wrong then. */
#include "sync/parts.h"

static void go(struct pw_sync_reader *reader)
{
	(void)reader;
}

static void wait_for_nobody(struct pw_sync *sync)
{
	(void)sync;
}

static void free_now(struct pw_sync *sync, struct pw_later *item, pw_later_fn *free)
{
	(void)sync;
	free(item);
}

static bool nobody_inside(struct pw_sync *sync)
{
	(void)sync;
	return false;
}

const struct pw_sync_ops pw_sync_immediate = {
	.name = "immediate (unsafe, for tests only)",
	.init = pw_sync_no_init,
	.deinit = pw_sync_no_deinit,
	.join = pw_sync_no_join,
	.quit = pw_sync_no_quit,
	.enter = go,
	.leave = go,
	.wait = wait_for_nobody,
	.later = free_now,
	.drain = wait_for_nobody,
	.inside = nobody_inside,
};
