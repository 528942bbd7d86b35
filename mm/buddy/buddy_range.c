/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * buddy_range.c: a free block by its address instead of its type: one pageblock a call, so that a search
 * through a zone lets other CPUs in between. Linked only if somebody asks for a range. The caller holds
 * the zone's lock with interrupts masked.
 */
#include "../debug/hooks.h"
#include "buddy_internal.h"

/* A free block that has the wanted one in it. */
struct found {
	unsigned long block, target; /* their indices */
	unsigned int order;	     /* of the free one; above MAX_PAGE_ORDER: none was found */
};

/* ---- how free blocks are kept: see buddy.c ------------------------------------------------------- */

/* The order of the block that starts at index. *is_free: it is free. Bound 8. */
static unsigned int block_at(unsigned long index, bool *is_free)
{
	/* a block that is in use may be written meanwhile, but neither its order nor to what is free */
	uint32_t word = __atomic_load_n(&mm.memmap[index].word, __ATOMIC_RELAXED);

	*is_free = word >> PAGE_STATE_SHIFT == PAGE_FREE;
	return (word & PAGE_ORDER_MASK) >> PAGE_ORDER_SHIFT;
}

/* The free block at index is free no more: off its list and not counted. Its head says nothing. Bound 200. */
static void block_take(struct zone *zone, unsigned long index, unsigned int order)
{
	struct pageblock *pb = &mm.pageblocks[index >> pageblock_order];
	unsigned long local = index & (pageblock_nr_pages - 1);

	VM_BUG_ON(mm.memmap[index].word != PAGE_FREE_WORD(order));
	if (order < pageblock_order)
		block_del(pb, &mm.memmap[index - local], local, order);
	else
		pb_relist(zone, pb, PB_OFF_LIST);
	mm.memmap[index].word = PAGE_NONE;
	count_free(zone, pb, -(1L << order));
	if (order < pageblock_order)
		pb_settle(zone, pb, pb->list);
}

/* ---- the search ---------------------------------------------------------------------------------- */

/*
 * The smallest free block of a pageblock that has an aligned place of this order of which `pages` lie in
 * [start, end). Bound: the blocks of the pageblock, 512 at most, 25 each.
 */
static struct found find_block(unsigned long pageblock, unsigned long start, unsigned long end,
			       unsigned int order, unsigned long pages)
{
	unsigned long first = pageblock << pageblock_order, size = 1UL << order, next;
	struct found found = {.order = MAX_PAGE_ORDER + 1};

	if (start < first)
		start = first;
	/* the upper pageblock of a pair has its head in the lower one */
	for (unsigned long at = block_head(first); at < first + pageblock_nr_pages; at = next) {
		bool is_free;
		unsigned int have = block_at(at, &is_free);
		unsigned long target = start > at ? (start + size - 1) & ~(size - 1) : at;

		next = at + (1UL << have);
		if (!is_free || have < order || have >= found.order || target + size > next ||
		    target + pages > end)
			continue;
		found = (struct found){at, target, have};
		if (have == order)
			break;
	}
	return found;
}

unsigned long buddy_alloc_range(struct zone *zone, unsigned long pageblock, unsigned long start,
				unsigned long end, unsigned int order, unsigned long pages,
				enum migratetype type, bool highatomic)
{
	struct pageblock *pb = &mm.pageblocks[pageblock];
	struct found found;

	VM_BUG_ON(!zone_locked(zone));
	if (pb->type == MIGRATE_HIGHATOMIC && !highatomic)
		return NIL32;
	found = find_block(pageblock, start, end, order, pages);
	if (found.order > MAX_PAGE_ORDER || FAULT_POINT())
		return NIL32;
	block_take(zone, found.block, found.order);
	if (found.order >= pageblock_order && pb->type != MIGRATE_HIGHATOMIC)
		mm.pageblocks[found.target >> pageblock_order].type = (uint8_t)type;
	while (found.order > order) { /* the half that is not wanted */
		unsigned long half = 1UL << --found.order, rest = found.block + half;

		if (found.target >= rest) {
			rest = found.block;
			found.block += half;
		}
		/* with heads that say that neither is free, it does not merge with the other */
		trust_head(rest, found.order);
		trust_head(found.block, found.order);
		mm.memmap[rest].word = mm.memmap[found.block].word = PAGE_NONE;
		buddy_free(zone, rest, found.order);
	}
	return found.target;
}

bool buddy_open_section(struct zone *zone)
{
	struct pageblock *pb = section_take(zone);

	if (pb)
		pb_relist(zone, pb, MAX_PAGE_ORDER);
	return pb;
}
