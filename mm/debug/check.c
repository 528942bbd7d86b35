/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check.c: mm_check() walks every invariant, mm_state_hash() sums up the state.
 *
 * The check trusts nothing it verifies: it tiles each open section with the blocks their heads
 * describe, counts what it saw, and compares the counts with those that the lists, pageblocks,
 * zones and caches give.
 */
#include <stdarg.h>
#include <stdio.h>
#include "debug_internal.h"

#define MAX_REPORTS 10

struct walk {
	int violations;
	uint64_t free[NR_PAGE_ORDERS];		     /* blocks seen */
	uint64_t allocated, cached;		     /* pages seen */
	uint64_t lists[NR_PB_LISTS][NR_PAGE_ORDERS]; /* pageblocks that should be on each list */
	uint64_t highatomic, free_highatomic;	     /* pages of pageblocks of that type */
};

static __attribute__((format(printf, 3, 4))) void expect(struct walk *walk, bool holds,
							 const char *fmt, ...)
{
	char text[160];
	va_list args;

	if (holds || walk->violations++ >= MAX_REPORTS)
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	port_log("mm_check: %s", text);
}

/* Descriptors inside a block, where they were ever written, must be no heads. */
static void check_tails(struct walk *walk, unsigned long index, unsigned int order)
{
	unsigned long end = index + (1UL << order);

	for (unsigned long i = index + 1; i < end; i++) {
		if (mm.trust[i >> GROUP_SHIFT] == TRUST_NONE) {
			i |= GROUP_PAGES - 1;
			continue;
		}
		if (trusted(i))
			expect(walk, page_state(&mm.memmap[i]) == PAGE_NONE,
			       "page %lu lies in block %lu of order %u but has state %d", i, index,
			       order, (int)page_state(&mm.memmap[i]));
	}
}

static bool pageblock_is_highatomic(unsigned long index)
{
	return mm.pageblocks[index >> pageblock_order].type == MIGRATE_HIGHATOMIC;
}

/* Returns the order by which to go on. */
static unsigned int check_block(struct walk *walk, const struct zone *zone, unsigned long index)
{
	const struct page *page = &mm.memmap[index];
	unsigned int order = page_order(page);
	unsigned long buddy = index ^ (1UL << order);

	expect(walk, trusted(index) && page_state(page) != PAGE_NONE, "page %lu is no head", index);
	if (!trusted(index) || page_state(page) == PAGE_NONE)
		return 0;
	expect(walk, order <= MAX_PAGE_ORDER && !(index & ((1UL << order) - 1)),
	       "block %lu has order %u", index, order);
	if (order > MAX_PAGE_ORDER || index & ((1UL << order) - 1))
		return 0;
	expect(walk, order >= GROUP_SHIFT || mm.trust[index >> GROUP_SHIFT] == TRUST_ALL,
	       "block %lu of order %u in a group that is not written", index, order);
	check_tails(walk, index, order);
	switch (page_state(page)) {
	case PAGE_FREE:
		walk->free[order]++;
		expect(walk, page->word == PAGE_FREE_WORD(order), "free block %lu: word 0x%x",
		       index, (unsigned int)page->word);
		expect(walk,
		       order == MAX_PAGE_ORDER || !trusted(buddy) ||
			       mm.memmap[buddy].word != PAGE_FREE_WORD(order) ||
			       (order == pageblock_order &&
				(pageblock_is_highatomic(index) || pageblock_is_highatomic(buddy))),
		       "blocks %lu and %lu of order %u are free but not merged", index, buddy,
		       order);
		break;
	case PAGE_ALLOC:
	case PAGE_COMPOUND:
	case PAGE_FROZEN:
		walk->allocated += 1UL << order;
		if (page_state(page) == PAGE_ALLOC && !page->_refcount) {
			walk->cached += 1UL << order;
		}
		break;
	case PAGE_RESERVED:
		break;
	default:
		expect(walk, false, "block %lu has state %d", index, (int)page_state(page));
	}
	expect(walk, index >= zone->start && index + (1UL << order) <= zone->end,
	       "block %lu of order %u leaves zone %s", index, order, zone_name(zone));
	return order;
}

