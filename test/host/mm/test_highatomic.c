/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_highatomic.c: which HIGHATOMIC pageblocks are given up, and for what. The functions of
 * mm/buddy/fallback.c are called directly, with two such pageblocks side by side.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "machine.h"
#include "mm/buddy/buddy.h"
#include "mm/state.h"
#include "test/host/port_host.h"

#define MIB    ((phys_addr_t)1 << 20)
#define NR_PBS 12

static const struct layout plain = {"highatomic", 0, {{0x80000000, NR_PBS * 2 * MIB}}, {{0}}, 0};

static struct page *held[MAX_ORDER_NR_PAGES]; /* what fills the first section */
static unsigned int nr_held;

#define ZONE (&mm.zones[ZONE_DMA32])

/* Under the zone's lock; then all is as mm_check() wants it. */
static bool unreserve(unsigned int order, unsigned long missing, enum migratetype type)
{
	unsigned long flags = port_irq_save();
	bool done;

	spin_lock(&ZONE->lock);
	done = highatomic_unreserve(ZONE, order, missing, type);
	spin_unlock(&ZONE->lock);
	port_irq_restore(flags);
	assert_int_equal(0, mm_check());
	return done;
}

/* The section that is used first holds what boot has reserved: it is filled. */
static void start_filled(const struct layout *layout)
{
	struct page *page;

	nr_held = 0;
	machine_start(layout);
	while ((page = alloc_pages(GFP_NOWAIT | __GFP_NOWARN, 0)) &&
	       machine.end - page_to_pfn(page) <= MAX_ORDER_NR_PAGES)
		held[nr_held++] = page;
	assert_int_equal(0, __free_page(page));
}

/* Two HIGHATOMIC pageblocks, the halves of one block of the largest order, are full. */
static void start_highatomic(struct page *half[2][2])
{
	start_filled(&plain);
	for (unsigned int i = 0; i < 4; i++) {
		half[i / 2][i % 2] = highatomic_block(0, pageblock_order - 1);
		assert_non_null(half[i / 2][i % 2]);
	}
	assert_int_equal(2 * pageblock_nr_pages, ZONE->nr_highatomic);
	assert_int_equal(1, (half[0][0] - mm.memmap) >> pageblock_order ^
				    (half[1][0] - mm.memmap) >> pageblock_order);
}

static void stop(void)
{
	while (nr_held)
		assert_int_equal(0, __free_page(held[--nr_held]));
	machine_stop();
}

/* The two are full, or were given up meanwhile. */
static void stop_highatomic(struct page *half[2][2])
{
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(0, __free_pages(half[i / 2][i % 2], pageblock_order - 1));
	while (unreserve(0, 0, MIGRATE_MOVABLE))
		;
	stop();
}

/* A HIGHATOMIC pageblock is given up for as many pages as it has free, and not for one more. */
static void given_up_if_it_is_enough(void **state)
{
	struct page *half[2][2];

	(void)state;
	start_highatomic(half);
	assert_false(unreserve(0, 0, MIGRATE_MOVABLE)); /* nothing is free */
	assert_int_equal(0, __free_pages(half[0][0], pageblock_order - 1));
	assert_false(unreserve(0, pageblock_nr_pages / 2 + 1, MIGRATE_MOVABLE));
	assert_int_equal(2 * pageblock_nr_pages, ZONE->nr_highatomic);
	assert_true(unreserve(0, pageblock_nr_pages / 2, TAKE_NOTHING));
	assert_int_equal(2 * pageblock_nr_pages, ZONE->nr_highatomic);
	assert_true(unreserve(0, pageblock_nr_pages / 2, MIGRATE_MOVABLE));
	/* it alone: not the one beside it */
	assert_int_equal(pageblock_nr_pages, ZONE->nr_highatomic);
	assert_int_equal(0, __free_pages(half[1][1], pageblock_order - 1));
	assert_true(unreserve(0, 1, MIGRATE_MOVABLE));
	assert_int_equal(0, ZONE->nr_highatomic);
	assert_int_equal(0, __free_pages(half[0][1], pageblock_order - 1));
	assert_int_equal(0, __free_pages(half[1][0], pageblock_order - 1));
	stop();
}

