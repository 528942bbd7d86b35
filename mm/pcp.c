/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pcp.c: filling and emptying the per-CPU page caches.
 *
 * A refill cuts one block of up to `batch` pages, so it removes one block from the buddy, not batch of
 * them. A full cache gives pages back in one go under one lock: eight that make up a block of order 3
 * if the newest ones do, else four. Nothing here loops over a whole cache but a drain, which lets the
 * lock go between chunks.
 */
#include <errno.h>
#include <string.h>
#include "internal.h"

#define PCP_BATCH	    16 /* pages a refill aims at */
#define PCP_BATCH_ORDER	    4
#define PCP_HIGH_MIN	    8 /* fewer pages are not worth a cache */
#define PCP_HIGH_MAX	    1024
#define PCP_BLOCKS_MAX	    4  /* blocks of an order above 0 */
#define PCP_RETURN_ORDER    3  /* returned as one block where the newest pages are one */
#define PCP_RETURN_SINGLE   2  /* else so many pages */
#define PCP_RETURN_MERGES   1  /* ... until one merged so often: a bound on the call */
#define PCP_GIVE_BACK_CHUNK 8  /* blocks given back per acquisition of the lock */
#define PCP_GIVE_BACK_LOOK  64 /* blocks looked at for it */

/* What a request looks at for a block its CPU's caches could complete: the bound on what it costs to fail. */
#define PCP_WINDOW	 10 /* newest blocks of each cache */
#define PCP_LOOK_ENTRIES 18 /* blocks in caches */
#define PCP_LOOK_BLOCKS	 24 /* blocks in memory, around these */
#define PCP_LOOK_CACHED	 8  /* blocks that are given back for it */

/* The slot below the first page of caches that hold nothing. Never written. */
static struct page *empty_slot[1];

static void hold_nothing(struct per_cpu_pages pcp[])
{
	for (unsigned int i = 0; i < NR_PCPS; i++)
		pcp[i].top = pcp[i].base = pcp[i].limit = empty_slot;
}

void boot_pageset_init(struct mm_pcpu *area, unsigned int cpu)
{
	memset(area, 0, offsetof(struct mm_pcpu, held));
	area->cpu = cpu;
	area->cache = area->pcp[0];
	hold_nothing(area->pcp[0]);
}

void pcp_attach(struct mm_pcpu *area)
{
	/* Descriptors are 8 bytes and the memmap starts on a page. */
	area->trust = mm.trust - ((uintptr_t)mm.memmap >> (GROUP_SHIFT + 3));
	pcp_sync_hooks(area);
	if (mm.pcpu[area->cpu] != area)
		mm_cpu_online(area);
}

void pcp_sync_hooks(struct mm_pcpu *cpu)
{
	unsigned long flags = port_irq_save();
	unsigned int hooks = __atomic_load_n(&mm.hooks, __ATOMIC_RELAXED);

	if (!cpu->hooks != !hooks) {
		if (hooks) {
			memcpy(cpu->held, cpu->pcp, sizeof(cpu->pcp));
			cpu->cache = cpu->held[0];
			hold_nothing(cpu->pcp[0]);
		} else {
			memcpy(cpu->pcp, cpu->held, sizeof(cpu->pcp));
			cpu->cache = cpu->pcp[0];
		}
	}
	cpu->hooks = hooks;
	port_irq_restore(flags);
}

/*
 * Blocks a cache may hold: single pages up to 1/256 of the zone, split among the CPUs, so that what lies in caches is
 * never much of it; larger blocks a few at most.
 */
static uint32_t capacity_of(gfp_t class, unsigned int order)
{
	const struct zone_choice *choice = zonelist_for(class);
	uint64_t share;

	/* Is there such a cache: a zone that uses it, and one mobility? */
	if ((class & GFP_MOVABLE_MASK) == GFP_MOVABLE_MASK || !choice->zone ||
	    choice->class != (class & __GFP_DMA32))
		return 0;
	share = choice->zone->managed / 256 / mm.nr_cpus;
	if (order == 0)
		return share < PCP_HIGH_MIN   ? 0
		       : share > PCP_HIGH_MAX ? PCP_HIGH_MAX
					      : (uint32_t)share;
	share = share * 2 >> order;
	return order >= pageblock_order ? share > 0
	       : share > PCP_BLOCKS_MAX ? PCP_BLOCKS_MAX
					: (uint32_t)share;
}

/* vm.percpu_pagelist bounds the pages of a cache; a larger block counts as what it holds. */
static void pcp_set_limit(struct per_cpu_pages *pcp, unsigned int order)
{
	uint64_t high = order ? (uint64_t)mm.pcp_high * 2 >> order : mm.pcp_high;

	pcp->limit = pcp->base + (pcp->capacity < high ? pcp->capacity : high);
}

