// SPDX-License-Identifier: BSD-2-Clause
/*
 * suite_debug.c: the debug options on the machine (FEATURES rows 28, 39).
 */
#include "ktap.h"
#include "pool.h"

#include <errno.h>
#include <string.h>

#include <quarry/mm.h>

#include "boot/boot.h"

static void poison(void)
{
	uint64_t hits = stats_now().poison_hit;
	struct page *page, *again;

	if (skip_without_hooks())
		return;
	EXPECT_EQ(0, mm_set_hooks(MM_HOOK_POISON));
	EXPECT_EQ(EINVAL, -mm_set_hooks(MM_HOOK_POISON | MM_HOOK_INIT_ON_FREE));
	page = alloc_page(GFP_KERNEL);
	if (EXPECT(page != NULL)) {
		EXPECT_EQ(0, __free_page(page));
		((char *)page_address(page))[5] = 1; /* after it was freed */
		log_set_console(false);
		again = alloc_page(GFP_KERNEL);
		log_set_console(true);
		EXPECT(again == page);
		EXPECT_EQ(hits + 1, stats_now().poison_hit);
		EXPECT_EQ(0, __free_page(again));
	}
	EXPECT_EQ(0, mm_set_hooks(0));
}

static void init_on_alloc_and_free(void)
{
	unsigned int largest = largest_order();

	if (skip_without_hooks())
		return;
	for (unsigned int order = 0; order <= largest; order++) {
		struct page *page;

		EXPECT_EQ(0, mm_set_hooks(MM_HOOK_INIT_ON_ALLOC));
		page = alloc_pages(GFP_KERNEL, order);
		if (!EXPECT(page != NULL))
			break;
		EXPECT(all_zero(page_address(page), PAGE_SIZE << order));
		memset(page_address(page), 0x5a, PAGE_SIZE << order);
		EXPECT_EQ(0, mm_set_hooks(MM_HOOK_INIT_ON_FREE));
		EXPECT_EQ(0, __free_pages(page, order));
		EXPECT(all_zero(page_address(page), PAGE_SIZE << order));
	}
	EXPECT_EQ(0, mm_set_hooks(0));
}

static void tracepoints(void)
{
	static struct mm_trace_entry ring[16], entries[16];
	struct page *page;
	char text[160];

	if (skip_without_hooks())
		return;
	EXPECT_EQ(0, mm_trace_start(ring, 16));
	page = alloc_pages(GFP_ATOMIC, 3);
	EXPECT_EQ(0, __free_pages(page, 3));
	EXPECT_EQ(2, mm_trace_read(entries, 16));
	EXPECT_TEXT("mm_page_alloc: pfn=0x", mm_trace_text(&entries[0], text, sizeof(text)));
	EXPECT_TEXT("order=3 migratetype=0 gfp_flags=GFP_ATOMIC", text);
	EXPECT_TEXT("mm_page_free: pfn=0x", mm_trace_text(&entries[1], text, sizeof(text)));
	EXPECT_EQ(0, mm_trace_start(NULL, 0));
}

TEST_CASE(policy, poison, poison);
TEST_CASE(policy, init_on_alloc_and_free, init_on_alloc_and_free);
TEST_CASE(policy, tracepoints, tracepoints);
