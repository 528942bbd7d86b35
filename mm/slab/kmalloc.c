/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kmalloc.c: requests by size: from the cache of the size, or, if they are large, whole blocks of pages.
 */
#include "../alloc/alloc.h"
#include "slab_internal.h"

#if FOR_SPEED
/* kmalloc_index() where the size is not constant: in steps of 8 bytes up to 1024, then of 128. */
static const uint8_t small_index[128] = {
	[0] = 0,	   [1] = 1,	      [2] = 2,		[3] = 3,	  [4 ... 5] = 4,
	[6 ... 7] = 5,	   [8 ... 9] = 6,     [10 ... 11] = 7,	[12 ... 13] = 8,  [14 ... 15] = 9,
	[16 ... 19] = 10,  [20 ... 23] = 11,  [24 ... 27] = 12, [28 ... 31] = 13, [32 ... 39] = 14,
	[40 ... 47] = 15,  [48 ... 55] = 16,  [56 ... 63] = 17, [64 ... 79] = 18, [80 ... 95] = 19,
	[96 ... 111] = 20, [112 ... 127] = 21};
static const uint8_t big_index[64] = {[8 ... 9] = 22,	[10 ... 11] = 23, [12 ... 13] = 24,
				      [14 ... 15] = 25, [16 ... 19] = 26, [20 ... 23] = 27,
				      [24 ... 27] = 28, [28 ... 31] = 29, [32 ... 39] = 30,
				      [40 ... 47] = 31, [48 ... 55] = 32, [56 ... 63] = 33};

static inline unsigned long index_of(size_t size)
{
	return size <= 1024 ? small_index[(size - 1) >> 3] : big_index[(size - 1) >> 7];
}
#else
static unsigned long index_of(size_t size)
{
	unsigned long n = 0;

	while (n < MM_KMALLOC_SIZES - 1 && kmem_state.kmalloc[n].hot.object_size < size)
		n++;
	return n;
}
#endif

/* Pages for a request above KMALLOC_MAX_CACHE_SIZE; their owner word says that kfree() may have them. */
static void *kmalloc_large(size_t size, gfp_t gfp)
{
	unsigned int order = 0;
	struct page *page;

	if (size > KMALLOC_MAX_SIZE)
		return NULL;
	while (PAGE_SIZE << order < size)
		order++;
	page = alloc_pages(gfp & ~(__GFP_COMP | GFP_MOVABLE_MASK), order);
	if (!page)
		return NULL;
	page->raw = (uint64_t)HANDLE_LARGE << 32 | PAGE_INFO(PAGE_SLAB, order) |
		    (page->word & PAGE_CLASS_MASK);
	return page_address(page);
}

void *kmalloc_slow(unsigned int n, gfp_t gfp, size_t size)
{
	struct kmem_cache *cache = mm.kmem ? kmem_state.caches[n] : NULL;

	return cache ? object_alloc(cache, gfp, size) : NULL;
}

#if FOR_SPEED
/* Apart, so that the hot path has no registers to save. */
static __attribute__((noinline)) void *kmalloc_zeroed(unsigned long n, size_t size, gfp_t gfp)
{
	void *object = slab_take(n);

	if (!object)
		return kmalloc_slow((unsigned int)n, gfp, size);
	return memset(object, 0, size);
}
#endif

static __attribute__((noinline)) void *kmalloc_other(size_t size, gfp_t gfp)
{
	return size ? kmalloc_large(size, gfp) : ZERO_SIZE_PTR;
}

void *__kmalloc(size_t size, gfp_t gfp)
{
	unsigned long n;
#if FOR_SPEED
	void *object;
#endif

	if (!mm_likely(size - 1 < KMALLOC_MAX_CACHE_SIZE))
		return kmalloc_other(size, gfp);
	n = index_of(size);
#if FOR_SPEED
	if (gfp & (__GFP_DMA32 | __GFP_ZERO)) {
		n += gfp & __GFP_DMA32 ? MM_KMALLOC_SIZES : 0;
		if (gfp & __GFP_ZERO)
			return kmalloc_zeroed(n, size, gfp);
	}
	object = slab_take(n);
	if (mm_likely(object))
		return object;
#else
	n += gfp & __GFP_DMA32 ? MM_KMALLOC_SIZES : 0;
#endif
	return kmalloc_slow((unsigned int)n, gfp, size);
}

void *krealloc(const void *object, size_t size, gfp_t gfp)
{
	size_t have = ksize(object);
	void *other;

	if (!size) {
		kfree(object);
		return ZERO_SIZE_PTR;
	}
	/* The same cache, or the same block. */
	if (have && size <= have &&
	    (size > KMALLOC_MAX_CACHE_SIZE
		     ? size > have / 2
		     : have <= KMALLOC_MAX_CACHE_SIZE && index_of(size) == index_of(have)))
		return (void *)(uintptr_t)object;
	if (!have && !ZERO_OR_NULL_PTR(object)) {
		kfree(object); /* refused, and said so */
		return NULL;
	}
	other = kmalloc(size, gfp);
	if (other && have) {
		memcpy(other, object, have < size ? have : size);
		kfree(object);
	}
	return other;
}

char *kstrdup(const char *s, gfp_t gfp)
{
	size_t bytes = 0;
	char *copy;

	if (!s)
		return NULL;
	do
		__asm__("" : "+r"(bytes)); /* a loop, of which gcc would make a call of strlen() */
	while (s[bytes++]);
	copy = kmalloc(bytes, gfp);
	return copy ? memcpy(copy, s, bytes) : NULL;
}
