/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * slab.c: slabs are made and given back; objects are taken from them and come back to them.
 *
 * Objects go both ways in batches, under the cache's lock. No step holds it for more than a
 * batch, bulk calls for 48 objects at most, and none that takes it asks for pages.
 */
#include "../free_map.h"
#include "pages_internal.h"
#include "slab_internal.h"
#include "slab_lists_internal.h"

/* ---- objects between slabs and stacks -------------------------------------------------------- */

#if FOR_SPEED
void slab_taken(struct kmem_cache *cache, struct slab *slab, unsigned int n)
{
	unsigned long free = slab->free;
	const bool was_empty = free == slab->objects;

	free -= n;
	slab->free = (uint16_t)free;
	cache->nr_free -= n;
	if (was_empty) {
		slab_unlink(cache, slab, EMPTY);
		if (free)
			slab_link(cache, slab, PARTIAL);
	} else if (!free) {
		slab_unlink(cache, slab, PARTIAL);
	}
}

void slab_given(struct kmem_cache *cache, struct slab *slab, unsigned int n)
{
	unsigned long before = slab->free, free = before + n;

	slab->free = (uint16_t)free;
	cache->nr_free += n;
	if (free == slab->objects) {
		if (before)
			slab_unlink(cache, slab, PARTIAL);
		slab_link(cache, slab, EMPTY);
	} else if (!before) {
		slab_link(cache, slab, PARTIAL);
	}
}
#else
/* The list of a slab with so many free objects. NR_LISTS: none. */
static unsigned int list_for(const struct slab *slab, unsigned long free)
{
	return free == slab->objects ? EMPTY : free ? PARTIAL : NR_LISTS;
}

void slab_moved(struct kmem_cache *cache, struct slab *slab, long n)
{
	const unsigned long before = slab->free, free = before + (unsigned long)n;
	const unsigned int from = list_for(slab, before), to = list_for(slab, free);

	slab->free = (uint16_t)free;
	cache->nr_free += (uint64_t)(int64_t)n;
	if (from == to)
		return;
	if (from != NR_LISTS)
		slab_unlink(cache, slab, from);
	if (to != NR_LISTS)
		slab_link(cache, slab, to);
}
#endif

#if FOR_SPEED
/* Up to end - slot objects of one word of a slab's map, the lowest first. Returns the slot past the last. */
static inline struct object_slot *take_of_word(unsigned long *map, uintptr_t base, uint8_t *first,
					       unsigned long size, struct object_slot *slot,
					       const struct object_slot *end)
{
	unsigned long word = *map, n;

	while (word && slot < end) {
		n = lowest_bit(word);
		word >>= n;
		do { /* those that follow each other */
			slot->object = (void *)(base + n * size);
			slot->state = first + n;
			slot++;
			n++;
			word >>= 1;
		} while (word & 1 && slot < end);
		word = n < MAP_BITS ? word << n : 0;
	}
	*map = word;
	return slot;
}

/* Up to n objects of one slab. Returns how many. */
static unsigned int take_of_slab(struct slab *slab, struct object_slot *slots, unsigned int n)
{
	unsigned long *map = slab_map(slab), size = slab->cache->size;
	struct object_slot *slot = slots, *const end = slots + n;
	uintptr_t base = slab->base;

	for (uint8_t *first = slab->state; slot < end && first < slab->state + slab->objects;
	     map++, first += MAP_BITS, base += MAP_BITS * size)
		if (*map)
			slot = take_of_word(map, base, first, size, slot, end);
	return (unsigned int)(slot - slots);
}

unsigned int slab_take_objects(struct kmem_cache *cache, struct object_slot *slots, unsigned int n)
{
	unsigned int taken = 0, count;
	struct slab *slab;

	while (taken < n && (slab = slab_first(cache))) {
		count = take_of_slab(slab, slots + taken, n - taken);
		slab_taken(cache, slab, count);
		taken += count;
	}
	return taken;
}

/* Its first object is free again, or its last. Apart, so that the loop below has its registers. */
static __attribute__((noinline)) void slab_relist(struct slab *slab)
{
	slab->free--;
	slab->cache->nr_free--; /* the loop adds it, too */
	slab_given(slab->cache, slab, 1);
}

