/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_memblock.c: what each change of the map does, in exact figures: the cases Linux's memblock
 * simulator is known to check, and the failures.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "memblock_expect.h"

/* ---- the state before boot ---- */

static void test_initial_state(void **state)
{
	(void)state;
	assert_int_equal(memblock.memory.cnt, 0);
	assert_int_equal(memblock.memory.max, MAX_REGIONS);
	assert_string_equal(memblock.memory.name, "memory");
	assert_int_equal(memblock.reserved.cnt, 0);
	assert_int_equal(memblock.reserved.max, MAX_REGIONS);
	assert_string_equal(memblock.reserved.name, "reserved");
	assert_false(memblock_bottom_up());
	assert_true(memblock_get_current_limit() == MEMBLOCK_ALLOC_ANYWHERE);
	assert_int_equal(memblock_start_of_DRAM(), 0);
	assert_int_equal(memblock_end_of_DRAM(), 0);
	assert_null(memblock_alloc(16, 0));
}

/* ---- add ---- */

static void test_add_simple(void **state)
{
	(void)state;
	assert_int_equal(memblock_add(M(1), M(4)), 0);
	EXPECT(memory, {M(1), M(4), 0});
	EXPECT_EMPTY(reserved);
}

static void test_add_node(void **state)
{
	(void)state;
	assert_int_equal(memblock_add_node(M(1), M(16), 0, MEMBLOCK_HOTPLUG), 0);
	assert_int_equal(memblock_add_node(M(32), M(1), NUMA_NO_NODE, MEMBLOCK_NONE), 0);
	EXPECT(memory, {M(1), M(16), MEMBLOCK_HOTPLUG}, {M(32), M(1), 0});
	save_state();
	assert_int_equal(memblock_add_node(M(64), M(1), 1, MEMBLOCK_NONE), -EINVAL);
	expect_unchanged();
}

static void test_add_disjoint(void **state)
{
	(void)state;
	memblock_add(M(1024), K(8));
	memblock_add(K(8), K(16));
	EXPECT(memory, {K(8), K(16), 0}, {M(1024), K(8), 0});
}

static void test_add_overlap_top(void **state)
{
	(void)state;
	memblock_add(M(512), M(1024));
	memblock_add(M(256), M(512));
	EXPECT(memory, {M(256), M(1280), 0});
}

static void test_add_overlap_bottom(void **state)
{
	(void)state;
	memblock_add(K(128), M(512));
	memblock_add(M(256), M(1024));
	EXPECT(memory, {K(128), M(1280) - K(128), 0});
}

static void test_add_within_and_twice(void **state)
{
	(void)state;
	memblock_add(M(8), M(32));
	memblock_add(M(16), M(1));
	memblock_add(M(8), M(32));
	EXPECT(memory, {M(8), M(32), 0});
}

static void test_add_between(void **state)
{
	(void)state;
	memblock_add(M(1), K(8));
	memblock_add(M(2), K(8));
	memblock_add(M(1) + K(8), M(1) - K(8));
	EXPECT(memory, {M(1), M(1) + K(8), 0});
}

static void test_add_over_many(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 10; i++)
		memblock_add(M(2 * i + 2), M(1));
	assert_int_equal(memblock.memory.cnt, 10);
	memblock_add(M(3) + K(4), M(14));
	EXPECT(memory, {M(2), M(1), 0}, {M(3) + K(4), M(14), 0}, {M(18), M(1), 0},
	       {M(20), M(1), 0});
}

static void test_add_near_max(void **state)
{
	(void)state;
	/* The last byte of the address space is never covered. */
	memblock_add(PHYS_ADDR_MAX - M(1), M(2));
	EXPECT(memory, {PHYS_ADDR_MAX - M(1), M(1), 0});
	assert_int_equal(memblock_add(PHYS_ADDR_MAX, M(2)), 0);
	EXPECT(memory, {PHYS_ADDR_MAX - M(1), M(1), 0});
	assert_true(memblock_end_of_DRAM() == PHYS_ADDR_MAX);
}

