/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * info.c: what the allocator tells about itself: zones, free blocks by order and type, caches,
 * figures and their names.
 */
#include <string.h>
#include <quarry/memblock.h>
#include "../free_map.h"
#include "debug_internal.h"

const char *zone_name(const struct zone *zone)
{
	static const char *const names[MAX_NR_ZONES] = {"DMA32", "Normal"};

	return names[zone - mm.zones];
}

/*
 * Descriptors cover whole sections: what exists of a zone is where memblock has memory. Returns its
 * pages; [*start, *end) is the span of them.
 */
static uint64_t zone_span(const struct zone *zone, pfn_t *start, pfn_t *end)
{
	const struct memblock_region *region;
	uint64_t present = 0;
	pfn_t first, past;

	*start = *end = 0;
	if (!zone_populated(zone))
		return 0;
	first = index_to_pfn(zone->start);
	past = index_to_pfn(zone->end - 1) + 1;
	for_each_mem_region (region) {
		pfn_t from = PFN_UP(region->base), to = PFN_DOWN(region->base + region->size);

		from = from > first ? from : first;
		to = to < past ? to : past;
		if (from >= to)
			continue;
		if (!present)
			*start = from;
		present += to - from;
		*end = to;
	}
	return present;
}

uint64_t zone_present(const struct zone *zone)
{
	pfn_t start, end;

	return zone_span(zone, &start, &end);
}

RACY void mm_zone_info(enum zone_type type, struct zone_info *info)
{
	const struct zone *zone = &mm.zones[type];
	pfn_t end;

	memset(info, 0, sizeof(*info));
	info->name = zone_name(zone);
	info->managed = zone->managed;
	info->present = zone_span(zone, &info->start_pfn, &end);
	info->spanned = end - info->start_pfn;
	info->free = zone_free_pages(zone);
	info->untouched = READ_ONCE(zone->nr_untouched);
	info->lock_acquired = READ_ONCE(zone->lock.acquired);
	info->lock_contended = atomic_load_explicit(&zone->lock.next, memory_order_relaxed);
	info->lock_overtaken = atomic_load_explicit(&zone->lock.overtaken, memory_order_relaxed);
	info->mark.min = READ_ONCE(zone->mark.min);
	info->mark.low = READ_ONCE(zone->mark.low);
	info->mark.high = READ_ONCE(zone->mark.high);
	info->nr_cma = READ_ONCE(zone->nr_cma);
	info->nr_free_cma = READ_ONCE(nr_free_of(zone, MIGRATE_CMA));
	info->extfrag = READ_ONCE(zone->extfrag);
	info->nr_highatomic = READ_ONCE(zone->nr_highatomic);
	for (unsigned int i = 0; i < MAX_NR_ZONES; i++)
		info->protection[i] = READ_ONCE(zone->lowmem_reserve[i]);
}

void mm_node_info(struct node_info *info)
{
	pfn_t end = 0;

	memset(info, 0, sizeof(*info));
	for (int type = 0; type < MAX_NR_ZONES; type++) {
		struct zone_info zone;

		mm_zone_info((enum zone_type)type, &zone);
		if (!zone.present)
			continue;
		if (!info->node_present_pages)
			info->node_start_pfn = zone.start_pfn;
		info->node_present_pages += zone.present;
		end = zone.start_pfn + zone.spanned;
	}
	info->node_spanned_pages = end - info->node_start_pfn;
}

/*
 * A zone keeps no more than all it has. What is free in one zone stands in for what another keeps,
 * as in Linux: the sum is what counts.
 */
RACY uint64_t si_mem_available(void)
{
	uint64_t free = 0, kept = 0;
	const struct zone *zone;

	for_each_zone (zone) {
		uint64_t keeps = 0;

		for (unsigned int i = 0; i < MAX_NR_ZONES; i++) {
			uint64_t reserve = READ_ONCE(zone->lowmem_reserve[i]);

			keeps = keeps > reserve ? keeps : reserve;
		}
		keeps += READ_ONCE(zone->mark.high);
		kept += keeps < zone->managed ? keeps : zone->managed;
		free += zone_free_pages(zone);
	}
	return free > kept ? free - kept : 0;
}

