/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pageblock_internal.h: a pageblock's place on the lists of its zone, and its counts. The caller
 * holds the zone's lock.
 */
#ifndef QUARRY_MM_BUDDY_PAGEBLOCK_INTERNAL_H
#define QUARRY_MM_BUDDY_PAGEBLOCK_INTERNAL_H

#include "buddy.h"

#define WAS_TYPE 24 /* of `was`, 3 bits: isolation.c */

/* The type that an isolated pageblock had. */
static inline enum migratetype pb_was(const struct pageblock *pb)
{
	return (enum migratetype)(pb->was >> WAS_TYPE & 7);
}

static inline struct pageblock *pb_of(unsigned long index)
{
	return &mm.pageblocks[index >> pageblock_order];
}

static inline unsigned long pb_index(const struct pageblock *pb)
{
	return (unsigned long)(pb - mm.pageblocks) << pageblock_order;
}

/* Is it free as a whole? It may be about to be cut: counted so, but on no list any more. */
static inline bool pb_is_whole(const struct pageblock *pb)
{
	return pb->nr_free == pageblock_nr_pages;
}

/* So many pages of the pageblock are free now that were not, or the other way round. */
static inline void count_free_inline(struct zone *zone, struct pageblock *pb, long pages)
{
	VM_BUG_ON(!zone_locked(zone));
	VM_BUG_ON(zone != zone_of(pb_index(pb)));
	VM_BUG_ON(pb->nr_free + pages < 0 || pb->nr_free + pages > (long)pageblock_nr_pages);
	zone->nr_free += (uint64_t)pages;
	pb->nr_free = (uint16_t)(pb->nr_free + pages);
	if (pb_is_kept(pb)) {
		zone->nr_free -= (uint64_t)pages; /* here, so that the usual way is short */
		nr_free_of(zone, pb->type) += (uint64_t)pages;
		VM_BUG_ON(nr_free_of(zone, pb->type) > zone->nr_kept);
	}
	VM_BUG_ON(zone->nr_free > zone->end - zone->start);
}

/* Where size counts, one copy: buddy.c. */
#if FOR_SPEED
#define count_free count_free_inline
#else
#pragma GCC visibility push(hidden)
void count_free(struct zone *zone, struct pageblock *pb, long pages);
#pragma GCC visibility pop
#endif

/* One that is on no list: its free pages are counted as those of this type from now on. */
static inline void pb_change_type(struct zone *zone, struct pageblock *pb, enum migratetype type)
{
	long pages = pb->nr_free;

	VM_BUG_ON(pb->list != PB_OFF_LIST);
	count_free(zone, pb, -pages);
	pb->type = (uint8_t)type;
	count_free(zone, pb, pages);
}

/* Only pageblocks of kept types have one when they are free as a whole. */
static inline unsigned long list_type(const struct pageblock *pb, long order)
{
	return order < pageblock_order || pb_is_kept(pb) ? pb->type : PB_WHOLE;
}

static inline void pb_link(struct zone *zone, struct pageblock *pb, long order)
{
	unsigned long type = list_type(pb, order);
	uint32_t number = (uint32_t)(pb - mm.pageblocks);
	uint32_t *head = &zone->list[type][order];

	VM_BUG_ON(!zone_locked(zone));
	VM_BUG_ON(pb->list != PB_OFF_LIST);
	VM_BUG_ON(order < 0 || order > MAX_PAGE_ORDER);
	VM_BUG_ON(type >= NR_PB_LISTS);
	VM_BUG_ON(!(zone->nonempty[type] >> order & 1) != (*head == NIL32));
	VM_BUG_ON(*head != NIL32 && *head >= mm.nr_pages >> pageblock_order);
	VM_BUG_ON(*head != NIL32 && mm.pageblocks[*head].list != order);
	VM_BUG_ON(*head != NIL32 && mm.pageblocks[*head].prev != NIL32);
	VM_BUG_ON(*head == number);
	pb->list = (int8_t)order;
	pb->prev = NIL32;
	pb->next = *head;
	if (*head != NIL32)
		mm.pageblocks[*head].prev = number;
	*head = number;
	zone->nonempty[type] |= (uint16_t)(1U << order);
}

static inline void pb_unlink(struct zone *zone, struct pageblock *pb)
{
	long order = pb->list;

	VM_BUG_ON(!zone_locked(zone));
	VM_BUG_ON(order < 0 || order > MAX_PAGE_ORDER);
	VM_BUG_ON(!(zone->nonempty[list_type(pb, order)] >> order & 1));
	VM_BUG_ON(pb->next != NIL32 && &mm.pageblocks[mm.pageblocks[pb->next].prev] != pb);
	VM_BUG_ON(pb->next != NIL32 && mm.pageblocks[pb->next].list != order);
	VM_BUG_ON(pb->prev != NIL32 && &mm.pageblocks[mm.pageblocks[pb->prev].next] != pb);
	VM_BUG_ON(pb->prev == NIL32 &&
		  &mm.pageblocks[zone->list[list_type(pb, order)][order]] != pb);
	pb->list = PB_OFF_LIST;
	if (pb->next != NIL32)
		mm.pageblocks[pb->next].prev = pb->prev;
	if (pb->prev != NIL32) {
		mm.pageblocks[pb->prev].next = pb->next;
	} else {
		unsigned long type = list_type(pb, order);

		zone->list[type][order] = pb->next;
		if (pb->next == NIL32)
			zone->nonempty[type] ^= (uint16_t)(1U << order);
	}
}

#pragma GCC visibility push(hidden)
/* Put it on the zone's list of this order and its type, or on none (PB_OFF_LIST). */
void pb_relist(struct zone *zone, struct pageblock *pb, long order);
#pragma GCC visibility pop

/* The same where it is certain that it is on a list, or on none: no tests where speed counts. */
static inline void pb_off(struct zone *zone, struct pageblock *pb)
{
	if (FOR_SPEED)
		pb_unlink(zone, pb);
	else
		pb_relist(zone, pb, PB_OFF_LIST);
}

static inline void pb_on(struct zone *zone, struct pageblock *pb, long order)
{
	if (FOR_SPEED)
		pb_link(zone, pb, order);
	else
		pb_relist(zone, pb, order);
}

#endif
