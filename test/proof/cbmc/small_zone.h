/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * small_zone.h: a zone of one open section of 8 pages, in any state that mm_check() lets pass.
 *
 * invariant() says per page and per pageblock what check_zone() of mm/buddy says by walking from block to block. That the
 * two are one, for any contents of the tables, is the property small_zone; so the proofs assume no more and show no less
 * than what mm_check() checks.
 */
#ifndef QUARRY_PROOF_SMALL_ZONE_H
#define QUARRY_PROOF_SMALL_ZONE_H

/* Nothing is printed, so what would be said is not computed. */
#define expect(walk, holds, ...) expect_silently(walk, holds)

#include "mm/buddy/blocks_check.c"
#include "mm/buddy/lists_check.c"
#include "mm/buddy/map.c"
#include "mm/buddy/open_section.c"
#include "mm/zone/sections.c"
#include "proof.h"

#define PAGES	   SECTION_PAGES
#define PAGEBLOCKS (PAGES >> pageblock_order)
static_assert(PAGEBLOCKS == 2 && WORD_PAGES == pageblock_nr_pages, "the geometry of test/exhaust");

static struct page memmap[PAGES];
static int8_t trust[PAGES >> GROUP_SHIFT];
static struct pageblock pageblocks[PAGEBLOCKS];
static uint64_t map[PAGEBLOCKS];
static uint8_t map_orders_of[PAGEBLOCKS];
static struct bank bank;
static struct span span;
static struct zone *const zone = &mm.zones[ZONE_NORMAL];
struct mm_pcpu *port_area;

bool expect_silently(struct walk *walk, bool holds)
{
	if (!holds)
		walk->violations = 1;
	return holds;
}

/* What memblock knows is of no account here: each frame is free memory. */
bool frames_are_free(pfn_t pfn, uint64_t pages)
{
	(void)pfn;
	(void)pages;
	return true;
}

/* Descriptors, maps, lists and counts hold anything; the tables are one bank and one span, all of it open. */
static void any_state(void)
{
	__CPROVER_havoc_object(zone);
	__CPROVER_havoc_object(memmap);
	__CPROVER_havoc_object(trust);
	__CPROVER_havoc_object(pageblocks);
	__CPROVER_havoc_object(map);
	__CPROVER_havoc_object(map_orders_of);
	mm.memmap = memmap;
	mm.trust = trust;
	mm.pageblocks = pageblocks;
	mm.map = map;
	mm.map_order = map_orders_of;
	mm.banks = &bank;
	mm.spans = &span;
	mm.nr_pages = PAGES;
	mm.nr_banks = mm.nr_spans = mm.max_spans = 1;
	mm.hooks = 0;
	bank = (struct bank){.pages = PAGES, .page = memmap};
	span = (struct span){.opened = 1, .end = 1, .next = NIL32};
	mm.zones[ZONE_DMA32].start = mm.zones[ZONE_DMA32].end = mm.zones[ZONE_DMA32].span_end = 0;
	zone->start = 0;
	zone->end = PAGES;
	zone->span = 0;
	zone->span_end = 1;
	zone->first_pcp = 0;
	zone->nr_untouched = 0;
	zone->lock = (struct spinlock){0};
}

/* What mm_check() finds. */
static bool checked(void)
{
	struct walk walk = {0};

	check_zone(&walk, zone);
	return !walk.violations;
}

/* ---- the invariant ---------------------------------------------------------------------------- */

static bool is_no_head(unsigned long index)
{
	return !trusted(index) || mm.memmap[index].word == PAGE_NONE;
}

/* The words that a head may have are mm_check()'s own rule, word_is_possible(). */
static bool head_is_right(unsigned long index)
{
	const struct page *page = &mm.memmap[index];
	const struct walk walk = {.zone = zone};
	unsigned int order = page_order(page);

	return trusted(index) && page_state(page) != PAGE_NONE && order <= MAX_PAGE_ORDER &&
	       !(index & ((1UL << order) - 1)) && word_is_possible(&walk, page) &&
	       (order >= GROUP_SHIFT || mm.trust[index >> GROUP_SHIFT] == TRUST_ALL);
}

/* A block of a pageblock or of both. */
static bool whole_is_right(unsigned long index, unsigned int order, bool free)
{
	const struct pageblock *pb = &pageblocks[index >> pageblock_order],
			       *end = pb + (1UL << order >> pageblock_order);
	const struct pageblock *first = pb, *twin = pb_twin(pb);
	bool right = true;

	for (int i = 0; i < 2; i++, pb++) {
		if (pb >= end)
			continue;
		right &= pb->list == (free && pb == first ? (int)order : PB_OFF_LIST);
		right &= (free && order == pageblock_order) ||
			 (free ? !pb_is_kept(pb) : pb->type != MIGRATE_HIGHATOMIC);
	}
	if (free &&
	    order == pageblock_order) /* not with its twin, which is free too, unless one is kept */
		right &= twin->list != pageblock_order || pb_is_kept(first) || pb_is_kept(twin);
	return right;
}

static bool pageblock_is_right(unsigned long n)
{
	const struct pageblock *pb = &pageblocks[n];
	unsigned int free = 0;

	for (int i = 0; i < 4; i++)
		free += map[n] >> i & 1;
	if (map[n] & ~WORD_FULL || map_orders_of[n] != word_largest(map[n]) ||
	    pb->nr_free != free || pb->type >= MIGRATE_TYPES || pb->list < PB_OFF_LIST ||
	    pb->list > MAX_PAGE_ORDER)
		return false;
	if (pb->list >= pageblock_order)
		return trusted(n * 4) && memmap[n * 4].word == PAGE_FREE_WORD(pb->list) &&
		       (pb->list == pageblock_order || !n);
	return pb->list == (free < 4 ? (int)word_largest(map[n]) - 1 : PB_OFF_LIST);
}

