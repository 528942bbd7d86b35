/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pcp_drain.c: what lies in the caches goes back to the buddy: in steps, on request, or as much
 * as a request lacks.
 *
 * A request that the buddy refuses looks at the newest cached blocks of its CPU: one of another
 * class, a larger one, or a few that complete a block. Only what completes one is given back, so
 * a request that fails leaves the caches as they were.
 */
#include "internal.h"

#define PCP_GIVE_BACK_CHUNK 8  /* blocks given back per acquisition of the lock */
#define PCP_GIVE_BACK_LOOK  64 /* blocks looked at for it */

/*
 * What a request looks at for a block its CPU's caches could complete: the bound on what it costs
 * to fail.
 */
#define PCP_WINDOW	10 /* newest blocks of each cache */
#define PCP_LOOK_CACHED 8  /* blocks that are given back for it */

/* ---- giving back ---------------------------------------------------------------------------- */

/*
 * Give back up to PCP_GIVE_BACK_CHUNK blocks of a cache that start in [start, end); its *kept
 * newest have been looked at before and stay. Returns how many. Interrupts are masked.
 */
static unsigned long give_back_some(struct per_cpu_pages *pcp, unsigned long start,
				    unsigned long end, unsigned long *kept)
{
	const struct page *first = &mm.memmap[start], *limit = &mm.memmap[end];
	struct zone *zone = &mm.zones[pcp->zone];
	unsigned long given = 0;

	for (unsigned int look = 0;
	     look < PCP_GIVE_BACK_LOOK && given < PCP_GIVE_BACK_CHUNK && *kept < pcp_count(pcp);
	     look++) {
		struct page **slot = pcp->top - *kept, *page = *slot;

		if (page < first || page >= limit) {
			++*kept;
			continue;
		}
		if (!given++)
			spin_lock(&zone->lock);
		*slot = *pcp->top--; /* the order of blocks in a cache is of no account */
		pcp_give_back(zone, page);
	}
	if (given)
		spin_unlock(&zone->lock);
	return given;
}

/*
 * An interrupt may switch hooks, and with them move the caches (pcp_sync_hooks()): they are looked up
 * anew in each step, and a step that finds fewer blocks than it skipped is the last.
 */
unsigned long pcp_give_back_range(struct mm_pcpu *cpu, unsigned long start, unsigned long end)
{
	unsigned long pages = 0;

	for (unsigned int i = 0; i < NR_PCPS; i++) {
		unsigned long kept = 0;
		bool more = true;

		while (more) { /* interrupts are let in between the steps */
			unsigned long flags = port_irq_save();
			struct per_cpu_pages *pcp = &cpu->cache[i];

			if (pcp->top > pcp->base)
				pages += give_back_some(pcp, start, end, &kept)
					 << i / NR_PCP_CLASSES;
			more = pcp->top > pcp->base && pcp_count(pcp) > kept;
			port_irq_restore(flags);
		}
	}
	cpu->drained += pages;
	return pages;
}

unsigned long drain_some_pages(void)
{
	struct mm_pcpu *cpu = port_pcpu();
	unsigned long flags = port_irq_save(), pages = 0, kept = 0;
	struct per_cpu_pages *pcp;
	unsigned int order;

	for_each_pcp(cpu, pcp, order)
	{
		if (pcp->top > pcp->base) {
			pages = give_back_some(pcp, 0, mm.nr_pages, &kept) << order;
			break;
		}
	}
	cpu->drained += pages;
	port_irq_restore(flags);
	return pages;
}

