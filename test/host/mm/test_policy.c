/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_policy.c: how much of a zone is kept back and from whom: the watermarks' arithmetic, the
 * per-order check, the reserves that flags open, lowmem protection, and what that makes available
 * (FEATURES rows 14 to 17, 34).
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <quarry/memblock.h>

#include "machine.h"
#include "mm/state.h"
#include "policy.h"
#include "test/host/port_host.h"

#define MIB ((uint64_t)1 << 20)

static struct layout both_without_caches;

static int start_both_cached(void **state)
{
	policy_quiet(state);
	machine_start(&layouts[BOTH_ZONES]);
	return 0;
}

static int start_both(void **state)
{
	policy_quiet(state);
	both_without_caches = layouts[BOTH_ZONES];
	both_without_caches.caches = 0;
	machine_start(&both_without_caches);
	return 0;
}

static uint64_t free_in(enum zone_type zone)
{
	struct zone_info info;

	mm_zone_info(zone, &info);
	return info.free;
}

/* ---- row 14: the arithmetic ---------------------------------------------------------------- */

static void default_min_free_kbytes(void **state)
{
	static const struct {
		uint64_t mib, kbytes;
	} golden[] = {{128, 1448},   {256, 2048}, {512, 2896}, {1024, 4096},	  {4096, 8192},
		      {8192, 11585}, {1, 128},	  {0, 128},    {16 * MIB, 262144}};

	(void)state;
	for (unsigned int i = 0; i < sizeof(golden) / sizeof(golden[0]); i++)
		assert_int_equal(golden[i].kbytes, mm_default_min_free_kbytes(golden[i].mib << 8));
}

static void golden_watermarks(void **state)
{
	static const uint64_t managed[3] = {3973, 464142, 7726451};
	static const struct mm_watermarks golden[3] = {
		{8, 11, 14}, {956, 1420, 1884}, {15930, 23656, 31382}};
	struct mm_watermarks marks[3];

	(void)state;
	mm_calc_watermarks(3, managed, 67584, 10, marks);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(golden[i].min, marks[i].min);
		assert_int_equal(golden[i].low, marks[i].low);
		assert_int_equal(golden[i].high, marks[i].high);
	}
	/* a larger factor widens the steps, and no zone is not divided by */
	mm_calc_watermarks(3, managed, 67584, 1000, marks);
	assert_int_equal(956 + 46414, marks[1].low);
	mm_calc_watermarks(2, (const uint64_t[]){0, 0}, 67584, 10, marks);
	assert_int_equal(0, marks[0].high);
}

/* ---- row 15 -------------------------------------------------------------------------------- */

static void golden_protection(void **state)
{
	static const uint64_t managed[3] = {3973, 464142, 7726451};
	static const unsigned int ratio[3] = {256, 256, 32}, off[3] = {0, 256, 32};
	static const uint64_t golden[9] = {0, 1813, 31994, 0, 0, 30181, 0, 0, 0};
	uint64_t protection[9];

	(void)state;
	mm_calc_protection(3, managed, ratio, protection);
	assert_memory_equal(golden, protection, sizeof(golden));
	mm_calc_protection(3, managed, off, protection);
	assert_int_equal(0, protection[2]);
	assert_int_equal(30181, protection[5]);
}

static void lowmem_protection(void **state)
{
	struct zone_info dma32, normal;
	char why[256];
	uint64_t kept;

	(void)state;
	assert_int_equal(0, mm_set_lowmem_reserve_ratio(ZONE_DMA32, 16));
	mm_zone_info(ZONE_DMA32, &dma32);
	mm_zone_info(ZONE_NORMAL, &normal);
	kept = normal.managed / 16;
	assert_int_equal(kept, dma32.protection[ZONE_NORMAL]);
	assert_int_equal(0, dma32.protection[ZONE_DMA32]);
	assert_int_equal(0, normal.protection[ZONE_NORMAL]);
	take_all(GFP_KERNEL, 0);
	assert_int_equal(0, free_in(ZONE_NORMAL));
	assert_int_equal(kept, free_in(ZONE_DMA32));
	assert_false(mm_explain(GFP_KERNEL, 0, why, sizeof(why)));
	assert_non_null(strstr(why, "zone DMA32"));
	assert_non_null(strstr(why, "lowmem_reserve keeps"));
	/* it is for those who can use nothing else */
	assert_int_equal(kept, take_all(GFP_KERNEL | GFP_DMA32, 0));
	assert_int_equal(0, free_in(ZONE_DMA32));
	give_all();
}

