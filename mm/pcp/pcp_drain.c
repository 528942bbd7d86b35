/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pcp_drain.c: a CPU gives cached blocks back to the buddy.
 *
 * Three callers ask for it. A drain gives back all cached blocks. A request of another CPU
 * (remote.c) asks for those in a range of memory. A request that the free lists do not serve needs
 * the few cached blocks that, together with free memory around them, make up a block of its order:
 * it searches the caches for such a range and gives back these blocks alone. If it finds no range
 * nothing is given back, so a refused request leaves the caches as they were.
 */
#include "../free_map.h"
#include "pcp_internal.h"

/*
 * Work of one step, that is, with interrupts masked and the zone's lock held: to pass over a cached
 * block is 1, to give it back 1 + GIVE_BACK_WORK. So a step gives back 2 blocks, which may merge
 * all the way, or passes over 48.
 */
#define STEP_WORK      48
#define GIVE_BACK_WORK 23
#define STEP_PAGES     12 /* single pages of a step where all go back, in one batch */

/* So many bytes of descriptors are those of all pages. */
#define ALL_BYTES (NIL32 * sizeof(struct page))

/* Bounds of pcp_assemble(), and so of what a refused request costs. */
#define PCP_WINDOW	 10 /* newest blocks of each cache that are searched for a range's blocks */
#define PCP_ASSEMBLE_MAX 8  /* cached blocks that are given back for one request */
#define COMPLETE_BATCH	 4  /* so many of them before the lock is released */

/* ---- giving back ---------------------------------------------------------------------------- */

typedef void (*to_buddy)(struct zone *zone, unsigned long index, unsigned int order);

/*
 * Gives the block in this slot of one of the CPU's caches to the buddy, by buddy_free() or
 * buddy_put(). The newest block of that cache takes its slot: the order of blocks in a cache does
 * not matter. The zone's lock is held.
 */
MM_OUTLINE void give_back(struct mm_pcpu *cpu, struct zone *zone, struct page **slot, to_buddy give)
{
	struct page *page = *slot;
	unsigned long index = (unsigned long)(page - mm.memmap);
	uint32_t info = page->info; /* of a cached block: the offset of its cache, and the state */
	unsigned int order = page_order(page);

	VM_BUG_ON(cpu != port_pcpu());
	VM_BUG_ON(!spin_lock_held(&zone->lock));
	VM_BUG_ON(info >> PAGE_STATE_SHIFT != PAGE_ALLOC || page->_refcount);
	VM_BUG_ON(zone_of(index) != zone || !trusted(index));
	VM_BUG_ON(slot <= pcp_at(cpu, info - PAGE_INFO(PAGE_ALLOC, 0))->base);
	VM_BUG_ON(slot > pcp_at(cpu, info - PAGE_INFO(PAGE_ALLOC, 0))->top);
	*slot = *pcp_at(cpu, info - PAGE_INFO(PAGE_ALLOC, 0))->top--;
	cpu->drained += 1UL << order;
	if (HOOKS & MM_HOOK_TRACE)
		trace_event(MM_TRACE_PCPU_DRAIN, index, order, (uint32_t)gfp_migratetype(info), 0);
	give(zone, index, order);
}

/*
 * A step where all single pages of a cache go back, the newest of them. Returns how many. The
 * zone's lock is held.
 */
static inline unsigned long give_back_newest(struct mm_pcpu *cpu, struct zone *zone,
					     struct per_cpu_pages *pcp)
{
	unsigned long n = pcp_count(pcp) < STEP_PAGES ? pcp_count(pcp) : STEP_PAGES;
	struct page **slots = pcp->top + 1 - n;

	n = buddy_free_pages(zone, slots, n);
	pcp->top -= n;
	cpu->drained += n;
	for (; slots <= pcp->top; slots++)
		*slots = slots[n];
	return n;
}

/*
 * A step: of the `left` oldest blocks of a cache, those whose descriptors are in the `bytes` from
 * `first` on, from the newest down. Returns how many were looked at.
 */
