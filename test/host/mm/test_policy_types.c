/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_policy_types.c: pageblocks by mobility: who takes over what, grouping switched off on little
 * memory, the tables of pagetypeinfo; and the block that falls apart under a second holder, a
 * million times (FEATURES rows 25, 40, 41).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "machine.h"
#include "policy.h"
#include "test/host/port_host.h"

static struct page *take(gfp_t gfp)
{
	struct page *page = alloc_page(gfp | __GFP_NOWARN);

	if (page)
		hold(page, 0);
	return page;
}

static enum migratetype type_of_pageblock(const struct page *page)
{
	struct page_info info;
	pfn_t start = page_to_pfn(page) & ~(pageblock_nr_pages - 1);

	/* of a free page of it: an allocated one tells the request's */
	for (pfn_t pfn = start; pfn < start + pageblock_nr_pages; pfn++)
		if (!mm_page_info(pfn, &info) && info.state == PAGE_FREE)
			return info.migratetype;
	return MIGRATE_TYPES;
}

static uint64_t extfrag(void)
{
	return stats_now().extfrag;
}

/* Types do not share a pageblock while there are pageblocks for all. */
static void types_apart(void **state)
{
	static const gfp_t kinds[] = {GFP_KERNEL, GFP_KERNEL | __GFP_MOVABLE,
				      GFP_KERNEL | __GFP_RECLAIMABLE};
	unsigned char owner[32] = {0};

	(void)state;
	for (unsigned int i = 0; i < 6000; i++) {
		unsigned int kind = i % 3;
		struct page *page = take(kinds[kind]);
		pfn_t block;

		assert_non_null(page);
		block = (page_to_pfn(page) - machine.first) >> pageblock_order;
		assert_true(owner[block] == 0 || owner[block] == kind + 1);
		owner[block] = (unsigned char)(kind + 1);
		if (type_of_pageblock(page) != MIGRATE_TYPES)
			assert_int_equal(gfp_migratetype(kinds[kind]), type_of_pageblock(page));
	}
	assert_int_equal(0, extfrag());
	give_all();
}

/*
 * No pageblock is left: an unmovable request takes over a whole one of the movable ones, so the
 * next 256 cost no other; a movable request borrows and changes no type.
 */
static void fallback_takes_the_pageblock(void **state)
{
	uint64_t before[MIGRATE_TYPES], after[MIGRATE_TYPES], events;
	unsigned int n;
	struct page *page;

	(void)state;
	while (take(GFP_KERNEL | __GFP_MOVABLE))
		;
	give_odd(); /* every second page of all */
	mm_pageblocks(ZONE_DMA32, before);
	assert_int_equal(0, before[MIGRATE_RECLAIMABLE]);
	events = extfrag();
	for (n = 0; n < 2 * 256; n++) {
		page = take(GFP_KERNEL | __GFP_RECLAIMABLE);
		assert_non_null(page);
		assert_true(page_to_pfn(page) & 1);
	}
	mm_pageblocks(ZONE_DMA32, after);
	assert_int_equal(2, after[MIGRATE_RECLAIMABLE]);
	assert_int_equal(before[MIGRATE_MOVABLE] - 2, after[MIGRATE_MOVABLE]);
	assert_int_equal(events + 2, extfrag());
	assert_int_equal(MIGRATE_MOVABLE, type_of_pageblock(held[0]));
	/* the other way round: all movable ones are full, pages are borrowed */
	while ((page = take(GFP_KERNEL | __GFP_RECLAIMABLE)))
		;
	n = nr_held - 200;
	for (unsigned int i = n; i < nr_held; i++)
		assert_int_equal(0, __free_page(held[i]));
	nr_held = n;
	mm_pageblocks(ZONE_DMA32, before);
	events = extfrag();
	for (unsigned int i = 0; i < 100; i++)
		assert_non_null(take(GFP_KERNEL | __GFP_MOVABLE));
	mm_pageblocks(ZONE_DMA32, after);
	assert_memory_equal(before, after, sizeof(before));
	assert_int_equal(events + 100, extfrag());
	give_all();
}

