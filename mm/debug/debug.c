/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * debug.c: what the slow paths do besides while debug options are on: tracepoints, fault
 * injection, poisoning, zeroing. The hot paths never look: the caches are hidden from them then
 * (pcp_sync_hooks()).
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "debug_internal.h"

#define POISON 0xaa /* Linux: PAGE_POISON */

#ifdef CONFIG_FAULT_POINTS
bool (*mm_fault_point)(const char *function, int line);
int mm_fault_certain;
#endif

unsigned int mm_hooks(void)
{
	return mm.hooks;
}

#if CONFIG_DEBUG_HOOKS

/* Events of a CPU that has not noticed the end of tracing yet go to a place of no account. */
static struct mm_trace_entry trace_nowhere;
static struct mm_trace_entry *trace_ring = &trace_nowhere;
static size_t trace_size = 1;
static uint64_t trace_next;

static void set_hooks(unsigned int clear, unsigned int set)
{
	__atomic_store_n(&mm.hooks, (mm.hooks & ~clear) | set, __ATOMIC_RELAXED);
	pcp_sync_hooks();
	remote_give_back_all(); /* with which the other CPUs take note too */
}

/* ---- poison and zeroing --------------------------------------------------------------------- */

static void fill(unsigned long index, unsigned int order, int byte)
{
	memset(phys_to_virt(PFN_PHYS(index_to_pfn(index))), byte, PAGE_SIZE << order);
}

/* The free blocks of one section, and those in caches. Nobody cuts or merges any meanwhile. */
static void poison_section(unsigned long section)
{
	unsigned long i = section << SECTION_SHIFT, end = i + SECTION_PAGES;
	struct zone *zone = zone_of(i);
	unsigned long flags = port_irq_save();

	spin_lock(&zone->lock);
	while (i < end) {
		const struct page *page = &mm.memmap[i];

		if (page_state(page) == PAGE_FREE ||
		    (page_state(page) == PAGE_ALLOC && !page->_refcount))
			fill(i, page_order(page), POISON);
		i += 1UL << page_order(page);
	}
	spin_unlock(&zone->lock);
	port_irq_restore(flags);
}

