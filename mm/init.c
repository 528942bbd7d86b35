/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * init.c: from memblock to zones.
 *
 * mm_init() numbers the sections and finds room for their metadata; memblock_free_all() writes
 * descriptors only for sections that are partly reserved, and notes runs of wholly free ones as
 * spans. So the cost is linear in the regions of memblock, not in memory.
 */
#include <errno.h>
#include <string.h>
#include <quarry/memblock.h>
#include "internal.h"
#include "memblock_internal.h"

static const char *const zone_names[MAX_NR_ZONES] = {"DMA32", "NORMAL"};

/* Whole pages of a memory region. */
static bool region_pages(const struct memblock_region *region, pfn_t *start, pfn_t *end)
{
	*start = PFN_UP(region->base);
	*end = PFN_DOWN(region->base + region->size);
	return *start < *end;
}

static uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t max_u64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/*
 * Cut memory into banks: runs of sections that hold at least one page. With banks NULL only
 * count. Returns their number; *nr_pages is the number of descriptors.
 */
static uint32_t find_banks(struct bank *banks, uint64_t *nr_pages)
{
	const struct memblock_region *region;
	uint64_t first = 0;
	pfn_t last_end = 0;
	uint32_t n = 0;

	for_each_mem_region (region) {
		pfn_t start, end;

		if (!region_pages(region, &start, &end))
			continue;
		start = ALIGN_DOWN(start, (pfn_t)SECTION_PAGES);
		end = ALIGN_UP(end, (pfn_t)SECTION_PAGES);
		if (n && start <= last_end) { /* the same or the next section: the bank goes on */
			start = last_end;
		} else {
			if (banks) {
				banks[n].start = start;
				banks[n].first = (uint32_t)first;
			}
			n++;
		}
		first += end - start;
		last_end = end;
		if (banks)
			banks[n - 1].end = (uint32_t)first;
	}
	*nr_pages = first;
	return n;
}

/* The index of the first descriptor at or above pfn. */
static uint32_t index_from(pfn_t pfn)
{
	for (uint32_t i = 0; i < mm.nr_banks; i++) {
		const struct bank *bank = &mm.banks[i];

		if (pfn <= bank->start)
			return bank->first;
		if (pfn - bank->start < bank->end - bank->first)
			return bank->first + (uint32_t)(pfn - bank->start);
	}
	return mm.nr_pages;
}

static void init_zones(pfn_t dma32_end)
{
	uint32_t boundary = index_from(dma32_end);
	const struct memblock_region *region;
	struct zone *zone;

	for_each_zone (zone) {
		size_t i = (size_t)(zone - mm.zones);

		spin_lock_init(&zone->lock);
		memset(zone->list, 0xff, sizeof(zone->list));
		memset(zone->whole, 0xff, sizeof(zone->whole));
		zone->name = zone_names[i];
		zone->start = i == ZONE_DMA32 ? 0 : boundary;
		zone->end = i == ZONE_DMA32 ? boundary : mm.nr_pages;
	}
	for_each_mem_region (region) {
		pfn_t start, end;

		if (!region_pages(region, &start, &end))
			continue;
		if (start < dma32_end)
			mm.zones[ZONE_DMA32].present += min_u64(end, dma32_end) - start;
		if (end > dma32_end)
			mm.zones[ZONE_NORMAL].present += end - max_u64(start, dma32_end);
	}
}

/*
 * A request for NORMAL tries NORMAL, then DMA32; with __GFP_THISNODE only the first populated of
 * them. A zone has one set of caches: DMA32's are those of the class bit __GFP_DMA32, unless
 * NORMAL has no memory and every request that does not insist on DMA32 is served from it.
 */
static void init_zonelists(void)
{
	struct zone *dma32 = &mm.zones[ZONE_DMA32], *normal = &mm.zones[ZONE_NORMAL];
	const struct zone_choice low = {dma32, zone_populated(normal) ? __GFP_DMA32 : 0};

	dma32->first_pcp = low.class / sizeof(struct per_cpu_pages);
	for (unsigned int list = 0; list < NR_ZONELISTS; list++) {
		struct zone_choice *choice = mm.zonelists[list][ZONE_NORMAL].choice;

		if (zone_populated(normal))
			*choice++ = (struct zone_choice){normal, 0};
		if (!zone_populated(dma32))
			continue;
		mm.zonelists[list][ZONE_DMA32].choice[0] = low;
		if (!zone_populated(normal) || list == 0)
			*choice = low;
	}
}

