/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * compact_direct.c: direct compaction. For a request that found no block though enough is free, the
 * pages of one block are moved elsewhere: of all blocks of its order whose pages in use can move, one
 * with few of them, in the pageblocks that have the most free.
 *
 *   a zone that leaves its mark --> its pageblocks, those with most free pages first --> in the first that
 *   has any, the block with the fewest pages to move --> its pageblocks are isolated, so that nothing
 *   takes what becomes free --> each page moves to a pageblock that is neither whole nor of a kept type
 *
 * So a request moves fewer pages than its block has, and looks at others only where an owner says no:
 * TRIES times. After a failure the zone is left out for a while, as Linux does (compaction_deferred()).
 */
#include <quarry/errno.h>
#include "../used_walk.h"
#include "migrate_internal.h"

#define COSTLY_ORDER 3	/* above it the fragmentation index is asked */
#define TRIES	     8	/* blocks whose owners say no */
#define STEPS	     16 /* of free pages, that pageblocks are sorted by */

struct direct {
	struct zone *zone;
	unsigned int order;
	uint32_t unit;			  /* pages: a pageblock, or a larger block's */
	unsigned long start;		  /* of the block, NIL32: none is known */
	unsigned long in_use;		  /* its pages that have to move */
	unsigned int tries;		  /* left: blocks whose owners say no */
	bool cached;			  /* some of it is cached */
	uint32_t target[pageblock_order]; /* pageblocks, by order, from the last one down */
	uint32_t scanned, isolated, room;
};

unsigned int mm_extfrag_threshold(void)
{
	return (unsigned int)(READ_ONCE(mm.compaction.extfrag_threshold) + EXTFRAG_THRESHOLD);
}

int mm_set_extfrag_threshold(unsigned int threshold)
{
	if (threshold > EXTFRAG_THRESHOLD_MAX)
		return -EINVAL;
	WRITE_ONCE(mm.compaction.extfrag_threshold, (int)threshold - EXTFRAG_THRESHOLD);
	return 0;
}

/* ---- is it worth it ------------------------------------------------------------------------ */

/* Free blocks of a word of the map. */
static unsigned long blocks_of(uint64_t bits)
{
	unsigned long blocks = 0;

	for (uint64_t left = bits; left; left &= left - 1)
		blocks++;
	for (unsigned int order = 0; order < WORD_ORDER && bits; order++) {
		bits = map_pairs(bits, order);
		for (uint64_t left = bits; left; left &= left - 1)
			blocks--; /* two are one */
	}
	return blocks;
}

/*
 * Is the index of the order, 1,000 - (1,000 + 1,000 x free / pages of the order) / blocks, above the
 * threshold? It is as soon as so many blocks are counted. Those of orders above a word's are several.
 */
static RACY bool is_fragmented(const struct direct *direct)
{
	const struct zone *zone = direct->zone;
	uint64_t many = 1000 + ((READ_ONCE(zone->nr_free) * 1000) >> direct->order);
	uint64_t each = 1000 - mm_extfrag_threshold(), blocks = 0;

	for (unsigned long at = zone->start; each && at < zone->end; at += WORD_PAGES) {
		if (!(at & (SECTION_PAGES - 1)) && !section_is_open(at >> SECTION_SHIFT)) {
			at += SECTION_PAGES - WORD_PAGES;
			continue;
		}
		blocks += blocks_of(READ_ONCE(*map_word(at)));
		if (blocks * each > many)
			return true;
	}
	return false;
}

/* Is it left out this time, as it failed for this order or a lower one? Several CPUs may count at once. */
static RACY bool is_deferred(struct compact_defer *defer, unsigned int order)
{
	unsigned int limit = 1U << READ_ONCE(defer->shift);
	unsigned int considered = READ_ONCE(defer->considered) + 1U;

	if (order < READ_ONCE(defer->order_failed))
		return false;
	WRITE_ONCE(defer->considered, (uint8_t)(considered < limit ? considered : limit));
	return considered < limit;
}

static RACY void note_outcome(struct compact_defer *defer, unsigned int order, bool done)
{
	unsigned int shift = READ_ONCE(defer->shift), failed = READ_ONCE(defer->order_failed);

	WRITE_ONCE(defer->considered, 0);
	WRITE_ONCE(defer->shift, (uint8_t)(done			       ? 0
					   : shift < COMPACT_DEFER_MAX ? shift + 1
								       : shift));
	if (done ? order >= failed : order < failed)
		WRITE_ONCE(defer->order_failed, (uint8_t)(order + done));
}

