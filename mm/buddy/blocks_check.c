/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * blocks_check.c: an open section is tiled with runs of pages that the map has as free and with the
 * blocks that their heads describe. The tables are right already (zone/tables_check.c);
 * descriptors, the map and the trust map may hold anything.
 */
#include "../check_walk.h"
#include "buddy_internal.h"

/* The words of the map that say what page[index] is, for the report. */
#define MAP_FMT		  "map[%lu] 0x%llx"
#define MAP_VALUES(index) (index) >> WORD_ORDER, (unsigned long long)*map_word(index)

/*
 * Descriptors of [first, end), where they were ever written, must be no heads: they lie in the
 * block, or the free pages, at index.
 */
static void check_no_heads(struct walk *walk, unsigned long first, unsigned long end,
			   unsigned long index)
{
	for (unsigned long i = first; i < end; i++) {
		const struct page *page = &mm.memmap[i];

		if (trust_of(i) == TRUST_NONE) {
			i |= GROUP_PAGES - 1;
			continue;
		}
		if (trusted(i))
			expect(walk, page->word == PAGE_NONE,
			       "page[%lu]: info 0x%x _refcount %u, but it lies in the block of page[%lu]; trust[%lu] is %d, " MAP_FMT,
			       i, page->info, page->_refcount, index, i >> GROUP_SHIFT, trust_of(i),
			       MAP_VALUES(i));
	}
}

static const struct pageblock *pageblock_of(unsigned long index)
{
	return &mm.pageblocks[index >> pageblock_order];
}

static bool pageblock_is_free(unsigned long index)
{
	unsigned long word = index >> pageblock_order << (pageblock_order - WORD_ORDER);

	for (unsigned long end = word + PB_WORDS; word < end; word++)
		if (mm.map[word] != WORD_FULL)
			return false;
	return true;
}

static bool pageblock_is_kept(unsigned long index)
{
	return pb_is_kept(pageblock_of(index));
}

/* A block of a pageblock or more: only free as one pageblock may it be kept as HIGHATOMIC. */
static void check_whole(struct walk *walk, unsigned long index, unsigned int order, bool free)
{
	for (unsigned long i = index; i < index + (1UL << order); i += pageblock_nr_pages) {
		const struct pageblock *pb = pageblock_of(i);
		int list = free && i == index ? (int)order : PB_OFF_LIST;

		expect(walk, pb->list == list,
		       "pageblock[%lu].list: %d, but page[%lu]'s block of order %u wants %d",
		       i >> pageblock_order, pb->list, index, order, list);
		expect(walk,
		       (free && order == pageblock_order) ||
			       (free ? !pb_is_kept(pb) : pb->type != MIGRATE_HIGHATOMIC),
		       "pageblock[%lu].type: %u, but page[%lu]'s block of order %u is all of it",
		       i >> pageblock_order, pb->type, index, order);
	}
}

static void check_free(struct walk *walk, unsigned long index, unsigned int order)
{
	/* The largest has none. */
	unsigned long buddy = order < MAX_PAGE_ORDER ? index ^ (1UL << order) : index;
	bool kept =
		order == pageblock_order && (pageblock_is_kept(index) || pageblock_is_kept(buddy));

	walk->free[order]++;
	walk->free_pages += 1UL << order;
	expect(walk,
	       order == MAX_PAGE_ORDER || kept || !trusted(buddy) ||
		       mm.memmap[buddy].word != PAGE_FREE_WORD(order),
	       "page[%lu]: a block of order %u that is free like its buddy page[%lu], not merged",
	       index, order, buddy);
}

/* Of an allocated block: the bits that say which cache it goes to are those of its zone. */
static bool class_is_of_zone(const struct walk *walk, uint32_t word)
{
	gfp_t class = (word & PAGE_CLASS_MASK) / (gfp_t)sizeof(struct per_cpu_pages);

	return class - walk->zone->first_pcp < MIGRATE_PCPTYPES;
}

/* Is the first word one that a block of this state can have? */
static bool word_is_possible(const struct walk *walk, const struct page *page)
{
	unsigned int order = page_order(page), spare = 0x1f; /* bits without a meaning */

	switch (page_state(page)) {
	case PAGE_FREE:
		return page->word == PAGE_FREE_WORD(order) && order >= pageblock_order;
	case PAGE_RESERVED:
		return page->word == PAGE_RESERVED_WORD(order) || page->word == PAGE_BAD_WORD;
	case PAGE_ALLOC:
		return !(page->word & spare) && class_is_of_zone(walk, page->word);
	case PAGE_COMPOUND:
		return !(page->word & spare) && class_is_of_zone(walk, page->word) &&
		       page->_refcount &&
		       (order || pageblock_is_kept((unsigned long)(page - mm.memmap)));
	case PAGE_FROZEN:
	case PAGE_CONTIG:
	case PAGE_SLAB:
		return !(page->word & spare) && class_is_of_zone(walk, page->word) &&
		       !page->_refcount;
	default:
		return false;
	}
}