/*
 * What lies in the caches of a zone is kept as its free pages are: the marks are asked before the
 * cache is.
 */
static void lowmem_protection_of_cached(void **state)
{
	struct zone_info dma32, normal;
	unsigned long from_dma32 = 0, cached;
	struct page *page;

	(void)state;
	take_all(GFP_KERNEL | GFP_DMA32, 0);
	for (cached = 0; cached < 30; cached++)
		give_one(nr_held - 1);
	mm_zone_info(ZONE_NORMAL, &normal);
	assert_int_equal(0, mm_set_lowmem_reserve_ratio(ZONE_DMA32, 1));
	mm_zone_info(ZONE_DMA32, &dma32);
	assert_int_equal(normal.managed, dma32.protection[ZONE_NORMAL]);
	while ((page = alloc_page(GFP_KERNEL | __GFP_NOWARN))) {
		hold(page, 0);
		from_dma32 += page_to_pfn(page) < machine.boundary;
	}
	assert_int_equal(0, from_dma32);
	assert_int_equal(cached, take_all(GFP_KERNEL | GFP_DMA32, 0));
	give_all();
}

/* ---- row 13 -------------------------------------------------------------------------------- */

/* There is one node, and __GFP_THISNODE binds to it, not to a zone. */
static void thisnode_has_both_zones(void **state)
{
	struct zoneref with[MAX_NR_ZONES], without[MAX_NR_ZONES];

	(void)state;
	for (unsigned int n = 0; n < MAX_NR_ZONES; n++) {
		with[n] = mm.zonelists[1][ZONE_NORMAL].zonerefs[n];
		without[n] = mm.zonelists[0][ZONE_NORMAL].zonerefs[n];
	}
	assert_memory_equal(without, with, sizeof(with));
	take_all(GFP_KERNEL | __GFP_THISNODE, 0);
	assert_int_equal(0, free_in(ZONE_NORMAL) + free_in(ZONE_DMA32));
	give_all();
	take_all(GFP_KERNEL | GFP_DMA32 | __GFP_THISNODE, 0);
	assert_int_equal(0, free_in(ZONE_DMA32));
	assert_true(free_in(ZONE_NORMAL) > 0);
	give_all();
}

/* ---- row 16 -------------------------------------------------------------------------------- */

static void per_order_check(void **state)
{
	uint64_t managed = free_in(ZONE_DMA32);
	char why[256];

	(void)state;
	/* a request leaves min pages free, whatever its order */
	assert_int_equal(0, mm_set_min_free_kbytes(1000 * 4));
	for (unsigned int order = 0; order < NR_PAGE_ORDERS; order++) {
		take_all(GFP_KERNEL, order);
		assert_in_range(free_in(ZONE_DMA32), 1000, 1000 + 2 * (1UL << order) - 1);
		assert_false(mm_explain(GFP_KERNEL, order, why, sizeof(why)));
		give_all();
	}
	take_all(GFP_KERNEL, 0);
	assert_int_equal(1000, free_in(ZONE_DMA32));
	assert_false(mm_explain(GFP_KERNEL, 0, why, sizeof(why)));
	assert_non_null(strstr(why, "the min watermark keeps 1000"));
	assert_int_equal(0, mm_set_min_free_kbytes(0));
	take_all(GFP_KERNEL, 0);
	/* half of memory is free, and no block of order 1: the rule is another */
	give_odd();
	assert_true(free_in(ZONE_DMA32) > managed / 2 - 2);
	assert_null(alloc_pages(GFP_KERNEL | __GFP_NOWARN, 1));
	assert_false(mm_explain(GFP_KERNEL, 1, why, sizeof(why)));
	assert_non_null(strstr(why, "no free block of order 1"));
	assert_non_null(strstr(why, "largest free order 0"));
	assert_true(mm_explain(GFP_KERNEL, 0, why, sizeof(why)));
	give_all();
}

