/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * contig.c: ranges of contiguous pages of any size.
 *
 *   first_busy()       what cannot be had, and nothing has changed
 *   open_sections()    memory that was never allocated gets its metadata, in its order
 *   isolate()          from now on nothing of the range's pageblocks is allocated
 *   remote_give_back() the caches give back what they have of it; until all of it is free
 *   move_away()        what can move of it goes: with the marks, in its own pageblocks, without marks
 *   buddy_take_range() a section under each acquisition of the lock
 *
 * A range is made of the largest aligned blocks, of state PAGE_CONTIG. The first of them has the
 * range's length as its owner's tag, which says what may be freed.
 */
#include <quarry/contig.h>
#include <quarry/errno.h>
#include "../used_walk.h"
#include "migrate_internal.h"

/* The tag of a range's first block: so many pages. */
#define RANGE_TAG	((uint32_t)1 << 31)
#define RANGE_MAX_PAGES (RANGE_TAG - 1)

/* Interrupts and other CPUs may cache pages of the range again before its pageblocks are isolated. */
#define GIVEN_BACK_TRIES 5

struct contig {
	unsigned long start, end; /* descriptors */
	enum migratetype type;
	bool wait;	  /* other CPUs may be asked for what they have cached */
	bool move;	  /* what can move may */
	bool drained;	  /* what moves has asked all CPUs for what they have cached */
	const void *site; /* that asks for it, for recordings */
};

/* ---- what is in the way -------------------------------------------------------------------- */

/* A pageblock that the range may not have a part of. */
static RACY bool is_kept_from(const struct contig *range, const struct pageblock *pb)
{
	return pb->type == MIGRATE_ISOLATE ||
	       (pb->type == MIGRATE_CMA && range->type != MIGRATE_CMA);
}

/*
 * The first page of the range, `from` or later, that is neither free nor cached; NIL32: there is
 * none. Others go on meanwhile, so the answer is of a moment. Bound: 60 a block in use, 20 a word
 * of the map that is free, 60 a section that was never cut.
 */
static RACY unsigned long first_busy(const struct contig *range, unsigned long from)
{
	unsigned long at = from, stop;

	for (; at < range->end; at = stop) {
		enum section_state state = section_state(at >> SECTION_SHIFT);
		struct used_walk walk = {.next = at};

		stop = (at | (SECTION_PAGES - 1)) + 1;
		if (state == SECTION_UNTOUCHED)
			continue;
		stop = (at | (pageblock_nr_pages - 1)) + 1;
		if (stop > range->end)
			stop = range->end;
		if (state == SECTION_RESERVED ||
		    is_kept_from(range, &mm.pageblocks[at >> pageblock_order]))
			return at;
		while (used_walk_next(&walk, stop, true))
			/* it has holders, or is no cached block */
			if (walk.word >> PAGE_STATE_SHIFT != PAGE_ALLOC &&
			    !(range->move && walk.head != NIL32 && block_movable(walk.head)))
				return walk.at;
	}
	return NIL32;
}

/* ---- isolation ----------------------------------------------------------------------------- */

static bool with_lock(unsigned long pageblock, bool isolate)
{
	struct zone *zone = zone_of(pageblock << pageblock_order);
	struct record_call *recorded = record_begin(MM_RECORD_ISOLATE, isolate, 0);
	unsigned long flags = port_irq_save();
	bool done = true;

	spin_lock(&zone->lock);
	if (isolate)
		done = buddy_isolate(zone, pageblock);
	else
		buddy_unisolate(zone, pageblock);
	spin_unlock(&zone->lock);
	port_irq_restore(flags);
	record_end(recorded, pageblock, done);
	return done;
}

/* The pageblocks from `first` up to `end`, not included, from the last one down. */
static void undo_isolate(unsigned long first, unsigned long end)
{
	while (end-- > first)
		with_lock(end, false);
}

/* All or none. Returns the page that is in the way; NIL32: they are isolated. */
static unsigned long isolate(const struct contig *range)
{
	unsigned long first = range->start >> pageblock_order;
	unsigned long end = ((range->end - 1) >> pageblock_order) + 1;

	for (unsigned long n = first; n < end; n++) {
		if (!FAULT_POINT() && with_lock(n, true))
			continue;
		undo_isolate(first, n);
		n <<= pageblock_order;
		return n < range->start ? range->start : n;
	}
	return NIL32;
}

