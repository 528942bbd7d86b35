/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_memblock_alloc.c: where memblock allocations go, what they refuse, and how the arrays grow
 * past their static size; a growth that fails must change nothing.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "memblock_expect.h"

/* ---- allocation ---- */

static void test_alloc_top_down(void **state)
{
	unsigned char *p;

	(void)state;
	memblock_add(M(1), M(1));
	p = memblock_alloc(100, 0);
	assert_ptr_equal(p, phys_to_virt(M(2) - 128));
	EXPECT(reserved, {M(2) - 128, 100, 0});
	for (int i = 0; i < 100; i++)
		assert_int_equal(p[i], 0);
	p = memblock_alloc(K(8), K(64));
	assert_ptr_equal(p, phys_to_virt(M(2) - K(64)));
	EXPECT(reserved, {M(2) - K(64), K(8), 0}, {M(2) - 128, 100, 0});
	memblock_free(p, K(8));
	EXPECT(reserved, {M(2) - 128, 100, 0});
}

static void test_alloc_bottom_up(void **state)
{
	(void)state;
	memblock_set_bottom_up(true);
	memblock_add(M(1) + 1, M(1));
	assert_int_equal(memblock_phys_alloc(100, 8), M(1) + 8);
	assert_int_equal(memblock_phys_alloc(100, 0), M(1) + 128);
	assert_int_equal(memblock_phys_alloc(K(8), K(64)), M(1) + K(64));
	EXPECT(reserved, {M(1) + 8, 100, 0}, {M(1) + 128, 100, 0}, {M(1) + K(64), K(8), 0});
}

static void test_alloc_zeroes_unless_raw(void **state)
{
	unsigned char *p;

	(void)state;
	memblock_add(K(64), K(64));
	memset(phys_to_virt(K(64)), 0xa5, K(64));
	p = memblock_alloc_raw(K(4), PAGE_SIZE);
	assert_int_equal(p[0], 0xa5);
	assert_int_equal(p[K(4) - 1], 0xa5);
	p = memblock_alloc(K(4), PAGE_SIZE);
	assert_int_equal(p[0], 0);
	assert_int_equal(p[K(4) - 1], 0);
	assert_int_equal(p[-1], 0xa5);
	assert_int_equal(p[K(4)], 0xa5);
}

static void test_alloc_range(void **state)
{
	(void)state;
	memblock_add(M(1), M(16));
	assert_int_equal(memblock_phys_alloc_range(M(1), M(1), M(4), M(6)), M(5));
	assert_int_equal(memblock_phys_alloc_range(M(1), M(1), M(4), M(6)), M(4));
	assert_int_equal(memblock_phys_alloc_range(M(1), M(1), M(4), M(6)), 0);
	assert_int_equal(memblock_phys_alloc_range(M(1), M(1), M(12) + 1, M(14) - 1), 0);
	assert_int_equal(memblock_phys_alloc_range(M(1), M(1), M(20), M(18)), 0);
	memblock_set_bottom_up(true);
	assert_int_equal(memblock_phys_alloc_range(K(4), K(4), M(10) + 1, M(14)), M(10) + K(4));
	EXPECT(reserved, {M(4), M(2), 0}, {M(10) + K(4), K(4), 0});
}

static void test_min_addr_is_a_preference(void **state)
{
	(void)state;
	memblock_add(M(1), M(4));
	assert_ptr_equal(memblock_alloc_from(M(1), M(1), M(3)), phys_to_virt(M(4)));
	assert_ptr_equal(memblock_alloc_from(M(1), M(1), M(3)), phys_to_virt(M(3)));
	assert_ptr_equal(memblock_alloc_from(M(1), M(1), M(3)), phys_to_virt(M(2)));
	/* The physical form insists. */
	assert_int_equal(memblock_phys_alloc_range(M(1), M(1), M(3), M(5)), 0);
	/* max_addr is a limit in either. */
	assert_null(memblock_alloc_try_nid(M(1), M(1), 0, M(1) + K(512), 0));
	assert_ptr_equal(memblock_alloc_try_nid_raw(K(4), K(4), 0, M(1) + K(512), 0),
			 phys_to_virt(M(1) + K(508)));
}

