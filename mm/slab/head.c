/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * head.c: memory for the heads of slabs: chunks, pages of heads of one size.
 *
 * A chunk's first place is its own header; it looks like a head of no slab. A chunk without heads goes
 * back to the page allocator, but for one. Its number then leads to a page of zeros, in which there are no
 * heads, so a handle that is left over somewhere finds nothing.
 */
#include <quarry/errno.h>
#include "slab_internal.h"

DEFINE_STATE(kmem_state);

/* Its address, in a register: what it has is reached from there. */
static inline struct heads *all_heads(void)
{
	struct heads *heads = &kmem_state.heads;

	__asm__("" : "+r"(heads));
	return heads;
}

/* The list that a chunk is on: of those without heads, of whatever size they were, or of its heads' size. */
static struct chunk **list_of(const struct chunk *chunk)
{
	return &kmem_state.heads.list[chunk->used ? chunk->shift : UNUSED];
}

static void chunk_link(struct chunk *chunk)
{
	struct chunk **list = list_of(chunk);

	chunk->prev = NULL;
	chunk->next = *list;
	if (*list)
		(*list)->prev = chunk;
	*list = chunk;
}

static void chunk_unlink(struct chunk *chunk)
{
	if (chunk->next)
		chunk->next->prev = chunk->prev;
	if (chunk->prev)
		chunk->prev->next = chunk->next;
	else
		*list_of(chunk) = chunk->next;
}

/* A number for a new chunk: one that was given up, or the next. The lock is held. */
static uint32_t number_take(void)
{
	struct heads *const heads = all_heads();

	if (heads->nr_chunks < heads->nr)
		return heads->given_up[heads->nr - heads->nr_chunks - 1];
	return heads->nr < heads->room ? heads->nr : HANDLE_LARGE;
}

/* Handles of a chunk lead to no slab, until there is one. */
static void handles_clear(uint32_t number)
{
	struct heads *const heads = all_heads();
	uint32_t first = number << CHUNK_SHIFT;

	if (FOR_SPEED && first + HEADS_PER_CHUNK <= heads->nr_fast)
		UNROLL(8)
	for (unsigned int i = 0; i < HEADS_PER_CHUNK; i++)
		heads->fast[first + i] = ((struct slab *)heads->zeros)->state;
}

static unsigned long table_of(uint64_t bytes, unsigned int *order, gfp_t gfp)
{
	const gfp_t try = (gfp & ~(__GFP_DIRECT_RECLAIM | __GFP_RETRY_MAYFAIL | __GFP_NOFAIL)) |
			  __GFP_NORETRY;
	unsigned long table = 0;

	*order = 0;
	while (*order < MAX_PAGE_ORDER && PAGE_SIZE << *order < bytes)
		++*order;
	for (; *order && !table; *order -= !table)
		table = __get_free_pages(try, *order);
	return table ? table : __get_free_page(gfp);
}

/*
 * A number for each 16 pages there are, and a handle for each four, as far as a table may be large; fewer
 * where memory is in pieces: the first object may come late. False: what there was has gone back, the
 * newest first, as the page allocator's caches had it.
 */
static bool tables_make(gfp_t gfp)
{
	struct heads *const heads = all_heads();
	const size_t each = sizeof(*heads->chunks) + sizeof(*heads->given_up);
	unsigned int order = 0, fast_order = 0;
	unsigned long zeros = __get_free_page(gfp | __GFP_ZERO), table = 0, fast = 0, flags;
	bool made, first;

	if (zeros)
		table = table_of((uint64_t)mm.nr_pages / 16 * each, &order, gfp);
	if (FOR_SPEED && table)
		fast = table_of((uint64_t)mm.nr_pages / 4 * sizeof(*heads->fast), &fast_order, gfp);
	made = FOR_SPEED ? fast : table;
	flags = port_irq_save();
	spin_lock(&heads->lock);
	first = made && !heads->chunks;
	if (first) {
		heads->zeros = zeros;
		heads->order = order;
		heads->fast_order = fast_order;
		heads->room = (uint32_t)((PAGE_SIZE << order) / each);
		heads->given_up = (uint32_t *)((uintptr_t *)table + heads->room);
		heads->fast = (uint8_t **)fast;
		heads->nr_fast =
			!FOR_SPEED ? 0
				   : (uint32_t)((PAGE_SIZE << fast_order) / sizeof(*heads->fast));
		WRITE_ONCE(heads->chunks, (uintptr_t *)table);
	}
	spin_unlock(&heads->lock);
	port_irq_restore(flags);
	if (!first) {
		if (FOR_SPEED)
			free_pages(fast, fast_order);
		free_pages(table, order);
		free_page(zeros);
	}
	return made;
}

bool heads_ready(gfp_t gfp)
{
	return READ_ONCE(kmem_state.heads.chunks) || tables_make(gfp);
}

unsigned long chunk_page(gfp_t gfp)
{
	return __get_free_page(gfp | __GFP_NOWARN);
}

/* A page of zeros is a chunk from now on. The lock is held. False: there is no number for it. */
static inline bool chunk_add(struct chunk *chunk)
{
	struct heads *const heads = all_heads();
	const uint32_t number = number_take();

	if (number == HANDLE_LARGE)
		return false;
	chunk->number = number;
	heads->chunks[number] = (uintptr_t)chunk;
	handles_clear(number);
	/* Release, paired with the acquire in kmem_cpu_sync(): its handles lead somewhere. */
	if (number == heads->nr)
		__atomic_store_n(&heads->nr, number + 1, __ATOMIC_RELEASE);
	WRITE_ONCE(heads->nr_chunks, heads->nr_chunks + 1);
	return true;
}

