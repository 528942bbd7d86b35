// SPDX-License-Identifier: BSD-2-Clause
/*
 * suite_smp.c: all CPUs on the allocator: at once, freeing each other's pages, asked for what lies in their caches, in
 * interrupts. On one CPU the cases say so and pass.
 */
#include "ktap.h"
#include "pool.h"

#include <errno.h>
#include <string.h>

#include <quarry/port.h>

#include "boot/boot.h"
#include "boot/cpu/smp.h"
#include "drivers/timer/timer.h"
#include "test/target/stress.h"

#define PAGES	 256   /* a CPU's share in a case, at most */
#define STORM_MS 10000 /* enough of a case on a slow machine */

static struct {
	struct page *page[PAGES];
	unsigned int count;
	uint64_t wrong;
	bool ready, release; /* atomic: between a CPU that holds something and CPU 0 */
	uint64_t interrupts;
} share[CONFIG_NR_CPUS];

static unsigned int nr_online(void)
{
	unsigned int online = 0;

	for (unsigned int cpu = 0; cpu < smp_nr_cpus(); cpu++)
		online += smp_online(cpu);
	return online;
}

/* False, and the case has asserted something, on a machine with one CPU. */
static bool have_others(void)
{
	EXPECT(smp_online(0));
	if (nr_online() > 1)
		return true;
	test_note("one CPU: nothing to test");
	return false;
}

static bool have_caches(void)
{
	if (!cached_gfp())
		test_skip(NO_CACHES);
	return cached_gfp() != 0;
}

#define for_each_other(cpu)                                    \
	for (unsigned int cpu = 1; cpu < smp_nr_cpus(); cpu++) \
		if (smp_online(cpu))

static void on_all_others(void (*fn)(void *arg))
{
	for_each_other(cpu) EXPECT_EQ(0, smp_call(cpu, fn, &share[cpu]));
	for_each_other(cpu) smp_wait(cpu);
}

static uint64_t cached(unsigned int cpu)
{
	struct pcp_info info;
	uint64_t pages = 0;

	for (unsigned int n = 0; mm_pcp_info(n, &info); n++)
		if (info.cpu == cpu)
			pages += (uint64_t)info.count << info.order;
	return pages;
}

static unsigned int share_pages; /* of each CPU: half of what is free, between all, at most */

static void clear(void)
{
	uint64_t most;

	drain_all_pages();
	most = free_pages_now() / 2 / smp_nr_cpus();
	memset(share, 0, sizeof(share));
	share_pages = most < PAGES ? (unsigned int)most : PAGES;
}

/* ---- calls ----------------------------------------------------------------------------------- */

static void note_cpu(void *arg)
{
	unsigned int cpu = port_pcpu()->cpu;

	share[cpu].count += this_cpu()->number == cpu && arg == &share[cpu] &&
			    smp_hart(cpu) == this_cpu()->hart;
}

static void calls(void)
{
	clear();
	EXPECT_EQ(-EINVAL, smp_call(0, note_cpu, NULL));
	EXPECT_EQ(-ENXIO, smp_call(smp_nr_cpus(), note_cpu, NULL));
	if (!have_others())
		return;
	for (int i = 0; i < 100; i++)
		on_all_others(note_cpu);
	for_each_other(cpu) EXPECT_EQ(100, share[cpu].count);
}

/* ---- at once --------------------------------------------------------------------------------- */

static void take_share(void *arg)
{
	unsigned int cpu = port_pcpu()->cpu;

	(void)arg;
	while (share[cpu].count < share_pages) {
		struct page *page = alloc_page(GFP_KERNEL);

		if (!page)
			break;
		*(uint64_t *)page_address(page) = (uint64_t)cpu << 32 | share[cpu].count;
		share[cpu].page[share[cpu].count++] = page;
	}
}

static void give_share_of(unsigned int cpu)
{
	for (unsigned int i = 0; i < share[cpu].count; i++) {
		struct page *page = share[cpu].page[i];

		share[cpu].wrong += *(uint64_t *)page_address(page) != ((uint64_t)cpu << 32 | i);
		share[cpu].wrong += __free_page(page) != 0;
	}
}

static void give_share(void *arg)
{
	(void)arg;
	give_share_of(port_pcpu()->cpu);
}

/* Everyone takes at once; no page twice, none lost. */
static void concurrent(void)
{
	clear();
	for_each_other(cpu) EXPECT_EQ(0, smp_call(cpu, take_share, NULL));
	take_share(NULL);
	for_each_other(cpu) smp_wait(cpu);
	for (unsigned int cpu = 0; cpu < smp_nr_cpus(); cpu++)
		EXPECT_EQ(smp_online(cpu) ? share_pages : 0, share[cpu].count);
	for_each_other(cpu) EXPECT_EQ(0, smp_call(cpu, give_share, NULL));
	give_share(NULL);
	for_each_other(cpu) smp_wait(cpu);
	for (unsigned int cpu = 0; cpu < smp_nr_cpus(); cpu++)
		EXPECT_EQ(0, share[cpu].wrong);
}

