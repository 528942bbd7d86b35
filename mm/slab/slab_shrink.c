/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * slab_shrink.c: memory of slabs that are not used goes back to the page allocator: when it is asked for,
 * and before a request that may wait is refused.
 */
#include <quarry/errno.h>
#include "slab_internal.h"

unsigned long kmem_cache_shrink(struct kmem_cache *cache)
{
	slab_flush(cache);
	debug_quarantine_end(cache);
	return slab_give_empty(cache, 0);
}

unsigned long kmem_shrink(void)
{
	unsigned long pages = 0;

	if (!mm.kmem)
		return 0;
	stacks_enter();
	for (unsigned int n = 0; n < CONFIG_KMEM_CACHES; n++) {
		struct kmem_cache *cache = slab_cache(n);

		if (cache)
			pages += kmem_cache_shrink(cache);
	}
	stacks_exit();
	return pages + heads_shrink();
}

int kmem_release(void)
{
	kmem_shrink();
	kmem_cpu_end();
	for (unsigned int c = 0; c < CONFIG_NR_CPUS; c++)
		if (kmem_state.cpu[c])
			return -EBUSY;
	return heads_end() ? 0 : -EBUSY;
}

/* ---- pressure --------------------------------------------------------------------------------- */

static unsigned long count_empty(struct shrinker *shrinker, struct shrink_control *control)
{
	(void)shrinker;
	(void)control;
	return (unsigned long)READ_ONCE(kmem_state.empty_pages);
}

static unsigned long give_empty(struct shrinker *shrinker, struct shrink_control *control)
{
	(void)shrinker;
	control->nr_scanned = kmem_shrink();
	return control->nr_scanned;
}

void slab_shrink_init(void)
{
	kmem_state.shrinker = (struct shrinker){
		.count_objects = count_empty,
		.scan_objects = give_empty,
		.name = "slab",
	};
	register_shrinker(&kmem_state.shrinker);
}