/* For a pageblock one is given up, whatever the other half is, and of a range those it names. */
static void given_up_one_by_one(void **state)
{
	struct page *half[2][2];
	unsigned long other, flags;
	uint64_t hash;

	(void)state;
	start_highatomic(half);
	other = ((unsigned long)(half[0][0] - mm.memmap) & ~(MAX_ORDER_NR_PAGES - 1)) ^
		2 * MAX_ORDER_NR_PAGES;
	flags = port_irq_save();
	spin_lock(&ZONE->lock);
	hash = mm_state_hash();
	buddy_complete(ZONE, other, other + MAX_ORDER_NR_PAGES, MIGRATE_MOVABLE, false);
	assert_int_equal(hash, mm_state_hash()); /* none is there */
	buddy_complete(ZONE, (unsigned long)(half[0][0] - mm.memmap),
		       (unsigned long)(half[0][0] - mm.memmap) + 1, MIGRATE_MOVABLE, false);
	spin_unlock(&ZONE->lock);
	port_irq_restore(flags);
	assert_int_equal(pageblock_nr_pages, ZONE->nr_highatomic);
	stop_highatomic(half);
	start_highatomic(half);
	assert_int_equal(0, __free_pages(half[0][0], pageblock_order - 1));
	assert_false(unreserve(pageblock_order, 0, MIGRATE_MOVABLE));
	assert_int_equal(0, __free_pages(half[0][1], pageblock_order - 1));
	assert_true(unreserve(pageblock_order, 0, TAKE_NOTHING)); /* the other half is full */
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(0, __free_pages(half[1][i], pageblock_order - 1));
	for (unsigned int i = 0; i < 2; i++) {
		assert_true(unreserve(pageblock_order, 0, MIGRATE_MOVABLE));
		assert_int_equal((1 - i) * pageblock_nr_pages, ZONE->nr_highatomic);
	}
	stop();
}

/* The end of a range is not of it. */
static void given_up_to_the_end(void **state)
{
	struct page *half[2][2];
	unsigned long first, flags;

	(void)state;
	start_highatomic(half);
	first = (unsigned long)(half[0][0] - mm.memmap) & ~(MAX_ORDER_NR_PAGES - 1);
	flags = port_irq_save();
	spin_lock(&ZONE->lock);
	buddy_complete(ZONE, first, first + pageblock_nr_pages, MIGRATE_MOVABLE, false);
	spin_unlock(&ZONE->lock);
	port_irq_restore(flags);
	assert_int_equal(MIGRATE_MOVABLE, mm.pageblocks[first >> pageblock_order].type);
	assert_int_equal(MIGRATE_HIGHATOMIC, mm.pageblocks[(first >> pageblock_order) + 1].type);
	stop_highatomic(half);
}

/* drain_all_pages() gives up those that are free as a whole, and no other. */
static void given_up_by_a_drain(void **state)
{
	struct page *half[2][2];

	(void)state;
	start_highatomic(half);
	assert_int_equal(0, __free_pages(half[0][0], pageblock_order - 1));
	drain_all_pages();
	assert_int_equal(2 * pageblock_nr_pages, ZONE->nr_highatomic);
	assert_int_equal(0, __free_pages(half[0][1], pageblock_order - 1));
	drain_all_pages();
	assert_int_equal(pageblock_nr_pages, ZONE->nr_highatomic);
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(0, __free_pages(half[1][i], pageblock_order - 1));
	drain_all_pages();
	assert_int_equal(0, ZONE->nr_highatomic);
	stop();
}

/* For a block of the largest order both halves must be free as a whole; then both are given up. */
static void given_up_in_pairs(void **state)
{
	struct page *half[2][2];

	(void)state;
	start_highatomic(half);
	for (unsigned int i = 0; i < 4; i++) {
		assert_false(unreserve(MAX_PAGE_ORDER, 0, MIGRATE_MOVABLE));
		assert_int_equal(0, __free_pages(half[i / 2][i % 2], pageblock_order - 1));
	}
	assert_int_equal(2 * pageblock_nr_pages, ZONE->nr_highatomic);
	assert_true(unreserve(MAX_PAGE_ORDER, 0, MIGRATE_MOVABLE));
	assert_int_equal(0, ZONE->nr_highatomic);
	stop();
}

/* What is of a CMA area is no half of a block of the largest order: then none is given up for it. */
static void no_pair_with_an_area(void **state)
{
	struct page *half[2][2];
	struct pageblock *pb;
	unsigned long flags;
	uint64_t hash;

	(void)state;
	start_highatomic(half);
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(0, __free_pages(half[i / 2][i % 2], pageblock_order - 1));
	assert_true(unreserve(pageblock_order, 0, MIGRATE_MOVABLE));
	pb = &mm.pageblocks[(unsigned long)(half[0][0] - mm.memmap) >> pageblock_order];
	if (pb->type == MIGRATE_HIGHATOMIC)
		pb = pb_twin(pb);
	flags = port_irq_save();
	spin_lock(&ZONE->lock);
	buddy_make_cma(ZONE, (unsigned long)(pb - mm.pageblocks));
	spin_unlock(&ZONE->lock);
	port_irq_restore(flags);
	assert_int_equal(MIGRATE_CMA, pb->type);
	assert_int_equal(MIGRATE_HIGHATOMIC, pb_twin(pb)->type);
	hash = mm_state_hash();
	assert_false(unreserve(MAX_PAGE_ORDER, 0, TAKE_NOTHING));
	assert_false(unreserve(MAX_PAGE_ORDER, 0, MIGRATE_MOVABLE));
	assert_int_equal(hash, mm_state_hash());
	machine_drop();
}

