/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dma_pool.c: coherent pages cut into pieces for a device.
 *
 * A page comes when no piece is free, and stays until the pool ends. Its record, with a bit for each piece
 * in use, is an object of kmalloc(): the device cannot reach it.
 */
#include "drivers/dma/dma_pool.h"

#include <errno.h>
#include <quarry/mm.h>
#include <quarry/port.h>
#include <quarry/slab.h>
#include <string.h>

#include "drivers/dma/dma_internal.h"
#include "mm/spinlock.h"

#define MAP_BITS (8 * sizeof(unsigned long))

struct pool_page {
	struct pool_page *next;
	char *cpu;
	dma_addr_t handle;
	unsigned int used;
	unsigned long map[]; /* a bit for each piece: it is in use */
};

struct dma_pool {
	const char *name;
	struct device *dev;
	size_t size;	 /* from one piece to the next, inside a boundary */
	size_t boundary; /* at most a page */
	unsigned int per_boundary, per_page;
	struct spinlock lock; /* guards pages and their maps; interrupts are masked */
	struct pool_page *pages;
};

static unsigned long pool_lock(struct dma_pool *pool)
{
	unsigned long flags = port_irq_save();

	spin_lock(&pool->lock);
	return flags;
}

static void pool_unlock(struct dma_pool *pool, unsigned long flags)
{
	spin_unlock(&pool->lock);
	port_irq_restore(flags);
}

/* ---- pools come and go ------------------------------------------------------------------------------ */

static bool power_of_two(size_t n)
{
	return n && !(n & (n - 1));
}

static struct dma_pool *refuse_pool(const struct device *dev, const char *name, const char *why)
{
	device_log(dev, "dma_pool_create: %s: %s", name, why);
	return NULL;
}

struct dma_pool *dma_pool_create(const char *name, struct device *dev, size_t size, size_t align,
				 size_t boundary)
{
	struct dma_pool *pool;

	if (!align)
		align = sizeof(void *);
	if (!size || size > PAGE_SIZE)
		return refuse_pool(dev, name, "its pieces are not of 1 to PAGE_SIZE bytes");
	if (!power_of_two(align) || align > PAGE_SIZE)
		return refuse_pool(dev, name, "its alignment is no power of two of at most a page");
	if (boundary && (!power_of_two(boundary) || boundary < size))
		return refuse_pool(dev, name,
				   "its boundary is no power of two, or smaller than a piece");
	pool = kzalloc(sizeof(*pool), GFP_KERNEL);
	if (!pool)
		return refuse_pool(dev, name, "out of memory");
	pool->name = name;
	pool->dev = dev;
	pool->size = ALIGN_UP(size, align);
	/* A page starts at a multiple of its size for the device too: a larger boundary is never crossed. */
	pool->boundary = boundary && boundary < PAGE_SIZE ? boundary : PAGE_SIZE;
	/* Where pieces are further apart than a boundary is wide, each starts at one. */
	if (pool->boundary < align)
		pool->boundary = align;
	/* The last piece before a boundary need not have its whole distance to the next. */
	pool->per_boundary = (unsigned int)((pool->boundary - size) / pool->size) + 1;
	pool->per_page = pool->per_boundary * (unsigned int)(PAGE_SIZE / pool->boundary);
	return pool;
}

int dma_pool_destroy(struct dma_pool *pool)
{
	struct pool_page *page;
	unsigned int used = 0;

	if (!pool)
		return 0;
	for (page = pool->pages; page; page = page->next)
		used += page->used;
	if (used) {
		device_log(pool->dev, "dma_pool_destroy: %s: %u pieces are in use", pool->name,
			   used);
		return -EBUSY;
	}
	while ((page = pool->pages)) {
		pool->pages = page->next;
		dma_free_coherent(pool->dev, PAGE_SIZE, page->cpu, page->handle);
		kfree(page);
	}
	kfree(pool);
	return 0;
}

/* ---- pieces ----------------------------------------------------------------------------------------- */