/* ---- which block --------------------------------------------------------------------------- */

/* Of a unit of open sections: how many pages are free, or -1: part of it is kept. */
static RACY long free_of_unit(const struct direct *direct, unsigned long unit)
{
	const struct pageblock *pb = &mm.pageblocks[unit >> pageblock_order];
	long free = 0;

	if (!section_is_open(unit >> SECTION_SHIFT))
		return -1;
	for (unsigned long pages = 0; pages < direct->unit; pages += pageblock_nr_pages, pb++) {
		if (pb_is_kept(pb))
			return -1;
		free += READ_ONCE(pb->nr_free);
	}
	return free;
}

static inline unsigned long step_of(const struct direct *direct, long free)
{
	return free < 0 ? STEPS + 1 : (unsigned long)free * STEPS / direct->unit;
}

/* A block has been looked at: is it better than what is known? Nothing of it is free if it is no block. */
static inline void judge(struct direct *direct, unsigned long start, unsigned long in_use,
			 bool cached)
{
	if (!in_use || in_use >= 1UL << direct->order || in_use >= direct->in_use)
		return;
	direct->start = start;
	direct->in_use = in_use;
	direct->cached = cached;
}

/* The best block of a unit. */
static RACY void look_at(struct direct *direct, unsigned long unit)
{
	unsigned long size = 1UL << direct->order, start = unit, in_use = 0;
	struct used_walk walk = {.next = unit};
	bool cached = false;

	direct->start = NIL32;
	direct->in_use = size;
	while (used_walk_next(&walk, unit + direct->unit, false)) {
		if (ALIGN_DOWN(walk.at, size) != start) {
			judge(direct, start, in_use, cached);
			start = ALIGN_DOWN(walk.at, size);
			in_use = 0;
			cached = false;
		}
		direct->scanned++;
		if (walk.head == NIL32)
			in_use = size; /* it will not be free */
		else if (walk.word >> PAGE_STATE_SHIFT == PAGE_ALLOC)
			cached = true;
		else
			in_use += block_movable(walk.head) ? word_pages(walk.word) : size;
	}
	judge(direct, start, in_use, cached);
}

/* ---- it is emptied ------------------------------------------------------------------------- */

/* In a pageblock that is neither whole nor kept, and so not one that is being emptied. */
static struct page *take_room(unsigned int order, void *arg)
{
	struct direct *direct = arg;
	struct zone *zone = direct->zone;
	uint32_t *target = &direct->target[order];
	unsigned long index = NIL32, flags;

	for (; *target > zone->start >> pageblock_order; --*target) {
		if (!section_is_open((*target - 1) >> (SECTION_SHIFT - pageblock_order)))
			continue;
		direct->room++;
		if (RECORDING)
			record_enter(MM_RECORD_TAKE_AT, order, moved_word(zone, PAGE_ALLOC, order),
				     0);
		flags = port_irq_save();
		spin_lock(&zone->lock);
		index = buddy_alloc_at(zone, *target - 1, order);
		if (index != NIL32)
			mm.memmap[index].raw = moved_word(zone, PAGE_ALLOC, order);
		spin_unlock(&zone->lock);
		port_irq_restore(flags);
		if (RECORDING)
			record_done_as(MM_RECORD_TAKE_AT, (uint64_t)(*target - 1) << 32 | index, 0);
		if (index != NIL32)
			return &mm.memmap[index];
	}
	return NULL;
}

static bool isolate(struct zone *zone, unsigned long pageblock, bool on)
{
	unsigned long flags;
	bool done = true;

	if (RECORDING)
		record_enter(MM_RECORD_ISOLATE, on, 0, pageblock);
	flags = port_irq_save();
	spin_lock(&zone->lock);
	if (on)
		done = buddy_isolate(zone, pageblock);
	else
		buddy_unisolate(zone, pageblock);
	spin_unlock(&zone->lock);
	port_irq_restore(flags);
	if (RECORDING)
		record_done(MM_RECORD_ISOLATE, done);
	return done;
}

static inline __attribute__((always_inline)) RACY void move_all(struct direct *direct,
								unsigned long end)
{
	struct migration migration = {.target = take_room, .arg = direct};
	struct used_walk walk = {.next = direct->start};

	while (used_walk_next(&walk, end, true)) {
		if (walk.head == NIL32 || walk.word >> PAGE_STATE_SHIFT == PAGE_ALLOC)
			continue;
		direct->isolated++;
		if (!block_movable(walk.head) || migrate_block(&migration, walk.head))
			break;
	}
	migrate_flush(&migration);
}

