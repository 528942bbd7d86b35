// SPDX-License-Identifier: BSD-2-Clause
/*
 * suite_api.c: the rest of the interface drivers use: zeroed pages, sizes that are no power of two,
 * many pages in one call, and allocation in an interrupt handler (FEATURES rows 22, 28, 31).
 */
#include "ktap.h"
#include "pool.h"

#include <string.h>

#include "drivers/timer/timer.h"

static void zero(void)
{
	unsigned int largest = largest_order();

	for (unsigned int order = 0; order <= largest; order++) {
		size_t size = PAGE_SIZE << order;
		unsigned long addr = __get_free_pages(GFP_KERNEL, order);

		if (!EXPECT(addr != 0))
			return;
		memset((void *)addr, 0xa5, size);
		EXPECT_EQ(0, free_pages(addr, order));
		addr = __get_free_pages(GFP_KERNEL | __GFP_ZERO, order);
		if (!EXPECT(addr != 0))
			return;
		EXPECT(all_zero((void *)addr, size));
		EXPECT_EQ(0, free_pages(addr, order));
	}
	for (int i = 0; i < 100; i++) {
		unsigned long addr = get_zeroed_page(GFP_KERNEL);

		EXPECT(addr != 0 && all_zero((void *)addr, PAGE_SIZE));
		memset((void *)addr, 0xa5, PAGE_SIZE);
		EXPECT_EQ(0, free_page(addr));
	}
}

static void exact(void)
{
	static const unsigned long pages[] = {1, 2, 3, 5, 7, 8, 9, 100, 511, 513, 1023, 1024};
	unsigned long largest = 1UL << largest_order();
	struct picture before;
	struct picture now;

	picture_take(&before);
	for (unsigned int i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		size_t size = pages[i] * PAGE_SIZE - 1;
		char *memory = alloc_pages_exact(size, GFP_KERNEL | __GFP_NOWARN);

		if (pages[i] > largest) { /* it is cut from one block */
			EXPECT(memory == NULL);
			continue;
		}
		if (!EXPECT(memory != NULL))
			return;
		memset(memory, 0x5a, size);
		picture_take(&now);
		EXPECT_EQ(picture_pages(&before) - pages[i], picture_pages(&now));
		EXPECT_EQ(0, free_pages_exact(memory, size));
		EXPECT_PICTURE(&before);
	}
	EXPECT(alloc_pages_exact((PAGE_SIZE << MAX_PAGE_ORDER) + 1, GFP_KERNEL) == NULL);
	EXPECT(alloc_pages_exact(0, GFP_KERNEL) == NULL);
	EXPECT(alloc_pages_exact(SIZE_MAX, GFP_KERNEL) == NULL);
}

static void bulk(void)
{
	enum {
		MANY = 1024
	};
	static struct page *page[MANY];
	struct picture before;
	unsigned long many;
	uint64_t free;

	picture_take(&before);
	free = picture_pages(&before);
	many = free < MANY ? free / 2 : MANY;
	EXPECT_EQ(0, alloc_pages_bulk(GFP_KERNEL, 0, page));
	if (!EXPECT_EQ(many, alloc_pages_bulk(GFP_KERNEL, many, page)))
		return;
	drain_all_pages();
	EXPECT_EQ(free - many, free_pages_now());
	for (unsigned int i = 0; i < many; i++) {
		EXPECT_EQ(1, page_count(page[i]));
		*(unsigned int *)page_address(page[i]) = i;
	}
	for (unsigned int i = 0; i < many; i++) {
		EXPECT_EQ(i, *(unsigned int *)page_address(page[i]));
		EXPECT_EQ(0, __free_page(page[i]));
	}
	EXPECT_PICTURE(&before);
}

/* What the timer's call-back did. */
static struct {
	volatile unsigned int calls;
	volatile unsigned int failed;
	struct page *kept;
} tick;

/* Interrupt context: a page handed from one interrupt to the next, a block, and a compound one. */
static void on_tick(void *arg)
{
	struct page *page = alloc_page(GFP_ATOMIC);
	struct page *block = alloc_pages(GFP_ATOMIC | __GFP_COMP, 2);

	(void)arg;
	if (!page || !block || __free_pages(block, 2) != 0)
		tick.failed++;
	if (tick.kept && __free_page(tick.kept) != 0)
		tick.failed++;
	tick.kept = page;
	tick.calls++;
}

/* The thread allocates and frees as fast as it can while the timer's interrupts do the same. */
static void interrupt(void)
{
	const unsigned int wanted = 200;
	uint64_t deadline = timer_now() + 20 * NSEC_PER_SEC;
	struct page *page[8];
	unsigned long rounds = 0;

	if (timer_hz() == 0) {
		test_note("no timer on this machine");
		EXPECT_EQ(0, timer_now());
		return;
	}
	tick.calls = 0;
	tick.failed = 0;
	tick.kept = NULL;
	EXPECT_EQ(0, timer_set(NSEC_PER_MSEC / 10, true, on_tick, NULL));
	while (tick.calls < wanted && timer_now() < deadline) {
		for (unsigned int i = 0; i < 8; i++)
			page[i] = alloc_pages(GFP_KERNEL, i % 4);
		for (unsigned int i = 0; i < 8; i++)
			EXPECT_EQ(0, __free_pages(page[i], i % 4));
		rounds++;
	}
	timer_set(0, false, NULL, NULL);
	EXPECT(tick.calls >= wanted);
	EXPECT_EQ(0, tick.failed);
	if (tick.kept)
		EXPECT_EQ(0, __free_page(tick.kept));
	test_note("%u interrupts in %lu rounds", tick.calls, rounds);
}

TEST_CASE(api, zero, zero);
TEST_CASE(api, exact, exact);
TEST_CASE(api, bulk, bulk);
TEST_CASE(irq, allocates, interrupt);
