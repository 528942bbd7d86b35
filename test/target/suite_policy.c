// SPDX-License-Identifier: BSD-2-Clause
/*
 * suite_policy.c: the allocation policy on the machine: watermarks and reserves, shrinkers, low-memory notifiers, the
 * HIGHATOMIC reserve seen from a real interrupt (FEATURES rows 14 to 17, 34 to 36, 40, 41).
 */
#include "ktap.h"
#include "pool.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "boot/boot.h"
#include "drivers/misc/cfi_flash.h"
#include "drivers/timer/timer.h"

static uint64_t nr_free(enum zone_type zone)
{
	struct zone_info info;

	mm_zone_info(zone, &info);
	return info.free - info.nr_free_cma;
}

/* The zone that a request without zone flags tries last. */
static enum zone_type last_zone(void)
{
	struct zone_info info;

	mm_zone_info(ZONE_DMA32, &info);
	return info.managed ? ZONE_DMA32 : ZONE_NORMAL;
}

/* The zone that it tries first. */
static enum zone_type first_zone(void)
{
	struct zone_info info;

	mm_zone_info(ZONE_NORMAL, &info);
	return info.managed ? ZONE_NORMAL : ZONE_DMA32;
}

/* ---- watermarks ----------------------------------------------------------------------------- */

static void watermarks(void)
{
	struct mm_watermarks marks[MAX_NR_ZONES];
	uint64_t managed[MAX_NR_ZONES], protection[MAX_NR_ZONES * MAX_NR_ZONES], total = 0;
	static const unsigned int ratio[MAX_NR_ZONES] = {256, 32};
	struct zone_info info;

	test_reserves_on();
	for (int i = 0; i < MAX_NR_ZONES; i++) {
		mm_zone_info((enum zone_type)i, &info);
		total += managed[i] = info.managed;
	}
	EXPECT_EQ(mm_default_min_free_kbytes(total), mm_min_free_kbytes());
	mm_calc_watermarks(MAX_NR_ZONES, managed, mm_min_free_kbytes(), 10, marks);
	mm_calc_protection(MAX_NR_ZONES, managed, ratio, protection);
	for (int i = 0; i < MAX_NR_ZONES; i++) {
		mm_zone_info((enum zone_type)i, &info);
		EXPECT_EQ(marks[i].min, info.mark.min);
		EXPECT_EQ(marks[i].low, info.mark.low);
		EXPECT_EQ(marks[i].high, info.mark.high);
		for (int j = 0; j < MAX_NR_ZONES; j++)
			EXPECT_EQ(protection[i * MAX_NR_ZONES + j], info.protection[j]);
	}
}

/* What each kind of request leaves of a min mark of 1000 pages, or of half of what there is if that is less. */
static void reserves(void)
{
	static const struct {
		gfp_t gfp;
		uint64_t left;
	} rules[] = {
		{GFP_KERNEL, 1000},
		{GFP_KERNEL | __GFP_HIGH, 500},
		{GFP_ATOMIC, 375},
		{GFP_KERNEL | __GFP_MEMALLOC, 0},
		{GFP_KERNEL | __GFP_HIGH | __GFP_NOMEMALLOC, 1000},
	};
	unsigned long high = mm_pcp_high();
	uint64_t sum = managed_pages_of(ZONE_DMA32) + managed_pages_of(ZONE_NORMAL);
	enum zone_type zone = last_zone();
	struct zone_info info;

	sum = sum > 2000 ? 1000 : sum / 2;
	mm_set_pcp_high(0);
	for (unsigned int i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		struct grab *list;
		uint64_t left;

		EXPECT_EQ(0, mm_set_min_free_kbytes(sum * (PAGE_SIZE / 1024)));
		mm_zone_info(zone, &info);
		left = info.mark.min; /* the sum, or the zone's share of it */
		if (rules[i].left == 500 || rules[i].left == 375)
			left -= left / 2;
		if (rules[i].left == 375)
			left -= left / 4;
		grab_all(&list, rules[i].gfp | (zone == ZONE_DMA32 ? GFP_DMA32 : 0));
		mm_set_min_free_kbytes(0);
		EXPECT_EQ(rules[i].left ? left : 0, nr_free(zone));
		grab_release(list);
	}
	mm_set_pcp_high(high);
}

