/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memblock_free.c: what memblock hands to the page allocator.
 *
 * memblock_free_all() writes descriptors only for sections that are partly reserved, and notes
 * runs of wholly free ones as spans. So the cost is linear in the regions of memblock, not in
 * memory. memblock_free_late() gives up what was reserved until then.
 */
#include <quarry/errno.h>
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
	const struct bank *bank; /* of what was released last */
	const struct bank *end;
};

/* Cut [index, end), which lies in one section and is reserved, into the largest aligned blocks. */
static void write_reserved(unsigned long index, unsigned long end)
{
	unsigned int order = 0;

	VM_BUG_ON(index < end && index >> SECTION_SHIFT != (end - 1) >> SECTION_SHIFT);
	VM_BUG_ON(index < end && !section_is_open(index >> SECTION_SHIFT));
	while (index < end) {
		while (order < MAX_PAGE_ORDER && !(index >> order & 1) &&
		       index + (2UL << order) <= end)
			order++;
		while (index + (1UL << order) > end)
			order--;
		VM_BUG_ON(zone_of(index) != zone_of(index + (1UL << order) - 1));
		trust_head(index, order);
		mm.memmap[index].word = PAGE_RESERVED_WORD(order);
		index += 1UL << order;
	}
}

/*
 * Add sections [first, end), open ones up to `opened`, to the span before, which they prolong, or
 * as a new one. All but those from span i on lie below them.
 */
static void span_insert(uint32_t i, unsigned long first, unsigned long opened, unsigned long end)
{
	struct span *span = &mm.spans[i];

	VM_BUG_ON(i > mm.nr_spans || first > opened || opened > end || first >= end);
	VM_BUG_ON(end > mm.nr_pages >> SECTION_SHIFT);
	VM_BUG_ON(i && span[-1].end > first);
	VM_BUG_ON(i < mm.nr_spans && span->first < end);
	/* A span lies in one zone. */
	if (i && span[-1].end == first && span[-1].opened == first &&
	    first << SECTION_SHIFT != mm.zones[ZONE_NORMAL].start) {
		span--;
	} else {
		VM_BUG_ON(mm.nr_spans >= mm.max_spans);
		for (uint32_t last = mm.nr_spans++; last > i; last--)
			mm.spans[last] = mm.spans[last - 1];
		span->first = (uint32_t)first;
	}
	span->opened = (uint32_t)opened;
	span->end = (uint32_t)end;
}

/*
 * Which spans are each zone's, and which of them have untouched sections: those are taken in order.
 */
static void link_spans(void)
{
	struct zone *zone;

	for_each_zone (zone) {
		zone->span = NIL32;
		zone->span_end = mm.nr_spans;
	}
	for (uint32_t i = mm.nr_spans; i--;) {
		struct span *span = &mm.spans[i];

		VM_BUG_ON(i && span[-1].end > span->first);
		VM_BUG_ON(zone_of((unsigned long)span->first << SECTION_SHIFT) !=
			  zone_of(((unsigned long)span->end << SECTION_SHIFT) - 1));
		zone = zone_of((unsigned long)span->first << SECTION_SHIFT);
		span->next = zone->span;
		if (span->opened < span->end)
			zone->span = i;
		if (zone > mm.zones)
			mm.zones[ZONE_DMA32].span_end = i;
	}
}

static void partial_end(struct partial *partial)
{
	if (partial->section != NIL32) {
		unsigned long index = partial->section << SECTION_SHIFT,
			      end = index + SECTION_PAGES;

		VM_BUG_ON(partial->pos < index || partial->pos > end);
		write_reserved(partial->pos, end);
		for (; index < end; index += pageblock_nr_pages)
			buddy_added(zone_of(index), index);
	}
	partial->section = NIL32;
}

