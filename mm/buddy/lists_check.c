/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lists_check.c: what the blocks of a zone were found to be (blocks_check.c) is compared with the
 * counts and largest orders of its pageblocks, and these with the zone's lists and counts.
 */
#include <stdio.h>
#include <string.h>
#include "../check_walk.h"
#include "buddy_internal.h"

/* ---- pageblocks ---------------------------------------------------------------------------- */

/* What leads to an entry of a list, for the report: the list's head or the entry before. */
struct link {
	char text[48];
};

/* The largest order that is free in the map of a pageblock that is not free as a whole. */
static int largest_free(unsigned long first)
{
	for (int order = pageblock_order - 1; order >= 0; order--)
		for (unsigned long at = 0; at < pageblock_nr_pages; at += 1UL << order) {
			unsigned long n = 0;

			while (n < 1UL << order && map_test(first + at + n))
				n++;
			if (n == 1UL << order)
				return order;
		}
	return PB_OFF_LIST;
}

/* Returns its free pages, by the map. */
static unsigned int check_map_words(struct walk *walk, unsigned long number)
{
	unsigned long first = number << pageblock_order;
	unsigned int pages = 0;

	for (unsigned long i = first; i < first + pageblock_nr_pages; i += WORD_PAGES) {
		uint64_t word = *map_word(i);

		expect(walk, !(word & ~WORD_FULL), "map[%lu]: 0x%llx", i >> WORD_ORDER,
		       (unsigned long long)word);
		expect(walk, *map_order(i) == word_largest(word & WORD_FULL),
		       "map_order[%lu]: %u, but map[%lu] 0x%llx", i >> WORD_ORDER, *map_order(i),
		       i >> WORD_ORDER, (unsigned long long)word);
		for (unsigned long n = 0; n < WORD_PAGES; n++)
			pages += map_test(i + n);
	}
	return pages;
}

/* One that is free as a whole, alone or with those after it. */
static void check_whole_pageblock(struct walk *walk, unsigned long number)
{
	const struct pageblock *pb = &mm.pageblocks[number];
	unsigned long base = number << pageblock_order;

	expect(walk, trusted(base) && mm.memmap[base].word == PAGE_FREE_WORD(pb->list),
	       "pageblock[%lu].list: %d, but page[%lu] has info 0x%x _refcount %u trust[%lu] %d map[%lu] 0x%llx",
	       number, pb->list, base, mm.memmap[base].info, mm.memmap[base]._refcount,
	       base >> GROUP_SHIFT, trust_of(base), base >> WORD_ORDER,
	       (unsigned long long)*map_word(base));
	expect(walk, !(base & ((1UL << pb->list) - 1)),
	       "pageblock[%lu].list: %d, in the upper half of a section", number, pb->list);
	if (pb_is_kept(pb) && pb->type < MIGRATE_TYPES) {
		walk->lists[pb->type][pb->list]++;
		walk->free[pb->list]--; /* listed here, and not among the whole ones */
	} else {
		walk->lists[PB_WHOLE][pb->list]++;
	}
}

