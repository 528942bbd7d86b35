// SPDX-License-Identifier: BSD-2-Clause
/*
 * suite_misuse.c: each wrong free is refused with its own error, raises its own counter and no other,
 * and changes nothing (FEATURES rows 23 and 27).
 */
#include "ktap.h"
#include "pool.h"

#include <errno.h>

#include <quarry/memblock.h>

#include "boot/boot.h"

/* What the allocator was before a wrong call. */
struct before {
	uint64_t hash;
	struct mm_stats stats;
};

static struct before look(void)
{
	struct before before;

	before.hash = mm_state_hash();
	mm_get_stats(&before.stats);
	return before;
}

static void expect_refused(const struct before *before, int expected, int got, enum mm_misuse kind,
			   int line)
{
	struct mm_stats after;

	mm_get_stats(&after);
	test_expect_eq((uint64_t)-expected, (uint64_t)-got, __FILE__, line, "-errno");
	for (int i = 0; i < NR_MISUSES; i++) {
		uint64_t more = i == (int)kind;

		test_expect_eq(before->stats.misuse[i] + more, after.misuse[i], __FILE__, line,
			       mm_misuse_name((enum mm_misuse)i));
	}
	test_expect_eq(before->stats.alloc_failed, after.alloc_failed, __FILE__, line, "failed");
	test_expect_eq(before->stats.bad_request, after.bad_request, __FILE__, line, "bad");
	test_expect_eq(before->hash, mm_state_hash(), __FILE__, line, "mm_state_hash()");
}

/* call must be refused with -error and counted as kind; its line of log goes to the ring alone. */
#define EXPECT_REFUSED(error, kind, call)                                   \
	do {                                                                \
		struct before before_ = look();                             \
		int got_;                                                   \
                                                                            \
		log_set_console(false);                                     \
		got_ = (call);                                              \
		log_set_console(true);                                      \
		expect_refused(&before_, -(error), got_, (kind), __LINE__); \
	} while (0)

static void double_free_in_cache(void)
{
	struct page *page = alloc_pages(GFP_KERNEL, 0);

	if (!EXPECT(page != NULL))
		return;
	EXPECT_EQ(0, __free_page(page));
	EXPECT_REFUSED(EALREADY, MISUSE_DOUBLE_FREE, __free_page(page));
	EXPECT_REFUSED(EALREADY, MISUSE_DOUBLE_FREE, free_pages_phys(page_to_phys(page), 0));
	EXPECT_REFUSED(EALREADY, MISUSE_DOUBLE_FREE, put_page(page));
}

static void double_free_in_buddy(void)
{
	unsigned long high = mm_pcp_high();
	struct page *held;
	struct page *page;

	mm_set_pcp_high(0);
	held = alloc_pages(GFP_KERNEL, 1);
	page = alloc_pages(GFP_KERNEL, 0);
	if (EXPECT(held && page)) {
		EXPECT_EQ(0, __free_page(page));
		EXPECT_REFUSED(EALREADY, MISUSE_DOUBLE_FREE, __free_page(page));
		EXPECT_EQ(0, __free_pages(held, 1));
		/* now both lie somewhere inside a larger free block */
		EXPECT_REFUSED(EALREADY, MISUSE_DOUBLE_FREE, __free_page(page));
		EXPECT_REFUSED(EALREADY, MISUSE_DOUBLE_FREE, __free_pages(held, 1));
	}
	mm_set_pcp_high(high);
}

static void double_free_large(void)
{
	unsigned int largest = largest_order();

	for (unsigned int order = 1; order <= largest; order++) {
		struct page *page = alloc_pages(GFP_KERNEL, order);

		if (!EXPECT(page != NULL))
			return;
		EXPECT_EQ(0, __free_pages(page, order));
		EXPECT_REFUSED(EALREADY, MISUSE_DOUBLE_FREE, __free_pages(page, order));
		EXPECT_REFUSED(EALREADY, MISUSE_DOUBLE_FREE,
			       free_pages((unsigned long)page_address(page), order));
	}
}

static void wrong_order(void)
{
	unsigned int largest = largest_order();

	for (unsigned int order = 0; order <= largest; order++) {
		struct page *page = alloc_pages(GFP_KERNEL, order);

		if (!EXPECT(page != NULL))
			return;
		for (unsigned int other = 0; other <= NR_PAGE_ORDERS; other++)
			if (other != order)
				EXPECT_REFUSED(EINVAL, MISUSE_WRONG_ORDER,
					       __free_pages(page, other));
		EXPECT_REFUSED(EINVAL, MISUSE_WRONG_ORDER, __free_pages(page, ~0U));
		EXPECT_EQ(0, free_pages_phys(page_to_phys(page), -1));
	}
}

static void tail(void)
{
	struct page *page = alloc_pages(GFP_KERNEL, 6);

	if (!EXPECT(page != NULL))
		return;
	for (unsigned int i = 1; i < 64; i++) {
		phys_addr_t addr = page_to_phys(page) + i * PAGE_SIZE;

		EXPECT_REFUSED(EINVAL, MISUSE_TAIL, __free_page(page + i));
		EXPECT_REFUSED(EINVAL, MISUSE_TAIL, free_pages_phys(addr, -1));
	}
	EXPECT_EQ(0, __free_pages(page, 6));
}

