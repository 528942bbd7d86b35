/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_memblock_array.c: where memblock's own arrays go: they grow past their static size into any
 * free place that holds them, they leave memory that is about to go, and what they occupy is never
 * given away. A call that finds no place for them must change nothing.
 */
#include <errno.h>

#include "memblock_expect.h"

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

/* ---- any place will do ---- */

/*
 * Early at boot free memory may be in odd pieces only. A piece at any address and of any size holds
 * an array if that fits, aligned to a region's members.
 */
static void test_growth_in_odd_places(void **state)
{
	const phys_addr_t least = (MAX_REGIONS + 2) * sizeof(struct memblock_region);

	(void)state;
	for (unsigned int offset = 0; offset < 80; offset += 3) {
		for (int more = -20; more < 2100; more += more < 40 ? 1 : 211) {
			phys_addr_t at = M(1) + offset, size = least + (phys_addr_t)more, got;
			bool fits = ALIGN_DOWN(at + size, 8UL) - ALIGN_UP(at, 8UL) >= least;

			memblock_init();
			memblock_add(at, size);
			reserve_pages(M(8), MAX_REGIONS);
			save_state();
			assert_int_equal(memblock_reserve(M(16), 1), fits ? 0 : -ENOMEM);
			if (!fits) {
				expect_unchanged();
				continue;
			}
			got = virt_to_phys(memblock.reserved.regions);
			assert_true(got >= at && got + memblock.reserved.array_size <= at + size);
			assert_in_range(memblock.reserved.max, MAX_REGIONS + 2, 2 * MAX_REGIONS);
			assert_true(memblock_is_reserved(got));
			assert_int_equal(memblock.reserved.cnt, MAX_REGIONS + 2);
			assert_null(memblock_check());
		}
	}
}

/* The larger of two arrays is placed first, or the smaller might take its only home. */
static void test_growth_of_unequal_arrays(void **state)
{
	const phys_addr_t bytes = sizeof(struct memblock_region);

	(void)state;
	for (int memory_is_larger = 0; memory_is_larger < 2; memory_is_larger++) {
		/*
		 * What they need: a region more; for each move its place, and a region that it
		 * parts.
		 */
		phys_addr_t memory =
			(memory_is_larger ? 2 * MAX_REGIONS + 1 : MAX_REGIONS + 1) * bytes;
		phys_addr_t reserved =
			(memory_is_larger ? MAX_REGIONS + 3 : 2 * MAX_REGIONS + 3) * bytes;
		phys_addr_t larger = memory_is_larger ? memory : reserved;
		phys_addr_t smaller = memory_is_larger ? reserved : memory;
		unsigned int i = 0;

		memblock_init();
		memblock_add(M(3), ARRAY_SIZE(2 * MAX_REGIONS)); /* one has grown already */
		if (memory_is_larger)
			while (memblock.memory.cnt < 2 * MAX_REGIONS - 2)
				assert_int_equal(memblock_add(M(4) + K(4) * i++, K(2)), 0);
		while (memblock.reserved.cnt < (memory_is_larger ? MAX_REGIONS : 2 * MAX_REGIONS))
			assert_int_equal(memblock_reserve(M(32) + K(4) * i++, K(2)), 0);
		while (memblock.memory.cnt < MAX_REGIONS - 2)
			assert_int_equal(memblock_add(M(4) + K(4) * i++, K(2)), 0);
		memblock_add(M(1), smaller);
		memblock_add(M(2), larger);
		assert_int_equal(memblock.memory.cnt, memblock.memory.max);
		assert_int_equal(memblock.reserved.cnt, memblock.reserved.max);
		assert_int_equal(memblock_add(M(60), K(2)), 0);
		assert_int_equal(virt_to_phys(memblock.memory.regions),
				 M(memory_is_larger ? 2 : 1));
		assert_int_equal(virt_to_phys(memblock.reserved.regions),
				 M(memory_is_larger ? 1 : 2));
		assert_null(memblock_check());
	}
}

/* Linux's order, for who wants it: nothing moves before it is allowed. */
static void test_allow_resize(void **state)
{
	(void)state;
	memblock_add(M(1), M(1));
	assert_true(memblock.can_resize);
	memblock.can_resize = false;
	reserve_pages(M(8), MAX_REGIONS);
	save_state();
	assert_int_equal(memblock_reserve(M(16), K(4)), -ENOMEM);
	assert_null(memblock_alloc(16, 16));
	expect_unchanged();
	memblock_allow_resize();
	assert_int_equal(memblock_reserve(M(16), K(4)), 0);
	assert_int_equal(memblock.reserved.max, 2 * MAX_REGIONS);
}

