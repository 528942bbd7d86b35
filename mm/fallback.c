/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fallback.c: pageblocks change hands: what a request does when those of its own type have no
 * room, and the HIGHATOMIC pageblocks that are kept for requests which cannot wait. The caller
 * holds the zone's lock.
 *
 * Changing a type moves one list entry, so nothing here depends on what a pageblock holds.
 */
#include "internal.h"

/* HIGHATOMIC pageblocks, free as a whole, that are looked at for one whose neighbour is too. */
#define PAIR_CANDIDATES 8

/*
 * A pageblock of another type with the largest free blocks there are; of the first two, the one
 * with more free pages. There is one.
 */
static struct pageblock *steal_candidate(const struct zone *zone, enum migratetype victim)
{
	unsigned long order = pageblock_order - 1, mask = zone->nonempty[victim];
	struct pageblock *best, *second;

	while (!(mask >> order & 1))
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
 * No pageblock of the type has room. Movable pages borrow room from the others without changing a
 * type, as they can be moved away again; the others take over the emptiest pageblock they see, so
 * that what cannot move stays together.
 */
unsigned long buddy_fallback(struct zone *zone, unsigned int *order, enum migratetype type,
			     unsigned int lowest)
{
	static const uint8_t victims[MIGRATE_PCPTYPES][2] = {
		[MIGRATE_UNMOVABLE] = {MIGRATE_MOVABLE, MIGRATE_RECLAIMABLE},
		[MIGRATE_MOVABLE] = {MIGRATE_RECLAIMABLE, MIGRATE_UNMOVABLE},
		[MIGRATE_RECLAIMABLE] = {MIGRATE_MOVABLE, MIGRATE_UNMOVABLE},
	};

	for (unsigned int i = 0; i < 2; i++) {
		enum migratetype victim = (enum migratetype)victims[type][i];
		unsigned int mask = (unsigned int)zone->nonempty[victim] >> lowest;
		struct pageblock *pb;
		unsigned long index;

		if (!mask || FAULT_POINT())
			continue;
		if (type == MIGRATE_MOVABLE) {
			pb = &mm.pageblocks[zone->list[victim][lowest + lowest_order(mask)]];
			index = pb_take(zone, pb, order, lowest, pb->list);
		} else {
			int list;

			pb = steal_candidate(zone, victim);
			list = pb->list;
			pb_unlink(zone, pb); /* pb_take() links it again, as the other type's */
			pb->type = (uint8_t)type;
			*order = lowest; /* no batch as well: the next refill finds it */
			index = pb_take(zone, pb, order, lowest, list);
		}
		count_event(&mm.stats.extfrag);
		if (HOOKS & MM_HOOK_TRACE)
			trace_event(MM_TRACE_EXTFRAG, index, *order, (uint32_t)type,
				    (uint32_t)victim);
		return index;
	}
	return NIL32;
}

/* ---- HIGHATOMIC ---------------------------------------------------------------------------- */

static void retype(struct zone *zone, struct pageblock *pb, enum migratetype type)
{
	int list = pb->list;

	if (list != PB_OFF_LIST)
		pb_unlink(zone, pb);
	pb->type = (uint8_t)type;
	if (list != PB_OFF_LIST)
		pb_link(zone, pb, list);
}

unsigned long highatomic_alloc(struct zone *zone, unsigned int *order)
{
	unsigned int mask = (unsigned int)zone->nonempty[MIGRATE_HIGHATOMIC] >> *order;
	struct pageblock *pb;

	mask &= (1U << pageblock_order >> *order) - 1; /* whole ones are cut below */
	if (mask && !FAULT_POINT()) {
		unsigned int o = *order + lowest_order(mask);

		pb = &mm.pageblocks[zone->list[MIGRATE_HIGHATOMIC][o]];
		return pb_take(zone, pb, order, *order, pb->list);
	}
	if (*order >= pageblock_order || FAULT_POINT() ||
	    !(zone->nonempty[MIGRATE_HIGHATOMIC] >> pageblock_order & 1))
		return NIL32;
	pb = &mm.pageblocks[zone->list[MIGRATE_HIGHATOMIC][pageblock_order]];
	pb_unlink(zone, pb);
	return pb_cut(zone, pb, *order);
}

unsigned long highatomic_reserve(struct zone *zone, unsigned int *order, enum migratetype type)
{
	unsigned int mask = (unsigned int)zone->nonempty[type] >> *order;
	/* 1 % of the zone, and at least one pageblock (Linux: reserve_highatomic_pageblock()). */
	uint64_t most = zone->managed / 100 + pageblock_nr_pages;
	struct pageblock *pb;
	int list;

	if (!mask || !mm.grouping || *order >= pageblock_order ||
	    zone->nr_highatomic + pageblock_nr_pages > most || FAULT_POINT())
		return NIL32;
	pb = &mm.pageblocks[zone->list[type][*order + lowest_order(mask)]];
	list = pb->list;
	pb_unlink(zone, pb); /* pb_take() links it again, as one of these */
	pb->type = MIGRATE_HIGHATOMIC;
	zone->nr_highatomic += pageblock_nr_pages;
	zone->nr_free_highatomic += pb->nr_free;
	return pb_take(zone, pb, order, *order, list);
}

/*
 * The HIGHATOMIC pageblock with the smallest free block of at least this order; for the largest
 * order, one of the first PAIR_CANDIDATES whose neighbour is free as a whole too.
 */
static struct pageblock *highatomic_with(const struct zone *zone, unsigned int order)
{
	unsigned int mask = (unsigned int)zone->nonempty[MIGRATE_HIGHATOMIC] >> order;
	uint32_t n;

