/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_memblock_alloc.c: what memblock allocations give, and what they refuse; what each form makes
 * of its range, its node and the limit. Where exactly they go is in test_memblock_place.c.
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

/* Four gigabytes of address space and a little on either side, of which little is touched. */
static void test_low(void **state)
{
	const phys_addr_t low = (phys_addr_t)1 << 32;

	(void)state;
	host_ram_unmap();
	assert_non_null(host_ram_map(low - M(1), M(2)));
	memblock_add(low - M(1), M(2));
	assert_ptr_equal(memblock_alloc(K(4), K(4)), phys_to_virt(low + M(1) - K(4)));
	assert_ptr_equal(memblock_alloc_low(K(4), K(4)), phys_to_virt(low - K(4)));
	assert_ptr_equal(memblock_alloc_low(K(4), K(4)), phys_to_virt(low - K(8)));
	memblock_set_bottom_up(true);
	assert_ptr_equal(memblock_alloc_low(K(4), K(4)), phys_to_virt(low - M(1)));
	memblock_set_bottom_up(false);
	memblock_set_current_limit(low - K(512));
	assert_ptr_equal(memblock_alloc_low(K(4), K(4)), phys_to_virt(low - K(516)));
	memblock_set_current_limit(MEMBLOCK_ALLOC_ANYWHERE);
	assert_null(memblock_alloc_low(M(1), K(4)));
	assert_ptr_equal(memblock_alloc(K(512), K(4)), phys_to_virt(low + K(508)));
}

/* There is one node. Any other number gets nothing, and changes nothing. */
static void test_unknown_node(void **state)
{
	static const int wrong[] = {1, 2, 63, -2, MAX_NUMNODES, 0x7fffffff};
	uint64_t i;
	int idx;

	(void)state;
	memblock_add(M(1), M(1));
	memblock_reserve(M(1), K(4));
	save_state();
	for (size_t w = 0; w < sizeof(wrong) / sizeof(wrong[0]); w++) {
		assert_null(memblock_alloc_node(16, 16, wrong[w]));
		assert_null(memblock_alloc_try_nid(16, 16, M(1), M(2), wrong[w]));
		assert_null(memblock_alloc_try_nid_raw(16, 16, M(1), M(2), wrong[w]));
		assert_int_equal(memblock_phys_alloc_try_nid(16, 16, wrong[w]), 0);
		assert_int_equal(memblock_add_node(M(4), M(1), wrong[w], MEMBLOCK_NONE), -EINVAL);
		for_each_free_mem_range (i, wrong[w], MEMBLOCK_NONE, NULL, NULL, NULL)
			fail();
		for_each_free_mem_range_reverse(i, wrong[w], MEMBLOCK_NONE, NULL, NULL, NULL)
			fail();
		for_each_mem_pfn_range(idx, wrong[w], NULL, NULL, NULL)
			assert_int_equal(wrong[w], MAX_NUMNODES); /* there it means any */
	}
	expect_unchanged();
}

/* Linux's second word for "below the limit": it is that, and no address. */
static void test_noleaktrace(void **state)
{
	(void)state;
	memblock_add(M(1), M(8));
	memblock_set_current_limit(M(4));
	assert_ptr_equal(memblock_alloc_try_nid(K(4), K(4), 0, MEMBLOCK_ALLOC_NOLEAKTRACE, 0),
			 phys_to_virt(M(4) - K(4)));
	assert_ptr_equal(memblock_alloc_try_nid_raw(K(4), K(4), 0, MEMBLOCK_ALLOC_NOLEAKTRACE, 0),
			 phys_to_virt(M(4) - K(8)));
	assert_int_equal(memblock_phys_alloc_range(K(4), K(4), 0, MEMBLOCK_ALLOC_NOLEAKTRACE),
			 M(4) - K(12));
	assert_int_equal(memblock_find_in_range(0, MEMBLOCK_ALLOC_NOLEAKTRACE, K(4), K(4)),
			 M(4) - K(16));
	memblock_set_current_limit(0);
	assert_null(memblock_alloc_try_nid(1, 1, 0, MEMBLOCK_ALLOC_NOLEAKTRACE, 0));
	assert_null(memblock_alloc_try_nid(1, 1, 0, MEMBLOCK_ALLOC_ACCESSIBLE, 0));
	assert_null(memblock_alloc_try_nid(1, 1, 0, MEMBLOCK_ALLOC_ANYWHERE, 0));
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
		CASE(test_low),
		CASE(test_unknown_node),
		CASE(test_noleaktrace),
	};

	return cmocka_run_group_tests_name("memblock_alloc", tests, NULL, NULL);
}
