/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_pcp.c: per-CPU page caches and reference counts on the host: batches under one lock, drains,
 * the switch, requests that need what the caches hold, several holders of one block.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <quarry/memblock.h>

#include "machine.h"
#include "mm/compiler.h"
#include "test/host/port_host.h"

static uint64_t locks_taken(void)
{
	struct zone_info dma32;
	struct zone_info normal;

	mm_zone_info(ZONE_DMA32, &dma32);
	mm_zone_info(ZONE_NORMAL, &normal);
	return dma32.lock_acquired + normal.lock_acquired;
}

static unsigned int cached(void)
{
	struct pcp_info info;
	unsigned int pages = 0;

	for (unsigned int n = 0; mm_pcp_info(n, &info); n++) {
		assert_true(info.count <= info.high);
		assert_true(info.high <= info.capacity);
		pages += info.count;
	}
	return pages;
}

static unsigned int batch(void)
{
	struct pcp_info info;

	assert_true(mm_pcp_info(0, &info));
	return info.batch;
}

static int start(void **state)
{
	machine_start(&layouts[0]);
	*state = NULL;
	return 0;
}

static int stop(void **state)
{
	(void)state;
	machine_stop();
	return 0;
}

static void one_lock_a_batch(void **state)
{
	static struct page *pages[2000];
	uint64_t locks;

	(void)state;
	for (unsigned int i = 0; i < 2000; i++) {
		unsigned int before = cached();

		locks = locks_taken();
		pages[i] = alloc_page(GFP_KERNEL);
		assert_non_null(pages[i]);
		if (before) {
			assert_int_equal(locks, locks_taken());
			assert_int_equal(before - 1, cached());
		} else {
			assert_int_equal(locks + 1, locks_taken());
			assert_true(cached() < batch());
			assert_int_equal(0, mm_check());
		}
	}
	for (unsigned int i = 0; i < 2000; i++) {
		unsigned int before = cached();

		locks = locks_taken();
		assert_int_equal(0, __free_page(pages[i]));
		assert_true(locks_taken() <= locks + 1);
		if (locks_taken() == locks)
			assert_int_equal(before + 1, cached());
		assert_true(cached() <= mm_pcp_high());
	}
	assert_int_equal(0, mm_check());
}

/* Of words with pairs and single holes a refill takes several pages: each once. */
static void refill_of_holes(void **state)
{
	static struct page *pages[2000];
	unsigned int kept = 0;

	(void)state;
	for (unsigned int i = 0; i < 2000; i++)
		pages[i] = alloc_page(GFP_KERNEL);
	for (unsigned int i = 0; i < 2000; i++)
		if (page_to_pfn(pages[i]) & (page_to_pfn(pages[i]) % 64 < 32 ? 6 : 1))
			pages[kept++] = pages[i];
		else
			assert_int_equal(0, __free_page(pages[i]));
	drain_all_pages();
	assert_in_range(kept, 1000, 1500);
	for (unsigned int i = kept; i < 2000; i++) {
		unsigned int before = cached();

		pages[i] = alloc_page(GFP_KERNEL);
		assert_non_null(pages[i]);
		if (!before)
			assert_int_equal(0, mm_check());
	}
	for (unsigned int i = 0; i < 2000; i++)
		assert_int_equal(0, __free_page(pages[i]));
	assert_int_equal(0, mm_check());
}

#if FOR_SPEED /* a build for size returns pages one by one */
/* Groups of slots of the cache of this page, but for the newest, that hold no aligned group. */
static unsigned int mixed_groups(const struct page *page)
{
	const struct per_cpu_pages *pcp = pcp_hot(page->info & PCP_OFFSET_MASK);
	unsigned int mixed = 0;

	for (struct page **slot = pcp->limit - 15; slot > pcp->base; slot -= 8)
		for (int i = 1; i < 8; i++)
			if (((uintptr_t)slot[0] ^ (uintptr_t)slot[i]) >= 8 * sizeof(*page)) {
				mixed++;
				break;
			}
	return mixed;
}

/*
 * Pages that come in groups lie in the cache as groups, so that these go back as one block, though
 * now and then a page comes between that belongs to none.
 */