static inline unsigned long give_back_some(struct mm_pcpu *cpu, struct per_cpu_pages *pcp,
					   unsigned long left, uintptr_t first, unsigned long bytes)
{
	struct zone *zone = &mm.zones[pcp->zone];
	unsigned long before = left;

	spin_lock(&zone->lock);
	if (FOR_SPEED && !HOOKS && pcp < &cpu->cache[NR_PCP_CLASSES] && bytes == ALL_BYTES &&
	    left == pcp_count(pcp)) {
		left -= give_back_newest(cpu, zone, pcp);
		spin_unlock(&zone->lock);
		return before - left;
	}
	for (int work = STEP_WORK; left && work > 0; left--, work--) {
		struct page **slot = &pcp->base[left];

		if ((uintptr_t)*slot - first >= bytes)
			continue;
		give_back(cpu, zone, slot, buddy_free);
		work -= GIVE_BACK_WORK;
	}
	spin_unlock(&zone->lock);
	return before - left;
}

/*
 * Gives back this CPU's cached blocks whose first page is in [start, end), until they are `enough`
 * pages. Returns the number of pages. A step does STEP_WORK with interrupts masked; between two
 * steps interrupts are let in.
 *
 * An interrupt between two steps may change the caches: it may free and allocate, and it may switch
 * debug hooks, which moves all caches (pcp_sync_hooks()). A host may move the thread to another
 * CPU. So each step finds CPU and cache anew, and goes on below the number of blocks that the cache
 * holds by then.
 */
static unsigned long give_back_until(unsigned long start, unsigned long end, unsigned long enough)
{
	uintptr_t first = (uintptr_t)&mm.memmap[start];
	unsigned long bytes = (end - start) * sizeof(struct page), given = 0;
	unsigned long left = ~0UL; /* in cache i, the oldest blocks, not looked at yet */

	VM_BUG_ON(start >= end || !enough);
	for (unsigned int i = 0; i < NR_PCPS && given < enough;) {
		unsigned long flags = port_irq_save();
		struct mm_pcpu *cpu = port_pcpu();
		struct per_cpu_pages *pcp = &cpu->cache[i];
		uint64_t before = cpu->drained;

		VM_BUG_ON(pcp->top < pcp->base || pcp_count(pcp) > pcp->capacity);
		if (left > pcp_count(pcp))
			left = pcp_count(pcp);
		while (!left && ++i < NR_PCPS)
			left = pcp_count(++pcp);
		if (left)
			left -= give_back_some(cpu, pcp, left, first, bytes);
		given += (unsigned long)(cpu->drained - before);
		port_irq_restore(flags);
	}
	return given;
}

unsigned long pcp_give_back_range(unsigned long start, unsigned long end)
{
	return give_back_until(start, end, ~0UL);
}

unsigned long pcp_give_back_all(void)
{
	return pcp_give_back_range(0, NIL32);
}

unsigned long drain_some_pages(void)
{
	return give_back_until(0, NIL32, 1);
}

/*
 * Takes over the limit that mm_set_pcp_high() has set; a CPU that is offline caches nothing. If a
 * cache holds more blocks than it may now, the CPU gives back all its cached blocks. Bound: linear
 * in their number.
 */
void pcp_sync_limits(void)
{
	unsigned long flags = port_irq_save();
	struct mm_pcpu *cpu = port_pcpu();
	unsigned long pages = cpu->online ? READ_ONCE(mm.pcp_high) : 0;
	bool over = false;

	for (unsigned int i = 0; i < NR_PCPS; i++) {
		struct per_cpu_pages *pcp = &cpu->cache[i];

		pcp->limit = pcp->base + pcp_high_of(pcp, i / NR_PCP_CLASSES, pages);
		VM_BUG_ON(pcp->limit > pcp->base + pcp->capacity || pcp->top < pcp->base);
		pcp->cursor = 0; /* the window may be smaller */
		over |= pcp->top > pcp->limit;
	}
	if (over)
		pcp_give_back_all();
	port_irq_restore(flags);
}

/* ---- for a request that the free lists do not serve ---------------------------------------- */

struct per_cpu_pages *pcp_first_cached(const struct zone *zone, unsigned int order,
				       unsigned int end)
{
	struct per_cpu_pages *pcp = &port_pcpu()->cache[order * NR_PCP_CLASSES + zone->first_pcp];

	VM_BUG_ON(!port_irqs_disabled());
	VM_BUG_ON(order > end || end > NR_PAGE_ORDERS);
	for (; order < end; order++, pcp += NR_PCP_CLASSES) {
		UNROLL(3)
		for (unsigned int i = 0; i < MIGRATE_PCPTYPES; i++)
			if (pcp[i].top > pcp[i].base)
				return &pcp[i];
	}
	return NULL;
}

