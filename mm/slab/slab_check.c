/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * slab_check.c: every invariant of slabs and their objects, for mm_check(); what decides later calls, for
 * mm_state_hash().
 */
#include "slab_internal.h"

struct slab_walk {
	struct walk *walk;
	const struct kmem_cache *cache;
	uint64_t slabs, pages, objects, free, in_use, quarantined;
	unsigned int empty;
};

static bool map_has(struct slab *slab, unsigned int n)
{
	return slab_map(slab)[n / MAP_BITS] >> n % MAP_BITS & 1;
}

/* The notes of a slab's objects are a page of its own. Returns how many lie in quarantine. */
static unsigned int check_notes(struct slab_walk *walk, const struct slab *slab)
{
	const struct object_note *notes =
		SLAB_DEBUG(slab->cache) ? *slab_notes(slab, slab->cache) : NULL;
	const struct page *page = virt_to_page(notes);
	unsigned int count = 0;

	if (!SLAB_DEBUG(slab->cache) ||
	    !expect(walk->walk,
		    (uintptr_t)notes % PAGE_SIZE == 0 && page && page_state(page) == PAGE_ALLOC &&
			    page_order(page) == 0,
		    "slab 0x%x of %s: its notes are no page in use", (unsigned int)slab->handle,
		    slab->cache->name))
		return 0;
	for (unsigned int n = 0; n < slab->objects; n++) {
		bool in_use = slab->state[n] == MM_OBJECT_IN_USE;

		count += notes[n].quarantined;
		expect(walk->walk, notes[n].in_use == in_use && !(in_use && notes[n].quarantined),
		       "slab 0x%x of %s: object %u: in use %u, by its note %u, in quarantine %u",
		       (unsigned int)slab->handle, slab->cache->name, n, in_use, notes[n].in_use,
		       notes[n].quarantined);
	}
	return count;
}

static void check_slab(struct slab *slab, void *data)
{
	struct slab_walk *walk = data;
	const struct page *page;
	unsigned int free = 0;

	if (slab->cache != walk->cache)
		return;
	page = virt_to_page((const void *)slab->base);
	expect(walk->walk, page && page_state(page) == PAGE_SLAB && page_order(page) == slab->order,
	       "slab 0x%x of %s: its pages at 0x%llx are no slab's", (unsigned int)slab->handle,
	       slab->cache->name, (unsigned long long)slab->base);
	for (unsigned long i = 0; page && i < 1UL << slab->order; i++)
		expect(walk->walk, page[i].owner == (unsigned int)slab->handle,
		       "slab 0x%x of %s: page %lu has owner 0x%x", (unsigned int)slab->handle,
		       slab->cache->name, i, (unsigned int)page[i].owner);
	for (unsigned int n = 0; n < slab->objects; n++) {
		bool in_slab = map_has(slab, n);

		free += in_slab;
		walk->in_use += slab->state[n] == MM_OBJECT_IN_USE;
		expect(walk->walk,
		       slab->state[n] == MM_OBJECT_FREE ||
			       (!in_slab && slab->state[n] == MM_OBJECT_IN_USE),
		       "slab 0x%x of %s: object %u: state %u, map %d", (unsigned int)slab->handle,
		       slab->cache->name, n, slab->state[n], in_slab);
	}
	expect(walk->walk, free == slab->free, "slab 0x%x of %s: free: %u, but %u by its map",
	       (unsigned int)slab->handle, slab->cache->name, slab->free, free);
	walk->quarantined += check_notes(walk, slab);
	walk->slabs++;
	walk->pages += 1UL << slab->order;
	walk->objects += slab->objects;
	walk->free += free;
	walk->empty += free == slab->objects;
}

static void check_list(struct slab_walk *walk, unsigned int list)
{
	const struct slab *prev = NULL;
	unsigned int empty = 0;

	for (const struct slab *slab = walk->cache->list[list]; slab;
	     prev = slab, slab = slab->next) {
		empty += slab->free == slab->objects;
		if (!expect(walk->walk,
			    slab->cache == walk->cache && slab->prev == prev && slab->free &&
				    (list == EMPTY) == (slab->free == slab->objects),
			    "%s: slab 0x%x is on the wrong list", walk->cache->name,
			    (unsigned int)slab->handle))
			return;
	}
	expect(walk->walk,
	       list != EMPTY || (empty == walk->cache->nr_empty && empty == walk->empty),
	       "%s: nr_empty %u, on the list %u, in all %u", walk->cache->name,
	       walk->cache->nr_empty, empty, walk->empty);
}

