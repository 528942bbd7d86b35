// SPDX-License-Identifier: BSD-2-Clause
/*
 * suite_zone.c: which zone serves a request (FEATURES rows 11-13), and that the figures of the
 * zones agree with memblock's map and with each other (rows 5-7).
 */
#include "ktap.h"
#include "pool.h"

#include <quarry/memblock.h>

static struct zone_info zone_of(enum zone_type zone)
{
	struct zone_info info;

	mm_zone_info(zone, &info);
	info.free -= info.nr_free_cma; /* those serve movable requests alone */
	return info;
}

static bool in_zone(const struct page *page, enum zone_type zone)
{
	struct zone_info info = zone_of(zone);

	return page_to_pfn(page) - info.start_pfn < info.spanned;
}

/* All DMA32 requests together get DMA32 and nothing else. */
static void dma32_stays(void)
{
	struct grab *list;
	uint64_t normal;
	uint64_t dma32;

	drain_all_pages();
	normal = zone_of(ZONE_NORMAL).free;
	dma32 = zone_of(ZONE_DMA32).free;
	EXPECT_EQ(dma32, grab_all(&list, GFP_KERNEL | GFP_DMA32));
	for (struct grab *grab = list; grab; grab = grab->next)
		EXPECT(in_zone(virt_to_page(grab), ZONE_DMA32));
	drain_all_pages();
	EXPECT_EQ(normal, zone_of(ZONE_NORMAL).free);
	EXPECT_EQ(0, zone_of(ZONE_DMA32).free);
	EXPECT_EQ(0, __get_free_pages(GFP_DMA32 | __GFP_NOWARN, 0));
	grab_release(list);
}

/* What the first pass leaves of a zone: its low mark, and what is free in HIGHATOMIC pageblocks. */
static uint64_t kept_at_low(enum zone_type type)
{
	uint64_t nr_free[MIGRATE_TYPES][NR_PAGE_ORDERS], kept = zone_of(type).mark.low;

	mm_pagetypeinfo(type, nr_free);
	for (unsigned int order = 0; order < NR_PAGE_ORDERS; order++)
		kept += nr_free[MIGRATE_HIGHATOMIC][order] << order;
	return kept;
}

/* All that a request gets of Normal before it turns to DMA32, chained to *list. */
static void grab_normal(struct grab **list)
{
	for (int order = MAX_PAGE_ORDER; order >= 0; order--) {
		struct page *page;

		while ((page = alloc_pages(GFP_KERNEL | __GFP_NOWARN, (unsigned int)order))) {
			struct grab *grab = page_address(page);

			if (!in_zone(page, ZONE_NORMAL)) {
				EXPECT_EQ(0, __free_pages(page, (unsigned int)order));
				break;
			}
			grab->next = *list;
			grab->order = (unsigned int)order;
			*list = grab;
		}
	}
}

/*
 * Normal first, then DMA32, as soon as Normal is at its low mark; __GFP_THISNODE is no other: there
 * is one node. What is below the marks comes last.
 */
static void fallback(void)
{
	static const gfp_t kinds[] = {GFP_KERNEL, GFP_KERNEL | __GFP_THISNODE, GFP_ATOMIC,
				      __GFP_MEMALLOC};
	unsigned long high = mm_pcp_high();
	struct grab *list = NULL, *rest;
	struct zone_info normal, dma32;
	struct page *page;

	mm_set_pcp_high(0);
	normal = zone_of(ZONE_NORMAL);
	dma32 = zone_of(ZONE_DMA32);
	if (normal.free > kept_at_low(ZONE_NORMAL) && dma32.free > kept_at_low(ZONE_DMA32)) {
		page = alloc_page(GFP_KERNEL);
		EXPECT(page != NULL && in_zone(page, ZONE_NORMAL));
		EXPECT_EQ(0, __free_page(page));
		grab_normal(&list);
		EXPECT_EQ(kept_at_low(ZONE_NORMAL), zone_of(ZONE_NORMAL).free);
		for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
			page = alloc_page(kinds[i] | __GFP_NOWARN);
			EXPECT(page != NULL && in_zone(page, ZONE_DMA32));
			EXPECT_EQ(0, __free_page(page));
		}
		EXPECT_EQ(kept_at_low(ZONE_NORMAL), zone_of(ZONE_NORMAL).free);
	}
	grab_all(&rest, GFP_KERNEL | __GFP_THISNODE);
	EXPECT_EQ(0, zone_of(ZONE_NORMAL).free + zone_of(ZONE_DMA32).free);
	grab_release(rest);
	grab_release(list);
	mm_set_pcp_high(high);
}

static void zonelists(void)
{
	struct zoneref_info ref, same;
	unsigned int n = 0;
	int last = MAX_NR_ZONES;

	for (n = 0; mm_zonelist(0, n, &ref); n++) {
		EXPECT((int)ref.zone_idx < last);
		EXPECT_EQ(zone_of(ref.zone_idx).managed > 0, ref.populated);
		last = (int)ref.zone_idx;
		/* __GFP_THISNODE: the zones of the one node */
		EXPECT(mm_zonelist(1, n, &same));
		EXPECT_EQ(ref.zone_idx, same.zone_idx);
	}
	EXPECT(n >= 1);
	EXPECT(!mm_zonelist(1, n, &same));
}

