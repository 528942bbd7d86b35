/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mm_debug.h: options that are switched on while the allocator runs (poison, zeroing, fault
 * injection, trace), and the check of all its invariants.
 */
#ifndef QUARRY_MM_DEBUG_H
#define QUARRY_MM_DEBUG_H

#include <quarry/gfp.h>
#include <quarry/types.h>

#define MM_HOOK_TRACE	      1U  /* tracepoints */
#define MM_HOOK_FAIL	      2U  /* fault injection */
#define MM_HOOK_POISON	      4U  /* free pages hold a pattern, verified when they are allocated */
#define MM_HOOK_INIT_ON_ALLOC 8U  /* pages are zeroed when they are allocated */
#define MM_HOOK_INIT_ON_FREE  16U /* pages are zeroed when they are freed */

/*
 * mm_set_hooks() - the init_on_* and poison options; others in `set` are ignored. Switching
 * poison on fills all free memory ever cut. -EINVAL for poison and init_on_free together, -ENOSYS
 * where CONFIG_DEBUG_HOOKS is 0.
 * Context: thread, other CPUs idle.
 */
int mm_set_hooks(unsigned int set);
unsigned int mm_hooks(void);

struct mm_fail {
	unsigned int every;	/* one in so many of the requests that match; 0 = off */
	unsigned int min_order; /* that match: this order and above */
	unsigned int times;	/* at most so many; 0 = without limit */
	uint64_t seen, failed;
};
/*
 * mm_set_fail() - refuse requests from now on; seen and failed start at 0. 0, or -ENOSYS where
 * CONFIG_DEBUG_HOOKS is 0.
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
 * Start recording into ring (n entries, a power of two), or stop with NULL. -EINVAL for another
 * n, -ENOSYS where CONFIG_DEBUG_HOOKS is 0.
 */
int mm_trace_start(struct mm_trace_entry *ring, size_t n);
/* Copies the entries there are, oldest first, up to n; returns how many. */
size_t mm_trace_read(struct mm_trace_entry *entries, size_t n);
/* The entry as the tracepoint's line, without newline. */
char *mm_trace_text(const struct mm_trace_entry *entry, char *buf, size_t size);

/* ---- checks -------------------------------------------------------------------------------- */

/*
 * mm_check() - walk every invariant of zones, pageblocks, lists, descriptors and caches. Returns
 * 0, or the number of violations; the first ones are logged. Cost: linear in the memory ever cut.
 * Context: thread, nothing else running.
 */
int mm_check(void);

/*
 * mm_state_hash() - a 64-bit hash over all state that decides what later calls return. Equal
 * before and after any failed call. Cost and context as mm_check().
 */
uint64_t mm_state_hash(void);

#endif
