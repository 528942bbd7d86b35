// SPDX-License-Identifier: BSD-2-Clause
/*
 * suite_refs.c: reference counts, compound blocks, and freeing a block that another holder still has
 * (FEATURES rows 24-26).
 */
#include "ktap.h"
#include "pool.h"

#include <errno.h>

static void get_and_put(void)
{
	struct page *page = alloc_page(GFP_KERNEL);

	if (!EXPECT(page != NULL))
		return;
	EXPECT_EQ(1, page_count(page));
	get_page(page);
	EXPECT_EQ(2, page_count(page));
	EXPECT(get_page_unless_zero(page));
	EXPECT_EQ(3, page_count(page));
	EXPECT(!put_page_testzero(page));
	EXPECT_EQ(0, put_page(page));
	EXPECT_EQ(1, page_count(page));
	EXPECT_EQ(0, put_page(page));
	EXPECT_EQ(0, page_count(page));
	EXPECT(!get_page_unless_zero(page));
}

static void compound(void)
{
	unsigned int largest = largest_order();
	struct picture before;

	picture_take(&before);
	for (unsigned int order = 1; order <= largest; order++) {
		struct page *page = alloc_pages(GFP_KERNEL | __GFP_COMP, order);
		struct page *tail;

		if (!EXPECT(page != NULL))
			return;
		tail = page + (1UL << order) - 1;
		EXPECT(compound_head(page) == page);
		EXPECT(compound_head(tail) == page);
		EXPECT(compound_head(page + (1UL << order) / 2) == page);
		get_page(tail);
		EXPECT_EQ(2, page_count(page));
		EXPECT_EQ(0, put_page(page + 1));
		EXPECT_EQ(1, page_count(page));
		/* the last reference, dropped through a tail, frees the whole block */
		EXPECT_EQ(0, put_page(tail));
		EXPECT_PICTURE(&before);
	}
}

/* Tails of a block that is not compound are on their own. */
static void not_compound(void)
{
	struct page *page = alloc_pages(GFP_KERNEL, 3);

	if (!EXPECT(page != NULL))
		return;
	EXPECT(compound_head(page + 5) == page + 5);
	EXPECT_EQ(EINVAL, -put_page(page + 5));
	EXPECT_EQ(0, __free_pages(page, 3));
}

/*
 * Another holder of a block that is not compound holds its head only: freeing the block frees the rest,
 * and the last put frees the head.
 */
static void second_holder(void)
{
	const unsigned int rounds = 10000;
	struct picture before;

	picture_take(&before);
	for (unsigned int i = 0; i < rounds; i++) {
		struct page *page = alloc_pages(GFP_KERNEL, 3);

		if (!EXPECT(page != NULL))
			return;
		get_page(page);
		EXPECT_EQ(0, __free_pages(page, 3));
		EXPECT_EQ(1, page_count(page));
		EXPECT_EQ(0, put_page(page));
	}
	EXPECT_PICTURE(&before);
}

/* The same with a compound block: it stays whole until the last holder lets go. */
static void second_holder_compound(void)
{
	struct picture before;
	struct page *page;
	uint64_t free;

	picture_take(&before);
	page = alloc_pages(GFP_KERNEL | __GFP_COMP, 3);
	if (!EXPECT(page != NULL))
		return;
	drain_all_pages();
	free = free_pages_now();
	get_page(page);
	EXPECT_EQ(0, __free_pages(page, 3));
	drain_all_pages();
	EXPECT_EQ(free, free_pages_now());
	EXPECT_EQ(1, page_count(page));
	EXPECT_EQ(0, put_page(page));
	EXPECT_PICTURE(&before);
}

TEST_CASE(refs, get_and_put, get_and_put);
TEST_CASE(refs, compound, compound);
TEST_CASE(refs, not_compound, not_compound);
TEST_CASE(refs, second_holder, second_holder);
TEST_CASE(refs, second_holder_compound, second_holder_compound);
