/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * page_alloc.h: pages are allocated and freed here: alloc_pages() and its relatives, as Linux has
 * them.
 */
#ifndef QUARRY_PAGE_ALLOC_H
#define QUARRY_PAGE_ALLOC_H

#include <quarry/gfp.h>
#include <quarry/page.h>
#include <quarry/pcp.h>
#include <quarry/types.h>

/*
 * alloc_pages(gfp, order) - 2^order pages, naturally aligned. Returns the head's descriptor, or
 * NULL: refused (order above MAX_PAGE_ORDER, unknown or contradictory flags, no block above the
 * watermarks). Context: any; with __GFP_DIRECT_RECLAIM (GFP_KERNEL) boot and thread, as shrinkers
 * may run.
 *
 * __free_pages(page, order) - drop one reference to the block of 2^order pages that starts at
 * page; the last one frees it. Returns 0, or a negative errno and changes nothing: -EINVAL not a
 * descriptor, the order is not the block's, or the page is a tail; -EALREADY the block is free
 * already; -EPERM reserved; -EFAULT no such memory. Context: any.
 *
 * Both are in mm_inline.h.
 */
#include <quarry/mm_inline.h>

static inline struct page *alloc_page(gfp_t gfp)
{
	return alloc_pages(gfp, 0);
}

/* As above, as an address; 0 when refused. */
unsigned long __get_free_pages(gfp_t gfp, unsigned int order);

static inline unsigned long __get_free_page(gfp_t gfp)
{
	return __get_free_pages(gfp, 0);
}

static inline unsigned long get_zeroed_page(gfp_t gfp)
{
	return __get_free_pages(gfp | __GFP_ZERO, 0);
}

int free_pages(unsigned long addr, unsigned int order); /* the same, by address; 0 is ignored */

static inline int __free_page(struct page *page)
{
	return __free_pages(page, 0);
}

static inline int free_page(unsigned long addr)
{
	return free_pages(addr, 0);
}

/* The same by physical address, order taken from the block itself when order < 0. */
int free_pages_phys(phys_addr_t addr, int order);

/*
 * alloc_pages_exact() - size bytes, rounded up to pages, contiguous; freed with
 * free_pages_exact() and the same size. NULL when refused.
 */
void *alloc_pages_exact(size_t size, gfp_t gfp);
int free_pages_exact(void *addr, size_t size);

/*
 * alloc_pages_bulk() - up to n order-0 pages into pages[0 ..]; returns how many (0 .. n). Entries
 * beyond those are not touched.
 */
unsigned long alloc_pages_bulk(gfp_t gfp, unsigned long n, struct page **pages);

/*
 * drain_all_pages() - give the pages in all CPUs' caches back to the buddy, and HIGHATOMIC
 * pageblocks that are free as a whole; returns how many of this CPU's. Context: thread. Bound:
 * linear in what is cached; no lock is held for more than a step.
 *
 * drain_some_pages() - one step: up to 8 blocks of this CPU. Returns their pages, 0 when nothing
 * is cached. Context: any. Bound 6200.
 */
unsigned long drain_all_pages(void);
unsigned long drain_some_pages(void);

#endif