static void check_pageblock(struct walk *walk, uint32_t number)
{
	const struct pageblock *pb = &mm.pageblocks[number];
	const struct page *base = &mm.memmap[(unsigned long)number << pageblock_order];
	unsigned int pages = 0;
	int largest = PB_OFF_LIST;

	for (unsigned int order = 0; order < pageblock_order; order++) {
		uint16_t prev = NIL16, n = pb->head[order];

		if (!(pb->free_orders >> order & 1))
			continue;
		largest = (int)order;
		for (; n != NIL16 && pages <= pageblock_nr_pages; prev = n, n = base[n].next) {
			expect(walk,
			       n < pageblock_nr_pages && base[n].word == PAGE_FREE_WORD(order) &&
				       base[n].prev == prev,
			       "pageblock %u: bad link to %u on the list of order %u",
			       (unsigned int)number, (unsigned int)n, order);
			if (n >= pageblock_nr_pages)
				break;
			pages += 1U << order;
			walk->free[order]--; /* what was seen must be what is listed */
		}
	}
	expect(walk, pages == pb->nr_free, "pageblock %u: %u pages listed, nr_free %u",
	       (unsigned int)number, pages, (unsigned int)pb->nr_free);
	expect(walk, pb->type < MIGRATE_TYPES, "pageblock %u: type %u", (unsigned int)number,
	       (unsigned int)pb->type);
	if (pb->type == MIGRATE_HIGHATOMIC) {
		walk->highatomic += pageblock_nr_pages;
		walk->free_highatomic += pb->list == pageblock_order ? pageblock_nr_pages : pages;
	}
	if (pb->list >= pageblock_order) {
		if (pb->type == MIGRATE_HIGHATOMIC) {
			walk->lists[pb->type][pb->list]++;
			walk->free[pb->list]--; /* listed here, and not among the whole ones */
		} else {
			walk->lists[PB_WHOLE][pb->list]++;
		}
		expect(walk, !pages && base->word == PAGE_FREE_WORD(pb->list),
		       "pageblock %u: not free as a whole", (unsigned int)number);
	} else {
		expect(walk, pb->list == largest, "pageblock %u: on list %d, largest free order %d",
		       (unsigned int)number, pb->list, largest);
		if (pb->list >= 0 && pb->type < MIGRATE_TYPES)
			walk->lists[pb->type][pb->list]++;
	}
}

static uint64_t check_list(struct walk *walk, uint32_t head, int order, int type)
{
	uint32_t prev = NIL32;
	uint64_t count = 0, most = mm.nr_pages >> pageblock_order;

	for (uint32_t n = head; n != NIL32 && count <= most;
	     prev = n, n = mm.pageblocks[n].next, count++) {
		const struct pageblock *pb = &mm.pageblocks[n];

		expect(walk,
		       pb->prev == prev && pb->list == order &&
			       (type == PB_WHOLE ? pb->type != MIGRATE_HIGHATOMIC
						 : pb->type == type),
		       "list of order %d type %d: bad entry %u", order, type, (unsigned int)n);
	}
	return count;
}

static void check_lists(struct walk *walk, const struct zone *zone)
{
	for (int order = 0; order < NR_PAGE_ORDERS; order++) {
		for (int type = 0; type < NR_PB_LISTS; type++) {
			uint32_t head = zone->list[type][order];

			expect(walk,
			       check_list(walk, head, order, type) == walk->lists[type][order],
			       "zone %s: list of order %d type %d misses a pageblock",
			       zone_name(zone), order, type);
			expect(walk, (zone->nonempty[type] >> order & 1) == (head != NIL32),
			       "zone %s: nonempty bit %d of type %d", zone_name(zone), order, type);
		}
		/* Those on a pageblock's own lists were counted off when that was walked. */
		expect(walk, walk->free[order] == walk->lists[PB_WHOLE][order],
		       "zone %s: %lld free blocks of order %d seen and not listed by a pageblock, %llu listed",
		       zone_name(zone), (long long)walk->free[order], order,
		       (unsigned long long)walk->lists[PB_WHOLE][order]);
	}
}

