/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_check_faults.c: states that are wrong though each field, and most counts, could be right:
 * mm_check() finds them and says where.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <quarry/memblock.h>

#include "check_fields.h"
#include "check_pool.h"
#include "machine.h"
#include "mm/buddy/buddy.h"
#include "mm/free_map.h"
#include "test/host/port_host.h"

static void expect_found(const char *structure, const char *field)
{
	port_host_log_clear();
	assert_true(mm_check() > 0);
	if (!check_names(structure, field))
		fail_msg("%s.%s is not named:\n%s", structure, field, port_host_log_text);
}

/* The first of a zone's pageblocks on a list, or of those that are allocated as a whole. */
static struct pageblock *pageblock_with(int list, bool whole)
{
	for (uint32_t s = 0; s < mm.nr_spans; s++)
		for (unsigned long n = mm.spans[s].first * 2UL; n < mm.spans[s].opened * 2UL; n++) {
			struct pageblock *pb = &mm.pageblocks[n];
			const struct page *page = &mm.memmap[n << pageblock_order];

			if (pb->list == list && pb->type != MIGRATE_HIGHATOMIC &&
			    (!whole || (trusted(n << pageblock_order) && page->_refcount &&
					page_order(page) == pageblock_order)))
				return pb;
		}
	fail();
	return NULL;
}

static struct zone *zone_with(const struct pageblock *pb)
{
	return zone_of((unsigned long)(pb - mm.pageblocks) << pageblock_order);
}

static struct page *page_with(const struct pageblock *pb)
{
	return &mm.memmap[(unsigned long)(pb - mm.pageblocks) << pageblock_order];
}

static void a_highatomic_pageblock_is_held_as_a_whole(void **state)
{
	struct pageblock *pb;

	(void)state;
	check_pool_start();
	pb = pageblock_with(PB_OFF_LIST, true);
	pb->type = MIGRATE_HIGHATOMIC;
	zone_with(pb)->nr_highatomic += pageblock_nr_pages;
	zone_with(pb)->nr_kept += pageblock_nr_pages;
	expect_found("pageblock", "type");
	check_pool_stop();
}

static void a_highatomic_pair(void **state)
{
	struct pageblock *pb;
	struct zone *zone;

	(void)state;
	check_pool_start();
	pb = pageblock_with(MAX_PAGE_ORDER, false);
	zone = zone_with(pb);
	pb[0].type = pb[1].type = MIGRATE_HIGHATOMIC;
	zone->nr_highatomic += MAX_ORDER_NR_PAGES;
	zone->nr_kept += MAX_ORDER_NR_PAGES;
	zone->nr_free -= MAX_ORDER_NR_PAGES;
	nr_free_of(zone, MIGRATE_HIGHATOMIC) += MAX_ORDER_NR_PAGES;
	/* the one pair there is goes from one list to the other */
	assert_int_equal(NIL32, pb->next);
	zone->list[PB_WHOLE][MAX_PAGE_ORDER] = NIL32;
	zone->list[MIGRATE_HIGHATOMIC][MAX_PAGE_ORDER] = (uint32_t)(pb - mm.pageblocks);
	zone->nonempty[PB_WHOLE] ^= 1U << MAX_PAGE_ORDER;
	zone->nonempty[MIGRATE_HIGHATOMIC] ^= 1U << MAX_PAGE_ORDER;
	expect_found("pageblock", "type");
	check_pool_stop();
}

static void a_whole_pageblock_that_is_not_trusted(void **state)
{
	struct pageblock *pb;

	(void)state;
	check_pool_start();
	pb = pageblock_with(pageblock_order, false);
	mm.trust[(page_with(pb) - mm.memmap) >> GROUP_SHIFT] = TRUST_NONE;
	expect_found("trust", "trust");
	check_pool_stop();
}

