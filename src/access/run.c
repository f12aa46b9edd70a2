/* SPDX-License-Identifier: MIT */
/* Runs of entries and scattered pages, by the best vectors that the processor has. */
#include "access/run.h"

#include <endian.h>

#include "base/mutant.h"
#include "base/tsan.h"

static const bool HOST_IS_BIG = __BYTE_ORDER == __BIG_ENDIAN;

static const struct pw_run_way *const ways[] = {
/* ThreadSanitizer would take a load of several words for a race with a store of one. */
#if defined(__x86_64__) && !defined(PW_TSAN)
	&pw_run_avx512,
	&pw_run_avx2,
#elif defined(__aarch64__) && __BYTE_ORDER == __LITTLE_ENDIAN && !defined(PW_TSAN)
	&pw_run_neon,
#endif
	NULL,
};

const struct pw_run_way *pw_run_way_at(size_t number)
{
	return number < sizeof(ways) / sizeof(ways[0]) ? ways[number] : NULL;
}

/* The best way that this processor has, or NULL. */
static const struct pw_run_way *best(void)
{
	const struct pw_run_way *const *way = ways;

	while (*way && !(*way)->is_here())
		way++;
	return *way;
}

size_t pw_run_length(const unsigned char *host, size_t count, unsigned entry_lg2, bool big_endian,
		     uint64_t first, uint64_t stride)
{
	const struct pw_run_way *way = best();

	if (pw_mutant(PW_MUTANT_RUN_BELIEVED))
		return count;
	if (!way)
		return 0;
	return (entry_lg2 == 2 ? way->four : way->eight)(host, count, big_endian != HOST_IS_BIG,
							 first, stride);
}

size_t pw_scatter(const struct pw_scatter *scatter, const unsigned char *host, size_t count,
		  struct pw_scatter_at *at)
{
	const struct pw_run_way *way = best();

	return way && way->scatter ? way->scatter(scatter, host, count, at) : 0;
}
