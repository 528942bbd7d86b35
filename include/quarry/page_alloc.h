/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * page_alloc.h: pages are allocated and freed here: alloc_pages() and its relatives, as Linux has
 * them.
 */
#ifndef QUARRY_PAGE_ALLOC_H
#define QUARRY_PAGE_ALLOC_H

#include <quarry/cdefs.h>
#include <quarry/gfp.h>
#include <quarry/page.h>
#include <quarry/pcp.h>
#include <quarry/port.h>
#include <quarry/types.h>

/*
 * alloc_pages(), alloc_page() - 2^order pages, one page, naturally aligned. In mm_inline.h and
 * below.
 *
 * Context: any; with __GFP_DIRECT_RECLAIM (GFP_KERNEL) boot and thread, without locks that a
 *          shrinker or another CPU's mm_ipi() needs.
 * Bound:   1000 where free lists serve; 5000 where caches have to give memory back, or refused, and
 *          2000 more for each other CPU that is online (docs/bounds.md says what has none);
 *          __GFP_ZERO: linear in the bytes.
 * Return:  the head's descriptor; NULL: refused (order above MAX_PAGE_ORDER, flags that are unknown
 *          or contradict, no block above the watermarks).
 * Source:  Linux include/linux/gfp.h.
 *
 * __free_pages(), __free_page() - drop one reference to the block of 2^order pages that starts at
 * page; the last one frees it. In mm_inline.h and below.
 *
 * Context: any.
 * Bound:   1000.
 * Return:  0; refused: -EINVAL no descriptor, another order than the block's, or a tail, of a
 *          compound block too (put_page() takes tails); -EALREADY free already; -EPERM reserved;
 *          -EFAULT no such memory.
 * Source:  Linux include/linux/gfp.h; there it returns nothing.
 */
#include <quarry/mm_inline.h>

MM_BEGIN_DECLS

static inline struct page *alloc_page(gfp_t gfp)
{
	return alloc_pages(gfp, 0);
}

/*
 * __page_address() - page_address() of a page that this CPU has just allocated: it looks first in
 * the bank where it found a page last.
 *
 * Context: any; page is a descriptor.
 * Bound:   10 in the same bank; else as page_address().
 * Return:  the address.
 * Source:  none.
 */
void *__page_address(const struct page *page);

/*
 * __get_free_pages(), __get_free_page(), get_zeroed_page() - the same by address; the last zeroes
 * the page.
 *
 * Context: as alloc_pages().
 * Bound:   as alloc_pages(), and 12 in the bank where this CPU found a page last; else a bisection of
 *          the banks: 10 instructions a step.
 * Return:  the address; 0: refused.
 * Source:  Linux include/linux/gfp.h.
 */
static inline unsigned long __get_free_pages(gfp_t gfp, unsigned int order)
{
	struct page *page = alloc_pages(gfp, order);

	return mm_likely(page) ? (unsigned long)(uintptr_t)__page_address(page) : 0;
}

static inline unsigned long __get_free_page(gfp_t gfp)
{
	return __get_free_pages(gfp, 0);
}

static inline unsigned long get_zeroed_page(gfp_t gfp)
{
	return __get_free_pages(gfp | __GFP_ZERO, 0);
}

/*
 * free_pages(), free_page(), free_pages_phys() - as __free_pages(), by address; address 0 is passed
 * over by the first two. free_pages_phys() takes a physical address and, if order < 0, the block's
 * own order.
 *
 * Context: any.
 * Bound:   as __free_pages(), and 14 in the bank where this CPU found a page last; else a bisection
 *          of the banks, twice: 10 instructions a step.
 * Return:  as __free_pages(); -EINVAL also for what is no page's address.
 * Source:  Linux include/linux/gfp.h.
 */
int free_pages(unsigned long addr, unsigned int order);
int free_pages_phys(phys_addr_t addr, int order);

static inline int __free_page(struct page *page)
{
	return __free_pages(page, 0);
}

static inline int free_page(unsigned long addr)
{
	return free_pages(addr, 0);
}

/*
 * alloc_pages_exact(), free_pages_exact() - size bytes, rounded up to pages, contiguous; freed with
 * the same size.
 *
 * Context: as alloc_pages(), as __free_pages().
 * Bound:   2000 served; log2 of the pages times a free.
 * Return:  the address, NULL: refused; 0, or as __free_pages() and nothing is freed.
 * Source:  Linux mm/page_alloc.c.
 */
void *alloc_pages_exact(size_t size, gfp_t gfp);
int free_pages_exact(void *addr, size_t size);

/*
 * alloc_pages_between() - 2^order pages, all of them in [first, last], physical addresses of the
 * first and the last byte.
 *
 * The zones are those the flags allow; they give what the flags allow down to the min mark. The
 * search is complete, but for what HIGHATOMIC pageblocks keep from the request. Shrinkers are not
 * called, a refusal is counted and not reported, __GFP_NOFAIL is ignored.
 *
 * Context: as alloc_pages(). Where other CPUs are online, their caches are asked only with
 *          __GFP_DIRECT_RECLAIM and in thread context.
 * Bound:   linear in the pageblocks of the range or, where a part of it was never allocated, of the
 *          zone; each with an acquisition of the zone's lock, and 10,000.
 * Return:  the page, or NULL: no free block lies in the range, nor one that cached blocks complete.
 * Source:  none: Linux has alloc_contig_range(), which also moves pages away.
 */
struct page *alloc_pages_between(gfp_t gfp, unsigned int order, phys_addr_t first,
				 phys_addr_t last);

/*
 * alloc_pages_exact_between() - size bytes in [first, last], rounded up to pages, contiguous; freed
 * with free_pages_exact() and the same size.
 *
 * Context: as alloc_pages_between().
 * Bound:   as alloc_pages_between(), and 1000.
 * Return:  the address, or NULL: as alloc_pages_between(), a size of 0, more than the largest
 *          block.
 * Source:  none.
 */
void *alloc_pages_exact_between(size_t size, gfp_t gfp, phys_addr_t first, phys_addr_t last);

/*
 * alloc_pages_bulk() - up to n single pages into pages[0 ..]; entries beyond those it got are not
 * touched.
 *
 * Context: as alloc_pages().
 * Bound:   linear in n.
 * Return:  the number of pages, 0 .. n.
 * Source:  Linux alloc_pages_bulk_array().
 */
unsigned long alloc_pages_bulk(gfp_t gfp, unsigned long n, struct page **pages);

/*
 * free_pages_bulk() - free n order-0 pages.
 *
 * Context: as __free_pages(); interrupts are let in after every 16 pages or sooner.
 * Bound:   n times that of __free_pages().
 * Return:  how many were freed; what is wrong with the others was reported.
 */
unsigned long free_pages_bulk(unsigned long n, struct page **pages);

/*
 * drain_all_pages() - all CPUs' caches give back what they hold, and HIGHATOMIC pageblocks that are
 * free as a whole lose their type.
 *
 * Context: thread, without locks that another CPU's mm_ipi() needs.
 * Bound:   linear in what is cached; it waits for the other CPUs.
 * Return:  pages given back in steps on this CPU.
 * Source:  Linux mm/page_alloc.c.
 */
unsigned long drain_all_pages(void);

/*
 * drain_some_pages() - one step of it: up to 12 pages or 2 larger blocks of this CPU.
 *
 * Context: any.
 * Bound:   6200.
 * Return:  pages given back; 0: nothing is cached.
 */
unsigned long drain_some_pages(void);

MM_END_DECLS

#endif