/* ---- memory that goes ---- */

/* [1M, 17M), both arrays at its top, as they have grown; every region that was there is still. */
static void grow_both(void)
{
	memblock_init();
	memblock_add(M(1), M(16));
	for (unsigned int i = 0; i < MAX_REGIONS; i++)
		assert_int_equal(memblock_add(M(32) + K(8) * i, K(2)), 0);
	reserve_pages(M(32), MAX_REGIONS);
	assert_true(virt_to_phys(memblock.memory.regions) > M(16));
	assert_true(virt_to_phys(memblock.reserved.regions) > M(16));
	assert_null(memblock_check());
}

static void expect_arrays_below(phys_addr_t end)
{
	const struct memblock_type *types[2] = {&memblock.memory, &memblock.reserved};

	for (int i = 0; i < 2; i++) {
		phys_addr_t array = virt_to_phys(types[i]->regions);

		assert_true(array + types[i]->array_size <= end);
		assert_true(memblock_is_map_memory(array));
		assert_true(memblock_is_reserved(array));
	}
	assert_null(memblock_check());
}

static int remove_top(void)
{
	return memblock_remove(M(8), M(9));
}

static int unmap_top(void)
{
	return memblock_mark_nomap(M(8), M(9));
}

static int limit_top(void)
{
	memblock_enforce_memory_limit(M(7));
	return 0;
}

static int remove_map_top(void)
{
	memblock_mem_limit_remove_map(M(7));
	return 0;
}

static int cap_top(void)
{
	memblock_cap_memory_range(M(1), M(7));
	return 0;
}

/*
 * However the memory goes, the arrays have gone before, and their old places are free of
 * reservations.
 */
static void test_arrays_leave(void **state)
{
	static int (*const go[])(void) = {remove_top, unmap_top, limit_top, remove_map_top,
					  cap_top};

	(void)state;
	for (unsigned int i = 0; i < sizeof(go) / sizeof(go[0]); i++) {
		unsigned int pages = 0;

		grow_both();
		assert_int_equal(go[i](), 0);
		expect_arrays_below(M(8));
		assert_false(memblock_is_map_memory(M(8)));
		assert_false(memblock_is_region_reserved(M(8), M(9)));
		for (unsigned int r = 0; r < memblock.reserved.cnt; r++)
			pages += memblock.reserved.regions[r].base >= M(32);
		assert_int_equal(pages, i < 2 ? MAX_REGIONS : 0); /* the limits drop these */
	}
}

/* From the bottom too, and the one array alone that is in the way. */
static void test_arrays_leave_upwards(void **state)
{
	phys_addr_t array;

	(void)state;
	memblock_add(M(1), K(16));
	reserve_pages(M(32), MAX_REGIONS + 1);
	array = virt_to_phys(memblock.reserved.regions);
	memblock_add(M(2), M(1));
	assert_int_equal(memblock_remove(0, M(1) + K(4)), 0); /* not in its way */
	assert_int_equal(virt_to_phys(memblock.reserved.regions), array);
	/* It ends where the range begins. */
	memblock_remove(array + memblock.reserved.array_size, K(16));
	memblock_add(array + memblock.reserved.array_size, K(16));
	memblock_cap_memory_range(array + memblock.reserved.array_size, M(40));
	assert_int_equal(memblock_start_of_DRAM(), array + memblock.reserved.array_size);
	assert_null(memblock_check());
	memblock_cap_memory_range(M(2), M(40));
	EXPECT(memory, {M(2), M(1), 0});
	assert_int_equal(virt_to_phys(memblock.reserved.regions),
			 M(3) - ARRAY_SIZE(2 * MAX_REGIONS));
	assert_ptr_equal(memblock.memory.regions[0].base, M(2));
	assert_null(memblock_check());
}

