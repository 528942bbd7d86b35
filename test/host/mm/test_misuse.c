/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_misuse.c: every address there is, given to every free while memory is in a mixed state: what
 * is no allocated block is refused with its own error and its own counter, and nothing changes.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <quarry/memblock.h>

#include "machine.h"
#include "test/host/port_host.h"

#define BLOCKS 120

static struct page *block[BLOCKS];
static unsigned int block_order[BLOCKS];

static uint64_t refusals(void)
{
	struct mm_stats stats;
	uint64_t sum = 0;

	mm_get_stats(&stats);
	for (int i = 0; i < NR_MISUSES; i++)
		sum += stats.misuse[i];
	return sum;
}

static void expect_refused(int error, int expected, enum mm_misuse kind,
			   const struct mm_stats *before)
{
	struct mm_stats now;

	assert_int_equal(-expected, error);
	mm_get_stats(&now);
	for (int i = 0; i < NR_MISUSES; i++)
		assert_int_equal(before->misuse[i] + (i == (int)kind), now.misuse[i]);
	assert_int_equal(before->alloc_failed, now.alloc_failed);
	assert_int_equal(before->bad_request, now.bad_request);
}

#define EXPECT_REFUSED(error, kind, call)                         \
	do {                                                      \
		struct mm_stats stats_;                           \
                                                                  \
		mm_get_stats(&stats_);                            \
		expect_refused((call), (error), (kind), &stats_); \
	} while (0)

/* Blocks of all orders, some freed again: pages in use, in caches, in the buddy, never touched. */
static void mix(void)
{
	uint64_t seed = 11;

	for (unsigned int i = 0; i < BLOCKS; i++) {
		block_order[i] =
			(unsigned int)(host_random(&seed) % 100 < 60 ? 0 : host_random(&seed) % 6);
		block[i] = alloc_pages(GFP_KERNEL | __GFP_NOWARN, block_order[i]);
	}
	for (unsigned int i = 0; i < BLOCKS; i += 2) {
		if (block[i])
			assert_int_equal(0, __free_pages(block[i], block_order[i]));
		block[i] = NULL;
	}
	for (unsigned int i = 0; i < BLOCKS; i++)
		if (block[i])
			oracle_take(block[i], block_order[i]);
}

static void unmix(void)
{
	for (unsigned int i = 0; i < BLOCKS; i++) {
		if (!block[i])
			continue;
		oracle_give(page_to_pfn(block[i]), block_order[i]);
		assert_int_equal(0, __free_pages(block[i], block_order[i]));
	}
}

static bool is_head(pfn_t pfn)
{
	for (unsigned int i = 0; i < BLOCKS; i++)
		if (block[i] && page_to_pfn(block[i]) == pfn)
			return true;
	return false;
}

/* The oracle knows what each frame is, so it knows the answer to a free of it. */
static void every_frame(void **state)
{
	uint64_t hash;
	uint64_t refused = refusals();

	machine_start(*state);
	refused = refusals();
	mix();
	hash = mm_state_hash();
	for (pfn_t pfn = machine.first; pfn < machine.end; pfn++) {
		phys_addr_t addr = PFN_PHYS(pfn);

		switch (machine.frame[pfn - machine.first]) {
		case FRAME_ABSENT:
			EXPECT_REFUSED(EFAULT, MISUSE_FOREIGN, free_pages_phys(addr, 0));
			break;
		case FRAME_RESERVED:
			if (pfn != 0)
				EXPECT_REFUSED(EPERM, MISUSE_RESERVED, free_pages_phys(addr, 0));
			else
				assert_int_not_equal(0, free_pages_phys(addr, 0));
			break;
		case FRAME_FREE:
			EXPECT_REFUSED(EALREADY, MISUSE_DOUBLE_FREE, free_pages_phys(addr, 0));
			break;
		default: /* the caches' arrays are in use too: not heads of ours, left alone */
			if (is_head(pfn))
				EXPECT_REFUSED(EINVAL, MISUSE_WRONG_ORDER,
					       free_pages_phys(addr, 7));
			break;
		}
		refused++;
		EXPECT_REFUSED(EINVAL, MISUSE_MISALIGNED,
			       free_pages_phys(addr + 1 + pfn % 4095, 0));
		if (pfn % 509 == 0)
			assert_int_equal(hash, mm_state_hash());
	}
	assert_int_equal(hash, mm_state_hash());
	unmix();
	machine_stop();
}

