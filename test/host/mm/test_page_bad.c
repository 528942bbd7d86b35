/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_page_bad.c: a page that was found bad is never handed out again, can be neither freed nor held, and its neighbours are as
 * good as before; what is no page of its caller is refused, and nothing changes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <errno.h>
#include <cmocka.h>

#include "machine.h"

static uint64_t managed_and_free(uint64_t *free)
{
	struct zone_info info;
	uint64_t managed = 0;

	*free = 0;
	for (int zone = 0; zone < MAX_NR_ZONES; zone++) {
		mm_zone_info((enum zone_type)zone, &info);
		managed += info.managed;
		*free += info.free;
	}
	return managed;
}

static void expect_refused(pfn_t pfn)
{
	uint64_t hash = mm_state_hash();
	unsigned long bad = mm_nr_bad_pages();

	assert_int_equal(mm_page_set_bad(pfn), -EINVAL);
	assert_true(mm_state_hash() == hash);
	assert_int_equal(mm_nr_bad_pages(), bad);
}

static void test_refused(void **state)
{
	struct page *page, *block;

	(void)state;
	machine_start(&layouts[0]);
	page = alloc_page(GFP_KERNEL);
	block = alloc_pages(GFP_KERNEL, 3);
	expect_refused(page_to_pfn(block));	/* of order 3 */
	expect_refused(page_to_pfn(block) + 1); /* and inside of it */
	get_page(page);
	expect_refused(page_to_pfn(page)); /* another holder */
	put_page(page);
	__free_page(page);
	__free_pages(block, 3);
	expect_refused(page_to_pfn(page)); /* free */
	expect_refused(0);
	expect_refused(machine.end + 4096);
	for (pfn_t pfn = machine.first; pfn < machine.end; pfn++)
		if (machine.frame[pfn - machine.first] == FRAME_RESERVED) {
			expect_refused(pfn);
			break;
		}
	machine_stop();
}

/* Some pages become bad; then all memory is taken, in blocks of every order, and given back, again and again. */
static void run_layout(const struct layout *layout)
{
	static struct page *held[1 << 16];
	static unsigned int order[1 << 16];
	unsigned long before = mm_nr_bad_pages();
	struct page_info info;
	uint64_t free, now, bad_pages = 0;
	pfn_t bad[8];

	machine_start(layout);
	managed_and_free(&free);
	while (bad_pages < 8) {
		pfn_t pfn = machine.first + (pfn_t)rand() % (machine.end - machine.first);
		struct page *page;

		if (machine.frame[pfn - machine.first] != FRAME_FREE)
			continue;
		page = alloc_pages_between(GFP_KERNEL | __GFP_MEMALLOC | __GFP_NOWARN, 0,
					   PFN_PHYS(pfn), PFN_PHYS(pfn) + PAGE_SIZE - 1);
		if (!page)
			break; /* it is one already */
		assert_int_equal(mm_page_set_bad(pfn), 0);
		assert_int_equal(mm_page_info(pfn, &info), 0);
		assert_int_equal(info.state, PAGE_BAD);
		bad[bad_pages++] = pfn;
	}
	assert_true(bad_pages > 0);
	assert_int_equal(mm_nr_bad_pages(), before + bad_pages);
	assert_int_equal(mm_check(), 0);
	for (unsigned int round = 0; round < 4; round++) {
		unsigned int n = 0;
		unsigned int most = round < 3 ? (unsigned int)MAX_PAGE_ORDER >> round : 0;

		for (unsigned int o = most + 1; o-- > 0;)
			while (n < 1 << 16 &&
			       (held[n] =
					alloc_pages(GFP_KERNEL | __GFP_MEMALLOC | __GFP_NOWARN, o)))
				order[n++] = o;
		for (unsigned int i = 0; i < n; i++)
			for (unsigned int b = 0; b < bad_pages; b++)
				assert_true(bad[b] - page_to_pfn(held[i]) >= 1U << order[i]);
		assert_int_equal(mm_check(), 0);
		while (n-- > 0)
			assert_int_equal(__free_pages(held[n], order[n]), 0);
		drain_all_pages();
		assert_int_equal(mm_check(), 0);
		managed_and_free(&now);
		assert_int_equal(now, free - bad_pages);
	}
	for (unsigned int b = 0; b < bad_pages; b++) {
		uint64_t hash = mm_state_hash();

		assert_int_equal(free_pages_phys(PFN_PHYS(bad[b]), -1), -EPERM);
		assert_int_equal(mm_page_set_bad(bad[b]), -EINVAL);
		assert_null(alloc_pages_between(GFP_KERNEL | __GFP_NOWARN, 0, PFN_PHYS(bad[b]),
						PFN_PHYS(bad[b]) + PAGE_SIZE - 1));
		assert_true(mm_state_hash() == hash);
	}
	machine_drop();
}

static void test_never_handed_out(void **state)
{
	(void)state;
	srand(1);
	for (unsigned int i = 0; i < nr_layouts; i++)
		if (layouts[i].bank[0].size >= 8 << 20 && layouts[i].bank[0].size <= 64 << 20)
			run_layout(&layouts[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_never_handed_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
