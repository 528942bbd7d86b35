/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * malloc.c: C's memory management functions (C11 7.22.3) on kmalloc(), for C code that has a C library.
 *
 * All are weak: a program that has its own keeps them. Beside them stand those that picolibc declares, so
 * that none of its own heap is linked. The file needs <quarry/slab.h> and <errno.h> alone, and no library of
 * mm/ has it: an embedder who wants it compiles it, or links libquarry-malloc.a.
 *
 * Thread context, after kmem_cache_init(). Bounds are those of kmalloc() and kfree().
 */
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include <quarry/slab.h>

#define WEAK __attribute__((weak))
#define GFP  (GFP_KERNEL | __GFP_NOWARN)

/* What any type of C is aligned to; sizes of kmalloc() are aligned to it where they are multiples of it. */
#define ALIGNMENT _Alignof(max_align_t)

/*
 * size bytes, aligned to a power of two. A size of kmalloc() that is no smaller than a multiple of the
 * alignment is one too: sizes are a quarter of a power of two apart.
 */
static void *allocate(size_t alignment, size_t size, gfp_t gfp)
{
	void *memory = NULL;

	if (alignment < ALIGNMENT)
		alignment = ALIGNMENT;
	if (!size)
		size = 1; /* so that it has an address of its own */
	if (size <= KMALLOC_MAX_SIZE && alignment <= KMALLOC_MAX_SIZE)
		memory = kmalloc(ALIGN_UP(size, alignment), gfp);
	/* Blocks of pages are aligned in physical memory, and so where the port maps them alike. */
	if (memory && (uintptr_t)memory & (alignment - 1)) {
		kfree(memory);
		memory = NULL;
	}
	return memory;
}

static void *or_errno(void *memory)
{
	if (!memory)
		errno = ENOMEM;
	return memory;
}

WEAK void *malloc(size_t size)
{
	return or_errno(allocate(ALIGNMENT, size, GFP));
}

WEAK void free(void *memory)
{
	kfree(memory);
}

WEAK void *calloc(size_t n, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes))
		return or_errno(NULL);
	return or_errno(allocate(ALIGNMENT, bytes, GFP | __GFP_ZERO));
}

WEAK void *realloc(void *memory, size_t size)
{
	if (size > KMALLOC_MAX_SIZE)
		return or_errno(NULL);
	return or_errno(krealloc(memory, ALIGN_UP(size ? size : 1, ALIGNMENT), GFP));
}

WEAK void *aligned_alloc(size_t alignment, size_t size)
{
	if (!alignment || alignment & (alignment - 1)) {
		errno = EINVAL;
		return NULL;
	}
	return or_errno(allocate(alignment, size, GFP));
}

WEAK void *memalign(size_t alignment, size_t size)
{
	return aligned_alloc(alignment, size);
}

/* IEEE Std 1003.1: errno stays as it was. */
WEAK int posix_memalign(void **memory, size_t alignment, size_t size)
{
	void *found;

	if (alignment < sizeof(void *) || alignment & (alignment - 1))
		return EINVAL;
	found = allocate(alignment, size, GFP);
	if (found)
		*memory = found;
	return found ? 0 : ENOMEM;
}

WEAK void *valloc(size_t size)
{
	return or_errno(allocate(PAGE_SIZE, size, GFP));
}

WEAK void *pvalloc(size_t size)
{
	return or_errno(size <= KMALLOC_MAX_SIZE
				? allocate(PAGE_SIZE, ALIGN_UP(size, PAGE_SIZE), GFP)
				: NULL);
}

WEAK size_t malloc_usable_size(void *memory)
{
	return ksize(memory);
}
