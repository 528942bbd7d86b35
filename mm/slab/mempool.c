/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mempool.c: a reserve of elements in front of an allocator that may refuse.
 *
 * The allocator is asked first, and what comes back fills the reserve first: so elements in the reserve and
 * elements that are taken make up the minimum together, and a request within it is never refused.
 */
#include <quarry/errno.h>
#include <quarry/mempool.h>
#include "slab_internal.h"

#define MOST 65535

struct mempool {
	struct spinlock lock; /* guards all but what stays */
	void **element;	      /* the reserve: nr of them, room for min_nr */
	unsigned int nr, min_nr;
	unsigned long taken; /* elements that are not in the reserve */
	mempool_alloc_t *alloc;
	mempool_free_t *free;
	void *data;
	size_t size; /* ksize() of its elements, if they are kmalloc()'s */
};

/* ---- elements of kmalloc() and of caches -------------------------------------------------------- */

static void *alloc_kmalloc(gfp_t gfp, void *data)
{
	return kmalloc((size_t)(uintptr_t)data, gfp);
}

static void free_kmalloc(void *element, void *data)
{
	(void)data;
	kfree(element);
}

static void *alloc_slab(gfp_t gfp, void *data)
{
	return kmem_cache_alloc(data, gfp);
}

static void free_slab(void *element, void *data)
{
	kmem_cache_free(data, element);
}

/* May it be one of the pool's? Of functions that are the caller's nothing is known. */
static bool may_be_of(const struct mempool *pool, const void *element)
{
	struct page *page;
	struct slab *slab;

	if (pool->alloc == alloc_kmalloc)
		return ksize(element) == pool->size;
	if (pool->alloc != alloc_slab)
		return true;
	slab = ksize(element) ? slab_of(&kmem_state.heads, element, &page) : NULL;
	return slab && slab->cache == pool->data;
}

/* ---- the reserve -------------------------------------------------------------------------------- */

/* So many elements of the pool's; false: all have gone back. */
static bool make(const struct mempool *pool, void **element, unsigned int nr)
{
	for (unsigned int n = 0; n < nr; n++) {
		element[n] = pool->alloc(GFP_KERNEL | __GFP_NOWARN, pool->data);
		if (element[n])
			continue;
		while (n--)
			pool->free(element[n], pool->data);
		return false;
	}
	return true;
}

mempool_t *mempool_create(int min_nr, mempool_alloc_t *alloc, mempool_free_t *free, void *pool_data)
{
	struct mempool *pool;

	if (min_nr < 1 || min_nr > MOST || !alloc || !free)
		return NULL;
	pool = kzalloc(sizeof(*pool), GFP_KERNEL);
	if (!pool)
		return NULL;
	pool->alloc = alloc;
	pool->free = free;
	pool->data = pool_data;
	pool->nr = pool->min_nr = (unsigned int)min_nr;
	pool->element = kmalloc_array(pool->min_nr, sizeof(void *), GFP_KERNEL | __GFP_NOWARN);
	if (pool->element && make(pool, pool->element, pool->min_nr)) {
		pool->size = alloc == alloc_kmalloc ? ksize(pool->element[0]) : 0;
		return pool;
	}
	kfree(pool->element);
	kfree(pool);
	return NULL;
}

mempool_t *mempool_create_kmalloc_pool(int min_nr, size_t size)
{
	return size ? mempool_create(min_nr, alloc_kmalloc, free_kmalloc, (void *)(uintptr_t)size)
		    : NULL;
}

mempool_t *mempool_create_slab_pool(int min_nr, struct kmem_cache *cache)
{
	return cache ? mempool_create(min_nr, alloc_slab, free_slab, cache) : NULL;
}

/* Elements that are taken, one more or none. Returns one of the reserve, if none came from elsewhere. */
static void *take(struct mempool *pool, void *element)
{
	unsigned long flags = port_irq_save();

	spin_lock(&pool->lock);
	if (!element && pool->nr)
		element = pool->element[--pool->nr];
	pool->taken += element != NULL;
	spin_unlock(&pool->lock);
	port_irq_restore(flags);
	return element;
}