int mm_set_hooks(unsigned int set)
{
	const unsigned int all = MM_HOOK_POISON | MM_HOOK_INIT_ON_ALLOC | MM_HOOK_INIT_ON_FREE;
	bool poison_on = set & MM_HOOK_POISON && !(mm.hooks & MM_HOOK_POISON);

	if ((set & MM_HOOK_POISON) && (set & MM_HOOK_INIT_ON_FREE))
		return -EINVAL;
	mm.poison_check = mm.poison_check && set & MM_HOOK_POISON;
	set_hooks(all, set & all);
	if (poison_on) {
		/* What is freed from now on is poisoned; only when all is, allocations check. */
		for (uint32_t s = 0; s < mm.nr_spans; s++)
			for (uint32_t n = mm.spans[s].first; n < mm.spans[s].opened; n++)
				poison_section(n);
		mm.poison_check = true;
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

void hook_alloc(struct page *page, gfp_t gfp, unsigned int order)
{
	unsigned long index = (unsigned long)(page - mm.memmap);

	if (mm.hooks & MM_HOOK_POISON && mm.poison_check)
		check_poison(page, order);
	if (mm.hooks & MM_HOOK_INIT_ON_ALLOC && !(gfp & __GFP_ZERO))
		fill(index, order, 0);
	if (mm.hooks & MM_HOOK_TRACE)
		trace_event(MM_TRACE_ALLOC, index, order, (uint32_t)gfp_migratetype(gfp), gfp);
}

void hook_free(struct page *page, unsigned int order)
{
	hook_free_part((unsigned long)(page - mm.memmap), order, gfp_migratetype(page->info));
}

void hook_free_part(unsigned long index, unsigned int order, enum migratetype type)
{
	if (mm.hooks & MM_HOOK_POISON)
		fill(index, order, POISON);
	else if (mm.hooks & MM_HOOK_INIT_ON_FREE)
		fill(index, order, 0);
	if (mm.hooks & MM_HOOK_TRACE)
		trace_event(MM_TRACE_FREE, index, order, (uint32_t)type, 0);
}

void hook_section_opened(unsigned long index)
{
	if (mm.hooks & MM_HOOK_POISON)
		fill(index, MAX_PAGE_ORDER, POISON);
}

/* ---- fault injection ------------------------------------------------------------------------ */

int mm_set_fail(const struct mm_fail *fail)
{
	set_hooks(MM_HOOK_FAIL, 0);
	mm.fail = *fail;
	mm.fail.seen = mm.fail.failed = 0;
	if (fail->every)
		set_hooks(0, MM_HOOK_FAIL);
	return 0;
}

bool hook_should_fail(gfp_t gfp, unsigned int order)
{
	uint64_t seen;

	if (!(mm.hooks & MM_HOOK_FAIL) || gfp & __GFP_NOFAIL || order < mm.fail.min_order)
		return false;
	seen = __atomic_add_fetch(&mm.fail.seen, 1, __ATOMIC_RELAXED);
	if (!mm.fail.every || seen % mm.fail.every ||
	    (mm.fail.times && mm.fail.failed >= mm.fail.times))
		return false;
	count_event(&mm.fail.failed);
	count_event(&mm.stats.fail_injected);
	return true;
}

/* ---- tracepoints ---------------------------------------------------------------------------- */

int mm_trace_start(struct mm_trace_entry *ring, size_t n)
{
	if (ring && (!n || n & (n - 1)))
		return -EINVAL;
	set_hooks(MM_HOOK_TRACE, 0);
	trace_size = 1; /* the smaller first: it fits either ring */
	trace_ring = ring ? ring : &trace_nowhere;
	trace_size = ring ? n : 1;
	trace_next = 0;
	if (ring)
		set_hooks(0, MM_HOOK_TRACE);
	return 0;
}

void trace_event(enum mm_trace_type type, unsigned long index, unsigned int order,
		 uint32_t migratetype, uint32_t gfp)
{
	uint64_t sequence = __atomic_fetch_add(&trace_next, 1, __ATOMIC_RELAXED);
	struct mm_trace_entry *entry = &trace_ring[sequence & (trace_size - 1)];

	entry->sequence = sequence;
	entry->pfn = index_to_pfn(index);
	entry->gfp = gfp;
	entry->type = (uint8_t)type;
	entry->order = (uint8_t)order;
	entry->migratetype = (uint8_t)migratetype;
	entry->cpu = (uint8_t)port_pcpu()->cpu;
}

size_t mm_trace_read(struct mm_trace_entry *entries, size_t n)
{
	uint64_t end = trace_next, start = end > trace_size ? end - trace_size : 0;
	size_t got = 0;

	if (trace_ring == &trace_nowhere)
		return 0;
	if (end - start > n)
		start = end - n;
	for (; start < end; start++)
		entries[got++] = trace_ring[start & (trace_size - 1)];
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
	*fail = mm.fail;
}

char *mm_trace_text(const struct mm_trace_entry *entry, char *buf, size_t size)
{
	unsigned long long pfn = entry->pfn;
	char names[GFP_NAMES_SIZE];

	switch (entry->type) {
	case MM_TRACE_ALLOC:
		snprintf(buf, size,
			 "mm_page_alloc: pfn=0x%llx order=%u migratetype=%u gfp_flags=%s", pfn,
			 entry->order, entry->migratetype,
			 gfp_names(entry->gfp, names, sizeof(names)));
		break;
	case MM_TRACE_FREE:
		snprintf(buf, size, "mm_page_free: pfn=0x%llx order=%u", pfn, entry->order);
		break;
	case MM_TRACE_EXTFRAG:
		snprintf(buf, size,
			 "mm_page_alloc_extfrag: pfn=0x%llx alloc_order=%u alloc_migratetype=%u "
			 "fallback_migratetype=%u change_ownership=%d",
			 pfn, entry->order, entry->migratetype, (unsigned int)entry->gfp,
			 entry->migratetype != MIGRATE_MOVABLE);
		break;
	default:
		snprintf(buf, size, "mm_page_pcpu_drain: pfn=0x%llx order=%u migratetype=%u", pfn,
			 entry->order, entry->migratetype);
	}
	return buf;
}