unsigned long drain_all_pages(void)
{
	unsigned long drained = pcp_give_back_range(port_pcpu(), 0, mm.nr_pages);
	struct zone *zone;

	remote_give_back_all();
	for_each_zone (zone) {
		bool more = true;

		while (more) { /* those free as a whole, one a step */
			unsigned long flags = port_irq_save();

			spin_lock(&zone->lock);
			more = highatomic_unreserve(zone, pageblock_order, MIGRATE_MOVABLE);
			spin_unlock(&zone->lock);
			port_irq_restore(flags);
		}
	}
	return drained;
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

/* A cache that holds more than its limit allows gives the rest back. Bound: linear in that. */
void pcp_sync_limits(struct mm_pcpu *cpu)
{
	unsigned long flags = port_irq_save();
	struct per_cpu_pages *pcp;
	unsigned int order;

	for_each_pcp(cpu, pcp, order)
	{
		pcp_set_limit(pcp, order);
		if (pcp->top <= pcp->limit)
			continue;
		spin_lock(&mm.zones[pcp->zone].lock);
		while (pcp->top > pcp->limit)
			pcp_give_back(&mm.zones[pcp->zone], *pcp->top--);
		spin_unlock(&mm.zones[pcp->zone].lock);
	}
	port_irq_restore(flags);
}

unsigned long mm_set_pcp_high(unsigned long pages)
{
	mm.pcp_high = pages < UINT32_MAX ? (uint32_t)pages : UINT32_MAX;
	drain_all_pages();
	pcp_sync_limits(port_pcpu());
	return mm_pcp_high();
}

/* ---- what a request that found nothing needs ------------------------------------------------ */

struct page *pcp_steal(struct zone *zone, uint32_t word, unsigned int order)
{
	struct per_cpu_pages *pcp = &port_pcpu()->cache[order * NR_PCP_CLASSES + zone->first_pcp];

	for (unsigned int i = 0; i < MIGRATE_PCPTYPES; i++, pcp++) {
		if (pcp->top > pcp->base && !FAULT_POINT()) {
			struct page *page = *pcp->top--;

			page->word = word;
			return page;
		}
	}
	return NULL;
}

bool pcp_give_back_larger(struct zone *zone, unsigned int order, enum migratetype type)
{
	while (++order <= MAX_PAGE_ORDER) {
		struct per_cpu_pages *pcp =
			&port_pcpu()->cache[order * NR_PCP_CLASSES + zone->first_pcp];

		for (unsigned int i = 0; i < MIGRATE_PCPTYPES; i++, pcp++) {
			if (pcp->top > pcp->base) {
				unsigned long index = (unsigned long)(*pcp->top - mm.memmap);

				spin_lock(&zone->lock);
				pcp_give_back(zone, *pcp->top--);
				highatomic_unreserve_range(zone, index, index + (1UL << order),
							   type);
				spin_unlock(&zone->lock);
				port_pcpu()->drained += 1UL << order;
				return true;
			}
		}
	}
	return false;
}

struct page *pcp_from_highatomic(struct zone *zone, gfp_t class)
{
	unsigned int order = 0;
	struct page *page = NULL;
	unsigned long index;

	spin_lock(&zone->lock);
	index = highatomic_alloc(zone, &order);
	if (index != NIL32) {
		page = &mm.memmap[index];
		page->word = PAGE_INFO(PAGE_ALLOC, 0) | class | PAGE_ONE_REF;
		page->owner = 0;
	}
	spin_unlock(&zone->lock);
	return page;
}

/* Pages in one CPU's caches of a zone. */
static RACY unsigned long count_cpu(struct mm_pcpu *cpu, const struct zone *zone)
{
	struct per_cpu_pages *pcp;
	unsigned long count = 0;
	unsigned int order;

	for_each_zone_pcp(cpu, zone, pcp, order) count += pcp_count(pcp) << order;
	return count;
}

bool pcp_hold(const struct zone *zone, unsigned long pages)
{
	struct per_cpu_pages *pcp;
	unsigned long count = 0;
	unsigned int order;

	for_each_zone_pcp(port_pcpu(), zone, pcp, order)
	{
		count += pcp_count(pcp) << order;
		if (count && count >= pages)
			return true;
	}
	return false;
}

unsigned long pcp_count_this_cpu(const struct zone *zone)
{
	return count_cpu(port_pcpu(), zone);
}

unsigned long pcp_count_zone(const struct zone *zone)
{
	unsigned long count = 0;

	for (unsigned int c = 0; c < end_cpu(); c++)
		if (__atomic_load_n(&mm.pcpu[c], __ATOMIC_ACQUIRE))
			count += count_cpu(mm.pcpu[c], zone);
	return count;
}

#define NOT_FREE (~0UL)

/*
 * How many cached blocks does the aligned block of this order at index hold? NOT_FREE if it holds
 * anything but these and free ones, or if *most blocks, which are taken off, are not all of it.
 * Others change memory meanwhile: what is read is looked at once.
 */
static RACY unsigned long cached_blocks_in(unsigned long index, unsigned int order,
					   unsigned long *most)
{
	unsigned long end = index + (1UL << order), cached = 0;

	for (; index < end && *most; --*most) {
		struct page page = {
			.word = __atomic_load_n(&mm.memmap[index].word, __ATOMIC_RELAXED)};

		if (page_state(&page) == PAGE_ALLOC && !page._refcount)
			cached++;
		else if (page_state(&page) != PAGE_FREE)
			return NOT_FREE;
		index += 1UL << page_order(&page);
	}
	return index >= end ? cached : NOT_FREE;
}

/* Where a cached block lies. */
struct cached {
	struct per_cpu_pages *pcp;
	struct page **slot;
};

/*
 * Among the PCP_WINDOW newest blocks of each cache of orders below `order`, those that start in
 * [start, end): up to PCP_LOOK_CACHED of them to found[], the newest of a cache first. Returns
 * how many there are.
 */
static unsigned int find_cached(struct mm_pcpu *cpu, const struct zone *zone, unsigned int order,
				unsigned long start, unsigned long end, struct cached found[])
{
	const struct page *first = &mm.memmap[start], *limit = &mm.memmap[end];
	struct per_cpu_pages *pcp;
	unsigned int cached, count = 0;

	for_each_zone_pcp(cpu, zone, pcp, cached)
	{
		struct page **p = pcp->top;

		if (cached >= order)
			break;
		/* below the last there is a NULL */
		for (int left = PCP_WINDOW; *p && left; p--, left--) {
			if (*p < first || *p >= limit)
				continue;
			if (count < PCP_LOOK_CACHED)
				found[count] = (struct cached){pcp, p};
			count++;
		}
	}
	return count;
}

/*
 * Blocks looked at lately, by a few bits of their number: neighbours in a cache are often of one
 * block.
 */
#define MEMO_SIZE 8

/* With `only_look` nothing is given back. */
static bool assemble(struct zone *zone, unsigned int order, enum migratetype type,
		     struct look *look, bool only_look)
{
	unsigned long memo[MEMO_SIZE], mask = ~((1UL << order) - 1);
	struct cached found[PCP_LOOK_CACHED];
	struct mm_pcpu *cpu = port_pcpu();
	unsigned int cached;
	struct per_cpu_pages *pcp;

	if (!look->entries || !look->blocks)
		return false;
	for (unsigned int i = 0; i < MEMO_SIZE; i++)
		memo[i] = NIL32;
	for_each_zone_pcp(cpu, zone, pcp, cached)
	{
		struct page **p = pcp->top;
		int left = PCP_WINDOW;

		if (cached >= order)
			return false;
		for (; *p && left && look->entries; p--, left--, look->entries--) {
			unsigned long block = (unsigned long)(*p - mm.memmap) & mask, count;
			unsigned long *seen = &memo[(block >> order) % MEMO_SIZE];

			if (*seen == block)
				continue;
			*seen = block;
			count = cached_blocks_in(block, order, &look->blocks);
			if (count <= PCP_LOOK_CACHED) {
				unsigned int i;

				/*
				 * The caches are searched once, for a block that is likely to be
				 * had.
				 */
				if (find_cached(cpu, zone, order, block, block + (1UL << order),
						found) != count) {
					look->entries = 0;
					return false;
				}
				if (only_look)
					return true;
				spin_lock(&zone->lock);
				for (i = 0; i < count; i++) {
					struct page *page = *found[i].slot;

					*found[i].slot = *found[i].pcp->top--;
					cpu->drained += 1UL << page_order(page);
					pcp_give_back(zone, page);
				}
				highatomic_unreserve_range(zone, block, block + (1UL << order),
							   type);
				spin_unlock(&zone->lock);
				return true;
			}
			if (!look->blocks)
				return false;
		}
	}
	return false;
}

/* How many of a CPU's cached blocks start in [start, end)? */
static unsigned long count_cached(struct mm_pcpu *cpu, const struct zone *zone, unsigned long start,
				  unsigned long end)
{
	const struct page *first = &mm.memmap[start], *limit = &mm.memmap[end];
	struct per_cpu_pages *pcp;
	unsigned long count = 0;
	unsigned int cached;

	for_each_zone_pcp(cpu, zone, pcp, cached) for (struct page **p = pcp->top; p > pcp->base;
						       p--) count += *p >= first && *p < limit;
	return count;
}

bool pcp_assemble(struct zone *zone, unsigned int order, enum migratetype type, struct look *look)
{
	return assemble(zone, order, type, look, false);
}

bool pcp_could_assemble(struct zone *zone, unsigned int order, struct look *look)
{
	return assemble(zone, order, MIGRATE_UNMOVABLE, look, true);
}

RACY bool pcp_find_block(struct mm_pcpu *cpu, const struct zone *zone, unsigned int order,
			 unsigned long *start, unsigned long *end)
{
	unsigned long mask = ~((1UL << order) - 1), most = ~0UL, seen = NIL32;
	bool mine = cpu == port_pcpu();
	struct per_cpu_pages *pcp;
	unsigned int cached;

	for_each_zone_pcp(cpu, zone, pcp, cached)
	{
		/*
		 * Another CPU's cache changes meanwhile: whatever is read must be a descriptor, and
		 * no more is read than the array holds.
		 */
		struct page **base = __atomic_load_n(&pcp->base, __ATOMIC_RELAXED);
		struct page **top = __atomic_load_n(&pcp->top, __ATOMIC_RELAXED);

		if (top <= base || (unsigned long)(top - base) > pcp->capacity)
			continue;
		for (struct page **p = top; p > base; p--) {
			uintptr_t offset = (uintptr_t)__atomic_load_n(p, __ATOMIC_RELAXED) -
					   (uintptr_t)mm.memmap;
			unsigned long index = offset / sizeof(struct page), count;

			if (index < zone->start || index >= zone->end || (index & mask) == seen)
				continue;
			*start = cached >= order ? index
						 : index & mask; /* a larger one will be cut */
			*end = *start + (1UL << (cached >= order ? cached : order));
			if (cached >= order)
				return true;
			seen = index & mask;
			count = cached_blocks_in(*start, order, &most);
			/* Of its own caches a CPU knows whether they hold all of them. */
			if (count != NOT_FREE &&
			    (!mine || count_cached(cpu, zone, *start, *end) == count))
				return true;
		}
	}
	return false;
}
