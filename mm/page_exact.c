/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * page_exact.c: contiguous memory of any number of pages.
 *
 * A block large enough is taken and what is too much of it given back at once. The pages kept are
 * cut into the largest aligned blocks, n pages into at most log2(n) + 1 of them, each with a head
 * of its own, so freeing walks blocks, not pages.
 */
#include <errno.h>
#include <string.h>
#include "internal.h"

/* The order of the next block when [index, end) is cut from a power of two down. */
static unsigned int next_order(unsigned long pages)
{
	unsigned int order = 0;

	while (order < MAX_PAGE_ORDER && 2UL << order <= pages)
		order++;
	return order;
}

void *alloc_pages_exact(size_t size, gfp_t gfp)
{
	unsigned long pages = size / PAGE_SIZE + !!(size % PAGE_SIZE), index, flags;
	unsigned int order = 0;
	struct page *page;
	struct zone *zone;
	uint32_t class;

	while (order <= MAX_PAGE_ORDER && 1UL << order < pages)
		order++;
	/*
	 * Compound pages do not come apart; 0 bytes and more than the largest block are refused
	 * there.
	 */
	page = pages ? alloc_pages(gfp & ~__GFP_COMP, order) : NULL;
	if (!page || pages == 1UL << order)
		return page ? page_address(page) : NULL;

	index = (unsigned long)(page - mm.memmap);
	zone = zone_of(index);
	class = page->info & PAGE_CLASS_MASK;
	flags = port_irq_save();
	spin_lock(&zone->lock);
	buddy_free_tails(zone, index, order, pages, gfp_migratetype(class));
	for (unsigned long left = pages; left;) {
		unsigned int o = next_order(left);

		trust_head(index, o);
		mm.memmap[index].raw = PAGE_INFO(PAGE_ALLOC, o) | class | PAGE_ONE_REF;
		index += 1UL << o;
		left -= 1UL << o;
	}
	spin_unlock(&zone->lock);
	port_irq_restore(flags);
	return page_address(page);
}

int free_pages_exact(void *addr, size_t size)
{
	unsigned long pages = size / PAGE_SIZE + !!(size % PAGE_SIZE);
	struct page *page = virt_to_page(addr), *p;
	unsigned long left;

	if (virt_to_phys(addr) & (PAGE_SIZE - 1))
		return free_pages_phys(virt_to_phys(addr), 0); /* refused there */
	if (pages > MAX_ORDER_NR_PAGES) /* neighbours that were allocated one by one, at best */
		return free_pages_phys(virt_to_phys(addr), (int)MAX_PAGE_ORDER + 1);
	/* All of it must be what alloc_pages_exact() made before any of it is freed. */
	for (p = page, left = pages; left;
	     p += 1UL << next_order(left), left -= 1UL << next_order(left)) {
		struct page_info info;

		if (left < 1UL << next_order(left) || !p || mm_page_info(page_to_pfn(p), &info) ||
		    info.pfn != info.head_pfn || info.order != next_order(left) ||
		    info.refcount != 1 || info.state != PAGE_ALLOC)
			return free_pages_phys(virt_to_phys(addr), (int)MAX_PAGE_ORDER + 1);
	}
	for (p = page, left = pages; left;) {
		unsigned int order = next_order(left);

		__free_pages(p, order);
		p += 1UL << order;
		left -= 1UL << order;
	}
	return 0;
}
