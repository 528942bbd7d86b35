// SPDX-License-Identifier: BSD-2-Clause
/*
 * suite_balance.c: an idle CPU brings a zone that fell below its low mark back to its high one, by what a
 * shrinker gives: another CPU if there is one, else this one as it would at the prompt (FEATURES row 47).
 */
#include "ktap.h"
#include "pool.h"

#include "boot/cpu/balance.h"
#include "boot/cpu/smp.h"
#include "drivers/timer/timer.h"

#define HELD	 2048
#define PATIENCE (20 * NSEC_PER_SEC)

static struct page *held[HELD];
static unsigned long nr_held; /* atomic: the shrinker runs on another CPU */
static unsigned int by;	      /* CPUs that called it, by number, the last on top */

static unsigned long count_held(struct shrinker *shrinker, struct shrink_control *control)
{
	(void)shrinker;
	(void)control;
	return __atomic_load_n(&nr_held, __ATOMIC_ACQUIRE);
}

static unsigned long give_held(struct shrinker *shrinker, struct shrink_control *control)
{
	unsigned long n = nr_held, left = n < control->nr_to_scan ? 0 : n - control->nr_to_scan;

	(void)shrinker;
	while (n > left)
		__free_page(held[--n]);
	__atomic_store_n(&by, port_pcpu()->cpu, __ATOMIC_RELAXED);
	n = nr_held - left;
	__atomic_store_n(&nr_held, left, __ATOMIC_RELEASE);
	return n;
}

static bool other_cpu(void)
{
	for (unsigned int n = 1; n < smp_nr_cpus(); n++)
		if (smp_online(n))
			return true;
	return false;
}

/* Until it is done, by whoever does it. */
static void wait(void)
{
	uint64_t start = timer_now();

	while (mm_balance_woken() && timer_since(start) < PATIENCE) {
		if (!other_cpu())
			balance_step();
		port_yield();
	}
	EXPECT(!mm_balance_woken());
}

#define GFP (GFP_KERNEL | GFP_DMA32)

/* All memory of the zone is in use but for a part between its min and low marks. */
static void idle_cpu(void)
{
	struct shrinker shrinker = {.count_objects = count_held, .scan_objects = give_held};
	uint64_t managed = managed_pages_of(ZONE_DMA32), mark = HELD;
	uint64_t total = managed + managed_pages_of(ZONE_NORMAL);
	struct mm_migrate_stats before, after;
	struct zone_info info;
	struct grab *all;
	struct page *page;

	mm_zone_info(ZONE_DMA32, &info);
	if (info.free < 8 * HELD) {
		test_skip("too little memory");
		return;
	}
	while (mm_balance_woken()) /* by cases before this one */
		mm_balance();
	for (nr_held = 0; nr_held < HELD; nr_held++)
		if (!EXPECT((held[nr_held] = alloc_page(GFP)) != NULL))
			return;
	/* with so much below min the rest is taken; then it is there, and min is where it was */
	EXPECT_EQ(0, mm_set_min_free_kbytes((mark + mark / 8) * 4 * total / managed));
	grab_all(&all, GFP | __GFP_NOMEMALLOC);
	EXPECT_EQ(0, mm_set_min_free_kbytes(0));
	while (mm_balance_woken())
		mm_balance();
	EXPECT_EQ(0, mm_set_min_free_kbytes(mark * 4 * total / managed));
	drain_all_pages();
	EXPECT_EQ(0, register_shrinker(&shrinker));
	mm_migrate_stats(&before);
	mm_zone_info(ZONE_DMA32, &info);
	EXPECT(info.free < info.mark.low && info.free > info.mark.min);
	page = alloc_page(GFP);
	EXPECT(page != NULL);
	EXPECT(mm_balance_woken());
	by = ~0U;
	balance_hold(false);
	wait();
	balance_hold(true);
	EXPECT(other_cpu() ? by > 0 : by == 0);
	drain_all_pages();
	mm_zone_info(ZONE_DMA32, &info);
	EXPECT(info.free >= info.mark.high);
	EXPECT(nr_held > 0 && nr_held < HELD);
	mm_migrate_stats(&after);
	EXPECT_EQ(before.balance_run + 1, after.balance_run);
	EXPECT_EQ(HELD - nr_held, after.balance_freed - before.balance_freed);
	test_note("%lu of %u pages given back by CPU %u", HELD - nr_held, HELD, by);
	mm_set_min_free_kbytes(0);
	EXPECT_EQ(0, unregister_shrinker(&shrinker));
	__free_page(page);
	while (nr_held)
		__free_page(held[--nr_held]);
	grab_release(all);
}

TEST_CASE(balance, idle_cpu, idle_cpu);
