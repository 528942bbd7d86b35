/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_zone_stats.c: what is counted by zone, requests that may not wait where they ask to, what no request may
 * while a machine boots, and where HIGHATOMIC pages go when they are freed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <quarry/errno.h>

#include "machine.h"
#include "test/host/port_host.h"

#define MIB (1UL << 20)

/* 32 MiB on either side of 4 GiB. */
static const struct layout both = {.bank = {{0xfe000000UL, 64 * MIB}}, .caches = 1};

static struct page *held[16 * 1024];
static unsigned long nr_held, asked;

__attribute__((noinline)) static struct page *hold(gfp_t gfp) /* one call site */
{
	struct page *page = alloc_page(gfp | __GFP_NOWARN);

	if (page)
		held[nr_held++] = page;
	return page;
}

static void give_back(void)
{
	while (nr_held)
		assert_int_equal(0, __free_page(held[--nr_held]));
	drain_all_pages();
}

static void expect(enum zone_type zone, uint64_t alloc, uint64_t hit, uint64_t miss,
		   uint64_t foreign)
{
	struct mm_zone_stats stats;

	mm_zone_stats(zone, &stats);
	assert_int_equal(alloc, stats.pgalloc);
	assert_int_equal(hit, stats.hit);
	assert_int_equal(miss, stats.miss);
	assert_int_equal(foreign, stats.foreign);
}

static void counted(void **state)
{
	struct mm_zone_stats dma32, normal;
	struct page *block;
	unsigned long own;

	(void)state;
	if (!CONFIG_DEBUG_HOOKS)
		skip();
	machine_start(&both);
	hold(GFP_KERNEL); /* not counted yet */
	assert_int_equal(0, mm_set_hooks(MM_HOOK_STAT));
	expect(ZONE_NORMAL, 0, 0, 0, 0);
	give_back();
	for (int i = 0; i < 3; i++)
		assert_non_null(hold(GFP_KERNEL));
	assert_non_null(block = alloc_pages(GFP_KERNEL | GFP_DMA32, 2));
	expect(ZONE_NORMAL, 3, 3, 0, 0);
	expect(ZONE_DMA32, 4, 1, 0, 0);
	/* all of the zone, and one more */
	while (page_to_phys(hold(GFP_KERNEL)) >> 32)
		;
	own = nr_held - 1;
	expect(ZONE_NORMAL, own, own, 0, 1);
	expect(ZONE_DMA32, 4 + 1, 1, 1, 0);
	give_back();
	assert_int_equal(0, __free_pages(block, 2));
	mm_zone_stats(ZONE_DMA32, &dma32);
	mm_zone_stats(ZONE_NORMAL, &normal);
	assert_int_equal(dma32.pgalloc, dma32.pgfree);
	assert_int_equal(normal.pgalloc + 1, normal.pgfree); /* that one, from before */
	assert_int_equal(0, mm_set_hooks(0));
	assert_non_null(hold(GFP_KERNEL));
	expect(ZONE_NORMAL, own, own, 0, 1);
	give_back();
	machine_stop();
}

static unsigned int lines(void)
{
	unsigned int n = 0;

	for (const char *at = port_host_log_text; (at = strstr(at, "sleeping request")); at++)
		n++;
	return n;
}

/* A line for each call site, and none where it may wait, or does not ask for it. */
static void sleeping_sites(void **state)
{
	(void)state;
	if (!CONFIG_DEBUG_HOOKS)
		skip();
	machine_start(&both);
	port_host_log_hook = port_host_capture;
	port_host_log_clear();
	assert_int_equal(0, mm_set_hooks(MM_HOOK_MIGHT_SLEEP));
	for (int i = 0; i < 3; i++) {
		assert_non_null(hold(GFP_KERNEL));
		port_pcpu()->irq_depth = 1;
		assert_non_null(hold(GFP_ATOMIC));
		assert_int_equal(i ? 2 : 0, lines());
		assert_non_null(hold(GFP_KERNEL));
		assert_int_equal(i ? 2 : 1, lines());
		assert_int_equal(1, alloc_pages_bulk(GFP_KERNEL, 1, &held[nr_held++]));
		assert_int_equal(2, lines());
		port_pcpu()->irq_depth = 0;
	}
	assert_non_null(strstr(port_host_log_text, "order:0, mode:0x110 (called from "));
	assert_int_equal(0, mm_set_hooks(0));
	port_host_log_hook = NULL;
	give_back();
	machine_stop();
}

static unsigned long count_one(struct shrinker *shrinker, struct shrink_control *control)
{
	(void)shrinker;
	(void)control;
	asked++;
	return 0;
}

/* What may not wait yet calls no shrinker and wakes nobody; it may go below min as who cannot wait. */
static void allowed_mask(void **state)
{
	static struct shrinker shrinker = {.count_objects = count_one, .scan_objects = count_one};
	struct mm_zone_stats stats;

	(void)state;
	machine_start(&both);
	assert_int_equal(__GFP_BITS_MASK, mm_gfp_allowed_mask());
	assert_int_equal(0, register_shrinker(&shrinker));
	mm_set_gfp_allowed_mask(GFP_BOOT_MASK);
	assert_int_equal(GFP_BOOT_MASK, mm_gfp_allowed_mask());
	while (hold(GFP_KERNEL))
		;
	assert_int_equal(0, asked);
	assert_false(mm_balance_woken());
	mm_set_gfp_allowed_mask(__GFP_BITS_MASK);
	assert_null(hold(GFP_KERNEL));
	assert_true(asked > 0);
	assert_true(mm_balance_woken());
	mm_zone_stats(ZONE_NORMAL, &stats);
	assert_int_equal(asked, stats.allocstall);
	assert_null(hold(GFP_KERNEL | GFP_DMA32));
	mm_zone_stats(ZONE_DMA32, &stats);
	assert_int_equal(1, stats.allocstall);
	assert_int_equal(0, unregister_shrinker(&shrinker));
	give_back();
	machine_stop();
}

/* A block of a HIGHATOMIC pageblock goes to the cache of unmovable ones, and from there to its pageblock. */
static void freed_by_type(void **state)
{
	struct page *block;
	struct page_info info;
	struct pcp_info pcp;
	unsigned int found = 0;

	(void)state;
	machine_start(&both);
	assert_non_null(block = highatomic_block(0, 1));
	assert_int_equal(0, __free_pages(block, 1));
	assert_int_equal(0, mm_page_info(page_to_pfn(block), &info));
	assert_true(info.in_pcp);
	for (unsigned int n = 0; mm_pcp_info(n, &pcp); n++) {
		found += pcp.order == 1 && pcp.count == 1 && pcp.migratetype == MIGRATE_UNMOVABLE;
		assert_true(pcp.order != 1 || !pcp.count || pcp.migratetype == MIGRATE_UNMOVABLE);
	}
	assert_int_equal(1, found);
	assert_ptr_equal(block, alloc_pages(GFP_KERNEL, 1));
	assert_int_equal(0, __free_pages(block, 1));
	drain_all_pages();
	assert_int_equal(0, mm_page_info(page_to_pfn(block), &info));
	assert_int_equal(PAGE_FREE, info.state);
	assert_int_equal(MIGRATE_HIGHATOMIC, info.migratetype);
	machine_drop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counted),
		cmocka_unit_test(sleeping_sites),
		cmocka_unit_test(allowed_mask),
		cmocka_unit_test(freed_by_type),
	};

	return cmocka_run_group_tests_name("zone_stats", tests, NULL, NULL);
}
