/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_memblock_limit.c: cutting memory down: by a limit, to a range, to whole pages; what goes
 * with it and what stays. Arrays that lie in what goes are in test_memblock_array.c.
 */
#include "memblock_expect.h"

/* Three banks, one of them no-map, and a reservation in and behind each. */
static void make_map(void)
{
	memblock_init();
	memblock_add(M(16), M(16));
	memblock_add(M(48), M(16));
	memblock_mark_nomap(M(48), M(16));
	memblock_add(M(80), M(16));
	for (unsigned int i = 0; i < 3; i++) {
		memblock_reserve(M(20 + 32 * i), M(1));
		memblock_reserve(M(40 + 32 * i), M(1));
	}
}

/* ---- a limit ---- */

static void test_limit(void **state)
{
	(void)state;
	memblock_add(M(1), M(2));
	memblock_add(M(8), M(4));
	memblock_reserve(M(9), M(2));
	memblock_enforce_memory_limit(0);
	memblock_enforce_memory_limit(M(6));
	EXPECT(memory, {M(1), M(2), 0}, {M(8), M(4), 0});
	EXPECT(reserved, {M(9), M(2), 0});
	memblock_enforce_memory_limit(M(4));
	EXPECT(memory, {M(1), M(2), 0}, {M(8), M(2), 0});
	EXPECT(reserved, {M(9), M(1), 0});
	memblock_enforce_memory_limit(1);
	EXPECT(memory, {M(1), 1, 0});
	EXPECT_EMPTY(reserved);
}

/* One byte less than where a region ends, there, and one byte more: reservations above go alike. */
static void test_limit_at_a_boundary(void **state)
{
	(void)state;
	for (int off = -1; off <= 1; off++) {
		phys_addr_t limit = M(16) + (phys_addr_t)off;

		make_map();
		memblock_enforce_memory_limit(limit);
		if (off <= 0) {
			EXPECT(memory, {M(16), limit, 0});
			EXPECT(reserved, {M(20), M(1), 0});
		} else {
			EXPECT(memory, {M(16), M(16), 0}, {M(48), 1, MEMBLOCK_NOMAP});
			EXPECT(reserved, {M(20), M(1), 0}, {M(40), M(1), 0});
		}
	}
	/* The end of all memory is a boundary too; one byte more is no limit. */
	make_map();
	memblock_enforce_memory_limit(M(48) + 1);
	assert_int_equal(memblock.reserved.cnt, 6);
	memblock_enforce_memory_limit(M(48));
	assert_int_equal(memblock_end_of_DRAM(), M(96));
	assert_int_equal(memblock.reserved.cnt, 5);
	memblock_init();
	memblock_enforce_memory_limit(M(1));
	memblock_mem_limit_remove_map(M(1));
	EXPECT_EMPTY(memory);
}

static void test_limit_at_the_top(void **state)
{
	(void)state;
	memblock_add(M(1), M(1));
	memblock_add(PHYS_ADDR_MAX - M(1), M(1));
	memblock_reserve(PHYS_ADDR_MAX - K(4), K(4));
	save_state();
	memblock_enforce_memory_limit(M(2));
	memblock_enforce_memory_limit(PHYS_ADDR_MAX);
	expect_unchanged();
	memblock_enforce_memory_limit(M(2) - 1);
	EXPECT(memory, {M(1), M(1), 0}, {PHYS_ADDR_MAX - M(1), M(1) - 1, 0});
	EXPECT(reserved, {PHYS_ADDR_MAX - K(4), K(4) - 1, 0});
}

/* No-map memory counts, and stays. */
static void test_remove_map(void **state)
{
	(void)state;
	make_map();
	save_state();
	memblock_mem_limit_remove_map(0);
	memblock_mem_limit_remove_map(M(48) + 1);
	expect_unchanged();
	memblock_mem_limit_remove_map(M(36));
	EXPECT(memory, {M(16), M(16), 0}, {M(48), M(16), MEMBLOCK_NOMAP}, {M(80), M(4), 0});
	assert_int_equal(memblock.reserved.cnt, 4);
	memblock_mem_limit_remove_map(M(8));
	EXPECT(memory, {M(16), M(8), 0}, {M(48), M(16), MEMBLOCK_NOMAP});
	EXPECT(reserved, {M(20), M(1), 0});
	/* The other limit takes it. */
	memblock_enforce_memory_limit(M(8));
	EXPECT(memory, {M(16), M(8), 0});
}

/* ---- a range ---- */

