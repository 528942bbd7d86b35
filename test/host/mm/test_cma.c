/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_cma.c: areas for contiguous allocations: what they serve meanwhile, and what they give.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <quarry/errno.h>
#include <quarry/memblock.h>

#include "machine.h"
#include "mm/buddy/buddy.h"
#include "mm/alloc/alloc.h"
#include "mm/free_map.h"
#include "mm/pcp/pcp.h"
#include "test/host/port_host.h"

#define BASE  0x80000000UL
#define MIB   (1UL << 20)
#define AREA  (BASE + 32 * MIB)
#define PAGES (24 * 256UL) /* of the area: 24 MiB of 64 */

static const struct layout with_area = {
	.name = "area",
	.bank = {{BASE, 64 * MIB}},
	.reserved = {{AREA, 24 * MIB}},
	.caches = 1,
};
static struct cma *area;
static struct page *taken[64 * 256];

static void start(void)
{
	machine_start(&with_area);
	cma_forget();
	assert_int_equal(0, cma_init_reserved_mem(AREA, 24 * MIB, "video", &area));
	assert_int_equal(1, cma_init_reserved_areas());
	assert_int_equal(0, mm_check());
}

static bool in_area(const struct page *page)
{
	return page_to_phys(page) - AREA < 24 * MIB;
}

static unsigned long fill(gfp_t gfp, unsigned long *inside)
{
	unsigned long n = 0;

	*inside = 0;
	while ((taken[n] = alloc_page(gfp | __GFP_NOWARN)))
		*inside += in_area(taken[n++]);
	return n;
}

static void give_all(unsigned long n)
{
	while (n)
		assert_int_equal(0, __free_page(taken[--n]));
}

/* The area's figures, and that its pageblocks keep their type while all of them is free. */
static void handed_over(void **state)
{
	uint64_t blocks[MIGRATE_TYPES];
	struct zone_info zone;
	struct cma_info info;

	(void)state;
	start();
	assert_true(cma_get_info(0, &info));
	assert_string_equal("video", info.name);
	assert_int_equal(AREA, info.base);
	assert_int_equal(PAGES, info.pages);
	assert_int_equal(PAGES, info.free);
	assert_int_equal(0, info.used);
	assert_false(cma_get_info(1, &info));
	mm_pageblocks(ZONE_DMA32, blocks);
	assert_int_equal(12, blocks[MIGRATE_CMA]);
	mm_zone_info(ZONE_DMA32, &zone);
	assert_int_equal(PAGES, zone.nr_cma);
	assert_int_equal(PAGES, zone.nr_free_cma);
	drain_all_pages();
	mm_zone_info(ZONE_DMA32, &zone);
	assert_int_equal(zone.managed - pcp_count_zone(&mm.zones[ZONE_DMA32]),
			 zone.free + mm.pcp_bytes / PAGE_SIZE);
	machine_drop();
}

/* Nothing that cannot move, whatever it may use, gets a page of it; movable ones get all. */
static void movable_only(void **state)
{
	static const gfp_t unmovable[] = {
		GFP_KERNEL,
		GFP_ATOMIC | __GFP_MEMALLOC,
		GFP_KERNEL | __GFP_RECLAIMABLE | __GFP_MEMALLOC,
		GFP_KERNEL | __GFP_RETRY_MAYFAIL,
	};
	unsigned long n, inside;
	struct page_info info;

	(void)state;
	start();
	for (size_t i = 0; i < sizeof(unmovable) / sizeof(unmovable[0]); i++) {
		n = fill(unmovable[i], &inside);
		assert_int_equal(0, inside);
		assert_int_equal(0, mm_check());
		give_all(n);
		drain_all_pages();
	}
	n = fill(GFP_KERNEL | __GFP_MOVABLE | __GFP_MEMALLOC, &inside);
	assert_int_equal(PAGES, inside);
	assert_int_equal(0, mm_check());
	/* what unmovable requests may take from caches is none of the area's */
	for (unsigned long i = 0; i < n; i++) {
		if (!in_area(taken[i]))
			continue;
		assert_int_equal(0, __free_page(taken[i]));
		assert_int_equal(0, mm_page_info(page_to_pfn(taken[i]), &info));
		assert_false(info.in_pcp);
		taken[i] = NULL;
	}
	assert_null(alloc_page(GFP_KERNEL | __GFP_NOWARN | __GFP_RETRY_MAYFAIL));
	assert_null(alloc_page(GFP_ATOMIC | __GFP_NOWARN | __GFP_MEMALLOC));
	assert_int_equal(0, mm_check());
	machine_drop();
}

