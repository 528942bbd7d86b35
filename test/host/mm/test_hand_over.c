/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_hand_over.c: what memblock hands to the page allocator at boot.
 */
#include "hand_over_map.h"

static void free_all_once(void **state)
{
	uint64_t hash;

	(void)state;
	port_host_log_hook = port_host_capture;
	port_host_log_clear();
	map_init(RAM_BASE);
	map_memory(base, 2 * SECTION, MEMBLOCK_NONE);
	map_reserve(base, MIB);
	start(0);
	hash = mm_state_hash();
	assert_null(strstr(port_host_log_text, "nothing is released"));
	assert_int_equal(0, memblock_free_all());
	assert_non_null(strstr(port_host_log_text, "a second time: nothing is released"));
	assert_int_equal(hash, mm_state_hash());
	/* Neither what has become free in memblock meanwhile. */
	assert_int_equal(0, memblock_phys_free(base, MIB));
	assert_int_equal(0, memblock_free_all());
	assert_int_equal(hash, mm_state_hash());
	/* And memblock gives nothing away any more. */
	assert_int_equal(0, memblock_phys_alloc(PAGE, PAGE));
	assert_null(memblock_alloc(16, 16));
	port_host_log_hook = port_host_quiet;
}

/* All that the metadata leave is reserved. */
static void nothing_is_free(void **state)
{
	struct mm_config config = {.boot_pcpu = &machine_pcpu};
	struct page_info info;

	(void)state;
	map_init(RAM_BASE);
	map_memory(base, 2 * SECTION, MEMBLOCK_NONE);
	memset(&machine_pcpu, 0x5a, sizeof(machine_pcpu));
	port_set_pcpu(&machine_pcpu);
	assert_int_equal(0, mm_init(&config));
	assert_int_equal(0, memblock_reserve(base, 2 * SECTION));
	assert_int_equal(0, memblock_free_all());
	assert_int_equal(0, mm_check());
	assert_null(alloc_page(GFP_KERNEL | __GFP_NOWARN));
	assert_int_equal(0, memblock_free_late(base, PAGE));
	assert_int_equal(0, mm_page_info(PFN_DOWN(base), &info));
	assert_int_equal(PAGE_FREE, info.state);
	assert_int_equal(0, mm_check());
}

/*
 * Memory that comes after mm_init() has no descriptor: what of it lies before, between, next to and
 * after the banks is not released.
 */
static void added_too_late(void **state)
{
	struct mm_config config = {.boot_pcpu = &machine_pcpu};
	static const phys_addr_t late[][2] = {
		{SECTION, 0}, /* none */
		{0, SECTION},		{2 * SECTION, SECTION},
		{4 * SECTION, SECTION}, {6 * SECTION, SECTION},
	};
	unsigned long whole = 0;

	(void)state;
	for (unsigned int i = 0; i < sizeof(late) / sizeof(*late); i++) {
		map_init(RAM_BASE);
		map_memory(base + SECTION, SECTION, MEMBLOCK_NONE);
		map_memory(base + 3 * SECTION, SECTION, MEMBLOCK_NONE);
		map_memory(base + 5 * SECTION, SECTION - PAGE, MEMBLOCK_NONE);
		memset(&machine_pcpu, 0x5a, sizeof(machine_pcpu));
		port_set_pcpu(&machine_pcpu);
		assert_int_equal(0, mm_init(&config));
		assert_int_equal(0, memblock_add(base + late[i][0], late[i][1]));
		if (!i)
			whole = memblock_free_all();
		else
			assert_int_equal(whole, memblock_free_all());
		assert_int_equal(0, memblock_remove(base + late[i][0], late[i][1]));
		assert_int_equal(0, mm_check());
	}
}

/*
 * A page lies in one region, whole, or it is no memory: flags part regions, also in the midst of a
 * page.
 */
static void odd_edges(void **state)
{
	(void)state;
	map_init(RAM_BASE);
	map_memory(base + QUARTER, 2 * SECTION - 2 * QUARTER, MEMBLOCK_NONE);
	map_memory(base + 2 * SECTION - QUARTER, 3 * QUARTER, MEMBLOCK_HOTPLUG);
	map_memory(base + 2 * SECTION + 2 * QUARTER, 2 * PAGE, MEMBLOCK_NONE);
	map_memory(base + 4 * SECTION + QUARTER, PAGE, MEMBLOCK_NONE);
	map_memory(base + 5 * SECTION - QUARTER, 2 * QUARTER, MEMBLOCK_NONE);
	map_memory(base + 6 * SECTION - PAGE, 2 * PAGE, MEMBLOCK_NONE);
	map_nomap(base + SECTION + QUARTER, QUARTER);
	map_reserve(base + 6 * SECTION, PAGE);
	map_reserve(base + 2 * SECTION - 2 * QUARTER, PAGE);
	start(0);
	assert_int_equal(0, late(base + 6 * SECTION, PAGE));
	assert_int_equal(-EFAULT, late(base + 2 * SECTION - PAGE, 2 * PAGE));
	expect_map();
}

