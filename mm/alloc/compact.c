/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * compact.c: compaction. Pageblocks whose pages can all move are emptied, those with the most free
 * pages first, into those that hold something which cannot move, and then into the fullest of the
 * others. So as many pageblocks are free in the end as what cannot move allows, and few pages move.
 *
 *   class of a pageblock:  FIXED (something cannot move)   MOVABLE   none (whole, kept, not open)
 *   the order:  FIXED, by number    MOVABLE, by what was free (STEP) at first, then by number
 *   targets from its front, sources from its back, until they meet
 *
 * A pageblock's class, and how much of it was free, is noted in the word that says, while it is
 * isolated, what it was. What moves meanwhile does not change the order, so none is passed over.
 */
#include <quarry/migrate.h>
#include "../used_walk.h"
#include "migrate_internal.h"

enum {
	CLASS_NONE,
	CLASS_FIXED,
	CLASS_MOVABLE /* and all above: so many steps of it were free */
};

#define STEP  (pageblock_nr_pages < 16 ? 1 : pageblock_nr_pages / 16) /* of free pages, sorted by */
#define STEPS (pageblock_nr_pages / STEP)

/* Where blocks of one order go: an order that finds no room goes on, others stay. */
struct cursor {
	uint32_t class;
	unsigned long target; /* the next one to look at */
};

struct compact {
	struct cursor cursor[pageblock_order]; /* by order */
	unsigned long first, end;	       /* pageblocks of the zone */
	unsigned long source;		       /* and its class: targets come before it */
	uint32_t source_class;
	unsigned long
		opened; /* another one that has a part of the source already; else the source */
	unsigned long moved, scanned;
	unsigned long
		nr_pages; /* single pages of the first cursor's target, in use, still to be had */
	struct page *pages[MIGRATE_BATCH];
	struct migration migration;
};

static RACY bool is_candidate(unsigned long n)
{
	const struct pageblock *pb = &mm.pageblocks[n];

	return section_is_open(n >> (SECTION_SHIFT - pageblock_order)) && !pb_is_kept(pb) &&
	       READ_ONCE(pb->nr_free) < pageblock_nr_pages;
}

/* Calls fn for each head in use of a pageblock; false: fn said so, and it is the last. */
static inline __attribute__((always_inline)) RACY bool
each_block(unsigned long n, bool (*fn)(unsigned long head, struct compact *compact),
	   struct compact *compact)
{
	unsigned long at = n << pageblock_order;
	struct used_walk walk = {.next = at};

	while (used_walk_next(&walk, at + pageblock_nr_pages, false)) {
		if (walk.head == NIL32) /* a larger block than the pageblock, or just taken */
			return false;
		/* without holders it is cached, and goes to the buddy when it is asked for */
		if (walk.word >> PAGE_STATE_SHIFT != PAGE_ALLOC && !fn(walk.head, compact))
			return false;
	}
	return true;
}