int mm_init(const struct mm_config *config)
{
	uint64_t nr_pages, nr_sections;
	size_t memmap, trust, pageblocks, banks, total;
	uint32_t nr_banks = find_banks(NULL, &nr_pages);
	unsigned long max_spans = 2 * (memblock.memory.cnt + memblock.reserved.cnt) + 32;
	phys_addr_t limit = config->dma32_limit ? config->dma32_limit : (phys_addr_t)1 << 32;
	char *area;

	if (!nr_banks || nr_pages >= NIL32) {
		port_log("mm: %s",
			 nr_banks ? "too much memory: 16 TiB at most"
				  : "no memory: the device tree gives no whole page of it");
		return -EINVAL;
	}
	nr_sections = nr_pages >> SECTION_SHIFT;
	memmap = nr_pages * sizeof(struct page);
	trust = nr_pages >> GROUP_SHIFT;
	pageblocks = (nr_pages >> pageblock_order) * sizeof(struct pageblock);
	banks = nr_banks * sizeof(struct bank);
	total = memmap + pageblocks + trust + banks + max_spans * sizeof(struct span);
	area = FAULT_POINT() ? NULL
			     : memblock_alloc_try_nid_raw(total, PAGE_SIZE, MEMBLOCK_LOW_LIMIT,
							  MEMBLOCK_ALLOC_ACCESSIBLE, NUMA_NO_NODE);
	if (!area) {
		port_log("mm: no room for %zu bytes of page descriptors (%llu sections of 4 MiB)",
			 total, (unsigned long long)nr_sections);
		return -ENOMEM;
	}

	if (mm.memmap) /* not the first time */
		memset(&mm, 0, sizeof(mm));
	mm.memmap = (struct page *)(void *)area;
	mm.pageblocks = (struct pageblock *)(void *)(area + memmap);
	mm.trust = (int8_t *)(area + memmap + pageblocks);
	mm.banks = (struct bank *)(void *)(area + memmap + pageblocks + trust);
	mm.spans = (struct span *)(void *)(area + memmap + pageblocks + trust + banks);
	mm.nr_pages = (uint32_t)nr_pages;
	mm.nr_banks = nr_banks;
	mm.max_spans = (uint32_t)max_spans;
	mm.memmap_bytes = total;
	mm.pcp_high = UINT32_MAX;
	find_banks(mm.banks, &nr_pages);
	init_zones(PFN_DOWN(ALIGN_DOWN(limit, SECTION_SIZE)));
	init_zonelists();
	if (config->boot_pcpu->cpu >= CONFIG_NR_CPUS)
		config->boot_pcpu->cpu = 0;
	mm.nr_cpus = config->nr_cpus ? config->nr_cpus : 1;
	if (config->boot_pcpu->cache != config->boot_pcpu->pcp[0] || config->boot_pcpu->trust)
		boot_pageset_init(config->boot_pcpu, 0);
	pcp_attach(config->boot_pcpu);
	return 0;
}

/* ---- memblock_free_all --------------------------------------------------------------------- */

/* A section that is partly reserved and being described: pages up to pos have their heads. */
struct partial {
	unsigned long section; /* NIL32: none */
	unsigned long pos;
};

/* Cut [index, end), which lies in one section, into the largest aligned blocks. */
static void write_blocks(unsigned long index, unsigned long end, bool reserved)
{
	struct zone *zone = zone_of(index);
	unsigned int order = 0;

	while (index < end) {
		while (order < MAX_PAGE_ORDER && !(index >> order & 1) &&
		       index + (2UL << order) <= end)
			order++;
		while (index + (1UL << order) > end)
			order--;
		trust_head(index, order);
		if (reserved)
			mm.memmap[index].word = PAGE_RESERVED_WORD(order);
		else
			buddy_add(zone, index, order);
		index += 1UL << order;
	}
}

