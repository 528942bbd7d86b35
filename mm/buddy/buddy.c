/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * buddy.c: the buddy allocator proper: blocks are taken. buddy_free.c has the way back. The caller
 * holds the zone's lock with interrupts masked.
 *
 * Each 2 MiB pageblock has a bitmap of its free pages (../free_map.h): blocks of orders 0 to 8 are
 * aligned runs of set bits, so a free sets bits and a split clears some, and nothing is linked or
 * merged. The zone lists pageblocks by mobility type and largest free order; so changing a
 * pageblock's type moves one list entry, whatever it holds. Whole free pageblocks (order 9) and
 * pairs of them (order 10) have a head, no type yet, and get one when they are cut. Sections nobody
 * cut yet are opened only when nothing else is left.
 *
 * Pages that are not free are covered by blocks with heads, reserved ones too, and their bits are
 * clear: what is next to a free block needs no look.
 */
#include "../debug/hooks.h"
#include "buddy_internal.h"

#if defined(__riscv) && !defined(__riscv_zbb) && FOR_SPEED
const uint8_t lowest_order_of[16] = {0, 1, 2, 5, 3, 9, 6, 11, 15, 4, 8, 10, 14, 7, 13, 12};
#endif

extern unsigned int lowest_order(unsigned int mask);
extern void trust_head(unsigned long index, unsigned int order);

#if !FOR_SPEED
void count_free(struct zone *zone, struct pageblock *pb, long pages)
{
	count_free_inline(zone, pb, pages);
}
#endif

extern struct pageblock *pb_find(const struct zone *zone, unsigned int type, unsigned int order);

void pb_relist(struct zone *zone, struct pageblock *pb, long order)
{
	VM_BUG_ON(order < PB_OFF_LIST || order > MAX_PAGE_ORDER);
	if (pb->list == order)
		return;
	if (pb->list != PB_OFF_LIST)
		pb_unlink(zone, pb);
	if (order != PB_OFF_LIST)
		pb_link(zone, pb, order);
}

#if !FOR_SPEED
void pb_settle(struct zone *zone, struct pageblock *pb, long most)
{
	pb_relist(zone, pb, pb_largest(pb_index(pb), most));
}
#endif

/* It is of this type from now on, and on no list if it was of another. */
static inline void pb_open(struct zone *zone, struct pageblock *pb, enum migratetype type)
{
	if (pb->type == type)
		return;
	pb_off(zone, pb); /* where speed counts, one that is free as a whole does not come here */
	pb->type = (uint8_t)type;
}

/*
 * Where speed counts, a block of a pageblock that is free as a whole: its first pages. The other half
 * stays free.
 */
MM_APART unsigned long pb_take_first(struct zone *zone, struct pageblock *pb, unsigned int order,
				     enum migratetype type)
{
	unsigned long index = pb_index(pb);

	pb_relist(zone, pb, PB_OFF_LIST);
	pb->type = (uint8_t)type;
	mm.memmap[index].word = PAGE_NONE; /* no head of a whole one any more */
	if (order < WORD_ORDER) {
		*map_word(index) = WORD_FULL & WORD_FULL << (1UL << order);
		*map_order(index) = WORD_ORDER;
	} else {
		map_change(index, 1UL << order, false);
	}
	count_free(zone, pb, -(1L << order));
	trust_head(index, order);
	pb_on(zone, pb, pageblock_order - 1);
	return index;
}

unsigned long pb_take(struct zone *zone, struct pageblock *pb, unsigned int order,
		      enum migratetype type)
{
	unsigned long index = pb_index(pb);
	long most = pb->list, touched = WORD_ORDER;

	VM_BUG_ON(!zone_locked(zone));
	VM_BUG_ON(zone != zone_of(index));
	VM_BUG_ON(order >= pageblock_order);
	VM_BUG_ON((unsigned int)type >= MIGRATE_TYPES);
	VM_BUG_ON(!pb_is_whole(pb) && most < (long)order);
	if (FOR_SPEED && pb_is_whole(pb))
		return pb_take_first(zone, pb, order, type);
	if (pb_is_whole(pb)) {
		mm.memmap[index].word = PAGE_NONE; /* no head of a whole one any more */
		most = pageblock_order - 1;
	} else {
		index = pb_pick(index, order);
	}
	trust_head(index, order);
	pb_open(zone, pb, type);
	if (FOR_SPEED && order < WORD_ORDER) {
		touched = (long)*map_order(index) - 1;
		word_change(index, map_mask(order) << (index & (WORD_PAGES - 1)), false);
	} else {
		map_change(index, 1UL << order, false);
	}
	count_free(zone, pb, -(1L << order));
	if (may_be_largest(pb, touched))
		pb_settle(zone, pb, most);
	return index;
}

/* ---- whole pageblocks ---------------------------------------------------------------------- */

void whole_add(struct zone *zone, struct pageblock *pb, unsigned long order)
{
	unsigned long index = pb_index(pb);

	VM_BUG_ON(order < pageblock_order || order > MAX_PAGE_ORDER);
	VM_BUG_ON(!pb_is_whole(pb) || pb->list != PB_OFF_LIST);
	VM_BUG_ON(index & ((1UL << order) - 1));
	VM_BUG_ON(order > pageblock_order &&
		  (pb_twin(pb)->list != PB_OFF_LIST || !pb_is_whole(pb_twin(pb))));
	trust_head(index, pageblock_order);
	mm.memmap[index].word = PAGE_FREE_WORD(order);
	pb_on(zone, pb, (long)order);
}