/* A page moves within its word: the pageblock's count and the word's largest order stay right. */
static void a_free_page_elsewhere(void **state)
{
	unsigned long index, free = NIL32, used;
	uint64_t taken = 0; /* of the word that `used` is in */

	(void)state;
	check_pool_start();
	/* Of a pair that is taken, one is freed; another is in use, as its neighbour is. */
	used = (unsigned long)(block_of(GFP_KERNEL, 1) - mm.memmap);
	do {
		index = (unsigned long)(block_of(GFP_KERNEL, 0) - mm.memmap);
		if (index >> WORD_ORDER == used >> WORD_ORDER)
			taken |= (uint64_t)1 << (index & (WORD_PAGES - 1));
	} while (index >> WORD_ORDER != used >> WORD_ORDER ||
		 !(taken >> ((index ^ 1) & (WORD_PAGES - 1)) & 1));
	give(&mm.memmap[index], 0);
	while (drain_some_pages())
		;
	free = index;
	assert_true(map_test(free) && !map_test(free ^ 1) && !map_test(used) &&
		    !map_test(used ^ 1));
	assert_int_equal(0, mm_check());
	*map_word(free) ^=
		(uint64_t)1 << (free & (WORD_PAGES - 1)) | (uint64_t)1 << (used & (WORD_PAGES - 1));
	expect_found("page", "map");
	check_pool_stop();
}

/* What is in use is free too, with every count right but the one of what there must be. */
static void a_page_in_use_is_free(void **state)
{
	struct pageblock *pb;
	unsigned long index;
	struct page *page;

	(void)state;
	check_pool_start();
	page = block_of(GFP_KERNEL, 0);
	index = (unsigned long)(page - mm.memmap);
	pb = &mm.pageblocks[index >> pageblock_order];
	*map_word(index) |= (uint64_t)1 << (index & (WORD_PAGES - 1));
	*map_order(index) = (uint8_t)word_largest(*map_word(index));
	pb->nr_free++;
	zone_with(pb)->nr_free++;
	expect_found("page", "map");
	check_pool_stop();
}

/* The head of a whole pageblock that is free, and its bits, say different things. */
static void a_whole_pageblock_with_a_page_in_use(void **state)
{
	struct pageblock *pb;
	unsigned long index;

	(void)state;
	check_pool_start();
	pb = pageblock_with(pageblock_order, false);
	index = (unsigned long)(page_with(pb) - mm.memmap) + 100;
	*map_word(index) ^= (uint64_t)1 << (index & (WORD_PAGES - 1));
	*map_order(index) = (uint8_t)word_largest(*map_word(index));
	pb->nr_free--;
	zone_with(pb)->nr_free--;
	expect_found("page", "map");
	check_pool_stop();
}

/* A cursor of a larger window: the pages it leads to lie past the newest. */
static void a_cursor_past_the_window(void **state)
{
	struct per_cpu_pages *pcp;

	(void)state;
	check_pool_start();
	pcp = &machine_pcpu.cache[mm.zones[ZONE_NORMAL].first_pcp];
	assert_true(pcp->limit - pcp->base >= 16);
	pcp->cursor = 56;
	expect_found("cache", "cursor");
	check_pool_stop();
}

/* Each field could be right: the page is in use, but it is another CPU's. */
static void objects_of_another_cpu(void **state)
{
	(void)state;
	check_pool_start();
	assert_ptr_not_equal(machine_pcpu.kmem, other_cpu.kmem);
	other_cpu.kmem = machine_pcpu.kmem;
	expect_found("cpu", "kmem");
	check_pool_stop();
}

static void a_page_of_stacks_is_freed(void **state)
{
	(void)state;
	check_pool_start();
	give(virt_to_page(machine_pcpu.kmem), 0);
	expect_found("kmem", "cpu");
	assert_non_null(strstr(port_host_log_text, "which is no page in use"));
	check_pool_stop();
}

static void cache_pages(gfp_t gfp)
{
	struct page *pages[4];

	for (unsigned int i = 0; i < 4; i++)
		pages[i] = block_of(gfp, 0);
	for (unsigned int i = 0; i < 4; i++)
		give(pages[i], 0);
}

