/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * slab_inline.h: the hot path of kmalloc(), in the caller where size and flags are constant. Included
 * by slab.h alone.
 *
 * A CPU has a stack of free objects for each cache, touched with interrupts masked and without a
 * lock. Its slot below the first object holds NULL, as a page cache's does (pcp.h). With each object
 * stands the byte that says whether it is in use, in the slab's metadata (mm/slab/slab.h).
 */
#ifndef QUARRY_SLAB_INLINE_H
#define QUARRY_SLAB_INLINE_H

#include <quarry/config.h>
#include <quarry/gfp.h>
#include <quarry/mm_inline.h>
#include <quarry/pcp.h>
#include <quarry/port.h>

MM_BEGIN_DECLS

struct kmem_cache;

struct object_slot {
	void *object;
	uint8_t *state; /* MM_OBJECT_FREE or MM_OBJECT_IN_USE */
};

#define MM_OBJECT_IN_USE 0
#define MM_OBJECT_FREE	 1 /* in its slab or on a CPU's stack */

struct object_stack {
	struct object_slot *top;   /* the newest object, or the slot with NULL when it is empty */
	struct object_slot *limit; /* at it, or one past it, the stack is full */
};

/* What inline callers know of a cache: the first bytes of a struct kmem_cache. */
struct kmem_cache_hot {
	uint16_t stack; /* bytes from a struct kmem_cpu to the cache's stack */
	uint32_t object_size;
};

/* One CPU's objects, and what it knows to judge an address by. */
struct kmem_cpu {
	uintptr_t start, bytes; /* the bank in which an object was last found */
	const struct page
		*pages; /* the descriptor of the page at address 0 if it were in that bank */
	uint8_t *const *states; /* of a slab's objects, by its handle (mm/slab/slab.h) */
	uint32_t nr_handles;	/* smaller ones may be looked up there */
	uint32_t unused;
	struct object_stack stack[CONFIG_KMEM_CACHES];
};

/* Caches of kmalloc(): each of Linux's sizes, and quarter steps between them. */
#define MM_KMALLOC_SIZES 34

/*
 * kmalloc_index() - the number of a size's cache: 8 16 24 32 48 64 80 96 112 128, then four steps to
 * each power of two up to KMALLOC_MAX_CACHE_SIZE.
 *
 * Context: any; size is 1 .. KMALLOC_MAX_CACHE_SIZE.
 * Bound:   none where size is constant.
 * Return:  0 .. MM_KMALLOC_SIZES - 1.
 */
static inline __attribute__((always_inline)) unsigned int kmalloc_index(size_t size)
{
	unsigned long last = (unsigned long)size - 1;
	unsigned int shift;

	if (size <= 32)
		return (unsigned int)(last >> 3);
	if (size <= 128)
		return 2 + (unsigned int)(last >> 4);
	shift = (unsigned int)(8 * sizeof(long)) - 1 - (unsigned int)__builtin_clzl(last);
	return 10 + 4 * (shift - 7) + (unsigned int)((last - (1UL << shift)) >> (shift - 2));
}

/*
 * slab_take_at(), slab_take() - take an object from this CPU's stack, by its place in struct kmem_cpu or
 * by the number of its cache.
 *
 * Context: any.
 * Bound:   11.
 * Return:  the object, in use; NULL: there is none.
 */
static inline void *slab_take_at(unsigned long offset)
{
	unsigned long flags = port_irq_save();
	struct object_stack *stack =
		(struct object_stack *)(void *)((char *)port_pcpu()->kmem + offset);
	struct object_slot *top = stack->top;
	void *object = top->object;

	if (mm_likely(object)) {
		stack->top = top - 1;
		*top->state = MM_OBJECT_IN_USE;
	}
	port_irq_restore(flags);
	return object;
}

static inline void *slab_take(unsigned long n)
{
	return slab_take_at(offsetof(struct kmem_cpu, stack) + n * sizeof(struct object_stack));
}

/* What the inline path may ignore: it never waits, wakes or warns. DMA32 has caches of its own. */
#define MM_OBJECT_HOT_MASK \
	(__GFP_DMA32 | __GFP_DIRECT_RECLAIM | __GFP_KSWAPD_RECLAIM | __GFP_HIGH | __GFP_NOWARN)

/*
 * kmalloc_slow() - an object of cache number n, of which size bytes are used, whatever it takes.
 *
 * Context: as kmalloc().
 * Bound:   as kmalloc().
 * Return:  as kmalloc().
 */
void *kmalloc_slow(unsigned int n, gfp_t gfp, size_t size);

/*
 * __kmalloc() - kmalloc(), whose contract is in slab.h, where the arguments are not constant.
 *
 * Context: see there.
 * Bound:   34 where this CPU's objects serve; else see there.
 * Return:  see there.
 */
void *__kmalloc(size_t size, gfp_t gfp);

/*
 * kmalloc() - the contract is in slab.h.
 *
 * Context: see there.
 * Bound:   12 where the arguments are constant and this CPU's objects serve; else see there.
 * Return:  see there.
 */
static inline __attribute__((always_inline)) void *kmalloc(size_t size, gfp_t gfp)
{
	if (__builtin_constant_p(size) && __builtin_constant_p(gfp) && size && size <= 8192 &&
	    !(gfp & ~MM_OBJECT_HOT_MASK)) {
		unsigned int n = kmalloc_index(size) + (gfp & __GFP_DMA32 ? MM_KMALLOC_SIZES : 0);
		void *object = slab_take(n);

		return mm_likely(object) ? object : kmalloc_slow(n, gfp, size);
	}
	return __kmalloc(size, gfp);
}

/*
 * kmem_cache_alloc_slow() - kmem_cache_alloc(), whose contract is in slab.h, whatever it takes.
 *
 * Context: see there.
 * Bound:   see there.
 * Return:  see there.
 */
void *kmem_cache_alloc_slow(struct kmem_cache *cache, gfp_t gfp);

/*
 * kmem_cache_alloc() - the contract is in slab.h.
 *
 * Context: see there.
 * Bound:   13 where this CPU's objects serve; else see there.
 * Return:  see there.
 */
static inline __attribute__((always_inline)) void *kmem_cache_alloc(struct kmem_cache *cache,
								    gfp_t gfp)
{
	void *object;

	if (gfp & __GFP_ZERO)
		return kmem_cache_alloc_slow(cache, gfp);
	object = slab_take_at(((const struct kmem_cache_hot *)(const void *)cache)->stack);
	return mm_likely(object) ? object : kmem_cache_alloc_slow(cache, gfp);
}

MM_END_DECLS

#endif