/* One cache: its blocks are what the walk saw, and each is there once. Returns their pages. */
static uint64_t check_pcp(struct walk *walk, const struct mm_pcpu *cpu, unsigned int number,
			  const struct zone *zone)
{
	const struct per_cpu_pages *pcp = &cpu->cache[number];
	unsigned int order = number / NR_PCP_CLASSES;
	uint32_t word =
		PAGE_INFO(PAGE_ALLOC, order) | number % NR_PCP_CLASSES * (uint32_t)sizeof(*pcp);
	uint64_t count = 0;

	expect(walk,
	       !*pcp->base && pcp->top >= pcp->base && pcp->top <= pcp->limit &&
		       pcp->limit <= pcp->base + pcp->capacity,
	       "cpu %u cache %u: its pointers are out of order", (unsigned int)cpu->cpu, number);
	if (pcp->top == pcp->base || &mm.zones[pcp->zone] != zone)
		return 0;
	for (struct page **p = pcp->top; p > pcp->base; p--, count++) {
		unsigned long index = (unsigned long)(*p - mm.memmap);

		expect(walk,
		       index >= zone->start && index < zone->end && trusted(index) &&
			       (*p)->word == word,
		       "cpu %u cache %u: holds page %lu", (unsigned int)cpu->cpu, number, index);
		for (struct page **q = p - 1; q > pcp->base && q > p - 64; q--)
			expect(walk, *q != *p, "cpu %u cache %u: page %lu twice",
			       (unsigned int)cpu->cpu, number, index);
	}
	return count << order;
}

static void check_zone(struct walk *walk, enum zone_type type)
{
	const struct zone *zone = &mm.zones[type];
	uint32_t first = type == ZONE_DMA32 ? 0 : mm.zones[ZONE_DMA32].span_end;
	uint64_t free = 0, untouched = 0, chained = 0, cached = 0;

	*walk = (struct walk){.violations = walk->violations};
	for (uint32_t s = first; s < zone->span_end; s++) {
		const struct span *span = &mm.spans[s];

		expect(walk,
		       span->first < span->end && span->first <= span->opened &&
			       span->opened <= span->end &&
			       (!s || mm.spans[s - 1].end <= span->first),
		       "span %u is out of order", (unsigned int)s);
		untouched += (uint64_t)(span->end - span->opened) << SECTION_SHIFT;
		for (unsigned long i = (unsigned long)span->first << SECTION_SHIFT;
		     i < (unsigned long)span->opened << SECTION_SHIFT;)
			i += 1UL << check_block(walk, zone, i);
	}
	for (uint32_t s = zone->span, last = 0; s < zone->span_end && s >= last;
	     last = s + 1, s = mm.spans[s].next)
		chained += (uint64_t)(mm.spans[s].end - mm.spans[s].opened) << SECTION_SHIFT;
	expect(walk, chained == untouched, "zone %s: untouched sections that are not linked",
	       zone_name(zone));
	for (unsigned int order = 0; order < NR_PAGE_ORDERS; order++)
		free += walk->free[order] << order;
	for (uint32_t s = first; s < zone->span_end; s++)
		for (uint32_t n = mm.spans[s].first * 2; n < mm.spans[s].opened * 2; n++)
			check_pageblock(walk, n);
	check_lists(walk, zone);
	for (unsigned int cpu = 0; cpu < mm.end_cpu; cpu++)
		for (unsigned int i = 0; mm.pcpu[cpu] && i < NR_PCPS; i++)
			cached += check_pcp(walk, mm.pcpu[cpu], i, zone);
	expect(walk, cached == walk->cached, "zone %s: %llu pages in caches, %llu look it",
	       zone_name(zone), (unsigned long long)cached, (unsigned long long)walk->cached);
	expect(walk, zone->nr_untouched == untouched && zone->nr_free == free + untouched,
	       "zone %s: nr_free %llu, seen %llu and %llu untouched", zone_name(zone),
	       (unsigned long long)zone->nr_free, (unsigned long long)free,
	       (unsigned long long)untouched);
	expect(walk, zone->managed == zone->nr_free + walk->allocated,
	       "zone %s: managed %llu, free %llu, allocated %llu", zone_name(zone),
	       (unsigned long long)zone->managed, (unsigned long long)zone->nr_free,
	       (unsigned long long)walk->allocated);
	expect(walk, zone_present(zone) >= zone->managed, "zone %s: more managed than present",
	       zone_name(zone));
	expect(walk, zone->nr_free_highatomic == walk->free_highatomic,
	       "zone %s: nr_free_highatomic %llu, seen %llu", zone_name(zone),
	       (unsigned long long)zone->nr_free_highatomic,
	       (unsigned long long)walk->free_highatomic);
	expect(walk, zone->nr_highatomic == walk->highatomic,
	       "zone %s: nr_highatomic %llu, seen %llu", zone_name(zone),
	       (unsigned long long)zone->nr_highatomic, (unsigned long long)walk->highatomic);
}

