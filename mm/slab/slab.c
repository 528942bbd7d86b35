/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * slab.c: slabs are made and given back; objects are taken from them and come back to them.
 *
 * Objects go both ways in batches, under the cache's lock. No step holds it for more than a batch,
 * and none that takes it asks for pages.
 */
#include "../free_map.h"
#include "slab_internal.h"

/* ---- lists of slabs, with the cache's lock held --------------------------------------------- */

static void slab_link(struct kmem_cache *cache, struct slab *slab, unsigned int list)
{
	slab->prev = NULL;
	slab->next = cache->list[list];
	if (slab->next)
		slab->next->prev = slab;
	cache->list[list] = slab;
}

static void slab_unlink(struct kmem_cache *cache, struct slab *slab, unsigned int list)
{
	if (slab->next)
		slab->next->prev = slab->prev;
	if (slab->prev)
		slab->prev->next = slab->next;
	else
		cache->list[list] = slab->next;
}

/* ---- objects between slabs and stacks -------------------------------------------------------- */

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

struct slab *slab_first(const struct kmem_cache *cache)
{
	return cache->list[PARTIAL] ? cache->list[PARTIAL] : cache->list[EMPTY];
}

/* The list that a slab is on by its count of free objects; NR_LISTS: none. */
static unsigned int list_of(const struct slab *slab)
{
	return slab->free == slab->objects ? EMPTY : slab->free ? PARTIAL : NR_LISTS;
}

/* The lock is held. */
static void count_empty(struct kmem_cache *cache, const struct slab *slab, int more)
{
	WRITE_ONCE(cache->nr_empty, cache->nr_empty + (unsigned int)more);
	count_events(&kmem_state.empty_pages, (uint64_t)(more * (1L << slab->order)));
}

void slab_count(struct kmem_cache *cache, struct slab *slab, int more)
{
	unsigned int before = list_of(slab), after;

	slab->free = (uint16_t)(slab->free + more);
	cache->nr_free += (uint64_t)(int64_t)more;
	after = list_of(slab);
	if (before == after)
		return;
	if (before != NR_LISTS)
		slab_unlink(cache, slab, before);
	if (after != NR_LISTS)
		slab_link(cache, slab, after);
	if (before == EMPTY || after == EMPTY)
		count_empty(cache, slab, after == EMPTY ? 1 : -1);
}

unsigned int slab_take_objects(struct kmem_cache *cache, struct object_slot *slots, unsigned int n)
{
	unsigned int taken = 0, count;
	struct slab *slab;

	while (taken < n && (slab = slab_first(cache))) {
		count = take_of_slab(slab, slots + taken, n - taken);
		slab_count(cache, slab, -(int)count);
		taken += count;
	}
	return taken;
}

/* Its first object is free again, or its last. Apart, so that the loop below has its registers. */
static __attribute__((noinline)) void slab_relist(struct kmem_cache *cache, struct slab *slab)
{
	slab->free--;
	cache->nr_free--;
	slab_count(cache, slab, 1);
}

static void give_to_slabs(struct kmem_cache *cache, const struct object_slot *slot, unsigned int n)
{
	const uintptr_t mask = ~(((uintptr_t)1 << cache->head_shift) - 1);

	cache->nr_free += n;
	for (const struct object_slot *end = slot + n; slot < end; slot++) {
		struct slab *slab = (struct slab *)((uintptr_t)slot->state & mask);
		unsigned long number = (unsigned long)(slot->state - slab->state);
		unsigned long *map = slab_map(slab) + number / MAP_BITS;
		unsigned int free = slab->free + 1U;

		VM_BUG_ON(slab->cache != cache || *map >> number % MAP_BITS & 1);
		*map |= 1UL << number % MAP_BITS;
		slab->free = (uint16_t)free;
		if (free == 1 || free == slab->objects)
			slab_relist(cache, slab);
	}
}

/* ---- slabs come and go ----------------------------------------------------------------------- */

/* The descriptor of a page that this CPU has most likely found its last object near to. */
static struct page *page_near(uintptr_t address)
{
	unsigned long flags = port_irq_save();
	const struct kmem_cpu *cpu = port_pcpu()->kmem;
	struct page *page = NULL;

	if (mm_likely(address - cpu->start < cpu->bytes))
		page = (struct page *)(uintptr_t)&cpu->pages[address >> PAGE_SHIFT];
	port_irq_restore(flags);
	return page ? page : virt_to_page((const void *)address);
}

static unsigned long slab_release(struct slab *slab)
{
	struct page *page = page_near(slab->base);
	unsigned int order = slab->order;
	struct object_note *notes = SLAB_DEBUG(slab->cache) ? debug_slab_end(slab) : NULL;

	head_free(slab);
	if (notes)
		free_page((unsigned long)(uintptr_t)notes);
	for (unsigned long i = 1; i < 1UL << order; i++)
		page[i].owner = 0;
	page->raw = PAGE_INFO(PAGE_ALLOC, order) | PAGE_ONE_REF | (page->word & PAGE_CLASS_MASK);
	__free_pages(page, order);
	return 1UL << order;
}

