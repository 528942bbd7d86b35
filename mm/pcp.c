/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pcp.c: filling and emptying the per-CPU page caches.
 *
 * A refill cuts one block of up to `batch` pages, so it removes one block from the buddy, not
 * batch of them. A full cache gives pages back in one go under one lock: eight that make up a
 * block of order 3 if the newest ones do, else one or two. Nothing here loops over a whole cache
 * but a drain, which lets the lock go between chunks.
 */
#include <errno.h>
#include <string.h>
#include "internal.h"

#define PCP_BATCH	 16 /* pages a refill aims at */
#define PCP_BATCH_ORDER	 4
#define PCP_HIGH_MIN	 8 /* fewer pages are not worth a cache */
#define PCP_HIGH_MAX	 1024
#define PCP_BLOCKS_MAX	 4 /* blocks of an order above 0 */
#define PCP_RETURN_ORDER 3 /* returned as one block where the newest pages are one */

/* The slot below the first page of caches that hold nothing. Never written. */
static struct page *empty_slot[1];

static void hold_nothing(struct per_cpu_pages pcp[])
{
	for (unsigned int i = 0; i < NR_PCPS; i++)
		pcp[i].top = pcp[i].base = pcp[i].limit = empty_slot;
}

void boot_pageset_init(struct mm_pcpu *area, unsigned int cpu)
{
	memset(area, 0, offsetof(struct mm_pcpu, drained) + sizeof(area->drained));
	area->cpu = cpu;
	area->cache = area->pcp[0];
	hold_nothing(area->pcp[0]);
}

void pcp_attach(struct mm_pcpu *area)
{
	/* Descriptors are 8 bytes and the memmap starts on a page. */
	area->trust = mm.trust - ((uintptr_t)mm.memmap >> (GROUP_SHIFT + 3));
	pcp_sync_hooks(area);
	if (__atomic_load_n(&mm.pcpu[area->cpu], __ATOMIC_RELAXED) != area)
		mm_cpu_online(area);
}

#if CONFIG_DEBUG_HOOKS
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
#endif

/*
 * Blocks a cache may hold: single pages up to 1/256 of the zone, split among the CPUs, so that
 * what lies in caches is never much of it; larger blocks a few at most.
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
void pcp_set_limit(struct per_cpu_pages *pcp, unsigned int order)
{
	uint64_t high = order ? (uint64_t)mm.pcp_high * 2 >> order : mm.pcp_high;

	pcp->limit = pcp->base + (pcp->capacity < high ? pcp->capacity : high);
}

int setup_per_cpu_pageset(struct mm_pcpu *area, unsigned int cpu)
{
	uint16_t capacity[NR_PCPS];
	unsigned long flags;
	struct page **slots;
	size_t bytes = 0;

	if (cpu >= CONFIG_NR_CPUS || area->cpu != cpu)
		return -EINVAL;
	for (unsigned int i = 0; i < NR_PCPS; i++) {
		if (area->cache[i].capacity)
			return -EEXIST;
		capacity[i] = (uint16_t)capacity_of(i % NR_PCP_CLASSES *
							    (gfp_t)sizeof(struct per_cpu_pages),
						    i / NR_PCP_CLASSES);
		bytes += capacity[i] ? (capacity[i] + 1U) * sizeof(struct page *) : 0;
	}
	pcp_attach(area);
	if (!bytes)
		return 0; /* too little memory for caches to be worth it */
	/* Zeroed: other CPUs look at the slots (pcp_find_block()). */
	slots = alloc_pages_exact(bytes, GFP_KERNEL | __GFP_ZERO);
	if (!slots)
		return -ENOMEM;
	__atomic_fetch_add(&mm.pcp_bytes, ALIGN_UP(bytes, PAGE_SIZE), __ATOMIC_RELAXED);
	flags = port_irq_save();
	for (unsigned int i = 0; i < NR_PCPS; i++) {
		struct per_cpu_pages *pcp = &area->cache[i];
		gfp_t class = i % NR_PCP_CLASSES * (gfp_t)sizeof(*pcp);

		if (!capacity[i])
			continue;
		pcp->batch = i < NR_PCP_CLASSES ? PCP_BATCH : 1;
		pcp->zone = (uint16_t)(zonelist_for(class)->zone - mm.zones);
		pcp->base = pcp->top = slots;
		pcp->capacity = capacity[i];
		pcp_set_limit(pcp, i / NR_PCP_CLASSES);
		slots += capacity[i] + 1U;
	}
	port_irq_restore(flags);
	return 0;
}

/* ---- refill and return: interrupts are masked ---------------------------------------------- */

/*
 * An empty cache takes a block from the zone; its first page is returned, in use. NULL: none
 * left.
 */
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
unsigned int pcp_give_back(struct zone *zone, struct page *page)
{
	unsigned long index = (unsigned long)(page - mm.memmap);
	unsigned int order = page_order(page);

	if (HOOKS & MM_HOOK_TRACE)
		trace_event(MM_TRACE_PCPU_DRAIN, index, order,
			    (uint32_t)gfp_migratetype(page->info), 0);
	return buddy_free(zone, index, order);
}

/*
 * The newest 2^PCP_RETURN_ORDER pages are one aligned block: distinct pages with the same upper
 * bits.
 */
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

/*
 * Would a page merge at once? The group of a cached page is written, so its neighbour's word says
 * the truth.
 */
static RACY bool buddy_is_free(const struct page *page)
{
	return mm.memmap[(unsigned long)(page - mm.memmap) ^ 1].word == PAGE_FREE_WORD(0);
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
		/*
		 * One that may merge all the way up, or two that do not merge: a bound on the
		 * call.
		 */
		if (!pcp_give_back(zone, *pcp->top--) && pcp->top > pcp->base &&
		    !buddy_is_free(*pcp->top))
			pcp_give_back(zone, *pcp->top--);
	}
	spin_unlock(&zone->lock);
	port_pcpu()->returns++;
	*++pcp->top = page;
}
