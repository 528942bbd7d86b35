/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * campaign_states.c: states of the pool in which requests are likely to fail, and where.
 */
#include "campaign.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include <quarry/memblock.h>

#include "machine.h"
#include "mm/buddy/buddy.h"
#include "test/host/port_host.h"

#define MANY 16384
static struct page *taken[MANY];
struct mm_pcpu second_cpu;

static void fill(gfp_t gfp, unsigned int order, unsigned int *count)
{
	struct page *page;

	*count = 0;
	while (*count < MANY && (page = alloc_pages(gfp | __GFP_NOWARN, order)))
		taken[(*count)++] = page;
}

static void state_fresh(void)
{
}

/* A few blocks of every order and type have been used, so the caches hold some. */
static void state_warm(void)
{
	static const gfp_t kinds[] = {GFP_KERNEL, GFP_KERNEL | __GFP_MOVABLE,
				      GFP_KERNEL | __GFP_RECLAIMABLE};

	for (unsigned int k = 0; k < 3; k++)
		for (unsigned int order = 0; order <= 4; order++) {
			struct page *page[2];

			for (unsigned int i = 0; i < 2; i++)
				page[i] = alloc_pages(kinds[k], order);
			for (unsigned int i = 0; i < 2; i++)
				if (page[i])
					assert_int_equal(0, __free_pages(page[i], order));
		}
}

static void state_empty(void)
{
	unsigned int count;

	for (int order = MAX_PAGE_ORDER; order >= 0; order--)
		fill(GFP_KERNEL, (unsigned int)order, &count);
}

/* Every second frame is free, and most of that in the buddy: no order above 0 can be had. */
static void state_every_second(void)
{
	unsigned int count;

	fill(GFP_KERNEL, 0, &count);
	for (unsigned int i = 0; i < count; i++)
		if (page_to_pfn(taken[i]) & 1)
			assert_int_equal(0, __free_page(taken[i]));
}

/* All that is free lies in caches, in pairs that would merge. */
static void state_all_cached(void)
{
	unsigned int count, given = 0;

	fill(GFP_KERNEL | __GFP_MOVABLE, 0, &count);
	for (unsigned int i = 0; i < count && given < 8; i++, given++)
		assert_int_equal(0, __free_page(taken[i]));
}

/* Blocks of order 2 in a cache and nothing else: they lie in a HIGHATOMIC pageblock. */
static void state_cached_highatomic(void)
{
	struct page *atomic[2];
	unsigned int count;

	for (unsigned int i = 0; i < 2; i++) {
		atomic[i] = highatomic_block(0, 2);
		assert_non_null(atomic[i]);
	}
	state_empty();
	/* the rest of the reserve too */
	for (int order = 3; order >= 0; order--)
		fill(order ? GFP_ATOMIC : GFP_KERNEL | __GFP_MEMALLOC, (unsigned int)order, &count);
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(0, __free_pages(atomic[i], 2));
}

/* Pageblocks of all types, each with holes of several sizes; a HIGHATOMIC reserve. */
void state_mixed(void)
{
	static const gfp_t kinds[] = {GFP_KERNEL, GFP_KERNEL | __GFP_MOVABLE,
				      GFP_KERNEL | __GFP_RECLAIMABLE, GFP_ATOMIC};
	uint64_t seed = 7;
	unsigned int count = 0;
	struct page *page;
	static unsigned char orders[MANY];

	for (unsigned int i = 0; i < 2; i++) {
		page = highatomic_block(0, 1); /* the first cuts a pageblock, the second keeps it */
		assert_non_null(page);
		assert_int_equal(0, __free_pages(page, 1));
	}
	while (count < MANY) {
		unsigned int order = (unsigned int)(host_random(&seed) % 6);

		page = alloc_pages(kinds[host_random(&seed) % 4] | __GFP_NOWARN, order);
		if (!page)
			break;
		orders[count] = (unsigned char)order;
		taken[count++] = page;
	}
	for (unsigned int i = 0; i < count; i++)
		if (host_random(&seed) % 3 == 0)
			assert_int_equal(0, __free_pages(taken[i], orders[i]));
}

