/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * slab.h: objects smaller than a page, or of no whole number of pages: kmem_cache and kmalloc, with
 * Linux's names and meaning.
 *
 * A slab is a block of pages cut into objects of one size. What is known of it, and of each object,
 * lies outside its pages, so a stray write cannot break the allocator. Any address that is given to
 * kfree() is judged in bounded time: it is freed if it is the start of an object in use, else it is
 * refused, counted and named.
 *
 * Call kmem_cache_init() once, after memblock_free_all(), before all else here.
 */
#ifndef QUARRY_SLAB_H
#define QUARRY_SLAB_H

#include <quarry/gfp.h>
#include <quarry/page_alloc.h>
#include <quarry/types.h>

MM_BEGIN_DECLS

#define KMALLOC_MIN_SIZE       (0UL + ARCH_DMA_MINALIGN) /* config.h; from one object to the next */
#define KMALLOC_MAX_CACHE_SIZE 8192UL			 /* above, whole blocks of pages */
#define KMALLOC_MAX_SIZE       ((size_t)PAGE_SIZE << MAX_PAGE_ORDER)

/* What kmalloc(0) returns: it may be freed, and not be used. */
#define ZERO_SIZE_PTR	    ((void *)16)
#define ZERO_OR_NULL_PTR(p) ((uintptr_t)(p) <= (uintptr_t)ZERO_SIZE_PTR)

struct kmem_cache;

/* Flags of kmem_cache_create(). */
typedef uint32_t slab_flags_t;
#define SLAB_HWCACHE_ALIGN \
	((slab_flags_t)1)		   /* objects do not share cache lines, if they are large */
#define SLAB_CACHE_DMA32 ((slab_flags_t)2) /* of pages below the zone boundary */
/* Options for debugging, which cost time and memory (slab_debug.h): */
#define SLAB_CONSISTENCY_CHECKS ((slab_flags_t)0x100)	/* metadata at each call */
#define SLAB_RED_ZONE		((slab_flags_t)0x400)	/* bytes behind each object */
#define SLAB_POISON		((slab_flags_t)0x800)	/* a pattern in free objects */
#define SLAB_STORE_USER		((slab_flags_t)0x10000) /* call sites of its allocation and free */
#define MM_SLAB_QUARANTINE	((slab_flags_t)0x20000) /* what is freed is not used again at once */
#define MM_SLAB_RANDOM		((slab_flags_t)0x40000) /* objects of a slab in random order */
#define SLAB_DEBUG_FLAGS                                                           \
	(SLAB_CONSISTENCY_CHECKS | SLAB_RED_ZONE | SLAB_POISON | SLAB_STORE_USER | \
	 MM_SLAB_QUARANTINE | MM_SLAB_RANDOM)

/*
 * kmem_cache_init() - make the caches of kmalloc().
 *
 * Context: boot, after memblock_free_all(). It takes no memory.
 * Bound:   30000.
 * Return:  0; -EEXIST it was called before.
 * Source:  Linux mm/slab.h.
 */
int kmem_cache_init(void);

/*
 * kmem_cache_create() - a cache of objects of `size` bytes, aligned to `align`, a power of two of at
 * most a page; 0: that of a pointer. ctor, if not NULL, is called for each object once, when its
 * slab is made, not each time it is allocated.
 *
 * Context: boot or thread. name stays the caller's.
 * Bound:   3000.
 * Return:  the cache; NULL: no name, a size of 0 or above KMALLOC_MAX_CACHE_SIZE, no such alignment
 *          or flag, a cache of this name, or CONFIG_KMEM_CACHES caches already; one line says which.
 * Source:  Linux core-api/memory-allocation.rst, include/linux/slab.h.
 *
 * kmem_cache_destroy() - the end of a cache.
 *
 * Context: thread; nobody uses the cache any more.
 * Bound:   linear in its slabs.
 * Return:  0; -EBUSY objects are in use: the first are listed, and nothing has changed; -EINVAL no
 *          cache, or one of kmalloc()'s.
 */
