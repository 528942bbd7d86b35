/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pcp_drain.c: what lies in the caches goes back to the buddy: in steps, on request, or as much
 * as a request lacks.
 *
 * A request that the buddy refuses looks at the newest cached blocks of its CPU: one of another
 * class, a larger one, or a few that complete a block. Only what completes one is given back, so
 * a request that fails leaves the caches as they were.
 */
#include "pcp_internal.h"

/* What is done per acquisition of the lock: 8 blocks are given back, or 64 passed over. */
#define STEP_WORK      64
#define GIVE_BACK_WORK 7 /* more than to pass over it */

/*
 * What a request looks at for a block its CPU's caches could complete: the bound on what it costs
 * to fail.
 */
#define PCP_WINDOW	 10 /* newest blocks of each cache */
#define PCP_ASSEMBLE_MAX 8  /* blocks that are given back for it */

/* ---- giving back ---------------------------------------------------------------------------- */

/*
 * The block in this slot of one of the CPU's caches goes to the buddy, the newest of the cache to
 * the slot: the order of blocks in a cache is of no account. The zone's lock is held.
 */
MM_OUTLINE void give_back(struct mm_pcpu *cpu, struct zone *zone, struct page **slot)
{
	struct page *page = *slot;
	unsigned long info = page->info; /* a cached block's is its cache's number and the state */

	*slot = *pcp_at(cpu, info - PAGE_INFO(PAGE_ALLOC, 0))->top--;
	cpu->drained += 1UL << page_order(page);
	pcp_give_back(zone, page);
}

/*
 * The caches give back what starts in [start, end), in steps of STEP_WORK with interrupts let in
 * between, until that is `enough` pages. Returns how many.
 *
 * An interrupt may switch hooks, and with them move the caches (pcp_sync_hooks()): they are looked
 * up anew in each step, and nothing is left to look at in a cache that holds nothing any more.
 */
static unsigned long give_back_until(struct mm_pcpu *cpu, unsigned long start, unsigned long end,
				     unsigned long enough)
{
	uintptr_t first = (uintptr_t)&mm.memmap[start];
	unsigned long bytes = (end - start) * sizeof(struct page), given = 0;
	uint64_t before = cpu->drained;

	for (unsigned int i = 0; i < NR_PCPS; i++) {
		unsigned long left = ~0UL; /* the oldest: not looked at yet */

		do {
			unsigned long flags = port_irq_save();
			struct per_cpu_pages *pcp = &cpu->cache[i];
			struct zone *zone = &mm.zones[pcp->zone];

			if (left > pcp_count(pcp))
				left = pcp_count(pcp);
			if (left) {
				spin_lock(&zone->lock);
				for (int work = STEP_WORK; left && work > 0; left--, work--) {
					struct page **slot = &pcp->base[left];

					if ((uintptr_t)*slot - first >= bytes)
						continue;
					give_back(cpu, zone, slot);
					work -= GIVE_BACK_WORK;
				}
				spin_unlock(&zone->lock);
			}
			given = cpu->drained - before;
			port_irq_restore(flags);
			if (given >= enough)
				return given;
		} while (left);
	}
	return given;
}

unsigned long pcp_give_back_range(struct mm_pcpu *cpu, unsigned long start, unsigned long end)
{
	return give_back_until(cpu, start, end, ~0UL);
}

unsigned long pcp_give_back_all(void)
{
	return pcp_give_back_range(port_pcpu(), 0, NIL32);
}

unsigned long drain_some_pages(void)
{
	return give_back_until(port_pcpu(), 0, NIL32, 1);
}

unsigned long drain_all_pages(void)
{
	unsigned long drained = pcp_give_back_all();
	struct zone *zone;

	remote_give_back_all();
	for_each_zone (zone) {
		bool more;

		do { /* those free as a whole, one a step */
			unsigned long flags = port_irq_save();

			spin_lock(&zone->lock);
			more = highatomic_unreserve(zone, pageblock_order, MIGRATE_MOVABLE);
			spin_unlock(&zone->lock);
			port_irq_restore(flags);
		} while (more);
	}
	return drained;
}

/*
 * If a cache holds more than its limit allows by now, all are given back: who changes a limit asks
 * for that anyway. Bound: linear in what is cached.
 */
void pcp_sync_limits(struct mm_pcpu *cpu)
{
	unsigned long flags = port_irq_save();
	bool over = false;

	for (unsigned int i = 0; i < NR_PCPS; i++) {
		struct per_cpu_pages *pcp = &cpu->cache[i];

		pcp_set_limit(pcp, i / NR_PCP_CLASSES);
		over |= pcp->top > pcp->limit;
	}
	if (over)
		pcp_give_back_range(cpu, 0, NIL32);
	port_irq_restore(flags);
}

