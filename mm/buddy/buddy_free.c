/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * buddy_free.c: pages come back to the buddy: blocks, single pages in batches, what is cut off
 * blocks, and what memblock hands over. Their bits are set, and that is all of merging: an aligned
 * run of set bits is a block. The caller holds the zone's lock with interrupts masked.
 */
#include "../debug/hooks.h"
#include "buddy_internal.h"

/*
 * All pages of the pageblock are free now, and so marked and counted: it is on the lists of whole
 * ones.
 */
static void whole_free(struct zone *zone, struct pageblock *pb)
{
	struct pageblock *twin = SECTION_PAGEBLOCKS > 1 ? pb_twin(pb) : pb;
	unsigned long order = pageblock_order;

	pb_relist(zone, pb, PB_OFF_LIST);
	if (pageblock_order < MAX_PAGE_ORDER && !pb_is_kept(pb) && twin->list == pageblock_order &&
	    !pb_is_kept(twin)) {
		pb_off(zone, twin);
		pb = twin < pb ? twin : pb;
		mm.memmap[pb_index(pb + 1)].word = PAGE_NONE;
		order++;
	}
	for (struct pageblock *buddy;
	     SECTION_PAGEBLOCKS > 2 && order > pageblock_order && order < MAX_PAGE_ORDER; order++) {
		buddy = pb_buddy(pb, order);
		if (buddy->list != (long)order)
			break;
		pb_off(zone, buddy);
		mm.memmap[pb_index(pb < buddy ? buddy : pb)].word = PAGE_NONE;
		pb = pb < buddy ? pb : buddy;
	}
	whole_add(zone, pb, order);
}

void buddy_add(struct zone *zone, unsigned long index, unsigned long end)
{
	while (index < end) {
		unsigned long stop = (index | (pageblock_nr_pages - 1)) + 1;

		VM_BUG_ON(index < zone->start || end > zone->end);
		if (stop > end)
			stop = end;
		if (FOR_SPEED && stop - index == pageblock_nr_pages)
			map_fill(index, true);
		else
			map_change(index, stop - index, true);
		count_free(zone, pb_of(index), (long)(stop - index));
		index = stop;
	}
}

void buddy_put(struct zone *zone, unsigned long index, unsigned int order)
{
	VM_BUG_ON(!zone_locked(zone));
	VM_BUG_ON(order > MAX_PAGE_ORDER || index & ((1UL << order) - 1));
	mm.memmap[index].word = PAGE_NONE;
	if (FOR_SPEED && order < pageblock_order) {
		unsigned long at = index & (WORD_PAGES - 1);
		uint64_t *word = map_word(index), *end = word + (1UL << order >> WORD_ORDER);
		uint8_t *largest = map_order(index);

		if (order < WORD_ORDER) {
			VM_BUG_ON(*word & map_mask(order) << at);
			*word |= map_mask(order) << at;
			*largest = (uint8_t)word_largest(*word);
		}
		for (; word < end; word++) {
			VM_BUG_ON(*word);
			*word = WORD_FULL;
			*largest++ = WORD_ORDER + 1;
			__asm__("" : "+r"(largest)); /* a few: no memset() */
		}
		count_free(zone, pb_of(index), 1L << order);
	} else {
		buddy_add(zone, index, index + (1UL << order));
	}
}

void buddy_added(struct zone *zone, unsigned long index)
{
	struct pageblock *pb = pb_of(index);

	if (pb_is_whole(pb))
		whole_free(zone, pb);
	else if (pb->nr_free)
		pb_settle(zone, pb, pageblock_order - 1);
}

/* The same of both pageblocks of a pair at once; one of a kept type was not allocated as such a block. */
static void pair_free(struct zone *zone, unsigned long index)
{
	struct pageblock *pb = pb_of(index);

	map_fill(index, true);
	map_fill(index + pageblock_nr_pages, true);
	pb[0].nr_free = pb[1].nr_free = pageblock_nr_pages;
	zone->nr_free += MAX_ORDER_NR_PAGES;
	whole_add(zone, pb, MAX_PAGE_ORDER);
}