/* Pieces without a whole page at places where arithmetic might go wrong are passed over. */
static void slivers(void **state)
{
	static const struct range sliver[] = {
		{0, 1},
		{0, PAGE_SIZE - 1},
		{3 * PAGE_SIZE + 1, PAGE_SIZE},
		{RAM_BASE - 1, 1},
		{RAM_BASE + 8 * SECTION, 50},
		{RAM_BASE + 9 * SECTION - 25, 50},
		{RAM_BASE + 9 * SECTION - PAGE_SIZE + 1, 2 * PAGE_SIZE - 2},
		{((phys_addr_t)1 << CONFIG_PHYS_BITS) - 7, 14},
		{PHYS_ADDR_MAX - 100, 50},
		{PHYS_ADDR_MAX - 100, 100},
		{PHYS_ADDR_MAX - 1, 1},
		{PHYS_ADDR_MAX - PAGE_SIZE + 1, PAGE_SIZE - 1},
		{PHYS_ADDR_MAX - PAGE_SIZE, PAGE_SIZE},
		{PHYS_ADDR_MAX - 2 * PAGE_SIZE + 2, 2 * PAGE_SIZE - 2},
	};
	const unsigned int n = sizeof(sliver) / sizeof(sliver[0]);

	(void)state;
	for (unsigned int i = 0; i <= n; i++) {
		struct mm_layout layout;
		struct zone_info info;

		map_init(RAM_BASE);
		map_memory(base, 4 * SECTION, MEMBLOCK_NONE);
		for (unsigned int j = 0; j < n; j++) /* the last time all of them */
			if (j == i || i == n)
				assert_int_equal(0, memblock_add(sliver[j].base, sliver[j].size));
		memblock_set_current_limit(base + 4 * SECTION);
		start(0);
		mm_get_layout(&layout);
		assert_int_equal(4 * SECTION / PAGE, layout.present_pages);
		assert_int_equal(1, layout.nr_banks);
		assert_true(layout.memmap_bytes > layout.present_pages * sizeof(struct page));
		assert_true(layout.memmap_bytes < layout.present_pages * sizeof(struct page) * 2);
		mm_zone_info(ZONE_NORMAL, &info);
		assert_int_equal(0, info.present + info.spanned);
	}
}

/*
 * Whole pages at the edges of the address space are memory like any other; only the last byte never
 * is.
 */
static void far_ends(void **state)
{
	const phys_addr_t top = (phys_addr_t)0 - 4 * PAGE;
	struct zone_info info;

	(void)state;
	map_init(RAM_BASE);
	map_memory(base, 4 * SECTION, MEMBLOCK_NONE);
	assert_int_equal(0, memblock_add(0, 3 * PAGE));
	assert_int_equal(0, memblock_add(top - SECTION, SECTION + 4 * PAGE));
	assert_int_equal(0, memblock_reserve(top, 4 * PAGE));
	memblock_set_current_limit(base + 4 * SECTION);
	port_set_pcpu(&machine_pcpu);
	assert_int_equal(0, mm_init(&(struct mm_config){.boot_pcpu = &machine_pcpu}));
	memblock_free_all();
	mm_zone_info(ZONE_NORMAL, &info);
	assert_int_equal(1024 + 3, info.present);
	assert_int_equal(1024, info.managed);
	assert_int_equal(PFN_DOWN(top - SECTION), info.start_pfn);
	mm_zone_info(ZONE_DMA32, &info);
	assert_int_equal(4096 + 3, info.present);
	assert_int_equal(0, info.start_pfn);
	assert_int_equal(0, mm_check());
	/* Page 0 is never released, the last page is no memory whole. */
	assert_int_equal(0, memblock_free_late(0, PAGE));
	assert_int_equal(-EINVAL, memblock_free_late(top, 4 * PAGE)); /* its end wraps to 0 */
	assert_int_equal(0, memblock_free_late(top, 4 * PAGE - 1));
	mm_zone_info(ZONE_NORMAL, &info);
	assert_int_equal(1024 + 3, info.managed);
	assert_int_equal(0, mm_check());
}

/* Without memory, and with more than descriptors can number, mm_init() says so. */
static void none_or_too_much(void **state)
{
	static const char *const text[] = {"mm: no memory: ", "mm: too much memory: "};

	(void)state;
	port_host_log_hook = port_host_capture;
	for (int i = 0; i < 2; i++) {
		map_init(RAM_BASE);
		if (i)
			assert_int_equal(0, memblock_add(RAM_BASE, (phys_addr_t)20 << 40));
		port_set_pcpu(&machine_pcpu);
		port_host_log_clear();
		assert_int_equal(-EINVAL, mm_init(&(struct mm_config){.boot_pcpu = &machine_pcpu}));
		assert_non_null(strstr(port_host_log_text, text[i]));
	}
	port_host_log_hook = port_host_quiet;
}

/* mm_state_hash() has every byte of trust, also where no descriptor says anything. */
static void trust_is_state(void **state)
{
	const unsigned long index = MAX_ORDER_NR_PAGES - GROUP_PAGES; /* inside a reserved block */
	signed char *trust;
	uint64_t hash;

	(void)state;
	map_init(RAM_BASE);
	map_memory(base, 2 * SECTION, MEMBLOCK_NONE);
	map_reserve(base + PAGE, SECTION - PAGE);
	start(0);
	for (unsigned long i = index; i < index + GROUP_PAGES; i++)
		mm.memmap[i].word = PAGE_NONE;
	hash = mm_state_hash();
	trust = (signed char *)&mm.trust[index >> GROUP_SHIFT];
	*trust ^= TRUST_ALL;
	assert_int_not_equal(hash, mm_state_hash());
	*trust ^= TRUST_ALL;
	assert_int_equal(hash, mm_state_hash());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(free_all_once),    cmocka_unit_test(nothing_is_free),
		cmocka_unit_test(added_too_late),   cmocka_unit_test(odd_edges),
		cmocka_unit_test(slivers),	    cmocka_unit_test(far_ends),
		cmocka_unit_test(none_or_too_much), cmocka_unit_test(trust_is_state),
	};

	port_host_log_hook = port_host_quiet;
	return cmocka_run_group_tests_name("hand_over", tests, NULL, NULL);
}