/* The map minus the reservations, in whole pages, is what the zones manage. */
static void figures(void)
{
	struct mm_layout layout;
	uint64_t present = 0;
	uint64_t managed = 0;
	uint64_t mapped = 0;
	uint64_t covered =
		0; /* the map, no-map memory too, with the edges of banks rounded out to 4 MiB */
	uint64_t spans; /* the table's entries: two for each bank and reservation, and some more */
	uint64_t free = 0;
	phys_addr_t start;
	phys_addr_t end;
	uint64_t i;

	for (i = 0; i < memblock.memory.cnt; i++) {
		const struct memblock_region *bank = &memblock.memory.regions[i];

		covered += ALIGN_UP(PFN_UP(bank->base + bank->size), MAX_ORDER_NR_PAGES) -
			   ALIGN_DOWN(PFN_DOWN(bank->base), MAX_ORDER_NR_PAGES);
	}
	for_each_mem_range (i, &start, &end)
		if (PFN_DOWN(end) > PFN_UP(start))
			mapped += PFN_DOWN(end) - PFN_UP(start);
	for_each_free_mem_range (i, NUMA_NO_NODE, MEMBLOCK_NONE, &start, &end, NULL)
		if (PFN_DOWN(end) > PFN_UP(start))
			free += PFN_DOWN(end) - PFN_UP(start);
	for (int zone = 0; zone < MAX_NR_ZONES; zone++) {
		struct zone_info info = zone_of((enum zone_type)zone);

		EXPECT_LE(info.spanned, info.present);
		EXPECT_LE(info.present, info.managed);
		EXPECT_LE(info.managed, info.free);
		EXPECT_LE(info.free, info.untouched);
		present += info.present;
		managed += info.managed;
	}
	mm_get_layout(&layout);
	EXPECT_EQ(free, managed);
	EXPECT_EQ(present, layout.present_pages);
	EXPECT_LE(present, mapped);
	spans = 2 * (memblock.memory.cnt + memblock.reserved.cnt) + 32;
	/* 8.21 bytes a page (mm/zone/zone.h), and the table of spans */
	EXPECT_LE(covered * 821 / 100 + spans * 16, layout.memmap_bytes);
}

/* The node's figures against its frames, counted: the first that has a descriptor of memory, the last, how many. */
static void node(void)
{
	const struct memblock_region *region;
	struct node_info info;
	pfn_t first = MM_NO_PFN, last = 0;
	uint64_t present = 0;

	for_each_mem_region (region) {
		for (pfn_t pfn = PFN_UP(region->base); pfn < PFN_DOWN(region->base + region->size);
		     pfn++) {
			struct page_info page;

			if (mm_page_info(pfn, &page) != 0)
				continue;
			first = pfn < first ? pfn : first;
			last = pfn > last ? pfn : last;
			present++;
		}
	}
	mm_node_info(&info);
	EXPECT_EQ(first, info.node_start_pfn);
	EXPECT_EQ(present, info.node_present_pages);
	EXPECT_EQ(last - first + 1, info.node_spanned_pages);
}

/* Every frame asked for what it is; blocks of free frames counted, against buddyinfo. */
static void walk(void)
{
	for (int zone = 0; zone < MAX_NR_ZONES; zone++) {
		uint64_t expected[NR_PAGE_ORDERS];
		uint64_t found[NR_PAGE_ORDERS] = {0};
		struct zone_info zi = zone_of((enum zone_type)zone);
		pfn_t pfn = zi.start_pfn;
		uint64_t cached = 0;

		drain_all_pages();
		mm_buddyinfo((enum zone_type)zone, expected);
		while (pfn < zi.start_pfn + zi.spanned) {
			struct page_info info;

			if (mm_page_info(pfn, &info) != 0) {
				pfn = ALIGN_DOWN(pfn, MAX_ORDER_NR_PAGES) + MAX_ORDER_NR_PAGES;
				continue;
			}
			EXPECT_EQ(zone, info.zone);
			cached += info.in_pcp;
			if (info.state != PAGE_FREE) {
				pfn++;
				continue;
			}
			EXPECT_EQ(pfn, info.head_pfn);
			EXPECT_EQ(0, pfn & ((1UL << info.order) - 1));
			if (!EXPECT_LE(MAX_PAGE_ORDER, info.order))
				return;
			found[info.order]++;
			pfn += 1UL << info.order;
		}
		for (unsigned int order = 0; order < NR_PAGE_ORDERS; order++)
			EXPECT_EQ(expected[order], found[order]);
		EXPECT_EQ(0, cached);
	}
}

TEST_CASE(zone, dma32_stays, dma32_stays);
TEST_CASE(zone, fallback, fallback);
TEST_CASE(zone, zonelists, zonelists);
TEST_CASE(zone, figures, figures);
TEST_CASE(zone, node, node);
TEST_CASE(zone, walk, walk);