/*
 * Add sections [first, end) to the spans, open ones up to `opened`; they follow all spans there
 * are.
 */
static void span_append(unsigned long first, unsigned long opened, unsigned long end)
{
	struct zone *zone = zone_of(first << SECTION_SHIFT);
	struct span *last = mm.nr_spans ? &mm.spans[mm.nr_spans - 1] : NULL;

	if (last && last->end == first && last->opened == last->end &&
	    zone_of((unsigned long)last->first << SECTION_SHIFT) == zone) {
		last->opened = (uint32_t)opened;
		last->end = (uint32_t)end;
	} else {
		mm.spans[mm.nr_spans++] =
			(struct span){(uint32_t)first, (uint32_t)opened, (uint32_t)end, NIL32};
	}
	zone->span_end = mm.nr_spans;
}

static void partial_end(struct partial *partial)
{
	if (partial->section != NIL32) {
		write_blocks(partial->pos, (partial->section + 1) << SECTION_SHIFT, true);
		buddy_added(zone_of(partial->section << SECTION_SHIFT), partial->section);
	}
	partial->section = NIL32;
}

/* Release [index, end), a range of one bank above all ranges released before. */
static void release(struct partial *partial, unsigned long index, unsigned long end)
{
	while (index < end) {
		unsigned long section = index >> SECTION_SHIFT;
		unsigned long stop = (section + 1) << SECTION_SHIFT;
		struct zone *zone = zone_of(index);

		if (index == section << SECTION_SHIFT && end >= stop) {
			stop = min_u64(ALIGN_DOWN(end, SECTION_PAGES), zone->end);
			partial_end(partial);
			span_append(section, section, stop >> SECTION_SHIFT);
			zone->nr_untouched += stop - index;
			zone->nr_free += stop - index;
		} else {
			stop = min_u64(stop, end);
			if (partial->section != section) {
				partial_end(partial);
				section_clear(section);
				span_append(section, section + 1, section + 1);
				partial->section = section;
				partial->pos = section << SECTION_SHIFT;
			}
			write_blocks(partial->pos, index, true);
			write_blocks(index, stop, false);
			partial->pos = stop;
		}
		zone->managed += stop - index;
		index = stop;
	}
}

unsigned long memblock_free_all(void)
{
	struct partial partial = {NIL32, 0};
	pfn_t start = 0, end = 0; /* a free range, not released yet: touching ones become one */
	uint64_t i, released = 0;
	phys_addr_t base, limit;
	struct zone *zone;
	uint32_t span = 0;

	for_each_free_mem_range (i, NUMA_NO_NODE, MEMBLOCK_NONE, &base, &limit, NULL) {
		/* Address 0 means "none" to callers of __get_free_pages(): it stays reserved. */
		pfn_t from = max_u64(PFN_UP(base), 1), to = PFN_DOWN(limit);

		if (from >= to)
			continue;
		if (from == end) {
			end = to;
			continue;
		}
		if (start < end)
			release(&partial, pfn_to_index(start), pfn_to_index(end - 1) + 1);
		start = from;
		end = to;
	}
	if (start < end)
		release(&partial, pfn_to_index(start), pfn_to_index(end - 1) + 1);
	partial_end(&partial);

	for_each_zone (zone) {
		if (zone->span_end < span)
			zone->span_end = span;
		zone->span = NIL32;
		span = zone->span_end;
		released += zone->managed;
	}
	/* Sections are taken from the spans that have untouched ones, in order. */
	for (span = mm.nr_spans; span--;) {
		zone = zone_of((unsigned long)mm.spans[span].first << SECTION_SHIFT);
		mm.spans[span].next = zone->span;
		if (mm.spans[span].opened < mm.spans[span].end)
			zone->span = span;
	}
	memblock_handed_over = true;
	mm.grouping = released >= pageblock_nr_pages * MIGRATE_TYPES;
	if (!mm.grouping)
		port_log("mm: grouping pages by mobility is off: too little memory");
	init_per_zone_wmark_min();
	return (unsigned long)released;
}

/* ---- memblock_free_late -------------------------------------------------------------------- */

