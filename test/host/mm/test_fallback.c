/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_fallback.c: which pageblock a request gets when those of its own type have no room.
 *
 * All memory is taken, page by page, by requests of the three types; then a few pages of chosen
 * pageblocks are freed, and the next request has to choose among them. But for one test there are
 * no caches, so each request goes to the buddy.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "machine.h"
#include "test/host/port_host.h"

#define MIB    ((phys_addr_t)1 << 20)
#define NR_PBS 12

static const struct layout plain = {"fallback", 0, {{0x80000000, NR_PBS * 2 * MIB}}, {{0}}, 0};
static const gfp_t kinds[MIGRATE_PCPTYPES] = {
	[MIGRATE_UNMOVABLE] = GFP_NOWAIT | __GFP_NOWARN,
	[MIGRATE_MOVABLE] = GFP_NOWAIT | __GFP_NOWARN | __GFP_MOVABLE,
	[MIGRATE_RECLAIMABLE] = GFP_NOWAIT | __GFP_NOWARN | __GFP_RECLAIMABLE,
};

static struct page *held[NR_PBS][pageblock_nr_pages]; /* NULL: not ours */
static unsigned int pages_of[NR_PBS][MIGRATE_PCPTYPES];

static void take(enum migratetype type, struct page *page)
{
	pfn_t pfn = page_to_pfn(page) - machine.first;

	held[pfn / pageblock_nr_pages][pfn % pageblock_nr_pages] = page;
	pages_of[pfn / pageblock_nr_pages][type]++;
}

/* Everything is taken: a quarter by each of two types, the rest by movable pages. */
static void start_on(const struct layout *layout)
{
	static const enum migratetype order[] = {MIGRATE_UNMOVABLE, MIGRATE_RECLAIMABLE,
						 MIGRATE_MOVABLE};
	struct page *page;

	memset(held, 0, sizeof(held));
	memset(pages_of, 0, sizeof(pages_of));
	machine_start(layout);
	for (unsigned int i = 0; i < 3; i++)
		for (unsigned int n = 0; (i == 2 || n < 4 * pageblock_nr_pages) &&
					 (page = alloc_pages(kinds[order[i]], 0));
		     n++)
			take(order[i], page);
}

static void start(void)
{
	start_on(&plain);
}

static void stop(void)
{
	for (unsigned int pb = 0; pb < NR_PBS; pb++)
		for (unsigned int i = 0; i < pageblock_nr_pages; i++)
			if (held[pb][i])
				assert_int_equal(0, __free_page(held[pb][i]));
	machine_stop();
}

/* The n-th pageblock that pages of this type alone fill. */
static unsigned int full(enum migratetype type, unsigned int n)
{
	for (unsigned int pb = 0; pb < NR_PBS; pb++)
		if (pages_of[pb][type] == pageblock_nr_pages && !n--)
			return pb;
	fail_msg("no such pageblock");
	return 0;
}

static void give(unsigned int pb, unsigned int from, unsigned int pages)
{
	for (; pages--; from++) {
		assert_int_equal(0, __free_page(held[pb][from]));
		held[pb][from] = NULL;
	}
}

static uint64_t pageblocks(enum migratetype type)
{
	uint64_t blocks[MIGRATE_TYPES];

	mm_pageblocks(ZONE_DMA32, blocks);
	return blocks[type];
}

/*
 * The next page for this type comes from that pageblock, which belongs to `owner` from then on, and
 * it is counted as a request that was served from another type's.
 */
static void expect_from(enum migratetype type, unsigned int pb, enum migratetype victim,
			enum migratetype owner)
{
	uint64_t mine = pageblocks(owner), theirs = pageblocks(victim);
	struct mm_stats before, after;
	struct page *page;

	mm_get_stats(&before);
	page = alloc_pages(kinds[type], 0);
	assert_non_null(page);
	take(type, page);
	mm_get_stats(&after);
	assert_int_equal(pb, (page_to_pfn(page) - machine.first) / pageblock_nr_pages);
	assert_int_equal(before.extfrag + 1, after.extfrag);
	assert_int_equal(mine + (owner != victim), pageblocks(owner));
	assert_int_equal(theirs - (owner != victim), pageblocks(victim));
	assert_int_equal(0, mm_check());
}

