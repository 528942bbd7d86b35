/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_between.c: alloc_pages_between() and alloc_pages_exact_between() on every layout, fresh,
 * worn and with caches, against the map of frames: a block is found if and only if one is there,
 * and a refusal changes nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "machine.h"
#include "mm/buddy/buddy.h"
#include "mm/free_map.h"
#include "test/host/port_host.h"

#define HELD 8192

static struct {
	struct page *page;
	unsigned int order;
} held[HELD];
static unsigned int nr_held;
static uint64_t seed;
static unsigned long served, refused;

static uint64_t random64(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static unsigned int below(unsigned int n)
{
	return (unsigned int)(random64() % n);
}

static bool is_free(pfn_t pfn)
{
	return pfn >= machine.first && pfn < machine.end &&
	       machine.frame[pfn - machine.first] == FRAME_FREE;
}

/*
 * Is there an aligned free block of which `pages` lie within [first, last], in one zone that gfp
 * allows?
 */
static bool oracle_between(gfp_t gfp, unsigned int order, unsigned long pages, phys_addr_t first,
			   phys_addr_t last)
{
	pfn_t size = (pfn_t)1 << order;

	for (pfn_t at = ALIGN_UP(machine.first, size); at + size <= machine.end; at += size) {
		bool fits = PFN_PHYS(at) >= first && PFN_PHYS(at + pages) - 1 <= last &&
			    !(at < machine.boundary && at + size > machine.boundary) &&
			    !(gfp & __GFP_DMA32 && at >= machine.boundary);

		for (pfn_t pfn = at; fits && pfn < at + size; pfn++)
			fits = is_free(pfn);
		if (fits)
			return true;
	}
	return false;
}

static void hold(struct page *page, unsigned int order)
{
	oracle_take(page, order);
	if (nr_held == HELD) { /* another goes */
		unsigned int i = below(HELD);

		oracle_give(page_to_pfn(held[i].page), held[i].order);
		assert_int_equal(0, __free_pages(held[i].page, held[i].order));
		nr_held--;
		held[i] = held[nr_held];
	}
	held[nr_held].page = page;
	held[nr_held++].order = order;
}

static void release(unsigned int i)
{
	oracle_give(page_to_pfn(held[i].page), held[i].order);
	assert_int_equal(0, __free_pages(held[i].page, held[i].order));
	held[i] = held[--nr_held];
}

static void between(gfp_t gfp, unsigned int order, phys_addr_t first, phys_addr_t last)
{
	bool there = oracle_between(gfp, order, 1UL << order, first, last);
	uint64_t hash = there ? 0 : mm_state_hash();
	struct page *page = alloc_pages_between(gfp, order, first, last);

	assert_int_equal(there, page != NULL);
	if (!page) {
		assert_int_equal(hash, mm_state_hash());
		refused++;
		return;
	}
	assert_true(page_to_phys(page) >= first);
	assert_true(page_to_phys(page) + (PAGE_SIZE << order) - 1 <= last);
	hold(page, order);
	served++;
}

static void exact_between(size_t size, phys_addr_t first, phys_addr_t last)
{
	unsigned long pages = ALIGN_UP(size, PAGE_SIZE) / PAGE_SIZE;
	unsigned int order = 0;
	char *got;

	while (1UL << order < pages)
		order++;
	got = alloc_pages_exact_between(size, GFP_KERNEL, first, last);
	assert_int_equal(oracle_between(GFP_KERNEL, order, pages, first, last), got != NULL);
	if (!got)
		return;
	assert_true(virt_to_phys(got) >= first && virt_to_phys(got) + size - 1 <= last);
	assert_int_equal(0, mm_check());
	assert_int_equal(0, free_pages_exact(got, size));
}

/* Somewhere in the machine, or across its edges: of all sizes. */
static void random_window(phys_addr_t *first, phys_addr_t *last)
{
	phys_addr_t low = PFN_PHYS(machine.first), bytes = PFN_PHYS(machine.end - machine.first);
	phys_addr_t size = bytes >> below(14);

	*first = low + random64() % bytes;
	if (below(3))
		*first = ALIGN_DOWN(*first, PAGE_SIZE << below(11));
	*last = *first + (size ? size : 1) - 1 + (below(2) ? below(8192) : 0);
}

static void on_layout(const struct layout *layout, unsigned int rounds)
{
	static const gfp_t flags[] = {GFP_KERNEL,
				      GFP_ATOMIC,
				      GFP_DMA32,
				      GFP_KERNEL | __GFP_COMP,
				      GFP_KERNEL | __GFP_MOVABLE,
				      GFP_KERNEL | __GFP_RECLAIMABLE};
	phys_addr_t first, last;

	machine_start(layout);
	nr_held = 0;
	for (unsigned int round = 0; round < rounds; round++) {
		random_window(&first, &last);
		between(flags[below(6)], below(8) ? below(4) : below(NR_PAGE_ORDERS), first, last);
		if (below(3) == 0)
			exact_between((1 + below(40)) * PAGE_SIZE - below(2), first, last);
		for (unsigned int i = below(6); i > 0 && nr_held > 0; i--)
			release(below(nr_held));
		for (unsigned int i = below(4); i > 0; i--) {
			unsigned int order = below(4) ? 0 : below(6);
			struct page *page = alloc_pages(GFP_KERNEL | __GFP_NOWARN, order);

			if (page)
				hold(page, order);
		}
		if (round % 64 == 0)
			assert_int_equal(0, mm_check());
	}
	while (nr_held > 0)
		release(nr_held - 1);
	drain_all_pages();
	assert_int_equal(0, mm_check());
	expect_oracle_picture();
	machine_stop();
}

static void test_layouts(void **state)
{
	(void)state;
	seed = 88172645463325252ULL;
	for (unsigned int i = 0; i < nr_layouts; i++)
		on_layout(&layouts[i], 150);
	for (uint64_t i = 1; i <= 20; i++) {
		struct layout layout;

		random_layout(&layout, i);
		layout.caches = i & 1;
		on_layout(&layout, 150);
	}
	assert_true(served > 1000 && refused > 300);
}

/* ---- by hand --------------------------------------------------------------------------------- */

#define MIB  ((phys_addr_t)1 << 20)
#define BASE ((phys_addr_t)0x80000000)

static const struct layout small = {"small", 0, {{BASE, 32 * MIB}}, {{0}}, 0};
static const struct layout cached = {"cached", 0, {{BASE, 32 * MIB}}, {{0}}, 1};

static unsigned long untouched(void)
{
	struct zone_info info;

	mm_zone_info(ZONE_DMA32, &info);
	return (unsigned long)info.untouched;
}

/*
 * One page at an address that nothing has come near yet; a block that starts in another's middle.
 */
static void test_places(void **state)
{
	unsigned long before;
	struct page *page;

	(void)state;
	machine_start(&small);
	nr_held = 0;
	between(GFP_KERNEL, 0, BASE + 13 * MIB + PAGE_SIZE, BASE + 13 * MIB + 2 * PAGE_SIZE - 1);
	assert_int_equal(page_to_phys(held[0].page), BASE + 13 * MIB + PAGE_SIZE);
	between(GFP_KERNEL, 0, BASE + 13 * MIB + PAGE_SIZE, BASE + 13 * MIB + 2 * PAGE_SIZE - 1);
	assert_int_equal(nr_held, 1);
	between(GFP_KERNEL, 10, BASE + 20 * MIB, BASE + 24 * MIB - 1);
	between(GFP_KERNEL, 9, BASE + 18 * MIB, BASE + 20 * MIB - 1);
	between(GFP_KERNEL, 9, BASE + 16 * MIB, BASE + 18 * MIB - 1);
	between(GFP_KERNEL, 3, BASE + 26 * MIB + 1, BASE + 26 * MIB + 16 * PAGE_SIZE - 1);
	assert_int_equal(nr_held, 5);
	assert_int_equal(page_to_phys(held[4].page), BASE + 26 * MIB + 8 * PAGE_SIZE);
	assert_int_equal(nr_held, 5);
	/* a page more than fits, by one byte at either end */
	between(GFP_KERNEL, 0, BASE + MIB + 1, BASE + MIB + 2 * PAGE_SIZE - 2);
	assert_int_equal(nr_held, 5);
	assert_null(alloc_pages_between(GFP_KERNEL, MAX_PAGE_ORDER + 1, BASE, BASE + 32 * MIB));
	assert_null(alloc_pages_between(GFP_KERNEL, 0, BASE + 32 * MIB, ~(phys_addr_t)0));
	assert_null(alloc_pages_between(GFP_KERNEL, 0, ~(phys_addr_t)0, ~(phys_addr_t)0));
	assert_null(alloc_pages_between(GFP_KERNEL, 0, BASE + MIB, BASE + MIB - 1));
	assert_int_equal(0, mm_check());
	/* all of the address space will do too, from the top */
	page = alloc_pages_between(GFP_KERNEL, 0, 0, ~(phys_addr_t)0);
	assert_true(page && page_to_phys(page) >= BASE + 26 * MIB);
	__free_page(page);
	while (nr_held > 0)
		release(nr_held - 1);
	machine_stop();

	/* what cannot be had opens nothing */
	machine_start(&small);
	before = untouched();
	assert_true(before > 0);
	assert_null(
		alloc_pages_between(GFP_KERNEL, 10, BASE + 6 * MIB, BASE + 12 * MIB - 1 - 4096));
	assert_int_equal(untouched(), before);
	/* a block of which only what is kept fits */
	exact_between(3 * PAGE_SIZE, BASE + 13 * MIB, BASE + 13 * MIB + 3 * PAGE_SIZE - 1);
	exact_between(3 * PAGE_SIZE, BASE + 9 * MIB, BASE + 9 * MIB + 3 * PAGE_SIZE - 2);
	machine_stop();
}

/*
 * Of a pageblock's free blocks the smallest that has the place is cut, and a range is used from its
 * end.
 */
static void test_smallest(void **state)
{
	const phys_addr_t block = BASE + 24 * MIB;
	struct page *page;

	(void)state;
	machine_start(&small);
	nr_held = 0;
	/* leaves a free page, two, four .. in front of the last one */
	between(GFP_KERNEL, 0, block, block + PAGE_SIZE - 1);
	page = alloc_pages_between(GFP_KERNEL, 1, block, block + 2 * MIB - 1);
	assert_int_equal(page_to_phys(page), block + 2 * PAGE_SIZE);
	hold(page, 1);
	page = alloc_pages_between(GFP_KERNEL, 0, block, block + 2 * MIB - 1);
	assert_int_equal(page_to_phys(page), block + PAGE_SIZE);
	hold(page, 0);
	page = alloc_pages_between(GFP_KERNEL, 0, block, block + 2 * MIB - 1);
	assert_int_equal(page_to_phys(page), block + 4 * PAGE_SIZE);
	hold(page, 0);
	/* of a free pair of pageblocks the upper one */
	page = alloc_pages_between(GFP_KERNEL, 0, BASE + 21 * MIB, block - 1);
	assert_int_equal(page_to_phys(page), BASE + 22 * MIB);
	hold(page, 0);
	while (nr_held > 0)
		release(nr_held - 1);
	expect_oracle_picture();
	machine_stop();
}

/* What lies in metadata that was never written is not believed: all of it says "free". */
static void test_stale(void **state)
{
	(void)state;
	for (unsigned int order = 0; order < NR_PAGE_ORDERS; order++) {
		machine_start(&small);
		nr_held = 0;
		for (unsigned long i = 0; i < mm.nr_pages; i++)
			if (section_state(i >> SECTION_SHIFT) == SECTION_UNTOUCHED) {
				mm.memmap[i].raw = PAGE_FREE_WORD(order);
				*map_word(i) = WORD_FULL;
				*map_order(i) = (uint8_t)order;
				mm.pageblocks[i >> pageblock_order].nr_free = pageblock_nr_pages;
			}
		for (unsigned int mib = 2; mib < 28; mib += 3)
			between(GFP_KERNEL, mib % 7, BASE + mib * MIB + 37 * PAGE_SIZE,
				BASE + (mib + 1) * MIB - 1);
		assert_int_equal(0, mm_check());
		while (nr_held > 0)
			release(nr_held - 1);
		assert_int_equal(0, mm_check());
		expect_oracle_picture();
		machine_stop();
	}
}

/* A page that lies in a cache is had, and what it completes. */
static void test_cached(void **state)
{
	struct page_info info;
	phys_addr_t where;
	struct page *page;

	(void)state;
	machine_start(&cached);
	page = alloc_pages_between(GFP_KERNEL, 0, BASE + 8 * MIB, BASE + 10 * MIB - 1);
	assert_non_null(page);
	where = page_to_phys(page);
	__free_page(page); /* into the cache */
	assert_int_equal(0, mm_page_info(PFN_DOWN(where), &info));
	assert_true(info.in_pcp);
	page = alloc_pages_between(GFP_ATOMIC, 0, where, where + PAGE_SIZE - 1);
	assert_non_null(page);
	assert_int_equal(page_to_phys(page), where);
	__free_page(page);
	/* a larger block that it completes */
	page = alloc_pages_between(GFP_KERNEL, 4, where & ~(phys_addr_t)0xffff, where | 0xffff);
	assert_non_null(page);
	__free_pages(page, 4);
	assert_int_equal(0, mm_check());
	machine_stop();
}

/* A pageblock that was free as a whole gets the type of what was taken from it. */
static void test_type(void **state)
{
	uint64_t blocks[MIGRATE_TYPES];
	struct page *page;

	(void)state;
	machine_start(&layouts[1]); /* large enough for types */
	page = alloc_pages_between(GFP_KERNEL | __GFP_RECLAIMABLE, 0, BASE + 41 * MIB,
				   BASE + 41 * MIB + PAGE_SIZE - 1);
	assert_non_null(page);
	mm_pageblocks(ZONE_DMA32, blocks);
	assert_int_equal(blocks[MIGRATE_RECLAIMABLE], mm.grouping);
	assert_true(mm.grouping);
	assert_int_equal(0, __free_page(page));
	machine_stop();
}

/*
 * Another CPU is online and busy: a request that may not wait does without it, and finds all that
 * is free nevertheless.
 */
static void test_no_waiting(void **state)
{
	static struct mm_pcpu busy;
	phys_addr_t first, last;

	(void)state;
	machine_start(&small);
	boot_pageset_init(&busy, 1);
	mm.pcpu[1] = &busy;
	mm.end_cpu = 2;
	nr_held = 0;
	for (unsigned int round = 0; round < 3000; round++) {
		random_window(&first, &last);
		between(GFP_ATOMIC, below(8) ? below(3) : below(NR_PAGE_ORDERS), first, last);
		if (round > 1500 && nr_held > 0)
			release(below(nr_held));
	}
	mm.pcpu[1] = NULL;
	mm.end_cpu = 1;
	while (nr_held > 0)
		release(nr_held - 1);
	machine_stop();
}

/* The marks hold here too: what they keep is not given, and then nothing changes. */
static void test_marks(void **state)
{
	struct mm_stats before, after;
	struct page *page;
	uint64_t hash;

	(void)state;
	machine_start(&small);
	assert_int_equal(0, mm_set_min_free_kbytes(16 << 10));
	nr_held = 0;
	while (nr_held < HELD) {
		page = alloc_page(GFP_KERNEL | __GFP_NOWARN);
		if (!page)
			break;
		hold(page, 0);
	}
	mm_get_stats(&before);
	hash = mm_state_hash();
	assert_null(alloc_pages_between(GFP_KERNEL, 0, BASE, BASE + 32 * MIB - 1));
	mm_get_stats(&after);
	assert_int_equal(after.alloc_failed, before.alloc_failed + 1);
	assert_int_equal(hash, mm_state_hash());
	/* some may use the reserve */
	page = alloc_pages_between(GFP_ATOMIC, 0, BASE, BASE + 32 * MIB - 1);
	assert_non_null(page);
	hold(page, 0);
	while (nr_held > 0)
		release(nr_held - 1);
	machine_stop();
}

static void test_options(void **state)
{
	struct page *page;

	(void)state;
	machine_start(&small);
	page = alloc_pages_between(GFP_KERNEL | __GFP_ZERO | __GFP_COMP, 2, BASE + MIB,
				   BASE + 2 * MIB);
	assert_non_null(page);
	for (unsigned int i = 0; i < 4 * PAGE_SIZE / 8; i++)
		assert_int_equal(((uint64_t *)page_address(page))[i], 0);
	assert_ptr_equal(compound_head(page + 3), page);
	assert_int_equal(0, __free_pages(page, 2));
	assert_null(alloc_pages_between(GFP_KERNEL | ~__GFP_BITS_MASK, 0, BASE, BASE + MIB));
	assert_int_equal(0, mm_set_fail(&(struct mm_fail){.every = 1}));
	assert_null(alloc_pages_between(GFP_KERNEL, 0, BASE, BASE + MIB));
	assert_null(alloc_pages_between(GFP_KERNEL | __GFP_NOFAIL, 0, BASE, BASE + MIB));
	assert_int_equal(0, mm_set_fail(&(struct mm_fail){.every = 0}));
	assert_int_equal(0, mm_check());
	machine_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_layouts),	   cmocka_unit_test(test_places),
		cmocka_unit_test(test_cached),	   cmocka_unit_test(test_marks),
		cmocka_unit_test(test_options),	   cmocka_unit_test(test_type),
		cmocka_unit_test(test_no_waiting), cmocka_unit_test(test_smallest),
		cmocka_unit_test(test_stale),
	};

	return cmocka_run_group_tests_name("between", tests, NULL, NULL);
}
