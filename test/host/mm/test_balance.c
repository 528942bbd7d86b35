/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_balance.c: what mm_balance() does with shrinkers: it is woken by requests that want it, works until
 * a zone is at its high mark, and takes down the boost that mixed types have raised.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <quarry/errno.h>

#include "machine.h"

#define MIB (1UL << 20)

static const struct layout small = {.bank = {{0x80000000UL, 64 * MIB}}, .caches = 1};

static struct page *held[3000];
static struct page *fixed[16 * 1024];
static unsigned long nr_held, nr_fixed, asked;
static unsigned int mixes; /* while it is asked, types are mixed so often, as by another CPU */

static void mix(unsigned int times);

static struct mm_migrate_stats moves(void)
{
	struct mm_migrate_stats stats;

	mm_migrate_stats(&stats);
	return stats;
}

static unsigned long count_held(struct shrinker *shrinker, struct shrink_control *control)
{
	(void)shrinker;
	(void)control;
	return nr_held;
}

static unsigned long give_held(struct shrinker *shrinker, struct shrink_control *control)
{
	unsigned long n = 0;

	(void)shrinker;
	asked++;
	mix(mixes);
	for (; n < control->nr_to_scan && nr_held; n++)
		assert_int_equal(0, __free_page(held[--nr_held]));
	return n;
}

static uint64_t free_now(struct zone_info *info)
{
	drain_all_pages();
	mm_zone_info(ZONE_DMA32, info);
	return info->free;
}

static void give_back(void)
{
	while (nr_held)
		assert_int_equal(0, __free_page(held[--nr_held]));
	while (nr_fixed)
		assert_int_equal(0, __free_page(fixed[--nr_fixed]));
	drain_all_pages();
}

/* From below low on until high is reached; a step calls the shrinkers once. */
static void balance_shrinks(void **state)
{
	static struct shrinker shrinker = {.count_objects = count_held, .scan_objects = give_held};
	struct zone_info info;
	struct page *page;
	uint64_t wakes, freed = moves().balance_freed;

	(void)state;
	machine_start(&small);
	assert_int_equal(0, mm_set_min_free_kbytes(4000));
	assert_int_equal(0, register_shrinker(&shrinker));
	for (nr_held = 0; nr_held < 3000; nr_held++)
		assert_non_null(held[nr_held] = alloc_page(GFP_KERNEL));
	for (nr_fixed = 0; free_now(&info) > info.mark.low;)
		assert_non_null(fixed[nr_fixed++] = alloc_page(GFP_KERNEL));
	wakes = moves().balance_run;
	asked = 0;
	assert_int_equal(0, mm_balance());
	assert_int_equal(0, asked);
	assert_false(mm_balance_woken());
	page = alloc_page(GFP_KERNEL &
			  ~__GFP_KSWAPD_RECLAIM); /* the marks are passed, and nobody is told */
	assert_non_null(fixed[nr_fixed++] = page);
	drain_all_pages();
	assert_false(mm_balance_woken());
	page = alloc_page(GFP_NOWAIT);
	assert_true(mm_balance_woken());
	drain_all_pages();
	for (unsigned long step = 1; free_now(&info) < info.mark.high; step++) {
		assert_int_equal(128, mm_balance());
		assert_int_equal(step, asked);
	}
	assert_in_range(free_now(&info), info.mark.high, info.mark.high + 127);
	assert_true(mm_balance_woken());
	assert_int_equal(0, mm_balance());
	assert_false(mm_balance_woken());
	assert_int_equal(wakes + 1, moves().balance_run);
	assert_int_equal(128 * (uint64_t)asked, moves().balance_freed - freed);
	assert_int_equal(0, unregister_shrinker(&shrinker));
	assert_int_equal(0, __free_page(page));
	give_back();
	machine_stop();
}

static uint64_t stats_extfrag(void)
{
	struct mm_stats stats;

	mm_get_stats(&stats);
	return stats.extfrag;
}

/* Types are mixed `times` times: an unmovable page from a pageblock of movable ones, which is then theirs. */
static void mix(unsigned int times)
{
	while (times--) {
		uint64_t mixed = stats_extfrag();

		while (stats_extfrag() == mixed)
			assert_non_null(fixed[nr_fixed++] =
						alloc_page(GFP_KERNEL | __GFP_RECLAIMABLE));
	}
	drain_all_pages();
}