/* What a CPU frees without a look at the spans must be open. */
static void check_open_ranges(struct walk *walk, const struct mm_pcpu *cpu)
{
	for (unsigned int i = 0; i < MM_OPEN_RANGES; i++) {
		const struct mm_open_range *open = &cpu->open[i];
		uintptr_t step = SECTION_PAGES * sizeof(struct page);

		expect(walk, open->bytes % step == 0,
		       "cpu %u: the open range is not of whole sections", (unsigned int)cpu->cpu);
		for (uintptr_t at = 0; at < open->bytes; at += step) {
			uintptr_t offset = open->start + at - (uintptr_t)mm.memmap;

			expect(walk, section_is_open(offset / sizeof(struct page) >> SECTION_SHIFT),
			       "cpu %u: a section in its open range is not open",
			       (unsigned int)cpu->cpu);
		}
	}
}

int mm_check(void)
{
	struct walk walk = {.violations = 0};

	for (int type = 0; type < MAX_NR_ZONES; type++)
		check_zone(&walk, (enum zone_type)type);
	for (unsigned int cpu = 0; cpu < mm.end_cpu; cpu++)
		if (mm.pcpu[cpu])
			check_open_ranges(&walk, mm.pcpu[cpu]);
	return walk.violations;
}

/* ---- hash ---------------------------------------------------------------------------------- */

static uint64_t mix(uint64_t hash, uint64_t value)
{
	hash ^= value;
	hash *= 0x9e3779b97f4a7c15ULL; /* 2^64 / golden ratio */
	return hash ^ hash >> 32;
}

static uint64_t hash_section(uint64_t hash, unsigned long section)
{
	const struct pageblock *pb = &mm.pageblocks[section << (SECTION_SHIFT - pageblock_order)];
	unsigned long index = section << SECTION_SHIFT, end = index + SECTION_PAGES;

	for (unsigned int i = 0; i < 2; i++, pb++) {
		hash = mix(hash, (uint64_t)pb->free_orders << 32 | (uint64_t)pb->nr_free << 16 |
					 (uint64_t)(uint8_t)pb->list << 8 | pb->type);
		if (pb->list != PB_OFF_LIST)
			hash = mix(hash, (uint64_t)pb->prev << 32 | pb->next);
		for (unsigned int order = 0; order < pageblock_order; order++)
			if (pb->free_orders >> order & 1)
				hash = mix(hash, pb->head[order]);
	}
	for (; index < end; index++) {
		const struct page *page = &mm.memmap[index];

		if (!(index & (GROUP_PAGES - 1)))
			hash = mix(hash, (uint64_t)mm.trust[index >> GROUP_SHIFT]);
		if (!trusted(index) || page_state(page) == PAGE_NONE)
			continue;
		hash = mix(hash, index << 32 | page->word);
		/* The links of order 9 and 10 are in the pageblocks. */
		if (page_allocated(page) ||
		    (page_state(page) == PAGE_FREE && page_order(page) < pageblock_order))
			hash = mix(hash, page->owner);
	}
	return hash;
}

uint64_t mm_state_hash(void)
{
	const struct zone *zone;
	uint64_t hash = 0;

	for_each_zone (zone) {
		hash = mix(hash, zone->nr_free);
		hash = mix(hash, zone->nr_untouched);
		hash = mix(hash, zone->managed);
		hash = mix(hash, zone->nr_highatomic);
		hash = mix(hash, zone->nr_free_highatomic);
		hash = mix(hash,
			   zone->span_end); /* zone->span skips what is open: it decides nothing */
		for (unsigned int type = 0; type < NR_PB_LISTS; type++)
			for (unsigned int order = 0; order < NR_PAGE_ORDERS; order++)
				hash = mix(hash, (uint64_t)zone->nonempty[type] << 32 |
							 zone->list[type][order]);
	}
	for (uint32_t s = 0; s < mm.nr_spans; s++) {
		hash = mix(hash, (uint64_t)mm.spans[s].first << 32 | mm.spans[s].opened);
		hash = mix(hash, mm.spans[s].end);
		for (uint32_t section = mm.spans[s].first; section < mm.spans[s].opened; section++)
			hash = hash_section(hash, section);
	}
	for (unsigned int cpu = 0; cpu < mm.end_cpu; cpu++) {
		for (unsigned int i = 0; mm.pcpu[cpu] && i < NR_PCPS; i++) {
			const struct per_cpu_pages *pcp = &mm.pcpu[cpu]->cache[i];

			hash = mix(hash, (uint64_t)(pcp->limit - pcp->base));
			for (struct page **p = pcp->base + 1; p <= pcp->top; p++)
				hash = mix(hash, (uint64_t)(*p - mm.memmap));
		}
	}
	return hash;
}
