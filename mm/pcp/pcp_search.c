/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pcp_search.c: ranges that cached blocks complete.
 *
 * A request that the free lists do not serve needs the few cached blocks that, together with free
 * memory around them, make up a block of its order: it searches the caches for such a range and
 * gives back these blocks alone. If it finds no range nothing is given back, so a refused request
 * leaves the caches as they were.
 */
#include "../free_map.h"
#include "pcp_internal.h"

/* Bounds of pcp_assemble(), and so of what a refused request costs. */
#define PCP_WINDOW	 10 /* newest blocks of each cache that are searched for a range's blocks */
#define PCP_ASSEMBLE_MAX 8  /* cached blocks that are given back for one request */

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
	uint32_t memo[MEMO_SIZE];
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
		uint32_t *memo = &search->memo[number % MEMO_SIZE];

		if (FOR_SPEED && search->lowest) /* to the end: most are alone */
			search_skip(search);
		budget->entries--;
		*start = number << order;
		if (*start < search->zone->start || *start >= search->zone->end ||
		    (!search->lowest && *memo == *start))
			continue;
		*memo = (uint32_t)*start;
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
 * Counts those of this CPU's cached blocks that start in the range of this order at index, `most` at
 * most, among the PCP_WINDOW newest of each of the zone's caches of `orders`. Their slots go to
 * found[], of each cache the newest first.
 */
static unsigned long find_cached(const struct zone *zone, unsigned long index, unsigned int order,
				 unsigned long orders, unsigned long most, struct page **found[])
{
	const struct per_cpu_pages *pcp = &port_pcpu()->cache[zone->first_pcp];
	uintptr_t first = (uintptr_t)&mm.memmap[index];
	unsigned long count = 0;

	VM_BUG_ON(!port_irqs_disabled() || !most || most > PCP_ASSEMBLE_MAX);
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
				found[count++] = p;
				if (count == most) /* no more start there */
					return count;
			}
		}
	}
	return count;
}

/*
 * The cached blocks that make up a range of this order go to found[]. Returns how many; 0: there is no
 * such range. Its stack is not needed any more when they are given back.
 */
MM_APART unsigned long find_range(const struct zone *zone, unsigned int order, unsigned int orders,
				  struct scan_budget *budget, struct page **found[],
				  unsigned long *start, unsigned long *end)
{
	struct search search;
	unsigned long count;

	search_start(&search, port_pcpu(), zone, order, orders & ((1U << order) - 1), budget);
	search.lowest = false;
	do
		count = search_next(&search, start, end);
	while (count > PCP_ASSEMBLE_MAX && count != NOT_FREE);
	if (count == NOT_FREE)
		return 0;
	VM_BUG_ON(!count); /* the block that the search came from is one of them */
	if (find_cached(zone, *start, order, search.orders, count, found) != count) {
		budget->entries =
			0; /* such a search is for one range, which is likely to be complete */
		return 0;
	}
	return count;
}

bool pcp_assemble(struct zone *zone, unsigned int order, unsigned int orders, enum migratetype type,
		  struct scan_budget *budget)
{
	struct page **found[PCP_ASSEMBLE_MAX];
	unsigned long start, end, count;

	VM_BUG_ON(!port_irqs_disabled());
	if (FOR_SPEED && !(budget->entries && budget->blocks)) /* spent in another zone */
		return false;
	count = find_range(zone, order, orders, budget, found, &start, &end);
	if (!count)
		return false;
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