static void every_second_page(void)
{
	struct page *page;

	while ((page = alloc_page(GFP_KERNEL | __GFP_MOVABLE | __GFP_NOWARN)))
		fixed[nr_fixed++] = page;
	for (unsigned long i = 0; i < nr_fixed; i += 2) {
		assert_int_equal(0, __free_page(fixed[i]));
		fixed[i] = fixed[--nr_fixed];
	}
	drain_all_pages();
}

/* A pageblock for each fallback, up to 150 % of the high mark; shrinkers give back as much, or have nothing. */
static void boost(void **state)
{
	static struct shrinker shrinker = {.count_objects = count_held, .scan_objects = give_held};
	const uint64_t each = pageblock_nr_pages;
	struct zone_info info;
	uint64_t most, marks;

	(void)state;
	machine_start(&small);
	assert_int_equal(15000, mm_watermark_boost_factor());
	assert_int_equal(-EINVAL, mm_set_watermark_boost_factor(1000001));
	for (nr_held = 0; nr_held < 3000; nr_held++)
		assert_non_null(held[nr_held] = alloc_page(GFP_KERNEL));
	every_second_page();
	mm_balance(); /* what was woken by the last of them */
	while (mm_balance_woken())
		mm_balance();
	assert_int_equal(0, register_shrinker(&shrinker));
	mm_zone_info(ZONE_DMA32, &info);
	marks = info.mark.high;
	most = marks * 3 / 2;
	assert_true(most > 0);
	most = most < each ? each : most;
	assert_int_equal(0, mm_zone_boost(ZONE_DMA32));
	mix(1);
	assert_int_equal(each < most ? each : most, mm_zone_boost(ZONE_DMA32));
	assert_true(mm_balance_woken());
	asked = 0;
	for (uint64_t left = mm_zone_boost(ZONE_DMA32); left; left -= left < 128 ? left : 128) {
		assert_int_equal(left, mm_zone_boost(ZONE_DMA32));
		assert_int_equal(128, mm_balance());
	}
	assert_int_equal(0, mm_zone_boost(ZONE_DMA32));
	assert_int_equal((each + 127) / 128, asked);
	mm_zone_info(ZONE_DMA32, &info);
	assert_int_equal(marks, info.mark.high); /* requests are refused as before */
	/* nothing to give: it is over at once; and more of it than there may be */
	mix(2);
	assert_int_equal(2 * each < most ? 2 * each : most, mm_zone_boost(ZONE_DMA32));
	assert_int_equal(0, unregister_shrinker(&shrinker));
	mm_balance();
	assert_int_equal(0, mm_zone_boost(ZONE_DMA32));
	assert_int_equal(0, mm_set_watermark_boost_factor(0));
	mix(1);
	assert_int_equal(0, mm_zone_boost(ZONE_DMA32));
	assert_int_equal(0, mm_set_watermark_boost_factor(15000));
	assert_int_equal(0, mm_zone_boost(ZONE_DMA32)); /* it was long ago */
	/* high marks that leave room for more than one pageblock */
	assert_int_equal(0, mm_set_min_free_kbytes(2000));
	mix(1);
	assert_int_equal(each, mm_zone_boost(ZONE_DMA32));
	/* what mixes while a step is under way is not forgotten */
	mm_set_compaction_proactiveness(0);
	assert_int_equal(0, register_shrinker(&shrinker));
	mixes = 1;
	assert_int_equal(128, mm_balance());
	mixes = 0;
	assert_int_equal(2 * each - 128, mm_zone_boost(ZONE_DMA32));
	/* nor what has come of another factor */
	assert_int_equal(0, mm_set_watermark_boost_factor(1000));
	assert_int_not_equal(0, mm_zone_boost(ZONE_DMA32));
	assert_int_equal(0, mm_set_watermark_boost_factor(15000));
	mm_set_compaction_proactiveness(20);
	assert_int_equal(0, mm_set_min_free_kbytes(0));
	assert_int_equal(0, unregister_shrinker(&shrinker));
	give_back();
	machine_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(balance_shrinks),
		cmocka_unit_test(boost),
	};

	return cmocka_run_group_tests_name("balance", tests, NULL, NULL);
}
