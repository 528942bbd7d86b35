/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * buddy.c: a block is taken from the buddy, from any state that meets the invariant, as mm/ does it: with the head that
 * the caller writes before it lets go of the lock. ORDER: of the block, one run for each.
 */
#include "small_zone.h"
#include "mm/buddy/buddy.c"
#include "mm/buddy/buddy_free.c"
#include "mm/buddy/fallback.c"

static void any_valid_state(void)
{
	any_state();
	ASSUME(invariant());
}

/* A block was taken for a request: the pages of it were free, all others are what they were. */
static void check_taken(unsigned long index, unsigned int order, const struct witness *before,
			enum migratetype type)
{
	unsigned long pages = 1UL << order;

	ASSERT(index < PAGES && pages <= PAGES - index && !(index & (pages - 1)));
	memmap[index].raw = PAGE_INFO(PAGE_ALLOC, order) | PAGE_ONE_REF | (uint32_t)type << 5;
	ASSERT(invariant());
	if (before->index - index < pages)
		ASSERT(before->free && !map_test(before->index));
	else
		ASSERT(same_page(before));
	ASSERT(same_rest(before));
}

static bool is_free_run(unsigned long index, unsigned long pages)
{
	bool free = true;

	for (unsigned long i = 0; i < PAGES; i++)
		free &= i < index || i >= index + pages || map_test(i);
	return free;
}

/* None is to be had only if no free block lies in pageblocks that serve any request. */
void prove_buddy_alloc(void)
{
	unsigned int order = ORDER, lowest;
	enum migratetype type;
	unsigned long index, other, at;
	struct witness before;
	bool one_is_free;

	any_valid_state();
	ASSUME((unsigned int)type < MIGRATE_PCPTYPES && lowest <= ORDER &&
	       (ORDER < pageblock_order || lowest == ORDER));
	ASSUME(at < PAGES && !(at & ((1UL << ORDER) - 1)));
	one_is_free = is_free_run(at, 1UL << ORDER) && !pb_is_kept(pb_of(at)) &&
		      !pb_is_kept(pb_of(at + (1UL << ORDER) - 1));
	before = witness_of(other);
	index = buddy_alloc(zone, &order, type, lowest);
	if (index == NIL32) {
		ASSERT(!one_is_free);
		ASSERT(invariant() && same_page(&before) && same_rest(&before) &&
		       zone->nr_free == before.zone.nr_free);
	} else {
		ASSERT(order >= lowest && order <= ORDER);
		check_taken(index, order, &before, type);
	}
}
