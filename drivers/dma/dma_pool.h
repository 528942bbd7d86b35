/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dma_pool.h: pieces of one size, smaller than a page, that CPU and device both see without maintenance:
 * descriptors and commands, in the words of Linux's DMA pools.
 *
 * What is known of a piece lies outside of the pages that the device writes to.
 */
#ifndef DRIVERS_DMA_POOL_H
#define DRIVERS_DMA_POOL_H

#include "drivers/dma/dma.h"

struct dma_pool;

/*
 * dma_pool_create() - a pool of pieces of size bytes, aligned to `align`, a power of two of at most a page (0: that of
 * a pointer), of which none crosses a multiple of `boundary` as the device sees it, a power of two and no less than size
 * (0: a page). NULL after one line: no such size, alignment or boundary, or out of memory. It takes no page yet.
 * name stays the caller's. Thread.
 *
 * dma_pool_destroy() - 0; -EBUSY after one line, with nothing changed, if pieces are in use. NULL is passed
 * over. Thread, before the device goes.
 */
struct dma_pool *dma_pool_create(const char *name, struct device *dev, size_t size, size_t align,
				 size_t boundary);
int dma_pool_destroy(struct dma_pool *pool);

/*
 * dma_pool_alloc(), dma_pool_zalloc() - one piece; *handle is the device's address; the second zeroed. NULL: no page
 * is to be had. Where a page has a piece free, any context, bounded by the pool's pages and the words of a page's map;
 * else as dma_alloc_coherent().
 *
 * dma_pool_free() - 0; after one line, with nothing changed: -EINVAL no piece of this pool starts there, or the handle
 * is another one's; -EALREADY it is free. NULL is passed over. Any context; bounded by the pool's pages.
 */
void *dma_pool_alloc(struct dma_pool *pool, gfp_t gfp, dma_addr_t *handle);
void *dma_pool_zalloc(struct dma_pool *pool, gfp_t gfp, dma_addr_t *handle);
int dma_pool_free(struct dma_pool *pool, void *piece, dma_addr_t handle);

#endif
