/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tables_check.c: the tables that say where everything is: the metadata's parts, banks, spans and
 * the zones' bounds. Each is compared with a second place that knows: the parts lie one behind the
 * other, the banks are where memblock has memory, the spans where it has something free.
 */
#include "../check_walk.h"
#include "../memblock/memblock.h"
#include "zone_internal.h"

#define MAX_PFN ((pfn_t)1 << (64 - PAGE_SHIFT))

/* Regions that touch differ in their flags, so not every mapped range lies in one. */
static bool is_mapped(phys_addr_t base, phys_addr_t size)
{
	phys_addr_t half = ALIGN_DOWN(size / 2, PAGE_SIZE);

	if (memblock_is_region_memory(base, size))
		return memblock_is_map_memory(base);
	return half && is_mapped(base, half) && is_mapped(base + half, size - half);
}

bool frames_are_free(pfn_t pfn, uint64_t pages)
{
	phys_addr_t base = PFN_PHYS(pfn), size = PFN_PHYS(pages);

	return is_mapped(base, size) && !memblock_is_region_reserved(base, size);
}

/* A part of the metadata lies where the one before it ends. */
static void check_part(struct walk *walk, const char *name, const void *part, const char *before,
		       uintptr_t end)
{
	expect(walk, (uintptr_t)part == end, "mm.%s: at 0x%llx, but 0x%llx by %s", name,
	       (unsigned long long)(uintptr_t)part, (unsigned long long)end, before);
}

static bool check_layout(struct walk *walk)
{
	int before = walk->violations;
	uintptr_t start = (uintptr_t)mm.memmap, end;
	phys_addr_t base;

	expect(walk, mm.nr_pages && mm.nr_pages != NIL32 && mm.nr_pages % SECTION_PAGES == 0,
	       "mm.nr_pages: %u are no sections", (unsigned int)mm.nr_pages);
	expect(walk, start && start % PAGE_SIZE == 0, "mm.memmap: at 0x%llx, which is no page",
	       (unsigned long long)start);
	end = start + (uintptr_t)mm.nr_pages * sizeof(struct page);
	check_part(walk, "pageblocks", mm.pageblocks, "mm.memmap and mm.nr_pages", end);
	end = (uintptr_t)mm.pageblocks + PAGEBLOCKS_BYTES((uintptr_t)mm.nr_pages);
	check_part(walk, "map", mm.map, "mm.pageblocks and mm.nr_pages", end);
	end = (uintptr_t)mm.map + MAP_BYTES((uintptr_t)mm.nr_pages);
	check_part(walk, "map_order", mm.map_order, "mm.map and mm.nr_pages", end);
	end = (uintptr_t)mm.map_order + MAP_ORDER_BYTES((uintptr_t)mm.nr_pages);
	check_part(walk, "trust", mm.trust, "mm.map_order and mm.nr_pages", end);
	end = (uintptr_t)mm.trust + TRUST_BYTES((uintptr_t)mm.nr_pages);
	check_part(walk, "banks", mm.banks, "mm.trust and mm.nr_pages", end);
	end = (uintptr_t)mm.banks + (uintptr_t)mm.nr_banks * sizeof(struct bank);
	check_part(walk, "spans", mm.spans, "mm.banks and mm.nr_banks", end);
	end = (uintptr_t)mm.spans + (uintptr_t)mm.max_spans * sizeof(struct span);
#if CONFIG_PAGE_PRIVATE
	check_part(walk, "page_private", mm.page_private, "mm.spans and mm.max_spans", end);
#endif
	end += PRIVATE_BYTES((uintptr_t)mm.nr_pages);
	expect(walk, mm.memmap_bytes == end - start,
	       "mm.memmap_bytes: %llu, but %llu from mm.memmap to the end of mm.spans by mm.max_spans",
	       (unsigned long long)mm.memmap_bytes, (unsigned long long)(end - start));
	expect(walk, mm.nr_spans <= mm.max_spans, "mm.nr_spans: %u of mm.max_spans %u",
	       (unsigned int)mm.nr_spans, (unsigned int)mm.max_spans);
	if (walk->violations != before)
		return false;
	base = virt_to_phys(mm.memmap);
	return expect(walk,
		      (!memblock_handed_over.size || memblock_handed_over.base == base) &&
			      memblock_is_region_memory(base, mm.memmap_bytes) &&
			      memblock_is_region_reserved(base, mm.memmap_bytes),
		      "mm.memmap: its %llu bytes at 0x%llx are no reserved memory",
		      (unsigned long long)mm.memmap_bytes, (unsigned long long)base);
}

/* ---- banks --------------------------------------------------------------------------------- */

/* A section has descriptors because memblock has something there. */
static bool section_has_memory(pfn_t start)
{
	return memblock_overlaps_region(&memblock.memory, PFN_PHYS(start), SECTION_SIZE);
}

