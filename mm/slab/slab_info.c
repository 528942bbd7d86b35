/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * slab_info.c: figures of caches, for those who show them.
 */
#include "slab_internal.h"

/* The lock of the table is held: the cache has not ended, and its name is there. */
static void describe_cache(const struct kmem_cache *cache, struct slab_info *info)
{
	uint64_t cached = 0;

	for (unsigned int c = 0; c < CONFIG_NR_CPUS; c++) {
		const struct kmem_cpu *cpu = kmem_cpu_of(c);

		if (cpu)
			cached += slab_stacked(cpu, cache);
	}
	*info = (struct slab_info){
		.place = cache->number,
		.object_size = cache->hot.object_size,
		.size = cache->size,
		.per_slab = cache->most_objects,
		.pages = 1U << cache->order,
		.limit = cache->limit,
		.batch = cache->batch,
		.objects = cache->nr_objects,
		.active = cache->nr_objects - cache->nr_free - cached - quarantined(cache),
		.slabs = cache->nr_slabs,
		.active_slabs = cache->nr_slabs - cache->nr_empty,
		.total_pages = cache->nr_pages,
	};
	slab_copy_name(info->name, cache->name);
}

bool slab_info(unsigned int n, struct slab_info *info)
{
	unsigned long flags = port_irq_save();
	const struct kmem_cache *cache = NULL;

	spin_lock(&kmem_state.table_lock);
	for (unsigned int i = 0; !cache && i < CONFIG_KMEM_CACHES; i++)
		if (kmem_state.caches[i] && !n--)
			cache = kmem_state.caches[i];
	if (cache)
		describe_cache(cache, info);
	spin_unlock(&kmem_state.table_lock);
	port_irq_restore(flags);
	return cache;
}
