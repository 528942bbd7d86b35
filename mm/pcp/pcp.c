/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pcp.c: filling and emptying the per-CPU page caches.
 *
 * A refill cuts one block of up to `batch` pages, so it removes one block from the buddy, not
 * batch of them. A full cache gives pages back in one go under one lock: eight that make up a
 * block of order 3 if the newest ones do, else one or two. Nothing here loops over a whole cache.
 */
#include <string.h>
#include "pcp_internal.h"

static_assert(CONFIG_PCP_BATCH_ORDER < pageblock_order, "a refill takes part of a pageblock");
static_assert(CONFIG_PCP_RETURN_ORDER >= 1 && CONFIG_PCP_RETURN_ORDER < pageblock_order,
	      "so is what a return gives back");
static_assert(CONFIG_PCP_HIGH_MIN >= 1 && CONFIG_PCP_HIGH_MAX >= CONFIG_PCP_HIGH_MIN &&
		      CONFIG_PCP_BLOCKS_MAX >= 1 && CONFIG_PCP_ZONE_PART >= 1,
	      "a cache that holds something");

struct page *pcp_empty_slot[1];

static void hold_nothing(struct per_cpu_pages pcp[])
{
	for (unsigned int i = 0; i < NR_PCPS; i++)
		pcp[i].top = pcp[i].base = pcp[i].limit = pcp_empty_slot;
}

void boot_pageset_init(struct mm_pcpu *area, unsigned int cpu)
{
	memset(area, 0, offsetof(struct mm_pcpu, pcp) + sizeof(area->pcp));
	area->cpu = cpu;
	area->cache = area->pcp[0];
	hold_nothing(area->pcp[0]);
}

#if CONFIG_DEBUG_HOOKS
/* Word by word: another CPU may look at either meanwhile, so no pointer may be seen half written. */
static void move_caches(struct mm_pcpu *cpu, struct per_cpu_pages *to)
{
	for (unsigned int i = 0; i < NR_PCPS; i++) {
		const struct per_cpu_pages *from = &cpu->cache[i];

		to[i].limit = from->limit;
		to[i].capacity = from->capacity;
		to[i].batch = from->batch;
		to[i].zone = from->zone;
		WRITE_ONCE(to[i].base, from->base);
		WRITE_ONCE(to[i].top, from->top);
	}
	/* Release, paired with the acquire in pcp_caches(): they are seen as they were there. */
	__atomic_store_n(&cpu->cache, to, __ATOMIC_RELEASE);
}

void pcp_sync_hooks(void)
{
	unsigned long flags = port_irq_save();
	struct mm_pcpu *cpu = port_pcpu();
	unsigned int hooks = READ_ONCE(mm.hooks);

	if (!cpu->hooks != !hooks) {
		move_caches(cpu, hooks ? cpu->held[0] : cpu->pcp[0]);
		if (hooks)
			hold_nothing(cpu->pcp[0]);
	}
	cpu->hooks = hooks;
	port_irq_restore(flags);
}
#endif

unsigned long pcp_capacity(const struct zone *zone, unsigned int order)
{
	unsigned long blocks =
		pcp_blocks_for(zone->managed / CONFIG_PCP_ZONE_PART / mm.nr_cpus, order);
	unsigned long most = order >= pageblock_order ? 1 : CONFIG_PCP_BLOCKS_MAX;

	VM_BUG_ON(order > MAX_PAGE_ORDER || !mm.nr_cpus);
	if (!order) {
		most = CONFIG_PCP_HIGH_MAX;
		if (blocks < CONFIG_PCP_HIGH_MIN) /* not worth a cache */
			return 0;
	}
	return blocks < most ? blocks : most;
}

unsigned long pcp_give_slots(struct mm_pcpu *area, struct page **slots, unsigned long have)
{
	unsigned long need = 0;

	for (unsigned int z = 0; z < MAX_NR_ZONES; z++) {
		const struct zone *zone = &mm.zones[z];

		for (unsigned int order = 0; order < NR_PAGE_ORDERS; order++) {
			struct per_cpu_pages *pcp =
				&area->cache[order * NR_PCP_CLASSES + zone->first_pcp];
			unsigned long size = pcp_capacity(zone, order) + 1;

			for (int left = MIGRATE_PCPTYPES; left && size > 1; left--, pcp++) {
				VM_BUG_ON(slots && pcp->top != pcp->base);
				if (slots && need + size <= have) {
					pcp->batch = pcp_batch(order);
					pcp->zone = (uint16_t)z;
					pcp->base = pcp->limit = slots + need;
					pcp->capacity = (uint32_t)size - 1;
					/*
					 * Release: another CPU that reads this reads the slot it
					 * points to after it was zeroed (search_next_block()).
					 */
					__atomic_store_n(&pcp->top, pcp->base, __ATOMIC_RELEASE);
				} else if (pcp->capacity) {
					return PCP_HAVE_SLOTS;
				}
				need += size;
			}
		}
	}
	return need;
}

/* ---- refill and return: interrupts are masked ---------------------------------------------- */

