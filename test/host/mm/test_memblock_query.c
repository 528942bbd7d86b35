/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_memblock_query.c: what memblock says of its map: questions, iterators, the report.
 */
#include "memblock_expect.h"

static void test_queries(void **state)
{
	(void)state;
	memblock_add(M(1), M(1));
	memblock_add_node(M(2), M(1), 0, MEMBLOCK_HOTPLUG);
	memblock_reserve(M(2), K(4));
	assert_int_equal(memblock_start_of_DRAM(), M(1));
	assert_int_equal(memblock_end_of_DRAM(), M(3));
	assert_int_equal(memblock_phys_mem_size(), M(2));
	assert_int_equal(memblock_reserved_size(), K(4));
	assert_false(memblock_is_memory(M(1) - 1));
	assert_true(memblock_is_memory(M(1)));
	assert_true(memblock_is_memory(M(3) - 1));
	assert_false(memblock_is_memory(M(3)));
	assert_true(memblock_is_reserved(M(2) + K(4) - 1));
	assert_false(memblock_is_reserved(M(2) + K(4)));
	assert_true(memblock_is_region_memory(M(1), M(1)));
	assert_false(memblock_is_region_memory(M(1), M(1) + 1)); /* two regions */
	assert_false(memblock_is_region_memory(M(3), 1));
	assert_true(memblock_is_region_reserved(M(1), M(1) + 1));
	assert_false(memblock_is_region_reserved(M(1), M(1)));
	assert_false(memblock_is_region_reserved(M(2), 0));
	assert_true(memblock_overlaps_region(&memblock.memory, M(3) - 1, PHYS_ADDR_MAX));
	assert_false(memblock_overlaps_region(&memblock.memory, M(3), PHYS_ADDR_MAX));
}

/* An empty range overlaps what it lies inside of, not what it touches: as in Linux. */
static void test_queries_of_nothing(void **state)
{
	(void)state;
	memblock_add(M(1), M(1));
	memblock_add_node(M(2), M(1), 0, MEMBLOCK_HOTPLUG);
	memblock_reserve(M(2), K(8));
	assert_false(memblock_is_region_reserved(M(2) - 1, 0));
	assert_false(memblock_is_region_reserved(M(2), 0));
	assert_true(memblock_is_region_reserved(M(2) + 1, 0));
	assert_true(memblock_is_region_reserved(M(2) + K(8) - 1, 0));
	assert_false(memblock_is_region_reserved(M(2) + K(8), 0));
	assert_true(memblock_overlaps_region(&memblock.memory, M(1) + K(4), 0));
	assert_false(memblock_overlaps_region(&memblock.memory, M(2), 0)); /* between two */
	assert_true(memblock_is_region_memory(M(1), 0));
	assert_true(memblock_is_region_memory(M(3) - 1, 0));
	assert_false(memblock_is_region_memory(M(3), 0));
	assert_true(memblock_addrs_overlap(M(1), K(4), M(1) + K(4) - 1, 1));
	assert_false(memblock_addrs_overlap(M(1), K(4), M(1) + K(4), K(4)));
	assert_false(memblock_addrs_overlap(M(1), K(4), M(1) - K(4), K(4)));
	assert_true(memblock_addrs_overlap(M(1), K(4), 0, M(64)));
	assert_true(memblock_addrs_overlap(M(1), K(4), M(1) + 1, 0));
	assert_true(memblock_addrs_overlap(M(1) + 1, 0, M(1), K(4)));
	assert_false(memblock_addrs_overlap(M(1), 0, M(1), 0));
}