/* Both tables of pagetypeinfo add up, at any time. */
static void tables_add_up(void **state)
{
	uint64_t nr_free[MIGRATE_TYPES][NR_PAGE_ORDERS], order_free[NR_PAGE_ORDERS];
	uint64_t blocks[MIGRATE_TYPES], seed = 3;
	static const gfp_t kinds[] = {GFP_KERNEL, GFP_KERNEL | __GFP_MOVABLE,
				      GFP_KERNEL | __GFP_RECLAIMABLE};
	struct page *atomic[2] = {highatomic_block(0, 1), highatomic_block(0, 1)};

	(void)state;
	for (unsigned int round = 0; round < 50; round++) {
		uint64_t pages = 0, all = 0;
		struct zone_info info;

		for (unsigned int i = 0; i < 200; i++)
			take(kinds[host_random(&seed) % 3]);
		mm_pagetypeinfo(ZONE_DMA32, nr_free);
		mm_buddyinfo(ZONE_DMA32, order_free);
		mm_pageblocks(ZONE_DMA32, blocks);
		mm_zone_info(ZONE_DMA32, &info);
		for (unsigned int order = 0; order < NR_PAGE_ORDERS; order++) {
			uint64_t sum = 0;

			for (unsigned int type = 0; type < MIGRATE_TYPES; type++)
				sum += nr_free[type][order];
			assert_int_equal(order_free[order], sum);
			pages += sum << order;
		}
		assert_int_equal(info.free, pages);
		for (unsigned int type = 0; type < MIGRATE_TYPES; type++)
			all += blocks[type];
		assert_int_equal(info.spanned >> pageblock_order, all);
		assert_int_equal(1, blocks[MIGRATE_HIGHATOMIC]);
		assert_int_equal(pageblock_nr_pages, info.nr_highatomic);
	}
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(0, __free_pages(atomic[i], 1));
	give_all();
}

/* ---- row 41 -------------------------------------------------------------------------------- */

/*
 * Below one pageblock a type there is nothing to group: the boot says so, and no request is refused
 * for a type.
 */
static void grouping_off_on_small_ram(void **state)
{
	struct layout small = {"small", 0, {{0x80000000, 7 << 20}}, {{0}}, 0};
	struct layout enough = {"enough", 0, {{0x80000000, 9 << 20}}, {{0}}, 0};
	static const gfp_t kinds[] = {GFP_KERNEL, GFP_KERNEL | __GFP_MOVABLE,
				      GFP_KERNEL | __GFP_RECLAIMABLE};
	struct page *atomic;
	struct zone_info info;

	(void)state;
	port_host_log_hook = port_host_capture;
	port_host_log_clear();
	machine_start(&enough);
	assert_null(strstr(port_host_log_text, "grouping pages by mobility"));
	machine_stop();
	machine_start(&small);
	assert_non_null(strstr(port_host_log_text, "mm: grouping pages by mobility is off"));
	/* one after the other from one pageblock, and no event is counted */
	for (unsigned int i = 0; i < 300; i++) {
		assert_non_null(take(kinds[i % 3]));
		if (i < 30)
			assert_int_equal(page_to_pfn(held[0]) >> pageblock_order,
					 page_to_pfn(held[i]) >> pageblock_order);
	}
	assert_int_equal(0, extfrag());
	atomic = highatomic_block(0, 1);
	mm_zone_info(ZONE_DMA32, &info);
	assert_int_equal(0, info.nr_highatomic);
	assert_int_equal(0, __free_pages(atomic, 1));
	give_all();
	machine_stop();
	port_host_log_hook = NULL;
}

/* ---- row 25 -------------------------------------------------------------------------------- */

/*
 * A block with another holder: the free takes all but the first page, the last put that. A million
 * times.
 */
static void million_second_holders(void **state)
{
	static const gfp_t kinds[] = {GFP_KERNEL, GFP_KERNEL | __GFP_MOVABLE, GFP_ATOMIC,
				      GFP_KERNEL | __GFP_COMP};
	uint64_t seed = 1;

	(void)state;
	for (unsigned int i = 0; i < 1000000; i++) {
		struct page *page = alloc_pages(kinds[i % 4], 3);

		if (!page || !get_page_unless_zero(page))
			fail_msg("round %u: no block", i);
		/* in either order: who is last frees what is left */
		if (host_random(&seed) % 2) {
			if (__free_pages(page, 3) || page_count(page) != 1 || put_page(page))
				fail_msg("round %u: free, put", i);
		} else {
			if (put_page(page) || page_count(page) != 1 || __free_pages(page, 3))
				fail_msg("round %u: put, free", i);
		}
		if (i % 100000 == 0)
			assert_int_equal(0, mm_check());
	}
	assert_int_equal(0, mm_check());
	drain_all_pages();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(types_apart, policy_start, policy_stop),
		cmocka_unit_test_setup_teardown(fallback_takes_the_pageblock, policy_start,
						policy_stop),
		cmocka_unit_test_setup_teardown(tables_add_up, policy_start, policy_stop),
		cmocka_unit_test(grouping_off_on_small_ram),
		cmocka_unit_test_setup_teardown(million_second_holders, policy_start_caches,
						policy_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
