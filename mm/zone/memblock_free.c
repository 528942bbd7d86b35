/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memblock_free.c: what memblock hands to the page allocator.
 *
 * memblock_free_all() writes descriptors only for sections that are partly reserved, and notes
 * runs of wholly free ones as spans. So the cost is linear in the regions of memblock, not in
 * memory. memblock_free_late() gives up what was reserved until then.
 */
#include <errno.h>
#include "../buddy/buddy.h"
#include "../debug/hooks.h"
#include "../memblock/memblock.h"
#include "zone_internal.h"

static uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t max_u64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
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
		unsigned long index = partial->section << SECTION_SHIFT;
		struct pageblock *pb = &mm.pageblocks[index >> pageblock_order];

		write_blocks(partial->pos, index + SECTION_PAGES, true);
		for (int i = 0; i < 2; i++, pb++)
			if (pb->free_orders)
				pb_settle(zone_of(index), pb, pageblock_order - 1);
	}
	partial->section = NIL32;
}

/* Release the frames [start, last), which lie in one bank and above all released before; there may be none. */
static void release(struct partial *partial, pfn_t start, pfn_t last)
{
	unsigned long index = pfn_to_index(start), end = index + (unsigned long)(last - start);

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
		release(&partial, start, end);
		start = from;
		end = to;
	}
	release(&partial, start, end);
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
		report_no_grouping();
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
 * Give a section that is reserved as a whole a span, for which check_late() found room, and one
 * reserved block.
 */
static void section_open_reserved(unsigned long section)
{
	struct zone *zone;
	uint32_t i = mm.nr_spans;

	if (section_is_open(section))
		return;
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
		enum section_state state;

		if (index == NIL32 || !memblock_is_map_memory(PFN_PHYS(pfn)))
			return -EFAULT;
		state = section_state(index >> SECTION_SHIFT);
		if (state == SECTION_RESERVED) { /* it will need a span */
			sections++;
			pfn += SECTION_PAGES - 1 - (index & (SECTION_PAGES - 1));
		} else if (state == SECTION_UNTOUCHED ||
			   page_state(&mm.memmap[block_head(index)]) != PAGE_RESERVED) {
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
