// SPDX-License-Identifier: BSD-2-Clause
/*
 * suite_order.c: for each order 0..10, with the per-CPU caches off: natural alignment, blocks that do
 * not overlap and lie inside one zone and one run of memory, and the split and merge path, which
 * the change of the free blocks must show exactly (FEATURES rows 19-21).
 */
#include "ktap.h"
#include "pool.h"

#include <quarry/memblock.h>
#include <quarry/port.h>

#define MAX_BLOCKS 32

/* The block lies in one region of memory, outside every reservation, on one side of the zone limit. */
static void expect_inside_memory(phys_addr_t base, phys_addr_t size)
{
	struct zone_info info;
	bool inside = false;
	int zones = 0;

	for (unsigned long i = 0; i < memblock.memory.cnt; i++) {
		const struct memblock_region *region = &memblock.memory.regions[i];

		inside |= base >= region->base && base + size <= region->base + region->size;
	}
	EXPECT(inside);
	for (unsigned long i = 0; i < memblock.reserved.cnt; i++) {
		const struct memblock_region *region = &memblock.reserved.regions[i];

		EXPECT(base + size <= region->base || base >= region->base + region->size);
	}
	for (int zone = 0; zone < MAX_NR_ZONES; zone++) {
		mm_zone_info((enum zone_type)zone, &info);
		zones += info.spanned > 0 && base < PFN_PHYS(info.start_pfn + info.spanned) &&
			 base + size > PFN_PHYS(info.start_pfn);
	}
	EXPECT_EQ(1, zones);
}

/* Every word of a block says where it is, so that overlapping blocks cannot both be right. */
static void write_pattern(struct page *page, unsigned int order)
{
	uint64_t *word = page_address(page);
	uint64_t words = (PAGE_SIZE << order) / sizeof(*word);

	for (uint64_t i = 0; i < words; i++)
		word[i] = (page_to_phys(page) ^ 0xa5a5000000000000ULL) + i;
}

static bool pattern_intact(struct page *page, unsigned int order)
{
	const uint64_t *word = page_address(page);
	uint64_t words = (PAGE_SIZE << order) / sizeof(*word);

	for (uint64_t i = 0; i < words; i++)
		if (word[i] != (page_to_phys(page) ^ 0xa5a5000000000000ULL) + i)
			return false;
	return true;
}

/*
 * One allocation takes one free block of some order j >= order away and leaves one free block of each
 * order from `order` to j - 1: the split path. All in one zone.
 */
static void expect_split(const struct picture *before, const struct picture *after,
			 unsigned int order)
{
	int zones_changed = 0;

	for (int zone = 0; zone < MAX_NR_ZONES; zone++) {
		const uint64_t *was = before->nr_free[zone];
		const uint64_t *is = after->nr_free[zone];
		unsigned int from = NR_PAGE_ORDERS;

		for (unsigned int k = 0; k < NR_PAGE_ORDERS; k++)
			if (is[k] == was[k] - 1 && from == NR_PAGE_ORDERS)
				from = k;
		if (from == NR_PAGE_ORDERS)
			continue;
		zones_changed++;
		EXPECT_LE(from, order);
		for (unsigned int k = 0; k < NR_PAGE_ORDERS; k++) {
			uint64_t expected = was[k];

			if (k == from)
				expected--;
			else if (k >= order && k < from)
				expected++;
			EXPECT_EQ(expected, is[k]);
		}
	}
	EXPECT_EQ(1, zones_changed);
	EXPECT_EQ(picture_pages(before) - (1UL << order), picture_pages(after));
}

static void blocks_of_order(unsigned int order)
{
	unsigned long high = mm_pcp_high();
	struct page *block[MAX_BLOCKS];
	struct picture picture[2];
	struct picture start;
	unsigned int count;
	uint64_t expected;

	mm_set_pcp_high(0);
	expected = blocks_to_have(order);
	picture_take(&start);
	picture[0] = start;
	for (count = 0; count < MAX_BLOCKS; count++) {
		struct page *page = alloc_pages(GFP_KERNEL | __GFP_NOWARN, order);

		if (!page)
			break;
		block[count] = page;
		EXPECT_EQ(0, page_to_phys(page) & ((PAGE_SIZE << order) - 1));
		EXPECT_EQ(page_to_phys(page), virt_to_phys(page_address(page)));
		EXPECT(pfn_to_page(page_to_pfn(page)) == page);
		EXPECT_EQ(1, page_count(page));
		expect_inside_memory(page_to_phys(page), PAGE_SIZE << order);
		write_pattern(page, order);
		picture_take(&picture[1]);
		expect_split(&picture[0], &picture[1], order);
		picture[0] = picture[1];
	}
	/* a machine of 64 MiB gives a few blocks even of 4 MiB, one of 8 MiB none */
	EXPECT_EQ(expected < MAX_BLOCKS ? expected : MAX_BLOCKS, count);
	for (unsigned int i = 0; i < count; i++)
		EXPECT(pattern_intact(block[i], order));

	/* free the odd ones first: the even ones then merge over them */
	for (unsigned int i = 1; i < count; i += 2) {
		EXPECT_EQ(0, __free_pages(block[i], order));
		picture_take(&picture[1]);
		EXPECT_EQ(picture_pages(&picture[0]) + (1UL << order), picture_pages(&picture[1]));
		picture[0] = picture[1];
	}
	for (unsigned int i = 0; i < count; i += 2)
		EXPECT_EQ(0, __free_pages(block[i], order));
	EXPECT_PICTURE(&start);
	mm_set_pcp_high(high);
}

#define ORDER_CASE(n)               \
	static void order_##n(void) \
	{                           \
		blocks_of_order(n); \
	}                           \
	TEST_CASE(order, n, order_##n)

ORDER_CASE(0);
ORDER_CASE(1);
ORDER_CASE(2);
ORDER_CASE(3);
ORDER_CASE(4);
ORDER_CASE(5);
ORDER_CASE(6);
ORDER_CASE(7);
ORDER_CASE(8);
ORDER_CASE(9);
ORDER_CASE(10);

/* One more than the largest is refused as a bad request, and nothing else changes. */
static void too_large(void)
{
	struct mm_stats before;
	struct mm_stats after;
	uint64_t hash = mm_state_hash();

	mm_get_stats(&before);
	EXPECT(alloc_pages(GFP_KERNEL, NR_PAGE_ORDERS) == NULL);
	EXPECT(alloc_pages(GFP_KERNEL, ~0U) == NULL);
	EXPECT(alloc_pages(__GFP_MOVABLE | __GFP_RECLAIMABLE, 0) == NULL);
	EXPECT(alloc_pages((gfp_t)1, 0) == NULL);
	mm_get_stats(&after);
	EXPECT_EQ(before.bad_request + 4, after.bad_request);
	EXPECT_EQ(before.alloc_failed, after.alloc_failed);
	EXPECT_EQ(hash, mm_state_hash());
}

TEST_CASE(order, too_large, too_large);
