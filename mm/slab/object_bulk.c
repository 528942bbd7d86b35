/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * object_bulk.c: many objects at once.
 */
#include "slab_internal.h"

size_t kmem_cache_alloc_bulk(struct kmem_cache *cache, gfp_t gfp, size_t n, void **objects)
{
	for (size_t i = 0; i < n; i++) {
		objects[i] = kmem_cache_alloc(cache, gfp);
		if (!objects[i]) {
			kmem_cache_free_bulk(cache, i, objects);
			return 0;
		}
	}
	return n;
}

size_t kmem_cache_free_bulk(struct kmem_cache *cache, size_t n, void **objects)
{
	size_t freed = 0;

	for (size_t i = 0; i < n; i++)
		freed += !(cache ? kmem_cache_free(cache, objects[i]) : kfree(objects[i]));
	return freed;
}