int setup_per_cpu_pageset(struct mm_pcpu *area, unsigned int cpu)
{
	struct per_cpu_pages *pcp;
	struct page **slots;
	unsigned int order;
	size_t bytes = 0;

	if (cpu >= CONFIG_NR_CPUS || area->cpu != cpu)
		return -EINVAL;
	pcp_attach(area);
	for (unsigned int i = 0; i < NR_PCPS; i++) {
		uint32_t capacity =
			capacity_of(i % NR_PCP_CLASSES * (gfp_t)sizeof(*pcp), i / NR_PCP_CLASSES);

		bytes += capacity ? (capacity + 1) * sizeof(struct page *) : 0;
	}
	if (!bytes)
		return 0; /* too little memory for caches to be worth it */
	slots = alloc_pages_exact(bytes, GFP_KERNEL);
	if (!slots)
		return -ENOMEM;
	mm.pcp_bytes += ALIGN_UP(bytes, PAGE_SIZE);
	for_each_pcp(area, pcp, order)
	{
		gfp_t class = (gfp_t)((pcp - area->cache) % NR_PCP_CLASSES * (long)sizeof(*pcp));

		pcp->capacity = capacity_of(class, order);
		if (!pcp->capacity)
			continue;
		pcp->batch = order ? 1 : PCP_BATCH;
		pcp->zone = (uint16_t)(zonelist_for(class)->zone - mm.zones);
		slots[0] = NULL;
		pcp->base = pcp->top = slots;
		pcp_set_limit(pcp, order);
		slots += pcp->capacity + 1;
	}
	return 0;
}

/* ---- refill and return: interrupts are masked ---------------------------------------------- */

/* An empty cache takes a block from the zone; its first page is returned, in use. NULL: none left. */
struct page *pcp_refill(struct per_cpu_pages *pcp, struct zone *zone, gfp_t class)
{
	unsigned long room = (unsigned long)(pcp->limit - pcp->top);
	uint32_t word = PAGE_INFO(PAGE_ALLOC, 0) | class;
	unsigned int order = PCP_BATCH_ORDER;
	struct page **top = pcp->top;
	struct page *page;
	unsigned long index;

	while ((1UL << order) > room + 1)
		order--;
	spin_lock(&zone->lock);
	index = buddy_alloc(zone, &order, group_type(class), ANY_SMALLER);
	if (index == NIL32) {
		spin_unlock(&zone->lock);
		return NULL;
	}
	trust_head(index, 0);
	page = &mm.memmap[index];
#pragma GCC unroll 4
	for (struct page *p = page + (1UL << order); --p > page;) {
		p->raw = word;
		*++top = p; /* the lowest goes out first */
	}
	page->raw = word | PAGE_ONE_REF;
	spin_unlock(&zone->lock);
	if (order)
		port_pcpu()->refills++;
	pcp->top = top;
	return page;
}

/* A cached block goes to the buddy; the zone's lock is held. Returns how often it merged. */
static unsigned int give_back(struct zone *zone, struct page *page)
{
	unsigned long index = (unsigned long)(page - mm.memmap);
	unsigned int order = page_order(page);

	if (mm.hooks & MM_HOOK_TRACE)
		trace_event(MM_TRACE_PCPU_DRAIN, index, order,
			    (uint32_t)gfp_migratetype(page->info), 0);
	return buddy_free(zone, index, order);
}

/* The newest 2^PCP_RETURN_ORDER pages are one aligned block: distinct pages with the same upper bits. */
static bool newest_are_a_block(const struct per_cpu_pages *pcp)
{
	unsigned long first = (unsigned long)(*pcp->top - mm.memmap) >> PCP_RETURN_ORDER;

	if (pcp->top - pcp->base < 1 << PCP_RETURN_ORDER)
		return false;
	for (int i = 1; i < 1 << PCP_RETURN_ORDER; i++)
		if ((unsigned long)(pcp->top[-i] - mm.memmap) >> PCP_RETURN_ORDER != first)
			return false;
	return true;
}