static void test_current_limit(void **state)
{
	(void)state;
	memblock_add(M(1), M(8));
	memblock_set_current_limit(M(4));
	assert_int_equal(memblock_phys_alloc(M(1), M(1)), M(3));
	assert_ptr_equal(memblock_alloc_try_nid(M(1), M(1), 0, M(8), NUMA_NO_NODE),
			 phys_to_virt(M(2)));
	assert_ptr_equal(memblock_alloc_try_nid(M(1), M(1), 0, MEMBLOCK_ALLOC_ANYWHERE, 0),
			 phys_to_virt(M(1)));
	assert_null(memblock_alloc(K(4), K(4)));
	/* An explicit end of the physical form is the caller's own. */
	assert_int_equal(memblock_phys_alloc_range(M(1), M(1), 0, M(8)), M(7));
}

static void test_page_0_is_never_handed_out(void **state)
{
	(void)state;
	memblock_add(0, K(8));
	memblock_set_bottom_up(true);
	assert_int_equal(memblock_phys_alloc(K(2), K(1)), K(4));
	memblock_set_bottom_up(false);
	assert_int_equal(memblock_phys_alloc(K(2), K(1)), K(6));
	assert_int_equal(memblock_phys_alloc(1, 1), 0);
}

static void test_alloc_exhaustion(void **state)
{
	(void)state;
	memblock_add(M(1), K(16));
	for (int i = 3; i >= 0; i--)
		assert_int_equal(memblock_phys_alloc(K(4), K(4)), M(1) + K(4 * i));
	save_state();
	assert_int_equal(memblock_phys_alloc(1, 1), 0);
	assert_null(memblock_alloc(1, 1));
	expect_unchanged();
	EXPECT(reserved, {M(1), K(16), 0});
}

static void test_alloc_refused(void **state)
{
	(void)state;
	memblock_add(M(1), M(1));
	save_state();
	assert_null(memblock_alloc(0, 8));
	assert_null(memblock_alloc(8, 24));
	assert_null(memblock_alloc(M(1) + 1, 8));
	assert_null(memblock_alloc(8, M(4)));
	assert_null(memblock_alloc(PHYS_ADDR_MAX, 8));
	assert_null(memblock_alloc(8, (phys_addr_t)1 << 63));
	assert_null(memblock_alloc_try_nid(8, 8, 0, 0, 3));
	assert_null(memblock_alloc_try_nid_raw(8, 8, 0, 0, -2));
	memblock_set_bottom_up(true);
	assert_null(memblock_alloc(8, (phys_addr_t)1 << 63));
	assert_null(memblock_alloc(PHYS_ADDR_MAX, 8));
	memblock_set_bottom_up(false);
	expect_unchanged();
}

static void test_alloc_top_of_address_space(void **state)
{
	(void)state;
	memblock_add(PHYS_ADDR_MAX - M(1) + 1, M(1));
	/* The last byte does not belong to it, so the last page cannot be had whole. */
	assert_true(memblock_phys_alloc(PAGE_SIZE, PAGE_SIZE) == (phys_addr_t)0 - 2 * PAGE_SIZE);
	memblock_set_bottom_up(true);
	assert_true(memblock_phys_alloc(K(64), K(512)) == (phys_addr_t)0 - M(1));
	assert_true(memblock_phys_alloc(K(512), K(512)) == 0);
}

/* ---- growth ---- */

/* Fill `reserved` with single pages, every second one from base on. */
static void reserve_pages(phys_addr_t base, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		assert_int_equal(memblock_reserve(base + K(8) * i, K(4)), 0);
}

