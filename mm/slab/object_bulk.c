/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * object_bulk.c: many objects at once, straight from their slabs and back: each slab's map and counts
 * are written once for the objects that follow each other there.
 *
 * Where size counts they are one after the other. Interrupts are let in, and the cache's lock is given up, after
 * BULK_STEP objects and what follows them in their slab, up to BULK_MOST.
 */
#include "../free_map.h"
#include "slab_internal.h"

#define BULK_STEP 32
#define BULK_MOST 48 /* objects of the last slab among them */

/* ---- one after the other ----------------------------------------------------------------------- */

static size_t free_each(const struct kmem_cache *cache, size_t n, void *const *objects,
			const void *caller)
{
	size_t freed = 0;

	for (size_t i = 0; i < n; i++)
		freed += !ZERO_OR_NULL_PTR(objects[i]) && !slab_free(objects[i], cache, caller);
	return freed;
}

/*
 * As many objects as are asked for lie in slabs and on this CPU's stack, in slabs more if need be, of which nobody knows
 * before there are enough: so none goes back where memory is short. False: refused, and they have gone back, the newest
 * first, with the chunks that were added for their heads.
 */
static __attribute__((noinline)) bool have_free(struct kmem_cache *cache, gfp_t gfp, size_t n)
{
	const unsigned int empty = READ_ONCE(cache->nr_empty);
	const uint32_t chunks = READ_ONCE(kmem_state.heads.nr_chunks);
	struct slab *slab, *first = NULL, **last = &first;
	bool refused = false;
	size_t more = 0;

	/* What lies here may go to the slabs meanwhile: for the next one's pages shrinkers run. */
	while (READ_ONCE(cache->nr_free) + slab_stacked(port_pcpu()->kmem, cache) + more < n) {
		slab = slab_make(cache, gfp, false);
		refused = !slab;
		if (refused)
			break;
		more += slab->objects;
		slab->next = NULL;
		*last = slab;
		last = &slab->next;
	}
	while (first) {
		unsigned long flags = port_irq_save();

		slab = first;
		first = slab->next;
		spin_lock(&cache->lock);
		slab_add(cache, slab);
		spin_unlock(&cache->lock);
		port_irq_restore(flags);
	}
	while (refused && READ_ONCE(cache->nr_empty) > empty) {
		slab_give_empty(cache, READ_ONCE(cache->nr_empty) - 1);
		/* Chunks were added where none lay without heads: those that were there come back last. */
		while (READ_ONCE(kmem_state.heads.nr_chunks) > chunks && head_give_back(0))
			;
	}
	return !refused;
}

static size_t alloc_each(struct kmem_cache *cache, gfp_t gfp, size_t n, void **objects,
			 const void *caller)
{
	(void)caller;
	for (size_t i = 0; i < n; i++) {
		objects[i] = SLAB_DEBUG(cache)
				     ? debug_alloc(cache, gfp, cache->hot.object_size, caller)
				     : kmem_cache_alloc(cache, gfp);
		if (objects[i])
			continue;
		while (i)
			kmem_cache_free(cache, objects[--i]);
		return 0;
	}
	return n;
}

#if FOR_SPEED
/* ---- out of slabs ------------------------------------------------------------------------------ */

/* Objects that follow each other, in the slots up to `end`. */
static inline void take_run(void **slot, void *const *end, uintptr_t object, unsigned long size,
			    uint8_t *state)
{
	for (; end - slot >= 4; slot += 4, state += 4) {
		UNROLL(4)
		for (unsigned int i = 0; i < 4; i++, object += size) {
			slot[i] = (void *)object;
			state[i] = MM_OBJECT_IN_USE;
		}
	}
	for (; slot < end; object += size) {
		*slot++ = (void *)object;
		*state++ = MM_OBJECT_IN_USE;
	}
}

