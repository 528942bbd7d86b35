/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_buddy.c: zones and buddy on made-up machines, against a naive map of frames: after every
 * phase the free blocks are the ones a perfect buddy system would hold, and a request fails only
 * when the map has no such block.
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
#include "test/host/port_host.h"

#define MAX_LIVE 4096

struct live {
	struct page *page;
	pfn_t pfn;
	unsigned int order;
};

static struct live live[MAX_LIVE];
static unsigned int nr_live;

static void take(gfp_t gfp, unsigned int order)
{
	struct page *page = alloc_pages(gfp | __GFP_NOWARN, order);

	if (!page) {
		uint64_t hash = mm_state_hash();

		/* others look at some of what lies in caches, not all */
		if (gfp & __GFP_RETRY_MAYFAIL)
			assert_false(oracle_has(gfp, order));
		assert_null(alloc_pages(gfp | __GFP_NOWARN, order));
		assert_int_equal(hash, mm_state_hash());
		return;
	}
	oracle_take(page, order);
	if (gfp & __GFP_DMA32)
		assert_true(page_to_pfn(page) < machine.boundary);
	live[nr_live++] = (struct live){page, page_to_pfn(page), order};
}

static void give(unsigned int i)
{
	struct live block = live[i];

	assert_ptr_equal(block.page, pfn_to_page(block.pfn));
	assert_int_equal(1, page_count(block.page));
	oracle_give(block.pfn, block.order);
	assert_int_equal(0, __free_pages(block.page, block.order));
	live[i] = live[--nr_live];
}

static gfp_t random_gfp(uint64_t r)
{
	static const gfp_t mobility[] = {0, 0, __GFP_MOVABLE, __GFP_RECLAIMABLE};
	gfp_t gfp = (r & 8 ? GFP_KERNEL | __GFP_RETRY_MAYFAIL : GFP_ATOMIC) | mobility[r % 4];

	if ((r >> 4) % 4 == 0)
		gfp |= __GFP_DMA32;
	if ((r >> 6) % 8 == 0)
		gfp |= __GFP_THISNODE;
	if ((r >> 9) % 16 == 0)
		gfp |= __GFP_ZERO;
	if ((r >> 13) % 4 == 0)
		gfp |= __GFP_COMP;
	return gfp;
}

static unsigned int random_order(uint64_t r)
{
	static const unsigned char orders[] = {0, 0, 0, 0, 0, 0, 1, 1, 2, 3, 4, 5, 7, 9, 10, 10};

	return orders[r % sizeof(orders)] < MAX_PAGE_ORDER ? orders[r % sizeof(orders)]
							   : MAX_PAGE_ORDER;
}

/* Tides: memory fills and empties in turn, so that every state between is met. */
static void churn(uint64_t seed, unsigned int steps)
{
	nr_live = 0;
	for (unsigned int step = 0; step < steps; step++) {
		bool fill = (step / (steps / 8 + 1)) % 2 == 0;
		uint64_t r = host_random(&seed);

		if (nr_live < MAX_LIVE && (nr_live == 0 || r % 10 < (fill ? 7 : 3)))
			take(random_gfp(r >> 8), random_order(r >> 32));
		else
			give((unsigned int)((r >> 16) % nr_live));
		if (step % 997 == 0)
			assert_int_equal(0, mm_check());
		if (step % 4999 == 4998)
			expect_oracle_picture();
	}
	expect_oracle_picture();
	while (nr_live > 0)
		give((unsigned int)(host_random(&seed) % nr_live));
	expect_oracle_picture();
}

static void random_calls(void **state)
{
	machine_start(*state);
	churn(1, 10000);
	machine_stop();
}

static void random_calls_on_random_layouts(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 12; seed++) {
		struct layout layout;

		random_layout(&layout, seed);
		machine_start(&layout);
		churn(seed, 3000);
		machine_stop();
	}
}

/* Everything, page by page; then free in the four ways of BENCHMARKS' workload B6 and its like. */
static void everything(void **state)
{
	for (int way = 0; way < 4; way++) {
		static struct page *pages[40000];
		unsigned long count = 0;
		struct page *page;
		uint64_t seed = 7;

		machine_start(*state);
		while ((page = alloc_page(GFP_KERNEL | __GFP_NOWARN)) != NULL) {
			oracle_take(page, 0);
			pages[count++] = page;
		}
		assert_false(oracle_has(GFP_KERNEL, 0));
		assert_int_equal(0, mm_check());
		for (unsigned long i = count; way == 2 && i > 1; i--) {
			unsigned long j = host_random(&seed) % i;

			page = pages[i - 1];
			pages[i - 1] = pages[j];
			pages[j] = page;
		}
		for (unsigned long i = 0; way == 3 && i < count; i++) {
			if (!(page_to_pfn(pages[i]) & 1))
				continue;
			oracle_give(page_to_pfn(pages[i]), 0);
			assert_int_equal(0, __free_page(pages[i]));
			pages[i--] = pages[--count];
		}
		if (way == 3)
			expect_oracle_picture();
		for (unsigned long i = 0; i < count; i++) {
			page = pages[way == 1 ? count - 1 - i : i];
			oracle_give(page_to_pfn(page), 0);
			assert_int_equal(0, __free_page(page));
		}
		expect_oracle_picture();
		machine_stop();
	}
}