/* Objects on a CPU's stack are free, not in their slab, and each is there once. */
static uint64_t check_stack(struct slab_walk *walk, struct kmem_cpu *cpu)
{
	const struct kmem_cache *cache = walk->cache;
	const struct object_stack *stack = stack_at(cpu, cache->hot.stack);
	uint64_t count = slab_stacked(cpu, cache);

	for (uint64_t i = 0; i < count; i++) {
		const struct object_slot *slot = stack->top - i;
		struct page *page;
		struct slab *slab = slab_of(&mm.kmem->heads, slot->object, &page);
		unsigned long n = 0;

		expect(walk->walk,
		       slab && slab->cache == cache &&
			       object_number(slab, (uintptr_t)slot->object - slab->base, &n) &&
			       slot->state == &slab->state[n] && *slot->state == MM_OBJECT_FREE &&
			       !map_has(slab, (unsigned int)n),
		       "%s: object 0x%llx on a CPU's stack is not a free one of its slab",
		       cache->name, (unsigned long long)(uintptr_t)slot->object);
	}
	return count;
}

/* ---- where all of it is ----------------------------------------------------------------------- */

static unsigned long long address(const void *pointer)
{
	return (unsigned long long)(uintptr_t)pointer;
}

/*
 * Is it all there is of objects, or NULL? Its address is of the archive with slab/, which need not be
 * linked: the copy says what it is, where there is one.
 */
static bool check_kmem(struct walk *walk)
{
	const struct kmem *copy = mm.kmem;

#if CONFIG_DEBUG_HOOKS
	copy = mm.kmem_copy;
#endif
	return expect(walk, mm.kmem == copy && (uintptr_t)mm.kmem % _Alignof(struct kmem) == 0,
		      "mm.kmem: 0x%llx, but mm.kmem_copy: 0x%llx", address(mm.kmem), address(copy));
}

/* Where a table of handles leads: to a head that was made, or to none. */
static const uint8_t *states_of(const struct heads *heads, uint32_t handle)
{
	const struct chunk *chunk = chunk_of(heads, handle >> CHUNK_SHIFT);
	const uint32_t place = handle % HEADS_PER_CHUNK;

	if (chunk && place && place < chunk->fresh &&
	    !(place & ((1U << (chunk->shift - HEAD_SHIFT)) - 1)))
		return ((const struct slab *)((uintptr_t)chunk + ((uintptr_t)place << HEAD_SHIFT)))
			->state;
	return (const uint8_t *)&mm.kmem->none + sizeof(struct slab);
}

/* Numbers lead to chunks, or to each other; tables of the hot path to the same heads as they do. */
static bool check_heads(struct walk *walk)
{
	const struct heads *heads = mm.kmem ? &mm.kmem->heads : NULL;
	uint32_t chunks = 0, n, left = 0;
	int before = walk->violations;

	if (!heads)
		return true;
	if (!expect(walk,
		    heads->nr <= (uint32_t)(NR_LEAVES - 1) << LEAF_SHIFT &&
			    heads->nr_tables <= HANDLE_TABLES,
		    "chunks: %u numbers, %u tables of handles: more than there may be",
		    (unsigned int)heads->nr, heads->nr_tables))
		return false;
	for (n = 0; n < heads->nr; n += 1U << LEAF_SHIFT)
		if (!expect(walk, heads->leaf[n >> LEAF_SHIFT] != NULL,
			    "chunks: %u numbers, but no leaf for %u", (unsigned int)heads->nr,
			    (unsigned int)n))
			return false;
	for (n = 0; n < heads->nr; n++) {
		const struct chunk *chunk = chunk_of(heads, n);

		chunks += chunk != NULL;
		expect(walk, !chunk || chunk->number == n, "chunk %u: at 0x%llx, which is not its",
		       (unsigned int)n, address(chunk));
	}
	for (n = heads->given_up; left < heads->nr - chunks && n < heads->nr && !chunk_of(heads, n);
	     left++)
		n = (uint32_t)(*chunk_entry(heads, n) >> 1);
	expect(walk, chunks == heads->nr_chunks && left == heads->nr - chunks,
	       "chunks: %u of %u numbers, %u were given up, counted %u", (unsigned int)chunks,
	       (unsigned int)heads->nr, (unsigned int)left, (unsigned int)heads->nr_chunks);
	for (n = 0; n < heads->nr_tables; n++) {
		const struct handles *table = &heads->table[n];

		if (!expect(walk, table->states && table->filled <= table->size,
			    "table %u: %u handles, room for %u", (unsigned int)n,
			    (unsigned int)table->filled, (unsigned int)table->size))
			continue;
		for (uint32_t handle = 0; handle < table->filled; handle++)
			if (!expect(walk, table->states[handle] == states_of(heads, handle),
				    "table %u: handle 0x%x leads to 0x%llx", (unsigned int)n,
				    (unsigned int)handle, address(table->states[handle])))
				break;
	}
	return walk->violations == before;
}