/* A chunk that is on no list and has no heads is for those of this size. The lock is held. */
static void chunk_start(struct chunk *chunk, unsigned int shift)
{
	if (chunk->fresh)
		handles_clear(chunk->number);
	chunk->shift = (uint8_t)shift;
	chunk->first = NULL;
	/* Release: what led to its heads of before leads nowhere. */
	__atomic_store_n(&chunk->fresh, (uint16_t)(1U << (shift - HEAD_SHIFT)), __ATOMIC_RELEASE);
	chunk->used = 1;
	chunk_link(chunk);
}

/* A head of no slab, whatever was there. */
static void head_clear(struct slab *slab)
{
	slab->base = 0;
	slab->reciprocal = 0; /* no address is an object's */
	slab->objects = 0;
}

static bool chunk_full(const struct chunk *chunk)
{
	return !chunk->first && chunk->fresh >= HEADS_PER_CHUNK;
}

/* A head of the chunk that was never used. */
static struct slab *place_fresh(struct chunk *chunk)
{
	struct heads *const heads = all_heads();
	uint32_t place = chunk->fresh, handle = chunk->number << CHUNK_SHIFT | place;
	struct slab *slab = (struct slab *)((uintptr_t)chunk + ((uintptr_t)place << HEAD_SHIFT));

	head_clear(slab);
	slab->handle = handle;
	/* Release, paired with the acquire in slab_of(), and what an address leads to on the hot path. */
	if (FOR_SPEED && handle < heads->nr_fast)
		__atomic_store_n(&heads->fast[handle], slab->state, __ATOMIC_RELEASE);
	__atomic_store_n(&chunk->fresh, (uint16_t)(place + (1U << (chunk->shift - HEAD_SHIFT))),
			 __ATOMIC_RELEASE);
	return slab;
}

struct slab *head_take(unsigned int shift, unsigned long *more)
{
	struct heads *const heads = all_heads();
	unsigned long flags = port_irq_save();
	struct slab *slab = NULL;
	struct chunk *chunk;

	spin_lock(&heads->lock);
	chunk = heads->list[shift];
	if (chunk) {
		chunk->used++;
	} else {
		chunk = heads->list[UNUSED];
		if (chunk) {
			chunk_unlink(chunk);
			WRITE_ONCE(heads->nr_unused, heads->nr_unused - 1);
		} else if (*more && chunk_add((struct chunk *)*more)) {
			chunk = (struct chunk *)*more;
			*more = 0;
		}
		if (chunk)
			chunk_start(chunk, shift);
	}
	if (chunk) {
		slab = chunk->first;
		if (slab)
			chunk->first = slab->next;
		else
			slab = place_fresh(chunk);
		if (chunk_full(chunk))
			chunk_unlink(chunk);
	}
	spin_unlock(&heads->lock);
	port_irq_restore(flags);
	return slab;
}

/* A chunk without heads is given up; the lock is held. */
static void chunk_give_up(struct chunk *chunk)
{
	struct heads *const heads = all_heads();

	chunk_unlink(chunk);
	heads->chunks[chunk->number] = heads->zeros;
	handles_clear(chunk->number);
	heads->given_up[heads->nr - heads->nr_chunks] = chunk->number;
	WRITE_ONCE(heads->nr_unused, heads->nr_unused - 1);
	WRITE_ONCE(heads->nr_chunks, heads->nr_chunks - 1);
}

void head_free(struct slab *slab)
{
	struct heads *const heads = all_heads();
	struct chunk *chunk = (struct chunk *)(void *)((uintptr_t)slab & (uintptr_t)PAGE_MASK);
	unsigned long flags = port_irq_save();

	spin_lock(&heads->lock);
	head_clear(slab);
	if (chunk_full(chunk))
		chunk_link(chunk);
	slab->next = chunk->first;
	chunk->first = slab;
	if (chunk->used == 1) {
		chunk_unlink(chunk);
		chunk->used = 0;
		chunk_link(chunk);
		WRITE_ONCE(heads->nr_unused, heads->nr_unused + 1);
	} else {
		chunk->used--;
	}
	spin_unlock(&heads->lock);
	port_irq_restore(flags);
}

bool head_give_back(unsigned int keep)
{
	struct heads *const heads = all_heads();
	struct chunk *chunk = NULL;
	unsigned long flags;

	flags = port_irq_save();
	spin_lock(&heads->lock);
	if (heads->nr_unused > keep) {
		chunk = heads->list[UNUSED];
		chunk_give_up(chunk);
	}
	spin_unlock(&heads->lock);
	port_irq_restore(flags);
	if (chunk)
		free_page((unsigned long)(uintptr_t)chunk);
	return chunk;
}

unsigned long heads_shrink(void)
{
	unsigned long pages = 0;

	while (head_give_back(0))
		pages++;
	return pages;
}

bool heads_end(void)
{
	struct heads *const heads = all_heads();
	heads_shrink();
	if (heads->nr_chunks)
		return false;
	if (heads->chunks) {
		free_page(heads->zeros);
		free_pages((unsigned long)heads->chunks, heads->order);
		if (FOR_SPEED)
			free_pages((unsigned long)heads->fast, heads->fast_order);
	}
	heads_init();
	return true;
}

#if FOR_SPEED
void kmem_cpu_sync(struct kmem_cpu *cpu)
{
	struct heads *const heads = all_heads();
	uint32_t handles = __atomic_load_n(&heads->nr, __ATOMIC_ACQUIRE) << CHUNK_SHIFT;

	cpu->states = heads->fast;
	cpu->nr_handles = handles < heads->nr_fast ? handles : heads->nr_fast;
}
#endif

void heads_init(void)
{
	struct heads *const heads = all_heads();
	memset(heads, 0, sizeof(kmem_state.heads));
}