/* The head at index: whether it can be one at all. */
static bool check_head(struct walk *walk, unsigned long index)
{
	const struct page *page = &mm.memmap[index];
	unsigned int order = page_order(page);

	if (!expect(walk, trusted(index),
		    "page[%lu]: a block starts here, after page[%lu]'s, but trust[%lu] is %d, " MAP_FMT,
		    index, walk->head, index >> GROUP_SHIFT, trust_of(index), MAP_VALUES(index)))
		return false;
	return expect(
		walk,
		page_state(page) != PAGE_NONE && order <= MAX_PAGE_ORDER &&
			!(index & ((1UL << order) - 1)),
		"page[%lu]: info 0x%x _refcount %u is no block's, after page[%lu]'s; " MAP_FMT,
		index, page->info, page->_refcount, walk->head, MAP_VALUES(index));
}

/* The map has all pages of a block as free, or none. */
static void check_map(struct walk *walk, unsigned long index, unsigned int order, bool free)
{
	for (unsigned long i = index; i < index + (1UL << order); i++)
		if (!expect(walk, map_test(i) == free,
			    MAP_FMT ", but page[%lu] lies in page[%lu]'s block: info 0x%x",
			    MAP_VALUES(i), i, index, mm.memmap[index].info))
			i |= WORD_PAGES - 1; /* once a word */
}

/* Free pages from index on, of a pageblock that is not free as a whole: none has a head. */
static unsigned long check_free_pages(struct walk *walk, unsigned long index)
{
	unsigned long end = index + 1;

	while (end & (pageblock_nr_pages - 1) && map_test(end))
		end++;
	check_no_heads(walk, index, end, index);
	walk->free_pages += end - index;
	expect(walk, frames_are_free(index_to_pfn(index), end - index),
	       MAP_FMT ": page[%lu] and %lu more are not all free memory, by memblock",
	       MAP_VALUES(index), index, end - index - 1);
	return end;
}

/* Returns where to go on: the block's end or, after what is none, the next that may be one. */
static unsigned long check_block(struct walk *walk, unsigned long index)
{
	const struct page *page = &mm.memmap[index];
	unsigned int order = page_order(page);
	enum page_state state = page_state(page);

	if (map_test(index) && !pageblock_is_free(index))
		return check_free_pages(walk, index);
	if (!check_head(walk, index)) {
		if (map_test(index))
			return (index | (pageblock_nr_pages - 1)) + 1;
		do
			index++;
		while (index % SECTION_PAGES && !map_test(index) &&
		       !(trusted(index) && page_state(&mm.memmap[index]) != PAGE_NONE));
		return index;
	}
	walk->head = index;
	expect(walk, word_is_possible(walk, page), "page[%lu]: info 0x%x _refcount %u is no state",
	       index, page->info, page->_refcount);
	expect(walk, order >= GROUP_SHIFT || trust_of(index) == TRUST_ALL,
	       "trust[%lu]: %d, but page[%lu] heads a block of order %u", index >> GROUP_SHIFT,
	       trust_of(index), index, order);
	check_no_heads(walk, index + 1, index + (1UL << order), index);
	check_map(walk, index, order, state == PAGE_FREE);
	if (order >= pageblock_order)
		check_whole(walk, index, order, state == PAGE_FREE);
	if (state != PAGE_RESERVED || page->word == PAGE_BAD_WORD)
		expect(walk, frames_are_free(index_to_pfn(index), 1UL << order),
		       "page[%lu]: a block of order %u that memblock knows as reserved, or as no memory",
		       index, order);
	if (state == PAGE_FREE)
		check_free(walk, index, order);
	else if (state != PAGE_RESERVED || page->word == PAGE_BAD_WORD)
		walk->allocated += 1UL << order;
	if (state == PAGE_ALLOC && !page->_refcount)
		cached_add(&walk->cached[walk->zone - mm.zones], index, order);
	return index + (1UL << order);
}

void check_section(struct walk *walk, unsigned long section)
{
	unsigned long index = section << SECTION_SHIFT, end = index + SECTION_PAGES;

	for (unsigned long i = index; i < end; i += GROUP_PAGES)
		expect(walk, trust_of(i) >= TRUST_ALL && trust_of(i) <= TRUST_NONE,
		       "trust[%lu]: %d", i >> GROUP_SHIFT, trust_of(i));
	walk->head = NIL32;
	while (index < end)
		index = check_block(walk, index);
}

void check_untouched(struct walk *walk, const struct span *span)
{
	unsigned long section = span->opened, end;

	for (; section < span->end; section = end) {
		pfn_t pfn = index_to_pfn(section << SECTION_SHIFT);

		/* To the end of the span, or of the bank. */
		for (end = section + 1; end < span->end; end++)
			if (index_to_pfn(end << SECTION_SHIFT) !=
			    pfn + ((end - section) << SECTION_SHIFT))
				break;
		expect(walk, frames_are_free(pfn, (end - section) << SECTION_SHIFT),
		       "span[%d].opened, .end: untouched sections %lu to %lu are not all free memory",
		       (int)(span - mm.spans), section, end);
	}
}
