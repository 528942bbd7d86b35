// SPDX-License-Identifier: BSD-2-Clause
/*
 * suite_frag.c: what fragmentation does, in exact figures: every second frame free, and a random half
 * free, compared with a count made from the set of freed frames alone.
 */
#include "ktap.h"
#include "pool.h"

#include <string.h>

/* A bit for each frame of a window from the lowest frame held; frames past it are not chosen. */
struct frame_set {
	uint64_t *bits;
	unsigned int order;
	pfn_t start;   /* a multiple of MAX_ORDER_NR_PAGES */
	uint64_t size; /* frames, a multiple of MAX_ORDER_NR_PAGES */
};

#define FRAME_SET_MAX ((PAGE_SIZE << MAX_PAGE_ORDER) * 8) /* 128 GiB of memory */

static bool frame_set_alloc(struct frame_set *set)
{
	struct zone_info info;
	pfn_t first = ~(pfn_t)0;
	pfn_t end = 0;

	for (int zone = 0; zone < MAX_NR_ZONES; zone++) {
		mm_zone_info((enum zone_type)zone, &info);
		if (info.spanned == 0)
			continue;
		first = first < info.start_pfn ? first : info.start_pfn;
		end = end > info.start_pfn + info.spanned ? end : info.start_pfn + info.spanned;
	}
	set->start = ALIGN_DOWN(first, MAX_ORDER_NR_PAGES);
	set->size = ALIGN_UP(end, MAX_ORDER_NR_PAGES) - set->start;
	if (set->size > FRAME_SET_MAX)
		set->size = FRAME_SET_MAX;
	set->order = 0;
	while ((PAGE_SIZE << set->order) * 8 < set->size)
		set->order++;
	set->bits = (uint64_t *)__get_free_pages(GFP_KERNEL | __GFP_ZERO, set->order);
	return EXPECT(set->bits != NULL);
}

static bool has(const struct frame_set *set, uint64_t frame)
{
	return (set->bits[frame / 64] >> (frame % 64)) & 1;
}

/* Frames [frame, frame + 2^order) are all in the set. */
static bool has_all(const struct frame_set *set, uint64_t frame, unsigned int order)
{
	if (order < 6) {
		for (uint64_t i = 0; i < 1UL << order; i++)
			if (!has(set, frame + i))
				return false;
		return true;
	}
	for (uint64_t i = 0; i < 1UL << order; i += 64)
		if (~set->bits[(frame + i) / 64] != 0)
			return false;
	return true;
}

/* The blocks a buddy allocator must hold if exactly the frames of the set are free. */
static void expected_blocks(const struct frame_set *set, uint64_t nr_free[NR_PAGE_ORDERS])
{
	uint64_t frame = 0;

	memset(nr_free, 0, NR_PAGE_ORDERS * sizeof(nr_free[0]));
	while (frame < set->size) {
		unsigned int order = MAX_PAGE_ORDER;

		if (!has(set, frame)) {
			frame++;
			continue;
		}
		while ((frame & ((1UL << order) - 1)) != 0 || !has_all(set, frame, order))
			order--;
		nr_free[order]++;
		frame += 1UL << order;
	}
}

static uint64_t blocks_of(const struct picture *picture, unsigned int order)
{
	uint64_t blocks = 0;

	for (int zone = 0; zone < MAX_NR_ZONES; zone++)
		blocks += picture->nr_free[zone][order];
	return blocks;
}

static void every_second(void)
{
	struct picture before;
	struct picture now;
	struct pool pool;
	uint64_t freed = 0, odd;
	char why[320] = "";
	uint64_t hash;

	if (!pool_begin(&pool))
		return;
	picture_take(&before);
	pool_fill(&pool);
	for (unsigned long i = 0; i < pool.count; i++) {
		struct page **slot = pool_slot(&pool, i);

		if ((page_to_pfn(*slot) & 1) == 0) {
			EXPECT_EQ(0, __free_page(*slot));
			*slot = NULL;
			freed++;
		}
	}
	odd = pool.count - freed;
	picture_take(&now);
	EXPECT_EQ(freed, free_pages_now());
	EXPECT_EQ(freed, blocks_of(&now, 0));
	for (unsigned int order = 1; order < NR_PAGE_ORDERS; order++)
		EXPECT_EQ(0, blocks_of(&now, order));
	/* as many even frames as odd ones, but for blocks of one page */
	EXPECT_LE(blocks_of(&before, 0), freed > odd ? freed - odd : odd - freed);

	hash = mm_state_hash();
	EXPECT(!mm_explain(GFP_KERNEL, 1, why, sizeof(why)));
	EXPECT_TEXT("order 1", why);
	EXPECT_TEXT("largest", why);
	for (const char *zone = why; *zone; zone += strspn(zone, "; ")) {
		int length = (int)strcspn(zone, ";");

		test_note("half free, order 1 refused: %.*s", length, zone);
		zone += length;
	}
	EXPECT(alloc_pages(GFP_KERNEL | __GFP_NOWARN, 1) == NULL);
	EXPECT_EQ(hash, mm_state_hash());
	EXPECT(mm_explain(GFP_KERNEL, 0, why, sizeof(why)));

	pool_empty(&pool);
	EXPECT_PICTURE(&before);
	pool_end(&pool);
}

static void random_half(void)
{
	struct prng prng = {PRNG_SEED};
	uint64_t expected[NR_PAGE_ORDERS];
	struct frame_set set;
	struct picture before;
	struct picture now;
	struct pool pool;

	if (!frame_set_alloc(&set))
		return;
	if (pool_begin(&pool)) {
		picture_take(&before);
		pool_fill(&pool);
		for (unsigned long i = 0; i < pool.count; i++) {
			struct page **slot = pool_slot(&pool, i);
			uint64_t frame = page_to_pfn(*slot) - set.start;

			if (frame < set.size && (prng_next(&prng) >> 32) % 2 == 0) {
				EXPECT_EQ(0, __free_page(*slot));
				*slot = NULL;
				set.bits[frame / 64] |= 1ULL << (frame % 64);
			}
		}
		expected_blocks(&set, expected);
		picture_take(&now);
		for (unsigned int order = 0; order < NR_PAGE_ORDERS; order++)
			EXPECT_EQ(expected[order], blocks_of(&now, order));
		EXPECT_EQ(0, mm_check());
		pool_empty(&pool);
		EXPECT_PICTURE(&before);
		pool_end(&pool);
	}
	EXPECT_EQ(0, free_pages((unsigned long)set.bits, set.order));
}

TEST_CASE(frag, every_second, every_second);
TEST_CASE(frag, random_half, random_half);