static inline bool can_move(unsigned long head, struct compact *compact)
{
	compact->scanned++;
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

static RACY void classify(struct compact *compact)
{
	for (unsigned long n = compact->first; n < compact->end; n++) {
		struct pageblock *pb = &mm.pageblocks[n];
		uint32_t class = CLASS_NONE;

		if (is_candidate(n))
			class = each_block(n, can_move, compact)
					? CLASS_MOVABLE + READ_ONCE(pb->nr_free) / STEP
					: CLASS_FIXED;
		if (class != CLASS_NONE || section_is_open(n >> (SECTION_SHIFT - pageblock_order)))
			note_class(pb, class);
	}
}

/* ---- targets ------------------------------------------------------------------------------- */

/* The next pageblock that is one; false: none is left before the source. */
static RACY bool next_target(const struct compact *compact, struct cursor *cursor)
{
	for (;; cursor->target++) {
		const struct pageblock *pb = &mm.pageblocks[cursor->target];

		if (cursor->target == compact->end) {
			cursor->class ++;
			cursor->target = compact->first;
			pb = &mm.pageblocks[cursor->target];
		}
		if (cursor->class > compact->source_class ||
		    (cursor->class == compact->source_class && cursor->target >= compact->source))
			return false;
		if (READ_ONCE(pb->was) == cursor->class && READ_ONCE(pb->nr_free) &&
		    is_candidate(cursor->target))
			return true;
	}
}

/*
 * Holes are often too small for larger blocks: these may open a pageblock that is free as a whole,
 * which several sources share, so only if half of theirs is free. What else is in the source may go
 * there too: as many pageblocks are free then as before.
 */
static struct page *take_anywhere(struct compact *compact, unsigned int order)
{
	struct page *page = NULL;

	if (compact->source_class >= CLASS_MOVABLE + STEPS / 2)
		page = alloc_pages(GFP_NOWAIT | __GFP_MOVABLE | __GFP_NOWARN, order);
	if (!page)
		return NULL;
	compact->opened = (unsigned long)(page - mm.memmap) >> pageblock_order;
	if (compact->opened == compact->source) {
		__free_pages(page, order);
		page = NULL;
	}
	return page;
}

/* A block of the cursor's target, or several single pages, which wait in the order they are taken. */
static struct page *take_from(struct compact *compact, unsigned long target, unsigned int order)
{
	struct zone *zone = zone_of(target << pageblock_order);
	uint32_t word = moved_word(zone, PAGE_ALLOC, order);
	struct record_call *recorded = record_begin(MM_RECORD_TAKE_AT, order, word);
	unsigned long flags = port_irq_save(), index = NIL32;
	struct page *page = NULL;

	spin_lock(&zone->lock);
	if (!order) {
		compact->nr_pages =
			buddy_alloc_pages_at(zone, target, MIGRATE_BATCH, word, compact->pages);
	} else {
		index = buddy_alloc_at(zone, target, order);
		if (index != NIL32) {
			page = &mm.memmap[index];
			page->raw = word;
		}
	}
	spin_unlock(&zone->lock);
	port_irq_restore(flags);
	record_end(recorded, (uint64_t)target << 32 | (order ? index : compact->nr_pages), !order);
	if (!order && compact->nr_pages)
		page = compact->pages[--compact->nr_pages];
	return page;
}

static struct page *take_target(unsigned int order, void *arg)
{
	struct compact *compact = arg;
	struct cursor *cursor = &compact->cursor[order];
	struct page *page = NULL;

	if (!order && compact->nr_pages)
		return compact->pages[--compact->nr_pages];
	while (!page && next_target(compact, cursor)) {
		page = take_from(compact, cursor->target, order);
		if (!page) /* it has no such block */
			cursor->target++;
	}
	if (!page && order)
		page = take_anywhere(compact, order);
	if (!page && !order && compact->opened != compact->source)
		page = take_from(compact, compact->opened, order);
	return page;
}

/* The pages taken from a pageblock that may be a source now, or all that are left at the end. */
static void put_targets(struct compact *compact)
{
	while (compact->nr_pages)
		free_migrated(compact->pages[--compact->nr_pages]);
}

/* ---- sources ------------------------------------------------------------------------------- */

static inline bool move(unsigned long head, struct compact *compact)
{
	if (!block_movable(head) || migrate_block(&compact->migration, head))
		return false; /* it will not be empty */
	compact->moved++;
	return true;
}

static RACY unsigned long compact_zone(const struct zone *zone)
{
	struct compact compact = {0};

	compact.migration.target = take_target;
	compact.migration.arg = &compact;
	compact.first = zone->start >> pageblock_order;
	compact.end = zone->end >> pageblock_order;
	for (unsigned int order = 0; order < pageblock_order; order++)
		compact.cursor[order] = (struct cursor){CLASS_FIXED, compact.first};
	classify(&compact);
	for (uint32_t class = CLASS_MOVABLE + STEPS; class >= CLASS_MOVABLE; class --)
		for (unsigned long n = compact.end; n-- > compact.first;) {
			if (READ_ONCE(mm.pageblocks[n].was) != class || !is_candidate(n))
				continue;
			compact.source = compact.opened = n;
			compact.source_class = class;
			if (n == compact.cursor[0].target)
				put_targets(&compact);
			each_block(n, move, &compact);
			migrate_flush(&compact.migration);
			if (compact.opened != n)
				put_targets(&compact);
		}
	put_targets(&compact);
	count_events(&mm_moves.scanned, compact.scanned);
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
