/* SPDX-License-Identifier: MIT */
/* A stub for machines without libaddrxlat; the printed table leaves it out. */
#include "bench.h"

const void *bench_peer_create(const struct bench_image *image)
{
	(void)image;
	return NULL;
}

void bench_peer_destroy(const void *peer)
{
	(void)peer;
}

uint64_t bench_peer_translate(const struct bench_work *work)
{
	(void)work;
	return 0;
}

uint64_t bench_peer_leaves(const struct bench_work *work)
{
	(void)work;
	return 0;
}