/* What a region is, and its frames: of memory those within it, of a reservation all it touches. */
static void test_regions(void **state)
{
	static const struct {
		phys_addr_t base, size;
		pfn_t memory[2], reserved[2];
	} want[] = {
		{M(1), K(8), {256, 258}, {256, 258}},
		{M(1) + 1, K(8), {257, 258}, {256, 259}},
		{M(1) - 1, K(8) + 2, {256, 258}, {255, 259}},
		{M(1) + K(1), K(2), {257, 256}, {256, 257}},
		{0, 1, {0, 0}, {0, 1}},
		{PHYS_ADDR_MAX - 100,
		 50,
		 {1ULL << 52, (1ULL << 52) - 1},
		 {(1ULL << 52) - 1, 1ULL << 52}},
	};
	struct memblock_region r = {.base = 0};

	(void)state;
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		r.base = want[i].base;
		r.size = want[i].size;
		assert_int_equal(memblock_region_memory_base_pfn(&r), want[i].memory[0]);
		assert_int_equal(memblock_region_memory_end_pfn(&r), want[i].memory[1]);
		assert_int_equal(memblock_region_reserved_base_pfn(&r), want[i].reserved[0]);
		assert_int_equal(memblock_region_reserved_end_pfn(&r), want[i].reserved[1]);
	}
	for (unsigned int flags = 0; flags < 8; flags++) {
		r.flags = (enum memblock_flags)flags;
		assert_int_equal(memblock_is_nomap(&r), (flags & MEMBLOCK_NOMAP) != 0);
		assert_int_equal(memblock_is_hotpluggable(&r), (flags & MEMBLOCK_HOTPLUG) != 0);
	}
}

/* The other loops, both ways; `continue` and `break` do what they do in any loop. */
static void test_more_iterators(void **state)
{
	static const phys_addr_t mapped[][2] = {{M(1), M(5)}, {M(8), M(9)}, {M(10), M(11) + 1}};
	static const pfn_t frames[][2] = {{256, 1280}, {2048, 2304}, {2304, 2560}, {2560, 2816}};
	static const phys_addr_t reserved[][2] = {{0, K(4)}, {M(3), M(4)}, {M(64), M(65)}};
	phys_addr_t start, end;
	unsigned int n = 0;
	pfn_t first, last;
	uint64_t i;
	int idx, nid;

	(void)state;
	for_each_mem_range_rev(i, &start, &end) fail();
	for_each_reserved_mem_range(i, &start, &end) fail();
	for_each_mem_pfn_range(idx, NUMA_NO_NODE, &first, &last, &nid) fail();
	memblock_add(M(1), M(4));
	memblock_add(M(6) + 1, K(4)); /* no whole page */
	memblock_mark_nomap(M(6), M(1));
	memblock_add_node(M(8), M(1), 0, MEMBLOCK_HOTPLUG);
	memblock_add(M(9), M(1));
	memblock_mark_nomap(M(9), M(1));
	memblock_add(M(10), M(1) + 1);
	memblock_reserve(0, K(4));
	memblock_reserve(M(3), M(1));
	memblock_reserve(M(64), M(1));
	for_each_mem_range (i, &start, &end) {
		assert_int_equal(start, mapped[n][0]);
		assert_int_equal(end, mapped[n++][1]);
	}
	assert_int_equal(n, 3);
	for_each_mem_range_rev(i, &start, &end)
	{
		n--;
		assert_int_equal(start, mapped[n][0]);
		assert_int_equal(end, mapped[n][1]);
	}
	assert_int_equal(n, 0);
	for_each_reserved_mem_range(i, &start, &end)
	{
		assert_int_equal(start, reserved[n][0]);
		assert_int_equal(end, reserved[n++][1]);
	}
	assert_int_equal(n, 3);
	for (int node = NUMA_NO_NODE; node <= MAX_NUMNODES; node++) {
		n = 0;
		for_each_mem_pfn_range(idx, node, &first, &last, &nid)
		{
			assert_int_equal(first, frames[n][0]);
			assert_int_equal(last, frames[n++][1]);
			assert_int_equal(nid, 0);
		}
		assert_int_equal(n, 4);
		assert_int_equal(idx, -1);
	}
	n = 0;
	for_each_mem_pfn_range(idx, 0, &first, NULL, NULL)
	{
		if (n++ == 0)
			continue;
		assert_int_equal(first, frames[1][0]);
		break;
	}
	for_each_mem_range_rev(i, NULL, &end)
	{
		if (n++ == 2)
			continue;
		assert_int_equal(end, mapped[1][1]);
		break;
	}
	assert_int_equal(n, 4);
}