/* The cache takes a block from the zone; its first page is returned, in use. NULL: none left. */
struct page *pcp_refill(struct per_cpu_pages *pcp, struct zone *zone, gfp_t class)
{
	uint64_t raw = PAGE_INFO(PAGE_ALLOC, 0) | class;
	struct page *page = NULL;
	unsigned int order = CONFIG_PCP_BATCH_ORDER;
	unsigned long index;

	VM_BUG_ON(pcp->top > pcp->limit || pcp->top < pcp->base);
	VM_BUG_ON(pcp->capacity && &mm.zones[pcp->zone] != zone);
	VM_BUG_ON(class & ~(gfp_t)GFP_CLASS_MASK);
	VM_BUG_ON(!port_irqs_disabled());
	while (pcp->limit - pcp->top + 1 < 1L << order)
		order--;
	spin_lock(&zone->lock);
	index = buddy_alloc(zone, &order, group_type(class), 0);
	if (index != NIL32) {
		trust_head(index, 0);
		page = &mm.memmap[index];
		VM_BUG_ON(zone_of(index) != zone);
		VM_BUG_ON(pcp->top + (1L << order) - 1 > pcp->limit && order);
		if (order) {
			struct page *end = page + (1UL << order), **top = pcp->top + (end - page);

			pcp->top = top - 1;
			port_pcpu()->refills++;
			for (struct page *p = page + 1; p < end; p++) {
				p->raw = raw;
				*--top = p; /* the lowest goes out first */
			}
		}
		page->raw = raw | PAGE_ONE_REF;
	}
	spin_unlock(&zone->lock);
	return page;
}

unsigned int pcp_give_back(struct zone *zone, struct page *page)
{
	unsigned long index = (unsigned long)(page - mm.memmap);
	unsigned int order = page_order(page);

	VM_BUG_ON(!spin_lock_held(&zone->lock));
	VM_BUG_ON(zone_of(index) != zone);
	VM_BUG_ON(page_state(page) != PAGE_ALLOC || page->_refcount);
	VM_BUG_ON(!trusted(index));
	if (HOOKS & MM_HOOK_TRACE)
		trace_event(MM_TRACE_PCPU_DRAIN, index, order,
			    (uint32_t)gfp_migratetype(page->info), 0);
	return buddy_free(zone, index, order);
}

/*
 * What follows compares descriptors' addresses, which have the alignment of frame numbers: the
 * memmap starts on a page.
 */
#define RETURN_PAGES (1 << CONFIG_PCP_RETURN_ORDER)
#define RETURN_BYTES (RETURN_PAGES * sizeof(struct page))

/*
 * The newest RETURN_PAGES pages are one aligned block: distinct pages with the same upper bits.
 */
static bool newest_are_a_block(const struct per_cpu_pages *pcp)
{
	if (pcp->top - pcp->base < RETURN_PAGES)
		return false;
	for (int i = 1; i < RETURN_PAGES; i++)
		if (((uintptr_t)*pcp->top ^ (uintptr_t)pcp->top[-i]) >= RETURN_BYTES)
			return false;
	return true;
}

/*
 * Would a page merge at once? The group of a cached page is written, so its neighbour's word says
 * the truth.
 */
static RACY bool buddy_is_free(const struct page *page)
{
	const struct page *buddy = (const void *)((uintptr_t)page ^ sizeof(*page));

	return buddy->word == PAGE_FREE_WORD(0);
}

/* A page (already without holders) comes to a cache that is full. */
void pcp_return(struct per_cpu_pages *pcp, struct page *page)
{
	struct zone *zone = zone_of((unsigned long)(page - mm.memmap));
	bool keep = pcp->limit != pcp->base; /* else the cache is switched off */

	VM_BUG_ON(pcp->top != pcp->limit);
	VM_BUG_ON(page->_refcount || page_state(page) != PAGE_ALLOC || page_order(page));
	VM_BUG_ON(keep && &mm.zones[pcp->zone] != zone);
	VM_BUG_ON(keep && *pcp->top == page);
	VM_BUG_ON(!port_irqs_disabled());
	spin_lock(&zone->lock);
	if (!keep) {
		buddy_free(zone, (unsigned long)(page - mm.memmap), 0);
	} else if (newest_are_a_block(pcp)) {
		struct page *first = (void *)((uintptr_t)*pcp->top & ~(RETURN_BYTES - 1));

		pcp->top -= RETURN_PAGES;
		for (int i = 0; i < RETURN_PAGES; i++)
			first[i].word = PAGE_NONE;
		buddy_free(zone, (unsigned long)(first - mm.memmap), CONFIG_PCP_RETURN_ORDER);
	} else if (!pcp_give_back(zone, *pcp->top--) && pcp->top > pcp->base &&
		   !buddy_is_free(*pcp->top)) {
		/*
		 * One that may merge all the way up, or two that do not merge: a bound on the
		 * call.
		 */
		pcp_give_back(zone, *pcp->top--);
	}
	spin_unlock(&zone->lock);
	if (keep) {
		port_pcpu()->returns++;
		*++pcp->top = page;
	}
}
