/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * slab.c: slabs are made and given back; objects are taken from them and come back to them.
 *
 * Objects go both ways in batches, under the cache's lock. No step holds it for more than a batch,
 * and none that takes it asks for pages.
 */
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

/* Up to n objects of one slab, the lowest first. Returns how many. */
static unsigned int take_of_slab(struct slab *slab, struct object_slot *slots, unsigned int n)
{
	unsigned long *map = slab_map(slab), size = slab->cache->size;
	struct object_slot *slot = slots, *const end = slots + n;
	uint8_t *first = slab->state;

	for (uintptr_t base = slab->base; slot < end && first < slab->state + slab->objects;
	     map++, first += MAP_BITS, base += MAP_BITS * size) {
		unsigned long word = *map, bit = 1;
		uintptr_t object = base;

		if (!word)
			continue;
		for (uint8_t *state = first; slot < end && bit && word >= bit;
		     bit <<= 1, state++, object += size) {
			if (!(word & bit))
				continue;
			slot->object = (void *)object;
			slot++->state = state;
			word ^= bit;
		}
		*map = word;
	}
	slab->free = (uint16_t)(slab->free - (slot - slots));
	return (unsigned int)(slot - slots);
}

unsigned int slab_take_objects(struct kmem_cache *cache, struct object_slot *slots, unsigned int n)
{
	unsigned int taken = 0;

	while (taken < n) {
		unsigned int list = cache->list[PARTIAL] ? PARTIAL : EMPTY;
		struct slab *slab = cache->list[list];

		if (!slab)
			break;
		taken += take_of_slab(slab, slots + taken, n - taken);
		if (list == EMPTY) {
			slab_unlink(cache, slab, EMPTY);
			cache->nr_empty--;
			if (slab->free)
				slab_link(cache, slab, PARTIAL);
		} else if (!slab->free) {
			slab_unlink(cache, slab, PARTIAL);
		}
	}
	cache->nr_free -= taken;
	return taken;
}

static void give_to_slab(struct kmem_cache *cache, const struct object_slot *slot)
{
	struct slab *slab = (struct slab *)((uintptr_t)slot->state &
					    ~(((uintptr_t)1 << cache->head_shift) - 1));
	unsigned int n = (unsigned int)(slot->state - slab->state);

	VM_BUG_ON(slab->cache != cache || slab_map(slab)[n / MAP_BITS] >> n % MAP_BITS & 1);
	slab_map(slab)[n / MAP_BITS] |= 1UL << n % MAP_BITS;
	slab->free++;
	if (slab->free == slab->objects) {
		if (slab->objects > 1)
			slab_unlink(cache, slab, PARTIAL);
		slab_link(cache, slab, EMPTY);
		cache->nr_empty++;
	} else if (slab->free == 1) {
		slab_link(cache, slab, PARTIAL);
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

	head_free(slab);
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
			cache->nr_empty--;
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
	bool many;

	spin_lock(&cache->lock);
	for (unsigned int i = 0; i < n; i++)
		give_to_slab(cache, &slots[i]);
	cache->nr_free += n;
	many = cache->nr_empty > KEEP_EMPTY;
	spin_unlock(&cache->lock);
	port_irq_restore(flags);
	if (many)
		slab_give_empty(cache, KEEP_EMPTY, GIVE_EMPTY(cache));
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

/* A slab more, of which nobody knows yet. NULL: refused. */
static struct slab *slab_make(struct kmem_cache *cache, gfp_t gfp)
{
	struct slab *slab = head_alloc(cache->head_shift, gfp);
	unsigned int order, objects;
	struct page *page;
	uintptr_t base;

	if (!slab)
		return NULL;
	gfp = (gfp & ~(GFP_CLASS_MASK | __GFP_ZERO | __GFP_COMP)) | cache->gfp;
	page = slab_pages(cache, gfp, &order);
	if (!page) {
		head_free(slab);
		return NULL;
	}
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
	for (unsigned int n = 0; cache->ctor && n < objects; n++)
		cache->ctor(object_at(slab, n));
	return slab;
}

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
		n = cache->batch;
	}
	spin_lock(&cache->lock);
	if (more) {
		cache->nr_slabs++;
		cache->nr_pages += 1UL << more->order;
		cache->nr_objects += more->objects;
		cache->nr_free += more->objects;
		slab_link(cache, more, EMPTY);
		cache->nr_empty++;
	}
	n = slab_take_objects(cache, slots, n);
	spin_unlock(&cache->lock);
	if (slots != slot && n) {
		stack->top += n - 1;
		*slot = slots[n - 1];
	}
	return n;
}

void *slab_alloc(struct kmem_cache *cache, gfp_t gfp)
{
	unsigned long flags = port_irq_save();
	struct object_slot slot;

	if (!take_from_slabs(cache, NULL, &slot)) {
		struct slab *slab;

		port_irq_restore(flags);
		slab = slab_make(cache, gfp);
		if (!slab)
			return NULL;
		flags = port_irq_save();
		take_from_slabs(cache, slab, &slot);
	}
	*slot.state = MM_OBJECT_IN_USE;
	port_irq_restore(flags);
	if (gfp & __GFP_ZERO)
		memset(slot.object, 0, cache->hot.object_size);
	return slot.object;
}
