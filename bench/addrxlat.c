/* SPDX-License-Identifier: MIT */
/*
 * libaddrxlat at its best: one page-table method, and a callback that returns pointers into the very
 * same mapping. There is no dump, no cache, no copy. It has no iterator, so for the iterating cases it is told
 * where the leaves are.
 */
#include <libkdumpfile/addrxlat.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

struct peer {
	const struct bench_image *image;
	addrxlat_ctx_t *ctx;
	addrxlat_meth_t meth;
	addrxlat_byte_order_t order;
};

static void put_page(const addrxlat_buffer_t *buffer)
{
	(void)buffer;
}

static addrxlat_status get_page(const addrxlat_cb_t *cb, addrxlat_buffer_t *buffer)
{
	const struct peer *peer = cb->priv;
	uint64_t page = buffer->addr.addr & ~UINT64_C(0xfff);

	if (page - peer->image->base >= peer->image->bytes)
		return ADDRXLAT_ERR_NODATA;
	buffer->addr.addr = page;
	buffer->ptr = bench_zero(peer->image) + page;
	buffer->size = 4096;
	buffer->byte_order = peer->order;
	buffer->put_page = put_page;
	return ADDRXLAT_OK;
}

static unsigned long read_caps(const addrxlat_cb_t *cb)
{
	(void)cb;
	return ADDRXLAT_CAPS(ADDRXLAT_MACHPHYSADDR);
}

const void *bench_peer_create(const struct bench_image *image)
{
	static const struct {
		const char *format;
		addrxlat_pte_format_t pte_format;
	} formats[] = {
		{ "x86_64", ADDRXLAT_PTE_X86_64 },
		{ "arm64_4k_48", ADDRXLAT_PTE_AARCH64 },
		{ "s390x", ADDRXLAT_PTE_S390X },
	};
	const struct pw_format *f = image->format;
	struct peer *peer = calloc(1, sizeof(*peer));
	addrxlat_param_pgt_t *pgt;
	addrxlat_cb_t *cb;

	if (!peer)
		return NULL;
	peer->image = image;
	peer->order = f->big_endian ? ADDRXLAT_BIG_ENDIAN : ADDRXLAT_LITTLE_ENDIAN;
	peer->ctx = addrxlat_ctx_new();
	cb = peer->ctx ? addrxlat_ctx_add_cb(peer->ctx) : NULL;
	if (!cb) {
		bench_peer_destroy(peer);
		return NULL;
	}
	cb->priv = peer;
	cb->get_page = get_page;
	cb->read_caps = read_caps;
	peer->meth.kind = ADDRXLAT_PGT;
	peer->meth.target_as = ADDRXLAT_MACHPHYSADDR;
	pgt = &peer->meth.param.pgt;
	pgt->root.as = ADDRXLAT_MACHPHYSADDR;
	pgt->root.addr = image->regime.span[0].table;
	pgt->pf.pte_format = ADDRXLAT_PTE_NONE;
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (strcmp(formats[i].format, f->name) == 0)
			pgt->pf.pte_format = formats[i].pte_format;
	pgt->pf.nfields = (unsigned short)(image->top + 2);
	pgt->pf.fieldsz[0] = f->shift[0];
	for (unsigned level = 0; level <= image->top; level++)
		pgt->pf.fieldsz[level + 1] = f->bits[level];
	return peer;
}

void bench_peer_destroy(const void *context)
{
	struct peer *peer = (struct peer *)(uintptr_t)context;

	if (peer && peer->ctx)
		addrxlat_ctx_decref(peer->ctx);
	free(peer);
}

static inline uint64_t walk(const struct peer *peer, addrxlat_step_t *step, uint64_t va)
{
	step->base.as = ADDRXLAT_NOADDR;
	step->base.addr = va;
	if (addrxlat_walk(step) == ADDRXLAT_OK)
		return step->base.addr;
	/* No image maps address 0, so the sum will be wrong. */
	addrxlat_ctx_clear_err(peer->ctx);
	return 0;
}

uint64_t bench_peer_translate(const struct bench_work *work)
{
	const struct peer *peer = work->peer;
	addrxlat_step_t step = { .ctx = peer->ctx, .meth = &peer->meth };
	const pw_va *va = bench_addresses(work->list, work->window);
	uint64_t sum = 0;

	for (size_t i = 0; i < work->list->count; i++)
		sum += walk(peer, &step, va[i]);
	return sum;
}

uint64_t bench_peer_leaves(const struct bench_work *work)
{
	const struct peer *peer = work->peer;
	addrxlat_step_t step = { .ctx = peer->ctx, .meth = &peer->meth };
	uint64_t sum = 0;

	for (size_t i = 0; i < work->image->leaves; i++) {
		const struct bench_leaf *leaf = &work->image->leaf[i];

		sum += bench_run_sum(walk(peer, &step, leaf->va), UINT64_C(1) << leaf->lg2);
	}
	return sum;
}
