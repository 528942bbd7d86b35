/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * compact.c: compaction. Pageblocks whose pages can all move are emptied, those with the most free
 * pages first, into those that hold something which cannot move, and then into the fullest of the
 * others. So as many pageblocks are free in the end as what cannot move allows, and few pages move.
 *
 *   class of a pageblock:  FIXED (something cannot move)   MOVABLE   none (whole, kept, not open)
 *   sources: MOVABLE, emptiest first    targets: FIXED in their order, then MOVABLE, fullest first
 *
 * A pageblock's class is noted in the word that says, while it is isolated, what it was.
 */
#include <quarry/migrate.h>
#include "../free_map.h"
#include "migrate_internal.h"

enum {
	CLASS_NONE,
	CLASS_FIXED,
	CLASS_MOVABLE
};

#define STEP (pageblock_nr_pages < 16 ? 1 : pageblock_nr_pages / 16) /* of free pages, sorted by */

/* Where blocks of one order go: an order that finds no room goes on, others stay. */
struct cursor {
	bool movable; /* targets are MOVABLE pageblocks by now */
	bool chosen;  /* the target is one, until it is full, whatever it has free by then */
	unsigned long target; /* the next one to look at */
	unsigned long full;   /* MOVABLE targets have fewer free pages than this, by STEP at most */
};

struct compact {
	struct cursor cursor[pageblock_order]; /* by order */
	unsigned long first, end;	       /* pageblocks of the zone */
	bool fixed;			       /* targets are FIXED pageblocks still */
	unsigned long target;		       /* the next one to look at */
	unsigned long
		full; /* MOVABLE targets have fewer free pages than this, STEP or less below */
	unsigned long source; /* is no target */
	unsigned long source_free;
	unsigned long moved;
};

static bool is_candidate(unsigned long n)
{
	const struct pageblock *pb = &mm.pageblocks[n];

	return section_is_open(n >> (SECTION_SHIFT - pageblock_order)) && !pb_is_kept(pb) &&
	       READ_ONCE(pb->nr_free) < pageblock_nr_pages;
}

/* Calls fn for each head in use of a pageblock; false: fn said so, and it is the last. */
static RACY bool each_block(unsigned long n, bool (*fn)(unsigned long head, void *arg), void *arg)
{
	unsigned long at = n << pageblock_order, end = at + pageblock_nr_pages;

	while (at < end) {
		unsigned long next = map_skip_free(at), head;
		uint32_t word;

		if (next != at) {
			at = next;
			continue;
		}
		head = trusted(at) ? at : NIL32;
		word = head == NIL32 ? 0 : READ_ONCE(mm.memmap[head].word);
		if (!(word &
		      PAGE_STATE_MASK)) /* a larger block than the pageblock, or just taken */
			return false;
		at = head + (1UL << ((word & PAGE_ORDER_MASK) >> PAGE_ORDER_SHIFT));
		/* without holders it is cached, and goes to the buddy when it is asked for */
		if (word >> PAGE_STATE_SHIFT != PAGE_ALLOC && !fn(head, arg))
			return false;
	}
	return true;
}

static bool can_move(unsigned long head, void *arg)
{
	(void)arg;
	count_scanned(1);
	return block_movable(head);
}

/* With the lock: an isolated one has in this word what it was. */
static void note_class(struct pageblock *pb, uint32_t class)
{
	struct zone *zone = zone_of((unsigned long)(pb - mm.pageblocks) << pageblock_order);
	unsigned long flags = port_irq_save();

	spin_lock(&zone->lock);
	if (!pb_is_kept(pb))
		pb->was = class;
	spin_unlock(&zone->lock);
	port_irq_restore(flags);
}

static void classify(const struct compact *compact)
{
	for (unsigned long n = compact->first; n < compact->end; n++) {
		struct pageblock *pb = &mm.pageblocks[n];
		uint32_t class = !is_candidate(n)		 ? CLASS_NONE
				 : each_block(n, can_move, NULL) ? CLASS_MOVABLE
								 : CLASS_FIXED;

		if (class != CLASS_NONE || section_is_open(n >> (SECTION_SHIFT - pageblock_order)))
			note_class(pb, class);
	}
}