static void test_size_zero(void **state)
{
	(void)state;
	memblock_add(M(1), M(1));
	memblock_reserve(M(1), K(4));
	save_state();
	assert_int_equal(memblock_add(M(8), 0), 0);
	assert_int_equal(memblock_reserve(M(8), 0), 0);
	assert_int_equal(memblock_remove(M(1), 0), 0);
	assert_int_equal(memblock_phys_free(M(1), 0), 0);
	assert_int_equal(memblock_mark_nomap(M(1), 0), 0);
	expect_unchanged();
}

static void test_flags_keep_regions_apart(void **state)
{
	(void)state;
	memblock_add_node(M(1), M(1), 0, MEMBLOCK_HOTPLUG);
	memblock_add(M(2), M(1));
	EXPECT(memory, {M(1), M(1), MEMBLOCK_HOTPLUG}, {M(2), M(1), 0});
	/* What is known keeps its flags; only the gaps are filled. */
	memblock_add(0, M(4));
	EXPECT(memory, {0, M(1), 0}, {M(1), M(1), MEMBLOCK_HOTPLUG}, {M(2), M(2), 0});
}

/* ---- reserve, free ---- */

static void test_reserve(void **state)
{
	(void)state;
	memblock_reserve(M(2), K(128));
	memblock_reserve(M(64), K(256));
	EXPECT(reserved, {M(2), K(128), 0}, {M(64), K(256), 0});
	memblock_reserve(M(2) + K(64), K(128));
	memblock_reserve(M(2), K(1));
	memblock_reserve(M(64) - K(4), K(4));
	EXPECT(reserved, {M(2), K(192), 0}, {M(64) - K(4), K(260), 0});
	EXPECT_EMPTY(memory);
	memblock_reserve(PHYS_ADDR_MAX - K(4), M(1));
	EXPECT(reserved, {M(2), K(192), 0}, {M(64) - K(4), K(260), 0},
	       {PHYS_ADDR_MAX - K(4), K(4), 0});
}

static void test_free_whole_and_absent(void **state)
{
	(void)state;
	memblock_reserve(M(4), M(2));
	memblock_reserve(M(8), M(1));
	memblock_phys_free(M(4), M(2));
	EXPECT(reserved, {M(8), M(1), 0});
	memblock_phys_free(M(1), M(2));
	memblock_phys_free(M(9), M(100));
	memblock_phys_free(M(7), M(1));
	EXPECT(reserved, {M(8), M(1), 0});
	memblock_free(phys_to_virt(M(8)), M(1));
	memblock_free(NULL, M(1));
	EXPECT_EMPTY(reserved);
}

static void test_free_overlaps(void **state)
{
	(void)state;
	memblock_reserve(M(8), M(32));
	memblock_phys_free(M(4), M(8)); /* the bottom */
	EXPECT(reserved, {M(12), M(28), 0});
	memblock_phys_free(M(36), M(16)); /* the top */
	EXPECT(reserved, {M(12), M(24), 0});
	memblock_phys_free(M(20), M(1)); /* within: a split */
	EXPECT(reserved, {M(12), M(8), 0}, {M(21), M(15), 0});
	memblock_phys_free(M(19), M(3)); /* between two */
	EXPECT(reserved, {M(12), M(7), 0}, {M(22), M(14), 0});
}

/* ---- remove ---- */

static void test_remove(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 5; i++)
		memblock_add(M(4 * i), M(2));
	memblock_remove(M(5), M(8)); /* the top of one, one whole, the bottom of another */
	EXPECT(memory, {0, M(2), 0}, {M(4), M(1), 0}, {M(13), M(1), 0}, {M(16), M(2), 0});
	memblock_remove(M(17), PHYS_ADDR_MAX);
	EXPECT(memory, {0, M(2), 0}, {M(4), M(1), 0}, {M(13), M(1), 0}, {M(16), M(1), 0});
	memblock_remove(K(4), K(4));
	EXPECT(memory, {0, K(4), 0}, {K(8), M(2) - K(8), 0}, {M(4), M(1), 0}, {M(13), M(1), 0},
	       {M(16), M(1), 0});
	memblock_remove(0, PHYS_ADDR_MAX);
	EXPECT_EMPTY(memory);
}