unsigned long mm_pcp_high(void)
{
	const struct per_cpu_pages *pcp = port_pcpu()->cache;
	unsigned long high = 0;

	for (unsigned int i = 0; i < NR_PCP_CLASSES; i++, pcp++)
		if ((unsigned long)(pcp->limit - pcp->base) > high)
			high = (unsigned long)(pcp->limit - pcp->base);
	return high;
}

unsigned long mm_set_pcp_high(unsigned long pages)
{
	mm.pcp_high = pages;
	drain_all_pages();
	pcp_sync_limits(port_pcpu());
	return mm_pcp_high();
}

/* ---- what a request that found nothing needs ------------------------------------------------ */

struct per_cpu_pages *pcp_first_cached(const struct zone *zone, unsigned int order,
				       unsigned int end)
{
	struct per_cpu_pages *pcp = &port_pcpu()->cache[order * NR_PCP_CLASSES + zone->first_pcp];

	for (; order < end; order++, pcp += NR_PCP_CLASSES) {
		UNROLL(3)
		for (unsigned int i = 0; i < MIGRATE_PCPTYPES; i++)
			if (pcp[i].top > pcp[i].base)
				return &pcp[i];
	}
	return NULL;
}

struct page *pcp_steal(struct zone *zone, uint32_t word, unsigned int order)
{
	struct per_cpu_pages *pcp = pcp_first_cached(zone, order, order + 1);
	struct page *page;

	if (!pcp || FAULT_POINT())
		return NULL;
	page = *pcp->top--;
	page->word = word;
	return page;
}

void pcp_complete(struct zone *zone, struct page **slots[], unsigned long count,
		  unsigned long start, unsigned long end, enum migratetype type)
{
	spin_lock(&zone->lock);
	for (unsigned long i = 0; i < count; i++)
		give_back(port_pcpu(), zone, slots[i]);
	highatomic_unreserve_range(zone, start, end, type);
	spin_unlock(&zone->lock);
}

bool pcp_give_back_larger(struct zone *zone, unsigned int order, enum migratetype type)
{
	struct per_cpu_pages *pcp = pcp_first_cached(zone, order + 1, NR_PAGE_ORDERS);
	unsigned long index;

	if (!pcp)
		return false;
	index = (unsigned long)(*pcp->top - mm.memmap);
	pcp_complete(zone, &pcp->top, 1, index, index + (1UL << page_order(*pcp->top)), type);
	return true;
}

RACY unsigned long pcp_count_cpu(const struct mm_pcpu *cpu, const struct zone *zone,
				 unsigned long enough)
{
	const struct per_cpu_pages *pcp = &cpu->cache[zone->first_pcp];
	unsigned long count = 0;

	for (unsigned int order = 0; order < NR_PAGE_ORDERS && count < enough; order++) {
		UNROLL(3)
		for (unsigned int i = 0; i < MIGRATE_PCPTYPES; i++)
			count += pcp_count(&pcp[i]) << order;
		pcp += NR_PCP_CLASSES;
	}
	return count;
}

unsigned long pcp_count_zone(const struct zone *zone)
{
	unsigned long count = pcp_count_this_cpu(zone);
	const struct mm_pcpu *cpu;

	for_each_other_cpu (cpu)
		count += pcp_count_cpu(cpu, zone, ~0UL);
	return count;
}

#define NOT_FREE (~0UL)

/*
 * How many cached blocks does the aligned block of this order at index hold, none of them below
 * `lowest`? NOT_FREE if it holds anything but these and free ones, or if *most blocks, which are
 * taken off, are not all of it. Others change memory meanwhile: what is read is looked at once.
 */
static RACY unsigned long cached_blocks_in(unsigned long index, unsigned int order,
					   const struct page *lowest, unsigned long *most)
{
	const struct page *page = &mm.memmap[index], *end = page + (1UL << order);
	unsigned long cached = 0;

	for (; page < end && *most; --*most) {
		uint32_t word = __atomic_load_n(&page->word, __ATOMIC_RELAXED);

		/* Neither has holders, whose number is above the state. */
		if (word >> PAGE_STATE_SHIFT == PAGE_ALLOC && page >= lowest)
			cached++;
		else if (word >> PAGE_STATE_SHIFT != PAGE_FREE)
			return NOT_FREE;
		page += 1UL << ((word & PAGE_ORDER_MASK) >> PAGE_ORDER_SHIFT);
	}
	return page >= end ? cached : NOT_FREE;
}

