/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pcp.h: per-CPU page caches.
 *
 * One CPU's area holds one cache per order and class (zone x mobility). A descriptor's first word
 * has order and class side by side (page.h), and as a number they are the cache's byte offset: a
 * request finds its cache with one add, a free with one subtract, which also checks the block's
 * state.
 *
 * A cache is an array stack of descriptor pointers: `top` points at the last one; the slot below
 * the first holds NULL, so "empty" needs no count. It is touched only by its own CPU with
 * interrupts masked, and takes no lock.
 */
#ifndef QUARRY_PCP_H
#define QUARRY_PCP_H

#include <quarry/config.h>
#include <quarry/gfp.h>
#include <quarry/page.h>

struct per_cpu_pages {
	struct page **top;   /* the last page in the cache, or the NULL slot when it is empty */
	struct page **limit; /* top may not pass it */
	struct page **base;  /* the NULL slot below the first page */
	uint32_t capacity;   /* pages the array has room for */
	uint8_t zone;	     /* index of the zone its pages are from */
	uint8_t cursor;	     /* where the next pages to give back lie among the newest */
	uint16_t unused;
#if UINTPTR_MAX == UINT32_MAX
	uint32_t unused32[3];
#endif
};
QUARRY_STATIC_ASSERT(sizeof(struct per_cpu_pages) == 32, "class bits are byte offsets");

#define NR_PCP_CLASSES	8
#define PCP_OFFSET_MASK (PAGE_ORDER_MASK | PAGE_CLASS_MASK)
QUARRY_STATIC_ASSERT(NR_PCP_CLASSES * sizeof(struct per_cpu_pages) == 1 << PAGE_ORDER_SHIFT,
		     "order bits are byte offsets");

/* Descriptors known to be trustworthy without a look at the spans (mm/zone/sections.c). */
struct mm_open_range {
	uintptr_t start; /* of a descriptor */
	uintptr_t bytes;
};

#define MM_OPEN_RANGES 4

/* How far the CPU's caches are given back: those before this one, and of this one all but the oldest. */
struct mm_drain_place {
	uint16_t left __attribute__((aligned(4))); /* so many, and 1; 0: of this one nothing yet */
	uint16_t cache;				   /* its number */
};

struct bank;	 /* mm/state.h */
struct kmem_cpu; /* slab_inline.h */

/* What is small comes first, so that it is within reach of short instructions. */
struct mm_pcpu {
	/* Where most frees fall, largest first; the hot path looks at the first three. */
	struct mm_open_range open[MM_OPEN_RANGES];
	const int8_t
		*trust; /* trust map byte of a descriptor: trust[address >> PAGE_GROUP_SHIFT] */
	struct per_cpu_pages *cache; /* the caches: pcp, or held while hooks are on */
	const struct bank *bank;     /* where a page was last found by its address */
	struct kmem_cpu *kmem;	     /* its free objects */
	uint32_t cpu;		     /* this CPU's number, 0 .. CONFIG_NR_CPUS - 1 */
	uint32_t irq_depth;	     /* raised by the port while an interrupt is served */
	uint32_t online;	     /* other CPUs' requests are served */
	uint32_t hooks;		     /* the mm.hooks this CPU has taken note of */
	uint32_t acknowledged;	     /* the newest request of another CPU that was served */
	struct mm_drain_place place; /* of the one after that */
	uint64_t refills;	     /* batches taken from the buddy */
	uint64_t returns;	     /* batches given back */
	uint64_t drained;	     /* pages given back by drains */
	struct per_cpu_pages pcp[NR_PAGE_ORDERS][NR_PCP_CLASSES]; /* what the hot paths see */
#if CONFIG_DEBUG_HOOKS
	/*
	 * The caches while debug hooks are on: pcp[] is empty and full at once then, so that
	 * every call takes the slow path, and the hot paths need no test for hooks.
	 */
	struct per_cpu_pages held[NR_PAGE_ORDERS][NR_PCP_CLASSES];
#endif
#if QUARRY_INSTANCES > 1
	uint32_t instance; /* the allocator's number; set by the program, before all else */
#endif
};

#endif