static size_t offset_of(const struct dma_pool *pool, unsigned int n)
{
	return n / pool->per_boundary * pool->boundary + n % pool->per_boundary * pool->size;
}

static struct pool_page *page_make(struct dma_pool *pool, gfp_t gfp)
{
	size_t words = (pool->per_page + MAP_BITS - 1) / MAP_BITS;
	struct pool_page *page = kzalloc(sizeof(*page) + words * sizeof(page->map[0]), gfp);

	if (!page)
		return NULL;
	page->cpu = dma_alloc_coherent(pool->dev, PAGE_SIZE, &page->handle, gfp);
	if (page->cpu)
		return page;
	kfree(page);
	return NULL;
}

/* A free piece of a page; the lock is held. */
static void *take(const struct dma_pool *pool, struct pool_page *page, dma_addr_t *handle)
{
	unsigned int n = 0;

	while (!~page->map[n / MAP_BITS])
		n += MAP_BITS;
	n += (unsigned int)__builtin_ctzl(~page->map[n / MAP_BITS]);
	page->map[n / MAP_BITS] |= 1UL << n % MAP_BITS;
	page->used++;
	*handle = page->handle + offset_of(pool, n);
	return page->cpu + offset_of(pool, n);
}

void *dma_pool_alloc(struct dma_pool *pool, gfp_t gfp, dma_addr_t *handle)
{
	unsigned long flags = pool_lock(pool);
	struct pool_page *page = pool->pages;
	void *piece = NULL;

	while (page && page->used == pool->per_page)
		page = page->next;
	if (page)
		piece = take(pool, page, handle);
	pool_unlock(pool, flags);
	if (piece)
		return piece;
	page = page_make(pool, gfp);
	if (!page)
		return NULL;
	flags = pool_lock(pool);
	page->next = pool->pages;
	pool->pages = page;
	piece = take(pool, page, handle);
	pool_unlock(pool, flags);
	return piece;
}

void *dma_pool_zalloc(struct dma_pool *pool, gfp_t gfp, dma_addr_t *handle)
{
	void *piece = dma_pool_alloc(pool, gfp & ~__GFP_ZERO, handle);

	return piece ? memset(piece, 0, pool->size) : NULL;
}

/* Its page and its number there; NULL: no piece of the pool's starts there. The lock is held. */
static struct pool_page *find(const struct dma_pool *pool, const void *piece, unsigned int *n)
{
	struct pool_page *page = pool->pages;
	uintptr_t offset;

	while (page && (uintptr_t)piece - (uintptr_t)page->cpu >= PAGE_SIZE)
		page = page->next;
	if (!page)
		return NULL;
	offset = (uintptr_t)piece - (uintptr_t)page->cpu;
	*n = (unsigned int)(offset / pool->boundary * pool->per_boundary +
			    offset % pool->boundary / pool->size);
	return *n < pool->per_page && offset_of(pool, *n) == offset ? page : NULL;
}

int dma_pool_free(struct dma_pool *pool, void *piece, dma_addr_t handle)
{
	const char *why = "no piece of this pool starts there";
	unsigned int n = 0;
	struct pool_page *page;
	unsigned long flags;
	int error = -EINVAL;

	if (!piece)
		return 0;
	flags = pool_lock(pool);
	page = find(pool, piece, &n);
	if (page && page->handle + offset_of(pool, n) != handle) {
		why = "the handle is not its own";
	} else if (page && !(page->map[n / MAP_BITS] >> n % MAP_BITS & 1)) {
		why = "it is free already";
		error = -EALREADY;
	} else if (page) {
		page->map[n / MAP_BITS] &= ~(1UL << n % MAP_BITS);
		page->used--;
		error = 0;
	}
	pool_unlock(pool, flags);
	if (error)
		device_log(pool->dev, "dma_pool_free: %s: %p, 0x%llx: %s (called from %p)",
			   pool->name, piece, (unsigned long long)handle, why,
			   __builtin_return_address(0));
	return error;
}