static void lowmem_protection(void)
{
	struct zone_info dma32, normal;
	unsigned long high = mm_pcp_high();
	struct grab *list;
	char why[256];

	mm_set_pcp_high(0);
	EXPECT_EQ(0, mm_set_lowmem_reserve_ratio(ZONE_DMA32, 16));
	mm_zone_info(ZONE_DMA32, &dma32);
	mm_zone_info(ZONE_NORMAL, &normal);
	EXPECT_EQ(normal.managed / 16, dma32.protection[ZONE_NORMAL]);
	grab_all(&list, GFP_KERNEL);
	EXPECT_EQ(0, nr_free(ZONE_NORMAL));
	if (normal.managed && dma32.free > dma32.protection[ZONE_NORMAL]) {
		EXPECT_EQ(dma32.protection[ZONE_NORMAL], nr_free(ZONE_DMA32));
		EXPECT(!mm_explain(GFP_KERNEL, 0, why, sizeof(why)));
		EXPECT_TEXT("lowmem_reserve keeps", why);
		EXPECT(mm_explain(GFP_KERNEL | GFP_DMA32, 0, why, sizeof(why)));
	}
	grab_release(list);
	mm_set_pcp_high(high);
}

/* ---- reclaim -------------------------------------------------------------------------------- */

/* A driver's cache gives back what nobody holds, and is filled again when it is read. */
static void driver_cache_shrinks(void)
{
	struct bufcache_stats before, now;
	uint64_t blocks, shrunk = stats_now().shrunk;
	struct buf_source *flash = cfi_flash(&blocks);
	struct buf *kept;
	struct grab *list;

	if (!flash) {
		test_note("no flash on this machine");
		EXPECT(flash == NULL);
		return;
	}
	for (uint64_t block = 0; block < 32; block++) {
		struct buf *buf = buf_read(flash, block);

		if (!EXPECT(buf != NULL))
			return;
		buf_release(buf);
	}
	kept = buf_read(flash, 7);
	bufcache_get_stats(&before);
	EXPECT_EQ(32, before.buffers);
	EXPECT_EQ(1, before.held);
	grab_all(&list, GFP_KERNEL);
	bufcache_get_stats(&now);
	EXPECT_EQ(1, now.buffers);
	EXPECT_EQ(before.shrunk + 31, now.shrunk);
	EXPECT_EQ(shrunk + 31, stats_now().shrunk);
	EXPECT(kept->source == flash && kept->block == 7);
	grab_release(list);
	if (EXPECT(buf_read(flash, 7) == kept)) {
		buf_release(kept);
		buf_release(kept);
	}
	bufcache_get_stats(&now);
	EXPECT_EQ(0, now.held);
	buf_forget(flash);
	/* Whichever blocks the buffers had that were given back, they serve again. */
	for (uint64_t block = 1; block <= BUFCACHE_BUFS + 2; block++) {
		struct buf *buf = buf_read(flash, block);

		if (!EXPECT(buf != NULL))
			return;
		buf_release(buf);
		EXPECT_EQ(1, bufcache_drop());
	}
}

static unsigned int told_low, told_high;

static void on_low_memory(struct low_memory_notifier *notifier, enum zone_type zone, bool low)
{
	(void)notifier;
	if (zone != first_zone())
		return;
	told_low += low;
	told_high += !low;
}

static void low_memory(void)
{
	struct low_memory_notifier notifier = {.notify = on_low_memory};
	struct grab *list;

	test_reserves_on();
	told_low = told_high = 0;
	EXPECT_EQ(0, register_low_memory_notifier(&notifier));
	mm_idle();
	EXPECT_EQ(0, told_low + told_high);
	grab_all(&list, GFP_KERNEL);
	EXPECT_EQ(1, told_low);
	EXPECT_EQ(0, told_high);
	grab_release(list);
	drain_all_pages();
	mm_idle();
	mm_idle();
	EXPECT_EQ(1, told_low);
	EXPECT_EQ(1, told_high);
	unregister_low_memory_notifier(&notifier);
}

/* ---- HIGHATOMIC, and callbacks in interrupts ------------------------------------------------- */

static unsigned int scans;

static unsigned long count_one(struct shrinker *shrinker, struct shrink_control *control)
{
	(void)shrinker;
	(void)control;
	scans++;
	return 1;
}

static unsigned long scan_none(struct shrinker *shrinker, struct shrink_control *control)
{
	(void)shrinker;
	(void)control;
	return SHRINK_STOP;
}

static struct {
	volatile unsigned int calls, served, waited;
	volatile bool may_wait; /* ask for what an interrupt must not */
} tick;

static void on_tick(void *arg)
{
	struct page *page = alloc_pages(GFP_ATOMIC | __GFP_NOWARN, 1);

	(void)arg;
	if (page && __free_pages(page, 1) == 0)
		tick.served++;
	if (tick.may_wait) {
		page = alloc_pages(GFP_KERNEL | __GFP_NOWARN, MAX_PAGE_ORDER);
		tick.waited++;
		if (page)
			__free_pages(page, MAX_PAGE_ORDER);
	}
	tick.calls++;
}