/* A CPU's area with objects is a page that someone has allocated. */
static bool is_kmem_area(const struct kmem_cpu *cpu)
{
	const struct page *page = virt_to_page(cpu);

	return (uintptr_t)cpu % PAGE_SIZE == 0 && page && page_state(page) == PAGE_ALLOC &&
	       page_order(page) == 0 && page->_refcount;
}

/* A CPU sees its own objects, or that it has none; a CPU that is offline sees nothing. */
static bool check_kmem_cpus(struct walk *walk, bool areas)
{
	int before = walk->violations;

	for (unsigned int c = 0; mm.kmem && c < CONFIG_NR_CPUS; c++)
		expect(walk, !mm.kmem->cpu[c] || is_kmem_area(mm.kmem->cpu[c]),
		       "kmem.cpu[%u]: 0x%llx, which is no page in use", c,
		       address(mm.kmem->cpu[c]));
	for (unsigned int c = 0; areas && c < mm.end_cpu; c++) {
		const struct kmem_cpu *cpu = mm.pcpu[c] ? mm.pcpu[c]->kmem : NULL;
		const struct kmem_cpu *own = mm.kmem ? mm.kmem->cpu[c] : NULL;

		if (mm.pcpu[c])
			expect(walk, (uintptr_t)cpu == (uintptr_t)mm.kmem || (own && cpu == own),
			       "cpu[%u].kmem: 0x%llx, but mm.kmem: 0x%llx, and its .cpu[%u]: 0x%llx",
			       c, address(cpu), address(mm.kmem), c, address(own));
	}
	return walk->violations == before;
}

/* The cache that belongs in place n of the table; `entry`: what is there, of which nothing is believed. */
static bool is_cache(const struct kmem_cache *entry, unsigned int n)
{
	unsigned long number = 0;
	struct page *page;
	struct slab *slab;

	if (n <= 2 * MM_KMALLOC_SIZES)
		return entry ==
		       (n < 2 * MM_KMALLOC_SIZES ? &mm.kmem->kmalloc[n] : &mm.kmem->of_caches);
	slab = slab_of(&mm.kmem->heads, entry, &page);
	return slab && slab->cache == &mm.kmem->of_caches &&
	       object_number(slab, (uintptr_t)entry - slab->base, &number) &&
	       slab->state[number] == MM_OBJECT_IN_USE;
}

static bool name_is_known(const struct kmem_cache *cache, unsigned int n)
{
#if CONFIG_DEBUG_HOOKS
	if (cache->name != cache->name_copy)
		return false;
#endif
	if (n >= 2 * MM_KMALLOC_SIZES)
		return cache->name;
	/* It ends where the bytes for it do. */
	return (uintptr_t)cache->name - (uintptr_t)mm.kmem->names[n] < KMALLOC_NAME &&
	       !mm.kmem->names[n][KMALLOC_NAME - 1];
}

/* What an object's size has made of the cache's slabs, and what leads from a state to its head. */
static bool layout_fits(const struct kmem_cache *cache)
{
	return cache->size >= cache->hot.object_size && cache->size &&
	       cache->reciprocal == ~0UL / cache->size + 1 && cache->head_shift >= HEAD_SHIFT &&
	       cache->head_shift <= HEAD_MAX_SHIFT &&
	       cache->head_mask == -(1 << cache->head_shift) && cache->min_order <= cache->order &&
	       cache->order <= MAX_PAGE_ORDER && cache->most_objects &&
	       cache->most_objects <= (PAGE_SIZE << cache->order) / cache->size &&
	       cache->limit <= MAX_LIMIT && cache->batch && cache->batch <= cache->limit &&
	       cache->give && cache->give <= cache->limit && cache->give_most &&
	       cache->give_most <= cache->limit;
}

/* The table of caches leads to caches, whose names may be printed. */
static bool check_caches(struct walk *walk)
{
	int before = walk->violations;

	for (unsigned int n = 0; mm.kmem && n < CONFIG_KMEM_CACHES; n++) {
		const struct kmem_cache *cache = mm.kmem->caches[n];

		if (!cache && n > 2 * MM_KMALLOC_SIZES)
			continue;
		if (!expect(walk, is_cache(cache, n), "kmem.caches[%u]: 0x%llx, which is no cache",
			    n, address(cache)))
			continue;
		expect(walk,
		       cache->number == n &&
			       cache->hot.stack == offsetof(struct kmem_cpu, stack) +
							   n * sizeof(struct object_stack),
		       "kmem.caches[%u]: its number is %u, its stacks are %u bytes from a CPU's first",
		       n, cache->number, (unsigned int)cache->hot.stack);
		expect(walk, name_is_known(cache, n),
		       "kmem.caches[%u]: its name is at 0x%llx, where none was given", n,
		       address(cache->name));
		expect(walk, layout_fits(cache),
		       "kmem.caches[%u]: objects of %u bytes: its slabs, heads or stacks are not of their size",
		       n, (unsigned int)cache->size);
	}
	return walk->violations == before;
}

