/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fallback.c: pageblocks that change their type. There are two reasons. A request whose own type
 * has no pageblock with a free block for it falls back to a pageblock of another type. And
 * HIGHATOMIC pageblocks are reserved for requests of order 1 and up that may not wait: a pageblock
 * gets this type when such a request is served from it, and loses it when the free memory elsewhere
 * is used up.
 *
 * To change a pageblock's type moves one list entry, so no step here takes longer for what the
 * pageblock holds. The caller holds the zone's lock.
 */
#include "../debug/hooks.h"
#include "buddy_internal.h"

/*
 * A block of the largest order is two pageblocks. So many of the HIGHATOMIC pageblocks that are
 * free as a whole are examined for one whose other half is free as a whole too.
 */
#define PAIR_CANDIDATES 8

/* The highest bit set in mask (not 0, 16 bits), in four steps. */
static inline unsigned long highest_order(unsigned long mask)
{
	unsigned long order = 0;

	UNROLL(3)
	for (unsigned long bits = 8; bits > 1; bits /= 2) {
		unsigned long upper = mask >> bits ? bits : 0;

		order += upper;
		mask >>= upper;
	}
	return order + (mask >> 1);
}

/*
 * The pageblock of type `victim` that a request of another type takes over. It comes from the list
 * of those with the largest free blocks: of the first two on it, the one with more free pages. The
 * caller has seen that the type has a pageblock with a free block.
 */
static struct pageblock *steal_candidate(const struct zone *zone, enum migratetype victim)
{
	unsigned long order = pageblock_order - 1, mask = zone->nonempty[victim];
	struct pageblock *best, *second;

	VM_BUG_ON(!(mask & (pageblock_nr_pages - 1)));
	if (FOR_SPEED)
		order = highest_order(mask);
	while (!FOR_SPEED && !(mask >> order & 1))
		order--;
	best = &mm.pageblocks[zone->list[victim][order]];
	if (best->next != NIL32) {
		second = &mm.pageblocks[best->next];
		if (second->nr_free > best->nr_free)
			best = second;
	}
	return best;
}

/*
 * No pageblock of the request's type has a free block for it. A pageblock that keeps its type is one
 * whose largest block is the smallest that will do; one that is taken over, one of the largest.
 */
struct pageblock *buddy_fallback(struct zone *zone, enum migratetype type, unsigned int lowest)
{
	bool movable = type == MIGRATE_MOVABLE;
	/* Movable ones first, unmovable ones last. */
	enum migratetype victim = movable ? MIGRATE_RECLAIMABLE : MIGRATE_MOVABLE;

	VM_BUG_ON(!zone_locked(zone));
	VM_BUG_ON(type >= MIGRATE_PCPTYPES || lowest >= pageblock_order);
	if (!(zone->nonempty[victim] >> lowest) || FAULT_POINT()) {
		victim = type == MIGRATE_UNMOVABLE ? MIGRATE_RECLAIMABLE : MIGRATE_UNMOVABLE;
		if (!(zone->nonempty[victim] >> lowest) || FAULT_POINT())
			return NULL;
	}
	return movable ? pb_find(zone, victim, lowest) : steal_candidate(zone, victim);
}

/* ---- HIGHATOMIC ---------------------------------------------------------------------------- */

unsigned long highatomic_alloc(struct zone *zone, unsigned int order)
{
	struct pageblock *pb;

	VM_BUG_ON(!zone_locked(zone) || order > MAX_PAGE_ORDER);
	if (FOR_SPEED && !(zone->nonempty[MIGRATE_HIGHATOMIC] >> order)) /* mostly */
		return NIL32;
	pb = pb_find(zone, MIGRATE_HIGHATOMIC, order);
	if (!pb || order >= pageblock_order || FAULT_POINT())
		return NIL32;
	return pb_take(zone, pb, order, MIGRATE_HIGHATOMIC);
}

unsigned long highatomic_reserve(struct zone *zone, unsigned int order, enum migratetype type)
{
	struct pageblock *pb;
	uint64_t most;

	if (FOR_SPEED && !(zone->nonempty[type] >> order))
		return NIL32;
	pb = pb_find(zone, type, order);
	most = zone->managed / 100;
	/*
	 * 1 % of the zone, rounded up to pageblocks; none if that is less than one (Linux since
	 * 6.8, reserve_highatomic_pageblock()).
	 */
	if (!pb || !mm.grouping || order >= pageblock_order || most < pageblock_nr_pages ||
	    zone->nr_highatomic >= most || FAULT_POINT())
		return NIL32;
	VM_BUG_ON(!zone_locked(zone));
	VM_BUG_ON(pb->type == MIGRATE_HIGHATOMIC || pb->list < 0);
	zone->nr_highatomic += pageblock_nr_pages;
	zone->nr_kept += pageblock_nr_pages;
	VM_BUG_ON(zone->nr_highatomic >= most + pageblock_nr_pages);
	zone->nr_free -= pb->nr_free;
	nr_free_of(zone, MIGRATE_HIGHATOMIC) += pb->nr_free;
	return pb_take(zone, pb, order, MIGRATE_HIGHATOMIC);
}