	if (order <= pageblock_order)
		return mask ? &mm.pageblocks[zone->list[MIGRATE_HIGHATOMIC]
						       [order + lowest_order(mask)]]
			    : NULL;
	n = zone->list[MIGRATE_HIGHATOMIC][pageblock_order];
	for (int look = 0; n != NIL32 && look < PAIR_CANDIDATES; look++) {
		if (mm.pageblocks[n ^ 1].list == pageblock_order)
			return &mm.pageblocks[n];
		n = mm.pageblocks[n].next;
	}
	return NULL;
}

static unsigned long free_pages_of(const struct pageblock *pb)
{
	return pb->list == pageblock_order ? pageblock_nr_pages : pb->nr_free;
}

unsigned long highatomic_peek(const struct zone *zone, unsigned int order)
{
	const struct pageblock *pb = FAULT_POINT() ? NULL : highatomic_with(zone, order);

	return pb ? free_pages_of(pb) : 0;
}

/* It is of type `type` from now on, or of none if it is free as a whole. */
static void unreserve(struct zone *zone, struct pageblock *pb, enum migratetype type)
{
	zone->nr_highatomic -= pageblock_nr_pages;
	zone->nr_free_highatomic -= free_pages_of(pb);
	if (pb->list < pageblock_order) {
		retype(zone, pb, type);
	} else {
		unsigned long index = (unsigned long)(pb - mm.pageblocks) << pageblock_order;

		pb_unlink(zone, pb);
		pb->type = (uint8_t)type;
		zone->nr_free -= pageblock_nr_pages; /* buddy_free() counts them again */
		buddy_free(zone, index, pageblock_order);
	}
}

void highatomic_unreserve_range(struct zone *zone, unsigned long start, unsigned long end,
				enum migratetype type)
{
	struct pageblock *pb = &mm.pageblocks[start >> pageblock_order];
	struct pageblock *last = &mm.pageblocks[(end - 1) >> pageblock_order];

	for (; pb <= last; pb++)
		if (pb->type == MIGRATE_HIGHATOMIC)
			unreserve(zone, pb, type);
}

bool highatomic_unreserve(struct zone *zone, unsigned int order, enum migratetype type)
{
	struct pageblock *pb = highatomic_with(zone, order);
	unsigned long index;

	if (!pb || FAULT_POINT())
		return false;
	index = (unsigned long)(pb - mm.pageblocks) << pageblock_order;
	if (order > pageblock_order) /* both halves */
		highatomic_unreserve_range(zone, index & ~(MAX_ORDER_NR_PAGES - 1),
					   index | (MAX_ORDER_NR_PAGES - 1), type);
	else
		unreserve(zone, pb, type);
	return true;
}