static void test_cap(void **state)
{
	(void)state;
	make_map();
	save_state();
	memblock_cap_memory_range(M(20), 0);
	expect_unchanged();
	memblock_cap_memory_range(M(20) + K(512), M(64));
	EXPECT(memory, {M(20) + K(512), M(12) - K(512), 0}, {M(48), M(16), MEMBLOCK_NOMAP},
	       {M(80), M(4) + K(512), 0});
	EXPECT(reserved, {M(20) + K(512), K(512), 0}, {M(40), M(1), 0}, {M(52), M(1), 0},
	       {M(72), M(1), 0}, {M(84), K(512), 0});
	/* A range that overflows ends at the top. */
	memblock_cap_memory_range(M(80), PHYS_ADDR_MAX);
	EXPECT(memory, {M(48), M(16), MEMBLOCK_NOMAP}, {M(80), M(4) + K(512), 0});
	EXPECT(reserved, {M(84), K(512), 0});
}

static void test_cap_at_boundaries(void **state)
{
	(void)state;
	for (int off = -1; off <= 1; off++) {
		make_map();
		memblock_cap_memory_range(M(16) + (phys_addr_t)off, M(16));
		EXPECT(memory, {off > 0 ? M(16) + 1 : M(16), off ? M(16) - 1 : M(16), 0},
		       {M(48), M(16), MEMBLOCK_NOMAP});
		EXPECT(reserved, {M(20), M(1), 0});
	}
	/* Only a hole, or only no-map memory, is left. */
	make_map();
	memblock_cap_memory_range(M(34), M(4));
	EXPECT(memory, {M(48), M(16), MEMBLOCK_NOMAP});
	EXPECT_EMPTY(reserved);
	make_map();
	memblock_cap_memory_range(M(50), M(1));
	EXPECT(memory, {M(48), M(16), MEMBLOCK_NOMAP});
	/* Without memory nothing is dropped. */
	memblock_init();
	memblock_reserve(M(1), M(1));
	memblock_cap_memory_range(M(8), M(1));
	EXPECT(reserved, {M(1), M(1), 0});
}

/* ---- whole pages ---- */

static void test_trim(void **state)
{
	(void)state;
	memblock_add(M(1) + 1, K(12));		  /* both ends cut */
	memblock_add(M(2), K(8));		  /* untouched */
	memblock_add(M(3) + K(1), K(2));	  /* vanishes */
	memblock_add(M(4), K(5));		  /* top cut */
	memblock_add(PHYS_ADDR_MAX - K(2), K(2)); /* no multiple above its base: vanishes */
	memblock_trim_memory(PAGE_SIZE);
	EXPECT(memory, {M(1) + K(4), K(8), 0}, {M(2), K(8), 0}, {M(4), K(4), 0});
	memblock_trim_memory(1);
	assert_int_equal(memblock.memory.cnt, 3);
	memblock_trim_memory(K(8));
	EXPECT(memory, {M(2), K(8), 0});
}

/* A boundary between flags in the midst of a page cuts both regions. */
static void test_trim_between_flags(void **state)
{
	(void)state;
	memblock_add(M(1), K(10));
	memblock_add_node(M(1) + K(10), K(10), 0, MEMBLOCK_HOTPLUG);
	memblock_reserve(M(1) + K(9), K(2));
	memblock_trim_memory(PAGE_SIZE);
	EXPECT(memory, {M(1), K(8), 0}, {M(1) + K(12), K(8), MEMBLOCK_HOTPLUG});
	EXPECT(reserved, {M(1) + K(9), K(2), 0});
}

static void test_trim_refused(void **state)
{
	static const phys_addr_t wrong[] = {0, 3, K(12), ~(phys_addr_t)0};

	(void)state;
	memblock_add(M(1) + 1, K(12));
	save_state();
	for (unsigned int i = 0; i < 4; i++) {
		port_host_log_clear();
		memblock_trim_memory(wrong[i]);
		assert_non_null(strstr(port_host_log_text, "no power of two"));
		expect_unchanged();
	}
	memblock_trim_memory((phys_addr_t)1 << 63);
	EXPECT_EMPTY(memory);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_limit),
		CASE(test_limit_at_a_boundary),
		CASE(test_limit_at_the_top),
		CASE(test_remove_map),
		CASE(test_cap),
		CASE(test_cap_at_boundaries),
		CASE(test_trim),
		CASE(test_trim_between_flags),
		CASE(test_trim_refused),
	};

	return cmocka_run_group_tests_name("memblock_limit", tests, NULL, NULL);
}