/* The number of a span that is now one more, if it was `from` or above. */
static void moved_up(uint32_t *span, uint32_t from)
{
	if (*span != NIL32 && *span >= from)
		++*span;
}

/*
 * Give a section that is reserved as a whole a span and one reserved block. Returns false if the
 * table is full.
 */
static bool section_open_reserved(unsigned long section)
{
	struct zone *zone;
	uint32_t i = mm.nr_spans;

	if (section_is_open(section))
		return true;
	if (mm.nr_spans == mm.max_spans)
		return false;
	for (; i && mm.spans[i - 1].first > section; i--)
		mm.spans[i] = mm.spans[i - 1];
	mm.spans[i] = (struct span){(uint32_t)section, (uint32_t)section + 1, (uint32_t)section + 1,
				    NIL32};
	mm.nr_spans++;
	for (uint32_t s = 0; s < mm.nr_spans; s++)
		moved_up(&mm.spans[s].next, i);
	for_each_zone (zone) {
		moved_up(&zone->span, i);
		if (section < zone->end >> SECTION_SHIFT)
			zone->span_end++;
	}
	section_clear(section);
	trust_head(section << SECTION_SHIFT, MAX_PAGE_ORDER);
	mm.memmap[section << SECTION_SHIFT].word = PAGE_RESERVED_WORD(MAX_PAGE_ORDER);
	return true;
}

/* Halve the reserved block around index until it starts there and is no larger than `order`. */
static void reserved_split(unsigned long index, unsigned int order)
{
	unsigned long head = block_head(index);
	unsigned int have = page_order(&mm.memmap[head]);

	while (have > order || head != index) {
		unsigned long upper = head + (1UL << --have);

		trust_head(head, have);
		trust_head(upper, have);
		mm.memmap[head].word = PAGE_RESERVED_WORD(have);
		mm.memmap[upper].word = PAGE_RESERVED_WORD(have);
		if (index >= upper)
			head = upper;
	}
}

/* May these frames be released late? All must exist, be mapped, and be reserved. */
static int check_late(pfn_t pfn, pfn_t end)
{
	uint32_t sections = 0;

	for (; pfn < end; pfn++) {
		unsigned long index = pfn_to_index(pfn);

		if (index == NIL32 || !memblock_is_map_memory(PFN_PHYS(pfn)))
			return -EFAULT;
		if (section_is_untouched(index >> SECTION_SHIFT))
			return -EPERM;
		if (!section_is_open(index >> SECTION_SHIFT)) {
			/* reserved as a whole: it will need a span */
			sections++;
			pfn += SECTION_PAGES - 1 - (index & (SECTION_PAGES - 1));
		} else if (page_state(&mm.memmap[block_head(index)]) != PAGE_RESERVED) {
			return -EPERM;
		}
	}
	return sections > mm.max_spans - mm.nr_spans ? -ENOSPC : 0;
}

int memblock_free_late(phys_addr_t base, phys_addr_t size)
{
	pfn_t start = max_u64(PFN_UP(base), 1), end = PFN_DOWN(base + size);
	int error;

	if (!mm.memmap || base + size < base)
		return -EINVAL;
	if (start >= end)
		return 0;
	error = check_late(start, end);
	if (!error)
		error = FAULT_POINT() ? -ENOMEM : memblock_phys_free(base, size);
	for (pfn_t pfn = start; !error && pfn < end;) {
		unsigned long index = pfn_to_index(pfn);
		struct zone *zone = zone_of(index);
		unsigned int order = 0;
		unsigned long flags = port_irq_save();

		while (order < MAX_PAGE_ORDER && !(index >> order & 1) &&
		       pfn + (2UL << order) <= end)
			order++;
		spin_lock(&zone->lock);
		section_open_reserved(index >> SECTION_SHIFT);
		reserved_split(index, order);
		order = page_order(&mm.memmap[index]);
		if (HOOKS)
			hook_free_part(index, order, MIGRATE_UNMOVABLE);
		buddy_free(zone, index, order);
		zone->managed += 1UL << order;
		spin_unlock(&zone->lock);
		port_irq_restore(flags);
		pfn += 1UL << order;
	}
	if (!error)
		setup_per_zone_wmarks();
	return error;
}