static void check_pageblock(struct walk *walk, unsigned long number)
{
	const struct pageblock *pb = &mm.pageblocks[number];
	unsigned int pages = check_map_words(walk, number);
	int largest = PB_OFF_LIST;

	expect(walk, pages == pb->nr_free,
	       "pageblock[%lu].nr_free: %u, but %u by map[%lu] and those after it", number,
	       pb->nr_free, pages, number << (pageblock_order - WORD_ORDER));
	expect(walk, pb->type < MIGRATE_TYPES, "pageblock[%lu].type: %u", number, pb->type);
	walk->cma += pb->type == MIGRATE_CMA ||
				     (pb->type == MIGRATE_ISOLATE && pb_was(pb) == MIGRATE_CMA)
			     ? pageblock_nr_pages
			     : 0;
	walk->highatomic += pb->type == MIGRATE_HIGHATOMIC ? pageblock_nr_pages : 0;
	if (pb_is_kept(pb) && pb->type < MIGRATE_TYPES) {
		walk->kept += pageblock_nr_pages;
		walk->free_kept[KEPT(pb->type)] += pages;
	}
	if (!expect(walk, pb->list >= PB_OFF_LIST && pb->list <= MAX_PAGE_ORDER,
		    "pageblock[%lu].list: %d", number, pb->list))
		return;
	if (pb->list >= pageblock_order) {
		check_whole_pageblock(walk, number);
		return;
	}
	/*
	 * One that is free as a whole and on no list is no first part of a free block (blocks_check.c).
	 */
	if (pages < pageblock_nr_pages)
		largest = largest_free(number << pageblock_order);
	expect(walk, pb->list == largest,
	       "pageblock[%lu].list: %d, but map[%lu] and those after it have the largest free order at %d",
	       number, pb->list, number << (pageblock_order - WORD_ORDER), largest);
	if (pb->list >= 0 && pb->type < MIGRATE_TYPES)
		walk->lists[pb->type][pb->list]++;
}

/* ---- the zone's lists ---------------------------------------------------------------------- */

/* Of the zone, and in a section that is open: what a list may lead to. */
static bool pageblock_is_open(const struct zone *zone, uint32_t number)
{
	return number >= zone->start >> pageblock_order && number < zone->end >> pageblock_order &&
	       section_is_open(number >> (SECTION_SHIFT - pageblock_order));
}

static struct link link_of_pageblock(const struct walk *walk, unsigned int type, int order,
				     uint32_t prev)
{
	struct link link;

	if (prev == NIL32)
		snprintf(link.text, sizeof(link.text), "zone[%d].list[%u][%d]", walk->zone_number,
			 type, order);
	else
		snprintf(link.text, sizeof(link.text), "pageblock[%u].next", (unsigned int)prev);
	return link;
}

static void check_list(struct walk *walk, unsigned int type, int order)
{
	uint64_t count = 0, most = walk->lists[type][order];
	uint32_t n = walk->zone->list[type][order], prev = NIL32;

	for (; n != NIL32 && count <= most; count++) {
		const struct pageblock *pb = &mm.pageblocks[n];

		if (!pageblock_is_open(walk->zone, n)) {
			expect(walk, false, "%s: %u is no open pageblock of zone[%d]",
			       link_of_pageblock(walk, type, order, prev).text, (unsigned int)n,
			       walk->zone_number);
			return;
		}
		if (pb->prev != prev || pb->list != order ||
		    (type == PB_WHOLE ? pb_is_kept(pb) : pb->type != type)) {
			expect(walk, false,
			       "pageblock[%u]: list %d type %u prev %u, but %s leads here, on list %d of type %u",
			       (unsigned int)n, pb->list, pb->type, (unsigned int)pb->prev,
			       link_of_pageblock(walk, type, order, prev).text, order, type);
			return;
		}
		prev = n;
		n = pb->next;
	}
	expect(walk, count == most,
	       "zone[%d].list[%u][%d]: %llu pageblocks to the end at %s, but %llu should be there",
	       walk->zone_number, type, order, (unsigned long long)count,
	       link_of_pageblock(walk, type, order, prev).text, (unsigned long long)most);
}

static void check_lists(struct walk *walk)
{
	const struct zone *zone = walk->zone;

	for (unsigned int type = 0; type < NR_PB_LISTS; type++) {
		unsigned int bits = 0;

		for (int order = 0; order < NR_PAGE_ORDERS; order++) {
			check_list(walk, type, order);
			bits |= (unsigned int)(zone->list[type][order] != NIL32) << order;
		}
		expect(walk, zone->nonempty[type] == bits,
		       "zone[%d].nonempty[%u]: 0x%x, but its .list[%u] 0x%x", walk->zone_number,
		       type, zone->nonempty[type], type, bits);
	}
	/* Those of pageblocks of kept types were counted off when these were walked. */
	for (int order = 0; order < NR_PAGE_ORDERS; order++)
		expect(walk, walk->free[order] == walk->lists[PB_WHOLE][order],
		       "zone[%d]: %lld free blocks of order %d seen that no pageblock lists, %llu listed",
		       walk->zone_number, (long long)walk->free[order], order,
		       (unsigned long long)walk->lists[PB_WHOLE][order]);
}