/* All blocks of one order there are, down to the last; then the next lower order gets the rest. */
static void every_order(void **state)
{
	machine_start(*state);
	nr_live = 0;
	for (unsigned int order = 0; order < NR_PAGE_ORDERS; order++) {
		for (int k = (int)order; k >= 0; k--) {
			unsigned int before;

			do {
				before = nr_live;
				if (nr_live < MAX_LIVE)
					take(GFP_KERNEL, (unsigned int)k);
			} while (nr_live > before);
		}
		assert_int_equal(0, mm_check());
		while (nr_live > 0)
			give(nr_live - 1);
		expect_oracle_picture();
	}
	machine_stop();
}

/* 64 GiB: the same figures as memblock, and few instructions' worth of memory touched. */
static void large(void **state)
{
	const phys_addr_t base = 0x80000000;
	const phys_addr_t size = (phys_addr_t)64 << 30;
	struct mm_config config = {.boot_pcpu = &machine_pcpu};
	uint64_t blocks[NR_PAGE_ORDERS];
	struct mm_layout layout;
	struct page *page[64];

	(void)state;
	if (MAX_PAGE_ORDER != 10 || pageblock_order != 9)
		skip(); /* the bytes of a page; the caches' slots for so much memory are a block of order 10 */
	memblock_init();
	assert_non_null(host_ram_map(base, size));
	assert_int_equal(0, memblock_add(base, size));
	assert_int_equal(0, memblock_reserve(base, 2 << 20));
	port_set_pcpu(&machine_pcpu);
	assert_int_equal(0, mm_init(&config));
	assert_int_equal((size - memblock_reserved_size()) >> PAGE_SHIFT, memblock_free_all());
	assert_int_equal(0, setup_per_cpu_pageset(&machine_pcpu, 0));
	mm_get_layout(&layout);
	assert_int_equal(size >> PAGE_SHIFT, layout.present_pages);
	/* A page: 8 bytes its descriptor, 0.14 the map, 0.03 each pageblock heads and trust map. */
	assert_true(layout.memmap_bytes * 100 <= layout.present_pages * 821);
	assert_true((layout.memmap_bytes + layout.pcp_bytes) * 100 <= layout.present_pages * 835);
	assert_int_equal(0, mm_check());
	for (unsigned int i = 0; i < 64; i++) {
		page[i] = alloc_pages(i % 2 ? GFP_KERNEL : GFP_DMA32, i % NR_PAGE_ORDERS);
		assert_non_null(page[i]);
	}
	for (unsigned int i = 0; i < 64; i++)
		assert_int_equal(0, __free_pages(page[i], i % NR_PAGE_ORDERS));
	assert_int_equal(0, mm_check());
	mm_buddyinfo(ZONE_NORMAL, blocks);
	assert_true(blocks[MAX_PAGE_ORDER] << MAX_PAGE_ORDER > 15000UL << 10);
	host_ram_unmap();
}

/* Too little for the metadata, or nothing at all: an error, and memblock as it was. */
static void too_small(void **state)
{
	struct mm_config config = {.boot_pcpu = &machine_pcpu};

	(void)state;
	memblock_init();
	assert_int_equal(-EINVAL, mm_init(&config));
	assert_int_equal(0, memblock_add(0x80000800, PAGE_SIZE));
	assert_int_equal(-EINVAL, mm_init(&config));
	if (MAX_PAGE_ORDER < 10)
		skip(); /* two pages are enough for a small section's metadata */
	memblock_init();
	assert_non_null(host_ram_map(0x80000000, 2 * PAGE_SIZE));
	assert_int_equal(0, memblock_add(0x80000000, 2 * PAGE_SIZE));
	assert_int_equal(-ENOMEM, mm_init(&config));
	assert_int_equal(0, memblock.reserved.cnt);
	host_ram_unmap();
}

/*
 * A boot reservation given back at run time: managed grows by it, and it merges with its
 * surroundings.
 */