static unsigned int give_to_slabs(struct kmem_cache *cache, const struct object_slot *slots,
				  unsigned int n, unsigned int fewer)
{
	const uintptr_t mask = (uintptr_t)(intptr_t)cache->head_mask;
	const struct object_slot *slot = slots + n, *end = slots;

	while (slot > end) {
		const uint8_t *state = (--slot)->state;
		struct slab *slab = (struct slab *)((uintptr_t)state & mask);
		unsigned long number = (unsigned long)(state - slab->state);
		unsigned long *map = slab_map(slab) + number / MAP_BITS;
		unsigned long free = slab->free + 1UL;

		__asm__("" : "+r"(free)); /* counted once, in a register */
		VM_BUG_ON(slab->cache != cache || *map >> number % MAP_BITS & 1);
		*map |= 1UL << number % MAP_BITS;
		slab->free = (uint16_t)free;
		if (free == 1 || free == slab->objects) {
			slab_relist(slab);
			end += fewer;
		}
	}
	n -= (unsigned int)(slot - slots);
	cache->nr_free += n;
	return n;
}
#else
unsigned int slab_take_objects(struct kmem_cache *cache, struct object_slot *slots, unsigned int n)
{
	unsigned int taken = 0;
	struct slab *slab;

	for (; taken < n && (slab = slab_first(cache)); taken++) {
		unsigned long *map = slab_map(slab), number = 0;

		while (!(map[number / MAP_BITS] >> number % MAP_BITS & 1))
			number++;
		map[number / MAP_BITS] &= ~(1UL << number % MAP_BITS);
		slots[taken].object = object_at(slab, (unsigned int)number);
		slots[taken].state = &slab->state[number];
		slab_taken(cache, slab, 1);
	}
	return taken;
}

static unsigned int give_to_slabs(struct kmem_cache *cache, const struct object_slot *slots,
				  unsigned int n, unsigned int fewer)
{
	(void)fewer;
	for (unsigned int i = 0; i < n; i++) {
		struct slab *slab = head_of(cache, slots[i].state);
		unsigned long number = (unsigned long)(slots[i].state - slab->state);

		slab_map(slab)[number / MAP_BITS] |= 1UL << number % MAP_BITS;
		slab_given(cache, slab, 1);
	}
	return n;
}
#endif

/* ---- slabs come and go ----------------------------------------------------------------------- */

/* What a slab of a cache with debug options has beside its pages goes back; by descriptor takes less stack. */
MM_APART void end_debugged(struct slab *slab)
{
	struct page *notes = virt_to_page(debug_slab_end(slab));

	head_free(slab);
	__free_pages_order(notes, 0);
}

/* Empty slabs of all caches are more than a part of memory: all frees but the last gave fewer back than were empty. */
static inline bool many_empty(void)
{
	return READ_ONCE(kmem_state.empty_pages) > kmem_state.many_pages;
}

/* An empty slab goes back, if there are more of them than `keep`; *pages, if not NULL: how many went. Returns 0. */
#if FOR_SPEED
static inline
	__attribute__((always_inline))
#else
static
#endif
	int
	give_slab(struct kmem_cache *cache, unsigned int keep, unsigned long *pages)
{
	unsigned long flags = port_irq_save();
	struct slab *slab = NULL;
	struct page *page = NULL;
	unsigned int order = 0;

	spin_lock(&cache->lock);
	if (mm_likely(cache->nr_empty > keep)) {
		slab = cache->list[EMPTY];
		order = slab->order;
		page = page_near(slab->base);
		if (FOR_SPEED && slab->prev)
			__builtin_unreachable(); /* it is the first */
		slab_unlink(cache, slab, EMPTY);
		count_slab(cache, slab, -1);
		if (FOR_SPEED && many_empty())
			WRITE_ONCE(cache->give, GIVE_FEW);
	}
	spin_unlock(&cache->lock);
	port_irq_restore(flags);
	if (pages)
		*pages = slab ? 1UL << order : 0;
	if (!slab)
		return 0;
	if (SLAB_DEBUG(cache))
		end_debugged(slab);
	else
		head_free(slab);
	for (unsigned long i = 1; i < 1UL << order; i++)
		page[i].owner = 0;
	return free_block_of_slab(page, order);
}