/* ---- the zone ------------------------------------------------------------------------------ */

static void check_count(struct walk *walk, const char *field, uint64_t value, uint64_t seen,
			const char *by)
{
	expect(walk, value == seen, "zone[%d].%s: %llu, but %llu by %s", walk->zone_number, field,
	       (unsigned long long)value, (unsigned long long)seen, by);
}

/* Nobody has it or is in line, and it was taken for each place that was not lost. */
static void check_lock(struct walk *walk)
{
	const struct spinlock *lock = &walk->zone->lock;
	uint32_t locked = atomic_load_explicit(&lock->locked, memory_order_relaxed);
	uint32_t overtaken = atomic_load_explicit(&lock->overtaken, memory_order_relaxed);
	uint64_t next = atomic_load_explicit(&lock->next, memory_order_relaxed);
	uint64_t head = atomic_load_explicit(&lock->head, memory_order_relaxed);

	expect(walk,
	       !locked && next == head && overtaken <= next && next - overtaken <= lock->acquired,
	       "zone[%d].lock: locked %u next %llu head %llu overtaken %u acquired %llu",
	       walk->zone_number, (unsigned int)locked, (unsigned long long)next,
	       (unsigned long long)head, (unsigned int)overtaken,
	       (unsigned long long)lock->acquired);
#if CONFIG_DEBUG_VM
	expect(walk, !lock->holder, "zone[%d].lock: holder 0x%llx", walk->zone_number,
	       (unsigned long long)(uintptr_t)lock->holder);
#endif
}

void check_zone(struct walk *walk, const struct zone *zone)
{
	uint64_t free, kept = 0;

	walk->zone = zone;
	walk->zone_number = (int)(zone - mm.zones);
	memset(walk->free, 0, sizeof(walk->free));
	memset(walk->lists, 0, sizeof(walk->lists));
	walk->free_pages = walk->allocated = walk->highatomic = walk->kept = walk->cma = 0;
	memset(walk->free_kept, 0, sizeof(walk->free_kept));
	for (uint32_t s = zone_first_span(zone); s < zone->span_end; s++) {
		for (unsigned long n = mm.spans[s].first; n < mm.spans[s].opened; n++)
			check_section(walk, n);
		check_untouched(walk, &mm.spans[s]);
	}
	for (uint32_t s = zone_first_span(zone); s < zone->span_end; s++)
		for (unsigned long n = mm.spans[s].first * SECTION_PAGEBLOCKS;
		     n < mm.spans[s].opened * SECTION_PAGEBLOCKS; n++)
			check_pageblock(walk, n);
	check_lists(walk);
	free = walk->free_pages + zone->nr_untouched;
	for (int i = 0; i < NR_KEPT_TYPES; i++)
		kept += walk->free_kept[i];
	check_count(walk, "nr_free", zone->nr_free, free - kept,
		    "map[], page[].info and .nr_untouched");
	check_count(walk, "managed", zone->managed, free + walk->allocated,
		    "map[], page[].info and .nr_untouched");
	check_count(walk, "nr_highatomic", zone->nr_highatomic, walk->highatomic,
		    "pageblock[].type");
	check_count(walk, "nr_cma", zone->nr_cma, walk->cma, "pageblock[].type and .was");
	check_count(walk, "nr_kept", zone->nr_kept, walk->kept, "pageblock[].type");
	for (int i = 0; i < NR_KEPT_TYPES; i++)
		check_count(walk, "nr_free_kept", zone->nr_free_kept[i], walk->free_kept[i],
			    "pageblock[].type and .nr_free");
	check_lock(walk);
}