/* ---- row 17 -------------------------------------------------------------------------------- */

static void sysctls_recompute(void **state)
{
	struct mm_watermarks marks[MAX_NR_ZONES];
	uint64_t managed[MAX_NR_ZONES];
	struct zone_info info[MAX_NR_ZONES];
	uint64_t before;

	(void)state;
	for (unsigned int factor = 1; factor <= 3000; factor += 1499) {
		assert_int_equal(0, mm_set_min_free_kbytes(3 * 1024));
		assert_int_equal(0, mm_set_watermark_scale_factor(factor));
		for (int i = 0; i < MAX_NR_ZONES; i++) {
			mm_zone_info((enum zone_type)i, &info[i]);
			managed[i] = info[i].managed;
		}
		mm_calc_watermarks(MAX_NR_ZONES, managed, 3 * 1024, factor, marks);
		for (int i = 0; i < MAX_NR_ZONES; i++) {
			assert_true(marks[i].min > 300);
			assert_memory_equal(&marks[i], &info[i].mark, sizeof(marks[i]));
		}
	}
	assert_int_equal(3 * 1024, mm_min_free_kbytes());
	assert_int_equal(2999, mm_watermark_scale_factor());
	/* out of range: refused, and the values are as before */
	before = info[ZONE_DMA32].mark.low;
	assert_int_equal(-EINVAL, mm_set_min_free_kbytes((managed[0] + managed[1]) * 4));
	assert_int_equal(-EINVAL, mm_set_watermark_scale_factor(0));
	assert_int_equal(-EINVAL, mm_set_watermark_scale_factor(3001));
	assert_int_equal(-EINVAL, mm_set_lowmem_reserve_ratio(MAX_NR_ZONES, 1));
	mm_zone_info(ZONE_DMA32, &info[0]);
	assert_int_equal(before, info[0].mark.low);
	assert_int_equal(3 * 1024, mm_min_free_kbytes());
}

/*
 * Memory that comes late brings the default for all there is then, unless the user has set a value.
 */
static void late_memory_recomputes(void **state)
{
	struct mm_config config = {.boot_pcpu = &machine_pcpu};
	struct zone_info info;
	uint64_t first;

	policy_quiet(state);
	memblock_init();
	assert_non_null(host_ram_map(0x80000000, 64 * MIB));
	host_ram_randomize(0x80000000, 64 * MIB, 20240229);
	assert_int_equal(0, memblock_add(0x80000000, 64 * MIB));
	assert_int_equal(0, memblock_reserve(0x81000000, 33 * MIB));
	memset(&machine_pcpu, 0, sizeof(machine_pcpu));
	port_set_pcpu(&machine_pcpu);
	assert_int_equal(0, mm_init(&config));
	memblock_free_all();
	mm_zone_info(ZONE_DMA32, &info);
	first = mm_min_free_kbytes();
	assert_int_equal(mm_default_min_free_kbytes(info.managed), first);
	assert_int_equal(0, memblock_free_late(0x81000000, 32 * MIB));
	mm_zone_info(ZONE_DMA32, &info);
	assert_true(mm_min_free_kbytes() > first);
	assert_int_equal(mm_default_min_free_kbytes(info.managed), mm_min_free_kbytes());
	assert_int_equal(mm_min_free_kbytes() / 4, info.mark.min);
	for (uint64_t kbytes = 0; kbytes <= 9999; kbytes += 9999) {
		assert_int_equal(0, mm_set_min_free_kbytes(kbytes));
		assert_int_equal(0,
				 memblock_free_late(0x83000000 + (kbytes ? 0 : MIB / 2), MIB / 2));
		assert_int_equal(kbytes, mm_min_free_kbytes());
		mm_zone_info(ZONE_DMA32, &info);
		assert_int_equal(kbytes / 4, info.mark.min);
	}
	host_ram_unmap();
	port_host_log_hook = NULL;
}