/*
 * How many of this CPU's cached blocks of the zone, the PCP_WINDOW newest of each cache, start in
 * the block of this order at index? The slots of the first PCP_ASSEMBLE_MAX go to found[], the
 * newest of a cache first.
 */
static unsigned long find_cached(const struct zone *zone, unsigned long index, unsigned int order,
				 struct page **found[])
{
	const struct per_cpu_pages *pcp = &port_pcpu()->cache[zone->first_pcp];
	uintptr_t first = (uintptr_t)&mm.memmap[index];
	unsigned long count = 0;

	for (unsigned int o = 0; o <= order; o++, pcp += NR_PCP_CLASSES) {
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

/*
 * Blocks looked at lately, by a few bits of their number: neighbours in a cache are often of one
 * block.
 */
#define MEMO_SIZE 8

/*
 * Look around a CPU's cached blocks for an aligned range of this order, or a larger block, that is
 * whole but for cached ones, anyone's: [*start, *end) then. Returns how many are cached, NOT_FREE if
 * there is no such range. Without `budget` all are looked at, and each range to its end once, for the
 * lowest of its cached blocks; so that one must be this CPU's.
 *
 * With found[] only the newest blocks of this CPU's caches of smaller orders count, and these may
 * be PCP_ASSEMBLE_MAX at most; their slots go there. `budget` says how much may be looked at.
 */
static RACY unsigned long find_range(struct mm_pcpu *cpu, const struct zone *zone,
				     unsigned int order, struct scan_budget *budget,
				     unsigned long *start, unsigned long *end,
				     struct page **found[])
{
	const struct per_cpu_pages *pcp = &cpu->cache[zone->first_pcp];
	unsigned int last = found ? order : NR_PAGE_ORDERS;
	struct scan_budget all = {~0UL, ~0UL};
	unsigned long memo[MEMO_SIZE];
	bool thorough = !budget;

	if (thorough)
		budget = &all;
	for (unsigned int i = 0; i < MEMO_SIZE; i++)
		memo[i] = NIL32;
	for (unsigned int o = 0; o < last; o++, pcp += NR_PCP_CLASSES) {
		unsigned int size = o > order ? o : order;

		for (unsigned int i = 0; i < MIGRATE_PCPTYPES; i++) {
			/*
			 * A cache may change meanwhile: whatever is read must be a descriptor, and
			 * no more is read than the array holds.
			 */
			struct page **base = __atomic_load_n(&pcp[i].base, __ATOMIC_RELAXED);
			struct page **p = __atomic_load_n(&pcp[i].top, __ATOMIC_RELAXED);

			if ((unsigned long)(p - base) > pcp[i].capacity)
				continue;
			for (; p > base; p--) {
				const struct page *page = __atomic_load_n(p, __ATOMIC_RELAXED);
				uintptr_t offset = (uintptr_t)page - (uintptr_t)mm.memmap;
				unsigned long block = offset / sizeof(struct page) >> size, count;
				unsigned long *seen = &memo[block % MEMO_SIZE];

				if (!budget->entries)
					return NOT_FREE;
				budget->entries--;
				block <<= size;
				if (block < zone->start || block >= zone->end ||
				    (!thorough && *seen == block))
					continue;
				*seen = block;
				count = cached_blocks_in(block, size, thorough ? page : NULL,
							 &budget->blocks);
				if (count > (found ? PCP_ASSEMBLE_MAX : NOT_FREE - 1))
					continue;
				if (!found || find_cached(zone, block, size, found) == count) {
					*start = block;
					*end = block + (1UL << size);
					return count;
				}
				/* The newest are searched once, for what is likely to be had. */
				budget->entries = 0;
			}
		}
	}
	return NOT_FREE;
}

bool pcp_assemble(struct zone *zone, unsigned int order, enum migratetype type,
		  struct scan_budget *budget)
{
	struct page **found[PCP_ASSEMBLE_MAX];
	unsigned long start, end, count;

	count = find_range(port_pcpu(), zone, order, budget, &start, &end, found);
	if (count == NOT_FREE)
		return false;
	if (type != ASSEMBLE_NOTHING)
		pcp_complete(zone, found, count, start, end, type);
	return true;
}

bool pcp_find_block(struct mm_pcpu *cpu, const struct zone *zone, unsigned int order,
		    struct scan_budget *budget, unsigned long *start, unsigned long *end)
{
	return find_range(cpu, zone, order, budget, start, end, NULL) != NOT_FREE;
}
