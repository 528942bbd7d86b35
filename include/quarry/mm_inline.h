/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mm_inline.h: the hot paths, in the caller where the flags are constant. Included by page_alloc.h
 * alone.
 *
 * A page comes from, or goes to, this CPU's cache: interrupts masked, no lock, no atomic
 * read-modify-write. Whatever is not just that leaves for the slow paths. While debug hooks are
 * on the caches look empty and full at once (mm/pcp/pcp.c), so nothing is tested for them here.
 */
#ifndef QUARRY_MM_INLINE_H
#define QUARRY_MM_INLINE_H

#include <quarry/cdefs.h>
#include <quarry/gfp.h>
#include <quarry/page.h>
#include <quarry/pcp.h>
#include <quarry/port.h>

MM_BEGIN_DECLS

#define mm_likely(x) __builtin_expect(!!(x), 1)

/* What the hot path may ignore: it never waits, wakes, warns or looks at watermarks. */
#define GFP_HOT_MASK \
	(GFP_CLASS_MASK | __GFP_DIRECT_RECLAIM | __GFP_KSWAPD_RECLAIM | __GFP_HIGH | __GFP_NOWARN)

/* The first word of a block that one holder has, but for its order and class. */
#define PAGE_HOT_WORD (((uint32_t)PAGE_ALLOC << PAGE_STATE_SHIFT) | (uint32_t)1 << 16)

/* The descriptors of a group of the trust map have the same address but for so many bits. */
#define PAGE_GROUP_SHIFT (CONFIG_TRUST_GROUP_SHIFT + 3)

/*
 * pcp_hot() - this CPU's cache at an offset that order and class bits make (pcp.h).
 *
 * Context: any; interrupts masked.
 * Bound:   2.
 * Return:  the cache, as hot paths see it.
 */
static inline struct per_cpu_pages *pcp_hot(unsigned long offset)
{
	return (struct per_cpu_pages *)port_pcpu_at(offsetof(struct mm_pcpu, pcp) + offset);
}

/*
 * pcp_take() - take a block of the order and class (GFP_CLASS_MASK) from the cache.
 *
 * Context: any.
 * Bound:   8 where order and class are constant.
 * Return:  its descriptor, in use by one holder; NULL: the cache is empty.
 */
static inline struct page *pcp_take(gfp_t kind, unsigned int order)
{
	unsigned long flags = port_irq_save();
	struct per_cpu_pages *pcp = pcp_hot(kind + ((unsigned long)order << PAGE_ORDER_SHIFT));
	struct page *page = *pcp->top;

	if (mm_likely(page)) {
		pcp->top--;
		/* The whole word: the load of the next free is served by this store. */
		page->word = PAGE_HOT_WORD | (order << PAGE_ORDER_SHIFT) | kind;
	}
	port_irq_restore(flags);
	return page;
}

/*
 * pcp_has() - would pcp_take() find a block?
 *
 * Context: any; interrupts masked, or the answer may be another by now.
 * Bound:   10.
 * Return:  whether there is a block.
 */
static inline bool pcp_has(gfp_t kind, unsigned int order)
{
	return *pcp_hot(kind + ((unsigned long)order << PAGE_ORDER_SHIFT))->top;
}

/*
 * __alloc_pages(), alloc_pages_slow(), __free_pages_order(), free_pages_slow() - alloc_pages() and
 * __free_pages() for any flags and order, and what follows where the caches do not serve.
 *
 * Context: as alloc_pages(), as __free_pages() (page_alloc.h).
 * Bound:   as alloc_pages(); a free 1000.
 * Return:  as alloc_pages(), as __free_pages().
 */
struct page *__alloc_pages(gfp_t gfp, unsigned int order);
struct page *alloc_pages_slow(gfp_t gfp, unsigned int order) MM_LINK_NAME(alloc_pages_slow);
int __free_pages_order(struct page *page, unsigned int order);
int free_pages_slow(struct page *page, unsigned int order) MM_LINK_NAME(free_pages_slow);

/*
 * free_pages_overflow() - a block that surely may be freed comes to a cache, at this offset
 * (pcp_hot()), that is full or hidden.
 *
 * Context: any; interrupts masked. They are as `flags` says on return.
 * Bound:   1000.
 * Return:  0.
 */
int free_pages_overflow(struct page *page, unsigned long offset, unsigned long flags);

/*
 * pcp_free(), pcp_free_masked() - put a block into the cache of its order and class, if it is surely
 * the descriptor of an allocated block of this order with one holder, and if the cache has room.
 * All else leaves the hot path.
 *
 * Context: any; page may be anything. The second: interrupts masked; they are as `flags` says on
 *          return.
 * Bound:   29 into the cache; else as __free_pages().
 * Return:  as __free_pages().
 */
static inline __attribute__((always_inline)) int
pcp_free_masked(struct page *page, unsigned int order, unsigned long flags)
{
	uintptr_t address = (uintptr_t)page;
	/* The thread is on one CPU, whose ranges are whole. */
	const struct mm_pcpu *cpu = port_pcpu();
	struct per_cpu_pages *pcp;
	uint32_t offset;

	/* The compiler shall not reason about a pointer that may be anything. */
	__asm__("" : "+r"(address));
	page = (struct page *)address;
	if (!mm_likely(address - cpu->open[0].start < cpu->open[0].bytes) &&
	    address - cpu->open[1].start >= cpu->open[1].bytes &&
	    address - cpu->open[2].start >= cpu->open[2].bytes)
		goto slow;
	/* The first of a group (of 32) is written if any is; the others, if all are. */
	if (!mm_likely(address % sizeof(struct page) == 0) ||
	    !mm_likely(cpu->trust[address >> PAGE_GROUP_SHIFT] <
		       (int)(address % (1U << PAGE_GROUP_SHIFT) == 0 && order)))
		goto slow;
	/* One compare: allocated, this order, one holder; what is left is the cache's offset. */
	offset = page->word - (PAGE_HOT_WORD + (order << PAGE_ORDER_SHIFT));
	if (!mm_likely(offset <= PAGE_CLASS_MASK))
		goto slow;
	pcp = pcp_hot(offset + ((unsigned long)order << PAGE_ORDER_SHIFT));
	if (!mm_likely(pcp->top != pcp->limit))
		return free_pages_overflow(
			page, offset + ((unsigned long)order << PAGE_ORDER_SHIFT), flags);
	*++pcp->top = page;
	page->_refcount = 0; /* allocated without a holder: in a cache */
	port_irq_restore(flags);
	return 0;
slow:
	port_irq_restore(flags);
	return free_pages_slow(page, order);
}

static inline int pcp_free(struct page *page, unsigned int order)
{
	return pcp_free_masked(page, order, port_irq_save());
}

/*
 * alloc_pages(), __free_pages() - the contract is in page_alloc.h.
 *
 * Context: see there.
 * Bound:   8 and 29 where flags and order are constant and the cache serves; else see there.
 * Return:  see there.
 */
static inline struct page *alloc_pages(gfp_t gfp, unsigned int order)
{
	if (__builtin_constant_p(gfp) && __builtin_constant_p(order) && order == 0 &&
	    !(gfp & ~GFP_HOT_MASK)) {
		struct page *page = pcp_take(gfp & GFP_CLASS_MASK, 0);

		return mm_likely(page) ? page : alloc_pages_slow(gfp, 0);
	}
	return __alloc_pages(gfp, order);
}

static inline int __free_pages(struct page *page, unsigned int order)
{
	if (__builtin_constant_p(order) && order == 0)
		return pcp_free(page, 0);
	return __free_pages_order(page, order);
}

MM_END_DECLS

#endif