static bool check_banks(struct walk *walk)
{
	int before = walk->violations;
	const struct memblock_region *region;
	uint64_t pages = 0;
	pfn_t end = 0;

	for (uint32_t i = 0; i < mm.nr_banks && walk->violations == before; i++) {
		const struct bank *bank = &mm.banks[i];

		expect(walk,
		       bank->start % SECTION_PAGES == 0 && bank->start < MAX_PFN &&
			       (!i || bank->start > end),
		       "bank[%u].start: frame 0x%llx, after a bank that ends at 0x%llx",
		       (unsigned int)i, (unsigned long long)bank->start, (unsigned long long)end);
		expect(walk, bank->first == pages,
		       "bank[%u].first: %u, but the banks before it have %llu pages",
		       (unsigned int)i, (unsigned int)bank->first, (unsigned long long)pages);
		expect(walk,
		       bank->pages && bank->pages % SECTION_PAGES == 0 &&
			       bank->pages <= mm.nr_pages - pages,
		       "bank[%u].pages: %u of mm.nr_pages %u, %llu of which are before it",
		       (unsigned int)i, (unsigned int)bank->pages, (unsigned int)mm.nr_pages,
		       (unsigned long long)pages);
		expect(walk, bank->page == &mm.memmap[pages],
		       "bank[%u].page: 0x%llx, but 0x%llx by mm.memmap", (unsigned int)i,
		       (unsigned long long)(uintptr_t)bank->page,
		       (unsigned long long)(uintptr_t)&mm.memmap[pages]);
		if (walk->violations != before)
			break;
		end = bank->start + bank->pages;
		pages += bank->pages;
		expect(walk,
		       section_has_memory(bank->start) && section_has_memory(end - SECTION_PAGES),
		       "bank[%u].start: frame 0x%llx, bank[%u].pages: %u: memblock has no memory there",
		       (unsigned int)i, (unsigned long long)bank->start, (unsigned int)i,
		       (unsigned int)bank->pages);
	}
	if (walk->violations != before ||
	    !expect(walk, pages == mm.nr_pages, "mm.nr_pages: %u, but mm.nr_banks %u have %llu",
		    (unsigned int)mm.nr_pages, (unsigned int)mm.nr_banks,
		    (unsigned long long)pages))
		return false;
	for_each_mem_region (region) {
		pfn_t from = PFN_UP(region->base), to = PFN_DOWN(region->base + region->size);

		expect(walk,
		       from >= to || (pfn_to_index(from) != NIL32 &&
				      pfn_to_index(to - 1) == pfn_to_index(from) + (to - 1 - from)),
		       "bank[].start, bank[].pages: memory from frame 0x%llx to 0x%llx is in none",
		       (unsigned long long)from, (unsigned long long)to);
	}
	return walk->violations == before;
}

/* ---- zones and spans ----------------------------------------------------------------------- */

static int number(const struct zone *zone)
{
	return (int)(zone - mm.zones);
}

static bool check_bounds(struct walk *walk)
{
	int before = walk->violations;
	const struct zone *zone;

	expect(walk, !mm.zones[0].start, "zone[%d].start: %u, not 0", 0,
	       (unsigned int)mm.zones[0].start);
	for_each_zone (zone) {
		bool last = zone == &mm.zones[MAX_NR_ZONES - 1];
		unsigned int classes = last || !zone_populated(&zone[1])
					       ? 0
					       : __GFP_DMA32 / sizeof(struct per_cpu_pages);

		expect(walk, last || zone->end == zone[1].start,
		       "zone[%d].end: %u, but zone[%d].start: %u", number(zone),
		       (unsigned int)zone->end, number(zone) + 1, (unsigned int)zone[!last].start);
		expect(walk,
		       zone->end >= zone->start && zone->end <= mm.nr_pages &&
			       zone->end % SECTION_PAGES == 0 &&
			       (!last || zone->end == mm.nr_pages),
		       "zone[%d].end: %u, .start: %u, mm.nr_pages: %u", number(zone),
		       (unsigned int)zone->end, (unsigned int)zone->start,
		       (unsigned int)mm.nr_pages);
		expect(walk,
		       zone->span_end <= mm.nr_spans && zone->span_end >= zone_first_span(zone) &&
			       (!last || zone->span_end == mm.nr_spans),
		       "zone[%d].span_end: %u, mm.nr_spans: %u", number(zone),
		       (unsigned int)zone->span_end, (unsigned int)mm.nr_spans);
		expect(walk, zone->first_pcp == classes, "zone[%d].first_pcp: %u for %u",
		       number(zone), (unsigned int)zone->first_pcp, classes);
	}
	return walk->violations == before;
}

