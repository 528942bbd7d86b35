/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * judge.c: see judge.h. Numbers are within what they count, lists end and lead nowhere else. Whether they are
 * true is what a replay shows.
 */
#include "judge.h"

#include <stdio.h>

#include "mm/alloc/alloc.h"
#include "mm/buddy/buddy.h"
#include "mm/check_walk.h"
#include "mm/zone/zone.h"
#include "steps.h"

#define MOST (1U << 26) /* pages: what is made for each fits here */

bool judge_failed(const char *what)
{
	fprintf(stderr, "replay: the recorded state makes no sense: %s\n", what);
	return false;
}

/* ---- the state --------------------------------------------------------------------------------- */

static bool zones_fit(const struct mm *was)
{
	uint32_t start = 0, spans = 0;

	for (unsigned int i = 0; i < MAX_NR_ZONES; i++) {
		const struct zone *zone = &was->zones[i];

		if (zone->start != start || zone->end < start || zone->end > was->nr_pages ||
		    zone->end % SECTION_PAGES || zone->span_end < spans ||
		    zone->span_end > was->nr_spans || zone->first_pcp >= NR_PCP_CLASSES ||
		    (zone->span != NIL32 && zone->span >= was->nr_spans))
			return false;
		start = zone->end;
		spans = zone->span_end;
	}
	return start == was->nr_pages && spans == was->nr_spans;
}

bool judge_sizes(const struct mm *was)
{
	uint32_t sections = was->nr_pages >> SECTION_SHIFT;

	if (!sections || was->nr_pages > MOST || was->nr_pages % SECTION_PAGES)
		return judge_failed("mm.nr_pages");
	if (!was->nr_banks || was->nr_banks > sections)
		return judge_failed("mm.nr_banks");
	if (was->nr_spans > was->max_spans || was->max_spans > was->nr_pages)
		return judge_failed("mm.nr_spans");
	if (!was->nr_cpus || was->end_cpu > CONFIG_NR_CPUS)
		return judge_failed("mm.end_cpu");
	return zones_fit(was) || judge_failed("mm.zones[]");
}

static bool banks_hold(void)
{
	uint64_t pages = 0;
	pfn_t end = 0;

	for (uint32_t i = 0; i < mm.nr_banks; i++) {
		const struct bank *bank = &mm.banks[i];

		if (bank->start % SECTION_PAGES || bank->start < end || bank->first != pages ||
		    !bank->pages || bank->pages % SECTION_PAGES ||
		    bank->pages > mm.nr_pages - pages || bank->start > ~(pfn_t)0 - bank->pages)
			return false;
		end = bank->start + bank->pages;
		pages += bank->pages;
	}
	return pages == mm.nr_pages;
}

static bool spans_hold(void)
{
	uint32_t first = 0, sections = mm.nr_pages >> SECTION_SHIFT;

	for (uint32_t s = 0; s < mm.nr_spans; s++) {
		const struct span *span = &mm.spans[s];

		if (span->first < first || span->opened < span->first || span->end < span->opened ||
		    span->end > sections ||
		    (span->next != NIL32 && (span->next <= s || span->next >= mm.nr_spans)))
			return false;
		first = span->end;
	}
	return true;
}

/* Each list leads from pageblock to pageblock of its zone, to an end. */
static bool list_holds(const struct zone *zone, unsigned int type, unsigned int order)
{
	uint32_t n = zone->list[type][order], prev = NIL32, left = mm.nr_pages >> pageblock_order;

	if ((n != NIL32) != (zone->nonempty[type] >> order & 1))
		return false;
	for (; n != NIL32; prev = n, n = mm.pageblocks[n].next)
		if (!left-- || n < zone->start >> pageblock_order ||
		    n >= zone->end >> pageblock_order || mm.pageblocks[n].prev != prev ||
		    mm.pageblocks[n].list != (int)order)
			return false;
	return true;
}

static bool pageblocks_hold(void)
{
	const struct zone *zone;

	for (uint32_t n = 0; n < mm.nr_pages >> pageblock_order; n++) {
		const struct pageblock *pb = &mm.pageblocks[n];

		if (section_is_open(n >> (SECTION_SHIFT - pageblock_order)) &&
		    (pb->type >= MIGRATE_TYPES || pb->list < PB_OFF_LIST ||
		     pb->list > (int)MAX_PAGE_ORDER || pb->nr_free > pageblock_nr_pages))
			return false;
	}
	for_each_zone (zone)
		for (unsigned int type = 0; type < NR_PB_LISTS; type++)
			for (unsigned int order = 0; order < NR_PAGE_ORDERS; order++)
				if (!list_holds(zone, type, order))
					return false;
	return true;
}

