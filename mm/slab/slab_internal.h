/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * slab_internal.h: what the files of slab/ share: caches, CPUs' stacks of objects, and what each file
 * does for the others.
 *
 * An object goes from its slab (slab.c) to a CPU's stack (kmem_cpu.c), to its user (kmem_cache.c,
 * kmalloc.c), and back (object_free.c). head.c has memory for the heads of slabs.
 *
 * kmem_cache.c and kmem_cpu.c call each other: the end of a cache is the end of its stacks, and the end of a
 * CPU that of its stacks of all caches. kmem_cache.c and slab_shrink.c call each other: the shrinker is
 * registered with the caches that it empties. kmem_cpu.c and slab.c call each other: a stack is filled
 * from slabs, and emptied into them.
 */
#ifndef QUARRY_MM_SLAB_INTERNAL_H
#define QUARRY_MM_SLAB_INTERNAL_H

#include "../debug/hooks.h"
#include "../pcp/pcp.h"
#include "../spinlock.h"
#include "../state.h"
#include "heads_internal.h"

#pragma GCC visibility push(hidden)

enum { /* of slabs */
	EMPTY,
	PARTIAL,
	NR_LISTS
};

/* What inline callers know of a cache comes first (slab_inline.h). */
struct kmem_cache {
	struct kmem_cache_hot hot;
	uint32_t size; /* from one object to the next */
	uint32_t align;
	gfp_t gfp;	    /* of its pages, besides the caller's */
	slab_flags_t flags; /* as it was created */
	uint16_t number;
	uint16_t limit;		  /* objects that a CPU keeps */
	uint16_t most_objects;	  /* of a slab: its head has no room for more */
	uint8_t batch, give;	  /* that come to it, and that go back, at once */
	uint8_t order, min_order; /* of its slabs; where such blocks are not to be had */
	uint8_t head_shift;
	unsigned long reciprocal;
	const char *name;
	void (*ctor)(void *object);

	struct spinlock lock;	     /* guards all below, and its slabs' `free`, maps and links */
	struct slab *list[NR_LISTS]; /* EMPTY, PARTIAL: first slabs */
	unsigned int nr_empty;	     /* slabs */
	uint64_t nr_slabs, nr_pages, nr_objects, nr_free; /* objects there are, and in slabs */
};
/* Empty slabs that a cache keeps, and chunks without heads that are kept. */
#define KEEP_EMPTY  4
#define KEEP_CHUNKS 1

/* ---- all there is ----------------------------------------------------------------------------- */

struct kmem {
	/* Of a CPU that has no objects, and no room for any: each stack is empty and full. */
	struct kmem_cpu none;
	struct kmem_cpu *cpu[CONFIG_NR_CPUS]; /* by number; NULL: it has no objects */
	struct kmem_cache *caches[CONFIG_KMEM_CACHES];
	struct spinlock table_lock; /* guards caches[], but for reading an entry */
	struct spinlock spare_lock; /* guards the stacks that no cache has, of each CPU */
	unsigned int emptying; /* a thread empties stacks that are not its own to empty; atomic */
	struct heads heads;
	struct shrinker shrinker;
	uint64_t empty_pages; /* of all caches' empty slabs, for the shrinker to answer at once */
	struct object_slot no_object[1];
	struct kmem_cache of_caches, kmalloc[2 * MM_KMALLOC_SIZES];
	char names[2 * MM_KMALLOC_SIZES][20]; /* of these */
};
static_assert(offsetof(struct kmem, none) == 0, "mm_cpu_online() knows no more of it");

/* head.c. For slab_check.c there is mm.kmem, which is NULL where it is not used. */
#if QUARRY_INSTANCES == 1
extern struct kmem kmem_state;
#else
extern struct kmem kmem_state_of_instance[QUARRY_INSTANCES];
#define kmem_state kmem_state_of_instance[this_instance()]
#endif

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

/* head.c: what the hot path knows of heads is brought up to date. Interrupts masked. */
void kmem_cpu_sync(struct kmem_cpu *cpu);
/* slab.c: an object from the cache's slabs; the CPU's stack is filled by the way. NULL: refused. */
void *slab_alloc(struct kmem_cache *cache, gfp_t gfp);
/* Up to n free objects of the cache's slabs go to the slots; returns how many. The lock is held. */
unsigned int slab_take_objects(struct kmem_cache *cache, struct object_slot *slots, unsigned int n);
/* n free objects go back to their slabs. */
void slab_give_objects(struct kmem_cache *cache, const struct object_slot *slots, unsigned int n);
/* A slab with free objects, one in use before an empty one; NULL: there is none. The lock is held. */
struct slab *slab_first(const struct kmem_cache *cache);
/* So many more of its objects are free, or fewer: it goes to the list where it belongs. */
void slab_count(struct kmem_cache *cache, struct slab *slab, int more);
/* One slab or chunk goes back, if more are empty than are kept. False: none did. */
bool slab_give_back(struct kmem_cache *cache);
/* Empty slabs go back, but for `keep`, so many at most. Returns their pages. */
unsigned long slab_give_empty(struct kmem_cache *cache, unsigned int keep, unsigned int most);
/* What lies on this CPU's stack goes back to its slabs. */
void slab_flush(struct kmem_cache *cache);
/* The cache's stack on this CPU, made if there is room; NULL: there is none. Interrupts masked. */
struct object_stack *stack_of(const struct kmem_cache *cache);

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