static void test_remove_near_max(void **state)
{
	(void)state;
	memblock_add(PHYS_ADDR_MAX - M(2), M(2));
	memblock_remove(PHYS_ADDR_MAX - M(1), M(2));
	EXPECT(memory, {PHYS_ADDR_MAX - M(2), M(1), 0});
}

static void test_remove_keeps_flags(void **state)
{
	(void)state;
	memblock_add_node(M(1), M(3), 0, MEMBLOCK_HOTPLUG);
	memblock_remove(M(2), M(1));
	EXPECT(memory, {M(1), M(1), MEMBLOCK_HOTPLUG}, {M(3), M(1), MEMBLOCK_HOTPLUG});
}

/* ---- flags ---- */

static void test_nomap(void **state)
{
	(void)state;
	memblock_add(M(1), M(8));
	memblock_mark_nomap(M(2), M(1));
	EXPECT(memory, {M(1), M(1), 0}, {M(2), M(1), MEMBLOCK_NOMAP}, {M(3), M(6), 0});
	assert_true(memblock_is_memory(M(2)));
	assert_false(memblock_is_map_memory(M(2)));
	assert_true(memblock_is_map_memory(M(3)));
	memblock_mark_nomap(M(2) + K(4), M(1));
	memblock_mark_hotplug(M(3), K(8));
	EXPECT(memory, {M(1), M(1), 0}, {M(2), M(1), MEMBLOCK_NOMAP},
	       {M(3), K(4), MEMBLOCK_NOMAP | MEMBLOCK_HOTPLUG},
	       {M(3) + K(4), K(4), MEMBLOCK_HOTPLUG}, {M(3) + K(8), M(6) - K(8), 0});
	memblock_clear_hotplug(0, M(100));
	memblock_clear_nomap(0, M(2) + K(4));
	EXPECT(memory, {M(1), M(1) + K(4), 0}, {M(2) + K(4), M(1), MEMBLOCK_NOMAP},
	       {M(3) + K(4), M(6) - K(4), 0});
	memblock_clear_nomap(0, PHYS_ADDR_MAX);
	EXPECT(memory, {M(1), M(8), 0});
	/* Outside memory there is nothing to mark. */
	memblock_mark_nomap(M(16), M(1));
	EXPECT(memory, {M(1), M(8), 0});
}

static void test_nomap_never_allocated(void **state)
{
	uint64_t i;
	phys_addr_t start, end;
	int n = 0;

	(void)state;
	memblock_add(M(1), M(3));
	memblock_mark_nomap(M(2), M(2));
	assert_int_equal(memblock_phys_alloc(M(1), PAGE_SIZE), M(1));
	assert_int_equal(memblock_phys_alloc(PAGE_SIZE, PAGE_SIZE), 0);
	for_each_mem_range (i, &start, &end) {
		assert_int_equal(start, M(1));
		assert_int_equal(end, M(2));
		n++;
	}
	assert_int_equal(n, 1);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_initial_state),
		CASE(test_add_simple),
		CASE(test_add_node),
		CASE(test_add_disjoint),
		CASE(test_add_overlap_top),
		CASE(test_add_overlap_bottom),
		CASE(test_add_within_and_twice),
		CASE(test_add_between),
		CASE(test_add_over_many),
		CASE(test_add_near_max),
		CASE(test_size_zero),
		CASE(test_flags_keep_regions_apart),
		CASE(test_reserve),
		CASE(test_free_whole_and_absent),
		CASE(test_free_overlaps),
		CASE(test_remove),
		CASE(test_remove_near_max),
		CASE(test_remove_keeps_flags),
		CASE(test_nomap),
		CASE(test_nomap_never_allocated),
	};

	return cmocka_run_group_tests_name("memblock", tests, NULL, NULL);
}