/* Of two pageblocks that with the larger free block is taken over, whichever was freed last. */
static void the_largest_block_is_taken_over(void **state)
{
	(void)state;
	for (unsigned int last = 0; last < 2; last++) {
		start();
		for (unsigned int i = 0; i < 2; i++) {
			bool large = i == last;

			give(full(MIGRATE_MOVABLE, large), 256, large ? 256 : 8);
		}
		expect_from(MIGRATE_UNMOVABLE, full(MIGRATE_MOVABLE, 1), MIGRATE_MOVABLE,
			    MIGRATE_UNMOVABLE);
		stop();
		/* many single pages are less than one block of two */
		start();
		for (unsigned int i = 0; i < 2; i++) {
			unsigned int pb = full(MIGRATE_MOVABLE, i == last);

			if (i == last)
				give(pb, 64, 2);
			for (unsigned int n = 0; i != last && n < 100; n++)
				give(pb, 2 * n, 1);
		}
		expect_from(MIGRATE_RECLAIMABLE, full(MIGRATE_MOVABLE, 1), MIGRATE_MOVABLE,
			    MIGRATE_RECLAIMABLE);
		stop();
	}
}

/* Of two whose largest free blocks are alike, the emptier one. */
static void the_emptier_is_taken_over(void **state)
{
	(void)state;
	for (unsigned int emptier = 0; emptier < 2; emptier++) {
		start();
		for (unsigned int i = 0; i < 2; i++) {
			unsigned int pb = full(MIGRATE_MOVABLE, i);

			give(pb, 64, 16);
			for (unsigned int n = 0; n < (i == emptier ? 3 : 2); n++)
				give(pb, 4 * n, 1);
		}
		expect_from(MIGRATE_UNMOVABLE, full(MIGRATE_MOVABLE, emptier), MIGRATE_MOVABLE,
			    MIGRATE_UNMOVABLE);
		/* what was taken over is its own: the other stays as it is */
		assert_non_null(held[full(MIGRATE_MOVABLE, 0)][63]);
		stop();
	}
}

/*
 * Unmovable and reclaimable pages take over a movable pageblock first, whatever the other type has.
 */
static void whose_pageblock_is_taken_over(void **state)
{
	static const enum migratetype other[] = {[MIGRATE_UNMOVABLE] = MIGRATE_RECLAIMABLE,
						 [MIGRATE_RECLAIMABLE] = MIGRATE_UNMOVABLE};

	(void)state;
	for (enum migratetype type = MIGRATE_UNMOVABLE; type <= MIGRATE_RECLAIMABLE; type += 2) {
		start();
		give(full(other[type], 0), 0, 128);
		give(full(MIGRATE_MOVABLE, 0), 7, 1);
		expect_from(type, full(MIGRATE_MOVABLE, 0), MIGRATE_MOVABLE, type);
		stop();
		start();
		give(full(other[type], 0), 0, 128);
		expect_from(type, full(other[type], 0), other[type], type);
		stop();
	}
}

/*
 * Movable pages borrow, first of reclaimable ones: the smallest block that will do, and no type
 * changes.
 */
static void movable_pages_borrow(void **state)
{
	unsigned int small, large, unmovable;

	(void)state;
	start();
	small = full(MIGRATE_RECLAIMABLE, 0);
	large = full(MIGRATE_RECLAIMABLE, 1);
	unmovable = full(MIGRATE_UNMOVABLE, 0);
	give(unmovable, 9, 1);
	give(small, 16, 2);
	give(large, 32, 32);
	for (unsigned int i = 0; i < 2; i++)
		expect_from(MIGRATE_MOVABLE, small, MIGRATE_RECLAIMABLE, MIGRATE_RECLAIMABLE);
	for (unsigned int i = 0; i < 32; i++)
		expect_from(MIGRATE_MOVABLE, large, MIGRATE_RECLAIMABLE, MIGRATE_RECLAIMABLE);
	expect_from(MIGRATE_MOVABLE, unmovable, MIGRATE_UNMOVABLE, MIGRATE_UNMOVABLE);
	assert_null(alloc_pages(kinds[MIGRATE_MOVABLE], 0));
	stop();
}