/* ---- pages of another ------------------------------------------------------------------------ */

static unsigned int neighbour(unsigned int cpu)
{
	do
		cpu = (cpu + 1) % smp_nr_cpus();
	while (!smp_online(cpu));
	return cpu;
}

static void give_neighbours(void *arg)
{
	(void)arg;
	give_share_of(neighbour(port_pcpu()->cpu));
}

static void cross_free(void)
{
	clear();
	if (!have_others())
		return;
	for (int round = 0; round < 20; round++) {
		for (unsigned int cpu = 0; cpu < smp_nr_cpus(); cpu++)
			share[cpu].count = 0;
		for_each_other(cpu) EXPECT_EQ(0, smp_call(cpu, take_share, NULL));
		take_share(NULL);
		for_each_other(cpu) smp_wait(cpu);
		for_each_other(cpu) EXPECT_EQ(0, smp_call(cpu, give_neighbours, NULL));
		give_neighbours(NULL);
		for_each_other(cpu) smp_wait(cpu);
	}
	for (unsigned int cpu = 0; cpu < smp_nr_cpus(); cpu++)
		EXPECT_EQ(0, share[cpu].wrong);
}

/* ---- what lies in another's cache ------------------------------------------------------------ */

static bool flag(const bool *what)
{
	return __atomic_load_n(what, __ATOMIC_ACQUIRE);
}

static void raise(bool *what)
{
	__atomic_store_n(what, true, __ATOMIC_RELEASE);
}

/* Put the pages into this CPU's cache, and go on running, interrupts enabled, until released. */
static void hold_in_cache(void *arg)
{
	unsigned int cpu = port_pcpu()->cpu;

	(void)arg;
	for (unsigned int i = 0; i < share[cpu].count; i++)
		share[cpu].wrong += __free_page(share[cpu].page[i]) != 0;
	raise(&share[cpu].ready);
	port_kick(0);
	while (!flag(&share[cpu].release)) {
		unsigned long flags = port_irq_save();

		if (!flag(&share[cpu].release))
			cpu_wait();
		port_irq_restore(flags);
	}
}

static void wait_ready(unsigned int cpu)
{
	while (!flag(&share[cpu].ready)) {
		unsigned long flags = port_irq_save();

		if (!flag(&share[cpu].ready))
			cpu_wait();
		port_irq_restore(flags);
	}
}

static void release(unsigned int cpu)
{
	raise(&share[cpu].release);
	port_kick(cpu);
	smp_wait(cpu);
}

/* The only free block of that order lies, page by page, in other CPUs' caches: the request gets it. */
static void remote_drain(void)
{
	enum {
		ORDER = 3,
		BLOCK = 1 << ORDER
	};
	unsigned int holders[BLOCK], nr = 0;
	struct page **slot[BLOCK], *block;
	struct pool pool;
	uint64_t held = 0;

	clear();
	if (!have_others() || !have_caches() || !pool_begin(&pool))
		return;
	for_each_other(cpu) if (nr < 2) holders[nr++] = cpu;
	pool_fill(&pool);
	if (EXPECT(pool_find_block(&pool, ORDER, slot))) {
		pfn_t pfn = page_to_pfn(*slot[0]);

		EXPECT(alloc_pages(GFP_KERNEL | __GFP_NOWARN, ORDER) == NULL);
		for (unsigned int i = 0; i < BLOCK; i++) {
			unsigned int cpu = holders[i % nr];

			share[cpu].page[share[cpu].count++] = *slot[i];
			*slot[i] = NULL;
		}
		for (unsigned int i = 0; i < nr; i++) {
			EXPECT_EQ(0, smp_call(holders[i], hold_in_cache, NULL));
			wait_ready(holders[i]);
			held += cached(holders[i]);
		}
		EXPECT_EQ(BLOCK, held);
		EXPECT_EQ(0, free_pages_now());
		/* one that may not wait does not ask others */
		EXPECT(alloc_pages(GFP_ATOMIC | __GFP_NOWARN, ORDER) == NULL);
		block = alloc_pages(GFP_KERNEL | __GFP_NOWARN, ORDER);
		if (EXPECT(block != NULL)) {
			EXPECT_EQ(pfn, page_to_pfn(block));
			EXPECT_EQ(0, __free_pages(block, ORDER));
		}
		for (unsigned int i = 0; i < nr; i++) {
			EXPECT_EQ(0, cached(holders[i]));
			EXPECT_EQ(0, share[holders[i]].wrong);
			release(holders[i]);
		}
	}
	pool_empty(&pool);
	pool_end(&pool);
}

