/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * migrate.c: one block moves.
 *
 *   its owner agrees: isolate_page()
 *   frozen: its references are those of its owner, and from now on nobody gets one
 *   dst gets its tag and references; the owner copies and turns to it: migrate_page()
 *   src is free
 *
 * Fails any of these, all is as it was. The number of the owner's operations is in the descriptor's
 * owner tag: 6 bits, above 24 that are the owner's. With the topmost bit it is a call site
 * (quarry/page_owner.h), whose block is none of these.
 */
#include <quarry/errno.h>
#include <quarry/migrate.h>
#include "migrate_internal.h"

const struct movable_operations *mm_movable_ops[MM_MOVABLE_OPERATIONS + 1];
#if QUARRY_INSTANCES == 1
struct mm_migrate_stats mm_moves;
#else
struct mm_migrate_stats mm_moves_of_instance[QUARRY_INSTANCES];
#endif

/* Nobody but its owner has it: it has no references from now on. */
static bool freeze(struct page *page, uint32_t word, unsigned int holders)
{
	uint32_t frozen = (word & 0xffff & ~PAGE_STATE_MASK) | PAGE_INFO(PAGE_FROZEN, 0);

	/* Acquire: what others did with it is over. */
	return word >> 16 == holders &&
	       __atomic_compare_exchange_n(&page->word, &word, frozen, false, __ATOMIC_ACQUIRE,
					   __ATOMIC_RELAXED);
}

void free_migrated(struct page *page)
{
	unsigned long index = (unsigned long)(page - mm.memmap), flags;
	struct zone *zone = zone_of(index);
	unsigned int order = page_order(page);
	struct record_call *recorded;

	if (HOOKS)
		hook_free(page, order);
	recorded = record_begin(MM_RECORD_GIVE, order, 0);
	flags = port_irq_save();
	spin_lock(&zone->lock);
	page->owner = 0;
	buddy_free(zone, index, order);
	spin_unlock(&zone->lock);
	port_irq_restore(flags);
	record_end(recorded, page_to_pfn(page), 0);
}

void migrate_flush(struct migration *migration)
{
	struct page *const *at = migration->left, *const *end = at + migration->nr_left;

	while (at < end) {
		struct zone *zone = zone_of((unsigned long)(*at - mm.memmap));
		struct record_call *recorded = record_begin(MM_RECORD_LEFT, 0, 0);
		unsigned long flags = port_irq_save(), freed;

		spin_lock(&zone->lock);
		freed = buddy_free_pages(zone, at, (unsigned long)(end - at), FREE_WORK);
		spin_unlock(&zone->lock);
		port_irq_restore(flags);
		record_end(recorded, freed, 0);
		at += freed;
	}
	migration->nr_left = 0;
}

/* It has moved: what it was is free, at once or with others. */
static void leave(struct migration *migration, struct page *src, unsigned int order,
		  const struct page *dst)
{
	struct record_call *recorded;

	if (!order && (migration->nr_left == MIGRATE_BATCH ||
		       (migration->nr_left &&
			zone_of((unsigned long)(src - mm.memmap)) !=
				zone_of((unsigned long)(migration->left[0] - mm.memmap)))))
		migrate_flush(migration);
	if (HOOKS && !order)
		hook_free(src, 0);
	recorded = record_begin(MM_RECORD_MOVED, order, 0);
	if (!order) {
		src->owner = 0;
		WRITE_ONCE(src->word, (src->word & ~PAGE_STATE_MASK) | PAGE_INFO(PAGE_ALLOC, 0));
		migration->left[migration->nr_left++] = src;
	}
	if (recorded)
		recorded->event.gfp = src->word;
	record_end(recorded, page_to_pfn(src), (uint32_t)(dst - mm.memmap));
	if (order)
		free_migrated(src);
}

int migrate_block(struct migration *migration, unsigned long head)
{
	struct page *src = &mm.memmap[head], *dst;
	const struct movable_operations *ops = operations_of(READ_ONCE(src->owner));
	unsigned int order;
	uint32_t word;
	int error;

	if (!ops || !ops->isolate_page(src))
		return -EBUSY;
	word = READ_ONCE(src->word);
	order = (word & PAGE_ORDER_MASK) >> PAGE_ORDER_SHIFT;
	/* The block that was seen may have become another, larger one, which does not move. */
	if (order >= pageblock_order || FAULT_POINT() || !freeze(src, word, ops->holders)) {
		ops->putback_page(src);
		count_event(&mm_moves.failed);
		return -EBUSY;
	}
	dst = FAULT_POINT() ? NULL : migration->target(order, migration->arg);
	error = dst ? 0 : -ENOMEM;
	if (dst) {
		/*
		 * Compound if it was, or is from a CMA area now, so that it is cached nowhere; a single
		 * page that was from one only looked so.
		 */
		uint32_t state = dst->word & PAGE_STATE_MASK;

		if (order && state != PAGE_INFO(PAGE_COMPOUND, 0))
			state = word & PAGE_STATE_MASK;

		WRITE_ONCE(dst->owner, src->owner);
		__atomic_store_n(&dst->word,
				 (dst->word & 0xffff & ~PAGE_STATE_MASK) | state | word >> 16 << 16,
				 __ATOMIC_RELEASE);
		error = ops->migrate_page(dst, src);
	}
	if (!error) {
		leave(migration, src, order, dst);
		count_events(&mm_moves.moved, 1UL << order);
		return 0;
	}
	if (dst)
		free_migrated(dst);
	/* Release: as before, for who takes a reference. */
	__atomic_store_n(&src->word, word, __ATOMIC_RELEASE);
	ops->putback_page(src);
	count_event(&mm_moves.failed);
	return error;
}