void pcp_complete(struct zone *zone, struct page **slots[], unsigned long count,
		  unsigned long start, unsigned long end, enum migratetype type)
{
	if (type == TAKE_NOTHING)
		return;
	VM_BUG_ON(!port_irqs_disabled());
	VM_BUG_ON(start >= end || start < zone->start || end > zone->end);
	do {
		unsigned long n = count < COMPLETE_BATCH ? count : COMPLETE_BATCH;

		count -= n;
		spin_lock(&zone->lock);
		for (unsigned long i = 0; i < n; i++)
			give_back(port_pcpu(), zone, *slots++, buddy_put);
		buddy_complete(zone, start, end, type, n);
		spin_unlock(&zone->lock);
	} while (count);
}

bool pcp_give_back_one(struct zone *zone, unsigned int order, unsigned int orders,
		       enum migratetype type)
{
	struct per_cpu_pages *pcp;
	unsigned long index;

	for (; FOR_SPEED && !(orders >> order & 1); order++)
		if (!(orders >> order))
			return false;
	pcp = pcp_first_cached(zone, order, NR_PAGE_ORDERS);
	if (!pcp)
		return false;
	index = (unsigned long)(*pcp->top - mm.memmap);
	pcp_complete(zone, &pcp->top, 1, index, index + (1UL << page_order(*pcp->top)), type);
	return true;
}

RACY unsigned long pcp_count_orders(const struct mm_pcpu *cpu, const struct zone *zone,
				    unsigned int *orders)
{
	const struct per_cpu_pages *first = &pcp_caches(cpu)[zone->first_pcp];
	const struct per_cpu_pages *pcp = first + MAX_PAGE_ORDER * NR_PCP_CLASSES;
	unsigned long bytes = 0; /* of slots, those of the larger orders doubled as often */
	unsigned int held = 0;

	for (; pcp >= first; pcp -= NR_PCP_CLASSES) {
		unsigned long here = 0;

		UNROLL(3)
		for (unsigned int i = 0; i < MIGRATE_PCPTYPES; i++)
			here += (unsigned long)((uintptr_t)pcp[i].top - (uintptr_t)pcp[i].base);
		bytes = 2 * bytes + here;
		held = 2 * held + !!here;
	}
	*orders = held;
	return bytes / sizeof(*pcp->top);
}

/* ---- ranges that cached blocks complete ---------------------------------------------------- */

/* Where speed counts each of the two kinds of search has a copy of these steps. */
#if FOR_SPEED && !defined(__SANITIZE_THREAD__)
#define SEARCH_STEP static inline __attribute__((always_inline))
#else
#define SEARCH_STEP MM_OUTLINE
#endif

#define NOT_FREE (~0UL)

/*
 * Counts the cached blocks, of any CPU, in the aligned block of this order at index. NOT_FREE: it
 * holds something else than cached and free blocks, or a cached one below `lowest`, or more blocks
 * than *most. Each block that is read is taken off *most. *orders: those of the cached ones, a bit
 * each. Other CPUs change memory meanwhile, so each descriptor is read once.
 */
SEARCH_STEP RACY unsigned long cached_blocks_in(unsigned long index, unsigned int order,
						const struct page *lowest, unsigned long *most,
						unsigned long *orders)
{
	unsigned long end = index + (1UL << order), cached = 0, left = *most;
	/* The part of a word that a smaller block takes up. */
	uint64_t part = map_mask(order < WORD_ORDER ? order : WORD_ORDER)
			<< (index & (WORD_PAGES - 1));

	VM_BUG_ON(index & ((1UL << order) - 1) || index + (1UL << order) > mm.nr_pages);
	while (index < end && cached != NOT_FREE) {
		const uint64_t *map = map_word(index);
		uint64_t used = ~READ_ONCE(*map) & part;
		unsigned long at = WORD_PAGES;

		index &= ~(WORD_PAGES - 1);
		for (; FOR_SPEED && !used && index + WORD_PAGES < end; index += WORD_PAGES)
			used = ~READ_ONCE(*++map) & WORD_FULL;
		while (used) {
			const struct page *page;
			uint32_t word;

			if (!left) {
				cached = NOT_FREE;
				break;
			}
			left--;
			at = lowest_bit(used);
			page = &mm.memmap[index + at];
			word = READ_ONCE(page->word);
			/* It has no holders, whose number is above the state. */
			if (word >> PAGE_STATE_SHIFT != PAGE_ALLOC || page < lowest) {
				cached = NOT_FREE;
				break;
			}
			cached++;
			word = 1U << ((word & PAGE_ORDER_MASK) >> PAGE_ORDER_SHIFT);
			*orders |= word;
			at += word;
			if (at >= WORD_PAGES)
				break;
			used &= ~(uint64_t)0 << at;
		}
		index += used ? at : WORD_PAGES;
	}
	*most = left;
	return cached;
}

