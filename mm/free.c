/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * free.c: __free_pages() with every check.
 *
 * The hot path (quarry/mm_inline.h) handles a page that surely is what it should be. Here any
 * address is judged in bounded time: refused with its cause and the caller's address, or freed.
 */
#include <errno.h>
#include <stdio.h>
#include <quarry/memblock.h>
#include "internal.h"

static const char *const misuse_names[NR_MISUSES] = {
	[MISUSE_DOUBLE_FREE] = "double free",
	[MISUSE_WRONG_ORDER] = "wrong order",
	[MISUSE_TAIL] = "not the first page of its block",
	[MISUSE_RESERVED] = "reserved memory",
	[MISUSE_FOREIGN] = "no memory of the allocator",
	[MISUSE_MISALIGNED] = "not the address of a page",
	[MISUSE_IN_USE] = "still in use",
};

const char *mm_misuse_name(enum mm_misuse kind)
{
	return misuse_names[kind];
}

static const int misuse_errors[NR_MISUSES] = {
	[MISUSE_DOUBLE_FREE] = -EALREADY, [MISUSE_WRONG_ORDER] = -EINVAL,
	[MISUSE_TAIL] = -EINVAL,	  [MISUSE_RESERVED] = -EPERM,
	[MISUSE_FOREIGN] = -EFAULT,	  [MISUSE_MISALIGNED] = -EINVAL,
	[MISUSE_IN_USE] = -EBUSY,
};

/* Count, name the place, and go on or stop. */
int refuse(enum mm_misuse kind, phys_addr_t addr, unsigned int order, unsigned int have,
	   const void *caller)
{
	char was[48] = "";

	count_event(&mm.stats.misuse[kind]);
	if (kind == MISUSE_WRONG_ORDER)
		snprintf(was, sizeof(was), ", but the block has order %u", have);
	if (mm.misuse_panic)
		port_panic("free of 0x%llx order %u refused: %s%s (called from %p)",
			   (unsigned long long)addr, order, misuse_names[kind], was, caller);
	port_log("free of 0x%llx order %u refused: %s%s (called from %p)", (unsigned long long)addr,
		 order, misuse_names[kind], was, caller);
	return misuse_errors[kind];
}

/*
 * Does this CPU know that the descriptor's section is open? A range that is used moves up to where
 * the hot path looks.
 */
static bool in_open_range(const struct page *page)
{
	struct mm_open_range *open = port_pcpu()->open, range;
	unsigned long flags;

	for (unsigned int i = 0; i < MM_OPEN_RANGES; i++) {
		if ((uintptr_t)page - open[i].start >= open[i].bytes)
			continue;
		if (i > 2) {
			flags = port_irq_save(); /* an interrupt sees whole ranges only */
			range = open[i];
			open[i] = open[2];
			open[2] = range;
			port_irq_restore(flags);
		}
		return true;
	}
	return false;
}

#define OWN_ORDER (~1U) /* no order: whatever the block's is */

/*
 * What is at index, seen by a free of *order? NR_MISUSES: an allocated block, its head in *head. An
 * OWN_ORDER becomes the block's.
 */
static enum mm_misuse judge(unsigned long index, unsigned int *order, unsigned long *head)
{
	const struct page *page = &mm.memmap[index];

	*head = index;
	if (in_open_range(page) || open_range_note(index >> SECTION_SHIFT)) {
		/* Most are what they should be; the head of any other is to be found. */
		if (trusted(index) && page->_refcount && page_order(page) == *order &&
		    page_allocated(page))
			return NR_MISUSES;
		*head = block_head(index);
		page = &mm.memmap[*head];
	} else {
		if (section_is_untouched(index >> SECTION_SHIFT)) {
			*order = *order == OWN_ORDER ? 0 : *order;
			return MISUSE_DOUBLE_FREE; /* free since boot */
		}
		page = NULL;
	}
	if (*order == OWN_ORDER)
		*order = page ? page_order(page) : 0;
	if (!page || page_state(page) == PAGE_RESERVED)
		return memblock_is_memory(PFN_PHYS(index_to_pfn(index))) ? MISUSE_RESERVED
									 : MISUSE_FOREIGN;
	if (page_state(page) == PAGE_FREE || !page->_refcount)
		return MISUSE_DOUBLE_FREE;
	if (*head != index && page_state(page) != PAGE_COMPOUND)
		return MISUSE_TAIL;
	if (page_order(page) != *order)
		return MISUSE_WRONG_ORDER;
	return NR_MISUSES;
}

/*
 * Drop one of several references. A block that is not compound falls apart when it is freed while
 * someone still holds it: the holder keeps the first page and the rest is freed now. Order and
 * count change in one step, so a put_page() at the same time sees either the whole block or the
 * one page. Returns false if this was the last reference after all; nothing has changed then.
 */
