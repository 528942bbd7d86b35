/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mempool.h: elements of which a minimum can always be had, for paths that may not be refused: an
 * interrupt, or the write that frees memory. With Linux's names and meaning, but that nothing here ever
 * sleeps: where Linux waits for an element to come back, a request is refused.
 */
#ifndef QUARRY_MEMPOOL_H
#define QUARRY_MEMPOOL_H

#include <quarry/gfp.h>
#include <quarry/slab.h>
#include <quarry/types.h>

MM_BEGIN_DECLS

struct mempool;
typedef struct mempool mempool_t;

/* One element, or NULL; and its end. Both are called without a lock, in the caller's context. */
typedef void *mempool_alloc_t(gfp_t gfp, void *pool_data);
typedef void mempool_free_t(void *element, void *pool_data);

/*
 * mempool_create() - a pool with a reserve of min_nr elements, 1 to 65535, which alloc makes at once.
 *
 * Context: thread.
 * Bound:   min_nr times that of alloc, and kmalloc()'s.
 * Return:  the pool; NULL: no such min_nr, no function, or out of memory: what was made has gone back.
 * Source:  Linux include/linux/mempool.h.
 *
 * mempool_create_kmalloc_pool(), mempool_create_slab_pool() - the same of kmalloc(size), 1 byte or more, and of
 * a cache, which may not end before the pool. What is no object of theirs in use is not taken back.
 *
 * Context: thread.
 * Bound:   as mempool_create().
 * Return:  as mempool_create().
 * Source:  Linux include/linux/mempool.h.
 */
mempool_t *mempool_create(int min_nr, mempool_alloc_t *alloc, mempool_free_t *free,
			  void *pool_data);
mempool_t *mempool_create_kmalloc_pool(int min_nr, size_t size);
mempool_t *mempool_create_slab_pool(int min_nr, struct kmem_cache *cache);

/*
 * mempool_alloc() - an element from the allocator, without waiting and without a word if it has none; else
 * from the reserve. While no more than min_nr elements are taken, there is one.
 *
 * Context: any. It never sleeps, whatever the flags. With __GFP_ZERO only what comes from the
 *          allocator is zeroed: an element of the reserve is as it was freed, as in Linux.
 * Bound:   that of the pool's alloc without __GFP_DIRECT_RECLAIM, and 100.
 * Return:  the element; NULL: neither has one.
 * Source:  Linux include/linux/mempool.h.
 *
 * mempool_free() - an element goes to the reserve, if it lacks some, else back to the allocator. NULL is
 * passed over.
 *
 * Context: any.
 * Bound:   that of the pool's free, 200, and 7 for each element of the reserve.
 * Return:  0; after one line, with nothing changed: -EINVAL no element is taken, or it is no object of the
 *          pool's in use; -EALREADY it lies in the reserve.
 * Source:  Linux include/linux/mempool.h; there it returns nothing.
 */
void *mempool_alloc(mempool_t *pool, gfp_t gfp);
int mempool_free(void *element, mempool_t *pool);

/*
 * mempool_resize() - another minimum. Elements that are wanted more are made at once.
 *
 * Context: thread, one at a time for a pool; others may take and give back meanwhile.
 * Bound:   linear in the difference, by the pool's functions, and in both minima.
 * Return:  0; -EINVAL no such minimum; -ENOMEM, and nothing has changed.
 * Source:  Linux include/linux/mempool.h.
 *
 * mempool_destroy() - the end of a pool. NULL is passed over.
 *
 * Context: thread; nobody uses the pool any more.
 * Bound:   min_nr times that of the pool's free.
 * Return:  0; -EBUSY after one line: elements are taken, and nothing has changed.
 * Source:  Linux include/linux/mempool.h; there it returns nothing.
 */
int mempool_resize(mempool_t *pool, int min_nr);
int mempool_destroy(mempool_t *pool);

MM_END_DECLS

#endif
