// SPDX-License-Identifier: BSD-2-Clause
/*
 * suite_balance.c: an idle CPU brings a zone that fell below its low mark back to its high one, by what a
 * shrinker gives: another CPU if there is one, else this one as it would at the prompt (FEATURES row 47). A CPU
 * that gets other work in the middle of it is relieved.
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
static unsigned int by;	      /* the CPU that called it last */
static bool stays;	      /* atomic: it stays in there */
static bool works;	      /* atomic: the CPU that was relieved has other work */

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
	while (__atomic_load_n(&stays, __ATOMIC_ACQUIRE))
		port_relax();
	n = nr_held - left;
	__atomic_store_n(&nr_held, left, __ATOMIC_RELEASE);
	return n;
}

static unsigned int other_cpus(void)
{
	unsigned int others = 0;

	for (unsigned int n = 1; n < smp_nr_cpus(); n++)
		others += smp_online(n);
	return others;
}

static void work(void *arg)
{
	(void)arg;
	while (__atomic_load_n(&works, __ATOMIC_ACQUIRE))
		port_relax();
}

/* The CPU that is at it gets work. Returns its number. */
static unsigned int relieve(void)
{
	uint64_t start = timer_now();
	unsigned int first;

	do
		first = __atomic_load_n(&by, __ATOMIC_RELAXED);
	while (first == ~0U && timer_since(start) < PATIENCE);
	works = true;
	EXPECT_EQ(0, smp_call(first, work, NULL));
	__atomic_store_n(&stays, false, __ATOMIC_RELEASE);
	return first;
}

/* Until it is done, by whoever does it. */
static void wait(void)
{
	uint64_t start = timer_now();

	while (mm_balance_woken() && timer_since(start) < PATIENCE) {
		if (!other_cpus())
			balance_step();
		port_yield();
	}
	EXPECT(!mm_balance_woken());
}

#define GFP (GFP_KERNEL | GFP_DMA32)

/* All memory of the zone is in use but for a part between its min and low marks. */
static void from_low_to_high(bool relieved)
{
	struct shrinker shrinker = {.count_objects = count_held, .scan_objects = give_held};
	uint64_t managed = managed_pages_of(ZONE_DMA32), mark = HELD;
	uint64_t total = managed + managed_pages_of(ZONE_NORMAL);
	struct mm_migrate_stats before, after;
	struct zone_info info;
	unsigned int first = 0;
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
	EXPECT(!mm_balance_woken());
	by = ~0U;
	stays = relieved;
	balance_hold(false); /* nobody is woken by this */
	page = alloc_page(GFP);
	EXPECT(page != NULL);
	if (relieved)
		first = relieve();
	wait();
	EXPECT(!relieved || by != first);
	if (relieved) {
		__atomic_store_n(&works, false, __ATOMIC_RELEASE);
		smp_wait(first);
	}
	balance_hold(true);
	EXPECT(other_cpus() ? by > 0 : by == 0);
	drain_all_pages();
	mm_zone_info(ZONE_DMA32, &info);
	EXPECT(info.free + 1 >= info.mark.high); /* the page may have been taken last */
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

static void idle_cpu(void)
{
	from_low_to_high(false);
}

static void relieved_cpu(void)
{
	if (other_cpus() < 2)
		test_skip("it takes two other CPUs");
	else
		from_low_to_high(true);
}

TEST_CASE(balance, idle_cpu, idle_cpu);
TEST_CASE(balance, relieved_cpu, relieved_cpu);