/* Requests of a pageblock or more are not what HIGHATOMIC pageblocks are kept for. */
static void no_whole_highatomic(void **state)
{
	struct page *half[2][2];
	phys_addr_t section;
	uint64_t hash;

	(void)state;
	start_highatomic(half);
	section = page_to_phys(half[0][0]) & ~(4 * MIB - 1);
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(0, __free_pages(half[i / 2][i % 2], pageblock_order - 1));
	hash = mm_state_hash();
	for (unsigned int order = pageblock_order; order <= MAX_PAGE_ORDER; order++) {
		unsigned long flags = port_irq_save(), got;

		spin_lock(&ZONE->lock);
		got = highatomic_alloc(ZONE, order);
		spin_unlock(&ZONE->lock);
		port_irq_restore(flags);
		assert_int_equal(NIL32, got);
		assert_int_equal(hash, mm_state_hash());
		/* nor if they say where they want it */
		assert_null(alloc_pages_between(GFP_ATOMIC | __GFP_NOWARN, order, section,
						section + 4 * MIB - 1));
		assert_int_equal(hash, mm_state_hash());
	}
	assert_true(unreserve(MAX_PAGE_ORDER, 0, MIGRATE_MOVABLE));
	stop();
}

/*
 * A request for a range that may not use HIGHATOMIC pageblocks passes over them, and what is free
 * beyond the end of the pageblock that serves it is no place for it.
 */
static void no_highatomic_for_a_range(void **state)
{
	struct page *half[2][2], *page, *small[pageblock_order - 1];
	phys_addr_t section, upper;
	unsigned long flags;

	(void)state;
	start_highatomic(half);
	section = page_to_phys(half[0][0]) & ~(4 * MIB - 1);
	upper = section + 2 * MIB;
	/* The lower pageblock is of no special type from now on, */
	flags = port_irq_save();
	spin_lock(&ZONE->lock);
	buddy_complete(ZONE, (unsigned long)(phys_to_page(section) - mm.memmap),
		       (unsigned long)(phys_to_page(upper) - mm.memmap), MIGRATE_MOVABLE, false);
	spin_unlock(&ZONE->lock);
	port_irq_restore(flags);
	/* and of the upper one the first page is free. */
	assert_int_equal(0, __free_pages(phys_to_page(upper), pageblock_order - 1));
	page = alloc_pages_between(GFP_ATOMIC, 0, upper, upper + PAGE_SIZE - 1);
	assert_non_null(page);
	for (unsigned int order = 0; order < pageblock_order - 1; order++) {
		small[order] = alloc_pages_between(GFP_ATOMIC, order, upper, upper + MIB - 1);
		assert_int_equal(upper + (PAGE_SIZE << order), page_to_phys(small[order]));
	}
	assert_int_equal(0, __free_page(page));
	assert_null(alloc_pages_between(GFP_KERNEL, 0, upper, upper + 2 * MIB - 1));
	assert_null(alloc_pages_between(GFP_KERNEL, 0, upper - 4 * PAGE_SIZE, upper + MIB));
	/* Half of the lower one is free too: from its start on, or from the middle of it. */
	assert_int_equal(0, __free_pages(phys_to_page(upper - MIB), pageblock_order - 1));
	page = alloc_pages_between(GFP_KERNEL, 3, upper - 8 * PAGE_SIZE - 1, upper + MIB);
	assert_int_equal(upper - 8 * PAGE_SIZE, page_to_phys(page));
	assert_null(alloc_pages_between(GFP_KERNEL, 0, upper - 8 * PAGE_SIZE, upper + MIB));
	assert_int_equal(0, __free_pages(page, 3));
	page = alloc_pages_between(GFP_KERNEL, 0, section, upper + 2 * MIB - 1);
	assert_int_equal(upper - MIB, page_to_phys(page));
	assert_int_equal(0, mm_check());
	assert_int_equal(0, __free_page(page));
	for (unsigned int order = 0; order < pageblock_order - 1; order++)
		assert_int_equal(0, __free_pages(small[order], order));
	assert_int_equal(0, __free_pages(phys_to_page(section), pageblock_order - 1));
	assert_int_equal(0, __free_pages(phys_to_page(upper + MIB), pageblock_order - 1));
	assert_true(unreserve(0, 0, MIGRATE_MOVABLE));
	stop();
}

