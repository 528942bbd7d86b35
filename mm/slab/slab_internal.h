/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * slab_internal.h: what the files of slab/ do for each other; what they share is in kmem_internal.h and
 * heads_internal.h.
 *
 * An object goes from its slab (slab.c) to a CPU's stack (kmem_cpu.c), to its user (kmem_cache.c,
 * kmalloc.c), and back (object_free.c). head.c has memory for the heads of slabs, and heads_end.c ends what leads to them.
 *
 * kmem_cache.c and kmem_cpu.c call each other: the end of a cache is the end of its stacks, and the end of a
 * CPU that of its stacks of all caches. kmem_cache.c and slab_shrink.c call each other: the shrinker is
 * registered with the caches that it empties. kmem_cpu.c and slab.c call each other: a stack is filled
 * from slabs, and emptied into them. slab.c and slab_debug.c call each other: a slab is made and ends with the
 * notes of its objects, and what leaves the quarantine goes back to its slab. kmem_cache.c and slab_options.c call each other: a new cache has the
 * options of its name, and other options lay its slabs out anew.
 */
#ifndef QUARRY_MM_SLAB_INTERNAL_H
#define QUARRY_MM_SLAB_INTERNAL_H

#include "../debug/hooks.h"
#include "../pcp/pcp.h"
#include "kmem_internal.h"
#include "slab_debug_internal.h"

#pragma GCC visibility push(hidden)

static inline struct object_stack *stack_at(struct kmem_cpu *cpu, unsigned long offset)
{
	return (struct object_stack *)(void *)((char *)cpu + offset);
}

static inline unsigned long *slab_map(struct slab *slab)
{
	return (unsigned long *)(void *)((char *)slab + slab->map);
}

static inline void *object_at(const struct slab *slab, unsigned int n)
{
	return (void *)(slab->base + (unsigned long)n * slab->cache->size);
}

/*
 * The head in which an object of the cache has its state: heads are aligned to their size. Of the state in
 * a stack's lowest slot (kmem_state.none) it is one of no slab.
 */
static inline struct slab *head_of(const struct kmem_cache *cache, const uint8_t *state)
{
	return (struct slab *)((uintptr_t)state & (uintptr_t)(intptr_t)cache->head_mask);
}

/* A name for whoever shows it, while a lock keeps it: its cache, and the string, may end behind that. */
static inline void slab_copy_name(char *to, const char *from)
{
	for (unsigned int i = 0; i < MM_CACHE_NAME - 1 && *from; i++)
		*to++ = *from++;
	*to = 0;
}

/* head.c: what the hot path knows of heads is brought up to date. Interrupts masked. */
void kmem_cpu_sync(struct kmem_cpu *cpu);
/*
 * kmem_cache.c: an object of which size bytes are used, from this CPU's or the cache's slabs; its caller's
 * return address is the call site. NULL: refused.
 */
void *object_alloc(struct kmem_cache *cache, gfp_t gfp, size_t size);
/* slab.c: an object from the cache's slabs; the CPU's stack is filled by the way. NULL: refused. */
void *slab_alloc(struct kmem_cache *cache, gfp_t gfp);
/*
 * A slab more, of which nobody knows yet, with notes if its cache has debug options; NULL: refused. It is known from
 * then on, with the lock held.
 */
struct slab *slab_make(struct kmem_cache *cache, gfp_t gfp, bool debug);
void slab_add(struct kmem_cache *cache, struct slab *slab);
/* Up to n free objects of the cache's slabs go to the slots; returns how many. The lock is held. */
unsigned int slab_take_objects(struct kmem_cache *cache, struct object_slot *slots, unsigned int n);
/*
 * n free objects go back to their slabs, the last one first; so many fewer for each slab that goes to another
 * list, which costs more than an object. Returns how many went.
 */
unsigned int slab_give_objects(struct kmem_cache *cache, const struct object_slot *slots,
			       unsigned int n, unsigned int fewer);
/* A slab with free objects, one in use before an empty one; NULL: there is none. The lock is held. */
static inline struct slab *slab_first(const struct kmem_cache *cache)
{
	return cache->list[PARTIAL] ? cache->list[PARTIAL] : cache->list[EMPTY];
}
/* n of its free objects were taken, or n more are free: it goes to the list where it belongs. The lock is held. */
#if FOR_SPEED
void slab_taken(struct kmem_cache *cache, struct slab *slab, unsigned int n);
void slab_given(struct kmem_cache *cache, struct slab *slab, unsigned int n);
#else
void slab_moved(struct kmem_cache *cache, struct slab *slab, long n);
#define slab_taken(cache, slab, n) slab_moved(cache, slab, -(long)(n))
#define slab_given(cache, slab, n) slab_moved(cache, slab, (long)(n))
#endif
/* One slab or chunk goes back, if more are empty than are kept. 0, for a free to end with. */
int slab_give_back(struct kmem_cache *cache);
/* Empty slabs go back, the newest first, but for so many. Returns their pages. */
unsigned long slab_give_empty(struct kmem_cache *cache, unsigned int keep);
/* What lies on this CPU's stack goes back to its slabs. */
void slab_flush(struct kmem_cache *cache);
/* The cache's stack on this CPU, made if there is room; NULL: there is none. Interrupts masked. */
struct object_stack *stack_of(const struct kmem_cache *cache);

static inline struct object_stack *stack_here(const struct kmem_cache *cache)
{
	struct object_stack *stack = stack_at(port_pcpu()->kmem, cache->hot.stack);

	return FOR_SPEED && mm_likely(stack->limit != kmem_state.none.stack[0].limit)
		       ? stack
		       : stack_of(cache);
}

/* Would slab_give_back() do something? */
static inline bool slab_due(const struct kmem_cache *cache)
{
	return READ_ONCE(cache->nr_empty) > KEEP_EMPTY ||
	       READ_ONCE(kmem_state.heads.nr_unused) > KEEP_CHUNKS;
}

/* A CPU's objects, by its number; NULL: it has none. Acquire, paired with the release in kmem_area(). */
static inline struct kmem_cpu *kmem_cpu_of(unsigned int cpu)
{
	return __atomic_load_n(&kmem_state.cpu[cpu], __ATOMIC_ACQUIRE);
}

/* Objects on a CPU's stack of this cache. */
static inline unsigned long slab_stacked(const struct kmem_cpu *cpu, const struct kmem_cache *cache)
{
	const struct object_stack *stack =
		stack_at((struct kmem_cpu *)(uintptr_t)cpu, cache->hot.stack);

	if (stack->limit == mm.kmem->none.stack[0].limit)
		return 0;
	return cache->limit - (unsigned long)(stack->limit - stack->top);
}
/*
 * One thread at a time empties stacks that others may use: else a cache ends while the shrinker gives
 * back what is on its stacks. No memory is allocated in between.
 */
void stacks_enter(void);
void stacks_exit(void);
/* The objects on a CPU's stack go back, and the stack itself. The cache is in nobody's use. */
void slab_stack_end(struct kmem_cpu *cpu, struct kmem_cache *cache);

void slab_shrink_init(void);
/* object_free.c: with every check. cache, if not NULL, is where the caller says that the object is from. */
int slab_free(const void *object, const struct kmem_cache *cache, const void *caller);

#pragma GCC visibility pop
#endif