static unsigned long list_of(const struct pageblock *pb)
{
	return pb->list >= pageblock_order && !pb_is_kept(pb) ? PB_WHOLE : pb->type;
}

/* Its links, and its zone's, if it is on a list; at most two are on one. */
static bool links_are_right(unsigned long n)
{
	const struct pageblock *pb = &pageblocks[n], *other = &pageblocks[!n];
	unsigned long type = list_of(pb);
	bool both = other->list == pb->list && list_of(other) == type;

	if (pb->list == PB_OFF_LIST)
		return true;
	if (!both)
		return zone->list[type][pb->list] == n && pb->prev == NIL32 && pb->next == NIL32;
	return zone->list[type][pb->list] == n ? pb->prev == NIL32 && pb->next == !n &&
							 other->prev == n && other->next == NIL32
					       : zone->list[type][pb->list] == !n;
}

static bool lists_are_right(void)
{
	bool right = true;

	for (unsigned long type = 0; type < NR_PB_LISTS; type++) {
		unsigned int bits = 0;

		for (int order = 0; order < NR_PAGE_ORDERS; order++) {
			bool empty = true;

			for (unsigned long n = 0; n < PAGEBLOCKS; n++)
				empty &= pageblocks[n].list != order ||
					 list_of(&pageblocks[n]) != type;
			right &= empty == (zone->list[type][order] == NIL32);
			bits |= (unsigned int)!empty << order;
		}
		right &= zone->nonempty[type] == bits;
	}
	return right;
}

static bool invariant(void)
{
	uint64_t free = 0, allocated = 0, highatomic = 0, cma = 0, kept = 0,
		 free_kept[NR_KEPT_TYPES] = {0};
	unsigned long left = 0;
	bool right = true, free_block = false;

	for (unsigned long i = 0; i < PAGES >> GROUP_SHIFT; i++)
		right &= trust[i] >= TRUST_ALL && trust[i] <= TRUST_NONE;
	for (unsigned long n = 0; n < PAGEBLOCKS; n++)
		right &= pageblock_is_right(n);
	if (!right)
		return false;
	for (unsigned long i = 0; i < PAGES; i++) {
		unsigned int order = page_order(&memmap[i]);

		if (left) {
			right &= is_no_head(i) && map_test(i) == free_block;
			left--;
		} else if (map_test(i) && map[i >> pageblock_order] != WORD_FULL) {
			right &= is_no_head(i);
		} else {
			if (!head_is_right(i))
				return false;
			free_block = page_state(&memmap[i]) == PAGE_FREE;
			right &= map_test(i) == free_block;
			if (order >= pageblock_order)
				right &= whole_is_right(i, order, free_block);
			if (!free_block && (page_state(&memmap[i]) != PAGE_RESERVED ||
					    memmap[i].word == PAGE_BAD_WORD))
				allocated += 1UL << order;
			left = (1UL << order) - 1;
		}
	}
	for (unsigned long n = 0; n < PAGEBLOCKS; n++) {
		const struct pageblock *pb = &pageblocks[n];

		right &= links_are_right(n);
		highatomic += pb->type == MIGRATE_HIGHATOMIC ? 4 : 0;
		cma += pb->type == MIGRATE_CMA ||
				       (pb->type == MIGRATE_ISOLATE && pb_was(pb) == MIGRATE_CMA)
			       ? 4
			       : 0;
		allocated += pb->nr_free; /* all that is managed, from here on */
		if (pb_is_kept(pb)) {
			kept += 4;
			free_kept[KEPT(pb->type)] += pb->nr_free;
		} else {
			free += pb->nr_free;
		}
	}
	for (int i = 0; i < NR_KEPT_TYPES; i++)
		right &= zone->nr_free_kept[i] == free_kept[i];
	return right && lists_are_right() && zone->nr_free == free && zone->managed == allocated &&
	       zone->nr_highatomic == highatomic && zone->nr_cma == cma && zone->nr_kept == kept;
}

/* ---- what a call leaves as it is -------------------------------------------------------------- */

struct witness {
	unsigned long index;
	bool trusted, free;
	struct page page;
	struct zone zone;
};

static struct witness witness_of(unsigned long index)
{
	ASSUME(index < PAGES);
	return (struct witness){.index = index,
				.trusted = trusted(index),
				.free = map_test(index),
				.page = memmap[index],
				.zone = *zone};
}

/* A page that the call is not about is free if it was, and the head of a block in use is as it was. */
static bool same_page(const struct witness *before)
{
	const struct page *page = &memmap[before->index];

	return before->free == map_test(before->index) &&
	       (before->free || !before->trusted || page_state(&before->page) == PAGE_NONE ||
		(trusted(before->index) && page->raw == before->page.raw));
}

/* What is no count and no list. */
static bool same_rest(const struct witness *before)
{
	const struct zone *was = &before->zone;

	return mm.nr_pages == PAGES && mm.memmap == memmap && mm.trust == trust &&
	       mm.pageblocks == pageblocks && mm.map == map && mm.map_order == map_orders_of &&
	       span.opened == 1 && zone->start == 0 && zone->end == PAGES &&
	       zone->managed == was->managed && zone->nr_untouched == 0 && zone->low == was->low &&
	       zone->mark.min == was->mark.min && zone->mark.low == was->mark.low &&
	       zone->mark.high == was->mark.high;
}

/* A block with a holder, in a cache or frozen. */
static bool is_allocated_head(unsigned long index)
{
	return index < PAGES && trusted(index) && !map_test(index) &&
	       page_state(&memmap[index]) >= PAGE_ALLOC &&
	       page_state(&memmap[index]) != PAGE_RESERVED;
}

#endif
