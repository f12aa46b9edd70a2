/* SPDX-License-Identifier: MIT */
/*
 * How table words are stored in mapped memory. Readers (direct.h) load an entry once and follow the address
 * in it. So a table must be filled before an entry that leads to it can be seen: entries are stored with
 * release order. Its partner is the address dependency between a reader's load of the entry and its load
 * from the table (as by READ_ONCE in the kernel).
 */
#ifndef PW_ACCESS_PUBLISH_H
#define PW_ACCESS_PUBLISH_H

#include "access/access.h"
#include "base/mutant.h"
#include "base/tsan.h"

/* Turns a number into an entry in the memory's byte order. It is its own inverse. */
PW_INLINE uint64_t pw_entry_raw(uint64_t number, unsigned entry_lg2, bool big_endian)
{
	return pw_entry_number(number, entry_lg2, big_endian);
}

/*
 * Loads an entry of an arena, with the order of pw_direct_load: for editors, and for pins, which need the
 * entry's place as well.
 */
PW_INLINE uint64_t pw_publish_load(const void *host, unsigned entry_lg2, bool big_endian)
{
	uint64_t raw = entry_lg2 == 2 ? __atomic_load_n((const uint32_t *)host, PW_ORDER_DEPENDENT)
				      : __atomic_load_n((const uint64_t *)host, PW_ORDER_DEPENDENT);

	return pw_entry_number(raw, entry_lg2, big_endian);
}

/*
 * Loads an entry again, after this thread did something that a thread that changes the entry must see, as
 * taking a pin. The load is sequentially consistent, so that it does not move up before that. Partner:
 * pw_publish_settle.
 */
PW_INLINE uint64_t pw_publish_load_again(const void *host, unsigned entry_lg2, bool big_endian)
{
	uint64_t raw = entry_lg2 == 2 ? __atomic_load_n((const uint32_t *)host, __ATOMIC_SEQ_CST)
				      : __atomic_load_n((const uint64_t *)host, __ATOMIC_SEQ_CST);

	return pw_entry_number(raw, entry_lg2, big_endian);
}

/* A full barrier: loads from here on come after all earlier stores. Partner: pw_publish_load_again. */
PW_INLINE void pw_publish_settle(void)
{
	__sync_synchronize();
	pw_moment(PW_MOMENT_SETTLE);
}

/* Stores to a table that nobody can find yet. The later store that makes it reachable publishes all of it. */
PW_INLINE void pw_publish_fill(void *host, uint64_t value, unsigned entry_lg2, bool big_endian)
{
	uint64_t raw = pw_entry_raw(value, entry_lg2, big_endian);

	if (entry_lg2 == 2)
		__atomic_store_n((uint32_t *)host, (uint32_t)raw, __ATOMIC_RELAXED);
	else
		__atomic_store_n((uint64_t *)host, raw, __ATOMIC_RELAXED);
}

/* Stores an entry that readers may load, with release order: a table behind it must be filled before. */
PW_INLINE void pw_publish_store(void *host, uint64_t value, unsigned entry_lg2, bool big_endian)
{
	uint64_t raw = pw_entry_raw(value, entry_lg2, big_endian);

	if (pw_store_kept(host, raw, entry_lg2))
		return;
	if (pw_mutant(PW_MUTANT_STORE_RELAXED))
		pw_publish_fill(host, value, entry_lg2, big_endian);
	else if (entry_lg2 == 2)
		__atomic_store_n((uint32_t *)host, (uint32_t)raw, __ATOMIC_RELEASE);
	else
		__atomic_store_n((uint64_t *)host, raw, __ATOMIC_RELEASE);
}

/*
 * Stores @value if the entry is *@expected, with release order. Otherwise returns false, and *@expected
 * becomes the value of the entry.
 */
PW_INLINE bool pw_publish_swap(void *host, uint64_t *expected, uint64_t value, unsigned entry_lg2,
			       bool big_endian)
{
	uint64_t raw = pw_entry_raw(value, entry_lg2, big_endian);
	uint64_t old = pw_entry_raw(*expected, entry_lg2, big_endian);
	uint32_t old32 = (uint32_t)old;
	bool done;

	if (pw_mutant(PW_MUTANT_SWAP_RELAXED) && entry_lg2 == 3) {
		done = __atomic_compare_exchange_n((uint64_t *)host, &old, raw, false,
						   __ATOMIC_RELAXED, __ATOMIC_RELAXED);
	} else if (entry_lg2 == 2) {
		done = __atomic_compare_exchange_n((uint32_t *)host, &old32, (uint32_t)raw, false,
						   __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
		old = old32;
	} else {
		done = __atomic_compare_exchange_n((uint64_t *)host, &old, raw, false,
						   __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
	}
	*expected = pw_entry_number(old, entry_lg2, big_endian);
	return done;
}

#endif