static void a_cached_page_twice(void **state)
{
	struct per_cpu_pages *pcp;

	(void)state;
	check_pool_start();
	pcp = &machine_pcpu.cache[mm.zones[ZONE_NORMAL].first_pcp];
	cache_pages(GFP_KERNEL);
	assert_true(pcp->top > pcp->base + 2);
	pcp->top[-2]->_refcount = 1; /* and this one is in use: all counts are right */
	pcp->top[-2] = pcp->top[0];
	expect_found("cache", "top");
	check_pool_stop();
}

/* What a cache holds is no descriptor, or not of an open section of its zone. */
static void what_no_cache_of_the_zone_holds(void **state)
{
	(void)state;
	check_pool_start();
	cache_pages(GFP_DMA32);
	cache_pages(GFP_KERNEL);
	for (unsigned int z = 0; z < MAX_NR_ZONES; z++) {
		struct per_cpu_pages *pcp = &machine_pcpu.cache[mm.zones[z].first_pcp];
		struct per_cpu_pages *other = &machine_pcpu.cache[mm.zones[!z].first_pcp];
		const struct span *span = &mm.spans[mm.nr_spans - 1];
		struct page *page = *pcp->top;

		while (span->opened == span->end ||
		       zone_of((unsigned long)span->opened << SECTION_SHIFT) != &mm.zones[z])
			span--;
		for (unsigned int i = 0; i < 5; i++) {
			struct page *const wrong[] = {
				(struct page *)((uintptr_t)page + 1),
				*other->top,
				&mm.memmap[(size_t)span->opened << SECTION_SHIFT],
				mm.memmap + mm.nr_pages,
				mm.memmap - 1,
			};

			*pcp->top = wrong[i];
			port_host_log_clear();
			assert_true(mm_check() > 0);
			assert_non_null(strstr(port_host_log_text, "is no descriptor of zone["));
			*pcp->top = page;
		}
	}
	assert_int_equal(0, mm_check());
	check_pool_stop();
}

static void a_cached_page_in_the_caches_of_two_cpus(void **state)
{
	struct per_cpu_pages *here, *there;
	unsigned int first;

	(void)state;
	check_pool_start();
	first = mm.zones[ZONE_DMA32].first_pcp;
	here = &machine_pcpu.cache[first];
	there = &other_cpu.cache[first];
	cache_pages(GFP_DMA32);
	on_other_cpu();
	cache_pages(GFP_DMA32);
	on_other_cpu();
	assert_true(here->top > here->base && there->top > there->base);
	(*there->top)->_refcount = 1;
	*there->top = *here->top;
	expect_found("page", "_refcount");
	check_pool_stop();
}

/* A free page that is lost, with every count right but the one of what there must be. */
static void a_lost_page(void **state)
{
	struct page *page;

	(void)state;
	check_pool_start();
	page = block_of(GFP_KERNEL, 1);
	mm.zones[ZONE_NORMAL].managed -= 2;
	page->word = PAGE_RESERVED_WORD(1);
	expect_found("zone", "managed");
	check_pool_stop();
}

/* Memory that is not free is taken for free, with every count right. */
static void reserved_memory_is_handed_out(void **state)
{
	struct page *page = NULL;

	(void)state;
	check_pool_start();
	for (unsigned int n = 0; (page = page_object(n)); n++)
		if (trusted((unsigned long)(page - mm.memmap)) &&
		    page->word == PAGE_RESERVED_WORD(page_order(page)))
			break;
	assert_non_null(page);
	page->word = PAGE_INFO(PAGE_ALLOC, page_order(page)) | PAGE_ONE_REF |
		     zone_of((unsigned long)(page - mm.memmap))->first_pcp *
			     (uint32_t)sizeof(struct per_cpu_pages);
	zone_of((unsigned long)(page - mm.memmap))->managed += 1U << page_order(page);
	expect_found("page", "memblock");
	check_pool_stop();
}

/*
 * A block in use, of which memblock knows a page as no memory, the first or another; a page that is
 * memory of another kind is memory.
 */