/* Calls fn for each pageblock of the zone's open sections. */
static void for_each_open_pageblock(enum zone_type type,
				    void (*fn)(const struct pageblock *pb, void *arg), void *arg)
{
	const struct zone *zone = &mm.zones[type];
	uint32_t first = type == ZONE_DMA32 ? 0 : mm.zones[ZONE_DMA32].span_end;

	for (uint32_t i = first; i < zone->span_end; i++) {
		const struct span *span = &mm.spans[i];

		for (unsigned long n = span->first * SECTION_PAGEBLOCKS;
		     n < span->opened * SECTION_PAGEBLOCKS; n++)
			fn(&mm.pageblocks[n], arg);
	}
}

static void count_pageblock(const struct pageblock *pb, void *arg)
{
	uint64_t(*nr_free)[NR_PAGE_ORDERS] = arg;

	if (pb->list >= pageblock_order)
		nr_free[pb_is_kept(pb) ? pb->type : MIGRATE_MOVABLE]
		       [pb->list]++; /* of no type, but for those of kept types */
	else if (pb->list != PB_OFF_LIST)
		pb_count_blocks(pb, nr_free[pb->type]);
}

void mm_pagetypeinfo(enum zone_type type, uint64_t nr_free[MIGRATE_TYPES][NR_PAGE_ORDERS])
{
	struct zone *zone = &mm.zones[type];
	unsigned long flags = port_irq_save();

	memset(nr_free, 0, sizeof(uint64_t) * MIGRATE_TYPES * NR_PAGE_ORDERS);
	spin_lock(&zone->lock);
	nr_free[MIGRATE_MOVABLE][MAX_PAGE_ORDER] = zone->nr_untouched >> SECTION_SHIFT;
	for_each_open_pageblock(type, count_pageblock, nr_free);
	spin_unlock(&zone->lock);
	port_irq_restore(flags);
}

static void count_type(const struct pageblock *pb, void *arg)
{
	uint64_t *blocks = arg;

	/* One that is free as a whole, alone or as part of a larger block, counts as movable. */
	if (pb->nr_free == pageblock_nr_pages && !pb_is_kept(pb))
		blocks[MIGRATE_MOVABLE]++;
	else
		blocks[pb->type]++;
}

void mm_pageblocks(enum zone_type type, uint64_t blocks[MIGRATE_TYPES])
{
	struct zone *zone = &mm.zones[type];
	unsigned long flags = port_irq_save();

	memset(blocks, 0, sizeof(uint64_t) * MIGRATE_TYPES);
	spin_lock(&zone->lock);
	blocks[MIGRATE_MOVABLE] = zone->nr_untouched >> pageblock_order;
	for_each_open_pageblock(type, count_type, blocks);
	spin_unlock(&zone->lock);
	port_irq_restore(flags);
}

void mm_buddyinfo(enum zone_type type, uint64_t nr_free[NR_PAGE_ORDERS])
{
	uint64_t by_type[MIGRATE_TYPES][NR_PAGE_ORDERS];

	mm_pagetypeinfo(type, by_type);
	for (unsigned int order = 0; order < NR_PAGE_ORDERS; order++) {
		nr_free[order] = 0;
		for (unsigned int t = 0; t < MIGRATE_TYPES; t++)
			nr_free[order] += by_type[t][order];
	}
}