/* The same through descriptors: every one, and every address between and around them. */
static void every_descriptor(void **state)
{
	struct page *first;
	struct page *last;
	uint64_t hash;

	machine_start(*state);
	mix();
	hash = mm_state_hash();
	first = phys_to_page(memblock_start_of_DRAM() + PAGE_SIZE - 1);
	last = phys_to_page(memblock_end_of_DRAM() - PAGE_SIZE);
	assert_non_null(first);
	assert_non_null(last);
	for (struct page *page = first; page <= last; page++) {
		pfn_t pfn = page_to_pfn(page);
		char *inside = (char *)page + 1 + pfn % 7;

		assert_ptr_equal(page, pfn_to_page(pfn));
		assert_int_not_equal(0, __free_pages((struct page *)(void *)inside, 0));
		if (pfn < machine.first || pfn >= machine.end ||
		    machine.frame[pfn - machine.first] != FRAME_TAKEN)
			assert_int_not_equal(0, __free_pages(page, 0));
	}
	assert_int_equal(hash, mm_state_hash());
	EXPECT_REFUSED(EFAULT, MISUSE_FOREIGN, __free_pages(NULL, 0));
	EXPECT_REFUSED(EFAULT, MISUSE_FOREIGN, __free_pages((struct page *)(uintptr_t)~7UL, 3));
	EXPECT_REFUSED(EFAULT, MISUSE_FOREIGN, __free_pages((struct page *)(void *)&hash, 0));
	assert_int_equal(hash, mm_state_hash());
	unmix();
	machine_stop();
}

/* Tails and wrong orders of every block in use; the right call afterwards still works. */
static void tails_and_orders(void **state)
{
	uint64_t hash;

	machine_start(*state);
	mix();
	hash = mm_state_hash();
	for (unsigned int i = 0; i < BLOCKS; i++) {
		if (!block[i])
			continue;
		for (unsigned long k = 1; k < 1UL << block_order[i]; k++)
			EXPECT_REFUSED(EINVAL, MISUSE_TAIL, __free_pages(block[i] + k, 0));
		for (unsigned int order = 0; order < 16; order++)
			if (order != block_order[i])
				EXPECT_REFUSED(EINVAL, MISUSE_WRONG_ORDER,
					       __free_pages(block[i], order));
		EXPECT_REFUSED(EINVAL, MISUSE_WRONG_ORDER, __free_pages(block[i], ~0U));
	}
	assert_int_equal(hash, mm_state_hash());
	unmix();
	machine_stop();
}

/*
 * A compound block is freed by its head. A tail, by whatever call and with whatever order, frees
 * nothing, however many holders there are; put_page() takes a tail, as it drops a reference of the
 * block.
 */
static void compound_tails(void **state)
{
	uint64_t hash;

	machine_start(*state);
	for (unsigned int order = 1; order < NR_PAGE_ORDERS; order++) {
		struct page *head = alloc_pages(GFP_KERNEL | __GFP_COMP, order), *tail;

		assert_non_null(head);
		for (unsigned int holders = 1; holders <= 2; holders++) {
			hash = mm_state_hash();
			for (unsigned long k = 1; k < 1UL << order; k += 1 + k / 5) {
				phys_addr_t addr = page_to_phys(tail = head + k);

				EXPECT_REFUSED(EINVAL, MISUSE_TAIL, __free_pages(tail, order));
				EXPECT_REFUSED(EINVAL, MISUSE_TAIL, __free_page(tail));
				EXPECT_REFUSED(EINVAL, MISUSE_TAIL, free_pages_phys(addr, -1));
				EXPECT_REFUSED(EINVAL, MISUSE_TAIL,
					       free_pages_phys(addr, (int)order));
				EXPECT_REFUSED(EINVAL, MISUSE_TAIL,
					       free_pages((uintptr_t)page_address(tail), order));
				EXPECT_REFUSED(
					EINVAL, MISUSE_TAIL,
					free_pages_exact(page_address(tail), PAGE_SIZE << order));
			}
			assert_int_equal(hash, mm_state_hash());
			assert_int_equal(holders, page_count(head));
			get_page(head);
		}
		assert_int_equal(3, page_count(head));
		assert_int_equal(0, put_page(head + 1));
		assert_int_equal(0, put_page(head));
		assert_int_equal(0, put_page(head + (1UL << order) - 1));
	}
	machine_stop();
}

