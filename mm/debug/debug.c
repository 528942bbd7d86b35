/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * debug.c: what the slow paths do besides while debug options are on: tracepoints, fault
 * injection, poisoning, zeroing. The hot paths never look: the caches are hidden from them then
 * (pcp_sync_hooks()).
 */
#include <quarry/errno.h>
#include "debug_internal.h"

#define POISON 0xaa /* Linux: PAGE_POISON */

#ifdef CONFIG_FAULT_POINTS
bool (*mm_fault_point)(const char *function, int line);
int mm_fault_certain;
#endif

unsigned int mm_hooks(void)
{
	return READ_ONCE(mm.hooks);
}

#if CONFIG_DEBUG_HOOKS

void hooks_change(unsigned int clear, unsigned int set)
{
	__atomic_fetch_and(&mm.hooks, ~clear, __ATOMIC_RELAXED);
	__atomic_fetch_or(&mm.hooks, set, __ATOMIC_RELAXED);
	pcp_sync_hooks();
	atomic_thread_fence(memory_order_seq_cst); /* see mm_cpu_online() */
	if (!remote_alone())
		remote_give_back(0, NIL32); /* with which the other CPUs take note too */
}

/* ---- poison and zeroing --------------------------------------------------------------------- */

static void fill(unsigned long index, unsigned int order, int byte)
{
	memset(phys_to_virt(PFN_PHYS(index_to_pfn(index))), byte, PAGE_SIZE << order);
}

/* With the lock no block is cut or merged. */
static void each_of_section(unsigned long section,
			    void (*visit)(unsigned long index, unsigned int order, bool free))
{
	unsigned long i = section << SECTION_SHIFT, end = i + SECTION_PAGES;
	struct zone *zone = zone_of(i);
	unsigned long flags = port_irq_save();

	spin_lock(&zone->lock);
	while (i < end) {
		bool free;
		unsigned int order = buddy_block_at(i, &free);

		visit(i, order, free);
		i += 1UL << order;
	}
	spin_unlock(&zone->lock);
	port_irq_restore(flags);
}

void hooks_each_block(void (*visit)(unsigned long index, unsigned int order, bool free))
{
	for (uint32_t s = 0; s < mm.nr_spans; s++) {
		/* Acquire, paired with the release in section_take(). */
		uint32_t opened = __atomic_load_n(&mm.spans[s].opened, __ATOMIC_ACQUIRE);

		for (uint32_t n = mm.spans[s].first; n < opened; n++)
			each_of_section(n, visit);
	}
}

/* Free blocks, and those in caches. */
static void poison(unsigned long index, unsigned int order, bool free)
{
	const struct page *page = &mm.memmap[index];

	if (free || (page_state(page) == PAGE_ALLOC && !page->_refcount))
		fill(index, order, POISON);
}

int mm_set_hooks(unsigned int set)
{
	const unsigned int all = MM_HOOK_POISON | MM_HOOK_INIT_ON_ALLOC | MM_HOOK_INIT_ON_FREE |
				 MM_HOOK_STAT | MM_HOOK_MIGHT_SLEEP;
	bool poison_on = set & MM_HOOK_POISON && !(HOOKS & MM_HOOK_POISON);

	if ((set & MM_HOOK_POISON) && (set & MM_HOOK_INIT_ON_FREE))
		return -EINVAL;
	if (!(set & MM_HOOK_POISON))
		WRITE_ONCE(mm.poison_check, false);
	hooks_change(all, set & all);
	if (poison_on) {
		/* What is freed from now on is poisoned; only when all is, allocations check. */
		hooks_each_block(poison);
		WRITE_ONCE(mm.poison_check, true);
	}
	return 0;
}

static void check_poison(const struct page *page, unsigned int order)
{
	phys_addr_t addr = page_to_phys(page);
	const uint8_t *byte = phys_to_virt(addr);

	for (size_t i = 0; i < PAGE_SIZE << order; i++) {
		if (byte[i] == POISON)
			continue;
		count_event(&mm.stats.poison_hit);
		port_log("page poison: 0x%llx was written while it was free: 0x%02x at offset %zu",
			 (unsigned long long)addr, byte[i], i);
		return;
	}
}