static void free_late(void **state)
{
	struct layout layout = layouts[0];
	uint64_t hash;
	uint64_t managed;
	struct zone_info info;

	(void)state;
	layout.reserved[1] = (struct range){0x82345000, 77 * PAGE_SIZE};
	layout.reserved[2] = (struct range){0x82800000, 4 << 20};
	machine_start(&layout);
	mm_zone_info(ZONE_DMA32, &info);
	managed = info.managed;
	for (int i = 1; i <= 2; i++) {
		const struct range *range = &layout.reserved[i];

		assert_int_equal(0, memblock_free_late(range->base, range->size));
		for (pfn_t pfn = PFN_DOWN(range->base); pfn < PFN_DOWN(range->base + range->size);
		     pfn++) {
			assert_int_equal(FRAME_RESERVED, machine.frame[pfn - machine.first]);
			machine.frame[pfn - machine.first] = FRAME_FREE;
		}
		managed += range->size / PAGE_SIZE;
		mm_zone_info(ZONE_DMA32, &info);
		assert_int_equal(managed, info.managed);
		expect_oracle_picture();

		/* once is enough */
		hash = mm_state_hash();
		assert_int_not_equal(0, memblock_free_late(range->base, range->size));
		assert_int_equal(hash, mm_state_hash());
	}
	hash = mm_state_hash();
	assert_int_not_equal(0, memblock_free_late(0x90000000, PAGE_SIZE));
	assert_int_equal(hash, mm_state_hash());
	for (int zone = 0; zone < MAX_NR_ZONES; zone++)
		mm_buddyinfo((enum zone_type)zone, machine.picture[zone]);
	churn(3, 5000);
	machine_stop();
}

/*
 * A refused request that may wait, and to which HIGHATOMIC pageblocks count as free already, gives up
 * none, also one that is all of a section.
 */
static void highatomic_stays(void **state)
{
	const struct layout layout = {.name = "highatomic",
				      .bank = {{0x80000000, (phys_addr_t)128 << 20}}};
	uint64_t hash, free[NR_PAGE_ORDERS];
	struct zone_info zone;
	struct page *first, *page;

	(void)state;
	machine_start(&layout);
	/*
	 * The section that is used first holds what boot has reserved: it is filled. Of the pageblock
	 * then begun a pair must be free, which in a pageblock of two pairs is not so at once.
	 */
	do {
		first = alloc_page(GFP_KERNEL);
		assert_non_null(first);
		drain_all_pages();
		mm_buddyinfo(ZONE_DMA32, free);
	} while (machine.end - page_to_pfn(first) <= MAX_ORDER_NR_PAGES || !free[1]);
	page = highatomic_block(0, 1); /* from the pageblock of the first */
	assert_non_null(page);
	assert_int_equal(0, __free_pages(page, 1));
	assert_int_equal(0, __free_page(first));
	do {
		assert_non_null(alloc_pages(GFP_KERNEL, MAX_PAGE_ORDER));
		mm_zone_info(ZONE_DMA32, &zone);
	} while (zone.free > zone.managed / 4);
	assert_int_equal(pageblock_nr_pages, zone.nr_highatomic);
	assert_int_equal(0, mm_set_min_free_kbytes((zone.managed - 1) << (PAGE_SHIFT - 10)));
	hash = mm_state_hash();
	for (unsigned int order = 0; order <= MAX_PAGE_ORDER; order++) {
		assert_null(alloc_pages(GFP_KERNEL | __GFP_HIGH | __GFP_NOWARN, order));
		assert_int_equal(hash, mm_state_hash());
	}
	assert_int_equal(0, mm_check());
	machine_drop();
}

int main(void)
{
	static struct CMUnitTest tests[100];
	static char names[100][80];
	static const struct {
		const char *name;
		CMUnitTestFunction fn;
	} on_each[] = {{"random calls", random_calls},
		       {"everything", everything},
		       {"every order", every_order}};
	static const struct CMUnitTest once[] = {
		cmocka_unit_test(random_calls_on_random_layouts),
		cmocka_unit_test(large),
		cmocka_unit_test(too_small),
		cmocka_unit_test(free_late),
		cmocka_unit_test(highatomic_stays),
	};
	size_t n = 0;

	port_host_log_hook = port_host_quiet;
	for (size_t test = 0; test < sizeof(on_each) / sizeof(on_each[0]); test++)
		for (unsigned int i = 0; i < nr_layouts; i++, n++) {
			snprintf(names[n], sizeof(names[n]), "%s: %s", on_each[test].name,
				 layouts[i].name);
			tests[n].name = names[n];
			tests[n].test_func = on_each[test].fn;
			tests[n].initial_state = (void *)(uintptr_t)&layouts[i];
		}
	for (size_t i = 0; i < sizeof(once) / sizeof(once[0]); i++)
		tests[n++] = once[i];
	return _cmocka_run_group_tests("buddy", tests, n, NULL, NULL);
}
