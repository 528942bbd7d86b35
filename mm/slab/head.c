/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * head.c: memory for the heads of slabs: chunks, pages of heads of one size.
 *
 * A chunk's first place is its own header; it looks like a head of no slab. A chunk without heads goes
 * back to the page allocator, but for one. Its number then leads nowhere, so a handle that is left over
 * somewhere finds nothing.
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

#if FOR_SPEED
/* ---- from a handle to its head, on the hot path ----------------------------------------------- */

/* The table's handles of one chunk: where its heads are, and no slab's where there are none. The lock is held. */
static void handles_fill(const struct handles *table, uint32_t number)
{
	uint8_t **const states = &table->states[number << CHUNK_SHIFT];
	const struct chunk *chunk = chunk_of(all_heads(), number);
	uint32_t step;

	UNROLL(8)
	for (unsigned int i = 0; i < HEADS_PER_CHUNK; i++)
		states[i] = (uint8_t *)&kmem_state.none + sizeof(struct slab);
	if (!chunk || !chunk->fresh)
		return;
	step = 1U << (chunk->shift - HEAD_SHIFT);
	for (uint32_t at = step; at < chunk->fresh; at += step)
		states[at] =
			((struct slab *)((uintptr_t)chunk + ((uintptr_t)at << HEAD_SHIFT)))->state;
}

/* The next chunk's are there. Release, paired with the acquire in kmem_cpu_sync(). The lock is held. */
static void handles_add(struct handles *table)
{
	struct heads *const heads = all_heads();

	handles_fill(table, table->filled >> CHUNK_SHIFT);
	__atomic_store_n(&table->filled, table->filled + (uint32_t)HEADS_PER_CHUNK,
			 __ATOMIC_RELEASE);
	if (table->filled > heads->current->filled)
		__atomic_store_n(&heads->current, table, __ATOMIC_RELEASE);
}

/* Handles of a chunk lead to no slab, until there is one: it has no heads. */
static void handles_clear(uint32_t number)
{
	struct heads *const heads = all_heads();

	for (struct handles *table = heads->table; table < heads->table + heads->nr_tables; table++)
		if (number << CHUNK_SHIFT < table->filled)
			handles_fill(table, number);
}

/* A handle leads to its head's end. Release, paired with what an address leads to on the hot path. */
static void handle_set(uint32_t handle, uint8_t *states)
{
	struct heads *const heads = all_heads();

	for (struct handles *table = heads->table; table < heads->table + heads->nr_tables; table++)
		if (handle < table->filled)
			__atomic_store_n(&table->states[handle], states, __ATOMIC_RELEASE);
}

/* The newest table has handles of all chunks, and has, or can have, room for more. */
static inline bool handles_suffice(const struct handles *newest)
{
	return newest->filled < newest->size / 4 * 3 ||
	       newest == &all_heads()->table[HANDLE_TABLES - 1] ||
	       newest->order == MAX_PAGE_ORDER || newest->size >= mm.nr_pages;
}

static bool handles_caught_up(const struct handles *newest)
{
	return newest->filled == newest->size || newest->filled >> CHUNK_SHIFT >= all_heads()->nr;
}

/* A number more is used; the tables that have handles of all others have its own, too. The lock is held. */
static void handles_of_chunk(uint32_t number)
{
	struct heads *const heads = all_heads();

	for (struct handles *table = heads->table; table < heads->table + heads->nr_tables; table++)
		if (table->filled == number << CHUNK_SHIFT && table->filled < table->size)
			handles_add(table);
	WRITE_ONCE(heads->behind, true);
}

/* A block of pages is a table. The lock is held. */
static void table_add(unsigned long block, unsigned int order)
{
	struct heads *const heads = all_heads();
	struct handles *table = &heads->table[heads->nr_tables];

	table->states = (uint8_t **)block;
	table->order = order;
	table->size = (uint32_t)((PAGE_SIZE << order) / sizeof(*table->states));
	if (!heads->current)
		heads->current = table;
	WRITE_ONCE(heads->nr_tables, heads->nr_tables + 1);
}

/*
 * A table larger than the newest: a handle for each eight pages there are, then one for each, or as many as a block has
 * room for.
 */
static unsigned long table_pages(unsigned int *order)
{
	const uint32_t handles = mm.nr_pages / (*order ? 1 : 8);
	const unsigned int least = *order + 1;
	unsigned long block;

	for (*order = least;
	     *order < MAX_PAGE_ORDER && (PAGE_SIZE << *order) / sizeof(uint8_t *) < handles;)
		++*order;
	while (!(block = __get_free_pages(__GFP_NOWARN, *order)) && *order > least)
		--*order;
	return block;
}

static __attribute__((noinline)) void handles_more(void)
{
	struct heads *const heads = all_heads();
	unsigned long flags = port_irq_save(), block = 0;
	unsigned int nr_tables, order;
	bool more = false;

	spin_lock(&heads->lock);
	nr_tables = heads->nr_tables;
	order = heads->table[nr_tables - 1].order;
	if (!handles_caught_up(&heads->table[nr_tables - 1]))
		handles_add(&heads->table[nr_tables - 1]);
	else
		more = !handles_suffice(&heads->table[nr_tables - 1]);
	WRITE_ONCE(heads->behind, !more && !handles_caught_up(&heads->table[nr_tables - 1]));
	spin_unlock(&heads->lock);
	port_irq_restore(flags);
	if (!more)
		return;
	block = table_pages(&order);
	if (!block)
		return; /* again with the next chunk */
	flags = port_irq_save();
	spin_lock(&heads->lock);
	more = heads->nr_tables == nr_tables;
	if (more) {
		table_add(block, order);
		WRITE_ONCE(heads->behind, true);
	}
	spin_unlock(&heads->lock);
	port_irq_restore(flags);
	if (!more)
		free_pages(block, order);
}

