/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * buddy_free.c: a block comes back to the buddy, from any state that meets the invariant.
 */
#include "small_zone.h"
#include "mm/buddy/buddy.c"
#include "mm/buddy/buddy_free.c"

/* ORDER: of the block; one run for each. */
void prove_buddy_free(void)
{
	unsigned long index, other, pages = 1UL << ORDER;
	struct witness before;

	any_state();
	ASSUME(invariant());
	ASSUME(is_allocated_head(index) && page_order(&memmap[index]) == ORDER);
	before = witness_of(other);
	buddy_free(zone, index, ORDER);
	ASSERT(invariant());
	ASSERT(other - index < pages ? map_test(other) : same_page(&before));
	ASSERT(same_rest(&before));
}

void cover_buddy_free(void)
{
	any_state();
	ASSUME(invariant());
	COVER(is_allocated_head(ORDER < 2 ? 6 : 0) &&
	      page_order(&memmap[ORDER < 2 ? 6 : 0]) == ORDER);
	COVER(pageblocks[0].type == MIGRATE_HIGHATOMIC && pageblocks[0].list == 1);
	COVER(pageblocks[0].list == pageblock_order && is_allocated_head(4));
	COVER(pageblocks[0].list == 1 && pageblocks[1].list == 1 && pageblocks[0].next == 1);
}
