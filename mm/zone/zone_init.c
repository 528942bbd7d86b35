/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * zone_init.c: from memblock to zones.
 *
 * zones_init() numbers the sections, finds room for their metadata and sets up zones and zonelists.
 * The cost is linear in the regions of memblock, not in memory. What is free gets there later
 * (memblock_free.c).
 */
#include <quarry/memblock.h>
#include "../debug/hooks.h"
#include "zone_internal.h"

/*
 * Cut memory into banks: runs of sections that hold at least one page. Each is written to `bank`,
 * the next one `step` further; 0: one takes the place of the other. Returns their number; *nr_pages
 * is the number of descriptors.
 */
MM_OUTLINE uint32_t find_banks(struct bank *bank, size_t step, uint64_t *nr_pages)
{
	const struct memblock_region *region;
	uint64_t first = 0;
	pfn_t last_end = 0;
	uint32_t n = 0;

	for_each_mem_region (region) {
		pfn_t start = PFN_UP(region->base), end = PFN_DOWN(region->base + region->size);

		if (start >= end) /* no whole page */
			continue;
		start = ALIGN_DOWN(start, (pfn_t)SECTION_PAGES);
		end = ALIGN_UP(end, (pfn_t)SECTION_PAGES);
		VM_BUG_ON(n && end < last_end); /* regions are in order */
		if (!n || start > last_end) { /* else in the same or the next section: it goes on */
			if (n++)
				bank += step;
			bank->start = last_end = start;
			bank->first = (uint32_t)first;
			if (step)
				bank->page = &mm.memmap[first];
		}
		first += end - last_end;
		bank->pages = (uint32_t)first - bank->first;
		VM_BUG_ON(!bank->pages || bank->pages % SECTION_PAGES ||
			  bank->start % SECTION_PAGES);
		last_end = end;
	}
	*nr_pages = first;
	return n;
}

static void init_zones(pfn_t dma32_end)
{
	const struct bank *bank = bank_of(dma32_end, false);
	uint64_t boundary = bank->first; /* descriptors below it */
	struct zone *zone;

	if (bank->start < dma32_end)
		boundary += bank->pages < dma32_end - bank->start ? bank->pages
								  : dma32_end - bank->start;
	VM_BUG_ON(boundary > mm.nr_pages || boundary % SECTION_PAGES);
	for_each_zone (zone)
		memset(zone->list, 0xff, sizeof(zone->list));
	mm.zones[ZONE_DMA32].end = mm.zones[ZONE_NORMAL].start = (uint32_t)boundary;
	mm.zones[ZONE_NORMAL].end = mm.nr_pages;
}

/*
 * A request for Normal tries Normal, then DMA32. There is one node, so __GFP_THISNODE has the same
 * zones, in a zonelist of its own. A zone has one set of caches: DMA32's are those of the class bit
 * __GFP_DMA32, unless Normal has no memory and every request that does not insist on DMA32 is
 * served from it.
 */
static void init_zonelists(void)
{
	struct zone *dma32 = &mm.zones[ZONE_DMA32];

	if (zone_populated(&mm.zones[ZONE_NORMAL]))
		dma32->first_pcp = __GFP_DMA32 / sizeof(struct per_cpu_pages);
	VM_BUG_ON(!zone_populated(dma32) && !zone_populated(dma32 + 1));
	UNROLL(1)
	for (int i = 0; i < NR_ZONELISTS * MAX_NR_ZONES; i++) {
		struct zoneref *ref = mm.zonelists[i / MAX_NR_ZONES][i % MAX_NR_ZONES].zonerefs;

		for (struct zone *zone = dma32 + i % MAX_NR_ZONES; zone >= dma32; zone--) {
			if (!zone_populated(zone))
				continue;
			ref->zone = zone;
			ref->class = zone->first_pcp * (gfp_t)sizeof(struct per_cpu_pages);
			ref++;
		}
	}
}

int zones_init(phys_addr_t dma32_limit)
{
	struct bank last = {.pages = 0};
	uint64_t nr_pages;
	uint32_t nr_banks = find_banks(&last, 0, &nr_pages);
	unsigned long max_spans = 2 * (memblock.memory.cnt + memblock.reserved.cnt) + 32;
	uint64_t memmap = nr_pages * sizeof(struct page);
	uint64_t pageblocks = PAGEBLOCKS_BYTES(nr_pages), map = MAP_BYTES(nr_pages);
	uint64_t map_order = MAP_ORDER_BYTES(nr_pages), trust = TRUST_BYTES(nr_pages);
	uint64_t banks = nr_banks * sizeof(struct bank), spans = max_spans * sizeof(struct span);
	uint64_t total = memmap + pageblocks + map + map_order + trust + banks + spans +
			 PRIVATE_BYTES(nr_pages);
	char *area = NULL;

	if (nr_pages && nr_pages < NIL32 && (size_t)total == total && !FAULT_POINT())
		area = memblock_alloc_try_nid_raw((size_t)total, PAGE_SIZE, MEMBLOCK_LOW_LIMIT,
						  MEMBLOCK_ALLOC_ACCESSIBLE, NUMA_NO_NODE);
	if (!area)
		return report_no_metadata(nr_pages, (size_t)total);

	if (mm.memmap) /* not the first time */
		memset(&mm, 0, sizeof(mm));
	mm.memmap = (struct page *)(void *)area;
	area += memmap;
	mm.pageblocks = (struct pageblock *)(void *)area;
	area += pageblocks;
	mm.map = (uint64_t *)(void *)area;
	area += map;
	mm.map_order = (uint8_t *)area;
	area += map_order;
	mm.trust = (int8_t *)area;
	area += trust;
	mm.banks = (struct bank *)(void *)area;
	area += banks;
	mm.spans = (struct span *)(void *)area;
#if CONFIG_PAGE_PRIVATE
	mm.page_private = (uintptr_t *)(void *)(area + spans);
#endif
	mm.nr_pages = (uint32_t)nr_pages;
	mm.nr_banks = find_banks(mm.banks, 1, &nr_pages);
	mm.max_spans = (uint32_t)max_spans;
	mm.memmap_bytes = total;
	VM_BUG_ON(mm.nr_banks != nr_banks || mm.nr_pages != nr_pages);
	VM_BUG_ON((uintptr_t)mm.memmap % PAGE_SIZE || (uintptr_t)mm.trust % sizeof(uint64_t));
	VM_BUG_ON((uintptr_t)mm.banks % _Alignof(struct bank));
	VM_BUG_ON((uintptr_t)(mm.spans + max_spans) + PRIVATE_BYTES(mm.nr_pages) !=
		  (uintptr_t)mm.memmap + total);
	init_zones(PFN_DOWN(ALIGN_DOWN(dma32_limit, SECTION_SIZE)));
	init_zonelists();
	return 0;
}