/* A page (already without holders) comes to a cache that is full. */
void pcp_return(struct per_cpu_pages *pcp, struct page *page)
{
	struct zone *zone = zone_of((unsigned long)(page - mm.memmap));

	spin_lock(&zone->lock);
	if (pcp->limit == pcp->base) { /* the cache is switched off */
		buddy_free(zone, (unsigned long)(page - mm.memmap), 0);
		spin_unlock(&zone->lock);
		return;
	}
	if (newest_are_a_block(pcp)) {
		unsigned long index =
			(unsigned long)(*pcp->top - mm.memmap) & ~((1UL << PCP_RETURN_ORDER) - 1);

		pcp->top -= 1 << PCP_RETURN_ORDER;
		for (int i = 0; i < 1 << PCP_RETURN_ORDER; i++)
			mm.memmap[index + (unsigned long)i].word = PAGE_NONE;
		buddy_free(zone, index, PCP_RETURN_ORDER);
	} else {
		unsigned int merges = 0;

		for (int i = 0;
		     i < PCP_RETURN_SINGLE && pcp->top > pcp->base && merges < PCP_RETURN_MERGES;
		     i++)
			merges += give_back(zone, *pcp->top--);
	}
	spin_unlock(&zone->lock);
	port_pcpu()->returns++;
	*++pcp->top = page;
}

/* ---- giving back ---------------------------------------------------------------------------- */

/*
 * Give back up to PCP_GIVE_BACK_CHUNK blocks of a cache that start in [start, end); its *kept newest have been looked at before
 * and stay. Returns how many. Interrupts are masked.
 */
static unsigned long give_back_some(struct per_cpu_pages *pcp, unsigned long start,
				    unsigned long end, unsigned long *kept)
{
	const struct page *first = &mm.memmap[start], *limit = &mm.memmap[end];
	struct zone *zone = &mm.zones[pcp->zone];
	unsigned long given = 0;

	for (unsigned int look = 0; look < PCP_GIVE_BACK_LOOK && given < PCP_GIVE_BACK_CHUNK &&
				    pcp->base + *kept < pcp->top;
	     look++) {
		struct page **slot = pcp->top - *kept, *page = *slot;

		if (page < first || page >= limit) {
			++*kept;
			continue;
		}
		if (!given++)
			spin_lock(&zone->lock);
		*slot = *pcp->top--; /* the order of blocks in a cache is of no account */
		give_back(zone, page);
	}
	if (given)
		spin_unlock(&zone->lock);
	return given;
}