unsigned long slab_give_empty(struct kmem_cache *cache, unsigned int keep, unsigned int most)
{
	unsigned long pages = 0;

	while (most--) {
		unsigned long flags = port_irq_save();
		struct slab *slab = NULL;

		spin_lock(&cache->lock);
		if (cache->nr_empty > keep) {
			slab = cache->list[EMPTY];
			slab_unlink(cache, slab, EMPTY);
			count_empty(cache, slab, -1);
			cache->nr_slabs--;
			cache->nr_pages -= 1UL << slab->order;
			cache->nr_objects -= slab->objects;
			cache->nr_free -= slab->objects;
		}
		spin_unlock(&cache->lock);
		port_irq_restore(flags);
		if (!slab)
			break;
		pages += slab_release(slab);
	}
	return pages;
}

void slab_give_objects(struct kmem_cache *cache, const struct object_slot *slots, unsigned int n)
{
	unsigned long flags = port_irq_save();

	spin_lock(&cache->lock);
	give_to_slabs(cache, slots, n);
	spin_unlock(&cache->lock);
	port_irq_restore(flags);
}

bool slab_give_back(struct kmem_cache *cache)
{
	return head_give_back(KEEP_CHUNKS) ||
	       (READ_ONCE(cache->nr_empty) > KEEP_EMPTY && slab_give_empty(cache, KEEP_EMPTY, 1));
}

/* Pages for a slab: as many as it should have, or as few as one can have. */
static struct page *slab_pages(const struct kmem_cache *cache, gfp_t gfp, unsigned int *order)
{
	const gfp_t try = gfp & ~(__GFP_DIRECT_RECLAIM | __GFP_NOFAIL | __GFP_RETRY_MAYFAIL);
	struct page *page = NULL;

	*order = cache->order;
	if (*order > cache->min_order)
		page = alloc_pages(try | __GFP_NOWARN, *order);
	if (!page) {
		*order = cache->min_order;
		page = alloc_pages(gfp, *order);
	}
	return page;
}

/* A slab more, of which nobody knows yet; debug: the cache has debug options. NULL: refused. */
static inline __attribute__((always_inline)) struct slab *make_slab(struct kmem_cache *cache,
								    gfp_t gfp, bool debug)
{
	const gfp_t of_pages = (gfp & ~(GFP_CLASS_MASK | __GFP_ZERO | __GFP_COMP)) | cache->gfp;
	struct slab *slab = head_take(cache->head_shift);
	/* Single pages first: they go back to where they were, if blocks or tables are refused. */
	unsigned long chunk = slab ? 0 : chunk_page(gfp);
	struct object_note *notes = debug && (slab || chunk) ? debug_notes_alloc(of_pages) : NULL;
	struct page *page = NULL;
	unsigned int order = 0, objects;
	uintptr_t base;

	if ((slab || chunk) && (!debug || notes))
		page = slab_pages(cache, of_pages, &order);
	if (page && !slab) {
		if (heads_ready(gfp))
			slab = head_alloc(cache->head_shift, &chunk, gfp);
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
	return slab;
}

#if CONFIG_DEBUG_HOOKS
struct slab *slab_make(struct kmem_cache *cache, gfp_t gfp)
{
	return make_slab(cache, gfp, true);
}
#endif

FOR_DEBUG void slab_add(struct kmem_cache *cache, struct slab *slab)
{
	cache->nr_slabs++;
	cache->nr_pages += 1UL << slab->order;
	cache->nr_objects += slab->objects;
	cache->nr_free += slab->objects;
	slab_link(cache, slab, EMPTY);
	count_empty(cache, slab, 1);
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
	struct object_stack *stack = stack_of(cache);
	struct object_slot *slots = slot;
	unsigned int n = 1;

	if (stack && stack->top != stack->limit && !stack->top->object) {
		slots = stack->top + 1;
		n = more && cache->batch > FEW ? FEW : cache->batch;
	}
	spin_lock(&cache->lock);
	if (more)
		slab_add(cache, more);
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

/* No slab had a free object a moment ago: the lock is not worth taking. */
static inline RACY bool none_free(const struct kmem_cache *cache)
{
	return !READ_ONCE(cache->list[PARTIAL]) && !READ_ONCE(cache->list[EMPTY]);
}

void *slab_alloc(struct kmem_cache *cache, gfp_t gfp)
{
	struct object_slot slot;
	unsigned long flags;

	if (FOR_SPEED && none_free(cache))
		return alloc_of_more(cache, gfp);
	flags = port_irq_save();
	if (!take_from_slabs(cache, NULL, &slot)) {
		struct slab *slab;

		port_irq_restore(flags);
		if (FOR_SPEED)
			return alloc_of_more(cache, gfp);
		slab = make_slab(cache, gfp, false);
		if (!slab)
			return NULL;
		flags = port_irq_save();
		take_from_slabs(cache, slab, &slot);
	}
	return finish(cache, gfp, &slot, flags);
}