/* By policy a refused free panics, and says what it was. */
static void panic_policy(void **state)
{
	static struct page *page;
	jmp_buf jump;

	(void)state;
	machine_start(&layouts[0]);
	page = alloc_page(GFP_KERNEL);
	assert_int_equal(0, __free_page(page));
	mm_set_misuse_panic(true);
	port_host_panic_jump = &jump;
	if (setjmp(jump) == 0) {
		__free_page(page);
		fail_msg("the free went through");
	}
	port_host_panic_jump = NULL;
	mm_set_misuse_panic(false);
	assert_non_null(strstr(port_host_panic_text, "double free"));
	machine_stop();
}

/* Flags and orders that no request may have. */
static void bad_requests(void **state)
{
	struct mm_stats before;
	struct mm_stats now;
	uint64_t bad = 0;
	uint64_t hash;

	(void)state;
	machine_start(&layouts[0]);
	hash = mm_state_hash();
	mm_get_stats(&before);
	for (unsigned int order = NR_PAGE_ORDERS; order < 40; order++, bad++)
		assert_null(alloc_pages(GFP_KERNEL, order));
	for (unsigned int bit = 0; bit < 32; bit++) {
		if (__GFP_BITS_MASK >> bit & 1)
			continue;
		assert_null(alloc_pages((gfp_t)1 << bit, bit % 2));
		bad++;
	}
	assert_null(alloc_pages(__GFP_MOVABLE | __GFP_RECLAIMABLE, 0));
	assert_null(alloc_pages(__GFP_MOVABLE | __GFP_RECLAIMABLE | GFP_DMA32, 4));
	mm_get_stats(&now);
	assert_int_equal(before.bad_request + bad + 2, now.bad_request);
	assert_int_equal(before.alloc_failed, now.alloc_failed);
	assert_int_equal(hash, mm_state_hash());
	machine_stop();
}

#define ON(fn, i)                                                                             \
	(struct CMUnitTest)                                                                   \
	{                                                                                     \
		.name = #fn, .test_func = fn, .initial_state = (void *)(uintptr_t)&layouts[i] \
	}

/*
 * A block that put_page_testzero() froze is not free yet: what is wrong with the call is said, not
 * that it is free.
 */
static void frozen_blocks(void **state)
{
	(void)state;
	machine_start(&layouts[0]);
	for (int compound = 0; compound < 2; compound++) {
		gfp_t gfp = GFP_KERNEL | (compound ? __GFP_COMP : 0);
		struct page *page = alloc_pages(gfp, 3);
		uint64_t hash;

		EXPECT_REFUSED(EBUSY, MISUSE_IN_USE, free_frozen_pages(page, 3));
		assert_true(put_page_testzero(page));
		hash = mm_state_hash();
		for (unsigned int order = 0; order <= MAX_PAGE_ORDER; order++)
			if (order != 3)
				EXPECT_REFUSED(EINVAL, MISUSE_WRONG_ORDER,
					       free_frozen_pages(page, order));
		for (unsigned int i = 1; i < 8; i++)
			EXPECT_REFUSED(EINVAL, MISUSE_TAIL, free_frozen_pages(page + i, 3));
		assert_int_equal(hash, mm_state_hash());
		assert_int_equal(0, free_frozen_pages(page, 3));
		EXPECT_REFUSED(EALREADY, MISUSE_DOUBLE_FREE, free_frozen_pages(page, 3));
	}
	machine_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frozen_blocks),
		ON(every_frame, 2),
		ON(every_frame, 3),
		ON(every_frame, 9),
		ON(every_frame, 10),
		ON(every_frame, 12),
		ON(every_descriptor, 0),
		ON(every_descriptor, 4),
		ON(every_descriptor, 9),
		ON(tails_and_orders, 0),
		ON(tails_and_orders, 1),
		ON(compound_tails, 0),
		ON(compound_tails, 1),
		cmocka_unit_test(panic_policy),
		cmocka_unit_test(bad_requests),
	};

	port_host_log_hook = port_host_quiet;
	return cmocka_run_group_tests_name("misuse", tests, NULL, NULL);
}
