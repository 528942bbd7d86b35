/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_parts.c: blocks of which only the first pages are kept, for every order and number of pages,
 * with the rest of the pageblock free, all taken, HIGHATOMIC, or cleared by a hook; blocks shared
 * by two holders; and untouched sections with late releases between them. After every step the free
 * blocks are those a perfect buddy holds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <quarry/memblock.h>

#include "machine.h"
#include "mm/buddy/buddy.h"
#include "test/host/port_host.h"

#define MIB	(1ULL << 20)
#define GIB	(1ULL << 30)
#define SECTION (4 * MIB)

static const struct layout small = {"small", 0, {{0x80000000, 16 * MIB}}, {{0}}, 0};

enum pass {
	PLAIN,
	FULL,	    /* nothing else is free */
	HIGHATOMIC, /* in a pageblock kept for requests that cannot wait */
	CLEARED,    /* init_on_free */
	NR_PASSES,
};

/* ---- everything else ----------------------------------------------------------------------- */

static struct {
	struct page *page;
	unsigned int order;
} held[8192];
static unsigned int nr_held;

static void hold_all(void)
{
	for (int order = MAX_PAGE_ORDER; order >= 0; order--) {
		struct page *page;

		while ((page = alloc_pages(GFP_KERNEL | __GFP_NOWARN, (unsigned int)order))) {
			oracle_take(page, (unsigned int)order);
			held[nr_held].page = page;
			held[nr_held++].order = (unsigned int)order;
		}
	}
}

static void release_all(void)
{
	while (nr_held > 0) {
		struct page *page = held[--nr_held].page;

		oracle_give(page_to_pfn(page), held[nr_held].order);
		assert_int_equal(0, __free_pages(page, held[nr_held].order));
	}
}

/* ---- parts of a block ---------------------------------------------------------------------- */

static uint64_t *word_in(struct page *page, unsigned long n)
{
	return page_address(page + n);
}

/* It is kept for nobody any more, even if some of it is never free. */
static void unreserve_around(const struct page *page)
{
	unsigned long index = (unsigned long)(page - mm.memmap);
	struct zone *zone = zone_of(index);

	spin_lock(&zone->lock);
	buddy_complete(zone, index, index + 1, MIGRATE_UNMOVABLE, false);
	spin_unlock(&zone->lock);
}

static bool is_highatomic(const struct page *page)
{
	return mm.pageblocks[(page - mm.memmap) >> pageblock_order].type == MIGRATE_HIGHATOMIC;
}

/* A block before it falls apart, known to the oracle as taken. */
static struct page *block_for(enum pass pass, unsigned int order)
{
	struct page *page =
		pass == HIGHATOMIC ? highatomic_block(0, order) : alloc_pages(GFP_KERNEL, order);

	if (pass == HIGHATOMIC && order < pageblock_order && !is_highatomic(page)) {
		struct page *first = page; /* a cut; what is left of it is kept for the next */

		page = highatomic_block(0, order);
		assert_true(is_highatomic(page));
		assert_int_equal(0, __free_pages(first, order));
	}
	assert_non_null(page);
	oracle_take(page, order);
	if (pass == FULL)
		hold_all();
	for (unsigned long n = 0; n < 1UL << order; n++)
		*word_in(page, n) = ~0ULL;
	return page;
}

/* The first `pages` stay, as alloc_pages_exact() keeps them. */
static void keep_first(struct page *page, unsigned int order, unsigned long pages)
{
	unsigned long index = (unsigned long)(page - mm.memmap);
	struct zone *zone = zone_of(index);

	spin_lock(&zone->lock);
	buddy_free_tails(zone, index, order, pages, MIGRATE_RECLAIMABLE);
	for (unsigned long left = pages, part; left > 0; left -= part, index += part) {
		unsigned int o = 0;

		while (2UL << o <= left)
			o++;
		part = 1UL << o;
		trust_head(index, o);
		mm.memmap[index].raw = PAGE_INFO(PAGE_ALLOC, o) | PAGE_ONE_REF;
	}
	spin_unlock(&zone->lock);
}

/* What was freed is free, of the type asked for and cleared; what was kept is as it was. */
static void expect_parts(enum pass pass, struct page *page, unsigned int order, unsigned long pages)
{
	unsigned long index = (unsigned long)(page - mm.memmap), last = (1UL << order) - 1;

	for (unsigned long n = pages; n <= last; n++)
		oracle_give(page_to_pfn(page) + n, 0);
	assert_int_equal(0, mm_check());
	for (unsigned long n = 0; n <= last; n++)
		assert_true(*word_in(page, n) == (pass == CLEARED && n >= pages ? 0 : ~0ULL));
	if (pass == FULL && (pages - 1) >> pageblock_order == last >> pageblock_order &&
	    order >= pageblock_order)
		assert_int_equal(MIGRATE_RECLAIMABLE,
				 mm.pageblocks[(index + last) >> pageblock_order].type);
	expect_oracle_picture();
}