static bool drop_shared(struct zone *zone, struct page *page, unsigned int order)
{
	bool split = order && page_state(page) == PAGE_ALLOC;
	unsigned long index = (unsigned long)(page - mm.memmap);
	uint32_t word = __atomic_load_n(&page->word, __ATOMIC_RELAXED), next;
	unsigned long flags;

	flags = port_irq_save();
	spin_lock(&zone->lock);
	do {
		if (word >> 16 <= 1) {
			spin_unlock(&zone->lock);
			port_irq_restore(flags);
			return false;
		}
		next = word - PAGE_ONE_REF;
		if (split)
			next &= ~PAGE_ORDER_MASK;
		/*
		 * Acquire and release: what the other holder did to the pages is over before they
		 * are free.
		 */
	} while (!__atomic_compare_exchange_n(&page->word, &word, next, false, __ATOMIC_ACQ_REL,
					      __ATOMIC_RELAXED));
	if (split)
		buddy_free_tails(zone, index, order, 1, gfp_migratetype(word));
	spin_unlock(&zone->lock);
	port_irq_restore(flags);
	return true;
}

/*
 * Give a block that its one holder lets go of to its cache or to the buddy. False, and nothing has
 * changed, if an interrupt freed it meanwhile.
 */
bool free_block(struct page *page, unsigned int order)
{
	unsigned long index = (unsigned long)(page - mm.memmap);
	struct zone *zone = zone_of(index);
	struct per_cpu_pages *pcp;
	bool cached = true, held;
	unsigned long flags;

	note_hooks();
	if (HOOKS)
		hook_free(page, order);
	flags = port_irq_save();
	held = page_allocated(page) && page->_refcount == 1 && page_order(page) == order;
	if (held) {
		pcp = pcp_of(port_pcpu(), page->info);
		if (order && page_state(page) == PAGE_COMPOUND) { /* caches hold none */
			cached = false;
		} else if (pcp->top != pcp->limit) {
			page->_refcount = 0;
			*++pcp->top = page;
		} else if (order == 0) {
			page->_refcount = 0;
			pcp_return(pcp, page);
		} else {
			cached = false;
		}
		if (!cached) {
			spin_lock(&zone->lock);
			buddy_free(zone, index, order);
			spin_unlock(&zone->lock);
		}
	}
	port_irq_restore(flags);
	return held;
}

static int free_index(unsigned long index, unsigned int order, const void *caller)
{
	unsigned long head;
	enum mm_misuse kind;
	struct page *page;

	kind = judge(index, &order, &head);
	page = &mm.memmap[head];
	if (kind != NR_MISUSES)
		return refuse(kind, PFN_PHYS(index_to_pfn(index)), order,
			      kind == MISUSE_WRONG_ORDER ? page_order(page) : 0, caller);
	if (page->_refcount > 1 && drop_shared(zone_of(head), page, order))
		return 0;
	return free_block(page, order)
		       ? 0
		       : refuse(MISUSE_DOUBLE_FREE, page_to_phys(page), order, 0, caller);
}

/* Tail-called from the hot paths, so that the return address names the caller of the free. */
__attribute__((noinline)) int free_pages_slow(struct page *page, unsigned int order)
{
	const void *caller = __builtin_return_address(0);
	uintptr_t offset = (uintptr_t)page - (uintptr_t)mm.memmap;

	if (offset >= (uintptr_t)mm.nr_pages * sizeof(struct page))
		return refuse(MISUSE_FOREIGN, (uintptr_t)page, order, 0, caller);
	if (offset % sizeof(struct page))
		return refuse(MISUSE_MISALIGNED, (uintptr_t)page, order, 0, caller);
	if (order == OWN_ORDER)
		order = ~0U; /* a wrong order like any other */
	return free_index(offset / sizeof(struct page), order, caller);
}

int __free_pages_order(struct page *page, unsigned int order)
{
	if (order == 0 ? pcp_give(page, 0) : order <= MAX_PAGE_ORDER && pcp_give(page, order))
		return 0;
	return free_pages_slow(page, order);
}

static int free_phys(phys_addr_t addr, unsigned int order, const void *caller)
{
	unsigned int shown = order == OWN_ORDER ? 0 : order;
	unsigned long index;

	if (addr & (PAGE_SIZE - 1))
		return refuse(MISUSE_MISALIGNED, addr, shown, 0, caller);
	index = pfn_to_index(PFN_DOWN(addr));
	if (index == NIL32)
		return refuse(MISUSE_FOREIGN, addr, shown, 0, caller);
	return free_index(index, order, caller);
}

int free_pages_phys(phys_addr_t addr, int order)
{
	return free_phys(addr, order < 0 ? OWN_ORDER : (unsigned int)order,
			 __builtin_return_address(0));
}

int free_pages(unsigned long addr, unsigned int order)
{
	if (!addr)
		return 0;
	return free_phys(virt_to_phys((void *)(uintptr_t)addr), order == OWN_ORDER ? ~0U : order,
			 __builtin_return_address(0));
}

/* ---- switches and figures ------------------------------------------------------------------ */

void mm_set_misuse_panic(bool on)
{
	mm.misuse_panic = on;
}

void mm_get_stats(struct mm_stats *stats)
{
	*stats = mm.stats;
}
