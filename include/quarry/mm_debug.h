/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mm_debug.h: options that are switched on while the allocator runs (poison, zeroing, fault
 * injection, trace), and the check of all its invariants.
 */
#ifndef QUARRY_MM_DEBUG_H
#define QUARRY_MM_DEBUG_H

#include <quarry/cdefs.h>
#include <quarry/gfp.h>
#include <quarry/types.h>

MM_BEGIN_DECLS

#define MM_HOOK_TRACE	      1U  /* tracepoints */
#define MM_HOOK_FAIL	      2U  /* fault injection */
#define MM_HOOK_POISON	      4U  /* free pages hold a pattern, verified when they are allocated */
#define MM_HOOK_INIT_ON_ALLOC 8U  /* pages are zeroed when they are allocated */
#define MM_HOOK_INIT_ON_FREE  16U /* pages are zeroed when they are freed */
#define MM_HOOK_OWNER	      32U /* call sites are recorded (page_owner.h) */
#define MM_HOOK_STAT	      128U /* each page that is allocated or freed is counted (mm_zone_stats()) */
#define MM_HOOK_MIGHT_SLEEP \
	256U /* a request that may wait, in an interrupt: a line for each call site */

/*
 * mm_set_hooks() - the init_on_*, poison, stat and might_sleep options; others in `set` are ignored.
 * Switching poison on fills all free memory ever cut.
 *
 * Context: thread, other CPUs idle.
 * Bound:   linear in what is cached; with poison in the free memory ever cut.
 * Return:  0; -EINVAL poison and init_on_free together; -ENOSYS CONFIG_DEBUG_HOOKS is 0.
 * Source:  Linux parameters init_on_alloc, init_on_free, page_poison; vm.numa_stat,
 *          CONFIG_DEBUG_ATOMIC_SLEEP.
 */
int mm_set_hooks(unsigned int set);

/*
 * mm_hooks() - the options that are on: MM_HOOK_*.
 *
 * Context: any.
 * Bound:   5.
 * Return:  a sum of bits.
 */
unsigned int mm_hooks(void);

struct mm_fail {
	unsigned int every;	/* one in so many of the requests that match; 0 = off */
	unsigned int min_order; /* that match: this order and above */
	unsigned int times;	/* at most so many; 0 = without limit */
	unsigned long seen, failed;
};
/*
 * mm_set_fail() - refuse requests from now on; seen and failed start at 0. mm_get_fail() - the same
 * with the figures as they are.
 *
 * Context: thread; mm_get_fail() any.
 * Bound:   linear in what is cached.
 * Return:  0; -ENOSYS CONFIG_DEBUG_HOOKS is 0.
 * Source:  Linux fault-injection/fault-injection.rst, fail_page_alloc.
 */
int mm_set_fail(const struct mm_fail *fail);
void mm_get_fail(struct mm_fail *fail);

enum mm_trace_type {
	MM_TRACE_ALLOC,	     /* mm_page_alloc */
	MM_TRACE_FREE,	     /* mm_page_free */
	MM_TRACE_EXTFRAG,    /* mm_page_alloc_extfrag */
	MM_TRACE_PCPU_DRAIN, /* mm_page_pcpu_drain */
};
struct mm_trace_entry {
	uint64_t sequence; /* counted from 0; gaps never occur, the oldest are overwritten */
	pfn_t pfn;
	uint32_t gfp; /* alloc: flags; extfrag: the type that was used */
	uint8_t type, order, migratetype, cpu;
};
/*
 * mm_trace_start() - start recording into ring (n entries, a power of two), or stop with NULL.
 *
 * Context: thread.
 * Bound:   linear in what is cached; it waits for the other CPUs.
 * Return:  0; -EINVAL n is no power of two; -ENOSYS CONFIG_DEBUG_HOOKS is 0.
 * Source:  Linux tracefs, events/kmem.
 */
int mm_trace_start(struct mm_trace_entry *ring, size_t n);
/*
 * mm_trace_read() - copy the newest entries, up to n, oldest first.
 *
 * Context: thread.
 * Bound:   linear in n.
 * Return:  the number of entries.
 */
size_t mm_trace_read(struct mm_trace_entry *entries, size_t n);
/*
 * mm_trace_text() - the entry as the tracepoint's line, without newline, cut at size bytes.
 *
 * Context: any.
 * Bound:   linear in the text.
 * Return:  buf.
 * Source:  Linux include/trace/events/kmem.h.
 */
char *mm_trace_text(const struct mm_trace_entry *entry, char *buf, size_t size);

/* ---- bad memory ---------------------------------------------------------------------------- */

/*
 * mm_page_set_bad() - a page whose memory is bad is never handed out again, whatever happens to its neighbours: it is reserved,
 * and mm_page_info() says PAGE_BAD. The caller holds it: allocated with order 0, and no other holder.
 *
 * Context: any.
 * Bound:   600.
 * Return:  0; -EINVAL it is no such page, and nothing has changed.
 * Source:  Linux mm/hwpoison.rst, soft offline.
 */
int mm_page_set_bad(pfn_t pfn);

/*
 * mm_nr_bad_pages() - how many there are.
 *
 * Context: any.
 * Bound:   5.
 * Return:  pages.
 * Source:  Linux /proc/meminfo, HardwareCorrupted.
 */
unsigned long mm_nr_bad_pages(void);

/* ---- checks -------------------------------------------------------------------------------- */

/*
 * mm_check() - walk every invariant of zones, pageblocks, lists, descriptors and caches. Whatever
 * these hold, nothing is followed that was not judged before.
 *
 * Context: thread, nothing else running.
 * Bound:   linear in the memory ever cut.
 * Return:  0, or the number of violations; the first ones are logged, by structure and field.
 */
int mm_check(void);

/*
 * mm_state_hash() - a 64-bit hash over all state that decides what later calls return. Equal
 * before and after any failed call.
 *
 * Context: thread, nothing else running.
 * Bound:   linear in the memory ever cut.
 * Return:  the hash.
 */
uint64_t mm_state_hash(void);

/*
 * mm_state_hash_moved() - the same but for the places of pages that can move, and for what is cached
 * of what is free. Equal before and after any failed call, also where pages are moved for it.
 *
 * Context: thread, nothing else running.
 * Bound:   linear in the memory ever cut.
 * Return:  the hash.
 */
uint64_t mm_state_hash_moved(void);

MM_END_DECLS

#endif