/* The untouched sections of the range, and those that come before them. */
static void open_sections(const struct contig *range)
{
	unsigned long section = (range->end - 1) >> SECTION_SHIFT;
	unsigned long first = range->start >> SECTION_SHIFT;

	for (;; section--) {
		struct zone *zone = zone_of(section << SECTION_SHIFT);

		while (section_state(section) == SECTION_UNTOUCHED) {
			open_section(zone);
		}
		if (section == first)
			return;
	}
}

/* ---- the range ----------------------------------------------------------------------------- */

/* What this CPU has cached of it goes back to the buddy. */
static void give_back_own(unsigned long start, unsigned long end)
{
	struct record_call *recorded = record_begin(MM_RECORD_DROP, 0, 0);

	pcp_give_back_range(start, end);
	record_end(recorded, (uint64_t)start << 32 | end, 0);
}

/* What is cached of it, and blocks it has a part of, goes back to the buddy. */
static void give_back_cached(const struct contig *range)
{
	unsigned long head = block_head(range->start);

	if (head == NIL32 || head > range->start)
		head = range->start; /* else a larger block that is cached, of which it has a part */
	if (range->wait)
		remote_give_back(head, range->end);
	else
		give_back_own(head, range->end);
}

/* Is all of it free, with what is cached? Returns the page that is in the way; NIL32: it is. */
static unsigned long drain(const struct contig *range)
{
	unsigned long busy = NIL32;

	for (int i = 0; i < GIVEN_BACK_TRIES; i++) {
		if (buddy_range_free(range->start, range->end))
			return NIL32;
		give_back_cached(range);
		busy = first_busy(range, range->start);
		if (busy != NIL32 && i)
			break;
	}
	return buddy_range_free(range->start, range->end) ? NIL32
	       : busy == NIL32				  ? range->start
							  : busy;
}

/* A place outside the range, which this CPU may have cached some of again. */
static struct page *take_outside(const struct contig *range, unsigned int order, gfp_t gfp)
{
	struct page *page = NULL;
	unsigned long index;

	for (int i = 0; i < GIVEN_BACK_TRIES && !page; i++) {
		page = alloc_pages(gfp | __GFP_MOVABLE | __GFP_NOWARN, order);
		index = (unsigned long)(page - mm.memmap);
		if (!page || index >= range->end || index + (1UL << order) <= range->start)
			break;
		__free_pages(page, order);
		give_back_own(ALIGN_DOWN(range->start, 1UL << order), range->end);
		page = NULL;
	}
	return page;
}

/* In a pageblock of the range's own, the first or the last, which others cannot take from: that of this page. */
static struct page *take_beside(const struct contig *range, unsigned long at, unsigned int order)
{
	unsigned long pageblock = at >> pageblock_order;
	struct zone *zone = zone_of(at);
	uint32_t word =
		moved_word(zone, range->type == MIGRATE_CMA ? PAGE_COMPOUND : PAGE_ALLOC, order);
	struct record_call *recorded = record_begin(MM_RECORD_TAKE_BETWEEN, order, word);
	unsigned long flags = port_irq_save(), index;

	spin_lock(&zone->lock);
	index = buddy_alloc_beside(zone, pageblock, range->start, range->end, order, word);
	spin_unlock(&zone->lock);
	port_irq_restore(flags);
	if (recorded)
		recorded->event.site = (uint64_t)range->start << 32 | range->end;
	record_end(recorded, (uint64_t)pageblock << 32 | index, (uint32_t)MIGRATE_ISOLATE << 24);
	return index == NIL32 ? NULL : &mm.memmap[index];
}

/*
 * Where a block of the range moves to. What it takes it gives back, so in the end the marks' pages
 * may be had, too: those of the range itself are not asked for them either.
 */
static struct page *elsewhere(unsigned int order, void *arg)
{
	const struct contig *range = arg;
	struct page *page;