unsigned long slab_give_empty(struct kmem_cache *cache, unsigned int keep)
{
	unsigned long pages = 0, more;

	do {
		give_slab(cache, keep, &more);
		pages += more;
	} while (more);
	return pages;
}

int slab_give_back(struct kmem_cache *cache)
{
	if (READ_ONCE(kmem_state.heads.nr_unused) > KEEP_CHUNKS) {
		head_give_back(KEEP_CHUNKS);
		return 0;
	}
	if (!FOR_SPEED && READ_ONCE(cache->nr_empty) <= KEEP_EMPTY)
		return 0;
	return give_slab(cache, KEEP_EMPTY, NULL);
}

unsigned int slab_give_objects(struct kmem_cache *cache, const struct object_slot *slots,
			       unsigned int n, unsigned int fewer)
{
	unsigned long flags = port_irq_save();

	spin_lock(&cache->lock);
	n = give_to_slabs(cache, slots, n, fewer);
	spin_unlock(&cache->lock);
	port_irq_restore(flags);
	return n;
}

/* A slab more, of which nobody knows yet; debug: the cache has debug options. NULL: refused. */
static inline __attribute__((always_inline)) struct slab *make_slab(struct kmem_cache *cache,
								    gfp_t gfp, bool debug)
{
	const gfp_t bare = gfp & ~(GFP_CLASS_MASK | __GFP_ZERO | __GFP_COMP);
	const gfp_t of_pages = bare | cache->gfp;
	unsigned long chunk = 0;
	struct slab *slab = head_take(cache->head_shift, &chunk);
	const bool step =
		FOR_SPEED && slab; /* no chunk was made: that has cost enough for one call */
	struct object_note *notes = NULL;
	struct page *page = NULL;
	unsigned int order = 0, objects;
	uintptr_t base;

	/* Single pages first: they go back to where they were, if blocks or tables are refused. */
	if (!slab) {
		chunk = chunk_page(bare);
		if (chunk)
			memset((void *)chunk, 0, sizeof(struct chunk));
	}
	if (debug && (slab || chunk))
		notes = debug_notes_alloc(of_pages);
	if ((slab || chunk) && (!debug || notes))
		page = slab_pages(cache, of_pages, &order);
	if (page && !slab) {
		/* Others may have had the number since: then there is a leaf for the next, or none is left. */
		while (!slab && heads_ready(bare | __GFP_NOWARN))
			slab = head_take(cache->head_shift, &chunk);
		if (!slab)
			__free_pages(page, order);
	}
	if (!page || !slab) {
		if (notes)
			free_page((unsigned long)(uintptr_t)notes);
		if (slab)
			head_free(slab);
		free_page(chunk);
		return NULL;
	}
	free_page(chunk); /* others have given heads back meanwhile */
	if (debug)
		*slab_notes(slab, cache) = notes;
	base = (uintptr_t)__page_address(page);
	objects = order == cache->order ? cache->most_objects
					: (unsigned int)((PAGE_SIZE << order) / cache->size);
	slab->order = (uint8_t)order;
	slab->reciprocal = cache->reciprocal;
	slab->stack = (uint16_t)cache->hot.stack;
	slab->cache = cache;
	slab->objects = (uint16_t)objects;
	slab->free = (uint16_t)objects;
	slab->map = (uint16_t)ALIGN_UP(sizeof(*slab) + objects, sizeof(long));
	memset(slab->state, MM_OBJECT_FREE, objects);
	for (unsigned int n = 0; n < objects; n += MAP_BITS)
		slab_map(slab)[n / MAP_BITS] =
			objects - n < MAP_BITS ? (1UL << (objects - n)) - 1 : ~0UL;
	/* From here on the head says what addresses are the slab's: all else was written before. */
	__atomic_store_n(&slab->base, base, __ATOMIC_RELEASE);
	for (unsigned long i = 1; i < 1UL << order; i++)
		page[i].owner = slab->handle;
	page->raw = (uint64_t)slab->handle << 32 | PAGE_INFO(PAGE_SLAB, order) |
		    (page->word & PAGE_CLASS_MASK);
	if (debug)
		debug_slab_made(slab);
	for (unsigned int n = 0; cache->ctor && n < objects; n++)
		cache->ctor(object_at(slab, n));
	if (step)
		handles_step();
	return slab;
}