/* A single page, in a cache of a CPU that is in no hurry. */
static void remote_page(void)
{
	struct page *page;
	struct pool pool;

	clear();
	if (!have_others() || !have_caches() || !pool_begin(&pool))
		return;
	for_each_other(cpu)
	{
		unsigned long i;

		pool_fill(&pool);
		for (i = 0; i < pool.count && !pool_cacheable(&pool, i); i++)
			;
		if (!EXPECT(i < pool.count))
			break;
		share[cpu].count = 1;
		share[cpu].page[0] = *pool_slot(&pool, i);
		*pool_slot(&pool, i) = NULL;
		EXPECT_EQ(0, smp_call(cpu, hold_in_cache, NULL));
		wait_ready(cpu);
		EXPECT_EQ(1, cached(cpu));
		page = alloc_page(GFP_KERNEL | __GFP_NOWARN);
		if (EXPECT(page != NULL))
			EXPECT_EQ(0, __free_page(page));
		release(cpu);
		pool_empty(&pool);
		drain_all_pages();
		break;
	}
	pool_end(&pool);
}

/* ---- idle ------------------------------------------------------------------------------------ */

static void idle_caches(void)
{
	clear();
	on_all_others(take_share);
	on_all_others(give_share);
	for_each_other(cpu)
	{
		EXPECT_EQ(0, cached(cpu));
		EXPECT_EQ(0, share[cpu].wrong);
	}
	EXPECT(smp_online(0));
}

/* ---- interrupts ------------------------------------------------------------------------------ */

static struct stress stress;
static struct stress_worker *workers;

static void in_interrupt(void)
{
	unsigned int cpu = port_pcpu()->cpu;

	share[cpu].interrupts++;
	if (!port_pcpu()->irq_depth)
		share[cpu].wrong++;
	if (cpu < stress.nr_workers)
		stress_irq(&workers[cpu]);
}

/* Milliseconds of a storm, and between kicks: one of 63 CPUs costs an emulator more than one. */
static unsigned int ticks, period;

static void kick_all(void *arg)
{
	(void)arg;
	ticks += period;
	if (ticks >= STORM_MS)
		stress_stop(&stress);
	for_each_other(cpu) port_kick(cpu);
}

static void run_worker(void *arg)
{
	(void)arg;
	stress_run(&workers[port_pcpu()->cpu]);
}

/* The stress command's engine, a short run: threads and interrupts of all CPUs. */
static void storm(unsigned int max_order, uint64_t operations)
{
	unsigned int nr = smp_nr_cpus();
	struct stress_sums sums;

	clear();
	ticks = 0;
	period = 1 + nr / 8;
	workers = alloc_pages_exact(nr * sizeof(*workers), GFP_KERNEL | __GFP_ZERO);
	if (!EXPECT(workers != NULL))
		return;
	stress = (struct stress){
		.max_order = max_order, .seed = PRNG_SEED, .operations = operations};
	stress_init(&stress, workers, nr);
	irq_set_hook(in_interrupt);
	for_each_other(cpu) EXPECT_EQ(0, smp_call(cpu, run_worker, NULL));
	timer_set(period * NSEC_PER_MSEC, true, kick_all, NULL);
	stress_run(&workers[0]);
	for_each_other(cpu) smp_wait(cpu);
	timer_set(0, false, NULL, NULL);
	irq_set_hook(NULL);
	stress_end(&stress);
	stress_sum(&stress, &sums);
	EXPECT_EQ(0, sums.mismatches);
	if (ticks < STORM_MS) /* emulated CPUs may have to wait long for a host's */
		EXPECT_LE(sums.operations, operations);
	for (unsigned int cpu = 0; cpu < nr; cpu++) {
		if (!smp_online(cpu))
			continue;
		EXPECT_EQ(0, share[cpu].wrong);
		EXPECT(share[cpu].interrupts > 0 || !timer_hz());
		EXPECT(workers[cpu].operations > 0);
	}
	test_note("%llu operations, %llu in interrupts, %llu exchanged, %llu refused",
		  (unsigned long long)sums.operations, (unsigned long long)sums.irq_operations,
		  (unsigned long long)sums.exchanged, (unsigned long long)sums.failures);
	free_pages_exact(workers, nr * sizeof(*workers));
	stress.nr_workers = 0;
}

static void interrupts(void)
{
	storm(0, 100000);
}

static void orders(void)
{
	storm(MAX_PAGE_ORDER, 100000);
}

TEST_CASE(smp, calls, calls);
TEST_CASE(smp, concurrent, concurrent);
TEST_CASE(smp, cross_free, cross_free);
TEST_CASE(smp, remote_drain, remote_drain);
TEST_CASE(smp, remote_page, remote_page);
TEST_CASE(smp, idle_caches, idle_caches);
TEST_CASE(smp, interrupts, interrupts);
TEST_CASE(smp, orders, orders);
