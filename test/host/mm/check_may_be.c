/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_may_be.c: which values of a field are as good as others, so that mm_check() cannot know
 * better: counted by the test itself, from the fields around it and from what the state was before.
 */
#include "check_fields.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "machine.h"
#include "mm/buddy/buddy.h"
#include "mm/debug/hooks.h"
#include "mm/pcp/pcp.h"

/* ---- what the state was -------------------------------------------------------------------- */

static struct {
	bool *head; /* of each descriptor: it heads a block */
	struct zonelist zonelists[NR_ZONELISTS][MAX_NR_ZONES];
	unsigned int nr_cpus;
} noted;

void check_fields_note(void)
{
	free(noted.head);
	noted.head = calloc(mm.nr_pages, sizeof(bool));
	assert_non_null(noted.head);
	noted.nr_cpus = mm.nr_cpus;
	memcpy(noted.zonelists, mm.zonelists, sizeof(mm.zonelists));
	for (uint32_t s = 0; s < mm.nr_spans; s++)
		for (unsigned long i = (unsigned long)mm.spans[s].first << SECTION_SHIFT, step;
		     i < (unsigned long)mm.spans[s].opened << SECTION_SHIFT; i += step) {
			bool free;

			step = 1UL << buddy_block_at(i, &free);
			/* What is free in part of a pageblock has no head. */
			noted.head[i] = !free || step >= pageblock_nr_pages;
		}
}

/* ---- values that are as good as others ------------------------------------------------------ */

bool may_be_any(const void *object)
{
	(void)object;
	return true;
}

#define BYTE(object, type, field) (*(const unsigned char *)&((const type *)(object))->field)

bool may_be_misuse_panic(const void *object)
{
	return BYTE(object, struct mm, misuse_panic) <= 1;
}

/* By what the sysctls allow, the orders there are, and Linux's most deferrals. */
bool may_be_compaction(const void *object)
{
	const struct compaction *c = &mm.compaction;
	bool good = c->extfrag_threshold >= -500 && c->extfrag_threshold <= 500 &&
		    c->proactiveness >= -20 && c->proactiveness <= 80 &&
		    c->boost_factor >= -15000 && c->boost_factor <= 985000 && c->skip <= 64 &&
		    BYTE(object, struct mm, compaction.ahead) <= 1 && c->balance <= 2;

	for (unsigned int z = 0; z < MAX_NR_ZONES; z++)
		good = good && c->defer[z].order_failed <= MAX_PAGE_ORDER + 1 &&
		       c->defer[z].shift <= 6 && c->defer[z].considered <= 64 &&
		       BYTE(object, struct mm, compaction.balancing[z]) <= 1;
	return good;
}

bool may_be_grouping(const void *object)
{
	return BYTE(object, struct mm, grouping) == 0; /* a machine that has grown */
}

bool may_be_poison_check(const void *object)
{
	return BYTE(object, struct mm, poison_check) <= !!(mm.hooks & MM_HOOK_POISON);
}

bool may_be_pcp_high(const void *object)
{
	(void)object;
	return mm.pcp_high >= MAX_ORDER_NR_PAGES * 4; /* no cache may hold so much */
}

/* Fewer would leave each a larger share. */
bool may_be_nr_cpus(const void *object)
{
	(void)object;
	return mm.nr_cpus && mm.nr_cpus <= noted.nr_cpus;
}

bool may_be_end_cpu(const void *object)
{
	(void)object;
	return mm.end_cpu >= 2 && mm.end_cpu <= CONFIG_NR_CPUS;
}

/* The sysctls' values are as good as others that come to the same marks. */
bool may_be_same_marks(const void *object)
{
	uint64_t managed[MAX_NR_ZONES], total = 0;

	(void)object;
	if (mm.watermark_scale_factor < 1 || mm.watermark_scale_factor > 3000)
		return false;
	for (int z = 0; z < MAX_NR_ZONES; z++)
		total += managed[z] = mm.zones[z].managed;
	for (unsigned int z = 0; z < MAX_NR_ZONES; z++) {
		uint64_t protection[MAX_NR_ZONES];
		struct mm_watermarks mark;

		calc_watermarks(managed[z], total, mm.min_free_kbytes, mm.watermark_scale_factor,
				&mark);
		calc_protection(z, MAX_NR_ZONES, managed, mm.lowmem_reserve_ratio[z], protection);
		if (memcmp(&mark, &mm.zones[z].mark, sizeof(mark)) ||
		    memcmp(protection, mm.zones[z].lowmem_reserve, sizeof(protection)))
			return false;
	}
	return true;
}

/* What the user has not set is the default. */
bool may_be_user_min_free(const void *object)
{
	uint64_t managed = mm.zones[ZONE_DMA32].managed + mm.zones[ZONE_NORMAL].managed;
	unsigned int set = BYTE(object, struct mm, user_min_free_kbytes);

	return set <= 1 && (set || mm.min_free_kbytes == mm_default_min_free_kbytes(managed));
}

bool may_be_zone_low(const void *object)
{
	return BYTE(object, struct zone, low) <= 1;
}

bool may_be_acquired(const void *object)
{
	const struct zone *zone = object;

	return zone->lock.next - zone->lock.overtaken <= zone->lock.acquired;
}