/* Any pages that were not free, of one pageblock or of a pair. */
static void buddy_free_range(struct zone *zone, unsigned long index, unsigned long end)
{
	if (FOR_SPEED && SECTION_PAGEBLOCKS == 2 && end - index == MAX_ORDER_NR_PAGES) {
		pair_free(zone, index);
		return;
	}
	buddy_add(zone, index, end);
	for (; index < end; index = (index | (pageblock_nr_pages - 1)) + 1)
		buddy_added(zone, index);
}

/*
 * A block within a word, where speed counts. Its pageblock goes to another list only if the run
 * that it is part of now is larger than all that were free.
 */
static inline void word_free(struct zone *zone, unsigned long index, unsigned long order)
{
	unsigned long at = index & (WORD_PAGES - 1);
	uint64_t *word = map_word(index), mask = map_mask(order) << at, bits = *word | mask;
	uint8_t *largest = map_order(index);
	struct pageblock *pb = pb_of(index);

	VM_BUG_ON(*word & mask);
	*word = bits;
	count_free(zone, pb, 1L << order);
	while (order < WORD_ORDER) {
		at &= ~(1UL << order);
		mask = map_mask(order + 1) << at;
		if ((bits & mask) != mask)
			break;
		order++;
	}
	if (order >= *largest)
		*largest = (uint8_t)(order + 1);
	if (pb_is_whole(pb)) {
		whole_free(zone, pb);
		return;
	}
	if (order >= WORD_ORDER)
		order = (unsigned long)pb_largest(pb_index(pb), pageblock_order - 1);
	if ((long)order > pb->list)
		pb_relist(zone, pb, (long)order);
}

void buddy_free(struct zone *zone, unsigned long index, unsigned int order)
{
	VM_BUG_ON(!zone_locked(zone));
	VM_BUG_ON(order > MAX_PAGE_ORDER || index & ((1UL << order) - 1));
	VM_BUG_ON(index < zone->start || index + (1UL << order) > zone->end);
	VM_BUG_ON(!section_is_open(index >> SECTION_SHIFT));
	VM_BUG_ON(!trusted(index));
	mm.memmap[index].word = PAGE_NONE;
	if (FOR_SPEED && order < WORD_ORDER)
		word_free(zone, index, order);
	else
		buddy_free_range(zone, index, index + (1UL << order));
}

/*
 * Of the work of a call, beside what pages merge: to count them by type where pageblocks of kept
 * types are.
 */
#define COUNT_WORK 4

/* A single page of them, as buddy_free() does it: larger blocks' stack is not needed. */
MM_APART void page_free(struct zone *zone, struct page *page, unsigned long index)
{
	page->word = PAGE_NONE;
	word_free(zone, index, 0);
}

/* Of pages that have become free, those of pageblocks of kept types. */
static __attribute__((noinline)) void count_kept(struct zone *zone, struct page *const pages[],
						 unsigned long n)
{
	unsigned long kept = 0;

	for (unsigned long i = 0; i < n; i++) {
		const struct pageblock *pb = pb_of((unsigned long)(pages[i] - mm.memmap));

		if (pb_is_kept(pb)) {
			kept++;
			nr_free_of(zone, pb->type)++;
		}
	}
	zone->nr_free -= kept;
}

