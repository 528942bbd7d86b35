/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * isolation.c: pageblocks from which nothing is allocated any more (Linux: mm/page_isolation.c), and
 * ranges of pages that are made of them.
 *
 *   pageblock of a type --buddy_isolate()--> ISOLATE: what is freed stays --buddy_take_range()-->
 *   pages in use, the pageblock has its type again --buddy_return_range()--> free
 *
 * To isolate one moves a list entry. Undone in the reverse order, all lists are as they were. The
 * caller holds the zone's lock.
 */
#include "../debug/hooks.h"
#include "buddy_internal.h"

/* ---- what a pageblock was ------------------------------------------------------------------ */

/* The place and type that an isolated pageblock had, in its word `was`. */
#define WAS_PREV   0xffffffU /* the one before it on its list, by its number; all set: none */
#define WAS_LIST   27	     /* 4 bits: the list's order plus one */
#define WAS_UNREAD 31	     /* the upper one's first descriptor had never been written */

static_assert(MIGRATE_TYPES <= 8, "a type has 3 bits");

/* The trust byte of the first pages of the upper pageblock of its section: a head is there only while the
 * two are no pair. */
static int8_t *upper_trust(const struct pageblock *pb)
{
	return &mm.trust[(pb_index(pb) | pageblock_nr_pages) >> GROUP_SHIFT];
}

static void note_place(struct pageblock *pb, const struct pageblock *head)
{
	bool unread = SECTION_PAGEBLOCKS == 2 && *upper_trust(pb) == TRUST_NONE;

	/* a number that is larger, of many small pageblocks, is not noted: it will be the first */
	pb->was = (head->list == PB_OFF_LIST || head->prev > WAS_PREV ? WAS_PREV : head->prev) |
		  (uint32_t)pb->type << WAS_TYPE | (uint32_t)(head->list + 1) << WAS_LIST |
		  (uint32_t)unread << WAS_UNREAD;
}

/* It is the first of its list: is its place behind another of them? Then it moves there. */
static void restore_place(struct zone *zone, struct pageblock *pb, uint32_t was)
{
	uint32_t number = (uint32_t)(pb - mm.pageblocks), prev = was & WAS_PREV;
	unsigned long order = (was >> WAS_LIST & 0xf) - 1;
	struct pageblock *before = &mm.pageblocks[prev];

	if (prev == WAS_PREV || (unsigned long)pb->list != order || before->list != pb->list ||
	    list_type(before, before->list) != list_type(pb, pb->list) ||
	    zone_of(pb_index(before)) != zone)
		return;
	zone->list[list_type(pb, pb->list)][order] = pb->next;
	if (pb->next != NIL32) /* there is `before` at least */
		mm.pageblocks[pb->next].prev = NIL32;
	pb->prev = prev;
	pb->next = before->next;
	if (pb->next != NIL32)
		mm.pageblocks[pb->next].prev = number;
	before->next = number;
}

/* ---- isolation ----------------------------------------------------------------------------- */

/* Its pages count as those of this type; it is on no list. */
static void retype(struct zone *zone, struct pageblock *pb, enum migratetype type)
{
	uint64_t was_kept = pb_is_kept(pb) ? pageblock_nr_pages : 0;

	zone->nr_highatomic -= pb->type == MIGRATE_HIGHATOMIC ? pageblock_nr_pages : 0;
	zone->nr_kept += pageblock_nr_pages; /* never fewer than are free of kept types */
	pb_change_type(zone, pb, type);
	zone->nr_kept -= was_kept + (pb_is_kept(pb) ? 0 : pageblock_nr_pages);
	zone->nr_highatomic += pb->type == MIGRATE_HIGHATOMIC ? pageblock_nr_pages : 0;
}

/* Is all of it part of a block that is in use? Such a block does not move. */
static bool in_large_block(unsigned long index)
{
	unsigned long head = map_test(index) ? NIL32 : block_head(index);

	return head != NIL32 && page_order(&mm.memmap[head]) >= pageblock_order;
}

bool buddy_isolate(struct zone *zone, unsigned long pageblock)
{
	struct pageblock *pb = &mm.pageblocks[pageblock], *head = pb;

	VM_BUG_ON(!zone_locked(zone));
	if (pb->type == MIGRATE_ISOLATE || in_large_block(pb_index(pb)))
		return false;
	if (pb_is_whole(pb))
		head = whole_head(pb);
	note_place(pb, head);
	if (head->list > pageblock_order) /* the other half stays */
		whole_cut(zone, head, pb, pageblock_order);
	pb_relist(zone, pb, PB_OFF_LIST);
	retype(zone, pb, MIGRATE_ISOLATE);
	buddy_added(zone, pb_index(pb));
	return true;
}

