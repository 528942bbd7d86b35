/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_map_cells.c: the figures and letters of `map` against what was allocated, page by page and as a whole.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <quarry/slab.h>

#include "console/map_cells.c"
#include "test/host/mm/machine.h"

#define NR_HELD 300

static const struct map_context nobody;

static char letter(pfn_t start, pfn_t end, enum map_mode mode)
{
	struct map_range range;

	map_look(start, end, &range, NULL);
	return map_cell(&range, mode, &nobody).letter;
}

static uint64_t pages_free(void)
{
	uint64_t pages = 0;

	for (int zone = 0; zone < MAX_NR_ZONES; zone++) {
		struct zone_info info;

		mm_zone_info((enum zone_type)zone, &info);
		pages += info.free;
	}
	return pages;
}

/* A range is the sum of its parts, and of all pages each is what the oracle says. */
static void check_all(void)
{
	struct map_range all, page;
	uint64_t present = 0, free = 0, used = 0, reserved = 0, blocks = 0;

	map_look(machine.first, machine.end, &all, NULL);
	for (pfn_t pfn = machine.first; pfn < machine.end; pfn++) {
		map_look(pfn, pfn + 1, &page, NULL);
		assert_int_equal(page.present, page.free + page.cached + page.used + page.reserved);
		switch (machine.frame[pfn - machine.first]) {
		case FRAME_FREE:
			assert_int_equal(page.free + page.cached, 1);
			break;
		case FRAME_TAKEN:
			assert_int_equal(page.used, 1);
			assert_int_equal(letter(pfn, pfn + 1, MAP_FREE), '#');
			break;
		case FRAME_RESERVED:
			assert_int_equal(letter(pfn, pfn + 1, MAP_TYPE), 'R');
			break;
		default: /* absent: no descriptor, or one that is reserved */
			assert_int_equal(page.present, page.reserved);
		}
		present += page.present;
		free += page.free;
		used += page.used;
		reserved += page.reserved;
		blocks += page.blocks;
	}
	assert_int_equal(all.present, present);
	assert_int_equal(all.free, free);
	assert_int_equal(all.used, used);
	assert_int_equal(all.reserved, reserved);
	assert_int_equal(all.blocks, blocks);
	assert_int_equal(all.free, pages_free());
}

static void run_layout(const struct layout *layout)
{
	static struct page *held[NR_HELD];
	static unsigned int order[NR_HELD];
	struct map_range before, after;

	machine_start(layout);
	map_look(machine.first, machine.end, &before, NULL);
	check_all();
	for (unsigned int i = 0; i < NR_HELD; i++) {
		order[i] = (unsigned int)rand() % 4;
		held[i] = alloc_pages(GFP_KERNEL | __GFP_NOWARN, order[i]);
		if (held[i])
			oracle_take(held[i], order[i]);
	}
	check_all();
	map_look(machine.first, machine.end, &after, NULL);
	assert_true(before.hash != after.hash);
	for (unsigned int i = 0; i < NR_HELD; i++) {
		if (!held[i])
			continue;
		oracle_give(page_to_pfn(held[i]), order[i]);
		__free_pages(held[i], order[i]);
	}
	drain_all_pages();
	check_all();
	machine_stop();
}

static void test_layouts(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < nr_layouts; i++)
		if (layouts[i].bank[0].size <= 64 << 20)
			run_layout(&layouts[i]);
}

static void count_tags(uint32_t tag, uint64_t pages)
{
	assert_true(tag == 0 || tag == 7);
	assert_true(pages > 0);
}

static void test_letters(void **state)
{
	struct map_range range = {.present = 100, .free = 100, .largest_free = 10};
	const uint32_t tags[] = {9, 7};
	struct map_context context = {.owners = tags, .nr_owners = 2, .age = UINT32_MAX};

	(void)state;
	range.type[MIGRATE_MOVABLE] = 100;
	assert_int_equal(map_cell(&range, MAP_FREE, &context).letter, '.');
	assert_int_equal(map_cell(&range, MAP_TYPE, &context).letter, 'm');
	assert_int_equal(map_cell(&range, MAP_ORDER, &context).letter, 'A');
	assert_int_equal(map_cell(&range, MAP_AGE, &context).letter, '.');
	range.free = 99; /* one page of a hundred is seen too */
	range.used = 1;
	range.owner = 7;
	assert_int_equal(map_cell(&range, MAP_FREE, &context).letter, '1');
	assert_int_equal(map_cell(&range, MAP_OWNER, &context).letter, 'b');
	range.free = 0;
	range.used = 100;
	range.owner = 8;
	range.largest_free = -1;
	assert_int_equal(map_cell(&range, MAP_TYPE, &context).letter, 'M');
	assert_int_equal(map_cell(&range, MAP_OWNER, &context).letter, '*');
	assert_int_equal(map_cell(&range, MAP_ORDER, &context).letter, '-');
	context.age = 3;
	assert_int_equal(map_cell(&range, MAP_AGE, &context).letter, '3');
	context.age = 10;
	assert_int_equal(map_cell(&range, MAP_AGE, &context).letter, '+');
	range.present = 0;
	assert_int_equal(map_cell(&range, MAP_FREE, &context).letter, ' ');
	for (int mode = 0; mode < NR_MAP_MODES; mode++)
		assert_true(strlen(map_legend((enum map_mode)mode)) <= 80);
}

/* Whose are most of the pages? */
static void test_majority(void **state)
{
	struct page *page[3];
	struct map_range range;

	(void)state;
	machine_start(&layouts[0]);
	for (int i = 0; i < 3; i++) {
		page[i] = alloc_pages(GFP_KERNEL, 2);
		oracle_take(page[i], 2);
		page[i]->owner = i == 1 ? 0 : 7;
	}
	map_look(machine.first, machine.end, &range, count_tags);
	assert_int_equal(range.owner, 7);
	for (int i = 0; i < 3; i++) {
		oracle_give(page_to_pfn(page[i]), 2);
		__free_pages(page[i], 2);
	}
	drain_all_pages();
	machine_stop();
}

static uint64_t of_objects, of_others;

static void count_objects(uint32_t tag, uint64_t pages)
{
	*(tag == MAP_OBJECTS ? &of_objects : &of_others) += pages;
}

/* Slabs, and a block that kmalloc() took for itself: neither is of a call site, nor is each another's. */
static void test_objects(void **state)
{
	struct map_range range;
	void *object[3];

	(void)state;
	machine_start(&layouts[0]);
	assert_int_equal(kmem_cache_init(), 0);
	object[0] = kmalloc(8, GFP_KERNEL);
	object[1] = kmalloc(64, GFP_KERNEL);
	object[2] = kmalloc(40000, GFP_KERNEL);
	map_look(machine.first, machine.end, &range, count_objects);
	assert_int_equal(of_objects, 1 + 1 + 16);
	assert_true(of_others > 0); /* heads and tables are pages like any other */
	map_look(page_to_pfn(virt_to_page(object[2])), page_to_pfn(virt_to_page(object[2])) + 16,
		 &range, NULL);
	assert_int_equal(range.owner, MAP_OBJECTS);
	for (int i = 0; i < 3; i++)
		assert_int_equal(kfree(object[i]), 0);
	assert_int_equal(kmem_release(), 0);
	drain_all_pages();
	machine_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_layouts),
		cmocka_unit_test(test_letters),
		cmocka_unit_test(test_majority),
		cmocka_unit_test(test_objects),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