/* ---- row 34: the reserves ------------------------------------------------------------------ */

static void reserves(void **state)
{
	/* of 1000 pages below min, what the flags leave */
	static const struct {
		gfp_t gfp;
		uint64_t left;
	} rules[] = {
		{GFP_KERNEL, 1000},
		{GFP_NOWAIT, 1000},
		{GFP_KERNEL | __GFP_HIGH, 500},
		{GFP_ATOMIC, 375},
		{GFP_KERNEL | __GFP_MEMALLOC, 0},
		{__GFP_MEMALLOC, 0},
		{GFP_ATOMIC | __GFP_NOMEMALLOC, 1000},
		{GFP_KERNEL | __GFP_MEMALLOC | __GFP_NOMEMALLOC, 1000},
	};

	(void)state;
	assert_int_equal(0, mm_set_min_free_kbytes(1000 * 4));
	for (unsigned int i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		uint64_t refused = stats_now().stage[MM_STAGE_FAIL];

		take_all(rules[i].gfp, 0);
		assert_int_equal(rules[i].left, free_in(ZONE_DMA32));
		assert_int_equal(refused + 1, stats_now().stage[MM_STAGE_FAIL]);
		give_all();
	}
}

/* All zones are at their low marks before any reserve of one is touched. */
static void reserves_come_last(void **state)
{
	static const gfp_t kinds[] = {GFP_KERNEL, GFP_NOWAIT, GFP_ATOMIC, GFP_KERNEL | __GFP_HIGH,
				      GFP_KERNEL | __GFP_MEMALLOC};
	struct zone_info normal, dma32;
	struct page *page;

	(void)state;
	assert_int_equal(0, mm_set_min_free_kbytes(1000 * 4));
	mm_zone_info(ZONE_NORMAL, &normal);
	mm_zone_info(ZONE_DMA32, &dma32);
	for (unsigned int i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		for (;;) {
			page = alloc_page(kinds[i] | __GFP_NOWARN);
			hold(page, 0);
			if (page_to_pfn(page) < machine.boundary)
				break;
		}
		assert_int_equal(normal.mark.low, free_in(ZONE_NORMAL));
		while (free_in(ZONE_DMA32) > dma32.mark.low) {
			assert_int_equal(normal.mark.low, free_in(ZONE_NORMAL));
			hold(alloc_page(kinds[i]), 0);
		}
		/* from then on Normal first again, down to what the flags leave */
		hold(alloc_page(kinds[i]), 0);
		assert_int_equal(normal.mark.low - 1, free_in(ZONE_NORMAL));
		assert_int_equal(dma32.mark.low, free_in(ZONE_DMA32));
		give_all();
	}
}

/*
 * Above low nothing is counted; between low and min a request enters the slow path, and its stages
 * count.
 */
static void stages_counted(void **state)
{
	struct mm_stats before = stats_now(), after;
	struct zone_info info;

	(void)state;
	assert_int_equal(0, mm_set_min_free_kbytes(1000 * 4));
	mm_zone_info(ZONE_DMA32, &info);
	while (free_in(ZONE_DMA32) > info.mark.low)
		hold(alloc_page(GFP_KERNEL), 0);
	after = stats_now();
	assert_memory_equal(before.stage, after.stage, sizeof(before.stage));
	hold(alloc_page(GFP_KERNEL), 0);
	after = stats_now();
	assert_int_equal(before.stage[MM_STAGE_SLOW] + 1, after.stage[MM_STAGE_SLOW]);
	assert_int_equal(before.stage[MM_STAGE_ASSEMBLE], after.stage[MM_STAGE_ASSEMBLE]);
	assert_int_equal(before.stage[MM_STAGE_FAIL], after.stage[MM_STAGE_FAIL]);
	take_all(GFP_KERNEL, 0);
	after = stats_now();
	for (unsigned int i = 0; i < NR_MM_STAGES; i++) {
		if (i == MM_STAGE_DRAIN ||
		    i == MM_STAGE_COMPACT) /* one CPU, and nothing that moves */
			assert_int_equal(before.stage[i], after.stage[i]);
		else
			assert_true(after.stage[i] > before.stage[i]);
	}
	assert_int_equal(before.alloc_failed + 1, after.alloc_failed);
	give_all();
}