static void test_arrays_leave_what_is_trimmed(void **state)
{
	const phys_addr_t least = (MAX_REGIONS + 2) * sizeof(struct memblock_region);

	(void)state;
	/* An odd piece held the array until the real memory came. */
	memblock_add(M(1) + 8, least);
	reserve_pages(M(32), MAX_REGIONS + 1);
	memblock_add(M(2) + 8, K(64));
	memblock_trim_memory(PAGE_SIZE);
	EXPECT(memory, {M(2) + K(4), K(60), 0});
	assert_true(virt_to_phys(memblock.reserved.regions) >= M(2) + K(4));
	assert_null(memblock_check());
	memblock_trim_memory(K(32));
	EXPECT(memory, {M(2) + K(32), K(32), 0});
	assert_null(memblock_check());
}

/*
 * No other place: the calls that can fail do, and change nothing; the others leave the array's
 * bytes.
 */
static void test_arrays_that_cannot_leave(void **state)
{
	phys_addr_t array, size;

	(void)state;
	memblock_add(M(1), K(4));
	memblock_add(M(8), ARRAY_SIZE(2 * MAX_REGIONS));
	memblock_reserve(M(1), K(4));
	reserve_pages(M(32), MAX_REGIONS);
	array = virt_to_phys(memblock.reserved.regions);
	size = memblock.reserved.array_size;
	assert_int_equal(array, M(8));
	save_state();
	assert_int_equal(memblock_remove(M(8) + 100, 1), -ENOMEM);
	assert_int_equal(memblock_mark_nomap(0, PHYS_ADDR_MAX), -ENOMEM);
	expect_unchanged();
	assert_int_equal(memblock_remove(array + size, M(1)), 0); /* beside it nothing is */
	port_host_log_clear();
	memblock_enforce_memory_limit(K(4));
	EXPECT(memory, {M(1), K(4), 0}, {array, size, 0});
	EXPECT(reserved, {M(1), K(4), 0}, {array, size, 0});
	assert_non_null(strstr(port_host_log_text,
			       "no place for the array of reserved but 0x800000-0x802000"));
	memblock_trim_memory(M(1));
	EXPECT(memory, {array, size, 0});
	memblock_cap_memory_range(M(1), K(1));
	EXPECT(memory, {array, size, 0});
	EXPECT(reserved, {M(1), K(1), 0}, {array, size, 0});
	assert_null(memblock_check());
}

/* ---- what they occupy ---- */

static void test_arrays_stay_reserved(void **state)
{
	(void)state;
	grow_both();
	assert_int_equal(memblock_phys_free(0, PHYS_ADDR_MAX), 0);
	assert_int_equal(memblock_reserved_size(),
			 memblock.memory.array_size + memblock.reserved.array_size);
	expect_arrays_below(M(17));
	/* A reservation around them goes, they do not. */
	assert_int_equal(memblock_reserve(M(1), M(16)), 0);
	assert_int_equal(memblock_phys_free(M(2), M(15)), 0);
	assert_int_equal(memblock_reserved_size(),
			 M(1) + memblock.memory.array_size + memblock.reserved.array_size);
	memblock_free(memblock.memory.regions, memblock.memory.array_size);
	expect_arrays_below(M(17));
}

/*
 * Freeing around the arrays parts a reservation that holds both, in a full array: the regions that
 * go with the same call make room for that, also where the array cannot move.
 */
static void test_free_around_the_arrays(void **state)
{
	const phys_addr_t bytes = 2 * MAX_REGIONS * sizeof(struct memblock_region);
	struct memblock_region memory, reserved;
	unsigned char *behind = phys_to_virt(K(512) + 8 + bytes);
	unsigned int i = 0;

	(void)state;
	memblock_add(M(1), M(16));
	memblock_add(K(512) + 8, bytes); /* no byte to spare */
	memblock_set_current_limit(M(9));
	while (!memblock.memory.array_size)
		assert_int_equal(memblock_add(M(32) + K(8) * i++, K(2)), 0);
	memblock_set_current_limit(M(1));
	while (!memblock.reserved.array_size)
		assert_int_equal(memblock_reserve(M(32) + K(8) * i++, K(4)), 0);
	memory.base = virt_to_phys(memblock.memory.regions);
	memory.size = memblock.memory.array_size;
	reserved.base = virt_to_phys(memblock.reserved.regions);
	reserved.size = memblock.reserved.array_size;
	assert_int_equal(reserved.base, K(512) + 8);
	assert_int_equal(reserved.size, bytes);
	memset(behind, 0x5a, 64);
	assert_int_equal(memblock_reserve(K(512), M(16)), 0);
	while (memblock.reserved.cnt < memblock.reserved.max)
		assert_int_equal(memblock_reserve(M(32) + K(8) * i++, K(4)), 0);
	assert_int_equal(memblock_phys_free(0, PHYS_ADDR_MAX), 0);
	EXPECT(reserved, {reserved.base, reserved.size, 0}, {memory.base, memory.size, 0});
	for (i = 0; i < 64; i++)
		assert_int_equal(behind[i], 0x5a);
}