/* A page of the area that alloc_pages_exact() has taken goes back as any other. */
static void exact(void **state)
{
	static void *at[64 * 256];
	unsigned long n = 0, inside = 0;
	uint64_t hash;

	(void)state;
	start();
	while ((at[n] = alloc_pages_exact(PAGE_SIZE, GFP_KERNEL | __GFP_MOVABLE | __GFP_NOWARN)))
		inside += in_area(virt_to_page(at[n++]));
	assert_true(inside > 0);
	hash = mm_state_hash();
	assert_int_not_equal(0, free_pages_exact(at[0], 2 * PAGE_SIZE)); /* not made as two */
	assert_int_equal(hash, mm_state_hash());
	while (n)
		assert_int_equal(0, free_pages_exact(at[--n], PAGE_SIZE));
	assert_int_equal(0, mm_check());
	machine_drop();
}

/* The area is used first as long as more than half of what is free is there. */
static void balance(void **state)
{
	unsigned long n, inside, elsewhere = 0, i;
	struct zone_info zone;
	struct page *page;

	(void)state;
	start();
	assert_int_equal(0, mm_set_pcp_high(0));
	for (n = 0; n < 6000; n++)
		taken[n] = alloc_page(GFP_KERNEL);
	for (i = 0; i < 3000; i++) {
		mm_zone_info(ZONE_DMA32, &zone);
		page = alloc_page(GFP_KERNEL | __GFP_MOVABLE);
		assert_int_equal(zone.nr_free_cma > zone.free - zone.nr_free_cma, in_area(page));
		elsewhere += !in_area(page);
		taken[n++] = page;
	}
	inside = 3000 - elsewhere;
	assert_true(inside > 2000 && elsewhere > 300);
	/* above a single page only what is compound */
	page = alloc_pages(GFP_KERNEL | __GFP_MOVABLE | __GFP_COMP, 3);
	assert_non_null(page);
	assert_int_equal(0, __free_pages(page, 3));
	give_all(n);
	assert_int_equal(0, mm_check());
	machine_drop();
}

static void ranges(void **state)
{
	unsigned long n, inside;
	struct page *page, *other, *lent;
	struct cma_info info;
	uint64_t hash;

	(void)state;
	port_host_log_hook = port_host_quiet;
	start();
	hash = mm_state_hash();
	page = cma_alloc(area, PAGES, 0, false);
	assert_ptr_equal(page, phys_to_page(AREA));
	assert_null(cma_alloc(area, 1, 0, false));
	assert_true(cma_get_info(0, &info));
	assert_int_equal(PAGES, info.used);
	assert_int_equal(0, info.free);
	assert_false(cma_release(area, page, PAGES / 2));
	assert_false(cma_release(area, page + 1, PAGES));
	assert_false(cma_release(area, NULL, 1));
	assert_true(cma_release(area, page, PAGES));
	assert_false(cma_release(area, page, PAGES));
	assert_int_equal(0, mm_check());
	/* several, aligned as asked */
	page = cma_alloc(area, 3, 0, false);
	other = cma_alloc(area, 1000, 10, false);
	assert_true(page && other && page_to_pfn(other) % 1024 == 0);
	assert_null(cma_alloc(area, PAGES, 0, true));
	assert_null(cma_alloc(area, 0, 0, true));
	assert_null(cma_alloc(area, 1, 64, true));
	assert_null(cma_alloc(NULL, 1, 0, true));
	assert_true(cma_release(area, other, 1000));
	assert_true(cma_release(area, page, 3));
	/* no range of other memory has a page of it */
	assert_int_equal(-EBUSY, alloc_contig_range(PFN_DOWN(AREA), PFN_DOWN(AREA) + 4,
						    MIGRATE_MOVABLE, GFP_KERNEL | __GFP_NOWARN));
	/* what is lent is in the way, until it comes back */
	n = fill(GFP_KERNEL | __GFP_MOVABLE | __GFP_MEMALLOC, &inside);
	hash = mm_state_hash();
	assert_null(cma_alloc(area, 1, 0, true));
	assert_int_equal(hash, mm_state_hash());
	lent = phys_to_page(AREA + 5 * MIB);
	assert_int_equal(0, __free_page(lent));
	page = cma_alloc(area, 1, 0, true);
	assert_ptr_equal(page, lent);
	assert_true(cma_release(area, page, 1));
	assert_int_equal(0, mm_check());
	machine_drop();
	port_host_log_hook = NULL;
	(void)n;
}