/* ---- MemAvailable -------------------------------------------------------------------------- */

/* Linux's rule, from the figures of the zones. */
static uint64_t available_by_zones(void)
{
	int64_t pages = 0;

	for (int i = 0; i < MAX_NR_ZONES; i++) {
		struct zone_info z;
		uint64_t most = 0;

		mm_zone_info((enum zone_type)i, &z);
		for (int j = 0; j < MAX_NR_ZONES; j++)
			most = z.protection[j] > most ? z.protection[j] : most;
		most += z.mark.high;
		pages += (int64_t)z.free - (int64_t)(most < z.managed ? most : z.managed);
	}
	return pages > 0 ? (uint64_t)pages : 0;
}

static void available(void **state)
{
	struct zone_info dma32;
	uint64_t before;

	(void)state;
	assert_int_equal(0, mm_set_min_free_kbytes(1000 * 4));
	assert_int_equal(0, mm_set_lowmem_reserve_ratio(ZONE_DMA32, 256));
	before = si_mem_available();
	mm_zone_info(ZONE_DMA32, &dma32);
	assert_true(dma32.protection[ZONE_NORMAL] > 0 && before > 0);
	assert_int_equal(available_by_zones(), before);
	/* a zone protects more: by that much less is available */
	assert_int_equal(0, mm_set_lowmem_reserve_ratio(ZONE_DMA32, 128));
	assert_int_equal(available_by_zones(), si_mem_available());
	assert_in_range(before - si_mem_available(), dma32.protection[ZONE_NORMAL],
			dma32.protection[ZONE_NORMAL] + 1);
	/* it never wraps: what is free lies within what is kept */
	take_all(GFP_KERNEL, 0);
	take_all(GFP_ATOMIC, 0);
	assert_int_equal(available_by_zones(), si_mem_available());
	assert_int_equal(0, si_mem_available());
	give_all();
}

/* A small zone below a large one keeps no more than all it has. */
static void available_beside_a_small_zone(void **state)
{
	static const struct layout small = {
		"small DMA32", 0, {{(4UL << 30) - (4 << 20), 64 << 20}}, {{0}}, 0};
	struct zone_info dma32, normal;

	policy_quiet(state);
	machine_start(&small);
	assert_int_equal(0, mm_set_lowmem_reserve_ratio(ZONE_DMA32, 1));
	mm_zone_info(ZONE_DMA32, &dma32);
	mm_zone_info(ZONE_NORMAL, &normal);
	assert_true(dma32.protection[ZONE_NORMAL] > dma32.managed);
	assert_int_equal(available_by_zones(), si_mem_available());
	assert_int_equal(normal.free - normal.mark.high + dma32.free - dma32.managed,
			 si_mem_available());
	policy_stop(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(default_min_free_kbytes),
		cmocka_unit_test(golden_watermarks),
		cmocka_unit_test(golden_protection),
		cmocka_unit_test_setup_teardown(lowmem_protection, start_both, policy_stop),
		cmocka_unit_test_setup_teardown(lowmem_protection_of_cached, start_both_cached,
						policy_stop),
		cmocka_unit_test_setup_teardown(thisnode_has_both_zones, start_both, policy_stop),
		cmocka_unit_test_setup_teardown(per_order_check, policy_start, policy_stop),
		cmocka_unit_test_setup_teardown(sysctls_recompute, start_both, policy_stop),
		cmocka_unit_test(late_memory_recomputes),
		cmocka_unit_test_setup_teardown(reserves, policy_start, policy_stop),
		cmocka_unit_test_setup_teardown(reserves_come_last, start_both, policy_stop),
		cmocka_unit_test_setup_teardown(stages_counted, policy_start, policy_stop),
		cmocka_unit_test_setup_teardown(available, start_both, policy_stop),
		cmocka_unit_test(available_beside_a_small_zone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