/* Release pages that lie in one bank and above all released before. */
MM_APART void release_pages(struct partial *partial, unsigned long index, unsigned long end)
{
	while (index < end) {
		unsigned long section = index >> SECTION_SHIFT;
		unsigned long stop = (section + 1) << SECTION_SHIFT;
		struct zone *zone = zone_of(index);

		if (index == section << SECTION_SHIFT && end >= stop) {
			stop = (unsigned long)min_u64(ALIGN_DOWN(end, SECTION_PAGES), zone->end);
			partial_end(partial);
			span_insert(mm.nr_spans, section, section, stop >> SECTION_SHIFT);
			zone->nr_untouched += stop - index;
			zone->nr_free += stop - index;
		} else {
			stop = (unsigned long)min_u64(stop, end);
			if (partial->section != section) {
				partial_end(partial);
				section_clear(section, false);
				span_insert(mm.nr_spans, section, section + 1, section + 1);
				partial->section = section;
				partial->pos = section << SECTION_SHIFT;
			}
			write_reserved(partial->pos, index);
			buddy_add(zone, index, stop);
			partial->pos = stop;
		}
		VM_BUG_ON(stop <= index || stop > zone->end || index < zone->start);
		zone->managed += stop - index;
		index = stop;
	}
}

/* The same of a bank's frames, where whole sections that begin a span are the most common. */
static inline __attribute__((always_inline)) void release_in(struct partial *partial, pfn_t start,
							     pfn_t last)
{
	unsigned long index = partial->bank->first + (unsigned long)(start - partial->bank->start);
	unsigned long end = index + (unsigned long)(last - start);
	struct span *span;
	struct zone *zone;

	VM_BUG_ON(index != pfn_to_index(start) || pfn_to_index(last - 1) != end - 1);
	span = &mm.spans[mm.nr_spans];
	zone = zone_of(index);
	if (!FOR_SPEED || (index | end) % SECTION_PAGES || partial->section != NIL32 ||
	    !mm.nr_spans || end > zone->end || span[-1].opened == index >> SECTION_SHIFT) {
		release_pages(partial, index, end);
		return;
	}
	VM_BUG_ON(mm.nr_spans >= mm.max_spans);
	mm.nr_spans++;
	span->first = span->opened = (uint32_t)(index >> SECTION_SHIFT);
	span->end = (uint32_t)(end >> SECTION_SHIFT);
	zone->nr_untouched += end - index;
	zone->nr_free += end - index;
	zone->managed += end - index;
}

/*
 * Frames without a descriptor, of memory that was added since mm_init(), are left out. They come in
 * ascending order, so banks do as well.
 */
MM_APART void release_clipped(struct partial *partial, pfn_t start, pfn_t last)
{
	const struct bank *bank = partial->bank;

	for (; bank < partial->end && bank->start < last; bank++) {
		pfn_t from = max_u64(start, bank->start);
		pfn_t to = min_u64(last, bank->start + bank->pages);

		if (from < to) {
			partial->bank = bank;
			release_in(partial, from, to);
		}
	}
}

/* Where a bank has all of them, as nearly always, it is found at once. */
static void release(void *context, pfn_t start, pfn_t last)
{
	struct partial *partial = context;
	const struct bank *bank = partial->bank;

	if (FOR_SPEED) {
		if (start - bank->start >= bank->pages && bank + 1 < partial->end)
			bank++;
		if (start - bank->start < bank->pages && last - bank->start <= bank->pages) {
			partial->bank = bank;
			release_in(partial, start, last);
			return;
		}
	}
	release_clipped(partial, start, last);
}

unsigned long memblock_free_all(void)
{
	struct partial partial;
	uint64_t released = 0;
	struct zone *zone;

	if (!mm.memmap || memblock_handed_over.size) {
		report_nothing_released(mm.memmap);
		return 0;
	}
	partial.section = NIL32;
	partial.bank = mm.banks;
	partial.end = mm.banks + mm.nr_banks;
	memblock_for_free_frames(release, &partial);
	partial_end(&partial);

	link_spans();
	for_each_zone (zone)
		released += zone->managed;
	VM_BUG_ON(released > mm.nr_pages || mm.nr_spans > mm.max_spans);
	memblock_handed_over.base = virt_to_phys(mm.memmap);
	memblock_handed_over.size = mm.memmap_bytes;
	mm.grouping = released >= GROUPING_PAGES;
	if (!mm.grouping)
		report_no_grouping();
	init_per_zone_wmark_min();
	return (unsigned long)released;
}

/* ---- memblock_free_late -------------------------------------------------------------------- */

/*
 * May the pages [index, end), memory that memblock has reserved, be released? None may be the
 * allocator's already: memblock only remembers, and may have been told anything since.
 */
