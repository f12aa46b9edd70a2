/* SPDX-License-Identifier: MIT */
/*
 * Freeing by RCU, and an explicit wait by handshake, as the kernel does with MMU_GATHER_RCU_TABLE_FREE. A
 * thread that takes a table out and uses it again at once, instead of freeing it, cannot rely on RCU.
 * There the kernel calls tlb_remove_table_sync_one (commits 2ba99c5e0881 and 1013af4f585f added missing
 * calls); here it is `wait`.
 */
#include "sync/parts.h"

static void both_enter(struct pw_sync_reader *reader)
{
	pw_rcu_enter(reader);
	pw_marks_enter(reader);
}

static void both_enter_fence(struct pw_sync_reader *reader)
{
	pw_rcu_enter(reader);
	pw_marks_enter_fence(reader);
}

static void both_leave(struct pw_sync_reader *reader)
{
	pw_marks_leave(reader);
	pw_rcu_leave(reader);
}

const struct pw_sync_ops pw_sync_rcu_wait = {
	.name = "rcu-wait",
	.init = pw_membarrier_init,
	.deinit = pw_sync_no_deinit,
	.join = pw_rcu_join,
	.quit = pw_rcu_quit,
	.enter = both_enter,
	.leave = both_leave,
	.wait = pw_marks_wait,
	.later = pw_rcu_later,
	.drain = pw_rcu_drain,
	.inside = pw_rcu_inside,
};

const struct pw_sync_ops pw_sync_rcu_wait_fence = {
	.name = "rcu-wait, with fences",
	.init = pw_sync_no_init,
	.deinit = pw_sync_no_deinit,
	.join = pw_rcu_join,
	.quit = pw_rcu_quit,
	.enter = both_enter_fence,
	.leave = both_leave,
	.wait = pw_marks_wait_fence,
	.later = pw_rcu_later,
	.drain = pw_rcu_drain,
	.inside = pw_rcu_inside,
};
