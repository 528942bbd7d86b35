/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pcp_drain.c: a CPU gives cached blocks back to the buddy.
 *
 * Three callers ask for it. A drain gives back all cached blocks. A request of another CPU
 * (remote.c) asks for those in a range of memory. A request that the free lists do not serve needs
 * one cached block of its order or above, or the few that complete one (pcp_search.c), and these
 * alone are given back.
 */
#include "../debug/hooks.h"
#include "pcp_internal.h"

/*
 * Work of one step, that is, with interrupts masked and the zone's lock held: to pass over a cached
 * block is 1, to give it back 1 + GIVE_BACK_WORK. So a step gives back 2 blocks, which may merge
 * all the way, or passes over 96.
 */
#define STEP_WORK      96
#define GIVE_BACK_WORK 47
#define STEP_PAGES     12 /* single pages of a step where all go back, in one batch */
static_assert(CONFIG_PCP_HIGH_MAX < UINT16_MAX && CONFIG_PCP_BLOCKS_MAX < UINT16_MAX &&
		      NR_PCPS <= UINT16_MAX,
	      "struct mm_drain_place has room");

/* So many bytes of descriptors are those of all pages. */
#define ALL_BYTES      (NIL32 * sizeof(struct page))

#define COMPLETE_BATCH 4 /* blocks given back for one request before the lock is released */

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

	n = buddy_free_pages(zone, slots, n, FREE_WORK);
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
static inline __attribute__((always_inline)) unsigned long
give_back_some(struct mm_pcpu *cpu, struct per_cpu_pages *pcp, unsigned long left, uintptr_t first,
	       unsigned long bytes)
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

#if FOR_SPEED
#define STEP static inline __attribute__((always_inline)) /* a frame less */
#else
#define STEP MM_OUTLINE
#endif

/*
 * Between two steps the caches may change: the CPU may free and allocate, and it may switch debug
 * hooks, which moves all caches (pcp_sync_hooks()). So each step finds the cache anew, and goes on
 * below the number of blocks that it holds by then: what is new lies above.
 */
STEP bool give_back_step(struct mm_pcpu *cpu, struct mm_drain_place *place, unsigned long start,
			 unsigned long end)
{
	unsigned long left = place->left - 1UL;

	VM_BUG_ON(start >= end || cpu != port_pcpu() || place->cache > NR_PCPS);
	for (unsigned int i = place->cache; i < NR_PCPS; i++, left = ~0UL) {
		struct per_cpu_pages *pcp = &cpu->cache[i];

		VM_BUG_ON(pcp->top < pcp->base || pcp_count(pcp) > pcp->capacity);
		if (left > pcp_count(pcp))
			left = pcp_count(pcp);
		if (!left)
			continue;
		left -= give_back_some(cpu, pcp, left, (uintptr_t)&mm.memmap[start],
				       (end - start) * sizeof(struct page));
		place->cache = (uint16_t)i;
		place->left = (uint16_t)(left + 1);
		return true;
	}
	*place = (struct mm_drain_place){0};
	return false;
}

bool pcp_give_back_step(struct mm_pcpu *cpu, struct mm_drain_place *place, unsigned long start,
			unsigned long end)
{
	return give_back_step(cpu, place, start, end);
}

/*
 * Gives back this CPU's cached blocks whose first page is in [start, end), until they are `enough`
 * pages. Returns the number of pages. A step does STEP_WORK with interrupts masked; between two
 * steps interrupts are let in, and a host may move the thread to another CPU.
 */
static unsigned long give_back_until(unsigned long start, unsigned long end, unsigned long enough)
{
	struct mm_drain_place place = {0};
	unsigned long given = 0;
	bool more = true;

	VM_BUG_ON(!enough);
	while (more && given < enough) {
		unsigned long flags = port_irq_save();
		struct mm_pcpu *cpu = port_pcpu();
		uint64_t before = cpu->drained;

		more = give_back_step(cpu, &place, start, end);
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
	struct record_call *recorded = record_begin(MM_RECORD_DRAIN, 1, 0);
	unsigned long given = give_back_until(0, NIL32, 1);

	record_end(recorded, given, 0);
	return given;
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

/* Not cut in two, so that its frame counts once. */
__attribute__((noinline)) void pcp_complete(struct zone *zone, struct page **slots[],
					    unsigned long count, unsigned long start,
					    unsigned long end, enum migratetype type)
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