static void compound_tail(void)
{
	struct page *page = alloc_pages(GFP_KERNEL | __GFP_COMP, 6);

	if (!EXPECT(page != NULL))
		return;
	for (unsigned int i = 1; i < 64; i++) {
		phys_addr_t addr = page_to_phys(page) + i * PAGE_SIZE;

		EXPECT_REFUSED(EINVAL, MISUSE_TAIL, __free_pages(page + i, 6));
		EXPECT_REFUSED(EINVAL, MISUSE_TAIL, free_pages_phys(addr, -1));
	}
	EXPECT_EQ(1, page_count(page));
	EXPECT_EQ(0, __free_pages(page, 6));
}

static void reserved(void)
{
	unsigned int tried = 0;

	for (unsigned long i = 0; i < memblock.reserved.cnt && tried < 8; i++) {
		phys_addr_t base = memblock.reserved.regions[i].base & PAGE_MASK;
		struct page_info info;

		if (!memblock_is_memory(base) || mm_page_info(PFN_DOWN(base), &info) != 0)
			continue;
		EXPECT_EQ(PAGE_RESERVED, info.state);
		EXPECT_REFUSED(EPERM, MISUSE_RESERVED, free_pages_phys(base, 0));
		EXPECT_REFUSED(EPERM, MISUSE_RESERVED, free_pages_phys(base, -1));
		EXPECT_REFUSED(EPERM, MISUSE_RESERVED, __free_page(phys_to_page(base)));
		tried++;
	}
	EXPECT(tried > 0);
}

/* No memory there: past the last bank, before the first, and in each hole between banks. */
static void foreign(void)
{
	const struct memblock_region *region = memblock.memory.regions;
	phys_addr_t end = ALIGN_UP(memblock_end_of_DRAM(), PAGE_SIZE << MAX_PAGE_ORDER);
	phys_addr_t start = ALIGN_DOWN(memblock_start_of_DRAM(), PAGE_SIZE << MAX_PAGE_ORDER);

	EXPECT_REFUSED(EFAULT, MISUSE_FOREIGN, free_pages_phys(end, 0));
	EXPECT_REFUSED(EFAULT, MISUSE_FOREIGN, free_pages_phys(~(phys_addr_t)0 & PAGE_MASK, 0));
	if (start > 0)
		EXPECT_REFUSED(EFAULT, MISUSE_FOREIGN, free_pages_phys(start - PAGE_SIZE, 0));
	EXPECT(pfn_to_page(PFN_DOWN(end)) == NULL);
	EXPECT(!pfn_valid(PFN_DOWN(end)));
	for (unsigned long i = 0; i + 1 < memblock.memory.cnt; i++) {
		phys_addr_t hole = region[i].base + region[i].size;

		hole = ALIGN_UP(hole, PAGE_SIZE);
		if (hole + PAGE_SIZE > region[i + 1].base)
			continue;
		/* there are descriptors if the hole shares 4 MiB with memory; they change nothing */
		EXPECT_REFUSED(EFAULT, MISUSE_FOREIGN, free_pages_phys(hole, 0));
	}
}

static void misaligned(void)
{
	struct page *page = alloc_pages(GFP_KERNEL, 0);
	unsigned long addr;

	if (!EXPECT(page != NULL))
		return;
	addr = (unsigned long)page_address(page);
	EXPECT_REFUSED(EINVAL, MISUSE_MISALIGNED, free_pages(addr + 1, 0));
	EXPECT_REFUSED(EINVAL, MISUSE_MISALIGNED, free_pages(addr + PAGE_SIZE - 1, 0));
	EXPECT_REFUSED(EINVAL, MISUSE_MISALIGNED, free_pages_phys(page_to_phys(page) + 8, -1));
	EXPECT_EQ(0, free_pages(addr, 0));
	EXPECT_EQ(0, free_pages(0, 0));
}

/* Pointers that are no descriptor: NULL, inside one, before the first, a stack address. */
static void not_a_descriptor(void)
{
	struct page on_stack = {0};
	struct page *page = alloc_pages(GFP_KERNEL, 3);

	if (!EXPECT(page != NULL))
		return;
	EXPECT_REFUSED(EFAULT, MISUSE_FOREIGN, __free_pages(NULL, 0));
	EXPECT_REFUSED(EFAULT, MISUSE_FOREIGN, __free_pages(&on_stack, 0));
	for (unsigned long i = 1; i < sizeof(struct page); i++)
		EXPECT_REFUSED(EINVAL, MISUSE_MISALIGNED,
			       __free_pages((struct page *)((uintptr_t)page + i), 3));
	EXPECT_REFUSED(EFAULT, MISUSE_FOREIGN, __free_pages((struct page *)(uintptr_t)8, 0));
	EXPECT_REFUSED(EFAULT, MISUSE_FOREIGN, __free_pages((struct page *)~(uintptr_t)7, 0));
	EXPECT_EQ(0, __free_pages(page, 3));
}

TEST_CASE(misuse, double_free_in_cache, double_free_in_cache);
TEST_CASE(misuse, double_free_in_buddy, double_free_in_buddy);
TEST_CASE(misuse, double_free_large, double_free_large);
TEST_CASE(misuse, wrong_order, wrong_order);
TEST_CASE(misuse, tail, tail);
TEST_CASE(misuse, compound_tail, compound_tail);
TEST_CASE(misuse, reserved, reserved);
TEST_CASE(misuse, foreign, foreign);
TEST_CASE(misuse, misaligned, misaligned);
TEST_CASE(misuse, not_a_descriptor, not_a_descriptor);