unsigned long buddy_free_pages(struct zone *zone, struct page *const pages[], unsigned long n,
			       long work)
{
	struct page *const memmap = mm.memmap;
	uint64_t *const map = mm.map;
	uint8_t *const map_largest = mm.map_order;
	struct pageblock *const pageblocks = mm.pageblocks;
	struct page *const *const first = pages, *const *const end = pages + n;

	VM_BUG_ON(!zone_locked(zone) || !n || work > FREE_WORK);
	if (zone->nr_kept)
		work -= COUNT_WORK;
	if (!FOR_SPEED) {
		buddy_free(zone, (unsigned long)(*pages - memmap), 0);
		return 1;
	}
	do {
		struct page *page = *pages;
		unsigned long index = (unsigned long)(page - memmap);
		unsigned long at = index & (WORD_PAGES - 1);
		struct pageblock *pb = &pageblocks[index >> pageblock_order];
		uint64_t bits = map[index >> WORD_ORDER] | (uint64_t)1 << at;
		uint8_t *largest = &map_largest[index >> WORD_ORDER];
		unsigned long order = bits >> (at ^ 1) & 1; /* of the block it is part of now */

		VM_BUG_ON(zone_of(index) != zone);
		VM_BUG_ON(page_state(page) != PAGE_ALLOC || page->_refcount || page_order(page));
		VM_BUG_ON(map_test(index) || pb->nr_free >= pageblock_nr_pages);
		if (order) {
			uint64_t run = 3;
			unsigned long size = 2;

			for (; order < WORD_ORDER; order++) {
				run |= run << size;
				size *= 2;
				at &= -size;
				if ((bits >> at & run) != run)
					break;
			}
			/*
			 * A pageblock that is free as a whole is work enough for a call, and so is
			 * a full word where much was done before, or all pages are to be counted.
			 */
			if (order == WORD_ORDER && (pb->nr_free == pageblock_nr_pages - 1 ||
						    zone->nr_kept || work <= FREE_WORK / 3)) {
				if (pages == first) {
					page_free(zone, page, index);
					return 1;
				}
				break;
			}
		}
		page->word = PAGE_NONE;
		map[index >> WORD_ORDER] = bits;
		pb->nr_free++;
		if (order < *largest) {
			work -= (long)order;
			continue;
		}
		*largest = (uint8_t)(order + 1);
		if (order == WORD_ORDER)
			order = (unsigned long)pb_largest(index, pageblock_order - 1);
		work -= (long)order;
		if ((long)order > pb->list) {
			pb_relist(zone, pb, (long)order);
			work -= RELIST_WORK;
		}
	} while (++pages < end && work > 0);
	n = (unsigned long)(pages - first);
	zone->nr_free += n;
	if (zone->nr_kept)
		count_kept(zone, first, n);
	return n;
}

/* A block that may have been a whole pageblock falls apart: what is freed of it is of this type. */
static inline void pageblock_set_type(struct pageblock *pb, enum migratetype type)
{
	VM_BUG_ON(pb->list >= pageblock_order || type >= MIGRATE_PCPTYPES);
	if (!pb->nr_free && !pb_is_kept(pb))
		pb->type = (uint8_t)type;
}

/* What the debug options do besides to all but the first `pages` of a block. */
static void hook_free_tails(unsigned long index, unsigned int order, unsigned long pages,
			    enum migratetype type)
{
	while (pages < 1UL << order) {
		unsigned long half = 1UL << --order;

		if (pages > half) {
			index += half;
			pages -= half;
		} else {
			hook_free_part(index + half, order, type);
		}
	}
}

void buddy_free_tails(struct zone *zone, unsigned long index, unsigned int order,
		      unsigned long pages, enum migratetype type)
{
	VM_BUG_ON(!zone_locked(zone));
	VM_BUG_ON(!pages || pages > 1UL << order || order > MAX_PAGE_ORDER);
	VM_BUG_ON(index & ((1UL << order) - 1));
	VM_BUG_ON(trusted(index) && page_state(&mm.memmap[index]) == PAGE_FREE);
	for (unsigned long at = index; at < index + (1UL << order); at += pageblock_nr_pages)
		pageblock_set_type(pb_of(at), type);
	if (HOOKS)
		hook_free_tails(index, order, pages, type);
	if (pages == 1) /* what is kept becomes a head within its group */
		trust_head(index, 0);
	buddy_free_range(zone, index + pages, index + (1UL << order));
}
