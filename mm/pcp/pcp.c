/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pcp.c: filling and emptying the per-CPU page caches.
 *
 * A refill takes the free pages of a word of the map or of a few, `batch` at most. A full cache
 * gives eight of its older pages back in one go, fewer if these merge far. Nothing here loops over
 * a whole cache.
 */
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
	const struct per_cpu_pages none = {
		.top = pcp_empty_slot,
		.limit = pcp_empty_slot,
		.base = pcp_empty_slot,
	};

	UNROLL(8)
	for (unsigned int i = 0; i < NR_PCPS; i++)
		pcp[i] = none;
}

void boot_pageset_init(struct mm_pcpu *area, unsigned int cpu)
{
	memset(area, 0, offsetof(struct mm_pcpu, pcp));
	area->cpu = cpu;
	area->cache = area->pcp[0];
	if (FOR_SPEED)
		area->bank = &no_bank;
	hold_nothing(area->pcp[0]);
}

#if CONFIG_DEBUG_HOOKS
/*
 * Word by word: another CPU may look at either meanwhile, so no pointer may be seen half written.
 */
static void move_caches(struct mm_pcpu *cpu, struct per_cpu_pages *to)
{
	for (unsigned int i = 0; i < NR_PCPS; i++) {
		const struct per_cpu_pages *from = &cpu->cache[i];

		to[i].limit = from->limit;
		to[i].capacity = from->capacity;
		to[i].zone = from->zone;
		to[i].cursor = from->cursor;
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

/* Single pages that a cache of a zone of so many may hold, before that is limited. */
static inline unsigned long pages_for_cache(unsigned long pages)
{
	VM_BUG_ON(!mm.nr_cpus);
	return pages / CONFIG_PCP_ZONE_PART / mm.nr_cpus;
}

static inline unsigned long capacity_for(unsigned long blocks, unsigned int order)
{
	if (order) {
		unsigned long most = order < pageblock_order ? CONFIG_PCP_BLOCKS_MAX : 1;

		return blocks < most ? blocks : most;
	}
	if (blocks < CONFIG_PCP_HIGH_MIN) /* not worth a cache */
		return 0;
	/* Whole groups of pages, so that these can go back as they came. */
	blocks = ALIGN_UP(blocks, (unsigned long)PCP_RETURN_PAGES);
	return blocks < CONFIG_PCP_HIGH_MAX ? blocks : CONFIG_PCP_HIGH_MAX;
}

unsigned long pcp_most_capacity(const struct zone *zone, unsigned int order)
{
	VM_BUG_ON(order > MAX_PAGE_ORDER);
	return capacity_for(pcp_blocks_for(pages_for_cache(zone->end - zone->start), order), order);
}

/* Slots of a zone's caches of one class for larger blocks, at most. */
#define LARGE_SLOTS                                                          \
	((pageblock_order - 1) * (CONFIG_PCP_BLOCKS_MAX + PCP_EXTRA_SLOTS) + \
	 (MAX_PAGE_ORDER - pageblock_order + 1) * (1 + PCP_EXTRA_SLOTS))

/*
 * An order's caches, one a class, empty until now, take their parts of the array. Returns what is left of
 * it.
 */
static inline struct page **deal(struct per_cpu_pages *pcp, struct page **slots,
				 unsigned long capacity, unsigned int zone)
{
	unsigned long size = capacity + PCP_EXTRA_SLOTS;
	const uint64_t word = capacity | (uint64_t)zone
						 << 32; /* capacity, zone, cursor: one store */
	const size_t at = offsetof(struct per_cpu_pages, capacity);

	static_assert(offsetof(struct per_cpu_pages, zone) ==
			      offsetof(struct per_cpu_pages, capacity) + 4,
		      "one word");
	/*
	 * Release: what another CPU finds by a cache's `top` is this NULL (search_next_block()). Where
	 * speed counts, one for all.
	 */
	UNROLL(3)
	for (unsigned int i = 0; FOR_SPEED && i < MIGRATE_PCPTYPES; i++)
		slots[i * size] = NULL;
	if (FOR_SPEED)
		atomic_thread_fence(memory_order_release);
	UNROLL(3)
	for (unsigned int i = 0; i < MIGRATE_PCPTYPES; i++, slots += size) {
		VM_BUG_ON(pcp[i].top != pcp[i].base || pcp[i].cursor);
		if (!FOR_SPEED) {
			*slots = NULL;
			atomic_thread_fence(memory_order_release);
		}
		memcpy(__builtin_assume_aligned((char *)&pcp[i] + at, 8), &word, sizeof(word));
		pcp[i].base = slots;
		if (FOR_SPEED) /* else pcp_sync_limits() does it */
			pcp[i].limit = slots + capacity;
		WRITE_ONCE(pcp[i].top, slots);
	}
	return slots;
}

unsigned long pcp_give_slots(struct mm_pcpu *area, struct page **slots, unsigned long have)
{
	const struct zone *zone = mm.zones;
	unsigned long need = 0;

	for (unsigned int z = 0; z < MAX_NR_ZONES; z++, zone++) {
		struct per_cpu_pages *pcp = &area->cache[zone->first_pcp];
		unsigned long blocks = pages_for_cache((unsigned long)zone->managed);

		if (!slots && blocks && pcp[NR_PCP_CLASSES].capacity)
			return PCP_HAVE_SLOTS;
		if (blocks)
			need += (blocks < CONFIG_PCP_HIGH_MAX ? blocks : CONFIG_PCP_HIGH_MAX) +
				PCP_EXTRA_SLOTS + LARGE_SLOTS;
		if (need > have) /* without `slots` always, if any are needed */
			continue;
		for (unsigned int order = 0; order < NR_PAGE_ORDERS;
		     order++, pcp += NR_PCP_CLASSES) {
			unsigned long capacity = capacity_for(blocks, order);

			if (capacity)
				slots = deal(pcp, slots, capacity, z);
			if (order)
				blocks >>= 1;
		}
	}
	return need;
}

/* ---- refill and return: interrupts are masked ---------------------------------------------- */

struct page *pcp_refill(struct per_cpu_pages *pcp, struct zone *zone, gfp_t class, unsigned int n)
{
	long most = pcp->limit - pcp->top + 1;
	struct page **top = pcp->top, *spare[2], *page = NULL;
	unsigned long got;

	VM_BUG_ON(pcp->top > pcp->limit || pcp->top < pcp->base);
	VM_BUG_ON(pcp->capacity && &mm.zones[pcp->zone] != zone);
	VM_BUG_ON(class & ~(gfp_t)GFP_CLASS_MASK);
	VM_BUG_ON(!port_irqs_disabled());
	/* A cache that has no room at all takes one page past it. */
	if (most < 2) {
		most = 1;
		top = spare;
	}
	spin_lock(&zone->lock);
	got = buddy_alloc_pages(zone, most < (long)n ? (unsigned long)most : n, group_type(class),
				PAGE_INFO(PAGE_ALLOC, 0) | class, top);
	spin_unlock(&zone->lock);
	if (got) {
		page = top[got];
		page->_refcount = 1;
		if (got > 1) {
			pcp->top = top + got - 1;
			port_pcpu()->refills++;
		}
	}
	return page;
}

/*
 * What follows compares descriptors' addresses, which have the alignment of frame numbers: the
 * memmap starts on a page.
 */
#define RETURN_PAGES PCP_RETURN_PAGES
#define RETURN_BYTES (RETURN_PAGES * sizeof(struct page))

/* So many distinct pages are one aligned block: they have the same upper bits. */
static inline bool are_a_block(struct page *const *pages)
{
	uintptr_t differ = 0;

	if (((uintptr_t)pages[0] ^ (uintptr_t)pages[1]) >= RETURN_BYTES) /* mostly */
		return false;
	UNROLL(8)
	for (int i = 1; i < RETURN_PAGES; i++)
		differ |= (uintptr_t)pages[0] ^ (uintptr_t)pages[i];
	return differ < RETURN_BYTES;
}

static __attribute__((noinline)) void trace_return(struct page *const *pages, unsigned long n)
{
	for (unsigned long i = 0; i < n; i++)
		trace_event(MM_TRACE_PCPU_DRAIN, (unsigned long)(pages[i] - mm.memmap), 0,
			    (uint32_t)gfp_migratetype(pages[i]->info), 0);
}

/*
 * Single pages from slots of a cache go to the buddy, n at most; returns how many. The zone's lock
 * is held.
 */
static inline unsigned long return_pages(struct zone *zone, struct page *const *pages,
					 unsigned long n, bool slow)
{
	/* With hooks each free takes the slow path. */
	if (slow && HOOKS & MM_HOOK_TRACE)
		trace_return(pages, n);
	if (FOR_SPEED && n == RETURN_PAGES && are_a_block(pages)) {
		struct page *first = (void *)((uintptr_t)pages[0] & ~(RETURN_BYTES - 1));

		for (int i = 0; i < RETURN_PAGES; i++)
			first[i].word = PAGE_NONE;
		buddy_free(zone, (unsigned long)(first - mm.memmap), CONFIG_PCP_RETURN_ORDER);
		return n;
	}
	/* Where the way here was long, one move of a pageblock to another list is enough. */
	return buddy_free_pages(zone, pages, n, slow ? RELIST_WORK : FREE_WORK);
}

/*
 * A page (already without holders) comes to a cache that is full: some that have lain in it for a
 * while go back, and the newest move to their slots. Interrupts are as `flags` says on return, 0.
 */
static inline __attribute__((always_inline)) int
return_some(struct per_cpu_pages *pcp, struct page *page, long n, unsigned long flags, bool slow)
{
	struct zone *zone = zone_of((unsigned long)(page - mm.memmap));
	long room = pcp->limit - pcp->base; /* 0: the cache is switched off */
	long same = 0;
	struct page **slots = pcp->base + 1, **from;
	bool shift = room < 2 * RETURN_PAGES;

	VM_BUG_ON(pcp->top != pcp->limit);
	VM_BUG_ON(page->_refcount || page_state(page) != PAGE_ALLOC || page_order(page));
	VM_BUG_ON(room && &mm.zones[pcp->zone] != zone);
	VM_BUG_ON(room && *pcp->top == page);
	VM_BUG_ON(!port_irqs_disabled());
	if (shift && room < n)
		n = room;
	if (slow && !n) {
		spin_lock(&zone->lock);
		buddy_free(zone, (unsigned long)(page - mm.memmap), 0);
		spin_unlock(&zone->lock);
		port_irq_restore(flags);
		return 0;
	}
	if (!shift) {
		long window = pcp_return_window(room);

		VM_BUG_ON(!pcp_cursor_fits(pcp));
		/*
		 * Pages that come one after the other are to lie in slots as they lie in memory:
		 * those before them make room, so that older groups stay whole.
		 */
		while (FOR_SPEED && same < n - 1 &&
		       ((uintptr_t)pcp->top[-same] ^ (uintptr_t)page) < RETURN_BYTES)
			same++;
		shift = same;
		if (same) {
			slots = pcp->top + 1 - n;
			n -= same;
		} else {
			slots = pcp->top + 1 - window + pcp->cursor;
			pcp->cursor = (uint8_t)(pcp->cursor + RETURN_PAGES);
			if (pcp->cursor >= window - RETURN_PAGES)
				pcp->cursor = 0;
		}
	}
	spin_lock(&zone->lock);
	n = (long)return_pages(zone, slots, (unsigned long)n, slow);
	spin_unlock(&zone->lock);
	port_pcpu()->returns++;
	/* The newest fill the gap, or what is above it moves down. */
	pcp->top -= n - 1;
	from = shift ? slots + n : pcp->top;
	if (FOR_SPEED && n == RETURN_PAGES && !shift) { /* as always, nearly */
		UNROLL(8)
		for (int i = 0; i < RETURN_PAGES; i++)
			slots[i] = from[i];
	} else {
		for (; from < pcp->top + n; from++, slots++)
			*slots = *from;
	}
	*pcp->top = page;
	port_irq_restore(flags);
	return 0;
}

#if FOR_SPEED
int pcp_return(struct per_cpu_pages *pcp, struct page *page, unsigned long flags)
{
	return return_some(pcp, page, RETURN_PAGES, flags, false);
}
#endif

int pcp_return_slow(struct per_cpu_pages *pcp, struct page *page, unsigned long flags)
{
	return return_some(pcp, page, RETURN_PAGES / 2, flags, true);
}
