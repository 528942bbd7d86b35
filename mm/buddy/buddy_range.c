/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * buddy_range.c: a free block by its address instead of its type: one pageblock a call, so that a
 * search through a zone lets other CPUs in between. A program that never asks for a range does not
 * link it. The caller holds the zone's lock with interrupts masked.
 */
#include "../debug/hooks.h"
#include "buddy_internal.h"

/* ---- one that is free in part ------------------------------------------------------------ */

/* Are so many pages of a pageblock free? They lie in one word, or are whole words. Bound 30. */
static bool all_free(unsigned long index, unsigned long pages)
{
	if (pages < WORD_PAGES) {
		uint64_t mask = WORD_FULL >> (WORD_PAGES - pages);

		return (*map_word(index) >> (index & (WORD_PAGES - 1)) & mask) == mask;
	}
	for (unsigned long end = index + pages; index < end; index += WORD_PAGES)
		if (*map_word(index) != WORD_FULL)
			return false;
	return true;
}

/* The order of the largest aligned block of free pages that starts at index. Bound 200. */
static unsigned int free_order(unsigned long index)
{
	unsigned int order = 0;

	while (order + 1 < pageblock_order && !(index >> order & 1) &&
	       all_free(index + (1UL << order), 1UL << order))
		order++;
	return order;
}

/*
 * An aligned place of this order, of which `pages` lie in [start, end), in the smallest free block
 * of the pageblock at `first` that has one. NIL32: none has. Bound: 512 pages, 25 each.
 */
static unsigned long find_place(unsigned long first, unsigned long start, unsigned long end,
				unsigned int order, unsigned long pages)
{
	unsigned long size = 1UL << order, place = NIL32;
	unsigned int smallest = pageblock_order;

	for (unsigned long at = first, next; at < first + pageblock_nr_pages; at = next) {
		unsigned long target = start > at ? (start + size - 1) & ~(size - 1) : at;
		unsigned int have;

		next = at + 1;
		if (!map_test(at))
			continue;
		have = free_order(at);
		next = at + (1UL << have);
		if (have < order || have >= smallest || target + size > next ||
		    target + pages > end)
			continue;
		place = target;
		smallest = have;
		if (have == order)
			break;
	}
	return place;
}

/* ---- one that is free as a whole --------------------------------------------------------- */

/*
 * The first place of this order in the pageblock at `first`, or in the block it begins, which is free
 * as a whole; it is on no list any more. NIL32: there is none, and nothing has changed.
 */
static unsigned long whole_place(struct zone *zone, unsigned long first, unsigned long start,
				 unsigned long end, unsigned int order, unsigned long pages)
{
	unsigned long size = 1UL << order;
	struct pageblock *pb = &mm.pageblocks[first >> pageblock_order], *head;
	unsigned long at = first & ~(size - 1);

	if (start > at)
		at = (start + size - 1) & ~(size - 1);
	head = whole_head(pb);
	if (at + pages > end || at >= first + pageblock_nr_pages ||
	    order > (unsigned int)head->list || FAULT_POINT())
		return NIL32;
	whole_cut(zone, head, pb, order > pageblock_order ? order : pageblock_order);
	return at;
}

/* ---- what is called ---------------------------------------------------------------------- */

unsigned long buddy_alloc_range(struct zone *zone, unsigned long pageblock, unsigned long start,
				unsigned long end, unsigned int order, unsigned long pages,
				enum migratetype type, bool highatomic)
{
	struct pageblock *pb = &mm.pageblocks[pageblock];
	unsigned long first = pageblock << pageblock_order, index;
	long most = pb->list;

	VM_BUG_ON(!zone_locked(zone));
	/* A HIGHATOMIC pageblock is not allocated as a whole, and of other kept ones nothing is. */
	if (pb_is_kept(pb) &&
	    (pb->type != MIGRATE_HIGHATOMIC || !highatomic || order >= pageblock_order))
		return NIL32;
	if (start < first)
		start = first;
	if (pb_is_whole(pb)) {
		index = whole_place(zone, first, start, end, order, pages);
		if (index == NIL32)
			return NIL32;
		most = pageblock_order - 1;
		if (!pb_is_kept(pb))
			pb->type = (uint8_t)type;
	} else {
		index = order < pageblock_order ? find_place(first, start, end, order, pages)
						: NIL32;
		if (index == NIL32 || FAULT_POINT())
			return NIL32;
	}
	if (order < pageblock_order) {
		map_change(index, 1UL << order, false);
		count_free(zone, pb, -(1L << order));
		trust_head(index, order);
		pb_settle(zone, pb, most);
		return index;
	}
	for (unsigned long at = index; at < index + (1UL << order); at += pageblock_nr_pages) {
		map_fill(at, false);
		count_free(zone, pb_of(at), -(long)pageblock_nr_pages);
		pb_of(at)->type = (uint8_t)type;
	}
	trust_head(index, order);
	return index;
}

bool buddy_open_section(struct zone *zone)
{
	struct pageblock *pb = section_take(zone);

	if (pb)
		pb_relist(zone, pb, MAX_PAGE_ORDER);
	return pb;
}