/* ---- targets ------------------------------------------------------------------------------- */

static bool is_target(const struct compact *compact, const struct cursor *cursor)
{
	const struct pageblock *pb = &mm.pageblocks[cursor->target];
	unsigned long free;

	if (!is_candidate(cursor->target) || cursor->target == compact->source)
		return false;
	free = READ_ONCE(pb->nr_free);
	if (!cursor->movable)
		return pb->was == CLASS_FIXED && free;
	return pb->was == CLASS_MOVABLE && free && free < cursor->full &&
	       free + STEP >= cursor->full && free < compact->source_free;
}

/* The next pageblock that is one; false: none is left. */
static bool next_target(const struct compact *compact, struct cursor *cursor)
{
	if (cursor->chosen && cursor->target != compact->source && is_candidate(cursor->target))
		return true;
	for (;; cursor->target++) {
		if (cursor->target == compact->end) {
			if (cursor->full > compact->source_free)
				return false;
			cursor->movable = true;
			cursor->full += STEP;
			cursor->target = compact->first;
		}
		cursor->chosen = is_target(compact, cursor);
		if (cursor->chosen)
			return true;
	}
}

/*
 * Holes are often too small for larger blocks: these may open a pageblock that is free as a whole, which
 * they share.
 */
static struct page *take_anywhere(const struct compact *compact, unsigned int order)
{
	struct page *page = alloc_pages(GFP_NOWAIT | __GFP_MOVABLE | __GFP_NOWARN, order);

	if (page && (unsigned long)(page - mm.memmap) >> pageblock_order == compact->source) {
		__free_pages(page, order);
		page = NULL;
	}
	return page;
}

static struct page *take_target(unsigned int order, void *arg)
{
	struct compact *compact = arg;
	struct cursor *cursor = &compact->cursor[order];
	struct page *page = NULL;

	while (!page && next_target(compact, cursor)) {
		struct zone *zone = zone_of(cursor->target << pageblock_order);
		unsigned long flags = port_irq_save(), index;

		spin_lock(&zone->lock);
		index = buddy_alloc_at(zone, cursor->target, order);
		if (index != NIL32) {
			page = &mm.memmap[index];
			page->raw = PAGE_INFO(PAGE_ALLOC, order) | PAGE_ONE_REF | __GFP_MOVABLE |
				    zone->first_pcp * (uint32_t)sizeof(struct per_cpu_pages);
		}
		spin_unlock(&zone->lock);
		port_irq_restore(flags);
		if (!page) { /* it has no such block */
			cursor->chosen = false;
			cursor->target++;
		}
	}
	return page || !order ? page : take_anywhere(compact, order);
}

/* ---- sources ------------------------------------------------------------------------------- */

static bool move(unsigned long head, void *arg)
{
	struct compact *compact = arg;

	if (!block_movable(head) || migrate_block(head, take_target, compact))
		return false; /* it will not be empty */
	compact->moved++;
	return true;
}

static unsigned long compact_zone(const struct zone *zone)
{
	struct compact compact = {0};

	compact.first = zone->start >> pageblock_order;
	compact.end = zone->end >> pageblock_order;
	for (unsigned int order = 0; order < pageblock_order; order++)
		compact.cursor[order].target = compact.first;
	classify(&compact);
	for (unsigned long most = pageblock_nr_pages; most; most -= most < STEP ? most : STEP)
		for (unsigned long n = compact.end; n-- > compact.first;) {
			const struct pageblock *pb = &mm.pageblocks[n];
			unsigned long free;

			if (!is_candidate(n) || pb->was != CLASS_MOVABLE)
				continue;
			free = READ_ONCE(pb->nr_free);
			if (free >= most || free + STEP < most)
				continue;
			compact.source = n;
			compact.source_free = free;
			each_block(n, move, &compact);
		}
	return compact.moved;
}

unsigned long compact_memory(void)
{
	unsigned long moved = 0;
	struct zone *zone;

	drain_all_pages();
	for_each_zone (zone)
		if (zone_populated(zone))
			moved += compact_zone(zone);
	return moved;
}