/* Whoever took or gives back a range of it, what is used is right. */
static void used_is_counted(void **state)
{
	pfn_t base = PFN_DOWN(AREA);
	struct cma_info info;
	struct page *page;

	(void)state;
	start();
	page = cma_alloc(area, 100, 0, true);
	assert_int_equal(0, free_contig_range(page_to_pfn(page), 100)); /* as a console does */
	assert_true(cma_get_info(0, &info));
	assert_int_equal(0, info.used);
	assert_int_equal(0, alloc_contig_range(base + 7, base + 1000, MIGRATE_CMA, GFP_KERNEL));
	assert_true(cma_get_info(0, &info));
	assert_int_equal(993, info.used);
	assert_true(cma_release(area, pfn_to_page(base + 7), 993));
	assert_true(cma_get_info(0, &info));
	assert_int_equal(0, info.used);
	assert_int_equal(PAGES, info.free);
	machine_drop();
}

static unsigned long moves;

static bool never_isolate(struct page *page)
{
	moves++;
	return movable_note(page) != 1;
}

static int copy(struct page *dst, struct page *src)
{
	(void)dst;
	(void)src;
	return 0;
}

static void stay(struct page *page)
{
	(void)page;
}

/*
 * One page in the area that its owner does not let go, though it looks as if it did: the search goes on behind it,
 * and moves what lies before it once.
 */
static void behind_what_stays(void **state)
{
	static const struct movable_operations owner = {1, never_isolate, copy, stay};
	int number = mm_register_movable(&owner);
	unsigned long n, inside, left = 0;
	pfn_t stays = PFN_DOWN(AREA) + 600;
	struct page *page;

	(void)state;
	assert_true(number > 0);
	start();
	n = fill(GFP_KERNEL | __GFP_MOVABLE, &inside);
	assert_true(inside > PAGES - 100);
	for (unsigned long i = 0; i < n; i++) {
		if (in_area(taken[i]))
			set_page_movable(taken[i], number, page_to_pfn(taken[i]) == stays);
		else if (left++ < 3000)
			assert_int_equal(0, __free_page(taken[i]));
	}
	moves = 0;
	page = cma_alloc(area, 1000, 0, true);
	assert_non_null(page);
	assert_int_equal(stays + 1, page_to_pfn(page));
	assert_in_range(moves, 1000, 3000); /* not 600 times 1000 */
	assert_int_equal(0, mm_check());
	machine_drop();
}

/* What is no area is refused, and nothing becomes of it. */
static void wrong_areas(void **state)
{
	static const struct layout no_area = {.name = "no area", .bank = {{BASE, 64 * MIB}}};
	struct cma *cma = NULL;

	(void)state;
	machine_start(&no_area);
	assert_int_equal(0, memblock_reserve(BASE + 32 * MIB, 4 * MIB));
	assert_int_equal(-EINVAL, cma_init_reserved_mem(BASE + 33 * MIB, 2 * MIB, "x", &cma));
	assert_int_equal(-EINVAL, cma_init_reserved_mem(BASE + 32 * MIB, MIB, "x", &cma));
	assert_int_equal(-EINVAL, cma_init_reserved_mem(BASE + 32 * MIB, 0, "x", &cma));
	assert_int_equal(-EINVAL, cma_init_reserved_mem(BASE + 64 * MIB, 2 * MIB, "x", &cma));
	assert_int_equal(-EINVAL, cma_init_reserved_mem(BASE + 40 * MIB, 2 * MIB, "x", &cma));
	assert_int_equal(-EINVAL,
			 cma_declare_contiguous(BASE + 41 * MIB, 2 * MIB, 0, 0, true, "x", &cma));
	assert_int_equal(-EINVAL, cma_declare_contiguous(0, MIB, 0, 0, false, "x", &cma));
	assert_int_equal(-EINVAL, cma_declare_contiguous(0, 2 * MIB, 0, 3, false, "x", &cma));
	assert_int_equal(-ENOMEM,
			 cma_declare_contiguous(BASE + 32 * MIB, 2 * MIB, 0, 0, true, "x", &cma));
	assert_int_equal(-ENOMEM,
			 cma_declare_contiguous(0, 2 * MIB, BASE + MIB, 0, false, "x", &cma));
	assert_null(cma);
	assert_int_equal(0, memblock_phys_free(BASE + 32 * MIB, 4 * MIB));
	machine_drop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exact),	   cmocka_unit_test(handed_over),
		cmocka_unit_test(movable_only),	   cmocka_unit_test(balance),
		cmocka_unit_test(ranges),	   cmocka_unit_test(wrong_areas),
		cmocka_unit_test(used_is_counted), cmocka_unit_test(behind_what_stays),
	};

	return cmocka_run_group_tests_name("cma", tests, NULL, NULL);
}
