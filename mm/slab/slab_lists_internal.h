/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * slab_lists_internal.h: a cache's lists of slabs and its counts of them, for slab.c. The cache's lock is held.
 */
#ifndef QUARRY_MM_SLAB_LISTS_INTERNAL_H
#define QUARRY_MM_SLAB_LISTS_INTERNAL_H

#include "slab_internal.h"

#pragma GCC visibility push(hidden)

/* One empty slab more or fewer. */
static inline void note_empty(struct kmem_cache *cache, unsigned int order, int more)
{
	WRITE_ONCE(cache->nr_empty, cache->nr_empty + (unsigned int)more);
	count_events(&kmem_state.empty_pages, (uint64_t)(more * (1L << order)));
}

MM_OUTLINE void slab_link(struct kmem_cache *cache, struct slab *slab, unsigned int list)
{
	slab->prev = NULL;
	slab->next = cache->list[list];
	if (slab->next)
		slab->next->prev = slab;
	cache->list[list] = slab;
	if (list == EMPTY)
		note_empty(cache, slab->order, 1);
}

MM_OUTLINE void slab_unlink(struct kmem_cache *cache, struct slab *slab, unsigned int list)
{
	if (slab->next)
		slab->next->prev = slab->prev;
	if (slab->prev)
		slab->prev->next = slab->next;
	else
		cache->list[list] = slab->next;
	if (list == EMPTY)
		note_empty(cache, slab->order, -1);
}

/* An empty slab more or fewer; the lock is held. */
MM_OUTLINE void count_slab(struct kmem_cache *cache, const struct slab *slab, long more)
{
	const uint64_t objects = (uint64_t)(more * slab->objects);

	cache->nr_slabs += (uint64_t)(int64_t)more;
	cache->nr_pages += (uint64_t)(more * (1L << slab->order));
	cache->nr_objects += objects;
	cache->nr_free += objects;
}

#pragma GCC visibility pop
#endif
