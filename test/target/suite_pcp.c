// SPDX-License-Identifier: BSD-2-Clause
/*
 * suite_pcp.c: the per-CPU page caches: refill and return in batches under one lock, drain, off, and
 * a large request that needs what the caches hold (FEATURES rows 29, 30, 32).
 */
#include "ktap.h"
#include "pool.h"

#include <quarry/port.h>

static uint64_t locks_taken(void)
{
	uint64_t taken = 0;
	struct zone_info info;

	for (int zone = 0; zone < MAX_NR_ZONES; zone++) {
		mm_zone_info((enum zone_type)zone, &info);
		taken += info.lock_acquired;
	}
	return taken;
}

/* Pages in all caches. */
static uint64_t cached(void)
{
	struct pcp_info info;
	uint64_t pages = 0;

	for (unsigned int n = 0; mm_pcp_info(n, &info); n++)
		pages += info.count;
	return pages;
}

static unsigned int largest_batch(void)
{
	struct pcp_info info;
	unsigned int batch = 0;

	for (unsigned int n = 0; mm_pcp_info(n, &info); n++)
		batch = info.batch > batch ? info.batch : batch;
	return batch;
}

/* Can each cache of single pages hold more than a refill brings? Then pages given back at once all stay. */
static bool refills_fit(void)
{
	struct pcp_info info;

	for (unsigned int n = 0; mm_pcp_info(n, &info); n++)
		if (info.order == 0 && info.high <= info.batch)
			return false;
	return true;
}

/* The flags whose pages come from a zone with caches; 0, and the case is skipped, if there is none. */
static gfp_t need_caches(void)
{
	gfp_t gfp = cached_gfp();

	if (!gfp)
		test_skip(NO_CACHES);
	return gfp;
}

/* mm/pcp/pcp.c: the smallest cache there is, and pages that are returned together if they are one aligned block. */
#define RETURN_ORDER CONFIG_PCP_RETURN_ORDER
#define RETURN_PAGES (1 << RETURN_ORDER)

/* Locks that the pages of such a block take beyond the limit: a build for size returns them one by one. */
#ifdef __OPTIMIZE_SIZE__
#define RETURN_LOCKS RETURN_PAGES
#else
#define RETURN_LOCKS 1
#endif

/* Free blocks, in the zone of these flags, of fewer pages than a refill takes at once. */
static uint64_t small_blocks(gfp_t gfp)
{
	uint64_t nr_free[NR_PAGE_ORDERS], blocks = 0;

	mm_buddyinfo(gfp & __GFP_DMA32 ? ZONE_DMA32 : ZONE_NORMAL, nr_free);
	for (unsigned int order = 0; order < RETURN_ORDER; order++)
		blocks += nr_free[order];
	return blocks;
}

/* A hit takes no lock; a miss takes one, once, for a batch. */
static void refill(void)
{
	const unsigned long pages = 512;
	unsigned int batch = largest_batch();
	gfp_t gfp = need_caches();
	uint64_t misses = 0;
	uint64_t refills, small;
	struct pool pool;

	if (!gfp || !pool_begin(&pool))
		return;
	EXPECT(batch > 1);
	small = small_blocks(gfp);
	EXPECT_EQ(0, cached());
	refills = port_pcpu()->refills;
	while (pool.count < pages) {
		uint64_t was_cached = cached();
		uint64_t locks = locks_taken();
		struct page *page = alloc_page(gfp);

		if (!EXPECT(page != NULL))
			break;
		*pool_slot(&pool, pool.count++) = page;
		if (was_cached > 0) {
			EXPECT_EQ(locks, locks_taken());
			EXPECT_EQ(was_cached - 1, cached());
		} else {
			misses++;
			EXPECT_EQ(locks + 1, locks_taken());
			EXPECT_LE(batch - 1, cached());
		}
		EXPECT_EQ(pool.free_before, free_pages_now() + cached() + pool.count);
	}
	EXPECT_LE(misses, port_pcpu()->refills - refills);
	/*
	 * A batch is the pages of a block: a small one, or so many of a larger one. A call that cuts or takes over a whole
	 * pageblock serves fewer (mm/buddy/buddy.c), and leaves up to three small blocks.
	 */
	EXPECT_LE(pages / RETURN_PAGES + small + 4 * (pages / pageblock_nr_pages + 1), misses);
	test_note("%lu pages in %llu batches of at most %u", pages, (unsigned long long)misses,
		  batch);
	pool_empty(&pool);
	pool_end(&pool);
}