static void ticks(unsigned int calls, bool may_wait)
{
	uint64_t deadline = timer_now() + 20 * NSEC_PER_SEC;

	memset((void *)&tick, 0, sizeof(tick));
	tick.may_wait = may_wait;
	timer_set(NSEC_PER_MSEC, true, on_tick, NULL);
	while (tick.calls < calls && timer_now() < deadline)
		;
	timer_set(0, false, NULL, NULL);
	EXPECT(tick.calls >= calls);
}

static uint64_t nr_highatomic(void)
{
	struct zone_info info;

	mm_zone_info(first_zone(), &info);
	return info.nr_highatomic;
}

/*
 * Interrupts take their blocks while all zones are below their low marks: the first zone keeps a pageblock for them, if
 * 1 % of it is one. Returns whether it does.
 */
static bool make_reserve(void)
{
	struct zone_info info;
	uint64_t managed = 0;
	bool large;

	for (int zone = 0; zone < MAX_NR_ZONES; zone++) {
		mm_zone_info((enum zone_type)zone, &info);
		managed += info.managed;
	}
	mm_zone_info(first_zone(), &info);
	large = info.managed / 100 >= pageblock_nr_pages;
	ticks(3, false);
	EXPECT_EQ(0, nr_highatomic()); /* no pressure, no reserve */
	EXPECT_EQ(0, mm_set_min_free_kbytes((managed - 1) << (PAGE_SHIFT - 10)));
	ticks(3, false); /* the first may cut a pageblock, the next keeps it */
	EXPECT_EQ(tick.calls, tick.served);
	mm_set_min_free_kbytes(0);
	EXPECT_EQ(large ? pageblock_nr_pages : 0, nr_highatomic());
	return large;
}

/* All memory is taken but the reserve, and every free page has no free neighbour; the interrupt is served. */
static void order1_in_interrupt(void)
{
	unsigned long kept = 0, high = mm_pcp_high();
	struct page *page;
	struct pool pool;

	if (timer_hz() == 0) {
		test_skip("no timer");
		return;
	}
	if (!pool_begin(&pool))
		return;
	mm_set_pcp_high(0);
	if (!make_reserve()) {
		test_note("1 %% of the zone is less than a pageblock: there is no reserve");
		pool_end(&pool);
		mm_set_pcp_high(high);
		return;
	}
	while (pool.nr_large < pool.large_capacity && free_pages_now() > pool.capacity &&
	       (page = alloc_pages(GFP_NOWAIT | __GFP_NOWARN, MAX_PAGE_ORDER)))
		pool.large[pool.nr_large++] = page;
	while ((page = alloc_page(GFP_NOWAIT | __GFP_NOWARN)))
		*pool_slot(&pool, pool.count++) = page;
	for (unsigned long i = 0; i < pool.count; i++) {
		page = *pool_slot(&pool, i);
		if (page_to_pfn(page) & 1)
			EXPECT_EQ(0, __free_page(page));
		else
			*pool_slot(&pool, kept++) = page;
	}
	pool.count = kept;
	EXPECT(alloc_pages(GFP_NOWAIT | __GFP_NOWARN, 1) == NULL);
	ticks(50, false);
	EXPECT_EQ(tick.calls, tick.served);
	pool_empty(&pool);
	pool_end(&pool);
	mm_set_pcp_high(high);
}

static void no_callback_in_interrupt(void)
{
	struct shrinker shrinker = {.count_objects = count_one, .scan_objects = scan_none};
	uint64_t might_sleep = stats_now().might_sleep;
	struct grab *list;

	if (timer_hz() == 0) {
		EXPECT_EQ(0, timer_now());
		return;
	}
	EXPECT_EQ(0, register_shrinker(&shrinker));
	EXPECT_EQ(EEXIST, -register_shrinker(&shrinker));
	grab_all(&list, GFP_NOWAIT);
	scans = 0;
	ticks(5, true);
	EXPECT_EQ(0, scans);
	EXPECT_EQ(might_sleep + tick.waited, stats_now().might_sleep);
	EXPECT(alloc_pages(GFP_KERNEL | __GFP_NOWARN, MAX_PAGE_ORDER) == NULL);
	EXPECT_EQ(1, scans);
	unregister_shrinker(&shrinker);
	grab_release(list);
}

TEST_CASE(policy, watermarks, watermarks);
TEST_CASE(policy, reserves, reserves);
TEST_CASE(policy, lowmem_protection, lowmem_protection);
TEST_CASE(policy, driver_cache_shrinks, driver_cache_shrinks);
TEST_CASE(policy, low_memory, low_memory);
TEST_CASE(policy, order1_in_interrupt, order1_in_interrupt);
TEST_CASE(policy, no_callback_in_interrupt, no_callback_in_interrupt);