	for (gfp_t gfp = GFP_NOWAIT;; gfp |= __GFP_MEMALLOC) {
		page = take_outside(range, order, gfp);
		if (page || gfp & __GFP_MEMALLOC)
			return page;
		page = take_beside(range, range->start, order);
		if (!page && (range->start ^ (range->end - 1)) >> pageblock_order)
			page = take_beside(range, range->end - 1, order);
		if (page)
			return page;
	}
}

/* Moves what can move of the range, one block after the other, until one has to stay. */
static RACY void move_away(struct contig *range)
{
	struct migration away = {.target = elsewhere, .arg = range};
	struct used_walk walk = {.next = range->start};

	while (used_walk_next(&walk, range->end, true)) {
		int error = walk.head != NIL32 && block_movable(walk.head)
				    ? migrate_block(&away, walk.head)
				    : 0;

		if (error == -ENOMEM && !range->drained) {
			range->drained = true;
			remote_give_back(0, mm.nr_pages);
			walk.next = walk.at; /* once more */
		} else if (error && block_movable(walk.head)) {
			break; /* else its owner, who has just freed it, said no */
		}
	}
	migrate_flush(&away);
}

/* It is isolated and free: nothing can come in between. */
static void take(const struct contig *range)
{
	for (unsigned long at = range->start, stop; at < range->end; at = stop) {
		struct zone *zone = zone_of(at);
		struct record_call *recorded;
		unsigned long flags;

		stop = (at | (SECTION_PAGES - 1)) + 1;
		if (stop > range->end)
			stop = range->end;
		recorded = record_begin(MM_RECORD_TAKE_RANGE, 0, 0);
		if (recorded)
			recorded->event.site = (uintptr_t)range->site;
		flags = port_irq_save();
		spin_lock(&zone->lock);
		buddy_take_range(zone, at, stop,
				 zone->first_pcp * (uint32_t)sizeof(struct per_cpu_pages));
		if (at == range->start)
			mm.memmap[at].owner = RANGE_TAG | (uint32_t)(range->end - range->start);
		spin_unlock(&zone->lock);
		port_irq_restore(flags);
		record_end(recorded, (uint64_t)at << 32 | stop, 0);
	}
}

/* What the debug options do to each block of it. */
static void hook_blocks(unsigned long at, unsigned long end, gfp_t gfp, bool alloc)
{
	while (at < end) {
		struct page *page = &mm.memmap[at];
		unsigned int order = page_order(page);

		if (alloc)
			hook_alloc(page, gfp, order);
		else
			hook_free(page, order);
		at += 1UL << order;
	}
}

/* Returns the page that is in the way; NIL32: the range is the caller's. */
static unsigned long take_range(struct contig *range, gfp_t gfp)
{
	unsigned long busy = first_busy(range, range->start);

	if (busy != NIL32)
		return busy;
	if (FAULT_POINT())
		return range->start;
	FAULT_CERTAIN(true);
	open_sections(range);
	FAULT_CERTAIN(false);
	/* A block that is cached must not lie across the border of what is isolated. */
	if (!buddy_range_free(range->start, range->end))
		give_back_cached(range);
	busy = isolate(range);
	if (busy == NIL32) {
		struct contig still = *range;

		if (range->move)
			move_away(range);
		still.move = false; /* what has not moved is in the way */
		busy = FAULT_POINT() ? range->start : drain(&still);
		if (busy == NIL32)
			take(range);
		else
			undo_isolate(range->start >> pageblock_order,
				     ((range->end - 1) >> pageblock_order) + 1);
	}
	if (busy != NIL32)
		return busy;
	if (HOOKS)
		hook_blocks(range->start, range->end, gfp, true);
	if (gfp & __GFP_ZERO)
		memset(page_address(&mm.memmap[range->start]), 0,
		       (size_t)(range->end - range->start) << PAGE_SHIFT);
	return NIL32;
}

static void contig_init(struct contig *range, enum migratetype type, gfp_t gfp, const void *site)
{
	note_hooks();
	range->site = site;
	range->type = type;
	range->drained = false;
	range->wait =
		remote_alone() || (gfp & __GFP_DIRECT_RECLAIM && !in_interrupt() && !in_callback());
	/* owners' callbacks run in threads */
	range->move = gfp & __GFP_DIRECT_RECLAIM && !in_interrupt() && !in_callback();
}