#define MEMO_SIZE 8

/*
 * A search through one CPU's cached blocks of a zone: order by order, in each cache the newest
 * block first. Around each the aligned range of the order asked for, or of its own if that is
 * larger, is examined.
 */
struct search {
	const struct zone *zone;
	struct scan_budget *budget;
	unsigned int order;		 /* of the range */
	bool lowest;			 /* only ranges of which the cached block is the lowest */
	unsigned long orders;		 /* of the blocks in the range found, a bit each */
	const struct per_cpu_pages *pcp; /* the next cache */
	struct page **slot;		 /* of the present one: the next block */
	unsigned int block_order, left;	 /* of its blocks; caches of this order from pcp on */
	unsigned int wanted;		 /* orders from this one on, a bit each */
	/*
	 * Ranges examined lately, by a few bits of their number: neighbours in a cache often lie
	 * in one range.
	 */
	unsigned long memo[MEMO_SIZE];
};

SEARCH_STEP void search_start(struct search *search, const struct mm_pcpu *cpu,
			      const struct zone *zone, unsigned int order, unsigned int wanted,
			      struct scan_budget *budget)
{
	VM_BUG_ON(order > MAX_PAGE_ORDER || zone->first_pcp >= NR_PCP_CLASSES);
	search->zone = zone;
	search->budget = budget;
	search->order = order;
	search->slot = NULL;
	search->block_order = 0;
	search->wanted = wanted;
	search->left = wanted & 1 ? MIGRATE_PCPTYPES : 0;
	search->pcp = &pcp_caches(cpu)[zone->first_pcp + MIGRATE_PCPTYPES - search->left];
	for (unsigned int i = 0; i < MEMO_SIZE; i++)
		search->memo[i] = NIL32;
}

/*
 * The next cached block; NULL: there is none. The caches may be those of another CPU, which changes
 * them meanwhile. `top` always points to a slot of an array whose slots hold descriptors of cached
 * blocks, of some moment, down to one that holds NULL and is written once, before the array is a
 * cache's. A CPU may see `top` before what was written to its slot: then it reads an older block, or
 * what the memory held before it became the array. So search_next() takes the answer for a number.
 */
static inline RACY const struct page *search_next_block(struct search *search)
{
	const struct page *page;

	while (!search->slot || !(page = READ_ONCE(*search->slot--))) {
		while (!search->left) {
			search->wanted >>= 1;
			if (!search->wanted)
				return NULL;
			search->block_order++;
			search->pcp += NR_PCP_CLASSES;
			if (search->wanted & 1) {
				search->pcp -= MIGRATE_PCPTYPES;
				search->left = MIGRATE_PCPTYPES;
			}
		}
		search->slot = READ_ONCE(search->pcp->top);
		search->pcp++;
		search->left--;
	}
	return page;
}

/*
 * Passes over blocks of the present cache whose buddies are in use: no larger block can be made of
 * them. No block in a buddy reaches beyond it, so its first page is free, or the head of one. A
 * block that is none (search_next_block()) is left to search_next().
 */
static inline RACY void search_skip(struct search *search)
{
	const struct page *page;

	if (!search->slot || search->block_order >= search->order)
		return;
	for (; (page = READ_ONCE(*search->slot)); search->slot--) {
		uintptr_t offset = ((uintptr_t)page - (uintptr_t)mm.memmap) ^
				   sizeof(*page) << search->block_order;
		unsigned long buddy = offset / sizeof(*page);

		if (buddy >= mm.nr_pages ||
		    READ_ONCE(*map_word(buddy)) >> (buddy & (WORD_PAGES - 1)) & 1 ||
		    READ_ONCE(mm.memmap[buddy].word) >> PAGE_STATE_SHIFT == PAGE_ALLOC)
			return;
	}
}