static void test_reserved_grows(void **state)
{
	(void)state;
	memblock_add(M(1), M(32));
	reserve_pages(M(1), MAX_REGIONS);
	assert_int_equal(memblock.reserved.cnt, MAX_REGIONS);
	assert_int_equal(memblock.reserved.max, MAX_REGIONS);
	/* One more: twice the room, and the new array is a reservation itself. */
	reserve_pages(M(1) + K(8) * MAX_REGIONS, 1);
	assert_int_equal(memblock.reserved.max, 2 * MAX_REGIONS);
	assert_int_equal(memblock.reserved.cnt, MAX_REGIONS + 2);
	assert_int_equal(memblock.reserved.total_size,
			 (MAX_REGIONS + 1) * K(4) + ARRAY_SIZE(2 * MAX_REGIONS));
	assert_int_equal(virt_to_phys(memblock.reserved.regions),
			 M(33) - ARRAY_SIZE(2 * MAX_REGIONS));
	for (unsigned int i = 0; i <= MAX_REGIONS; i++)
		assert_int_equal(memblock.reserved.regions[i].base, M(1) + K(8) * i);
	/* And again: the array in between is free memory again. */
	reserve_pages(M(8), 2 * MAX_REGIONS);
	assert_int_equal(memblock.reserved.max, 4 * MAX_REGIONS);
	assert_int_equal(memblock.reserved.total_size,
			 (3 * MAX_REGIONS + 1) * K(4) + ARRAY_SIZE(4 * MAX_REGIONS));
	assert_int_equal(memblock_check(), 0);
}

static void test_no_growth_while_regions_merge(void **state)
{
	(void)state;
	memblock_add(M(1), M(32));
	reserve_pages(M(1), MAX_REGIONS);
	assert_int_equal(memblock_reserve(M(1), K(8) * MAX_REGIONS), 0);
	EXPECT(reserved, {M(1), K(8) * MAX_REGIONS, 0});
	assert_int_equal(memblock.reserved.max, MAX_REGIONS);
}

static void test_growth_avoids_the_range_added(void **state)
{
	(void)state;
	memblock_add(M(1), M(32));
	reserve_pages(M(1), MAX_REGIONS);
	/* The range wants the very top, where the array would go. */
	assert_int_equal(memblock_reserve(M(33) - K(64), K(64)), 0);
	assert_int_equal(virt_to_phys(memblock.reserved.regions),
			 M(33) - K(64) - ARRAY_SIZE(2 * MAX_REGIONS));
}

static void test_memory_grows(void **state)
{
	(void)state;
	memblock_add(M(1), M(1));
	memblock_reserve(M(1), K(4));
	for (unsigned int i = 0; i < MAX_REGIONS; i++)
		assert_int_equal(memblock_add(M(4) + K(8) * i, K(4)), 0);
	assert_int_equal(memblock.memory.cnt, MAX_REGIONS + 1);
	assert_int_equal(memblock.memory.max, 2 * MAX_REGIONS);
	/* The single pages above are too small for the array: it is at the top of the first. */
	EXPECT(reserved, {M(1), K(4), 0},
	       {M(2) - ARRAY_SIZE(2 * MAX_REGIONS), ARRAY_SIZE(2 * MAX_REGIONS), 0});
	assert_int_equal(memblock.memory.total_size, M(1) + MAX_REGIONS * K(4));
}

static void test_both_arrays_grow(void **state)
{
	(void)state;
	memblock_add(M(1), M(1));
	for (unsigned int i = 0; i < MAX_REGIONS - 1; i++)
		assert_int_equal(memblock_add(M(4) + K(8) * i, K(4)), 0);
	reserve_pages(M(32), MAX_REGIONS);
	assert_int_equal(memblock.memory.max, MAX_REGIONS);
	assert_int_equal(memblock.reserved.max, MAX_REGIONS);
	/* A split of the first region needs a new `memory`, and that a new `reserved`. */
	assert_int_equal(memblock_mark_nomap(M(1) + K(4), K(4)), 0);
	assert_int_equal(memblock.memory.max, 2 * MAX_REGIONS);
	assert_int_equal(memblock.memory.cnt, MAX_REGIONS + 2);
	assert_int_equal(memblock.reserved.max, 2 * MAX_REGIONS);
	assert_int_equal(memblock.reserved.cnt, MAX_REGIONS + 1);
	assert_int_equal(memblock.reserved.total_size,
			 MAX_REGIONS * K(4) + 2 * ARRAY_SIZE(2 * MAX_REGIONS));
}

