/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * state_moved.c: mm_state_hash_moved(): the state but for where pages that can move lie. These are summed
 * up whatever their place, and of what is free and cached, how much it is.
 */
#include "../buddy/buddy.h"
#include "../check_walk.h"
#include "../used_walk.h"
#include "../pcp/pcp.h"

/* A block in use: with its place, if its owner's tag does not say that it moves. */
static uint64_t hash_block(unsigned long head, uint32_t word)
{
	const struct page *page = &mm.memmap[head];
	bool moves = word & __GFP_MOVABLE && page_allocated(page) && page->owner &&
		     word_pages(word) < pageblock_nr_pages;
	uint64_t hash = hash_mix(moves ? 0 : head + 1, word_pages(word));

	/* the class bits say which zone's caches it goes to */
	hash = hash_mix(hash, moves ? word >> 16 : word);
	return hash_mix(hash,
			page_allocated(page) || page_state(page) == PAGE_CONTIG ? page->owner : 0);
}

uint64_t mm_state_hash_moved(void)
{
	const struct zone *zone;
	uint64_t hash = 0, sum = 0, left = 0;

	for_each_zone (zone) {
		hash = hash_mix(hash, zone->managed);
		hash = hash_mix(hash, zone->nr_highatomic);
		hash = hash_mix(hash, zone->nr_cma);
		hash = hash_mix(hash, zone->mark.min);
		hash = hash_mix(hash, zone->mark.low);
		hash = hash_mix(hash, zone->mark.high);
		left += zone_free_pages(zone);
	}
	for (uint32_t s = 0; s < mm.nr_spans; s++) {
		for (uint32_t n = mm.spans[s].first; n < mm.spans[s].opened; n++) {
			struct used_walk walk = {.next = (unsigned long)n << SECTION_SHIFT};

			while (used_walk_next(&walk, (unsigned long)(n + 1) << SECTION_SHIFT,
					      true)) {
				if (walk.word >> PAGE_STATE_SHIFT == PAGE_ALLOC)
					left += word_pages(walk.word); /* cached */
				else if (walk.head != NIL32)
					sum += hash_block(walk.head, walk.word);
			}
		}
	}
	return hash_mix(hash_mix(hash, sum), left);
}