static void every_part_in(enum pass pass)
{
	unsigned long step = pass == CLEARED ? 5 : 1;

	machine_start(&small);
	assert_int_equal(0, mm_set_hooks(pass == CLEARED ? MM_HOOK_INIT_ON_FREE : 0));
	for (unsigned int order = 1; order <= MAX_PAGE_ORDER; order++) {
		for (unsigned long pages = 1; pages < 1UL << order; pages += step) {
			struct page *page = block_for(pass, order);

			keep_first(page, order, pages);
			expect_parts(pass, page, order, pages);
			for (unsigned long n = 0; n < pages; n++)
				oracle_give(page_to_pfn(page) + n, 0);
			assert_int_equal(0,
					 free_pages_exact(page_address(page), pages * PAGE_SIZE));
			release_all();
			unreserve_around(page);
			expect_oracle_picture();
		}
	}
	assert_int_equal(0, mm_set_hooks(0));
	machine_stop();
}

static void every_part(void **state)
{
	(void)state;
	for (enum pass pass = 0; pass < NR_PASSES; pass++)
		every_part_in(pass);
}

/* The same in a section that the block itself opens: most of its descriptors are random. */
static void parts_of_untouched_memory(void **state)
{
	(void)state;
	for (unsigned int order = 1; order <= MAX_PAGE_ORDER; order++) {
		unsigned long all = 1UL << order,
			      some[] = {1,	  2,	       31,	32,
					33,	  all / 2 - 1, all / 2, all / 2 + 1,
					all - 33, all - 32,    all - 1};

		for (unsigned int i = 0; i < sizeof(some) / sizeof(some[0]); i++) {
			uint64_t untouched;
			struct page *page;

			if (!some[i] || some[i] >= all)
				continue;
			machine_start(&small);
			untouched = mm.zones[ZONE_DMA32].nr_untouched;
			page = block_for(PLAIN, order);
			while (mm.zones[ZONE_DMA32].nr_untouched == untouched) {
				held[nr_held].page = page;
				held[nr_held++].order = order;
				page = block_for(PLAIN, order);
			}
			keep_first(page, order, some[i]);
			expect_parts(PLAIN, page, order, some[i]);
			for (unsigned long n = 0; n < some[i]; n++)
				oracle_give(page_to_pfn(page) + n, 0);
			assert_int_equal(0,
					 free_pages_exact(page_address(page), some[i] * PAGE_SIZE));
			release_all();
			expect_oracle_picture();
			machine_stop();
		}
	}
}

/* alloc_pages_exact() of 1 to 1024 pages, one after the other. */
static void every_size(void **state)
{
	(void)state;
	machine_start(&layouts[0]);
	for (unsigned long pages = 1; pages <= MAX_ORDER_NR_PAGES; pages++) {
		void *memory = alloc_pages_exact(pages * PAGE_SIZE - pages % 3, GFP_KERNEL);
		struct page *page = virt_to_page(memory);

		assert_non_null(memory);
		for (unsigned long n = 0; n < pages; n++)
			oracle_take(page + n, 0);
		expect_oracle_picture();
		if (pages % 2 == 0) { /* a page less: nothing */
			uint64_t hash = mm_state_hash();

			assert_int_not_equal(0, free_pages_exact(memory, (pages - 1) * PAGE_SIZE));
			assert_int_equal(hash, mm_state_hash());
		}
		for (unsigned long n = 0; n < pages; n++)
			oracle_give(page_to_pfn(page) + n, 0);
		assert_int_equal(0, free_pages_exact(memory, pages * PAGE_SIZE));
		expect_oracle_picture();
	}
	machine_stop();
}

/* Two largest blocks side by side are two allocations, whatever size is named. */
static void neighbours_are_not_one(void **state)
{
	struct page *page, *next = NULL;
	uint64_t hash;

	(void)state;
	machine_start(&layouts[0]);
	page = alloc_pages(GFP_KERNEL, MAX_PAGE_ORDER);
	next = alloc_pages(GFP_KERNEL, MAX_PAGE_ORDER);
	assert_ptr_equal(page + MAX_ORDER_NR_PAGES, next);
	hash = mm_state_hash();
	assert_int_not_equal(0, free_pages_exact(page_address(page), 2 * SECTION));
	assert_int_equal(hash, mm_state_hash());
	assert_int_equal(0, free_pages_exact(page_address(page), SECTION));
	assert_int_equal(0, free_pages_exact(page_address(next), SECTION));
	machine_stop();
}