void buddy_unisolate(struct zone *zone, unsigned long pageblock)
{
	struct pageblock *pb = &mm.pageblocks[pageblock], *head = pb;
	unsigned long index = pb_index(pb);
	uint32_t was = pb->was;
	bool whole;

	VM_BUG_ON(!zone_locked(zone));
	VM_BUG_ON(pb->type != MIGRATE_ISOLATE);
	whole = pb_is_whole(pb);
	pb_relist(zone, pb, PB_OFF_LIST);
	retype(zone, pb, pb_was(pb));
	buddy_added(zone, index);
	if (whole)
		head = whole_head(pb);
	if (head->list != PB_OFF_LIST)
		restore_place(zone, head, was);
	if (was >> WAS_UNREAD && head->list == MAX_PAGE_ORDER)
		*upper_trust(pb) = TRUST_NONE;
}

unsigned long buddy_alloc_at(struct zone *zone, unsigned long pageblock, unsigned int order)
{
	struct pageblock *pb = &mm.pageblocks[pageblock];

	VM_BUG_ON(!zone_locked(zone));
	if (pb_is_kept(pb) || pb_is_whole(pb) || pb->list < (long)order)
		return NIL32;
	return pb_take(zone, pb, order, (enum migratetype)pb->type);
}

unsigned long buddy_alloc_pages_at(struct zone *zone, unsigned long pageblock, unsigned long most,
				   uint64_t raw, struct page **pages)
{
	struct pageblock *pb = &mm.pageblocks[pageblock];
	unsigned long index = pb_index(pb), n = 0;
	uint64_t left;
	long touched;

	VM_BUG_ON(!zone_locked(zone));
	if (pb_is_kept(pb) || pb_is_whole(pb) || !pb->nr_free)
		return 0;
	while (!*map_order(index))
		index += WORD_PAGES;
	touched = (long)*map_order(index) - 1;
	left = *map_word(index);
	do {
		unsigned long at = index + lowest_bit(left);

		left &= left - 1;
		trust_head(at, 0);
		mm.memmap[at].raw = raw;
		pages[n++] = &mm.memmap[at];
	} while (left && n < most);
	*map_word(index) = left;
	*map_order(index) = (uint8_t)word_largest(left);
	count_free(zone, pb, -(long)n);
	if (touched >= (long)WORD_ORDER || touched >= pb->list)
		pb_settle(zone, pb, pageblock_order - 1);
	return n;
}

/* Where a block of this order is free in an isolated pageblock, outside [start, end); or NIL32. */
static unsigned long place_beside(unsigned long index, unsigned long start, unsigned long end,
				  unsigned int order)
{
	for (unsigned long at = index, next; at < index + pageblock_nr_pages; at = next) {
		uint64_t bits = WORD_FULL;

		next = at + (order > WORD_ORDER ? 1UL << order : WORD_PAGES);
		for (unsigned long word = at; word < next; word += WORD_PAGES) {
			bits &= *map_word(word);
			if (start < word + WORD_PAGES && end > word) {
				unsigned long first = start > word ? start - word : 0;

				bits &= (((uint64_t)1 << first) - 1) |
					(end - word < WORD_PAGES ? WORD_FULL << (end - word) : 0);
			}
		}
		for (unsigned int n = 0; n < order && n < WORD_ORDER; n++)
			bits = map_pairs(bits, n);
		if (bits & WORD_FULL)
			return at + lowest_bit(bits & WORD_FULL);
	}
	return NIL32;
}

unsigned long buddy_alloc_beside(struct zone *zone, unsigned long pageblock, unsigned long start,
				 unsigned long end, unsigned int order, uint32_t word)
{
	struct pageblock *pb = &mm.pageblocks[pageblock];
	unsigned long index;
	long most = pb->list;

	VM_BUG_ON(!zone_locked(zone));
	if (pb->type != MIGRATE_ISOLATE || FAULT_POINT())
		return NIL32;
	index = place_beside(pb_index(pb), start, end, order);
	if (index == NIL32)
		return NIL32;
	if (pb_is_whole(pb)) {
		whole_cut(zone, whole_head(pb), pb, pageblock_order);
		most = pageblock_order - 1;
	}
	map_change(index, 1UL << order, false);
	count_free(zone, pb, -(1L << order));
	trust_head(index, order);
	mm.memmap[index].raw = word;
	pb_settle(zone, pb, most);
	return index;
}