unsigned long pcp_give_back_range(struct mm_pcpu *cpu, unsigned long start, unsigned long end)
{
	struct per_cpu_pages *pcp;
	unsigned long pages = 0;
	unsigned int order;

	for_each_pcp(cpu, pcp, order)
	{
		unsigned long kept = 0;

		while (pcp->base + kept < pcp->top) { /* interrupts are let in between the steps */
			unsigned long flags = port_irq_save();

			pages += give_back_some(pcp, start, end, &kept) << order;
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
		unsigned long flags = port_irq_save();

		spin_lock(&zone->lock);
		while (highatomic_unreserve(zone, pageblock_order,
					    MIGRATE_MOVABLE)) /* those free as a whole */
			;
		spin_unlock(&zone->lock);
		port_irq_restore(flags);
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

/* A cache that holds more than its limit allows first gives back what it holds: the caller has seen to it. */
void pcp_sync_limits(struct mm_pcpu *cpu)
{
	unsigned long flags = port_irq_save();
	struct per_cpu_pages *pcp;
	unsigned int order;

	for_each_pcp(cpu, pcp, order)
	{
		pcp_set_limit(pcp, order);
		while (pcp->top > pcp->limit)
			free_block(*pcp->top--, order); /* one that came in between */
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

struct page *pcp_steal(struct zone *zone, gfp_t class, unsigned int order)
{
	struct per_cpu_pages *pcp = &port_pcpu()->cache[order * NR_PCP_CLASSES + zone->first_pcp];

	for (unsigned int i = 0; i < MIGRATE_PCPTYPES; i++, pcp++) {
		if (pcp->top > pcp->base) {
			struct page *page = *pcp->top--;

			page->word = PAGE_INFO(PAGE_ALLOC, order) | class | PAGE_ONE_REF;
			return page;
		}
	}
	return NULL;
}

bool pcp_give_back_larger(struct zone *zone, unsigned int order)
{
	while (++order <= MAX_PAGE_ORDER) {
		struct per_cpu_pages *pcp =
			&port_pcpu()->cache[order * NR_PCP_CLASSES + zone->first_pcp];

		for (unsigned int i = 0; i < MIGRATE_PCPTYPES; i++, pcp++) {
			if (pcp->top > pcp->base) {
				spin_lock(&zone->lock);
				give_back(zone, *pcp->top--);
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
static unsigned long count_cpu(struct mm_pcpu *cpu, const struct zone *zone)
{
	struct per_cpu_pages *pcp;
	unsigned long count = 0;
	unsigned int order;

	for_each_zone_pcp(cpu, zone, pcp, order) count += pcp_count(pcp) << order;
	return count;
}

unsigned long pcp_count_this_cpu(const struct zone *zone)
{
	return count_cpu(port_pcpu(), zone);
}

unsigned long pcp_count_zone(const struct zone *zone)
{
	unsigned long count = 0;

	for (unsigned int c = 0; c < mm.end_cpu; c++)
		if (mm.pcpu[c])
			count += count_cpu(mm.pcpu[c], zone);
	return count;
}

#define NOT_FREE (~0UL)

/*
 * How many cached blocks does the aligned block of this order at index hold? NOT_FREE if it holds anything but these and
 * free ones, or if *most blocks, which are taken off, are not all of it. Others change memory meanwhile: what is
 * read is looked at once.
 */
static unsigned long cached_blocks_in(unsigned long index, unsigned int order, unsigned long *most)
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
 * Among the PCP_WINDOW newest blocks of each cache of orders below `order`, those that start in [start, end): up to
 * PCP_LOOK_CACHED of them to found[], the newest of a cache first. Returns how many there are.
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
		struct page **low = pcp_count(pcp) > PCP_WINDOW ? p - PCP_WINDOW : pcp->base;

		if (cached >= order)
			break;
		for (; p > low; p--) {
			if (*p < first || *p >= limit)
				continue;
			if (count < PCP_LOOK_CACHED)
				found[count] = (struct cached){pcp, p};
			count++;
		}
	}
	return count;
}

/* Blocks looked at lately, by a few bits of their number: neighbours in a cache are often of one block. */
#define MEMO_SIZE 8

bool pcp_assemble(struct zone *zone, unsigned int order, enum migratetype type)
{
	unsigned long memo[MEMO_SIZE], mask = ~((1UL << order) - 1), most = PCP_LOOK_BLOCKS;
	struct cached found[PCP_LOOK_CACHED];
	struct mm_pcpu *cpu = port_pcpu();
	unsigned int cached, entries = PCP_LOOK_ENTRIES;
	struct per_cpu_pages *pcp;

	for (unsigned int i = 0; i < MEMO_SIZE; i++)
		memo[i] = NIL32;
	for_each_zone_pcp(cpu, zone, pcp, cached)
	{
		struct page **p = pcp->top;
		struct page **low = pcp_count(pcp) > PCP_WINDOW ? p - PCP_WINDOW : pcp->base;

		if (cached >= order)
			return false;
		for (; p > low && entries; p--, entries--) {
			unsigned long block = (unsigned long)(*p - mm.memmap) & mask, count;
			unsigned long *seen = &memo[(block >> order) % MEMO_SIZE];

			if (*seen == block)
				continue;
			*seen = block;
			count = cached_blocks_in(block, order, &most);
			if (count <= PCP_LOOK_CACHED) {
				unsigned int i;

				/* The caches are searched once, for a block that is likely to be had. */
				if (find_cached(cpu, zone, order, block, block + (1UL << order),
						found) != count)
					return false;
				spin_lock(&zone->lock);
				for (i = 0; i < count; i++) {
					struct page *page = *found[i].slot;

					*found[i].slot = *found[i].pcp->top--;
					cpu->drained += 1UL << page_order(page);
					give_back(zone, page);
				}
				highatomic_unreserve_range(zone, block, block + (1UL << order),
							   type);
				spin_unlock(&zone->lock);
				return true;
			}
			if (!most)
				return false;
		}
	}
	return false;
}

bool pcp_find_block(struct mm_pcpu *cpu, const struct zone *zone, unsigned int order,
		    unsigned long *start, unsigned long *end)
{
	unsigned long mask = ~((1UL << order) - 1), most = ~0UL, seen = NIL32;
	struct per_cpu_pages *pcp;
	unsigned int cached;

	for_each_zone_pcp(cpu, zone, pcp, cached)
	{
		/* Another CPU's cache changes meanwhile; what is read is always some descriptor, or NULL. */
		for (struct page **p = __atomic_load_n(&pcp->top, __ATOMIC_RELAXED); p > pcp->base;
		     p--) {
			struct page *page = __atomic_load_n(p, __ATOMIC_RELAXED);
			unsigned long index = (unsigned long)(page - mm.memmap);

			if (!page || (index & mask) == seen)
				continue;
			*start = cached >= order ? index
						 : index & mask; /* a larger one will be cut */
			*end = *start + (1UL << (cached >= order ? cached : order));
			if (cached >= order || cached_blocks_in(*start, order, &most) != NOT_FREE)
				return true;
			seen = index & mask;
		}
	}
	return false;
}