/* Up to end - slot objects of one word of a slab's map. Returns the slot past the last. */
static inline void **take_of_word(unsigned long *map, uintptr_t base, uint8_t *first,
				  unsigned long size, void **slot, void *const *end)
{
	unsigned long word = *map;

	while (word && slot < end) {
		/* The lowest bits that follow each other: adding the first clears them, up to a bit that was 0. */
		unsigned long low = word & -word, rest = word + low, past = rest & ~word;
		unsigned long n = bit_number(low);
		unsigned long run = (past ? bit_number(past) : MAP_BITS) - n;

		if (run > (unsigned long)(end - slot)) {
			run = (unsigned long)(end - slot);
			rest = word & ~(((1UL << run) - 1) << n);
		}
		word &= rest;
		take_run(slot, slot + run, base + n * size, size, first + n);
		slot += run;
	}
	*map = word;
	return slot;
}

/* The cache's lock is held. */
static size_t take_of_slabs(struct kmem_cache *cache, void **objects, size_t n)
{
	void **slot = objects, *const *end = objects + n;
	void *const *stop = n < BULK_STEP ? end : objects + BULK_STEP;
	const unsigned long size = cache->size;

	while (slot < stop) {
		struct slab *slab = slab_first(cache);
		void **before = slot;

		if (!slab)
			break;
		for (unsigned long first = 0; slot < end && first < slab->objects;
		     first += MAP_BITS)
			if (slab_map(slab)[first / MAP_BITS])
				slot = take_of_word(&slab_map(slab)[first / MAP_BITS],
						    slab->base + first * size, &slab->state[first],
						    size, slot, end);
		slab_taken(cache, slab, (unsigned int)(slot - before));
	}
	return (size_t)(slot - objects);
}

/*
 * Up to n objects of the slabs there are. Apart: its registers lie on no stack while a slab is made. Returns
 * how many.
 */
static __attribute__((noinline)) size_t take_many(struct kmem_cache *cache, void **objects,
						  size_t n)
{
	size_t done = 0, step = BULK_STEP;

	while (done < n && step >= BULK_STEP) {
		unsigned long flags = port_irq_save();

		step = n - done < BULK_MOST ? n - done : BULK_MOST;
		spin_lock(&cache->lock);
		step = take_of_slabs(cache, objects + done, step);
		spin_unlock(&cache->lock);
		port_irq_restore(flags);
		done += step;
	}
	return done;
}

size_t kmem_cache_alloc_bulk(struct kmem_cache *cache, gfp_t gfp, size_t n, void **objects)
{
	size_t done = 0;

	if (SLAB_DEBUG(cache))
		return alloc_each(cache, gfp, n, objects, __builtin_return_address(0));
	if (!mm_likely(READ_ONCE(cache->nr_free) >= n) && !have_free(cache, gfp, n))
		return 0;
	while (done < n) {
		done += take_many(cache, objects + done, n - done);
		if (done == n)
			break;
		/* From this CPU's, or of one slab more if others have taken some meanwhile. */
		objects[done] = kmem_cache_alloc(cache, gfp & ~__GFP_ZERO);
		if (!objects[done]) {
			while (done) /* one by one, which takes less stack */
				kmem_cache_free(cache, objects[--done]);
			return 0;
		}
		done++;
	}
	for (size_t i = 0; gfp & __GFP_ZERO && i < n; i++)
		memset(objects[i], 0, cache->hot.object_size);
	return n;
}

/* ---- back to them ------------------------------------------------------------------------------ */

/* The slab that an object is most likely one of; NULL: it is not one of this cache. */
static struct slab *slab_here(const struct kmem_cache *cache, const void *object)
{
	struct slab *slab = NULL;
	const uint8_t *states;
	struct page *page;

	if (states_near(port_pcpu()->kmem, (uintptr_t)object, &states))
		slab = head_before(states);
	if (!slab || (uintptr_t)object - slab->base >= PAGE_SIZE << slab->order)
		slab = slab_of(&kmem_state.heads, object, &page);
	return slab && slab->cache == cache ? slab : NULL;
}

