/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nearest.c: what keeps a block from being free: of all aligned blocks of an order, the one with
 * the fewest pages in use, and the blocks that use them.
 *
 * The zone's memory is looked at section by section, each under the zone's lock, which is let go in
 * between; a block of the largest order is one section. The answer is true of the moment when its
 * section was looked at.
 */
#include <stdio.h>
#include "debug_internal.h"

struct nearest {
	unsigned long index;  /* of the aligned block, NIL32 if there is none */
	unsigned long in_use; /* pages of it that are neither free nor cached */
	unsigned long cached; /* pages of it in per-CPU caches */
	unsigned int holders; /* blocks in use */
	struct page first;    /* the descriptor of the first of these, and its index */
	unsigned long first_index;
	bool highatomic; /* it is kept for requests that may not wait */
};

/*
 * The block at index lies in *now, which its holder may be writing: one word of it is read. Returns
 * its order.
 */
static RACY unsigned int take_in(struct nearest *now, unsigned long index, unsigned int order)
{
	struct page page = {.raw = READ_ONCE(mm.memmap[index].raw)};
	bool free;
	unsigned int size = buddy_block_at(index, &free), have = size < order ? size : order;

	if (free)
		return size;
	switch (page_state(&page)) {
	case PAGE_RESERVED:
		now->in_use = NIL32; /* never given back */
		break;
	case PAGE_ALLOC:
		if (!page._refcount) {
			now->cached += 1UL << have;
			break;
		}
		/* fall through */
	default:
		if (!now->holders++) {
			now->first = page;
			now->first_index = index;
		}
		now->in_use += 1UL << have;
	}
	return size;
}

/* The blocks of one section, if it is open: the order of each leads to the next. */
static void look_at_section(struct zone *zone, unsigned long section, unsigned int order,
			    struct nearest *best)
{
	unsigned long i = section << SECTION_SHIFT, end = i + SECTION_PAGES;
	unsigned long flags = port_irq_save(), size = 1UL << order;
	struct nearest now = {0};

	spin_lock(&zone->lock);
	while (section_is_open(section) && i < end) {
		if (!(i & (size - 1)))
			now = (struct nearest){.index = i};
		i += 1UL << take_in(&now, i, order);
		if (i & (size - 1) || now.in_use >= best->in_use)
			continue;
		now.highatomic =
			mm.pageblocks[now.index >> pageblock_order].type == MIGRATE_HIGHATOMIC;
		*best = now;
	}
	spin_unlock(&zone->lock);
	port_irq_restore(flags);
}

void emit_nearest(struct zone *zone, unsigned int order, void (*emit)(const char *line))
{
	struct nearest best = {.index = NIL32, .in_use = NIL32};
	const struct page *first = &best.first;
	char line[224];
	size_t used;

	for (uint32_t s = 0; s < zone->span_end; s++) {
		/* Acquire, paired with the release in section_take(). */
		uint32_t opened = __atomic_load_n(&mm.spans[s].opened, __ATOMIC_ACQUIRE);

		for (uint32_t n = mm.spans[s].first; n < opened; n++)
			if (zone_of((unsigned long)n << SECTION_SHIFT) == zone)
				look_at_section(zone, n, order, &best);
	}
	if (best.index == NIL32)
		return;
	used = (size_t)snprintf(
		line, sizeof(line), "  nearest block 0x%llx: %lu of %lu pages in use",
		(unsigned long long)PFN_PHYS(index_to_pfn(best.index)), best.in_use, 1UL << order);
	if (best.holders)
		used += (size_t)snprintf(
			line + used, sizeof(line) - used,
			" by %u blocks; the first is 0x%llx order %u (%s, %u references, owner 0x%x)",
			best.holders, (unsigned long long)PFN_PHYS(index_to_pfn(best.first_index)),
			page_order(first), mm_migratetype_name(gfp_migratetype(first->info)),
			first->_refcount, (unsigned int)first->owner);
	if (best.cached)
		used += (size_t)snprintf(line + used, sizeof(line) - used,
					 ", %lu in per-CPU caches", best.cached);
	if (best.highatomic)
		snprintf(line + used, sizeof(line) - used, ", in a HIGHATOMIC pageblock");
	emit(line);
}