void check_slabs(struct walk *all, bool areas)
{
	struct slab_walk walk;

	if (!check_kmem(all) || !check_heads(all) || !check_kmem_cpus(all, areas) ||
	    !check_caches(all))
		return;
	for (unsigned int n = 0; mm.kmem && n < CONFIG_KMEM_CACHES; n++) {
		const struct kmem_cache *cache = mm.kmem->caches[n];
		uint64_t stacked = 0;

		if (!cache)
			continue;
		walk = (struct slab_walk){.walk = all, .cache = cache};
		for_each_slab(&mm.kmem->heads, check_slab, &walk);
		check_list(&walk, EMPTY);
		check_list(&walk, PARTIAL);
		for (unsigned int c = 0; c < CONFIG_NR_CPUS; c++)
			if (mm.kmem->cpu[c])
				stacked += check_stack(&walk, mm.kmem->cpu[c]);
		expect(all,
		       walk.slabs == cache->nr_slabs && walk.pages == cache->nr_pages &&
			       walk.objects == cache->nr_objects && walk.free == cache->nr_free,
		       "%s: counts of slabs, pages or objects are wrong", cache->name);
		expect(all,
		       walk.quarantined == quarantined(cache) &&
			       walk.in_use + walk.free + stacked + walk.quarantined == walk.objects,
		       "%s: %llu objects in use, %llu in slabs, %llu on stacks, %llu in quarantine: not the %llu there are",
		       cache->name, (unsigned long long)walk.in_use, (unsigned long long)walk.free,
		       (unsigned long long)stacked, (unsigned long long)walk.quarantined,
		       (unsigned long long)walk.objects);
	}
}

static void hash_slab(struct slab *slab, void *data)
{
	uint64_t *hash = data;

	*hash = hash_mix(*hash, slab->base);
	*hash = hash_mix(*hash, (uint64_t)slab->handle << 32 | slab->free);
	*hash = hash_mix(*hash, (uintptr_t)slab->next);
	for (unsigned int n = 0; n < slab->objects; n++)
		*hash = hash_mix(*hash, (uint64_t)slab->state[n] << 1 | map_has(slab, n));
	for (unsigned int n = 0; SLAB_DEBUG(slab->cache) && n < slab->objects; n++)
		if ((*slab_notes(slab, slab->cache))[n].quarantined)
			*hash = hash_mix(*hash,
					 (uintptr_t)(*slab_notes(slab, slab->cache))[n].next);
}

/* The options of a cache, and what its quarantine gives back first. */
static uint64_t hash_debug(uint64_t hash, const struct kmem_cache *cache)
{
#if CONFIG_DEBUG_HOOKS
	hash = hash_mix(hash, cache->debug);
	hash = hash_mix(hash, cache->random);
	if (cache->quarantined)
		hash = hash_mix(hash, (uintptr_t)cache->first);
#else
	(void)cache;
#endif
	return hash;
}

uint64_t hash_slabs(uint64_t hash)
{
	if (!mm.kmem)
		return hash;
	for_each_slab(&mm.kmem->heads, hash_slab, &hash);
	for (unsigned int n = 0; n < CONFIG_KMEM_CACHES; n++) {
		const struct kmem_cache *cache = mm.kmem->caches[n];

		if (!cache)
			continue;
		hash = hash_mix(hash, n);
		hash = hash_mix(hash, (uintptr_t)cache->list[EMPTY]);
		hash = hash_mix(hash, (uintptr_t)cache->list[PARTIAL]);
		hash = hash_debug(hash, cache);
		for (unsigned int c = 0; c < CONFIG_NR_CPUS; c++) {
			struct kmem_cpu *cpu = mm.kmem->cpu[c] ? mm.kmem->cpu[c] : &mm.kmem->none;
			const struct object_stack *stack = stack_at(cpu, cache->hot.stack);

			for (uint64_t i = 0; i < slab_stacked(cpu, cache); i++)
				hash = hash_mix(hash, (uintptr_t)stack->top[-(long)i].object);
		}
	}
	return hash;
}
