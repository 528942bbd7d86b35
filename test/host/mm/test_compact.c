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
#include <quarry/record.h>

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
static void fill_started(unsigned long group, unsigned long left)
{
	unsigned long kept = 0;

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

static void fill(unsigned long group, unsigned long left)
{
	mhandle_forget();
	machine_start(&small);
	fill_started(group, left);
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

/* Somebody else holds a page of each block but one: that one it is. */
static void held_elsewhere(void **state)
{
	const pfn_t only = PFN_DOWN(0x80000000UL + 40 * MIB) + 7 * 16;
	struct page *page;

	(void)state;
	fill(2, 1);
	for (unsigned long i = 0; i < nr_handles; i++) {
		page = virt_to_page(word_of(handle[i]));
		if (page_to_pfn(page) % 16 == 2 && page_to_pfn(page) - only >= 16)
			get_page(fixed[nr_fixed++] = page);
	}
	page = alloc_pages(GFP_KERNEL | __GFP_NOWARN, 4);
	assert_non_null(page);
	assert_int_equal(only, page_to_pfn(page));
	assert_int_equal(0, __free_pages(page, 4));
	while (nr_fixed)
		put_page(fixed[--nr_fixed]);
	end();
}

/* Of two pageblocks one lies in a cache as a whole, the other's pages move; in each other pair one stays. */
static void cached_half(void **state)
{
	/* so large that a pageblock may be cached */
	static const struct layout large = {.bank = {{0x80000000UL, 320 * MIB}}, .caches = 1};
	static struct page *rest[64];
	const pfn_t pages = 2 * pageblock_nr_pages;
	unsigned long nr_rest = 0;
	struct page *page;
	pfn_t only;

	(void)state;
	mhandle_forget();
	machine_start(&large);
	while (nr_rest < 64)
		assert_non_null(rest[nr_rest++] = alloc_pages(GFP_KERNEL, MAX_PAGE_ORDER));
	fill_started(2, 1);
	only = ALIGN_DOWN(page_to_pfn(virt_to_page(word_of(handle[nr_handles / 2]))), pages);
	for (unsigned long i = 0; i < nr_handles;) {
		page = virt_to_page(word_of(handle[i]));
		if (page_to_pfn(page) - only < pageblock_nr_pages) {
			assert_int_equal(0, mhandle_free(handle[i]));
			handle[i] = handle[--nr_handles];
			word_of(handle[i])[511] = i * 1000003;
			continue;
		}
		if (page_to_pfn(page) - only >= pages && page_to_pfn(page) % pages < 16)
			get_page(fixed[nr_fixed++] = page);
		i++;
	}
	drain_all_pages();
	page = alloc_pages(GFP_KERNEL | __GFP_NOWARN, pageblock_order);
	assert_non_null(page);
	assert_int_equal(only, page_to_pfn(page));
	assert_int_equal(0, __free_pages(page, pageblock_order)); /* it is cached now */
	assert_int_equal(PAGE_ALLOC, page_state(page));
	page = alloc_pages(GFP_KERNEL | __GFP_NOWARN, pageblock_order + 1);
	assert_non_null(page);
	assert_int_equal(only, page_to_pfn(page));
	assert_int_equal(0, __free_pages(page, pageblock_order + 1));
	while (nr_fixed)
		put_page(fixed[--nr_fixed]);
	while (nr_rest)
		assert_int_equal(0, __free_pages(rest[--nr_rest], MAX_PAGE_ORDER));
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
	struct page *page, *other;
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
	/* as many pages in use, one of them elsewhere */
	other = alloc_page(GFP_KERNEL);
	assert_int_equal(0, __free_page(page));
	assert_true(hash != mm_state_hash_moved());
	assert_int_equal(0, __free_page(other));
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

/* ---- ahead of requests ----------------------------------------------------------------------- */

/* The share of free pages that are of no use for a pageblock, in per cent. */
static unsigned long unusable(void)
{
	uint64_t nr_free[NR_PAGE_ORDERS], pages = 0, parts = 0;

	drain_all_pages();
	mm_buddyinfo(ZONE_DMA32, nr_free);
	for (unsigned int order = 0; order < NR_PAGE_ORDERS; order++) {
		pages += nr_free[order] << order;
		parts += order < pageblock_order ? nr_free[order] << order : 0;
	}
	return (unsigned long)(parts * 100 / pages);
}

/* Half of all pages move, and none of a pageblock is free: so much is moved as the sysctl says. */
static void balance_compacts(void **state)
{
	static const unsigned int each[] = {0, 5, 10, 40, 80, 100};

	(void)state;
	assert_int_equal(-EINVAL, mm_set_compaction_proactiveness(101));
	fill(2, 1);
	assert_int_equal(20, mm_compaction_proactiveness());
	for (size_t i = 0; i < sizeof(each) / sizeof(each[0]); i++) {
		const unsigned int proactiveness = each[i];
		unsigned long steps = 0, least = proactiveness > 95 ? 5 : 100 - proactiveness;
		uint64_t wakes = moves().daemon_wake;

		assert_int_equal(0, mm_set_compaction_proactiveness(proactiveness));
		for (unsigned long moved; (moved = mm_balance()); steps++)
			assert_true(moved < pageblock_nr_pages);
		verify();
		assert_int_equal(proactiveness != 0, steps != 0);
		assert_int_equal(wakes + (proactiveness != 0), moves().daemon_wake);
		if (proactiveness)
			assert_in_range(unusable(), least < 8 ? 0 : least - 8, least);
		else
			assert_int_equal(100, unusable());
		assert_int_equal(0, mm_balance());
	}
	end();
}

/* ---- recorded ------------------------------------------------------------------------------------ */

static unsigned int nr_taken, nr_moved;

/* A block that one moves to is in use with this word, for whoever makes the calls again. */
static void emit(enum mm_record_part part, uint64_t arg, const void *data, size_t size)
{
	const struct mm_record_event *event = data, *last = event + size / sizeof(*event);

	(void)arg;
	for (; part == MM_RECORD_EVENTS && event < last; event++) {
		nr_moved += event->type == MM_RECORD_MOVED;
		if (event->type != MM_RECORD_TAKE_AT || (uint32_t)event->value == NIL32)
			continue;
		nr_taken++;
		assert_int_equal(event->gfp,
				 PAGE_INFO(PAGE_ALLOC, event->order) | PAGE_ONE_REF |
					 __GFP_MOVABLE |
					 mm.zones[0].first_pcp * sizeof(struct per_cpu_pages));
	}
}

static void recorded(void **state)
{
	static struct mm_record_event ring[256];
	const struct mm_recording recording = {.ring = ring, .cpus = 1, .size = 256, .emit = emit};
	struct page *page;

	(void)state;
	if (!CONFIG_DEBUG_HOOKS)
		skip();
	fill(2, 1);
	assert_int_equal(0, mm_record_start(&recording));
	page = alloc_pages(GFP_KERNEL | __GFP_NOWARN, 5);
	assert_non_null(page);
	assert_int_equal(0, mm_record_stop());
	assert_int_equal(16, nr_moved);
	assert_int_equal(16, nr_taken);
	assert_int_equal(0, __free_pages(page, 5));
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_order),	    cmocka_unit_test(fewest_pages),
		cmocka_unit_test(held_elsewhere),   cmocka_unit_test(refused),
		cmocka_unit_test(places_left_out),  cmocka_unit_test(threshold),
		cmocka_unit_test(balance_compacts), cmocka_unit_test(cached_half),
		cmocka_unit_test(recorded),
	};

	return cmocka_run_group_tests_name("compact", tests, NULL, NULL);
}
