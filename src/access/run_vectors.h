/* SPDX-License-Identifier: MIT */
/*
 * The loop of runs, included once for each size of entry by a file for a kind of vectors, behind its functions
 * (vector_*.h). Whoever includes this defines
 *
 *   RUN_NAME     the function's name
 *   RUN_ENTRY    the type of an entry
 *   RUN_SWAP     a function that turns the bytes of each entry of a vector around
 */
PW_VEC_TARGET static size_t RUN_NAME(const unsigned char *host, size_t count, bool swapped,
				     uint64_t first, uint64_t stride)
{
	typedef RUN_ENTRY entries __attribute__((vector_size(sizeof(pw_vec))));
	typedef entries loaded __attribute__((aligned(sizeof(RUN_ENTRY)), may_alias));
	enum { ENTRIES = sizeof(pw_vec) / sizeof(RUN_ENTRY), VECTORS = 4 };
	const entries step = (entries){ 0 } + (RUN_ENTRY)(ENTRIES * stride);
	entries wanted = { 0 };
	size_t done = 0, vectors;

	for (unsigned i = 0; i < ENTRIES; i++)
		wanted[i] = (RUN_ENTRY)(first + i * stride);
	/* Invariant: `done` entries are as they should be, and `wanted` is what those behind them should be. */
	for (; done + ENTRIES <= count; done += vectors * ENTRIES) {
		entries differs = { 0 };

		vectors = done + VECTORS * ENTRIES <= count ? VECTORS : 1;
		for (size_t i = 0; i < vectors; i++) {
			entries these = *(const volatile loaded *)(const void *)host;

			if (swapped)
				these = (entries)RUN_SWAP((pw_vec)these);
			differs |= these ^ wanted;
			wanted += step;
			host += sizeof(pw_vec);
		}
		if (pw_vec_any((pw_vec)differs))
			break;
	}
	return done;
}

#undef RUN_NAME
#undef RUN_ENTRY
#undef RUN_SWAP
