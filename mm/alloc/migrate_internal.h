/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * migrate_internal.h: what moves blocks, for ranges and compaction.
 */
#ifndef QUARRY_MM_MIGRATE_INTERNAL_H
#define QUARRY_MM_MIGRATE_INTERNAL_H

#include "alloc_internal.h"

#include <quarry/migrate.h>

#pragma GCC visibility push(hidden)

#define MOVABLE_TAG_SHIFT 24 /* of the owner's tag: the number of its operations */

/* migrate.c; entry 0 is NULL */
extern const struct movable_operations *mm_movable_ops[MM_MOVABLE_OPERATIONS + 1];

/* What moves have come to. */
#if QUARRY_INSTANCES == 1
extern struct mm_migrate_stats mm_moves;
#else
extern struct mm_migrate_stats mm_moves_of_instance[QUARRY_INSTANCES];
#define mm_moves mm_moves_of_instance[this_instance()]
#endif

static inline const struct movable_operations *operations_of(uint32_t owner)
{
	uint32_t number = owner >> MOVABLE_TAG_SHIFT;

	return number <= MM_MOVABLE_OPERATIONS
		       ? __atomic_load_n(&mm_movable_ops[number], __ATOMIC_ACQUIRE)
		       : NULL;
}

/* Is the block at this head, in use, one that its owner may let go? Needs no lock: a guess. */
static inline RACY bool block_movable(unsigned long head)
{
	const struct page *page = &mm.memmap[head];
	uint32_t word = READ_ONCE(page->word), state = word & PAGE_STATE_MASK;
	const struct movable_operations *ops;

	if ((state != PAGE_INFO(PAGE_ALLOC, 0) && state != PAGE_INFO(PAGE_COMPOUND, 0)) ||
	    !(word & __GFP_MOVABLE) ||
	    (word & PAGE_ORDER_MASK) >> PAGE_ORDER_SHIFT >= pageblock_order)
		return false;
	ops = operations_of(READ_ONCE(page->owner));
	return ops && word >> 16 == ops->holders;
}

/* The first word of a block that one is moved to. */
static inline uint32_t moved_word(const struct zone *zone, enum page_state state,
				  unsigned int order)
{
	return PAGE_INFO(state, order) | PAGE_ONE_REF | __GFP_MOVABLE |
	       zone->first_pcp * (uint32_t)sizeof(struct per_cpu_pages);
}

/*
 * Moves of one caller: target() gives a block in use by one holder, of this order, or NULL. Single
 * pages that have moved wait here to be given back together: from then on they count as cached.
 */
#define MIGRATE_BATCH 16
struct migration {
	struct page *(*target)(unsigned int order, void *arg);
	void *arg;
	unsigned long nr_left;
	struct page *left[MIGRATE_BATCH]; /* of one zone */
};
/*
 * Moves the block at this head. 0; -EBUSY its owner or another holder keeps it, -ENOMEM, or what
 * the owner says: it stays.
 */
int migrate_block(struct migration *migration, unsigned long head);
/* Gives back what waits; the lock is held for one batch of buddy_free_pages() at a time. */
void migrate_flush(struct migration *migration);
/* A block in use that nobody else knows of goes back to the buddy. */
void free_migrated(struct page *page);

/* compact_direct.c: what mm_compact_direct (alloc_internal.h) is set to when an owner comes. */
unsigned int compact_direct(struct alloc_context *ac);
/* Empties a pageblock of the zone; *moved: blocks that were asked for. False: it was not to be. */
bool compact_pageblock(struct zone *zone, unsigned long *moved);

#pragma GCC visibility pop
#endif
