/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_compact.c: direct compaction: a request that may wait has its block made from pages that can
 * move, fewer than the block has; one that is refused changes nothing but their places, and is not
 * tried again too soon.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <quarry/errno.h>

#include "machine.h"
#include "mm/alloc/alloc.h"
#include "mm/buddy/buddy.h"
#include "test/host/port_host.h"

#define MIB  (1UL << 20)
#define MOST (64 * 256)

static const struct layout small = {.bank = {{0x80000000UL, 64 * MIB}}, .caches = 1};
static mhandle_t handle[MOST];
static unsigned long nr_handles;
static struct page *fixed[MOST];
static unsigned long nr_fixed;

static uint64_t *word_of(mhandle_t h)
{
	uint64_t *at = mhandle_pin(h);

	assert_non_null(at);
	assert_int_equal(0, mhandle_unpin(h));
	return at;
}

static struct mm_migrate_stats moves(void)
{
	struct mm_migrate_stats stats;

	mm_migrate_stats(&stats);
	return stats;
}

/* Single pages that move, all there are; of each `group` of frames all but the first `left` are free again. */
static void fill(unsigned long group, unsigned long left)
{
	unsigned long kept = 0;

	mhandle_forget();
	machine_start(&small);
	for (nr_handles = 0; nr_handles < MOST; nr_handles++) {
		handle[nr_handles] = mhandle_alloc(PAGE_SIZE, GFP_KERNEL | __GFP_NOWARN);
		if (!handle[nr_handles])
			break;
	}
	for (unsigned long i = 0; i < nr_handles; i++) {
		if (page_to_pfn(virt_to_page(word_of(handle[i]))) % group >= left) {
			assert_int_equal(0, mhandle_free(handle[i]));
			continue;
		}
		handle[kept++] = handle[i];
	}
	nr_handles = kept;
	for (unsigned long i = 0; i < nr_handles; i++)
		word_of(handle[i])[511] = i * 1000003;
	drain_all_pages();
	nr_fixed = 0;
}

static void verify(void)
{
	assert_int_equal(0, mm_check());
	for (unsigned long i = 0; i < nr_handles; i++)
		assert_int_equal(i * 1000003, word_of(handle[i])[511]);
}

static void end(void)
{
	verify();
	while (nr_fixed)
		assert_int_equal(0, __free_page(fixed[--nr_fixed]));
	while (nr_handles)
		assert_int_equal(0, mhandle_free(handle[--nr_handles]));
	assert_int_equal(0, mm_check());
	machine_drop();
}

/* Every second page is in use: no block of order 1 is free, and each order is served. */
static void every_order(void **state)
{
	(void)state;
	for (unsigned int order = 1; order <= MAX_PAGE_ORDER; order++) {
		struct mm_migrate_stats before, after;
		struct page *page;

		fill(2, 1);
		before = moves();
		assert_null(alloc_pages(GFP_NOWAIT | __GFP_NOWARN, order)); /* it may not wait */
		assert_int_equal(before.stall, moves().stall);
		page = alloc_pages(GFP_KERNEL | __GFP_NOWARN, order);
		assert_non_null(page);
		after = moves();
		assert_int_equal(before.stall + 1, after.stall);
		assert_int_equal(before.success + 1, after.success);
		assert_int_equal(before.fail, after.fail);
		assert_in_range(after.moved - before.moved, 1, (1UL << order) / 2);
		assert_true(after.free_scanned > before.free_scanned);
		memset(page_address(page), 0x5a, PAGE_SIZE << order);
		verify();
		assert_int_equal(0, __free_pages(page, order));
		end();
	}
}

/* In the pageblock with the most free pages, two in use in each block of 16, the block that has one. */
static void fewest_pages(void **state)
{
	const pfn_t first = PFN_DOWN(0x80000000UL + 32 * MIB);
	struct mm_migrate_stats before;
	struct page *page;

	(void)state;
	fill(2, 1);
	for (unsigned long i = 0; i < nr_handles;) {
		pfn_t pfn = page_to_pfn(virt_to_page(word_of(handle[i])));

		if (pfn - first < pageblock_nr_pages && (pfn % 8 || pfn == first + 5 * 16 + 8)) {
			assert_int_equal(0, mhandle_free(handle[i]));
			handle[i] = handle[--nr_handles];
			word_of(handle[i])[511] = i * 1000003;
			continue;
		}
		i++;
	}
	drain_all_pages();
	before = moves();
	page = alloc_pages(GFP_KERNEL | __GFP_NOWARN, 4);
	assert_non_null(page);
	assert_int_equal(first + 5 * 16, page_to_pfn(page));
	assert_int_equal(before.moved + 1, moves().moved);
	assert_int_equal(0, __free_pages(page, 4));
	end();
}

