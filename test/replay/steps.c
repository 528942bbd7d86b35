/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * steps.c: the steps of what moves blocks and of ranges, each as its event has it: what was decided, by
 * owners of blocks too, was decided on the machine.
 */
#include "steps.h"

#include <string.h>

#include "mm/alloc/alloc.h"
#include "mm/buddy/buddy.h"
#include "mm/pcp/pcp.h"

#define BATCH 16 /* MIGRATE_BATCH of mm/alloc/migrate_internal.h */

/* Pages of each CPU that have moved, and are not free yet. */
static struct {
	struct page *page[BATCH];
	unsigned long n;
} left[CONFIG_NR_CPUS];

static uint32_t class_word(const struct zone *zone)
{
	return zone->first_pcp * (uint32_t)sizeof(struct per_cpu_pages);
}

/* The zone of a page or a pageblock; NULL: there is none. */
static struct zone *zone_at(const struct mm_record_event *event, uint64_t index)
{
	if (index < mm.nr_pages)
		return zone_of(index);
	differ(event, "there is no page %llu", (unsigned long long)index);
	return NULL;
}

static uint64_t take_at(const struct mm_record_event *event)
{
	uint64_t target = event->value >> 32, found;
	struct zone *zone = zone_at(event, target << pageblock_order);
	struct page *pages[BATCH];

	if (!zone)
		return event->value;
	spin_lock(&zone->lock);
	if (event->more) {
		found = buddy_alloc_pages_at(zone, target, BATCH, event->gfp, pages);
	} else {
		found = buddy_alloc_at(zone, target, event->order);
		if (found != NIL32)
			mm.memmap[found].raw = event->gfp;
	}
	spin_unlock(&zone->lock);
	return target << 32 | found;
}

/* A single page that has moved waits, as one that is cached. */
static void moved(const struct mm_record_event *event)
{
	struct page *page = page_of(event);
	unsigned int cpu = event->cpu;

	if (!page || event->order)
		return;
	if (left[cpu].n == sizeof(left[cpu].page) / sizeof(left[cpu].page[0])) {
		differ(event, "more pages wait than a batch has");
		return;
	}
	page->raw = event->gfp;
	left[cpu].page[left[cpu].n++] = page;
}

static uint64_t free_left(const struct mm_record_event *event)
{
	struct page **page = left[event->cpu].page;
	unsigned long freed;
	struct zone *zone;

	if (!left[event->cpu].n)
		return 0;
	zone = zone_of((unsigned long)(page[0] - mm.memmap));
	spin_lock(&zone->lock);
	freed = buddy_free_pages(zone, page, left[event->cpu].n, FREE_WORK);
	spin_unlock(&zone->lock);
	left[event->cpu].n -= freed;
	memmove(page, page + freed, left[event->cpu].n * sizeof(*page));
	return freed;
}

static void give_block(const struct mm_record_event *event)
{
	struct page *page = page_of(event);
	struct zone *zone;

	if (!page)
		return;
	if (page_order(page) != event->order) {
		differ(event, "its block has order %u here", page_order(page));
		return;
	}
	zone = zone_of((unsigned long)(page - mm.memmap));
	spin_lock(&zone->lock);
	page->owner = 0;
	buddy_free(zone, (unsigned long)(page - mm.memmap), event->order);
	spin_unlock(&zone->lock);
}

static void range(const struct mm_record_event *event)
{
	unsigned long start = event->value >> 32, end = event->value & 0xffffffff;
	struct zone *zone;

	if (event->type == MM_RECORD_DROP) {
		pcp_give_back_range(start, end);
		return;
	}
	zone = zone_at(event, start);
	if (!zone)
		return;
	spin_lock(&zone->lock);
	if (event->type == MM_RECORD_TAKE_RANGE)
		buddy_take_range(zone, start, end, class_word(zone));
	else
		buddy_return_range(zone, start, end);
	spin_unlock(&zone->lock);
}

static void expect_more(const struct mm_record_event *event, uint32_t more)
{
	if (event->more != more)
		differ(event, "recorded %u, replayed %u", event->more, more);
}

static void isolate(const struct mm_record_event *event)
{
	struct zone *zone = zone_at(event, event->value << pageblock_order);
	bool done = true;

	if (!zone)
		return;
	spin_lock(&zone->lock);
	if (event->order)
		done = buddy_isolate(zone, event->value);
	else
		buddy_unisolate(zone, event->value);
	spin_unlock(&zone->lock);
	expect_more(event, done);
}

static void open_section(const struct mm_record_event *event)
{
	struct zone *zone = event->value < MAX_NR_ZONES ? &mm.zones[event->value] : mm.zones;
	bool more;

	spin_lock(&zone->lock);
	more = buddy_open_section(zone);
	spin_unlock(&zone->lock);
	expect_more(event, more);
}

static uint64_t take_between(const struct mm_record_event *event)
{
	uint64_t pageblock = event->value >> 32;
	struct zone *zone = zone_at(event, pageblock << pageblock_order);
	unsigned long index;

	if (!zone)
		return event->value;
	spin_lock(&zone->lock);
	if ((event->more >> 24 & 0x7f) == MIGRATE_ISOLATE)
		index = buddy_alloc_beside(zone, pageblock, event->site >> 32,
					   event->site & 0xffffffff, event->order, event->gfp);
	else
		index = buddy_alloc_range(
			zone, pageblock, event->site >> 32, event->site & 0xffffffff, event->order,
			event->more & 0xffffff, (enum migratetype)(event->more >> 24 & 0x7f),
			event->more >> 31);
	if (index != NIL32)
		mm.memmap[index].raw = event->gfp;
	spin_unlock(&zone->lock);
	return pageblock << 32 | index;
}

bool step(const struct mm_record_event *event, uint64_t *value)
{
	switch (event->type) {
	case MM_RECORD_TAKE_AT:
		*value = take_at(event);
		return true;
	case MM_RECORD_MOVED:
		moved(event);
		return true;
	case MM_RECORD_LEFT:
		*value = free_left(event);
		return true;
	case MM_RECORD_GIVE:
		give_block(event);
		return true;
	case MM_RECORD_DROP:
	case MM_RECORD_TAKE_RANGE:
	case MM_RECORD_RETURN_RANGE:
		range(event);
		return true;
	case MM_RECORD_ISOLATE:
		isolate(event);
		return true;
	case MM_RECORD_OPEN:
		open_section(event);
		return true;
	case MM_RECORD_TAKE_BETWEEN:
		*value = take_between(event);
		return true;
	default:
		return false;
	}
}