/*
 * Objects that follow each other in the list and are of one slab: their states, and its map a word at
 * a time; word: it has one. Ends at the first that is of another slab, or no object in use. Returns how many
 * were freed.
 */
static inline __attribute__((always_inline)) size_t give_run(struct slab *slab,
							     void *const *objects, size_t n,
							     bool word)
{
	const uintptr_t base = slab->base, bytes = (uintptr_t)slab->objects * slab->cache->size;
	const unsigned long reciprocal = slab->reciprocal;
	unsigned long first = 0, bits = 0, number;
	unsigned long *const map = slab_map(slab);
	void *const *at = objects, *const *end = objects + n;
	uint8_t *const states = slab->state;

	for (; at < end; at++) {
		uintptr_t offset = (uintptr_t)*at - base;

		if (!mm_likely(offset < bytes) || !mm_likely(offset * reciprocal < reciprocal))
			break;
		number = mul_high(offset, reciprocal);
		if (!mm_likely(states[number] == MM_OBJECT_IN_USE))
			break;
		states[number] = MM_OBJECT_FREE;
		if (!word && !mm_likely(number - first < MAP_BITS)) {
			map[first / MAP_BITS] |= bits;
			bits = 0;
			first = number & ~(MAP_BITS - 1);
		}
		bits |= 1UL << number % MAP_BITS;
	}
	if (bits) /* nothing of a slab that another call may have taken meanwhile */
		map[first / MAP_BITS] |= bits;
	return (size_t)(at - objects);
}

/*
 * Up to n objects, as far as each is one in use: that which is not is looked at with every check. The
 * lock is held. Returns how many were freed.
 */
static size_t give_step(struct kmem_cache *cache, void *const *objects, size_t n)
{
	size_t done = 0, count;

	while (done < n && done < BULK_STEP) {
		struct slab *slab = slab_here(cache, objects[done]);

		if (!slab)
			break;
		count = slab->objects <= MAP_BITS ? give_run(slab, objects + done, n - done, true)
						  : give_run(slab, objects + done, n - done, false);
		if (!count)
			break;
		slab_given(cache, slab, (unsigned int)count);
		done += count;
	}
	return done;
}

static size_t give_many(struct kmem_cache *cache, size_t n, void *const *objects,
			const void *caller)
{
	size_t freed = 0;

	for (size_t i = 0; i < n;) {
		size_t step = n - i < BULK_MOST ? n - i : BULK_MOST, done;
		unsigned long flags = port_irq_save();

		spin_lock(&cache->lock);
		done = give_step(cache, objects + i, step);
		spin_unlock(&cache->lock);
		port_irq_restore(flags);
		i += done;
		freed += done;
		if (done < step && done < BULK_STEP) {
			freed += !ZERO_OR_NULL_PTR(objects[i]) &&
				 !slab_free(objects[i], cache, caller);
			i++;
		}
	}
	slab_give_back(cache);
	return freed;
}

size_t kmem_cache_free_bulk(struct kmem_cache *cache, size_t n, void **objects)
{
	size_t freed = 0;

	if (cache && SLAB_DEBUG(cache))
		return free_each(cache, n, objects, __builtin_return_address(0));
	if (cache)
		return give_many(cache, n, objects, __builtin_return_address(0));
	for (size_t i = 0; i < n; i++)
		freed += !kfree(objects[i]);
	return freed;
}
#else
size_t kmem_cache_alloc_bulk(struct kmem_cache *cache, gfp_t gfp, size_t n, void **objects)
{
	if (!SLAB_DEBUG(cache) && !have_free(cache, gfp, n))
		return 0;
	return alloc_each(cache, gfp, n, objects, __builtin_return_address(0));
}

size_t kmem_cache_free_bulk(struct kmem_cache *cache, size_t n, void **objects)
{
	return free_each(cache, n, objects, __builtin_return_address(0));
}
#endif