void *mempool_alloc(mempool_t *pool, gfp_t gfp)
{
	const gfp_t once = gfp & ~(__GFP_DIRECT_RECLAIM | __GFP_NOFAIL | __GFP_RETRY_MAYFAIL);

	return take(pool, pool->alloc(once | __GFP_NORETRY | __GFP_NOWARN | __GFP_NOMEMALLOC,
				      pool->data));
}

/* 1: the allocator may have it; 0: it is in the reserve; else why it is refused. The lock is held. */
static int put(struct mempool *pool, void *element)
{
	for (unsigned int n = 0; n < pool->nr; n++)
		if (pool->element[n] == element)
			return -EALREADY;
	if (!pool->taken)
		return -EINVAL;
	pool->taken--;
	if (pool->nr >= pool->min_nr) /* more, while it shrinks: there may be no place */
		return 1;
	pool->element[pool->nr++] = element;
	return 0;
}

int mempool_free(void *element, mempool_t *pool)
{
	unsigned long flags;
	int error = -EINVAL;

	if (!element)
		return 0;
	if (may_be_of(pool, element)) {
		flags = port_irq_save();
		spin_lock(&pool->lock);
		error = put(pool, element);
		spin_unlock(&pool->lock);
		port_irq_restore(flags);
	}
	if (error > 0)
		pool->free(element, pool->data);
	if (error < 0)
		port_log("mempool_free: element %p of pool %p refused: %s (called from %p)",
			 element, (void *)pool,
			 error == -EALREADY ? "it was given back already"
					    : "it was not taken from this pool",
			 __builtin_return_address(0));
	return error < 0 ? error : 0;
}

/* ---- another minimum, and the end ----------------------------------------------------------------- */

/* The reserve moves to a larger array, behind whose min_nr first places there are new elements. */
static void *grow(struct mempool *pool, void **element, unsigned int min_nr)
{
	const unsigned int more = min_nr - pool->min_nr;
	unsigned long flags = port_irq_save();
	void **old = pool->element;

	spin_lock(&pool->lock);
	memmove(element + pool->nr, element + pool->min_nr, more * sizeof(void *));
	memcpy(element, old, pool->nr * sizeof(void *));
	pool->element = element;
	pool->nr += more;
	pool->min_nr = min_nr;
	spin_unlock(&pool->lock);
	port_irq_restore(flags);
	return old;
}

/* One element more than the minimum; NULL: there is none. */
static void *surplus(struct mempool *pool, unsigned int min_nr)
{
	unsigned long flags = port_irq_save();
	void *element = NULL;

	spin_lock(&pool->lock);
	pool->min_nr = min_nr;
	if (pool->nr > min_nr)
		element = pool->element[--pool->nr];
	spin_unlock(&pool->lock);
	port_irq_restore(flags);
	return element;
}

int mempool_resize(mempool_t *pool, int min_nr)
{
	const unsigned int nr = (unsigned int)min_nr, before = pool->min_nr;
	void **element, *more;

	if (min_nr < 1 || min_nr > MOST)
		return -EINVAL;
	if (nr > before) {
		element = kmalloc_array(nr, sizeof(void *), GFP_KERNEL | __GFP_NOWARN);
		if (!element || !make(pool, element + before, nr - before)) {
			kfree(element);
			return -ENOMEM;
		}
		kfree(grow(pool, element, nr));
	} else {
		while ((more = surplus(pool, nr)))
			pool->free(more, pool->data);
	}
	return 0;
}

int mempool_destroy(mempool_t *pool)
{
	if (!pool)
		return 0;
	if (pool->taken) {
		port_log("mempool_destroy: pool %p: %lu elements are taken", (void *)pool,
			 pool->taken);
		return -EBUSY;
	}
	while (pool->nr)
		pool->free(pool->element[--pool->nr], pool->data);
	kfree(pool->element);
	kfree(pool);
	return 0;
}
