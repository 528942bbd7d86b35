/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * slab_view.c: what is in a cache's slabs, and whose an object is, for those who show it. In libquarry-debug.
 *
 * The lock of heads keeps each slab's head, and the notes of its objects, while they are read.
 */
#include "slab_internal.h"

struct search {
	const struct kmem_cache *cache;
	uint32_t past;	   /* handles up to here were seen */
	struct slab *slab; /* the first behind it; NULL: none yet */
};

static void note_next(struct slab *slab, void *data)
{
	struct search *search = data;

	if (!search->slab && slab->cache == search->cache && slab->handle > search->past)
		search->slab = slab;
}

bool slab_next(const struct kmem_cache *cache, uint32_t *cursor, struct slab_view *view)
{
	struct search search = {.cache = cache, .past = *cursor};
	struct heads *heads;

	if (!mm.kmem)
		return false;
	heads = &mm.kmem->heads;
	for (uint32_t n = *cursor >> CHUNK_SHIFT;
	     !search.slab && n < __atomic_load_n(&heads->nr, __ATOMIC_ACQUIRE); n++) {
		unsigned long flags = port_irq_save();

		spin_lock(&heads->lock);
		for_each_slab_of(heads, n, note_next, &search);
		if (search.slab) {
			*cursor = search.slab->handle;
			*view = (struct slab_view){
				.base = search.slab->base,
				.pages = 1U << search.slab->order,
				.objects = search.slab->objects,
				.free = READ_ONCE(search.slab->free),
			};
		}
		spin_unlock(&heads->lock);
		port_irq_restore(flags);
	}
	return search.slab;
}

static void describe(const struct slab *slab, unsigned long n, struct slab_object *object)
{
	const struct kmem_cache *cache = slab->cache;

	*object = (struct slab_object){
		.start = slab->base + n * cache->size,
		.size = cache->hot.object_size,
		.in_use = READ_ONCE(slab->state[n]) == MM_OBJECT_IN_USE,
		.mark = -1,
	};
	slab_copy_name(object->cache, cache->name);
	if (SLAB_DEBUG(cache)) {
		const struct object_note *note = &(*slab_notes(slab, cache))[n];

		object->size = note->size ? note->size : object->size;
		object->alloc_site = note->alloc_site;
		object->free_site = note->free_site;
		object->mark = hook_owner_mark_of(note->mark);
	}
}

bool slab_object(const void *address, struct slab_object *object)
{
	bool found = false;
	unsigned long flags, n;
	struct slab *slab;
	struct page *page;

	if (!mm.kmem)
		return false;
	flags = port_irq_save();
	spin_lock(&mm.kmem->heads.lock);
	slab = slab_of(&mm.kmem->heads, address, &page);
	if (slab) {
		n = (unsigned long)(((uintptr_t)address - slab->base) / slab->cache->size);
		found = n < slab->objects;
		if (found)
			describe(slab, n, object);
	}
	spin_unlock(&mm.kmem->heads.lock);
	port_irq_restore(flags);
	return found;
}