/* The array that a call outgrows lies beside what the call frees: no empty region stays. */
static void test_free_beside_the_array(void **state)
{
	(void)state;
	for (int above = 0; above < 2; above++) {
		phys_addr_t block, array;
		unsigned int i = MAX_REGIONS + 1;

		memblock_init();
		memblock_add(M(1), M(16));
		assert_int_equal(memblock_reserve(M(17) - K(8), K(8)), 0);
		reserve_pages(M(1), MAX_REGIONS);
		array = virt_to_phys(memblock.reserved.regions);
		/* A page on either side of the array, so that all is one reservation. */
		assert_int_equal(memblock_reserve(array - K(8), K(8)), 0);
		block = above ? array + memblock.reserved.array_size : array - K(4);
		while (memblock.reserved.cnt < memblock.reserved.max)
			assert_int_equal(memblock_reserve(M(1) + K(8) * i++, K(4)), 0);
		assert_int_equal(memblock_phys_free(block, K(4)), 0);
		assert_null(memblock_check());
		assert_int_equal(memblock.reserved.max, 4 * MAX_REGIONS);
		/* It can be had as one with the old array's place. */
		block = above ? array : block;
		assert_int_equal(memblock_phys_alloc_range(K(12), K(4), block, block + K(12)),
				 block);
	}
}

/*
 * Both arrays move, and there is no room for both at twice their size. When less is asked for, the
 * array of memory is the larger one: it gets the place where the other might have gone.
 */
static void test_both_ask_for_less(void **state)
{
	const phys_addr_t left = M(30), larger = M(40), smaller = M(41);

	(void)state;
	memblock_add(left, K(64));
	for (unsigned int i = 0; i < 2 * MAX_REGIONS - 9; i++)
		memblock_add(M(1) + K(2) * i, K(1));
	assert_int_equal(2 * MAX_REGIONS, memblock.memory.max);
	assert_int_equal(left + K(64) - ARRAY_SIZE(2 * MAX_REGIONS),
			 virt_to_phys(memblock.memory.regions));
	while (memblock.reserved.cnt < MAX_REGIONS)
		memblock_reserve(M(50) + 16 * memblock.reserved.cnt, 1);
	assert_int_equal(MAX_REGIONS, memblock.reserved.max);
	memblock_add(larger, 2 * MAX_REGIONS * sizeof(struct memblock_region));
	memblock_add(smaller, (MAX_REGIONS * 3 / 2 + 2) * sizeof(struct memblock_region));
	assert_int_equal(0, memblock_remove(left, K(64)));
	assert_int_equal(larger, ALIGN_DOWN(virt_to_phys(memblock.memory.regions), M(1)));
	assert_int_equal(smaller, ALIGN_DOWN(virt_to_phys(memblock.reserved.regions), M(1)));
	assert_in_range(memblock.memory.max, memblock.memory.cnt, 2 * MAX_REGIONS - 1);
	assert_null(memblock_check());
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_reserved_grows),
		CASE(test_no_growth_while_regions_merge),
		CASE(test_growth_avoids_the_range_added),
		CASE(test_memory_grows),
		CASE(test_both_arrays_grow),
		CASE(test_growth_refused_changes_nothing),
		CASE(test_growth_refused_for_one_of_two),
		CASE(test_growth_in_odd_places),
		CASE(test_growth_of_unequal_arrays),
		CASE(test_both_ask_for_less),
		CASE(test_allow_resize),
		CASE(test_arrays_leave),
		CASE(test_arrays_leave_upwards),
		CASE(test_arrays_leave_what_is_trimmed),
		CASE(test_arrays_that_cannot_leave),
		CASE(test_arrays_stay_reserved),
		CASE(test_free_around_the_arrays),
		CASE(test_free_beside_the_array),
	};

	return cmocka_run_group_tests_name("memblock_array", tests, NULL, NULL);
}