/* A pageblock of that type is not had as a whole: then what is cached of it stays in the caches. */
static void no_cached_highatomic(void **state)
{
	const struct layout layout = {"cached", 0, {{0x80000000, NR_PBS * 2 * MIB}}, {{0}}, 1};
	struct page *page;
	phys_addr_t base;
	uint64_t hash;

	(void)state;
	start_filled(&layout);
	page = highatomic_block(0, 1);
	assert_non_null(page);
	assert_int_equal(pageblock_nr_pages, ZONE->nr_highatomic);
	assert_int_equal(0, __free_pages(page, 1));
	base = page_to_phys(page) & ~(2 * MIB - 1);
	hash = mm_state_hash();
	assert_null(alloc_pages_between(GFP_ATOMIC | __GFP_NOWARN, pageblock_order, base,
					base + 2 * MIB - 1));
	assert_int_equal(hash, mm_state_hash());
	drain_all_pages();
	while (unreserve(0, 0, MIGRATE_MOVABLE))
		;
	stop();
}

/* ---- many ---------------------------------------------------------------------------------- */

/* Of the HIGHATOMIC pageblocks that are free as a whole so many are looked at for a pair. */
#define EXAMINED 8
#define NR_MANY	 (2 * (EXAMINED + 2))

/* More than a third of it stays free: the min mark leaves no more to a request that may not wait. */
static const struct layout many = {"many", 0, {{0x80000000, 2 * NR_MANY * 2 * MIB}}, {{0}}, 0};

static void give_pageblock(phys_addr_t base)
{
	assert_int_equal(0, __free_pages(phys_to_page(base), pageblock_order - 1));
	assert_int_equal(0, __free_pages(phys_to_page(base + MIB), pageblock_order - 1));
}

/*
 * A pair is found behind `before` pageblocks that are free as a whole and whose other halves are
 * not, if no more than EXAMINED are to be looked at.
 */
static void find_pair(unsigned int before)
{
	phys_addr_t section[NR_MANY / 2];
	uint64_t managed;

	start_filled(&many);
	managed = ZONE->managed;
	/* as highatomic_block() has it; 1 % of the zone is NR_MANY pageblocks */
	assert_int_equal(0, mm_set_min_free_kbytes((managed - 1) << (PAGE_SHIFT - 10)));
	ZONE->managed += 100 * NR_MANY * pageblock_nr_pages;
	for (unsigned int i = 0; i < 2 * NR_MANY; i++) {
		struct page *page = alloc_pages(GFP_ATOMIC | __GFP_NOWARN, pageblock_order - 1);

		assert_non_null(page);
		section[i / 4] = page_to_phys(page) & ~(4 * MIB - 1);
	}
	ZONE->managed = managed;
	assert_int_equal(0, mm_set_min_free_kbytes(0));
	assert_int_equal(NR_MANY * pageblock_nr_pages, ZONE->nr_highatomic);
	/* what is freed last is looked at first */
	give_pageblock(section[0]);
	give_pageblock(section[0] + 2 * MIB);
	for (unsigned int i = 1; i <= before; i++)
		give_pageblock(section[i] + (i & 1 ? 2 * MIB : 0));
	assert_int_equal(before < EXAMINED, unreserve(MAX_PAGE_ORDER, 0, TAKE_NOTHING));
	for (unsigned int i = 1; i < NR_MANY / 2; i++) {
		give_pageblock(section[i] + (i & 1 ? 0 : 2 * MIB));
		if (i > before)
			give_pageblock(section[i] + (i & 1 ? 2 * MIB : 0));
	}
	while (unreserve(0, 0, MIGRATE_MOVABLE))
		;
	stop();
}

static void a_pair_among_others(void **state)
{
	(void)state;
	for (unsigned int before = 0; before <= EXAMINED + 1; before++)
		find_pair(before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(given_up_if_it_is_enough),  cmocka_unit_test(given_up_one_by_one),
		cmocka_unit_test(given_up_to_the_end),	     cmocka_unit_test(given_up_in_pairs),
		cmocka_unit_test(no_pair_with_an_area),	     cmocka_unit_test(no_whole_highatomic),
		cmocka_unit_test(no_highatomic_for_a_range), cmocka_unit_test(no_cached_highatomic),
		cmocka_unit_test(a_pair_among_others),	     cmocka_unit_test(given_up_by_a_drain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