static int check_late(unsigned long index, unsigned long end)
{
	while (index < end) {
		enum section_state state = section_state(index >> SECTION_SHIFT);

		if (state == SECTION_RESERVED) {
			if (mm.max_spans - mm.nr_spans < MAX_NR_ZONES) /* it may need a span */
				return -ENOSPC;
			index = ALIGN_DOWN(index, SECTION_PAGES) + SECTION_PAGES;
			continue;
		}
		if (state == SECTION_UNTOUCHED)
			return -EPERM;
		VM_BUG_ON(state != SECTION_OPEN);
		index = block_head(index);
		if (index == NIL32 || page_state(&mm.memmap[index]) != PAGE_RESERVED)
			return -EPERM;
		index += 1UL << page_order(&mm.memmap[index]);
	}
	return 0;
}

/*
 * Open those of sections [section, end) that are reserved as a whole: each becomes one such block.
 */
void reserved_open(unsigned long section, unsigned long end)
{
	while (section < end) {
		unsigned long first = section, index = section << SECTION_SHIFT, flags;
		uint32_t i = 0;

		for (; section < end && !section_is_open(section) &&
		       (section == first || index != mm.zones[ZONE_NORMAL].start);
		     section++, index += SECTION_PAGES) {
			section_clear(section, false);
			mm.trust[index >> GROUP_SHIFT] = TRUST_HEAD;
			mm.memmap[index].word = PAGE_RESERVED_WORD(MAX_PAGE_ORDER);
		}
		if (section == first) { /* it is open */
			section++;
			continue;
		}
		VM_BUG_ON(section > end || section == first);
		flags = port_irq_save();
		while (i < mm.nr_spans && mm.spans[i].first < first)
			i++;
		span_insert(i, first, section, section);
		link_spans();
		port_irq_restore(flags);
	}
}

/* As whole blocks were reserved, so they are released; what is not asked for is cut off. */
void reserved_release(unsigned long index, unsigned long end)
{
	while (index < end) {
		struct zone *zone = zone_of(index);
		unsigned long head = block_head(index), flags;
		unsigned long stop = head + (1UL << page_order(&mm.memmap[head]));
		unsigned long last = (unsigned long)min_u64(stop, end);
		unsigned int order;

		VM_BUG_ON(!section_is_open(index >> SECTION_SHIFT) || stop <= index);
		VM_BUG_ON(page_state(&mm.memmap[head]) != PAGE_RESERVED);
		/* What is not released, and what is released after this, is reserved in parts. */
		write_reserved(head, index);
		write_reserved(index, last);
		write_reserved(last, stop);
		order = page_order(&mm.memmap[index]);
		VM_BUG_ON(index + (1UL << order) > last);
		flags = port_irq_save();
		spin_lock(&zone->lock);
		if (HOOKS)
			hook_free_part(index, order, MIGRATE_UNMOVABLE);
		buddy_free(zone, index, order);
		zone->managed += 1UL << order;
		VM_BUG_ON(zone->managed > zone->end - zone->start);
		spin_unlock(&zone->lock);
		port_irq_restore(flags);
		index += 1UL << order;
	}
}

int memblock_free_late(phys_addr_t base, phys_addr_t size)
{
	pfn_t start = max_u64(PFN_UP(base), 1), end = PFN_DOWN(base + size);
	unsigned long index, last;
	int error;

	if (!memblock_handed_over.size || base + size < base)
		return -EINVAL;
	if (start >= end)
		return 0;
	index = pfn_to_index(start);
	last = pfn_to_index(end - 1);
	/* What was added to memory since mm_init() has no descriptors. */
	if (index == NIL32 || last == NIL32 || last - index != end - 1 - start)
		return -EFAULT;
	error = memblock_check_late(start, end);
	if (!error)
		error = check_late(index, last + 1);
	if (!error)
		error = FAULT_POINT() ? -ENOMEM
				      : memblock_phys_free(PFN_PHYS(start), PFN_PHYS(end - start));
	if (error)
		return error;
	VM_BUG_ON(index > last || last >= mm.nr_pages);
	if (RECORDING)
		record_note(MM_RECORD_OTHER, 0, 0, MM_RECORD_FREE_LATE);
	reserved_open(index >> SECTION_SHIFT, (last >> SECTION_SHIFT) + 1);
	reserved_release(index, last + 1);
	return init_per_zone_wmark_min();
}