/* Are the pages in the pool's slots from i on one aligned block, in any order? They are distinct. */
static bool is_run(const struct pool *pool, unsigned long i)
{
	pfn_t block;

	if (i + RETURN_PAGES > pool->count)
		return false;
	block = page_to_pfn(*pool_slot(pool, i)) / RETURN_PAGES;
	for (unsigned int j = 1; j < RETURN_PAGES; j++)
		if (page_to_pfn(*pool_slot(pool, i + j)) / RETURN_PAGES != block)
			return false;
	return true;
}

/* Free a page of the pool: a lock is taken at most once, and not at all if there is room. */
static void free_slot(struct page **slot)
{
	uint64_t was_cached = cached(), locks = locks_taken();

	EXPECT_EQ(0, __free_page(*slot));
	*slot = NULL;
	EXPECT_LE(locks + 1, locks_taken());
	if (locks_taken() == locks)
		EXPECT_EQ(was_cached + 1, cached());
}

/* The limit of the only cache that holds pages. */
static unsigned long limit_in_use(void)
{
	struct pcp_info info;

	for (unsigned int n = 0; mm_pcp_info(n, &info); n++)
		if (info.count)
			return info.high;
	return 0;
}

/* Slots of the next whole block, or past the last page. */
static unsigned long next_run(const struct pool *pool, unsigned long i)
{
	while (i < pool->count && !is_run(pool, i))
		i++;
	return i;
}

/*
 * Whole aligned blocks, freed page by page into a cache whose newest pages are a whole block when
 * it is full: from then on each lock returns a block.
 */
static void give_back(void)
{
	unsigned long pages = mm_pcp_high() + 512, freed = 0, wanted = 0, runs = 0, limit, i;
	gfp_t gfp = need_caches();
	uint64_t start_locks;
	struct pool pool;

	if (!gfp || !pool_begin(&pool))
		return;
	while (pool.count < pages + 4UL * RETURN_PAGES && pool.count < pool.capacity) {
		struct page *page = alloc_page(gfp);

		if (!EXPECT(page != NULL))
			break;
		*pool_slot(&pool, pool.count++) = page;
	}
	drain_all_pages();
	EXPECT_EQ(0, cached());
	for (i = next_run(&pool, 0); i < pool.count; i = next_run(&pool, i + RETURN_PAGES))
		runs++;
	if (runs == 0)
		test_skip("no free pages that are a block to return");
	i = next_run(&pool, 0);
	/* as many of the first block as make the rest of the room a multiple of a block */
	if (i < pool.count) {
		unsigned long room;

		free_slot(pool_slot(&pool, i));
		limit = limit_in_use();
		for (freed = 1; freed < RETURN_PAGES && (limit - freed) % RETURN_PAGES != 0;
		     freed++)
			free_slot(pool_slot(&pool, i + freed));
		room = 1 + (limit - freed) / RETURN_PAGES; /* blocks that the cache takes */
		runs -= room < runs ? room : runs;
		start_locks = locks_taken();
		for (i = next_run(&pool, i + RETURN_PAGES); i < pool.count;
		     i = next_run(&pool, i)) {
			for (unsigned int j = 0; j < RETURN_PAGES; j++, i++) {
				wanted += cached() == limit;
				free_slot(pool_slot(&pool, i));
				EXPECT_LE(limit, cached());
				freed++;
			}
		}
		/*
		 * For each block beyond the limit; one in eight may go back in two or three parts, since what
		 * a lock is held for is bounded, and pages that merge far take longer (docs/bounds.md).
		 */
		EXPECT_LE(wanted, runs * RETURN_LOCKS);
		EXPECT_LE((runs + runs / 8) * RETURN_LOCKS, wanted);
		EXPECT_EQ(start_locks + wanted, locks_taken());
		test_note("%lu pages freed: %lu locks, %lu stay cached", freed, wanted,
			  (unsigned long)cached());
	}
	EXPECT_EQ(pool.free_before - (pool.count - freed), free_pages_now() + cached());
	pool_empty(&pool);
	pool_end(&pool);
}

