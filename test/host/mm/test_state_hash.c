/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_state_hash.c: mm_state_hash() has what a request could find changed. In a pool that has
 * something of every kind, whatever decides over later requests is changed, one thing at a time:
 * the hash must be another one, and the old one again when it is as it was.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "check_pool.h"
#include "machine.h"
#include "mm/buddy/buddy.h"
#include "mm/free_map.h"
#include "mm/pcp/pcp.h"
#include "test/host/port_host.h"

static uint64_t before;

/* The lowest bit of a field is flipped, which leaves an index inside its array. */
#define EXPECT_HASHED(field)                                        \
	do {                                                        \
		(field) ^= 1;                                       \
		if (before == mm_state_hash())                      \
			fail_msg("%s makes no difference", #field); \
		(field) ^= 1;                                       \
		assert_true(before == mm_state_hash());             \
	} while (0)

static void hashed_sysctls(void)
{
	EXPECT_HASHED(mm.pcp_high);
	EXPECT_HASHED(mm.nr_cpus);
	EXPECT_HASHED(mm.grouping);
}

static void hashed_zone(struct zone *zone)
{
	EXPECT_HASHED(zone->mark.min);
	EXPECT_HASHED(zone->mark.low);
	EXPECT_HASHED(zone->mark.high);
	for (unsigned int i = 0; i < MAX_NR_ZONES; i++)
		EXPECT_HASHED(zone->lowmem_reserve[i]);
	EXPECT_HASHED(zone->nr_free);
	EXPECT_HASHED(zone->nr_untouched);
	EXPECT_HASHED(zone->managed);
	EXPECT_HASHED(zone->nr_highatomic);
	EXPECT_HASHED(zone->nr_kept);
	EXPECT_HASHED(zone->nr_cma);
	for (unsigned int i = 0; i < NR_KEPT_TYPES; i++)
		EXPECT_HASHED(zone->nr_free_kept[i]);
	EXPECT_HASHED(zone->span_end);
	for (unsigned int type = 0; type < NR_PB_LISTS; type++)
		for (unsigned int order = 0; order < NR_PAGE_ORDERS; order++) {
			EXPECT_HASHED(zone->nonempty[type]);
			EXPECT_HASHED(zone->list[type][order]);
		}
}

/* A section's pageblocks, its map, its trust bytes, and the descriptors that say something. */
static void hashed_section(unsigned long section)
{
	unsigned long index = section << SECTION_SHIFT, end = index + SECTION_PAGES;

	for (unsigned long at = index; at < end; at += pageblock_nr_pages) {
		struct pageblock *pb = &mm.pageblocks[at >> pageblock_order];

		EXPECT_HASHED(pb->nr_free);
		EXPECT_HASHED(pb->type);
		if (pb->list == PB_OFF_LIST)
			continue;
		EXPECT_HASHED(pb->list);
		EXPECT_HASHED(pb->next);
		EXPECT_HASHED(pb->prev);
	}
	for (unsigned long at = index; at < end; at += WORD_PAGES) {
		EXPECT_HASHED(*map_word(at));
		EXPECT_HASHED(*map_order(at));
	}
	for (unsigned long at = index; at < end; at++) {
		struct page *page = &mm.memmap[at];

		if (at % 64 || !trusted(at) || page_state(page) == PAGE_NONE)
			continue;
		EXPECT_HASHED(page->word);
		if (page_allocated(page))
			EXPECT_HASHED(page->owner);
	}
}

/* The pages that a cache holds, each of them, and in their order. */
static void hashed_cache(struct per_cpu_pages *pcp)
{
	EXPECT_HASHED(pcp->cursor);
	for (struct page **at = pcp->base + 1; at <= pcp->top; at++) {
		struct page *page = *at;

		*at = page + 1;
		assert_true(before != mm_state_hash());
		*at = page;
		assert_true(before == mm_state_hash());
	}
	if (pcp->limit > pcp->top) {
		pcp->limit--;
		assert_true(before != mm_state_hash());
		pcp->limit++;
	}
	if (pcp->top > pcp->base) {
		pcp->top--;
		assert_true(before != mm_state_hash());
		pcp->top++;
	}
}

static void what_decides_is_hashed(void **state)
{
	(void)state;
	check_pool_start();
	before = mm_state_hash();
	hashed_sysctls();
	for (unsigned int zone = 0; zone < MAX_NR_ZONES; zone++)
		hashed_zone(&mm.zones[zone]);
	for (uint32_t s = 0; s < mm.nr_spans; s++) {
		EXPECT_HASHED(mm.spans[s].end);
		if (mm.spans[s].first < mm.spans[s].opened)
			hashed_section(mm.spans[s].first);
	}
	for (unsigned int cpu = 0; cpu < 2; cpu++)
		for (unsigned int i = 0; i < NR_PCPS; i++)
			hashed_cache(&mm.pcpu[cpu]->cache[i]);
	assert_true(before == mm_state_hash());
	check_pool_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_decides_is_hashed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