/* The spans of a zone: in order, within its descriptors. */
static void check_zone_spans(struct walk *walk, const struct zone *zone)
{
	uint32_t first = zone->start >> SECTION_SHIFT, end = zone->end >> SECTION_SHIFT;

	for (uint32_t s = zone_first_span(zone); s < zone->span_end; s++) {
		const struct span *span = &mm.spans[s];

		expect(walk, span->first >= first && span->first < end,
		       "span[%u].first: %u, but .end of the one before %u, zone[%d].span_end: to %u",
		       (unsigned int)s, (unsigned int)span->first, (unsigned int)first,
		       number(zone), (unsigned int)end);
		expect(walk, span->end > span->first && span->end <= end,
		       "span[%u].end: %u, .first: %u, zone[%d].span_end: to %u", (unsigned int)s,
		       (unsigned int)span->end, (unsigned int)span->first, number(zone),
		       (unsigned int)end);
		expect(walk, span->opened >= span->first && span->opened <= span->end,
		       "span[%u].opened: %u, .first: %u, .end: %u", (unsigned int)s,
		       (unsigned int)span->opened, (unsigned int)span->first,
		       (unsigned int)span->end);
		expect(walk, span->next == NIL32 || (span->next > s && span->next < zone->span_end),
		       "span[%u].next: %u, and the zone's end at %u", (unsigned int)s,
		       (unsigned int)span->next, (unsigned int)zone->span_end);
		first = span->end > first ? span->end : first;
	}
}

/* So many of the descriptors [index, end) are the zone's. */
static uint64_t pages_in_zone(const struct zone *zone, unsigned long index, unsigned long end)
{
	index = index > zone->start ? index : zone->start;
	end = end < zone->end ? end : zone->end;
	return index < end ? end - index : 0;
}

/* What memblock has free was released: it lies in spans, and all of it is managed. */
static void check_released(struct walk *walk)
{
	const struct span *span = mm.spans, *last = mm.spans + mm.nr_spans;
	uint64_t managed[MAX_NR_ZONES] = {0}, i;
	phys_addr_t base, limit;

	if (!memblock_handed_over.size)
		return;
	for_each_free_mem_range (i, NUMA_NO_NODE, MEMBLOCK_NONE, &base, &limit, NULL) {
		pfn_t from = PFN_UP(base) ? PFN_UP(base) : 1, to = PFN_DOWN(limit);
		unsigned long index, section, end;

		if (from >= to)
			continue;
		index = pfn_to_index(from);
		end = index + (unsigned long)(to - from);
		for (int z = 0; z < MAX_NR_ZONES; z++)
			managed[z] += pages_in_zone(&mm.zones[z], index, end);
		for (section = index >> SECTION_SHIFT; section <= (end - 1) >> SECTION_SHIFT;
		     section = span->end) {
			while (span < last && span->end <= section)
				span++;
			if (!expect(walk, span < last && span->first <= section,
				    "span[].first, span[].end: section %lu has free memory and is in none",
				    section))
				return;
		}
	}
	for (int z = 0; z < MAX_NR_ZONES; z++)
		expect(walk, mm.zones[z].managed == managed[z],
		       "zone[%d].managed: %llu, but %llu by what memblock has free", z,
		       (unsigned long long)mm.zones[z].managed, (unsigned long long)managed[z]);
}

/* Sections are opened from the span that zone->span names, then from those it leads to. */
static void check_chain(struct walk *walk, const struct zone *zone)
{
	uint64_t untouched = 0, chained = 0;

	if (!expect(walk,
		    zone->span == NIL32 ||
			    (zone->span >= zone_first_span(zone) && zone->span < zone->span_end),
		    "zone[%d].span: %u, not one of %u to %u", number(zone),
		    (unsigned int)zone->span, (unsigned int)zone_first_span(zone),
		    (unsigned int)zone->span_end))
		return;
	for (uint32_t s = zone_first_span(zone); s < zone->span_end; s++)
		untouched += (uint64_t)(mm.spans[s].end - mm.spans[s].opened) << SECTION_SHIFT;
	for (uint32_t s = zone->span; s != NIL32; s = mm.spans[s].next)
		chained += (uint64_t)(mm.spans[s].end - mm.spans[s].opened) << SECTION_SHIFT;
	expect(walk, chained == untouched,
	       "zone[%d].span, span[].next: lead to %llu of %llu untouched pages", number(zone),
	       (unsigned long long)chained, (unsigned long long)untouched);
	expect(walk, zone->nr_untouched == untouched,
	       "zone[%d].nr_untouched: %llu, but %llu by span[].opened, .end", number(zone),
	       (unsigned long long)zone->nr_untouched, (unsigned long long)untouched);
}

bool check_tables(struct walk *walk)
{
	int before;
	const struct zone *zone;

	if (!check_layout(walk) || !check_banks(walk) || !check_bounds(walk))
		return false;
	before = walk->violations;
	for_each_zone (zone)
		check_zone_spans(walk, zone);
	if (walk->violations != before)
		return false;
	check_released(walk);
	for_each_zone (zone)
		if (mm.nr_spans)
			check_chain(walk, zone);
	return true;
}
