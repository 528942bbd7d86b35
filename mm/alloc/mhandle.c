/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mhandle.c: movable memory for programs without page tables. A handle is the number of an entry that
 * says where its block is now; the block's tag has the number of the handle.
 *
 * Who pins a handle does not wait for its block's move: it takes the entry's ISOLATED away, and the
 * move, which finds that when it has copied, is dropped.
 */
#include <quarry/errno.h>
#include <quarry/migrate.h>
#include "alloc_internal.h"

#define PINS	 0xffffU
#define ISOLATED (1U << 16) /* being moved, as long as nobody pins or frees it */
#define MOVING	 (1U << 17) /* its block changes in a few instructions */
#define LIVE	 (1U << 18)
#define BUSY	 (1U << 20) /* somebody is moving it, pinned or not: nobody else may begin */
#define DYING	 (1U << 19) /* freed while it was being moved: who moves it frees the block */

struct entry {
	uint32_t state;
	uint32_t block; /* descriptor */
	uint16_t order;
	bool low;      /* asked for with __GFP_DMA32: it stays in that zone */
	uint32_t next; /* free one; 0: none */
};

#define CHUNK_ENTRIES ((uint32_t)(PAGE_SIZE / sizeof(struct entry)))
#define MAX_CHUNKS    512

struct table {
	struct spinlock lock; /* guards all but the entries in use */
	struct entry *chunk[MAX_CHUNKS];
	uint32_t chunks, free, live; /* entries in use */
	int number;		     /* of the operations below */
};
#if QUARRY_INSTANCES == 1
static struct table table;
#else
static struct table table_of_instance[QUARRY_INSTANCES];
#define table table_of_instance[this_instance()]
#endif

static struct entry *entry_of(mhandle_t handle)
{
	uint32_t chunk = handle / CHUNK_ENTRIES;
	struct entry *entries =
		chunk < MAX_CHUNKS ? __atomic_load_n(&table.chunk[chunk], __ATOMIC_ACQUIRE) : NULL;

	return entries && handle ? &entries[handle % CHUNK_ENTRIES] : NULL;
}

/* ---- what moves ---------------------------------------------------------------------------- */

static void release(mhandle_t handle, struct entry *entry);

/* Nobody moves its block any more; if it was freed meanwhile, it goes now. */
static void leave(mhandle_t handle, struct entry *entry)
{
	uint32_t state = __atomic_fetch_and(&entry->state, ~(ISOLATED | BUSY), __ATOMIC_ACQ_REL);

	if (state & DYING)
		release(handle, entry);
}

/*
 * Whoever asks has seen the page a moment ago: the block may have moved since, and the page be free, or
 * another's. While the entry is busy its block is the same, and is not freed.
 */