/* Does it become part of a larger block when HIGHATOMIC ones are given up? Others of kept types do not. */
static inline bool may_join(const struct pageblock *pb)
{
	return !pb_is_kept(pb) || pb->type == MIGRATE_HIGHATOMIC;
}

/* Are all pageblocks of a block of this order free as a whole, and may be that block? */
static inline bool all_whole(const struct pageblock *pb, unsigned int order)
{
	const struct pageblock *end = pb + (1UL << (order - pageblock_order));

	while (pb < end && pb_is_whole(pb) && may_join(pb))
		pb++;
	return pb == end;
}

/*
 * A HIGHATOMIC pageblock with a free block of this order or above: of those, the smallest. For the
 * largest orders it is a pageblock that is free as a whole, as the rest of the block is. NULL: none was
 * found.
 */
static struct pageblock *highatomic_with(const struct zone *zone, unsigned int order)
{
	uint32_t n;

	if (order <= pageblock_order)
		return pb_find(zone, MIGRATE_HIGHATOMIC, order);
	n = zone->list[MIGRATE_HIGHATOMIC][pageblock_order];
	for (int i = 0; n != NIL32 && i < PAIR_CANDIDATES; i++) {
		struct pageblock *pb = &mm.pageblocks[n];

		if (SECTION_PAGEBLOCKS == 2
			    ? pb_twin(pb)->list == pageblock_order && may_join(pb_twin(pb))
			    : all_whole(pb_aligned(pb, order), order))
			return pb;
		n = pb->next;
	}
	return NULL;
}

void buddy_complete(struct zone *zone, unsigned long start, unsigned long end,
		    enum migratetype type, bool put)
{
	struct pageblock *pair = pb_of(start);

	VM_BUG_ON(!zone_locked(zone));
	/* Both go to a list together. */
	if (FOR_SPEED && SECTION_PAGEBLOCKS == 2 && end - start > pageblock_nr_pages &&
	    pb_is_whole(&pair[0]) && pb_is_whole(&pair[1]) && !pb_is_kept(&pair[0]) &&
	    !pb_is_kept(&pair[1]) && put) {
		pb_relist(zone, &pair[0], PB_OFF_LIST);
		pb_relist(zone, &pair[1], PB_OFF_LIST);
		mm.memmap[start + pageblock_nr_pages].word = PAGE_NONE;
		whole_add(zone, pair, MAX_PAGE_ORDER);
		return;
	}
	for (; start < end; start = (start | (pageblock_nr_pages - 1)) + 1) {
		struct pageblock *pb = pb_of(start);

		if (pb->type == MIGRATE_HIGHATOMIC) {
			VM_BUG_ON(zone->nr_highatomic < pageblock_nr_pages);
			VM_BUG_ON((unsigned int)type >= MIGRATE_PCPTYPES);
			zone->nr_highatomic -= pageblock_nr_pages;
			zone->nr_kept -= pageblock_nr_pages;
			zone->nr_free += pb->nr_free;
			nr_free_of(zone, MIGRATE_HIGHATOMIC) -= pb->nr_free;
			/* From now on it is of this type or, if it is free as a whole, of no type. */
			pb_relist(zone, pb, PB_OFF_LIST);
			pb->type = (uint8_t)type;
		} else if (!put) {
			continue;
		} else if (SECTION_PAGEBLOCKS > 2 && pb->list >= pageblock_order) {
			start += (1UL << pb->list) - 1; /* it was free before */
			continue;
		}
		buddy_added(zone, start);
		if (put && pb->list == MAX_PAGE_ORDER) /* with its twin, which was free */
			break;
		if (SECTION_PAGEBLOCKS > 2 && put && pb_is_whole(pb)) { /* as what it merged with */
			pb = whole_head(pb);
			start = pb_index(pb) + (1UL << pb->list) - 1;
		}
	}
}

bool highatomic_unreserve(struct zone *zone, unsigned int order, unsigned long missing,
			  enum migratetype type)
{
	struct pageblock *pb = highatomic_with(zone, order);
	const unsigned long large = SECTION_PAGEBLOCKS == 2 ? MAX_ORDER_NR_PAGES : 1UL << order;
	unsigned long start, pages = order > pageblock_order ? large : 1;

	if (!pb || pb->nr_free < missing || FAULT_POINT())
		return false;
	if (type == TAKE_NOTHING)
		return true;
	start = ((unsigned long)(pb - mm.pageblocks) << pageblock_order) & ~(pages - 1);
	buddy_complete(zone, start, start + pages, type, false); /* all of it, or this one */
	return true;
}