/* Both arrays full, and memory in pieces too small for a larger one but for [1M, 1M + room). */
static void fill_arrays(phys_addr_t room)
{
	memblock_add(M(1), room);
	for (unsigned int i = 0; i < MAX_REGIONS - 1; i++)
		assert_int_equal(memblock_add(M(4) + K(8) * i, K(2)), 0);
	reserve_pages(M(32), MAX_REGIONS);
}

static void test_growth_refused_changes_nothing(void **state)
{
	(void)state;
	fill_arrays(MAX_REGIONS * sizeof(struct memblock_region));
	save_state();
	assert_int_equal(memblock_add(M(63), K(4)), -ENOMEM);
	assert_int_equal(memblock_reserve(M(63), K(4)), -ENOMEM);
	assert_int_equal(memblock_remove(M(1) + 16, 16), -ENOMEM);
	assert_int_equal(memblock_phys_free(M(32) + 16, 16), -ENOMEM);
	assert_int_equal(memblock_mark_nomap(M(1) + 16, 16), -ENOMEM);
	assert_int_equal(memblock_mark_nomap(M(1) + 16, M(3) + K(1)), -ENOMEM);
	assert_int_equal(memblock_phys_alloc(16, 16), 0);
	assert_null(memblock_alloc(16, 16));
	expect_unchanged();
	memblock_free(phys_to_virt(M(32) + 16), 16);
	expect_unchanged();
	assert_non_null(strstr(port_host_log_text, "no room to free 0x10 bytes at 0x2000010"));
	/* What needs no room still works. */
	assert_int_equal(memblock_reserve(M(32), K(16)), 0);
	assert_int_equal(memblock_remove(M(4), K(2)), 0);
	assert_int_equal(memblock.memory.cnt, MAX_REGIONS - 1);
}

/* The arrays that a further memory region needs: its own, and `reserved` with a place for both. */
#define LEAST_MEMORY   ((MAX_REGIONS + 1) * sizeof(struct memblock_region))
#define LEAST_RESERVED ((MAX_REGIONS + 2) * sizeof(struct memblock_region))

static void test_growth_refused_for_one_of_two(void **state)
{
	(void)state;
	/* Room for either array, but eight bytes too little for both. */
	fill_arrays(LEAST_MEMORY + LEAST_RESERVED - 8);
	save_state();
	assert_int_equal(memblock_add(M(63), K(4)), -ENOMEM);
	expect_unchanged();
	memblock_phys_free(M(32), M(1));
	assert_int_equal(memblock_add(M(63), K(4)), 0);
	assert_int_equal(memblock.memory.cnt, MAX_REGIONS + 1);
	assert_int_equal(memblock.reserved.max, MAX_REGIONS);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_alloc_top_down),
		CASE(test_alloc_bottom_up),
		CASE(test_alloc_zeroes_unless_raw),
		CASE(test_alloc_range),
		CASE(test_min_addr_is_a_preference),
		CASE(test_current_limit),
		CASE(test_page_0_is_never_handed_out),
		CASE(test_alloc_exhaustion),
		CASE(test_alloc_refused),
		CASE(test_alloc_top_of_address_space),
		CASE(test_reserved_grows),
		CASE(test_no_growth_while_regions_merge),
		CASE(test_growth_avoids_the_range_added),
		CASE(test_memory_grows),
		CASE(test_both_arrays_grow),
		CASE(test_growth_refused_changes_nothing),
		CASE(test_growth_refused_for_one_of_two),
	};

	return cmocka_run_group_tests_name("memblock_alloc", tests, NULL, NULL);
}