struct slab *slab_make(struct kmem_cache *cache, gfp_t gfp, bool debug)
{
	return make_slab(cache, gfp, CONFIG_DEBUG_HOOKS && debug);
}

void slab_add(struct kmem_cache *cache, struct slab *slab)
{
	count_slab(cache, slab, 1);
	slab_link(cache, slab, EMPTY);
}

/* Objects that come to a stack with a slab that was just made: that has cost enough for one call. */
#define FEW 8

/* ---- requests and frees that the hot path leaves ---------------------------------------------- */

/*
 * An object from the slabs there are, or from one more; the stack is filled by the way. Interrupts
 * masked. False: there is none.
 */
static bool take_from_slabs(struct kmem_cache *cache, struct slab *more, struct object_slot *slot)
{
	struct object_stack *stack = stack_here(cache);
	struct object_slot *slots = slot;
	unsigned int n = 1;

	if (stack && stack->top != stack->limit && !stack->top->object) {
		slots = stack->top + 1;
		n = more && cache->batch > FEW ? FEW : cache->batch;
	}
	spin_lock(&cache->lock);
	if (more)
		slab_add(cache, more);
	if (FOR_SPEED)
		WRITE_ONCE(cache->give, cache->give_most);
	n = slab_take_objects(cache, slots, n);
	spin_unlock(&cache->lock);
	if (slots != slot && n) {
		stack->top += n - 1;
		*slot = slots[n - 1];
	}
	return n;
}

static inline void *finish(const struct kmem_cache *cache, gfp_t gfp,
			   const struct object_slot *slot, unsigned long flags)
{
	*slot->state = MM_OBJECT_IN_USE;
	port_irq_restore(flags);
	if (gfp & __GFP_ZERO)
		memset(slot->object, 0, cache->hot.object_size);
	return slot->object;
}

/* No slab had a free object a moment ago: the lock is not worth taking. */
static inline RACY bool none_free(const struct kmem_cache *cache)
{
	return !READ_ONCE(cache->list[PARTIAL]) && !READ_ONCE(cache->list[EMPTY]);
}

#if FOR_SPEED
/* From one slab more. Apart, as are its registers. */
static __attribute__((noinline)) void *alloc_of_more(struct kmem_cache *cache, gfp_t gfp)
{
	struct slab *slab = make_slab(cache, gfp, false);
	struct object_slot slot;
	unsigned long flags;

	if (!slab)
		return NULL;
	flags = port_irq_save();
	take_from_slabs(cache, slab, &slot);
	return finish(cache, gfp, &slot, flags);
}

void *slab_alloc(struct kmem_cache *cache, gfp_t gfp)
{
	struct object_slot slot;
	unsigned long flags;

	if (none_free(cache))
		return alloc_of_more(cache, gfp);
	flags = port_irq_save();
	if (!take_from_slabs(cache, NULL, &slot)) {
		port_irq_restore(flags);
		return alloc_of_more(cache, gfp);
	}
	return finish(cache, gfp, &slot, flags);
}
#else
void *slab_alloc(struct kmem_cache *cache, gfp_t gfp)
{
	struct slab *more = NULL;
	struct object_slot slot;

	for (;;) {
		unsigned long flags = port_irq_save();

		/* No stack is made for what may be refused. */
		if ((more || !none_free(cache)) && take_from_slabs(cache, more, &slot))
			return finish(cache, gfp, &slot, flags);
		port_irq_restore(flags);
		more = slab_make(cache, gfp, false);
		if (!more)
			return NULL;
	}
}
#endif