static void groups_stay_whole(void **state)
{
	static struct page *pages[2048], *apart[512];
	unsigned int mixed = 0;

	(void)state;
	assert_int_equal(2048, alloc_pages_bulk(GFP_KERNEL, 2048, pages));
	assert_int_equal(512, alloc_pages_bulk(GFP_KERNEL, 512, apart));
	for (unsigned int i = 0; i < 2048; i++) {
		if (i % 128 == 0) /* one in 32: no two are of a group */
			assert_int_equal(0, __free_page(apart[i / 4]));
		assert_int_equal(0, __free_page(pages[i]));
		if (i >= 256 && i % 8 == 7)
			mixed += mixed_groups(pages[i]);
	}
	/* One group for each, until it is its turn to go back: after 14 groups, two rounds. */
	assert_in_range(mixed, 14, 14 * 14);
	for (unsigned int i = 0; i < 512; i++)
		if (i % 32)
			assert_int_equal(0, __free_page(apart[i]));
	assert_int_equal(0, mm_check());
}
#endif

static void boot_pageset(void **state)
{
	struct layout layout = layouts[0];
	struct page *page[4];

	(void)state;
	layout.caches = 0;
	machine_start(&layout);
	assert_int_equal(0, mm_pcp_high());
	for (unsigned int i = 0; i < 4; i++) {
		page[i] = alloc_pages(GFP_KERNEL, i);
		assert_non_null(page[i]);
		assert_int_equal(0, cached());
	}
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(0, __free_pages(page[i], i));
	assert_int_equal(0, cached());
	machine_stop();
}

static void switched_off(void **state)
{
	unsigned long high = mm_pcp_high();
	struct page *page[32];
	struct zone_info before;
	struct zone_info now;

	(void)state;
	assert_true(high > 0);
	assert_int_equal(0, __free_page(alloc_page(GFP_KERNEL)));
	assert_true(cached() > 0);
	assert_int_equal(0, mm_set_pcp_high(0));
	assert_int_equal(0, cached());
	assert_int_equal(0, batch());
	mm_zone_info(ZONE_DMA32, &before);
	for (unsigned int i = 0; i < 32; i++) {
		page[i] = alloc_page(GFP_KERNEL);
		mm_zone_info(ZONE_DMA32, &now);
		assert_int_equal(before.free - i - 1, now.free);
	}
	for (unsigned int i = 0; i < 32; i++)
		assert_int_equal(0, __free_page(page[i]));
	mm_zone_info(ZONE_DMA32, &now);
	assert_int_equal(before.free, now.free);
	assert_int_equal(0, cached());
	/* a limit between off and all; more than there is room for */
	assert_int_equal(5, mm_set_pcp_high(5));
	for (unsigned int i = 0; i < 32; i++)
		page[i] = alloc_page(GFP_KERNEL);
	for (unsigned int i = 0; i < 32; i++) {
		assert_int_equal(0, __free_page(page[i]));
		assert_true(cached() <= 5);
	}
	assert_int_equal(0, mm_check());
	assert_int_equal(high, mm_set_pcp_high(~0UL));
	assert_int_equal(high, mm_pcp_high());
}

/* Every page is in use or in a cache; the eight of one block are cached: order 3 must succeed. */
static void cached_pages_make_a_block(void **state)
{
	static struct page *pages[20000];
	struct page *block[8] = {0};
	unsigned long count = 0;
	struct page *page;
	pfn_t pfn = PFN_DOWN(0x81000000);
	uint64_t hash;

	(void)state;
	while ((page = alloc_page(GFP_KERNEL | __GFP_NOWARN)) != NULL) {
		if (page_to_pfn(page) - pfn < 8)
			block[page_to_pfn(page) - pfn] = page;
		else
			pages[count++] = page;
	}
	hash = mm_state_hash();
	assert_null(alloc_pages(GFP_KERNEL | __GFP_NOWARN, 3));
	assert_int_equal(hash, mm_state_hash());
	for (unsigned int i = 0; i < 8; i++)
		assert_int_equal(0, __free_page(block[(i * 5 + 3) % 8]));
	/* pages of other blocks are in the caches too, and stay there */
	assert_int_equal(0, __free_page(pages[--count]));
	assert_int_equal(0, __free_page(pages[--count]));
	hash = mm_state_hash();
	assert_null(alloc_pages(GFP_KERNEL | __GFP_NOWARN, 4));
	assert_int_equal(hash, mm_state_hash());
	page = alloc_pages(GFP_KERNEL | __GFP_NOWARN, 3);
	assert_non_null(page);
	assert_int_equal(pfn, page_to_pfn(page));
	assert_int_equal(2, cached());
	assert_int_equal(0, mm_check());
	assert_int_equal(0, __free_pages(page, 3));
	while (count > 0)
		assert_int_equal(0, __free_page(pages[--count]));
}

