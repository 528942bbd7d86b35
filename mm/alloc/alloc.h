/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * alloc.h: what alloc/ offers beside the public interface (quarry/mm.h) to slab/ and debug/: how a
 * request is made from its flags, what serves it, how a free is refused, and the head of a block.
 */
#ifndef QUARRY_MM_ALLOC_H
#define QUARRY_MM_ALLOC_H

#include "../alloc_context.h"
#include "../state.h"

#pragma GCC visibility push(hidden)

/* page_alloc.c */
/* An order there is, flags there are, and one mobility. gfp_check() tells what is wrong. */
static inline bool gfp_acceptable(gfp_t gfp, unsigned int order)
{
	return order <= MAX_PAGE_ORDER && !(gfp & ~__GFP_BITS_MASK) &&
	       (gfp & GFP_MOVABLE_MASK) != GFP_MOVABLE_MASK;
}
void alloc_context_init(struct alloc_context *ac, gfp_t gfp, unsigned int order);
/*
 * All that is tried for a request. With ac->type TAKE_NOTHING a dry run: DRY_RUN_PAGE or NULL, and
 * nothing but the record has changed. NULL: refused, and the record says why.
 */
struct page *alloc_pages_request(struct alloc_context *ac);

/* Masked, or a thread that is moved to another CPU might see an interrupt of the one it left. */
static inline bool in_interrupt(void)
{
	unsigned long flags = port_irq_save();
	bool interrupt = port_pcpu()->irq_depth;

	port_irq_restore(flags);
	return interrupt;
}

/* Does one of this thread's callbacks run? Also true in an interrupt that comes in between. */
static inline bool in_callback(void)
{
	const void *thread = __atomic_load_n(&mm.callbacks_thread, __ATOMIC_RELAXED);

	return (!FOR_SPEED || thread) && thread == port_thread(); /* mostly it is NULL */
}

uint32_t callbacks_there(void); /* shrinker.c, with debug hooks: MM_RECORD_HAS_* */

/* free.c */
enum freed {
	NOT_FREED, /* 0: nobody holds it, as an interrupt freed it meanwhile; nothing has changed */
	FREED,
	FREED_TO_CACHE, /* the cache had room: no lock was taken */
};
/* Drop one reference to a block of this order; the last gives it to its cache or to the buddy. */
enum freed free_block(struct page *page, unsigned int order);
#define REFUSED_OBJECT -2 /* no pages were meant, but an object */
/* Count and report a refused free; returns its errno. order -1: that of the block. */
int refuse(enum mm_misuse kind, phys_addr_t addr, long order, const void *caller);

/* mhandle.c: there is no handle any more, for tests that start another machine. */
void mhandle_forget(void);
/* cma.c: there is no area any more, for tests that start another machine. */
void cma_forget(void);
void hotplug_forget(void); /* memory_hotplug.c, likewise */

/* page_ref.c */
/* The head of the block that page lies in; NULL if page is no descriptor of an open section. */
struct page *page_head(const struct page *page);

#pragma GCC visibility pop
#endif
