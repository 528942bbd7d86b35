// SPDX-License-Identifier: BSD-2-Clause
/*
 * suite_coalesce.c: all memory is taken page by page and given back in four orders; each time the
 * free blocks must be exactly those before (FEATURES row 20).
 */
#include "ktap.h"
#include "pool.h"

static void free_in_order(struct pool *pool)
{
	pool_empty(pool);
}

static void free_in_reverse(struct pool *pool)
{
	while (pool->count > 0)
		EXPECT_EQ(0, __free_page(*pool_slot(pool, --pool->count)));
	pool_empty(pool);
}

static void free_shuffled(struct pool *pool)
{
	struct prng prng = {PRNG_SEED};

	pool_shuffle(pool, &prng);
	pool_empty(pool);
}

static void free_odd_first(struct pool *pool)
{
	for (unsigned long i = 0; i < pool->count; i++) {
		struct page **slot = pool_slot(pool, i);

		if (page_to_pfn(*slot) & 1) {
			EXPECT_EQ(0, __free_page(*slot));
			*slot = NULL;
		}
	}
	drain_all_pages();
	EXPECT_EQ(0, mm_check());
	pool_empty(pool);
}

static void coalesce(void (*give_back)(struct pool *pool))
{
	struct picture before;
	struct pool pool;

	if (!pool_begin(&pool))
		return;
	picture_take(&before);
	EXPECT_EQ(pool.free_before, picture_pages(&before));
	pool_fill(&pool);
	EXPECT_EQ(0, mm_check());
	give_back(&pool);
	EXPECT_PICTURE(&before);
	pool_end(&pool);
}

static void in_order(void)
{
	coalesce(free_in_order);
}

static void in_reverse(void)
{
	coalesce(free_in_reverse);
}

static void shuffled(void)
{
	coalesce(free_shuffled);
}

static void odd_first(void)
{
	coalesce(free_odd_first);
}

TEST_CASE(coalesce, in_order, in_order);
TEST_CASE(coalesce, in_reverse, in_reverse);
TEST_CASE(coalesce, shuffled, shuffled);
TEST_CASE(coalesce, odd_first, odd_first);