/* A page cached for one kind of request serves another when nothing else is left. */
static void other_class_serves(void **state)
{
	static struct page *pages[20000];
	unsigned long count = 0;
	struct page *page;

	(void)state;
	while ((page = alloc_page(__GFP_MOVABLE | __GFP_NOWARN)) != NULL)
		pages[count++] = page;
	assert_int_equal(0, __free_page(pages[--count]));
	assert_int_equal(1, cached());
	page = alloc_page(__GFP_RECLAIMABLE | GFP_DMA32 | __GFP_NOWARN);
	assert_ptr_equal(pages[count], page);
	assert_int_equal(0, mm_check());
	assert_int_equal(0, __free_page(page));
	while (count > 0)
		assert_int_equal(0, __free_page(pages[--count]));
}

/* FEATURES row 25, a million rounds. */
static void second_holder(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 1000000; i++) {
		struct page *page = alloc_pages(GFP_KERNEL, 3);

		get_page(page);
		if (__free_pages(page, 3) != 0 || page_count(page) != 1 || put_page(page) != 0)
			fail();
	}
	expect_oracle_picture();
}

static void references(void **state)
{
	struct page *page = alloc_pages(GFP_KERNEL | __GFP_COMP, 4);
	struct zone_info before;
	struct zone_info now;

	(void)state;
	assert_non_null(page);
	mm_zone_info(ZONE_DMA32, &before);
	assert_ptr_equal(page, compound_head(page + 15));
	get_page(page + 7);
	assert_int_equal(2, page_count(page));
	assert_true(get_page_unless_zero(page + 1));
	assert_false(put_page_testzero(page));
	assert_int_equal(0, __free_pages(page, 4));
	assert_int_equal(1, page_count(page));
	mm_zone_info(ZONE_DMA32, &now);
	assert_int_equal(before.free, now.free);
	/* the last reference: dropped without a free, the caller then frees */
	assert_int_equal(0, put_page(page + 15));
	assert_int_equal(0, page_count(page));
	assert_false(get_page_unless_zero(page));
	mm_zone_info(ZONE_DMA32, &now);
	assert_int_equal(before.free + 16, now.free);
	assert_int_equal(0, mm_check());
}

/*
 * A count that is full is not passed: the next holder is refused, and nobody's reference is lost.
 */
static void holders_are_bounded(void **state)
{
	struct page *page = alloc_pages(GFP_KERNEL, 1);

	(void)state;
	for (unsigned int holders = 1; holders < UINT16_MAX; holders++)
		if (!get_page_unless_zero(page))
			fail_msg("no more than %u holders", holders);
	assert_int_equal(UINT16_MAX, page_count(page));
	assert_false(get_page_unless_zero(page));
	assert_int_equal(UINT16_MAX, page_count(page));
	assert_int_equal(0, mm_check());
	for (unsigned int holders = UINT16_MAX; holders > 1; holders--)
		if (put_page(page) != 0)
			fail_msg("%u holders: a put was refused", holders);
	assert_int_equal(1, page_count(page));
	assert_int_equal(0, __free_pages(page, 1));
	assert_int_equal(0, mm_check());
}

static void zeroed(void **state)
{
	(void)state;
	for (unsigned int order = 0; order < NR_PAGE_ORDERS; order++) {
		const size_t size = PAGE_SIZE << order;
		char *memory = (char *)__get_free_pages(GFP_KERNEL | __GFP_ZERO, order);

		assert_non_null(memory);
		for (size_t i = 0; i < size; i++)
			if (memory[i])
				fail_msg("order %u: byte %zu is %d", order, i, memory[i]);
		memset(memory, 0xff, size);
		assert_int_equal(0, free_pages((unsigned long)memory, order));
	}
}

/* Sizes that are no power of two take their pages and no more. */
static void exact(void **state)
{
	uint64_t seed = 5;

	(void)state;
	for (unsigned int i = 0; i < 200; i++) {
		size_t size = 1 + host_random(&seed) % (4 << 20);
		void *memory = alloc_pages_exact(size, GFP_KERNEL);
		struct page *page = virt_to_page(memory);

		assert_non_null(memory);
		for (size_t k = 0; k < (size + PAGE_SIZE - 1) / PAGE_SIZE; k++)
			oracle_take(page + k, 0);
		expect_oracle_picture();
		for (size_t k = 0; k < (size + PAGE_SIZE - 1) / PAGE_SIZE; k++)
			oracle_give(page_to_pfn(page) + k, 0);
		assert_int_equal(0, free_pages_exact(memory, size));
		expect_oracle_picture();
	}
}