/* A free while another holds the block: the first page stays, and goes with the last holder. */
static void shared_of_every_order(void **state)
{
	(void)state;
	for (enum pass pass = 0; pass < NR_PASSES; pass++) {
		machine_start(&small);
		assert_int_equal(0, mm_set_hooks(pass == CLEARED ? MM_HOOK_INIT_ON_FREE : 0));
		for (unsigned int order = 1; order <= MAX_PAGE_ORDER; order++) {
			for (unsigned int holders = 1; holders < 4; holders++) {
				struct page *page = block_for(pass, order);

				for (unsigned int n = 0; n < holders; n++)
					get_page(page);
				assert_int_equal(0, __free_pages(page, order));
				assert_int_equal(holders, page_count(page));
				for (unsigned long n = 1; n < 1UL << order; n++)
					oracle_give(page_to_pfn(page) + n, 0);
				expect_oracle_picture();
				for (unsigned int n = 1; n < holders; n++)
					assert_int_equal(0, put_page(page));
				expect_oracle_picture();
				assert_true(*word_in(page, 0) == ~0ULL);
				assert_true(*word_in(page, (1UL << order) - 1) ==
					    (pass == CLEARED ? 0 : ~0ULL));
				oracle_give(page_to_pfn(page), 0);
				if (holders % 2) {
					assert_int_equal(0, put_page(page));
				} else {
					assert_true(put_page_testzero(page));
					assert_int_equal(0, free_frozen_pages(page, 0));
				}
				release_all();
				unreserve_around(page);
				expect_oracle_picture();
			}
		}
		assert_int_equal(0, mm_set_hooks(0));
		machine_stop();
	}
}

/* ---- spans --------------------------------------------------------------------------------- */

#define NR_LATE 7

/*
 * Runs of untouched sections in both zones, apart by reserved sections that are released in
 * between.
 */
static void late_releases_between_untouched_sections(void **state)
{
	const phys_addr_t base = 4 * GIB - 12 * SECTION;
	uint64_t seed;

	(void)state;
	for (uint64_t run = 1; run <= 60; run++) {
		struct layout layout = {"late", 0, {{base, 26 * SECTION}}, {{0}}, run & 1};
		unsigned int left = NR_LATE;

		seed = run * 7919;
		for (unsigned int i = 0; i < NR_LATE; i++) /* 1 or 2 sections of 3 */
			layout.reserved[i] = (struct range){base + (3 * i + 1) * SECTION,
							    (1 + (run >> i & 1)) * SECTION};
		machine_start(&layout);
		for (unsigned int step = 0; step < 60; step++) {
			uint64_t r = host_random(&seed);

			if (r % 4 == 0 && left > 0) {
				unsigned int n = (unsigned int)(r >> 8) % left--;
				struct range late = layout.reserved[n];

				layout.reserved[n] = layout.reserved[left];
				assert_int_equal(0, memblock_free_late(late.base, late.size));
				for (pfn_t pfn = PFN_DOWN(late.base);
				     pfn < PFN_DOWN(late.base + late.size); pfn++)
					machine.frame[pfn - machine.first] = FRAME_FREE;
			} else if (r % 4 == 1 && nr_held > 0) {
				struct page *page = held[--nr_held].page;

				oracle_give(page_to_pfn(page), MAX_PAGE_ORDER);
				assert_int_equal(0, __free_pages(page, MAX_PAGE_ORDER));
			} else {
				gfp_t gfp = (r & 64 ? GFP_DMA32 : GFP_KERNEL) | __GFP_NOWARN;
				struct page *page = alloc_pages(gfp, MAX_PAGE_ORDER);

				assert_true(page || !oracle_has(gfp, MAX_PAGE_ORDER));
				if (page) {
					oracle_take(page, MAX_PAGE_ORDER);
					held[nr_held].page = page;
					held[nr_held++].order = MAX_PAGE_ORDER;
				}
			}
			assert_int_equal(0, mm_check());
		}
		hold_all();
		assert_false(oracle_has(GFP_KERNEL | __GFP_NOWARN, 0));
		release_all();
		expect_oracle_picture();
		for (int zone = 0; zone < MAX_NR_ZONES; zone++)
			mm_buddyinfo((enum zone_type)zone, machine.picture[zone]);
		machine_stop();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_part),
		cmocka_unit_test(parts_of_untouched_memory),
		cmocka_unit_test(every_size),
		cmocka_unit_test(neighbours_are_not_one),
		cmocka_unit_test(shared_of_every_order),
		cmocka_unit_test(late_releases_between_untouched_sections),
	};

	port_host_log_hook = port_host_quiet;
	return cmocka_run_group_tests_name("parts", tests, NULL, NULL);
}
