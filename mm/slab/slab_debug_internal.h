/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * slab_debug_internal.h: what the files of slab/ ask of slab_debug.c, where a cache has debug options. Without
 * CONFIG_DEBUG_HOOKS none has, and the compiler leaves all of it out.
 */
#ifndef QUARRY_MM_SLAB_DEBUG_INTERNAL_H
#define QUARRY_MM_SLAB_DEBUG_INTERNAL_H

#include "kmem_internal.h"

#pragma GCC visibility push(hidden)

/* A function of one file that slab_debug.c and slab_options.c use too, where they have something to do. */
#if CONFIG_DEBUG_HOOKS
#define FOR_DEBUG
#else
#define FOR_DEBUG static
#endif

#if CONFIG_DEBUG_HOOKS
#define SLAB_DEBUG(cache)  ((slab_flags_t)__builtin_expect((long)(cache)->debug, 0))
#define quarantined(cache) READ_ONCE((cache)->quarantined)
#else
#define SLAB_DEBUG(cache)  ((void)(cache), (slab_flags_t)0)
#define quarantined(cache) ((void)(cache), 0U)
#endif

/* What is noted of an object, in a page of its slab's own. Of whoever has the object, as its state. */
struct object_note {
	const void *alloc_site, *free_site;
	uint8_t *
		next; /* in quarantine: the state of the object that came after it; the cache's lock */
	uint32_t mark;	  /* with the allocation's site: hook_owner_mark() */
	uint16_t size;	  /* bytes that are used; 0: never yet */
	bool in_use;	  /* the same as the state in the head */
	bool quarantined; /* cache's lock */
};
#define NOTES_PER_SLAB (PAGE_SIZE / sizeof(struct object_note))

/* The last word of a head is the address of its notes. */
static inline struct object_note **slab_notes(const struct slab *slab,
					      const struct kmem_cache *cache)
{
	return (struct object_note **)((uintptr_t)slab + ((uintptr_t)1 << cache->head_shift)) - 1;
}

/* From one object to the next, with a red zone. */
size_t debug_stride(const struct kmem_cache *cache);

/* A page of notes, for a slab; NULL: refused. */
struct object_note *debug_notes_alloc(gfp_t gfp);
/* Its objects have poison and red zones; nobody knows of it yet. */
void debug_slab_made(struct slab *slab);
/* It goes back: what was written to its objects is named. Returns its notes, to be freed. */
struct object_note *debug_slab_end(struct slab *slab);

/* An object of which size bytes are used; its caller's return address is the call site. NULL: refused. */
void *slab_alloc_debug(struct kmem_cache *cache, gfp_t gfp, size_t size);
void *debug_alloc(struct kmem_cache *cache, gfp_t gfp, size_t size, const void *caller);
/* Interrupts masked. 0; -EALREADY: it is not in use. */
int debug_free(struct kmem_cache *cache, const struct object_slot *slot, const void *caller);
/* A free of this address was refused: whose object it is, is named. */
void debug_refused(struct slab *slab, uintptr_t address);
/* Bytes of an object in use that may be used. */
size_t debug_size(struct slab *slab, unsigned long n);
/* Are an object's red zone, and its poison if it is free, as they should be? What is not is named. */
bool debug_check_object(struct slab *slab, unsigned long n, const void *caller);

#if CONFIG_DEBUG_HOOKS
/* kmem_cache.c: sizes of a cache's slabs, by its options; it has none. */
void slab_lay_out(struct kmem_cache *cache);
/* All slabs go back, if no object is in use: else how many are. Nobody uses the cache, stacks_enter(). */
unsigned long slab_end_all(struct kmem_cache *cache);
/* The options of a new cache: its own and those of its name. */
void debug_cache_init(struct kmem_cache *cache);
/* What lies in quarantine goes back to its slabs. */
void debug_quarantine_end(struct kmem_cache *cache);
#else
#define debug_cache_init(cache)	    (void)(cache)
#define debug_quarantine_end(cache) (void)(cache)
#endif

#pragma GCC visibility pop
#endif