RACY bool mm_pcp_info(unsigned int n, struct pcp_info *info)
{
	for (unsigned int cpu = 0; cpu < end_cpu(); cpu++) {
		struct mm_pcpu *area = __atomic_load_n(&mm.pcpu[cpu], __ATOMIC_ACQUIRE);

		for (unsigned int i = 0; area && i < NR_PCPS; i++) {
			const struct per_cpu_pages *pcp = &area->cache[i];

			if (!pcp->capacity || n--)
				continue;
			info->cpu = cpu;
			info->zone = pcp->zone;
			info->migratetype = i % 4;
			info->order = i / NR_PCP_CLASSES;
			info->count = (uint32_t)pcp_count(pcp);
			info->high = (uint32_t)(pcp->limit - pcp->base);
			info->batch = !info->high ? 0 : info->order ? 1 : PCP_BATCH;
			info->capacity = pcp->capacity;
			return true;
		}
	}
	return false;
}

void mm_get_layout(struct mm_layout *layout)
{
	layout->present_pages = 0;
	for (unsigned int i = 0; i < MAX_NR_ZONES; i++)
		layout->present_pages += zone_present(&mm.zones[i]);
	layout->memmap_bytes = mm.memmap_bytes;
	layout->pcp_bytes = READ_ONCE(mm.pcp_bytes);
	layout->nr_banks = mm.nr_banks;
}

bool mm_zonelist(unsigned int list, unsigned int n, struct zoneref_info *ref)
{
	const struct zone *zone;

	if (list >= NR_ZONELISTS || n >= MAX_NR_ZONES)
		return false;
	zone = mm.zonelists[list][ZONE_NORMAL].zonerefs[n].zone;
	if (!zone)
		return false;
	ref->zone_idx = (enum zone_type)(zone - mm.zones);
	ref->populated = zone->managed != 0;
	return true;
}

/* ---- the watermarks' arithmetic on zones that a caller makes up ------------------------------ */

void mm_calc_watermarks(unsigned int nr_zones, const uint64_t managed[], uint64_t min_free_kbytes,
			unsigned int scale_factor, struct mm_watermarks marks[])
{
	uint64_t total = 0;

	for (unsigned int i = 0; i < nr_zones; i++)
		total += managed[i];
	for (unsigned int i = 0; i < nr_zones; i++)
		calc_watermarks(managed[i], total, min_free_kbytes, scale_factor, &marks[i]);
}

void mm_calc_protection(unsigned int nr_zones, const uint64_t managed[], const unsigned int ratio[],
			uint64_t protection[])
{
	for (unsigned int i = 0; i < nr_zones; i++)
		calc_protection(i, nr_zones, managed, ratio[i], &protection[i * nr_zones]);
}

/* ---- figures and names --------------------------------------------------------------------- */

void mm_get_stats(struct mm_stats *stats)
{
	const uint64_t *from = (const uint64_t *)&mm.stats;
	uint64_t *to = (uint64_t *)stats;

	static_assert(sizeof(*stats) % sizeof(*to) == 0, "counters and nothing else");
	for (size_t i = 0; i < sizeof(*stats) / sizeof(*to); i++)
		to[i] = READ_ONCE(from[i]);
	for (unsigned int i = 0; i < MAX_NR_ZONES; i++)
		stats->extfrag += READ_ONCE(mm.zones[i].extfrag);
}

void mm_zone_stats(enum zone_type zone, struct mm_zone_stats *stats)
{
	const uint64_t *from = (const uint64_t *)&mm.zone_stats[zone];
	uint64_t *to = (uint64_t *)stats;

	static_assert(sizeof(*stats) % sizeof(*to) == 0, "counters and nothing else");
	for (size_t i = 0; i < sizeof(*stats) / sizeof(*to); i++)
		to[i] = READ_ONCE(from[i]);
}

const char *mm_stage_name(enum mm_stage stage)
{
	static const char *const stage_names[NR_MM_STAGES] = {
		[MM_STAGE_SLOW] = "slow",	[MM_STAGE_ASSEMBLE] = "assemble",
		[MM_STAGE_DRAIN] = "drain",	[MM_STAGE_COMPACT] = "compact",
		[MM_STAGE_RECLAIM] = "reclaim", [MM_STAGE_HIGHATOMIC] = "highatomic",
		[MM_STAGE_FAIL] = "fail",
	};

	return stage_names[stage];
}