static void test_iterators(void **state)
{
	/* memory [1M, 5M) [8M, 9M) [9M, 10M) nomap; reserved 0..1.5M, 3M..4M, 4.5M..8.5M */
	static const phys_addr_t want[][2] = {
		{M(1) + K(512), M(3)}, {M(4), M(4) + K(512)}, {M(8) + K(512), M(9)}};
	struct memblock_region *r;
	phys_addr_t start, end;
	unsigned int n = 0;
	uint64_t i;
	int nid;

	(void)state;
	memblock_add(M(1), M(4));
	memblock_add(M(8), M(2));
	memblock_mark_nomap(M(9), M(1));
	memblock_reserve(0, M(1) + K(512));
	memblock_reserve(M(3), M(1));
	memblock_reserve(M(4) + K(512), M(4));
	for_each_free_mem_range (i, NUMA_NO_NODE, MEMBLOCK_NONE, &start, &end, &nid) {
		assert_true(n < 3);
		assert_int_equal(start, want[n][0]);
		assert_int_equal(end, want[n++][1]);
		assert_int_equal(nid, 0);
	}
	assert_int_equal(n, 3);
	for_each_free_mem_range_reverse(i, 0, MEMBLOCK_NONE, &start, &end, NULL)
	{
		assert_true(n > 0);
		assert_int_equal(start, want[--n][0]);
		assert_int_equal(end, want[n][1]);
	}
	assert_int_equal(n, 0);
	for_each_free_mem_range (i, NUMA_NO_NODE, MEMBLOCK_NOMAP, &start, &end, NULL) {
		n++;
	}
	assert_int_equal(n, 4);
	for_each_free_mem_range (i, 1, MEMBLOCK_NONE, &start, &end, NULL) {
		n++;
	}
	assert_int_equal(n, 4);
	for_each_mem_region (r) {
		n++;
	}
	for_each_reserved_mem_region (r) {
		n++;
	}
	assert_int_equal(n, 4 + 3 + 3);
}

static void test_dump(void **state)
{
	(void)state;
	memblock_add(M(1), M(1));
	memblock_reserve(M(1), K(4));
	memblock_dump_all();
	assert_non_null(
		strstr(port_host_log_text, "memory size = 0x100000 reserved size = 0x1000"));
	assert_non_null(strstr(port_host_log_text,
			       "memory[0x0] [0x0000000000100000-0x0000000000200000), 0x100000 "
			       "bytes flags: 0x0"));
	assert_non_null(strstr(port_host_log_text,
			       "reserved[0x0] [0x0000000000100000-0x0000000000101000)"));
}

/* ---- the check ---- */

/* A region is not what it should be: memblock_check() says so, and of either array. */
static void test_check_regions(void **state)
{
	static const struct {
		struct memblock_region
			second; /* [M(1), M(2)) is the first, and [M(5), M(6)) the last */
		const char *wrong;
	} want[] = {
		{{M(3), M(1), 0}, NULL},
		{{M(2) + 1, M(1), 0}, NULL},
		{{M(2), M(1), MEMBLOCK_HOTPLUG}, NULL},
		{{M(3), 0, 0}, "memblock: an empty region"},
		{{M(3), PHYS_ADDR_MAX - M(3) + 1, 0},
		 "memblock: a region past the top of the address space"},
		{{M(2) - 1, M(1), 0}, "memblock: regions out of order or overlapping"},
		{{M(4) + 1, M(1), 0}, "memblock: regions out of order or overlapping"},
		{{M(2), M(1), 0}, "memblock: neighbours not merged"},
		{{M(3), M(1) + 1, 0}, "memblock: total_size is not the sum of the sizes"},
	};
	struct memblock_type *types[] = {&memblock.memory, &memblock.reserved};

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		struct memblock_type *type = types[i];
		unsigned long max = type->max;

		for (size_t k = 0; k < sizeof(want) / sizeof(want[0]); k++) {
			type->cnt = 3;
			type->regions[0] = (struct memblock_region){.base = M(1), .size = M(1)};
			type->regions[1] = want[k].second;
			type->regions[2] = (struct memblock_region){.base = M(5), .size = M(1)};
			type->total_size = M(3);
			if (want[k].wrong)
				assert_string_equal(want[k].wrong, memblock_check());
			else
				assert_null(memblock_check());
		}
		type->regions[1] = want[0].second;
		type->max = 3;
		assert_null(memblock_check());
		type->max = 2;
		assert_string_equal("memblock: more regions than the array holds",
				    memblock_check());
		type->max = max;
		type->cnt = 0;
		type->total_size = 0;
	}
}