static void no_memory_is_handed_out(void **state)
{
	struct page *page;

	(void)state;
	check_pool_start();
	page = block_of(GFP_KERNEL, 2);
	for (unsigned int i = 0; i < 4; i++) {
		assert_int_equal(0, memblock_mark_hotplug(page_to_phys(page + i), PAGE_SIZE));
		assert_int_equal(0, mm_check());
		assert_int_equal(0, memblock_clear_hotplug(page_to_phys(page + i), PAGE_SIZE));
		assert_int_equal(0, memblock_mark_nomap(page_to_phys(page + i), PAGE_SIZE));
		expect_found("page", "memblock");
		assert_int_equal(0, memblock_clear_nomap(page_to_phys(page + i), PAGE_SIZE));
	}
	give(page, 2);
	check_pool_stop();
}

/* ---- what is said -------------------------------------------------------------------------- */

static unsigned int lines_with(const char *text)
{
	unsigned int lines = 0;

	for (const char *at = port_host_log_text; (at = strstr(at, text)); at++)
		lines++;
	return lines;
}

/* The figures of a line are in their places, and a word of the map that is wrong is named once. */
static void figures_of_a_line(void **state)
{
	struct zone *zone = &mm.zones[ZONE_NORMAL];
	const struct per_cpu_pages *pcp;
	uint64_t low;
	struct page *page;
	char text[80];

	(void)state;
	check_pool_start();
	low = zone->mark.low;
	zone->mark.low = 123456;
	port_host_log_clear();
	assert_int_equal(1, mm_check());
	snprintf(text, sizeof(text), "zone[1].mark.low: 123456, but %llu by",
		 (unsigned long long)low);
	assert_int_equal(1, lines_with(text));
	zone->mark.low = low;

	/* the array of the other CPU's first cache is free, by its descriptor */
	pcp = &other_cpu.cache[mm.zones[ZONE_DMA32].first_pcp];
	page = virt_to_page(pcp->base);
	page->_refcount = 0;
	port_host_log_clear();
	assert_true(mm_check() > 0);
	snprintf(text, sizeof(text), "cpu[1].cache[%u].base, .capacity: 0x",
		 (unsigned int)(pcp - other_cpu.cache));
	assert_int_equal(1, lines_with(text));
	page->_refcount = 1;
	assert_int_equal(0, mm_check());

	page = block_of(GFP_KERNEL, 7);
	for (unsigned int i = 0; i < 128; i += WORD_PAGES) /* all pages but the block's first */
		*map_word((unsigned long)(page - mm.memmap) + i) = WORD_FULL << !i;
	port_host_log_clear();
	assert_true(mm_check() > 0);
	assert_int_equal(128 / WORD_PAGES, lines_with("'s block: info"));
	for (unsigned int i = 0; i < 128; i += WORD_PAGES)
		*map_word((unsigned long)(page - mm.memmap) + i) = 0;
	give(page, 7);
	assert_int_equal(0, mm_check());
	check_pool_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_highatomic_pageblock_is_held_as_a_whole),
		cmocka_unit_test(a_highatomic_pair),
		cmocka_unit_test(a_whole_pageblock_that_is_not_trusted),
		cmocka_unit_test(a_free_page_elsewhere),
		cmocka_unit_test(a_page_in_use_is_free),
		cmocka_unit_test(a_whole_pageblock_with_a_page_in_use),
		cmocka_unit_test(a_cursor_past_the_window),
		cmocka_unit_test(objects_of_another_cpu),
		cmocka_unit_test(a_page_of_stacks_is_freed),
		cmocka_unit_test(a_cached_page_twice),
		cmocka_unit_test(what_no_cache_of_the_zone_holds),
		cmocka_unit_test(a_cached_page_in_the_caches_of_two_cpus),
		cmocka_unit_test(a_lost_page),
		cmocka_unit_test(reserved_memory_is_handed_out),
		cmocka_unit_test(no_memory_is_handed_out),
		cmocka_unit_test(figures_of_a_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
