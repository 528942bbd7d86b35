// SPDX-License-Identifier: BSD-2-Clause
/*
 * suite_range.c: ranges of contiguous pages on the machine: contents, wrong frees, and the free blocks
 * exactly as before (FEATURES row 53).
 */
#include <errno.h>

#include "boot/boot.h"
#include "ktap.h"
#include "pool.h"

/* A number for each page, which differ. */
static void write_pages(pfn_t pfn, unsigned long pages)
{
	for (unsigned long i = 0; i < pages; i++)
		*(volatile uint64_t *)page_address(pfn_to_page(pfn + i)) = (pfn + i) * 0x9e3779b9U;
}

static bool verify_pages(pfn_t pfn, unsigned long pages)
{
	for (unsigned long i = 0; i < pages; i++)
		if (*(volatile uint64_t *)page_address(pfn_to_page(pfn + i)) !=
		    (pfn + i) * 0x9e3779b9U)
			return false;
	return true;
}

/* Anywhere: an eighth of what is free. */
static void anywhere(void)
{
	struct picture before;
	unsigned long pages;
	struct page *page;

	drain_all_pages();
	picture_take(&before);
	pages = picture_pages(&before) / 8 | 3; /* no power of two */
	page = alloc_contig_pages(pages, GFP_KERNEL | __GFP_NOWARN);
	if (!page) {
		test_skip("no such range is free");
		return;
	}
	write_pages(page_to_pfn(page), pages);
	EXPECT_EQ(pages, contig_range_pages(page_to_pfn(page)));
	EXPECT_EQ(0, mm_check());
	EXPECT(verify_pages(page_to_pfn(page), pages));
	EXPECT_EQ(0, free_contig_range(page_to_pfn(page), pages));
	EXPECT_PICTURE(&before);
}

/* At an address, inside pageblocks and across them; who is in the way is not moved. */
static void at_an_address(void)
{
	struct picture before;
	struct page *page;
	pfn_t pfn;

	drain_all_pages();
	picture_take(&before);
	page = alloc_contig_pages(2048, GFP_KERNEL | __GFP_NOWARN);
	if (!page) {
		test_skip("no such range is free");
		return;
	}
	pfn = page_to_pfn(page);
	EXPECT_EQ(-EBUSY,
		  alloc_contig_range(pfn + 7, pfn + 8, MIGRATE_MOVABLE, GFP_KERNEL | __GFP_NOWARN));
	EXPECT_EQ(0, free_contig_range(pfn, 2048));
	EXPECT_EQ(0, alloc_contig_range(pfn + 7, pfn + 1731, MIGRATE_MOVABLE,
					GFP_KERNEL | __GFP_ZERO));
	for (unsigned long i = 0; i < 1724; i += 171)
		EXPECT_EQ(0, *(volatile uint64_t *)page_address(pfn_to_page(pfn + 7 + i)));
	EXPECT_EQ(0, mm_check());
	EXPECT_EQ(0, free_contig_range(pfn + 7, 1724));
	EXPECT_PICTURE(&before);
}

static void wrong_frees(void)
{
	struct page *page = alloc_contig_pages(100, GFP_KERNEL);
	pfn_t pfn;

	if (!EXPECT(page != NULL))
		return;
	pfn = page_to_pfn(page);
	log_set_console(false);
	EXPECT_EQ(-EINVAL, free_contig_range(pfn, 50));
	EXPECT_EQ(-EINVAL, free_contig_range(pfn + 50, 50));
	EXPECT_EQ(-EINVAL, __free_page(page));
	EXPECT_EQ(0, free_contig_range(pfn, 100));
	EXPECT_EQ(-EALREADY, free_contig_range(pfn, 100));
	log_set_console(true);
}

TEST_CASE(range, anywhere, anywhere);
TEST_CASE(range, at_an_address, at_an_address);
TEST_CASE(range, wrong_frees, wrong_frees);