/*
 * Where no block can be made the request is refused, the report says where it looked, and all but the
 * places is as it was. After n failures in a row the next 2^n - 1 requests do not look again, 63 at most.
 */
static void refused(void **state)
{
	unsigned long next = 1, gap = 1;
	struct mm_migrate_stats before;
	uint64_t hash;

	(void)state;
	fill(4, 1);
	while (nr_fixed < MOST) {
		struct page *page = alloc_page(GFP_KERNEL | __GFP_NOWARN);

		if (!page)
			break;
		fixed[nr_fixed++] = page;
	}
	/* of four frames the first moves, the second does not, the others are free */
	for (unsigned long i = 0; i < nr_fixed;) {
		if (page_to_pfn(fixed[i]) % 4 == 1) {
			i++;
			continue;
		}
		assert_int_equal(0, __free_page(fixed[i]));
		fixed[i] = fixed[--nr_fixed];
	}
	drain_all_pages();
	hash = mm_state_hash_moved();
	before = moves();
	port_host_log_hook = port_host_capture;
	port_host_log_clear();
	assert_null(alloc_pages(GFP_KERNEL, 3));
	assert_non_null(strstr(port_host_log_text, "pages that can move"));
	for (unsigned long n = 2; n < 300; n++) {
		unsigned long stall = moves().stall;

		next = next == n - 1 ? n - 1 + (gap = gap < 64 ? 2 * gap : 64) : next;
		assert_null(alloc_pages(GFP_KERNEL | __GFP_NOWARN, 3));
		assert_int_equal(stall + (n == next), moves().stall);
	}
	assert_int_equal(before.success, moves().success);
	assert_int_equal(hash, mm_state_hash_moved());
	port_host_log_hook = NULL;
	end();
}

/* The state's second hash: another page at a place that does not move makes a difference, a move does not. */
static void places_left_out(void **state)
{
	struct page *page;
	uint64_t hash, places;

	(void)state;
	fill(2, 1);
	page = alloc_page(GFP_KERNEL);
	drain_all_pages();
	hash = mm_state_hash_moved();
	places = mm_state_hash();
	assert_true(compact_memory() > 100);
	assert_int_equal(hash, mm_state_hash_moved());
	assert_true(places != mm_state_hash());
	assert_int_equal(0, __free_page(page));
	assert_true(hash != mm_state_hash_moved());
	end();
}

/* Above order 3 the fragmentation index is asked. */
static void threshold(void **state)
{
	struct mm_migrate_stats before;
	struct page *page;

	(void)state;
	assert_int_equal(-EINVAL, mm_set_extfrag_threshold(1001));
	fill(2, 1);
	assert_int_equal(500, mm_extfrag_threshold());
	before = moves();
	assert_int_equal(0, mm_set_extfrag_threshold(1000));
	assert_null(alloc_pages(GFP_KERNEL | __GFP_NOWARN, 4));
	assert_int_equal(before.stall, moves().stall);
	page = alloc_pages(GFP_KERNEL | __GFP_NOWARN, 3);
	assert_non_null(page);
	assert_int_equal(0, __free_pages(page, 3));
	drain_all_pages();
	/* of 8,192 pages in as many blocks: 1,000 - (1,000 + 1,000 x 512) / 8,000 is about 936 */
	assert_int_equal(0, mm_set_extfrag_threshold(960));
	assert_null(alloc_pages(GFP_KERNEL | __GFP_NOWARN, 4));
	assert_int_equal(0, mm_set_extfrag_threshold(900));
	page = alloc_pages(GFP_KERNEL | __GFP_NOWARN, 4);
	assert_non_null(page);
	assert_int_equal(0, __free_pages(page, 4));
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_order), cmocka_unit_test(fewest_pages),
		cmocka_unit_test(refused),     cmocka_unit_test(places_left_out),
		cmocka_unit_test(threshold),
	};

	return cmocka_run_group_tests_name("compact", tests, NULL, NULL);
}
