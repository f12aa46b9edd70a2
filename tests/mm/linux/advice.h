/* SPDX-License-Identifier: MIT */
/* Numbers of Linux that the C library of some hosts does not name yet. */
#ifndef CHECK_LINUX_ADVICE_H
#define CHECK_LINUX_ADVICE_H

enum {
	ADVICE_POPULATE_READ = 22,
	ADVICE_POPULATE_WRITE = 23,
	ADVICE_DONTNEED_LOCKED = 24,
	ADVICE_COLLAPSE = 25,
	ADVICE_GUARD_INSTALL = 102,
	ADVICE_GUARD_REMOVE = 103,
};

#endif