/*
 * Goes to the next range that is free but for cached blocks, [*start, *end), and returns their
 * number. NOT_FREE: there is none, or the budget is spent.
 */
SEARCH_STEP unsigned long search_next(struct search *search, unsigned long *start,
				      unsigned long *end)
{
	struct scan_budget *budget = search->budget;
	const struct page *page;

	while (budget->entries && (!FOR_SPEED || budget->blocks) &&
	       (page = search_next_block(search))) {
		unsigned int order =
			search->block_order > search->order ? search->block_order : search->order;
		uintptr_t offset = (uintptr_t)page - (uintptr_t)mm.memmap;
		unsigned long number = offset / sizeof(struct page) >> order, count;
		unsigned long *memo = &search->memo[number % MEMO_SIZE];

		if (FOR_SPEED && search->lowest) /* to the end: most are alone */
			search_skip(search);
		budget->entries--;
		*start = number << order;
		if (*start < search->zone->start || *start >= search->zone->end ||
		    (!search->lowest && *memo == *start))
			continue;
		*memo = *start;
		search->orders = 0;
		count = cached_blocks_in(*start, order, search->lowest ? page : NULL,
					 &budget->blocks, &search->orders);
		*end = *start + (1UL << order);
		if (count != NOT_FREE)
			return count;
	}
	return NOT_FREE;
}

/*
 * Counts those of this CPU's cached blocks that start in the range of this order at index, among
 * the PCP_WINDOW newest of each of the zone's caches of `orders`. The slots of the first PCP_ASSEMBLE_MAX go to
 * found[], of each cache the newest first.
 */
static unsigned long find_cached(const struct zone *zone, unsigned long index, unsigned int order,
				 unsigned long orders, struct page **found[])
{
	const struct per_cpu_pages *pcp = &port_pcpu()->cache[zone->first_pcp];
	uintptr_t first = (uintptr_t)&mm.memmap[index];
	unsigned long count = 0;

	VM_BUG_ON(!port_irqs_disabled());
	for (; orders; orders >>= 1, pcp += NR_PCP_CLASSES) {
		if (!(orders & 1))
			continue;
		UNROLL(3)
		for (unsigned int i = 0; i < MIGRATE_PCPTYPES; i++) {
			unsigned int left = PCP_WINDOW;

			/* below the last there is a NULL */
			for (struct page **p = pcp[i].top; *p && left; p--, left--) {
				if ((uintptr_t)*p - first >= sizeof(**p) << order)
					continue;
				if (count < PCP_ASSEMBLE_MAX)
					found[count] = p;
				count++;
			}
		}
	}
	return count;
}

bool pcp_assemble(struct zone *zone, unsigned int order, unsigned int orders, enum migratetype type,
		  struct scan_budget *budget)
{
	struct search search;
	struct page **found[PCP_ASSEMBLE_MAX];
	unsigned long start, end, count;

	VM_BUG_ON(!port_irqs_disabled());
	if (FOR_SPEED && !(budget->entries && budget->blocks)) /* spent in another zone */
		return false;
	search_start(&search, port_pcpu(), zone, order, orders & ((1U << order) - 1), budget);
	search.lowest = false;
	do
		count = search_next(&search, &start, &end);
	while (count > PCP_ASSEMBLE_MAX && count != NOT_FREE);
	if (count == NOT_FREE)
		return false;
	if (find_cached(zone, start, order, search.orders, found) != count) {
		budget->entries =
			0; /* such a search is for one range, which is likely to be complete */
		return false;
	}
	pcp_complete(zone, found, count, start, end, type);
	return true;
}

bool pcp_find_range(const struct mm_pcpu *cpu, const struct zone *zone, unsigned int order,
		    struct scan_budget *budget, unsigned long *start, unsigned long *end)
{
	struct scan_budget all = {~0UL, ~0UL};
	struct search search;

	search_start(&search, cpu, zone, order, (1U << NR_PAGE_ORDERS) - 1, budget ? budget : &all);
	search.lowest = !budget;
	/* What is in a section that is open is what it looks: blocks with heads. */
	return search_next(&search, start, end) != NOT_FREE &&
	       section_is_open(*start >> SECTION_SHIFT);
}