/* The reserve alone is left: requests stop at the min mark. */
static void state_watermarks(void)
{
	unsigned int count;

	assert_int_equal(0, mm_set_min_free_kbytes(2048));
	assert_int_equal(0, mm_set_lowmem_reserve_ratio(ZONE_DMA32, 16));
	for (int order = 4; order >= 0; order--)
		fill(GFP_KERNEL, (unsigned int)order, &count);
}

/* Above low, below high, nothing of it large. */
static void state_low(void)
{
	state_mixed();
	assert_int_equal(0, mm_set_min_free_kbytes(1024));
}

static void kick(unsigned int cpu)
{
	struct mm_pcpu *self = port_pcpu();

	port_set_pcpu(mm.pcpu[cpu]);
	mm_ipi();
	port_set_pcpu(self);
}

void start_other_cpu(void)
{
	struct mm_pcpu *self = port_pcpu();

	boot_pageset_init(&second_cpu, 1);
	port_set_pcpu(&second_cpu);
	assert_int_equal(0, setup_per_cpu_pageset(&second_cpu, 1));
	port_set_pcpu(self);
	port_host_kick = kick;
}

/*
 * CPU 1's caches hold pages that would merge, some with pages in this CPU's; no page is in the
 * buddy.
 */
static void state_remote(void)
{
	unsigned int count, mine = 0, theirs = 0;
	struct mm_pcpu *self = port_pcpu();

	start_other_cpu();
	fill(GFP_KERNEL, 0, &count);
	for (unsigned int i = 0; i < count && mine + theirs < 24; i++) {
		pfn_t pair = page_to_pfn(taken[i]) & ~(pfn_t)3;
		bool here = pair % 8 == 0 && page_to_pfn(taken[i]) % 4 == 1;

		port_set_pcpu(here ? self : &second_cpu);
		assert_int_equal(0, __free_page(taken[i]));
		port_set_pcpu(self);
		mine += here;
		theirs += !here;
	}
}

/* Halves of pairs: CPU 1 has one, this CPU the other, below more pages than a request looks at. */
static void state_remote_deep(void)
{
	struct mm_pcpu *self = port_pcpu();
	unsigned int count, pairs = 0, i;

	start_other_cpu();
	fill(GFP_KERNEL, 0, &count);
	for (i = 0; i + 1 < count && pairs < 2; i++) {
		if (page_to_pfn(taken[i]) % 2 || taken[i + 1] != taken[i] + 1)
			continue;
		assert_int_equal(0, __free_page(taken[i++]));
		port_set_pcpu(&second_cpu);
		assert_int_equal(0, __free_page(taken[i]));
		port_set_pcpu(self);
		pairs++;
	}
	for (unsigned int lone = 0; i < count && lone < 14; i++) {
		if (page_to_pfn(taken[i]) % 4)
			continue;
		assert_int_equal(0, __free_page(taken[i]));
		lone++;
	}
}

/*
 * The pages in CPU 1's caches count as free, but no few of them lift the zone above its min mark.
 */
static void state_remote_watermark(void)
{
	struct mm_pcpu *self = port_pcpu();
	unsigned int count;

	start_other_cpu();
	fill(GFP_KERNEL, 0, &count);
	port_set_pcpu(&second_cpu);
	for (unsigned int i = 0; i < 8; i++)
		assert_int_equal(0, __free_page(taken[i]));
	port_set_pcpu(self);
	assert_int_equal(0, mm_set_min_free_kbytes(4 * 4));
}

const struct campaign_state states[] = {
	{.name = "fresh", .make = state_fresh},
	{.name = "warm caches", .make = state_warm},
	{.name = "empty", .make = state_empty},
	{.name = "every second page", .make = state_every_second},
	{.name = "all in caches", .make = state_all_cached},
	{.name = "cached HIGHATOMIC", .make = state_cached_highatomic, .grouped = true},
	{.name = "mixed", .make = state_mixed},
	{.name = "at the min mark", .make = state_watermarks},
	{.name = "below low", .make = state_low},
	{.name = "in another CPU's caches", .make = state_remote, .other_cpu = true},
	{.name = "in two CPUs' caches", .make = state_remote_deep, .other_cpu = true},
	{.name = "in another CPU's caches, few", .make = state_remote_watermark, .other_cpu = true},
};
const size_t nr_states = sizeof(states) / sizeof(states[0]);
