/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * heads_internal.h: heads of slabs come and go, and from a handle or an address to a head.
 */
#ifndef QUARRY_MM_HEADS_INTERNAL_H
#define QUARRY_MM_HEADS_INTERNAL_H

#include "chunks_internal.h"

#pragma GCC visibility push(hidden)

/* head.c */
/*
 * A head of 2^shift bytes, its handle is set. Where no chunk has one, *more, if not 0, is the page of a chunk more,
 * whose header is zero, and *more is 0 from then on. NULL: refused.
 */
struct slab *head_take(unsigned int shift, unsigned long *more);
/*
 * The page for a chunk more is taken first, and becomes one with all else that a slab needs there: it is the
 * caller's to free, or 0. heads_ready(), the last that may be refused for want of memory, makes the tables for its
 * number; its depth is not that of the others.
 */
unsigned long chunk_page(gfp_t gfp);
bool heads_ready(gfp_t gfp);
/* After a slab was made: a step towards a larger table of handles, which may be refused and then is not there. */
#if FOR_SPEED
void handles_step(void);
#else
#define handles_step() ((void)0)
#endif
void head_free(struct slab *slab);
/* A chunk without heads goes back, if there are more than `keep`. */
bool head_give_back(unsigned int keep);
void heads_init(void);
/* heads_end.c: tables that heads do not need go back too; true: no head is left. Nothing else runs. */
bool heads_end(void);
unsigned long heads_shrink(void); /* chunks without heads go back: pages */

/* The head that ends where its objects' states are. */
static inline struct slab *head_before(const uint8_t *states)
{
	return (struct slab *)(uintptr_t)states - 1;
}

/*
 * The end of the head whose handle the page at an address has, if that is in this CPU's bank; false: look
 * further. Nothing else is known of it: the page may be of no slab, and the head of none.
 */
static inline __attribute__((always_inline)) bool
states_near(const struct kmem_cpu *cpu, uintptr_t address, const uint8_t **states)
{
	uint32_t handle;

	if (!mm_likely(address - cpu->start < cpu->bytes))
		return false;
	handle = cpu->pages[address >> PAGE_SHIFT].owner;
	if (!mm_likely(handle < cpu->nr_handles))
		return false;
	*states = cpu->states[(int32_t)handle];
	return true;
}

/* Each slab whose head is in the chunk of this number. The lock is held, or nothing else runs. */
static inline void for_each_slab_of(const struct heads *heads, uint32_t number,
				    void (*visit)(struct slab *slab, void *data), void *data)
{
	const struct chunk *chunk = chunk_of(heads, number);

	if (!chunk)
		return;
	for (uintptr_t at = (uintptr_t)1 << chunk->shift;
	     at < (uintptr_t)chunk->fresh << HEAD_SHIFT; at += (uintptr_t)1 << chunk->shift) {
		struct slab *slab = (struct slab *)((uintptr_t)chunk + at);

		/* Acquire, paired with the release in slab_make(): all else of it is there. */
		if (__atomic_load_n(&slab->base, __ATOMIC_ACQUIRE))
			visit(slab, data);
	}
}

/* Each slab there is. Thread context, nothing else running. */
static inline void for_each_slab(const struct heads *heads,
				 void (*visit)(struct slab *slab, void *data), void *data)
{
	for (uint32_t n = 0; n < heads->nr; n++)
		for_each_slab_of(heads, n, visit, data);
}

/* The slab that an address lies in; NULL: it lies in none. *page: its page's descriptor, or NULL. */
static inline struct slab *slab_of(const struct heads *heads, const void *address,
				   struct page **page)
{
	const struct chunk *chunk;
	struct slab *slab;
	uint32_t handle;

	*page = virt_to_page(address);
	if (!*page)
		return NULL;
	handle = READ_ONCE((*page)->owner);
	if (handle >> CHUNK_SHIFT >= __atomic_load_n(&heads->nr, __ATOMIC_ACQUIRE))
		return NULL;
	chunk = chunk_of(heads, handle >> CHUNK_SHIFT);
	handle &= HEADS_PER_CHUNK - 1;
	if (!chunk || !handle || handle >= __atomic_load_n(&chunk->fresh, __ATOMIC_ACQUIRE) ||
	    handle & ((1U << (chunk->shift - HEAD_SHIFT)) - 1))
		return NULL;
	slab = (struct slab *)((uintptr_t)chunk + ((uintptr_t)handle << HEAD_SHIFT));
	return slab->base && (uintptr_t)address - slab->base < PAGE_SIZE << slab->order ? slab
											: NULL;
}

#pragma GCC visibility pop
#endif