/* Do the spans from zone->span on have all that is untouched? */
static bool leads_to_all(const struct zone *zone, uint32_t first, uint32_t from)
{
	uint64_t untouched = zone->nr_untouched, chained = 0;

	if (from != NIL32 && (from < first || from >= zone->span_end))
		return false;
	for (uint32_t s = from; s != NIL32; s = mm.spans[s].next) {
		if (s >= zone->span_end)
			return false;
		chained += (uint64_t)(mm.spans[s].end - mm.spans[s].opened) << SECTION_SHIFT;
		if (mm.spans[s].next <= s)
			return false;
	}
	return chained == untouched;
}

bool may_be_zone_span(const void *object)
{
	const struct zone *zone = object;

	return leads_to_all(zone, zone == mm.zones ? 0 : zone[-1].span_end, zone->span);
}

bool may_be_span_next(const void *object)
{
	uint32_t s = (uint32_t)((const struct span *)object - mm.spans);
	const struct zone *zone = &mm.zones[s < mm.zones[0].span_end ? 0 : 1];

	if (mm.spans[s].next != NIL32 &&
	    (mm.spans[s].next <= s || mm.spans[s].next >= zone->span_end))
		return false;
	return may_be_zone_span(zone);
}

/* Up to its end the zonelist is as it was. */
bool may_be_zoneref(const void *object)
{
	const struct zonelist *list = object;
	const struct zoneref *now = list->zonerefs;
	const struct zoneref *before =
		((const struct zonelist *)noted.zonelists)[list - mm.zonelists[0]].zonerefs;

	for (; before->zone; now++, before++)
		if (now->zone != before->zone || now->class != before->class)
			return false;
	return !now->zone;
}

bool may_be_off_list(const void *object)
{
	return ((const struct pageblock *)object)->list == PB_OFF_LIST;
}

/* What is free as a whole or has nothing free may be of any type but kept ones. */
bool may_be_type(const void *object)
{
	const struct pageblock *pb = object;
	uint64_t kept = 0, pages = 0;

	if (pb->type >= MIGRATE_TYPES || (pb->list >= 0 && pb->list < pageblock_order))
		return false;
	for (uint32_t s = 0; s < mm.nr_spans; s++)
		for (unsigned long n = mm.spans[s].first * 2UL; n < mm.spans[s].opened * 2UL; n++)
			pages += pb_is_kept(&mm.pageblocks[n]);
	for (int z = 0; z < MAX_NR_ZONES; z++)
		kept += mm.zones[z].nr_kept;
	return pages * pageblock_nr_pages == kept;
}

/* Is the descriptor one that is believed? */
static bool is_believed(const struct page *page)
{
	return trusted((unsigned long)(page - mm.memmap));
}

bool may_be_info(const void *object)
{
	return !is_believed(object);
}

bool may_be_refcount(const void *object)
{
	const struct page *page = object;

	/* With one holder or more there may be any number of them. */
	return !is_believed(page) || (page_allocated(page) && page->_refcount);
}

/* A trust byte may say any that is true of its group. */
bool may_be_trust(const void *object)
{
	const int8_t *byte = object;
	unsigned long first = (unsigned long)(byte - mm.trust) << GROUP_SHIFT;
	bool all = true, only_large = true, none = true;

	for (unsigned long i = first; i < first + GROUP_PAGES; i++) {
		if (noted.head[i]) {
			none = false;
			only_large &= i == first && page_order(&mm.memmap[i]) >= GROUP_SHIFT;
		} else {
			all &= mm.memmap[i].word == PAGE_NONE;
			if (i == first && mm.memmap[i].word != PAGE_NONE)
				only_large = false;
		}
	}
	switch (*byte) {
	case TRUST_NONE:
		return none;
	case TRUST_HEAD:
		return only_large;
	case TRUST_ALL:
		return all;
	default:
		return false;
	}
}

bool may_be_irq_depth(const void *object)
{
	return ((const struct mm_pcpu *)object)->irq_depth <= 255;
}

bool may_be_open_range(const void *object)
{
	const struct mm_pcpu *cpu = object;
	uintptr_t step = SECTION_PAGES * sizeof(struct page);

	for (unsigned int i = 0; i < MM_OPEN_RANGES; i++) {
		uintptr_t start = cpu->open[i].start - (uintptr_t)mm.memmap;
		uintptr_t bytes = cpu->open[i].bytes, end = start + bytes;

		if (!bytes)
			continue;
		if (start % step || bytes % step || end < start ||
		    end > mm.nr_pages * sizeof(struct page))
			return false;
		for (; start < end; start += step)
			if (!section_is_open(start / step))
				return false;
	}
	return true;
}

bool may_be_no_array(const void *object)
{
	return !((const struct per_cpu_pages *)object)->capacity;
}

/* One of those that pcp_return() goes round, in the window that the limit leaves. */
bool may_be_cursor(const void *object)
{
	const struct per_cpu_pages *pcp = object;
	long room = pcp->limit - pcp->base, window = room > 64 ? 64 : room / 8 * 8;

	return !pcp->capacity ||
	       (pcp->cursor % 8 == 0 && (pcp->cursor == 0 || pcp->cursor + 8 < window));
}
