/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * page_exact.c: contiguous memory of any number of pages.
 *
 * A block large enough is taken and what is too much of it given back at once. The pages kept are
 * cut into the largest aligned blocks, n pages into at most log2(n) + 1 of them, each with a head
 * of its own, so freeing walks blocks, not pages.
 */
#include "exact_internal.h"

void *alloc_pages_exact(size_t size, gfp_t gfp)
{
	unsigned long pages = pages_of(size);
	unsigned int order = order_of(pages);
	struct page *page = NULL;

	/* Compound pages do not come apart; more than the largest block is refused there. */
	if (pages)
		page = alloc_pages(gfp & ~__GFP_COMP, order);
	return page ? cut_exact(page, order, pages, CALL_SITE) : NULL;
}

/* Is it one of the blocks, as it was allocated? A single page from a CMA area is compound (page_cma.c). */
static bool is_part(struct page *page, unsigned int order)
{
	uint32_t word;

	if (!page || page_head(page) != page)
		return false;
	word = page->word & ~PAGE_CLASS_MASK;
	return word == (PAGE_INFO(PAGE_ALLOC, order) | PAGE_ONE_REF) ||
	       (CONFIG_CMA && !order && word == (PAGE_INFO(PAGE_COMPOUND, 0) | PAGE_ONE_REF));
}

/*
 * The blocks that alloc_pages_exact() cut for so many pages: are all of them there? With `release`,
 * they are freed on the way.
 */
static bool walk(struct page *page, unsigned long pages, bool release)
{
	for (unsigned int order = MAX_PAGE_ORDER + 1; order--;) {
		if (!(pages >> order & 1))
			continue;
		if (release)
			__free_pages(page, order);
		else if (!is_part(page, order))
			return false;
		page += 1UL << order;
	}
	return true;
}

int free_pages_exact(void *addr, size_t size)
{
	struct page *page = virt_to_page(addr);
	unsigned long pages = pages_of(size);

	/*
	 * All of it must be what alloc_pages_exact() made before any of it is freed. More than the
	 * largest block are neighbours that were allocated one by one, at best.
	 */
	if (virt_to_phys(addr) % PAGE_SIZE || pages > MAX_ORDER_NR_PAGES ||
	    !walk(page, pages, false))
		return free_pages_phys(virt_to_phys(addr), (int)MAX_PAGE_ORDER + 1);
	walk(page, pages, true);
	return 0;
}