static inline __attribute__((always_inline)) bool empty(struct direct *direct)
{
	unsigned long end = direct->start + (1UL << direct->order);
	unsigned long first = direct->start >> pageblock_order;
	unsigned long last = (end - 1) >> pageblock_order, n = first;
	bool done = false;

	for (unsigned int order = 0; order < pageblock_order; order++)
		direct->target[order] = (uint32_t)(direct->zone->end >> pageblock_order);
	/* a pageblock that is cached as a whole is not isolated */
	if (direct->cached && last > first)
		remote_give_back(direct->start, end);
	while (n <= last && !FAULT_POINT() && isolate(direct->zone, n, true))
		n++;
	if (n > last) {
		if (direct->cached)
			remote_give_back(direct->start, end);
		move_all(direct, end);
		done = !FAULT_POINT() && buddy_range_free(direct->start, end);
	}
	while (n-- > first)
		isolate(direct->zone, n, false);
	return done;
}

/* ---- a request's --------------------------------------------------------------------------- */

static inline __attribute__((always_inline)) RACY bool compact_zone(struct direct *direct)
{
	unsigned long first = direct->zone->start, end = direct->zone->end;
	uint32_t steps = 0;

	for (unsigned long unit = first; unit < end; unit += direct->unit)
		steps |= 1U << step_of(direct, free_of_unit(direct, unit));
	for (unsigned long step = STEPS + 1; step--;) {
		for (unsigned long unit = first; steps >> step & 1 && unit < end;
		     unit += direct->unit) {
			if (step_of(direct, free_of_unit(direct, unit)) != step)
				continue;
			look_at(direct, unit);
			if (direct->start == NIL32)
				continue;
			if (empty(direct))
				return true;
			if (!--direct->tries)
				return false;
		}
	}
	return false;
}

/* A copy in each caller: one frame (QUARRY_STACK_MAX_MOVE). */
static inline __attribute__((always_inline)) bool compact_and_count(struct direct *direct)
{
	bool done = compact_zone(direct);

	count_events(&mm_moves.scanned, direct->scanned);
	count_events(&mm_moves.isolated, direct->isolated);
	count_events(&mm_moves.free_scanned, direct->room);
	return done;
}

bool compact_pageblock(struct zone *zone, unsigned long *moved)
{
	struct direct direct = {.zone = zone,
				.order = pageblock_order,
				.unit = (uint32_t)pageblock_nr_pages,
				.tries = 1};
	bool done = compact_and_count(&direct);

	*moved = direct.isolated;
	return done;
}

/* Enough is free in the zone, it is not deferred, and the index says that it is fragmented. */
static RACY bool is_suitable(const struct alloc_context *ac, const struct zoneref *ref,
			     const struct direct *direct)
{
	return !ac->answer[ref - ac->zonerefs].missing &&
	       !zone_has_block(ref->zone, ac->order, false) &&
	       !is_deferred(&mm.compaction.defer[direct->zone - mm.zones], ac->order) &&
	       (ac->order <= COSTLY_ORDER || is_fragmented(direct));
}

unsigned int compact_direct(struct alloc_context *ac)
{
	bool done = false, stalled = false;

	if (!ac->order)
		return false;
	if (dry_run(ac)) {
		ac->stages |= STAGE_COMPACT_LEFT;
		return false;
	}
	/* its steps are events of their own */
	if (RECORDING && record_pause())
		return record_resume(0);
	for (const struct zoneref *ref = ac->zonerefs; ref->zone && !done; ref++) {
		struct direct direct = {.zone = ref->zone, .order = ac->order, .tries = TRIES};
		struct compact_defer *defer = &mm.compaction.defer[ref->zone - mm.zones];

		direct.unit = (uint32_t)(ac->order > pageblock_order ? 1UL << ac->order
								     : pageblock_nr_pages);
		if (!is_suitable(ac, ref, &direct))
			continue;
		if (!stalled)
			enter_stage(ac, MM_STAGE_COMPACT);
		stalled = true;
		done = compact_and_count(&direct);
		note_outcome(defer, ac->order, done);
	}
	count_events(&mm_moves.stall, stalled);
	count_events(&mm_moves.success, done);
	count_events(&mm_moves.fail, stalled && !done);
	return RECORDING ? record_resume(done) : done;
}