/* In a bank descriptors follow each other as frames do; false: these are no range of one. */
static bool contig_place(struct contig *range, pfn_t start, pfn_t end, enum migratetype type)
{
	if (start >= end || end - start > RANGE_MAX_PAGES ||
	    (type != MIGRATE_MOVABLE && type != MIGRATE_CMA))
		return false;
	range->start = pfn_to_index(start);
	range->end = pfn_to_index(end - 1);
	if (range->start == NIL32 || range->end == NIL32 ||
	    range->end - range->start != end - 1 - start)
		return false;
	range->end++;
	return true;
}

pfn_t contig_busy_page(pfn_t start, pfn_t end, enum migratetype type)
{
	struct contig range = {.type = type, .move = true};
	unsigned long busy =
		contig_place(&range, start, end, type) ? first_busy(&range, range.start) : NIL32;

	return busy == NIL32 ? MM_NO_PFN : index_to_pfn(busy);
}

int contig_try_range(pfn_t start, pfn_t end, enum migratetype type, gfp_t gfp, const void *site,
		     pfn_t *busy)
{
	struct contig range;
	unsigned long index;

	*busy = start;
	if (gfp & ~__GFP_BITS_MASK || !contig_place(&range, start, end, type))
		return -EINVAL;
	contig_init(&range, type, gfp, site);
	index = take_range(&range, gfp);
	if (index == NIL32)
		return 0;
	*busy = index_to_pfn(index);
	return -EBUSY;
}

int alloc_contig_range(pfn_t start, pfn_t end, enum migratetype type, gfp_t gfp)
{
	pfn_t busy;
	int error = contig_try_range(start, end, type, gfp, CALL_SITE, &busy);

	if (error != -EBUSY)
		return error;
	count_event(&mm.stats.alloc_failed);
	if (!(gfp & __GFP_NOWARN))
		report_contig_busy(start, end - 1, pfn_to_index(busy));
	return error;
}

/* ---- anywhere ------------------------------------------------------------------------------ */

static const struct bank *bank_at(unsigned long index)
{
	const struct bank *bank = mm.banks;

	while (index - bank->first >= bank->pages)
		bank++;
	return bank;
}

/* The first free range of a zone that starts at a multiple of `step`, now the caller's; or NIL32. */
static unsigned long take_anywhere(struct contig *range, const struct zone *zone,
				   unsigned long nr_pages, unsigned long step, gfp_t gfp)
{
	unsigned long at = zone->start, busy;

	for (;;) {
		const struct bank *bank;
		pfn_t pfn;

		if (at >= zone->end)
			return NIL32;
		bank = bank_at(at);
		pfn = bank->start + (at - bank->first);
		at += (unsigned long)(ALIGN_UP(pfn, step) - pfn);
		pfn = ALIGN_UP(pfn, step);
		if (pfn >= bank->start + bank->pages) { /* on in the next one, if this is not it */
			at = bank->first + bank->pages;
			continue;
		}
		if (at >= zone->end || nr_pages > zone->end - at)
			return NIL32;
		if (bank->start + bank->pages - pfn < nr_pages) {
			at = bank->first + bank->pages;
			continue;
		}
		range->start = at;
		range->end = at + nr_pages;
		busy = take_range(range, gfp);
		if (busy == NIL32)
			return at;
		at = busy + 1;
	}
}

/* What can move has somewhere to go only if as many pages are free, wherever they are. */
static bool enough_free(unsigned long nr_pages)
{
	const struct zone *zone;
	uint64_t free = 0;

	for_each_zone (zone)
		free += zone_free_pages(zone) + pcp_count_zone(zone);
	return free >= nr_pages;
}

struct page *alloc_contig_pages(unsigned long nr_pages, gfp_t gfp)
{
	unsigned long step = 1, index = NIL32;
	struct alloc_context ac;
	struct contig range;
	bool move;