struct pageblock *whole_take(struct zone *zone, unsigned int order)
{
	const uint32_t *head = zone->list[PB_WHOLE];
	unsigned int have = order;
	struct pageblock *pb;

	while (have < MAX_PAGE_ORDER && head[have] == NIL32)
		have++;
	if (head[have] != NIL32 && !FAULT_POINT()) {
		pb = &mm.pageblocks[head[have]];
		VM_BUG_ON(mm.memmap[pb_index(pb)].word != PAGE_FREE_WORD(have));
		VM_BUG_ON(pb_is_kept(pb));
		pb_off(zone, pb);
	} else {
		pb = section_take(zone);
		if (!pb)
			return NULL;
		have = MAX_PAGE_ORDER;
	}
	if (SECTION_PAGEBLOCKS > 2)
		while (have-- > order)
			whole_add(zone, pb_buddy(pb, have), have);
	else if (have > order)
		whole_add(zone, pb + 1, pageblock_order);
	return pb;
}

/* ---- what the rest of mm/ calls ------------------------------------------------------------ */

/*
 * Where a smaller block will do, a call that cuts a whole pageblock or borrows from another type's
 * serves at most this order, and one that takes a pageblock over a single page, so that no call
 * does two expensive things.
 */
#define SMALL_BATCH_ORDER 2

/*
 * The pageblock for a request that none of its own type serves: a whole one, or another type's.
 * NULL: there is none.
 */
static inline struct pageblock *pb_rare(struct zone *zone, enum migratetype type,
					unsigned int lowest)
{
	struct pageblock *pb = NULL;

	if (zone->nonempty[PB_WHOLE] || zone->nr_untouched)
		pb = whole_take(zone, pageblock_order);
	return pb ? pb : buddy_fallback(zone, type, lowest);
}

void note_fallback(unsigned long index, unsigned int order, enum migratetype type,
		   unsigned int victim)
{
	count_event(&zone_of(index)->extfrag);
	if (HOOKS & MM_HOOK_TRACE)
		trace_event(MM_TRACE_EXTFRAG, index, order, (uint32_t)type, victim);
}

/* A block of the order of a pageblock, or two. */
static inline unsigned long take_whole(struct zone *zone, unsigned int order)
{
	struct pageblock *pb = whole_take(zone, order);
	unsigned long index;

	if (!pb)
		return NIL32;
	index = pb_index(pb);
	zone->nr_free -= 1UL << order;
	for (unsigned long at = index; at < index + (1UL << order); at += pageblock_nr_pages) {
		pb_of(at)->nr_free = 0;
		map_fill(at, false);
	}
	return index;
}

unsigned long buddy_alloc(struct zone *zone, unsigned int *order, enum migratetype type,
			  unsigned int lowest)
{
	enum migratetype owner;
	struct pageblock *pb;
	unsigned long index;
	unsigned int victim;
	bool rare, foreign;

	VM_BUG_ON(!zone_locked(zone));
	VM_BUG_ON(*order > MAX_PAGE_ORDER || lowest > *order);
	VM_BUG_ON((unsigned int)type >= MIGRATE_PCPTYPES);
	if (*order >= pageblock_order)
		return take_whole(zone, *order);
	pb = pb_own(zone, type, lowest);
	rare = !pb;
	if (rare)
		pb = pb_rare(zone, type, lowest);
	if (!pb)
		return NIL32;
	victim = pb->type;
	foreign = rare && !pb_is_whole(pb);
	owner = foreign ? fallback_owner(pb, type) : type;
	if (rare && lowest < *order)
		*order = foreign && owner == type     ? lowest
			 : *order > SMALL_BATCH_ORDER ? SMALL_BATCH_ORDER
						      : *order;
	if (lowest < *order && !pb_is_whole(pb) && (long)*order > pb->list)
		*order = (unsigned int)pb->list;
	index = pb_take(zone, pb, *order, owner);
	if (foreign)
		note_fallback(index, *order, type, victim);
	return index;
}

#if FOR_SPEED
/* One that no pageblock of the type has. */
MM_APART unsigned long alloc_rare(struct zone *zone, unsigned int order, enum migratetype type)
{
	struct pageblock *pb = pb_rare(zone, type, order);
	unsigned long index;
	unsigned int victim;

	if (!pb)
		return NIL32;
	if (pb_is_whole(pb))
		return pb_take_first(zone, pb, order, type);
	if (HOOKS & MM_HOOK_TRACE) {
		victim = pb->type;
		index = pb_take(zone, pb, order, fallback_owner(pb, type));
		note_fallback(index, order, type, victim);
		return index;
	}
	count_event(&zone->extfrag);
	return pb_take(zone, pb, order, fallback_owner(pb, type));
}

unsigned long buddy_alloc_block(struct zone *zone, unsigned int order, enum migratetype type)
{
	struct pageblock *pb;

	VM_BUG_ON(!zone_locked(zone));
	VM_BUG_ON(order > MAX_PAGE_ORDER || (unsigned int)type >= MIGRATE_PCPTYPES);
	if (order >= pageblock_order)
		return take_whole(zone, order);
	pb = pb_own(zone, type, order);
	return pb ? pb_take(zone, pb, order, type) : alloc_rare(zone, order, type);
}
#else
unsigned long buddy_alloc_block(struct zone *zone, unsigned int order, enum migratetype type)
{
	return buddy_alloc(zone, &order, type, order);
}
#endif
