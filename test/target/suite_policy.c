// SPDX-License-Identifier: BSD-2-Clause
/*
 * suite_policy.c: the allocation policy on the machine: watermarks and reserves, shrinkers, low-memory notifiers, the
 * HIGHATOMIC reserve seen from a real interrupt, the debug options, and refusals that change nothing
 * (FEATURES rows 14 to 17, 28, 33 to 41).
 */
#include "ktap.h"
#include "pool.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "boot/boot.h"
#include "drivers/misc/cfi_flash.h"
#include "drivers/timer/timer.h"

/* Is this a build without debug options? Then the case is skipped. */
static bool skipped(void)
{
	if (!CONFIG_DEBUG_HOOKS)
		test_skip("CONFIG_DEBUG_HOOKS is 0");
	return !CONFIG_DEBUG_HOOKS;
}

static struct mm_stats stats(void)
{
	struct mm_stats now;

	mm_get_stats(&now);
	return now;
}

static uint64_t nr_free(enum zone_type zone)
{
	struct zone_info info;

	mm_zone_info(zone, &info);
	return info.free;
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

/* What each kind of request leaves of a min mark of 1000 pages. */
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
	enum zone_type zone = last_zone();
	struct zone_info info;

	mm_set_pcp_high(0);
	for (unsigned int i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		struct grab *rest = NULL, *list;
		uint64_t left;

		/* DMA32 alone: what Normal has is out of the way */
		if (first_zone() != zone)
			grab_all(&rest, GFP_KERNEL | __GFP_THISNODE);
		EXPECT_EQ(0, mm_set_min_free_kbytes(4 * 1000));
		mm_zone_info(zone, &info);
		left = info.mark.min; /* 1000, or the zone's share of it */
		if (rules[i].left == 500 || rules[i].left == 375)
			left -= left / 2;
		if (rules[i].left == 375)
			left -= left / 4;
		grab_all(&list, rules[i].gfp | (zone == ZONE_DMA32 ? GFP_DMA32 : 0));
		mm_set_min_free_kbytes(0);
		EXPECT_EQ(rules[i].left ? left : 0, nr_free(zone));
		grab_release(list);
		grab_release(rest);
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
	uint64_t blocks, shrunk = stats().shrunk;
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
	EXPECT_EQ(shrunk + 31, stats().shrunk);
	EXPECT(kept->source == flash && kept->block == 7);
	grab_release(list);
	if (EXPECT(buf_read(flash, 7) == kept)) {
		buf_release(kept);
		buf_release(kept);
	}
	bufcache_get_stats(&now);
	EXPECT_EQ(0, now.held);
	buf_forget(flash);
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

/* All memory is taken but the reserve, and every free page has no free neighbour; the interrupt is served. */
static void order1_in_interrupt(void)
{
	unsigned long kept = 0, high = mm_pcp_high();
	struct page *page;
	struct pool pool;

	if (timer_hz() == 0 || !pool_begin(&pool)) {
		test_note("no timer, or no room");
		EXPECT_EQ(0, timer_now());
		return;
	}
	mm_set_pcp_high(0);
	ticks(1, false); /* the first request makes the reserve */
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
	uint64_t might_sleep = stats().might_sleep;
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
	EXPECT_EQ(might_sleep + tick.waited, stats().might_sleep);
	EXPECT(alloc_pages(GFP_KERNEL | __GFP_NOWARN, MAX_PAGE_ORDER) == NULL);
	EXPECT_EQ(1, scans);
	unregister_shrinker(&shrinker);
	grab_release(list);
}

/* ---- refusals ------------------------------------------------------------------------------- */

/* Injected and real refusals of every order leave the state bit for bit as it was. */
static void refusal_changes_nothing(void)
{
	static const gfp_t kinds[] = {GFP_KERNEL,
				      GFP_ATOMIC,
				      GFP_KERNEL | __GFP_MOVABLE,
				      GFP_KERNEL | __GFP_COMP | __GFP_RECLAIMABLE,
				      GFP_KERNEL | __GFP_RETRY_MAYFAIL,
				      GFP_DMA32};
	struct mm_fail every = {.every = 1}, off = {.every = 0};
	uint64_t failed = stats().alloc_failed;
	struct grab *list;
	uint64_t hash;

	if (skipped())
		return;
	mm_set_fail(&every);
	hash = mm_state_hash();
	for (unsigned int i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		for (unsigned int order = 0; order < NR_PAGE_ORDERS; order++)
			EXPECT(alloc_pages(kinds[i] | __GFP_NOWARN, order) == NULL);
	EXPECT(alloc_pages_exact(5 * PAGE_SIZE, GFP_KERNEL | __GFP_NOWARN) == NULL);
	EXPECT_EQ(hash, mm_state_hash());
	mm_set_fail(&off);
	EXPECT_EQ(failed + 6 * NR_PAGE_ORDERS + 1, stats().alloc_failed);
	grab_all(&list, GFP_KERNEL);
	hash = mm_state_hash();
	for (unsigned int i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		for (unsigned int order = 0; order < NR_PAGE_ORDERS; order++)
			EXPECT(alloc_pages(kinds[i] | __GFP_NOWARN, order) == NULL);
	EXPECT_EQ(hash, mm_state_hash());
	grab_release(list);
}

static unsigned int reports;

static void find_report(const char *line)
{
	reports += strstr(line, "page allocation failure: order:9, mode:0x530("
				"GFP_KERNEL|__GFP_MOVABLE|__GFP_COMP)") != NULL;
	reports += strstr(line, "would help: ") != NULL;
}

static unsigned int lines;

static void count_line(const char *line)
{
	(void)line;
	lines++;
}

static void report(void)
{
	struct grab *list;
	unsigned int before;

	reports = 0;
	log_dump(find_report);
	before = reports;
	grab_all(&list, GFP_KERNEL);
	log_set_console(false);
	EXPECT(alloc_pages(GFP_KERNEL | __GFP_MOVABLE | __GFP_COMP, 9) == NULL);
	log_set_console(true);
	grab_release(list);
	reports = 0;
	log_dump(find_report);
	/* the ring may have lost older ones */
	EXPECT(reports >= 2 || reports > before);
	lines = 0;
	EXPECT(mm_why(GFP_KERNEL, 3, count_line));
	EXPECT_EQ(0, lines);
}

/* ---- debug options --------------------------------------------------------------------------- */

static void poison(void)
{
	uint64_t hits = stats().poison_hit;
	struct page *page, *again;

	if (skipped())
		return;
	EXPECT_EQ(0, mm_set_hooks(MM_HOOK_POISON));
	EXPECT_EQ(EINVAL, -mm_set_hooks(MM_HOOK_POISON | MM_HOOK_INIT_ON_FREE));
	page = alloc_page(GFP_KERNEL);
	if (EXPECT(page != NULL)) {
		EXPECT_EQ(0, __free_page(page));
		((char *)page_address(page))[5] = 1; /* after it was freed */
		log_set_console(false);
		again = alloc_page(GFP_KERNEL);
		log_set_console(true);
		EXPECT(again == page);
		EXPECT_EQ(hits + 1, stats().poison_hit);
		EXPECT_EQ(0, __free_page(again));
	}
	EXPECT_EQ(0, mm_set_hooks(0));
}

static void init_on_alloc_and_free(void)
{
	if (skipped())
		return;
	for (unsigned int order = 0; order < NR_PAGE_ORDERS; order++) {
		struct page *page;

		EXPECT_EQ(0, mm_set_hooks(MM_HOOK_INIT_ON_ALLOC));
		page = alloc_pages(GFP_KERNEL, order);
		if (!EXPECT(page != NULL))
			break;
		EXPECT(all_zero(page_address(page), PAGE_SIZE << order));
		memset(page_address(page), 0x5a, PAGE_SIZE << order);
		EXPECT_EQ(0, mm_set_hooks(MM_HOOK_INIT_ON_FREE));
		EXPECT_EQ(0, __free_pages(page, order));
		EXPECT(all_zero(page_address(page), PAGE_SIZE << order));
	}
	EXPECT_EQ(0, mm_set_hooks(0));
}

static void tracepoints(void)
{
	static struct mm_trace_entry ring[16], entries[16];
	struct page *page;
	char text[160];

	if (skipped())
		return;
	EXPECT_EQ(0, mm_trace_start(ring, 16));
	page = alloc_pages(GFP_ATOMIC, 3);
	EXPECT_EQ(0, __free_pages(page, 3));
	EXPECT_EQ(2, mm_trace_read(entries, 16));
	EXPECT_TEXT("mm_page_alloc: pfn=0x", mm_trace_text(&entries[0], text, sizeof(text)));
	EXPECT_TEXT("order=3 migratetype=0 gfp_flags=GFP_ATOMIC", text);
	EXPECT_TEXT("mm_page_free: pfn=0x", mm_trace_text(&entries[1], text, sizeof(text)));
	EXPECT_EQ(0, mm_trace_start(NULL, 0));
}

TEST_CASE(policy, watermarks, watermarks);
TEST_CASE(policy, reserves, reserves);
TEST_CASE(policy, lowmem_protection, lowmem_protection);
TEST_CASE(policy, driver_cache_shrinks, driver_cache_shrinks);
TEST_CASE(policy, low_memory, low_memory);
TEST_CASE(policy, order1_in_interrupt, order1_in_interrupt);
TEST_CASE(policy, no_callback_in_interrupt, no_callback_in_interrupt);
TEST_CASE(policy, refusal_changes_nothing, refusal_changes_nothing);
TEST_CASE(policy, report, report);
TEST_CASE(policy, poison, poison);
TEST_CASE(policy, init_on_alloc_and_free, init_on_alloc_and_free);
TEST_CASE(policy, tracepoints, tracepoints);