static void drain(void)
{
	struct page *page[16];
	uint64_t drained = port_pcpu()->drained;
	gfp_t gfp = need_caches(), other = has_caches(ZONE_DMA32) ? GFP_DMA32 : gfp;
	uint64_t held;
	uint64_t free;

	if (!gfp)
		return;
	for (unsigned int i = 0; i < 16; i++) {
		page[i] = alloc_page(i % 2 ? gfp : other | __GFP_MOVABLE);
		EXPECT(page[i] != NULL);
	}
	for (unsigned int i = 0; i < 16; i++)
		EXPECT_EQ(0, __free_page(page[i]));
	held = cached();
	free = free_pages_now();
	EXPECT_LE(held, refills_fit() ? 16 : 2);
	EXPECT_EQ(held, drain_all_pages());
	EXPECT_EQ(0, cached());
	EXPECT_EQ(free + held, free_pages_now());
	EXPECT_EQ(drained + held, port_pcpu()->drained);
	EXPECT_EQ(0, drain_all_pages());
}

/* vm.percpu_pagelist=0: every call goes to the buddy, and nothing stays in a cache. */
static void off(void)
{
	unsigned long high = mm_pcp_high();
	uint64_t refills = port_pcpu()->refills;
	struct page *page[64];
	struct pcp_info info;
	gfp_t gfp = need_caches();
	uint64_t free;

	if (!gfp)
		return;
	EXPECT(high > 0);
	EXPECT_EQ(0, __free_page(alloc_page(gfp)));
	refills = port_pcpu()->refills;
	EXPECT_EQ(0, mm_set_pcp_high(0));
	EXPECT_EQ(0, mm_pcp_high());
	EXPECT_EQ(0, cached());
	free = free_pages_now();
	for (unsigned int i = 0; i < 64; i++) {
		page[i] = alloc_page(gfp);
		EXPECT(page[i] != NULL);
		EXPECT_EQ(free - i - 1, free_pages_now());
		EXPECT_EQ(0, cached());
	}
	for (unsigned int i = 0; i < 64; i++) {
		EXPECT_EQ(0, __free_page(page[i]));
		EXPECT_EQ(free - 64 + i + 1, free_pages_now());
		EXPECT_EQ(0, cached());
	}
	EXPECT_EQ(refills, port_pcpu()->refills);
	for (unsigned int n = 0; mm_pcp_info(n, &info); n++)
		EXPECT_EQ(0, info.high);
	EXPECT_EQ(high, mm_set_pcp_high(high));
	EXPECT_EQ(high, mm_pcp_high());
	EXPECT_EQ(0, __free_page(alloc_page(gfp)));
	EXPECT(cached() > 0);
}

/* The only free block of order 3 lies in a cache, page by page: the request gets it. */
static void high_order(void)
{
	struct page **slot[8];
	struct page *block;
	struct pool pool;

	if (!need_caches() || !pool_begin(&pool))
		return;
	pool_fill(&pool);
	if (EXPECT(pool_find_block(&pool, 3, slot))) {
		pfn_t pfn = page_to_pfn(*slot[0]);

		EXPECT(alloc_pages(GFP_KERNEL | __GFP_NOWARN, 3) == NULL);
		for (unsigned int i = 0; i < 8; i++) {
			EXPECT_EQ(0, __free_page(*slot[i]));
			*slot[i] = NULL;
		}
		EXPECT_EQ(8, cached());
		EXPECT_EQ(0, free_pages_now());
		block = alloc_pages(GFP_KERNEL, 3);
		if (EXPECT(block != NULL)) {
			EXPECT_EQ(pfn, page_to_pfn(block));
			EXPECT_EQ(0, cached());
			EXPECT_EQ(0, __free_pages(block, 3));
		}
	}
	pool_empty(&pool);
	pool_end(&pool);
}

TEST_CASE(pcp, refill, refill);
TEST_CASE(pcp, give_back, give_back);
TEST_CASE(pcp, drain, drain);
TEST_CASE(pcp, off, off);
TEST_CASE(pcp, high_order, high_order);
