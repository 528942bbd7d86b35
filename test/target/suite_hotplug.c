/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * suite_hotplug.c: CPUs leave the allocator and come back while the others use it. On one CPU the case says so and passes.
 */
#include "ktap.h"

#include <errno.h>

#include <quarry/mm.h>
#include <quarry/port.h>

#include "boot/cpu/smp.h"

#define ROUNDS 50
#define PAGES  64

/* What a CPU found on its way out and back in. */
static struct {
	unsigned int left_cached,
		left_listed; /* away, but blocks in its caches, or caches that others see */
	unsigned int refused, not_refused; /* coming back, and coming back twice */
	unsigned int wrong_calls;	   /* requests or frees that failed */
	unsigned int rounds;
} trip;

static unsigned long cached_here(void)
{
	const struct per_cpu_pages *pcp = port_pcpu()->cache;
	unsigned long blocks = 0;

	for (unsigned int i = 0; i < NR_PAGE_ORDERS * NR_PCP_CLASSES; i++, pcp++)
		blocks += (unsigned long)(pcp->top - pcp->base);
	return blocks;
}

static bool listed(unsigned int cpu)
{
	struct pcp_info info;

	for (unsigned int n = 0; mm_pcp_info(n, &info); n++)
		if (info.cpu == cpu)
			return true;
	return false;
}

static void use(void)
{
	struct page *pages[PAGES];

	for (unsigned int i = 0; i < PAGES; i++)
		pages[i] = alloc_pages(GFP_KERNEL, i % 3);
	for (unsigned int i = 0; i < PAGES; i++)
		trip.wrong_calls += !pages[i] || __free_pages(pages[i], i % 3);
}

static void leave_and_return(void *arg)
{
	unsigned int cpu = port_pcpu()->cpu;

	(void)arg;
	for (unsigned int round = 0; round < ROUNDS; round++) {
		use();
		mm_cpu_offline();
		trip.left_listed += listed(cpu);
		use();
		trip.left_cached += cached_here() != 0;
		trip.refused += setup_per_cpu_pageset(port_pcpu(), cpu) != 0;
		trip.not_refused +=
			listed(cpu) && setup_per_cpu_pageset(port_pcpu(), cpu) != -EEXIST;
		trip.rounds++;
	}
}

static void leave(void)
{
	unsigned int others = 0;

	EXPECT(smp_online(0));
	for (unsigned int cpu = 1; cpu < smp_nr_cpus(); cpu++) {
		bool had_caches = listed(cpu);

		if (!smp_online(cpu))
			continue;
		others++;
		trip.rounds = 0;
		EXPECT_EQ(0, smp_call(cpu, leave_and_return, NULL));
		use();
		drain_all_pages(); /* asks the CPU while it is there, and does not wait for it while not */
		smp_wait(cpu);
		EXPECT_EQ(ROUNDS, trip.rounds);
		EXPECT_EQ(0, trip.left_listed);
		EXPECT_EQ(0, trip.left_cached);
		EXPECT_EQ(0, trip.refused);
		EXPECT_EQ(0, trip.not_refused);
		EXPECT_EQ(0, trip.wrong_calls);
		EXPECT_EQ(had_caches, listed(cpu));
	}
	if (!others)
		test_note("one CPU: nothing to test");
	EXPECT_EQ(0, mm_check());
}

TEST_CASE(hotplug, leave, leave);
