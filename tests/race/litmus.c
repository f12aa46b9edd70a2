/* SPDX-License-Identifier: MIT */
/* Store buffering: two stores, each before a load of the other's word. Only a store that is late lets both loads miss. */
#include <pagewalk/lab.h>

static int x, y, seen_x, seen_y;

static void left(void)
{
	__atomic_store_n(&x, 1, __ATOMIC_RELEASE);
	seen_y = __atomic_load_n(&y, __ATOMIC_ACQUIRE);
}

static void right(void)
{
	__atomic_store_n(&y, 1, __ATOMIC_RELEASE);
	seen_x = __atomic_load_n(&x, __ATOMIC_ACQUIRE);
}

static void check(void)
{
	pw_lab_check(seen_x || seen_y, "both missed the other's store");
}

static const struct pw_lab_scenario scenario = {
	.name = "SB",
	.about = "store buffering",
	.thread = { { "left", left, false }, { "right", right, false } },
	.check = check,
};

int main(int argc, char **argv)
{
	return pw_lab_main(argc, argv, &scenario, 1);
}