bool judge_tables(void)
{
	if (!banks_hold())
		return judge_failed("mm.banks[]");
	if (!spans_hold())
		return judge_failed("mm.spans[]");
	return pageblocks_hold() || judge_failed("pageblocks and their lists");
}

bool judge_cache(const struct per_cpu_pages *pcp, unsigned int cpu)
{
	const uintptr_t bytes = (uintptr_t)pcp->capacity * sizeof(*pcp->base),
			top = (uintptr_t)pcp->top - (uintptr_t)pcp->base,
			limit = (uintptr_t)pcp->limit - (uintptr_t)pcp->base;

	if (pcp->capacity > UINT16_MAX || top > bytes || limit > bytes ||
	    (top | limit) % sizeof(*pcp->base) || (pcp->capacity && pcp->zone >= MAX_NR_ZONES)) {
		fprintf(stderr, "replay: CPU %u: ", cpu);
		return judge_failed("a cache");
	}
	return true;
}

/* ---- events ------------------------------------------------------------------------------------ */

static bool is_range(uint64_t start, uint64_t end)
{
	return start < end && end <= mm.nr_pages &&
	       start >> SECTION_SHIFT == (end - 1) >> SECTION_SHIFT &&
	       section_is_open(start >> SECTION_SHIFT);
}

#define WAS_PREV 0xffffffU /* of mm/buddy/isolation.c: what goes back to its list behind this one */

/* A pageblock that is isolated, and can go back to where it was. */
static bool is_isolated(uint64_t n)
{
	const struct pageblock *pb = &mm.pageblocks[n];
	uint32_t prev = pb->was & WAS_PREV;

	return pb->type == MIGRATE_ISOLATE &&
	       (prev == WAS_PREV || prev < mm.nr_pages >> pageblock_order);
}

static bool is_pageblock(uint64_t n)
{
	return n < mm.nr_pages >> pageblock_order &&
	       section_is_open(n >> (SECTION_SHIFT - pageblock_order));
}

static struct page *block_of(const struct mm_record_event *event)
{
	unsigned long index = pfn_to_index(event->value);

	return index != NIL32 && section_is_open(index >> SECTION_SHIFT) ? &mm.memmap[index] : NULL;
}

static bool may_be(const struct mm_record_event *event)
{
	uint64_t high = event->value >> 32, low = event->value & 0xffffffff;

	if (event->order > MAX_PAGE_ORDER)
		return event->type == MM_RECORD_REFUSE && event->more < NR_MISUSES;
	switch (event->type) {
	case MM_RECORD_ALLOC:
		return gfp_acceptable(event->gfp, event->order);
	case MM_RECORD_REFUSE:
		return event->more < NR_MISUSES;
	case MM_RECORD_FREE:
	case MM_RECORD_GIVE:
	case MM_RECORD_MOVED:
	case MM_RECORD_BAD:
		return block_of(event);
	case MM_RECORD_CUT:
		return block_of(event) && page_order(block_of(event)) == event->order &&
		       event->more && event->more <= 1U << event->order;
	case MM_RECORD_ISOLATE:
		return is_pageblock(event->value) && (event->order || is_isolated(event->value));
	case MM_RECORD_TAKE_AT:
		return is_pageblock(high);
	case MM_RECORD_TAKE_RANGE:
	case MM_RECORD_RETURN_RANGE:
		return is_range(high, low);
	case MM_RECORD_TAKE_BETWEEN:
		return is_pageblock(high) && event->site >> 32 < (event->site & 0xffffffff) &&
		       (event->site & 0xffffffff) <= mm.nr_pages &&
		       (event->more & 0xffffff) <= 1U << event->order &&
		       (event->more >> 24 & 0x7f) < MIGRATE_TYPES &&
		       /* outside of a range: a part of its pageblock */
		       ((event->more >> 24 & 0x7f) != MIGRATE_ISOLATE ||
			event->order < pageblock_order);
	case MM_RECORD_GIVE_BACK:
		return high < low;
	default:
		return true;
	}
}

bool judge_event(const struct mm_record_event *event)
{
	bool may = may_be(event);

	if (!may)
		differ(event, "no machine has recorded that: 0x%llx, 0x%x, 0x%x",
		       (unsigned long long)event->value, event->gfp, event->more);
	return may;
}
