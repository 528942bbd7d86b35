/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * state_hash.c: mm_state_hash() sums up all state that decides what later calls return. What was
 * never written, or is of no account where it stands, is left out; so are figures, the debug
 * options, and what a CPU knows only to be faster.
 */
#include "../buddy/buddy.h"
#include "../check_walk.h"
#include "../free_map.h"
#include "../slab/slab.h"
#include "../pcp/pcp.h"

/* A head in use is no more than that, if its holders are of no account. */
static uint64_t hash_head(uint64_t hash, unsigned long index, bool holders)
{
	const struct page *page = &mm.memmap[index];
	bool used = page_allocated(page) || page_state(page) == PAGE_CONTIG;
	bool cached = page_state(page) == PAGE_ALLOC && !page->_refcount;

	if (!holders && !cached && (used || page_state(page) == PAGE_FROZEN))
		return hash_mix(hash, (uint64_t)index << 32 | (page->word & PAGE_ORDER_MASK));
	hash = hash_mix(hash, (uint64_t)index << 32 | page->word);
	return used && holders ? hash_mix(hash, page->owner) : hash;
}

static uint64_t hash_section(uint64_t hash, unsigned long section, bool holders)
{
	const struct pageblock *pb = &mm.pageblocks[section << (SECTION_SHIFT - pageblock_order)];
	unsigned long index = section << SECTION_SHIFT, end = index + SECTION_PAGES;

	for (unsigned long n = 0; n < SECTION_PAGES >> pageblock_order; n++, pb++) {
		hash = hash_mix(hash, (uint64_t)pb->nr_free << 16 |
					      (uint64_t)(uint8_t)pb->list << 8 | pb->type);
		if (pb->list != PB_OFF_LIST)
			hash = hash_mix(hash, (uint64_t)pb->prev << 32 | pb->next);
	}
	for (; index < end; index++) {
		const struct page *page = &mm.memmap[index];

		if (!(index & (WORD_PAGES - 1))) {
			hash = hash_mix(hash, *map_word(index));
			hash = hash_mix(hash, *map_order(index));
		}
		if (!(index & (GROUP_PAGES - 1)))
			hash = hash_mix(hash, (uint64_t)mm.trust[index >> GROUP_SHIFT]);
		if (!trusted(index) || page_state(page) == PAGE_NONE)
			continue;
		hash = hash_head(hash, index, holders);
	}
	return hash;
}

static uint64_t hash_sysctls(uint64_t hash)
{
	const struct zone *zone;

	hash = hash_mix(hash, mm.pcp_high);
	hash = hash_mix(hash, (uint64_t)mm.nr_cpus << 1 | mm.grouping);
	for_each_zone (zone) {
		hash = hash_mix(hash, zone->mark.min);
		hash = hash_mix(hash, zone->mark.low);
		hash = hash_mix(hash, zone->mark.high);
		for (unsigned int i = 0; i < MAX_NR_ZONES; i++)
			hash = hash_mix(hash, zone->lowmem_reserve[i]);
	}
	return hash;
}

static uint64_t hash_pages(bool holders)
{
	const struct zone *zone;
	uint64_t hash = hash_sysctls(0);

	for_each_zone (zone) {
		hash = hash_mix(hash, zone->nr_free);
		hash = hash_mix(hash, zone->nr_untouched);
		hash = hash_mix(hash, zone->managed);
		hash = hash_mix(hash, zone->nr_highatomic);
		hash = hash_mix(hash, zone->nr_kept);
		hash = hash_mix(hash, zone->nr_cma);
		for (unsigned int i = 0; i < NR_KEPT_TYPES; i++)
			hash = hash_mix(hash, zone->nr_free_kept[i]);
		hash = hash_mix(
			hash,
			zone->span_end); /* zone->span skips what is open: it decides nothing */
		for (unsigned int type = 0; type < NR_PB_LISTS; type++)
			for (unsigned int order = 0; order < NR_PAGE_ORDERS; order++)
				hash = hash_mix(hash, (uint64_t)zone->nonempty[type] << 32 |
							      zone->list[type][order]);
	}
	for (uint32_t s = 0; s < mm.nr_spans; s++) {
		hash = hash_mix(hash, (uint64_t)mm.spans[s].first << 32 | mm.spans[s].opened);
		hash = hash_mix(hash, mm.spans[s].end);
		for (uint32_t section = mm.spans[s].first; section < mm.spans[s].opened; section++)
			hash = hash_section(hash, section, holders);
	}
	for (unsigned int cpu = 0; cpu < mm.end_cpu; cpu++) {
		for (unsigned int i = 0; mm.pcpu[cpu] && i < NR_PCPS; i++) {
			const struct per_cpu_pages *pcp = &mm.pcpu[cpu]->cache[i];

			hash = hash_mix(hash,
					(uint64_t)(pcp->limit - pcp->base) << 8 | pcp->cursor);
			for (struct page **p = pcp->base + 1; p <= pcp->top; p++)
				hash = hash_mix(hash, (uint64_t)(*p - mm.memmap));
		}
	}
	return hash;
}

uint64_t mm_state_hash(void)
{
	return hash_slabs(hash_pages(true));
}

uint64_t mm_record_hash(void)
{
	return hash_pages(false);
}