/* ---- CMA areas ----------------------------------------------------------------------------- */

void buddy_make_cma(struct zone *zone, unsigned long pageblock)
{
	struct pageblock *pb = &mm.pageblocks[pageblock];

	VM_BUG_ON(!pb_is_whole(pb));
	if (!buddy_isolate(zone, pageblock))
		return;
	pb_relist(zone, pb, PB_OFF_LIST);
	retype(zone, pb, MIGRATE_CMA);
	zone->nr_cma += pageblock_nr_pages;
	buddy_added(zone, pb_index(pb));
}

unsigned long buddy_alloc_cma(struct zone *zone, unsigned int order)
{
	struct pageblock *pb = pb_find(zone, MIGRATE_CMA, order);

	VM_BUG_ON(!zone_locked(zone));
	if (!pb || FAULT_POINT())
		return NIL32;
	return pb_take(zone, pb, order, MIGRATE_CMA);
}

/* ---- ranges -------------------------------------------------------------------------------- */

static inline RACY bool is_free(unsigned long index)
{
	return READ_ONCE(*map_word(index)) >> index % WORD_PAGES & 1;
}

/* With the lock, or in isolated pageblocks: there what is free stays so. */
RACY bool buddy_range_free(unsigned long start, unsigned long end)
{
	for (; start < end && start % WORD_PAGES; start++)
		if (!is_free(start))
			return false;
	for (; start + WORD_PAGES <= end; start += WORD_PAGES)
		if (READ_ONCE(*map_word(start)) != WORD_FULL)
			return false;
	for (; start < end; start++)
		if (!is_free(start))
			return false;
	return true;
}

/* The largest order of an aligned block that starts at index and ends at `end` at most. */
static unsigned int block_order(unsigned long index, unsigned long end)
{
	unsigned int order = 0;

	while (order < MAX_PAGE_ORDER && !(index >> order & 1) && index + (2UL << order) <= end)
		order++;
	return order;
}

void buddy_take_range(struct zone *zone, unsigned long start, unsigned long end, uint32_t word)
{
	VM_BUG_ON(!zone_locked(zone) || !buddy_range_free(start, end));
	for (unsigned long at = start, stop; at < end; at = stop) {
		struct pageblock *pb = pb_of(at);

		stop = (at | (pageblock_nr_pages - 1)) + 1;
		if (stop > end)
			stop = end;
		VM_BUG_ON(pb->type != MIGRATE_ISOLATE);
		pb_relist(zone, pb, PB_OFF_LIST);
		if (pb_is_whole(pb))
			mm.memmap[pb_index(pb)].word = PAGE_NONE;
		if (stop - at == pageblock_nr_pages)
			map_fill(at, false);
		else
			map_change(at, stop - at, false);
		count_free(zone, pb, (long)(at - stop));
		/* what a HIGHATOMIC pageblock kept is given up */
		if (pb_was(pb) == MIGRATE_HIGHATOMIC)
			pb->was ^= (MIGRATE_HIGHATOMIC ^ MIGRATE_UNMOVABLE) << WAS_TYPE;
		retype(zone, pb, pb_was(pb));
		buddy_added(zone, pb_index(pb));
	}
	for (unsigned int order; start < end; start += 1UL << order) {
		order = block_order(start, end);
		trust_head(start, order);
		mm.memmap[start].raw = word | PAGE_INFO(PAGE_CONTIG, order);
	}
}

void buddy_return_range(struct zone *zone, unsigned long start, unsigned long end)
{
	VM_BUG_ON(!zone_locked(zone));
	for (unsigned long at = start; at < end;) {
		struct page *page = &mm.memmap[at];

		VM_BUG_ON(!trusted(at) || page_state(page) != PAGE_CONTIG);
		at += 1UL << page_order(page);
		page->word = PAGE_NONE;
	}
	buddy_add(zone, start, end);
	for (; start < end; start = (start | (pageblock_nr_pages - 1)) + 1)
		buddy_added(zone, start);
}