static void bulk(void **state)
{
	static struct page *pages[20000];
	struct zone_info before;
	unsigned long got;

	(void)state;
	mm_zone_info(ZONE_DMA32, &before);
	assert_int_equal(0, alloc_pages_bulk(GFP_KERNEL, 0, pages));
	assert_int_equal(1000, alloc_pages_bulk(GFP_KERNEL, 1000, pages));
	for (unsigned int i = 0; i < 1000; i++)
		oracle_take(pages[i], 0);
	for (unsigned int i = 0; i < 1000; i++) {
		oracle_give(page_to_pfn(pages[i]), 0);
		assert_int_equal(0, __free_page(pages[i]));
	}
	drain_all_pages();
	/* more than there are: all of them, and a count that says so */
	got = alloc_pages_bulk(GFP_KERNEL | __GFP_NOWARN, 20000, pages);
	assert_int_equal(before.free, got);
	assert_int_equal(0, free_pages_bulk(0, pages));
	assert_int_equal(1, free_pages_bulk(1, &pages[got - 1]));
	/* what is refused is not counted, and stops nothing */
	pages[got - 1] = pages[0];
	assert_int_equal(got - 1, free_pages_bulk(got, pages));
	assert_int_equal(0, free_pages_bulk(got, pages));
}

/* Of each cache, whose pages it holds, on which CPU, and how many. */
static void said_of_a_cache(void **state)
{
	static const gfp_t kinds[] = {[MIGRATE_UNMOVABLE] = GFP_KERNEL,
				      [MIGRATE_MOVABLE] = GFP_KERNEL | __GFP_MOVABLE,
				      [MIGRATE_RECLAIMABLE] = GFP_KERNEL | __GFP_RECLAIMABLE};

	(void)state;
	for (unsigned int i = 0; i < 2 * 3 * 4; i++) {
		const unsigned int order = i / 6, type = i % 3;
		const gfp_t zone = i % 6 < 3 ? GFP_DMA32 : 0;
		struct page *page = alloc_pages(kinds[type] | zone, order);
		unsigned int with_pages = 0;
		struct pcp_info info;

		assert_non_null(page);
		drain_all_pages();
		assert_int_equal(0, __free_pages(page, order));
		for (unsigned int n = 0; mm_pcp_info(n, &info); n++) {
			if (!info.count)
				continue;
			with_pages++;
			assert_int_equal(0, info.cpu);
			assert_int_equal(page_to_pfn(page) < machine.boundary ? ZONE_DMA32
									      : ZONE_NORMAL,
					 info.zone);
			assert_int_equal(type, info.migratetype);
			assert_int_equal(order, info.order);
			assert_int_equal(1, info.count);
			assert_true(info.batch && info.high && info.high <= info.capacity);
		}
		assert_int_equal(1, with_pages);
		drain_all_pages();
	}
}

/*
 * A free that the hot path does not serve notes the open sections around the page for the next one,
 * if the page went to a cache: a call that goes to the buddy has done enough.
 */
static void sections_are_noted(void **state)
{
	struct page *page[2] = {alloc_page(GFP_KERNEL), alloc_page(GFP_KERNEL)};
	struct mm_open_range *open = machine_pcpu.open;
	unsigned long high = mm_pcp_high();

	(void)state;
	memset(open, 0, sizeof(machine_pcpu.open));
	assert_int_equal(0, __free_page(page[0]));
	assert_true((uintptr_t)page[0] - open[0].start < open[0].bytes);
	assert_int_equal(0, mm_set_pcp_high(0));
	memset(open, 0, sizeof(machine_pcpu.open));
	assert_int_equal(0, __free_page(page[1]));
	assert_int_equal(0, open[0].bytes);
	assert_int_equal(high, mm_set_pcp_high(high));
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(one_lock_a_batch),
		TEST(refill_of_holes),
#if FOR_SPEED
		TEST(groups_stay_whole),
#endif
		cmocka_unit_test(boot_pageset),
		TEST(switched_off),
		TEST(cached_pages_make_a_block),
		TEST(other_class_serves),
		TEST(second_holder),
		TEST(references),
		TEST(holders_are_bounded),
		TEST(zeroed),
		TEST(exact),
		TEST(bulk),
		TEST(said_of_a_cache),
		TEST(sections_are_noted),
	};

	port_host_log_hook = port_host_quiet;
	return cmocka_run_group_tests_name("pcp", tests, NULL, NULL);
}