	if (!nr_pages || nr_pages > RANGE_MAX_PAGES || !gfp_acceptable(gfp, 0)) {
		count_event(&mm.stats.bad_request);
		return NULL;
	}
	contig_init(&range, MIGRATE_MOVABLE, gfp, CALL_SITE);
	alloc_context_init(&ac, gfp, 0);
	while (step < nr_pages)
		step *= 2;
	move = range.move;
	range.move = false;
	for (;;) {
		for (const struct zoneref *ref = ac.zonerefs; ref->zone && index == NIL32; ref++)
			index = take_anywhere(&range, ref->zone, nr_pages, step, gfp);
		if (index != NIL32 || (step <= pageblock_nr_pages && range.move == move))
			break;
		if (step > pageblock_nr_pages)
			step = pageblock_nr_pages;
		else if (enough_free(nr_pages))
			range.move = true; /* what can move gives way */
		else
			break;
	}
	if (index != NIL32)
		return &mm.memmap[index];
	count_event(&mm.stats.alloc_failed);
	if (!(gfp & __GFP_NOWARN))
		report_contig_none(nr_pages, gfp);
	return NULL;
}

/* ---- and back ------------------------------------------------------------------------------ */

/* Why no range of nr_pages that starts here may be freed; NR_MISUSES: there is one. */
static enum mm_misuse judge(unsigned long index, unsigned long nr_pages)
{
	enum section_state state = section_state(index >> SECTION_SHIFT);
	const struct page *page;
	unsigned long head;

	if (state != SECTION_OPEN)
		return state == SECTION_UNTOUCHED ? MISUSE_DOUBLE_FREE : MISUSE_RESERVED;
	head = block_head(index);
	if (head == NIL32)
		return MISUSE_DOUBLE_FREE;
	page = &mm.memmap[head];
	if (page_state(page) == PAGE_RESERVED)
		return MISUSE_RESERVED;
	if (page_state(page) == PAGE_FREE || (page_state(page) == PAGE_ALLOC && !page->_refcount))
		return MISUSE_DOUBLE_FREE;
	if (head != index || !(page->owner & RANGE_TAG))
		return MISUSE_TAIL;
	/* no tag holds more pages, though its upper bit might look like RANGE_TAG */
	return page_state(page) != PAGE_CONTIG || nr_pages > RANGE_MAX_PAGES ||
			       page->owner != (RANGE_TAG | nr_pages)
		       ? MISUSE_RANGE
		       : NR_MISUSES;
}

unsigned long contig_range_pages(pfn_t pfn)
{
	unsigned long index = pfn_to_index(pfn), pages;

	if (index == NIL32 || !section_is_open(index >> SECTION_SHIFT) || !trusted(index))
		return 0;
	pages = mm.memmap[index].owner & RANGE_MAX_PAGES;
	return judge(index, pages) == NR_MISUSES ? pages : 0;
}

int free_contig_range(pfn_t pfn, unsigned long nr_pages)
{
	const void *caller = __builtin_return_address(0);
	unsigned long index = pfn_to_index(pfn), end = index + nr_pages, flags;
	enum mm_misuse kind = MISUSE_FOREIGN;
	struct zone *zone;

	note_hooks();
	if (index != NIL32) {
		zone = zone_of(index);
		flags = port_irq_save();
		spin_lock(&zone->lock);
		kind = judge(index, nr_pages);
		if (kind == NR_MISUSES)
			mm.memmap[index].owner = 0; /* from now on it is nobody else's to free */
		spin_unlock(&zone->lock);
		port_irq_restore(flags);
	}
	if (kind != NR_MISUSES)
		return refuse(kind, PFN_PHYS(pfn), -1, caller);
	if (HOOKS)
		hook_blocks(index, end, 0, false);
	for (unsigned long stop; index < end; index = stop) {
		struct record_call *recorded;

		stop = (index | (SECTION_PAGES - 1)) + 1;
		if (stop > end)
			stop = end;
		zone = zone_of(index);
		recorded = record_begin(MM_RECORD_RETURN_RANGE, 0, 0);
		flags = port_irq_save();
		spin_lock(&zone->lock);
		buddy_return_range(zone, index, stop);
		spin_unlock(&zone->lock);
		port_irq_restore(flags);
		record_end(recorded, (uint64_t)index << 32 | stop, 0);
	}
	return 0;
}