/* An array that was moved to [M(2), M(2) + bytes), of which memory holds all in two regions. */
static void test_check_arrays(void **state)
{
	static const char wrong[] = "memblock: an array is not in mapped memory, or not reserved";
	const phys_addr_t bytes = MAX_REGIONS * sizeof(struct memblock_region);
	struct memblock_type *types[] = {&memblock.memory, &memblock.reserved};

	(void)state;
	memblock_add(M(1), M(1) + K(1));
	memblock_add_node(M(2) + K(1), M(1), 0, MEMBLOCK_HOTPLUG);
	memblock_reserve(M(2), bytes);
	for (unsigned int i = 0; i < 2; i++) {
		struct memblock_type *type = types[i];
		struct memblock_region *kept = type->regions, *memory, *reserved;

		type->array_size = bytes;
		type->regions = memcpy(phys_to_virt(M(2)), kept, (size_t)bytes);
		memory = memblock.memory.regions;
		reserved = memblock.reserved.regions;
		assert_null(memblock_check());
		/* one of the regions is not mapped, */
		for (unsigned int n = 0; n < 2; n++) {
			enum memblock_flags flags = memory[n].flags;

			memory[n].flags = MEMBLOCK_NOMAP;
			assert_string_equal(wrong, memblock_check());
			memory[n].flags = flags;
		}
		/* there is a hole in the middle, its end or its start is no memory, */
		memory[1] = (struct memblock_region){M(2) + K(1) + 1, M(1) - 1, MEMBLOCK_HOTPLUG};
		memblock.memory.total_size--;
		assert_string_equal(wrong, memblock_check());
		memory[1] =
			(struct memblock_region){M(2) + K(1), bytes - K(1) - 1, MEMBLOCK_HOTPLUG};
		memblock.memory.total_size += 1 + memory[1].size - M(1);
		assert_string_equal(wrong, memblock_check());
		memory[1].size++;
		memblock.memory.total_size++;
		assert_null(memblock_check());
		memory[0] = (struct memblock_region){M(2) + 1, K(1) - 1, 0};
		memblock.memory.total_size -= M(1) + 1;
		assert_string_equal(wrong, memblock_check());
		memory[0] = (struct memblock_region){M(1), M(1) + K(1), 0};
		memory[1].size = M(1);
		memblock.memory.total_size = M(2) + K(1);
		assert_null(memblock_check());
		/* it is not reserved from its start to its end, */
		reserved[0].base++;
		assert_string_equal(wrong, memblock_check());
		reserved[0].base--;
		reserved[0].size--;
		memblock.reserved.total_size--;
		assert_string_equal(wrong, memblock_check());
		reserved[0].size++;
		memblock.reserved.total_size++;
		memblock.reserved.cnt = 0;
		memblock.reserved.total_size = 0;
		assert_string_equal(wrong, memblock_check());
		memblock.reserved.cnt = 1;
		memblock.reserved.total_size = bytes;
		/* or it has no room for what it may hold. */
		type->max++;
		assert_string_equal(wrong, memblock_check());
		type->max--;
		assert_null(memblock_check());
		type->regions = kept;
		type->array_size = 0;
	}
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_queries),	   CASE(test_queries_of_nothing), CASE(test_regions),
		CASE(test_more_iterators), CASE(test_iterators),	  CASE(test_dump),
		CASE(test_check_regions),  CASE(test_check_arrays),
	};

	return cmocka_run_group_tests_name("memblock_query", tests, NULL, NULL);
}