struct kmem_cache *kmem_cache_create(const char *name, size_t size, size_t align,
				     slab_flags_t flags, void (*ctor)(void *object));
int kmem_cache_destroy(struct kmem_cache *cache);

/*
 * kmem_cache_alloc(), kmem_cache_free() - one object. Without ctor and __GFP_ZERO its contents are
 * not defined.
 *
 * Context: any; with __GFP_DIRECT_RECLAIM as alloc_pages().
 * Bound:   13 where this CPU's objects serve; 36 where it has room, and its newest object there is
 *          near, else 54. Else 1700 and 1100, and what alloc_pages() needs where memory is short.
 * Return:  the object, NULL: refused. 0; refused: -EALREADY free already, -EINVAL no object's start,
 *          or another cache's, -EFAULT no object at all.
 * Source:  Linux include/linux/slab.h; there a free returns nothing.
 */
int kmem_cache_free(struct kmem_cache *cache, void *object);

/*
 * kmem_cache_alloc_bulk(), kmem_cache_free_bulk() - n objects, all or none, and then all is as it was before, but
 * for the tables that the first slab of all makes and, with debug options, empty slabs; those that are refused are passed over.
 *
 * Context: as kmem_cache_alloc(), as kmem_cache_free().
 * Bound:   14 and 24 an object, and the slabs'; interrupts are let in after 32 to 48.
 * Return:  n or 0; the number of objects freed.
 * Source:  Linux include/linux/slab.h.
 */
size_t kmem_cache_alloc_bulk(struct kmem_cache *cache, gfp_t gfp, size_t n, void **objects);
size_t kmem_cache_free_bulk(struct kmem_cache *cache, size_t n, void **objects);

/*
 * kmem_cache_shrink() - give back this CPU's objects and the slabs that are free as a whole.
 *
 * Context: thread.
 * Bound:   linear in the free slabs.
 * Return:  pages that went back.
 * Source:  Linux include/linux/slab.h.
 *
 * kmem_cache_size(), kmem_cache_name() - what it was made with.
 *
 * Context: any.
 * Bound:   4.
 * Return:  bytes; a string.
 */
unsigned long kmem_cache_shrink(struct kmem_cache *cache);
size_t kmem_cache_size(const struct kmem_cache *cache);
const char *kmem_cache_name(const struct kmem_cache *cache);

/*
 * kmem_shrink() - the same for all caches.
 *
 * Context: thread.
 * Bound:   linear in the free slabs.
 * Return:  pages that went back.
 *
 * kmem_cpu_end() - this CPU has no objects any more, nor room for them: before mm_cpu_offline(). It
 * may go on, and gets both again.
 *
 * Context: thread, pinned.
 * Bound:   linear in what this CPU has.
 */
unsigned long kmem_shrink(void);
void kmem_cpu_end(void);

/*
 * kmem_release() - all memory goes back that objects in use do not need: slabs, this CPU's stacks, and what of
 * the tables leads to none (built for size they go once no object is in use).
 *
 * Context: thread, nothing else running.
 * Bound:   linear in the slabs.
 * Return:  0; -EBUSY objects are in use, or another CPU has some on its stacks, and the tables stay then: what can
 *          go, has gone.
 */
int kmem_release(void);

