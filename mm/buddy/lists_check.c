/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lists_check.c: what the blocks of a zone were found to be (blocks_check.c) is compared with what its
 * pageblocks list, and that with the zone's lists and counts.
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

static struct link link_of_page(unsigned long number, unsigned int order, unsigned int prev)
{
	struct link link;

	if (prev == NIL16)
		snprintf(link.text, sizeof(link.text), "pageblock[%lu].head[%u]", number, order);
	else
		snprintf(link.text, sizeof(link.text), "page[%lu].next",
			 (number << pageblock_order) + prev);
	return link;
}

/* Walks the pageblock's list of an order; returns its pages. */
static unsigned int check_blocks_listed(struct walk *walk, unsigned long number, unsigned int order)
{
	const struct pageblock *pb = &mm.pageblocks[number];
	unsigned long base = number << pageblock_order;
	unsigned int pages = 0, prev = NIL16, n = pb->head[order];

	do {
		const struct page *page = &mm.memmap[base + n];

		if (n >= pageblock_nr_pages) {
			expect(walk, false, "%s: %u, pageblock[%lu].free_orders: 0x%x",
			       link_of_page(number, order, prev).text, n, number, pb->free_orders);
			break;
		}
		if (!trusted(base + n) || page->word != PAGE_FREE_WORD(order) ||
		    page->prev != prev || pages >= pageblock_nr_pages) {
			expect(walk, false,
			       "page[%lu]: info 0x%x _refcount %u prev %u, but %s leads here by pageblock[%lu].free_orders 0x%x",
			       base + n, page->info, page->_refcount, page->prev,
			       link_of_page(number, order, prev).text, number, pb->free_orders);
			break;
		}
		pages += 1U << order;
		walk->free[order]--; /* what was seen must be what is listed */
		prev = n;
		n = page->next;
	} while (n != NIL16);
	return pages;
}

/* One that is free as a whole, alone or with its twin. */
static void check_whole_pageblock(struct walk *walk, unsigned long number)
{
	const struct pageblock *pb = &mm.pageblocks[number];
	unsigned long base = number << pageblock_order;

	expect(walk,
	       trusted(base) && mm.memmap[base].word == PAGE_FREE_WORD(pb->list) &&
		       !pb->free_orders,
	       "pageblock[%lu].list: %d, but page[%lu] has info 0x%x _refcount %u trust[%lu] %d .free_orders 0x%x",
	       number, pb->list, base, mm.memmap[base].info, mm.memmap[base]._refcount,
	       base >> GROUP_SHIFT, trust_of(base), pb->free_orders);
	expect(walk, pb->list == pageblock_order || number % 2 == 0,
	       "pageblock[%lu].list: %d, in the upper half of a section", number, pb->list);
	if (pb->type == MIGRATE_HIGHATOMIC) {
		walk->free_highatomic += pageblock_nr_pages;
		walk->lists[MIGRATE_HIGHATOMIC][pb->list]++;
		walk->free[pb->list]--; /* listed here, and not among the whole ones */
	} else {
		walk->lists[PB_WHOLE][pb->list]++;
	}
}

static void check_pageblock(struct walk *walk, unsigned long number)
{
	const struct pageblock *pb = &mm.pageblocks[number];
	unsigned int pages = 0;
	int largest = PB_OFF_LIST;

	expect(walk, !(pb->free_orders >> pageblock_order), "pageblock[%lu].free_orders: 0x%x",
	       number, pb->free_orders);
	for (unsigned int order = 0; order < pageblock_order; order++) {
		if (!(pb->free_orders >> order & 1))
			continue;
		largest = (int)order;
		pages += check_blocks_listed(walk, number, order);
	}
	expect(walk, pages == pb->nr_free,
	       "pageblock[%lu].nr_free: %u, but %u by .head and page[].next", number, pb->nr_free,
	       pages);
	expect(walk, pb->type < MIGRATE_TYPES, "pageblock[%lu].type: %u", number, pb->type);
	if (pb->type == MIGRATE_HIGHATOMIC) {
		walk->highatomic += pageblock_nr_pages;
		walk->free_highatomic += pages;
	}
	if (!expect(walk, pb->list >= PB_OFF_LIST && pb->list <= MAX_PAGE_ORDER,
		    "pageblock[%lu].list: %d", number, pb->list))
		return;
	if (pb->list >= pageblock_order) {
		check_whole_pageblock(walk, number);
		return;
	}
	expect(walk, pb->list == largest,
	       "pageblock[%lu].list: %d, but .free_orders 0x%x has the largest free order at %d",
	       number, pb->list, pb->free_orders, largest);
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
		    (type == PB_WHOLE ? pb->type == MIGRATE_HIGHATOMIC : pb->type != type)) {
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
	/* Those on a pageblock's own lists were counted off when that was walked. */
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

/* Nobody holds it, and as often as it was taken tickets were drawn and served. */
static void check_lock(struct walk *walk)
{
	const struct spinlock *lock = &walk->zone->lock;
	uint32_t next = atomic_load_explicit(&lock->next, memory_order_relaxed);
	uint32_t owner = atomic_load_explicit(&lock->owner, memory_order_relaxed);

	expect(walk,
	       next == owner && next == (uint32_t)lock->acquired &&
		       lock->contended <= lock->acquired,
	       "zone[%d].lock: next %u owner %u acquired %llu contended %llu", walk->zone_number,
	       (unsigned int)next, (unsigned int)owner, (unsigned long long)lock->acquired,
	       (unsigned long long)lock->contended);
#if CONFIG_DEBUG_VM
	expect(walk, !lock->holder, "zone[%d].lock: holder 0x%llx", walk->zone_number,
	       (unsigned long long)(uintptr_t)lock->holder);
#endif
}

void check_zone(struct walk *walk, const struct zone *zone)
{
	uint64_t free;

	walk->zone = zone;
	walk->zone_number = (int)(zone - mm.zones);
	memset(walk->free, 0, sizeof(walk->free));
	memset(walk->lists, 0, sizeof(walk->lists));
	walk->free_pages = walk->allocated = walk->highatomic = walk->free_highatomic = 0;
	for (uint32_t s = zone_first_span(zone); s < zone->span_end; s++) {
		for (unsigned long n = mm.spans[s].first; n < mm.spans[s].opened; n++)
			check_section(walk, n);
		check_untouched(walk, &mm.spans[s]);
	}
	for (uint32_t s = zone_first_span(zone); s < zone->span_end; s++)
		for (unsigned long n = mm.spans[s].first * 2UL; n < mm.spans[s].opened * 2UL; n++)
			check_pageblock(walk, n);
	check_lists(walk);
	free = walk->free_pages + zone->nr_untouched;
	check_count(walk, "nr_free", zone->nr_free, free, "page[].info and .nr_untouched");
	check_count(walk, "managed", zone->managed, free + walk->allocated,
		    "page[].info and .nr_untouched");
	check_count(walk, "nr_highatomic", zone->nr_highatomic, walk->highatomic,
		    "pageblock[].type");
	check_count(walk, "nr_free_highatomic", zone->nr_free_highatomic, walk->free_highatomic,
		    "pageblock[].type and .nr_free");
	check_lock(walk);
}