void handles_step(void)
{
	if (!mm_likely(!READ_ONCE(all_heads()->behind)))
		handles_more();
}
#else
#define handles_clear(number)	 ((void)0)
#define handle_set(handle, to)	 ((void)0)
#define handles_of_chunk(number) ((void)0)
#endif

/* ---- numbers of chunks ------------------------------------------------------------------------- */

/* A number for a new chunk: one that was given up, or the next, if it has a leaf. The lock is held, or it is a guess. */
static uint32_t number_take(void)
{
	struct heads *const heads = all_heads();
	const uint32_t nr = READ_ONCE(heads->nr);

	if (READ_ONCE(heads->nr_chunks) < nr)
		return READ_ONCE(heads->given_up);
	return READ_ONCE(heads->leaf[nr >> LEAF_SHIFT]) ? nr : HANDLE_LARGE;
}

/*
 * A leaf for the next number, and before the first a table of handles. Each is one page: what is refused goes back to
 * this CPU's cache as it lay there. False: refused.
 */
static bool tables_make(gfp_t gfp)
{
	struct heads *const heads = all_heads();
	unsigned long leaf = __get_free_page(gfp), handles = 0, flags;
	bool made = leaf;
	uintptr_t **place;

#if FOR_SPEED
	if (leaf && !READ_ONCE(heads->nr_tables)) {
		handles = __get_free_page(gfp);
		made = handles;
	}
#endif
	flags = port_irq_save();
	spin_lock(&heads->lock);
	place = &heads->leaf[heads->nr >> LEAF_SHIFT];
	if (made && !*place && place < &heads->leaf[NR_LEAVES - 1]) {
		WRITE_ONCE(*place, (uintptr_t *)leaf);
		leaf = 0;
#if FOR_SPEED
		if (!heads->nr_tables) {
			table_add(handles, 0);
			handles = 0;
		}
#endif
	}
	made = *place; /* by this CPU or another; false: refused, or no number is left */
	spin_unlock(&heads->lock);
	port_irq_restore(flags);
	free_page(handles);
	free_page(leaf);
	return made;
}

bool heads_ready(gfp_t gfp)
{
	return number_take() != HANDLE_LARGE || tables_make(gfp);
}

unsigned long chunk_page(gfp_t gfp)
{
	return __get_free_page(gfp | __GFP_NOWARN);
}

/* A page whose header is zero is a chunk from now on. The lock is held. False: there is no number for it. */
static inline bool chunk_add(struct chunk *chunk)
{
	struct heads *const heads = all_heads();
	const uint32_t number = number_take();

	if (number == HANDLE_LARGE)
		return false;
	chunk->number = number;
	if (number != heads->nr)
		WRITE_ONCE(heads->given_up, (uint32_t)(*chunk_entry(heads, number) >> 1));
	/* Release, for who has a handle of the number's last chunk: the header is zero. */
	__atomic_store_n(chunk_entry(heads, number), (uintptr_t)chunk, __ATOMIC_RELEASE);
	if (number == heads->nr) {
		handles_of_chunk(number);
		/* Release, paired with the acquire in slab_of(): its number leads somewhere. */
		__atomic_store_n(&heads->nr, number + 1, __ATOMIC_RELEASE);
	}
	WRITE_ONCE(heads->nr_chunks, heads->nr_chunks + 1);
	return true;
}

/* A chunk that is on no list and has no heads is for those of this size. The lock is held. */
static void chunk_start(struct chunk *chunk, unsigned int shift)
{
	if (chunk->fresh) {
		WRITE_ONCE(chunk->fresh, 0);
		handles_clear(chunk->number);
	}
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
	uint32_t place = chunk->fresh, handle = chunk->number << CHUNK_SHIFT | place;
	struct slab *slab = (struct slab *)((uintptr_t)chunk + ((uintptr_t)place << HEAD_SHIFT));

	head_clear(slab);
	slab->handle = handle;
	handle_set(handle, slab->state);
	/* Release, paired with the acquire in slab_of(). */
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
	WRITE_ONCE(*chunk_entry(heads, chunk->number), (uintptr_t)heads->given_up << 1 | 1);
	WRITE_ONCE(heads->given_up, chunk->number);
	handles_clear(chunk->number);
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

#if FOR_SPEED
void kmem_cpu_sync(struct kmem_cpu *cpu)
{
	const struct handles *table = __atomic_load_n(&all_heads()->current, __ATOMIC_ACQUIRE);

	cpu->states = table->states;
	cpu->nr_handles = __atomic_load_n(&table->filled, __ATOMIC_ACQUIRE);
}
#endif

void heads_init(void)
{
	struct heads *const heads = all_heads();
	memset(heads, 0, sizeof(kmem_state.heads));
}