/*
 * kmalloc(), kzalloc(), __kmalloc() - size bytes, aligned to KMALLOC_MIN_SIZE, and to the size if
 * that is a power of two; the second zeroed; the third is the first where the arguments are not
 * constant. Above KMALLOC_MAX_CACHE_SIZE a block of pages. In slab_inline.h and below.
 *
 * Context: any; with __GFP_DIRECT_RECLAIM as alloc_pages().
 * Bound:   12 where the arguments are constant and this CPU's objects serve, 33 where they are not;
 *          else as kmem_cache_alloc().
 * Return:  the address; ZERO_SIZE_PTR for 0 bytes; NULL: refused.
 * Source:  Linux core-api/memory-allocation.rst.
 *
 * kmalloc_array(), kcalloc() - n times size bytes; the second zeroed.
 *
 * Context: as kmalloc().
 * Bound:   as kmalloc().
 * Return:  as kmalloc(); NULL also if no size_t holds the product.
 * Source:  Linux core-api/memory-allocation.rst.
 *
 * krealloc() - another size; what fits is kept. NULL is kmalloc(), size 0 is kfree().
 *
 * Context: as kmalloc().
 * Bound:   as kmalloc() and kfree(), and linear in the bytes that are copied.
 * Return:  the address, which may be the same; NULL: refused, and the old one stays.
 * Source:  Linux core-api/memory-allocation.rst.
 *
 * kfree() - free what these returned. NULL and ZERO_SIZE_PTR are passed over.
 *
 * Context: any.
 * Bound:   41 where this CPU has room; else 1100.
 * Return:  0; refused as kmem_cache_free().
 * Source:  Linux core-api/memory-allocation.rst; there it returns nothing.
 *
 * ksize() - bytes that may be used.
 *
 * Context: any.
 * Bound:   60 + 10 log2(banks).
 * Return:  bytes; 0: no object in use.
 * Source:  Linux include/linux/slab.h.
 *
 * kstrdup() - a copy of a string.
 *
 * Context: as kmalloc().
 * Bound:   as kmalloc(), and linear in the string.
 * Return:  the copy; NULL: refused, or s is NULL.
 * Source:  Linux core-api/mm-api.rst.
 */
void *krealloc(const void *object, size_t size, gfp_t gfp);
int kfree(const void *object);
size_t ksize(const void *object);
char *kstrdup(const char *s, gfp_t gfp);

MM_END_DECLS

#include <quarry/slab_inline.h>

MM_BEGIN_DECLS

/* In the caller whatever the compiler was told, so that call sites are the caller's (slab_debug.h). */
static inline __attribute__((always_inline)) void *kzalloc(size_t size, gfp_t gfp)
{
	return kmalloc(size, gfp | __GFP_ZERO);
}

static inline __attribute__((always_inline)) void *kmalloc_array(size_t n, size_t size, gfp_t gfp)
{
	size_t bytes;

	return __builtin_mul_overflow(n, size, &bytes) ? NULL : kmalloc(bytes, gfp);
}

static inline __attribute__((always_inline)) void *kcalloc(size_t n, size_t size, gfp_t gfp)
{
	return kmalloc_array(n, size, gfp | __GFP_ZERO);
}

/* ---- figures -------------------------------------------------------------------------------- */

#define MM_CACHE_NAME 32 /* bytes of a name that are shown, with the 0 */

struct slab_info {
	char name[MM_CACHE_NAME]; /* a copy: the cache may end meanwhile */
	unsigned int place;	  /* of the table: for slab_cache() */
	size_t object_size;	  /* bytes that were asked for */
	size_t size;		  /* bytes from one object to the next */
	unsigned int per_slab;	  /* objects */
	unsigned int pages;	  /* of a slab */
	unsigned int limit,
		batch;	  /* what a CPU keeps, but for one more; what comes to it at once */
	uint64_t active;  /* objects in use */
	uint64_t objects; /* objects there are */
	uint64_t slabs, active_slabs; /* all, and those with an object in use */
	uint64_t total_pages;	      /* of all slabs */
};
/*
 * slab_info() - figures of cache number n, from 0 on.
 *
 * Context: any; a figure may be a moment old.
 * Bound:   linear in CONFIG_KMEM_CACHES and in the CPUs.
 * Return:  whether there is such a cache.
 * Source:  Linux /proc/slabinfo.
 */
bool slab_info(unsigned int n, struct slab_info *info);

/*
 * slab_cache() - the cache in place n of the table, 0 .. CONFIG_KMEM_CACHES - 1.
 *
 * Context: any.
 * Bound:   6.
 * Return:  the cache; NULL: the place is empty.
 */
struct kmem_cache *slab_cache(unsigned int n);

MM_END_DECLS

#endif