/* A request prefers the highest zone that it may use and that has pages. */
static void count_alloc(unsigned long index, gfp_t gfp, unsigned int order)
{
	size_t preferred = gfp & __GFP_DMA32 ? ZONE_DMA32 : ZONE_NORMAL;
	size_t zone = (size_t)(zone_of(index) - mm.zones);

	while (preferred > zone && !zone_populated(&mm.zones[preferred]))
		preferred--;
	count_events(&mm.zone_stats[zone].pgalloc, 1UL << order);
	if (zone == preferred) {
		count_event(&mm.zone_stats[zone].hit);
	} else {
		count_event(&mm.zone_stats[zone].miss);
		count_event(&mm.zone_stats[preferred].foreign);
	}
}

void hook_alloc(struct page *page, gfp_t gfp, unsigned int order)
{
	unsigned long index = (unsigned long)(page - mm.memmap);
	unsigned int hooks = HOOKS;

	if (hooks & MM_HOOK_STAT)
		count_alloc(index, gfp, order);
	if (hooks & MM_HOOK_POISON && READ_ONCE(mm.poison_check))
		check_poison(page, order);
	if (hooks & MM_HOOK_INIT_ON_ALLOC && !(gfp & __GFP_ZERO))
		fill(index, order, 0);
	if (hooks & MM_HOOK_TRACE)
		trace_event(MM_TRACE_ALLOC, index, order, (uint32_t)gfp_migratetype(gfp), gfp);
}

void hook_free(struct page *page, unsigned int order)
{
	/* Of a slab or a range the word is not cleared: it is not the owner's. */
	if (HOOKS & MM_HOOK_OWNER &&
	    (page_state(page) == PAGE_ALLOC || page_state(page) == PAGE_COMPOUND))
		WRITE_ONCE(page->owner, 0);
	hook_free_part((unsigned long)(page - mm.memmap), order, gfp_migratetype(page->info));
}

void hook_free_part(unsigned long index, unsigned int order, enum migratetype type)
{
	unsigned int hooks = HOOKS;

	if (hooks & MM_HOOK_STAT)
		count_events(&mm.zone_stats[zone_of(index) - mm.zones].pgfree, 1UL << order);
	if (hooks & MM_HOOK_POISON)
		fill(index, order, POISON);
	else if (hooks & MM_HOOK_INIT_ON_FREE)
		fill(index, order, 0);
	if (hooks & MM_HOOK_TRACE)
		trace_event(MM_TRACE_FREE, index, order, (uint32_t)type, 0);
}

void hook_section_opened(unsigned long index)
{
	if (HOOKS & MM_HOOK_POISON)
		fill(index, MAX_PAGE_ORDER, POISON);
}

/* ---- fault injection ------------------------------------------------------------------------ */

int mm_set_fail(const struct mm_fail *fail)
{
	hooks_change(MM_HOOK_FAIL, 0);
	/* A request on another CPU may still be reading these: a word each, in any mixture. */
	WRITE_ONCE(mm.fail.every, fail->every);
	WRITE_ONCE(mm.fail.min_order, fail->min_order);
	WRITE_ONCE(mm.fail.times, fail->times);
	WRITE_ONCE(mm.fail.seen, 0);
	WRITE_ONCE(mm.fail.failed, 0);
	if (fail->every)
		hooks_change(0, MM_HOOK_FAIL);
	return 0;
}

