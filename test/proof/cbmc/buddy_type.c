/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * buddy_type.c: pageblocks that change their type, and what is taken from one of a kept type or of a number, from any
 * state that meets the invariant.
 */
#include "small_zone.h"
#include "mm/buddy/buddy.c"
#include "mm/buddy/buddy_free.c"
#include "mm/buddy/fallback.c"
#include "mm/buddy/isolation.c"

static struct witness before;

static void any_valid_state(void)
{
	unsigned long other;

	any_state();
	ASSUME(invariant());
	before = witness_of(other);
}

static void check_unchanged(void)
{
	ASSERT(invariant() && same_page(&before) && same_rest(&before));
}

/* A pageblock is isolated: its free pages are kept, its type is noted, no page of it is lost. */
void prove_buddy_isolate(void)
{
	unsigned long n, was;
	bool large;

	any_valid_state();
	ASSUME(n < PAGEBLOCKS);
	was = pageblocks[n].type;
	large = in_large_block(n << pageblock_order);
	if (buddy_isolate(zone, n)) {
		ASSERT(pageblocks[n].type == MIGRATE_ISOLATE && was != MIGRATE_ISOLATE);
		ASSERT(pb_was(&pageblocks[n]) == was && !large);
	} else {
		ASSERT(pageblocks[n].type == was && (was == MIGRATE_ISOLATE || large));
		ASSERT(zone->nr_free == before.zone.nr_free);
	}
	check_unchanged();
}

/* And is what it was. What it noted is right: a type, and a pageblock or none. */
void prove_buddy_unisolate(void)
{
	unsigned long n;
	enum migratetype was;

	any_valid_state();
	ASSUME(n < PAGEBLOCKS && pageblocks[n].type == MIGRATE_ISOLATE);
	ASSUME(!in_large_block(n << pageblock_order));
	was = pb_was(&pageblocks[n]);
	ASSUME(was < MIGRATE_ISOLATE);
	ASSUME((pageblocks[n].was & WAS_PREV) < PAGEBLOCKS ||
	       (pageblocks[n].was & WAS_PREV) == WAS_PREV);
	buddy_unisolate(zone, n);
	ASSERT(pageblocks[n].type == was);
	check_unchanged();
}

/* HIGHATOMIC pageblocks are given up for a request, which finds its block free then. */
void prove_highatomic_unreserve(void)
{
	unsigned long missing;
	unsigned int order;
	enum migratetype type;

	any_valid_state();
	ASSUME(order <= MAX_PAGE_ORDER && (type < MIGRATE_PCPTYPES || type == TAKE_NOTHING));
	if (highatomic_unreserve(zone, order, missing, type) && type != TAKE_NOTHING) {
		ASSERT(zone->nr_highatomic < before.zone.nr_highatomic);
		ASSERT(zone->nr_free >= before.zone.nr_free + missing);
		ASSERT(zone->nonempty[PB_WHOLE] >> order || zone->nonempty[type] >> order);
	} else {
		ASSERT(zone->nr_highatomic == before.zone.nr_highatomic);
		ASSERT(zone->nr_free == before.zone.nr_free);
	}
	check_unchanged();
}

/* A block was taken, of pages that were free; all others are what they were. */
static void check_taken(unsigned long index, unsigned int order, enum migratetype type)
{
	unsigned long pages = 1UL << order;

	ASSERT(index < PAGES && pages <= PAGES - index && !(index & (pages - 1)));
	ASSERT(pb_of(index)->type == type);
	memmap[index].raw = PAGE_INFO(PAGE_ALLOC, order) | PAGE_ONE_REF;
	ASSERT(invariant());
	if (before.index - index < pages)
		ASSERT(before.free && !map_test(before.index));
	else
		ASSERT(same_page(&before));
	ASSERT(same_rest(&before));
}

/* From a HIGHATOMIC pageblock, if one has such a block. */
void prove_highatomic_alloc(void)
{
	unsigned int order;
	unsigned long index;

	any_valid_state();
	ASSUME(order <= MAX_PAGE_ORDER);
	index = highatomic_alloc(zone, order);
	if (index != NIL32) {
		check_taken(index, order, MIGRATE_HIGHATOMIC);
	} else {
		ASSERT(order >= pageblock_order || !before.free ||
		       pb_of(before.index)->type != MIGRATE_HIGHATOMIC ||
		       (long)order > pb_of(before.index)->list);
		check_unchanged();
	}
}

/* From a pageblock by its number. */
void prove_buddy_alloc_at(void)
{
	unsigned long n, index;
	unsigned int order;
	enum migratetype type;

	any_valid_state();
	ASSUME(n < PAGEBLOCKS && order < pageblock_order);
	type = pageblocks[n].type;
	index = buddy_alloc_at(zone, n, order);
	if (index != NIL32) {
		ASSERT(index >> pageblock_order == n);
		check_taken(index, order, type);
	} else {
		ASSERT(pb_is_kept(&pageblocks[n]) || pb_is_whole(&pageblocks[n]) ||
		       pageblocks[n].list < (long)order);
		check_unchanged();
	}
}

/* What is cut off a block in use, of which the first pages are a smaller one then. */
void prove_buddy_free_tails(void)
{
	unsigned long index, pages;
	unsigned int order, kept;
	enum migratetype type;

	any_valid_state();
	ASSUME(is_allocated_head(index) && type < MIGRATE_PCPTYPES);
	order = page_order(&memmap[index]);
	ASSUME(kept < order);
	pages = 1UL << kept;
	buddy_free_tails(zone, index, order, pages, type);
	memmap[index].info = PAGE_INFO(page_state(&memmap[index]), kept);
	ASSERT(invariant());
	if (before.index - index < 1UL << order)
		ASSERT(map_test(before.index) == (before.index - index >= pages));
	else
		ASSERT(same_page(&before));
	ASSERT(same_rest(&before));
}

void cover_buddy_isolate(void)
{
	any_valid_state();
	COVER(pageblocks[1].type == MIGRATE_ISOLATE && pageblocks[1].list == pageblock_order);
	COVER(pageblocks[0].type == MIGRATE_HIGHATOMIC && pageblocks[0].list == pageblock_order &&
	      pageblocks[1].list == pageblock_order);
	COVER(pageblocks[0].list == MAX_PAGE_ORDER);
	COVER(is_allocated_head(0) && page_order(&memmap[0]) == MAX_PAGE_ORDER);
}