static bool isolate_page(struct page *page)
{
	mhandle_t handle = movable_note(page);
	struct entry *entry = entry_of(handle);
	uint32_t state = LIVE;

	if (!entry || !__atomic_compare_exchange_n(&entry->state, &state, LIVE | ISOLATED | BUSY,
						   false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return false;
	if (READ_ONCE(entry->block) == (uint32_t)(page - mm.memmap))
		return true;
	leave(handle, entry);
	return false;
}

static int migrate_page(struct page *dst, struct page *src)
{
	struct entry *entry = entry_of(movable_note(src));
	uint32_t state = LIVE | ISOLATED | BUSY;
	unsigned long flags;
	bool moved;

	if (entry->low && zone_of((unsigned long)(dst - mm.memmap)) != &mm.zones[ZONE_DMA32])
		return -ENOMEM;
	memcpy(page_address(dst), page_address(src), PAGE_SIZE << entry->order);
	flags = port_irq_save(); /* who pins it now waits for the store */
	moved = __atomic_compare_exchange_n(&entry->state, &state, LIVE | MOVING, false,
					    __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
	if (moved) {
		WRITE_ONCE(entry->block, (uint32_t)(dst - mm.memmap));
		__atomic_store_n(&entry->state, LIVE, __ATOMIC_RELEASE);
	}
	port_irq_restore(flags);
	return moved ? 0 : -EBUSY;
}

/* All chunks, linked by their first words, for no entry is in use; the lock is held. */
static struct entry *detach_chunks(void)
{
	struct entry *list = NULL;

	while (table.chunks) {
		struct entry *chunk = table.chunk[--table.chunks];

		__atomic_store_n(&table.chunk[table.chunks], NULL, __ATOMIC_RELAXED);
		memcpy((void *)chunk, &list, sizeof(list));
		list = chunk;
	}
	table.free = 0;
	return list;
}

/* With the last one the table's pages go too. */
static void put_entry(mhandle_t handle)
{
	unsigned long flags = port_irq_save();
	struct entry *entry = entry_of(handle), *list = NULL;

	spin_lock(&table.lock);
	entry->state = 0;
	entry->next = table.free;
	table.free = handle;
	if (--table.live == 0)
		list = detach_chunks();
	spin_unlock(&table.lock);
	port_irq_restore(flags);
	while (list) {
		struct page *page = virt_to_page(list);

		memcpy(&list, (void *)list, sizeof(list));
		__free_page(page);
	}
}

static void release(mhandle_t handle, struct entry *entry)
{
	struct page *page = &mm.memmap[entry->block];
	unsigned int order = entry->order;

	clear_page_movable(page);
	put_entry(handle);
	__free_pages(page, order);
}

static void putback_page(struct page *page)
{
	mhandle_t handle = movable_note(page);

	leave(handle, entry_of(handle));
}

static const struct movable_operations handles = {
	.holders = 1,
	.isolate_page = isolate_page,
	.migrate_page = migrate_page,
	.putback_page = putback_page,
};

void mhandle_forget(void)
{
	int number = table.number;

	memset(&table, 0, sizeof(table));
	table.number = number;
}

/* ---- handles ------------------------------------------------------------------------------- */

/* One more page of entries, in use by the table for good; the lock is not held. */
static bool add_chunk(gfp_t gfp)
{
	struct page *page = alloc_page((gfp & ~(GFP_MOVABLE_MASK | __GFP_COMP)) | __GFP_ZERO);
	unsigned long flags;
	struct entry *entries;
	bool added;

	if (!page)
		return false;
	entries = page_address(page);
	flags = port_irq_save();
	spin_lock(&table.lock);
	added = table.chunks < MAX_CHUNKS;
	if (added) {
		/* entry 0 is no handle */
		for (uint32_t i = CHUNK_ENTRIES; i-- > !table.chunks;) {
			entries[i].next = table.free;
			table.free = table.chunks * CHUNK_ENTRIES + i;
		}
		__atomic_store_n(&table.chunk[table.chunks], entries, __ATOMIC_RELEASE);
		table.chunks++;
	}
	spin_unlock(&table.lock);
	port_irq_restore(flags);
	if (!added)
		__free_page(page);
	return added;
}

static mhandle_t take_entry(void)
{
	unsigned long flags = port_irq_save();
	mhandle_t handle;

	spin_lock(&table.lock);
	handle = table.free;
	if (handle) {
		table.free = entry_of(handle)->next;
		table.live++;
	}
	spin_unlock(&table.lock);
	port_irq_restore(flags);
	return handle;
}

/* Is there a number for blocks of handles? Not if others have taken all of them. */
static bool may_move(void)
{
	unsigned long flags = port_irq_save();

	spin_lock(&table.lock);
	if (table.number <= 0)
		table.number = FAULT_POINT() ? -ENOSPC : mm_register_movable(&handles);
	spin_unlock(&table.lock);
	port_irq_restore(flags);
	return table.number > 0;
}

mhandle_t mhandle_alloc(size_t size, gfp_t gfp)
{
	unsigned int order = 0;
	struct entry *entry;
	struct page *page;
	mhandle_t handle;

	if (!size || size > PAGE_SIZE << (pageblock_order - 1) || !may_move())
		return 0;
	while (PAGE_SIZE << order < size)
		order++;
	/* The block first: a page of the table would stay. */
	page = alloc_pages((gfp & ~(GFP_MOVABLE_MASK | __GFP_COMP)) | __GFP_MOVABLE, order);
	if (!page)
		return 0;
	do
		handle = take_entry();
	while (!handle && add_chunk(gfp));
	if (!handle) {
		__free_pages(page, order);
		return 0;
	}
	entry = entry_of(handle);
	entry->order = (uint16_t)order;
	entry->low = gfp & __GFP_DMA32;
	entry->block = (uint32_t)(page - mm.memmap);
	__atomic_store_n(&entry->state, LIVE, __ATOMIC_RELEASE);
	set_page_movable(page, table.number, handle);
	return handle;
}

void *mhandle_pin(mhandle_t handle)
{
	struct entry *entry = entry_of(handle);
	uint32_t state;

	if (!entry)
		return NULL;
	state = __atomic_load_n(&entry->state, __ATOMIC_RELAXED);
	do {
		while (state & MOVING) {
			port_relax();
			state = __atomic_load_n(&entry->state, __ATOMIC_RELAXED);
		}
		if (!(state & LIVE) || (state & PINS) == PINS)
			return NULL;
	} while (!__atomic_compare_exchange_n(&entry->state, &state, (state & ~ISOLATED) + 1, true,
					      __ATOMIC_ACQUIRE, __ATOMIC_RELAXED));
	return page_address(&mm.memmap[READ_ONCE(entry->block)]);
}

int mhandle_unpin(mhandle_t handle)
{
	struct entry *entry = entry_of(handle);
	uint32_t state = entry ? __atomic_load_n(&entry->state, __ATOMIC_RELAXED) : 0;

	do
		if (!(state & PINS))
			return -EINVAL;
	while (!__atomic_compare_exchange_n(&entry->state, &state, state - 1, true,
					    __ATOMIC_RELEASE, __ATOMIC_RELAXED));
	return 0;
}

int mhandle_free(mhandle_t handle)
{
	struct entry *entry = entry_of(handle);
	uint32_t state = entry ? __atomic_load_n(&entry->state, __ATOMIC_RELAXED) : 0, next;

	do {
		while (state & MOVING) {
			port_relax();
			state = __atomic_load_n(&entry->state, __ATOMIC_RELAXED);
		}
		if (!(state & LIVE))
			return -EINVAL;
		if (state & PINS)
			return -EBUSY;
		next = (state & BUSY) | DYING;
	} while (!__atomic_compare_exchange_n(&entry->state, &state, next, true, __ATOMIC_ACQ_REL,
					      __ATOMIC_RELAXED));
	if (!(state & BUSY))
		release(handle, entry);
	return 0;
}