/*
 * A refill takes a batch for its cache; one that takes a pageblock over takes the page alone, as a
 * bound on the call.
 */
static void no_batch_with_a_takeover(void **state)
{
	static struct mm_trace_entry ring[64], entries[64];
	struct layout cached = plain;
	struct pcp_info info;
	struct page *page;

	(void)state;
	cached.caches = 1;
	for (unsigned int borrows = 0; borrows < 2; borrows++) {
		enum migratetype type = borrows ? MIGRATE_MOVABLE : MIGRATE_UNMOVABLE;
		enum migratetype victim = borrows ? MIGRATE_RECLAIMABLE : MIGRATE_MOVABLE;
		unsigned int in_caches = 0, fallbacks = 0;

		start_on(&cached);
		give(full(victim, 0), 128, 64);
		drain_all_pages();
		assert_int_equal(0, mm_trace_start(ring, 64));
		page = alloc_pages(kinds[type], 0);
		assert_non_null(page);
		take(type, page);
		for (size_t n = mm_trace_read(entries, 64); n--;) {
			if (entries[n].type != MM_TRACE_EXTFRAG)
				continue;
			fallbacks++;
			assert_int_equal(full(victim, 0),
					 (entries[n].pfn - machine.first) / pageblock_nr_pages);
			assert_int_equal(0, entries[n].order);
			assert_int_equal(type, entries[n].migratetype);
			assert_int_equal(victim, entries[n].gfp);
		}
		assert_int_equal(1, fallbacks);
		assert_int_equal(0, mm_trace_start(NULL, 0));
		assert_int_equal(full(victim, 0),
				 (page_to_pfn(page) - machine.first) / pageblock_nr_pages);
		for (unsigned int n = 0; mm_pcp_info(n, &info); n++)
			in_caches += info.count;
		if (borrows) /* a batch, but half of one: two expensive things are too many for one call */
			assert_in_range(in_caches, 1, 7);
		else
			assert_int_equal(0, in_caches);
		stop();
	}
}

/* A pageblock has free blocks of several orders, the smaller ones lower: each request gets its own. */
static void the_place_in_a_pageblock(void **state)
{
	unsigned int pb;
	pfn_t base;

	(void)state;
	start();
	pb = full(MIGRATE_MOVABLE, 0);
	base = machine.first + pb * pageblock_nr_pages;
	for (unsigned int order = 0; order < pageblock_order; order++)
		give(pb, 1U << order, 1U << order); /* the pageblock's first page stays taken */
	for (unsigned int order = 0; order < pageblock_order; order++) {
		struct page *page =
			alloc_pages(kinds[MIGRATE_MOVABLE], pageblock_order - 1 - order);

		assert_non_null(page);
		assert_int_equal(base + (1U << (pageblock_order - 1 - order)), page_to_pfn(page));
		assert_int_equal(0, mm_check());
		assert_int_equal(0, __free_pages(page, pageblock_order - 1 - order));
	}
	for (unsigned int order = 0; order < pageblock_order; order++) {
		struct page *page = alloc_pages(kinds[MIGRATE_MOVABLE], order);

		assert_int_equal(base + (1U << order), page_to_pfn(page));
		assert_int_equal(0, __free_pages(page, order));
	}
	stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_largest_block_is_taken_over),
		cmocka_unit_test(the_emptier_is_taken_over),
		cmocka_unit_test(whose_pageblock_is_taken_over),
		cmocka_unit_test(movable_pages_borrow),
		cmocka_unit_test(no_batch_with_a_takeover),
		cmocka_unit_test(the_place_in_a_pageblock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