bool hook_should_fail(gfp_t gfp, unsigned int order)
{
	unsigned int every = READ_ONCE(mm.fail.every), times = READ_ONCE(mm.fail.times);
	unsigned long failed = READ_ONCE(mm.fail.failed);

	if (!(HOOKS & MM_HOOK_FAIL) || gfp & __GFP_NOFAIL || order < READ_ONCE(mm.fail.min_order))
		return false;
	if (__atomic_add_fetch(&mm.fail.seen, 1, __ATOMIC_RELAXED) % (every ? every : 1) || !every)
		return false;
	do /* compare and swap: no more than `times` in all, on whatever CPUs */
		if (times && failed >= times)
			return false;
	while (!__atomic_compare_exchange_n(&mm.fail.failed, &failed, failed + 1, true,
					    __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	count_event(&mm.stats.fail_injected);
	return true;
}

/* ---- tracepoints ---------------------------------------------------------------------------- */

/* Entries copied by mm_trace_read() with the lock held once. */
#define TRACE_STEP 16

/*
 * The ring is touched with the lock held and interrupts masked only. It may be taken with a zone's
 * lock held, and no other is taken inside it.
 */
struct trace {
	struct spinlock lock;
	struct mm_trace_entry *ring; /* NULL: events are not recorded */
	size_t size;		     /* of the ring; a power of two */
	uint64_t next;		     /* sequence of the next event */
};
#if QUARRY_INSTANCES == 1
static struct trace trace;
#else
static struct trace trace_of_instance[QUARRY_INSTANCES];
#define trace trace_of_instance[this_instance()]
#endif

struct spinlock *hook_trace_lock(void)
{
	return &trace.lock;
}

static unsigned long trace_lock(void)
{
	unsigned long flags = port_irq_save();

	spin_lock(&trace.lock);
	return flags;
}

static void trace_unlock(unsigned long flags)
{
	spin_unlock(&trace.lock);
	port_irq_restore(flags);
}

int mm_trace_start(struct mm_trace_entry *ring, size_t n)
{
	unsigned long flags;

	if (ring && (!n || n & (n - 1)))
		return -EINVAL;
	if (!ring)
		hooks_change(MM_HOOK_TRACE, 0);
	flags = trace_lock();
	trace.ring = ring; /* no event goes to the last ring from now on */
	trace.size = n;
	trace.next = 0;
	trace_unlock(flags);
	if (ring)
		hooks_change(0, MM_HOOK_TRACE);
	return 0;
}

void trace_event(enum mm_trace_type type, unsigned long index, unsigned int order,
		 uint32_t migratetype, uint32_t gfp)
{
	unsigned long flags = trace_lock();

	if (trace.ring) { /* else tracing ended while this request was on its way */
		trace.ring[trace.next & (trace.size - 1)] =
			(struct mm_trace_entry){.sequence = trace.next,
						.pfn = index_to_pfn(index),
						.gfp = gfp,
						.type = (uint8_t)type,
						.order = (uint8_t)order,
						.migratetype = (uint8_t)migratetype,
						.cpu = (uint8_t)port_pcpu()->cpu};
		trace.next++;
	}
	trace_unlock(flags);
}

size_t mm_trace_read(struct mm_trace_entry *entries, size_t n)
{
	uint64_t start = 0, end = UINT64_MAX;
	size_t got = 0;

	do {
		unsigned long flags = trace_lock();
		uint64_t next = trace.ring ? trace.next : 0;
		uint64_t oldest = next > trace.size ? next - trace.size : 0;

		if (end > next) /* the first time, or tracing has started anew */
			end = next;
		if (start < oldest) /* the first time, or they were overwritten meanwhile */
			start = oldest;
		if (start < end && end - start > n - got)
			start = end - (n - got);
		for (int i = 0; i < TRACE_STEP && start < end; i++)
			entries[got++] = trace.ring[start++ & (trace.size - 1)];
		trace_unlock(flags);
	} while (start < end);
	return got;
}

#else /* not built in: asked for, they are refused */

int mm_set_hooks(unsigned int set)
{
	return set & (MM_HOOK_POISON | MM_HOOK_INIT_ON_ALLOC | MM_HOOK_INIT_ON_FREE) ? -ENOSYS : 0;
}

int mm_set_fail(const struct mm_fail *fail)
{
	return fail->every ? -ENOSYS : 0;
}

int mm_trace_start(struct mm_trace_entry *ring, size_t n)
{
	if (ring && (!n || n & (n - 1)))
		return -EINVAL;
	return ring ? -ENOSYS : 0;
}

size_t mm_trace_read(struct mm_trace_entry *entries, size_t n)
{
	(void)entries;
	(void)n;
	return 0;
}

#endif

void mm_get_fail(struct mm_fail *fail)
{
	fail->every = READ_ONCE(mm.fail.every);
	fail->min_order = READ_ONCE(mm.fail.min_order);
	fail->times = READ_ONCE(mm.fail.times);
	fail->seen = READ_ONCE(mm.fail.seen);
	fail->failed = READ_ONCE(mm.fail.failed);
}
